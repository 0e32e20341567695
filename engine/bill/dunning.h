/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Bills that are not paid when they are due, told to the fronts step by step.
 *
 *  Source: rating-semantics 4.14 (dunning hook: account, bill, age step, amount).
 *  Threads: the calling one. Allocates: documents. Cost: a read of every issued bill with a due
 * date, one fsync a thousand reminders.
 *
 *  Steps are `catalog: billing: dunning_days` after a bill's due date, of the version valid at the
 *  time asked for. Each is told once a bill, in order, while something is open: an outbox entry
 *  CustomerBillDunningEvent, in the transaction that writes it down in `billDunning` (BILL/STEP ->
 *  what was told). What to do about it is the front's business.
 */
#ifndef TG_BILL_DUNNING_H
#define TG_BILL_DUNNING_H

#include "base/error.h"

#include <stdint.h>

struct tg_bill_standing;
struct tg_catalog_snapshot;
struct tg_db;

/** @brief One reminder. */
struct tg_bill_reminder {
    const char *bill;                        /**< Bill's id. */
    const struct tg_bill_standing *standing; /**< Account, number, what is open. */
    uint32_t step;                           /**< From 1. */
    uint32_t days;                           /**< After the due date, as the catalog says. */
};

/** @brief Told each reminder, in order of bills; borrowed inside the call. */
typedef void (*tg_bill_remind)(void *context, const struct tg_bill_reminder *reminder);

/**
 * @brief Tell what has become due; again at the same time tells nothing.
 * @param[in]  state    <data>/state, read-write.
 * @param[in]  catalog  Its version valid at at_ns has the steps.
 * @param[in]  at_ns    Now; the caller's.
 * @param[in]  remind   May be NULL; called once what it tells is durable.
 * @param[in]  context  Passed on.
 * @param[out] why      May be NULL.
 * @return TG_OK; TG_E_NO_MEMORY; TG_E_CORRUPT, TG_E_AMOUNT_OVERFLOW, TG_E_DATABASE, TG_E_NO_SPACE.
 */
enum tg_err tg_bill_dunning_run(struct tg_db *state, const struct tg_catalog_snapshot *catalog,
                                int64_t at_ns, tg_bill_remind remind, void *context,
                                struct tg_why *why);

#endif
