/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/seller.h"

#include "catalog/catalog.h"
#include "catalog/image.h"
#include "catalog/roster.h"

#include <stddef.h>

static const char *text_at(const struct tg_image *image, uint32_t offset)
{
    return offset != 0 ? tg_image_text(image, offset) : NULL;
}

struct tg_bill_seller tg_bill_seller_of(const struct tg_bill_sellers *sellers, uint32_t account,
                                        int64_t at_ns)
{
    const struct tg_image *image = tg_catalog_image_at(sellers->catalog, at_ns);
    const struct tg_image *newest = sellers->newest;
    const uint16_t *entities = sellers->catalog->roster->entities;
    const char *fallback = sellers->run_entity != NULL ? sellers->run_entity : TG_ENTITY_DEFAULT;
    const uint32_t own = entities != NULL ? entities[account] : 0;
    const uint32_t index = own != 0 ? own : tg_image_find(newest, TG_CATALOG_ENTITY, fallback);
    struct tg_bill_seller seller = {
        .entity = own != 0 ? tg_image_name(newest, TG_CATALOG_ENTITY, own) : fallback};
    if (image == NULL || tg_image_entity(image, index) == NULL) {
        image = newest;
    }
    const struct tg_legal_entity *entity = tg_image_entity(image, index);
    if (entity != NULL) {
        seller.title = tg_image_text(image, entity->title_offset);
        seller.tax_id = text_at(image, entity->tax_id_offset);
        seller.series = text_at(image, entity->series_offset);
    }
    return seller;
}
