/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Taxes in order, some of them on those before: what each is of a net, exactly.
 *
 *  Source: rating-semantics 4.15 (compound taxes ordered; backing out). Threads: pure. Allocates:
 *  never. Cost: a few multiplications and greatest common divisors a tax.
 */
#ifndef TG_CATALOG_TAX_SHARES_H
#define TG_CATALOG_TAX_SHARES_H

#include <stdbool.h>
#include <stdint.h>

/** @brief One tax of the list. */
struct tg_tax_rate {
    uint32_t rate_ppm;   /**< Parts per million. */
    bool is_compound;    /**< Also on the taxes before it. */
    uint8_t reserved[3]; /**< 0. */
};

/**
 * @brief Shares of a net of `net`: tax i of an amount without tax is amount x shares[i] / net, and
 *        of one with all of them amount x shares[i] / (net + sum of shares).
 * @param[in]  rates   In order; shape [count].
 * @param[in]  count   At most 8.
 * @param[out] net     At least 1.
 * @param[out] shares  Shape [count].
 * @return false when the fractions have no common denominator with a total below 2^60.
 */
bool tg_tax_shares(const struct tg_tax_rate *rates, uint32_t count, int64_t *net, int64_t *shares);

#endif
