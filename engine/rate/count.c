/* SPDX-License-Identifier: Apache-2.0 */
/* Second half of the rate stage: units, allowance and counters, then one call a tariff.
 *
 * Counters move before the amount is known, as they depend on units alone: so the rows of a group
 * can be counted in order and still be priced together. The line as it was is kept for the rare
 * row whose tariff refuses. */
#include "rate/rate_change.h"
#include "rate/reverse.h"
#include "rate/worker.h"

#include <assert.h>
#include <string.h>

static struct tg_plug *plug_of(struct tg_rate *rate, const struct tg_image *image,
                               uint32_t price_id)
{
    struct tg_rate_bind *bind = NULL;
    for (uint32_t i = 0; i < TG_RATE_BINDS_MAX; i++) {
        if (rate->binds[i].image == image && rate->binds[i].version == image->version &&
            rate->binds[i].content_hash == image->content_hash) {
            bind = &rate->binds[i];
            break;
        }
    }
    if (bind == NULL) {
        bind = &rate->binds[rate->binds_next];
        rate->binds_next = (rate->binds_next + 1) % TG_RATE_BINDS_MAX;
        *bind = (struct tg_rate_bind){
            .image = image, .version = image->version, .content_hash = image->content_hash};
    }
    const uint32_t tariff = tg_image_price_info(image, price_id)->tariff;
    if (tariff >= TG_PLUGS_MAX) {
        return NULL;
    }
    if (bind->plugs[tariff] == NULL) {
        bind->plugs[tariff] = tg_plug_find(TG_PLUGIN_TARIFF, tg_image_tariff_name(image, price_id));
    }
    return bind->plugs[tariff];
}

/* Units of the allowance that this row may take at most, in its price's unit. */
static enum tg_err allowance_left(const struct tg_usage *row, const struct tg_rate_work *work,
                                  const struct tg_account_meter *meter, uint64_t unit_base_count,
                                  uint64_t *left_units)
{
    *left_units = 0;
    if (work->plan_service->allowance == TG_ALLOWANCE_NONE) {
        return TG_OK;
    }
    const struct tg_allowance *allowance =
        tg_image_allowance(work->image, work->plan_service->allowance);
    if (allowance == NULL || allowance->dimension != work->plan_service->dimension ||
        !tg_image_allowance_covers(work->image, allowance, row->service, work->zone)) {
        return TG_OK;
    }
    assert(tg_allowance_is_plain(allowance)); /* the compiler makes a list of all others */
    const uint64_t used_base = meter->allowance_base;
    if (allowance->amount_base > used_base) {
        *left_units = (allowance->amount_base - used_base) / unit_base_count;
    }
    return TG_OK;
}

/* Carried money at the rating scale; a meter's 48 bits times 100 fit 64. */
static int64_t money_of(uint64_t blocks, const struct tg_price_info *info)
{
    return (int64_t)(blocks * info->block_units * TG_AMOUNT_SCALE_COUNT);
}

/* A record that is counted in something else may carry money, or a prorated quantity, beside. */
static int64_t money_carried(const struct tg_usage *row)
{
    return row->service == TG_SERVICE_EVENT && (row->flags & TG_USAGE_AMOUNT) != 0
               ? (int64_t)row->quantity_down * TG_AMOUNT_SCALE_COUNT
               : 0;
}

/* Where the pieces of a row begin to count: front units that allowances cover, the counter. */
struct piece_start {
    uint64_t covered;
    uint64_t before;
};

static enum tg_err pieces_make(struct tg_rate *rate, const struct tg_usage *row,
                               const struct tg_charge *charge, const struct tg_rate_work *work,
                               const struct tg_rate_cuts *cuts, struct piece_start start,
                               uint32_t from, uint32_t *count)
{
    const bool has_counter = cuts->info->counter != TG_COUNTER_RECORD;
    const bool is_money = work->plan_service->dimension == TG_DIMENSION_MONEY;
    uint64_t covered = start.covered;
    uint64_t before = start.before;
    uint32_t pieces_count = 0;
    for (uint32_t i = 0; i < cuts->cuts_count; i++) {
        const struct tg_rate_cut *cut = &cuts->cuts[i];
        const uint64_t free_units = __builtin_expect(cuts->is_covered_apart, 0) ? cut->covered_units
                                    : covered < cut->units                      ? covered
                                                                                : cut->units;
        covered -= free_units;
        if (free_units == cut->units) {
            before = cuts->is_isolated ? 0 : before; /* the next band begins anew all the same */
            continue;
        }
        const uint32_t index = from + pieces_count;
        struct tg_rate_task *task = &rate->tasks[index];
        rate->task_prices[index] = cut->price;
        task->plug = plug_of(rate, work->image, cut->price->price_id);
        if (task->plug == NULL) {
            return TG_E_PLUGIN_OPEN;
        }
        task->end_ns = cut->end_ns;
        task->cut = i;
        rate->task_rows[index] = (struct tg_tariff_row){
            .units = cut->units - free_units,
            .units_before = before,
            .events_before = has_counter ? work->events_before : 0,
            .base_amount = is_money            ? money_of(cut->units - free_units, cuts->info)
                           : pieces_count == 0 ? money_carried(row)
                                               : 0,
            .base_before = is_money ? money_of(before, cuts->info) : 0,
            .start_ns = cut->start_ns,
            .price_index = index,
            .node_id = row->node_id,
            .node_state = charge->node_state,
            .flags = (uint8_t)((pieces_count == 0 ? TG_TARIFF_FIRST_PIECE : 0) |
                               ((work->flags & TG_CHARGE_REVERSAL) != 0 ? TG_TARIFF_REFUND : 0)),
            .service = row->service,
        };
        before = cuts->is_isolated ? 0 : before + cut->units - free_units;
        pieces_count++;
    }
    if (pieces_count > 0) {
        rate->task_rows[from + pieces_count - 1].flags |= TG_TARIFF_LAST_PIECE;
    }
    *count = pieces_count;
    return TG_OK;
}

/* The call with this record and without it, both from where the counter stood before the call. When
 * its period began within the call, units of the call before that are not of this counter: they are
 * passed over on both sides, as covered ones are. */
static __attribute__((noinline)) enum tg_err call_pieces_make(struct tg_rate *rate,
                                                              const struct tg_usage *row,
                                                              const struct tg_charge *charge,
                                                              struct tg_rate_work *work)
{
    struct tg_call *call = work->call;
    const uint64_t own = call->before.billed_units - call->covered_blocks;
    const bool is_record = rate->cuts.info->counter == TG_COUNTER_RECORD;
    const uint64_t counted = is_record ? own : work->before_blocks;
    const bool has_place =
        strcmp(tg_image_tariff_name(work->image, work->price->price_id), "per_unit") != 0;
    const uint64_t passed = counted < own && has_place ? own - counted : 0;
    struct piece_start start = {.covered = call->covered_blocks + passed,
                                .before = counted > own ? counted - own : 0};
    enum tg_err err = TG_OK;
    call->pieces_from = work->pieces_from;
    if (call->before.cuts_count > 0) {
        err = pieces_make(rate, row, charge, work, &call->before, start, call->pieces_from,
                          &call->pieces_count);
    }
    if (err == TG_OK) {
        start.covered += work->covered_blocks;
        work->pieces_from += call->pieces_count;
        err = pieces_make(rate, row, charge, work, &rate->cuts, start, work->pieces_from,
                          &work->pieces_count);
    }
    work->before_blocks = counted;
    return err;
}

static enum tg_err tasks_make(struct tg_rate *rate, const struct tg_usage *row,
                              const struct tg_charge *charge, struct tg_rate_work *work)
{
    const struct piece_start start = {work->covered_blocks, work->before_blocks};
    work->pieces_from = rate->tasks_count;
    if (__builtin_expect(work->call != NULL, 0)) {
        return call_pieces_make(rate, row, charge, work);
    }
    return pieces_make(rate, row, charge, work, &rate->cuts, start, work->pieces_from,
                       &work->pieces_count);
}

/* Units that an allowance covers at a price of its own: one piece each, behind the others. */
static __attribute__((noinline)) enum tg_err uses_price(struct tg_rate *rate,
                                                        const struct tg_usage *row,
                                                        const struct tg_charge *charge,
                                                        struct tg_rate_work *work)
{
    for (uint32_t i = 0; i < work->log->uses_count; i++) {
        const struct tg_allowance_use *use = &work->log->uses[i];
        const uint32_t price = tg_image_allowance(work->image, use->allowance)->price;
        if (price == 0) {
            continue;
        }
        if (work->pieces_count == TG_PIECES_PER_ROW_MAX) {
            return TG_E_FULL;
        }
        const struct tg_price_info *info = tg_image_price_info(work->image, price - 1);
        const uint32_t index = work->pieces_from + work->pieces_count;
        rate->task_prices[index] = tg_image_price(work->image, price - 1);
        rate->tasks[index] = (struct tg_rate_task){.plug = plug_of(rate, work->image, price - 1),
                                                   .end_ns = rate->cuts.cuts[0].end_ns};
        if (rate->tasks[index].plug == NULL) {
            return TG_E_PLUGIN_OPEN;
        }
        rate->task_rows[index] = (struct tg_tariff_row){
            .units = tg_rate_units(use->used_base, info->unit_base_count, info->quantity_rounding),
            .start_ns = row->start_ns,
            .price_index = index,
            .node_id = row->node_id,
            .node_state = charge->node_state,
            .flags = TG_TARIFF_FIRST_PIECE | TG_TARIFF_LAST_PIECE,
            .service = row->service,
        };
        work->pieces_count++;
    }
    return TG_OK;
}

static __attribute__((noinline)) struct tg_allowance_log *log_of(struct tg_rate *rate,
                                                                 struct tg_rate_work *work)
{
    if (work->log == NULL) {
        work->log = &rate->logs[work - rate->works];
        tg_allowance_log_start(work->log);
    }
    return work->log;
}

static struct tg_bucket_time time_of(const struct tg_rate *rate, const struct tg_usage *row,
                                     const struct tg_rate_work *work)
{
    return tg_rules_time(work->image, tg_roster_account(rate->roster, work->account), row->start_ns,
                         work->active_from_s);
}

/* Shelves that a rule may change when the amounts are known are copied now: later rows of the group
 * are counted before that, and undoing goes back through the copies. */
static __attribute__((noinline)) enum tg_err row_rules(struct tg_rate *rate,
                                                       const struct tg_usage *row,
                                                       const struct tg_charge *charge,
                                                       struct tg_rate_work *work)
{
    struct tg_rules *rules = &rate->rules[work - rate->works];
    const struct tg_roster_account *account = tg_roster_account(rate->roster, work->account);
    rules->image = work->image;
    rules->price = work->price;
    rules->rule = tg_image_price_rule(work->image, work->price->price_id);
    rules->plan_service = work->plan_service;
    rules->log = log_of(rate, work);
    rules->time = time_of(rate, row, work);
    rules->at_ns = row->start_ns;
    rules->subscriber = charge->subscriber;
    rules->account = work->account;
    rules->currency = account != NULL ? account->currency : work->image->currency;
    return tg_rules_open(rate->accounts, rules);
}

/* A record that says how high something is: what is above the greatest before it is its units. */
static __attribute__((noinline)) enum tg_err
row_count_max(struct tg_rate *rate, const struct tg_usage *row, struct tg_charge *charge,
              struct tg_rate_work *work, uint64_t *before_base)
{
    const struct tg_price_info *info = rate->cuts.info;
    const struct tg_allowance_counter counter =
        tg_rate_counter_of(info, charge->subscriber, work->account);
    const struct tg_bucket_time time = time_of(rate, row, work);
    enum tg_err err = TG_OK;
    if (tg_rate_is_counted_aside(info)) {
        err = tg_allowance_count_max(rate->accounts, log_of(rate, work), &counter, &time,
                                     rate->cuts.billed_units * info->unit_base_count,
                                     info->unit_base_count, before_base, &work->events_before);
    }
    const uint64_t before = *before_base / info->unit_base_count;
    const uint64_t above = rate->cuts.billed_units > before ? rate->cuts.billed_units - before : 0;
    rate->cuts.billed_units = above;
    rate->cuts.cuts[0].units = above; /* events are of the band of their start */
    charge->billed_units = above * info->block_units;
    return err;
}

static __attribute__((noinline)) enum tg_err
row_count_aside(struct tg_rate *rate, const struct tg_usage *row, const struct tg_charge *charge,
                struct tg_rate_work *work, uint64_t *before_base)
{
    const struct tg_price_info *info = rate->cuts.info;
    const struct tg_allowance_counter counter =
        tg_rate_counter_of(info, charge->subscriber, work->account);
    const struct tg_bucket_time time = time_of(rate, row, work);
    const uint64_t unit_base = info->unit_base_count / info->block_units;
    return tg_allowance_count(rate->accounts, log_of(rate, work), &counter, &time,
                              (charge->billed_units - charge->allowance_units) * unit_base,
                              before_base, &work->events_before);
}

/* Blocks that a plan's list of allowances covers; apart, so that the usual row does not pay for
 * its registers. */
static __attribute__((noinline)) enum tg_err row_draw(struct tg_rate *rate,
                                                      const struct tg_usage *row,
                                                      const struct tg_charge *charge,
                                                      struct tg_rate_work *work)
{
    struct tg_allowance_draw draw = {
        .image = work->image,
        .plan_service = work->plan_service,
        .unit_base_count = rate->cuts.info->unit_base_count,
        .time = time_of(rate, row, work),
        .at_ns = row->start_ns,
        .roster = rate->roster,
        .begin_s = work->active_from_s,
        .subscriber = charge->subscriber,
        .root = tg_roster_root(rate->roster, charge->subscriber),
        .account = work->account,
        .zone = work->zone,
        .service = row->service,
        .direction = (row->flags & TG_USAGE_INCOMING) != 0 ? TG_DIRECTION_IN : TG_DIRECTION_OUT,
    };
    work->allowance_before = 0;
    if (work->call == NULL) {
        return tg_rate_cuts_draw(rate->accounts, log_of(rate, work), &draw, &rate->cuts,
                                 &work->covered_blocks);
    }
    const enum tg_err err = tg_rate_cuts_draw(rate->accounts, log_of(rate, work), &draw,
                                              &work->call->added, &work->covered_blocks);
    if (work->call->added.is_covered_apart) {
        const struct tg_call_place place = {work->image, work->plan_service, charge->subscriber,
                                            TG_TIME_MODEL_NONE, work->zone};
        tg_call_covered_apart(&place, &rate->cuts, work->call);
    }
    return err;
}

/* Blocks that allowances cover: the line's own bucket, or the plan's list. */
static enum tg_err row_cover(struct tg_rate *rate, const struct tg_usage *row,
                             const struct tg_charge *charge, struct tg_rate_work *work,
                             const struct tg_account_meter *meter)
{
    const struct tg_rate_cuts *cuts = work->call == NULL ? &rate->cuts : &work->call->added;
    if (__builtin_expect(work->plan_service->buckets_count != 0, 0)) {
        return row_draw(rate, row, charge, work);
    }
    uint64_t left;
    const enum tg_err err =
        allowance_left(row, work, meter, rate->cuts.info->unit_base_count, &left);
    work->allowance_before = left;
    work->covered_blocks = left < cuts->billed_units ? left : cuts->billed_units;
    return err;
}

/* Counters without the row that takes usage back. */
static __attribute__((noinline)) enum tg_err
row_counters_back(struct tg_rate *rate, const struct tg_usage *row, struct tg_charge *charge,
                  struct tg_rate_work *work, const struct tg_account_meter *meter)
{
    const struct tg_price_info *info = rate->cuts.info;
    const bool is_aside = tg_rate_is_counted_aside(info);
    const struct tg_allowance_counter counter =
        tg_rate_counter_of(info, charge->subscriber, work->account);
    const struct tg_bucket_time time = time_of(rate, row, work);
    const uint64_t unit_base = info->unit_base_count / info->block_units;
    uint64_t base_left;
    const enum tg_err err = tg_rate_reverse_count(
        rate->accounts, is_aside ? log_of(rate, work) : NULL, &counter, &time, info, meter,
        charge->billed_units * unit_base, &base_left, &work->events_before);
    work->before_blocks =
        info->counter == TG_COUNTER_RECORD ? 0 : base_left / info->unit_base_count;
    charge->units_before = work->before_blocks * info->block_units;
    return err;
}

/* Counters before the row; carried money has one of its own, which is posted here. */
static enum tg_err row_counters(struct tg_rate *rate, const struct tg_usage *row,
                                struct tg_charge *charge, struct tg_rate_work *work,
                                const struct tg_account_meter *meter)
{
    const struct tg_price_info *info = rate->cuts.info;
    uint64_t before_base = meter->priced_base;
    enum tg_err err = TG_OK;
    work->events_before = tg_account_events(meter);
    if (__builtin_expect((info->options & TG_PRICE_METERS_MAX) != 0, 0)) {
        err = row_count_max(rate, row, charge, work, &before_base);
    } else if (__builtin_expect(tg_rate_is_counted_aside(info), 0)) {
        err = row_count_aside(rate, row, charge, work, &before_base);
    }
    work->before_blocks =
        info->counter == TG_COUNTER_RECORD ? 0 : before_base / info->unit_base_count;
    charge->units_before = work->before_blocks * info->block_units;
    return err;
}

/* Is there a fee, and is it due once so much of the call is priced and billed? */
static bool fee_is_due(const struct tg_price *price, const struct tg_price_info *info,
                       bool is_priced, uint64_t billed_blocks)
{
    return price->connect_fee != 0 &&
           (is_priced || ((info->options & TG_PRICE_CONNECT_ON_USE) != 0 && billed_blocks > 0));
}

/* The call is told of its record; did it pay the fee before, and has it now? */
static __attribute__((noinline)) enum tg_err
call_post(struct tg_rate *rate, const struct tg_usage *row, struct tg_charge *charge,
          struct tg_rate_work *work, uint64_t unit_base_count)
{
    struct tg_call *call = work->call;
    const uint64_t billed = rate->cuts.billed_units;
    charge->units_before = work->before_blocks * rate->cuts.info->block_units;
    call->had_fee =
        call->before.price != NULL &&
        fee_is_due(call->before.price, call->before.info,
                   call->before.billed_units > call->covered_blocks, call->before.billed_units);
    work->has_connect_fee = fee_is_due(
        work->price, work->info, billed > call->covered_blocks + work->covered_blocks, billed);
    return tg_call_note(rate->accounts, call, row, charge->allowance_units * unit_base_count);
}

/* All that may refuse the row and needs its line; the caller undoes on refusal. */
static enum tg_err row_post(struct tg_rate *rate, const struct tg_usage *row,
                            struct tg_charge *charge, struct tg_rate_work *work,
                            struct tg_account_line *line)
{
    const struct tg_rate_cuts *cuts = &rate->cuts;
    const struct tg_call *call = work->call;
    const uint64_t block_units = cuts->info->block_units;
    const struct tg_account_meter *meter = &line->meters[tg_account_meter_of(row->service)];
    enum tg_err err = row_cover(rate, row, charge, work, meter);
    if (err != TG_OK) {
        return err;
    }
    const uint64_t billed_blocks = call == NULL ? cuts->billed_units : call->added.billed_units;
    if (__builtin_mul_overflow(billed_blocks, block_units, &charge->billed_units)) {
        return TG_E_AMOUNT_OVERFLOW;
    }
    charge->unit = cuts->info->unit;
    charge->allowance_units = work->covered_blocks * block_units;
    charge->amount = 0;
    const bool is_reversal = __builtin_expect((work->flags & TG_CHARGE_REVERSAL) != 0, 0);
    err = is_reversal ? row_counters_back(rate, row, charge, work, meter)
                      : row_counters(rate, row, charge, work, meter);
    if (err == TG_OK && __builtin_expect((cuts->info->options & TG_PRICE_RULES) != 0, 0)) {
        err = row_rules(rate, row, charge, work);
    }
    if (err != TG_OK) {
        return err;
    }
    err = tasks_make(rate, row, charge, work);
    if (err != TG_OK) {
        return err;
    }
    work->priced_count = work->pieces_count;
    if (__builtin_expect(work->plan_service->buckets_count != 0, 0)) {
        err = uses_price(rate, row, charge, work);
        if (err != TG_OK) {
            return err;
        }
    }
    work->has_connect_fee =
        fee_is_due(work->price, work->info, work->priced_count > 0, cuts->billed_units);
    charge->fate = TG_FATE_RATED;
    if (is_reversal) {
        return tg_rate_reverse_post(line, row, charge) ? TG_OK : TG_E_AMOUNT_OVERFLOW;
    }
    const uint64_t unit_base_count =
        block_units == 1 ? cuts->info->unit_base_count : tg_unit_base_count(charge->unit);
    if (__builtin_expect(call != NULL, 0)) {
        err = call_post(rate, row, charge, work, unit_base_count);
        if (err != TG_OK) {
            return err;
        }
    }
    return tg_account_post(line, row, charge, unit_base_count) ? TG_OK : TG_E_AMOUNT_OVERFLOW;
}

void tg_rate_row_undo(struct tg_rate *rate, struct tg_rate_work *work)
{
    if (work->line != NULL) {
        *work->line = work->undo;
        work->line = NULL;
    }
    if (work->log != NULL) {
        tg_allowance_undo(work->log);
        work->log = NULL;
    }
    if (work->call != NULL) {
        tg_accounts_calls_note(rate->accounts, work->call->subscriber);
        work->call = NULL;
    }
}

/* Is the row a part of a call? Then rate->cuts are those of the call so far. */
static __attribute__((noinline)) enum tg_err row_call(struct tg_rate *rate,
                                                      const struct tg_usage *row,
                                                      const struct tg_charge *charge,
                                                      uint32_t model, struct tg_rate_work *work)
{
    const struct tg_call_place place = {work->image, work->plan_service, charge->subscriber, model,
                                        work->zone};
    struct tg_call *call = &rate->calls[work - rate->works];
    bool is_part;
    const enum tg_err err =
        tg_call_cut(&place, row, rate->accounts, log_of(rate, work), &rate->cuts, call, &is_part);
    if (err != TG_OK || !is_part) {
        return err;
    }
    work->call = call;
    work->price = rate->cuts.price;
    work->info = rate->cuts.info;
    work->raw_units = rate->cuts.raw_units - call->before.raw_units;
    work->included_units = rate->cuts.included_units - call->before.included_units;
    return TG_OK;
}

static void row_count(struct tg_rate *rate, const struct tg_usage *row, struct tg_charge *charge,
                      struct tg_rate_work *work)
{
    const struct tg_plan_service *plan_service = work->plan_service;
    const uint32_t model = plan_service->time_model == TG_TIME_MODEL_NONE
                               ? TG_TIME_MODEL_NONE
                               : tg_rate_time_model(work->image, plan_service, row, charge->site,
                                                    tg_roster_account(rate->roster, work->account));
    enum tg_err err = tg_rate_cut(work->image, plan_service, model, work->zone, row, &rate->cuts);
    work->price = rate->cuts.price;
    work->info = rate->cuts.info;
    work->raw_units = rate->cuts.raw_units;
    work->included_units = rate->cuts.included_units;
    if (err != TG_OK) {
        work->reason = (int16_t)err;
        return;
    }
    struct tg_account_line *slot =
        tg_accounts_slot(rate->accounts, charge->subscriber, work->period);
    work->undo = *slot;
    if (__builtin_expect(slot->period != work->period, 0)) {
        /* The cost of a row before in the group is still to be added to the month that ends. */
        for (const struct tg_rate_work *before = rate->works; before < work; before++) {
            rate->is_rolled_within |= before->line == slot;
        }
    }
    if (tg_accounts_line(rate->accounts, charge->subscriber, work->period) == NULL) {
        work->reason = TG_E_PERIOD_CLOSED;
        return;
    }
    if (__builtin_expect(slot->calls_open != 0 || (row->flags & TG_USAGE_PARTIAL) != 0, 0) &&
        (work->flags & TG_CHARGE_REVERSAL) == 0) {
        err = row_call(rate, row, charge, model, work);
    }
    err = err == TG_OK ? row_post(rate, row, charge, work, slot) : err;
    if (err != TG_OK) {
        work->line = slot;
        tg_rate_row_undo(rate, work);
        work->pieces_count = 0;
        work->reason = (int16_t)err;
        return;
    }
    work->line = slot;
    rate->tasks_count = work->pieces_from + work->pieces_count;
}

/* With rate_change: call all records of a call have the zone that its number had when it began. */
static __attribute__((noinline)) void call_zone(struct tg_rate *rate, const struct tg_usage *row,
                                                const struct tg_charge *charge,
                                                struct tg_rate_work *work)
{
    const struct tg_plan_terms *terms = tg_image_plan_terms(work->image, work->plan_service);
    if (terms == NULL || terms->rate_change != TG_RATE_CHANGE_CALL ||
        (work->flags & TG_CHARGE_REVERSAL) != 0 ||
        tg_accounts_calls_open(rate->accounts, charge->subscriber) == 0) {
        return;
    }
    struct tg_shelf *shelf = tg_accounts_shelf(rate->accounts, false, charge->subscriber);
    const int64_t call_ns = shelf != NULL ? tg_call_start_ns(row, shelf) : row->start_ns;
    if (call_ns < row->start_ns) {
        work->zone =
            tg_rate_zone_of_call(work->image, work->plan_service, row, work->zone, call_ns);
    }
}

void tg_rate_row_count(struct tg_rate *rate, const struct tg_usage *row, struct tg_charge *charge,
                       struct tg_rate_work *work)
{
    assert(work->is_worked && work->reason == TG_OK);
    struct tg_usage priced;
    if (__builtin_expect(work->plan_service->has_terms != 0 || tg_usage_is_reversal(row), 0)) {
        work->reason =
            (int16_t)tg_rate_terms(work->image, work->plan_service, row, &priced, &work->flags);
        row = &priced;
        if (work->reason == TG_OK) {
            call_zone(rate, row, charge, work);
        }
    }
    if (work->reason == TG_OK) {
        row_count(rate, row, charge, work);
    }
}

/* The usual group has one tariff: it prices the tasks where they lie. */
static bool group_price_one(struct tg_rate *rate)
{
    if (rate->tasks_count > TG_GUARD_ROWS_MAX) {
        return false;
    }
    for (uint32_t i = 1; i < rate->tasks_count; i++) {
        if (rate->tasks[i].plug != rate->tasks[0].plug) {
            return false;
        }
    }
    (void)tg_guard_price(rate->tasks[0].plug, &rate->bounds, rate->task_prices, rate->tasks_count,
                         rate->task_rows, rate->tasks_count, rate->task_results);
    return true;
}

void tg_rate_group_price(struct tg_rate *rate)
{
    if (rate->tasks_count == 0 || group_price_one(rate)) {
        return;
    }
    for (uint32_t first = 0; first < rate->tasks_count; first++) {
        struct tg_plug *plug = rate->tasks[first].plug;
        if (plug == NULL) {
            continue;
        }
        uint32_t count = 0;
        for (uint32_t i = first; i < rate->tasks_count && count < TG_GUARD_ROWS_MAX; i++) {
            if (rate->tasks[i].plug == plug) {
                rate->call_tasks[count] = i;
                rate->call_prices[count] = rate->task_prices[i];
                rate->call_rows[count] = rate->task_rows[i];
                rate->call_rows[count].price_index = count;
                rate->tasks[i].plug = NULL;
                count++;
            }
        }
        (void)tg_guard_price(plug, &rate->bounds, rate->call_prices, count, rate->call_rows, count,
                             rate->call_results);
        for (uint32_t i = 0; i < count; i++) {
            rate->task_results[rate->call_tasks[i]] = rate->call_results[i];
        }
    }
}
