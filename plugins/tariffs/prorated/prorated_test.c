/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/tariffs/kit/tariff_kit.h"

static int64_t charge_of(const struct tariff_kit *kit, uint64_t before, uint64_t units,
                         int64_t quantity)
{
    const struct tg_price *const prices[1] = {&kit->price};
    const struct tg_tariff_row row = {
        .units = units, .units_before = before, .base_amount = quantity};
    struct tg_tariff_result results[2];
    const struct tg_guard_bounds bounds = tg_guard_bounds_default();
    cr_assert_eq(tg_guard_price(tg_plug_find(TG_PLUGIN_TARIFF, "prorated"), &bounds, prices, 1,
                                &row, 1, results),
                 1);
    return results[0].amount;
}

static const struct tg_price_step tiers[] = {{5, EUR(10, 0), 1, EUR(100, 0)},
                                             {UINT64_MAX, EUR(5, 0), 1, EUR(50, 0)}};

Test(prorated, whole_units_choose_the_tier_and_prorated_ones_pay)
{
    /* If this failed, a seat that joined at the month's end would be charged for all of it, or
     * reach no tier. 5 seats over both tiers, 2.66667 months of seats: 3/5 at 10, 2/5 at 5. */
    struct tariff_kit kit;
    tariff_kit_price(&kit, tiers, 2);
    cr_assert_eq(tariff_kit_compile(&kit, "prorated", NULL, 0), TG_OK);
    cr_expect_eq(charge_of(&kit, 0, 1, EUR(0, 70)), EUR(107, 0));
    cr_expect_eq(charge_of(&kit, 2, 5, 266667000), EUR(50, 0) + 1600002000 + 533334000);
    cr_expect_eq(charge_of(&kit, 7, 10, EUR(2, 0)), EUR(10, 0));
}

Test(prorated, in_volume_mode_one_tier_prices_all)
{
    /* If this failed, 300 seats would pay the small customer's price. */
    struct tariff_kit kit;
    const struct tg_setting mode = {"mode", "volume", NULL, 0, 0};
    const struct tg_setting wrong = {"mode", "tiered", NULL, 0, 0};
    tariff_kit_price(&kit, tiers, 2);
    cr_assert_eq(tariff_kit_compile(&kit, "prorated", &mode, 1), TG_OK);
    cr_expect_eq(charge_of(&kit, 0, 300, EUR(198, 60)), EUR(993, 0) + EUR(50, 0));
    cr_expect_eq(tariff_kit_compile(&kit, "prorated", &wrong, 1), TG_E_PLUGIN_PARAMS);
    kit.steps[0].per_units = 60;
    cr_expect_eq(tariff_kit_compile(&kit, "prorated", &mode, 1), TG_E_PLUGIN_PARAMS);
}
