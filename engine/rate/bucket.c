/* SPDX-License-Identifier: Apache-2.0 */
#include "rate/bucket.h"

#include "base/clock.h"
#include "catalog/week_cycle.h"
#include "rate/account.h"
#include "rate/anchor.h"

#include <assert.h>
#include <string.h>

/* Day of a month on which a cycle begins. */
static uint8_t anchor_day(int32_t year, uint8_t month, uint8_t cycle_day)
{
    const uint8_t last = tg_days_in_month(year, month);
    return cycle_day > last ? last : cycle_day;
}

/* Cycles of weeks: the first one has begun when 1970 does, and more than one may end before. */
#define WEEKS_FIRST 3

/* Numbered by the month in which a cycle begins, December 1969 being the first one. */
static uint32_t cycle_number(uint16_t cycle_day, int64_t at_ns)
{
    struct tg_civil civil;
    if (cycle_day >= TG_CYCLE_WEEKS) {
        const struct tg_week_cycle weeks = tg_week_cycle_of((uint8_t)cycle_day);
        return (uint32_t)(tg_week_cycle_number(weeks, at_ns / TG_NS_PER_DAY) + WEEKS_FIRST);
    }
    tg_clock_to_civil(at_ns, &civil);
    const bool has_begun = civil.day >= anchor_day(civil.year, civil.month, (uint8_t)cycle_day);
    return (uint32_t)(civil.year - 1970) * 12 + civil.month + (has_begun ? 1 : 0);
}

/* Calendar months of a period of several of them; 0: it is another one. */
static uint32_t months_of(uint8_t period)
{
    switch (period) {
    case TG_PERIOD_QUARTER:
        return 3;
    case TG_PERIOD_HALF_YEAR:
        return 6;
    case TG_PERIOD_YEAR:
        return 12;
    default:
        return 0;
    }
}

uint32_t tg_bucket_period(uint8_t period, uint16_t cycle_day, int64_t at_ns)
{
    switch (period) {
    case TG_PERIOD_WEEK: /* 1970-01-01 was a Thursday */
        return at_ns < 0 ? 0 : (uint32_t)((at_ns / TG_NS_PER_DAY + 3) / 7) + 1;
    case TG_PERIOD_CYCLE:
        return at_ns < 0 ? 0 : cycle_number(cycle_day, at_ns);
    case TG_PERIOD_MONTH:
        return tg_account_period(at_ns);
    case TG_PERIOD_DAY:
        return at_ns < 0 ? 0 : (uint32_t)(at_ns / TG_NS_PER_DAY) + 1;
    case TG_PERIOD_HOUR:
        return at_ns < 0 ? 0 : (uint32_t)(at_ns / TG_NS_PER_HOUR) + 1;
    case TG_PERIOD_QUARTER:
    case TG_PERIOD_HALF_YEAR:
    case TG_PERIOD_YEAR:
        return at_ns < 0 ? 0 : (tg_account_period(at_ns) - 1) / months_of(period) + 1;
    default:
        return at_ns < 0 ? 0 : 1;
    }
}

/* Days [from, to) of a period since 1970. */
static void period_days(uint8_t period, uint16_t cycle_day, uint32_t number, int64_t *from,
                        int64_t *to)
{
    if (period == TG_PERIOD_DAY) {
        *from = (int64_t)number - 1;
        *to = number;
        return;
    }
    if (period == TG_PERIOD_WEEK) {
        *from = (int64_t)(number - 1) * 7 - 3;
        *to = *from + 7;
        return;
    }
    if (period == TG_PERIOD_CYCLE && cycle_day >= TG_CYCLE_WEEKS) {
        const struct tg_week_cycle weeks = tg_week_cycle_of((uint8_t)cycle_day);
        *from = tg_week_cycle_day(weeks, (int64_t)number - WEEKS_FIRST);
        *to = *from + 7 * weeks.weeks;
        return;
    }
    if (period == TG_PERIOD_CYCLE) {
        for (uint32_t i = 0; i < 2; i++) { /* number 1 begins in December 1969 */
            const uint32_t month = number - 1 + i + 11;
            const int32_t year = 1969 + (int32_t)(month / 12);
            const uint8_t of_year = (uint8_t)(month % 12 + 1);
            *(i == 0 ? from : to) =
                tg_days_from_civil(year, of_year, anchor_day(year, of_year, (uint8_t)cycle_day));
        }
        return;
    }
    const uint32_t length = months_of(period) > 0 ? months_of(period) : 1;
    const uint32_t months = (number - 1) * length;
    const uint32_t end = months + length;
    *from = tg_days_from_civil(1970 + (int32_t)(months / 12), (uint8_t)(months % 12 + 1), 1);
    *to = tg_days_from_civil(1970 + (int32_t)(end / 12), (uint8_t)(end % 12 + 1), 1);
}

static uint32_t number_of(const struct tg_allowance *allowance, const struct tg_bucket_time *time)
{
    return __builtin_expect(allowance->period_count != 0, 0)
               ? tg_anchor_period(allowance, time)
               : tg_bucket_period(allowance->period, time->cycle_day, time->at_ns);
}

void tg_bucket_span(const struct tg_allowance *allowance, const struct tg_bucket_time *time,
                    int64_t *from_ns, int64_t *to_ns)
{
    const uint32_t number = number_of(allowance, time);
    *from_ns = 0;
    *to_ns = INT64_MAX;
    if (allowance->period_count != 0) {
        tg_anchor_span(allowance, time, number, from_ns, to_ns);
    } else if (allowance->period == TG_PERIOD_HOUR) {
        *from_ns = (int64_t)(number - 1) * TG_NS_PER_HOUR;
        *to_ns = *from_ns + TG_NS_PER_HOUR;
    } else if (allowance->period != TG_PERIOD_EVER) {
        period_days(allowance->period, time->cycle_day, number, from_ns, to_ns);
        *from_ns *= TG_NS_PER_DAY;
        *to_ns *= TG_NS_PER_DAY;
    }
}

uint64_t tg_bucket_grant(const struct tg_allowance *allowance, uint32_t number,
                         const struct tg_bucket_time *time)
{
    if (allowance->period == TG_PERIOD_EVER || time->active_from_ns <= 0) {
        return allowance->amount_base;
    }
    int64_t from;
    int64_t to;
    if (allowance->period_count != 0) { /* the first one begins with the subscription */
        tg_anchor_span(allowance, time, number, &from, &to);
        return time->active_from_ns < to ? allowance->amount_base : 0;
    }
    if (allowance->period == TG_PERIOD_HOUR) { /* hours are granted whole */
        return time->active_from_ns < (int64_t)number * TG_NS_PER_HOUR ? allowance->amount_base : 0;
    }
    period_days(allowance->period, time->cycle_day, number, &from, &to);
    const int64_t active_day = time->active_from_ns / TG_NS_PER_DAY;
    if (active_day <= from) {
        return allowance->amount_base;
    }
    if (active_day >= to) {
        return 0;
    }
    if (allowance->proration == TG_GRANT_FULL) {
        return allowance->amount_base;
    }
    return (uint64_t)((unsigned __int128)allowance->amount_base * (uint64_t)(to - active_day) /
                      (uint64_t)(to - from));
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* What buckets that nothing is granted to keep of the periods before. */
static void counter_roll(struct tg_bucket *bucket)
{
    uint64_t *carried = bucket->carried_base;
    switch (bucket->kind) {
    case TG_BUCKET_SPEND: /* late rows reach back further than one day */
        memmove(carried + 1, carried, 3 * sizeof *carried);
        carried[0] = bucket->used_before_base;
        return;
    case TG_BUCKET_CARRY:
        carried[1] = carried[0];
        carried[0] = 0;
        return;
    default:
        memset(carried, 0, sizeof bucket->carried_base);
        if (bucket->kind == TG_BUCKET_COUNTER) {
            carried[0] = bucket->events_count; /* late rows are counted there */
        }
    }
}

/* One period further: what is left gets a period older, what is too old is gone. */
static void bucket_roll(struct tg_bucket *bucket, const struct tg_allowance *allowance,
                        const struct tg_bucket_time *time)
{
    const uint32_t ages = allowance->rollover_periods;
    uint64_t used = bucket->used_base;
    uint64_t left[TG_ROLLOVER_PERIODS_MAX + 1] = {0}; /* [0] of the grant, [i] rolled i times */
    uint64_t grant = ages > 0 ? tg_bucket_grant(allowance, bucket->period, time) : 0;
    const bool is_granted = grant > 0;
    if ((allowance->options & TG_ALLOWANCE_NEWEST_FIRST) != 0) {
        const uint64_t taken = smaller(used, grant);
        grant -= taken;
        used -= taken;
        for (uint32_t i = 1; i <= ages; i++) {
            const uint64_t rolled = smaller(used, bucket->carried_base[i - 1]);
            left[i] = bucket->carried_base[i - 1] - rolled;
            used -= rolled;
        }
    }
    const uint32_t oldest = (allowance->options & TG_ALLOWANCE_NEWEST_FIRST) != 0 ? 0 : ages;
    for (uint32_t i = oldest; i > 0; i--) { /* the oldest was used first */
        const uint64_t taken = smaller(used, bucket->carried_base[i - 1]);
        left[i] = bucket->carried_base[i - 1] - taken;
        used -= taken;
    }
    counter_roll(bucket);
    if (ages > 0) {
        left[0] = grant > used ? grant - used : 0;
        left[0] = (uint64_t)((unsigned __int128)left[0] * (100u - allowance->rollover_lost) / 100);
        if (is_granted && left[0] < allowance->rollover_min_base) {
            left[0] = allowance->rollover_min_base;
        }
        left[0] = smaller(left[0], allowance->rollover_max_base);
        uint64_t room = allowance->rollover_total_base;
        for (uint32_t i = 0; i < ages; i++) { /* the youngest has room first */
            bucket->carried_base[i] = smaller(left[i], room);
            room -= bucket->carried_base[i];
        }
    }
    bucket->used_before_base = bucket->used_base;
    bucket->used_base = 0;
    bucket->events_count = 0;
    bucket->fired_mask = 0;
    bucket->period++;
}

static void bucket_roll_to(struct tg_bucket *bucket, const struct tg_allowance *allowance,
                           uint32_t number, const struct tg_bucket_time *time)
{
    /* Nothing that is further back than the oldest age can still be there. */
    const uint32_t reach = TG_ROLLOVER_PERIODS_MAX + 2;
    if (number - bucket->period > reach) {
        const uint16_t what = bucket->what;
        const uint8_t kind = bucket->kind;
        *bucket = (struct tg_bucket){.what = what, .kind = kind, .period = number - reach};
    }
    while (bucket->period < number) {
        bucket_roll(bucket, allowance, time);
    }
}

/* Until when a bucket counts as touched: its period, or its one grant, may last longer than the
 * three months that others are kept. Of what is granted once the end is kept in carried_base, as
 * nothing rolls out of it. */
static void bucket_keep(struct tg_bucket *bucket, const struct tg_allowance *allowance,
                        const struct tg_bucket_time *time)
{
    if (__builtin_expect(months_of(allowance->period) > 0 || allowance->period_count != 0, 0)) {
        int64_t from_ns;
        int64_t to_ns;
        tg_bucket_span(allowance, time, &from_ns, &to_ns);
        const uint32_t last = tg_account_period(to_ns - 1);
        bucket->touched_month = last > bucket->touched_month ? last : bucket->touched_month;
    } else if (allowance->period == TG_PERIOD_EVER && allowance->amount_base != 0) {
        bucket->carried_base[TG_ROLLOVER_PERIODS_MAX - 1] =
            allowance->valid_to_ns != 0 ? tg_account_period(allowance->valid_to_ns) + 1 : 0;
    }
}

/* May another one have its place? Lasting ones stay, but for what was granted once and is over. */
static bool bucket_is_over(const struct tg_bucket *bucket, uint32_t month)
{
    const uint64_t over_month =
        bucket->period == 1 && (bucket->kind == TG_BUCKET_OWN || bucket->kind == TG_BUCKET_POOL ||
                                bucket->kind == TG_BUCKET_MEMBER)
            ? bucket->carried_base[TG_ROLLOVER_PERIODS_MAX - 1]
            : 0;
    return bucket->kind == TG_BUCKET_FREE ||
           ((bucket->period != 1 || (over_month != 0 && over_month + 3 <= month)) &&
            bucket->touched_month + 3 <= month);
}

/* Is the first of two calls, NULL none, missed less? */
static bool call_is_older(const struct tg_bucket *a, const struct tg_bucket *b)
{
    return b == NULL || a->fired_mask > b->fired_mask ||
           (a->fired_mask == b->fired_mask &&
            a->carried_base[TG_CALL_END_NS] < b->carried_base[TG_CALL_END_NS]);
}

struct tg_bucket *tg_bucket_place(struct tg_shelf *shelf, uint32_t month)
{
    struct tg_bucket *call = NULL;
    for (uint32_t i = 0; i < TG_BUCKETS_MAX; i++) {
        struct tg_bucket *bucket = &shelf->buckets[i];
        if (bucket_is_over(bucket, month)) {
            return bucket;
        }
        if (bucket->kind == TG_BUCKET_CALL && call_is_older(bucket, call)) {
            call = bucket;
        }
    }
    return call;
}

enum tg_err tg_bucket_at(struct tg_shelf *shelf, uint8_t kind, uint16_t what,
                         const struct tg_allowance *allowance, const struct tg_bucket_time *time,
                         struct tg_bucket **bucket, bool *is_late)
{
    const uint32_t number = number_of(allowance, time);
    const uint32_t month = tg_account_period(time->at_ns);
    assert(number > 0 && month > 0);
    struct tg_bucket *found = NULL;
    for (uint32_t i = 0; found == NULL && i < TG_BUCKETS_MAX; i++) {
        struct tg_bucket *each = &shelf->buckets[i];
        found = each->kind == kind && each->what == what ? each : NULL;
    }
    *is_late = false;
    *bucket = NULL;
    if (found == NULL) {
        found = tg_bucket_place(shelf, month);
        if (found == NULL) {
            return TG_E_FULL;
        }
        /* Periods without a row have left their grants too, from the subscription's start on. */
        const uint32_t ages = allowance->rollover_periods;
        *found = (struct tg_bucket){.kind = kind,
                                    .what = what,
                                    .touched_month = month,
                                    .period = number > ages + 1 ? number - ages - 1 : 1};
    }
    if (found->period > number) {
        *is_late = true;
        *bucket = found;
        return found->period == number + 1 ? TG_OK : TG_E_PERIOD_CLOSED;
    }
    bucket_roll_to(found, allowance, number, time);
    bucket_keep(found, allowance, time);
    *bucket = found;
    return TG_OK;
}

uint64_t tg_bucket_left(const struct tg_bucket *bucket, const struct tg_allowance *allowance,
                        bool is_late, const struct tg_bucket_time *time)
{
    const uint32_t number = bucket->period - (is_late ? 1 : 0);
    uint64_t all = tg_bucket_grant(allowance, number, time);
    uint64_t used = bucket->used_base;
    if (is_late) {
        all = allowance->rollover_periods > 0 ? 0 : all;
        used = bucket->used_before_base;
    } else {
        for (uint32_t i = 0; i < allowance->rollover_periods; i++) {
            all += bucket->carried_base[i];
        }
    }
    return all > used ? all - used : 0;
}

void tg_bucket_take(struct tg_bucket *bucket, uint64_t base, bool is_late, int64_t at_ns)
{
    const uint32_t month = tg_account_period(at_ns);
    if (is_late) {
        bucket->used_before_base += base;
        bucket->carried_base[0] += bucket->kind == TG_BUCKET_COUNTER;
        return;
    }
    bucket->used_base += base;
    bucket->events_count++;
    bucket->touched_month = month > bucket->touched_month ? month : bucket->touched_month;
}

void tg_bucket_give_back(struct tg_bucket *bucket, uint64_t base, bool is_late)
{
    if (is_late) {
        bucket->used_before_base -= base;
        bucket->carried_base[0] -= bucket->carried_base[0] != 0;
        return;
    }
    bucket->used_base -= base;
    bucket->events_count -= bucket->events_count != 0;
}

uint8_t tg_bucket_fire(struct tg_bucket *bucket, const struct tg_allowance *allowance,
                       const struct tg_bucket_time *time)
{
    unsigned __int128 all = tg_bucket_grant(allowance, bucket->period, time);
    for (uint32_t i = 0; i < allowance->rollover_periods; i++) {
        all += bucket->carried_base[i];
    }
    uint8_t fired = 0;
    for (uint32_t i = 0; i < TG_THRESHOLDS_MAX; i++) {
        const uint8_t percent = allowance->thresholds_percent[i];
        if (percent != 0 && (bucket->fired_mask >> i & 1u) == 0 &&
            (unsigned __int128)bucket->used_base * 100 >= all * percent) {
            fired |= (uint8_t)(1u << i);
        }
    }
    bucket->fired_mask |= fired;
    return fired;
}
