/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Lints: what is right as a document and doubtful as a business.
 *
 *  Source: reference/rating-semantics.md 4.2.6, 4.5; names and meaning in
 * schemas/catalog/README.md. Threads: one owner. Allocates: yes, control plane. Cost: a walk over
 * the rows with two look-ups each; 0.2 s for half a million with buy rates.
 *
 *  (1) Lints run on an image without errors and read it as the engine does.
 *  (2) Rows of decks are walked in the order of prefixes and told in the order of lines.
 */
#ifndef TG_CATALOG_LINT_H
#define TG_CATALOG_LINT_H

#include "catalog/compile.h"
#include "catalog/deck.h"
#include "doc/diag.h"

#include <stdbool.h>
#include <stdint.h>

#define TG_LINT_TEXT_BYTES 256u
#define TG_LINT_ROWS_MAX   200u /**< Rows of a deck told at once; more are counted. */

/** @brief Something found in a deck. */
struct tg_lint_finding {
    const char *code;              /**< Name of the lint, static. */
    uint32_t line;                 /**< Of the row. */
    uint32_t column;               /**< Of its prefix or price. */
    uint16_t file;                 /**< Which of the deck's sheets. */
    char text[TG_LINT_TEXT_BYTES]; /**< What is wrong. */
};

/** @brief What the lints share. */
struct tg_lint {
    struct tg_compile *compile;       /**< Borrowed. */
    const struct tg_image *image;     /**< What was compiled. */
    const struct tg_image *previous;  /**< Version imported before; NULL none. */
    int64_t jump_ppm;                 /**< Change of a price that is told. */
    uint32_t *zone_prices;            /**< Price a rate sheet gives a zone; [zones]. */
    uint32_t *previous_prices;        /**< The same in the previous image; UNKNOWN: not asked. */
    struct tg_lint_finding *findings; /**< Of the deck at hand. */
    uint32_t findings_count;          /**< Kept, at most TG_LINT_ROWS_MAX. */
    uint32_t findings_more;           /**< Found and not kept. */
};

/** @brief What a unit costs, as a fraction that two prices can be compared by. */
struct tg_lint_price {
    int64_t amount;    /**< Of so much base quantity. */
    uint64_t per_base; /**< Base quantity: per_units x unit_base_count. */
};

/**
 * @brief Run all lints.
 * @param[in,out] compile   State after everything was compiled without errors.
 * @param[in]     image     The result.
 * @param[in]     previous  Image of the version imported before, or NULL.
 */
void tg_lint_run(struct tg_compile *compile, const struct tg_image *image,
                 const struct tg_image *previous);

/** @brief Count what is found beyond what is kept. @param lint State. @return true: counted, and
 *  there is no use in writing its text. */
static inline bool tg_lint_is_full(struct tg_lint *lint)
{
    lint->findings_more += lint->findings_count == TG_LINT_ROWS_MAX ? 1 : 0;
    return lint->findings_count == TG_LINT_ROWS_MAX;
}

/** @brief Find something in a row, when there is room. @param lint State. @param code Static.
 * @param row Where.
 *  @param is_price The place is the row's price rather than its prefix. @param format printf. */
void tg_lint_find(struct tg_lint *lint, const char *code, const struct tg_deck_row *row,
                  bool is_price, const char *format, ...) __attribute__((format(printf, 5, 6)));

/** @brief Tell what was found in a deck, by line, and begin anew. @param lint State.
 *  @param sheet The deck. */
void tg_lint_flush(struct tg_lint *lint, const struct tg_compile_sheet *sheet);

/** @brief Price that a rate sheet gives a zone. @param lint State. @param zone Any.
 *  @return Price id, or TG_PRICE_NONE. */
uint32_t tg_lint_zone_price(const struct tg_lint *lint, uint32_t zone);

/** @brief What a unit costs in a step. @param image Checked. @param price_id Present.
 *  @param step Below its steps_count. @return Fraction. */
struct tg_lint_price tg_lint_price_of(const struct tg_image *image, uint32_t price_id,
                                      uint32_t step);

/** @brief Write an amount. @param lint State. @param amount At the rating scale.
 *  @param text TG_MONEY_TEXT_BYTES. @return text. */
const char *tg_lint_money(const struct tg_lint *lint, int64_t amount, char *text);

/** @brief Compare what is sold with what it costs. @param lint State. */
void tg_lint_margins(struct tg_lint *lint);

/** @brief Tiers nobody reaches, totals that fall. @param lint State. */
void tg_lint_tiers(struct tg_lint *lint);

#endif
