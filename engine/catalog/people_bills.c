/* SPDX-License-Identifier: Apache-2.0 */
/* When an account is billed: the columns bill_period, bill_period_count, cycle_from and cycle_day
 * of accounts.csv. */
#include "catalog/people_reader.h"

#include "base/clock.h"
#include "catalog/week_cycle.h"
#include "doc/scalar.h"

#include <string.h>

#define DATE_BYTES 10u /* 2026-10-01 */

static uint8_t period_read(struct tg_people_reader *reader, const struct tg_csv_field *field)
{
    static const char *const names[TG_ROSTER_BILLS_KINDS] = {"month", "quarter", "half_year",
                                                             "year", "week"};
    for (uint8_t i = 0; i < TG_ROSTER_BILLS_KINDS; i++) {
        if (field->text_bytes == strlen(names[i]) &&
            memcmp(field->text, names[i], field->text_bytes) == 0) {
            return (uint8_t)(i * TG_ROSTER_BILLS_QUARTER);
        }
    }
    if (field->text_bytes != 0) {
        tg_people_refuse(reader, field, NULL,
                         "bill_period: \"%s\" is not week, month, quarter, half_year or year");
    }
    return 0;
}

/* A number of a field, or `absent`; what is none, or too much, is told as `format`. */
static uint8_t number_read(struct tg_people_reader *reader, const struct tg_csv_field *field,
                           uint8_t absent, uint8_t most, const char *hint, const char *format)
{
    int64_t number = absent;
    if (field->text_bytes != 0 &&
        (tg_scalar_integer(field->text, field->text_bytes, &number) != TG_OK || number < 1 ||
         number > most)) {
        tg_people_refuse(reader, field, hint, format);
        number = absent;
    }
    return (uint8_t)number;
}

/* Days from Monday, 1970-01-05, to the begin of a cycle; of a day before it the same counts. */
static uint8_t phase_read(struct tg_people_reader *reader, const struct tg_csv_field *field,
                          uint8_t weeks)
{
    int64_t at_ns = 0;
    if (field->text_bytes != DATE_BYTES ||
        tg_clock_parse(field->text, field->text_bytes, &at_ns) != TG_OK) {
        tg_people_refuse(reader, field, "write a date such as 2026-01-05",
                         "cycle_from: \"%s\" is no date");
        return 0;
    }
    const int64_t day = at_ns / TG_NS_PER_DAY;
    const int64_t phase = (day - TG_WEEK_CYCLE_MONDAY) % (INT64_C(7) * weeks);
    return (uint8_t)(phase < 0 ? phase + INT64_C(7) * weeks : phase);
}

static uint8_t weeks_read(struct tg_people_reader *reader, const struct tg_people_bills *bills)
{
    struct tg_week_cycle cycle = {1, 0};
    cycle.weeks = number_read(reader, &bills->count, 1, TG_WEEK_CYCLE_MAX, NULL,
                              "bill_period_count: \"%s\" is not 1 to 8 weeks");
    if (bills->from.text_bytes != 0) {
        if (bills->day.text_bytes != 0) {
            tg_people_refuse(reader, &bills->day, "cycle_from says it",
                             "cycle_day \"%s\" is one too many beside cycle_from");
        }
        cycle.phase = phase_read(reader, &bills->from, cycle.weeks);
    } else if (cycle.weeks > 1) {
        tg_people_refuse(reader, &bills->count, "write a day on which one of them begins",
                         "bill_period_count: cycles of \"%s\" weeks need cycle_from");
    } else {
        cycle.phase =
            (uint8_t)(number_read(reader, &bills->day, 1, 7, "1 is Monday, 7 is Sunday",
                                  "cycle_day: \"%s\" is no day of a week, as bill_period is") -
                      1);
    }
    return tg_week_cycle_code(cycle);
}

void tg_people_bills_read(struct tg_people_reader *reader, const struct tg_people_bills *bills,
                          struct tg_roster_account *account)
{
    const uint8_t period = period_read(reader, &bills->period);
    account->flags |= period;
    if (period == TG_ROSTER_BILLS_WEEK) {
        account->cycle_day = weeks_read(reader, bills);
        return;
    }
    account->cycle_day =
        number_read(reader, &bills->day, 1, 31, NULL, "cycle_day: \"%s\" is not 1 to 31");
    if (bills->count.text_bytes != 0) {
        tg_people_refuse(reader, &bills->count, "set bill_period to week",
                         "bill_period_count \"%s\" is of bills by weeks only");
    }
    if (bills->from.text_bytes != 0) {
        tg_people_refuse(reader, &bills->from, "set bill_period to week, or use cycle_day",
                         "cycle_from \"%s\" is of bills by weeks only");
    }
}

/* Which bill has a cycle is asked for as long as usage may be late for it, and nothing says what it
 * was before. */
void tg_people_bills_keep(struct tg_people_reader *reader, const struct tg_people_bills *bills,
                          const struct tg_roster_account *before,
                          const struct tg_roster_account *now)
{
    static const char hint[] = "end its subscriptions and begin an account with another id";
    const bool is_known = before->cycle_day != 0; /* A new one is all 0. */
    const struct tg_week_cycle was = tg_week_cycle_of(before->cycle_day);
    const struct tg_week_cycle is = tg_week_cycle_of(now->cycle_day);
    if (!is_known) {
        return;
    }
    if (tg_roster_bills(before) != tg_roster_bills(now)) {
        tg_people_refuse(reader, &bills->period, hint,
                         "bill_period: an account cannot change it, to \"%s\"");
    } else if ((now->flags & TG_ROSTER_BILLS_WEEK) != 0 && was.weeks != is.weeks) {
        tg_people_refuse(reader, &bills->count, hint,
                         "bill_period_count: an account cannot change it, to \"%s\"");
    } else if ((now->flags & TG_ROSTER_BILLS_WEEK) != 0 && is.weeks > 1 && was.phase != is.phase) {
        tg_people_refuse(reader, &bills->from, hint,
                         "cycle_from: cycles of several weeks cannot begin otherwise, with \"%s\"");
    }
}
