/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Checkpoint: pages, positions and decoder states, stored while rows flow.
 *
 *  Source: design.md 6; reference figures 48 ns an account with MDB_RESERVE on 256 KiB values.
 *  Threads: one thread writes a checkpoint. Allocates: a list of pages, and inside LMDB.
 *  Cost: the pages' bytes, once copied and once synced; at most 16 pages of memory at a time.
 *
 *  A page has two places. A checkpoint writes each page to the place that the stored checkpoint
 * does not name, in short transactions, so that other writers of the environment wait for one of
 * them only and memory does not grow with the number of pages; the last transaction names the new
 *  places, positions, blobs and epochs at once:
 *
 *      begin --> put, put, ... (place A or B, 16 pages a transaction) --> end: list of places,
 * epoch
 *
 *  Invariants: (1) a crash at any moment leaves the stored checkpoint or the new one whole; (2) a
 *  page holds all of the epochs up to its own and nothing after them; positions and blobs belong to
 *  the checkpoint's epoch, which is no later than any page's that was written with it; (3) every
 *  value carries a CRC32C that is checked when it is read back, and the list has each page's.
 */
#ifndef TG_LEDGER_CHECKPOINT_H
#define TG_LEDGER_CHECKPOINT_H

#include "ledger/block.h"
#include "store/lmdb.h"

#include <stdint.h>

struct tg_why;

#define TG_CHECKPOINT_PAGE_BYTES 262144u /**< Largest page. */
#define TG_CHECKPOINT_NAME_MAX   63u     /**< Longest blob name. */

/** @brief Bytes to store under a name or number. */
struct tg_checkpoint_blob {
    char name[TG_CHECKPOINT_NAME_MAX + 1]; /**< NUL-terminated; e.g. "decoder/ipfix". */
    struct tg_bytes bytes;                 /**< Borrowed until tg_checkpoint_save returns. */
};

/** @brief Where an input is read on; the checkpoint's form of a source's position. */
struct tg_checkpoint_position {
    uint64_t port_hash;    /**< tg_key_name of the port's name. */
    uint64_t file_key;     /**< File identity; 0 for sockets. */
    uint64_t offset_bytes; /**< First byte not yet taken in. */
};
_Static_assert(sizeof(struct tg_checkpoint_position) == 24, "stored as it is");

/** @brief One page. */
struct tg_checkpoint_page {
    uint64_t number;       /**< Page number; chosen by its owner. */
    uint64_t epoch;        /**< Last epoch that is in it. */
    struct tg_bytes bytes; /**< 1..TG_CHECKPOINT_PAGE_BYTES octets, borrowed until the call ends. */
};

/** @brief What a checkpoint is, but for its pages. */
struct tg_checkpoint {
    uint32_t size_bytes;      /**< sizeof of the caller's struct. */
    uint32_t positions_count; /**< How many; they replace all stored ones. */
    uint64_t epoch;      /**< Positions and blobs belong to it: the journal is replayed from the
                              next one on. */
    uint64_t epoch_last; /**< Latest epoch of a page, at least epoch; durable in the journal. */
    const struct tg_checkpoint_position *positions; /**< Shape [positions_count]. */
    const struct tg_checkpoint_blob *blobs;         /**< Shape [blobs_count]; replace all stored. */
    uint32_t blobs_count;                           /**< How many. */
    uint32_t reserved;                              /**< 0. */
};

struct tg_checkpoint_writer;

/**
 * @brief Begin a checkpoint in the state environment (store/documents.h tables).
 * @param[in]  db      From tg_state_open, writable.
 * @param[out] writer  Caller's; tg_checkpoint_end or tg_checkpoint_abandon frees it.
 * @param[out] why     Filled on failure; may be NULL.
 * @return TG_OK, TG_E_NO_MEMORY, TG_E_CORRUPT, TG_E_DATABASE.
 */
enum tg_err tg_checkpoint_begin(struct tg_db *db, struct tg_checkpoint_writer **writer,
                                struct tg_why *why);

/**
 * @brief Write one page; a page that is not written stays as the stored checkpoint has it.
 * @param[in,out] writer  Begun.
 * @param[in]     page    Borrowed until return; each number at most once.
 * @param[out]    why     Filled on failure; may be NULL.
 * @return TG_OK, TG_E_INVALID (a page too long), TG_E_NO_MEMORY, TG_E_NO_SPACE, TG_E_IO,
 *         TG_E_DATABASE. After a failure only tg_checkpoint_abandon.
 */
enum tg_err tg_checkpoint_put(struct tg_checkpoint_writer *writer,
                              const struct tg_checkpoint_page *page, struct tg_why *why);

/**
 * @brief Make it the stored checkpoint, and free the writer whatever comes back.
 * @param[in]  writer      Begun.
 * @param[in]  checkpoint  Borrowed until return; its epoch_last is durable in the journal.
 * @param[out] why         Filled on failure; may be NULL.
 * @return TG_OK, TG_E_INVALID (no epoch, a name too long), TG_E_NO_MEMORY, TG_E_NO_SPACE, TG_E_IO,
 *         TG_E_DATABASE; TG_E_STATE when the stored checkpoint is of a later epoch.
 */
enum tg_err tg_checkpoint_end(struct tg_checkpoint_writer *writer,
                              const struct tg_checkpoint *checkpoint, struct tg_why *why);

/** @brief Give up: the stored checkpoint stays, and the writer is freed. @param writer May be NULL.
 */
void tg_checkpoint_abandon(struct tg_checkpoint_writer *writer);

/** @brief What to call when a checkpoint is read; NULL members are skipped. Bytes are borrowed.
 *  Anything but TG_OK ends reading with it. */
struct tg_checkpoint_calls {
    void *context; /**< Passed to every function. */
    /** A page, in number order. */
    enum tg_err (*page)(void *context, const struct tg_checkpoint_page *page);
    /** An input position. */
    enum tg_err (*position)(void *context, const struct tg_checkpoint_position *position);
    /** A blob. */
    enum tg_err (*blob)(void *context, const char *name, struct tg_bytes bytes);
};

/** @brief Epochs of a stored checkpoint. */
struct tg_checkpoint_epochs {
    uint64_t epoch;      /**< Epoch to recover from; 0 when there is no checkpoint. */
    uint64_t epoch_last; /**< Latest that some page holds: the journal must reach it. */
};

/**
 * @brief Read the checkpoint back. One in the form of before places were listed counts as none: the
 *        journal has all of it.
 * @param[in]  db      From tg_state_open.
 * @param[in]  calls   Borrowed until return; NULL: only the epochs.
 * @param[out] epochs  Written on TG_OK.
 * @param[out] why     Filled on failure; may be NULL.
 * @return TG_OK, TG_E_CORRUPT (a CRC32C does not match; rebuild from the journal), TG_E_DATABASE,
 * or what a callback gave.
 */
enum tg_err tg_checkpoint_load(struct tg_db *db, const struct tg_checkpoint_calls *calls,
                               struct tg_checkpoint_epochs *epochs, struct tg_why *why);

#endif
