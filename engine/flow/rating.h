/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The rate worker: dedup, price, account, journal; inline in the ingest lcore or behind a
 * ring.
 *
 *  Source: design.md section 5. Threads: one owner; with a ring, the ingest lcore is its producer.
 *  Allocates: in create only. Cost: `tollgate bench`, stages dedup, price and journal.
 */
#ifndef TG_FLOW_RATING_H
#define TG_FLOW_RATING_H

#include "base/error.h"
#include "flow/stages.h"
#include "record/batch.h"
#include "rt/lcore.h"
#include "rt/snapshot.h"

#include <stdbool.h>
#include <stdint.h>

struct tg_accounts;
struct tg_credit;
struct tg_credit_book;
struct tg_dedup;
struct tg_desk;
struct tg_journal;
struct tg_rate;
struct tg_ring;

/** @brief How to make one. */
struct tg_rating_params {
    uint32_t stream;                  /**< Journal stream: 0 inline, else 1.. . */
    uint32_t ring_rows_count;         /**< Ring size behind the ingest lcore; 0 inline. */
    uint64_t dedup_records_max;       /**< Records of one generation of the duplicate check. */
    struct tg_accounts *accounts;     /**< Shared lines, each written by its shard's owner. */
    struct tg_journal *journal;       /**< Open. */
    const struct tg_stop *stop;       /**< Own stop flag: workers stop after the ingest lcore. */
    const struct tg_snapshot *catalog; /**< struct tg_catalog_snapshot in force. */
    struct tg_credit_book *credit_book; /**< Prepaid balances, shared; NULL: none are kept. */
    struct tg_desk *desk;             /**< Prepaid requests; NULL: none come. */
    uint32_t reservations_max;        /**< Ids of prepaid requests remembered. */
    uint32_t index;                   /**< Which of the rate workers. */
    uint32_t ratings_count;           /**< How many there are. */
};

/** @brief Fates decided by one worker; only grows; relaxed readers. */
struct tg_rating_counts {
    uint64_t fate_rows[TG_FATE_COUNT]; /**< By enum tg_fate. */
};

/** @brief One rate worker; fields are for flow/ only. */
struct tg_rating {
    struct tg_rating_params params;   /**< As given. */
    struct tg_rate *rate;             /**< Pricing state. */
    struct tg_dedup *dedup;           /**< Duplicate check of its shards. */
    struct tg_ring *ring;             /**< NULL inline. */
    struct tg_block *block;           /**< Being filled; NULL when none is open (ring only). */
    uint64_t epoch;                   /**< Epoch being filled (ring only). */
    struct tg_batch *batch;           /**< Where ring elements are unpacked; NULL inline. */
    struct tg_credit *credit;         /**< Prepaid accounts of its shards; NULL: none are kept. */
    struct tg_batch *credit_batch;    /**< The usage row of a commit. */
    struct tg_rating_counts counts;   /**< Fates. */
    struct tg_stage_counts stages;    /**< Its stages' times. */
    bool has_failed;                  /**< The journal gave no builder: stop. */
};

/**
 * @brief Make a worker.
 * @param[in]  params  Copied.
 * @param[out] rating  Caller's; tg_rating_destroy.
 * @param[out] why     May be NULL.
 * @return TG_OK, TG_E_NO_MEMORY, TG_E_INVALID.
 */
enum tg_err tg_rating_create(const struct tg_rating_params *params, struct tg_rating **rating,
                             struct tg_why *why);

/** @brief Free. @param rating May be NULL. */
void tg_rating_destroy(struct tg_rating *rating);

/**
 * @brief Decide every row's fate: duplicates, then prices; account lines move.
 * @param[in,out] rating  Worker.
 * @param[in,out] batch   Afterwards no fate is TG_FATE_NONE.
 */
void tg_rating_decide(struct tg_rating *rating, struct tg_batch *batch);

/** @brief A journal block for its stream, of the epoch being filled; ring only. @param context
 *  struct tg_rating. @return Block, or NULL: the journal has failed. */
struct tg_block *tg_rating_block(void *context);

/** @brief Hand the block over as a part and go on; ring only. @param context struct tg_rating.
 *  @return Fresh block, or NULL. */
struct tg_block *tg_rating_block_next(void *context);

/** @brief First half of tg_rating_decide: duplicates and zero usage. @param rating Worker.
 *  @param batch Identified; verdicts are written. */
void tg_rating_dedup(struct tg_rating *rating, struct tg_batch *batch);

/** @brief Second half: prices; account lines move. @param rating Worker. @param batch Checked. */
void tg_rating_price(struct tg_rating *rating, struct tg_batch *batch);

/** @brief Body of a rate lcore: takes rows from its ring until stopped and drained.
 *  @param context struct tg_rating. @param stop Stop flag. */
void tg_rating_run(void *context, const struct tg_stop *stop);

/** @brief Was a journaled row accepted by the duplicate check, and so remembered?
 *  @param fate Its fate. @param reason Its reason. @return true if so: also when it was suspended
 *  for another reason than the check itself, or had no usage. */
static inline bool tg_rating_is_remembered(uint8_t fate, int16_t reason)
{
    return fate == TG_FATE_RATED ||
           (fate == TG_FATE_SUSPENDED && reason != TG_E_DUP_CONFLICT && reason != TG_E_TOO_OLD) ||
           (fate == TG_FATE_FILTERED && reason == TG_E_ZERO_USAGE);
}

/**
 * @brief Remember journaled rows for the duplicate check and the counts; tg_dedup_restore_begin was
 *        called. Accounts are another matter: tg_rate_apply.
 * @param[in,out] rating    Worker that owns the rows.
 * @param[in]     rows     As journaled; shape [count].
 * @param[in]     charges  As journaled; shape [count].
 * @param[in]     count     Any.
 */
void tg_rating_remember(struct tg_rating *rating, const struct tg_usage *rows,
                        const struct tg_charge *charges, uint32_t count);

/**
 * @brief The same for corrections that are posted while the engine runs.
 * @param[in,out] rating  Worker that owns the rows; no row of it is under way.
 * @param[in]     rows    Rated; shape [count].
 * @param[in]     count     Any.
 */
void tg_rating_learn(struct tg_rating *rating, const struct tg_usage *rows, uint32_t count);

#endif
