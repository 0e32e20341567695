/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/tariffs/kit/tariff_kit.h"

/* A price with room for the params, laid out as in the image. */
struct percentage_kit {
    struct tg_price price;
    uint64_t params[512];
};

static enum tg_err kit_make(struct percentage_kit *kit, const struct tg_setting *settings,
                            uint32_t count)
{
    const struct tg_tariff *contract =
        tg_plug_find(TG_PLUGIN_TARIFF, "percentage")->plugin->contract;
    struct tg_complaint why = {{0}, 0};
    memset(kit, 0, sizeof *kit);
    kit->price = (struct tg_price){.size_bytes = sizeof kit->price,
                                   .scale = 8,
                                   .params_offset = offsetof(struct percentage_kit, params)};
    const struct tg_tariff_source source = {sizeof source, count, settings, &kit->price};
    cr_assert(contract->params_bytes_max <= sizeof kit->params);
    const enum tg_err err =
        contract->compile(&source, (uint8_t *)kit->params, &kit->price.params_bytes, &why);
    cr_expect((err == TG_OK) == (why.text[0] == '\0'), "%s", why.text);
    return err;
}

static int64_t kit_charge(const struct percentage_kit *kit, int64_t base, int64_t before,
                          uint64_t events)
{
    const struct tg_price *const prices[1] = {&kit->price};
    const struct tg_tariff_row row = {.units = (uint64_t)base,
                                      .base_amount = base,
                                      .base_before = before,
                                      .events_before = events};
    struct tg_tariff_result results[2];
    const struct tg_guard_bounds bounds = {INT64_MAX - 1, 1000000};
    cr_assert_eq(tg_guard_price(tg_plug_find(TG_PLUGIN_TARIFF, "percentage"), &bounds, prices, 1,
                                &row, 1, results),
                 1);
    tariff_kit_explained(tg_plug_find(TG_PLUGIN_TARIFF, "percentage"), &kit->price, &row,
                         &results[0]);
    return results[0].amount;
}

Test(percentage, freedom_ends_with_whichever_limit_comes_first)
{
    /* If this failed, a marketplace would pay on amounts its contract makes free, or not at all on
     * those it does not. Events of 50, 100, 250, 400 with 3 free records and 250 free. */
    const struct tg_setting settings[] = {{"rate", "1.3%", NULL, 0, 0},
                                          {"fixed", "2", NULL, 0, 0},
                                          {"free_events", "3", NULL, 0, 0},
                                          {"free_amount", "250", NULL, 0, 0}};
    struct percentage_kit kit;
    cr_assert_eq(kit_make(&kit, settings, 4), TG_OK);
    cr_expect_eq(kit_charge(&kit, EUR(50, 0), 0, 0), 0);
    cr_expect_eq(kit_charge(&kit, EUR(100, 0), EUR(50, 0), 1), 0);
    cr_expect_eq(kit_charge(&kit, EUR(250, 0), EUR(150, 0), 2), EUR(3, 95), "150 x 1.3 %% + 2");
    cr_expect_eq(kit_charge(&kit, EUR(400, 0), EUR(400, 0), 3), EUR(7, 20));
    cr_assert_eq(kit_make(&kit, settings, 3), TG_OK, "without the free amount");
    cr_expect_eq(kit_charge(&kit, EUR(250, 0), EUR(150, 0), 2), 0);
    cr_expect_eq(kit_charge(&kit, EUR(1, 0), EUR(400, 0), 3), EUR(2, 1) + 300000);
}

Test(percentage, bounds_hold_for_each_paying_record)
{
    /* If this failed, small sales would be free of charge and large ones without their cap. */
    const struct tg_setting settings[] = {
        {"rate", "2.99%", NULL, 0, 0}, {"min", "1.75", NULL, 0, 0}, {"max", "12", NULL, 0, 0}};
    struct percentage_kit kit;
    cr_assert_eq(kit_make(&kit, settings, 3), TG_OK);
    cr_expect_eq(kit_charge(&kit, EUR(10, 0), 0, 0), EUR(1, 75));
    cr_expect_eq(kit_charge(&kit, EUR(80, 0), 0, 0), 239200000);
    cr_expect_eq(kit_charge(&kit, EUR(10000, 0), 0, 0), EUR(12, 0));
}

Test(percentage, tiers_price_the_money_that_falls_into_them)
{
    /* If this failed, a graduated share would be taken at one rate, or its entry fees twice. */
    const struct tg_setting settings[] = {{"tiers.0.up_to", "10", NULL, 0, 0},
                                          {"tiers.0.rate", "1%", NULL, 0, 0},
                                          {"tiers.0.flat", "200", NULL, 0, 0},
                                          {"tiers.1.rate", "2%", NULL, 0, 0},
                                          {"tiers.1.flat", "300", NULL, 0, 0}};
    struct percentage_kit kit;
    cr_assert_eq(kit_make(&kit, settings, 5), TG_OK);
    cr_expect_eq(kit_charge(&kit, EUR(10, 0), 0, 0), EUR(200, 10));
    cr_expect_eq(kit_charge(&kit, EUR(11, 0), 0, 0), EUR(500, 12));
    cr_expect_eq(kit_charge(&kit, EUR(1, 0), EUR(10, 0), 1), EUR(300, 2));
    cr_expect_eq(kit_charge(&kit, EUR(1, 0), EUR(11, 0), 2), EUR(0, 2));
}

Test(percentage, tiers_have_fees_freedom_and_bounds_beside_them)
{
    /* If this failed, a graduated share would charge what is free, or forget its fee, its entry
     * or its cap. By hand: 30 are free; of 20 more 10, which enter at 40; 50 and 50; capped; at
     * least 1. */
    const struct tg_setting settings[] = {{"tiers.0.up_to", "100", NULL, 0, 0},
                                          {"tiers.0.rate", "2%", NULL, 0, 0},
                                          {"tiers.0.flat", "5", NULL, 0, 0},
                                          {"tiers.1.rate", "1%", NULL, 0, 0},
                                          {"tiers.1.flat", "3", NULL, 0, 0},
                                          {"fixed", "0.50", NULL, 0, 0},
                                          {"free_events", "2", NULL, 0, 0},
                                          {"min", "1", NULL, 0, 0},
                                          {"max", "6", NULL, 0, 0},
                                          {"free_amount", "40", NULL, 0, 0}};
    struct percentage_kit kit;
    cr_assert_eq(kit_make(&kit, settings, 10), TG_OK);
    cr_expect_eq(kit_charge(&kit, EUR(30, 0), 0, 0), 0);
    cr_expect_eq(kit_charge(&kit, EUR(20, 0), EUR(30, 0), 1), EUR(5, 70));
    cr_expect_eq(kit_charge(&kit, EUR(100, 0), EUR(50, 0), 2), EUR(5, 0));
    cr_expect_eq(kit_charge(&kit, EUR(10000, 0), EUR(150, 0), 3), EUR(6, 0));
    cr_expect_eq(kit_charge(&kit, EUR(1, 0), EUR(10150, 0), 4), EUR(1, 0));
    cr_assert_eq(kit_make(&kit, settings, 9), TG_OK, "without the free amount");
    cr_expect_eq(kit_charge(&kit, EUR(160, 0), 0, 1), 0);
    cr_expect_eq(kit_charge(&kit, EUR(50, 0), EUR(160, 0), 2), EUR(1, 0), "entered while free");
    const struct tg_setting both[] = {{"tiers.0.rate", "2%", NULL, 0, 0},
                                      {"rate", "1%", NULL, 0, 0}};
    cr_expect_eq(kit_make(&kit, both, 2), TG_E_PLUGIN_PARAMS);
}

Test(percentage, what_it_does_not_know_is_refused_when_the_catalog_is_built)
{
    /* If this failed, a misspelt limit would be ignored and every record charged without it. */
    const struct tg_setting bad[] = {
        {"rate", "1.3", NULL, 0, 0},          {"rate", "-1%", NULL, 0, 0},
        {"rate", "1.12345678%", NULL, 0, 0},  {"fixed", "0.123456789", NULL, 0, 0},
        {"free_events", "1.5", NULL, 0, 0},   {"free_event", "1", NULL, 0, 0},
        {"tiers.0.up_to", "10", NULL, 0, 0},  {"tiers.x.rate", "1%", NULL, 0, 0},
        {"tiers.64.rate", "1%", NULL, 0, 0},  {"fixed", "", NULL, 0, 0},
        {"max", "99999999999999", NULL, 0, 0}};
    struct percentage_kit kit;
    for (size_t i = 0; i < TARIFF_KIT_COUNT(bad); i++) {
        cr_expect_eq(kit_make(&kit, &bad[i], 1), TG_E_PLUGIN_PARAMS, "%s=%s", bad[i].key,
                     bad[i].value);
    }
    cr_expect_eq(kit_make(&kit, NULL, 0), TG_E_PLUGIN_PARAMS);
}
