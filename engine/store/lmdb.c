/* SPDX-License-Identifier: Apache-2.0 */
#include "store/lmdb.h"

#include <errno.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "store/file.h"

#define MAP_BYTES_DEFAULT (UINT64_C(256) << 30) /* address space; a million invoices take 10 GiB */
#define READERS_DEFAULT   126u

struct tg_db {
    MDB_env *env;
    pthread_mutex_t opening; /* mdb_dbi_open must not run in two transactions at the same time */
    uint32_t tables_count;
    bool is_read_only;
    bool is_complete; /* every table is open; written under `opening`, read with acquire */
    MDB_dbi tables[TG_DB_TABLES_MAX];
    bool is_open[TG_DB_TABLES_MAX];
    char names[TG_DB_TABLES_MAX][64];
};

static enum tg_err db_error(int code)
{
    switch (code) {
    case MDB_SUCCESS:
        return TG_OK;
    case MDB_MAP_FULL:
    case MDB_TXN_FULL:
    case ENOSPC:
    case EDQUOT:
        return TG_E_NO_SPACE;
    case EIO:
    case EACCES:
    case EROFS:
        return TG_E_IO;
    case ENOENT:
        return TG_E_NOT_FOUND;
    case ENOMEM:
        return TG_E_NO_MEMORY;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
        return TG_E_CORRUPT;
    case MDB_BAD_VALSIZE:
    case EINVAL:
        return TG_E_INVALID;
    default:
        return TG_E_DATABASE;
    }
}

/* Opens whatever tables are there (and makes them when writing); a transaction of its own. */
static int db_open_tables(struct tg_db *db)
{
    MDB_txn *txn = NULL;
    int code = mdb_txn_begin(db->env, NULL, db->is_read_only ? MDB_RDONLY : 0, &txn);
    if (code != MDB_SUCCESS) {
        return code;
    }
    bool is_new[TG_DB_TABLES_MAX] = {false};
    bool is_complete = true;
    for (uint32_t i = 0; i < db->tables_count; i++) {
        if (db->is_open[i]) {
            continue;
        }
        code = mdb_dbi_open(txn, db->names[i], db->is_read_only ? 0 : MDB_CREATE, &db->tables[i]);
        if (code == MDB_NOTFOUND && db->is_read_only) {
            is_complete = false;
            continue;
        }
        if (code != MDB_SUCCESS) {
            mdb_txn_abort(txn);
            return code;
        }
        is_new[i] = true;
    }
    code = mdb_txn_commit(txn);
    for (uint32_t i = 0; i < db->tables_count && code == MDB_SUCCESS; i++) {
        /* Pairs with the acquire in txn_table: the handle is written before the flag. */
        if (is_new[i]) {
            __atomic_store_n(&db->is_open[i], true, __ATOMIC_RELEASE);
        }
    }
    if (code == MDB_SUCCESS && is_complete) {
        __atomic_store_n(&db->is_complete, true, __ATOMIC_RELEASE); /* pairs with tg_txn_begin */
    }
    return code;
}

enum tg_err tg_db_open(const struct tg_db_params *params, struct tg_db **db, struct tg_why *why)
{
    *db = NULL;
    if (params->size_bytes != sizeof *params || params->dir == NULL || params->tables_count == 0 ||
        params->tables_count > TG_DB_TABLES_MAX) {
        return tg_why_set(why, TG_E_INVALID, "an environment has 1 to %u tables", TG_DB_TABLES_MAX);
    }
    if (!params->is_read_only) {
        const enum tg_err made = tg_file_make_dir(params->dir, why);
        if (made != TG_OK) {
            return made;
        }
    }
    struct tg_db *made = tg_pages_take(sizeof *made);
    if (made == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for a database handle");
    }
    (void)pthread_mutex_init(&made->opening, NULL);
    made->tables_count = params->tables_count;
    made->is_read_only = params->is_read_only;
    for (uint32_t i = 0; i < params->tables_count; i++) {
        (void)snprintf(made->names[i], sizeof made->names[i], "%s", params->tables[i]);
    }
    const size_t map_bytes =
        (size_t)(params->map_bytes != 0 ? params->map_bytes : MAP_BYTES_DEFAULT);
    int code = mdb_env_create(&made->env);
    if (code == MDB_SUCCESS) {
        code = mdb_env_set_maxdbs(made->env, TG_DB_TABLES_MAX);
    }
    if (code == MDB_SUCCESS) {
        code = mdb_env_set_mapsize(made->env, map_bytes & ~(size_t)4095);
    }
    if (code == MDB_SUCCESS) {
        code = mdb_env_set_maxreaders(made->env, params->readers_max != 0 ? params->readers_max
                                                                          : READERS_DEFAULT);
    }
    if (code == MDB_SUCCESS) {
        /* Durable flags only: see the header. MDB_NOTLS ties readers to objects, not to threads. */
        code = mdb_env_open(made->env, params->dir,
                            MDB_NOTLS | (params->is_read_only ? MDB_RDONLY : 0), 0640);
    }
    if (code == MDB_SUCCESS) {
        int dead_count = 0; /* slots of readers that were killed would pin old pages for ever */
        (void)mdb_reader_check(made->env, &dead_count);
        code = db_open_tables(made);
    }
    if (code != MDB_SUCCESS) {
        tg_db_close(made);
        return tg_why_set(why, db_error(code), "cannot open database %s: %s", params->dir,
                          mdb_strerror(code));
    }
    *db = made;
    return TG_OK;
}

void tg_db_close(struct tg_db *db)
{
    if (db == NULL) {
        return;
    }
    if (db->env != NULL) {
        mdb_env_close(db->env);
    }
    (void)pthread_mutex_destroy(&db->opening);
    tg_pages_free(db, sizeof *db);
}

static void txn_note(struct tg_txn *txn, int code)
{
    if (code != MDB_SUCCESS && txn->error == TG_OK) {
        txn->error = db_error(code);
        txn->database_error = code;
    }
}

void tg_txn_begin(struct tg_txn *txn, struct tg_db *db, bool is_write)
{
    *txn = (struct tg_txn){.db = db, .is_write = is_write};
    if (is_write && db->is_read_only) {
        txn->error = TG_E_STATE;
        return;
    }
    /* Pairs with the release in db_open_tables: a reader that came before the writer looks again.
     */
    if (!__atomic_load_n(&db->is_complete, __ATOMIC_ACQUIRE)) {
        (void)pthread_mutex_lock(&db->opening);
        txn_note(txn, db_open_tables(db));
        (void)pthread_mutex_unlock(&db->opening);
    }
    if (txn->error == TG_OK) {
        txn_note(txn, mdb_txn_begin(db->env, NULL, is_write ? 0 : MDB_RDONLY, &txn->handle));
    }
}

/* Whether the table can be used in this transaction. */
static bool txn_table(struct tg_txn *txn, uint32_t table)
{
    if (txn->error != TG_OK || txn->handle == NULL) {
        return false;
    }
    if (table >= txn->db->tables_count) {
        txn_note(txn, EINVAL);
        return false;
    }
    return __atomic_load_n(&txn->db->is_open[table], __ATOMIC_ACQUIRE);
}

static MDB_val val_of(struct tg_bytes bytes)
{
    MDB_val val = {.mv_size = bytes.length_bytes};
    memcpy(&val.mv_data, &bytes.at, sizeof val.mv_data); /* LMDB takes no const pointer */
    return val;
}

void tg_txn_put(struct tg_txn *txn, uint32_t table, struct tg_bytes key, struct tg_bytes value)
{
    if (txn_table(txn, table)) {
        MDB_val key_val = val_of(key);
        MDB_val value_val = val_of(value);
        txn_note(txn, mdb_put(txn->handle, txn->db->tables[table], &key_val, &value_val, 0));
    }
}

void *tg_txn_reserve(struct tg_txn *txn, uint32_t table, struct tg_bytes key, size_t length_bytes)
{
    if (!txn_table(txn, table)) {
        return NULL;
    }
    MDB_val key_val = val_of(key);
    MDB_val value_val = {.mv_size = length_bytes};
    const int code =
        mdb_put(txn->handle, txn->db->tables[table], &key_val, &value_val, MDB_RESERVE);
    txn_note(txn, code);
    return code == MDB_SUCCESS ? value_val.mv_data : NULL;
}

bool tg_txn_get(struct tg_txn *txn, uint32_t table, struct tg_bytes key, struct tg_bytes *value)
{
    *value = (struct tg_bytes){NULL, 0};
    if (!txn_table(txn, table)) {
        return false;
    }
    MDB_val key_val = val_of(key);
    MDB_val value_val;
    const int code = mdb_get(txn->handle, txn->db->tables[table], &key_val, &value_val);
    if (code != MDB_SUCCESS) {
        txn_note(txn, code == MDB_NOTFOUND ? MDB_SUCCESS : code);
        return false;
    }
    *value = (struct tg_bytes){value_val.mv_data, value_val.mv_size};
    return true;
}

bool tg_txn_delete(struct tg_txn *txn, uint32_t table, struct tg_bytes key)
{
    if (!txn_table(txn, table)) {
        return false;
    }
    MDB_val key_val = val_of(key);
    const int code = mdb_del(txn->handle, txn->db->tables[table], &key_val, NULL);
    txn_note(txn, code == MDB_NOTFOUND ? MDB_SUCCESS : code);
    return code == MDB_SUCCESS;
}

void tg_txn_clear(struct tg_txn *txn, uint32_t table)
{
    if (txn_table(txn, table)) {
        txn_note(txn, mdb_drop(txn->handle, txn->db->tables[table], 0));
    }
}

uint64_t tg_txn_count(struct tg_txn *txn, uint32_t table)
{
    MDB_stat stat = {0};
    if (txn_table(txn, table)) {
        txn_note(txn, mdb_stat(txn->handle, txn->db->tables[table], &stat));
    }
    return stat.ms_entries;
}

void tg_txn_fail(struct tg_txn *txn, enum tg_err err)
{
    if (txn->error == TG_OK) {
        txn->error = err;
    }
}

enum tg_err tg_txn_commit(struct tg_txn *txn, struct tg_why *why)
{
    if (txn->error != TG_OK || txn->handle == NULL) {
        tg_txn_abort(txn);
    } else {
        txn_note(txn, mdb_txn_commit(txn->handle));
        txn->handle = NULL;
    }
    if (txn->error == TG_OK) {
        return TG_OK;
    }
    const enum tg_err err = (enum tg_err)txn->error;
    return tg_why_set(why, err, "the database transaction was not stored: %s",
                      txn->database_error != 0 ? mdb_strerror(txn->database_error)
                                               : tg_err_sentence(err));
}

void tg_txn_abort(struct tg_txn *txn)
{
    if (txn->handle != NULL) {
        mdb_txn_abort(txn->handle);
        txn->handle = NULL;
    }
}

void tg_walk_begin(struct tg_walk *walk, struct tg_txn *txn, uint32_t table, struct tg_bytes from)
{
    *walk = (struct tg_walk){.txn = txn, .key = from};
    if (txn_table(txn, table)) {
        txn_note(txn, mdb_cursor_open(txn->handle, txn->db->tables[table], &walk->handle));
    }
}

bool tg_walk_next(struct tg_walk *walk)
{
    if (walk->handle == NULL || walk->txn->error != TG_OK) {
        return false;
    }
    MDB_val key = val_of(walk->key);
    MDB_val value = {0};
    MDB_cursor_op op = MDB_NEXT;
    if (!walk->is_started) {
        op = walk->key.length_bytes == 0 ? MDB_FIRST : MDB_SET_RANGE;
    }
    const int code = mdb_cursor_get(walk->handle, &key, &value, op);
    walk->is_started = true;
    if (code != MDB_SUCCESS) {
        txn_note(walk->txn, code == MDB_NOTFOUND ? MDB_SUCCESS : code);
        return false;
    }
    walk->key = (struct tg_bytes){key.mv_data, key.mv_size};
    walk->value = (struct tg_bytes){value.mv_data, value.mv_size};
    return true;
}

void tg_walk_end(struct tg_walk *walk)
{
    if (walk->handle != NULL) {
        mdb_cursor_close(walk->handle);
        walk->handle = NULL;
    }
}

struct tg_bytes tg_bytes_text(const char *text)
{
    return (struct tg_bytes){text, strlen(text)};
}
