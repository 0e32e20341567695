/* SPDX-License-Identifier: Apache-2.0 */
/* The per-unit, graduated, volume and package cases of another system's own tests. Quantities with
 * decimals are counted in thousandths: a unit here is 0.001 of theirs, and every step is `per`
 * 1000. */
#include "plugins/tariffs/kit/tariff_kit.h"

#include "base/money.h"

#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#define CASES  TG_SOURCE_DIR "/../shared/cases/lago_charge_models.jsonl"
#define THIRDS 3u /* decimals of a quantity */

static int64_t decimal(const json_t *object, const char *key, uint8_t scale)
{
    const char *text = json_string_value(json_object_get(object, key));
    int64_t value = 0;
    cr_assert_not_null(text, "%s", key);
    cr_assert_eq(tg_money_parse(text, strlen(text), scale, &value), TG_OK, "%s: %s", key, text);
    return value;
}

/* Tiers to steps; how many. */
static uint32_t tiers_read(const json_t *inputs, struct tg_price_step *steps)
{
    const json_t *tiers = json_object_get(inputs, "tiers");
    const uint32_t count = (uint32_t)json_array_size(tiers);
    cr_assert(count > 0 && count <= TARIFF_KIT_STEPS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        const json_t *tier = json_array_get(tiers, i);
        steps[i] = (struct tg_price_step){
            .up_to_units = json_is_string(json_object_get(tier, "to"))
                               ? (uint64_t)decimal(tier, "to", THIRDS)
                               : UINT64_MAX,
            .price = decimal(tier, "per_unit_amount", 8),
            .per_units = 1000,
            .flat = decimal(tier, "flat_amount", 8),
        };
    }
    return count;
}

/* true when the case is one that is meant to agree. */
static bool case_run(const json_t *one, const char *model, struct tg_tariff_result *got)
{
    const json_t *inputs = json_object_get(one, "inputs");
    struct tariff_kit kit;
    struct tg_price_step steps[TARIFF_KIT_STEPS_MAX] = {{UINT64_MAX, 0, 1000, 0}};
    uint32_t count = 1;
    if (json_object_get(inputs, "full_units") != NULL) {
        return false; /* prorated units: another model */
    }
    const uint64_t units = (uint64_t)decimal(inputs, "units", THIRDS);
    if (strcmp(model, "per_unit") == 0) {
        steps[0].price = decimal(inputs, "unit_price", 8);
    } else if (strcmp(model, "package") == 0) {
        steps[0].price = decimal(inputs, "package_price", 8);
        steps[0].per_units = (uint64_t)decimal(inputs, "package_size", THIRDS);
    } else {
        count = tiers_read(inputs, steps);
        if (units == 0 && steps[0].flat != 0) {
            return false; /* they charge the first flat amount without usage; we do not */
        }
    }
    tariff_kit_price(&kit, steps, count);
    if (strcmp(model, "package") == 0) {
        char free_units[24];
        (void)snprintf(free_units, sizeof free_units, "%lld",
                       (long long)decimal(inputs, "free_units", THIRDS));
        const struct tg_setting setting = {"free_units", free_units, NULL, 0, 0};
        cr_assert_eq(tariff_kit_compile(&kit, model, &setting, 1), TG_OK);
    }
    *got = tariff_kit_run(&kit, model, 0, units);
    return true;
}

Test(lago_cases, the_models_we_share_give_their_amounts)
{
    /* If this failed, a customer who moves here from that system would see other invoices. */
    static const char *const models[] = {"per_unit", "graduated", "volume", "package"};
    FILE *from = fopen(CASES, "re");
    if (from == NULL) {
        cr_skip("%s is not there", CASES);
    }
    char line[16384];
    uint32_t agreed_count = 0;
    uint32_t differing_count = 0;
    while (fgets(line, sizeof line, from) != NULL) {
        json_t *one = json_loads(line, 0, NULL);
        cr_assert_not_null(one);
        const char *model = json_string_value(json_object_get(one, "model"));
        for (size_t i = 0; i < TARIFF_KIT_COUNT(models); i++) {
            struct tg_tariff_result got;
            if (strcmp(model, models[i]) != 0) {
                continue;
            }
            if (!case_run(one, model, &got)) {
                differing_count++;
                continue;
            }
            const int64_t expected = decimal(json_object_get(one, "expected"), "amount", 8);
            cr_expect(got.verdict == TG_OK && got.amount == expected, "%s: %lld, not %lld",
                      json_string_value(json_object_get(one, "id")), (long long)got.amount,
                      (long long)expected);
            agreed_count++;
        }
        json_decref(one);
    }
    (void)fclose(from);
    cr_expect_eq(agreed_count, 22);
    cr_expect_eq(differing_count, 3, "graduated-01, volume-01 (flat at 0), volume-09 (prorated)");
}
