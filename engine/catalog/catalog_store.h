/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Where versions and people lie in the catalog's LMDB environment.
 *
 *  Source: schemas/catalog/image.md, LMDB 0.9.24. Threads: any; handles are counted under a mutex,
 *  as LMDB must not open one environment twice in a process. Allocates: yes. Cost: control plane.
 *
 *  A value of an overflow page begins 16 bytes into the page, so 48 bytes of padding in front put
 *  the image on a 64-byte boundary of the map; small values may lie anywhere and are copied.
 */
#ifndef TG_CATALOG_CATALOG_STORE_H
#define TG_CATALOG_CATALOG_STORE_H

#include "abi/err.h"
#include "base/error.h"
#include "catalog/catalog.h"
#include "catalog/people.h"
#include "store/lmdb.h"

#include <stdbool.h>
#include <stdint.h>

#define TG_CATALOG_PAD_BYTES 48u

/** @brief Tables of the environment. */
enum tg_catalog_table {
    TG_CATALOG_TABLE_IMAGES = 0,     /**< Version, big-endian -> padding, image. */
    TG_CATALOG_TABLE_VERSIONS = 1,   /**< Version, big-endian -> struct tg_catalog_stored. */
    TG_CATALOG_TABLE_META = 2,       /**< "state" -> struct tg_catalog_state. */
    TG_CATALOG_TABLE_ACCOUNTS = 3,   /**< Chunk number, big-endian -> chunk. */
    TG_CATALOG_TABLE_SUBSCRIBERS = 4 /**< Chunk number, big-endian -> chunk. */
};

/** @brief What is kept of each version beside its image. */
struct tg_catalog_stored {
    int64_t stored_ns;          /**< When it was imported. */
    int64_t valid_from_ns;      /**< Copied from the image. */
    uint64_t image_bytes;       /**< Size of the image. */
    uint64_t content_hash;      /**< Of the documents. */
    uint32_t version;           /**< Version. */
    uint32_t accounts_count;    /**< Listed then. */
    uint32_t subscribers_count; /**< Listed then. */
    uint32_t reserved;          /**< 0. */
};
_Static_assert(sizeof(struct tg_catalog_stored) == 48, "stored");

/** @brief State of the whole environment. */
struct tg_catalog_state {
    uint64_t generation;   /**< Counts imports. */
    uint32_t last_version; /**< Imported last: its names are the numbering. */
    uint32_t reserved;     /**< 0. */
};
_Static_assert(sizeof(struct tg_catalog_state) == 16, "stored");

/**
 * @brief Take a handle on <data_dir>/catalog.
 * @param[in]  data_dir   Data directory.
 * @param[in]  may_make   Make what is missing; else TG_E_CATALOG when it is not there.
 * @param[out] db         Give back with tg_catalog_release.
 * @param[out] why        May be NULL.
 * @return TG_OK, TG_E_CATALOG, TG_E_IO, TG_E_DATABASE, TG_E_NO_MEMORY.
 */
enum tg_err tg_catalog_acquire(const char *data_dir, bool may_make, struct tg_db **db,
                               struct tg_why *why);

/** @brief Give a handle back; the last one closes. @param db From acquire or NULL. */
void tg_catalog_release(struct tg_db *db);

/** @brief Key of a number. @param number Host order. @param[out] key Four bytes. @return Them. */
struct tg_bytes tg_catalog_key(uint32_t number, uint8_t key[4]);

/** @brief State. @param txn Begun. @return State; zero when nothing was imported. */
struct tg_catalog_state tg_catalog_state_get(struct tg_txn *txn);

/**
 * @brief An image of a value: in place when aligned, else a copy.
 * @param[in]  value      As stored, padding included.
 * @param[out] image      Borrowed from the transaction, or the copy.
 * @param[out] copy       Copy to free with tg_pages_free(copy, copy->size_bytes), or NULL.
 * @param[out] why        May be NULL.
 * @return TG_OK, TG_E_CORRUPT, TG_E_TRUNCATED, TG_E_FORMAT, TG_E_NO_MEMORY.
 */
enum tg_err tg_catalog_image_of(struct tg_bytes value, const struct tg_image **image,
                                struct tg_image **copy, struct tg_why *why);

/** @brief Load all chunks. @param txn Begun. @param people Zeroed; is_nameless set as wanted.
 *  @param why May be NULL. @return TG_OK, TG_E_CORRUPT, TG_E_NO_MEMORY. */
enum tg_err tg_catalog_people_load(struct tg_txn *txn, struct tg_people *people,
                                   struct tg_why *why);

/** @brief Fill a summary from an image. @param image Checked. @param[out] summary Written. */
void tg_catalog_summarise(const struct tg_image *image, struct tg_catalog_summary *summary);

#endif
