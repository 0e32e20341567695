/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Rows of accounts that do not stand in the order in which they came.
 *
 *  Source: rating-semantics 4.5 (order: event start, source, sequence), 4.11. Threads: one a
 *  replay. Allocates: as rows are kept (bounded). Cost: 168 octets a row of such accounts and a
 *  sort of each; nothing for all others.
 *
 *  Accounts do not meet, so the rows of one may be replayed behind all rows of others. Those of an
 *  account whose rows were, or are to be, brought into the order of their events are kept while the
 *  journal is walked, and replayed at its end in that order.
 */
#ifndef TG_BILL_REPLAY_ORDER_H
#define TG_BILL_REPLAY_ORDER_H

#include "base/error.h"
#include "bill/adjust.h"
#include "record/charge.h"

#include <stdbool.h>
#include <stdint.h>

/** Rows that a replay keeps; more is TG_E_FULL: 1.3 GiB. */
#define TG_REPLAY_KEPT_MAX (8u << 20)

/** @brief A kept row. */
struct tg_replay_kept {
    struct tg_usage usage;   /**< As journaled. */
    struct tg_charge stored; /**< As journaled. */
    uint64_t epoch;          /**< Place: epoch ... */
    uint32_t index;          /**< ... and row of it. */
    uint32_t member;         /**< Line of the replay. */
    uint32_t account;        /**< Roster index. */
    uint32_t rank;           /**< Private: place before it is sorted. */
    uint32_t class;          /**< Private: before, within or behind the times that are sorted. */
    uint32_t reserved;       /**< 0. */
};

/** @brief The kept rows; zeroed at first. */
struct tg_replay_keep {
    struct tg_replay_kept *rows;    /**< In journal order; shape [count]. */
    struct tg_replay_kept **sorted; /**< Behind tg_replay_keep_sort; shape [count]. */
    uint32_t count;                 /**< Rows. */
    uint32_t capacity;              /**< Private. */
};

/** @brief Is one event in front of another? By start, then source, then sequence.
 *  @param a Borrowed. @param b Borrowed. @return Below 0, 0 or above. */
int tg_replay_event_compare(const struct tg_usage *a, const struct tg_usage *b);

/** @brief Of a row, relative to the times that are sorted. @param at_ns Event time.
 *  @param from_ns First instant. @param to_ns First behind. @return 0 before, 1 within, 2 behind.
 */
static inline uint32_t tg_replay_event_class(int64_t at_ns, int64_t from_ns, int64_t to_ns)
{
    return at_ns < from_ns ? 0 : at_ns < to_ns ? 1 : 2;
}

/** @brief Keep a row. @param keep Rows. @param row Borrowed. @param[out] why May be NULL.
 *  @return TG_OK, TG_E_FULL, TG_E_NO_MEMORY. */
enum tg_err tg_replay_keep_add(struct tg_replay_keep *keep, const struct tg_replay_kept *row,
                               struct tg_why *why);

/** @brief Sort by account, each as its rows stand. @param keep Rows. @param adjustments Of the
 *  journal. @param[out] why May be NULL. @return TG_OK, TG_E_NO_MEMORY. */
enum tg_err tg_replay_keep_sort(struct tg_replay_keep *keep,
                                const struct tg_adjust_index *adjustments, struct tg_why *why);

/** @brief Bring rows of one account into the order of events. @param sorted In keep->sorted; shape
 *  [count]. @param count Rows. @param order Times. */
void tg_replay_keep_order(struct tg_replay_kept **sorted, uint32_t count,
                          const struct tg_adjust_order *order);

/** @brief Free. @param keep Any. */
void tg_replay_keep_free(struct tg_replay_keep *keep);

#endif
