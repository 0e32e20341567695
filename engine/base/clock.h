/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Civil time: UTC nanoseconds to and from calendar fields and RFC 3339 text.
 *
 *  Source: RFC 3339; proleptic Gregorian calendar; POSIX time (no leap seconds).
 *  Threads: pure. Allocates: never. Cost: a few divisions.
 */
#ifndef TG_BASE_CLOCK_H
#define TG_BASE_CLOCK_H

#include "abi/err.h"

#include <stddef.h>
#include <stdint.h>

#define TG_NS_PER_S          INT64_C(1000000000)
#define TG_NS_PER_MS         INT64_C(1000000)
#define TG_NS_PER_HOUR       (INT64_C(3600) * TG_NS_PER_S)
#define TG_NS_PER_DAY        (INT64_C(86400) * TG_NS_PER_S)
#define TG_CLOCK_TEXT_BYTES  36u

/** @brief Calendar fields. */
struct tg_civil {
    int32_t year;   /**< e.g. 2026. */
    uint8_t month;  /**< 1..12. */
    uint8_t day;    /**< 1..31. */
    uint8_t hour;   /**< 0..23. */
    uint8_t minute; /**< 0..59. */
    uint8_t second; /**< 0..59. */
    uint8_t weekday; /**< 0 Monday .. 6 Sunday; output only. */
    uint32_t nanosecond; /**< 0..999999999. */
};

/** @brief Days since 1970-01-01. @param year Any. @param month 1..12. @param day 1..31. @return
 * Days. */
int64_t tg_days_from_civil(int32_t year, uint8_t month, uint8_t day);

/** @brief Days in a month. @param year Any. @param month 1..12. @return 28..31. */
uint8_t tg_days_in_month(int32_t year, uint8_t month);

/** @brief Fields to UTC ns. @param civil Borrowed. @return ns since 1970. */
int64_t tg_clock_from_civil(const struct tg_civil *civil);

/** @brief UTC ns to fields. @param time_ns ns since 1970. @param[out] civil Written. */
void tg_clock_to_civil(int64_t time_ns, struct tg_civil *civil);

/**
 * @brief Read RFC 3339 ("2026-11-23T06:10:00.5Z", offsets, a space for T, without an
 * offset UTC, or a date alone = 00:00Z).
 * @param[in]  text        Borrowed; not NUL-terminated.
 * @param[in]  text_bytes  Its length.
 * @param[out] time_ns     Written on TG_OK.
 * @return TG_OK, TG_E_SYNTAX or TG_E_BAD_TIMESTAMP (a field out of range).
 */
enum tg_err tg_clock_parse(const char *text, size_t text_bytes, int64_t *time_ns);

/**
 * @brief Write RFC 3339 in UTC with as many decimals as are needed: none, 3, 6 or 9.
 * @param[in]  time_ns  ns since 1970.
 * @param[out] text     NUL-terminated.
 * @return Length.
 */
size_t tg_clock_format(int64_t time_ns, char text[TG_CLOCK_TEXT_BYTES]);

/** @brief Wall clock. For control and arrival stamps only: decisions take time as an argument.
 *  @return UTC ns. */
int64_t tg_clock_now_ns(void);

/** @brief Monotonic clock for measuring and pacing. @return ns. */
int64_t tg_clock_monotonic_ns(void);

/** @brief CPU time of the calling thread. @return ns. */
int64_t tg_clock_thread_cpu_ns(void);

/** @brief CPU time of all threads of this process. @return ns. */
int64_t tg_clock_process_cpu_ns(void);

#endif
