/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief From a row to billed units: price, quantity, grace, minimum, increments, time bands.
 *
 *  Source: reference rating-semantics 4.3 (increments), 4.4 (bands, increment ownership).
 *  Threads: pure. Allocates: never. Cost: two or three divisions a row without a time model.
 */
#ifndef TG_RATE_SPLIT_H
#define TG_RATE_SPLIT_H

#include "abi/err.h"
#include "abi/tariff.h"
#include "abi/usage.h"
#include "base/limits.h"
#include "catalog/image.h"
#include "catalog/roster.h"

#include <stdbool.h>
#include <stdint.h>

/** @brief One part of a row that has one price. */
struct tg_rate_cut {
    const struct tg_price *price; /**< In the image. */
    uint64_t units;               /**< Billed units of this part. */
    uint64_t covered_units;       /**< Of these by allowances, when parts are covered apart. */
    int64_t start_ns;             /**< UTC. */
    int64_t end_ns;               /**< UTC; the increments may end after the usage did. */
    uint32_t band;                /**< Band of its price. */
};

/** @brief A row cut into parts. */
struct tg_rate_cuts {
    const struct tg_price_info *info; /**< Of the first price; NULL when there is none. */
    const struct tg_price *price;     /**< First price: owner of fee, grace, minimum, included. */
    uint64_t raw_units;               /**< Quantity in the price's unit, before all else. */
    uint64_t billed_units;            /**< Sum of the parts, included units taken off. */
    bool is_isolated;                 /**< Tiers start again with each part. */
    bool is_covered_apart;            /**< Allowances look at bands: covered_units counts. */
    uint64_t included_units;          /**< What was taken off. */
    uint32_t cuts_count;              /**< 0: not billable (nothing used, or within grace). */
    struct tg_rate_cut cuts[TG_PIECES_PER_ROW_MAX]; /**< In order of time. */
};

/** @brief Base quantity of a row. @param row Borrowed. @param dimension enum tg_dimension.
 *  @return Milliseconds, octets, events or money. */
static inline uint64_t tg_rate_base_quantity(const struct tg_usage *row, uint8_t dimension)
{
    switch (dimension) {
    case TG_DIMENSION_TIME:
        return row->duration_ms;
    case TG_DIMENSION_BYTES:
        return (uint64_t)row->quantity_up + row->quantity_down;
    case TG_DIMENSION_MONEY:
        return row->quantity_down;
    default:
        return row->quantity_up;
    }
}

/**
 * @brief Base quantity to whole units.
 * @param base             Milliseconds, octets or events.
 * @param unit_base_count  Base quantity in a unit, at least 1.
 * @param rounding         enum tg_rounding; the same for single and partial records (TS 32.298
 *                         5.1.2.1.4).
 * @return Units.
 */
uint64_t tg_rate_units(uint64_t base, uint64_t unit_base_count, uint8_t rounding);

/**
 * @brief Units to billed units: first increment, then next ones.
 * @param[in]  units            Any; 0 gives 0.
 * @param[in]  first_increment  At least 1.
 * @param[in]  next_increment   At least 1.
 * @param[out] billed           Written on TG_OK.
 * @return TG_OK or TG_E_AMOUNT_OVERFLOW.
 */
enum tg_err tg_rate_increments(uint64_t units, uint64_t first_increment, uint64_t next_increment,
                               uint64_t *billed);

/**
 * @brief Time model whose wall time counts for a row (rating-semantics 4.4, rating zone).
 * @param image         Valid at the row's time.
 * @param plan_service  Of that image.
 * @param row           Borrowed.
 * @param site          As in tg_charge.
 * @param account       Who pays; NULL: nobody known.
 * @return Model for tg_rate_cut; TG_TIME_MODEL_NONE when the plan has none.
 */
uint32_t tg_rate_time_model(const struct tg_image *image,
                            const struct tg_plan_service *plan_service, const struct tg_usage *row,
                            uint32_t site, const struct tg_roster_account *account);

/**
 * @brief Cut a row at its time bands.
 *
 * Octets and events carry no time within the record: they belong to the band of the start. Time is
 * cut for split modes consecutive and isolated, by the plan's owner of increments:
 *  - increment_start: increments are counted from the start of the call, each is wholly of the band
 *    in which it starts; the first increment is the first band's alone;
 *  - per_second: raw units go to the band in which they start, the last piece is rounded up;
 *  - per_segment: each piece is rounded by its own price. Later pieces have next increments only,
 *    in isolated mode a first one too.
 * The two modes differ besides in what tiers count: isolated starts at 0 in each band.
 *
 * @param[in]  image         Valid at the row's time.
 * @param[in]  plan_service  Of that image.
 * @param[in]  model         Time model from tg_rate_time_model, or TG_TIME_MODEL_NONE.
 * @param[in]  zone          Zone index; TG_ZONE_NONE none.
 * @param[in]  row           Borrowed.
 * @param[out] cuts          Written.
 * @return TG_OK, TG_E_NO_RATE (no price of zone and band), TG_E_AMOUNT_OVERFLOW, TG_E_FULL (more
 *         than TG_PIECES_PER_ROW_MAX parts), TG_E_MISSING_FIELD (priced by amount, and the record
 *         carries none).
 */
enum tg_err tg_rate_cut(const struct tg_image *image, const struct tg_plan_service *plan_service,
                        uint32_t model, uint32_t zone, const struct tg_usage *row,
                        struct tg_rate_cuts *cuts);

/**
 * @brief A row whose first units allowances cover as they were used: the rest is rounded as if it
 *        started behind them.
 * @param[in,out] cuts           Of one part; billed and included units are written.
 * @param[in]     covered_units  1 to cuts->raw_units.
 * @return TG_OK or TG_E_AMOUNT_OVERFLOW.
 */
enum tg_err tg_rate_cuts_rest(struct tg_rate_cuts *cuts, uint64_t covered_units);

#endif
