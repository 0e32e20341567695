/* SPDX-License-Identifier: Apache-2.0 */
/* Catalogs are swapped while rows flow. The main thread is the ingest lcore under open-loop load
 * (bench_load.h); a chore does what the engine's reload does: import the documents into LMDB, open
 * the new snapshot, publish it, free the old one after a grace period. Prices are
 * the same in all versions, so the reference rater still knows what every row costs, and the
 * journal says which version priced it. */
#include "bench/bench_extra.h"

#include "base/clock.h"
#include "bench/bench_load.h"
#include "control/chore.h"
#include "doc/diag.h"
#include "ledger/scan.h"
#include "rt/eal.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#define SWAPS_MAX 27u /* days of January that are left for valid_from */

struct control {
    struct tg_load *load;
    struct tg_world deck; /* the documents with the large deck */
    char documents[300];
    char data[300];
    uint32_t swaps_count; /* wanted */
    uint32_t done_count;
    int64_t import_ns;
    int64_t open_ns;
    struct tg_catalog_snapshot *last;
    struct tg_why why;
    enum tg_err err;
    uint32_t is_over; /* release; partner: acquire in tg_load_run */
};

static void snapshot_destroy(void *object, void *context)
{
    (void)context;
    tg_catalog_close(object);
}

static enum tg_err swap_once(struct control *control, uint32_t version)
{
    char path[320];
    struct tg_catalog_snapshot *next = NULL;
    (void)snprintf(path, sizeof path, "%s/catalog", control->documents);
    enum tg_err err =
        tg_world_documents(&control->deck, control->documents, version, &control->why);
    struct tg_diag *diag = tg_diag_open();
    const int64_t from_ns = tg_clock_monotonic_ns();
    err = err == TG_OK
              ? tg_catalog_import(path, control->data, TG_FEED_START_NS, diag, NULL, &control->why)
              : err;
    if (err == TG_E_DOCUMENT) {
        tg_diag_print(diag, stderr);
    }
    tg_diag_close(diag);
    const int64_t middle_ns = tg_clock_monotonic_ns();
    err = err == TG_OK ? tg_catalog_open(control->data, &next, &control->why) : err;
    if (err != TG_OK) {
        return err;
    }
    struct tg_world *world = &control->load->rig.world;
    const void *before = tg_snapshot_swap(&world->published, next);
    if (before != world->snapshot) { /* that one stays the rig's */
        tg_snapshot_retire((void *)(uintptr_t)before, snapshot_destroy, NULL);
        (void)tg_snapshot_reclaim();
    }
    control->last = next;
    control->done_count++;
    control->import_ns += middle_ns - from_ns;
    control->open_ns += tg_clock_monotonic_ns() - middle_ns;
    return TG_OK;
}

static void control_main(void *context)
{
    struct control *control = context;
    for (uint32_t i = 0; i < control->swaps_count && control->err == TG_OK; i++) {
        control->err = swap_once(control, 2 + i);
    }
    __atomic_store_n(&control->is_over, 1u, __ATOMIC_RELEASE);
}

static void phase_print(const struct tg_bench_extra *extra, const char *phase, uint64_t rate,
                        const struct tg_load *load)
{
    const struct {
        const char *to;
        const struct tg_histogram *histogram;
    } lines[] = {{"rated", &load->rated}, {"durable", &load->durable}};
    for (unsigned i = 0; i < 2; i++) {
        (void)printf(extra->is_csv ? "%s,%" PRIu64 ",%s" : "%-8s %10" PRIu64 " %-8s", phase, rate,
                     lines[i].to);
        tg_load_print(lines[i].histogram, extra->is_csv);
    }
}

struct versions {
    uint64_t first_count;
    uint64_t later_count;
};

static enum tg_err versions_fold(void *context, const struct tg_scan_view *view)
{
    struct versions *versions = context;
    for (uint32_t i = 0; i < view->rows_count; i++) {
        *(view->catalog_version[i] == 1 ? &versions->first_count : &versions->later_count) += 1;
    }
    return TG_OK;
}

/* Rows of both: else nothing was swapped under load, whatever the histogram says. */
static enum tg_err versions_check(const struct control *control, struct tg_why *why)
{
    struct versions versions = {0};
    struct tg_scan *scan = NULL;
    const struct tg_scan_params params = {.size_bytes = sizeof params,
                                          .dir = control->load->rig.dir,
                                          .columns = TG_COLUMN_BIT(catalog_version)};
    enum tg_err err = tg_scan_open(&params, &scan, why);
    err = err == TG_OK ? tg_scan_fold(scan, versions_fold, &versions, why) : err;
    tg_scan_close(scan);
    if (err == TG_OK && (versions.first_count == 0 || versions.later_count == 0)) {
        return tg_why_set(why, TG_E_INVALID,
                          "void: %" PRIu64 " rows by the first catalog, %" PRIu64 " by later ones",
                          versions.first_count, versions.later_count);
    }
    return err;
}

static enum tg_err phases_run(struct control *control, const struct tg_bench_extra *extra,
                              struct tg_why *why)
{
    struct tg_load *load = control->load;
    uint64_t rate = extra->rate;
    struct tg_chore chore = {0};
    enum tg_err err = rate == 0 ? tg_load_full(load, &rate, why) : tg_rig_whole(&load->rig, why);
    rate = extra->rate == 0 ? rate / 2 : rate;
    rate = rate > TG_FEED_RECORDS ? rate : TG_FEED_RECORDS;
    (void)fputs(extra->is_csv
                    ? "phase,rows_per_s,to,p50_ns,p90_ns,p99_ns,p999_ns,p9999_ns,max_ns,rows\n"
                    : "phase        rows/s to            p50        p90        p99      p99.9     "
                      "p99.99        max       rows\n",
                stdout);
    err = err == TG_OK ? tg_load_run(load, rate, extra->seconds, NULL, why) : err;
    if (err != TG_OK) {
        return err;
    }
    phase_print(extra, "quiet", rate, load);
    err = tg_chore_start(&chore, control_main, NULL, control, false, why);
    if (err != TG_OK) {
        return err;
    }
    err = tg_load_run(load, rate, 1, &control->is_over, why);
    tg_snapshot_offline(); /* the control thread may still wait for this one */
    (void)tg_chore_wait(&chore);
    tg_snapshot_online();
    if (err == TG_OK && control->err != TG_OK) {
        *why = control->why;
        err = control->err;
    }
    if (err == TG_OK) {
        phase_print(extra, "swap", rate, load);
        (void)fprintf(stderr,
                      "%" PRIu32 " swaps of %" PRIu32 " prices: import %" PRIi64
                      " ms, open and publish %" PRIi64 " ms each\n",
                      control->done_count, control->deck.prefixes_count,
                      control->import_ns / control->done_count / 1000000,
                      control->open_ns / control->done_count / 1000000);
    }
    return err;
}

static enum tg_err control_open(struct control *control, const struct tg_bench_extra *extra,
                                struct tg_why *why)
{
    const char *dir = control->load->rig.dir;
    (void)snprintf(control->documents, sizeof control->documents, "%s/documents", dir);
    (void)snprintf(control->data, sizeof control->data, "%s/data", dir);
    (void)mkdir(control->documents, 0755);
    (void)mkdir(control->data, 0755);
    control->swaps_count = extra->trials_count < SWAPS_MAX ? extra->trials_count : SWAPS_MAX;
    const enum tg_err err =
        tg_world_open(&control->deck, control->documents, 1000, extra->prices_count, false, 1, why);
    return err == TG_OK ? tg_bench_people_write(control->documents, extra->subscribers_count, why)
                        : err;
}

enum tg_err tg_bench_swap(const struct tg_bench_extra *extra, struct tg_why *why)
{
    static struct tg_load load;
    static struct control control;
    const struct tg_bench_options options = tg_load_options(extra->dir);
    bool is_void = false;
    memset(&load, 0, sizeof load);
    control = (struct control){.load = &load};
    tg_snapshot_reader_register();
    enum tg_err err = tg_rig_open(&load.rig, &options, extra->subscribers_count, false, why);
    err = err == TG_OK ? control_open(&control, extra, why) : err;
    err = err == TG_OK ? phases_run(&control, extra, why) : err;
    err = err == TG_OK ? versions_check(&control, why) : err;
    err = err == TG_OK ? tg_rig_check(&load.rig, &is_void, why) : err;
    tg_snapshot_reader_unregister();
    tg_world_close(&control.deck);
    tg_rig_close(&load.rig);
    tg_catalog_close(control.last);
    return err == TG_OK && is_void ? TG_E_INVALID : err;
}
