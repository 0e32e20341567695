/* SPDX-License-Identifier: Apache-2.0 */
/* Differences of when and where: time models, networks, sites. */
#include "base/clock.h"
#include "catalog/diff.h"
#include "catalog/keys.h"
#include "doc/schema.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define NODE_TEXT_BYTES 80u

static const char *band_at(const struct tg_image *image, uint32_t model, int64_t at_ns,
                           int64_t *until_ns)
{
    return tg_image_band_name(image, model, tg_image_band(image, model, at_ns, until_ns));
}

/* Switches, repeated hours and names are the same octets, as in most changes of a catalog. */
static bool bands_are_same(const struct tg_image *was, const struct tg_time_model *before,
                           const struct tg_image *is, const struct tg_time_model *after)
{
    bool is_same =
        before->switches_count == after->switches_count &&
        before->repeats_count == after->repeats_count &&
        before->bands_count == after->bands_count &&
        memcmp(tg_image_at(was, before->switches_offset), tg_image_at(is, after->switches_offset),
               before->switches_count * sizeof(struct tg_band_switch)) == 0 &&
        memcmp(tg_image_at(was, before->repeats_offset), tg_image_at(is, after->repeats_offset),
               before->repeats_count * sizeof(struct tg_band_repeat)) == 0;
    const uint32_t *names = (const uint32_t *)tg_image_at(was, before->band_names_offset);
    const uint32_t *others = (const uint32_t *)tg_image_at(is, after->band_names_offset);
    for (uint32_t i = 0; i < before->bands_count && is_same; i++) {
        is_same = strcmp(tg_image_text(was, names[i]), tg_image_text(is, others[i])) == 0;
    }
    return is_same;
}

/* The first instant from which both versions count at which their bands differ. */
static void bands_diff(struct tg_diff *diff, const struct tg_diff_item *item)
{
    const struct tg_image *was = diff->before;
    const struct tg_image *is = diff->after;
    int64_t at_ns = was->valid_from_ns > is->valid_from_ns ? was->valid_from_ns : is->valid_from_ns;
    const int64_t end_ns =
        was->built_for_ns < is->built_for_ns ? was->built_for_ns : is->built_for_ns;
    while (at_ns < end_ns) {
        int64_t was_until_ns = INT64_MAX;
        int64_t is_until_ns = INT64_MAX;
        const char *from = band_at(was, item->was, at_ns, &was_until_ns);
        const char *to = band_at(is, item->is, at_ns, &is_until_ns);
        if (strcmp(from, to) != 0) {
            char field[TG_CLOCK_TEXT_BYTES + 8];
            char text[TG_CLOCK_TEXT_BYTES];
            (void)tg_clock_format(at_ns, text);
            (void)snprintf(field, sizeof field, "from %s", text);
            tg_diff_add(diff, item, field, from, to);
            return;
        }
        at_ns = was_until_ns < is_until_ns ? was_until_ns : is_until_ns;
    }
}

void tg_diff_time_model(struct tg_diff *diff, const struct tg_diff_item *item)
{
    static const struct tg_diff_field fields[] = {
        TG_DIFF_FIELD(tg_time_model, by, "by", TG_DIFF_ENUM),
        TG_DIFF_FIELD(tg_time_model, is_second, "ambiguous", TG_DIFF_ENUM)};
    const bool is_variant = strchr(item->name, '@') != NULL;
    if (is_variant && (item->was == UINT32_MAX || item->is == UINT32_MAX)) {
        return; /* whoever brought or took the time zone is told */
    }
    if (tg_diff_presence(diff, item, item->was != UINT32_MAX, item->is != UINT32_MAX)) {
        return;
    }
    const struct tg_time_model *was =
        (const struct tg_time_model *)tg_image_section(diff->before, TG_IMAGE_SECTION_TIME_MODELS) +
        item->was;
    const struct tg_time_model *is =
        (const struct tg_time_model *)tg_image_section(diff->after, TG_IMAGE_SECTION_TIME_MODELS) +
        item->is;
    tg_diff_text(diff, item, "zone", tg_image_text(diff->before, was->zone_name_offset),
                 tg_image_text(diff->after, is->zone_name_offset));
    if (!is_variant) { /* which is as its model says */
        tg_diff_fields(diff, item, &tg_catalog_time_model_keys, fields,
                       sizeof fields / sizeof fields[0], was, is);
    }
    if (!bands_are_same(diff->before, was, diff->after, is)) {
        bands_diff(diff, item);
    }
}

/* A place's time zone, where time models follow it: what stands behind the @ of the name of their
 * variant. */
static const char *place_zone(const struct tg_image *image, enum tg_wall_time by, uint8_t time_zone)
{
    const struct tg_time_model *models =
        (const struct tg_time_model *)tg_image_section(image, TG_IMAGE_SECTION_TIME_MODELS);
    for (uint32_t i = 0; i < tg_image_count(image, TG_CATALOG_TIME_MODEL); i++) {
        if (models[i].by == by && time_zone != 0 && time_zone <= models[i].variants_count) {
            const char *name =
                tg_image_name(image, TG_CATALOG_TIME_MODEL, models[i].variants + time_zone - 1u);
            return strchr(name, '@') != NULL ? strchr(name, '@') + 1 : "";
        }
    }
    return "";
}

void tg_diff_network(struct tg_diff *diff, const struct tg_diff_item *item)
{
    const struct tg_network *was =
        diff->before != NULL ? tg_image_network(diff->before, item->was) : NULL;
    const struct tg_network *is = tg_image_network(diff->after, item->is);
    if (tg_diff_presence(diff, item, was != NULL && was->plmn_digits != 0,
                         is != NULL && is->plmn_digits != 0)) {
        return;
    }
    char left[24];
    char right[24];
    (void)snprintf(left, sizeof left, "%0*u", was->plmn_digits, was->plmn);
    (void)snprintf(right, sizeof right, "%0*u", is->plmn_digits, is->plmn);
    tg_diff_text(diff, item, "plmn", left, right);
    tg_diff_text(diff, item, "zone", tg_image_name(diff->before, TG_CATALOG_ZONE, was->zone),
                 tg_image_name(diff->after, TG_CATALOG_ZONE, is->zone));
    tg_diff_text(diff, item, "time_zone", place_zone(diff->before, TG_WALL_SERVING, was->time_zone),
                 place_zone(diff->after, TG_WALL_SERVING, is->time_zone));
}

/* The next node of a site from a place in the list on; NULL none. */
static const struct tg_site_node *node_next(const struct tg_image *image, uint32_t site,
                                            uint32_t *at)
{
    const struct tg_site_node *nodes =
        (const struct tg_site_node *)tg_image_section(image, TG_IMAGE_SECTION_SITE_NODES);
    const uint32_t count = image->sections[TG_IMAGE_SECTION_SITE_NODES].count;
    while (*at < count && nodes[*at].site != site) {
        (*at)++;
    }
    return *at < count ? &nodes[(*at)++] : NULL;
}

/* In the order in which images have them; no node is behind all others. */
static int node_compare(const struct tg_diff *diff, const struct tg_site_node *was,
                        const struct tg_site_node *is)
{
    if (was == NULL || is == NULL) {
        return was == NULL ? 1 : -1;
    }
    const int by_address = memcmp(was->address, is->address, sizeof was->address);
    if (was->prefix_bits != is->prefix_bits) {
        return was->prefix_bits > is->prefix_bits ? -1 : 1;
    }
    return by_address != 0 ? by_address
                           : strcmp(tg_image_text(diff->before, was->name_offset),
                                    tg_image_text(diff->after, is->name_offset));
}

/* A name, an address, or a prefix with its length. */
static void node_text(const struct tg_image *image, const struct tg_site_node *node,
                      char text[NODE_TEXT_BYTES])
{
    static const uint8_t ip4_at[12] = {[10] = 0xff, [11] = 0xff};
    const bool is_ip4 = node->prefix_bits >= 96 && memcmp(node->address, ip4_at, 12) == 0;
    char address[INET6_ADDRSTRLEN] = "";
    if (node->name_offset != 0) {
        (void)snprintf(text, NODE_TEXT_BYTES, "%.*s", (int)NODE_TEXT_BYTES - 1,
                       tg_image_text(image, node->name_offset));
        return;
    }
    (void)inet_ntop(is_ip4 ? AF_INET : AF_INET6, &node->address[is_ip4 ? 12 : 0], address,
                    sizeof address);
    if (node->prefix_bits == 128) {
        (void)snprintf(text, NODE_TEXT_BYTES, "%s", address);
    } else {
        (void)snprintf(text, NODE_TEXT_BYTES, "%s/%d", address,
                       node->prefix_bits - (is_ip4 ? 96 : 0));
    }
}

void tg_diff_site(struct tg_diff *diff, const struct tg_diff_item *item)
{
    static const struct tg_site none = {.is_present = 0};
    const struct tg_site *was =
        item->was != UINT32_MAX
            ? (const struct tg_site *)tg_image_section(diff->before, TG_IMAGE_SECTION_SITES) +
                  item->was
            : &none;
    const struct tg_site *is =
        item->is != UINT32_MAX
            ? (const struct tg_site *)tg_image_section(diff->after, TG_IMAGE_SECTION_SITES) +
                  item->is
            : &none;
    if (tg_diff_presence(diff, item, was->is_present != 0, is->is_present != 0)) {
        return;
    }
    tg_diff_text(diff, item, "time_zone", place_zone(diff->before, TG_WALL_NODE, was->time_zone),
                 place_zone(diff->after, TG_WALL_NODE, is->time_zone));
    uint32_t was_at = 0;
    uint32_t is_at = 0;
    const struct tg_site_node *left = node_next(diff->before, item->was, &was_at);
    const struct tg_site_node *right = node_next(diff->after, item->is, &is_at);
    while (left != NULL || right != NULL) {
        const int order = node_compare(diff, left, right);
        char text[NODE_TEXT_BYTES];
        if (order < 0) {
            node_text(diff->before, left, text);
            tg_diff_text(diff, item, "nodes", text, "none");
        } else if (order > 0) {
            node_text(diff->after, right, text);
            tg_diff_text(diff, item, "nodes", "none", text);
        }
        left = order <= 0 ? node_next(diff->before, item->was, &was_at) : left;
        right = order >= 0 ? node_next(diff->after, item->is, &is_at) : right;
    }
}
