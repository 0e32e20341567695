/* SPDX-License-Identifier: Apache-2.0 */
/* Latency in open loop (bench_load.h) at two shares of the full load. */
#include "bench/bench_extra.h"

#include "bench/bench_load.h"

#include <inttypes.h>
#include <string.h>

static const uint32_t loads_percent[] = {50, 80};

static void print_line(const struct tg_bench_extra *extra, uint32_t load, uint64_t rate,
                       const char *what, const struct tg_histogram *histogram)
{
    (void)printf(extra->is_csv ? "%" PRIu32 ",%" PRIu64 ",%s"
                               : "%4" PRIu32 " %% %10" PRIu64 " %-8s",
                 load, rate, what);
    tg_load_print(histogram, extra->is_csv);
}

static enum tg_err loads_run(struct tg_load *load, const struct tg_bench_extra *extra,
                             struct tg_why *why)
{
    uint64_t full = extra->rate;
    enum tg_err err = full == 0 ? tg_load_full(load, &full, why) : tg_rig_whole(&load->rig, why);
    if (err != TG_OK) {
        return err;
    }
    if (extra->is_csv) {
        (void)printf(
            "load_percent,rows_per_s,to,p50_ns,p90_ns,p99_ns,p999_ns,p9999_ns,max_ns,rows\n");
    } else {
        (void)printf("full load %" PRIu64 " rows/s of wall time; us from the intended time\n"
                     "  load     rows/s to            p50        p90        p99      p99.9     "
                     "p99.99        max       rows\n",
                     full);
    }
    for (unsigned i = 0; i < sizeof loads_percent / sizeof loads_percent[0] && err == TG_OK; i++) {
        const uint64_t rate = full * loads_percent[i] / 100;
        err = tg_load_run(load, rate > TG_FEED_RECORDS ? rate : TG_FEED_RECORDS, extra->seconds,
                          NULL, why);
        if (err == TG_OK) {
            print_line(extra, loads_percent[i], rate, "rated", &load->rated);
            print_line(extra, loads_percent[i], rate, "durable", &load->durable);
        }
    }
    return err;
}

enum tg_err tg_bench_latency(const struct tg_bench_extra *extra, struct tg_why *why)
{
    static struct tg_load load;
    const struct tg_bench_options options = tg_load_options(extra->dir);
    bool is_void = false;
    memset(&load, 0, sizeof load);
    enum tg_err err = tg_rig_open(&load.rig, &options, extra->subscribers_count, false, why);
    err = err == TG_OK ? loads_run(&load, extra, why) : err;
    err = err == TG_OK ? tg_rig_check(&load.rig, &is_void, why) : err;
    tg_rig_close(&load.rig);
    return err == TG_OK && is_void ? TG_E_INVALID : err;
}
