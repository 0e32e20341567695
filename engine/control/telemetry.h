/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The control side of health: alarms, causes and impact, folded from the durable journal.
 *
 *  Source: design.md sections 2 and 8: the journal is the table, so the control thread reads what
 *  became durable instead of being told. Threads: control thread, or a tool's. Allocates: at open.
 *  Cost: one scan of each epoch; a few percent of a core at a million rows a second.
 *
 *  Alarms are thus a pure function of the journal: a restart, another process or a tool that folds
 *  the same journal gets the same alarms with the same ids. What operators did is kept beside it
 *  (operation.h).
 */
#ifndef TG_CONTROL_TELEMETRY_H
#define TG_CONTROL_TELEMETRY_H

#include "base/error.h"
#include "control/operation.h"
#include "health/summary.h"

#include <stdbool.h>
#include <stdint.h>

struct tg_db;
struct tg_roster;
struct tg_telemetry;
struct tg_txn;

/** @brief What to fold and how. */
struct tg_telemetry_params {
    const char *data_dir;                     /**< Whose journal; lives as long as the object. */
    const struct tg_inventory *inventory;     /**< Nodes; lives as long as the object. */
    const struct tg_profile *const *profiles; /**< Profiles. */
    uint32_t profiles_count;                  /**< At least 1. */
    uint32_t subscribers_max;                 /**< Roster size. */
};

/** @brief Open. @param params Copied. @param[out] telemetry Caller's. @param[out] why May be NULL.
 *  @return TG_OK or TG_E_NO_MEMORY. */
enum tg_err tg_telemetry_open(const struct tg_telemetry_params *params,
                              struct tg_telemetry **telemetry, struct tg_why *why);

/** @brief Free. @param telemetry May be NULL. */
void tg_telemetry_close(struct tg_telemetry *telemetry);

/**
 * @brief Fold what became durable since the last call, then let time pass.
 * @param[in,out] telemetry  Object.
 * @param[in]     epoch_max  Last durable epoch.
 * @param[in]     rows_max   The call ends with the epoch in which so many rows are reached, so that
 *                           a thread with other duties can see to them; 0: it goes on to epoch_max.
 * @param[in]     wall_ns    Arrival clock for silent nodes; INT64_MIN in replay.
 * @param[out]    why        May be NULL.
 * @return TG_OK; TG_E_AGAIN before epoch_max: call again, time has not passed yet; or the scan's
 *         error.
 */
enum tg_err tg_telemetry_follow(struct tg_telemetry *telemetry, uint64_t epoch_max,
                                uint64_t rows_max, int64_t wall_ns, struct tg_why *why);

/** @brief How far the journal is folded. @param telemetry Object. @return Epoch. */
uint64_t tg_telemetry_epoch(const struct tg_telemetry *telemetry);

/**
 * @brief Which nodes are down, by their active alarms nodeDown, nodeRestarting, powerFailure and
 *        inferredOutage; what operators say of an alarm changes nothing, but for its end.
 * @param[in]  telemetry  Object.
 * @param[out] since_ns   By node id: when the first of them was raised; INT64_MIN: none is. Shape
 *                        [nodes_count + 1].
 */
void tg_telemetry_outages(const struct tg_telemetry *telemetry, int64_t *since_ns);

/**
 * @brief The alarm list: causes first, dearest first.
 * @param[in]  telemetry        Object.
 * @param[out] items            Shape [capacity].
 * @param[in]  capacity         Room.
 * @param[in]  is_with_cleared  Also what is over.
 * @param[out] alarms_count     All there are; may be NULL.
 * @return Items written; borrowed until the next follow or command.
 */
uint32_t tg_telemetry_summary(struct tg_telemetry *telemetry, struct tg_summary_item *items,
                              uint32_t capacity, bool is_with_cleared, uint32_t *alarms_count);

/**
 * @brief Operator's command on an alarm; kept, so that it survives a restart.
 * @param[in,out] telemetry  Object.
 * @param[in]     number     Alarm number.
 * @param[in]     operation  What and when.
 * @param[in,out] txn        State environment, for writing; the command holds once it commits.
 * @return As tg_alarm_set_command.
 */
enum tg_err tg_telemetry_command(struct tg_telemetry *telemetry, uint32_t number,
                                 const struct tg_operation *operation, struct tg_txn *txn);

/** @brief Give kept commands to the alarms; once, after the first follow. @param telemetry Object.
 *  @param state Writable. @param[out] why May be NULL. @return TG_OK or the database's error. */
enum tg_err tg_telemetry_restore(struct tg_telemetry *telemetry, struct tg_db *state,
                                 struct tg_why *why);

/**
 * @brief Write documents of alarms and nodes that changed into the state environment, and announce
 *        the thresholds that usage reached.
 * @param[in,out] telemetry  Object.
 * @param[in,out] state      Writable.
 * @param[out]    why        May be NULL.
 * @return TG_OK or the transaction's error.
 */
enum tg_err tg_telemetry_publish(struct tg_telemetry *telemetry, struct tg_db *state,
                                 struct tg_why *why);

#endif
