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
 *  (2) Rows of the month before the first wanted instant (all before, where a catalog has anything
 *      that rolls over or never ends) are applied as they stand, so that a call
 *      that crosses midnight finds its mark.
 *  (3) A row that was corrected stands where its adjustments put it (adjust.h).
 *  (4) Nothing is written.
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

/** @brief One row priced again; everything borrowed until return. */
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
    uint8_t choice;                    /**< enum tg_replay_choice it was priced by. */
};

/** @brief A rated row of a wanted account, before it is replayed. */
struct tg_replay_seen {
    const struct tg_usage *usage;   /**< As journaled. */
    const struct tg_charge *stored; /**< As journaled. */
    const struct tg_charge *stands; /**< With its adjustments. */
    uint64_t epoch;                 /**< Place: epoch ... */
    uint32_t index;                 /**< ... and row of it, from 0. */
    uint32_t adjustments_count;     /**< Adjustments it has. */
};

/** @brief Chooses what becomes of a row; seen is borrowed. */
typedef enum tg_replay_choice (*tg_replay_choose)(void *context, const struct tg_replay_seen *seen);

/** @brief Sees each row that was priced, in journal order. @return TG_OK to go on. */
typedef enum tg_err (*tg_replay_visit)(void *context, const struct tg_replay_row *row);

/** @brief A catalog to price with instead, with its numbers translated. */
struct tg_replay_candidate;

/** @brief What to replay. */
struct tg_replay_params {
    uint32_t size_bytes;                         /**< sizeof(struct tg_replay_params). */
    bool wants_traces;                           /**< Fill trace. */
    uint8_t reserved[3];                         /**< 0. */
    const char *data_dir;                        /**< Holds journal/. */
    const struct tg_catalog_snapshot *catalog;   /**< As stored; outlives the replay. */
    const struct tg_replay_candidate *candidate; /**< NULL unless choose says CANDIDATE. */
    const struct tg_adjust_index *adjustments;   /**< Of the same journal; borrowed. */
    const uint8_t *accounts_wanted; /**< 1: wanted; shape [accounts_count]; NULL all. */
    int64_t from_ns;    /**< First event time that matters; replay begins with the month before. */
    int64_t to_ns;      /**< First that does not; replay ends with that month, since an event may be
                             journaled behind later ones that moved its counters. */
    uint64_t epoch_max; /**< Last epoch; 0: the last committed one. */
    tg_replay_choose choose;                              /**< Not NULL. */
    tg_replay_visit visit;                                /**< Not NULL. */
    void *context;                                        /**< For both. */
    void (*progress)(void *context, uint64_t rows_count); /**< A block; may be NULL. */
    void *progress_context;                               /**< For progress. */
};

/** @brief What a replay did. */
struct tg_replay_stats {
    uint64_t rows_scanned_count; /**< Rows read. */
    uint64_t rows_priced_count;  /**< Rows priced again. */
    uint64_t rows_applied_count; /**< Rows whose stored verdict was applied. */
    uint64_t priced_ns;          /**< Thread time in the rate stage. */
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

/** @brief Product of the candidate. @param candidate Open. @param product Stored index.
 *  @return Index in its image, or TG_PRODUCT_NONE. */
uint16_t tg_replay_candidate_product(const struct tg_replay_candidate *candidate, uint16_t product);

/** @brief Network of the candidate. @param candidate Open. @param network Stored index.
 *  @return Index in its image; 0 (home) only for 0; an unknown one gives UINT16_MAX. */
uint16_t tg_replay_candidate_network(const struct tg_replay_candidate *candidate, uint16_t network);

#endif
