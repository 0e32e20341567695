/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Amounts due that coins can pay: a multiple of a step, by a declared mode.
 *
 *  Source: rating-semantics 4.14 (rounding line only where law allows); EN 16931 BT-114, BT-115.
 *  Threads: pure. Allocates: never. Cost: a division.
 *
 *  Lines, taxes and the total stay as they are: what rounding adds stands beside them, and
 *  amount due = total - paid + rounding.
 */
#ifndef TG_BILL_CASH_H
#define TG_BILL_CASH_H

#include "base/error.h"

#include <stdint.h>

struct tg_image;

/** @brief How amounts due are rounded. */
struct tg_bill_cash {
    uint32_t step;       /**< At the currency's minor unit; 0: they are not. */
    uint8_t rounding;    /**< enum tg_rounding. */
    uint8_t reserved[3]; /**< 0. */
};

/** @brief The rounding of an account's invoices. @param image Version that counts; may be NULL.
 *  @param currency ISO 4217 numeric of the invoice. @param account_flags enum tg_roster_flag.
 *  @return step 0: none. */
struct tg_bill_cash tg_bill_cash_of(const struct tg_image *image, uint16_t currency,
                                    uint8_t account_flags);

/** @brief What is to be added to an amount. @param cash How. @param amount Bill scale.
 *  @param[out] added Written on TG_OK; 0 without a step. @return TG_OK or TG_E_AMOUNT_OVERFLOW:
 *  also when the sum does not fit. */
enum tg_err tg_bill_cash_add(const struct tg_bill_cash *cash, int64_t amount, int64_t *added);

#endif
