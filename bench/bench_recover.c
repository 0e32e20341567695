/* SPDX-License-Identifier: Apache-2.0 */
/* The journal is written by the rig of the stage benchmarks, so its rows are those of the pipeline;
 * its process kills itself with an epoch half written. What comes back is held against the journal
 * read by columns: rows, money in the account lines, records in the duplicate check. */
#include "bench/bench_recover.h"

#include "base/clock.h"
#include "base/hash.h"
#include "bench/bench_rig.h"
#include "control/telemetry.h"
#include "flow/pipeline_state.h"
#include "ledger/scan.h"
#include "mediate/dedup.h"
#include "store/documents.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define HALF_EPOCH_STEPS 40u /* turns of the ingest lcore that are never made durable */

struct meter {
    int64_t wall_ns;
    int64_t cpu_ns;
};

static int64_t cpu_ns(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * TG_NS_PER_S +
           (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * INT64_C(1000);
}

static struct meter meter_now(void)
{
    return (struct meter){tg_clock_monotonic_ns(), cpu_ns()};
}

static void line_print(const struct tg_bench_extra *extra, const char *name, uint64_t value,
                       const char *unit)
{
    if (extra->is_csv) {
        (void)printf("%s,%" PRIu32 ",%" PRIu64 ",%s\n", name, extra->subscribers_count, value,
                     unit);
    } else {
        (void)printf("%-42s %14" PRIu64 " %s\n", name, value, unit);
    }
    (void)fflush(stdout);
}

static void meter_print(const struct tg_bench_extra *extra, const char *name, struct meter from)
{
    const struct meter now = meter_now();
    char text[96];
    (void)snprintf(text, sizeof text, "%s: wall", name);
    line_print(extra, text, (uint64_t)(now.wall_ns - from.wall_ns) / 1000000, "ms");
    (void)snprintf(text, sizeof text, "%s: CPU", name);
    line_print(extra, text, (uint64_t)(now.cpu_ns - from.cpu_ns) / 1000000, "ms");
}

/* ---- the journal ---------------------------------------------------------------------------- */

/* In a process of its own. Returns only when something went wrong. */
static enum tg_err journal_write(const struct tg_bench_extra *extra, const char *made,
                                 const char *data_dir, struct tg_why *why)
{
    static struct tg_rig rig;
    const struct tg_bench_options options = {.datagrams_count = extra->datagrams_count,
                                             .down_percent = 50,
                                             .seed = 1,
                                             .dir = made,
                                             .is_fixed = true};
    struct tg_journal_counters counters = {0};
    enum tg_err err = tg_rig_open(&rig, &options, extra->subscribers_count, false, why);
    while (err == TG_OK && counters.stored_bytes >> 20 < extra->journal_mib) {
        err = tg_rig_whole(&rig, why);
        tg_journal_counters(rig.journal, &counters);
    }
    if (err == TG_OK) {
        char from[640];
        char to[320];
        (void)snprintf(from, sizeof from, "%s/journal", rig.dir);
        (void)snprintf(to, sizeof to, "%s/journal", data_dir);
        err = rename(from, to) == 0 ? TG_OK : tg_why_set(why, TG_E_IO, "cannot move %s", from);
    }
    if (err == TG_OK) {
        rig.port.limit_count += rig.feed.datagrams_count;
        for (uint32_t i = 0; i < HALF_EPOCH_STEPS; i++) {
            (void)tg_ingest_step(rig.ingest);
        }
        (void)kill(getpid(), SIGKILL);
    }
    return err;
}

enum tg_err tg_bench_journal_make(const struct tg_bench_extra *extra, const char *data_dir,
                                  struct tg_why *why)
{
    char made[300];
    int status = 0;
    (void)snprintf(made, sizeof made, "%s/made", data_dir);
    (void)mkdir(made, 0755);
    (void)fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        struct tg_why reason = {""};
        (void)journal_write(extra, made, data_dir, &reason);
        (void)fprintf(stderr, "the journal's writer: %s\n", reason.text);
        _exit(1);
    }
    const bool is_killed = child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status);
    tg_rig_remove(made);
    return is_killed ? TG_OK : tg_why_set(why, TG_E_IO, "the journal was not written");
}

/* ---- what must come back -------------------------------------------------------------------- */

struct expected {
    uint64_t rows_count;
    uint64_t rated_count;
    int64_t amount;
};

static enum tg_err expected_fold(void *context, const struct tg_scan_view *view)
{
    struct expected *expected = context;
    for (uint32_t i = 0; i < view->rows_count; i++) {
        const bool is_rated = view->fate[i] == TG_FATE_RATED;
        expected->rated_count += is_rated;
        expected->amount += is_rated ? view->amount[i] : 0;
    }
    expected->rows_count += view->rows_count;
    return TG_OK;
}

static enum tg_err recovered_check(const struct tg_bench_extra *extra, const char *data_dir,
                                   const struct tg_pipeline *pipeline, struct tg_why *why)
{
    struct expected expected = {0};
    struct tg_scan *scan = NULL;
    const struct tg_scan_params params = {.size_bytes = sizeof params,
                                          .dir = data_dir,
                                          .columns = TG_COLUMN_BIT(fate) | TG_COLUMN_BIT(amount)};
    enum tg_err err = tg_scan_open(&params, &scan, why);
    err = err == TG_OK ? tg_scan_fold(scan, expected_fold, &expected, why) : err;
    tg_scan_close(scan);
    const uint32_t period = tg_account_period(TG_FEED_START_NS);
    int64_t cost = 0;
    uint64_t events_count = 0;
    for (uint32_t i = 0; i < extra->subscribers_count; i++) {
        const struct tg_account_line *line = tg_accounts_peek(pipeline->accounts, i, period);
        cost += line != NULL ? line->cost : 0;
        events_count += line != NULL ? tg_account_events(&line->meters[TG_METER_DATA]) : 0;
    }
    const uint64_t remembered = tg_dedup_count(pipeline->ratings[0]->dedup);
    const uint64_t records_max = pipeline->params.dedup_records_max;
    const uint64_t wanted = expected.rated_count <= 2 * records_max
                                ? expected.rated_count
                                : records_max + (expected.rated_count - 1) % records_max + 1;
    if (err == TG_OK && (cost != expected.amount || events_count != expected.rated_count ||
                         remembered != wanted || expected.rated_count == 0)) {
        err = tg_why_set(
            why, TG_E_INVALID,
            "void: the lines hold %" PRIu64 " rows of %" PRIi64 ", the journal %" PRIu64
            " of %" PRIi64 "; %" PRIu64 " records are remembered, not %" PRIu64,
            events_count, cost, expected.rated_count, expected.amount, remembered, wanted);
    }
    uint32_t lines_crc = 0; /* one state, however many threads read the journal */
    for (uint32_t page = 0; page < tg_accounts_pages_count(pipeline->accounts); page++) {
        lines_crc = tg_crc32c(lines_crc, tg_accounts_page_bytes(pipeline->accounts, page),
                              TG_ACCOUNT_PAGE_BYTES);
    }
    line_print(extra, "rows replayed", pipeline->recovery.rows_count, "rows");
    line_print(extra, "account lines", lines_crc, "crc32c");
    return err;
}

/* ---- the start ------------------------------------------------------------------------------ */

struct start {
    struct tg_db *state;
    struct tg_catalog_snapshot *catalog;
    struct tg_snapshot published;
    struct tg_pipeline *pipeline;
    struct tg_telemetry *telemetry;
};

static enum tg_err start_open(const struct tg_bench_extra *extra, const char *data_dir,
                              const struct tg_inventory *inventory,
                              const struct tg_profile *const *profiles, struct start *start,
                              struct tg_why *why)
{
    const struct tg_plug *plug = tg_plug_find(TG_PLUGIN_DECODER, "ipfix");
    const struct meter all = meter_now();
    struct meter from = all;
    enum tg_err err = tg_catalog_open(data_dir, &start->catalog, why);
    meter_print(extra, "start: catalog and subscribers", from);
    err = err == TG_OK ? tg_state_open(data_dir, false, 0, &start->state, why) : err;
    if (err != TG_OK || plug == NULL) {
        return err != TG_OK ? err : TG_E_NOT_FOUND;
    }
    tg_snapshot_init(&start->published, start->catalog);
    const struct tg_pipeline_decoder decoder = {
        .name = "ipfix", .decoder = plug->plugin->contract, .local_port = TG_FEED_PORT};
    const struct tg_pipeline_params params = {.size_bytes = sizeof params,
                                              .workers_count = 1,
                                              .data_dir = data_dir,
                                              .state = start->state,
                                              .catalog = &start->published,
                                              .inventory = inventory,
                                              .profiles = profiles,
                                              .profiles_count = 1,
                                              .subscribers_max = extra->subscribers_count,
                                              .sessions_max = extra->subscribers_count,
                                              .dedup_records_max = extra->dedup_records,
                                              .decoders = &decoder,
                                              .decoders_count = 1};
    from = meter_now();
    err = tg_pipeline_open(&params, &start->pipeline, why);
    meter_print(extra, "start: pipeline", from);
    const struct tg_telemetry_params telemetry = {.data_dir = data_dir,
                                                  .inventory = inventory,
                                                  .profiles = profiles,
                                                  .profiles_count = 1,
                                                  .subscribers_max = extra->subscribers_count};
    err = err == TG_OK ? tg_telemetry_open(&telemetry, &start->telemetry, why) : err;
    meter_print(extra, "start: all, packets are taken", all);
    /* An engine does this a piece at a time, beside its rows. */
    from = meter_now();
    err = err == TG_OK
              ? tg_telemetry_follow(start->telemetry, tg_pipeline_durable_epoch(start->pipeline), 0,
                                    INT64_MIN, why)
              : err;
    meter_print(extra, "then: alarms of the journal", from);
    return err;
}

static void steps_print(const struct tg_bench_extra *extra,
                        const struct tg_pipeline_recovery *recovery)
{
    static const char *const names[TG_RESTORE_STEPS_COUNT] = {
        [TG_RESTORE_CHECKPOINT] = "recovery: checkpoint: CPU",
        [TG_RESTORE_COUNT] = "recovery: count what is forgotten: CPU",
        [TG_RESTORE_DEDUP] = "recovery: duplicate check: CPU",
        [TG_RESTORE_ACCOUNTS] = "recovery: account lines: CPU",
        [TG_RESTORE_NOTES] = "recovery: node lives and prepaid: CPU",
        [TG_RESTORE_REST] = "recovery: rest: CPU",
        [TG_RESTORE_READ] = "recovery: read and decode and sum up: CPU"};
    for (unsigned step = 0; step < TG_RESTORE_STEPS_COUNT; step++) {
        line_print(extra, names[step], (uint64_t)recovery->step_ns[step] / 1000000, "ms");
    }
    line_print(extra, "recovery: wall", (uint64_t)recovery->elapsed_ns / 1000000, "ms");
}

enum tg_err tg_bench_recover_run(const struct tg_bench_extra *extra, const char *data_dir,
                                 const struct tg_inventory *inventory,
                                 const struct tg_profile *const *profiles, struct tg_why *why)
{
    static struct start start;
    memset(&start, 0, sizeof start);
    enum tg_err err = start_open(extra, data_dir, inventory, profiles, &start, why);
    if (err == TG_OK) {
        steps_print(extra, tg_pipeline_recovery(start.pipeline));
        err = recovered_check(extra, data_dir, start.pipeline, why);
    }
    tg_telemetry_close(start.telemetry);
    tg_pipeline_close(start.pipeline);
    (void)tg_snapshot_reclaim();
    tg_catalog_close(start.catalog);
    tg_db_close(start.state);
    return err;
}
