/* SPDX-License-Identifier: Apache-2.0 */
/* What is taken off lines of several taxes: off each tax as much as its lines count. */
#include "bill/assemble_parts.h"

#include "base/money.h"
#include "bill/allocate.h"

/* What a line comes to where terms look at it: where each line is rounded by itself, what is
 * printed. What does not fit is found where the invoice is computed. */
static __int128 whole(const struct tg_bill_assembler *made, __int128 exact)
{
    const int64_t unit = tg_pow10(TG_MONEY_EXTRA_DECIMALS);
    int64_t rounded = 0;
    const bool is_rounded =
        made->rounds_lines &&
        tg_money_divide(exact, (uint64_t)unit, made->rounding, &rounded) == TG_OK;
    return is_rounded ? (__int128)rounded * unit : exact;
}

__int128 tg_bill_line_sum(const struct tg_bill_assembler *made, const struct tg_bill_line *line)
{
    return whole(made, line->amount_exact);
}

/* What a line counts among the lines of a kind. Discounts and maxima are of usage and of fees in
 * the shares in which they were taken of them, so that what a fee is discounted by never lowers
 * usage. */
__int128 tg_bill_line_counted(const struct tg_bill_assembler *made, const struct tg_bill_line *line,
                              uint8_t eligible)
{
    if (line->is_prepaid || line->note_month != 0) {
        return 0; /* Paid as it was used, or not on this invoice. */
    }
    const bool is_shared = line->kind == TG_BILL_LINE_DISCOUNT ||
                           line->kind == TG_BILL_LINE_MAXIMUM || line->kind == TG_BILL_LINE_MINIMUM;
    const __int128 sum = tg_bill_line_sum(made, line);
    const __int128 usage = is_shared ? whole(made, line->amount_usage)
                           : tg_bill_line_has_rows(line->kind) || line->kind == TG_BILL_LINE_SPEND
                               ? sum
                               : 0;
    return eligible == TG_ELIGIBLE_ALL ? sum : eligible == TG_ELIGIBLE_USAGE ? usage : sum - usage;
}

/* The sum of a line's tax; NULL: it has none, or one too many, and the bill fails where it is
 * taxed. */
static struct tg_bill_tax_sum *sum_of(const struct tg_bill_assembler *made,
                                      struct tg_bill_tax_sums *sums,
                                      const struct tg_bill_line *line)
{
    struct tg_bill_tax_answer answer;
    struct tg_bill_tax_question question = tg_bill_tax_question_of(made, line, made->window.end_ns);
    if (!tg_bill_tax_choose(&question, &answer)) {
        return NULL;
    }
    uint32_t i = 0;
    while (i < sums->count && !tg_bill_tax_is(&sums->sums[i].tax, &answer.tax)) {
        i++;
    }
    if (i == TG_BILL_TAXES_MAX) {
        return NULL;
    }
    if (i == sums->count) {
        sums->sums[sums->count++] =
            (struct tg_bill_tax_sum){.tax = answer.tax,
                                     .subscriber = tg_bill_line_taxed_as(line),
                                     .version = question.version,
                                     .price = question.price};
    }
    return &sums->sums[i];
}

void tg_bill_counted_add(const struct tg_bill_assembler *made, const struct tg_bill_line *line,
                         uint8_t eligible, struct tg_bill_counted *of)
{
    const __int128 sum = tg_bill_line_counted(made, line, eligible);
    const __int128 usage =
        eligible == TG_ELIGIBLE_FEES ? 0 : tg_bill_line_counted(made, line, TG_ELIGIBLE_USAGE);
    of->sum += sum;
    of->usage += usage;
    if (of->taxes != NULL && (sum != 0 || usage != 0)) {
        struct tg_bill_tax_sum *tax = sum_of(made, of->taxes, line);
        if (tax != NULL) {
            tax->sum += sum;
            tax->usage += usage;
        }
    }
}

static __int128 usage_of(__int128 taken, __int128 usage, __int128 sum)
{
    return usage == sum ? taken : usage == 0 || sum == 0 ? 0 : taken * usage / sum;
}

__int128 tg_bill_counted_usage(__int128 taken, const struct tg_bill_counted *of)
{
    return usage_of(taken, of->usage, of->sum);
}

/* A fixed amount takes off usage at most what it takes off in all. */
static __int128 usage_within(__int128 taken, __int128 usage, bool is_fixed)
{
    return !is_fixed || taken <= 0 ? usage : usage < 0 ? 0 : usage > taken ? taken : usage;
}

static void line_add(struct tg_bill_assembler *made, const struct tg_bill_member *member,
                     const struct tg_bill_line *line, __int128 taken, __int128 usage)
{
    struct tg_bill_line own = *line;
    own.amount_exact = -taken;
    own.amount_usage = -usage;
    tg_bill_extra_line(made, member, &own);
}

enum tg_err tg_bill_taken_lines(struct tg_bill_assembler *made, const struct tg_bill_member *member,
                                const struct tg_bill_line *line, int64_t taken,
                                struct tg_bill_counted *of)
{
    const bool is_fixed = line->kind == TG_BILL_LINE_DISCOUNT && line->covered_total == 1;
    const uint32_t count = of->taxes != NULL ? of->taxes->count : 0;
    if (count <= 1) {
        const __int128 usage = tg_bill_counted_usage(taken, of);
        line_add(made, member, line, taken, usage_within(taken, usage, is_fixed));
        of->sum -= taken;
        of->usage -= usage;
        return TG_OK;
    }
    int64_t weights[TG_BILL_TAXES_MAX];
    int64_t parts[TG_BILL_TAXES_MAX];
    struct tg_bill_fraction fractions[TG_BILL_TAXES_MAX];
    for (uint32_t i = 0; i < count; i++) {
        const __int128 sum = of->taxes->sums[i].sum;
        if (sum > INT64_MAX || sum < INT64_MIN) {
            return TG_E_AMOUNT_OVERFLOW;
        }
        weights[i] = (int64_t)sum;
    }
    const enum tg_err err = tg_bill_share(taken, weights, count, parts, fractions);
    for (uint32_t i = 0; err == TG_OK && i < count; i++) {
        struct tg_bill_tax_sum *tax = &of->taxes->sums[i];
        struct tg_bill_line own = *line;
        const __int128 usage = usage_of(parts[i], tax->usage, tax->sum);
        if (parts[i] == 0) {
            continue;
        }
        own.tax_of_plus = tax->subscriber + 1;
        own.tax_version = tax->version;
        own.tax_price = tax->price;
        own.taken_whole = -taken;
        own.fee = line->kind == TG_BILL_LINE_DISCOUNT && !is_fixed ? weights[i] : line->fee;
        line_add(made, member, &own, parts[i], usage_within(parts[i], usage, is_fixed));
        tax->sum -= parts[i];
        tax->usage -= usage;
        of->sum -= parts[i];
        of->usage -= usage;
    }
    return err;
}
