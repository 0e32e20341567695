/* SPDX-License-Identifier: Apache-2.0 */
/* A custom tariff built outside the tree: half price from 22:00 to 06:00 UTC. It uses nothing but
 * the installed headers. */
#include "abi/plugin.h"
#include "abi/tariff.h"

#define HOUR_NS INT64_C(3600000000000)

static uint32_t night_owl_price(const struct tg_price *const *prices, uint32_t prices_count,
                                const struct tg_tariff_row *rows, uint32_t rows_count,
                                struct tg_tariff_result *results)
{
    (void)prices_count;
    for (uint32_t i = 0; i < rows_count; i++) {
        const struct tg_price *price = prices[rows[i].price_index];
        const struct tg_price_step *step = tg_price_steps(price);
        const int64_t hour = rows[i].start_ns / HOUR_NS % 24;
        const uint64_t part = hour >= 22 || hour < 6 ? 2 : 1;
        results[i].step_index = 0;
        tg_tariff_round((__int128)step->price * rows[i].units, step->per_units * part,
                        price->rounding, &results[i]);
    }
    return rows_count;
}

static const struct tg_tariff contract = {
    .size_bytes = sizeof(struct tg_tariff),
    .price = night_owl_price,
};

TG_PLUGIN(night_owl, TG_PLUGIN_TARIFF, struct tg_tariff, contract, "1.0", "half price at night");
