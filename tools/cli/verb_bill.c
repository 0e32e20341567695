/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bill_entry.h"
#include "cli/bill_files.h"
#include "cli/bill_lifecycle.h"
#include "cli/bill_list.h"
#include "cli/bill_report.h"
#include "cli/bill_residual.h"
#include "cli/bill_settle.h"
#include "cli/cli.h"

#include "base/clock.h"
#include "bill/bill.h"
#include "bill/crew.h"
#include "bill/cycle.h"
#include "bill/period.h"
#include "catalog/catalog.h"
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
    const char *until;     /* run: up to when, an interim bill. */
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
                 {"--at", &options->at},
                 {"--until", &options->until}};
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
    if (!options->is_quiet) {
        const struct tg_cli_bill_report report = {.data = options->data,
                                                  .period = options->period,
                                                  .stats = &stats,
                                                  .issues = options->issues,
                                                  .is_json = options->is_json};
        tg_cli_bill_report(&report);
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
                                    .keeps_date = options->date == NULL,
                                    .threads_count = threads_of(options->threads),
                                    .follows_cycle_days = true};
    if (params.threads_count == 0) {
        return tg_cli_usage(&tg_verb_bill, "--threads wants 1..%u", TG_BILL_THREADS_MAX);
    }
    if (options->period == NULL || tg_bill_period_parse(options->period, &params.period_start_ns,
                                                        &params.period_end_ns) != TG_OK) {
        return tg_cli_usage(&tg_verb_bill, "give --period YYYY-MM or YYYY-Www");
    }
    /* The date is that of the run before, else the end of the period, unless told: the same run
     * gives the same bytes any day. */
    params.issued_ns = params.period_end_ns;
    if (options->date != NULL &&
        tg_clock_parse(options->date, strlen(options->date), &params.issued_ns) != TG_OK) {
        return tg_cli_usage(&tg_verb_bill, "--date wants YYYY-MM-DD, not '%s'", options->date);
    }
    if (options->until != NULL &&
        (options->account == NULL || strlen(options->until) != 10 ||
         tg_clock_parse(options->until, strlen(options->until), &params.until_ns) != TG_OK)) {
        return tg_cli_usage(&tg_verb_bill, "--until wants YYYY-MM-DD, and --account");
    }
    if (options->date == NULL && options->until != NULL) {
        params.issued_ns = params.until_ns;
    }
    if (options->at != NULL &&
        tg_clock_parse(options->at, strlen(options->at), &params.at_ns) != TG_OK) {
        return tg_cli_usage(&tg_verb_bill, "--at wants a date or time, not '%s'", options->at);
    }
    return run_with(options, &params);
}

static struct tg_cli_bill_ask ask_of(const struct options *options)
{
    return (struct tg_cli_bill_ask){.verb = &tg_verb_bill,
                                    .data = options->data,
                                    .subject = options->subject,
                                    .period = options->period,
                                    .account = options->account,
                                    .is_drafts = options->is_drafts,
                                    .is_full = options->is_full,
                                    .is_json = options->is_json,
                                    .issues = options->issues};
}

/* One run a month, or week, so that each finds what those before it have charged. */
static int months_make(struct options *options, int64_t first_ns, int64_t first_end_ns,
                       int64_t end_ns)
{
    int code = TG_EXIT_OK;
    const char *asked = options->period;
    char period[TG_BILL_PERIOD_BYTES];
    const uint32_t first = tg_bill_period_number(first_ns, first_end_ns, 0);
    for (uint32_t number = first; tg_bill_period_start_ns(number) < end_ns; number++) {
        tg_bill_period_print(number, period);
        options->period = period;
        const int made = bill_make(options);
        code = code == TG_EXIT_OK ? made : code;
        if (made == TG_EXIT_USAGE) {
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
        return tg_cli_usage(&tg_verb_bill, "give --period YYYY-MM or YYYY-Www");
    }
    int64_t first_ns = start_ns;
    int64_t first_end_ns = end_ns;
    if (options->from != NULL &&
        (tg_bill_period_parse(options->from, &first_ns, &first_end_ns) != TG_OK ||
         first_ns > start_ns || strlen(options->from) != strlen(options->period))) {
        return tg_cli_usage(&tg_verb_bill,
                            "--from wants YYYY-MM or YYYY-Www as --period, and not after it");
    }
    options->issues |= options->from != NULL;
    const int quoted =
        tg_cli_bill_files_open(&tg_verb_bill, options->catalog, options->usage, dir, &is_open);
    options->data = dir;
    options->is_quiet = true;
    /* What is wrong has been told; of a catalog that is none there are no bills to fail. */
    int code = is_open ? months_make(options, first_ns, first_end_ns, end_ns) : quoted;
    if (is_open) {
        const struct tg_cli_bill_ask ask = ask_of(options);
        const int printed = tg_cli_bill_print_all(&ask);
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
    if (strcmp(options.action, "residuals") == 0) {
        const struct tg_cli_bill_ask ask = ask_of(&options);
        return tg_cli_bill_residuals(&ask);
    }
    if (strcmp(options.action, "list") == 0 || strcmp(options.action, "show") == 0) {
        const struct tg_cli_bill_ask ask = ask_of(&options);
        return tg_cli_bill_read(&ask, strcmp(options.action, "list") == 0);
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
        "usage: tollgate bill run  --data DIR --period YYYY-MM|YYYY-Www [--issue] [--account ID] "
        "[--json]\n"
        "                          [--date YYYY-MM-DD] [--entity NAME] [--series PREFIX]\n"
        "                          [--until YYYY-MM-DD] [--threads N] [--progress]\n"
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
        "       tollgate bill settle --data DIR [--json]\n"
        "       tollgate bill residuals --data DIR [--period YYYY-MM] [--account ID] [--json]\n\n"
        "run computes the invoices of a month from the journal: of the cycle of each account that\n"
        "ends in it (cycle_day 15: from the 15th before to its 14th), with bill_period quarter "
        "of\n"
        "the three up to it; of a week, 2026-W14, those of accounts with bill_period week.\n"
        "Without --issue they are drafts;\n"
        "with it each gets the next number, for ever: running again changes no issued invoice.\n"
        "Numbers are gapless by legal entity, series and year of --date: those of the account in\n"
        "the catalog (`legal_entities`), else --entity (default: default) and --series (INV).\n"
        "One of another entity than default is named ENTITY/NUMBER. Without --date bills\n"
        "have that of the run of the period before, of drafts too, else the end of the period.\n"
        "The first issuing run closes the month: what comes later is on the next bill.\n"
        "With --until, and --account, it is an interim bill: usage and charges of the cycle "
        "before\n"
        "that day, which the bill of the cycle takes off again, line by tax; fees are on that.\n"
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
        "What is open below 0 on a bill is taken off the next ones, unless `credit: open`.\n"
        "void drops a draft, or takes back all of an issued bill by a credit note; the next run "
        "of\n"
        "its period bills that again, under a new number that names the voided one. What was paid\n"
        "is credit then. A bill that is taken back for good is credited instead. dunning tells\n"
        "the fronts which bills are not paid so many days after they were due, each step once.\n"
        "settle tells the running engine what bills took from prepaid balances (`billing:\n"
        "prepaid_fees`); a run that issues does it too where an engine runs.\n"
        "residuals says of each price what its charges came to, each rounded by itself, what they\n"
        "are exactly, and what that is rounded once: what `decimals`, `rating_digits` and\n"
        "`rounding` make of the bills of a period, and `carry_remainder` would not.\n"
        "Exit 1 when an account failed, usage belongs to nobody, or an issued invoice no longer\n"
        "matches the journal.\n",
    .run = bill_run,
};
