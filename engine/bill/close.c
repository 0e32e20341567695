/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/close.h"

#include "base/arena.h"
#include "base/clock.h"
#include "bill/cycle.h"
#include "bill/text.h"
#include "catalog/catalog.h"
#include "doc/json.h"
#include "ledger/scan.h"
#include "store/documents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLLECTION "billClose"

#define CLOSES_FIRST 256u

struct load {
    struct tg_bill_closes *closes;
    enum tg_err err;
};

static enum tg_err room_make(struct tg_bill_closes *closes)
{
    if (closes->count < closes->capacity) {
        return TG_OK;
    }
    if (closes->count >= TG_BILL_CLOSES_MAX) {
        return TG_E_FULL;
    }
    const uint32_t capacity = closes->capacity > 0 ? closes->capacity * 2 : CLOSES_FIRST;
    struct tg_bill_close *items = tg_pages_take(capacity * sizeof items[0]);
    if (items == NULL) {
        return TG_E_NO_MEMORY;
    }
    if (closes->count > 0) {
        memcpy(items, closes->items, closes->count * sizeof items[0]);
    }
    tg_pages_free(closes->items, closes->capacity * sizeof items[0]);
    closes->items = items;
    closes->capacity = capacity;
    return TG_OK;
}

static enum tg_err close_add(struct tg_bill_closes *closes, const struct tg_bill_close *close)
{
    const enum tg_err err = room_make(closes);
    if (err == TG_OK) {
        closes->items[closes->count++] = *close;
        closes->has_own |= close->account != TG_ACCOUNT_NONE;
    }
    return err;
}

static bool close_read(void *context, const struct tg_document *document)
{
    struct load *load = context;
    struct tg_json *json = NULL;
    load->err = tg_json_parse(document->json, document->json_bytes, &json, NULL);
    if (load->err == TG_OK) {
        const int64_t account = tg_json_get_integer(json, "account", -1);
        const struct tg_bill_close close = {
            .epoch = (uint64_t)tg_json_get_integer(json, "epoch", 0),
            .account = account < 0 ? TG_ACCOUNT_NONE : (uint32_t)account,
            .month = (uint32_t)tg_json_get_integer(json, "month", 0)};
        load->err = close_add(load->closes, &close);
    }
    tg_json_free(json);
    return load->err == TG_OK;
}

enum tg_err tg_bill_closes_load(struct tg_db *state, uint32_t month, struct tg_bill_closes *closes,
                                struct tg_why *why)
{
    struct load load = {.closes = closes};
    struct tg_civil civil;
    char from[TG_BILL_PERIOD_BYTES];
    *closes = (struct tg_bill_closes){.count = 0};
    if (state == NULL) {
        return TG_OK;
    }
    /* Ids of months and of weeks begin with the year. */
    tg_clock_to_civil(tg_bill_period_start_ns(month), &civil);
    (void)snprintf(from, sizeof from, "%04u", (unsigned)civil.year % 10000 - TG_BILL_CLOSES_YEARS);
    struct tg_txn txn;
    tg_txn_begin(&txn, state, false);
    enum tg_err err = tg_documents_visit(&txn, COLLECTION, from, close_read, &load, NULL);
    tg_txn_abort(&txn);
    err = load.err != TG_OK ? load.err : err == TG_E_NOT_FOUND ? TG_OK : err;
    tg_bill_closes_order(closes);
    return err == TG_OK ? TG_OK
           : err == TG_E_FULL
               ? tg_why_set(why, err, "more than %u periods of accounts are closed in %u years",
                            TG_BILL_CLOSES_MAX, TG_BILL_CLOSES_YEARS)
               : tg_why_set(why, err, "closed periods cannot be read: %s", tg_err_sentence(err));
}

void tg_bill_closes_free(struct tg_bill_closes *closes)
{
    tg_pages_free(closes->items, closes->capacity * sizeof closes->items[0]);
    *closes = (struct tg_bill_closes){.count = 0};
}

static uint64_t key_of(const struct tg_bill_close *close)
{
    return (uint64_t)close->month << 32 | close->account;
}

static int close_compare(const void *left, const void *right)
{
    const uint64_t a = key_of(left);
    const uint64_t b = key_of(right);
    return (a > b) - (a < b);
}

void tg_bill_closes_order(struct tg_bill_closes *closes)
{
    if (closes->count > closes->ordered_count) {
        qsort(closes->items, closes->count, sizeof closes->items[0], close_compare);
    }
    closes->ordered_count = closes->count;
}

/* The first that is not before a key. */
static uint32_t place_find(const struct tg_bill_closes *closes, uint64_t key)
{
    uint32_t from = 0;
    uint32_t to = closes->ordered_count;
    while (from < to) {
        const uint32_t middle = from + (to - from) / 2;
        if (key_of(&closes->items[middle]) < key) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

static struct tg_bill_close *close_at(const struct tg_bill_closes *closes, uint32_t account,
                                      uint32_t month)
{
    const uint64_t key = (uint64_t)month << 32 | account;
    const uint32_t place = place_find(closes, key);
    return place < closes->ordered_count && key_of(&closes->items[place]) == key
               ? &closes->items[place]
               : NULL;
}

/* An account that was billed by itself has its own close; it counts whatever the others have. */
bool tg_bill_closes_find(const struct tg_bill_closes *closes, uint32_t account, uint32_t month,
                         uint64_t *epoch)
{
    const struct tg_bill_close *close = closes->has_own ? close_at(closes, account, month) : NULL;
    close = close == NULL ? close_at(closes, TG_ACCOUNT_NONE, month) : close;
    if (close != NULL) {
        *epoch = close->epoch;
    }
    return close != NULL;
}

bool tg_bill_closes_later(const struct tg_bill_closes *closes, uint32_t account, uint32_t month)
{
    const uint32_t end = tg_bill_is_week(month) ? UINT32_MAX : TG_BILL_WEEK_FIRST;
    const uint32_t behind = place_find(closes, (uint64_t)end << 32);
    const uint32_t last = behind > 0 ? closes->items[behind - 1].month : 0;
    uint64_t epoch = 0;
    for (uint32_t m = month + 1; m <= last; m++) {
        if (tg_bill_closes_find(closes, account, m, &epoch)) {
            return true;
        }
    }
    return false;
}

static void close_id(uint32_t month, const char *account_name, char id[TG_DOCUMENT_NAME_MAX])
{
    char period[TG_BILL_PERIOD_BYTES];
    tg_bill_period_print(month, period);
    (void)snprintf(id, TG_DOCUMENT_NAME_MAX, "%s%s%s", period, account_name != NULL ? "/" : "",
                   account_name != NULL ? account_name : "");
}

void tg_bill_close_write(struct tg_txn *txn, const struct tg_bill_close *close,
                         const char *account_name, const struct tg_catalog_snapshot *catalog,
                         uint32_t voided)
{
    char id[TG_DOCUMENT_NAME_MAX];
    char bytes[512 + TG_CATALOG_IMAGES_MAX * 12];
    struct tg_bill_text text = tg_bill_text(bytes, sizeof bytes);
    close_id(close->month, account_name, id);
    tg_bill_text_add(&text, "{\"month\":%u,\"account\":%lld,\"epoch\":%llu,\"versions\":[",
                     close->month,
                     close->account == TG_ACCOUNT_NONE ? -1LL : (long long)close->account,
                     (unsigned long long)close->epoch);
    tg_bill_versions_print(catalog, &text);
    TG_BILL_TEXT_PUT(&text, "]");
    if (voided > 0) {
        tg_bill_text_add(&text, ",\"voided\":%u", voided);
    }
    TG_BILL_TEXT_PUT(&text, "}");
    tg_documents_put(txn, COLLECTION, id, text.bytes, text.length_bytes);
}

void tg_bill_versions_print(const struct tg_catalog_snapshot *catalog, struct tg_bill_text *text)
{
    bool is_first = true;
    for (uint32_t i = 0; i < catalog->images_count; i++) {
        if (catalog->valid_from_ns[i] != TG_BILL_VERSION_NEVER_NS) {
            tg_bill_text_add(text, is_first ? "%u" : ",%u", catalog->images[i]->version);
            is_first = false;
        }
    }
}

uint32_t tg_bill_close_voided(struct tg_txn *txn, uint32_t month, const char *account_name)
{
    char key[TG_DOCUMENT_NAME_MAX];
    struct tg_bytes bytes = {NULL, 0};
    struct tg_json *json = NULL;
    uint32_t voided = 0;
    close_id(month, account_name, key);
    if (tg_documents_get(txn, COLLECTION, key, &bytes) == TG_OK &&
        tg_json_parse(bytes.at, bytes.length_bytes, &json, NULL) == TG_OK) {
        voided = (uint32_t)tg_json_get_integer(json, "voided", 0);
    }
    tg_json_free(json);
    return voided;
}

bool tg_bill_close_find(struct tg_txn *txn, uint32_t month, const char *account_name)
{
    char key[TG_DOCUMENT_NAME_MAX];
    struct tg_bytes bytes = {NULL, 0};
    close_id(month, account_name, key);
    if (tg_documents_get(txn, COLLECTION, key, &bytes) == TG_OK) {
        return true;
    }
    close_id(month, NULL, key);
    return tg_documents_get(txn, COLLECTION, key, &bytes) == TG_OK;
}

enum tg_err tg_bill_closes_set(struct tg_bill_closes *closes, const struct tg_bill_close *close)
{
    struct tg_bill_close *known = close_at(closes, close->account, close->month);
    if (known != NULL) {
        *known = *close;
        return TG_OK;
    }
    return close_add(closes, close);
}

enum tg_err tg_bill_close_put(struct tg_db *state, struct tg_bill_closes *closes,
                              const struct tg_bill_close *close, const char *account_name,
                              const struct tg_catalog_snapshot *catalog, struct tg_why *why)
{
    enum tg_err err = tg_bill_closes_set(closes, close);
    if (err != TG_OK) {
        return tg_why_set(why, err, "no room for another closed period: %s", tg_err_sentence(err));
    }
    tg_bill_closes_order(closes);
    struct tg_txn txn;
    tg_txn_begin(&txn, state, true);
    tg_bill_close_write(&txn, close, account_name, catalog, 0);
    return tg_txn_commit(&txn, why);
}

static bool list_has(const struct tg_json *list, uint32_t version)
{
    for (size_t i = 0; i < tg_json_count(list); i++) {
        int64_t one = -1;
        if (tg_json_read_integer(tg_json_at(list, i), &one) && one == version) {
            return true;
        }
    }
    return false;
}

enum tg_err tg_bill_close_versions(struct tg_db *state, uint32_t month, const char *account_name,
                                   struct tg_catalog_snapshot *catalog, struct tg_why *why)
{
    char id[TG_DOCUMENT_NAME_MAX];
    struct tg_txn txn;
    struct tg_bytes bytes = {NULL, 0};
    struct tg_json *json = NULL;
    tg_txn_begin(&txn, state, false);
    close_id(month, account_name, id);
    enum tg_err err = tg_documents_get(&txn, COLLECTION, id, &bytes);
    if (err == TG_E_NOT_FOUND && account_name != NULL) {
        close_id(month, NULL, id);
        err = tg_documents_get(&txn, COLLECTION, id, &bytes);
    }
    if (err == TG_OK) {
        err = tg_json_parse(bytes.at, bytes.length_bytes, &json, why);
    }
    tg_txn_abort(&txn);
    if (err != TG_OK) {
        return err == TG_E_NOT_FOUND ? TG_OK : err;
    }
    err = tg_bill_versions_keep(tg_json_get(json, "versions"), catalog, why);
    tg_json_free(json);
    return err;
}

enum tg_err tg_bill_versions_keep(const struct tg_json *versions,
                                  struct tg_catalog_snapshot *catalog, struct tg_why *why)
{
    const struct tg_catalog_snapshot all = *catalog;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < all.images_count; i++) {
        if (list_has(versions, all.images[i]->version)) {
            catalog->images[kept] = all.images[i];
            catalog->valid_from_ns[kept++] = all.valid_from_ns[i];
        }
    }
    for (uint32_t i = 0, at = kept; i < all.images_count && at < all.images_count; i++) {
        if (!list_has(versions, all.images[i]->version)) {
            catalog->images[at] = all.images[i];
            catalog->valid_from_ns[at++] = TG_BILL_VERSION_NEVER_NS;
        }
    }
    return kept > 0 ? TG_OK
                    : tg_why_set(why, TG_E_CATALOG_VERSION,
                                 "no catalog version that the period was billed with is stored");
}

static enum tg_err epoch_see(void *context, const struct tg_scan_view *view)
{
    *(uint64_t *)context = view->epoch;
    return TG_OK;
}

enum tg_err tg_bill_last_epoch(const char *data_dir, uint64_t *epoch, struct tg_why *why)
{
    *epoch = 0;
    /* No row has this fate, so no row is decoded: headers and directories only. */
    const struct tg_scan_params params = {
        .size_bytes = sizeof params, .dir = data_dir, .fates = 1u << 31};
    struct tg_scan *scan = NULL;
    enum tg_err err = tg_scan_open(&params, &scan, why);
    if (err == TG_OK) {
        err = tg_scan_fold(scan, epoch_see, epoch, why);
    }
    tg_scan_close(scan);
    return err;
}
