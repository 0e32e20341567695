/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief How far inputs are read, as the journal says: the latest of each port and file.
 *
 *  Source: design.md 6. Threads: one at a time. Allocates: the list. Cost: the end of the list is
 *  looked at first, so the file that is being read costs one step.
 */
#ifndef TG_FLOW_POSITIONS_H
#define TG_FLOW_POSITIONS_H

#include "base/error.h"
#include "ledger/checkpoint.h"

#include <stdint.h>

/** @brief Positions; zeroed is empty. */
struct tg_positions {
    struct tg_checkpoint_position *list; /**< Shape [count]. */
    uint32_t count;                      /**< How many. */
    uint32_t capacity;                   /**< Room. */
    uint64_t epoch;                      /**< Positions of the journal up to it are in. */
};

/** @brief Free. @param positions Any. */
void tg_positions_free(struct tg_positions *positions);

/** @brief Set one; the last one set of a port and file wins. @param positions Any. @param port_hash
 *  tg_key_name of the port. @param file_key File; 0 a capture's. @param offset Octets read.
 *  @return TG_OK or TG_E_NO_MEMORY. */
enum tg_err tg_positions_set(struct tg_positions *positions, uint64_t port_hash, uint64_t file_key,
                             uint64_t offset);

/**
 * @brief Take in what the journal says of the epochs after positions->epoch.
 * @param[in,out] positions  Any.
 * @param[in]     data_dir   Data directory; its journal may be written on meanwhile.
 * @param[in]     epoch      Up to this epoch; durable.
 * @param[out]    why        May be NULL.
 * @return TG_OK, TG_E_NO_MEMORY, or what the scan said.
 */
enum tg_err tg_positions_follow(struct tg_positions *positions, const char *data_dir,
                                uint64_t epoch, struct tg_why *why);

#endif
