/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief quote: balances of prepaid accounts, as an engine would keep them.
 *
 *  Source: reference rating-semantics 4.13; rate/credit.h, which does it. Threads: the verb's.
 *  Allocates: in open. Cost: a row of a prepaid account a line of its balance.
 *
 *  Time is that of the lines: money whose time is up when a line begins has lapsed before it. What
 *  lapses behind the last line lapses in a later run, or is never told.
 */
#ifndef TG_CLI_QUOTE_BALANCE_H
#define TG_CLI_QUOTE_BALANCE_H

#include "base/error.h"
#include "catalog/catalog.h"
#include "cli/usage_json.h"
#include "doc/json.h"
#include "rate/credit.h"

#include <stdbool.h>
#include <stdint.h>

struct tg_quote_journal;

/** @brief Balances of all accounts. */
struct tg_quote_balance;

/**
 * @brief Begin with nothing.
 * @param[in]  snapshot  Outlives it; its roster has prepaid accounts.
 * @param[in]  rate      Outlives it.
 * @param[in]  journal   That keeps what happens; outlives it. NULL: nothing is kept.
 * @param[out] balance   Caller's; tg_quote_balance_close.
 * @param[out] why       Filled on failure.
 * @return TG_OK, TG_E_NO_MEMORY.
 */
enum tg_err tg_quote_balance_open(const struct tg_catalog_snapshot *snapshot, struct tg_rate *rate,
                                  struct tg_quote_journal *journal,
                                  struct tg_quote_balance **balance, struct tg_why *why);

/** @brief Free. @param balance May be NULL. */
void tg_quote_balance_close(struct tg_quote_balance *balance);

/** @brief The engine's part, to take up what earlier runs have kept. @param balance Open.
 *  @return Borrowed. */
struct tg_credit *tg_quote_balance_credit(struct tg_quote_balance *balance);

/** @brief Earlier runs are taken up: what they told of alerts is not told again. @param balance
 *  Open. */
void tg_quote_balance_taken_up(struct tg_quote_balance *balance);

/** @brief Let time pass: money whose time is up lapses. @param balance Open. @param at_ns Begin of
 *  the line at hand. */
void tg_quote_balance_pass(struct tg_quote_balance *balance, int64_t at_ns);

/** @brief What a line with credit from the balance may cost. @param balance Open. @param[in,out]
 *  line credit and credit_floor are written. @return TG_OK, TG_E_NOT_PREPAID, or
 *  TG_E_UNKNOWN_SUBSCRIBER. */
enum tg_err tg_quote_balance_credit_of(const struct tg_quote_balance *balance,
                                       struct tg_usage_line *line);

/** @brief Take a row from its account's balance. @param balance Open. @param row As it was priced.
 *  @param[in,out] charge Its verdict; flags are written. */
void tg_quote_balance_row(struct tg_quote_balance *balance, const struct tg_usage *row,
                          struct tg_charge *charge);

/** @brief Say where the balance of a row that was taken from one stands. @param balance Open.
 *  @param charge The row's. @param[in,out] json Answer. */
void tg_quote_balance_tell(struct tg_quote_balance *balance, const struct tg_charge *charge,
                           struct tg_json *json);

/** @brief Do an action. @param balance Open; NULL: nobody is prepaid. @param line An action. @param
 *  number Of the line. @param[in,out] json Answer. @return Whether it was done, now or before. */
bool tg_quote_balance_do(struct tg_quote_balance *balance, const struct tg_usage_line *line,
                         uint64_t number, struct tg_json *json);

#endif
