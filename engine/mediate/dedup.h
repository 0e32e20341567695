/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Exact duplicate check: the same record is accepted once, a changed one is a conflict.
 *
 *  Source: rating-semantics 4.10; check before any balance effect.
 *  Threads: one writer, the rate worker that owns the rows. Allocates: in create only.
 *  Cost: one cache line a row for both generations; 54 octets of memory for each record of
 *  records_count_max; a rotation touches no memory.
 *
 *  A 64-bit record key and a 32-bit check of the content are kept per accepted record; no filter
 *  stands before it that could drop a fresh record by chance. Two generations of equal size rotate:
 *  when the young one is full, the old one is forgotten and its latest event time becomes the
 *  horizon. A record whose event is older than the horizon cannot be proved fresh and is suspended
 *  as TG_E_TOO_OLD, never silently accepted.
 */
#ifndef TG_MEDIATE_DEDUP_H
#define TG_MEDIATE_DEDUP_H

#include "abi/err.h"
#include "abi/usage.h"

#include <stddef.h>
#include <stdint.h>

struct tg_dedup;

/** @brief Make. @param records_count_max Records in one generation. @return Set or NULL. */
struct tg_dedup *tg_dedup_create(uint64_t records_count_max);

/** @brief Free. @param dedup May be NULL. */
void tg_dedup_free(struct tg_dedup *dedup);

/**
 * @brief Check a batch and remember the fresh ones.
 * @param[in,out] dedup     Set.
 * @param[in]     rows      Shape [count].
 * @param[in]     stride_bytes  Distance from row to row (rows may lie inside larger elements).
 * @param[in]     count     1..TG_BATCH_ROWS_MAX.
 * @param[out]    verdicts  Shape [count]: TG_OK fresh, TG_E_DUPLICATE, TG_E_DUP_CONFLICT,
 *                          TG_E_TOO_OLD.
 */
void tg_dedup_run(struct tg_dedup *dedup, const struct tg_usage *rows, size_t stride_bytes,
                  uint32_t count, int16_t *verdicts);

/** @brief Ask for the memory that a record will be looked for in, some rows before it is.
 *  @param dedup Set. @param row The record; only its key is read. */
void tg_dedup_prefetch(const struct tg_dedup *dedup, const struct tg_usage *row);

/** @brief Remember a journaled record without judging it. @param dedup Set. @param row Journaled.
 */
void tg_dedup_replay(struct tg_dedup *dedup, const struct tg_usage *row);

/** @brief Records remembered. @param dedup Set. @return Count over both generations. */
uint64_t tg_dedup_count(const struct tg_dedup *dedup);

/** @brief Times the old generation was forgotten. @param dedup Set. @return Count. */
uint64_t tg_dedup_rotations(const struct tg_dedup *dedup);

#endif
