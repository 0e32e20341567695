/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief A growing buffer that JSON is written into, field by field, without a tree between.
 *
 *  Source: RFC 8259 (JSON), RFC 3629 (UTF-8), RFC 5952 (IPv6 text). Threads: one owner.
 *  Allocates: when a line is longer than any before; ends the process when there is no memory.
 *  Cost: a copy an octet; a tree of jansson values costs about twenty times as much a row.
 */
#ifndef TG_CLI_DECODE_TEXT_H
#define TG_CLI_DECODE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/** @brief Text gathered; flushed by its owner at ends of lines. */
struct tg_text {
    char *bytes;           /**< Owned; not NUL-terminated. */
    size_t used_bytes;     /**< Filled. */
    size_t capacity_bytes; /**< Room. */
};

/** @brief Give back. @param text May be zeroed. */
void tg_text_free(struct tg_text *text);

/** @brief Append octets as they are. @param text Grows. @param bytes Borrowed. @param length_bytes
 *  Count. */
void tg_text_raw(struct tg_text *text, const char *bytes, size_t length_bytes);

/** @brief Append a C string as it is. @param text Grows. @param string NUL-terminated. */
void tg_text_put(struct tg_text *text, const char *string);

/** @brief Append decimal digits. @param text Grows. @param value Any. */
void tg_text_unsigned(struct tg_text *text, uint64_t value);

/** @brief Append decimal digits with a sign where needed. @param text Grows. @param value Any. */
void tg_text_signed(struct tg_text *text, int64_t value);

/** @brief Append lower-case hex. @param text Grows. @param bytes Borrowed. @param length_bytes
 *  Count. @param between Between two octets, or 0 for nothing. */
void tg_text_hex(struct tg_text *text, const uint8_t *bytes, size_t length_bytes, char between);

/** @brief Append 16 hex digits. @param text Grows. @param value Any. */
void tg_text_hex64(struct tg_text *text, uint64_t value);

/**
 * @brief Append a JSON string, quotes included.
 *
 * Octets that are no UTF-8 become the code point of their number (U+0080..U+00FF), so that nothing
 * is lost and the line stays JSON.
 *
 * @param text          Grows.
 * @param bytes         Borrowed; any octets.
 * @param length_bytes  Count.
 */
void tg_text_quote(struct tg_text *text, const char *bytes, size_t length_bytes);

/** @brief Append an IP address in quotes; ::ffff:a.b.c.d as a.b.c.d. @param text Grows.
 *  @param address 16 octets, network order. */
void tg_text_address(struct tg_text *text, const uint8_t address[16]);

/** @brief Append UTC time as RFC 3339 in quotes. @param text Grows. @param time_ns Since 1970. */
void tg_text_time(struct tg_text *text, int64_t time_ns);

/** @brief Write out and empty. @param text Emptied. @param to Open. @return false: write failed. */
bool tg_text_flush(struct tg_text *text, FILE *to);

#endif
