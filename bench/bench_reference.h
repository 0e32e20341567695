/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The reference rater: the bench catalog's prices, slow and obvious, sharing no code.
 *
 *  Source: reference/rating-semantics.md 4.1 (one rounding), 4.3 (increments), 4.5 (allowance).
 *  Threads: main. Allocates: at open. Cost: 8 octets a subscriber.
 */
#ifndef TG_BENCH_BENCH_REFERENCE_H
#define TG_BENCH_BENCH_REFERENCE_H

#include "base/error.h"
#include "bench/bench_world.h"

#include <stdint.h>

/** @brief Sums that the engine's output must equal. */
struct tg_sums {
    uint64_t rows_count;       /**< Rated rows. */
    uint64_t duplicates_count; /**< Rows that were sent before. */
    uint64_t other_count;      /**< Rows of any other fate. */
    int64_t amount;            /**< At scale 8. */
    uint64_t billed_units;     /**< Kilobytes or seconds. */
    uint64_t allowance_units;  /**< Of these, free. */
};

/** @brief State: what each subscriber's allowance has left. */
struct tg_reference {
    const struct tg_world *world; /**< Borrowed. */
    uint64_t *allowance_used;     /**< Kilobytes; shape [subscribers]. */
    uint64_t data_price;          /**< Of 1,000 kB at scale 8; tests make it wrong. */
    struct tg_sums sums;          /**< So far. */
};

/** @brief Make. @param[out] reference Written. @param world Borrowed. @return TG_OK, NO_MEMORY. */
enum tg_err tg_reference_open(struct tg_reference *reference, const struct tg_world *world);

/** @brief Free. @param reference Opened or zeroed. */
void tg_reference_close(struct tg_reference *reference);

/** @brief Rate octets. @param reference Open. @param subscriber Who. @param octets Volume. */
void tg_reference_data(struct tg_reference *reference, uint32_t subscriber, uint64_t octets);

/** @brief Rate a call. @param reference Open. @param number Packed digits dialled.
 *  @param duration_ms Length. */
void tg_reference_call(struct tg_reference *reference, uint64_t number, uint32_t duration_ms);

/** @brief Do they agree? @param a Sums. @param b Sums. @return true if all are equal. */
bool tg_sums_equal(const struct tg_sums *a, const struct tg_sums *b);

#endif
