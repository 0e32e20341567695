/* SPDX-License-Identifier: Apache-2.0 */
/* What the terms of a product make of a subscription's lines: discounts, maximum, minimum. */
#include "bill/assemble_parts.h"

#include "base/clock.h"
#include "base/money.h"
#include "bill/convert.h"
#include "bill/cycle.h"
#include "bill/pause.h"

#include <string.h>

static bool is_unused(const struct tg_bill_line *line)
{
    return line->charged_month != 0 && strcmp(line->title, TG_BILL_TITLE_UNUSED) == 0;
}

/* Lines of a kind, by tax where they may have several; with what comes back of fees, or without. */
static void eligible_of(const struct tg_bill_assembler *made, const struct tg_bill_member *member,
                        uint8_t eligible, bool has_unused, struct tg_bill_counted *of)
{
    for (uint32_t i = member->from; i < made->lines_count; i++) {
        if (made->lines[i].currency == member->version.currency &&
            (has_unused || !is_unused(&made->lines[i]))) {
            tg_bill_counted_add(made, &made->lines[i], eligible, of);
        }
    }
}

/* Lines of one subscription have one tax, unless usage is taxed as of its time or by its price. */
static bool has_taxes(const struct tg_bill_assembler *made, const struct tg_bill_member *member,
                      uint8_t scope)
{
    const uint16_t product = tg_roster_line(made->catalog->roster, member->subscriber)->product;
    return made->splits_taxes &&
           (scope == TG_SCOPE_ACCOUNT || made->taxes_prices || tg_bill_taxes_usage(made, product));
}

void tg_bill_extra_line(struct tg_bill_assembler *made, const struct tg_bill_member *member,
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
    uint8_t exponent = tg_image_rating_exponent(member->version.image, member->version.currency);
    if (product->discount_decimals > 0 && currency != NULL) {
        const uint8_t decimals = (uint8_t)(product->discount_decimals - 1);
        exponent = decimals < currency->scale ? (uint8_t)(currency->scale - decimals) : 0;
    }
    return tg_money_divide_to(sum * product->discount_ppm, UINT64_C(1000000), exponent,
                              product->discount_rounding, part);
}

/* Whether a bill of the subscription is one of its first, which have discounts. The first is that
 * of the cycle it begins in, or the one before where that has charged its fee ahead. */
static bool is_in_time(const struct tg_bill_assembler *made, const struct tg_bill_member *member,
                       uint32_t month)
{
    const struct tg_product *product = member->version.product;
    if (product->discount_cycles == 0) {
        return true;
    }
    const uint32_t first = tg_bill_chain_first(made, member->subscriber);
    const int64_t from_ns =
        (int64_t)tg_roster_line(made->catalog->roster, first)->active_from_s * TG_NS_PER_S;
    const uint32_t begins = tg_bill_cycle_month(&made->cycle, from_ns);
    const uint32_t step = tg_bill_cycle_step(&made->cycle);
    const bool is_ahead = product->is_in_advance != 0 &&
                          tg_bill_cycle_window(&made->cycle, begins).start_ns == from_ns &&
                          tg_bill_cycle_is_closed(made, begins - step);
    return month < begins ||
           (month - begins) / step + (is_ahead ? 1 : 0) < product->discount_cycles;
}

/* Whether discounts are of a line: of usage of some prices only, where the product names these. */
static bool is_discountable(const struct tg_product *product, const struct tg_bill_line *line)
{
    if (product->discount_prices[0] == 0 || !tg_bill_line_has_rows(line->kind)) {
        return true;
    }
    for (uint32_t i = 0; i < TG_DISCOUNT_PRICES_MAX; i++) {
        if (product->discount_prices[i] == line->price + 1) {
            return true;
        }
    }
    return false;
}

/* What discounts are of on this bill; behind the last that has them only fees that an earlier one
 * charged with them, as they are given back. */
static void discounted_of(const struct tg_bill_assembler *made, const struct tg_bill_member *member,
                          struct tg_bill_counted *of)
{
    const struct tg_product *product = member->version.product;
    const bool is_on = is_in_time(made, member, made->window.month);
    for (uint32_t i = member->from; i < made->lines_count; i++) {
        const struct tg_bill_line *line = &made->lines[i];
        if (line->currency == member->version.currency && is_discountable(product, line) &&
            (is_on ||
             (line->charged_month != 0 && is_in_time(made, member, line->charged_month)))) {
            tg_bill_counted_add(made, line, product->discount_on, of);
        }
    }
}

static enum tg_err percentage_lines(struct tg_bill_assembler *made,
                                    const struct tg_bill_member *member, struct tg_bill_counted *of)
{
    const struct tg_product *product = member->version.product;
    int64_t part = 0;
    if (discount_of(member, of->sum, &part) != TG_OK) {
        return TG_E_AMOUNT_OVERFLOW;
    }
    const int64_t taken = product->discount_max > 0 && part > 0
                              ? tg_bill_chain_taken(made, member->subscriber, false)
                              : 0;
    const int64_t most = product->discount_max - (taken > 0 ? taken : 0);
    const bool is_cut = product->discount_max > 0 && (part > most || part < -most);
    if (is_cut) {
        part = part > 0 ? most : -most;
    }
    return tg_bill_taken_lines(made, member,
                               &(struct tg_bill_line){.title = is_cut ? "discount_max" : "discount",
                                                      .fee = (int64_t)of->sum,
                                                      .covered = product->discount_ppm,
                                                      .covered_total = 1000000,
                                                      .kind = TG_BILL_LINE_DISCOUNT},
                               part, of);
}

/* Percentage first, also of what is given back: who paid less for a fee gets no more of it back.
 * Then the fixed amount down to nothing: nobody is paid for being discounted. */
enum tg_err tg_bill_discount_lines(struct tg_bill_assembler *made,
                                   const struct tg_bill_member *member)
{
    const struct tg_product *product = member->version.product;
    struct tg_bill_tax_sums taxes; /* Too much to clear for everybody. */
    struct tg_bill_counted of = {.taxes = NULL};
    if (product->discount_ppm == 0 && product->discount_fixed == 0) {
        return TG_OK;
    }
    if (has_taxes(made, member, product->discount_scope)) {
        taxes.count = 0;
        of.taxes = &taxes;
    }
    discounted_of(made, member, &of);
    if (of.sum > INT64_MAX || of.sum < -INT64_MAX) {
        return TG_E_AMOUNT_OVERFLOW;
    }
    if (of.sum > 0 && of.sum < product->discount_from) {
        return TG_OK;
    }
    enum tg_err err = TG_OK;
    if (product->discount_ppm > 0 && of.sum != 0) {
        err = percentage_lines(made, member, &of);
    }
    /* Once a cycle, also of who changes his seats in it. */
    const int64_t fixed =
        product->discount_fixed > 0
            ? product->discount_fixed - tg_bill_chain_taken(made, member->subscriber, true)
            : 0;
    if (err == TG_OK && fixed > 0 && of.sum > 0) {
        const int64_t taken = fixed < of.sum ? fixed : (int64_t)of.sum;
        err = tg_bill_taken_lines(made, member,
                                  &(struct tg_bill_line){.title = TG_BILL_TITLE_FIXED,
                                                         .fee = fixed,
                                                         .covered = 1,
                                                         .covered_total = 1,
                                                         .kind = TG_BILL_LINE_DISCOUNT},
                                  taken, &of);
    }
    return err;
}

/* Nothing is committed for the time of a suspension that gives back the fee. */
static enum tg_err bound_pause(const struct tg_bill_assembler *made,
                               const struct tg_bill_member *member,
                               const struct tg_bill_fee_params *params, int64_t bound,
                               struct tg_bill_prorated *owed)
{
    struct tg_bill_pause_params ask = {.size_bytes = sizeof ask,
                                       .version = member->version,
                                       .amount = bound,
                                       .whole = params,
                                       .from_ns = params->start_ns,
                                       .to_ns = params->end_ns,
                                       .period = TG_PERIOD_MONTH};
    struct tg_bill_paused paused;
    ask.pauses = tg_roster_pauses(made->catalog->roster, member->subscriber, &ask.pauses_count);
    const enum tg_err err = tg_bill_pause_owed(&ask, &paused);
    if (err != TG_OK || paused.covered == 0) {
        return err;
    }
    owed->covered -= paused.covered;
    return tg_bill_rate(member->version.image, member->version.currency,
                        (__int128)bound * (__int128)owed->covered, owed->total, &owed->amount);
}

enum tg_err tg_bill_bound_owed(const struct tg_bill_assembler *made,
                               const struct tg_bill_member *member, int64_t bound, uint8_t scope,
                               struct tg_bill_prorated *owed)
{
    struct tg_bill_fee_params params =
        tg_bill_fee_params_of(made, tg_roster_line(made->catalog->roster, member->subscriber));
    bool is_alone = true;
    *owed = (struct tg_bill_prorated){0};
    if (scope == TG_SCOPE_ACCOUNT) {
        tg_bill_chain_account(made, member->subscriber, &params, &is_alone);
    }
    const enum tg_err err =
        tg_bill_fee_owed(&member->version, bound, TG_PERIOD_MONTH, &params, owed);
    return err == TG_OK && is_alone ? bound_pause(made, member, &params, bound, owed) : err;
}

/* A fee that was paid ahead counts where it was charged. What comes back of it is no less spending:
 * a bound that looked at it would keep it. Of a month's own fee what is kept counts. */
static enum tg_err unused_add(const struct tg_bill_assembler *made,
                              const struct tg_bill_member *member, struct tg_bill_counted *of)
{
    const struct tg_product *product = member->version.product;
    for (uint32_t i = member->from; i < made->lines_count; i++) {
        const struct tg_bill_line *line = &made->lines[i];
        if (!is_unused(line) || line->currency != member->version.currency) {
            continue;
        }
        const bool is_own = product->period == TG_PERIOD_MONTH && line->covered > 0 &&
                            line->from_ns >= made->window.start_ns &&
                            line->to_ns == made->window.end_ns;
        const __int128 paid = is_own ? line->fee : -line->amount_exact;
        int64_t taken = 0;
        enum tg_err err = TG_OK;
        if (product->discount_ppm > 0 && product->discount_on != TG_ELIGIBLE_USAGE &&
            is_in_time(made, member, line->charged_month)) {
            err = discount_of(member, paid, &taken);
        }
        if (err != TG_OK) {
            return err;
        }
        of->sum += paid - taken;
    }
    return TG_OK;
}

static enum tg_err maximum_lines(struct tg_bill_assembler *made,
                                 const struct tg_bill_member *member,
                                 const struct tg_bill_prorated *owed)
{
    const struct tg_product *product = member->version.product;
    struct tg_bill_tax_sums taxes; /* Too much to clear for everybody. */
    struct tg_bill_counted of = {.taxes = NULL};
    if (has_taxes(made, member, product->bounds_scope)) {
        taxes.count = 0;
        of.taxes = &taxes;
    }
    struct tg_bill_counted spent = {.taxes = NULL};
    eligible_of(made, member, product->maximum_on, true, &spent);
    if (product->maximum_on != TG_ELIGIBLE_USAGE && unused_add(made, member, &spent) != TG_OK) {
        return TG_E_AMOUNT_OVERFLOW;
    }
    eligible_of(made, member, product->maximum_on, false, &of);
    const __int128 over = spent.sum - owed->amount;
    const __int128 beyond = over < of.sum ? over : of.sum; /* nothing comes back a second time */
    if (beyond <= 0) {
        return TG_OK;
    }
    return beyond > INT64_MAX
               ? TG_E_AMOUNT_OVERFLOW
               : tg_bill_taken_lines(made, member,
                                     &(struct tg_bill_line){.title = "maximum",
                                                            .fee = product->maximum,
                                                            .covered = owed->covered,
                                                            .covered_total = owed->total,
                                                            .kind = TG_BILL_LINE_MAXIMUM},
                                     (int64_t)beyond, &of);
}

static enum tg_err minimum_line(struct tg_bill_assembler *made, const struct tg_bill_member *member,
                                const struct tg_bill_prorated *owed)
{
    const struct tg_product *product = member->version.product;
    struct tg_bill_counted of = {.taxes = NULL};
    eligible_of(made, member, product->minimum_on, true, &of);
    if (product->minimum_on != TG_ELIGIBLE_USAGE && unused_add(made, member, &of) != TG_OK) {
        return TG_E_AMOUNT_OVERFLOW;
    }
    const __int128 missing = owed->amount - of.sum;
    /* What a minimum adds counts as a fee, but where discounts are of it behind. */
    const bool is_usage = product->bounds_order == TG_BOUNDS_BEFORE_DISCOUNTS &&
                          product->minimum_on == TG_ELIGIBLE_USAGE;
    if (missing > 0) {
        tg_bill_extra_line(made, member,
                           &(struct tg_bill_line){
                               .title = "minimum",
                               .amount_exact = missing,
                               .amount_usage = is_usage ? tg_bill_counted_usage(missing, &of) : 0,
                               .fee = product->minimum,
                               .covered = owed->covered,
                               .covered_total = owed->total,
                               .kind = TG_BILL_LINE_MINIMUM});
    }
    return TG_OK;
}

/* max(0, what counts towards it - the cap) is taken off; then max(0, commitment - what counts) is
 * added. Both are prorated as the fee is. */
enum tg_err tg_bill_bound_lines(struct tg_bill_assembler *made, const struct tg_bill_member *member)
{
    const struct tg_product *product = member->version.product;
    struct tg_bill_prorated owed = {0};
    enum tg_err err = TG_OK;
    if (product->maximum != 0) {
        err = tg_bill_bound_owed(made, member, product->maximum, product->bounds_scope, &owed);
        err = err == TG_OK && owed.covered > 0 ? maximum_lines(made, member, &owed) : err;
    }
    if (err == TG_OK && product->minimum != 0 && product->minimum_period != 0) {
        return tg_bill_commit_line(made, member);
    }
    if (err == TG_OK && product->minimum != 0) {
        err = tg_bill_bound_owed(made, member, product->minimum, product->bounds_scope, &owed);
        if (err == TG_OK && owed.covered > 0) {
            err = minimum_line(made, member, &owed);
        }
    }
    return err;
}
