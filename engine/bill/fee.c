/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/fee.h"

#include "bill/convert.h"
#include "catalog/image.h"

#include <assert.h>

enum tg_err tg_bill_fee_owed(const struct tg_bill_fee_version *version, int64_t amount,
                             uint8_t period, const struct tg_bill_fee_params *params,
                             struct tg_bill_prorated *result)
{
    const struct tg_product *product = version->product;
    if (period == TG_PERIOD_EVER) {
        const bool begins = params->active_from_ns >= params->start_ns &&
                            params->active_from_ns < params->end_ns &&
                            params->active_from_ns < params->active_to_ns;
        *result = (struct tg_bill_prorated){.covered = begins ? 1 : 0, .total = 1};
        return tg_bill_rate(version->image, version->currency, begins ? amount : 0, 1,
                            &result->amount);
    }
    if (params->starts_by_change && params->change_from == TG_CHANGE_KEEP) {
        *result = (struct tg_bill_prorated){.total = 1};
        return TG_OK;
    }
    const struct tg_bill_prorate_params prorate = {
        .size_bytes = sizeof prorate,
        .proration = period == TG_PERIOD_DAY ? TG_PRORATE_ACTUAL_DAYS : product->proration,
        .rounding = version->image->rounding_rate,
        .exponent = tg_image_rating_exponent(version->image, version->currency),
        .keeps_start_full = params->starts_on_first_day ||
                            (params->starts_by_change ? params->change_from == TG_CHANGE_NONE
                                                      : product->prorate_on_start == 0),
        .keeps_end_full = params->ends_by_change ? params->change_to != TG_CHANGE_REFUND_AND_CHARGE
                                                 : product->prorate_on_end == 0,
        .ends_by_change = params->ends_by_change,
        .zone = params->zone,
        .fee = amount,
        .cycle_start_ns = params->start_ns,
        .cycle_end_ns = params->end_ns,
        .active_start_ns = params->active_from_ns,
        .active_end_ns = params->ends_on_first_day ? params->start_ns : params->active_to_ns,
    };
    enum tg_err err = period == TG_PERIOD_WEEK ? tg_bill_prorate_weeks(&prorate, result)
                                               : tg_bill_prorate(&prorate, result);
    if (err == TG_OK && period == TG_PERIOD_DAY) {
        err = tg_bill_rate(version->image, version->currency,
                           (__int128)amount * (__int128)result->covered, 1, &result->amount);
    }
    return err;
}

static bool is_active(const struct tg_bill_fee_params *params, int64_t at_ns)
{
    return params->active_from_ns <= at_ns && at_ns < params->active_to_ns;
}

/* Whether the fee of the cycle that begins at an instant is charged on the bill before it. */
static bool is_ahead(const struct tg_bill_fee_params *params,
                     const struct tg_bill_fee_version *version, int64_t begin_ns)
{
    return version->image != NULL && version->product->is_in_advance != 0 &&
           version->product->period != TG_PERIOD_EVER && is_active(params, begin_ns);
}

static enum tg_err fee_of(const struct tg_bill_fee_version *version,
                          const struct tg_bill_fee_params *params, struct tg_bill_fee *fee)
{
    struct tg_bill_prorated owed = {0};
    const int64_t whole = version->product->fee;
    const enum tg_err err =
        tg_bill_fee_owed(version, whole, version->product->period, params, &owed);
    *fee = (struct tg_bill_fee){
        .image = version->image,
        .amount = owed.amount,
        .fee = whole,
        .covered = owed.covered,
        .total = version->product->period == TG_PERIOD_DAY ? 1 : owed.total,
        .is_kept = params->ends_by_change && params->change_to != TG_CHANGE_REFUND_AND_CHARGE,
        .is_whole = params->starts_by_change && params->change_from == TG_CHANGE_NONE,
        .currency = version->currency};
    return err;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The whole cycle was charged; what the subscription covers of it stays charged. */
static enum tg_err unused_of(const struct tg_bill_fee_params *params, struct tg_bill_fee *fee)
{
    struct tg_bill_fee_params whole = *params;
    struct tg_bill_fee charged;
    whole.ends_by_change = false;
    whole.ends_on_first_day = false;
    whole.active_to_ns = INT64_MAX; /* Its begin is what it was when it was charged. */
    enum tg_err err = fee_of(&params->first, &whole, &charged);
    err = err == TG_OK ? fee_of(&params->first, params, fee) : err;
    fee->amount -= charged.amount;
    fee->covered = charged.covered - fee->covered;
    fee->from_ns = later(params->active_to_ns, params->start_ns);
    fee->to_ns = params->end_ns;
    fee->kind = TG_BILL_FEE_UNUSED;
    return err;
}

/* In advance: what is charged when it begins, and given back when it ends before its time. */
static enum tg_err long_ahead(const struct tg_bill_fee_params *params,
                              const struct tg_bill_fee_span *span, struct tg_bill_fee *fee)
{
    const int64_t begin_ns = later(params->start_ns, params->active_from_ns);
    const bool ends_here =
        params->active_to_ns < params->end_ns && params->active_to_ns < span->end_ns;
    const bool begins_here = begin_ns >= span->start_ns && begin_ns < span->end_ns;
    *fee = (struct tg_bill_fee){.covered = 0};
    if (begins_here && !(params->is_paid_ahead && begin_ns == params->start_ns)) {
        struct tg_bill_fee_params known = *params;
        if (!ends_here) { /* What will be is not known yet. */
            known.active_to_ns = INT64_MAX;
            known.ends_by_change = false;
            known.ends_on_first_day = false;
        }
        return fee_of(&params->first, &known, fee);
    }
    return ends_here && params->active_to_ns >= span->start_ns && span->was_charged
               ? unused_of(params, fee)
               : TG_OK;
}

enum tg_err tg_bill_fees_long(const struct tg_bill_fee_params *params,
                              const struct tg_bill_fee_span *span,
                              struct tg_bill_fee fees[TG_BILL_FEES_MAX], uint32_t *count)
{
    assert(params->size_bytes == sizeof *params && params->last.image != NULL);
    const bool is_own =
        later(params->start_ns, params->active_from_ns) <
        (params->active_to_ns < params->end_ns ? params->active_to_ns : params->end_ns);
    const int64_t stop_ns =
        params->active_to_ns < params->end_ns ? params->active_to_ns : params->end_ns;
    const bool is_in_advance =
        params->first.image != NULL && params->first.product->is_in_advance != 0;
    enum tg_err err = TG_OK;
    *count = 0;
    if (params->has_ended_before) {
        err = unused_of(params, &fees[0]);
        *count += fees[0].amount != 0;
    } else if (is_own && is_in_advance) {
        err = long_ahead(params, span, &fees[0]);
        *count += fees[0].fee != 0 && (fees[0].covered != 0 || fees[0].amount != 0);
    } else if (is_own && stop_ns > span->start_ns && stop_ns <= span->end_ns) {
        err = fee_of(&params->last, params, &fees[0]);
        *count += fees[0].fee != 0 && fees[0].covered != 0;
    }
    if (*count > 0 && fees[0].to_ns == 0) {
        fees[0].from_ns = params->start_ns;
        fees[0].to_ns = params->end_ns;
    }
    if (err == TG_OK && span->end_ns == params->end_ns &&
        is_ahead(params, &params->next, params->end_ns)) {
        err = tg_bill_fee_next(params, &fees[*count]);
        *count += fees[*count].fee != 0;
    }
    return err;
}

enum tg_err tg_bill_fee_next(const struct tg_bill_fee_params *params, struct tg_bill_fee *fee)
{
    struct tg_bill_fee_params next = *params;
    next.starts_by_change = false;
    next.ends_by_change = false;
    next.starts_on_first_day = false;
    next.ends_on_first_day = false;
    next.start_ns = params->end_ns;
    next.end_ns = params->next_end_ns;
    next.active_from_ns = next.start_ns;
    next.active_to_ns = INT64_MAX;
    const enum tg_err err = fee_of(&params->next, &next, fee);
    fee->from_ns = next.start_ns;
    fee->to_ns = next.end_ns;
    fee->kind = TG_BILL_FEE_AHEAD;
    return err;
}

bool tg_bill_fee_is_paid_ahead(const struct tg_bill_fee_params *params)
{
    return params->is_paid_ahead && params->next_end_ns != 0 &&
           (params->has_ended_before || is_ahead(params, &params->first, params->start_ns));
}

enum tg_err tg_bill_fees(const struct tg_bill_fee_params *params,
                         struct tg_bill_fee fees[TG_BILL_FEES_MAX], uint32_t *count)
{
    assert(params->size_bytes == sizeof *params && params->last.image != NULL);
    enum tg_err err = TG_OK;
    *count = 0;
    if (tg_bill_fee_is_paid_ahead(params)) {
        if (params->active_to_ns < params->end_ns) {
            err = unused_of(params, &fees[*count]);
            *count += fees[*count].amount != 0;
        }
    } else {
        err = fee_of(&params->last, params, &fees[*count]);
        *count += fees[*count].fee != 0 && fees[*count].covered != 0;
    }
    if (err == TG_OK && params->next_end_ns != 0 &&
        is_ahead(params, &params->next, params->end_ns)) {
        err = tg_bill_fee_next(params, &fees[*count]);
        *count += fees[*count].fee != 0;
    }
    return err;
}
