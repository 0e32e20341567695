/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Identify flows between two IPv4 addresses, which nearly all rows are: for identify.c
 * only.
 *
 *  Source: identify.h, whose general way is the oracle: this gives its rows or leaves them to it.
 *  Threads: pure over read-only tables; any ingest lcore. Allocates: never. Cost: one line of the
 *  session index a row, asked for while the rows before it are worked on.
 */
#ifndef TG_MEDIATE_IDENTIFY_FLOWS_H
#define TG_MEDIATE_IDENTIFY_FLOWS_H

#include "record/batch.h"

#include <stdint.h>

struct tg_sessions;

/**
 * @brief Identify rows by the sessions of IPv4 addresses; no address is anybody's by contract.
 * @param[in]     sessions  Address holders.
 * @param[in,out] batch     As for tg_identify_run; rows that are left are not changed.
 * @param[out]    left      Rows to be asked for in the general way: of other keys, or not told by
 *                          the index; shape [TG_BATCH_ROWS_MAX].
 * @return How many are left.
 */
uint32_t tg_identify_flows(const struct tg_sessions *sessions, struct tg_batch *batch,
                           uint16_t *left);

#endif
