/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Serving networks: the PLMN a record names becomes the catalog's network of the row.
 *
 *  Source: 3GPP TS 23.003 2.2 (MCC, MNC); rating-semantics 4.2. Threads: one owner, the ingest
 *  lcore. Allocates: never. Cost: for rows that name a network one look-up in a small cache; a
 *  walk over the catalog's networks for a PLMN that is not in it.
 *
 *  Networks keep their number over all versions of the catalog, so what is stored with a row stays
 *  true. A PLMN that no network has is a roaming agreement the catalog does not know, and never
 *  home: the row is suspended.
 */
#ifndef TG_MEDIATE_NETWORK_H
#define TG_MEDIATE_NETWORK_H

#include "abi/decoder.h"
#include "record/batch.h"

#include <stdint.h>

struct tg_catalog_snapshot;

#define TG_NETWORK_CACHE_COUNT 64u /**< PLMNs remembered; one takes the place of another. */

/** @brief A PLMN and the network it is. */
struct tg_network_known {
    uint64_t image_tag; /**< Content hash of the image it was looked up in; 0 empty. */
    uint32_t plmn;      /**< tg_plmn_pack. */
    uint32_t network;   /**< Index, or UINT32_MAX: the image has none. */
};

/** @brief What was looked up lately; zeroed at first. */
struct tg_network_cache {
    struct tg_network_known known[TG_NETWORK_CACHE_COUNT]; /**< By PLMN. */
};

/**
 * @brief Set the serving network of rows that name one.
 * @param[in,out] cache           Owner's.
 * @param[in]     snapshot        Catalog; the version of a row's event time decides.
 * @param[in]     networks        What the decoder said; shape [networks_count].
 * @param[in]     networks_count  How many.
 * @param[in,out] batch           serving_network is written; rows without a fate are suspended with
 *                                TG_E_UNKNOWN_NETWORK when the catalog has networks and none of
 *                                that PLMN.
 */
void tg_networks_run(struct tg_network_cache *cache, const struct tg_catalog_snapshot *snapshot,
                     const struct tg_row_network *networks, uint32_t networks_count,
                     struct tg_batch *batch);

#endif
