/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief A bill run from inside: what its steps share, and what bill.c asks of the others.
 *
 *  Source: bill.h. Threads: the one that runs; workers of the crew only read it. Allocates:
 *  windows and what is loaded, until the run ends. Only bill*.c include this.
 *
 *  bill.c goes through it: bill_scope.c says what is looked at, the journal is read in passes, and
 *  before the first document bill_lifecycle.c says whether the period may be billed so.
 */
#ifndef TG_BILL_BILL_RUN_H
#define TG_BILL_BILL_RUN_H

#include "bill/assemble.h"
#include "bill/bands.h"
#include "bill/bill.h"
#include "bill/carry.h"
#include "bill/charge_list.h"
#include "bill/close.h"
#include "bill/collect.h"
#include "bill/crew.h"
#include "bill/interim.h"
#include "bill/period.h"
#include "bill/voided.h"
#include "catalog/catalog.h"

#include <stdbool.h>
#include <stdint.h>

struct tg_bill_balance;
struct tg_bill_members;

/** @brief What a run holds; one instance on the stack of tg_bill_run. */
struct tg_bill_run {
    const struct tg_bill_params *params;                       /**< Borrowed. */
    struct tg_bill_stats *stats;                               /**< The caller's. */
    struct tg_bill_collect collect;                            /**< Of the pass. */
    struct tg_bill_members *members;                           /**< Who is of which account. */
    struct tg_bill_assembler *assemblers[TG_BILL_THREADS_MAX]; /**< One a worker. */
    uint32_t threads_count;                                    /**< Workers. */
    struct tg_bill_crew *crew;                                 /**< Of them. */
    struct tg_bill_issuer *issuer;                             /**< NULL: nothing is stored. */
    struct tg_bill_closes closes;                              /**< As they are then. */
    struct tg_bill_carries carries;     /**< As they are when the run begins. */
    struct tg_bill_voids voids;         /**< Likewise. */
    struct tg_bill_interims interims;   /**< Of the period. */
    int64_t issued_ns;                  /**< Date of the bills: params', or an earlier run's. */
    int64_t start_ns;                   /**< Of the period, in UTC, or of an interim bill. */
    int64_t end_ns;                     /**< Likewise. */
    struct tg_bill_bands *bands;        /**< Of the catalog. */
    struct tg_bill_charges charges;     /**< One-off ones. */
    struct tg_catalog_snapshot catalog; /**< Thinned to the versions a closed period knew. */
    uint32_t account_first;             /**< Range the filter leaves. */
    uint32_t account_end;               /**< Its end, exclusive. */
    uint32_t batch_count;               /**< Invoices since the last commit. */
    struct tg_bill_stats batch;         /**< Their counts, added once they are durable. */
    struct tg_bill_balance *balances;   /**< By account; NULL: nobody is prepaid. */
    struct tg_bill_window *windows;     /**< Of collect; shape [windows_count]. */
    uint32_t windows_count;             /**< How many. */
    bool has_totals;                    /**< A currency is chosen. */
    bool is_closed;                     /**< The close of what is billed is written. */
    const struct tg_billing *billing;   /**< Of the period's version. */
    struct tg_bill_period period;       /**< As the last run left it. */
};

/* bill_scope.c */

/** @brief Find the accounts the filter leaves. @param run Writes account_first, account_end.
 *  @param why May be NULL. @return TG_OK; TG_E_NOT_FOUND. */
enum tg_err tg_bill_run_range(struct tg_bill_run *run, struct tg_why *why);

/** @brief Fix what the run may look at, so that all passes agree, and read the period's state.
 *  @param run With collect.lines. @param why May be NULL. @return As tg_bill_run. */
enum tg_err tg_bill_run_scope(struct tg_bill_run *run, struct tg_why *why);

/** @brief Read the bills that were voided, and interim bills: once more when the period is closed,
 *  as until then others may void one or issue one, and behind that nobody does (issue.c).
 *  @param run With collect.month. @param why May be NULL. @return As tg_bill_voids_load and
 *  tg_bill_interims_load. */
enum tg_err tg_bill_run_beside(struct tg_bill_run *run, struct tg_why *why);

/** @brief Take the date of an earlier run, unless this one was given its own. @param run Any time.
 *  @param issued_ns Date; INT64_MIN: none. */
void tg_bill_run_keep_date(struct tg_bill_run *run, int64_t issued_ns);

/** @brief The cycle that closes in the month, by zone of accounts and cycle day. @param run Behind
 *  tg_bill_run_scope; writes windows. @param why May be NULL. @return TG_OK; TG_E_NO_MEMORY. */
enum tg_err tg_bill_run_windows(struct tg_bill_run *run, struct tg_why *why);

/* bill_lifecycle.c */

/** @brief Whether the run moves the state of its period: runs of a calendar's cycles that are
 *  stored do; others only compute. @param run Any time. @return Whether. */
bool tg_bill_run_has_lifecycle(const struct tg_bill_run *run);

/** @brief Read the period's state, and refuse to issue one that has to be approved first.
 *  @param run With billing. @param why May be NULL. @return TG_OK; TG_E_INVALID; as
 *  tg_bill_period_read. */
enum tg_err tg_bill_run_state(struct tg_bill_run *run, struct tg_why *why);

/** @brief List sources that are not complete. @param run Behind the first pass; writes stats. */
void tg_bill_run_late_sources(struct tg_bill_run *run);

/** @brief Say what drafts of this run are, and whether it may issue; then close the period, before
 *  anything is issued on it. @param run Behind tg_bill_run_late_sources. @param why May be NULL.
 *  @return TG_OK; TG_E_INVALID: it is collecting; as tg_bill_close_put. */
enum tg_err tg_bill_run_begin(struct tg_bill_run *run, struct tg_why *why);

/** @brief Write the state the period has now. @param run Behind the last document. @param why May
 *  be NULL. @return As tg_bill_period_write. */
enum tg_err tg_bill_run_end(struct tg_bill_run *run, struct tg_why *why);

#endif
