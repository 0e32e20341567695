/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Rules of few prices: currencies, spend limits, carried remainders; off the usual path.
 *
 *  Source: reference rating-semantics 4.1 (residuals), 4.6 (caps, thresholds), 4.15 (exchange).
 *  Threads: the subscriber's worker. Allocates: never; state lies on the account's shelves.
 *  Cost: a shelf or two and a bisection; only rows of prices with TG_PRICE_RULES come here.
 *
 *  Order for a row, after its tariff, fee, minimum and maximum charge:
 *   1 rounding, with the remainder that the rows before it left when the price carries it;
 *   2 exchange into the account's currency where the price says `convert: event`;
 *   3 spend limits: the charge is cut to what the tightest leaves, then counted towards each.
 *  Limits count in the catalog's currency, an account's cost in the account's; a charge in another
 *  is converted for them at the rate of its event, without a rate the row is
 *  TG_E_NO_EXCHANGE_RATE.
 *
 *  (1) Carry: with S the sum of a cycle's charges and T their exact sum, S = round(T) after each
 *      row, whatever the order of the rows. What is kept is S and T - S over one denominator.
 *  (2) All of it is a function of the shelves and the charge: replaying the charge (tg_rules_apply)
 *      leaves the same shelves as rating it did.
 */
#ifndef TG_RATE_RULES_H
#define TG_RATE_RULES_H

#include "abi/err.h"
#include "catalog/image.h"
#include "rate/account.h"
#include "rate/allowance.h"
#include "record/charge.h"

#include <stdbool.h>
#include <stdint.h>

struct tg_roster;
struct tg_roster_account;

#define TG_RULES_LIMITS_MAX 2u /**< The price's and the plan's. */

/** @brief A spend limit that a row counted to; amounts in the catalog's currency. */
struct tg_spend_use {
    int64_t spent_before; /**< In the period, before the row. */
    int64_t spent;        /**< And after it. */
    int64_t cut;          /**< Taken off the charge since this limit was reached. */
    uint16_t limit;       /**< Index. */
    uint8_t fired_mask;   /**< Thresholds this row reached. */
    uint8_t reserved[5];  /**< 0. */
};

/** @brief What one row's rules look at and did. */
struct tg_rules {
    const struct tg_image *image;               /**< Valid at the row's time. */
    const struct tg_price *price;               /**< First price. */
    const struct tg_price_rule *rule;           /**< Of it. */
    const struct tg_plan_service *plan_service; /**< How it is sold. */
    struct tg_allowance_log *log;               /**< Its shelves are copied there. */
    const struct tg_exchange_rate *exchange;    /**< Into the account's currency; NULL same. */
    struct tg_bucket_time time;                 /**< Local. */
    int64_t at_ns;                              /**< Event time, UTC. */
    int64_t cost;                               /**< Charge in the account's currency. */
    int64_t carried;                            /**< Added by what earlier rows left. */
    int64_t remainder_before;                   /**< Of the carry, over its denominator. */
    uint32_t subscriber;                        /**< Dense index. */
    uint32_t account;                           /**< Dense index. */
    uint16_t currency;                          /**< The account's. */
    uint8_t uses_count;                         /**< Limits below. */
    bool has_carry;                             /**< The carry has been moved. */
    struct tg_spend_use uses[TG_RULES_LIMITS_MAX]; /**< The price's first. */
};

/** @brief An exact charge: numerator / denominator scale units. */
struct tg_rules_exact {
    __int128 numerator;   /**< Any. */
    uint64_t denominator; /**< At least 1. */
};

/** @brief Local time, start of the subscription and cycle day of a row. @param image Checked.
 *  @param account Borrowed; NULL: cycles begin with the month. @param at_ns Event time, UTC.
 *  @param active_from_s Start of the subscription. @return Times of the period zone. */
struct tg_bucket_time tg_rules_time(const struct tg_image *image,
                                    const struct tg_roster_account *account, int64_t at_ns,
                                    uint32_t active_from_s);

/**
 * @brief Copy the shelves that the rules may change, before any row of the group changes more.
 * @param[in,out] accounts  Lines and shelves.
 * @param[in,out] rules     image to currency are set; the rest is reset.
 * @return TG_OK or TG_E_FULL.
 */
enum tg_err tg_rules_open(struct tg_accounts *accounts, struct tg_rules *rules);

/**
 * @brief Round a charge so that the sum of the cycle's charges is the rounded exact sum.
 * @param[in,out] accounts  Lines and shelves.
 * @param[in,out] rules     Opened, rule->carry_denominator not 0.
 * @param[in]     exact     The row's own exact charge.
 * @param[in]     step      Charges are multiples of this, at least 1.
 * @param[in,out] charge    amount and remainder are written.
 * @return TG_OK, TG_E_PERIOD_CLOSED, TG_E_FULL, TG_E_AMOUNT_OVERFLOW, TG_E_PLUGIN_RANGE (the tariff
 *         answered with a denominator that is not its own).
 */
enum tg_err tg_rules_carry(struct tg_accounts *accounts, struct tg_rules *rules,
                           const struct tg_rules_exact *exact, int64_t step,
                           struct tg_charge *charge);

/**
 * @brief Exchange, limits, cost.
 * @param[in,out] accounts  Lines and shelves.
 * @param[in,out] rules     Opened; exchange, uses and cost are written.
 * @param[in,out] charge    Rounded; amount, remainder, currency and flags are written.
 * @return TG_OK, TG_E_NO_EXCHANGE_RATE, TG_E_PERIOD_CLOSED, TG_E_FULL, TG_E_AMOUNT_OVERFLOW.
 */
enum tg_err tg_rules_finish(struct tg_accounts *accounts, struct tg_rules *rules,
                            struct tg_charge *charge);

/**
 * @brief Move the shelves as the rated charge did.
 * @param[in,out] accounts  Lines and shelves.
 * @param[in,out] rules     Opened; cost is written.
 * @param[in]     charge    As journaled.
 * @return TG_OK, or TG_E_CORRUPT: shelves and charge do not belong together.
 */
enum tg_err tg_rules_apply(struct tg_accounts *accounts, struct tg_rules *rules,
                           const struct tg_charge *charge);

#endif
