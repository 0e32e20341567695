/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memmem */

#include "cli/bill_list.h"
#include "cli/bill_lifecycle.h"
#include "cli/cli.h"

#include "base/clock.h"
#include "base/money.h"
#include "bill/cycle.h"
#include "bill/render.h"
#include "bill/reprint.h"
#include "bill/standing.h"
#include "catalog/catalog.h"
#include "doc/json.h"
#include "store/documents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
static enum tg_err bill_print(const struct tg_cli_bill_ask *ask, struct tg_txn *txn, const char *id)
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
    if (err == TG_OK && ask->is_json) {
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
    const struct tg_cli_bill_ask *ask;
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
    if (find->ask->is_json) {
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

/* Is a bill or note of the month or week that its cycle closes in? B-2026-10-a,
 * B-20260915-20261015-a; of several cycles that end with a month B-20261001-20270101-a; of several
 * weeks it says so itself. */
static bool id_is_of_period(const char *id, uint32_t weeks, const char *period)
{
    char start[16];
    char end[16];
    char found[TG_BILL_PERIOD_BYTES];
    int64_t start_ns = 0;
    int64_t end_ns = 0;
    id += strncmp(id, "N-", 2) == 0 ? 2 : 0;
    if (strncmp(id, "B-", 2) != 0) {
        return false;
    }
    id += 2;
    if (weeks == 0 && strncmp(id, period, 7) == 0 && id[7] == '-') {
        return true;
    }
    if (weeks != 0 && id[4] == '-') { /* Four of them are February. */
        (void)snprintf(start, sizeof start, "%.7s-01", id);
        if (tg_clock_parse(start, strlen(start), &start_ns) != TG_OK) {
            return false;
        }
        tg_bill_period_print(
            tg_bill_period_number(start_ns, start_ns + 7 * weeks * TG_NS_PER_DAY, weeks), found);
        return strcmp(found, period) == 0;
    }
    if (strspn(id, "0123456789") != 8 || id[8] != '-' || strspn(id + 9, "0123456789") != 8) {
        return false;
    }
    (void)snprintf(start, sizeof start, "%.4s-%.2s-%.2s", id, id + 4, id + 6);
    (void)snprintf(end, sizeof end, "%.4s-%.2s-%.2s", id + 9, id + 13, id + 15);
    if (tg_clock_parse(start, strlen(start), &start_ns) != TG_OK ||
        tg_clock_parse(end, strlen(end), &end_ns) != TG_OK) {
        return false;
    }
    tg_bill_period_print(tg_bill_period_number(start_ns, end_ns, weeks), found);
    return strcmp(found, period) == 0;
}

bool tg_cli_bill_is_wanted(const struct tg_cli_bill_ask *ask, const struct tg_document *document)
{
    struct tg_json *json = NULL;
    bool is_wanted = true;
    /* Cycles of weeks say so; of all others the id alone tells, of a million unread. */
    const bool has_weeks = ask->period != NULL && memmem(document->json, document->json_bytes,
                                                         "weeks\"", strlen("weeks\"")) != NULL;
    if ((ask->account != NULL || has_weeks) &&
        tg_json_parse(document->json, document->json_bytes, &json, NULL) != TG_OK) {
        return false;
    }
    if (ask->account != NULL) {
        const char *issued = tg_json_get_text(json, "account", "");
        is_wanted = strcmp(tg_json_get_text(tg_json_get(json, "billingAccount"), "id", issued),
                           ask->account) == 0;
    }
    if (ask->period != NULL) {
        const int64_t weeks =
            tg_json_get_integer(json, "weeks", tg_json_get_integer(json, "x_weeks", 0));
        is_wanted &= id_is_of_period(document->id, (uint32_t)weeks, ask->period);
    }
    tg_json_free(json);
    return is_wanted;
}

static bool list_print(void *context, const struct tg_document *document)
{
    struct find *find = context;
    struct tg_json *json = NULL;
    if (!tg_cli_bill_is_wanted(find->ask, document)) {
        return true;
    }
    if (find->ask->is_full) {
        (void)printf("%.*s\n", (int)document->json_bytes, document->json);
        return true;
    }
    if (find->ask->is_drafts) {
        find->err = bill_print(find->ask, find->txn, document->id);
        return find->err == TG_OK;
    }
    if (tg_json_parse(document->json, document->json_bytes, &json, NULL) == TG_OK) {
        issued_print(find, document, json);
    }
    tg_json_free(json);
    return true;
}

static int bill_list(const struct tg_cli_bill_ask *ask, struct tg_txn *txn)
{
    struct find find = {.ask = ask, .txn = txn, .err = TG_OK};
    int64_t start_ns = 0;
    int64_t end_ns = 0;
    if (ask->period != NULL && tg_bill_period_parse(ask->period, &start_ns, &end_ns) != TG_OK) {
        return tg_cli_usage(ask->verb, "--period wants YYYY-MM or YYYY-Www, not '%s'", ask->period);
    }
    const char *collection = ask->is_drafts ? "billDraft"
                             : ask->is_full ? "customerBill"
                                            : "billIssued";
    enum tg_err err = tg_documents_visit(txn, collection, NULL, list_print, &find, NULL);
    err = err == TG_OK ? find.err : err;
    return err == TG_OK ? TG_EXIT_OK : tg_cli_problem(ask->verb, "%s", tg_err_sentence(err));
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
    if (strcmp(tg_json_get_text(account, "id", ""), find->ask->subject) == 0) {
        if (find->found_count > 0 && !find->ask->is_json) {
            (void)fputc('\n', stdout);
        }
        find->found_count++;
        find->err = bill_print(find->ask, find->txn, document->id);
    }
    tg_json_free(json);
    return find->err == TG_OK;
}

static int bill_show(const struct tg_cli_bill_ask *ask, struct tg_txn *txn)
{
    if (ask->subject == NULL) {
        return tg_cli_usage(ask->verb, "show what? a number, a bill's id or an account");
    }
    struct tg_bytes json = {NULL, 0};
    struct tg_json *number = NULL;
    enum tg_err err = tg_documents_get(txn, "billNumber", ask->subject, &json);
    if (err == TG_OK) {
        err = tg_json_parse(json.at, json.length_bytes, &number, NULL);
    }
    const char *id = err == TG_OK ? tg_json_get_text(number, "bill", "") : ask->subject;
    err = bill_print(ask, txn, id);
    tg_json_free(number);
    if (err == TG_E_NOT_FOUND) {
        struct find find = {.ask = ask, .txn = txn, .err = TG_OK};
        err = tg_documents_visit(txn, "customerBill", NULL, account_print, &find, NULL);
        if (err == TG_OK && find.err == TG_OK) {
            err = tg_documents_visit(txn, "billDraft", NULL, account_print, &find, NULL);
        }
        err = find.err != TG_OK ? find.err : err;
        err = err == TG_OK && find.found_count == 0 ? TG_E_NOT_FOUND : err;
    }
    if (err == TG_E_NOT_FOUND) {
        return tg_cli_problem(ask->verb, "no bill, number or account is called '%s'", ask->subject);
    }
    return err == TG_OK ? TG_EXIT_OK : tg_cli_problem(ask->verb, "%s", tg_err_sentence(err));
}

int tg_cli_bill_read(const struct tg_cli_bill_ask *ask, bool is_list)
{
    struct tg_why why = {.text = ""};
    struct tg_db *state = NULL;
    if (tg_state_open(ask->data, true, 0, &state, &why) != TG_OK) {
        return tg_cli_problem(ask->verb, "%s", why.text);
    }
    struct tg_txn txn;
    tg_txn_begin(&txn, state, false);
    const int code = is_list ? bill_list(ask, &txn) : bill_show(ask, &txn);
    tg_txn_abort(&txn);
    tg_db_close(state);
    return code;
}

/* One bill of a run from files; with --issue only issued ones are there, else only drafts. */
static bool files_bill_print(void *context, const struct tg_document *document)
{
    struct find *find = context;
    if (find->found_count++ > 0 && !find->ask->is_json) {
        (void)fputc('\n', stdout);
    }
    find->err = bill_print(find->ask, find->txn, document->id);
    return find->err == TG_OK;
}

int tg_cli_bill_print_all(const struct tg_cli_bill_ask *ask)
{
    struct tg_why why = {.text = ""};
    struct tg_db *state = NULL;
    if (tg_state_open(ask->data, true, 0, &state, &why) != TG_OK) {
        return tg_cli_problem(ask->verb, "%s", why.text);
    }
    struct tg_txn txn;
    tg_txn_begin(&txn, state, false);
    struct find find = {.ask = ask, .txn = &txn, .err = TG_OK};
    const enum tg_err err = tg_documents_visit(&txn, ask->issues ? "customerBill" : "billDraft",
                                               NULL, files_bill_print, &find, NULL);
    tg_txn_abort(&txn);
    tg_db_close(state);
    if (err == TG_OK && find.found_count == 0) {
        (void)fprintf(stderr,
                      "no account has anything on a bill of %s; a bill is of the cycle that ends "
                      "in its month\n",
                      ask->period);
    }
    return err == TG_OK && find.err == TG_OK
               ? TG_EXIT_OK
               : tg_cli_problem(ask->verb, "%s", tg_err_sentence(err != TG_OK ? err : find.err));
}
