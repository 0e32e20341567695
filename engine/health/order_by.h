/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Total orders, member by member.
 *
 *  Source: qsort(3). Threads: pure. Allocates: never. Cost: a compare.
 */
#ifndef TG_HEALTH_ORDER_BY_H
#define TG_HEALTH_ORDER_BY_H

/** In a comparison function: return unless a and b are equal, then the next member decides. */
#define TG_ORDER_BY(a, b)                                                                          \
    do {                                                                                           \
        if ((a) != (b)) {                                                                          \
            return (a) < (b) ? -1 : 1;                                                             \
        }                                                                                          \
    } while (0)

#endif
