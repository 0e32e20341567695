/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/issue.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/money.h"
#include "bill/carry.h"
#include "bill/close.h"
#include "bill/interim.h"
#include "bill/standing.h"
#include "bill/taken.h"
#include "bill/voided.h"
#include "doc/json.h"
#include "store/documents.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define ENTITY_BYTES (TG_ENTITY_NAME_MAX + 1)
#define SERIES_BYTES (TG_SERIES_MAX + 1)

struct tg_bill_issuer {
    struct tg_db *state;                   /* Borrowed. */
    struct tg_txn txn;                     /* Valid while is_open. */
    bool is_open;                          /* A batch has begun. */
    const struct tg_bill_carries *carries; /* Borrowed; NULL: nobody has credit. */
    bool needs_approval;                   /* Only what equals its draft is issued. */
    char entity[ENTITY_BYTES];             /* Legal entity. */
    char series[SERIES_BYTES];             /* Prefix. */
    struct tg_bill_pack own;               /* Of tg_bill_issuer_put. */
    char *bytes;                           /* A document with its number in it. */
    size_t bytes_capacity;                 /* Of bytes. */
};

static bool name_copy(char *to, size_t to_bytes, const char *from)
{
    const size_t length = strlen(from);
    if (length == 0 || length >= to_bytes) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        const char c = from[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '.' || c == '-')) {
            return false;
        }
    }
    memcpy(to, from, length + 1);
    return true;
}

enum tg_err tg_bill_issuer_open(struct tg_db *state, const struct tg_bill_issue_params *params,
                                struct tg_bill_issuer **issuer, struct tg_why *why)
{
    *issuer = NULL;
    struct tg_bill_issuer *made = tg_pages_take(sizeof *made);
    if (made == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for issuing bills");
    }
    made->state = state;
    made->needs_approval = params->needs_approval;
    made->carries = params->carries;
    const char *entity = params->legal_entity != NULL ? params->legal_entity : TG_ENTITY_DEFAULT;
    const char *series = params->series != NULL ? params->series : "INV";
    enum tg_err err = TG_OK;
    if (!name_copy(made->entity, ENTITY_BYTES, entity) ||
        !name_copy(made->series, SERIES_BYTES, series)) {
        err = tg_why_set(why, TG_E_INVALID,
                         "legal entity '%s' and series '%s' must be 1..32 and 1..16 of "
                         "[A-Za-z0-9_.-]",
                         entity, series);
    }
    if (err != TG_OK) {
        tg_bill_issuer_close(made);
        return err;
    }
    *issuer = made;
    return TG_OK;
}

static void batch_drop(struct tg_bill_issuer *issuer)
{
    if (issuer->is_open) {
        tg_txn_abort(&issuer->txn);
        issuer->is_open = false;
    }
}

void tg_bill_issuer_close(struct tg_bill_issuer *issuer)
{
    if (issuer == NULL) {
        return;
    }
    batch_drop(issuer);
    tg_bill_pack_free(&issuer->own);
    tg_pages_free(issuer->bytes, issuer->bytes_capacity);
    tg_pages_free(issuer, sizeof *issuer);
}

enum tg_err tg_bill_issuer_commit(struct tg_bill_issuer *issuer, struct tg_why *why)
{
    if (!issuer->is_open) {
        return TG_OK;
    }
    issuer->is_open = false;
    return tg_txn_commit(&issuer->txn, why);
}

void tg_bill_number_format(const char *series, int32_t year, uint64_t ordinal,
                           char number[TG_BILL_NUMBER_BYTES])
{
    (void)snprintf(number, TG_BILL_NUMBER_BYTES, "%.16s-%04d-%08llu", series, year,
                   (unsigned long long)ordinal);
}

/* Look whether the invoice is issued already, and with which content. */
static enum tg_err issued_find(struct tg_bill_issuer *issuer, const char *id, uint64_t digest,
                               struct tg_bill_stored *stored)
{
    struct tg_bytes json;
    enum tg_err err = tg_documents_get(&issuer->txn, "billIssued", id, &json);
    if (err != TG_OK) {
        return err;
    }
    struct tg_json *issued = NULL;
    err = tg_json_parse(json.at, json.length_bytes, &issued, NULL);
    if (err != TG_OK) {
        return TG_E_CORRUPT;
    }
    char wanted[24];
    (void)snprintf(wanted, sizeof wanted, "%016llx", (unsigned long long)digest);
    const bool is_same = strcmp(tg_json_get_text(issued, "digest", ""), wanted) == 0;
    (void)snprintf(stored->number, sizeof stored->number, "%s",
                   tg_json_get_text(issued, "number", ""));
    tg_json_free(issued);
    stored->outcome = is_same ? TG_BILL_OUTCOME_KEPT : TG_BILL_OUTCOME_DIFFERS;
    return TG_OK;
}

/* The document with the number between its halves; NULL when memory is short. */
static const char *number_put(struct tg_bill_issuer *issuer, const char *halves,
                              const struct tg_bill_part *part, const char *number, size_t *length)
{
    const size_t number_length = strlen(number);
    *length = (size_t)part->head + number_length + part->tail;
    if (*length > issuer->bytes_capacity) {
        tg_pages_free(issuer->bytes, issuer->bytes_capacity);
        issuer->bytes_capacity = *length * 2;
        issuer->bytes = tg_pages_take(issuer->bytes_capacity);
    }
    if (issuer->bytes == NULL) {
        issuer->bytes_capacity = 0;
        return NULL;
    }
    memcpy(issuer->bytes, halves, part->head);
    memcpy(issuer->bytes + part->head, number, number_length);
    memcpy(issuer->bytes + part->head + number_length, halves + part->head, part->tail);
    return issuer->bytes;
}

/* Whose number an invoice gets: its seller's, else the issuer's. */
static const char *entity_of(const struct tg_bill_issuer *issuer, const struct tg_bill_pack *pack,
                             const struct tg_bill_ready *ready)
{
    return ready->entity_at != SIZE_MAX ? pack->bytes + ready->entity_at : issuer->entity;
}

static enum tg_err part_put(struct tg_bill_issuer *issuer, const struct tg_bill_pack *pack,
                            const struct tg_bill_part *part, const char *entity, const char *number)
{
    static const char *const collections[] = {
        [TG_BILL_IN_BILLS] = "customerBill", [TG_BILL_IN_DRAFTS] = "billDraft",
        [TG_BILL_IN_RATES] = "appliedRate",  [TG_BILL_IN_ISSUED] = "billIssued",
        [TG_BILL_IN_NUMBERS] = "billNumber", [TG_BILL_IN_OUTBOX] = TG_OUTBOX_COLLECTION};
    const char *json = pack->bytes + part->bytes_at;
    size_t length = (size_t)part->head + part->tail;
    if (part->is_numbered) {
        json = number_put(issuer, json, part, number, &length);
    }
    if (json == NULL) {
        return TG_E_NO_MEMORY;
    }
    if (part->collection == TG_BILL_IN_OUTBOX) {
        (void)tg_outbox_append(&issuer->txn, json, length);
        return TG_OK;
    }
    char key[ENTITY_BYTES + TG_BILL_NUMBER_BYTES];
    const bool is_default = strcmp(entity, TG_ENTITY_DEFAULT) == 0;
    (void)snprintf(key, sizeof key, "%s%s%s", is_default ? "" : entity, is_default ? "" : "/",
                   number);
    const char *id = part->collection == TG_BILL_IN_NUMBERS ? key : pack->bytes + part->id_at;
    tg_documents_put(&issuer->txn, collections[part->collection], id, json, length);
    return TG_OK;
}

/* Spend the number in the transaction that stores everything it stands on. */
static enum tg_err number_spend(struct tg_bill_issuer *issuer, const struct tg_bill_pack *pack,
                                const struct tg_bill_ready *ready, struct tg_bill_stored *stored)
{
    struct tg_civil civil;
    tg_clock_to_civil(ready->issued_ns, &civil);
    const char *series = ready->document == TG_BILL_CREDIT_NOTE  ? "CN"
                         : ready->document == TG_BILL_DEBIT_NOTE ? "DN"
                         : ready->series_at != SIZE_MAX          ? pack->bytes + ready->series_at
                                                                 : issuer->series;
    char counter[96];
    (void)snprintf(counter, sizeof counter, "bill|%s|%s|%04d", entity_of(issuer, pack, ready),
                   series, civil.year);
    const uint64_t ordinal = tg_counter_next(&issuer->txn, counter);
    if (ordinal == 0) {
        return TG_E_DATABASE;
    }
    tg_bill_number_format(series, civil.year, ordinal, stored->number);
    return TG_OK;
}

/* Is the draft the one that this was made from, to the last field? */
static bool draft_equals(struct tg_bill_issuer *issuer, const char *id, uint64_t digest)
{
    static const char key[] = TG_BILL_DIGEST_KEY;
    struct tg_bytes json;
    char wanted[sizeof key + 20];
    const int length =
        snprintf(wanted, sizeof wanted, "%s%016llx\"}", key, (unsigned long long)digest);
    return tg_documents_get(&issuer->txn, "billDraft", id, &json) == TG_OK &&
           json.length_bytes >= (size_t)length &&
           memcmp((const char *)json.at + json.length_bytes - length, wanted, (size_t)length) == 0;
}

/* Credit that the invoice uses, and what it leaves itself. */
static enum tg_err credit_move(struct tg_bill_issuer *issuer, const struct tg_bill_pack *pack,
                               const struct tg_bill_ready *ready, const char *number,
                               struct tg_why *why)
{
    const char *id = pack->bytes + ready->id_at;
    const struct tg_bill_carry_use use = {
        .account = ready->credit_used != 0 ? pack->bytes + ready->account_at : "",
        .entity = entity_of(issuer, pack, ready),
        .number = number,
        .amount = ready->credit_used,
        .at_ns = ready->issued_ns,
        .currency = ready->currency};
    struct tg_bill_carry_use over = use;
    struct tg_bill_standing standing;
    enum tg_err err = TG_OK;
    if (ready->taken_over != 0) {
        over.account = pack->bytes + ready->account_at;
        over.amount = ready->taken_over;
        err = tg_bill_carry_over(&issuer->txn, pack->bytes + ready->replaces_at, &over, why);
    }
    if (err == TG_OK && ready->credit_used != 0) {
        err = issuer->carries != NULL ? tg_bill_carry_take(&issuer->txn, issuer->carries, &use, why)
                                      : TG_E_INVALID;
    }
    if (err == TG_OK && ready->leaves_credit) {
        err = tg_bill_standing_read(&issuer->txn, id, &standing);
        if (err == TG_OK) {
            tg_bill_carry_note(&issuer->txn, id, &standing);
        }
    }
    return err;
}

/* What the balance pays of it, for later bills and for the engine. */
static enum tg_err balance_move(struct tg_bill_issuer *issuer, const struct tg_bill_pack *pack,
                                const struct tg_bill_ready *ready)
{
    const struct tg_currency *currency = tg_currency_by_numeric(ready->currency);
    const struct tg_bill_take take = {.bill = pack->bytes + ready->id_at,
                                      .account_name = pack->bytes + ready->account_at,
                                      .currency = currency->code,
                                      .amount = ready->balance_taken,
                                      .end_ns = ready->period_end_ns,
                                      .account = ready->account,
                                      .minor = currency->minor};
    return tg_bill_take_put(&issuer->txn, &take);
}

/* A note that voids lets the period of its bill be billed again. */
static void void_put(struct tg_bill_issuer *issuer, const struct tg_bill_pack *pack,
                     const struct tg_bill_ready *ready, const char *number)
{
    struct tg_bill_void voided = {.month = ready->voids_month};
    if (ready->voids_month != 0) {
        (void)snprintf(voided.id, sizeof voided.id, "%s", pack->bytes + ready->reference_at);
        (void)snprintf(voided.account, sizeof voided.account, "%s",
                       pack->bytes + ready->account_at);
        tg_bill_void_note(&issuer->txn, &voided, number, ready->issued_ns);
    }
}

/* The bill of a cycle takes off what its interim bills have charged when it is made: from its close
 * on none may come, and none may be taken back. Said again here, in the transaction that issues. */
static enum tg_err interim_check(struct tg_bill_issuer *issuer, const struct tg_bill_pack *pack,
                                 const struct tg_bill_ready *ready, struct tg_why *why)
{
    struct tg_bill_interim interim;
    if (!ready->is_interim && ready->voids_month == 0) {
        return TG_OK;
    }
    const char *id = pack->bytes + (ready->is_interim ? ready->id_at : ready->reference_at);
    if (!tg_bill_interim_of(&issuer->txn, id, pack->bytes + ready->account_at, &interim) ||
        !tg_bill_close_find(&issuer->txn, interim.month, interim.account)) {
        return TG_OK;
    }
    return tg_why_set(why, TG_E_INVALID,
                      ready->is_interim
                          ? "the period of interim bill %s is closed: its bill is issued"
                          : "%s is an interim bill that the bill of its cycle takes off: credit it",
                      id);
}

static enum tg_err ready_put(struct tg_bill_issuer *issuer, const struct tg_bill_pack *pack,
                             const struct tg_bill_ready *ready, struct tg_bill_stored *stored,
                             struct tg_why *why)
{
    const char *id = pack->bytes + ready->id_at;
    enum tg_err err = issued_find(issuer, id, ready->digest, stored);
    if (err != TG_E_NOT_FOUND) {
        return err;
    }
    stored->outcome = ready->is_issued ? TG_BILL_OUTCOME_ISSUED : TG_BILL_OUTCOME_DRAFTED;
    if (ready->is_issued && issuer->needs_approval &&
        !(ready->replaces_at != SIZE_MAX ? tg_bill_voids_approved(&issuer->txn, id, ready->approval)
                                         : draft_equals(issuer, id, ready->approval))) {
        stored->outcome = TG_BILL_OUTCOME_UNAPPROVED;
        return TG_OK;
    }
    err = ready->is_issued ? interim_check(issuer, pack, ready, why) : TG_OK;
    if (err == TG_OK && ready->is_issued) {
        (void)tg_documents_remove(&issuer->txn, "billDraft", id);
        err = number_spend(issuer, pack, ready, stored);
    }
    for (uint32_t i = 0; i < ready->parts_count && err == TG_OK; i++) {
        err = part_put(issuer, pack, &pack->parts[ready->part_first + i],
                       entity_of(issuer, pack, ready), stored->number);
    }
    if (err == TG_OK && ready->is_issued && ready->reference_at != SIZE_MAX) {
        const char *bill = pack->bytes + ready->reference_at;
        void_put(issuer, pack, ready, stored->number);
        err = tg_bill_standing_move(&issuer->txn, bill, ready->issued_ns);
    }
    if (err == TG_OK && ready->is_issued &&
        (ready->credit_used != 0 || ready->taken_over != 0 || ready->leaves_credit)) {
        err = credit_move(issuer, pack, ready, stored->number, why);
    }
    if (err == TG_OK && ready->is_issued && ready->balance_taken != 0) {
        err = balance_move(issuer, pack, ready);
    }
    return err;
}

enum tg_err tg_bill_issuer_store(struct tg_bill_issuer *issuer, const struct tg_bill_pack *pack,
                                 uint32_t index, struct tg_bill_stored *stored, struct tg_why *why)
{
    assert(index < pack->ready_count && pack->ready[index].err == TG_OK);
    *stored = (struct tg_bill_stored){.number = ""};
    if (!issuer->is_open) {
        tg_txn_begin(&issuer->txn, issuer->state, true);
        issuer->is_open = true;
    }
    const enum tg_err err = ready_put(issuer, pack, &pack->ready[index], stored, why);
    if (err == TG_OK) {
        return TG_OK;
    }
    tg_txn_fail(&issuer->txn, err);
    issuer->is_open = false;
    const bool is_told = why != NULL && err == TG_E_INVALID;
    const enum tg_err first = tg_txn_commit(&issuer->txn, is_told ? NULL : why);
    return first != TG_OK ? first : err;
}

enum tg_err tg_bill_issuer_put(struct tg_bill_issuer *issuer, struct tg_bill_invoice *invoice,
                               bool issues, enum tg_bill_outcome *outcome, struct tg_why *why)
{
    struct tg_bill_stored stored;
    tg_bill_pack_reset(&issuer->own);
    invoice->number[0] = '\0';
    invoice->is_issued = issues;
    enum tg_err err = tg_bill_pack_add(&issuer->own, invoice, why);
    if (err != TG_OK) {
        batch_drop(issuer);
        return err;
    }
    err = tg_bill_issuer_store(issuer, &issuer->own, 0, &stored, why);
    if (err == TG_OK) {
        memcpy(invoice->number, stored.number, sizeof invoice->number);
        *outcome = stored.outcome;
    }
    return err;
}
