/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bill_lookup.h"
#include "cli/cli.h"
#include "cli/explain_due.h"
#include "cli/explain_line.h"

#include "base/money.h"
#include "bill/explain.h"
#include "bill/explain_tax.h"
#include "bill/text.h"
#include "doc/json.h"
#include "plug/registry.h"
#include "store/documents.h"

#include <string.h>

#define ROWS_SHOWN 20u /* Sentences without --all; JSON always has every row. */

extern const struct tg_verb tg_verb_explain;

struct options {
    const char *subject;
    const char *data;
    bool is_json;
    bool is_all;
};

/* What the rows of a question add up to. */
struct answer {
    const struct options *options;
    const struct tg_catalog_snapshot *catalog;
    struct tg_json *rows; /* NULL: as text. */
    uint64_t rows_count;
    uint64_t differ_count;
    __int128 amount; /* As journaled. */
    __int128 stands; /* With adjustments. */
    uint16_t currency;
};

static int options_read(int argc, char **argv, struct options *options)
{
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i];
        if ((strcmp(arg, "--data") == 0 || strcmp(arg, "--plugin") == 0) && i + 1 == argc) {
            return tg_cli_usage(&tg_verb_explain, "%s wants a value", arg);
        }
        if (strcmp(arg, "--data") == 0) {
            options->data = argv[++i];
        } else if (strcmp(arg, "--plugin") == 0) {
            struct tg_why why = {.text = ""};
            if (tg_plug_load(argv[++i], &why) != TG_OK) {
                return tg_cli_problem(&tg_verb_explain, "plug-in refused: %s", why.text);
            }
        } else if (strcmp(arg, "--json") == 0) {
            options->is_json = true;
        } else if (strcmp(arg, "--all") == 0) {
            options->is_all = true;
        } else if (arg[0] == '-') {
            return tg_cli_usage(&tg_verb_explain, "unknown option '%s'", arg);
        } else if (options->subject == NULL) {
            options->subject = arg;
        } else {
            return tg_cli_usage(&tg_verb_explain, "'%s' is too many", arg);
        }
    }
    if (options->subject == NULL || options->data == NULL) {
        return tg_cli_usage(&tg_verb_explain, "give a line or row, and --data DIR");
    }
    return TG_EXIT_OK;
}

static enum tg_err row_tell(void *context, const struct tg_replay_row *row)
{
    struct answer *answer = context;
    answer->rows_count++;
    answer->differ_count += tg_explain_differs(row);
    answer->amount += row->stored->amount;
    answer->stands += row->stands->amount;
    answer->currency = row->stands->currency;
    if (answer->rows != NULL) {
        tg_json_append(answer->rows, tg_explain_row_json(answer->catalog, row));
        return TG_OK;
    }
    if (answer->rows_count <= ROWS_SHOWN || answer->options->is_all) {
        char text[2048];
        tg_explain_row_text(answer->catalog, row, text, sizeof text);
        (void)printf("%s\n", text);
    }
    return TG_OK;
}

static void money_text(const struct answer *answer, __int128 amount, char text[TG_MONEY_TEXT_BYTES])
{
    const struct tg_currency *currency = tg_currency_by_numeric(answer->currency);
    (void)tg_money_format((int64_t)amount, currency != NULL ? currency->scale : 0,
                          currency != NULL ? currency->minor : 0, text);
}

/* Taxes of the line, by its bill. */
static struct tg_json *line_taxes(const struct answer *answer, const struct tg_cli_line *found)
{
    const char *subscription = tg_json_get_text(found->line, "x_subscription", "");
    return tg_explain_line_tax_json(answer->catalog, found->bill, found->line,
                                    tg_cli_subscriber_find(answer->catalog, subscription));
}

/* The line as it is printed, in one sentence, and one for each of its taxes. */
static void line_text(const struct answer *answer, const struct tg_cli_line *found)
{
    const struct tg_json *line = found->line;
    const char *kind = tg_json_get_text(line, "x_kind", "?");
    (void)printf("Line %u of %s (%s): %s of %s, product %s", found->index + 1,
                 tg_json_get_text(found->bill, "billNo", "draft"), found->bill_id, kind,
                 tg_json_get_text(line, "x_subscription", "?"),
                 tg_json_get_text(line, "product", "?"));
    if (tg_json_get(line, "x_rows") != NULL) {
        const char *band = tg_json_get_text(line, "x_band", "");
        const long long crossing = (long long)tg_json_get_integer(line, "x_rowsAcrossBands", 0);
        const char *zone = tg_json_get_text(line, "x_zone", "");
        const long long rows = (long long)tg_json_get_integer(line, "x_rows", 0);
        (void)printf(", %s%s%s%s%s, price %s: %lld rows, %lld %s billed, %lld by allowance",
                     tg_json_get_text(line, "x_service", "?"), zone[0] != '\0' ? ", zone " : "",
                     zone, band[0] != '\0' ? ", band " : "", band,
                     tg_json_get_text(line, "x_price", "?"), rows,
                     (long long)tg_json_get_integer(line, "x_billedUnits", 0),
                     tg_json_get_text(line, "x_unit", ""),
                     (long long)tg_json_get_integer(line, "x_allowanceUnits", 0));
        if (crossing > 0) {
            (void)printf("; %lld of the rows begin in the band and go on into others", crossing);
        }
    } else {
        char text[1024];
        struct tg_bill_text out = tg_bill_text(text, sizeof text);
        tg_cli_line_terms(&out, answer->catalog, found);
        (void)fputs(text, stdout);
    }
    const struct tg_json *rounding = tg_json_get(found->bill, "x_rounding");
    const bool is_each = strcmp(tg_json_get_text(rounding, "parts", ""), "each") == 0;
    (void)printf("; exactly %s, tax %s; ", tg_json_get_text(line, "x_exactAmount", "?"),
                 tg_json_get_text(line, "taxCategory", "?"));
    (void)printf(is_each ? "the line is rounded by itself (%s).\n"
                         : "the sum of the category is rounded once (%s) and shared by largest "
                           "remainder.\n",
                 tg_json_get_text(rounding, "mode", "?"));
    struct tg_json *taxes = line_taxes(answer, found);
    char text[4096];
    struct tg_bill_text out = tg_bill_text(text, sizeof text);
    tg_explain_line_tax_text(&out, taxes);
    (void)fputs(text, stdout);
    tg_json_free(taxes);
}

/* The line's only conversion: its rows add up to what went in. */
static void sum_text(const struct answer *answer, const struct tg_cli_line *found,
                     const char *amount, const char *verdict)
{
    const struct tg_json *exchange = tg_json_get(found->line, "x_exchange");
    (void)printf("%llu rows sum to %s", (unsigned long long)answer->rows_count, amount);
    if (exchange != NULL) {
        (void)printf(
            " %s, converted once by rate %s (%s) to %s", tg_json_get_text(exchange, "from", "?"),
            tg_json_get_text(exchange, "rateId", "?"), tg_json_get_text(exchange, "rate", "?"),
            tg_json_get_text(found->line, "x_exactAmount", "?"));
    }
    (void)printf(": %s\n", verdict);
}

static int answer_finish(const struct answer *answer, const struct tg_cli_line *found)
{
    char amount[TG_MONEY_TEXT_BYTES];
    const bool is_adjustment =
        found != NULL && strcmp(tg_json_get_text(found->line, "x_kind", ""), "adjustment") == 0;
    money_text(answer,
               is_adjustment   ? answer->stands - answer->amount
               : found != NULL ? answer->amount
                               : answer->stands,
               amount);
    /* Rows of a line that changed currency add up to what was converted. */
    const struct tg_json *exchange = found != NULL ? tg_json_get(found->line, "x_exchange") : NULL;
    const char *wanted = exchange != NULL ? tg_json_get_text(exchange, "exactAmount", NULL)
                         : found != NULL  ? tg_json_get_text(found->line, "x_exactAmount", NULL)
                                          : NULL;
    const bool is_fee = found != NULL && tg_json_get(found->line, "x_rows") == NULL;
    const bool matches = wanted == NULL || is_adjustment || is_fee || strcmp(wanted, amount) == 0;
    if (answer->rows != NULL) {
        struct tg_json *json = tg_json_object();
        if (found != NULL) {
            tg_json_set_string(json, "bill", found->bill_id);
            tg_json_set_string(json, "number", tg_json_get_text(found->bill, "billNo", NULL));
            tg_json_set_integer(json, "line_number", found->index + 1);
            /* A JSON number read back is a binary fraction: x_exactAmount is the amount. */
            struct tg_json *line = tg_json_share((struct tg_json *)(uintptr_t)found->line);
            tg_json_remove(line, "taxExcludedAmount");
            tg_json_set(json, "line", line);
            tg_json_set(json, "taxes", line_taxes(answer, found));
        }
        tg_json_set_integer(json, "rows_count", (int64_t)answer->rows_count);
        tg_json_set_string(json, "amount", is_fee ? wanted : amount);
        tg_json_set_bool(json, "matches_line", matches);
        tg_json_set_integer(json, "rows_that_differ", (int64_t)answer->differ_count);
        tg_json_set(json, "rows", answer->rows);
        (void)tg_json_print(json, false, stdout);
        (void)fputc('\n', stdout);
        tg_json_free(json);
    } else {
        if (answer->rows_count > ROWS_SHOWN && !answer->options->is_all) {
            (void)printf("... and %llu more rows: --all or --json shows them\n",
                         (unsigned long long)(answer->rows_count - ROWS_SHOWN));
        }
        if (found != NULL) {
            const bool is_sum = wanted != NULL && strcmp(wanted, amount) == 0;
            sum_text(answer, found, amount,
                     is_sum          ? "the line"
                     : is_adjustment ? "with corrections that are on other bills"
                                     : "NOT THE LINE");
        }
        if (answer->differ_count > 0) {
            (void)printf("%llu rows differ from what their catalog version gives now\n",
                         (unsigned long long)answer->differ_count);
        }
    }
    return matches && answer->differ_count == 0 ? TG_EXIT_OK : TG_EXIT_PROBLEM;
}

static int explain_rows(struct answer *answer, const struct tg_explain_ref *ref, uint32_t account,
                        const struct tg_cli_line *found)
{
    struct tg_why why = {.text = ""};
    struct tg_explain_params params = {.size_bytes = sizeof params,
                                       .account = account,
                                       .data_dir = answer->options->data,
                                       .catalog = answer->catalog,
                                       .ref = *ref,
                                       .visit = row_tell,
                                       .context = answer};
    enum tg_err err =
        found != NULL ? tg_state_open(params.data_dir, true, 0, &params.state, &why) : TG_OK;
    err = err == TG_OK ? tg_explain_run(&params, &why) : err;
    tg_db_close(params.state);
    if (err != TG_OK) {
        tg_json_free(answer->rows);
        return tg_cli_problem(&tg_verb_explain, "%s",
                              why.text[0] != '\0' ? why.text : tg_err_sentence(err));
    }
    return answer_finish(answer, found);
}

static int explain_row(struct answer *answer, struct tg_explain_ref *ref)
{
    struct tg_why why = {.text = ""};
    struct tg_explain_found row;
    enum tg_err err = tg_explain_find(answer->options->data, ref, &row, &why);
    if (err == TG_OK && tg_row_is_adjustment(&row.usage)) {
        /* An adjustment is explained by what it corrects. */
        *ref = (struct tg_explain_ref){.kind = TG_EXPLAIN_KEY, .record_key = row.usage.peer_key};
        err = tg_explain_find(answer->options->data, ref, &row, &why);
    }
    if (err != TG_OK) {
        return tg_cli_problem(&tg_verb_explain, "%s",
                              why.text[0] != '\0' ? why.text : tg_err_sentence(err));
    }
    const struct tg_roster_line *who =
        tg_roster_line(answer->catalog->roster, row.charge.subscriber);
    if (row.charge.fate != TG_FATE_RATED || who == NULL) {
        return tg_cli_problem(
            &tg_verb_explain, "row %llu:%u is %s, so it costs nothing: %s",
            (unsigned long long)row.epoch, row.index, tg_fate_name(row.charge.fate),
            row.charge.reason == TG_OK ? "not in the roster" : tg_err_sentence(row.charge.reason));
    }
    *ref = (struct tg_explain_ref){.kind = TG_EXPLAIN_PLACE,
                                   .epoch = row.epoch,
                                   .index = row.index,
                                   .from_ns = row.usage.start_ns,
                                   .to_ns = row.usage.start_ns + 1};
    return explain_rows(answer, ref, who->account, NULL);
}

static int explain_line(struct answer *answer)
{
    struct tg_cli_line found;
    struct tg_explain_ref ref;
    uint32_t account = 0;
    int code =
        tg_cli_line_find(&tg_verb_explain, answer->options->data, answer->options->subject, &found);
    if (code != TG_EXIT_OK) {
        tg_json_free(answer->rows);
        return code;
    }
    if (answer->rows == NULL) {
        line_text(answer, &found);
    }
    if (tg_json_get(found.line, "x_rows") == NULL) {
        if (answer->rows != NULL) {
            code = answer_finish(answer, &found);
        }
        tg_json_free(found.bill);
        return code;
    }
    code = tg_cli_line_ref(&tg_verb_explain, answer->catalog, &found, &ref, &account);
    if (code == TG_EXIT_OK) {
        code = explain_rows(answer, &ref, account, &found);
    } else {
        tg_json_free(answer->rows);
    }
    tg_json_free(found.bill);
    return code;
}

static int explain_run(int argc, char **argv)
{
    struct options options = {.subject = NULL};
    int code = options_read(argc, argv, &options);
    if (code != TG_EXIT_OK) {
        return code;
    }
    if (tg_cli_due_asked(options.subject)) {
        return tg_cli_due_explain(&tg_verb_explain, options.data, options.subject, options.is_json);
    }
    struct tg_why why = {.text = ""};
    struct tg_catalog_snapshot *catalog = NULL;
    if (tg_catalog_open(options.data, &catalog, &why) != TG_OK) {
        return tg_cli_problem(&tg_verb_explain, "%s", why.text);
    }
    struct answer answer = {.options = &options, .catalog = catalog};
    answer.rows = options.is_json ? tg_json_list() : NULL;
    struct tg_explain_ref ref;
    if (tg_explain_ref_parse(options.subject, &ref)) {
        code = explain_row(&answer, &ref);
    } else {
        code = explain_line(&answer);
    }
    tg_catalog_close(catalog);
    return code;
}

const struct tg_verb tg_verb_explain = {
    .name = "explain",
    .summary = "say why an invoice line or a row costs what it costs",
    .usage =
        "usage: tollgate explain NUMBER:LINE | BILL:LINE | RATE | BILL:due | EPOCH:INDEX |\n"
        "                        RECORD-KEY\n"
        "                        --data DIR [--json] [--all] [--plugin FILE.so]...\n\n"
        "A line (INV-2026-00000001:2, B-2026-10-A1:2, or the id of its applied rate) is explained\n"
        "by the rows behind it; a row (its place in the journal, or its record key of 16\n"
        "hexadecimal digits) by prefix, zone, bands, increments, allowances, steps, rounding and\n"
        "tax. BILL:due says what a bill asks for: total, balance, rounding to coins, notes and\n"
        "payments. Each row is priced again with the catalog version that priced it. Exit 1 when\n"
        "a charge differs from that, or the rows do not sum to the line.\n",
    .run = explain_run,
};
