/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Checkpoint: dirty pages, positions and decoder states in one LMDB transaction.
 *
 *  Source: design.md 6; reference figures 48 ns an account with MDB_RESERVE on 256 KiB values.
 *  Threads: control thread; the pages must not change while it runs. Allocates: inside LMDB.
 *  Cost: the dirty pages' bytes, once copied and once synced.
 *
 *  Invariants: (1) everything in it belongs to one epoch; (2) it is stored whole or not at all;
 *  (3) every value carries a CRC32C that is checked when it is read back.
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
    struct tg_bytes bytes; /**< 1..TG_CHECKPOINT_PAGE_BYTES octets, borrowed until the next call. */
};

/** @brief What to store. */
struct tg_checkpoint {
    uint32_t size_bytes;      /**< sizeof of the caller's struct. */
    uint32_t positions_count; /**< How many; they replace all stored ones. */
    uint64_t epoch;           /**< The epoch that all of this belongs to; durable in the journal. */
    const struct tg_checkpoint_position *positions; /**< Shape [positions_count]. */
    const struct tg_checkpoint_blob *blobs;         /**< Shape [blobs_count]; replace by name. */
    uint32_t blobs_count;                           /**< How many. */
    uint32_t reserved;                              /**< 0. */
    /** Gives the next dirty page; false when there are no more. May be NULL. */
    bool (*next_page)(void *context, struct tg_checkpoint_page *page);
    void *context; /**< For next_page. */
};

/**
 * @brief Store a checkpoint in the state environment (store/documents.h tables).
 * @param[in]  db          From tg_state_open, writable.
 * @param[in]  checkpoint  Borrowed until return.
 * @param[out] why         Filled on failure; may be NULL.
 * @return TG_OK, TG_E_INVALID (a page or name too long), TG_E_NO_SPACE, TG_E_IO, TG_E_DATABASE;
 *         TG_E_STATE when the stored checkpoint is newer.
 */
enum tg_err tg_checkpoint_save(struct tg_db *db, const struct tg_checkpoint *checkpoint,
                               struct tg_why *why);

/** @brief What to call when a checkpoint is read; NULL members are skipped. Bytes are borrowed.
 *  Anything but TG_OK ends reading with it. */
struct tg_checkpoint_calls {
    void *context; /**< Passed to every function. */
    /** A page, in number order. */
    enum tg_err (*page)(void *context, uint64_t number, struct tg_bytes bytes);
    /** An input position. */
    enum tg_err (*position)(void *context, const struct tg_checkpoint_position *position);
    /** A blob. */
    enum tg_err (*blob)(void *context, const char *name, struct tg_bytes bytes);
};

/**
 * @brief Read the checkpoint back.
 * @param[in]  db     From tg_state_open.
 * @param[in]  calls  Borrowed until return; NULL: only the epoch.
 * @param[out] epoch  Epoch to recover from; 0 when there is no checkpoint.
 * @param[out] why    Filled on failure; may be NULL.
 * @return TG_OK, TG_E_CORRUPT (a CRC32C does not match; rebuild from the journal), TG_E_DATABASE,
 * or what a callback gave.
 */
enum tg_err tg_checkpoint_load(struct tg_db *db, const struct tg_checkpoint_calls *calls,
                               uint64_t *epoch, struct tg_why *why);

#endif
