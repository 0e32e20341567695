/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The state environment <data>/state: JSON documents, the outbox, counters, checkpoint
 * tables.
 *
 *  Source: design.md 5 and 6; collections of abi/front.h.
 *  Threads: as store/lmdb.h. Allocates: in tg_state_open. Cost: microseconds; control plane only.
 *
 *  A document is one JSON object under (collection, id). Documents are stored with a CRC32C, so a
 *  rotten page is TG_E_CORRUPT and never a wrong bill. The outbox is the collection "outbox" whose
 *  ids are numbers of 20 digits, spent in the transaction that stores the document: no gap, no
 * twin.
 */
#ifndef TG_STORE_DOCUMENTS_H
#define TG_STORE_DOCUMENTS_H

#include "abi/front.h"
#include "store/lmdb.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TG_DOCUMENT_NAME_MAX 240u     /**< Longest collection or id; longer is TG_E_INVALID. */
#define TG_OUTBOX_COLLECTION "outbox" /**< Collection of numbered announcements. */

/** @brief Tables of the state environment, in this order for life. */
enum tg_state_table {
    TG_STATE_DOCUMENTS = 0,  /**< (collection NUL id) -> CRC32C, JSON. */
    TG_STATE_COUNTERS = 1,   /**< Name -> u64, CRC32C. */
    TG_STATE_PAGES = 2,      /**< Checkpoint: page number -> page. */
    TG_STATE_CHECKPOINT = 3, /**< Checkpoint: header, positions, blobs. */
    TG_STATE_CATALOG = 4,    /**< For the control room. */
    TG_STATE_SPARE = 5       /**< Not used yet. */
};
#define TG_STATE_TABLES_COUNT 6u

/**
 * @brief Open <data_dir>/state.
 * @param[in]  data_dir      Data directory.
 * @param[in]  is_read_only  True in front processes and tools.
 * @param[in]  map_bytes     Most it may grow to; 0: the default of tg_db_open.
 * @param[out] db            Written on TG_OK; give back with tg_db_close.
 * @param[out] why           Filled on failure; may be NULL.
 * @return As tg_db_open.
 */
enum tg_err tg_state_open(const char *data_dir, bool is_read_only, uint64_t map_bytes,
                          struct tg_db **db, struct tg_why *why);

/** @brief Store a document; replaces. @param txn For writing. @param collection 1..240 octets.
 *  @param id 1..240 octets. @param json One JSON object, borrowed. @param json_bytes Its length. */
void tg_documents_put(struct tg_txn *txn, const char *collection, const char *id, const char *json,
                      size_t json_bytes);

/**
 * @brief Read a document.
 * @param[in]  txn         Begun.
 * @param[in]  collection  Name.
 * @param[in]  id          Name.
 * @param[out] json        Not NUL-terminated; borrowed until the transaction ends or writes.
 * @return TG_OK, TG_E_NOT_FOUND, TG_E_CORRUPT, TG_E_INVALID, TG_E_DATABASE.
 */
enum tg_err tg_documents_get(struct tg_txn *txn, const char *collection, const char *id,
                             struct tg_bytes *json);

/** @brief Remove a document. @param txn For writing. @param collection Name. @param id Name.
 *  @return Whether it was there. */
bool tg_documents_remove(struct tg_txn *txn, const char *collection, const char *id);

/**
 * @brief Visit a collection in id order.
 * @param[in]  txn         Begun.
 * @param[in]  collection  Name.
 * @param[in]  from_id     First id to visit, or NULL: all.
 * @param[in]  visit       Called once a document; returns false to stop. Must not write.
 * @param[in]  context     Passed on.
 * @param[out] visited_count  Documents visited; may be NULL.
 * @return TG_OK (also when the collection is empty), TG_E_CORRUPT, TG_E_INVALID, TG_E_DATABASE.
 */
enum tg_err tg_documents_visit(struct tg_txn *txn, const char *collection, const char *from_id,
                               tg_document_visit visit, void *context, uint64_t *visited_count);

/** @brief Remove every document of a collection. @param txn For writing. @param collection Name.
 *  @return How many were removed. */
uint64_t tg_documents_clear(struct tg_txn *txn, const char *collection);

/**
 * @brief Spend the next number of a gapless sequence: 1, 2, 3 ... It is spent only if txn commits.
 * @param txn   For writing.
 * @param name  1..240 octets, e.g. "invoice".
 * @return The number, or 0 when the transaction has failed (it then fails at commit).
 */
uint64_t tg_counter_next(struct tg_txn *txn, const char *name);

/** @brief Last number spent. @param txn Begun. @param name As above. @return 0 when none. */
uint64_t tg_counter_last(struct tg_txn *txn, const char *name);

/**
 * @brief Announce something to the fronts: number it and store it in the outbox.
 * @param txn         For writing.
 * @param json        One JSON object, borrowed.
 * @param json_bytes  Its length.
 * @return Its number, or 0 when the transaction has failed.
 */
uint64_t tg_outbox_append(struct tg_txn *txn, const char *json, size_t json_bytes);

/**
 * @brief Visit announcements from a number on, in order; the document's id is 20 digits.
 * @param[in] txn      Begun.
 * @param[in] number   First number, at least 1.
 * @param[in] visit    Returns false to stop.
 * @param[in] context  Passed on.
 * @return As tg_documents_visit.
 */
enum tg_err tg_outbox_visit(struct tg_txn *txn, uint64_t number, tg_document_visit visit,
                            void *context);

/** @brief Forget announcements below a number. @param txn For writing. @param number First to keep.
 *  @return How many went. */
uint64_t tg_outbox_trim(struct tg_txn *txn, uint64_t number);

#endif
