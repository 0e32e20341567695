/* SPDX-License-Identifier: Apache-2.0 */
#include "mediate/identify.h"

#include "base/limits.h"
#include "catalog/roster.h"
#include "mediate/identify_flows.h"
#include "mediate/session.h"

#include <assert.h>

/* Rows of a batch that are asked for by address: by their source's, or by their peer's when the
 * source cannot be a subscriber. */
struct addresses {
    uint32_t count;
    uint16_t rows[TG_BATCH_ROWS_MAX];
    bool are_peers[TG_BATCH_ROWS_MAX];
    struct tg_session_query queries[TG_BATCH_ROWS_MAX];
};

/* Rows, or places among the addresses, that are asked for in the roster. */
struct keys {
    uint32_t count;
    uint16_t places[TG_BATCH_ROWS_MAX];
    uint8_t kinds[TG_BATCH_ROWS_MAX];
    uint64_t keys[TG_BATCH_ROWS_MAX];
    int64_t at_ns[TG_BATCH_ROWS_MAX];
    uint32_t subscribers[TG_BATCH_ROWS_MAX];
};

static inline bool kind_is_address(uint8_t kind)
{
    return kind == TG_KEY_IP4 || kind == TG_KEY_IP6;
}

/* Which addresses can be subscribers'. */
struct possible {
    const struct tg_session_blocks
        *blocks;    /* NULL: all, as some belong to subscribers by contract */
    bool is_nobody; /* neither sessions nor contracts */
};

static struct possible possible_of(const struct tg_identify *self)
{
    const bool has_fixed = (self->roster->kinds & (1u << TG_KEY_IP4 | 1u << TG_KEY_IP6)) != 0;
    return (struct possible){
        .blocks = has_fixed || self->sessions == NULL ? NULL : tg_sessions_blocks(self->sessions),
        .is_nobody = !has_fixed && self->sessions == NULL};
}

static inline bool may_hold(const struct possible *possible, uint64_t key, uint8_t kind)
{
    return kind_is_address(kind) &&
           (possible->blocks == NULL ? !possible->is_nobody
                                     : tg_session_blocks_has(possible->blocks, key, kind));
}

static inline void keys_add(struct keys *keys, uint32_t place, uint8_t kind, uint64_t key,
                            int64_t at_ns)
{
    const uint32_t i = keys->count++;
    keys->places[i] = (uint16_t)place;
    keys->kinds[i] = kind;
    keys->keys[i] = key;
    keys->at_ns[i] = at_ns;
}

/* Addresses that belong to a subscriber by contract, where no session says otherwise. */
static __attribute__((noinline)) void find_fixed(const struct tg_roster *roster,
                                                 struct addresses *addresses)
{
    struct keys keys;
    keys.count = 0;
    for (uint32_t i = 0; i < addresses->count; i++) {
        const struct tg_session_query *query = &addresses->queries[i];
        if (query->subscriber == TG_SUBSCRIBER_NONE) {
            keys_add(&keys, i, query->kind, query->address_key, query->at_ns);
        }
    }
    (void)tg_roster_find(roster, keys.kinds, keys.keys, keys.at_ns, keys.count, keys.subscribers);
    for (uint32_t i = 0; i < keys.count; i++) {
        addresses->queries[keys.places[i]].subscriber = keys.subscribers[i];
    }
}

/* Sessions first: who held it then. */
static void addresses_find(const struct tg_identify *self, struct addresses *addresses)
{
    const uint32_t address_kinds = 1u << TG_KEY_IP4 | 1u << TG_KEY_IP6;
    if (self->sessions != NULL) {
        tg_sessions_find(self->sessions, addresses->queries, addresses->count);
    }
    if ((self->roster->kinds & address_kinds) != 0) {
        find_fixed(self->roster, addresses);
    }
}

/* The network of the session it belongs to; what a record says of itself counts more. */
static __attribute__((noinline)) void networks_take(const struct tg_identify *self,
                                                    const struct tg_batch *batch,
                                                    const struct addresses *asked)
{
    struct tg_identify_networks *networks = self->networks;
    for (uint32_t i = 0; i < asked->count; i++) {
        const struct tg_session_query *query = &asked->queries[i];
        const uint16_t at = asked->rows[i];
        if (query->subscriber != TG_SUBSCRIBER_NONE && query->plmn != 0 &&
            batch->rows[at].serving_network == 0) {
            networks->items[networks->count++] = (struct tg_row_network){at, query->plmn};
        }
    }
}

static inline bool wants_networks(const struct tg_identify *self)
{
    return self->networks != NULL && self->sessions != NULL &&
           tg_sessions_has_networks(self->sessions);
}

static void row_turn(struct tg_usage *row)
{
    const uint64_t key = row->subscriber_key;
    const uint64_t up = row->quantity_up;
    const uint8_t kinds = row->key_kinds;
    row->key_kinds = (uint8_t)(kinds << 4 | kinds >> 4);
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

/* Which end to ask for; false: neither can be a subscriber's. */
static inline bool end_choose(const struct possible *possible, const struct tg_usage *row,
                              struct tg_session_query *query, bool *is_peer)
{
    const uint8_t kind = (uint8_t)tg_usage_subscriber_kind(row);
    const uint8_t peer_kind = (uint8_t)tg_usage_peer_kind(row);
    const bool is_source_possible = may_hold(possible, row->subscriber_key, kind);
    const bool is_peer_possible = may_hold(possible, row->peer_key, peer_kind);
    *is_peer = !is_source_possible & is_peer_possible;
    /* Without a branch: which end is the carrier's is a coin toss. */
    query->address_key = *is_peer ? row->peer_key : row->subscriber_key;
    query->kind = *is_peer ? peer_kind : kind;
    query->at_ns = row->start_ns;
    query->subscriber = TG_SUBSCRIBER_NONE;
    return is_source_possible | is_peer_possible;
}

/* The other end of flows whose source could be a subscriber's and was not. */
static __attribute__((noinline)) void identify_peers(const struct tg_identify *self,
                                                     struct tg_batch *batch, const uint16_t *rows,
                                                     uint32_t rows_count)
{
    const struct possible possible = possible_of(self);
    struct addresses peers;
    peers.count = 0;
    for (uint32_t i = 0; i < rows_count; i++) {
        const struct tg_usage *row = &batch->rows[rows[i]];
        const uint8_t kind = (uint8_t)tg_usage_peer_kind(row);
        if (!may_hold(&possible, row->peer_key, kind)) {
            row_unknown(&batch->charges[rows[i]]);
            continue;
        }
        peers.rows[peers.count] = rows[i];
        peers.queries[peers.count++] = (struct tg_session_query){.address_key = row->peer_key,
                                                                 .at_ns = row->start_ns,
                                                                 .subscriber = TG_SUBSCRIBER_NONE,
                                                                 .kind = kind};
    }
    addresses_find(self, &peers);
    if (wants_networks(self)) {
        networks_take(self, batch, &peers);
    }
    for (uint32_t i = 0; i < peers.count; i++) {
        struct tg_charge *charge = &batch->charges[peers.rows[i]];
        charge->subscriber = peers.queries[i].subscriber;
        if (charge->subscriber == TG_SUBSCRIBER_NONE) {
            row_unknown(charge);
        } else {
            row_turn(&batch->rows[peers.rows[i]]);
        }
    }
}

static void identify_addresses(const struct tg_identify *self, struct tg_batch *batch,
                               struct addresses *asked)
{
    uint16_t turned[TG_BATCH_ROWS_MAX];
    uint16_t again[TG_BATCH_ROWS_MAX];
    uint32_t turned_count = 0;
    uint32_t again_count = 0;
    addresses_find(self, asked);
    if (wants_networks(self)) {
        networks_take(self, batch, asked);
    }
    for (uint32_t i = 0; i < asked->count; i++) {
        const uint16_t at = asked->rows[i];
        const uint32_t subscriber = asked->queries[i].subscriber;
        batch->charges[at].subscriber = subscriber;
        turned[turned_count] = at;
        turned_count += asked->are_peers[i];
        if (__builtin_expect(subscriber == TG_SUBSCRIBER_NONE, 0)) {
            turned_count -= asked->are_peers[i];
            if (asked->are_peers[i]) {
                row_unknown(&batch->charges[at]);
            } else {
                again[again_count++] = at;
            }
        }
    }
    for (uint32_t i = 0; i < turned_count; i++) {
        row_turn(&batch->rows[turned[i]]);
    }
    if (again_count > 0) {
        identify_peers(self, batch, again, again_count);
    }
}

static void identify_keys(const struct tg_identify *self, struct tg_batch *batch, struct keys *keys)
{
    (void)tg_roster_find(self->roster, keys->kinds, keys->keys, keys->at_ns, keys->count,
                         keys->subscribers);
    for (uint32_t i = 0; i < keys->count; i++) {
        struct tg_charge *charge = &batch->charges[keys->places[i]];
        charge->subscriber = keys->subscribers[i];
        if (charge->subscriber == TG_SUBSCRIBER_NONE) {
            row_unknown(charge);
        }
    }
}

/* Rows that are not decided yet and are not identified by identify_flows.c. */
static uint32_t rows_left(const struct tg_identify *self, const struct possible *possible,
                          struct tg_batch *batch, uint16_t *left)
{
    if (possible->blocks != NULL && !wants_networks(self)) {
        return tg_identify_flows(self->sessions, batch, left);
    }
    uint32_t count = 0;
    for (uint32_t i = 0; i < batch->rows_count; i++) {
        left[count] = (uint16_t)i;
        count += batch->charges[i].fate == TG_FATE_NONE;
    }
    return count;
}

static __attribute__((noinline)) void identify_rows(const struct tg_identify *self,
                                                    const struct possible *possible,
                                                    struct tg_batch *batch, const uint16_t *rows,
                                                    uint32_t rows_count)
{
    struct addresses asked;
    struct keys keys;
    asked.count = 0;
    keys.count = 0;
    for (uint32_t k = 0; k < rows_count; k++) {
        const uint32_t i = rows[k];
        const struct tg_usage *row = &batch->rows[i];
        const uint8_t kind = (uint8_t)tg_usage_subscriber_kind(row);
        if (!kind_is_address(kind)) {
            keys_add(&keys, i, kind, row->subscriber_key, row->start_ns);
        } else if (end_choose(possible, row, &asked.queries[asked.count],
                              &asked.are_peers[asked.count])) {
            asked.rows[asked.count++] = (uint16_t)i;
        } else {
            row_unknown(&batch->charges[i]);
        }
    }
    if (asked.count > 0) {
        identify_addresses(self, batch, &asked);
    }
    if (keys.count > 0) {
        identify_keys(self, batch, &keys);
    }
}

void tg_identify_run(const struct tg_identify *self, struct tg_batch *batch)
{
    const struct possible possible = possible_of(self);
    uint16_t left[TG_BATCH_ROWS_MAX];
    assert(batch->rows_count <= TG_BATCH_ROWS_MAX);
    if (self->networks != NULL) {
        self->networks->count = 0;
    }
    const uint32_t left_count = rows_left(self, &possible, batch, left);
    if (left_count > 0) {
        identify_rows(self, &possible, batch, left, left_count);
    }
}

uint32_t tg_identify_key(const struct tg_identify *self, uint8_t kind, uint64_t key, int64_t at_ns)
{
    uint32_t subscriber = TG_SUBSCRIBER_NONE;
    (void)tg_roster_find(self->roster, &kind, &key, &at_ns, 1, &subscriber);
    return subscriber;
}
