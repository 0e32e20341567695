/* SPDX-License-Identifier: Apache-2.0 */
/* Second half of the rate stage: units, allowance and counters, then one call a tariff.
 *
 * Counters move before the amount is known, as they depend on units alone: so the rows of a group
 * can be counted in order and still be priced together. The line as it was is kept for the rare
 * row whose tariff refuses. */
#include "rate/worker.h"

#include <assert.h>

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

static enum tg_err tasks_make(struct tg_rate *rate, const struct tg_usage *row,
                              const struct tg_charge *charge, struct tg_rate_work *work)
{
    const struct tg_rate_cuts *cuts = &rate->cuts;
    const bool has_counter = cuts->info->counter != TG_COUNTER_RECORD;
    const bool is_money = work->plan_service->dimension == TG_DIMENSION_MONEY;
    uint64_t covered = work->covered_blocks;
    uint64_t before = work->before_blocks;
    work->pieces_from = rate->tasks_count;
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
        const uint32_t index = work->pieces_from + work->pieces_count;
        struct tg_rate_task *task = &rate->tasks[index];
        rate->task_prices[index] = cut->price;
        task->plug = plug_of(rate, work->image, cut->price->price_id);
        if (task->plug == NULL) {
            return TG_E_PLUGIN_OPEN;
        }
        task->end_ns = cut->end_ns;
        rate->task_rows[index] = (struct tg_tariff_row){
            .units = cut->units - free_units,
            .units_before = before,
            .events_before = has_counter ? work->events_before : 0,
            .base_amount = is_money                  ? money_of(cut->units - free_units, cuts->info)
                           : work->pieces_count == 0 ? money_carried(row)
                                                     : 0,
            .base_before = is_money ? money_of(before, cuts->info) : 0,
            .start_ns = cut->start_ns,
            .price_index = index,
            .node_id = row->node_id,
            .node_state = charge->node_state,
            .flags = work->pieces_count == 0 ? TG_TARIFF_FIRST_PIECE : 0,
            .service = row->service,
        };
        before = cuts->is_isolated ? 0 : before + cut->units - free_units;
        work->pieces_count++;
    }
    if (work->pieces_count > 0) {
        rate->task_rows[work->pieces_from + work->pieces_count - 1].flags |= TG_TARIFF_LAST_PIECE;
    }
    return TG_OK;
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
        rate->tasks[index] =
            (struct tg_rate_task){plug_of(rate, work->image, price - 1), rate->cuts.cuts[0].end_ns};
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

static __attribute__((noinline)) enum tg_err
row_count_aside(struct tg_rate *rate, const struct tg_usage *row, const struct tg_charge *charge,
                struct tg_rate_work *work, uint64_t *before_base)
{
    const struct tg_price_info *info = rate->cuts.info;
    const struct tg_allowance_counter counter =
        tg_rate_counter_of(info, row->service, charge->subscriber);
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
        .subscriber = charge->subscriber,
        .account = work->account,
        .zone = work->zone,
        .service = row->service,
        .direction = (row->flags & TG_USAGE_INCOMING) != 0 ? TG_DIRECTION_IN : TG_DIRECTION_OUT,
    };
    work->allowance_before = 0;
    return tg_rate_cuts_draw(rate->accounts, log_of(rate, work), &draw, &rate->cuts,
                             &work->covered_blocks);
}

/* Blocks that allowances cover: the line's own bucket, or the plan's list. */
static enum tg_err row_cover(struct tg_rate *rate, const struct tg_usage *row,
                             const struct tg_charge *charge, struct tg_rate_work *work,
                             const struct tg_account_meter *meter)
{
    const struct tg_rate_cuts *cuts = &rate->cuts;
    if (__builtin_expect(work->plan_service->buckets_count != 0, 0)) {
        return row_draw(rate, row, charge, work);
    }
    uint64_t left;
    const enum tg_err err = allowance_left(row, work, meter, cuts->info->unit_base_count, &left);
    work->allowance_before = left;
    work->covered_blocks = left < cuts->billed_units ? left : cuts->billed_units;
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
    if (__builtin_expect(tg_rate_is_counted_aside(info), 0)) {
        err = row_count_aside(rate, row, charge, work, &before_base);
    }
    work->before_blocks =
        info->counter == TG_COUNTER_RECORD ? 0 : before_base / info->unit_base_count;
    charge->units_before = work->before_blocks * info->block_units;
    return err;
}

/* All that may refuse the row and needs its line; the caller undoes on refusal. */
static enum tg_err row_post(struct tg_rate *rate, const struct tg_usage *row,
                            struct tg_charge *charge, struct tg_rate_work *work,
                            struct tg_account_line *line)
{
    const struct tg_rate_cuts *cuts = &rate->cuts;
    const uint64_t block_units = cuts->info->block_units;
    const struct tg_account_meter *meter = &line->meters[tg_account_meter_of(row->service)];
    enum tg_err err = row_cover(rate, row, charge, work, meter);
    if (err != TG_OK) {
        return err;
    }
    if (__builtin_mul_overflow(cuts->billed_units, block_units, &charge->billed_units)) {
        return TG_E_AMOUNT_OVERFLOW;
    }
    charge->unit = cuts->info->unit;
    charge->allowance_units = work->covered_blocks * block_units;
    charge->amount = 0;
    err = row_counters(rate, row, charge, work, meter);
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
    const bool is_marked = line->open_call != 0 || (row->flags & TG_USAGE_PARTIAL) != 0;
    const uint32_t mark = is_marked ? tg_account_call_mark(row) : 0;
    const bool goes_on = line->open_call != 0 && line->open_call == mark;
    const bool is_paid =
        work->priced_count > 0 ||
        ((cuts->info->options & TG_PRICE_CONNECT_ON_USE) != 0 && charge->billed_units > 0);
    work->has_connect_fee = is_paid && !goes_on && work->price->connect_fee != 0;
    charge->fate = TG_FATE_RATED;
    const uint64_t unit_base_count =
        block_units == 1 ? cuts->info->unit_base_count : tg_unit_base_count(charge->unit);
    return tg_account_post(line, row, charge, unit_base_count, mark) ? TG_OK : TG_E_AMOUNT_OVERFLOW;
}

void tg_rate_row_undo(struct tg_rate_work *work)
{
    if (work->line != NULL) {
        *work->line = work->undo;
        work->line = NULL;
    }
    if (work->log != NULL) {
        tg_allowance_undo(work->log);
        work->log = NULL;
    }
}

void tg_rate_row_count(struct tg_rate *rate, const struct tg_usage *row, struct tg_charge *charge,
                       struct tg_rate_work *work)
{
    assert(work->is_worked && work->reason == TG_OK);
    enum tg_err err = tg_rate_cut(work->image, work->plan_service, work->zone, row, &rate->cuts);
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
    err = row_post(rate, row, charge, work, slot);
    if (err != TG_OK) {
        work->line = slot;
        tg_rate_row_undo(work);
        work->pieces_count = 0;
        work->reason = (int16_t)err;
        return;
    }
    work->line = slot;
    rate->tasks_count += work->pieces_count;
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
