/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Sites: where the node that reported a record stands, as the catalog says.
 *
 *  Source: rating-semantics 4.4 (rating zone: node local). Threads: one owner, the ingest lcore.
 *  Allocates: never. Cost: nothing but a look at each version where no catalog has sites; else a
 *  look-up in a small cache a row, and a walk over all nodes of sites for a source not in it.
 *
 *  Sites keep their number over all versions of the catalog, so what is stored with a row stays
 *  true. The node's name decides, then the address its records come from; a node in no site is
 *  site 0, whose wall time is the time model's own zone.
 */
#ifndef TG_MEDIATE_SITE_H
#define TG_MEDIATE_SITE_H

#include "record/batch.h"

#include <stdint.h>

struct tg_catalog_snapshot;

#define TG_SITE_CACHE_COUNT 64u /**< Sources remembered; one takes the place of another. */

/** @brief A source and its site. */
struct tg_site_known {
    uint64_t image_tag;  /**< Content hash of the image it was looked up in; 0 empty. */
    uint16_t source_id;  /**< Source. */
    uint8_t site;        /**< Its site. */
    uint8_t reserved[5]; /**< 0. */
};

/** @brief What was looked up lately; zeroed at first. */
struct tg_site_cache {
    struct tg_site_known known[TG_SITE_CACHE_COUNT]; /**< By source. */
};

/**
 * @brief Set the site of rows of one source.
 * @param[in,out] cache      Owner's.
 * @param[in]     snapshot   Catalog; the version of a row's event time decides.
 * @param[in]     source_id  Of all rows.
 * @param[in]     address    It sends from: 16 octets, network order; NULL for folders.
 * @param[in]     node_name  Lower-case name of its node; "" unknown.
 * @param[in,out] batch      charges[].site is written.
 */
void tg_sites_run(struct tg_site_cache *cache, const struct tg_catalog_snapshot *snapshot,
                  uint16_t source_id, const uint8_t *address, const char *node_name,
                  struct tg_batch *batch);

#endif
