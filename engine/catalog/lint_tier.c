/* SPDX-License-Identifier: Apache-2.0 */
/* Steps of one price: totals that fall when a tier is entered, and tiers nobody enters. */
#include "base/limits.h"
#include "base/money.h"
#include "catalog/lint.h"

#include <string.h>

/* One price while its tiers are looked at. */
struct tiers {
    struct tg_lint *lint;
    const struct tg_yaml_node *node;
    const struct tg_price *price;
    const struct tg_price_info *info;
    const struct tg_price_step *steps;
    bool is_volume;
};

/* What `units` cost when all of them are charged by one step, times its per_units. */
static __int128 total_crossed(const struct tg_price_step *step, uint64_t units)
{
    return (__int128)step->price * (__int128)units + (__int128)step->flat * step->per_units;
}

/* All units at the tier reached: one unit more may cost less than all before (4.5). */
static void drop_find(const struct tiers *tiers, uint32_t step, const struct tg_yaml_node *tier)
{
    const struct tg_price_step *before = &tiers->steps[step - 1];
    const struct tg_price_step *after = &tiers->steps[step];
    const uint64_t units = before->up_to_units;
    __int128 was;
    __int128 is;
    if (units < TG_QUANTITY_MAX &&
        !__builtin_mul_overflow(total_crossed(before, units), (__int128)after->per_units, &was) &&
        !__builtin_mul_overflow(total_crossed(after, units + 1), (__int128)before->per_units,
                                &is) &&
        is < was) {
        tg_diag_lint(tiers->lint->compile->diag, "tier_drop", tier->mark, NULL,
                     "price \"%.64s\": %llu units cost less than %llu", tiers->node->key,
                     (unsigned long long)units + 1, (unsigned long long)units);
    }
}

/* What a record costs when it has just filled the steps before: charges never fall from there. */
static bool is_capped_before(const struct tiers *tiers, uint32_t step)
{
    __int128 sum = tiers->price->connect_fee;
    uint64_t from = 0;
    if (tiers->price->charge_max == INT64_MAX || tiers->info->counter != TG_COUNTER_RECORD ||
        tiers->is_volume) {
        return false;
    }
    for (uint32_t i = 0; i < step; i++) {
        const struct tg_price_step *here = &tiers->steps[i];
        if (here->price < 0 || here->flat < 0) {
            return false;
        }
        sum += (__int128)here->price * (here->up_to_units - from) / here->per_units + here->flat;
        from = here->up_to_units;
        if (sum >= tiers->price->charge_max) {
            return true;
        }
    }
    return false;
}

static void unreachable_find(const struct tiers *tiers, uint32_t step,
                             const struct tg_yaml_node *tier)
{
    const uint64_t begins_at = step == 0 ? 0 : tiers->steps[step - 1].up_to_units;
    const uint64_t ends_at = tiers->steps[step].up_to_units;
    const uint64_t least = tiers->price->first_increment > tiers->price->minimum_units
                               ? tiers->price->first_increment
                               : tiers->price->minimum_units;
    const char *why = NULL;
    if (begins_at >= TG_QUANTITY_MAX / tiers->info->unit_base_count) {
        why = "begins behind what a record can hold";
    } else if (tiers->is_volume && tiers->info->counter == TG_COUNTER_RECORD && ends_at < least) {
        why = "ends before the least that a record is billed";
    } else if (step > 0 && is_capped_before(tiers, step)) {
        why = "begins behind the price's max";
    }
    if (why != NULL) {
        tg_diag_lint(tiers->lint->compile->diag, "unreachable_tier", tier->mark, NULL,
                     "price \"%.64s\": the tier is never reached, it %s", tiers->node->key, why);
    }
}

void tg_lint_tiers(struct tg_lint *lint)
{
    for (uint32_t i = 0; i < lint->compile->names[TG_CATALOG_PRICE].count; i++) {
        const struct tg_yaml_node *node = tg_compile_node(lint->compile, TG_CATALOG_PRICE, i);
        const struct tg_yaml_node *list = node != NULL ? tg_yaml_get(node, "tiers") : NULL;
        const struct tg_price *price = tg_image_price(lint->image, i);
        if (list == NULL || price == NULL) {
            continue;
        }
        const struct tiers tiers = {
            .lint = lint,
            .node = node,
            .price = price,
            .info = tg_image_price_info(lint->image, i),
            .steps = tg_price_steps(price),
            .is_volume = strcmp(tg_image_tariff_name(lint->image, i), "volume") == 0,
        };
        const struct tg_yaml_node *tier = list->child;
        for (uint32_t step = 0; tier != NULL && step < price->steps_count; step++) {
            if (tiers.is_volume && step > 0) {
                drop_find(&tiers, step, tier);
            }
            unreachable_find(&tiers, step, tier);
            tier = tier->next;
        }
    }
}
