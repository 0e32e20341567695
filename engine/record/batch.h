/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The batch: up to 256 rows with a verdict beside each; what stages hand to each other.
 *
 *  Source: design.md section 4. Threads: owned by one lcore at a time. Allocates: never.
 *  Cost: 32 KiB, stays in the second-level cache.
 */
#ifndef TG_RECORD_BATCH_H
#define TG_RECORD_BATCH_H

#include "abi/usage.h"
#include "base/limits.h"
#include "record/charge.h"

#include <stdint.h>

/** @brief Rows on their way; row i's verdict so far is charges[i]. */
struct tg_batch {
    uint32_t rows_count;                           /**< 0..TG_BATCH_ROWS_MAX. */
    uint32_t reserved[15];                         /**< 0; keeps the rows on cache lines. */
    struct tg_usage rows[TG_BATCH_ROWS_MAX];       /**< The rows. */
    struct tg_charge charges[TG_BATCH_ROWS_MAX];   /**< fate TG_FATE_NONE: go on. */
} __attribute__((aligned(64)));

/**
 * @brief Start a verdict: nothing known yet.
 * @param[out] charge  Written.
 */
static inline void tg_charge_start(struct tg_charge *charge)
{
    *charge = (struct tg_charge){.subscriber = TG_SUBSCRIBER_NONE, .price_id = TG_PRICE_NONE};
}

/**
 * @brief Decide a row's fate before pricing.
 * @param[in,out] charge  Verdict so far.
 * @param[in]     fate    enum tg_fate.
 * @param[in]     reason  enum tg_err.
 */
static inline void tg_charge_settle(struct tg_charge *charge, uint8_t fate, int reason)
{
    charge->fate = fate;
    charge->reason = (int16_t)reason;
}

#endif
