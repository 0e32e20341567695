/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bill_entry.h"

#include "base/clock.h"
#include "base/money.h"
#include "bill/charge_list.h"
#include "bill/close.h"
#include "bill/cycle.h"
#include "bill/note.h"
#include "catalog/catalog.h"
#include "cli/bill_lookup.h"
#include "store/documents.h"

#include <stdlib.h>
#include <string.h>

static int charge_read(const struct tg_verb *verb, const struct tg_cli_bill_entry *entry,
                       const struct tg_catalog_snapshot *catalog, struct tg_bill_charge *charge)
{
    *charge = (struct tg_bill_charge){.amount = 0};
    charge->subscriber = tg_cli_subscriber_find(catalog, entry->subscription);
    if (charge->subscriber == TG_SUBSCRIBER_NONE) {
        return tg_cli_problem(verb, "nobody is called '%s'", entry->subscription);
    }
    const uint32_t account = catalog->roster->lines[charge->subscriber].account;
    charge->currency = catalog->roster->accounts[account].currency;
    const struct tg_currency *currency = tg_currency_by_numeric(charge->currency);
    if (currency == NULL || tg_money_parse(entry->amount, strlen(entry->amount), currency->scale,
                                           &charge->amount) != TG_OK) {
        return tg_cli_usage(verb, "--amount wants a decimal number, not '%s'", entry->amount);
    }
    if (tg_clock_parse(entry->date, strlen(entry->date), &charge->date_ns) != TG_OK) {
        return tg_cli_usage(verb, "--date wants YYYY-MM-DD, not '%s'", entry->date);
    }
    if (strlen(entry->date) == strlen("YYYY-MM-DD")) { /* The day as it is where the account is. */
        const struct tg_bill_cycle cycle = tg_bill_cycle_of(catalog, account);
        charge->date_ns =
            tg_zone_utc_ns(tg_bill_cycle_zone(&cycle, charge->date_ns), charge->date_ns);
    }
    if (strlen(entry->id) >= sizeof charge->id || strlen(entry->title) >= sizeof charge->title) {
        return tg_cli_usage(verb, "--id and --title are too long");
    }
    (void)snprintf(charge->id, sizeof charge->id, "%s", entry->id);
    (void)snprintf(charge->title, sizeof charge->title, "%s", entry->title);
    return TG_EXIT_OK;
}

int tg_cli_bill_charge(const struct tg_verb *verb, const struct tg_cli_bill_entry *entry)
{
    if (entry->subscription == NULL || entry->amount == NULL || entry->date == NULL ||
        entry->id == NULL || entry->title == NULL) {
        return tg_cli_usage(verb, "give --subscription, --amount, --date, --id and --title");
    }
    struct tg_why why = {.text = ""};
    struct tg_catalog_snapshot *catalog = NULL;
    struct tg_db *state = NULL;
    struct tg_bill_closes closes = {.count = 0};
    struct tg_bill_charge charge;
    int code = TG_EXIT_OK;
    enum tg_err err = tg_catalog_open(entry->data, &catalog, &why);
    if (err == TG_OK) {
        code = charge_read(verb, entry, catalog, &charge);
    }
    if (err == TG_OK && code == TG_EXIT_OK) {
        err = tg_state_open(entry->data, false, 0, &state, &why);
        err = err == TG_OK
                  ? tg_bill_closes_load(state, tg_bill_month(charge.date_ns), &closes, &why)
                  : err;
        err = err == TG_OK ? tg_bill_charge_enter(state, catalog, &closes, &charge, &why) : err;
    }
    tg_bill_closes_free(&closes);
    tg_db_close(state);
    tg_catalog_close(catalog);
    if (err != TG_OK) {
        return tg_cli_problem(verb, "%s", why.text[0] != '\0' ? why.text : tg_err_sentence(err));
    }
    if (code == TG_EXIT_OK) {
        (void)printf("charge %s: %s for %s on %s\n", entry->id, entry->amount, entry->subscription,
                     entry->date);
    }
    return code;
}

int tg_cli_bill_note(const struct tg_verb *verb, const struct tg_cli_bill_entry *entry,
                     bool is_debit)
{
    if (entry->subject == NULL || entry->title == NULL || entry->date == NULL ||
        entry->id == NULL) {
        return tg_cli_usage(verb, "give the invoice, --id, --date and --title (the reason)");
    }
    char bill[TG_BILL_ID_BYTES];
    struct tg_bill_note_params params = {.size_bytes = sizeof params,
                                         .line_index = -1,
                                         .bill = bill,
                                         .name = entry->id,
                                         .reason = entry->title,
                                         .amount = entry->amount,
                                         .legal_entity = entry->entity,
                                         .is_debit = is_debit};
    (void)snprintf(bill, sizeof bill, "%s", entry->subject);
    char *colon = strrchr(bill, ':');
    if (colon != NULL) {
        char *end = NULL;
        const unsigned long line = strtoul(colon + 1, &end, 10);
        if (end == colon + 1 || *end != '\0' || line == 0 || line > TG_BILL_NOTE_LINES_MAX) {
            return tg_cli_usage(verb, "'%s' names no line", entry->subject);
        }
        params.line_index = (int32_t)line - 1;
        *colon = '\0';
    }
    if (tg_clock_parse(entry->date, strlen(entry->date), &params.issued_ns) != TG_OK) {
        return tg_cli_usage(verb, "--date wants YYYY-MM-DD, not '%s'", entry->date);
    }
    struct tg_why why = {.text = ""};
    struct tg_db *state = NULL;
    char number[TG_BILL_NUMBER_BYTES];
    enum tg_err err = tg_state_open(entry->data, false, 0, &state, &why);
    err = err == TG_OK ? tg_bill_note_issue(state, &params, number, &why) : err;
    tg_db_close(state);
    if (err != TG_OK) {
        return tg_cli_problem(verb, "%s", why.text[0] != '\0' ? why.text : tg_err_sentence(err));
    }
    (void)printf("%s\n", number);
    return TG_EXIT_OK;
}
