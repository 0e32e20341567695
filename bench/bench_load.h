/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Rows in open loop through the rig, and how long each took to rated and to durable.
 *
 *  Source: reference/performance.md section 4, point 4. Threads: main. Allocates: never.
 *  Cost: two histograms of 312 KiB.
 *
 *  Datagram i should be sent at start + i * interval, whatever the engine is doing. What came due
 *  meanwhile waits, and its wait counts: latency is from the intended time (no coordinated
 *  omission). Rated: the step that took the datagram has returned, so its rows have prices and
 *  moved their accounts. Durable: the epoch of its rows is fdatasync'ed and the ingest lcore has
 *  seen it.
 */
#ifndef TG_BENCH_BENCH_LOAD_H
#define TG_BENCH_BENCH_LOAD_H

#include "base/error.h"
#include "bench/bench_histogram.h"
#include "bench/bench_rig.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define TG_LOAD_DATAGRAMS  4000u /**< Of the capture: a pass has 104,000 rows. */
#define TG_LOAD_EPOCHS_MAX 256u  /**< That wait for the disk. */

/** @brief An epoch that is submitted and not durable yet. */
struct tg_load_pending {
    uint64_t epoch;         /**< Which. */
    uint64_t datagrams_end; /**< Up to which datagram it goes. */
};

/** @brief A rig under load. Zeroed, rig opened. */
struct tg_load {
    struct tg_rig rig;                                  /**< Open; the caller closes it. */
    struct tg_histogram rated;                          /**< Of the last run. */
    struct tg_histogram durable;                        /**< Of the last run. */
    struct tg_load_pending pending[TG_LOAD_EPOCHS_MAX]; /**< Oldest first. */
    uint32_t pending_count;                             /**< Used. */
    uint64_t first_datagram;                            /**< Of this run, as the port counts. */
    uint64_t durable_end;                               /**< Datagrams that are durable. */
    int64_t begin_ns;                                   /**< When the first should be sent. */
    int64_t interval_ns;                                /**< Between two. */
};

/** @brief What the rig of an open loop is made with. @param dir Journal's folder; borrowed.
 *  @return By value. */
static inline struct tg_bench_options tg_load_options(const char *dir)
{
    return (struct tg_bench_options){.datagrams_count = TG_LOAD_DATAGRAMS,
                                     .down_percent = 50,
                                     .seed = 1,
                                     .dir = dir,
                                     .is_fixed = true};
}

/**
 * @brief Rows at a rate, until all of them are durable.
 * @param load        Open.
 * @param rows_per_s  At least TG_FEED_RECORDS.
 * @param seconds     At least so long, rounded up to whole passes.
 * @param is_over     NULL, or: further passes follow until this is not 0 (read with acquire).
 * @param[out] why    Reason.
 * @return TG_OK; TG_E_FULL the disk is too far behind; what the journal said.
 */
enum tg_err tg_load_run(struct tg_load *load, uint64_t rows_per_s, uint32_t seconds,
                        const uint32_t *is_over, struct tg_why *why);

/** @brief Rows a second of wall time with the input always there: what 100 % is.
 *  @param load Open. @param[out] rows_per_s Median of nine passes. @param[out] why Reason.
 *  @return TG_OK, or what the journal said. */
enum tg_err tg_load_full(struct tg_load *load, uint64_t *rows_per_s, struct tg_why *why);

/** @brief p50, p90, p99, p99.9, p99.99, most and rows of a histogram, and the end of the line.
 *  @param histogram Filled. @param is_csv ",NS" each; else microseconds in columns. */
void tg_load_print(const struct tg_histogram *histogram, bool is_csv);

#endif
