/* SPDX-License-Identifier: Apache-2.0 */
/* The rate stage. A group of rows goes through four steps: resolve (snapshot only), count (account
 * lines, in order), price (one call a tariff), finish (amounts, in order).
 *
 * (1) A row that is refused leaves its line as it was.
 * (2) When a tariff refuses a row whose subscriber has other rows in the group, or a line begins a
 *     new month between two of them, the group is undone and done again row by row: verdicts do not
 *     depend on how rows are grouped.
 * (3) Rows that are a product and nothing more go the short way (rate/quick.h), in order with the
 *     others. Who wants a trace goes the long way with every row. */
#include "rate/rate.h"

#include "base/arena.h"
#include "base/money.h"
#include "rate/reverse.h"
#include "rate/worker.h"

#include <assert.h>
#include <string.h>

enum tg_err tg_rate_create(const struct tg_rate_params *params, struct tg_rate **rate,
                           struct tg_why *why)
{
    *rate = NULL;
    struct tg_guard_bounds bounds = params->bounds;
    if (bounds.amount_max == 0 && bounds.faults_max == 0) {
        bounds = tg_guard_bounds_default();
    }
    if (bounds.amount_max < 1 || bounds.faults_max < 1) {
        return tg_why_set(why, TG_E_INVALID, "rate: the bounds of tariffs must be at least 1");
    }
    struct tg_rate *made = tg_pages_take(sizeof *made);
    if (made == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "rate: no memory for a worker");
    }
    made->bounds = bounds;
    made->accounts = params->accounts;
    if (made->accounts == NULL) {
        const enum tg_err err =
            tg_accounts_create(params->subscribers_count_max, &made->accounts, why);
        if (err != TG_OK) {
            tg_pages_free(made, sizeof *made);
            return err;
        }
        made->owns_accounts = true;
    }
    *rate = made;
    return TG_OK;
}

void tg_rate_destroy(struct tg_rate *rate)
{
    if (rate == NULL) {
        return;
    }
    if (rate->owns_accounts) {
        tg_accounts_destroy(rate->accounts);
    }
    tg_rate_apply_drop(rate);
    tg_pages_free(rate, sizeof *rate);
}

/* sum += (amount * denominator + remainder) / denominator, exactly. */
static bool exact_add(__int128 *numerator, uint64_t *denominator,
                      const struct tg_tariff_result *result)
{
    __int128 term = (__int128)result->amount * result->denominator + result->remainder;
    if (*denominator != result->denominator) {
        const __int128 most = (__int128)1 << 120;
        uint64_t joint;
        if (__builtin_mul_overflow(*denominator, result->denominator, &joint) ||
            *numerator > most / result->denominator || *numerator < -most / result->denominator ||
            term > most / *denominator || term < -most / *denominator) {
            return false;
        }
        *numerator *= result->denominator;
        term *= *denominator;
        *denominator = joint;
    }
    return !__builtin_add_overflow(*numerator, term, numerator);
}

static bool row_carries(const struct tg_rate *rate, const struct tg_rate_work *work)
{
    return (work->info->options & TG_PRICE_RULES) != 0 &&
           rate->rules[work - rate->works].rule->carry_denominator != 0;
}

/* Pieces that make a charge: of a row, or of a call with its row and without it. */
struct span {
    uint32_t from;
    uint32_t count;
    uint32_t priced_count; /* the others are what allowances cover at a price of their own */
    bool has_fee;
    const struct tg_price
        *price; /* whose fee and bounds it has: with split end a call changes it */
    const struct tg_price_info *info;
};

/* What they come to at the rating scale, before and after the price's bounds. */
struct span_sum {
    __int128 unlimited;
    __int128 amount;
    int64_t remainder;
};

/* What allowances cover at a price of their own: bounds of the call's price do not look at it, or a
 * second more than the allowance had would make the call cheaper. */
static __attribute__((noinline)) __int128 covered_amount(const struct tg_rate *rate,
                                                         const struct span *span)
{
    __int128 amount = 0;
    for (uint32_t i = span->priced_count; i < span->count; i++) {
        amount += rate->task_results[span->from + i].amount;
    }
    return amount;
}

static inline enum tg_err span_sum(const struct tg_rate *rate, const struct span *span,
                                   struct span_sum *sum)
{
    __int128 amount = 0;
    int64_t remainder = 0;
    for (uint32_t i = 0; i < span->count; i++) {
        const struct tg_tariff_result *result = &rate->task_results[span->from + i];
        if (result->verdict != TG_OK) {
            return (enum tg_err)result->verdict;
        }
        amount += result->amount;
        remainder += tg_rate_remainder(result);
    }
    if (span->has_fee) {
        amount += span->price->connect_fee;
    }
    sum->unlimited = amount;
    if (span->priced_count > 0) {
        const __int128 covered =
            __builtin_expect(span->priced_count != span->count, 0) ? covered_amount(rate, span) : 0;
        amount -= covered;
        amount = amount < span->price->charge_min ? span->price->charge_min : amount;
        if ((span->info->options & TG_PRICE_MAX_STOPS) == 0) {
            amount = amount > span->price->charge_max ? span->price->charge_max : amount;
        }
        amount += covered;
    }
    if (amount > INT64_MAX || amount < INT64_MIN) {
        return TG_E_AMOUNT_OVERFLOW;
    }
    sum->amount = amount;
    sum->remainder = amount == sum->unlimited ? remainder : 0;
    return TG_OK;
}

/* The exact sum of the pieces and not of their rounded amounts, as a tie that was made by rounding
 * would be rounded again. What a bound set is exact. */
static bool span_exact(const struct tg_rate *rate, const struct span *span,
                       const struct span_sum *sum, struct tg_rules_exact *exact)
{
    const bool is_unlimited = sum->amount == sum->unlimited;
    *exact = (struct tg_rules_exact){0, 1};
    for (uint32_t i = is_unlimited ? 0 : span->priced_count; i < span->count; i++) {
        if (!exact_add(&exact->numerator, &exact->denominator,
                       &rate->task_results[span->from + i])) {
            return false;
        }
    }
    const int64_t whole = !is_unlimited   ? (int64_t)(sum->amount - covered_amount(rate, span))
                          : span->has_fee ? span->price->connect_fee
                                          : 0;
    exact->numerator += (__int128)whole * exact->denominator;
    return true;
}

/* Round to the price's decimals, once. */
static enum tg_err exact_round(const struct span *span, const struct tg_rules_exact *exact,
                               int64_t *amount, int64_t *remainder)
{
    const int64_t step = tg_pow10(span->info->round_exponent);
    struct tg_tariff_result rounded;
    uint64_t divisor;
    if (__builtin_mul_overflow(exact->denominator, (uint64_t)step, &divisor)) {
        return TG_E_AMOUNT_OVERFLOW;
    }
    tg_tariff_round(exact->numerator, divisor, span->price->rounding, &rounded);
    if (rounded.verdict != TG_OK || __builtin_mul_overflow(rounded.amount, step, amount)) {
        return TG_E_AMOUNT_OVERFLOW;
    }
    *remainder =
        (int64_t)((__int128)rounded.remainder * ((int64_t)1 << 32) / (__int128)exact->denominator);
    return TG_OK;
}

/* a -= b, both over one denominator then. */
static bool exact_less(struct tg_rules_exact *a, const struct tg_rules_exact *b)
{
    const struct tg_tariff_result nothing = {.denominator = b->denominator};
    struct tg_rules_exact other = *b;
    const struct tg_tariff_result none = {.denominator = a->denominator};
    return exact_add(&other.numerator, &other.denominator, &none) &&
           exact_add(&a->numerator, &a->denominator, &nothing) &&
           !__builtin_sub_overflow(a->numerator, other.numerator, &a->numerator);
}

static enum tg_err exact_carry(struct tg_rate *rate, const struct tg_rate_work *work,
                               const struct tg_rules_exact *exact, struct tg_charge *charge)
{
    return tg_rules_carry(rate->accounts, &rate->rules[work - rate->works], exact,
                          tg_pow10(work->info->round_exponent), charge);
}

static __attribute__((noinline)) enum tg_err
row_round(struct tg_rate *rate, const struct tg_rate_work *work, const struct span *span,
          const struct span_sum *sum, struct tg_charge *charge)
{
    struct tg_rules_exact exact;
    if (!span_exact(rate, span, sum, &exact)) {
        return TG_E_AMOUNT_OVERFLOW;
    }
    return row_carries(rate, work) ? exact_carry(rate, work, &exact, charge)
                                   : exact_round(span, &exact, &charge->amount, &charge->remainder);
}

/* The call without its last record, at the price that it had until then. */
static struct span span_before(const struct tg_rate_work *work)
{
    const struct tg_call *call = work->call;
    const bool has_price = call->before.price != NULL;
    return (struct span){
        .from = call->pieces_from,
        .count = call->pieces_count,
        .priced_count = call->pieces_count,
        .has_fee = call->had_fee,
        .price = has_price ? call->before.price : work->price,
        .info = has_price ? call->before.info : work->info,
    };
}

/* What the fee of a call has become with its last record. */
static int64_t fee_change(const struct span *span, const struct span *before)
{
    return (span->has_fee ? span->price->connect_fee : 0) -
           (before->has_fee ? before->price->connect_fee : 0);
}

/* Each piece to the price's decimals, in its own price's mode, in place: what it is exactly stays
 * amount + remainder / denominator. */
static enum tg_err segments_round(struct tg_rate *rate, const struct tg_rate_work *work,
                                  uint32_t from, uint32_t count)
{
    const int64_t step = tg_pow10(work->info->round_exponent);
    for (uint32_t i = from; i < from + count; i++) {
        struct tg_tariff_result *result = &rate->task_results[i];
        struct tg_tariff_result rounded;
        const __int128 exact = (__int128)result->amount * result->denominator + result->remainder;
        uint64_t divisor;
        if (__builtin_mul_overflow(result->denominator, (uint64_t)step, &divisor) ||
            divisor > INT64_MAX) {
            return TG_E_AMOUNT_OVERFLOW;
        }
        tg_tariff_round(exact, divisor, rate->task_prices[i]->rounding, &rounded);
        if (rounded.verdict != TG_OK ||
            __builtin_mul_overflow(rounded.amount, step, &result->amount)) {
            return TG_E_AMOUNT_OVERFLOW;
        }
        result->remainder = rounded.remainder;
    }
    return TG_OK;
}

/* A charge that is the sum of rounded pieces; of a call with the row less without it. */
static __attribute__((noinline)) enum tg_err
segments_amount(struct tg_rate *rate, const struct tg_rate_work *work, const struct span *span,
                struct tg_charge *charge, struct tg_rate_trace *trace)
{
    const struct tg_call *call = work->call;
    struct span without = {.count = 0};
    struct span_sum sum;
    struct span_sum before = {0, 0, 0};
    enum tg_err err = segments_round(rate, work, span->from, span->count);
    err = err == TG_OK ? span_sum(rate, span, &sum) : err;
    if (err == TG_OK && call != NULL) {
        without = span_before(work);
        err = segments_round(rate, work, without.from, without.count);
        err = err == TG_OK ? span_sum(rate, &without, &before) : err;
    }
    if (err != TG_OK) {
        return err;
    }
    const __int128 amount = sum.amount - before.amount;
    if (amount > INT64_MAX || amount < INT64_MIN) {
        return TG_E_AMOUNT_OVERFLOW;
    }
    charge->amount = (int64_t)amount;
    charge->remainder = sum.remainder - before.remainder;
    if (trace != NULL) {
        trace->connect_fee = fee_change(span, &without);
        trace->limit_change =
            (int64_t)(sum.amount - sum.unlimited - (before.amount - before.unlimited));
        trace->call_amount_before = (int64_t)before.amount;
    }
    return TG_OK;
}

static bool rounds_segments(const struct tg_rate_work *work)
{
    return work->info->round_exponent != 0 && (work->info->options & TG_PRICE_ROUND_SEGMENTS) != 0;
}

/* A part of a call costs what the call with it does less what the call without it did. */
static __attribute__((noinline)) enum tg_err
call_amount(struct tg_rate *rate, const struct tg_rate_work *work, const struct span *span,
            const struct span_sum *sum, struct tg_charge *charge, struct tg_rate_trace *trace)
{
    const struct span without = span_before(work);
    struct span_sum before;
    struct tg_rules_exact exact;
    struct tg_rules_exact exact_before;
    __int128 amount = sum->amount;
    int64_t amounts[2] = {0, 0};
    int64_t remainders[2] = {0, 0};
    if (rounds_segments(work)) {
        return segments_amount(rate, work, span, charge, trace);
    }
    enum tg_err err = span_sum(rate, &without, &before);
    if (err != TG_OK) {
        return err;
    }
    amount -= before.amount;
    charge->remainder = sum->remainder - before.remainder;
    if (work->info->round_exponent != 0 || row_carries(rate, work)) {
        if (!span_exact(rate, span, sum, &exact) ||
            !span_exact(rate, &without, &before, &exact_before)) {
            return TG_E_AMOUNT_OVERFLOW;
        }
        if (row_carries(rate, work)) {
            err = exact_less(&exact, &exact_before) ? exact_carry(rate, work, &exact, charge)
                                                    : TG_E_AMOUNT_OVERFLOW;
            amounts[0] = charge->amount;
            remainders[0] = charge->remainder;
        } else {
            err = exact_round(span, &exact, &amounts[0], &remainders[0]);
            err = err == TG_OK ? exact_round(&without, &exact_before, &amounts[1], &remainders[1])
                               : err;
        }
        amount = (__int128)amounts[0] - amounts[1];
        charge->remainder = remainders[0] - remainders[1];
    }
    if (err != TG_OK || amount > INT64_MAX || amount < INT64_MIN) {
        return err != TG_OK ? err : TG_E_AMOUNT_OVERFLOW;
    }
    charge->amount = (int64_t)amount;
    if (trace != NULL) {
        trace->connect_fee = fee_change(span, &without);
        trace->limit_change =
            (int64_t)(sum->amount - sum->unlimited - (before.amount - before.unlimited));
        trace->rounding_change = (int64_t)(amount - (sum->amount - before.amount));
        trace->call_amount_before = (int64_t)before.amount;
    }
    return TG_OK;
}

static enum tg_err span_amount(struct tg_rate *rate, const struct tg_rate_work *work,
                               const struct span *span, const struct span_sum *sum,
                               struct tg_charge *charge, struct tg_rate_trace *trace)
{
    charge->amount = (int64_t)sum->amount;
    charge->remainder = sum->remainder;
    if (__builtin_expect(
            work->info->round_exponent != 0 || (work->info->options & TG_PRICE_RULES) != 0, 0) &&
        (work->info->round_exponent != 0 || row_carries(rate, work))) {
        if (rounds_segments(work)) {
            return segments_amount(rate, work, span, charge, trace);
        }
        const enum tg_err err = row_round(rate, work, span, sum, charge);
        if (err != TG_OK) {
            return err;
        }
    }
    if (trace != NULL) {
        trace->connect_fee = span->has_fee ? work->price->connect_fee : 0;
        trace->limit_change = (int64_t)(sum->amount - sum->unlimited);
        trace->rounding_change = charge->amount - (int64_t)sum->amount;
    }
    return TG_OK;
}

/* Sum the pieces, add the fee, keep the limits, round to the price's decimals. */
static enum tg_err row_amount(struct tg_rate *rate, const struct tg_rate_work *work,
                              struct tg_charge *charge, struct tg_rate_trace *trace)
{
    const struct span span = {work->pieces_from,     work->pieces_count, work->priced_count,
                              work->has_connect_fee, work->price,        work->info};
    struct span_sum sum;
    enum tg_err err = span_sum(rate, &span, &sum);
    if (err == TG_OK) {
        err = __builtin_expect(work->call == NULL, 1)
                  ? span_amount(rate, work, &span, &sum, charge, trace)
                  : call_amount(rate, work, &span, &sum, charge, trace);
    }
    if (err == TG_OK && __builtin_expect((work->info->options & TG_PRICE_RULES) != 0, 0)) {
        err = tg_rules_finish(rate->accounts, &rate->rules[work - rate->works], charge);
    }
    if (err == TG_OK && __builtin_expect((work->flags & TG_CHARGE_REVERSAL) != 0, 0)) {
        return tg_rate_reverse_amount(charge, &rate->rules[work - rate->works].cost)
                   ? TG_OK
                   : TG_E_AMOUNT_OVERFLOW;
    }
    return err;
}

static void row_refuse(const struct tg_rate_work *work, struct tg_charge *charge)
{
    const struct tg_charge refused = {
        .subscriber = charge->subscriber,
        .price_id = work->price != NULL ? work->price->price_id : TG_PRICE_NONE,
        .catalog_version = work->image != NULL ? work->image->version : 0,
        .currency = work->image != NULL ? work->image->currency : 0,
        .zone = work->zone,
        .reason = work->reason,
        .fate = TG_FATE_SUSPENDED,
        .node_state = charge->node_state,
        .site = charge->site,
    };
    *charge = refused;
}

static void row_accept(const struct tg_rate_work *work, struct tg_charge *charge)
{
    charge->price_id = work->price->price_id;
    charge->catalog_version = work->image->version;
    if (__builtin_expect((work->info->options & TG_PRICE_RULES) == 0, 1)) {
        charge->currency = work->image->currency;
        charge->flags = 0;
    }
    charge->flags |= work->flags;
    charge->zone = work->zone;
    charge->reason = TG_OK;
    charge->fate = TG_FATE_RATED;
    charge->pieces_count = (uint8_t)(work->pieces_count > 0 ? work->pieces_count : 1);
}

/* Has another row of the group moved the same lines? A later one was counted on top of this one, an
 * earlier one has added its cost since the copy for undoing was taken. */
static bool row_shares_account(const struct tg_rate *rate, const struct tg_charge *charges,
                               uint32_t index, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const bool is_same = charges[i].subscriber == charges[index].subscriber ||
                             (rate->works[i].log != NULL && rate->works[index].log != NULL &&
                              rate->works[i].account == rate->works[index].account);
        if (i != index && rate->works[i].is_worked && is_same) {
            return true;
        }
    }
    return false;
}

static void group_undo(struct tg_rate *rate, struct tg_charge *charges, uint32_t count)
{
    for (uint32_t i = count; i > 0; i--) {
        struct tg_rate_work *work = &rate->works[i - 1];
        tg_rate_row_undo(rate, work);
        if (work->is_worked) {
            charges[i - 1].fate = TG_FATE_NONE;
        }
    }
}

/* What the account's line adds up: its own currency. */
static inline int64_t row_cost(const struct tg_rate *rate, const struct tg_rate_work *work,
                               const struct tg_charge *charge)
{
    return __builtin_expect((work->info->options & TG_PRICE_RULES) != 0, 0)
               ? rate->rules[work - rate->works].cost
               : charge->amount;
}

/* Amounts in order. false: the group must be done row by row. */
static bool group_finish(struct tg_rate *rate, struct tg_charge *charges, uint32_t count,
                         struct tg_rate_trace *traces)
{
    for (uint32_t i = 0; i < count; i++) {
        struct tg_rate_work *work = &rate->works[i];
        if (!work->is_worked) {
            continue;
        }
        struct tg_rate_trace *trace = traces != NULL ? &traces[i] : NULL;
        if (trace != NULL) {
            *trace = (struct tg_rate_trace){0};
        }
        if (work->reason == TG_OK) {
            work->reason = (int16_t)row_amount(rate, work, &charges[i], trace);
            if (work->reason == TG_OK &&
                !tg_account_cost_add(work->line, row_cost(rate, work, &charges[i]))) {
                work->reason = TG_E_AMOUNT_OVERFLOW;
            }
            if (work->reason != TG_OK) {
                if (row_shares_account(rate, charges, i, count)) {
                    return false;
                }
                tg_rate_row_undo(rate, work);
            }
        }
        if (trace != NULL) {
            tg_rate_row_trace(rate, work, trace);
        }
        if (work->reason != TG_OK) {
            work->line = NULL;
            row_refuse(work, &charges[i]);
        } else {
            row_accept(work, &charges[i]);
        }
    }
    return true;
}

/* A part of a call that was rated: its fee may have been paid before. */
static void call_tell(struct tg_rate *rate, const struct tg_rate_work *work)
{
    rate->counts.connect_fees_count -= work->has_connect_fee && work->call->had_fee;
    if (work->call->has_forgotten) { /* read by metrics while rows are rated */
        uint64_t *count = &rate->counts.calls_forgotten_count;
        __atomic_store_n(count, *count + 1, __ATOMIC_RELAXED);
    }
}

/* Thresholds of spend limits that row i reached. */
static void spends_tell(struct tg_rate *rate, uint32_t i)
{
    const struct tg_rate_work *work = &rate->works[i];
    if (work->log == NULL || work->reason != TG_OK || (work->info->options & TG_PRICE_RULES) == 0) {
        return;
    }
    for (uint32_t use = 0; use < rate->rules[i].uses_count; use++) {
        rate->counts.thresholds_count +=
            (uint32_t)__builtin_popcount(rate->rules[i].uses[use].fired_mask);
    }
}

/* The long way: true, or the group must be done row by row. */
static bool group_long(struct tg_rate *rate, const struct tg_catalog_snapshot *snapshot,
                       const struct tg_usage *rows, struct tg_charge *charges, uint32_t count,
                       struct tg_rate_trace *traces)
{
    tg_rate_group_resolve(rate, snapshot, rows, charges, count);
    rate->tasks_count = 0;
    rate->is_rolled_within = false;
    for (uint32_t i = 0; i < count; i++) {
        struct tg_rate_work *work = &rate->works[i];
        if (work->is_worked && work->reason == TG_OK) {
            tg_rate_row_count(rate, &rows[i], &charges[i], work);
        }
    }
    tg_rate_group_price(rate);
    if (rate->is_rolled_within || !group_finish(rate, charges, count, traces)) {
        group_undo(rate, charges, count);
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (rate->works[i].is_worked) {
            rate->counts.rated_count += charges[i].fate == TG_FATE_RATED;
            rate->counts.suspended_count += charges[i].fate == TG_FATE_SUSPENDED;
            rate->counts.connect_fees_count +=
                charges[i].fate == TG_FATE_RATED && rate->works[i].has_connect_fee;
            if (__builtin_expect(rate->works[i].call != NULL, 0)) {
                call_tell(rate, &rate->works[i]);
            }
            const struct tg_allowance_log *log = rate->works[i].log;
            for (uint32_t use = 0; log != NULL && use < log->uses_count; use++) {
                rate->counts.thresholds_count +=
                    (uint32_t)__builtin_popcount(log->uses[use].fired_mask);
                charges[i].flags |= charges[i].fate == TG_FATE_RATED && log->uses[use].fired_mask
                                        ? TG_CHARGE_THRESHOLD
                                        : 0;
            }
            spends_tell(rate, i);
        }
    }
    return true;
}

static void group_long_run(struct tg_rate *rate, const struct tg_catalog_snapshot *snapshot,
                           const struct tg_usage *rows, struct tg_charge *charges, uint32_t count,
                           struct tg_rate_trace *traces)
{
    if (group_long(rate, snapshot, rows, charges, count, traces)) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        const bool is_done = group_long(rate, snapshot, rows + i, charges + i, 1,
                                        traces != NULL ? traces + i : NULL);
        assert(is_done);
        (void)is_done;
        rate->counts.repriced_count++;
    }
}

/* In order, runs of rows that go the short way and runs of others that go the long one. */
static void group_run(struct tg_rate *rate, const struct tg_catalog_snapshot *snapshot,
                      const struct tg_usage *rows, struct tg_charge *charges, uint32_t count,
                      uint32_t turn)
{
    tg_rate_quick_resolve(rate, snapshot, rows, charges, count, turn);
    uint32_t at = tg_rate_quick_run(rate, rows, charges, 0, count);
    while (at < count) {
        uint32_t end = at + 1;
        while (end < count && rate->quick.group[end].cell == NULL) {
            end++;
        }
        group_long_run(rate, snapshot, rows + at, charges + at, end - at, NULL);
        at = tg_rate_quick_run(rate, rows, charges, end, count);
    }
}

void tg_rate_run_traced(struct tg_rate *rate, const struct tg_catalog_snapshot *snapshot,
                        const struct tg_usage *rows, struct tg_charge *charges, uint32_t count,
                        struct tg_rate_trace *traces)
{
    assert(count <= TG_BATCH_ROWS_MAX);
    rate->roster = snapshot->roster;
    if (count == 0) {
        return;
    }
    uint32_t turn = 0;
    uint32_t ahead = count < TG_RATE_GROUP_ROWS ? count : TG_RATE_GROUP_ROWS;
    tg_rate_quick_start(rate, snapshot, rows[0].start_ns);
    tg_rate_quick_ahead(rate, snapshot, rows, charges, ahead, turn);
    for (uint32_t from = 0; from < count; from += TG_RATE_GROUP_ROWS) {
        const uint32_t group = ahead - from;
        const uint32_t next =
            count - ahead < TG_RATE_GROUP_ROWS ? count - ahead : TG_RATE_GROUP_ROWS;
        tg_rate_quick_ahead(rate, snapshot, rows + ahead, charges + ahead, next, turn + 1);
        ahead += next;
        if (traces != NULL) {
            group_long_run(rate, snapshot, rows + from, charges + from, group, traces + from);
        } else {
            group_run(rate, snapshot, rows + from, charges + from, group, turn);
        }
        turn++;
    }
}

void tg_rate_run(struct tg_rate *rate, const struct tg_catalog_snapshot *snapshot,
                 const struct tg_usage *rows, struct tg_charge *charges, uint32_t count)
{
    tg_rate_run_traced(rate, snapshot, rows, charges, count, NULL);
}

struct tg_accounts *tg_rate_accounts(struct tg_rate *rate)
{
    return rate->accounts;
}

const struct tg_rate_counts *tg_rate_counts(const struct tg_rate *rate)
{
    return &rate->counts;
}

uint32_t tg_rate_pages_count(const struct tg_rate *rate)
{
    return tg_accounts_pages_count(rate->accounts);
}

const void *tg_rate_page_bytes(const struct tg_rate *rate, uint32_t page)
{
    return tg_accounts_page_bytes(rate->accounts, page);
}
