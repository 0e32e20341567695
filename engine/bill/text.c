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

void tg_bill_text_add(struct tg_bill_text *text, const char *format, ...)
{
    if (text->is_full) {
        return;
    }
    const size_t left = text->capacity_bytes - text->length_bytes;
    va_list args;
    va_start(args, format);
    const int wanted = vsnprintf(text->bytes + text->length_bytes, left, format, args);
    va_end(args);
    if (wanted < 0 || (size_t)wanted >= left) {
        text->bytes[text->length_bytes] = '\0';
        text->is_full = true;
        return;
    }
    text->length_bytes += (size_t)wanted;
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

void tg_bill_text_money(struct tg_bill_text *text, __int128 amount, uint8_t scale, uint8_t minor)
{
    assert(scale <= 18 && minor <= scale);
    const bool is_negative = amount < 0;
    unsigned __int128 left = is_negative ? -(unsigned __int128)amount : (unsigned __int128)amount;
    char digits[48]; /* Right to left: 39 digits, a point, a sign. */
    size_t at = sizeof digits;
    bool shows = false;
    for (unsigned decimal = scale; decimal > 0; decimal--) {
        const char digit = (char)('0' + (int)(left % 10));
        left /= 10;
        shows = shows || digit != '0' || decimal <= minor;
        if (shows) {
            digits[--at] = digit;
        }
    }
    if (shows) {
        digits[--at] = '.';
    }
    do {
        digits[--at] = (char)('0' + (int)(left % 10));
        left /= 10;
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
