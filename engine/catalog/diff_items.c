/* SPDX-License-Identifier: Apache-2.0 */
/* Differences of what stands by itself: prices, counters, taxes, products, rates, limits. */
#include "catalog/diff.h"

#include "base/money.h"
#include "catalog/keys.h"
#include "doc/schema.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Names of at most 63 characters and blanks between, or an id of a rate sheet's price, which is
 * two. */
#define DISCOUNT_PRICES_BYTES (TG_DISCOUNT_PRICES_MAX * 160u + 8u)
#define COUNT(array)          (sizeof(array) / sizeof((array)[0]))
#define COUNTER_BYTES         160u

static void steps_diff(struct tg_diff *diff, const struct tg_diff_item *item,
                       const struct tg_price *was, const struct tg_price *is)
{
    tg_diff_number(diff, item, "tiers", was->steps_count, is->steps_count);
    for (uint32_t i = 0; i < was->steps_count && i < is->steps_count; i++) {
        const struct tg_price_step *a = &tg_price_steps(was)[i];
        const struct tg_price_step *b = &tg_price_steps(is)[i];
        const bool has_tiers = was->steps_count > 1 || is->steps_count > 1;
        char field[48];
        const int length = has_tiers ? snprintf(field, sizeof field, "tiers.%u.", i + 1) : 0;
#define FIELD(what) (memcpy(field + length, what, sizeof(what)), field)
        tg_diff_money(diff, item, FIELD("price"), a->price, b->price);
        tg_diff_number(diff, item, FIELD("per"), a->per_units, b->per_units);
        tg_diff_number(diff, item, FIELD("up_to"), a->up_to_units, b->up_to_units);
        tg_diff_money(diff, item, FIELD("flat"), a->flat, b->flat);
#undef FIELD
    }
}

static struct tg_price_rule rule_of(const struct tg_image *image, uint32_t price_id)
{
    return (tg_image_price_info(image, price_id)->options & TG_PRICE_RULES) != 0
               ? *tg_image_price_rule(image, price_id)
               : (struct tg_price_rule){.spend_limit = 0};
}

static const char *price_tax(const struct tg_image *image, uint32_t price_id)
{
    const uint16_t tax = tg_image_price_tax(image, price_id);
    return tax != TG_TAX_NONE ? tg_image_name(image, TG_CATALOG_TAX, tax) : "none";
}

/* The limit a price names: one that rating counts to, or only a bill. */
static const char *limit_name(const struct tg_image *image, uint32_t price_id)
{
    const uint16_t minimum = tg_image_price_info(image, price_id)->spend_minimum;
    const uint16_t limit = minimum != 0 ? minimum : rule_of(image, price_id).spend_limit;
    return limit != 0 ? tg_image_name(image, TG_CATALOG_SPEND_LIMIT, limit - 1) : "none";
}

/* As documents write it: "record", the id of a counter, or the period of the price's own; with the
 * price whose counter it is where bands of a zone count together. */
static void counter_name(const struct tg_image *image, uint32_t price_id, char text[COUNTER_BYTES])
{
    const struct tg_price_info *info = tg_image_price_info(image, price_id);
    if (info->counter == TG_COUNTER_RECORD || info->counter_index == TG_COUNTER_NONE) {
        (void)snprintf(text, COUNTER_BYTES, "%s",
                       info->counter == TG_COUNTER_RECORD ? "record" : "none");
        return;
    }
    const char *name = tg_image_name(image, TG_CATALOG_COUNTER, info->counter_index);
    const bool is_own = name[0] == ':';
    const char *id = name + (is_own ? 1 : 0);
    const int id_length = (int)strcspn(id, ":");
    const char *period = id + id_length + strspn(id + id_length, ":");
    const char *price = tg_image_name(image, TG_CATALOG_PRICE, price_id);
    if (!is_own) {
        (void)snprintf(text, COUNTER_BYTES, "%.*s", id_length, id);
    } else if (strlen(price) == (size_t)id_length && memcmp(price, id, (size_t)id_length) == 0) {
        (void)snprintf(text, COUNTER_BYTES, "%.*s", (int)strcspn(period, ":"), period);
    } else {
        (void)snprintf(text, COUNTER_BYTES, "%.*s with %.*s", (int)strcspn(period, ":"), period,
                       id_length, id);
    }
}

static void counter_diff(struct tg_diff *diff, const struct tg_diff_item *item)
{
    char was[COUNTER_BYTES];
    char is[COUNTER_BYTES];
    counter_name(diff->before, item->was, was);
    counter_name(diff->after, item->is, is);
    /* A price that looks at nothing has none, or begins with each record: no difference. */
    const bool was_nothing = strcmp(was, "none") == 0 || strcmp(was, "record") == 0;
    const bool is_nothing = strcmp(is, "none") == 0 || strcmp(is, "record") == 0;
    if (!was_nothing || !is_nothing) {
        tg_diff_text(diff, item, "counter", was, is);
    }
}

/* "week:account" of a counter of the documents; NULL: no price names it. */
static const char *counter_find(const struct tg_image *image, const char *id)
{
    const size_t length = strlen(id);
    for (uint32_t i = 0; image != NULL && i < tg_image_prices_count(image); i++) {
        const struct tg_price_info *info = tg_image_price_info(image, i);
        const char *name = info->is_present != 0 && info->counter_index != TG_COUNTER_NONE
                               ? tg_image_name(image, TG_CATALOG_COUNTER, info->counter_index)
                               : "";
        if (strncmp(name, id, length) == 0 && name[length] == ':') {
            return name + length + 1;
        }
    }
    return NULL;
}

void tg_diff_counter(struct tg_diff *diff, const struct tg_diff_item *item)
{
    if (strchr(item->name, ':') != NULL) {
        return; /* one of its kinds of sum */
    }
    const char *was = counter_find(diff->before, item->name);
    const char *is = counter_find(diff->after, item->name);
    if ((was == NULL && is == NULL) || tg_diff_presence(diff, item, was != NULL, is != NULL)) {
        return;
    }
    char left[COUNTER_BYTES];
    char right[COUNTER_BYTES];
    const int was_length = (int)strcspn(was, ":");
    const int is_length = (int)strcspn(is, ":");
    (void)snprintf(left, sizeof left, "%.*s", was_length, was);
    (void)snprintf(right, sizeof right, "%.*s", is_length, is);
    tg_diff_text(diff, item, "period", left, right);
    (void)snprintf(left, sizeof left, "%.*s", (int)strcspn(was + was_length + 1, ":"),
                   was + was_length + 1);
    (void)snprintf(right, sizeof right, "%.*s", (int)strcspn(is + is_length + 1, ":"),
                   is + is_length + 1);
    tg_diff_text(diff, item, "scope", left, right);
}

/* Currency and rules; the same price has other numbers in two images. */
static void rules_diff(struct tg_diff *diff, const struct tg_diff_item *item)
{
    const struct tg_price_rule was = rule_of(diff->before, item->was);
    const struct tg_price_rule is = rule_of(diff->after, item->is);
    tg_diff_text(diff, item, "carry_remainder", was.carry_denominator != 0 ? "true" : "false",
                 is.carry_denominator != 0 ? "true" : "false");
    if (was.carry_denominator != 0 && is.carry_denominator != 0) {
        tg_diff_text(diff, item, "carry_scope",
                     was.carry_scope == TG_SCOPE_ACCOUNT ? "account" : "subscriber",
                     is.carry_scope == TG_SCOPE_ACCOUNT ? "account" : "subscriber");
    }
    tg_diff_text(diff, item, "convert", was.converts_at_event != 0 ? "event" : "bill",
                 is.converts_at_event != 0 ? "event" : "bill");
    tg_diff_text(diff, item, "spend_limit", limit_name(diff->before, item->was),
                 limit_name(diff->after, item->is));
    tg_diff_text(diff, item, "tax", price_tax(diff->before, item->was),
                 price_tax(diff->after, item->is));
}

static void info_diff(struct tg_diff *diff, const struct tg_diff_item *item)
{
    static const struct tg_diff_field fields[] = {
        TG_DIFF_FIELD(tg_price_info, unit, "unit", TG_DIFF_ENUM),
        TG_DIFF_FIELD(tg_price_info, block_units, "block", TG_DIFF_NUMBER),
        TG_DIFF_FIELD(tg_price_info, quantity_rounding, "quantity_rounding", TG_DIFF_ROUNDING)};
    const struct tg_price_info *was = tg_image_price_info(diff->before, item->was);
    const struct tg_price_info *is = tg_image_price_info(diff->after, item->is);
    tg_diff_fields(diff, item, &tg_catalog_price_keys, fields, COUNT(fields), was, is);
    counter_diff(diff, item);
    tg_diff_number(diff, item, "decimals", (uint64_t)(diff->scale_before - was->round_exponent),
                   (uint64_t)(diff->scale_after - is->round_exponent));
    tg_diff_text(diff, item, "at_max", (was->options & TG_PRICE_MAX_STOPS) != 0 ? "stop" : "free",
                 (is->options & TG_PRICE_MAX_STOPS) != 0 ? "stop" : "free");
    tg_diff_text(diff, item, "connect_on",
                 (was->options & TG_PRICE_CONNECT_ON_USE) != 0 ? "used" : "priced",
                 (is->options & TG_PRICE_CONNECT_ON_USE) != 0 ? "used" : "priced");
    tg_diff_text(diff, item, "included_off",
                 (was->options & TG_PRICE_INCLUDED_FIRST) != 0 ? "used" : "billed",
                 (is->options & TG_PRICE_INCLUDED_FIRST) != 0 ? "used" : "billed");
    tg_diff_text(diff, item, "rounding_of",
                 (was->options & TG_PRICE_ROUND_SEGMENTS) != 0 ? "segment" : "event",
                 (is->options & TG_PRICE_ROUND_SEGMENTS) != 0 ? "segment" : "event");
    tg_diff_text(diff, item, "meter", (was->options & TG_PRICE_METERS_MAX) != 0 ? "max" : "sum",
                 (is->options & TG_PRICE_METERS_MAX) != 0 ? "max" : "sum");
    tg_diff_text(diff, item, "units_of",
                 (was->options & TG_PRICE_UNITS_OF_CALL) != 0 ? "call" : "record",
                 (is->options & TG_PRICE_UNITS_OF_CALL) != 0 ? "call" : "record");
}

void tg_diff_price(struct tg_diff *diff, const struct tg_diff_item *item)
{
    static const struct tg_diff_field fields[] = {
        TG_DIFF_FIELD(tg_price, rounding, "rounding", TG_DIFF_ROUNDING),
        TG_DIFF_FIELD(tg_price, first_increment, "first", TG_DIFF_NUMBER),
        TG_DIFF_FIELD(tg_price, next_increment, "next", TG_DIFF_NUMBER),
        TG_DIFF_FIELD(tg_price, minimum_units, "minimum", TG_DIFF_NUMBER),
        TG_DIFF_FIELD(tg_price, grace_units, "grace", TG_DIFF_NUMBER),
        TG_DIFF_FIELD(tg_price, included_units, "included", TG_DIFF_NUMBER),
        TG_DIFF_FIELD(tg_price, connect_fee, "connect", TG_DIFF_MONEY),
        TG_DIFF_FIELD(tg_price, charge_min, "min", TG_DIFF_MONEY),
        TG_DIFF_FIELD(tg_price, charge_max, "max", TG_DIFF_MONEY)};
    const struct tg_price *was =
        diff->before != NULL ? tg_image_price(diff->before, item->was) : NULL;
    const struct tg_price *is = tg_image_price(diff->after, item->is);
    if (tg_diff_presence(diff, item, was != NULL, is != NULL)) {
        return;
    }
    diff->scale_before = was->scale;
    diff->scale_after = is->scale;
    tg_diff_text(diff, item, "tariff", tg_image_tariff_name(diff->before, item->was),
                 tg_image_tariff_name(diff->after, item->is));
    tg_diff_text(diff, item, "currency", tg_currency_by_numeric(was->currency)->code,
                 tg_currency_by_numeric(is->currency)->code);
    tg_diff_fields(diff, item, &tg_catalog_price_keys, fields, COUNT(fields), was, is);
    info_diff(diff, item);
    rules_diff(diff, item);
    steps_diff(diff, item, was, is);
    diff->scale_before = diff->before->scale;
    diff->scale_after = diff->after->scale;
    if (was->params_bytes != is->params_bytes ||
        memcmp(tg_price_params(was), tg_price_params(is), was->params_bytes) != 0) {
        tg_diff_add(diff, item, "params", "other", "other");
    }
}

static void amounts_list(const struct tg_spend_limit *limit, uint8_t scale,
                         struct tg_diff_words *words)
{
    for (uint32_t i = 0; i < TG_THRESHOLDS_MAX && limit->thresholds[i] != INT64_MAX; i++) {
        char text[TG_MONEY_TEXT_BYTES];
        tg_diff_money_text(limit->thresholds[i], scale, text);
        tg_diff_word(words, text);
    }
}

void tg_diff_limit(struct tg_diff *diff, const struct tg_diff_item *item)
{
    static const struct tg_diff_field fields[] = {
        TG_DIFF_FIELD(tg_spend_limit, maximum, "maximum", TG_DIFF_MONEY),
        TG_DIFF_FIELD(tg_spend_limit, stops, "at_maximum", TG_DIFF_ENUM),
        TG_DIFF_FIELD(tg_spend_limit, minimum, "minimum", TG_DIFF_MONEY),
        TG_DIFF_FIELD(tg_spend_limit, period, "period", TG_DIFF_ENUM),
        TG_DIFF_FIELD(tg_spend_limit, scope, "scope", TG_DIFF_ENUM)};
    static const struct tg_spend_limit none = {.is_present = 0};
    const struct tg_spend_limit *was =
        item->was != UINT32_MAX ? tg_image_spend_limit(diff->before, item->was) : &none;
    const struct tg_spend_limit *is =
        item->is != UINT32_MAX ? tg_image_spend_limit(diff->after, item->is) : &none;
    if (!tg_diff_presence(diff, item, was->is_present != 0, is->is_present != 0)) {
        struct tg_diff_words left = {.length = 0};
        struct tg_diff_words right = {.length = 0};
        tg_diff_fields(diff, item, &tg_catalog_spend_limit_keys, fields, COUNT(fields), was, is);
        amounts_list(was, diff->scale_before, &left);
        amounts_list(is, diff->scale_after, &right);
        tg_diff_text(diff, item, "thresholds", left.text, right.text);
    }
}

void tg_diff_exchange(struct tg_diff *diff, const struct tg_diff_item *item)
{
    const uint32_t section = TG_IMAGE_SECTION_EXCHANGE_RATES;
    const struct tg_exchange_rate *was =
        item->was != UINT32_MAX
            ? (const struct tg_exchange_rate *)tg_image_section(diff->before, section) + item->was
            : NULL;
    const struct tg_exchange_rate *is =
        item->is != UINT32_MAX
            ? (const struct tg_exchange_rate *)tg_image_section(diff->after, section) + item->is
            : NULL;
    if (tg_diff_presence(diff, item, was != NULL, is != NULL)) {
        return;
    }
    char left[TG_MONEY_TEXT_BYTES];
    char right[TG_MONEY_TEXT_BYTES];
    (void)tg_money_format(was->rate, was->decimals, 0, left);
    (void)tg_money_format(is->rate, is->decimals, 0, right);
    tg_diff_text(diff, item, "rate", left, right);
    tg_diff_time(diff, item, "valid_from", was->valid_from_ns, is->valid_from_ns);
    tg_diff_time(diff, item, "valid_to", was->valid_to_ns, is->valid_to_ns);
    tg_diff_text(diff, item, "from", tg_currency_by_numeric(was->from)->code,
                 tg_currency_by_numeric(is->from)->code);
    tg_diff_text(diff, item, "to", tg_currency_by_numeric(was->to)->code,
                 tg_currency_by_numeric(is->to)->code);
    tg_diff_number(diff, item, "rating_digits", TG_RATING_DIGITS - was->to_exponent,
                   TG_RATING_DIGITS - is->to_exponent);
}

/* Stored periods of fees have gaps; documents name them. */
static const char *fee_period_name(uint8_t period)
{
    static const char *const names[] = {
        [TG_PERIOD_MONTH] = "month",      [TG_PERIOD_DAY] = "day",      [TG_PERIOD_EVER] = "ever",
        [TG_PERIOD_WEEK] = "week",        [TG_FEE_QUARTER] = "quarter", [TG_FEE_YEAR] = "year",
        [TG_FEE_HALF_YEAR] = "half_year", [TG_FEE_CYCLES] = "month",    [TG_FEE_DAYS] = "day",
        [TG_FEE_WEEKS] = "week"};
    return period < COUNT(names) && names[period] != NULL ? names[period] : "?";
}

/* 0: those of the rating scale. */
static uint64_t discount_decimals(const struct tg_image *image, const struct tg_product *product)
{
    return product->discount_decimals > 0 ? product->discount_decimals - 1u : image->scale;
}

/* 0 is stored for none. */
static int64_t bound_of(int64_t amount)
{
    return amount != 0 ? amount : INT64_MAX;
}

static void discount_prices_text(const struct tg_image *image, const struct tg_product *product,
                                 char text[DISCOUNT_PRICES_BYTES])
{
    size_t length = 0;
    (void)snprintf(text, DISCOUNT_PRICES_BYTES, "all");
    for (uint32_t i = 0; i < TG_DISCOUNT_PRICES_MAX && product->discount_prices[i] != 0; i++) {
        const int added =
            snprintf(text + length, DISCOUNT_PRICES_BYTES - length, "%s%s", i > 0 ? " " : "",
                     tg_image_name(image, TG_CATALOG_PRICE, product->discount_prices[i] - 1));
        length += added > 0 ? (size_t)added : 0;
    }
}

/* Two options share an octet. */
static void minimum_diff(struct tg_diff *diff, const struct tg_diff_item *item,
                         const struct tg_product *was, const struct tg_product *is)
{
    struct minimum {
        uint8_t on;
        uint8_t period;
    };
    static const struct tg_diff_field fields[] = {
        TG_DIFF_FIELD(minimum, on, "minimum_on", TG_DIFF_ENUM),
        TG_DIFF_FIELD(minimum, period, "minimum_period", TG_DIFF_ENUM)};
    const struct minimum before = {was->minimum_on, was->minimum_period};
    const struct minimum after = {is->minimum_on, is->minimum_period};
    tg_diff_fields(diff, item, &tg_catalog_product_keys, fields, COUNT(fields), &before, &after);
}

void tg_diff_product(struct tg_diff *diff, const struct tg_diff_item *item)
{
    static const struct tg_diff_field fields[] = {
        TG_DIFF_FIELD(tg_product, fee, "fee", TG_DIFF_MONEY),
        TG_DIFF_FIELD(tg_product, proration, "proration", TG_DIFF_ENUM),
        TG_DIFF_FIELD(tg_product, prorate_on_start, "prorate_on_start", TG_DIFF_ENUM),
        TG_DIFF_FIELD(tg_product, prorate_on_end, "prorate_on_end", TG_DIFF_ENUM),
        TG_DIFF_FIELD(tg_product, on_plan_change, "prorate_on_plan_change", TG_DIFF_ENUM),
        TG_DIFF_FIELD(tg_product, is_in_advance, "in_advance", TG_DIFF_ENUM),
        TG_DIFF_FIELD(tg_product, discount_ppm, "discount", TG_DIFF_NUMBER),
        TG_DIFF_FIELD(tg_product, discount_fixed, "discount_amount", TG_DIFF_MONEY),
        TG_DIFF_FIELD(tg_product, discount_on, "discount_on", TG_DIFF_ENUM),
        TG_DIFF_FIELD(tg_product, discount_from, "discount_from", TG_DIFF_MONEY),
        TG_DIFF_FIELD(tg_product, discount_rounding, "discount_rounding", TG_DIFF_ROUNDING),
        TG_DIFF_FIELD(tg_product, minimum, "minimum", TG_DIFF_MONEY),
        TG_DIFF_FIELD(tg_product, maximum_on, "maximum_on", TG_DIFF_ENUM),
        TG_DIFF_FIELD(tg_product, bounds_scope, "bounds_scope", TG_DIFF_ENUM),
        TG_DIFF_FIELD(tg_product, discount_scope, "discount_scope", TG_DIFF_ENUM),
        TG_DIFF_FIELD(tg_product, bounds_order, "bounds_order", TG_DIFF_ENUM),
        TG_DIFF_FIELD(tg_product, period_from, "period_from", TG_DIFF_ENUM),
        TG_DIFF_FIELD(tg_product, late_usage, "late_usage", TG_DIFF_ENUM),
        TG_DIFF_FIELD(tg_product, late_write_off_below, "late_write_off_below", TG_DIFF_MONEY),
        TG_DIFF_FIELD(tg_product, title_offset, "title", TG_DIFF_TEXT)};
    const struct tg_product *was =
        diff->before != NULL ? tg_image_product(diff->before, item->was) : NULL;
    const struct tg_product *is = tg_image_product(diff->after, item->is);
    if (tg_diff_presence(diff, item, was != NULL, is != NULL)) {
        return;
    }
    tg_diff_fields(diff, item, &tg_catalog_product_keys, fields, COUNT(fields), was, is);
    minimum_diff(diff, item, was, is);
    tg_diff_text(diff, item, "period", fee_period_name(was->period), fee_period_name(is->period));
    tg_diff_number(diff, item, "period_count", was->period_cycles > 0 ? was->period_cycles : 1,
                   is->period_cycles > 0 ? is->period_cycles : 1);
    tg_diff_number(diff, item, "discount_decimals", discount_decimals(diff->before, was),
                   discount_decimals(diff->after, is));
    tg_diff_money(diff, item, "maximum", bound_of(was->maximum), bound_of(is->maximum));
    tg_diff_money(diff, item, "discount_max", bound_of(was->discount_max),
                  bound_of(is->discount_max));
    tg_diff_number(diff, item, "discount_cycles",
                   was->discount_cycles != 0 ? was->discount_cycles : UINT64_MAX,
                   is->discount_cycles != 0 ? is->discount_cycles : UINT64_MAX);
    char left[DISCOUNT_PRICES_BYTES];
    char right[DISCOUNT_PRICES_BYTES];
    discount_prices_text(diff->before, was, left);
    discount_prices_text(diff->after, is, right);
    tg_diff_text(diff, item, "discount_prices", left, right);
    tg_diff_text(diff, item, "plan", tg_image_name(diff->before, TG_CATALOG_PLAN, was->plan),
                 tg_image_name(diff->after, TG_CATALOG_PLAN, is->plan));
    tg_diff_text(diff, item, "tax", tg_image_name(diff->before, TG_CATALOG_TAX, was->tax),
                 tg_image_name(diff->after, TG_CATALOG_TAX, is->tax));
}

static void parts_text(const struct tg_image *image, const struct tg_tax *tax, char *text,
                       size_t text_bytes)
{
    size_t length = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < tax->parts_count && length < text_bytes; i++) {
        const int added = snprintf(text + length, text_bytes - length, "%s%s", i > 0 ? " " : "",
                                   tg_image_name(image, TG_CATALOG_TAX, tax->parts[i]));
        length += added > 0 ? (size_t)added : 0;
    }
}

void tg_diff_tax(struct tg_diff *diff, const struct tg_diff_item *item)
{
    static const struct tg_diff_field fields[] = {
        TG_DIFF_FIELD(tg_tax, rate_ppm, "rate", TG_DIFF_NUMBER),
        TG_DIFF_FIELD(tg_tax, rounding, "rounding", TG_DIFF_ROUNDING),
        TG_DIFF_FIELD(tg_tax, mode, "mode", TG_DIFF_ENUM),
        TG_DIFF_FIELD(tg_tax, is_inclusive, "inclusive", TG_DIFF_ENUM),
        TG_DIFF_FIELD(tg_tax, is_compound, "compound", TG_DIFF_ENUM),
        TG_DIFF_FIELD(tg_tax, point, "tax_point", TG_DIFF_ENUM),
        TG_DIFF_FIELD(tg_tax, title_offset, "title", TG_DIFF_TEXT)};
    const struct tg_tax *was = diff->before != NULL ? tg_image_tax(diff->before, item->was) : NULL;
    const struct tg_tax *is = tg_image_tax(diff->after, item->is);
    char left[TG_TAX_PARTS_MAX * 64 + 8];
    char right[TG_TAX_PARTS_MAX * 64 + 8];
    if (tg_diff_presence(diff, item, was != NULL, is != NULL)) {
        return;
    }
    tg_diff_fields(diff, item, &tg_catalog_tax_keys, fields, COUNT(fields), was, is);
    parts_text(diff->before, was, left, sizeof left);
    parts_text(diff->after, is, right, sizeof right);
    tg_diff_text(diff, item, "parts", left, right);
    (void)snprintf(left, sizeof left, "%.2s", was->category);
    (void)snprintf(right, sizeof right, "%.2s", is->category);
    tg_diff_text(diff, item, "category", left, right);
}
