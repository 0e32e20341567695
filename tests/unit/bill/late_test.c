/* SPDX-License-Identifier: Apache-2.0 */
/* Usage that comes behind its bill by every policy, and what balances have paid. */
#include "base/clock.h"
#include "base/money.h"
#include "bill/bill.h"
#include "bill/cycle.h"
#include "bill/note.h"
#include "bill/standing.h"
#include "catalog/catalog.h"
#include "doc/diag.h"
#include "doc/json.h"
#include "rate/rate.h"
#include "record/credit.h"
#include "store/documents.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 64u

void bill_journal_write(const char *dir, const struct tg_usage *rows,
                        const struct tg_charge *charges, uint32_t count);
void bill_journal_topup(const char *dir, const struct tg_credit_event *event);

static const char catalog_text[] =
    "catalog: {version: %u, valid_from: %s, currency: EUR}\n"
    "taxes: {vat: {rate: %s}, each: {rate: 19%%, mode: charge},\n"
    "        tel: {rate: %s, mode: charge}}\n"
    "prices: {p: {unit: second, price: \"1.00\"}, q: {unit: second, price: \"0.04\"}}\n"
    "plans: {v: {voice: {price: p}}, w: {voice: {price: q}}}\n"
    "products:\n"
    "  next: {plan: v, tax: vat}\n"
    "  off: {plan: v, tax: vat, late_usage: write_off}\n"
    "  wait: {plan: v, tax: vat, late_usage: %s}\n"
    "  note: {plan: v, tax: vat, late_usage: note, minimum: \"5.00\"}\n"
    "  quiet: {plan: v, tax: vat, late_usage: note}\n"
    "  each: {plan: v, tax: each, discount: 50%%}\n"
    "  tel: {plan: w, tax: tel, late_usage: note}\n";
static const char accounts_text[] =
    "id,prepaid,bill_period\nnext,,\noff,,\nwait,,\nnote,,\npre,true,\neach,true,\nfresh,,\n"
    "tel,,\nbare,,month\nquart,,quarter\nqnote,,quarter\n";
static const char subscribers_text[] =
    "id,account,product\nS0,next,next\nS1,off,off\nS2,wait,wait\n"
    "S3,note,note\nS4,pre,off\nS5,each,each\nS6,fresh,quiet\n"
    "S7,tel,tel\nS8,bare,tel\nS9,quart,next\nS10,qnote,quiet\n";

static struct {
    char dir[64];
    char folder[96];
    struct tg_catalog_snapshot *catalog;
    struct tg_db *state;
    struct tg_rate *rate;
    uint32_t rows_count;
    uint64_t topups_count;
    struct tg_usage rows[ROWS_MAX];
    struct tg_charge charges[ROWS_MAX];
} w;

static void file_write(const char *name, const char *text)
{
    char path[160];
    (void)snprintf(path, sizeof path, "%s/%s", w.folder, name);
    FILE *file = fopen(path, "we");
    cr_assert_not_null(file);
    (void)fputs(text, file);
    (void)fclose(file);
}

static void catalog_import(unsigned version, const char *from, const char *rate, const char *wait)
{
    char text[2048];
    (void)snprintf(text, sizeof text, catalog_text, version, from, rate, rate, wait);
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

static void world_open_with(const char *wait)
{
    memset(&w, 0, sizeof w);
    (void)snprintf(w.dir, sizeof w.dir, "/tmp/tg_bill_late_XXXXXX");
    cr_assert_not_null(mkdtemp(w.dir));
    (void)snprintf(w.folder, sizeof w.folder, "%s/folder", w.dir);
    char command[128];
    (void)snprintf(command, sizeof command, "mkdir '%s'", w.folder);
    cr_assert_eq(system(command), 0);
    file_write("accounts.csv", accounts_text);
    file_write("subscribers.csv", subscribers_text);
    catalog_import(1, "2026-01-01", "10%", wait);
    cr_assert_eq(tg_state_open(w.dir, false, UINT64_C(64) << 20, &w.state, NULL), TG_OK);
    const struct tg_rate_params params = {.subscribers_count_max = 11};
    cr_assert_eq(tg_rate_create(&params, &w.rate, NULL), TG_OK);
}

static void world_open(void)
{
    world_open_with("suspend");
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

/* Rated by the real stage and journaled at once; a prepaid account's row as its worker marks it. */
static void call(uint32_t subscriber, const char *at, uint32_t seconds)
{
    const uint32_t i = w.rows_count++;
    cr_assert_lt(i, ROWS_MAX);
    w.rows[i] = (struct tg_usage){.start_ns = at_ns(at),
                                  .duration_ms = seconds * 1000,
                                  .record_key = i + 1,
                                  .sequence = i,
                                  .source_id = 1,
                                  .service = TG_SERVICE_VOICE};
    w.charges[i] = (struct tg_charge){.subscriber = subscriber};
    tg_rate_run(w.rate, w.catalog, &w.rows[i], &w.charges[i], 1);
    cr_assert_eq(w.charges[i].fate, TG_FATE_RATED, "%s", tg_err_name(w.charges[i].reason));
    const uint32_t account = w.catalog->roster->lines[subscriber].account;
    if (w.catalog->roster->credits[account].is_prepaid) {
        w.charges[i].flags |= TG_CHARGE_PREPAID;
    }
    bill_journal_write(w.dir, &w.rows[i], &w.charges[i], 1);
}

static void topup(uint32_t account, const char *at, const char *amount)
{
    struct tg_credit_event event = {.kind = TG_CREDIT_TOPUP,
                                    .at_ns = at_ns(at),
                                    .account = account,
                                    .currency = 978,
                                    .subscriber = TG_SUBSCRIBER_NONE,
                                    .ordinal = ++w.topups_count};
    cr_assert_eq(tg_money_parse(amount, strlen(amount), 8, &event.amount), TG_OK);
    bill_journal_topup(w.dir, &event);
}

static struct tg_bill_stats month_bill(const char *period, uint16_t threads)
{
    struct tg_bill_params params = {.size_bytes = sizeof params,
                                    .data_dir = w.dir,
                                    .state = w.state,
                                    .catalog = w.catalog,
                                    .issues = true,
                                    .threads_count = threads,
                                    .follows_cycle_days = true};
    cr_assert_eq(tg_bill_period_parse(period, &params.period_start_ns, &params.period_end_ns),
                 TG_OK);
    params.issued_ns = params.period_end_ns;
    struct tg_bill_stats stats;
    struct tg_why why = {.text = ""};
    cr_assert_eq(tg_bill_run(&params, &stats, &why), TG_OK, "%s", why.text);
    cr_expect_eq(stats.invoices_failed_count, 0);
    return stats;
}

/* "NET TAX TOTAL due DUE" of an issued document, with its statement when it has one. */
static void bill_expect(const char *id, const char *wanted)
{
    struct tg_txn txn;
    struct tg_bytes bytes;
    struct tg_json *json = NULL;
    char found[256] = "none";
    tg_txn_begin(&txn, w.state, false);
    if (tg_documents_get(&txn, "customerBill", id, &bytes) == TG_OK) {
        cr_assert_eq(tg_json_parse(bytes.at, bytes.length_bytes, &json, NULL), TG_OK);
        const struct tg_json *balance = tg_json_get(json, "x_balance");
        const struct tg_json *item = tg_json_at(tg_json_get(json, "taxItem"), 0);
        static const char key[] = "\"amountDue\":{\"unit\":\"EUR\",\"value\":";
        const char *due = strstr(bytes.at, key) + strlen(key);
        int length =
            snprintf(found, sizeof found, "%s %s due %.*s", tg_json_get_text(item, "x_net", "?"),
                     tg_json_get_text(item, "x_tax", "?"), (int)strcspn(due, "}"), due);
        if (balance != NULL) {
            (void)snprintf(
                found + length, sizeof found - (size_t)length, " %s %s %s %s",
                tg_json_get_text(balance, "opening", "?"), tg_json_get_text(balance, "topups", "?"),
                tg_json_get_text(balance, "usage", "?"), tg_json_get_text(balance, "closing", "?"));
        } else if (tg_json_get(json, "x_referenceId") != NULL) {
            (void)snprintf(found + length, sizeof found - (size_t)length, " %s %s for %s",
                           tg_json_get_text(json, "billNo", "?"),
                           tg_json_get_text(json, "category", "?"),
                           tg_json_get_text(json, "x_referenceNumber", "?"));
        }
    }
    tg_json_free(json);
    tg_txn_abort(&txn);
    cr_expect_str_eq(found, wanted, "%s: %s, not %s", id, found, wanted);
}

static void void_bill(const char *id)
{
    const struct tg_bill_note_params params = {.size_bytes = sizeof params,
                                               .line_index = -1,
                                               .bill = id,
                                               .name = "void",
                                               .reason = "wrong",
                                               .voids = true};
    char number[TG_BILL_NUMBER_BYTES];
    struct tg_why why = {.text = ""};
    cr_assert_eq(tg_bill_note_issue(w.state, &params, number, &why), TG_OK, "%s", why.text);
}

/* What is open on a bill, in cents. */
static void open_expect(const char *id, int64_t wanted)
{
    struct tg_bill_standing standing = {.open = INT64_MAX};
    struct tg_txn txn;
    tg_txn_begin(&txn, w.state, false);
    (void)tg_bill_standing_read(&txn, id, &standing);
    tg_txn_abort(&txn);
    cr_expect_eq(standing.open, wanted, "%s: %lld, not %lld", id, (long long)standing.open,
                 (long long)wanted);
}

/* Otherwise usage that comes late is billed twice, lost, or on a bill that its product does not
 * want it on. */
Test(late, every_policy_of_a_product, .timeout = 600)
{
    world_open();
    for (uint32_t who = 0; who < 4; who++) {
        call(who, "2026-03-10", 10);
    }
    (void)month_bill("2026-03", 1);
    bill_expect("B-2026-03-note", "10.00 1.00 due 11.00");
    for (uint32_t who = 0; who < 4; who++) {
        call(who, "2026-03-20", 3); /* Behind the close of March ... */
        call(who, "2026-04-10", 20);
    }
    call(6, "2026-03-20", 3); /* ... of which this account had no bill. */
    struct tg_bill_stats stats = month_bill("2026-04", 2);
    cr_expect_eq(stats.rows_written_off_count, 1);
    cr_expect_eq(stats.rows_waiting_count, 1);
    cr_expect_eq(stats.rows_late_count, 3);
    bill_expect("B-2026-04-next", "23.00 2.30 due 25.30");
    bill_expect("B-2026-04-off", "20.00 2.00 due 22.00");
    bill_expect("B-2026-04-wait", "20.00 2.00 due 22.00");
    bill_expect("B-2026-04-note", "20.00 2.00 due 22.00");
    bill_expect("B-2026-04-fresh", "3.00 0.30 due 3.30");
    bill_expect("N-B-2026-03-note-late-2026-04",
                "3.00 0.30 due 3.30 DN-2026-00000001 debitNote for INV-2026-00000004");
    /* A new version taxes more, and no longer suspends: what waited is on the next bill, once, and
     * a note on an old bill is taxed as that was. */
    catalog_import(2, "2026-05-01", "20%", "next_bill");
    call(3, "2026-03-21", 2);
    call(3, "2026-04-21", 4);
    call(2, "2026-04-21", 5);
    stats = month_bill("2026-05", 2);
    cr_expect_eq(stats.rows_waiting_count, 0);
    bill_expect("B-2026-05-wait", "8.00 1.60 due 9.60");
    bill_expect("N-B-2026-03-note-late-2026-05",
                "2.00 0.20 due 2.20 DN-2026-00000002 debitNote for INV-2026-00000004");
    bill_expect("N-B-2026-04-note-late-2026-05",
                "4.00 0.40 due 4.40 DN-2026-00000003 debitNote for INV-2026-00000008");
    stats = month_bill("2026-06", 1);
    bill_expect("B-2026-06-wait", "none");
    bill_expect("N-B-2026-03-note-late-2026-06", "none");
    static const char *const again[] = {"2026-03", "2026-04", "2026-05", "2026-06"};
    for (size_t i = 0; i < sizeof again / sizeof again[0]; i++) {
        stats = month_bill(again[i], 2);
        cr_expect_eq(stats.invoices_issued_count, 0, "%s", again[i]);
        cr_expect_eq(stats.invoices_differ_count, 0, "%s", again[i]);
    }
    /* March again, when later months are closed: what it said, and a note on it is on the new one.
     */
    void_bill("B-2026-03-note");
    stats = month_bill("2026-03", 2);
    cr_expect_eq(stats.invoices_issued_count, 1);
    cr_expect_eq(stats.invoices_differ_count, 0);
    bill_expect("B-2026-03-note~r2", "10.00 1.00 due 11.00");
    call(3, "2026-03-22", 1);
    (void)month_bill("2026-07", 1);
    bill_expect("N-B-2026-03-note~r2-late-2026-07",
                "1.00 0.10 due 1.10 DN-2026-00000004 debitNote for INV-2026-00000013");
    world_close();
}

/* Otherwise a note asks for another tax than its bill would have had. A second is 0.04: 0.004 and
 * 0.008 are 0.00 at 10 % and 0.01 at 20 % a charge, and three on one line are 0.012 and 0.024. */
Test(late, charges_on_a_note_are_taxed_as_of_its_bill, .timeout = 60)
{
    world_open();
    call(7, "2026-03-10", 1);
    (void)month_bill("2026-03", 1);
    bill_expect("B-2026-03-tel", "0.04 0.00 due 0.04");
    catalog_import(2, "2026-04-01", "20%", "next_bill");
    for (uint32_t i = 0; i < 3; i++) {
        call(7, "2026-03-20", 1);
        call(7, "2026-04-20", 1);
        call(8, "2026-03-20", 1); /* Never had the bill that a note would be on. */
    }
    (void)month_bill("2026-04", 1);
    bill_expect("N-B-2026-03-tel-late-2026-04",
                "0.12 0.00 due 0.12 DN-2026-00000001 debitNote for INV-2026-00000002");
    bill_expect("B-2026-04-tel", "0.12 0.03 due 0.15");
    bill_expect("B-2026-04-bare", "0.12 0.02 due 0.14");
    world_close();
}

/* Otherwise somebody who has paid ahead is asked to pay again, or cannot follow his balance. */
Test(late, a_balance_pays_and_is_stated, .timeout = 600)
{
    world_open();
    topup(4, "2026-02-10", "100");
    call(4, "2026-02-11", 7);
    topup(4, "2026-03-05", "20.5");
    call(4, "2026-03-10", 11);
    call(5, "2026-03-10", 119);
    (void)month_bill("2026-03", 1);
    /* 11.00 with 10 % in it; discounts and minimum do not touch what is paid. */
    bill_expect("B-2026-03-pre", "10.00 1.00 due 0.00 93.00 20.50 -11.00 102.50");
    bill_expect("B-2026-03-each", "100.00 19.00 due 0.00 0.00 0.00 -119.00 -119.00");
    /* Late for February and March: on April's bill, whatever the product does with late usage. */
    call(4, "2026-03-20", 5);
    topup(4, "2026-03-21", "1");
    call(4, "2026-04-01", 17);
    (void)month_bill("2026-04", 1);
    bill_expect("B-2026-04-pre", "20.00 2.00 due 0.00 102.50 1.00 -22.00 81.50");
    call(4, "2026-05-01", 1);
    (void)month_bill("2026-05", 1);
    bill_expect("B-2026-05-pre", "0.91 0.09 due 0.00 81.50 0.00 -1.00 80.50");
    /* Voided, the balance's money is open on it; the bill made again has it, and what came since.
     */
    call(4, "2026-05-20", 10);
    void_bill("B-2026-05-pre");
    open_expect("B-2026-05-pre", -100);
    struct tg_bill_stats stats = month_bill("2026-05", 1);
    cr_expect_eq(stats.invoices_issued_count, 1);
    bill_expect("B-2026-05-pre~r2", "10.00 1.00 due 0.00 81.50 0.00 -11.00 70.50");
    open_expect("B-2026-05-pre", 0);
    open_expect("B-2026-05-pre~r2", 0);
    /* Where later bills have what came since, it is as it was; twice voided it is made twice. */
    void_bill("B-2026-03-pre");
    (void)month_bill("2026-03", 2);
    void_bill("B-2026-03-pre~r2");
    open_expect("B-2026-03-pre~r2", -1100);
    (void)month_bill("2026-03", 1);
    bill_expect("B-2026-03-pre~r3", "10.00 1.00 due 0.00 93.00 20.50 -11.00 102.50");
    open_expect("B-2026-03-pre", 0);
    open_expect("B-2026-03-pre~r2", 0);
    /* What was paid out meanwhile is due: 4.00 of the 11.00. */
    void_bill("B-2026-03-pre~r3");
    const struct tg_bill_payment out = {
        .size_bytes = sizeof out, .bill = "B-2026-03-pre~r3", .amount = "-4.00", .reference = "o"};
    struct tg_bill_standing standing;
    cr_assert_eq(tg_bill_pay(w.state, &out, &standing, NULL), TG_OK);
    (void)month_bill("2026-03", 1);
    bill_expect("B-2026-03-pre~r4", "10.00 1.00 due 4.00 93.00 20.50 -11.00 102.50");
    call(4, "2026-06-01", 1);
    (void)month_bill("2026-06", 1);
    bill_expect("B-2026-06-pre", "0.91 0.09 due 0.00 70.50 0.00 -1.00 69.50");
    world_close();
}

/* Otherwise a quarter's bill loses what came between the closes of its months, or usage that is
 * late for it is on the bill of no month, as those between two of its bills are closed as well. */
Test(late, a_bill_for_a_quarter_has_what_came_behind_the_months_in_it, .timeout = 60)
{
    static const char first[] = "B-20260101-20260401-quart";
    static const char second[] = "B-20260401-20260701-quart";
    world_open_with("next_bill");
    call(9, "2026-01-10", 60);
    call(9, "2026-02-10", 30);
    call(10, "2026-03-10", 40);
    (void)month_bill("2026-01", 1);
    (void)month_bill("2026-02", 1);
    bill_expect("B-2026-01-quart", "none");
    call(9, "2026-01-20", 6);
    (void)month_bill("2026-03", 1); /* 1 to 3 are of the account with a minimum. */
    bill_expect(first, "96.00 9.60 due 105.60");
    bill_expect("B-20260101-20260401-qnote", "40.00 4.00 due 44.00");
    call(9, "2026-02-15", 10);
    call(9, "2026-04-05", 5);
    call(10, "2026-02-15", 10);
    (void)month_bill("2026-04", 1);
    call(9, "2026-03-15", 20);
    (void)month_bill("2026-05", 1);
    bill_expect("B-20260101-20260401-quart", "96.00 9.60 due 105.60");
    struct tg_bill_stats stats = month_bill("2026-06", 2);
    cr_expect_eq(stats.rows_late_count, 3);
    bill_expect(second, "35.00 3.50 due 38.50");
    bill_expect("N-B-20260101-20260401-qnote-late-2026-06",
                "10.00 1.00 due 11.00 DN-2026-00000001 debitNote for INV-2026-00000005");
    stats = month_bill("2026-03", 1);
    cr_expect_eq(stats.invoices_kept_count, 3);
    cr_expect_eq(stats.invoices_differ_count, 0);
    stats = month_bill("2026-06", 1);
    cr_expect_eq(stats.invoices_kept_count, 3);
    cr_expect_eq(stats.invoices_issued_count + stats.invoices_differ_count, 0);
    world_close();
}
