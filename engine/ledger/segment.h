/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The writing side of segments: append whole blocks, roll to the next file, sync.
 *
 *  Source: schemas/journal/README.md, Files. Threads: one. Allocates: open.
 *  Cost: one pwrite a block, one fdatasync an epoch, five system calls a segment.
 *
 *  Written past the page cache (O_DIRECT) where the file system can: copying into it cost 0.9 to
 *  1.4 ns of CPU an octet, a direct write of a megabyte 0.06. Such a write is of whole pages: the
 *  last page of the file is kept in memory, and written again with what follows in it.
 */
#ifndef TG_LEDGER_SEGMENT_H
#define TG_LEDGER_SEGMENT_H

#include "ledger/format.h"
#include "ledger/journal.h"

/** @brief Where the next block goes. */
struct tg_segment {
    const struct tg_file_ops *ops; /**< Borrowed. */
    char dir[4000];                /**< The journal's directory. */
    uint64_t segment_bytes;        /**< Usual size. */
    uint64_t number;               /**< Current segment; 0 none. */
    uint64_t offset_bytes;         /**< Next block goes here. */
    int fd;                        /**< -1 none. */
    bool is_sparse;                /**< Do not preallocate the file. */
    bool is_direct;                /**< Past the page cache. */
    uint8_t *pages;                /**< What lies in the file from the page of offset_bytes on. */
    size_t pages_bytes;            /**< Its size. */
};

/** @brief Open for appending at a tail; makes the directory. @param[out] segment Caller's.
 *  @param params Checked. @param tail Where to go on. @param block_bytes_max Largest block.
 *  @param[out] why May be NULL. @return TG_OK, TG_E_INVALID, TG_E_NO_MEMORY, TG_E_IO,
 *  TG_E_NO_SPACE. */
enum tg_err tg_segment_open(struct tg_segment *segment, const struct tg_journal_params *params,
                            const struct tg_journal_tail *tail, size_t block_bytes_max,
                            struct tg_why *why);

/** @brief Where the next block is made. @param segment Open. @return Room of block_bytes_max
 * octets, 64-aligned; the segment's. */
uint8_t *tg_segment_room(const struct tg_segment *segment);

/** @brief Append the block that was made in tg_segment_room; rolls before it when it does not fit.
 *  @param segment Open. @param header Its header. @param committed_epoch Last epoch committed
 *  before it. @param[out] why May be NULL.
 *  @return TG_OK, TG_E_IO, TG_E_NO_SPACE, TG_E_NOT_DURABLE. */
enum tg_err tg_segment_append(struct tg_segment *segment, const struct tg_block_header *header,
                              uint64_t committed_epoch, struct tg_why *why);

/** @brief Make all appended blocks durable. @param segment Open. @param[out] why May be NULL.
 *  @return TG_OK, TG_E_NOT_DURABLE. */
enum tg_err tg_segment_sync(struct tg_segment *segment, struct tg_why *why);

/** @brief Close. @param segment Open or zero with fd -1. @param is_clean Cut the preallocated rest
 *  off first. @return TG_OK, TG_E_IO, TG_E_NOT_DURABLE. */
enum tg_err tg_segment_close(struct tg_segment *segment, bool is_clean);

#endif
