/* SPDX-License-Identifier: Apache-2.0 */
/* What a subscription pays without using anything: recurring fees and entered charges. */
#include "bill/assemble_parts.h"

#include "base/clock.h"
#include "bill/charge_list.h"
#include "bill/close.h"
#include "bill/convert.h"
#include "bill/pause.h"

/* The version valid just before an instant; a product it no longer has is looked for backwards. */
struct tg_bill_fee_version tg_bill_product_before(const struct tg_bill_assembler *made,
                                                  uint16_t product, int64_t before_ns)
{
    const struct tg_catalog_snapshot *catalog = made->catalog;
    for (uint32_t i = catalog->images_count; i > 0; i--) {
        const struct tg_image *image = catalog->images[i - 1];
        if (catalog->valid_from_ns[i - 1] < before_ns && tg_image_product(image, product) != NULL) {
            return (struct tg_bill_fee_version){image, tg_image_product(image, product),
                                                image->currency};
        }
    }
    return (struct tg_bill_fee_version){NULL, NULL, 0};
}

struct tg_bill_member tg_bill_account_member(const struct tg_bill_assembler *made,
                                             const uint32_t *members, uint32_t m)
{
    const struct tg_roster_line *who = tg_roster_line(made->catalog->roster, members[m]);
    return (struct tg_bill_member){
        .name = made->names[m],
        .subscriber = members[m],
        .from = made->cycle_from,
        .version = tg_bill_product_before(made, who->product, made->window.end_ns)};
}

/* The version whose fees and taxes count. */
const struct tg_image *tg_bill_product_image(const struct tg_bill_assembler *made, uint16_t product)
{
    return tg_bill_product_before(made, product, made->window.end_ns).image;
}

static uint8_t change_into(const struct tg_bill_assembler *made, uint32_t subscriber)
{
    const uint16_t product = made->catalog->roster->lines[subscriber].product;
    const struct tg_bill_fee_version version =
        tg_bill_product_before(made, product, made->window.end_ns);
    return version.product != NULL ? version.product->on_plan_change : TG_CHANGE_REFUND_AND_CHARGE;
}

static bool is_first_day(const struct tg_bill_fee_params *params, int64_t at_ns)
{
    const int64_t from_ns = tg_zone_local_ns(params->zone, params->start_ns);
    return tg_zone_local_ns(params->zone, at_ns) - from_ns <
           TG_NS_PER_DAY - from_ns % TG_NS_PER_DAY;
}

/* Changes of product strictly within the cycle: one at its edge prorates nothing. By days one
 * within the first day is at the edge, as that day is the new product's. */
static void changes_find(const struct tg_bill_assembler *made, uint32_t subscriber,
                         struct tg_bill_fee_params *params)
{
    const struct tg_roster_change *changes = made->catalog->roster->changes;
    if (changes == NULL) {
        return;
    }
    const struct tg_roster_change *change = &changes[subscriber];
    params->starts_by_change = change->before != 0 && params->active_from_ns > params->start_ns &&
                               params->active_from_ns < params->end_ns;
    params->ends_by_change = change->after != 0 && params->active_to_ns > params->start_ns &&
                             params->active_to_ns < params->end_ns;
    if (params->last.product != NULL && params->last.product->proration != TG_PRORATE_SECONDS) {
        params->starts_on_first_day =
            params->starts_by_change && is_first_day(params, params->active_from_ns);
        params->ends_on_first_day =
            params->ends_by_change && is_first_day(params, params->active_to_ns);
        params->starts_by_change &= !params->starts_on_first_day;
        params->ends_by_change &= !params->ends_on_first_day;
    }
    params->change_from = params->starts_by_change ? change_into(made, subscriber) : 0;
    params->change_to = params->ends_by_change ? change_into(made, change->after - 1) : 0;
}

struct tg_bill_fee_params tg_bill_fee_params_of(const struct tg_bill_assembler *made,
                                                const struct tg_roster_line *who)
{
    const struct tg_bill_window *window = &made->window;
    struct tg_bill_fee_params params = {
        .size_bytes = sizeof(struct tg_bill_fee_params),
        .is_paid_ahead = made->is_paid_ahead,
        .first = tg_bill_product_before(made, who->product, window->start_ns + 1),
        .last = tg_bill_product_before(made, who->product, window->end_ns),
        .next = tg_bill_product_before(made, who->product, window->end_ns + 1),
        .start_ns = window->start_ns,
        .end_ns = window->end_ns,
        .next_end_ns = window->next_end_ns,
        .zone = made->zone,
        .active_from_ns = (int64_t)who->active_from_s * TG_NS_PER_S,
        .active_to_ns = who->active_to_s == TG_ROSTER_OPEN_S
                            ? INT64_MAX
                            : (int64_t)who->active_to_s * TG_NS_PER_S,
    };
    changes_find(made, (uint32_t)(who - made->catalog->roster->lines), &params);
    return params;
}

/* The product's amounts in the account's currency, at the rate of an instant. */
enum tg_err tg_bill_version_localize(const struct tg_bill_assembler *made, int64_t at_ns,
                                     struct tg_product *local, struct tg_bill_fee_version *version)
{
    const enum tg_err err = tg_bill_product_convert(
        version->image, version->product, made->catalog->roster->accounts[made->account].currency,
        at_ns, local, &version->currency);
    version->product = local;
    return err;
}

/* Each seat pays the fee. */
static bool quantity_apply(struct tg_product *local, uint32_t quantity)
{
    return !__builtin_mul_overflow(local->fee, (int64_t)quantity, &local->fee);
}

/* Seats that pay the fee of the bill's own cycle: what is paid once is paid of new ones, and so is
 * the cycle in which they are added, where the product says so. */
static uint32_t quantity_due(const struct tg_bill_assembler *made, uint32_t subscriber,
                             const struct tg_bill_fee_params *params)
{
    if (params->last.product->period == TG_PERIOD_EVER) {
        return tg_bill_chain_quantity_new(made, subscriber, INT64_MIN);
    }
    return params->starts_by_change && params->change_from == TG_CHANGE_ADDED_SEATS
               ? tg_bill_chain_quantity_new(made, subscriber, params->start_ns)
               : tg_roster_quantity(&made->catalog->roster->lines[subscriber]);
}

/* A fee in advance is converted at the first instant of the cycle it is for, so that the bill that
 * charges it and the one that gives it back use one rate. */
static enum tg_err fees_localize(const struct tg_bill_assembler *made, uint32_t quantity,
                                 uint32_t due, struct tg_product locals[3],
                                 struct tg_bill_fee_params *params)
{
    const bool is_long = params->last.product->period >= TG_FEE_QUARTER;
    enum tg_err err =
        tg_bill_version_localize(made, made->window.end_ns - 1, &locals[0], &params->last);
    bool fits = err != TG_OK || quantity_apply(&locals[0], due);
    if (err == TG_OK && (params->is_paid_ahead || is_long) && params->first.image != NULL &&
        params->first.product->is_in_advance != 0) {
        err = tg_bill_version_localize(made, params->start_ns, &locals[1], &params->first);
        fits &= err != TG_OK || quantity_apply(&locals[1], quantity);
    }
    if (err == TG_OK && params->next_end_ns != 0 && params->next.image != NULL &&
        params->next.product->is_in_advance != 0) {
        err = tg_bill_version_localize(made, params->end_ns, &locals[2], &params->next);
        fits &= err != TG_OK || quantity_apply(&locals[2], quantity);
    }
    return err == TG_OK && !fits ? TG_E_AMOUNT_OVERFLOW : err;
}

bool tg_bill_cycle_is_closed(const struct tg_bill_assembler *made, uint32_t month)
{
    uint64_t epoch = 0;
    if (month >= made->month_first && made->month_first != made->month_last) {
        return month < made->window.month;
    }
    return made->closes != NULL &&
           tg_bill_closes_find(made->closes, made->account, tg_bill_cycle_last(&made->cycle, month),
                               &epoch);
}

bool tg_bill_cycle_is_passed(const struct tg_bill_assembler *made)
{
    return made->closes != NULL &&
           tg_bill_closes_later(made->closes, made->account, made->month_last);
}

static uint32_t cycles_of(const struct tg_product *sold, uint8_t period)
{
    return period == TG_FEE_CYCLES      ? sold->period_cycles
           : period == TG_FEE_YEAR      ? 12
           : period == TG_FEE_HALF_YEAR ? 6
                                        : 3;
}

/* Turns the parameters of the cycle into those of the quarter or year it is part of; false where
 * the bill is not one of a cycle. Periods are counted in cycles, so an anchor that a short month
 * clamps moves nothing. */
bool tg_bill_fee_long(const struct tg_bill_assembler *made, uint32_t subscriber, int64_t anchor_ns,
                      uint8_t period, struct tg_bill_fee_params *params,
                      struct tg_bill_fee_span *span)
{
    const struct tg_product *sold = params->last.product;
    const uint32_t cycles = cycles_of(sold, period);
    const uint32_t month = made->window.month;
    /* A cycle has the number of the month it ends in. */
    const uint32_t january = made->cycle.day > 1 ? 1 : 0;
    const uint32_t anchor = sold->period_from == TG_FEE_FROM_START
                                ? tg_bill_cycle_month(&made->cycle, anchor_ns) % cycles
                                : january;
    const uint32_t first = month - (month + cycles - anchor) % cycles;
    if (made->window.next_end_ns == 0 || tg_bill_is_week(month)) {
        return false;
    }
    *span = (struct tg_bill_fee_span){made->window.start_ns, made->window.end_ns, 0, false};
    params->start_ns = tg_bill_cycle_window(&made->cycle, first).start_ns;
    params->end_ns = tg_bill_cycle_window(&made->cycle, first + cycles - 1).end_ns;
    params->next_end_ns = tg_bill_cycle_window(&made->cycle, first + 2 * cycles - 1).end_ns;
    const uint16_t product = made->catalog->roster->lines[subscriber].product;
    params->first = tg_bill_product_before(made, product, params->start_ns + 1);
    params->next = tg_bill_product_before(made, product, params->end_ns + 1);
    params->is_paid_ahead = tg_bill_cycle_is_closed(made, first - 1);
    const int64_t begin_ns =
        params->active_from_ns > params->start_ns ? params->active_from_ns : params->start_ns;
    const uint32_t begin_month = tg_bill_cycle_month(&made->cycle, begin_ns);
    span->charged_month = begin_ns == params->start_ns ? first - 1 : begin_month;
    span->was_charged = (begin_ns == params->start_ns && params->is_paid_ahead) ||
                        (begin_month < month && tg_bill_cycle_is_closed(made, begin_month));
    if (params->first.image == NULL) { /* The product is newer than the period. */
        params->first = params->last;
    }
    params->starts_on_first_day = false;
    params->ends_on_first_day = false;
    changes_find(made, subscriber, params);
    return true;
}

/* Turns the parameters of the cycle into those of the period of days that an instant is in. Days
 * are those of the account, so a period has as many hours as they have. */
void tg_bill_fee_days(const struct tg_bill_assembler *made, uint32_t subscriber, int64_t at_ns,
                      struct tg_bill_fee_params *params, struct tg_bill_fee_span *span)
{
    const uint32_t days = tg_fee_days(params->last.product);
    const int64_t anchor_ns = tg_bill_chain_anchor_ns(made, subscriber);
    const int64_t anchor_day =
        tg_zone_local_ns(tg_bill_cycle_zone(&made->cycle, anchor_ns), anchor_ns) / TG_NS_PER_DAY;
    const int64_t day =
        tg_zone_local_ns(tg_bill_cycle_zone(&made->cycle, at_ns), at_ns) / TG_NS_PER_DAY;
    const int64_t since = day - anchor_day;
    const int64_t from_day = anchor_day + (since - (since % days + days) % days);
    const uint16_t product = made->catalog->roster->lines[subscriber].product;
    int64_t edges_ns[3];
    for (int64_t i = 0; i < 3; i++) {
        const int64_t local_ns = (from_day + i * days) * TG_NS_PER_DAY;
        edges_ns[i] = tg_zone_utc_ns(tg_bill_cycle_zone(&made->cycle, local_ns), local_ns);
    }
    *span = (struct tg_bill_fee_span){made->window.start_ns, made->window.end_ns, 0, false};
    params->start_ns = edges_ns[0];
    params->end_ns = edges_ns[1];
    params->next_end_ns = edges_ns[2];
    params->first = tg_bill_product_before(made, product, params->start_ns + 1);
    params->first = params->first.image == NULL ? params->last : params->first;
    params->next = (struct tg_bill_fee_version){NULL, NULL, 0}; /* days_ahead sees to them. */
    const int64_t begin_ns =
        params->active_from_ns > params->start_ns ? params->active_from_ns : params->start_ns;
    const uint32_t step = tg_bill_cycle_step(&made->cycle);
    const uint32_t month = tg_bill_cycle_month(&made->cycle, begin_ns);
    const bool is_ahead =
        begin_ns == params->start_ns && tg_bill_cycle_is_closed(made, month - step) &&
        params->active_from_ns <= tg_bill_cycle_window(&made->cycle, month).start_ns;
    params->is_paid_ahead = is_ahead;
    span->charged_month = is_ahead ? month - step : month;
    span->was_charged =
        is_ahead || (month < made->window.month && tg_bill_cycle_is_closed(made, month));
    params->starts_on_first_day = false;
    params->ends_on_first_day = false;
    changes_find(made, subscriber, params);
}

/* Was what a suspension gives back charged before the cycle, or with its begin? */
static bool is_charged_ahead(const struct tg_bill_fee_params *params, bool is_long)
{
    return is_long ? params->first.image != NULL && params->first.product->is_in_advance != 0
                   : tg_bill_fee_is_paid_ahead(params);
}

/* A longer fee in arrears gives back on the bill that charges it, all of its period at once. */
static struct tg_bill_pause_params pause_params(const struct tg_bill_assembler *made,
                                                const struct tg_bill_member *member,
                                                const struct tg_bill_fee_params *params,
                                                bool is_long)
{
    struct tg_bill_pause_params ask = {.size_bytes = sizeof ask,
                                       .whole = params,
                                       .from_ns = made->window.start_ns,
                                       .to_ns = made->window.end_ns};
    const bool is_ahead = is_charged_ahead(params, is_long);
    ask.pauses = tg_roster_pauses(made->catalog->roster, member->subscriber, &ask.pauses_count);
    ask.version = is_ahead ? params->first : params->last;
    ask.amount = ask.version.product->fee;
    ask.period = ask.version.product->period;
    if (is_long && !is_ahead) {
        ask.from_ns = params->start_ns;
        ask.to_ns = params->end_ns;
    } else if (is_long) { /* One of days may begin or end within the cycle. */
        ask.from_ns = ask.from_ns > params->start_ns ? ask.from_ns : params->start_ns;
        ask.to_ns = ask.to_ns < params->end_ns ? ask.to_ns : params->end_ns;
    } else if (ask.period == TG_PERIOD_WEEK) { /* of the weeks that end in the cycle */
        ask.from_ns -= 7 * TG_NS_PER_DAY;
    }
    return ask;
}

static bool takes_cycles(const struct tg_bill_pause_params *ask)
{
    const uint8_t proration = ask->version.product->proration;
    bool takes = proration == TG_PRORATE_NONE_FULL || proration == TG_PRORATE_NONE_ZERO;
    for (uint32_t i = 0; i < ask->pauses_count; i++) {
        takes |= ask->pauses[i].fee == TG_PAUSE_FEE_NONE;
    }
    return takes;
}

/* A suspension may take all of a cycle that it touches, and never more of a longer period: one
 * cycle after the other is asked, and what they come to comes back at once. */
static enum tg_err pause_cycles(const struct tg_bill_assembler *made,
                                const struct tg_bill_pause_params *whole,
                                struct tg_bill_paused *paused)
{
    struct tg_bill_pause_params ask = *whole;
    struct tg_bill_paused all = {.total = 1};
    struct tg_bill_prorated owed;
    uint32_t month = tg_bill_cycle_month(&made->cycle, whole->from_ns);
    enum tg_err err =
        tg_bill_fee_owed(&whole->version, whole->amount, whole->period, whole->whole, &owed);
    for (; err == TG_OK; month += tg_bill_cycle_step(&made->cycle)) {
        const struct tg_bill_window cycle = tg_bill_cycle_window(&made->cycle, month);
        struct tg_bill_paused part;
        if (cycle.start_ns >= whole->to_ns) {
            break;
        }
        ask.from_ns = cycle.start_ns;
        ask.to_ns = cycle.end_ns;
        err = tg_bill_pause_owed(&ask, &part);
        if (err == TG_OK && part.covered > 0) {
            all.from_ns = all.covered == 0 ? part.from_ns : all.from_ns;
            all.to_ns = part.to_ns;
            all.total = part.total;
            all.covered += part.covered;
        }
    }
    if (err == TG_OK && all.total == owed.total && all.covered >= owed.covered) {
        all.covered = owed.covered;
        all.amount = owed.amount;
    } else if (err == TG_OK) {
        err = tg_bill_rate(whole->version.image, whole->version.currency,
                           (__int128)whole->amount * (__int128)all.covered, all.total, &all.amount);
    }
    *paused = all;
    return err;
}

enum tg_err tg_bill_pause_long(const struct tg_bill_assembler *made,
                               const struct tg_bill_pause_params *whole,
                               struct tg_bill_paused *paused)
{
    return takes_cycles(whole) ? pause_cycles(made, whole, paused)
                               : tg_bill_pause_owed(whole, paused);
}

void tg_bill_pause_line(struct tg_bill_assembler *made, const struct tg_bill_member *member,
                        const struct tg_bill_pause_params *ask, const struct tg_bill_paused *paused,
                        uint32_t charged_month)
{
    const struct tg_roster_line *who = tg_roster_line(made->catalog->roster, member->subscriber);
    made->lines[made->lines_count++] = (struct tg_bill_line){
        .subscriber_id = member->name,
        .product_id = tg_image_name(ask->version.image, TG_CATALOG_PRODUCT, who->product),
        .zone_id = "",
        .price_id = "",
        .unit_id = "",
        .title = "suspended",
        .amount_exact = -(__int128)paused->amount,
        .units = tg_roster_quantity(who) > 1 ? tg_roster_quantity(who) : 0,
        .covered = paused->covered,
        .covered_total = paused->total,
        .fee = ask->amount,
        .from_ns = paused->from_ns,
        .to_ns = paused->to_ns,
        .subscriber = member->subscriber,
        .catalog_version = ask->version.image->version,
        .currency = ask->version.currency,
        .charged_month = charged_month,
        .kind = TG_BILL_LINE_RECURRING,
        .proration = ask->version.product->proration,
    };
}

/* What comes back for the time in which the subscription was suspended; charged_month: of the
 * earlier bill that charged it, 0 when this one does. */
static enum tg_err pause_line(struct tg_bill_assembler *made, const struct tg_bill_member *member,
                              const struct tg_bill_fee_params *params, bool is_long,
                              uint32_t charged_month)
{
    const struct tg_roster_line *who = tg_roster_line(made->catalog->roster, member->subscriber);
    if ((who->flags & TG_ROSTER_PAUSES) == 0) {
        return TG_OK;
    }
    const struct tg_bill_pause_params ask = pause_params(made, member, params, is_long);
    struct tg_bill_paused paused;
    const bool is_at_once = is_long && ask.to_ns == params->end_ns;
    const enum tg_err err =
        is_at_once ? tg_bill_pause_long(made, &ask, &paused) : tg_bill_pause_owed(&ask, &paused);
    if (err != TG_OK || paused.amount == 0) {
        return err;
    }
    tg_bill_pause_line(made, member, &ask, &paused, charged_month);
    return TG_OK;
}

/* A longer fee in arrears is due once, though its bills before are issued: only then anything of it
 * comes back. One in advance was charged by an earlier bill, or is by this one. */
static enum tg_err pauses_give_back(struct tg_bill_assembler *made,
                                    const struct tg_bill_member *member,
                                    const struct tg_bill_fee_params *params,
                                    const struct tg_bill_fee_span *span, bool is_due)
{
    const bool is_ahead = is_charged_ahead(params, span != NULL);
    const bool was_charged = is_ahead && (span == NULL || span->was_charged);
    const uint32_t charged_month = !was_charged   ? 0
                                   : span == NULL ? tg_bill_month_before(made)
                                                  : span->charged_month;
    return span == NULL || was_charged || is_due
               ? pause_line(made, member, params, span != NULL, charged_month)
               : TG_OK;
}

static struct tg_bill_line fee_line(const struct tg_bill_member *member,
                                    const struct tg_bill_fee *fee, uint16_t product_index)
{
    static const char *const titles[] = {[TG_BILL_FEE_DUE] = "",
                                         [TG_BILL_FEE_AHEAD] = TG_BILL_TITLE_AHEAD,
                                         [TG_BILL_FEE_UNUSED] = TG_BILL_TITLE_UNUSED};
    const struct tg_product *product = tg_image_product(fee->image, product_index);
    return (struct tg_bill_line){
        .subscriber_id = member->name,
        .product_id = tg_image_name(fee->image, TG_CATALOG_PRODUCT, product_index),
        .zone_id = "",
        .price_id = "",
        .unit_id = "",
        .title = fee->is_kept    ? "kept"
                 : fee->is_whole ? "whole"
                                 : titles[fee->kind],
        .amount_exact = fee->amount,
        .covered = fee->covered,
        .covered_total = fee->total,
        .fee = fee->fee,
        .from_ns = fee->from_ns,
        .to_ns = fee->to_ns,
        .subscriber = member->subscriber,
        .catalog_version = fee->image->version,
        .currency = fee->currency,
        .kind = product->period == TG_PERIOD_EVER ? TG_BILL_LINE_ONE_OFF : TG_BILL_LINE_RECURRING,
        .proration = product->proration,
    };
}

/* The lines of one period: of the cycle, or with a span of a longer one or of days. */
static enum tg_err period_lines(struct tg_bill_assembler *made, const struct tg_bill_member *member,
                                const struct tg_bill_fee_span *span,
                                struct tg_bill_fee_params *params, struct tg_why *why)
{
    const struct tg_roster_line *who = tg_roster_line(made->catalog->roster, member->subscriber);
    struct tg_bill_fee fees[TG_BILL_FEES_MAX];
    struct tg_product locals[3];
    uint32_t count = 0;
    const uint32_t quantity = tg_roster_quantity(who);
    const uint32_t due = quantity_due(made, member->subscriber, params);
    enum tg_err err = fees_localize(made, quantity, due, locals, params);
    if (err != TG_OK) {
        return tg_why_set(why, err, "the fee of %s cannot be converted", member->name);
    }
    err = span != NULL ? tg_bill_fees_long(params, span, fees, &count)
                       : tg_bill_fees(params, fees, &count);
    if (err != TG_OK) {
        return tg_why_set(why, err, "the fee of %s cannot be prorated", member->name);
    }
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t seats = fees[i].kind == TG_BILL_FEE_DUE ? due : quantity;
        struct tg_bill_line *line = &made->lines[made->lines_count++];
        *line = fee_line(member, &fees[i], who->product);
        line->units = seats > 1 ? seats : 0;
        line->charged_month = fees[i].kind != TG_BILL_FEE_UNUSED ? 0
                              : span != NULL                     ? span->charged_month
                                                                 : tg_bill_month_before(made);
    }
    err =
        pauses_give_back(made, member, params, span, count > 0 && fees[0].kind == TG_BILL_FEE_DUE);
    return err == TG_OK
               ? TG_OK
               : tg_why_set(why, err, "the suspension of %s cannot be prorated", member->name);
}

/* Periods of days that begin in the next cycle, in advance. */
static enum tg_err days_ahead(struct tg_bill_assembler *made, const struct tg_bill_member *member,
                              const struct tg_bill_fee_params *cycle, struct tg_why *why)
{
    const struct tg_roster_line *who = tg_roster_line(made->catalog->roster, member->subscriber);
    struct tg_bill_fee_span span;
    if (cycle->active_from_ns > cycle->end_ns) { /* Its first bill has them. */
        return TG_OK;
    }
    for (int64_t at_ns = cycle->end_ns; at_ns < cycle->next_end_ns;) {
        struct tg_bill_fee_params params = *cycle;
        struct tg_product locals[3];
        struct tg_bill_fee fee;
        tg_bill_fee_days(made, member->subscriber, at_ns, &params, &span);
        const int64_t from_ns = params.start_ns;
        at_ns = params.end_ns;
        params.next_end_ns = params.end_ns;
        params.end_ns = from_ns;
        params.next = params.first;
        if (from_ns < cycle->end_ns || from_ns >= params.active_to_ns ||
            params.next.image == NULL || params.next.product->is_in_advance == 0) {
            continue;
        }
        params.is_paid_ahead = false;
        enum tg_err err = fees_localize(made, tg_roster_quantity(who), 1, locals, &params);
        err = err == TG_OK ? tg_bill_fee_next(&params, &fee) : err;
        if (err != TG_OK) {
            return tg_why_set(why, err, "the fee of %s cannot be converted", member->name);
        }
        if (fee.fee != 0) {
            struct tg_bill_line *line = &made->lines[made->lines_count++];
            *line = fee_line(member, &fee, who->product);
            line->units = tg_roster_quantity(who) > 1 ? tg_roster_quantity(who) : 0;
        }
    }
    return TG_OK;
}

/* A fee by days goes its own way through the cycles: several of its periods may touch one. */
static enum tg_err days_lines(struct tg_bill_assembler *made, const struct tg_bill_member *member,
                              const struct tg_bill_fee_params *cycle, struct tg_why *why)
{
    enum tg_err err = TG_OK;
    const int64_t begin_ns =
        cycle->active_from_ns > cycle->start_ns ? cycle->active_from_ns : cycle->start_ns;
    if (cycle->next_end_ns == 0) {
        return TG_OK;
    }
    /* One that ends with the begin of the cycle was seen to by the bill before. */
    for (int64_t at_ns = begin_ns; at_ns < cycle->end_ns && err == TG_OK;) {
        struct tg_bill_fee_params params = *cycle;
        struct tg_bill_fee_span span;
        tg_bill_fee_days(made, member->subscriber, at_ns, &params, &span);
        at_ns = params.end_ns;
        if (params.start_ns >= made->window.start_ns) {
            tg_bill_ahead_find(made, member, &params);
            span.was_charged = params.is_paid_ahead && params.start_ns >= params.active_from_ns;
        }
        err = period_lines(made, member, &span, &params, why);
    }
    return err == TG_OK ? days_ahead(made, member, cycle, why) : err;
}

enum tg_err tg_bill_fee_lines(struct tg_bill_assembler *made, const struct tg_bill_member *member,
                              struct tg_why *why)
{
    const struct tg_roster_line *who = tg_roster_line(made->catalog->roster, member->subscriber);
    if ((who->flags & TG_ROSTER_REMOVED) != 0 || who->product == TG_PRODUCT_NONE) {
        return TG_OK;
    }
    struct tg_bill_fee_params params = tg_bill_fee_params_of(made, who);
    if (params.last.image == NULL && params.active_from_ns >= params.end_ns) {
        return TG_OK; /* A bill for several cycles begins before the catalog and who is in it. */
    }
    if (params.last.image == NULL) {
        return tg_why_set(why, TG_E_CATALOG_VERSION, "no catalog version has the product of %s",
                          member->name);
    }
    if (tg_fee_days(params.last.product) != 0) {
        return days_lines(made, member, &params, why);
    }
    struct tg_bill_fee_span span = {0};
    const bool is_long = params.last.product->period >= TG_FEE_QUARTER;
    if (is_long && !tg_bill_fee_long(made, member->subscriber,
                                     tg_bill_chain_anchor_ns(made, member->subscriber),
                                     params.last.product->period, &params, &span)) {
        return TG_OK;
    }
    if (!is_long || params.start_ns == made->window.start_ns) {
        tg_bill_ahead_find(made, member, &params);
    }
    return period_lines(made, member, is_long ? &span : NULL, &params, why);
}

/* Charges dated in the period; the list is sorted by subscriber. */
enum tg_err tg_bill_charge_lines(struct tg_bill_assembler *made,
                                 const struct tg_bill_member *member, struct tg_why *why)
{
    uint32_t from = tg_bill_charges_from(made->charges, made->charges_count, member->subscriber);
    for (; from < made->charges_count && made->charges[from].subscriber == member->subscriber;
         from++) {
        const struct tg_bill_charge *charge = &made->charges[from];
        if (charge->date_ns < made->window.start_ns || charge->date_ns >= made->window.end_ns) {
            continue;
        }
        if (made->lines_count == made->capacity) {
            return tg_why_set(why, TG_E_FULL, "%s has too many charges", member->name);
        }
        const struct tg_roster_line *who =
            tg_roster_line(made->catalog->roster, member->subscriber);
        const struct tg_image *image = tg_bill_product_image(made, who->product);
        made->lines[made->lines_count++] = (struct tg_bill_line){
            .subscriber_id = member->name,
            .product_id =
                image != NULL ? tg_image_name(image, TG_CATALOG_PRODUCT, who->product) : "",
            .zone_id = "",
            .price_id = charge->id,
            .unit_id = "",
            .title = charge->title,
            .amount_exact = charge->amount,
            .fee = charge->amount,
            .covered = 1,
            .covered_total = 1,
            .subscriber = member->subscriber,
            .catalog_version = image != NULL ? image->version : 0,
            .currency = charge->currency,
            .kind = TG_BILL_LINE_ONE_OFF,
            .proration = TG_PRORATE_NONE_FULL,
        };
    }
    return TG_OK;
}
