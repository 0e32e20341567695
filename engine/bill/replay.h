/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Price rated rows of the journal again, in their original order, through the rate stage.
 *
 *  Source: rating-semantics 4.11 (rerate: replay in original order with the chosen catalog),
 *  design.md law 9. Threads: the calling one. Allocates: account lines of the wanted subscribers,
 *  the scan's buffers. Cost: the rate stage and decoding all columns; figures in the commit bodies.
 *
 *  explain, what-if and rerate are this one fold with other choices. For each rated row of the
 *  wanted accounts the caller chooses what happens; the counters and allowances that a row meets
 * are those that the rows before it left.
 *
 *  (1) Whole accounts are replayed: what members share moves as it did.
 *  (2) Rows of the month before the first wanted instant, and with counters or allowances of two of
 *      their periods and another month, are applied as they stand, so that a call that crosses
 *      midnight finds its mark. They need not fit, as what they meet may have begun earlier. Where
 *      a catalog has anything that rolls over, lasts longer than a month or never ends, or that
 *      ends within a month and is drawn from in turns with something else, all before are.
 *  (3) A row that was corrected stands where its adjustments put it (adjust.h).
 *  (4) Nothing is written.
 *  (5) Who asks for shelves, where a catalog has any, gets the whole journal replayed, and from the
 *      first row on that is priced with another version than it stands at, the account's rows a
 *      second time, as they stand: the difference is what the choices change. Where a version
 *      prices a row otherwise than it did (a surprise), its account has parted too late: ask again
 *      with parts_all, which keeps both states from the beginning.
 *  (6) Rows that were backed out are left out. In an account that has such a row, or skips one
 *      now, rows that are applied draw as many units as their charge says and not more.
 *  (7) An account's rows come in the order in which they stand (adjust.h): as they came, or sorted.
 *      With reorders they are chosen in another order than they stand in.
 *
 *  Rows go through in batches and lie where the scan decoded them: callers see arrays of pointers,
 *  and nothing is copied for a stretch of rows that all are priced.
 */
#ifndef TG_BILL_REPLAY_H
#define TG_BILL_REPLAY_H

#include "base/error.h"
#include "bill/adjust.h"
#include "catalog/catalog.h"
#include "rate/rate.h"
#include "record/charge.h"

#include <stdbool.h>
#include <stdint.h>

/** @brief What becomes of a row in the replay. */
enum tg_replay_choice {
    TG_REPLAY_SKIP = 0,      /**< As if it had never been. */
    TG_REPLAY_APPLY = 1,     /**< Its stored verdict moves the counters; it is not shown. */
    TG_REPLAY_AS_PRICED = 2, /**< Priced with the version that priced it. */
    TG_REPLAY_IN_FORCE = 3,  /**< Priced with the stored version valid at its time. */
    TG_REPLAY_CANDIDATE = 4  /**< Priced with the candidate, whatever its valid_from. */
};

/**
 * @brief Rated rows of wanted accounts: of one block, in journal order. Everything is borrowed
 * until the call it is given to returns.
 */
struct tg_replay_rows {
    uint64_t epoch;                        /**< Place in the journal: epoch ... */
    const uint32_t *indices;               /**< ... and row of it, from 0; shape [count]. */
    const struct tg_usage *const *usage;   /**< As journaled; shape [count]. */
    const struct tg_charge *const *stored; /**< As journaled; shape [count]. */
    const struct tg_charge *const *stands; /**< With their adjustments; shape [count]. */
    const uint32_t *adjustments;           /**< Adjustments each has; shape [count]. */
    const uint8_t *reasons;                /**< enum tg_adjust_reason of the last one; 0 none; shape
                                                [count]. */
    uint32_t count;                        /**< 1..TG_BATCH_ROWS_MAX. */
    uint32_t reserved;                     /**< 0. */
};

/** @brief Rows that were chosen alike and priced again. */
struct tg_replay_batch {
    struct tg_replay_rows rows;                 /**< Which. */
    const struct tg_charge *priced;             /**< Now; indices are those of the image that priced
                                                     (tg_replay_batch_row); shape [rows.count]. */
    const struct tg_rate_trace *traces;         /**< How; NULL unless wants_traces. */
    const struct tg_catalog_snapshot *snapshot; /**< Priced by; NULL: none is stored. */
    uint8_t choice;                             /**< enum tg_replay_choice they were priced by. */
    uint8_t reserved[7];                        /**< 0. */
};

/** @brief One row priced again; everything borrowed as in its batch. */
struct tg_replay_row {
    const struct tg_usage *usage;      /**< As journaled. */
    const struct tg_charge *stored;    /**< As journaled. */
    const struct tg_charge *stands;    /**< With its adjustments (tg_adjust_apply). */
    const struct tg_charge *priced;    /**< Now; indices are those of image. */
    const struct tg_rate_trace *trace; /**< How; NULL unless wants_traces. */
    const struct tg_image *image;      /**< That priced; NULL: none is stored. */
    uint64_t epoch;                    /**< Place in the journal: epoch ... */
    uint32_t index;                    /**< ... and row of it, from 0. */
    uint32_t adjustments_count;        /**< Adjustments it has. */
    uint8_t reason;                    /**< enum tg_adjust_reason of the last one; 0 none. */
    uint8_t choice;                    /**< enum tg_replay_choice it was priced by. */
};

/** @brief Chooses what becomes of rows. @param context As given. @param rows Borrowed.
 *  @param[out] choices enum tg_replay_choice of each; shape [rows->count]. */
typedef void (*tg_replay_choose)(void *context, const struct tg_replay_rows *rows,
                                 uint8_t *choices);

/** @brief Sees the rows that were priced, in journal order. @param context As given.
 *  @param batch Borrowed. @return TG_OK to go on. */
typedef enum tg_err (*tg_replay_visit)(void *context, const struct tg_replay_batch *batch);

/** @brief Sees a shelf that the choices left otherwise than the rows as they stand do, at the end;
 *         first those of subscribers, then those of accounts, each by index. @param context As
 *         given. @param is_pool Of an account, else of a subscriber. @param index Roster index.
 *  @param shelf Borrowed. @return TG_OK to go on. */
typedef enum tg_err (*tg_replay_shelf)(void *context, bool is_pool, uint32_t index,
                                       const struct tg_shelf *shelf);

/** @brief A catalog to price with instead, with its numbers translated. */
struct tg_replay_candidate;

/** @brief What to replay. */
struct tg_replay_params {
    uint32_t size_bytes;                         /**< sizeof(struct tg_replay_params). */
    bool wants_traces;                           /**< Fill trace. */
    bool parts_all;                              /**< See (5): keep both states of all accounts. */
    bool shows_outs;                             /**< Rows that were backed out are chosen and shown
                                                      too, priced as they stand. */
    uint8_t reserved[1];                         /**< 0. */
    const char *data_dir;                        /**< Holds journal/. */
    const struct tg_catalog_snapshot *catalog;   /**< As stored; outlives the replay. */
    const struct tg_replay_candidate *candidate; /**< NULL unless choose says CANDIDATE. */
    const struct tg_adjust_index *adjustments;   /**< Of the same journal; borrowed. */
    const uint8_t *accounts_wanted; /**< 1: wanted; shape [accounts_count]; NULL all. */
    uint32_t account_from;          /**< First account that may be wanted ... */
    uint32_t account_to;            /**< ... and one past the last; 0: no bound. */
    int64_t from_ns;    /**< First event time that matters; replay begins some periods before. */
    int64_t to_ns;      /**< First that does not; replay ends with that month, since an event may be
                             journaled behind later ones that moved its counters. */
    uint64_t epoch_max; /**< Last epoch; 0: the last committed one. */
    const uint8_t *reorders;             /**< 1: the account's rows are to be chosen in the order of
                                              events, see (7); shape [accounts_count]; NULL none. */
    const struct tg_adjust_order *order; /**< Whose times it concerns; NULL with reorders. */
    tg_replay_choose choose;             /**< Not NULL. */
    tg_replay_visit visit;               /**< Not NULL. */
    tg_replay_shelf shelf;               /**< NULL: nobody asks; see (5). */
    void *context;                       /**< For all three. */
    void (*progress)(void *context, uint64_t rows_count); /**< A block; may be NULL. */
    void *progress_context;                               /**< For progress. */
};

/** @brief What a replay did. */
struct tg_replay_stats {
    uint64_t rows_scanned_count; /**< Rows read. */
    uint64_t rows_priced_count;  /**< Rows priced again. */
    uint64_t rows_applied_count; /**< Rows whose stored verdict was applied. */
    uint64_t surprises_count;    /**< See (5): if not 0, shelves are to be asked for again. */
};

/**
 * @brief Replay.
 * @param[in]  params  Borrowed until return.
 * @param[out] stats   Written also on failure.
 * @param[out] why     May be NULL.
 * @return TG_OK, TG_E_NO_MEMORY, TG_E_CORRUPT (a stored verdict does not fit the counters, or the
 *         journal is damaged), TG_E_CHAIN, TG_E_FORMAT, TG_E_IO, or what visit gave.
 */
enum tg_err tg_replay_run(const struct tg_replay_params *params, struct tg_replay_stats *stats,
                          struct tg_why *why);

/** @brief Does any plan or price of an image keep something on a shelf? @param image Borrowed.
 *  @return true if so. */
bool tg_replay_image_has_shelves(const struct tg_image *image);

/** @brief The line that says what a row is sold by. @param catalog With people. @param usage The
 *  row. @param subscriber Of its charge. @return Index; the subscriber where there is no such. */
static inline uint32_t tg_replay_line_of(const struct tg_catalog_snapshot *catalog,
                                         const struct tg_usage *usage, uint32_t subscriber)
{
    return subscriber < catalog->roster->subscribers_count
               ? tg_roster_index_at(catalog->roster, subscriber, usage->start_ns)
               : subscriber;
}

/**
 * @brief One row of a batch by itself.
 * @param[in]  batch  Shown by the replay.
 * @param[in]  i      Below batch->rows.count.
 * @param[out] row    Written; borrows what the batch borrows.
 */
void tg_replay_batch_row(const struct tg_replay_batch *batch, uint32_t i,
                         struct tg_replay_row *row);

/**
 * @brief A candidate from one image: products and networks are found by name in it.
 * @param[in]  catalog    Stored versions and people; outlives the candidate.
 * @param[in]  image      Stored or compiled from a folder; outlives the candidate.
 * @param[out] candidate  tg_replay_candidate_close.
 * @param[out] why        May be NULL.
 * @return TG_OK or TG_E_NO_MEMORY. A product the image does not have prices nothing: NO_PLAN.
 */
enum tg_err tg_replay_candidate_open(const struct tg_catalog_snapshot *catalog,
                                     const struct tg_image *image,
                                     struct tg_replay_candidate **candidate, struct tg_why *why);

/** @brief Free. @param candidate Candidate or NULL. */
void tg_replay_candidate_close(struct tg_replay_candidate *candidate);

/** @brief Its image. @param candidate Open. @return Borrowed. */
const struct tg_image *tg_replay_candidate_image(const struct tg_replay_candidate *candidate);

/** @brief Has every stored network the same index in it? @param candidate Open. @return true if so.
 */
bool tg_replay_candidate_keeps_networks(const struct tg_replay_candidate *candidate);

/** @brief Product of the candidate. @param candidate Open. @param product Stored index.
 *  @return Index in its image, or TG_PRODUCT_NONE. */
uint16_t tg_replay_candidate_product(const struct tg_replay_candidate *candidate, uint16_t product);

/** @brief Network of the candidate. @param candidate Open. @param network Stored index.
 *  @return Index in its image; 0 (home) only for 0; an unknown one gives UINT16_MAX. */
uint16_t tg_replay_candidate_network(const struct tg_replay_candidate *candidate, uint16_t network);

/** @brief Site of the candidate. @param candidate Open. @param site Stored index.
 *  @return Index in its image; 0: in no site, also when it has none of that name. */
uint8_t tg_replay_candidate_site(const struct tg_replay_candidate *candidate, uint8_t site);

#endif
