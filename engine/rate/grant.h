/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief How much of a row a credit pays for: the rate stage asked again and again, nothing moved.
 *
 *  Source: reference rating-semantics 4.13 (units granted against a balance), 4.3 (max charge).
 *  Threads: the subscriber's worker. Allocates: never. Cost: one rating where all is paid for, else
 *  about thirty.
 *
 *  A price must not fall as the quantity grows (a volume price may): then less than possible may be
 *  granted, never more. As increments make the charge a staircase, a cut grant is whole increments.
 */
#ifndef TG_RATE_GRANT_H
#define TG_RATE_GRANT_H

#include "rate/rate.h"

#include <stdbool.h>
#include <stdint.h>

struct tg_catalog_snapshot;

/** @brief Counters of a subscriber and the shelves a row of his may draw on, as they were. */
struct tg_grant_state {
    struct tg_account_line lines[2]; /**< Even and odd month. */
    struct tg_shelf own;             /**< The subscriber's shelf. */
    struct tg_shelf pool;            /**< The account's shelf. */
    struct tg_shelf root;            /**< The root's shelf, where that is another one. */
    uint32_t subscriber;             /**< Dense index. */
    uint32_t root_index;             /**< Dense index. */
    uint32_t account;                /**< Dense index. */
};

/** @brief A row to find the quantity of. */
struct tg_grant_row {
    const struct tg_catalog_snapshot *snapshot; /**< Borrowed. */
    const struct tg_usage *row;                 /**< As asked for; borrowed. */
    uint32_t subscriber;                        /**< Dense index, of the roster. */
    uint8_t node_state;                         /**< enum tg_node_state. */
    uint8_t dimension;                          /**< From tg_grant_dimension. */
    uint8_t site;                               /**< As in tg_charge. */
};

/** @brief What a grant may cost. */
struct tg_grant_bounds {
    int64_t credit_max;    /**< In all, at the rating scale; 0 or below grants what is free. */
    int64_t price_max;     /**< For price_max_per units, where that is above 0. */
    int64_t price_max_per; /**< Units of the price; 0: a unit may cost anything. */
};

/** @brief Remember. @param accounts Lines. @param roster Borrowed until return. @param subscriber
 *  Dense index, of the roster. @param account Dense index. @param[out] state Written. */
void tg_grant_keep(struct tg_accounts *accounts, const struct tg_roster *roster,
                   uint32_t subscriber, uint32_t account, struct tg_grant_state *state);

/** @brief Put back. @param accounts Lines. @param state From tg_grant_keep. */
void tg_grant_put(struct tg_accounts *accounts, const struct tg_grant_state *state);

/** @brief What the quantity of a priced row counts. @param snapshot Borrowed. @param row Borrowed.
 *  @param trace Of the row. @return enum tg_dimension of its price; time when it has none. */
uint8_t tg_grant_dimension(const struct tg_catalog_snapshot *snapshot, const struct tg_usage *row,
                           const struct tg_rate_trace *trace);

/** @brief The row with another quantity. @param row Borrowed. @param dimension enum tg_dimension.
 *  @param quantity New one; octets are taken from quantity_down first. @return Row. */
struct tg_usage tg_grant_cut(const struct tg_usage *row, uint8_t dimension, uint64_t quantity);

/**
 * @brief The greatest quantity whose charge stays within a credit, of which no unit costs more than
 *        it may, and within `max` of a price that stops there. Counters are as before when it
 * returns.
 * @param[in,out] rate        Prices.
 * @param[in]     row         Borrowed.
 * @param[in]     asked       At most this.
 * @param[in]     bounds      Borrowed.
 * @param[out]    amount      What the granted quantity costs now.
 * @return Quantity, 0..asked; 0 also when the row cannot be priced.
 */
uint64_t tg_grant_search(struct tg_rate *rate, const struct tg_grant_row *row, uint64_t asked,
                         const struct tg_grant_bounds *bounds, int64_t *amount);

/** @brief What a charge takes of a credit: money of the account. @param charge Rated. @param trace
 *  Of it. @return Amount in the account's currency, at the rate of the event. */
static inline int64_t tg_grant_money(const struct tg_charge *charge,
                                     const struct tg_rate_trace *trace)
{
    return trace->exchange != NULL ? trace->cost : charge->amount;
}

#endif
