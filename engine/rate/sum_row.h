/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief What a journaled verdict does to its account line, as far as the row and its catalog
 *         tell: for apply.c and sums.c only.
 *
 *  Source: rate.h, tg_rate_apply. Threads: pure, but for the image that is kept. Allocates: never.
 *  Cost: neither the subscriber's line nor his shelves are looked at. Inlined, so that a row of
 *  columns is never put together.
 */
#ifndef TG_RATE_SUM_ROW_H
#define TG_RATE_SUM_ROW_H

#include "catalog/catalog.h"
#include "rate/reverse.h"
#include "rate/worker.h"

#define TG_SUM_INLINE static inline __attribute__((always_inline))

/** @brief What a row is to be applied as. */
enum tg_sum_way {
    TG_SUM_MADE, /**< Its sums are in laid. */
    TG_SUM_NONE, /**< Nothing is to be done. */
    TG_SUM_LONG, /**< It may move a shelf, or cost something else than its charge. */
    TG_SUM_BAD   /**< TG_E_CORRUPT. */
};

/** @brief Do rows of a price cost something else than their charge, or move a shelf?
 *  @param info Borrowed. @return true: they may. */
static inline bool tg_sum_info_is_ruled(const struct tg_price_info *info)
{
    return tg_rate_is_counted_aside(info) || (info->options & TG_PRICE_RULES) != 0;
}

/** @brief Go to the image of a version. @param[in,out] priced Kept. @param snapshot May be NULL.
 *  @param version Of the charges that come. */
void tg_sum_enter(struct tg_rate_priced *priced, const struct tg_catalog_snapshot *snapshot,
                  uint32_t version);

/** @brief Is it the image of a version already? @param priced Kept. @param version Of a charge.
 *  @return false: tg_sum_enter is due. */
static inline bool tg_sum_is_entered(const struct tg_rate_priced *priced, uint32_t version)
{
    return priced->is_entered && priced->version == version;
}

/** @brief Can a row have moved a shelf, or cost something else than its charge? @param priced Of
 *  its version. @param snapshot Borrowed. @param row Borrowed. @param charge Borrowed.
 *  @return false is certain, true is for tg_rate_shelves_apply to tell. */
TG_SUM_INLINE bool tg_sum_is_shelved(const struct tg_rate_priced *priced,
                                     const struct tg_catalog_snapshot *snapshot,
                                     const struct tg_usage *row, const struct tg_charge *charge)
{
    if (priced->image == NULL || charge->price_id >= priced->prices_count ||
        ((row->flags & TG_USAGE_PARTIAL) != 0 && priced->has_calls)) {
        return true;
    }
    if (priced->has_rules &&
        tg_sum_info_is_ruled(tg_image_price_info(priced->image, charge->price_id))) {
        return true;
    }
    if (!priced->has_buckets) {
        return false;
    }
    if (charge->subscriber >= snapshot->roster->subscribers_count) {
        return true;
    }
    const uint16_t index = tg_roster_product(snapshot->roster, charge->subscriber, row->start_ns);
    const struct tg_product *product =
        index != TG_ROSTER_ASK_LINE ? tg_image_product(priced->image, index) : NULL;
    const struct tg_plan_service *plan_service =
        product == NULL ? NULL
        : tg_rate_row_is_received(row)
            ? tg_image_plan_received(priced->image, product->plan, row->service)
            : tg_image_plan_service(priced->image, product->plan, row->service);
    return plan_service == NULL || plan_service->buckets_count != 0;
}

/** @brief What a rated row adds to its line. @param priced Any version was entered. @param row
 *  Borrowed. @param charge Borrowed; its unit is one. @param period Its month. @param[out] laid
 *  Written. @return false: its units cannot be a charge's, or are more than a counter holds. */
TG_SUM_INLINE bool tg_sum_make(const struct tg_rate_priced *priced, const struct tg_usage *row,
                               const struct tg_charge *charge, uint32_t period,
                               struct tg_rate_laid *laid)
{
    const uint64_t unit_base_count = priced->unit_base_counts[charge->unit];
    const bool is_metered = charge->unit != TG_UNIT_AMOUNT; /* carried money is no usage */
    const enum tg_account_meter_kind meter = tg_account_meter_of(row->service);
    uint64_t billed_base;
    const bool is_over =
        __builtin_mul_overflow(charge->billed_units, unit_base_count, &billed_base);
    const uint64_t allowance_base = charge->allowance_units * unit_base_count;
    laid->amount = charge->amount;
    laid->priced_base = billed_base - allowance_base;
    laid->allowance_base = allowance_base;
    laid->subscriber = charge->subscriber;
    laid->month = period << 16 | (is_metered ? (uint32_t)meter : TG_METERS_COUNT);
    return !is_over && billed_base <= TG_METER_BASE_MAX;
}

/** @brief The usual row is sums. @param[in,out] priced Kept. @param snapshot Borrowed.
 *  @param subscribers_max Lines there are. @param row Borrowed. @param charge Borrowed.
 *  @param period tg_rate_period of the row. @param[out] laid Written on TG_SUM_MADE.
 *  @return How the row is applied, unless the line itself says otherwise. */
TG_SUM_INLINE enum tg_sum_way tg_sum_row(struct tg_rate_priced *priced,
                                         const struct tg_catalog_snapshot *snapshot,
                                         uint32_t subscribers_max, const struct tg_usage *row,
                                         const struct tg_charge *charge, uint32_t period,
                                         struct tg_rate_laid *laid)
{
    if (charge->fate != TG_FATE_RATED) {
        return TG_SUM_NONE;
    }
    if (period == 0 || period > UINT16_MAX || charge->subscriber >= subscribers_max) {
        return TG_SUM_BAD;
    }
    if (tg_row_is_adjustment(row) || tg_usage_is_reversal(row)) {
        return TG_SUM_LONG;
    }
    if (__builtin_expect(!tg_sum_is_entered(priced, charge->catalog_version), 0)) {
        tg_sum_enter(priced, snapshot, charge->catalog_version);
    }
    if (tg_sum_is_shelved(priced, snapshot, row, charge)) {
        return TG_SUM_LONG;
    }
    if (charge->unit >= TG_UNIT_COUNT || charge->allowance_units > charge->billed_units) {
        return TG_SUM_BAD;
    }
    return tg_sum_make(priced, row, charge, period, laid) ? TG_SUM_MADE : TG_SUM_BAD;
}

/* Of a block; see sums.h. */
struct tg_rate_sums {
    struct tg_rate_laid *rows; /* [rows_capacity]: those that add something, in journal order */
    uint32_t rows_capacity;
    uint32_t rows_count;
    uint32_t subscribers_max;
    bool is_whole;
    struct tg_rate_month month; /* of the rows before */
    struct tg_rate_priced priced;
};

#endif
