/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief A bounded union of half-open time intervals: sorted, disjoint, the same for any order.
 *
 *  Source: none. Threads: as its owner. Allocates: never. Cost: O(1) at the end, else a binary
 * search and a move of at most capacity entries.
 */
#ifndef TG_HEALTH_SPAN_H
#define TG_HEALTH_SPAN_H

#include <stdbool.h>
#include <stdint.h>

/** @brief [from_ns, until_ns). */
struct tg_span_ns {
    int64_t from_ns;  /**< Inclusive. */
    int64_t until_ns; /**< Exclusive, later than from_ns. */
};

/**
 * @brief Add an interval; overlapping and touching ones become one.
 * @param[in,out] spans       Sorted, disjoint; shape [capacity].
 * @param[in,out] count       Entries used.
 * @param[in]     capacity    1 or more.
 * @param[in]     add         What to add.
 * @param[out]    evicted_ns  End of the oldest interval when it had to go; else not written.
 * @return false when an interval had to go: the oldest, or the new one when it is the oldest.
 */
bool tg_span_add(struct tg_span_ns *spans, uint32_t *count, uint32_t capacity,
                 struct tg_span_ns add, int64_t *evicted_ns);

/**
 * @brief Is a time inside one of them?
 * @param[in] spans  Sorted, disjoint; shape [count].
 * @param[in] count  0 or more.
 * @param[in] at_ns  UTC.
 * @return true when from_ns <= at_ns < until_ns for one.
 */
bool tg_span_has(const struct tg_span_ns *spans, uint32_t count, int64_t at_ns);

#endif
