/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The alarm list an operator reads first: causes before symptoms, dearest first.
 *
 *  Source: RFC 8632 alarm list, TMF642 names (RAISED, UPDATED, CLEARED, ACKNOWLEDGED).
 *  Threads: owner thread of the alarm set. Allocates: never. Cost: a sort and one impact question
 * an active alarm.
 */
#ifndef TG_HEALTH_SUMMARY_H
#define TG_HEALTH_SUMMARY_H

#include "health/alarm.h"
#include "health/cause.h"
#include "health/impact.h"
#include "health/inventory.h"

#include <stdbool.h>
#include <stdint.h>

/** @brief One line of the summary; pointers live as long as the set and the inventory. */
struct tg_summary_item {
    const struct tg_alarm *alarm;      /**< Until the next change of the set. */
    const char *node_name;             /**< "" for the engine's own alarms. */
    const char *state;                 /**< "RAISED", "UPDATED" or "CLEARED". */
    const char *ack_state;             /**< "ACKNOWLEDGED" or "UNACKNOWLEDGED". */
    const char *severity;              /**< Perceived: "cleared" when cleared. */
    char id[TG_ALARM_ID_BYTES];        /**< "A-000001". */
    char parent_id[TG_ALARM_ID_BYTES]; /**< Cause, or "". */
    struct tg_impact_answer impact;    /**< Zero when no impact was given. */
    uint32_t correlated_count;         /**< Alarms that name this one as parent. */
    uint32_t suppress;                 /**< Bits of enum tg_alarm_suppress. */
    uint8_t confidence_percent;        /**< Of the cause. */
    bool is_root_cause;                /**< Cause of a problem. */
};

/** @brief What to put in. */
struct tg_summary_config {
    const struct tg_inventory *inventory; /**< Names. */
    const struct tg_alarm_set *alarms;    /**< Alarms. */
    struct tg_impact *impact;             /**< NULL: no subscribers, no money. */
    int64_t now_ns;                       /**< Event time now. */
    bool is_with_cleared;                 /**< Also alarms that are over. */
};

/**
 * @brief Build the summary.
 * @param[in]  config          Borrowed until return.
 * @param[out] items           Shape [items_capacity].
 * @param[in]  items_capacity  Room; when it does not suffice the first numbers are taken.
 * @param[out] alarms_count    How many there are in all; may be NULL.
 * @return Items written: active before cleared, root causes first, then those without a cause, then
 *         symptoms; within each by revenue per hour, severity, number.
 */
uint32_t tg_summary_build(const struct tg_summary_config *config, struct tg_summary_item *items,
                          uint32_t items_capacity, uint32_t *alarms_count);

#endif
