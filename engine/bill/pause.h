/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief What a suspension takes off the recurring fee of a cycle.
 *
 *  Source: rating-semantics 4.7 (proration); schemas/catalog/README.md, suspensions.csv.
 *  Threads: pure. Allocates: never. Cost: two prorations and one a suspension.
 *
 *  A subscription that is suspended does not end: its fee stays what it is, in arrears or paid
 *  ahead, and what the time of the suspension is worth is given back on the bill of the cycle it
 *  lies in. A day on which the subscription could be used is not given back.
 */
#ifndef TG_BILL_PAUSE_H
#define TG_BILL_PAUSE_H

#include "bill/fee.h"
#include "catalog/roster.h"

#include <stdint.h>

/** @brief What is asked. */
struct tg_bill_pause_params {
    uint32_t size_bytes;                    /**< sizeof(struct tg_bill_pause_params). */
    uint32_t pauses_count;                  /**< Of pauses. */
    const struct tg_roster_pause *pauses;   /**< Of the line, by time; shape [pauses_count]. */
    struct tg_bill_fee_version version;     /**< Whose fee it is. */
    int64_t amount;                         /**< Of a whole period, rating scale. */
    const struct tg_bill_fee_params *whole; /**< The period of the fee, and the subscription. */
    int64_t from_ns;                        /**< Only what lies from here ... */
    int64_t to_ns;                          /**< ... before here: the cycle. */
    uint8_t period;                         /**< enum tg_period or tg_fee_period of amount. */
    uint8_t reserved[7];                    /**< 0. */
};

/** @brief What comes back: the fee times covered of total. */
struct tg_bill_paused {
    int64_t amount;   /**< 0 or of the sign of the fee, rating scale. */
    uint64_t covered; /**< Numerator; 0: nothing. */
    uint64_t total;   /**< Denominator, at least 1. */
    int64_t from_ns;  /**< First instant that is suspended, and given back. */
    int64_t to_ns;    /**< First behind the last one. */
};

/**
 * @brief What suspensions take off.
 * @param[in]  params  Borrowed.
 * @param[out] paused  Written on TG_OK. With proration none_full a part is nothing and the whole
 *                     is all, with none_zero a part is all; never more than is owed.
 * @return As tg_bill_prorate.
 */
enum tg_err tg_bill_pause_owed(const struct tg_bill_pause_params *params,
                               struct tg_bill_paused *paused);

#endif
