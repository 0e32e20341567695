/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Records that take usage back: counters as if it had never been.
 *
 *  Source: rating-semantics 4.1 (round(-x) = -round(x)). Threads: one worker. Allocates: never.
 *  Cost: rare rows only.
 *
 *  Such a row is priced as the usage it takes back, from where the counter stands without it, and
 *  its charge is negated when all is rounded: with the usage itself it comes to 0 in every rounding
 *  mode. What its tiers look at must have been counted in that period, else nothing is known of the
 *  usage and the row is refused.
 */
#ifndef TG_RATE_REVERSE_H
#define TG_RATE_REVERSE_H

#include "rate/allowance.h"

/**
 * @brief Take a row's units off the counter of its price.
 * @param[in,out] accounts     Lines and shelves.
 * @param[in,out] log          Of the row; NULL when the account line has the counter.
 * @param[in]     counter      On the shelf; unused without a log.
 * @param[in]     time         Event time and calendar.
 * @param[in]     info         Of the price.
 * @param[in]     meter        Of the account line; not changed here.
 * @param[in]     billed_base  Base quantity that is taken back.
 * @param[out]    base_left    What is counted without it.
 * @param[out]    events_left  Records without it.
 * @return TG_OK, TG_E_NEGATIVE_USAGE, TG_E_FULL, TG_E_PERIOD_CLOSED.
 */
enum tg_err tg_rate_reverse_count(struct tg_accounts *accounts, struct tg_allowance_log *log,
                                  const struct tg_allowance_counter *counter,
                                  const struct tg_bucket_time *time,
                                  const struct tg_price_info *info,
                                  const struct tg_account_meter *meter, uint64_t billed_base,
                                  uint64_t *base_left, uint64_t *events_left);

/** @brief Take a row off its account line, but for its cost. @param line Its line. @param row
 *  Borrowed. @param charge Units as priced. @return false: they do not fit. */
bool tg_rate_reverse_post(struct tg_account_line *line, const struct tg_usage *row,
                          const struct tg_charge *charge);

/** @brief Below 0 what was priced above. @param charge Written. @param cost In the account's
 *  currency; written. @return false: 64 bits have no such amount. */
bool tg_rate_reverse_amount(struct tg_charge *charge, int64_t *cost);

#endif
