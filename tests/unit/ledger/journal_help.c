/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "journal_help.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/hash.h"

uint64_t help_random(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    return tg_mix64(*state);
}

void help_dir_make(char *dir)
{
    (void)snprintf(dir, 256, "/tmp/tg_ledger_XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *at)
{
    (void)status;
    (void)kind;
    (void)at;
    return remove(path);
}

void help_dir_remove(const char *dir)
{
    (void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void help_rows(uint64_t *state, struct tg_usage *rows, struct tg_charge *charges, uint32_t count,
               uint64_t epoch)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t r = help_random(state);
        rows[i] = (struct tg_usage){
            .subscriber_key = UINT64_C(0x493017000000000c) + (r % 1000000 << 12),
            .peer_key = 0x0a000000 + (r >> 40),
            .start_ns = (int64_t)(INT64_C(1790000000000000000) +
                                  (int64_t)(epoch * 20000000 + i * 500 + r % 1000 * 1000000)),
            .quantity_up = r % 1500,
            .quantity_down = r >> 20 & 0xfffff,
            .rating_group = (uint16_t)(r % 3),
            .record_key = help_random(state),
            .duration_ms = (uint32_t)(r >> 8 & 0xfff),
            .sequence = (uint32_t)(epoch * 1000 + i / 24),
            .source_id = (uint16_t)(1 + r % 4),
            .node_id = (uint16_t)(1 + r % 20),
            .service = TG_SERVICE_DATA,
            .key_kinds = 0x31,
        };
        charges[i] = (struct tg_charge){.amount = (int64_t)(r % 100000),
                                        .billed_units = rows[i].quantity_up + rows[i].quantity_down,
                                        .units_before = r >> 30,
                                        .subscriber = (uint32_t)(r % 1000000),
                                        .price_id = (uint32_t)(r % 7),
                                        .catalog_version = 3,
                                        .currency = 978,
                                        .zone = (uint16_t)(r % 12),
                                        .fate = TG_FATE_RATED,
                                        .node_state = TG_NODE_UP,
                                        .pieces_count = 1};
    }
}

void help_rows_wild(uint64_t *state, struct tg_usage *rows, struct tg_charge *charges,
                    uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t words[16];
        const uint64_t narrow = help_random(state); /* some words small, some huge, some repeated */
        for (uint32_t w = 0; w < 16; w++) {
            words[w] = help_random(state) >> (narrow >> (4 * w) & 15) * 4;
        }
        memcpy(&rows[i], words, sizeof rows[i]);
        memcpy(&charges[i], words + 8, sizeof charges[i]);
        charges[i].fate = (uint8_t)(1 + narrow % 6);
    }
}

void help_journal(const char *dir, uint32_t epochs_count, uint32_t rows_count,
                  uint64_t segment_bytes, bool is_sparse)
{
    const struct tg_journal_params params = {.size_bytes = sizeof params,
                                             .streams_count = 1,
                                             .dir = dir,
                                             .rows_per_block_max = HELP_BLOCK_ROWS_MAX,
                                             .segment_bytes = segment_bytes,
                                             .is_sparse = is_sparse,
                                             .is_inline = true};
    static struct tg_usage rows[HELP_BLOCK_ROWS_MAX];
    static struct tg_charge charges[HELP_BLOCK_ROWS_MAX];
    struct tg_journal *journal = NULL;
    struct tg_why why = {.text = ""};
    cr_assert_eq(tg_journal_open(&params, &journal, &why), TG_OK, "%s", why.text);
    for (uint32_t e = 0; e < epochs_count; e++) {
        const uint64_t epoch = tg_journal_next_epoch(journal) + e;
        uint64_t state = epoch;
        struct tg_block *block = tg_journal_begin(journal, 0);
        cr_assert_not_null(block);
        help_rows(&state, rows, charges, rows_count, epoch);
        cr_assert_eq(tg_block_rows(block, rows, charges, rows_count), rows_count);
        tg_journal_submit(journal, block, epoch);
        cr_assert_eq(tg_journal_wait(journal, epoch), TG_OK);
    }
    cr_assert_eq(tg_journal_close(journal), TG_OK);
}

uint8_t *help_file_read(const char *path, size_t *length_bytes)
{
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file, "%s", path);
    cr_assert_eq(fseek(file, 0, SEEK_END), 0);
    *length_bytes = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*length_bytes + 1);
    cr_assert_not_null(bytes);
    cr_assert_eq(fread(bytes, 1, *length_bytes, file), *length_bytes);
    (void)fclose(file);
    return bytes;
}

void help_file_write(const char *path, const uint8_t *bytes, size_t length_bytes)
{
    FILE *file = fopen(path, "wb");
    cr_assert_not_null(file, "%s", path);
    cr_assert_eq(fwrite(bytes, 1, length_bytes, file), length_bytes);
    cr_assert_eq(fclose(file), 0);
}
