/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/tariffs/kit/tariff_kit.h"

Test(flat, a_record_costs_the_same_whatever_its_quantity)
{
    /* If this failed, messages would be priced by their length or their number of parts. */
    struct tariff_kit kit;
    const struct tg_price_step step = {UINT64_MAX, EUR(0, 9), 1, 0};
    tariff_kit_price(&kit, &step, 1);
    const struct tariff_kit_row rows[] = {
        {0, 1, EUR(0, 9)}, {1000, 1, EUR(0, 9)}, {0, 77, EUR(0, 9)}, {5, 0, 0}};
    tariff_kit_expect(&kit, "flat", rows, TARIFF_KIT_COUNT(rows));
}

Test(flat, a_record_cut_at_a_time_band_pays_once)
{
    /* If this failed, a record that crosses a band boundary would cost twice. */
    struct tariff_kit kit;
    const struct tg_price_step step = {UINT64_MAX, EUR(0, 9), 1, 0};
    tariff_kit_price(&kit, &step, 1);
    const struct tg_price *const prices[1] = {&kit.price};
    const struct tg_tariff_row rows[2] = {{.units = 5, .flags = TG_TARIFF_FIRST_PIECE},
                                          {.units = 5, .flags = TG_TARIFF_LAST_PIECE}};
    struct tg_tariff_result results[3];
    const struct tg_guard_bounds bounds = tg_guard_bounds_default();
    cr_assert(tg_guard_price(tg_plug_find(TG_PLUGIN_TARIFF, "flat"), &bounds, prices, 1, rows, 2,
                             results) == 2);
    cr_expect(results[0].amount + results[1].amount == EUR(0, 9));
}
