/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief What a subscription's recurring fee puts on the bill of a cycle, in arrears or in
 * advance.
 *
 *  Source: rating-semantics 4.7 (upgrade in advance billing = credit unused(old) + charge
 *  remaining(new), both shown). Threads: pure. Allocates: never. Cost: two prorations.
 *
 *  In arrears a bill has the fee of its own cycle. In advance it has that of the next one, whole:
 *  what will end or change in it is not known yet. The bill after that gives back what was not used
 *  of it. Who begins within a cycle has not paid it ahead: its rest is on that cycle's bill, beside
 *  the next one's fee. So is the first cycle that is billed at all.
 *
 *  Whether a fee is in advance is said by the catalog version valid at the first instant of the
 *  cycle that it is for, whose fee it also is: the bill that charges and the one that gives back
 * ask the same.
 */
#ifndef TG_BILL_FEE_H
#define TG_BILL_FEE_H

#include "base/error.h"
#include "bill/prorate.h"

#include <stdbool.h>
#include <stdint.h>

struct tg_image;
struct tg_product;

#define TG_BILL_FEES_MAX 2u /**< Parts of one subscription's fee on one bill. */

/** @brief What a part is. */
enum tg_bill_fee_kind {
    TG_BILL_FEE_DUE = 0,   /**< Of the bill's own cycle. */
    TG_BILL_FEE_AHEAD = 1, /**< Of the next cycle. */
    TG_BILL_FEE_UNUSED = 2 /**< Given back of the cycle, which was paid ahead. */
};

/** @brief Part of a fee. */
struct tg_bill_fee {
    const struct tg_image *image; /**< Version whose fee it is. */
    int64_t amount;               /**< Rating scale; given back: negative. */
    int64_t fee;                  /**< The whole fee. */
    uint64_t covered;             /**< Part of it that is charged or given back ... */
    uint64_t total;               /**< ... of so much; of a fee a day 1, covered are days. */
    int64_t from_ns;              /**< Begin of what it is for; 0: the bill's cycle. */
    int64_t to_ns;                /**< End of it; 0 likewise. */
    uint16_t currency;            /**< Of amount and fee. */
    uint8_t kind;                 /**< enum tg_bill_fee_kind. */
    bool is_kept;                 /**< Whole, although a change of product ended it. */
    bool is_whole;                /**< Whole, although a change of product began it. */
    uint8_t reserved[3];          /**< 0. */
};

/** @brief A version and its product. */
struct tg_bill_fee_version {
    const struct tg_image *image;     /**< NULL: no version has the product then. */
    const struct tg_product *product; /**< In image, or a copy in the account's currency. */
    uint16_t currency;                /**< Of the product's amounts. */
};

/** @brief Of whom, and when. Times are UTC ns. */
struct tg_bill_fee_params {
    uint32_t size_bytes;      /**< sizeof(struct tg_bill_fee_params). */
    bool is_paid_ahead;       /**< The bill of the cycle before is closed. */
    bool starts_by_change;    /**< A change of product within the cycle begins it ... */
    bool ends_by_change;      /**< ... or ends it; then the two modes count, and not the
                                   product's prorate_on_start and prorate_on_end. */
    uint8_t change_from;      /**< enum tg_plan_change of its begin. */
    uint8_t change_to;        /**< enum tg_plan_change of its end: the next product's. */
    bool starts_on_first_day; /**< A change on the cycle's first day begins it, and the day
                                   is the new product's: all of the cycle is. */
    bool ends_on_first_day;   /**< Such a change ends it: nothing of the cycle is its. */
    bool has_ended_before;    /**< Not active in the cycle, which the bill before charged. */
    uint8_t reserved[4];      /**< 0. */
    struct tg_bill_fee_version first; /**< Valid at start_ns. */
    struct tg_bill_fee_version last;  /**< Valid at the last instant of the cycle; has an image. */
    struct tg_bill_fee_version next;  /**< Valid at end_ns. */
    int64_t start_ns;                 /**< Of the cycle. */
    int64_t end_ns;                   /**< Of the cycle, exclusive; the next one's begin. */
    int64_t next_end_ns;              /**< Of the next cycle; 0: nothing is billed ahead. */
    struct tg_zone_view zone;         /**< Whose days count. */
    int64_t active_from_ns;           /**< Of the subscription. */
    int64_t active_to_ns;             /**< Exclusive; INT64_MAX: open. */
};

/**
 * @brief What is owed for one cycle: the fee or any other amount prorated like it.
 * @param[in]  version  Whose proration, period and rounding.
 * @param[in]  amount   Of a whole period, rating scale.
 * @param[in]  period   enum tg_period of amount.
 * @param[in]  params   start_ns, end_ns and active times are looked at.
 * @param[out] result   Written on TG_OK.
 * @return As tg_bill_prorate.
 */
enum tg_err tg_bill_fee_owed(const struct tg_bill_fee_version *version, int64_t amount,
                             uint8_t period, const struct tg_bill_fee_params *params,
                             struct tg_bill_prorated *result);

/**
 * @brief The parts of a fee on the cycle's bill.
 * @param[in]  params  Borrowed until return.
 * @param[out] fees    Shape [TG_BILL_FEES_MAX].
 * @param[out] count   How many are written; parts of nothing are left out.
 * @return As tg_bill_prorate.
 */
enum tg_err tg_bill_fees(const struct tg_bill_fee_params *params,
                         struct tg_bill_fee fees[TG_BILL_FEES_MAX], uint32_t *count);

/** @brief Was the fee of the cycle charged on the bill before it? @param params As for
 *  tg_bill_fees. @return true: its version is params->first, else params->last. */
bool tg_bill_fee_is_paid_ahead(const struct tg_bill_fee_params *params);

/** @brief The fee of the period behind one, charged in advance. @param params next, end_ns and
 *  next_end_ns are looked at. @param[out] fee Written on TG_OK. @return As tg_bill_prorate. */
enum tg_err tg_bill_fee_next(const struct tg_bill_fee_params *params, struct tg_bill_fee *fee);

/** @brief The cycle whose bill is made, within a longer period. */
struct tg_bill_fee_span {
    int64_t start_ns;       /**< Of the cycle, UTC. */
    int64_t end_ns;         /**< Exclusive. */
    uint32_t charged_month; /**< In advance: whose bill charges the period. */
    bool was_charged;       /**< In advance: an earlier bill has charged the period. */
};

/**
 * @brief The parts of a fee of a quarter or year on the bill of one of its cycles.
 *
 * In arrears it is due on the bill of the cycle in which the period, or the subscription, ends. In
 * advance a period is charged whole on the bill before it, and its rest on the bill of the cycle in
 * which the subscription begins; what is not used comes back on the bill of the cycle in which it
 * ends. A period that began before anything was billed is not charged in advance.
 *
 * @param[in]  params  Of the period instead of the cycle: start_ns, end_ns and next_end_ns are the
 *                     period's and the next one's, is_paid_ahead that of the bill before it.
 * @param[in]  span    The cycle.
 * @param[out] fees    Shape [TG_BILL_FEES_MAX].
 * @param[out] count   How many are written.
 * @return As tg_bill_prorate.
 */
enum tg_err tg_bill_fees_long(const struct tg_bill_fee_params *params,
                              const struct tg_bill_fee_span *span,
                              struct tg_bill_fee fees[TG_BILL_FEES_MAX], uint32_t *count);

#endif
