/* SPDX-License-Identifier: Apache-2.0 */
/* Graduated: each step prices the units that fall into it, counted over the period; a record that
 * crosses a bound pays each part at its own step (rating-semantics 4.5: 995 -> 1005 = 5 at the
 * first step and 5 at the second). A step's flat amount comes once, with its first unit. */
#include "abi/plugin.h"
#include "abi/tariff.h"
#include "lib/exact.h"

#include <stdbool.h>

static void row_price(const struct tg_price *price, const struct tg_tariff_row *row,
                      struct tg_tariff_result *result)
{
    const struct tg_price_step *steps = tg_price_steps(price);
    struct exact sum = {0, steps[0].per_units};
    uint64_t at = row->units_before; /* units already counted */
    uint64_t left = row->units;
    uint64_t lower = 0; /* the step is (lower, up_to] */
    uint32_t step = 0;
    if (left > UINT64_MAX - at) {
        result_void(result, TG_E_AMOUNT_OVERFLOW);
        return;
    }
    for (uint32_t i = 0; i < price->steps_count && left > 0; i++) {
        const uint64_t upper = steps[i].up_to_units;
        if (at < upper) {
            const uint64_t room = upper - at;
            const uint64_t part = left < room ? left : room;
            const int64_t flat = at == lower ? steps[i].flat : 0;
            if (!exact_add(&sum, &steps[i], steps[i].price, part, flat)) {
                result_void(result, TG_E_AMOUNT_OVERFLOW);
                return;
            }
            at += part;
            left -= part;
            step = i;
        }
        lower = upper;
    }
    if (left > 0) {
        result_void(result, TG_E_NO_RATE); /* beyond the last bound there is no price */
        return;
    }
    tg_tariff_round(sum.numerator, sum.denominator, price->rounding, result);
    result->step_index = step;
}

static uint32_t graduated_price(const struct tg_price *const *prices, uint32_t prices_count,
                                const struct tg_tariff_row *rows, uint32_t rows_count,
                                struct tg_tariff_result *results)
{
    (void)prices_count;
    for (uint32_t i = 0; i < rows_count; i++) {
        row_price(prices[rows[i].price_index], &rows[i], &results[i]);
    }
    return rows_count;
}

static uint32_t graduated_explain(const struct tg_price *price, const struct tg_tariff_row *row,
                                  struct tg_tariff_part *parts, uint32_t parts_max)
{
    const struct tg_price_step *steps = tg_price_steps(price);
    uint64_t at = row->units_before;
    uint64_t left = row->units;
    uint64_t lower = 0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < price->steps_count && left > 0; i++) {
        const uint64_t upper = steps[i].up_to_units;
        if (at < upper) {
            const uint64_t units = left < upper - at ? left : upper - at;
            const struct tg_tariff_part part =
                part_of(&steps[i], i, units, units, at == lower, false);
            part_append(parts, parts_max, &count, &part);
            at += units;
            left -= units;
        }
        lower = upper;
    }
    return count;
}

static enum tg_err graduated_compile(const struct tg_tariff_source *source, uint8_t *params,
                                     uint32_t *params_bytes, struct tg_complaint *why)
{
    (void)params;
    *params_bytes = 0;
    if (source->settings_count > 0) {
        *why = (struct tg_complaint){"graduated takes no params; its steps say it all", 0};
        return TG_E_PLUGIN_PARAMS;
    }
    if (source->price->steps_count < 1) {
        *why = (struct tg_complaint){"graduated needs at least one step", UINT32_MAX};
        return TG_E_PLUGIN_PARAMS;
    }
    return TG_OK;
}

/* One step without a flat amount is the same for every unit. */
static int graduated_counts(const struct tg_price *price)
{
    return price->steps_count > 1 || tg_price_steps(price)->flat != 0;
}

static const struct tg_tariff contract = {
    .size_bytes = sizeof(struct tg_tariff),
    .params_bytes_max = 0,
    .compile = graduated_compile,
    .price = graduated_price,
    .counts = graduated_counts,
    .explain = graduated_explain,
};

TG_PLUGIN(graduated, TG_PLUGIN_TARIFF, struct tg_tariff, contract, "1.0",
          "each step prices the units that fall into it");
