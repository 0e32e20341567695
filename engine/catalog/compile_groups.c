/* SPDX-License-Identifier: Apache-2.0 */
/* Zones of what is used: rating groups and names of services to zones, for one plan's service.
 *
 * A group is a zone like any other, so prices, allowances, bills and explain need to know nothing
 * of it. The entries are a short list that is walked: content is told by a few dozen numbers. */
#include "abi/key.h"
#include "catalog/compile.h"

#include <stdlib.h>
#include <string.h>

#define GROUPS_MAX     256u
#define GROUP_TEXT_MAX 255u

static bool group_declare(struct tg_compile *compile, const struct tg_yaml_node *node)
{
    if (strcmp(node->key, "home") == 0) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, node->key_mark, NULL,
                    "zone \"home\" is what plans call usage in no zone");
        return true;
    }
    return tg_compile_zone_declare(compile, node);
}

void tg_compile_groups_declare(struct tg_compile *compile)
{
    tg_compile_service_entries(compile, "groups", group_declare);
}

/* "100", "200-299" or a name. */
static bool entry_read(struct tg_compile *compile, const struct tg_yaml_node *item,
                       struct tg_zone_group *entry)
{
    const char *text = item->kind == TG_YAML_SCALAR ? item->text : "";
    const size_t digits = strspn(text, "0123456789");
    const size_t more = text[digits] == '-' ? strspn(text + digits + 1, "0123456789") : 0;
    const bool is_range = digits > 0 && more > 0 && text[digits + 1 + more] == '\0';
    if (digits == 0 || (text[digits] != '\0' && !is_range)) {
        entry->name = tg_key_name(text, strlen(text));
        if (text[0] == '\0' || strlen(text) > GROUP_TEXT_MAX) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, item->mark, NULL,
                        "groups: expected a rating group, a range of them or a name");
            return false;
        }
        return true;
    }
    const unsigned long from = strtoul(text, NULL, 10);
    const unsigned long to = is_range ? strtoul(text + digits + 1, NULL, 10) : from;
    if (from < 1 || to > UINT16_MAX || from > to) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, item->mark, "such as 100 or 200-299",
                    "groups: \"%.32s\" is no rating group (1 to 65535)", text);
        return false;
    }
    entry->from = (uint16_t)from;
    entry->to = (uint16_t)to;
    return true;
}

/* Is there an entry that has part of this one? */
static bool is_taken(const struct tg_blob *entries, const struct tg_zone_group *entry)
{
    const struct tg_zone_group *all = (const struct tg_zone_group *)(const void *)entries->bytes;
    for (size_t i = 0; i < entries->size_bytes / sizeof *all; i++) {
        const bool has_both_numbers = all[i].to != 0 && entry->to != 0;
        if (has_both_numbers ? all[i].from <= entry->to && entry->from <= all[i].to
                             : all[i].to == entry->to && all[i].name == entry->name) {
            return true;
        }
    }
    return false;
}

static void group_read(struct tg_compile *compile, const struct tg_yaml_node *group, uint16_t zone,
                       struct tg_blob *entries)
{
    const struct tg_yaml_node *item = group->kind == TG_YAML_LIST ? group->child : NULL;
    for (; item != NULL; item = item->next) {
        struct tg_zone_group entry = {.zone = zone};
        if (!entry_read(compile, item, &entry)) {
            continue;
        }
        if (is_taken(entries, &entry)) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, item->mark, NULL,
                        "groups: \"%.64s\" is in a group already", item->text);
        } else if (entries->size_bytes / sizeof entry >= GROUPS_MAX) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, item->mark, "use ranges",
                        "groups: more than %u entries", GROUPS_MAX);
        } else {
            (void)tg_blob_append(entries, &entry, sizeof entry, 8);
        }
    }
}

void tg_compile_groups(struct tg_compile *compile, const struct tg_yaml_node *service,
                       uint8_t *zones, struct tg_origin *out)
{
    const struct tg_yaml_node *groups = tg_yaml_get(service, "groups");
    const struct tg_yaml_node *group =
        groups != NULL && groups->kind == TG_YAML_MAP ? groups->child : NULL;
    struct tg_blob entries = {0};
    for (; group != NULL; group = group->next) {
        const uint32_t zone =
            tg_names_find(&compile->names[TG_CATALOG_ZONE], group->key, strlen(group->key));
        if (zone < TG_DECK_NONE) {
            group_read(compile, group, (uint16_t)zone, &entries);
            zones[zone / 8] |= (uint8_t)(1u << (zone % 8));
        }
    }
    out->groups_count = (uint32_t)(entries.size_bytes / sizeof(struct tg_zone_group));
    out->groups_offset = (uint32_t)tg_blob_append(&compile->sections[TG_IMAGE_SECTION_DECK_DATA],
                                                  entries.bytes, entries.size_bytes, 8);
    compile->is_out_of_memory |= entries.is_broken;
    tg_blob_free(&entries);
}
