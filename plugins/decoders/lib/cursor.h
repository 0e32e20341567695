/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Bounds-checked big-endian reader with a sticky error, for decoders.
 *
 *  Source: network byte order, RFC 1700; here and not in a room, as decoders see only
 * abi/. Threads: pure. Allocates: never. Cost: one compare a read.
 *
 *  Read freely, test `failed` once: after the first read that does not fit, all reads give 0 and
 *  the position stays where the input ran out, which is the offset a refusal names.
 */
#ifndef TG_DECODERS_LIB_CURSOR_H
#define TG_DECODERS_LIB_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** @brief Reading position; once a read does not fit, failed stays true and all reads give 0. */
struct tg_cursor {
    const uint8_t *start; /**< First byte, for offsets. */
    const uint8_t *at;    /**< Next byte. */
    const uint8_t *end;   /**< One past the last. */
    bool failed;          /**< Sticky. */
};

/** @brief Start reading. @param bytes Borrowed. @param length_bytes Its length. @return Cursor. */
static inline struct tg_cursor tg_cursor(const void *bytes, size_t length_bytes)
{
    const uint8_t *at = (const uint8_t *)bytes;
    return (struct tg_cursor){at, at, at + length_bytes, false};
}

/** @brief Bytes left. @param c Cursor. @return Count. */
static inline size_t tg_cursor_left(const struct tg_cursor *c)
{
    return (size_t)(c->end - c->at);
}

/** @brief Position. @param c Cursor. @return Bytes from the start. */
static inline uint32_t tg_cursor_offset(const struct tg_cursor *c)
{
    return (uint32_t)(c->at - c->start);
}

/** @brief Take n bytes. @param c Cursor. @param n Count. @return Pointer or NULL when too few. */
static inline const uint8_t *tg_cursor_take(struct tg_cursor *c, size_t n)
{
    if (c->failed || tg_cursor_left(c) < n) {
        c->failed = true;
        return NULL;
    }
    const uint8_t *at = c->at;
    c->at += n;
    return at;
}

/**
 * @brief Narrow to the next n bytes and step over them.
 *
 * @param c  Cursor; stepped by n.
 * @param n  Count.
 * @return Cursor over exactly those bytes whose offsets still count from c's start; when they are
 *         not there both cursors are failed and the result is empty.
 */
static inline struct tg_cursor tg_cursor_sub(struct tg_cursor *c, size_t n)
{
    const uint8_t *at = tg_cursor_take(c, n);
    if (at == NULL) {
        return (struct tg_cursor){c->start, c->at, c->at, true};
    }
    return (struct tg_cursor){c->start, at, at + n, false};
}

/** @brief Big-endian value of bytes known to be there. @param at Bytes. @param n 0..8. @return It.
 */
static inline uint64_t tg_be(const uint8_t *at, size_t n)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++) {
        value = value << 8 | at[i];
    }
    return value;
}

/** @brief Read n big-endian octets. @param c Cursor. @param n 1..8. @return Value or 0. */
static inline uint64_t tg_cursor_be(struct tg_cursor *c, size_t n)
{
    const uint8_t *at = tg_cursor_take(c, n);
    return at != NULL ? tg_be(at, n) : 0;
}

/** @brief Read one octet. @param c Cursor. @return Value or 0. */
static inline uint8_t tg_cursor_u8(struct tg_cursor *c)
{
    return (uint8_t)tg_cursor_be(c, 1);
}

/** @brief Read two octets. @param c Cursor. @return Value or 0. */
static inline uint16_t tg_cursor_be16(struct tg_cursor *c)
{
    return (uint16_t)tg_cursor_be(c, 2);
}

/** @brief Read four octets. @param c Cursor. @return Value or 0. */
static inline uint32_t tg_cursor_be32(struct tg_cursor *c)
{
    return (uint32_t)tg_cursor_be(c, 4);
}

#endif
