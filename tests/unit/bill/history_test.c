/* SPDX-License-Identifier: Apache-2.0 */
/* Random histories of an account's year: usage in time and late, in two currencies, by the month,
 * the week and the quarter, of three legal entities; runs that are killed, interim bills, voided
 * bills made again, notes and charges, in any order. What customers were charged in all is what
 * they used.
 *
 * TG_HISTORIES=N runs so many, TG_HISTORY_SEED=S begins with another one. */
#define _GNU_SOURCE /* memmem */
#include "base/clock.h"
#include "base/money.h"
#include "bill/bill.h"
#include "bill/charge_list.h"
#include "bill/close.h"
#include "bill/cycle.h"
#include "bill/interim.h"
#include "bill/note.h"
#include "bill/standing.h"
#include "bill/voided.h"
#include "catalog/catalog.h"
#include "doc/diag.h"
#include "doc/json.h"
#include "rate/rate.h"
#include "store/documents.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void bill_journal_write(const char *dir, const struct tg_usage *rows,
                        const struct tg_charge *charges, uint32_t count);

/* Whole units of 1.00 and 20 % are never rounded, so sums are exact whatever the lines. */
static const char catalog_text[] =
    "catalog: {version: 1, valid_from: 2025-01-01, currency: EUR}\n"
    "taxes: {vat: {rate: 20%}}\n"
    "legal_entities: {north: {title: North}, south: {title: South, series: S}}\n"
    "prices: {p: {unit: second, price: \"1.00\"}}\n"
    "plans: {v: {voice: {price: p}}}\n"
    "products:\n"
    "  basic: {plan: v, tax: vat, fee: \"10.00\"}\n"
    "  ahead: {plan: v, tax: vat, fee: \"10.00\", in_advance: true}\n"
    "  note: {plan: v, tax: vat, late_usage: note}\n";
static const char accounts_text[] =
    "id,legal_entity,cycle_day,bill_period\n"
    "m,,,\nmid,north,15,\nq,south,,quarter\nw,south,,week\nahead,north,,\nnote,,,\nfree,,5,\n";
static const char subscribers_text[] = "id,account,product\n"
                                       "S0,m,basic\nS1,mid,basic\nS2,q,basic\nS3,w,basic\nS4,ahead,"
                                       "ahead\nS5,note,note\nS6,free,note\n";
static const char *const accounts[] = {"m", "mid", "q", "w", "ahead", "note", "free"};

#define ACCOUNTS   7u
#define WEEKLY     3u
#define MONTHS     9u  /* 2026-01 to 2026-09 are billed in the end. */
#define MONTHS_NOW 5u  /* Of them by chance. */
#define WEEKS      14u /* 2026-W01 to 2026-W14. */
#define WEEKS_NOW  9u
#define NOTES_MAX  128u
#define STEPS      40u
#define MORE_MAX   12u /* Histories more, until each thing was done. */

enum money { EUR, USD, MONEYS };

enum did {
    DID_CALL,
    DID_BILL,
    DID_AGAIN,
    DID_VOID,
    DID_INTERIM,
    DID_CREDIT,
    DID_DEBIT,
    DID_CHARGE,
    DID_PAY,
    DID_KILL,
    DIDS
};

struct user_note {
    char bill[TG_BILL_ID_BYTES];
    int64_t net;
};

static struct {
    char dir[64];
    struct tg_catalog_snapshot *catalog;
    struct tg_db *state;
    uint64_t random;
    uint64_t rows_count;
    uint32_t names_count;
    uint32_t month;                   /* Next that is billed, from 0. */
    uint32_t week;                    /* Likewise. */
    int64_t wanted[ACCOUNTS][MONEYS]; /* Net, in cents. */
    struct user_note notes[NOTES_MAX];
    uint32_t notes_count;
    uint32_t counts[DIDS]; /* What histories did, to see that they do something. */
    char log[8192];        /* What the history did, for whoever reads the failure. */
} w;

static uint32_t chance(uint32_t below)
{
    w.random = w.random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(w.random >> 33) % below;
}

__attribute__((format(printf, 1, 2))) static void said(const char *format, ...)
{
    const size_t length = strlen(w.log);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(w.log + length, sizeof w.log - length, format, arguments);
    va_end(arguments);
}

static void file_write(const char *folder, const char *name, const char *text)
{
    char path[160];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "we");
    cr_assert_not_null(file);
    (void)fputs(text, file);
    (void)fclose(file);
}

static void state_open(void)
{
    cr_assert_eq(tg_state_open(w.dir, false, UINT64_C(64) << 20, &w.state, NULL), TG_OK);
}

static void world_open(uint64_t seed)
{
    char folder[96];
    char command[128];
    memset(&w, 0, sizeof w);
    w.random = seed * UINT64_C(2654435761) + 1;
    (void)snprintf(w.dir, sizeof w.dir, "/tmp/tg_bill_history_XXXXXX");
    cr_assert_not_null(mkdtemp(w.dir));
    (void)snprintf(folder, sizeof folder, "%s/folder", w.dir);
    (void)snprintf(command, sizeof command, "mkdir '%s'", folder);
    cr_assert_eq(system(command), 0);
    file_write(folder, "catalog.yaml", catalog_text);
    file_write(folder, "accounts.csv", accounts_text);
    file_write(folder, "subscribers.csv", subscribers_text);
    struct tg_diag *diag = tg_diag_open();
    struct tg_why why = {.text = ""};
    const enum tg_err err = tg_catalog_import(folder, w.dir, 0, diag, NULL, &why);
    (void)tg_diag_print(diag, stderr);
    cr_assert_eq(err, TG_OK, "%s", why.text);
    tg_diag_close(diag);
    cr_assert_eq(tg_catalog_open(w.dir, &w.catalog, &why), TG_OK, "%s", why.text);
    state_open();
}

static void world_close(void)
{
    char command[128];
    tg_db_close(w.state);
    tg_catalog_close(w.catalog);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", w.dir);
    cr_assert_eq(system(command), 0);
}

static int64_t day_ns(uint32_t day)
{
    const struct tg_civil first = {.year = 2026, .month = 1, .day = 1};
    return tg_clock_from_civil(&first) + (int64_t)day * TG_NS_PER_DAY;
}

/* Usage of the past three months or of days to come; of what is billed by the week less. */
static uint32_t day_chance(uint32_t account)
{
    const uint32_t now = account == WEEKLY ? w.week * 7 + 3 : w.month * 30 + 3;
    const uint32_t back = account == WEEKLY ? 35 : 90;
    const uint32_t from = now > back ? now - back : 0;
    return from + chance(now + 10 - from);
}

static void call(uint32_t account, uint32_t day, uint32_t seconds, enum money money)
{
    struct tg_usage row = {.start_ns = day_ns(day) + 3600 * TG_NS_PER_S,
                           .duration_ms = seconds * 1000,
                           .record_key = ++w.rows_count,
                           .sequence = (uint32_t)w.rows_count,
                           .source_id = 1,
                           .service = TG_SERVICE_VOICE};
    struct tg_charge charge = {.subscriber = account};
    /* A stage of its own: usage that is months late waits in suspense, and somebody lets it in. */
    const struct tg_rate_params params = {.subscribers_count_max = ACCOUNTS};
    struct tg_rate *rate = NULL;
    cr_assert_eq(tg_rate_create(&params, &rate, NULL), TG_OK);
    tg_rate_run(rate, w.catalog, &row, &charge, 1);
    tg_rate_destroy(rate);
    cr_assert_eq(charge.fate, TG_FATE_RATED, "%s", tg_err_name(charge.reason));
    charge.currency = money == USD ? 840 : charge.currency; /* Without a rate it stays that. */
    bill_journal_write(w.dir, &row, &charge, 1);
    w.wanted[account][money] += (int64_t)seconds * 100;
    w.counts[DID_CALL]++;
    said("\n  call %s day %u: %u %s", accounts[account], day, seconds,
         money == USD ? "USD" : "EUR");
}

/* A run of "2026-03" or "2026-W03"; until_ns: an interim bill of an account. */
static enum tg_err run_once(const char *period, const char *account, int64_t until_ns,
                            struct tg_bill_stats *stats, struct tg_why *why)
{
    struct tg_bill_params params = {.size_bytes = sizeof params,
                                    .data_dir = w.dir,
                                    .state = w.state,
                                    .catalog = w.catalog,
                                    .account_filter = account,
                                    .until_ns = until_ns,
                                    .issues = true,
                                    .batch_count = 2,
                                    .follows_cycle_days = true};
    cr_assert_eq(tg_bill_period_parse(period, &params.period_start_ns, &params.period_end_ns),
                 TG_OK);
    params.issued_ns = params.period_end_ns;
    return tg_bill_run(&params, stats, why);
}

/* As a run of the command that somebody kills. */
static void run_killed(const char *period)
{
    struct tg_bill_stats stats;
    struct tg_why why = {.text = ""};
    tg_db_close(w.state);
    const pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        state_open();
        (void)run_once(period, NULL, 0, &stats, &why);
        _exit(0);
    }
    const struct timespec pause = {0, (long)chance(12000) * 1000L};
    (void)nanosleep(&pause, NULL);
    (void)kill(child, SIGKILL);
    int status = 0;
    cr_assert_eq(waitpid(child, &status, 0), child);
    w.counts[DID_KILL] += WIFSIGNALED(status) != 0;
    state_open();
    said("\n  killed");
}

static void period_text(bool is_week, uint32_t number, char text[16])
{
    (void)snprintf(text, 16, is_week ? "2026-W%02u" : "2026-%02u", number + 1);
}

static void bill(bool is_week, uint32_t number, bool is_steady)
{
    char period[16];
    struct tg_bill_stats stats;
    struct tg_why why = {.text = ""};
    period_text(is_week, number, period);
    said("\n  bill %s", period);
    if (!is_steady && chance(6) == 0) {
        run_killed(period);
    }
    cr_assert_eq(run_once(period, NULL, 0, &stats, &why), TG_OK, "%s", why.text);
    cr_expect_eq(stats.invoices_failed_count, 0, "%s%s", period, w.log);
    cr_expect_eq(stats.invoices_differ_count, 0, "%s: %llu differ%s", period,
                 (unsigned long long)stats.invoices_differ_count, w.log);
    if (is_steady) {
        cr_expect_eq(stats.invoices_issued_count, 0, "%s again%s", period, w.log);
    }
}

/* One of the bills there are, by chance; lines_count: of it. */
struct choice {
    uint32_t left;
    char id[TG_BILL_ID_BYTES];
    uint32_t lines_count;
};

static bool bill_count(void *context, const struct tg_document *document)
{
    *(uint32_t *)context += document->id[0] == 'B';
    return true;
}

static bool bill_choose(void *context, const struct tg_document *document)
{
    struct choice *choice = context;
    if (document->id[0] != 'B' || choice->left-- > 0) {
        return true;
    }
    struct tg_json *json = NULL;
    cr_assert_eq(tg_json_parse(document->json, document->json_bytes, &json, NULL), TG_OK);
    (void)snprintf(choice->id, sizeof choice->id, "%s", document->id);
    choice->lines_count = (uint32_t)tg_json_count(tg_json_get(json, "x_line"));
    tg_json_free(json);
    return false;
}

static bool any_bill(struct choice *choice)
{
    struct tg_txn txn;
    uint32_t count = 0;
    tg_txn_begin(&txn, w.state, false);
    (void)tg_documents_visit(&txn, "customerBill", NULL, bill_count, &count, NULL);
    *choice = (struct choice){.left = count > 0 ? chance(count) : 0};
    (void)tg_documents_visit(&txn, "customerBill", NULL, bill_choose, choice, NULL);
    tg_txn_abort(&txn);
    return count > 0;
}

static bool is_void(const char *id, struct tg_bill_standing *standing)
{
    struct tg_txn txn;
    tg_txn_begin(&txn, w.state, false);
    cr_assert_eq(tg_bill_standing_read(&txn, id, standing), TG_OK, "%s", id);
    const bool is = tg_bill_void_find(&txn, id);
    tg_txn_abort(&txn);
    return is;
}

static void void_any(void)
{
    struct choice choice;
    struct tg_bill_standing standing;
    char number[TG_BILL_NUMBER_BYTES];
    struct tg_why why = {.text = ""};
    if (!any_bill(&choice) || is_void(choice.id, &standing) || standing.paid < 0) {
        return; /* As the command has it. */
    }
    const struct tg_bill_note_params params = {.size_bytes = sizeof params,
                                               .line_index = -1,
                                               .bill = choice.id,
                                               .name = TG_BILL_VOID_NOTE,
                                               .reason = "wrong",
                                               .voids = true};
    const enum tg_err err = tg_bill_note_issue(w.state, &params, number, &why);
    said("\n  void %s: %s %s", choice.id, tg_err_name(err), why.text);
    cr_expect(err == TG_OK || err == TG_E_INVALID, "%s: %s%s", choice.id, why.text, w.log);
    w.counts[DID_VOID] += err == TG_OK;
}

static void note_any(void)
{
    struct choice choice;
    struct tg_bill_standing standing;
    char number[TG_BILL_NUMBER_BYTES];
    char name[16];
    char amount[16];
    struct tg_why why = {.text = ""};
    if (!any_bill(&choice) || choice.lines_count == 0 || is_void(choice.id, &standing) ||
        w.notes_count == NOTES_MAX) {
        return;
    }
    const int64_t units = 1 + chance(9);
    const bool is_debit = chance(3) == 0;
    (void)snprintf(name, sizeof name, "n%u", ++w.names_count);
    (void)snprintf(amount, sizeof amount, "%lld.00", (long long)units);
    const struct tg_bill_note_params params = {.size_bytes = sizeof params,
                                               .line_index = (int32_t)chance(choice.lines_count),
                                               .bill = choice.id,
                                               .name = name,
                                               .reason = "so",
                                               .amount = amount,
                                               .is_debit = is_debit};
    const enum tg_err err = tg_bill_note_issue(w.state, &params, number, &why);
    said("\n  note %s:%d %s %s: %s %s", choice.id, params.line_index, is_debit ? "+" : "-", amount,
         tg_err_name(err), why.text);
    if (err == TG_OK) {
        struct user_note *note = &w.notes[w.notes_count++];
        (void)snprintf(note->bill, sizeof note->bill, "%s", choice.id);
        note->net = is_debit ? units * 100 : -units * 100;
        w.counts[is_debit ? DID_DEBIT : DID_CREDIT]++;
    }
}

static void interim_any(void)
{
    struct tg_bill_stats stats;
    struct tg_why why = {.text = ""};
    char period[16];
    const uint32_t account = chance(ACCOUNTS);
    period_text(account == WEEKLY, account == WEEKLY ? w.week : w.month + chance(2), period);
    const int64_t until_ns =
        account == WEEKLY ? day_ns(w.week * 7 + chance(8)) : day_ns(w.month * 30 + chance(45));
    const enum tg_err err = run_once(period, accounts[account], until_ns, &stats, &why);
    said("\n  interim %s %s day %lld: %s %s", accounts[account], period,
         (long long)((until_ns - day_ns(0)) / TG_NS_PER_DAY), tg_err_name(err), why.text);
    cr_expect(err == TG_OK || err == TG_E_INVALID, "%s%s", why.text, w.log);
    w.counts[DID_INTERIM] += err == TG_OK && stats.invoices_issued_count > 0;
}

static void charge_any(void)
{
    const uint32_t account = chance(ACCOUNTS);
    const int64_t units = (int64_t)chance(20) - 5;
    struct tg_bill_closes closes;
    struct tg_bill_charge charge = {.amount = units * tg_pow10(8),
                                    .date_ns = day_ns(day_chance(account)),
                                    .subscriber = account,
                                    .currency = 978};
    (void)snprintf(charge.id, sizeof charge.id, "c%u", ++w.names_count);
    (void)snprintf(charge.title, sizeof charge.title, "Charge");
    cr_assert_eq(tg_bill_closes_load(w.state, tg_bill_month(charge.date_ns), &closes, NULL), TG_OK);
    const enum tg_err err = tg_bill_charge_enter(w.state, w.catalog, &closes, &charge, NULL);
    tg_bill_closes_free(&closes);
    said("\n  charge %s day %lld %lld: %s", accounts[account],
         (long long)((charge.date_ns - day_ns(0)) / TG_NS_PER_DAY), (long long)units,
         tg_err_name(err));
    cr_expect(err == TG_OK || err == TG_E_ISSUED);
    if (err == TG_OK) {
        w.wanted[account][EUR] += units * 100;
        w.counts[DID_CHARGE]++;
    }
}

static void pay_any(void)
{
    struct choice choice;
    char amount[16];
    char reference[16];
    struct tg_bill_standing standing;
    if (!any_bill(&choice)) {
        return;
    }
    (void)snprintf(amount, sizeof amount, "%u.00", 1 + chance(20));
    (void)snprintf(reference, sizeof reference, "p%u", ++w.names_count);
    const struct tg_bill_payment payment = {.size_bytes = sizeof payment,
                                            .bill = choice.id,
                                            .amount = amount,
                                            .reference = reference,
                                            .date_ns = day_ns(100)};
    w.counts[DID_PAY] += tg_bill_pay(w.state, &payment, &standing, NULL) == TG_OK;
}

static void step(void)
{
    const uint32_t what = chance(100);
    if (what < 40) {
        const uint32_t account = chance(ACCOUNTS);
        call(account, day_chance(account), 1 + chance(9), chance(4) == 0 ? USD : EUR);
    } else if (what < 50) {
        if (w.month < MONTHS_NOW) {
            bill(false, w.month++, false);
            w.counts[DID_BILL]++;
        }
    } else if (what < 58) {
        if (w.week < WEEKS_NOW) {
            bill(true, w.week++, false);
        }
    } else if (what < 66) {
        const bool is_week = chance(3) == 0;
        const uint32_t count = is_week ? w.week : w.month;
        if (count > 0) {
            bill(is_week, chance(count), false);
            w.counts[DID_AGAIN]++;
        }
    } else if (what < 76) {
        void_any();
    } else if (what < 84) {
        interim_any();
    } else if (what < 90) {
        note_any();
    } else if (what < 95) {
        charge_any();
    } else {
        pay_any();
    }
}

/* What all documents charge, net and tax, by account and currency. */
struct charged {
    int64_t net[ACCOUNTS][MONEYS];
    int64_t total[ACCOUNTS][MONEYS];
};

static int64_t value_of(const struct tg_document *document, const char *key)
{
    char wanted[64];
    char text[32] = "";
    int64_t amount = INT64_MIN;
    (void)snprintf(wanted, sizeof wanted, "\"%s\":{\"unit\":\"", key);
    const char *at = memmem(document->json, document->json_bytes, wanted, strlen(wanted));
    cr_assert_not_null(at, "%s", document->id);
    at += strlen(wanted) + sizeof "EUR\",\"value\":" - 1;
    (void)snprintf(text, sizeof text, "%.*s", (int)strcspn(at, "}"), at);
    cr_assert_eq(tg_money_parse(text, strlen(text), 2, &amount), TG_OK, "%s", text);
    return amount;
}

static bool charged_add(void *context, const struct tg_document *document)
{
    struct charged *charged = context;
    struct tg_json *json = NULL;
    cr_assert_eq(tg_json_parse(document->json, document->json_bytes, &json, NULL), TG_OK);
    const char *account = tg_json_get_text(tg_json_get(json, "billingAccount"), "id", "");
    const char *unit = tg_json_get_text(tg_json_get(json, "amountDue"), "unit", "");
    const enum money money = strcmp(unit, "USD") == 0 ? USD : EUR;
    for (uint32_t i = 0; i < ACCOUNTS; i++) {
        if (strcmp(account, accounts[i]) == 0) {
            charged->net[i][money] += value_of(document, "taxExcludedAmount");
            charged->total[i][money] += value_of(document, "taxIncludedAmount");
        }
    }
    tg_json_free(json);
    return true;
}

static void fees_want(void)
{
    static const int64_t fees[ACCOUNTS] = {MONTHS, MONTHS, MONTHS, WEEKS, MONTHS + 1, 0, 0};
    for (uint32_t i = 0; i < ACCOUNTS; i++) {
        w.wanted[i][EUR] += fees[i] * 1000;
    }
}

static void notes_want(void)
{
    struct tg_bill_standing standing;
    for (uint32_t i = 0; i < w.notes_count; i++) {
        if (!is_void(w.notes[i].bill, &standing)) {
            const enum money money = standing.currency->numeric == 840 ? USD : EUR;
            for (uint32_t a = 0; a < ACCOUNTS; a++) {
                if (strcmp(standing.account, accounts[a]) == 0) {
                    w.wanted[a][money] += w.notes[i].net;
                }
            }
        }
    }
}

/* Bills what is left, voided bills again, and then finds nothing more to bill. */
static void all_billed(void)
{
    for (uint32_t turn = 0; turn < 2; turn++) {
        for (uint32_t i = 0; i < MONTHS; i++) {
            bill(false, i, turn > 0);
        }
        for (uint32_t i = 0; i < WEEKS; i++) {
            bill(true, i, turn > 0);
        }
    }
}

static void history(uint64_t seed, uint32_t counts[DIDS])
{
    struct charged charged = {.net = {{0}}};
    struct tg_txn txn;
    world_open(seed);
    for (uint32_t i = 0; i < STEPS; i++) {
        step();
    }
    all_billed();
    fees_want();
    notes_want();
    tg_txn_begin(&txn, w.state, false);
    cr_assert_eq(tg_documents_visit(&txn, "customerBill", NULL, charged_add, &charged, NULL),
                 TG_OK);
    tg_txn_abort(&txn);
    for (uint32_t i = 0; i < ACCOUNTS; i++) {
        for (uint32_t money = 0; money < MONEYS; money++) {
            const int64_t wanted = w.wanted[i][money];
            cr_expect(charged.net[i][money] == wanted &&
                          charged.total[i][money] == wanted + wanted / 5,
                      "history %llu, account %s in %s: charged %lld, with tax %lld, not %lld%s",
                      (unsigned long long)seed, accounts[i], money == USD ? "USD" : "EUR",
                      (long long)charged.net[i][money], (long long)charged.total[i][money],
                      (long long)wanted, w.log);
        }
    }
    for (size_t i = 0; i < DIDS; i++) {
        counts[i] += w.counts[i];
    }
    world_close();
}

static uint64_t asked(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static bool all_done(const uint32_t counts[DIDS])
{
    bool is_done = true;
    for (size_t i = 0; i < DIDS; i++) {
        is_done &= counts[i] > 0;
    }
    return is_done;
}

/* Otherwise some order of runs, crashes, voids, notes and late usage charges a customer twice, or
 * not at all. */
Test(history, what_was_charged_is_what_was_used, .timeout = 3600)
{
    uint32_t counts[DIDS] = {0};
    const uint64_t first = asked("TG_HISTORY_SEED", 2);
    const uint64_t count = asked("TG_HISTORIES", 2);
    /* When a run is killed decides what can still be done behind it, so two may miss something. */
    for (uint64_t seed = first;
         seed < first + count || (!all_done(counts) && seed < first + count + MORE_MAX); seed++) {
        history(seed, counts);
    }
    cr_expect(all_done(counts), "something was never done");
}

static void net_expect(const char *id, const char *wanted)
{
    struct tg_txn txn;
    struct tg_bytes bytes;
    char text[TG_MONEY_TEXT_BYTES] = "none";
    tg_txn_begin(&txn, w.state, false);
    if (tg_documents_get(&txn, "customerBill", id, &bytes) == TG_OK) {
        const struct tg_document document = {
            .id = id, .json = bytes.at, .json_bytes = bytes.length_bytes};
        (void)tg_money_format(value_of(&document, "taxExcludedAmount"), 2, 2, text);
    }
    tg_txn_abort(&txn);
    cr_expect_str_eq(text, wanted, "%s: %s, not %s", id, text, wanted);
}

static enum tg_err void_try(const char *id)
{
    const struct tg_bill_note_params params = {.size_bytes = sizeof params,
                                               .line_index = -1,
                                               .bill = id,
                                               .name = TG_BILL_VOID_NOTE,
                                               .reason = "wrong",
                                               .voids = true};
    char number[TG_BILL_NUMBER_BYTES];
    return tg_bill_note_issue(w.state, &params, number, NULL);
}

/* Otherwise an interim bill in another currency than the account's is given back although the bill
 * of its cycle has taken it off; and a voided one is of the month it ends in, or of a week. */
Test(history, an_interim_bill_is_of_its_cycle_in_any_currency, .timeout = 60)
{
    static const struct {
        uint32_t until;
        const char *id;
    } parts[] = {{19, "B-20260115-20260120-mid"}, {21, "B-20260115-20260122-mid"}};
    struct tg_bill_stats stats;
    struct tg_why why = {.text = ""};
    struct tg_txn txn;
    struct tg_bytes bytes;
    world_open(1);
    call(1, 15, 2, EUR);
    call(1, 15, 3, USD);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        cr_assert_eq(run_once("2026-02", "mid", day_ns(parts[i].until), &stats, &why), TG_OK, "%s",
                     why.text);
        cr_expect_eq(void_try(parts[i].id), TG_OK, "%s", parts[i].id);
        tg_txn_begin(&txn, w.state, false);
        cr_assert_eq(tg_documents_get(&txn, "billVoid", parts[i].id, &bytes), TG_OK);
        cr_expect_not_null(memmem(bytes.at, bytes.length_bytes, "\"month\":24313,", 14), "%.*s",
                           (int)bytes.length_bytes, (const char *)bytes.at);
        tg_txn_abort(&txn);
    }
    bill(false, 1, false);
    net_expect("B-20260115-20260215-mid", "12.00"); /* A fee, and 2.00 of which nothing stands. */
    net_expect("B-20260115-20260215-mid-USD", "0.00");
    cr_expect_eq(void_try("B-20260115-20260120-mid-USD"), TG_E_INVALID);
    world_close();
}

/* Otherwise the second time that a bill in another currency is voided, its period is not looked at
 * again. */
Test(history, a_bill_of_another_currency_is_made_again_twice, .timeout = 60)
{
    world_open(1);
    call(6, 10, 5, USD);
    bill(false, 1, false);
    cr_expect_eq(void_try("B-20260105-20260205-free-USD"), TG_OK);
    call(6, 11, 3, USD);
    bill(false, 1, false);
    net_expect("B-20260105-20260205-free-USD~r2", "8.00");
    cr_expect_eq(void_try("B-20260105-20260205-free-USD~r2"), TG_OK);
    call(6, 12, 2, USD);
    bill(false, 1, false);
    net_expect("B-20260105-20260205-free-USD~r3", "10.00");
    world_close();
}

/* Otherwise late usage is noted again on the bill that replaces a voided one, or lost when the bill
 * it was noted beside is made again. */
Test(history, late_usage_stays_where_it_was_noted, .timeout = 60)
{
    world_open(1);
    call(5, 2, 6, EUR);
    bill(false, 0, false);
    bill(false, 1, false);
    call(5, 3, 9, EUR);
    call(5, 62, 7, EUR);
    bill(false, 2, false);
    net_expect("N-B-2026-01-note-late-2026-03", "9.00");
    cr_expect_eq(void_try("B-2026-01-note"), TG_OK);
    bill(false, 0, false);
    net_expect("B-2026-01-note~r2", "6.00");
    bill(false, 2, true);
    cr_expect_eq(void_try("B-2026-03-note"), TG_OK);
    call(5, 63, 1, EUR);
    call(5, 4, 2, EUR);
    bill(false, 2, false);
    net_expect("B-2026-03-note~r2", "7.00");
    bill(false, 3, false);
    net_expect("N-B-2026-01-note~r2-late-2026-04", "2.00");
    net_expect("N-B-2026-03-note~r2-late-2026-04", "1.00");
    /* While there is no bill to note it on it is a line, and stays one. */
    cr_expect_eq(void_try("B-2026-01-note~r2"), TG_OK);
    call(5, 5, 3, EUR);
    bill(false, 4, false);
    net_expect("B-2026-05-note", "3.00");
    bill(false, 0, false);
    net_expect("B-2026-01-note~r3", "6.00");
    bill(false, 4, true);
    world_close();
}

/* Otherwise whoever bills accounts one by one cannot bill any more once there are 65,536 closes, or
 * each run reads those of all years. */
Test(history, closes_of_many_accounts_and_years, .timeout = 60)
{
    const uint32_t month = 2026 * 12 + 5;
    const uint32_t count = 70000;
    struct tg_bill_closes closes;
    struct tg_txn txn;
    uint64_t epoch = 0;
    world_open(1);
    tg_txn_begin(&txn, w.state, true);
    for (uint32_t back = 0; back < 240; back++) {
        const struct tg_bill_close all = {
            .epoch = 1000000 + back, .account = TG_ACCOUNT_NONE, .month = month - back};
        tg_bill_close_write(&txn, &all, NULL, w.catalog, 0);
    }
    cr_assert_eq(tg_txn_commit(&txn, NULL), TG_OK);
    cr_assert_eq(tg_bill_closes_load(w.state, month, &closes, NULL), TG_OK);
    cr_expect_eq(closes.count, 4 * 12 + 6, "%u closes", closes.count);
    for (uint32_t i = 0; i < count; i++) {
        const struct tg_bill_close close = {.epoch = i + 1, .account = i, .month = month};
        cr_assert_eq(tg_bill_closes_set(&closes, &close), TG_OK, "%u", i);
    }
    tg_bill_closes_order(&closes);
    cr_expect(tg_bill_closes_find(&closes, 4711, month, &epoch) && epoch == 4712);
    cr_expect(tg_bill_closes_find(&closes, 4711, month - 3, &epoch) && epoch == 1000003);
    cr_expect(tg_bill_closes_find(&closes, count, month, &epoch) && epoch == 1000000);
    cr_expect_not(tg_bill_closes_find(&closes, 4711, month + 1, &epoch));
    cr_expect(tg_bill_closes_later(&closes, 4711, month - 1));
    cr_expect_not(tg_bill_closes_later(&closes, 4711, month));
    const struct tg_bill_close weekly = {
        .epoch = 7, .account = 4711, .month = TG_BILL_WEEK_FIRST + 2900};
    cr_assert_eq(tg_bill_closes_set(&closes, &weekly), TG_OK);
    tg_bill_closes_order(&closes);
    cr_expect(tg_bill_closes_later(&closes, 4711, weekly.month - 9));
    cr_expect_not(tg_bill_closes_later(&closes, 4711, month), "a week is no later month");
    tg_bill_closes_free(&closes);
    world_close();
}
