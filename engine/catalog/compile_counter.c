/* SPDX-License-Identifier: Apache-2.0 */
/* Which counter a price counts to, and where it lies (rating-semantics 4.5: the key is the
 * subscription or the account, the meter, and the period).
 *
 * (1) A price whose tariff looks at what was before has a counter of its own, unless it names one.
 *     Prices that stand in the bands of one zone have one together: a record across bands is one
 *     charge, and its tiers go on.
 *     Where a call may go on at a price of another zone (rate_change: split) its counter is that of
 *     the start: one that counts nothing begins with each record, as no sum of the line is its.
 * (2) A counter is told across versions by its name, which says period, scope and dimension too: a
 *     price that counts otherwise now begins anew instead of going on from another kind of sum.
 * (3) The account line sums up all that is priced of a meter in a month of UTC. It is a counter of
 *     the subscription where each plan that has the counter prices nothing else of that meter; all
 *     others take a place on a shelf, and stay there. */
#include "catalog/compile.h"
#include "catalog/keys.h"
#include "doc/schema.h"
#include "plug/registry.h"
#include "record/charge.h"

#include <stdlib.h>
#include <string.h>

#define METERS_COUNT 3u
#define NAME_BYTES   160u

/* A price while counters are handed out. */
struct counted {
    uint32_t group;    /* another price of its group, or itself */
    uint32_t named;    /* counter that is written, UINT32_MAX none */
    uint8_t period;    /* enum tg_period */
    uint8_t scope;     /* enum tg_allowance_scope */
    bool counts;       /* what was before matters, or is written to be counted */
    bool is_of_record; /* begins anew with each record */
    bool is_max;       /* the greatest record, not the sum */
};

struct counters {
    struct tg_compile *compile;
    struct tg_price_info *infos;
    struct counted *prices;
    uint8_t *is_aside; /* by counter: it lies on a shelf */
    uint32_t prices_count;
};

static bool is_period(const char *text, uint8_t *period)
{
    for (uint8_t i = 0; tg_catalog_usage_periods[i] != NULL; i++) {
        if (strcmp(text, tg_catalog_usage_periods[i]) == 0) {
            *period = i;
            return true;
        }
    }
    return false;
}

static const struct tg_price *price_at(const struct tg_compile *compile, uint32_t price)
{
    uint32_t offset;
    memcpy(&offset,
           compile->sections[TG_IMAGE_SECTION_PRICES].bytes + (size_t)price * sizeof offset,
           sizeof offset);
    return offset == UINT32_MAX
               ? NULL
               : (const struct tg_price
                      *)(const void *)(compile->sections[TG_IMAGE_SECTION_PRICE_DATA].bytes +
                                       offset);
}

static bool tariff_counts(const struct counters *counters, uint32_t price)
{
    const struct tg_price *stored = price_at(counters->compile, price);
    const struct tg_names *tariffs = &counters->compile->names[TG_CATALOG_TARIFF];
    const uint32_t tariff = counters->infos[price].tariff;
    if (stored == NULL || tariff >= tariffs->count) {
        return false; /* it was refused, or its tariff was */
    }
    const struct tg_plug *plug = tg_plug_find(TG_PLUGIN_TARIFF, tg_names_text(tariffs, tariff));
    return plug == NULL || tg_tariff_counts(plug->plugin->contract, stored) != 0;
}

static void price_read(const struct counters *counters, uint32_t price)
{
    struct tg_compile *compile = counters->compile;
    struct counted *counted = &counters->prices[price];
    const struct tg_yaml_node *node = tg_compile_node(compile, TG_CATALOG_PRICE, price);
    const struct tg_yaml_node *written = tg_yaml_get(node, "counter");
    *counted = (struct counted){.group = price, .named = UINT32_MAX};
    if (node == NULL || counters->infos[price].is_present == 0) {
        return; /* those of rate sheets are products and count nothing */
    }
    counted->is_max = (counters->infos[price].options & TG_PRICE_METERS_MAX) != 0;
    counted->counts = counted->is_max || tariff_counts(counters, price);
    if (written == NULL || written->kind != TG_YAML_SCALAR ||
        is_period(written->text, &counted->period)) {
        return;
    }
    if (strcmp(written->text, "record") == 0) {
        counted->is_of_record = true;
        return;
    }
    counted->named = tg_compile_resolve(compile, TG_CATALOG_COUNTER, "counter", written);
    if (counted->named != UINT32_MAX) {
        const struct tg_yaml_node *table =
            tg_compile_node(compile, TG_CATALOG_COUNTER, counted->named);
        counted->period = (uint8_t)tg_schema_number(&tg_catalog_counter_keys, table, "period");
        counted->scope = (uint8_t)tg_schema_number(&tg_catalog_counter_keys, table, "scope");
        counted->counts = true;
    }
}

static uint32_t group_of(const struct counters *counters, uint32_t price)
{
    while (counters->prices[price].group != price) {
        price = counters->prices[price].group;
    }
    return price;
}

static bool counts_alike(const struct counted *a, const struct counted *b)
{
    return a->named == b->named && a->period == b->period && a->is_of_record == b->is_of_record &&
           a->is_max == b->is_max;
}

/* The group is known by its first price, and counts as its first one that counts. */
static void groups_join(struct counters *counters, uint32_t one, uint32_t two)
{
    const uint32_t a = group_of(counters, one);
    const uint32_t b = group_of(counters, two);
    const uint32_t first = a < b ? a : b;
    const uint32_t second = a < b ? b : a;
    struct counted *kept = &counters->prices[first];
    struct counted *joined = &counters->prices[second];
    if (a == b) {
        return;
    }
    if (kept->counts && joined->counts && !counts_alike(kept, joined)) {
        const struct tg_yaml_node *node =
            tg_compile_node(counters->compile, TG_CATALOG_PRICE, second);
        tg_diag_add(counters->compile->diag, TG_DIAG_ERROR, node->key_mark,
                    "give both the same counter",
                    "prices \"%.64s\" and \"%.64s\" are of bands of one zone and count apart: a "
                    "record across bands is one charge",
                    tg_names_text(&counters->compile->names[TG_CATALOG_PRICE], first), node->key);
    }
    if (!kept->counts && joined->counts) {
        *kept = *joined;
    }
    kept->group = first;
    joined->group = first;
}

static struct tg_plan_service cell_at(const struct tg_compile *compile, uint32_t at)
{
    struct tg_plan_service cell;
    memcpy(&cell,
           compile->sections[TG_IMAGE_SECTION_PLAN_SERVICES].bytes + (size_t)at * sizeof cell,
           sizeof cell);
    return cell;
}

static uint32_t matrix_price(const struct tg_compile *compile, const struct tg_plan_service *cell,
                             uint32_t at)
{
    uint32_t price;
    memcpy(&price,
           compile->sections[TG_IMAGE_SECTION_MATRIX].bytes + cell->matrix_offset +
               (size_t)at * sizeof price,
           sizeof price);
    return price;
}

static void cell_join(struct counters *counters, const struct tg_plan_service *cell)
{
    const uint32_t count = (uint32_t)cell->zones_count * cell->bands_count;
    for (uint32_t at = 0; cell->bands_count > 1 && at < count; at += cell->bands_count) {
        uint32_t first = TG_PRICE_NONE;
        for (uint32_t band = 0; band < cell->bands_count; band++) {
            const uint32_t price = matrix_price(counters->compile, cell, at + band);
            if (price != TG_PRICE_NONE && first != TG_PRICE_NONE) {
                groups_join(counters, first, price);
            }
            first = first == TG_PRICE_NONE ? price : first;
        }
    }
}

static bool cuts_rates(const struct tg_compile *compile, uint32_t at)
{
    const struct tg_blob *blob = &compile->sections[TG_IMAGE_SECTION_PLAN_TERMS];
    struct tg_plan_terms terms = {0};
    if (!blob->is_broken && (at + 1) * sizeof terms <= blob->size_bytes) {
        memcpy(&terms, blob->bytes + at * sizeof terms, sizeof terms);
    }
    return terms.rate_change == TG_RATE_CHANGE_SPLIT;
}

static void cell_begin_anew(struct counters *counters, const struct tg_plan_service *cell)
{
    const uint32_t count = (uint32_t)cell->zones_count * cell->bands_count;
    for (uint32_t at = 0; at < count; at++) {
        const uint32_t price = matrix_price(counters->compile, cell, at);
        struct counted *counted =
            price != TG_PRICE_NONE ? &counters->prices[group_of(counters, price)] : NULL;
        if (counted != NULL && !counted->counts) {
            counted->is_of_record = true;
        }
    }
}

/* "calls:month:subscriber:0", or ":price:month:subscriber:0" for a price's own; "max0" keeps the
 * greatest. */
static uint32_t counter_number(const struct counters *counters, uint32_t price)
{
    struct tg_compile *compile = counters->compile;
    const struct counted *counted = &counters->prices[price];
    const bool is_named = counted->named != UINT32_MAX;
    char name[NAME_BYTES];
    const int length =
        snprintf(name, sizeof name, "%s%.64s:%s:%s:%s%u", is_named ? "" : ":",
                 is_named ? tg_names_text(&compile->names[TG_CATALOG_COUNTER], counted->named)
                          : tg_names_text(&compile->names[TG_CATALOG_PRICE], price),
                 tg_catalog_usage_periods[counted->period],
                 counted->scope == TG_SCOPE_ACCOUNT ? "account" : "subscriber",
                 counted->is_max ? "max" : "", counters->infos[price].dimension);
    const uint32_t index = tg_names_add(&compile->names[TG_CATALOG_COUNTER], name, (size_t)length);
    compile->is_out_of_memory |= index == UINT32_MAX;
    return index;
}

/* Period, scope and number of the group's counter, for each of its prices. */
static void infos_fill(struct counters *counters)
{
    struct tg_compile *compile = counters->compile;
    for (uint32_t i = 0; i < counters->prices_count; i++) {
        const uint32_t group = group_of(counters, i);
        const struct counted *counted = &counters->prices[group];
        struct tg_price_info *info = &counters->infos[i];
        info->counter = TG_COUNTER_MONTH;
        info->counter_scope = TG_SCOPE_SUBSCRIBER;
        info->counter_index = TG_COUNTER_NONE;
        if (counted->is_of_record || (!counted->counts && info->dimension == TG_DIMENSION_MONEY)) {
            info->counter = TG_COUNTER_RECORD;
        } else if (counted->counts) {
            const uint32_t number = counter_number(counters, group);
            if (number >= TG_COUNTER_NONE) {
                tg_diag_add(compile->diag, TG_DIAG_ERROR,
                            (struct tg_mark){&compile->folder->source, 0, 0}, NULL,
                            "counters: more than 65534 over all versions");
                return;
            }
            info->counter = (uint8_t)(TG_COUNTER_SHELF + counted->period);
            info->counter_scope = counted->scope;
            info->counter_index = (uint16_t)number;
        }
    }
}

static uint32_t meter_of(uint32_t cell)
{
    return cell == TG_SERVICE_VOICE || cell == TG_CELL_VOICE_RECEIVED ? 1
           : cell == TG_SERVICE_DATA || cell == TG_SERVICE_ACCESS     ? 0
                                                                      : 2;
}

/* The only counter of a meter of a plan; others that it has there lie aside. */
static void meter_look(struct counters *counters, uint32_t plan, uint32_t meter,
                       uint16_t only[METERS_COUNT], bool is_mixed[METERS_COUNT])
{
    for (uint32_t at = 0; at < TG_SERVICE_COUNT; at++) {
        const struct tg_plan_service cell =
            cell_at(counters->compile, plan * TG_SERVICE_COUNT + at);
        const uint32_t count = cell.is_present != 0 && meter_of(at) == meter
                                   ? (uint32_t)cell.zones_count * cell.bands_count
                                   : 0;
        for (uint32_t i = 0; i < count; i++) {
            const uint32_t price = matrix_price(counters->compile, &cell, i);
            const struct tg_price_info *info =
                price != TG_PRICE_NONE ? &counters->infos[price] : NULL;
            if (info == NULL || info->dimension == TG_DIMENSION_MONEY) {
                continue; /* carried money is not summed up in the line */
            }
            is_mixed[meter] |= only[meter] != info->counter_index && only[meter] != 0;
            only[meter] = info->counter_index;
        }
    }
}

static void plan_look(struct counters *counters, uint32_t plan)
{
    uint16_t only[METERS_COUNT] = {0}; /* no counter has number 0 */
    bool is_mixed[METERS_COUNT] = {false};
    for (uint32_t meter = 0; meter < METERS_COUNT; meter++) {
        meter_look(counters, plan, meter, only, is_mixed);
    }
    for (uint32_t at = 0; at < TG_SERVICE_COUNT; at++) {
        const struct tg_plan_service cell =
            cell_at(counters->compile, plan * TG_SERVICE_COUNT + at);
        const uint32_t meter = meter_of(at);
        const uint32_t count =
            cell.is_present != 0 ? (uint32_t)cell.zones_count * cell.bands_count : 0;
        for (uint32_t i = 0; i < count; i++) {
            const uint32_t price = matrix_price(counters->compile, &cell, i);
            const uint16_t counter =
                price != TG_PRICE_NONE ? counters->infos[price].counter_index : TG_COUNTER_NONE;
            bool is_apart = is_mixed[meter];
            for (uint32_t other = 0; other < METERS_COUNT; other++) {
                is_apart |= other != meter && only[other] == counter;
            }
            if (counter != TG_COUNTER_NONE && is_apart) {
                counters->is_aside[counter] = 1;
            }
        }
    }
}

/* What no line can keep, and what a version before kept on a shelf. */
static void asides_find(struct counters *counters, const struct tg_image *previous)
{
    struct tg_compile *compile = counters->compile;
    const bool is_zoned = compile->sections[TG_IMAGE_SECTION_ZONE_OFFSETS].size_bytes != 0;
    for (uint32_t i = 0; i < counters->prices_count; i++) {
        const struct tg_price_info *info = &counters->infos[i];
        if (info->counter_index != TG_COUNTER_NONE &&
            (is_zoned || info->dimension == TG_DIMENSION_MONEY ||
             info->counter_scope == TG_SCOPE_ACCOUNT ||
             info->counter != TG_COUNTER_SHELF + TG_PERIOD_MONTH)) {
            counters->is_aside[info->counter_index] = 1;
        }
    }
    for (uint32_t i = 0; previous != NULL && i < tg_image_prices_count(previous); i++) {
        const struct tg_price_info *info = tg_image_price_info(previous, i);
        if (info->zones_count != 0 && info->counter_index != TG_COUNTER_NONE &&
            info->counter >= TG_COUNTER_SHELF) {
            counters->is_aside[info->counter_index] = 1;
        }
    }
    for (uint32_t plan = 0; plan < compile->names[TG_CATALOG_PLAN].count; plan++) {
        plan_look(counters, plan);
    }
}

static void counters_place(struct counters *counters, const struct tg_image *previous)
{
    counters->is_aside = calloc(counters->compile->names[TG_CATALOG_COUNTER].count, 1);
    if (counters->is_aside == NULL) {
        counters->compile->is_out_of_memory = true;
        return;
    }
    asides_find(counters, previous);
    for (uint32_t i = 0; i < counters->prices_count; i++) {
        struct tg_price_info *info = &counters->infos[i];
        if (info->counter_index != TG_COUNTER_NONE &&
            counters->is_aside[info->counter_index] == 0) {
            info->counter = TG_COUNTER_MONTH;
        }
    }
    free(counters->is_aside);
}

/* An id that would hide a period, or that no price names. */
static void table_check(struct tg_compile *compile, const struct counters *counters)
{
    for (uint32_t i = 0; i < compile->nodes_count[TG_CATALOG_COUNTER]; i++) {
        const struct tg_yaml_node *node = tg_compile_node(compile, TG_CATALOG_COUNTER, i);
        uint8_t period;
        if (node == NULL) {
            continue;
        }
        if (strcmp(node->key, "record") == 0 || is_period(node->key, &period)) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, node->key_mark, "call it something else",
                        "counter \"%.64s\" has the name of a period", node->key);
        }
        uint32_t dimension = UINT32_MAX;
        bool is_max = false;
        for (uint32_t price = 0; price < counters->prices_count; price++) {
            if (counters->prices[price].named != i) {
                continue;
            }
            if (dimension != UINT32_MAX && (dimension != counters->infos[price].dimension ||
                                            is_max != counters->prices[price].is_max)) {
                const struct tg_yaml_node *named =
                    tg_yaml_get(tg_compile_node(compile, TG_CATALOG_PRICE, price), "counter");
                tg_diag_add(compile->diag, TG_DIAG_ERROR, named->mark, NULL,
                            "counter \"%.64s\" counts something else for prices before this one",
                            node->key);
            }
            dimension = counters->infos[price].dimension;
            is_max = counters->prices[price].is_max;
        }
        if (dimension == UINT32_MAX) {
            tg_diag_add(compile->diag, TG_DIAG_WARNING, node->key_mark, NULL,
                        "no price names counter \"%.64s\"", node->key);
        }
    }
}

void tg_compile_counters(struct tg_compile *compile, const struct tg_image *previous)
{
    const struct tg_blob *sections = compile->sections;
    if (sections[TG_IMAGE_SECTION_PRICE_INFO].is_broken ||
        sections[TG_IMAGE_SECTION_PRICE_DATA].is_broken ||
        sections[TG_IMAGE_SECTION_PRICES].is_broken ||
        sections[TG_IMAGE_SECTION_MATRIX].is_broken ||
        sections[TG_IMAGE_SECTION_PLAN_SERVICES].is_broken) {
        return;
    }
    struct counters counters = {
        .compile = compile,
        .infos = (struct tg_price_info *)(void *)sections[TG_IMAGE_SECTION_PRICE_INFO].bytes,
        .prices_count = compile->names[TG_CATALOG_PRICE].count,
    };
    counters.prices = calloc((size_t)counters.prices_count + 1, sizeof *counters.prices);
    if (counters.prices == NULL) {
        compile->is_out_of_memory = true;
        return;
    }
    for (uint32_t i = 0; i < counters.prices_count; i++) {
        price_read(&counters, i);
    }
    table_check(compile, &counters);
    const uint32_t cells_count = compile->names[TG_CATALOG_PLAN].count * TG_SERVICE_COUNT;
    for (uint32_t i = 0; i < cells_count; i++) {
        const struct tg_plan_service cell = cell_at(compile, i);
        if (cell.is_present != 0) {
            cell_join(&counters, &cell);
        }
    }
    for (uint32_t i = 0; i < cells_count; i++) {
        const struct tg_plan_service cell = cell_at(compile, i);
        if (cell.is_present != 0 && cuts_rates(compile, i)) {
            cell_begin_anew(&counters, &cell);
        }
    }
    infos_fill(&counters);
    if (tg_diag_errors_count(compile->diag) == 0 && !compile->is_out_of_memory) {
        counters_place(&counters, previous);
    }
    free(counters.prices);
}
