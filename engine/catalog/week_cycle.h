/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Cycles of weeks: one to eight of them, from a day that some cycle begins with.
 *
 *  Source: ISO 8601 for weeks. Threads: pure. Allocates: never. Cost: a division.
 *
 *  Days are counted from 1970-01-01 in the account's zone; cycles are so many days, whatever the
 *  year and the hours of a day, so nothing drifts. Which days they begin on is one octet of an
 *  account, as its cycle day is: 1 to 7 for one week from Monday on, 8 to 21 for two weeks, and so
 *  on, each of the days that cycles of so many weeks may begin with.
 */
#ifndef TG_CATALOG_WEEK_CYCLE_H
#define TG_CATALOG_WEEK_CYCLE_H

#include <stdint.h>

#define TG_WEEK_CYCLE_MAX    8u /**< Weeks: 7 x (1 + ... + 8) = 252 codes fit an octet. */
#define TG_WEEK_CYCLE_MONDAY 4  /**< Days from 1970-01-01 to the first Monday. */

/** @brief Cycles of an account. */
struct tg_week_cycle {
    uint8_t weeks; /**< 1 to TG_WEEK_CYCLE_MAX. */
    uint8_t phase; /**< Days from Monday, 1970-01-05, to a begin; below 7 x weeks. */
};

/** @brief Code of cycles. @param cycle weeks 1 to TG_WEEK_CYCLE_MAX. @return 1 to 252. */
static inline uint8_t tg_week_cycle_code(struct tg_week_cycle cycle)
{
    return (uint8_t)(7u * cycle.weeks * (cycle.weeks - 1u) / 2u + cycle.phase + 1u);
}

/** @brief Cycles of a code. @param code 1 to 252; any other counts as 1. @return By value. */
static inline struct tg_week_cycle tg_week_cycle_of(uint8_t code)
{
    uint32_t before = 0;
    for (uint32_t weeks = 1; weeks <= TG_WEEK_CYCLE_MAX && code > 0; weeks++) {
        if (code <= before + 7 * weeks) {
            return (struct tg_week_cycle){(uint8_t)weeks, (uint8_t)(code - before - 1)};
        }
        before += 7 * weeks;
    }
    return (struct tg_week_cycle){1, 0};
}

/** @brief Which cycle a day is in. @param cycle Of weeks. @param day Since 1970-01-01; any.
 *  @return Number; that of the cycle that begins on day MONDAY + phase is 0. */
static inline int64_t tg_week_cycle_number(struct tg_week_cycle cycle, int64_t day)
{
    const int64_t length = INT64_C(7) * cycle.weeks;
    const int64_t since = day - TG_WEEK_CYCLE_MONDAY - cycle.phase;
    return since / length - (since % length < 0);
}

/** @brief Day a cycle begins on. @param cycle Of weeks. @param number As above. @return Since
 *  1970-01-01. */
static inline int64_t tg_week_cycle_day(struct tg_week_cycle cycle, int64_t number)
{
    return number * 7 * cycle.weeks + TG_WEEK_CYCLE_MONDAY + cycle.phase;
}

#endif
