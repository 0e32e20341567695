/* SPDX-License-Identifier: Apache-2.0 */
/* Volume: the step reached prices all units of the period. As that changes the price of what came
 * before, a record's charge is V(after) - V(before) and may be negative: going from 1,000 to 1,001
 * units with (1000 @ 0.05, 10000 @ 0.04) gives 40.04 - 50.00 = -9.96 (rating-semantics 4.5). */
#include "abi/plugin.h"
#include "abi/tariff.h"
#include "lib/exact.h"

#include <stdbool.h>

/* Step that holds a total of at least 1 unit, or steps_count when none does. */
static uint32_t step_of(const struct tg_price *price, uint64_t total)
{
    const struct tg_price_step *steps = tg_price_steps(price);
    uint32_t i = 0;
    while (i < price->steps_count && total > steps[i].up_to_units) {
        i++;
    }
    return i;
}

static void row_price(const struct tg_price *price, const struct tg_tariff_row *row,
                      struct tg_tariff_result *result)
{
    const struct tg_price_step *steps = tg_price_steps(price);
    struct exact sum = {0, steps[0].per_units};
    uint64_t after;
    result->step_index = 0;
    if (row->units == 0) {
        tg_tariff_round(0, 1, price->rounding, result);
        return;
    }
    if (__builtin_add_overflow(row->units_before, row->units, &after)) {
        result_void(result, TG_E_AMOUNT_OVERFLOW);
        return;
    }
    const uint32_t reached = step_of(price, after);
    if (reached == price->steps_count) {
        result_void(result, TG_E_NO_RATE);
        return;
    }
    bool fits = exact_add(&sum, &steps[reached], steps[reached].price, after, steps[reached].flat);
    if (row->units_before > 0 && fits) {
        const struct tg_price_step *was = &steps[step_of(price, row->units_before)];
        fits = was->price > INT64_MIN && was->flat > INT64_MIN &&
               exact_add(&sum, was, -was->price, row->units_before, -was->flat);
    }
    if (!fits) {
        result_void(result, TG_E_AMOUNT_OVERFLOW);
        return;
    }
    tg_tariff_round(sum.numerator, sum.denominator, price->rounding, result);
    result->step_index = reached;
}

static uint32_t volume_price(const struct tg_price *const *prices, uint32_t prices_count,
                             const struct tg_tariff_row *rows, uint32_t rows_count,
                             struct tg_tariff_result *results)
{
    (void)prices_count;
    for (uint32_t i = 0; i < rows_count; i++) {
        row_price(prices[rows[i].price_index], &rows[i], &results[i]);
    }
    return rows_count;
}

/* Two parts: what the total costs now, less what it cost before. */
static uint32_t volume_explain(const struct tg_price *price, const struct tg_tariff_row *row,
                               struct tg_tariff_part *parts, uint32_t parts_max)
{
    const struct tg_price_step *steps = tg_price_steps(price);
    const uint64_t after = row->units_before + row->units;
    const uint32_t reached = step_of(price, after);
    uint32_t count = 0;
    if (row->units == 0 || reached == price->steps_count) {
        return 0;
    }
    struct tg_tariff_part part = part_of(&steps[reached], reached, after, after, true, false);
    part_append(parts, parts_max, &count, &part);
    if (row->units_before > 0) {
        const uint32_t was = step_of(price, row->units_before);
        part = part_of(&steps[was], was, row->units_before, row->units_before, true, true);
        part_append(parts, parts_max, &count, &part);
    }
    return count;
}

static enum tg_err volume_compile(const struct tg_tariff_source *source, uint8_t *params,
                                  uint32_t *params_bytes, struct tg_complaint *why)
{
    (void)params;
    *params_bytes = 0;
    if (source->settings_count > 0) {
        *why = (struct tg_complaint){"volume takes no params; its steps say it all", 0};
        return TG_E_PLUGIN_PARAMS;
    }
    if (source->price->steps_count < 1) {
        *why = (struct tg_complaint){"volume needs at least one step", UINT32_MAX};
        return TG_E_PLUGIN_PARAMS;
    }
    return TG_OK;
}

/* One step without a flat amount is the same for every unit. */
static int volume_counts(const struct tg_price *price)
{
    return price->steps_count > 1 || tg_price_steps(price)->flat != 0;
}

static const struct tg_tariff contract = {
    .size_bytes = sizeof(struct tg_tariff),
    .params_bytes_max = 0,
    .compile = volume_compile,
    .price = volume_price,
    .counts = volume_counts,
    .explain = volume_explain,
};

TG_PLUGIN(volume, TG_PLUGIN_TARIFF, struct tg_tariff, contract, "1.0",
          "the step reached prices all units of the period");
