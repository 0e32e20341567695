/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Prefix rows to a struct tg_deck: direct table, spill nodes, dated entries.
 *
 *  Source: reference/performance.md section 3 (DIR-6 and 10-way spill); rating-semantics 4.2.
 *  Threads: one owner. Allocates: yes, control plane. Cost: a sort and one walk over the rows.
 *
 *  The direct table has one region a length: 1 + 10 + ... + 10^d entries. A number of four digits
 * is looked up among prefixes of at most four digits, so padding can never make it match a longer
 * one.
 */
#ifndef TG_CATALOG_DECK_H
#define TG_CATALOG_DECK_H

#include "catalog/blob.h"
#include "catalog/image.h"
#include "doc/diag.h"

#include <stdbool.h>
#include <stdint.h>

/** @brief Bits of tg_deck_row.flags. */
enum tg_row_flag {
    TG_ROW_PATTERN = 1, /**< Written as a pattern; a row that names the number counts. */
    TG_ROW_ENDED = 2    /**< Ended by a later sheet that lacks it. */
};

/** @brief One row of a deck. */
struct tg_deck_row {
    uint64_t key;          /**< Packed digits; no digits: any number. */
    int64_t valid_from_ns; /**< Inclusive; INT64_MIN always. */
    int64_t valid_to_ns;   /**< Exclusive; INT64_MAX for ever. */
    uint16_t zone;         /**< Zone index, 1..65534. */
    uint8_t is_exact;      /**< 1: only the number itself, which is a short code; 0: a prefix. */
    uint8_t flags;         /**< enum tg_row_flag. */
    uint32_t line;         /**< Where it was written. */
    uint16_t column;       /**< Of the prefix; a later one than 65535 is shown as that. */
    uint16_t price_column; /**< Of the price in a rate sheet; 0 none. */
    uint16_t file;         /**< Which of the deck's sheets. */
    uint16_t reserved;     /**< 0. */
};
_Static_assert(sizeof(struct tg_deck_row) == 40, "half a million of them are sorted and kept");

/**
 * @brief Sort the rows and take out those of patterns where another row names the same number.
 * @param[in,out] rows        Shape [rows_count]; sorted on return.
 * @param[in]     rows_count  How many.
 * @return Rows left, the first of rows.
 */
uint32_t tg_deck_sort(struct tg_deck_row *rows, uint32_t rows_count);

/**
 * @brief Report doubled prefixes whose times overlap.
 * @param[in,out] rows        Sorted; shape [rows_count].
 * @param[in]     rows_count  How many.
 * @param[in]     is_closing  A row without an end ends where the prefix's next row begins.
 * @param[in]     sources     Where they were written, by tg_deck_row.file.
 * @param[in,out] diag        Every overlap.
 */
void tg_deck_check(struct tg_deck_row *rows, uint32_t rows_count, bool is_closing,
                   const struct tg_source *const *sources, struct tg_diag *diag);

/**
 * @brief Compile sorted rows.
 * @param[in]     rows        Sorted, without overlaps; shape [rows_count].
 * @param[in]     rows_count  How many.
 * @param[in,out] data        The DECK_DATA section; offsets in deck are relative to its start.
 * @param[out]    deck        Written; the caller adds the section's offset.
 */
void tg_deck_build(const struct tg_deck_row *rows, uint32_t rows_count, struct tg_blob *data,
                   struct tg_deck *deck);

#endif
