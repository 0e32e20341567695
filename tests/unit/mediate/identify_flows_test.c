/* SPDX-License-Identifier: Apache-2.0 */
/* Rows identified by the session index alone against the general way, row by row: any batch, any
 * history of sessions. If these failed, a flow would be billed to another subscriber, or in the
 * wrong direction, depending on which other rows came with it. */
#include "mediate/identify.h"

#include "catalog/roster.h"
#include "mediate/session.h"

#include <criterion/criterion.h>
#include <string.h>

#define S             INT64_C(1000000000)
#define POOL          UINT64_C(0x0a000000)
#define POOL_COUNT    700u
#define SUBSCRIBERS   50u
#define NOBODYS_OWN   UINT64_C(0x01020304)
#define BATCHES_COUNT 400u

static struct tg_batch by_index;
static struct tg_batch by_slots;

static uint64_t random_next(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *state;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Where an address belongs to somebody by contract, all are asked for in the general way. */
static struct tg_roster *roster_make(uint32_t keys_count)
{
    struct tg_roster_line lines[SUBSCRIBERS] = {0};
    struct tg_roster_account accounts[1] = {0};
    const struct tg_roster_key keys[] = {{UINT64_C(0x4917012345670000) | 12, 1, TG_KEY_E164},
                                         {NOBODYS_OWN, 2, TG_KEY_IP4}};
    struct tg_why why = {.text = ""};
    struct tg_roster *roster = NULL;
    for (uint32_t i = 0; i < SUBSCRIBERS; i++) {
        lines[i].active_to_s = TG_ROSTER_OPEN_S;
    }
    const struct tg_roster_params params = {.size_bytes = sizeof params,
                                            .subscribers_count = SUBSCRIBERS,
                                            .lines = lines,
                                            .keys = keys,
                                            .keys_count = keys_count,
                                            .accounts = accounts,
                                            .accounts_count = 1};
    cr_assert_eq(tg_roster_build(&params, &roster, &why), TG_OK, "%s", why.text);
    return roster;
}

static uint64_t address_any(uint64_t *state)
{
    const uint64_t which = random_next(state);
    return which % 2 != 0   ? POOL + which / 2 % POOL_COUNT
           : which % 8 != 0 ? (UINT64_C(0x08080000) | which >> 40)
                            : UINT64_C(0x0a0a0000) + which / 8 % 3 * 65536 + which / 64 % 5;
}

static void session_any(struct tg_sessions *sessions, uint64_t *state, int64_t now_s)
{
    const uint64_t kind = random_next(state);
    const int64_t start_s = now_s - (int64_t)(random_next(state) % 50);
    const bool is_stop = kind % 5 == 0;
    const struct tg_session event = {
        .address_key = address_any(state),
        .session_key = random_next(state) % 4,
        .start_ns = start_s * S + (int64_t)(kind % S),
        .end_ns = is_stop          ? now_s * S
                  : kind % 97 == 1 ? (now_s - 30) * S
                                   : INT64_MAX,
        .node_id = (uint16_t)(1 + kind % 3),
        .key_kinds = tg_key_kinds(TG_KEY_NAME, kind % 11 == 0 ? TG_KEY_IP6 : TG_KEY_IP4),
        .event = kind % 97 == 1 ? TG_SESSION_CLEAR
                 : is_stop      ? TG_SESSION_STOP
                                : TG_SESSION_START};
    (void)tg_sessions_apply(sessions, &event, (uint32_t)(kind >> 32) % SUBSCRIBERS);
}

static void row_any(uint64_t *state, int64_t now_s, struct tg_usage *row, struct tg_charge *charge)
{
    static const uint8_t kinds[] = {TG_KEY_IP4,  TG_KEY_IP4,  TG_KEY_IP4, TG_KEY_IP6,
                                    TG_KEY_E164, TG_KEY_NONE, TG_KEY_NAME};
    const uint64_t which = random_next(state);
    const uint8_t kind = which % 6 != 0 ? TG_KEY_IP4 : kinds[which / 6 % sizeof kinds];
    const uint8_t peer_kind = which % 7 != 0 ? TG_KEY_IP4 : kinds[which / 7 % sizeof kinds];
    *row = (struct tg_usage){.subscriber_key = address_any(state),
                             .peer_key = address_any(state),
                             .start_ns = now_s * S - (int64_t)(which >> 20) % (60 * S),
                             .quantity_up = random_next(state) & TG_QUANTITY_MAX,
                             .rating_group = (uint16_t)random_next(state),
                             .quantity_down = random_next(state) & TG_QUANTITY_MAX,
                             .serving_network = (uint16_t)random_next(state),
                             .record_key = random_next(state),
                             .service = TG_SERVICE_DATA,
                             .key_kinds = tg_key_kinds(kind, peer_kind),
                             .flags = (uint8_t)(which >> 56) & ~TG_USAGE_SWAPPED & 255u};
    tg_charge_start(charge);
    if (which % 31 == 0) {
        tg_charge_settle(charge, TG_FATE_FILTERED, TG_E_SOURCE_FILTERED);
    }
}

Test(identify_flows, index_tells_what_the_general_way_tells)
{
    struct tg_roster *plain = roster_make(1);
    struct tg_roster *with_own = roster_make(2);
    struct tg_sessions *sessions = tg_sessions_create(2 * POOL_COUNT);
    uint64_t state = 5;
    uint32_t found_count = 0;
    uint32_t turned_count = 0;
    for (uint32_t b = 0; b < BATCHES_COUNT; b++) {
        const int64_t now_s = 1000 + b;
        for (uint32_t i = 0; i < 20; i++) {
            session_any(sessions, &state, now_s);
        }
        by_index.rows_count = (uint32_t)(random_next(&state) % (TG_BATCH_ROWS_MAX + 1));
        for (uint32_t i = 0; i < by_index.rows_count; i++) {
            row_any(&state, now_s, &by_index.rows[i], &by_index.charges[i]);
        }
        by_slots = by_index;
        const struct tg_identify one = {.roster = plain, .sessions = sessions};
        const struct tg_identify other = {.roster = with_own, .sessions = sessions};
        tg_identify_run(&one, &by_index);
        tg_identify_run(&other, &by_slots);
        for (uint32_t i = 0; i < by_index.rows_count; i++) {
            cr_assert_arr_eq(&by_index.rows[i], &by_slots.rows[i], sizeof by_index.rows[i],
                             "batch %u row %u", b, i);
            cr_assert_arr_eq(&by_index.charges[i], &by_slots.charges[i], sizeof by_index.charges[i],
                             "batch %u verdict %u", b, i);
            found_count += by_index.charges[i].subscriber != TG_SUBSCRIBER_NONE;
            turned_count += (by_index.rows[i].flags & TG_USAGE_SWAPPED) != 0;
        }
    }
    cr_expect_gt(found_count, 5000, "%u", found_count);
    cr_expect_gt(turned_count, 2000, "%u", turned_count);
    tg_sessions_free(sessions);
    tg_roster_free(with_own);
    tg_roster_free(plain);
}
