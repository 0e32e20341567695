/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memmem */
#include "cli/bill_lifecycle.h"

#include "base/clock.h"
#include "base/money.h"
#include "bill/close.h"
#include "bill/cycle.h"
#include "bill/dunning.h"
#include "bill/interim.h"
#include "bill/note.h"
#include "bill/period.h"
#include "bill/standing.h"
#include "catalog/catalog.h"
#include "cli/bill_lookup.h"
#include "doc/json.h"
#include "store/documents.h"

#include <stdlib.h>
#include <string.h>

static int problem(const struct tg_verb *verb, enum tg_err err, const struct tg_why *why)
{
    return tg_cli_problem(verb, "%s", why->text[0] != '\0' ? why->text : tg_err_sentence(err));
}

static void json_print(struct tg_json *json)
{
    (void)tg_json_print(json, false, stdout);
    (void)fputc('\n', stdout);
    tg_json_free(json);
}

static bool date_read(const char *text, int64_t *time_ns)
{
    return text != NULL && tg_clock_parse(text, strlen(text), time_ns) == TG_OK;
}

static int approve_run(const struct tg_verb *verb, const struct tg_cli_bill_step *step)
{
    struct tg_why why = {.text = ""};
    struct tg_catalog_snapshot *catalog = NULL;
    struct tg_db *state = NULL;
    int64_t start_ns = 0;
    int64_t end_ns = 0;
    struct tg_bill_approval approval = {.size_bytes = sizeof approval,
                                        .account = TG_ACCOUNT_NONE,
                                        .account_name = step->account,
                                        .by = step->by != NULL ? step->by : ""};
    struct tg_bill_period period;
    if (step->period == NULL || tg_bill_period_parse(step->period, &start_ns, &end_ns) != TG_OK) {
        return tg_cli_usage(verb, "give --period YYYY-MM or YYYY-Www");
    }
    approval.at_ns = end_ns;
    if (step->date != NULL && !date_read(step->date, &approval.at_ns)) {
        return tg_cli_usage(verb, "--date wants YYYY-MM-DD, not '%s'", step->date);
    }
    approval.month = tg_bill_period_number(start_ns, end_ns, 0);
    enum tg_err err = tg_catalog_open(step->data, &catalog, &why);
    if (err == TG_OK && step->account != NULL) {
        approval.account = tg_cli_account_find(catalog, step->account);
        err = approval.account != TG_ACCOUNT_NONE
                  ? TG_OK
                  : tg_why_set(&why, TG_E_NOT_FOUND, "no account is called '%s'", step->account);
    }
    err = err == TG_OK ? tg_state_open(step->data, false, 0, &state, &why) : err;
    err = err == TG_OK ? tg_bill_period_approve(state, catalog, &approval, &period, &why) : err;
    tg_db_close(state);
    tg_catalog_close(catalog);
    if (err != TG_OK) {
        return problem(verb, err, &why);
    }
    if (step->is_json) {
        struct tg_json *json = tg_json_object();
        tg_json_set_string(json, "period", step->period);
        tg_json_set_string(json, "state", tg_bill_period_state_name(period.state));
        tg_json_set_integer(json, "epoch", (int64_t)period.epoch);
        tg_json_set_string(json, "approved_by", period.approved_by);
        tg_json_set_time(json, "approved_at", period.approved_ns);
        tg_json_set_integer(json, "incomplete_sources", period.incomplete_count);
        json_print(json);
    } else {
        (void)printf("%s is approved: what its drafts say is what is issued\n", step->period);
    }
    return TG_EXIT_OK;
}

static void money_set(struct tg_json *json, const char *key,
                      const struct tg_bill_standing *standing, int64_t amount)
{
    tg_json_set_money(json, key, amount, standing->currency->minor, standing->currency->minor);
}

/* Two legal entities may have spent one number. */
static void entity_set(struct tg_json *json, const struct tg_bill_standing *standing)
{
    if (strcmp(standing->entity, TG_ENTITY_DEFAULT) != 0) {
        tg_json_set_string(json, "legal_entity", standing->entity);
    }
}

static void standing_print(const struct tg_cli_bill_step *step,
                           const struct tg_bill_standing *standing)
{
    char open[TG_MONEY_TEXT_BYTES];
    char label[TG_BILL_LABEL_BYTES];
    (void)tg_money_format(standing->open, standing->currency->minor, standing->currency->minor,
                          open);
    if (!step->is_json) {
        tg_bill_standing_label(standing, label);
        (void)printf("%s is %s, %s %s open\n", label, tg_bill_standing_name(standing->state), open,
                     standing->currency->code);
        return;
    }
    struct tg_json *json = tg_json_object();
    tg_json_set_string(json, "number", standing->number);
    entity_set(json, standing);
    tg_json_set_string(json, "account", standing->account);
    tg_json_set_string(json, "state", tg_bill_standing_name(standing->state));
    tg_json_set_string(json, "currency", standing->currency->code);
    money_set(json, "due", standing, standing->due);
    money_set(json, "notes", standing, standing->notes);
    if (standing->cash.step != 0) {
        money_set(json, "rounding", standing, standing->rounding);
    }
    money_set(json, "paid", standing, standing->paid);
    money_set(json, "open", standing, standing->open);
    json_print(json);
}

static int pay_run(const struct tg_verb *verb, const struct tg_cli_bill_step *step)
{
    struct tg_why why = {.text = ""};
    struct tg_db *state = NULL;
    struct tg_bill_standing standing;
    struct tg_bill_payment payment = {.size_bytes = sizeof payment,
                                      .bill = step->subject,
                                      .amount = step->amount,
                                      .reference = step->reference};
    if (step->subject == NULL || step->amount == NULL || step->reference == NULL ||
        step->date == NULL) {
        return tg_cli_usage(verb, "give the invoice, --amount, --date and --reference");
    }
    if (!date_read(step->date, &payment.date_ns)) {
        return tg_cli_usage(verb, "--date wants YYYY-MM-DD, not '%s'", step->date);
    }
    enum tg_err err = tg_state_open(step->data, false, 0, &state, &why);
    err = err == TG_OK ? tg_bill_pay(state, &payment, &standing, &why) : err;
    tg_db_close(state);
    if (err != TG_OK) {
        return problem(verb, err, &why);
    }
    standing_print(step, &standing);
    return TG_EXIT_OK;
}

/* A draft goes; an issued bill is taken back by a credit note over all that is left of it, and what
 * was paid of it is open below 0. The next run of its period bills that again. */
static enum tg_err void_make(struct tg_db *state, const struct tg_bill_note_params *params,
                             const char *id, bool *was_draft, struct tg_bill_standing *standing,
                             struct tg_why *why)
{
    char number[TG_BILL_NUMBER_BYTES];
    struct tg_txn txn;
    tg_txn_begin(&txn, state, true);
    struct tg_bill_interim interim;
    enum tg_err err = tg_bill_standing_read(&txn, id, standing);
    const bool is_taken_off = err == TG_OK &&
                              tg_bill_interim_of(&txn, id, standing->account, &interim) &&
                              tg_bill_close_find(&txn, interim.month, interim.account);
    *was_draft = err == TG_E_NOT_FOUND && tg_documents_remove(&txn, "billDraft", id);
    if (*was_draft) {
        return tg_txn_commit(&txn, why);
    }
    tg_txn_abort(&txn);
    if (err != TG_OK) {
        return tg_why_set(why, err, "no bill is called '%s'", params->bill);
    }
    if (standing->state == TG_BILL_STANDING_VOID) {
        return TG_OK;
    }
    if (is_taken_off) {
        return tg_why_set(why, TG_E_INVALID,
                          "%s is an interim bill that the bill of its cycle takes off: credit it",
                          params->bill);
    }
    if (standing->paid < 0) {
        return tg_why_set(why, TG_E_INVALID,
                          "%s has paid out what it was below 0: void the bill that used it first, "
                          "or note what came back as a payment",
                          params->bill);
    }
    err = tg_bill_note_issue(state, params, number, why);
    if (err == TG_OK) {
        tg_txn_begin(&txn, state, false);
        err = tg_bill_standing_read(&txn, id, standing);
        tg_txn_abort(&txn);
    }
    return err;
}

static int void_run(const struct tg_verb *verb, const struct tg_cli_bill_step *step)
{
    struct tg_why why = {.text = ""};
    struct tg_db *state = NULL;
    struct tg_bill_standing standing;
    struct tg_txn txn;
    bool was_draft = false;
    char id[TG_BILL_ID_BYTES];
    struct tg_bill_note_params params = {.size_bytes = sizeof params,
                                         .line_index = -1,
                                         .bill = step->subject,
                                         .name = TG_BILL_VOID_NOTE,
                                         .voids = true,
                                         .reason = step->title,
                                         .legal_entity = step->entity};
    if (step->subject == NULL || step->title == NULL || !date_read(step->date, &params.issued_ns)) {
        return tg_cli_usage(verb, "give the bill, --date YYYY-MM-DD and --title (the reason)");
    }
    enum tg_err err = tg_state_open(step->data, false, 0, &state, &why);
    if (err == TG_OK) {
        tg_txn_begin(&txn, state, false);
        tg_bill_id_resolve(&txn, step->subject, id, sizeof id);
        tg_txn_abort(&txn);
        err = void_make(state, &params, id, &was_draft, &standing, &why);
    }
    tg_db_close(state);
    if (err != TG_OK) {
        return problem(verb, err, &why);
    }
    if (!was_draft) {
        standing_print(step, &standing);
    } else if (step->is_json) {
        struct tg_json *json = tg_json_object();
        tg_json_set_string(json, "bill", id);
        tg_json_set_string(json, "state", "void");
        json_print(json);
    } else {
        (void)printf("draft %s is gone; the next run makes it again\n", id);
    }
    return TG_EXIT_OK;
}

static void reminder_print(void *context, const struct tg_bill_reminder *reminder)
{
    const struct tg_cli_bill_step *step = context;
    const struct tg_bill_standing *standing = reminder->standing;
    char open[TG_MONEY_TEXT_BYTES];
    char label[TG_BILL_LABEL_BYTES];
    (void)tg_money_format(standing->open, standing->currency->minor, standing->currency->minor,
                          open);
    if (!step->is_json) {
        tg_bill_standing_label(standing, label);
        (void)printf("%-20s %-24s step %u, %u days: %s %s\n", standing->account, label,
                     reminder->step, reminder->days, open, standing->currency->code);
        return;
    }
    struct tg_json *json = tg_json_object();
    tg_json_set_string(json, "account", standing->account);
    tg_json_set_string(json, "bill", reminder->bill);
    tg_json_set_string(json, "number", standing->number);
    entity_set(json, standing);
    tg_json_set_integer(json, "step", reminder->step);
    tg_json_set_integer(json, "days", reminder->days);
    tg_json_set_time(json, "due_date", standing->due_ns);
    money_set(json, "open", standing, standing->open);
    tg_json_set_string(json, "currency", standing->currency->code);
    json_print(json);
}

static int dunning_run(const struct tg_verb *verb, const struct tg_cli_bill_step *step)
{
    struct tg_why why = {.text = ""};
    struct tg_catalog_snapshot *catalog = NULL;
    struct tg_db *state = NULL;
    int64_t at_ns = 0;
    if (!date_read(step->at, &at_ns)) {
        return tg_cli_usage(verb, "give --at, a date or time");
    }
    enum tg_err err = tg_catalog_open(step->data, &catalog, &why);
    err = err == TG_OK ? tg_state_open(step->data, false, 0, &state, &why) : err;
    err = err == TG_OK ? tg_bill_dunning_run(state, catalog, at_ns, reminder_print,
                                             (void *)(uintptr_t)step, &why)
                       : err;
    tg_db_close(state);
    tg_catalog_close(catalog);
    return err == TG_OK ? TG_EXIT_OK : problem(verb, err, &why);
}

/* A draft that was approved says so: the run that made it could not know. */
static enum tg_err draft_stand(struct tg_txn *txn, const struct tg_bytes *json, char **shown,
                               size_t *length, char state[128])
{
    static const char from[] = "\"state\":\"onHold\",\"x_state\":\"calculated\"";
    static const char to[] = "\"state\":\"validated\",\"x_state\":\"approved\"";
    struct tg_json *draft = NULL;
    char wall[2][sizeof "2026-10-01T00:00:00Z"] = {"2026-10-01T00:00:00Z", "2026-10-01T00:00:00Z"};
    int64_t start_ns = 0;
    int64_t end_ns = 0;
    enum tg_err err = tg_json_parse(json->at, json->length_bytes, &draft, NULL);
    const struct tg_json *period = tg_json_get(draft, "billingPeriod");
    const char *start = tg_json_get_text(period, "startDateTime", "");
    const char *end = tg_json_get_text(period, "endDateTime", "");
    const char *place = memmem(json->at, json->length_bytes, from, sizeof from - 1);
    (void)snprintf(state, 128, "State: %s", tg_json_get_text(draft, "x_state", "draft"));
    if (err == TG_OK && place != NULL && strlen(start) >= sizeof wall[0] - 1 &&
        strlen(end) >= sizeof wall[0] - 1) {
        memcpy(wall[0], start, sizeof wall[0] - 2); /* As wall clocks: offsets are left off. */
        memcpy(wall[1], end, sizeof wall[1] - 2);
        const char *account = tg_json_get_text(tg_json_get(draft, "billingAccount"), "id", NULL);
        const uint32_t weeks = (uint32_t)tg_json_get_integer(draft, "x_weeks", 0);
        if (date_read(wall[0], &start_ns) && date_read(wall[1], &end_ns) &&
            tg_bill_period_peek(txn, tg_bill_period_number(start_ns, end_ns, weeks), account) ==
                TG_BILL_PERIOD_APPROVED) {
            const size_t head = (size_t)(place - (const char *)json->at) + sizeof from - 1;
            *length = json->length_bytes - (sizeof from - 1) + sizeof to - 1;
            *shown = malloc(*length);
            err = *shown != NULL ? TG_OK : TG_E_NO_MEMORY;
            if (err == TG_OK) {
                char *at = mempcpy(*shown, json->at, head - (sizeof from - 1));
                at = mempcpy(at, to, sizeof to - 1);
                memcpy(at, (const char *)json->at + head, json->length_bytes - head);
            }
            (void)snprintf(state, 128, "State: approved");
        }
    }
    tg_json_free(draft);
    return err;
}

enum tg_err tg_cli_bill_stand(struct tg_txn *txn, const char *id, const struct tg_bytes *json,
                              bool is_issued, char **shown, size_t *length, char state[128])
{
    struct tg_bill_standing standing;
    char open[TG_MONEY_TEXT_BYTES];
    *shown = NULL;
    *length = 0;
    if (!is_issued) {
        return draft_stand(txn, json, shown, length, state);
    }
    enum tg_err err = tg_bill_standing_read(txn, id, &standing);
    if (err != TG_OK) {
        return err;
    }
    (void)tg_money_format(standing.open, standing.currency->minor, standing.currency->minor, open);
    (void)snprintf(state, 128, "State: %s, %s %s open", tg_bill_standing_name(standing.state), open,
                   standing.currency->code);
    const size_t room = json->length_bytes + TG_BILL_STANDING_BYTES;
    *shown = malloc(room);
    err = *shown != NULL ? tg_bill_standing_show(txn, id, json, *shown, room, length)
                         : TG_E_NO_MEMORY;
    if (err != TG_OK || *length == 0) {
        free(*shown);
        *shown = NULL;
    }
    return err;
}

int tg_cli_bill_step(const struct tg_verb *verb, const struct tg_cli_bill_step *step)
{
    static const struct {
        const char *name;
        int (*run)(const struct tg_verb *verb, const struct tg_cli_bill_step *step);
    } steps[] = {
        {"approve", approve_run}, {"pay", pay_run}, {"void", void_run}, {"dunning", dunning_run}};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (strcmp(steps[i].name, step->action) == 0) {
            return steps[i].run(verb, step);
        }
    }
    return tg_cli_usage(verb, "unknown action '%s'", step->action);
}
