/* SPDX-License-Identifier: Apache-2.0 */
/* A catalog to price with instead of the stored ones: numbers of its own, joined by name. */
#include "bill/replay.h"

#include "base/arena.h"

struct tg_replay_candidate {
    const struct tg_image *image;
    uint16_t *products; /* Shape [products_count]: index in image. */
    uint16_t *networks; /* Shape [networks_count]. */
    uint16_t *sites;    /* Shape [sites_count]. */
    uint32_t products_count;
    uint32_t networks_count;
    uint32_t sites_count;
};

/* The newest stored version has every number any version ever gave out. */
static const struct tg_image *newest_of(const struct tg_catalog_snapshot *catalog,
                                        enum tg_catalog_kind kind)
{
    const struct tg_image *newest = catalog->images[0];
    for (uint32_t i = 1; i < catalog->images_count; i++) {
        if (tg_image_count(catalog->images[i], kind) > tg_image_count(newest, kind)) {
            newest = catalog->images[i];
        }
    }
    return newest;
}

static uint16_t *map_make(const struct tg_catalog_snapshot *catalog, const struct tg_image *image,
                          enum tg_catalog_kind kind, uint32_t *count)
{
    const struct tg_image *stored = newest_of(catalog, kind);
    *count = tg_image_count(stored, kind);
    uint16_t *map = tg_pages_take((*count + 1) * sizeof map[0]);
    for (uint32_t i = 0; map != NULL && i < *count; i++) {
        const char *name = tg_image_name(stored, kind, i);
        const uint32_t found = tg_image_find(image, kind, name);
        map[i] = found < UINT16_MAX ? (uint16_t)found : UINT16_MAX;
    }
    return map;
}

enum tg_err tg_replay_candidate_open(const struct tg_catalog_snapshot *catalog,
                                     const struct tg_image *image,
                                     struct tg_replay_candidate **candidate, struct tg_why *why)
{
    *candidate = NULL;
    struct tg_replay_candidate *made = tg_pages_take(sizeof *made);
    if (made == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for a candidate catalog");
    }
    made->image = image;
    made->products = map_make(catalog, image, TG_CATALOG_PRODUCT, &made->products_count);
    made->networks = map_make(catalog, image, TG_CATALOG_NETWORK, &made->networks_count);
    made->sites = map_make(catalog, image, TG_CATALOG_SITE, &made->sites_count);
    if (made->products == NULL || made->networks == NULL || made->sites == NULL) {
        tg_replay_candidate_close(made);
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for a candidate catalog");
    }
    *candidate = made;
    return TG_OK;
}

void tg_replay_candidate_close(struct tg_replay_candidate *candidate)
{
    if (candidate == NULL) {
        return;
    }
    tg_pages_free(candidate->products,
                  (candidate->products_count + 1) * sizeof candidate->products[0]);
    tg_pages_free(candidate->networks,
                  (candidate->networks_count + 1) * sizeof candidate->networks[0]);
    tg_pages_free(candidate->sites, (candidate->sites_count + 1) * sizeof candidate->sites[0]);
    tg_pages_free(candidate, sizeof *candidate);
}

const struct tg_image *tg_replay_candidate_image(const struct tg_replay_candidate *candidate)
{
    return candidate->image;
}

bool tg_replay_candidate_keeps_networks(const struct tg_replay_candidate *candidate)
{
    bool keeps = true;
    for (uint32_t i = 0; i < candidate->networks_count; i++) {
        keeps = keeps && tg_replay_candidate_network(candidate, (uint16_t)i) == i;
    }
    return keeps;
}

uint16_t tg_replay_candidate_product(const struct tg_replay_candidate *candidate, uint16_t product)
{
    return product < candidate->products_count ? candidate->products[product] : TG_PRODUCT_NONE;
}

uint16_t tg_replay_candidate_network(const struct tg_replay_candidate *candidate, uint16_t network)
{
    if (network == 0) {
        return 0;
    }
    return network < candidate->networks_count ? candidate->networks[network] : UINT16_MAX;
}

uint8_t tg_replay_candidate_site(const struct tg_replay_candidate *candidate, uint8_t site)
{
    const uint16_t found = site < candidate->sites_count ? candidate->sites[site] : 0;
    return found <= TG_SITES_MAX ? (uint8_t)found : 0;
}
