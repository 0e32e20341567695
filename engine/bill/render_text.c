/* SPDX-License-Identifier: Apache-2.0 */
/* The invoice for people; its declarations are in render.h. */
#include "bill/render.h"

#include "abi/usage.h"
#include "base/clock.h"

#include <stdio.h>

#define CELL_BYTES 96u
#define WIDTH      98

/* 1234567890 octets as "1.23 GB": cut, not rounded, so that no row shows more than was used. */
static void octets_text(uint64_t octets, char cell[CELL_BYTES])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    unsigned unit = 0;
    uint64_t divisor = 1;
    while (unit < 6 && octets / divisor >= 1000) {
        divisor *= 1000;
        unit++;
    }
    if (unit == 0) {
        (void)snprintf(cell, CELL_BYTES, "%llu B", (unsigned long long)octets);
        return;
    }
    const unsigned __int128 hundredths = (unsigned __int128)octets * 100 / divisor;
    (void)snprintf(cell, CELL_BYTES, "%llu.%02llu %s", (unsigned long long)(hundredths / 100),
                   (unsigned long long)(hundredths % 100), units[unit]);
}

static void used_text(const struct tg_bill_line *line, char cell[CELL_BYTES])
{
    switch (line->service) {
    case TG_SERVICE_VOICE: {
        const uint64_t seconds = line->units / 1000;
        (void)snprintf(cell, CELL_BYTES, "%llu:%02u:%02u", (unsigned long long)(seconds / 3600),
                       (unsigned)(seconds / 60 % 60), (unsigned)(seconds % 60));
        break;
    }
    case TG_SERVICE_MESSAGE:
    case TG_SERVICE_EVENT:
        (void)snprintf(cell, CELL_BYTES, "%llu", (unsigned long long)line->units);
        break;
    default:
        octets_text(line->units, cell);
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
    for (int i = 0; i < WIDTH; i++) {
        tg_bill_text_add(out, "-");
    }
    tg_bill_text_add(out, "\n");
}

static void add_day(struct tg_bill_text *out, int64_t time_ns)
{
    struct tg_civil civil;
    tg_clock_to_civil(time_ns, &civil);
    tg_bill_text_add(out, "%04d-%02u-%02u", civil.year, civil.month, civil.day);
}

/* What a line without rows is called. */
static void fee_text(const struct tg_bill_line *line, char item[CELL_BYTES])
{
    const char *title = line->title != NULL ? line->title : "";
    switch (line->kind) {
    case TG_BILL_LINE_RECURRING:
        (void)snprintf(item, CELL_BYTES, "%.40s, recurring fee", line->product_id);
        break;
    case TG_BILL_LINE_DISCOUNT:
        (void)snprintf(item, CELL_BYTES, "%.40s, discount", line->product_id);
        break;
    case TG_BILL_LINE_MINIMUM:
        (void)snprintf(item, CELL_BYTES, "%.40s, to the minimum", line->product_id);
        break;
    default:
        (void)snprintf(item, CELL_BYTES, title[0] != '\0' ? "%.60s" : "%.40s, one-off fee",
                       title[0] != '\0' ? title : line->product_id);
        break;
    }
}

/* Rows that are not simply this period's usage say so. */
static const char *rows_mark(const struct tg_bill_line *line)
{
    if (line->kind == TG_BILL_LINE_ADJUSTMENT) {
        return "corrected: ";
    }
    return line->kind == TG_BILL_LINE_LATE ? "late: " : "";
}

static void add_line(struct tg_bill_text *out, const struct tg_bill_invoice *invoice,
                     const struct tg_bill_line *line)
{
    char amount[CELL_BYTES];
    char used[CELL_BYTES] = "";
    char item[CELL_BYTES];
    char rows[CELL_BYTES] = "";
    char allowance[CELL_BYTES] = "";
    money_text(line->amount, invoice->currency, amount);
    if (!tg_bill_line_has_rows(line->kind)) {
        fee_text(line, item);
        if (line->kind == TG_BILL_LINE_RECURRING && line->covered != line->covered_total &&
            line->covered_total < 1000) {
            (void)snprintf(used, sizeof used, "%llu/%llu days", (unsigned long long)line->covered,
                           (unsigned long long)line->covered_total);
        }
    } else {
        (void)snprintf(item, sizeof item, "%s%s%s%s", rows_mark(line), line->price_id,
                       line->zone_id[0] != '\0' ? ", " : "", line->zone_id);
        (void)snprintf(rows, sizeof rows, "%llu", (unsigned long long)line->rows_count);
        used_text(line, used);
        if (line->billed_units > 0 && line->allowance_units > 0) {
            /* In per mille of what is billed: units differ by price, a share does not. */
            const uint64_t share =
                (uint64_t)((unsigned __int128)line->allowance_units * 1000 / line->billed_units);
            (void)snprintf(allowance, sizeof allowance, "%u.%u %%", (unsigned)(share / 10),
                           (unsigned)(share % 10));
        }
    }
    tg_bill_text_add(out, "%-20.20s %-32.32s %8s %13s %9s %11s\n", line->subscriber_id, item, rows,
                     used, allowance, amount);
}

static void add_sum(struct tg_bill_text *out, const char *label, int64_t amount,
                    const struct tg_currency *currency)
{
    char cell[CELL_BYTES];
    money_text(amount, currency, cell);
    tg_bill_text_add(out, "%*s %11s\n", WIDTH - 12, label, cell);
}

void tg_bill_render_text(const struct tg_bill_invoice *invoice, struct tg_bill_text *out)
{
    const bool is_draft = invoice->number[0] == '\0';
    static const char *const titles[] = {"INVOICE", "CREDIT NOTE", "DEBIT NOTE"};
    tg_bill_text_add(out, "%s %s\n", is_draft ? "DRAFT" : titles[invoice->document % 3],
                     is_draft ? invoice->id : invoice->number);
    if (invoice->document != TG_BILL_INVOICE) {
        tg_bill_text_add(out, "for %s: %s\n", invoice->reference_number, invoice->reason);
    }
    tg_bill_text_add(out, "\n");
    tg_bill_text_add(out, "Account   %s%s%s\nPeriod    ", invoice->account_id,
                     invoice->account_name[0] != '\0' ? "  " : "", invoice->account_name);
    add_day(out, invoice->period_start_ns);
    tg_bill_text_add(out, " to ");
    add_day(out, invoice->period_end_ns - 1);
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
        char net[CELL_BYTES];
        char label[CELL_BYTES * 3];
        char rate[CELL_BYTES];
        struct tg_bill_text rate_text = tg_bill_text(rate, sizeof rate);
        tg_bill_text_money(&rate_text, tax->rate_ppm, 4, 0);
        money_text(tax->net, invoice->currency, net);
        (void)snprintf(label, sizeof label, "%.64s %s %% on %s", tax->id, rate, net);
        add_sum(out, label, tax->tax, invoice->currency);
    }
    add_sum(out, "Total", invoice->total, invoice->currency);
}
