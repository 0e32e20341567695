/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Small change of the ledger tests: scratch directories, random rows, a written journal.
 *
 *  Source: tests only. Threads: one. Allocates: as it likes. Cost: none that matters.
 */
#ifndef TG_TESTS_JOURNAL_HELP_H
#define TG_TESTS_JOURNAL_HELP_H

#include "ledger/journal.h"

#include <stddef.h>
#include <stdint.h>

#define HELP_BLOCK_ROWS_MAX 3072u /**< Three groups. */

/** @brief Next number of a seeded sequence. @param state In/out. @return Any 64 bits. */
uint64_t help_random(uint64_t *state);

/** @brief Make an empty scratch directory. @param[out] dir NUL-terminated, 256 octets. */
void help_dir_make(char *dir);

/** @brief Remove it with all that is in it. @param dir From help_dir_make. */
void help_dir_remove(const char *dir);

/** @brief Fill realistic rows. @param state Seed. @param[out] rows Shape [count]. @param[out]
 * charges Shape [count]. @param count Rows. @param epoch Moves time on. */
void help_rows(uint64_t *state, struct tg_usage *rows, struct tg_charge *charges, uint32_t count,
               uint64_t epoch);

/** @brief Fill every octet at random (fates stay valid). @param state Seed. @param[out] rows Shape
 *  [count]. @param[out] charges Shape [count]. @param count Rows. */
void help_rows_wild(uint64_t *state, struct tg_usage *rows, struct tg_charge *charges,
                    uint32_t count);

/** @brief Write epochs of rows_count rows each with seed = epoch, inline, and close.
 *  @param dir Data directory. @param epochs_count How many. @param rows_count Rows of each.
 *  @param segment_bytes Segment size; 0 default. @param is_sparse No preallocation. */
void help_journal(const char *dir, uint32_t epochs_count, uint32_t rows_count,
                  uint64_t segment_bytes, bool is_sparse);

/** @brief Read a file. @param path Name. @param[out] length_bytes Its size. @return Octets to free.
 */
uint8_t *help_file_read(const char *path, size_t *length_bytes);

/** @brief Replace a file. @param path Name. @param bytes Content. @param length_bytes Its size. */
void help_file_write(const char *path, const uint8_t *bytes, size_t length_bytes);

#endif
