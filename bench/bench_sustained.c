/* SPDX-License-Identifier: Apache-2.0 */
/* How many rows a second of wall time the whole path takes while its input is always there, on one
 * lcore and on two. The journal's writer has a thread beside either; a run ends when its last row
 * is durable. */
#include "bench/bench_extra.h"

#include "base/clock.h"
#include "bench/bench_rig.h"

#include <inttypes.h>
#include <string.h>

#define RUNS_COUNT 5u

struct sustained {
    struct tg_rig rig;
    struct tg_bench_figure rates; /* rows a second, where a figure has ps */
    struct tg_bench_figure cpu;
};

/* Passes without a pause between them, for so long. */
static enum tg_err run_once(struct sustained *sustained, uint32_t seconds, struct tg_why *why)
{
    struct tg_rig *rig = &sustained->rig;
    const uint64_t before = rig->port.given_count;
    const int64_t cpu_ns = tg_bench_process_cpu_ns();
    const int64_t from_ns = tg_clock_monotonic_ns();
    enum tg_err err = TG_OK;
    while (err == TG_OK && !tg_ingest_has_failed(rig->ingest) &&
           tg_clock_monotonic_ns() - from_ns < (int64_t)seconds * TG_NS_PER_S) {
        err = tg_rig_pass(rig, why);
    }
    err = err == TG_OK ? tg_rig_durable(rig, why) : err;
    const int64_t wall_ns = tg_clock_monotonic_ns() - from_ns;
    const uint64_t rows = (rig->port.given_count - before) * rig->feed.records_count;
    tg_bench_round(&sustained->cpu, tg_bench_process_cpu_ns() - cpu_ns, rows);
    sustained->rates.rounds_ps[sustained->rates.rounds_count++] =
        rows * TG_NS_PER_S / (uint64_t)(wall_ns > 0 ? wall_ns : 1);
    return err;
}

static void print_line(const struct tg_bench_extra *extra, struct sustained *sustained,
                       uint32_t lcores)
{
    tg_bench_close(&sustained->rates);
    tg_bench_close(&sustained->cpu);
    const uint64_t rate = tg_bench_median_ps(&sustained->rates);
    const uint64_t cpu_ps = tg_bench_median_ps(&sustained->cpu);
    const uint64_t least = sustained->rates.rounds_ps[0];
    const uint64_t most = sustained->rates.rounds_ps[sustained->rates.rounds_count - 1];
    if (extra->is_csv) {
        (void)printf(
            "%" PRIu32 ",%" PRIu32 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n",
            extra->subscribers_count, lcores, rate, least, most, cpu_ps, sustained->cpu.rows_count);
    } else {
        (void)printf("%11" PRIu32 " %6" PRIu32 " %11" PRIu64 " %11" PRIu64 " %11" PRIu64
                     " %11" PRIu64 ".%02" PRIu64 " %12" PRIu64 "\n",
                     extra->subscribers_count, lcores, rate, least, most, cpu_ps / 1000,
                     cpu_ps % 1000 / 10, sustained->cpu.rows_count);
    }
    (void)fflush(stdout);
}

static enum tg_err lcores_run(const struct tg_bench_extra *extra, uint32_t lcores,
                              struct tg_why *why)
{
    static struct sustained sustained;
    const struct tg_bench_options options = {.datagrams_count = extra->datagrams_count,
                                             .down_percent = 50,
                                             .seed = 1,
                                             .dir = extra->dir,
                                             .has_hop = lcores > 1};
    bool is_void = false;
    memset(&sustained, 0, sizeof sustained);
    enum tg_err err = tg_rig_open(&sustained.rig, &options, extra->subscribers_count, false, why);
    err = err == TG_OK ? tg_rig_month(&sustained.rig, why) : err;
    err = err == TG_OK ? tg_rig_whole(&sustained.rig, why) : err; /* the template, cold tables */
    for (uint32_t run = 0; run < RUNS_COUNT && err == TG_OK; run++) {
        err = run_once(&sustained, extra->seconds, why);
    }
    err = err == TG_OK ? tg_rig_check(&sustained.rig, &is_void, why) : err;
    tg_rig_close(&sustained.rig);
    if (err == TG_OK && !is_void) {
        print_line(extra, &sustained, lcores);
    }
    return err == TG_OK && is_void ? TG_E_INVALID : err;
}

enum tg_err tg_bench_sustained(const struct tg_bench_extra *extra, struct tg_why *why)
{
    (void)printf("%s\n", extra->is_csv
                             ? "subscribers,lcores,rows_per_s,least,most,cpu_ps_per_row,rows"
                             : "subscribers lcores      rows/s       least        most CPU ns a row"
                               "         rows");
    enum tg_err err = TG_OK;
    for (uint32_t lcores = 1; lcores <= 2 && err == TG_OK; lcores++) {
        err = lcores_run(extra, lcores, why);
    }
    return err;
}
