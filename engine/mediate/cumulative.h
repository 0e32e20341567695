/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Turn readings that count from a session's start into the usage since the last reading.
 *
 *  Source: RFC 2866 5.3-5.6, RFC 2869 5.1 (Gigawords): interim and stop values are cumulative.
 *  Threads: one writer, the ingest lcore. Allocates: in create only. Cost: one probe a row.
 *
 *  For a row flagged TG_USAGE_CUMULATIVE, keyed by its session (peer_key):
 *   - a larger reading leaves the difference in the row;
 *   - an equal reading leaves zero (a repeat; duplicates are found by record key later);
 *   - a smaller one is late: its usage is already inside a later reading, so it is merged.
 *
 *  Full: the reading least recently used in its neighbourhood makes room (counted). A session that
 *  lost its place that way would be charged again from zero, so its next row is suspended as
 *  TG_E_ASSEMBLY_INCOMPLETE when its start lies before the eviction horizon.
 */
#ifndef TG_MEDIATE_CUMULATIVE_H
#define TG_MEDIATE_CUMULATIVE_H

#include "abi/err.h"
#include "abi/usage.h"

#include <stddef.h>
#include <stdint.h>

struct tg_cumulative;

/** @brief Make. @param sessions_count_max Sessions remembered. @return Table or NULL. */
struct tg_cumulative *tg_cumulative_create(uint32_t sessions_count_max);

/** @brief Free. @param cumulative May be NULL. */
void tg_cumulative_free(struct tg_cumulative *cumulative);

/**
 * @brief Replace a row's reading by the usage since the last one.
 * @param[in,out] cumulative  Table.
 * @param[in,out] row         Flagged TG_USAGE_CUMULATIVE; quantities and duration become deltas.
 * @return TG_OK: the delta is in the row, possibly zero; TG_E_MERGED: late reading, row zeroed;
 *         TG_E_ASSEMBLY_INCOMPLETE: the session's earlier readings were forgotten, row untouched.
 */
enum tg_err tg_cumulative_delta(struct tg_cumulative *cumulative, struct tg_usage *row);

/** @brief Rebuild from a journaled row: adds its delta to the session. @param cumulative Table.
 *  @param row As journaled. */
void tg_cumulative_replay(struct tg_cumulative *cumulative, const struct tg_usage *row);

/** @brief Sessions pushed out. @param cumulative Table. @return Count. */
uint64_t tg_cumulative_evicted(const struct tg_cumulative *cumulative);

/**
 * @brief The table's memory: its own image for a checkpoint, and the place to load one into.
 * @param[in]  cumulative  Table; nobody writes while the image is read or loaded.
 * @param[out] size_bytes  Its size; an image of another size belongs to another configuration.
 * @return First byte.
 */
void *tg_cumulative_image(struct tg_cumulative *cumulative, size_t *size_bytes);

#endif
