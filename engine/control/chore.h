/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief A chore: long work of the control plane, on a thread of its own that gives way to rows.
 *
 *  Source: design.md 5. Threads: start, ended and wait belong to one thread; the work has its own.
 *  Allocates: a thread. Cost: none to rows where a core is free; else what TG_CHORE_NICE leaves.
 *
 *  The control thread answers prepaid requests and watches the engine; an import of 500,000 prices
 *  is a second of work. So it is done here, and the control thread publishes what came of it.
 *  Niceness: with ingest and the journal's writer on the same two cores an import at their own
 *  niceness takes half of one from them; 5 leaves it a quarter, as a checkpoint has. With 10 rows
 *  are as quick (p90 30 us instead of 60, p99.9 the same), and a busy machine starves the import.
 */
#ifndef TG_CONTROL_CHORE_H
#define TG_CONTROL_CHORE_H

#include "base/error.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/** How much nicer than its starter a chore's thread is. */
#define TG_CHORE_NICE 5

/** @brief One chore at a time; zeroed means none. */
struct tg_chore {
    void (*run)(void *context);  /**< The work. */
    void (*done)(void *context); /**< Called by its thread at the end, or NULL. */
    void *context;               /**< For both. */
    bool is_urgent;              /**< Somebody is held up until it is done: not nicer. */
    pthread_t thread;            /**< While is_started. */
    bool is_started;             /**< The starter's own: the thread is to be joined. */
    uint32_t is_over;            /**< Release by the thread, acquire by the starter. */
};

/**
 * @brief Start the work.
 * @param[in,out] chore    Zeroed, or ended. Moves no more until then.
 * @param[in]     run      The work.
 * @param[in]     done     Wakes the starter, say; NULL none.
 * @param[in]     context  For both; lives until the chore has ended.
 * @param[in]     is_urgent  Rows wait for it: it runs at its starter's niceness.
 * @param[out]    why      May be NULL.
 * @return TG_OK; TG_E_AGAIN one is at work; TG_E_NO_MEMORY no thread.
 */
enum tg_err tg_chore_start(struct tg_chore *chore, void (*run)(void *context),
                           void (*done)(void *context), void *context, bool is_urgent,
                           struct tg_why *why);

/** @brief Has it come to its end? Told once, then another may start. @param chore Any.
 *  @return true if so: what the work wrote is seen. */
bool tg_chore_ended(struct tg_chore *chore);

/** @brief Wait for its end. @param chore Any. @return true: there was one, it has ended now. */
bool tg_chore_wait(struct tg_chore *chore);

#endif
