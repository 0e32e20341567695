/* SPDX-License-Identifier: Apache-2.0 */
#include "rate/account.h"

#include "base/clock.h"
#include "catalog/image.h"

#include <criterion/criterion.h>
#include <string.h>

static int64_t ns(const char *text)
{
    int64_t time_ns = 0;
    cr_assert_eq(tg_clock_parse(text, strlen(text), &time_ns), TG_OK);
    return time_ns;
}

static const struct tg_usage call = {
    .service = TG_SERVICE_VOICE, .peer_key = 0x4915100000000007u, .node_id = 3};

static struct tg_charge rated(uint64_t billed, uint64_t allowance, int64_t amount)
{
    return (struct tg_charge){.fate = TG_FATE_RATED,
                              .unit = TG_UNIT_SECOND,
                              .billed_units = billed,
                              .allowance_units = allowance,
                              .amount = amount};
}

Test(account, periods_are_calendar_months_of_event_time)
{
    /* If this failed, the last second of a month would be billed in the next one. */
    cr_expect_eq(tg_account_period(0), 1);
    cr_expect_eq(tg_account_period(-1), 0);
    const uint32_t november = tg_account_period(ns("2026-11-01T00:00:00Z"));
    cr_expect_eq(november, (2026 - 1970) * 12 + 11);
    cr_expect_eq(tg_account_period(ns("2026-11-30T23:59:59.999Z")), november);
    cr_expect_eq(tg_account_period(ns("2026-12-01T00:00:00Z")), november + 1);
    cr_expect_eq(tg_account_period(ns("2027-01-01T00:00:00Z")), november + 2);
}

Test(account, late_rows_use_the_bucket_of_their_own_month)
{
    /* If this failed, a record that arrives after midnight of the first would use up next month's
     * free units. */
    struct tg_accounts *accounts;
    cr_assert_eq(tg_accounts_create(10, &accounts, NULL), TG_OK);
    struct tg_charge charge = rated(60, 20, 100);
    tg_account_apply(tg_accounts_line(accounts, 4, 683), &call, &charge);
    charge = rated(30, 30, 7);
    tg_account_apply(tg_accounts_line(accounts, 4, 684), &call, &charge);
    charge = rated(10, 0, 1);
    tg_account_apply(tg_accounts_line(accounts, 4, 683), &call, &charge);
    const struct tg_account_line *old = tg_accounts_peek(accounts, 4, 683);
    const struct tg_account_line *now = tg_accounts_peek(accounts, 4, 684);
    cr_assert(old != NULL && now != NULL);
    cr_expect_eq(old->meters[TG_METER_VOICE].allowance_base, 20000);
    cr_expect_eq(old->meters[TG_METER_VOICE].priced_base, 50000);
    cr_expect_eq(old->cost, 101);
    cr_expect_eq(tg_account_events(&old->meters[TG_METER_VOICE]), 2);
    cr_expect_eq(now->meters[TG_METER_VOICE].allowance_base, 30000);
    cr_expect_eq(now->cost, 7);
    tg_accounts_destroy(accounts);
}

Test(account, months_before_the_previous_one_are_closed)
{
    /* If this failed, a very late record would open an old month with a fresh allowance and give
     * the free units a second time. */
    struct tg_accounts *accounts;
    cr_assert_eq(tg_accounts_create(10, &accounts, NULL), TG_OK);
    cr_expect_not_null(tg_accounts_line(accounts, 0, 683));
    cr_expect_not_null(tg_accounts_line(accounts, 0, 684));
    cr_expect_not_null(tg_accounts_line(accounts, 0, 685));
    cr_expect_null(tg_accounts_line(accounts, 0, 683));
    cr_expect_not_null(tg_accounts_line(accounts, 0, 684));
    cr_expect_not_null(tg_accounts_line(accounts, 0, 690));
    cr_expect_not_null(tg_accounts_line(accounts, 0, 689), "one month back, never seen");
    cr_expect_null(tg_accounts_line(accounts, 0, 688));
    cr_expect_null(tg_accounts_line(accounts, 0, 685));
    cr_expect_not_null(tg_accounts_line(accounts, 1, 683), "another subscriber");
    cr_expect_not_null(tg_accounts_line(accounts, 2, 690));
    cr_expect_null(tg_accounts_line(accounts, 2, 687), "its place is empty, yet it is too old");
    tg_accounts_destroy(accounts);
}

Test(account, lines_tell_how_many_calls_are_open_and_over_midnight)
{
    /* If this failed, the last record of a call would not be looked for among the open ones and
     * would pay the connect fee again; or every row of the subscriber would go the long way for
     * ever. */
    struct tg_accounts *accounts;
    cr_assert_eq(tg_accounts_create(2, &accounts, NULL), TG_OK);
    struct tg_account_line *line = tg_accounts_line(accounts, 0, 683);
    struct tg_shelf *shelf = tg_accounts_shelf(accounts, false, 0);
    shelf->buckets[3].kind = TG_BUCKET_CALL;
    shelf->buckets[5].kind = TG_BUCKET_CALL;
    tg_accounts_calls_note(accounts, 0);
    cr_expect_eq(line->calls_open, 2);
    struct tg_account_line *next = tg_accounts_line(accounts, 0, 684);
    cr_expect_eq(next->calls_open, 2, "goes on after midnight");
    shelf->buckets[3].kind = TG_BUCKET_FREE;
    tg_accounts_calls_note(accounts, 0);
    cr_expect_eq(next->calls_open, 1);
    cr_expect_eq(line->calls_open, 1, "a late row of the month before");
    cr_expect_eq(tg_accounts_line(accounts, 0, 690)->calls_open, 1, "months later");
    cr_expect_eq(tg_accounts_calls_open(accounts, 0), 1);
    cr_expect_eq(tg_accounts_calls_open(accounts, 1), 0);
    /* A checkpoint brings the count back with the shelf. */
    struct tg_accounts *loaded;
    const uint32_t page = tg_accounts_half_pages_count(accounts) * 2;
    cr_assert_eq(tg_accounts_create(2, &loaded, NULL), TG_OK);
    cr_assert_eq(tg_accounts_page_load(loaded, page, tg_accounts_page_bytes(accounts, page),
                                       TG_ACCOUNT_PAGE_BYTES),
                 TG_OK);
    cr_expect_eq(tg_accounts_calls_open(loaded, 0), 1);
    tg_accounts_destroy(loaded);
    tg_accounts_destroy(accounts);
}

Test(account, what_does_not_fit_is_told_and_not_wrapped)
{
    /* If this failed, a counter would wrap and the allowance start again. */
    struct tg_account_line line = {.period = 1};
    struct tg_charge charge = rated(TG_METER_BASE_MAX / 1000, 0, 0);
    cr_expect(tg_account_fits(&line, &call, &charge));
    tg_account_apply(&line, &call, &charge);
    charge = rated(1, 0, 0);
    cr_expect_not(tg_account_fits(&line, &call, &charge), "counter");
    charge = rated(1, 2, 0);
    cr_expect_not(tg_account_fits(&line, &call, &charge), "more allowance than billed");
    charge = rated(0, 0, 1);
    line.cost = INT64_MAX;
    cr_expect_not(tg_account_fits(&line, &call, &charge), "cost");
    charge = rated(UINT64_MAX, 0, 0);
    cr_expect_not(tg_account_fits(&line, &call, &charge), "units");
    charge = rated(0, 0, 0);
    charge.unit = 200;
    cr_expect_not(tg_account_fits(&line, &call, &charge), "unit");
    line = (struct tg_account_line){.period = 1};
    line.meters[TG_METER_VOICE].events_low = 0xffff;
    charge = rated(0, 0, 0);
    tg_account_apply(&line, &call, &charge);
    cr_expect_eq(tg_account_events(&line.meters[TG_METER_VOICE]), 0x10000);
}

Test(account, a_row_that_is_not_rated_posts_nothing)
{
    /* If this failed, suspended and duplicate rows would use up allowances. */
    struct tg_account_line line = {.period = 5};
    const struct tg_account_line before = line;
    for (uint8_t fate = 0; fate < TG_FATE_COUNT; fate++) {
        struct tg_charge charge = rated(10, 5, 3);
        charge.fate = fate;
        if (fate != TG_FATE_RATED) {
            tg_account_apply(&line, &call, &charge);
            cr_expect_eq(memcmp(&line, &before, sizeof line), 0, "fate %u", fate);
        }
    }
}

Test(account, dirty_pages_carry_all_lines_to_another_table)
{
    /* If this failed, balances after a restart would differ from those before it. */
    const uint32_t subscribers = TG_ACCOUNT_PAGE_LINES + 7;
    struct tg_accounts *from;
    struct tg_accounts *to;
    cr_assert_eq(tg_accounts_create(subscribers, &from, NULL), TG_OK);
    cr_assert_eq(tg_accounts_create(subscribers, &to, NULL), TG_OK);
    /* Two pages of lines a half, and shelves of 512 octets for each subscriber and account. */
    const uint32_t pages =
        4 + (subscribers * 512 + TG_ACCOUNT_PAGE_BYTES - 1) / TG_ACCOUNT_PAGE_BYTES * 2;
    cr_assert_eq(tg_accounts_pages_count(from), pages);
    const struct tg_charge charge = rated(60, 20, 100);
    tg_account_apply(tg_accounts_line(from, 3, 684), &call, &charge);
    tg_account_apply(tg_accounts_line(from, TG_ACCOUNT_PAGE_LINES + 6, 683), &call, &charge);
    tg_accounts_shelf(from, true, 5)->buckets[0] =
        (struct tg_bucket){.kind = TG_BUCKET_POOL, .period = 684, .used_base = 77};
    uint32_t dirty_count = 0;
    for (uint32_t page = 0; page < pages; page++) {
        if (tg_accounts_page_dirty(from, page)) {
            dirty_count++;
            cr_assert_eq(tg_accounts_page_load(to, page, tg_accounts_page_bytes(from, page),
                                               TG_ACCOUNT_PAGE_BYTES),
                         TG_OK);
            tg_accounts_page_clean(from, page);
        }
        cr_expect_not(tg_accounts_page_dirty(from, page));
        cr_expect_not(tg_accounts_page_dirty(to, page));
        cr_expect_eq(memcmp(tg_accounts_page_bytes(from, page), tg_accounts_page_bytes(to, page),
                            TG_ACCOUNT_PAGE_BYTES),
                     0);
    }
    cr_expect_eq(dirty_count, 3);
    cr_expect_eq(tg_accounts_shelf(to, true, 5)->buckets[0].used_base, 77);
    cr_expect_eq(tg_accounts_shelf(to, false, 5)->buckets[0].used_base, 0, "not a pool's");
    cr_expect_null(tg_accounts_shelf(to, true, subscribers));
    cr_expect_eq(tg_accounts_peek(to, 3, 684)->cost, 100);
    cr_expect_eq(
        tg_accounts_page_load(to, pages, tg_accounts_page_bytes(from, 0), TG_ACCOUNT_PAGE_BYTES),
        TG_E_INVALID);
    cr_expect_eq(
        tg_accounts_page_load(to, 2, tg_accounts_page_bytes(from, 0), TG_ACCOUNT_PAGE_BYTES),
        TG_E_CORRUPT, "even months in the odd half");
    cr_expect_eq(tg_accounts_page_load(to, 0, tg_accounts_page_bytes(from, 0), 64), TG_E_CORRUPT);
    tg_accounts_destroy(from);
    tg_accounts_destroy(to);
}
