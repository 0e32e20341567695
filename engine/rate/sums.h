/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief What the rows of a journal block add to account lines, made ahead of posting it.
 *
 *  Source: rate.h, tg_rate_apply. Threads: one a set of sums, which may be another than the
 *  worker's: making them reads the block, the catalog and nothing else; posting them is the
 *  worker's. Allocates: when a block has more rows than any before. Cost: 10 ns a row.
 *
 *  Most rows do no more than add to their line. A block with a row that does more is not made, and
 *  goes through tg_rate_apply as a whole.
 */
#ifndef TG_RATE_SUMS_H
#define TG_RATE_SUMS_H

#include "rate/rate.h"

struct tg_rate_sums;

/** @brief What most rows need to be applied; borrowed columns, all of one shape [count]. */
struct tg_rate_columns {
    const int64_t *start_ns;         /**< Of the row. */
    const uint16_t *source_id;       /**< Of the row. */
    const uint8_t *service;          /**< Of the row. */
    const uint8_t *key_kinds;        /**< Of the row. */
    const uint8_t *flags;            /**< Of the row. */
    const int64_t *amount;           /**< Of the charge. */
    const uint64_t *billed_units;    /**< Of the charge. */
    const uint64_t *allowance_units; /**< Of the charge. */
    const uint32_t *subscriber;      /**< Of the charge. */
    const uint32_t *price_id;        /**< Of the charge. */
    const uint32_t *catalog_version; /**< Of the charge. */
    const uint8_t *fate;             /**< Of the charge. */
    const uint8_t *unit;             /**< Of the charge. */
};

/** @brief Make room for sums. @param accounts The lines they are posted to; borrowed until return.
 *  @return Sums of nothing, or NULL: no memory. Give back with tg_rate_sums_free. */
struct tg_rate_sums *tg_rate_sums_create(const struct tg_accounts *accounts);

/** @brief Give back. @param sums Created, or NULL. */
void tg_rate_sums_free(struct tg_rate_sums *sums);

/** @brief Begin a block; what was in the sums before is gone. @param sums Its thread's.
 *  @param rows_count_max As many rows are added. */
void tg_rate_sums_begin(struct tg_rate_sums *sums, uint32_t rows_count_max);

/**
 * @brief Sum rows of the block up, the next in journal order.
 * @param[in,out] sums      Its thread's.
 * @param[in]     snapshot  As for tg_rate_apply; one a block.
 * @param[in]     columns   Borrowed until return; shape [count].
 * @param[in]     count     Any.
 */
void tg_rate_sums_add(struct tg_rate_sums *sums, const struct tg_catalog_snapshot *snapshot,
                      const struct tg_rate_columns *columns, uint32_t count);

/**
 * @brief tg_rate_apply of all rows that sums were made of, unless one of them needs more.
 * @param[in,out] rate     Worker.
 * @param[in]     sums     Made for its lines.
 * @param[out]    is_done  false: nothing was done, tg_rate_apply is due for the whole block.
 * @return As tg_rate_apply.
 */
enum tg_err tg_rate_apply_sums(struct tg_rate *rate, const struct tg_rate_sums *sums,
                               bool *is_done);

#endif
