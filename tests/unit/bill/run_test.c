/* SPDX-License-Identifier: Apache-2.0 */
/* Whole runs over a real catalog of many accounts: what is stored does not depend on threads, nor
 * on how often the run was killed. */
#include "abi/key.h"
#include "base/clock.h"
#include "base/hash.h"
#include "bill/bill.h"
#include "bill/cycle.h"
#include "bill/note.h"
#include "catalog/catalog.h"
#include "doc/diag.h"
#include "rate/rate.h"
#include "store/documents.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ACCOUNTS 1500u
#define ROWS     (ACCOUNTS * 3u)

void bill_journal_write(const char *dir, const struct tg_usage *rows,
                        const struct tg_charge *charges, uint32_t count);

static const char catalog_text[] =
    "catalog: {version: 1, valid_from: 2026-01-01, currency: EUR}\n"
    "taxes:\n"
    "  vat: {rate: 19%}\n"
    "prices:\n"
    "  voice: {unit: second, price: \"0.11\", per: 60, first: 60, next: 1}\n"
    "  data: {unit: kilobyte, price: \"0.03\", per: 1000}\n"
    "plans:\n"
    "  some: {voice: {price: voice}, data: {price: data}}\n"
    "products:\n"
    "  base: {plan: some, fee: \"9.99\", tax: vat, discount: 7%, minimum: \"1.00\"}\n"
    "  free: {plan: some, tax: vat}\n";

struct world {
    char dir[64];
    struct tg_catalog_snapshot *catalog;
};

static void file_write(const struct world *world, const char *name, const char *text, bool adds)
{
    char path[160];
    (void)snprintf(path, sizeof path, "%s/folder/%s", world->dir, name);
    FILE *file = fopen(path, adds ? "ae" : "we");
    cr_assert_not_null(file);
    (void)fputs(text, file);
    (void)fclose(file);
}

static void people_write(const struct world *world)
{
    file_write(world, "accounts.csv", "id,cycle_day\n", false);
    file_write(world, "subscribers.csv", "id,account,product,msisdn,active_from\n", false);
    for (uint32_t i = 0; i < ACCOUNTS; i++) {
        char line[160];
        (void)snprintf(line, sizeof line, "A%05u,%u\n", i, 1 + i % 31);
        file_write(world, "accounts.csv", line, true);
        (void)snprintf(line, sizeof line, "S%05u,A%05u,%s,49%05u,2026-01-01\n", i, i,
                       i % 3 == 0 ? "free" : "base", i);
        file_write(world, "subscribers.csv", line, true);
    }
}

static void rows_write(const struct world *world)
{
    static struct tg_usage rows[ROWS];
    static struct tg_charge charges[ROWS];
    const struct tg_rate_params params = {.subscribers_count_max = ACCOUNTS};
    struct tg_rate *rate = NULL;
    cr_assert_eq(tg_rate_create(&params, &rate, NULL), TG_OK);
    for (uint32_t i = 0; i < ROWS; i++) {
        rows[i] = (struct tg_usage){
            .start_ns = (INT64_C(1790812800) - 20 * 86400 + (int64_t)i * 700) * TG_NS_PER_S,
            .duration_ms = (i * 7919u) % 900000,
            .quantity_down = (uint64_t)i * 104729,
            .record_key = i + 1,
            .source_id = 1,
            .service = i % 2 == 0 ? TG_SERVICE_VOICE : TG_SERVICE_DATA};
        charges[i] = (struct tg_charge){.subscriber = (i * 677u) % ACCOUNTS};
        tg_rate_run(rate, world->catalog, &rows[i], &charges[i], 1);
        cr_assert_eq(charges[i].fate, TG_FATE_RATED, "%s", tg_err_name(charges[i].reason));
    }
    tg_rate_destroy(rate);
    bill_journal_write(world->dir, rows, charges, ROWS);
}

static void world_open(struct world *world)
{
    char command[160];
    struct tg_why why = {.text = ""};
    (void)snprintf(world->dir, sizeof world->dir, "/tmp/tg_bill_run_XXXXXX");
    cr_assert_not_null(mkdtemp(world->dir));
    (void)snprintf(command, sizeof command, "mkdir '%s/folder'", world->dir);
    cr_assert_eq(system(command), 0);
    file_write(world, "catalog.yaml", catalog_text, false);
    people_write(world);
    (void)snprintf(command, sizeof command, "%s/folder", world->dir);
    struct tg_diag *diag = tg_diag_open();
    const enum tg_err err = tg_catalog_import(command, world->dir, 0, diag, NULL, &why);
    (void)tg_diag_print(diag, stderr);
    tg_diag_close(diag);
    cr_assert_eq(err, TG_OK, "%s", why.text);
    cr_assert_eq(tg_catalog_open(world->dir, &world->catalog, &why), TG_OK, "%s", why.text);
    rows_write(world);
}

static void world_close(struct world *world)
{
    char command[128];
    tg_catalog_close(world->catalog);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", world->dir);
    cr_assert_eq(system(command), 0);
}

/* State folders beside each other: <dir>/NAME/state. */
static struct tg_db *state_open(const struct world *world, const char *name)
{
    char path[160];
    struct tg_db *state = NULL;
    (void)snprintf(path, sizeof path, "mkdir -p '%s/%s'", world->dir, name);
    cr_assert_eq(system(path), 0);
    (void)snprintf(path, sizeof path, "%s/%s", world->dir, name);
    cr_assert_eq(tg_state_open(path, false, UINT64_C(256) << 20, &state, NULL), TG_OK);
    return state;
}

/* Everything that is stored, keys and values in their order; and how many invoices. */
static uint64_t state_hash(struct tg_db *state, uint64_t *bills_count)
{
    uint64_t hash = 0;
    *bills_count = 0;
    for (uint32_t table = TG_STATE_DOCUMENTS; table <= TG_STATE_COUNTERS; table++) {
        struct tg_txn txn;
        struct tg_walk walk;
        tg_txn_begin(&txn, state, false);
        tg_walk_begin(&walk, &txn, table, tg_bytes_text(""));
        while (tg_walk_next(&walk)) {
            hash = tg_key_hash(hash, walk.key.at, walk.key.length_bytes);
            hash = tg_key_hash(hash, walk.value.at, walk.value.length_bytes);
            *bills_count += strncmp(walk.key.at, "customerBill", 12) == 0;
        }
        tg_walk_end(&walk);
        tg_txn_abort(&txn);
    }
    return hash;
}

struct killer {
    uint32_t calls_count; /* Of progress, so far. */
    uint32_t deadly;      /* The call that kills; 0 none. */
};

static void progress_kill(void *context, const char *step, uint64_t done, uint64_t total)
{
    struct killer *killer = context;
    (void)step;
    (void)done;
    (void)total;
    if (++killer->calls_count == killer->deadly) {
        (void)raise(SIGKILL);
    }
}

static struct tg_bill_stats month_run(const struct world *world, struct tg_db *state,
                                      uint16_t threads_count, uint16_t batch_count,
                                      struct killer *killer)
{
    struct tg_bill_params params = {.size_bytes = sizeof params,
                                    .data_dir = world->dir,
                                    .state = state,
                                    .catalog = world->catalog,
                                    .issues = true,
                                    .follows_cycle_days = true,
                                    .threads_count = threads_count,
                                    .batch_count = batch_count,
                                    .progress = killer != NULL ? progress_kill : NULL,
                                    .progress_context = killer};
    struct tg_bill_stats stats;
    struct tg_why why = {.text = ""};
    cr_assert_eq(tg_bill_period_parse("2026-10", &params.period_start_ns, &params.period_end_ns),
                 TG_OK);
    params.issued_ns = params.period_end_ns;
    cr_assert_eq(tg_bill_run(&params, &stats, &why), TG_OK, "%s", why.text);
    return stats;
}

/* Otherwise an invoice, its number or an announcement depends on the machine it was made on. */
Test(run, one_two_and_four_threads_store_the_same_bytes, .timeout = 600)
{
    static const char *const names[] = {"one", "two", "four", "seven"};
    static const uint16_t threads[] = {1, 2, 4, 7};
    static const uint16_t batches[] = {0, 0, 0, 33};
    struct world world;
    uint64_t first = 0;
    world_open(&world);
    for (uint32_t i = 0; i < 4; i++) {
        struct tg_db *state = state_open(&world, names[i]);
        uint64_t bills_count = 0;
        const struct tg_bill_stats stats = month_run(&world, state, threads[i], batches[i], NULL);
        const uint64_t hash = state_hash(state, &bills_count);
        first = i == 0 ? hash : first;
        cr_expect_eq(hash, first, "%u threads", threads[i]);
        cr_expect_gt(bills_count, ACCOUNTS / 2);
        cr_expect_eq(stats.invoices_issued_count, bills_count);
        cr_expect_eq(stats.invoices_issued_count + stats.invoices_empty_count, ACCOUNTS);
        tg_db_close(state);
    }
    world_close(&world);
}

/* One run in a child that dies; false when it came to its end instead. */
static bool run_killed(const struct world *world, const char *name, uint16_t threads_count,
                       uint32_t deadly, uint64_t delay_us)
{
    (void)fflush(NULL);
    const pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        struct killer killer = {.deadly = deadly};
        struct tg_db *state = state_open(world, name);
        (void)month_run(world, state, threads_count, 64, &killer);
        _exit(0);
    }
    if (deadly == 0) {
        const struct timespec delay = {.tv_sec = 0, .tv_nsec = (long)delay_us * 1000};
        (void)nanosleep(&delay, NULL);
        (void)kill(child, SIGKILL);
    }
    int status = 0;
    cr_assert_eq(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status);
}

#define VOIDS_EVERY 25u

struct void_ids {
    char ids[ACCOUNTS / VOIDS_EVERY + 1][TG_BILL_ID_BYTES];
    uint32_t count;
    uint32_t seen;
};

static bool void_choose(void *context, const struct tg_document *document)
{
    struct void_ids *chosen = context;
    if (chosen->seen++ % VOIDS_EVERY == 0) {
        (void)snprintf(chosen->ids[chosen->count++], TG_BILL_ID_BYTES, "%s", document->id);
    }
    return true;
}

/* Some bills here and there: the next run makes them again. */
static uint32_t bills_void(struct tg_db *state)
{
    static struct void_ids chosen;
    struct tg_txn txn;
    char number[TG_BILL_NUMBER_BYTES];
    chosen = (struct void_ids){.count = 0};
    tg_txn_begin(&txn, state, false);
    cr_assert_eq(tg_documents_visit(&txn, "customerBill", NULL, void_choose, &chosen, NULL), TG_OK);
    tg_txn_abort(&txn);
    for (uint32_t i = 0; i < chosen.count; i++) {
        const struct tg_bill_note_params params = {.size_bytes = sizeof params,
                                                   .line_index = -1,
                                                   .bill = chosen.ids[i],
                                                   .name = TG_BILL_VOID_NOTE,
                                                   .reason = "wrong",
                                                   .voids = true};
        cr_assert_eq(tg_bill_note_issue(state, &params, number, NULL), TG_OK);
    }
    return chosen.count;
}

#ifdef TG_SANITIZED
#define KILL_POINTS 12u /* a third: all are for the build that is fast enough */
#else
#define KILL_POINTS 36u
#endif

/* Otherwise a crash in a bill run leaves a gap or a double in the numbers, or other invoices than
 * the run would have made. */
Test(run, killed_anywhere_and_run_again_it_stores_the_same_bytes, .timeout = 600)
{
    struct world world;
    uint64_t bills_count = 0;
    world_open(&world);
    struct tg_db *state = state_open(&world, "whole");
    (void)month_run(&world, state, 2, 0, NULL);
    const uint64_t wanted = state_hash(state, &bills_count);
    const uint64_t wanted_count = bills_count;
    const uint32_t voids_count = bills_void(state);
    (void)month_run(&world, state, 2, 0, NULL);
    const uint64_t wanted_again = state_hash(state, &bills_count);
    cr_expect_eq(bills_count, wanted_count + 2u * voids_count, "notes, and bills made again");
    tg_db_close(state);
    uint32_t killed = 0;
    uint32_t partial = 0;
    uint32_t partial_again = 0;
    for (uint32_t point = 1; point <= KILL_POINTS; point++) {
        char name[16];
        (void)snprintf(name, sizeof name, "kill%u", point);
        /* First a point of the work, then a moment, each again until the run is through. */
        const uint64_t delay_us = 1000 + (uint64_t)point * 2311 % 60000;
        killed +=
            run_killed(&world, name, (uint16_t)(1 + point % 3), point <= 12 ? point : 0, delay_us);
        killed += run_killed(&world, name, 2, point <= 12 ? point % 5 + 1 : 0, delay_us * 2);
        state = state_open(&world, name);
        (void)state_hash(state, &bills_count);
        partial += bills_count > 0 && bills_count < wanted_count;
        const struct tg_bill_stats stats = month_run(&world, state, 2, 0, NULL);
        cr_expect_eq(stats.invoices_differ_count, 0);
        cr_expect_eq(stats.invoices_kept_count + stats.invoices_issued_count, wanted_count);
        cr_expect_eq(state_hash(state, &bills_count), wanted, "kill point %u", point);
        cr_expect_eq(bills_count, wanted_count);
        if (point % 6 != 0) {
            tg_db_close(state);
            continue;
        }
        cr_assert_eq(bills_void(state), voids_count);
        tg_db_close(state);
        killed += run_killed(&world, name, 2, point % 5 + 2, delay_us);
        state = state_open(&world, name);
        (void)state_hash(state, &bills_count);
        partial_again += bills_count > wanted_count + voids_count &&
                         bills_count < wanted_count + 2u * voids_count;
        (void)month_run(&world, state, 2, 0, NULL);
        cr_expect_eq(state_hash(state, &bills_count), wanted_again, "again, kill point %u", point);
        tg_db_close(state);
    }
    (void)fprintf(stderr,
                  "run: %u kills, %u left a part of the invoices, %u of those that were made "
                  "again\n",
                  killed, partial, partial_again);
    cr_expect_geq(partial_again, KILL_POINTS / 12);
    cr_expect_geq(killed, KILL_POINTS / 2);
    cr_expect_geq(partial, KILL_POINTS / 9);
    world_close(&world);
}
