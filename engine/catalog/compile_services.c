/* SPDX-License-Identifier: Apache-2.0 */
/* What services of plans name before they are compiled: zones that come of groups and pairs. */
#include "catalog/compile.h"

#include <string.h>

bool tg_compile_zone_declare(struct tg_compile *compile, const struct tg_yaml_node *node)
{
    struct tg_names *zones = &compile->names[TG_CATALOG_ZONE];
    if (tg_names_add(zones, node->key, strlen(node->key)) < TG_DECK_NONE) {
        return true;
    }
    tg_diag_add(compile->diag, TG_DIAG_ERROR, node->key_mark, NULL,
                "more than 65534 zones over all versions");
    return false;
}

static const struct tg_yaml_node *entries_of(const struct tg_yaml_node *map)
{
    return map != NULL && map->kind == TG_YAML_MAP ? map->child : NULL;
}

void tg_compile_service_entries(struct tg_compile *compile, const char *key,
                                bool (*each)(struct tg_compile *, const struct tg_yaml_node *))
{
    for (uint32_t i = 0; i < compile->nodes_count[TG_CATALOG_PLAN]; i++) {
        const struct tg_yaml_node *service = entries_of(compile->nodes[TG_CATALOG_PLAN][i]);
        for (; service != NULL; service = service->next) {
            const struct tg_yaml_node *node =
                service->kind == TG_YAML_MAP ? entries_of(tg_yaml_get(service, key)) : NULL;
            for (; node != NULL; node = node->next) {
                if (!each(compile, node)) {
                    return;
                }
            }
        }
    }
}
