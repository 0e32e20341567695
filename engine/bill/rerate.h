/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Price a selection again and say, or post, the differences and nothing else.
 *
 *  Source: rating-semantics 4.11: selector, replay in original order, diff by record, post only
 *  what is not zero, bucket and counter state replaced atomically; shared pools included.
 *  Threads: the calling one and threads_count - 1 more, a range of accounts each (shards.h).
 *  Allocates: in open, and as differences are found (bounded). Cost: a replay (replay.h).
 *
 *  (1) Rows before the first selected one of an account count as they stand; selected rows are
 *      priced with the chosen catalog; rows behind them that are not selected are priced again with
 *      the version that priced them, since the counters they meet may have moved.
 *  (2) A row the catalog refuses now keeps its charge and is reported: a charge is taken back by a
 *      decision, not by a missing price. Its charge moves the counters as it stands, so the job is
 *      done again with the refused rows known until no further one is refused.
 *  (3) The same catalog gives no difference, and what was posted once is not found again, since
 *      differences are against where a row stands.
 *  (4) What corrected rows leave on shelves (lists of allowances, pools, counters of other periods
 *      than months, carried remainders, spend limits) is posted beside them: whole shelves, those
 *      that differ. Absolute shelves are exact because nothing can come between the state they are
 *      computed from and the epoch they are in: with the engine stopped, the data directory's lock
 *      is held from before the first row is read, and the epoch is the next one; a running engine
 *      posts only accounts of which it has found no row in between that would matter (posting.h,
 *      control/post.h). Differences were rejected: only the used base of a bucket adds up;
 *      thresholds, rollover and remainders do not.
 *  (5) A row whose money stays but which draws from other shelves now gets an adjustment of
 *      nothing, where its account is corrected at all: it says which version's shelves the row
 *      draws from, so that the rows as they stand lead to the shelves that were posted.
 *  (6) All of it, beside a running engine all of each account, is one epoch: SIGKILL at any moment
 * leaves all or nothing, and doing it again completes it or finds nothing to do. It needs no id: a
 * difference that is in is none. (7) By event, rows with event times in the selected range that
 * came behind later ones of their account are brought in front of them: in that range the account's
 * rows are priced in the order (start, source, sequence), those before and behind it as they came.
 * Accounts whose rows came so are as without it. What is posted says so of the account (adjust.h),
 * and from then on that is the order in which its rows stand. All rows of such an account are
 * priced again, those that are not selected with the version that priced them. (8) A back-out takes
 * the selected rows' charges back whole and prices nothing: what they drew is given back, counters
 * go back, rows behind them keep their charges. Replays leave such rows out from then on; a rerate
 * does not bring them back, but prices rows behind them with what is left now.
 * (9) Commits of prepaid sessions of which a record came are selected by of_sessions; backed out,
 *      they leave what the record says.
 */
#ifndef TG_BILL_RERATE_H
#define TG_BILL_RERATE_H

#include "base/error.h"
#include "bill/replay.h"
#include "bill/shards.h"

#include <stdbool.h>
#include <stdint.h>

/** Differences of one run; more is TG_E_FULL: select less. 160 octets each. */
#define TG_RERATE_CHANGES_MAX (4u << 20)

/** @brief Which rows; what is 0 or NULL selects all. */
struct tg_rerate_selector {
    const uint8_t *accounts_wanted; /**< Shape [accounts_count]; NULL all. */
    const char *price_name;         /**< Rows that stand at this price. */
    const char *deck_name;          /**< Rows whose number this deck put into its zone. */
    const char *product_name;       /**< Rows of subscriptions of this product. */
    int64_t from_ns;                /**< Event time from; INT64_MIN: ever. */
    int64_t to_ns;                  /**< Event time before; INT64_MAX: ever. */
    int32_t source_id;              /**< Rows of this source; -1 all. */
    uint16_t node_id;               /**< Rows of this node; 0 all. */
    bool of_sessions;               /**< Commits of sessions of which a record came (sessions.h). */
    uint8_t reserved;               /**< 0. */
};

/** @brief What to do. */
struct tg_rerate_params {
    uint32_t size_bytes;                       /**< sizeof(struct tg_rerate_params). */
    bool by_event;                             /**< See (7). */
    bool backs_out;                            /**< See (8); without a candidate. */
    uint8_t reserved[2];                       /**< 0. */
    const char *data_dir;                      /**< Holds journal/. */
    const struct tg_catalog_snapshot *catalog; /**< As stored. */
    const struct tg_image *candidate;   /**< Prices selected rows; NULL: the stored version that is
                                             valid at their time now. */
    struct tg_rerate_selector selector; /**< Which rows. */
    uint32_t threads_count;             /**< 0: 1; at most TG_BILL_SHARDS_MAX are used. Whatever it
                                             is, the same comes out. */
    uint32_t reserved_2;                /**< 0. */
    uint64_t epoch_max; /**< Last epoch that is looked at; 0: all committed, and nobody writes. */
    void (*progress)(void *context, uint64_t rows_count); /**< May be NULL. */
    void *progress_context;                               /**< For progress. */
};

/** @brief One row that should stand elsewhere. */
struct tg_rerate_change {
    struct tg_usage row;     /**< The adjustment's row. */
    struct tg_charge charge; /**< The adjustment's charge: differences. */
    int64_t amount_before;   /**< Where the row stands, rating scale. */
    uint64_t epoch;          /**< Place of the corrected row: epoch ... */
    uint32_t index;          /**< ... and row of it. */
    bool is_selected;        /**< false: it follows from a selected row before it. */
    bool is_silent;          /**< Money and units stay; see (5). */
    uint8_t reserved[10];    /**< 0. */
};

/** @brief What came of it. */
struct tg_rerate {
    struct tg_rerate_change *changes; /**< In journal order; shape [changes_count]. */
    uint32_t changes_count;           /**< Rows that change. */
    uint32_t silent_count;            /**< Of these, that only say which shelves they draw from. */
    struct tg_adjust_shelf *shelves;  /**< Left otherwise now: subscribers', then accounts', each by
                                           index; shape [shelves_count]. */
    struct tg_adjust_order *orders;   /**< Accounts brought into the order of events, by index;
                                           shape [orders_count]. */
    uint32_t shelves_count;           /**< How many. */
    uint32_t orders_count;            /**< How many. */
    uint32_t changes_capacity;        /**< Private. */
    uint32_t shelves_capacity;        /**< Private. */
    uint32_t orders_capacity;         /**< Private. */
    uint32_t late_count;              /**< By event: accounts whose rows came in another order. */
    uint64_t selected_count;          /**< Rows selected. */
    uint64_t followers_count;         /**< Rows priced again behind them. */
    uint64_t refused_count;           /**< Selected rows the catalog refuses now; charges stand. */
    int32_t refused_reason;           /**< enum tg_err of the first of them. */
    uint16_t currency;                /**< ISO 4217 numeric; 0 none or several. */
    bool has_currencies;              /**< Differences in more than one currency: no total. */
    uint8_t reserved;                 /**< 0. */
    __int128 difference;              /**< Sum of differences, rating scale. */
    __int128 raised;                  /**< Of these the positive ones. */
    struct tg_replay_stats replay;    /**< What it cost. */
};

/**
 * @brief Find the differences.
 * @param[in]  params  Borrowed until return.
 * @param[out] rerate  Written on TG_OK; tg_rerate_close.
 * @param[out] why     May be NULL.
 * @return TG_OK; TG_E_NOT_FOUND (no price, deck or product of that name in any version); TG_E_FULL
 * (too many differences, shelves or refused rows); TG_E_NO_MEMORY; TG_E_INVALID (a new charge is in
 * another currency); as tg_replay_run.
 */
enum tg_err tg_rerate_open(const struct tg_rerate_params *params, struct tg_rerate **rerate,
                           struct tg_why *why);

/** @brief Free. @param rerate Result or NULL. */
void tg_rerate_close(struct tg_rerate *rerate);

/**
 * @brief Post the differences as adjustments, with the shelves, all in one epoch.
 * @param[in]  rerate      Open; candidate was NULL or a stored image.
 * @param[in]  data_dir    The caller has held its tg_data_lock since before tg_rerate_open.
 * @param[in]  journal_ns  Journal time.
 * @param[out] epoch       Epoch they are in; 0: nothing to post.
 * @param[out] why         May be NULL.
 * @return As tg_adjust_post.
 */
enum tg_err tg_rerate_post(const struct tg_rerate *rerate, const char *data_dir, int64_t journal_ns,
                           uint64_t *epoch, struct tg_why *why);

#endif
