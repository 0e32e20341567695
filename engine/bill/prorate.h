/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Recurring fee for a part of a cycle: fee x covered / total, multiplied first, rounded
 * once.
 *
 *  Source: rating-semantics 4.7; FIXED_30 is the 30E/360 day count (ISDA 2006 Definitions 4.16(g)).
 *  Threads: pure. Allocates: never. Cost: one 128-bit division.
 *
 *  Kill Bill's proration with fixed days gives the same as 30E/360 whenever service runs to the end
 *  of the cycle; unlike it, 30E/360 is additive: the two halves of a split cycle make the whole
 * fee.
 */
#ifndef TG_BILL_PRORATE_H
#define TG_BILL_PRORATE_H

#include "abi/err.h"
#include "catalog/image.h"
#include "catalog/zone_time.h"

#include <stdbool.h>
#include <stdint.h>

/** @brief What to prorate. Days are calendar days of the zone; both intervals are half-open. */
struct tg_bill_prorate_params {
    uint32_t size_bytes;      /**< sizeof(struct tg_bill_prorate_params). */
    uint8_t proration;        /**< enum tg_proration. */
    uint8_t rounding;         /**< enum tg_rounding of the RATE stage. */
    bool keeps_start_full;    /**< A start inside the cycle costs as if from its begin. */
    bool keeps_end_full;      /**< An end inside the cycle costs as if to its end. */
    bool ends_by_change;      /**< The day it ends within is the next product's. */
    uint8_t exponent;         /**< The result is a multiple of 10^this scale units. */
    uint8_t reserved[6];      /**< 0. */
    struct tg_zone_view zone; /**< Whose days; all 0: UTC. */
    int64_t fee;              /**< Fee of a full cycle, at rating scale. */
    int64_t cycle_start_ns;   /**< Begin of the cycle, UTC. */
    int64_t cycle_end_ns;     /**< End of the cycle, UTC, after its begin. */
    int64_t active_start_ns;  /**< Begin of service; INT64_MIN: always was. */
    int64_t active_end_ns;    /**< End of service; INT64_MAX: open. */
};

/** @brief The prorated fee and the fraction that made it, for explain. */
struct tg_bill_prorated {
    int64_t amount;   /**< At rating scale. */
    uint64_t covered; /**< Numerator: days or seconds. */
    uint64_t total;   /**< Denominator, same unit, at least 1. */
};

/**
 * @brief Prorate one fee over one cycle.
 * @param[in]  params  Borrowed.
 * @param[out] result  Written on TG_OK. A service that never touches the cycle gives 0 of total.
 * @return TG_OK, TG_E_INVALID (empty cycle or unknown proration), TG_E_AMOUNT_OVERFLOW.
 */
enum tg_err tg_bill_prorate(const struct tg_bill_prorate_params *params,
                            struct tg_bill_prorated *result);

/**
 * @brief A fee a week, Monday to Sunday, for the weeks that end in a cycle: each is on one bill.
 * @param[in]  params  As above; proration is actual_days, none_full (a begun week is whole) or
 *                     none_zero (only whole weeks).
 * @param[out] result  Written on TG_OK: days of 7.
 * @return As tg_bill_prorate.
 */
enum tg_err tg_bill_prorate_weeks(const struct tg_bill_prorate_params *params,
                                  struct tg_bill_prorated *result);

/** @brief Catalog name ("actual_days"). @param proration enum. @return Static text, never NULL. */
const char *tg_bill_proration_name(uint8_t proration);

#endif
