/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/render.h"

#include "abi/usage.h"
#include "bill/period.h"
#include "bill/prorate.h"
#include "bill/voided.h"
#include "catalog/image.h"

#include <string.h>

const char *tg_bill_service_name(uint8_t service)
{
    static const char *const names[TG_SERVICE_COUNT] = {"none",  "data",   "voice",  "message",
                                                        "event", "access", "options"};
    return service < TG_SERVICE_COUNT ? names[service] : "unknown";
}

const char *tg_bill_document_name(uint8_t document)
{
    static const char *const names[] = {"normal", "creditNote", "debitNote"};
    return document < sizeof names / sizeof names[0] ? names[document] : "unknown";
}

static const char *tax_mode_name(uint8_t mode)
{
    static const char *const names[] = {"category", "line", "charge"};
    return mode < sizeof names / sizeof names[0] ? names[mode] : "unknown";
}

/* ,"key": */
static void add_key(struct tg_bill_text *out, const char *key)
{
    TG_BILL_TEXT_PUT(out, ",\"");
    tg_bill_text_put(out, key, strlen(key));
    TG_BILL_TEXT_PUT(out, "\":");
}

/* ,"key":{"unit":"EUR","value":12.34} */
static void add_money(struct tg_bill_text *out, const char *key, const struct tg_currency *currency,
                      int64_t amount)
{
    add_key(out, key);
    TG_BILL_TEXT_PUT(out, "{\"unit\":\"");
    tg_bill_text_put(out, currency->code, 3);
    TG_BILL_TEXT_PUT(out, "\",\"value\":");
    tg_bill_text_money(out, amount, currency->minor, currency->minor);
    TG_BILL_TEXT_PUT(out, "}");
}

/* ,"key":"12.34": for who must not read a JSON number as a binary fraction. */
static void add_exact(struct tg_bill_text *out, const char *key, const struct tg_currency *currency,
                      int64_t amount)
{
    add_key(out, key);
    TG_BILL_TEXT_PUT(out, "\"");
    tg_bill_text_money(out, amount, currency->minor, currency->minor);
    TG_BILL_TEXT_PUT(out, "\"");
}

/* ,"key":"name": of our own words, which need no escape. */
static void add_word(struct tg_bill_text *out, const char *key, const char *word)
{
    add_key(out, key);
    TG_BILL_TEXT_PUT(out, "\"");
    tg_bill_text_put(out, word, strlen(word));
    TG_BILL_TEXT_PUT(out, "\"");
}

static void add_string(struct tg_bill_text *out, const char *key, const char *value)
{
    add_key(out, key);
    tg_bill_text_quote(out, value);
}

/* Percent from parts per million is a shift of four decimals: 190000 is 19. */
static void add_tax(struct tg_bill_text *out, const char *id, uint32_t rate_ppm,
                    const struct tg_currency *currency, int64_t amount)
{
    TG_BILL_TEXT_PUT(out, "{\"taxCategory\":");
    tg_bill_text_quote(out, id);
    TG_BILL_TEXT_PUT(out, ",\"taxRate\":");
    tg_bill_text_money(out, rate_ppm, 4, 0);
    add_money(out, "taxAmount", currency, amount);
}

/* In the account's zone: the first ten characters are the day it is there. */
static void add_time(struct tg_bill_text *out, const struct tg_bill_invoice *invoice, int64_t at_ns)
{
    tg_bill_text_local(out, tg_zone_local_ns(invoice->zone, at_ns), at_ns);
}

static void add_period(struct tg_bill_text *out, const char *key,
                       const struct tg_bill_invoice *invoice)
{
    add_key(out, key);
    TG_BILL_TEXT_PUT(out, "{\"startDateTime\":\"");
    add_time(out, invoice, invoice->period_start_ns);
    TG_BILL_TEXT_PUT(out, "\",\"endDateTime\":\"");
    add_time(out, invoice, invoice->period_end_ns);
    TG_BILL_TEXT_PUT(out, "\"}");
}

static void add_unsigned(struct tg_bill_text *out, const char *key, uint64_t value)
{
    add_key(out, key);
    tg_bill_text_count(out, value, 1);
}

/* Units of a line whose usage was taken back are below 0. */
static void add_units(struct tg_bill_text *out, const char *key, uint64_t value)
{
    const int64_t units = (int64_t)value;
    add_key(out, key);
    if (units < 0) {
        TG_BILL_TEXT_PUT(out, "-");
    }
    tg_bill_text_count(out, units < 0 ? -value : value, 1);
}

/* The rate by which the line's exact sum was converted, once. */
static void add_exchange(struct tg_bill_text *out, const struct tg_bill_line *line)
{
    const struct tg_exchange_rate *rate = line->exchange;
    const struct tg_currency *from = tg_currency_by_numeric(rate->from);
    tg_bill_text_add(out, ",\"x_exchange\":{\"rateId\":");
    tg_bill_text_quote(out, line->exchange_id);
    tg_bill_text_add(out, ",\"from\":\"%s\",\"exactAmount\":\"", from->code);
    tg_bill_text_money(out, line->amount_foreign, from->scale, from->minor);
    tg_bill_text_add(out, "\",\"rate\":\"");
    tg_bill_text_money(out, rate->rate, rate->decimals, rate->decimals);
    tg_bill_text_add(out, "\"}");
}

/* Of a set of taxes: the line's part of each. */
static void add_tax_parts(struct tg_bill_text *out, const struct tg_bill_tax *tax,
                          const struct tg_bill_line *line, const struct tg_currency *currency)
{
    if (tax->parts_count == 0) {
        return;
    }
    TG_BILL_TEXT_PUT(out, ",\"x_taxPart\":[");
    for (uint32_t i = 0; i < tax->parts_count; i++) {
        tg_bill_text_put(out, ",", i > 0);
        TG_BILL_TEXT_PUT(out, "{\"taxCategory\":");
        tg_bill_text_quote(out, tax->parts[i].id);
        add_exact(out, "x_tax", currency, line->tax_parts[i]);
        TG_BILL_TEXT_PUT(out, "}");
    }
    TG_BILL_TEXT_PUT(out, "]");
}

/* What it is for, where its product and period do not say it. */
static void add_line_about(struct tg_bill_text *out, const struct tg_bill_invoice *invoice,
                           const struct tg_bill_line *line)
{
    const struct tg_currency *currency = invoice->currency;
    if (line->title != NULL && line->title[0] != '\0') {
        add_string(out, "x_title", line->title);
    }
    if (line->tax_of_plus != 0) {
        TG_BILL_TEXT_PUT(out, ",\"x_ofAllTaxes\":\"");
        tg_bill_text_money(out, line->taken_whole, currency->scale, currency->minor);
        TG_BILL_TEXT_PUT(out, "\"");
    }
    if (line->exchange != NULL) {
        add_exchange(out, line);
    }
    if (line->to_ns != 0) {
        TG_BILL_TEXT_PUT(out, ",\"x_from\":\"");
        add_time(out, invoice, line->from_ns);
        TG_BILL_TEXT_PUT(out, "\",\"x_to\":\"");
        add_time(out, invoice, line->to_ns);
        TG_BILL_TEXT_PUT(out, "\"");
    }
}

/* What made the line, the same in both documents: fields beyond the standard. */
static void add_line_detail(struct tg_bill_text *out, const struct tg_bill_invoice *invoice,
                            const struct tg_bill_line *line)
{
    const struct tg_currency *currency = invoice->currency;
    add_word(out, "x_kind", tg_bill_line_kind_name(line->kind));
    add_string(out, "x_subscription", line->subscriber_id);
    TG_BILL_TEXT_PUT(out, ",\"x_exactAmount\":\"");
    tg_bill_text_money(out, line->amount_exact, currency->scale, currency->minor);
    TG_BILL_TEXT_PUT(out, "\"");
    add_unsigned(out, "x_catalogVersion", line->catalog_version);
    TG_BILL_TEXT_PUT(out, ",\"x_amount\":\"");
    tg_bill_text_money(out, line->amount, currency->minor, currency->minor);
    TG_BILL_TEXT_PUT(out, "\",\"x_taxAmount\":\"");
    tg_bill_text_money(out, line->tax_amount, currency->minor, currency->minor);
    TG_BILL_TEXT_PUT(out, "\"");
    add_tax_parts(out, &invoice->taxes[line->tax_index], line, currency);
    add_line_about(out, invoice, line);
    if (!tg_bill_line_has_rows(line->kind)) {
        TG_BILL_TEXT_PUT(out, ",\"x_fee\":\"");
        tg_bill_text_money(out, line->fee, currency->scale, currency->minor);
        TG_BILL_TEXT_PUT(out, "\"");
        add_word(out, "x_proration", tg_bill_proration_name(line->proration));
        if (line->units != 0) {
            add_unsigned(out, "x_quantity", line->units);
        }
        add_unsigned(out, "x_covered", line->covered);
        add_unsigned(out, "x_coveredOf", line->covered_total);
        if (line->amount_usage != 0) {
            TG_BILL_TEXT_PUT(out, ",\"x_ofUsage\":\"");
            tg_bill_text_money(out, line->amount_usage, currency->scale, currency->minor);
            TG_BILL_TEXT_PUT(out, "\"");
        }
        if (line->price_id[0] != '\0') {
            add_string(out, "x_reference", line->price_id);
        }
        return;
    }
    if (line->is_prepaid) {
        TG_BILL_TEXT_PUT(out, ",\"x_paidFrom\":\"balance\"");
    }
    add_word(out, "x_service", tg_bill_service_name(line->service));
    add_string(out, "x_zone", line->zone_id);
    if (line->band_id != NULL && line->band_id[0] != '\0') {
        add_string(out, "x_band", line->band_id);
    }
    if (line->crossing_count != 0) {
        add_unsigned(out, "x_rowsAcrossBands", line->crossing_count);
    }
    add_string(out, "x_price", line->price_id);
    add_string(out, "x_unit", line->unit_id);
    add_unsigned(out, "x_rows", line->rows_count);
    add_units(out, "x_units", line->units);
    add_units(out, "x_billedUnits", line->billed_units);
    /* Absent is 0: most lines have neither, and four of their documents fit a database page where
     * three did. */
    if (line->allowance_units != 0) {
        add_unsigned(out, "x_allowanceUnits", line->allowance_units);
    }
    if (line->residual != 0) {
        /* In 2^-32 of a scale unit: what one rounding of the sum would have given more. */
        TG_BILL_TEXT_PUT(out, ",\"x_rateResidual\":\"");
        tg_bill_text_money(out, line->residual, 0, 0);
        TG_BILL_TEXT_PUT(out, "\"");
    }
}

static void add_tax_item(struct tg_bill_text *out, const struct tg_bill_tax *tax,
                         const struct tg_bill_tax_part *part, const struct tg_currency *currency)
{
    add_tax(out, part->id, part->rate_ppm, currency, part->tax);
    add_money(out, "x_taxableAmount", currency, part->taxable);
    add_exact(out, "x_net", currency, part->taxable);
    add_exact(out, "x_tax", currency, part->tax);
    add_unsigned(out, "x_ratePpm", part->rate_ppm);
    add_word(out, "x_mode", tax_mode_name(tax->mode));
    add_word(out, "x_rounding", tg_rounding_name(part->rounding));
    if (tax->is_inclusive) {
        TG_BILL_TEXT_PUT(out, ",\"x_inclusive\":true");
    }
    if (part->is_exempt) {
        TG_BILL_TEXT_PUT(out, ",\"x_exempt\":true");
    }
    if (part->is_compound) {
        TG_BILL_TEXT_PUT(out, ",\"x_compound\":true");
    }
    if (tax->parts_count > 0) {
        add_string(out, "x_set", tax->id);
        add_exact(out, "x_setNet", currency, tax->net);
    }
    TG_BILL_TEXT_PUT(out, "}");
}

/* A category is one item; a set of taxes one a part. */
static void add_category(struct tg_bill_text *out, const struct tg_bill_tax *tax,
                         const struct tg_currency *currency)
{
    const struct tg_bill_tax_part alone = {.id = tax->id,
                                           .rate_ppm = tax->rate_ppm,
                                           .rounding = tax->rounding,
                                           .is_exempt = tax->is_exempt,
                                           .taxable = tax->net,
                                           .tax = tax->tax};
    if (tax->parts_count == 0) {
        add_tax_item(out, tax, &alone, currency);
    }
    for (uint32_t i = 0; i < tax->parts_count; i++) {
        tg_bill_text_put(out, ",", i > 0);
        add_tax_item(out, tax, &tax->parts[i], currency);
    }
}

/* What the balance did; exact, as it pays each row and not each bill. */
static void add_statement(struct tg_bill_text *out, const struct tg_bill_invoice *invoice)
{
    enum { FEES = 3, LAPSED = 4 };
    const struct tg_bill_statement *statement = &invoice->statement;
    const struct {
        const char *key;
        __int128 amount;
    } parts[] = {
        {"opening", statement->opening}, {"topups", statement->topups},
        {"usage", statement->usage},     {"fees", statement->fees},
        {"lapsed", statement->lapsed},   {"closing", tg_bill_statement_closing(statement)}};
    add_exact(out, "x_paidFromBalance", invoice->currency, invoice->paid);
    TG_BILL_TEXT_PUT(out, ",\"x_balance\":{");
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if ((i == FEES || i == LAPSED) && parts[i].amount == 0) {
            continue; /* absent is 0 */
        }
        tg_bill_text_put(out, ",", i > 0);
        TG_BILL_TEXT_PUT(out, "\"");
        tg_bill_text_put(out, parts[i].key, strlen(parts[i].key));
        TG_BILL_TEXT_PUT(out, "\":\"");
        tg_bill_text_money(out, parts[i].amount, invoice->currency->scale,
                           invoice->currency->minor);
        TG_BILL_TEXT_PUT(out, "\"");
    }
    TG_BILL_TEXT_PUT(out, "}");
}

/* What stands between the total and what is due, as no coin is smaller. */
static void add_cash(struct tg_bill_text *out, const struct tg_bill_invoice *invoice)
{
    const struct tg_currency *currency = invoice->currency;
    TG_BILL_TEXT_PUT(out, ",\"x_cashRounding\":{\"amount\":\"");
    tg_bill_text_money(out, invoice->cash_added, currency->minor, currency->minor);
    TG_BILL_TEXT_PUT(out, "\",\"step\":\"");
    tg_bill_text_money(out, invoice->cash.step, currency->minor, currency->minor);
    TG_BILL_TEXT_PUT(out, "\"");
    add_word(out, "mode", tg_rounding_name(invoice->cash.rounding));
    TG_BILL_TEXT_PUT(out, "}");
}

/* Where one name is several categories (exempt and not, paid from a balance and not): which. */
static void add_tax_place(struct tg_bill_text *out, const struct tg_bill_invoice *invoice,
                          uint32_t index)
{
    uint64_t place = 0;
    bool has_twin = false;
    for (uint32_t i = 0; i < invoice->taxes_count; i++) {
        const struct tg_bill_tax *tax = &invoice->taxes[i];
        has_twin |= i != index && strcmp(tax->id, invoice->taxes[index].id) == 0;
        place += i >= index ? 0 : tax->parts_count > 0 ? tax->parts_count : 1;
    }
    if (has_twin) {
        add_unsigned(out, "x_taxItem", place);
    }
}

static void add_seller(struct tg_bill_text *out, const struct tg_bill_seller *seller)
{
    if (seller->entity != NULL && strcmp(seller->entity, TG_ENTITY_DEFAULT) != 0) {
        add_string(out, "x_legalEntity", seller->entity);
    }
    if (seller->title != NULL) {
        TG_BILL_TEXT_PUT(out, ",\"x_seller\":{\"name\":");
        tg_bill_text_quote(out, seller->title);
        if (seller->tax_id != NULL) {
            add_string(out, "taxId", seller->tax_id);
        }
        TG_BILL_TEXT_PUT(out, "}");
    }
}

/* What it is, when, and who is to pay. */
static void add_head(struct tg_bill_text *out, const struct tg_bill_invoice *invoice)
{
    TG_BILL_TEXT_PUT(out, "{\"id\":");
    tg_bill_text_quote(out, invoice->id);
    TG_BILL_TEXT_PUT(out, ",\"href\":\"" TG_BILL_HREF);
    tg_bill_text_put(out, invoice->id, strlen(invoice->id));
    TG_BILL_TEXT_PUT(out, "\",\"@type\":\"CustomerBill\"");
    if (invoice->is_issued) {
        TG_BILL_TEXT_PUT(out, ",\"billNo\":\"");
        tg_bill_text_number(out, invoice->number);
        TG_BILL_TEXT_PUT(out, "\"");
    }
    add_word(out, "category", tg_bill_document_name(invoice->document));
    add_word(out, "runType",
             invoice->document == TG_BILL_INVOICE && !invoice->is_interim ? "onCycle" : "offCycle");
    if (invoice->is_interim) {
        TG_BILL_TEXT_PUT(out, ",\"x_interim\":true");
    }
    add_word(out, "state", invoice->is_issued ? "new" : "onHold");
    if (!invoice->is_issued) {
        add_word(out, "x_state", tg_bill_period_state_name(invoice->draft_state));
    }
    add_seller(out, &invoice->seller);
    if (invoice->document != TG_BILL_INVOICE) {
        add_string(out, "x_referenceId", invoice->reference_id);
        add_string(out, "x_referenceNumber", invoice->reference_number);
        add_string(out, "x_reason", invoice->reason);
    }
    if (invoice->replaces != NULL) {
        add_string(out, "x_replacesId", invoice->replaces->id);
        add_string(out, "x_replacesNumber", invoice->replaces->number);
    }
    TG_BILL_TEXT_PUT(out, ",\"billDate\":\"");
    tg_bill_text_time(out, invoice->issued_ns);
    if (invoice->due_ns != 0) {
        TG_BILL_TEXT_PUT(out, "\",\"paymentDueDate\":\"");
        tg_bill_text_time(out, invoice->due_ns);
    }
    TG_BILL_TEXT_PUT(out, "\",\"billingAccount\":{\"id\":");
    tg_bill_text_quote(out, invoice->account_id);
    add_string(out, "name", invoice->account_name);
    TG_BILL_TEXT_PUT(out, ",\"@referredType\":\"BillingAccount\"}");
    add_period(out, "billingPeriod", invoice);
    if (invoice->weeks != 0) {
        tg_bill_text_add(out, ",\"x_weeks\":%u", invoice->weeks);
    }
    if (invoice->zone.count > 0 && invoice->zone_name != NULL) {
        add_string(out, "x_timeZone", invoice->zone_name);
    }
}

void tg_bill_render_json(const struct tg_bill_invoice *invoice, struct tg_bill_text *out,
                         struct tg_bill_detail *details)
{
    const struct tg_currency *currency = invoice->currency;
    add_head(out, invoice);
    add_money(out, "taxExcludedAmount", currency, invoice->net_total);
    add_money(out, "taxIncludedAmount", currency, invoice->total);
    add_money(out, "amountDue", currency, tg_bill_invoice_due(invoice));
    add_money(out, "remainingAmount", currency, tg_bill_invoice_due(invoice));
    if (invoice->cash.step != 0) {
        add_cash(out, invoice);
    }
    if (invoice->statement.is_there) {
        add_statement(out, invoice);
    }
    if (invoice->interim_paid != 0) {
        add_exact(out, "x_interimPaid", currency, invoice->interim_paid);
    }
    if (invoice->credit_used != 0) {
        add_exact(out, "x_creditUsed", currency, invoice->credit_used);
    }
    if (invoice->credit_used != 0 || tg_bill_invoice_credit_left(invoice) != 0) {
        add_exact(out, "x_creditLeft", currency, tg_bill_invoice_credit_left(invoice));
    }
    TG_BILL_TEXT_PUT(out, ",\"taxItem\":[");
    for (uint32_t i = 0; i < invoice->taxes_count; i++) {
        tg_bill_text_put(out, ",", i > 0);
        add_category(out, &invoice->taxes[i], currency);
    }
    tg_bill_text_add(out,
                     "],\"x_rounding\":{\"stage\":\"BILL\",\"mode\":\"%s\","
                     "\"parts\":\"%s\"},\"x_line\":[",
                     tg_rounding_name(invoice->rounding),
                     invoice->rounds_lines ? "each" : "largest_remainder");
    for (uint32_t i = 0; i < invoice->lines_count; i++) {
        const struct tg_bill_line *line = &invoice->lines[i];
        char id[TG_BILL_ID_BYTES];
        tg_bill_render_rate_id(invoice, i, id);
        tg_bill_text_put(out, ",", i > 0);
        TG_BILL_TEXT_PUT(out, "{\"id\":");
        tg_bill_text_quote(out, id);
        add_string(out, "product", line->product_id);
        add_money(out, "taxExcludedAmount", currency, line->amount);
        add_string(out, "taxCategory", invoice->taxes[line->tax_index].id);
        add_tax_place(out, invoice, line->tax_index);
        const size_t detail_at = out->length_bytes;
        add_line_detail(out, invoice, line);
        if (details != NULL) {
            details[i] = (struct tg_bill_detail){detail_at, out->length_bytes - detail_at};
        }
        TG_BILL_TEXT_PUT(out, "}");
    }
    TG_BILL_TEXT_PUT(out, "]}");
}

void tg_bill_render_rate_id(const struct tg_bill_invoice *invoice, uint32_t line_index,
                            char id[TG_BILL_ID_BYTES])
{
    /* Room is kept by tg_bill_id_format, which leaves 12 octets for this suffix. */
    struct tg_bill_text text = tg_bill_text(id, TG_BILL_ID_BYTES);
    tg_bill_text_put(&text, invoice->id, strnlen(invoice->id, TG_BILL_ID_BYTES - 12));
    TG_BILL_TEXT_PUT(&text, "-");
    tg_bill_text_count(&text, line_index + 1, 4);
}

void tg_bill_render_rate(const struct tg_bill_invoice *invoice, uint32_t line_index,
                         const char *detail, size_t detail_bytes, struct tg_bill_text *out)
{
    const struct tg_bill_line *line = &invoice->lines[line_index];
    const struct tg_bill_tax *tax = &invoice->taxes[line->tax_index];
    const struct tg_currency *currency = invoice->currency;
    char id[TG_BILL_ID_BYTES];
    tg_bill_render_rate_id(invoice, line_index, id);
    TG_BILL_TEXT_PUT(out, "{\"id\":");
    tg_bill_text_quote(out, id);
    TG_BILL_TEXT_PUT(out, ",\"href\":\"" TG_BILL_RATE_HREF);
    tg_bill_text_put(out, id, strlen(id));
    TG_BILL_TEXT_PUT(out, "\"");
    TG_BILL_TEXT_PUT(out, ",\"@type\":\"AppliedCustomerBillingRate\"");
    add_word(out, "type", line->amount < 0 ? "appliedBillingCredit" : "appliedBillingCharge");
    TG_BILL_TEXT_PUT(out, ",\"name\":");
    tg_bill_text_quote(out, line->price_id[0] != '\0' ? line->price_id : line->product_id);
    TG_BILL_TEXT_PUT(out, ",\"date\":\"");
    tg_bill_text_time(out, invoice->issued_ns);
    TG_BILL_TEXT_PUT(out, "\",\"isBilled\":true,\"bill\":{\"id\":");
    tg_bill_text_quote(out, invoice->id);
    TG_BILL_TEXT_PUT(out, ",\"href\":\"" TG_BILL_HREF);
    tg_bill_text_put(out, invoice->id, strlen(invoice->id));
    TG_BILL_TEXT_PUT(out, "\"},\"billingAccount\":{\"id\":");
    tg_bill_text_quote(out, invoice->account_id);
    TG_BILL_TEXT_PUT(out, "},\"product\":{\"id\":");
    tg_bill_text_quote(out, line->product_id);
    TG_BILL_TEXT_PUT(out, "}");
    add_period(out, "periodCoverage", invoice);
    add_money(out, "taxExcludedAmount", currency, line->amount);
    add_money(out, "taxIncludedAmount", currency, line->amount + line->tax_amount);
    TG_BILL_TEXT_PUT(out, ",\"appliedTax\":[");
    if (tax->parts_count == 0) {
        add_tax(out, tax->id, tax->rate_ppm, currency, line->tax_amount);
        TG_BILL_TEXT_PUT(out, "}");
    }
    for (uint32_t i = 0; i < tax->parts_count; i++) {
        tg_bill_text_put(out, ",", i > 0);
        add_tax(out, tax->parts[i].id, tax->parts[i].rate_ppm, currency, line->tax_parts[i]);
        TG_BILL_TEXT_PUT(out, "}");
    }
    TG_BILL_TEXT_PUT(out, "]");
    if (detail != NULL) {
        tg_bill_text_put(out, detail, detail_bytes);
    } else {
        add_line_detail(out, invoice, line);
    }
    TG_BILL_TEXT_PUT(out, "}");
}
