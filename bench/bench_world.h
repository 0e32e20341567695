/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief A carrier of N subscribers in memory: catalog, roster, addresses, one node.
 *
 *  Source: none. Threads: main. Allocates: at open. Cost: 110 octets a subscriber at 10 M, besides
 *  the account lines; a second per million to build.
 *
 *  Subscriber i holds the address 10.0.0.0 + i since before the capture (the session table) and the
 *  number 4915 followed by i in eight digits (the roster).
 */
#ifndef TG_BENCH_BENCH_WORLD_H
#define TG_BENCH_BENCH_WORLD_H

#include "base/error.h"
#include "catalog/catalog.h"
#include "rt/snapshot.h"

#include <stdint.h>

struct tg_inventory;
struct tg_profile;
struct tg_sessions;
struct tg_timeline;

#define TG_WORLD_ZONES 200u /**< Zones of the large deck, each with a price of its own. */

/** @brief Prefix of the deck and what it costs; sorted by key. */
struct tg_world_prefix {
    uint64_t key;  /**< Packed digits (abi/key.h). */
    uint32_t zone; /**< 0..TG_WORLD_ZONES-1. */
};

/** @brief The carrier. */
struct tg_world {
    struct tg_catalog_snapshot *folder;   /**< As compiled; owns the image. */
    struct tg_catalog_snapshot *snapshot; /**< Its image with the roster. */
    struct tg_snapshot published;         /**< The same, as the lcores read it. */
    struct tg_inventory *inventory;       /**< The exporter. */
    struct tg_profile *profile;           /**< Built-in rules. */
    const struct tg_profile *profiles[1]; /**< As the rooms want it. */
    struct tg_timeline *timeline;         /**< Node states. */
    struct tg_sessions *sessions;         /**< Who holds which address. */
    struct tg_world_prefix *prefixes;     /**< Shape [prefixes_count]. */
    uint32_t prefixes_count;              /**< In the deck. */
    uint32_t subscribers_count;           /**< Size. */
};

/**
 * @brief Build.
 * @param[out] world              Written; tg_world_close also after a failure.
 * @param[in]  dir                Scratch folder; the catalog's documents are left there.
 * @param[in]  subscribers_count  Size.
 * @param[in]  prefixes_count     Prefixes of the deck; at least 10.
 * @param[in]  has_sessions       Addresses are needed.
 * @param[in]  seed               Any.
 * @param[out] why                Reason.
 * @return TG_OK or what a room said.
 */
enum tg_err tg_world_open(struct tg_world *world, const char *dir, uint32_t subscribers_count,
                          uint32_t prefixes_count, bool has_sessions, uint64_t seed,
                          struct tg_why *why);

/** @brief Free. @param world Opened or zeroed. */
void tg_world_close(struct tg_world *world);

/** @brief Write the catalog's documents once more.
 *  @param world Open: its prefixes. @param dir Scratch folder; <dir>/catalog. @param version 1..28;
 *  valid from that day of January 2026 on, with the same prices. @param[out] why Reason.
 *  @return TG_OK or TG_E_IO. */
enum tg_err tg_world_documents(const struct tg_world *world, const char *dir, uint32_t version,
                               struct tg_why *why);

/** @brief Number of a subscriber. @param subscriber Index. @return Packed digits. */
uint64_t tg_world_number(uint32_t subscriber);

/** @brief Price of a zone's minute. @param zone Zone. @return At scale 8. */
int64_t tg_world_zone_price(uint32_t zone);

#endif
