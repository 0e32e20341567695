/* SPDX-License-Identifier: Apache-2.0 */
/* Who holds an address when, however late and in whatever order the access server tells. */
#include "mediate/session.h"

#include "record/charge.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define S INT64_C(1000000000)

static struct tg_sessions *table;

static void open_table(void)
{
    table = tg_sessions_create(64);
    cr_assert_not_null(table);
}

static void close_table(void)
{
    tg_sessions_free(table);
}

TestSuite(session_order, .init = open_table, .fini = close_table);

#define ADDRESS UINT64_C(0x0a000001)

static struct tg_session event_make(uint8_t event, uint64_t session, int64_t start_s, int64_t end_s)
{
    return (struct tg_session){.address_key = ADDRESS,
                               .session_key = session * UINT64_C(0x9e3779b97f4a7c15),
                               .start_ns = start_s * S,
                               .end_ns = event == TG_SESSION_STOP ? end_s * S : INT64_MAX,
                               .node_id = 3,
                               .key_kinds = tg_key_kinds(TG_KEY_E164, TG_KEY_IP4),
                               .event = event};
}

static void apply(uint8_t event, uint64_t session, int64_t start_s, int64_t end_s,
                  uint32_t subscriber)
{
    const struct tg_session made = event_make(event, session, start_s, end_s);
    cr_assert_eq(tg_sessions_apply(table, &made, subscriber), TG_OK);
}

static void clear(uint16_t node_id, int64_t at_s)
{
    const struct tg_session event = {
        .event = TG_SESSION_CLEAR, .node_id = node_id, .end_ns = at_s * S};
    cr_assert_eq(tg_sessions_apply(table, &event, TG_SUBSCRIBER_NONE), TG_OK);
}

static uint32_t holder_ns(int64_t at_ns)
{
    struct tg_session_query query = {.address_key = ADDRESS, .at_ns = at_ns, .kind = TG_KEY_IP4};
    tg_sessions_find(table, &query, 1);
    return query.subscriber;
}

static uint32_t holder(int64_t at_s)
{
    return holder_ns(at_s * S);
}

#define NETWORK_A 26201u
#define NETWORK_B 1310410u /* 310-410 */

static void apply_in(uint8_t event, uint64_t session, int64_t start_s, int64_t end_s, uint32_t plmn)
{
    struct tg_session made = event_make(event, session, start_s, end_s);
    made.plmn = plmn;
    cr_assert_eq(tg_sessions_apply(table, &made, 7), TG_OK);
}

static uint32_t network(int64_t at_s)
{
    struct tg_session_query query = {
        .address_key = ADDRESS, .at_ns = at_s * S, .kind = TG_KEY_IP4, .plmn = 1};
    tg_sessions_find(table, &query, 1);
    return query.plmn;
}

/* If this fails flows abroad are priced as at home, or those at home as in the network where the
 * address's holder before was. */
Test(session_order, network_of_a_session_is_the_last_one_told)
{
    cr_expect_not(tg_sessions_has_networks(table));
    apply(TG_SESSION_START, 1, 100, 0, 7);
    cr_expect_not(tg_sessions_has_networks(table), "who says none costs nothing");
    apply_in(TG_SESSION_START, 1, 100, 0, NETWORK_A);
    cr_expect(tg_sessions_has_networks(table));
    cr_expect_eq(network(150), NETWORK_A);
    apply_in(TG_SESSION_UPDATE, 1, 100, 0, NETWORK_B);
    cr_expect_eq(network(150), NETWORK_B);
    apply_in(TG_SESSION_START, 1, 100, 0, NETWORK_A);
    cr_expect_eq(network(150), NETWORK_B, "a start that was overtaken");
    apply(TG_SESSION_UPDATE, 1, 100, 0, 7);
    cr_expect_eq(network(150), NETWORK_B, "an interim that says nothing");
    apply(TG_SESSION_STOP, 1, 100, 200, 7);
    cr_expect_eq(network(150), NETWORK_B);
    cr_expect_eq(network(201), NETWORK_B, "within the grace");
    cr_expect_eq(network(99), 0);
    apply(TG_SESSION_START, 2, 300, 0, 7);
    cr_expect_eq(network(350), 0, "the next session begins anew");
    cr_expect_eq(network(150), NETWORK_B, "the one before keeps its own");
    apply_in(TG_SESSION_STOP, 1, 100, 200, NETWORK_A);
    cr_expect_eq(network(150), NETWORK_A);
}

/* More networks than the index tells of by itself: if this fails the thirty-second is another. */
Test(session_order, any_number_of_networks_is_kept_apart)
{
    enum { COUNT = 60 };
    struct tg_session_query queries[COUNT];
    for (uint32_t i = 0; i < COUNT; i++) {
        struct tg_session event = event_make(TG_SESSION_START, i, 100, 0);
        event.address_key = ADDRESS + i;
        event.plmn = 1999999 - i / 2 * 7919; /* all 21 bits; each of two */
        cr_assert_eq(tg_sessions_apply(table, &event, i), TG_OK);
        queries[i] = (struct tg_session_query){
            .address_key = ADDRESS + i, .at_ns = 150 * S, .kind = TG_KEY_IP4};
    }
    tg_sessions_find(table, queries, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        cr_expect_eq(queries[i].subscriber, i);
        cr_expect_eq(queries[i].plmn, 1999999 - i / 2 * 7919, "%u: %u", i, queries[i].plmn);
    }
}

/* If this fails usage before the login or after the logout is charged to whoever is known. */
Test(session_order, holds_from_start_to_stop_and_a_grace_behind)
{
    apply(TG_SESSION_START, 1, 100, 0, 7);
    cr_expect_eq(holder_ns(100 * S - 1), TG_SUBSCRIBER_NONE);
    cr_expect_eq(holder(100), 7);
    cr_expect_eq(holder(1000000), 7);
    apply(TG_SESSION_STOP, 1, 100, 200, 7);
    cr_expect_eq(holder(199), 7);
    cr_expect_eq(holder_ns(200 * S + TG_SESSION_GRACE_NS - 1), 7, "flows close a little later");
    cr_expect_eq(holder_ns(200 * S + TG_SESSION_GRACE_NS), TG_SUBSCRIBER_NONE);
    struct tg_session_query other = {
        .address_key = ADDRESS + 1, .at_ns = 150 * S, .kind = TG_KEY_IP4};
    tg_sessions_find(table, &other, 1);
    cr_expect_eq(other.subscriber, TG_SUBSCRIBER_NONE, "another address");
    other = (struct tg_session_query){.address_key = ADDRESS, .at_ns = 150 * S, .kind = TG_KEY_IP6};
    tg_sessions_find(table, &other, 1);
    cr_expect_eq(other.subscriber, TG_SUBSCRIBER_NONE, "the same bits as a /64");
}

/* If this fails the next customer on an address pays for the last flows of the one before. */
Test(session_order, grace_never_beats_the_one_who_really_held_it)
{
    apply(TG_SESSION_START, 1, 100, 0, 7);
    apply(TG_SESSION_STOP, 1, 100, 200, 7);
    apply(TG_SESSION_START, 2, 202, 0, 8);
    cr_expect_eq(holder(201), 7, "between both: grace");
    cr_expect_eq(holder(202), 8);
    cr_expect_eq(holder(204), 8);
    cr_expect_eq(holder(150), 7, "the holder before is still known");
}

/* Every order of the six events of two customers, told once or twice: the same holders. If this
 * fails the charge depends on which datagram was faster. */
Test(session_order, any_order_and_any_repeats_give_the_same_holders)
{
    struct {
        struct tg_session event;
        uint32_t subscriber;
    } events[6] = {
        {event_make(TG_SESSION_START, 1, 100, 0), 7},
        {event_make(TG_SESSION_UPDATE, 1, 100, 0), 7},
        {event_make(TG_SESSION_STOP, 1, 100, 180), 7},
        {event_make(TG_SESSION_START, 2, 200, 0), 8},
        {event_make(TG_SESSION_UPDATE, 2, 200, 0), 8},
        {event_make(TG_SESSION_STOP, 2, 200, 300), 8},
    };
    static const struct {
        int64_t at_s;
        uint32_t subscriber;
    } wanted[] = {{99, TG_SUBSCRIBER_NONE},
                  {100, 7},
                  {179, 7},
                  {184, 7},
                  {186, TG_SUBSCRIBER_NONE},
                  {199, TG_SUBSCRIBER_NONE},
                  {200, 8},
                  {299, 8},
                  {306, TG_SUBSCRIBER_NONE}};
    for (uint32_t i = 0; i < 6; i++) { /* whichever of them is heard, the network is known */
        events[i].event.plmn = i < 3 ? NETWORK_A : NETWORK_B;
    }
    for (uint32_t code = 0; code < 720 * 2; code++) {
        uint32_t left[6] = {0, 1, 2, 3, 4, 5};
        uint32_t rest = code / 2;
        tg_sessions_free(table);
        open_table();
        for (uint32_t i = 0; i < 6; i++) {
            const uint32_t pick = rest % (6 - i);
            rest /= 6 - i;
            const uint32_t chosen = left[pick];
            memmove(&left[pick], &left[pick + 1], (5 - pick) * sizeof left[0]);
            for (uint32_t times = 0; times <= code % 2; times++) {
                (void)tg_sessions_apply(table, &events[chosen].event, events[chosen].subscriber);
            }
        }
        for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
            cr_assert_eq(holder(wanted[i].at_s), wanted[i].subscriber, "order %u at %d: %u", code,
                         (int)wanted[i].at_s, holder(wanted[i].at_s));
            cr_assert_eq(network(wanted[i].at_s), wanted[i].subscriber == 7   ? NETWORK_A
                                                  : wanted[i].subscriber == 8 ? NETWORK_B
                                                                              : 0);
        }
    }
}

/* If this fails a customer who logs in again at once has no address until the next interim. */
Test(session_order, late_stop_of_a_session_does_not_end_the_same_customers_next_one)
{
    apply(TG_SESSION_START, 1, 100, 0, 7);
    apply(TG_SESSION_START, 2, 300, 0, 7);
    apply(TG_SESSION_STOP, 1, 100, 200, 7);
    cr_expect_eq(holder(350), 7);
    cr_expect_eq(holder(250), TG_SUBSCRIBER_NONE);
    cr_expect_eq(holder(150), 7);
}

/* If this fails a session whose start was lost never identifies anybody. */
Test(session_order, stop_or_interim_alone_tells_who_held_it)
{
    apply(TG_SESSION_START, 1, 50, 0, 6);
    apply(TG_SESSION_STOP, 2, 100, 200, 7);
    cr_expect_eq(holder(99), 6, "his stop was lost: he held it until the next one's start");
    cr_expect_eq(holder(100), 7);
    cr_expect_eq(holder(300), TG_SUBSCRIBER_NONE);
    apply(TG_SESSION_UPDATE, 3, 250, 0, 8);
    cr_expect_eq(holder(400), 8);
    apply(TG_SESSION_STOP, 9, 10, 60, 5);
    cr_expect_eq(holder(20), TG_SUBSCRIBER_NONE, "older than the two that are kept");
    cr_expect_eq(holder(150), 7, "and it pushes nobody out");
}

/* If this fails all customers of a restarted access server keep addresses that others have. */
Test(session_order, restart_of_the_access_server_ends_its_sessions_then)
{
    apply(TG_SESSION_START, 1, 100, 0, 7);
    clear(4, 150);
    cr_expect_eq(holder(160), 7, "another server");
    clear(3, 200);
    clear(3, 201);
    cr_expect_eq(holder(199), 7);
    cr_expect_eq(holder(210), TG_SUBSCRIBER_NONE);
    clear(3, 500);
    cr_expect_eq(holder(300), TG_SUBSCRIBER_NONE, "a later restart gives nothing back");
    clear(3, 150);
    cr_expect_eq(holder(160), TG_SUBSCRIBER_NONE, "a restart that is heard late");
    apply(TG_SESSION_START, 2, 600, 0, 8);
    cr_expect_eq(holder(700), 8, "a session after the restart");
    for (int64_t i = 0; i < 40; i++) {
        clear(3, 1000 + i * 10);
    }
    cr_expect_eq(holder(700), 8, "restarts after it do not move its beginning");
    cr_expect_eq(holder(1390 + 10), TG_SUBSCRIBER_NONE, "more restarts than are kept");
}

/* If this fails a full table gives an address to nobody's account, or forgets silently. */
Test(session_order, full_table_refuses_new_addresses_and_counts)
{
    for (uint64_t i = 0; i < 64; i++) {
        struct tg_session event = event_make(TG_SESSION_START, 1, 100, 0);
        event.address_key = 1000 + i;
        cr_assert_eq(tg_sessions_apply(table, &event, (uint32_t)i), TG_OK);
    }
    struct tg_session event = event_make(TG_SESSION_START, 1, 100, 0);
    event.address_key = 5000;
    cr_expect_eq(tg_sessions_apply(table, &event, 99), TG_E_FULL);
    cr_expect_eq(tg_sessions_refused(table), 1);
    cr_expect_eq(tg_sessions_count(table), 64);
    event.address_key = 1000;
    event.session_key = 77;
    event.start_ns = 200 * S;
    cr_expect_eq(tg_sessions_apply(table, &event, 98), TG_OK, "a known address goes on");
    struct tg_session_query queries[64];
    for (uint64_t i = 0; i < 64; i++) {
        queries[i] = (struct tg_session_query){
            .address_key = 1000 + i, .at_ns = 150 * S, .kind = TG_KEY_IP4};
    }
    tg_sessions_find(table, queries, 64);
    for (uint32_t i = 0; i < 64; i++) {
        cr_expect_eq(queries[i].subscriber, i);
    }
}

/* A table made from pages that were taken after different events, as a checkpoint under load is:
 * the page of addresses after `slots_at` of them, the page of restarts after `clears_at`. Then the
 * events are replayed from the first of the two on. */
static struct tg_sessions *from_pages(const struct tg_session *events, uint32_t count,
                                      uint32_t slots_at, uint32_t clears_at)
{
    static uint8_t page[TG_SESSIONS_PAGE_BYTES];
    struct tg_sessions *live = tg_sessions_create(64);
    struct tg_sessions *made = tg_sessions_create(64);
    for (uint32_t i = 0; i <= count; i++) {
        for (uint32_t p = 0; p < 2; p++) {
            if (i == (p == 0 ? clears_at : slots_at)) {
                const uint32_t size = tg_sessions_page_take(live, p, page);
                cr_assert_eq(tg_sessions_page_load(made, p, i, page, size), TG_OK);
            }
        }
        if (i < count) {
            (void)tg_sessions_apply(live, &events[i], events[i].session_key);
        }
    }
    tg_sessions_free(live);
    tg_sessions_pages_loaded(made);
    for (uint32_t i = slots_at < clears_at ? slots_at : clears_at; i < count; i++) {
        (void)tg_sessions_replay(made, &events[i], events[i].session_key, i + 1);
    }
    return made;
}

/* If this fails a restart of the engine forgets who held which address, or remembers otherwise. */
Test(session_order, pages_of_different_moments_and_replay_bring_everything_back)
{
    enum { EVENTS = 60, ADDRESSES = 8 };
    struct tg_session events[EVENTS];
    uint64_t state = 5;
    for (uint32_t i = 0; i < EVENTS; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        const uint32_t draw = (uint32_t)(state >> 33);
        events[i] = (struct tg_session){.event = draw % 10 == 0   ? TG_SESSION_CLEAR
                                                 : draw % 10 <= 6 ? TG_SESSION_START
                                                                  : TG_SESSION_STOP,
                                        .key_kinds = TG_KEY_IP4 << 4,
                                        .node_id = (uint16_t)(1 + draw % 2),
                                        .address_key = 0x0a000000 + draw / 16 % ADDRESSES,
                                        .session_key = 1 + draw / 512 % 6,
                                        .plmn = draw % 3 == 0 ? 0 : 1 + draw / 64 % 40,
                                        .start_ns = (int64_t)(draw / 4096 % 90) * S,
                                        .end_ns = (int64_t)(draw / 8192 % 120) * S};
    }
    for (uint32_t slots_at = 0; slots_at <= EVENTS; slots_at += 3) {
        for (uint32_t clears_at = 0; clears_at <= EVENTS; clears_at += 4) {
            struct tg_sessions *whole = from_pages(events, EVENTS, 0, 0);
            struct tg_sessions *made = from_pages(events, EVENTS, slots_at, clears_at);
            cr_expect_eq(tg_sessions_count(made), tg_sessions_count(whole));
            for (int64_t at = 0; at < 150; at += 2) {
                struct tg_session_query a[ADDRESSES];
                for (uint32_t i = 0; i < ADDRESSES; i++) {
                    a[i] = (struct tg_session_query){
                        .address_key = 0x0a000000 + i, .at_ns = at * S, .kind = TG_KEY_IP4};
                }
                struct tg_session_query b[ADDRESSES];
                memcpy(b, a, sizeof b);
                tg_sessions_find(whole, a, ADDRESSES);
                tg_sessions_find(made, b, ADDRESSES);
                for (uint32_t i = 0; i < ADDRESSES; i++) {
                    cr_assert_eq(a[i].subscriber, b[i].subscriber, "%u %u, %u at %lld", slots_at,
                                 clears_at, i, (long long)at);
                    cr_assert_eq(a[i].plmn, b[i].plmn, "%u %u, %u at %lld: %u, %u", slots_at,
                                 clears_at, i, (long long)at, a[i].plmn, b[i].plmn);
                }
            }
            tg_sessions_free(whole);
            tg_sessions_free(made);
        }
    }
}

/* If this fails an engine with a smaller table starts and forgets sessions without a word. */
Test(session_order, pages_of_a_larger_table_are_refused_when_somebody_would_be_lost)
{
    static uint8_t page[TG_SESSIONS_PAGE_BYTES];
    struct tg_sessions *large = tg_sessions_create(200);
    struct tg_session event = {.event = TG_SESSION_START, .key_kinds = TG_KEY_IP4 << 4};
    for (uint32_t i = 0; i < 100; i++) {
        event.address_key = 1000 + i;
        cr_assert_eq(tg_sessions_apply(large, &event, i), TG_OK);
        if (i == 63) {
            const uint32_t size = tg_sessions_page_take(large, 1, page);
            cr_expect_eq(tg_sessions_page_load(table, 1, 1, page, size), TG_OK, "all find a place");
        }
    }
    const uint32_t size = tg_sessions_page_take(large, 1, page);
    cr_expect_eq(tg_sessions_page_load(table, 1, 1, page, size), TG_E_FULL);
    tg_sessions_free(large);
}
