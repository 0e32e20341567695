/* SPDX-License-Identifier: Apache-2.0 */
/* Rerate and what-if over a data folder beside the rating stage on the same rows and catalog.
 *
 * The stage's lines are one worker's CPU time in the calls that flow/rating makes: `price` is
 * tg_rate_run (price and account), `stage` is tg_dedup_run and tg_rate_run. The rows are those of
 * the journal that were rated, in batches, decoded outside of the clock; tables start empty as the
 * folds' do. The folds' lines are everything from open to answer, decoding and sorting included.
 * All run in turn, several rounds; medians are given. Priced with the catalogs that priced it
 * nothing differs, or there is no figure. */
#include "bench/bench_extra.h"

#include "base/clock.h"
#include "base/limits.h"
#include "bill/rerate.h"
#include "bill/whatif.h"
#include "catalog/catalog.h"
#include "ledger/scan.h"
#include "mediate/dedup.h"
#include "rate/rate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 5u

struct sample {
    uint64_t cpu_ps;  /* A row, all threads. */
    uint64_t wall_ps; /* A row. */
    uint64_t rows_count;
};

enum line { LINE_PRICE, LINE_STAGE, LINE_RERATE, LINE_WHATIF, LINE_RERATE_2, LINE_WHATIF_2, LINES };

static const char *const line_names[LINES] = {"price",  "stage",       "rerate",
                                              "whatif", "rerate_2thr", "whatif_2thr"};

struct bench {
    const char *dir;
    const struct tg_catalog_snapshot *catalog;
    struct sample samples[LINES][ROUNDS];
};

static int sample_compare(const void *a, const void *b)
{
    const uint64_t left = ((const struct sample *)a)->cpu_ps;
    const uint64_t right = ((const struct sample *)b)->cpu_ps;
    return left < right ? -1 : left > right;
}

static int64_t process_cpu_ns(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (int64_t)time.tv_sec * TG_NS_PER_S + time.tv_nsec;
}

static enum tg_err sample_set(struct sample *sample, int64_t cpu_ns, int64_t wall_ns,
                              uint64_t rows_count, struct tg_why *why)
{
    if (rows_count == 0) {
        return tg_why_set(why, TG_E_NOT_FOUND, "the journal has no rated row to price again");
    }
    *sample = (struct sample){.cpu_ps = (uint64_t)cpu_ns * 1000 / rows_count,
                              .wall_ps = (uint64_t)wall_ns * 1000 / rows_count,
                              .rows_count = rows_count};
    return TG_OK;
}

/* The stage's worker and what it took. */
struct stage {
    const struct tg_catalog_snapshot *catalog;
    struct tg_rate *rate;
    struct tg_dedup *dedup;
    int64_t dedup_ns;
    int64_t price_ns;
    uint64_t rows_count;
    __int128 amount;
    __int128 amount_stored;
    struct tg_usage rows[TG_BATCH_ROWS_MAX];
    struct tg_charge charges[TG_BATCH_ROWS_MAX];
    int16_t verdicts[TG_BATCH_ROWS_MAX];
};

static void stage_batch(struct stage *stage, uint32_t count)
{
    const int64_t began_ns = tg_clock_thread_cpu_ns();
    tg_dedup_run(stage->dedup, stage->rows, sizeof stage->rows[0], count, stage->verdicts);
    const int64_t checked_ns = tg_clock_thread_cpu_ns();
    tg_rate_run(stage->rate, stage->catalog, stage->rows, stage->charges, count);
    const int64_t done_ns = tg_clock_thread_cpu_ns();
    stage->dedup_ns += checked_ns - began_ns;
    stage->price_ns += done_ns - checked_ns;
    stage->rows_count += count;
    for (uint32_t i = 0; i < count; i++) {
        stage->amount += stage->charges[i].amount;
    }
}

static enum tg_err stage_block(void *context, const struct tg_scan_view *view)
{
    struct stage *stage = context;
    uint32_t count = 0;
    for (uint32_t i = 0; i < view->rows_count; i++) {
        if (view->charges[i].fate != TG_FATE_RATED || tg_row_is_adjustment(&view->usage[i])) {
            continue;
        }
        stage->amount_stored += view->charges[i].amount;
        stage->rows[count] = view->usage[i];
        stage->charges[count++] = (struct tg_charge){.subscriber = view->charges[i].subscriber,
                                                     .price_id = TG_PRICE_NONE,
                                                     .node_state = view->charges[i].node_state};
        if (count == TG_BATCH_ROWS_MAX) {
            stage_batch(stage, count);
            count = 0;
        }
    }
    if (count > 0) {
        stage_batch(stage, count);
    }
    return TG_OK;
}

static enum tg_err stage_fold(struct bench *bench, struct stage *stage, struct tg_why *why)
{
    const struct tg_scan_params params = {.size_bytes = sizeof params,
                                          .dir = bench->dir,
                                          .fates = 1u << TG_FATE_RATED,
                                          .wants_structs = true};
    struct tg_scan *scan = NULL;
    enum tg_err err = tg_scan_open(&params, &scan, why);
    if (err == TG_OK) {
        err = tg_scan_fold(scan, stage_block, stage, why);
    }
    tg_scan_close(scan);
    if (err == TG_OK && bench->catalog->images_count == 1 &&
        stage->amount != stage->amount_stored) {
        err = tg_why_set(why, TG_E_CORRUPT, "the rating stage comes to other sums");
    }
    return err;
}

static enum tg_err stage_once(struct bench *bench, uint32_t round, struct tg_why *why)
{
    const uint32_t subscribers_count = bench->catalog->roster->subscribers_count;
    const struct tg_rate_params params = {.subscribers_count_max =
                                              subscribers_count > 0 ? subscribers_count : 1};
    struct stage *stage = calloc(1, sizeof *stage);
    enum tg_err err = stage != NULL ? TG_OK : tg_why_set(why, TG_E_NO_MEMORY, "no memory");
    if (err == TG_OK) {
        stage->catalog = bench->catalog;
        stage->dedup = tg_dedup_create(4000000); /* as the engine's default */
        err = stage->dedup != NULL ? tg_rate_create(&params, &stage->rate, why)
                                   : tg_why_set(why, TG_E_NO_MEMORY, "no memory");
    }
    err = err == TG_OK ? stage_fold(bench, stage, why) : err;
    if (err == TG_OK) {
        err = sample_set(&bench->samples[LINE_PRICE][round], stage->price_ns, stage->price_ns,
                         stage->rows_count, why);
    }
    if (err == TG_OK) {
        const int64_t both_ns = stage->price_ns + stage->dedup_ns;
        err = sample_set(&bench->samples[LINE_STAGE][round], both_ns, both_ns, stage->rows_count,
                         why);
    }
    if (stage != NULL) {
        tg_rate_destroy(stage->rate);
        tg_dedup_free(stage->dedup);
    }
    free(stage);
    return err;
}

static enum tg_err rerate_once(struct bench *bench, uint32_t threads_count, struct sample *sample,
                               struct tg_why *why)
{
    const struct tg_rerate_params params = {
        .size_bytes = sizeof params,
        .threads_count = threads_count,
        .data_dir = bench->dir,
        .catalog = bench->catalog,
        .selector = {.from_ns = INT64_MIN, .to_ns = INT64_MAX, .source_id = -1}};
    struct tg_rerate *rerate = NULL;
    const int64_t cpu_ns = process_cpu_ns();
    const int64_t wall_ns = tg_clock_monotonic_ns();
    enum tg_err err = tg_rerate_open(&params, &rerate, why);
    if (err == TG_OK) {
        err = rerate->changes_count == 0 && rerate->refused_count == 0 && rerate->shelves_count == 0
                  ? sample_set(sample, process_cpu_ns() - cpu_ns, tg_clock_monotonic_ns() - wall_ns,
                               rerate->replay.rows_priced_count, why)
                  : tg_why_set(why, TG_E_CORRUPT, "rerate: %u rows change with the same catalog",
                               rerate->changes_count);
    }
    tg_rerate_close(rerate);
    return err;
}

static enum tg_err whatif_once(struct bench *bench, uint32_t threads_count, struct sample *sample,
                               struct tg_why *why)
{
    const struct tg_whatif_params params = {
        .size_bytes = sizeof params,
        .threads_count = threads_count,
        .data_dir = bench->dir,
        .catalog = bench->catalog,
        .candidate = bench->catalog->images[bench->catalog->images_count - 1],
        .from_ns = 0,
        .to_ns = INT64_MAX};
    struct tg_whatif *whatif = NULL;
    const int64_t cpu_ns = process_cpu_ns();
    const int64_t wall_ns = tg_clock_monotonic_ns();
    enum tg_err err = tg_whatif_open(&params, &whatif, why);
    if (err == TG_OK) {
        const bool is_same = whatif->total.before == whatif->total.after;
        err = is_same || bench->catalog->images_count > 1
                  ? sample_set(sample, process_cpu_ns() - cpu_ns, tg_clock_monotonic_ns() - wall_ns,
                               whatif->replay.rows_priced_count, why)
                  : tg_why_set(why, TG_E_CORRUPT, "what-if: sums change with the same catalog");
    }
    tg_whatif_close(whatif);
    return err;
}

static enum tg_err round_run(struct bench *bench, uint32_t round, struct tg_why *why)
{
    enum tg_err err = stage_once(bench, round, why);
    for (uint32_t threads = 1; threads <= 2 && err == TG_OK; threads++) {
        const uint32_t line = threads == 1 ? LINE_RERATE : LINE_RERATE_2;
        err = rerate_once(bench, threads, &bench->samples[line][round], why);
        if (err == TG_OK) {
            err = whatif_once(bench, threads, &bench->samples[line + 1][round], why);
        }
    }
    return err;
}

static void line_print(const struct tg_bench_extra *extra, const char *name,
                       const struct sample *median, const struct sample *price,
                       const struct sample *stage)
{
    const uint64_t cpu_ps = median->cpu_ps > 0 ? median->cpu_ps : 1;
    const uint64_t wall_ps = median->wall_ps > 0 ? median->wall_ps : 1;
    const uint64_t rows_per_s = UINT64_C(1000000000000) / wall_ps;
    const uint64_t of_price = price->cpu_ps * 100 / cpu_ps;
    const uint64_t of_stage = stage->cpu_ps * 100 / cpu_ps;
    if (extra->is_csv) {
        (void)printf("%s,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n",
                     name, median->rows_count, median->cpu_ps, wall_ps, rows_per_s, of_price,
                     of_stage);
        return;
    }
    (void)printf("%-12s %10" PRIu64 " rows %6" PRIu64 ".%01" PRIu64 " CPU ns a row %9" PRIu64
                 " rows/s; %3" PRIu64 " %% of price's row rate, %3" PRIu64 " %% of stage's\n",
                 name, median->rows_count, cpu_ps / 1000, cpu_ps % 1000 / 100, rows_per_s, of_price,
                 of_stage);
}

enum tg_err tg_bench_replay(const struct tg_bench_extra *extra, struct tg_why *why)
{
    struct tg_catalog_snapshot *catalog = NULL;
    struct bench *bench = calloc(1, sizeof *bench);
    enum tg_err err = bench != NULL ? tg_catalog_open(extra->dir, &catalog, why)
                                    : tg_why_set(why, TG_E_NO_MEMORY, "no memory");
    for (uint32_t round = 0; round < ROUNDS && err == TG_OK; round++) {
        bench->dir = extra->dir;
        bench->catalog = catalog;
        err = round_run(bench, round, why);
    }
    if (err == TG_OK && extra->is_csv) {
        (void)printf("line,rows,cpu_ps,wall_ps,rows_per_s,percent_of_price,percent_of_stage\n");
    }
    for (uint32_t line = 0; line < LINES && err == TG_OK; line++) {
        qsort(bench->samples[line], ROUNDS, sizeof bench->samples[line][0], sample_compare);
        line_print(extra, line_names[line], &bench->samples[line][ROUNDS / 2],
                   &bench->samples[LINE_PRICE][ROUNDS / 2],
                   &bench->samples[LINE_STAGE][ROUNDS / 2]);
    }
    tg_catalog_close(catalog);
    free(bench);
    return err;
}
