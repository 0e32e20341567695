/* SPDX-License-Identifier: Apache-2.0 */
#include "mediate/identify.h"

#include "abi/key.h"
#include "catalog/roster.h"
#include "mediate/session.h"

#include <criterion/criterion.h>
#include <string.h>

#define S       INT64_C(1000000000)
#define HOME    UINT64_C(0x0a000001) /* held by subscriber 2 in a session */
#define FIXED   UINT64_C(0x0a000002) /* subscriber 3's own by contract */
#define MOVED   UINT64_C(0x0a000003) /* 3's by contract, held by 2 from 100 s on */
#define WORLD   UINT64_C(0x08080808) /* nobody's */
#define SOMEONE 4u

static struct tg_roster *roster;
static struct tg_sessions *sessions;
static struct tg_batch batch;
static uint64_t number;

static void session_start(uint64_t address, uint32_t subscriber)
{
    const struct tg_session event = {.address_key = address,
                                     .session_key = address,
                                     .start_ns = 100 * S,
                                     .end_ns = INT64_MAX,
                                     .key_kinds = tg_key_kinds(TG_KEY_NAME, TG_KEY_IP4),
                                     .event = TG_SESSION_START};
    cr_assert_eq(tg_sessions_apply(sessions, &event, subscriber), TG_OK);
}

static void open_world(void)
{
    struct tg_roster_line lines[SOMEONE + 1];
    struct tg_roster_account accounts[1];
    struct tg_why why = {.text = ""};
    cr_assert(tg_digits_pack("491701234567", 12, &number));
    const struct tg_roster_key keys[] = {{number, 1, TG_KEY_E164},
                                         {FIXED, 3, TG_KEY_IP4},
                                         {MOVED, 3, TG_KEY_IP4},
                                         {tg_key_name("alice", 5), SOMEONE, TG_KEY_NAME}};
    memset(lines, 0, sizeof lines);
    memset(accounts, 0, sizeof accounts);
    const struct tg_roster_params params = {.size_bytes = sizeof params,
                                            .subscribers_count = SOMEONE + 1,
                                            .lines = lines,
                                            .keys = keys,
                                            .keys_count = sizeof keys / sizeof keys[0],
                                            .accounts = accounts,
                                            .accounts_count = 1};
    for (uint32_t i = 0; i <= SOMEONE; i++) {
        lines[i] = (struct tg_roster_line){.active_to_s = TG_ROSTER_OPEN_S};
    }
    cr_assert_eq(tg_roster_build(&params, &roster, &why), TG_OK, "%s", why.text);
    sessions = tg_sessions_create(16);
    session_start(HOME, 2);
    session_start(MOVED, 2);
    batch.rows_count = 0;
}

static void close_world(void)
{
    tg_roster_free(roster);
    tg_sessions_free(sessions);
}

TestSuite(identify, .init = open_world, .fini = close_world);

static struct tg_usage *row_add(enum tg_key_kind kind, uint64_t key, enum tg_key_kind peer_kind,
                                uint64_t peer)
{
    struct tg_usage *row = &batch.rows[batch.rows_count];
    *row = (struct tg_usage){.subscriber_key = key,
                             .peer_key = peer,
                             .start_ns = 150 * S,
                             .quantity_up = 10,
                             .quantity_down = 3,
                             .service = TG_SERVICE_DATA,
                             .key_kinds = tg_key_kinds(kind, peer_kind)};
    tg_charge_start(&batch.charges[batch.rows_count++]);
    return row;
}

static void run(void)
{
    const struct tg_identify self = {.roster = roster, .sessions = sessions};
    tg_identify_run(&self, &batch);
}

/* If this fails downloads are charged as uploads, or to nobody. */
Test(identify, flow_towards_the_subscriber_is_turned_round)
{
    struct tg_usage *out = row_add(TG_KEY_IP4, HOME, TG_KEY_IP4, WORLD);
    struct tg_usage *in = row_add(TG_KEY_IP4, WORLD, TG_KEY_IP4, HOME);
    run();
    cr_expect_eq(batch.charges[0].subscriber, 2);
    cr_expect_eq(out->flags, 0);
    cr_expect_eq(out->quantity_up, 10);
    cr_expect_eq(batch.charges[1].subscriber, 2);
    cr_expect_eq(in->flags, TG_USAGE_SWAPPED);
    cr_expect_eq(in->subscriber_key, HOME);
    cr_expect_eq(in->peer_key, WORLD);
    cr_expect_eq(in->quantity_up, 3);
    cr_expect_eq(in->quantity_down, 10);
}

/* If this fails flows abroad cost the home price, or a record that names its network is moved. */
Test(identify, flows_are_in_the_network_of_their_session_unless_they_name_one)
{
    static struct tg_identify_networks networks;
    const struct tg_identify self = {.roster = roster, .sessions = sessions, .networks = &networks};
    (void)row_add(TG_KEY_IP4, HOME, TG_KEY_IP4, WORLD);
    tg_identify_run(&self, &batch);
    cr_expect_eq(networks.count, 0);
    const struct tg_session told = {.address_key = HOME,
                                    .session_key = HOME,
                                    .start_ns = 100 * S,
                                    .end_ns = INT64_MAX,
                                    .key_kinds = tg_key_kinds(TG_KEY_NAME, TG_KEY_IP4),
                                    .event = TG_SESSION_UPDATE,
                                    .plmn = 20801};
    cr_assert_eq(tg_sessions_apply(sessions, &told, 2), TG_OK);
    batch.rows_count = 0;
    (void)row_add(TG_KEY_IP4, WORLD, TG_KEY_IP4, HOME); /* turned round */
    row_add(TG_KEY_IP4, HOME, TG_KEY_IP4, WORLD)->serving_network = 9;
    (void)row_add(TG_KEY_IP4, MOVED, TG_KEY_IP4, WORLD);             /* his session names none */
    (void)row_add(TG_KEY_IP4, FIXED, TG_KEY_IP4, HOME);              /* the source's by contract */
    row_add(TG_KEY_IP4, HOME, TG_KEY_IP4, WORLD)->start_ns = 50 * S; /* before the session */
    (void)row_add(TG_KEY_E164, number, TG_KEY_IP4, HOME);
    (void)row_add(TG_KEY_IP4, HOME, TG_KEY_IP4, FIXED);
    tg_identify_run(&self, &batch);
    cr_assert_eq(networks.count, 2);
    cr_expect_eq(1u << networks.items[0].row_index | 1u << networks.items[1].row_index,
                 1u << 0 | 1u << 6);
    cr_expect_eq(networks.items[0].plmn, 20801);
    cr_expect_eq(networks.items[1].plmn, 20801);
}

/* If this fails a flow between two customers is charged to the one who received it, or to both. */
Test(identify, source_comes_first_when_both_ends_are_known)
{
    struct tg_usage *row = row_add(TG_KEY_IP4, FIXED, TG_KEY_IP4, HOME);
    run();
    cr_expect_eq(batch.charges[0].subscriber, 3);
    cr_expect_eq(row->flags, 0);
}

/* If this fails a dynamic address is charged to whom it was once given by contract. */
Test(identify, session_wins_over_a_fixed_address_while_it_lasts)
{
    row_add(TG_KEY_IP4, MOVED, TG_KEY_IP4, WORLD);
    row_add(TG_KEY_IP4, MOVED, TG_KEY_IP4, WORLD)->start_ns = 50 * S;
    run();
    cr_expect_eq(batch.charges[0].subscriber, 2);
    cr_expect_eq(batch.charges[1].subscriber, 3, "before the session");
}

/* If this fails calls of strangers are charged to somebody, or those of customers to nobody. */
Test(identify, numbers_and_names_are_looked_up_and_never_turned)
{
    row_add(TG_KEY_E164, number, TG_KEY_E164, 7);
    struct tg_usage *incoming = row_add(TG_KEY_E164, 7, TG_KEY_E164, number);
    row_add(TG_KEY_NAME, tg_key_name("alice", 5), TG_KEY_SESSION, 9);
    row_add(TG_KEY_IMSI, number, TG_KEY_NONE, 0);
    run();
    cr_expect_eq(batch.charges[0].subscriber, 1);
    cr_expect_eq(batch.charges[0].fate, TG_FATE_NONE);
    cr_expect_eq(batch.charges[1].fate, TG_FATE_SUSPENDED, "the called party does not pay");
    cr_expect_eq(batch.charges[1].reason, TG_E_UNKNOWN_SUBSCRIBER);
    cr_expect_eq(incoming->flags, 0);
    cr_expect_eq(incoming->peer_key, number);
    cr_expect_eq(batch.charges[2].subscriber, SOMEONE);
    cr_expect_eq(batch.charges[3].fate, TG_FATE_SUSPENDED, "the same digits as an IMSI");
}

/* If this fails rows that already have a fate get another, or a full batch is identified by halves.
 */
Test(identify, full_batch_is_done_and_decided_rows_are_left_alone)
{
    while (batch.rows_count < TG_BATCH_ROWS_MAX) {
        const uint32_t i = batch.rows_count;
        row_add(TG_KEY_IP4, i % 3 == 0 ? HOME : WORLD + i, TG_KEY_IP4, i % 3 == 1 ? HOME : WORLD);
        if (i % 5 == 0) {
            tg_charge_settle(&batch.charges[i], TG_FATE_FILTERED, TG_E_SOURCE_FILTERED);
        }
    }
    run();
    for (uint32_t i = 0; i < TG_BATCH_ROWS_MAX; i++) {
        const struct tg_charge *charge = &batch.charges[i];
        if (i % 5 == 0) {
            cr_expect_eq(charge->fate, TG_FATE_FILTERED);
            cr_expect_eq(charge->subscriber, TG_SUBSCRIBER_NONE);
            cr_expect_eq(batch.rows[i].flags, 0);
        } else if (i % 3 == 2) {
            cr_expect_eq(charge->reason, TG_E_UNKNOWN_SUBSCRIBER);
            cr_expect_eq(batch.rows[i].quantity_up, 10, "nobody's row is not turned");
        } else {
            cr_expect_eq(charge->subscriber, 2);
            cr_expect_eq(batch.rows[i].flags, i % 3 == 1 ? TG_USAGE_SWAPPED : 0);
        }
    }
}

/* If this fails an engine without access servers identifies nobody by address. */
Test(identify, without_sessions_fixed_addresses_still_count)
{
    const struct tg_identify self = {.roster = roster, .sessions = NULL};
    row_add(TG_KEY_IP4, WORLD, TG_KEY_IP4, FIXED);
    tg_identify_run(&self, &batch);
    cr_expect_eq(batch.charges[0].subscriber, 3);
    cr_expect_eq(batch.rows[0].flags, TG_USAGE_SWAPPED);
    cr_expect_eq(tg_identify_key(&self, TG_KEY_E164, number, 0), 1);
    cr_expect_eq(tg_identify_key(&self, TG_KEY_E164, number + 1, 0), TG_SUBSCRIBER_NONE);
}
