/* SPDX-License-Identifier: Apache-2.0 */
/* Stepped: tiers that round by increments of their own, as voice rate sheets write them. In mode
 * tiered each tier prices the part of the record that falls into it, the part rounded up to the
 * tier's increment; in mode threshold the tier that the total reaches prices the whole record. The
 * total counts units before rounding, so an increment never pushes a call into the next tier. */
#include "abi/plugin.h"
#include "abi/tariff.h"
#include "lib/exact.h"

#include <stdbool.h>
#include <string.h>

#define STEPS_MAX 100u

/* What compile() makes; read in place from the image. */
struct stepped_params {
    uint64_t is_threshold;
    uint64_t increments[STEPS_MAX];
};

/* Price a part at a step, rounded up to its increment; the flat amount when told to. */
static bool part_add(struct exact *sum, const struct tg_price_step *step, uint64_t increment,
                     uint64_t units, bool has_flat)
{
    const uint64_t steps = units / increment + (units % increment != 0);
    uint64_t rounded;
    return !__builtin_mul_overflow(steps, increment, &rounded) &&
           exact_add(sum, step, step->price, rounded, has_flat ? step->flat : 0);
}

/* TG_OK, TG_E_NO_RATE beyond the last bound, TG_E_AMOUNT_OVERFLOW. */
static enum tg_err tiered_add(const struct tg_price *price, const struct tg_tariff_row *row,
                              struct exact *sum, uint32_t *last)
{
    const struct stepped_params *params = tg_price_params(price);
    const struct tg_price_step *steps = tg_price_steps(price);
    uint64_t at = row->units_before;
    uint64_t left = row->units;
    uint64_t lower = 0;
    for (uint32_t i = 0; i < price->steps_count && left > 0; i++) {
        const uint64_t upper = steps[i].up_to_units;
        if (at < upper) {
            const uint64_t part = left < upper - at ? left : upper - at;
            if (!part_add(sum, &steps[i], params->increments[i], part, at == lower)) {
                return TG_E_AMOUNT_OVERFLOW;
            }
            at += part;
            left -= part;
            *last = i;
        }
        lower = upper;
    }
    return left > 0 ? TG_E_NO_RATE : TG_OK;
}

static enum tg_err threshold_add(const struct tg_price *price, const struct tg_tariff_row *row,
                                 struct exact *sum, uint32_t *last)
{
    const struct stepped_params *params = tg_price_params(price);
    const struct tg_price_step *steps = tg_price_steps(price);
    const uint64_t total = row->units_before + row->units;
    for (uint32_t i = 0; i < price->steps_count; i++) {
        if (total <= steps[i].up_to_units) {
            *last = i;
            return part_add(sum, &steps[i], params->increments[i], row->units,
                            row->units_before == 0)
                       ? TG_OK
                       : TG_E_AMOUNT_OVERFLOW;
        }
    }
    return TG_E_NO_RATE;
}

static void row_price(const struct tg_price *price, const struct tg_tariff_row *row,
                      struct tg_tariff_result *result)
{
    const struct stepped_params *params = tg_price_params(price);
    struct exact sum = {0, tg_price_steps(price)[0].per_units};
    uint32_t last = 0;
    if (price->params_bytes !=
        sizeof params->is_threshold + price->steps_count * sizeof *params->increments) {
        result_void(result, TG_E_NO_RATE); /* not what compile() made */
        return;
    }
    if (row->units > UINT64_MAX - row->units_before) {
        result_void(result, TG_E_AMOUNT_OVERFLOW);
        return;
    }
    const enum tg_err err = row->units == 0             ? TG_OK
                            : params->is_threshold != 0 ? threshold_add(price, row, &sum, &last)
                                                        : tiered_add(price, row, &sum, &last);
    if (err != TG_OK) {
        result_void(result, err);
        return;
    }
    tg_tariff_round(sum.numerator, sum.denominator, price->rounding, result);
    result->step_index = last;
}

static uint32_t stepped_price(const struct tg_price *const *prices, uint32_t prices_count,
                              const struct tg_tariff_row *rows, uint32_t rows_count,
                              struct tg_tariff_result *results)
{
    (void)prices_count;
    for (uint32_t i = 0; i < rows_count; i++) {
        row_price(prices[rows[i].price_index], &rows[i], &results[i]);
    }
    return rows_count;
}

/* A whole number of at least 1. */
static bool count_parse(const char *text, uint64_t *count)
{
    uint64_t value = 0;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at < '0' || *at > '9' || __builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value)) {
            return false;
        }
    }
    *count = value;
    return value >= 1;
}

/* One setting; NULL, or what is wrong with it. */
static const char *setting_read(const struct tg_setting *setting, uint32_t steps_count,
                                struct stepped_params *made)
{
    static const char list[] = "increments.";
    uint64_t tier = 0;
    if (strcmp(setting->key, "mode") == 0) {
        made->is_threshold = strcmp(setting->value, "threshold") == 0;
        return made->is_threshold != 0 || strcmp(setting->value, "tiered") == 0
                   ? NULL
                   : "mode is tiered or threshold";
    }
    if (strncmp(setting->key, list, sizeof list - 1) != 0) {
        return "stepped knows two params: increments, mode";
    }
    const char *number = setting->key + sizeof list - 1;
    if (strcmp(number, "0") != 0 && !count_parse(number, &tier)) {
        return "increments is a list: one whole number for each tier";
    }
    if (tier >= steps_count) {
        return "increments: more of them than tiers";
    }
    return count_parse(setting->value, &made->increments[tier])
               ? NULL
               : "increments: a whole number of units, at least 1";
}

static enum tg_err stepped_compile(const struct tg_tariff_source *source, uint8_t *params,
                                   uint32_t *params_bytes, struct tg_complaint *why)
{
    struct stepped_params made = {0};
    const uint32_t steps_count = source->price->steps_count;
    *params_bytes = 0;
    if (steps_count < 1 || steps_count > STEPS_MAX) {
        *why = (struct tg_complaint){"stepped has 1 to 100 tiers", UINT32_MAX};
        return TG_E_PLUGIN_PARAMS;
    }
    for (uint32_t i = 0; i < STEPS_MAX; i++) {
        made.increments[i] = 1;
    }
    for (uint32_t i = 0; i < source->settings_count; i++) {
        const char *wrong = setting_read(&source->settings[i], steps_count, &made);
        if (wrong != NULL) {
            strncpy(why->text, wrong, sizeof why->text - 1);
            why->setting_index = i;
            return TG_E_PLUGIN_PARAMS;
        }
    }
    /* Only the tiers' own increments are stored. */
    *params_bytes = (uint32_t)(sizeof made.is_threshold + steps_count * sizeof *made.increments);
    memcpy(params, &made, *params_bytes);
    return TG_OK;
}

static const struct tg_tariff contract = {
    .size_bytes = sizeof(struct tg_tariff),
    .params_bytes_max = sizeof(struct stepped_params),
    .compile = stepped_compile,
    .price = stepped_price,
};

TG_PLUGIN(stepped, TG_PLUGIN_TARIFF, struct tg_tariff, contract, "1.0",
          "tiers that round by increments of their own");
