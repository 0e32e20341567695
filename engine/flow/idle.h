/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief What an lcore does that finds little to do: turn for a while, then sleep.
 *
 *  Source: engine/README.md, threads. Threads: any lcore that reads snapshots. Allocates: never.
 *  Cost: a count a turn; asleep, 3 % of a CPU.
 */
#ifndef TG_FLOW_IDLE_H
#define TG_FLOW_IDLE_H

#include "rt/snapshot.h"

#include <stdint.h>
#include <time.h>

#define TG_IDLE_SLEEP_NS 100000 /**< 0.1 ms: far below the 10 ms of an epoch. */

/** @brief One turn with little or nothing. While it sleeps, nobody waits for its snapshots.
 *  @param[in,out] turns Such turns in a row; the caller sets it to 0 when it found more.
 *  @param turns_max Turns before it sleeps. */
static inline void tg_idle(uint32_t *turns, uint32_t turns_max)
{
    const struct timespec pause = {.tv_nsec = TG_IDLE_SLEEP_NS};
    if (++*turns >= turns_max) {
        *turns = turns_max;
        tg_snapshot_offline();
        (void)nanosleep(&pause, NULL);
        tg_snapshot_online();
    }
}

#endif
