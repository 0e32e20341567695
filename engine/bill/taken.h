/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief What bills have taken from prepaid balances for fees: told to later bills, and to the
 *         engine.
 *
 *  Source: rating-semantics 4.13, 4.14. Threads: one owner. Allocates: documents. Cost: a document
 *  an account whose bills take something, read once a run.
 *
 *  A bill that takes something writes it down in the transaction that stores it, twice:
 *  `balanceTaken`, roster index of the account -> {"taken":[{"end", "amount"}, ...]}: later bills
 *  open with it taken off, whenever the engine learns of it; and `balanceTake`, id of a request
 *  ("bill:" and digits) -> {"account", "amount", "bill", "at"}, until the engine has answered the
 *  request, a top-up below 0. Requests have effect once by their ids, so a crash anywhere takes
 *  nothing twice: `at` is written before a request is sent and stays with it.
 *
 *  Of the journal's top-ups those with such an id are left out of statements: a statement is then a
 *  function of what bills say and not of when the engine ran.
 */
#ifndef TG_BILL_TAKEN_H
#define TG_BILL_TAKEN_H

#include "base/error.h"
#include "bill/balance.h"

#include <stdint.h>

struct tg_db;
struct tg_txn;

/** What ids of these requests begin with. */
#define TG_BILL_TAKE_ID "bill:"
/** Collection of requests that wait for the engine. */
#define TG_BILL_TAKE_COLLECTION "balanceTake"

/**
 * @brief Take off what earlier bills took, and find what a bill of the window took itself.
 * @param[in]     state     <data>/state; NULL: nothing was taken.
 * @param[in]     collect   Its windows.
 * @param[in,out] balances  As tg_bill_balances_read left them; opening falls, taken is written.
 * @param[out]    why       May be NULL.
 * @return TG_OK, TG_E_CORRUPT, TG_E_DATABASE.
 */
enum tg_err tg_bill_taken_read(struct tg_db *state, const struct tg_bill_collect *collect,
                               struct tg_bill_balance *balances, struct tg_why *why);

/** @brief What a bill takes. */
struct tg_bill_take {
    const char *bill;         /**< Its id. */
    const char *account_name; /**< Account's id. */
    const char *currency;     /**< Code. */
    int64_t amount;           /**< Above 0, at the currency's minor unit. */
    int64_t end_ns;           /**< End of the bill's period. */
    uint32_t account;         /**< Roster index. */
    uint8_t minor;            /**< Decimals of amount. */
    uint8_t reserved[3];      /**< 0. */
};

/** @brief Write down what a bill takes. @param txn For writing; stores the bill. @param take What.
 *  @return TG_OK, TG_E_CORRUPT, TG_E_NO_MEMORY, TG_E_DATABASE. */
enum tg_err tg_bill_take_put(struct tg_txn *txn, const struct tg_bill_take *take);

#endif
