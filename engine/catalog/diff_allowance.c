/* SPDX-License-Identifier: Apache-2.0 */
/* Differences of allowances: what is granted, when, and what it covers. */
#include "base/clock.h"
#include "catalog/diff.h"
#include "catalog/keys.h"
#include "doc/schema.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool zone_is_covered(const struct tg_image *image, const struct tg_allowance *allowance,
                            uint32_t zone)
{
    const uint8_t *bits = (const uint8_t *)tg_image_at(image, allowance->zones_offset);
    return zone < tg_image_count(image, TG_CATALOG_ZONE) &&
           ((bits[zone / 8] >> (zone % 8)) & 1u) != 0;
}

/* What it covers by name, where one side has no list. */
static void zones_list(const struct tg_image *image, const struct tg_allowance *allowance,
                       struct tg_diff_words *words)
{
    if (allowance->zones_offset == 0) {
        tg_diff_word(words, "all");
        return;
    }
    for (uint32_t zone = 0; zone < tg_image_count(image, TG_CATALOG_ZONE); zone++) {
        const char *name = tg_image_name(image, TG_CATALOG_ZONE, zone);
        if (zone_is_covered(image, allowance, zone)) {
            tg_diff_word(words, name[0] != '\0' ? name : "home");
        }
    }
}

/* Zones that it began or ceased to cover, each by its name; a zone that is gone tells nothing. */
static void zones_diff(struct tg_diff *diff, const struct tg_diff_item *item,
                       const struct tg_allowance *was, const struct tg_allowance *is)
{
    const uint32_t *before_of = diff->before_of[TG_CATALOG_ZONE];
    if (was->zones_offset == 0 || is->zones_offset == 0) {
        struct tg_diff_words left = {.length = 0};
        struct tg_diff_words right = {.length = 0};
        zones_list(diff->before, was, &left);
        zones_list(diff->after, is, &right);
        tg_diff_text(diff, item, "zones", left.text, right.text);
        return;
    }
    for (uint32_t zone = 0; zone < tg_image_count(diff->after, TG_CATALOG_ZONE); zone++) {
        const bool covered =
            before_of[zone] != UINT32_MAX && zone_is_covered(diff->before, was, before_of[zone]);
        const bool covers = zone_is_covered(diff->after, is, zone);
        char field[180];
        if (covered != covers) {
            const char *name = tg_image_name(diff->after, TG_CATALOG_ZONE, zone);
            (void)snprintf(field, sizeof field, "zones.%s", name[0] != '\0' ? name : "home");
            tg_diff_add(diff, item, field, covered ? "covered" : "not covered",
                        covers ? "covered" : "not covered");
        }
    }
}

static bool band_is_covered(const struct tg_image *image, const struct tg_allowance *allowance,
                            uint32_t model, const char *band)
{
    const struct tg_time_model *models =
        (const struct tg_time_model *)tg_image_section(image, TG_IMAGE_SECTION_TIME_MODELS);
    for (uint32_t i = 0; i < models[model].bands_count; i++) {
        if (strcmp(tg_image_band_name(image, model, i), band) == 0) {
            return tg_image_allowance_covers_band(image, allowance, model, i);
        }
    }
    return false;
}

static void bands_list(const struct tg_image *image, const struct tg_allowance *allowance,
                       struct tg_diff_words *words)
{
    const struct tg_time_model *models =
        (const struct tg_time_model *)tg_image_section(image, TG_IMAGE_SECTION_TIME_MODELS);
    if (allowance->bands_offset == 0) {
        tg_diff_word(words, "all");
        return;
    }
    for (uint32_t m = 0; m < tg_image_count(image, TG_CATALOG_TIME_MODEL); m++) {
        for (uint32_t i = 0; i < models[m].bands_count; i++) {
            if (tg_image_allowance_covers_band(image, allowance, m, i)) {
                tg_diff_word(words, tg_image_band_name(image, m, i));
            }
        }
    }
}

static void bands_diff(struct tg_diff *diff, const struct tg_diff_item *item,
                       const struct tg_allowance *was, const struct tg_allowance *is)
{
    const struct tg_time_model *models =
        (const struct tg_time_model *)tg_image_section(diff->after, TG_IMAGE_SECTION_TIME_MODELS);
    if (was->bands_offset == 0 || is->bands_offset == 0) {
        struct tg_diff_words left = {.length = 0};
        struct tg_diff_words right = {.length = 0};
        bands_list(diff->before, was, &left);
        bands_list(diff->after, is, &right);
        tg_diff_text(diff, item, "bands", left.text, right.text);
        return;
    }
    for (uint32_t m = 0; m < tg_image_count(diff->after, TG_CATALOG_TIME_MODEL); m++) {
        const char *model = tg_image_name(diff->after, TG_CATALOG_TIME_MODEL, m);
        const uint32_t old = tg_image_find(diff->before, TG_CATALOG_TIME_MODEL, model);
        for (uint32_t i = 0; old != UINT32_MAX && i < models[m].bands_count; i++) {
            const char *band = tg_image_band_name(diff->after, m, i);
            const bool covered = band_is_covered(diff->before, was, old, band);
            const bool covers = tg_image_allowance_covers_band(diff->after, is, m, i);
            char field[320];
            (void)snprintf(field, sizeof field, "bands.%s.%s", model, band);
            tg_diff_text(diff, item, field, covered ? "covered" : "not covered",
                         covers ? "covered" : "not covered");
        }
    }
}

static void services_diff(struct tg_diff *diff, const struct tg_diff_item *item,
                          const struct tg_allowance *was, const struct tg_allowance *is)
{
    for (uint32_t i = 0; tg_catalog_services[i] != NULL; i++) {
        char field[48];
        const unsigned bit = 1u << (i + 1);
        (void)snprintf(field, sizeof field, "services.%s", tg_catalog_services[i]);
        tg_diff_text(diff, item, field, (was->services_mask & bit) != 0 ? "covered" : "not covered",
                     (is->services_mask & bit) != 0 ? "covered" : "not covered");
    }
}

static void percents_list(const struct tg_allowance *allowance, struct tg_diff_words *words)
{
    for (uint32_t i = 0; i < COUNT(allowance->thresholds_percent); i++) {
        char text[8];
        (void)snprintf(text, sizeof text, "%u", allowance->thresholds_percent[i]);
        if (allowance->thresholds_percent[i] != 0) {
            tg_diff_word(words, text);
        }
    }
}

static void thresholds_diff(struct tg_diff *diff, const struct tg_diff_item *item,
                            const struct tg_allowance *was, const struct tg_allowance *is)
{
    struct tg_diff_words left = {.length = 0};
    struct tg_diff_words right = {.length = 0};
    percents_list(was, &left);
    percents_list(is, &right);
    tg_diff_text(diff, item, "thresholds", left.text, right.text);
}

static void options_diff(struct tg_diff *diff, const struct tg_diff_item *item,
                         const struct tg_allowance *was, const struct tg_allowance *is)
{
    static const struct {
        const char *key;
        uint8_t option; /* enum tg_allowance_option */
        const char *clear;
        const char *set;
    } options[] = {{"consume", TG_ALLOWANCE_RAW, "billed", "raw"},
                   {"blocker", TG_ALLOWANCE_BLOCKS, "false", "true"},
                   {"stacking", TG_ALLOWANCE_ONCE, "each", "once"},
                   {"rollover.order", TG_ALLOWANCE_NEWEST_FIRST, "oldest_first", "newest_first"}};
    for (size_t i = 0; i < COUNT(options); i++) {
        const bool was_set = (was->options & options[i].option) != 0;
        const bool is_set = (is->options & options[i].option) != 0;
        tg_diff_text(diff, item, options[i].key, was_set ? options[i].set : options[i].clear,
                     is_set ? options[i].set : options[i].clear);
    }
}

/* A date that is the account's own, or an instant; 0 is no end. */
static void end_text(int64_t at_ns, bool is_local, char text[TG_CLOCK_TEXT_BYTES])
{
    text[0] = '\0';
    if (at_ns != 0) {
        (void)tg_clock_format(at_ns, text);
        text[is_local ? sizeof "2026-01-01" - 1 : strlen(text)] = '\0';
    }
}

static void validity_diff(struct tg_diff *diff, const struct tg_diff_item *item,
                          const struct tg_allowance *was, const struct tg_allowance *is)
{
    char left[TG_CLOCK_TEXT_BYTES];
    char right[TG_CLOCK_TEXT_BYTES];
    end_text(was->valid_from_ns, (was->options & TG_ALLOWANCE_FROM_IS_LOCAL) != 0, left);
    end_text(is->valid_from_ns, (is->options & TG_ALLOWANCE_FROM_IS_LOCAL) != 0, right);
    tg_diff_text(diff, item, "valid_from", left, right);
    end_text(was->valid_to_ns, (was->options & TG_ALLOWANCE_TO_IS_LOCAL) != 0, left);
    end_text(is->valid_to_ns, (is->options & TG_ALLOWANCE_TO_IS_LOCAL) != 0, right);
    tg_diff_text(diff, item, "valid_to", left, right);
}

static const char *used_price(const struct tg_image *image, const struct tg_allowance *allowance)
{
    return allowance->price != 0 ? tg_image_name(image, TG_CATALOG_PRICE, allowance->price - 1)
                                 : "none";
}

void tg_diff_allowance(struct tg_diff *diff, const struct tg_diff_item *item)
{
    static const struct tg_diff_field fields[] = {
        TG_DIFF_FIELD(tg_allowance, amount_base, "amount", TG_DIFF_UNITS),
        TG_DIFF_FIELD(tg_allowance, unit, "unit", TG_DIFF_ENUM),
        TG_DIFF_FIELD(tg_allowance, directions_mask, "direction", TG_DIFF_ENUM),
        TG_DIFF_FIELD(tg_allowance, period, "period", TG_DIFF_ENUM),
        TG_DIFF_FIELD(tg_allowance, priority, "priority", TG_DIFF_NUMBER),
        TG_DIFF_FIELD(tg_allowance, scope, "scope", TG_DIFF_ENUM),
        TG_DIFF_FIELD(tg_allowance, member_cap_base, "member_cap", TG_DIFF_UNITS),
        TG_DIFF_FIELD(tg_allowance, proration, "proration", TG_DIFF_ENUM),
        TG_DIFF_FIELD(tg_allowance, rollover_periods, "rollover.periods", TG_DIFF_NUMBER),
        TG_DIFF_FIELD(tg_allowance, rollover_min_base, "rollover.min", TG_DIFF_UNITS),
        TG_DIFF_FIELD(tg_allowance, rollover_max_base, "rollover.max", TG_DIFF_UNITS),
        TG_DIFF_FIELD(tg_allowance, rollover_total_base, "rollover.total", TG_DIFF_UNITS)};
    const struct tg_allowance *was =
        diff->before != NULL ? tg_image_allowance(diff->before, item->was) : NULL;
    const struct tg_allowance *is = tg_image_allowance(diff->after, item->is);
    if (tg_diff_presence(diff, item, was != NULL, is != NULL)) {
        return;
    }
    diff->unit_before = was->unit;
    diff->unit_after = is->unit;
    tg_diff_fields(diff, item, &tg_catalog_allowance_keys, fields, COUNT(fields), was, is);
    thresholds_diff(diff, item, was, is);
    options_diff(diff, item, was, is);
    tg_diff_text(diff, item, "period_from", was->period_count != 0 ? "start" : "calendar",
                 is->period_count != 0 ? "start" : "calendar");
    tg_diff_number(diff, item, "rollover.share", 100u - was->rollover_lost,
                   100u - is->rollover_lost);
    tg_diff_number(diff, item, "period_count", was->period_count != 0 ? was->period_count : 1,
                   is->period_count != 0 ? is->period_count : 1);
    validity_diff(diff, item, was, is);
    tg_diff_text(diff, item, "price_when_used", used_price(diff->before, was),
                 used_price(diff->after, is));
    services_diff(diff, item, was, is);
    zones_diff(diff, item, was, is);
    bands_diff(diff, item, was, is);
}
