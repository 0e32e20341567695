/* SPDX-License-Identifier: Apache-2.0 */
#include "mediate/network.h"

#include "catalog/catalog.h"

static uint32_t network_of(struct tg_network_cache *cache, const struct tg_image *image,
                           uint32_t plmn)
{
    struct tg_network_known *known = &cache->known[plmn % TG_NETWORK_CACHE_COUNT];
    const uint64_t tag = image->content_hash | 1; /* never that of an empty place */
    if (known->image_tag != tag || known->plmn != plmn) {
        *known = (struct tg_network_known){tag, plmn, tg_image_network_find(image, plmn)};
    }
    return known->network;
}

void tg_networks_run(struct tg_network_cache *cache, const struct tg_catalog_snapshot *snapshot,
                     const struct tg_row_network *networks, uint32_t networks_count,
                     struct tg_batch *batch)
{
    for (uint32_t i = 0; i < networks_count; i++) {
        const uint32_t index = networks[i].row_index;
        if (index >= batch->rows_count) {
            continue; /* a decoder's mistake is no reason to write elsewhere */
        }
        struct tg_usage *row = &batch->rows[index];
        struct tg_charge *charge = &batch->charges[index];
        const struct tg_image *image = tg_catalog_image_at(snapshot, row->start_ns);
        if (image == NULL || tg_image_count(image, TG_CATALOG_NETWORK) <= 1) {
            continue; /* nobody roams, or rating refuses the row for want of a version */
        }
        const uint32_t network = network_of(cache, image, networks[i].plmn);
        if (network <= UINT16_MAX) {
            row->serving_network = (uint16_t)network;
        } else if (charge->fate == TG_FATE_NONE) {
            tg_charge_settle(charge, TG_FATE_SUSPENDED, TG_E_UNKNOWN_NETWORK);
        }
    }
}
