/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief A bill run: fold the journal over the catalog and the accounts into invoices.
 *
 *  Source: design.md (the journal is the table), rating-semantics 4.7, 4.14, 4.15.
 *  Threads: the calling one and threads_count more that make bills; the engine may run meanwhile.
 *  Allocates: at start, sized by params. Cost: one journal scan a pass; one pass when all lines fit
 *  the table; then some 20 us an invoice to make it and as much to store it.
 *
 *  Steps: scan -> lines (lines.h) -> invoice an account: fees, charges, usage, discounts, minimum,
 *  tax (assemble.h, invoice.h), printed (pack.h), in parallel by ranges of accounts (crew.h) ->
 *  issue or draft, one after another in roster order (issue.h). A run that was
 *  interrupted is run again: it goes on behind what is issued, up to the same epoch (close.h).
 *
 *  (1) An invoice is a pure function of (journal up to the period's close, closes, charges, catalog
 *      versions, accounts, period, issued_ns), and what it asks for also of the credit that bills
 *      issued before have left (carry.h).
 *  (2) Running again for a period changes no issued invoice and spends no number on it; what was
 *      voided since is billed again, under an id of its own (voided.h).
 *  (3) Rows are billed by event time: start_ns in the account's period, half-open; those that came
 *      behind the period's close are on the next bill that is closed after they came.
 *  (4) Fees and taxes are those of the catalog version valid at the last instant of the period;
 *      usage keeps the price it was rated with. Fees in advance: fee.h.
 */
#ifndef TG_BILL_BILL_H
#define TG_BILL_BILL_H

#include "base/error.h"
#include "bill/invoice.h"
#include "bill/issue.h"

#include <stdbool.h>
#include <stdint.h>

struct tg_catalog_snapshot;
struct tg_db;

#define TG_BILL_LATE_SOURCES_MAX 64u /**< Sources named in the report; all are counted. */

/** @brief A source that was not complete when the run looked: usage of the period may still come.
 *  Its watermark, the latest event it sent, lies before the end of the period; or its numbering
 *  says that something is missing. */
struct tg_bill_late_source {
    uint16_t source_id;    /**< As in the journal's source table. */
    bool is_behind;        /**< Its watermark lies before the end of the period. */
    uint8_t reserved[5];   /**< 0. */
    int64_t last_event_ns; /**< Latest start_ns seen from it in the period and the seven days
                                behind it; INT64_MIN: none. */
    uint64_t
        missing_count; /**< Records or messages that the sequence audit misses, of all times. */
};

/** @brief What a run did. All counts are of this run. */
struct tg_bill_stats {
    uint64_t rows_scanned_count;   /**< Rows read from the journal in one full pass. */
    uint64_t rows_billed_count;    /**< Rated rows of the period that are on an invoice. */
    uint64_t rows_suspended_count; /**< Rows of the period that wait in suspense: not billed. */
    uint64_t rows_held_count;      /**< Rows of the period that are held: not billed. */
    uint64_t rows_foreign_count;   /**< Rated rows of an account the filter leaves out. */
    uint64_t
        rows_unknown_count; /**< Rated rows of the period whose subscriber is not in the roster. */
    uint64_t rows_late_count; /**< Of rows billed: late for an earlier period's issued bill. */
    uint64_t rows_next_count; /**< Rated rows of the period behind its close: on a later bill. */
    uint64_t rows_written_off_count; /**< Late rows that their product's policy does not charge. */
    uint64_t rows_waiting_count;     /**< Late rows that it suspends. */
    uint64_t epoch_last;             /**< Last epoch of the journal that the run looked at. */
    uint64_t invoices_issued_count;  /**< Numbered now. */
    uint64_t invoices_drafted_count; /**< Stored as drafts. */
    uint64_t invoices_kept_count;    /**< Issued before and equal. */
    uint64_t invoices_differ_count;  /**< Issued before; the journal has changed since. */
    uint64_t invoices_unapproved_count; /**< Not issued: other than the draft that was approved. */
    uint64_t invoices_empty_count;      /**< Accounts with nothing to bill: no invoice. */
    uint64_t invoices_failed_count;     /**< Accounts whose sums do not fit; named in the log. */
    uint64_t lines_count;               /**< Lines on all invoices of the run. */
    uint32_t passes_count;              /**< Journal scans that were needed. */
    uint32_t late_sources_count;        /**< All of them, also beyond the array. */
    struct tg_bill_late_source late_sources[TG_BILL_LATE_SOURCES_MAX]; /**< By source id. */
    int64_t net_total;      /**< Of the run's invoices, bill scale; one currency only. */
    int64_t tax_total;      /**< Same. */
    int64_t total;          /**< Same. */
    uint16_t currency;      /**< ISO 4217 numeric of the totals; 0 when several: no totals. */
    uint8_t state;          /**< enum tg_bill_period_state after the run (period.h). */
    uint8_t reserved[5];    /**< 0. */
    int64_t grace_until_ns; /**< Until when it waits for sources; INT64_MIN: it does not. */
};

/** @brief Told after each block of rows and each batch of invoices. */
typedef void (*tg_bill_progress)(void *context, const char *step, uint64_t done, uint64_t total);

/** @brief Sees each invoice as it is computed, in order; borrowed inside the call. */
typedef void (*tg_bill_visit)(void *context, const struct tg_bill_invoice *invoice);

/** @brief What to bill. */
struct tg_bill_params {
    uint32_t size_bytes;      /**< sizeof(struct tg_bill_params). */
    uint32_t lines_count_max; /**< Bound of the line table; 0: 4 a subscriber, at most 2^24.
                                   128 octets each that is used. */
    const char *data_dir;     /**< Holds journal/. */
    struct tg_db *state;      /**< <data>/state, read-write; NULL: compute and visit only. */
    const struct tg_catalog_snapshot *catalog; /**< All versions and the roster; borrowed. */
    int64_t period_start_ns;                   /**< Begin, UTC. */
    int64_t period_end_ns;                     /**< End, UTC, exclusive. */
    int64_t issued_ns;          /**< Date of the invoices; the caller's, never the clock's. */
    int64_t at_ns;              /**< Now, for the grace that sources have; 0: the latest event of
                                     the journal. */
    const char *account_filter; /**< Only this account id; NULL: all. */
    int64_t until_ns;           /**< An interim bill of account_filter (interim.h), up to this
                                     day's begin, as a local time; 0: bills of cycles. */
    const char *legal_entity;   /**< Of accounts that name none; see issue.h; NULL: default. */
    const char *series;         /**< Of legal entities that name none; see issue.h; NULL: INV. */
    bool issues;                /**< true: number and store; false: drafts. */
    bool keeps_date;            /**< issued_ns is for who has none: the date that the run of the
                                     period before had comes first. */
    /** The period is a month, or an ISO week: an account with cycle day d > 1 is billed for the
     * cycle that closes in it, from day d of the month before to day d of it; days begin in the
     * account's zone (cycle.h), and the UTC begin and end above only name the month. */
    bool follows_cycle_days;
    uint16_t threads_count;    /**< Make bills on so many threads; 0: 1. Whatever it is, the same
                                    bytes are stored. */
    uint16_t batch_count;      /**< Invoices a transaction; 0: 4096. */
    uint8_t reserved[2];       /**< 0. */
    tg_bill_progress progress; /**< May be NULL. */
    void *progress_context;    /**< For progress. */
    tg_bill_visit visit;       /**< May be NULL; else there is one thread. */
    void *visit_context;       /**< For visit. */
};

/**
 * @brief Run the bills of a period.
 * @param[in]  params  Borrowed until return.
 * @param[out] stats   Written also on failure, as far as the run came.
 * @param[out] why     Filled on failure; may be NULL.
 * @return TG_OK; TG_E_INVALID (empty period; an interim bill outside its cycle, not behind the one
 *         before, of a closed period or a prepaid account; to be issued, and not approved or still
 * collecting where the catalog wants that); TG_E_NOT_FOUND (filtered account unknown); TG_E_FULL
 *         (one account alone needs more lines than allowed); TG_E_NO_MEMORY; TG_E_CATALOG_VERSION;
 *         TG_E_CORRUPT, TG_E_IO (journal); TG_E_DATABASE, TG_E_NO_SPACE (state). Invoices committed
 *         before a failure stay issued; running again goes on after them.
 */
enum tg_err tg_bill_run(const struct tg_bill_params *params, struct tg_bill_stats *stats,
                        struct tg_why *why);

#endif
