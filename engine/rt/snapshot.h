/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Immutable objects published to readers by one pointer store, freed after a grace period.
 *
 *  Source: liburcu 0.13 QSBR flavour (quiescent states announced by the readers).
 *  Threads: publish, retire and reclaim belong to the control thread; read belongs to registered
 *  reader threads. May run together: any reads with any publish. Must not: two publishes.
 *  Allocates: never (the retire queue is a fixed array).
 *  Cost: read is one plain load; quiescent about 1 ns a batch; reclaim waits for the slowest
 * reader.
 *
 *  A reader's contract: register; then per batch read, use, tg_snapshot_quiescent. What was read is
 *  valid until the reader's next quiescent, offline or unregister. A reader that may block (sleeps,
 *  waits for a full ring's consumer) goes offline first, or the control thread waits with it.
 */
#ifndef TG_RT_SNAPSHOT_H
#define TG_RT_SNAPSHOT_H

#include <stdint.h>

/** Objects waiting for their grace period; the next retire after that many reclaims first. */
#define TG_SNAPSHOT_RETIRED_MAX 64u

/** @brief A published pointer on a cache line of its own. */
struct tg_snapshot {
    const void *current; /**< Written by tg_snapshot_swap and _publish only; may be NULL. */
} __attribute__((aligned(64)));

/** @brief Frees a retired object. @param object The object. @param context As given. */
typedef void (*tg_snapshot_destroy)(void *object, void *context);

/** @brief Set before any reader exists. @param[out] snapshot Written. @param first May be NULL. */
void tg_snapshot_init(struct tg_snapshot *snapshot, const void *first);

/**
 * @brief Reader: the object current now.
 * @param snapshot  Borrowed.
 * @return Object valid until this thread's next quiescent state; NULL when none is published.
 *         Acquire load: partner is the release exchange in tg_snapshot_swap.
 */
static inline const void *tg_snapshot_read(const struct tg_snapshot *snapshot)
{
    return __atomic_load_n(&snapshot->current, __ATOMIC_ACQUIRE);
}

/**
 * @brief Control: put another object in place and get the old one back, still in use by readers.
 * @param snapshot  Borrowed.
 * @param next      Complete before the call; may be NULL.
 * @return The object before; hand it to tg_snapshot_retire.
 */
const void *tg_snapshot_swap(struct tg_snapshot *snapshot, const void *next);

/**
 * @brief Control: free an unpublished object once no reader can hold it.
 * @param object   No longer published anywhere; NULL is ignored.
 * @param destroy  Called on the control thread inside tg_snapshot_reclaim (or inside a later retire
 *                 when TG_SNAPSHOT_RETIRED_MAX objects wait).
 * @param context  Handed to destroy.
 */
void tg_snapshot_retire(void *object, tg_snapshot_destroy destroy, void *context);

/**
 * @brief Control: swap, then retire the object before.
 * @param snapshot  Borrowed.
 * @param next      Complete before the call; may be NULL.
 * @param destroy   How the object before is freed.
 * @param context   Handed to destroy.
 */
void tg_snapshot_publish(struct tg_snapshot *snapshot, const void *next,
                         tg_snapshot_destroy destroy, void *context);

/** @brief Control: wait for one grace period, then free all that was retired before it.
 *  @return How many were freed; 0 returns at once without waiting. */
uint32_t tg_snapshot_reclaim(void);

/** @brief Reader: join before the first read. Once a thread. */
void tg_snapshot_reader_register(void);

/** @brief Reader: leave; nothing read may be used afterwards. */
void tg_snapshot_reader_unregister(void);

/** @brief Reader: nothing read before is held any more. Once a batch. */
void tg_snapshot_quiescent(void);

/** @brief Reader: about to block; holds nothing and reads nothing until tg_snapshot_online. */
void tg_snapshot_offline(void);

/** @brief Reader: back from blocking. */
void tg_snapshot_online(void);

#endif
