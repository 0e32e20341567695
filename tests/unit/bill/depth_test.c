/* SPDX-License-Identifier: Apache-2.0 */
/* Billing in depth, over a real catalog and the real rate stage: YAML -> charges -> journal ->
 * bills. */
#include "base/clock.h"
#include "bill/adjust.h"
#include "bill/bill.h"
#include "bill/charge_list.h"
#include "bill/close.h"
#include "bill/cycle.h"
#include "bill/explain.h"
#include "bill/note.h"
#include "bill/rerate.h"
#include "bill/whatif.h"
#include "catalog/catalog.h"
#include "doc/diag.h"
#include "rate/rate.h"
#include "store/documents.h"
#include "store/file.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 4000u
#define PEOPLE   7u

void bill_journal_write(const char *dir, const struct tg_usage *rows,
                        const struct tg_charge *charges, uint32_t count);

static const char catalog_text[] =
    "catalog: {version: %u, valid_from: %s, currency: EUR}\n"
    "taxes:\n"
    "  vat: {rate: 19%%}\n"
    "  each: {rate: 19%%, mode: line}\n"
    "  call: {rate: 19%%, mode: charge}\n"
    "prices:\n"
    "  voice: {unit: second, price: \"%s\", per: 60, first: 60, next: 60}\n"
    "allowances:\n"
    "  minutes: {unit: minute, amount: %u, services: [voice]}\n"
    "plans:\n"
    "  some: {voice: {price: voice, allowance: minutes}}\n"
    "  plain: {voice: {price: voice}}\n"
    "products:\n"
    "  base: {plan: some, fee: \"10.00\", tax: vat}\n"
    "  pro: {plan: some, fee: \"31.00\", tax: vat}\n"
    "  cheap: {plan: plain, fee: \"5.00\", tax: each, discount: 10%%, discount_amount: \"1.00\"}\n"
    "  commit: {plan: plain, tax: call, minimum: \"8.00\"}\n"
    "  gone: {plan: plain, tax: vat, late_usage: write_off}\n";
static const char accounts_text[] = "id,cycle_day\nA1,1\nA2,15\nA3,1\nA4,1\nA5,1\nA6,31\n";
static const char subscribers_text[] = "id,account,product,msisdn,active_from,active_to\n"
                                       "S1,A1,base,491,2026-01-01,\n"
                                       "S2,A2,base,492,2026-01-01,\n"
                                       "S3,A3,cheap,493,2026-01-01,\n"
                                       "S4,A4,commit,494,2026-01-01,\n"
                                       "S5a,A5,base,495,2026-01-01,2026-10-16\n"
                                       "S5b,A5,pro,495,2026-10-16,\n"
                                       "S6,A6,base,496,2026-01-01,\n";

struct world {
    char dir[64];
    char folder[96];
    struct tg_catalog_snapshot *catalog;
    struct tg_db *state;
    struct tg_rate *rate;
    uint32_t rows_count;
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

static void catalog_import(unsigned version, const char *valid_from, const char *price,
                           unsigned minutes)
{
    char text[4096];
    (void)snprintf(text, sizeof text, catalog_text, version, valid_from, price, minutes);
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

static int64_t at_ns(const char *text)
{
    int64_t time_ns = 0;
    cr_assert_eq(tg_clock_parse(text, strlen(text), &time_ns), TG_OK);
    return time_ns;
}

static void world_open(void)
{
    memset(&w, 0, sizeof w);
    (void)snprintf(w.dir, sizeof w.dir, "/tmp/tg_bill_depth_XXXXXX");
    cr_assert_not_null(mkdtemp(w.dir));
    (void)snprintf(w.folder, sizeof w.folder, "%s/folder", w.dir);
    char command[128];
    (void)snprintf(command, sizeof command, "mkdir '%s'", w.folder);
    cr_assert_eq(system(command), 0);
    file_write("accounts.csv", accounts_text);
    file_write("subscribers.csv", subscribers_text);
    catalog_import(1, "2026-01-01", "0.10", 10);
    cr_assert_eq(tg_state_open(w.dir, false, UINT64_C(64) << 20, &w.state, NULL), TG_OK);
    const struct tg_rate_params params = {.subscribers_count_max = PEOPLE};
    cr_assert_eq(tg_rate_create(&params, &w.rate, NULL), TG_OK);
}

static void world_close(void)
{
    tg_rate_destroy(w.rate);
    tg_db_close(w.state);
    tg_catalog_close(w.catalog);
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", w.dir);
    cr_assert_eq(system(command), 0);
}

/* A call, rated now by the real stage; not journaled yet. */
static uint32_t call_add(uint32_t subscriber, int64_t start_ns, uint32_t seconds)
{
    const uint32_t i = w.rows_count++;
    cr_assert_lt(i, ROWS_MAX);
    w.rows[i] = (struct tg_usage){.start_ns = start_ns,
                                  .duration_ms = seconds * 1000,
                                  .record_key = UINT64_C(0x1000) + i,
                                  .sequence = i,
                                  .source_id = 1,
                                  .service = TG_SERVICE_VOICE};
    w.charges[i] = (struct tg_charge){.subscriber = subscriber};
    tg_rate_run(w.rate, w.catalog, &w.rows[i], &w.charges[i], 1);
    cr_assert_eq(w.charges[i].fate, TG_FATE_RATED, "%s", tg_err_name(w.charges[i].reason));
    return i;
}

static void journal_from(uint32_t first)
{
    bill_journal_write(w.dir, w.rows + first, w.charges + first, w.rows_count - first);
}

static uint64_t dice(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

struct sums {
    __int128 rows_amount; /* Of lines that are made of rows. */
    __int128 kinds[8];    /* By enum tg_bill_line_kind. */
    int64_t net;
    int64_t tax;
    uint64_t rows_count;
    uint64_t late_count;
    const char *account; /* Only this account counts; NULL all. */
};

static void invoice_sum(void *context, const struct tg_bill_invoice *invoice)
{
    struct sums *sums = context;
    if (sums->account != NULL && strcmp(sums->account, invoice->account_id) != 0) {
        return;
    }
    for (uint32_t i = 0; i < invoice->lines_count; i++) {
        const struct tg_bill_line *line = &invoice->lines[i];
        sums->kinds[line->kind] += line->amount_exact;
        if (tg_bill_line_has_rows(line->kind)) {
            sums->rows_amount += line->amount_exact;
            sums->rows_count += line->rows_count;
            sums->late_count += line->kind == TG_BILL_LINE_LATE ? line->rows_count : 0;
        }
    }
    sums->net += invoice->net_total;
    sums->tax += invoice->tax_total;
}

static struct tg_bill_stats account_bill(const char *account, const char *period, bool issues,
                                         struct sums *sums)
{
    struct tg_bill_params params = {.size_bytes = sizeof params,
                                    .data_dir = w.dir,
                                    .state = w.state,
                                    .catalog = w.catalog,
                                    .account_filter = account,
                                    .issues = issues,
                                    .follows_cycle_days = true,
                                    .visit = invoice_sum,
                                    .visit_context = sums};
    cr_assert_eq(tg_bill_period_parse(period, &params.period_start_ns, &params.period_end_ns),
                 TG_OK);
    params.issued_ns = params.period_end_ns;
    struct tg_bill_stats stats;
    struct tg_why why = {.text = ""};
    cr_assert_eq(tg_bill_run(&params, &stats, &why), TG_OK, "%s", why.text);
    cr_expect_eq(stats.invoices_failed_count, 0);
    return stats;
}

static struct tg_bill_stats month_bill(const char *period, bool issues, struct sums *sums)
{
    return account_bill(NULL, period, issues, sums);
}

/* Otherwise usage that arrives after its bill is charged twice, or never. */
Test(depth, whatever_arrives_when_each_row_is_on_exactly_one_bill, .timeout = 600)
{
    static const char *const months[] = {"2026-09", "2026-10", "2026-11", "2026-12", "2027-01"};
    static const uint32_t who[] = {0, 1, 6};
    for (uint64_t round = 0; round < 4; round++) {
        world_open();
        uint64_t seed = round + 1;
        __int128 wanted = 0;
        struct sums sums = {.net = 0};
        const int64_t from_ns = at_ns("2026-09-01");
        for (uint32_t m = 0; m < 5; m++) {
            const uint32_t first = w.rows_count;
            for (uint32_t i = 0; i < 150; i++) {
                /* From two months back up to this one: later rows make older ones late. The rate
                 * stage keeps two months, so a line's first call fixes what it still takes. */
                const int64_t day = (int64_t)(m * 30 + dice(&seed) % 30) -
                                    (m > 0 ? (int64_t)(dice(&seed) % 28) : 0);
                const uint32_t one = w.rows_count++;
                w.rows[one] =
                    (struct tg_usage){.start_ns = from_ns + day * TG_NS_PER_DAY +
                                                  (int64_t)(dice(&seed) % 80000) * TG_NS_PER_S,
                                      .duration_ms = (uint32_t)(dice(&seed) % 900000),
                                      .record_key = one + 1,
                                      .source_id = 1,
                                      .service = TG_SERVICE_VOICE};
                w.charges[one] = (struct tg_charge){.subscriber = who[dice(&seed) % 3]};
                tg_rate_run(w.rate, w.catalog, &w.rows[one], &w.charges[one], 1);
                wanted += w.charges[one].fate == TG_FATE_RATED ? w.charges[one].amount : 0;
            }
            journal_from(first);
            (void)month_bill(months[m], true, &sums);
            struct sums again = {.net = 0};
            const struct tg_bill_stats stats = month_bill(months[m], true, &again);
            cr_expect_eq(stats.invoices_differ_count, 0);
            cr_expect_eq(stats.invoices_issued_count, 0);
        }
        /* Cycles of the 15th and the 31st close later: two more months bring in the rest. */
        (void)month_bill("2027-02", true, &sums);
        (void)month_bill("2027-03", true, &sums);
        uint64_t rated = 0;
        for (uint32_t i = 0; i < w.rows_count; i++) {
            rated += w.charges[i].fate == TG_FATE_RATED;
        }
        cr_expect_eq(sums.rows_count, rated, "round %llu: %llu of %llu rows",
                     (unsigned long long)round, (unsigned long long)sums.rows_count,
                     (unsigned long long)rated);
        cr_expect(sums.rows_amount == wanted);
        cr_expect_gt(sums.late_count, 20);
        world_close();
    }
}

/* Otherwise who is billed ahead of the others loses, or pays twice, what comes in between. */
Test(depth, an_account_billed_by_itself_has_a_close_of_its_own, .timeout = 600)
{
    world_open();
    (void)call_add(2, at_ns("2026-10-02"), 60);
    (void)call_add(3, at_ns("2026-10-02"), 60);
    journal_from(0);
    struct sums ahead = {.account = "A3"};
    (void)account_bill("A3", "2026-10", true, &ahead);
    cr_expect_eq(ahead.rows_count, 1);
    const uint32_t between = w.rows_count;
    (void)call_add(2, at_ns("2026-10-03"), 60);
    (void)call_add(3, at_ns("2026-10-03"), 60);
    journal_from(between);
    struct sums three = {.account = "A3"};
    struct sums four = {.account = "A4"};
    struct tg_bill_stats stats = month_bill("2026-10", true, &three);
    cr_expect_eq(stats.invoices_differ_count, 0);
    cr_expect_eq(three.rows_count, 1, "its own close counts");
    (void)month_bill("2026-10", true, &four);
    cr_expect_eq(four.rows_count, 2, "the others looked further");
    struct sums later_three = {.account = "A3"};
    struct sums later_four = {.account = "A4"};
    stats = month_bill("2026-11", true, &later_three);
    cr_expect_eq(stats.rows_late_count, 1);
    (void)month_bill("2026-11", true, &later_four);
    cr_expect_eq(later_three.rows_count, 1);
    cr_expect_eq(later_four.rows_count, 0);
    world_close();
}

/* Otherwise a discount is taken before what it is of, a minimum is charged on top, or a tax that
 * law wants a line or a call is rounded over the whole. */
Test(depth, discounts_then_minimum_then_tax_in_the_declared_mode, .timeout = 600)
{
    world_open();
    const int64_t day_ns = at_ns("2026-10-05");
    for (uint32_t i = 0; i < 7; i++) {
        (void)call_add(2, day_ns + i * TG_NS_PER_HOUR, 61);  /* 0.20 each */
        (void)call_add(3, day_ns + i * TG_NS_PER_HOUR, 590); /* 1.00 each */
    }
    (void)call_add(2, at_ns("2026-11-05"), 61);
    for (uint32_t i = 0; i < 9; i++) {
        (void)call_add(3, at_ns("2026-11-05") + i * TG_NS_PER_HOUR, 590);
    }
    journal_from(0);
    struct sums cheap = {.account = "A3"};
    (void)month_bill("2026-10", false, &cheap);
    cr_expect(cheap.kinds[TG_BILL_LINE_USAGE] == 140000000);
    cr_expect(cheap.kinds[TG_BILL_LINE_DISCOUNT] == -114000000, "10 %% of 1.40, then 1.00");
    cr_expect_eq(cheap.net, 526);
    /* Lines 5.00, 1.40, -0.14, -1.00: 0.95 + 0.27 - 0.03 - 0.19. */
    cr_expect_eq(cheap.tax, 100, "tax by line is %lld", (long long)cheap.tax);
    struct sums commit = {.account = "A4"};
    (void)month_bill("2026-10", false, &commit);
    cr_expect(commit.kinds[TG_BILL_LINE_USAGE] == 700000000);
    cr_expect(commit.kinds[TG_BILL_LINE_MINIMUM] == 100000000, "up to 8.00");
    cr_expect_eq(commit.tax, 7 * 19 + 19);
    struct sums little = {.account = "A3"};
    (void)month_bill("2026-11", false, &little);
    cr_expect(little.kinds[TG_BILL_LINE_DISCOUNT] == -20000000, "0.02, then no more than is left");
    struct sums enough = {.account = "A4"};
    (void)month_bill("2026-11", false, &enough);
    cr_expect(enough.kinds[TG_BILL_LINE_USAGE] == 900000000);
    cr_expect(enough.kinds[TG_BILL_LINE_MINIMUM] == 0, "9.00 are more than 8.00");
    world_close();
}

/* Otherwise seven articles of 0.99 are taxed as the law of another country wants it. */
Test(depth, seven_times_ninety_nine_cents_by_line_and_by_category)
{
    static struct tg_bill_line lines[7];
    static __int128 exact[7];
    static int64_t weights[7];
    static int64_t parts[7];
    static uint32_t rows[7];
    static struct tg_bill_fraction fractions[7];
    const struct tg_bill_scratch scratch = {7, 0, exact, weights, parts, rows, fractions};
    static const int64_t wanted[] = {132, 133, 133};
    for (uint8_t mode = 0; mode < 3; mode++) {
        struct tg_bill_invoice invoice = {.account_id = "A",
                                          .currency = tg_currency_by_code("EUR"),
                                          .lines = lines,
                                          .lines_count = 7};
        const uint16_t tax = tg_bill_invoice_tax(&invoice, "vat", 190000, TG_ROUND_HALF_UP);
        invoice.taxes[tax].mode = mode;
        for (int i = 0; i < 7; i++) {
            lines[i] =
                (struct tg_bill_line){.amount_exact = 99000000, .tax_index = tax, .charge_tax = 19};
            lines[i].has_charge_tax = true;
        }
        cr_assert_eq(tg_bill_invoice_compute(&invoice, &scratch, NULL), TG_OK);
        cr_expect_eq(invoice.tax_total, wanted[mode], "mode %u: %lld", mode,
                     (long long)invoice.tax_total);
    }
}

/* Otherwise who changes his product in the middle of a month pays for both in full. */
Test(depth, a_change_of_product_is_two_prorated_fees, .timeout = 600)
{
    world_open();
    (void)call_add(4, at_ns("2026-10-02"), 60);
    (void)call_add(5, at_ns("2026-10-20"), 60);
    journal_from(0);
    struct sums sums = {.account = "A5"};
    (void)month_bill("2026-10", false, &sums);
    /* 10.00 x 15/31 = 4.83870968 and 31.00 x 16/31 = 16.00 */
    cr_expect(sums.kinds[TG_BILL_LINE_RECURRING] == 483870968 + 1600000000);
    world_close();
}

/* Otherwise a cycle of the 31st wanders to the 28th after February and stays there. */
Test(depth, a_cycle_of_the_31st_does_not_drift)
{
    static const char *const ends[] = {"2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30",
                                       "2026-05-31"};
    const struct tg_catalog_snapshot none = {.images_count = 0};
    const struct tg_bill_cycle cycle = {.catalog = &none, .day = 31};
    for (uint32_t i = 0; i < 5; i++) {
        const uint32_t month = 2026 * 12 + i;
        cr_expect_eq(tg_bill_month_day_ns(month, 31), at_ns(ends[i]), "%s", ends[i]);
        cr_expect_eq(tg_bill_cycle_month(&cycle, at_ns(ends[i]) - 1), month, "%s", ends[i]);
        cr_expect_eq(tg_bill_cycle_month(&cycle, at_ns(ends[i])), month + 1, "%s", ends[i]);
    }
    cr_expect_eq(tg_bill_cycle_month(&cycle, at_ns("2026-12-31")), 2027u * 12);
}

static void random_calls(uint64_t seed, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const int64_t start_ns =
            at_ns("2026-10-01") + (int64_t)(dice(&seed) % (61 * 86400)) * TG_NS_PER_S;
        static const uint32_t who[] = {0, 1, 2, 3, 6};
        (void)call_add(who[dice(&seed) % 5], start_ns, 1 + (uint32_t)(dice(&seed) % 300));
    }
}

static struct tg_rerate *rerate_with(const struct tg_rerate_selector *selector,
                                     const struct tg_image *candidate)
{
    struct tg_rerate_params params = {.size_bytes = sizeof params,
                                      .data_dir = w.dir,
                                      .catalog = w.catalog,
                                      .candidate = candidate};
    params.selector = selector != NULL ? *selector
                                       : (struct tg_rerate_selector){.from_ns = INT64_MIN,
                                                                     .to_ns = INT64_MAX,
                                                                     .source_id = -1};
    struct tg_rerate *rerate = NULL;
    struct tg_why why = {.text = ""};
    cr_assert_eq(tg_rerate_open(&params, &rerate, &why), TG_OK, "%s", why.text);
    return rerate;
}

static void rerate_post(const struct tg_rerate *rerate)
{
    struct tg_data_lock lock;
    uint64_t epoch = 0;
    struct tg_why why = {.text = ""};
    cr_assert_eq(tg_data_lock(w.dir, &lock, &why), TG_OK, "%s", why.text);
    cr_assert_eq(tg_rerate_post(rerate, w.dir, 1, &epoch, &why), TG_OK, "%s", why.text);
    cr_assert_neq(epoch, 0);
    tg_data_unlock(&lock);
}

/* Otherwise rating again with the same catalog changes what customers owe. */
Test(depth, rerate_with_the_same_catalog_posts_nothing, .timeout = 600)
{
    world_open();
    random_calls(7, 1500);
    journal_from(0);
    struct tg_rerate *rerate = rerate_with(NULL, NULL);
    cr_expect_eq(rerate->selected_count, 1500);
    cr_expect_eq(rerate->changes_count, 0);
    tg_rerate_close(rerate);
    rerate = rerate_with(NULL, w.catalog->images[0]);
    cr_expect_eq(rerate->changes_count, 0);
    tg_rerate_close(rerate);
    world_close();
}

/* Every row again from nothing, as if the newest catalog had been there all along. */
static struct tg_rate *rate_afresh(__int128 *amount)
{
    const struct tg_rate_params params = {.subscribers_count_max = PEOPLE};
    struct tg_rate *rate = NULL;
    cr_assert_eq(tg_rate_create(&params, &rate, NULL), TG_OK);
    *amount = 0;
    for (uint32_t i = 0; i < w.rows_count; i++) {
        struct tg_charge charge = {.subscriber = w.charges[i].subscriber};
        tg_rate_run(rate, w.catalog, &w.rows[i], &charge, 1);
        *amount += charge.amount;
    }
    return rate;
}

/* Otherwise a correction is posted twice, or allowances and counters stay where the mistake put
 * them. */
Test(depth, rerate_posts_differences_once_and_moves_the_counters, .timeout = 600)
{
    world_open();
    random_calls(11, 1500);
    journal_from(0);
    __int128 before = 0;
    for (uint32_t i = 0; i < w.rows_count; i++) {
        before += w.charges[i].amount;
    }
    catalog_import(2, "2026-10-01", "0.13", 15);
    __int128 wanted = 0;
    struct tg_rate *fresh = rate_afresh(&wanted);
    struct tg_rerate *rerate = rerate_with(NULL, NULL);
    cr_expect(rerate->difference == wanted - before);
    cr_assert_gt(rerate->changes_count, 100);
    rerate_post(rerate);
    /* What recovery does: stored verdicts, then the adjustments. */
    const struct tg_rate_params params = {.subscribers_count_max = PEOPLE};
    struct tg_rate *recovered = NULL;
    cr_assert_eq(tg_rate_create(&params, &recovered, NULL), TG_OK);
    cr_assert_eq(tg_rate_apply(recovered, NULL, w.rows, w.charges, w.rows_count), TG_OK);
    for (uint32_t i = 0; i < rerate->changes_count; i++) {
        cr_assert_eq(
            tg_rate_apply(recovered, NULL, &rerate->changes[i].row, &rerate->changes[i].charge, 1),
            TG_OK);
    }
    for (uint32_t s = 0; s < PEOPLE; s++) {
        for (uint32_t p = 0; p < 2; p++) {
            const uint32_t period = tg_account_period(at_ns("2026-10-02")) + p;
            const struct tg_account_line *a = tg_accounts_peek(tg_rate_accounts(fresh), s, period);
            const struct tg_account_line *b =
                tg_accounts_peek(tg_rate_accounts(recovered), s, period);
            cr_assert_eq(a == NULL, b == NULL);
            cr_expect(a == NULL || tg_account_line_equal(a, b), "subscriber %u month %u", s, p);
        }
    }
    tg_rerate_close(rerate);
    rerate = rerate_with(NULL, NULL);
    cr_expect_eq(rerate->changes_count, 0, "what was posted is not found again");
    tg_rerate_close(rerate);
    struct sums sums = {.net = 0};
    (void)month_bill("2026-10", true, &sums);
    (void)month_bill("2026-11", true, &sums);
    (void)month_bill("2026-12", true, &sums);
    cr_expect(sums.rows_amount == wanted, "bills carry the corrected sum");
    cr_expect_gt((long long)sums.kinds[TG_BILL_LINE_ADJUSTMENT], 0);
    tg_rate_destroy(fresh);
    tg_rate_destroy(recovered);
    world_close();
}

/* Otherwise correcting one call leaves the calls behind it priced as if it had used other minutes.
 */
Test(depth, rows_behind_a_rerated_one_follow_its_allowance, .timeout = 600)
{
    world_open();
    const uint32_t first = call_add(0, at_ns("2026-10-02"), 600); /* all ten minutes */
    (void)call_add(0, at_ns("2026-10-03"), 60);                   /* 0.10 */
    (void)call_add(1, at_ns("2026-10-03"), 60);                   /* nobody else is touched */
    journal_from(0);
    char text[4096];
    (void)snprintf(text, sizeof text, catalog_text, 2, "2026-10-01", "0.10", 10);
    char *minutes = strstr(text, "plan: some, fee: \"10.00\"");
    memcpy(minutes, "plan: plain,fee: \"10.00\"", strlen("plan: plain,fee: \"10.00\""));
    file_write("catalog.yaml", text);
    struct tg_diag *diag = tg_diag_open();
    struct tg_catalog_snapshot *folder = NULL;
    cr_assert_eq(tg_catalog_open_folder(w.folder, diag, &folder, NULL), TG_OK);
    tg_diag_close(diag);
    /* The candidate gives the product no minutes: the first call costs 1.00, and the second, which
     * is priced as it was, now has them. */
    const struct tg_rerate_selector selector = {
        .from_ns = w.rows[first].start_ns, .to_ns = w.rows[first].start_ns + 1, .source_id = -1};
    struct tg_rerate *rerate = rerate_with(&selector, folder->images[0]);
    cr_expect_eq(rerate->selected_count, 1);
    cr_expect_eq(rerate->followers_count, 1);
    cr_assert_eq(rerate->changes_count, 2);
    cr_expect_eq(rerate->changes[0].charge.amount, 100000000);
    cr_expect_eq(rerate->changes[1].charge.amount, -10000000);
    cr_expect_not(rerate->changes[1].is_selected);
    tg_rerate_close(rerate);
    const struct tg_whatif_params params = {.size_bytes = sizeof params,
                                            .data_dir = w.dir,
                                            .catalog = w.catalog,
                                            .candidate = folder->images[0],
                                            .from_ns = at_ns("2026-10-01"),
                                            .to_ns = at_ns("2026-11-01")};
    struct tg_whatif *whatif = NULL;
    cr_assert_eq(tg_whatif_open(&params, &whatif, NULL), TG_OK);
    cr_expect_eq(whatif->total.rows_count, 3);
    cr_expect(whatif->total.before == 10000000);
    cr_expect(whatif->total.after == 120000000);
    cr_assert_eq(whatif->accounts_count, 2);
    cr_expect_eq(whatif->accounts[0].account, 0, "who pays most more comes first");
    tg_whatif_close(whatif);
    tg_catalog_close(folder);
    world_close();
}

struct told {
    uint32_t count;
    uint32_t differ_count;
    char text[2048];
};

static enum tg_err row_tell(void *context, const struct tg_replay_row *row)
{
    struct told *told = context;
    told->count++;
    told->differ_count += tg_explain_differs(row);
    tg_explain_row_text(w.catalog, row, told->text, sizeof told->text);
    return TG_OK;
}

/* Otherwise a charge that nobody can derive goes unnoticed (law 9). */
Test(depth, explain_prices_again_and_sees_a_charge_that_is_not_what_comes_out, .timeout = 600)
{
    world_open();
    (void)call_add(0, at_ns("2026-10-02"), 570);
    const uint32_t good = call_add(0, at_ns("2026-10-03"), 100);
    const uint32_t bad = call_add(0, at_ns("2026-10-04"), 100);
    w.charges[bad].amount += 1;
    journal_from(0);
    struct tg_explain_params params = {
        .size_bytes = sizeof params, .data_dir = w.dir, .catalog = w.catalog, .visit = row_tell};
    for (uint32_t i = good; i <= bad; i++) {
        struct told told = {.count = 0};
        params.context = &told;
        params.ref = (struct tg_explain_ref){.kind = TG_EXPLAIN_KEY,
                                             .record_key = w.rows[i].record_key,
                                             .from_ns = w.rows[i].start_ns,
                                             .to_ns = w.rows[i].start_ns + 1};
        cr_assert_eq(tg_explain_run(&params, NULL), TG_OK);
        cr_expect_eq(told.count, 1);
        cr_expect_eq(told.differ_count, i == bad, "%s", told.text);
        cr_expect_not_null(strstr(told.text, "increments of 60 then 60, make 120 second"), "%s",
                           told.text);
    }
    struct tg_explain_ref ref;
    cr_expect(tg_explain_ref_parse("12:7", &ref) && ref.epoch == 12 && ref.index == 7);
    cr_expect(tg_explain_ref_parse("00000000000010ab", &ref) && ref.record_key == 0x10ab);
    static const char *const bad_refs[] = {"",     "12",     "12:",          ":3",
                                           "12:x", "0x10ab", "1:99999999999"};
    for (size_t i = 0; i < sizeof bad_refs / sizeof bad_refs[0]; i++) {
        cr_expect_not(tg_explain_ref_parse(bad_refs[i], &ref), "%s", bad_refs[i]);
    }
    world_close();
}

static enum tg_err charge_enter(const char *id, const char *date, int64_t amount)
{
    struct tg_bill_closes closes;
    struct tg_bill_charge charge = {
        .amount = amount, .date_ns = at_ns(date), .subscriber = 0, .currency = 978};
    (void)snprintf(charge.id, sizeof charge.id, "%s", id);
    (void)snprintf(charge.title, sizeof charge.title, "Installation");
    cr_assert_eq(tg_bill_closes_load(w.state, tg_bill_month(charge.date_ns), &closes, NULL), TG_OK);
    const enum tg_err err = tg_bill_charge_enter(w.state, w.catalog, &closes, &charge, NULL);
    tg_bill_closes_free(&closes);
    return err;
}

static enum tg_err note_issue(const char *name, int32_t line, const char *amount, bool is_debit,
                              char number[TG_BILL_NUMBER_BYTES])
{
    const struct tg_bill_note_params params = {.size_bytes = sizeof params,
                                               .line_index = line,
                                               .bill = "INV-2026-00000001",
                                               .name = name,
                                               .reason = "goodwill",
                                               .amount = amount,
                                               .issued_ns = at_ns("2026-11-20"),
                                               .is_debit = is_debit};
    return tg_bill_note_issue(w.state, &params, number, NULL);
}

/* Otherwise a charge slips into an issued bill, or more is paid back than was ever charged. */
Test(depth, charges_respect_the_close_and_notes_never_exceed_the_line, .timeout = 600)
{
    world_open();
    (void)call_add(0, at_ns("2026-10-02"), 60);
    journal_from(0);
    cr_expect_eq(charge_enter("c1", "2026-10-05", 2500000000), TG_OK);
    cr_expect_eq(charge_enter("c1", "2026-10-05", 2500000000), TG_OK, "the same again");
    cr_expect_eq(charge_enter("c1", "2026-10-05", 2600000000), TG_E_EXISTS);
    struct sums sums = {.account = "A1"};
    (void)month_bill("2026-10", true, &sums);
    cr_expect(sums.kinds[TG_BILL_LINE_ONE_OFF] == 2500000000);
    cr_expect_eq(charge_enter("c2", "2026-10-06", 100000000), TG_E_ISSUED);
    cr_expect_eq(charge_enter("c2", "2026-11-06", 100000000), TG_OK);
    char number[TG_BILL_NUMBER_BYTES];
    cr_expect_eq(note_issue("one", 0, "4.00", false, number), TG_OK);
    cr_expect_str_eq(number, "CN-2026-00000001");
    cr_expect_eq(note_issue("one", 0, "4.00", false, number), TG_OK, "the same again");
    cr_expect_str_eq(number, "CN-2026-00000001");
    cr_expect_eq(note_issue("one", 0, "5.00", false, number), TG_E_EXISTS);
    cr_expect_eq(note_issue("two", 0, "6.01", false, number), TG_E_INVALID, "6.00 are left");
    cr_expect_eq(note_issue("two", 0, NULL, false, number), TG_OK);
    cr_expect_str_eq(number, "CN-2026-00000002", "refusals spend no number");
    cr_expect_eq(note_issue("three", 0, NULL, false, number), TG_E_INVALID, "nothing is left");
    cr_expect_eq(note_issue("four", 0, "1.00", true, number), TG_OK);
    cr_expect_str_eq(number, "DN-2026-00000001");
    cr_expect_eq(note_issue("five", 99, NULL, false, number), TG_E_NOT_FOUND);
    world_close();
}
