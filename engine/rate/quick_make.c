/* SPDX-License-Identifier: Apache-2.0 */
/* What the short way keeps of a catalog: times, cells and prices, each worked out once. */
#include "rate/quick.h"

#include "base/money.h"
#include "rate/worker.h"

#include <string.h>

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

bool tg_rate_quick_times(struct tg_rate *rate, const struct tg_catalog_snapshot *snapshot,
                         int64_t at_ns)
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
    const struct tg_roster *roster = snapshot->roster;
    quick->usual_ns = quick->from_ns > roster->hot_from_ns ? quick->from_ns : roster->hot_from_ns;
    quick->usual_span_ns = roster->hot != NULL && quick->usual_ns < quick->to_ns
                               ? (uint64_t)quick->to_ns - (uint64_t)quick->usual_ns
                               : 0;
    return true;
}

/* The allowance of a plan's service when the account line alone keeps it. */
static void cell_allowance(const struct tg_image *image, const struct tg_plan_service *plan_service,
                           uint8_t service, struct tg_quick_cell *cell)
{
    const struct tg_allowance *allowance = tg_image_allowance(image, plan_service->allowance);
    if (plan_service->allowance == TG_ALLOWANCE_NONE || allowance == NULL ||
        allowance->dimension != plan_service->dimension ||
        ((allowance->services_mask >> service) & 1u) == 0) {
        return;
    }
    cell->allowance_base =
        allowance->amount_base < TG_RECIPROCAL_END ? allowance->amount_base : TG_RECIPROCAL_END - 1;
    cell->zone_bits =
        allowance->zones_offset != 0 ? tg_image_at(image, allowance->zones_offset) : NULL;
}

/* The quantity that a service's dimension counts, as masks: a branch by dimension is mispredicted
 * where calls and data come mixed. */
static void cell_quantity(uint8_t dimension, struct tg_quick_cell *cell)
{
    cell->duration_mask = dimension == TG_DIMENSION_TIME ? UINT32_MAX : 0;
    cell->up_mask = dimension == TG_DIMENSION_TIME ? 0 : TG_QUANTITY_MAX;
    cell->down_mask = dimension == TG_DIMENSION_BYTES ? TG_QUANTITY_MAX : 0;
}

/* A cell that sells at one price whatever the row says. */
static void cell_plain(struct tg_quick *quick, struct tg_quick_cell *cell)
{
    cell->is_plain = cell->is_quick && cell->causes == NULL && cell->deck == TG_DECK_NONE &&
                     !cell->is_zoned_by_network && cell->time_model == TG_TIME_MODEL_NONE &&
                     cell->zones_count > 0 && cell->bands_count > 0 &&
                     cell->matrix[0] != TG_PRICE_NONE;
    if (cell->is_plain) {
        cell->price_tag = (uint64_t)quick->tag << 32 | cell->matrix[0];
        cell->price = &quick->prices[cell->matrix[0] % TG_QUICK_PRICES_COUNT];
    }
}

/* A record without usage goes the long way whatever its terms, as it has no units. */
static void cell_terms(const struct tg_image *image, const struct tg_plan_service *plan_service,
                       struct tg_quick_cell *cell)
{
    const struct tg_plan_terms *terms = tg_image_plan_terms(image, plan_service);
    cell->causes = tg_image_causes(image, terms);
    cell->is_quick =
        terms->rate_change == TG_RATE_CHANGE_START && terms->number == TG_NUMBER_DIALLED;
}

void tg_rate_quick_cell_make(struct tg_quick *quick, uint64_t tag, uint32_t product_index,
                             uint8_t service, struct tg_quick_cell *cell)
{
    const struct tg_image *image = quick->image;
    *cell = (struct tg_quick_cell){.tag = tag};
    const struct tg_product *product = tg_image_product(image, product_index);
    const struct tg_plan_service *plan_service =
        product != NULL && service < TG_SERVICE_COUNT
            ? tg_image_plan_service(image, product->plan, service)
            : NULL;
    if (plan_service == NULL) {
        return;
    }
    cell->matrix = tg_image_at(image, plan_service->matrix_offset);
    cell->zones_count = plan_service->zones_count;
    cell->bands_count = plan_service->bands_count;
    cell->time_model = plan_service->time_model;
    cell->deck = plan_service->zone_by == TG_ZONE_BY_NETWORK ? TG_DECK_NONE : plan_service->deck;
    cell->meter_offset = (uint16_t)(offsetof(struct tg_account_line, meters) +
                                    tg_account_meter_of(service) * sizeof(struct tg_account_meter));
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
    if (plan_service->has_terms != 0 && cell->is_quick != 0) {
        cell_terms(image, plan_service, cell);
    }
    cell_plain(quick, cell);
    cell_quantity(plan_service->dimension, cell);
    cell_allowance(image, plan_service, service, cell);
}

/* A unit costs a whole amount at the price's decimals: whatever is used, nothing is rounded. */
static bool unit_is_whole(const struct tg_price_step *step, int64_t grid)
{
    int64_t unit_grid;
    return !__builtin_mul_overflow(grid, (int64_t)step->per_units, &unit_grid) &&
           step->price % unit_grid == 0;
}

/* The price's decimals: what is added to an amount, or bounds it, is of no more decimals where
 * nothing is rounded, and is not there at all where something is. A sum with a fee may round
 * otherwise than the amount alone, and bounds are compared before it is rounded. */
static bool decimals_are_quick(const struct tg_price *price, const struct tg_price_info *info)
{
    const struct tg_price_step *step = tg_price_steps(price);
    const int64_t grid = tg_pow10(info->round_exponent);
    const bool has_min = price->charge_min != INT64_MIN;
    const bool has_max = price->charge_max != INT64_MAX;
    if (grid == 1) {
        return true;
    }
    return unit_is_whole(step, grid)
               ? price->connect_fee % grid == 0 && (!has_min || price->charge_min % grid == 0) &&
                     (!has_max || price->charge_max % grid == 0)
               : price->connect_fee == 0 && !has_min && !has_max &&
                     (info->options & TG_PRICE_ROUND_SEGMENTS) == 0;
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
           step->flat == 0 && step->per_units <= INT32_MAX && step->price != INT64_MIN &&
           price->first_increment < QUICK_UNITS_MAX && price->next_increment < QUICK_UNITS_MAX &&
           price->minimum_units < QUICK_UNITS_MAX && price->grace_units == 0 &&
           info->unit_base_count < QUICK_UNITS_MAX &&
           info->quantity_rounding != TG_ROUND_HALF_EVEN && info->block_units == 1 &&
           decimals_are_quick(price, info) &&
           (info->options & (TG_PRICE_RULES | TG_PRICE_INCLUDED_FIRST | TG_PRICE_METERS_MAX)) ==
               0 &&
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

/* Most units that can be billed without a look at overflows and bounds: of a meter, of a product in
 * 64 bits, of an amount. Where rounding may add to an amount it may be one unit too few, whose row
 * goes the long way. */
static uint64_t billed_max(const struct tg_quick_price *quick, uint64_t magnitude,
                           int64_t amount_max)
{
    const uint64_t divisor = quick->per_units.divisor;
    const uint64_t grid = (uint64_t)quick->grid;
    const uint64_t rounded_max = (uint64_t)amount_max > grid ? (uint64_t)amount_max - grid : 0;
    const unsigned __int128 product_max = quick->is_whole != 0
                                              ? (uint64_t)amount_max
                                              : (unsigned __int128)rounded_max * (divisor / grid);
    const uint64_t most =
        product_max < INT64_MAX - divisor ? (uint64_t)product_max : (uint64_t)INT64_MAX - divisor;
    const uint64_t meter_max = TG_METER_BASE_MAX / quick->unit_base.divisor;
    const uint64_t price_max = magnitude > 0 ? most / magnitude : UINT64_MAX;
    return meter_max < price_max ? meter_max : price_max;
}

/* Increments as one division: units at or above the least, plus next_add, in whole increments. */
static void price_increments(const struct tg_price *price, struct tg_quick_price *quick)
{
    const uint64_t included =
        price->included_units < QUICK_UNITS_MAX << 8 ? price->included_units : QUICK_UNITS_MAX << 8;
    quick->next = tg_reciprocal_of(price->next_increment);
    quick->units_min = price->minimum_units > price->first_increment ? price->minimum_units
                                                                     : price->first_increment;
    quick->next_add = price->next_increment - 1 - price->first_increment;
    quick->billed_add = (int64_t)price->first_increment - (int64_t)included;
}

/* What every charge at this price says. */
static void price_charge(const struct tg_image *image, const struct tg_price_info *info,
                         struct tg_quick_price *quick)
{
    struct tg_charge charge = {.catalog_version = image->version,
                               .currency = image->currency,
                               .reason = TG_OK,
                               .fate = TG_FATE_RATED,
                               .pieces_count = 1,
                               .unit = info->unit};
    uint64_t words[sizeof charge / sizeof(uint64_t)];
    memcpy(words, &charge, sizeof words);
    quick->label = words[offsetof(struct tg_charge, catalog_version) / sizeof(uint64_t)];
    quick->tail = words[offsetof(struct tg_charge, reason) / sizeof(uint64_t)];
}

void tg_rate_quick_price_make(const struct tg_image *image, uint64_t tag, uint32_t price_id,
                              int64_t amount_max, struct tg_quick_price *quick)
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
    const uint64_t magnitude = (uint64_t)(step->price < 0 ? -step->price : step->price);
    quick->is_quick = 1;
    quick->is_negative = step->price < 0;
    quick->grid = tg_pow10(info->round_exponent);
    quick->is_whole = unit_is_whole(step, quick->grid);
    quick->step_price =
        quick->is_whole != 0 ? step->price / (int64_t)step->per_units : (int64_t)magnitude;
    quick->unit_base = tg_reciprocal_of(info->unit_base_count);
    quick->unit_base_add = rounding_add(info->quantity_rounding, false, info->unit_base_count);
    const uint64_t divisor = step->per_units * (uint64_t)quick->grid; /* below 2^31 x 10^9 */
    quick->per_units = tg_reciprocal_of(divisor);
    quick->per_units_add = rounding_add(price->rounding, step->price < 0, divisor);
    quick->is_half_even = price->rounding == TG_ROUND_HALF_EVEN && divisor % 2 == 0;
    quick->has_turns = quick->is_half_even != 0 || quick->grid != 1;
    price_increments(price, quick);
    quick->billed_max = billed_max(
        quick, quick->is_whole != 0 ? magnitude / step->per_units : magnitude, amount_max);
    quick->connect_fee = price->connect_fee;
    quick->charge_min = price->charge_min;
    quick->charge_max = (info->options & TG_PRICE_MAX_STOPS) == 0 ? price->charge_max : INT64_MAX;
    quick->before_mask = info->counter != TG_COUNTER_RECORD ? UINT64_MAX : 0;
    quick->is_connect_on_use = (info->options & TG_PRICE_CONNECT_ON_USE) != 0;
    quick->has_extras =
        quick->connect_fee != 0 || quick->charge_min != INT64_MIN || quick->charge_max != INT64_MAX;
    price_charge(image, info, quick);
}
