/* SPDX-License-Identifier: Apache-2.0 */
/* Flat: a record costs the step's price whatever its quantity, as a message or a lookup does. A
 * record with no unit left to price (all of it covered by an allowance) costs nothing. */
#include "abi/plugin.h"
#include "abi/tariff.h"

static uint32_t flat_price(const struct tg_price *const *prices, uint32_t prices_count,
                           const struct tg_tariff_row *rows, uint32_t rows_count,
                           struct tg_tariff_result *results)
{
    (void)prices_count;
    for (uint32_t i = 0; i < rows_count; i++) {
        const struct tg_price_step *step = tg_price_steps(prices[rows[i].price_index]);
        /* A record split at time bands is still one record: its first piece carries the price. */
        const int is_charged = rows[i].units > 0 && (rows[i].flags & TG_TARIFF_FIRST_PIECE) != 0;
        results[i] = (struct tg_tariff_result){
            .amount = is_charged ? step->price : 0, .denominator = 1, .verdict = TG_OK};
    }
    return rows_count;
}

static uint32_t flat_explain(const struct tg_price *price, const struct tg_tariff_row *row,
                             struct tg_tariff_part *parts, uint32_t parts_max)
{
    const int is_charged = row->units > 0 && (row->flags & TG_TARIFF_FIRST_PIECE) != 0;
    if (parts_max > 0) {
        parts[0] = (struct tg_tariff_part){.units = row->units,
                                           .per_units = 1,
                                           .flat = is_charged ? tg_price_steps(price)->price : 0,
                                           .kind = TG_TARIFF_PART_ONCE};
    }
    return 1;
}

static enum tg_err flat_compile(const struct tg_tariff_source *source, uint8_t *params,
                                uint32_t *params_bytes, struct tg_complaint *why)
{
    (void)params;
    *params_bytes = 0;
    if (source->settings_count > 0) {
        *why = (struct tg_complaint){"flat takes no params; remove them", 0};
        return TG_E_PLUGIN_PARAMS;
    }
    if (source->price->steps_count != 1) {
        *why = (struct tg_complaint){"flat has exactly one step", UINT32_MAX};
        return TG_E_PLUGIN_PARAMS;
    }
    return TG_OK;
}

/* Each record costs the same, whatever was before it. */
static int flat_counts(const struct tg_price *price)
{
    (void)price;
    return 0;
}

static const struct tg_tariff contract = {
    .size_bytes = sizeof(struct tg_tariff),
    .params_bytes_max = 0,
    .compile = flat_compile,
    .price = flat_price,
    .counts = flat_counts,
    .explain = flat_explain,
};

TG_PLUGIN(flat, TG_PLUGIN_TARIFF, struct tg_tariff, contract, "1.0",
          "a record costs the same whatever its quantity");
