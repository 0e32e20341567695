/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/tariffs/kit/tariff_kit.h"

static const struct tg_price_step tiers[] = {{60, EUR(1, 0), 60, 0},
                                             {UINT64_MAX, EUR(1, 0), 60, 0}};

/* The kit keeps 8 words of params: the mode and the increments of two tiers fit. */
static void stepped_price(struct tariff_kit *kit, const char *mode, const char *of)
{
    const struct tg_setting settings[] = {{"increments.0", "60", NULL, 0, 0},
                                          {"increments.1", "30", NULL, 0, 0},
                                          {"mode", mode, NULL, 0, 0},
                                          {"of", of, NULL, 0, 0}};
    const struct tg_tariff *contract = tg_plug_find(TG_PLUGIN_TARIFF, "stepped")->plugin->contract;
    struct tg_complaint why = {{0}, 0};
    uint8_t bytes[2048];
    tariff_kit_price(kit, tiers, 2);
    const struct tg_tariff_source source = {sizeof source, 4, settings, &kit->price};
    cr_assert(contract->params_bytes_max <= sizeof bytes);
    cr_assert_eq(contract->compile(&source, bytes, &kit->price.params_bytes, &why), TG_OK, "%s",
                 why.text);
    cr_assert(kit->price.params_bytes <= sizeof kit->params);
    memcpy(kit->params, bytes, kit->price.params_bytes);
}

Test(stepped, each_tier_rounds_its_own_part_by_its_own_increment)
{
    /* If this failed, a rate sheet with 60/30 increments would bill seconds it does not sell. */
    struct tariff_kit kit;
    stepped_price(&kit, "tiered", "record");
    const struct tariff_kit_row rows[] = {
        {0, 1, EUR(1, 0)},  {0, 60, EUR(1, 0)},  {0, 61, EUR(1, 50)}, {0, 89, EUR(1, 50)},
        {0, 91, EUR(2, 0)}, {60, 1, EUR(0, 50)}, {60, 31, EUR(1, 0)}, {0, 0, 0}};
    tariff_kit_expect(&kit, "stepped", rows, TARIFF_KIT_COUNT(rows));
}

Test(stepped, in_threshold_mode_the_tier_reached_prices_the_record)
{
    /* If this failed, a threshold sheet would price the first minute at the first tier's price. */
    struct tariff_kit kit;
    stepped_price(&kit, "threshold", "record");
    kit.steps[1].price = EUR(0, 10);
    const struct tariff_kit_row rows[] = {
        {0, 60, EUR(1, 0)}, {0, 61, EUR(0, 15)}, {60, 1, EUR(0, 5)}, {60, 31, EUR(0, 10)}};
    tariff_kit_expect(&kit, "stepped", rows, TARIFF_KIT_COUNT(rows));
}

Test(stepped, of_the_total_any_cut_into_records_costs_the_same)
{
    /* If this failed, 130 + 271 units in blocks of 100 would cost what 401 in one record do not. */
    struct tariff_kit kit;
    stepped_price(&kit, "tiered", "total");
    const struct tariff_kit_row tiered[] = {
        {0, 1, EUR(1, 0)}, {1, 59, 0}, {1, 60, EUR(0, 50)}, {61, 28, 0}, {61, 31, EUR(0, 50)}};
    tariff_kit_expect(&kit, "stepped", tiered, TARIFF_KIT_COUNT(tiered));
    stepped_price(&kit, "threshold", "total");
    kit.steps[1].price = EUR(0, 10);
    const struct tariff_kit_row top[] = {{0, 60, EUR(1, 0)}, {60, 1, -EUR(0, 85)}, {61, 29, 0}};
    tariff_kit_expect(&kit, "stepped", top, TARIFF_KIT_COUNT(top));
}

Test(stepped, what_it_does_not_know_is_refused_when_the_catalog_is_built)
{
    /* If this failed, a misspelt option would be ignored and calls billed by the second. */
    const struct tg_setting bad[] = {
        {"increment.0", "60", NULL, 0, 0},  {"increments.0", "0", NULL, 0, 0},
        {"increments.2", "60", NULL, 0, 0}, {"increments.x", "60", NULL, 0, 0},
        {"mode", "volume", NULL, 0, 0},     {"of", "month", NULL, 0, 0}};
    const struct tg_tariff *contract = tg_plug_find(TG_PLUGIN_TARIFF, "stepped")->plugin->contract;
    for (size_t i = 0; i < TARIFF_KIT_COUNT(bad); i++) {
        struct tariff_kit kit;
        uint8_t bytes[2048];
        struct tg_complaint why = {{0}, 0};
        tariff_kit_price(&kit, tiers, 2);
        const struct tg_tariff_source source = {sizeof source, 1, &bad[i], &kit.price};
        cr_expect_eq(contract->compile(&source, bytes, &kit.price.params_bytes, &why),
                     TG_E_PLUGIN_PARAMS, "%s=%s", bad[i].key, bad[i].value);
        cr_expect_eq(why.setting_index, 0);
    }
}
