/* SPDX-License-Identifier: Apache-2.0 */
/* Prices: the common part here, the parameters through the tariff's own compile(). */
#include "base/limits.h"
#include "base/money.h"
#include "catalog/compile.h"
#include "catalog/keys.h"
#include "doc/schema.h"
#include "plug/registry.h"

#include <stdlib.h>
#include <string.h>

#define SETTINGS_MAX     256u
#define PARAMS_BYTES_MAX 65536u
/* Of 64 segments and as many of the call before: 2 x 64 x 10^7 x 2^32 is below 2^63. */
#define SEGMENT_EXPONENT_MAX 7

/* The `params:` tree as dotted keys. */
struct settings {
    struct tg_setting items[SETTINGS_MAX];
    const struct tg_yaml_node *nodes[SETTINGS_MAX];
    uint32_t count;
    struct tg_blob keys; /* key texts by offset; pointers are set once it no longer moves */
    size_t offsets[SETTINGS_MAX];
    bool is_full;
};

static void settings_flatten(struct settings *settings, const struct tg_yaml_node *node,
                             const char *path)
{
    uint32_t index = 0;
    for (const struct tg_yaml_node *child = node->child; child != NULL; child = child->next) {
        char key[256];
        if (child->key != NULL) {
            (void)snprintf(key, sizeof key, "%s%s%.100s", path, path[0] != '\0' ? "." : "",
                           child->key);
        } else {
            (void)snprintf(key, sizeof key, "%s%s%u", path, path[0] != '\0' ? "." : "", index);
        }
        index++;
        if (child->kind != TG_YAML_SCALAR) {
            settings_flatten(settings, child, key);
            continue;
        }
        if (settings->count == SETTINGS_MAX) {
            settings->is_full = true;
            return;
        }
        settings->nodes[settings->count] = child;
        settings->offsets[settings->count++] =
            tg_blob_append(&settings->keys, key, strlen(key) + 1, 1);
    }
}

static void settings_fill(struct settings *settings)
{
    for (uint32_t i = 0; i < settings->count; i++) {
        const struct tg_yaml_node *node = settings->nodes[i];
        settings->items[i] =
            (struct tg_setting){.key = (const char *)settings->keys.bytes + settings->offsets[i],
                                .value = node->text,
                                .file = node->mark.source->path,
                                .line = node->mark.line,
                                .column = node->mark.column};
    }
}

/* The tariff checks its own parameters; what it says is shown at the setting it names. */
static void params_compile(struct tg_compile *compile, const struct tg_yaml_node *node,
                           const struct tg_tariff *tariff, const struct tg_price *price,
                           struct tg_blob *out)
{
    const struct tg_yaml_node *params = tg_yaml_get(node, "params");
    struct settings *settings = calloc(1, sizeof *settings);
    uint8_t *bytes = calloc(1, PARAMS_BYTES_MAX);
    if (settings == NULL || bytes == NULL) {
        compile->is_out_of_memory = true;
    } else if (tariff->compile == NULL) {
        if (params != NULL) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, params->key_mark, "leave them out",
                        "the tariff takes no params");
        }
    } else if (tariff->params_bytes_max <= PARAMS_BYTES_MAX) {
        if (params != NULL) {
            settings_flatten(settings, params, "");
        }
        settings_fill(settings);
        const struct tg_tariff_source source = {.size_bytes = sizeof source,
                                                .settings_count = settings->count,
                                                .settings = settings->items,
                                                .price = price};
        struct tg_complaint why = {.setting_index = UINT32_MAX};
        uint32_t used = tariff->params_bytes_max; /* room in, length out */
        const enum tg_err err = tariff->compile(&source, bytes, &used, &why);
        if (err != TG_OK || settings->is_full || used > tariff->params_bytes_max) {
            why.text[sizeof why.text - 1] = '\0';
            const bool is_named = why.setting_index < settings->count;
            tg_diag_add(compile->diag, TG_DIAG_ERROR,
                        is_named ? settings->nodes[why.setting_index]->mark
                                 : (params != NULL ? params->key_mark : node->key_mark),
                        NULL, "params: %s",
                        settings->is_full     ? "more than 256 settings"
                        : why.text[0] != '\0' ? why.text
                                              : tg_err_sentence(TG_E_PLUGIN_PARAMS));
        } else {
            (void)tg_blob_append(out, bytes, used, 1);
        }
    }
    if (settings != NULL) {
        tg_blob_free(&settings->keys);
    }
    free(settings);
    free(bytes);
}

static const struct tg_tariff *tariff_find(struct tg_compile *compile,
                                           const struct tg_yaml_node *node, uint16_t *index)
{
    const char *name = tg_schema_text(&tg_catalog_price_keys, node, "tariff");
    const struct tg_plug *plug = tg_plug_find(TG_PLUGIN_TARIFF, name);
    if (plug == NULL) {
        const char *names[TG_PLUGS_MAX];
        uint32_t count = 0;
        for (uint32_t i = 0; i < tg_plug_count(); i++) {
            const struct tg_plug *other = tg_plug_at(i);
            if (other->plugin->kind == TG_PLUGIN_TARIFF) {
                names[count++] = other->name;
            }
        }
        const char *near = tg_diag_nearest(name, names, count);
        char hint[128];
        (void)snprintf(hint, sizeof hint, "did you mean \"%s\"?", near != NULL ? near : "");
        const struct tg_yaml_node *written = tg_yaml_get(node, "tariff");
        tg_diag_add(compile->diag, TG_DIAG_ERROR, written != NULL ? written->mark : node->key_mark,
                    near != NULL ? hint : NULL, "there is no tariff plug-in \"%.64s\"", name);
        return NULL;
    }
    *index = (uint16_t)tg_names_add(&compile->names[TG_CATALOG_TARIFF], name, strlen(name));
    return plug->plugin->contract;
}

/* The catalog's currency, or the price's own. */
static const struct tg_currency *currency_of(const struct tg_compile *compile,
                                             const struct tg_yaml_node *price)
{
    const struct tg_yaml_node *node = tg_yaml_get(price, "currency");
    const struct tg_currency *own =
        node != NULL && node->kind == TG_YAML_SCALAR ? tg_currency_by_code(node->text) : NULL;
    return own != NULL ? own : compile->currency;
}

static struct tg_price_step step_read(struct tg_compile *compile,
                                      const struct tg_currency *currency,
                                      const struct tg_schema *keys, const struct tg_yaml_node *map)
{
    struct tg_price_step step = {.up_to_units = UINT64_MAX, .per_units = 1};
    const struct tg_yaml_node *price = tg_yaml_get(map, "price");
    step.price = tg_compile_money_in(compile, currency, keys, map, "price", 0);
    const int64_t per = tg_schema_number(keys, map, "per");
    step.per_units = per >= 1 ? (uint64_t)per : 1;
    if (keys == &tg_catalog_tier_keys) {
        step.flat = tg_compile_money_in(compile, currency, keys, map, "flat", 0);
        const int64_t up_to = tg_schema_number(keys, map, "up_to");
        step.up_to_units =
            tg_yaml_get(map, "up_to") != NULL && up_to > 0 ? (uint64_t)up_to : UINT64_MAX;
        if (map->kind == TG_YAML_MAP && price == NULL && tg_yaml_get(map, "flat") == NULL &&
            !tg_compile_is_doubtful(compile, map)) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, map->key_mark,
                        "a tier without price has a flat", "key \"price\" is missing");
        }
    }
    if (price != NULL && (step.price < 0 || step.flat < 0)) {
        tg_diag_add(compile->diag, TG_DIAG_WARNING, price->mark, NULL, "sells at a negative price");
    }
    return step;
}

static uint32_t steps_read(struct tg_compile *compile, const struct tg_yaml_node *node,
                           struct tg_blob *out)
{
    const struct tg_yaml_node *tiers = tg_yaml_get(node, "tiers");
    const struct tg_yaml_node *price = tg_yaml_get(node, "price");
    if (tiers != NULL && price != NULL) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, tiers->key_mark, "keep one of them",
                    "price \"%.64s\" has both price and tiers", node->key);
    }
    if (tiers == NULL || tiers->kind != TG_YAML_LIST) {
        const struct tg_yaml_node *unit = tg_yaml_get(node, "unit");
        if (price == NULL && tiers == NULL && unit != NULL && unit->kind == TG_YAML_SCALAR &&
            strcmp(unit->text, "amount") == 0) {
            return 0; /* the record brings its money; a tariff that wants a step refuses this */
        }
        const struct tg_price_step step =
            step_read(compile, currency_of(compile, node), &tg_catalog_price_keys, node);
        (void)tg_blob_append(out, &step, sizeof step, 8);
        if (price == NULL && tiers == NULL && tg_yaml_get(node, "params") == NULL &&
            !tg_compile_is_doubtful(compile, node)) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, node->key_mark, NULL,
                        "price \"%.64s\" needs price, tiers or params", node->key);
        }
        return 1;
    }
    uint64_t before = 0;
    for (const struct tg_yaml_node *tier = tiers->child; tier != NULL; tier = tier->next) {
        const struct tg_price_step step =
            step_read(compile, currency_of(compile, node), &tg_catalog_tier_keys, tier);
        const struct tg_yaml_node *up_to = tg_yaml_get(tier, "up_to");
        if (tg_compile_is_doubtful(compile, tier)) {
            continue; /* where it ends is not known; the catalog is refused anyway */
        }
        if (step.up_to_units <= before) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, up_to != NULL ? up_to->mark : tier->mark,
                        NULL, "tiers: up_to must rise; the tier before ends at %llu",
                        (unsigned long long)before);
        } else if (step.up_to_units == UINT64_MAX && tier->next != NULL) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, tier->mark, "give it an up_to",
                        "tiers: only the last tier may be without up_to");
        } else if (step.up_to_units != UINT64_MAX && tier->next == NULL) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, up_to->mark, "leave it out",
                        "tiers: the last tier must be without up_to");
        }
        before = step.up_to_units != UINT64_MAX ? step.up_to_units : before;
        (void)tg_blob_append(out, &step, sizeof step, 8);
    }
    return tiers->children_count;
}

/* A share of money that nobody asks records for: those without would cost nothing, unseen. */
static void share_warn(struct tg_compile *compile, const struct tg_yaml_node *node)
{
    const struct tg_yaml_node *unit = tg_yaml_get(node, "unit");
    const char *tariff = tg_schema_text(&tg_catalog_price_keys, node, "tariff");
    const bool is_share = strcmp(tariff, "percentage") == 0 || strcmp(tariff, "dynamic") == 0;
    if (is_share && unit != NULL && unit->kind == TG_YAML_SCALAR &&
        strcmp(unit->text, "amount") != 0) {
        tg_diag_add(compile->diag, TG_DIAG_WARNING, unit->mark, "use unit: amount",
                    "price \"%.64s\": %s is of the money of a record; with unit: %.16s one that "
                    "carries none costs nothing instead of waiting in suspense",
                    node->key, tariff, unit->text);
    }
}

static void currency_check(struct tg_compile *compile, const struct tg_yaml_node *node)
{
    const struct tg_yaml_node *currency = tg_yaml_get(node, "currency");
    if (currency == NULL || currency->kind != TG_YAML_SCALAR || currency->text_bytes != 3) {
        return;
    }
    const struct tg_yaml_node *unit = tg_yaml_get(node, "unit");
    const char *tariff = tg_schema_text(&tg_catalog_price_keys, node, "tariff");
    const bool is_carried =
        (unit != NULL && unit->kind == TG_YAML_SCALAR && strcmp(unit->text, "amount") == 0) ||
        strcmp(tariff, "percentage") == 0 || strcmp(tariff, "dynamic") == 0;
    if (tg_currency_by_code(currency->text) == NULL) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, currency->mark, "use an ISO 4217 code",
                    "currency \"%s\" is not known", currency->text);
    } else if (is_carried && strcmp(currency->text, compile->currency->code) != 0) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, currency->mark, NULL,
                    "currency: money that records carry is in the catalog's, which is %s",
                    compile->currency->code);
    }
}

/* With `none` what a charge is cut down to is not all of it: the rest is carried. */
static uint8_t rounding_of(const struct tg_compile *compile, const struct tg_yaml_node *node)
{
    const int64_t rounding = tg_yaml_get(node, "rounding") != NULL
                                 ? tg_schema_number(&tg_catalog_price_keys, node, "rounding")
                                 : compile->head.rounding_rate;
    return rounding <= TG_ROUND_FLOOR ? (uint8_t)rounding : (uint8_t)TG_ROUND_DOWN;
}

static struct tg_price price_read(struct tg_compile *compile, const struct tg_yaml_node *node,
                                  uint32_t price_id)
{
    const struct tg_schema *keys = &tg_catalog_price_keys;
    const struct tg_currency *currency = currency_of(compile, node);
    struct tg_price price = {
        .size_bytes = sizeof price,
        .price_id = price_id,
        .currency = currency->numeric,
        .scale = currency->scale,
        .rounding = rounding_of(compile, node),
        .first_increment = (uint64_t)tg_schema_number(keys, node, "first"),
        .next_increment = (uint64_t)tg_schema_number(keys, node, "next"),
        .minimum_units = (uint64_t)tg_schema_number(keys, node, "minimum"),
        .grace_units = (uint64_t)tg_schema_number(keys, node, "grace"),
        .included_units = (uint64_t)tg_schema_number(keys, node, "included"),
        .connect_fee = tg_compile_money_in(compile, currency, keys, node, "connect", 0),
        .charge_min = tg_compile_money_in(compile, currency, keys, node, "min", INT64_MIN),
        .charge_max = tg_compile_money_in(compile, currency, keys, node, "max", INT64_MAX),
    };
    if (price.charge_min > price.charge_max) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, tg_yaml_get(node, "min")->mark, NULL,
                    "min is above max");
    }
    return price;
}

/* The limit of a price. Rating counts to one that cuts or tells; a minimum is the bill's alone. */
static void limit_read(struct tg_compile *compile, const struct tg_yaml_node *node,
                       struct tg_price_rule *rule, struct tg_price_info *info)
{
    const uint32_t index = tg_compile_resolve(compile, TG_CATALOG_SPEND_LIMIT, "spend limit", node);
    const struct tg_spend_limit *limit = tg_compile_limit(compile, index);
    if (limit == NULL) {
        return;
    }
    rule->spend_limit = limit->maximum != INT64_MAX || limit->thresholds[0] != INT64_MAX
                            ? (uint16_t)(index + 1)
                            : 0;
    info->spend_minimum = limit->minimum != 0 ? (uint16_t)(index + 1) : 0;
}

/* What the engine looks at for few prices; the carry's denominator is known once all are read. */
static struct tg_price_rule rule_read(struct tg_compile *compile, const struct tg_yaml_node *node,
                                      struct tg_price_info *info)
{
    const struct tg_schema *keys = &tg_catalog_price_keys;
    const struct tg_yaml_node *limit = tg_yaml_get(node, "spend_limit");
    const struct tg_yaml_node *tax = tg_yaml_get(node, "tax");
    struct tg_price_rule rule = {
        .carry_denominator = tg_compile_carry(node) != NULL ? 1 : 0,
        .carry_scope = (uint8_t)tg_schema_number(keys, node, "carry_scope"),
        .converts_at_event = (uint8_t)tg_schema_number(keys, node, "convert"),
    };
    if (limit != NULL) {
        limit_read(compile, limit, &rule, info);
    }
    if (tax != NULL) {
        const uint32_t index = tg_compile_resolve(compile, TG_CATALOG_TAX, "tax", tax);
        rule.tax_plus = index == UINT32_MAX ? 0 : (uint16_t)(index + 1);
    }
    return rule;
}

/* Segments are rounded and then only summed, so what stands beside them needs no rounding. */
static void segments_check(struct tg_compile *compile, const struct tg_yaml_node *node,
                           const struct tg_price *price, uint8_t exponent)
{
    const struct {
        const char *key;
        int64_t amount;
    } beside[] = {
        {"connect", price->connect_fee}, {"min", price->charge_min}, {"max", price->charge_max}};
    for (size_t i = 0; i < sizeof beside / sizeof beside[0]; i++) {
        const struct tg_yaml_node *written = tg_yaml_get(node, beside[i].key);
        if (written != NULL && beside[i].amount % tg_pow10(exponent) != 0) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, written->mark, NULL,
                        "%s: has more decimals than segments are rounded to", beside[i].key);
        }
    }
    if (tg_compile_carry(node) != NULL) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, tg_yaml_get(node, "rounding_of")->mark, NULL,
                    "rounding_of: a remainder is carried of charges, not of segments");
    }
}

/* The greatest is of what records count, and of a period. */
static void meter_check(struct tg_compile *compile, const struct tg_yaml_node *node,
                        const struct tg_price_info *info)
{
    const struct tg_yaml_node *counter = tg_yaml_get(node, "counter");
    if ((info->options & TG_PRICE_METERS_MAX) == 0 || tg_compile_is_doubtful(compile, node)) {
        return;
    }
    if (info->unit != TG_UNIT_EVENT) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, tg_yaml_get(node, "meter")->mark,
                    "`unit: event`, with the level as `count`",
                    "meter: max is of counts, and the unit is %s", tg_unit_name(info->unit));
    } else if (counter != NULL && counter->kind == TG_YAML_SCALAR &&
               strcmp(counter->text, "record") == 0) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, counter->mark, "give it a period",
                    "meter: max is of a period, and each record is one by itself");
    }
}

/* What the engine must know and the tariff need not. */
static void options_read(struct tg_compile *compile, const struct tg_yaml_node *node,
                         const struct tg_price *price, struct tg_price_info *info)
{
    const struct tg_schema *keys = &tg_catalog_price_keys;
    info->options =
        (tg_schema_number(keys, node, "at_max") != 0 ? TG_PRICE_MAX_STOPS : 0) |
        (tg_schema_number(keys, node, "connect_on") != 0 ? TG_PRICE_CONNECT_ON_USE : 0) |
        (tg_schema_number(keys, node, "included_off") != 0 ? TG_PRICE_INCLUDED_FIRST : 0) |
        (tg_schema_number(keys, node, "units_of") != 0 ? TG_PRICE_UNITS_OF_CALL : 0) |
        (tg_schema_number(keys, node, "rounding_of") != 0 ? TG_PRICE_ROUND_SEGMENTS : 0) |
        (tg_schema_number(keys, node, "meter") != 0 ? TG_PRICE_METERS_MAX : 0);
    meter_check(compile, node, info);
    info->block_units = (uint64_t)tg_schema_number(keys, node, "block");
    info->block_units = info->block_units >= 1 ? info->block_units : 1;
    if (__builtin_mul_overflow(info->block_units, tg_unit_base_count(info->unit),
                               &info->unit_base_count) ||
        info->unit_base_count > TG_QUANTITY_MAX) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, tg_yaml_get(node, "block")->mark, NULL,
                    "block: more %ss than a record can hold", tg_unit_name(info->unit));
        info->unit_base_count = 1;
    }
    if ((info->options & TG_PRICE_MAX_STOPS) != 0 && price->charge_max == INT64_MAX) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, tg_yaml_get(node, "at_max")->mark, "give a max",
                    "at_max: there is no max");
    }
    if (tg_compile_is_doubtful(compile, node)) {
        return;
    }
    info->round_exponent = tg_compile_exponent(compile, keys, node, currency_of(compile, node),
                                               (info->options & TG_PRICE_ROUND_SEGMENTS) != 0
                                                   ? SEGMENT_EXPONENT_MAX
                                                   : TG_COMPILE_EXPONENT_MAX);
    if ((info->options & TG_PRICE_ROUND_SEGMENTS) != 0) {
        segments_check(compile, node, price, info->round_exponent);
    }
}

static void price_compile(struct tg_compile *compile, const struct tg_yaml_node *node,
                          uint32_t price_id, struct tg_price_info *info, uint32_t *offset)
{
    const struct tg_schema *keys = &tg_catalog_price_keys;
    struct tg_blob steps = {0};
    struct tg_blob params = {0};
    struct tg_price price = price_read(compile, node, price_id);
    share_warn(compile, node);
    currency_check(compile, node);
    const uint32_t steps_count = steps_read(compile, node, &steps);
    const struct tg_tariff *tariff = NULL;
    price.steps_count = steps_count;
    if (!tg_compile_tariff_bpf(compile, node, &price, &info->tariff, &params)) {
        tariff = tariff_find(compile, node, &info->tariff);
    }
    info->unit = (uint8_t)tg_schema_number(keys, node, "unit");
    info->dimension = (uint8_t)tg_unit_dimension(info->unit);
    options_read(compile, node, &price, info);
    info->quantity_rounding = (uint8_t)tg_schema_number(keys, node, "quantity_rounding");
    info->is_present = 1;
    price.steps_offset = sizeof price;
    /* The tariff sees the price with its steps right behind it, as in the image. */
    struct tg_blob whole = {0};
    (void)tg_blob_append(&whole, &price, sizeof price, 16);
    (void)tg_blob_append(&whole, steps.bytes, steps.size_bytes, 8);
    if (tariff != NULL && !whole.is_broken && !tg_compile_is_doubtful(compile, node)) {
        params_compile(compile, node, tariff, (const struct tg_price *)(void *)whole.bytes,
                       &params);
    }
    const uint32_t params_offset =
        (uint32_t)tg_blob_append(&whole, params.bytes, params.size_bytes, 16);
    compile->is_out_of_memory |= steps.is_broken || params.is_broken || whole.is_broken;
    if (!whole.is_broken) {
        struct tg_price *stored = (struct tg_price *)(void *)whole.bytes;
        stored->params_bytes = (uint32_t)params.size_bytes;
        stored->params_offset = params_offset;
        *offset = (uint32_t)tg_blob_append(&compile->sections[TG_IMAGE_SECTION_PRICE_DATA],
                                           whole.bytes, whole.size_bytes, 16);
    }
    tg_blob_free(&steps);
    tg_blob_free(&params);
    tg_blob_free(&whole);
}

/* A rate sheet's price: per_unit with one step, which takes no params. */
static void rate_compile(struct tg_compile *compile, const struct tg_compile_rate *rate,
                         struct tg_price_info *info, uint32_t *offset)
{
    struct {
        struct tg_price price;
        struct tg_price_step step;
    } whole = {
        .price = {.size_bytes = sizeof whole.price,
                  .price_id = rate->price_id,
                  .currency = rate->currency,
                  .scale = rate->scale,
                  .rounding = rate->rounding,
                  .first_increment = rate->first,
                  .next_increment = rate->next,
                  .minimum_units = rate->minimum,
                  .grace_units = rate->grace,
                  .included_units = rate->included,
                  .connect_fee = rate->connect,
                  .charge_min = rate->min,
                  .charge_max = rate->max,
                  .steps_count = 1,
                  .steps_offset = sizeof whole.price,
                  .params_offset = sizeof whole},
        .step = {.up_to_units = UINT64_MAX, .price = rate->price, .per_units = rate->per_units},
    };
    static const char tariff[] = "per_unit";
    *info = (struct tg_price_info){
        .unit_base_count = tg_unit_base_count(rate->unit),
        .block_units = 1,
        .tariff =
            (uint16_t)tg_names_add(&compile->names[TG_CATALOG_TARIFF], tariff, sizeof tariff - 1),
        .unit = rate->unit,
        .dimension = (uint8_t)tg_unit_dimension(rate->unit),
        .quantity_rounding = rate->quantity_rounding,
        .is_present = 1,
        .options = rate->options,
        .round_exponent = rate->exponent,
    };
    *offset = (uint32_t)tg_blob_append(&compile->sections[TG_IMAGE_SECTION_PRICE_DATA], &whole,
                                       sizeof whole, 16);
}

void tg_compile_prices(struct tg_compile *compile)
{
    for (uint32_t i = 0; i < compile->names[TG_CATALOG_PRICE].count; i++) {
        const struct tg_yaml_node *node = tg_compile_node(compile, TG_CATALOG_PRICE, i);
        struct tg_price_info info = {0};
        struct tg_price_rule rule = {0};
        uint32_t offset = UINT32_MAX; /* a hole, until the image is laid out */
        if (node != NULL && node->kind == TG_YAML_MAP) {
            price_compile(compile, node, i, &info, &offset);
            rule = rule_read(compile, node, &info);
        } else if (tg_compile_rate_find(compile, i) != NULL) {
            rate_compile(compile, tg_compile_rate_find(compile, i), &info, &offset);
            rule.tax_plus = tg_compile_rate_find(compile, i)->tax_plus;
        }
        (void)tg_blob_append(&compile->sections[TG_IMAGE_SECTION_PRICE_RULES], &rule, sizeof rule,
                             4);
        (void)tg_blob_append(&compile->sections[TG_IMAGE_SECTION_PRICE_INFO], &info, sizeof info,
                             8);
        (void)tg_blob_append(&compile->sections[TG_IMAGE_SECTION_PRICES], &offset, sizeof offset,
                             4);
    }
}
