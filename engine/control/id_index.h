/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief From the id of an account or subscriber to its dense index.
 *
 *  Source: catalog/roster.h (which keeps ids on disk, by index). Threads: control thread.
 *  Allocates: when a catalog is first asked. Cost: one pass over all ids a catalog, 16 octets an
 * id; then a binary search.
 */
#ifndef TG_CONTROL_ID_INDEX_H
#define TG_CONTROL_ID_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tg_catalog_snapshot;

/** @brief An id's place; sorted by hash. */
struct tg_id_place {
    uint64_t hash;  /**< Of the id. */
    uint32_t index; /**< Dense index. */
    uint32_t spare; /**< 0. */
};

/** @brief The index; zero-initialise, one for accounts and one for subscribers. */
struct tg_id_index {
    struct tg_id_place *places; /**< Shape [count]. */
    uint32_t count;             /**< Ids. */
    bool is_built;              /**< For the generation below. */
    uint64_t generation;        /**< Of the catalog. */
};

/**
 * @brief Find.
 * @param[in,out] index       Rebuilt when the catalog is another one.
 * @param[in]     snapshot    Borrowed.
 * @param[in]     is_account  Accounts, else subscribers; always the same for one index.
 * @param[in]     id          NUL-terminated.
 * @return Dense index; UINT32_MAX: nobody listed has that id, or there is no memory.
 */
uint32_t tg_id_index_find(struct tg_id_index *index, const struct tg_catalog_snapshot *snapshot,
                          bool is_account, const char *id);

/** @brief Free. @param index Any. */
void tg_id_index_free(struct tg_id_index *index);

#endif
