/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/catalog_store.h"

#include "base/arena.h"
#include "catalog/compile.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const table_names[] = {"images", "versions", "meta", "accounts", "subscribers"};

/* Environments open in this process; handles of one path share one. */
struct handle {
    struct handle *next;
    struct tg_db *db;
    uint32_t users_count;
    char dir[TG_FOLDER_PATH_BYTES];
};

static pthread_mutex_t handles_lock = PTHREAD_MUTEX_INITIALIZER;
static struct handle *handles;

static enum tg_err handle_open(const char *dir, struct tg_db **db, struct tg_why *why)
{
    struct handle *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory to open %s", dir);
    }
    const struct tg_db_params params = {
        .size_bytes = sizeof params,
        .tables_count = sizeof table_names / sizeof table_names[0],
        .dir = dir,
        .tables = table_names,
        .is_read_only = access(dir, W_OK) != 0,
    };
    const enum tg_err err = tg_db_open(&params, &made->db, why);
    if (err != TG_OK) {
        free(made);
        return err;
    }
    (void)snprintf(made->dir, sizeof made->dir, "%s", dir);
    made->users_count = 1;
    made->next = handles;
    handles = made;
    *db = made->db;
    return TG_OK;
}

enum tg_err tg_catalog_acquire(const char *data_dir, bool may_make, struct tg_db **db,
                               struct tg_why *why)
{
    char dir[TG_FOLDER_PATH_BYTES];
    char resolved[PATH_MAX];
    *db = NULL;
    const int length = snprintf(dir, sizeof dir, "%s/catalog", data_dir);
    if (length < 0 || (size_t)length >= sizeof dir) {
        return tg_why_set(why, TG_E_INVALID, "the path %s is too long", data_dir);
    }
    if (may_make && ((mkdir(data_dir, 0750) != 0 && errno != EEXIST) ||
                     (mkdir(dir, 0750) != 0 && errno != EEXIST))) {
        return tg_why_set(why, TG_E_IO, "cannot make %s: %s", dir, strerror(errno));
    }
    if (realpath(dir, resolved) == NULL) {
        return tg_why_set(why, TG_E_CATALOG,
                          "no catalog in %s; `tollgate catalog import` makes one", data_dir);
    }
    (void)pthread_mutex_lock(&handles_lock);
    struct handle *handle = handles;
    while (handle != NULL && strcmp(handle->dir, resolved) != 0) {
        handle = handle->next;
    }
    enum tg_err err = TG_OK;
    if (handle != NULL) {
        handle->users_count++;
        *db = handle->db;
    } else {
        err = handle_open(resolved, db, why);
    }
    (void)pthread_mutex_unlock(&handles_lock);
    return err;
}

void tg_catalog_release(struct tg_db *db)
{
    (void)pthread_mutex_lock(&handles_lock);
    struct handle **at = &handles;
    while (*at != NULL && (*at)->db != db) {
        at = &(*at)->next;
    }
    struct handle *handle = *at;
    if (db != NULL && handle != NULL && --handle->users_count == 0) {
        *at = handle->next;
        tg_db_close(handle->db);
        free(handle);
    }
    (void)pthread_mutex_unlock(&handles_lock);
}

struct tg_bytes tg_catalog_key(uint32_t number, uint8_t key[4])
{
    for (unsigned i = 0; i < 4; i++) {
        key[i] = (uint8_t)(number >> (24 - 8 * i));
    }
    return (struct tg_bytes){key, 4};
}

struct tg_catalog_state tg_catalog_state_get(struct tg_txn *txn)
{
    struct tg_catalog_state state = {0};
    struct tg_bytes value;
    if (tg_txn_get(txn, TG_CATALOG_TABLE_META, tg_bytes_text("state"), &value) &&
        value.length_bytes == sizeof state) {
        memcpy(&state, value.at, sizeof state);
    }
    return state;
}

enum tg_err tg_catalog_image_of(struct tg_bytes value, const struct tg_image **image,
                                struct tg_image **copy, struct tg_why *why)
{
    *copy = NULL;
    *image = NULL;
    if (value.length_bytes < TG_CATALOG_PAD_BYTES + sizeof **image) {
        return tg_why_set(why, TG_E_TRUNCATED, "a stored catalog image is cut short");
    }
    const uint8_t *at = (const uint8_t *)value.at + TG_CATALOG_PAD_BYTES;
    const size_t size_bytes = value.length_bytes - TG_CATALOG_PAD_BYTES;
    if ((uintptr_t)at % TG_IMAGE_ALIGN_BYTES == 0) {
        *image = (const struct tg_image *)(const void *)at;
        return tg_image_check(*image, size_bytes, why);
    }
    struct tg_image *taken = tg_pages_take(size_bytes);
    if (taken == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for the catalog image");
    }
    memcpy(taken, at, size_bytes);
    const enum tg_err err = tg_image_check(taken, size_bytes, why);
    if (err != TG_OK) {
        tg_pages_free(taken, size_bytes);
        return err;
    }
    *image = *copy = taken;
    return TG_OK;
}

static enum tg_err chunks_load(struct tg_txn *txn, uint32_t table, struct tg_people *people,
                               struct tg_why *why)
{
    struct tg_walk walk;
    enum tg_err err = TG_OK;
    tg_walk_begin(&walk, txn, table, (struct tg_bytes){NULL, 0});
    while (err == TG_OK && tg_walk_next(&walk)) {
        err = table == TG_CATALOG_TABLE_ACCOUNTS
                  ? tg_people_load_accounts(people, walk.value.at, walk.value.length_bytes)
                  : tg_people_load_subscribers(people, walk.value.at, walk.value.length_bytes);
    }
    tg_walk_end(&walk);
    return err == TG_OK ? TG_OK
                        : tg_why_set(why, err, "%s in the catalog's table %s", tg_err_sentence(err),
                                     table_names[table]);
}

enum tg_err tg_catalog_people_load(struct tg_txn *txn, struct tg_people *people, struct tg_why *why)
{
    const enum tg_err err = chunks_load(txn, TG_CATALOG_TABLE_ACCOUNTS, people, why);
    return err == TG_OK ? chunks_load(txn, TG_CATALOG_TABLE_SUBSCRIBERS, people, why) : err;
}

void tg_catalog_summarise(const struct tg_image *image, struct tg_catalog_summary *summary)
{
    *summary = (struct tg_catalog_summary){
        .version = image->version,
        .valid_from_ns = image->valid_from_ns,
        .image_bytes = image->size_bytes,
        .prefixes_count = tg_compile_prefixes_count(image),
        .zones_count = tg_image_count(image, TG_CATALOG_ZONE) - 1,
    };
    (void)snprintf(summary->tzdata, sizeof summary->tzdata, "%s",
                   tg_image_text(image, image->tzdata_offset));
    for (uint32_t i = 0; i < tg_image_prices_count(image); i++) {
        summary->prices_count += tg_image_price(image, i) != NULL ? 1 : 0;
    }
    for (uint32_t i = 0; i < tg_image_count(image, TG_CATALOG_PRODUCT); i++) {
        summary->products_count += tg_image_product(image, i) != NULL ? 1 : 0;
    }
    for (uint32_t i = 0; i < tg_image_count(image, TG_CATALOG_PLAN); i++) {
        bool is_sold = false;
        for (uint32_t service = 0; service < TG_SERVICE_COUNT; service++) {
            is_sold = is_sold || tg_image_plan_service(image, i, service) != NULL;
        }
        summary->plans_count += is_sold ? 1 : 0;
    }
}
