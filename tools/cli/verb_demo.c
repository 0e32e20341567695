/* SPDX-License-Identifier: Apache-2.0 */
/* The whole path in one command: a small carrier is made, its traffic goes through a real EAL and
 * the net_pcap driver, and the parts that a user would type are shown at the end. */
#include "cli/cli.h"
#include "cli/gen.h"

#include "base/clock.h"
#include "base/log.h"
#include "control/engine.h"
#include "rt/eal.h"

#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: tollgate demo [--dir DIR] [--subscribers N] [--seed N]\n"
    "\n"
    "Make a small carrier (10000 subscribers, four exporters, 20 nodes of which one fails), run "
    "its\n"
    "traffic through the engine, and show fates, an invoice, the alarms and the speed.\n"
    "\n"
    "  --dir DIR          keep it there (default: a new folder below $TMPDIR or /tmp)\n"
    "  --subscribers N    10 .. 4000000 (10000)\n"
    "  --seed N           random seed (1)\n";

extern const struct tg_verb tg_verb_demo;
extern const struct tg_verb tg_verb_audit;
extern const struct tg_verb tg_verb_bill;
extern const struct tg_verb tg_verb_alarms;

#define PATH_BYTES    3000
#define DEMO_START_NS (INT64_C(1792051200) * TG_NS_PER_S) /* 2026-10-15T08:00:00Z */

struct demo {
    struct gen_params gen;
    struct gen_truth truth;
    char dir[PATH_BYTES];
    char data[PATH_BYTES + 16];
    char config[PATH_BYTES + 32];
    struct tg_pipeline_status status;
    int64_t elapsed_ns;
};

static void title(const char *text)
{
    (void)printf("\n== %s\n", text);
    (void)fflush(stdout);
}

static int folder_make(struct demo *demo, const char *dir)
{
    const char *base = getenv("TMPDIR");
    if (dir != NULL) {
        (void)snprintf(demo->dir, sizeof demo->dir, "%s", dir);
    } else {
        (void)snprintf(demo->dir, sizeof demo->dir, "%s/tollgate-demo-XXXXXX",
                       base != NULL && base[0] != '\0' ? base : "/tmp");
        if (mkdtemp(demo->dir) == NULL) {
            return tg_cli_problem(&tg_verb_demo, "%s: cannot make a folder", demo->dir);
        }
    }
    (void)snprintf(demo->data, sizeof demo->data, "%s/data", demo->dir);
    (void)snprintf(demo->config, sizeof demo->config, "%s/tollgate.yaml", demo->dir);
    demo->gen.dir = demo->dir;
    return TG_EXIT_OK;
}

static int traffic_make(struct demo *demo)
{
    struct tg_why why = {""};
    if (gen_all(&demo->gen, &demo->truth, &why) != TG_OK) {
        return tg_cli_problem(&tg_verb_demo, "%s", why.text);
    }
    (void)printf("a small carrier in %s: %u subscribers, %u nodes, %llu datagrams, %llu calls in "
                 "files\n",
                 demo->dir, demo->gen.subscribers_count, GEN_NODES_COUNT,
                 (unsigned long long)demo->truth.datagrams_count,
                 (unsigned long long)demo->truth.calls_count);
    return TG_EXIT_OK;
}

static enum tg_err engine_run(struct demo *demo, const struct tg_config *config,
                              struct tg_diag *diag, struct tg_why *why)
{
    const struct tg_engine_params params = {.config = config, .is_once = true};
    struct tg_engine *engine = NULL;
    enum tg_err err = tg_engine_open(&params, diag, &engine, why);
    if (err == TG_OK) {
        err = tg_engine_run(engine, why);
    }
    if (err == TG_OK) {
        tg_pipeline_status(tg_engine_pipeline(engine), &demo->status);
        demo->elapsed_ns = tg_engine_elapsed_ns(engine);
    }
    tg_engine_close(engine);
    tg_eal_stop();
    return err;
}

static int traffic_run(struct demo *demo)
{
    struct tg_diag *diag = tg_diag_open();
    struct tg_config *config = NULL;
    struct tg_why why = {""};
    enum tg_err err = tg_config_load(demo->config, diag, &config);
    if (err == TG_OK) {
        err = engine_run(demo, config, diag, &why);
    }
    if (err != TG_OK) {
        tg_diag_print(diag, stderr);
        (void)tg_cli_problem(&tg_verb_demo, "%s",
                             why.text[0] != '\0' ? why.text : tg_err_sentence(err));
    }
    tg_config_close(config);
    tg_diag_close(diag);
    return err == TG_OK ? TG_EXIT_OK : TG_EXIT_PROBLEM;
}

static int invoices_make(struct demo *demo)
{
    char data[] = "--data";
    char period[] = "2026-10";
    char account[] = "A0000007";
    char run[] = "run";
    char show[] = "show";
    char flag_period[] = "--period";
    char flag_issue[] = "--issue";
    char name[] = "bill";
    char *run_argv[] = {name, run, data, demo->data, flag_period, period, flag_issue, NULL};
    char *show_argv[] = {name, show, account, data, demo->data, NULL};
    title("bill run and one invoice");
    const int code = tg_verb_bill.run(7, run_argv);
    (void)printf("\n");
    return code != TG_EXIT_OK ? code : tg_verb_bill.run(5, show_argv);
}

static int sums_show(struct demo *demo)
{
    char name[] = "audit";
    char data[] = "--data";
    char *argv[] = {name, data, demo->data, NULL};
    title("rows by fate: in must equal the sum, per source and in all");
    return tg_verb_audit.run(3, argv);
}

static int alarms_show(struct demo *demo)
{
    char name[] = "alarms";
    char data[] = "--data";
    char *argv[] = {name, data, demo->data, NULL};
    title("alarms: root cause first, with the subscribers and the money at risk");
    return tg_verb_alarms.run(3, argv);
}

/* The generator counted what it made; the engine must have found exactly that. */
static int truth_check(const struct demo *demo)
{
    const struct gen_truth *t = &demo->truth;
    const uint64_t made =
        t->flow_records_count + t->radius_usage_count + t->calls_count + t->call_repeats_count;
    const uint64_t repeats = t->flow_repeats_count + t->call_repeats_count;
    const struct {
        const char *what;
        uint64_t made;
        uint64_t found;
    } lines[] = {{"records decoded", made, demo->status.ingest.rows_count},
                 {"duplicates", repeats, demo->status.fate_rows[TG_FATE_DUPLICATE]},
                 {"unreadable lines", t->call_bad_count, demo->status.ingest.refusals_count},
                 {"lost by sequence", 1, demo->status.ingest.lost_records},
                 {"log lines", t->syslog_count, demo->status.ingest.observations_count}};
    int code = TG_EXIT_OK;
    title("what the generator made, and what the engine found");
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        const bool is_same = lines[i].made == lines[i].found;
        (void)printf("  %-18s %10llu %10llu  %s\n", lines[i].what,
                     (unsigned long long)lines[i].made, (unsigned long long)lines[i].found,
                     is_same ? "ok" : "DIFFERS");
        code = is_same ? code : TG_EXIT_PROBLEM;
    }
    return code;
}

static void speed_show(const struct demo *demo)
{
    const uint64_t rows = demo->status.journal_rows_count;
    const uint64_t ms = (uint64_t)(demo->elapsed_ns / TG_NS_PER_MS);
    title("speed");
    (void)printf("  %llu rows decoded, rated and durable in %llu ms: %llu rows/s on one core\n"
                 "  (a cold start on a small file; `tollgate bench` measures)\n",
                 (unsigned long long)rows, (unsigned long long)ms,
                 (unsigned long long)(ms > 0 ? rows * 1000 / ms : 0));
}

static void next_show(const struct demo *demo)
{
    title("look further");
    (void)printf("  tollgate bill list --data %s\n"
                 "  tollgate suspense list --data %s\n"
                 "  tollgate nodes --data %s\n"
                 "  tollgate decode %s/inputs/network.pcap\n"
                 "  tollgate run %s          # fronts on 127.0.0.1:8081 and :8082\n"
                 "  curl -s 'http://127.0.0.1:8082/tmf-api/alarm/v4/alarm?isRootCause=true'\n",
                 demo->data, demo->data, demo->data, demo->dir, demo->config);
}

static int demo_show(struct demo *demo)
{
    int code = sums_show(demo);
    if (code == TG_EXIT_OK) {
        code = truth_check(demo);
    }
    if (code == TG_EXIT_OK) {
        code = invoices_make(demo);
    }
    if (code == TG_EXIT_OK) {
        code = alarms_show(demo);
    }
    if (code == TG_EXIT_OK) {
        speed_show(demo);
        next_show(demo);
    }
    return code;
}

static int demo_run(int argc, char **argv)
{
    static struct demo demo;
    const char *dir = NULL;
    demo.gen = (struct gen_params){.seed = 1,
                                   .subscribers_count = 10000,
                                   .minutes = 120,
                                   .flows_per_subscriber = 5,
                                   .calls_per_subscriber = 3,
                                   .is_faulty = true,
                                   .start_ns = DEMO_START_NS};
    for (int i = 1; i < argc; i++) {
        const bool has_value = i + 1 < argc;
        if (strcmp(argv[i], "--dir") == 0 && has_value) {
            dir = argv[++i];
        } else if (strcmp(argv[i], "--seed") == 0 && has_value) {
            demo.gen.seed = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--subscribers") == 0 && has_value) {
            demo.gen.subscribers_count = (uint32_t)strtoul(argv[++i], NULL, 10);
        } else {
            return tg_cli_usage(&tg_verb_demo, "unexpected '%s'", argv[i]);
        }
    }
    if (demo.gen.subscribers_count < 10 || demo.gen.subscribers_count > 4000000) {
        return tg_cli_usage(&tg_verb_demo, "--subscribers wants 10 .. 4000000");
    }
    tg_log_level_set(TG_LOG_WARNING);
    int code = folder_make(&demo, dir);
    if (code == TG_EXIT_OK) {
        code = traffic_make(&demo);
    }
    if (code == TG_EXIT_OK) {
        code = traffic_run(&demo);
    }
    return code == TG_EXIT_OK ? demo_show(&demo) : code;
}

const struct tg_verb tg_verb_demo = {
    .name = "demo",
    .summary = "make a small carrier, run it, show invoice, alarms and speed",
    .usage = usage,
    .run = demo_run,
};
