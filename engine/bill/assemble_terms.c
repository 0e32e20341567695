/* SPDX-License-Identifier: Apache-2.0 */
/* What the terms of a product make of a subscription's lines: discounts, maximum, minimum. */
#include "bill/assemble_parts.h"

#include "base/money.h"

static bool is_eligible(const struct tg_bill_line *line, uint8_t eligible)
{
    if (line->is_prepaid || line->note_month != 0) {
        return false; /* Paid as it was used, or not on this invoice. */
    }
    const bool is_usage = tg_bill_line_has_rows(line->kind);
    const bool is_discount =
        line->kind == TG_BILL_LINE_DISCOUNT || line->kind == TG_BILL_LINE_MAXIMUM;
    return eligible == TG_ELIGIBLE_ALL || is_discount ||
           is_usage == (eligible == TG_ELIGIBLE_USAGE);
}

static __int128 eligible_sum(const struct tg_bill_assembler *made,
                             const struct tg_bill_member *member, uint8_t eligible)
{
    const uint16_t currency = member->version.currency;
    __int128 sum = 0;
    for (uint32_t i = member->from; i < made->lines_count; i++) {
        if (made->lines[i].currency == currency && is_eligible(&made->lines[i], eligible)) {
            sum += made->lines[i].amount_exact;
        }
    }
    return sum;
}

static void extra_line(struct tg_bill_assembler *made, const struct tg_bill_member *member,
                       const struct tg_bill_line *line)
{
    const struct tg_bill_fee_version *version = &member->version;
    const uint16_t product = tg_roster_line(made->catalog->roster, member->subscriber)->product;
    struct tg_bill_line *added = &made->lines[made->lines_count++];
    *added = *line;
    added->subscriber_id = member->name;
    added->product_id = tg_image_name(version->image, TG_CATALOG_PRODUCT, product);
    added->zone_id = "";
    added->price_id = "";
    added->unit_id = "";
    added->subscriber = member->subscriber;
    added->catalog_version = version->image->version;
    added->currency = version->currency;
    added->proration = version->product->proration;
}

/* The DISCOUNT stage: rounded once, to the decimals and in the mode the product says. */
static enum tg_err discount_of(const struct tg_bill_member *member, __int128 sum, int64_t *part)
{
    const struct tg_product *product = member->version.product;
    const struct tg_currency *currency = tg_currency_by_numeric(member->version.currency);
    const uint8_t decimals = (uint8_t)(product->discount_decimals - 1);
    const bool is_coarse =
        product->discount_decimals > 0 && currency != NULL && decimals < currency->scale;
    const int64_t step = is_coarse ? tg_pow10((uint8_t)(currency->scale - decimals)) : 1;
    const enum tg_err err =
        tg_money_divide(sum * product->discount_ppm, UINT64_C(1000000) * (uint64_t)step,
                        product->discount_rounding, part);
    return err == TG_OK && __builtin_mul_overflow(*part, step, part) ? TG_E_AMOUNT_OVERFLOW : err;
}

/* Percentage first, then the fixed amount down to nothing: nobody is paid for being discounted. */
enum tg_err tg_bill_discount_lines(struct tg_bill_assembler *made,
                                   const struct tg_bill_member *member)
{
    const struct tg_product *product = member->version.product;
    const __int128 sum = eligible_sum(made, member, product->discount_on);
    int64_t part = 0;
    if (sum <= 0) {
        return TG_OK;
    }
    if (product->discount_ppm > 0) {
        if (sum > INT64_MAX || discount_of(member, sum, &part) != TG_OK) {
            return TG_E_AMOUNT_OVERFLOW;
        }
        extra_line(made, member,
                   &(struct tg_bill_line){.title = "discount",
                                          .amount_exact = -(__int128)part,
                                          .fee = sum > INT64_MAX ? INT64_MAX : (int64_t)sum,
                                          .covered = product->discount_ppm,
                                          .covered_total = 1000000,
                                          .kind = TG_BILL_LINE_DISCOUNT});
    }
    if (product->discount_fixed > 0) {
        const __int128 left = sum - part;
        const __int128 taken = product->discount_fixed < left ? product->discount_fixed : left;
        extra_line(made, member,
                   &(struct tg_bill_line){.title = "discount_amount",
                                          .amount_exact = -taken,
                                          .fee = product->discount_fixed,
                                          .covered = 1,
                                          .covered_total = 1,
                                          .kind = TG_BILL_LINE_DISCOUNT});
    }
    return TG_OK;
}

/* max(0, what counts towards it - the cap) is taken off; then max(0, commitment - what counts) is
 * added. Both are prorated as the fee is. */
enum tg_err tg_bill_bound_lines(struct tg_bill_assembler *made, const struct tg_bill_member *member)
{
    const struct tg_bill_fee_version *version = &member->version;
    const struct tg_product *product = version->product;
    const struct tg_roster_line *who = tg_roster_line(made->catalog->roster, member->subscriber);
    const struct tg_bill_fee_params params = tg_bill_fee_params_of(made, who);
    const struct {
        const char *title;
        int64_t bound;
        uint8_t eligible;
        uint8_t kind;
        int sign;
    } bounds[] = {{"maximum", product->maximum, product->maximum_on, TG_BILL_LINE_MAXIMUM, -1},
                  {"minimum", product->minimum, product->minimum_on, TG_BILL_LINE_MINIMUM, 1}};
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        struct tg_bill_prorated owed = {0};
        if (bounds[i].bound == 0) {
            continue;
        }
        const enum tg_err err =
            tg_bill_fee_owed(version, bounds[i].bound, TG_PERIOD_MONTH, &params, &owed);
        if (err != TG_OK) {
            return err;
        }
        const __int128 sum = eligible_sum(made, member, bounds[i].eligible);
        const __int128 missing = owed.amount - sum;
        if (owed.covered > 0 && (bounds[i].sign > 0 ? missing > 0 : missing < 0)) {
            extra_line(made, member,
                       &(struct tg_bill_line){.title = bounds[i].title,
                                              .amount_exact = missing,
                                              .fee = bounds[i].bound,
                                              .covered = owed.covered,
                                              .covered_total = owed.total,
                                              .kind = bounds[i].kind});
        }
    }
    return TG_OK;
}
