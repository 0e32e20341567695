/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief LMDB environments with named tables, and transactions that remember their first error.
 *
 *  Source: LMDB 0.9.24 lmdb.h. Durable mode only: MDB_NOSYNC, MDB_NOMETASYNC and MDB_MAPASYNC are
 *  never set (measured: NOMETASYNC loses the last acknowledged transaction in 39 % of crash
 * states). Threads: one write transaction at a time for all processes (begin waits for the other);
 * read transactions are free, each used by one thread at a time (MDB_NOTLS). Allocates: in
 * tg_db_open and inside LMDB. Cost: get 1.3 us, put 3 us; never in the data path.
 *
 *  Invariants: (1) after the first error a transaction does nothing more, and its commit aborts and
 *  gives that error; (2) bytes got from a transaction are valid until it ends or writes again.
 */
#ifndef TG_STORE_LMDB_H
#define TG_STORE_LMDB_H

#include "abi/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct MDB_txn;
struct MDB_cursor;
struct tg_why;
struct tg_db;

#define TG_DB_TABLES_MAX 32u  /**< Named tables of an environment; more is TG_E_INVALID. */
#define TG_DB_KEY_MAX    511u /**< Longest key; a longer one is TG_E_INVALID. */

/** @brief Borrowed bytes. */
struct tg_bytes {
    const void *at;      /**< First byte. */
    size_t length_bytes; /**< How many. */
};

/** @brief What to open. */
struct tg_db_params {
    uint32_t size_bytes;       /**< sizeof of the caller's struct. */
    uint32_t tables_count;     /**< 1..TG_DB_TABLES_MAX. */
    const char *dir;           /**< Directory; made when missing unless read-only. */
    const char *const *tables; /**< Names; a table is addressed by its index here. */
    uint64_t map_bytes;        /**< Most the file may grow to; 0: 256 GiB (sparse). */
    uint32_t readers_max;      /**< 0: 126. */
    bool is_read_only;         /**< Front processes and tools: no write, no making of anything. */
};

/**
 * @brief Open an environment and its tables.
 *
 * A writer makes missing tables. A reader that comes before them sees empty tables until they are
 * there.
 *
 * @param[in]  params  Borrowed until return.
 * @param[out] db      Written on TG_OK; give back with tg_db_close.
 * @param[out] why     Filled on failure; may be NULL.
 * @return TG_OK, TG_E_INVALID, TG_E_NO_MEMORY, TG_E_NOT_FOUND (read-only and nothing there),
 *         TG_E_IO, TG_E_NO_SPACE, TG_E_DATABASE.
 */
enum tg_err tg_db_open(const struct tg_db_params *params, struct tg_db **db, struct tg_why *why);

/** @brief Close; all transactions must have ended. @param db Opened, or NULL. */
void tg_db_close(struct tg_db *db);

/** @brief A transaction in the caller's memory. */
struct tg_txn {
    struct tg_db *db;       /**< Its environment. */
    struct MDB_txn *handle; /**< NULL once ended or when begin failed. */
    int32_t error;          /**< First enum tg_err; TG_OK so far. */
    int32_t database_error; /**< LMDB's own code of that error, for the message. */
    bool is_write;          /**< May write. */
};

/** @brief Begin; an error shows at commit. @param[out] txn Caller's. @param db Open.
 *  @param is_write Whether it may write; waits for another writer. */
void tg_txn_begin(struct tg_txn *txn, struct tg_db *db, bool is_write);

/** @brief Store; replaces. @param txn Begun. @param table Index. @param key 1..511 octets.
 *  @param value Borrowed until return. */
void tg_txn_put(struct tg_txn *txn, uint32_t table, struct tg_bytes key, struct tg_bytes value);

/**
 * @brief Store and let the caller fill the map in place: for big values.
 * @param txn    Begun for writing.
 * @param table  Index.
 * @param key    1..511 octets.
 * @param length_bytes  Size of the value.
 * @return Memory to fill before the next call on this transaction; NULL when the transaction has
 *         failed.
 */
void *tg_txn_reserve(struct tg_txn *txn, uint32_t table, struct tg_bytes key, size_t length_bytes);

/** @brief Look up. @param txn Begun. @param table Index. @param key Octets.
 *  @param[out] value Borrowed until the transaction ends or writes.
 *  @return Whether it is there; false too when the transaction has failed. */
bool tg_txn_get(struct tg_txn *txn, uint32_t table, struct tg_bytes key, struct tg_bytes *value);

/** @brief Remove. @param txn Begun. @param table Index. @param key Octets.
 *  @return Whether it was there. */
bool tg_txn_delete(struct tg_txn *txn, uint32_t table, struct tg_bytes key);

/** @brief Empty a table. @param txn Begun. @param table Index. */
void tg_txn_clear(struct tg_txn *txn, uint32_t table);

/** @brief Entries of a table. @param txn Begun. @param table Index. @return Count. */
uint64_t tg_txn_count(struct tg_txn *txn, uint32_t table);

/** @brief Note an error of the caller's own, so that commit refuses. @param txn Begun.
 *  @param err Not TG_OK; the first one stays. */
void tg_txn_fail(struct tg_txn *txn, enum tg_err err);

/**
 * @brief Make all of it durable, or none.
 * @param[in,out] txn  Begun; ended on return, whatever comes back.
 * @param[out]    why  Filled on failure; may be NULL.
 * @return TG_OK or the first error: TG_E_DATABASE, TG_E_NO_SPACE, TG_E_IO, TG_E_INVALID, or what
 *         tg_txn_fail was given. Nothing is stored then.
 */
enum tg_err tg_txn_commit(struct tg_txn *txn, struct tg_why *why);

/** @brief End without storing; the way to end a read. @param txn Begun or ended. */
void tg_txn_abort(struct tg_txn *txn);

/** @brief A walk over one table in key order. */
struct tg_walk {
    struct tg_txn *txn;        /**< Its transaction. */
    struct MDB_cursor *handle; /**< NULL when it cannot be walked. */
    struct tg_bytes key;       /**< Current key, after tg_walk_next gave true. */
    struct tg_bytes value;     /**< Current value. */
    bool is_started;           /**< Positioned. */
};

/** @brief Start before the first key >= from. @param[out] walk Caller's. @param txn Begun.
 *  @param table Index. @param from Octets, borrowed until the first tg_walk_next; empty: the start.
 */
void tg_walk_begin(struct tg_walk *walk, struct tg_txn *txn, uint32_t table, struct tg_bytes from);

/** @brief Move on. @param walk Begun. @return Whether key and value hold an entry. */
bool tg_walk_next(struct tg_walk *walk);

/** @brief End; before the transaction ends. @param walk Begun. */
void tg_walk_end(struct tg_walk *walk);

/** @brief Bytes of a text. @param text NUL-terminated. @return Without the NUL. */
struct tg_bytes tg_bytes_text(const char *text);

#endif
