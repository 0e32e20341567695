/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief What a fault costs: subscribers affected, revenue per hour, revenue at risk; from the
 * journal.
 *
 *  Source: design 8 (health joined with revenue). Amounts are integers at the currency's rating
 * scale. Threads: one owner thread (control). Allocates: in tg_impact_open only. Cost: a word
 * a row, eight octets a subscriber; a hash probe for the first of a node and hour, and of everybody
 * who is seen at several in turns. A question walks the subscribers of the nodes concerned.
 *
 *  Subscribers are counted exactly: one entry a (node, subscriber) with a bit a slot of time. When
 * the table is full further pairs are counted and the answer says "at least".
 */
#ifndef TG_HEALTH_IMPACT_H
#define TG_HEALTH_IMPACT_H

#include "abi/usage.h"
#include "base/error.h"
#include "health/inventory.h"

#include <stdbool.h>
#include <stdint.h>

#define TG_IMPACT_CURRENCIES_MAX 4u  /**< Currencies; rows of a fifth are counted and left out. */
#define TG_IMPACT_SLOTS_COUNT    64u /**< Slots of time kept; older rows are counted, left out. */

/** @brief Sizes; the inventory is borrowed for life. */
struct tg_impact_config {
    const struct tg_inventory *inventory; /**< Nodes and who depends on whom. */
    uint32_t pairs_count_max;             /**< (node, subscriber) pairs, 16..2^26; 24 bytes each. */
    uint32_t subscribers_count_max; /**< Roster size; greater indexes are counted, left out. */
    int64_t slot_ns;                /**< Length of a slot; 0: one hour. */
};

/** @brief What was left out, all counted. */
struct tg_impact_counters {
    uint64_t rows_count;             /**< Rated rows taken in. */
    uint64_t skipped_count;          /**< Rows without node or not rated. */
    uint64_t late_count;             /**< Older than the kept slots. */
    uint64_t pairs_dropped_count;    /**< Table full. */
    uint64_t currency_dropped_count; /**< A currency too many. */
    uint64_t overflow_count;         /**< Sums that did not fit: left at the limit. */
    uint64_t pairs_count;            /**< Pairs in the table. */
};

/** @brief Money in one currency. */
struct tg_impact_money {
    int64_t revenue_per_hour; /**< At the rating scale. */
    int64_t at_risk;          /**< revenue_per_hour x time since the fault began. */
    uint16_t currency;        /**< ISO 4217 numeric. */
    uint8_t reserved[6];      /**< 0. */
};

/** @brief The question. */
struct tg_impact_question {
    int64_t fault_ns;      /**< When the fault began. */
    int64_t until_ns;      /**< Now, or when it was cleared. */
    uint32_t slots_count;  /**< Slots before the fault to look at, 1..63; 0: 24. */
    uint16_t node_id;      /**< Node at fault. */
    bool is_with_children; /**< Also nodes that stop working with it (k-of-n). */
};

/** @brief The answer. */
struct tg_impact_answer {
    uint64_t subscribers_count; /**< Distinct subscribers seen in these slots. */
    uint32_t nodes_count;       /**< Nodes concerned, the one at fault included. */
    uint32_t slots_count;       /**< Whole slots the revenue is an average of; 0: part of one. */
    uint32_t moneys_count;      /**< Currencies, 0..TG_IMPACT_CURRENCIES_MAX. */
    bool is_at_least;           /**< Some pairs were dropped: there may be more subscribers. */
    bool is_estimate; /**< No whole slot before the fault: the fault's own slot stands in. */
    struct tg_impact_money moneys[TG_IMPACT_CURRENCIES_MAX]; /**< In order of currency number. */
};

/** @brief Opaque. */
struct tg_impact;

/**
 * @brief Take all memory.
 * @param[in]  config  Borrowed until return.
 * @param[out] impact  Written on TG_OK; close with tg_impact_close.
 * @return TG_OK, TG_E_INVALID, TG_E_NO_MEMORY.
 */
enum tg_err tg_impact_open(const struct tg_impact_config *config, struct tg_impact **impact);

/** @brief Free. @param impact From tg_impact_open, or NULL. */
void tg_impact_close(struct tg_impact *impact);

/** @brief Columns of rows with their verdicts, all of one length. */
struct tg_impact_rows {
    const uint16_t *node_id;    /**< As tg_usage. */
    const int64_t *start_ns;    /**< As tg_usage. */
    const uint8_t *fate;        /**< As tg_charge. */
    const uint32_t *subscriber; /**< As tg_charge. */
    const uint16_t *currency;   /**< As tg_charge. */
    const int64_t *amount;      /**< As tg_charge. */
};

/**
 * @brief Take in rows as the journal scan gives them, any order.
 * @param[in,out] impact  The calling thread owns it.
 * @param[in]     rows    Borrowed; each column has shape [count].
 * @param[in]     count   0 or more.
 */
void tg_impact_add(struct tg_impact *impact, const struct tg_impact_rows *rows, uint32_t count);

/**
 * @brief Who and how much a fault touches.
 * @param[in,out] impact    Scratch inside is used.
 * @param[in]     question  Borrowed.
 * @param[out]    answer    Written.
 * @return TG_OK, TG_E_UNKNOWN_NODE, TG_E_INVALID.
 */
enum tg_err tg_impact_ask(struct tg_impact *impact, const struct tg_impact_question *question,
                          struct tg_impact_answer *answer);

/** @brief Counters. @param impact Borrowed. @param[out] counters Written. */
void tg_impact_counters_get(const struct tg_impact *impact, struct tg_impact_counters *counters);

#endif
