/* SPDX-License-Identifier: Apache-2.0 */
/* What a rated row's trace tells, once its amount is known: nothing here moves a figure. */
#include "rate/rate.h"
#include "rate/worker.h"

static void rules_trace(const struct tg_rules *rules, struct tg_rate_trace *trace)
{
    trace->exchange = rules->exchange;
    trace->converts_at_event = rules->rule->converts_at_event != 0;
    trace->cost = rules->cost;
    trace->carried = rules->carried;
    trace->spends_count = rules->uses_count;
    for (uint32_t i = 0; i < rules->uses_count; i++) {
        trace->spends[i] = rules->uses[i];
    }
}

static struct tg_rate_piece piece_of(const struct tg_rate *rate, uint32_t at)
{
    const struct tg_tariff_row *row = &rate->task_rows[at];
    const struct tg_tariff_result *result = &rate->task_results[at];
    return (struct tg_rate_piece){
        .units = row->units,
        .units_before = row->units_before,
        .start_ns = row->start_ns,
        .end_ns = rate->tasks[at].end_ns,
        .amount = result->amount,
        .remainder = result->remainder,
        .denominator = result->denominator,
        .step_index = result->step_index,
        .price_id = rate->task_prices[at]->price_id,
        .asked = *row,
    };
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        const uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* piece += sign * result, over one denominator; false when 64 bits have none. */
static bool piece_add(struct tg_rate_piece *piece, const struct tg_tariff_result *result, int sign)
{
    const uint64_t divisor = common_divisor(piece->denominator, result->denominator);
    const uint64_t factor = result->denominator / divisor;
    const uint64_t own_factor = piece->denominator / divisor;
    uint64_t denominator;
    if (__builtin_mul_overflow(piece->denominator, factor, &denominator)) {
        return false;
    }
    const __int128 remainder =
        (__int128)piece->remainder * factor + (__int128)sign * result->remainder * own_factor;
    piece->amount += sign * result->amount;
    piece->remainder = (int64_t)remainder;
    piece->denominator = denominator;
    return remainder == piece->remainder;
}

/* Take what the call had of a piece off it; the tariff is asked for what is left. */
static bool piece_less(const struct tg_rate *rate, uint32_t at, struct tg_rate_piece *piece)
{
    const struct tg_tariff_row *had = &rate->task_rows[at];
    if (had->units > piece->units) {
        return false;
    }
    piece->units -= had->units;
    piece->units_before += had->units;
    piece->start_ns = rate->tasks[at].end_ns;
    piece->asked.units = piece->units;
    piece->asked.units_before = piece->units_before;
    return piece_add(piece, &rate->task_results[at], -1);
}

/* All that the record adds, as one piece: its amount is the sum, and nobody tells its parts. */
static struct tg_rate_piece call_piece(const struct tg_rate *rate, const struct tg_rate_work *work)
{
    const struct tg_call *call = work->call;
    const bool has_own = work->pieces_count > 0;
    struct tg_rate_piece piece = piece_of(rate, has_own ? work->pieces_from : call->pieces_from);
    uint64_t units = 0;
    uint64_t had_units = 0;
    int64_t remainder = 0; /* 2^-32 */
    piece.amount = 0;
    for (uint32_t i = 0; i < work->pieces_count; i++) {
        units += rate->task_rows[work->pieces_from + i].units;
        piece.amount += rate->task_results[work->pieces_from + i].amount;
        remainder += tg_rate_remainder(&rate->task_results[work->pieces_from + i]);
        piece.end_ns = rate->tasks[work->pieces_from + i].end_ns;
    }
    for (uint32_t i = 0; i < call->pieces_count; i++) {
        had_units += rate->task_rows[call->pieces_from + i].units;
        piece.amount -= rate->task_results[call->pieces_from + i].amount;
        remainder -= tg_rate_remainder(&rate->task_results[call->pieces_from + i]);
    }
    piece.units = units > had_units ? units - had_units : 0;
    piece.units_before += had_units < units ? had_units : units;
    piece.remainder = remainder;
    piece.denominator = UINT64_C(1) << 32;
    piece.asked.units = 0;
    return piece;
}

/* What the record adds to each piece of its call; where the plan moves a boundary of the call as it
 * goes on, a piece may shrink, and only the sum is told. */
static void call_trace(const struct tg_rate *rate, const struct tg_rate_work *work,
                       struct tg_rate_trace *trace)
{
    const struct tg_call *call = work->call;
    uint32_t taken_count = 0;
    bool is_told = true;
    for (uint32_t i = 0; i < work->pieces_count; i++) {
        struct tg_rate_piece piece = piece_of(rate, work->pieces_from + i);
        for (uint32_t k = 0; k < call->pieces_count && is_told; k++) {
            const uint32_t at = call->pieces_from + k;
            if (rate->tasks[at].cut == rate->tasks[work->pieces_from + i].cut &&
                rate->task_prices[at] == rate->task_prices[work->pieces_from + i]) {
                is_told = piece_less(rate, at, &piece);
                taken_count++;
            }
        }
        if (piece.units > 0 || piece.amount != 0 || piece.remainder != 0) {
            trace->pieces[trace->pieces_count++] = piece;
        }
    }
    if (!is_told || taken_count != call->pieces_count) {
        trace->pieces[0] = call_piece(rate, work);
        trace->pieces_count = 1;
    }
}

void tg_rate_row_trace(const struct tg_rate *rate, const struct tg_rate_work *work,
                       struct tg_rate_trace *trace)
{
    trace->raw_units = work->raw_units;
    trace->included_units = work->included_units;
    trace->allowance_before = work->line != NULL ? work->allowance_before : 0;
    trace->price = work->price;
    trace->tariff = work->price != NULL
                        ? tg_plug_find(TG_PLUGIN_TARIFF,
                                       tg_image_tariff_name(work->image, work->price->price_id))
                        : NULL;
    trace->uses_count = work->log != NULL ? work->log->uses_count : 0;
    for (uint32_t i = 0; i < trace->uses_count; i++) {
        trace->uses[i] = work->log->uses[i];
    }
    if (work->info != NULL && work->log != NULL && (work->info->options & TG_PRICE_RULES) != 0) {
        rules_trace(&rate->rules[work - rate->works], trace);
    }
    if (work->call != NULL) {
        const struct tg_rate_cuts *before = &work->call->before;
        trace->call_raw_before = before->raw_units;
        trace->call_included_before = before->included_units;
        trace->call_billed_before =
            before->billed_units * (work->info != NULL ? work->info->block_units : 1);
        call_trace(rate, work, trace);
        return;
    }
    trace->pieces_count = work->pieces_count;
    for (uint32_t i = 0; i < work->pieces_count; i++) {
        trace->pieces[i] = piece_of(rate, work->pieces_from + i);
    }
}
