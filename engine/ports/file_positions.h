/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief How far each file is known to be read: file key to offset, bounded.
 *
 *  Source: design law 3 (once). Threads: one owner. Allocates: init only. Cost: about one miss.
 */
#ifndef TG_PORTS_FILE_POSITIONS_H
#define TG_PORTS_FILE_POSITIONS_H

#include "abi/err.h"

#include <stdbool.h>
#include <stdint.h>

/** Files remembered; beyond it a file dropped again is read again and meets the duplicate check. */
#define TG_FILE_POSITIONS_MAX 65536u

/** @brief Open-addressed table, at most half full. */
struct tg_file_positions {
    struct tg_file_position *slots; /**< Owned; NULL before init. */
    uint32_t used_count;            /**< 0..TG_FILE_POSITIONS_MAX. */
};

/** @brief Make an empty table. @param[out] positions Written. @return TG_OK, TG_E_NO_MEMORY. */
enum tg_err tg_file_positions_init(struct tg_file_positions *positions);

/** @brief Give back. @param positions Owned; may be zeroed or half made. */
void tg_file_positions_fini(struct tg_file_positions *positions);

/**
 * @brief Remember; an offset never goes back.
 * @param positions  Owned.
 * @param file_key   Not 0.
 * @param offset     Octets read.
 * @return TG_OK or TG_E_FULL: not remembered.
 */
enum tg_err tg_file_positions_set(struct tg_file_positions *positions, uint64_t file_key,
                                  uint64_t offset);

/**
 * @brief Look up.
 * @param[in]  positions  Borrowed.
 * @param[in]  file_key   Not 0.
 * @param[out] offset     Written when the result is true.
 * @return Whether the file is known.
 */
bool tg_file_positions_get(const struct tg_file_positions *positions, uint64_t file_key,
                           uint64_t *offset);

#endif
