/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Inside of a replay: shared by replay.c and replay_world.c.
 *
 *  Source: bill/replay.h. Threads: one. Allocates: tg_replay_world_open. Cost: none of its own.
 */
#ifndef TG_BILL_REPLAY_STATE_H
#define TG_BILL_REPLAY_STATE_H

#include "bill/replay.h"
#include "bill/replay_order.h"

#include <stdbool.h>
#include <stdint.h>

/** Not among the wanted ones. */
#define TG_REPLAY_NOT_WANTED UINT32_MAX

/** @brief Rows of a block that are looked at together. */
struct tg_replay_chunk {
    uint32_t count;                                    /**< Rows below. */
    bool is_kept;                                      /**< They lie in tg_replay.keep. */
    uint32_t indices[TG_BATCH_ROWS_MAX];               /**< Place in the epoch. */
    uint32_t members[TG_BATCH_ROWS_MAX];               /**< Line of the replay. */
    uint32_t adjustments[TG_BATCH_ROWS_MAX];           /**< How many each has. */
    const struct tg_usage *usage[TG_BATCH_ROWS_MAX];   /**< In the scan's block. */
    const struct tg_charge *stored[TG_BATCH_ROWS_MAX]; /**< Beside it. */
    const struct tg_charge *stands[TG_BATCH_ROWS_MAX]; /**< Beside it, or in corrected. */
    struct tg_charge corrected[TG_BATCH_ROWS_MAX];     /**< Of rows with adjustments only. */
    uint8_t reasons[TG_BATCH_ROWS_MAX];                /**< Of the last one; 0 none. */
    uint8_t choices[TG_BATCH_ROWS_MAX];                /**< enum tg_replay_choice. */
    struct tg_usage rows[TG_BATCH_ROWS_MAX];           /**< Where they cannot stay in place. */
    struct tg_charge priced[TG_BATCH_ROWS_MAX];        /**< New verdicts. */
    struct tg_rate_trace traces[TG_BATCH_ROWS_MAX];    /**< With wants_traces. */
};

/** @brief A replay. */
struct tg_replay {
    const struct tg_replay_params *params; /**< Borrowed. */
    struct tg_replay_stats *stats;         /**< Caller's. */
    struct tg_why *why;                    /**< Caller's. */
    uint32_t *compact; /**< Roster index -> line of the replay; shape [subscribers_count]. NULL:
                            all are wanted, the index itself. */
    uint32_t *members; /**< The way back; shape [members_count]; NULL with compact. */
    uint32_t members_count;               /**< Lines. */
    struct tg_roster *roster;             /**< Wanted members only. */
    struct tg_roster *candidate_roster;   /**< With the candidate's products; may be NULL. */
    struct tg_catalog_snapshot in_force;  /**< All stored versions. */
    struct tg_catalog_snapshot candidate; /**< The candidate alone. */
    struct tg_catalog_snapshot versions[TG_CATALOG_IMAGES_MAX]; /**< One version each. */
    struct tg_rate *rate;                                       /**< As chosen. */
    struct tg_rate *stands;        /**< As the rows stand; NULL: nobody asks. */
    struct tg_replay_chunk *chunk; /**< Scratch. */
    uint8_t *parted;        /**< 1: the account's shelves may differ in the two workers; shape
                                 [accounts_count + 1]. NULL with stands. */
    uint32_t *first_member; /**< Line of an account's first member plus 1; 0 none. */
    uint32_t *next_member;  /**< Line of the next one plus 1; shape [members_count + 1]. */
    int64_t begin_ns;       /**< First event time that is replayed. */
    int64_t end_ns;         /**< First that is not. */
    uint64_t epoch;         /**< Being walked. */
    uint32_t index;         /**< Rows of it that were passed. */
    bool moves_networks;    /**< The candidate numbers networks otherwise. */
    bool has_stood;         /**< The rows went through stands already. */
    uint8_t *kept;          /**< 1: the account's rows are kept; shape [accounts_count + 1]; NULL:
                                 no account's are. */
    uint8_t *outs;          /**< 1: rows of the account were backed out, or 2: are skipped now;
                                 shape [accounts_count + 1]. */
    struct tg_replay_keep keep; /**< Kept rows. */
};

/** @brief Rosters, snapshots, rate workers. @param replay params, stats and why are set.
 *  @return TG_OK, TG_E_NO_MEMORY. */
enum tg_err tg_replay_world_open(struct tg_replay *replay);

/** @brief Free. @param replay Opened or half-opened. */
void tg_replay_world_close(struct tg_replay *replay);

/** @brief From now on the account's rows go through both workers. @param replay With stands.
 *  @param account Below the roster's count; nothing happens the second time. */
void tg_replay_world_part(struct tg_replay *replay, uint32_t account);

/** @brief Give the shelves that differ to whoever asks. @param replay At its end.
 *  @return TG_OK, or what the callback gave. */
enum tg_err tg_replay_world_shelves(struct tg_replay *replay);

#endif
