/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Walk block headers through all segments, checking the chain; read pieces of blocks.
 *
 *  Source: schemas/journal/README.md. Threads: one a reader. Allocates: never.
 *  Cost: one pread a block. Files are read, not mapped: a live writer may cut a segment shorter,
 * and a mapped page that goes away is a SIGBUS.
 */
#ifndef TG_LEDGER_READER_H
#define TG_LEDGER_READER_H

#include "base/error.h"
#include "ledger/format.h"
#include "ledger/read_ahead.h"

/** @brief A place in the journal. */
struct tg_reader {
    char dir[4000];           /**< <data>/journal. */
    uint64_t segment;         /**< Current; 0: nothing opened. */
    uint64_t offset_bytes;    /**< Of the next block. */
    uint64_t next_number;     /**< The next block's. */
    uint64_t previous_hash;   /**< That it must carry. */
    uint64_t committed_epoch; /**< Last epoch whose commit block was passed. */
    uint64_t durable_epoch;   /**< Greatest that a passed header vouches for. */
    int fd;                   /**< -1 none. */
    /** Where octets are looked for before the file; borrowed, NULL after open. */
    struct tg_read_ahead *read_ahead;
};

/** @brief A block found. */
struct tg_reader_block {
    struct tg_block_header header; /**< Checked. */
    uint64_t segment;              /**< Where. */
    uint64_t offset_bytes;         /**< Where. */
};

/** @brief Begin at the last segment that holds all of epoch_min and later; or at the first.
 *  @param[out] reader Caller's. @param data_dir Data directory. @param epoch_min Epoch.
 *  @param[out] why May be NULL. @return TG_OK (also when there is no journal), TG_E_INVALID,
 *  TG_E_IO, TG_E_CORRUPT (segments are missing), TG_E_FORMAT. */
enum tg_err tg_reader_open(struct tg_reader *reader, const char *data_dir, uint64_t epoch_min,
                           struct tg_why *why);

/** @brief Begin where another one is. @param[out] reader Caller's. @param other Open.
 *  @return TG_OK, TG_E_IO. */
enum tg_err tg_reader_copy(struct tg_reader *reader, const struct tg_reader *other);

/** @brief End. @param reader Opened, or with fd -1. */
void tg_reader_close(struct tg_reader *reader);

/**
 * @brief Pass the next block's header.
 * @param[in,out] reader  Open.
 * @param[out]    block   Written on TG_OK.
 * @param[out]    why     Filled on TG_E_CORRUPT, TG_E_CHAIN, TG_E_FORMAT, TG_E_IO.
 * @return TG_OK; TG_E_NOT_FOUND at the end; TG_E_CORRUPT, TG_E_CHAIN, TG_E_FORMAT for what does not
 *         check (ask tg_reader_is_torn); TG_E_IO. Nothing moves unless TG_OK.
 */
enum tg_err tg_reader_next(struct tg_reader *reader, struct tg_reader_block *block,
                           struct tg_why *why);

/** @brief Whether what does not check (or is zero) at the reader's place is a write that was never
 *  acknowledged: nothing behind it vouches for its epoch. @param reader Open. @return Answer. */
bool tg_reader_is_torn(const struct tg_reader *reader);

/** @brief Read a piece of a block. @param reader Open on that segment. @param block From next.
 *  @param offset_bytes In the block. @param[out] bytes Written. @param length_bytes How many.
 *  @return TG_OK, TG_E_CORRUPT (the file ends before), TG_E_IO. */
enum tg_err tg_reader_read(const struct tg_reader *reader, const struct tg_reader_block *block,
                           uint64_t offset_bytes, void *bytes, size_t length_bytes);

/** @brief Read a block that was just passed and check every octet of it. @param reader Open.
 *  @param block From the last next. @param[out] bytes Room of header.length_bytes; holds the block
 *  on TG_OK. @return TG_OK, TG_E_CORRUPT, TG_E_IO. */
enum tg_err tg_reader_check(const struct tg_reader *reader, const struct tg_reader_block *block,
                            uint8_t *bytes);

/** @brief Fill a reason with file and offset. @param reader Open. @param segment Where.
 *  @param offset_bytes Where. @param err Error. @param what Static text. @param[out] why May be
 * NULL.
 *  @return err. */
enum tg_err tg_reader_why(const struct tg_reader *reader, uint64_t segment, uint64_t offset_bytes,
                          enum tg_err err, const char *what, struct tg_why *why);

#endif
