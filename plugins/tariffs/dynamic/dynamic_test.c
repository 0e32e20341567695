/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/tariffs/kit/tariff_kit.h"

static int64_t charge_of(const struct tariff_kit *kit, int64_t base)
{
    const struct tg_price *const prices[1] = {&kit->price};
    const struct tg_tariff_row row = {.units = 1, .base_amount = base};
    struct tg_tariff_result results[2];
    const struct tg_guard_bounds bounds = tg_guard_bounds_default();
    cr_assert_eq(tg_guard_price(tg_plug_find(TG_PLUGIN_TARIFF, "dynamic"), &bounds, prices, 1, &row,
                                1, results),
                 1);
    return results[0].amount;
}

Test(dynamic, the_record_names_its_price)
{
    /* If this failed, premium services would be billed at other prices than they announced. */
    struct tariff_kit kit;
    const struct tg_setting markup = {"markup", "12.5%", NULL, 0, 0};
    const struct tg_price_step none = {UINT64_MAX, 0, 1, 0};
    tariff_kit_price(&kit, &none, 1);
    kit.price.steps_count = 0;
    cr_assert_eq(tariff_kit_compile(&kit, "dynamic", NULL, 0), TG_OK);
    cr_expect_eq(charge_of(&kit, EUR(12, 49)), EUR(12, 49));
    cr_assert_eq(tariff_kit_compile(&kit, "dynamic", &markup, 1), TG_OK);
    cr_expect_eq(charge_of(&kit, EUR(8, 0)), EUR(9, 0));
    cr_expect_eq(charge_of(&kit, 1), 1, "1.125 of the smallest amount");
    kit.price.params_bytes = sizeof(int64_t); /* an image of before: ppm alone */
    cr_expect_eq(charge_of(&kit, EUR(8, 0)), EUR(9, 0));
    const struct {
        const char *markup;
        int64_t charge; /* of 300.00 */
    } cases[] = {{"-50%", EUR(150, 0)},
                 {"-100%", 0},
                 {"33.3333333%", EUR(399, 99) + 999990},
                 {"-33.3333333%", EUR(200, 0) + 10},
                 {"1000%", EUR(3300, 0)}};
    for (size_t i = 0; i < TARIFF_KIT_COUNT(cases); i++) {
        const struct tg_setting other = {"markup", cases[i].markup, NULL, 0, 0};
        cr_assert_eq(tariff_kit_compile(&kit, "dynamic", &other, 1), TG_OK);
        cr_expect_eq(charge_of(&kit, EUR(300, 0)), cases[i].charge, "%s: %lld", cases[i].markup,
                     (long long)charge_of(&kit, EUR(300, 0)));
    }
}

Test(dynamic, a_markup_it_cannot_read_is_refused)
{
    /* If this failed, a typo in the markup would sell at cost. */
    const char *const bad[] = {"12.5",    "%",      "-%",  "--1%",
                               "-100.1%", "1.%",    ".5%", "1.12345678%",
                               "1000.1%", "1.2.3%", "+1%", "99999999999999%"};
    struct tariff_kit kit;
    const struct tg_price_step none = {UINT64_MAX, 0, 1, 0};
    for (size_t i = 0; i < TARIFF_KIT_COUNT(bad); i++) {
        const struct tg_setting markup = {"markup", bad[i], NULL, 0, 0};
        tariff_kit_price(&kit, &none, 1);
        cr_expect_eq(tariff_kit_compile(&kit, "dynamic", &markup, 1), TG_E_PLUGIN_PARAMS, "%s",
                     bad[i]);
    }
}
