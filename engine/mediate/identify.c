/* SPDX-License-Identifier: Apache-2.0 */
#include "mediate/identify.h"

#include "base/limits.h"
#include "catalog/roster.h"
#include "mediate/session.h"

#include <assert.h>

/* The rows of a batch still without a subscriber, as the roster and the sessions want them. */
struct wanted {
    uint32_t rows_count;
    uint16_t rows[TG_BATCH_ROWS_MAX];
    uint8_t kinds[TG_BATCH_ROWS_MAX];
    uint64_t keys[TG_BATCH_ROWS_MAX];
    int64_t at_ns[TG_BATCH_ROWS_MAX];
    uint32_t subscribers[TG_BATCH_ROWS_MAX];
};

static void wanted_add(struct wanted *wanted, uint32_t row, uint8_t kind, uint64_t key,
                       int64_t at_ns)
{
    const uint32_t i = wanted->rows_count++;
    wanted->rows[i] = (uint16_t)row;
    wanted->kinds[i] = kind;
    wanted->keys[i] = key;
    wanted->at_ns[i] = at_ns;
}

static bool kind_is_address(uint8_t kind)
{
    return kind == TG_KEY_IP4 || kind == TG_KEY_IP6;
}

static void find_sessions(const struct tg_sessions *sessions, struct wanted *wanted)
{
    struct tg_session_query queries[TG_BATCH_ROWS_MAX];
    uint16_t places[TG_BATCH_ROWS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < wanted->rows_count; i++) {
        if (kind_is_address(wanted->kinds[i]) && wanted->subscribers[i] == TG_SUBSCRIBER_NONE) {
            queries[count] = (struct tg_session_query){.address_key = wanted->keys[i],
                                                       .at_ns = wanted->at_ns[i],
                                                       .kind = wanted->kinds[i]};
            places[count++] = (uint16_t)i;
        }
    }
    tg_sessions_find(sessions, queries, count);
    for (uint32_t i = 0; i < count; i++) {
        wanted->subscribers[places[i]] = queries[i].subscriber;
    }
}

/* Sessions first for addresses: who held it then. A roster may still hold fixed addresses. */
static void find(const struct tg_identify *self, struct wanted *wanted)
{
    for (uint32_t i = 0; i < wanted->rows_count; i++) {
        wanted->subscribers[i] = TG_SUBSCRIBER_NONE;
    }
    if (self->sessions != NULL) {
        find_sessions(self->sessions, wanted);
    }
    uint8_t kinds[TG_BATCH_ROWS_MAX];
    uint32_t found[TG_BATCH_ROWS_MAX];
    uint32_t open_kinds = 0;
    for (uint32_t i = 0; i < wanted->rows_count; i++) {
        const bool is_open = wanted->subscribers[i] == TG_SUBSCRIBER_NONE;
        kinds[i] = is_open ? wanted->kinds[i] : (uint8_t)TG_KEY_NONE;
        open_kinds |= 1u << (kinds[i] & 31u);
    }
    if ((open_kinds & self->roster->kinds) == 0) {
        return; /* all found, or of kinds that the roster does not hold */
    }
    (void)tg_roster_find(self->roster, kinds, wanted->keys, wanted->at_ns, wanted->rows_count,
                         found);
    for (uint32_t i = 0; i < wanted->rows_count; i++) {
        if (wanted->subscribers[i] == TG_SUBSCRIBER_NONE) {
            wanted->subscribers[i] = found[i];
        }
    }
}

static void row_turn(struct tg_usage *row)
{
    const uint64_t key = row->subscriber_key;
    const uint64_t up = row->quantity_up;
    row->key_kinds = tg_key_kinds(tg_usage_peer_kind(row), tg_usage_subscriber_kind(row));
    row->subscriber_key = row->peer_key;
    row->peer_key = key;
    row->quantity_up = row->quantity_down;
    row->quantity_down = up;
    row->flags |= TG_USAGE_SWAPPED;
}

static void row_unknown(struct tg_charge *charge)
{
    tg_charge_settle(charge, TG_FATE_SUSPENDED, TG_E_UNKNOWN_SUBSCRIBER);
}

/* The other end of flows whose source nobody holds. */
static void identify_peers(const struct tg_identify *self, struct tg_batch *batch,
                           struct wanted *other)
{
    find(self, other);
    for (uint32_t i = 0; i < other->rows_count; i++) {
        struct tg_charge *charge = &batch->charges[other->rows[i]];
        charge->subscriber = other->subscribers[i];
        if (charge->subscriber == TG_SUBSCRIBER_NONE) {
            row_unknown(charge);
        } else {
            row_turn(&batch->rows[other->rows[i]]);
        }
    }
}

void tg_identify_run(const struct tg_identify *self, struct tg_batch *batch)
{
    assert(batch->rows_count <= TG_BATCH_ROWS_MAX);
    struct wanted wanted;
    struct wanted other;
    wanted.rows_count = 0;
    other.rows_count = 0;
    for (uint32_t i = 0; i < batch->rows_count; i++) {
        if (batch->charges[i].fate == TG_FATE_NONE) {
            const struct tg_usage *row = &batch->rows[i];
            wanted_add(&wanted, i, (uint8_t)tg_usage_subscriber_kind(row), row->subscriber_key,
                       row->start_ns);
        }
    }
    find(self, &wanted);
    for (uint32_t i = 0; i < wanted.rows_count; i++) {
        const struct tg_usage *row = &batch->rows[wanted.rows[i]];
        struct tg_charge *charge = &batch->charges[wanted.rows[i]];
        const uint8_t peer = (uint8_t)tg_usage_peer_kind(row);
        charge->subscriber = wanted.subscribers[i];
        if (charge->subscriber != TG_SUBSCRIBER_NONE) {
            continue;
        }
        if (kind_is_address(wanted.kinds[i]) && kind_is_address(peer)) {
            wanted_add(&other, wanted.rows[i], peer, row->peer_key, row->start_ns);
        } else {
            row_unknown(charge);
        }
    }
    if (other.rows_count != 0) {
        identify_peers(self, batch, &other);
    }
}

uint32_t tg_identify_key(const struct tg_identify *self, uint8_t kind, uint64_t key, int64_t at_ns)
{
    uint32_t subscriber = TG_SUBSCRIBER_NONE;
    (void)tg_roster_find(self->roster, &kind, &key, &at_ns, 1, &subscriber);
    return subscriber;
}
