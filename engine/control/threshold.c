/* SPDX-License-Identifier: Apache-2.0 */
#include "control/threshold.h"

#include "abi/key.h"
#include "base/money.h"
#include "doc/json.h"
#include "ledger/scan.h"
#include "store/documents.h"

#include <stdio.h>
#include <stdlib.h>

#define COLLECTION  "usageThreshold"
#define COUNT_FIRST 64u

/* A marked row with its place. */
struct reached {
    struct tg_usage usage;
    struct tg_charge charge;
    uint64_t epoch;
    uint32_t index;
};

struct tg_threshold_list {
    struct reached *items;
    uint32_t count;
    uint32_t capacity;
    uint64_t epoch;
    uint32_t index; /* rows of the epoch that were passed */
};

struct tg_threshold_list *tg_threshold_list_open(void)
{
    return calloc(1, sizeof(struct tg_threshold_list));
}

void tg_threshold_list_close(struct tg_threshold_list *list)
{
    if (list != NULL) {
        free(list->items);
        free(list);
    }
}

static enum tg_err item_add(struct tg_threshold_list *list, const struct tg_scan_view *view,
                            uint32_t row, struct tg_why *why)
{
    if (list->count == list->capacity) {
        const uint32_t capacity = list->capacity > 0 ? list->capacity * 2 : COUNT_FIRST;
        struct reached *more = realloc(list->items, capacity * sizeof *more);
        if (more == NULL) {
            return TG_E_NO_MEMORY;
        }
        list->items = more;
        list->capacity = capacity;
    }
    struct reached *item = &list->items[list->count];
    const enum tg_err err = tg_scan_row(view, row, &item->usage, &item->charge, why);
    item->epoch = view->epoch;
    item->index = list->index + row;
    list->count += err == TG_OK ? 1 : 0;
    return err;
}

enum tg_err tg_threshold_list_fold(struct tg_threshold_list *list, const struct tg_scan_view *view,
                                   struct tg_why *why)
{
    enum tg_err err = TG_OK;
    if (view->epoch != list->epoch) {
        list->epoch = view->epoch;
        list->index = 0;
    }
    for (uint32_t i = 0; i < view->rows_count && err == TG_OK; i++) {
        if ((view->charge_flags[i] & TG_CHARGE_THRESHOLD) != 0) {
            err = item_add(list, view, i, why);
        }
    }
    list->index += view->rows_total_count;
    return err;
}

static struct tg_json *document_make(const struct reached *item, const char *id)
{
    struct tg_json *json = tg_json_object();
    const struct tg_currency *currency = tg_currency_by_numeric(item->charge.currency);
    char key[20];
    (void)snprintf(key, sizeof key, "%016llx", (unsigned long long)item->usage.record_key);
    tg_json_set_string(json, "id", id);
    tg_json_set_string(json, "row", id);
    tg_json_set_string(json, "record_key", key);
    tg_json_set_time(json, "start", item->usage.start_ns);
    tg_json_set_integer(json, "source", item->usage.source_id);
    tg_json_set_integer(json, "sequence", item->usage.sequence);
    if (tg_usage_subscriber_kind(&item->usage) == TG_KEY_E164) {
        char digits[16];
        (void)tg_digits_unpack(item->usage.subscriber_key, digits);
        tg_json_set_string(json, "subscriber", digits);
    }
    if (currency != NULL) {
        tg_json_set_money(json, "amount", item->charge.amount, currency->scale, currency->minor);
        tg_json_set_string(json, "currency", currency->code);
    }
    tg_json_set_bool(json, "is_capped", (item->charge.flags & TG_CHARGE_CAPPED) != 0);
    return json;
}

static void item_publish(struct tg_txn *txn, const struct reached *item)
{
    char id[40];
    struct tg_bytes stored;
    (void)snprintf(id, sizeof id, "%llu:%u", (unsigned long long)item->epoch, item->index);
    if (tg_documents_get(txn, COLLECTION, id, &stored) != TG_E_NOT_FOUND) {
        return;
    }
    struct tg_json *entry = tg_json_object();
    struct tg_json *document = document_make(item, id);
    size_t length = 0;
    size_t entry_length = 0;
    char *text = tg_json_dump(document, &length);
    tg_json_set_string(entry, "kind", COLLECTION);
    tg_json_set(entry, "threshold", document);
    char *announced = tg_json_dump(entry, &entry_length);
    if (text != NULL && announced != NULL) {
        tg_documents_put(txn, COLLECTION, id, text, length);
        (void)tg_outbox_append(txn, announced, entry_length);
    } else {
        tg_txn_fail(txn, TG_E_NO_MEMORY);
    }
    tg_json_text_free(text);
    tg_json_text_free(announced);
    tg_json_free(entry);
}

enum tg_err tg_threshold_list_publish(struct tg_threshold_list *list, struct tg_db *state,
                                      struct tg_why *why)
{
    if (list->count == 0) {
        return TG_OK;
    }
    struct tg_txn txn;
    tg_txn_begin(&txn, state, true);
    for (uint32_t i = 0; i < list->count; i++) {
        item_publish(&txn, &list->items[i]);
    }
    const enum tg_err err = tg_txn_commit(&txn, why);
    list->count = err == TG_OK ? 0 : list->count;
    return err;
}
