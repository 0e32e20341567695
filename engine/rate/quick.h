/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The short way through the rate stage: rows whose price is a product and nothing more.
 *
 *  Source: reference rating-semantics 4.1, 4.3; performance.md 2c. Threads: one worker.
 *  Allocates: never. Cost: 439 instructions a row for the whole stage, 935 the long way
 *  (tools/guard).
 *
 *  Most rows of a carrier meet a price that is price * units / per_units, one band, at most one
 *  monthly allowance in the account line. What such a row needs of the catalog is worked out once
 *  for each pair of product and service (a cell) and once for each price, with reciprocals instead
 *  of divisors; then a row is one pass: units, allowance, amount, posting.
 *
 *  Invariants:
 *  (1) A row goes the short way only when both ways come to the same charge and the same line, bit
 *      for bit; quick_test.c compares them on random rows. Whatever is unusual about a row - a step
 *      with a flat amount, an open call, an overflow, a refusal of any kind - sends it the long
 *      way, and only the long way ever refuses.
 *  (2) Rows are posted in order: tg_rate_quick_run stops at the first row that is not its own.
 *  (3) Cells and prices are caches of one image; their tag names the image, the slot is found by
 *      index, a clash makes them anew and sends the rows of the group that it was found for
 *      before the long way. No state of theirs outlives a change of catalog.
 */
#ifndef TG_RATE_QUICK_H
#define TG_RATE_QUICK_H

#include "abi/tariff.h"
#include "abi/usage.h"
#include "base/reciprocal.h"
#include "catalog/catalog.h"
#include "plug/registry.h"
#include "record/charge.h"

#include <stdbool.h>
#include <stdint.h>

#define TG_QUICK_CELLS_COUNT  1024u /**< Pairs of product and service at once; a power of two. */
#define TG_QUICK_PRICES_COUNT 1024u /**< Prices at once; a power of two. */
#define TG_QUICK_IMAGES_COUNT 8u    /**< Images whose tags are remembered. */
#define TG_QUICK_ROWS_MAX     16u   /**< Rows of a group. */

/** @brief What a product sells a service for; 64 bytes. */
struct tg_quick_cell {
    uint64_t tag;                               /**< Image tag, product, service; 0 free. */
    const struct tg_plan_service *plan_service; /**< In the image. */
    const uint32_t *matrix;                     /**< Price ids, [zones_count][bands_count]. */
    const uint8_t *zone_bits;                   /**< Zones of the allowance; NULL: all. */
    uint64_t allowance_base;                    /**< Granted a month; 0 none. */
    uint16_t zones_count;                       /**< Rows of the matrix. */
    uint16_t bands_count;                       /**< Columns. */
    uint16_t deck;                              /**< TG_DECK_NONE: none. */
    uint16_t time_model;                        /**< TG_TIME_MODEL_NONE: none. */
    uint8_t dimension;                          /**< enum tg_dimension. */
    uint8_t is_quick;                           /**< 0: always the long way. */
    uint8_t is_zoned_by_network;                /**< Zone of the visited network. */
    uint8_t is_cut_by_time;                     /**< Rows over a band's end go the long way. */
    uint8_t reserved[12];                       /**< 0. */
};
_Static_assert(sizeof(struct tg_quick_cell) == 64, "one cache line");

/** @brief A price, its divisors prepared; 192 bytes. */
struct tg_quick_price {
    uint64_t tag;                   /**< Image tag, price id; 0 free. */
    uint64_t step_price;            /**< |price| of per_units units. */
    struct tg_reciprocal unit_base; /**< Base quantity in a unit. */
    struct tg_reciprocal per_units; /**< Units the step's price is for; below 2^32. */
    struct tg_reciprocal next;      /**< Next increment. */
    uint64_t unit_base_add;         /**< Added to a quantity so that rounding down rounds it. */
    uint64_t per_units_add;         /**< The same for |amount|; half even is mended after. */
    uint64_t first_increment;       /**< Below 2^48. */
    uint64_t minimum_units;         /**< Below 2^48. */
    uint64_t included_units;        /**< Of every record. */
    int64_t connect_fee;            /**< Once a call. */
    int64_t charge_min;             /**< INT64_MIN: none. */
    int64_t charge_max;             /**< INT64_MAX: none, or it only stops grants. */
    const struct tg_plug *plug;     /**< Who would be asked; out of use: the long way. */
    uint16_t currency;              /**< ISO 4217 numeric. */
    uint8_t is_quick;               /**< 0: the long way. */
    uint8_t is_negative;            /**< The step's price is below 0. */
    uint8_t is_half_even;           /**< A tie that went up to an odd amount goes down. */
    uint8_t unit;                   /**< enum tg_unit. */
    uint8_t is_counted;             /**< The meter's counter is told: not one a record. */
    uint8_t is_connect_on_use;      /**< The fee needs use, not a priced unit. */
    uint8_t has_extras;             /**< A fee, a minimum or a maximum charge. */
    uint8_t reserved[23];           /**< 0. */
};
_Static_assert(sizeof(struct tg_quick_price) == 192, "three cache lines");

/** @brief A row of the group on the short way. */
struct tg_quick_row {
    const struct tg_quick_cell *cell;   /**< NULL: not on the short way. */
    const struct tg_quick_price *price; /**< Valid with the cell. */
    uint32_t reserved;                  /**< 0. */
    uint16_t zone;                      /**< Zone index. */
    uint16_t band;                      /**< Band of its start. */
};

/** @brief An image and the number its cells and prices carry. */
struct tg_quick_image {
    const struct tg_image *image; /**< NULL: free. */
    uint64_t content_hash;        /**< Tells another image at the same address. */
    uint32_t version;             /**< Of the image. */
    uint32_t tag;                 /**< Given once. */
};

/** @brief Caches of a worker; zeroed memory is a fresh one. */
struct tg_quick {
    const struct tg_image *image; /**< Of the rows in [from_ns, to_ns); NULL: not known yet. */
    int64_t from_ns;              /**< Times of one image and one month, inclusive. */
    int64_t to_ns;                /**< Exclusive; from_ns or less: no such times. */
    uint32_t period;              /**< Their month. */
    uint32_t tag;                 /**< Tag of the image. */
    uint32_t tags_given;          /**< Tags so far. */
    struct tg_quick_image images[TG_QUICK_IMAGES_COUNT];
    struct tg_quick_row rows[TG_QUICK_ROWS_MAX];
    struct tg_quick_cell cells[TG_QUICK_CELLS_COUNT] __attribute__((aligned(64)));
    struct tg_quick_price prices[TG_QUICK_PRICES_COUNT] __attribute__((aligned(64)));
};

struct tg_rate;

/**
 * @brief Forget the image of the rows before: the snapshot may be another one.
 * @param[out] quick  Written.
 */
static inline void tg_rate_quick_start(struct tg_quick *quick)
{
    quick->image = NULL;
    quick->from_ns = 0;
    quick->to_ns = 0;
}

/**
 * @brief Tell which rows of a group can go the short way; nothing moves.
 * @param[in,out] rate      Worker; its quick.rows are written.
 * @param[in]     snapshot  Borrowed.
 * @param[in]     rows      Shape [count].
 * @param[in]     charges   Shape [count].
 * @param[in]     count     1..TG_QUICK_ROWS_MAX.
 */
void tg_rate_quick_resolve(struct tg_rate *rate, const struct tg_catalog_snapshot *snapshot,
                           const struct tg_usage *rows, const struct tg_charge *charges,
                           uint32_t count);

/**
 * @brief Price and post rows in order until one needs the long way.
 * @param[in,out] rate     Worker; tg_rate_quick_resolve has seen these rows.
 * @param[in]     rows     Shape [count]: the whole group.
 * @param[in,out] charges  Shape [count].
 * @param[in]     from     First row to do.
 * @param[in]     count    Rows of the group.
 * @return Index of the first row that was not done, from..count.
 */
uint32_t tg_rate_quick_run(struct tg_rate *rate, const struct tg_usage *rows,
                           struct tg_charge *charges, uint32_t from, uint32_t count);

#endif
