/* SPDX-License-Identifier: Apache-2.0 */
#include "doc/scalar.h"

#include "base/clock.h"
#include "base/money.h"

#include <arpa/inet.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits from *at on; false when there are none or they do not fit. */
static enum tg_err digits_read(const char *text, size_t text_bytes, size_t *at, int64_t *value)
{
    const size_t start = *at;
    int64_t sum = 0;
    while (*at < text_bytes && is_digit(text[*at])) {
        if (__builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_add_overflow(sum, text[*at] - '0', &sum)) {
            return TG_E_OVERFLOW;
        }
        (*at)++;
        const bool separator = *at + 1 < text_bytes && text[*at] == '_' && is_digit(text[*at + 1]);
        *at += separator ? 1 : 0;
    }
    *value = sum;
    return *at > start ? TG_OK : TG_E_SYNTAX;
}

enum tg_err tg_scalar_integer(const char *text, size_t text_bytes, int64_t *value)
{
    size_t at = text_bytes > 0 && text[0] == '-' ? 1 : 0;
    const bool negative = at == 1;
    int64_t sum = 0;
    const enum tg_err err = digits_read(text, text_bytes, &at, &sum);
    if (err != TG_OK) {
        return err;
    }
    if (at != text_bytes) {
        return TG_E_SYNTAX;
    }
    *value = negative ? -sum : sum;
    return TG_OK;
}

enum tg_err tg_scalar_bool(const char *text, size_t text_bytes, bool *value)
{
    const bool yes = text_bytes == 4 && memcmp(text, "true", 4) == 0;
    const bool no = text_bytes == 5 && memcmp(text, "false", 5) == 0;
    if (!yes && !no) {
        return TG_E_SYNTAX;
    }
    *value = yes;
    return TG_OK;
}

struct scalar_unit {
    const char *name;
    int64_t factor;
};

static const struct scalar_unit size_units[] = {
    {"B", 1},
    {"kB", 1000},
    {"MB", 1000000},
    {"GB", 1000000000},
    {"TB", INT64_C(1000000000000)},
    {"KiB", 1024},
    {"MiB", 1048576},
    {"GiB", 1073741824},
    {"TiB", INT64_C(1099511627776)},
};

static const struct scalar_unit duration_units[] = {
    {"ns", 1},
    {"us", 1000},
    {"ms", TG_NS_PER_MS},
    {"s", TG_NS_PER_S},
    {"min", 60 * TG_NS_PER_S},
    {"h", TG_NS_PER_HOUR},
    {"d", TG_NS_PER_DAY},
};

/* Factor of the unit that is exactly these bytes, 0 when there is none. */
static int64_t unit_factor(const struct scalar_unit *units, size_t units_count, const char *text,
                           size_t text_bytes)
{
    for (size_t i = 0; i < units_count; i++) {
        if (strlen(units[i].name) == text_bytes && memcmp(units[i].name, text, text_bytes) == 0) {
            return units[i].factor;
        }
    }
    return 0;
}

enum tg_err tg_scalar_size(const char *text, size_t text_bytes, int64_t *size_bytes)
{
    size_t at = 0;
    int64_t number = 0;
    const enum tg_err err = digits_read(text, text_bytes, &at, &number);
    if (err != TG_OK) {
        return err;
    }
    if (at == text_bytes) {
        *size_bytes = number;
        return TG_OK;
    }
    at += text[at] == ' ' ? 1 : 0;
    const int64_t factor = unit_factor(size_units, sizeof size_units / sizeof size_units[0],
                                       text + at, text_bytes - at);
    if (factor == 0) {
        return TG_E_SYNTAX;
    }
    return __builtin_mul_overflow(number, factor, size_bytes) ? TG_E_OVERFLOW : TG_OK;
}

enum tg_err tg_scalar_duration(const char *text, size_t text_bytes, int64_t *duration_ns)
{
    if (text_bytes == 1 && text[0] == '0') {
        *duration_ns = 0;
        return TG_OK;
    }
    int64_t sum = 0;
    size_t at = 0;
    do {
        int64_t number = 0;
        const enum tg_err err = digits_read(text, text_bytes, &at, &number);
        if (err != TG_OK) {
            return err;
        }
        size_t unit_end = at;
        while (unit_end < text_bytes && !is_digit(text[unit_end])) {
            unit_end++;
        }
        const int64_t factor =
            unit_factor(duration_units, sizeof duration_units / sizeof duration_units[0], text + at,
                        unit_end - at);
        if (factor == 0) {
            return TG_E_SYNTAX;
        }
        if (__builtin_mul_overflow(number, factor, &number) ||
            __builtin_add_overflow(sum, number, &sum)) {
            return TG_E_OVERFLOW;
        }
        at = unit_end;
    } while (at < text_bytes);
    *duration_ns = sum;
    return TG_OK;
}

enum tg_err tg_scalar_percent(const char *text, size_t text_bytes, int64_t *rate_ppm)
{
    if (text_bytes < 2 || text[text_bytes - 1] != '%') {
        return TG_E_SYNTAX;
    }
    /* One percent is 10^4 ppm, so four decimals of a percentage are exact. */
    return tg_money_parse(text, text_bytes - 1, 4, rate_ppm);
}

enum tg_err tg_scalar_listen(const char *text, size_t text_bytes, uint8_t address[16],
                             uint16_t *port)
{
    const char *colon = NULL;
    for (size_t i = text_bytes; i > 0 && colon == NULL; i--) {
        colon = text[i - 1] == ':' ? &text[i - 1] : NULL;
    }
    if (colon == NULL) {
        return TG_E_SYNTAX;
    }
    const size_t host_bytes = (size_t)(colon - text);
    int64_t number = 0;
    size_t at = host_bytes + 1;
    if (digits_read(text, text_bytes, &at, &number) != TG_OK || at != text_bytes ||
        number > 65535) {
        return TG_E_SYNTAX;
    }
    char host[64] = "127.0.0.1";
    const bool bracketed = host_bytes >= 2 && text[0] == '[' && text[host_bytes - 1] == ']';
    const size_t skip = bracketed ? 1 : 0;
    if (host_bytes - 2 * skip >= sizeof host) {
        return TG_E_SYNTAX;
    }
    if (host_bytes > 0) {
        memcpy(host, text + skip, host_bytes - 2 * skip);
        host[host_bytes - 2 * skip] = '\0';
    }
    uint8_t bytes[16] = {0};
    if (bracketed) {
        if (inet_pton(AF_INET6, host, bytes) != 1) {
            return TG_E_SYNTAX;
        }
    } else {
        bytes[10] = bytes[11] = 0xff;
        if (inet_pton(AF_INET, host, bytes + 12) != 1) {
            return TG_E_SYNTAX;
        }
    }
    memcpy(address, bytes, sizeof bytes);
    *port = (uint16_t)number;
    return TG_OK;
}

bool tg_scalar_is_name(const char *text, size_t text_bytes)
{
    if (text_bytes == 0 || text_bytes > 63) {
        return false;
    }
    for (size_t i = 0; i < text_bytes; i++) {
        const char c = text[i];
        const bool alnum = is_digit(c) || (c >= 'a' && c <= 'z');
        if (!alnum && (i == 0 || (c != '_' && c != '.' && c != '-'))) {
            return false;
        }
    }
    return true;
}
