/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/prorate.h"

#include "abi/tariff.h"
#include "base/clock.h"
#include "base/money.h"

#include <criterion/criterion.h>
#include <string.h>

static int64_t at(const char *text)
{
    int64_t time_ns = 0;
    cr_assert_eq(tg_clock_parse(text, strlen(text), &time_ns), TG_OK, "%s", text);
    return time_ns;
}

static struct tg_bill_prorated prorated(uint8_t mode, const char *fee, const char *begin,
                                        const char *end, const char *from, const char *to)
{
    struct tg_bill_prorate_params params = {.size_bytes = sizeof params,
                                            .proration = mode,
                                            .rounding = TG_ROUND_HALF_UP,
                                            .cycle_start_ns = at(begin),
                                            .cycle_end_ns = at(end),
                                            .active_start_ns = from[0] != 0 ? at(from) : INT64_MIN,
                                            .active_end_ns = to[0] != 0 ? at(to) : INT64_MAX};
    cr_assert_eq(tg_money_parse(fee, strlen(fee), 8, &params.fee), TG_OK);
    struct tg_bill_prorated result = {.amount = -1};
    cr_assert_eq(tg_bill_prorate(&params, &result), TG_OK);
    return result;
}

struct row {
    const char *name;
    uint8_t mode;
    const char *fee;
    const char *begin;
    const char *end;
    const char *from;
    const char *to;
    const char *wanted; /* At rating scale. */
};

/* Otherwise a customer who joins within a month is charged for days he did not have, or the
 * reference vectors of rating-semantics 4.7 (first rows) are not met. */
Test(prorate, vectors_of_the_reference)
{
    static const struct row rows[] = {
        {"actual 22/31", TG_PRORATE_ACTUAL_DAYS, "30", "2026-10-01", "2026-11-01", "2026-10-10", "",
         "21.29032258"},
        {"fixed 21/30", TG_PRORATE_FIXED_30, "30", "2026-10-01", "2026-11-01", "2026-10-10", "",
         "21.00"},
        {"february 14/28", TG_PRORATE_ACTUAL_DAYS, "28", "2026-02-01", "2026-03-01", "2026-02-15",
         "", "14.00"},
        {"whole cycle", TG_PRORATE_ACTUAL_DAYS, "30", "2026-10-01", "2026-11-01", "", "", "30"},
        {"fixed whole february", TG_PRORATE_FIXED_30, "30", "2026-02-01", "2026-03-01", "", "",
         "30"},
        {"fixed adds days in february", TG_PRORATE_FIXED_30, "30", "2026-02-01", "2026-03-01",
         "2026-02-15", "", "16"},
        {"fixed on the 31st", TG_PRORATE_FIXED_30, "30", "2026-10-01", "2026-11-01", "2026-10-31",
         "", "1"},
        {"fixed anchor 15", TG_PRORATE_FIXED_30, "30", "2026-10-15", "2026-11-15", "", "", "30"},
        {"a day that is begun counts", TG_PRORATE_ACTUAL_DAYS, "31", "2026-10-01", "2026-11-01",
         "2026-10-31T23:59:59Z", "", "1"},
        {"end is exclusive", TG_PRORATE_ACTUAL_DAYS, "31", "2026-10-01", "2026-11-01", "",
         "2026-10-11", "10"},
        {"seconds", TG_PRORATE_SECONDS, "31", "2026-10-01", "2026-11-01", "2026-10-31T12:00:00Z",
         "", "0.5"},
        {"none full", TG_PRORATE_NONE_FULL, "30", "2026-10-01", "2026-11-01", "2026-10-31", "",
         "30"},
        {"none zero", TG_PRORATE_NONE_ZERO, "30", "2026-10-01", "2026-11-01", "2026-10-02", "",
         "0"},
        {"none zero, whole", TG_PRORATE_NONE_ZERO, "30", "2026-10-01", "2026-11-01", "2026-09-02",
         "", "30"},
        {"thirtieths", TG_PRORATE_THIRTIETHS, "30", "2026-10-01", "2026-11-01", "2026-10-10", "",
         "22"},
        {"thirtieths, 30 of 31 days", TG_PRORATE_THIRTIETHS, "30", "2026-10-01", "2026-11-01",
         "2026-10-02", "", "30"},
        {"thirtieths, whole february", TG_PRORATE_THIRTIETHS, "30", "2026-02-01", "2026-03-01", "",
         "", "30"},
        {"thirtieths, not yet", TG_PRORATE_THIRTIETHS, "30", "2026-10-01", "2026-11-01",
         "2026-11-01", "", "0"},
        {"not yet", TG_PRORATE_NONE_FULL, "30", "2026-10-01", "2026-11-01", "2026-11-01", "", "0"},
        {"no longer", TG_PRORATE_ACTUAL_DAYS, "30", "2026-10-01", "2026-11-01", "", "2026-10-01",
         "0"},
        {"credit mirrors", TG_PRORATE_ACTUAL_DAYS, "-30", "2026-10-01", "2026-11-01", "2026-10-10",
         "", "-21.29032258"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        int64_t wanted = 0;
        cr_assert_eq(tg_money_parse(row->wanted, strlen(row->wanted), 8, &wanted), TG_OK);
        const struct tg_bill_prorated got =
            prorated(row->mode, row->fee, row->begin, row->end, row->from, row->to);
        cr_expect_eq(got.amount, wanted, "%s: %lld of %llu/%llu", row->name, (long long)got.amount,
                     (unsigned long long)got.covered, (unsigned long long)got.total);
    }
}

/* Otherwise changing product within a month costs more or less than either product: the halves of a
 * cycle, split at any day, must cover exactly the whole. */
Test(prorate, halves_of_a_split_cycle_make_the_whole)
{
    static const uint8_t modes[] = {TG_PRORATE_ACTUAL_DAYS, TG_PRORATE_FIXED_30,
                                    TG_PRORATE_SECONDS};
    for (int month = 1; month <= 12; month++) {
        const int64_t begin = tg_days_from_civil(2028, (uint8_t)month, 1) * TG_NS_PER_DAY;
        const int64_t days = tg_days_in_month(2028, (uint8_t)month);
        const int64_t end = begin + days * TG_NS_PER_DAY;
        for (int64_t day = 1; day < days; day++) {
            for (size_t m = 0; m < sizeof modes; m++) {
                struct tg_bill_prorate_params params = {.size_bytes = sizeof params,
                                                        .proration = modes[m],
                                                        .fee = 3000000000,
                                                        .cycle_start_ns = begin,
                                                        .cycle_end_ns = end,
                                                        .active_start_ns = INT64_MIN,
                                                        .active_end_ns =
                                                            begin + day * TG_NS_PER_DAY};
                struct tg_bill_prorated left;
                struct tg_bill_prorated right;
                cr_assert_eq(tg_bill_prorate(&params, &left), TG_OK);
                params.active_start_ns = params.active_end_ns;
                params.active_end_ns = INT64_MAX;
                cr_assert_eq(tg_bill_prorate(&params, &right), TG_OK);
                cr_expect_eq(left.covered + right.covered, left.total, "month %d day %lld mode %u",
                             month, (long long)day, modes[m]);
            }
        }
    }
}

/* Otherwise a product that is sold by whole first months is prorated all the same. */
Test(prorate, flags_keep_a_partial_begin_or_end_whole)
{
    struct tg_bill_prorate_params params = {.size_bytes = sizeof params,
                                            .fee = 3100,
                                            .keeps_start_full = true,
                                            .cycle_start_ns = at("2026-10-01"),
                                            .cycle_end_ns = at("2026-11-01"),
                                            .active_start_ns = at("2026-10-10"),
                                            .active_end_ns = INT64_MAX};
    struct tg_bill_prorated result;
    cr_assert_eq(tg_bill_prorate(&params, &result), TG_OK);
    cr_expect_eq(result.amount, 3100);
    params.active_end_ns = at("2026-10-21");
    cr_assert_eq(tg_bill_prorate(&params, &result), TG_OK);
    cr_expect_eq(result.amount, 2000);
    params.keeps_end_full = true;
    cr_assert_eq(tg_bill_prorate(&params, &result), TG_OK);
    cr_expect_eq(result.amount, 3100);
    params.cycle_end_ns = params.cycle_start_ns;
    cr_expect_eq(tg_bill_prorate(&params, &result), TG_E_INVALID);
}
