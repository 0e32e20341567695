/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief What operators did to alarms, kept: an acknowledgement survives a restart.
 *
 *  Source: RFC 8632 3.5 (the operator's state is his, not the engine's).
 *  Threads: control thread. Allocates: per command, control plane. Cost: one document a command.
 *
 *  Alarms are folded from the journal, and operators' commands are not in it. They are documents of
 *  the collection "operation" in the state environment, one each, numbered in the order given. An
 *  alarm is named by node, kind and part, which stay the same in every fold. Its changes are folded
 *  by their time, so it does not matter that commands come after the whole journal at a restart.
 */
#ifndef TG_CONTROL_OPERATION_H
#define TG_CONTROL_OPERATION_H

#include "base/error.h"
#include "health/alarm.h"

#include <stdbool.h>
#include <stdint.h>

struct tg_db;
struct tg_inventory;
struct tg_txn;

/** @brief A command that was carried out. */
struct tg_operation {
    int64_t at_ns;            /**< When. */
    enum tg_change_kind kind; /**< What. */
    bool is_forced;           /**< CLOSE of an active alarm. */
};

/**
 * @brief Keep a command.
 * @param[in,out] txn        For writing; its error is sticky and tells at commit.
 * @param[in]     inventory  Names the alarm's node.
 * @param[in]     alarm      Borrowed.
 * @param[in]     operation  Borrowed.
 */
void tg_operation_keep(struct tg_txn *txn, const struct tg_inventory *inventory,
                       const struct tg_alarm *alarm, const struct tg_operation *operation);

/**
 * @brief Give all kept commands to a freshly folded set; forgets those whose alarm is gone.
 * @param[in,out] state      Writable.
 * @param[in]     inventory  Nodes.
 * @param[in,out] alarms     Folded from the whole journal.
 * @param[out]    why        May be NULL.
 * @return TG_OK, or the database's error.
 */
enum tg_err tg_operation_replay(struct tg_db *state, const struct tg_inventory *inventory,
                                struct tg_alarm_set *alarms, struct tg_why *why);

#endif
