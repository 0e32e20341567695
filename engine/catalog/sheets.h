/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Several rate sheets of one deck: a later one closes the rows of those before it.
 *
 *  Source: rating-semantics 4.2.6; schemas/catalog/README.md, decks. Threads: one owner.
 *  Allocates: never. Cost: a walk over the sorted rows, once a sheet for prefixes with several.
 */
#ifndef TG_CATALOG_SHEETS_H
#define TG_CATALOG_SHEETS_H

#include "catalog/deck.h"

#include <stdbool.h>
#include <stdint.h>

#define TG_DECK_FILES_MAX 24u /**< Sheets of a deck: two years of months. */

/** @brief What a sheet says of the sheets before it. */
struct tg_sheet_rule {
    int64_t from_ns;        /**< From when it counts; INT64_MIN always. */
    bool is_deleting;       /**< Prefixes that it lacks end then; else they go on. */
    uint32_t missing_count; /**< Written: prefixes in force until then that it lacks. */
};

/**
 * @brief Close rows of earlier sheets where a later one has the prefix, or lacks and deletes it.
 *
 * A prefix's rows of earlier sheets end where the later sheet's first row of it begins; rows that
 * would begin later than that are taken out.
 *
 * @param[in,out] rows         Sorted; shape [rows_count].
 * @param[in]     rows_count   How many.
 * @param[in,out] rules        One a sheet, ascending in time; shape [rules_count].
 * @param[in]     rules_count  1..TG_DECK_FILES_MAX.
 * @return Rows left, the first of rows, still sorted.
 */
uint32_t tg_sheets_settle(struct tg_deck_row *rows, uint32_t rows_count,
                          struct tg_sheet_rule *rules, uint32_t rules_count);

#endif
