/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief A job cut by ranges of accounts, a thread each: for folds that read the whole journal.
 *
 *  Source: design.md law 5: what comes out does not depend on how many there are. Threads: the
 *  caller does range 0, others the rest. Allocates: threads. Cost: each range decodes the journal
 *  by itself (about a fifth of a replay), so a second thread takes a third off the time, not half.
 *
 *  Accounts and not stretches of the journal: a row is priced behind the rows of its account before
 *  it, and accounts do not meet.
 */
#ifndef TG_BILL_SHARDS_H
#define TG_BILL_SHARDS_H

#include "base/error.h"

#include <stdint.h>

#define TG_BILL_SHARDS_MAX 16u /**< Ranges; more read the journal more often than they help. */

/** @brief Accounts [from, to). */
struct tg_bill_range {
    uint32_t account_from; /**< First. */
    uint32_t account_to;   /**< One past the last; 0: no bound (a single range). */
};

/** @brief A range's part. @param context As given. @param shard Number of the range.
 *  @param range Borrowed. @param[out] why Its own. @return TG_OK or the reason. */
typedef enum tg_err (*tg_bill_shard_work)(void *context, uint32_t shard,
                                          const struct tg_bill_range *range, struct tg_why *why);

/**
 * @brief Do all ranges and wait.
 * @param[in]  shards_count    1..TG_BILL_SHARDS_MAX.
 * @param[in]  accounts_count  Cut into so many equal ranges, at most as many as there are accounts.
 * @param[in]  work            Called once a range, several at a time.
 * @param[in]  context         For work.
 * @param[out] why             Of the first range that failed; may be NULL.
 * @return TG_OK, or what the first range that failed gave.
 */
enum tg_err tg_bill_shards_run(uint32_t shards_count, uint32_t accounts_count,
                               tg_bill_shard_work work, void *context, struct tg_why *why);

#endif
