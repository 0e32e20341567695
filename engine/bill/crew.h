/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Threads that make the bills of account ranges, handed over in order of the accounts.
 *
 *  Source: rating-semantics 4.14 (parallel calculation, serial issue), design.md law 5.
 *  Threads: `threads_count` workers and the caller, who alone sees the chunks. Allocates: in open;
 *  packs grow to what a chunk needs. Cost: two lock operations a chunk.
 *
 *  (1) Which worker makes a chunk changes nothing in it: it is a function of its accounts.
 *  (2) Chunks are handed over in order, whatever order they are finished in.
 *  (3) At most TG_BILL_CHUNKS_AHEAD chunks wait; workers stop until one is given back.
 *  With one thread there is no worker: the caller makes each chunk when it asks for it.
 */
#ifndef TG_BILL_CREW_H
#define TG_BILL_CREW_H

#include "base/error.h"
#include "bill/pack.h"

#include <stdint.h>

#define TG_BILL_THREADS_MAX    64u  /**< Workers; more is TG_E_INVALID. */
#define TG_BILL_CHUNK_ACCOUNTS 256u /**< Accounts of a chunk. */
#define TG_BILL_CHUNKS_AHEAD   16u  /**< Chunks made and not yet given back; 3 MiB each or so. */

/** @brief The bills of a range of accounts. */
struct tg_bill_chunk {
    struct tg_bill_pack pack; /**< Invoices and failures, in order of the accounts. */
    uint32_t account_from;    /**< First account. */
    uint32_t account_to;      /**< One past the last. */
    uint32_t empty_count;     /**< Accounts with nothing to bill. */
    int32_t err;              /**< TG_OK, or why the run cannot go on. */
    struct tg_why why;        /**< Why. */
};

/** @brief Make a chunk: pack is empty, account range set. @param context As given to open.
 *  @param worker 0..threads_count-1: whose scratch to use. @param chunk To fill. */
typedef void (*tg_bill_crew_work)(void *context, uint32_t worker, struct tg_bill_chunk *chunk);

struct tg_bill_crew;

/**
 * @brief Hire.
 * @param[in]  threads_count  1..TG_BILL_THREADS_MAX.
 * @param[in]  work           Called by the workers, several at a time.
 * @param[in]  context        For work.
 * @param[out] crew           Written on TG_OK; give back with tg_bill_crew_close.
 * @param[out] why            May be NULL.
 * @return TG_OK, TG_E_INVALID, TG_E_NO_MEMORY (also when a thread cannot be started).
 */
enum tg_err tg_bill_crew_open(uint32_t threads_count, tg_bill_crew_work work, void *context,
                              struct tg_bill_crew **crew, struct tg_why *why);

/** @brief End the workers, also in the middle of a range, and free. @param crew Crew or NULL. */
void tg_bill_crew_close(struct tg_bill_crew *crew);

/** @brief Begin a range; the one before has been handed over to its end. @param crew Crew.
 *  @param account_from First. @param account_to One past the last. */
void tg_bill_crew_begin(struct tg_bill_crew *crew, uint32_t account_from, uint32_t account_to);

/** @brief Next chunk of the range; the one before is given back. @param crew Crew.
 *  @return Borrowed until the next call on crew; NULL at the end. */
const struct tg_bill_chunk *tg_bill_crew_next(struct tg_bill_crew *crew);

#endif
