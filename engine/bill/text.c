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

void tg_bill_text_number(struct tg_bill_text *text, const char *number)
{
    text->number_at = text->length_bytes;
    tg_bill_text_put(text, number, strlen(number));
}

static void add_spaces(struct tg_bill_text *text, size_t count)
{
    static const char spaces[] = "                                                                ";
    while (count > 0) {
        const size_t part = count < sizeof spaces - 1 ? count : sizeof spaces - 1;
        tg_bill_text_put(text, spaces, part);
        count -= part;
    }
}

void tg_bill_text_cell(struct tg_bill_text *text, const char *value, size_t width, bool is_right)
{
    const size_t length = is_right ? strlen(value) : strnlen(value, width);
    const size_t missing = length < width ? width - length : 0;
    if (is_right) {
        add_spaces(text, missing);
    }
    tg_bill_text_put(text, value, length);
    if (!is_right) {
        add_spaces(text, missing);
    }
}

void tg_bill_text_count(struct tg_bill_text *text, uint64_t number, unsigned least)
{
    char digits[20];
    size_t at = sizeof digits;
    assert(least <= sizeof digits);
    do {
        digits[--at] = (char)('0' + (int)(number % 10));
        number /= 10;
    } while (number != 0 || sizeof digits - at < least);
    tg_bill_text_put(text, digits + at, sizeof digits - at);
}

/* %s, %u and %llu are done here, since an invoice is some hundred such pieces and vsnprintf's
 * set-up for each took half the time of issuing it. Returns where something else begins, NULL when
 * nothing does; a piece is given up as a whole by the caller. */
static const char *add_simple(struct tg_bill_text *text, const char *format, va_list *args)
{
    for (;;) {
        const char *mark = strchr(format, '%');
        if (mark == NULL) {
            tg_bill_text_put(text, format, strlen(format));
            return NULL;
        }
        tg_bill_text_put(text, format, (size_t)(mark - format));
        if (mark[1] == 's') {
            const char *value = va_arg(*args, const char *);
            tg_bill_text_put(text, value, strlen(value));
            format = mark + 2;
        } else if (mark[1] == 'u') {
            tg_bill_text_count(text, va_arg(*args, unsigned), 1);
            format = mark + 2;
        } else if (mark[1] == 'l' && mark[2] == 'l' && mark[3] == 'u') {
            tg_bill_text_count(text, va_arg(*args, unsigned long long), 1);
            format = mark + 4;
        } else {
            return mark;
        }
    }
}

void tg_bill_text_add(struct tg_bill_text *text, const char *format, ...)
{
    if (text->is_full) {
        return;
    }
    const size_t before = text->length_bytes;
    va_list args;
    va_start(args, format);
    const char *rest = add_simple(text, format, &args);
    if (rest != NULL && !text->is_full) {
        const size_t left = text->capacity_bytes - text->length_bytes;
        const int wanted = vsnprintf(text->bytes + text->length_bytes, left, rest, args);
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
static size_t utf8_length(const unsigned char *at, size_t left)
{
    if (at[0] < 0x80) {
        return 1;
    }
    const size_t length = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] < 0xc2 || at[0] > 0xf4 || length > left) {
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

static void escape_one(struct tg_bill_text *text, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *named = strchr("\"\"\\\\\nn\tt\rr", c);
    if (c != 0 && named != NULL) {
        const char pair[2] = {'\\', named[1]};
        tg_bill_text_put(text, pair, 2);
        return;
    }
    const char coded[6] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
    tg_bill_text_put(text, coded, sizeof coded);
}

/* What stands inside a JSON string. */
static void add_escaped(struct tg_bill_text *text, const char *value, size_t count)
{
    const unsigned char *at = (const unsigned char *)value;
    const unsigned char *const end = at + count;
    while (at < end) {
        const unsigned char *plain = at;
        while (plain < end && *plain >= 0x20 && *plain < 0x7f && *plain != '"' && *plain != '\\') {
            plain++;
        }
        tg_bill_text_put(text, (const char *)at, (size_t)(plain - at));
        at = plain;
        if (at == end) {
            return;
        }
        const size_t length = utf8_length(at, (size_t)(end - at));
        if (length == 0) {
            tg_bill_text_put(text, "\xef\xbf\xbd", 3);
            at++;
        } else if (length == 1) {
            escape_one(text, *at++);
        } else {
            tg_bill_text_put(text, (const char *)at, length);
            at += length;
        }
    }
}

void tg_bill_text_quote(struct tg_bill_text *text, const char *value)
{
    tg_bill_text_put(text, "\"", 1);
    add_escaped(text, value, strlen(value));
    tg_bill_text_put(text, "\"", 1);
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
    tg_bill_text_put(text, digits + at, sizeof digits - at);
}

void tg_bill_text_time(struct tg_bill_text *text, int64_t time_ns)
{
    struct tg_civil civil;
    tg_clock_to_civil(time_ns, &civil);
    if (civil.nanosecond != 0 || civil.year < 0 || civil.year > 9999) {
        char stamp[TG_CLOCK_TEXT_BYTES];
        const size_t length = tg_clock_format(time_ns, stamp);
        tg_bill_text_put(text, stamp, length);
        return;
    }
    tg_bill_text_count(text, (uint64_t)civil.year, 4);
    const struct {
        char before;
        uint8_t value;
    } parts[] = {{'-', civil.month},
                 {'-', civil.day},
                 {'T', civil.hour},
                 {':', civil.minute},
                 {':', civil.second}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        tg_bill_text_put(text, &parts[i].before, 1);
        tg_bill_text_count(text, parts[i].value, 2);
    }
    TG_BILL_TEXT_PUT(text, "Z");
}

void tg_bill_text_local(struct tg_bill_text *text, int64_t local_ns, int64_t time_ns)
{
    /* Offsets of old local mean times have seconds, which RFC 3339 cannot write: those stay UTC. */
    const int64_t minutes = (local_ns - time_ns) / (60 * TG_NS_PER_S);
    if (minutes == 0 || (local_ns - time_ns) % (60 * TG_NS_PER_S) != 0 ||
        local_ns % TG_NS_PER_S != 0 || text->is_full) {
        tg_bill_text_time(text, time_ns);
        return;
    }
    tg_bill_text_time(text, local_ns);
    const uint64_t size = minutes < 0 ? (uint64_t)-minutes : (uint64_t)minutes;
    if (!text->is_full) {
        text->length_bytes--; /* The Z. */
    }
    tg_bill_text_put(text, minutes < 0 ? "-" : "+", 1);
    tg_bill_text_count(text, size / 60, 2);
    TG_BILL_TEXT_PUT(text, ":");
    tg_bill_text_count(text, size % 60, 2);
}
