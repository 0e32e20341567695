/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Where the bills of a period stand before they are issued: collecting, calculated,
 *         approved, issued.
 *
 *  Source: rating-semantics 4.14 (draft -> collecting -> calculated -> approved -> issued), 4.11
 *  (close at the watermark, or when grace has expired). Threads: one owner. Allocates: a document.
 *  Cost: one document a run, none a bill.
 *
 *      (no run) --run--> collecting --run, sources complete or grace over--> calculated
 *      calculated --tg_bill_period_approve--> approved --run that issues--> issued
 *      approved --run of drafts--> calculated: what was approved is not what is there any more
 *
 *  Collection `billRun`: YYYY-MM, or YYYY-MM/ACCOUNT for a run of one account. An approval writes
 *  the period's close (close.h) with the epoch and the versions of the drafts, so that the run that
 *  issues sees what they saw.
 */
#ifndef TG_BILL_PERIOD_H
#define TG_BILL_PERIOD_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct tg_catalog_snapshot;
struct tg_db;
struct tg_json;
struct tg_txn;

/** @brief State of a period's bills. */
enum tg_bill_period_state {
    TG_BILL_PERIOD_NONE = 0,       /**< No run yet. */
    TG_BILL_PERIOD_COLLECTING = 1, /**< Drafts; usage may still come. */
    TG_BILL_PERIOD_CALCULATED = 2, /**< Drafts; sources were complete, or nobody waits for them. */
    TG_BILL_PERIOD_APPROVED = 3,   /**< Drafts that somebody has approved. */
    TG_BILL_PERIOD_ISSUED = 4      /**< A run has issued them. */
};

#define TG_BILL_APPROVER_BYTES 64u /**< Who approved, NUL included. */

/** @brief What is kept of the last run of a period. */
struct tg_bill_period {
    uint64_t epoch;            /**< Last epoch of the journal it looked at. */
    int64_t grace_until_ns;    /**< Until when it waits for sources; INT64_MIN: it does not. */
    int64_t approved_ns;       /**< When; INT64_MIN: not. */
    int64_t issued_ns;         /**< Date of its bills; INT64_MIN: no run has said. */
    uint32_t month;            /**< Number of the period (cycle.h). */
    uint32_t incomplete_count; /**< Sources that were not complete. */
    uint8_t state;             /**< enum tg_bill_period_state. */
    uint8_t reserved[7];       /**< 0. */
    char approved_by[TG_BILL_APPROVER_BYTES]; /**< "": nobody. */
};

/** @brief Name of a state ("collecting"). @param state enum. @return Static text. */
const char *tg_bill_period_state_name(uint8_t state);

/** @brief Read where a period stands. @param state <data>/state. @param month Its number.
 *  @param account_name Of a run of one account, looked at first; NULL: that of all. @param[out]
 *  period Written on TG_OK; state NONE when there was no run. @param[out] why May be NULL.
 *  @return TG_OK, TG_E_CORRUPT, TG_E_DATABASE. */
enum tg_err tg_bill_period_read(struct tg_db *state, uint32_t month, const char *account_name,
                                struct tg_bill_period *period, struct tg_why *why);

/** @brief State of a period, inside a transaction. @param txn Begun. @param month Its number.
 *  @param account_name As tg_bill_period_read. @return enum tg_bill_period_state. */
uint8_t tg_bill_period_peek(struct tg_txn *txn, uint32_t month, const char *account_name);

/** @brief Write where a period stands, in a transaction of its own. @param state <data>/state.
 *  @param period What. @param account_name Of a run of one account; NULL: of all. @param catalog
 *  Versions the run knew. @param[out] why May be NULL. @return TG_OK, TG_E_DATABASE, TG_E_NO_SPACE.
 */
enum tg_err tg_bill_period_write(struct tg_db *state, const struct tg_bill_period *period,
                                 const char *account_name,
                                 const struct tg_catalog_snapshot *catalog, struct tg_why *why);

/** @brief What to approve. */
struct tg_bill_approval {
    uint32_t size_bytes;      /**< sizeof(struct tg_bill_approval). */
    uint32_t month;           /**< Number of the period. */
    uint32_t account;         /**< Roster index; TG_ACCOUNT_NONE: all. */
    uint32_t reserved;        /**< 0. */
    const char *account_name; /**< Of account; NULL: all. */
    const char *by;           /**< Who approves; "" nobody says. */
    int64_t at_ns;            /**< When. */
};

/**
 * @brief Approve the drafts of a period, or those of its voided bills where it is issued; again
 *        changes nothing.
 * @param[in]  state     <data>/state.
 * @param[in]  catalog   All versions.
 * @param[in]  approval  What.
 * @param[out] period    As it stands then; written on TG_OK.
 * @param[out] why       May be NULL.
 * @return TG_OK; TG_E_INVALID (no run, still collecting, issued, or a name too long);
 * TG_E_NO_MEMORY; TG_E_CORRUPT, TG_E_CATALOG_VERSION, TG_E_FULL, TG_E_DATABASE, TG_E_NO_SPACE.
 */
enum tg_err tg_bill_period_approve(struct tg_db *state, const struct tg_catalog_snapshot *catalog,
                                   const struct tg_bill_approval *approval,
                                   struct tg_bill_period *period, struct tg_why *why);

#endif
