/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/reprint.h"

#include "abi/usage.h"
#include "base/arena.h"
#include "base/clock.h"
#include "bill/render.h"
#include "bill/voided.h"
#include "doc/json.h"

#include <stdio.h>
#include <string.h>

static bool amount_read(const struct tg_json *json, const char *key, uint8_t scale, int64_t *amount)
{
    const char *text = tg_json_get_text(json, key, "");
    return tg_money_parse(text, strlen(text), scale, amount) == TG_OK;
}

/* Days are printed as they are where the account is: the written wall time, its offset left out. */
static bool time_read(const struct tg_json *json, const char *key, int64_t *time_ns)
{
    const char *text = tg_json_get_text(json, key, "");
    char wall[] = "2026-10-01T00:00:00Z";
    const size_t wall_length = sizeof wall - 2;
    if (strlen(text) <= wall_length || strchr("+-", text[wall_length]) == NULL) {
        return tg_clock_parse(text, strlen(text), time_ns) == TG_OK;
    }
    memcpy(wall, text, wall_length);
    return tg_clock_parse(wall, sizeof wall - 1, time_ns) == TG_OK;
}

/* Index of a name among those a printing function knows; names_count when it is none of them. */
static uint8_t name_find(const char *name, const char *(*name_of)(uint8_t), uint8_t names_count)
{
    uint8_t i = 0;
    while (i < names_count && strcmp(name_of(i), name) != 0) {
        i++;
    }
    return i;
}

static bool line_read(const struct tg_json *json, const struct tg_currency *currency,
                      struct tg_bill_line *line)
{
    *line = (struct tg_bill_line){
        .subscriber_id = tg_json_get_text(json, "x_subscription", ""),
        .product_id = tg_json_get_text(json, "product", ""),
        .zone_id = tg_json_get_text(json, "x_zone", ""),
        .band_id = tg_json_get_text(json, "x_band", ""),
        .price_id = tg_json_get_text(json, "x_price", ""),
        .unit_id = tg_json_get_text(json, "x_unit", ""),
        .title = tg_json_get_text(json, "x_title", ""),
        .rows_count = (uint64_t)tg_json_get_integer(json, "x_rows", 0),
        .crossing_count = (uint64_t)tg_json_get_integer(json, "x_rowsAcrossBands", 0),
        .units = (uint64_t)tg_json_get_integer(json, "x_units",
                                               tg_json_get_integer(json, "x_quantity", 0)),
        .billed_units = (uint64_t)tg_json_get_integer(json, "x_billedUnits", 0),
        .allowance_units = (uint64_t)tg_json_get_integer(json, "x_allowanceUnits", 0),
        .covered = (uint64_t)tg_json_get_integer(json, "x_covered", 0),
        .covered_total = (uint64_t)tg_json_get_integer(json, "x_coveredOf", 0),
        .service = name_find(tg_json_get_text(json, "x_service", "none"), tg_bill_service_name,
                             TG_SERVICE_COUNT),
        .kind = name_find(tg_json_get_text(json, "x_kind", ""), tg_bill_line_kind_name,
                          TG_BILL_LINE_KINDS),
    };
    const bool has_period = tg_json_get(json, "x_to") != NULL;
    const bool is_read = amount_read(json, "x_amount", currency->minor, &line->amount) &&
                         amount_read(json, "x_taxAmount", currency->minor, &line->tax_amount) &&
                         (!has_period || (time_read(json, "x_from", &line->from_ns) &&
                                          time_read(json, "x_to", &line->to_ns)));
    line->is_prepaid = tg_json_get(json, "x_paidFrom") != NULL;
    line->amount_exact = line->amount; /* Its sign is what is printed. */
    return is_read && line->kind < TG_BILL_LINE_KINDS;
}

/* A part of a set follows its set's other parts; anything else begins a category. */
static struct tg_bill_tax *category_take(struct tg_bill_invoice *invoice,
                                         const struct tg_json *item, const char *set)
{
    const uint8_t minor = invoice->currency->minor;
    struct tg_bill_tax *tax =
        invoice->taxes_count > 0 ? &invoice->taxes[invoice->taxes_count - 1] : NULL;
    /* The first part again is the set again: with an exemption it is another category. */
    if (set != NULL && tax != NULL && tax->parts_count > 0 && strcmp(tax->id, set) == 0 &&
        strcmp(tax->parts[0].id, tg_json_get_text(item, "taxCategory", "")) != 0) {
        return tax->parts_count < TG_TAX_PARTS_MAX ? tax : NULL;
    }
    if (invoice->taxes_count == TG_BILL_TAXES_ALL_MAX) {
        return NULL;
    }
    tax = &invoice->taxes[invoice->taxes_count++];
    tax->id = set != NULL ? set : tg_json_get_text(item, "taxCategory", "");
    return amount_read(item, set != NULL ? "x_setNet" : "x_net", minor, &tax->net) &&
                   !__builtin_add_overflow(invoice->net_total, tax->net, &invoice->net_total)
               ? tax
               : NULL;
}

static bool taxes_read(const struct tg_json *bill, struct tg_bill_invoice *invoice)
{
    const struct tg_json *items = tg_json_get(bill, "taxItem");
    const uint8_t minor = invoice->currency->minor;
    for (size_t i = 0; i < tg_json_count(items); i++) {
        const struct tg_json *item = tg_json_at(items, i);
        const char *set = tg_json_get_text(item, "x_set", NULL);
        struct tg_bill_tax *tax = category_take(invoice, item, set);
        int64_t amount = 0;
        if (tax == NULL || !amount_read(item, "x_tax", minor, &amount) ||
            __builtin_add_overflow(tax->tax, amount, &tax->tax) ||
            __builtin_add_overflow(invoice->tax_total, amount, &invoice->tax_total)) {
            return false;
        }
        tax->rate_ppm = (uint32_t)tg_json_get_integer(item, "x_ratePpm", 0);
        tax->is_exempt = tg_json_get_bool(item, "x_exempt", false);
        if (set != NULL) {
            struct tg_bill_tax_part *part = &tax->parts[tax->parts_count++];
            *part = (struct tg_bill_tax_part){.id = tg_json_get_text(item, "taxCategory", ""),
                                              .rate_ppm = tax->rate_ppm,
                                              .is_exempt = tax->is_exempt,
                                              .tax = amount};
            if (!amount_read(item, "x_net", minor, &part->taxable)) {
                return false;
            }
        }
    }
    return !__builtin_add_overflow(invoice->net_total, invoice->tax_total, &invoice->total);
}

static bool statement_read(const struct tg_json *bill, struct tg_bill_invoice *invoice)
{
    const struct tg_json *balance = tg_json_get(bill, "x_balance");
    const uint8_t scale = invoice->currency->scale;
    int64_t opening = 0;
    int64_t topups = 0;
    int64_t usage = 0;
    int64_t lapsed = 0;
    int64_t fees = 0;
    if (balance == NULL) {
        return true;
    }
    const bool is_read =
        amount_read(balance, "opening", scale, &opening) &&
        amount_read(balance, "topups", scale, &topups) &&
        amount_read(balance, "usage", scale, &usage) &&
        (tg_json_get(balance, "fees") == NULL || amount_read(balance, "fees", scale, &fees)) &&
        (tg_json_get(balance, "lapsed") == NULL ||
         amount_read(balance, "lapsed", scale, &lapsed)) &&
        amount_read(bill, "x_paidFromBalance", invoice->currency->minor, &invoice->paid);
    invoice->statement = (struct tg_bill_statement){opening, topups, usage, lapsed, fees, true};
    return is_read;
}

static bool cash_read(const struct tg_json *bill, struct tg_bill_invoice *invoice)
{
    const struct tg_json *cash = tg_json_get(bill, "x_cashRounding");
    const uint8_t minor = invoice->currency->minor;
    int64_t step = 0;
    if (cash == NULL) {
        return true;
    }
    const bool is_read = amount_read(cash, "amount", minor, &invoice->cash_added) &&
                         amount_read(cash, "step", minor, &step) && step > 0 && step <= UINT32_MAX;
    invoice->cash.step = (uint32_t)step;
    return is_read;
}

/* What is left is of the account: the sum it had is what was used and what is left of it. */
static bool credit_read(const struct tg_json *bill, struct tg_bill_invoice *invoice)
{
    const uint8_t minor = invoice->currency->minor;
    int64_t left = 0;
    if ((tg_json_get(bill, "x_creditUsed") != NULL &&
         !amount_read(bill, "x_creditUsed", minor, &invoice->credit_used)) ||
        (tg_json_get(bill, "x_creditLeft") != NULL &&
         !amount_read(bill, "x_creditLeft", minor, &left))) {
        return false;
    }
    invoice->carries_credit = left != 0;
    invoice->credit = 0;
    invoice->credit = left - tg_bill_invoice_credit_left(invoice);
    return true;
}

static bool head_read(const struct tg_json *bill, struct tg_bill_invoice *invoice)
{
    const struct tg_json *account = tg_json_get(bill, "billingAccount");
    const struct tg_json *period = tg_json_get(bill, "billingPeriod");
    const char *number = tg_json_get_text(bill, "billNo", "");
    const char *id = tg_json_get_text(bill, "id", "");
    invoice->account_id = tg_json_get_text(account, "id", "");
    invoice->account_name = tg_json_get_text(account, "name", "");
    invoice->currency =
        tg_currency_by_code(tg_json_get_text(tg_json_get(bill, "amountDue"), "unit", ""));
    invoice->document =
        name_find(tg_json_get_text(bill, "category", ""), tg_bill_document_name, TG_BILL_DOCUMENTS);
    invoice->reference_number = tg_json_get_text(bill, "x_referenceNumber", "");
    invoice->reason = tg_json_get_text(bill, "x_reason", "");
    invoice->is_issued = number[0] != '\0';
    invoice->is_interim = tg_json_get_bool(bill, "x_interim", false);
    invoice->seller.title = tg_json_get_text(tg_json_get(bill, "x_seller"), "name", NULL);
    invoice->seller.tax_id = tg_json_get_text(tg_json_get(bill, "x_seller"), "taxId", NULL);
    if (strlen(number) >= sizeof invoice->number || strlen(id) >= sizeof invoice->id) {
        return false;
    }
    memcpy(invoice->number, number, strlen(number) + 1);
    memcpy(invoice->id, id, strlen(id) + 1);
    return invoice->currency != NULL && invoice->document < TG_BILL_DOCUMENTS &&
           time_read(bill, "billDate", &invoice->issued_ns) &&
           time_read(period, "startDateTime", &invoice->period_start_ns) &&
           time_read(period, "endDateTime", &invoice->period_end_ns) && taxes_read(bill, invoice) &&
           statement_read(bill, invoice) && cash_read(bill, invoice) && credit_read(bill, invoice);
}

enum tg_err tg_bill_reprint(const struct tg_json *bill, struct tg_bill_text *out,
                            struct tg_why *why)
{
    struct tg_bill_invoice invoice = {.lines_count = 0};
    struct tg_bill_replaced replaced = {.balance = 0};
    const char *instead_of = tg_json_get_text(bill, "x_replacesNumber", "");
    const struct tg_json *lines = tg_json_get(bill, "x_line");
    const size_t count = tg_json_count(lines);
    const size_t lines_bytes = (count + 1) * sizeof invoice.lines[0];
    bool is_read = count < UINT32_MAX && head_read(bill, &invoice);
    (void)snprintf(replaced.number, sizeof replaced.number, "%s", instead_of);
    invoice.replaces = instead_of[0] != '\0' ? &replaced : NULL;
    invoice.lines = tg_pages_take(lines_bytes);
    if (invoice.lines == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for %zu lines", count);
    }
    for (size_t i = 0; i < count && is_read; i++) {
        is_read = line_read(tg_json_at(lines, i), invoice.currency,
                            &invoice.lines[invoice.lines_count++]);
    }
    if (is_read) {
        tg_bill_render_text(&invoice, out);
    }
    tg_pages_free(invoice.lines, lines_bytes);
    return is_read ? TG_OK
                   : tg_why_set(why, TG_E_CORRUPT, "the bill %.64s cannot be read",
                                tg_json_get_text(bill, "id", "?"));
}
