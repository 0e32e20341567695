/* SPDX-License-Identifier: Apache-2.0 */
#include "mediate/session.h"

#include "record/charge.h"

#include <criterion/criterion.h>

#define S     INT64_C(1000000000)
#define COUNT 5000u

static struct tg_session event_of(uint32_t address, uint8_t kind, int64_t start_ns)
{
    return (struct tg_session){.address_key = address,
                               .start_ns = start_ns,
                               .end_ns = INT64_MAX,
                               .node_id = 3,
                               .key_kinds = tg_key_kinds(TG_KEY_IMSI, kind),
                               .event = TG_SESSION_START};
}

static uint32_t holder(const struct tg_sessions *sessions, uint64_t key, uint8_t kind,
                       int64_t at_ns)
{
    struct tg_session_query query = {.address_key = key, .at_ns = at_ns, .kind = kind};
    tg_sessions_find(sessions, &query, 1);
    return query.subscriber;
}

Test(session, every_address_of_a_full_table_is_found_in_any_batch)
{
    /* If this failed, usage of a held address would be suspended, or go to a stranger's bill. The
     * same number as IPv4 and as IPv6 key are two addresses. */
    struct tg_sessions *sessions = tg_sessions_create(2 * COUNT);
    static struct tg_session_query queries[2 * COUNT + 100];
    for (uint32_t i = 0; i < 2 * COUNT; i++) {
        const struct tg_session event =
            event_of(i / 2, i % 2 == 0 ? TG_KEY_IP4 : TG_KEY_IP6, (int64_t)(i + 1) * S);
        cr_assert_eq(tg_sessions_apply(sessions, &event, i), TG_OK);
    }
    const struct tg_session more = event_of(COUNT + 1, TG_KEY_IP4, S);
    cr_assert_eq(tg_sessions_apply(sessions, &more, 1), TG_E_FULL);
    cr_assert_eq(tg_sessions_refused(sessions), 1);
    cr_assert_eq(tg_sessions_count(sessions), 2 * COUNT);
    for (uint32_t i = 0; i < 2 * COUNT + 100; i++) {
        queries[i] = (struct tg_session_query){.address_key = i / 2,
                                               .at_ns = (int64_t)(2 * COUNT + 2) * S,
                                               .kind = i % 2 == 0 ? TG_KEY_IP4 : TG_KEY_IP6};
    }
    tg_sessions_find(sessions, queries, 2 * COUNT + 100);
    for (uint32_t i = 0; i < 2 * COUNT + 100; i++) {
        const uint32_t wanted = i < 2 * COUNT ? i : TG_SUBSCRIBER_NONE;
        cr_assert_eq(queries[i].subscriber, wanted, "query %u: %u", i, queries[i].subscriber);
    }
    tg_sessions_free(sessions);
}

Test(session, addresses_far_from_each_other_are_found_too)
{
    /* If this failed, a carrier whose addresses are scattered over more /24s or /16s than the index
     * has room for would have their usage suspended, or a neighbour's billed to them. */
    for (uint32_t shift = 8; shift <= 20; shift += 4) {
        struct tg_sessions *sessions = tg_sessions_create(COUNT);
        static struct tg_session_query queries[COUNT][3];
        const uint32_t count = shift == 20 ? 1u << 12 : COUNT;
        for (uint32_t i = 0; i < count; i++) {
            const struct tg_session event = event_of((i << shift) + 7, TG_KEY_IP4, 10 * S);
            cr_assert_eq(tg_sessions_apply(sessions, &event, i), TG_OK);
            for (uint32_t k = 0; k < 3; k++) {
                /* Nobody before, its holder, nobody beside. */
                queries[i][k] = (struct tg_session_query){.address_key = (i << shift) + 7 + k / 2,
                                                          .at_ns = k == 0 ? 9 * S : 12 * S,
                                                          .kind = TG_KEY_IP4};
            }
        }
        tg_sessions_find(sessions, &queries[0][0], 3 * count);
        for (uint32_t i = 0; i < count; i++) {
            cr_assert_eq(queries[i][0].subscriber, TG_SUBSCRIBER_NONE, "%u before", i);
            cr_assert_eq(queries[i][1].subscriber, i, "%u << %u", i, shift);
            cr_assert_eq(queries[i][2].subscriber, TG_SUBSCRIBER_NONE, "%u beside", i);
        }
        const struct tg_session next = event_of((count - 1) << shift | 7, TG_KEY_IP4, 20 * S);
        cr_assert_eq(tg_sessions_apply(sessions, &next, 7), TG_OK);
        cr_expect_eq(holder(sessions, next.address_key, TG_KEY_IP4, 12 * S), count - 1);
        cr_expect_eq(holder(sessions, next.address_key, TG_KEY_IP4, 25 * S), 7);
        tg_sessions_free(sessions);
    }
}

Test(session, a_flow_belongs_to_who_held_the_address_then)
{
    /* If this failed, a flow exported after its session ended would go to the next holder. */
    struct tg_sessions *sessions = tg_sessions_create(10);
    struct tg_session event = event_of(7, TG_KEY_IP4, 100 * S);
    cr_assert_eq(tg_sessions_apply(sessions, &event, 1), TG_OK);
    event = event_of(7, TG_KEY_IP4, 200 * S);
    cr_assert_eq(tg_sessions_apply(sessions, &event, 2), TG_OK);
    cr_expect_eq(holder(sessions, 7, TG_KEY_IP4, 99 * S), TG_SUBSCRIBER_NONE);
    cr_expect_eq(holder(sessions, 7, TG_KEY_IP4, 100 * S), 1);
    cr_expect_eq(holder(sessions, 7, TG_KEY_IP4, 199 * S), 1);
    cr_expect_eq(holder(sessions, 7, TG_KEY_IP4, 200 * S), 2);
    cr_expect_eq(holder(sessions, 7, TG_KEY_IP4, 9000 * S), 2);
    event.event = TG_SESSION_STOP;
    event.end_ns = 300 * S;
    cr_assert_eq(tg_sessions_apply(sessions, &event, 2), TG_OK);
    cr_expect_eq(holder(sessions, 7, TG_KEY_IP4, 299 * S), 2);
    cr_expect_eq(holder(sessions, 7, TG_KEY_IP4, 300 * S + TG_SESSION_GRACE_NS - 1), 2);
    cr_expect_eq(holder(sessions, 7, TG_KEY_IP4, 300 * S + TG_SESSION_GRACE_NS),
                 TG_SUBSCRIBER_NONE);
    tg_sessions_free(sessions);
}

Test(session, a_restart_of_the_access_server_ends_its_sessions)
{
    /* If this failed, a subscriber would pay for who got his address after the restart. */
    struct tg_sessions *sessions = tg_sessions_create(10);
    struct tg_session event = event_of(7, TG_KEY_IP4, 100 * S);
    cr_assert_eq(tg_sessions_apply(sessions, &event, 1), TG_OK);
    const struct tg_session clear = {.node_id = 3, .end_ns = 150 * S, .event = TG_SESSION_CLEAR};
    cr_assert_eq(tg_sessions_apply(sessions, &clear, TG_SUBSCRIBER_NONE), TG_OK);
    cr_expect_eq(holder(sessions, 7, TG_KEY_IP4, 149 * S), 1);
    cr_expect_eq(holder(sessions, 7, TG_KEY_IP4, 200 * S), TG_SUBSCRIBER_NONE);
    event = event_of(7, TG_KEY_IP4, 160 * S);
    cr_assert_eq(tg_sessions_apply(sessions, &event, 4), TG_OK);
    cr_expect_eq(holder(sessions, 7, TG_KEY_IP4, 200 * S), 4);
    tg_sessions_free(sessions);
}
