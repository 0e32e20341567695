/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/journal.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "journal_help.h"
#include "ledger/recover.h"

static struct tg_usage rows[1024];
static struct tg_charge charges[1024];

/* Writes epochs until the journal fails; returns how many were acknowledged. */
static uint64_t write_until_failure(const char *dir, const struct tg_file_ops *ops,
                                    uint64_t segment_bytes, bool is_sparse, bool is_lazy,
                                    enum tg_err *error)
{
    const struct tg_journal_params params = {.size_bytes = sizeof params,
                                             .streams_count = 1,
                                             .dir = dir,
                                             .ops = ops,
                                             .rows_per_block_max = 1024,
                                             .segment_bytes = segment_bytes,
                                             .is_sparse = is_sparse,
                                             .is_lazy = is_lazy,
                                             .is_inline = true};
    struct tg_journal *journal = NULL;
    uint64_t acknowledged = 0;
    *error = tg_journal_open(&params, &journal, NULL);
    if (*error != TG_OK) {
        return 0;
    }
    for (uint64_t epoch = 1; epoch <= 12; epoch++) {
        uint64_t state = epoch;
        struct tg_block *block = tg_journal_begin(journal, 0);
        if (block == NULL) {
            break;
        }
        help_rows(&state, rows, charges, 100, epoch);
        cr_assert_eq(tg_block_rows(block, rows, charges, 100), 100);
        tg_journal_submit(journal, block, epoch);
        acknowledged = tg_journal_durable_epoch(journal);
    }
    *error = tg_journal_error(journal, NULL);
    const uint64_t last = tg_journal_durable_epoch(journal);
    cr_assert_eq(acknowledged, last);
    (void)tg_journal_close(journal);
    return last;
}

Test(journal, every_failing_operation_stops_acknowledging_and_loses_nothing)
{
    /* If this failed, a full or dying disk would make the engine acknowledge records that are
     * gone. */
    uint32_t failing_runs = 0;
    for (uint32_t mode = 0; mode < 6; mode++) {
        for (uint32_t nth = 1; nth < 200; nth++) {
            char dir[256];
            struct tg_file_faults faults;
            enum tg_err error = TG_OK;
            help_dir_make(dir);
            tg_file_faults_init(&faults, TG_FILE_FAULT_ALL, nth, mode % 2 == 1,
                                mode < 2 ? EIO : ENOSPC);
            faults.is_torn = mode >= 4;
            /* Buffers taken whole are half of the time, and no operation that could fail. */
            const bool is_sparse = mode == 3 || mode == 5;
            const uint64_t acknowledged =
                write_until_failure(dir, &faults.ops, 8192, is_sparse, mode != 0, &error);
            struct tg_recovered recovered;
            struct tg_why why = {.text = ""};
            cr_assert_eq(tg_recover(dir, acknowledged, NULL, NULL, &recovered, &why), TG_OK,
                         "mode %u, operation %u: %s", mode, nth, why.text);
            /* At most the epoch that was being written may be there without having been promised.
             */
            cr_assert(recovered.tail.epoch <= acknowledged + 1);
            const uint32_t failed_count = faults.failed_count;
            if (failed_count > 0 && acknowledged < 12) {
                cr_assert_neq(error, TG_OK, "mode %u, operation %u", mode, nth);
                failing_runs++;
            }
            help_dir_remove(dir);
            if (failed_count == 0) {
                break;
            }
        }
    }
    cr_expect(failing_runs > 100, "only %u runs failed", failing_runs);
}

Test(journal, a_failed_sync_is_never_retried)
{
    /* If this failed, the second fdatasync would say yes to pages the kernel has thrown away. */
    char dir[256];
    struct tg_file_faults faults;
    enum tg_err error = TG_OK;
    help_dir_make(dir);
    tg_file_faults_init(&faults, TG_FILE_FAULT_FDATASYNC, 5, false, EIO);
    cr_expect_eq(write_until_failure(dir, &faults.ops, 0, false, false, &error), 4);
    cr_expect_eq(error, TG_E_NOT_DURABLE);
    cr_expect_eq(faults.seen_count, 5);
    help_dir_remove(dir);
}

struct worker {
    struct tg_journal *journal;
    pthread_barrier_t *barrier;
    uint32_t stream;
    uint64_t epochs_count;
};

static void *worker_main(void *context)
{
    struct worker *worker = context;
    static _Thread_local struct tg_usage own[256];
    static _Thread_local struct tg_charge verdicts[256];
    for (uint64_t epoch = 1; epoch <= worker->epochs_count; epoch++) {
        for (uint32_t piece = 0; piece <= (worker->stream + epoch) % 3; piece++) {
            struct tg_block *block = tg_journal_begin(worker->journal, worker->stream);
            if (block == NULL) {
                break;
            }
            for (uint32_t i = 0; i < 256; i++) {
                own[i] = (struct tg_usage){.record_key = epoch, .source_id = (uint16_t)piece};
                verdicts[i] = (struct tg_charge){.fate = TG_FATE_RATED};
            }
            (void)tg_block_rows(block, own, verdicts, 256);
            tg_journal_submit(worker->journal, block, epoch);
        }
        (void)pthread_barrier_wait(worker->barrier); /* the epoch is over for the workers */
        if (worker->stream == 1) {
            struct tg_block *commit = tg_journal_begin(worker->journal, 0);
            if (commit != NULL) {
                tg_journal_submit(worker->journal, commit, epoch);
            }
        }
    }
    return NULL;
}

Test(journal, worker_blocks_come_with_their_own_epoch)
{
    /* If this failed, rows of two epochs would mix, and a crash would keep half of one. */
    char dir[256];
    help_dir_make(dir);
    const struct tg_journal_params params = {
        .size_bytes = sizeof params, .streams_count = 4, .dir = dir, .rows_per_block_max = 256};
    struct tg_journal *journal = NULL;
    pthread_barrier_t barrier;
    pthread_t threads[3];
    struct worker workers[3];
    const uint64_t epochs_count = 60;
    cr_assert_eq(tg_journal_open(&params, &journal, NULL), TG_OK);
    cr_assert_eq(pthread_barrier_init(&barrier, NULL, 3), 0);
    for (uint32_t i = 0; i < 3; i++) {
        workers[i] = (struct worker){journal, &barrier, i + 1, epochs_count};
        cr_assert_eq(pthread_create(&threads[i], NULL, worker_main, &workers[i]), 0);
    }
    for (uint32_t i = 0; i < 3; i++) {
        cr_assert_eq(pthread_join(threads[i], NULL), 0);
    }
    cr_expect_eq(tg_journal_wait(journal, epochs_count), TG_OK);
    cr_assert_eq(tg_journal_close(journal), TG_OK);
    const struct tg_scan_params scan_params = {
        .size_bytes = sizeof scan_params, .dir = dir, .columns = TG_COLUMN_BIT(record_key)};
    struct tg_scan *scan = NULL;
    struct tg_scan_view view;
    uint64_t rows_count = 0;
    uint64_t expected_rows = 0;
    cr_assert_eq(tg_scan_open(&scan_params, &scan, NULL), TG_OK);
    while (tg_scan_next(scan, &view, NULL) == TG_OK) {
        for (uint32_t i = 0; i < view.rows_count; i++) {
            cr_assert_eq(view.record_key[i], view.epoch);
        }
        rows_count += view.rows_count;
    }
    for (uint64_t epoch = 1; epoch <= epochs_count; epoch++) {
        for (uint32_t stream = 1; stream <= 3; stream++) {
            expected_rows += 256 * ((stream + epoch) % 3 + 1);
        }
    }
    cr_expect_eq(rows_count, expected_rows);
    tg_scan_close(scan);
    (void)pthread_barrier_destroy(&barrier);
    help_dir_remove(dir);
}

Test(journal, all_sections_come_back)
{
    /* If this failed, a restart would forget templates, sessions, positions or refused bytes. */
    char dir[256];
    help_dir_make(dir);
    const struct tg_journal_params params = {
        .size_bytes = sizeof params, .streams_count = 1, .dir = dir, .is_inline = true};
    struct tg_journal *journal = NULL;
    cr_assert_eq(tg_journal_open(&params, &journal, NULL), TG_OK);
    struct tg_block *block = tg_journal_begin(journal, 0);
    const char text[] = "junk-host\0app\0-\0link down";
    struct tg_observation observations[300];
    for (uint32_t i = 0; i < 300; i++) {
        observations[i] = (struct tg_observation){.event_ns = i,
                                                  .text_offset = 5,
                                                  .text_bytes = sizeof text - 5,
                                                  .kind = TG_OBSERVATION_LOG};
    }
    observations[7].text_offset = 4000; /* outside of the arena: kept without text */
    const struct tg_session session = {.address_key = 1, .event = TG_SESSION_START};
    uint8_t payload[700];
    for (uint32_t i = 0; i < sizeof payload; i++) {
        payload[i] = (uint8_t)(i * 7);
    }
    const struct tg_input input = {.bytes = payload,
                                   .length_bytes = 699,
                                   .source_id = 9,
                                   .local_port = 2055,
                                   .from = {.address = {1, 2, 3}, .port = 77},
                                   .arrival_ns = 12345,
                                   .offset_bytes = 5,
                                   .file_key = 6,
                                   .first_line = 7,
                                   .flags = TG_INPUT_LAST_CHUNK};
    const struct tg_journal_refusal refusal = {.bytes = payload,
                                               .field = "start",
                                               .record_key = 44,
                                               .offset_bytes = 17,
                                               .length_bytes = 21,
                                               .source_id = 9,
                                               .reason = TG_E_BAD_TIMESTAMP,
                                               .fate = TG_FATE_SUSPENDED};
    const uint64_t keys[3] = {1, UINT64_MAX, 3};
    const struct tg_journal_source source = {.source_key = 5, .in_records = 6, .source_id = 9};
    cr_assert_eq(
        tg_block_observations(block, observations, 300, (const uint8_t *)text, sizeof text), 300);
    cr_assert_eq(tg_block_sessions(block, &session, 1), 1);
    cr_assert(tg_block_input(block, "ipfix", &input));
    cr_assert(tg_block_input(block, "netflow9", &input));
    cr_assert(tg_block_refusal(block, &refusal));
    cr_assert_eq(tg_block_release(block, keys, 3), 3);
    cr_assert(tg_block_source(block, &source));
    cr_assert(tg_block_note(block, "roster", payload, 333));
    cr_expect(!tg_block_is_empty(block));
    tg_journal_submit(journal, block, 1);
    cr_assert_eq(tg_journal_close(journal), TG_OK);

    const struct tg_scan_params scan_params = {.size_bytes = sizeof scan_params, .dir = dir};
    struct tg_scan *scan = NULL;
    struct tg_scan_view view;
    const struct tg_observation *got = NULL;
    const uint8_t *got_text = NULL;
    uint32_t got_text_bytes = 0;
    uint32_t count = 0;
    cr_assert_eq(tg_scan_open(&scan_params, &scan, NULL), TG_OK);
    cr_assert_eq(tg_scan_next(scan, &view, NULL), TG_OK);
    cr_assert_eq(tg_scan_observations(&view, &got, &count, &got_text, &got_text_bytes, NULL),
                 TG_OK);
    cr_assert_eq(count, 300);
    cr_expect_eq(got[7].text_bytes, 0);
    cr_expect_eq(got[299].event_ns, 299);
    cr_expect_arr_eq(got_text + got[299].text_offset, text + 5, sizeof text - 5);
    const struct tg_session *sessions = NULL;
    cr_assert_eq(tg_scan_sessions(&view, &sessions, &count, NULL), TG_OK);
    cr_expect_eq(count, 1);
    cr_expect_arr_eq(sessions, &session, sizeof session);
    struct tg_scan_position at = {0};
    struct tg_scan_input item;
    cr_assert_eq(tg_scan_input_next(&view, &at, &item, NULL), TG_OK);
    cr_assert_eq(tg_scan_input_next(&view, &at, &item, NULL), TG_OK);
    cr_expect_str_eq(item.decoder, "netflow9");
    cr_expect_eq(item.input.length_bytes, 699);
    cr_expect_arr_eq(item.input.bytes, payload, 699);
    cr_expect_arr_eq(&item.input.from, &input.from, sizeof input.from);
    cr_expect_eq(item.input.arrival_ns, 12345);
    cr_expect_eq(item.input.file_key, 6);
    cr_expect_eq(item.input.flags, TG_INPUT_LAST_CHUNK);
    cr_expect_eq(tg_scan_input_next(&view, &at, &item, NULL), TG_E_NOT_FOUND);
    struct tg_journal_refusal back;
    at = (struct tg_scan_position){0};
    cr_assert_eq(tg_scan_refusal_next(&view, &at, &back, NULL), TG_OK);
    cr_expect_str_eq(back.field, "start");
    cr_expect_eq(back.kept_bytes, 21);
    cr_expect_arr_eq(back.bytes, payload, 21);
    cr_expect_eq(back.reason, TG_E_BAD_TIMESTAMP);
    const uint64_t *released = NULL;
    cr_assert_eq(tg_scan_releases(&view, &released, &count, NULL), TG_OK);
    cr_assert_eq(count, 3);
    cr_expect_arr_eq(released, keys, sizeof keys);
    const struct tg_journal_source *sources = NULL;
    cr_assert_eq(tg_scan_sources(&view, &sources, &count, NULL), TG_OK);
    cr_expect_arr_eq(sources, &source, sizeof source);
    struct tg_scan_note note;
    at = (struct tg_scan_position){0};
    cr_assert_eq(tg_scan_note_next(&view, &at, &note, NULL), TG_OK);
    cr_expect_str_eq(note.key, "roster");
    cr_expect_eq(note.length_bytes, 333);
    cr_expect_arr_eq(note.bytes, payload, 333);
    tg_scan_close(scan);
    help_dir_remove(dir);
}

Test(journal, a_full_section_says_so)
{
    /* If this failed, refused bytes or templates beyond the first megabyte would vanish uncounted.
     */
    char dir[256];
    static uint8_t payload[TG_REFUSAL_BYTES_MAX + 5000];
    help_dir_make(dir);
    const struct tg_journal_params params = {
        .size_bytes = sizeof params, .streams_count = 1, .dir = dir, .is_inline = true};
    struct tg_journal *journal = NULL;
    cr_assert_eq(tg_journal_open(&params, &journal, NULL), TG_OK);
    struct tg_block *block = tg_journal_begin(journal, 0);
    const struct tg_journal_refusal refusal = {.bytes = payload,
                                               .length_bytes = sizeof payload,
                                               .reason = TG_E_LENGTH,
                                               .fate = TG_FATE_SUSPENDED};
    uint64_t state = 3;
    for (uint32_t i = 0; i < sizeof payload; i++) {
        payload[i] = (uint8_t)help_random(&state); /* must not get smaller */
    }
    uint32_t taken = 0;
    while (tg_block_refusal(block, &refusal)) {
        taken++;
    }
    cr_expect_eq(taken, 16);
    cr_expect(tg_block_is_full(block));
    uint64_t keys[TG_BLOCK_RELEASES_MAX + 1] = {0};
    cr_expect_eq(tg_block_release(block, keys, TG_BLOCK_RELEASES_MAX + 1), TG_BLOCK_RELEASES_MAX);
    tg_journal_submit(journal, block, 1);
    cr_assert_eq(tg_journal_close(journal), TG_OK);
    struct tg_recovered recovered;
    cr_expect_eq(tg_recover(dir, 1, NULL, NULL, &recovered, NULL), TG_OK);
    help_dir_remove(dir);
}

Test(journal, figures_of_writing_and_scanning)
{
    /* If this failed, the journal would cost more than all other stages together (limits here are
     * loose: shared cores; the figures are printed). */
    static struct tg_usage many[65536];
    static struct tg_charge verdicts[65536];
    char dir[256];
    help_dir_make(dir);
    uint64_t state = 1;
    help_rows(&state, many, verdicts, 65536, 1);
    const struct tg_journal_params params = {
        .size_bytes = sizeof params, .streams_count = 1, .dir = dir, .is_inline = true};
    struct tg_journal *journal = NULL;
    cr_assert_eq(tg_journal_open(&params, &journal, NULL), TG_OK);
    const uint64_t blocks_count = 24;
    int64_t append_ns = 0;
    const int64_t from_ns = tg_clock_thread_cpu_ns();
    for (uint64_t epoch = 1; epoch <= blocks_count; epoch++) {
        struct tg_block *block = tg_journal_begin(journal, 0);
        const int64_t begin_ns = tg_clock_thread_cpu_ns();
        for (uint32_t i = 0; i < 65536; i += 256) {
            cr_assert_eq(tg_block_rows(block, many + i, verdicts + i, 256), 256);
        }
        append_ns += tg_clock_thread_cpu_ns() - begin_ns;
        tg_journal_submit(journal, block, epoch);
    }
    const int64_t write_ns = tg_clock_thread_cpu_ns() - from_ns;
    struct tg_journal_counters counters;
    tg_journal_counters(journal, &counters);
    cr_assert_eq(tg_journal_close(journal), TG_OK);
    const uint64_t count = counters.rows_count;
    fprintf(stderr,
            "journal: write %llu ns/row CPU (append %llu, encode %llu), %llu.%llu octets/row\n",
            (unsigned long long)((uint64_t)write_ns / count),
            (unsigned long long)((uint64_t)append_ns / count),
            (unsigned long long)(counters.encode_ns / count),
            (unsigned long long)(counters.stored_bytes / count),
            (unsigned long long)(counters.stored_bytes * 10 / count % 10));
    const struct tg_scan_params scan_params = {.size_bytes = sizeof scan_params,
                                               .dir = dir,
                                               .columns = TG_COLUMN_BIT(amount) |
                                                          TG_COLUMN_BIT(subscriber)};
    struct tg_scan *scan = NULL;
    struct tg_scan_view view;
    int64_t sum = 0;
    uint64_t seen = 0;
    const int64_t scan_from_ns = tg_clock_thread_cpu_ns();
    cr_assert_eq(tg_scan_open(&scan_params, &scan, NULL), TG_OK);
    while (tg_scan_next(scan, &view, NULL) == TG_OK) {
        for (uint32_t i = 0; i < view.rows_count; i++) {
            sum += view.amount[i] ^ view.subscriber[i];
        }
        seen += view.rows_count;
    }
    const int64_t scan_ns = tg_clock_thread_cpu_ns() - scan_from_ns;
    tg_scan_close(scan);
    cr_assert_eq(seen, count);
    fprintf(stderr, "journal: two-column fold %llu.%02llu ns/row CPU (sum %lld)\n",
            (unsigned long long)((uint64_t)scan_ns / count),
            (unsigned long long)((uint64_t)scan_ns * 100 / count % 100), (long long)sum);
    cr_expect((uint64_t)write_ns / count < 2000);
    help_dir_remove(dir);
}
