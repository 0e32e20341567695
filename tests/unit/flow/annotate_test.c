/* SPDX-License-Identifier: Apache-2.0 */
/* The whole data plane over files: telemetry first, calls after it, the journal read back. */
#include "base/clock.h"
#include "control/engine.h"
#include "ledger/scan.h"
#include "rt/eal.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[256];

static void write_file(const char *name, const char *text)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file, "%s", path);
    (void)fputs(text, file);
    cr_assert_eq(fclose(file), 0);
}

static void make_dir(const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    cr_assert_eq(mkdir(path, 0700), 0);
}

static void documents_write(unsigned workers)
{
    char config[2048];
    (void)snprintf(config, sizeof config,
                   "data: data\ncatalog: catalog\nworkers: %u\npreallocate: false\n"
                   "memory: {mib: 64, huge_pages: never}\n"
                   "limits: {sessions: 1000, dedup_records: 10000}\n"
                   "decoders:\n"
                   "  - {decoder: syslog, settings: {framing: newline}}\n"
                   "  - {decoder: csv, settings: {service: voice}}\n"
                   "ports:\n"
                   "  - {name: logs, kind: folder, target: logs, decoder: syslog, node: msc-01}\n"
                   "  - {name: cdr, kind: folder, target: cdr, decoder: csv, node: msc-01}\n"
                   "nodes:\n"
                   "  - {name: msc-01, addresses: [10.0.0.1], interval: 1h}\n",
                   workers);
    write_file("tollgate.yaml", config);
    write_file("catalog/catalog.yaml",
               "catalog: {version: 1, valid_from: 2026-01-01, currency: EUR}\n"
               "prices: {call: {unit: second, price: \"0.60\", per: 60}}\n"
               "plans: {p: {voice: {price: call}}}\n"
               "products: {p: {plan: p}}\n");
    write_file("catalog/accounts.csv", "id,name,currency\na,A,EUR\n");
    write_file("catalog/subscribers.csv",
               "id,account,msisdn,product,active_from\ns,a,491701,p,2026-01-01\n");
    write_file("logs/1.log",
               "<134>1 2026-10-15T08:00:00Z msc-01 sysmgr - HEARTBEAT - alive\n"
               "<131>1 2026-10-15T08:10:00Z msc-01 ifmgr - linkDown - interface e1 link down\n"
               "<133>1 2026-10-15T08:20:00Z msc-01 ifmgr - linkUp - interface e1 link up\n"
               "<128>1 2026-10-15T08:30:00Z msc-01 envd - powerFailure - power failure\n");
    write_file("cdr/1.csv", "id,caller,called,start,duration_s,cause\n"
                            "1,+491701,+4930,2026-10-15T08:05:00Z,60,0\n"
                            "2,+491701,+4930,2026-10-15T08:15:00Z,60,0\n"
                            "3,+491701,+4930,2026-10-15T08:25:00Z,60,0\n"
                            "4,+491701,+4930,2026-10-15T08:35:00Z,60,0\n"
                            "4,+491701,+4930,2026-10-15T08:35:00Z,60,0\n"
                            "5,+499999,+4930,2026-10-15T08:36:00Z,60,0\n");
}

static void set_up(void)
{
    (void)snprintf(dir, sizeof dir, "/tmp/tg_flow_XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
    make_dir("catalog");
    make_dir("logs");
    make_dir("cdr");
}

static void tear_down(void)
{
    char command[512];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", dir);
    cr_assert_eq(system(command), 0);
}

static void engine_run(void)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/tollgate.yaml", dir);
    struct tg_diag *diag = tg_diag_open();
    struct tg_config *config = NULL;
    struct tg_engine *engine = NULL;
    struct tg_why why = {""};
    cr_assert_eq(tg_config_load(path, diag, &config), TG_OK);
    const struct tg_engine_params params = {.config = config, .is_once = true};
    cr_assert_eq(tg_engine_open(&params, diag, &engine, &why), TG_OK, "%s", why.text);
    cr_assert_eq(tg_engine_run(engine, &why), TG_OK, "%s", why.text);
    tg_engine_close(engine);
    tg_eal_stop();
    tg_config_close(config);
    tg_diag_close(diag);
}

static void journal_check(void)
{
    static const uint8_t states[] = {TG_NODE_UP, TG_NODE_DEGRADED, TG_NODE_UP, TG_NODE_DOWN};
    char path[512];
    (void)snprintf(path, sizeof path, "%s/data", dir);
    const struct tg_scan_params params = {.size_bytes = sizeof params,
                                          .sections = TG_SECTION_BIT(TG_SECTION_ROWS),
                                          .dir = path,
                                          .wants_structs = true};
    struct tg_scan *scan = NULL;
    struct tg_scan_view view;
    unsigned fates[TG_FATE_COUNT] = {0};
    cr_assert_eq(tg_scan_open(&params, &scan, NULL), TG_OK);
    while (tg_scan_next(scan, &view, NULL) == TG_OK) {
        for (uint32_t i = 0; i < view.rows_count; i++) {
            const struct tg_charge *charge = &view.charges[i];
            fates[charge->fate]++;
            if (charge->fate == TG_FATE_RATED) {
                const int64_t minute = view.usage[i].start_ns / (60 * TG_NS_PER_S) % 60;
                cr_expect_eq(charge->node_state, states[(minute - 5) / 10],
                             "call at minute %lld: state %u", (long long)minute,
                             charge->node_state);
                cr_expect_eq(charge->amount, 60000000, "0.60 EUR at 1e-8");
            }
        }
    }
    tg_scan_close(scan);
    cr_expect_eq(fates[TG_FATE_RATED], 4);
    cr_expect_eq(fates[TG_FATE_DUPLICATE], 1);
    cr_expect_eq(fates[TG_FATE_SUSPENDED], 1);
}

/* If this failed, a call would carry another state than its node had when it was made: care and
 * the NOC would tell customers different stories. */
Test(annotate, rows_carry_the_state_of_their_node_at_the_event, .init = set_up, .fini = tear_down)
{
    documents_write(1);
    engine_run();
    journal_check();
}

/* If this failed, the answer would depend on how many cores work. */
Test(annotate, a_hop_to_a_rate_worker_changes_nothing, .init = set_up, .fini = tear_down)
{
    documents_write(3);
    engine_run();
    journal_check();
}

