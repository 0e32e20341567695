/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Statements of prepaid balances: what there was, what came, what was used, what is left.
 *
 *  Source: rating-semantics 4.13. Threads: the calling one. Allocates: the scan's buffers.
 *  Cost: seven columns of every row up to the end of the period; only where somebody is prepaid or
 *  was.
 *
 *  A row or top-up counts on the bill it is on: that of its cycle, or when it came behind the
 *  close the next one. So a bill opens with what the bill before closed with. What bills took for
 *  fees is not read here, but by taken.h.
 */
#ifndef TG_BILL_BALANCE_H
#define TG_BILL_BALANCE_H

#include "base/error.h"
#include "bill/collect.h"

#include <stdbool.h>
#include <stdint.h>

/** @brief Sums of one account at the catalog's rating scale; what was used is below 0. */
struct tg_bill_balance {
    __int128 opening;    /**< When the period began. */
    __int128 topups;     /**< Added in it, and taken out by hand. */
    __int128 usage;      /**< Of rows on the bill. */
    __int128 lapsed;     /**< Of top-ups whose time was up in it: below 0. */
    int64_t taken;       /**< With is_taken: what the bill of the window took for fees, above 0, at
                              the currency's minor unit. */
    bool is_taken;       /**< That bill is issued, and has (taken.h). */
    uint8_t reserved[7]; /**< 0. */
};

/**
 * @brief Read the balances of all accounts.
 * @param[in]     collect   As tg_bill_collect_run left it.
 * @param[in,out] balances  All 0; shape [accounts_count of the roster].
 * @param[out]    why       May be NULL.
 * @return TG_OK; TG_E_CORRUPT (a note is no event); as tg_scan_fold.
 */
enum tg_err tg_bill_balances_read(const struct tg_bill_collect *collect,
                                  struct tg_bill_balance *balances, struct tg_why *why);

#endif
