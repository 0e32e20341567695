/* SPDX-License-Identifier: Apache-2.0 */
/* Rerate and what-if over a data folder: CPU time a row of the whole replay beside that of the rate
 * stage within it. Priced with the catalogs that priced it nothing differs, or there is no figure.
 */
#include "bench/bench_extra.h"

#include "base/clock.h"
#include "bill/rerate.h"
#include "bill/whatif.h"
#include "catalog/catalog.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define ROUNDS 5u

struct sample {
    uint64_t whole_ps;
    uint64_t price_ps;
    uint64_t rows_count;
};

static int sample_compare(const void *a, const void *b)
{
    const uint64_t left = ((const struct sample *)a)->whole_ps;
    const uint64_t right = ((const struct sample *)b)->whole_ps;
    return left < right ? -1 : left > right;
}

static enum tg_err sample_take(struct sample *sample, int64_t whole_ns,
                               const struct tg_replay_stats *stats, struct tg_why *why)
{
    if (stats->rows_priced_count == 0) {
        return tg_why_set(why, TG_E_NOT_FOUND, "the journal has no rated row to price again");
    }
    sample->rows_count = stats->rows_priced_count;
    sample->whole_ps = (uint64_t)whole_ns * 1000 / stats->rows_priced_count;
    sample->price_ps = stats->priced_ns * 1000 / stats->rows_priced_count;
    return TG_OK;
}

static enum tg_err rerate_once(const char *dir, const struct tg_catalog_snapshot *catalog,
                               struct sample *sample, struct tg_why *why)
{
    const struct tg_rerate_params params = {
        .size_bytes = sizeof params,
        .data_dir = dir,
        .catalog = catalog,
        .selector = {.from_ns = INT64_MIN, .to_ns = INT64_MAX, .source_id = -1}};
    struct tg_rerate *rerate = NULL;
    const int64_t began_ns = tg_clock_thread_cpu_ns();
    enum tg_err err = tg_rerate_open(&params, &rerate, why);
    const int64_t whole_ns = tg_clock_thread_cpu_ns() - began_ns;
    if (err == TG_OK) {
        err = rerate->changes_count == 0 && rerate->refused_count == 0
                  ? sample_take(sample, whole_ns, &rerate->replay, why)
                  : tg_why_set(why, TG_E_CORRUPT, "rerate: %u rows change with the same catalog",
                               rerate->changes_count);
    }
    tg_rerate_close(rerate);
    return err;
}

static enum tg_err whatif_once(const char *dir, const struct tg_catalog_snapshot *catalog,
                               struct sample *sample, struct tg_why *why)
{
    const struct tg_whatif_params params = {.size_bytes = sizeof params,
                                            .data_dir = dir,
                                            .catalog = catalog,
                                            .candidate = catalog->images[catalog->images_count - 1],
                                            .from_ns = 0,
                                            .to_ns = INT64_MAX};
    struct tg_whatif *whatif = NULL;
    const int64_t began_ns = tg_clock_thread_cpu_ns();
    enum tg_err err = tg_whatif_open(&params, &whatif, why);
    const int64_t whole_ns = tg_clock_thread_cpu_ns() - began_ns;
    if (err == TG_OK) {
        const bool is_same = whatif->total.before == whatif->total.after;
        err = is_same || catalog->images_count > 1
                  ? sample_take(sample, whole_ns, &whatif->replay, why)
                  : tg_why_set(why, TG_E_CORRUPT, "what-if: sums change with the same catalog");
    }
    tg_whatif_close(whatif);
    return err;
}

static void figure_print(const struct tg_bench_extra *extra, const char *name,
                         struct sample samples[ROUNDS])
{
    qsort(samples, ROUNDS, sizeof samples[0], sample_compare);
    const struct sample *median = &samples[ROUNDS / 2];
    const uint64_t percent = median->price_ps * 100 / (median->whole_ps > 0 ? median->whole_ps : 1);
    if (extra->is_csv) {
        (void)printf("%s,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n", name,
                     median->rows_count, median->whole_ps, median->price_ps, percent);
        return;
    }
    (void)printf("%-8s %10" PRIu64 " rows  %6" PRIu64 ".%02" PRIu64
                 " ns a row, of it in the rate stage %" PRIu64 ".%02" PRIu64 ": %" PRIu64
                 " %% of its row rate\n",
                 name, median->rows_count, median->whole_ps / 1000, median->whole_ps % 1000 / 10,
                 median->price_ps / 1000, median->price_ps % 1000 / 10, percent);
}

enum tg_err tg_bench_replay(const struct tg_bench_extra *extra, struct tg_why *why)
{
    struct tg_catalog_snapshot *catalog = NULL;
    struct sample rerates[ROUNDS];
    struct sample whatifs[ROUNDS];
    enum tg_err err = tg_catalog_open(extra->dir, &catalog, why);
    for (uint32_t i = 0; i < ROUNDS && err == TG_OK; i++) {
        err = rerate_once(extra->dir, catalog, &rerates[i], why);
        if (err == TG_OK) {
            err = whatif_once(extra->dir, catalog, &whatifs[i], why);
        }
    }
    if (err == TG_OK) {
        if (extra->is_csv) {
            (void)printf("fold,rows,whole_ps,price_ps,percent_of_rate_stage\n");
        }
        figure_print(extra, "rerate", rerates);
        figure_print(extra, "whatif", whatifs);
    }
    tg_catalog_close(catalog);
    return err;
}
