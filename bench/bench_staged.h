/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The path stage by stage: a burst goes wholly through one stage before the next begins.
 *
 *  Source: stages.def; each bench_stage_* calls the functions the ingest lcore calls, in its order.
 *  Threads: main. Allocates: never. Cost: five readings of the thread's CPU clock a burst of 1,664
 *  rows, together below 1 ns a row.
 *
 *  The functions are not inlined, so that callgrind can tell their instructions apart.
 */
#ifndef TG_BENCH_BENCH_STAGED_H
#define TG_BENCH_BENCH_STAGED_H

#include "bench/bench_rig.h"

#define TG_STAGED_BATCHES 8u /**< A burst of 64 datagrams has 1,664 rows: 7 batches. */

/** @brief A burst between stages. */
struct tg_staged {
    struct tg_rig *rig;                                          /**< Borrowed. */
    struct tg_input inputs[TG_BURST_MAX];                        /**< The burst. */
    struct tg_message messages[TG_STAGED_BATCHES][TG_BURST_MAX]; /**< By decode call. */
    uint32_t inputs_count;                                       /**< In the burst. */
    uint32_t batches_count;                                      /**< Decode calls. */
    uint32_t first[TG_STAGED_BATCHES];                           /**< First input of the call. */
    uint32_t finished[TG_STAGED_BATCHES];                        /**< Inputs it finished. */
    uint32_t rows_input[TG_STAGED_BATCHES][TG_BATCH_ROWS_MAX];   /**< As the decoder wrote. */
    struct tg_batch batches[TG_STAGED_BATCHES];                  /**< Rows. */
    int64_t cpu_ns[TG_BENCH_STAGES_COUNT];                       /**< Taken so far. */
    uint64_t rows_count;                                         /**< Gone through so far. */
};

/** @brief One pass of the capture, timed by stage. @param staged rig is set; times are added up.
 *  @param[out] why Reason. @return TG_OK or the journal's error. */
enum tg_err tg_staged_pass(struct tg_staged *staged, struct tg_why *why);

#endif
