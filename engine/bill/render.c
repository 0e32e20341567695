/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/render.h"

#include "abi/usage.h"
#include "bill/prorate.h"
#include "catalog/image.h"

#include <stdio.h>
#include <string.h>

static const char *service_name(uint8_t service)
{
    static const char *const names[TG_SERVICE_COUNT] = {"none",  "data",   "voice",  "message",
                                                        "event", "access", "options"};
    return service < TG_SERVICE_COUNT ? names[service] : "unknown";
}

static const char *document_name(uint8_t document)
{
    static const char *const names[] = {"normal", "creditNote", "debitNote"};
    return document < sizeof names / sizeof names[0] ? names[document] : "unknown";
}

static const char *tax_mode_name(uint8_t mode)
{
    static const char *const names[] = {"category", "line", "charge"};
    return mode < sizeof names / sizeof names[0] ? names[mode] : "unknown";
}

/* ,"key":{"unit":"EUR","value":12.34} */
static void add_money(struct tg_bill_text *out, const char *key, const struct tg_currency *currency,
                      int64_t amount)
{
    tg_bill_text_add(out, ",\"%s\":{\"unit\":\"%s\",\"value\":", key, currency->code);
    tg_bill_text_money(out, amount, currency->minor, currency->minor);
    tg_bill_text_add(out, "}");
}

static void add_string(struct tg_bill_text *out, const char *key, const char *value)
{
    tg_bill_text_add(out, ",\"%s\":", key);
    tg_bill_text_quote(out, value);
}

/* Percent from parts per million is a shift of four decimals: 190000 is 19. */
static void add_tax(struct tg_bill_text *out, const struct tg_bill_tax *tax,
                    const struct tg_currency *currency, int64_t amount)
{
    tg_bill_text_add(out, "{\"taxCategory\":");
    tg_bill_text_quote(out, tax->id);
    tg_bill_text_add(out, ",\"taxRate\":");
    tg_bill_text_money(out, tax->rate_ppm, 4, 0);
    add_money(out, "taxAmount", currency, amount);
}

static void add_period(struct tg_bill_text *out, const char *key,
                       const struct tg_bill_invoice *invoice)
{
    tg_bill_text_add(out, ",\"%s\":{\"startDateTime\":\"", key);
    tg_bill_text_time(out, invoice->period_start_ns);
    tg_bill_text_add(out, "\",\"endDateTime\":\"");
    tg_bill_text_time(out, invoice->period_end_ns);
    tg_bill_text_add(out, "\"}");
}

static void add_unsigned(struct tg_bill_text *out, const char *key, uint64_t value)
{
    tg_bill_text_add(out, ",\"%s\":%llu", key, (unsigned long long)value);
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

/* What made the line, the same in both documents: fields beyond the standard. */
static void add_line_detail(struct tg_bill_text *out, const struct tg_bill_invoice *invoice,
                            const struct tg_bill_line *line)
{
    const struct tg_currency *currency = invoice->currency;
    tg_bill_text_add(out, ",\"x_kind\":\"%s\"", tg_bill_line_kind_name(line->kind));
    add_string(out, "x_subscription", line->subscriber_id);
    tg_bill_text_add(out, ",\"x_exactAmount\":\"");
    tg_bill_text_money(out, line->amount_exact, currency->scale, currency->minor);
    tg_bill_text_add(out, "\"");
    add_unsigned(out, "x_catalogVersion", line->catalog_version);
    tg_bill_text_add(out, ",\"x_amount\":\"");
    tg_bill_text_money(out, line->amount, currency->minor, currency->minor);
    tg_bill_text_add(out, "\",\"x_taxAmount\":\"");
    tg_bill_text_money(out, line->tax_amount, currency->minor, currency->minor);
    tg_bill_text_add(out, "\"");
    if (line->title != NULL && line->title[0] != '\0') {
        add_string(out, "x_title", line->title);
    }
    if (line->exchange != NULL) {
        add_exchange(out, line);
    }
    if (line->to_ns != 0) {
        tg_bill_text_add(out, ",\"x_from\":\"");
        tg_bill_text_time(out, line->from_ns);
        tg_bill_text_add(out, "\",\"x_to\":\"");
        tg_bill_text_time(out, line->to_ns);
        tg_bill_text_add(out, "\"");
    }
    if (!tg_bill_line_has_rows(line->kind)) {
        tg_bill_text_add(out, ",\"x_fee\":\"");
        tg_bill_text_money(out, line->fee, currency->scale, currency->minor);
        tg_bill_text_add(out, "\",\"x_proration\":\"%s\"", tg_bill_proration_name(line->proration));
        add_unsigned(out, "x_covered", line->covered);
        add_unsigned(out, "x_coveredOf", line->covered_total);
        if (line->price_id[0] != '\0') {
            add_string(out, "x_reference", line->price_id);
        }
        return;
    }
    tg_bill_text_add(out, ",\"x_service\":\"%s\"", service_name(line->service));
    add_string(out, "x_zone", line->zone_id);
    add_string(out, "x_price", line->price_id);
    add_string(out, "x_unit", line->unit_id);
    add_unsigned(out, "x_rows", line->rows_count);
    add_unsigned(out, "x_units", line->units);
    add_unsigned(out, "x_billedUnits", line->billed_units);
    add_unsigned(out, "x_allowanceUnits", line->allowance_units);
    /* In 2^-32 of a scale unit: what one rounding of the sum would have given more. */
    tg_bill_text_add(out, ",\"x_rateResidual\":\"");
    tg_bill_text_money(out, line->residual, 0, 0);
    tg_bill_text_add(out, "\"");
}

void tg_bill_render_json(const struct tg_bill_invoice *invoice, struct tg_bill_text *out)
{
    const struct tg_currency *currency = invoice->currency;
    tg_bill_text_add(out, "{\"id\":");
    tg_bill_text_quote(out, invoice->id);
    tg_bill_text_add(out, ",\"href\":\"" TG_BILL_HREF "%s\",\"@type\":\"CustomerBill\"",
                     invoice->id);
    if (invoice->number[0] != '\0') {
        add_string(out, "billNo", invoice->number);
    }
    tg_bill_text_add(out, ",\"category\":\"%s\",\"runType\":\"%s\",\"state\":\"%s\"",
                     document_name(invoice->document),
                     invoice->document == TG_BILL_INVOICE ? "onCycle" : "offCycle",
                     invoice->number[0] != '\0' ? "new" : "onHold");
    if (invoice->document != TG_BILL_INVOICE) {
        add_string(out, "x_referenceId", invoice->reference_id);
        add_string(out, "x_referenceNumber", invoice->reference_number);
        add_string(out, "x_reason", invoice->reason);
    }
    tg_bill_text_add(out, ",\"billDate\":\"");
    tg_bill_text_time(out, invoice->issued_ns);
    tg_bill_text_add(out, "\",\"billingAccount\":{\"id\":");
    tg_bill_text_quote(out, invoice->account_id);
    add_string(out, "name", invoice->account_name);
    tg_bill_text_add(out, ",\"@referredType\":\"BillingAccount\"}");
    add_period(out, "billingPeriod", invoice);
    add_money(out, "taxExcludedAmount", currency, invoice->net_total);
    add_money(out, "taxIncludedAmount", currency, invoice->total);
    add_money(out, "amountDue", currency, invoice->total);
    add_money(out, "remainingAmount", currency, invoice->total);
    tg_bill_text_add(out, ",\"taxItem\":[");
    for (uint32_t i = 0; i < invoice->taxes_count; i++) {
        tg_bill_text_add(out, i > 0 ? "," : "");
        add_tax(out, &invoice->taxes[i], currency, invoice->taxes[i].tax);
        add_money(out, "x_taxableAmount", currency, invoice->taxes[i].net);
        add_unsigned(out, "x_ratePpm", invoice->taxes[i].rate_ppm);
        tg_bill_text_add(out, ",\"x_mode\":\"%s\",\"x_rounding\":\"%s\"}",
                         tax_mode_name(invoice->taxes[i].mode),
                         tg_rounding_name(invoice->taxes[i].rounding));
    }
    tg_bill_text_add(out,
                     "],\"x_rounding\":{\"stage\":\"BILL\",\"mode\":\"%s\","
                     "\"parts\":\"largest_remainder\"},\"x_line\":[",
                     tg_rounding_name(invoice->rounding));
    for (uint32_t i = 0; i < invoice->lines_count; i++) {
        const struct tg_bill_line *line = &invoice->lines[i];
        char id[TG_BILL_ID_BYTES];
        tg_bill_render_rate_id(invoice, i, id);
        tg_bill_text_add(out, "%s{\"id\":", i > 0 ? "," : "");
        tg_bill_text_quote(out, id);
        add_string(out, "product", line->product_id);
        add_money(out, "taxExcludedAmount", currency, line->amount);
        add_string(out, "taxCategory", invoice->taxes[line->tax_index].id);
        add_line_detail(out, invoice, line);
        tg_bill_text_add(out, "}");
    }
    tg_bill_text_add(out, "]}");
}

void tg_bill_render_rate_id(const struct tg_bill_invoice *invoice, uint32_t line_index,
                            char id[TG_BILL_ID_BYTES])
{
    /* Room is kept by tg_bill_id_format, which leaves 12 octets for this suffix. */
    (void)snprintf(id, TG_BILL_ID_BYTES, "%.*s-%04u", (int)(TG_BILL_ID_BYTES - 12), invoice->id,
                   line_index + 1);
}

void tg_bill_render_rate(const struct tg_bill_invoice *invoice, uint32_t line_index,
                         struct tg_bill_text *out)
{
    const struct tg_bill_line *line = &invoice->lines[line_index];
    const struct tg_bill_tax *tax = &invoice->taxes[line->tax_index];
    const struct tg_currency *currency = invoice->currency;
    char id[TG_BILL_ID_BYTES];
    tg_bill_render_rate_id(invoice, line_index, id);
    tg_bill_text_add(out, "{\"id\":");
    tg_bill_text_quote(out, id);
    tg_bill_text_add(out, ",\"href\":\"" TG_BILL_RATE_HREF "%s\"", id);
    tg_bill_text_add(out, ",\"@type\":\"AppliedCustomerBillingRate\",\"type\":\"%s\",\"name\":",
                     line->amount < 0 ? "appliedBillingCredit" : "appliedBillingCharge");
    tg_bill_text_quote(out, line->price_id[0] != '\0' ? line->price_id : line->product_id);
    tg_bill_text_add(out, ",\"date\":\"");
    tg_bill_text_time(out, invoice->issued_ns);
    tg_bill_text_add(out, "\",\"isBilled\":true,\"bill\":{\"id\":");
    tg_bill_text_quote(out, invoice->id);
    tg_bill_text_add(out,
                     ",\"href\":\"" TG_BILL_HREF "%s\"},\"billingAccount\":{\"id\":", invoice->id);
    tg_bill_text_quote(out, invoice->account_id);
    tg_bill_text_add(out, "},\"product\":{\"id\":");
    tg_bill_text_quote(out, line->product_id);
    tg_bill_text_add(out, "}");
    add_period(out, "periodCoverage", invoice);
    add_money(out, "taxExcludedAmount", currency, line->amount);
    add_money(out, "taxIncludedAmount", currency, line->amount + line->tax_amount);
    tg_bill_text_add(out, ",\"appliedTax\":[");
    add_tax(out, tax, currency, line->tax_amount);
    tg_bill_text_add(out, "}]");
    add_line_detail(out, invoice, line);
    tg_bill_text_add(out, "}");
}
