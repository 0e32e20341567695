/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Civil time for decoders of text: calendar fields and RFC 3339 to UTC nanoseconds.
 *
 *  Source: RFC 3339 5.6 (also RFC 5424 6.2.3), proleptic Gregorian calendar, POSIX time.
 *  Threads: pure. Allocates: never. Cost: a few divisions.
 *  The twin of engine/base/clock.h, as decoders see only abi/.
 */
#ifndef TG_DECODERS_LIB_CIVIL_H
#define TG_DECODERS_LIB_CIVIL_H

#include "abi/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** @brief Calendar fields as written, with the zone they were written in. */
struct tg_civil_time {
    int32_t year;        /**< 1970..2261: what 64-bit nanoseconds hold. */
    uint8_t month;       /**< 1..12. */
    uint8_t day;         /**< 1..31. */
    uint8_t hour;        /**< 0..23. */
    uint8_t minute;      /**< 0..59. */
    uint8_t second;      /**< 0..60; a leap second counts as the second after. */
    uint32_t nanosecond; /**< 0..999999999. */
    int32_t offset_s;    /**< East of UTC, seconds. */
};

/** @brief Days in a month. @param year Any. @param month 1..12. @return 28..31. */
static inline uint8_t tg_civil_month_days(int32_t year, uint8_t month)
{
    const bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (month == 2) {
        return is_leap ? 29 : 28;
    }
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/**
 * @brief Fields to UTC nanoseconds.
 * @param[in]  t        Borrowed.
 * @param[out] time_ns  Written when the result is true.
 * @return false when a field is out of range.
 */
static inline bool tg_civil_ns(const struct tg_civil_time *t, int64_t *time_ns)
{
    if (t->year < 1970 || t->year > 2261 || t->month < 1 || t->month > 12 || t->day < 1 ||
        t->day > tg_civil_month_days(t->year, t->month) || t->hour > 23 || t->minute > 59 ||
        t->second > 60 || t->nanosecond > 999999999 || t->offset_s <= -86400 ||
        t->offset_s >= 86400) {
        return false;
    }
    /* Days by counting the years from March, so that the leap day is the last of its year. */
    const int64_t year = t->year - (t->month <= 2);
    const int64_t of_year = (153 * (t->month + (t->month > 2 ? -3 : 9)) + 2) / 5 + t->day - 1;
    const int64_t days = year * 365 + year / 4 - year / 100 + year / 400 + of_year - 719468;
    const int64_t second = days * 86400 + t->hour * 3600 + t->minute * 60 + t->second - t->offset_s;
    *time_ns = second * INT64_C(1000000000) + t->nanosecond;
    return true;
}

/**
 * @brief Read exactly n digits.
 * @param[in]  text   At least n octets.
 * @param[in]  n      1..9.
 * @param[out] value  Written when the result is true.
 * @return false when one is no digit.
 */
static inline bool tg_civil_digits(const char *text, size_t n, uint32_t *value)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        const unsigned digit = (unsigned)(unsigned char)text[i] - '0';
        if (digit > 9) {
            return false;
        }
        sum = sum * 10 + digit;
    }
    *value = sum;
    return true;
}

/** @brief English month, three letters, any case. @param text 3 octets. @return 1..12; 0 none. */
static inline uint8_t tg_civil_month(const char *text)
{
    static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    const char lower[3] = {(char)(text[0] | 32), (char)(text[1] | 32), (char)(text[2] | 32)};
    for (uint8_t i = 0; i < 12; i++) {
        if (memcmp(names + 3 * i, lower, 3) == 0) {
            return (uint8_t)(i + 1);
        }
    }
    return 0;
}

/**
 * @brief Read a zone: Z, z, UTC, GMT, +hh:mm, +hhmm or +hh.
 * @param[in]  text        Borrowed.
 * @param[in]  text_bytes  What is there.
 * @param[out] offset_s    East of UTC; written when a zone was read.
 * @return Octets read, 0 when there is no zone.
 */
static inline size_t tg_civil_zone(const char *text, size_t text_bytes, int32_t *offset_s)
{
    if (text_bytes >= 1 && (text[0] | 32) == 'z') {
        *offset_s = 0;
        return 1;
    }
    if (text_bytes >= 3 && (memcmp(text, "UTC", 3) == 0 || memcmp(text, "GMT", 3) == 0)) {
        *offset_s = 0;
        return 3;
    }
    uint32_t hours = 0;
    uint32_t minutes = 0;
    if (text_bytes < 3 || (text[0] != '+' && text[0] != '-') ||
        !tg_civil_digits(text + 1, 2, &hours)) {
        return 0;
    }
    size_t used = 3;
    const size_t colon = text_bytes > 3 && text[3] == ':';
    if (text_bytes >= 5 + colon && tg_civil_digits(text + 3 + colon, 2, &minutes)) {
        used = 5 + colon;
    } else if (colon) {
        return 0;
    }
    if (hours > 23 || minutes > 59) {
        return 0;
    }
    const int32_t seconds = (int32_t)(hours * 3600 + minutes * 60);
    *offset_s = text[0] == '-' ? -seconds : seconds;
    return used;
}

/**
 * @brief Read a decimal fraction of a second behind its point.
 * @param[in]  text        Borrowed, behind the point.
 * @param[in]  text_bytes  What is there.
 * @param[out] nanosecond  Written when digits were read; digits after the ninth are read and cut.
 * @return Octets read, 0 when there is no digit.
 */
static inline size_t tg_civil_fraction(const char *text, size_t text_bytes, uint32_t *nanosecond)
{
    uint32_t sum = 0;
    uint32_t place = 100000000;
    size_t used = 0;
    while (used < text_bytes && text[used] >= '0' && text[used] <= '9') {
        sum += (uint32_t)(text[used] - '0') * place;
        place /= 10;
        used++;
    }
    if (used > 0) {
        *nanosecond = sum;
    }
    return used;
}

/**
 * @brief Read RFC 3339 date and time; a space may stand for T, and the zone may be absent.
 * @param[in]  text           Borrowed; not NUL-terminated.
 * @param[in]  text_bytes     All of it must be read.
 * @param[in]  default_s      Zone when none is written, seconds east of UTC.
 * @param[out] time_ns        Written on TG_OK.
 * @return TG_OK, TG_E_SYNTAX (another shape), TG_E_BAD_TIMESTAMP (a field out of range).
 */
static inline enum tg_err tg_civil_rfc3339(const char *text, size_t text_bytes, int32_t default_s,
                                           int64_t *time_ns)
{
    uint32_t year;
    uint32_t month;
    uint32_t day;
    uint32_t hour;
    uint32_t minute;
    uint32_t second;
    struct tg_civil_time t = {.offset_s = default_s};
    if (text_bytes < 19 || !tg_civil_digits(text, 4, &year) || text[4] != '-' ||
        !tg_civil_digits(text + 5, 2, &month) || text[7] != '-' ||
        !tg_civil_digits(text + 8, 2, &day) ||
        (text[10] != 'T' && text[10] != 't' && text[10] != ' ') ||
        !tg_civil_digits(text + 11, 2, &hour) || text[13] != ':' ||
        !tg_civil_digits(text + 14, 2, &minute) || text[16] != ':' ||
        !tg_civil_digits(text + 17, 2, &second)) {
        return TG_E_SYNTAX;
    }
    size_t at = 19;
    if (at < text_bytes && text[at] == '.') {
        const size_t used = tg_civil_fraction(text + at + 1, text_bytes - at - 1, &t.nanosecond);
        if (used == 0) {
            return TG_E_SYNTAX;
        }
        at += 1 + used;
    }
    if (at < text_bytes) {
        at += tg_civil_zone(text + at, text_bytes - at, &t.offset_s);
    }
    if (at != text_bytes) {
        return TG_E_SYNTAX;
    }
    t.year = (int32_t)year;
    t.month = (uint8_t)month;
    t.day = (uint8_t)day;
    t.hour = (uint8_t)hour;
    t.minute = (uint8_t)minute;
    t.second = (uint8_t)second;
    return tg_civil_ns(&t, time_ns) ? TG_OK : TG_E_BAD_TIMESTAMP;
}

#endif
