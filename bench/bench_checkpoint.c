/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints are written while rows flow. The main thread is the ingest lcore under open-loop load
 * (bench_load.h); the checkpointer's thread stores what it copies between its epochs. In the end
 * the journal is checked against the reference rater, and a second set of accounts is made from the
 * stored checkpoint and the journal behind it: it must be the first one's equal, octet for octet.
 */
#include "bench/bench_extra.h"

#include "base/clock.h"
#include "bench/bench_load.h"
#include "flow/checkpointer.h"
#include "flow/cut.h"
#include "flow/positions.h"
#include "ledger/checkpoint.h"
#include "ledger/scan.h"
#include "rate/account.h"
#include "rate/rate.h"
#include "rt/eal.h"
#include "store/documents.h"

#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define CHECKPOINTS_MAX 16u
#define POLL_NS         1000000
#define AROUND_NS       (INT64_C(500) * 1000000) /* of load before, between and after checkpoints */

struct control {
    struct tg_load *load;
    struct tg_db *state;
    struct tg_cut *cut;
    struct tg_checkpointer *checkpointer;
    uint32_t wanted_count;
    uint32_t done_count;
    struct tg_checkpointer_status status[CHECKPOINTS_MAX];
    struct tg_why why;
    enum tg_err err;
    uint32_t is_over; /* release; partner: acquire in tg_load_run */
};

static void pause_ns(int64_t duration_ns)
{
    const struct timespec pause = {.tv_sec = duration_ns / TG_NS_PER_S,
                                   .tv_nsec = duration_ns % TG_NS_PER_S};
    (void)nanosleep(&pause, NULL);
}

static void *control_main(void *context)
{
    struct control *control = context;
    while (control->done_count < control->wanted_count && control->err == TG_OK) {
        pause_ns(AROUND_NS);
        control->err = tg_checkpointer_start(control->checkpointer, &control->why);
        enum tg_err ended = TG_OK;
        while (control->err == TG_OK &&
               !tg_checkpointer_ended(control->checkpointer, &ended, &control->why)) {
            pause_ns(POLL_NS);
        }
        control->err = control->err == TG_OK ? ended : control->err;
        if (control->err == TG_OK) {
            tg_checkpointer_status(control->checkpointer, &control->status[control->done_count++]);
        }
    }
    pause_ns(AROUND_NS);
    __atomic_store_n(&control->is_over, 1u, __ATOMIC_RELEASE);
    return NULL;
}

static enum tg_err control_open(struct control *control, struct tg_why *why)
{
    struct tg_rig *rig = &control->load->rig;
    const struct tg_cut_params cut = {.accounts = rig->accounts,
                                      .sessions = rig->world.sessions,
                                      .cumulative = rig->cumulative,
                                      .dispatch = &rig->dispatch,
                                      .sources = rig->sources};
    struct tg_positions none = {0};
    enum tg_err err = tg_state_open(rig->dir, false, 0, &control->state, why);
    err = err == TG_OK ? tg_cut_create(&cut, &control->cut, why) : err;
    const struct tg_checkpointer_params params = {.cut = control->cut,
                                                  .state = control->state,
                                                  .journal = rig->journal,
                                                  .data_dir = rig->dir};
    err =
        err == TG_OK ? tg_checkpointer_create(&params, &none, 0, &control->checkpointer, why) : err;
    if (err == TG_OK) {
        rig->ingest->params.cut = control->cut;
    }
    return err;
}

static void control_close(struct control *control)
{
    tg_checkpointer_destroy(control->checkpointer);
    tg_cut_destroy(control->cut);
    tg_db_close(control->state);
}

static void phase_print(const struct tg_bench_extra *extra, const char *phase, uint64_t rate,
                        const struct tg_load *load)
{
    const struct {
        const char *to;
        const struct tg_histogram *histogram;
    } lines[] = {{"rated", &load->rated}, {"durable", &load->durable}};
    for (unsigned i = 0; i < 2; i++) {
        (void)printf(extra->is_csv ? "%s,%" PRIu64 ",%s" : "%-10s %10" PRIu64 " %-8s", phase, rate,
                     lines[i].to);
        tg_load_print(lines[i].histogram, extra->is_csv);
    }
}

static int64_t memory_kib(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static void status_print(const struct control *control, int64_t before_kib)
{
    for (uint32_t i = 0; i < control->done_count; i++) {
        const struct tg_checkpointer_status *status = &control->status[i];
        (void)fprintf(stderr,
                      "checkpoint %" PRIu32 " at epoch %" PRIu64 ": %" PRIu64 " pages, %" PRIu64
                      " octets in %" PRIu64 " ms; the ingest lcore copied for %" PRIu64
                      " ms in all, %" PRIu64 " us at most at once\n",
                      i + 1, status->epoch, status->pages_count, status->octets,
                      status->duration_ns / TG_NS_PER_MS, status->pause_ns_sum / TG_NS_PER_MS,
                      status->pause_ns_max / 1000);
    }
    (void)fprintf(stderr, "peak memory %" PRIi64 " MiB, before the checkpoints %" PRIi64 " MiB\n",
                  memory_kib() / 1024, before_kib / 1024);
}

/* ---- the check ------------------------------------------------------------------------------ */

struct recovery {
    struct tg_accounts *accounts;
    struct tg_rate *rate;
    const struct tg_catalog_snapshot *snapshot;
    uint64_t rows_count;
};

static enum tg_err page_load(void *context, const struct tg_checkpoint_page *page)
{
    struct recovery *recovery = context;
    const uint32_t number = tg_accounts_page_find(recovery->accounts, (uint32_t)page->number);
    if (page->number >> 32 != TG_CUT_ACCOUNTS) {
        return TG_OK;
    }
    const enum tg_err err =
        tg_accounts_page_load(recovery->accounts, number, page->bytes.at, page->bytes.length_bytes);
    if (err == TG_OK) {
        tg_accounts_page_epoch(recovery->accounts, number, page->epoch);
    }
    return err;
}

static enum tg_err rows_apply(void *context, const struct tg_scan_view *view)
{
    struct recovery *recovery = context;
    recovery->rows_count += view->rows_count;
    tg_accounts_replay_epoch(recovery->accounts, view->epoch);
    return tg_rate_apply(recovery->rate, recovery->snapshot, view->usage, view->charges,
                         view->rows_count);
}

static enum tg_err accounts_compare(const struct control *control, const struct recovery *recovery,
                                    struct tg_why *why)
{
    struct tg_accounts *live = control->load->rig.accounts;
    for (uint32_t page = 0; page < tg_accounts_half_pages_count(live) * 2; page++) {
        if (memcmp(tg_accounts_page_bytes(live, page),
                   tg_accounts_page_bytes(recovery->accounts, page), TG_ACCOUNT_PAGE_BYTES) != 0) {
            return tg_why_set(why, TG_E_CORRUPT,
                              "page %" PRIu32 " is another after recovery than in the engine",
                              page);
        }
    }
    (void)fprintf(stderr,
                  "recovered from the checkpoint and %" PRIu64
                  " rows behind it: all accounts are equal\n",
                  recovery->rows_count);
    return TG_OK;
}

static enum tg_err recovery_check(const struct control *control, struct tg_why *why)
{
    const struct tg_rig *rig = &control->load->rig;
    struct recovery recovery = {.snapshot = rig->world.snapshot};
    const struct tg_checkpoint_calls calls = {.context = &recovery, .page = page_load};
    struct tg_checkpoint_epochs epochs = {0, 0};
    struct tg_scan *scan = NULL;
    enum tg_err err = tg_accounts_create(rig->world.subscribers_count, &recovery.accounts, why);
    const struct tg_rate_params rate = {.accounts = recovery.accounts};
    err = err == TG_OK ? tg_rate_create(&rate, &recovery.rate, why) : err;
    err = err == TG_OK ? tg_checkpoint_load(control->state, &calls, &epochs, why) : err;
    const struct tg_scan_params params = {.size_bytes = sizeof params,
                                          .sections = TG_SECTION_BIT(TG_SECTION_ROWS),
                                          .dir = rig->dir,
                                          .epoch_min = epochs.epoch + 1,
                                          .wants_structs = true};
    err = err == TG_OK ? tg_scan_open(&params, &scan, why) : err;
    err = err == TG_OK ? tg_scan_fold(scan, rows_apply, &recovery, why) : err;
    tg_scan_close(scan);
    err = err == TG_OK ? accounts_compare(control, &recovery, why) : err;
    tg_rate_destroy(recovery.rate);
    tg_accounts_destroy(recovery.accounts);
    return err;
}

/* ---- the run -------------------------------------------------------------------------------- */

static enum tg_err checkpoints_run(struct control *control, const struct tg_bench_extra *extra,
                                   uint64_t rate, struct tg_why *why)
{
    const int64_t before_kib = memory_kib();
    pthread_t thread;
    if (pthread_create(&thread, NULL, control_main, control) != 0) {
        return tg_why_set(why, TG_E_NO_MEMORY, "cannot start the control thread");
    }
    const enum tg_err err = tg_load_run(control->load, rate, 1, &control->is_over, why);
    while (err != TG_OK && __atomic_load_n(&control->is_over, __ATOMIC_ACQUIRE) == 0) {
        tg_checkpointer_cancel(control->checkpointer);
        pause_ns(POLL_NS);
    }
    (void)pthread_join(thread, NULL);
    if (err == TG_OK && control->err != TG_OK) {
        *why = control->why;
        return control->err;
    }
    if (err == TG_OK) {
        phase_print(extra, "checkpoint", rate, control->load);
        status_print(control, before_kib);
    }
    return err;
}

static enum tg_err phases_run(struct control *control, const struct tg_bench_extra *extra,
                              struct tg_why *why)
{
    struct tg_load *load = control->load;
    uint64_t rate = extra->rate;
    enum tg_err err = rate == 0 ? tg_load_full(load, &rate, why) : tg_rig_whole(&load->rig, why);
    rate = extra->rate == 0 ? rate / 2 : rate;
    rate = rate > TG_FEED_RECORDS ? rate : TG_FEED_RECORDS;
    (void)fputs(extra->is_csv
                    ? "phase,rows_per_s,to,p50_ns,p90_ns,p99_ns,p999_ns,p9999_ns,max_ns,rows\n"
                    : "phase          rows/s to            p50        p90        p99      p99.9   "
                      "  p99.99        max       rows\n",
                stdout);
    err = err == TG_OK ? tg_load_run(load, rate, extra->seconds, NULL, why) : err;
    if (err == TG_OK) {
        phase_print(extra, "quiet", rate, load);
        err = checkpoints_run(control, extra, rate, why);
    }
    return err;
}

enum tg_err tg_bench_checkpoint(const struct tg_bench_extra *extra, struct tg_why *why)
{
    static struct tg_load load;
    static struct control control;
    const struct tg_bench_options options = tg_load_options(extra->dir);
    bool is_void = false;
    memset(&load, 0, sizeof load);
    control =
        (struct control){.load = &load,
                         .wanted_count = extra->trials_count < CHECKPOINTS_MAX ? extra->trials_count
                                                                               : CHECKPOINTS_MAX};
    tg_snapshot_reader_register();
    enum tg_err err = tg_rig_open(&load.rig, &options, extra->subscribers_count, false, why);
    err = err == TG_OK ? control_open(&control, why) : err;
    err = err == TG_OK ? phases_run(&control, extra, why) : err;
    err = err == TG_OK ? tg_rig_check(&load.rig, &is_void, why) : err;
    if (err == TG_OK && !is_void) {
        (void)fputs("rows lost: 0; the journal is what the reference rater says\n", stderr);
        err = recovery_check(&control, why);
    }
    tg_snapshot_reader_unregister();
    control_close(&control);
    tg_rig_close(&load.rig);
    return err == TG_OK && is_void ? TG_E_INVALID : err;
}
