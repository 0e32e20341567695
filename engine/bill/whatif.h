/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief What would a period have brought under another catalog? By product and zone, by account.
 *
 *  Source: design.md 1 (what-if is a scan of the journal), rating-semantics 4.11.
 *  Threads: the calling one and threads_count - 1 more, a range of accounts each (shards.h).
 *  Allocates: in open. Cost: a replay (replay.h).
 *
 *  Rows of the period are priced with the candidate, counters starting as the rows before the
 * period left them. Rows the candidate refuses bring nothing and are counted by reason. Suspended
 * rows are not looked at: recycling, not pricing, decides about them. Nothing stored changes.
 */
#ifndef TG_BILL_WHATIF_H
#define TG_BILL_WHATIF_H

#include "base/error.h"
#include "bill/replay.h"
#include "bill/shards.h"

#include <stdint.h>

#define TG_WHATIF_CELLS_MAX    65536u /**< Pairs of product and zone; beyond: TG_E_FULL. */
#define TG_WHATIF_ACCOUNTS_MAX 1024u  /**< Worst hit accounts that are told. */
#define TG_WHATIF_REASONS_MAX  32u    /**< Reasons counted apart; the rest under the last. */

/** @brief Sums of one group of rows, at rating scale. */
struct tg_whatif_sums {
    __int128 before;        /**< What they stand at. */
    __int128 after;         /**< Under the candidate. */
    uint64_t rows_count;    /**< Rows. */
    uint64_t refused_count; /**< Of these, refused by the candidate. */
};

/** @brief A product and the zone its rows were in. */
struct tg_whatif_cell {
    struct tg_whatif_sums sums; /**< Sums. */
    uint16_t product;           /**< Stored product index. */
    uint16_t zone;              /**< Stored zone index. */
    uint8_t is_used;            /**< 1: something is in it. */
    uint8_t reserved[11];       /**< 0. */
};

/** @brief An account and what it would pay more (or less). */
struct tg_whatif_account {
    struct tg_whatif_sums sums; /**< Sums. */
    uint32_t account;           /**< Roster index. */
    uint32_t reserved[3];       /**< 0. */
};

/** @brief A reason for which the candidate refuses rows. */
struct tg_whatif_reason {
    int32_t reason;      /**< enum tg_err. */
    uint32_t reserved;   /**< 0. */
    uint64_t rows_count; /**< Rows. */
    __int128 before;     /**< What they bring now. */
};

/** @brief What to ask. */
struct tg_whatif_params {
    uint32_t size_bytes;                                  /**< sizeof(struct tg_whatif_params). */
    uint32_t threads_count;                               /**< 0: 1; at most TG_BILL_SHARDS_MAX are
                                                               used; the same comes out. */
    const char *data_dir;                                 /**< Holds journal/. */
    const struct tg_catalog_snapshot *catalog;            /**< As stored. */
    const struct tg_image *candidate;                     /**< Prices with. */
    const uint8_t *accounts_wanted;                       /**< Shape [accounts_count]; NULL all. */
    int64_t from_ns;                                      /**< Begin of the period. */
    int64_t to_ns;                                        /**< End, exclusive. */
    void (*progress)(void *context, uint64_t rows_count); /**< May be NULL. */
    void *progress_context;                               /**< For progress. */
};

/** @brief The answer; arrays are owned by it. */
struct tg_whatif {
    struct tg_whatif_sums total;        /**< All rows. */
    uint16_t currency;                  /**< ISO 4217 numeric of all sums. */
    uint16_t reasons_count;             /**< Reasons below. */
    uint32_t cells_count;               /**< Cells below, by product and zone. */
    uint32_t accounts_count;            /**< Accounts below: those with rows that would pay most
                                             more, worst hit first, then by index. */
    uint32_t payers_count;              /**< All accounts with rows. */
    struct tg_whatif_cell *cells;       /**< Shape [cells_count]. */
    struct tg_whatif_account *accounts; /**< Shape [accounts_count]. */
    struct tg_whatif_reason reasons[TG_WHATIF_REASONS_MAX]; /**< By reason, greatest code first. */
    struct tg_replay_stats replay;                          /**< What it cost. */
};

/**
 * @brief Ask.
 * @param[in]  params  Borrowed until return.
 * @param[out] whatif  Written on TG_OK; tg_whatif_close.
 * @param[out] why     May be NULL.
 * @return TG_OK; TG_E_INVALID (empty period, or rows of another currency than the
 *         candidate's without an exchange rate);
 *         TG_E_FULL; TG_E_NO_MEMORY; as tg_replay_run.
 */
enum tg_err tg_whatif_open(const struct tg_whatif_params *params, struct tg_whatif **whatif,
                           struct tg_why *why);

/**
 * @brief The cells added up by one of their two sides.
 * @param[in]  whatif   Answer.
 * @param[in]  by_zone  true: an entry a zone, over all products; false: an entry a product.
 * @param[out] totals   Shape [whatif->cells_count]; ascending; the side that is added over is
 *                      UINT16_MAX.
 * @return Entries written.
 */
uint32_t tg_whatif_totals(const struct tg_whatif *whatif, bool by_zone,
                          struct tg_whatif_cell *totals);

/** @brief Free. @param whatif Answer or NULL. */
void tg_whatif_close(struct tg_whatif *whatif);

#endif
