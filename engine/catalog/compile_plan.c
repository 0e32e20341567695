/* SPDX-License-Identifier: Apache-2.0 */
/* Plans: service x zone x band to a matrix of prices, and the cross-checks that need all parts. */
#include "catalog/compile.h"
#include "catalog/compile_cell.h"
#include "catalog/keys.h"
#include "doc/schema.h"
#include "record/charge.h"

#include <stdlib.h>
#include <string.h>

static const char *band_name(const struct tg_compile_cell *cell, const struct tg_time_model *model,
                             uint32_t band)
{
    const uint8_t *data = cell->compile->sections[TG_IMAGE_SECTION_DECK_DATA].bytes;
    uint32_t offset;
    memcpy(&offset, data + model->band_names_offset + band * 4, 4);
    return (const char *)cell->compile->text.bytes + offset;
}

static uint32_t band_find(const struct tg_compile_cell *cell, const char *name)
{
    const struct tg_time_model *model = tg_compile_cell_model(cell);
    for (uint32_t i = 0; model != NULL && i < model->bands_count; i++) {
        if (strcmp(band_name(cell, model, i), name) == 0) {
            return i;
        }
    }
    return UINT32_MAX;
}

static void band_refuse(const struct tg_compile_cell *cell, const struct tg_yaml_node *node)
{
    const struct tg_time_model *model = tg_compile_cell_model(cell);
    if (model == NULL) {
        tg_diag_add(cell->compile->diag, TG_DIAG_ERROR, node->key_mark, NULL,
                    "band \"%.64s\", but the service has no time_model", node->key);
        return;
    }
    const char *names[TG_COMPILE_BANDS_MAX];
    const uint32_t count =
        model->bands_count < TG_COMPILE_BANDS_MAX ? model->bands_count : TG_COMPILE_BANDS_MAX;
    for (uint32_t i = 0; i < count; i++) {
        names[i] = band_name(cell, model, i);
    }
    const char *near = tg_diag_nearest(node->key, names, count);
    char hint[128];
    (void)snprintf(hint, sizeof hint, "did you mean \"%s\"?", near != NULL ? near : "");
    tg_diag_add(cell->compile->diag, TG_DIAG_ERROR, node->key_mark, near != NULL ? hint : NULL,
                "the time model has no band \"%.64s\"", node->key);
}

/* Is a service counted in this dimension at all? Sessions have both time and octets. */
static bool dimension_fits(uint32_t service, uint8_t dimension)
{
    switch (service) {
    case TG_SERVICE_VOICE:
        return dimension == TG_DIMENSION_TIME;
    case TG_SERVICE_DATA:
    case TG_SERVICE_ACCESS:
        return dimension == TG_DIMENSION_BYTES || dimension == TG_DIMENSION_TIME;
    case TG_SERVICE_EVENT:
        return dimension == TG_DIMENSION_EVENTS || dimension == TG_DIMENSION_MONEY;
    default:
        return dimension == TG_DIMENSION_EVENTS;
    }
}

/* What is not in rules and makes one charge of bands: a minimum, and how segments are rounded.
 * Name of the key in which two differ, or NULL. */
static const char *infos_differ(const struct tg_compile *compile, uint32_t one, uint32_t two)
{
    const struct tg_blob *blob = &compile->sections[TG_IMAGE_SECTION_PRICE_INFO];
    if (blob->is_broken) {
        return NULL;
    }
    const struct tg_price_info *infos = (const struct tg_price_info *)(const void *)blob->bytes;
    const struct tg_price_info *a = &infos[one];
    const struct tg_price_info *b = &infos[two];
    const int of_segments = TG_PRICE_ROUND_SEGMENTS;
    return a->spend_minimum != b->spend_minimum                       ? "spend_limit"
           : (a->options & of_segments) != (b->options & of_segments) ? "rounding_of"
           : (a->options & of_segments) != 0 && a->round_exponent != b->round_exponent ? "decimals"
                                                                                       : NULL;
}

/* The key in which two prices of one charge differ, or NULL. */
static const char *prices_differ(const struct tg_compile *compile, uint32_t one, uint32_t two)
{
    const struct tg_price_rule *rules =
        (const struct tg_price_rule *)(const void *)compile->sections[TG_IMAGE_SECTION_PRICE_RULES]
            .bytes;
    const struct tg_price_rule *a = &rules[one];
    const struct tg_price_rule *b = &rules[two];
    return tg_compile_price_at(compile, one)->currency !=
                   tg_compile_price_at(compile, two)->currency
               ? "currency"
           : a->converts_at_event != b->converts_at_event ? "convert"
           : a->carry_denominator != b->carry_denominator ? "carry_remainder"
           : a->spend_limit != b->spend_limit             ? "spend_limit"
           : a->tax_plus != b->tax_plus                   ? "tax"
           : memcmp(a, b, sizeof *a) != 0                 ? "rule"
                                                          : infos_differ(compile, one, two);
}

/* Has it been told that a price does not go with another? Once is enough of two that meet in many
 * zones. */
static bool is_told(const struct tg_compile *compile, const char *text)
{
    for (uint32_t i = 0; i < tg_diag_entries_count(compile->diag); i++) {
        if (strcmp(tg_diag_entry(compile->diag, i)->text, text) == 0) {
            return true;
        }
    }
    return false;
}

/* A record across bands is one charge: in one currency, under one rule. */
static void bands_agree(struct tg_compile_cell *cell, const struct tg_yaml_node *node,
                        uint32_t price)
{
    const struct tg_compile *compile = cell->compile;
    if (cell->unit_base_count == 0 || tg_compile_price_at(compile, price) == NULL ||
        compile->sections[TG_IMAGE_SECTION_PRICE_RULES].is_broken) {
        cell->row_price = price;
        return;
    }
    const char *key = tg_compile_price_at(compile, cell->row_price) != NULL
                          ? prices_differ(compile, cell->row_price, price)
                          : NULL;
    char text[256];
    (void)snprintf(text, sizeof text, "price \"%.64s\" and \"%.64s\" before it differ in %s",
                   node->text, tg_names_text(&compile->names[TG_CATALOG_PRICE], cell->row_price),
                   key != NULL ? key : "");
    if (key != NULL && !is_told(compile, text)) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, node->mark,
                    "usage across a band is one charge; write the same in both", "%s", text);
    }
}

static uint32_t price_resolve(struct tg_compile_cell *cell, uint32_t service,
                              const struct tg_yaml_node *node)
{
    struct tg_compile *compile = cell->compile;
    if (node->kind != TG_YAML_SCALAR) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, node->mark, NULL, "expected the id of a price");
        return TG_PRICE_NONE;
    }
    const uint32_t price = tg_compile_resolve(compile, TG_CATALOG_PRICE, "price", node);
    struct tg_price_info *info =
        (struct tg_price_info *)(void *)compile->sections[TG_IMAGE_SECTION_PRICE_INFO].bytes;
    if (price == UINT32_MAX || compile->sections[TG_IMAGE_SECTION_PRICE_INFO].is_broken) {
        return TG_PRICE_NONE;
    }
    info[price].zones_count += info[price].zones_count < UINT16_MAX ? 1 : 0;
    if (tg_compile_is_doubtful(compile, tg_compile_node(compile, TG_CATALOG_PRICE, price))) {
        return price;
    }
    if (!dimension_fits(service, info[price].dimension)) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, node->mark, NULL,
                    "price \"%.64s\" counts %ss, which %s has not", node->text,
                    tg_unit_name(info[price].unit), cell->service->key);
    } else if (cell->has_dimension && cell->out.dimension != info[price].dimension) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, node->mark, NULL,
                    "price \"%.64s\" counts %ss, other prices of this service do not", node->text,
                    tg_unit_name(info[price].unit));
    }
    if (cell->unit_base_count != 0 && cell->unit_base_count != info[price].unit_base_count) {
        tg_diag_add(
            compile->diag, TG_DIAG_ERROR, node->mark, "usage across a band is cut in one unit",
            "price \"%.64s\" has another unit or block than the prices before it", node->text);
    }
    bands_agree(cell, node, price);
    info[price].options |= cell->spend_limit != 0 ? TG_PRICE_RULES : 0;
    cell->out.dimension = info[price].dimension;
    cell->unit_base_count = info[price].unit_base_count;
    cell->has_dimension = true;
    return price;
}

/* A row is one price for all bands, or a map from band to price. */
static void row_read(struct tg_compile_cell *cell, uint32_t service,
                     const struct tg_yaml_node *node, uint32_t *row)
{
    for (uint32_t band = 0; band < cell->out.bands_count; band++) {
        row[band] = TG_PRICE_NONE;
    }
    cell->unit_base_count = cell->cuts_rates ? cell->unit_base_count : 0;
    if (tg_compile_is_doubtful(cell->compile, node)) {
        return;
    }
    if (node->kind != TG_YAML_MAP) {
        const uint32_t price = price_resolve(cell, service, node);
        for (uint32_t band = 0; band < cell->out.bands_count; band++) {
            row[band] = price;
        }
        return;
    }
    bool is_whole = !cell->has_lost_bands;
    for (const struct tg_yaml_node *child = node->child; child != NULL; child = child->next) {
        const uint32_t band = band_find(cell, child->key);
        uint32_t price = TG_PRICE_NONE;
        if (band != UINT32_MAX || cell->has_lost_bands) {
            price = price_resolve(cell, service, child);
        } else {
            band_refuse(cell, child);
        }
        if (band != UINT32_MAX) {
            row[band] = price;
        }
        is_whole = is_whole && price != TG_PRICE_NONE;
    }
    for (uint32_t band = 0; band < cell->out.bands_count && is_whole; band++) {
        if (row[band] == TG_PRICE_NONE) {
            tg_diag_add(cell->compile->diag, TG_DIAG_ERROR, node->key_mark, NULL,
                        "zone \"%.64s\" has no price in band \"%.64s\" of its time model",
                        node->key,
                        tg_compile_cell_model(cell) != NULL
                            ? band_name(cell, tg_compile_cell_model(cell), band)
                            : "");
            break;
        }
    }
}

static void zone_refuse(struct tg_compile_cell *cell, const struct tg_yaml_node *node)
{
    const struct tg_names *zones = &cell->compile->names[TG_CATALOG_ZONE];
    const char **known = calloc(zones->count, sizeof *known);
    for (uint32_t i = 1; known != NULL && i < zones->count; i++) {
        known[i] = tg_names_text(zones, i);
    }
    const char *near = known != NULL ? tg_diag_nearest(node->key, known, zones->count) : NULL;
    char hint[128];
    (void)snprintf(hint, sizeof hint, "did you mean \"%s\"?", near != NULL ? near : "");
    if (near != NULL || !tg_compile_zones_are_doubtful(cell->compile)) {
        tg_diag_add(cell->compile->diag, TG_DIAG_ERROR, node->key_mark, near != NULL ? hint : NULL,
                    "there is no zone \"%.64s\" in any deck or network", node->key);
    }
    free(known);
}

static void zone_price_read(struct tg_compile_cell *cell, uint32_t service,
                            const struct tg_yaml_node *node)
{
    uint32_t row[TG_COMPILE_BANDS_MAX];
    uint32_t zone = TG_ZONE_NONE;
    if (strcmp(node->key, "*") == 0) {
        row_read(cell, service, node, cell->fallback);
        return;
    }
    row_read(cell, service, node, row);
    if (tg_compile_is_pair(node->key)) {
        zone = tg_names_find(&cell->compile->names[TG_CATALOG_ZONE], node->key, strlen(node->key));
    } else if (strcmp(node->key, "home") != 0) {
        zone = tg_names_find(&cell->compile->names[TG_CATALOG_ZONE], node->key, strlen(node->key));
        if (zone == UINT32_MAX || zone == TG_ZONE_NONE) {
            zone_refuse(cell, node);
            return;
        }
        if (cell->own_deck == NULL && cell->zones != NULL &&
            ((cell->zones[zone / 8] >> (zone % 8)) & 1u) == 0) {
            tg_diag_add(cell->compile->diag, TG_DIAG_WARNING, node->key_mark, NULL,
                        "zone \"%.64s\" cannot be reached: the deck has no prefix for it",
                        node->key);
        }
    }
    if (zone < cell->out.zones_count) {
        memcpy(cell->matrix + (size_t)zone * cell->out.bands_count, row,
               cell->out.bands_count * sizeof *row);
    }
}

/* Has the customer's deck the zone? Gaps of the plan's own decks are told of the plan. */
static bool zone_is_own(const struct tg_compile_cell *cell, uint32_t zone)
{
    return ((cell->compile->deck_zones[cell->out.deck][zone / 8] >> (zone % 8)) & 1u) != 0;
}

static bool is_group(const struct tg_compile_cell *cell, uint32_t zone)
{
    return ((cell->groups[zone / 8] >> (zone % 8)) & 1u) != 0;
}

/* "*" fills the zones the plan does not name; without it the gap is worth a warning. */
static void gaps_fill(struct tg_compile_cell *cell, bool has_fallback, bool has_zones)
{
    const uint32_t bands = cell->out.bands_count;
    uint32_t missing_count = 0;
    uint32_t missing_first = 0;
    for (uint32_t zone = 0; zone < cell->out.zones_count; zone++) {
        uint32_t *row = cell->matrix + (size_t)zone * bands;
        const bool is_sold = cell->zones == NULL
                                 ? true
                                 : zone != 0 && ((cell->zones[zone / 8] >> (zone % 8)) & 1u) != 0;
        const bool is_asked = cell->own_deck == NULL || zone_is_own(cell, zone);
        if (!is_sold || row[0] != TG_PRICE_NONE) {
            continue;
        }
        if (has_fallback) {
            memcpy(row, cell->fallback, bands * sizeof *row);
        } else if (is_asked && (cell->zones != NULL || zone == 0 || is_group(cell, zone))) {
            missing_first = missing_count == 0 ? zone : missing_first;
            missing_count++;
        }
    }
    if (missing_count > 0 && has_zones) {
        const char *first = tg_names_text(&cell->compile->names[TG_CATALOG_ZONE], missing_first);
        tg_diag_add(cell->compile->diag, TG_DIAG_WARNING,
                    cell->own_deck != NULL ? cell->own_deck->mark : cell->service->key_mark,
                    "add \"*\" or a price for each",
                    "plan \"%.64s\": %u zone%s ha%s no price, first \"%.64s\"; usage there will be "
                    "suspended",
                    cell->plan->key, missing_count, missing_count == 1 ? "" : "s",
                    missing_count == 1 ? "s" : "ve", missing_first == 0 ? "home" : first);
    }
}

static bool rates_are_sold(const struct tg_compile_cell *cell)
{
    const struct tg_compile_sheet *sheets = cell->compile->sheets;
    bool has_rates = cell->out.deck != TG_DECK_NONE && sheets[cell->out.deck].has_rates;
    for (uint32_t i = 0; cell->out.deck != TG_DECK_NONE && i < TG_FALLBACK_DECKS_MAX; i++) {
        const uint16_t deck = cell->out.fallback_decks[i];
        has_rates = has_rates || (deck != TG_DECK_NONE && sheets[deck].has_rates);
    }
    return has_rates;
}

/* Is a price in the currency of the one before? A refused one has been told. */
static bool is_same_money(const struct tg_compile_cell *cell, uint32_t price)
{
    const struct tg_price *ours = tg_compile_price_at(cell->compile, price);
    const struct tg_price *first = tg_compile_price_at(cell->compile, cell->row_price);
    return ours == NULL || first == NULL || ours->currency == first->currency;
}

/* Prices that the decks bring, where the plan names none itself; before "*". */
static void rates_fill(struct tg_compile_cell *cell, uint32_t service)
{
    struct tg_compile *compile = cell->compile;
    struct tg_price_info *info =
        (struct tg_price_info *)(void *)compile->sections[TG_IMAGE_SECTION_PRICE_INFO].bytes;
    const uint32_t prices_count = compile->names[TG_CATALOG_PRICE].count;
    for (uint32_t i = 0; i < prices_count; i++) {
        const struct tg_compile_rate *rate = tg_compile_rate_find(compile, i);
        if (rate == NULL || rate->zone >= cell->out.zones_count ||
            ((cell->zones[rate->zone / 8] >> (rate->zone % 8)) & 1u) == 0 ||
            cell->matrix[(size_t)rate->zone * cell->out.bands_count] != TG_PRICE_NONE) {
            continue;
        }
        if (!dimension_fits(service, info[i].dimension) ||
            (cell->has_dimension && cell->out.dimension != info[i].dimension)) {
            tg_diag_add(
                compile->diag, TG_DIAG_ERROR, tg_yaml_get(cell->service, "deck")->mark, NULL,
                "rates of \"%.64s\" count %ss, which %s",
                tg_names_text(&compile->names[TG_CATALOG_PRICE], i), tg_unit_name(info[i].unit),
                cell->has_dimension ? "other prices of the service do not" : "the service has not");
            return;
        }
        if (cell->cuts_rates && cell->unit_base_count != 0 &&
            (cell->unit_base_count != info[i].unit_base_count || !is_same_money(cell, i))) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR,
                        tg_yaml_get(cell->service, "rate_change")->mark,
                        "usage across a change is cut in one unit and charged in one currency",
                        "rates of \"%.64s\" have another unit or currency than the prices before",
                        tg_names_text(&compile->names[TG_CATALOG_PRICE], i));
            return;
        }
        cell->row_price = cell->unit_base_count == 0 ? i : cell->row_price;
        cell->unit_base_count = info[i].unit_base_count;
        for (uint32_t band = 0; band < cell->out.bands_count; band++) {
            cell->matrix[(size_t)rate->zone * cell->out.bands_count + band] = i;
        }
        cell->out.dimension = info[i].dimension;
        cell->has_dimension = true;
        info[i].zones_count = 1;
    }
}

static void matrix_fill(struct tg_compile_cell *cell, uint32_t service)
{
    const struct tg_yaml_node *price = tg_yaml_get(cell->service, "price");
    const struct tg_yaml_node *prices = tg_yaml_get(cell->service, "prices");
    const bool has_rates = rates_are_sold(cell);
    if (price == NULL && prices == NULL && cell->is_doubtful) {
        return; /* one of them may be misspelt, or the deck that brings them be in doubt */
    }
    if (price != NULL ? prices != NULL : prices == NULL && !has_rates) {
        tg_diag_add(cell->compile->diag, TG_DIAG_ERROR, cell->service->key_mark, NULL,
                    "%s needs either price or prices", cell->service->key);
        return;
    }
    if (prices != NULL && prices->kind != TG_YAML_MAP) {
        return; /* the schema has said so; its children have no keys */
    }
    bool has_fallback = price != NULL;
    if (price != NULL) {
        row_read(cell, service, price, cell->fallback);
    } else {
        for (const struct tg_yaml_node *node = prices != NULL ? prices->child : NULL; node != NULL;
             node = node->next) {
            zone_price_read(cell, service, node);
            has_fallback = has_fallback || strcmp(node->key, "*") == 0;
        }
    }
    if (has_rates) {
        rates_fill(cell, service);
    }
    gaps_fill(cell, has_fallback, price == NULL);
}

/* The customer's deck takes the first place; every other one moves back by one. That there is room
 * was checked by tg_compile_customer_check. */
static void own_deck_read(struct tg_compile_cell *cell)
{
    struct tg_compile *compile = cell->compile;
    if (cell->own_deck == NULL) {
        return;
    }
    const uint32_t deck = tg_names_find(&compile->names[TG_CATALOG_DECK], cell->own_deck->text,
                                        cell->own_deck->text_bytes);
    for (uint32_t i = TG_FALLBACK_DECKS_MAX - 1; i > 0; i--) {
        cell->out.fallback_decks[i] = cell->out.fallback_decks[i - 1];
    }
    cell->out.fallback_decks[0] = cell->out.deck;
    cell->out.deck = (uint16_t)deck;
    memmove(cell->joint, cell->zones, sizeof cell->joint);
    for (uint32_t i = 0; i < sizeof cell->joint; i++) {
        cell->joint[i] |= compile->deck_zones[deck][i];
    }
    cell->zones = cell->joint;
}

/* Decks asked behind the first; their zones are sold too. */
static void fallback_decks_read(struct tg_compile_cell *cell)
{
    struct tg_compile *compile = cell->compile;
    const struct tg_yaml_node *list = tg_yaml_get(cell->service, "fallback_decks");
    uint32_t count = 0;
    for (uint32_t i = 0; i < TG_FALLBACK_DECKS_MAX; i++) {
        cell->out.fallback_decks[i] = TG_DECK_NONE;
    }
    if (list == NULL || list->kind != TG_YAML_LIST) {
        return;
    }
    if (cell->out.deck == TG_DECK_NONE && cell->is_doubtful) {
        return;
    }
    if (cell->out.deck == TG_DECK_NONE) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, list->key_mark, "name the first one as deck",
                    "fallback_decks: there is no deck before them");
        return;
    }
    memcpy(cell->joint, cell->zones, sizeof cell->joint);
    for (const struct tg_yaml_node *node = list->child;
         node != NULL && count < TG_FALLBACK_DECKS_MAX; node = node->next) {
        const uint32_t deck = tg_compile_resolve(compile, TG_CATALOG_DECK, "deck", node);
        if (deck == UINT32_MAX) {
            continue;
        }
        cell->out.fallback_decks[count++] = (uint16_t)deck;
        for (uint32_t i = 0; i < sizeof cell->joint; i++) {
            cell->joint[i] |= compile->deck_zones[deck][i];
        }
    }
    cell->zones = cell->joint;
}

/* Zones of groups are sold beside those of the decks. */
static void groups_join(struct tg_compile_cell *cell)
{
    if (cell->zones == NULL) {
        return;
    }
    memmove(cell->joint, cell->zones, sizeof cell->joint);
    for (uint32_t i = 0; i < sizeof cell->joint; i++) {
        cell->joint[i] |= cell->groups[i];
    }
    cell->zones = cell->joint;
}

/* A minimum is of prices: what a bill looks at are its lines, and each has one. */
static void minimum_refuse(const struct tg_compile *compile, const struct tg_yaml_node *node,
                           uint32_t index)
{
    const struct tg_spend_limit *limit = tg_compile_limit(compile, index);
    if (limit != NULL && limit->minimum != 0) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, node->mark, "name it in the prices",
                    "spend limit \"%.64s\" has a minimum, which is of prices", node->text);
    }
}

static void references_resolve(struct tg_compile_cell *cell)
{
    struct tg_compile *compile = cell->compile;
    const struct tg_yaml_node *deck = tg_yaml_get(cell->service, "deck");
    const struct tg_yaml_node *model = tg_yaml_get(cell->service, "time_model");
    const uint32_t none = UINT32_MAX;
    const uint32_t deck_index =
        deck != NULL ? tg_compile_resolve(compile, TG_CATALOG_DECK, "deck", deck) : none;
    const uint32_t model_index =
        model != NULL ? tg_compile_resolve(compile, TG_CATALOG_TIME_MODEL, "time model", model)
                      : none;
    cell->out.deck = deck_index == none ? TG_DECK_NONE : (uint16_t)deck_index;
    cell->out.time_model = model_index == none ? TG_TIME_MODEL_NONE : (uint16_t)model_index;
    cell->out.allowance = TG_ALLOWANCE_NONE;
    const struct tg_yaml_node *limit = tg_yaml_get(cell->service, "spend_limit");
    const uint32_t limit_index =
        limit != NULL ? tg_compile_resolve(compile, TG_CATALOG_SPEND_LIMIT, "spend limit", limit)
                      : none;
    cell->spend_limit = limit_index == none ? 0 : (uint16_t)(limit_index + 1);
    minimum_refuse(compile, limit, limit_index);
    cell->is_doubtful = cell->is_doubtful || (deck != NULL && deck_index == none);
    cell->has_lost_bands =
        tg_compile_cell_model(cell) == NULL
            ? model != NULL || cell->is_doubtful
            : tg_compile_is_doubtful(
                  compile, tg_compile_node(compile, TG_CATALOG_TIME_MODEL, cell->out.time_model));
    cell->out.bands_count =
        tg_compile_cell_model(cell) != NULL ? tg_compile_cell_model(cell)->bands_count : 1;
    cell->zones = deck_index != none ? compile->deck_zones[deck_index] : NULL;
    fallback_decks_read(cell);
    own_deck_read(cell);
    const bool by_network = deck == NULL && compile->names[TG_CATALOG_NETWORK].count > 1;
    cell->out.origin = tg_compile_origin(compile, cell->service, cell->zones, cell->groups);
    cell->out.zones_count = deck != NULL || by_network || cell->out.origin != 0
                                ? (uint16_t)compile->names[TG_CATALOG_ZONE].count
                                : 1;
    cell->out.zone_by = cell->out.origin != 0 ? TG_ZONE_BY_PAIR
                        : by_network          ? TG_ZONE_BY_NETWORK
                                              : TG_ZONE_BY_DECK;
    groups_join(cell);
}

static struct tg_plan_service service_compile(struct tg_compile *compile,
                                              const struct tg_yaml_node *plan,
                                              const struct tg_yaml_node *product,
                                              const struct tg_yaml_node *node, uint32_t service,
                                              uint16_t *spend_limit, struct tg_plan_terms *terms)
{
    const struct tg_schema *keys = &tg_catalog_service_keys;
    struct tg_compile_cell cell = {.compile = compile,
                                   .plan = plan,
                                   .service = node,
                                   .is_doubtful = tg_compile_is_doubtful(compile, node)};
    cell.own_deck = tg_yaml_get(tg_yaml_get(product, "decks"), node->key);
    cell.cuts_rates = tg_schema_number(keys, node, "rate_change") == TG_RATE_CHANGE_SPLIT;
    references_resolve(&cell);
    *spend_limit = cell.spend_limit;
    cell.out.split_mode = (uint8_t)tg_schema_number(keys, node, "split") & 15u;
    cell.out.deck_match = (uint8_t)tg_schema_number(keys, node, "deck_match") & 15u;
    cell.out.increment_owner = (uint8_t)tg_schema_number(keys, node, "increment_owner") & 63u;
    cell.out.is_data_timed = tg_schema_number(keys, node, "data_split") != 0 ? 1 : 0;
    cell.out.is_present = 1;
    const size_t prices_count = (size_t)cell.out.zones_count * cell.out.bands_count;
    cell.matrix = malloc(prices_count * sizeof *cell.matrix);
    if (cell.matrix == NULL) {
        compile->is_out_of_memory = true;
        return cell.out;
    }
    memset(cell.matrix, 0xff, prices_count * sizeof *cell.matrix); /* TG_PRICE_NONE */
    matrix_fill(&cell, service);
    tg_compile_buckets(&cell, service);
    cell.out.has_terms =
        tg_compile_terms(compile, node, &cell.out, cell.matrix, prices_count, terms) ? 1 : 0;
    cell.out.matrix_offset =
        (uint32_t)tg_blob_append(&compile->sections[TG_IMAGE_SECTION_MATRIX], cell.matrix,
                                 prices_count * sizeof *cell.matrix, 4);
    free(cell.matrix);
    return cell.out;
}

static void unused_prices_warn(struct tg_compile *compile)
{
    const struct tg_price_info *info =
        (const struct tg_price_info *)(const void *)compile->sections[TG_IMAGE_SECTION_PRICE_INFO]
            .bytes;
    for (uint32_t i = 0; i < compile->names[TG_CATALOG_PRICE].count; i++) {
        const struct tg_yaml_node *node = tg_compile_node(compile, TG_CATALOG_PRICE, i);
        if (node != NULL && info[i].zones_count == 0) {
            tg_diag_add(compile->diag, TG_DIAG_WARNING, node->key_mark, NULL,
                        "price \"%.64s\" is used by no plan", node->key);
        }
    }
}

/* Cells of a plan: the five services, and what is received in the two that no row's service has. */
static const struct {
    const char *key;
    uint8_t service;
} cells[TG_SERVICE_COUNT] = {
    [TG_CELL_VOICE_RECEIVED] = {"voice_received", TG_SERVICE_VOICE},
    [TG_SERVICE_DATA] = {"data", TG_SERVICE_DATA},
    [TG_SERVICE_VOICE] = {"voice", TG_SERVICE_VOICE},
    [TG_SERVICE_MESSAGE] = {"message", TG_SERVICE_MESSAGE},
    [TG_SERVICE_EVENT] = {"event", TG_SERVICE_EVENT},
    [TG_SERVICE_ACCESS] = {"access", TG_SERVICE_ACCESS},
    [TG_CELL_MESSAGE_RECEIVED] = {"message_received", TG_SERVICE_MESSAGE},
};

/* All services of a plan, as it is or with the decks of a product. */
static uint32_t plan_compile(struct tg_compile *compile, const struct tg_yaml_node *plan,
                             const struct tg_yaml_node *product, bool *has_limits, bool *has_terms)
{
    uint32_t sold_count = 0;
    for (uint32_t at = 0; at < TG_SERVICE_COUNT; at++) {
        struct tg_plan_service cell = {0};
        struct tg_plan_terms terms = {0};
        uint16_t spend_limit = 0;
        const struct tg_yaml_node *node = plan != NULL ? tg_yaml_get(plan, cells[at].key) : NULL;
        if (node != NULL && node->kind == TG_YAML_MAP) {
            cell = service_compile(compile, plan, product, node, cells[at].service, &spend_limit,
                                   &terms);
            sold_count++;
        }
        *has_limits = *has_limits || spend_limit != 0;
        *has_terms = *has_terms || cell.has_terms != 0;
        (void)tg_blob_append(&compile->sections[TG_IMAGE_SECTION_PLAN_TERMS], &terms, sizeof terms,
                             2);
        (void)tg_blob_append(&compile->sections[TG_IMAGE_SECTION_PLAN_LIMITS], &spend_limit,
                             sizeof spend_limit, 2);
        (void)tg_blob_append(&compile->sections[TG_IMAGE_SECTION_PLAN_SERVICES], &cell, sizeof cell,
                             8);
    }
    return sold_count;
}

void tg_compile_plans(struct tg_compile *compile)
{
    bool has_limits = false;
    bool has_terms = false;
    tg_compile_customers_declare(compile);
    for (uint32_t i = 0; i < compile->names[TG_CATALOG_PLAN].count; i++) {
        const struct tg_yaml_node *plan = tg_compile_node(compile, TG_CATALOG_PLAN, i);
        const struct tg_yaml_node *product =
            plan == NULL ? tg_compile_customer_find(compile, i) : NULL;
        if (product != NULL) {
            const struct tg_yaml_node *name = tg_yaml_get(product, "plan");
            plan = tg_compile_node(
                compile, TG_CATALOG_PLAN,
                tg_names_find(&compile->names[TG_CATALOG_PLAN], name->text, name->text_bytes));
            if (plan != NULL) { /* else the product's reference is refused where it stands */
                tg_compile_customer_check(compile, product, plan);
            }
            /* Mistakes of the plan are told once, where it is compiled as it is. */
            plan = tg_diag_errors_count(compile->diag) == 0 ? plan : NULL;
        }
        const uint32_t sold_count = plan_compile(compile, plan, product, &has_limits, &has_terms);
        if (plan != NULL && product == NULL && sold_count == 0) {
            tg_diag_add(compile->diag, TG_DIAG_WARNING, plan->key_mark, NULL,
                        "plan \"%.64s\" sells no service", plan->key);
        }
    }
    if (!has_limits) {
        tg_blob_free(&compile->sections[TG_IMAGE_SECTION_PLAN_LIMITS]);
    }
    if (!has_terms) {
        tg_blob_free(&compile->sections[TG_IMAGE_SECTION_PLAN_TERMS]);
    }
    if (!compile->sections[TG_IMAGE_SECTION_PRICE_INFO].is_broken) {
        unused_prices_warn(compile);
    }
}
