/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/draws.h"

#include <string.h>

/* What a side's row meets. */
struct met {
    const struct tg_image *image;
    const struct tg_plan_service *plan_service; /* NULL: nothing. */
    const struct tg_price_info *info;
    const struct tg_price_rule *rule; /* NULL: none. */
    uint16_t zone;
};

static bool met_find(const struct tg_usage *usage, const struct tg_draws_side *side,
                     struct met *met)
{
    *met = (struct met){.image = side->image, .zone = side->charge->zone};
    if (side->image == NULL || tg_image_price(side->image, side->charge->price_id) == NULL) {
        return false;
    }
    const struct tg_product *product = tg_image_product(side->image, side->product);
    const bool is_received =
        (usage->flags & TG_USAGE_INCOMING) != 0 &&
        (usage->service == TG_SERVICE_VOICE || usage->service == TG_SERVICE_MESSAGE);
    if (product != NULL) {
        met->plan_service = is_received
                                ? tg_image_plan_received(side->image, product->plan, usage->service)
                                : tg_image_plan_service(side->image, product->plan, usage->service);
    }
    met->info = tg_image_price_info(side->image, side->charge->price_id);
    if ((met->info->options & TG_PRICE_RULES) != 0) {
        met->rule = tg_image_price_rule(side->image, side->charge->price_id);
    }
    return met->plan_service != NULL;
}

/* The next allowance of the list that may cover the row, from *at on; NULL: no more. */
static const struct tg_allowance *list_next(const struct tg_usage *usage, const struct met *met,
                                            uint32_t *at, uint16_t *index)
{
    const uint16_t *list = tg_image_buckets(met->image, met->plan_service);
    const uint32_t direction =
        (usage->flags & TG_USAGE_INCOMING) != 0 ? TG_DIRECTION_IN : TG_DIRECTION_OUT;
    while (*at < met->plan_service->buckets_count) {
        *index = list[(*at)++];
        const struct tg_allowance *allowance = tg_image_allowance(met->image, *index);
        if (allowance != NULL &&
            tg_image_allowance_covers(met->image, allowance, usage->service, met->zone) &&
            (allowance->directions_mask == 0 || (allowance->directions_mask & direction) != 0)) {
            return allowance;
        }
    }
    return NULL;
}

static bool allowances_alike(const struct tg_allowance *before, const struct tg_allowance *after)
{
    struct tg_allowance one = *before;
    struct tg_allowance two = *after;
    one.zones_offset = 0; /* places in their images */
    two.zones_offset = 0;
    return one.bands_offset == 0 && two.bands_offset == 0 && memcmp(&one, &two, sizeof one) == 0;
}

static bool lists_alike(const struct tg_usage *usage, const struct met *before,
                        const struct met *after)
{
    uint32_t at_before = 0;
    uint32_t at_after = 0;
    for (;;) {
        uint16_t one = 0;
        uint16_t two = 0;
        const struct tg_allowance *first = list_next(usage, before, &at_before, &one);
        const struct tg_allowance *second = list_next(usage, after, &at_after, &two);
        if (first == NULL || second == NULL) {
            return first == second;
        }
        if (one != two || !allowances_alike(first, second)) {
            return false;
        }
    }
}

/* All that rating looks at; a minimum is the bill's. */
static bool limit_counts_alike(const struct tg_spend_limit *one, const struct tg_spend_limit *two)
{
    return one->maximum == two->maximum && one->period == two->period && one->scope == two->scope &&
           one->is_present == two->is_present && one->stops == two->stops &&
           memcmp(one->thresholds, two->thresholds, sizeof one->thresholds) == 0;
}

static bool limits_alike(const struct met *before, const struct met *after, uint16_t one,
                         uint16_t two)
{
    return one == two &&
           (one == 0 || limit_counts_alike(tg_image_spend_limit(before->image, one - 1),
                                           tg_image_spend_limit(after->image, two - 1)));
}

/* Only rows whose price has rules look at limits, the plan's too. */
static bool rules_alike(const struct met *before, const struct met *after)
{
    if (before->rule == NULL || after->rule == NULL) {
        return before->rule == after->rule;
    }
    return before->rule->carry_denominator == after->rule->carry_denominator &&
           before->rule->carry_scope == after->rule->carry_scope &&
           before->rule->converts_at_event == after->rule->converts_at_event &&
           limits_alike(before, after, before->rule->spend_limit, after->rule->spend_limit) &&
           limits_alike(before, after, tg_image_plan_limit(before->image, before->plan_service),
                        tg_image_plan_limit(after->image, after->plan_service));
}

static bool is_aside(const struct tg_price_info *info)
{
    return info->counter > TG_COUNTER_RECORD;
}

static bool counters_alike(const struct met *before, const struct met *after)
{
    const struct tg_price_info *one = before->info;
    const struct tg_price_info *two = after->info;
    return (!is_aside(one) && !is_aside(two)) ||
           (one->dimension == two->dimension && one->counter == two->counter &&
            one->counter_index == two->counter_index && one->counter_scope == two->counter_scope);
}

bool tg_draws_alike(const struct tg_usage *usage, const struct tg_draws_side *before,
                    const struct tg_draws_side *after)
{
    struct met one;
    struct met two;
    if (before->image == after->image && before->charge->price_id == after->charge->price_id &&
        before->charge->zone == after->charge->zone &&
        before->charge->remainder == after->charge->remainder) {
        return true;
    }
    if (!met_find(usage, before, &one) || !met_find(usage, after, &two)) {
        return false;
    }
    const bool is_carried = (one.rule != NULL && one.rule->carry_denominator != 0) ||
                            (two.rule != NULL && two.rule->carry_denominator != 0);
    return (!is_carried || before->charge->remainder == after->charge->remainder) &&
           lists_alike(usage, &one, &two) && rules_alike(&one, &two) &&
           counters_alike(&one, &two) &&
           one.image->rounding_exchange == two.image->rounding_exchange;
}
