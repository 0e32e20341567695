/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Who bills an account: a legal entity, its name on bills, its series of numbers.
 *
 *  Source: rating-semantics 4.14 (gapless per legal entity, series, year); EN 16931 BG-4 (seller).
 *  Threads: pure. Allocates: never. Cost: a walk over the legal entities, which are few.
 *
 *  An account's own entity wins, then the run's, then the one called "default". What is known of
 *  it is what the version valid at the last instant of the period says, else the newest version.
 */
#ifndef TG_BILL_SELLER_H
#define TG_BILL_SELLER_H

#include <stdint.h>

struct tg_catalog_snapshot;
struct tg_image;

/** @brief Who bills; texts are borrowed from the catalog or the caller. */
struct tg_bill_seller {
    const char *entity; /**< Whose numbers; NULL: those of the issuer. */
    const char *title;  /**< For people; NULL: nothing is known. */
    const char *tax_id; /**< Its tax number; NULL: none. */
    const char *series; /**< Of its invoices' numbers; NULL: the issuer's. */
};

/** @brief Where sellers are looked up. */
struct tg_bill_sellers {
    const struct tg_catalog_snapshot *catalog; /**< Versions that count; outlives the results. */
    const struct tg_image *newest;             /**< Knows every legal entity; likewise. */
    const char *run_entity; /**< Of accounts that name none; NULL: "default"; likewise. */
};

/** @brief Who bills an account. @param sellers Where to look. @param account Roster index.
 *  @param at_ns Last instant of the period. @return Its entity is not NULL. */
struct tg_bill_seller tg_bill_seller_of(const struct tg_bill_sellers *sellers, uint32_t account,
                                        int64_t at_ns);

#endif
