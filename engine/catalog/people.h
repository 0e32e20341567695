/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Accounts and subscribers while they are imported, and the chunks they are stored in.
 *
 *  Source: schemas/catalog/README.md. Threads: one owner. Allocates: yes, control plane.
 *  Cost: see catalog_test.c.
 *
 *  The number of a name in ids is the dense index. What is stored is read first, so numbers stay;
 *  somebody who is no longer listed keeps his number and is marked removed.
 *
 *  A chunk holds up to TG_PEOPLE_CHUNK_COUNT neighbours: struct tg_people_chunk, then its items,
 *  then (subscribers) struct tg_roster_key or (accounts) struct tg_roster_term, then texts; little
 *  endian, as in memory.
 */
#ifndef TG_CATALOG_PEOPLE_H
#define TG_CATALOG_PEOPLE_H

#include "abi/err.h"
#include "base/error.h"
#include "catalog/blob.h"
#include "catalog/folder.h"
#include "catalog/image.h"
#include "catalog/roster.h"
#include "doc/diag.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TG_PEOPLE_CHUNK_COUNT 4096u
#define TG_PEOPLE_MAGIC       0x50474c54u /* "TLGP" as stored */

/** @brief Head of a chunk. */
struct tg_people_chunk {
    uint32_t magic;       /**< TG_PEOPLE_MAGIC. */
    uint32_t checksum;    /**< CRC32C of all bytes after this field. */
    uint32_t first_index; /**< Dense index of the first item. */
    uint32_t items_count; /**< Items. */
    uint32_t keys_count;  /**< Keys, or terms of accounts. */
    uint32_t text_bytes;  /**< Texts, each NUL-terminated. */
};
_Static_assert(sizeof(struct tg_people_chunk) == 24, "stored");

/** @brief A stored subscriber. */
struct tg_people_subscriber {
    struct tg_roster_line line; /**< As in the roster. */
    uint32_t id_offset;         /**< In the chunk's texts. */
    uint32_t reserved;          /**< 0. */
};
_Static_assert(sizeof(struct tg_people_subscriber) == 24, "stored");

/** @brief A stored account. */
struct tg_people_account {
    struct tg_roster_account line; /**< As in the roster. */
    uint32_t id_offset;            /**< In the chunk's texts. */
    uint32_t title_offset;         /**< In the chunk's texts. */
};
_Static_assert(sizeof(struct tg_people_account) == 16, "stored");

/** @brief A line that repeats an id: the subscription came back, or changed its product. */
struct tg_people_again {
    uint32_t first;    /**< Index of the id's first line. */
    uint32_t line;     /**< Index of this one, named ID#2, ID#3, ... */
    uint32_t csv_line; /**< Where it is written. */
};

/** @brief All of them; zero-initialise. */
struct tg_people {
    struct tg_names account_ids;       /**< Index = dense account index. */
    struct tg_names subscriber_ids;    /**< Index = dense subscriber index. */
    struct tg_names titles;            /**< Account names, interned. */
    struct tg_blob accounts;           /**< struct tg_roster_account. */
    struct tg_blob account_titles;     /**< uint32_t into titles. */
    struct tg_blob terms;              /**< struct tg_roster_term, by account. */
    struct tg_blob subscribers;        /**< struct tg_roster_line. */
    struct tg_blob lines;              /**< uint32_t CSV line of each subscriber; 0 not listed. */
    struct tg_blob account_lines;      /**< uint32_t CSV line of each account; 0 not listed. */
    struct tg_blob keys;               /**< struct tg_roster_key. */
    struct tg_blob again;              /**< struct tg_people_again, of the file that is read. */
    struct tg_blob stretches;          /**< struct tg_roster_stretch by line, as stored before. */
    uint32_t accounts_listed_count;    /**< In accounts.csv. */
    uint32_t subscribers_listed_count; /**< In subscribers.csv. */
    bool has_files;                    /**< At least one of the two files was there. */
    bool is_nameless;                  /**< Load lines and keys only: ids stay in the chunks. */
};

/** @brief Take a stored chunk of accounts. @param people All. @param bytes Borrowed, any alignment.
 *  @param size_bytes Length. @return TG_OK, TG_E_CORRUPT or TG_E_NO_MEMORY. */
enum tg_err tg_people_load_accounts(struct tg_people *people, const void *bytes, size_t size_bytes);

/** @brief Take a stored chunk of subscribers. @param people All. @param bytes Borrowed.
 *  @param size_bytes Length. @return TG_OK, TG_E_CORRUPT or TG_E_NO_MEMORY. */
enum tg_err tg_people_load_subscribers(struct tg_people *people, const void *bytes,
                                       size_t size_bytes);

/**
 * @brief Read accounts.csv, exemptions.csv, subscribers.csv and suspensions.csv of a folder over
 *        what is loaded.
 * @param[in,out] people  Loaded or empty.
 * @param[in]     folder  Opened.
 * @param[in]     image   For products, taxes and the currency.
 * @param[in,out] diag    Every mistake.
 */
void tg_people_read(struct tg_people *people, const struct tg_folder *folder,
                    const struct tg_image *image, struct tg_diag *diag);

/** @brief Write one chunk of accounts. @param people All; terms sorted. @param chunk Number from 0.
 *  @param[out] out Cleared and filled. @return false behind the last chunk. */
bool tg_people_store_accounts(const struct tg_people *people, uint32_t chunk, struct tg_blob *out);

/** @brief Write one chunk of subscribers. @param people All; keys sorted by subscriber.
 *  @param chunk Number from 0. @param[out] out Cleared and filled. @return As above. */
bool tg_people_store_subscribers(const struct tg_people *people, uint32_t chunk,
                                 struct tg_blob *out);

/** @brief Sort keys by subscriber and terms by account, as storing needs them. @param people All.
 */
void tg_people_sort(struct tg_people *people);

/** @brief Is an account prepaid? @param people All; terms sorted. @param account Dense index.
 *  @return Whether it has terms. */
bool tg_people_is_prepaid(const struct tg_people *people, uint32_t account);

/** @brief Make the roster. @param people All. @param images Versions, borrowed; shape
 *  [images_count]. @param images_count How many. @param[out] roster New. @param[out] why May be
 *  NULL. @return As tg_roster_build. */
enum tg_err tg_people_roster(const struct tg_people *people, const struct tg_image *const *images,
                             uint32_t images_count, struct tg_roster **roster, struct tg_why *why);

/** @brief Did memory run out on the way? @param people All. @return Whether. */
bool tg_people_is_broken(const struct tg_people *people);

/** @brief Text of an item in a stored chunk, for names. @param bytes Chunk. @param size_bytes
 * Length.
 *  @param is_account Which kind of chunk. @param index Dense index. @param is_title The account's
 *  title instead of its id. @param[out] text NUL-terminated. @param text_room Room.
 *  @return Length; 0 when it is not there. */
size_t tg_people_text(const void *bytes, size_t size_bytes, bool is_account, uint32_t index,
                      bool is_title, char *text, size_t text_room);

/** @brief Free. @param people Any. */
void tg_people_free(struct tg_people *people);

#endif
