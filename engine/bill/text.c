/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/text.h"

#include "base/clock.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct tg_bill_text tg_bill_text(char *bytes, size_t capacity_bytes)
{
    assert(capacity_bytes >= 1);
    bytes[0] = '\0';
    return (struct tg_bill_text){.bytes = bytes, .capacity_bytes = capacity_bytes};
}

static void text_append(struct tg_bill_text *text, const char *bytes, size_t count)
{
    if (text->is_full || text->capacity_bytes - text->length_bytes <= count) {
        text->is_full = true;
        return;
    }
    memcpy(text->bytes + text->length_bytes, bytes, count);
    text->length_bytes += count;
    text->bytes[text->length_bytes] = '\0';
}

/* Only %s, %u and %llu? Then it is done here: an invoice is some five hundred such pieces, and
 * vsnprintf's set-up for each took half the time of issuing it. */
static bool is_simple(const char *format)
{
    for (const char *at = strchr(format, '%'); at != NULL; at = strchr(at, '%')) {
        at++;
        if (*at == 's' || *at == 'u') {
            at++;
        } else if (strncmp(at, "llu", 3) == 0) {
            at += 3;
        } else {
            return false;
        }
    }
    return true;
}

static void add_number(struct tg_bill_text *text, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + (int)(number % 10));
        number /= 10;
    } while (number != 0);
    text_append(text, digits + at, sizeof digits - at);
}

static void add_simple(struct tg_bill_text *text, const char *format, va_list args)
{
    for (;;) {
        const char *mark = strchr(format, '%');
        if (mark == NULL) {
            text_append(text, format, strlen(format));
            return;
        }
        text_append(text, format, (size_t)(mark - format));
        if (mark[1] == 's') {
            const char *value = va_arg(args, const char *);
            text_append(text, value, strlen(value));
            format = mark + 2;
        } else if (mark[1] == 'u') {
            add_number(text, va_arg(args, unsigned));
            format = mark + 2;
        } else {
            add_number(text, va_arg(args, unsigned long long));
            format = mark + 4;
        }
    }
}

void tg_bill_text_add(struct tg_bill_text *text, const char *format, ...)
{
    if (text->is_full) {
        return;
    }
    const size_t left = text->capacity_bytes - text->length_bytes;
    const size_t before = text->length_bytes;
    va_list args;
    va_start(args, format);
    if (is_simple(format)) {
        add_simple(text, format, args);
    } else {
        const int wanted = vsnprintf(text->bytes + text->length_bytes, left, format, args);
        text->is_full = wanted < 0 || (size_t)wanted >= left;
        text->length_bytes += text->is_full ? 0 : (size_t)wanted;
    }
    va_end(args);
    if (text->is_full) { /* All of a piece or nothing of it. */
        text->length_bytes = before;
        text->bytes[before] = '\0';
    }
}

/* Length of the valid UTF-8 sequence at `at`, 0 when there is none (RFC 3629 section 4). */
static size_t utf8_length(const unsigned char *at)
{
    if (at[0] < 0x80) {
        return 1;
    }
    const size_t length = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] < 0xc2 || at[0] > 0xf4) {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    const bool is_overlong = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xf0 && at[1] < 0x90);
    const bool is_surrogate = at[0] == 0xed && at[1] > 0x9f;
    const bool is_beyond = at[0] == 0xf4 && at[1] > 0x8f;
    return is_overlong || is_surrogate || is_beyond ? 0 : length;
}

void tg_bill_text_quote(struct tg_bill_text *text, const char *value)
{
    text_append(text, "\"", 1);
    const unsigned char *at = (const unsigned char *)value;
    while (*at != '\0') {
        size_t plain = 0;
        while (at[plain] >= 0x20 && at[plain] < 0x7f && at[plain] != '"' && at[plain] != '\\') {
            plain++;
        }
        if (plain > 0) {
            text_append(text, (const char *)at, plain);
            at += plain;
            continue;
        }
        const size_t length = utf8_length(at);
        if (length == 0) {
            text_append(text, "\xef\xbf\xbd", 3);
            at++;
        } else if (*at == '"' || *at == '\\') {
            const char pair[2] = {'\\', (char)*at};
            text_append(text, pair, 2);
            at++;
        } else if (*at < 0x20 || *at == 0x7f) {
            tg_bill_text_add(text, "\\u%04x", *at);
            at++;
        } else {
            text_append(text, (const char *)at, length);
            at += length;
        }
    }
    text_append(text, "\"", 1);
}

/* A 128-bit division is a call of 20 ns; nearly every amount fits 64. */
static unsigned digit_take(unsigned __int128 *left)
{
    if (*left <= UINT64_MAX) {
        const uint64_t low = (uint64_t)*left;
        *left = low / 10;
        return (unsigned)(low % 10);
    }
    const unsigned digit = (unsigned)(*left % 10);
    *left /= 10;
    return digit;
}

void tg_bill_text_money(struct tg_bill_text *text, __int128 amount, uint8_t scale, uint8_t minor)
{
    assert(scale <= 18 && minor <= scale);
    const bool is_negative = amount < 0;
    unsigned __int128 left = is_negative ? -(unsigned __int128)amount : (unsigned __int128)amount;
    char digits[48]; /* Right to left: 39 digits, a point, a sign. */
    size_t at = sizeof digits;
    bool shows = false;
    for (unsigned decimal = scale; decimal > 0; decimal--) {
        const char digit = (char)('0' + (int)digit_take(&left));
        shows = shows || digit != '0' || decimal <= minor;
        if (shows) {
            digits[--at] = digit;
        }
    }
    if (shows) {
        digits[--at] = '.';
    }
    do {
        digits[--at] = (char)('0' + (int)digit_take(&left));
    } while (left != 0);
    if (is_negative) {
        digits[--at] = '-';
    }
    text_append(text, digits + at, sizeof digits - at);
}

void tg_bill_text_time(struct tg_bill_text *text, int64_t time_ns)
{
    char stamp[TG_CLOCK_TEXT_BYTES];
    const size_t length = tg_clock_format(time_ns, stamp);
    text_append(text, stamp, length);
}
