/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief From one currency to another by the rate in force.
 *
 *  Source: reference rating-semantics 4.15 (effective-dated, direction and decimals explicit).
 *  Threads: pure. Allocates: never. Cost: a bisection; only where a catalog has such tables.
 *
 *  A rate is used in the direction it is written in, and alone: no inverse and no rate over a third
 *  currency is made up.
 */
#ifndef TG_CATALOG_EXCHANGE_H
#define TG_CATALOG_EXCHANGE_H

#include "abi/err.h"
#include "catalog/image.h"

#include <stdint.h>

/**
 * @brief Rate in force.
 * @param image  Checked.
 * @param from   ISO 4217 numeric.
 * @param to     ISO 4217 numeric.
 * @param at_ns  Event time, UTC.
 * @return Borrowed, or NULL: none covers that time (TG_E_NO_EXCHANGE_RATE).
 */
const struct tg_exchange_rate *tg_image_exchange(const struct tg_image *image, uint16_t from,
                                                 uint16_t to, int64_t at_ns);

/** @brief Its id as in the documents. @param image Of the rate. @param rate From
 *  tg_image_exchange. @return NUL-terminated, borrowed. */
const char *tg_image_exchange_name(const struct tg_image *image,
                                   const struct tg_exchange_rate *rate);

/** @brief Where the exchange rate is in its image. @param image Of the rate. @param rate From
 *  tg_image_exchange. @return Index, below 65,535. */
uint16_t tg_image_exchange_index(const struct tg_image *image, const struct tg_exchange_rate *rate);

/** @brief A rate by its place. @param image Checked. @param index Any. @return Borrowed or NULL. */
const struct tg_exchange_rate *tg_image_exchange_at(const struct tg_image *image, uint32_t index);

#define TG_EXCHANGE_DIGITS_MAX 18 /**< Decimals that one rounding takes off. */

/** @brief Decimals that rounding takes off an amount times a rate. @param rate Borrowed.
 *  @return At most TG_EXCHANGE_DIGITS_MAX in a checked image; 0 or below: it is exact. */
static inline int tg_exchange_digits(const struct tg_exchange_rate *rate)
{
    return (int)rate->from_scale + rate->decimals + rate->to_exponent - (int)rate->to_scale;
}

/** @brief Charges and fees in a currency are multiples of 10^this scale units, where nothing else
 *  is said: `rating_digits`. @param image Checked. @param currency The catalog's, or one that a
 *  rate leads to; of any other it is 0. @return 0..TG_RATING_DIGITS. */
uint8_t tg_image_rating_exponent(const struct tg_image *image, uint16_t currency);

/**
 * @brief Convert, with one rounding, to the rating digits of the currency.
 * @param[in]  rate      Borrowed.
 * @param[in]  amount    At the scale of rate->from; 128 bits so that sums fit.
 * @param[in]  rounding  enum tg_rounding.
 * @param[out] result    At the scale of rate->to; written on TG_OK.
 * @return TG_OK or TG_E_AMOUNT_OVERFLOW.
 */
enum tg_err tg_exchange_amount(const struct tg_exchange_rate *rate, __int128 amount,
                               uint8_t rounding, int64_t *result);

#endif
