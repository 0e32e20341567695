/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief What a rerate found, as one sealed piece of memory that a running engine posts.
 *
 *  Source: rating-semantics 4.11; rerate.h. Threads: the calling one. Allocates: pages. Cost: 160
 *  octets a difference, copied once; a look into the journal behind the rerate.
 *
 *  A rerate is worked out by another process from the journal up to an epoch E. The engine may post
 *  it when nothing that it depends on has changed since (tg_posting_conflict):
 *  (1) No row was rated, and no correction posted, behind E for an account that is corrected. Its
 *      rows after E were priced on the old counters, and its shelves are whole, as of E.
 *  (2) No row behind E is in the selected time and of a selected account, and priced with another
 *      version than the rerate would: it would have to be corrected too. The other selectors are
 *      not looked at: rather once too often.
 *  (3) Versions and people are those it was worked out with (generation).
 *  Accounts do not meet, so one that (1) speaks of is left out, and the others are posted: under
 *  traffic that never pauses each posting leaves fewer. All that is an account's is in one epoch.
 *  For all other rows it makes no difference whether they come before or behind it: accounts do not
 *  meet, and an account without a difference has the state it would have had.
 *
 *  The memory is a memfd sealed against writing and resizing, so what was checked is what is read.
 *  Both sides are of one build: sizes of all structures are in the head.
 */
#ifndef TG_BILL_POSTING_H
#define TG_BILL_POSTING_H

#include "base/error.h"
#include "bill/adjust.h"
#include "bill/rerate.h"
#include "catalog/catalog.h"

#include <stdint.h>

#define TG_POSTING_OVERTAKEN 2u /**< Of an account: it got a row since, and is left out. */

/** @brief Begin of the memory; rows, charges, shelves, orders and wanted accounts follow, each
 * on 64. */
struct tg_posting_head {
    char magic[8];              /**< "TGPOST1". */
    uint32_t crc;               /**< CRC32C of everything behind this field. */
    uint32_t head_bytes;        /**< sizeof(struct tg_posting_head). */
    uint32_t row_bytes;         /**< sizeof(struct tg_usage). */
    uint32_t charge_bytes;      /**< sizeof(struct tg_charge). */
    uint32_t shelf_bytes;       /**< sizeof(struct tg_adjust_shelf). */
    uint32_t count;             /**< Adjustments. */
    uint32_t shelves_count;     /**< Shelves. */
    uint32_t wanted_count;      /**< Octets of wanted accounts; 0: all are. */
    uint32_t candidate_version; /**< That prices selected rows; 0: the one in force then. */
    uint32_t orders_count;      /**< Accounts brought into the order of events. */
    uint32_t order_bytes;       /**< sizeof(struct tg_adjust_order). */
    uint32_t backs_out;         /**< 1: rows that came since are not meant: (2) does not count. */
    uint64_t epoch;             /**< Last epoch that was looked at. */
    uint64_t generation;        /**< Of the catalog. */
    int64_t from_ns;            /**< Selected event time from ... */
    int64_t to_ns;              /**< ... and before. */
};
_Static_assert(sizeof(struct tg_posting_head) == 88, "no padding goes from process to process");

/** @brief An opened posting; everything points into the memory. */
struct tg_posting {
    const struct tg_posting_head *head; /**< Begin. */
    struct tg_adjust_posting content;   /**< What is posted; journal_ns is the engine's affair. */
    const uint8_t *wanted;              /**< Shape [head->wanted_count], or NULL. */
    size_t size_bytes;                  /**< Of the memory. */
};

/**
 * @brief Lay a rerate into sealed memory.
 * @param[in]  rerate  Result.
 * @param[in]  params  It was worked out with; epoch_max is not 0.
 * @param[out] fd      Descriptor; the caller closes it.
 * @param[out] why     May be NULL.
 * @return TG_OK, TG_E_NO_MEMORY, TG_E_IO.
 */
enum tg_err tg_posting_make(const struct tg_rerate *rerate, const struct tg_rerate_params *params,
                            int *fd, struct tg_why *why);

/**
 * @brief Map a posting and check that it is whole, sealed and of this build.
 * @param[in]  fd       From another process; stays the caller's.
 * @param[out] posting  Written on TG_OK; tg_posting_close.
 * @param[out] why      May be NULL.
 * @return TG_OK, TG_E_CORRUPT, TG_E_FORMAT, TG_E_IO.
 */
enum tg_err tg_posting_open(int fd, struct tg_posting *posting, struct tg_why *why);

/** @brief Unmap. @param posting Opened or zeroed. */
void tg_posting_close(struct tg_posting *posting);

/**
 * @brief Does it fit the catalog in force, and is every item of it possible?
 * @param[in]  posting  Open.
 * @param[in]  catalog  In force.
 * @param[out] why      May be NULL.
 * @return TG_OK; TG_E_AGAIN the catalog is another one; TG_E_CORRUPT an item cannot be.
 */
enum tg_err tg_posting_check(const struct tg_posting *posting,
                             const struct tg_catalog_snapshot *catalog, struct tg_why *why);

/** @brief Mark the accounts that are corrected. @param posting Checked. @param catalog In force.
 *  @param[out] touched Zeros at first; shape [accounts_count]. */
void tg_posting_touch(const struct tg_posting *posting, const struct tg_catalog_snapshot *catalog,
                      uint8_t *touched);

/**
 * @brief Look for rows that it would have had to know: (1) and (2).
 * @param[in]  posting     Checked.
 * @param[in]  catalog     In force.
 * @param[in,out] touched  From tg_posting_touch; accounts of (1) become TG_POSTING_OVERTAKEN.
 * @param[in]  data_dir    Holds journal/.
 * @param[in]  epoch_from  First epoch to look at.
 * @param[in]  epoch_to    Last; durable. Before epoch_from: nothing is looked at.
 * @param[out] why         Says that the rerate is to be done again; may be NULL.
 * @return TG_OK: none; TG_E_AGAIN: there are, and what touched still says 1 of may be posted; as
 * tg_scan_next.
 */
enum tg_err tg_posting_conflict(const struct tg_posting *posting,
                                const struct tg_catalog_snapshot *catalog, uint8_t *touched,
                                const char *data_dir, uint64_t epoch_from, uint64_t epoch_to,
                                struct tg_why *why);

#endif
