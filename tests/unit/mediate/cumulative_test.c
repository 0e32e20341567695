/* SPDX-License-Identifier: Apache-2.0 */
#include "mediate/cumulative.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define S INT64_C(1000000000)

static struct tg_usage reading(uint64_t session, uint64_t up, uint64_t down, uint32_t duration_ms)
{
    return (struct tg_usage){.peer_key = session,
                             .start_ns = (int64_t)session * S,
                             .quantity_up = up,
                             .quantity_down = down,
                             .duration_ms = duration_ms,
                             .flags = TG_USAGE_CUMULATIVE | TG_USAGE_PARTIAL};
}

static struct tg_cumulative *table;

static void open_table(void)
{
    table = tg_cumulative_create(1000);
    cr_assert_not_null(table);
}

static void close_table(void)
{
    tg_cumulative_free(table);
}

TestSuite(cumulative, .init = open_table, .fini = close_table);

/* If this fails a day-long session is charged for its sum of sums: hundreds of times its octets. */
Test(cumulative, readings_become_what_was_used_since_the_last_one)
{
    static const struct {
        uint64_t up, down;
        uint32_t duration_ms;
        enum tg_err err;
        uint64_t delta_up, delta_down;
        uint32_t delta_ms;
        const char *what;
    } rows[] = {
        {100, 1000, 60000, TG_OK, 100, 1000, 60000, "first"},
        {150, 1000, 120000, TG_OK, 50, 0, 60000, "second"},
        {150, 1000, 120000, TG_OK, 0, 0, 0, "repeated"},
        {120, 1000, 90000, TG_E_MERGED, 0, 0, 0, "late"},
        {150, 999, 130000, TG_E_MERGED, 0, 0, 0, "late by its octets down"},
        {150, 1000, 119999, TG_E_MERGED, 0, 0, 0, "late by its duration"},
        {149, 1001, 120001, TG_E_MERGED, 0, 0, 0, "late by its octets up"},
        {UINT64_C(5000000000), 2000, 180000, TG_OK, UINT64_C(4999999850), 1000, 60000, "4 GiB"},
        {UINT64_C(5000000000), 2000, 180000, TG_OK, 0, 0, 0, "stop with nothing new"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tg_usage row = reading(5, rows[i].up, rows[i].down, rows[i].duration_ms);
        cr_expect_eq(tg_cumulative_delta(table, &row), rows[i].err, "%s", rows[i].what);
        cr_expect_eq(row.quantity_up, rows[i].delta_up, "%s", rows[i].what);
        cr_expect_eq(row.quantity_down, rows[i].delta_down, "%s", rows[i].what);
        cr_expect_eq(row.duration_ms, rows[i].delta_ms, "%s", rows[i].what);
    }
    struct tg_usage other = reading(6, 7, 8, 9);
    cr_expect_eq(tg_cumulative_delta(table, &other), TG_OK);
    cr_expect_eq(other.quantity_up, 7, "another session starts from zero");
}

/* Readings of a session in any order and with repeats add up to the last one. If this fails the
 * sum over a session's rows is not what the customer used. */
Test(cumulative, deltas_add_up_to_the_largest_reading_whatever_the_order)
{
    uint64_t state = 1;
    for (uint64_t session = 1; session <= 300; session++) {
        uint64_t up = 0;
        uint64_t down = 0;
        uint64_t duration_ms = 0;
        for (uint32_t i = 0; i < 60; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            const uint32_t at =
                (uint32_t)(state >> 40) % 30; /* the reading it repeats or skips to */
            struct tg_usage row = reading(session, at * 1000, at * 77, at * 60000);
            const enum tg_err err = tg_cumulative_delta(table, &row);
            cr_assert(err == TG_OK || err == TG_E_MERGED);
            up += row.quantity_up;
            down += row.quantity_down;
            duration_ms += row.duration_ms;
        }
        struct tg_usage last = reading(session, 30000, 3000, 1800000);
        cr_assert_eq(tg_cumulative_delta(table, &last), TG_OK);
        cr_expect_eq(up + last.quantity_up, 30000);
        cr_expect_eq(down + last.quantity_down, 3000);
        cr_expect_eq(duration_ms + last.duration_ms, 1800000);
    }
}

/* If this fails a session that lost its place is charged again from its start. */
Test(cumulative, forgotten_sessions_are_held_back_and_new_ones_are_not)
{
    const uint64_t sessions_count = 100000;
    for (uint64_t session = 1; session <= sessions_count; session++) {
        struct tg_usage row = reading(session, 1000, 0, 1000);
        cr_assert_eq(tg_cumulative_delta(table, &row), TG_OK, "session %u, first reading",
                     (unsigned)session);
        cr_assert_eq(row.quantity_up, 1000);
    }
    cr_expect_gt(tg_cumulative_evicted(table), sessions_count / 2);
    for (uint64_t session = 1; session <= 100; session++) {
        struct tg_usage row = reading(session, 1500, 0, 2000);
        row.flags = session % 2 == 0 ? TG_USAGE_CUMULATIVE : row.flags; /* also a stop */
        cr_expect_eq(tg_cumulative_delta(table, &row), TG_E_ASSEMBLY_INCOMPLETE);
        cr_expect_eq(row.quantity_up, 1500, "untouched, for those who look into it");
    }
    struct tg_usage fresh = reading(sessions_count + 1000, 5, 6, 7);
    cr_expect_eq(tg_cumulative_delta(table, &fresh), TG_OK);
    cr_expect_eq(fresh.quantity_up, 5);
    struct tg_usage known = reading(sessions_count, 1600, 0, 2000);
    cr_expect_eq(tg_cumulative_delta(table, &known), TG_OK);
    cr_expect_eq(known.quantity_up, 600);
}

/* Sessions come and go, and the table has ended ones in all its places. If this fails a carrier
 * with as many sessions as the table was made for has usage suspended that was read in full. */
Test(cumulative, as_many_sessions_as_it_was_made_for_keep_their_readings)
{
    static uint64_t open[1000];
    uint64_t state = 1;
    uint64_t next = 1;
    uint32_t rows_count = 0;
    uint32_t kept_count = 0;
    for (uint32_t round = 0; round < 40; round++) {
        for (uint32_t i = 0; i < 1000; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            if (open[i] == 0 || state >> 61 == 0) {
                open[i] = next++;
            }
            struct tg_usage row = reading(open[i], (round + 1) * 10, 0, (round + 1) * 10);
            const bool is_first = open[i] + 1 == next;
            const enum tg_err err = tg_cumulative_delta(table, &row);
            rows_count += !is_first;
            kept_count += !is_first && err == TG_OK && row.quantity_up == 10;
        }
    }
    cr_expect_gt(tg_cumulative_evicted(table), 1000);
    cr_expect_geq(kept_count, rows_count - rows_count / 1000, "%u of %u", kept_count, rows_count);
}

/* If this fails a crash charges every open session from its start once more. */
Test(cumulative, replay_and_pages_go_on_where_the_journal_ends)
{
    struct tg_usage row = reading(9, 100, 10, 1000);
    cr_assert_eq(tg_cumulative_delta(table, &row), TG_OK);
    struct tg_usage second = reading(9, 250, 10, 3000);
    cr_assert_eq(tg_cumulative_delta(table, &second), TG_OK);
    struct tg_cumulative *again = tg_cumulative_create(1000);
    tg_cumulative_replay(again, &row, 1); /* as journaled: deltas */
    tg_cumulative_replay(again, &second, 2);
    struct tg_usage third = reading(9, 300, 20, 4000);
    struct tg_usage third_again = third;
    static uint8_t page[TG_CUMULATIVE_PAGE_BYTES];
    struct tg_cumulative *copy = tg_cumulative_create(1000);
    for (uint32_t i = 0; i < tg_cumulative_pages_count(table); i++) {
        const uint32_t size_bytes = tg_cumulative_page_take(table, i, page);
        cr_expect_eq(tg_cumulative_page_dirty(table, i), i == 0);
        cr_assert_eq(tg_cumulative_page_load(copy, i, 2, page, size_bytes), TG_OK);
    }
    tg_cumulative_replay(copy, &row, 1); /* its page has them: each would be charged twice */
    tg_cumulative_replay(copy, &second, 2);
    struct tg_cumulative *small = tg_cumulative_create(8);
    cr_expect_eq(
        tg_cumulative_page_load(small, 0, 2, page, tg_cumulative_page_take(table, 0, page)),
        TG_E_FORMAT, "of a table of another size");
    tg_cumulative_free(small);
    cr_assert_eq(tg_cumulative_delta(again, &third), TG_OK);
    cr_expect_eq(third.quantity_up, 50);
    cr_expect_eq(third.quantity_down, 10);
    cr_expect_eq(third.duration_ms, 1000);
    cr_assert_eq(tg_cumulative_delta(copy, &third_again), TG_OK);
    cr_expect_eq(memcmp(&third, &third_again, sizeof third), 0);
    tg_cumulative_free(again);
    tg_cumulative_free(copy);
}
