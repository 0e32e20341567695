/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Memory for the data path: taken at start, zeroed, in huge pages when there are any.
 *
 *  Source: design law 7. Threads: init is single-threaded; blocks belong to whoever took them.
 *  Allocates: mmap in tg_pages_take and tg_pages_reserve only. Cost: page faults; an engine pays
 *  them at its start, and all others for the pages that they write.
 */
#ifndef TG_BASE_ARENA_H
#define TG_BASE_ARENA_H

#include <stddef.h>

/**
 * @brief From now on tg_pages_take touches what it takes, large pieces on two threads: for a
 *        process whose data path must not meet a page fault. One that runs once and ends, for a
 *        single quote maybe, would have more pages cleared than it ever writes.
 */
void tg_pages_prefault(void);

/**
 * @brief Take zeroed memory, 2 MiB aligned when larger than that, advised for huge pages.
 * @param size_bytes  At least 1.
 * @return Memory, or NULL when there is none. Give back with tg_pages_free.
 */
void *tg_pages_take(size_t size_bytes);

/**
 * @brief Take zeroed memory that costs nothing until it is written, a small page at a time.
 *
 * For what the row path never touches, and for configurations that do not preallocate.
 * @param size_bytes  At least 1.
 * @return Memory, page aligned, or NULL when there is none. Give back with tg_pages_free.
 */
void *tg_pages_reserve(size_t size_bytes);

/** @brief Give back. @param memory From tg_pages_take, tg_pages_reserve, or NULL.
 *  @param size_bytes As taken. */
void tg_pages_free(void *memory, size_t size_bytes);

/**
 * @brief Ask for huge pages in memory that another allocator gave; a wish that may fail.
 * @param memory      Any.
 * @param size_bytes  Its length; what is smaller than two huge pages is left alone.
 */
void tg_pages_advise(void *memory, size_t size_bytes);

#endif
