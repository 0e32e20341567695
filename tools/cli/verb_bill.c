/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bill_entry.h"
#include "cli/bill_files.h"
#include "cli/bill_lifecycle.h"
#include "cli/bill_settle.h"
#include "cli/cli.h"
#include "cli/source_names.h"

#include "base/clock.h"
#include "base/money.h"
#include "bill/bill.h"
#include "bill/crew.h"
#include "bill/period.h"
#include "bill/render.h"
#include "bill/reprint.h"
#include "bill/standing.h"
#include "catalog/catalog.h"
#include "doc/json.h"
#include "store/documents.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options {
    const char *action;  /* run, list, show. */
    const char *subject; /* show: number, bill id or account. */
    const char *data;
    const char *catalog; /* run from files. */
    const char *usage;   /* run from files. */
    const char *period;
    const char *from; /* run from files: the first month of several. */
    const char *account;
    const char *date;
    const char *entity;
    const char *series;
    const char *subscription; /* charge. */
    const char *amount;       /* charge, credit, debit. */
    const char *title;        /* charge: on the bill; notes: the reason. */
    const char *id;           /* charge: unique; notes: name on their invoice. */
    const char *threads;
    const char *by;        /* approve: who. */
    const char *reference; /* pay: name of the payment. */
    const char *at;        /* run: now, for grace; dunning: when. */
    bool is_drafts;        /* list: drafts. */
    bool issues;
    bool is_json;
    bool is_text;
    bool is_full;
    bool is_quiet;       /* run: no report, the bills are printed. */
    bool shows_progress; /* Also where stderr is no terminal, and at once. */
};

extern const struct tg_verb tg_verb_bill;

/* Options with a value, by name. */
static const char **value_of(struct options *options, const char *name)
{
    const struct {
        const char *name;
        const char **at;
    } table[] = {{"--data", &options->data},
                 {"--period", &options->period},
                 {"--from", &options->from},
                 {"--catalog", &options->catalog},
                 {"--usage", &options->usage},
                 {"--account", &options->account},
                 {"--date", &options->date},
                 {"--entity", &options->entity},
                 {"--series", &options->series},
                 {"--amount", &options->amount},
                 {"--subscription", &options->subscription},
                 {"--title", &options->title},
                 {"--id", &options->id},
                 {"--threads", &options->threads},
                 {"--by", &options->by},
                 {"--reference", &options->reference},
                 {"--at", &options->at}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(table[i].name, name) == 0) {
            return table[i].at;
        }
    }
    return NULL;
}

static int options_read(int argc, char **argv, struct options *options)
{
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i];
        const char **value = value_of(options, arg);
        if (value != NULL && i + 1 < argc) {
            *value = argv[++i];
        } else if (value != NULL) {
            return tg_cli_usage(&tg_verb_bill, "%s wants a value", arg);
        } else if (strcmp(arg, "--issue") == 0) {
            options->issues = true;
        } else if (strcmp(arg, "--json") == 0) {
            options->is_json = true;
        } else if (strcmp(arg, "--text") == 0) {
            options->is_text = true;
        } else if (strcmp(arg, "--full") == 0) {
            options->is_full = true;
        } else if (strcmp(arg, "--drafts") == 0) {
            options->is_drafts = true;
        } else if (strcmp(arg, "--progress") == 0) {
            options->shows_progress = true;
        } else if (arg[0] == '-') {
            return tg_cli_usage(&tg_verb_bill, "unknown option '%s'", arg);
        } else if (options->action == NULL) {
            options->action = arg;
        } else if (options->subject == NULL) {
            options->subject = arg;
        } else {
            return tg_cli_usage(&tg_verb_bill, "'%s' is too many", arg);
        }
    }
    const bool has_files = options->catalog != NULL || options->usage != NULL;
    if (options->action == NULL || (options->data == NULL && !has_files)) {
        return tg_cli_usage(&tg_verb_bill, "give run, list or show, and --data DIR");
    }
    if (has_files && (strcmp(options->action, "run") != 0 || options->data != NULL ||
                      options->catalog == NULL || options->usage == NULL)) {
        return tg_cli_usage(&tg_verb_bill, "--catalog DIR and --usage FILE go together, with run "
                                           "and without --data");
    }
    if (options->from != NULL && !has_files) {
        return tg_cli_usage(&tg_verb_bill, "--from is of a run from files: with --data each month "
                                           "is a run");
    }
    return TG_EXIT_OK;
}

struct bar {
    struct tg_progress progress;
    const char *step;
};

static void bar_move(void *context, const char *step, uint64_t done, uint64_t total)
{
    struct bar *bar = context;
    if (bar->step == NULL || strcmp(bar->step, step) != 0) {
        tg_progress_end(&bar->progress);
        const bool is_forced = bar->progress.is_forced;
        tg_progress_start(&bar->progress, step, total);
        bar->progress.is_forced = is_forced;
        bar->step = step;
    }
    tg_progress_step(&bar->progress, done);
}

static void counts_set(struct tg_json *json, const struct tg_bill_stats *stats)
{
    const struct {
        const char *key;
        uint64_t value;
    } counts[] = {{"issued", stats->invoices_issued_count},
                  {"drafted", stats->invoices_drafted_count},
                  {"kept", stats->invoices_kept_count},
                  {"differ", stats->invoices_differ_count},
                  {"unapproved", stats->invoices_unapproved_count},
                  {"empty", stats->invoices_empty_count},
                  {"failed", stats->invoices_failed_count},
                  {"lines", stats->lines_count},
                  {"rows_scanned", stats->rows_scanned_count},
                  {"rows_billed", stats->rows_billed_count},
                  {"rows_suspended", stats->rows_suspended_count},
                  {"rows_held", stats->rows_held_count},
                  {"rows_unknown", stats->rows_unknown_count},
                  {"rows_foreign", stats->rows_foreign_count},
                  {"rows_late", stats->rows_late_count},
                  {"rows_for_next_bill", stats->rows_next_count},
                  {"rows_written_off", stats->rows_written_off_count},
                  {"rows_late_suspended", stats->rows_waiting_count},
                  {"epoch", stats->epoch_last},
                  {"passes", stats->passes_count},
                  {"late_sources", stats->late_sources_count}};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        tg_json_set_integer(json, counts[i].key, (int64_t)counts[i].value);
    }
}

static struct tg_json *late_json(const struct options *options, const struct tg_bill_stats *stats)
{
    struct tg_json *late = tg_json_list();
    struct source_names *names =
        stats->late_sources_count > 0 ? source_names_read(options->data) : NULL;
    for (uint32_t i = 0; i < stats->late_sources_count && i < TG_BILL_LATE_SOURCES_MAX; i++) {
        const struct tg_bill_late_source *one = &stats->late_sources[i];
        struct tg_json *source = tg_json_object();
        char name[TG_SOURCE_NAME_BYTES];
        tg_json_set_integer(source, "source", one->source_id);
        tg_json_set_string(source, "name", source_names_text(names, one->source_id, name));
        tg_json_set_bool(source, "behind", one->is_behind);
        if (one->last_event_ns != INT64_MIN) {
            tg_json_set_time(source, "last_event", one->last_event_ns);
        }
        tg_json_set_integer(source, "missing", (int64_t)one->missing_count);
        tg_json_append(late, source);
    }
    free(names);
    return late;
}

static void report_json(const struct options *options, const struct tg_bill_stats *stats)
{
    struct tg_json *json = tg_json_object();
    tg_json_set_string(json, "period", options->period);
    tg_json_set_bool(json, "issue", options->issues);
    tg_json_set_string(json, "state", tg_bill_period_state_name(stats->state));
    if (stats->grace_until_ns != INT64_MIN) {
        tg_json_set_time(json, "grace_until", stats->grace_until_ns);
    }
    counts_set(json, stats);
    const struct tg_currency *currency = tg_currency_by_numeric(stats->currency);
    if (currency != NULL) {
        tg_json_set_string(json, "currency", currency->code);
        tg_json_set_money(json, "net", stats->net_total, currency->minor, currency->minor);
        tg_json_set_money(json, "tax", stats->tax_total, currency->minor, currency->minor);
        tg_json_set_money(json, "total", stats->total, currency->minor, currency->minor);
    }
    tg_json_set(json, "incomplete_sources", late_json(options, stats));
    (void)tg_json_print(json, false, stdout);
    (void)fputc('\n', stdout);
    tg_json_free(json);
}

static void money_print(const char *label, int64_t amount, const struct tg_currency *currency)
{
    char text[TG_MONEY_TEXT_BYTES];
    (void)tg_money_format(amount, currency->minor, currency->minor, text);
    (void)printf("  %-22s %16s %s\n", label, text, currency->code);
}

static void count_print(const char *label, uint64_t count)
{
    (void)printf("  %-22s %16llu\n", label, (unsigned long long)count);
}

/* What may still come: a bill that closes without it will have it on the next one. */
static void late_print(const struct options *options, const struct tg_bill_stats *stats)
{
    if (stats->late_sources_count == 0) {
        return;
    }
    struct source_names *names = source_names_read(options->data);
    (void)printf("  sources not complete at close: %u (usage may still come)\n",
                 stats->late_sources_count);
    for (uint32_t i = 0; i < stats->late_sources_count && i < TG_BILL_LATE_SOURCES_MAX; i++) {
        const struct tg_bill_late_source *one = &stats->late_sources[i];
        char name[TG_SOURCE_NAME_BYTES];
        char text[TG_CLOCK_TEXT_BYTES] = "none in the period";
        if (one->last_event_ns != INT64_MIN) {
            (void)tg_clock_format(one->last_event_ns, text);
        }
        (void)printf("    %-30s last event %s", source_names_text(names, one->source_id, name),
                     text);
        if (one->missing_count > 0) {
            (void)printf(", %llu missing", (unsigned long long)one->missing_count);
        }
        (void)printf("\n");
    }
    free(names);
}

static void report_text(const struct options *options, const struct tg_bill_stats *stats)
{
    (void)printf("bill run %s, %s (%s)\n", options->period,
                 options->issues ? "issued" : "drafts only",
                 tg_bill_period_state_name(stats->state));
    count_print("invoices issued", stats->invoices_issued_count);
    count_print("drafts", stats->invoices_drafted_count);
    count_print("issued before", stats->invoices_kept_count);
    count_print("changed since issue", stats->invoices_differ_count);
    if (stats->invoices_unapproved_count > 0) {
        count_print("not as approved", stats->invoices_unapproved_count);
    }
    count_print("accounts without bill", stats->invoices_empty_count);
    count_print("accounts failed", stats->invoices_failed_count);
    count_print("lines", stats->lines_count);
    count_print("rows billed", stats->rows_billed_count);
    count_print("of these late rows", stats->rows_late_count);
    count_print("rows for next bill", stats->rows_next_count);
    count_print("rows written off", stats->rows_written_off_count);
    count_print("late rows suspended", stats->rows_waiting_count);
    count_print("rows suspended", stats->rows_suspended_count);
    count_print("rows held", stats->rows_held_count);
    const struct tg_currency *currency = tg_currency_by_numeric(stats->currency);
    if (currency != NULL) {
        money_print("net", stats->net_total, currency);
        money_print("tax", stats->tax_total, currency);
        money_print("total", stats->total, currency);
    }
    late_print(options, stats);
}

static int run_with(const struct options *options, struct tg_bill_params *params)
{
    struct tg_why why = {.text = ""};
    struct tg_catalog_snapshot *catalog = NULL;
    struct tg_db *state = NULL;
    struct tg_bill_stats stats = {.passes_count = 0};
    struct bar bar = {.progress = {.is_forced = options->shows_progress}};
    enum tg_err err = tg_catalog_open(options->data, &catalog, &why);
    if (err == TG_OK) {
        err = tg_state_open(options->data, false, 0, &state, &why);
    }
    if (err == TG_OK) {
        params->catalog = catalog;
        params->state = state;
        params->progress = options->is_json ? NULL : bar_move;
        params->progress_context = &bar;
        err = tg_bill_run(params, &stats, &why);
        tg_progress_end(&bar.progress);
    }
    tg_db_close(state);
    tg_catalog_close(catalog);
    if (err != TG_OK) {
        return tg_cli_problem(&tg_verb_bill, "%s",
                              why.text[0] != 0 ? why.text : tg_err_sentence(err));
    }
    if (options->is_json && !options->is_quiet) {
        report_json(options, &stats);
    } else if (!options->is_quiet) {
        report_text(options, &stats);
    }
    const int settled = options->issues && !options->is_quiet
                            ? tg_cli_bill_settle(&tg_verb_bill, options->data, false, false)
                            : TG_EXIT_OK;
    const bool is_clean = stats.invoices_failed_count == 0 && stats.rows_unknown_count == 0 &&
                          stats.invoices_differ_count == 0 && stats.invoices_unapproved_count == 0;
    return is_clean ? settled : TG_EXIT_PROBLEM;
}

/* As many as there are processors unless told; 0: not a number of threads. */
static uint16_t threads_of(const char *text)
{
    if (text == NULL) {
        const long online = sysconf(_SC_NPROCESSORS_ONLN);
        return online < 1                     ? 1
               : online > TG_BILL_THREADS_MAX ? TG_BILL_THREADS_MAX
                                              : (uint16_t)online;
    }
    char *end = NULL;
    const unsigned long count = strtoul(text, &end, 10);
    return end == text || *end != '\0' || count > TG_BILL_THREADS_MAX ? 0 : (uint16_t)count;
}

static int bill_make(const struct options *options)
{
    struct tg_bill_params params = {.size_bytes = sizeof params,
                                    .data_dir = options->data,
                                    .account_filter = options->account,
                                    .legal_entity = options->entity,
                                    .series = options->series,
                                    .issues = options->issues,
                                    .threads_count = threads_of(options->threads),
                                    .follows_cycle_days = true};
    if (params.threads_count == 0) {
        return tg_cli_usage(&tg_verb_bill, "--threads wants 1..%u", TG_BILL_THREADS_MAX);
    }
    if (options->period == NULL || tg_bill_period_parse(options->period, &params.period_start_ns,
                                                        &params.period_end_ns) != TG_OK) {
        return tg_cli_usage(&tg_verb_bill, "give --period YYYY-MM");
    }
    /* The date is the end of the period unless told: the same run gives the same bytes any day. */
    params.issued_ns = params.period_end_ns;
    if (options->date != NULL &&
        tg_clock_parse(options->date, strlen(options->date), &params.issued_ns) != TG_OK) {
        return tg_cli_usage(&tg_verb_bill, "--date wants YYYY-MM-DD, not '%s'", options->date);
    }
    if (options->at != NULL &&
        tg_clock_parse(options->at, strlen(options->at), &params.at_ns) != TG_OK) {
        return tg_cli_usage(&tg_verb_bill, "--at wants a date or time, not '%s'", options->at);
    }
    return run_with(options, &params);
}

/* The document says all that the readable form does; it is printed again. */
static enum tg_err text_print(const struct tg_bytes *json)
{
    struct tg_json *bill = NULL;
    enum tg_err err = tg_json_parse(json->at, json->length_bytes, &bill, NULL);
    const size_t room = json->length_bytes * 2 + TG_BILL_RENDER_HEAD_BYTES;
    char *bytes = err == TG_OK ? malloc(room) : NULL;
    if (bytes != NULL) {
        struct tg_bill_text text = tg_bill_text(bytes, room);
        err = tg_bill_reprint(bill, &text, NULL);
        err = err == TG_OK && text.is_full ? TG_E_FULL : err;
        (void)fputs(err == TG_OK ? bytes : "", stdout);
    } else if (err == TG_OK) {
        err = TG_E_NO_MEMORY;
    }
    free(bytes);
    tg_json_free(bill);
    return err;
}

/* A bill by its id, issued or draft, as it stands. */
static enum tg_err bill_print(const struct options *options, struct tg_txn *txn, const char *id)
{
    struct tg_bytes json = {NULL, 0};
    char *shown = NULL;
    size_t length = 0;
    char state[128] = "";
    enum tg_err err = tg_documents_get(txn, "customerBill", id, &json);
    const bool is_issued = err == TG_OK;
    if (err == TG_E_NOT_FOUND) {
        err = tg_documents_get(txn, "billDraft", id, &json);
    }
    err = err == TG_OK ? tg_cli_bill_stand(txn, id, &json, is_issued, &shown, &length, state) : err;
    if (err == TG_OK && options->is_json) {
        const char *text = shown != NULL ? shown : (const char *)json.at;
        (void)printf("%.*s\n", (int)(shown != NULL ? length : json.length_bytes), text);
    } else if (err == TG_OK) {
        err = text_print(&json);
        (void)printf("%s\n", state);
    }
    free(shown);
    return err;
}

struct find {
    const struct options *options;
    struct tg_txn *txn;
    uint32_t found_count;
    enum tg_err err;
};

/* One billIssued document with where it stands. */
static void issued_print(const struct find *find, const struct tg_document *document,
                         struct tg_json *json)
{
    struct tg_bill_standing standing;
    if (tg_bill_standing_read(find->txn, document->id, &standing) != TG_OK) {
        return;
    }
    const uint8_t minor = standing.currency->minor;
    const char *state = tg_bill_standing_name(standing.state);
    const bool leaves_credit = standing.open < 0 && !standing.is_note && !standing.keeps_credit;
    if (find->options->is_json) {
        tg_json_set_string(json, "state", state);
        tg_json_set_money(json, "paid", standing.paid, minor, minor);
        tg_json_set_money(json, "notes", standing.notes, minor, minor);
        if (standing.cash.step != 0) {
            tg_json_set_money(json, "rounding", standing.rounding, minor, minor);
        }
        tg_json_set_money(json, "open", standing.open, minor, minor);
        if (leaves_credit) {
            tg_json_set_money(json, "credit_left", -standing.open, minor, minor);
        }
        (void)tg_json_print(json, false, stdout);
        (void)fputc('\n', stdout);
        return;
    }
    char label[TG_BILL_LABEL_BYTES];
    tg_bill_standing_label(&standing, label);
    (void)printf("%-24s %-24s %12s %s  %-11s %s", label, tg_json_get_text(json, "account", "?"),
                 tg_json_get_text(json, "total", "?"), tg_json_get_text(json, "currency", "?"),
                 state, document->id);
    if (leaves_credit) {
        char left[TG_MONEY_TEXT_BYTES];
        (void)tg_money_format(-standing.open, minor, minor, left);
        (void)printf("  %s left", left);
    }
    (void)printf("\n");
}

/* Is a bill or note of the month that its cycle closes in? B-2026-10-a, B-20260915-20261015-a; of
 * several cycles that end with a month B-20261001-20270101-a. */
static bool id_is_of_period(const char *id, const char *period)
{
    id += strncmp(id, "N-", 2) == 0 ? 2 : 0;
    if (strncmp(id, "B-", 2) != 0) {
        return false;
    }
    id += 2;
    if (strncmp(id, period, 7) == 0 && id[7] == '-') {
        return true;
    }
    if (strspn(id, "0123456789") != 8 || id[8] != '-' || strspn(id + 9, "0123456789") != 8) {
        return false;
    }
    char end[16];
    char month[24];
    int64_t end_ns = 0;
    struct tg_civil civil;
    (void)snprintf(end, sizeof end, "%.4s-%.2s-%.2s", id + 9, id + 13, id + 15);
    if (tg_clock_parse(end, strlen(end), &end_ns) != TG_OK) {
        return false;
    }
    tg_clock_to_civil(end_ns - 1, &civil);
    (void)snprintf(month, sizeof month, "%04u-%02u", (unsigned)civil.year % 10000,
                   (unsigned)civil.month % 100);
    return strcmp(month, period) == 0;
}

/* --period and --account. */
static bool is_wanted(const struct options *options, const struct tg_document *document)
{
    if (options->period != NULL && !id_is_of_period(document->id, options->period)) {
        return false;
    }
    struct tg_json *json = NULL;
    bool is_wanted = true;
    if (options->account != NULL &&
        tg_json_parse(document->json, document->json_bytes, &json, NULL) == TG_OK) {
        const char *issued = tg_json_get_text(json, "account", "");
        is_wanted = strcmp(tg_json_get_text(tg_json_get(json, "billingAccount"), "id", issued),
                           options->account) == 0;
    }
    tg_json_free(json);
    return is_wanted;
}

static bool list_print(void *context, const struct tg_document *document)
{
    struct find *find = context;
    struct tg_json *json = NULL;
    if (!is_wanted(find->options, document)) {
        return true;
    }
    if (find->options->is_full) {
        (void)printf("%.*s\n", (int)document->json_bytes, document->json);
        return true;
    }
    if (find->options->is_drafts) {
        find->err = bill_print(find->options, find->txn, document->id);
        return find->err == TG_OK;
    }
    if (tg_json_parse(document->json, document->json_bytes, &json, NULL) == TG_OK) {
        issued_print(find, document, json);
    }
    tg_json_free(json);
    return true;
}

static int bill_list(const struct options *options, struct tg_txn *txn)
{
    struct find find = {.options = options, .txn = txn, .err = TG_OK};
    int64_t start_ns = 0;
    int64_t end_ns = 0;
    if (options->period != NULL &&
        tg_bill_period_parse(options->period, &start_ns, &end_ns) != TG_OK) {
        return tg_cli_usage(&tg_verb_bill, "--period wants YYYY-MM, not '%s'", options->period);
    }
    const char *collection = options->is_drafts ? "billDraft"
                             : options->is_full ? "customerBill"
                                                : "billIssued";
    enum tg_err err = tg_documents_visit(txn, collection, NULL, list_print, &find, NULL);
    err = err == TG_OK ? find.err : err;
    return err == TG_OK ? TG_EXIT_OK : tg_cli_problem(&tg_verb_bill, "%s", tg_err_sentence(err));
}

/* Every bill of the account, issued or draft. */
static bool account_print(void *context, const struct tg_document *document)
{
    struct find *find = context;
    struct tg_json *json = NULL;
    find->err = tg_json_parse(document->json, document->json_bytes, &json, NULL);
    if (find->err != TG_OK) {
        return false;
    }
    const struct tg_json *account = tg_json_get(json, "billingAccount");
    if (strcmp(tg_json_get_text(account, "id", ""), find->options->subject) == 0) {
        if (find->found_count > 0 && !find->options->is_json) {
            (void)fputc('\n', stdout);
        }
        find->found_count++;
        find->err = bill_print(find->options, find->txn, document->id);
    }
    tg_json_free(json);
    return find->err == TG_OK;
}

static int bill_show(const struct options *options, struct tg_txn *txn)
{
    if (options->subject == NULL) {
        return tg_cli_usage(&tg_verb_bill, "show what? a number, a bill's id or an account");
    }
    struct tg_bytes json = {NULL, 0};
    struct tg_json *number = NULL;
    enum tg_err err = tg_documents_get(txn, "billNumber", options->subject, &json);
    if (err == TG_OK) {
        err = tg_json_parse(json.at, json.length_bytes, &number, NULL);
    }
    const char *id = err == TG_OK ? tg_json_get_text(number, "bill", "") : options->subject;
    err = bill_print(options, txn, id);
    tg_json_free(number);
    if (err == TG_E_NOT_FOUND) {
        struct find find = {.options = options, .txn = txn, .err = TG_OK};
        err = tg_documents_visit(txn, "customerBill", NULL, account_print, &find, NULL);
        if (err == TG_OK && find.err == TG_OK) {
            err = tg_documents_visit(txn, "billDraft", NULL, account_print, &find, NULL);
        }
        err = find.err != TG_OK ? find.err : err;
        err = err == TG_OK && find.found_count == 0 ? TG_E_NOT_FOUND : err;
    }
    if (err == TG_E_NOT_FOUND) {
        return tg_cli_problem(&tg_verb_bill, "no bill, number or account is called '%s'",
                              options->subject);
    }
    return err == TG_OK ? TG_EXIT_OK : tg_cli_problem(&tg_verb_bill, "%s", tg_err_sentence(err));
}

static int read_run(const struct options *options)
{
    struct tg_why why = {.text = ""};
    struct tg_db *state = NULL;
    if (tg_state_open(options->data, true, 0, &state, &why) != TG_OK) {
        return tg_cli_problem(&tg_verb_bill, "%s", why.text);
    }
    struct tg_txn txn;
    tg_txn_begin(&txn, state, false);
    const int code =
        strcmp(options->action, "list") == 0 ? bill_list(options, &txn) : bill_show(options, &txn);
    tg_txn_abort(&txn);
    tg_db_close(state);
    return code;
}

/* One bill of a run from files; with --issue only issued ones are there, else only drafts. */
static bool files_bill_print(void *context, const struct tg_document *document)
{
    struct find *find = context;
    if (find->found_count++ > 0 && !find->options->is_json) {
        (void)fputc('\n', stdout);
    }
    find->err = bill_print(find->options, find->txn, document->id);
    return find->err == TG_OK;
}

static int files_bills_print(const struct options *options)
{
    struct tg_why why = {.text = ""};
    struct tg_db *state = NULL;
    if (tg_state_open(options->data, true, 0, &state, &why) != TG_OK) {
        return tg_cli_problem(&tg_verb_bill, "%s", why.text);
    }
    struct tg_txn txn;
    tg_txn_begin(&txn, state, false);
    struct find find = {.options = options, .txn = &txn, .err = TG_OK};
    const enum tg_err err = tg_documents_visit(&txn, options->issues ? "customerBill" : "billDraft",
                                               NULL, files_bill_print, &find, NULL);
    tg_txn_abort(&txn);
    tg_db_close(state);
    if (err == TG_OK && find.found_count == 0) {
        (void)fprintf(stderr,
                      "no account has anything on a bill of %s; a bill is of the cycle that ends "
                      "in its month\n",
                      options->period);
    }
    return err == TG_OK && find.err == TG_OK
               ? TG_EXIT_OK
               : tg_cli_problem(&tg_verb_bill, "%s",
                                tg_err_sentence(err != TG_OK ? err : find.err));
}

/* One run a month, so that each finds what those before it have charged. */
static int months_make(struct options *options, int64_t first_ns, int64_t end_ns)
{
    int code = TG_EXIT_OK;
    const char *asked = options->period;
    char period[16];
    for (int64_t at_ns = first_ns; at_ns < end_ns;) {
        struct tg_civil civil;
        int64_t start_ns = 0;
        tg_clock_to_civil(at_ns, &civil);
        (void)snprintf(period, sizeof period, "%04u-%02u", (unsigned)civil.year % 10000,
                       (unsigned)civil.month % 100);
        options->period = period;
        const int made = tg_bill_period_parse(period, &start_ns, &at_ns) == TG_OK
                             ? bill_make(options)
                             : TG_EXIT_PROBLEM;
        code = code == TG_EXIT_OK ? made : code;
        if (made == TG_EXIT_USAGE || start_ns >= at_ns) {
            break;
        }
    }
    options->period = asked;
    return code;
}

/* Catalog and usage in, invoices out; nothing is kept. */
static int files_run(struct options *options)
{
    char dir[TG_CLI_BILL_FILES_PATH_BYTES];
    bool is_open = false;
    int64_t start_ns = 0;
    int64_t end_ns = 0;
    if (options->period == NULL ||
        tg_bill_period_parse(options->period, &start_ns, &end_ns) != TG_OK) {
        return tg_cli_usage(&tg_verb_bill, "give --period YYYY-MM");
    }
    int64_t first_ns = start_ns;
    int64_t first_end_ns = 0;
    if (options->from != NULL &&
        (tg_bill_period_parse(options->from, &first_ns, &first_end_ns) != TG_OK ||
         first_ns > start_ns)) {
        return tg_cli_usage(&tg_verb_bill, "--from wants YYYY-MM, not after --period");
    }
    options->issues |= options->from != NULL;
    const int quoted =
        tg_cli_bill_files_open(&tg_verb_bill, options->catalog, options->usage, dir, &is_open);
    options->data = dir;
    options->is_quiet = true;
    /* What is wrong has been told; of a catalog that is none there are no bills to fail. */
    int code = is_open ? months_make(options, first_ns, end_ns) : quoted;
    if (is_open) {
        const int printed = files_bills_print(options);
        code = code == TG_EXIT_OK ? printed : code;
    }
    tg_cli_bill_files_remove(dir);
    return code == TG_EXIT_OK ? quoted : code;
}

static int bill_run(int argc, char **argv)
{
    struct options options = {.action = NULL};
    const int code = options_read(argc, argv, &options);
    if (code != TG_EXIT_OK) {
        return code;
    }
    if (options.catalog != NULL) {
        return files_run(&options);
    }
    if (strcmp(options.action, "run") == 0) {
        return bill_make(&options);
    }
    if (strcmp(options.action, "settle") == 0) {
        return tg_cli_bill_settle(&tg_verb_bill, options.data, true, options.is_json);
    }
    if (strcmp(options.action, "list") == 0 || strcmp(options.action, "show") == 0) {
        return read_run(&options);
    }
    const struct tg_cli_bill_entry entry = {.data = options.data,
                                            .subject = options.subject,
                                            .subscription = options.subscription,
                                            .amount = options.amount,
                                            .title = options.title,
                                            .id = options.id,
                                            .date = options.date,
                                            .entity = options.entity};
    if (strcmp(options.action, "charge") == 0) {
        return tg_cli_bill_charge(&tg_verb_bill, &entry);
    }
    const bool is_debit = strcmp(options.action, "debit") == 0;
    if (is_debit || strcmp(options.action, "credit") == 0) {
        return tg_cli_bill_note(&tg_verb_bill, &entry, is_debit);
    }
    const struct tg_cli_bill_step step = {.action = options.action,
                                          .data = options.data,
                                          .subject = options.subject,
                                          .period = options.period,
                                          .account = options.account,
                                          .by = options.by,
                                          .amount = options.amount,
                                          .reference = options.reference,
                                          .date = options.date,
                                          .at = options.at,
                                          .title = options.title,
                                          .entity = options.entity,
                                          .is_json = options.is_json};
    return tg_cli_bill_step(&tg_verb_bill, &step);
}

const struct tg_verb tg_verb_bill = {
    .name = "bill",
    .summary = "make, list and show invoices",
    .usage =
        "usage: tollgate bill run  --data DIR --period YYYY-MM [--issue] [--account ID] [--json]\n"
        "                          [--date YYYY-MM-DD] [--entity NAME] [--series PREFIX]\n"
        "                          [--threads N] [--progress]\n"
        "       tollgate bill run  --catalog DIR --usage FILE --period YYYY-MM [--from YYYY-MM]\n"
        "                          [--issue] [--json]\n"
        "       tollgate bill list --data DIR [--period YYYY-MM] [--account ID] [--drafts]\n"
        "                          [--json | --full]\n"
        "       tollgate bill show NUMBER|BILL|ACCOUNT --data DIR [--text|--json]\n"
        "       tollgate bill charge --data DIR --subscription ID --amount NET --date YYYY-MM-DD\n"
        "                          --id NAME --title TEXT\n"
        "       tollgate bill credit|debit NUMBER|BILL[:LINE] --data DIR --id NAME\n"
        "                          --date YYYY-MM-DD --title REASON [--amount NET]\n"
        "       tollgate bill approve --data DIR --period YYYY-MM [--account ID] [--by NAME]\n"
        "                          [--date YYYY-MM-DD] [--json]\n"
        "       tollgate bill pay  NUMBER|BILL --data DIR --amount TOTAL --date YYYY-MM-DD\n"
        "                          --reference NAME [--json]\n"
        "       tollgate bill void NUMBER|BILL --data DIR --date YYYY-MM-DD --title REASON "
        "[--json]\n"
        "       tollgate bill dunning --data DIR --at TIME [--json]\n"
        "       tollgate bill settle --data DIR [--json]\n\n"
        "run computes the invoices of a month from the journal: of the cycle of each account that\n"
        "ends in it (cycle_day 15: from the 15th before to its 14th), with bill_period quarter "
        "of\n"
        "the three up to it. Without --issue they are drafts;\n"
        "with it each gets the next number, for ever: running again changes no issued invoice.\n"
        "Numbers are gapless by legal entity, series and year of --date: those of the account in\n"
        "the catalog (`legal_entities`), else --entity (default: default) and --series (INV).\n"
        "One of another entity than default is named ENTITY/NUMBER.\n"
        "The first issuing run closes the month: what comes later is on the next bill.\n"
        "With --catalog and --usage (JSON Lines, as `quote` reads them; - is stdin) it prices the\n"
        "usage in the order of its events, prints the invoices of the month (--json: one a line)\n"
        "and keeps nothing. With --from it issues the bills of all months from there, each "
        "knowing\n"
        "those before: what they charged in advance, and the first that discounts are on.\n"
        "--threads, as many as processors unless given, changes no byte of what is stored. "
        "--progress\n"
        "shows how far it is also where stderr is no terminal; with --json nothing is shown.\n"
        "charge enters a one-off charge; credit takes back an issued invoice, a line of it or "
        "part\n"
        "of a line, never more than the bill came to; debit adds to one: as a note with a number\n"
        "of series CN or DN. Entering the same again changes nothing.\n"
        "A period is collecting, calculated, approved, issued; a bill then issued, partly_paid,\n"
        "paid, void. Where the catalog says `billing: approval: required` a run is approved "
        "before\n"
        "it issues, and issues what was approved; with `grace_days` it waits for sources (--at: "
        "now,\n"
        "else the latest event). pay notes a payment, once a reference; below 0 it was paid back.\n"
        "what is open below 0 on a bill is taken off the next ones, unless `credit: open`.\n"
        "void drops a draft, or takes back all of an issued bill by a credit note. dunning tells\n"
        "the fronts which bills are not paid so many days after they were due, each step once.\n"
        "settle tells the running engine what bills took from prepaid balances (`billing:\n"
        "prepaid_fees`); a run that issues does it too where an engine runs.\n"
        "Exit 1 when an account failed, usage belongs to nobody, or an issued invoice no longer\n"
        "matches the journal.\n",
    .run = bill_run,
};
