/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/pack.h"

#include "base/arena.h"
#include "base/hash.h"
#include "bill/render.h"
#include "bill/voided.h"

#include <assert.h>
#include <string.h>

#define BYTES_FIRST (1u << 20)
#define ITEMS_FIRST 256u

void tg_bill_pack_reset(struct tg_bill_pack *pack)
{
    pack->bytes_used = 0;
    pack->parts_count = 0;
    pack->ready_count = 0;
}

void tg_bill_pack_free(struct tg_bill_pack *pack)
{
    tg_pages_free(pack->bytes, pack->bytes_capacity);
    tg_pages_free(pack->parts, pack->parts_capacity * sizeof pack->parts[0]);
    tg_pages_free(pack->ready, pack->ready_capacity * sizeof pack->ready[0]);
    tg_pages_free(pack->details, pack->details_capacity * sizeof pack->details[0]);
    *pack = (struct tg_bill_pack){.bytes = NULL};
}

/* Twice the room, with what is there copied; NULL when memory is short: the old one stays. */
static void *grown(void *old, size_t used_bytes, size_t old_bytes, size_t new_bytes)
{
    void *more = tg_pages_take(new_bytes);
    if (more != NULL && old != NULL) {
        memcpy(more, old, used_bytes);
        tg_pages_free(old, old_bytes);
    }
    return more;
}

static bool bytes_ensure(struct tg_bill_pack *pack, size_t more_bytes)
{
    if (pack->bytes_capacity - pack->bytes_used >= more_bytes) {
        return true;
    }
    size_t capacity = pack->bytes_capacity > 0 ? pack->bytes_capacity * 2 : BYTES_FIRST;
    while (capacity - pack->bytes_used < more_bytes) {
        capacity *= 2;
    }
    char *bytes = grown(pack->bytes, pack->bytes_used, pack->bytes_capacity, capacity);
    if (bytes == NULL) {
        return false;
    }
    pack->bytes = bytes;
    pack->bytes_capacity = capacity;
    return true;
}

static bool parts_ensure(struct tg_bill_pack *pack, uint32_t more)
{
    while (pack->parts_capacity - pack->parts_count < more) {
        const uint32_t capacity =
            pack->parts_capacity > 0 ? pack->parts_capacity * 2 : ITEMS_FIRST * 8;
        const size_t item = sizeof pack->parts[0];
        struct tg_bill_part *parts = grown(pack->parts, pack->parts_count * item,
                                           pack->parts_capacity * item, capacity * item);
        if (parts == NULL) {
            return false;
        }
        pack->parts = parts;
        pack->parts_capacity = capacity;
    }
    return true;
}

static bool details_ensure(struct tg_bill_pack *pack, uint32_t count)
{
    if (pack->details_capacity >= count) {
        return true;
    }
    tg_pages_free(pack->details, pack->details_capacity * sizeof pack->details[0]);
    pack->details_capacity = count < ITEMS_FIRST ? ITEMS_FIRST : count * 2;
    pack->details = tg_pages_take(pack->details_capacity * sizeof pack->details[0]);
    if (pack->details == NULL) {
        pack->details_capacity = 0;
    }
    return pack->details != NULL;
}

static struct tg_bill_ready *ready_take(struct tg_bill_pack *pack)
{
    if (pack->ready_count == pack->ready_capacity) {
        const uint32_t capacity = pack->ready_capacity > 0 ? pack->ready_capacity * 2 : ITEMS_FIRST;
        const size_t item = sizeof pack->ready[0];
        struct tg_bill_ready *ready = grown(pack->ready, pack->ready_count * item,
                                            pack->ready_capacity * item, capacity * item);
        if (ready == NULL) {
            return NULL;
        }
        pack->ready = ready;
        pack->ready_capacity = capacity;
    }
    struct tg_bill_ready *ready = &pack->ready[pack->ready_count++];
    *ready = (struct tg_bill_ready){.part_first = pack->parts_count};
    return ready;
}

/* Puts text behind what is there, with its NUL; room was ensured. */
static size_t text_keep(struct tg_bill_pack *pack, const char *text)
{
    const size_t at = pack->bytes_used;
    const size_t length = strlen(text) + 1;
    assert(pack->bytes_capacity - at >= length);
    memcpy(pack->bytes + at, text, length);
    pack->bytes_used += length;
    return at;
}

/* A document is printed where it stays; part_end says how long it became. */
static struct tg_bill_text part_begin(const struct tg_bill_pack *pack)
{
    return tg_bill_text(pack->bytes + pack->bytes_used, pack->bytes_capacity - pack->bytes_used);
}

static bool part_end(struct tg_bill_pack *pack, enum tg_bill_collection collection, size_t id_at,
                     const struct tg_bill_text *text, bool is_numbered)
{
    if (text->is_full) {
        return false;
    }
    assert(is_numbered == (text->number_at != 0));
    const size_t head = is_numbered ? text->number_at : text->length_bytes;
    pack->parts[pack->parts_count++] =
        (struct tg_bill_part){.id_at = id_at,
                              .bytes_at = pack->bytes_used,
                              .head = (uint32_t)head,
                              .tail = (uint32_t)(text->length_bytes - head),
                              .is_numbered = is_numbered,
                              .collection = (uint8_t)collection};
    pack->bytes_used += text->length_bytes;
    return true;
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
    if (invoice->statement.is_there) {
        hash = tg_key_hash(hash, &invoice->statement.opening, sizeof(__int128));
        hash = tg_key_hash(hash, &invoice->statement.topups, sizeof(__int128));
        if (invoice->statement.lapsed != 0) {
            hash = tg_key_hash(hash, &invoice->statement.lapsed, sizeof(__int128));
        }
    }
    if (invoice->cash.step != 0) {
        const int64_t cash[] = {invoice->cash.step, invoice->cash.rounding, invoice->cash_added};
        hash = tg_key_hash(hash, cash, sizeof cash);
    }
    for (uint32_t i = 0; i < invoice->taxes_count; i++) {
        const struct tg_bill_tax *tax = &invoice->taxes[i];
        const int64_t fields[] = {tax->rate_ppm, tax->net, tax->tax};
        hash = text_hash(tg_key_hash(hash, fields, sizeof fields), tax->id);
        for (uint32_t part = 0; part < tax->parts_count; part++) {
            const int64_t own[] = {tax->parts[part].rate_ppm, tax->parts[part].tax};
            hash = text_hash(tg_key_hash(hash, own, sizeof own), tax->parts[part].id);
        }
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
        if (line->band_id != NULL && line->band_id[0] != '\0') {
            hash = text_hash(hash, line->band_id);
        }
        hash = text_hash(hash, line->price_id);
    }
    return hash;
}

/* An approval is also of who bills and of what pays it: credit and the balance; who an account
 * moves to later has not issued its old bills, and credit is used once. */
static uint64_t approval_digest(const struct tg_bill_invoice *invoice, uint64_t digest)
{
    const struct tg_bill_seller *seller = &invoice->seller;
    const char *const texts[] = {seller->entity, seller->title, seller->tax_id, seller->series};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const bool is_there = texts[i] != NULL;
        digest = tg_key_hash(digest, &is_there, sizeof is_there);
        digest = text_hash(digest, texts[i]);
    }
    if (invoice->credit_used != 0) {
        digest = tg_key_hash(digest, &invoice->credit_used, sizeof invoice->credit_used);
    }
    if (invoice->taken_over != 0) {
        digest = tg_key_hash(digest, &invoice->taken_over, sizeof invoice->taken_over);
    }
    if (invoice->balance_taken != 0) {
        digest = tg_key_hash(digest, &invoice->balance_taken, sizeof invoice->balance_taken);
    }
    return digest;
}

static bool rates_add(struct tg_bill_pack *pack, const struct tg_bill_invoice *invoice,
                      size_t bill_at)
{
    bool fits = true;
    for (uint32_t i = 0; i < invoice->lines_count && fits; i++) {
        char id[TG_BILL_ID_BYTES];
        tg_bill_render_rate_id(invoice, i, id);
        const size_t id_at = text_keep(pack, id);
        struct tg_bill_text text = part_begin(pack);
        tg_bill_render_rate(invoice, i, pack->bytes + bill_at + pack->details[i].at,
                            pack->details[i].count_bytes, &text);
        fits = part_end(pack, TG_BILL_IN_RATES, id_at, &text, false);
    }
    return fits;
}

/* Sixteen digits, as issue.c reads them back. */
static void add_hex(struct tg_bill_text *text, uint64_t value)
{
    char digits[16];
    for (size_t i = sizeof digits; i > 0; i--) {
        digits[i - 1] = "0123456789abcdef"[value & 15];
        value >>= 4;
    }
    tg_bill_text_put(text, digits, sizeof digits);
}

static void add_amount(struct tg_bill_text *text, const char *key,
                       const struct tg_bill_invoice *invoice, int64_t amount)
{
    TG_BILL_TEXT_PUT(text, ",\"");
    tg_bill_text_put(text, key, strlen(key));
    TG_BILL_TEXT_PUT(text, "\":\"");
    tg_bill_text_money(text, amount, invoice->currency->minor, invoice->currency->minor);
    TG_BILL_TEXT_PUT(text, "\"");
}

/* What a note on it has to say of who issued it. */
static void add_seller(struct tg_bill_text *text, const struct tg_bill_seller *seller)
{
    if (seller->entity != NULL && strcmp(seller->entity, TG_ENTITY_DEFAULT) != 0) {
        TG_BILL_TEXT_PUT(text, ",\"entity\":");
        tg_bill_text_quote(text, seller->entity);
    }
    if (seller->title != NULL) {
        TG_BILL_TEXT_PUT(text, ",\"seller\":");
        tg_bill_text_quote(text, seller->title);
    }
    if (seller->tax_id != NULL) {
        TG_BILL_TEXT_PUT(text, ",\"sellerTaxId\":");
        tg_bill_text_quote(text, seller->tax_id);
    }
}

/* The record that makes an id issued for ever, the way from number to id, and the announcement. */
static bool records_add(struct tg_bill_pack *pack, const struct tg_bill_invoice *invoice,
                        uint64_t digest, size_t id_at)
{
    struct tg_bill_text text = part_begin(pack);
    TG_BILL_TEXT_PUT(&text, "{\"id\":");
    tg_bill_text_quote(&text, invoice->id);
    TG_BILL_TEXT_PUT(&text, ",\"number\":\"");
    tg_bill_text_number(&text, invoice->number);
    TG_BILL_TEXT_PUT(&text, "\",\"account\":");
    tg_bill_text_quote(&text, invoice->account_id);
    TG_BILL_TEXT_PUT(&text, ",\"periodStart\":\"");
    tg_bill_text_time(&text, invoice->period_start_ns);
    TG_BILL_TEXT_PUT(&text, "\",\"periodEnd\":\"");
    tg_bill_text_time(&text, invoice->period_end_ns);
    tg_bill_text_add(&text, "\",\"currency\":\"%s\"", invoice->currency->code);
    add_amount(&text, "net", invoice, invoice->net_total);
    add_amount(&text, "tax", invoice, invoice->tax_total);
    add_amount(&text, "total", invoice, invoice->total);
    if (invoice->paid != 0 || invoice->credit_used != 0 || invoice->cash.step != 0) {
        add_amount(&text, "payable", invoice, tg_bill_invoice_due(invoice));
    }
    if (invoice->cash.step != 0) { /* What is open is rounded again when a note moves it. */
        add_amount(&text, "cashAdded", invoice, invoice->cash_added);
        add_amount(&text, "cashStep", invoice, invoice->cash.step);
        tg_bill_text_add(&text, ",\"cashRounding\":\"%s\"",
                         tg_rounding_name(invoice->cash.rounding));
    }
    if (invoice->due_ns != 0) {
        TG_BILL_TEXT_PUT(&text, ",\"due\":\"");
        tg_bill_text_time(&text, invoice->due_ns);
        TG_BILL_TEXT_PUT(&text, "\"");
    }
    if (invoice->weeks != 0) {
        tg_bill_text_add(&text, ",\"weeks\":%u", invoice->weeks);
    }
    add_seller(&text, &invoice->seller);
    if (invoice->document == TG_BILL_INVOICE && !invoice->carries_credit) {
        TG_BILL_TEXT_PUT(&text, ",\"credit\":\"open\"");
    }
    if (invoice->reference_id != NULL) {
        TG_BILL_TEXT_PUT(&text, ",\"reference\":");
        tg_bill_text_quote(&text, invoice->reference_id);
    }
    if (invoice->is_interim) {
        TG_BILL_TEXT_PUT(&text, ",\"interim\":true");
    }
    if (invoice->replaces != NULL) {
        TG_BILL_TEXT_PUT(&text, ",\"replaces\":");
        tg_bill_text_quote(&text, invoice->replaces->number);
    }
    TG_BILL_TEXT_PUT(&text, ",\"digest\":\"");
    add_hex(&text, digest);
    TG_BILL_TEXT_PUT(&text, "\"}");
    bool fits = part_end(pack, TG_BILL_IN_ISSUED, id_at, &text, true);
    text = part_begin(pack);
    TG_BILL_TEXT_PUT(&text, "{\"bill\":");
    tg_bill_text_quote(&text, invoice->id);
    TG_BILL_TEXT_PUT(&text, "}");
    fits = fits && part_end(pack, TG_BILL_IN_NUMBERS, id_at, &text, false);
    text = part_begin(pack);
    TG_BILL_TEXT_PUT(&text, "{\"eventType\":\"CustomerBillCreateEvent\",\"eventTime\":\"");
    tg_bill_text_time(&text, invoice->issued_ns);
    TG_BILL_TEXT_PUT(&text, "\",\"event\":{\"customerBill\":{\"id\":");
    tg_bill_text_quote(&text, invoice->id);
    TG_BILL_TEXT_PUT(&text, ",\"href\":\"" TG_BILL_HREF);
    tg_bill_text_put(&text, invoice->id, strlen(invoice->id));
    TG_BILL_TEXT_PUT(&text, "\",\"billNo\":\"");
    tg_bill_text_number(&text, invoice->number);
    TG_BILL_TEXT_PUT(&text, "\"}}}");
    return fits && part_end(pack, TG_BILL_IN_OUTBOX, id_at, &text, true);
}

static bool parts_add(struct tg_bill_pack *pack, const struct tg_bill_invoice *invoice,
                      struct tg_bill_ready *ready)
{
    ready->id_at = text_keep(pack, invoice->id);
    const size_t bill_at = pack->bytes_used;
    struct tg_bill_text text = part_begin(pack);
    tg_bill_render_json(invoice, &text, pack->details);
    if (!invoice->is_issued) { /* What an approval is of: issue.c compares it. */
        text.length_bytes -= text.is_full ? 0 : 1;
        TG_BILL_TEXT_PUT(&text, TG_BILL_DIGEST_KEY);
        add_hex(&text, ready->approval);
        TG_BILL_TEXT_PUT(&text, "\"}");
    }
    bool fits = part_end(pack, invoice->is_issued ? TG_BILL_IN_BILLS : TG_BILL_IN_DRAFTS,
                         ready->id_at, &text, invoice->is_issued);
    if (invoice->is_issued) {
        fits = fits && rates_add(pack, invoice, bill_at) &&
               records_add(pack, invoice, ready->digest, ready->id_at);
    }
    return fits;
}

enum tg_err tg_bill_pack_add(struct tg_bill_pack *pack, const struct tg_bill_invoice *invoice,
                             struct tg_why *why)
{
    assert(invoice->id[0] != '\0' && invoice->currency != NULL);
    /* Bill and rates each take at most so much a line. */
    const size_t needed = (size_t)invoice->lines_count * TG_BILL_RENDER_LINE_BYTES * 2 +
                          (size_t)TG_BILL_RENDER_HEAD_BYTES * 4 +
                          (size_t)invoice->taxes_count * TG_BILL_RENDER_LINE_BYTES;
    struct tg_bill_ready *ready = NULL;
    if (bytes_ensure(pack, needed) && parts_ensure(pack, invoice->lines_count + 8) &&
        details_ensure(pack, invoice->lines_count)) {
        ready = ready_take(pack);
    }
    if (ready == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory to print an invoice of %u lines",
                          invoice->lines_count);
    }
    ready->digest = invoice_digest(invoice);
    ready->approval = approval_digest(invoice, ready->digest);
    ready->issued_ns = invoice->issued_ns;
    ready->net_total = invoice->net_total;
    ready->tax_total = invoice->tax_total;
    ready->total = invoice->total;
    ready->lines_count = invoice->lines_count;
    ready->currency = invoice->currency->numeric;
    ready->is_issued = invoice->is_issued;
    ready->reference_at = SIZE_MAX;
    if (invoice->reference_id != NULL) {
        ready->reference_at = text_keep(pack, invoice->reference_id);
    }
    ready->entity_at =
        invoice->seller.entity != NULL ? text_keep(pack, invoice->seller.entity) : SIZE_MAX;
    ready->series_at =
        invoice->seller.series != NULL ? text_keep(pack, invoice->seller.series) : SIZE_MAX;
    ready->document = invoice->document;
    ready->credit_used = invoice->credit_used;
    ready->leaves_credit = invoice->document == TG_BILL_INVOICE && invoice->carries_credit &&
                           tg_bill_invoice_due(invoice) < 0;
    ready->replaces_at =
        invoice->replaces != NULL ? text_keep(pack, invoice->replaces->id) : SIZE_MAX;
    ready->voids_month = invoice->voids_month;
    ready->is_interim = invoice->is_interim;
    ready->taken_over = invoice->taken_over;
    /* What the bill that it replaces has taken is told already. */
    ready->balance_taken =
        invoice->replaces != NULL && invoice->is_taken ? 0 : invoice->balance_taken;
    ready->account_at = ready->credit_used != 0 || ready->balance_taken != 0 ||
                                ready->taken_over != 0 || ready->voids_month != 0 ||
                                ready->is_interim
                            ? text_keep(pack, invoice->account_id)
                            : SIZE_MAX;
    ready->period_end_ns = invoice->period_end_ns;
    ready->account = invoice->account;
    if (!parts_add(pack, invoice, ready)) {
        return tg_why_set(why, TG_E_FULL, "invoice %s is longer than any can be", invoice->id);
    }
    ready->parts_count = pack->parts_count - ready->part_first;
    return TG_OK;
}

enum tg_err tg_bill_pack_fail(struct tg_bill_pack *pack, enum tg_err err, const char *cause)
{
    struct tg_bill_ready *ready = NULL;
    if (bytes_ensure(pack, strlen(cause) + 1)) {
        ready = ready_take(pack);
    }
    if (ready == NULL) {
        return TG_E_NO_MEMORY;
    }
    ready->err = err;
    ready->id_at = text_keep(pack, cause);
    return TG_OK;
}
