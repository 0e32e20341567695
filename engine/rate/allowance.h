/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Several allowances for one row: who covers how much, in the catalog's order.
 *
 *  Source: reference rating-semantics 4.6. Threads: the subscriber's worker. Allocates: never.
 *  Cost: a shelf or two; only rows of plans with a list of allowances come here.
 */
#ifndef TG_RATE_ALLOWANCE_H
#define TG_RATE_ALLOWANCE_H

#include "abi/err.h"
#include "catalog/image.h"
#include "catalog/roster.h"
#include "rate/account.h"
#include "rate/bucket.h"

#include <stdbool.h>
#include <stdint.h>

/** @brief Which row draws, and on whose account. */
struct tg_allowance_draw {
    const struct tg_image *image;               /**< Valid at the row's time. */
    const struct tg_plan_service *plan_service; /**< With buckets_count above 0. */
    uint64_t billed_blocks;                     /**< Blocks of the price, after increments. */
    uint64_t unit_base_count;                   /**< Base quantity in a block. */
    struct tg_bucket_time time;                 /**< Event, start of the subscription, cycle. */
    int64_t at_ns;                              /**< Event time, UTC. */
    const struct tg_roster *roster;             /**< For since when pools are granted. */
    uint32_t begin_s;                           /**< Start of the subscription, POSIX seconds. */
    uint32_t subscriber;                        /**< Dense index. */
    uint32_t root;                              /**< tg_roster_root of it. */
    uint32_t account;                           /**< Dense index. */
    uint32_t band;                              /**< Band of the usage. */
    uint16_t zone;                              /**< Zone of the usage. */
    uint8_t service;                            /**< enum tg_service. */
    uint8_t direction;                          /**< enum tg_direction. */
};

/** @brief One allowance that covered part of a row. */
struct tg_allowance_use {
    uint64_t used_base;  /**< What this row took, base quantity. */
    uint64_t left_base;  /**< What it left behind. */
    uint16_t allowance;  /**< Index. */
    uint8_t fired_mask;  /**< Thresholds this row crossed. */
    uint8_t reserved[5]; /**< 0. */
};

/** @brief Whose shelves a row may move. */
enum tg_shelf_side {
    TG_SHELF_OWN = 0,  /**< The subscriber's. */
    TG_SHELF_POOL = 1, /**< His account's. */
    TG_SHELF_ROOT = 2, /**< His root's, where that is another one: tg_roster_root. */
    TG_SHELF_SIDES = 3 /**< How many. */
};

/** @brief What a row did to the cold half of its account, so that it can be undone and told. */
struct tg_allowance_log {
    struct tg_shelf *shelves[TG_SHELF_SIDES];     /**< By side; NULL: not touched. */
    struct tg_shelf before[TG_SHELF_SIDES];       /**< As they were. */
    struct tg_allowance_use uses[TG_BUCKETS_MAX]; /**< In the order of use. */
    uint32_t uses_count;                          /**< How many. */
};

/** @brief Forget. @param log Written. */
static inline void tg_allowance_log_start(struct tg_allowance_log *log)
{
    log->shelves[TG_SHELF_OWN] = NULL;
    log->shelves[TG_SHELF_POOL] = NULL;
    log->shelves[TG_SHELF_ROOT] = NULL;
    log->uses_count = 0;
}

/** @brief Put the shelves back as they were. @param log Of the row; NULL shelves are passed over.
 */
void tg_allowance_undo(const struct tg_allowance_log *log);

/**
 * @brief A shelf, remembered in the log before it is first changed.
 * @param[in,out] accounts  Lines and shelves.
 * @param[in,out] log       Of the row.
 * @param[in]     is_pool   The account's, else the subscriber's.
 * @param[in]     index     Account or subscriber.
 * @return Shelf, or NULL: the index is beyond what tg_accounts_create was told.
 */
struct tg_shelf *tg_allowance_shelf(struct tg_accounts *accounts, struct tg_allowance_log *log,
                                    bool is_pool, uint32_t index);

/**
 * @brief Cover a row's first blocks from its plan's allowances, in their order.
 *
 * A pure function of the shelves and the draw: replay calls it with the same draw and reaches the
 * same shelves.
 *
 * @param[in,out] accounts  Lines and shelves.
 * @param[in]     draw      Borrowed.
 * @param[in,out] log       Of the row.
 * @param[out]    covered   Blocks that are covered, at most draw->billed_blocks.
 * @return TG_OK, TG_E_PERIOD_CLOSED, TG_E_FULL.
 */
enum tg_err tg_allowance_draw(struct tg_accounts *accounts, const struct tg_allowance_draw *draw,
                              struct tg_allowance_log *log, uint64_t *covered);

/** @brief Does any allowance of a plan's service look at bands? Such rows draw part by part.
 *  @param image Checked. @param plan_service Of that image. @return true if so. */
bool tg_allowance_has_bands(const struct tg_image *image,
                            const struct tg_plan_service *plan_service);

/** @brief Do the allowances of a plan's service cover billed units, and for nothing? Then the
 * records of a call are one call; else each draws by itself. @param image Checked. @param
 * plan_service Of that image. @return true if so, also without any. */
bool tg_allowance_joins_calls(const struct tg_image *image,
                              const struct tg_plan_service *plan_service);

/** @brief Do the allowances of a plan's service draw what was used, not what is billed? One list
 *  has one kind. @param image Checked. @param plan_service Of that image, with a list.
 *  @return true if so. */
bool tg_allowance_is_raw(const struct tg_image *image, const struct tg_plan_service *plan_service);

/** @brief A counter on a shelf. */
struct tg_allowance_counter {
    uint32_t index;   /**< Subscriber or account. */
    uint16_t counter; /**< TG_CATALOG_COUNTER of the image. */
    uint8_t period;   /**< enum tg_period. */
    bool is_pool;     /**< The account's, else the subscriber's. */
};

/**
 * @brief Count what is priced in a period that the account line does not keep, or in money.
 *
 * A row of the period before moves that period's counter; older ones are TG_E_PERIOD_CLOSED.
 *
 * @param[in,out] accounts       Lines and shelves.
 * @param[in,out] log            Of the row.
 * @param[in]     counter        Which; borrowed.
 * @param[in]     time           Event time; borrowed.
 * @param[in]     base           Base quantity of this row that is priced; counted.
 * @param[out]    base_before    Priced before.
 * @param[out]    events_before  Rows before.
 * @return TG_OK, TG_E_PERIOD_CLOSED, TG_E_FULL, TG_E_AMOUNT_OVERFLOW.
 */
enum tg_err tg_allowance_count(struct tg_accounts *accounts, struct tg_allowance_log *log,
                               const struct tg_allowance_counter *counter,
                               const struct tg_bucket_time *time, uint64_t base,
                               uint64_t *base_before, uint64_t *events_before);

/**
 * @brief Raise a counter that keeps the greatest record of a period to a record, if it is higher.
 *
 * @param[in,out] accounts       Lines and shelves.
 * @param[in,out] log            Of the row.
 * @param[in]     counter        Which; borrowed.
 * @param[in]     time           Event time; borrowed.
 * @param[in]     base           Base quantity of this row, whole blocks.
 * @param[in]     block_base     Of one block, at least 1; what is kept counts in whole ones.
 * @param[out]    base_before    Greatest before.
 * @param[out]    events_before  Rows before.
 * @return TG_OK, TG_E_PERIOD_CLOSED, TG_E_FULL, TG_E_AMOUNT_OVERFLOW.
 */
enum tg_err tg_allowance_count_max(struct tg_accounts *accounts, struct tg_allowance_log *log,
                                   const struct tg_allowance_counter *counter,
                                   const struct tg_bucket_time *time, uint64_t base,
                                   uint64_t block_base, uint64_t *base_before,
                                   uint64_t *events_before);

/**
 * @brief Take back what tg_allowance_count counted.
 * @param[in,out] accounts     Lines and shelves.
 * @param[in,out] log          Of the row.
 * @param[in]     counter      Which.
 * @param[in]     time         Event time and calendar.
 * @param[in]     base         Base quantity.
 * @param[out]    base_left    What the counter has without it.
 * @param[out]    events_left  Records without this one.
 * @return TG_OK, TG_E_NEGATIVE_USAGE when it has not counted so much, TG_E_FULL,
 *         TG_E_PERIOD_CLOSED.
 */
enum tg_err tg_allowance_count_back(struct tg_accounts *accounts, struct tg_allowance_log *log,
                                    const struct tg_allowance_counter *counter,
                                    const struct tg_bucket_time *time, uint64_t base,
                                    uint64_t *base_left, uint64_t *events_left);

#endif
