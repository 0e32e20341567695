/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The clock as an argument: live from the system, or set by hand for replay and tests.
 *
 *  Source: design law 6 (time is an argument). Threads: a live clock is pure; a set clock has one
 *  writer and is read by that same thread. Allocates: never. Cost: live about 25 ns (vDSO).
 */
#ifndef TG_RT_TIME_H
#define TG_RT_TIME_H

#include <stdint.h>

/** @brief A clock. Copy it freely; the context must outlive every copy. */
struct tg_time {
    int64_t (*now_ns)(void *context); /**< Gives UTC ns since 1970. Never NULL once made. */
    void *context;                    /**< Handed to now_ns; borrowed. */
};

/** @brief The system's wall clock. @return A clock without context. */
struct tg_time tg_time_live(void);

/**
 * @brief A clock that stands still where the caller puts it: replay sets it from the journal.
 * @param[in] time_ns  Borrowed for as long as the clock is used; UTC ns, changed by its owner.
 * @return A clock that reads *time_ns.
 */
struct tg_time tg_time_set_by(int64_t *time_ns);

/** @brief Read a clock. @param time Borrowed. @return UTC ns since 1970. */
static inline int64_t tg_time_now_ns(const struct tg_time *time)
{
    return time->now_ns(time->context);
}

#endif
