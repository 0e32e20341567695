/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief A bounded text that grows by appending: invoices as JSON and as columns.
 *
 *  Source: RFC 8259 (escapes); amounts are JSON numbers with their exact decimal digits, which no
 *  general JSON library keeps, since it reads them into binary fractions.
 *  Threads: one owner. Allocates: never; the caller lends the bytes. Cost: a copy.
 */
#ifndef TG_BILL_TEXT_H
#define TG_BILL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** @brief Text under construction; once something does not fit, is_full stays true. */
struct tg_bill_text {
    char *bytes;           /**< Lent by the caller; NUL-terminated at all times. */
    size_t capacity_bytes; /**< At least 1. */
    size_t length_bytes;   /**< Without the NUL. */
    size_t number_at;      /**< Where tg_bill_text_number stood; 0: it has not been called. */
    bool is_full;          /**< Sticky: the text is incomplete and must not be used. */
};

/** @brief Begin. @param bytes Lent. @param capacity_bytes At least 1. @return Empty text. */
struct tg_bill_text tg_bill_text(char *bytes, size_t capacity_bytes);

/** @brief Append bytes as they are. @param text Text. @param bytes Shape [count].
 *  @param count Any. */
static inline void tg_bill_text_put(struct tg_bill_text *text, const char *bytes, size_t count)
{
    /* Inline, so that the many short literals of a document are stores and not calls. */
    if (text->is_full || text->capacity_bytes - text->length_bytes <= count) {
        text->is_full = true;
        return;
    }
    memcpy(text->bytes + text->length_bytes, bytes, count);
    text->length_bytes += count;
    text->bytes[text->length_bytes] = '\0';
}

/** Append a string literal: no scan for its end, none for a format. */
#define TG_BILL_TEXT_PUT(text, literal) tg_bill_text_put((text), "" literal, sizeof(literal) - 1)

/** @brief Append the number of a document and note the place: who stores the document may put the
 *  number there later. @param text Text. @param number NUL-terminated; may be "". */
void tg_bill_text_number(struct tg_bill_text *text, const char *number);

/** @brief Append a cell of a column. @param text Text. @param value NUL-terminated.
 *  @param width Octets. @param is_right Set to the right and never cut; else cut to width. */
void tg_bill_text_cell(struct tg_bill_text *text, const char *value, size_t width, bool is_right);

/** @brief Append a number, with leading zeros. @param text Text. @param number Any.
 *  @param digits Least digits, at most 20. */
void tg_bill_text_count(struct tg_bill_text *text, uint64_t number, unsigned digits);

/** @brief Append as printf does. @param text Text. @param format printf format. */
void tg_bill_text_add(struct tg_bill_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** @brief Append a JSON string, quoted and escaped; bytes that are no UTF-8 become U+FFFD.
 *  @param text Text. @param value NUL-terminated. */
void tg_bill_text_quote(struct tg_bill_text *text, const char *value);

/** @brief Append an exact decimal, at least `minor` decimals. @param text Text. @param amount At
 *  scale. @param scale Decimals of amount, 0..18. @param minor Decimals always shown. */
void tg_bill_text_money(struct tg_bill_text *text, __int128 amount, uint8_t scale, uint8_t minor);

/** @brief Append RFC 3339 UTC. @param text Text. @param time_ns ns since 1970. */
void tg_bill_text_time(struct tg_bill_text *text, int64_t time_ns);

/** @brief Append RFC 3339 with the offset from UTC: 2026-10-01T00:00:00+02:00. @param text Text.
 *  @param local_ns Local time. @param time_ns The same instant in UTC; equal to local_ns: as
 *  tg_bill_text_time. */
void tg_bill_text_local(struct tg_bill_text *text, int64_t local_ns, int64_t time_ns);

#endif
