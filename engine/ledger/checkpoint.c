/* SPDX-License-Identifier: Apache-2.0 */
/* Tables: TG_STATE_PAGES holds be64 number -> frame; TG_STATE_CHECKPOINT holds "epoch", "positions"
 * and "blob/<name>" -> frame. A frame is a 16-octet head and the bytes. */
#include "ledger/checkpoint.h"

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "store/documents.h"

#define BLOB_PREFIX "blob/"

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

static void frame_put(struct tg_txn *txn, uint32_t table, struct tg_bytes key, uint64_t epoch,
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

/* Epoch of the stored checkpoint; 0 none. */
static enum tg_err epoch_read(struct tg_txn *txn, uint64_t *epoch, struct tg_why *why)
{
    struct tg_bytes value;
    struct tg_bytes bytes = {NULL, 0};
    *epoch = 0;
    if (!tg_txn_get(txn, TG_STATE_CHECKPOINT, tg_bytes_text("epoch"), &value)) {
        return txn->error == TG_OK
                   ? TG_OK
                   : tg_why_set(why, (enum tg_err)txn->error, "cannot read the checkpoint");
    }
    const enum tg_err err = frame_read(tg_bytes_text("epoch"), value, &bytes, why);
    if (err == TG_OK && bytes.length_bytes == sizeof *epoch) {
        memcpy(epoch, bytes.at, sizeof *epoch);
    }
    return err;
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
        frame_put(txn, TG_STATE_CHECKPOINT, tg_bytes_text(key), checkpoint->epoch, blob->bytes);
    }
    return TG_OK;
}

static enum tg_err pages_put(struct tg_txn *txn, const struct tg_checkpoint *checkpoint,
                             struct tg_why *why)
{
    struct tg_checkpoint_page page;
    while (checkpoint->next_page != NULL && checkpoint->next_page(checkpoint->context, &page)) {
        if (page.bytes.length_bytes == 0 || page.bytes.length_bytes > TG_CHECKPOINT_PAGE_BYTES) {
            return tg_why_set(why, TG_E_INVALID, "checkpoint page %" PRIu64 " has %zu octets",
                              page.number, page.bytes.length_bytes);
        }
        const uint64_t number_be = htobe64(page.number); /* so that pages lie in number order */
        frame_put(txn, TG_STATE_PAGES, (struct tg_bytes){&number_be, sizeof number_be},
                  checkpoint->epoch, page.bytes);
    }
    return TG_OK;
}

enum tg_err tg_checkpoint_save(struct tg_db *db, const struct tg_checkpoint *checkpoint,
                               struct tg_why *why)
{
    struct tg_txn txn;
    uint64_t stored_epoch = 0;
    if (checkpoint->size_bytes != sizeof *checkpoint || checkpoint->epoch == 0) {
        return tg_why_set(why, TG_E_INVALID, "a checkpoint belongs to an epoch");
    }
    tg_txn_begin(&txn, db, true);
    enum tg_err err = epoch_read(&txn, &stored_epoch, why);
    if (err == TG_OK && stored_epoch > checkpoint->epoch) {
        err = tg_why_set(why, TG_E_STATE, "the stored checkpoint is of the later epoch %" PRIu64,
                         stored_epoch);
    }
    if (err == TG_OK) {
        err = blobs_put(&txn, checkpoint, why);
    }
    if (err == TG_OK) {
        err = pages_put(&txn, checkpoint, why);
    }
    if (err != TG_OK) {
        tg_txn_abort(&txn);
        return err;
    }
    frame_put(&txn, TG_STATE_CHECKPOINT, tg_bytes_text("positions"), checkpoint->epoch,
              (struct tg_bytes){checkpoint->positions,
                                checkpoint->positions_count * sizeof *checkpoint->positions});
    frame_put(&txn, TG_STATE_CHECKPOINT, tg_bytes_text("epoch"), checkpoint->epoch,
              (struct tg_bytes){&checkpoint->epoch, sizeof checkpoint->epoch});
    return tg_txn_commit(&txn, why);
}

static enum tg_err pages_load(struct tg_txn *txn, const struct tg_checkpoint_calls *calls,
                              struct tg_why *why)
{
    struct tg_walk walk;
    enum tg_err err = TG_OK;
    tg_walk_begin(&walk, txn, TG_STATE_PAGES, (struct tg_bytes){NULL, 0});
    while (err == TG_OK && tg_walk_next(&walk)) {
        struct tg_bytes bytes;
        uint64_t number_be = 0;
        err = walk.key.length_bytes == sizeof number_be
                  ? frame_read(walk.key, walk.value, &bytes, why)
                  : tg_why_set(why, TG_E_CORRUPT, "a page of the checkpoint has no number");
        if (err == TG_OK && calls->page != NULL) {
            memcpy(&number_be, walk.key.at, sizeof number_be);
            err = calls->page(calls->context, be64toh(number_be), bytes);
        }
    }
    tg_walk_end(&walk);
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
    struct tg_bytes value;
    struct tg_bytes bytes = {NULL, 0};
    enum tg_err err = TG_OK;
    if (tg_txn_get(txn, TG_STATE_CHECKPOINT, tg_bytes_text("positions"), &value)) {
        err = frame_read(tg_bytes_text("positions"), value, &bytes, why);
    }
    const size_t count = bytes.length_bytes / sizeof(struct tg_checkpoint_position);
    for (size_t i = 0; i < count && err == TG_OK && calls->position != NULL; i++) {
        struct tg_checkpoint_position position;
        memcpy(&position, (const uint8_t *)bytes.at + i * sizeof position, sizeof position);
        err = calls->position(calls->context, &position);
    }
    return err;
}

enum tg_err tg_checkpoint_load(struct tg_db *db, const struct tg_checkpoint_calls *calls,
                               uint64_t *epoch, struct tg_why *why)
{
    static const struct tg_checkpoint_calls none;
    const struct tg_checkpoint_calls *use = calls != NULL ? calls : &none;
    struct tg_txn txn;
    tg_txn_begin(&txn, db, false);
    enum tg_err err = epoch_read(&txn, epoch, why);
    if (err == TG_OK && calls != NULL) {
        err = pages_load(&txn, use, why);
        err = err == TG_OK ? positions_load(&txn, use, why) : err;
        err = err == TG_OK ? blobs_load(&txn, use, why) : err;
    }
    if (err == TG_OK && txn.error != TG_OK) {
        err = tg_why_set(why, (enum tg_err)txn.error, "cannot read the checkpoint: %s",
                         tg_err_sentence(txn.error));
    }
    tg_txn_abort(&txn);
    return err;
}
