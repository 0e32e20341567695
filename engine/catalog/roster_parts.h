/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Inside of the roster: lines that are counted together, and suspensions.
 *
 *  Source: rating-semantics 4.6 (granted once per cycle, never again on re-activation).
 *  Threads: as the roster. Allocates: at build. Cost: nothing for a roster without them.
 */
#ifndef TG_CATALOG_ROSTER_PARTS_H
#define TG_CATALOG_ROSTER_PARTS_H

#include "catalog/roster.h"

/** @brief Take memory that is the roster's. @param roster Being built. @param count Items.
 *  @param item_bytes Of one. @return Zeros; NULL: none. */
void *tg_roster_array(struct tg_roster *roster, size_t count, size_t item_bytes);

/** @brief Take stretches and pauses out of the keys and mark their lines. @param roster Being
 *  built; accounts and lines are there. @param params Borrowed. @param lines The roster's.
 *  @param[out] why May be NULL. @return TG_OK, TG_E_NO_MEMORY, TG_E_INVALID. */
enum tg_err tg_roster_parts_build(struct tg_roster *roster, const struct tg_roster_params *params,
                                  struct tg_roster_line *lines, struct tg_why *why);

/** @brief Since when accounts have pools that roll over, are prorated or count from a start;
 * nothing where no image has any. @param roster Being built. @param params Borrowed. @return TG_OK,
 * TG_E_NO_MEMORY; TG_E_FULL: more than 2^32 of them. */
enum tg_err tg_roster_pools_build(struct tg_roster *roster, const struct tg_roster_params *params);

/** @brief Free. @param roster Built or half-built. */
void tg_roster_parts_free(struct tg_roster *roster);

#endif
