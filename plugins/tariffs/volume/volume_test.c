/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/tariffs/kit/tariff_kit.h"

static const struct tg_price_step tiers[] = {
    {1000, EUR(0, 5), 1, 0}, {10000, EUR(0, 4), 1, 0}, {UINT64_MAX, EUR(0, 3), 1, 0}};

Test(volume, the_step_reached_prices_all_units)
{
    /* If this failed, volume discounts would be billed as graduated ones. The figures are those of
     * rating-semantics 4.5; the price drop at 1,001 is intended. */
    struct tariff_kit kit;
    tariff_kit_price(&kit, tiers, 3);
    const struct tariff_kit_row rows[] = {{0, 1000, EUR(50, 0)},   {0, 1001, EUR(40, 4)},
                                          {0, 10001, EUR(300, 3)}, {0, 25000, EUR(750, 0)},
                                          {1000, 1, -EUR(9, 96)},  {500, 0, 0}};
    tariff_kit_expect(&kit, "volume", rows, TARIFF_KIT_COUNT(rows));
}

Test(volume, records_of_a_period_sum_to_its_volume_price)
{
    /* If this failed, V(after) - V(before) would not telescope and the invoice would depend on how
     * usage was cut into records. */
    struct tariff_kit kit;
    tariff_kit_price(&kit, tiers, 3);
    int64_t sum = 0;
    for (uint64_t at = 0; at < 25000; at += 125) {
        sum += tariff_kit_run(&kit, "volume", at, 125).amount;
    }
    cr_expect(sum == EUR(750, 0), "%lld", (long long)sum);
}

Test(volume, flat_amount_is_that_of_the_step_reached)
{
    /* If this failed, flat amounts of steps that were passed would stay on the bill. */
    struct tariff_kit kit;
    const struct tg_price_step steps[] = {{100, EUR(2, 0), 1, EUR(10, 0)},
                                          {200, EUR(1, 0), 1, 0},
                                          {UINT64_MAX, EUR(0, 50), 1, EUR(50, 0)}};
    tariff_kit_price(&kit, steps, 3);
    const struct tariff_kit_row rows[] = {{0, 1, EUR(12, 0)},
                                          {0, 100, EUR(210, 0)},
                                          {100, 1, EUR(101, 0) - EUR(210, 0)},
                                          {0, 300, EUR(200, 0)}};
    tariff_kit_expect(&kit, "volume", rows, TARIFF_KIT_COUNT(rows));
}

Test(volume, beyond_the_last_bound_there_is_no_rate)
{
    /* If this failed, usage that nobody priced would be given away at 0. */
    struct tariff_kit kit;
    tariff_kit_price(&kit, tiers, 2);
    cr_expect(tariff_kit_run(&kit, "volume", 9999, 2).verdict == TG_E_NO_RATE);
}
