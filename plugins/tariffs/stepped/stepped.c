/* SPDX-License-Identifier: Apache-2.0 */
/* Stepped: tiers that round by increments of their own, as voice rate sheets write them. In mode
 * tiered each tier prices the part of the record that falls into it, the part rounded up to the
 * tier's increment; in mode threshold the tier that the total reaches prices the whole record. The
 * total counts units before rounding, so an increment never pushes a call into the next tier. With
 * `of: total` increments are those of the counter's total, not of each record: a record is charged
 * what the total costs with it less what it cost without, so many small records cost as much as
 * one. */
#include "abi/plugin.h"
#include "abi/tariff.h"
#include "lib/exact.h"

#include <stdbool.h>
#include <string.h>

#define STEPS_MAX 100u

#define IS_THRESHOLD UINT64_C(1)
#define OF_TOTAL     UINT64_C(2)

/* What compile() makes; read in place from the image. */
struct stepped_params {
    uint64_t options; /* IS_THRESHOLD, OF_TOTAL */
    uint64_t increments[STEPS_MAX];
};

/* Where the parts of a record go: added, or taken away again. */
struct part {
    struct exact sum;
    bool is_taken;
    uint32_t last; /* Step of the last part. */
};

/* Price a part at a step, rounded up to its increment; the flat amount when told to. */
static bool part_add(struct part *to, const struct tg_price_step *step, uint64_t increment,
                     uint64_t units, bool has_flat)
{
    const uint64_t steps = units / increment + (units % increment != 0);
    const int64_t flat = has_flat ? step->flat : 0;
    uint64_t rounded;
    if (__builtin_mul_overflow(steps, increment, &rounded)) {
        return false;
    }
    return to->is_taken ? step->price != INT64_MIN && flat != INT64_MIN &&
                              exact_add(&to->sum, step, -step->price, rounded, -flat)
                        : exact_add(&to->sum, step, step->price, rounded, flat);
}

/* TG_OK, TG_E_NO_RATE beyond the last bound, TG_E_AMOUNT_OVERFLOW. */
static enum tg_err tiered_add(const struct tg_price *price, uint64_t before, uint64_t units,
                              struct part *to)
{
    const struct stepped_params *params = tg_price_params(price);
    const struct tg_price_step *steps = tg_price_steps(price);
    uint64_t at = before;
    uint64_t left = units;
    uint64_t lower = 0;
    for (uint32_t i = 0; i < price->steps_count && left > 0; i++) {
        const uint64_t upper = steps[i].up_to_units;
        if (at < upper) {
            const uint64_t part = left < upper - at ? left : upper - at;
            if (!part_add(to, &steps[i], params->increments[i], part, at == lower)) {
                return TG_E_AMOUNT_OVERFLOW;
            }
            at += part;
            left -= part;
            to->last = i;
        }
        lower = upper;
    }
    return left > 0 ? TG_E_NO_RATE : TG_OK;
}

static enum tg_err threshold_add(const struct tg_price *price, uint64_t before, uint64_t units,
                                 struct part *to)
{
    const struct stepped_params *params = tg_price_params(price);
    const struct tg_price_step *steps = tg_price_steps(price);
    for (uint32_t i = 0; i < price->steps_count; i++) {
        if (before + units <= steps[i].up_to_units) {
            to->last = i;
            return part_add(to, &steps[i], params->increments[i], units, before == 0)
                       ? TG_OK
                       : TG_E_AMOUNT_OVERFLOW;
        }
    }
    return TG_E_NO_RATE;
}

/* The record by itself, or the total with it less the total without it. */
static enum tg_err record_add(const struct tg_price *price, const struct tg_tariff_row *row,
                              struct part *to)
{
    const struct stepped_params *params = tg_price_params(price);
    enum tg_err (*const add)(const struct tg_price *, uint64_t, uint64_t, struct part *) =
        (params->options & IS_THRESHOLD) != 0 ? threshold_add : tiered_add;
    if ((params->options & OF_TOTAL) == 0) {
        return add(price, row->units_before, row->units, to);
    }
    to->is_taken = true;
    const enum tg_err err = row->units_before > 0 ? add(price, 0, row->units_before, to) : TG_OK;
    to->is_taken = false;
    return err == TG_OK ? add(price, 0, row->units_before + row->units, to) : err;
}

static void row_price(const struct tg_price *price, const struct tg_tariff_row *row,
                      struct tg_tariff_result *result)
{
    const struct stepped_params *params = tg_price_params(price);
    struct part made = {.sum = {0, tg_price_steps(price)[0].per_units}};
    if (price->params_bytes !=
        sizeof params->options + price->steps_count * sizeof *params->increments) {
        result_void(result, TG_E_NO_RATE); /* not what compile() made */
        return;
    }
    if (row->units > UINT64_MAX - row->units_before) {
        result_void(result, TG_E_AMOUNT_OVERFLOW);
        return;
    }
    const enum tg_err err = row->units == 0 ? TG_OK : record_add(price, row, &made);
    if (err != TG_OK) {
        result_void(result, err);
        return;
    }
    tg_tariff_round(made.sum.numerator, made.sum.denominator, price->rounding, result);
    result->step_index = made.last;
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

/* Where an explanation goes. */
struct told {
    struct tg_tariff_part *parts;
    uint32_t parts_max;
    uint32_t count;
};

/* Units of (before, before + units] as price() puts them on steps. */
static void total_tell(const struct tg_price *price, uint64_t before, uint64_t units, bool is_taken,
                       struct told *told)
{
    const struct stepped_params *params = tg_price_params(price);
    const struct tg_price_step *steps = tg_price_steps(price);
    const bool is_threshold = (params->options & IS_THRESHOLD) != 0;
    uint64_t at = before;
    uint64_t left = units;
    uint64_t lower = 0;
    for (uint32_t i = 0; i < price->steps_count && left > 0; i++) {
        const uint64_t upper = steps[i].up_to_units;
        const uint64_t increment = params->increments[i];
        const bool is_here = is_threshold ? before + units <= upper : at < upper;
        if (is_here) {
            const uint64_t part = is_threshold || left < upper - at ? left : upper - at;
            const uint64_t counted = (part / increment + (part % increment != 0)) * increment;
            const bool has_flat = is_threshold ? before == 0 : at == lower;
            const struct tg_tariff_part made =
                part_of(&steps[i], i, part, counted, has_flat, is_taken);
            part_append(told->parts, told->parts_max, &told->count, &made);
            at += part;
            left -= part;
        }
        lower = upper;
    }
}

static uint32_t stepped_explain(const struct tg_price *price, const struct tg_tariff_row *row,
                                struct tg_tariff_part *parts, uint32_t parts_max)
{
    const struct stepped_params *params = tg_price_params(price);
    struct told told = {parts, parts_max, 0};
    if ((params->options & OF_TOTAL) == 0) {
        total_tell(price, row->units_before, row->units, false, &told);
    } else if (row->units > 0) {
        total_tell(price, 0, row->units_before + row->units, false, &told);
        total_tell(price, 0, row->units_before, true, &told);
    }
    return told.count;
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
        const bool is_threshold = strcmp(setting->value, "threshold") == 0;
        made->options |= is_threshold ? IS_THRESHOLD : 0;
        return is_threshold || strcmp(setting->value, "tiered") == 0
                   ? NULL
                   : "mode is tiered or threshold";
    }
    if (strcmp(setting->key, "of") == 0) {
        const bool is_total = strcmp(setting->value, "total") == 0;
        made->options |= is_total ? OF_TOTAL : 0;
        return is_total || strcmp(setting->value, "record") == 0 ? NULL : "of is record or total";
    }
    if (strncmp(setting->key, list, sizeof list - 1) != 0) {
        return "stepped knows three params: increments, mode, of";
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
    *params_bytes = (uint32_t)(sizeof made.options + steps_count * sizeof *made.increments);
    memcpy(params, &made, *params_bytes);
    return TG_OK;
}

static const struct tg_tariff contract = {
    .size_bytes = sizeof(struct tg_tariff),
    .params_bytes_max = sizeof(struct stepped_params),
    .compile = stepped_compile,
    .price = stepped_price,
    .explain = stepped_explain,
};

TG_PLUGIN(stepped, TG_PLUGIN_TARIFF, struct tg_tariff, contract, "1.0",
          "tiers that round by increments of their own");
