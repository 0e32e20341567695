/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/tariffs/kit/tariff_kit.h"

Test(package, a_group_counts_from_its_first_unit)
{
    /* If this failed, opened groups would be given away or charged twice (rating-semantics 4.5). */
    struct tariff_kit kit;
    const struct tg_price_step step = {UINT64_MAX, EUR(20, 0), 500, 0};
    tariff_kit_price(&kit, &step, 1);
    const struct tariff_kit_row rows[] = {
        {0, 1, EUR(20, 0)}, {0, 1000, EUR(40, 0)}, {0, 1001, EUR(60, 0)}, {0, 10001, EUR(420, 0)},
        {1, 499, 0},        {500, 1, EUR(20, 0)},  {499, 2, EUR(20, 0)},  {0, 0, 0}};
    tariff_kit_expect(&kit, "package", rows, TARIFF_KIT_COUNT(rows));
}

Test(package, free_units_come_before_the_first_group)
{
    /* If this failed, the free units a plan promises would be charged. */
    struct tariff_kit kit;
    const struct tg_price_step step = {UINT64_MAX, EUR(100, 0), 10, 0};
    const struct tg_setting free_ten = {"free_units", "10", NULL, 0, 0};
    tariff_kit_price(&kit, &step, 1);
    cr_assert(tariff_kit_compile(&kit, "package", &free_ten, 1) == TG_OK);
    const struct tariff_kit_row rows[] = {{0, 121, EUR(1200, 0)}, {0, 10, 0}, {10, 1, EUR(100, 0)}};
    tariff_kit_expect(&kit, "package", rows, TARIFF_KIT_COUNT(rows));
}

Test(package, params_it_does_not_know_are_refused)
{
    /* If this failed, a misspelt free_units would silently charge the free units. */
    const struct tg_setting bad[] = {{"free_unit", "10", NULL, 0, 0},
                                     {"free_units", "-1", NULL, 0, 0},
                                     {"free_units", "", NULL, 0, 0},
                                     {"free_units", "99999999999999999999", NULL, 0, 0},
                                     {"free_units", "1.5", NULL, 0, 0}};
    struct tariff_kit kit;
    const struct tg_price_step step = {UINT64_MAX, EUR(1, 0), 10, 0};
    for (size_t i = 0; i < TARIFF_KIT_COUNT(bad); i++) {
        tariff_kit_price(&kit, &step, 1);
        cr_expect(tariff_kit_compile(&kit, "package", &bad[i], 1) == TG_E_PLUGIN_PARAMS, "%s=%s",
                  bad[i].key, bad[i].value);
    }
}
