/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief A hold: the ingest lcore stands still between two epochs while another thread looks at
 *  the journal, and then does a piece of work as an epoch of its own.
 *
 *  Source: design.md 6; for corrections that a rerate posts (bill/posting.h). Threads: one asker at
 *  a time; the ingest lcore serves. Allocates: never. Cost: one load an epoch and a turn; a hold
 *  keeps rows waiting in their ports for the fdatasync of the last epoch and the work.
 *
 *      NONE --ask--> ASKED --epoch ended, workers idle--> HELD --let go--> NONE
 *                                                          '--do--> WORK --epoch ended--> NONE
 *
 *  HELD: no row is under way and no epoch is open; all of them up to `epoch` are submitted, so once
 *  that is durable the journal is all that has happened. Whatever the asker finds there stays true
 *  until it lets go. WORK runs on the ingest lcore, the one writer of stream 0, and rows behind it
 *  see what it did: it is at one place of the journal, and of memory at the same place.
 */
#ifndef TG_FLOW_HOLD_H
#define TG_FLOW_HOLD_H

#include "base/error.h"
#include "flow/desk.h"

#include <stdbool.h>
#include <stdint.h>

/** @brief Where a hold is. */
enum tg_hold_phase {
    TG_HOLD_NONE,  /**< Nothing is asked. */
    TG_HOLD_ASKED, /**< Ingest: stand still. */
    TG_HOLD_HELD,  /**< Asker: look. */
    TG_HOLD_WORK   /**< Ingest: do it. */
};

/** @brief The work: journal it and do to memory what replaying it will do. @param context As given.
 *  @param sink Blocks of the epoch. @return TG_OK; else the engine stops, and a restart finds
 *  nothing of it. */
typedef enum tg_err (*tg_hold_work)(void *context, const struct tg_desk_sink *sink);

/** @brief The hold; one a data plane. Zeroed. */
struct tg_hold {
    uint32_t phase;    /**< enum tg_hold_phase; release, acquire. */
    enum tg_err err;   /**< Of the work. */
    uint64_t epoch;    /**< HELD: last one ended. Behind WORK: the one of the work. */
    int64_t held_ns;   /**< Behind it: how long rows waited. */
    tg_hold_work work; /**< Set before WORK. */
    void *context;     /**< For it. */
};

/** @brief Move on; by whose turn it is. @param hold Any. @param phase enum tg_hold_phase. */
static inline void tg_hold_phase_set(struct tg_hold *hold, uint32_t phase)
{
    __atomic_store_n(&hold->phase, phase, __ATOMIC_RELEASE);
}

/** @brief Where is it? @param hold Any thread. @return enum tg_hold_phase. Acquire: pairs with
 *  tg_hold_phase_set, what was written before it is seen. */
static inline uint32_t tg_hold_phase_get(const struct tg_hold *hold)
{
    return __atomic_load_n(&hold->phase, __ATOMIC_ACQUIRE);
}

#endif
