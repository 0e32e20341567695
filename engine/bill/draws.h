/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Does a row move shelves alike under two catalog versions?
 *
 *  Source: rating-semantics 4.6, 4.11. Threads: pure. Allocates: never. Cost: a comparison of the
 *  plan's allowances; only rows of plans with shelves come that far.
 *
 *  A charge says how much allowances covered, not which: that is worked out again from the version
 *  that priced the row (tg_rate_apply). When a rerate leaves a row's money and units alone and the
 *  answer here is no, the journal must learn which version's list the row draws from.
 */
#ifndef TG_BILL_DRAWS_H
#define TG_BILL_DRAWS_H

#include "abi/usage.h"
#include "catalog/image.h"
#include "record/charge.h"

#include <stdbool.h>
#include <stdint.h>

/** @brief One side. */
struct tg_draws_side {
    const struct tg_image *image;   /**< That priced; NULL: not stored, never alike. */
    const struct tg_charge *charge; /**< What came of it, rated; indices are the image's. */
    uint16_t product;               /**< Of the subscription, in the image. */
};

/**
 * @brief Compare.
 * @param usage   The row.
 * @param before  As it stands.
 * @param after   As it is priced now; money and units are those of before.
 * @return true when applying either moves the same shelves by the same amounts. What cannot be told
 *         without the calendar counts as not alike.
 */
bool tg_draws_alike(const struct tg_usage *usage, const struct tg_draws_side *before,
                    const struct tg_draws_side *after);

#endif
