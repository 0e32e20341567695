/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Terms of a plan's service: what a record is before it is cut into units and priced.
 *
 *  Source: rating-semantics 4.3 (1), 4.1. Threads: pure; any. Allocates: never. Cost: an indexed
 *  load and a bit for rows of services that have terms; nothing for others.
 */
#ifndef TG_RATE_TERMS_H
#define TG_RATE_TERMS_H

#include "abi/err.h"
#include "abi/usage.h"
#include "catalog/catalog.h"

#include <stdbool.h>
#include <stdint.h>

/**
 * @brief The row that is priced in place of a row.
 *
 * Usage that is not billable is priced as none at all, and so ends the call it belongs to. A record
 * that more of its call follow has no closing cause yet. Replay asks again and gets the same.
 *
 * @param[in]  image         Checked.
 * @param[in]  plan_service  Of that image.
 * @param[in]  row           Borrowed.
 * @param[out] priced        Copy of the row, changed.
 * @param[out] flags         enum tg_charge_flag bits of its charge: TG_CHARGE_NOT_BILLABLE,
 *                           TG_CHARGE_REVERSAL.
 * @return TG_OK, or why it is suspended: TG_E_NOT_BILLABLE, TG_E_ZERO_USAGE, TG_E_NEGATIVE_USAGE.
 */
enum tg_err tg_rate_terms(const struct tg_image *image, const struct tg_plan_service *plan_service,
                          const struct tg_usage *row, struct tg_usage *priced, uint8_t *flags);

/**
 * @brief Is a record without usage something for the price stage, as its plan says what it costs,
 *        or counts its time where it reports no octets?
 * @param snapshot    Borrowed.
 * @param row         Borrowed; reports no usage.
 * @param subscriber  Dense index; may be TG_SUBSCRIBER_NONE.
 * @return false: it costs nothing, and need not go there.
 */
bool tg_rate_zero_is_priced(const struct tg_catalog_snapshot *snapshot, const struct tg_usage *row,
                            uint32_t subscriber);

#endif
