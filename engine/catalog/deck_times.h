/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Since when does the deck's row count that gave a number its zone? For people, not rows.
 *
 *  Source: rating-semantics 4.2.6 (effective dating). Threads: pure. Allocates: never. Cost: a walk
 *  over one number's digits, none of it shared with the row path.
 */
#ifndef TG_CATALOG_DECK_TIMES_H
#define TG_CATALOG_DECK_TIMES_H

#include "catalog/image.h"

#include <stdbool.h>
#include <stdint.h>

/**
 * @brief Times of the row that decides.
 * @param[in]  image    Checked.
 * @param[in]  deck     Deck index; any value.
 * @param[in]  key      Packed digits (abi/key.h).
 * @param[in]  at_ns    Event time.
 * @param[out] from_ns  First instant of the row, INT64_MIN: always; written when true is returned.
 * @param[out] to_ns    First instant behind it, INT64_MAX: for ever.
 * @return true when a row of the deck has the number at that time.
 */
bool tg_deck_times(const struct tg_image *image, uint32_t deck, uint64_t key, int64_t at_ns,
                   int64_t *from_ns, int64_t *to_ns);

/**
 * @brief When may the deck say something else of a number?
 * @param image  Checked.
 * @param deck   Deck index; any value.
 * @param key    Packed digits (abi/key.h).
 * @param at_ns  Instant.
 * @return First instant behind it at which a row of the number begins or ends, or INT64_MAX.
 */
int64_t tg_deck_next(const struct tg_image *image, uint32_t deck, uint64_t key, int64_t at_ns);

#endif
