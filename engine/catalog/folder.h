/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief A catalog folder read and checked against the schema; entries of all files by kind.
 *
 *  Source: schemas/catalog/README.md. Threads: one owner. Allocates: yes, control plane.
 *  Cost: a parse of every *.yaml in the folder.
 */
#ifndef TG_CATALOG_FOLDER_H
#define TG_CATALOG_FOLDER_H

#include "abi/err.h"
#include "catalog/image.h"
#include "doc/diag.h"
#include "doc/yaml.h"

#include <stdbool.h>
#include <stdint.h>

#define TG_FOLDER_PATH_BYTES 4096u
#define TG_FOLDER_FILES_MAX  256u /**< *.yaml files of a folder; more is an error. */

/** @brief What was read. */
struct tg_folder {
    char path[TG_FOLDER_PATH_BYTES];                /**< Of the folder. */
    struct tg_yaml *documents[TG_FOLDER_FILES_MAX]; /**< Owned, in order of file names. */
    uint32_t documents_count;                       /**< How many. */
    const struct tg_yaml_node *head;                /**< The one `catalog` map, or NULL. */
    uint64_t content_hash;                          /**< Of the texts; decks are mixed in later. */
    struct tg_source source;                        /**< The folder itself, for marks. */
    bool has_lost_text; /**< Not all that the files say was read: what nothing has may be there. */
};

/**
 * @brief Read all *.yaml of a folder, check each against tg_catalog_keys, find the head.
 * @param[in]     path    Folder.
 * @param[in,out] diag    Every mistake.
 * @param[out]    folder  Caller's; tg_folder_close also after an error.
 * @return TG_OK, TG_E_DOCUMENT (nothing can be compiled), TG_E_NO_MEMORY. Mistakes within
 *         documents leave TG_OK so that the cross-checks can report more: ask diag.
 */
enum tg_err tg_folder_open(const char *path, struct tg_diag *diag, struct tg_folder *folder);

/** @brief Free. @param folder Opened. */
void tg_folder_close(struct tg_folder *folder);

/**
 * @brief Walk the entries of one top-level table over all documents.
 * @param[in]     folder    Opened.
 * @param[in]     table     "prices", ...
 * @param[in,out] document  0 at first.
 * @param[in,out] entry     NULL at first; the entry before.
 * @return Whether entry holds the next one.
 */
bool tg_folder_next(const struct tg_folder *folder, const char *table, uint32_t *document,
                    const struct tg_yaml_node **entry);

/** @brief Join the folder's path and a name. @param folder Opened. @param name Relative.
 *  @param[out] path TG_FOLDER_PATH_BYTES. @return Whether it fits. */
bool tg_folder_join(const struct tg_folder *folder, const char *name,
                    char path[TG_FOLDER_PATH_BYTES]);

#endif
