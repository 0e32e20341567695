/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Band of a row on a bill: the one its usage begins in, by name, over all versions.
 *
 *  Source: rating-semantics 4.14 (lines by subscription, product, zone, band), 4.4.
 *  Threads: one opens; then any number of readers. Allocates: in open. Cost: nothing where no
 *  catalog has a time model; else a binary search over the model's switches a row of such a plan.
 *
 *  A charge is one amount, rounded once, also of a call that bands cut: so it is on the line of the
 *  band it begins in (with `split: end` of the one it ends in), and the line counts such rows.
 *  Sharing the charge out was rejected: minimum, maximum, connect fee, decimals and spend limits
 *  are of the whole, and the parts would be rounded a second time.
 */
#ifndef TG_BILL_BANDS_H
#define TG_BILL_BANDS_H

#include "abi/usage.h"
#include "base/error.h"

#include <stdint.h>

struct tg_catalog_snapshot;

#define TG_BILL_BAND_NONE    0u      /**< The row's plan has no time model. */
#define TG_BILL_BAND_CROSSES 0x8000u /**< Bit: usage goes on into another band. */
#define TG_BILL_BANDS_MAX    0x7fffu /**< Names of bands over all versions; more is TG_E_FULL. */

/** @brief Names of bands of a catalog's versions. */
struct tg_bill_bands;

/**
 * @brief Collect the names.
 * @param[in]  catalog  Outlives it.
 * @param[out] bands    tg_bill_bands_close; NULL when no version has a time model.
 * @param[out] why      May be NULL.
 * @return TG_OK, TG_E_NO_MEMORY, TG_E_FULL.
 */
enum tg_err tg_bill_bands_open(const struct tg_catalog_snapshot *catalog,
                               struct tg_bill_bands **bands, struct tg_why *why);

/** @brief Free. @param bands Bands or NULL. */
void tg_bill_bands_close(struct tg_bill_bands *bands);

/**
 * @brief Band of a row.
 * @param bands       Bands or NULL.
 * @param row         service, flags, start_ns, duration_ms and serving_network are looked at.
 * @param site        As in tg_charge; 0 none.
 * @param subscriber  Roster index, of the roster.
 * @param version     That priced it.
 * @return 1..TG_BILL_BANDS_MAX, perhaps with TG_BILL_BAND_CROSSES; TG_BILL_BAND_NONE.
 */
uint16_t tg_bill_band_of(const struct tg_bill_bands *bands, const struct tg_usage *row,
                         uint32_t site, uint32_t subscriber, uint32_t version);

/** @brief Name of a band. @param bands Bands or NULL. @param band From tg_bill_band_of.
 *  @return "" for TG_BILL_BAND_NONE; borrowed from the catalog. */
const char *tg_bill_band_name(const struct tg_bill_bands *bands, uint16_t band);

#endif
