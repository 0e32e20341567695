/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/lanes.h"
#include "ledger/recover.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "journal_help.h"
#include "ledger/format.h"

/* What replay gives, compared with what was written. */
struct replayed {
    uint64_t epochs[64];
    uint32_t epochs_count;
    uint64_t rows_count;
    uint64_t wrong_count;
    uint64_t state;
    uint64_t epoch_of_rows;
};

static enum tg_err on_block(void *context, const struct tg_scan_view *view)
{
    struct replayed *got = context;
    got->epoch_of_rows = view->epoch;
    return TG_OK;
}

static enum tg_err on_rows(void *context, const struct tg_scan_view *view, struct tg_why *why)
{
    static struct tg_usage expected[HELP_BLOCK_ROWS_MAX];
    static struct tg_charge verdicts[HELP_BLOCK_ROWS_MAX];
    struct replayed *got = context;
    const struct tg_usage *rows;
    const struct tg_charge *charges;
    const uint32_t count = view->rows_count;
    uint64_t state = got->epoch_of_rows;
    const enum tg_err err = tg_scan_structs(view, &rows, &charges, why);
    if (err != TG_OK) {
        return err;
    }
    help_rows(&state, expected, verdicts, count, got->epoch_of_rows);
    got->wrong_count += memcmp(rows, expected, count * sizeof *rows) != 0;
    got->wrong_count += memcmp(charges, verdicts, count * sizeof *charges) != 0;
    got->rows_count += count;
    return TG_OK;
}

static enum tg_err on_commit(void *context, uint64_t epoch)
{
    struct replayed *got = context;
    got->wrong_count += epoch != got->epochs_count + 1;
    got->epochs_count++;
    return TG_OK;
}

static enum tg_err replay(const char *dir, uint64_t from_epoch, struct replayed *got,
                          struct tg_recovered *recovered, struct tg_why *why)
{
    *got = (struct replayed){0};
    const struct tg_recover_calls calls = {
        .context = got, .block = on_block, .rows = on_rows, .commit = on_commit};
    return tg_recover(dir, from_epoch, NULL, &calls, recovered, why);
}

static void path_of(const char *dir, uint64_t segment, char *path)
{
    char journal[256];
    (void)snprintf(journal, sizeof journal, "%s/journal", dir);
    cr_assert(tg_format_segment_path(journal, segment, path, 512));
}

/* Offsets of the blocks in one segment's bytes. */
static uint32_t blocks_find(const uint8_t *bytes, size_t length, uint64_t *offsets, uint32_t max)
{
    uint32_t count = 0;
    uint64_t at = sizeof(struct tg_segment_header);
    while (at + sizeof(struct tg_block_header) <= length && count < max) {
        struct tg_block_header header;
        memcpy(&header, bytes + at, sizeof header);
        if (tg_format_block_check(&header) != TG_OK) {
            break;
        }
        offsets[count++] = at;
        at += header.length_bytes;
    }
    offsets[count] = at;
    return count;
}

Test(recover, a_cut_at_every_octet_of_the_last_epoch_keeps_all_earlier_ones)
{
    /* If this failed, a power cut in a write would lose rows that were acknowledged, or bring rows
     * into being that never were. */
    char dir[256];
    char path[512];
    help_dir_make(dir);
    help_journal(dir, 3, 12, 0, true);
    path_of(dir, 1, path);
    size_t length = 0;
    uint64_t offsets[8];
    uint8_t *bytes = help_file_read(path, &length);
    cr_assert_eq(blocks_find(bytes, length, offsets, 7), 3);
    cr_assert_eq(offsets[3], length);
    for (uint64_t cut = offsets[2]; cut <= length; cut++) {
        struct replayed got;
        struct tg_recovered recovered;
        struct tg_why why = {.text = ""};
        help_file_write(path, bytes, cut);
        cr_assert_eq(replay(dir, 0, &got, &recovered, &why), TG_OK, "cut at %llu: %s",
                     (unsigned long long)cut, why.text);
        const uint32_t expected = cut == length ? 3 : 2;
        cr_assert_eq(got.epochs_count, expected, "cut at %llu", (unsigned long long)cut);
        cr_assert_eq(got.rows_count, expected * 12);
        cr_assert_eq(got.wrong_count, 0);
        cr_assert_eq(recovered.tail.epoch, expected);
        struct stat status;
        cr_assert_eq(stat(path, &status), 0);
        cr_assert_eq((uint64_t)status.st_size, offsets[expected], "the torn tail stays");
    }
    free(bytes);
    help_dir_remove(dir);
}

Test(recover, writing_goes_on_after_a_torn_tail)
{
    /* If this failed, the first crash would be the last thing a carrier's journal ever saw. */
    char dir[256];
    char path[512];
    help_dir_make(dir);
    help_journal(dir, 3, 12, 0, false);
    path_of(dir, 1, path);
    size_t length = 0;
    uint64_t offsets[8];
    uint8_t *bytes = help_file_read(path, &length);
    cr_assert_eq(blocks_find(bytes, length, offsets, 7), 3);
    help_file_write(path, bytes, offsets[2] + 200);
    help_journal(dir, 2, 12, 0, false); /* opens, cuts, goes on with epoch 3 */
    struct replayed got;
    struct tg_recovered recovered;
    cr_assert_eq(replay(dir, 0, &got, &recovered, NULL), TG_OK);
    cr_expect_eq(got.epochs_count, 4);
    cr_expect_eq(got.wrong_count, 0);
    cr_expect_eq(recovered.torn_bytes, 0);
    free(bytes);
    help_dir_remove(dir);
}

Test(recover, every_flipped_bit_of_a_durable_block_is_found)
{
    /* If this failed, a rotten disk would change a bill and nobody would know. */
    char dir[256];
    char path[512];
    help_dir_make(dir);
    help_journal(dir, 3, 8, 0, true);
    path_of(dir, 1, path);
    size_t length = 0;
    uint64_t offsets[8];
    uint8_t *bytes = help_file_read(path, &length);
    cr_assert_eq(blocks_find(bytes, length, offsets, 7), 3);
    const int fd = open(path, O_RDWR);
    cr_assert(fd >= 0);
    uint64_t missed_count = 0;
    /* One lane: that lanes change nothing has a test of its own, and thousands of threads cost. */
    const struct tg_recover_calls calls = {.lanes_count = 1};
    for (uint64_t bit = offsets[0] * 8; bit < offsets[1] * 8; bit++) {
        struct tg_recovered recovered;
        const uint8_t changed = bytes[bit / 8] ^ (uint8_t)(1u << bit % 8);
        cr_assert_eq(pwrite(fd, &changed, 1, (off_t)(bit / 8)), 1);
        const enum tg_err err = tg_recover(dir, 0, NULL, &calls, &recovered, NULL);
        missed_count += err != TG_E_CORRUPT && err != TG_E_CHAIN && err != TG_E_FORMAT;
        cr_assert_eq(pwrite(fd, &bytes[bit / 8], 1, (off_t)(bit / 8)), 1);
    }
    (void)close(fd);
    cr_expect_eq(missed_count, 0, "%llu of %llu bits missed", (unsigned long long)missed_count,
                 (unsigned long long)(offsets[1] - offsets[0]) * 8);
    free(bytes);
    help_dir_remove(dir);
}

/* What recovery with so many lanes tells of a journal. */
struct told {
    struct replayed got;
    struct tg_recovered recovered;
    struct tg_why why;
    enum tg_err err;
};

/* What was made by each lane. */
static struct {
    uint64_t block_number;
    uint32_t rows_count;
    uint64_t keys;
} made_of[TG_LANES_MAX];

static void on_make(void *context, const struct tg_scan_view *view, uint32_t from, uint32_t count)
{
    (void)context;
    if (from == 0) {
        made_of[view->lane].block_number = view->block_number;
        made_of[view->lane].rows_count = 0;
        made_of[view->lane].keys = 0;
    }
    for (uint32_t i = from; i < from + count; i++) {
        made_of[view->lane].keys += view->record_key[i] * (i + 1);
    }
    made_of[view->lane].rows_count += count;
}

/* What was made of the block that is given must be of all its rows, whatever other lanes are at. */
static enum tg_err on_made(void *context, const struct tg_scan_view *view, struct tg_why *why)
{
    struct replayed *got = context;
    uint64_t keys = 0;
    for (uint32_t i = 0; i < view->rows_count; i++) {
        keys += view->record_key[i] * (i + 1);
    }
    got->wrong_count += made_of[view->lane].block_number != view->block_number;
    got->wrong_count += made_of[view->lane].rows_count != view->rows_count;
    got->wrong_count += made_of[view->lane].keys != keys;
    return on_rows(context, view, why);
}

static void told_by(const char *dir, uint32_t lanes_count, struct told *told)
{
    memset(told, 0, sizeof *told);
    const struct tg_recover_calls calls = {.context = &told->got,
                                           .lanes_count = lanes_count,
                                           .columns = TG_COLUMN_BIT(record_key),
                                           .make = on_make,
                                           .block = on_block,
                                           .rows = on_made,
                                           .commit = on_commit};
    told->err = tg_recover(dir, 0, NULL, &calls, &told->recovered, &told->why);
}

Test(recover, lanes_change_nothing_of_what_is_told, .timeout = 600)
{
    /* If this failed, a start would depend on how its threads were scheduled: rows in another
     * order, or damage named at another place. */
    char dir[256];
    char path[512];
    help_dir_make(dir);
    help_journal(dir, 7, 12, 0, true);
    path_of(dir, 1, path);
    size_t length = 0;
    uint8_t *bytes = help_file_read(path, &length);
    uint64_t failed_count = 0;
    for (uint64_t at = 64; at < length + 17; at += 17) {
        struct told alone;
        if (at < length) { /* the last turn leaves the journal whole */
            bytes[at] ^= 0x10;
        }
        for (uint32_t lanes = 1; lanes <= 4; lanes++) {
            struct told told;
            help_file_write(path, bytes, length); /* what is torn is cut off */
            told_by(dir, lanes, lanes == 1 ? &alone : &told);
            if (lanes == 1) {
                continue;
            }
            cr_assert_eq(told.err, alone.err, "octet %u, %u lanes", (unsigned)at, lanes);
            cr_assert_str_eq(told.why.text, alone.why.text, "octet %u", (unsigned)at);
            cr_assert_arr_eq(&told.got, &alone.got, sizeof told.got, "octet %u", (unsigned)at);
            cr_assert_arr_eq(&told.recovered, &alone.recovered, sizeof told.recovered);
        }
        failed_count += alone.err != TG_OK ? 1 : 0;
        cr_assert_eq(alone.got.wrong_count, 0);
        if (at < length) {
            bytes[at] ^= 0x10;
        } else {
            cr_expect_eq(alone.got.epochs_count, 7);
        }
    }
    cr_expect_gt(failed_count, 50);
    free(bytes);
    help_dir_remove(dir);
}

Test(recover, lanes_make_something_of_every_row_of_large_blocks)
{
    /* If this failed, rows would be missing in the account lines after a crash, or count twice. */
    char dir[256];
    help_dir_make(dir);
    help_journal(dir, 9, HELP_BLOCK_ROWS_MAX - 100, 0, true);
    for (uint32_t lanes = 1; lanes <= 4; lanes++) {
        struct told told;
        told_by(dir, lanes, &told);
        cr_expect_eq(told.err, TG_OK, "%s", told.why.text);
        cr_expect_eq(told.got.wrong_count, 0, "%u lanes", lanes);
        cr_expect_eq(told.got.rows_count, 9 * (HELP_BLOCK_ROWS_MAX - 100));
    }
    help_dir_remove(dir);
}

Test(recover, every_flipped_bit_of_the_last_block_never_shows_a_wrong_row)
{
    /* If this failed, an unlucky torn write would be taken for a whole one. */
    char dir[256];
    char path[512];
    help_dir_make(dir);
    help_journal(dir, 2, 20, 0, true);
    path_of(dir, 1, path);
    size_t length = 0;
    uint64_t offsets[8];
    uint8_t *bytes = help_file_read(path, &length);
    cr_assert_eq(blocks_find(bytes, length, offsets, 7), 2);
    for (uint64_t bit = offsets[1] * 8; bit < offsets[2] * 8; bit += 61) {
        struct replayed got;
        struct tg_recovered recovered;
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        help_file_write(path, bytes, length);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        const enum tg_err err = replay(dir, 0, &got, &recovered, NULL);
        cr_assert(err != TG_OK || got.epochs_count == 1);
        cr_assert_eq(got.wrong_count, 0);
        cr_assert(got.rows_count <= 20);
    }
    free(bytes);
    help_dir_remove(dir);
}

Test(recover, a_checkpoint_newer_than_the_journal_is_corruption)
{
    /* If this failed, rot in the very last epoch would pass for a torn write although the
     * checkpoint knows that it was durable. */
    char dir[256];
    help_dir_make(dir);
    help_journal(dir, 2, 20, 0, true);
    struct replayed got;
    struct tg_recovered recovered;
    cr_expect_eq(replay(dir, 2, &got, &recovered, NULL), TG_OK);
    cr_expect_eq(got.epochs_count, 0);
    cr_expect_eq(replay(dir, 3, &got, &recovered, NULL), TG_E_CORRUPT);
    cr_expect_eq(tg_recover("/tmp/tg_not_there", 1, NULL, NULL, &recovered, NULL), TG_E_CORRUPT);
    help_dir_remove(dir);
}

Test(recover, swapped_and_missing_blocks_are_found)
{
    /* If this failed, a misdirected write or a lost sector run would go unnoticed as long as each
     * block checks by itself. */
    char dir[256];
    char path[512];
    help_dir_make(dir);
    help_journal(dir, 5, 1, 0, true);
    path_of(dir, 1, path);
    size_t length = 0;
    uint64_t offsets[8];
    uint8_t *bytes = help_file_read(path, &length);
    uint8_t *changed = malloc(length);
    cr_assert_not_null(changed);
    cr_assert_eq(blocks_find(bytes, length, offsets, 7), 5);
    struct replayed got;
    struct tg_recovered recovered;
    struct tg_why why = {.text = ""};
    const size_t first = offsets[2] - offsets[1];
    const size_t second = offsets[3] - offsets[2];
    memcpy(changed, bytes, length);
    memcpy(changed + offsets[1], bytes + offsets[2], second);
    memcpy(changed + offsets[1] + second, bytes + offsets[1], first);
    help_file_write(path, changed, length);
    cr_expect_eq(replay(dir, 0, &got, &recovered, &why), TG_E_CHAIN, "%s", why.text);
    cr_expect_not_null(strstr(why.text, "00000001.seg, offset"), "%s", why.text);
    memcpy(changed, bytes, offsets[1]); /* block 2 is gone, the rest moved up */
    memcpy(changed + offsets[1], bytes + offsets[2], length - offsets[2]);
    help_file_write(path, changed, length - first);
    cr_expect_eq(replay(dir, 0, &got, &recovered, NULL), TG_E_CHAIN);
    memcpy(changed, bytes, length); /* block 2 reads as zeros: lost after it was durable */
    memset(changed + offsets[1], 0, first);
    help_file_write(path, changed, length);
    cr_expect_eq(replay(dir, 0, &got, &recovered, NULL), TG_E_CORRUPT);
    free(bytes);
    free(changed);
    help_dir_remove(dir);
}

Test(recover, a_block_of_another_history_is_found)
{
    /* If this failed, a block restored from an old copy of the disk, whole in itself and with the
     * right number and epoch, would replace what really happened. */
    char dir[256];
    char other[256];
    char path[512];
    char other_path[512];
    uint64_t offsets[8];
    uint64_t other_offsets[8];
    size_t length = 0;
    size_t other_length = 0;
    help_dir_make(dir);
    help_dir_make(other);
    help_journal(dir, 6, 1, 0, true);
    help_journal(other, 1, 2, 0, true); /* its first epoch differs, so all hashes after it do */
    help_journal(other, 5, 1, 0, true);
    path_of(dir, 1, path);
    path_of(other, 1, other_path);
    uint8_t *bytes = help_file_read(path, &length);
    uint8_t *other_bytes = help_file_read(other_path, &other_length);
    cr_assert_eq(blocks_find(bytes, length, offsets, 7), 6);
    cr_assert_eq(blocks_find(other_bytes, other_length, other_offsets, 7), 6);
    const uint64_t size = offsets[3] - offsets[2];
    cr_assert_eq(other_offsets[3] - other_offsets[2], size);
    memcpy(bytes + offsets[2], other_bytes + other_offsets[2], size);
    help_file_write(path, bytes, length);
    struct replayed got;
    struct tg_recovered recovered;
    struct tg_why why = {.text = ""};
    cr_expect_eq(replay(dir, 0, &got, &recovered, &why), TG_E_CHAIN);
    cr_expect_not_null(strstr(why.text, "predecessor"), "%s", why.text);
    free(bytes);
    free(other_bytes);
    help_dir_remove(dir);
    help_dir_remove(other);
}

Test(recover, segments_roll_and_a_missing_one_is_found)
{
    /* If this failed, a deleted file would silently shorten a customer's bill. */
    char dir[256];
    char path[512];
    char moved[520];
    help_dir_make(dir);
    help_journal(dir, 20, 100, 8192, false);
    struct replayed got;
    struct tg_recovered recovered;
    cr_assert_eq(replay(dir, 0, &got, &recovered, NULL), TG_OK);
    cr_expect_eq(got.epochs_count, 20);
    cr_expect_eq(got.wrong_count, 0);
    cr_assert(recovered.tail.segment >= 4);
    for (uint64_t segment = 1; segment < recovered.tail.segment; segment++) {
        path_of(dir, segment, path);
        (void)snprintf(moved, sizeof moved, "%s.away", path);
        cr_assert_eq(rename(path, moved), 0);
        struct tg_recovered again;
        cr_expect_eq(replay(dir, 0, &got, &again, NULL), TG_E_CORRUPT, "segment %llu",
                     (unsigned long long)segment);
        cr_assert_eq(rename(moved, path), 0);
    }
    const struct {
        uint64_t from_epoch;
    } starts[] = {{1}, {7}, {13}, {19}, {20}};
    for (uint32_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        struct tg_recovered again;
        cr_assert_eq(tg_recover(dir, starts[i].from_epoch, NULL, NULL, &again, NULL), TG_OK);
        cr_expect_eq(again.epochs_count, 20 - starts[i].from_epoch);
        cr_expect_eq(again.tail.previous_hash, recovered.tail.previous_hash);
    }
    help_dir_remove(dir);
}

Test(recover, an_epoch_without_its_commit_block_never_happened)
{
    /* If this failed, half an epoch would be billed: one worker's rows without the other's. */
    char dir[256];
    help_dir_make(dir);
    const struct tg_journal_params params = {
        .size_bytes = sizeof params, .streams_count = 2, .dir = dir, .is_inline = true};
    struct tg_journal *journal = NULL;
    struct tg_usage rows[64];
    struct tg_charge charges[64];
    cr_assert_eq(tg_journal_open(&params, &journal, NULL), TG_OK);
    for (uint64_t epoch = 1; epoch <= 3; epoch++) {
        uint64_t state = epoch;
        help_rows(&state, rows, charges, 64, epoch);
        struct tg_block *worker = tg_journal_begin(journal, 1);
        cr_assert_eq(tg_block_rows(worker, rows, charges, 64), 64);
        tg_journal_submit(journal, worker, epoch);
        if (epoch < 3) {
            tg_journal_submit(journal, tg_journal_begin(journal, 0), epoch);
        }
    }
    cr_expect_eq(tg_journal_durable_epoch(journal), 2);
    cr_assert_eq(tg_journal_close(journal), TG_OK);
    struct replayed got;
    struct tg_recovered recovered;
    cr_assert_eq(replay(dir, 0, &got, &recovered, NULL), TG_OK);
    cr_expect_eq(got.epochs_count, 2);
    cr_expect_eq(got.rows_count, 128);
    cr_expect_eq(got.wrong_count, 0);
    cr_expect_eq(recovered.torn_blocks_count, 1);
    help_dir_remove(dir);
}
