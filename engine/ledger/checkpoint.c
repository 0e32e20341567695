/* SPDX-License-Identifier: Apache-2.0 */
/* Tables: TG_STATE_PAGES holds be64 (number << 1 | place) -> frame; TG_STATE_CHECKPOINT holds
 * "epochs", "positions", "pages" (struct listed, by number) and "blob/<name>" -> frame. A frame is
 * a 16-octet head and the bytes. */
#include "ledger/checkpoint.h"

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "store/documents.h"

#define BLOB_PREFIX "blob/"
/* 4 MiB a transaction: its fdatasync is amortised, and who else wants to write waits 10 ms. */
#define TXN_PAGES 16u

struct frame {
    uint32_t crc32c; /* of key, epoch and bytes */
    uint32_t zero;
    uint64_t epoch; /* that stored it */
};
_Static_assert(sizeof(struct frame) == 16, "a frame keeps its bytes 8-aligned in the map");

static uint32_t frame_crc(struct tg_bytes key, uint64_t epoch, struct tg_bytes bytes)
{
    uint32_t crc = tg_crc32c(0, key.at, key.length_bytes);
    crc = tg_crc32c(crc, &epoch, sizeof epoch);
    return tg_crc32c(crc, bytes.at, bytes.length_bytes);
}

static uint32_t frame_put(struct tg_txn *txn, uint32_t table, struct tg_bytes key, uint64_t epoch,
                          struct tg_bytes bytes)
{
    const struct frame head = {.crc32c = frame_crc(key, epoch, bytes), .epoch = epoch};
    uint8_t *to = tg_txn_reserve(txn, table, key, sizeof head + bytes.length_bytes);
    if (to != NULL) {
        memcpy(to, &head, sizeof head);
        if (bytes.length_bytes > 0) {
            memcpy(to + sizeof head, bytes.at, bytes.length_bytes);
        }
    }
    return head.crc32c;
}

static enum tg_err frame_read(struct tg_bytes key, struct tg_bytes value, struct tg_bytes *bytes,
                              struct tg_why *why)
{
    struct frame head;
    if (value.length_bytes >= sizeof head) {
        memcpy(&head, value.at, sizeof head);
        bytes->at = (const uint8_t *)value.at + sizeof head;
        bytes->length_bytes = value.length_bytes - sizeof head;
        if (head.crc32c == frame_crc(key, head.epoch, *bytes)) {
            return TG_OK;
        }
    }
    return tg_why_set(why, TG_E_CORRUPT,
                      "a value of the checkpoint does not match its checksum; remove <data>/state "
                      "and let the journal rebuild it");
}

/* A page in the list of a checkpoint. */
struct listed {
    uint64_t number;
    uint64_t epoch;  /* last that is in it */
    uint32_t crc32c; /* its frame's */
    uint32_t place;  /* 0 or 1 */
};
_Static_assert(sizeof(struct listed) == 24, "stored as it is");

struct tg_checkpoint_writer {
    struct tg_db *db;
    struct tg_txn txn;     /* of pages that are not committed yet */
    uint32_t txn_count;    /* its pages; 0: none is open */
    bool is_table_foreign; /* pages of another form are in the table: it is emptied first */
    size_t stored_count;   /* pages of the stored checkpoint, by number */
    struct listed *stored;
    size_t fresh_count; /* pages written since begin */
    size_t fresh_capacity;
    struct listed *fresh;
};

static uint64_t place_key(const struct listed *page)
{
    return htobe64(page->number << 1 | page->place); /* so that pages lie in number order */
}

/* A value of TG_STATE_CHECKPOINT; its length is 0 when it is not there. */
static enum tg_err value_read(struct tg_txn *txn, const char *name, struct tg_bytes *bytes,
                              struct tg_why *why)
{
    struct tg_bytes value;
    *bytes = (struct tg_bytes){NULL, 0};
    if (tg_txn_get(txn, TG_STATE_CHECKPOINT, tg_bytes_text(name), &value)) {
        return frame_read(tg_bytes_text(name), value, bytes, why);
    }
    return txn->error == TG_OK
               ? TG_OK
               : tg_why_set(why, (enum tg_err)txn->error, "cannot read the checkpoint");
}

/* Epochs of the stored checkpoint; zeros: none. */
static enum tg_err epochs_read(struct tg_txn *txn, struct tg_checkpoint_epochs *epochs,
                               struct tg_why *why)
{
    struct tg_bytes bytes;
    *epochs = (struct tg_checkpoint_epochs){0, 0};
    const enum tg_err err = value_read(txn, "epochs", &bytes, why);
    if (err == TG_OK && bytes.length_bytes == sizeof *epochs) {
        memcpy(epochs, bytes.at, sizeof *epochs);
    }
    return err;
}

static enum tg_err list_read(struct tg_txn *txn, struct listed **list, size_t *count,
                             struct tg_why *why)
{
    struct tg_bytes bytes;
    *list = NULL;
    *count = 0;
    const enum tg_err err = value_read(txn, "pages", &bytes, why);
    if (err != TG_OK || bytes.length_bytes == 0) {
        return err;
    }
    *list = malloc(bytes.length_bytes);
    if (*list == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for the checkpoint's list of pages");
    }
    memcpy(*list, bytes.at, bytes.length_bytes);
    *count = bytes.length_bytes / sizeof **list;
    return TG_OK;
}

enum tg_err tg_checkpoint_begin(struct tg_db *db, struct tg_checkpoint_writer **writer,
                                struct tg_why *why)
{
    struct tg_txn txn;
    struct tg_checkpoint_epochs epochs;
    *writer = NULL;
    struct tg_checkpoint_writer *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for a checkpoint");
    }
    made->db = db;
    tg_txn_begin(&txn, db, false);
    enum tg_err err = epochs_read(&txn, &epochs, why);
    if (err == TG_OK && epochs.epoch != 0) {
        err = list_read(&txn, &made->stored, &made->stored_count, why);
    }
    made->is_table_foreign = epochs.epoch == 0;
    tg_txn_abort(&txn);
    if (err != TG_OK) {
        tg_checkpoint_abandon(made);
        return err;
    }
    *writer = made;
    return TG_OK;
}

static int listed_compare(const void *a, const void *b)
{
    const struct listed *left = a;
    const struct listed *right = b;
    return left->number < right->number ? -1 : left->number > right->number;
}

/* The page with the same number in a list by number; the list of no pages may be NULL. */
static const struct listed *listed_find(const struct listed *list, size_t count,
                                        const struct listed *page)
{
    return count == 0 ? NULL : bsearch(page, list, count, sizeof *list, listed_compare);
}

static struct listed *fresh_add(struct tg_checkpoint_writer *writer)
{
    if (writer->fresh_count == writer->fresh_capacity) {
        const size_t capacity = writer->fresh_capacity * 2 + 256;
        struct listed *more = realloc(writer->fresh, capacity * sizeof *more);
        if (more == NULL) {
            return NULL;
        }
        writer->fresh = more;
        writer->fresh_capacity = capacity;
    }
    return &writer->fresh[writer->fresh_count++];
}

static void writer_txn(struct tg_checkpoint_writer *writer)
{
    if (writer->txn_count == 0) {
        tg_txn_begin(&writer->txn, writer->db, true);
        if (writer->is_table_foreign) {
            tg_txn_clear(&writer->txn, TG_STATE_PAGES);
            writer->is_table_foreign = false;
        }
    }
    writer->txn_count++;
}

enum tg_err tg_checkpoint_put(struct tg_checkpoint_writer *writer,
                              const struct tg_checkpoint_page *page, struct tg_why *why)
{
    if (page->bytes.length_bytes == 0 || page->bytes.length_bytes > TG_CHECKPOINT_PAGE_BYTES ||
        page->number > UINT64_MAX / 2) {
        return tg_why_set(why, TG_E_INVALID, "checkpoint page %" PRIu64 " has %zu octets",
                          page->number, page->bytes.length_bytes);
    }
    struct listed *fresh = fresh_add(writer);
    if (fresh == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for the checkpoint's list of pages");
    }
    *fresh = (struct listed){.number = page->number, .epoch = page->epoch};
    const struct listed *stored = listed_find(writer->stored, writer->stored_count, fresh);
    fresh->place = stored != NULL ? 1 - stored->place : 0;
    const uint64_t key_be = place_key(fresh);
    const struct tg_bytes key = {&key_be, sizeof key_be};
    writer_txn(writer);
    fresh->crc32c = frame_put(&writer->txn, TG_STATE_PAGES, key, page->epoch, page->bytes);
    if (writer->txn_count < TXN_PAGES && writer->txn.error == TG_OK) {
        return TG_OK;
    }
    writer->txn_count = 0;
    return tg_txn_commit(&writer->txn, why);
}

/* The list as it is from now on: stored pages that were not written again, and the fresh ones. */
static enum tg_err list_merge(struct tg_checkpoint_writer *writer, struct listed **list,
                              size_t *count, struct tg_why *why)
{
    struct listed *merged =
        malloc((writer->stored_count + writer->fresh_count + 1) * sizeof *merged);
    size_t used = 0;
    *list = merged;
    if (merged == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for the checkpoint's list of pages");
    }
    if (writer->fresh_count > 0) {
        qsort(writer->fresh, writer->fresh_count, sizeof *writer->fresh, listed_compare);
        memcpy(merged, writer->fresh, writer->fresh_count * sizeof *merged);
        used = writer->fresh_count;
    }
    for (size_t i = 0; i < writer->stored_count; i++) {
        if (listed_find(writer->fresh, writer->fresh_count, &writer->stored[i]) == NULL) {
            merged[used++] = writer->stored[i];
        }
    }
    if (used > 0) {
        qsort(merged, used, sizeof *merged, listed_compare);
    }
    *count = used;
    return TG_OK;
}

static enum tg_err blobs_put(struct tg_txn *txn, const struct tg_checkpoint *checkpoint,
                             struct tg_why *why)
{
    for (uint32_t i = 0; i < checkpoint->blobs_count; i++) {
        const struct tg_checkpoint_blob *blob = &checkpoint->blobs[i];
        char key[sizeof BLOB_PREFIX + TG_CHECKPOINT_NAME_MAX + 1];
        if (blob->name[0] == '\0' || memchr(blob->name, 0, sizeof blob->name) == NULL) {
            return tg_why_set(why, TG_E_INVALID, "a blob of the checkpoint has no usable name");
        }
        (void)snprintf(key, sizeof key, BLOB_PREFIX "%s", blob->name);
        (void)frame_put(txn, TG_STATE_CHECKPOINT, tg_bytes_text(key), checkpoint->epoch,
                        blob->bytes);
    }
    return TG_OK;
}

/* Everything of the checkpoint but its pages, all anew: what is not there any more is gone. */
static enum tg_err head_put(struct tg_txn *txn, const struct tg_checkpoint *checkpoint,
                            const struct listed *list, size_t count, struct tg_why *why)
{
    const struct tg_checkpoint_epochs epochs = {checkpoint->epoch, checkpoint->epoch_last};
    tg_txn_clear(txn, TG_STATE_CHECKPOINT);
    const enum tg_err err = blobs_put(txn, checkpoint, why);
    (void)frame_put(txn, TG_STATE_CHECKPOINT, tg_bytes_text("positions"), checkpoint->epoch,
                    (struct tg_bytes){checkpoint->positions,
                                      checkpoint->positions_count * sizeof *checkpoint->positions});
    (void)frame_put(txn, TG_STATE_CHECKPOINT, tg_bytes_text("pages"), checkpoint->epoch,
                    (struct tg_bytes){list, count * sizeof *list});
    (void)frame_put(txn, TG_STATE_CHECKPOINT, tg_bytes_text("epochs"), checkpoint->epoch,
                    (struct tg_bytes){&epochs, sizeof epochs});
    return err;
}

enum tg_err tg_checkpoint_end(struct tg_checkpoint_writer *writer,
                              const struct tg_checkpoint *checkpoint, struct tg_why *why)
{
    struct tg_checkpoint_epochs stored = {0, 0};
    struct listed *list = NULL;
    size_t count = 0;
    enum tg_err err = TG_OK;
    if (checkpoint->size_bytes != sizeof *checkpoint || checkpoint->epoch == 0 ||
        checkpoint->epoch_last < checkpoint->epoch) {
        err = tg_why_set(why, TG_E_INVALID, "a checkpoint belongs to an epoch");
    } else {
        err = list_merge(writer, &list, &count, why);
    }
    if (err == TG_OK) {
        writer_txn(writer);
        err = epochs_read(&writer->txn, &stored, why);
    }
    if (err == TG_OK && stored.epoch > checkpoint->epoch) {
        err = tg_why_set(why, TG_E_STATE, "the stored checkpoint is of the later epoch %" PRIu64,
                         stored.epoch);
    }
    if (err == TG_OK) {
        err = head_put(&writer->txn, checkpoint, list, count, why);
    }
    if (err == TG_OK) {
        writer->txn_count = 0;
        err = tg_txn_commit(&writer->txn, why);
    }
    free(list);
    tg_checkpoint_abandon(writer);
    return err;
}

void tg_checkpoint_abandon(struct tg_checkpoint_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    if (writer->txn_count != 0) {
        tg_txn_abort(&writer->txn);
    }
    free(writer->stored);
    free(writer->fresh);
    free(writer);
}

static enum tg_err page_load(struct tg_txn *txn, const struct tg_checkpoint_calls *calls,
                             const struct listed *listed, struct tg_why *why)
{
    const uint64_t key_be = place_key(listed);
    const struct tg_bytes key = {&key_be, sizeof key_be};
    struct tg_checkpoint_page page = {.number = listed->number, .epoch = listed->epoch};
    struct tg_bytes value;
    uint32_t crc32c;
    if (!tg_txn_get(txn, TG_STATE_PAGES, key, &value)) {
        return tg_why_set(why, TG_E_CORRUPT, "page %" PRIu64 " of the checkpoint is not there",
                          listed->number);
    }
    const enum tg_err err = frame_read(key, value, &page.bytes, why);
    if (err != TG_OK) {
        return err;
    }
    memcpy(&crc32c, value.at, sizeof crc32c);
    return crc32c == listed->crc32c
               ? calls->page(calls->context, &page)
               : tg_why_set(why, TG_E_CORRUPT, "page %" PRIu64 " is not the checkpoint's",
                            listed->number);
}

static enum tg_err pages_load(struct tg_txn *txn, const struct tg_checkpoint_calls *calls,
                              struct tg_why *why)
{
    struct listed *list;
    size_t count;
    enum tg_err err = list_read(txn, &list, &count, why);
    for (size_t i = 0; i < count && err == TG_OK && calls->page != NULL; i++) {
        err = page_load(txn, calls, &list[i], why);
    }
    free(list);
    return err;
}

static enum tg_err blobs_load(struct tg_txn *txn, const struct tg_checkpoint_calls *calls,
                              struct tg_why *why)
{
    struct tg_walk walk;
    enum tg_err err = TG_OK;
    const size_t prefix_bytes = sizeof BLOB_PREFIX - 1;
    tg_walk_begin(&walk, txn, TG_STATE_CHECKPOINT, tg_bytes_text(BLOB_PREFIX));
    while (err == TG_OK && tg_walk_next(&walk) && walk.key.length_bytes > prefix_bytes &&
           memcmp(walk.key.at, BLOB_PREFIX, prefix_bytes) == 0) {
        char name[TG_CHECKPOINT_NAME_MAX + 1] = "";
        struct tg_bytes bytes;
        const size_t name_bytes = walk.key.length_bytes - prefix_bytes;
        err = name_bytes < sizeof name
                  ? frame_read(walk.key, walk.value, &bytes, why)
                  : tg_why_set(why, TG_E_CORRUPT, "a blob of the checkpoint has a long name");
        if (err == TG_OK && calls->blob != NULL) {
            memcpy(name, (const char *)walk.key.at + prefix_bytes, name_bytes);
            err = calls->blob(calls->context, name, bytes);
        }
    }
    tg_walk_end(&walk);
    return err;
}

static enum tg_err positions_load(struct tg_txn *txn, const struct tg_checkpoint_calls *calls,
                                  struct tg_why *why)
{
    struct tg_bytes bytes;
    enum tg_err err = value_read(txn, "positions", &bytes, why);
    const size_t count = bytes.length_bytes / sizeof(struct tg_checkpoint_position);
    for (size_t i = 0; i < count && err == TG_OK && calls->position != NULL; i++) {
        struct tg_checkpoint_position position;
        memcpy(&position, (const uint8_t *)bytes.at + i * sizeof position, sizeof position);
        err = calls->position(calls->context, &position);
    }
    return err;
}

enum tg_err tg_checkpoint_load(struct tg_db *db, const struct tg_checkpoint_calls *calls,
                               struct tg_checkpoint_epochs *epochs, struct tg_why *why)
{
    struct tg_txn txn;
    tg_txn_begin(&txn, db, false);
    enum tg_err err = epochs_read(&txn, epochs, why);
    if (err == TG_OK && epochs->epoch != 0 && calls != NULL) {
        err = pages_load(&txn, calls, why);
        err = err == TG_OK ? positions_load(&txn, calls, why) : err;
        err = err == TG_OK ? blobs_load(&txn, calls, why) : err;
    }
    if (err == TG_OK && txn.error != TG_OK) {
        err = tg_why_set(why, (enum tg_err)txn.error, "cannot read the checkpoint: %s",
                         tg_err_sentence(txn.error));
    }
    tg_txn_abort(&txn);
    return err;
}
