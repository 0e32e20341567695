/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Segments read ahead of those who walk them, past the page cache.
 *
 *  Source: schemas/journal/README.md. Threads: one of its own, which ends in close; any number take
 *  from it. Allocates: TG_READ_AHEAD_BYTES in open. Cost: a copy of what is taken.
 *
 *  The journal is written past the page cache, so after a crash of the machine none of it is there.
 *  Read through it each GB costs a second of CPU time for the pages that it then lies in, most of
 * it where a host gives its guest memory page by page; read into the same few buffers again and
 * again it costs a tenth. A segment that most of is in the page cache already is left to the
 * walkers.
 *
 *  It only ever helps: whoever asks for what is not here reads the file, and meets its errors. But
 *  what was read stays as it was: not for a journal that somebody still writes.
 */
#ifndef TG_LEDGER_READ_AHEAD_H
#define TG_LEDGER_READ_AHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A read of the disk. */
#define TG_READ_AHEAD_CHUNK_BYTES ((size_t)2 << 20)
/** Chunks kept. */
#define TG_READ_AHEAD_CHUNKS 16u
/** Memory of all of them. */
#define TG_READ_AHEAD_BYTES (TG_READ_AHEAD_CHUNK_BYTES * TG_READ_AHEAD_CHUNKS)

struct tg_read_ahead;

/** @brief Begin to read. @param journal_dir Borrowed until return. @param segment First one.
 *  @param offset_bytes First octet of it that somebody will ask for.
 *  @return Give back with tg_read_ahead_close; NULL: no memory, or no thread. */
struct tg_read_ahead *tg_read_ahead_open(const char *journal_dir, uint64_t segment,
                                         uint64_t offset_bytes);

/** @brief End. @param ahead Opened and nobody takes from it, or NULL. */
void tg_read_ahead_close(struct tg_read_ahead *ahead);

/** @brief Copy octets of a segment; waits while they are being read. @param ahead Open, or NULL.
 *  @param segment Which. @param offset_bytes In it. @param[out] bytes Written, in part when false.
 *  @param length_bytes How many. @return false: not all of them are here, read the file. */
bool tg_read_ahead_take(struct tg_read_ahead *ahead, uint64_t segment, uint64_t offset_bytes,
                        void *bytes, size_t length_bytes);

/** @brief Nobody asks for anything before this place any more: its chunks are read into again.
 *  @param ahead Open, or NULL. @param segment Where. @param offset_bytes Where. */
void tg_read_ahead_pass(struct tg_read_ahead *ahead, uint64_t segment, uint64_t offset_bytes);

#endif
