/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/charge_list.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/money.h"
#include "bill/close.h"
#include "bill/cycle.h"
#include "bill/text.h"
#include "bill/voided.h"
#include "catalog/catalog.h"
#include "doc/json.h"
#include "store/documents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLLECTION          "billCharge"
#define CHARGES_COUNT_FIRST 1024u

static enum tg_err charges_grow(struct tg_bill_charges *charges)
{
    if (charges->count >= TG_BILL_CHARGES_MAX) {
        return TG_E_FULL;
    }
    const uint32_t capacity = charges->capacity > 0 ? charges->capacity * 2 : CHARGES_COUNT_FIRST;
    struct tg_bill_charge *more = tg_pages_take((size_t)capacity * sizeof *more);
    if (more == NULL) {
        return TG_E_NO_MEMORY;
    }
    if (charges->items != NULL) {
        memcpy(more, charges->items, (size_t)charges->count * sizeof *more);
        tg_pages_free(charges->items, (size_t)charges->capacity * sizeof *more);
    }
    charges->items = more;
    charges->capacity = capacity;
    return TG_OK;
}

static bool text_copy(char *to, size_t to_bytes, const char *from)
{
    const size_t length = strlen(from);
    if (length >= to_bytes) {
        return false;
    }
    memcpy(to, from, length + 1);
    return true;
}

static enum tg_err charge_read(const struct tg_json *json, struct tg_bill_charge *charge)
{
    *charge = (struct tg_bill_charge){.amount = 0};
    const char *date = tg_json_get_text(json, "date", "");
    const char *amount = tg_json_get_text(json, "amount", "");
    const struct tg_currency *currency =
        tg_currency_by_code(tg_json_get_text(json, "currency", ""));
    if (currency == NULL || tg_clock_parse(date, strlen(date), &charge->date_ns) != TG_OK ||
        tg_money_parse(amount, strlen(amount), currency->scale, &charge->amount) != TG_OK ||
        !text_copy(charge->id, sizeof charge->id, tg_json_get_text(json, "id", "")) ||
        !text_copy(charge->title, sizeof charge->title, tg_json_get_text(json, "title", ""))) {
        return TG_E_CORRUPT;
    }
    charge->currency = currency->numeric;
    charge->subscriber = (uint32_t)tg_json_get_integer(json, "subscriber", UINT32_MAX);
    return TG_OK;
}

static bool charge_see(void *context, const struct tg_document *document)
{
    struct tg_bill_charges *charges = context;
    struct tg_json *json = NULL;
    if (charges->count == charges->capacity) {
        charges->failed = charges_grow(charges);
    }
    if (charges->failed == TG_OK) {
        charges->failed = tg_json_parse(document->json, document->json_bytes, &json, NULL);
    }
    if (charges->failed == TG_OK) {
        charges->failed = charge_read(json, &charges->items[charges->count]);
        charges->count += charges->failed == TG_OK;
    }
    tg_json_free(json);
    return charges->failed == TG_OK;
}

static int charge_compare(const void *a, const void *b)
{
    const struct tg_bill_charge *left = a;
    const struct tg_bill_charge *right = b;
    if (left->subscriber != right->subscriber) {
        return left->subscriber < right->subscriber ? -1 : 1;
    }
    return strcmp(left->id, right->id);
}

enum tg_err tg_bill_charges_load(struct tg_db *state, struct tg_bill_charges *charges,
                                 struct tg_why *why)
{
    *charges = (struct tg_bill_charges){.count = 0};
    if (state == NULL) {
        return TG_OK;
    }
    struct tg_txn txn;
    tg_txn_begin(&txn, state, false);
    enum tg_err err = tg_documents_visit(&txn, COLLECTION, NULL, charge_see, charges, NULL);
    tg_txn_abort(&txn);
    err = charges->failed != TG_OK ? charges->failed : err == TG_E_NOT_FOUND ? TG_OK : err;
    if (err != TG_OK) {
        return tg_why_set(why, err, "the one-off charges cannot be read: %s", tg_err_sentence(err));
    }
    if (charges->count > 1) {
        qsort(charges->items, charges->count, sizeof charges->items[0], charge_compare);
    }
    return TG_OK;
}

void tg_bill_charges_free(struct tg_bill_charges *charges)
{
    tg_pages_free(charges->items, (size_t)charges->capacity * sizeof charges->items[0]);
    *charges = (struct tg_bill_charges){.count = 0};
}

uint32_t tg_bill_charges_from(const struct tg_bill_charge *charges, uint32_t count,
                              uint32_t subscriber)
{
    uint32_t low = 0;
    uint32_t high = count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (charges[middle].subscriber < subscriber) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool charge_render(const struct tg_bill_charge *charge, const char *subscription,
                          struct tg_bill_text *text)
{
    const struct tg_currency *currency = tg_currency_by_numeric(charge->currency);
    if (currency == NULL || charge->id[0] == '\0') {
        return false;
    }
    tg_bill_text_add(text, "{\"id\":");
    tg_bill_text_quote(text, charge->id);
    tg_bill_text_add(text, ",\"subscriber\":%u,\"subscription\":", charge->subscriber);
    tg_bill_text_quote(text, subscription);
    tg_bill_text_add(text, ",\"date\":\"");
    tg_bill_text_time(text, charge->date_ns);
    tg_bill_text_add(text, "\",\"amount\":\"");
    tg_bill_text_money(text, charge->amount, currency->scale, currency->minor);
    tg_bill_text_add(text, "\",\"currency\":\"%s\",\"title\":", currency->code);
    tg_bill_text_quote(text, charge->title);
    tg_bill_text_add(text, "}");
    return !text->is_full;
}

enum tg_err tg_bill_charge_enter(struct tg_db *state, const struct tg_catalog_snapshot *catalog,
                                 const struct tg_bill_closes *closes,
                                 const struct tg_bill_charge *charge, struct tg_why *why)
{
    const struct tg_roster_line *who = tg_roster_line(catalog->roster, charge->subscriber);
    char subscription[TG_BILL_CHARGE_ID_BYTES];
    char bytes[2048];
    struct tg_bill_text text = tg_bill_text(bytes, sizeof bytes);
    if (who == NULL) {
        return tg_why_set(why, TG_E_INVALID, "no subscriber %u", charge->subscriber);
    }
    (void)tg_roster_subscriber_name(catalog->roster, charge->subscriber, subscription,
                                    sizeof subscription);
    if (!charge_render(charge, subscription, &text)) {
        return tg_why_set(why, TG_E_INVALID, "charge '%s' cannot be stored", charge->id);
    }
    const struct tg_bill_cycle cycle = tg_bill_cycle_of(catalog, who->account);
    uint64_t epoch = 0;
    struct tg_txn txn;
    struct tg_bytes there = {NULL, 0};
    const uint32_t month = tg_bill_cycle_month(&cycle, charge->date_ns);
    const uint32_t last = tg_bill_cycle_last(&cycle, month);
    const bool is_closed = tg_bill_closes_find(closes, who->account, last, &epoch) &&
                           !tg_bill_voids_is_open(state, catalog, closes, who->account, last);
    tg_txn_begin(&txn, state, true);
    enum tg_err err = tg_documents_get(&txn, COLLECTION, charge->id, &there);
    if (err == TG_OK) {
        const bool is_same = there.length_bytes == text.length_bytes &&
                             memcmp(there.at, text.bytes, text.length_bytes) == 0;
        tg_txn_abort(&txn);
        return is_same ? TG_OK
                       : tg_why_set(why, TG_E_EXISTS, "a charge '%s' is there with another content",
                                    charge->id);
    }
    if (is_closed) {
        tg_txn_abort(&txn);
        return tg_why_set(why, TG_E_ISSUED,
                          "the bill of that period is closed; date the charge '%s' later",
                          charge->id);
    }
    tg_documents_put(&txn, COLLECTION, charge->id, text.bytes, text.length_bytes);
    return tg_txn_commit(&txn, why);
}
