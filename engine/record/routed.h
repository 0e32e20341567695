/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief What crosses a ring from an ingest lcore to a rate worker: the row and what ingest knows.
 *
 *  Source: design.md section 5 (rows by value; no pointer crosses a ring).
 *  Threads: copied by value. Allocates: never. Cost: 80 bytes a row in the ring.
 */
#ifndef TG_RECORD_ROUTED_H
#define TG_RECORD_ROUTED_H

#include "abi/usage.h"
#include "record/charge.h"

#include <stdint.h>

/** In tg_routed.epoch: prepaid requests wait at the desk. */
#define TG_ROUTED_DESK UINT64_MAX

/** @brief A row on its way, or a marker that ends an epoch. */
struct tg_routed {
    struct tg_usage usage; /**< The row. */
    uint32_t subscriber;   /**< Dense roster index, or TG_SUBSCRIBER_NONE. */
    int16_t reason;        /**< enum tg_err when fate is set. */
    uint8_t fate : 4;      /**< enum tg_fate; TG_FATE_NONE: to be priced. */
    uint8_t node_state : 4; /**< enum tg_node_state of the node at start_ns. */
    uint8_t site;           /**< As in tg_charge. */
    uint64_t epoch;        /**< 0 for rows; for a marker the epoch that ends here, or
                                TG_ROUTED_DESK. */
};
_Static_assert(sizeof(struct tg_routed) == 80, "a multiple of 16 for the ring");

#endif
