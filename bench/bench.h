/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief `tollgate bench`: CPU time per row of every stage and of the whole, output checked.
 *
 *  Source: reference/performance.md section 4 (method): CPU time, alternating rounds, medians.
 *  Threads: main only; the journal's writer runs beside it. Allocates: freely, at set-up.
 *  Cost: about 350 octets of memory a subscriber; --seconds for each combination.
 *
 *  A figure is CPU picoseconds per row, so that no float is needed. A run whose output differs from
 *  the reference rater's is void as a whole: it says so instead of giving figures.
 */
#ifndef TG_BENCH_BENCH_H
#define TG_BENCH_BENCH_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define TG_BENCH_ROUNDS_MAX  512u
#define TG_BENCH_FIGURES_MAX 24u
#define TG_BENCH_SIZES_MAX   8u

/** @brief What is measured, in the order of printing. */
enum tg_bench_stage {
    TG_BENCH_RECEIVE,  /**< Burst, strip, release. */
    TG_BENCH_DECODE,   /**< Dispatch and IPFIX. */
    TG_BENCH_IDENTIFY, /**< Sequence audit, admission, identity, node state. */
    TG_BENCH_DEDUP,    /**< Duplicate check. */
    TG_BENCH_PRICE,    /**< Price, allowance, tariff, account. */
    TG_BENCH_JOURNAL,  /**< Columns, planes, CRC, write, fdatasync: both threads. */
    TG_BENCH_MAKE,     /**< Not ours: making a repeated capture's records fresh. */
    TG_BENCH_STAGES_COUNT
};

/** @brief What the command line asked for. */
struct tg_bench_options {
    uint32_t sizes[TG_BENCH_SIZES_MAX]; /**< Subscribers. */
    uint32_t sizes_count;               /**< At least 1. */
    uint32_t seconds;                   /**< For each combination of size and skew. */
    uint32_t datagrams_count;           /**< In the capture; 26 records each. */
    uint32_t prefixes_count;            /**< In the deck of the voice run. */
    uint32_t down_percent;              /**< Flows towards the subscriber. */
    uint32_t burst_max;                 /**< Datagrams a burst; 0: TG_BURST_MAX. */
    uint32_t records_count;             /**< In a datagram; 0: 26. */
    uint32_t templates_count;           /**< The datagrams use in turn; 0: 1. */
    uint32_t duplicates_percent;        /**< Of the datagrams that repeat earlier records. */
    uint32_t theta_percent;             /**< Exponent of Zipf in hundredths; 0: 99. */
    uint32_t reference_price;           /**< Of 1,000 kB in the reference; 2,000,000 is right. */
    uint64_t seed;                      /**< Same seed, same capture. */
    const char *dir;                    /**< Where the journal is written; borrowed. */
    const char *stage;                  /**< Only this line; NULL all. */
    bool skews[2];                      /**< [0] uniform, [1] Zipf 0.99. */
    bool is_micro;                      /**< Micro-benchmarks instead. */
    bool is_fixed;                      /**< One round, no EAL: for instruction counts. */
    bool has_hop;    /**< The rate worker has a thread of its own, behind a ring. */
    bool is_settled; /**< Steps wait for the disk: counts do not depend on how fast it is. */
    bool is_json;                       /**< One JSON object a line. */
    bool is_csv;                        /**< CSV with a header. */
};

/** @brief One line of the table. */
struct tg_bench_figure {
    const char *name;                        /**< Stage or micro-benchmark; static. */
    const char *note;                        /**< What is touched; static, or NULL. */
    uint64_t rounds_ps[TG_BENCH_ROUNDS_MAX]; /**< Per row; sorted by figure_close. */
    uint32_t rounds_count;                   /**< Used. */
    uint64_t rows_count;                     /**< Over all rounds. */
    uint32_t subscribers_count;              /**< 0: does not matter. */
    bool is_zipf;                            /**< Skew. */
    bool is_void;                            /**< Its output was wrong. */
};

/** @brief Add a round. @param figure Caller's. @param cpu_ns CPU time. @param rows_count Rows. */
void tg_bench_round(struct tg_bench_figure *figure, int64_t cpu_ns, uint64_t rows_count);

/** @brief Sort the rounds. @param figure Caller's. */
void tg_bench_close(struct tg_bench_figure *figure);

/** @brief Median of a closed figure. @param figure Closed. @return ps per row; 0 without rounds. */
uint64_t tg_bench_median_ps(const struct tg_bench_figure *figure);

/** @brief Header of the table. @param options Format. @param out Stream. */
void tg_bench_print_head(const struct tg_bench_options *options, FILE *out);

/** @brief One line. @param options Format. @param figure Closed. @param out Stream. */
void tg_bench_print(const struct tg_bench_options *options, const struct tg_bench_figure *figure,
                    FILE *out);

/** @brief Is this line wanted? @param options Options. @param name Line. @return true if so. */
bool tg_bench_wants(const struct tg_bench_options *options, const char *name);

/**
 * @brief Stages and the whole at one size and skew.
 * @param[in]  options  Borrowed.
 * @param[in]  subscribers_count  Size.
 * @param[in]  is_zipf  Skew.
 * @param[in]  out      Figures go there.
 * @param[out] is_void  Set when a line was void.
 * @param[out] why      Reason on failure.
 * @return TG_OK, or what set-up said.
 */
enum tg_err tg_bench_path(const struct tg_bench_options *options, uint32_t subscribers_count,
                          bool is_zipf, FILE *out, bool *is_void, struct tg_why *why);

/** @brief The price stage with calls over a large deck. @param options Borrowed.
 *  @param subscribers_count Size. @param is_zipf Skew. @param out Stream. @param[out] is_void Set
 *  when void. @param[out] why Reason. @return TG_OK, or what set-up said. */
enum tg_err tg_bench_voice(const struct tg_bench_options *options, uint32_t subscribers_count,
                           bool is_zipf, FILE *out, bool *is_void, struct tg_why *why);

/** @brief All micro-benchmarks. @param options Borrowed. @param out Stream. @param[out] is_void Set
 *  when one's output was wrong. @param[out] why Reason. @return TG_OK, or what set-up said. */
enum tg_err tg_bench_micro(const struct tg_bench_options *options, FILE *out, bool *is_void,
                           struct tg_why *why);

#endif
