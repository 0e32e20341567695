/* SPDX-License-Identifier: Apache-2.0 */
/* SIGKILL at random moments: what was acknowledged durable is there, nothing half is.
 *
 * If this failed, a crash of the engine would lose records whose sender was told they are safe. A
 * child writes epochs with two workers and publishes the durable epoch in shared memory; the parent
 * kills it, recovers, and compares every row with what that epoch must hold. SIGKILL keeps the page
 * cache, so this proves the order of acknowledging and the recovery, not the disk; torn and lost
 * sectors are in tests/unit/ledger/recover_test.c. */
#define _GNU_SOURCE
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "ledger/audit.h"
#include "ledger/recover.h"

#define RUN_NS        (INT64_C(12) * TG_NS_PER_S)
#define ROWS_PER_PART 300u

struct shared {
    _Atomic int is_open; /* the child has its journal */
    _Atomic uint64_t acknowledged;
    _Atomic uint64_t is_failed;
};

/* The rows of (epoch, stream) are a pure function of both. */
static void rows_make(uint64_t epoch, uint32_t stream, struct tg_usage *rows,
                      struct tg_charge *charges, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t r = tg_mix64(epoch * 1000003 + stream * 7919 + i + 1);
        rows[i] = (struct tg_usage){.subscriber_key = r,
                                    .start_ns = (int64_t)(epoch * 1000 + i),
                                    .quantity_up = r % 100000,
                                    .record_key = epoch,
                                    .sequence = i,
                                    .source_id = (uint16_t)(1 + stream),
                                    .service = TG_SERVICE_DATA};
        charges[i] = (struct tg_charge){.amount = (int64_t)(r % 777), .fate = TG_FATE_RATED};
    }
}

/* Between 1 and ROWS_PER_PART rows, by epoch and stream. */
static uint32_t rows_count_of(uint64_t epoch, uint32_t stream)
{
    return 1 + (uint32_t)(tg_mix64(epoch * 31 + stream) % ROWS_PER_PART);
}

static void part_fill(struct tg_block *block, uint64_t epoch, uint32_t stream,
                      struct tg_journal_source *source)
{
    static struct tg_usage rows[ROWS_PER_PART];
    static struct tg_charge charges[ROWS_PER_PART];
    const uint32_t count = rows_count_of(epoch, stream);
    rows_make(epoch, stream, rows, charges, count);
    if (tg_block_rows(block, rows, charges, count) != count) {
        _exit(4);
    }
    *source = (struct tg_journal_source){.in_records = count, .source_id = (uint16_t)(1 + stream)};
    for (uint32_t i = 0; i < count; i++) {
        source->in_units += tg_usage_units(&rows[i]);
    }
}

static void child_main(const char *dir, struct shared *shared)
{
    const struct tg_journal_params params = {.size_bytes = sizeof params,
                                             .streams_count = 3,
                                             .dir = dir,
                                             .segment_bytes = 1u << 18,
                                             .rows_per_block_max = 320,
                                             .is_lazy = true};
    struct tg_journal *journal = NULL;
    struct tg_why why = {.text = ""};
    if (tg_journal_open(&params, &journal, &why) != TG_OK) {
        (void)fprintf(stderr, "open: %s\n", why.text);
        shared->is_failed = 1;
        _exit(3);
    }
    shared->is_open = 1;
    for (uint64_t epoch = tg_journal_next_epoch(journal);; epoch++) {
        struct tg_journal_source sources[2];
        for (uint32_t stream = 1; stream <= 2; stream++) {
            struct tg_block *block = tg_journal_begin(journal, stream);
            part_fill(block, epoch, stream, &sources[stream - 1]);
            tg_journal_submit(journal, block, epoch);
        }
        struct tg_block *commit = tg_journal_begin(journal, 0);
        (void)tg_block_source(commit, &sources[0]);
        (void)tg_block_source(commit, &sources[1]);
        tg_journal_submit(journal, commit, epoch);
        shared->acknowledged = tg_journal_durable_epoch(journal);
    }
}

struct check {
    uint64_t epoch;
    uint64_t rows_count;
    uint64_t wrong_count;
    uint32_t stream;
};

static enum tg_err on_block(void *context, const struct tg_scan_view *view)
{
    struct check *check = context;
    check->epoch = view->epoch;
    check->stream = view->stream;
    check->wrong_count +=
        view->stream != 0 && view->rows_total_count != rows_count_of(view->epoch, view->stream);
    return TG_OK;
}

static enum tg_err on_rows(void *context, const struct tg_scan_view *view, struct tg_why *why)
{
    static struct tg_usage expected[ROWS_PER_PART];
    static struct tg_charge verdicts[ROWS_PER_PART];
    struct check *check = context;
    const struct tg_usage *rows;
    const struct tg_charge *charges;
    const uint32_t count = view->rows_count;
    const enum tg_err err = tg_scan_structs(view, &rows, &charges, why);
    if (err != TG_OK) {
        return err;
    }
    rows_make(check->epoch, check->stream, expected, verdicts, count);
    check->wrong_count += memcmp(rows, expected, count * sizeof *rows) != 0 ||
                          memcmp(charges, verdicts, count * sizeof *charges) != 0;
    check->rows_count += count;
    return TG_OK;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *at)
{
    (void)status;
    (void)kind;
    (void)at;
    return remove(path);
}

/* One life of the child; returns whether all that must hold holds. */
static bool life_run(const char *dir, struct shared *shared, uint64_t random, uint64_t *epoch)
{
    shared->is_open = 0;
    const pid_t child = fork();
    if (child == 0) {
        child_main(dir, shared);
    }
    /* Three lives of four begin when the journal is open, however slow the machine is; the fourth
     * may end while it opens. */
    const struct timespec look = {.tv_nsec = 1000000};
    for (uint32_t i = 0; i < 10000 && random % 4 != 0 && !shared->is_open; i++) {
        if (shared->is_failed != 0) {
            break;
        }
        (void)nanosleep(&look, NULL);
    }
    const struct timespec wait = {.tv_nsec = (long)(5 + random % 90) * 1000000};
    (void)nanosleep(&wait, NULL);
    (void)kill(child, SIGKILL);
    (void)waitpid(child, NULL, 0);
    struct check check = {.epoch = 0};
    struct tg_recovered recovered;
    struct tg_why why = {.text = ""};
    const struct tg_recover_calls calls = {.context = &check, .block = on_block, .rows = on_rows};
    const uint64_t promised = shared->acknowledged;
    const enum tg_err err = tg_recover(dir, 0, NULL, &calls, &recovered, &why);
    if (shared->is_failed != 0 || err != TG_OK || recovered.tail.epoch < promised ||
        check.wrong_count > 0 || recovered.tail.epoch < *epoch) {
        (void)fprintf(stderr,
                      "journal_kill: err %s (%s), epoch %" PRIu64 ", promised %" PRIu64
                      ", before %" PRIu64 ", wrong %" PRIu64 "\n",
                      tg_err_name(err), why.text, recovered.tail.epoch, promised, *epoch,
                      check.wrong_count);
        return false;
    }
    *epoch = recovered.tail.epoch;
    return true;
}

int main(void)
{
    char dir[] = "/tmp/tg_kill_XXXXXX";
    struct shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED || mkdtemp(dir) == NULL) {
        return 1;
    }
    uint64_t epoch = 0;
    uint32_t kills_count = 0;
    bool is_good = true;
    const int64_t end_ns = tg_clock_monotonic_ns() + RUN_NS;
    while (is_good && tg_clock_monotonic_ns() < end_ns) {
        is_good = life_run(dir, shared, tg_mix64(kills_count + 1), &epoch);
        kills_count++;
    }
    struct tg_audit audit;
    struct tg_why why = {.text = ""};
    const enum tg_err err = tg_audit_run(dir, shared->acknowledged, &audit, &why);
    if (err != TG_OK) {
        (void)fprintf(stderr, "journal_kill: audit: %s\n", why.text);
        is_good = false;
    }
    (void)printf("journal_kill: %u kills, %" PRIu64 " epochs, %" PRId64
                 " rows, acknowledged %" PRIu64 ": %s\n",
                 kills_count, epoch, audit.total.in_rows, (uint64_t)shared->acknowledged,
                 is_good ? "whole" : "BROKEN");
    tg_audit_free(&audit);
    (void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return is_good && kills_count > 5 && epoch > 5 ? 0 : 1;
}
