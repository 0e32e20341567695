/* SPDX-License-Identifier: Apache-2.0 */
/* What the terms of a product make of a subscription's lines: discounts, maximum, minimum. */
#include "bill/assemble_parts.h"

#include "base/clock.h"
#include "base/money.h"
#include "bill/cycle.h"
#include "bill/pause.h"

/* What a line counts among the lines of a kind. Discounts and maxima are of usage and of fees in
 * the shares in which they were taken of them, so that what a fee is discounted by never lowers
 * usage. */
static __int128 counted(const struct tg_bill_line *line, uint8_t eligible)
{
    if (line->is_prepaid || line->note_month != 0) {
        return 0; /* Paid as it was used, or not on this invoice. */
    }
    const bool is_shared = line->kind == TG_BILL_LINE_DISCOUNT ||
                           line->kind == TG_BILL_LINE_MAXIMUM || line->kind == TG_BILL_LINE_MINIMUM;
    const __int128 usage = is_shared ? line->amount_usage
                           : tg_bill_line_has_rows(line->kind) || line->kind == TG_BILL_LINE_SPEND
                               ? line->amount_exact
                               : 0;
    return eligible == TG_ELIGIBLE_ALL     ? line->amount_exact
           : eligible == TG_ELIGIBLE_USAGE ? usage
                                           : line->amount_exact - usage;
}

/* Lines of a kind, and how much of them is usage. */
struct eligible {
    __int128 sum;
    __int128 usage;
};

static struct eligible eligible_of(const struct tg_bill_assembler *made,
                                   const struct tg_bill_member *member, uint8_t eligible)
{
    const uint16_t currency = member->version.currency;
    struct eligible found = {0, 0};
    for (uint32_t i = member->from; i < made->lines_count; i++) {
        if (made->lines[i].currency == currency) {
            found.sum += counted(&made->lines[i], eligible);
            found.usage +=
                eligible == TG_ELIGIBLE_FEES ? 0 : counted(&made->lines[i], TG_ELIGIBLE_USAGE);
        }
    }
    return found;
}

/* The share of usage in what is taken off lines: in proportion. */
static __int128 share_of_usage(__int128 taken, struct eligible of)
{
    return of.usage == of.sum             ? taken
           : of.usage == 0 || of.sum == 0 ? 0
                                          : taken * of.usage / of.sum;
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
    const uint8_t decimals = (uint8_t)(product->discount_decimals - 1);
    const bool is_coarse =
        product->discount_decimals > 0 && currency != NULL && decimals < currency->scale;
    const int64_t step = is_coarse ? tg_pow10((uint8_t)(currency->scale - decimals)) : 1;
    const enum tg_err err =
        tg_money_divide(sum * product->discount_ppm, UINT64_C(1000000) * (uint64_t)step,
                        product->discount_rounding, part);
    return err == TG_OK && __builtin_mul_overflow(*part, step, part) ? TG_E_AMOUNT_OVERFLOW : err;
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
    const bool is_ahead = product->is_in_advance != 0 &&
                          tg_bill_cycle_window(&made->cycle, begins).start_ns == from_ns &&
                          tg_bill_cycle_is_closed(made, begins - 1);
    return month < begins || month - begins + (is_ahead ? 1 : 0) < product->discount_cycles;
}

/* What discounts are of on this bill; behind the last that has them only fees that an earlier one
 * charged with them, as they are given back. */
static struct eligible discounted_of(const struct tg_bill_assembler *made,
                                     const struct tg_bill_member *member)
{
    const struct tg_product *product = member->version.product;
    struct eligible of = {0, 0};
    if (is_in_time(made, member, made->window.month)) {
        return eligible_of(made, member, product->discount_on);
    }
    for (uint32_t i = member->from; i < made->lines_count; i++) {
        const struct tg_bill_line *line = &made->lines[i];
        if (line->currency == member->version.currency && line->charged_month != 0 &&
            is_in_time(made, member, line->charged_month)) {
            of.sum += counted(line, product->discount_on);
        }
    }
    return of;
}

/* Percentage first, also of what is given back: who paid less for a fee gets no more of it back.
 * Then the fixed amount down to nothing: nobody is paid for being discounted. */
enum tg_err tg_bill_discount_lines(struct tg_bill_assembler *made,
                                   const struct tg_bill_member *member)
{
    const struct tg_product *product = member->version.product;
    struct eligible of = discounted_of(made, member);
    if (of.sum > INT64_MAX || of.sum < -INT64_MAX) {
        return product->discount_ppm > 0 || product->discount_fixed > 0 ? TG_E_AMOUNT_OVERFLOW
                                                                        : TG_OK;
    }
    if (of.sum > 0 && of.sum < product->discount_from) {
        return TG_OK;
    }
    if (product->discount_ppm > 0 && of.sum != 0) {
        int64_t part = 0;
        if (discount_of(member, of.sum, &part) != TG_OK) {
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
        const __int128 usage = share_of_usage(part, of);
        tg_bill_extra_line(made, member,
                           &(struct tg_bill_line){.title = is_cut ? "discount_max" : "discount",
                                                  .amount_exact = -(__int128)part,
                                                  .amount_usage = -usage,
                                                  .fee = (int64_t)of.sum,
                                                  .covered = product->discount_ppm,
                                                  .covered_total = 1000000,
                                                  .kind = TG_BILL_LINE_DISCOUNT});
        of.sum -= part;
        of.usage -= usage;
    }
    /* Once a cycle, also of who changes his seats in it. */
    const int64_t fixed =
        product->discount_fixed > 0
            ? product->discount_fixed - tg_bill_chain_taken(made, member->subscriber, true)
            : 0;
    if (fixed > 0 && of.sum > 0) {
        const __int128 taken = fixed < of.sum ? fixed : of.sum;
        const __int128 usage = share_of_usage(taken, of);
        tg_bill_extra_line(made, member,
                           &(struct tg_bill_line){.title = TG_BILL_TITLE_FIXED,
                                                  .amount_exact = -taken,
                                                  .amount_usage = -(usage < 0       ? 0
                                                                    : usage > taken ? taken
                                                                                    : usage),
                                                  .fee = fixed,
                                                  .covered = 1,
                                                  .covered_total = 1,
                                                  .kind = TG_BILL_LINE_DISCOUNT});
    }
    return TG_OK;
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
    return tg_money_divide((__int128)bound * (__int128)owed->covered, owed->total,
                           member->version.image->rounding_rate, &owed->amount);
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

/* max(0, what counts towards it - the cap) is taken off; then max(0, commitment - what counts) is
 * added. Both are prorated as the fee is. */
enum tg_err tg_bill_bound_lines(struct tg_bill_assembler *made, const struct tg_bill_member *member)
{
    const struct tg_product *product = member->version.product;
    const struct {
        const char *title;
        int64_t bound;
        uint8_t eligible;
        uint8_t kind;
        int sign;
    } bounds[] = {{"maximum", product->maximum, product->maximum_on, TG_BILL_LINE_MAXIMUM, -1},
                  {"minimum", product->minimum, product->minimum_on, TG_BILL_LINE_MINIMUM, 1}};
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        struct tg_bill_prorated owed;
        if (bounds[i].bound == 0) {
            continue;
        }
        const enum tg_err err =
            tg_bill_bound_owed(made, member, bounds[i].bound, product->bounds_scope, &owed);
        if (err != TG_OK) {
            return err;
        }
        const struct eligible of = eligible_of(made, member, bounds[i].eligible);
        const __int128 missing = owed.amount - of.sum;
        /* What a minimum adds counts as a fee, but where discounts are of it behind. */
        const bool is_usage =
            bounds[i].sign < 0 || (product->bounds_order == TG_BOUNDS_BEFORE_DISCOUNTS &&
                                   bounds[i].eligible == TG_ELIGIBLE_USAGE);
        const __int128 usage = is_usage ? share_of_usage(missing, of) : 0;
        if (owed.covered > 0 && (bounds[i].sign > 0 ? missing > 0 : missing < 0)) {
            tg_bill_extra_line(made, member,
                               &(struct tg_bill_line){.title = bounds[i].title,
                                                      .amount_exact = missing,
                                                      .amount_usage = usage,
                                                      .fee = bounds[i].bound,
                                                      .covered = owed.covered,
                                                      .covered_total = owed.total,
                                                      .kind = bounds[i].kind});
        }
    }
    return TG_OK;
}
