/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The alarm state machine: one alarm as a fold over its sorted changes.
 *
 *  Source: the transition table of the assurance semantics 4.5 of this project.
 *  Threads: pure; the owner of the alarm. Allocates: never. Cost: at most 32 steps an insertion.
 */
#ifndef TG_HEALTH_ALARM_FOLD_H
#define TG_HEALTH_ALARM_FOLD_H

#include "health/alarm.h"

/** @brief What an insertion did. */
enum tg_fold_result {
    TG_FOLD_APPLIED = 0,   /**< Stored and folded. */
    TG_FOLD_DUPLICATE = 1, /**< The same change is stored already. */
    TG_FOLD_LATE = 2       /**< Older than the base: counted there. */
};

/** @brief Entries that left the history to make room. */
struct tg_fold_counters {
    uint64_t repeats_count; /**< Changed nothing; counted in the base. */
    uint64_t changes_count; /**< Folded into the base. */
};

/** @brief The state before anything happened. @param[out] state Written. */
void tg_alarm_state_reset(struct tg_alarm_state *state);

/** @brief Was it ever raised? @param state Borrowed. @return false for a tombstone. */
bool tg_alarm_state_is_raised(const struct tg_alarm_state *state);

/**
 * @brief One transition.
 * @param[in,out] state   Folded so far.
 * @param[in]     change  Not earlier than the changes folded.
 * @return true when more than counts changed.
 */
bool tg_alarm_state_step(struct tg_alarm_state *state, const struct tg_alarm_change *change);

/**
 * @brief Put a change where its time says and fold again.
 * @param[in,out] alarm     base, state and changes are updated.
 * @param[in]     change    Borrowed.
 * @param[in,out] counters  Added to.
 * @return enum tg_fold_result.
 */
enum tg_fold_result tg_alarm_fold_insert(struct tg_alarm *alarm,
                                         const struct tg_alarm_change *change,
                                         struct tg_fold_counters *counters);

/** @brief Total order of changes. @param a Borrowed. @param b Borrowed.
 *  @return Negative, 0 (the same change), positive. */
int tg_alarm_change_order(const struct tg_alarm_change *a, const struct tg_alarm_change *b);

#endif
