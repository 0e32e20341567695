/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/issue.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/hash.h"
#include "bill/render.h"
#include "doc/json.h"
#include "store/documents.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define LINES_COUNT_FIRST 256u /* Room to begin with; an invoice that needs more gets more. */
#define ENTITY_BYTES      33u
#define SERIES_BYTES      17u

struct tg_bill_issuer {
    struct tg_db *state;       /* Borrowed. */
    struct tg_txn txn;         /* Valid while is_open. */
    bool is_open;              /* A batch has begun. */
    char entity[ENTITY_BYTES]; /* Legal entity. */
    char series[SERIES_BYTES]; /* Prefix. */
    size_t bytes_capacity;     /* Of each buffer below. */
    char *bytes;               /* Rendering. */
    char *wrapped;             /* Rendering inside a JSON string. */
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

static void buffers_free(struct tg_bill_issuer *issuer)
{
    if (issuer->bytes != NULL) {
        tg_pages_free(issuer->bytes, issuer->bytes_capacity);
    }
    if (issuer->wrapped != NULL) {
        tg_pages_free(issuer->wrapped, issuer->bytes_capacity);
    }
    issuer->bytes = NULL;
    issuer->wrapped = NULL;
    issuer->bytes_capacity = 0;
}

static enum tg_err buffers_take(struct tg_bill_issuer *issuer, uint32_t lines_count,
                                struct tg_why *why)
{
    buffers_free(issuer);
    issuer->bytes_capacity =
        (size_t)lines_count * TG_BILL_RENDER_LINE_BYTES + TG_BILL_RENDER_HEAD_BYTES;
    issuer->bytes = tg_pages_take(issuer->bytes_capacity);
    issuer->wrapped = tg_pages_take(issuer->bytes_capacity);
    if (issuer->bytes == NULL || issuer->wrapped == NULL) {
        buffers_free(issuer);
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory to print an invoice of %u lines",
                          lines_count);
    }
    return TG_OK;
}

/* Room for this invoice; every line fits TG_BILL_RENDER_LINE_BYTES in any rendering. */
static enum tg_err buffers_ensure(struct tg_bill_issuer *issuer, uint32_t lines_count,
                                  struct tg_why *why)
{
    const size_t needed =
        (size_t)lines_count * TG_BILL_RENDER_LINE_BYTES + TG_BILL_RENDER_HEAD_BYTES;
    return needed <= issuer->bytes_capacity ? TG_OK : buffers_take(issuer, lines_count * 2, why);
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
    const char *entity = params->legal_entity != NULL ? params->legal_entity : "default";
    const char *series = params->series != NULL ? params->series : "INV";
    enum tg_err err = TG_OK;
    if (!name_copy(made->entity, ENTITY_BYTES, entity) ||
        !name_copy(made->series, SERIES_BYTES, series)) {
        err = tg_why_set(why, TG_E_INVALID,
                         "legal entity '%s' and series '%s' must be 1..32 and 1..16 of "
                         "[A-Za-z0-9_.-]",
                         entity, series);
    } else {
        err = buffers_take(made, LINES_COUNT_FIRST, why);
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
    buffers_free(issuer);
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

static uint64_t text_hash(uint64_t seed, const char *text)
{
    return text == NULL ? seed : tg_key_hash(seed, text, strlen(text));
}

/* What the invoice says, number and date aside: tells whether the journal has changed since.
 * Fields, not their rendering: an issued invoice stays equal to itself when the layout learns
 * something. */
static uint64_t invoice_digest(const struct tg_bill_invoice *invoice)
{
    const int64_t head[] = {invoice->period_start_ns, invoice->period_end_ns,
                            invoice->net_total,       invoice->tax_total,
                            invoice->total,           invoice->currency->numeric};
    uint64_t hash = tg_key_hash(0, head, sizeof head);
    hash = text_hash(hash, invoice->account_id);
    hash = text_hash(hash, invoice->reason);
    for (uint32_t i = 0; i < invoice->taxes_count; i++) {
        const struct tg_bill_tax *tax = &invoice->taxes[i];
        const int64_t fields[] = {tax->rate_ppm, tax->net, tax->tax};
        hash = text_hash(tg_key_hash(hash, fields, sizeof fields), tax->id);
    }
    for (uint32_t i = 0; i < invoice->lines_count; i++) {
        const struct tg_bill_line *line = &invoice->lines[i];
        const uint64_t fields[] = {(uint64_t)line->amount_exact,
                                   (uint64_t)(line->amount_exact >> 64),
                                   (uint64_t)line->residual,
                                   line->rows_count,
                                   line->units,
                                   line->billed_units,
                                   line->allowance_units,
                                   line->covered,
                                   line->covered_total,
                                   (uint64_t)line->fee,
                                   (uint64_t)line->amount,
                                   (uint64_t)line->tax_amount,
                                   (uint64_t)line->from_ns,
                                   (uint64_t)line->catalog_version << 32 | line->tax_index,
                                   (uint64_t)line->service << 16 | line->kind};
        hash = tg_key_hash(hash, fields, sizeof fields);
        hash = text_hash(hash, line->subscriber_id);
        hash = text_hash(hash, line->product_id);
        hash = text_hash(hash, line->zone_id);
        hash = text_hash(hash, line->price_id);
    }
    return hash;
}

/* Look whether the invoice is issued already, and with which content. */
static enum tg_err issued_find(struct tg_bill_issuer *issuer, struct tg_bill_invoice *invoice,
                               uint64_t digest, enum tg_bill_outcome *outcome)
{
    struct tg_bytes json;
    enum tg_err err = tg_documents_get(&issuer->txn, "billIssued", invoice->id, &json);
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
    (void)snprintf(invoice->number, sizeof invoice->number, "%s",
                   tg_json_get_text(issued, "number", ""));
    tg_json_free(issued);
    *outcome = is_same ? TG_BILL_OUTCOME_KEPT : TG_BILL_OUTCOME_DIFFERS;
    return TG_OK;
}

static bool text_put(struct tg_bill_issuer *issuer, const char *collection, const char *id,
                     const struct tg_bill_text *text)
{
    if (text->is_full) {
        return false;
    }
    tg_documents_put(&issuer->txn, collection, id, text->bytes, text->length_bytes);
    return true;
}

/* The invoice itself and its readable form; the same for drafts and issued ones. */
static bool bill_put(struct tg_bill_issuer *issuer, const struct tg_bill_invoice *invoice,
                     const char *collection)
{
    struct tg_bill_text text = tg_bill_text(issuer->bytes, issuer->bytes_capacity);
    tg_bill_render_json(invoice, &text);
    if (!text_put(issuer, collection, invoice->id, &text)) {
        return false;
    }
    text = tg_bill_text(issuer->bytes, issuer->bytes_capacity);
    tg_bill_render_text(invoice, &text);
    struct tg_bill_text wrapped = tg_bill_text(issuer->wrapped, issuer->bytes_capacity);
    tg_bill_text_add(&wrapped, "{\"id\":");
    tg_bill_text_quote(&wrapped, invoice->id);
    tg_bill_text_add(&wrapped, ",\"text\":");
    tg_bill_text_quote(&wrapped, text.bytes);
    tg_bill_text_add(&wrapped, "}");
    return !text.is_full && text_put(issuer, "billText", invoice->id, &wrapped);
}

static bool rates_put(struct tg_bill_issuer *issuer, const struct tg_bill_invoice *invoice)
{
    bool fits = true;
    for (uint32_t i = 0; i < invoice->lines_count && fits; i++) {
        char id[TG_BILL_ID_BYTES];
        tg_bill_render_rate_id(invoice, i, id);
        struct tg_bill_text text = tg_bill_text(issuer->bytes, issuer->bytes_capacity);
        tg_bill_render_rate(invoice, i, &text);
        fits = text_put(issuer, "appliedRate", id, &text);
    }
    return fits;
}

static void add_amount(struct tg_bill_text *text, const char *key,
                       const struct tg_bill_invoice *invoice, int64_t amount)
{
    tg_bill_text_add(text, ",\"%s\":\"", key);
    tg_bill_text_money(text, amount, invoice->currency->minor, invoice->currency->minor);
    tg_bill_text_add(text, "\"");
}

/* The record that makes an id issued for ever, the way from number to id, and the announcement. */
static bool records_put(struct tg_bill_issuer *issuer, const struct tg_bill_invoice *invoice,
                        uint64_t digest)
{
    struct tg_bill_text text = tg_bill_text(issuer->bytes, issuer->bytes_capacity);
    tg_bill_text_add(&text, "{\"id\":");
    tg_bill_text_quote(&text, invoice->id);
    tg_bill_text_add(&text, ",\"number\":\"%s\",\"account\":", invoice->number);
    tg_bill_text_quote(&text, invoice->account_id);
    tg_bill_text_add(&text, ",\"periodStart\":\"");
    tg_bill_text_time(&text, invoice->period_start_ns);
    tg_bill_text_add(&text, "\",\"periodEnd\":\"");
    tg_bill_text_time(&text, invoice->period_end_ns);
    tg_bill_text_add(&text, "\",\"currency\":\"%s\"", invoice->currency->code);
    add_amount(&text, "net", invoice, invoice->net_total);
    add_amount(&text, "tax", invoice, invoice->tax_total);
    add_amount(&text, "total", invoice, invoice->total);
    tg_bill_text_add(&text, ",\"digest\":\"%016llx\"}", (unsigned long long)digest);
    bool fits = text_put(issuer, "billIssued", invoice->id, &text);
    text = tg_bill_text(issuer->bytes, issuer->bytes_capacity);
    tg_bill_text_add(&text, "{\"bill\":");
    tg_bill_text_quote(&text, invoice->id);
    tg_bill_text_add(&text, "}");
    fits = fits && text_put(issuer, "billNumber", invoice->number, &text);
    text = tg_bill_text(issuer->bytes, issuer->bytes_capacity);
    tg_bill_text_add(&text, "{\"eventType\":\"CustomerBillCreateEvent\",\"eventTime\":\"");
    tg_bill_text_time(&text, invoice->issued_ns);
    tg_bill_text_add(&text, "\",\"event\":{\"customerBill\":{\"id\":");
    tg_bill_text_quote(&text, invoice->id);
    tg_bill_text_add(&text, ",\"href\":\"" TG_BILL_HREF "%s\",\"billNo\":\"%s\"}}}", invoice->id,
                     invoice->number);
    if (fits && !text.is_full) {
        (void)tg_outbox_append(&issuer->txn, text.bytes, text.length_bytes);
    }
    return fits && !text.is_full;
}

/* Spend the number last, in the transaction that stores everything it stands on. */
static enum tg_err invoice_issue(struct tg_bill_issuer *issuer, struct tg_bill_invoice *invoice,
                                 uint64_t digest)
{
    struct tg_civil civil;
    tg_clock_to_civil(invoice->issued_ns, &civil);
    char counter[96];
    (void)snprintf(counter, sizeof counter, "bill|%s|%s|%04d", issuer->entity, issuer->series,
                   civil.year);
    const uint64_t ordinal = tg_counter_next(&issuer->txn, counter);
    if (ordinal == 0) {
        return TG_E_DATABASE;
    }
    tg_bill_number_format(issuer->series, civil.year, ordinal, invoice->number);
    (void)tg_documents_remove(&issuer->txn, "billDraft", invoice->id);
    const bool fits = bill_put(issuer, invoice, "customerBill") && rates_put(issuer, invoice) &&
                      records_put(issuer, invoice, digest);
    return fits ? TG_OK : TG_E_FULL;
}

enum tg_err tg_bill_issuer_put(struct tg_bill_issuer *issuer, struct tg_bill_invoice *invoice,
                               bool issues, enum tg_bill_outcome *outcome, struct tg_why *why)
{
    assert(invoice->id[0] != '\0' && invoice->currency != NULL);
    enum tg_err err = buffers_ensure(issuer, invoice->lines_count, why);
    if (err != TG_OK) {
        batch_drop(issuer);
        return err;
    }
    if (!issuer->is_open) {
        tg_txn_begin(&issuer->txn, issuer->state, true);
        issuer->is_open = true;
    }
    invoice->number[0] = '\0';
    const uint64_t digest = invoice_digest(invoice);
    err = issued_find(issuer, invoice, digest, outcome);
    if (err == TG_E_NOT_FOUND) {
        *outcome = issues ? TG_BILL_OUTCOME_ISSUED : TG_BILL_OUTCOME_DRAFTED;
        err = issues ? invoice_issue(issuer, invoice, digest)
                     : (bill_put(issuer, invoice, "billDraft") ? TG_OK : TG_E_FULL);
    }
    if (err == TG_OK) {
        return TG_OK;
    }
    tg_txn_fail(&issuer->txn, err);
    issuer->is_open = false;
    const enum tg_err first = tg_txn_commit(&issuer->txn, why);
    return first != TG_OK ? first : err;
}
