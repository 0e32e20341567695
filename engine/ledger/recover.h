/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Recovery: check the chain, cut a torn tail off, replay what the checkpoint has not seen.
 *
 *  Source: design.md 6; law 5 (replay). Threads: control thread, before anything writes; blocks are
 *  decoded ahead by others (ledger/lanes.h), callbacks but `make` come in journal order on this
 * one. Allocates: as a scan. Cost: decompressing everything after the checkpoint.
 *
 *  Torn or rotten? A block says which epoch was durable when it was written. Bytes that do not
 * check are a torn tail (and are cut off) when nothing behind them proves that their epoch was
 * durable; otherwise they are corruption, and recovery stops rather than lose acknowledged rows.
 */
#ifndef TG_LEDGER_RECOVER_H
#define TG_LEDGER_RECOVER_H

#include "ledger/journal.h"
#include "ledger/scan.h"

#include <stdint.h>

/** @brief What to call; NULL members are skipped. Anything but TG_OK ends recovery with it. */
struct tg_recover_calls {
    void *context;        /**< Passed to every function. */
    uint32_t lanes_count; /**< Threads that decode ahead (ledger/lanes.h); 0: one a CPU. */
    uint64_t columns;     /**< TG_COLUMN_BIT of columns that the views have. */
    /** Where rows are decoded, ahead of the others: tg_lanes_work.make. */
    void (*make)(void *context, const struct tg_scan_view *view, uint32_t from, uint32_t count);
    /** Before the sections of a block. */
    enum tg_err (*block)(void *context, const struct tg_scan_view *view);
    /** Rows of a block, one or more: the columns of the view, or whole by tg_scan_structs. */
    enum tg_err (*rows)(void *context, const struct tg_scan_view *view, struct tg_why *why);
    /** Observations and the text they point into. */
    enum tg_err (*observations)(void *context, const struct tg_observation *observations,
                                uint32_t count, const uint8_t *text, uint32_t text_bytes);
    /** Session events. */
    enum tg_err (*sessions)(void *context, const struct tg_session *sessions, uint32_t count);
    /** An input to decode again with TG_INPUT_REPLAY. */
    enum tg_err (*input)(void *context, const char *decoder, const struct tg_input *input);
    /** A refusal. */
    enum tg_err (*refusal)(void *context, const struct tg_journal_refusal *refusal);
    /** Settled keys. */
    enum tg_err (*releases)(void *context, const uint64_t *keys, uint32_t count);
    /** A source's counts and position. */
    enum tg_err (*source)(void *context, const struct tg_journal_source *source);
    /** A note. */
    enum tg_err (*note)(void *context, const char *key, const uint8_t *bytes,
                        uint32_t length_bytes);
    /** After the last block of an epoch. */
    enum tg_err (*commit)(void *context, uint64_t epoch);
};

/** @brief What recovery found. */
struct tg_recovered {
    struct tg_journal_tail tail; /**< Give to tg_journal_open. */
    uint64_t epochs_count;       /**< Epochs replayed. */
    uint64_t blocks_count;       /**< Blocks replayed. */
    uint64_t rows_count;         /**< Rows replayed. */
    uint64_t torn_bytes;         /**< Bytes cut off that were not zero padding of preallocation. */
    uint64_t torn_blocks_count;  /**< Whole blocks among them: an epoch without its commit. */
};

/**
 * @brief Recover the journal of a data directory.
 *
 * @param[in]  data_dir    Data directory; its journal may be absent.
 * @param[in]  from_epoch  Epochs up to this one are in the checkpoint: they are not replayed, and
 *                         they must be there. 0: replay everything.
 * @param[in]  ops         For cutting the tail; NULL: the real ones.
 * @param[in]  calls       Borrowed until return; NULL: only check and cut.
 * @param[out] recovered   Written on TG_OK.
 * @param[out] why         Filled on failure with file and offset; may be NULL.
 * @return TG_OK, TG_E_CORRUPT, TG_E_CHAIN, TG_E_FORMAT, TG_E_IO, TG_E_NO_MEMORY, or what a callback
 *         gave.
 */
enum tg_err tg_recover(const char *data_dir, uint64_t from_epoch, const struct tg_file_ops *ops,
                       const struct tg_recover_calls *calls, struct tg_recovered *recovered,
                       struct tg_why *why);

#endif
