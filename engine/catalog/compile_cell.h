/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief A service of a plan while it is compiled, for compile_plan.c, which fills its matrix of
 *         prices, and compile_buckets.c, which finds its allowances.
 *
 *  Source: compile.h. Threads: import only. Allocates: never. Cost: nothing by itself.
 */
#ifndef TG_CATALOG_COMPILE_CELL_H
#define TG_CATALOG_COMPILE_CELL_H

#include "catalog/compile.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TG_COMPILE_BANDS_MAX 64u /**< Bands of a time model. */

/** @brief One service of one plan. */
struct tg_compile_cell {
    struct tg_compile *compile;          /**< State. */
    const struct tg_yaml_node *plan;     /**< Entry. */
    const struct tg_yaml_node *service;  /**< Its service. */
    const struct tg_yaml_node *own_deck; /**< Customer's, before the plan's; NULL none. */
    struct tg_plan_service out;          /**< What it becomes. */
    const uint8_t *zones; /**< Bit set of the decks' zones; NULL: zones are networks'. */
    uint8_t joint[TG_ZONE_BITS_BYTES];       /**< Of several decks, or of decks and groups. */
    uint8_t groups[TG_ZONE_BITS_BYTES];      /**< Zones of what is used. */
    uint32_t *matrix;                        /**< Price ids, [zones_count][bands_count]. */
    uint32_t fallback[TG_COMPILE_BANDS_MAX]; /**< Row of "*". */
    uint64_t unit_base_count;                /**< Of the zone's prices so far; 0 none yet. */
    uint32_t row_price;                      /**< First of the zone's prices. */
    uint16_t spend_limit;                    /**< Of all its prices, plus 1; 0 none. */
    bool has_dimension;                      /**< out.dimension is known. */
    bool cuts_rates;                         /**< A record may lie in several zones. */
    bool is_doubtful;    /**< The document has mistakes in the service itself. */
    bool has_lost_bands; /**< Its time model is not known, or in doubt. */
};

/** @brief Its time model. @param cell Cell. @return Borrowed; NULL none. */
static inline const struct tg_time_model *tg_compile_cell_model(const struct tg_compile_cell *cell)
{
    const struct tg_time_model *models = (const struct tg_time_model *)(const void *)cell->compile
                                             ->sections[TG_IMAGE_SECTION_TIME_MODELS]
                                             .bytes;
    return cell->out.time_model != TG_TIME_MODEL_NONE ? &models[cell->out.time_model] : NULL;
}

/** @brief A compiled price. @param compile State. @param price Id. @return Borrowed until the
 *  section grows; NULL: it was refused, or is a hole. */
static inline const struct tg_price *tg_compile_price_at(const struct tg_compile *compile,
                                                         uint32_t price)
{
    const uint8_t *offsets = compile->sections[TG_IMAGE_SECTION_PRICES].bytes;
    uint32_t offset;
    memcpy(&offset, offsets + (size_t)price * sizeof offset, sizeof offset);
    return offset == UINT32_MAX || compile->sections[TG_IMAGE_SECTION_PRICE_DATA].is_broken
               ? NULL
               : (const struct tg_price
                      *)(const void *)(compile->sections[TG_IMAGE_SECTION_PRICE_DATA].bytes +
                                       offset);
}

/** @brief Allowances of the service into its cell; its matrix is filled. @param cell Cell.
 *  @param service enum tg_service. */
void tg_compile_buckets(struct tg_compile_cell *cell, uint32_t service);

#endif
