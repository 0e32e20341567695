/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The short way through the rate stage: rows whose price is a product and nothing more.
 *
 *  Source: reference rating-semantics 4.1, 4.3; performance.md 2c. Threads: one worker.
 *  Allocates: never. Cost: 242 instructions a row for the whole stage, 935 the long way
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
 *  (4) An account line knows its subscriber's product once the roster's hot array told it, for the
 *      times of that array and under the number of this roster: the second random line of a row is
 *      saved until there is another roster or month. Nothing of it is stored.
 */
#ifndef TG_RATE_QUICK_H
#define TG_RATE_QUICK_H

#include "abi/tariff.h"
#include "abi/usage.h"
#include "base/reciprocal.h"
#include "catalog/catalog.h"
#include "plug/registry.h"
#include "rate/account.h"
#include "record/charge.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TG_QUICK_CELLS_COUNT  1024u /**< Pairs of product and service at once; a power of two. */
#define TG_QUICK_PRICES_COUNT 1024u /**< Prices at once; a power of two. */
#define TG_QUICK_IMAGES_COUNT 8u    /**< Images whose tags are remembered. */
#define TG_QUICK_ROWS_MAX     16u   /**< Rows of a group. */

struct tg_quick_price;

/** @brief What a product sells a service for; the first cache line prices a row without zones. */
struct tg_quick_cell {
    uint64_t tag;                   /**< Image tag, product, service; 0 free. */
    uint64_t up_mask;               /**< Of quantity_up in the base quantity: its bits, or 0. */
    uint64_t down_mask;             /**< Of quantity_down. */
    uint32_t duration_mask;         /**< Of duration_ms. */
    uint16_t meter_offset;          /**< Of its meter in an account line. */
    uint8_t is_quick;               /**< 0: always the long way. */
    uint8_t is_plain;               /**< One price whatever the row says: the next two. */
    uint64_t price_tag;             /**< Of the price; with is_plain. */
    struct tg_quick_price *price;   /**< Where it is if its tag says so; with is_plain. */
    uint64_t allowance_base;        /**< Granted a month, below 2^63; 0 none. */
    const uint8_t *zone_bits;       /**< Zones of the allowance; NULL: all. */
    const uint32_t *matrix;         /**< Price ids, [zones_count][bands_count]; second line. */
    uint16_t zones_count;           /**< Rows of the matrix. */
    uint16_t bands_count;           /**< Columns. */
    uint16_t deck;                  /**< TG_DECK_NONE: none. */
    uint16_t time_model;            /**< TG_TIME_MODEL_NONE: none. */
    uint8_t is_zoned_by_network;    /**< Zone of the visited network. */
    uint8_t is_cut_by_time;         /**< Rows over a band's end go the long way. */
    uint8_t reserved2[6];           /**< 0. */
    const struct tg_causes *causes; /**< What is billable; NULL: all. */
    uint8_t reserved3[32];          /**< 0. */
};
_Static_assert(sizeof(struct tg_quick_cell) == 128, "two cache lines");
_Static_assert(offsetof(struct tg_quick_cell, matrix) == 64, "one for rows without zones");

/** @brief A price, its divisors prepared; 256 bytes. */
struct tg_quick_price {
    uint64_t tag;                   /**< Image tag, price id; 0 free. */
    struct tg_reciprocal unit_base; /**< Base quantity in a unit. */
    uint64_t unit_base_add;         /**< Added to a quantity so that rounding down rounds it. */
    uint64_t units_min;             /**< First increment or minimum, whichever is more. */
    struct tg_reciprocal next;      /**< Next increment. */
    uint64_t next_add;              /**< Makes units the dividend: next - 1 - first increment. */
    int64_t billed_add;             /**< To whole next increments: first less included units. */
    uint64_t billed_max;            /**< Up to it nothing overflows and no bound is passed. */
    int64_t step_price;         /**< Of a unit with is_whole, else |price| of per_units units. */
    uint64_t before_mask;       /**< 0: the counter is one a record, and begins at 0. */
    uint64_t label;             /**< Charge's version and currency; zone to be added. */
    uint64_t tail;              /**< Charge's last word but for node state and site. */
    const struct tg_plug *plug; /**< Who would be asked; out of use: the long way. */
    uint8_t is_quick;           /**< 0: the long way. */
    uint8_t is_whole;           /**< A unit costs a whole amount: nothing is rounded. */
    uint8_t is_negative;        /**< The step's price is below 0. */
    uint8_t is_half_even;       /**< A tie that went up to an odd amount goes down. */
    uint8_t is_connect_on_use;  /**< The fee needs use, not a priced unit. */
    uint8_t has_extras;         /**< A fee, a minimum or a maximum charge. */
    uint8_t has_turns;          /**< is_half_even, or grid is not 1. */
    uint8_t reserved[1];        /**< 0. */
    struct tg_reciprocal per_units; /**< Units the step's price is for, below 2^31, x grid. */
    uint64_t per_units_add;         /**< As unit_base_add, for |amount|; half even mended after. */
    int64_t connect_fee;            /**< Once a call. */
    int64_t charge_min;             /**< INT64_MIN: none. */
    int64_t charge_max;             /**< INT64_MAX: none, or it only stops grants. */
    int64_t grid;                   /**< Charges are multiples of it: of the price's decimals. */
    uint8_t reserved2[48];          /**< 0. */
};
_Static_assert(sizeof(struct tg_quick_price) == 256, "four cache lines");

/** @brief A row of a group. */
struct tg_quick_row {
    struct tg_account_line *line;       /**< Of its subscriber and month; with cell or is_usual. */
    const struct tg_quick_cell *cell;   /**< NULL: not on the short way. */
    const struct tg_quick_price *price; /**< Valid with the cell. */
    uint32_t period;                    /**< Month of its time; with the line. */
    uint16_t zone;                      /**< Zone index. */
    uint16_t band;                      /**< Band of its start. */
};
_Static_assert(sizeof(struct tg_quick_row) == 32, "two in a cache line");

/** @brief An image and the number its cells and prices carry. */
struct tg_quick_image {
    const struct tg_image *image; /**< NULL: free. */
    uint64_t content_hash;        /**< Tells another image at the same address. */
    uint32_t version;             /**< Of the image. */
    uint32_t tag;                 /**< Given once. */
};

/** @brief Caches of a worker; zeroed memory is a fresh one. */
struct tg_quick {
    const struct tg_image *image; /**< Of the batch's rows; NULL: not known yet. */
    int64_t from_ns;              /**< Times of one image and one month, inclusive. */
    int64_t to_ns;                /**< Exclusive; from_ns or less: no such times. */
    int64_t usual_ns;             /**< From here to to_ns the roster's hot array tells products. */
    uint64_t usual_span_ns;       /**< to_ns less usual_ns; 0: no such times. */
    uint32_t usual_count;         /**< Subscribers whom roster and accounts have. */
    uint32_t period;              /**< Month of the times. */
    uint32_t tag;                 /**< Tag of the image. */
    uint32_t tags_given;          /**< Tags so far. */
    uint64_t roster_word;         /**< Tag of the batch's roster where an account line has it;
                                       UINT64_MAX: none. */
    uint32_t unknown_count;       /**< Rows of the batch whose line did not know the product. */
    uint32_t ask_mask;            /**< All ones after a batch with many such rows, else 0. */
    struct tg_quick_image images[TG_QUICK_IMAGES_COUNT];
    struct tg_quick_row *group; /**< Rows that were resolved last: one of the two below. */
    struct tg_quick_row rows[2][TG_QUICK_ROWS_MAX] __attribute__((aligned(64)));
    struct tg_quick_cell cells[TG_QUICK_CELLS_COUNT] __attribute__((aligned(64)));
    struct tg_quick_price prices[TG_QUICK_PRICES_COUNT] __attribute__((aligned(64)));
};

struct tg_rate;

/**
 * @brief Begin a batch: the snapshot may be another one than that of the batch before.
 * @param[in,out] rate      Worker.
 * @param[in]     snapshot  Borrowed.
 * @param[in]     at_ns     Time of the batch's first row: its image is the batch's on the short
 * way.
 */
void tg_rate_quick_start(struct tg_rate *rate, const struct tg_catalog_snapshot *snapshot,
                         int64_t at_ns);

/**
 * @brief Find the account lines of a group and ask for the memory it will need, while the group
 *        before it is still to be worked on.
 * @param[in,out] rate      Worker.
 * @param[in]     snapshot  Borrowed.
 * @param[in]     rows      Shape [count].
 * @param[in]     charges   Shape [count].
 * @param[in]     count     0..TG_QUICK_ROWS_MAX.
 * @param[in]     turn      Number of the group: groups with even and odd numbers take turns.
 */
void tg_rate_quick_ahead(struct tg_rate *rate, const struct tg_catalog_snapshot *snapshot,
                         const struct tg_usage *rows, const struct tg_charge *charges,
                         uint32_t count, uint32_t turn);

/**
 * @brief Tell which rows of a group can go the short way; nothing moves.
 * @param[in,out] rate      Worker; its quick.group is written.
 * @param[in]     snapshot  Borrowed.
 * @param[in]     rows      Shape [count]; tg_rate_quick_ahead has seen them.
 * @param[in]     charges   Shape [count].
 * @param[in]     count     1..TG_QUICK_ROWS_MAX.
 * @param[in]     turn      As there.
 */
void tg_rate_quick_resolve(struct tg_rate *rate, const struct tg_catalog_snapshot *snapshot,
                           const struct tg_usage *rows, const struct tg_charge *charges,
                           uint32_t count, uint32_t turn);

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

/** @brief Times of one image and one month around an instant become quick's. @param rate Worker.
 *  @param snapshot Borrowed. @param at_ns Any. @return false: no month, no image, or not the
 *  batch's image; the times stay as they were. */
bool tg_rate_quick_times(struct tg_rate *rate, const struct tg_catalog_snapshot *snapshot,
                         int64_t at_ns);

/** @brief Work out a cell. @param quick Its image is the batch's. @param tag To find it by.
 *  @param product_index Any. @param service Any. @param cell Written. */
void tg_rate_quick_cell_make(struct tg_quick *quick, uint64_t tag, uint32_t product_index,
                             uint8_t service, struct tg_quick_cell *cell);

/** @brief Work out a price. @param image The batch's. @param tag To find it by. @param price_id
 *  Any. @param amount_max Bound of an amount, at least 1. @param quick Written. */
void tg_rate_quick_price_make(const struct tg_image *image, uint64_t tag, uint32_t price_id,
                              int64_t amount_max, struct tg_quick_price *quick);

#endif
