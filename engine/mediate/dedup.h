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

#include <stdbool.h>
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

/**
 * @brief Begin to remember journaled records: the table becomes what it was as they were accepted.
 *
 * A look at the table is a page walk a record. So records are laid down by place first and go into
 * the table some hundred at a time, a piece of it that stays in the second-level cache; and those
 * that a generation forgets again before the journal ends need not go in at all.
 *
 * @param[in,out] dedup       Fresh.
 * @param[in]     skip_count  So many of the first records are not put into the table. Whatever is
 *                            not above tg_dedup_skip of the records that will come is right.
 * @return TG_OK, or TG_E_NO_MEMORY: 16 KiB for each MiB of the table, at most 64 MiB.
 */
enum tg_err tg_dedup_restore_begin(struct tg_dedup *dedup, uint64_t skip_count);

/** @brief Records that are forgotten again when so many follow each other.
 *  @param dedup Set. @param records_count Records, or fewer. @return The first so many of them. */
uint64_t tg_dedup_skip(const struct tg_dedup *dedup, uint64_t records_count);

/** @brief Of the records that come next, so many are among the first skip_count.
 *  @param dedup Begun. @return Count. */
uint64_t tg_dedup_restore_skips(const struct tg_dedup *dedup);

/** @brief Room until the young generation turns. @param dedup Begun. @return Records, at least 1.
 */
uint64_t tg_dedup_restore_room(const struct tg_dedup *dedup);

/** @brief What tg_dedup_restore does with records that are not put into the table.
 *  @param dedup Begun. @param event_ns_max The latest of their start_ns. @param count At most
 *  tg_dedup_restore_skips and tg_dedup_restore_room. */
void tg_dedup_restore_skip(struct tg_dedup *dedup, int64_t event_ns_max, uint64_t count);

/** @brief Remember an accepted record, the next in journal order. @param dedup Begun.
 *  @param row As journaled. */
void tg_dedup_restore(struct tg_dedup *dedup, const struct tg_usage *row);

/** Keys, checks and places of accepted records: another thread than the table's writer can make
 *  them. */
struct tg_dedup_records;

/** @brief Make. @param dedup Begun; only its size is looked at.
 *  @return No records, or NULL: no memory. Give back with tg_dedup_records_free. */
struct tg_dedup_records *tg_dedup_records_create(const struct tg_dedup *dedup);

/** @brief Give back. @param records Created, or NULL. */
void tg_dedup_records_free(struct tg_dedup_records *records);

/** @brief Forget what was added before. @param records Its thread's. @param count_max As many are
 *  added. @return false: no memory. */
bool tg_dedup_records_begin(struct tg_dedup_records *records, uint32_t count_max);

/** @brief Add an accepted record. @param records Begun. @param row As journaled. */
void tg_dedup_records_add(struct tg_dedup_records *records, const struct tg_usage *row);

/** @brief tg_dedup_restore of all of them. @param dedup Begun, and tg_dedup_restore_skips is 0.
 *  @param records Of a table of this size; at most tg_dedup_restore_room. */
void tg_dedup_restore_records(struct tg_dedup *dedup, const struct tg_dedup_records *records);

/** @brief End what tg_dedup_restore_begin began. @param dedup Begun, or not. */
void tg_dedup_restore_end(struct tg_dedup *dedup);

/** @brief Records remembered. @param dedup Set. @return Count over both generations. */
uint64_t tg_dedup_count(const struct tg_dedup *dedup);

/** @brief Times the old generation was forgotten. @param dedup Set. @return Count. */
uint64_t tg_dedup_rotations(const struct tg_dedup *dedup);

#endif
