/* SPDX-License-Identifier: Apache-2.0 */
/* Percentage: a share of the money a record carries, at one rate or by tiers over the period's
 * carried money, each with its own rate and an amount added once when it is entered (graduated
 * percentage); beside it a fixed fee a record, free records, a free amount and bounds a record.
 *
 * Free records and a free amount together: freedom ends with whichever comes first, and the record
 * that crosses the free amount pays on the part above it. A wholly free record pays no fixed fee
 * and no minimum. Free money counts towards tiers as other money does, but only money that pays
 * enters one: a tier that begins within what is free is entered where freedom ends, by the free
 * amount; free records enter none. */
#include "abi/plugin.h"
#include "abi/tariff.h"
#include "lib/exact.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define NANO      INT64_C(1000000000)
#define TIERS_MAX 64u

/* One tier: carried money in (previous up_to, up_to]. */
struct percentage_tier {
    int64_t up_to;     /* INT64_MAX: no bound */
    int64_t rate_nano; /* share in 10^-9 */
    int64_t flat;
};

/* What compile() makes; read in place from the image. Money is at the price's scale. */
struct percentage_params {
    int64_t rate_nano;
    int64_t fixed;
    int64_t free_events; /* 0: none */
    int64_t free_amount; /* 0: none */
    int64_t min;         /* INT64_MIN: none */
    int64_t max;         /* INT64_MAX: none */
    uint64_t tiers_count;
    struct percentage_tier tiers[TIERS_MAX];
};

/* Money of the record that pays. */
static int64_t paying_amount(const struct percentage_params *params,
                             const struct tg_tariff_row *row)
{
    const bool within_events = row->events_before < (uint64_t)params->free_events;
    if (params->free_events > 0 && !within_events) {
        return row->base_amount;
    }
    if (params->free_amount <= 0) {
        return params->free_events > 0 ? 0 : row->base_amount;
    }
    const int64_t left =
        params->free_amount > row->base_before ? params->free_amount - row->base_before : 0;
    return row->base_amount > left ? row->base_amount - left : 0;
}

/* Money of a record in one tier. */
struct tier_share {
    int64_t money;
    uint32_t tier;
    bool is_entered; /* by this record: the tier's flat amount is due */
};

/* A record's way through the tiers. */
struct tier_walk {
    const struct percentage_params *params;
    int64_t at; /* of the period's carried money */
    int64_t left;
    int64_t lower; /* where the tier begins */
    uint32_t tier;
};

static struct tier_walk tiers_begin(const struct percentage_params *params,
                                    const struct tg_tariff_row *row, int64_t paying)
{
    return (struct tier_walk){
        .params = params, .at = row->base_before + row->base_amount - paying, .left = paying};
}

/* The next tier that has some of it; false: there is none. */
static bool tiers_next(struct tier_walk *walk, struct tier_share *share)
{
    const struct percentage_params *params = walk->params;
    while (walk->left > 0 && walk->tier < params->tiers_count) {
        const struct percentage_tier *tier = &params->tiers[walk->tier];
        const int64_t lower = walk->lower;
        const uint32_t number = walk->tier++;
        walk->lower = tier->up_to;
        if (walk->at < tier->up_to) {
            const int64_t room = tier->up_to - walk->at;
            *share = (struct tier_share){
                .money = walk->left < room ? walk->left : room,
                .tier = number,
                .is_entered = walk->at == lower ||
                              (params->free_amount > lower && walk->at == params->free_amount)};
            walk->at += share->money;
            walk->left -= share->money;
            return true;
        }
    }
    return false;
}

static __int128 tiers_price(const struct percentage_params *params, const struct tg_tariff_row *row,
                            int64_t paying, uint32_t *last)
{
    struct tier_walk walk = tiers_begin(params, row, paying);
    struct tier_share share;
    __int128 numerator = 0;
    while (tiers_next(&walk, &share)) {
        const struct percentage_tier *tier = &params->tiers[share.tier];
        numerator += (__int128)share.money * tier->rate_nano +
                     (share.is_entered ? (__int128)tier->flat * NANO : 0);
        *last = share.tier;
    }
    return numerator;
}

/* Numerator over NANO, before the bounds. */
static __int128 row_price(const struct percentage_params *params, const struct tg_tariff_row *row,
                          int64_t paying, uint32_t *last)
{
    return (__int128)params->fixed * NANO + (params->tiers_count > 0
                                                 ? tiers_price(params, row, paying, last)
                                                 : (__int128)paying * params->rate_nano);
}

static __int128 bounds_apply(const struct percentage_params *params, __int128 numerator)
{
    const __int128 least = (__int128)params->min * NANO;
    const __int128 most = (__int128)params->max * NANO;
    numerator = numerator < least ? least : numerator;
    return numerator > most ? most : numerator;
}

static uint32_t percentage_price(const struct tg_price *const *prices, uint32_t prices_count,
                                 const struct tg_tariff_row *rows, uint32_t rows_count,
                                 struct tg_tariff_result *results)
{
    (void)prices_count;
    for (uint32_t i = 0; i < rows_count; i++) {
        const struct tg_price *price = prices[rows[i].price_index];
        const struct percentage_params *params = tg_price_params(price);
        uint32_t last = 0;
        const bool has_params = price->params_bytes == sizeof *params && rows[i].base_amount >= 0 &&
                                rows[i].base_before >= 0;
        if (!has_params || rows[i].base_amount > INT64_MAX - rows[i].base_before) {
            results[i] = (struct tg_tariff_result){
                .denominator = 1, .verdict = has_params ? TG_E_AMOUNT_OVERFLOW : TG_E_NO_RATE};
            continue;
        }
        const int64_t paying = paying_amount(params, &rows[i]);
        const __int128 numerator =
            paying > 0 ? bounds_apply(params, row_price(params, &rows[i], paying, &last)) : 0;
        tg_tariff_round(numerator, (uint64_t)NANO, price->rounding, &results[i]);
        results[i].step_index = last;
    }
    return rows_count;
}

/* Money at a share. */
static struct tg_tariff_part share_of(int64_t money, int64_t rate_nano, int64_t flat, uint32_t step)
{
    return (struct tg_tariff_part){.units = (uint64_t)money,
                                   .counted = (uint64_t)money,
                                   .price = rate_nano,
                                   .per_units = (uint64_t)NANO,
                                   .flat = flat,
                                   .step_index = step,
                                   .kind = TG_TARIFF_PART_SHARE};
}

static void tiers_explain(const struct percentage_params *params, const struct tg_tariff_row *row,
                          int64_t paying, struct tg_tariff_part *parts, uint32_t parts_max,
                          uint32_t *count)
{
    struct tier_walk walk = tiers_begin(params, row, paying);
    struct tier_share share;
    int64_t fixed = params->fixed; /* told with the first */
    while (tiers_next(&walk, &share)) {
        const struct percentage_tier *tier = &params->tiers[share.tier];
        const struct tg_tariff_part part = share_of(
            share.money, tier->rate_nano, (share.is_entered ? tier->flat : 0) + fixed, share.tier);
        part_append(parts, parts_max, count, &part);
        fixed = 0;
    }
}

static uint32_t percentage_explain(const struct tg_price *price, const struct tg_tariff_row *row,
                                   struct tg_tariff_part *parts, uint32_t parts_max)
{
    const struct percentage_params *params = tg_price_params(price);
    const int64_t paying = paying_amount(params, row);
    uint32_t count = 0;
    uint32_t last = 0;
    if (paying < row->base_amount || paying == 0) {
        const struct tg_tariff_part part = share_of(row->base_amount - paying, 0, 0, 0);
        part_append(parts, parts_max, &count, &part);
    }
    if (paying == 0) {
        return count;
    }
    const __int128 whole = row_price(params, row, paying, &last);
    if (bounds_apply(params, whole) != whole) {
        const struct tg_tariff_part part = {
            .units = (uint64_t)paying,
            .per_units = 1,
            .flat = whole < (__int128)params->min * NANO ? params->min : params->max,
            .kind = TG_TARIFF_PART_ONCE};
        part_append(parts, parts_max, &count, &part);
    } else if (params->tiers_count > 0) {
        tiers_explain(params, row, paying, parts, parts_max, &count);
    } else {
        const struct tg_tariff_part part = share_of(paying, params->rate_nano, params->fixed, 0);
        part_append(parts, parts_max, &count, &part);
    }
    return count;
}

/* Exact decimal with `scale` decimals, not negative; stops at `end`. */
static bool decimal_parse(const char *text, const char *end, unsigned scale, int64_t *value)
{
    int64_t made = 0;
    unsigned decimals = 0;
    bool has_point = false;
    if (text == end || *text == '.' || end[-1] == '.') {
        return false;
    }
    for (; text < end; text++) {
        if (*text == '.' && !has_point) {
            has_point = true;
            continue;
        }
        if (*text < '0' || *text > '9' || (has_point && decimals == scale) ||
            __builtin_mul_overflow(made, 10, &made) ||
            __builtin_add_overflow(made, *text - '0', &made)) {
            return false;
        }
        decimals += has_point;
    }
    for (; decimals < scale; decimals++) {
        if (__builtin_mul_overflow(made, 10, &made)) {
            return false;
        }
    }
    *value = made;
    return true;
}

static const char *money_read(const char *text, unsigned scale, int64_t *value)
{
    return decimal_parse(text, text + strlen(text), scale, value)
               ? NULL
               : "must be an exact amount such as \"2.50\", not below 0";
}

/* "1.3%": seven decimals make the share exact in 10^-9. */
static const char *rate_read(const char *text, int64_t *rate_nano)
{
    const size_t length = strlen(text);
    return length > 1 && text[length - 1] == '%' &&
                   decimal_parse(text, text + length - 1, 7, rate_nano) && *rate_nano <= 100 * NANO
               ? NULL
               : "must be a percentage such as 1.3%, with at most 7 decimals";
}

/* A tier's field; index is its position in the list. */
static const char *tier_read(struct percentage_params *made, const char *path, const char *value,
                             unsigned scale)
{
    uint32_t index = 0;
    const char *at = path;
    for (; *at >= '0' && *at <= '9' && index < TIERS_MAX; at++) {
        index = index * 10 + (uint32_t)(*at - '0');
    }
    if (at == path || *at != '.' || index >= TIERS_MAX) {
        return "is a list of at most 64 maps with up_to, rate, flat";
    }
    struct percentage_tier *tier = &made->tiers[index];
    made->tiers_count = made->tiers_count > index + 1u ? made->tiers_count : index + 1u;
    at++;
    if (strcmp(at, "up_to") == 0) {
        return money_read(value, scale, &tier->up_to);
    }
    if (strcmp(at, "rate") == 0) {
        return rate_read(value, &tier->rate_nano);
    }
    return strcmp(at, "flat") == 0 ? money_read(value, scale, &tier->flat)
                                   : "knows up_to, rate and flat";
}

static const char *setting_read(struct percentage_params *made, const struct tg_setting *setting,
                                unsigned scale)
{
    const struct {
        const char *key;
        int64_t *value;
    } moneys[] = {{"fixed", &made->fixed},
                  {"free_amount", &made->free_amount},
                  {"min", &made->min},
                  {"max", &made->max}};
    const char *value = setting->value;
    for (size_t i = 0; i < sizeof moneys / sizeof moneys[0]; i++) {
        if (strcmp(setting->key, moneys[i].key) == 0) {
            return money_read(value, scale, moneys[i].value);
        }
    }
    if (strcmp(setting->key, "rate") == 0) {
        return rate_read(value, &made->rate_nano);
    }
    if (strcmp(setting->key, "free_events") == 0) {
        return decimal_parse(value, value + strlen(value), 0, &made->free_events)
                   ? NULL
                   : "must be a whole number of records";
    }
    return strncmp(setting->key, "tiers.", 6) == 0 ? tier_read(made, setting->key + 6, value, scale)
                                                   : "is unknown: percentage has rate, fixed, "
                                                     "free_events, free_amount, min, max, tiers";
}

/* What only all settings together show; NULL when fine. */
static const char *whole_check(const struct percentage_params *made,
                               const struct tg_tariff_source *source)
{
    bool has_rate = false;
    for (uint32_t i = 0; i < source->settings_count; i++) {
        has_rate = has_rate || strcmp(source->settings[i].key, "rate") == 0;
    }
    if (made->min > made->max) {
        return "min is above max";
    }
    if (made->tiers_count == 0) {
        return source->settings_count > 0 ? NULL : "percentage needs a rate or tiers";
    }
    if (has_rate) {
        return "with tiers the rate is each tier's";
    }
    int64_t before = 0;
    for (uint64_t i = 0; i < made->tiers_count; i++) {
        const bool is_last = i + 1 == made->tiers_count;
        if (made->tiers[i].up_to <= before || is_last != (made->tiers[i].up_to == INT64_MAX)) {
            return "tiers: up_to must rise, and only the last tier is without it";
        }
        before = made->tiers[i].up_to;
    }
    return NULL;
}

static enum tg_err percentage_compile(const struct tg_tariff_source *source, uint8_t *params,
                                      uint32_t *params_bytes, struct tg_complaint *why)
{
    struct percentage_params made = {.min = INT64_MIN, .max = INT64_MAX};
    *params_bytes = 0;
    for (uint32_t i = 0; i < TIERS_MAX; i++) {
        made.tiers[i].up_to = INT64_MAX;
    }
    const char *wrong = NULL;
    uint32_t at = UINT32_MAX;
    for (uint32_t i = 0; wrong == NULL && i < source->settings_count; i++) {
        wrong = setting_read(&made, &source->settings[i], source->price->scale);
        at = i;
    }
    if (wrong == NULL) {
        wrong = whole_check(&made, source);
        at = UINT32_MAX;
    }
    if (wrong != NULL) {
        (void)snprintf(why->text, sizeof why->text, "%.80s%s%s",
                       at != UINT32_MAX ? source->settings[at].key : "",
                       at != UINT32_MAX ? " " : "", wrong);
        why->setting_index = at;
        return TG_E_PLUGIN_PARAMS;
    }
    memcpy(params, &made, sizeof made);
    *params_bytes = sizeof made;
    return TG_OK;
}

/* A plain rate does not; free events, a free amount and tiers do. */
static int percentage_counts(const struct tg_price *price)
{
    const struct percentage_params *params = tg_price_params(price);
    return price->params_bytes != sizeof *params || params->free_events != 0 ||
           params->free_amount != 0 || params->tiers_count != 0;
}

static const struct tg_tariff contract = {
    .size_bytes = sizeof(struct tg_tariff),
    .params_bytes_max = sizeof(struct percentage_params),
    .compile = percentage_compile,
    .price = percentage_price,
    .counts = percentage_counts,
    .explain = percentage_explain,
};

TG_PLUGIN(percentage, TG_PLUGIN_TARIFF, struct tg_tariff, contract, "1.0",
          "a share of the money a record carries, flat or by tiers");
