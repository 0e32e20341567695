/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Round a sum once and print its parts so that they add up to it: largest remainder.
 *
 *  Source: rating-semantics 4.14 and 4.15 (sum exact, round once, parts sum); the method is
 *  Hamilton's apportionment. Threads: pure. Allocates: never; the caller lends scratch.
 *  Cost: one division a part and a sort of the parts that have a fraction.
 */
#ifndef TG_BILL_ALLOCATE_H
#define TG_BILL_ALLOCATE_H

#include "abi/err.h"

#include <stdint.h>

/** @brief Room for one part while a sum is being shared out; lent by the caller, contents free. */
struct tg_bill_fraction {
    unsigned __int128 rest; /**< Part's fraction above its floor, in units of the divisor. */
    uint32_t index;         /**< Which part. */
    uint32_t reserved;      /**< 0. */
};

/**
 * @brief total = round(sum(exact) / divisor), and parts[] = floor or ceiling of each, summing to
 * it.
 *
 * The fractions left over by the floors go, one unit each, to the parts with the largest ones; a
 * tie goes to the lower index. A part without a fraction is never touched.
 *
 * @param[in]  exact        Exact parts; shape [parts_count]; any sign.
 * @param[in]  parts_count  0..UINT32_MAX; 0 gives total 0.
 * @param[in]  divisor      At least 1, e.g. 10^6 from rating to bill scale.
 * @param[in]  rounding     enum tg_rounding of the one rounding, of the sum.
 * @param[out] parts        Shape [parts_count]; unspecified unless TG_OK.
 * @param[out] total        The rounded sum; unspecified unless TG_OK.
 * @param[in]  scratch      Shape [parts_count]; overwritten.
 * @return TG_OK, TG_E_INVALID (divisor 0), or TG_E_AMOUNT_OVERFLOW when the sum, a part or the
 * total does not fit.
 */
enum tg_err tg_bill_allocate(const __int128 *exact, uint32_t parts_count, uint64_t divisor,
                             uint8_t rounding, int64_t *parts, int64_t *total,
                             struct tg_bill_fraction *scratch);

/**
 * @brief Share an already rounded total over parts in proportion to weights; the parts sum to it.
 *
 * @param[in]  total        What is shared, any sign.
 * @param[in]  weights      Shape [parts_count]; any sign, but their sum must not be 0 unless total
 * is.
 * @param[in]  parts_count  At least 1 unless total is 0.
 * @param[out] parts        Shape [parts_count]; unspecified unless TG_OK.
 * @param[in]  scratch      Shape [parts_count]; overwritten.
 * @return TG_OK; TG_E_INVALID when total is not 0 and there is nobody to carry it (no part);
 *         TG_E_AMOUNT_OVERFLOW. Weights that sum to 0 put the whole total on the first part.
 */
enum tg_err tg_bill_share(int64_t total, const int64_t *weights, uint32_t parts_count,
                          int64_t *parts, struct tg_bill_fraction *scratch);

#endif
