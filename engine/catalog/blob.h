/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Growing bytes and interned names: what the catalog compiler writes into.
 *
 *  Source: none. Threads: one owner. Allocates: yes, control plane. Cost: amortised copies.
 *
 *  Both remember that memory ran out and go on harmlessly; the compiler asks once at the end.
 */
#ifndef TG_CATALOG_BLOB_H
#define TG_CATALOG_BLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** @brief Bytes that grow; zero-initialise. */
struct tg_blob {
    uint8_t *bytes;    /**< Owned. */
    size_t size_bytes; /**< Used. */
    size_t room_bytes; /**< Taken. */
    bool is_broken;    /**< Memory ran out; nothing was added since. */
};

/**
 * @brief Add room at the end, zeroed.
 * @param[in,out] blob        Bytes.
 * @param[in]     size_bytes  How many.
 * @param[in]     align_bytes Power of two; the offset is rounded up to it first.
 * @return Offset of the first added byte; 0 when broken. Pointers into the blob may move.
 */
size_t tg_blob_extend(struct tg_blob *blob, size_t size_bytes, size_t align_bytes);

/** @brief Append a copy. @param blob Bytes. @param bytes Borrowed. @param size_bytes Length.
 *  @param align_bytes Power of two. @return Offset, 0 when broken. */
size_t tg_blob_append(struct tg_blob *blob, const void *bytes, size_t size_bytes,
                      size_t align_bytes);

/** @brief Free. @param blob Any. */
void tg_blob_free(struct tg_blob *blob);

/** @brief Distinct names in order of first appearance; zero-initialise. */
struct tg_names {
    struct tg_blob text;    /**< NUL-terminated names, one behind the other. */
    struct tg_blob offsets; /**< uint32_t offset of each name in text. */
    uint32_t *slots;        /**< Open addressing: index + 1, 0 empty. */
    uint32_t slots_count;   /**< Power of two. */
    uint32_t count;         /**< Names. */
    bool is_broken;         /**< Memory ran out. */
};

/** @brief Index of a name, added when new. @param names Names. @param text Not NUL-terminated.
 *  @param text_bytes Length. @return Index; UINT32_MAX when memory ran out. */
uint32_t tg_names_add(struct tg_names *names, const char *text, size_t text_bytes);

/** @brief Index of a name. @param names Names. @param text Not NUL-terminated.
 *  @param text_bytes Length. @return Index, UINT32_MAX when it is not there. */
uint32_t tg_names_find(const struct tg_names *names, const char *text, size_t text_bytes);

/** @brief Name by index. @param names Names. @param index Below count. @return NUL-terminated,
 *  borrowed until the next add. */
const char *tg_names_text(const struct tg_names *names, uint32_t index);

/** @brief Free. @param names Any. */
void tg_names_free(struct tg_names *names);

#endif
