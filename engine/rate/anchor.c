/* SPDX-License-Identifier: Apache-2.0 */
#include "rate/anchor.h"

#include "base/clock.h"

/* Length of periods of one; 0: they are months. */
static int64_t fixed_ns(const struct tg_allowance *allowance)
{
    switch (allowance->period) {
    case TG_PERIOD_HOUR:
        return TG_NS_PER_HOUR * allowance->period_count;
    case TG_PERIOD_DAY:
        return TG_NS_PER_DAY * allowance->period_count;
    case TG_PERIOD_WEEK:
        return TG_NS_PER_DAY * 7 * allowance->period_count;
    default:
        return 0;
    }
}

static int64_t months_of(const struct tg_allowance *allowance)
{
    const int64_t one = allowance->period == TG_PERIOD_QUARTER     ? 3
                        : allowance->period == TG_PERIOD_HALF_YEAR ? 6
                        : allowance->period == TG_PERIOD_YEAR      ? 12
                                                                   : 1;
    return one * allowance->period_count;
}

/* Where the subscription begins in its month, and which month since 1970 that is. */
struct anchor {
    int64_t month;
    int64_t day_ns;
    uint8_t day;
};

/* A begin moves by no less than this (tg_roster_since_s). */
#define AWAY_NS (31 * TG_NS_PER_DAY)

static int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t begin_of(const struct tg_bucket_time *time)
{
    return time->active_from_ns > 0 ? time->active_from_ns : 0;
}

static struct anchor anchor_of(const struct tg_bucket_time *time)
{
    const int64_t begin_ns = begin_of(time);
    struct tg_civil civil;
    tg_clock_to_civil(begin_ns, &civil);
    return (struct anchor){.month = (civil.year - 1970) * 12 + civil.month - 1,
                           .day_ns = begin_ns % TG_NS_PER_DAY,
                           .day = civil.day};
}

/* When a period that begins in a month, counted since 1970, begins; not before 1870. */
static int64_t month_ns(const struct anchor *anchor, int64_t month)
{
    const int64_t since_1870 = month > -1200 ? month + 1200 : 0;
    const int32_t year = 1870 + (int32_t)(since_1870 / 12);
    const uint8_t of_year = (uint8_t)(since_1870 % 12 + 1);
    const uint8_t last = tg_days_in_month(year, of_year);
    const uint8_t day = anchor->day > last ? last : anchor->day;
    return tg_days_from_civil(year, of_year, day) * TG_NS_PER_DAY + anchor->day_ns;
}

/* Periods are counted from the begin; begins are counted in steps that are no longer than what a
 * begin moves by, and no longer than a period. So a begin that moves begins a period of its own. */
static int64_t begin_number(const struct tg_bucket_time *time, int64_t length_ns)
{
    return begin_of(time) / (length_ns < AWAY_NS ? length_ns : AWAY_NS);
}

uint32_t tg_anchor_period(const struct tg_allowance *allowance, const struct tg_bucket_time *time)
{
    const int64_t at_ns = time->at_ns > 0 ? time->at_ns : 0;
    const int64_t length_ns = fixed_ns(allowance);
    if (length_ns > 0) {
        const int64_t number =
            begin_number(time, length_ns) + floor_divide(at_ns - begin_of(time), length_ns) + 2;
        return number > 1 ? (uint32_t)number : 1;
    }
    const struct anchor anchor = anchor_of(time);
    const int64_t months = months_of(allowance);
    struct tg_civil civil;
    tg_clock_to_civil(at_ns, &civil);
    int64_t month = (civil.year - 1970) * 12 + civil.month - 1;
    month -= at_ns < month_ns(&anchor, month);
    const int64_t number = anchor.month + floor_divide(month - anchor.month, months) + 2;
    return number > 1 ? (uint32_t)number : 1;
}

void tg_anchor_span(const struct tg_allowance *allowance, const struct tg_bucket_time *time,
                    uint32_t number, int64_t *from_ns, int64_t *to_ns)
{
    const int64_t length_ns = fixed_ns(allowance);
    if (length_ns > 0) {
        *from_ns =
            begin_of(time) + ((int64_t)number - 2 - begin_number(time, length_ns)) * length_ns;
        *to_ns = *from_ns + length_ns;
        return;
    }
    const struct anchor anchor = anchor_of(time);
    const int64_t months = months_of(allowance);
    const int64_t month = anchor.month + ((int64_t)number - 2 - anchor.month) * months;
    *from_ns = month_ns(&anchor, month);
    *to_ns = month_ns(&anchor, month + months);
}
