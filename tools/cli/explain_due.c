/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/explain_due.h"

#include "base/money.h"
#include "bill/standing.h"
#include "cli/bill_lookup.h"
#include "doc/json.h"

#include <string.h>

static const char suffix[] = ":due";

/* What a bill's document says of its sums; texts are borrowed from it. */
struct sums {
    const char *currency; /* Code. */
    const char *balance;  /* Paid from one; NULL: nobody did. */
    const char *credit;   /* Of earlier bills; NULL: none was used. */
    const char *added;    /* By rounding; NULL: no rule. */
    const char *step;
    const char *mode;
    char total[TG_MONEY_TEXT_BYTES];
    char due[TG_MONEY_TEXT_BYTES];
};

bool tg_cli_due_asked(const char *subject)
{
    const size_t length = strlen(subject);
    return length > sizeof suffix - 1 &&
           strcmp(subject + length - (sizeof suffix - 1), suffix) == 0;
}

static bool exact_of(const struct tg_json *json, const char *key, uint8_t minor, int64_t *amount)
{
    const char *text = tg_json_get_text(json, key, "");
    return tg_money_parse(text, strlen(text), minor, amount) == TG_OK;
}

/* From exact texts: a JSON number read back is a binary fraction. */
static bool sums_read(const struct tg_json *bill, struct sums *sums)
{
    const struct tg_json *cash = tg_json_get(bill, "x_cashRounding");
    const struct tg_json *lines = tg_json_get(bill, "x_line");
    sums->currency = tg_json_get_text(tg_json_get(bill, "amountDue"), "unit", "");
    const struct tg_currency *currency = tg_currency_by_code(sums->currency);
    int64_t total = 0;
    int64_t taken = 0;
    int64_t used = 0;
    int64_t added = 0;
    if (currency == NULL) {
        return false;
    }
    sums->balance = tg_json_get_text(bill, "x_paidFromBalance", NULL);
    sums->credit = tg_json_get_text(bill, "x_creditUsed", NULL);
    sums->added = tg_json_get_text(cash, "amount", NULL);
    sums->step = tg_json_get_text(cash, "step", "");
    sums->mode = tg_json_get_text(cash, "mode", "");
    for (size_t i = 0; i < tg_json_count(lines); i++) {
        int64_t net = 0;
        int64_t tax = 0;
        if (!exact_of(tg_json_at(lines, i), "x_amount", currency->minor, &net) ||
            !exact_of(tg_json_at(lines, i), "x_taxAmount", currency->minor, &tax)) {
            return false;
        }
        total += net + tax; /* which the bill's own sum has been checked with */
    }
    if ((sums->balance != NULL && !exact_of(bill, "x_paidFromBalance", currency->minor, &taken)) ||
        (sums->credit != NULL && !exact_of(bill, "x_creditUsed", currency->minor, &used)) ||
        (sums->added != NULL && !exact_of(cash, "amount", currency->minor, &added))) {
        return false;
    }
    (void)tg_money_format(total, currency->minor, currency->minor, sums->total);
    (void)tg_money_format(total - taken - used + added, currency->minor, currency->minor,
                          sums->due);
    return true;
}

static void standing_format(const struct tg_bill_standing *standing, int64_t amount,
                            char text[TG_MONEY_TEXT_BYTES])
{
    const uint8_t minor = standing->currency->minor;
    (void)tg_money_format(amount, minor, minor, text);
}

static void text_print(const struct tg_cli_due *found, const struct sums *sums)
{
    const char *entity = tg_json_get_text(found->bill, "x_legalEntity", NULL);
    const char *seller = tg_json_get_text(tg_json_get(found->bill, "x_seller"), "name", NULL);
    (void)printf("Due of %s (%s)", tg_json_get_text(found->bill, "billNo", "draft"),
                 found->bill_id);
    if (entity != NULL || seller != NULL) {
        (void)printf(", billed by %s%s%s%s", entity != NULL ? entity : "default",
                     seller != NULL ? " (" : "", seller != NULL ? seller : "",
                     seller != NULL ? ")" : "");
    }
    (void)printf(": %s %s are the lines and their taxes", sums->total, sums->currency);
    if (sums->balance != NULL) {
        (void)printf(", less %s that the balance has paid", sums->balance);
    }
    if (sums->credit != NULL) {
        (void)printf(", less %s of credit that earlier bills left", sums->credit);
    }
    if (sums->added != NULL) {
        (void)printf(", rounded %s to a multiple of %s, which adds %s", sums->mode, sums->step,
                     sums->added);
    }
    (void)printf(": %s %s.\n", sums->due, sums->currency);
    if (!found->is_issued) {
        return;
    }
    char notes[TG_MONEY_TEXT_BYTES];
    char rounding[TG_MONEY_TEXT_BYTES];
    char paid[TG_MONEY_TEXT_BYTES];
    char open[TG_MONEY_TEXT_BYTES];
    standing_format(found->standing, found->standing->notes, notes);
    standing_format(found->standing, found->standing->rounding, rounding);
    standing_format(found->standing, found->standing->paid, paid);
    standing_format(found->standing, found->standing->open, open);
    (void)printf("Since: notes %s, ", notes);
    if (found->standing->cash.step != 0) {
        (void)printf("by which the rounding changes by %s, ", rounding);
    }
    (void)printf("payments %s: %s %s are open (%s).\n", paid, open, sums->currency,
                 tg_bill_standing_name(found->standing->state));
}

static void json_print(const struct tg_cli_due *found, const struct sums *sums)
{
    struct tg_json *json = tg_json_object();
    tg_json_set_string(json, "bill", found->bill_id);
    tg_json_set_string(json, "number", tg_json_get_text(found->bill, "billNo", NULL));
    tg_json_set_string(json, "legal_entity",
                       tg_json_get_text(found->bill, "x_legalEntity", "default"));
    tg_json_set_string(json, "currency", sums->currency);
    tg_json_set_string(json, "total", sums->total);
    if (sums->balance != NULL) {
        tg_json_set_string(json, "paid_from_balance", sums->balance);
    }
    if (sums->credit != NULL) {
        tg_json_set_string(json, "credit_used", sums->credit);
    }
    if (sums->added != NULL) {
        struct tg_json *cash = tg_json_object();
        tg_json_set_string(cash, "amount", sums->added);
        tg_json_set_string(cash, "step", sums->step);
        tg_json_set_string(cash, "mode", sums->mode);
        tg_json_set(json, "cash_rounding", cash);
    }
    tg_json_set_string(json, "due", sums->due);
    if (found->is_issued) {
        const struct tg_bill_standing *standing = found->standing;
        const uint8_t minor = standing->currency->minor;
        tg_json_set_money(json, "notes", standing->notes, minor, minor);
        tg_json_set_money(json, "rounding", standing->rounding, minor, minor);
        tg_json_set_money(json, "paid", standing->paid, minor, minor);
        tg_json_set_money(json, "open", standing->open, minor, minor);
        tg_json_set_string(json, "state", tg_bill_standing_name(standing->state));
    }
    (void)tg_json_print(json, false, stdout);
    (void)fputc('\n', stdout);
    tg_json_free(json);
}

int tg_cli_due_explain(const struct tg_verb *verb, const char *data_dir, const char *subject,
                       bool is_json)
{
    struct tg_bill_standing standing;
    struct tg_cli_due found = {.standing = &standing};
    struct sums sums;
    char name[sizeof found.bill_id];
    (void)snprintf(name, sizeof name, "%.*s", (int)(strlen(subject) - (sizeof suffix - 1)),
                   subject);
    int code = tg_cli_due_find(verb, data_dir, name, &found);
    if (code != TG_EXIT_OK) {
        return code;
    }
    if (!sums_read(found.bill, &sums)) {
        code = tg_cli_problem(verb, "the bill %s cannot be read", found.bill_id);
    } else if (is_json) {
        json_print(&found, &sums);
    } else {
        text_print(&found, &sums);
    }
    tg_json_free(found.bill);
    return code;
}
