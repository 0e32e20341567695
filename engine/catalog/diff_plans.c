/* SPDX-License-Identifier: Apache-2.0 */
/* Differences of what leads to a price: plans and decks. */
#include "catalog/diff.h"

#include "catalog/keys.h"
#include "doc/schema.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define LIST_BYTES 512u

/* A plan's service on one side. */
struct cell {
    const struct tg_image *image;
    const struct tg_plan_service *service;
};

static void name_append(char *text, const char *name)
{
    const size_t length = strlen(text);
    (void)snprintf(text + length, LIST_BYTES - length, "%s%s", length > 0 ? " " : "", name);
}

static const char *deck_of(const struct tg_image *image, uint16_t deck)
{
    return deck == TG_DECK_NONE ? "none" : tg_image_name(image, TG_CATALOG_DECK, deck);
}

static void fallbacks_text(const struct cell *cell, char text[LIST_BYTES])
{
    text[0] = '\0';
    for (uint32_t i = 0; i < TG_FALLBACK_DECKS_MAX; i++) {
        if (cell->service->fallback_decks[i] != TG_DECK_NONE) {
            name_append(text, deck_of(cell->image, cell->service->fallback_decks[i]));
        }
    }
}

/* In the order of use. */
static void allowances_text(const struct cell *cell, char text[LIST_BYTES])
{
    const struct tg_plan_service *service = cell->service;
    text[0] = '\0';
    for (uint32_t i = 0; i < service->buckets_count; i++) {
        const uint16_t *buckets = tg_image_buckets(cell->image, service);
        name_append(text, tg_image_name(cell->image, TG_CATALOG_ALLOWANCE, buckets[i]));
    }
    if (service->buckets_count == 0 && service->allowance != TG_ALLOWANCE_NONE) {
        name_append(text, tg_image_name(cell->image, TG_CATALOG_ALLOWANCE, service->allowance));
    }
}

static const struct tg_origin *origin_of(const struct cell *cell)
{
    const struct tg_origin *origins =
        (const struct tg_origin *)tg_image_section(cell->image, TG_IMAGE_SECTION_ORIGINS);
    return cell->service->origin != 0 ? &origins[cell->service->origin - 1] : NULL;
}

static void origin_text(const struct cell *cell, char text[LIST_BYTES])
{
    const struct tg_origin *origin = origin_of(cell);
    text[0] = '\0';
    if (origin != NULL && origin->a_count != 0) {
        name_append(text, origin->by == TG_ORIGIN_NETWORK ? "by network" : "by number");
        if (origin->deck != TG_DECK_NONE) {
            name_append(text, deck_of(cell->image, origin->deck));
        }
    }
}

static const char *limit_of(const struct cell *cell)
{
    const uint16_t limit = tg_image_plan_limit(cell->image, cell->service);
    return limit != 0 ? tg_image_name(cell->image, TG_CATALOG_SPEND_LIMIT, limit - 1) : "none";
}

static const char *option_name(const char *key, uint8_t value)
{
    for (uint32_t i = 0; i < tg_catalog_service_keys.keys_count; i++) {
        if (strcmp(tg_catalog_service_keys.keys[i].key, key) == 0) {
            return tg_catalog_service_keys.keys[i].names[value];
        }
    }
    return "?";
}

static void options_diff(struct tg_diff *diff, const struct tg_diff_item *item,
                         const struct cell *was, const struct cell *is)
{
    static const struct {
        const char *key;
        void (*text)(const struct cell *cell, char text[LIST_BYTES]);
    } lists[] = {{"fallback_decks", fallbacks_text},
                 {"allowances", allowances_text},
                 {"origin", origin_text}};
    const struct tg_plan_service *a = was->service;
    const struct tg_plan_service *b = is->service;
    char left[LIST_BYTES];
    char right[LIST_BYTES];
    tg_diff_text(diff, item, "deck", deck_of(was->image, a->deck), deck_of(is->image, b->deck));
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        lists[i].text(was, left);
        lists[i].text(is, right);
        tg_diff_text(diff, item, lists[i].key, left, right);
    }
    tg_diff_text(diff, item, "deck_match", option_name("deck_match", a->deck_match),
                 option_name("deck_match", b->deck_match));
    tg_diff_text(diff, item, "split", option_name("split", a->split_mode),
                 option_name("split", b->split_mode));
    tg_diff_text(diff, item, "data_split", option_name("data_split", a->is_data_timed),
                 option_name("data_split", b->is_data_timed));
    tg_diff_text(diff, item, "increment_owner", option_name("increment_owner", a->increment_owner),
                 option_name("increment_owner", b->increment_owner));
    tg_diff_text(diff, item, "spend_limit", limit_of(was), limit_of(is));
    tg_diff_text(diff, item, "time_model",
                 tg_image_name(was->image, TG_CATALOG_TIME_MODEL, a->time_model),
                 tg_image_name(is->image, TG_CATALOG_TIME_MODEL, b->time_model));
    tg_diff_terms(diff, item, a, b);
}

/* What gives a zone by what is used; none without groups. */
static const struct tg_zone_group *groups_of(const struct cell *cell, uint32_t *count)
{
    const struct tg_origin *origin = origin_of(cell);
    *count = origin != NULL ? origin->groups_count : 0;
    return *count > 0
               ? (const struct tg_zone_group *)tg_image_at(cell->image, origin->groups_offset)
               : NULL;
}

static const char *group_zone(const struct cell *cell, const struct tg_zone_group *group)
{
    return tg_image_name(cell->image, TG_CATALOG_ZONE, group->zone);
}

/* Does a side give the zone by the same entry? */
static bool group_is_had(const struct cell *cell, const char *zone,
                         const struct tg_zone_group *entry)
{
    uint32_t count;
    const struct tg_zone_group *groups = groups_of(cell, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (groups[i].from == entry->from && groups[i].to == entry->to &&
            groups[i].name == entry->name && strcmp(group_zone(cell, &groups[i]), zone) == 0) {
            return true;
        }
    }
    return false;
}

/* Entries that one side has and the other has not, each by itself; of a name there is its hash. */
static void groups_tell(struct tg_diff *diff, const struct tg_diff_item *item,
                        const struct cell *having, const struct cell *other, bool is_added)
{
    uint32_t count;
    const struct tg_zone_group *groups = groups_of(having, &count);
    for (uint32_t i = 0; i < count; i++) {
        const char *zone = group_zone(having, &groups[i]);
        char field[180];
        char entry[48];
        if (group_is_had(other, zone, &groups[i])) {
            continue;
        }
        if (groups[i].to == 0) {
            (void)snprintf(entry, sizeof entry, "name with hash %016" PRIx64, groups[i].name);
        } else if (groups[i].from == groups[i].to) {
            (void)snprintf(entry, sizeof entry, "%u", groups[i].from);
        } else {
            (void)snprintf(entry, sizeof entry, "%u-%u", groups[i].from, groups[i].to);
        }
        (void)snprintf(field, sizeof field, "groups.%s", zone);
        tg_diff_text(diff, item, field, is_added ? "none" : entry, is_added ? entry : "none");
    }
}

static uint32_t band_find(const struct cell *cell, const char *band)
{
    for (uint32_t i = 0; i < cell->service->bands_count; i++) {
        if (strcmp(tg_image_band_name(cell->image, cell->service->time_model, i), band) == 0) {
            return i;
        }
    }
    return UINT32_MAX;
}

static const char *price_of(const struct cell *cell, uint32_t zone, uint32_t band)
{
    const uint32_t price = tg_image_price_at(cell->image, cell->service, zone, band);
    return price != TG_PRICE_NONE ? tg_image_name(cell->image, TG_CATALOG_PRICE, price) : "none";
}

static void price_tell(struct tg_diff *diff, const struct tg_diff_item *item, const char *zone,
                       const char *band, const char *from, const char *to)
{
    char field[260];
    if (strcmp(from, to) != 0) {
        (void)snprintf(field, sizeof field, "%s%s%s", zone[0] != '\0' ? zone : "home",
                       band[0] != '\0' ? "." : "", band);
        tg_diff_add(diff, item, field, from, to);
    }
}

/* Which price a zone and band get, each by its name. */
static void matrix_diff(struct tg_diff *diff, const struct tg_diff_item *item,
                        const struct cell *was, const struct cell *is)
{
    const uint32_t *before_of = diff->before_of[TG_CATALOG_ZONE];
    const uint32_t zones_count = tg_image_count(is->image, TG_CATALOG_ZONE);
    for (uint32_t zone = 0; zone < zones_count; zone++) {
        const char *name = tg_image_name(is->image, TG_CATALOG_ZONE, zone);
        for (uint32_t band = 0; band < is->service->bands_count; band++) {
            const char *band_name = tg_image_band_name(is->image, is->service->time_model, band);
            price_tell(diff, item, name, band_name,
                       price_of(was, before_of[zone], band_find(was, band_name)),
                       price_of(is, zone, band));
        }
        for (uint32_t band = 0; band < was->service->bands_count; band++) {
            const char *band_name = tg_image_band_name(was->image, was->service->time_model, band);
            if (band_find(is, band_name) == UINT32_MAX) {
                price_tell(diff, item, name, band_name, price_of(was, before_of[zone], band),
                           "none");
            }
        }
    }
}

void tg_diff_plan(struct tg_diff *diff, const struct tg_diff_item *item)
{
    static const char *const cells[TG_SERVICE_COUNT] = {[TG_CELL_VOICE_RECEIVED] = "voice_received",
                                                        [TG_SERVICE_DATA] = "data",
                                                        [TG_SERVICE_VOICE] = "voice",
                                                        [TG_SERVICE_MESSAGE] = "message",
                                                        [TG_SERVICE_EVENT] = "event",
                                                        [TG_SERVICE_ACCESS] = "access",
                                                        [TG_CELL_MESSAGE_RECEIVED] =
                                                            "message_received"};
    for (uint32_t at = 0; at < TG_SERVICE_COUNT; at++) {
        const struct cell was = {diff->before, diff->before != NULL && item->was < TG_PLAN_NONE
                                                   ? tg_image_plan_cell(diff->before, item->was, at)
                                                   : NULL};
        const struct cell is = {diff->after, item->is < TG_PLAN_NONE
                                                 ? tg_image_plan_cell(diff->after, item->is, at)
                                                 : NULL};
        char full[200];
        (void)snprintf(full, sizeof full, "%s.%s", item->name, cells[at]);
        const struct tg_diff_item service = {item->kind, full, item->was, item->is};
        if (!tg_diff_presence(diff, &service, was.service != NULL, is.service != NULL)) {
            options_diff(diff, &service, &was, &is);
            groups_tell(diff, &service, &was, &is, false);
            groups_tell(diff, &service, &is, &was, true);
            matrix_diff(diff, &service, &was, &is);
        }
    }
}

/* The same entry on both sides? Nodes and dated entries are numbered alike where all is. */
static bool entry_is_same(const uint32_t *before_of, uint32_t was, uint32_t is)
{
    const uint32_t zone_mask = (1u << TG_DECK_WEIGHT_SHIFT) - 1;
    if (((was | is) & (TG_DECK_IS_NODE | TG_DECK_IS_DATED)) != 0 || was == 0 || is == 0) {
        return was == is;
    }
    return (was & ~zone_mask) == (is & ~zone_mask) &&
           before_of[is & zone_mask] == (was & zone_mask);
}

static bool entries_are_same(const struct tg_diff *diff, uint64_t was_offset, uint64_t is_offset,
                             uint64_t count)
{
    const uint32_t *was = (const uint32_t *)tg_image_at(diff->before, was_offset);
    const uint32_t *is = (const uint32_t *)tg_image_at(diff->after, is_offset);
    bool are_same = true;
    for (uint64_t i = 0; i < count && are_same; i++) {
        are_same = entry_is_same(diff->before_of[TG_CATALOG_ZONE], was[i], is[i]);
    }
    return are_same;
}

static bool decks_are_same(const struct tg_diff *diff, const struct tg_deck *was,
                           const struct tg_deck *is)
{
    const struct tg_deck_dated *a =
        (const struct tg_deck_dated *)tg_image_at(diff->before, was->dated_offset);
    const struct tg_deck_dated *b =
        (const struct tg_deck_dated *)tg_image_at(diff->after, is->dated_offset);
    bool are_same =
        was->direct_count == is->direct_count && was->nodes_count == is->nodes_count &&
        was->dated_count == is->dated_count &&
        entries_are_same(diff, was->direct_offset, is->direct_offset, was->direct_count) &&
        entries_are_same(diff, was->nodes_offset, is->nodes_offset,
                         (uint64_t)was->nodes_count * 11);
    for (uint32_t i = 0; i < was->dated_count && are_same; i++) {
        const uint32_t *before_of = diff->before_of[TG_CATALOG_ZONE];
        are_same = a[i].valid_from_ns == b[i].valid_from_ns &&
                   a[i].valid_to_ns == b[i].valid_to_ns &&
                   entry_is_same(before_of, a[i].zone, b[i].zone) &&
                   entry_is_same(before_of, a[i].next, b[i].next);
    }
    return are_same;
}

void tg_diff_deck(struct tg_diff *diff, const struct tg_diff_item *item)
{
    if (tg_diff_presence(diff, item, item->was != UINT32_MAX, item->is != UINT32_MAX)) {
        return;
    }
    const struct tg_deck *was =
        (const struct tg_deck *)tg_image_section(diff->before, TG_IMAGE_SECTION_DECKS) + item->was;
    const struct tg_deck *is =
        (const struct tg_deck *)tg_image_section(diff->after, TG_IMAGE_SECTION_DECKS) + item->is;
    if (!decks_are_same(diff, was, is)) {
        char left[48];
        char right[48];
        (void)snprintf(left, sizeof left, "%u prefixes", was->prefixes_count);
        (void)snprintf(right, sizeof right, "%u prefixes or other", is->prefixes_count);
        tg_diff_add(diff, item, "prefixes", left, right);
    }
}
