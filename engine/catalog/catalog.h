/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Catalog on disk: a folder is checked, compiled, stored as a version, opened as a
 * snapshot.
 *
 *  Source: design.md sections 6, 10; keys of the documents in schemas/catalog/README.md.
 *  Threads: control thread; a snapshot is immutable and shared by all workers through RCU.
 *  Allocates: yes, control plane. Cost: import of 300,000 prefixes see catalog_test.c.
 *
 *  A folder holds *.yaml documents (any section in any file), CSV decks they name, and optionally
 *  accounts.csv and subscribers.csv. <data>/catalog is the LMDB environment with all versions.
 */
#ifndef TG_CATALOG_CATALOG_H
#define TG_CATALOG_CATALOG_H

#include "abi/err.h"
#include "base/error.h"
#include "catalog/image.h"
#include "catalog/roster.h"

#include <stdbool.h>
#include <stdint.h>

struct tg_diag; /* doc/diag.h */
struct tg_json; /* doc/json.h */

/** Versions kept open in a snapshot: the newest ones; older events get TG_E_CATALOG_VERSION. */
#define TG_CATALOG_IMAGES_MAX 64u

/** @brief What a check or import found. */
struct tg_catalog_summary {
    uint32_t version;           /**< As in the YAML. */
    int64_t valid_from_ns;      /**< As in the YAML. */
    int64_t stored_ns;          /**< When it was imported; 0 in a check. */
    uint64_t image_bytes;       /**< Size of the compiled image. */
    uint64_t prefixes_count;    /**< Rows of all decks. */
    uint32_t zones_count;       /**< Zones, without the empty one. */
    uint32_t prices_count;      /**< Prices present. */
    uint32_t plans_count;       /**< Plans present. */
    uint32_t products_count;    /**< Products present. */
    uint32_t accounts_count;    /**< Listed in accounts.csv. */
    uint32_t subscribers_count; /**< Listed in subscribers.csv. */
    char tzdata[16];            /**< Release of the tz data it was compiled with; "" none used. */
    bool is_unchanged;          /**< Import: that version with that content was stored already. */
};

/**
 * @brief Read a folder and report every mistake; nothing is stored.
 * @param[in]     folder   Path.
 * @param[in,out] diag     Every error and warning.
 * @param[out]    summary  Written on TG_OK; may be NULL.
 * @return TG_OK, TG_E_DOCUMENT (diag has errors), TG_E_NO_MEMORY.
 */
enum tg_err tg_catalog_check(const char *folder, struct tg_diag *diag,
                             struct tg_catalog_summary *summary);

/**
 * @brief Check, compile and store a folder as a new version; all or nothing.
 *
 * Old versions stay. Importing the same content again changes nothing and succeeds; the same
 * version number with other content is refused with TG_E_EXISTS.
 *
 * @param[in]     folder    Path.
 * @param[in]     data_dir  Data directory; <data_dir>/catalog is made when missing.
 * @param[in]     now_ns    Stored as the import's time.
 * @param[in,out] diag      Every error and warning.
 * @param[out]    summary   Written on TG_OK; may be NULL.
 * @param[out]    why       For the errors that are not the documents'; may be NULL.
 * @return TG_OK, TG_E_DOCUMENT, TG_E_EXISTS, TG_E_IO, TG_E_DATABASE, TG_E_NO_SPACE, TG_E_NO_MEMORY.
 */
enum tg_err tg_catalog_import(const char *folder, const char *data_dir, int64_t now_ns,
                              struct tg_diag *diag, struct tg_catalog_summary *summary,
                              struct tg_why *why);

/**
 * @brief Was this folder imported last, by this program, as it is now? A start need not read it.
 * @param folder    Path.
 * @param data_dir  Data directory.
 * @param now_ns    Time: what changed within a second before counts as changed.
 * @return false also when it cannot be told.
 */
bool tg_catalog_is_imported(const char *folder, const char *data_dir, int64_t now_ns);

/**
 * @brief Stored versions, oldest valid_from first.
 * @param[in]  data_dir        Data directory.
 * @param[out] summaries       Shape [summaries_max].
 * @param[in]  summaries_max   Room.
 * @param[out] summaries_count Written.
 * @param[out] why             May be NULL.
 * @return TG_OK, TG_E_CATALOG (none imported), TG_E_IO, TG_E_DATABASE, TG_E_CORRUPT.
 */
enum tg_err tg_catalog_list(const char *data_dir, struct tg_catalog_summary *summaries,
                            uint32_t summaries_max, uint32_t *summaries_count, struct tg_why *why);

/** @brief What is valid from when, and who the subscribers are; immutable. */
struct tg_catalog_snapshot {
    uint32_t images_count;                                /**< At least 1. */
    uint32_t reserved;                                    /**< 0. */
    int64_t valid_from_ns[TG_CATALOG_IMAGES_MAX];         /**< Ascending. */
    const struct tg_image *images[TG_CATALOG_IMAGES_MAX]; /**< Same order. */
    const struct tg_roster *roster;                       /**< Never NULL. */
    uint64_t generation; /**< Changes with every import; unequal: reopen to see news. */
    void *storage;       /**< Private. */
};

/**
 * @brief Open all stored versions and the roster.
 *
 * Images are read in place from the LMDB map and pinned by a read transaction until close.
 *
 * @param[in]  data_dir  Data directory.
 * @param[out] snapshot  New; publish by pointer swap, close after a grace period.
 * @param[out] why       What is wrong; may be NULL.
 * @return TG_OK, TG_E_CATALOG (none imported), TG_E_CORRUPT, TG_E_IO, TG_E_DATABASE,
 *         TG_E_NO_MEMORY, TG_E_EXISTS (two subscribers hold one key).
 */
enum tg_err tg_catalog_open(const char *data_dir, struct tg_catalog_snapshot **snapshot,
                            struct tg_why *why);

/**
 * @brief Compile a folder and open it without storing it: for quote, tests and benches.
 * @param[in]     folder    Path.
 * @param[in,out] diag      Every error and warning.
 * @param[out]    snapshot  As tg_catalog_open; its one image is valid from its valid_from.
 * @param[out]    why       May be NULL.
 * @return TG_OK, TG_E_DOCUMENT, TG_E_NO_MEMORY.
 */
enum tg_err tg_catalog_open_folder(const char *folder, struct tg_diag *diag,
                                   struct tg_catalog_snapshot **snapshot, struct tg_why *why);

/**
 * @brief tg_catalog_open_folder, for pricing stored usage with it: what both have keeps the numbers
 *        of a stored version, so that counters and allowances that rows before have moved are the
 *        same ones.
 * @param[in]     folder    Path.
 * @param[in]     like      The newest stored image, or NULL.
 * @param[in,out] diag      Every error and warning, of the folder by itself.
 * @param[out]    snapshot  As tg_catalog_open_folder.
 * @param[out]    why       May be NULL.
 * @return As tg_catalog_open_folder.
 */
enum tg_err tg_catalog_open_candidate(const char *folder, const struct tg_image *like,
                                      struct tg_diag *diag, struct tg_catalog_snapshot **snapshot,
                                      struct tg_why *why);

/**
 * @brief A snapshot of images and a roster the caller made; for tests and benches.
 * @param[in]  images        Checked images, ascending valid_from; borrowed until close.
 * @param[in]  images_count  1..TG_CATALOG_IMAGES_MAX.
 * @param[in]  roster        Taken over: freed by close. Not NULL.
 * @return New snapshot, or NULL without memory.
 */
struct tg_catalog_snapshot *tg_catalog_wrap(const struct tg_image *const *images,
                                            uint32_t images_count, struct tg_roster *roster);

/** @brief Free, once no reader is left. @param snapshot Any of the above or NULL. */
void tg_catalog_close(struct tg_catalog_snapshot *snapshot);

/**
 * @brief Image valid at an event's time.
 * @param snapshot  Open.
 * @param at_ns     Event time, UTC.
 * @return Image, or NULL: before the first one (TG_E_CATALOG_VERSION).
 */
static inline const struct tg_image *tg_catalog_image_at(const struct tg_catalog_snapshot *snapshot,
                                                         int64_t at_ns)
{
    for (uint32_t i = snapshot->images_count; i > 0; i--) {
        if (at_ns >= snapshot->valid_from_ns[i - 1]) {
            return snapshot->images[i - 1];
        }
    }
    return NULL;
}

/** @brief Image by version number, for explaining a stored charge. @param snapshot Open.
 *  @param version As in tg_charge.catalog_version. @return Image or NULL. */
const struct tg_image *tg_catalog_image_version(const struct tg_catalog_snapshot *snapshot,
                                                uint32_t version);

/**
 * @brief Differences between two images, as a JSON list of {kind, name, change, field, from, to}.
 * @param[in] before  Checked image or NULL: everything is added.
 * @param[in] after   Checked image.
 * @return New list, caller frees; empty when they price alike; NULL without memory. Names are
 *         matched: the images need not have been compiled one upon the other.
 */
struct tg_json *tg_catalog_diff(const struct tg_image *before, const struct tg_image *after);

#endif
