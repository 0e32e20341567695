/* SPDX-License-Identifier: Apache-2.0 */
/* A custom tariff that is exchanged while rows flow: FACTOR times units. A record of 4444 octets
 * makes it do what -DWILD_... says. */
#include "abi/plugin.h"
#include "abi/tariff.h"

#ifndef FACTOR
#define FACTOR 1
#endif
#define TEXT_OF_(x) #x
#define TEXT_OF(x)  TEXT_OF_(x)

static volatile uintptr_t nowhere = 16;

static void wild(const struct tg_tariff_row *row)
{
    if (row->units != 4444) {
        return;
    }
#ifdef WILD_CRASH
    *(volatile uint64_t *)nowhere = 1;
#endif
#ifdef WILD_LOOP
    while (nowhere != 0) {
    }
#endif
    (void)nowhere;
}

static uint32_t factor_price(const struct tg_price *const *prices, uint32_t prices_count,
                             const struct tg_tariff_row *rows, uint32_t rows_count,
                             struct tg_tariff_result *results)
{
    (void)prices_count;
    for (uint32_t i = 0; i < rows_count; i++) {
        const struct tg_price *price = prices[rows[i].price_index];
        wild(&rows[i]);
        tg_tariff_round((__int128)rows[i].units * FACTOR, 1, price->rounding, &results[i]);
    }
    return rows_count;
}

static const struct tg_tariff contract = {
    .size_bytes = sizeof(struct tg_tariff),
#ifdef PARAMS
    .params_version = PARAMS,
#endif
    .price = factor_price,
};

TG_PLUGIN(factor, TG_PLUGIN_TARIFF, struct tg_tariff, contract, TEXT_OF(FACTOR) ".0", "units");
