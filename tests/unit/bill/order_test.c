/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that came late, brought into the order of their events, and rows that are backed out: over
 * random usage of plans with tiers, packages, lists of allowances, pools and limits. */
#include "bill/replay_order.h"
#include "bill/rerate.h"

#include "abi/key.h"
#include "base/clock.h"
#include "catalog/catalog.h"
#include "doc/diag.h"
#include "ledger/scan.h"
#include "rate/rate.h"
#include "rate/shelf_note.h"
#include "store/file.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 400u
#define PEOPLE   4u

void bill_journal_write(const char *dir, const struct tg_usage *rows,
                        const struct tg_charge *charges, uint32_t count);

static const char catalog_text[] =
    "catalog: {version: 1, valid_from: 2026-01-01, currency: EUR}\n"
    "decks:\n"
    "  numbers: {prefixes: {\"49\": land, \"33\": abroad, \"*\": rest}}\n"
    "counters:\n"
    "  shared: {period: cycle, scope: account}\n"
    "prices:\n"
    "  land: {unit: second, tariff: graduated, tiers: [{up_to: 600, price: \"0.05\"},\n"
    "         {up_to: 1500, price: \"0.02\"}, {price: \"0.01\"}]}\n"
    "  abroad: {unit: minute, first: 1, next: 1, connect: \"0.11\", counter: shared,\n"
    "           tariff: volume, tiers: [{up_to: 20, price: \"0.29\"}, {price: \"0.19\"}],\n"
    "           spend_limit: shock}\n"
    "  rest: {unit: second, price: \"0.01\", spend_limit: shock}\n"
    "  data: {unit: megabyte, tariff: volume, tiers: [{up_to: 50, price: \"0.10\"},\n"
    "         {price: \"0.04\"}]}\n"
    "  short: {unit: event, tariff: package, tiers: [{price: \"1\", per: 10}]}\n"
    "spend_limits:\n"
    "  shock: {maximum: \"9\"}\n"
    "allowances:\n"
    "  own: {unit: minute, amount: 7, services: [voice], zones: [land], priority: 1}\n"
    "  pool: {unit: minute, amount: 30, services: [voice], scope: account, member_cap: 20}\n"
    "  mb: {unit: megabyte, amount: 20, services: [data], period: cycle}\n"
    "plans:\n"
    "  both:\n"
    "    voice: {deck: numbers, allowances: [own, pool],\n"
    "            prices: {land: land, abroad: abroad, rest: rest}}\n"
    "    data: {price: data, allowances: [mb]}\n"
    "    message: {price: short}\n"
    "  line:\n"
    "    voice: {deck: numbers, prices: {\"*\": land}}\n"
    "    message: {price: short}\n"
    "    data: {price: data}\n"
    "products:\n"
    "  family: {plan: both}\n"
    "  single: {plan: line}\n";

struct world {
    char dir[64];
    char folder[96];
    struct tg_catalog_snapshot *catalog;
    struct tg_rate *rate; /* The engine's. */
    uint64_t seed;
    uint32_t rows_count;
    uint32_t journaled_count;
    struct tg_usage rows[ROWS_MAX]; /* In order of arrival. */
    struct tg_charge charges[ROWS_MAX];
    struct tg_charge wanted[ROWS_MAX]; /* As if they had come in order. */
    bool is_out[ROWS_MAX];
};
static struct world w;

static void file_write(const char *name, const char *text)
{
    char path[160];
    (void)snprintf(path, sizeof path, "%s/%s", w.folder, name);
    FILE *file = fopen(path, "we");
    cr_assert_not_null(file);
    (void)fputs(text, file);
    (void)fclose(file);
}

static struct tg_rate *rate_make(void)
{
    const struct tg_rate_params params = {.subscribers_count_max = PEOPLE};
    struct tg_rate *rate = NULL;
    cr_assert_eq(tg_rate_create(&params, &rate, NULL), TG_OK);
    return rate;
}

static void world_open(uint64_t seed)
{
    memset(&w, 0, sizeof w);
    w.seed = seed;
    (void)snprintf(w.dir, sizeof w.dir, "/tmp/tg_bill_order_XXXXXX");
    cr_assert_not_null(mkdtemp(w.dir));
    (void)snprintf(w.folder, sizeof w.folder, "%s/folder", w.dir);
    char command[128];
    (void)snprintf(command, sizeof command, "mkdir '%s'", w.folder);
    cr_assert_eq(system(command), 0);
    file_write("catalog.yaml", catalog_text);
    file_write("accounts.csv", "id,cycle_day\nA1,1\nA2,12\nA3,1\n");
    file_write("subscribers.csv", "id,account,product\nS1,A1,family\nS2,A1,family\nS3,A2,family\n"
                                  "S4,A3,single\n");
    struct tg_diag *diag = tg_diag_open();
    struct tg_why why = {.text = ""};
    const enum tg_err err = tg_catalog_import(w.folder, w.dir, 0, diag, NULL, &why);
    cr_assert_eq(err, TG_OK, "%s", why.text);
    tg_diag_close(diag);
    cr_assert_eq(tg_catalog_open(w.dir, &w.catalog, &why), TG_OK, "%s", why.text);
    w.rate = rate_make();
}

static void world_close(void)
{
    tg_rate_destroy(w.rate);
    tg_catalog_close(w.catalog);
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", w.dir);
    cr_assert_eq(system(command), 0);
}

static uint32_t any(uint32_t below)
{
    w.seed = w.seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(w.seed >> 33) % below;
}

static int64_t at_ns(const char *text)
{
    int64_t time_ns = 0;
    cr_assert_eq(tg_clock_parse(text, strlen(text), &time_ns), TG_OK);
    return time_ns;
}

/* A row of any time of two weeks, rated as it comes. */
static void row_add(void)
{
    static const char *const numbers[] = {"49301234567", "33123456789", "393331234567"};
    const uint32_t i = w.rows_count++;
    uint64_t peer = 0;
    cr_assert_lt(i, ROWS_MAX);
    const char *number = numbers[any(3)];
    cr_assert(tg_digits_pack(number, strlen(number), &peer));
    struct tg_usage *row = &w.rows[i];
    *row = (struct tg_usage){.start_ns = at_ns("2026-10-13") + any(14 * 24 * 60) * 60 * TG_NS_PER_S,
                             .record_key = UINT64_C(0x1000) + i,
                             .sequence = i,
                             .source_id = (uint16_t)(1 + any(2)),
                             .node_id = (uint16_t)(1 + any(4)),
                             .service = TG_SERVICE_VOICE};
    switch (any(4)) {
    case 0:
        row->service = TG_SERVICE_DATA;
        row->quantity_up = UINT64_C(1000) * any(9000);
        break;
    case 1:
        row->service = TG_SERVICE_MESSAGE;
        row->quantity_up = 1 + any(4);
        break;
    default:
        row->duration_ms = 1000 * (1 + any(240));
        row->peer_key = peer;
        row->key_kinds = tg_key_kinds(TG_KEY_NONE, TG_KEY_E164);
    }
    w.charges[i] = (struct tg_charge){.subscriber = any(PEOPLE)};
    tg_rate_run(w.rate, w.catalog, row, &w.charges[i], 1);
    cr_assert_eq(w.charges[i].fate, TG_FATE_RATED, "%s", tg_err_name(w.charges[i].reason));
}

static void rows_add(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        row_add();
    }
    bill_journal_write(w.dir, &w.rows[w.journaled_count], &w.charges[w.journaled_count], count);
    w.journaled_count += count;
}

static int event_compare(const void *a, const void *b)
{
    return tg_replay_event_compare(&w.rows[*(const uint32_t *)a], &w.rows[*(const uint32_t *)b]);
}

/* All rows that count from nothing, in the order of their events; the caller destroys it. */
static struct tg_rate *rate_in_order(void)
{
    struct tg_rate *rate = rate_make();
    uint32_t order[ROWS_MAX];
    for (uint32_t i = 0; i < w.rows_count; i++) {
        order[i] = i;
    }
    qsort(order, w.rows_count, sizeof order[0], event_compare);
    for (uint32_t i = 0; i < w.rows_count; i++) {
        struct tg_charge *charge = &w.wanted[order[i]];
        *charge = (struct tg_charge){.subscriber = w.charges[order[i]].subscriber};
        if (!w.is_out[order[i]]) {
            tg_rate_run(rate, w.catalog, &w.rows[order[i]], charge, 1);
            cr_assert_eq(charge->fate, TG_FATE_RATED, "%s", tg_err_name(charge->reason));
        }
    }
    return rate;
}

static enum tg_err block_recover(void *context, const struct tg_scan_view *view)
{
    struct tg_rate *rate = context;
    struct tg_scan_position at = {0};
    struct tg_scan_note note;
    cr_assert_eq(tg_rate_apply(rate, w.catalog, view->usage, view->charges, view->rows_count),
                 TG_OK);
    while (tg_scan_note_next(view, &at, &note, NULL) == TG_OK) {
        if (strncmp(note.key, TG_SHELF_NOTE, strlen(TG_SHELF_NOTE)) == 0) {
            cr_assert_eq(tg_shelf_note_apply(tg_rate_accounts(rate), note.key, note.bytes,
                                             note.length_bytes),
                         TG_OK);
        }
    }
    return TG_OK;
}

/* What a restart makes of the journal. */
static struct tg_rate *rate_recover(void)
{
    struct tg_rate *rate = rate_make();
    struct tg_scan *scan = NULL;
    const struct tg_scan_params params = {
        .size_bytes = sizeof params, .dir = w.dir, .wants_structs = true};
    cr_assert_eq(tg_scan_open(&params, &scan, NULL), TG_OK);
    cr_assert_eq(tg_scan_fold(scan, block_recover, rate, NULL), TG_OK);
    tg_scan_close(scan);
    return rate;
}

static struct tg_rerate_params params_of(bool by_event, bool backs_out)
{
    return (struct tg_rerate_params){
        .size_bytes = sizeof(struct tg_rerate_params),
        .by_event = by_event,
        .backs_out = backs_out,
        .data_dir = w.dir,
        .catalog = w.catalog,
        .threads_count = 1 + any(3),
        .selector = {.from_ns = INT64_MIN, .to_ns = INT64_MAX, .source_id = -1}};
}

/* Posts it and says how many rows and shelves changed. */
static uint32_t post(const struct tg_rerate_params *params)
{
    struct tg_rerate *rerate = NULL;
    struct tg_data_lock lock;
    uint64_t epoch = 0;
    struct tg_why why = {.text = ""};
    cr_assert_eq(tg_data_lock(w.dir, &lock, &why), TG_OK, "%s", why.text);
    cr_assert_eq(tg_rerate_open(params, &rerate, &why), TG_OK, "%s", why.text);
    cr_assert_eq(tg_rerate_post(rerate, w.dir, 1, &epoch, &why), TG_OK, "%s", why.text);
    const uint32_t count = rerate->changes_count + rerate->shelves_count + rerate->orders_count;
    cr_expect_eq(rerate->refused_count, 0);
    cr_expect_eq(epoch != 0, count != 0);
    tg_rerate_close(rerate);
    tg_data_unlock(&lock);
    return count;
}

static uint64_t base_of(const struct tg_charge *charge, uint64_t units)
{
    return units * tg_unit_base_count(charge->unit);
}

/* Rows stand where they were wanted, and a restart finds the counters that go with it. */
static void world_expect(const char *what)
{
    struct tg_adjust_index *index = NULL;
    cr_assert_eq(tg_adjust_index_open(w.dir, 0, &index, NULL), TG_OK);
    for (uint32_t i = 0; i < w.rows_count; i++) {
        struct tg_charge stands;
        (void)tg_adjust_apply(index, &w.rows[i], &w.charges[i], &stands);
        const struct tg_charge *wanted = &w.wanted[i];
        cr_assert_eq(stands.amount, wanted->amount, "%s: row %u is %lld instead of %lld", what, i,
                     (long long)stands.amount, (long long)wanted->amount);
        cr_assert_eq(base_of(&stands, stands.billed_units), base_of(wanted, wanted->billed_units));
        cr_assert_eq(base_of(&stands, stands.allowance_units),
                     base_of(wanted, wanted->allowance_units), "%s: row %u", what, i);
    }
    tg_adjust_index_close(index);
}

static void shelves_expect(struct tg_rate *wanted, const char *what)
{
    struct tg_rate *restarted = rate_recover();
    for (uint32_t i = 0; i < PEOPLE * 2; i++) {
        struct tg_shelf one = *tg_accounts_shelf(tg_rate_accounts(restarted), i % 2, i / 2);
        struct tg_shelf other = *tg_accounts_shelf(tg_rate_accounts(wanted), i % 2, i / 2);
        tg_shelf_sort(&one);
        tg_shelf_sort(&other);
        cr_expect(memcmp(&one, &other, sizeof one) == 0, "%s: shelf %u is another one", what, i);
        const uint32_t period = tg_account_period(at_ns("2026-10-13"));
        const struct tg_account_line *line =
            tg_accounts_peek(tg_rate_accounts(restarted), i / 2, period);
        const struct tg_account_line *like =
            tg_accounts_peek(tg_rate_accounts(wanted), i / 2, period);
        cr_assert((line == NULL) == (like == NULL));
        cr_expect(line == NULL || tg_account_line_equal(line, like), "%s: line %u", what, i);
    }
    tg_rate_destroy(restarted);
}

static void in_order_expect(const char *what)
{
    struct tg_rate *wanted = rate_in_order();
    world_expect(what);
    shelves_expect(wanted, what);
    tg_rate_destroy(wanted);
}

/* Else a late row costs what the tier or allowance left that it happened to find, and the invoice
 * depends on which file was read first. */
Test(order, rows_cost_what_they_would_have_cost_in_order, .timeout = 600)
{
    for (uint64_t seed = 1; seed <= 12; seed++) {
        world_open(seed);
        rows_add(120);
        const struct tg_rerate_params plain = params_of(false, false);
        const struct tg_rerate_params by_event = params_of(true, false);
        cr_expect_eq(post(&plain), 0, "nothing to correct in the order of arrival");
        cr_expect_gt(post(&by_event), 0);
        in_order_expect("once");
        cr_expect_eq(post(&by_event), 0, "posted once");
        cr_expect_eq(post(&plain), 0, "and it is where the rows stand");
        /* A restart, and more rows, of which most are late. */
        tg_rate_destroy(w.rate);
        w.rate = rate_recover();
        rows_add(80);
        cr_expect_eq(post(&plain), 0, "rows behind it are as they came");
        cr_expect_gt(post(&by_event), 0);
        in_order_expect("twice");
        cr_expect_eq(post(&by_event) + post(&plain), 0);
        world_close();
    }
}

/* Else a range of days that is put in order cannot be replayed, or all of the history must be. */
Test(order, a_range_of_days_is_put_in_order, .timeout = 600)
{
    for (uint64_t seed = 21; seed <= 28; seed++) {
        world_open(seed);
        rows_add(100);
        const struct tg_rerate_params plain = params_of(false, false);
        struct tg_rerate_params range = params_of(true, false);
        range.selector.from_ns = at_ns("2026-10-17") + any(24) * TG_NS_PER_HOUR;
        range.selector.to_ns = range.selector.from_ns + (1 + (int64_t)any(72)) * TG_NS_PER_HOUR;
        (void)post(&range);
        cr_expect_eq(post(&range) + post(&plain), 0, "seed %llu", (unsigned long long)seed);
        tg_rate_destroy(w.rate);
        w.rate = rate_recover();
        rows_add(40);
        cr_expect_eq(post(&plain), 0, "rows behind it");
        range.selector.from_ns -= TG_NS_PER_DAY;
        (void)post(&range);
        cr_expect_eq(post(&range) + post(&plain), 0, "again");
        const struct tg_rerate_params by_event = params_of(true, false);
        (void)post(&by_event);
        in_order_expect("all of it behind two ranges");
        world_close();
    }
}

static uint64_t shelves_used(struct tg_rate *rate, uint8_t kind)
{
    uint64_t used = 0;
    for (uint32_t i = 0; i < PEOPLE * 2; i++) {
        const struct tg_shelf *shelf = tg_accounts_shelf(tg_rate_accounts(rate), i % 2, i / 2);
        for (uint32_t b = 0; b < TG_BUCKETS_MAX; b++) {
            const struct tg_bucket *bucket = &shelf->buckets[b];
            used += bucket->kind == kind ? bucket->used_base + bucket->used_before_base : 0;
        }
    }
    return used;
}

/* Marks what node 2 reported as backed out; says what it drew from lists of allowances. */
static uint64_t node_back_out(void)
{
    uint64_t drawn = 0;
    struct tg_adjust_index *index = NULL;
    cr_assert_eq(tg_adjust_index_open(w.dir, 0, &index, NULL), TG_OK);
    for (uint32_t i = 0; i < w.rows_count; i++) {
        struct tg_charge *wanted = &w.wanted[i];
        (void)tg_adjust_apply(index, &w.rows[i], &w.charges[i], wanted);
        w.is_out[i] = w.rows[i].node_id == 2;
        if (w.is_out[i]) {
            drawn += base_of(wanted, wanted->allowance_units);
            wanted->amount = 0;
            wanted->billed_units = 0;
            wanted->allowance_units = 0;
        }
    }
    tg_adjust_index_close(index);
    return drawn;
}

/* Else a file that should never have been read stays on the bills, or its calls have used up
 * minutes that nobody gives back. */
Test(order, rows_are_backed_out_and_stay_out, .timeout = 600)
{
    for (uint64_t seed = 41; seed <= 52; seed++) {
        world_open(seed);
        rows_add(120);
        const struct tg_rerate_params plain = params_of(false, false);
        struct tg_rerate_params by_event = params_of(true, false);
        if (seed % 2 == 0) {
            (void)post(&by_event);
        }
        struct tg_rate *before = rate_recover();
        struct tg_rerate_params back_out = params_of(false, true);
        back_out.selector.node_id = 2;
        const uint64_t drawn = node_back_out();
        cr_expect_gt(post(&back_out), 0);
        world_expect("backed out");
        struct tg_rate *after = rate_recover();
        cr_expect_eq(shelves_used(before, TG_BUCKET_OWN) + shelves_used(before, TG_BUCKET_POOL),
                     shelves_used(after, TG_BUCKET_OWN) + shelves_used(after, TG_BUCKET_POOL) +
                         drawn);
        cr_expect_eq(post(&back_out), 0, "once");
        struct tg_rerate_params nothing = params_of(false, false);
        nothing.selector.source_id = 9;
        cr_expect_eq(post(&nothing), 0, "as they stand, rows lead to the shelves that were posted");
        tg_rate_destroy(before);
        tg_rate_destroy(w.rate);
        w.rate = after;
        rows_add(60);
        cr_expect_eq(post(&nothing), 0, "also with rows behind it");
        for (uint32_t i = 120; i < 180; i++) { /* those behind it are not backed out */
            w.is_out[i] = false;
        }
        (void)post(&plain);
        cr_expect_eq(post(&plain), 0, "rows behind them, priced with what is left now");
        (void)post(&by_event);
        in_order_expect("in order, without those that were backed out");
        world_close();
    }
}

/* Else a disk that fills up on the way leaves half of a correction: money without its minutes. */
Test(order, a_posting_that_fails_leaves_nothing, .timeout = 600)
{
    world_open(77);
    rows_add(150);
    const struct tg_rerate_params by_event = params_of(true, false);
    struct tg_rerate *rerate = NULL;
    cr_assert_eq(tg_rerate_open(&by_event, &rerate, NULL), TG_OK);
    const uint32_t changes_count = rerate->changes_count;
    cr_assert_gt(changes_count, 10);
    static struct tg_usage rows[ROWS_MAX];
    static struct tg_charge charges[ROWS_MAX];
    for (uint32_t i = 0; i < changes_count; i++) {
        rows[i] = rerate->changes[i].row;
        charges[i] = rerate->changes[i].charge;
    }
    struct tg_adjust_posting posting = {.rows = rows,
                                        .charges = charges,
                                        .shelves = rerate->shelves,
                                        .orders = rerate->orders,
                                        .count = changes_count,
                                        .shelves_count = rerate->shelves_count,
                                        .orders_count = rerate->orders_count,
                                        .journal_ns = 1};
    struct tg_rate *before = rate_recover();
    uint32_t failed_count = 0;
    bool is_in = false;
    for (uint32_t nth = 1; nth < 60 && !is_in; nth++) {
        struct tg_file_faults faults;
        tg_file_faults_init(&faults, TG_FILE_FAULT_ALL, nth, true, ENOSPC);
        faults.is_torn = nth % 2 == 0;
        uint64_t epoch = 0;
        posting.ops = &faults.ops;
        const enum tg_err err = tg_adjust_post(w.dir, &posting, &epoch, NULL);
        is_in = err == TG_OK;
        cr_expect_eq(epoch != 0, is_in);
        failed_count += faults.failed_count > 0;
        struct tg_rerate *again = NULL;
        cr_assert_eq(tg_rerate_open(&by_event, &again, NULL), TG_OK);
        const bool has_all = again->changes_count == 0 && again->shelves_count == 0;
        cr_expect(has_all || again->changes_count == changes_count, "half of it is in");
        cr_expect(!is_in || has_all);
        /* What is durable though the call failed is in, and whole. */
        is_in = has_all;
        if (!is_in) {
            shelves_expect(before, "nothing is in");
        }
        tg_rerate_close(again);
    }
    cr_expect(is_in && failed_count > 2, "%u failures", failed_count);
    in_order_expect("in the end");
    tg_rate_destroy(before);
    tg_rerate_close(rerate);
    world_close();
}
