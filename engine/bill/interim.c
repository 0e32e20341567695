/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/interim.h"

#include "base/arena.h"
#include "base/clock.h"
#include "bill/text.h"
#include "bill/voided.h"
#include "doc/json.h"
#include "store/documents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLLECTION "billInterim"

struct load {
    struct tg_bill_interims *interims;
    uint32_t month;
    enum tg_err err;
};

static enum tg_err item_read(const char *id, const char *json_at, size_t json_bytes,
                             struct tg_bill_interim *item)
{
    struct tg_json *json = NULL;
    enum tg_err err = tg_json_parse(json_at, json_bytes, &json, NULL);
    const char *account = tg_json_get_text(json, "account", "");
    const char *until = tg_json_get_text(json, "until", "");
    const char *date = tg_json_get_text(json, "date", "");
    *item = (struct tg_bill_interim){.month = (uint32_t)tg_json_get_integer(json, "month", 0),
                                     .epoch = (uint64_t)tg_json_get_integer(json, "epoch", 0)};
    if (err == TG_OK && (strlen(id) >= sizeof item->id || strlen(account) >= sizeof item->account ||
                         tg_clock_parse(until, strlen(until), &item->until_ns) != TG_OK)) {
        err = TG_E_CORRUPT;
    }
    if (tg_clock_parse(date, strlen(date), &item->issued_ns) != TG_OK) {
        item->issued_ns = INT64_MIN;
    }
    if (err == TG_OK) {
        (void)snprintf(item->id, sizeof item->id, "%s", id);
        (void)snprintf(item->account, sizeof item->account, "%s", account);
    }
    tg_json_free(json);
    return err;
}

static bool interim_visit(void *context, const struct tg_document *document)
{
    struct load *load = context;
    struct tg_bill_interims *interims = load->interims;
    struct tg_bill_interim item;
    if (interims->capacity == 0) {
        interims->count++;
        return true;
    }
    load->err = item_read(document->id, document->json, document->json_bytes, &item);
    if (load->err == TG_OK && item.month == load->month) {
        interims->items[interims->count++] = item;
    }
    return load->err == TG_OK;
}

static int interim_compare(const void *left, const void *right)
{
    const struct tg_bill_interim *a = left;
    const struct tg_bill_interim *b = right;
    const int order = strcmp(a->account, b->account);
    return order != 0 ? order : (a->until_ns > b->until_ns) - (a->until_ns < b->until_ns);
}

/* Looks for a bill of an interim bill's day that stands, in whatever currency. */
struct stands {
    struct tg_txn *txn;
    const struct tg_bill_interim *item;
    size_t first_length; /* Octets of its id that ids of the day's other bills begin with. */
    bool is_found;
};

static bool stands_look(void *context, const struct tg_document *document)
{
    struct stands *stands = context;
    struct tg_bill_interim of;
    if (strncmp(document->id, stands->item->id, stands->first_length) != 0) {
        return false;
    }
    stands->is_found = tg_bill_interim_of(stands->txn, document->id, stands->item->account, &of) &&
                       !tg_bill_void_find(stands->txn, document->id);
    return !stands->is_found;
}

/* One that a run wrote down and did not issue takes nothing, and holds up nothing. */
static bool is_void(struct tg_txn *txn, const struct tg_bill_interim *item)
{
    const char *turn = strstr(item->id, TG_BILL_AGAIN);
    struct stands stands = {txn, item, turn != NULL ? (size_t)(turn - item->id) : strlen(item->id),
                            false};
    char first[TG_BILL_ID_BYTES];
    (void)snprintf(first, sizeof first, "%.*s", (int)stands.first_length, item->id);
    (void)tg_documents_visit(txn, "billIssued", first, stands_look, &stands, NULL);
    return !stands.is_found;
}

/* One that was voided and billed again is one. */
static void items_join(struct tg_txn *txn, struct tg_bill_interims *interims)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < interims->count; i++) {
        struct tg_bill_interim *item = &interims->items[i];
        struct tg_bill_interim *last = kept > 0 ? &interims->items[kept - 1] : NULL;
        item->is_void = is_void(txn, item);
        if (last == NULL || interim_compare(last, item) != 0) {
            interims->items[kept++] = *item;
        } else if (last->is_void) {
            *last = *item;
        }
    }
    interims->count = kept;
}

enum tg_err tg_bill_interims_load(struct tg_db *state, uint32_t month,
                                  struct tg_bill_interims *interims, struct tg_why *why)
{
    struct load load = {.interims = interims, .month = month};
    struct tg_txn txn;
    *interims = (struct tg_bill_interims){.count = 0};
    if (state == NULL) {
        return TG_OK;
    }
    tg_txn_begin(&txn, state, false);
    enum tg_err err = tg_documents_visit(&txn, COLLECTION, NULL, interim_visit, &load, NULL);
    interims->capacity = interims->count;
    interims->count = 0;
    if (err == TG_OK && interims->capacity > 0) {
        interims->items = tg_pages_take(interims->capacity * sizeof interims->items[0]);
        err = interims->items == NULL
                  ? TG_E_NO_MEMORY
                  : tg_documents_visit(&txn, COLLECTION, NULL, interim_visit, &load, NULL);
        err = err == TG_OK ? load.err : err;
    }
    if (err == TG_OK && interims->count > 0) {
        qsort(interims->items, interims->count, sizeof interims->items[0], interim_compare);
        items_join(&txn, interims);
    }
    tg_txn_abort(&txn);
    if (err != TG_OK) {
        tg_bill_interims_free(interims);
        return tg_why_set(why, err, "interim bills cannot be read: %s", tg_err_sentence(err));
    }
    return TG_OK;
}

void tg_bill_interims_free(struct tg_bill_interims *interims)
{
    tg_pages_free(interims->items, interims->capacity * sizeof interims->items[0]);
    *interims = (struct tg_bill_interims){.count = 0};
}

uint32_t tg_bill_interims_from(const struct tg_bill_interims *interims, const char *account)
{
    uint32_t from = 0;
    uint32_t to = interims != NULL ? interims->count : 0;
    while (from < to) {
        const uint32_t middle = from + (to - from) / 2;
        if (strcmp(interims->items[middle].account, account) < 0) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

bool tg_bill_interim_find(struct tg_txn *txn, const char *id, struct tg_bill_interim *interim)
{
    struct tg_bytes bytes;
    return tg_documents_get(txn, COLLECTION, id, &bytes) == TG_OK &&
           item_read(id, bytes.at, bytes.length_bytes, interim) == TG_OK;
}

/* What an interim bill's id begins with is the id that its first run wrote down: behind it come the
 * code of another currency than the account's, and which turn it is (voided.h). */
bool tg_bill_interim_of(struct tg_txn *txn, const char *id, const char *account,
                        struct tg_bill_interim *interim)
{
    char first[TG_BILL_ID_BYTES];
    (void)snprintf(first, sizeof first, "%s", id);
    char *turn = strstr(first, TG_BILL_AGAIN);
    if (turn != NULL) {
        *turn = '\0';
    }
    bool is_found = tg_bill_interim_find(txn, first, interim);
    char *code = strrchr(first, '-');
    if (!is_found && code != NULL) {
        *code = '\0';
        is_found = tg_bill_interim_find(txn, first, interim);
    }
    return is_found && strcmp(interim->account, account) == 0;
}

enum tg_err tg_bill_interim_put(struct tg_db *state, const struct tg_bill_interim *interim,
                                struct tg_why *why)
{
    char bytes[1024];
    struct tg_bill_text text = tg_bill_text(bytes, sizeof bytes);
    struct tg_txn txn;
    TG_BILL_TEXT_PUT(&text, "{\"account\":");
    tg_bill_text_quote(&text, interim->account);
    tg_bill_text_add(&text, ",\"month\":%u,\"epoch\":%llu,\"until\":\"", interim->month,
                     (unsigned long long)interim->epoch);
    tg_bill_text_time(&text, interim->until_ns);
    TG_BILL_TEXT_PUT(&text, "\",\"date\":\"");
    tg_bill_text_time(&text, interim->issued_ns);
    TG_BILL_TEXT_PUT(&text, "\"}");
    tg_txn_begin(&txn, state, true);
    tg_documents_put(&txn, COLLECTION, interim->id, text.bytes, text.length_bytes);
    return tg_txn_commit(&txn, why);
}
