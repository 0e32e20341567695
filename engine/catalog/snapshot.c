/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots: images in place and the roster, immutable, closed after a grace period. */
#include "base/arena.h"
#include "catalog/catalog.h"
#include "catalog/catalog_store.h"
#include "catalog/compile.h"
#include "catalog/folder.h"
#include "doc/diag.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* What a snapshot holds on to. */
struct storage {
    struct tg_db *db;
    struct tg_txn txn; /* pins the map that images and names are read from */
    bool has_txn;
    struct tg_image *copies[TG_CATALOG_IMAGES_MAX]; /* images that could not be read in place */
    uint32_t copies_count;
    struct tg_roster *roster;
    struct tg_bytes *chunks[2]; /* subscribers, accounts: by chunk number */
    uint32_t chunks_count[2];
    struct tg_people people; /* names of a snapshot opened from a folder */
    bool has_people;
};

void tg_catalog_close(struct tg_catalog_snapshot *snapshot)
{
    if (snapshot == NULL) {
        return;
    }
    struct storage *storage = snapshot->storage;
    for (uint32_t i = 0; i < storage->copies_count; i++) {
        tg_pages_free(storage->copies[i], storage->copies[i]->size_bytes);
    }
    if (storage->has_txn) {
        tg_txn_abort(&storage->txn);
    }
    tg_catalog_release(storage->db);
    tg_roster_free(storage->roster);
    tg_people_free(&storage->people);
    free(storage->chunks[0]);
    free(storage->chunks[1]);
    free(storage);
    free(snapshot);
}

static struct tg_catalog_snapshot *snapshot_make(void)
{
    struct tg_catalog_snapshot *snapshot = calloc(1, sizeof *snapshot);
    struct storage *storage = calloc(1, sizeof *storage);
    if (snapshot == NULL || storage == NULL) {
        free(snapshot);
        free(storage);
        return NULL;
    }
    snapshot->storage = storage;
    return snapshot;
}

/* Keep images ascending; when full the oldest goes. */
static void image_insert(struct tg_catalog_snapshot *snapshot, const struct tg_image *image)
{
    if (snapshot->images_count == TG_CATALOG_IMAGES_MAX) {
        if (image->valid_from_ns < snapshot->valid_from_ns[0]) {
            return;
        }
        snapshot->images_count--;
        memmove(snapshot->images, snapshot->images + 1,
                snapshot->images_count * sizeof *snapshot->images);
        memmove(snapshot->valid_from_ns, snapshot->valid_from_ns + 1,
                snapshot->images_count * sizeof *snapshot->valid_from_ns);
    }
    uint32_t at = snapshot->images_count++;
    for (; at > 0 && snapshot->valid_from_ns[at - 1] > image->valid_from_ns; at--) {
        snapshot->images[at] = snapshot->images[at - 1];
        snapshot->valid_from_ns[at] = snapshot->valid_from_ns[at - 1];
    }
    snapshot->images[at] = image;
    snapshot->valid_from_ns[at] = image->valid_from_ns;
}

static size_t chunk_text(const struct storage *storage, bool is_account, uint32_t index,
                         bool is_title, char *text, size_t text_room)
{
    const uint32_t chunk = index / TG_PEOPLE_CHUNK_COUNT;
    const unsigned table = is_account ? 1 : 0;
    if (chunk >= storage->chunks_count[table]) {
        return 0;
    }
    const struct tg_bytes bytes = storage->chunks[table][chunk];
    return tg_people_text(bytes.at, bytes.length_bytes, is_account, index, is_title, text,
                          text_room);
}

static size_t text_out(const char *from, char *text, size_t text_room)
{
    const size_t length = strnlen(from, text_room - 1);
    memcpy(text, from, length);
    text[length] = '\0';
    return length;
}

static size_t subscriber_name(void *context, uint32_t subscriber, char *text, size_t text_room)
{
    const struct storage *storage = context;
    return storage->has_people
               ? text_out(tg_names_text(&storage->people.subscriber_ids, subscriber), text,
                          text_room)
               : chunk_text(storage, false, subscriber, false, text, text_room);
}

static size_t account_name(void *context, uint32_t account, char *text, size_t text_room)
{
    const struct storage *storage = context;
    return storage->has_people
               ? text_out(tg_names_text(&storage->people.account_ids, account), text, text_room)
               : chunk_text(storage, true, account, false, text, text_room);
}

static size_t account_title(void *context, uint32_t account, char *text, size_t text_room)
{
    const struct storage *storage = context;
    if (!storage->has_people) {
        return chunk_text(storage, true, account, true, text, text_room);
    }
    const uint32_t *titles = (const uint32_t *)(const void *)storage->people.account_titles.bytes;
    return text_out(tg_names_text(&storage->people.titles, titles[account]), text, text_room);
}

static void names_hook(struct tg_catalog_snapshot *snapshot)
{
    struct storage *storage = snapshot->storage;
    storage->roster->names =
        (struct tg_roster_names){storage, subscriber_name, account_name, account_title};
    snapshot->roster = storage->roster;
}

/* Remember where each chunk lies, so that a name costs no look-up in the tree. */
static enum tg_err chunks_index(struct storage *storage, unsigned which, uint32_t table)
{
    const uint64_t count = tg_txn_count(&storage->txn, table);
    storage->chunks[which] = calloc(count + 1, sizeof *storage->chunks[which]);
    if (storage->chunks[which] == NULL) {
        return TG_E_NO_MEMORY;
    }
    struct tg_walk walk;
    tg_walk_begin(&walk, &storage->txn, table, (struct tg_bytes){NULL, 0});
    while (storage->chunks_count[which] < count && tg_walk_next(&walk)) {
        storage->chunks[which][storage->chunks_count[which]++] = walk.value;
    }
    tg_walk_end(&walk);
    return TG_OK;
}

static enum tg_err images_open(struct tg_catalog_snapshot *snapshot, struct tg_why *why)
{
    struct storage *storage = snapshot->storage;
    struct tg_walk walk;
    enum tg_err err = TG_OK;
    tg_walk_begin(&walk, &storage->txn, TG_CATALOG_TABLE_IMAGES, (struct tg_bytes){NULL, 0});
    while (err == TG_OK && storage->copies_count < TG_CATALOG_IMAGES_MAX && tg_walk_next(&walk)) {
        const struct tg_image *image = NULL;
        struct tg_image *copy = NULL;
        err = tg_catalog_image_of(walk.value, &image, &copy, why);
        err = err == TG_OK ? tg_image_code_ensure(image, why) : err;
        if (err == TG_OK) {
            image_insert(snapshot, image);
        }
        if (copy != NULL) {
            storage->copies[storage->copies_count++] = copy;
        }
    }
    tg_walk_end(&walk);
    return err;
}

static enum tg_err roster_open(struct tg_catalog_snapshot *snapshot, struct tg_why *why)
{
    struct storage *storage = snapshot->storage;
    struct tg_people people = {.is_nameless = true};
    enum tg_err err = tg_catalog_people_load(&storage->txn, &people, why);
    err = err == TG_OK ? tg_people_roster(&people, snapshot->images, snapshot->images_count,
                                          &storage->roster, why)
                       : err;
    tg_people_free(&people);
    err = err == TG_OK ? chunks_index(storage, 0, TG_CATALOG_TABLE_SUBSCRIBERS) : err;
    err = err == TG_OK ? chunks_index(storage, 1, TG_CATALOG_TABLE_ACCOUNTS) : err;
    if (err == TG_OK) {
        names_hook(snapshot);
    }
    return err;
}

enum tg_err tg_catalog_open(const char *data_dir, struct tg_catalog_snapshot **snapshot,
                            struct tg_why *why)
{
    *snapshot = NULL;
    struct tg_catalog_snapshot *made = snapshot_make();
    if (made == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for the catalog");
    }
    struct storage *storage = made->storage;
    enum tg_err err = tg_catalog_acquire(data_dir, false, &storage->db, why);
    if (err == TG_OK) {
        tg_txn_begin(&storage->txn, storage->db, false);
        storage->has_txn = true;
        made->generation = tg_catalog_state_get(&storage->txn).generation;
        err = images_open(made, why);
    }
    if (err == TG_OK && made->images_count == 0) {
        err = tg_why_set(why, TG_E_CATALOG, "no catalog in %s; `tollgate catalog import` makes one",
                         data_dir);
    }
    err = err == TG_OK ? roster_open(made, why) : err;
    if (err != TG_OK) {
        tg_catalog_close(made);
        return err;
    }
    *snapshot = made;
    return TG_OK;
}

enum tg_err tg_catalog_open_folder(const char *folder, struct tg_diag *diag,
                                   struct tg_catalog_snapshot **snapshot, struct tg_why *why)
{
    return tg_catalog_open_candidate(folder, NULL, diag, snapshot, why);
}

enum tg_err tg_catalog_open_candidate(const char *folder, const struct tg_image *like,
                                      struct tg_diag *diag, struct tg_catalog_snapshot **snapshot,
                                      struct tg_why *why)
{
    *snapshot = NULL;
    struct tg_folder *opened = calloc(1, sizeof *opened);
    struct tg_catalog_snapshot *made = snapshot_make();
    enum tg_err err = opened != NULL && made != NULL ? TG_OK : TG_E_NO_MEMORY;
    err = err == TG_OK ? tg_folder_open(folder, diag, opened) : err;
    if (err == TG_OK) {
        struct storage *storage = made->storage;
        err = tg_compile_run(opened, like, false, diag, &storage->copies[0]);
        err = err == TG_OK ? tg_image_code_ensure(storage->copies[0], why) : err;
        if (err == TG_OK) {
            storage->copies_count = 1;
            storage->has_people = true;
            image_insert(made, storage->copies[0]);
            tg_people_read(&storage->people, opened, storage->copies[0], diag);
            err = tg_diag_errors_count(diag) > 0 ? TG_E_DOCUMENT
                  : tg_people_is_broken(&storage->people)
                      ? TG_E_NO_MEMORY
                      : tg_people_roster(&storage->people, made->images, made->images_count,
                                         &storage->roster, why);
        }
    }
    if (opened != NULL) {
        tg_folder_close(opened);
        free(opened);
    }
    if (err != TG_OK) {
        tg_catalog_close(made);
        return tg_why_set(why, err, "%s: %s", folder, tg_err_sentence(err));
    }
    names_hook(made);
    *snapshot = made;
    return TG_OK;
}

struct tg_catalog_snapshot *tg_catalog_wrap(const struct tg_image *const *images,
                                            uint32_t images_count, struct tg_roster *roster)
{
    assert(images_count >= 1 && images_count <= TG_CATALOG_IMAGES_MAX && roster != NULL);
    struct tg_catalog_snapshot *made = snapshot_make();
    if (made == NULL) {
        return NULL;
    }
    for (uint32_t i = 0; i < images_count; i++) {
        image_insert(made, images[i]);
    }
    struct storage *storage = made->storage;
    storage->roster = roster;
    made->roster = roster;
    return made;
}

const struct tg_image *tg_catalog_image_version(const struct tg_catalog_snapshot *snapshot,
                                                uint32_t version)
{
    for (uint32_t i = 0; i < snapshot->images_count; i++) {
        if (snapshot->images[i]->version == version) {
            return snapshot->images[i];
        }
    }
    return NULL;
}
