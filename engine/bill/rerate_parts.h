/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief A rerate from inside: the job, its ranges of accounts, and what they find.
 *
 *  Source: rerate.h. Threads: a range each, joined by the one that runs the job. Allocates: lists
 *  grow as they are filled, up to TG_RERATE_CHANGES_MAX. Only rerate.c, rerate_select.c and
 *  rerate_join.c include this.
 */
#ifndef TG_BILL_RERATE_PARTS_H
#define TG_BILL_RERATE_PARTS_H

#include "bill/rerate.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tg_bill_sessions;

/** @brief Grows as it is filled; items of one size. */
struct tg_rerate_list {
    void *items;       /**< NULL: none yet. */
    uint32_t count;    /**< Filled. */
    uint32_t capacity; /**< Room. */
};

/** @brief A row that is refused. */
struct tg_rerate_place {
    uint64_t epoch; /**< Of the journal. */
    uint32_t index; /**< Row of the epoch. */
    int32_t reason; /**< enum tg_err. */
};

/** @brief What all ranges share; touched is written by the one range an account belongs to. */
struct tg_rerate_job {
    const struct tg_rerate_params *params;       /**< Borrowed. */
    const struct tg_replay_candidate *candidate; /**< NULL: the catalogs in force. */
    const struct tg_adjust_index *adjustments;   /**< Where rows stand. */
    const struct tg_bill_sessions *sessions;     /**< Of the selector; NULL: not asked for. */
    struct tg_rerate_part *parts;                /**< The ranges. */
    uint8_t *touched;  /**< 1: a selected row of the account came by; shape [accounts_count + 1]. */
    uint32_t price_id; /**< Of the selector; TG_PRICE_NONE all. */
    uint16_t product;  /**< Of the selector; TG_PRODUCT_NONE all. */
    uint8_t *late;     /**< By event: 1: the account's rows came in another order; else NULL. */
    struct tg_adjust_order order; /**< Its times. */
    bool selects_all;             /**< No row can be left out: who was touched is of no interest. */
    bool has_shelves;             /**< Some catalog keeps something on shelves. */
};

/** @brief A range of accounts. */
struct tg_rerate_part {
    struct tg_rerate_job *job;     /**< Shared. */
    struct tg_why *why;            /**< Of this range. */
    struct tg_rerate_list changes; /**< struct tg_rerate_change */
    struct tg_rerate_list shelves; /**< struct tg_adjust_shelf */
    struct tg_rerate_list refused; /**< struct tg_rerate_place, in journal order */
    uint32_t refused_before;       /**< Known when this pass began. */
    enum tg_err err;               /**< Of a callback that cannot tell. */
    uint64_t selected_count;       /**< Rows. */
    uint64_t followers_count;      /**< Rows. */
    struct tg_replay_stats replay; /**< Of the last pass. */
};

/* rerate.c */

/** @brief One more at the end. @param list List. @param item Copied. @param item_bytes Its size.
 *  @param what For people: what there are too many of. @param why May be NULL. @return TG_OK;
 *  TG_E_FULL, TG_E_NO_MEMORY. */
enum tg_err tg_rerate_list_add(struct tg_rerate_list *list, const void *item, size_t item_bytes,
                               const char *what, struct tg_why *why);

/** @brief Order of struct tg_rerate_place, for qsort. @param a One. @param b Another. @return Below
 *  0, 0 or above. */
int tg_rerate_place_compare(const void *a, const void *b);

/* rerate_select.c */

/** @brief Resolve what the selector names. @param job Writes price_id, product, selects_all and
 *  has_shelves. @param why May be NULL. @return TG_OK; TG_E_NOT_FOUND. */
enum tg_err tg_rerate_select(struct tg_rerate_job *job, struct tg_why *why);

/** @brief What a row is sold by. @param catalog Borrowed. @param usage Row. @param subscriber Dense
 *  index. @return Product. */
uint16_t tg_rerate_product_of(const struct tg_catalog_snapshot *catalog,
                              const struct tg_usage *usage, uint32_t subscriber);

/** @brief tg_replay_params.choose: which rows are priced, and how. @param context A struct
 *  tg_rerate_part. @param rows Borrowed. @param[out] choices Shape [rows->count]. */
void tg_rerate_choose(void *context, const struct tg_replay_rows *rows, uint8_t *choices);

/* rerate_join.c */

/** @brief Put the ranges' findings together. @param job Run; touched is written over. @param
 *  parts_count Ranges. @param[out] rerate Zeroed before; written. @param why May be NULL. @return
 *  TG_OK; TG_E_FULL, TG_E_NO_MEMORY. */
enum tg_err tg_rerate_join(struct tg_rerate_job *job, uint32_t parts_count,
                           struct tg_rerate *rerate, struct tg_why *why);

#endif
