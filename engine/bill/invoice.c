/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/invoice.h"

#include "bill/tax.h"
#include "bill/voided.h"
#include "catalog/image.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define PPM UINT64_C(1000000)

bool tg_bill_tax_is(const struct tg_bill_tax *a, const struct tg_bill_tax *b)
{
    bool is_same = a->rate_ppm == b->rate_ppm && a->rounding == b->rounding && a->mode == b->mode &&
                   a->is_inclusive == b->is_inclusive && a->is_exempt == b->is_exempt &&
                   a->is_given == b->is_given && a->parts_count == b->parts_count &&
                   strcmp(a->id, b->id) == 0;
    for (uint32_t i = 0; i < a->parts_count && is_same; i++) {
        const struct tg_bill_tax_part *left = &a->parts[i];
        const struct tg_bill_tax_part *right = &b->parts[i];
        is_same = left->rate_ppm == right->rate_ppm && left->rounding == right->rounding &&
                  left->is_compound == right->is_compound && left->is_exempt == right->is_exempt &&
                  strcmp(left->id, right->id) == 0;
    }
    return is_same;
}

uint16_t tg_bill_invoice_category(struct tg_bill_invoice *invoice, const struct tg_bill_tax *wanted)
{
    uint32_t own_count = 0;
    for (uint32_t i = 0; i < invoice->taxes_count; i++) {
        if (tg_bill_tax_is(&invoice->taxes[i], wanted)) {
            return (uint16_t)i;
        }
        own_count += !invoice->taxes[i].is_given;
    }
    if (invoice->taxes_count == TG_BILL_TAXES_ALL_MAX ||
        (!wanted->is_given && own_count == TG_BILL_TAXES_MAX)) {
        return UINT16_MAX;
    }
    invoice->taxes[invoice->taxes_count] = *wanted;
    return (uint16_t)invoice->taxes_count++;
}

uint16_t tg_bill_invoice_tax(struct tg_bill_invoice *invoice, const char *id, uint32_t rate_ppm,
                             uint8_t rounding)
{
    const struct tg_bill_tax wanted = {.id = id, .rate_ppm = rate_ppm, .rounding = rounding};
    return tg_bill_invoice_category(invoice, &wanted);
}

static int number_compare(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static const char *band_of(const struct tg_bill_line *line)
{
    return line->band_id != NULL ? line->band_id : "";
}

static int line_compare(const void *a, const void *b)
{
    const struct tg_bill_line *left = a;
    const struct tg_bill_line *right = b;
    int order = number_compare(left->subscriber, right->subscriber);
    order = order != 0 ? order : number_compare(left->kind, right->kind);
    order = order != 0 ? order : strcmp(left->product_id, right->product_id);
    order =
        order != 0 ? order : (left->from_ns > right->from_ns) - (left->from_ns < right->from_ns);
    order = order != 0 ? order : number_compare(left->service, right->service);
    order = order != 0 ? order : strcmp(left->zone_id, right->zone_id);
    order = order != 0 ? order : strcmp(band_of(left), band_of(right));
    order = order != 0 ? order : strcmp(left->price_id, right->price_id);
    order = order != 0 ? order : number_compare(left->price, right->price);
    order = order != 0 ? order : number_compare(left->catalog_version, right->catalog_version);
    order = order != 0 ? order : number_compare(left->is_prepaid, right->is_prepaid);
    return order != 0 ? order : number_compare(left->tax_index, right->tax_index);
}

void tg_bill_lines_sort(struct tg_bill_line *lines, uint32_t lines_count)
{
    if (lines_count > 1) {
        qsort(lines, lines_count, sizeof lines[0], line_compare);
    }
}

enum tg_err tg_bill_tax_on(int64_t net, uint32_t rate_ppm, uint8_t rounding, int64_t *tax)
{
    return tg_money_divide((__int128)net * rate_ppm, PPM, rounding, tax);
}

enum tg_err tg_bill_tax_in(__int128 gross, uint32_t rate_ppm, uint8_t rounding, uint64_t divisor,
                           int64_t *tax)
{
    /* A 64-bit amount times a 32-bit rate fits 128 bits. */
    if (gross > INT64_MAX || gross < INT64_MIN || divisor > UINT64_MAX / (PPM + rate_ppm)) {
        return TG_E_AMOUNT_OVERFLOW;
    }
    return tg_money_divide(gross * rate_ppm, divisor * (PPM + rate_ppm), rounding, tax);
}

/* Prices with tax: what was allocated is gross, and each line gives its tax off. */
static enum tg_err net_take(struct tg_bill_invoice *invoice, struct tg_bill_tax *tax,
                            const uint32_t *rows, uint32_t count)
{
    if (__builtin_sub_overflow(tax->net, tax->tax, &tax->net)) {
        return TG_E_AMOUNT_OVERFLOW;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct tg_bill_line *line = &invoice->lines[rows[i]];
        if (__builtin_sub_overflow(line->amount, line->tax_amount, &line->amount)) {
            return TG_E_AMOUNT_OVERFLOW;
        }
    }
    return TG_OK;
}

/* Each line's tax by itself, or the sum of its rows' taxes; the category's is their sum. */
static enum tg_err lines_tax(struct tg_bill_invoice *invoice, struct tg_bill_tax *tax,
                             const uint32_t *rows, uint32_t count)
{
    tax->tax = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct tg_bill_line *line = &invoice->lines[rows[i]];
        enum tg_err err = TG_OK;
        if ((tax->mode == TG_TAX_PER_CHARGE || tax->is_given) && line->has_charge_tax) {
            line->tax_amount = line->charge_tax;
        } else if (tax->is_inclusive) {
            err = tg_bill_tax_in(line->amount, tax->rate_ppm, tax->rounding, 1, &line->tax_amount);
        } else {
            err = tg_bill_tax_on(line->amount, tax->rate_ppm, tax->rounding, &line->tax_amount);
        }
        if (err != TG_OK || __builtin_add_overflow(tax->tax, line->tax_amount, &tax->tax)) {
            return TG_E_AMOUNT_OVERFLOW;
        }
    }
    return TG_OK;
}

/* The category's tax, shared out over its lines. */
static enum tg_err category_tax(struct tg_bill_invoice *invoice, struct tg_bill_tax *tax,
                                uint32_t count, const struct tg_bill_scratch *scratch)
{
    enum tg_err err = tax->is_inclusive
                          ? tg_bill_tax_in(tax->net, tax->rate_ppm, tax->rounding, 1, &tax->tax)
                          : tg_bill_tax_on(tax->net, tax->rate_ppm, tax->rounding, &tax->tax);
    if (err == TG_OK) {
        err = tg_bill_share(tax->tax, scratch->weights, count, scratch->parts, scratch->fractions);
    }
    for (uint32_t i = 0; err == TG_OK && i < count; i++) {
        invoice->lines[scratch->rows[i]].tax_amount = scratch->parts[i];
    }
    return err;
}

/* What lines come to: the exact sum is rounded and shared out, or each is rounded by itself. */
static enum tg_err lines_round(const struct tg_bill_invoice *invoice, uint32_t count, int64_t *net,
                               const struct tg_bill_scratch *scratch)
{
    const uint64_t divisor = (uint64_t)tg_pow10(TG_MONEY_EXTRA_DECIMALS);
    if (!invoice->rounds_lines) {
        return tg_bill_allocate(scratch->exact, count, divisor, invoice->rounding, scratch->parts,
                                net, scratch->fractions);
    }
    enum tg_err err = TG_OK;
    *net = 0;
    for (uint32_t i = 0; i < count && err == TG_OK; i++) {
        err = tg_money_divide(scratch->exact[i], divisor, invoice->rounding, &scratch->parts[i]);
        if (err == TG_OK && __builtin_add_overflow(*net, scratch->parts[i], net)) {
            err = TG_E_AMOUNT_OVERFLOW;
        }
    }
    return err;
}

/* One tax category: round its lines, tax them, and share the tax out again. */
static enum tg_err category_compute(struct tg_bill_invoice *invoice, uint32_t tax_index,
                                    const struct tg_bill_scratch *scratch)
{
    struct tg_bill_tax *tax = &invoice->taxes[tax_index];
    uint32_t count = 0;
    for (uint32_t i = 0; i < invoice->lines_count; i++) {
        if (invoice->lines[i].tax_index == tax_index) {
            scratch->rows[count] = i;
            scratch->exact[count++] = invoice->lines[i].amount_exact;
        }
    }
    enum tg_err err = lines_round(invoice, count, &tax->net, scratch);
    if (err != TG_OK) {
        return err;
    }
    for (uint32_t i = 0; i < count; i++) {
        invoice->lines[scratch->rows[i]].amount = scratch->parts[i];
        scratch->weights[i] = scratch->parts[i];
    }
    err = tax->parts_count > 0 ? tg_bill_set_tax(invoice, tax, scratch, count)
          : tax->mode == TG_TAX_PER_CATEGORY && !tax->is_given
              ? category_tax(invoice, tax, count, scratch)
              : lines_tax(invoice, tax, scratch->rows, count);
    return err == TG_OK && tax->is_inclusive ? net_take(invoice, tax, scratch->rows, count) : err;
}

/* The books must close: what is printed adds up to what is asked for. */
static void invoice_assert_sums(const struct tg_bill_invoice *invoice)
{
    __int128 amounts = 0;
    __int128 taxes = 0;
    for (uint32_t i = 0; i < invoice->lines_count; i++) {
        amounts += invoice->lines[i].amount;
        taxes += invoice->lines[i].tax_amount;
    }
    assert(amounts == invoice->net_total);
    assert(taxes == invoice->tax_total);
    assert(amounts + taxes == invoice->total);
    (void)amounts;
    (void)taxes;
}

/* What the balance pays of what is left to pay, in whole minor units that it has. */
static void balance_take(struct tg_bill_invoice *invoice, int64_t rest)
{
    const int64_t unit = tg_pow10(TG_MONEY_EXTRA_DECIMALS);
    const __int128 there = tg_bill_statement_closing(&invoice->statement);
    const __int128 left = there > 0 ? there / unit : 0;
    if (!invoice->is_taken) {
        const bool takes =
            rest > 0 && invoice->statement.is_there && invoice->balance_mode != TG_PREPAID_DUE;
        invoice->balance_taken = 0;
        if (takes && left >= rest) {
            invoice->balance_taken = rest;
        } else if (takes && invoice->balance_mode == TG_PREPAID_PARTIAL) {
            invoice->balance_taken = (int64_t)left;
        }
    }
    invoice->statement.fees = -(__int128)invoice->balance_taken * unit;
}

/* What a balance paid of a voided bill has come back on that; it pays the bill made again, as far
 * as it is still there. */
static bool paid_over(struct tg_bill_invoice *invoice, int64_t *rest)
{
    const struct tg_bill_replaced *old = invoice->replaces;
    const int64_t kept = invoice->paid < old->balance ? invoice->paid : old->balance;
    invoice->taken_over = kept <= 0 ? 0 : kept < old->left ? kept : old->left;
    if (kept > 0) {
        invoice->paid -= kept - invoice->taken_over;
    }
    if (old->is_credit) {
        invoice->credit -=
            invoice->taken_over < invoice->credit ? invoice->taken_over : invoice->credit;
    }
    return !__builtin_sub_overflow(invoice->total, invoice->paid, rest);
}

/* Of a bill that replaces another: what that took from a balance stays taken. */
static bool paid_again(struct tg_bill_invoice *invoice)
{
    int64_t rest = 0;
    if (invoice->is_taken) {
        balance_take(invoice, 0);
        invoice->paid += invoice->balance_taken;
    }
    if (!paid_over(invoice, &rest)) {
        return false;
    }
    invoice->credit_used = rest <= 0 ? 0 : rest < invoice->credit ? rest : invoice->credit;
    rest -= invoice->credit_used;
    if (!invoice->is_taken) {
        balance_take(invoice, rest);
        invoice->paid += invoice->balance_taken;
        rest -= invoice->balance_taken;
    }
    return tg_bill_cash_add(&invoice->cash, rest, &invoice->cash_added) == TG_OK;
}

/* What balances have paid: the lines of their rows, tax included; what earlier bills have left;
 * and what coins cannot. */
static bool paid_sum(struct tg_bill_invoice *invoice)
{
    __int128 paid = 0;
    for (uint32_t i = 0; i < invoice->lines_count; i++) {
        if (invoice->lines[i].is_prepaid) {
            paid += (__int128)invoice->lines[i].amount + invoice->lines[i].tax_amount;
        }
    }
    int64_t rest = 0;
    paid -= invoice->interim_paid;
    invoice->paid = (int64_t)paid;
    if (paid < INT64_MIN || paid > INT64_MAX ||
        __builtin_sub_overflow(invoice->total, invoice->paid, &rest)) {
        return false;
    }
    if (invoice->replaces != NULL) {
        return paid_again(invoice);
    }
    invoice->credit_used = rest <= 0 ? 0 : rest < invoice->credit ? rest : invoice->credit;
    balance_take(invoice, rest - invoice->credit_used);
    rest -= invoice->credit_used + invoice->balance_taken;
    invoice->paid += invoice->balance_taken;
    return tg_bill_cash_add(&invoice->cash, rest, &invoice->cash_added) == TG_OK;
}

enum tg_err tg_bill_invoice_compute(struct tg_bill_invoice *invoice,
                                    const struct tg_bill_scratch *scratch, struct tg_why *why)
{
    assert(invoice->taxes_count <= TG_BILL_TAXES_ALL_MAX);
    if (invoice->lines_count > scratch->capacity) {
        return tg_why_set(why, TG_E_FULL, "account %s has %u lines, room is for %u",
                          invoice->account_id, invoice->lines_count, scratch->capacity);
    }
    for (uint32_t i = 0; i < invoice->lines_count; i++) {
        if (invoice->lines[i].tax_index >= invoice->taxes_count) {
            return tg_why_set(why, TG_E_INVALID, "line %u of account %s has no tax category", i,
                              invoice->account_id);
        }
    }
    invoice->net_total = 0;
    invoice->tax_total = 0;
    enum tg_err err = TG_OK;
    for (uint32_t i = 0; i < invoice->taxes_count && err == TG_OK; i++) {
        err = category_compute(invoice, i, scratch);
        if (err == TG_OK && (__builtin_add_overflow(invoice->net_total, invoice->taxes[i].net,
                                                    &invoice->net_total) ||
                             __builtin_add_overflow(invoice->tax_total, invoice->taxes[i].tax,
                                                    &invoice->tax_total))) {
            err = TG_E_AMOUNT_OVERFLOW;
        }
    }
    if (err == TG_OK &&
        __builtin_add_overflow(invoice->net_total, invoice->tax_total, &invoice->total)) {
        err = TG_E_AMOUNT_OVERFLOW;
    }
    if (err != TG_OK) {
        return tg_why_set(why, err, "the sums of account %s do not fit", invoice->account_id);
    }
    invoice_assert_sums(invoice);
    return paid_sum(invoice) ? TG_OK
                             : tg_why_set(why, TG_E_AMOUNT_OVERFLOW,
                                          "the sums of account %s do not fit", invoice->account_id);
}

const char *tg_bill_line_kind_name(uint8_t kind)
{
    static const char *const names[] = {"recurring",  "usage",         "one_off", "adjustment",
                                        "late_usage", "discount",      "minimum", "credit",
                                        "maximum",    "spend_minimum", "interim"};
    return kind < sizeof names / sizeof names[0] ? names[kind] : "unknown";
}
