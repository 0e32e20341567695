/* SPDX-License-Identifier: Apache-2.0 */
/* Prorated: whole units choose the tier, the part of the period they were there for is what pays.
 * The record carries both: its units, and the prorated quantity as its amount. In mode graduated a
 * record that crosses a bound gives each tier its share of the prorated quantity by whole units; in
 * mode volume the tier that the total reaches prices all of it. */
#include "abi/plugin.h"
#include "abi/tariff.h"

#include <stdbool.h>
#include <string.h>

/* What compile() makes; read in place from the image. */
struct prorated_params {
    uint64_t is_volume;
    uint64_t one; /* 1.0 at the price's scale */
};

/* The exact charge is a sum over tiers of price x prorated x part / (units x one) + flat; price and
 * flat are of one unit, so all tiers share the denominator. */
struct sum {
    __int128 numerator;
    __int128 units_one;
    bool is_full;
};

static void part_add(struct sum *sum, const struct tg_price_step *step, int64_t prorated,
                     uint64_t part, bool has_flat)
{
    const __int128 most = (__int128)1 << 126;
    __int128 term = (__int128)step->price * prorated;
    const __int128 bound = most / (part == 0 ? 1 : (__int128)part);
    if (term > bound || term < -bound) {
        sum->is_full = true;
        return;
    }
    term *= part;
    if (has_flat) {
        const __int128 flat_bound = most / sum->units_one;
        sum->is_full |= step->flat > flat_bound || step->flat < -flat_bound ||
                        __builtin_add_overflow(term, step->flat * sum->units_one, &term);
    }
    sum->is_full |= __builtin_add_overflow(sum->numerator, term, &sum->numerator);
}

static void row_price(const struct tg_price *price, const struct tg_tariff_row *row,
                      struct tg_tariff_result *result)
{
    const struct prorated_params *params = tg_price_params(price);
    const struct tg_price_step *steps = tg_price_steps(price);
    struct sum sum = {0, 1, false};
    uint64_t at = row->units_before;
    uint64_t left = row->units;
    uint64_t lower = 0;
    uint32_t last = 0;
    if (price->params_bytes != sizeof *params) {
        *result = (struct tg_tariff_result){.denominator = 1, .verdict = TG_E_NO_RATE};
        return;
    }
    if (row->units == 0) {
        tg_tariff_round(0, 1, price->rounding, result);
        return;
    }
    sum.units_one = (__int128)row->units * params->one;
    sum.is_full = row->units > UINT64_MAX - at || sum.units_one > UINT64_MAX;
    for (uint32_t i = 0; i < price->steps_count && left > 0 && !sum.is_full; i++) {
        const uint64_t upper = steps[i].up_to_units;
        const bool is_reached =
            params->is_volume != 0 ? row->units_before + row->units <= upper : at < upper;
        if (is_reached) {
            const uint64_t part = params->is_volume != 0 || left < upper - at ? left : upper - at;
            part_add(&sum, &steps[i], row->base_amount, part,
                     params->is_volume != 0 ? row->units_before == 0 : at == lower);
            at += part;
            left -= part;
            last = i;
        }
        lower = upper;
    }
    if (sum.is_full || left > 0) {
        *result = (struct tg_tariff_result){
            .denominator = 1, .verdict = sum.is_full ? TG_E_AMOUNT_OVERFLOW : TG_E_NO_RATE};
        return;
    }
    tg_tariff_round(sum.numerator, (uint64_t)sum.units_one, price->rounding, result);
    result->step_index = last;
}

static uint32_t prorated_price(const struct tg_price *const *prices, uint32_t prices_count,
                               const struct tg_tariff_row *rows, uint32_t rows_count,
                               struct tg_tariff_result *results)
{
    (void)prices_count;
    for (uint32_t i = 0; i < rows_count; i++) {
        row_price(prices[rows[i].price_index], &rows[i], &results[i]);
    }
    return rows_count;
}

static enum tg_err prorated_compile(const struct tg_tariff_source *source, uint8_t *params,
                                    uint32_t *params_bytes, struct tg_complaint *why)
{
    struct prorated_params made = {0, 1};
    *params_bytes = 0;
    for (uint32_t i = 0; i < source->price->scale; i++) {
        made.one *= 10;
    }
    for (uint32_t i = 0; i < source->price->steps_count; i++) {
        if (tg_price_steps(source->price)[i].per_units != 1) {
            *why = (struct tg_complaint){"prorated prices one unit: leave out per", UINT32_MAX};
            return TG_E_PLUGIN_PARAMS;
        }
    }
    for (uint32_t i = 0; i < source->settings_count; i++) {
        const struct tg_setting *setting = &source->settings[i];
        made.is_volume = strcmp(setting->value, "volume") == 0;
        if (strcmp(setting->key, "mode") != 0 ||
            (made.is_volume == 0 && strcmp(setting->value, "graduated") != 0)) {
            *why = (struct tg_complaint){"prorated knows one param: mode, graduated or volume", i};
            return TG_E_PLUGIN_PARAMS;
        }
    }
    memcpy(params, &made, sizeof made);
    *params_bytes = sizeof made;
    return TG_OK;
}

static const struct tg_tariff contract = {
    .size_bytes = sizeof(struct tg_tariff),
    .params_bytes_max = sizeof(struct prorated_params),
    .compile = prorated_compile,
    .price = prorated_price,
};

TG_PLUGIN(prorated, TG_PLUGIN_TARIFF, struct tg_tariff, contract, "1.0",
          "whole units choose the tier, the prorated quantity pays");
