/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Writes checkpoints while rows flow: asks the ingest lcore for a cut, stores its pages.
 *
 *  Source: flow/cut.h, ledger/checkpoint.h. Threads: one asks (the control thread); a checkpoint
 * has a thread of its own from start to end, at a lower priority than the lcores; the status is
 * read by anyone. Allocates: decoder states and lists. Cost: some 100 ns of that thread for each
 * account of a dirty page, checksum, LMDB and kernel together; the lcores' part is in flow/cut.h.
 *
 *      ask --> cut at epoch E --> pages in, pages stored --> wait until the last page's epoch is
 *      durable --> one transaction names them: from now on recovery begins behind E
 *
 *  When anything fails the stored checkpoint stays, the pages count as dirty again, and the next
 * one takes them.
 */
#ifndef TG_FLOW_CHECKPOINTER_H
#define TG_FLOW_CHECKPOINTER_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct tg_cut;
struct tg_db;
struct tg_journal;
struct tg_positions;

/** @brief What it works with; borrowed, outlives it. */
struct tg_checkpointer_params {
    struct tg_cut *cut;         /**< The ingest lcore serves it. */
    struct tg_db *state;        /**< From tg_state_open, writable. */
    struct tg_journal *journal; /**< Open. */
    const char *data_dir;       /**< Of that journal. */
    bool is_positioned;         /**< Some port has positions: they are read from the journal. */
};

/** @brief What checkpoints cost, each figure by itself; all but the counts are of the last one. */
struct tg_checkpointer_status {
    uint64_t done_count;   /**< Stored since the start. */
    uint64_t failed_count; /**< Given up since the start. */
    uint64_t epoch;        /**< Recovery begins behind it; 0: none is stored. */
    uint64_t pages_count;  /**< Pages stored. */
    uint64_t octets;       /**< Of these pages. */
    uint64_t kept_count;   /**< Shelves put aside. */
    uint64_t duration_ns;  /**< From asked to stored. */
    uint64_t pause_ns_max; /**< Longest time that rows waited for a piece of it. */
    uint64_t pause_ns_sum; /**< All of these. */
    uint64_t finished_ns;  /**< Monotonic; 0: none since the start. */
};

struct tg_checkpointer;

/** @brief Make. @param params Copied. @param positions What recovery knew; taken over, left empty.
 *  @param epoch Of the stored checkpoint. @param[out] checkpointer Caller's. @param[out] why May be
 *  NULL. @return TG_OK or TG_E_NO_MEMORY. */
enum tg_err tg_checkpointer_create(const struct tg_checkpointer_params *params,
                                   struct tg_positions *positions, uint64_t epoch,
                                   struct tg_checkpointer **checkpointer, struct tg_why *why);

/** @brief Free. @param checkpointer May be NULL; none is running. */
void tg_checkpointer_destroy(struct tg_checkpointer *checkpointer);

/** @brief Begin one beside the running lcores. @param checkpointer Made. @param[out] why May be
 * NULL.
 *  @return TG_OK; TG_E_AGAIN one is running; TG_E_NO_MEMORY. */
enum tg_err tg_checkpointer_start(struct tg_checkpointer *checkpointer, struct tg_why *why);

/** @brief Is one running? @param checkpointer Made. @return true until it has ended. */
bool tg_checkpointer_is_running(const struct tg_checkpointer *checkpointer);

/**
 * @brief The outcome of a checkpoint that has ended, told once.
 * @param[in,out] checkpointer  Made.
 * @param[out]    err           TG_OK, or why it was given up.
 * @param[out]    why           Sentence; may be NULL.
 * @return false: none has ended since the last call.
 */
bool tg_checkpointer_ended(struct tg_checkpointer *checkpointer, enum tg_err *err,
                           struct tg_why *why);

/** @brief Give up a running one; the lcores have stopped. @param checkpointer Made. */
void tg_checkpointer_cancel(struct tg_checkpointer *checkpointer);

/**
 * @brief Write one in this thread; no lcore runs, everything journaled is durable.
 * @param checkpointer  Made, none running.
 * @param[out] why      May be NULL.
 * @return TG_OK, also when there is no epoch yet; or why it was given up.
 */
enum tg_err tg_checkpointer_run(struct tg_checkpointer *checkpointer, struct tg_why *why);

/** @brief Read the figures. @param checkpointer Made; any thread. @param[out] status Written. */
void tg_checkpointer_status(const struct tg_checkpointer *checkpointer,
                            struct tg_checkpointer_status *status);

#endif
