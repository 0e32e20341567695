/* SPDX-License-Identifier: Apache-2.0 */
/* The cold half of an account: what rating and replaying a row do to its shelves alike. */
#include "catalog/exchange.h"
#include "rate/reverse.h"
#include "rate/worker.h"

enum tg_err tg_rate_cuts_draw(struct tg_accounts *accounts, struct tg_allowance_log *log,
                              struct tg_allowance_draw *draw, struct tg_rate_cuts *cuts,
                              uint64_t *covered)
{
    *covered = 0;
    if (tg_allowance_is_raw(draw->image, draw->plan_service)) {
        draw->billed_blocks = cuts->cuts_count > 0 ? cuts->raw_units : 0;
        draw->band =
            cuts->cuts[0].band; /* beside bands raw usage is of one: that of start or end */
        const enum tg_err err = tg_allowance_draw(accounts, draw, log, covered);
        return err == TG_OK && *covered > 0 ? tg_rate_cuts_rest(cuts, *covered) : err;
    }
    if (!tg_allowance_has_bands(draw->image, draw->plan_service)) {
        draw->billed_blocks = cuts->billed_units;
        return tg_allowance_draw(accounts, draw, log, covered);
    }
    cuts->is_covered_apart = true;
    for (uint32_t i = 0; i < cuts->cuts_count; i++) {
        draw->billed_blocks = cuts->cuts[i].units;
        draw->band = cuts->cuts[i].band;
        const enum tg_err err =
            tg_allowance_draw(accounts, draw, log, &cuts->cuts[i].covered_units);
        if (err != TG_OK) {
            return err;
        }
        *covered += cuts->cuts[i].covered_units;
    }
    return TG_OK;
}

struct tg_allowance_counter tg_rate_counter_of(const struct tg_price_info *info,
                                               uint32_t subscriber, uint32_t account)
{
    const bool is_pool = info->counter_scope == TG_SCOPE_ACCOUNT;
    return (struct tg_allowance_counter){
        .index = is_pool ? account : subscriber,
        .counter = info->counter_index,
        .period = (uint8_t)(info->counter - TG_COUNTER_SHELF),
        .is_pool = is_pool,
    };
}

/* What a replayed row belongs to, found again. */
struct place {
    const struct tg_roster *roster;
    const struct tg_image *image;
    const struct tg_roster_line *line;
    const struct tg_roster_account *account;
    const struct tg_plan_service *plan_service;
    const struct tg_price *price;
    const struct tg_price_info *info;
    struct tg_bucket_time time;
    uint32_t begin_s;
};

static bool place_find(const struct tg_catalog_snapshot *snapshot, const struct tg_usage *row,
                       const struct tg_charge *charge, struct place *place)
{
    *place = (struct place){0};
    /* The version that priced it, whatever was imported for its time since. */
    place->image =
        snapshot != NULL ? tg_catalog_image_version(snapshot, charge->catalog_version) : NULL;
    if (place->image == NULL) {
        return false;
    }
    if (charge->subscriber >= snapshot->roster->subscribers_count) {
        return false;
    }
    const uint32_t index = tg_roster_index_at(snapshot->roster, charge->subscriber, row->start_ns);
    place->line = tg_roster_line(snapshot->roster, index);
    const struct tg_product *product = tg_image_product(place->image, place->line->product);
    place->plan_service = product == NULL ? NULL
                          : tg_rate_row_is_received(row)
                              ? tg_image_plan_received(place->image, product->plan, row->service)
                              : tg_image_plan_service(place->image, product->plan, row->service);
    place->price = tg_image_price(place->image, charge->price_id);
    if (place->plan_service == NULL || place->price == NULL) {
        return false;
    }
    place->info = tg_image_price_info(place->image, charge->price_id);
    place->roster = snapshot->roster;
    place->account = tg_roster_account(snapshot->roster, place->line->account);
    place->begin_s = tg_roster_since_s(snapshot->roster, index);
    place->time = tg_rules_time(place->image, place->account, row->start_ns, place->begin_s);
    return true;
}

/* Was the row a part of a call? Then the cuts are those of rating it; NULL: it was all of it. */
static enum tg_err call_apply(struct tg_rate *rate, const struct place *place,
                              const struct tg_usage *row, const struct tg_charge *charge,
                              struct tg_allowance_log *log, struct tg_call **call)
{
    const uint32_t model =
        tg_rate_time_model(place->image, place->plan_service, row, charge->site, place->account);
    const struct tg_call_place where = {place->image, place->plan_service, charge->subscriber,
                                        model, charge->zone};
    bool is_part = false;
    enum tg_err err =
        tg_rate_cut(place->image, place->plan_service, model, charge->zone, row, &rate->cuts);
    if (err == TG_OK) {
        err = tg_call_cut(&where, row, rate->accounts, log, &rate->cuts, &rate->calls[0], &is_part);
    }
    *call = is_part ? &rate->calls[0] : NULL;
    return err;
}

void tg_rate_draws(struct tg_rate *rate, enum tg_rate_draws draws)
{
    rate->draws = draws;
}

/* What is left of the cuts when no more than so many units of theirs may be covered. */
static void cuts_limit(struct tg_rate_cuts *cuts, uint64_t units)
{
    uint64_t left = units;
    cuts->billed_units = cuts->billed_units < units ? cuts->billed_units : units;
    cuts->raw_units = cuts->raw_units < units ? cuts->raw_units : units;
    for (uint32_t i = 0; i < cuts->cuts_count; i++) {
        cuts->cuts[i].units = cuts->cuts[i].units < left ? cuts->cuts[i].units : left;
        left -= cuts->cuts[i].units;
    }
}

/* As the row was rated, if it may be and fits; else so many units and not more. */
static enum tg_err draw_loosely(struct tg_rate *rate, const struct tg_allowance_draw *draw,
                                const struct tg_rate_cuts *cuts, struct tg_allowance_log *log,
                                uint64_t wanted)
{
    uint64_t covered = 0;
    enum tg_err err = TG_OK;
    if (rate->draws == TG_DRAWS_IF_IT_FITS) {
        struct tg_allowance_draw tried = *draw;
        rate->at_most = *cuts;
        err = tg_rate_cuts_draw(rate->accounts, log, &tried, &rate->at_most, &covered);
        if (err == TG_OK && covered == wanted) {
            return TG_OK;
        }
        tg_allowance_undo(log);
        tg_allowance_log_start(log);
    }
    struct tg_allowance_draw limited = *draw;
    rate->at_most = *cuts;
    cuts_limit(&rate->at_most, wanted);
    err = tg_rate_cuts_draw(rate->accounts, log, &limited, &rate->at_most, &covered);
    return err == TG_OK ? TG_OK : TG_E_CORRUPT;
}

static enum tg_err draw_apply(struct tg_rate *rate, const struct place *place,
                              const struct tg_usage *row, const struct tg_charge *charge,
                              struct tg_call *call, struct tg_allowance_log *log)
{
    struct tg_allowance_draw draw = {
        .image = place->image,
        .plan_service = place->plan_service,
        .unit_base_count = place->info->unit_base_count,
        .time = place->time,
        .at_ns = row->start_ns,
        .roster = place->roster,
        .begin_s = place->begin_s,
        .subscriber = charge->subscriber,
        .root = tg_roster_root(place->roster, charge->subscriber),
        .account = place->line->account,
        .zone = charge->zone,
        .service = row->service,
        .direction = (row->flags & TG_USAGE_INCOMING) != 0 ? TG_DIRECTION_IN : TG_DIRECTION_OUT,
    };
    struct tg_rate_cuts *cuts = call == NULL ? &rate->cuts : &call->added;
    uint64_t covered;
    enum tg_err err = TG_OK;
    if (call == NULL && (tg_allowance_has_bands(place->image, place->plan_service) ||
                         tg_allowance_is_raw(place->image, place->plan_service))) {
        const uint32_t model = tg_rate_time_model(place->image, place->plan_service, row,
                                                  charge->site, place->account);
        err = tg_rate_cut(place->image, place->plan_service, model, charge->zone, row, cuts);
    }
    cuts->billed_units = charge->billed_units / place->info->block_units;
    const uint64_t wanted = charge->allowance_units / place->info->block_units;
    if (__builtin_expect(rate->draws != TG_DRAWS_EXACTLY, 0) && err == TG_OK) {
        return draw_loosely(rate, &draw, cuts, log, wanted);
    }
    if (err == TG_OK) {
        err = tg_rate_cuts_draw(rate->accounts, log, &draw, cuts, &covered);
    }
    return err == TG_OK && covered * place->info->block_units == charge->allowance_units
               ? TG_OK
               : TG_E_CORRUPT;
}

static struct tg_rules *rules_start(struct tg_rate *rate, const struct place *place,
                                    const struct tg_usage *row, const struct tg_charge *charge)
{
    struct tg_rules *rules = &rate->rules[0];
    *rules = (struct tg_rules){
        .image = place->image,
        .price = place->price,
        .rule = tg_image_price_rule(place->image, charge->price_id),
        .plan_service = place->plan_service,
        .log = &rate->logs[0],
        .time = place->time,
        .at_ns = row->start_ns,
        .subscriber = charge->subscriber,
        .account = place->line->account,
        .currency = place->account != NULL ? place->account->currency : place->image->currency,
    };
    return rules;
}

/* A row that took usage back: plans that accept it have neither calls nor allowances to look at. */
static enum tg_err reversal_apply(struct tg_rate *rate, const struct place *place,
                                  const struct tg_usage *row, const struct tg_charge *charge,
                                  int64_t *cost)
{
    enum tg_err err = TG_OK;
    if (tg_rate_is_counted_aside(place->info)) {
        const struct tg_allowance_counter counter =
            tg_rate_counter_of(place->info, charge->subscriber, place->line->account);
        uint64_t left;
        uint64_t events;
        err = tg_allowance_count_back(rate->accounts, &rate->logs[0], &counter, &place->time,
                                      charge->billed_units * tg_unit_base_count(charge->unit),
                                      &left, &events);
    }
    if (err == TG_OK && (place->info->options & TG_PRICE_RULES) != 0) {
        struct tg_rules *rules = rules_start(rate, place, row, charge);
        struct tg_charge usage = *charge; /* converted as what was taken back, then negated */
        err = tg_rate_reverse_amount(&usage, cost) ? TG_OK : TG_E_CORRUPT;
        err = err == TG_OK ? tg_rules_open(rate->accounts, rules) : err;
        err = err == TG_OK ? tg_rules_apply(rate->accounts, rules, &usage) : err;
        *cost = -rules->cost;
    }
    return err;
}

/* A correction changes counters by differences; the shelves keep what was drawn. */
enum tg_err tg_rate_shelves_apply(struct tg_rate *rate, const struct tg_catalog_snapshot *snapshot,
                                  const struct tg_usage *row, const struct tg_charge *charge,
                                  int64_t *cost)
{
    struct tg_allowance_log *log = &rate->logs[0];
    struct tg_call *call = NULL;
    struct place place;
    enum tg_err err = TG_OK;
    *cost = charge->amount;
    if (!place_find(snapshot, row, charge, &place)) {
        return TG_OK;
    }
    if (tg_row_is_adjustment(row)) {
        const uint16_t own = place.account != NULL ? place.account->currency : charge->currency;
        const struct tg_exchange_rate *rate_in_force =
            tg_image_exchange(place.image, charge->currency, own, row->start_ns);
        return own == charge->currency || rate_in_force == NULL
                   ? TG_OK
                   : tg_exchange_amount(rate_in_force, charge->amount,
                                        place.image->rounding_exchange, cost);
    }
    struct tg_usage priced;
    uint8_t flags;
    if (place.plan_service->has_terms != 0) {
        if (tg_rate_terms(place.image, place.plan_service, row, &priced, &flags) != TG_OK) {
            return TG_E_CORRUPT;
        }
        row = &priced;
    }
    tg_allowance_log_start(log);
    if (tg_usage_is_reversal(row)) {
        return reversal_apply(rate, &place, row, charge, cost) == TG_OK ? TG_OK : TG_E_CORRUPT;
    }
    if ((row->flags & TG_USAGE_PARTIAL) != 0 ||
        tg_accounts_calls_open(rate->accounts, charge->subscriber) != 0) {
        err = call_apply(rate, &place, row, charge, log, &call);
    }
    if (err == TG_OK && place.plan_service->buckets_count > 0) {
        err = draw_apply(rate, &place, row, charge, call, log);
    }
    if (err == TG_OK && tg_rate_is_counted_aside(place.info)) {
        const struct tg_allowance_counter counter =
            tg_rate_counter_of(place.info, charge->subscriber, place.line->account);
        uint64_t before;
        uint64_t events;
        err = tg_allowance_count(rate->accounts, log, &counter, &place.time,
                                 (charge->billed_units - charge->allowance_units) *
                                     tg_unit_base_count(charge->unit),
                                 &before, &events);
    }
    if (err == TG_OK && call != NULL) {
        err = tg_call_note(rate->accounts, call, row,
                           charge->allowance_units * tg_unit_base_count(charge->unit));
    }
    if (err == TG_OK && (place.info->options & TG_PRICE_RULES) != 0) {
        struct tg_rules *rules = rules_start(rate, &place, row, charge);
        err = tg_rules_open(rate->accounts, rules);
        err = err == TG_OK ? tg_rules_apply(rate->accounts, rules, charge) : err;
        *cost = rules->cost;
    }
    return err == TG_OK ? TG_OK : TG_E_CORRUPT;
}
