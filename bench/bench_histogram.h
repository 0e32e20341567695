/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Log-linear histogram of times with three significant digits, integers only.
 *
 *  Source: the layout of HdrHistogram (2,048 sub-buckets for three digits). Threads: one writer.
 *  Allocates: never; 312 KiB. Cost: one count-leading-zeros and one increment a value.
 *
 *  Values below 2,048 ns have a bucket each; above, every doubling has 1,024 buckets, so a bucket
 *  is at most 1/1,024 of its value wide. Values beyond 2^48 ns (78 hours) go into the last bucket.
 */
#ifndef TG_BENCH_BENCH_HISTOGRAM_H
#define TG_BENCH_BENCH_HISTOGRAM_H

#include <stdint.h>

#define TG_HISTOGRAM_SUB_BITS    10u
#define TG_HISTOGRAM_SUB         (1u << TG_HISTOGRAM_SUB_BITS)
#define TG_HISTOGRAM_BITS_MAX    48u
#define TG_HISTOGRAM_BUCKETS_MAX                                                                   \
    ((TG_HISTOGRAM_BITS_MAX - TG_HISTOGRAM_SUB_BITS + 1) * TG_HISTOGRAM_SUB)

/** @brief Counts by bucket. Zeroed is empty. */
struct tg_histogram {
    uint64_t counts[TG_HISTOGRAM_BUCKETS_MAX]; /**< Values in each. */
    uint64_t total_count;                      /**< Values in all. */
    uint64_t max_ns;                           /**< Largest value, exact. */
};

/** @brief Bucket of a value. @param value_ns Any. @return Below TG_HISTOGRAM_BUCKETS_MAX. */
static inline uint32_t tg_histogram_bucket(uint64_t value_ns)
{
    if (value_ns < 2 * TG_HISTOGRAM_SUB) {
        return (uint32_t)value_ns;
    }
    if (value_ns >> TG_HISTOGRAM_BITS_MAX != 0) {
        return TG_HISTOGRAM_BUCKETS_MAX - 1;
    }
    const uint32_t shift = 63u - (uint32_t)__builtin_clzll(value_ns) - TG_HISTOGRAM_SUB_BITS;
    return shift * TG_HISTOGRAM_SUB + (uint32_t)(value_ns >> shift);
}

/** @brief Largest value of a bucket. @param bucket Index. @return ns. */
static inline uint64_t tg_histogram_bucket_max_ns(uint32_t bucket)
{
    if (bucket < 2 * TG_HISTOGRAM_SUB) {
        return bucket;
    }
    const uint32_t shift = bucket / TG_HISTOGRAM_SUB - 1;
    const uint64_t sub = bucket % TG_HISTOGRAM_SUB + TG_HISTOGRAM_SUB;
    return ((sub + 1) << shift) - 1;
}

/** @brief Add values. @param histogram Caller's. @param value_ns Value; below 0 counts as 0.
 *  @param count How many of it. */
static inline void tg_histogram_add(struct tg_histogram *histogram, int64_t value_ns,
                                    uint64_t count)
{
    const uint64_t value = value_ns > 0 ? (uint64_t)value_ns : 0;
    histogram->counts[tg_histogram_bucket(value)] += count;
    histogram->total_count += count;
    histogram->max_ns = value > histogram->max_ns ? value : histogram->max_ns;
}

/**
 * @brief Value that a share of all values does not exceed.
 * @param[in] histogram  Caller's.
 * @param[in] share_ppm  0..1000000; 500000 is the median, 999900 is p99.99.
 * @return ns: the largest value of its bucket, never more than the largest of all; 0 when empty.
 */
static inline uint64_t tg_histogram_at_ns(const struct tg_histogram *histogram, uint32_t share_ppm)
{
    const unsigned __int128 scaled = (unsigned __int128)histogram->total_count * share_ppm;
    const uint64_t wanted = (uint64_t)((scaled + 999999) / 1000000);
    uint64_t seen = 0;
    for (uint32_t i = 0; i < TG_HISTOGRAM_BUCKETS_MAX && histogram->total_count > 0; i++) {
        seen += histogram->counts[i];
        if (seen >= wanted && seen > 0) {
            const uint64_t most_ns = tg_histogram_bucket_max_ns(i);
            return most_ns < histogram->max_ns ? most_ns : histogram->max_ns;
        }
    }
    return histogram->max_ns;
}

#endif
