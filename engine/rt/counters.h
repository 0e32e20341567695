/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Counters written by one lcore each and summed by any reader, without a lock.
 *
 *  Source: design law 7 (every refusal is counted).
 *  Threads: line i has one writer, the lcore that owns it; any thread may sum at any time. A sum is
 *  exact once the writers are quiet and never goes backwards for one reader.
 *  Allocates: tg_counters_open only. Cost: one load and one store an addition; no locked
 * instruction.
 */
#ifndef TG_RT_COUNTERS_H
#define TG_RT_COUNTERS_H

#include "abi/err.h"
#include "base/error.h"

#include <stdint.h>

/** More counters on one line than this is a caller's mistake: TG_E_INVALID. */
#define TG_COUNTERS_PER_LCORE_MAX 1024u
/** More lines than this is a caller's mistake: TG_E_INVALID. */
#define TG_COUNTERS_LCORES_MAX 128u

struct tg_counters;

/**
 * @brief Take zeroed counters: lcores_count lines, each on cache lines of its own.
 * @param[in]  lcores_count    1..TG_COUNTERS_LCORES_MAX writers.
 * @param[in]  counters_count  1..TG_COUNTERS_PER_LCORE_MAX counters of each writer.
 * @param[out] counters        Caller owns; tg_counters_close.
 * @param[out] why             Filled on failure; may be NULL.
 * @return TG_OK, TG_E_INVALID, TG_E_NO_MEMORY.
 */
enum tg_err tg_counters_open(uint32_t lcores_count, uint32_t counters_count,
                             struct tg_counters **counters, struct tg_why *why);

/** @brief Give back. @param counters Owned, or NULL. No writer may still run. */
void tg_counters_close(struct tg_counters *counters);

/**
 * @brief The line a writer adds to with tg_counter_add.
 * @param counters     Borrowed.
 * @param lcore_index  Below lcores_count.
 * @return First of counters_count values; valid until close.
 */
uint64_t *tg_counters_line(struct tg_counters *counters, uint32_t lcore_index);

/**
 * @brief Sum one counter over all lcores.
 * @param counters       Borrowed.
 * @param counter_index  Below counters_count.
 * @return Sum modulo 2^64.
 */
uint64_t tg_counters_sum(const struct tg_counters *counters, uint32_t counter_index);

/**
 * @brief Add, as the only writer of that value.
 * @param value  The counter. Relaxed store: partner is the relaxed load in tg_counter_read, which
 *               only needs the value whole; no other memory is published by it.
 * @param add    Any.
 */
static inline void tg_counter_add(uint64_t *value, uint64_t add)
{
    __atomic_store_n(value, __atomic_load_n(value, __ATOMIC_RELAXED) + add, __ATOMIC_RELAXED);
}

/** @brief Read a counter that another thread writes. @param value Borrowed. @return Its value. */
static inline uint64_t tg_counter_read(const uint64_t *value)
{
    return __atomic_load_n(value, __ATOMIC_RELAXED);
}

#endif
