/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Local time where an account is: the zone of its cycles, periods and days.
 *
 *  Source: rating-semantics 4.4 (gap: first instant after it; ambiguous: the first), 4.7 (days are
 *  local calendar days of the account's zone). Threads: pure. Allocates: never. Cost: a bisection
 *  over some 25 changes of the offset; back from local time a walk over them.
 *
 *  One zone of an account decides everything: bills, counters, allowances, limits. It is the one
 *  accounts.csv gives it, else the catalog's period_zone. No offset is kept anywhere: each instant
 *  is looked up.
 */
#ifndef TG_CATALOG_ZONE_TIME_H
#define TG_CATALOG_ZONE_TIME_H

#include "catalog/image.h"

#include <stdint.h>

/** @brief A zone; by value. All 0 is UTC. */
struct tg_zone_view {
    const struct tg_zone_offset *offsets; /**< Ascending, borrowed from an image; shape [count]. */
    uint32_t count;                       /**< 0: UTC. */
    uint32_t reserved;                    /**< 0. */
};

/** @brief Zone of an account. @param image Checked. @param zone tg_roster_account.zone; one that
 *  the image does not have is the catalog's period_zone. @return View, valid as long as image. */
struct tg_zone_view tg_image_zone(const struct tg_image *image, uint32_t zone);

/** @brief Its IANA name. @param image Checked. @param zone As above. @return Borrowed; "UTC". */
const char *tg_image_zone_name(const struct tg_image *image, uint32_t zone);

/** @brief Local time. @param zone By value. @param at_ns UTC. @return Nanoseconds of local time
 *  since 1970-01-01 there. */
int64_t tg_zone_local_ns(struct tg_zone_view zone, int64_t at_ns);

/** @brief Instant of a local time. @param zone By value. @param local_ns As tg_zone_local_ns gives
 *  it. @return UTC; of a repeated time the first, of a skipped one the first instant behind. */
int64_t tg_zone_utc_ns(struct tg_zone_view zone, int64_t local_ns);

#endif
