/* SPDX-License-Identifier: Apache-2.0 */
/* What a rerate leaves on shelves: posted beside its adjustments, found again from the journal, and
 * what the next rows meet. */
#include "bill/draws.h"

#include "abi/key.h"
#include "base/clock.h"
#include "bill/rerate.h"
#include "catalog/catalog.h"
#include "doc/diag.h"
#include "ledger/scan.h"
#include "rate/rate.h"
#include "rate/shelf_note.h"
#include "store/file.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 2000u
#define PEOPLE   6u
#define ACCOUNTS 3u

void bill_journal_write(const char *dir, const struct tg_usage *rows,
                        const struct tg_charge *charges, uint32_t count);

/* Lists of allowances, a pool with a cap and thresholds, a counter of weeks, carried remainders, a
 * limit of money. What each version has otherwise is filled in. */
static const char catalog_text[] =
    "catalog: {version: %u, valid_from: 2026-01-0%u, currency: EUR}\n"
    "taxes:\n"
    "  vat: {rate: 19%%}\n"
    "decks:\n"
    "  world: {prefixes: {\"49\": land, \"33\": far, \"1\": odd}}\n"
    "spend_limits:\n"
    "  cap: {period: cycle, scope: account, maximum: \"%s\", thresholds: [\"1.00\"]}\n"
    "prices:\n"
    "  land: {unit: second, price: \"%s\", per: 60, first: 60, next: 60}\n"
    "  far: {unit: second, first: 1, next: 1, counter: week,\n"
    "        tiers: [{up_to: 300, price: \"%s\"}, {price: \"0.01\"}], tariff: graduated}\n"
    "  odd: {unit: second, price: \"%s\", per: 60, decimals: 2, carry_remainder: true,\n"
    "        spend_limit: cap}\n"
    "allowances:\n"
    "  pool: {unit: minute, amount: %u, services: [voice], zones: [land], scope: account,\n"
    "         member_cap: 20, priority: 5, thresholds: [50, 100]}\n"
    "  own: {unit: minute, amount: 4, services: [voice], zones: [land], period: week,\n"
    "        priority: %u}\n"
    "plans:\n"
    "  all: {voice: {deck: world, allowances: [%s],\n"
    "                prices: {land: land, far: far, odd: odd}}}\n"
    "products:\n"
    "  one: {plan: all, tax: vat}\n";

struct version {
    const char *cap;
    const char *land;
    const char *far;
    const char *odd;
    unsigned minutes;
    unsigned priority; /* Of the own minutes; the pool has 5. */
    const char *list;
};

struct world {
    char dir[64];
    char folder[96];
    struct tg_catalog_snapshot *catalog;
    struct tg_rate *rate; /* The engine's state, as rows and journal made it. */
    uint64_t seed;
    uint32_t rows_count;
    uint32_t journaled_count;
    uint32_t versions_count;
    struct tg_usage rows[ROWS_MAX];
    struct tg_charge charges[ROWS_MAX];
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

static void catalog_import(const struct version *version)
{
    char text[4096];
    w.versions_count++;
    (void)snprintf(text, sizeof text, catalog_text, w.versions_count, w.versions_count,
                   version->cap, version->land, version->far, version->odd, version->minutes,
                   version->priority, version->list);
    file_write("catalog.yaml", text);
    struct tg_diag *diag = tg_diag_open();
    struct tg_why why = {.text = ""};
    const enum tg_err err = tg_catalog_import(w.folder, w.dir, 0, diag, NULL, &why);
    (void)tg_diag_print(diag, stderr);
    cr_assert_eq(err, TG_OK, "%s", why.text);
    tg_diag_close(diag);
    tg_catalog_close(w.catalog);
    cr_assert_eq(tg_catalog_open(w.dir, &w.catalog, &why), TG_OK, "%s", why.text);
}

static struct tg_rate *rate_make(void)
{
    const struct tg_rate_params params = {.subscribers_count_max = PEOPLE};
    struct tg_rate *rate = NULL;
    cr_assert_eq(tg_rate_create(&params, &rate, NULL), TG_OK);
    return rate;
}

static void world_open(const struct version *first)
{
    memset(&w, 0, sizeof w);
    w.seed = 11;
    (void)snprintf(w.dir, sizeof w.dir, "/tmp/tg_bill_draws_XXXXXX");
    cr_assert_not_null(mkdtemp(w.dir));
    (void)snprintf(w.folder, sizeof w.folder, "%s/folder", w.dir);
    char command[128];
    (void)snprintf(command, sizeof command, "mkdir '%s'", w.folder);
    cr_assert_eq(system(command), 0);
    file_write("accounts.csv", "id,cycle_day\nA1,1\nA2,20\nA3,31\n");
    file_write("subscribers.csv", "id,account,product,msisdn,active_from,active_to\n"
                                  "S1,A1,one,491,2026-01-01,\nS2,A1,one,492,2026-01-01,\n"
                                  "S3,A1,one,493,2026-01-01,\nS4,A2,one,494,2026-01-01,\n"
                                  "S5,A2,one,495,2026-01-01,\nS6,A3,one,496,2026-01-01,\n");
    catalog_import(first);
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

static uint32_t draw(uint32_t below)
{
    w.seed = w.seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(w.seed >> 33) % below;
}

/* Calls every twenty minutes, some of them hours late, rated by the engine and journaled. */
static void calls_rate(uint32_t count)
{
    static const char *const numbers[] = {"49301234567", "33123456", "1202555"};
    for (uint32_t n = 0; n < count; n++) {
        const uint32_t i = w.rows_count++;
        const char *number = numbers[draw(3)];
        uint64_t peer = 0;
        cr_assert_lt(i, ROWS_MAX);
        cr_assert(tg_digits_pack(number, (unsigned)strlen(number), &peer));
        const int64_t late_ns = draw(10) == 0 ? draw(40) * TG_NS_PER_HOUR : 0;
        w.rows[i] = (struct tg_usage){.start_ns = INT64_C(1790812800) * TG_NS_PER_S +
                                                  i * 20 * 60 * TG_NS_PER_S - late_ns,
                                      .peer_key = peer,
                                      .key_kinds = tg_key_kinds(TG_KEY_NONE, TG_KEY_E164),
                                      .duration_ms = 1000 * (1 + draw(200)),
                                      .record_key = UINT64_C(0x1000) + i,
                                      .sequence = i,
                                      .source_id = 1,
                                      .service = TG_SERVICE_VOICE};
        w.charges[i] = (struct tg_charge){.subscriber = draw(PEOPLE)};
        tg_rate_run(w.rate, w.catalog, &w.rows[i], &w.charges[i], 1);
        cr_assert_eq(w.charges[i].fate, TG_FATE_RATED, "%s", tg_err_name(w.charges[i].reason));
    }
    bill_journal_write(w.dir, w.rows + w.journaled_count, w.charges + w.journaled_count,
                       w.rows_count - w.journaled_count);
    w.journaled_count = w.rows_count;
}

/* The engine starts again: rows and notes of the journal, in its order. */
static void engine_recover(void)
{
    const struct tg_scan_params params = {
        .size_bytes = sizeof params, .dir = w.dir, .wants_structs = true};
    struct tg_scan *scan = NULL;
    struct tg_scan_view view;
    tg_rate_destroy(w.rate);
    w.rate = rate_make();
    cr_assert_eq(tg_scan_open(&params, &scan, NULL), TG_OK);
    while (tg_scan_next(scan, &view, NULL) == TG_OK) {
        struct tg_scan_position at = {0};
        struct tg_scan_note note;
        cr_assert_eq(tg_rate_apply(w.rate, w.catalog, view.usage, view.charges, view.rows_count),
                     TG_OK);
        while (tg_scan_note_next(&view, &at, &note, NULL) == TG_OK) {
            cr_assert_eq(tg_shelf_note_apply(tg_rate_accounts(w.rate), note.key, note.bytes,
                                             note.length_bytes),
                         TG_OK);
        }
    }
    tg_scan_close(scan);
}

static const struct tg_rerate_selector everything = {
    .from_ns = INT64_MIN, .to_ns = INT64_MAX, .source_id = -1};

static struct tg_rerate *rerate_with(const struct tg_rerate_selector *selector, uint32_t version,
                                     uint32_t threads_count)
{
    const struct tg_rerate_params params = {.size_bytes = sizeof params,
                                            .threads_count = threads_count,
                                            .data_dir = w.dir,
                                            .catalog = w.catalog,
                                            .candidate =
                                                tg_catalog_image_version(w.catalog, version),
                                            .selector = *selector};
    struct tg_rerate *rerate = NULL;
    struct tg_why why = {.text = ""};
    cr_assert_eq(tg_rerate_open(&params, &rerate, &why), TG_OK, "%s", why.text);
    return rerate;
}

/* With any number of threads the same is found; it is posted once. */
static void rerate_post(const struct tg_rerate_selector *selector, uint32_t version,
                        const char *what)
{
    struct tg_rerate *rerate = rerate_with(selector, version, 1);
    struct tg_rerate *twin = rerate_with(selector, version, 3);
    struct tg_data_lock lock;
    uint64_t epoch = 0;
    struct tg_why why = {.text = ""};
    cr_expect_eq(twin->changes_count, rerate->changes_count, "%s", what);
    cr_expect_eq(twin->shelves_count, rerate->shelves_count, "%s", what);
    cr_expect(memcmp(twin->changes, rerate->changes,
                     rerate->changes_count * sizeof rerate->changes[0]) == 0,
              "%s: threads find other differences", what);
    cr_expect(memcmp(twin->shelves, rerate->shelves,
                     rerate->shelves_count * sizeof rerate->shelves[0]) == 0,
              "%s: threads find other shelves", what);
    cr_assert_eq(tg_data_lock(w.dir, &lock, &why), TG_OK, "%s", why.text);
    cr_assert_eq(tg_rerate_post(rerate, w.dir, 1, &epoch, &why), TG_OK, "%s", why.text);
    tg_data_unlock(&lock);
    tg_rerate_close(rerate);
    tg_rerate_close(twin);
}

static void nothing_is_left(uint32_t version, const char *what)
{
    struct tg_rerate *rerate = rerate_with(&everything, version, 2);
    cr_expect_eq(rerate->changes_count, 0, "%s: %u rows change again", what, rerate->changes_count);
    cr_expect_eq(rerate->shelves_count, 0, "%s: %u shelves change again", what,
                 rerate->shelves_count);
    tg_rerate_close(rerate);
}

/* Everything from nothing: rows before `from` with one version, the others with another. */
static struct tg_rate *rate_afresh(uint32_t before, uint32_t after, int64_t from_ns)
{
    struct tg_rate *rate = rate_make();
    for (uint32_t i = 0; i < w.rows_count; i++) {
        struct tg_catalog_snapshot one = {.images_count = 1, .roster = w.catalog->roster};
        one.images[0] =
            tg_catalog_image_version(w.catalog, w.rows[i].start_ns < from_ns ? before : after);
        one.valid_from_ns[0] = INT64_MIN;
        struct tg_charge charge = {.subscriber = w.charges[i].subscriber};
        tg_rate_run(rate, &one, &w.rows[i], &charge, 1);
        cr_assert_eq(charge.fate, TG_FATE_RATED);
    }
    return rate;
}

/* The same buckets, in whatever order they were first used. */
static bool shelves_are_same(struct tg_accounts *one, struct tg_accounts *two, bool is_pool,
                             uint32_t index)
{
    struct tg_shelf left = *tg_accounts_shelf(one, is_pool, index);
    struct tg_shelf right = *tg_accounts_shelf(two, is_pool, index);
    tg_shelf_sort(&left);
    tg_shelf_sort(&right);
    return memcmp(&left, &right, sizeof left) == 0;
}

static void states_compare(struct tg_rate *engine, struct tg_rate *afresh, const char *what)
{
    struct tg_accounts *one = tg_rate_accounts(engine);
    struct tg_accounts *two = tg_rate_accounts(afresh);
    for (uint32_t i = 0; i < PEOPLE; i++) {
        cr_expect(shelves_are_same(one, two, false, i), "%s: the shelf of subscriber %u", what, i);
        for (uint32_t month = 0; month < 2; month++) {
            cr_expect(tg_account_line_equal(tg_accounts_slot(one, i, month),
                                            tg_accounts_slot(two, i, month)),
                      "%s: the line of subscriber %u", what, i);
        }
    }
    for (uint32_t a = 0; a < ACCOUNTS; a++) {
        cr_expect(shelves_are_same(one, two, true, a), "%s: the pool of account %u", what, a);
    }
    tg_rate_destroy(afresh);
}

static const struct version first = {"5.00", "0.10", "0.02", "0.13", 60, 1, "own, pool"};

/* Otherwise a family that was rerated goes on with the minutes, remainders and limits of the wrong
 * catalog, and its month can never be corrected or explained again. */
Test(draws, rerated_shelves_are_those_of_rating_from_nothing, .timeout = 600)
{
    static const struct {
        const char *name;
        struct version version;
    } cases[] = {{"prices", {"5.00", "0.17", "0.03", "0.13", 60, 1, "own, pool"}},
                 {"less in the pool", {"5.00", "0.10", "0.02", "0.13", 21, 1, "own, pool"}},
                 {"another order", {"5.00", "0.10", "0.02", "0.13", 60, 9, "own, pool"}},
                 {"no pool", {"5.00", "0.10", "0.02", "0.13", 60, 1, "own"}},
                 {"another remainder", {"5.00", "0.10", "0.02", "0.1301", 60, 1, "own, pool"}},
                 {"a lower limit", {"1.50", "0.10", "0.02", "0.13", 60, 1, "own, pool"}},
                 {"all of it", {"1.50", "0.12", "0.04", "0.29", 10, 9, "own, pool"}}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *what = cases[i].name;
        world_open(&first);
        calls_rate(900);
        nothing_is_left(1, what);
        catalog_import(&cases[i].version);
        rerate_post(&everything, 2, what);
        engine_recover();
        states_compare(w.rate, rate_afresh(2, 2, 0), what);
        nothing_is_left(2, what);
        /* Rows go on: they meet what was posted, and all of it can be rated again. */
        calls_rate(300);
        engine_recover();
        states_compare(w.rate, rate_afresh(2, 2, 0), what);
        nothing_is_left(2, what);
        /* From the middle on back to the first version. */
        struct tg_rerate_selector late = everything;
        late.from_ns = w.rows[500].start_ns;
        rerate_post(&late, 1, what);
        engine_recover();
        states_compare(w.rate, rate_afresh(2, 1, late.from_ns), what);
        rerate_post(&everything, 1, what);
        engine_recover();
        states_compare(w.rate, rate_afresh(1, 1, 0), what);
        world_close();
    }
}

/* Otherwise money that does not change is journaled as a correction, or rows that draw from another
 * list now are replayed from the old one. */
Test(draws, a_row_that_only_draws_elsewhere_says_so, .timeout = 600)
{
    world_open(&first);
    calls_rate(60);
    const struct version order = {"5.00", "0.10", "0.02", "0.13", 60, 9, "own, pool"};
    catalog_import(&order);
    struct tg_rerate *rerate = rerate_with(&everything, 2, 1);
    cr_expect_gt(rerate->silent_count, 0);
    cr_expect_lt(rerate->silent_count, 60, "rows beside the lists say nothing");
    for (uint32_t i = 0; i < rerate->changes_count; i++) {
        const struct tg_charge *charge = &rerate->changes[i].charge;
        cr_expect_eq(rerate->changes[i].is_silent, charge->amount == 0 &&
                                                       charge->billed_units == 0 &&
                                                       charge->allowance_units == 0);
    }
    tg_rerate_close(rerate);
    world_close();
}
