/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The writing side of segments: append whole blocks, roll to the next file, sync.
 *
 *  Source: schemas/journal/README.md, Files. Threads: one. Allocates: never.
 *  Cost: one pwrite a block, one fdatasync an epoch, five system calls a segment.
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
    bool is_sparse;                /**< Do not preallocate. */
};

/** @brief Open for appending at a tail; makes the directory. @param[out] segment Caller's.
 *  @param params Checked. @param tail Where to go on. @param[out] why May be NULL.
 *  @return TG_OK, TG_E_INVALID, TG_E_IO, TG_E_NO_SPACE. */
enum tg_err tg_segment_open(struct tg_segment *segment, const struct tg_journal_params *params,
                            const struct tg_journal_tail *tail, struct tg_why *why);

/** @brief Append a block; rolls before it when it does not fit. @param segment Open. @param block
 *  Octets. @param header Its header. @param committed_epoch Last epoch committed before it.
 *  @param[out] why May be NULL. @return TG_OK, TG_E_IO, TG_E_NO_SPACE, TG_E_NOT_DURABLE. */
enum tg_err tg_segment_append(struct tg_segment *segment, const uint8_t *block,
                              const struct tg_block_header *header, uint64_t committed_epoch,
                              struct tg_why *why);

/** @brief Make all appended blocks durable. @param segment Open. @param[out] why May be NULL.
 *  @return TG_OK, TG_E_NOT_DURABLE. */
enum tg_err tg_segment_sync(struct tg_segment *segment, struct tg_why *why);

/** @brief Close. @param segment Open or zero with fd -1. @param is_clean Cut the preallocated rest
 *  off first. @return TG_OK, TG_E_IO, TG_E_NOT_DURABLE. */
enum tg_err tg_segment_close(struct tg_segment *segment, bool is_clean);

#endif
