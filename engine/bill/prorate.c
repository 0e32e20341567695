/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/prorate.h"

#include "base/clock.h"
#include "base/money.h"

#include <assert.h>

/* Calendar day of an instant, rounded down: service within a day begins with that whole day. */
static int64_t day_of(struct tg_zone_view zone, int64_t at_ns)
{
    const int64_t time_ns = tg_zone_local_ns(zone, at_ns);
    const int64_t day = time_ns / TG_NS_PER_DAY;
    return time_ns % TG_NS_PER_DAY < 0 ? day - 1 : day;
}

/* First day that is no longer covered: a day that is begun counts. */
static int64_t day_after(struct tg_zone_view zone, int64_t at_ns)
{
    const int64_t time_ns = tg_zone_local_ns(zone, at_ns);
    const int64_t day = day_of(zone, at_ns);
    return time_ns == day * TG_NS_PER_DAY ? day : day + 1;
}

/* First day that is not covered of a service that ends at an instant. */
static int64_t day_end(const struct tg_bill_prorate_params *params, int64_t to_ns)
{
    return params->ends_by_change && to_ns < params->cycle_end_ns ? day_of(params->zone, to_ns)
                                                                  : day_after(params->zone, to_ns);
}

/* 30E/360: every month has 30 days, the 31st is the 30th. */
static int64_t days_30e(int64_t day)
{
    struct tg_civil civil;
    tg_clock_to_civil(day * TG_NS_PER_DAY, &civil);
    const int64_t dom = civil.day > 30 ? 30 : civil.day;
    return (int64_t)civil.year * 360 + (int64_t)(civil.month - 1) * 30 + dom;
}

enum tg_err tg_bill_prorate(const struct tg_bill_prorate_params *params,
                            struct tg_bill_prorated *result)
{
    const struct tg_zone_view zone = params->zone;
    const int64_t begin = params->cycle_start_ns;
    const int64_t end = params->cycle_end_ns;
    if (end <= begin || params->proration > TG_PRORATE_THIRTIETHS) {
        return TG_E_INVALID;
    }
    int64_t from = params->active_start_ns > begin ? params->active_start_ns : begin;
    int64_t to = params->active_end_ns < end ? params->active_end_ns : end;
    const bool touches = from < to;
    from = params->keeps_start_full ? begin : from;
    to = params->keeps_end_full ? end : to;
    uint64_t covered = 0;
    uint64_t total = 1;
    switch (params->proration) {
    case TG_PRORATE_ACTUAL_DAYS:
        total = (uint64_t)(day_after(zone, end) - day_of(zone, begin));
        covered = touches ? (uint64_t)(day_end(params, to) - day_of(zone, from)) : 0;
        break;
    case TG_PRORATE_FIXED_30:
        total = (uint64_t)(days_30e(day_after(zone, end)) - days_30e(day_of(zone, begin)));
        covered =
            touches ? (uint64_t)(days_30e(day_end(params, to)) - days_30e(day_of(zone, from))) : 0;
        if (total == 0) { /* A cycle of the 31st alone: nothing to divide by. */
            return TG_E_INVALID;
        }
        break;
    case TG_PRORATE_SECONDS:
        total = (uint64_t)((end - begin) / TG_NS_PER_S); /* Cycles and services are whole ones. */
        covered = touches ? (uint64_t)((to - from) / TG_NS_PER_S) : 0;
        break;
    case TG_PRORATE_NONE_FULL:
        covered = touches ? 1 : 0;
        break;
    case TG_PRORATE_THIRTIETHS:
        total = 30;
        covered = touches ? (uint64_t)(day_end(params, to) - day_of(zone, from)) : 0;
        covered = covered > total || (touches && from == begin && to == end) ? total : covered;
        break;
    default:
        covered = touches && from == begin && to == end ? 1 : 0;
        break;
    }
    assert(covered <= total);
    result->covered = covered;
    result->total = total;
    return tg_money_divide_to((__int128)params->fee * (__int128)covered, total, params->exponent,
                              params->rounding, &result->amount);
}

/* Monday of the week of a day. */
static int64_t monday_of(int64_t day)
{
    const int64_t weekday = (day + 3) % 7; /* 1970-01-01 is a Thursday. */
    return day - (weekday < 0 ? weekday + 7 : weekday);
}

enum tg_err tg_bill_prorate_weeks(const struct tg_bill_prorate_params *params,
                                  struct tg_bill_prorated *result)
{
    const struct tg_zone_view zone = params->zone;
    if (params->cycle_end_ns <= params->cycle_start_ns) {
        return TG_E_INVALID;
    }
    int64_t from = monday_of(day_of(zone, params->cycle_start_ns));
    int64_t to = monday_of(day_of(zone, params->cycle_end_ns));
    if (params->active_start_ns > params->cycle_start_ns - 7 * TG_NS_PER_DAY) {
        const int64_t day = day_of(zone, params->active_start_ns);
        const bool is_whole = params->keeps_start_full || params->proration == TG_PRORATE_NONE_FULL;
        const int64_t begin = is_whole                                    ? monday_of(day)
                              : params->proration == TG_PRORATE_NONE_ZERO ? monday_of(day + 6)
                                                                          : day;
        from = begin > from ? begin : from;
    }
    if (params->active_end_ns < params->cycle_end_ns) {
        const int64_t day = day_end(params, params->active_end_ns);
        const bool is_whole = params->keeps_end_full || params->proration == TG_PRORATE_NONE_FULL;
        const int64_t end = is_whole                                    ? monday_of(day + 6)
                            : params->proration == TG_PRORATE_NONE_ZERO ? monday_of(day)
                                                                        : day;
        to = end < to ? end : to;
    }
    const bool touches = params->active_start_ns < params->active_end_ns && from < to;
    result->covered = touches ? (uint64_t)(to - from) : 0;
    result->total = 7;
    return tg_money_divide_to((__int128)params->fee * (__int128)result->covered, 7,
                              params->exponent, params->rounding, &result->amount);
}

const char *tg_bill_proration_name(uint8_t proration)
{
    static const char *const names[] = {"actual_days", "fixed_30",  "seconds",
                                        "none_full",   "none_zero", "thirtieths"};
    return proration < sizeof names / sizeof names[0] ? names[proration] : "unknown";
}
