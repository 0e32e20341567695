/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/standing.h"

#include "base/clock.h"
#include "base/money.h"
#include "bill/carry.h"
#include "bill/text.h"
#include "bill/voided.h"
#include "catalog/image_layout.h"
#include "doc/json.h"
#include "store/documents.h"

#include <stdio.h>
#include <string.h>

#define REFERENCE_CHARS_MAX 64u

/* Names of ours and of TMF678, which knows no void: nothing of it is asked for any more. */
static const struct {
    const char *name;
    const char *standard;
} states[] = {[TG_BILL_STANDING_ISSUED] = {"issued", "new"},
              [TG_BILL_STANDING_PARTLY_PAID] = {"partly_paid", "partiallyPaid"},
              [TG_BILL_STANDING_PAID] = {"paid", "settled"},
              [TG_BILL_STANDING_VOID] = {"void", "settled"}};

const char *tg_bill_standing_name(uint8_t state)
{
    return state < sizeof states / sizeof states[0] ? states[state].name : "unknown";
}

void tg_bill_standing_label(const struct tg_bill_standing *standing,
                            char label[TG_BILL_LABEL_BYTES])
{
    const bool is_default = strcmp(standing->entity, TG_ENTITY_DEFAULT) == 0;
    (void)snprintf(label, TG_BILL_LABEL_BYTES, "%s%s%s", is_default ? "" : standing->entity,
                   is_default ? "" : "/", standing->number);
}

static bool money_take(const struct tg_json *json, const char *key,
                       const struct tg_currency *currency, int64_t *amount)
{
    const char *text = tg_json_get_text(json, key, "");
    return tg_money_parse(text, strlen(text), currency->minor, amount) == TG_OK;
}

static enum tg_err json_read(struct tg_txn *txn, const char *collection, const char *id,
                             struct tg_json **json)
{
    struct tg_bytes bytes = {NULL, 0};
    *json = NULL;
    const enum tg_err err = tg_documents_get(txn, collection, id, &bytes);
    return err == TG_OK ? tg_json_parse(bytes.at, bytes.length_bytes, json, NULL) : err;
}

void tg_bill_id_resolve(struct tg_txn *txn, const char *name, char *id, size_t id_bytes)
{
    struct tg_json *json = NULL;
    (void)json_read(txn, "billNumber", name, &json);
    (void)snprintf(id, id_bytes, "%s", json != NULL ? tg_json_get_text(json, "bill", "") : name);
    tg_json_free(json);
}

/* Sums one key of all documents whose id begins with a prefix and that are of the bill. */
struct sum {
    const char *prefix;
    const char *bill;
    const char *bill_key; /* Where a document says which bill it is of. */
    const char *amount_key;
    const struct tg_currency *currency;
    int64_t total;
    enum tg_err err;
};

static bool sum_add(void *context, const struct tg_document *document)
{
    struct sum *sum = context;
    struct tg_json *json = NULL;
    int64_t amount = 0;
    if (strncmp(document->id, sum->prefix, strlen(sum->prefix)) != 0) {
        return false;
    }
    sum->err = tg_json_parse(document->json, document->json_bytes, &json, NULL);
    /* A prefix alone may be that of another account's bill: a and a-b. */
    if (sum->err == TG_OK && strcmp(tg_json_get_text(json, sum->bill_key, ""), sum->bill) == 0) {
        if (!money_take(json, sum->amount_key, sum->currency, &amount)) {
            sum->err = TG_E_CORRUPT;
        } else if (__builtin_add_overflow(sum->total, amount, &sum->total)) {
            sum->err = TG_E_AMOUNT_OVERFLOW;
        }
    }
    tg_json_free(json);
    return sum->err == TG_OK;
}

static enum tg_err sum_take(struct tg_txn *txn, const char *collection, struct sum *sum)
{
    const enum tg_err err = tg_documents_visit(txn, collection, sum->prefix, sum_add, sum, NULL);
    return err != TG_OK && err != TG_E_NOT_FOUND ? err : sum->err;
}

/* How its amount due was rounded when it was issued. */
static bool cash_take(const struct tg_json *json, struct tg_bill_standing *standing)
{
    int64_t step = 0;
    if (tg_json_get(json, "cashStep") == NULL) {
        return true;
    }
    const int rounding = tg_rounding_by_name(tg_json_get_text(json, "cashRounding", ""));
    if (!money_take(json, "cashStep", standing->currency, &step) || step < 1 || step > UINT32_MAX ||
        !money_take(json, "cashAdded", standing->currency, &standing->cash_added) || rounding < 0) {
        return false;
    }
    standing->cash = (struct tg_bill_cash){.step = (uint32_t)step, .rounding = (uint8_t)rounding};
    return true;
}

/* With notes another sum is to be paid, which is rounded instead: one rounding stands, not one a
 * document. */
static enum tg_err open_sum(struct tg_bill_standing *standing)
{
    int64_t exact = 0;
    int64_t added = 0;
    if (__builtin_sub_overflow(standing->due, standing->cash_added, &exact) ||
        __builtin_add_overflow(exact, standing->notes, &exact) ||
        tg_bill_cash_add(&standing->cash, exact, &added) != TG_OK ||
        __builtin_sub_overflow(added, standing->cash_added, &standing->rounding) ||
        __builtin_sub_overflow(exact + added, standing->paid, &standing->open)) {
        return TG_E_AMOUNT_OVERFLOW;
    }
    return TG_OK;
}

static enum tg_err issued_take(struct tg_txn *txn, const char *id,
                               struct tg_bill_standing *standing)
{
    struct tg_json *json = NULL;
    enum tg_err err = json_read(txn, "billIssued", id, &json);
    *standing = (struct tg_bill_standing){.due = 0};
    if (err == TG_OK) {
        standing->currency = tg_currency_by_code(tg_json_get_text(json, "currency", ""));
        const char *due = tg_json_get_text(json, "due", NULL);
        const char *end = tg_json_get_text(json, "periodEnd", "1970-01-01");
        const char *key = tg_json_get(json, "payable") != NULL ? "payable" : "total";
        if (standing->currency == NULL || !cash_take(json, standing) ||
            !money_take(json, "total", standing->currency, &standing->total) ||
            !money_take(json, key, standing->currency, &standing->due) ||
            (due != NULL && tg_clock_parse(due, strlen(due), &standing->due_ns) != TG_OK) ||
            tg_clock_parse(end, strlen(end), &standing->period_end_ns) != TG_OK) {
            err = TG_E_CORRUPT;
        }
        standing->keeps_credit = strcmp(tg_json_get_text(json, "credit", ""), "open") == 0;
        (void)snprintf(standing->account, sizeof standing->account, "%s",
                       tg_json_get_text(json, "account", ""));
        (void)snprintf(standing->number, sizeof standing->number, "%s",
                       tg_json_get_text(json, "number", ""));
        (void)snprintf(standing->entity, sizeof standing->entity, "%s",
                       tg_json_get_text(json, "entity", TG_ENTITY_DEFAULT));
        standing->is_note = tg_json_get(json, "reference") != NULL || strncmp(id, "N-", 2) == 0;
    }
    tg_json_free(json);
    return err;
}

static uint8_t state_of(const struct tg_bill_standing *standing)
{
    if (standing->total != 0 && standing->notes == -standing->total && standing->paid <= 0 &&
        standing->open <= 0) { /* Below 0: what it had from a balance or credit can go back. */
        return TG_BILL_STANDING_VOID;
    }
    if (standing->is_note) {
        return TG_BILL_STANDING_ISSUED;
    }
    return standing->open <= 0   ? TG_BILL_STANDING_PAID
           : standing->paid != 0 ? TG_BILL_STANDING_PARTLY_PAID
                                 : TG_BILL_STANDING_ISSUED;
}

enum tg_err tg_bill_standing_read(struct tg_txn *txn, const char *id,
                                  struct tg_bill_standing *standing)
{
    char payments_prefix[TG_DOCUMENT_NAME_MAX];
    char notes_prefix[TG_DOCUMENT_NAME_MAX];
    enum tg_err err = issued_take(txn, id, standing);
    if (err != TG_OK) {
        return err;
    }
    (void)snprintf(payments_prefix, sizeof payments_prefix, "%s/", id);
    (void)snprintf(notes_prefix, sizeof notes_prefix, "N-%s-", id);
    struct sum payments = {payments_prefix, id, "bill", "amount", standing->currency, 0, TG_OK};
    struct sum notes = {notes_prefix, id, "reference", "total", standing->currency, 0, TG_OK};
    err = sum_take(txn, "billPayment", &payments);
    err = err == TG_OK && !standing->is_note ? sum_take(txn, "billIssued", &notes) : err;
    standing->paid = payments.total;
    standing->notes = notes.total;
    err = err == TG_OK ? open_sum(standing) : err;
    standing->state = state_of(standing);
    if (err == TG_OK && standing->notes != 0 && standing->open <= 0 && tg_bill_void_find(txn, id)) {
        standing->state = TG_BILL_STANDING_VOID; /* What was paid of it is open below 0. */
    }
    return err;
}

static void add_amount(struct tg_bill_text *text, const char *key,
                       const struct tg_bill_standing *standing, int64_t amount)
{
    tg_bill_text_add(text, ",\"%s\":\"", key);
    tg_bill_text_money(text, amount, standing->currency->minor, standing->currency->minor);
    TG_BILL_TEXT_PUT(text, "\"");
}

static void event_append(struct tg_txn *txn, const char *id,
                         const struct tg_bill_standing *standing, int64_t at_ns)
{
    char bytes[2048];
    struct tg_bill_text text = tg_bill_text(bytes, sizeof bytes);
    TG_BILL_TEXT_PUT(&text, "{\"eventType\":\"CustomerBillStateChangeEvent\",\"eventTime\":\"");
    tg_bill_text_time(&text, at_ns);
    TG_BILL_TEXT_PUT(&text, "\",\"event\":{\"customerBill\":{\"id\":");
    tg_bill_text_quote(&text, id);
    tg_bill_text_add(&text, ",\"billNo\":\"%s\",\"state\":\"%s\",\"x_state\":\"%s\"",
                     standing->number, states[standing->state].standard,
                     states[standing->state].name);
    add_amount(&text, "x_open", standing, standing->open);
    TG_BILL_TEXT_PUT(&text, "}}}");
    (void)tg_outbox_append(txn, text.bytes, text.length_bytes);
}

enum tg_err tg_bill_standing_move(struct tg_txn *txn, const char *id, int64_t at_ns)
{
    struct tg_bill_standing standing;
    const enum tg_err err = tg_bill_standing_read(txn, id, &standing);
    if (err != TG_OK) {
        return err == TG_E_NOT_FOUND ? TG_OK : err;
    }
    char bytes[1024];
    struct tg_bill_text text = tg_bill_text(bytes, sizeof bytes);
    tg_bill_text_add(&text, "{\"state\":\"%s\",\"currency\":\"%s\"", states[standing.state].name,
                     standing.currency->code);
    add_amount(&text, "due", &standing, standing.due);
    add_amount(&text, "paid", &standing, standing.paid);
    add_amount(&text, "notes", &standing, standing.notes);
    if (standing.cash.step != 0) {
        add_amount(&text, "rounding", &standing, standing.rounding);
    }
    add_amount(&text, "open", &standing, standing.open);
    TG_BILL_TEXT_PUT(&text, "}");
    tg_documents_put(txn, "billState", id, text.bytes, text.length_bytes);
    event_append(txn, id, &standing, at_ns);
    tg_bill_carry_note(txn, id, &standing);
    return TG_OK;
}

static bool reference_is_fine(const char *reference)
{
    static const char alphabet[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    const size_t length = strlen(reference);
    return length > 0 && length <= REFERENCE_CHARS_MAX && strspn(reference, alphabet) == length &&
           strncmp(reference, TG_BILL_USED_PREFIX, sizeof TG_BILL_USED_PREFIX - 1) != 0;
}

/* What is to be paid on, and how much. */
static enum tg_err payment_check(struct tg_txn *txn, const struct tg_bill_payment *payment,
                                 const char *id, struct tg_bill_standing *standing, int64_t *amount,
                                 struct tg_why *why)
{
    const enum tg_err err = tg_bill_standing_read(txn, id, standing);
    if (err != TG_OK) {
        return tg_why_set(why, err, "no issued invoice is called '%s'", payment->bill);
    }
    if (standing->is_note) {
        return tg_why_set(why, TG_E_INVALID, "%s is a note: pay the invoice it is for",
                          payment->bill);
    }
    if (!reference_is_fine(payment->reference)) {
        return tg_why_set(
            why, TG_E_INVALID,
            "reference '%s' must be 1..%u of [A-Za-z0-9_.-], not with " TG_BILL_USED_PREFIX
            " before it",
            payment->reference, REFERENCE_CHARS_MAX);
    }
    if (tg_money_parse(payment->amount, strlen(payment->amount), standing->currency->minor,
                       amount) != TG_OK ||
        *amount == 0) {
        return tg_why_set(why, TG_E_INVALID, "'%s' is no amount of %s", payment->amount,
                          standing->currency->code);
    }
    return TG_OK;
}

static enum tg_err payment_put(struct tg_txn *txn, const struct tg_bill_payment *payment,
                               const char *id, const struct tg_bill_standing *standing,
                               int64_t amount, bool *is_new, struct tg_why *why)
{
    char key[TG_DOCUMENT_NAME_MAX];
    char bytes[1024];
    struct tg_bytes known = {NULL, 0};
    struct tg_bill_text text = tg_bill_text(bytes, sizeof bytes);
    if (snprintf(key, sizeof key, "%s/%s", id, payment->reference) >= (int)sizeof key) {
        return tg_why_set(why, TG_E_INVALID, "reference '%s' is too long", payment->reference);
    }
    TG_BILL_TEXT_PUT(&text, "{\"bill\":");
    tg_bill_text_quote(&text, id);
    tg_bill_text_add(&text, ",\"reference\":\"%s\",\"currency\":\"%s\"", payment->reference,
                     standing->currency->code);
    add_amount(&text, "amount", standing, amount);
    TG_BILL_TEXT_PUT(&text, ",\"date\":\"");
    tg_bill_text_time(&text, payment->date_ns);
    TG_BILL_TEXT_PUT(&text, "\"}");
    const enum tg_err err = tg_documents_get(txn, "billPayment", key, &known);
    *is_new = err == TG_E_NOT_FOUND;
    const bool goes_back = amount < 0 && standing->open <= amount;
    if (*is_new && standing->state == TG_BILL_STANDING_VOID && !goes_back) {
        return tg_why_set(why, TG_E_INVALID, "%s is void", payment->bill);
    }
    /* A bill below 0 is paid out; of any other comes back at most what was paid. */
    const __int128 payable = (__int128)standing->open + standing->paid;
    const __int128 paid = (__int128)standing->paid + amount;
    if (*is_new && amount < 0 && paid < 0 && paid < payable) {
        return tg_why_set(why, TG_E_INVALID, "less than %s was paid on %s", payment->amount + 1,
                          payment->bill);
    }
    if (*is_new) {
        tg_documents_put(txn, "billPayment", key, text.bytes, text.length_bytes);
        return TG_OK;
    }
    const bool is_same = err == TG_OK && known.length_bytes == text.length_bytes &&
                         memcmp(known.at, text.bytes, text.length_bytes) == 0;
    return err != TG_OK ? err
           : is_same
               ? TG_OK
               : tg_why_set(why, TG_E_EXISTS, "payment %s is known and says %.*s",
                            payment->reference, (int)known.length_bytes, (const char *)known.at);
}

enum tg_err tg_bill_pay(struct tg_db *state, const struct tg_bill_payment *payment,
                        struct tg_bill_standing *standing, struct tg_why *why)
{
    char id[TG_DOCUMENT_NAME_MAX];
    struct tg_txn txn;
    int64_t amount = 0;
    bool is_new = false;
    tg_txn_begin(&txn, state, true);
    tg_bill_id_resolve(&txn, payment->bill, id, sizeof id);
    enum tg_err err = payment_check(&txn, payment, id, standing, &amount, why);
    err = err == TG_OK ? payment_put(&txn, payment, id, standing, amount, &is_new, why) : err;
    if (err == TG_OK && is_new) {
        err = tg_bill_standing_move(&txn, id, payment->date_ns);
        err = err == TG_OK ? tg_bill_standing_read(&txn, id, standing) : err;
    }
    if (err != TG_OK || !is_new) {
        tg_txn_abort(&txn);
        return err;
    }
    return tg_txn_commit(&txn, why);
}

/* The text between two places of a document, or what stands instead. */
static const char *find(const char *from, const char *end, const char *what)
{
    const size_t length = strlen(what);
    for (; from + length <= end; from++) {
        if (memcmp(from, what, length) == 0) {
            return from;
        }
    }
    return NULL;
}

enum tg_err tg_bill_standing_show(struct tg_txn *txn, const char *id, const struct tg_bytes *json,
                                  char *room, size_t room_bytes, size_t *length)
{
    static const char state_key[] = ",\"state\":\"new\"";
    static const char open_key[] = ",\"remainingAmount\":{";
    static const char value_key[] = "\"value\":";
    struct tg_json *standing = NULL;
    const char *begin = json->at;
    const char *end = begin + json->length_bytes;
    *length = 0;
    if (json_read(txn, "billState", id, &standing) != TG_OK) {
        return TG_OK;
    }
    const char *name = tg_json_get_text(standing, "state", "");
    const char *standard = "new";
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        standard = strcmp(states[i].name, name) == 0 ? states[i].standard : standard;
    }
    const char *state = find(begin, end, state_key);
    const char *open = state != NULL ? find(state, end, open_key) : NULL;
    const char *value = open != NULL ? find(open, end, value_key) : NULL;
    const char *value_end = value != NULL ? memchr(value, '}', (size_t)(end - value)) : NULL;
    enum tg_err err = value_end != NULL ? TG_OK : TG_E_CORRUPT;
    if (err == TG_OK) {
        const char *tail = state + sizeof state_key - 1;
        struct tg_bill_text text = tg_bill_text(room, room_bytes);
        tg_bill_text_put(&text, begin, (size_t)(state - begin));
        tg_bill_text_add(
            &text, ",\"state\":\"%s\",\"x_state\":\"%s\",\"x_paid\":\"%s\",\"x_notes\":\"%s\"",
            standard, name, tg_json_get_text(standing, "paid", ""),
            tg_json_get_text(standing, "notes", ""));
        tg_bill_text_put(&text, tail, (size_t)(value + sizeof value_key - 1 - tail));
        tg_bill_text_add(&text, "%s", tg_json_get_text(standing, "open", "0"));
        tg_bill_text_put(&text, value_end, (size_t)(end - value_end));
        *length = text.length_bytes;
        err = text.is_full ? TG_E_FULL : TG_OK;
    }
    tg_json_free(standing);
    return err;
}
