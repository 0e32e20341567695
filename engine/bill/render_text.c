/* SPDX-License-Identifier: Apache-2.0 */
/* The invoice for people; its declarations are in render.h. */
#include "bill/render.h"

#include "abi/usage.h"
#include "base/clock.h"
#include "bill/voided.h"

#include <string.h>

#define CELL_BYTES 96u
#define ITEM_BYTES 192u /* Two names and what stands between them. */
#define WIDTH      98

/* 1234567890 octets as "1.23 GB": cut, not rounded, so that no row shows more than was used. */
static void octets_add(struct tg_bill_text *text, uint64_t octets)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    unsigned unit = 0;
    uint64_t divisor = 1;
    while (unit < 6 && octets / divisor >= 1000) {
        divisor *= 1000;
        unit++;
    }
    tg_bill_text_count(text, octets / divisor, 1);
    if (unit > 0) {
        const unsigned __int128 rest = (unsigned __int128)(octets % divisor) * 100;
        TG_BILL_TEXT_PUT(text, ".");
        tg_bill_text_count(text, (uint64_t)(rest / divisor), 2);
    }
    tg_bill_text_add(text, " %s", units[unit]);
}

static void used_text(const struct tg_bill_line *line, char cell[CELL_BYTES])
{
    struct tg_bill_text text = tg_bill_text(cell, CELL_BYTES);
    const bool is_taken_back = (int64_t)line->units < 0;
    const uint64_t units = is_taken_back ? -line->units : line->units;
    if (is_taken_back) {
        TG_BILL_TEXT_PUT(&text, "-");
    }
    switch (line->service) {
    case TG_SERVICE_VOICE: {
        const uint64_t seconds = units / 1000;
        tg_bill_text_count(&text, seconds / 3600, 1);
        TG_BILL_TEXT_PUT(&text, ":");
        tg_bill_text_count(&text, seconds / 60 % 60, 2);
        TG_BILL_TEXT_PUT(&text, ":");
        tg_bill_text_count(&text, seconds % 60, 2);
        break;
    }
    case TG_SERVICE_MESSAGE:
    case TG_SERVICE_EVENT:
        tg_bill_text_count(&text, units, 1);
        break;
    default:
        octets_add(&text, units);
        break;
    }
}

static void money_text(int64_t amount, const struct tg_currency *currency, char cell[CELL_BYTES])
{
    struct tg_bill_text text = tg_bill_text(cell, CELL_BYTES);
    tg_bill_text_money(&text, amount, currency->minor, currency->minor);
}

static void add_rule(struct tg_bill_text *out)
{
    char rule[WIDTH + 1];
    memset(rule, '-', WIDTH);
    rule[WIDTH] = '\n';
    tg_bill_text_put(out, rule, sizeof rule);
}

static void add_day(struct tg_bill_text *out, int64_t time_ns)
{
    struct tg_civil civil;
    tg_clock_to_civil(time_ns, &civil);
    tg_bill_text_count(out, (uint64_t)(civil.year % 10000), 4);
    TG_BILL_TEXT_PUT(out, "-");
    tg_bill_text_count(out, civil.month, 2);
    TG_BILL_TEXT_PUT(out, "-");
    tg_bill_text_count(out, civil.day, 2);
}

/* Of a bill for several cycles: which one the line is of; first, as the end of a cell is cut. */
static void add_cycle(struct tg_bill_text *text, const struct tg_bill_invoice *invoice,
                      const struct tg_bill_line *line)
{
    if (line->to_ns != 0) {
        add_day(text, tg_zone_local_ns(invoice->zone, line->from_ns));
        TG_BILL_TEXT_PUT(text, " ");
    }
}

/* What a line without rows is called. */
static void fee_text(const struct tg_bill_invoice *invoice, const struct tg_bill_line *line,
                     char item[ITEM_BYTES])
{
    struct tg_bill_text text = tg_bill_text(item, ITEM_BYTES);
    const char *title = line->title != NULL ? line->title : "";
    if (line->kind != TG_BILL_LINE_RECURRING) {
        add_cycle(&text, invoice, line);
    }
    switch (line->kind) {
    case TG_BILL_LINE_RECURRING:
        if (line->to_ns == 0) {
            tg_bill_text_add(&text, "%s, recurring fee", line->product_id);
        } else {
            tg_bill_text_add(&text, "%s, %s ", line->product_id,
                             strcmp(title, "suspended") == 0 ? "suspended from"
                             : line->amount_exact < 0        ? "unused from"
                                                             : "fee from");
            add_day(&text, tg_zone_local_ns(invoice->zone, line->from_ns));
        }
        break;
    case TG_BILL_LINE_DISCOUNT:
        tg_bill_text_add(&text, "%s, discount", line->product_id);
        break;
    case TG_BILL_LINE_MAXIMUM:
        tg_bill_text_add(&text, "%s, beyond the maximum", line->product_id);
        break;
    case TG_BILL_LINE_MINIMUM:
        tg_bill_text_add(&text, "%s, to the minimum", line->product_id);
        break;
    case TG_BILL_LINE_INTERIM:
        tg_bill_text_add(&text, "billed by %s", title);
        break;
    case TG_BILL_LINE_SPEND:
        tg_bill_text_add(&text, "%s, to the minimum of %s", line->product_id, title);
        break;
    default:
        if (title[0] != '\0') {
            tg_bill_text_put(&text, title, strnlen(title, ITEM_BYTES / 2));
        } else {
            tg_bill_text_add(&text, "%s, one-off fee", line->product_id);
        }
        break;
    }
}

/* Rows that are not simply this period's usage say so. */
static const char *rows_mark(const struct tg_bill_line *line)
{
    if (line->kind == TG_BILL_LINE_ADJUSTMENT) {
        return "corrected: ";
    }
    if (line->is_prepaid) {
        return line->kind == TG_BILL_LINE_LATE ? "late, paid: " : "paid: ";
    }
    return line->kind == TG_BILL_LINE_LATE ? "late: " : "";
}

/* One row of the table; figures: records, used, allowance, amount. */
static void add_row(struct tg_bill_text *out, const char *subscription, const char *item,
                    const char *const figures[4])
{
    static const size_t widths[4] = {8, 13, 9, 11};
    tg_bill_text_cell(out, subscription, 20, false);
    TG_BILL_TEXT_PUT(out, " ");
    tg_bill_text_cell(out, item, 32, false);
    for (size_t i = 0; i < 4; i++) {
        TG_BILL_TEXT_PUT(out, " ");
        tg_bill_text_cell(out, figures[i], widths[i], true);
    }
    TG_BILL_TEXT_PUT(out, "\n");
}

static void add_line(struct tg_bill_text *out, const struct tg_bill_invoice *invoice,
                     const struct tg_bill_line *line)
{
    char amount[CELL_BYTES];
    char used[CELL_BYTES] = "";
    char item[ITEM_BYTES];
    char rows[CELL_BYTES] = "";
    char allowance[CELL_BYTES] = "";
    money_text(line->amount, invoice->currency, amount);
    if (!tg_bill_line_has_rows(line->kind)) {
        fee_text(invoice, line, item);
        if (line->units != 0) {
            struct tg_bill_text text = tg_bill_text(rows, sizeof rows);
            tg_bill_text_add(&text, "%llu x", (unsigned long long)line->units);
        }
        if (line->kind == TG_BILL_LINE_RECURRING && line->covered != line->covered_total &&
            line->covered_total < 1000) {
            struct tg_bill_text text = tg_bill_text(used, sizeof used);
            tg_bill_text_add(&text, "%llu", (unsigned long long)line->covered);
            if (line->covered_total > 1) {
                tg_bill_text_add(&text, "/%llu", (unsigned long long)line->covered_total);
            }
            tg_bill_text_add(&text, " days");
        }
    } else {
        struct tg_bill_text text = tg_bill_text(item, sizeof item);
        if (line->kind == TG_BILL_LINE_USAGE) { /* What is late says so. */
            add_cycle(&text, invoice, line);
        }
        tg_bill_text_add(&text, "%s%s%s%s", rows_mark(line), line->price_id,
                         line->zone_id[0] != '\0' ? ", " : "", line->zone_id);
        if (line->band_id != NULL && line->band_id[0] != '\0') {
            tg_bill_text_add(&text, ", %s%s", line->band_id,
                             line->crossing_count > 0 ? " and on" : "");
        }
        text = tg_bill_text(rows, sizeof rows);
        tg_bill_text_count(&text, line->rows_count, 1);
        used_text(line, used);
        if (line->billed_units > 0 && line->allowance_units > 0) {
            /* In per mille of what is billed: units differ by price, a share does not. */
            const uint64_t share =
                (uint64_t)((unsigned __int128)line->allowance_units * 1000 / line->billed_units);
            text = tg_bill_text(allowance, sizeof allowance);
            tg_bill_text_add(&text, "%llu.%llu", (unsigned long long)(share / 10),
                             (unsigned long long)(share % 10));
            TG_BILL_TEXT_PUT(&text, " %");
        }
    }
    add_row(out, line->subscriber_id, item, (const char *const[]){rows, used, allowance, amount});
}

static void add_sum(struct tg_bill_text *out, const char *label, int64_t amount,
                    const struct tg_currency *currency)
{
    char cell[CELL_BYTES];
    money_text(amount, currency, cell);
    tg_bill_text_cell(out, label, WIDTH - 12, true);
    TG_BILL_TEXT_PUT(out, " ");
    tg_bill_text_cell(out, cell, 11, true);
    TG_BILL_TEXT_PUT(out, "\n");
}

static void add_tax(struct tg_bill_text *out, const struct tg_bill_tax_part *tax,
                    const struct tg_currency *currency)
{
    char label[CELL_BYTES * 3];
    struct tg_bill_text text = tg_bill_text(label, sizeof label);
    tg_bill_text_add(&text, "%s ", tax->id);
    if (tax->is_exempt) {
        TG_BILL_TEXT_PUT(&text, "exempt");
    } else {
        tg_bill_text_money(&text, tax->rate_ppm, 4, 0);
        TG_BILL_TEXT_PUT(&text, " %");
    }
    TG_BILL_TEXT_PUT(&text, " on ");
    tg_bill_text_money(&text, tax->taxable, currency->minor, currency->minor);
    add_sum(out, label, tax->tax, currency);
}

/* What is to be paid, where that is not the total. */
static void add_due(struct tg_bill_text *out, const struct tg_bill_invoice *invoice)
{
    char label[CELL_BYTES];
    struct tg_bill_text text = tg_bill_text(label, sizeof label);
    if (invoice->statement.is_there) {
        add_sum(out, "Paid from balance", -invoice->paid, invoice->currency);
    }
    if (invoice->credit_used != 0) {
        add_sum(out, "Credit of earlier bills", -invoice->credit_used, invoice->currency);
    }
    if (invoice->cash.step != 0) {
        TG_BILL_TEXT_PUT(&text, "Rounding to ");
        tg_bill_text_money(&text, invoice->cash.step, invoice->currency->minor,
                           invoice->currency->minor);
        add_sum(out, label, invoice->cash_added, invoice->currency);
    }
    add_sum(out, "Due", tg_bill_invoice_due(invoice), invoice->currency);
    if (invoice->credit_used != 0 || tg_bill_invoice_credit_left(invoice) != 0) {
        add_sum(out, "Credit left", tg_bill_invoice_credit_left(invoice), invoice->currency);
    }
}

static void add_statement(struct tg_bill_text *out, const struct tg_bill_invoice *invoice)
{
    const struct tg_bill_statement *statement = &invoice->statement;
    const struct tg_currency *currency = invoice->currency;
    const struct {
        const char *label;
        __int128 amount;
        bool is_seldom; /* Not printed when it is 0. */
    } parts[] = {{"Balance when the period began", statement->opening, false},
                 {"Top-ups", statement->topups, false},
                 {"Usage", statement->usage, false},
                 {"Fees", statement->fees, true},
                 {"Lapsed", statement->lapsed, true},
                 {"Balance when it ended", tg_bill_statement_closing(statement), false}};
    TG_BILL_TEXT_PUT(out, "\n");
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct tg_bill_text text;
        char cell[CELL_BYTES];
        if (parts[i].is_seldom && parts[i].amount == 0) {
            continue;
        }
        text = tg_bill_text(cell, sizeof cell);
        tg_bill_text_money(&text, parts[i].amount, currency->scale, currency->minor);
        tg_bill_text_add(out, "%-32s %24s\n", parts[i].label, cell);
    }
}

void tg_bill_render_text(const struct tg_bill_invoice *invoice, struct tg_bill_text *out)
{
    const bool is_draft = !invoice->is_issued;
    static const char *const titles[] = {"INVOICE", "CREDIT NOTE", "DEBIT NOTE"};
    tg_bill_text_add(out, "%s ", is_draft ? "DRAFT" : titles[invoice->document % 3]);
    if (is_draft) {
        tg_bill_text_put(out, invoice->id, strlen(invoice->id));
    } else {
        tg_bill_text_number(out, invoice->number);
    }
    TG_BILL_TEXT_PUT(out, "\n");
    if (invoice->document != TG_BILL_INVOICE) {
        tg_bill_text_add(out, "for %s: %s\n", invoice->reference_number, invoice->reason);
    }
    if (invoice->replaces != NULL) {
        tg_bill_text_add(out, "instead of %s, which is void\n", invoice->replaces->number);
    }
    if (invoice->is_interim) {
        TG_BILL_TEXT_PUT(out, "usage and charges of a part of the cycle\n");
    }
    tg_bill_text_add(out, "\n");
    if (invoice->seller.title != NULL) {
        const char *tax_id = invoice->seller.tax_id;
        tg_bill_text_add(out, "Seller    %s%s%s\n", invoice->seller.title,
                         tax_id != NULL ? ", " : "", tax_id != NULL ? tax_id : "");
    }
    tg_bill_text_add(out, "Account   %s%s%s\nPeriod    ", invoice->account_id,
                     invoice->account_name[0] != '\0' ? "  " : "", invoice->account_name);
    add_day(out, tg_zone_local_ns(invoice->zone, invoice->period_start_ns));
    tg_bill_text_add(out, " to ");
    add_day(out, tg_zone_local_ns(invoice->zone, invoice->period_end_ns) - 1);
    tg_bill_text_add(out, "\nDate      ");
    add_day(out, invoice->issued_ns);
    tg_bill_text_add(out, "\nCurrency  %s\n\n", invoice->currency->code);
    tg_bill_text_add(out, "%-20s %-32s %8s %13s %9s %11s\n", "Subscription", "Item", "Records",
                     "Used", "Allowance", "Amount");
    add_rule(out);
    for (uint32_t i = 0; i < invoice->lines_count; i++) {
        add_line(out, invoice, &invoice->lines[i]);
    }
    add_rule(out);
    add_sum(out, "Net", invoice->net_total, invoice->currency);
    for (uint32_t i = 0; i < invoice->taxes_count; i++) {
        const struct tg_bill_tax *tax = &invoice->taxes[i];
        const struct tg_bill_tax_part alone = {.id = tax->id,
                                               .rate_ppm = tax->rate_ppm,
                                               .is_exempt = tax->is_exempt,
                                               .taxable = tax->net,
                                               .tax = tax->tax};
        if (tax->parts_count == 0) {
            add_tax(out, &alone, invoice->currency);
        }
        for (uint32_t part = 0; part < tax->parts_count; part++) {
            add_tax(out, &tax->parts[part], invoice->currency);
        }
    }
    add_sum(out, "Total", invoice->total, invoice->currency);
    if (invoice->statement.is_there || invoice->cash.step != 0 || invoice->credit_used != 0 ||
        tg_bill_invoice_credit_left(invoice) != 0) {
        add_due(out, invoice);
    }
    if (invoice->statement.is_there) {
        add_statement(out, invoice);
    }
}
