/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Run stages on worker lcores, or on the calling thread, until told to stop.
 *
 *  Source: DPDK 22.11 rte_eal_remote_launch. Threads: launch and join belong to the control thread;
 *  a stop flag may be set by any thread or a signal handler. Allocates: never. Cost: once a start.
 */
#ifndef TG_RT_LCORE_H
#define TG_RT_LCORE_H

#include "abi/err.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/** Jobs running at once; more is TG_E_INVALID. 32 ports + 8 rate workers + journal fit. */
#define TG_LCORE_JOBS_MAX 64u

/** @brief Stop flag, on a cache line of its own; zeroed means: keep running. */
struct tg_stop {
    uint32_t is_requested; /**< Through the two functions below only. */
} __attribute__((aligned(64)));

/** @brief Ask to stop; safe in a signal handler. @param stop Borrowed. Release: partner below. */
static inline void tg_stop_request(struct tg_stop *stop)
{
    __atomic_store_n(&stop->is_requested, 1u, __ATOMIC_RELEASE);
}

/** @brief Once a batch: should I return? @param stop Borrowed. @return true once requested.
 *  Acquire: what the requester wrote before is seen after. */
static inline bool tg_stop_is_requested(const struct tg_stop *stop)
{
    return __atomic_load_n(&stop->is_requested, __ATOMIC_ACQUIRE) != 0;
}

/** @brief What to run. */
struct tg_lcore_job {
    /** @brief Body; returns when stop is requested or its input is finished. Runs as a registered
     *  RCU reader (rt/snapshot.h) and calls tg_snapshot_quiescent once a batch. */
    void (*run)(void *context, const struct tg_stop *stop);
    void *context; /**< Borrowed until tg_lcores_join or run_here returns. */
};

/**
 * @brief Start each job on its own worker lcore.
 * @param[in]  jobs        Copied; shape [jobs_count].
 * @param[in]  jobs_count  1..tg_eal_workers_count().
 * @param[in]  stop        Borrowed until tg_lcores_join.
 * @param[out] why         Filled on failure; may be NULL.
 * @return TG_OK; TG_E_INVALID too many jobs; TG_E_STATE no EAL, or jobs of a launch before still
 *         run. On failure nothing runs: jobs already started are stopped through stop and joined.
 */
enum tg_err tg_lcores_launch(const struct tg_lcore_job *jobs, uint32_t jobs_count,
                             struct tg_stop *stop, struct tg_why *why);

/** @brief Wait until every launched job has returned; returns at once when none was. */
void tg_lcores_join(void);

/** @brief How many launched jobs have not returned yet. @return Count. */
uint32_t tg_lcores_running_count(void);

/**
 * @brief Run one job on the calling thread: a one-core machine pays for no ring and no switch.
 * @param job   Borrowed.
 * @param stop  Borrowed.
 */
void tg_lcore_run_here(const struct tg_lcore_job *job, const struct tg_stop *stop);

#endif
