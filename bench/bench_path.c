/* SPDX-License-Identifier: Apache-2.0 */
/* Rounds alternate: a pass stage by stage, a pass as a whole, receive without salt, salt alone. */
#include "bench/bench_staged.h"

#include "base/clock.h"

#include <inttypes.h>
#include <string.h>

#define ROUNDS_MIN 3u

/** What one size and skew gives. */
struct path {
    struct tg_rig rig;
    struct tg_staged staged;
    struct tg_bench_figure stages[TG_BENCH_STAGES_COUNT];
    struct tg_bench_figure whole;
};

static const char *const names[TG_BENCH_STAGES_COUNT] = {
    [TG_BENCH_RECEIVE] = "receive", [TG_BENCH_DECODE] = "decode", [TG_BENCH_IDENTIFY] = "identify",
    [TG_BENCH_DEDUP] = "dedup",     [TG_BENCH_PRICE] = "price",   [TG_BENCH_JOURNAL] = "journal",
    [TG_BENCH_MAKE] = "make"};

static const char *const notes[TG_BENCH_STAGES_COUNT] = {
    [TG_BENCH_RECEIVE] = "net_pcap copy, strip, release",
    [TG_BENCH_DECODE] = "55 octets in, 64 out",
    [TG_BENCH_IDENTIFY] = "audit, admit, 1 random line a row (2 for half of --down), node state",
    [TG_BENCH_DEDUP] = "1 random line a row",
    [TG_BENCH_PRICE] = "1 random line a row: account, which knows the product",
    [TG_BENCH_JOURNAL] = "128 octets in; columns, planes, CRC, write, fdatasync",
    [TG_BENCH_MAKE] = "not the engine's: fresh records"};

/* A pass of bursts that nobody decodes: the capture comes round to where it was. */
static void receive_round(struct path *path)
{
    struct tg_rig *rig = &path->rig;
    struct tg_bench_port silent = rig->port;
    struct tg_input inputs[TG_BURST_MAX];
    uint64_t rows = 0;
    silent.is_salted = false;
    silent.limit_count = silent.given_count + rig->feed.datagrams_count;
    const int64_t from_ns = tg_clock_thread_cpu_ns();
    while (silent.given_count < silent.limit_count) {
        const uint32_t count = tg_port_burst(&silent.base, 0, inputs, TG_BURST_MAX);
        for (uint32_t i = 0; i < count; i++) {
            rows += inputs[i].bytes[1] == 10 ? rig->feed.records_count : 0; /* IPFIX version */
        }
        tg_port_release(&silent.base);
    }
    tg_bench_round(&path->stages[TG_BENCH_RECEIVE], tg_clock_thread_cpu_ns() - from_ns, rows);
}

/* On a copy that is in cache, as the datagram is in the port. */
static void make_round(struct path *path)
{
    struct tg_rig *rig = &path->rig;
    uint8_t copy[TG_FEED_STRIDE_BYTES];
    int64_t cpu_ns = 0;
    memcpy(copy, rig->feed.frames, sizeof copy);
    const int64_t from_ns = tg_clock_thread_cpu_ns();
    for (uint32_t i = 0; i < rig->feed.datagrams_count; i++) {
        tg_feed_salt(&rig->feed, copy + 42, i, 1);
    }
    cpu_ns += tg_clock_thread_cpu_ns() - from_ns;
    tg_bench_round(&path->stages[TG_BENCH_MAKE], cpu_ns,
                   (uint64_t)rig->feed.datagrams_count * rig->feed.records_count);
}

static enum tg_err staged_round(struct path *path, struct tg_why *why)
{
    memset(path->staged.cpu_ns, 0, sizeof path->staged.cpu_ns);
    path->staged.rows_count = 0;
    const enum tg_err err = tg_staged_pass(&path->staged, why);
    for (unsigned s = TG_BENCH_DECODE; s <= TG_BENCH_JOURNAL; s++) {
        tg_bench_round(&path->stages[s], path->staged.cpu_ns[s], path->staged.rows_count);
    }
    return err;
}

static enum tg_err whole_round(struct path *path, struct tg_why *why)
{
    const int64_t from_ns = tg_bench_process_cpu_ns();
    const enum tg_err err = tg_rig_whole(&path->rig, why);
    tg_bench_round(&path->whole, tg_bench_process_cpu_ns() - from_ns,
                   (uint64_t)path->rig.feed.datagrams_count * path->rig.feed.records_count);
    return err;
}

static enum tg_err rounds_run(struct path *path, const struct tg_bench_options *options,
                              struct tg_why *why)
{
    const int64_t until_ns = tg_clock_monotonic_ns() + options->seconds * TG_NS_PER_S;
    /* The first pass meets cold tables and the template: it counts for nothing. */
    enum tg_err err = tg_rig_month(&path->rig, why);
    err = err == TG_OK ? tg_rig_whole(&path->rig, why) : err;
    for (uint32_t round = 0; err == TG_OK && round < TG_BENCH_ROUNDS_MAX; round++) {
        if (round >= (options->is_fixed ? 1 : ROUNDS_MIN) &&
            (options->is_fixed || tg_clock_monotonic_ns() >= until_ns)) {
            break;
        }
        err = staged_round(path, why);
        err = err == TG_OK ? whole_round(path, why) : err;
        receive_round(path);
        make_round(path);
    }
    return err;
}

static void print_sum(const struct tg_bench_options *options, const struct path *path, FILE *out)
{
    uint64_t sum_ps = 0;
    for (unsigned s = 0; s < TG_BENCH_STAGES_COUNT; s++) {
        sum_ps += tg_bench_median_ps(&path->stages[s]);
    }
    const uint64_t whole_ps = tg_bench_median_ps(&path->whole);
    const uint64_t make_ps = tg_bench_median_ps(&path->stages[TG_BENCH_MAKE]);
    const int64_t difference_ps = (int64_t)sum_ps - (int64_t)whole_ps;
    if (options->is_json || options->is_csv || options->stage != NULL || whole_ps == 0) {
        return;
    }
    (void)fprintf(out,
                  "  sum of stages %" PRIu64 ".%02" PRIu64 ", whole %" PRIu64 ".%02" PRIu64
                  " (%+" PRIi64 " %%); without make: %" PRIu64 ".%02" PRIu64 " ns a row\n",
                  sum_ps / 1000, sum_ps % 1000 / 10, whole_ps / 1000, whole_ps % 1000 / 10,
                  difference_ps * 100 / (int64_t)whole_ps, (whole_ps - make_ps) / 1000,
                  (whole_ps - make_ps) % 1000 / 10);
}

static void path_print(const struct tg_bench_options *options, struct path *path, bool is_void,
                       FILE *out)
{
    struct tg_bench_figure *figures[TG_BENCH_STAGES_COUNT + 1];
    for (unsigned s = 0; s < TG_BENCH_STAGES_COUNT; s++) {
        figures[s] = &path->stages[s];
        figures[s]->name = names[s];
        figures[s]->note = notes[s];
    }
    figures[TG_BENCH_STAGES_COUNT] = &path->whole;
    path->whole.name = "whole";
    path->whole.note = "all of the above and the glue, both threads";
    for (unsigned s = 0; s <= TG_BENCH_STAGES_COUNT; s++) {
        figures[s]->subscribers_count = path->rig.world.subscribers_count;
        figures[s]->is_zipf = path->rig.feed.is_zipf;
        figures[s]->is_void = is_void;
        tg_bench_close(figures[s]);
        if (tg_bench_wants(options, figures[s]->name)) {
            tg_bench_print(options, figures[s], out);
        }
    }
    if (!is_void) {
        print_sum(options, path, out);
    }
}

enum tg_err tg_bench_path(const struct tg_bench_options *options, uint32_t subscribers_count,
                          bool is_zipf, FILE *out, bool *is_void, struct tg_why *why)
{
    static struct path path;
    bool is_wrong = false;
    memset(&path, 0, sizeof path);
    path.staged.rig = &path.rig;
    enum tg_err err = tg_rig_open(&path.rig, options, subscribers_count, is_zipf, why);
    err = err == TG_OK ? rounds_run(&path, options, why) : err;
    err = err == TG_OK ? tg_rig_check(&path.rig, &is_wrong, why) : err;
    if (err == TG_OK) {
        path_print(options, &path, is_wrong, out);
    }
    *is_void = *is_void || is_wrong;
    tg_rig_close(&path.rig);
    return err;
}
