/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/checkpoint.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "journal_help.h"
#include "store/documents.h"

static uint8_t pages[3][TG_CHECKPOINT_PAGE_BYTES];

struct dirty {
    uint32_t next;
    uint32_t count;
    size_t length_bytes;
};

static bool next_page(void *context, struct tg_checkpoint_page *page)
{
    struct dirty *dirty = context;
    if (dirty->next == dirty->count) {
        return false;
    }
    page->number = dirty->next * UINT64_C(300); /* would sort wrongly as little-endian octets */
    page->bytes = (struct tg_bytes){pages[dirty->next], dirty->length_bytes};
    dirty->next++;
    return true;
}

struct loaded {
    uint32_t pages_count;
    uint32_t positions_count;
    uint32_t blobs_count;
    uint32_t wrong_count;
};

static enum tg_err on_page(void *context, uint64_t number, struct tg_bytes bytes)
{
    struct loaded *loaded = context;
    loaded->wrong_count += number != loaded->pages_count * UINT64_C(300) ||
                           bytes.length_bytes != TG_CHECKPOINT_PAGE_BYTES ||
                           memcmp(bytes.at, pages[loaded->pages_count], bytes.length_bytes) != 0;
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

Test(checkpoint, what_is_saved_is_loaded)
{
    /* If this failed, balances after a restart would not be those before it. */
    char dir[256];
    struct tg_db *db = NULL;
    struct tg_why why = {.text = ""};
    uint64_t state = 9;
    uint64_t epoch = 99;
    help_dir_make(dir);
    for (uint32_t p = 0; p < 3; p++) {
        for (uint32_t i = 0; i < sizeof pages[p]; i += 8) {
            const uint64_t word = help_random(&state);
            memcpy(pages[p] + i, &word, sizeof word);
        }
    }
    cr_assert_eq(tg_state_open(dir, false, 0, &db, &why), TG_OK, "%s", why.text);
    cr_assert_eq(tg_checkpoint_load(db, NULL, &epoch, &why), TG_OK);
    cr_expect_eq(epoch, 0, "an empty environment has no checkpoint");
    struct dirty dirty = {.count = 3, .length_bytes = TG_CHECKPOINT_PAGE_BYTES};
    const struct tg_checkpoint_position positions[2] = {{1, 2, 77}, {3, 4, 78}};
    const struct tg_checkpoint_blob blob = {"decoder/ipfix", {"state", 5}};
    struct tg_checkpoint checkpoint = {.size_bytes = sizeof checkpoint,
                                       .positions_count = 2,
                                       .epoch = 41,
                                       .positions = positions,
                                       .blobs = &blob,
                                       .blobs_count = 1,
                                       .next_page = next_page,
                                       .context = &dirty};
    cr_assert_eq(tg_checkpoint_save(db, &checkpoint, &why), TG_OK, "%s", why.text);
    /* A later one with one dirty page replaces that page only, and all positions. */
    pages[0][5] ^= 1;
    dirty = (struct dirty){.count = 1, .length_bytes = TG_CHECKPOINT_PAGE_BYTES};
    checkpoint.epoch = 42;
    checkpoint.positions_count = 1;
    cr_assert_eq(tg_checkpoint_save(db, &checkpoint, &why), TG_OK, "%s", why.text);
    checkpoint.epoch = 40;
    cr_expect_eq(tg_checkpoint_save(db, &checkpoint, NULL), TG_E_STATE, "time goes forward only");
    tg_db_close(db);
    cr_assert_eq(tg_state_open(dir, true, 0, &db, &why), TG_OK, "%s", why.text);
    struct loaded loaded = {0};
    const struct tg_checkpoint_calls calls = {
        .context = &loaded, .page = on_page, .position = on_position, .blob = on_blob};
    cr_assert_eq(tg_checkpoint_load(db, &calls, &epoch, &why), TG_OK, "%s", why.text);
    cr_expect_eq(epoch, 42);
    cr_expect_eq(loaded.pages_count, 3);
    cr_expect_eq(loaded.positions_count, 1);
    cr_expect_eq(loaded.blobs_count, 1);
    cr_expect_eq(loaded.wrong_count, 0);
    tg_db_close(db);
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
    struct dirty dirty = {.count = 1, .length_bytes = TG_CHECKPOINT_PAGE_BYTES};
    const struct tg_checkpoint checkpoint = {
        .size_bytes = sizeof checkpoint, .epoch = 1, .next_page = next_page, .context = &dirty};
    cr_assert_eq(tg_checkpoint_save(db, &checkpoint, NULL), TG_OK);
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
    uint64_t epoch = 0;
    struct tg_checkpoint_calls calls = {.context = NULL};
    cr_assert_eq(tg_state_open(dir, true, 0, &db, NULL), TG_OK);
    cr_expect_eq(tg_checkpoint_load(db, &calls, &epoch, NULL), TG_E_CORRUPT);
    tg_db_close(db);
    help_dir_remove(dir);
}

Test(checkpoint, too_large_a_page_stores_nothing)
{
    /* If this failed, half a checkpoint would be stored. */
    char dir[256];
    struct tg_db *db = NULL;
    uint64_t epoch = 9;
    help_dir_make(dir);
    cr_assert_eq(tg_state_open(dir, false, 0, &db, NULL), TG_OK);
    struct dirty dirty = {.count = 1, .length_bytes = TG_CHECKPOINT_PAGE_BYTES + 1};
    const struct tg_checkpoint checkpoint = {
        .size_bytes = sizeof checkpoint, .epoch = 7, .next_page = next_page, .context = &dirty};
    cr_expect_eq(tg_checkpoint_save(db, &checkpoint, NULL), TG_E_INVALID);
    cr_assert_eq(tg_checkpoint_load(db, NULL, &epoch, NULL), TG_OK);
    cr_expect_eq(epoch, 0);
    tg_db_close(db);
    help_dir_remove(dir);
}
