/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Values of CSV cells: times, durations, quantities, telephone numbers.
 *
 *  Source: RFC 3339, POSIX strftime codes, ITU-T E.164, RFC 3966 5.1.1 (visual separators),
 *          reference rating-semantics 4.2 (prefixes).
 *  Threads: pure. Allocates: never. Cost: one pass over the text.
 */
#ifndef TG_CSV_VALUE_H
#define TG_CSV_VALUE_H

#include "abi/err.h"

#include <stdbool.h>
#include <stdint.h>

#define TG_CSV_PATTERN_BYTES_MAX 64u /**< A time pattern, NUL included. */
#define TG_CSV_CODES_BYTES_MAX   96u /**< Patterns of codes with blanks between, NUL included. */
#define TG_CSV_PREFIX_BYTES_MAX  8u  /**< A dialled prefix or country code, NUL included. */

/** @brief How a time is written. */
enum tg_csv_time_kind {
    TG_CSV_TIME_RFC3339 = 0, /**< Date and time, T or space between; zone may be absent. */
    TG_CSV_TIME_UNIX,        /**< Seconds since 1970, decimals allowed. */
    TG_CSV_TIME_UNIX_MS,     /**< Milliseconds since 1970. */
    TG_CSV_TIME_PATTERN      /**< strftime codes. */
};

/** @brief A time format. */
struct tg_csv_time_format {
    char pattern[TG_CSV_PATTERN_BYTES_MAX]; /**< For TG_CSV_TIME_PATTERN. */
    int32_t utc_offset_s; /**< Zone of times that name none, seconds east of UTC. */
    uint8_t kind;         /**< enum tg_csv_time_kind. */
};

/** @brief What a duration counts. */
enum tg_csv_duration_unit {
    TG_CSV_DURATION_S = 0, /**< Seconds, decimals allowed. */
    TG_CSV_DURATION_MS,    /**< Milliseconds, decimals allowed. */
    TG_CSV_DURATION_US,    /**< Microseconds. */
    TG_CSV_DURATION_HMS    /**< [[h:]m:]s, decimals allowed. */
};

/** @brief How numbers are dialled where the file comes from. */
struct tg_csv_dial_plan {
    char international[TG_CSV_PREFIX_BYTES_MAX]; /**< Before an international number, e.g. 00. */
    char national[TG_CSV_PREFIX_BYTES_MAX];      /**< Before a national number, e.g. 0. */
    char country_code[TG_CSV_PREFIX_BYTES_MAX];  /**< E.164 country code; empty: none is added. */
    char area_code[TG_CSV_PREFIX_BYTES_MAX];     /**< Before subscribers' numbers; may be empty. */
    char short_codes[TG_CSV_CODES_BYTES_MAX];    /**< Numbers that are whole as dialled: "110
                                                      118xx"; x is any digit. */
    char carrier_select[TG_CSV_CODES_BYTES_MAX]; /**< Codes of networks dialled in front of a
                                                      number: "010xx 0100xx". */
    bool bare_is_national; /**< A number without prefix is national; else international. */
};

/** @brief What the file says a number is (ITU-T Q.763 3.9, nature of address; Q.931 4.5.10). */
enum tg_csv_number_type {
    TG_CSV_NUMBER_UNKNOWN = 0,   /**< Prefixes tell. */
    TG_CSV_NUMBER_INTERNATIONAL, /**< Whole: country code first, no prefix. */
    TG_CSV_NUMBER_NATIONAL,      /**< Without country code and national prefix. */
    TG_CSV_NUMBER_SUBSCRIBER     /**< Without area code too. */
};

/** @brief Is this pattern one that tg_csv_time reads? @param pattern NUL-terminated.
 *  @return false for an unknown code, or when year, month or day is missing. */
bool tg_csv_pattern_is_sound(const char *pattern);

/**
 * @brief Read a time.
 * @param[in]  format      Borrowed.
 * @param[in]  text        Borrowed; not NUL-terminated.
 * @param[in]  text_bytes  At least 1.
 * @param[out] time_ns     UTC; written on TG_OK.
 * @return TG_OK or TG_E_BAD_TIMESTAMP.
 */
enum tg_err tg_csv_time(const struct tg_csv_time_format *format, const char *text,
                        uint32_t text_bytes, int64_t *time_ns);

/**
 * @brief Read a duration; below a millisecond it is rounded half up, once.
 * @param[in]  unit         enum tg_csv_duration_unit.
 * @param[in]  text         Borrowed; not NUL-terminated.
 * @param[in]  text_bytes   At least 1.
 * @param[out] duration_ms  Written on TG_OK.
 * @return TG_OK, TG_E_DECODE_SYNTAX, TG_E_NEGATIVE_USAGE, TG_E_OVERFLOW (over 49.7 days).
 */
enum tg_err tg_csv_duration(uint8_t unit, const char *text, uint32_t text_bytes,
                            uint32_t *duration_ms);

/**
 * @brief Read a whole number.
 * @param[in]  text        Borrowed; not NUL-terminated.
 * @param[in]  text_bytes  At least 1.
 * @param[in]  value_max   Most it may be.
 * @param[out] value       Written on TG_OK.
 * @return TG_OK, TG_E_DECODE_SYNTAX, TG_E_NEGATIVE_USAGE, TG_E_OVERFLOW.
 */
enum tg_err tg_csv_count(const char *text, uint32_t text_bytes, uint64_t value_max,
                         uint64_t *value);

/** @brief In tg_csv_money: the text has a decimal point of its own. */
#define TG_CSV_DECIMALS_WRITTEN UINT8_MAX
#define TG_CSV_DECIMALS_MAX     9u /**< Of money written as a whole number. */

/**
 * @brief Read an amount of money exactly.
 * @param[in]  text        Borrowed; not NUL-terminated.
 * @param[in]  text_bytes  At least 1.
 * @param[in]  decimals    0..TG_CSV_DECIMALS_MAX: a whole number of so many decimals (TAP:
 *                         TapDecimalPlaces); TG_CSV_DECIMALS_WRITTEN.
 * @param[in]  scale       Decimals wanted, at most 8.
 * @param[in]  value_max   Most it may be.
 * @param[out] value       At that scale; written on TG_OK.
 * @return TG_OK, TG_E_DECODE_SYNTAX (also more decimals than the scale holds: nothing is rounded),
 *         TG_E_NEGATIVE_USAGE, TG_E_OVERFLOW.
 */
enum tg_err tg_csv_money(const char *text, uint32_t text_bytes, uint8_t decimals, uint8_t scale,
                         uint64_t value_max, uint64_t *value);

/**
 * @brief Bring a telephone number into E.164 digits.
 *
 * A plus or the international prefix is taken off; else the national prefix is replaced by the
 * country code; else the number is taken as dial->bare_is_national says. Visual separators are
 * left out. Where the file says the type, prefixes are not looked for.
 * @param[in]  dial        Borrowed.
 * @param[in]  type        enum tg_csv_number_type.
 * @param[in]  text        Borrowed; not NUL-terminated.
 * @param[in]  text_bytes  At least 1.
 * @param[out] key         Packed digits (abi/key.h); written on TG_OK.
 * @return TG_OK or TG_E_BAD_NUMBER: other characters, no digits, or more than 15; a type that needs
 *         a country code where the plan has none.
 */
enum tg_err tg_csv_number(const struct tg_csv_dial_plan *dial, uint8_t type, const char *text,
                          uint32_t text_bytes, uint64_t *key);

#endif
