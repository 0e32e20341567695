/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Accounts whose rows did not come in the order of their events.
 *
 *  Source: rating-semantics 4.5, 4.11. Threads: the calling one. Allocates: 16 octets an account.
 *  Cost: a scan of six columns.
 */
#ifndef TG_BILL_RERATE_ORDER_H
#define TG_BILL_RERATE_ORDER_H

#include "base/error.h"
#include "bill/adjust.h"
#include "bill/rerate.h"

#include <stdint.h>

/**
 * @brief Mark them.
 * @param[in]  params       selector times, wanted accounts, journal and people count.
 * @param[in]  adjustments  Of the journal: rows that were backed out do not count.
 * @param[out] late         1: some row of the account came behind one that is later, by
 *                          tg_replay_event_compare within the selected times; zeros at first;
 *                          shape [accounts_count].
 * @param[out] why          May be NULL.
 * @return TG_OK, TG_E_NO_MEMORY, or as tg_scan_next.
 */
enum tg_err tg_rerate_late_find(const struct tg_rerate_params *params,
                                const struct tg_adjust_index *adjustments, uint8_t *late,
                                struct tg_why *why);

#endif
