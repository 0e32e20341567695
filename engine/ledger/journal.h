/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The journal: one stream of checksummed column blocks, made durable epoch by epoch.
 *
 *  Source: design.md 2 (law 2, acknowledged means durable) and 6; layout schemas/journal/README.md.
 *  Threads: tg_journal_begin and tg_journal_submit of one stream by one thread; streams run at the
 *  same time; one writer thread inside; tg_journal_durable_epoch, _wait, _error by any thread.
 *  Allocates: in tg_journal_open. Cost: see the commit bodies and bench/.
 *
 *  An epoch is zero or more worker blocks (streams 1..) and then one commit block (stream 0). The
 *  writer writes them in that order and fdatasyncs once. Contract of the callers:
 *  (1) epochs follow each other without a gap, from tg_journal_next_epoch() on;
 *  (2) a stream submits its blocks in epoch order;
 *  (3) stream 0 submits the commit block of epoch E after every worker has submitted all its blocks
 *      of E (the caller's own barrier gives the ordering), and exactly one commit block an epoch
 *      (earlier full ones of stream 0 go in by tg_journal_submit_part).
 *  After the first failed write or sync nothing is acknowledged any more, ever: the kernel may have
 *  dropped the pages, and a second fdatasync would lie. The process must end and recover.
 */
#ifndef TG_LEDGER_JOURNAL_H
#define TG_LEDGER_JOURNAL_H

#include "ledger/block.h"
#include "store/file.h"

#include <stdbool.h>
#include <stdint.h>

struct tg_why;
struct tg_journal;

#define TG_JOURNAL_STREAMS_MAX 9u /**< Stream 0 and TG_WORKERS_MAX workers. */
#define TG_JOURNAL_BLOCKS_PER_STREAM                                                               \
    3u /**< Builders of a stream; begin waits when all are away.                                   \
        */
#define TG_JOURNAL_SEGMENT_BYTES (UINT64_C(64) << 20) /**< Default segment size. */

/** @brief Where the journal ends: what recovery found, and where writing goes on. */
struct tg_journal_tail {
    uint64_t epoch;         /**< Last committed epoch; 0 none. */
    uint64_t block_number;  /**< Last block's number; 0 none. */
    uint64_t previous_hash; /**< Chain value that the next block must carry. */
    uint64_t segment;       /**< Segment that is written on; 0: none exists. */
    uint64_t offset_bytes;  /**< Where in it the next block goes. */
};

/** @brief How to open. Zero means the default everywhere but where noted. */
struct tg_journal_params {
    uint32_t size_bytes;                /**< sizeof of the caller's struct. */
    uint32_t streams_count;             /**< 1..TG_JOURNAL_STREAMS_MAX; 1: only stream 0. */
    const char *dir;                    /**< Data directory; the journal is in <dir>/journal. */
    const struct tg_file_ops *ops;      /**< NULL: the real ones; lives as long as the journal. */
    const struct tg_journal_tail *tail; /**< From tg_recover; NULL: open looks for it itself. */
    uint64_t segment_bytes;             /**< Default TG_JOURNAL_SEGMENT_BYTES; at least 4096. */
    uint32_t rows_per_block_max; /**< Default and most TG_BLOCK_ROWS_MAX; rounded up to 32. */
    int32_t zstd_level;          /**< -5..3 without 0; 0: -1. */
    bool is_sparse;              /**< Preallocate neither segments nor buffers. */
    bool is_lazy;   /**< Buffers come as they fill, though segments are preallocated. */
    bool is_inline; /**< No writer thread: submit writes and syncs itself. */
};

/** @brief Running counts; read at any time, each by itself. */
struct tg_journal_counters {
    uint64_t rows_count;   /**< Rows written. */
    uint64_t blocks_count; /**< Blocks written. */
    uint64_t epochs_count; /**< Epochs made durable. */
    uint64_t plain_bytes;  /**< Before compression. */
    uint64_t stored_bytes; /**< Written. */
    uint64_t syncs_count;  /**< fdatasync calls. */
    uint64_t sync_ns;      /**< Time in them. */
    uint64_t encode_ns;    /**< Thread time compressing and checksumming. */
    uint64_t waits_count;  /**< Times begin had to wait: back-pressure. */
};

/**
 * @brief Open for writing at the journal's end, and start the writer.
 *
 * Without params->tail it runs tg_recover without callbacks first, which cuts a torn tail off.
 *
 * @param[in]  params   Borrowed until return, but for ops.
 * @param[out] journal  Written on TG_OK; give back with tg_journal_close.
 * @param[out] why      Filled on failure; may be NULL.
 * @return TG_OK, TG_E_INVALID, TG_E_NO_MEMORY, TG_E_IO, TG_E_NO_SPACE, TG_E_CORRUPT, TG_E_CHAIN,
 *         TG_E_FORMAT.
 */
enum tg_err tg_journal_open(const struct tg_journal_params *params, struct tg_journal **journal,
                            struct tg_why *why);

/**
 * @brief Get an empty builder; waits while all of the stream's are on their way to the disk.
 * @param journal  Open.
 * @param stream   0..streams_count-1; its own thread only.
 * @return A builder that must be submitted or given back by tg_journal_discard; NULL once the
 *         journal has failed.
 */
struct tg_block *tg_journal_begin(struct tg_journal *journal, uint32_t stream);

/** @brief As tg_journal_begin but never waits. @param journal Open. @param stream As above.
 *  @return A builder, or NULL when none is free now or the journal has failed. */
struct tg_block *tg_journal_try_begin(struct tg_journal *journal, uint32_t stream);

/** @brief Is the disk behind: does a stream have no free builder just now? Who ends an epoch then
 *         soon waits in tg_journal_begin; who goes on filling the open block loses nothing, as
 *         nothing becomes durable sooner. @param journal Open. @return true if so; of streams of
 *         other threads as it was a moment ago. */
bool tg_journal_is_behind(const struct tg_journal *journal);

/** @brief Give a builder back unused. @param journal Open. @param block From begin. */
void tg_journal_discard(struct tg_journal *journal, struct tg_block *block);

/**
 * @brief Hand a block over. From a worker stream: one of the epoch's blocks. From stream 0: the
 *        commit block that ends the epoch. The builder is the journal's from here on.
 * @param journal  Open.
 * @param block    From tg_journal_begin.
 * @param epoch    See the contract above.
 */
void tg_journal_submit(struct tg_journal *journal, struct tg_block *block, uint64_t epoch);

/** @brief Hand over a full block of stream 0 that does not end its epoch. @param journal Open.
 *  @param block From tg_journal_begin(journal, 0). @param epoch The epoch it belongs to. */
void tg_journal_submit_part(struct tg_journal *journal, struct tg_block *block, uint64_t epoch);

/** @brief Last epoch that is on stable storage. @param journal Open. @return Epoch; 0 none. */
uint64_t tg_journal_durable_epoch(const struct tg_journal *journal);

/** @brief First epoch to submit. @param journal Just opened. @return At least 1. */
uint64_t tg_journal_next_epoch(const struct tg_journal *journal);

/** @brief Wait until an epoch is durable. @param journal Open. @param epoch Submitted.
 *  @return TG_OK, or the journal's error when it will never be. */
enum tg_err tg_journal_wait(struct tg_journal *journal, uint64_t epoch);

/** @brief Why nothing is acknowledged any more. @param journal Open. @param[out] why Filled when
 * not TG_OK; may be NULL. @return TG_OK, TG_E_IO, TG_E_NO_SPACE, TG_E_NOT_DURABLE (a sync failed),
 *  TG_E_STATE (the epoch contract was broken). */
enum tg_err tg_journal_error(const struct tg_journal *journal, struct tg_why *why);

/** @brief Read the counts. @param journal Open. @param[out] counters Written. */
void tg_journal_counters(const struct tg_journal *journal, struct tg_journal_counters *counters);

/**
 * @brief Write what was submitted, make it durable, stop the writer, free everything.
 * @param journal  Opened, or NULL. No thread may use it any more.
 * @return TG_OK, or the journal's error: what was not acknowledged may be lost.
 */
enum tg_err tg_journal_close(struct tg_journal *journal);

#endif
