/* SPDX-License-Identifier: Apache-2.0 */
/* Prices of pairs (where from, where to): rules to one table over the zones they name.
 *
 * A rule becomes a zone of its own, named as it is written ("us_ca>us_ny", "eu>*", "="). So a row
 * that a rule fits has one zone like any other row, and matrix, allowances, diff and explain need
 * to know nothing of pairs. Of the rules that fit the most specific counts: A>B, then = (both
 * parties in one zone), then A>*, then the price of B alone. A>* stands before B because prices of
 * B are the usual ones and a rule with A says from where they are not. */
#include "catalog/compile.h"
#include "catalog/keys.h"
#include "doc/schema.h"

#include <stdlib.h>
#include <string.h>

/* 8 MiB; zones of half a world by those of the other half are far below. */
#define PAIRS_MAX (4u * 1024u * 1024u)
#define ANY_ZONE  UINT32_MAX

/* What a key says: zones, ANY_ZONE for "*", TG_ZONE_NONE for "?" or "home" on the left. */
struct rule {
    uint32_t a;
    uint32_t b;
    uint16_t zone; /* of the rule itself */
};

struct origin {
    struct tg_compile *compile;
    const struct tg_yaml_node *service;
    uint8_t b_zones[TG_ZONE_BITS_BYTES];
    uint8_t a_zones[TG_ZONE_BITS_BYTES];
    struct tg_origin out;
    struct tg_blob rules; /* struct rule */
    uint16_t same_zone;   /* of "="; 0 none */
    uint16_t *a_rows;     /* [zones]; 0 not named */
    uint16_t *b_columns;  /* [zones]; 0 no zone, 1 not named */
};

bool tg_compile_is_pair(const char *key)
{
    return strchr(key, '>') != NULL || strcmp(key, "=") == 0;
}

static bool pair_declare(struct tg_compile *compile, const struct tg_yaml_node *node)
{
    return !tg_compile_is_pair(node->key) || tg_compile_zone_declare(compile, node);
}

void tg_compile_pairs_declare(struct tg_compile *compile)
{
    tg_compile_service_entries(compile, "prices", pair_declare);
}

static bool bit_get(const uint8_t *bits, uint32_t index)
{
    return ((bits[index / 8] >> (index % 8)) & 1u) != 0;
}

/* One side of a key; what is not there is a mistake at the key. */
static bool side_read(struct origin *origin, const struct tg_yaml_node *node, bool is_a,
                      const char *text, size_t text_bytes, uint32_t *zone)
{
    const struct tg_names *zones = &origin->compile->names[TG_CATALOG_ZONE];
    const char *nowhere = origin->out.by == TG_ORIGIN_NETWORK ? "home" : "?";
    if (text_bytes == 1 && text[0] == '*' && !is_a) {
        *zone = ANY_ZONE;
        return true;
    }
    if (is_a && strlen(nowhere) == text_bytes && memcmp(text, nowhere, text_bytes) == 0) {
        *zone = TG_ZONE_NONE;
        return true;
    }
    *zone = text_bytes > 0 ? tg_names_find(zones, text, text_bytes) : UINT32_MAX;
    if (*zone != UINT32_MAX && *zone != TG_ZONE_NONE &&
        bit_get(is_a ? origin->a_zones : origin->b_zones, *zone)) {
        return true;
    }
    if (tg_compile_zones_are_doubtful(origin->compile)) {
        return false;
    }
    char hint[96];
    (void)snprintf(hint, sizeof hint,
                   is_a ? "write a zone of it, or %s; any origin is the price of the zone alone"
                        : "write a zone of it, or *",
                   nowhere);
    tg_diag_add(origin->compile->diag, TG_DIAG_ERROR, node->key_mark, hint,
                is_a && origin->out.by == TG_ORIGIN_NETWORK ? "no network has the zone \"%.*s\""
                : is_a ? "the origin's deck has no zone \"%.*s\""
                       : "the service's decks have no zone \"%.*s\"",
                (int)(text_bytes < 64 ? text_bytes : 64), text);
    return false;
}

static void rule_read(struct origin *origin, const struct tg_yaml_node *node)
{
    const char *arrow = strchr(node->key, '>');
    struct rule rule = {.zone = (uint16_t)tg_names_find(&origin->compile->names[TG_CATALOG_ZONE],
                                                        node->key, strlen(node->key))};
    if (arrow == NULL) {
        origin->same_zone = rule.zone;
        return;
    }
    const bool has_a =
        side_read(origin, node, true, node->key, (size_t)(arrow - node->key), &rule.a);
    const bool has_b = side_read(origin, node, false, arrow + 1, strlen(arrow + 1), &rule.b);
    if (has_a && has_b) {
        (void)tg_blob_append(&origin->rules, &rule, sizeof rule, 4);
    }
}

/* Zones that the A party can have. */
static bool a_zones_find(struct origin *origin, const struct tg_yaml_node *node)
{
    struct tg_compile *compile = origin->compile;
    const struct tg_yaml_node *deck = tg_yaml_get(node, "deck");
    if (tg_compile_is_doubtful(compile, node)) {
        return false;
    }
    if ((deck == NULL) == (origin->out.by == TG_ORIGIN_NUMBER)) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, deck != NULL ? deck->key_mark : node->key_mark,
                    NULL,
                    deck == NULL ? "origin by number needs a deck of the calling numbers"
                                 : "origin by network takes the zones of networks, not a deck");
        return false;
    }
    if (deck != NULL) {
        const uint32_t index = tg_compile_resolve(compile, TG_CATALOG_DECK, "deck", deck);
        if (index == UINT32_MAX) {
            return false;
        }
        origin->out.deck = (uint16_t)index;
        memcpy(origin->a_zones, compile->deck_zones[index], sizeof origin->a_zones);
        return true;
    }
    const struct tg_blob *networks = &compile->sections[TG_IMAGE_SECTION_NETWORKS];
    for (size_t at = 0; at + sizeof(struct tg_network) <= networks->size_bytes;
         at += sizeof(struct tg_network)) {
        struct tg_network network;
        memcpy(&network, networks->bytes + at, sizeof network);
        if (network.plmn_digits != 0) {
            origin->a_zones[network.zone / 8] |= (uint8_t)(1u << (network.zone % 8));
        }
    }
    return true;
}

/* Rows and columns for the zones that rules name; "=" names all that both sides have. */
static void sides_number(struct origin *origin)
{
    const struct rule *rules = (const struct rule *)(const void *)origin->rules.bytes;
    const size_t rules_count = origin->rules.size_bytes / sizeof *rules;
    const uint32_t zones_count = origin->out.zones_count;
    origin->out.a_count = 1;
    origin->out.b_count = 2;
    for (uint32_t zone = 1; zone < zones_count; zone++) {
        const bool is_shared = origin->same_zone != 0 && bit_get(origin->a_zones, zone) &&
                               bit_get(origin->b_zones, zone);
        origin->b_columns[zone] = is_shared ? origin->out.b_count++ : 1;
        origin->a_rows[zone] = is_shared ? origin->out.a_count++ : 0;
    }
    for (size_t i = 0; i < rules_count; i++) {
        if (origin->a_rows[rules[i].a] == 0) {
            origin->a_rows[rules[i].a] = origin->out.a_count++;
        }
        if (rules[i].b != ANY_ZONE && origin->b_columns[rules[i].b] == 1) {
            origin->b_columns[rules[i].b] = origin->out.b_count++;
        }
    }
}

/* From the least specific rule to the most specific one: the last that fits stays. */
static void pairs_fill(struct origin *origin, uint16_t *pairs)
{
    const struct rule *rules = (const struct rule *)(const void *)origin->rules.bytes;
    const size_t rules_count = origin->rules.size_bytes / sizeof *rules;
    const uint32_t columns = origin->out.b_count;
    for (size_t i = 0; i < rules_count; i++) {
        uint16_t *row = pairs + (size_t)origin->a_rows[rules[i].a] * columns;
        for (uint32_t column = 1; rules[i].b == ANY_ZONE && column < columns; column++) {
            row[column] = rules[i].zone;
        }
    }
    for (uint32_t zone = 1; origin->same_zone != 0 && zone < origin->out.zones_count; zone++) {
        if (bit_get(origin->a_zones, zone) && bit_get(origin->b_zones, zone)) {
            pairs[(size_t)origin->a_rows[zone] * columns + origin->b_columns[zone]] =
                origin->same_zone;
        }
    }
    for (size_t i = 0; i < rules_count; i++) {
        if (rules[i].b != ANY_ZONE) {
            pairs[(size_t)origin->a_rows[rules[i].a] * columns + origin->b_columns[rules[i].b]] =
                rules[i].zone;
        }
    }
}

/* The table into the image; false after reporting that it is too large or memory ran out. */
static bool table_store(struct origin *origin, const struct tg_yaml_node *node)
{
    struct tg_compile *compile = origin->compile;
    struct tg_blob *data = &compile->sections[TG_IMAGE_SECTION_DECK_DATA];
    const size_t side_bytes = (size_t)origin->out.zones_count * sizeof *origin->a_rows;
    origin->a_rows = calloc(1, side_bytes);
    origin->b_columns = calloc(1, side_bytes);
    if (origin->a_rows == NULL || origin->b_columns == NULL || origin->rules.is_broken) {
        compile->is_out_of_memory = true;
        return false;
    }
    sides_number(origin);
    const size_t pairs_count = (size_t)origin->out.a_count * origin->out.b_count;
    if (pairs_count > PAIRS_MAX) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, node->key_mark, NULL,
                    "origin: the rules name more than %u pairs of zones", PAIRS_MAX);
        return false;
    }
    origin->out.a_rows_offset = (uint32_t)tg_blob_append(data, origin->a_rows, side_bytes, 64);
    origin->out.b_columns_offset =
        (uint32_t)tg_blob_append(data, origin->b_columns, side_bytes, 64);
    origin->out.pairs_offset = (uint32_t)tg_blob_extend(data, pairs_count * sizeof(uint16_t), 64);
    if (data->is_broken) {
        return false;
    }
    pairs_fill(origin, (uint16_t *)(void *)(data->bytes + origin->out.pairs_offset));
    return true;
}

/* Rules that rate sheets bring, as zones of the service that are named as pairs. What has the same
 * name in `prices` is the same zone. */
static bool sheet_rules_read(struct origin *origin, const struct tg_yaml_node *node)
{
    const struct tg_names *zones = &origin->compile->names[TG_CATALOG_ZONE];
    const uint32_t prices_count = origin->compile->names[TG_CATALOG_PRICE].count;
    const bool is_by_number = origin->out.by == TG_ORIGIN_NUMBER;
    char foreign[64] = "";
    uint32_t foreign_count = 0;
    bool has_pairs = false;
    for (uint32_t i = 0; i < prices_count; i++) {
        const struct tg_compile_rate *rate = tg_compile_rate_find(origin->compile, i);
        const char *name = rate != NULL ? tg_names_text(zones, rate->zone) : "";
        const char *arrow = strchr(name, '>');
        if (arrow == NULL || rate->zone >= origin->out.zones_count ||
            !bit_get(origin->b_zones, rate->zone)) {
            continue;
        }
        const size_t place_bytes = (size_t)(arrow - name);
        const bool is_nowhere = place_bytes == 1 && name[0] == '?';
        const uint32_t place = is_nowhere ? 0 : tg_names_find(zones, name, place_bytes);
        const uint32_t b = tg_names_find(zones, arrow + 1, strlen(arrow + 1));
        has_pairs = true;
        if (!is_by_number || (!is_nowhere && (place >= origin->out.zones_count ||
                                              !bit_get(origin->a_zones, place)))) {
            if (foreign_count++ == 0) {
                (void)snprintf(foreign, sizeof foreign, "%.*s", (int)place_bytes, name);
            }
            continue;
        }
        const struct rule rule = {
            .a = is_nowhere ? TG_ZONE_NONE : place, .b = b, .zone = (uint16_t)rate->zone};
        (void)tg_blob_append(&origin->rules, &rule, sizeof rule, 4);
    }
    if (foreign_count > 0) {
        tg_diag_add(origin->compile->diag, TG_DIAG_WARNING, node->key_mark,
                    is_by_number ? "name jurisdictions as the origin's deck names its zones"
                                 : "add origin: {by: number, deck: ...}",
                    "%u rates within a jurisdiction count for nobody, the first in \"%s\"",
                    foreign_count, foreign);
    }
    return has_pairs;
}

static bool rules_read(struct origin *origin, const struct tg_yaml_node *node,
                       const struct tg_yaml_node *prices)
{
    bool has_pairs = sheet_rules_read(origin, node);
    const struct tg_yaml_node *price =
        prices != NULL && prices->kind == TG_YAML_MAP ? prices->child : NULL;
    for (; price != NULL; price = price->next) {
        if (tg_compile_is_pair(price->key)) {
            has_pairs = true;
            rule_read(origin, price);
        }
    }
    return has_pairs;
}

/* Pairs without an origin: each is a mistake at its key. */
static void pairs_refuse(struct tg_compile *compile, const struct tg_yaml_node *prices)
{
    const struct tg_yaml_node *node =
        prices != NULL && prices->kind == TG_YAML_MAP ? prices->child : NULL;
    for (; node != NULL; node = node->next) {
        if (tg_compile_is_pair(node->key)) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, node->key_mark,
                        "add origin: {by: number, deck: ...} or {by: network}",
                        "a price of a pair, but the service has no origin");
        }
    }
}

/* The rules over pairs; false: there are none, or they are wrong. */
static bool pairs_compile(struct origin *origin, const struct tg_yaml_node *node,
                          const struct tg_yaml_node *prices)
{
    origin->out.by = (uint8_t)tg_schema_number(&tg_catalog_origin_keys, node, "by");
    if (!a_zones_find(origin, node)) {
        return false;
    }
    if (!rules_read(origin, node, prices)) {
        tg_diag_add(origin->compile->diag, TG_DIAG_WARNING, node->key_mark, NULL,
                    "origin: no price is of a pair");
        return false;
    }
    return table_store(origin, node);
}

uint16_t tg_compile_origin(struct tg_compile *compile, const struct tg_yaml_node *service,
                           const uint8_t *zones, uint8_t *groups)
{
    const struct tg_yaml_node *node = tg_yaml_get(service, "origin");
    const struct tg_yaml_node *prices = tg_yaml_get(service, "prices");
    struct origin *origin = calloc(1, sizeof *origin);
    if (origin == NULL) {
        compile->is_out_of_memory = true;
        return 0;
    }
    origin->compile = compile;
    origin->service = service;
    origin->out.deck = TG_DECK_NONE;
    origin->out.by = TG_ORIGIN_NETWORK;
    origin->out.zones_count = (uint16_t)compile->names[TG_CATALOG_ZONE].count;
    memset(groups, 0, TG_ZONE_BITS_BYTES);
    tg_compile_groups(compile, service, groups, &origin->out);
    for (uint32_t i = 0; i < TG_ZONE_BITS_BYTES; i++) {
        origin->b_zones[i] = (uint8_t)((zones != NULL ? zones[i] : 0) | groups[i]);
    }
    bool is_kept = origin->out.groups_count != 0;
    if (node == NULL || node->kind != TG_YAML_MAP) {
        if (!tg_compile_is_doubtful(compile, service)) {
            pairs_refuse(compile, prices);
        }
        (void)sheet_rules_read(origin, service);
    } else if (zones == NULL && !is_kept &&
               (tg_yaml_get(service, "deck") != NULL || tg_compile_is_doubtful(compile, service))) {
        is_kept = false; /* the deck is told, or may be misspelt */
    } else if (zones == NULL && !is_kept) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, node->key_mark, NULL,
                    "origin: the service has no deck or groups for the other party");
    } else {
        is_kept = pairs_compile(origin, node, prices) || is_kept;
    }
    uint16_t index = 0;
    if (is_kept) {
        struct tg_blob *section = &compile->sections[TG_IMAGE_SECTION_ORIGINS];
        (void)tg_blob_append(section, &origin->out, sizeof origin->out, 8);
        index = (uint16_t)(section->size_bytes / sizeof origin->out);
    }
    tg_blob_free(&origin->rules);
    free(origin->a_rows);
    free(origin->b_columns);
    free(origin);
    return index;
}
