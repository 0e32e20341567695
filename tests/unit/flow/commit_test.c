/* SPDX-License-Identifier: Apache-2.0 */
/* When an epoch ends: by its age, but not while the disk still has all the blocks there are. */
#include "base/clock.h"
#include "flow/ingest_state.h"
#include "mediate/source.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* A disk whose syncs wait until they are let go. */
struct disk {
    struct tg_file_ops ops;
    uint32_t is_held;     /* relaxed */
    uint32_t syncs_count; /* begun; relaxed */
};

static void pause_ms(int64_t ms)
{
    const struct timespec pause = {.tv_nsec = (long)(ms * 1000000)};
    (void)nanosleep(&pause, NULL);
}

static int slow_sync(void *self, int fd)
{
    struct disk *disk = self;
    (void)__atomic_fetch_add(&disk->syncs_count, 1, __ATOMIC_RELAXED);
    while (__atomic_load_n(&disk->is_held, __ATOMIC_RELAXED) != 0) {
        pause_ms(1);
    }
    return fdatasync(fd);
}

/* An epoch with something in it, older than it may become. */
static void epoch_age(struct tg_ingest *ingest)
{
    cr_assert_not_null(tg_ingest_block(ingest));
    ingest->epoch_opened_ns = tg_clock_monotonic_ns() - 2 * TG_EPOCH_NS;
}

static bool comes_due(const struct tg_ingest *ingest, int64_t within_ms)
{
    for (int64_t i = 0; i < within_ms && !tg_ingest_epoch_is_due(ingest); i++) {
        pause_ms(1);
    }
    return tg_ingest_epoch_is_due(ingest);
}

/* If this failed, rows would wait for the disk whenever another file's commit holds up a sync: a
 * catalog of 500,000 prices stored beside the journal stopped them for 30 to 40 ms. */
Test(commit, an_epoch_grows_while_the_disk_is_behind)
{
    char dir[64] = "/tmp/tg_commit_XXXXXX";
    char command[96];
    struct disk disk = {.ops = *tg_file_ops_real()};
    disk.ops.self = &disk;
    disk.ops.fdatasync = slow_sync;
    cr_assert_not_null(mkdtemp(dir));
    const struct tg_journal_params params = {.size_bytes = sizeof params,
                                             .streams_count = 1,
                                             .dir = dir,
                                             .ops = &disk.ops,
                                             .rows_per_block_max = 1024,
                                             .is_sparse = true};
    struct tg_journal *journal = NULL;
    struct tg_ingest *ingest = NULL;
    cr_assert_eq(tg_journal_open(&params, &journal, NULL), TG_OK);
    struct tg_sources *sources = tg_sources_create();
    const struct tg_ingest_params ingest_params = {
        .journal = journal, .sources = sources, .is_inline = true, .time = tg_time_live()};
    cr_assert_eq(tg_ingest_create(&ingest_params, &ingest, NULL), TG_OK);
    epoch_age(ingest);
    cr_expect(comes_due(ingest, 1000), "an old epoch ends while the disk keeps up");
    (void)__atomic_exchange_n(&disk.is_held, 1, __ATOMIC_RELAXED);
    const uint32_t syncs_before = __atomic_load_n(&disk.syncs_count, __ATOMIC_RELAXED);
    (void)tg_ingest_end_epoch(ingest);
    while (__atomic_load_n(&disk.syncs_count, __ATOMIC_RELAXED) == syncs_before) {
        pause_ms(1); /* the writer is in its sync; what is submitted now stays away */
    }
    for (uint32_t i = 0; i + 1 < TG_JOURNAL_BLOCKS_PER_STREAM; i++) {
        epoch_age(ingest);
        cr_expect(comes_due(ingest, 1000), "block %u is free", i + 1);
        (void)tg_ingest_end_epoch(ingest);
    }
    epoch_age(ingest);
    cr_expect(tg_journal_is_behind(journal));
    cr_expect_not(comes_due(ingest, 30), "it would wait for the disk");
    (void)__atomic_exchange_n(&disk.is_held, 0, __ATOMIC_RELAXED);
    cr_expect(comes_due(ingest, 5000), "the disk has caught up");
    const uint64_t last = tg_ingest_end_epoch(ingest);
    cr_expect_eq(tg_journal_wait(journal, last), TG_OK);
    cr_expect_not(tg_journal_is_behind(journal));
    tg_ingest_destroy(ingest);
    cr_expect_eq(tg_journal_close(journal), TG_OK);
    tg_sources_free(sources);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", dir);
    cr_assert_eq(system(command), 0);
}
