/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/close.h"

#include "base/arena.h"
#include "bill/cycle.h"
#include "bill/text.h"
#include "catalog/catalog.h"
#include "doc/json.h"
#include "ledger/scan.h"
#include "store/documents.h"

#include <stdio.h>
#include <string.h>

#define COLLECTION "billClose"

static bool close_read(void *context, const struct tg_document *document)
{
    struct tg_bill_closes *closes = context;
    struct tg_json *json = NULL;
    if (closes->count == TG_BILL_CLOSES_MAX ||
        tg_json_parse(document->json, document->json_bytes, &json, NULL) != TG_OK) {
        closes->reserved = closes->count == TG_BILL_CLOSES_MAX ? 1 : 2;
        return false;
    }
    const int64_t account = tg_json_get_integer(json, "account", -1);
    closes->items[closes->count++] =
        (struct tg_bill_close){.epoch = (uint64_t)tg_json_get_integer(json, "epoch", 0),
                               .account = account < 0 ? TG_ACCOUNT_NONE : (uint32_t)account,
                               .month = (uint32_t)tg_json_get_integer(json, "month", 0)};
    tg_json_free(json);
    return true;
}

enum tg_err tg_bill_closes_load(struct tg_db *state, struct tg_bill_closes *closes,
                                struct tg_why *why)
{
    *closes = (struct tg_bill_closes){.count = 0};
    closes->items = tg_pages_take(TG_BILL_CLOSES_MAX * sizeof closes->items[0]);
    if (closes->items == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for closed periods");
    }
    if (state == NULL) {
        return TG_OK;
    }
    struct tg_txn txn;
    tg_txn_begin(&txn, state, false);
    const enum tg_err err = tg_documents_visit(&txn, COLLECTION, NULL, close_read, closes, NULL);
    tg_txn_abort(&txn);
    if (closes->reserved == 1) {
        return tg_why_set(why, TG_E_FULL, "more than %u periods are closed", TG_BILL_CLOSES_MAX);
    }
    if (closes->reserved == 2) {
        return tg_why_set(why, TG_E_CORRUPT, "a closed period cannot be read");
    }
    return err == TG_E_NOT_FOUND ? TG_OK : err;
}

void tg_bill_closes_free(struct tg_bill_closes *closes)
{
    tg_pages_free(closes->items, TG_BILL_CLOSES_MAX * sizeof closes->items[0]);
    closes->items = NULL;
    closes->count = 0;
}

/* An account that was billed by itself has its own close; it counts whatever the others have. */
bool tg_bill_closes_find(const struct tg_bill_closes *closes, uint32_t account, uint32_t month,
                         uint64_t *epoch)
{
    bool is_found = false;
    for (uint32_t i = 0; i < closes->count; i++) {
        const struct tg_bill_close *close = &closes->items[i];
        if (close->month != month) {
            continue;
        }
        if (close->account == account) {
            *epoch = close->epoch;
            return true;
        }
        if (close->account == TG_ACCOUNT_NONE) {
            *epoch = close->epoch;
            is_found = true;
        }
    }
    return is_found;
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
                         const char *again)
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
    if (again != NULL) {
        TG_BILL_TEXT_PUT(&text, ",\"again\":");
        tg_bill_text_quote(&text, again);
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

void tg_bill_close_again(struct tg_txn *txn, uint32_t month, const char *account_name,
                         char id[TG_BILL_ID_BYTES])
{
    char key[TG_DOCUMENT_NAME_MAX];
    struct tg_bytes bytes = {NULL, 0};
    struct tg_json *json = NULL;
    id[0] = '\0';
    close_id(month, account_name, key);
    if (tg_documents_get(txn, COLLECTION, key, &bytes) == TG_OK &&
        tg_json_parse(bytes.at, bytes.length_bytes, &json, NULL) == TG_OK) {
        (void)snprintf(id, TG_BILL_ID_BYTES, "%s", tg_json_get_text(json, "again", ""));
    }
    tg_json_free(json);
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

bool tg_bill_closes_set(struct tg_bill_closes *closes, const struct tg_bill_close *close)
{
    for (uint32_t i = 0; i < closes->count; i++) {
        if (closes->items[i].month == close->month && closes->items[i].account == close->account) {
            closes->items[i] = *close;
            return true;
        }
    }
    if (closes->count == TG_BILL_CLOSES_MAX) {
        return false;
    }
    closes->items[closes->count++] = *close;
    return true;
}

enum tg_err tg_bill_close_put(struct tg_db *state, struct tg_bill_closes *closes,
                              const struct tg_bill_close *close, const char *account_name,
                              const struct tg_catalog_snapshot *catalog, struct tg_why *why)
{
    if (closes->count == TG_BILL_CLOSES_MAX) {
        return tg_why_set(why, TG_E_FULL, "more than %u periods are closed", TG_BILL_CLOSES_MAX);
    }
    struct tg_txn txn;
    tg_txn_begin(&txn, state, true);
    tg_bill_close_write(&txn, close, account_name, catalog, NULL);
    const enum tg_err err = tg_txn_commit(&txn, why);
    if (err == TG_OK) {
        closes->items[closes->count++] = *close;
    }
    return err;
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
