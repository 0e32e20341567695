/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/checkpoint.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "journal_help.h"
#include "store/documents.h"

enum { PAGES = 40 }; /* several transactions */

static uint8_t pages[PAGES][TG_CHECKPOINT_PAGE_BYTES];

static void pages_fill(uint64_t state)
{
    for (uint32_t p = 0; p < PAGES; p++) {
        for (uint32_t i = 0; i < sizeof pages[p]; i += 8) {
            const uint64_t word = help_random(&state);
            memcpy(pages[p] + i, &word, sizeof word);
        }
    }
}

/* Would sort wrongly as little-endian octets. */
static uint64_t number_of(uint32_t page)
{
    return page * UINT64_C(300);
}

static enum tg_err put(struct tg_checkpoint_writer *writer, uint32_t page, uint64_t epoch,
                       size_t length_bytes)
{
    const struct tg_checkpoint_page one = {
        number_of(page), epoch, {pages[page % PAGES], length_bytes}};
    return tg_checkpoint_put(writer, &one, NULL);
}

/* A checkpoint of the first pages, each of the given epoch. */
static enum tg_err save(struct tg_db *db, const struct tg_checkpoint *head, uint32_t pages_count)
{
    struct tg_checkpoint_writer *writer = NULL;
    cr_assert_eq(tg_checkpoint_begin(db, &writer, NULL), TG_OK);
    for (uint32_t p = 0; p < pages_count; p++) {
        cr_assert_eq(put(writer, p, head->epoch + p, TG_CHECKPOINT_PAGE_BYTES), TG_OK);
    }
    return tg_checkpoint_end(writer, head, NULL);
}

struct loaded {
    uint64_t epochs_sum;
    uint32_t pages_count;
    uint32_t positions_count;
    uint32_t blobs_count;
    uint32_t wrong_count;
};

static enum tg_err on_page(void *context, const struct tg_checkpoint_page *page)
{
    struct loaded *loaded = context;
    loaded->wrong_count +=
        page->number != number_of(loaded->pages_count) ||
        page->bytes.length_bytes != TG_CHECKPOINT_PAGE_BYTES ||
        memcmp(page->bytes.at, pages[loaded->pages_count], page->bytes.length_bytes) != 0;
    loaded->epochs_sum += page->epoch;
    loaded->pages_count++;
    return TG_OK;
}

static enum tg_err on_position(void *context, const struct tg_checkpoint_position *position)
{
    struct loaded *loaded = context;
    loaded->wrong_count += position->offset_bytes != 77 + loaded->positions_count;
    loaded->positions_count++;
    return TG_OK;
}

static enum tg_err on_blob(void *context, const char *name, struct tg_bytes bytes)
{
    struct loaded *loaded = context;
    loaded->wrong_count += strcmp(name, "decoder/ipfix") != 0 || bytes.length_bytes != 5 ||
                           memcmp(bytes.at, "state", 5) != 0;
    loaded->blobs_count++;
    return TG_OK;
}

static void load(const char *dir, struct loaded *loaded, struct tg_checkpoint_epochs *epochs)
{
    struct tg_db *db = NULL;
    struct tg_why why = {.text = ""};
    const struct tg_checkpoint_calls calls = {
        .context = loaded, .page = on_page, .position = on_position, .blob = on_blob};
    *loaded = (struct loaded){0};
    cr_assert_eq(tg_state_open(dir, true, 0, &db, &why), TG_OK, "%s", why.text);
    cr_assert_eq(tg_checkpoint_load(db, &calls, epochs, &why), TG_OK, "%s", why.text);
    tg_db_close(db);
}

Test(checkpoint, what_is_saved_is_loaded)
{
    /* If this failed, balances after a restart would not be those before it. */
    char dir[256];
    struct tg_db *db = NULL;
    struct tg_why why = {.text = ""};
    struct tg_checkpoint_epochs epochs = {99, 99};
    struct loaded loaded;
    help_dir_make(dir);
    pages_fill(9);
    cr_assert_eq(tg_state_open(dir, false, 0, &db, &why), TG_OK, "%s", why.text);
    cr_assert_eq(tg_checkpoint_load(db, NULL, &epochs, &why), TG_OK);
    cr_expect_eq(epochs.epoch, 0, "an empty environment has no checkpoint");
    const struct tg_checkpoint_position positions[2] = {{1, 2, 77}, {3, 4, 78}};
    const struct tg_checkpoint_blob blobs[2] = {{"decoder/ipfix", {"state", 5}},
                                                {"decoder/gone", {"state", 5}}};
    struct tg_checkpoint head = {.size_bytes = sizeof head,
                                 .positions_count = 2,
                                 .epoch = 41,
                                 .epoch_last = 80,
                                 .positions = positions,
                                 .blobs = blobs,
                                 .blobs_count = 2};
    cr_assert_eq(save(db, &head, PAGES), TG_OK);
    /* A later one with one page replaces that page only, and all positions and blobs. */
    pages[0][5] ^= 1;
    head.epoch = 90;
    head.epoch_last = 91;
    head.positions_count = 1;
    head.blobs_count = 1;
    cr_assert_eq(save(db, &head, 1), TG_OK);
    head.epoch = 40;
    cr_expect_eq(save(db, &head, 0), TG_E_STATE, "time goes forward only");
    tg_db_close(db);
    load(dir, &loaded, &epochs);
    cr_expect_eq(epochs.epoch, 90);
    cr_expect_eq(epochs.epoch_last, 91);
    cr_expect_eq(loaded.pages_count, PAGES);
    cr_expect_eq(loaded.epochs_sum, 90 + 39 * 41 + 39 * 40 / 2, "each page has its own epoch");
    cr_expect_eq(loaded.positions_count, 1);
    cr_expect_eq(loaded.blobs_count, 1);
    cr_expect_eq(loaded.wrong_count, 0);
    help_dir_remove(dir);
}

Test(checkpoint, one_that_is_not_ended_changes_nothing)
{
    /* If this failed, a crash while a checkpoint is written would mix two of them. */
    char dir[256];
    struct tg_db *db = NULL;
    struct tg_checkpoint_epochs epochs;
    struct loaded loaded;
    struct tg_checkpoint_writer *writer = NULL;
    help_dir_make(dir);
    pages_fill(1);
    cr_assert_eq(tg_state_open(dir, false, 0, &db, NULL), TG_OK);
    struct tg_checkpoint head = {.size_bytes = sizeof head, .epoch = 5, .epoch_last = 44};
    cr_assert_eq(save(db, &head, PAGES), TG_OK);
    /* Three times over all pages: into the places that are free, never into the stored ones. */
    pages_fill(2);
    for (uint32_t round = 0; round < 3; round++) {
        cr_assert_eq(tg_checkpoint_begin(db, &writer, NULL), TG_OK);
        for (uint32_t p = 0; p < PAGES; p++) {
            cr_assert_eq(put(writer, p, 50, TG_CHECKPOINT_PAGE_BYTES), TG_OK);
        }
        tg_checkpoint_abandon(writer);
    }
    tg_db_close(db);
    pages_fill(1);
    load(dir, &loaded, &epochs);
    cr_expect_eq(epochs.epoch, 5);
    cr_expect_eq(loaded.pages_count, PAGES);
    cr_expect_eq(loaded.wrong_count, 0);
    /* And one that is ended after them is whole. */
    pages_fill(3);
    cr_assert_eq(tg_state_open(dir, false, 0, &db, NULL), TG_OK);
    head.epoch = 60;
    head.epoch_last = 100;
    cr_assert_eq(save(db, &head, PAGES), TG_OK);
    tg_db_close(db);
    load(dir, &loaded, &epochs);
    cr_expect_eq(epochs.epoch, 60);
    cr_expect_eq(loaded.wrong_count, 0);
    help_dir_remove(dir);
}

Test(checkpoint, a_rotten_page_is_found)
{
    /* If this failed, a rotten page would be taken for balances. */
    char dir[256];
    char path[300];
    struct tg_db *db = NULL;
    help_dir_make(dir);
    memset(pages[0], 0xa7, sizeof pages[0]);
    cr_assert_eq(tg_state_open(dir, false, 0, &db, NULL), TG_OK);
    const struct tg_checkpoint head = {.size_bytes = sizeof head, .epoch = 1, .epoch_last = 1};
    cr_assert_eq(save(db, &head, 1), TG_OK);
    tg_db_close(db);
    (void)snprintf(path, sizeof path, "%s/state/data.mdb", dir);
    size_t length = 0;
    uint8_t *bytes = help_file_read(path, &length);
    size_t found = 0;
    for (size_t i = 0; i + 64 < length && found == 0; i++) {
        found = memcmp(bytes + i, pages[0], 64) == 0 ? i : 0;
    }
    cr_assert(found > 0);
    bytes[found + 1000] ^= 4;
    help_file_write(path, bytes, length);
    free(bytes);
    struct tg_checkpoint_epochs epochs;
    struct loaded loaded = {0};
    const struct tg_checkpoint_calls calls = {.context = &loaded, .page = on_page};
    cr_assert_eq(tg_state_open(dir, true, 0, &db, NULL), TG_OK);
    cr_expect_eq(tg_checkpoint_load(db, &calls, &epochs, NULL), TG_E_CORRUPT);
    tg_db_close(db);
    help_dir_remove(dir);
}

Test(checkpoint, nonsense_is_refused)
{
    char dir[256];
    struct tg_db *db = NULL;
    struct tg_checkpoint_writer *writer = NULL;
    help_dir_make(dir);
    cr_assert_eq(tg_state_open(dir, false, 0, &db, NULL), TG_OK);
    cr_assert_eq(tg_checkpoint_begin(db, &writer, NULL), TG_OK);
    cr_expect_eq(put(writer, 0, 1, TG_CHECKPOINT_PAGE_BYTES + 1), TG_E_INVALID);
    cr_expect_eq(put(writer, 0, 1, 0), TG_E_INVALID);
    tg_checkpoint_abandon(writer);
    struct tg_checkpoint head = {.size_bytes = sizeof head};
    cr_expect_eq(save(db, &head, 0), TG_E_INVALID, "no epoch");
    head.epoch = 2;
    head.epoch_last = 1;
    cr_expect_eq(save(db, &head, 0), TG_E_INVALID, "a page before the cut");
    const struct tg_checkpoint_blob nameless = {"", {"x", 1}};
    head.epoch_last = 2;
    head.blobs = &nameless;
    head.blobs_count = 1;
    cr_expect_eq(save(db, &head, 0), TG_E_INVALID, "a blob without a name");
    tg_db_close(db);
    help_dir_remove(dir);
}
