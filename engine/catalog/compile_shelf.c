/* SPDX-License-Identifier: Apache-2.0 */
/* What a plan takes of an account's shelves: a bound that is checked before anybody is rated. */
#include "base/clock.h"
#include "catalog/compile.h"
#include "record/charge.h"

#include <string.h>

#define SHELF_PLACES 8u /* TG_BUCKETS_MAX of the rate stage */

/* Places that one subscription of a plan, or its account, takes on a shelf. */
struct places {
    uint32_t keys[64]; /* kind, then what */
    uint32_t count;
};

static void place_add(struct places *places, uint32_t kind, uint32_t what)
{
    const uint32_t key = kind << 24 | what;
    for (uint32_t i = 0; i < places->count; i++) {
        if (places->keys[i] == key) {
            return;
        }
    }
    if (places->count < sizeof places->keys / sizeof places->keys[0]) {
        places->keys[places->count++] = key;
    }
}

static void limit_place(const struct tg_compile *compile, uint16_t limit, struct places sides[2])
{
    struct tg_spend_limit found;
    if (limit != 0) {
        memcpy(&found,
               compile->sections[TG_IMAGE_SECTION_SPEND_LIMITS].bytes +
                   (size_t)(limit - 1) * sizeof found,
               sizeof found);
        place_add(&sides[found.scope == TG_SCOPE_ACCOUNT], 'L', limit);
    }
}

static void price_places(const struct tg_compile *compile, uint32_t price, struct places sides[2])
{
    struct tg_price_info info;
    struct tg_price_rule rule;
    memcpy(&info,
           compile->sections[TG_IMAGE_SECTION_PRICE_INFO].bytes + (size_t)price * sizeof info,
           sizeof info);
    memcpy(&rule,
           compile->sections[TG_IMAGE_SECTION_PRICE_RULES].bytes + (size_t)price * sizeof rule,
           sizeof rule);
    if (info.counter >= TG_COUNTER_SHELF) {
        place_add(&sides[info.counter_scope == TG_SCOPE_ACCOUNT], 'C', info.counter_index);
    }
    if (rule.carry_denominator != 0) {
        place_add(&sides[rule.carry_scope == TG_SCOPE_ACCOUNT], 'R', 0);
    }
    limit_place(compile, rule.spend_limit, sides);
}

static void cell_places(const struct tg_compile *compile, uint32_t index, struct places sides[2])
{
    const struct tg_blob *sections = compile->sections;
    struct tg_plan_service cell;
    memcpy(&cell, sections[TG_IMAGE_SECTION_PLAN_SERVICES].bytes + (size_t)index * sizeof cell,
           sizeof cell);
    if (cell.is_present == 0) {
        return;
    }
    for (uint32_t i = 0; i < cell.buckets_count; i++) {
        uint16_t bucket;
        struct tg_allowance allowance;
        memcpy(&bucket,
               sections[TG_IMAGE_SECTION_DECK_DATA].bytes + cell.buckets_offset + i * sizeof bucket,
               sizeof bucket);
        memcpy(&allowance,
               sections[TG_IMAGE_SECTION_ALLOWANCES].bytes + (size_t)bucket * sizeof allowance,
               sizeof allowance);
        place_add(&sides[allowance.scope == TG_SCOPE_ACCOUNT], 'A', bucket);
        if (allowance.member_cap_base != UINT64_MAX) {
            place_add(&sides[0], 'P', bucket);
        }
    }
    for (uint32_t i = 0; i < (uint32_t)cell.zones_count * cell.bands_count; i++) {
        uint32_t price;
        memcpy(&price,
               sections[TG_IMAGE_SECTION_MATRIX].bytes + cell.matrix_offset + i * sizeof price,
               sizeof price);
        if (price != TG_PRICE_NONE) {
            price_places(compile, price, sides);
        }
    }
    if (sections[TG_IMAGE_SECTION_PLAN_LIMITS].size_bytes > 0) {
        uint16_t limit;
        memcpy(&limit, sections[TG_IMAGE_SECTION_PLAN_LIMITS].bytes + (size_t)index * sizeof limit,
               sizeof limit);
        limit_place(compile, limit, sides);
    }
}

/* A grant of several plans lies on the shelf of whichever of them comes first. */
static void once_places(const struct tg_compile *compile, struct places *own)
{
    const struct tg_blob *allowances = &compile->sections[TG_IMAGE_SECTION_ALLOWANCES];
    for (uint32_t i = 0; i < allowances->size_bytes / sizeof(struct tg_allowance); i++) {
        struct tg_allowance allowance;
        memcpy(&allowance, allowances->bytes + (size_t)i * sizeof allowance, sizeof allowance);
        if ((allowance.options & TG_ALLOWANCE_ONCE) != 0) {
            place_add(own, 'A', i);
        }
    }
}

/* A shelf is bounded: a plan that needs more than it has would suspend rows one day. */
void tg_compile_shelves(struct tg_compile *compile)
{
    for (uint32_t i = 0; i < compile->names[TG_CATALOG_PLAN].count; i++) {
        const struct tg_yaml_node *plan = tg_compile_node(compile, TG_CATALOG_PLAN, i);
        struct places sides[2] = {{.count = 0}, {.count = 0}};
        for (uint32_t at = 0; plan != NULL && at < TG_SERVICE_COUNT; at++) {
            cell_places(compile, i * TG_SERVICE_COUNT + at, sides);
        }
        once_places(compile, &sides[0]);
        for (uint32_t side = 0; side < 2; side++) {
            if (sides[side].count > SHELF_PLACES) {
                tg_diag_add(compile->diag, TG_DIAG_ERROR, plan->key_mark,
                            "share allowances, counters (`counter: NAME`) and spend limits",
                            "plan \"%.64s\" needs %u places on the shelf of %s, which has %u",
                            plan->key, sides[side].count,
                            side == 0 ? "a subscription" : "an account", SHELF_PLACES);
            }
        }
    }
}

static bool list_has(const struct tg_image *image, const struct tg_plan_service *cell,
                     uint16_t allowance)
{
    for (uint32_t i = 0; i < cell->buckets_count; i++) {
        if (tg_image_buckets(image, cell)[i] == allowance) {
            return true;
        }
    }
    return false;
}

/* The allowance that one image keeps in the account line and the other on the shelf. */
static uint16_t allowance_moved(const struct tg_image *image, const struct tg_plan_service *cell,
                                const struct tg_image *previous,
                                const struct tg_plan_service *before)
{
    if (cell == NULL || before == NULL) {
        return TG_ALLOWANCE_NONE;
    }
    if (before->allowance != TG_ALLOWANCE_NONE && list_has(image, cell, before->allowance)) {
        return before->allowance;
    }
    return cell->allowance != TG_ALLOWANCE_NONE && list_has(previous, before, cell->allowance)
               ? cell->allowance
               : TG_ALLOWANCE_NONE;
}

/* What the line has counted of a month would be forgotten on the shelf. */
static void counters_moved(struct tg_compile *compile, const struct tg_image *image,
                           const struct tg_image *previous)
{
    for (uint32_t i = 0; i < tg_image_prices_count(previous); i++) {
        const struct tg_yaml_node *node = tg_compile_node(compile, TG_CATALOG_PRICE, i);
        const struct tg_price_info *was = tg_image_price_info(previous, i);
        const struct tg_price_info *is = tg_image_price_info(image, i);
        if (node != NULL && was->zones_count != 0 && was->counter_index != TG_COUNTER_NONE &&
            was->counter == TG_COUNTER_MONTH && is->counter_index == was->counter_index &&
            is->counter != TG_COUNTER_MONTH) {
            tg_diag_add(
                compile->diag, TG_DIAG_ERROR, node->key_mark,
                "let valid_from be the first instant of a month (UTC)",
                "price %s: other prices stand beside it now, and its counter, which was all "
                "that the service counted, would begin at 0 within a month",
                node->key);
        }
    }
}

void tg_compile_moves_check(struct tg_compile *compile, const struct tg_image *image,
                            const struct tg_image *previous)
{
    struct tg_civil from;
    tg_clock_to_civil(image->valid_from_ns, &from);
    const struct tg_civil month = {.year = from.year, .month = from.month, .day = 1};
    if (previous == NULL || tg_clock_from_civil(&month) == image->valid_from_ns) {
        return;
    }
    counters_moved(compile, image, previous);
    for (uint32_t i = 0; i < compile->names[TG_CATALOG_PLAN].count; i++) {
        const struct tg_yaml_node *plan = tg_compile_node(compile, TG_CATALOG_PLAN, i);
        for (uint32_t service = 0; plan != NULL && service < TG_SERVICE_COUNT; service++) {
            const uint16_t moved =
                allowance_moved(image, tg_image_plan_service(image, i, service), previous,
                                tg_image_plan_service(previous, i, service));
            if (moved != TG_ALLOWANCE_NONE) {
                tg_diag_add(compile->diag, TG_DIAG_ERROR, plan->key_mark,
                            "let valid_from be the first instant of a month (UTC)",
                            "plan %s: allowance %s becomes one of several, or the only one, within "
                            "a month: what was used of it would be granted again",
                            plan->key, tg_image_name(image, TG_CATALOG_ALLOWANCE, moved));
                break;
            }
        }
    }
}
