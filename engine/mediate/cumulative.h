/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Turn readings that count from a session's start into the usage since the last reading.
 *
 *  Source: RFC 2866 5.3-5.6, RFC 2869 5.1 (Gigawords): interim and stop values are cumulative.
 *  Threads: one writer, the ingest lcore. Allocates: in create only: 32 / 0.65 = 50 octets a
 *  session. Cost: two cache misses a row, four for a session's first.
 *
 *  For a row flagged TG_USAGE_CUMULATIVE, keyed by its session (peer_key):
 *   - a larger reading leaves the difference in the row;
 *   - an equal reading leaves zero (a repeat; duplicates are found by record key later);
 *   - a smaller one is late: its usage is already inside a later reading, so it is merged.
 *
 *  Full: the reading least recently used in its neighbourhood makes room (counted). A session that
 *  lost its place that way would be charged again from zero, so its next row is suspended as
 *  TG_E_ASSEMBLY_INCOMPLETE when its start lies before the eviction horizon.
 *
 *  Pages are copied at different epochs, each between two of them. A replayed row changes one
 * bucket and the head; a page that holds its epoch is left alone, and the head, copied last, has a
 * clock no earlier than any reading's and a horizon that replaying can only reach again.
 */
#ifndef TG_MEDIATE_CUMULATIVE_H
#define TG_MEDIATE_CUMULATIVE_H

#include "abi/err.h"
#include "abi/usage.h"

#include <stdbool.h>
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

/** @brief Rebuild from a journaled row: adds its delta to the session, unless the session's page
 *  holds that epoch already. @param cumulative Table. @param row As journaled. @param epoch Its
 *  epoch. */
void tg_cumulative_replay(struct tg_cumulative *cumulative, const struct tg_usage *row,
                          uint64_t epoch);

/** @brief Sessions pushed out. @param cumulative Table. @return Count. */
uint64_t tg_cumulative_evicted(const struct tg_cumulative *cumulative);

/** Largest page of the table: 512 buckets of 8 readings. */
#define TG_CUMULATIVE_PAGE_BYTES 131072u

/** @brief Pages for a checkpoint: 0 is the head, which is taken after all others; each of the
 * others has the readings of whole buckets. @param cumulative Table. @return Count, at least 2. */
uint32_t tg_cumulative_pages_count(const struct tg_cumulative *cumulative);

/** @brief Was it written since it was taken? The head always is. @param cumulative Table.
 *  @param page Below the count. @return true if so. */
bool tg_cumulative_page_dirty(const struct tg_cumulative *cumulative, uint32_t page);

/** @brief It did not become a checkpoint: take it again. @param cumulative Table; any thread.
 *  @param page Below the count. */
void tg_cumulative_page_mark(struct tg_cumulative *cumulative, uint32_t page);

/** @brief Copy a page and wipe its mark; the writer's thread, or nobody writes.
 *  @param cumulative Table. @param page Below the count. @param[out] to At least
 *  TG_CUMULATIVE_PAGE_BYTES. @return Octets written. */
uint32_t tg_cumulative_page_take(struct tg_cumulative *cumulative, uint32_t page, void *to);

/**
 * @brief Put a page back.
 * @param[in,out] cumulative  Table.
 * @param[in]     page        Page number.
 * @param[in]     epoch       Last epoch that is in it.
 * @param[in]     bytes       Borrowed.
 * @param[in]     size_bytes  Their length.
 * @return TG_OK, TG_E_FORMAT (of a table of another size), TG_E_INVALID (no such page).
 */
enum tg_err tg_cumulative_page_load(struct tg_cumulative *cumulative, uint32_t page, uint64_t epoch,
                                    const void *bytes, size_t size_bytes);

#endif
