/* SPDX-License-Identifier: Apache-2.0 */
#include "rate/bucket.h"

#include "base/clock.h"
#include "rate/account.h"

#include <assert.h>
#include <string.h>

uint32_t tg_bucket_period(uint8_t period, int64_t at_ns)
{
    switch (period) {
    case TG_PERIOD_MONTH:
        return tg_account_period(at_ns);
    case TG_PERIOD_DAY:
        return at_ns < 0 ? 0 : (uint32_t)(at_ns / TG_NS_PER_DAY) + 1;
    default:
        return at_ns < 0 ? 0 : 1;
    }
}

/* Days [from, to) of a period since 1970. */
static void period_days(uint8_t period, uint32_t number, int64_t *from, int64_t *to)
{
    if (period == TG_PERIOD_DAY) {
        *from = (int64_t)number - 1;
        *to = number;
        return;
    }
    const uint32_t months = number - 1;
    *from = tg_days_from_civil(1970 + (int32_t)(months / 12), (uint8_t)(months % 12 + 1), 1);
    *to = tg_days_from_civil(1970 + (int32_t)((months + 1) / 12), (uint8_t)((months + 1) % 12 + 1),
                             1);
}

uint64_t tg_bucket_grant(const struct tg_allowance *allowance, uint32_t number,
                         int64_t active_from_ns)
{
    if (allowance->period == TG_PERIOD_EVER || active_from_ns <= 0) {
        return allowance->amount_base;
    }
    int64_t from;
    int64_t to;
    period_days(allowance->period, number, &from, &to);
    const int64_t active_day = active_from_ns / TG_NS_PER_DAY;
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

/* One period further: what is left gets a period older, what is too old is gone. */
static void bucket_roll(struct tg_bucket *bucket, const struct tg_allowance *allowance,
                        int64_t active_from_ns)
{
    const uint32_t ages = allowance != NULL ? allowance->rollover_periods : 0;
    uint64_t used = bucket->used_base;
    uint64_t left[TG_ROLLOVER_PERIODS_MAX + 1] = {0}; /* [0] of the grant, [i] rolled i times */
    for (uint32_t i = ages; i > 0; i--) {             /* the oldest was used first */
        const uint64_t taken = smaller(used, bucket->carried_base[i - 1]);
        left[i] = bucket->carried_base[i - 1] - taken;
        used -= taken;
    }
    memset(bucket->carried_base, 0, sizeof bucket->carried_base);
    if (ages > 0) {
        const uint64_t grant = tg_bucket_grant(allowance, bucket->period, active_from_ns);
        left[0] = grant > used ? grant - used : 0;
        if (grant > 0 && left[0] < allowance->rollover_min_base) {
            left[0] = allowance->rollover_min_base;
        }
        left[0] = smaller(left[0], allowance->rollover_max_base);
        uint64_t room = allowance->rollover_total_base;
        for (uint32_t i = 0; i < ages; i++) { /* the youngest has room first */
            bucket->carried_base[i] = smaller(left[i], room);
            room -= bucket->carried_base[i];
        }
    }
    if (bucket->kind == TG_BUCKET_MONEY) {
        bucket->carried_base[0] = bucket->events_count; /* late rows are counted there */
    }
    bucket->used_before_base = bucket->used_base;
    bucket->used_base = 0;
    bucket->events_count = 0;
    bucket->fired_mask = 0;
    bucket->period++;
}

static void bucket_roll_to(struct tg_bucket *bucket, const struct tg_allowance *allowance,
                           uint32_t number, int64_t active_from_ns)
{
    /* Nothing that is further back than the oldest age can still be there. */
    const uint32_t reach = TG_ROLLOVER_PERIODS_MAX + 2;
    if (number - bucket->period > reach) {
        const uint16_t what = bucket->what;
        const uint8_t kind = bucket->kind;
        *bucket = (struct tg_bucket){.what = what, .kind = kind, .period = number - reach};
    }
    while (bucket->period < number) {
        bucket_roll(bucket, allowance, active_from_ns);
    }
}

/* A place for a new bucket: a free one, or one not used for three months; lasting ones stay. */
static struct tg_bucket *bucket_make(struct tg_shelf *shelf, uint32_t month)
{
    for (uint32_t i = 0; i < TG_BUCKETS_MAX; i++) {
        struct tg_bucket *bucket = &shelf->buckets[i];
        if (bucket->kind == TG_BUCKET_FREE ||
            (bucket->period != 1 && bucket->touched_month + 3 <= month)) {
            return bucket;
        }
    }
    return NULL;
}

enum tg_err tg_bucket_at(struct tg_shelf *shelf, uint8_t kind, uint16_t what,
                         const struct tg_allowance *allowance, const struct tg_bucket_time *time,
                         struct tg_bucket **bucket, bool *is_late)
{
    const uint8_t period = allowance != NULL ? allowance->period : (uint8_t)TG_PERIOD_MONTH;
    const uint32_t number = tg_bucket_period(period, time->at_ns);
    const uint32_t month = tg_account_period(time->at_ns);
    assert(number > 0 && month > 0);
    struct tg_bucket *found = NULL;
    for (uint32_t i = 0; found == NULL && i < TG_BUCKETS_MAX; i++) {
        struct tg_bucket *each = &shelf->buckets[i];
        found = each->kind == kind && each->what == what ? each : NULL;
    }
    *is_late = false;
    if (found == NULL) {
        found = bucket_make(shelf, month);
        if (found == NULL) {
            return TG_E_FULL;
        }
        /* Periods without a row have left their grants too, from the subscription's start on. */
        const uint32_t ages = allowance != NULL ? allowance->rollover_periods : 0;
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
    bucket_roll_to(found, allowance, number, time->active_from_ns);
    *bucket = found;
    return TG_OK;
}

uint64_t tg_bucket_left(const struct tg_bucket *bucket, const struct tg_allowance *allowance,
                        bool is_late, int64_t active_from_ns)
{
    const uint32_t number = bucket->period - (is_late ? 1 : 0);
    uint64_t all = tg_bucket_grant(allowance, number, active_from_ns);
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
        bucket->carried_base[0] += bucket->kind == TG_BUCKET_MONEY;
        return;
    }
    bucket->used_base += base;
    bucket->events_count++;
    bucket->touched_month = month > bucket->touched_month ? month : bucket->touched_month;
}

uint8_t tg_bucket_fire(struct tg_bucket *bucket, const struct tg_allowance *allowance,
                       int64_t active_from_ns)
{
    unsigned __int128 all = tg_bucket_grant(allowance, bucket->period, active_from_ns);
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
