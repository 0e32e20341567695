/* SPDX-License-Identifier: Apache-2.0 */
/* Package: units are sold in groups of per_units; a group counts from its first unit, so a record
 * pays for the groups it opens: groups(after) - groups(before). `free_units` of the period come
 * before the first group. 1 unit of 500 at 20 costs 20, 1,001 units 60 (rating-semantics 4.5). */
#include "abi/plugin.h"
#include "abi/tariff.h"
#include "lib/exact.h"

#include <stdbool.h>
#include <string.h>

/* What compile() makes; read in place from the image. */
struct package_params {
    uint64_t free_units;
};

static uint64_t groups_of(uint64_t total, uint64_t free_units, uint64_t size_units)
{
    if (total <= free_units) {
        return 0;
    }
    const uint64_t counted = total - free_units;
    return counted / size_units + (counted % size_units != 0);
}

static void row_price(const struct tg_price *price, const struct tg_tariff_row *row,
                      struct tg_tariff_result *result)
{
    const struct tg_price_step *step = tg_price_steps(price);
    struct package_params params = {0};
    if (price->params_bytes == sizeof params) {
        memcpy(&params, tg_price_params(price), sizeof params);
    }
    uint64_t after;
    if (__builtin_add_overflow(row->units_before, row->units, &after)) {
        *result = (struct tg_tariff_result){.denominator = 1, .verdict = TG_E_AMOUNT_OVERFLOW};
        return;
    }
    const uint64_t opened = groups_of(after, params.free_units, step->per_units) -
                            groups_of(row->units_before, params.free_units, step->per_units);
    __int128 numerator = (__int128)step->price * opened;
    if (row->units_before == 0 && row->units > 0) {
        numerator += step->flat; /* |price * opened| < 2^127 - 2^63, as opened < 2^64 */
    }
    tg_tariff_round(numerator, 1, price->rounding, result);
    result->step_index = 0;
}

static uint32_t package_explain(const struct tg_price *price, const struct tg_tariff_row *row,
                                struct tg_tariff_part *parts, uint32_t parts_max)
{
    const struct tg_price_step *step = tg_price_steps(price);
    struct package_params params = {0};
    if (price->params_bytes == sizeof params) {
        memcpy(&params, tg_price_params(price), sizeof params);
    }
    const uint64_t before = row->units_before;
    const uint64_t rest = before < params.free_units ? params.free_units - before : 0;
    const uint64_t free_units = row->units < rest ? row->units : rest;
    const uint64_t opened = groups_of(before + row->units, params.free_units, step->per_units) -
                            groups_of(before, params.free_units, step->per_units);
    uint64_t counted;
    uint32_t count = 0;
    if (__builtin_mul_overflow(opened, step->per_units, &counted)) {
        return 0;
    }
    if (free_units > 0) {
        const struct tg_tariff_part part = {
            .units = free_units, .per_units = 1, .kind = TG_TARIFF_PART_FREE};
        part_append(parts, parts_max, &count, &part);
    }
    const struct tg_tariff_part part =
        part_of(step, 0, row->units - free_units, counted, before == 0 && row->units > 0, false);
    if (part.units > 0 || part.flat != 0) {
        part_append(parts, parts_max, &count, &part);
    }
    return count;
}

static uint32_t package_price(const struct tg_price *const *prices, uint32_t prices_count,
                              const struct tg_tariff_row *rows, uint32_t rows_count,
                              struct tg_tariff_result *results)
{
    (void)prices_count;
    for (uint32_t i = 0; i < rows_count; i++) {
        row_price(prices[rows[i].price_index], &rows[i], &results[i]);
    }
    return rows_count;
}

static bool units_parse(const char *text, uint64_t *units)
{
    uint64_t value = 0;
    if (*text == '\0') {
        return false;
    }
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9' || __builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value)) {
            return false;
        }
    }
    *units = value;
    return true;
}

static enum tg_err package_compile(const struct tg_tariff_source *source, uint8_t *params,
                                   uint32_t *params_bytes, struct tg_complaint *why)
{
    struct package_params made = {0};
    *params_bytes = 0;
    if (source->price->steps_count != 1) {
        *why = (struct tg_complaint){"package has exactly one step: its per is the size of a group",
                                     UINT32_MAX};
        return TG_E_PLUGIN_PARAMS;
    }
    for (uint32_t i = 0; i < source->settings_count; i++) {
        if (strcmp(source->settings[i].key, "free_units") != 0) {
            *why = (struct tg_complaint){"package knows one param: free_units", i};
            return TG_E_PLUGIN_PARAMS;
        }
        if (!units_parse(source->settings[i].value, &made.free_units)) {
            *why =
                (struct tg_complaint){"free_units must be a whole number of units, 0 or more", i};
            return TG_E_PLUGIN_PARAMS;
        }
    }
    memcpy(params, &made, sizeof made);
    *params_bytes = sizeof made;
    return TG_OK;
}

static const struct tg_tariff contract = {
    .size_bytes = sizeof(struct tg_tariff),
    .params_bytes_max = sizeof(struct package_params),
    .compile = package_compile,
    .price = package_price,
    .explain = package_explain,
};

TG_PLUGIN(package, TG_PLUGIN_TARIFF, struct tg_tariff, contract, "1.0",
          "units are sold in groups that count from their first unit");
