/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/decode_text.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BYTES ((size_t)1 << 16)

static const char hex_digits[] = "0123456789abcdef";

void tg_text_free(struct tg_text *text)
{
    free(text->bytes);
    *text = (struct tg_text){NULL, 0, 0};
}

/* Room for that many more octets; there is nothing sensible to print without memory. */
static char *text_room(struct tg_text *text, size_t length_bytes)
{
    if (text->capacity_bytes - text->used_bytes < length_bytes) {
        size_t capacity = text->capacity_bytes > 0 ? text->capacity_bytes : FIRST_BYTES;
        while (capacity - text->used_bytes < length_bytes) {
            capacity *= 2;
        }
        char *bytes = realloc(text->bytes, capacity);
        if (bytes == NULL) {
            (void)fputs("tollgate decode: out of memory\n", stderr);
            exit(1);
        }
        text->bytes = bytes;
        text->capacity_bytes = capacity;
    }
    return text->bytes + text->used_bytes;
}

void tg_text_raw(struct tg_text *text, const char *bytes, size_t length_bytes)
{
    if (length_bytes > 0) {
        memcpy(text_room(text, length_bytes), bytes, length_bytes);
        text->used_bytes += length_bytes;
    }
}

void tg_text_put(struct tg_text *text, const char *string)
{
    tg_text_raw(text, string, strlen(string));
}

void tg_text_unsigned(struct tg_text *text, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    tg_text_raw(text, digits + at, sizeof digits - at);
}

void tg_text_signed(struct tg_text *text, int64_t value)
{
    if (value < 0) {
        tg_text_raw(text, "-", 1);
    }
    tg_text_unsigned(text, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void tg_text_hex(struct tg_text *text, const uint8_t *bytes, size_t length_bytes, char between)
{
    char *to = text_room(text, length_bytes * 3);
    const char *from = to;
    for (size_t i = 0; i < length_bytes; i++) {
        if (i > 0 && between != 0) {
            *to++ = between;
        }
        *to++ = hex_digits[bytes[i] >> 4];
        *to++ = hex_digits[bytes[i] & 15];
    }
    text->used_bytes += (size_t)(to - from);
}

void tg_text_hex64(struct tg_text *text, uint64_t value)
{
    char digits[16];
    for (int i = 15; i >= 0; i--) {
        digits[i] = hex_digits[value & 15];
        value >>= 4;
    }
    tg_text_raw(text, digits, sizeof digits);
}

/* RFC 3629 4: length of the well-formed sequence that begins here, or 0. */
static size_t utf8_length(const uint8_t *at, size_t left)
{
    const uint8_t a = at[0];
    const size_t length = a < 0x80                 ? 1
                          : a >= 0xc2 && a <= 0xdf ? 2
                          : (a & 0xf0) == 0xe0     ? 3
                          : a >= 0xf0 && a <= 0xf4 ? 4
                                                   : 0;
    if (length == 0 || length > left) {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    const bool is_overlong = (a == 0xe0 && at[1] < 0xa0) || (a == 0xf0 && at[1] < 0x90);
    const bool is_surrogate = a == 0xed && at[1] > 0x9f;
    const bool is_beyond = a == 0xf4 && at[1] > 0x8f;
    return is_overlong || is_surrogate || is_beyond ? 0 : length;
}

/* What one octet becomes when it cannot stand as it is. */
static void quote_octet(struct tg_text *text, uint8_t octet)
{
    char escape[6] = {'\\', 'u', '0', '0', hex_digits[octet >> 4], hex_digits[octet & 15]};
    if (octet == '"' || octet == '\\') {
        escape[1] = (char)octet;
        tg_text_raw(text, escape, 2);
    } else {
        tg_text_raw(text, escape, sizeof escape);
    }
}

void tg_text_quote(struct tg_text *text, const char *bytes, size_t length_bytes)
{
    tg_text_raw(text, "\"", 1);
    size_t plain = 0; /* first octet not yet written */
    size_t at = 0;
    while (at < length_bytes) {
        const uint8_t octet = (uint8_t)bytes[at];
        const size_t length = utf8_length((const uint8_t *)bytes + at, length_bytes - at);
        if (length > 0 && octet >= 0x20 && octet != 0x7f && octet != '"' && octet != '\\') {
            at += length;
            continue;
        }
        tg_text_raw(text, bytes + plain, at - plain);
        quote_octet(text, octet);
        plain = ++at;
    }
    tg_text_raw(text, bytes + plain, length_bytes - plain);
    tg_text_raw(text, "\"", 1);
}

void tg_text_address(struct tg_text *text, const uint8_t address[16])
{
    static const uint8_t mapped[12] = {[10] = 255, [11] = 255};
    char name[INET6_ADDRSTRLEN];
    if (memcmp(address, mapped, sizeof mapped) == 0) {
        (void)inet_ntop(AF_INET, address + sizeof mapped, name, sizeof name);
    } else {
        (void)inet_ntop(AF_INET6, address, name, sizeof name);
    }
    tg_text_raw(text, "\"", 1);
    tg_text_put(text, name);
    tg_text_raw(text, "\"", 1);
}

void tg_text_time(struct tg_text *text, int64_t time_ns)
{
    char name[TG_CLOCK_TEXT_BYTES];
    const size_t length = tg_clock_format(time_ns, name);
    tg_text_raw(text, "\"", 1);
    tg_text_raw(text, name, length);
    tg_text_raw(text, "\"", 1);
}

bool tg_text_flush(struct tg_text *text, FILE *to)
{
    const size_t length = text->used_bytes;
    text->used_bytes = 0;
    return length == 0 || fwrite(text->bytes, 1, length, to) == length;
}
