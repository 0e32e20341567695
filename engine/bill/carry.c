/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* qsort_r */
#include "bill/carry.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/money.h"
#include "bill/standing.h"
#include "bill/text.h"
#include "doc/json.h"
#include "store/documents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLLECTION "billCredit"

/* What two walks over the collection share: the first counts, the second copies. */
struct load {
    struct tg_bill_carries *carries;
    size_t texts_used;
    uint32_t count;
    enum tg_err err;
};

static bool size_add(void *context, const struct tg_document *document)
{
    struct load *load = context;
    /* Its names are in its document, and the id. */
    load->texts_used += document->json_bytes + strlen(document->id) + 1;
    load->count++;
    return load->count < UINT32_MAX;
}

static size_t text_keep(struct load *load, const char *text)
{
    const size_t at = load->texts_used;
    const size_t bytes = strlen(text) + 1;
    if (bytes > load->carries->texts_bytes - at) {
        load->err = TG_E_CORRUPT;
        return 0;
    }
    memcpy(load->carries->texts + at, text, bytes);
    load->texts_used += bytes;
    return at;
}

static bool item_read(void *context, const struct tg_document *document)
{
    struct load *load = context;
    struct tg_json *json = NULL;
    struct tg_bill_carry *item = &load->carries->items[load->count];
    load->err = tg_json_parse(document->json, document->json_bytes, &json, NULL);
    if (load->err != TG_OK) {
        return false;
    }
    const struct tg_currency *currency =
        tg_currency_by_code(tg_json_get_text(json, "currency", ""));
    const char *since = tg_json_get_text(json, "since", "");
    const char *credit = tg_json_get_text(json, "credit", "");
    if (currency == NULL || tg_clock_parse(since, strlen(since), &item->since_ns) != TG_OK ||
        tg_money_parse(credit, strlen(credit), currency->minor, &item->credit) != TG_OK ||
        item->credit <= 0) {
        load->err = TG_E_CORRUPT;
    } else {
        item->currency = currency->numeric;
        item->account_at = text_keep(load, tg_json_get_text(json, "account", ""));
        item->entity_at = text_keep(load, tg_json_get_text(json, "entity", ""));
        item->bill_at = text_keep(load, document->id);
        load->count++;
    }
    tg_json_free(json);
    return load->err == TG_OK;
}

/* By whose it is; then by age, and of one age by id. */
static int carry_compare(const void *left, const void *right, void *texts)
{
    const struct tg_bill_carry *a = left;
    const struct tg_bill_carry *b = right;
    const char *all = texts;
    int order = strcmp(all + a->account_at, all + b->account_at);
    order = order != 0 ? order : strcmp(all + a->entity_at, all + b->entity_at);
    order = order != 0 ? order : (int)a->currency - (int)b->currency;
    order = order != 0 ? order : (a->since_ns > b->since_ns) - (a->since_ns < b->since_ns);
    return order != 0 ? order : strcmp(all + a->bill_at, all + b->bill_at);
}

static enum tg_err carries_fill(struct tg_txn *txn, struct tg_bill_carries *carries,
                                const struct load *sizes)
{
    struct load load = {.carries = carries};
    carries->texts_bytes = sizes->texts_used;
    carries->count = sizes->count;
    carries->items = tg_pages_take(carries->count * sizeof carries->items[0]);
    carries->texts = tg_pages_take(carries->texts_bytes);
    if (carries->items == NULL || carries->texts == NULL) {
        return TG_E_NO_MEMORY;
    }
    const enum tg_err err = tg_documents_visit(txn, COLLECTION, NULL, item_read, &load, NULL);
    if (err != TG_OK || load.err != TG_OK) {
        return err != TG_OK ? err : load.err;
    }
    qsort_r(carries->items, carries->count, sizeof carries->items[0], carry_compare,
            carries->texts);
    return TG_OK;
}

enum tg_err tg_bill_carries_load(struct tg_db *state, struct tg_bill_carries *carries,
                                 struct tg_why *why)
{
    struct load sizes = {.carries = carries};
    struct tg_txn txn;
    *carries = (struct tg_bill_carries){.count = 0};
    if (state == NULL) {
        return TG_OK;
    }
    tg_txn_begin(&txn, state, false);
    enum tg_err err = tg_documents_visit(&txn, COLLECTION, NULL, size_add, &sizes, NULL);
    if (err == TG_OK && sizes.count > 0) {
        err = carries_fill(&txn, carries, &sizes);
    }
    tg_txn_abort(&txn);
    if (err != TG_OK) {
        tg_bill_carries_free(carries);
        return tg_why_set(why, err, "the credit of accounts cannot be read: %s",
                          tg_err_sentence(err));
    }
    return TG_OK;
}

void tg_bill_carries_free(struct tg_bill_carries *carries)
{
    tg_pages_free(carries->items, carries->count * sizeof carries->items[0]);
    tg_pages_free(carries->texts, carries->texts_bytes);
    *carries = (struct tg_bill_carries){.count = 0};
}

static int whose_compare(const struct tg_bill_carries *carries, const struct tg_bill_carry *item,
                         const struct tg_bill_carry_use *use)
{
    int order = strcmp(carries->texts + item->account_at, use->account);
    order = order != 0 ? order : strcmp(carries->texts + item->entity_at, use->entity);
    return order != 0 ? order : (int)item->currency - (int)use->currency;
}

/* The first of theirs, or of who comes behind them. */
static uint32_t first_find(const struct tg_bill_carries *carries,
                           const struct tg_bill_carry_use *use)
{
    uint32_t from = 0;
    uint32_t to = carries->count;
    while (from < to) {
        const uint32_t middle = from + (to - from) / 2;
        if (whose_compare(carries, &carries->items[middle], use) < 0) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

int64_t tg_bill_carries_sum(const struct tg_bill_carries *carries,
                            const struct tg_bill_carry_use *use)
{
    int64_t sum = 0;
    for (uint32_t i = first_find(carries, use);
         i < carries->count && whose_compare(carries, &carries->items[i], use) == 0; i++) {
        if (carries->items[i].credit <= INT64_MAX - sum) {
            sum += carries->items[i].credit;
        }
    }
    return sum;
}

void tg_bill_carry_note(struct tg_txn *txn, const char *id, const struct tg_bill_standing *standing)
{
    char bytes[1024];
    struct tg_bill_text text = tg_bill_text(bytes, sizeof bytes);
    const uint8_t minor = standing->currency->minor;
    if (standing->is_note || standing->keeps_credit) {
        return;
    }
    if (standing->open >= 0) {
        (void)tg_documents_remove(txn, COLLECTION, id);
        return;
    }
    TG_BILL_TEXT_PUT(&text, "{\"account\":");
    tg_bill_text_quote(&text, standing->account);
    TG_BILL_TEXT_PUT(&text, ",\"entity\":");
    tg_bill_text_quote(&text, standing->entity);
    tg_bill_text_add(&text, ",\"currency\":\"%s\",\"credit\":\"", standing->currency->code);
    tg_bill_text_money(&text, -(__int128)standing->open, minor, minor);
    TG_BILL_TEXT_PUT(&text, "\",\"since\":\"");
    tg_bill_text_time(&text, standing->period_end_ns);
    TG_BILL_TEXT_PUT(&text, "\"}");
    tg_documents_put(txn, COLLECTION, id, text.bytes, text.length_bytes);
}

/* The bill it comes from has paid it out, to another bill. */
static enum tg_err payment_put(struct tg_txn *txn, const char *id,
                               const struct tg_bill_standing *standing,
                               const struct tg_bill_carry_use *use, const char *suffix,
                               int64_t amount)
{
    char key[TG_DOCUMENT_NAME_MAX];
    char bytes[1024];
    struct tg_bill_text text = tg_bill_text(bytes, sizeof bytes);
    const uint8_t minor = standing->currency->minor;
    if (snprintf(key, sizeof key, "%s/" TG_BILL_USED_PREFIX "%s%s", id, use->number, suffix) >=
        (int)sizeof key) {
        return TG_E_FULL;
    }
    TG_BILL_TEXT_PUT(&text, "{\"bill\":");
    tg_bill_text_quote(&text, id);
    tg_bill_text_add(
        &text, ",\"reference\":\"" TG_BILL_USED_PREFIX "%s%s\",\"currency\":\"%s\",\"amount\":\"",
        use->number, suffix, standing->currency->code);
    tg_bill_text_money(&text, -(__int128)amount, minor, minor);
    TG_BILL_TEXT_PUT(&text, "\",\"date\":\"");
    tg_bill_text_time(&text, use->at_ns);
    TG_BILL_TEXT_PUT(&text, "\"}");
    tg_documents_put(txn, "billPayment", key, text.bytes, text.length_bytes);
    return tg_bill_standing_move(txn, id, use->at_ns);
}

enum tg_err tg_bill_carry_take(struct tg_txn *txn, const struct tg_bill_carries *carries,
                               const struct tg_bill_carry_use *use, struct tg_why *why)
{
    int64_t rest = use->amount;
    enum tg_err err = TG_OK;
    for (uint32_t i = first_find(carries, use);
         i < carries->count && rest > 0 && whose_compare(carries, &carries->items[i], use) == 0 &&
         err == TG_OK;
         i++) {
        const char *id = carries->texts + carries->items[i].bill_at;
        struct tg_bill_standing standing;
        err = tg_bill_standing_read(txn, id, &standing);
        if (err == TG_OK && standing.open < 0) {
            const int64_t amount = standing.open > -rest ? -standing.open : rest;
            err = payment_put(txn, id, &standing, use, "", amount);
            rest -= amount;
        }
    }
    if (err == TG_OK && rest > 0) {
        return tg_why_set(why, TG_E_INVALID,
                          "the credit of account %s has changed while its bill was made: run again",
                          use->account);
    }
    return err;
}

enum tg_err tg_bill_carry_over(struct tg_txn *txn, const char *id,
                               const struct tg_bill_carry_use *use, struct tg_why *why)
{
    struct tg_bill_standing standing;
    const enum tg_err err = tg_bill_standing_read(txn, id, &standing);
    if (err == TG_OK && standing.open > -use->amount) {
        return tg_why_set(why, TG_E_INVALID,
                          "what %s gives back has changed while account %s was billed: run again",
                          standing.number, use->account);
    }
    /* A bill may use credit of the same one beside it. */
    return err == TG_OK ? payment_put(txn, id, &standing, use, ".balance", use->amount) : err;
}
