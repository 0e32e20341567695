/* SPDX-License-Identifier: Apache-2.0 */
#include "mediate/site.h"

#include "catalog/catalog.h"

/* Name 0 is "in no site". */
static bool has_sites(const struct tg_image *image)
{
    return tg_image_count(image, TG_CATALOG_SITE) > 1;
}

static uint8_t site_of(struct tg_site_cache *cache, const struct tg_image *image,
                       uint16_t source_id, const uint8_t *address, const char *node_name)
{
    struct tg_site_known *known = &cache->known[source_id % TG_SITE_CACHE_COUNT];
    const uint64_t tag = image->content_hash | 1; /* never that of an empty place */
    if (known->image_tag != tag || known->source_id != source_id) {
        *known = (struct tg_site_known){.image_tag = tag,
                                        .source_id = source_id,
                                        .site = tg_image_site_find(image, address, node_name)};
    }
    return known->site;
}

void tg_sites_run(struct tg_site_cache *cache, const struct tg_catalog_snapshot *snapshot,
                  uint16_t source_id, const uint8_t *address, const char *node_name,
                  struct tg_batch *batch)
{
    bool is_wanted = false;
    for (uint32_t i = 0; i < snapshot->images_count; i++) {
        is_wanted |= has_sites(snapshot->images[i]);
    }
    for (uint32_t i = 0; is_wanted && i < batch->rows_count; i++) {
        const struct tg_image *image = tg_catalog_image_at(snapshot, batch->rows[i].start_ns);
        batch->charges[i].site = image != NULL && has_sites(image)
                                     ? site_of(cache, image, source_id, address, node_name)
                                     : 0;
    }
}
