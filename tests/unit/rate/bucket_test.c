/* SPDX-License-Identifier: Apache-2.0 */
#include "rate/bucket.h"

#include "base/clock.h"
#include "catalog/week_cycle.h"

#include <criterion/criterion.h>
#include <string.h>

static int64_t at(const char *text)
{
    int64_t time_ns = 0;
    cr_assert_eq(tg_clock_parse(text, strlen(text), &time_ns), TG_OK, "%s", text);
    return time_ns;
}

static struct tg_allowance monthly(uint64_t amount)
{
    return (struct tg_allowance){.amount_base = amount,
                                 .period = TG_PERIOD_MONTH,
                                 .rollover_max_base = UINT64_MAX,
                                 .rollover_total_base = UINT64_MAX,
                                 .member_cap_base = UINT64_MAX,
                                 .is_present = 1};
}

/* Use units on a day; what was there before. */
static uint64_t use(struct tg_shelf *shelf, const struct tg_allowance *allowance, const char *day,
                    uint64_t units)
{
    const struct tg_bucket_time time = {at(day), at("2026-01-01"), 1};
    struct tg_bucket *bucket;
    bool is_late;
    cr_assert_eq(tg_bucket_at(shelf, TG_BUCKET_OWN, 3, allowance, &time, &bucket, &is_late), TG_OK);
    const uint64_t left = tg_bucket_left(bucket, allowance, is_late, &time);
    tg_bucket_take(bucket, units < left ? units : left, is_late, time.at_ns);
    return left;
}

Test(bucket, what_is_left_rolls_over_until_it_is_too_old)
{
    /* If this failed, customers would lose units they were promised, or keep them for ever. */
    struct tg_shelf shelf = {0};
    struct tg_allowance allowance = monthly(100);
    allowance.rollover_periods = 2;
    cr_expect_eq(use(&shelf, &allowance, "2026-03-10", 30), 100 + 200, "January's and February's");
    cr_expect_eq(use(&shelf, &allowance, "2026-04-10", 0), 300,
                 "January's 70 are too old; February's and March's 100 are not");
    struct tg_shelf one = {0};
    allowance.rollover_periods = 1;
    cr_expect_eq(use(&one, &allowance, "2026-01-10", 40), 100);
    cr_expect_eq(use(&one, &allowance, "2026-02-10", 50), 160, "60 are left of January");
    cr_expect_eq(use(&one, &allowance, "2026-03-10", 0), 200, "the rolled 60 went first");
    cr_expect_eq(use(&one, &allowance, "2026-12-10", 0), 200, "months without a row roll too");
}

Test(bucket, rollover_is_bounded_a_period_and_in_all)
{
    /* If this failed, next = MIN(max, MAX(left, min)) of rating-semantics 4.6 would not hold. */
    struct tg_allowance allowance = monthly(100);
    allowance.rollover_periods = 4;
    allowance.rollover_max_base = 30;
    allowance.rollover_total_base = 50;
    struct tg_shelf shelf = {0};
    cr_expect_eq(use(&shelf, &allowance, "2026-01-10", 0), 100);
    cr_expect_eq(use(&shelf, &allowance, "2026-02-10", 0), 130);
    cr_expect_eq(use(&shelf, &allowance, "2026-03-10", 0), 150, "30 + 30, 50 in all");
    struct tg_shelf other = {0};
    allowance.rollover_min_base = 20;
    cr_expect_eq(use(&other, &allowance, "2026-01-10", 100), 100);
    cr_expect_eq(use(&other, &allowance, "2026-02-10", 0), 120, "at least 20");
}

Test(bucket, a_late_row_draws_from_its_own_period)
{
    /* If this failed, a record that comes after the month's end would eat the new month's units. */
    const struct tg_allowance allowance = monthly(100);
    struct tg_shelf shelf = {0};
    cr_expect_eq(use(&shelf, &allowance, "2026-03-10", 30), 100);
    cr_expect_eq(use(&shelf, &allowance, "2026-04-01", 10), 100);
    cr_expect_eq(use(&shelf, &allowance, "2026-03-31T23:59:59Z", 5), 70);
    cr_expect_eq(use(&shelf, &allowance, "2026-03-31T23:59:59Z", 5), 65);
    cr_expect_eq(use(&shelf, &allowance, "2026-04-02", 0), 90);
    struct tg_bucket *bucket;
    bool is_late;
    const struct tg_bucket_time old = {at("2026-02-28"), 0, 1};
    cr_expect_eq(tg_bucket_at(&shelf, TG_BUCKET_OWN, 3, &allowance, &old, &bucket, &is_late),
                 TG_E_PERIOD_CLOSED);
}

Test(bucket, grants_are_prorated_only_when_the_allowance_says_so)
{
    /* If this failed, a customer of the last week would get a month's units, or a quarter of what
     * was promised in full. */
    struct tg_allowance allowance = monthly(3100);
    const uint32_t march = tg_bucket_period(TG_PERIOD_MONTH, 1, at("2026-03-01"));
    cr_expect_eq(
        tg_bucket_grant(&allowance, march, &(struct tg_bucket_time){0, at("2026-03-22"), 1}), 3100);
    allowance.proration = TG_GRANT_ACTUAL_DAYS;
    cr_expect_eq(
        tg_bucket_grant(&allowance, march, &(struct tg_bucket_time){0, at("2026-03-22"), 1}), 1000,
        "10 of 31 days");
    cr_expect_eq(
        tg_bucket_grant(&allowance, march, &(struct tg_bucket_time){0, at("2026-03-01"), 1}), 3100);
    cr_expect_eq(
        tg_bucket_grant(&allowance, march - 1, &(struct tg_bucket_time){0, at("2026-03-22"), 1}), 0,
        "before the start");
    cr_expect_eq(
        tg_bucket_grant(&allowance, march + 1, &(struct tg_bucket_time){0, at("2026-03-22"), 1}),
        3100);
}

Test(bucket, cycles_of_weeks_follow_each_other_over_years)
{
    /* If this failed, an allowance of two weeks would be granted on another day than it is billed,
     * or two periods would have one number. */
    struct tg_allowance allowance = monthly(100);
    allowance.period = TG_PERIOD_CYCLE;
    for (unsigned code = 1; code <= 252; code++) {
        const uint16_t cycle = (uint16_t)(TG_CYCLE_WEEKS + code);
        const struct tg_week_cycle weeks = tg_week_cycle_of((uint8_t)code);
        cr_assert_eq(tg_week_cycle_code(weeks), code);
        cr_expect_geq(tg_bucket_period(TG_PERIOD_CYCLE, cycle, 0), 1);
        int64_t to_ns = at("2019-12-01");
        uint32_t before = 0;
        for (uint32_t i = 0; i < 20; i++) {
            const struct tg_bucket_time first = {to_ns, 0, cycle};
            const struct tg_bucket_time last = {to_ns - 1, 0, cycle};
            int64_t from_ns;
            const uint32_t number = tg_bucket_period(TG_PERIOD_CYCLE, cycle, first.at_ns);
            cr_expect(before == 0 ||
                      (number == before + 1 &&
                       tg_bucket_period(TG_PERIOD_CYCLE, cycle, last.at_ns) == before));
            tg_bucket_span(&allowance, &first, &from_ns, &to_ns);
            cr_expect_eq(to_ns - from_ns, 7 * weeks.weeks * TG_NS_PER_DAY, "code %u", code);
            before = number;
        }
    }
    /* Two weeks from Monday, 2026-01-05: 2922 weeks after the first Monday, an even number. */
    const uint16_t fortnight = TG_CYCLE_WEEKS + 7 + 1;
    const struct tg_bucket_time time = {at("2026-01-18T23:59:59Z"), 0, fortnight};
    int64_t from_ns;
    int64_t to_ns;
    tg_bucket_span(&allowance, &time, &from_ns, &to_ns);
    cr_expect_eq(from_ns, at("2026-01-05"));
    cr_expect_eq(to_ns, at("2026-01-19"));
}

Test(bucket, a_threshold_fires_once_with_the_row_that_crosses_it)
{
    /* If this failed, a customer would be warned never, or with every record. */
    struct tg_allowance allowance = monthly(100);
    allowance.thresholds_percent[0] = 80;
    allowance.thresholds_percent[1] = 100;
    struct tg_bucket bucket = {.kind = TG_BUCKET_OWN, .period = 675};
    const uint8_t fired[] = {0, 1, 0, 2, 0};
    const uint64_t units[] = {79, 1, 10, 10, 0};
    for (size_t i = 0; i < sizeof fired; i++) {
        tg_bucket_take(&bucket, units[i], false, at("2026-03-10"));
        cr_expect_eq(tg_bucket_fire(&bucket, &allowance, &(struct tg_bucket_time){0, 0, 1}),
                     fired[i], "row %zu", i);
    }
}

Test(bucket, a_full_shelf_refuses_and_makes_room_after_three_months)
{
    /* If this failed, units of one allowance would be counted under another. */
    const struct tg_allowance allowance = monthly(100);
    struct tg_shelf shelf = {0};
    struct tg_bucket *bucket;
    bool is_late;
    const struct tg_bucket_time march = {at("2026-03-10"), 0, 1};
    const struct tg_bucket_time june = {at("2026-06-10"), 0, 1};
    for (uint16_t what = 0; what < TG_BUCKETS_MAX; what++) {
        cr_assert_eq(
            tg_bucket_at(&shelf, TG_BUCKET_OWN, what, &allowance, &march, &bucket, &is_late),
            TG_OK);
        tg_bucket_take(bucket, what, is_late, march.at_ns);
    }
    cr_expect_eq(tg_bucket_at(&shelf, TG_BUCKET_OWN, 99, &allowance, &march, &bucket, &is_late),
                 TG_E_FULL);
    cr_expect_eq(tg_bucket_at(&shelf, TG_BUCKET_OWN, 5, &allowance, &march, &bucket, &is_late),
                 TG_OK);
    cr_expect_eq(bucket->used_base, 5);
    cr_expect_eq(tg_bucket_at(&shelf, TG_BUCKET_OWN, 99, &allowance, &june, &bucket, &is_late),
                 TG_OK);
    cr_expect_eq(bucket->used_base, 0);
}

/* Draw one unit from eight allowances, on the shelf's eight places. */
static void fill(struct tg_shelf *shelf, const struct tg_allowance *allowance, const char *day)
{
    const struct tg_bucket_time time = {at(day), at("2026-01-01"), 1};
    for (uint16_t what = 0; what < TG_BUCKETS_MAX; what++) {
        struct tg_bucket *bucket;
        bool is_late;
        cr_assert_eq(tg_bucket_at(shelf, TG_BUCKET_OWN, what, allowance, &time, &bucket, &is_late),
                     TG_OK);
        tg_bucket_take(bucket, 1, is_late, time.at_ns);
    }
}

static enum tg_err ninth(const struct tg_shelf *filled, const char *day)
{
    struct tg_shelf shelf = *filled;
    const struct tg_allowance allowance = monthly(10);
    const struct tg_bucket_time time = {at(day), at("2026-01-01"), 1};
    struct tg_bucket *bucket;
    bool is_late;
    return tg_bucket_at(&shelf, TG_BUCKET_OWN, 100, &allowance, &time, &bucket, &is_late);
}

Test(bucket, what_is_granted_once_keeps_its_place_until_it_is_over)
{
    /* If this failed, a yearly pack that is not touched for three months would be granted again, or
     * eight packs of the past would suspend every row of a subscription. */
    struct tg_allowance allowance = monthly(10);
    struct tg_shelf shelf = {0};
    allowance.period = TG_PERIOD_EVER;
    fill(&shelf, &allowance, "2026-01-10");
    cr_expect_eq(ninth(&shelf, "2030-01-10"), TG_E_FULL, "without an end for ever");
    memset(&shelf, 0, sizeof shelf);
    allowance.valid_to_ns = at("2026-09-01");
    fill(&shelf, &allowance, "2026-01-10");
    cr_expect_eq(ninth(&shelf, "2026-11-30"), TG_E_FULL, "three months behind its end");
    cr_expect_eq(ninth(&shelf, "2027-01-01"), TG_OK);
    memset(&shelf, 0, sizeof shelf);
    allowance.valid_to_ns = 0;
    allowance.period = TG_PERIOD_YEAR;
    fill(&shelf, &allowance, "2026-01-10");
    cr_expect_eq(ninth(&shelf, "2026-12-31"), TG_E_FULL, "the year is not over");
    cr_expect_eq(ninth(&shelf, "2027-03-01"), TG_OK);
}

Test(bucket, the_newest_units_may_be_used_first)
{
    /* If this failed, units would be gone that the tariff says are still there: February's 50
     * are of its own grant, March's 120 are its own 100 and 20 of what is left of February's. */
    struct tg_allowance allowance = monthly(100);
    allowance.rollover_periods = 2;
    struct tg_shelf oldest = {0};
    (void)use(&oldest, &allowance, "2026-01-10", 30);
    (void)use(&oldest, &allowance, "2026-02-10", 50);
    cr_expect_eq(use(&oldest, &allowance, "2026-03-10", 120), 220);
    cr_expect_eq(use(&oldest, &allowance, "2026-04-10", 0), 200, "March's own is whole");
    allowance.options = TG_ALLOWANCE_NEWEST_FIRST;
    struct tg_shelf newest = {0};
    (void)use(&newest, &allowance, "2026-01-10", 30);
    (void)use(&newest, &allowance, "2026-02-10", 50);
    cr_expect_eq(use(&newest, &allowance, "2026-03-10", 120), 220);
    cr_expect_eq(use(&newest, &allowance, "2026-04-10", 0), 130, "30 of February's, once rolled");
}
