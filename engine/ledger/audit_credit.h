/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The audit of prepaid: what was held ended in one way, and every commit has its row.
 *
 *  Source: record/credit.h; law 1 for reservations. Threads: the audit's. Allocates: while it runs.
 *  Cost: a look-up an event, an addition a flagged row.
 *
 *  reserved = taken + returned + released + expired + open, in money and in reservations. taken and
 *  returned are the two parts of what a committed reservation held. Open is added up from what is
 *  left, the others as they end, so a lost or doubled event shows; so do ordinals of an account
 * that are not 1, 2, 3 ... Committed charges and the rows of TG_CREDIT_SOURCE_ID must agree in
 * count, money and record keys.
 */
#ifndef TG_LEDGER_AUDIT_CREDIT_H
#define TG_LEDGER_AUDIT_CREDIT_H

#include "base/error.h"
#include "record/credit.h"

#include <stdbool.h>
#include <stdint.h>

struct tg_scan_view;

/** @brief Sums; money at the rating scale, modulo 2^64 beyond it. */
struct tg_audit_credit {
    uint64_t events_count;     /**< All events. */
    uint64_t made_count;       /**< Reservations. */
    uint64_t committed_count;  /**< Of these. */
    uint64_t released_count;   /**< Of these. */
    uint64_t expired_count;    /**< Of these. */
    uint64_t outages_count;    /**< Of the expired: their node was down. */
    uint64_t late_count;       /**< Committed after they had expired: counted as expired. */
    uint64_t open_count;       /**< Left. */
    uint64_t topups_count;     /**< Top-ups. */
    uint64_t rows_count;       /**< Usage rows of commits. */
    uint64_t row_events_count; /**< Commits that used something. */
    uint64_t debited_count;    /**< Rows of prepaid accounts. */
    uint64_t over_count;       /**< Of these, beyond the credit. */
    uint64_t gaps_count;       /**< Ordinals missing or doubled: makes it unbalanced. */
    uint64_t strays_count;     /**< Ends of nothing that is open: makes it unbalanced. */
    uint64_t rows_keys;        /**< Sum of the rows' record keys. */
    uint64_t events_keys;      /**< Sum of the commits' record keys. */
    int64_t reserved;          /**< Held by reservations when they were made, and raised later. */
    int64_t taken;             /**< Became a charge. */
    int64_t returned;          /**< Was left over at a commit. */
    int64_t released;          /**< Came back. */
    int64_t expired;           /**< Came back by itself. */
    int64_t open;              /**< Held now. */
    int64_t topups;            /**< Added to balances. */
    int64_t debited;           /**< Taken from balances by rows. */
    int64_t lapsed;            /**< Taken from balances as its time was up. */
    int64_t rows_amount;       /**< Of the usage rows of commits. */
    int64_t events_amount;     /**< Of the commits. */
    uint16_t currency;         /**< Of the last event. */
    bool is_balanced;          /**< All of the above agrees. */
};

/** @brief A running audit. */
struct tg_audit_credit_run;

/** @brief Begin. @return NULL without memory. */
struct tg_audit_credit_run *tg_audit_credit_open(void);

/** @brief Fold a block: its notes and rows. @param run Begun. @param view With the columns
 *  source_id, record_key, fate, amount, charge_flags. @param[out] why May be NULL.
 *  @return TG_OK, TG_E_CORRUPT, TG_E_NO_MEMORY. */
enum tg_err tg_audit_credit_block(struct tg_audit_credit_run *run, const struct tg_scan_view *view,
                                  struct tg_why *why);

/** @brief End. @param run From open, or NULL. @param[out] sums Written; all 0 for NULL. */
void tg_audit_credit_close(struct tg_audit_credit_run *run, struct tg_audit_credit *sums);

#endif
