/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief First half of a bill run: one journal scan folded into the line table.
 *
 *  Source: design.md 1 (the journal is the table), rating-semantics 4.11 (late sources), 4.14.
 *  Threads: the calling one. Allocates: the scan's buffers. Cost: sixteen columns a row.
 *
 *  A row is on one bill: that of its period when it came before the period was closed (close.h),
 * else the first one closed after it came.
 */
#ifndef TG_BILL_COLLECT_H
#define TG_BILL_COLLECT_H

#include "base/error.h"
#include "bill/cycle.h"
#include "bill/lines.h"

#include <stdbool.h>
#include <stdint.h>

struct tg_bill_bands;
struct tg_bill_closes;
struct tg_catalog_snapshot;
struct tg_image;
struct tg_roster;
struct tg_roster_line;

#define TG_BILL_CYCLE_DAYS 32u    /**< Indexed by cycle day 1..31; of weeks by code modulo it. */
#define TG_BILL_SOURCE_IDS 65536u /**< Every value of tg_usage.source_id. */
/** Kinds of cycles on a bill: those of months, and eight of codes of weeks (week_cycle.h). */
#define TG_BILL_KINDS (TG_ROSTER_BILLS_KINDS - 1u + 8u)

/** Rows up to this long after the period are looked at to see which sources have moved on. */
#define TG_BILL_CLOSE_WINDOW_NS (INT64_C(7) * 86400 * 1000000000)

/** @brief On which bill a row is, seen from this one. */
enum tg_bill_place {
    TG_BILL_PLACE_HERE = 0,   /**< Of the period, in time. */
    TG_BILL_PLACE_LATE = 1,   /**< Of an earlier one whose bill was closed: on this one. */
    TG_BILL_PLACE_BEFORE = 2, /**< On an earlier one, or its own is still to come. */
    TG_BILL_PLACE_AFTER = 3   /**< On a later one. */
};

/** @brief What the journal's source table says of a source. */
struct tg_bill_source {
    uint64_t records_count; /**< Rows and refusals that came from it. */
    int64_t missing_count;  /**< Records or messages that the sequence audit misses. */
};

/** @brief One pass: what to fold, and what came of it. */
struct tg_bill_collect {
    const char *data_dir;                      /**< Holds journal/. */
    const struct tg_roster *roster;            /**< Whose subscriber belongs to whom. */
    const struct tg_catalog_snapshot *catalog; /**< Versions with their exchange rates. */
    struct tg_bill_lines *lines;               /**< Filled; empty at the start. */
    const struct tg_image *image;        /**< At the period's end: late policies, taxes; or NULL. */
    const struct tg_bill_bands *bands;   /**< Of catalog; NULL: no line has a band. */
    const struct tg_bill_closes *closes; /**< Loaded; NULL: nothing is ever late. */
    uint64_t epoch_last;                 /**< Last epoch of this run; accounts whose period is
                                              closed look no further than their close. */
    uint32_t month;                      /**< Number of the run's period (cycle.h). */
    bool taxes_charges;                  /**< A tax of any version is rounded a charge. */
    uint32_t account_from;               /**< First account of the pass. */
    uint32_t account_to;                 /**< One past the last. */
    const struct tg_bill_window *windows; /**< Period by cycles on a bill, zone of accounts and
                                               cycle day; shape
                                               [bills_count][zones_count][TG_BILL_CYCLE_DAYS]. */
    uint32_t zones_count;                 /**< At least 1; accounts of others are in zone 0. */
    uint32_t bills_count;                 /**< TG_BILL_KINDS; 0 or 1: all are for one
                                               cycle, or windows are alike. */
    void (*progress)(void *context, uint64_t rows_count); /**< Told a block; may be NULL. */
    void *progress_context;                               /**< For progress. */

    uint64_t rows_scanned_count;     /**< Rows of all blocks looked at. */
    uint64_t rows_suspended_count;   /**< Suspended, by the period of cycle day 1. */
    uint64_t rows_held_count;        /**< Held, likewise. */
    uint64_t rows_unknown_count;     /**< Rated, subscriber not in the roster. */
    uint64_t rows_foreign_count;     /**< Rated in its period, account outside the pass. */
    uint64_t rows_late_count;        /**< Late rows of earlier periods that are on this bill. */
    uint64_t rows_next_count;        /**< Of the period but behind its close: on a later bill. */
    uint64_t rows_written_off_count; /**< Late rows that the product's policy does not charge. */
    uint64_t rows_waiting_count;     /**< Late rows that it suspends. */
    bool has_prepaid;                /**< A row was taken from a balance. */
    struct tg_bill_source *sources;  /**< By source id; shape [TG_BILL_SOURCE_IDS]. */
    int64_t *last_event_ns;          /**< Latest start_ns a source sent, INT64_MIN never;
                                          shape [TG_BILL_SOURCE_IDS]. */
};

/** @brief Place of an account's period in windows. @param collect roster, zones_count and
 *  bills_count set. @param account Any. @return Index. */
size_t tg_bill_collect_index(const struct tg_bill_collect *collect, uint32_t account);

/** @brief Period of an account. @param collect windows and roster set. @param account Any.
 *  @return Borrowed. */
const struct tg_bill_window *tg_bill_collect_window(const struct tg_bill_collect *collect,
                                                    uint32_t account);

/**
 * @brief Place of what happened to an account.
 * @param[in] collect  windows, closes, epoch_last and month set; image and catalog for waits.
 * @param[in] account  Roster index.
 * @param[in] at_ns    Event time.
 * @param[in] epoch    That it came with.
 * @param[in] waits    Whose usage it is: a bill that had it wait was not its own. NULL: what no
 *                     policy keeps back.
 * @return Place.
 */
enum tg_bill_place tg_bill_collect_place(const struct tg_bill_collect *collect, uint32_t account,
                                         int64_t at_ns, uint64_t epoch,
                                         const struct tg_roster_line *waits);

/**
 * @brief Scan once.
 * @param[in,out] collect  Inputs set; counts and last_event_ns are reset here.
 * @param[out]    why      May be NULL.
 * @return TG_OK; TG_E_FULL: the line table is too small for this account range; TG_E_CORRUPT,
 *         TG_E_CHAIN, TG_E_FORMAT, TG_E_IO, TG_E_NO_MEMORY from the journal.
 */
enum tg_err tg_bill_collect_run(struct tg_bill_collect *collect, struct tg_why *why);

/**
 * @brief Read what the journal's source table says up to the run's last epoch.
 * @param[in,out] collect  data_dir and epoch_last set; sources are written.
 * @param[out]    why      May be NULL.
 * @return As tg_bill_collect_run, but for TG_E_FULL.
 */
enum tg_err tg_bill_collect_sources(struct tg_bill_collect *collect, struct tg_why *why);

#endif
