/* SPDX-License-Identifier: Apache-2.0 */
#include "store/documents.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"

/* A key is collection NUL id, so that a collection is one run of keys in id order. */
struct document_key {
    char bytes[2 * TG_DOCUMENT_NAME_MAX + 2];
    size_t length_bytes;
    size_t prefix_bytes;
};

static bool name_fits(const char *name)
{
    const size_t length = name != NULL ? strnlen(name, TG_DOCUMENT_NAME_MAX + 1) : 0;
    return length > 0 && length <= TG_DOCUMENT_NAME_MAX;
}

static bool key_make(struct document_key *key, const char *collection, const char *id)
{
    if (!name_fits(collection) || (id != NULL && !name_fits(id))) {
        return false;
    }
    key->prefix_bytes = strlen(collection) + 1;
    memcpy(key->bytes, collection, key->prefix_bytes);
    const size_t id_bytes = id != NULL ? strlen(id) : 0;
    memcpy(key->bytes + key->prefix_bytes, id != NULL ? id : "", id_bytes);
    key->length_bytes = key->prefix_bytes + id_bytes;
    return true;
}

static struct tg_bytes key_bytes(const struct document_key *key)
{
    return (struct tg_bytes){key->bytes, key->length_bytes};
}

static bool key_is_in(const struct document_key *key, struct tg_bytes found)
{
    return found.length_bytes > key->prefix_bytes &&
           memcmp(found.at, key->bytes, key->prefix_bytes) == 0;
}

/* The checksum covers the key too: a value under another's key is as wrong as a changed one. */
static uint32_t value_crc(struct tg_bytes key, const void *json, size_t json_bytes)
{
    return tg_crc32c(tg_crc32c(0, key.at, key.length_bytes), json, json_bytes);
}

static enum tg_err value_check(struct tg_bytes key, struct tg_bytes value, struct tg_bytes *json)
{
    uint32_t crc = 0;
    if (value.length_bytes < sizeof crc) {
        return TG_E_CORRUPT;
    }
    memcpy(&crc, value.at, sizeof crc);
    json->at = (const char *)value.at + sizeof crc;
    json->length_bytes = value.length_bytes - sizeof crc;
    return crc == value_crc(key, json->at, json->length_bytes) ? TG_OK : TG_E_CORRUPT;
}

enum tg_err tg_state_open(const char *data_dir, bool is_read_only, uint64_t map_bytes,
                          struct tg_db **db, struct tg_why *why)
{
    static const char *const tables[TG_STATE_TABLES_COUNT] = {"documents",  "counters", "pages",
                                                              "checkpoint", "catalog",  "spare"};
    char dir[4096];
    *db = NULL;
    const int length = snprintf(dir, sizeof dir, "%s/state", data_dir);
    if (length < 0 || (size_t)length >= sizeof dir) {
        return tg_why_set(why, TG_E_INVALID, "the directory name is too long");
    }
    const struct tg_db_params params = {.size_bytes = sizeof params,
                                        .tables_count = TG_STATE_TABLES_COUNT,
                                        .dir = dir,
                                        .tables = tables,
                                        .map_bytes = map_bytes,
                                        .is_read_only = is_read_only};
    return tg_db_open(&params, db, why);
}

void tg_documents_put(struct tg_txn *txn, const char *collection, const char *id, const char *json,
                      size_t json_bytes)
{
    struct document_key key;
    if (id == NULL || !key_make(&key, collection, id)) {
        tg_txn_fail(txn, TG_E_INVALID);
        return;
    }
    const uint32_t crc = value_crc(key_bytes(&key), json, json_bytes);
    uint8_t *value =
        tg_txn_reserve(txn, TG_STATE_DOCUMENTS, key_bytes(&key), sizeof crc + json_bytes);
    if (value != NULL) {
        memcpy(value, &crc, sizeof crc);
        memcpy(value + sizeof crc, json, json_bytes);
    }
}

enum tg_err tg_documents_get(struct tg_txn *txn, const char *collection, const char *id,
                             struct tg_bytes *json)
{
    struct document_key key;
    struct tg_bytes value;
    *json = (struct tg_bytes){NULL, 0};
    if (id == NULL || !key_make(&key, collection, id)) {
        return TG_E_INVALID;
    }
    if (!tg_txn_get(txn, TG_STATE_DOCUMENTS, key_bytes(&key), &value)) {
        return txn->error != TG_OK ? (enum tg_err)txn->error : TG_E_NOT_FOUND;
    }
    return value_check(key_bytes(&key), value, json);
}

bool tg_documents_remove(struct tg_txn *txn, const char *collection, const char *id)
{
    struct document_key key;
    if (id == NULL || !key_make(&key, collection, id)) {
        tg_txn_fail(txn, TG_E_INVALID);
        return false;
    }
    return tg_txn_delete(txn, TG_STATE_DOCUMENTS, key_bytes(&key));
}

enum tg_err tg_documents_visit(struct tg_txn *txn, const char *collection, const char *from_id,
                               tg_document_visit visit, void *context, uint64_t *visited_count)
{
    struct document_key key;
    uint64_t count = 0;
    enum tg_err err = TG_OK;
    if (visited_count != NULL) {
        *visited_count = 0;
    }
    if (!key_make(&key, collection, from_id)) {
        return TG_E_INVALID;
    }
    struct tg_walk walk;
    tg_walk_begin(&walk, txn, TG_STATE_DOCUMENTS, key_bytes(&key));
    while (err == TG_OK && tg_walk_next(&walk) && key_is_in(&key, walk.key)) {
        struct tg_bytes json;
        char id[TG_DOCUMENT_NAME_MAX + 1];
        const size_t id_bytes = walk.key.length_bytes - key.prefix_bytes;
        err = id_bytes <= TG_DOCUMENT_NAME_MAX ? value_check(walk.key, walk.value, &json)
                                               : TG_E_CORRUPT;
        if (err != TG_OK) {
            break;
        }
        memcpy(id, (const char *)walk.key.at + key.prefix_bytes, id_bytes);
        id[id_bytes] = '\0';
        count++;
        const struct tg_document document = {
            .id = id, .json = json.at, .json_bytes = json.length_bytes};
        if (!visit(context, &document)) {
            break;
        }
    }
    tg_walk_end(&walk);
    if (visited_count != NULL) {
        *visited_count = count;
    }
    return err == TG_OK ? (enum tg_err)txn->error : err;
}

/* Removes the documents of a collection whose ids sort below `below` (all when NULL). */
static uint64_t documents_remove_below(struct tg_txn *txn, const char *collection,
                                       const char *below)
{
    struct document_key start;
    if (!key_make(&start, collection, NULL)) {
        tg_txn_fail(txn, TG_E_INVALID);
        return 0;
    }
    uint64_t count = 0;
    for (;;) {
        struct tg_walk walk;
        struct document_key found = start;
        tg_walk_begin(&walk, txn, TG_STATE_DOCUMENTS, key_bytes(&start));
        bool is_found = tg_walk_next(&walk) && key_is_in(&start, walk.key) &&
                        walk.key.length_bytes < sizeof found.bytes;
        if (is_found) {
            memcpy(found.bytes, walk.key.at, walk.key.length_bytes);
            found.length_bytes = walk.key.length_bytes;
            found.bytes[found.length_bytes] = '\0';
        }
        tg_walk_end(&walk);
        is_found =
            is_found && (below == NULL || strcmp(found.bytes + found.prefix_bytes, below) < 0);
        if (!is_found || !tg_txn_delete(txn, TG_STATE_DOCUMENTS, key_bytes(&found))) {
            return count;
        }
        count++;
    }
}

uint64_t tg_documents_clear(struct tg_txn *txn, const char *collection)
{
    return documents_remove_below(txn, collection, NULL);
}

struct counter_value {
    uint64_t number;
    uint32_t crc32c;
    uint32_t reserved;
};
_Static_assert(sizeof(struct counter_value) == 16, "a counter is stored as it is");

uint64_t tg_counter_last(struct tg_txn *txn, const char *name)
{
    struct tg_bytes value;
    struct counter_value counter;
    if (!name_fits(name)) {
        tg_txn_fail(txn, TG_E_INVALID);
        return 0;
    }
    if (!tg_txn_get(txn, TG_STATE_COUNTERS, tg_bytes_text(name), &value)) {
        return 0;
    }
    if (value.length_bytes != sizeof counter) {
        tg_txn_fail(txn, TG_E_CORRUPT);
        return 0;
    }
    memcpy(&counter, value.at, sizeof counter);
    if (counter.crc32c != value_crc(tg_bytes_text(name), &counter.number, sizeof counter.number)) {
        tg_txn_fail(txn, TG_E_CORRUPT);
        return 0;
    }
    return counter.number;
}

uint64_t tg_counter_next(struct tg_txn *txn, const char *name)
{
    struct counter_value counter = {.number = tg_counter_last(txn, name) + 1};
    if (txn->error != TG_OK) {
        return 0;
    }
    counter.crc32c = value_crc(tg_bytes_text(name), &counter.number, sizeof counter.number);
    tg_txn_put(txn, TG_STATE_COUNTERS, tg_bytes_text(name),
               (struct tg_bytes){&counter, sizeof counter});
    return txn->error == TG_OK ? counter.number : 0;
}

/* Twenty digits hold every u64 and sort as numbers do. */
static void outbox_id(uint64_t number, char id[24])
{
    (void)snprintf(id, 24, "%020" PRIu64, number);
}

uint64_t tg_outbox_append(struct tg_txn *txn, const char *json, size_t json_bytes)
{
    char id[24];
    const uint64_t number = tg_counter_next(txn, TG_OUTBOX_COLLECTION);
    if (number == 0) {
        return 0;
    }
    outbox_id(number, id);
    tg_documents_put(txn, TG_OUTBOX_COLLECTION, id, json, json_bytes);
    return txn->error == TG_OK ? number : 0;
}

enum tg_err tg_outbox_visit(struct tg_txn *txn, uint64_t number, tg_document_visit visit,
                            void *context)
{
    char id[24];
    outbox_id(number, id);
    return tg_documents_visit(txn, TG_OUTBOX_COLLECTION, id, visit, context, NULL);
}

uint64_t tg_outbox_trim(struct tg_txn *txn, uint64_t number)
{
    char id[24];
    outbox_id(number, id);
    return documents_remove_below(txn, TG_OUTBOX_COLLECTION, id);
}
