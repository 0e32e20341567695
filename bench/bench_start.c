/* SPDX-License-Identifier: Apache-2.0 */
/* What a subscriber costs in memory, how long loading all of them takes, and how long a start after
 * a crash does. Documents are imported
 * into a data folder first; the load is tg_catalog_open, as `tollgate run` does it, once with the
 * database put out of the page cache and once from there. Memory is what the process holds
 * (anonymous pages) after a table is made less before: nothing is left out, neither padding nor
 * what a table keeps beside its slots. */
#include "bench/bench_extra.h"

#include "abi/key.h"
#include "base/clock.h"
#include "bench/bench_recover.h"
#include "bench/bench_rig.h"
#include "doc/diag.h"
#include "health/impact.h"
#include "mediate/cumulative.h"
#include "mediate/session.h"
#include "rate/account.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIND_BATCH   64u
#define IMPACT_PAIRS 65536u /* as telemetry takes */

struct start {
    const struct tg_bench_extra *extra;
    struct tg_world world; /* documents and inventory */
    struct tg_catalog_snapshot *catalog;
    struct tg_sessions *sessions;
    struct tg_cumulative *cumulative;
    struct tg_accounts *accounts;
    struct tg_impact *impact;
    uint64_t all_bytes;
    char dir[256];
};

static uint64_t anonymous_bytes(void)
{
    char line[256];
    unsigned long long kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "RssAnon: %llu", &kib) == 1) {
            break;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return (uint64_t)kib << 10;
}

static void line_print(const struct start *start, const char *name, uint64_t value,
                       const char *unit)
{
    if (start->extra->is_csv) {
        (void)printf("%s,%" PRIu32 ",%" PRIu64 ",%s\n", name, start->extra->subscribers_count,
                     value, unit);
    } else {
        (void)printf("%-34s %14" PRIu64 " %s\n", name, value, unit);
    }
    (void)fflush(stdout);
}

static void table_print(struct start *start, const char *name, uint64_t before_bytes)
{
    const uint64_t now_bytes = anonymous_bytes();
    const uint64_t bytes = now_bytes > before_bytes ? now_bytes - before_bytes : 0;
    start->all_bytes += bytes;
    line_print(start, name, bytes / start->extra->subscribers_count, "bytes_per_subscriber");
}

/* Written pages stay; clean ones go, so that the next load reads the disk. */
static void cache_drop(const char *data_dir)
{
    char path[320];
    (void)snprintf(path, sizeof path, "%s/catalog/data.mdb", data_dir);
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        (void)fdatasync(file);
        (void)posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
        (void)close(file);
    }
}

static enum tg_err load(struct start *start, const char *name, struct tg_why *why)
{
    const int64_t from_ns = tg_clock_monotonic_ns();
    tg_catalog_close(start->catalog);
    start->catalog = NULL;
    const enum tg_err err = tg_catalog_open(start->dir, &start->catalog, why);
    line_print(start, name, (uint64_t)(tg_clock_monotonic_ns() - from_ns) / 1000000, "ms");
    return err;
}

static enum tg_err import(struct start *start, struct tg_why *why)
{
    char path[320];
    const int64_t from_ns = tg_clock_monotonic_ns();
    struct tg_diag *diag = tg_diag_open();
    (void)snprintf(path, sizeof path, "%s/documents/catalog", start->dir);
    const enum tg_err err = tg_catalog_import(path, start->dir, TG_FEED_START_NS, diag, NULL, why);
    if (err == TG_E_DOCUMENT) {
        tg_diag_print(diag, stderr);
    }
    tg_diag_close(diag);
    line_print(start, "import of the documents",
               (uint64_t)(tg_clock_monotonic_ns() - from_ns) / 1000000, "ms");
    return err;
}

static enum tg_err everybody_is_found(const struct start *start, struct tg_why *why)
{
    const struct tg_roster *roster = start->catalog->roster;
    const uint32_t count = start->extra->subscribers_count;
    for (uint32_t first = 0; first < count; first += FIND_BATCH) {
        uint8_t kinds[FIND_BATCH];
        uint64_t keys[FIND_BATCH];
        int64_t at_ns[FIND_BATCH];
        uint32_t found[FIND_BATCH];
        const uint32_t batch = count - first < FIND_BATCH ? count - first : FIND_BATCH;
        for (uint32_t i = 0; i < batch; i++) {
            kinds[i] = TG_KEY_E164;
            keys[i] = tg_world_number(first + i);
            at_ns[i] = TG_FEED_START_NS;
        }
        (void)tg_roster_find(roster, kinds, keys, at_ns, batch, found);
        for (uint32_t i = 0; i < batch; i++) {
            if (found[i] != first + i) {
                return tg_why_set(why, TG_E_INVALID, "void: subscriber %u is found as %u",
                                  first + i, found[i]);
            }
        }
    }
    return roster->subscribers_count == count
               ? TG_OK
               : tg_why_set(why, TG_E_INVALID, "void: %u subscribers were loaded, not %u",
                            roster->subscribers_count, count);
}

/* The tables that have a place for every subscriber, as a pipeline takes them at its start. */
static enum tg_err tables(struct start *start, struct tg_why *why)
{
    const uint32_t count = start->extra->subscribers_count;
    uint64_t before_bytes = anonymous_bytes();
    enum tg_err err = tg_accounts_create(count, &start->accounts, why);
    table_print(start, "account lines of two months", before_bytes);
    before_bytes = anonymous_bytes();
    start->sessions = tg_sessions_create(count);
    table_print(start, "sessions with one address each", before_bytes);
    before_bytes = anonymous_bytes();
    start->cumulative = tg_cumulative_create(count);
    table_print(start, "cumulative counters of sessions", before_bytes);
    const struct tg_impact_config impact = {.inventory = start->world.inventory,
                                            .pairs_count_max = IMPACT_PAIRS,
                                            .subscribers_count_max = count};
    before_bytes = anonymous_bytes();
    err = err == TG_OK ? tg_impact_open(&impact, &start->impact) : err;
    table_print(start, "revenue at risk", before_bytes);
    if (err == TG_OK && (start->sessions == NULL || start->cumulative == NULL)) {
        err =
            tg_why_set(why, TG_E_NO_MEMORY, "no memory for the sessions of %u subscribers", count);
    }
    return err;
}

/* Before the journal's writer is made of this process, and takes as much again. */
static void tables_free(struct start *start)
{
    tg_impact_close(start->impact);
    tg_accounts_destroy(start->accounts);
    tg_cumulative_free(start->cumulative);
    tg_sessions_free(start->sessions);
    tg_catalog_close(start->catalog);
    start->impact = NULL;
    start->accounts = NULL;
    start->cumulative = NULL;
    start->sessions = NULL;
    start->catalog = NULL;
}

static enum tg_err start_run(struct start *start, struct tg_why *why)
{
    const struct tg_bench_extra *extra = start->extra;
    char documents[300];
    (void)snprintf(documents, sizeof documents, "%s/documents", start->dir);
    (void)mkdir(documents, 0755);
    enum tg_err err =
        tg_world_open(&start->world, documents, 1000, extra->prices_count, false, 1, why);
    err = err == TG_OK ? tg_bench_people_write(documents, extra->subscribers_count, why) : err;
    (void)fputs(extra->is_csv ? "what,subscribers,value,unit\n" : "", stdout);
    err = err == TG_OK ? import(start, why) : err;
    cache_drop(start->dir);
    err = err == TG_OK ? load(start, "load from LMDB on disk", why) : err;
    err = err == TG_OK ? load(start, "load from LMDB in the page cache", why) : err;
    if (err != TG_OK) {
        return err;
    }
    start->all_bytes = start->catalog->roster->memory_bytes;
    line_print(start, "roster (line and account and number)",
               start->all_bytes / extra->subscribers_count, "bytes_per_subscriber");
    err = everybody_is_found(start, why);
    err = err == TG_OK ? tables(start, why) : err;
    line_print(start, "all tables", start->all_bytes / extra->subscribers_count,
               "bytes_per_subscriber");
    tables_free(start);
    err = err == TG_OK ? tg_bench_journal_make(extra, start->dir, why) : err;
    return err == TG_OK ? tg_bench_recover_run(extra, start->dir, start->world.inventory,
                                               start->world.profiles, why)
                        : err;
}

enum tg_err tg_bench_start(const struct tg_bench_extra *extra, struct tg_why *why)
{
    static struct start start;
    memset(&start, 0, sizeof start);
    start.extra = extra;
    (void)snprintf(start.dir, sizeof start.dir, "%s/tollgate-bench-XXXXXX", extra->dir);
    if (mkdtemp(start.dir) == NULL) {
        return tg_why_set(why, TG_E_IO, "cannot make a folder in %s", extra->dir);
    }
    const enum tg_err err = start_run(&start, why);
    tables_free(&start);
    tg_world_close(&start.world);
    tg_rig_remove(start.dir);
    return err;
}

/* Makes the folder's catalog and journal unless they are there. */
static enum tg_err recover_prepare(struct start *start, struct tg_why *why)
{
    const struct tg_bench_extra *extra = start->extra;
    char nodes[300];
    char documents[300];
    char journal[300];
    (void)snprintf(nodes, sizeof nodes, "%s/nodes", start->dir);
    (void)snprintf(documents, sizeof documents, "%s/documents", start->dir);
    (void)snprintf(journal, sizeof journal, "%s/journal", start->dir);
    (void)mkdir(start->dir, 0755);
    (void)mkdir(nodes, 0755);
    enum tg_err err = tg_world_open(&start->world, nodes, 1000, 1000, false, 1, why);
    if (err != TG_OK || access(journal, F_OK) == 0) {
        return err;
    }
    (void)mkdir(documents, 0755);
    err = tg_world_documents(&start->world, documents, 1, why);
    err = err == TG_OK ? tg_bench_people_write(documents, extra->subscribers_count, why) : err;
    err = err == TG_OK ? import(start, why) : err;
    tg_rig_remove(documents);
    return err == TG_OK ? tg_bench_journal_make(extra, start->dir, why) : err;
}

enum tg_err tg_bench_recover(const struct tg_bench_extra *extra, struct tg_why *why)
{
    static struct start start;
    memset(&start, 0, sizeof start);
    start.extra = extra;
    (void)snprintf(start.dir, sizeof start.dir, "%s", extra->dir);
    enum tg_err err = recover_prepare(&start, why);
    err = err == TG_OK ? tg_bench_recover_run(extra, start.dir, start.world.inventory,
                                              start.world.profiles, why)
                       : err;
    tg_world_close(&start.world);
    return err;
}
