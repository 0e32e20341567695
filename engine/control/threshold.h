/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Thresholds that usage reached, announced once with the record that reached them.
 *
 *  Source: reference rating-semantics 4.6 (fire on crossing, once a period, with the record id).
 *  Threads: the control thread. Allocates: yes, control plane; only rows that the rate stage marked
 *  (TG_CHARGE_THRESHOLD) are kept, until they are published. Cost: a test a row.
 *
 *  The journal is folded again at every start, and a row is known by its place in it: so whoever
 *  follows the outbox hears of it exactly once, whatever crashed in between.
 */
#ifndef TG_CONTROL_THRESHOLD_H
#define TG_CONTROL_THRESHOLD_H

#include "base/error.h"

struct tg_db;
struct tg_scan_view;
struct tg_threshold_list;

/** @brief Make an empty list. @return List, or NULL when memory is short. */
struct tg_threshold_list *tg_threshold_list_open(void);

/** @brief Free. @param list May be NULL. */
void tg_threshold_list_close(struct tg_threshold_list *list);

/** @brief Keep the marked rows of a block; blocks come in the order of the journal.
 *  @param list Object. @param view With the column charge_flags; borrowed. @param[out] why May be
 *  NULL. @return TG_OK, TG_E_NO_MEMORY or what tg_scan_row said. */
enum tg_err tg_threshold_list_fold(struct tg_threshold_list *list, const struct tg_scan_view *view,
                                   struct tg_why *why);

/**
 * @brief Store and announce what was kept: document `usageThreshold` EPOCH:INDEX, outbox entry of
 *        that kind. Rows that are stored already are not announced again.
 * @param[in,out] list   Emptied on TG_OK.
 * @param[in,out] state  Writable.
 * @param[out]    why    May be NULL.
 * @return TG_OK or the transaction's error.
 */
enum tg_err tg_threshold_list_publish(struct tg_threshold_list *list, struct tg_db *state,
                                      struct tg_why *why);

#endif
