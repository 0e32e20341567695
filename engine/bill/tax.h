/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief A set of taxes on the lines of one category: each in order, some on those before.
 *
 *  Source: rating-semantics 4.15 (compound taxes ordered; parts allocated by largest remainder).
 *  Threads: pure. Allocates: never. Cost: a pass over the category's lines a part, and a sort.
 *
 *  A set is a category of its own. By category: a part's tax = round(taxable x rate), where taxable
 *  is the category's net and, of a compound part, the taxes of the parts before it; it is shared
 *  out over the lines. By line: the same for each line, summed; by charge: for each row, summed,
 * and lines that have no rows by line. Inclusive: all taxes of the gross are rounded once, parts
 * and lines are its largest remainders.
 */
#ifndef TG_BILL_TAX_H
#define TG_BILL_TAX_H

#include "base/error.h"
#include "bill/invoice.h"

#include <stdint.h>

/**
 * @brief Tax the lines of a category that is a set.
 * @param[in,out] invoice  Lines' amounts are set; their tax amounts and parts are written.
 * @param[in,out] tax      net is set (inclusive: with tax); tax and the parts' amounts are written.
 * @param[in]     scratch  rows: the category's lines; the other arrays are free.
 * @param[in]     count    Of rows.
 * @return TG_OK or TG_E_AMOUNT_OVERFLOW.
 */
enum tg_err tg_bill_set_tax(struct tg_bill_invoice *invoice, struct tg_bill_tax *tax,
                            const struct tg_bill_scratch *scratch, uint32_t count);

/**
 * @brief The parts of a set on one amount, each rounded by itself.
 * @param[in]  tax     A set.
 * @param[in]  amount  Inclusive: with all taxes in it.
 * @param[in]  scale   Units of amount in one of the parts: 10^6 from rating to bill scale, 1 to
 *                     leave them at the scale of the amount; at most 10^6.
 * @param[out] parts   Shape [tax->parts_count]; unspecified unless TG_OK.
 * @return TG_OK or TG_E_AMOUNT_OVERFLOW.
 */
enum tg_err tg_bill_charge_parts(const struct tg_bill_tax *tax, int64_t amount, uint64_t scale,
                                 int64_t *parts);

#endif
