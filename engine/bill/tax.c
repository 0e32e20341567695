/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/tax.h"

#include "base/money.h"
#include "catalog/image.h"
#include "catalog/tax_shares.h"

#include <assert.h>

#define PPM UINT64_C(1000000)

/* What a part of an amount is taken of: the amount, and the parts before where it is compound. */
static enum tg_err base_of(const struct tg_bill_tax *tax, uint32_t part, int64_t amount,
                           const int64_t *parts, int64_t *base)
{
    *base = amount;
    for (uint32_t i = 0; i < part && tax->parts[part].is_compound; i++) {
        if (__builtin_add_overflow(*base, parts[i], base)) {
            return TG_E_AMOUNT_OVERFLOW;
        }
    }
    return TG_OK;
}

/* One part over the whole category, shared out. */
static enum tg_err part_by_category(struct tg_bill_invoice *invoice, struct tg_bill_tax *tax,
                                    uint32_t part, const struct tg_bill_scratch *scratch,
                                    uint32_t count)
{
    struct tg_bill_tax_part *own = &tax->parts[part];
    enum tg_err err = TG_OK;
    own->taxable = 0;
    for (uint32_t i = 0; i < count && err == TG_OK; i++) {
        const struct tg_bill_line *line = &invoice->lines[scratch->rows[i]];
        err = base_of(tax, part, line->amount, line->tax_parts, &scratch->weights[i]);
        if (__builtin_add_overflow(own->taxable, scratch->weights[i], &own->taxable)) {
            return TG_E_AMOUNT_OVERFLOW;
        }
    }
    if (err == TG_OK) {
        err = tg_bill_tax_on(own->taxable, own->rate_ppm, own->rounding, &own->tax);
    }
    if (err == TG_OK) {
        err = tg_bill_share(own->tax, scratch->weights, count, scratch->parts, scratch->fractions);
    }
    for (uint32_t i = 0; i < count && err == TG_OK; i++) {
        invoice->lines[scratch->rows[i]].tax_parts[part] = scratch->parts[i];
    }
    return err;
}

static enum tg_err parts_by_line(struct tg_bill_tax *tax, struct tg_bill_line *line)
{
    for (uint32_t part = 0; part < tax->parts_count; part++) {
        struct tg_bill_tax_part *own = &tax->parts[part];
        int64_t base = 0;
        enum tg_err err = base_of(tax, part, line->amount, line->tax_parts, &base);
        if (err == TG_OK) {
            err = tg_bill_tax_on(base, own->rate_ppm, own->rounding, &line->tax_parts[part]);
        }
        if (err != TG_OK || __builtin_add_overflow(own->taxable, base, &own->taxable)) {
            return TG_E_AMOUNT_OVERFLOW;
        }
    }
    return TG_OK;
}

/* All taxes in a gross amount, rounded once to units of `scale`, and each part of them. */
static enum tg_err gross_split(const struct tg_bill_tax *tax, int64_t gross, uint64_t scale,
                               int64_t *parts)
{
    struct tg_tax_rate rates[TG_TAX_PARTS_MAX];
    int64_t shares[TG_TAX_PARTS_MAX];
    struct tg_bill_fraction fractions[TG_TAX_PARTS_MAX];
    __int128 exact[TG_TAX_PARTS_MAX];
    int64_t net = 0;
    int64_t total = 0;
    for (uint32_t i = 0; i < tax->parts_count; i++) {
        rates[i] = (struct tg_tax_rate){.rate_ppm = tax->parts[i].rate_ppm,
                                        .is_compound = tax->parts[i].is_compound};
    }
    if (!tg_tax_shares(rates, tax->parts_count, &net, shares)) {
        return TG_E_AMOUNT_OVERFLOW;
    }
    int64_t whole = net;
    for (uint32_t i = 0; i < tax->parts_count; i++) {
        exact[i] = (__int128)gross * shares[i];
        whole += shares[i];
    }
    uint64_t divisor;
    return __builtin_mul_overflow((uint64_t)whole, scale, &divisor)
               ? TG_E_AMOUNT_OVERFLOW
               : tg_bill_allocate(exact, tax->parts_count, divisor, tax->rounding, parts, &total,
                                  fractions);
}

static enum tg_err inclusive_by_category(struct tg_bill_invoice *invoice, struct tg_bill_tax *tax,
                                         const struct tg_bill_scratch *scratch, uint32_t count)
{
    int64_t parts[TG_TAX_PARTS_MAX] = {0};
    enum tg_err err = gross_split(tax, tax->net, 1, parts);
    for (uint32_t part = 0; part < tax->parts_count && err == TG_OK; part++) {
        for (uint32_t i = 0; i < count; i++) {
            scratch->weights[i] = invoice->lines[scratch->rows[i]].amount;
        }
        err =
            tg_bill_share(parts[part], scratch->weights, count, scratch->parts, scratch->fractions);
        for (uint32_t i = 0; i < count && err == TG_OK; i++) {
            invoice->lines[scratch->rows[i]].tax_parts[part] = scratch->parts[i];
        }
    }
    return err;
}

/* What is printed of each part: its tax, and what that is a tax on. */
static enum tg_err parts_sum(struct tg_bill_invoice *invoice, struct tg_bill_tax *tax,
                             const uint32_t *rows, uint32_t count)
{
    int64_t sums[TG_TAX_PARTS_MAX] = {0};
    tax->tax = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct tg_bill_line *line = &invoice->lines[rows[i]];
        line->tax_amount = 0;
        for (uint32_t part = 0; part < tax->parts_count; part++) {
            if (__builtin_add_overflow(line->tax_amount, line->tax_parts[part],
                                       &line->tax_amount) ||
                __builtin_add_overflow(sums[part], line->tax_parts[part], &sums[part])) {
                return TG_E_AMOUNT_OVERFLOW;
            }
        }
        if (__builtin_add_overflow(tax->tax, line->tax_amount, &tax->tax)) {
            return TG_E_AMOUNT_OVERFLOW;
        }
    }
    int64_t net = tax->net;
    if (tax->is_inclusive && __builtin_sub_overflow(tax->net, tax->tax, &net)) {
        return TG_E_AMOUNT_OVERFLOW;
    }
    for (uint32_t part = 0; part < tax->parts_count; part++) {
        tax->parts[part].tax = sums[part];
        if (base_of(tax, part, net, sums, &tax->parts[part].taxable) != TG_OK) {
            return TG_E_AMOUNT_OVERFLOW;
        }
    }
    return TG_OK;
}

enum tg_err tg_bill_charge_parts(const struct tg_bill_tax *tax, int64_t amount, uint64_t scale,
                                 int64_t *parts)
{
    enum tg_err err = TG_OK;
    assert(tax->parts_count > 0 && tax->parts_count <= TG_TAX_PARTS_MAX);
    if (tax->is_inclusive) {
        return gross_split(tax, amount, scale, parts);
    }
    for (uint32_t part = 0; part < tax->parts_count && err == TG_OK; part++) {
        __int128 base = amount;
        for (uint32_t i = 0; i < part && tax->parts[part].is_compound; i++) {
            base += (__int128)parts[i] * (int64_t)scale;
        }
        /* An amount is below 2^63 and a rate below 2^32, so at most 2^95 and six parts of it. */
        err = tg_money_divide(base * tax->parts[part].rate_ppm, PPM * scale,
                              tax->parts[part].rounding, &parts[part]);
    }
    return err;
}

enum tg_err tg_bill_set_tax(struct tg_bill_invoice *invoice, struct tg_bill_tax *tax,
                            const struct tg_bill_scratch *scratch, uint32_t count)
{
    assert(tax->parts_count > 0 && tax->parts_count <= TG_TAX_PARTS_MAX);
    enum tg_err err = TG_OK;
    if (tax->is_given) {
        return parts_sum(invoice, tax, scratch->rows, count);
    }
    if (tax->is_inclusive && tax->mode == TG_TAX_PER_CATEGORY) {
        err = inclusive_by_category(invoice, tax, scratch, count);
    }
    for (uint32_t part = 0; part < tax->parts_count && err == TG_OK && !tax->is_inclusive; part++) {
        if (tax->mode == TG_TAX_PER_CATEGORY) {
            err = part_by_category(invoice, tax, part, scratch, count);
        }
    }
    for (uint32_t i = 0; i < count && err == TG_OK && tax->mode != TG_TAX_PER_CATEGORY; i++) {
        struct tg_bill_line *line = &invoice->lines[scratch->rows[i]];
        if (tax->mode == TG_TAX_PER_CHARGE && line->has_charge_tax) {
            continue; /* What its rows were taxed is what it is taxed. */
        }
        err = tax->is_inclusive ? gross_split(tax, line->amount, 1, line->tax_parts)
                                : parts_by_line(tax, line);
    }
    return err == TG_OK ? parts_sum(invoice, tax, scratch->rows, count) : err;
}
