/* SPDX-License-Identifier: Apache-2.0 */
/* The journal as a table: CPU time a row of writing it and of three folds over it. What each fold
 * adds up to must be what was written, or there is no figure. */
#include "bench/bench_extra.h"

#include "base/arena.h"
#include "base/clock.h"
#include "bench/bench.h"
#include "bench/bench_feed.h"
#include "bench/bench_rig.h"
#include "ledger/journal.h"
#include "ledger/scan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS         5u
#define BATCH_ROWS     256u
#define EPOCH_ROWS     32768u /* 4 MiB, as the pipeline's */
#define FIRST_START_NS INT64_C(1790000000000000000)

#define BILL_COLUMNS                                                                               \
    (TG_COLUMN_BIT(start_ns) | TG_COLUMN_BIT(quantity_up) | TG_COLUMN_BIT(quantity_down) |         \
     TG_COLUMN_BIT(duration_ms) | TG_COLUMN_BIT(source_id) | TG_COLUMN_BIT(service) |              \
     TG_COLUMN_BIT(amount) | TG_COLUMN_BIT(remainder) | TG_COLUMN_BIT(billed_units) |              \
     TG_COLUMN_BIT(allowance_units) | TG_COLUMN_BIT(subscriber) | TG_COLUMN_BIT(price_id) |        \
     TG_COLUMN_BIT(catalog_version) | TG_COLUMN_BIT(currency) | TG_COLUMN_BIT(zone) |              \
     TG_COLUMN_BIT(fate))

/* Per subscriber, as a bill run keeps it. */
struct account {
    int64_t amount;
    uint64_t units;
};

struct bench {
    const struct tg_bench_extra *extra;
    char dir[300];
    uint64_t rows_count;
    uint64_t stored_bytes;
    int64_t amount; /* of rated rows */
    uint64_t units; /* octets of rated rows */
    struct account *accounts;
    size_t accounts_bytes;
    int64_t seen_amount;
    uint64_t seen_units;
    uint64_t seen_count;
};

/* Rows as IPFIX gives them: 250 servers, times within seconds, one in ten flows large. */
static void row_make(struct bench *bench, uint64_t number, uint64_t *random, struct tg_usage *row,
                     struct tg_charge *charge)
{
    const uint64_t bits = tg_feed_random(random);
    const uint64_t octets = 100 + (bits >> 8) % (bits % 10 == 0 ? 4000000 : 90000);
    const uint64_t billed = (octets + 999) / 1000 * 1000;
    const uint32_t subscriber = (uint32_t)((bits >> 30) % bench->extra->subscribers_count);
    const bool is_rated = bits % 64 != 1;
    *row = (struct tg_usage){.subscriber_key = 0x0a000000u + subscriber,
                             .peer_key = 0xc6336400u + 1 + (bits >> 32) % 250,
                             .start_ns = FIRST_START_NS +
                                         (int64_t)(number / 10 + (bits >> 40) % 5000) * 1000000,
                             .quantity_up = (bits & 1) != 0 ? octets : 0,
                             .quantity_down = (bits & 1) != 0 ? 0 : octets,
                             .record_key = tg_feed_random(random),
                             .duration_ms = (uint32_t)((bits >> 20) % 60000),
                             .sequence = (uint32_t)(number / TG_FEED_RECORDS * TG_FEED_RECORDS),
                             .source_id = 1,
                             .node_id = 3,
                             .service = TG_SERVICE_DATA,
                             .key_kinds = tg_key_kinds(TG_KEY_IP4, TG_KEY_IP4)};
    *charge = (struct tg_charge){.subscriber = subscriber,
                                 .price_id = TG_PRICE_NONE,
                                 .fate = TG_FATE_SUSPENDED,
                                 .reason = TG_E_NOT_FOUND};
    if (is_rated) {
        *charge = (struct tg_charge){.amount = (int64_t)(billed / 1000 * 2000000),
                                     .billed_units = billed,
                                     .units_before = (bits >> 12) % 1000000 * 1000,
                                     .subscriber = subscriber,
                                     .price_id = 1,
                                     .catalog_version = 1,
                                     .currency = 978,
                                     .fate = TG_FATE_RATED,
                                     .node_state = TG_NODE_UP,
                                     .pieces_count = 1};
        bench->amount += charge->amount;
        bench->units += octets;
    }
}

/* Writes the journal; the figure is of the journal's calls and its writer, not of making rows. */
static enum tg_err journal_make(struct bench *bench, struct tg_bench_figure *figure,
                                struct tg_why *why)
{
    static struct tg_usage rows[BATCH_ROWS];
    static struct tg_charge charges[BATCH_ROWS];
    const struct tg_journal_params params = {
        .size_bytes = sizeof params, .streams_count = 1, .dir = bench->dir};
    struct tg_journal *journal = NULL;
    struct tg_block *block = NULL;
    uint64_t random = 42;
    int64_t made_ns = 0;
    enum tg_err err = tg_journal_open(&params, &journal, why);
    uint64_t epoch = err == TG_OK ? tg_journal_next_epoch(journal) : 0;
    const int64_t from_ns = tg_bench_process_cpu_ns();
    for (uint64_t done = 0; err == TG_OK && done < bench->rows_count; done += BATCH_ROWS) {
        const int64_t before_ns = tg_clock_thread_cpu_ns();
        for (uint32_t i = 0; i < BATCH_ROWS; i++) {
            row_make(bench, done + i, &random, &rows[i], &charges[i]);
        }
        made_ns += tg_clock_thread_cpu_ns() - before_ns;
        block = block != NULL ? block : tg_journal_begin(journal, 0);
        if (block == NULL) {
            break;
        }
        (void)tg_block_rows(block, rows, charges, BATCH_ROWS);
        if (tg_block_rows_count(block) == EPOCH_ROWS || done + BATCH_ROWS == bench->rows_count) {
            tg_journal_submit(journal, block, epoch++);
            block = NULL;
        }
    }
    if (err == TG_OK && (err = tg_journal_wait(journal, epoch - 1)) != TG_OK) {
        (void)tg_journal_error(journal, why);
    }
    tg_bench_round(figure, tg_bench_process_cpu_ns() - from_ns - made_ns, bench->rows_count);
    if (journal != NULL) {
        struct tg_journal_counters counters;
        tg_journal_counters(journal, &counters);
        bench->stored_bytes = counters.stored_bytes;
    }
    const enum tg_err closed = tg_journal_close(journal);
    return err == TG_OK ? closed : err;
}

static enum tg_err two_fold(void *context, const struct tg_scan_view *view)
{
    struct bench *bench = context;
    for (uint32_t i = 0; i < view->rows_count; i++) {
        bench->seen_amount += view->fate[i] == TG_FATE_RATED ? view->amount[i] : 0;
    }
    bench->seen_count += view->rows_count;
    return TG_OK;
}

static enum tg_err bill_fold(void *context, const struct tg_scan_view *view)
{
    struct bench *bench = context;
    for (uint32_t i = 0; i < view->rows_count; i++) {
        if (view->fate[i] == TG_FATE_RATED && view->catalog_version[i] != 0 &&
            view->start_ns[i] >= FIRST_START_NS && view->service[i] == TG_SERVICE_DATA) {
            struct account *account = &bench->accounts[view->subscriber[i]];
            account->amount += view->amount[i];
            account->units += view->quantity_up[i] + view->quantity_down[i];
        }
    }
    bench->seen_count += view->rows_count;
    return TG_OK;
}

static enum tg_err struct_fold(void *context, const struct tg_scan_view *view)
{
    struct bench *bench = context;
    for (uint32_t i = 0; i < view->rows_count; i++) {
        if (view->charges[i].fate == TG_FATE_RATED) {
            bench->seen_amount += view->charges[i].amount;
            bench->seen_units += tg_usage_units(&view->usage[i]);
        }
    }
    bench->seen_count += view->rows_count;
    return TG_OK;
}

static const struct line {
    const char *name;
    const char *note;
    uint64_t columns;
    bool wants_structs;
    bool has_units;
    tg_scan_fold_fn fold;
} lines[] = {{"scan two columns", "fate, amount: one sum",
              TG_COLUMN_BIT(fate) | TG_COLUMN_BIT(amount), false, false, two_fold},
             {"scan bill columns", "16 columns, 1 random line a row: sums a subscriber",
              BILL_COLUMNS, false, true, bill_fold},
             {"scan rows", "all words, as structs", 0, true, true, struct_fold}};
#define LINES_COUNT (sizeof lines / sizeof lines[0])

static enum tg_err line_run(struct bench *bench, const struct line *line,
                            struct tg_bench_figure *figure, struct tg_why *why)
{
    const struct tg_scan_params params = {.size_bytes = sizeof params,
                                          .dir = bench->dir,
                                          .columns = line->columns,
                                          .wants_structs = line->wants_structs};
    struct tg_scan *scan = NULL;
    memset(bench->accounts, 0, bench->accounts_bytes);
    bench->seen_amount = 0;
    bench->seen_units = 0;
    bench->seen_count = 0;
    const int64_t from_ns = tg_clock_thread_cpu_ns();
    enum tg_err err = tg_scan_open(&params, &scan, why);
    err = err == TG_OK ? tg_scan_fold(scan, line->fold, bench, why) : err;
    tg_bench_round(figure, tg_clock_thread_cpu_ns() - from_ns, bench->rows_count);
    tg_scan_close(scan);
    for (uint32_t i = 0; i < bench->extra->subscribers_count; i++) {
        bench->seen_amount += bench->accounts[i].amount;
        bench->seen_units += bench->accounts[i].units;
    }
    figure->is_void = figure->is_void || bench->seen_count != bench->rows_count ||
                      bench->seen_amount != bench->amount ||
                      (line->has_units && bench->seen_units != bench->units);
    return err;
}

static bool figures_print(struct bench *bench, struct tg_bench_figure *figures)
{
    const struct tg_bench_options options = {.is_csv = bench->extra->is_csv};
    bool is_void = false;
    tg_bench_print_head(&options, stdout);
    for (size_t i = 0; i <= LINES_COUNT; i++) {
        tg_bench_close(&figures[i]);
        tg_bench_print(&options, &figures[i], stdout);
        is_void = is_void || figures[i].is_void;
    }
    if (!options.is_csv) {
        (void)printf("  %" PRIu64 ".%" PRIu64 " octets a row in the journal\n",
                     bench->stored_bytes / bench->rows_count,
                     bench->stored_bytes * 10 / bench->rows_count % 10);
    }
    return is_void;
}

enum tg_err tg_bench_scan(const struct tg_bench_extra *extra, struct tg_why *why)
{
    static struct bench bench;
    static struct tg_bench_figure figures[LINES_COUNT + 1];
    memset(figures, 0, sizeof figures);
    bench = (struct bench){.extra = extra,
                           .rows_count = (extra->rows_count + BATCH_ROWS - 1) / BATCH_ROWS *
                                         (uint64_t)BATCH_ROWS};
    bench.accounts_bytes = extra->subscribers_count * sizeof *bench.accounts;
    bench.accounts = tg_pages_take(bench.accounts_bytes);
    (void)snprintf(bench.dir, sizeof bench.dir, "%s/tollgate-bench-XXXXXX", extra->dir);
    if (bench.accounts == NULL || mkdtemp(bench.dir) == NULL) {
        tg_pages_free(bench.accounts, bench.accounts_bytes);
        return tg_why_set(why, TG_E_IO, "cannot make a folder in %s", extra->dir);
    }
    figures[0].name = "journal write";
    figures[0].note = "128 octets in; columns, planes, CRC, write, fdatasync";
    enum tg_err err = journal_make(&bench, &figures[0], why);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < LINES_COUNT && err == TG_OK; i++) {
            figures[i + 1].name = lines[i].name;
            figures[i + 1].note = lines[i].note;
            err = line_run(&bench, &lines[i], &figures[i + 1], why);
        }
    }
    if (err == TG_OK && figures_print(&bench, figures)) {
        err = tg_why_set(why, TG_E_CORRUPT, "a scan gave other sums than were written");
    }
    tg_rig_remove(bench.dir);
    tg_pages_free(bench.accounts, bench.accounts_bytes);
    return err;
}
