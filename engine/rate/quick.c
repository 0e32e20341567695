/* SPDX-License-Identifier: Apache-2.0 */
#include "rate/quick.h"

#include "base/clock.h"
#include "rate/account_state.h"
#include "rate/worker.h"

#include <assert.h>

/* Quantities and increments below this cannot overflow 64 bits on the way. */
#define QUICK_UNITS_MAX (UINT64_C(1) << 48)

/* The tag of an image; its pointer is compared with what it was made from, as an image may be freed
 * and another one mapped at its address. */
static void image_enter(struct tg_quick *quick, const struct tg_image *image)
{
    quick->image = image;
    for (uint32_t i = 0; i < TG_QUICK_IMAGES_COUNT; i++) {
        const struct tg_quick_image *known = &quick->images[i];
        if (known->image == image && known->version == image->version &&
            known->content_hash == image->content_hash) {
            quick->tag = known->tag;
            return;
        }
    }
    quick->tag = ++quick->tags_given;
    quick->images[quick->tag % TG_QUICK_IMAGES_COUNT] =
        (struct tg_quick_image){image, image->content_hash, image->version, quick->tag};
}

/* Take the times around an instant that share its image and its month. A batch has one image on the
 * short way, that of its first row: rows of another one are few. */
static __attribute__((noinline)) bool
times_enter(struct tg_rate *rate, const struct tg_catalog_snapshot *snapshot, int64_t at_ns)
{
    struct tg_quick *quick = &rate->quick;
    const struct tg_image *image = tg_catalog_image_at(snapshot, at_ns);
    const uint32_t period = tg_rate_period(rate, at_ns);
    if (image == NULL || period == 0 || (quick->image != NULL && quick->image != image)) {
        return false;
    }
    if (quick->image == NULL) {
        image_enter(quick, image);
    }
    for (uint32_t i = 0; i < TG_RATE_MONTHS_MAX; i++) {
        if (rate->months[i].period == period) {
            quick->from_ns = rate->months[i].from_ns;
            quick->to_ns = rate->months[i].to_ns;
        }
    }
    for (uint32_t i = 0; i < snapshot->images_count; i++) {
        const int64_t bound_ns = snapshot->valid_from_ns[i];
        if (bound_ns <= at_ns && bound_ns > quick->from_ns) {
            quick->from_ns = bound_ns;
        } else if (bound_ns > at_ns && bound_ns < quick->to_ns) {
            quick->to_ns = bound_ns;
        }
    }
    quick->period = period;
    return true;
}

/* The allowance of a plan's service when the account line alone keeps it. */
static void cell_allowance(const struct tg_image *image, uint8_t service,
                           struct tg_quick_cell *cell)
{
    const struct tg_allowance *allowance = tg_image_allowance(image, cell->plan_service->allowance);
    if (cell->plan_service->allowance == TG_ALLOWANCE_NONE || allowance == NULL ||
        allowance->dimension != cell->dimension ||
        ((allowance->services_mask >> service) & 1u) == 0) {
        return;
    }
    cell->allowance_base = allowance->amount_base;
    cell->zone_bits =
        allowance->zones_offset != 0 ? tg_image_at(image, allowance->zones_offset) : NULL;
}

static __attribute__((noinline)) void cell_make(const struct tg_image *image, uint64_t tag,
                                                uint32_t product_index, uint8_t service,
                                                struct tg_quick_cell *cell)
{
    *cell = (struct tg_quick_cell){.tag = tag};
    const struct tg_product *product = tg_image_product(image, product_index);
    const struct tg_plan_service *plan_service =
        product != NULL ? tg_image_plan_service(image, product->plan, service) : NULL;
    if (plan_service == NULL) {
        return;
    }
    cell->plan_service = plan_service;
    cell->matrix = tg_image_at(image, plan_service->matrix_offset);
    cell->zones_count = plan_service->zones_count;
    cell->bands_count = plan_service->bands_count;
    cell->time_model = plan_service->time_model;
    cell->deck = plan_service->zone_by == TG_ZONE_BY_NETWORK ? TG_DECK_NONE : plan_service->deck;
    cell->dimension = plan_service->dimension;
    cell->is_zoned_by_network = plan_service->zone_by == TG_ZONE_BY_NETWORK;
    cell->is_cut_by_time =
        (plan_service->dimension == TG_DIMENSION_TIME || plan_service->is_data_timed != 0) &&
        plan_service->split_mode != TG_SPLIT_START;
    cell->is_quick = plan_service->buckets_count == 0 &&
                     plan_service->dimension != TG_DIMENSION_MONEY &&
                     plan_service->zone_by != TG_ZONE_BY_PAIR &&
                     (plan_service->deck_match != TG_DECK_MATCH_LONGEST ||
                      plan_service->fallback_decks[0] == TG_DECK_NONE) &&
                     !tg_image_time_model_varies(image, plan_service->time_model);
    cell_allowance(image, service, cell);
}

static bool price_is_quick(const struct tg_price *price, const struct tg_price_info *info,
                           const struct tg_plug *plug)
{
    const struct tg_price_step *step = tg_price_steps(price);
    if (plug == NULL || plug->origin != TG_PLUG_BUILTIN) {
        return false;
    }
    const struct tg_tariff *tariff = plug->plugin->contract;
    return (tariff->promises & TG_TARIFF_IS_LINEAR) != 0 && price->steps_count == 1 &&
           step->flat == 0 && step->per_units < UINT32_MAX && step->price != INT64_MIN &&
           price->first_increment < QUICK_UNITS_MAX && price->next_increment < QUICK_UNITS_MAX &&
           price->minimum_units < QUICK_UNITS_MAX && price->grace_units == 0 &&
           info->quantity_rounding != TG_ROUND_HALF_EVEN && info->block_units == 1 &&
           info->round_exponent == 0 &&
           (info->options & (TG_PRICE_RULES | TG_PRICE_INCLUDED_FIRST)) == 0 &&
           info->counter < TG_COUNTER_SHELF;
}

/* What makes floor((x + add) / divisor) the rounded quotient of a magnitude. */
static uint64_t rounding_add(uint8_t rounding, bool is_negative, uint64_t divisor)
{
    switch (rounding) {
    case TG_ROUND_HALF_UP:
    case TG_ROUND_HALF_EVEN:
        return divisor / 2;
    case TG_ROUND_UP:
        return divisor - 1;
    case TG_ROUND_CEIL:
        return is_negative ? 0 : divisor - 1;
    case TG_ROUND_FLOOR:
        return is_negative ? divisor - 1 : 0;
    default:
        return 0;
    }
}

static __attribute__((noinline)) void price_make(const struct tg_image *image, uint64_t tag,
                                                 uint32_t price_id, struct tg_quick_price *quick)
{
    *quick = (struct tg_quick_price){.tag = tag};
    const struct tg_price *price = tg_image_price(image, price_id);
    if (price == NULL) {
        return;
    }
    const struct tg_price_info *info = tg_image_price_info(image, price_id);
    quick->plug = tg_plug_find(TG_PLUGIN_TARIFF, tg_image_tariff_name(image, price_id));
    if (!price_is_quick(price, info, quick->plug)) {
        return;
    }
    const struct tg_price_step *step = tg_price_steps(price);
    quick->is_quick = 1;
    quick->is_negative = step->price < 0;
    quick->step_price = (uint64_t)(step->price < 0 ? -step->price : step->price);
    quick->unit_base = tg_reciprocal_of(info->unit_base_count);
    quick->per_units = tg_reciprocal_of(step->per_units);
    quick->next = tg_reciprocal_of(price->next_increment);
    quick->unit_base_add = rounding_add(info->quantity_rounding, false, info->unit_base_count);
    quick->per_units_add = rounding_add(price->rounding, step->price < 0, step->per_units);
    quick->is_half_even = price->rounding == TG_ROUND_HALF_EVEN && step->per_units % 2 == 0;
    quick->first_increment = price->first_increment;
    quick->minimum_units = price->minimum_units;
    quick->included_units = price->included_units;
    quick->connect_fee = price->connect_fee;
    quick->charge_min = price->charge_min;
    quick->charge_max = (info->options & TG_PRICE_MAX_STOPS) == 0 ? price->charge_max : INT64_MAX;
    quick->currency = image->currency;
    quick->unit = info->unit;
    quick->is_counted = info->counter != TG_COUNTER_RECORD;
    quick->is_connect_on_use = (info->options & TG_PRICE_CONNECT_ON_USE) != 0;
    quick->has_extras =
        quick->connect_fee != 0 || quick->charge_min != INT64_MIN || quick->charge_max != INT64_MAX;
}

/* Rows of the group that a slot was found for before another takes it go the long way. A pointer of
 * a group before may be met too, which only costs its row the short way. */
static __attribute__((noinline)) void slot_leave(struct tg_quick *quick, const void *slot)
{
    for (uint32_t i = 0; i < TG_QUICK_ROWS_MAX; i++) {
        struct tg_quick_row *row = &quick->rows[i];
        if (row->cell == slot || row->price == slot) {
            row->cell = NULL;
        }
    }
}

static inline const struct tg_quick_cell *cell_of(struct tg_quick *quick, uint32_t product,
                                                  uint8_t service)
{
    const uint64_t tag = (uint64_t)quick->tag << 32 | product << 8 | service;
    struct tg_quick_cell *cell =
        &quick->cells[(product * TG_SERVICE_COUNT + service) % TG_QUICK_CELLS_COUNT];
    if (__builtin_expect(cell->tag != tag, 0)) {
        slot_leave(quick, cell);
        cell_make(quick->image, tag, product, service, cell);
    }
    return cell;
}

static inline const struct tg_quick_price *price_of(struct tg_quick *quick, uint32_t price_id)
{
    const uint64_t tag = (uint64_t)quick->tag << 32 | price_id;
    struct tg_quick_price *price = &quick->prices[price_id % TG_QUICK_PRICES_COUNT];
    if (__builtin_expect(price->tag != tag, 0)) {
        slot_leave(quick, price);
        price_make(quick->image, tag, price_id, price);
    }
    return price;
}

/* Band of the start; false when the row goes on behind the band's end or has none. */
static bool band_of(const struct tg_image *image, const struct tg_quick_cell *cell,
                    const struct tg_usage *row, uint16_t *band)
{
    int64_t until_ns;
    const uint32_t found = tg_image_band(image, cell->time_model, row->start_ns, &until_ns);
    *band = (uint16_t)found;
    return found != TG_BAND_NONE &&
           (cell->is_cut_by_time == 0 || (uint64_t)row->duration_ms * TG_NS_PER_MS <=
                                             (uint64_t)until_ns - (uint64_t)row->start_ns);
}

/* Who, which plan, which band: NULL when any of it is unusual. */
static inline const struct tg_quick_cell *
row_resolve(struct tg_rate *rate, const struct tg_catalog_snapshot *snapshot,
            const struct tg_usage *row, uint32_t subscriber, struct tg_quick_row *quick_row)
{
    struct tg_quick *quick = &rate->quick;
    const struct tg_roster *roster = snapshot->roster;
    if (subscriber >= roster->subscribers_count ||
        subscriber >= rate->accounts->subscribers_count_max || row->service >= TG_SERVICE_COUNT ||
        (row->flags & (TG_USAGE_INCOMING | TG_USAGE_PARTIAL)) != 0) {
        return NULL;
    }
    const uint16_t product = tg_roster_product(roster, subscriber, row->start_ns);
    if (product == TG_ROSTER_ASK_LINE) {
        return NULL;
    }
    if (__builtin_expect(row->start_ns < quick->from_ns || row->start_ns >= quick->to_ns, 0) &&
        !times_enter(rate, snapshot, row->start_ns)) {
        return NULL;
    }
    const struct tg_quick_cell *cell = cell_of(quick, product, row->service);
    quick_row->zone = TG_ZONE_NONE;
    quick_row->band = 0;
    if (cell->is_quick == 0 || (cell->time_model != TG_TIME_MODEL_NONE &&
                                !band_of(quick->image, cell, row, &quick_row->band))) {
        return NULL;
    }
    if (cell->is_zoned_by_network != 0) {
        quick_row->zone = tg_image_network_zone(quick->image, row->serving_network);
    }
    return cell;
}

/* Zones of numbers, the rows of one deck together so that their misses overlap. A number that the
 * plan's own deck does not have goes the long way, where the other decks are asked. */
static void group_zones(struct tg_quick *quick, const struct tg_usage *rows, uint32_t wanted)
{
    while (wanted != 0) {
        const uint32_t first = (uint32_t)__builtin_ctz(wanted);
        const uint16_t deck = quick->rows[first].cell->deck;
        uint64_t keys[TG_QUICK_ROWS_MAX];
        int64_t at_ns[TG_QUICK_ROWS_MAX];
        uint16_t zones[TG_QUICK_ROWS_MAX];
        uint32_t taken[TG_QUICK_ROWS_MAX];
        uint32_t taken_count = 0;
        for (uint32_t rest = wanted; rest != 0; rest &= rest - 1) {
            const uint32_t i = (uint32_t)__builtin_ctz(rest);
            if (quick->rows[i].cell->deck == deck) {
                keys[taken_count] = rows[i].peer_key;
                at_ns[taken_count] = rows[i].start_ns;
                taken[taken_count++] = i;
                wanted &= ~(1u << i);
            }
        }
        tg_image_zones(quick->image, deck, keys, at_ns, taken_count, zones);
        for (uint32_t k = 0; k < taken_count; k++) {
            struct tg_quick_row *row = &quick->rows[taken[k]];
            row->zone = zones[k];
            row->cell = zones[k] != TG_ZONE_NONE ? row->cell : NULL;
        }
    }
}

static inline void row_price(struct tg_quick *quick, struct tg_quick_row *row)
{
    const struct tg_quick_cell *cell = row->cell;
    if (row->zone >= cell->zones_count || row->band >= cell->bands_count) {
        row->cell = NULL;
        return;
    }
    const uint32_t price_id = cell->matrix[(size_t)row->zone * cell->bands_count + row->band];
    if (price_id == TG_PRICE_NONE) {
        row->cell = NULL;
        return;
    }
    row->price = price_of(quick, price_id);
    if (row->price->is_quick == 0) {
        row->cell = NULL;
    }
}

void tg_rate_quick_resolve(struct tg_rate *rate, const struct tg_catalog_snapshot *snapshot,
                           const struct tg_usage *rows, const struct tg_charge *charges,
                           uint32_t count)
{
    struct tg_quick *quick = &rate->quick;
    uint32_t wanted = 0; /* rows that ask a deck */
    assert(count <= TG_QUICK_ROWS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        struct tg_quick_row *row = &quick->rows[i];
        row->cell = charges[i].fate == TG_FATE_NONE
                        ? row_resolve(rate, snapshot, &rows[i], charges[i].subscriber, row)
                        : NULL;
        if (row->cell == NULL) {
            continue;
        }
        if (row->cell->deck != TG_DECK_NONE && tg_usage_peer_kind(&rows[i]) == TG_KEY_E164) {
            wanted |= 1u << i;
        } else {
            row_price(quick, row);
        }
    }
    if (wanted == 0) {
        return;
    }
    for (uint32_t rest = wanted; rest != 0; rest &= rest - 1) {
        const uint32_t i = (uint32_t)__builtin_ctz(rest);
        wanted &= ~((quick->rows[i].cell == NULL ? 1u : 0u) << i);
    }
    group_zones(quick, rows, wanted);
    for (; wanted != 0; wanted &= wanted - 1) {
        struct tg_quick_row *row = &quick->rows[__builtin_ctz(wanted)];
        if (row->cell != NULL) {
            row_price(quick, row);
        }
    }
}

/* Base quantity to whole units, then increments; 0 goes the long way. */
static inline uint64_t units_of(const struct tg_quick_price *price, uint64_t base)
{
    uint64_t units = tg_reciprocal_divide(&price->unit_base, base + price->unit_base_add);
    if (units == 0) {
        return 0;
    }
    units = units < price->minimum_units ? price->minimum_units : units;
    if (units <= price->first_increment) {
        return price->first_increment;
    }
    if (price->next.divisor == 1) {
        return units;
    }
    const uint64_t over = units - price->first_increment + price->next.divisor - 1;
    return price->first_increment + tg_reciprocal_divide(&price->next, over) * price->next.divisor;
}

/* What priced units cost, with the rest that rounding left; false: not within 64 bits. */
static inline bool units_price(const struct tg_quick_price *price, uint64_t units, int64_t *amount,
                               int64_t *remainder)
{
    const uint64_t divisor = price->per_units.divisor;
    uint64_t product;
    if (__builtin_mul_overflow(price->step_price, units, &product) ||
        product > INT64_MAX - divisor) {
        return false;
    }
    int64_t whole =
        (int64_t)tg_reciprocal_divide(&price->per_units, product + price->per_units_add);
    int64_t rest = (int64_t)(product - (uint64_t)whole * divisor);
    if (price->is_half_even != 0 && (whole & 1) != 0 && -rest == (int64_t)(divisor / 2)) {
        whole -= 1;
        rest += (int64_t)divisor;
    }
    const uint64_t gap = (uint64_t)(rest < 0 ? -rest : rest);
    const int64_t parts = (int64_t)tg_reciprocal_divide(&price->per_units, gap << 32);
    const bool is_below = (rest < 0) != (price->is_negative != 0);
    *amount = price->is_negative != 0 ? -whole : whole;
    *remainder = is_below ? -parts : parts;
    return true;
}

/* Units that the line's own allowance still covers. */
static inline uint64_t allowance_left(const struct tg_quick_row *row,
                                      const struct tg_account_meter *meter)
{
    const struct tg_quick_cell *cell = row->cell;
    const uint64_t used_base = meter->allowance_base;
    if (cell->allowance_base <= used_base ||
        (cell->zone_bits != NULL &&
         ((cell->zone_bits[row->zone / 8] >> (row->zone % 8)) & 1u) == 0)) {
        return 0;
    }
    return tg_reciprocal_divide(&row->price->unit_base, cell->allowance_base - used_base);
}

/* Fee and bounds that few prices have. */
static inline bool amount_finish(const struct tg_quick_price *price, bool is_priced,
                                 int64_t *amount, int64_t *remainder)
{
    if (is_priced || price->is_connect_on_use != 0) {
        if (__builtin_add_overflow(*amount, price->connect_fee, amount)) {
            return false;
        }
    }
    const int64_t unlimited = *amount;
    if (is_priced) {
        *amount = *amount < price->charge_min ? price->charge_min : *amount;
        *amount = *amount > price->charge_max ? price->charge_max : *amount;
        *remainder = *amount == unlimited ? *remainder : 0;
    }
    return true;
}

/* All or nothing: false leaves line and charge as they were. */
static inline bool line_post(struct tg_rate *rate, const struct tg_usage *row,
                             struct tg_charge *charge, const struct tg_quick_row *quick_row,
                             struct tg_account_line *line)
{
    const struct tg_quick_price *price = quick_row->price;
    struct tg_account_meter *meter = &line->meters[tg_account_meter_of(row->service)];
    uint64_t billed = units_of(price, tg_rate_base_quantity(row, quick_row->cell->dimension));
    billed = billed > price->included_units ? billed - price->included_units : 0;
    const uint64_t left = allowance_left(quick_row, meter);
    const uint64_t covered = left < billed ? left : billed;
    const uint64_t before_base = meter->priced_base;
    uint64_t billed_base;
    int64_t amount = 0;
    int64_t remainder = 0;
    int64_t cost;
    if (billed == 0 || __builtin_mul_overflow(billed, price->unit_base.divisor, &billed_base) ||
        billed_base > TG_METER_BASE_MAX ||
        (billed != covered && !units_price(price, billed - covered, &amount, &remainder)) ||
        amount > rate->bounds.amount_max || amount < -rate->bounds.amount_max ||
        (price->has_extras != 0 && !amount_finish(price, billed != covered, &amount, &remainder))) {
        return false;
    }
    const uint64_t covered_base = covered * price->unit_base.divisor;
    if (billed_base - covered_base > TG_METER_BASE_MAX - before_base ||
        covered_base > TG_METER_BASE_MAX - meter->allowance_base ||
        tg_account_events(meter) == UINT32_MAX ||
        __builtin_add_overflow(line->cost, amount, &cost)) {
        return false;
    }
    tg_account_meter_add(meter, billed_base - covered_base, covered_base);
    line->cost = cost;
    rate->counts.connect_fees_count +=
        price->connect_fee != 0 && (billed != covered || price->is_connect_on_use != 0);
    *charge = (struct tg_charge){
        .amount = amount,
        .remainder = remainder,
        .billed_units = billed,
        .allowance_units = covered,
        .units_before =
            price->is_counted != 0 ? tg_reciprocal_divide(&price->unit_base, before_base) : 0,
        .subscriber = charge->subscriber,
        .price_id = (uint32_t)price->tag,
        .catalog_version = rate->quick.image->version,
        .currency = price->currency,
        .zone = quick_row->zone,
        .reason = TG_OK,
        .fate = TG_FATE_RATED,
        .node_state = charge->node_state,
        .pieces_count = 1,
        .unit = price->unit,
        .site = charge->site,
    };
    return true;
}

/* The line's first row of a month. */
static __attribute__((noinline)) bool fresh_post(struct tg_rate *rate, const struct tg_usage *row,
                                                 struct tg_charge *charge,
                                                 const struct tg_quick_row *quick_row,
                                                 uint32_t period, struct tg_account_line *line)
{
    const struct tg_account_line before = *line;
    if (tg_accounts_line(rate->accounts, charge->subscriber, period) == NULL) {
        return false;
    }
    if (line->calls_open != 0 || !line_post(rate, row, charge, quick_row, line)) {
        *line = before;
        return false;
    }
    return true;
}

static inline bool row_post(struct tg_rate *rate, const struct tg_usage *row,
                            struct tg_charge *charge, const struct tg_quick_row *quick_row)
{
    const struct tg_quick *quick = &rate->quick;
    const bool is_usual_time = row->start_ns >= quick->from_ns && row->start_ns < quick->to_ns;
    const uint32_t period = is_usual_time ? quick->period : tg_rate_period(rate, row->start_ns);
    struct tg_account_line *line = &rate->accounts->lines[period & 1][charge->subscriber];
    if (__builtin_expect(tg_plug_is_quarantined(quick_row->price->plug), 0)) {
        return false;
    }
    if (__builtin_expect(line->period != period, 0)) {
        return fresh_post(rate, row, charge, quick_row, period, line);
    }
    if (__builtin_expect(line->calls_open != 0, 0)) {
        return false;
    }
    tg_accounts_touch(rate->accounts, charge->subscriber, period);
    return line_post(rate, row, charge, quick_row, line);
}

uint32_t tg_rate_quick_run(struct tg_rate *rate, const struct tg_usage *rows,
                           struct tg_charge *charges, uint32_t from, uint32_t count)
{
    uint32_t at = from;
    for (; at < count; at++) {
        const struct tg_quick_row *quick_row = &rate->quick.rows[at];
        if (quick_row->cell == NULL || !row_post(rate, &rows[at], &charges[at], quick_row)) {
            break;
        }
    }
    rate->counts.rated_count += at - from;
    return at;
}
