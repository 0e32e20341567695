/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The tax of one row by itself, where a tax is rounded a charge.
 *
 *  Source: rating-semantics 4.15 (per charge, as US telecom taxes are). Threads: pure.
 *  Allocates: never. Cost: a choice of tax and a division a part, of rows of catalogs that have
 *  such a tax only.
 */
#ifndef TG_BILL_CHARGE_TAX_H
#define TG_BILL_CHARGE_TAX_H

#include "base/error.h"
#include "bill/lines.h"

#include <stdbool.h>
#include <stdint.h>

struct tg_catalog_snapshot;

/** @brief Does any version round a tax a charge? @param catalog Snapshot. @param[out] has_sets One
 *  of these taxes is a set. @return true if so. */
bool tg_bill_taxes_charges(const struct tg_catalog_snapshot *catalog, bool *has_sets);

/**
 * @brief Write a row's own tax, of a set also its parts, when its tax is one of those.
 * @param[in]     catalog      Versions and roster.
 * @param[in]     taxed_to_ns  End of the period whose taxes count.
 * @param[in,out] item         A row; charge_tax, tax_parts and tax_parts_count are written.
 * @return TG_OK or TG_E_AMOUNT_OVERFLOW.
 */
enum tg_err tg_bill_charge_tax(const struct tg_catalog_snapshot *catalog, int64_t taxed_to_ns,
                               struct tg_bill_item *item);

#endif
