/* SPDX-License-Identifier: Apache-2.0 */
/* Zones of accounts: the catalog's period_zone, and those that accounts.csv may name. */
#include "catalog/compile.h"
#include "catalog/zone_time.h"

#include <string.h>

/* The local times of one zone, behind those of the others. */
static void zone_add(struct tg_compile *compile, const struct tg_yaml_node *node, const char *name)
{
    struct tg_blob *offsets = &compile->sections[TG_IMAGE_SECTION_ZONE_OFFSETS];
    struct tg_account_zone zone = {
        .offset_first = (uint32_t)(offsets->size_bytes / sizeof(struct tg_zone_offset))};
    if (strcmp(name, "UTC") != 0) {
        struct tg_blob own = {0};
        tg_compile_zone_offsets(compile, node, name, &own);
        zone.offsets_count = (uint32_t)(own.size_bytes / sizeof(struct tg_zone_offset));
        zone.name_offset = tg_compile_text(compile, name);
        if (own.size_bytes > 0) {
            (void)tg_blob_append(offsets, own.bytes, own.size_bytes, 8);
        }
        compile->is_out_of_memory |= own.is_broken;
        tg_blob_free(&own);
    }
    (void)tg_blob_append(&compile->sections[TG_IMAGE_SECTION_ACCOUNT_ZONES], &zone, sizeof zone, 8);
}

/* A zone that an earlier version had stays: accounts keep its number. */
void tg_compile_account_zones(struct tg_compile *compile)
{
    const struct tg_yaml_node *period = tg_yaml_get(compile->folder->head, "period_zone");
    const struct tg_yaml_node *list = tg_yaml_get(compile->folder->head, "account_zones");
    const bool has_period = period != NULL && period->kind == TG_YAML_SCALAR;
    struct tg_names *names = &compile->names[TG_CATALOG_ACCOUNT_ZONE];
    const uint32_t kept_count = names->count;
    zone_add(compile, period, has_period ? period->text : "UTC");
    for (uint32_t i = 1; i < kept_count; i++) {
        zone_add(compile, list, tg_names_text(names, i));
    }
    for (const struct tg_yaml_node *item = list != NULL ? list->child : NULL; item != NULL;
         item = item->next) {
        const uint32_t before = names->count;
        if (item->kind != TG_YAML_SCALAR || item->text_bytes == 0) {
            continue; /* the schema has said so */
        }
        const uint32_t index = tg_names_add(names, item->text, item->text_bytes);
        if (index != UINT32_MAX && names->count > before) {
            zone_add(compile, item, item->text);
        }
    }
    if (names->count > TG_ACCOUNT_ZONES_MAX && list != NULL) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, list->mark, NULL,
                    "account_zones: more than %u over all versions", TG_ACCOUNT_ZONES_MAX - 1);
    }
}
