/* SPDX-License-Identifier: Apache-2.0 */
/* Check and import: folder -> image and people -> one LMDB transaction. Opening is snapshot.c. */
#include "catalog/catalog.h"

#include "base/arena.h"
#include "catalog/catalog_store.h"
#include "catalog/compile.h"
#include "catalog/folder.h"
#include "catalog/folder_print.h"
#include "doc/diag.h"
#include "doc/yaml.h"

#include <stdlib.h>
#include <string.h>

/* One import or check while it runs. */
struct job {
    struct tg_folder folder;
    struct tg_image *image;
    struct tg_people people;
    struct tg_diag *diag;
};

static void job_free(struct job *job)
{
    if (job == NULL) {
        return;
    }
    tg_folder_close(&job->folder);
    tg_people_free(&job->people);
    if (job->image != NULL) {
        tg_pages_free(job->image, job->image->size_bytes);
    }
    free(job);
}

static void summary_fill(const struct job *job, struct tg_catalog_summary *summary)
{
    tg_catalog_summarise(job->image, summary);
    summary->accounts_count = job->people.accounts_listed_count;
    summary->subscribers_count = job->people.subscribers_listed_count;
}

/* Documents and people; every mistake is in diag afterwards. */
static enum tg_err job_run(struct job *job, const char *folder, const struct tg_image *previous)
{
    enum tg_err err = tg_folder_open(folder, job->diag, &job->folder);
    err = err == TG_OK ? tg_compile_run(&job->folder, previous, true, job->diag, &job->image) : err;
    if (err != TG_OK) {
        return err;
    }
    tg_people_read(&job->people, &job->folder, job->image, job->diag);
    if (tg_people_is_broken(&job->people)) {
        return TG_E_NO_MEMORY;
    }
    return tg_diag_settle(job->diag) == 0 ? TG_OK : TG_E_DOCUMENT;
}

enum tg_err tg_catalog_check(const char *folder, struct tg_diag *diag,
                             struct tg_catalog_summary *summary)
{
    struct job *job = calloc(1, sizeof *job);
    if (job == NULL) {
        return TG_E_NO_MEMORY;
    }
    job->diag = diag;
    const enum tg_err err = job_run(job, folder, NULL);
    if (err == TG_OK && summary != NULL) {
        summary_fill(job, summary);
    }
    job_free(job);
    return err;
}

/* The image imported last gives the numbering; NULL when there is none. */
static enum tg_err previous_get(struct tg_txn *txn, struct tg_image **copy,
                                const struct tg_image **previous, struct tg_why *why)
{
    uint8_t key[4];
    struct tg_bytes value;
    const struct tg_catalog_state state = tg_catalog_state_get(txn);
    *previous = NULL;
    *copy = NULL;
    if (state.generation == 0) {
        return TG_OK;
    }
    if (!tg_txn_get(txn, TG_CATALOG_TABLE_IMAGES, tg_catalog_key(state.last_version, key),
                    &value)) {
        return tg_why_set(why, TG_E_CORRUPT, "catalog version %u is gone", state.last_version);
    }
    return tg_catalog_image_of(value, previous, copy, why);
}

/* Nothing in the folder need have changed: another release of the tz data is enough. */
static enum tg_err other_content(const struct job *job, struct tg_txn *txn, uint32_t version,
                                 struct tg_why *why)
{
    uint8_t key[4];
    struct tg_bytes value;
    const struct tg_image *stored = NULL;
    struct tg_image *copy = NULL;
    char release[sizeof((struct tg_catalog_summary *)0)->tzdata] = "";
    const char *now = tg_image_text(job->image, job->image->tzdata_offset);
    if (tg_txn_get(txn, TG_CATALOG_TABLE_IMAGES, tg_catalog_key(version, key), &value) &&
        tg_catalog_image_of(value, &stored, &copy, why) == TG_OK) {
        (void)snprintf(release, sizeof release, "%s", tg_image_text(stored, stored->tzdata_offset));
    }
    if (copy != NULL) {
        tg_pages_free(copy, copy->size_bytes);
    }
    if (release[0] != '\0' && now[0] != '\0' && strcmp(release, now) != 0) {
        return tg_why_set(why, TG_E_EXISTS,
                          "version %u is stored with tz data %s, here is %s; give the new one its "
                          "own number",
                          version, release, now);
    }
    return tg_why_set(why, TG_E_EXISTS,
                      "version %u is stored with other content; give the new one its own number",
                      version);
}

/* Same number: same content or a refusal. Same start: two versions would claim the same events. */
static enum tg_err versions_compare(struct job *job, struct tg_txn *txn, bool *is_unchanged,
                                    struct tg_why *why)
{
    struct tg_walk walk;
    enum tg_err err = TG_OK;
    *is_unchanged = false;
    tg_walk_begin(&walk, txn, TG_CATALOG_TABLE_VERSIONS, (struct tg_bytes){NULL, 0});
    while (tg_walk_next(&walk)) {
        struct tg_catalog_stored stored;
        if (walk.value.length_bytes != sizeof stored) {
            continue;
        }
        memcpy(&stored, walk.value.at, sizeof stored);
        if (stored.version == job->image->version) {
            *is_unchanged = stored.content_hash == job->image->content_hash;
            if (!*is_unchanged) {
                err = other_content(job, txn, stored.version, why);
            }
        } else if (stored.valid_from_ns == job->image->valid_from_ns) {
            tg_diag_add(job->diag, TG_DIAG_ERROR, tg_yaml_get(job->folder.head, "valid_from")->mark,
                        "give a later instant: `rerate --catalog` prices earlier usage with it too",
                        "version %u is already valid from that instant", stored.version);
            err = err == TG_OK ? TG_E_DOCUMENT : err;
        }
    }
    tg_walk_end(&walk);
    return err;
}

static void people_put(struct job *job, struct tg_txn *txn)
{
    struct tg_blob chunk = {0};
    uint8_t key[4];
    tg_people_sort(&job->people);
    for (uint32_t i = 0; tg_people_store_accounts(&job->people, i, &chunk); i++) {
        tg_txn_put(txn, TG_CATALOG_TABLE_ACCOUNTS, tg_catalog_key(i, key),
                   (struct tg_bytes){chunk.bytes, chunk.size_bytes});
    }
    for (uint32_t i = 0; tg_people_store_subscribers(&job->people, i, &chunk); i++) {
        tg_txn_put(txn, TG_CATALOG_TABLE_SUBSCRIBERS, tg_catalog_key(i, key),
                   (struct tg_bytes){chunk.bytes, chunk.size_bytes});
    }
    if (chunk.is_broken) {
        tg_txn_fail(txn, TG_E_NO_MEMORY);
    }
    tg_blob_free(&chunk);
}

static void image_put(const struct job *job, struct tg_txn *txn, int64_t now_ns)
{
    uint8_t key[4];
    const struct tg_bytes version = tg_catalog_key(job->image->version, key);
    uint8_t *room = tg_txn_reserve(txn, TG_CATALOG_TABLE_IMAGES, version,
                                   TG_CATALOG_PAD_BYTES + job->image->size_bytes);
    if (room == NULL) {
        return; /* the transaction remembers why */
    }
    tg_pages_advise(room, TG_CATALOG_PAD_BYTES + job->image->size_bytes);
    memset(room, 0, TG_CATALOG_PAD_BYTES);
    memcpy(room + TG_CATALOG_PAD_BYTES, job->image, job->image->size_bytes);
    const struct tg_catalog_stored stored = {
        .stored_ns = now_ns,
        .valid_from_ns = job->image->valid_from_ns,
        .image_bytes = job->image->size_bytes,
        .content_hash = job->image->content_hash,
        .version = job->image->version,
        .accounts_count = job->people.accounts_listed_count,
        .subscribers_count = job->people.subscribers_listed_count,
    };
    tg_txn_put(txn, TG_CATALOG_TABLE_VERSIONS, version, (struct tg_bytes){&stored, sizeof stored});
}

static enum tg_err import_run(struct job *job, const char *folder, struct tg_txn *txn,
                              int64_t now_ns, bool *is_unchanged, struct tg_why *why)
{
    const uint64_t print = tg_folder_print(folder, now_ns);
    const struct tg_image *previous = NULL;
    struct tg_image *copy = NULL;
    enum tg_err err = previous_get(txn, &copy, &previous, why);
    err = err == TG_OK ? tg_catalog_people_load(txn, &job->people, why) : err;
    err = err == TG_OK ? job_run(job, folder, previous) : err;
    err = err == TG_OK ? versions_compare(job, txn, is_unchanged, why) : err;
    if (copy != NULL) {
        tg_pages_free(copy, copy->size_bytes);
    }
    if (err != TG_OK) {
        return err;
    }
    struct tg_catalog_state state = tg_catalog_state_get(txn);
    if (job->people.has_files) {
        people_put(job, txn);
    }
    if (!*is_unchanged) {
        image_put(job, txn, now_ns);
        state.last_version = job->image->version;
    }
    state.generation++;
    /* What changed while it was read may have been read half. */
    tg_folder_print_put(txn, tg_folder_print(folder, now_ns) == print ? print : 0,
                        state.generation);
    tg_txn_put(txn, TG_CATALOG_TABLE_META, tg_bytes_text("state"),
               (struct tg_bytes){&state, sizeof state});
    return TG_OK;
}

enum tg_err tg_catalog_import(const char *folder, const char *data_dir, int64_t now_ns,
                              struct tg_diag *diag, struct tg_catalog_summary *summary,
                              struct tg_why *why)
{
    struct tg_db *db = NULL;
    struct job *job = calloc(1, sizeof *job);
    if (job == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory to import");
    }
    job->diag = diag;
    enum tg_err err = tg_catalog_acquire(data_dir, true, &db, why);
    if (err == TG_OK) {
        struct tg_txn txn;
        bool is_unchanged = false;
        tg_txn_begin(&txn, db, true);
        err = import_run(job, folder, &txn, now_ns, &is_unchanged, why);
        if (err == TG_OK) {
            err = tg_txn_commit(&txn, why);
        } else {
            tg_txn_abort(&txn);
        }
        if (err == TG_OK && summary != NULL) {
            summary_fill(job, summary);
            summary->stored_ns = now_ns;
            summary->is_unchanged = is_unchanged;
        }
    }
    tg_catalog_release(db);
    job_free(job);
    return err;
}

bool tg_catalog_is_imported(const char *folder, const char *data_dir, int64_t now_ns)
{
    struct tg_db *db = NULL;
    if (tg_catalog_acquire(data_dir, false, &db, NULL) != TG_OK) {
        return false;
    }
    struct tg_txn txn;
    tg_txn_begin(&txn, db, false);
    const bool is_imported = tg_folder_print_is(&txn, tg_folder_print(folder, now_ns),
                                                tg_catalog_state_get(&txn).generation);
    tg_txn_abort(&txn);
    tg_catalog_release(db);
    return is_imported;
}

static void list_sort(struct tg_catalog_summary *summaries, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        const struct tg_catalog_summary moved = summaries[i];
        uint32_t at = i;
        for (; at > 0 && summaries[at - 1].valid_from_ns > moved.valid_from_ns; at--) {
            summaries[at] = summaries[at - 1];
        }
        summaries[at] = moved;
    }
}

enum tg_err tg_catalog_list(const char *data_dir, struct tg_catalog_summary *summaries,
                            uint32_t summaries_max, uint32_t *summaries_count, struct tg_why *why)
{
    struct tg_db *db = NULL;
    *summaries_count = 0;
    enum tg_err err = tg_catalog_acquire(data_dir, false, &db, why);
    if (err != TG_OK) {
        return err;
    }
    struct tg_txn txn;
    struct tg_walk walk;
    tg_txn_begin(&txn, db, false);
    tg_walk_begin(&walk, &txn, TG_CATALOG_TABLE_VERSIONS, (struct tg_bytes){NULL, 0});
    while (err == TG_OK && *summaries_count < summaries_max && tg_walk_next(&walk)) {
        struct tg_catalog_stored stored;
        struct tg_bytes value;
        const struct tg_image *image = NULL;
        struct tg_image *copy = NULL;
        if (walk.value.length_bytes != sizeof stored ||
            !tg_txn_get(&txn, TG_CATALOG_TABLE_IMAGES, walk.key, &value)) {
            err = tg_why_set(why, TG_E_CORRUPT, "a stored catalog version has no image");
            break;
        }
        memcpy(&stored, walk.value.at, sizeof stored);
        err = tg_catalog_image_of(value, &image, &copy, why);
        if (err == TG_OK) {
            struct tg_catalog_summary *summary = &summaries[(*summaries_count)++];
            tg_catalog_summarise(image, summary);
            summary->stored_ns = stored.stored_ns;
            summary->accounts_count = stored.accounts_count;
            summary->subscribers_count = stored.subscribers_count;
        }
        if (copy != NULL) {
            tg_pages_free(copy, copy->size_bytes);
        }
    }
    tg_walk_end(&walk);
    tg_txn_abort(&txn);
    tg_catalog_release(db);
    list_sort(summaries, *summaries_count);
    return err == TG_OK && *summaries_count == 0
               ? tg_why_set(why, TG_E_CATALOG, "no catalog in %s", data_dir)
               : err;
}
