/* SPDX-License-Identifier: Apache-2.0 */
/* Everything the readers of image.h trust is looked at here, once, before a snapshot is published.
 * The checksum finds damage; the rest finds an image that was made wrong or by someone else. */
#include "base/hash.h"
#include "base/money.h"
#include "catalog/exchange.h"
#include "catalog/image.h"

#include <string.h>

#define NODE_ENTRIES     11u
#define CHECKSUMMED_FROM (offsetof(struct tg_image, checksum) + sizeof(uint32_t))

static const uint32_t item_sizes[TG_IMAGE_SECTION_NAMES] = {
    [TG_IMAGE_SECTION_TEXT] = 1,
    [TG_IMAGE_SECTION_PRICES] = sizeof(uint32_t),
    [TG_IMAGE_SECTION_PRICE_DATA] = 1,
    [TG_IMAGE_SECTION_PRICE_INFO] = sizeof(struct tg_price_info),
    [TG_IMAGE_SECTION_PLAN_SERVICES] = sizeof(struct tg_plan_service),
    [TG_IMAGE_SECTION_MATRIX] = sizeof(uint32_t),
    [TG_IMAGE_SECTION_DECKS] = sizeof(struct tg_deck),
    [TG_IMAGE_SECTION_DECK_DATA] = 1,
    [TG_IMAGE_SECTION_TIME_MODELS] = sizeof(struct tg_time_model),
    [TG_IMAGE_SECTION_SWITCHES] = sizeof(struct tg_band_switch),
    [TG_IMAGE_SECTION_ALLOWANCES] = sizeof(struct tg_allowance),
    [TG_IMAGE_SECTION_PRODUCTS] = sizeof(struct tg_product),
    [TG_IMAGE_SECTION_TAXES] = sizeof(struct tg_tax),
    [TG_IMAGE_SECTION_NETWORKS] = sizeof(struct tg_network),
    [TG_IMAGE_SECTION_ORIGINS] = sizeof(struct tg_origin),
    [TG_IMAGE_SECTION_PRICE_RULES] = sizeof(struct tg_price_rule),
    [TG_IMAGE_SECTION_EXCHANGE_RATES] = sizeof(struct tg_exchange_rate),
    [TG_IMAGE_SECTION_SPEND_LIMITS] = sizeof(struct tg_spend_limit),
    [TG_IMAGE_SECTION_ZONE_OFFSETS] = sizeof(struct tg_zone_offset),
    [TG_IMAGE_SECTION_PLAN_LIMITS] = sizeof(uint16_t),
    [TG_IMAGE_SECTION_ACCOUNT_ZONES] = sizeof(struct tg_account_zone),
    [TG_IMAGE_SECTION_SITES] = sizeof(struct tg_site),
    [TG_IMAGE_SECTION_SITE_NODES] = sizeof(struct tg_site_node),
    [TG_IMAGE_SECTION_CAUSES] = sizeof(struct tg_causes),
    [TG_IMAGE_SECTION_PLAN_TERMS] = sizeof(struct tg_plan_terms),
    [TG_IMAGE_SECTION_CASH] = sizeof(struct tg_cash_rounding),
    [TG_IMAGE_SECTION_ENTITIES] = sizeof(struct tg_legal_entity),
};

uint32_t tg_image_item_bytes(uint32_t section)
{
    return section < TG_IMAGE_SECTION_NAMES ? item_sizes[section] : (uint32_t)sizeof(uint32_t);
}

/* Does an array lie inside the blob, aligned to its items? */
static bool lies_inside(const struct tg_image *image, uint64_t offset, uint64_t count,
                        uint64_t item_bytes, uint64_t align_bytes)
{
    return offset % align_bytes == 0 && offset >= sizeof *image && offset <= image->size_bytes &&
           count <= (image->size_bytes - offset) / item_bytes;
}

static bool sections_check(const struct tg_image *image)
{
    for (uint32_t i = 0; i < TG_IMAGE_SECTION_NAMES + TG_CATALOG_KINDS_COUNT; i++) {
        const struct tg_image_section *section = &image->sections[i];
        const uint32_t item = tg_image_item_bytes(i);
        if (section->item_bytes != item ||
            !lies_inside(image, section->offset, section->count, item, TG_IMAGE_ALIGN_BYTES) ||
            section->size_bytes != (uint64_t)section->count * item) {
            return false;
        }
    }
    return true;
}

static bool text_check(const struct tg_image *image)
{
    const struct tg_image_section *text = &image->sections[TG_IMAGE_SECTION_TEXT];
    const char *bytes = (const char *)tg_image_section(image, TG_IMAGE_SECTION_TEXT);
    if (text->count == 0 || bytes[text->count - 1] != '\0') {
        return false;
    }
    for (uint32_t kind = 0; kind < TG_CATALOG_KINDS_COUNT; kind++) {
        const uint32_t *offsets = (const uint32_t *)tg_image_section(
            image, (enum tg_image_section_id)(TG_IMAGE_SECTION_NAMES + kind));
        for (uint32_t i = 0; i < image->sections[TG_IMAGE_SECTION_NAMES + kind].count; i++) {
            if (offsets[i] >= text->count) {
                return false;
            }
        }
    }
    return true;
}

static bool price_check(const struct tg_image *image, uint32_t index, uint32_t offset)
{
    if (!lies_inside(image, offset, 1, sizeof(struct tg_price), 16)) {
        return false;
    }
    const struct tg_price *price = (const struct tg_price *)tg_image_at(image, offset);
    const struct tg_price_info *info = tg_image_price_info(image, index);
    bool is_fine =
        price->size_bytes == sizeof *price && price->price_id == index &&
        price->first_increment >= 1 && price->next_increment >= 1 && price->scale <= 18 &&
        price->rounding <= TG_ROUND_FLOOR && info->unit < TG_UNIT_COUNT &&
        info->unit_base_count >= 1 && info->quantity_rounding <= TG_ROUND_FLOOR &&
        info->is_present == 1 && info->tariff < tg_image_count(image, TG_CATALOG_TARIFF) &&
        info->block_units >= 1 && info->counter < TG_COUNTER_SHELF + TG_PERIODS_COUNT &&
        (info->counter_index == TG_COUNTER_NONE
             ? info->counter < TG_COUNTER_SHELF
             : info->counter_index < tg_image_count(image, TG_CATALOG_COUNTER)) &&
        info->counter_scope <= TG_SCOPE_ACCOUNT && info->round_exponent <= 9 &&
        lies_inside(image, (uint64_t)offset + price->steps_offset, price->steps_count,
                    sizeof(struct tg_price_step), 8) &&
        lies_inside(image, (uint64_t)offset + price->params_offset, price->params_bytes, 1, 1);
    for (uint32_t i = 0; is_fine && i < price->steps_count; i++) {
        is_fine = tg_price_steps(price)[i].per_units >= 1;
    }
    return is_fine;
}

static bool prices_check(const struct tg_image *image)
{
    const uint32_t count = tg_image_prices_count(image);
    if (image->sections[TG_IMAGE_SECTION_PRICE_INFO].count != count ||
        tg_image_count(image, TG_CATALOG_PRICE) != count) {
        return false;
    }
    const uint32_t *offsets = (const uint32_t *)tg_image_section(image, TG_IMAGE_SECTION_PRICES);
    for (uint32_t i = 0; i < count; i++) {
        if (offsets[i] == 0 ? tg_image_price_info(image, i)->is_present != 0
                            : !price_check(image, i, offsets[i])) {
            return false;
        }
    }
    return true;
}

static bool fallback_decks_check(const struct tg_image *image, const struct tg_plan_service *cell)
{
    bool is_fine = true;
    for (uint32_t i = 0; i < TG_FALLBACK_DECKS_MAX; i++) {
        is_fine =
            is_fine && (cell->fallback_decks[i] == TG_DECK_NONE ||
                        cell->fallback_decks[i] < image->sections[TG_IMAGE_SECTION_DECKS].count);
    }
    return is_fine;
}

static bool buckets_check(const struct tg_image *image, const struct tg_plan_service *cell)
{
    if (cell->buckets_count == 0) {
        return true;
    }
    bool is_fine = cell->buckets_count <= 8 && cell->allowance == TG_ALLOWANCE_NONE &&
                   lies_inside(image, cell->buckets_offset, cell->buckets_count, 2, 2);
    for (uint32_t i = 0; is_fine && i < cell->buckets_count; i++) {
        is_fine = tg_image_allowance(image, tg_image_buckets(image, cell)[i]) != NULL;
    }
    return is_fine;
}

static bool origin_check(const struct tg_image *image, const struct tg_origin *origin)
{
    const uint32_t zones_count = tg_image_count(image, TG_CATALOG_ZONE);
    const uint64_t pairs_count = (uint64_t)origin->a_count * origin->b_count;
    if (!lies_inside(image, origin->groups_offset, origin->groups_count,
                     sizeof(struct tg_zone_group), 8)) {
        return false;
    }
    const struct tg_zone_group *groups =
        (const struct tg_zone_group *)tg_image_at(image, origin->groups_offset);
    for (uint32_t i = 0; i < origin->groups_count; i++) {
        if (groups[i].zone >= zones_count) {
            return false;
        }
    }
    if (origin->a_count == 0) {
        return origin->groups_count != 0;
    }
    if (origin->zones_count != zones_count || origin->by > TG_ORIGIN_NETWORK ||
        (origin->deck != TG_DECK_NONE &&
         origin->deck >= image->sections[TG_IMAGE_SECTION_DECKS].count) ||
        !lies_inside(image, origin->a_rows_offset, zones_count, 2, 2) ||
        !lies_inside(image, origin->b_columns_offset, zones_count, 2, 2) ||
        !lies_inside(image, origin->pairs_offset, pairs_count, 2, 2)) {
        return false;
    }
    const uint16_t *rows = (const uint16_t *)tg_image_at(image, origin->a_rows_offset);
    const uint16_t *columns = (const uint16_t *)tg_image_at(image, origin->b_columns_offset);
    const uint16_t *pairs = (const uint16_t *)tg_image_at(image, origin->pairs_offset);
    bool is_fine = true;
    for (uint32_t i = 0; is_fine && i < zones_count; i++) {
        is_fine = rows[i] < origin->a_count && columns[i] < origin->b_count;
    }
    for (uint64_t i = 0; is_fine && i < pairs_count; i++) {
        is_fine = pairs[i] < zones_count;
    }
    return is_fine;
}

static bool origins_check(const struct tg_image *image)
{
    const struct tg_origin *origins =
        (const struct tg_origin *)tg_image_section(image, TG_IMAGE_SECTION_ORIGINS);
    bool is_fine = true;
    for (uint32_t i = 0; is_fine && i < image->sections[TG_IMAGE_SECTION_ORIGINS].count; i++) {
        is_fine = origin_check(image, &origins[i]);
    }
    return is_fine;
}

static bool plan_service_check(const struct tg_image *image, const struct tg_plan_service *cell)
{
    const uint64_t prices = (uint64_t)cell->zones_count * cell->bands_count;
    if (cell->is_present == 0) {
        return true;
    }
    if (cell->bands_count == 0 || cell->zones_count == 0 ||
        !lies_inside(image, cell->matrix_offset, prices, sizeof(uint32_t), 4) ||
        (cell->deck != TG_DECK_NONE &&
         cell->deck >= image->sections[TG_IMAGE_SECTION_DECKS].count) ||
        (cell->time_model != TG_TIME_MODEL_NONE &&
         cell->time_model >= image->sections[TG_IMAGE_SECTION_TIME_MODELS].count) ||
        (cell->allowance != TG_ALLOWANCE_NONE &&
         tg_image_allowance(image, cell->allowance) == NULL) ||
        cell->zone_by > TG_ZONE_BY_PAIR || cell->deck_match > TG_DECK_MATCH_LONGEST ||
        (cell->zone_by == TG_ZONE_BY_PAIR) != (cell->origin != 0) ||
        cell->origin > image->sections[TG_IMAGE_SECTION_ORIGINS].count ||
        !buckets_check(image, cell) || !fallback_decks_check(image, cell)) {
        return false;
    }
    const uint32_t *matrix = (const uint32_t *)tg_image_at(image, cell->matrix_offset);
    for (uint64_t i = 0; i < prices; i++) {
        if (matrix[i] != TG_PRICE_NONE && tg_image_price(image, matrix[i]) == NULL) {
            return false;
        }
    }
    return true;
}

/* Terms are there for every service or for none. */
static bool terms_check(const struct tg_image *image)
{
    const struct tg_image_section *section = &image->sections[TG_IMAGE_SECTION_PLAN_SERVICES];
    const struct tg_plan_service *cells =
        (const struct tg_plan_service *)tg_image_section(image, TG_IMAGE_SECTION_PLAN_SERVICES);
    const struct tg_plan_terms *terms =
        (const struct tg_plan_terms *)tg_image_section(image, TG_IMAGE_SECTION_PLAN_TERMS);
    const uint32_t count = image->sections[TG_IMAGE_SECTION_PLAN_TERMS].count;
    bool is_fine = count == 0 || count == section->count;
    for (uint32_t i = 0; is_fine && i < section->count; i++) {
        is_fine = cells[i].has_terms == 0 || count != 0;
    }
    for (uint32_t i = 0; is_fine && i < count; i++) {
        is_fine = terms[i].causes <= image->sections[TG_IMAGE_SECTION_CAUSES].count;
    }
    return is_fine;
}

static bool plans_check(const struct tg_image *image)
{
    const struct tg_image_section *section = &image->sections[TG_IMAGE_SECTION_PLAN_SERVICES];
    const struct tg_plan_service *cells =
        (const struct tg_plan_service *)tg_image_section(image, TG_IMAGE_SECTION_PLAN_SERVICES);
    bool is_fine =
        section->count == (uint64_t)tg_image_count(image, TG_CATALOG_PLAN) * TG_SERVICE_COUNT;
    for (uint32_t i = 0; is_fine && i < section->count; i++) {
        is_fine = plan_service_check(image, &cells[i]);
    }
    return is_fine && terms_check(image);
}

/* A node may name any node: a walk is bounded by the number's digits. A dated entry may only name
 * a smaller one, so its chain ends. */
static bool entry_check(const struct tg_image *image, const struct tg_deck *deck, uint32_t entry)
{
    if ((entry & TG_DECK_IS_NODE) != 0) {
        return (entry & ~TG_DECK_IS_NODE) < deck->nodes_count;
    }
    if ((entry & TG_DECK_IS_DATED) != 0) {
        return (entry & ~TG_DECK_IS_DATED) < deck->dated_count;
    }
    return entry >> TG_DECK_WEIGHT_SHIFT <= TG_DECK_WEIGHT_MAX &&
           (uint16_t)entry < tg_image_count(image, TG_CATALOG_ZONE);
}

/* entry_check of many, without a branch: half a million prefixes have ten million entries. */
static bool entries_check(const struct tg_image *image, const struct tg_deck *deck,
                          const uint32_t *entries, uint64_t count)
{
    const uint32_t zones_count = tg_image_count(image, TG_CATALOG_ZONE);
    uint32_t is_wrong = 0;
    for (uint64_t i = 0; i < count; i++) {
        const uint32_t entry = entries[i];
        const uint32_t kind = entry & (TG_DECK_IS_NODE | TG_DECK_IS_DATED);
        const uint32_t limit = (entry & TG_DECK_IS_NODE) != 0 ? deck->nodes_count
                               : kind != 0                    ? deck->dated_count
                                                              : zones_count;
        const uint32_t value = (entry & TG_DECK_IS_NODE) != 0 ? entry & ~TG_DECK_IS_NODE
                               : kind != 0                    ? entry & ~TG_DECK_IS_DATED
                                                              : entry & 0xffffu;
        const uint32_t is_heavy =
            kind == 0 ? entry >> TG_DECK_WEIGHT_SHIFT > TG_DECK_WEIGHT_MAX : 0;
        is_wrong |= (uint32_t)(value >= limit) | is_heavy;
    }
    return is_wrong == 0;
}

static bool deck_check(const struct tg_image *image, const struct tg_deck *deck)
{
    static const uint32_t direct_counts[7] = {1, 11, 111, 1111, 11111, 111111, 1111111};
    if (deck->direct_digits < 1 || deck->direct_digits > 6 ||
        deck->direct_count != direct_counts[deck->direct_digits] ||
        !lies_inside(image, deck->direct_offset, deck->direct_count, 4, 4) ||
        !lies_inside(image, deck->nodes_offset, deck->nodes_count, NODE_ENTRIES * 4, 4) ||
        !lies_inside(image, deck->dated_offset, deck->dated_count, sizeof(struct tg_deck_dated),
                     8)) {
        return false;
    }
    const uint32_t *direct = (const uint32_t *)tg_image_at(image, deck->direct_offset);
    const uint32_t *nodes = (const uint32_t *)tg_image_at(image, deck->nodes_offset);
    const struct tg_deck_dated *dated =
        (const struct tg_deck_dated *)tg_image_at(image, deck->dated_offset);
    bool is_fine = entries_check(image, deck, direct, deck->direct_count) &&
                   entries_check(image, deck, nodes, (uint64_t)deck->nodes_count * NODE_ENTRIES);
    uint32_t ends = 0; /* where numbers end, nothing may go on */
    for (uint64_t i = 0; i < deck->nodes_count; i++) {
        ends |= nodes[i * NODE_ENTRIES + NODE_ENTRIES - 1];
    }
    is_fine = is_fine && (deck->nodes_count == 0 || (ends & TG_DECK_IS_NODE) == 0);
    for (uint32_t i = 0; is_fine && i < deck->dated_count; i++) {
        const uint32_t next = dated[i].next;
        is_fine = (dated[i].zone & (TG_DECK_IS_NODE | TG_DECK_IS_DATED)) == 0 &&
                  entry_check(image, deck, dated[i].zone) && (next & TG_DECK_IS_NODE) == 0 &&
                  entry_check(image, deck, next) &&
                  ((next & TG_DECK_IS_DATED) == 0 || (next & ~TG_DECK_IS_DATED) < i);
    }
    return is_fine;
}

static bool decks_check(const struct tg_image *image)
{
    const struct tg_deck *decks =
        (const struct tg_deck *)tg_image_section(image, TG_IMAGE_SECTION_DECKS);
    bool is_fine = tg_image_count(image, TG_CATALOG_ZONE) <= TG_DECK_NONE;
    for (uint32_t i = 0; is_fine && i < image->sections[TG_IMAGE_SECTION_DECKS].count; i++) {
        is_fine = deck_check(image, &decks[i]);
    }
    return is_fine;
}

/* A variant stands in for its model: it must be there, with the same bands. */
static bool variants_check(const struct tg_image *image, const struct tg_time_model *models,
                           const struct tg_time_model *model)
{
    const uint32_t count = image->sections[TG_IMAGE_SECTION_TIME_MODELS].count;
    bool is_fine = model->by <= TG_WALL_HOME && model->variants + model->variants_count <= count;
    for (uint32_t i = 0; is_fine && i < model->variants_count; i++) {
        is_fine = models[model->variants + i].bands_count == model->bands_count;
    }
    return is_fine;
}

static bool time_models_check(const struct tg_image *image)
{
    const struct tg_time_model *models =
        (const struct tg_time_model *)tg_image_section(image, TG_IMAGE_SECTION_TIME_MODELS);
    const uint32_t text_count = image->sections[TG_IMAGE_SECTION_TEXT].count;
    for (uint32_t i = 0; i < image->sections[TG_IMAGE_SECTION_TIME_MODELS].count; i++) {
        const struct tg_time_model *model = &models[i];
        if (model->bands_count == 0 || model->zone_name_offset >= text_count ||
            !variants_check(image, models, model) ||
            !lies_inside(image, model->repeats_offset, model->repeats_count,
                         sizeof(struct tg_band_repeat), 8) ||
            !lies_inside(image, model->switches_offset, model->switches_count,
                         sizeof(struct tg_band_switch), 8) ||
            !lies_inside(image, model->band_names_offset, model->bands_count, 4, 4)) {
            return false;
        }
        const struct tg_band_switch *switches =
            (const struct tg_band_switch *)tg_image_at(image, model->switches_offset);
        for (uint32_t j = 0; j < model->switches_count; j++) {
            if (switches[j].band >= model->bands_count ||
                (j > 0 && switches[j].from_ns <= switches[j - 1].from_ns)) {
                return false;
            }
        }
        const uint32_t *names = (const uint32_t *)tg_image_at(image, model->band_names_offset);
        for (uint32_t j = 0; j < model->bands_count; j++) {
            if (names[j] >= text_count) {
                return false;
            }
        }
    }
    return true;
}

static bool is_fee_period(const struct tg_product *product)
{
    const uint8_t period = product->period;
    return period <= TG_PERIOD_WEEK || period == TG_FEE_QUARTER || period == TG_FEE_YEAR ||
           period == TG_FEE_HALF_YEAR ||
           (period == TG_FEE_CYCLES && product->period_cycles >= 2 &&
            product->period_cycles <= TG_FEE_CYCLES_MAX) ||
           (period == TG_FEE_DAYS && product->period_cycles >= 2 &&
            product->period_cycles <= TG_FEE_CYCLES_MAX) ||
           (period == TG_FEE_WEEKS && product->period_cycles >= 1 &&
            product->period_cycles <= TG_FEE_WEEKS_MAX);
}

static bool discount_prices_check(const struct tg_image *image, const struct tg_product *product)
{
    bool is_fine = true;
    for (uint32_t i = 0; i < TG_DISCOUNT_PRICES_MAX; i++) {
        is_fine = is_fine && product->discount_prices[i] <= tg_image_prices_count(image);
    }
    return is_fine;
}

static bool products_check(const struct tg_image *image)
{
    const uint32_t text_count = image->sections[TG_IMAGE_SECTION_TEXT].count;
    for (uint32_t i = 0; i < image->sections[TG_IMAGE_SECTION_PRODUCTS].count; i++) {
        const struct tg_product *product = tg_image_product(image, i);
        if (product != NULL &&
            (!discount_prices_check(image, product) || product->title_offset >= text_count ||
             product->proration > TG_PRORATE_THIRTIETHS || !is_fee_period(product) ||
             product->discount_rounding > TG_ROUND_FLOOR || product->discount_decimals > 19 ||
             product->discount_on > TG_ELIGIBLE_ALL || product->minimum_on > TG_ELIGIBLE_ALL ||
             product->maximum_on > TG_ELIGIBLE_ALL || product->late_usage > TG_LATE_NOTE ||
             product->on_plan_change > TG_CHANGE_ADDED_SEATS ||
             product->bounds_scope > TG_SCOPE_ACCOUNT ||
             product->discount_scope > TG_SCOPE_ACCOUNT ||
             product->bounds_order > TG_BOUNDS_BEFORE_DISCOUNTS || product->minimum_period > 3 ||
             product->period_from > TG_FEE_FROM_START || product->discount_ppm > 1000000 ||
             product->discount_from < 0 || product->discount_max < 0 ||
             (product->plan != TG_PLAN_NONE &&
              product->plan >= tg_image_count(image, TG_CATALOG_PLAN)) ||
             (product->tax != TG_TAX_NONE && tg_image_tax(image, product->tax) == NULL))) {
            return false;
        }
    }
    return true;
}

static bool small_check(const struct tg_image *image)
{
    const uint32_t text_count = image->sections[TG_IMAGE_SECTION_TEXT].count;
    const uint32_t zones_count = tg_image_count(image, TG_CATALOG_ZONE);
    for (uint32_t i = 0; i < image->sections[TG_IMAGE_SECTION_TAXES].count; i++) {
        const struct tg_tax *tax = tg_image_tax(image, i);
        if (tax != NULL && (tax->title_offset >= text_count || tax->rounding > TG_ROUND_FLOOR ||
                            tax->parts_count > TG_TAX_PARTS_MAX || tax->point > TG_TAX_AT_ISSUE)) {
            return false;
        }
        for (uint32_t part = 0; tax != NULL && part < tax->parts_count; part++) {
            if (tg_image_tax(image, tax->parts[part]) == NULL) {
                return false;
            }
        }
    }
    for (uint32_t i = 0; i < image->sections[TG_IMAGE_SECTION_ALLOWANCES].count; i++) {
        const struct tg_allowance *allowance = tg_image_allowance(image, i);
        if (allowance != NULL &&
            (allowance->unit >= TG_UNIT_COUNT || allowance->period >= TG_PERIODS_COUNT ||
             !tg_allowance_count_is_fine(allowance) || allowance->rollover_lost > 99 ||
             allowance->rollover_periods > TG_ROLLOVER_PERIODS_MAX ||
             (allowance->price != 0 && tg_image_price(image, allowance->price - 1) == NULL) ||
             (allowance->zones_offset != 0 &&
              !lies_inside(image, allowance->zones_offset, (zones_count + 7) / 8, 1, 1)) ||
             (allowance->bands_offset != 0 &&
              !lies_inside(image, allowance->bands_offset,
                           image->sections[TG_IMAGE_SECTION_TIME_MODELS].count, 8, 8)))) {
            return false;
        }
    }
    return true;
}

static bool zones_check(const struct tg_image *image)
{
    const struct tg_image_section *all = image->sections;
    const uint32_t offsets_count = all[TG_IMAGE_SECTION_ZONE_OFFSETS].count;
    const struct tg_zone_offset *offsets =
        (const struct tg_zone_offset *)tg_image_section(image, TG_IMAGE_SECTION_ZONE_OFFSETS);
    const struct tg_account_zone *zones =
        (const struct tg_account_zone *)tg_image_section(image, TG_IMAGE_SECTION_ACCOUNT_ZONES);
    for (uint32_t i = 0; i < all[TG_IMAGE_SECTION_ACCOUNT_ZONES].count; i++) {
        const struct tg_account_zone *zone = &zones[i];
        if (zone->name_offset >= all[TG_IMAGE_SECTION_TEXT].count ||
            zone->offset_first > offsets_count ||
            zone->offsets_count > offsets_count - zone->offset_first) {
            return false;
        }
        for (uint32_t j = 1; j < zone->offsets_count; j++) {
            const struct tg_zone_offset *offset = &offsets[zone->offset_first + j];
            if (offset->from_ns <= offset[-1].from_ns) {
                return false;
            }
        }
    }
    return true;
}

static bool sites_check(const struct tg_image *image)
{
    const struct tg_image_section *all = image->sections;
    const struct tg_site_node *nodes =
        (const struct tg_site_node *)tg_image_section(image, TG_IMAGE_SECTION_SITE_NODES);
    bool is_fine = tg_image_count(image, TG_CATALOG_SITE) <= TG_SITES_MAX + 1;
    for (uint32_t i = 0; is_fine && i < all[TG_IMAGE_SECTION_SITE_NODES].count; i++) {
        is_fine = nodes[i].name_offset < all[TG_IMAGE_SECTION_TEXT].count &&
                  nodes[i].prefix_bits <= 128 && nodes[i].site != 0 &&
                  nodes[i].site < all[TG_IMAGE_SECTION_SITES].count;
    }
    return is_fine;
}

/* What stands on a bill beside its lines. */
static bool bill_check(const struct tg_image *image)
{
    const uint32_t text_count = image->sections[TG_IMAGE_SECTION_TEXT].count;
    const uint32_t entities_count = image->sections[TG_IMAGE_SECTION_ENTITIES].count;
    const uint32_t count = image->sections[TG_IMAGE_SECTION_CASH].count;
    bool is_fine = tg_image_count(image, TG_CATALOG_CASH) == count;
    for (uint32_t i = 0; is_fine && i < count; i++) {
        const struct tg_cash_rounding *cash = tg_image_cash_at(image, i);
        is_fine = cash->step >= 2 && cash->rounding <= TG_ROUND_FLOOR &&
                  tg_currency_by_numeric(cash->currency) != NULL;
    }
    is_fine = is_fine && tg_image_count(image, TG_CATALOG_ENTITY) >= entities_count;
    for (uint32_t i = 0; is_fine && i < entities_count; i++) {
        const struct tg_legal_entity *entity = tg_image_entity(image, i);
        is_fine = entity == NULL ||
                  (entity->title_offset < text_count && entity->tax_id_offset < text_count &&
                   entity->series_offset < text_count);
    }
    return is_fine;
}

/* Exchange rates, spend limits, rules of prices, local times. */
static bool rules_check(const struct tg_image *image)
{
    const struct tg_image_section *all = image->sections;
    const uint32_t rules_count = all[TG_IMAGE_SECTION_PRICE_RULES].count;
    const uint32_t limits_count = all[TG_IMAGE_SECTION_SPEND_LIMITS].count;
    const struct tg_exchange_rate *rates =
        (const struct tg_exchange_rate *)tg_image_section(image, TG_IMAGE_SECTION_EXCHANGE_RATES);
    const uint16_t *plan_limits =
        (const uint16_t *)tg_image_section(image, TG_IMAGE_SECTION_PLAN_LIMITS);
    bool is_fine = image->rounding_exchange <= TG_ROUND_FLOOR;
    for (uint32_t i = 0; is_fine && i < all[TG_IMAGE_SECTION_PLAN_LIMITS].count; i++) {
        is_fine = plan_limits[i] <= limits_count;
    }
    for (uint32_t i = 0; is_fine && i < tg_image_prices_count(image); i++) {
        const uint16_t tax = tg_image_price_tax(image, i);
        is_fine = tg_image_price_info(image, i)->spend_minimum <= limits_count &&
                  (tax == TG_TAX_NONE || tg_image_tax(image, tax) != NULL);
        if (is_fine && (tg_image_price_info(image, i)->options & TG_PRICE_RULES) != 0) {
            is_fine = i < rules_count &&
                      tg_image_price_rule(image, i)->spend_limit <= limits_count &&
                      tg_image_price_rule(image, i)->carry_denominator <= INT32_MAX &&
                      tg_image_price_rule(image, i)->carry_scope <= TG_SCOPE_ACCOUNT;
        }
    }
    for (uint32_t i = 0; is_fine && i < all[TG_IMAGE_SECTION_EXCHANGE_RATES].count; i++) {
        is_fine = rates[i].rate >= 1 && rates[i].decimals <= 12 && rates[i].from_scale <= 12 &&
                  rates[i].from_scale >= 6 && rates[i].to_scale <= 12 && rates[i].to_scale >= 6 &&
                  rates[i].to_exponent <= TG_RATING_DIGITS &&
                  tg_exchange_digits(&rates[i]) <= TG_EXCHANGE_DIGITS_MAX;
    }
    for (uint32_t i = 0; is_fine && i < limits_count; i++) {
        const struct tg_spend_limit *limit = tg_image_spend_limit(image, i);
        is_fine = limit->period < TG_PERIODS_COUNT && limit->minimum >= 0 && limit->stops <= 1 &&
                  (limit->plans_offset == 0 ||
                   lies_inside(image, limit->plans_offset,
                               (tg_image_count(image, TG_CATALOG_PLAN) + 7) / 8, 1, 1));
    }
    return is_fine && zones_check(image) && bill_check(image);
}

enum tg_err tg_image_check(const void *bytes, size_t size_bytes, struct tg_why *why)
{
    const struct tg_image *image = bytes;
    if ((uintptr_t)bytes % TG_IMAGE_ALIGN_BYTES != 0) {
        return tg_why_set(why, TG_E_INVALID, "the catalog image is not 64-byte aligned");
    }
    if (size_bytes < sizeof *image || image->size_bytes < sizeof *image ||
        image->size_bytes > size_bytes || image->size_bytes > UINT32_MAX) {
        return tg_why_set(why, TG_E_TRUNCATED, "the catalog image is cut short");
    }
    if (image->magic != TG_IMAGE_MAGIC || image->format != TG_IMAGE_FORMAT) {
        return tg_why_set(why, TG_E_FORMAT, "the catalog image has format %u, this build reads %u",
                          image->format, TG_IMAGE_FORMAT);
    }
    const uint8_t *checked = (const uint8_t *)bytes + CHECKSUMMED_FROM;
    if (tg_crc32c(0, checked, image->size_bytes - CHECKSUMMED_FROM) != image->checksum) {
        return tg_why_set(why, TG_E_CORRUPT, "the catalog image does not match its checksum");
    }
    if (!sections_check(image) || !text_check(image) ||
        image->tzdata_offset >= image->sections[TG_IMAGE_SECTION_TEXT].count || image->scale > 18 ||
        image->minor > image->scale || image->billing.dunning_count > TG_DUNNING_STEPS_MAX ||
        image->billing.keeps_credit > 1 || image->billing.prepaid_fees >= TG_PREPAID_MODES ||
        image->billing.rounds_lines > 1 || image->rating_exponent > TG_RATING_DIGITS) {
        return tg_why_set(why, TG_E_CORRUPT, "the catalog image has sections out of bounds");
    }
    if (!prices_check(image) || !decks_check(image) || !time_models_check(image) ||
        !small_check(image) || !origins_check(image) || !plans_check(image) ||
        !products_check(image) || !rules_check(image) || !sites_check(image)) {
        return tg_why_set(why, TG_E_CORRUPT, "the catalog image has an index out of bounds");
    }
    return TG_OK;
}
