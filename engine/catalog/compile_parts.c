/* SPDX-License-Identifier: Apache-2.0 */
/* The small tables: networks, allowances, products. */
#include "base/money.h"
#include "catalog/compile.h"
#include "catalog/keys.h"
#include "doc/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEAR_NAMES_MAX 20000u

static struct tg_network network_read(struct tg_compile *compile, const struct tg_yaml_node *node)
{
    struct tg_network network = {0};
    const struct tg_yaml_node *plmn = tg_yaml_get(node, "plmn");
    const struct tg_yaml_node *zone = tg_yaml_get(node, "zone");
    if (plmn == NULL || plmn->kind != TG_YAML_SCALAR || tg_compile_is_doubtful(compile, plmn) ||
        (zone != NULL && (zone->kind != TG_YAML_SCALAR || zone->text_bytes == 0))) {
        return network;
    }
    if (strspn(plmn->text, "0123456789") != plmn->text_bytes || plmn->text_bytes < 5 ||
        plmn->text_bytes > 6) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, plmn->mark, NULL,
                    "plmn: \"%.16s\" is not 5 or 6 digits", plmn->text);
        return network;
    }
    const bool is_home = zone == NULL || strcmp(zone->text, "home") == 0;
    const uint32_t index =
        is_home ? TG_ZONE_NONE
                : tg_names_add(&compile->names[TG_CATALOG_ZONE], zone->text, zone->text_bytes);
    if (index >= TG_DECK_NONE) {
        compile->is_out_of_memory |= index == UINT32_MAX;
        return network;
    }
    network.plmn = (uint32_t)strtoul(plmn->text, NULL, 10);
    network.plmn_digits = (uint8_t)plmn->text_bytes;
    network.zone = (uint16_t)index;
    const struct tg_yaml_node *time_zone = tg_yaml_get(node, "time_zone");
    if (time_zone != NULL && time_zone->kind == TG_YAML_SCALAR) {
        network.time_zone = (uint8_t)(tg_names_find(&compile->network_zones, time_zone->text,
                                                    time_zone->text_bytes) +
                                      1);
    }
    return network;
}

/* A record names its network by PLMN: of two entries of one PLMN it could mean either. */
static void network_alone_check(struct tg_compile *compile, uint32_t index,
                                const struct tg_network *network)
{
    const struct tg_blob *section = &compile->sections[TG_IMAGE_SECTION_NETWORKS];
    const struct tg_network *all = (const struct tg_network *)(const void *)section->bytes;
    for (uint32_t i = 0; network->plmn_digits != 0 && !section->is_broken && i < index; i++) {
        if (all[i].plmn == network->plmn && all[i].plmn_digits == network->plmn_digits) {
            tg_diag_add(
                compile->diag, TG_DIAG_ERROR,
                tg_yaml_get(tg_compile_node(compile, TG_CATALOG_NETWORK, index), "plmn")->mark,
                NULL, "network \"%.64s\" has that plmn already",
                tg_names_text(&compile->names[TG_CATALOG_NETWORK], i));
        }
    }
}

static void networks_compile(struct tg_compile *compile)
{
    for (uint32_t i = 0; i < compile->names[TG_CATALOG_NETWORK].count; i++) {
        const struct tg_yaml_node *node = tg_compile_node(compile, TG_CATALOG_NETWORK, i);
        const struct tg_network network =
            node != NULL ? network_read(compile, node) : (struct tg_network){0};
        network_alone_check(compile, i, &network);
        (void)tg_blob_append(&compile->sections[TG_IMAGE_SECTION_NETWORKS], &network,
                             sizeof network, 8);
    }
}

static uint32_t services_mask(const struct tg_yaml_node *list)
{
    uint32_t mask = 0;
    const struct tg_yaml_node *item = list != NULL ? list->child : NULL;
    for (; item != NULL; item = item->next) {
        for (uint32_t i = 0; tg_catalog_services[i] != NULL; i++) {
            mask |= strcmp(item->text, tg_catalog_services[i]) == 0 ? 2u << i : 0;
        }
    }
    return mask;
}

/* The zone a person may have meant; not over so many that he would wait for it. */
static const char *zone_near(const struct tg_names *zones, const char *name)
{
    const uint32_t count = zones->count < NEAR_NAMES_MAX ? zones->count : 0;
    const char **known = calloc((size_t)count + 1, sizeof *known);
    for (uint32_t i = 0; known != NULL && i < count; i++) {
        known[i] = tg_names_text(zones, i);
    }
    const char *near = known != NULL ? tg_diag_nearest(name, known, count) : NULL;
    free((void *)known);
    return near;
}

/* Zones named here must be in a deck or network: an allowance for a zone nobody reaches is a typo.
 */
static uint64_t zone_bits_add(struct tg_compile *compile, const struct tg_yaml_node *list)
{
    uint8_t bits[TG_ZONE_BITS_BYTES] = {0};
    const struct tg_names *zones = &compile->names[TG_CATALOG_ZONE];
    for (const struct tg_yaml_node *item = list->child; item != NULL; item = item->next) {
        const bool is_home = item->kind == TG_YAML_SCALAR && strcmp(item->text, "home") == 0;
        const uint32_t zone =
            is_home ? (uint32_t)TG_ZONE_NONE : tg_names_find(zones, item->text, item->text_bytes);
        if (zone == UINT32_MAX) {
            char hint[128];
            const char *near = item->kind == TG_YAML_SCALAR ? zone_near(zones, item->text) : NULL;
            if (near == NULL && tg_compile_zones_are_doubtful(compile)) {
                continue;
            }
            (void)snprintf(hint, sizeof hint, "did you mean \"%.64s\"?", near != NULL ? near : "");
            tg_diag_add(compile->diag, TG_DIAG_ERROR, item->mark, near != NULL ? hint : NULL,
                        "there is no zone \"%.64s\" in any deck or network", item->text);
            continue;
        }
        bits[zone / 8] |= (uint8_t)(1u << (zone % 8));
    }
    return tg_blob_append(&compile->sections[TG_IMAGE_SECTION_DECK_DATA], bits,
                          (zones->count + 7) / 8, 8) +
           1;
}

static bool models_are_doubtful(const struct tg_compile *compile)
{
    const enum tg_catalog_kind kind = TG_CATALOG_TIME_MODEL;
    bool is_doubtful = tg_compile_is_lost(compile, kind);
    for (uint32_t i = 0; i < compile->nodes_count[kind] && !is_doubtful; i++) {
        is_doubtful = tg_compile_is_doubtful(compile, compile->nodes[kind][i]);
    }
    return is_doubtful;
}

/* One mask a time model: the bands of it that are named. A name that no model has is a typo. */
static uint64_t band_masks_add(struct tg_compile *compile, const struct tg_yaml_node *list)
{
    const struct tg_blob *blob = &compile->sections[TG_IMAGE_SECTION_TIME_MODELS];
    const size_t count = blob->size_bytes / sizeof(struct tg_time_model);
    uint64_t *masks = calloc(count + 1, sizeof *masks);
    compile->is_out_of_memory |= masks == NULL;
    for (const struct tg_yaml_node *item = list->child; masks != NULL && item != NULL;
         item = item->next) {
        bool is_known = item->kind != TG_YAML_SCALAR;
        for (size_t i = 0; i < count; i++) {
            struct tg_time_model model;
            memcpy(&model, blob->bytes + i * sizeof model, sizeof model);
            for (uint32_t band = 0; item->kind == TG_YAML_SCALAR && band < model.bands_count;
                 band++) {
                uint32_t offset;
                memcpy(&offset,
                       compile->sections[TG_IMAGE_SECTION_DECK_DATA].bytes +
                           model.band_names_offset + band * sizeof offset,
                       sizeof offset);
                if (strcmp((const char *)compile->text.bytes + offset, item->text) == 0) {
                    masks[i] |= UINT64_C(1) << band;
                    is_known = true;
                }
            }
        }
        if (!is_known && !models_are_doubtful(compile)) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, item->mark, NULL,
                        "no time model has a band \"%.64s\"", item->text);
        }
    }
    const uint64_t offset = tg_blob_append(&compile->sections[TG_IMAGE_SECTION_DECK_DATA], masks,
                                           (count + 1) * sizeof *masks, 8);
    free(masks);
    return offset + 1;
}

static void allowance_dimension_check(struct tg_compile *compile, const struct tg_yaml_node *node,
                                      const struct tg_allowance *allowance)
{
    static const uint32_t fits[] = {
        [TG_DIMENSION_TIME] =
            1u << TG_SERVICE_DATA | 1u << TG_SERVICE_VOICE | 1u << TG_SERVICE_ACCESS,
        [TG_DIMENSION_BYTES] = 1u << TG_SERVICE_DATA | 1u << TG_SERVICE_ACCESS,
        [TG_DIMENSION_EVENTS] = 1u << TG_SERVICE_MESSAGE | 1u << TG_SERVICE_EVENT,
        [TG_DIMENSION_MONEY] = 1u << TG_SERVICE_EVENT,
    };
    if ((allowance->services_mask & ~fits[allowance->dimension]) != 0) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, tg_yaml_get(node, "services")->mark, NULL,
                    "a service here is not counted in %ss", tg_unit_name(allowance->unit));
    }
}

/* A decimal number of units as base quantity, exactly; the schema has seen to its form. */
static bool decimal_base(const char *text, uint64_t unit_base_count, uint64_t *base)
{
    unsigned __int128 number = 0;
    unsigned __int128 divisor = 1;
    bool has_point = false;
    bool is_fine = text[0] != '-';
    for (const char *at = text + (text[0] == '+'); is_fine && *at != '\0'; at++) {
        if (*at == '.') {
            has_point = true;
            continue;
        }
        is_fine = !__builtin_mul_overflow(number, 10, &number) &&
                  !__builtin_add_overflow(number, (unsigned)(*at - '0'), &number) &&
                  (!has_point || !__builtin_mul_overflow(divisor, 10, &divisor));
    }
    if (!is_fine || __builtin_mul_overflow(number, unit_base_count, &number) ||
        number % divisor != 0 || number / divisor > INT64_MAX) {
        return false;
    }
    *base = (uint64_t)(number / divisor);
    return true;
}

/* An amount in the allowance's unit, as base quantity; absent when the key is not there. */
static uint64_t base_read(struct tg_compile *compile, const struct tg_yaml_node *map,
                          const char *key, uint64_t least, uint8_t unit, uint64_t absent)
{
    const struct tg_yaml_node *node = tg_yaml_get(map, key);
    uint64_t base = 0;
    int64_t ignored;
    if (node == NULL || node->kind != TG_YAML_SCALAR ||
        tg_money_parse(node->text, node->text_bytes, 0, &ignored) == TG_E_SYNTAX) {
        return absent; /* the schema has told what is wrong */
    }
    /* Money is written in quotes, as everywhere; a bare number is of the unit that records carry.
     */
    const uint8_t scale = (uint8_t)(compile->currency->minor + 4);
    int64_t money = -1;
    const bool is_money = unit == TG_UNIT_AMOUNT && node->is_quoted;
    if (is_money && tg_money_parse(node->text, node->text_bytes, scale, &money) == TG_OK &&
        money >= 0) {
        base = (uint64_t)money;
    } else if (tg_compile_is_doubtful(compile, map)) {
        return absent; /* its unit may be what is wrong */
    } else if (is_money || !decimal_base(node->text, tg_unit_base_count(unit), &base)) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, node->mark, NULL,
                    "%s: \"%.40s\" is below 0, too large, or no whole number of %s", key,
                    node->text,
                    tg_unit_dimension(unit) == TG_DIMENSION_TIME    ? "milliseconds"
                    : tg_unit_dimension(unit) == TG_DIMENSION_BYTES ? "octets"
                                                                    : "units");
        return absent;
    }
    if (base < least) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, node->mark, NULL, "%s: out of range", key);
        return absent;
    }
    return base;
}

/* Who shares it, what rolls over, when to tell. */
static void allowance_extras_read(struct tg_compile *compile, const struct tg_yaml_node *node,
                                  struct tg_allowance *allowance)
{
    const struct tg_schema *keys = &tg_catalog_allowance_keys;
    const struct tg_schema *rules = &tg_catalog_rollover_keys;
    const struct tg_yaml_node *rollover = tg_yaml_get(node, "rollover");
    const struct tg_yaml_node *cap = tg_yaml_get(node, "member_cap");
    const struct tg_yaml_node *thresholds = tg_yaml_get(node, "thresholds");
    allowance->scope = (uint8_t)tg_schema_number(keys, node, "scope");
    allowance->proration = (uint8_t)tg_schema_number(keys, node, "proration");
    allowance->member_cap_base =
        base_read(compile, node, "member_cap", 1, allowance->unit, UINT64_MAX);
    allowance->rollover_max_base = UINT64_MAX;
    allowance->rollover_total_base = UINT64_MAX;
    if (cap != NULL && allowance->scope != TG_SCOPE_ACCOUNT &&
        !tg_compile_is_doubtful(compile, node)) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, cap->mark, "add scope: account",
                    "member_cap: nobody shares this allowance");
    }
    if (rollover != NULL) {
        allowance->rollover_periods = (uint8_t)tg_schema_number(rules, rollover, "periods");
        allowance->options |=
            tg_schema_number(rules, rollover, "order") != 0 ? TG_ALLOWANCE_NEWEST_FIRST : 0;
        allowance->rollover_lost = (uint8_t)(100 - tg_schema_number(rules, rollover, "share"));
        allowance->rollover_min_base = base_read(compile, rollover, "min", 0, allowance->unit, 0);
        allowance->rollover_max_base =
            base_read(compile, rollover, "max", 0, allowance->unit, UINT64_MAX);
        allowance->rollover_total_base =
            base_read(compile, rollover, "total", 0, allowance->unit, UINT64_MAX);
        if (allowance->period == TG_PERIOD_EVER) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, rollover->key_mark, NULL,
                        "rollover: the allowance never ends");
        }
        if (allowance->rollover_min_base > allowance->rollover_max_base) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, tg_yaml_get(rollover, "min")->mark, NULL,
                        "min is above max");
        }
    }
    uint32_t count = 0;
    for (const struct tg_yaml_node *item = thresholds != NULL ? thresholds->child : NULL;
         item != NULL && count < TG_THRESHOLDS_MAX; item = item->next) {
        const unsigned long percent = strtoul(item->text != NULL ? item->text : "", NULL, 10);
        if (count > 0 && percent <= allowance->thresholds_percent[count - 1]) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, item->mark, NULL, "thresholds must rise");
        }
        allowance->thresholds_percent[count++] = (uint8_t)percent;
    }
}

/* One grant for several plans: a pool is one already, and what depends on when the subscription
 * began would be another amount in each of its plans. */
static void stacking_check(struct tg_compile *compile, const struct tg_yaml_node *node,
                           const struct tg_allowance *allowance)
{
    const char *with = allowance->scope == TG_SCOPE_ACCOUNT    ? "scope: account"
                       : allowance->proration != TG_GRANT_FULL ? "proration: actual_days"
                       : allowance->rollover_periods != 0      ? "rollover"
                       : allowance->period_count != 0          ? "period_from: start"
                                                               : NULL;
    if ((allowance->options & TG_ALLOWANCE_ONCE) != 0 && with != NULL) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, tg_yaml_get(node, "stacking")->mark, NULL,
                    "stacking: once does not go with %s", with);
    }
}

/* An end of the validity; a date is the account's own. */
static int64_t validity_read(const struct tg_yaml_node *node, const char *key, uint8_t option,
                             struct tg_allowance *allowance)
{
    const struct tg_yaml_node *found = tg_yaml_get(node, key);
    const size_t date_bytes = sizeof "2026-01-01" - 1;
    if (found == NULL || found->kind != TG_YAML_SCALAR) {
        return 0;
    }
    allowance->options |= found->text_bytes == date_bytes ? option : 0;
    return tg_schema_number(&tg_catalog_allowance_keys, node, key);
}

/* Periods that the subscription's begin counts from. */
static void grant_from_read(struct tg_compile *compile, const struct tg_yaml_node *node,
                            struct tg_allowance *allowance)
{
    const struct tg_schema *keys = &tg_catalog_allowance_keys;
    const struct tg_yaml_node *from = tg_yaml_get(node, "period_from");
    const struct tg_yaml_node *count = tg_yaml_get(node, "period_count");
    if (tg_schema_number(keys, node, "period_from") == 0) {
        if (count != NULL && tg_schema_number(keys, node, "period_count") > 1 &&
            !tg_compile_is_doubtful(compile, node)) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, count->mark, "add period_from: start",
                        "period_count: the calendar's periods are one each");
        }
        return;
    }
    allowance->period_count = (uint16_t)tg_schema_number(keys, node, "period_count");
    if (allowance->period == TG_PERIOD_EVER || allowance->period == TG_PERIOD_CYCLE) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, from->mark, NULL,
                    allowance->period == TG_PERIOD_EVER
                        ? "period_from: what is granted once has no periods"
                        : "period_from: a cycle begins on the account's cycle_day");
    } else if (!tg_allowance_count_is_fine(allowance)) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, count->mark, NULL,
                    "period_count: more than a hundred years");
    }
}

/* When it is granted and how long it lasts: what has an end of its own is granted once, unless it
 * says otherwise. */
static void allowance_times_read(struct tg_compile *compile, const struct tg_yaml_node *node,
                                 struct tg_allowance *allowance)
{
    const struct tg_yaml_node *from = tg_yaml_get(node, "valid_from");
    const struct tg_yaml_node *to = tg_yaml_get(node, "valid_to");
    allowance->valid_from_ns =
        validity_read(node, "valid_from", TG_ALLOWANCE_FROM_IS_LOCAL, allowance);
    allowance->valid_to_ns = validity_read(node, "valid_to", TG_ALLOWANCE_TO_IS_LOCAL, allowance);
    allowance->period = tg_yaml_get(node, "period") != NULL
                            ? (uint8_t)tg_schema_number(&tg_catalog_allowance_keys, node, "period")
                        : from != NULL || to != NULL ? (uint8_t)TG_PERIOD_EVER
                                                     : (uint8_t)TG_PERIOD_MONTH;
    grant_from_read(compile, node, allowance);
    if (tg_compile_is_doubtful(compile, node)) {
        return;
    }
    if (allowance->valid_from_ns < 0 || (to != NULL && allowance->valid_to_ns <= 0)) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, (allowance->valid_from_ns < 0 ? from : to)->mark,
                    NULL, "%s: usage before 1970 is not rated",
                    allowance->valid_from_ns < 0 ? "valid_from" : "valid_to");
    } else if (from != NULL && to != NULL && allowance->valid_from_ns >= allowance->valid_to_ns) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, to->mark, NULL,
                    "valid_to is not after valid_from");
    }
}

static struct tg_allowance allowance_read(struct tg_compile *compile,
                                          const struct tg_yaml_node *node)
{
    const struct tg_schema *keys = &tg_catalog_allowance_keys;
    const struct tg_yaml_node *zones = tg_yaml_get(node, "zones");
    const struct tg_yaml_node *bands = tg_yaml_get(node, "bands");
    const struct tg_yaml_node *price = tg_yaml_get(node, "price_when_used");
    struct tg_allowance allowance = {
        .services_mask = (uint8_t)services_mask(tg_yaml_get(node, "services")),
        .directions_mask = (uint8_t)tg_schema_number(keys, node, "direction"),
        .is_zoned = compile->sections[TG_IMAGE_SECTION_ZONE_OFFSETS].size_bytes > 0 ? 1 : 0,
        .priority = (uint16_t)tg_schema_number(keys, node, "priority"),
        .unit = (uint8_t)tg_schema_number(keys, node, "unit"),
        .is_present = 1,
    };
    allowance_times_read(compile, node, &allowance);
    allowance.options |= tg_schema_number(keys, node, "blocker") != 0 ? TG_ALLOWANCE_BLOCKS : 0;
    allowance.options |= tg_schema_number(keys, node, "consume") != 0 ? TG_ALLOWANCE_RAW : 0;
    allowance.options |= tg_schema_number(keys, node, "stacking") != 0 ? TG_ALLOWANCE_ONCE : 0;
    allowance.dimension = (uint8_t)tg_unit_dimension(allowance.unit);
    allowance.amount_base = base_read(compile, node, "amount", 1, allowance.unit, 0);
    if (price != NULL) {
        const uint32_t id = tg_compile_resolve(compile, TG_CATALOG_PRICE, "price", price);
        allowance.price = id != UINT32_MAX ? id + 1 : 0;
    }
    if (tg_yaml_get(node, "services") != NULL && !tg_compile_is_doubtful(compile, node)) {
        allowance_dimension_check(compile, node, &allowance);
    }
    allowance_extras_read(compile, node, &allowance);
    stacking_check(compile, node, &allowance);
    if (zones != NULL && zones->kind == TG_YAML_LIST) {
        allowance.zones_offset = (uint32_t)zone_bits_add(compile, zones);
    }
    if (bands != NULL && bands->kind == TG_YAML_LIST) {
        allowance.bands_offset = (uint32_t)band_masks_add(compile, bands);
    }
    return allowance;
}

void tg_compile_parts(struct tg_compile *compile)
{
    tg_compile_taxes(compile);
    networks_compile(compile);
    for (uint32_t i = 0; i < compile->names[TG_CATALOG_ALLOWANCE].count; i++) {
        const struct tg_yaml_node *node = tg_compile_node(compile, TG_CATALOG_ALLOWANCE, i);
        const struct tg_allowance allowance =
            node != NULL ? allowance_read(compile, node) : (struct tg_allowance){0};
        (void)tg_blob_append(&compile->sections[TG_IMAGE_SECTION_ALLOWANCES], &allowance,
                             sizeof allowance, 8);
    }
}

/* An amount that only makes sense from 0 on. */
static int64_t amount_read(struct tg_compile *compile, const struct tg_yaml_node *node,
                           const char *key)
{
    const int64_t amount = tg_compile_money(compile, &tg_catalog_product_keys, node, key, 0);
    if (amount < 0) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, tg_yaml_get(node, key)->mark, NULL,
                    "%s: must not be negative", key);
    }
    return amount;
}

/* Days and weeks from the begin: these go their own way through the account's cycles. */
static void days_multiply(struct tg_compile *compile, const struct tg_yaml_node *node,
                          uint32_t count, struct tg_product *product)
{
    const bool is_week = product->period == TG_PERIOD_WEEK;
    const bool is_from_start = product->period_from == TG_FEE_FROM_START;
    if (count == 1 && (!is_week || !is_from_start)) {
        return;
    }
    if (count > (is_week ? TG_FEE_WEEKS_MAX : TG_FEE_CYCLES_MAX)) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, tg_yaml_get(node, "period_count")->mark, NULL,
                    "period_count: more than 52 weeks");
        return;
    }
    if (!is_from_start) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, tg_yaml_get(node, "period_count")->mark,
                    "add period_from: start",
                    "period_count: nothing says where periods of several begin");
    }
    product->period = is_week ? TG_FEE_WEEKS : TG_FEE_DAYS;
    product->period_cycles = (uint8_t)count;
}

/* Several months, quarters or years as one: a number of cycles. */
static void period_multiply(struct tg_compile *compile, const struct tg_yaml_node *node,
                            struct tg_product *product)
{
    const uint32_t count =
        (uint32_t)tg_schema_number(&tg_catalog_product_keys, node, "period_count");
    const uint32_t cycles = count * (product->period == TG_PERIOD_MONTH    ? 1u
                                     : product->period == TG_FEE_QUARTER   ? 3u
                                     : product->period == TG_FEE_HALF_YEAR ? 6u
                                     : product->period == TG_FEE_YEAR      ? 12u
                                                                           : 0u);
    if (product->period == TG_PERIOD_DAY || product->period == TG_PERIOD_WEEK) {
        days_multiply(compile, node, count, product);
        return;
    }
    if (count <= 1) {
        return;
    }
    if (cycles == 0 || cycles > TG_FEE_CYCLES_MAX) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, tg_yaml_get(node, "period_count")->mark, NULL,
                    cycles == 0 ? "period_count: what is paid once has no periods"
                                : "period_count: more than twenty years");
        return;
    }
    if (product->period_from != TG_FEE_FROM_START) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, tg_yaml_get(node, "period_count")->mark,
                    "add period_from: start",
                    "period_count: no year says where periods of several begin");
    }
    product->period = TG_FEE_CYCLES;
    product->period_cycles = (uint8_t)cycles;
}

/* A week has no 30 days and is charged when it is over; a quarter has more than 30. */
static void period_check(struct tg_compile *compile, const struct tg_yaml_node *node,
                         const struct tg_product *product)
{
    const struct tg_yaml_node *proration = tg_yaml_get(node, "proration");
    const struct tg_yaml_node *ahead = tg_yaml_get(node, "in_advance");
    const bool is_week = product->period == TG_PERIOD_WEEK;
    const bool is_long = product->period >= TG_FEE_QUARTER;
    const bool has_days = tg_fee_days(product) != 0;
    if (proration != NULL && ((is_week && product->proration != TG_PRORATE_ACTUAL_DAYS &&
                               product->proration != TG_PRORATE_NONE_FULL &&
                               product->proration != TG_PRORATE_NONE_ZERO) ||
                              (is_long && product->proration == TG_PRORATE_THIRTIETHS) ||
                              (has_days && product->proration == TG_PRORATE_FIXED_30))) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, proration->mark,
                    is_week ? "use actual_days, none_full or none_zero" : "use actual_days",
                    "proration: \"%.32s\" is none of a fee by this period", proration->text);
    }
    if (is_week && product->is_in_advance != 0) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, ahead->mark, NULL,
                    "in_advance: a weekly fee is charged when its week is over");
    }
}

/* Options that say something only beside others. */
static void terms_check(struct tg_compile *compile, const struct tg_yaml_node *node,
                        const struct tg_product *product)
{
    if (product->period_from == TG_FEE_FROM_START && product->period < TG_FEE_QUARTER &&
        product->minimum_period == 0) {
        tg_diag_add(
            compile->diag, TG_DIAG_ERROR, tg_yaml_get(node, "period_from")->mark,
            "a shorter one is of the account's cycle or calendar",
            "period_from: \"start\" is of a fee by quarter, half_year or year, or by weeks");
    }
    if (product->maximum > 0 && product->maximum < product->minimum &&
        product->minimum_period == 0 && product->maximum_on == product->minimum_on) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, tg_yaml_get(node, "maximum")->mark, NULL,
                    "maximum: must not be less than the minimum");
    }
    if (product->minimum_period != 0 && product->minimum == 0) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, tg_yaml_get(node, "minimum_period")->mark,
                    "give a minimum", "minimum_period: there is no minimum");
    }
    if (product->minimum_period != 0 && product->bounds_order == TG_BOUNDS_BEFORE_DISCOUNTS &&
        (product->discount_ppm != 0 || product->discount_fixed != 0)) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, tg_yaml_get(node, "minimum_period")->mark,
                    "use bounds_order: after_discounts",
                    "minimum_period: discounts are of a cycle, and cannot be of what a longer "
                    "minimum adds");
    }
    if (product->on_plan_change == TG_CHANGE_ADDED_SEATS && product->period >= TG_FEE_QUARTER) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, tg_yaml_get(node, "prorate_on_plan_change")->mark,
                    "use refund_and_charge",
                    "prorate_on_plan_change: added_seats is not of a fee by a longer period");
    }
    if (product->maximum == 0 && tg_yaml_get(node, "maximum") != NULL) { /* 0 is stored for none */
        tg_diag_add(compile->diag, TG_DIAG_ERROR, tg_yaml_get(node, "maximum")->mark,
                    "`discount: 100%` charges nothing", "maximum: must be above 0");
    }
    if (product->bounds_order == TG_BOUNDS_BEFORE_DISCOUNTS &&
        product->bounds_scope == TG_SCOPE_ACCOUNT) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, tg_yaml_get(node, "bounds_order")->mark,
                    "use bounds_scope: subscriber",
                    "bounds_order: bounds of an account come behind all discounts");
    }
}

/* Limits of discounts, which say nothing without one. */
static void discount_check(struct tg_compile *compile, const struct tg_yaml_node *node,
                           struct tg_product *product)
{
    static const char *const limits[] = {"discount_max", "discount_from", "discount_cycles"};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        const struct tg_yaml_node *limit = tg_yaml_get(node, limits[i]);
        const bool is_max = i == 0;
        if (limit != NULL && product->discount_ppm == 0 &&
            (is_max || product->discount_fixed == 0)) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, limit->mark,
                        is_max ? "give discount" : "give discount or discount_amount",
                        "%s: the product has no discount", limits[i]);
        }
        if (is_max && limit != NULL && product->discount_max == 0 &&
            tg_diag_errors_count(compile->diag) == 0) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, limit->mark, "leave discount out",
                        "discount_max: \"%.64s\" leaves no discount", limit->text);
        }
    }
    if (tg_yaml_get(node, limits[2]) != NULL) {
        product->discount_cycles =
            (uint16_t)tg_schema_number(&tg_catalog_product_keys, node, limits[2]);
    }
}

/* Prices whose usage is discounted, each once. */
static void discount_prices_read(struct tg_compile *compile, const struct tg_yaml_node *node,
                                 struct tg_product *product)
{
    const struct tg_yaml_node *list = tg_yaml_get(node, "discount_prices");
    uint32_t count = 0;
    if (list == NULL || list->kind != TG_YAML_LIST) {
        return;
    }
    if ((product->discount_ppm == 0 && product->discount_fixed == 0) ||
        product->discount_on == TG_ELIGIBLE_FEES) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, list->mark,
                    "give discount or discount_amount, on usage or all",
                    "discount_prices: the product has no discount of usage");
    }
    for (const struct tg_yaml_node *item = list->child; item != NULL; item = item->next) {
        const uint32_t index = tg_compile_resolve(compile, TG_CATALOG_PRICE, "price", item);
        bool is_known = index == UINT32_MAX || count == TG_DISCOUNT_PRICES_MAX;
        for (uint32_t i = 0; i < count && !is_known; i++) {
            is_known = product->discount_prices[i] == index + 1;
            if (is_known) {
                tg_diag_add(compile->diag, TG_DIAG_ERROR, item->mark, NULL,
                            "discount_prices: named twice");
            }
        }
        if (!is_known) {
            product->discount_prices[count++] = index + 1;
        }
    }
}

static void product_plan_read(struct tg_compile *compile, const struct tg_yaml_node *node,
                              struct tg_product *product)
{
    const struct tg_yaml_node *plan = tg_yaml_get(node, "plan");
    if (plan != NULL) {
        const uint32_t index = tg_compile_resolve(compile, TG_CATALOG_PLAN, "plan", plan);
        product->plan = index == UINT32_MAX ? TG_PLAN_NONE : (uint16_t)index;
        uint32_t own;
        if (tg_compile_customer_plan(compile, node, &own)) {
            product->plan = (uint16_t)own;
        }
    } else if (tg_yaml_get(node, "decks") != NULL) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, tg_yaml_get(node, "decks")->key_mark,
                    "name the plan whose prices they need", "decks: the product has no plan");
    }
}

static struct tg_product product_read(struct tg_compile *compile, const struct tg_yaml_node *node)
{
    const struct tg_schema *keys = &tg_catalog_product_keys;
    const struct tg_yaml_node *tax = tg_yaml_get(node, "tax");
    const char *title = tg_schema_text(keys, node, "title");
    static const uint8_t periods[] = {TG_PERIOD_MONTH, TG_PERIOD_DAY,  TG_PERIOD_EVER,
                                      TG_PERIOD_WEEK,  TG_FEE_QUARTER, TG_FEE_YEAR,
                                      TG_FEE_HALF_YEAR};
    struct tg_product product = {
        .fee = tg_compile_money(compile, keys, node, "fee", 0),
        .title_offset = tg_compile_text(compile, title != NULL ? title : node->key),
        .plan = TG_PLAN_NONE,
        .tax = TG_TAX_NONE,
        .period = periods[tg_schema_number(keys, node, "period")],
        .proration = (uint8_t)tg_schema_number(keys, node, "proration"),
        .is_present = 1,
        .prorate_on_start = (uint8_t)tg_schema_number(keys, node, "prorate_on_start"),
        .prorate_on_end = (uint8_t)tg_schema_number(keys, node, "prorate_on_end"),
        .on_plan_change = (uint8_t)tg_schema_number(keys, node, "prorate_on_plan_change"),
        .is_in_advance = (uint8_t)tg_schema_number(keys, node, "in_advance"),
        .minimum = amount_read(compile, node, "minimum"),
        .discount_fixed = amount_read(compile, node, "discount_amount"),
        .late_write_off_below = amount_read(compile, node, "late_write_off_below"),
        .discount_ppm = (uint32_t)tg_schema_number(keys, node, "discount"),
        .discount_on = (uint8_t)tg_schema_number(keys, node, "discount_on"),
        .discount_rounding = tg_yaml_get(node, "discount_rounding") != NULL
                                 ? (uint8_t)tg_schema_number(keys, node, "discount_rounding")
                                 : compile->head.rounding_rate,
        .discount_decimals = tg_yaml_get(node, "discount_decimals") != NULL
                                 ? (uint8_t)(tg_schema_number(keys, node, "discount_decimals") + 1)
                                 : 0,
        .discount_from = amount_read(compile, node, "discount_from"),
        .discount_max = amount_read(compile, node, "discount_max"),
        .minimum_on = (uint8_t)tg_schema_number(keys, node, "minimum_on") & 15u,
        .minimum_period = (uint8_t)tg_schema_number(keys, node, "minimum_period") & 15u,
        .maximum = amount_read(compile, node, "maximum"),
        .maximum_on = (uint8_t)tg_schema_number(keys, node, "maximum_on"),
        .bounds_scope = (uint8_t)tg_schema_number(keys, node, "bounds_scope"),
        .discount_scope = (uint8_t)tg_schema_number(keys, node, "discount_scope"),
        .bounds_order = (uint8_t)tg_schema_number(keys, node, "bounds_order"),
        .period_from = (uint8_t)tg_schema_number(keys, node, "period_from"),
        .late_usage = (uint8_t)tg_schema_number(keys, node, "late_usage"),
    };
    product_plan_read(compile, node, &product);
    if (tax != NULL) {
        const uint32_t index = tg_compile_resolve(compile, TG_CATALOG_TAX, "tax", tax);
        product.tax = index == UINT32_MAX ? TG_TAX_NONE : (uint16_t)index;
    }
    /* What keys say beside each other is looked at once each is right by itself. */
    if (!tg_compile_is_doubtful(compile, node)) {
        period_multiply(compile, node, &product);
        terms_check(compile, node, &product);
        period_check(compile, node, &product);
        discount_check(compile, node, &product);
    }
    discount_prices_read(compile, node, &product);
    if (product.fee < 0) {
        tg_diag_add(compile->diag, TG_DIAG_WARNING, tg_yaml_get(node, "fee")->mark, NULL,
                    "product \"%.64s\" has a negative fee", node->key);
    }
    return product;
}

void tg_compile_products(struct tg_compile *compile)
{
    for (uint32_t i = 0; i < compile->names[TG_CATALOG_PRODUCT].count; i++) {
        const struct tg_yaml_node *node = tg_compile_node(compile, TG_CATALOG_PRODUCT, i);
        const struct tg_product product =
            node != NULL ? product_read(compile, node) : (struct tg_product){0};
        (void)tg_blob_append(&compile->sections[TG_IMAGE_SECTION_PRODUCTS], &product,
                             sizeof product, 8);
    }
}
