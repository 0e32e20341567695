/* SPDX-License-Identifier: Apache-2.0 */
/* Per unit: every unit costs the same. amount = round(price * units / per_units), plus the step's
 * flat amount with the first unit of the period. Rating-semantics 4.1: one multiplication in 128
 * bits, one division, one rounding. */
#include "abi/plugin.h"
#include "abi/tariff.h"

static void row_price(const struct tg_price *price, const struct tg_tariff_row *row,
                      struct tg_tariff_result *result)
{
    const struct tg_price_step *step = tg_price_steps(price);
    result->step_index = 0;
    if (row->units == 0) {
        tg_tariff_round(0, 1, price->rounding, result);
        return;
    }
    __int128 numerator = (__int128)step->price * row->units;
    if (step->flat != 0 && row->units_before == 0 &&
        __builtin_add_overflow(numerator, (__int128)step->flat * step->per_units, &numerator)) {
        *result = (struct tg_tariff_result){.denominator = 1, .verdict = TG_E_AMOUNT_OVERFLOW};
        return;
    }
    tg_tariff_round(numerator, step->per_units, price->rounding, result);
}

static uint32_t per_unit_price(const struct tg_price *const *prices, uint32_t prices_count,
                               const struct tg_tariff_row *rows, uint32_t rows_count,
                               struct tg_tariff_result *results)
{
    (void)prices_count;
    for (uint32_t i = 0; i < rows_count; i++) {
        row_price(prices[rows[i].price_index], &rows[i], &results[i]);
    }
    return rows_count;
}

static uint32_t per_unit_explain(const struct tg_price *price, const struct tg_tariff_row *row,
                                 struct tg_tariff_part *parts, uint32_t parts_max)
{
    const struct tg_price_step *step = tg_price_steps(price);
    if (parts_max > 0) {
        const int has_flat = row->units > 0 && row->units_before == 0;
        parts[0] = (struct tg_tariff_part){.units = row->units,
                                           .counted = row->units,
                                           .price = step->price,
                                           .per_units = step->per_units,
                                           .flat = has_flat ? step->flat : 0};
    }
    return 1;
}

static enum tg_err per_unit_compile(const struct tg_tariff_source *source, uint8_t *params,
                                    uint32_t *params_bytes, struct tg_complaint *why)
{
    (void)params;
    *params_bytes = 0;
    if (source->settings_count > 0) {
        *why = (struct tg_complaint){"per_unit takes no params; remove them", 0};
        return TG_E_PLUGIN_PARAMS;
    }
    if (source->price->steps_count != 1) {
        *why = (struct tg_complaint){
            "per_unit has exactly one step; use graduated or volume for several", UINT32_MAX};
        return TG_E_PLUGIN_PARAMS;
    }
    return TG_OK;
}

/* A flat amount is due with the first unit. */
static int per_unit_counts(const struct tg_price *price)
{
    return tg_price_steps(price)->flat != 0;
}

static const struct tg_tariff contract = {
    .size_bytes = sizeof(struct tg_tariff),
    .params_bytes_max = 0,
    .compile = per_unit_compile,
    .price = per_unit_price,
    .counts = per_unit_counts,
    .explain = per_unit_explain,
    .promises = TG_TARIFF_IS_LINEAR,
};

TG_PLUGIN(per_unit, TG_PLUGIN_TARIFF, struct tg_tariff, contract, "1.0",
          "every unit costs the same");
