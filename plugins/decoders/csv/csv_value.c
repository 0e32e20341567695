/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Values of CSV cells; csv_value.h is the manual.
 *
 *  No strptime, strtod or locale: they read what the host's locale says, and the same file has to
 *  mean the same on every machine.
 */
#include "csv_value.h"

#include "abi/key.h"
#include "lib/civil.h"

#include <string.h>

#define NS_PER_S   INT64_C(1000000000)
#define TIME_S_MAX UINT64_C(9214646399) /* 2261-12-31T23:59:59Z, as in lib/civil.h. */
#define NUMBER_MAX 32u /* Digits looked at; 15 may remain after prefixes (E.164). */

/* A time being read by a pattern. */
struct pattern_reader {
    const char *at;
    const char *end;
    struct tg_civil_time time;
    bool is_afternoon;
    bool has_half; /* %p was read: hours are 1..12. */
    bool has_unix;
    int64_t unix_ns;
};

static bool read_code(struct pattern_reader *r, char code);
static bool read_digits(struct pattern_reader *r, unsigned digits_max, uint32_t *value);
static enum tg_err read_pattern(const struct tg_csv_time_format *format, const char *text,
                                uint32_t text_bytes, int64_t *time_ns);
static enum tg_err read_unix(const char *text, uint32_t text_bytes, uint64_t per_second,
                             int64_t *time_ns);
static enum tg_err read_decimal(const char *text, uint32_t text_bytes, uint64_t scale,
                                uint64_t *value);
static bool starts_with(const char *text, uint32_t text_bytes, const char *prefix);
static uint32_t code_length(const char *codes, const char *digits, uint32_t count, bool is_whole);

/* Codes that fill year, month and day, and all that are known. */
static const char codes_known[] = "YymdeHMSbfzTFsIp%";

bool tg_csv_pattern_is_sound(const char *pattern)
{
    bool has_year = false;
    bool has_month = false;
    bool has_day = false;
    for (const char *at = pattern; *at != '\0'; at++) {
        if (*at != '%') {
            continue;
        }
        at++;
        if (*at == '\0' || strchr(codes_known, *at) == NULL) {
            return false;
        }
        has_year = has_year || strchr("YyFs", *at) != NULL;
        has_month = has_month || strchr("mbFs", *at) != NULL;
        has_day = has_day || strchr("deFs", *at) != NULL;
    }
    return has_year && has_month && has_day;
}

enum tg_err tg_csv_time(const struct tg_csv_time_format *format, const char *text,
                        uint32_t text_bytes, int64_t *time_ns)
{
    switch (format->kind) {
    case TG_CSV_TIME_UNIX:
        return read_unix(text, text_bytes, 1, time_ns);
    case TG_CSV_TIME_UNIX_MS:
        return read_unix(text, text_bytes, 1000, time_ns);
    case TG_CSV_TIME_PATTERN:
        return read_pattern(format, text, text_bytes, time_ns);
    default:
        return tg_civil_rfc3339(text, text_bytes, format->utc_offset_s, time_ns) == TG_OK
                   ? TG_OK
                   : TG_E_BAD_TIMESTAMP;
    }
}

enum tg_err tg_csv_duration(uint8_t unit, const char *text, uint32_t text_bytes,
                            uint32_t *duration_ms)
{
    /* Everything is counted in microseconds and rounded once, at the end. */
    static const uint64_t scales[] = {
        [TG_CSV_DURATION_S] = 1000000, [TG_CSV_DURATION_MS] = 1000, [TG_CSV_DURATION_US] = 1};
    uint64_t total_us = 0;
    const char *at = text;
    const char *end = text + text_bytes;
    unsigned colons = 0;
    while (unit == TG_CSV_DURATION_HMS) {
        const char *colon = memchr(at, ':', (size_t)(end - at));
        uint64_t value = 0;
        if (colon == NULL) {
            break;
        }
        if (++colons > 2 || colon == at) {
            return TG_E_DECODE_SYNTAX;
        }
        const enum tg_err err = read_decimal(at, (uint32_t)(colon - at), 1, &value);
        if (err != TG_OK) {
            return err;
        }
        total_us = (total_us + value) * 60;
        if (total_us > UINT32_MAX) {
            return TG_E_OVERFLOW;
        }
        at = colon + 1;
    }
    const uint64_t scale = unit == TG_CSV_DURATION_HMS ? 1000000 : scales[unit];
    uint64_t rest_us = 0;
    const enum tg_err err = read_decimal(at, (uint32_t)(end - at), scale, &rest_us);
    if (err != TG_OK) {
        return err;
    }
    if (colons > 0 && rest_us >= 60 * UINT64_C(1000000)) {
        return TG_E_DECODE_SYNTAX;
    }
    const uint64_t ms = (total_us * 1000000 + rest_us + 500) / 1000;
    if (ms > UINT32_MAX) {
        return TG_E_OVERFLOW;
    }
    *duration_ms = (uint32_t)ms;
    return TG_OK;
}

enum tg_err tg_csv_count(const char *text, uint32_t text_bytes, uint64_t value_max, uint64_t *value)
{
    uint64_t read = 0;
    const char *point = memchr(text, '.', text_bytes);
    if (point != NULL) {
        return TG_E_DECODE_SYNTAX;
    }
    const enum tg_err err = read_decimal(text, text_bytes, 1, &read);
    if (err == TG_OK && read > value_max) {
        return TG_E_OVERFLOW;
    }
    *value = err == TG_OK ? read : 0;
    return err;
}

enum tg_err tg_csv_money(const char *text, uint32_t text_bytes, uint8_t decimals, uint8_t scale,
                         uint64_t value_max, uint64_t *value)
{
    const bool is_whole = decimals != TG_CSV_DECIMALS_WRITTEN;
    bool has_point = false;
    uint32_t digits_count = 0;
    uint32_t places = is_whole ? decimals : 0;
    uint64_t sum = 0;
    if (text_bytes > 0 && text[0] == '-') {
        return TG_E_NEGATIVE_USAGE;
    }
    for (uint32_t i = 0; i < text_bytes; i++) {
        if (text[i] == '.' && !is_whole && !has_point) {
            has_point = true;
            continue;
        }
        if (text[i] < '0' || text[i] > '9') {
            return TG_E_DECODE_SYNTAX;
        }
        if (__builtin_mul_overflow(sum, 10u, &sum) ||
            __builtin_add_overflow(sum, (uint64_t)(text[i] - '0'), &sum)) {
            return TG_E_OVERFLOW;
        }
        digits_count++;
        places += has_point;
    }
    if (digits_count == 0) {
        return TG_E_DECODE_SYNTAX;
    }
    for (; places < scale; places++) {
        if (__builtin_mul_overflow(sum, 10u, &sum)) {
            return TG_E_OVERFLOW;
        }
    }
    for (; places > scale; places--) {
        if (sum % 10 != 0) {
            return TG_E_DECODE_SYNTAX; /* what cannot be kept exactly is not kept at all */
        }
        sum /= 10;
    }
    *value = sum;
    return sum > value_max ? TG_E_OVERFLOW : TG_OK;
}

enum tg_err tg_csv_number(const struct tg_csv_dial_plan *dial, uint8_t type, const char *text,
                          uint32_t text_bytes, uint64_t *key)
{
    char digits[NUMBER_MAX];
    uint32_t count = 0;
    bool is_international = false;
    for (uint32_t i = 0; i < text_bytes; i++) {
        if (text[i] == '+' && count == 0 && !is_international) {
            is_international = true;
        } else if (text[i] >= '0' && text[i] <= '9' && count < NUMBER_MAX) {
            digits[count++] = text[i];
        } else if (memchr(" -.()/", text[i], 6) == NULL) {
            return TG_E_BAD_NUMBER;
        }
    }
    const char *first = digits;
    const char *end = digits + count;
    if (!is_international && type == TG_CSV_NUMBER_UNKNOWN) {
        first += code_length(dial->carrier_select, first, count, false);
        count = (uint32_t)(end - first);
    }
    if (!is_international && type != TG_CSV_NUMBER_INTERNATIONAL &&
        code_length(dial->short_codes, first, count, true) != 0) {
        return tg_digits_pack(first, count, key) ? TG_OK : TG_E_BAD_NUMBER;
    }
    const char *added = "";
    const char *area = "";
    if (type != TG_CSV_NUMBER_UNKNOWN) {
        const bool is_whole = is_international || type == TG_CSV_NUMBER_INTERNATIONAL;
        if (!is_whole && dial->country_code[0] == '\0') {
            return TG_E_BAD_NUMBER; /* of which country, nobody says */
        }
        added = is_whole ? "" : dial->country_code;
        area = !is_whole && type == TG_CSV_NUMBER_SUBSCRIBER ? dial->area_code : "";
    } else if (!is_international && starts_with(first, count, dial->international)) {
        first += strlen(dial->international);
    } else if (!is_international && dial->country_code[0] != '\0') {
        if (starts_with(first, count, dial->national)) {
            first += strlen(dial->national);
            added = dial->country_code;
        } else if (dial->bare_is_national) {
            added = dial->country_code;
        }
    }
    count = (uint32_t)(end - first);
    char whole[NUMBER_MAX + 2 * TG_CSV_PREFIX_BYTES_MAX];
    const uint32_t country_count = (uint32_t)strlen(added);
    const uint32_t added_count = country_count + (uint32_t)strlen(area);
    memcpy(whole, added, country_count);
    memcpy(whole + country_count, area, added_count - country_count);
    memcpy(whole + added_count, first, count);
    return count > 0 && tg_digits_pack(whole, added_count + count, key) ? TG_OK : TG_E_BAD_NUMBER;
}

/* Digits of the longest code that the number begins with, or is; 0: none. */
static uint32_t code_length(const char *codes, const char *digits, uint32_t count, bool is_whole)
{
    uint32_t longest = 0;
    while (*codes != '\0') {
        const uint32_t length = (uint32_t)strcspn(codes, " ");
        bool is_same = is_whole ? length == count : length < count;
        for (uint32_t i = 0; is_same && i < length; i++) {
            is_same = codes[i] == 'x' || codes[i] == digits[i];
        }
        longest = is_same && length > longest ? length : longest;
        codes += length + (codes[length] == ' ');
    }
    return longest;
}

static enum tg_err read_pattern(const struct tg_csv_time_format *format, const char *text,
                                uint32_t text_bytes, int64_t *time_ns)
{
    struct pattern_reader r = {.at = text, .end = text + text_bytes};
    r.time.offset_s = format->utc_offset_s;
    for (const char *p = format->pattern; *p != '\0'; p++) {
        if (*p == '%' && p[1] != '%') {
            p++;
            if (!read_code(&r, *p)) {
                return TG_E_BAD_TIMESTAMP;
            }
            continue;
        }
        p += *p == '%';
        if (r.at == r.end || *r.at != *p) {
            return TG_E_BAD_TIMESTAMP;
        }
        r.at++;
        while (*p == ' ' && r.at < r.end && *r.at == ' ') {
            r.at++;
        }
    }
    if (r.has_half) {
        if (r.time.hour < 1 || r.time.hour > 12) {
            return TG_E_BAD_TIMESTAMP;
        }
        r.time.hour = (uint8_t)(r.time.hour % 12 + (r.is_afternoon ? 12 : 0));
    }
    if (r.at != r.end) {
        return TG_E_BAD_TIMESTAMP;
    }
    if (r.has_unix) {
        *time_ns = r.unix_ns;
        return TG_OK;
    }
    return tg_civil_ns(&r.time, time_ns) ? TG_OK : TG_E_BAD_TIMESTAMP;
}

static bool read_code(struct pattern_reader *r, char code)
{
    uint32_t value = 0;
    const size_t left = (size_t)(r->end - r->at);
    switch (code) {
    case 'Y':
        r->time.year = left >= 4 && read_digits(r, 4, &value) ? (int32_t)value : 0;
        return r->time.year != 0;
    case 'y': /* POSIX strptime: 69..99 are the last century. */
        r->time.year =
            read_digits(r, 2, &value) ? (int32_t)(value + (value < 69 ? 2000 : 1900)) : 0;
        return r->time.year != 0;
    case 'm':
        r->time.month = read_digits(r, 2, &value) ? (uint8_t)value : 0;
        return r->time.month != 0;
    case 'b':
        r->time.month = left >= 3 ? tg_civil_month(r->at) : 0;
        r->at += r->time.month != 0 ? 3 : 0;
        return r->time.month != 0;
    case 'e':
        r->at += left > 0 && *r->at == ' ';
        /* fallthrough */
    case 'd':
        r->time.day = read_digits(r, 2, &value) ? (uint8_t)value : 0;
        return r->time.day != 0;
    case 'H':
    case 'I':
        r->time.hour = read_digits(r, 2, &value) ? (uint8_t)value : UINT8_MAX;
        return r->time.hour <= 23;
    case 'M':
        r->time.minute = read_digits(r, 2, &value) ? (uint8_t)value : UINT8_MAX;
        return r->time.minute <= 59;
    case 'S':
        r->time.second = read_digits(r, 2, &value) ? (uint8_t)value : UINT8_MAX;
        return r->time.second <= 60;
    case 'f': {
        const size_t used = tg_civil_fraction(r->at, left, &r->time.nanosecond);
        r->at += used;
        return used > 0;
    }
    case 'z': {
        const size_t used = tg_civil_zone(r->at, left, &r->time.offset_s);
        r->at += used;
        return used > 0;
    }
    case 'p':
        r->has_half = true;
        r->is_afternoon = left >= 2 && (r->at[0] | 32) == 'p';
        r->at += left >= 2 ? 2 : 0;
        return left >= 2 && (r->at[-1] | 32) == 'm' && strchr("apAP", r->at[-2]) != NULL;
    case 'T':
        return read_code(r, 'H') && r->at < r->end && *r->at++ == ':' && read_code(r, 'M') &&
               r->at < r->end && *r->at++ == ':' && read_code(r, 'S');
    case 'F':
        return read_code(r, 'Y') && r->at < r->end && *r->at++ == '-' && read_code(r, 'm') &&
               r->at < r->end && *r->at++ == '-' && read_code(r, 'd');
    default: { /* s */
        const char *first = r->at;
        while (r->at < r->end && *r->at >= '0' && *r->at <= '9') {
            r->at++;
        }
        r->has_unix =
            r->at > first && read_unix(first, (uint32_t)(r->at - first), 1, &r->unix_ns) == TG_OK;
        return r->has_unix;
    }
    }
}

/* One to digits_max digits, as strptime reads them. */
static bool read_digits(struct pattern_reader *r, unsigned digits_max, uint32_t *value)
{
    unsigned count = 0;
    while (count < digits_max && r->at + count < r->end && r->at[count] >= '0' &&
           r->at[count] <= '9') {
        count++;
    }
    if (count == 0 || !tg_civil_digits(r->at, count, value)) {
        return false;
    }
    r->at += count;
    return true;
}

static enum tg_err read_unix(const char *text, uint32_t text_bytes, uint64_t per_second,
                             int64_t *time_ns)
{
    uint64_t value = 0;
    const uint64_t scale = (uint64_t)NS_PER_S / per_second;
    if (read_decimal(text, text_bytes, scale, &value) != TG_OK ||
        value > TIME_S_MAX * (uint64_t)NS_PER_S) {
        return TG_E_BAD_TIMESTAMP;
    }
    *time_ns = (int64_t)value;
    return TG_OK;
}

/* digits[.digits] times scale; digits below the scale's last place are cut, which is why durations
 * are read a thousand times finer than they are kept. */
static enum tg_err read_decimal(const char *text, uint32_t text_bytes, uint64_t scale,
                                uint64_t *value)
{
    const bool is_negative = text_bytes > 1 && text[0] == '-';
    uint64_t whole = 0;
    uint64_t part = 0;
    uint64_t place = scale;
    uint32_t at = is_negative;
    const uint32_t first = at;
    while (at < text_bytes && text[at] >= '0' && text[at] <= '9') {
        if (whole > UINT64_MAX / 10 / scale - 1) {
            return TG_E_OVERFLOW;
        }
        whole = whole * 10 + (uint64_t)(text[at] - '0');
        at++;
    }
    const bool has_digits = at > first;
    if (at < text_bytes && text[at] == '.') {
        at++;
        if (at == text_bytes) {
            return TG_E_DECODE_SYNTAX;
        }
        for (; at < text_bytes && text[at] >= '0' && text[at] <= '9'; at++) {
            place /= 10;
            part += (uint64_t)(text[at] - '0') * place;
        }
    }
    if (!has_digits || at != text_bytes) {
        return TG_E_DECODE_SYNTAX;
    }
    *value = whole * scale + part;
    return is_negative && *value > 0 ? TG_E_NEGATIVE_USAGE : TG_OK;
}

static bool starts_with(const char *text, uint32_t text_bytes, const char *prefix)
{
    const size_t length = strlen(prefix);
    return length > 0 && text_bytes >= length && memcmp(text, prefix, length) == 0;
}
