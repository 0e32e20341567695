/* SPDX-License-Identifier: Apache-2.0 */
/* What changed between two images, by name: numbers are compared as a pricing person reads them. */
#include "base/money.h"
#include "catalog/catalog.h"
#include "catalog/exchange.h"
#include "doc/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Both sides while they are compared. */
struct diff {
    const struct tg_image *before;
    const struct tg_image *after;
    struct tg_json *list;
    uint8_t scale_before; /* of the amounts being compared */
    uint8_t scale_after;
};

static void change_add(struct diff *diff, const char *kind, const char *name, const char *field,
                       const char *from, const char *to)
{
    struct tg_json *item = tg_json_object();
    tg_json_set_string(item, "kind", kind);
    tg_json_set_string(item, "name", name);
    tg_json_set_string(item, "change", from == NULL ? "added" : to == NULL ? "removed" : "changed");
    if (field != NULL) {
        tg_json_set_string(item, "field", field);
        tg_json_set_string(item, "from", from);
        tg_json_set_string(item, "to", to);
    }
    tg_json_append(diff->list, item);
}

/* Added or removed as a whole: true, and nothing else is to be said about it. */
static bool presence_diff(struct diff *diff, const char *kind, const char *name, bool was, bool is)
{
    if (was != is) {
        change_add(diff, kind, name, NULL, was ? "" : NULL, is ? "" : NULL);
    }
    return !was || !is;
}

static void number_diff(struct diff *diff, const char *kind, const char *name, const char *field,
                        uint64_t from, uint64_t to)
{
    char left[32];
    char right[32];
    if (from != to) {
        (void)snprintf(left, sizeof left, "%" PRIu64, from);
        (void)snprintf(right, sizeof right, "%" PRIu64, to);
        change_add(diff, kind, name, field, left, right);
    }
}

/* Ends of a validity; 0 is none. */
static void time_diff(struct diff *diff, const char *kind, const char *name, const char *field,
                      int64_t from_ns, int64_t to_ns)
{
    char left[TG_CLOCK_TEXT_BYTES] = "none";
    char right[TG_CLOCK_TEXT_BYTES] = "none";
    if (from_ns != to_ns) {
        if (from_ns != 0) {
            (void)tg_clock_format(from_ns, left);
        }
        if (to_ns != 0) {
            (void)tg_clock_format(to_ns, right);
        }
        change_add(diff, kind, name, field, left, right);
    }
}

static uint8_t minor_of(uint8_t scale)
{
    return (uint8_t)(scale - TG_MONEY_EXTRA_DECIMALS);
}

static void money_diff(struct diff *diff, const char *kind, const char *name, const char *field,
                       int64_t from, int64_t to)
{
    char left[TG_MONEY_TEXT_BYTES] = "none";
    char right[TG_MONEY_TEXT_BYTES] = "none";
    if (from == to) {
        return;
    }
    if (from != INT64_MIN && from != INT64_MAX) {
        (void)tg_money_format(from, diff->scale_before, minor_of(diff->scale_before), left);
    }
    if (to != INT64_MIN && to != INT64_MAX) {
        (void)tg_money_format(to, diff->scale_after, minor_of(diff->scale_after), right);
    }
    change_add(diff, kind, name, field, left, right);
}

static void steps_diff(struct diff *diff, const char *name, const struct tg_price *was,
                       const struct tg_price *is)
{
    number_diff(diff, "price", name, "tiers", was->steps_count, is->steps_count);
    for (uint32_t i = 0; i < was->steps_count && i < is->steps_count; i++) {
        const struct tg_price_step *a = &tg_price_steps(was)[i];
        const struct tg_price_step *b = &tg_price_steps(is)[i];
        char field[48];
        const char *dot = was->steps_count > 1 || is->steps_count > 1 ? "tiers." : "";
#define FIELD(what)                                                                                \
    (dot[0] == '\0' ? (what)                                                                       \
                    : ((void)snprintf(field, sizeof field, "%s%u.%s", dot, i + 1, (what)), field))
        money_diff(diff, "price", name, FIELD("price"), a->price, b->price);
        number_diff(diff, "price", name, FIELD("per"), a->per_units, b->per_units);
        number_diff(diff, "price", name, FIELD("up_to"), a->up_to_units, b->up_to_units);
        money_diff(diff, "price", name, FIELD("flat"), a->flat, b->flat);
#undef FIELD
    }
}

static struct tg_price_rule rule_of(const struct tg_image *image, uint32_t price_id)
{
    return (tg_image_price_info(image, price_id)->options & TG_PRICE_RULES) != 0
               ? *tg_image_price_rule(image, price_id)
               : (struct tg_price_rule){.spend_limit = 0};
}

static const char *limit_name(const struct tg_image *image, uint16_t limit)
{
    return limit != 0 ? tg_image_name(image, TG_CATALOG_SPEND_LIMIT, limit - 1) : "none";
}

/* Currency, counter and rules; the same price has other numbers in two images. */
static void rules_diff(struct diff *diff, const char *name, const struct tg_price *was,
                       const struct tg_price *is)
{
    const struct tg_price_rule before = rule_of(diff->before, was->price_id);
    const struct tg_price_rule after = rule_of(diff->after, is->price_id);
    const char *was_limit = limit_name(diff->before, before.spend_limit);
    const char *is_limit = limit_name(diff->after, after.spend_limit);
    if (was->currency != is->currency) {
        change_add(diff, "price", name, "currency", tg_currency_by_numeric(was->currency)->code,
                   tg_currency_by_numeric(is->currency)->code);
    }
    number_diff(diff, "price", name, "counter",
                tg_image_price_info(diff->before, was->price_id)->counter,
                tg_image_price_info(diff->after, is->price_id)->counter);
    number_diff(diff, "price", name, "carry_remainder", before.carry_denominator != 0,
                after.carry_denominator != 0);
    number_diff(diff, "price", name, "convert", before.converts_at_event, after.converts_at_event);
    if (strcmp(was_limit, is_limit) != 0) {
        change_add(diff, "price", name, "spend_limit", was_limit, is_limit);
    }
}

static void limit_diff(struct diff *diff, const char *name, uint32_t was_id, uint32_t is_id)
{
    static const struct tg_spend_limit none = {.is_present = 0};
    const struct tg_spend_limit *was =
        was_id != UINT32_MAX ? tg_image_spend_limit(diff->before, was_id) : &none;
    const struct tg_spend_limit *is =
        is_id != UINT32_MAX ? tg_image_spend_limit(diff->after, is_id) : &none;
    if (presence_diff(diff, "spend_limit", name, was->is_present != 0, is->is_present != 0)) {
        return;
    }
    money_diff(diff, "spend_limit", name, "maximum", was->maximum, is->maximum);
    number_diff(diff, "spend_limit", name, "period", was->period, is->period);
    number_diff(diff, "spend_limit", name, "scope", was->scope, is->scope);
    for (uint32_t i = 0; i < TG_THRESHOLDS_MAX; i++) {
        money_diff(diff, "spend_limit", name, "thresholds", was->thresholds[i], is->thresholds[i]);
    }
}

static void exchange_diff(struct diff *diff, const char *name, uint32_t was_id, uint32_t is_id)
{
    const struct tg_exchange_rate *was =
        was_id != UINT32_MAX ? tg_image_exchange_at(diff->before, was_id) : NULL;
    const struct tg_exchange_rate *is =
        is_id != UINT32_MAX ? tg_image_exchange_at(diff->after, is_id) : NULL;
    if (presence_diff(diff, "exchange_rate", name, was != NULL, is != NULL)) {
        return;
    }
    char left[TG_MONEY_TEXT_BYTES];
    char right[TG_MONEY_TEXT_BYTES];
    (void)tg_money_format(was->rate, was->decimals, was->decimals, left);
    (void)tg_money_format(is->rate, is->decimals, is->decimals, right);
    if (strcmp(left, right) != 0) {
        change_add(diff, "exchange_rate", name, "rate", left, right);
    }
    if (was->valid_from_ns != is->valid_from_ns || was->valid_to_ns != is->valid_to_ns) {
        change_add(diff, "exchange_rate", name, "valid", "other", "other");
    }
    if (was->from != is->from || was->to != is->to) {
        change_add(diff, "exchange_rate", name, "currencies", "other", "other");
    }
}

static void price_diff(struct diff *diff, const char *name, uint32_t was_id, uint32_t is_id)
{
    const struct tg_price *was = diff->before != NULL ? tg_image_price(diff->before, was_id) : NULL;
    const struct tg_price *is = tg_image_price(diff->after, is_id);
    if (presence_diff(diff, "price", name, was != NULL, is != NULL)) {
        return;
    }
    const char *was_tariff = tg_image_tariff_name(diff->before, was_id);
    const char *is_tariff = tg_image_tariff_name(diff->after, is_id);
    if (strcmp(was_tariff, is_tariff) != 0) {
        change_add(diff, "price", name, "tariff", was_tariff, is_tariff);
    }
    const struct tg_price_info *was_info = tg_image_price_info(diff->before, was_id);
    const struct tg_price_info *is_info = tg_image_price_info(diff->after, is_id);
    if (was_info->unit != is_info->unit) {
        change_add(diff, "price", name, "unit", tg_unit_name(was_info->unit),
                   tg_unit_name(is_info->unit));
    }
    if (was->rounding != is->rounding) {
        change_add(diff, "price", name, "rounding", tg_rounding_name(was->rounding),
                   tg_rounding_name(is->rounding));
    }
    number_diff(diff, "price", name, "first", was->first_increment, is->first_increment);
    number_diff(diff, "price", name, "next", was->next_increment, is->next_increment);
    number_diff(diff, "price", name, "minimum", was->minimum_units, is->minimum_units);
    number_diff(diff, "price", name, "grace", was->grace_units, is->grace_units);
    number_diff(diff, "price", name, "included", was->included_units, is->included_units);
    rules_diff(diff, name, was, is);
    diff->scale_before = was->scale;
    diff->scale_after = is->scale;
    money_diff(diff, "price", name, "connect", was->connect_fee, is->connect_fee);
    money_diff(diff, "price", name, "min", was->charge_min, is->charge_min);
    money_diff(diff, "price", name, "max", was->charge_max, is->charge_max);
    steps_diff(diff, name, was, is);
    diff->scale_before = diff->before->scale;
    diff->scale_after = diff->after->scale;
    if (was->params_bytes != is->params_bytes ||
        memcmp(tg_price_params(was), tg_price_params(is), was->params_bytes) != 0) {
        change_add(diff, "price", name, "params", "other", "other");
    }
}

static void product_diff(struct diff *diff, const char *name, uint32_t was_id, uint32_t is_id)
{
    const struct tg_product *was =
        diff->before != NULL ? tg_image_product(diff->before, was_id) : NULL;
    const struct tg_product *is = tg_image_product(diff->after, is_id);
    if (presence_diff(diff, "product", name, was != NULL, is != NULL)) {
        return;
    }
    money_diff(diff, "product", name, "fee", was->fee, is->fee);
    money_diff(diff, "product", name, "minimum", was->minimum, is->minimum);
    money_diff(diff, "product", name, "maximum", was->maximum, is->maximum);
    number_diff(diff, "product", name, "maximum_on", was->maximum_on, is->maximum_on);
    number_diff(diff, "product", name, "in_advance", was->is_in_advance, is->is_in_advance);
    money_diff(diff, "product", name, "discount_amount", was->discount_fixed, is->discount_fixed);
    number_diff(diff, "product", name, "discount", was->discount_ppm, is->discount_ppm);
    number_diff(diff, "product", name, "discount_on", was->discount_on, is->discount_on);
    number_diff(diff, "product", name, "minimum_on", was->minimum_on, is->minimum_on);
    number_diff(diff, "product", name, "bounds_scope", was->bounds_scope, is->bounds_scope);
    number_diff(diff, "product", name, "late_usage", was->late_usage, is->late_usage);
    money_diff(diff, "product", name, "late_write_off_below", was->late_write_off_below,
               is->late_write_off_below);
    number_diff(diff, "product", name, "proration", was->proration, is->proration);
    number_diff(diff, "product", name, "prorate_on_plan_change", was->on_plan_change,
                is->on_plan_change);
    const char *was_plan = tg_image_name(diff->before, TG_CATALOG_PLAN, was->plan);
    const char *is_plan = tg_image_name(diff->after, TG_CATALOG_PLAN, is->plan);
    if (strcmp(was_plan, is_plan) != 0) {
        change_add(diff, "product", name, "plan", was_plan, is_plan);
    }
    const char *was_tax = tg_image_name(diff->before, TG_CATALOG_TAX, was->tax);
    const char *is_tax = tg_image_name(diff->after, TG_CATALOG_TAX, is->tax);
    if (strcmp(was_tax, is_tax) != 0) {
        change_add(diff, "product", name, "tax", was_tax, is_tax);
    }
}

static void small_diff(struct diff *diff, enum tg_catalog_kind kind, const char *name,
                       uint32_t was_id, uint32_t is_id)
{
    if (kind == TG_CATALOG_TAX) {
        const struct tg_tax *was = diff->before != NULL ? tg_image_tax(diff->before, was_id) : NULL;
        const struct tg_tax *is = tg_image_tax(diff->after, is_id);
        if (!presence_diff(diff, "tax", name, was != NULL, is != NULL)) {
            number_diff(diff, "tax", name, "rate_ppm", was->rate_ppm, is->rate_ppm);
            number_diff(diff, "tax", name, "mode", was->mode, is->mode);
            number_diff(diff, "tax", name, "inclusive", was->is_inclusive, is->is_inclusive);
            number_diff(diff, "tax", name, "compound", was->is_compound, is->is_compound);
            number_diff(diff, "tax", name, "tax_point", was->point, is->point);
            number_diff(diff, "tax", name, "parts", was->parts_count, is->parts_count);
        }
        return;
    }
    const struct tg_allowance *was =
        diff->before != NULL ? tg_image_allowance(diff->before, was_id) : NULL;
    const struct tg_allowance *is = tg_image_allowance(diff->after, is_id);
    if (!presence_diff(diff, "allowance", name, was != NULL, is != NULL)) {
        number_diff(diff, "allowance", name, "amount", was->amount_base, is->amount_base);
        number_diff(diff, "allowance", name, "services", was->services_mask, is->services_mask);
        number_diff(diff, "allowance", name, "period", was->period, is->period);
        number_diff(diff, "allowance", name, "direction", was->directions_mask,
                    is->directions_mask);
        number_diff(diff, "allowance", name, "priority", was->priority, is->priority);
        time_diff(diff, "allowance", name, "valid_from", was->valid_from_ns, is->valid_from_ns);
        time_diff(diff, "allowance", name, "valid_to", was->valid_to_ns, is->valid_to_ns);
    }
}

static const char *price_name(const struct tg_image *image, const struct tg_plan_service *cell,
                              uint32_t zone, uint32_t band)
{
    const uint32_t price =
        cell != NULL ? tg_image_price_at(image, cell, zone, band) : TG_PRICE_NONE;
    return price != TG_PRICE_NONE ? tg_image_name(image, TG_CATALOG_PRICE, price) : "none";
}

/* Which price a zone and band get; zones are numbered alike in both images. */
static void plan_service_diff(struct diff *diff, const char *plan,
                              const struct tg_plan_service *was, const struct tg_plan_service *is)
{
    const uint32_t zones = was->zones_count > is->zones_count ? was->zones_count : is->zones_count;
    const uint32_t bands = was->bands_count > is->bands_count ? was->bands_count : is->bands_count;
    for (uint32_t zone = 0; zone < zones; zone++) {
        for (uint32_t band = 0; band < bands; band++) {
            const char *from = price_name(diff->before, was, zone, band);
            const char *to = price_name(diff->after, is, zone, band);
            if (strcmp(from, to) != 0) {
                char field[160];
                const char *name = tg_image_name(diff->after, TG_CATALOG_ZONE, zone);
                const char *band_name = tg_image_band_name(diff->after, is->time_model, band);
                (void)snprintf(field, sizeof field, "%s%s%s", name[0] != '\0' ? name : "home",
                               band_name[0] != '\0' ? "." : "", band_name);
                change_add(diff, "plan", plan, field, from, to);
            }
        }
    }
}

static void plan_diff(struct diff *diff, const char *name, uint32_t was_id, uint32_t is_id)
{
    static const char *const services[] = {"", "data", "voice", "message", "event", "access", ""};
    for (uint32_t service = 1; service < TG_SERVICE_COUNT; service++) {
        const struct tg_plan_service *was =
            diff->before != NULL ? tg_image_plan_service(diff->before, was_id, service) : NULL;
        const struct tg_plan_service *is = tg_image_plan_service(diff->after, is_id, service);
        char full[96];
        (void)snprintf(full, sizeof full, "%s.%s", name, services[service]);
        if (!presence_diff(diff, "plan", full, was != NULL, is != NULL)) {
            plan_service_diff(diff, full, was, is);
        }
    }
}

/* Names of the image before that the newer one has not, then all of the newer one's. */
static void kind_diff(struct diff *diff, enum tg_catalog_kind kind)
{
    const uint32_t was_count = diff->before != NULL ? tg_image_count(diff->before, kind) : 0;
    const uint32_t count = tg_image_count(diff->after, kind);
    for (uint32_t i = 0; i < count + was_count; i++) {
        const bool is_new_side = i < count;
        const char *name = is_new_side ? tg_image_name(diff->after, kind, i)
                                       : tg_image_name(diff->before, kind, i - count);
        if (!is_new_side && tg_image_find(diff->after, kind, name) != UINT32_MAX) {
            continue;
        }
        const uint32_t was_id =
            diff->before != NULL ? tg_image_find(diff->before, kind, name) : UINT32_MAX;
        const uint32_t is_id = is_new_side ? i : UINT32_MAX;
        switch (kind) {
        case TG_CATALOG_PRICE:
            price_diff(diff, name, was_id, is_id);
            break;
        case TG_CATALOG_PRODUCT:
            product_diff(diff, name, was_id, is_id);
            break;
        case TG_CATALOG_PLAN:
            plan_diff(diff, name, was_id < TG_PLAN_NONE ? was_id : TG_PLAN_NONE,
                      is_id < TG_PLAN_NONE ? is_id : TG_PLAN_NONE);
            break;
        case TG_CATALOG_SPEND_LIMIT:
            limit_diff(diff, name, was_id, is_id);
            break;
        case TG_CATALOG_EXCHANGE:
            exchange_diff(diff, name, was_id, is_id);
            break;
        default:
            small_diff(diff, kind, name, was_id, is_id);
            break;
        }
    }
}

struct tg_json *tg_catalog_diff(const struct tg_image *before, const struct tg_image *after)
{
    static const enum tg_catalog_kind kinds[] = {
        TG_CATALOG_TAX,     TG_CATALOG_PRICE,    TG_CATALOG_ALLOWANCE,  TG_CATALOG_PLAN,
        TG_CATALOG_PRODUCT, TG_CATALOG_EXCHANGE, TG_CATALOG_SPEND_LIMIT};
    struct diff diff = {.before = before,
                        .after = after,
                        .list = tg_json_list(),
                        .scale_before = before != NULL ? before->scale : after->scale,
                        .scale_after = after->scale};
    const char *release = tg_image_text(after, after->tzdata_offset);
    if (diff.list != NULL && before != NULL &&
        strcmp(tg_image_text(before, before->tzdata_offset), release) != 0) {
        change_add(&diff, "catalog", "tzdata", "release",
                   tg_image_text(before, before->tzdata_offset), release);
    }
    for (size_t i = 0; diff.list != NULL && i < sizeof kinds / sizeof kinds[0]; i++) {
        kind_diff(&diff, kinds[i]);
    }
    return diff.list;
}
