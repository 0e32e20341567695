/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Where a bill changes currency: usage once a line, a product's amounts once a cycle.
 *
 *  Source: rating-semantics 4.15 (convert once, at the BILL stage for retail).
 *  Threads: pure. Allocates: never. Cost: a bisection a row of foreign currency, else a compare.
 *
 *  Rows of one line have one rate, that of their events: so the line is converted once, from its
 *  exact sum. A product's amounts are in the catalog's currency and are converted at the rate of
 *  the cycle's last instant.
 */
#ifndef TG_BILL_CONVERT_H
#define TG_BILL_CONVERT_H

#include "abi/err.h"
#include "catalog/catalog.h"
#include "catalog/exchange.h"
#include "catalog/image.h"

#include <stdint.h>

/** Slot currencies from here on are not ISO 4217 numbers: the exchange rate of the slot's catalog
 *  version plus this. So rows of different rates are different lines. */
#define TG_BILL_EXCHANGE_FROM 1000u

/**
 * @brief Currency key of a row's slot.
 * @param catalog   Has the row's version.
 * @param version   That priced the row.
 * @param currency  Of the charge.
 * @param own       The account's.
 * @param at_ns     Event time.
 * @return currency, or TG_BILL_EXCHANGE_FROM + rate when it will be converted.
 */
uint16_t tg_bill_slot_currency(const struct tg_catalog_snapshot *catalog, uint32_t version,
                               uint16_t currency, uint16_t own, int64_t at_ns);

/** @brief Rate of a slot. @param image Of the slot's version. @param slot_currency From
 *  tg_bill_slot_currency. @return Borrowed; NULL: not converted. */
const struct tg_exchange_rate *tg_bill_slot_exchange(const struct tg_image *image,
                                                     uint16_t slot_currency);

/** @brief An amount of a version in the account's currency. @param image Version. @param own The
 *  account's currency. @param at_ns Whose rate counts. @param[in,out] amount Left as it is when the
 *  image declares no exchange rates at all. @return TG_OK, TG_E_NO_EXCHANGE_RATE,
 *  TG_E_AMOUNT_OVERFLOW. */
enum tg_err tg_bill_amount_convert(const struct tg_image *image, uint16_t own, int64_t at_ns,
                                   int64_t *amount);

/** @brief The RATE stage of what a bill works out itself: a part of a fee, a minimum, a maximum;
 *  rounded as charges are. @param image Whose rounding and rating digits. @param currency Of the
 *  amount. @param numerator Scale units times denominator. @param denominator At least 1.
 *  @param[out] amount Written on TG_OK. @return TG_OK or TG_E_AMOUNT_OVERFLOW. */
enum tg_err tg_bill_rate(const struct tg_image *image, uint16_t currency, __int128 numerator,
                         uint64_t denominator, int64_t *amount);

/**
 * @brief A product with its amounts in the account's currency.
 * @param[in]  image    Of the product.
 * @param[in]  product  Borrowed.
 * @param[in]  own      The account's currency.
 * @param[in]  at_ns    Whose rate counts.
 * @param[out] local    Copy; its amounts are in *currency.
 * @param[out] currency own; or the image's when it declares no exchange rates at all.
 * @return TG_OK, TG_E_NO_EXCHANGE_RATE, TG_E_AMOUNT_OVERFLOW.
 */
enum tg_err tg_bill_product_convert(const struct tg_image *image, const struct tg_product *product,
                                    uint16_t own, int64_t at_ns, struct tg_product *local,
                                    uint16_t *currency);

#endif
