/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Prepaid sessions of which a record came as well: what was charged twice.
 *
 *  Source: rating-semantics 4.13 ("refund what was taken when the CDR disagrees"). Threads: any;
 *  read-only once found. Allocates: in find. Cost: two scans of a few columns of the journal.
 *
 *  A commit is a rated row of its own, and the record that the network writes of the session is
 *  another. The record says what was used, so it is the commits that are taken back (rerate.h,
 *  backs_out): what is left is the record's charge, a refund or an extra charge as it disagrees.
 *  They are joined by the id: the record key of the record is tg_key_hash(1, id), as that of a CSV
 *  record is whose `columns.record_id` is one column with the reservations' id. All reservations of
 *  an id are one session. Both are of one account, else they do not join.
 */
#ifndef TG_BILL_SESSIONS_H
#define TG_BILL_SESSIONS_H

#include "base/error.h"
#include "bill/adjust.h"
#include "catalog/catalog.h"

#include <stdbool.h>
#include <stdint.h>

/** Commits looked at, at most; more is TG_E_FULL. 24 octets each. */
#define TG_BILL_SESSIONS_MAX (64u << 20)

/** @brief What was found. */
struct tg_bill_sessions;

/**
 * @brief Find commits whose session has a record.
 * @param[in]  data_dir     Holds journal/.
 * @param[in]  epoch_max    Last epoch to look at; 0: all committed.
 * @param[in]  catalog      Borrowed until return.
 * @param[in]  adjustments  Of the same epochs: a record that was backed out is none. Borrowed.
 * @param[out] sessions     Written on TG_OK; tg_bill_sessions_close.
 * @param[out] why          May be NULL.
 * @return TG_OK, TG_E_NO_MEMORY, TG_E_FULL, TG_E_CORRUPT, as tg_scan_next.
 */
enum tg_err tg_bill_sessions_find(const char *data_dir, uint64_t epoch_max,
                                  const struct tg_catalog_snapshot *catalog,
                                  const struct tg_adjust_index *adjustments,
                                  struct tg_bill_sessions **sessions, struct tg_why *why);

/** @brief Give back. @param sessions Found, or NULL. */
void tg_bill_sessions_close(struct tg_bill_sessions *sessions);

/** @brief Is this row a commit of such a session? @param sessions Found. @param usage Borrowed.
 *  @return true if so. */
bool tg_bill_sessions_has(const struct tg_bill_sessions *sessions, const struct tg_usage *usage);

#endif
