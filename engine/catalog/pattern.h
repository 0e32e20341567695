/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Patterns of numbers in decks: "118xxx", "4915[1279]", and what they stand for.
 *
 *  Source: schemas/catalog/README.md, decks. Threads: pure. Allocates: never.
 *  Cost: a walk over the text; one key at a time.
 *
 *  A pattern is as many digits as it has places. Compiled it is all its numbers, so that a look-up
 *  stays what it is without patterns.
 */
#ifndef TG_CATALOG_PATTERN_H
#define TG_CATALOG_PATTERN_H

#include <stddef.h>
#include <stdint.h>

#define TG_PATTERN_PLACES_MAX  15u    /**< Digits of a number. */
#define TG_PATTERN_NUMBERS_MAX 10000u /**< Numbers of one pattern; more is refused. */

/** @brief Which digits each place may have. */
struct tg_pattern {
    uint16_t places[TG_PATTERN_PLACES_MAX]; /**< Bit d: digit d; shape [places_count]. */
    uint32_t places_count;                  /**< 1..15. */
    uint32_t numbers_count;                 /**< How many it stands for. */
};

/** @brief What is wrong with a pattern. */
enum tg_pattern_fault {
    TG_PATTERN_FINE = 0, /**< Nothing. */
    TG_PATTERN_SYNTAX,   /**< Other than digits, x, ? and [digits or ranges]; empty or too long. */
    TG_PATTERN_TOO_MANY  /**< More than TG_PATTERN_NUMBERS_MAX numbers. */
};

/**
 * @brief Read a pattern.
 * @param[in]  text        Borrowed. @param[in] text_bytes Its length.
 * @param[out] pattern     Written when fine.
 * @return enum tg_pattern_fault.
 */
enum tg_pattern_fault tg_pattern_read(const char *text, size_t text_bytes,
                                      struct tg_pattern *pattern);

/** @brief One of its numbers, in ascending order. @param pattern Read. @param index Below
 *  numbers_count. @return Packed digits. */
uint64_t tg_pattern_key(const struct tg_pattern *pattern, uint32_t index);

#endif
