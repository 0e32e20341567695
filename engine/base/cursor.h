/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Bounds-checked big-endian reader and writer with a sticky error, for engine rooms.
 *
 *  Source: network byte order, RFC 1700. Threads: pure. Allocates: never. Cost: one compare a read.
 *  Decoders have their own twin in plugins/decoders/lib, as they see only abi/.
 */
#ifndef TG_BASE_CURSOR_H
#define TG_BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** @brief Reading position; once a read does not fit, failed stays true and all reads give 0. */
struct tg_cursor {
    const uint8_t *at;  /**< Next byte. */
    const uint8_t *end; /**< One past the last. */
    bool failed;        /**< Sticky. */
};

/** @brief Start reading. @param bytes Borrowed. @param length_bytes Its length. @return Cursor. */
static inline struct tg_cursor tg_cursor(const void *bytes, size_t length_bytes)
{
    const uint8_t *at = bytes;
    return (struct tg_cursor){at, at + length_bytes, false};
}

/** @brief Bytes left. @param c Cursor. @return Count. */
static inline size_t tg_cursor_left(const struct tg_cursor *c)
{
    return (size_t)(c->end - c->at);
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

/** @brief Read n big-endian octets. @param c Cursor. @param n 1..8. @return Value or 0. */
static inline uint64_t tg_cursor_be(struct tg_cursor *c, size_t n)
{
    const uint8_t *at = tg_cursor_take(c, n);
    uint64_t value = 0;
    for (size_t i = 0; at != NULL && i < n; i++) {
        value = value << 8 | at[i];
    }
    return value;
}

#endif
