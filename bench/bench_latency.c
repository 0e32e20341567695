/* SPDX-License-Identifier: Apache-2.0 */
/* Open loop: datagram i should be sent at start + i * interval, whatever the engine is doing. What
 * came due meanwhile waits, and its wait counts: latency is from the intended time (no coordinated
 * omission). Rated: the step that took the datagram has returned, so its rows have prices and moved
 * their accounts. Durable: the epoch of its rows is fdatasync'ed and the ingest lcore has seen it.
 */
#include "bench/bench_extra.h"

#include "base/clock.h"
#include "bench/bench_histogram.h"
#include "bench/bench_rig.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define DATAGRAMS_COUNT 4000u
#define EPOCHS_MAX      256u /* that wait for the disk */

static const uint32_t loads_percent[] = {50, 80};
static const uint32_t shares_ppm[] = {500000, 900000, 990000, 999000, 999900};

/* Epochs that are submitted and not durable yet: up to which datagram each goes. */
struct pending {
    uint64_t epoch;
    uint64_t datagrams_end;
};

struct latency {
    struct tg_rig rig;
    struct tg_histogram rated;
    struct tg_histogram durable;
    struct pending pending[EPOCHS_MAX];
    uint32_t pending_count;
    uint64_t first_datagram; /* of this load, as the port counts */
    uint64_t durable_end;
    int64_t begin_ns;
    int64_t interval_ns;
};

static void add(const struct latency *latency, struct tg_histogram *histogram, uint64_t from,
                uint64_t to, int64_t now_ns)
{
    for (uint64_t i = from; i < to; i++) {
        const int64_t intended_ns =
            latency->begin_ns + (int64_t)(i - latency->first_datagram) * latency->interval_ns;
        tg_histogram_add(histogram, now_ns - intended_ns, TG_FEED_RECORDS);
    }
}

static void durable_take(struct latency *latency)
{
    const uint64_t durable = tg_journal_durable_epoch(latency->rig.journal);
    uint32_t done = 0;
    while (done < latency->pending_count && latency->pending[done].epoch <= durable) {
        const uint64_t end = latency->pending[done++].datagrams_end;
        add(latency, &latency->durable, latency->durable_end, end, tg_clock_monotonic_ns());
        latency->durable_end = end;
    }
    latency->pending_count -= done;
    memmove(latency->pending, latency->pending + done,
            latency->pending_count * sizeof latency->pending[0]);
}

static enum tg_err pending_add(struct latency *latency, uint64_t epoch, struct tg_why *why)
{
    if (latency->pending_count == EPOCHS_MAX) {
        return tg_why_set(why, TG_E_FULL, "the disk is %u epochs behind", EPOCHS_MAX);
    }
    latency->pending[latency->pending_count++] =
        (struct pending){epoch, latency->rig.port.given_count};
    return TG_OK;
}

static enum tg_err step(struct latency *latency, uint64_t end, struct tg_why *why)
{
    struct tg_rig *rig = &latency->rig;
    const uint64_t epoch = rig->ingest->epoch;
    const uint64_t before = rig->port.given_count;
    const int64_t now_ns = tg_clock_monotonic_ns();
    const uint64_t due = now_ns < latency->begin_ns
                             ? 0
                             : 1 + (uint64_t)((now_ns - latency->begin_ns) / latency->interval_ns);
    const uint64_t limit = latency->first_datagram + due;
    enum tg_err err = TG_OK;
    rig->port.limit_count = limit < end ? limit : end;
    (void)tg_ingest_step(rig->ingest);
    if (rig->port.given_count > before) {
        add(latency, &latency->rated, before, rig->port.given_count, tg_clock_monotonic_ns());
    }
    if (rig->ingest->epoch != epoch) {
        err = pending_add(latency, epoch, why);
    }
    durable_take(latency);
    return err == TG_OK && tg_ingest_has_failed(rig->ingest) ? tg_journal_error(rig->journal, why)
                                                             : err;
}

static enum tg_err load_run(struct latency *latency, uint64_t rows_per_s, uint32_t seconds,
                            struct tg_why *why)
{
    struct tg_rig *rig = &latency->rig;
    const uint64_t pass_rows = (uint64_t)DATAGRAMS_COUNT * TG_FEED_RECORDS;
    const uint64_t passes = 1 + rows_per_s * seconds / pass_rows;
    const uint64_t end = rig->port.given_count + passes * DATAGRAMS_COUNT;
    memset(&latency->rated, 0, sizeof latency->rated);
    memset(&latency->durable, 0, sizeof latency->durable);
    latency->pending_count = 0;
    latency->first_datagram = rig->port.given_count;
    latency->durable_end = rig->port.given_count;
    latency->interval_ns = (int64_t)(TG_FEED_RECORDS * UINT64_C(1000000000) / rows_per_s);
    latency->begin_ns = tg_clock_monotonic_ns() + 1000000;
    rig->passes_count += passes;
    enum tg_err err = TG_OK;
    while (err == TG_OK && rig->port.given_count < end) {
        err = step(latency, end, why);
    }
    while (err == TG_OK && latency->durable_end < end) {
        err = step(latency, end, why); /* the last epoch ends by its age */
    }
    return err;
}

/* Rows a second of wall time with the input always there: what is 100 %. */
static enum tg_err full_load(struct latency *latency, uint64_t *rows_per_s, struct tg_why *why)
{
    const uint64_t pass_rows = (uint64_t)DATAGRAMS_COUNT * TG_FEED_RECORDS;
    uint64_t rates[9];
    enum tg_err err = tg_rig_whole(&latency->rig, why);
    for (unsigned i = 0; i < 9 && err == TG_OK; i++) {
        const int64_t from_ns = tg_clock_monotonic_ns();
        err = tg_rig_whole(&latency->rig, why);
        rates[i] = pass_rows * 1000000000 / (uint64_t)(tg_clock_monotonic_ns() - from_ns);
        for (unsigned k = i; k > 0 && rates[k] < rates[k - 1]; k--) {
            const uint64_t swapped = rates[k];
            rates[k] = rates[k - 1];
            rates[k - 1] = swapped;
        }
    }
    *rows_per_s = err == TG_OK ? rates[4] : 0;
    return err;
}

static void print_us(uint64_t value_ns, bool is_csv)
{
    if (is_csv) {
        (void)printf(",%" PRIu64, value_ns);
    } else {
        (void)printf(" %8" PRIu64 ".%01" PRIu64, value_ns / 1000, value_ns % 1000 / 100);
    }
}

static void print_line(const struct tg_bench_extra *extra, uint32_t load, uint64_t rate,
                       const char *what, const struct tg_histogram *histogram)
{
    (void)printf(extra->is_csv ? "%" PRIu32 ",%" PRIu64 ",%s"
                               : "%4" PRIu32 " %% %10" PRIu64 " %-8s",
                 load, rate, what);
    for (unsigned i = 0; i < sizeof shares_ppm / sizeof shares_ppm[0]; i++) {
        print_us(tg_histogram_at_ns(histogram, shares_ppm[i]), extra->is_csv);
    }
    print_us(histogram->max_ns, extra->is_csv);
    (void)printf(extra->is_csv ? ",%" PRIu64 "\n" : " %10" PRIu64 "\n", histogram->total_count);
    (void)fflush(stdout);
}

static enum tg_err loads_run(struct latency *latency, const struct tg_bench_extra *extra,
                             struct tg_why *why)
{
    uint64_t full = extra->rate;
    enum tg_err err = full == 0 ? full_load(latency, &full, why) : tg_rig_whole(&latency->rig, why);
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
        err =
            load_run(latency, rate > TG_FEED_RECORDS ? rate : TG_FEED_RECORDS, extra->seconds, why);
        if (err == TG_OK) {
            print_line(extra, loads_percent[i], rate, "rated", &latency->rated);
            print_line(extra, loads_percent[i], rate, "durable", &latency->durable);
        }
    }
    return err;
}

enum tg_err tg_bench_latency(const struct tg_bench_extra *extra, struct tg_why *why)
{
    static struct latency latency;
    const struct tg_bench_options options = {.datagrams_count = DATAGRAMS_COUNT,
                                             .down_percent = 50,
                                             .seed = 1,
                                             .dir = extra->dir,
                                             .is_fixed = true};
    bool is_void = false;
    memset(&latency, 0, sizeof latency);
    enum tg_err err = tg_rig_open(&latency.rig, &options, extra->subscribers_count, false, why);
    err = err == TG_OK ? loads_run(&latency, extra, why) : err;
    err = err == TG_OK ? tg_rig_check(&latency.rig, &is_void, why) : err;
    tg_rig_close(&latency.rig);
    return err == TG_OK && is_void ? TG_E_INVALID : err;
}
