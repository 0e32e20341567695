/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief What each stage counts: rows and time, one line an lcore, read by anyone.
 *
 *  Source: stages.def. Threads: one writer a line. Allocates: never.
 *  Cost: two time-stamp reads a batch and stage, about 20 ns for up to 256 rows.
 */
#ifndef TG_FLOW_STAGES_H
#define TG_FLOW_STAGES_H

#include <stdint.h>

/** @brief Stages in order. */
enum tg_stage {
#define TG_STAGE(name, room, what) TG_STAGE_##name,
#include "flow/stages.def"
#undef TG_STAGE
    TG_STAGES_COUNT
};

/** @brief One stage on one lcore; only grows. */
struct tg_stage_count {
    uint64_t rows_count; /**< Rows that left the stage (inputs for receive). */
    uint64_t cycles;     /**< Time-stamp counter ticks spent in it. */
};

/** @brief All stages of one lcore, on cache lines of their own. */
struct tg_stage_counts {
    struct tg_stage_count stages[TG_STAGES_COUNT]; /**< By enum tg_stage. */
} __attribute__((aligned(64)));

/** @brief Time now. @return Ticks. */
static inline uint64_t tg_stage_ticks(void)
{
    return __builtin_ia32_rdtsc();
}

/**
 * @brief Account for one pass of a stage.
 * @param[in,out] counts     This lcore's.
 * @param[in]     stage      Which.
 * @param[in]     rows_count Rows that left it.
 * @param[in]     began      tg_stage_ticks() before it.
 * @return Ticks now, the next stage's beginning.
 */
static inline uint64_t tg_stage_done(struct tg_stage_counts *counts, enum tg_stage stage,
                                     uint64_t rows_count, uint64_t began)
{
    const uint64_t now = __builtin_ia32_rdtsc();
    struct tg_stage_count *count = &counts->stages[stage];
    /* Relaxed: readers want a figure, not an order. */
    __atomic_store_n(&count->rows_count, count->rows_count + rows_count, __ATOMIC_RELAXED);
    __atomic_store_n(&count->cycles, count->cycles + (now - began), __ATOMIC_RELAXED);
    return now;
}

/** @brief Name of a stage. @param stage enum tg_stage. @return Static text. */
const char *tg_stage_name(unsigned stage);

/** @brief Ticks of the time-stamp counter in a second, measured once. @return Hz. */
uint64_t tg_stage_ticks_per_s(void);

#endif
