/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/bench_histogram.h"

#include <criterion/criterion.h>
#include <string.h>

/* If this fails a latency table names a percentile that is off by more than its three digits. */
Test(bench_histogram, every_value_is_in_a_bucket_no_wider_than_a_thousandth)
{
    uint32_t before = 0;
    for (uint64_t value = 1; value < UINT64_C(1) << 47; value += 1 + value / 97) {
        const uint32_t bucket = tg_histogram_bucket(value);
        const uint64_t most = tg_histogram_bucket_max_ns(bucket);
        cr_assert(bucket < TG_HISTOGRAM_BUCKETS_MAX);
        cr_assert(bucket >= before, "buckets are in the order of values");
        cr_assert(most >= value && most - value <= value / 1024, "%lu is in a bucket up to %lu",
                  (unsigned long)value, (unsigned long)most);
        cr_assert_eq(tg_histogram_bucket(most), bucket);
        cr_assert_eq(tg_histogram_bucket(most + 1), bucket + 1);
        before = bucket;
    }
}

/* If this fails p99.9 of a table may be the p99, and a stall of the engine stays unseen. */
Test(bench_histogram, percentiles_are_those_of_the_sorted_values)
{
    static struct tg_histogram histogram;
    memset(&histogram, 0, sizeof histogram);
    for (int64_t value = 1; value <= 1000; value++) {
        tg_histogram_add(&histogram, value, 10);
    }
    cr_expect_eq(tg_histogram_at_ns(&histogram, 500000), 500);
    cr_expect_eq(tg_histogram_at_ns(&histogram, 999000), 999);
    cr_expect_eq(tg_histogram_at_ns(&histogram, 999900), 1000);
    cr_expect_eq(tg_histogram_at_ns(&histogram, 0), 1);
    tg_histogram_add(&histogram, 5000000000, 1);
    cr_expect_eq(tg_histogram_at_ns(&histogram, 1000000), 5000000000);
    cr_expect_eq(histogram.max_ns, 5000000000);
    cr_expect_eq(histogram.total_count, 10001);
}

/* If this fails a clock that steps back, or a machine asleep for days, breaks the table. */
Test(bench_histogram, impossible_values_are_counted_at_the_ends)
{
    static struct tg_histogram histogram;
    memset(&histogram, 0, sizeof histogram);
    cr_expect_eq(tg_histogram_at_ns(&histogram, 500000), 0);
    tg_histogram_add(&histogram, -5, 1);
    tg_histogram_add(&histogram, INT64_MAX, 1);
    cr_expect_eq(histogram.counts[0], 1);
    cr_expect_eq(histogram.counts[TG_HISTOGRAM_BUCKETS_MAX - 1], 1);
}
