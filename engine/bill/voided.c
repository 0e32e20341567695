/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/voided.h"

#include "base/arena.h"
#include "base/clock.h"
#include "bill/bill_id.h"
#include "bill/close.h"
#include "bill/cycle.h"
#include "bill/interim.h"
#include "bill/pack.h"
#include "bill/standing.h"
#include "bill/text.h"
#include "catalog/catalog.h"
#include "doc/json.h"
#include "store/documents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLLECTION  "billVoid"
#define APPROVED    "billApproved"
#define AGAIN_BYTES 8u
#define LINE_BYTES  12u /* Room that the suffix of a line needs behind an id. */

struct load {
    struct tg_bill_voids *voids;
    uint32_t capacity; /* 0: count only. */
    enum tg_err err;
};

static bool item_read(void *context, const struct tg_document *document)
{
    struct load *load = context;
    struct tg_json *json = NULL;
    if (load->capacity == 0) {
        load->voids->count++;
        return true;
    }
    struct tg_bill_void *item = &load->voids->items[load->voids->count];
    load->err = tg_json_parse(document->json, document->json_bytes, &json, NULL);
    const char *account = tg_json_get_text(json, "account", "");
    if (load->err == TG_OK &&
        (strlen(document->id) >= sizeof item->id || strlen(account) >= sizeof item->account)) {
        load->err = TG_E_CORRUPT;
    }
    if (load->err == TG_OK) {
        (void)snprintf(item->id, sizeof item->id, "%s", document->id);
        (void)snprintf(item->account, sizeof item->account, "%s", account);
        item->month = (uint32_t)tg_json_get_integer(json, "month", 0);
        load->voids->count++;
    }
    tg_json_free(json);
    return load->err == TG_OK;
}

static int void_compare(const void *left, const void *right)
{
    const struct tg_bill_void *a = left;
    const struct tg_bill_void *b = right;
    const int order = strcmp(a->account, b->account);
    return order != 0 ? order : strcmp(a->id, b->id);
}

enum tg_err tg_bill_voids_load(struct tg_db *state, struct tg_bill_voids *voids, struct tg_why *why)
{
    struct load load = {.voids = voids};
    struct tg_txn txn;
    *voids = (struct tg_bill_voids){.count = 0};
    if (state == NULL) {
        return TG_OK;
    }
    tg_txn_begin(&txn, state, false);
    enum tg_err err = tg_documents_visit(&txn, COLLECTION, NULL, item_read, &load, NULL);
    load.capacity = voids->count;
    voids->count = 0;
    if (err == TG_OK && load.capacity > 0) {
        voids->items = tg_pages_take(load.capacity * sizeof voids->items[0]);
        err = voids->items == NULL
                  ? TG_E_NO_MEMORY
                  : tg_documents_visit(&txn, COLLECTION, NULL, item_read, &load, NULL);
        err = err == TG_OK ? load.err : err;
    }
    tg_txn_abort(&txn);
    if (err != TG_OK) {
        tg_pages_free(voids->items, load.capacity * sizeof voids->items[0]);
        *voids = (struct tg_bill_voids){.count = 0};
        return tg_why_set(why, err, "voided bills cannot be read: %s", tg_err_sentence(err));
    }
    if (voids->count > 0) {
        qsort(voids->items, voids->count, sizeof voids->items[0], void_compare);
    }
    return TG_OK;
}

void tg_bill_voids_free(struct tg_bill_voids *voids)
{
    tg_pages_free(voids->items, voids->count * sizeof voids->items[0]);
    *voids = (struct tg_bill_voids){.count = 0};
}

/* The first of an account, or of who comes behind it. */
static uint32_t first_find(const struct tg_bill_voids *voids, const char *account)
{
    uint32_t from = 0;
    uint32_t to = voids != NULL ? voids->count : 0;
    while (from < to) {
        const uint32_t middle = from + (to - from) / 2;
        if (strcmp(voids->items[middle].account, account) < 0) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

static bool has_id(const struct tg_bill_voids *voids, uint32_t from, const char *account,
                   const char *id)
{
    for (; from < voids->count && strcmp(voids->items[from].account, account) == 0; from++) {
        if (strcmp(voids->items[from].id, id) == 0) {
            return true;
        }
    }
    return false;
}

bool tg_bill_voids_current(const struct tg_bill_voids *voids, const char *account,
                           char id[TG_BILL_ID_BYTES], char replaced[TG_BILL_ID_BYTES])
{
    const size_t length = strlen(id);
    const uint32_t first = first_find(voids, account);
    if (replaced != NULL) {
        replaced[0] = '\0';
    }
    for (uint32_t turn = 2; voids != NULL && has_id(voids, first, account, id); turn++) {
        if (length + AGAIN_BYTES + LINE_BYTES >= TG_BILL_ID_BYTES || turn > 9999) {
            return false;
        }
        if (replaced != NULL) {
            memcpy(replaced, id, TG_BILL_ID_BYTES);
        }
        (void)snprintf(id + length, AGAIN_BYTES, TG_BILL_AGAIN "%u", turn);
    }
    return true;
}

bool tg_bill_void_find(struct tg_txn *txn, const char *id)
{
    struct tg_bytes bytes;
    return tg_documents_get(txn, COLLECTION, id, &bytes) == TG_OK;
}

enum tg_err tg_bill_replaced_read(struct tg_txn *txn, const char *id,
                                  struct tg_bill_replaced *replaced)
{
    struct tg_bill_standing standing;
    struct tg_bytes bytes;
    struct tg_json *bill = NULL;
    *replaced = (struct tg_bill_replaced){.balance = 0};
    enum tg_err err = tg_bill_standing_read(txn, id, &standing);
    err = err == TG_OK ? tg_documents_get(txn, "customerBill", id, &bytes) : err;
    err = err == TG_OK ? tg_json_parse(bytes.at, bytes.length_bytes, &bill, NULL) : err;
    if (err != TG_OK) {
        return err;
    }
    const char *paid = tg_json_get_text(bill, "x_paidFromBalance", "0");
    (void)snprintf(replaced->id, sizeof replaced->id, "%s", id);
    (void)snprintf(replaced->number, sizeof replaced->number, "%s", standing.number);
    if (tg_money_parse(paid, strlen(paid), standing.currency->minor, &replaced->balance) != TG_OK) {
        err = TG_E_CORRUPT;
    }
    replaced->balance = replaced->balance > 0 ? replaced->balance : 0;
    replaced->left = standing.open >= 0                   ? 0
                     : -standing.open < replaced->balance ? -standing.open
                                                          : replaced->balance;
    replaced->is_credit = !standing.keeps_credit;
    tg_json_free(bill);
    return err;
}

void tg_bill_void_note(struct tg_txn *txn, const struct tg_bill_void *voided, const char *note,
                       int64_t at_ns)
{
    char bytes[1024];
    struct tg_bill_text text = tg_bill_text(bytes, sizeof bytes);
    TG_BILL_TEXT_PUT(&text, "{\"account\":");
    tg_bill_text_quote(&text, voided->account);
    tg_bill_text_add(&text, ",\"month\":%u,\"note\":", voided->month);
    tg_bill_text_quote(&text, note);
    TG_BILL_TEXT_PUT(&text, ",\"date\":\"");
    tg_bill_text_time(&text, at_ns);
    TG_BILL_TEXT_PUT(&text, "\"}");
    tg_documents_put(txn, COLLECTION, voided->id, text.bytes, text.length_bytes);
}

/* Other bills of an account's period, of other currencies, that stand. */
struct stands {
    const struct tg_bill_voids *voids;
    const char *prefix;
    const char *account;
    bool is_found;
};

static bool stands_look(void *context, const struct tg_document *document)
{
    struct stands *stands = context;
    struct tg_json *json = NULL;
    if (strncmp(document->id, stands->prefix, strlen(stands->prefix)) != 0) {
        return false;
    }
    /* A prefix alone may be that of another account's bill: a and a-b. */
    stands->is_found = tg_json_parse(document->json, document->json_bytes, &json, NULL) != TG_OK ||
                       (strcmp(tg_json_get_text(json, "account", ""), stands->account) == 0 &&
                        !has_id(stands->voids, first_find(stands->voids, stands->account),
                                stands->account, document->id));
    tg_json_free(json);
    return !stands->is_found;
}

/* How many bills of an account's period are void, in whatever currency. id: what their ids begin
 * with, so that interim bills are none of them; NULL: they count too. */
static uint32_t voided_count(const struct tg_bill_voids *voids, const char *account, uint32_t month,
                             const char *id)
{
    uint32_t count = 0;
    for (uint32_t i = first_find(voids, account);
         i < voids->count && strcmp(voids->items[i].account, account) == 0; i++) {
        count += voids->items[i].month == month &&
                 (id == NULL || strncmp(voids->items[i].id, id, strlen(id)) == 0);
    }
    return count;
}

/* Notes with late usage that were made with a period's bill. */
struct noted {
    const char *prefix;
    const char *account;
    char suffix[TG_BILL_PERIOD_BYTES + sizeof TG_BILL_LATE_NOTE];
    bool is_found;
};

static bool noted_look(void *context, const struct tg_document *document)
{
    struct noted *noted = context;
    struct tg_json *json = NULL;
    const size_t length = strlen(document->id);
    const size_t suffix_length = strlen(noted->suffix);
    if (strncmp(document->id, noted->prefix, strlen(noted->prefix)) != 0) {
        return false;
    }
    if (length > suffix_length &&
        strcmp(document->id + length - suffix_length, noted->suffix) == 0) {
        noted->is_found =
            tg_json_parse(document->json, document->json_bytes, &json, NULL) != TG_OK ||
            strcmp(tg_json_get_text(json, "account", ""), noted->account) == 0;
        tg_json_free(json);
    }
    return !noted->is_found;
}

/* Was usage noted with the period's bill on invoices of earlier ones? That stands, whatever becomes
 * of the bill. */
static bool has_noted(struct tg_txn *txn, const struct tg_bill_cycle *cycle, const char *account,
                      uint32_t month)
{
    static const char *const behind[] = {"-", TG_BILL_AGAIN};
    struct noted noted = {.account = account};
    char period[TG_BILL_PERIOD_BYTES];
    char id[TG_BILL_ID_BYTES];
    char prefix[TG_BILL_ID_BYTES + 8];
    tg_bill_period_print(month, period);
    (void)snprintf(noted.suffix, sizeof noted.suffix, TG_BILL_LATE_NOTE "%s", period);
    for (uint32_t back = 1; back <= tg_bill_late_periods(month) && !noted.is_found; back++) {
        const struct tg_bill_window window = tg_bill_cycle_bill(cycle, month - back);
        const struct tg_zone_view zone = tg_bill_cycle_zone(cycle, window.end_ns - 1);
        if (window.start_ns == window.end_ns ||
            !tg_bill_id_format(account, tg_zone_local_ns(zone, window.start_ns),
                               tg_zone_local_ns(zone, window.end_ns), NULL, id)) {
            continue;
        }
        for (size_t i = 0; i < sizeof behind / sizeof behind[0] && !noted.is_found; i++) {
            (void)snprintf(prefix, sizeof prefix, "N-%s%s", id, behind[i]);
            noted.prefix = prefix;
            (void)tg_documents_visit(txn, "billIssued", prefix, noted_look, &noted, NULL);
        }
    }
    return noted.is_found;
}

/* How many bills of a period are void, of which none stands; 0: one does, or none ever was. */
static uint32_t open_count(struct tg_txn *txn, const struct tg_bill_voids *voids,
                           const struct tg_bill_cycle *cycle, const char *account, uint32_t month)
{
    const struct tg_bill_window window = tg_bill_cycle_bill(cycle, month);
    const struct tg_zone_view zone = tg_bill_cycle_zone(cycle, window.end_ns - 1);
    struct tg_bytes bytes;
    char id[TG_BILL_ID_BYTES];
    char prefix[TG_BILL_ID_BYTES + 1];
    if (!tg_bill_id_format(account, tg_zone_local_ns(zone, window.start_ns),
                           tg_zone_local_ns(zone, window.end_ns), NULL, id)) {
        return 0;
    }
    (void)snprintf(prefix, sizeof prefix, "%s-", id);
    const uint32_t count = voided_count(voids, account, month, id);
    struct stands stands = {voids, prefix, account, false};
    if (count == 0 || has_noted(txn, cycle, account, month) ||
        !tg_bill_voids_current(voids, account, id, NULL) ||
        tg_documents_get(txn, "billIssued", id, &bytes) != TG_E_NOT_FOUND) {
        return 0;
    }
    const enum tg_err err =
        tg_documents_visit(txn, "billIssued", prefix, stands_look, &stands, NULL);
    return (err == TG_OK || err == TG_E_NOT_FOUND) && !stands.is_found ? count : 0;
}

static enum tg_err account_reopen(struct tg_txn *txn, const struct tg_bill_reopen *reopen,
                                  uint32_t account, const char *name, struct tg_bill_closes *closes)
{
    const struct tg_bill_cycle cycle = tg_bill_cycle_of(reopen->catalog, account);
    struct tg_bill_close close = {
        .epoch = reopen->epoch, .account = account, .month = reopen->month};
    uint64_t epoch = 0;
    if (!tg_bill_closes_find(closes, account, reopen->month, &epoch) ||
        tg_bill_closes_later(closes, account, reopen->month)) {
        return TG_OK;
    }
    const uint32_t voided = open_count(txn, reopen->voids, &cycle, name, reopen->month);
    if (voided == 0 || voided == tg_bill_close_voided(txn, reopen->month, name)) {
        return TG_OK; /* Else a run that was interrupted has said how far it looks. */
    }
    if (reopen->is_kept) {
        tg_bill_close_write(txn, &close, name, reopen->catalog, voided);
    }
    return tg_bill_closes_set(closes, &close);
}

enum tg_err tg_bill_voids_reopen(struct tg_db *state, const struct tg_bill_reopen *reopen,
                                 struct tg_bill_closes *closes, struct tg_why *why)
{
    const struct tg_roster *roster = reopen->catalog->roster;
    struct tg_txn txn;
    enum tg_err err = TG_OK;
    char name[TG_NAME_BYTES_MAX];
    if (reopen->voids->count == 0) {
        return TG_OK;
    }
    tg_txn_begin(&txn, state, reopen->is_kept);
    for (uint32_t a = reopen->account_from; a < reopen->account_to && err == TG_OK; a++) {
        (void)tg_roster_account_name(roster, a, name, sizeof name);
        if (voided_count(reopen->voids, name, reopen->month, NULL) > 0) {
            err = account_reopen(&txn, reopen, a, name, closes);
        }
    }
    tg_bill_closes_order(closes);
    if (err != TG_OK || !reopen->is_kept) {
        tg_txn_abort(&txn);
        return err == TG_OK ? TG_OK
                            : tg_why_set(why, err, "no room for another closed period: %s",
                                         tg_err_sentence(err));
    }
    return tg_txn_commit(&txn, why);
}

bool tg_bill_voids_is_open(struct tg_db *state, const struct tg_catalog_snapshot *catalog,
                           const struct tg_bill_closes *closes, uint32_t account, uint32_t month)
{
    struct tg_bill_voids voids;
    struct tg_txn txn;
    char name[TG_NAME_BYTES_MAX];
    bool is = false;
    if (tg_bill_voids_load(state, &voids, NULL) != TG_OK) {
        return false;
    }
    const struct tg_bill_cycle cycle = tg_bill_cycle_of(catalog, account);
    (void)tg_roster_account_name(catalog->roster, account, name, sizeof name);
    if (voided_count(&voids, name, month, NULL) > 0 &&
        !tg_bill_closes_later(closes, account, month)) {
        tg_txn_begin(&txn, state, false);
        const uint32_t voided = open_count(&txn, &voids, &cycle, name, month);
        is = voided != 0 && voided != tg_bill_close_voided(&txn, month, name);
        tg_txn_abort(&txn);
    }
    tg_bill_voids_free(&voids);
    return is;
}

/* Sixteen digits at the end of a draft, as pack.c puts them there. */
static bool digest_of(const struct tg_bytes *draft, char digest[20])
{
    static const char key[] = TG_BILL_DIGEST_KEY;
    const size_t tail = sizeof key - 1 + 16 + 2;
    if (draft->length_bytes < tail) {
        return false;
    }
    const char *at = (const char *)draft->at + draft->length_bytes - tail;
    (void)snprintf(digest, 20, "%.16s", at + sizeof key - 1);
    return memcmp(at, key, sizeof key - 1) == 0;
}

static bool draft_approve(struct tg_txn *txn, const struct tg_bill_voids *voids,
                          const struct tg_bill_void *item)
{
    char id[TG_BILL_ID_BYTES];
    char replaced[TG_BILL_ID_BYTES];
    char json[64];
    char digest[20];
    struct tg_bytes bytes;
    struct tg_bill_interim interim;
    if (tg_bill_interim_of(txn, item->id, item->account, &interim)) {
        return false; /* It is of a period without approvals. */
    }
    memcpy(id, item->id, sizeof id);
    char *again = strstr(id, TG_BILL_AGAIN);
    if (again != NULL) {
        *again = '\0';
    }
    if (!tg_bill_voids_current(voids, item->account, id, replaced) ||
        strcmp(replaced, item->id) != 0 ||
        tg_documents_get(txn, "billDraft", id, &bytes) != TG_OK || !digest_of(&bytes, digest)) {
        return false;
    }
    const int length = snprintf(json, sizeof json, "{\"digest\":\"%s\"}", digest);
    tg_documents_put(txn, APPROVED, id, json, (size_t)length);
    return true;
}

enum tg_err tg_bill_voids_approve(struct tg_db *state, uint32_t month, const char *account,
                                  uint32_t *count, struct tg_why *why)
{
    struct tg_bill_voids voids;
    struct tg_txn txn;
    *count = 0;
    enum tg_err err = tg_bill_voids_load(state, &voids, why);
    if (err != TG_OK || voids.count == 0) {
        return err;
    }
    tg_txn_begin(&txn, state, true);
    for (uint32_t i = 0; i < voids.count; i++) {
        const struct tg_bill_void *item = &voids.items[i];
        if (item->month == month && (account == NULL || strcmp(account, item->account) == 0)) {
            *count += draft_approve(&txn, &voids, item);
        }
    }
    tg_bill_voids_free(&voids);
    return tg_txn_commit(&txn, why);
}

bool tg_bill_voids_approved(struct tg_txn *txn, const char *id, uint64_t approval)
{
    char wanted[64];
    struct tg_bytes bytes;
    const int length =
        snprintf(wanted, sizeof wanted, "{\"digest\":\"%016llx\"}", (unsigned long long)approval);
    return tg_documents_get(txn, APPROVED, id, &bytes) == TG_OK &&
           bytes.length_bytes == (size_t)length && memcmp(bytes.at, wanted, (size_t)length) == 0;
}
