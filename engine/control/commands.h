/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Commands of the control socket: status, stop, reload of the catalog, alarm actions,
 *  prepaid requests.
 *
 *  Source: {"command":"status"} and so on; every answer has "ok". Threads: control thread.
 *  Allocates: yes. Cost: a reload imports and opens the catalog; the rows flow on meanwhile.
 */
#ifndef TG_CONTROL_COMMANDS_H
#define TG_CONTROL_COMMANDS_H

#include "doc/json.h"

/**
 * @brief Answer one command.
 * @param context  struct tg_engine.
 * @param request  Borrowed: {"command": "status" | "stop" | "reload" | "metrics" | "plugins"},
 *                 {"command": "plugin_reload", "name": "night_owl"} or
 *                 {"command": "alarm_ack" | "alarm_unack" | "alarm_shelve" | "alarm_unshelve" |
 *                 "alarm_close", "alarms": ["A-000001"], "force": bool} or
 *                 {"command": "credit", "requests": [...]} (schemas/control/README.md).
 * @return New answer.
 */
struct tg_json *tg_engine_command(void *context, const struct tg_json *request);

#endif
