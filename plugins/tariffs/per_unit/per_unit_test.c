/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/tariffs/kit/tariff_kit.h"

Test(per_unit, tenth_of_a_euro_a_minute_is_exact_by_the_second)
{
    /* If this failed, a price per second would have been cut to a finite decimal and every call
     * would be billed a little wrong (rating-semantics 4.1). */
    struct tariff_kit kit;
    const struct tg_price_step step = {UINT64_MAX, EUR(0, 10), 60, 0};
    tariff_kit_price(&kit, &step, 1);
    const struct tariff_kit_row rows[] = {{0, 60, EUR(0, 10)}, {0, 66, EUR(0, 11)},
                                          {7, 72, EUR(0, 12)}, {0, 600, EUR(1, 0)},
                                          {0, 1, 166667},      {0, 0, 0}};
    tariff_kit_expect(&kit, "per_unit", rows, TARIFF_KIT_COUNT(rows));
    const struct tg_tariff_result one = tariff_kit_run(&kit, "per_unit", 0, 1);
    cr_expect((__int128)one.amount * 60 + one.remainder == EUR(0, 10),
              "the remainder must make the amount exact");
}

Test(per_unit, every_rounding_mode_mirrors_for_refunds)
{
    /* If this failed, a refund would not cancel the charge it refunds. */
    const struct {
        uint8_t rounding;
        int64_t plus;
        int64_t minus;
    } rows[] = {{TG_ROUND_HALF_UP, 3, -3}, {TG_ROUND_HALF_EVEN, 2, -2}, {TG_ROUND_UP, 3, -3},
                {TG_ROUND_DOWN, 2, -2},    {TG_ROUND_CEIL, 3, -2},      {TG_ROUND_FLOOR, 2, -3}};
    for (size_t i = 0; i < TARIFF_KIT_COUNT(rows); i++) {
        struct tariff_kit kit;
        struct tg_price_step step = {UINT64_MAX, 5, 2, 0};
        tariff_kit_price(&kit, &step, 1);
        kit.price.rounding = rows[i].rounding;
        cr_expect(tariff_kit_run(&kit, "per_unit", 0, 1).amount == rows[i].plus, "mode %u",
                  rows[i].rounding);
        kit.steps[0].price = -5;
        cr_expect(tariff_kit_run(&kit, "per_unit", 0, 1).amount == rows[i].minus, "mode %u",
                  rows[i].rounding);
    }
}

Test(per_unit, what_does_not_fit_64_bits_is_refused)
{
    /* If this failed, an absurd quantity would wrap round to a small or negative bill. */
    struct tariff_kit kit;
    const struct tg_price_step step = {UINT64_MAX, INT64_MAX, 1, 0};
    tariff_kit_price(&kit, &step, 1);
    cr_expect(tariff_kit_run(&kit, "per_unit", 0, 2).verdict == TG_E_AMOUNT_OVERFLOW);
    cr_expect(tariff_kit_run(&kit, "per_unit", 0, UINT64_MAX).verdict == TG_E_AMOUNT_OVERFLOW);
}

Test(per_unit, params_and_second_steps_are_refused_when_the_catalog_is_built)
{
    /* If this failed, a misspelt option would be ignored and rows billed without it. */
    struct tariff_kit kit;
    const struct tg_price_step steps[2] = {{10, 1, 1, 0}, {UINT64_MAX, 1, 1, 0}};
    const struct tg_setting setting = {"discount", "1", NULL, 0, 0};
    tariff_kit_price(&kit, steps, 1);
    cr_expect(tariff_kit_compile(&kit, "per_unit", NULL, 0) == TG_OK);
    cr_expect(tariff_kit_compile(&kit, "per_unit", &setting, 1) == TG_E_PLUGIN_PARAMS);
    tariff_kit_price(&kit, steps, 2);
    cr_expect(tariff_kit_compile(&kit, "per_unit", NULL, 0) == TG_E_PLUGIN_PARAMS);
}
