/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Commands of the control socket: status, stop, reload of the catalog, alarm actions,
 *  prepaid requests.
 *
 *  Source: {"command":"status"} and so on; every answer has "ok". Threads: control thread.
 *  Allocates: yes. Cost: small; what takes long is a chore (chore.h).
 */
#ifndef TG_CONTROL_COMMANDS_H
#define TG_CONTROL_COMMANDS_H

#include "control/socket.h"

/**
 * @brief Answer one command.
 * @param[in]     context  struct tg_engine.
 * @param[in,out] request  Borrowed: {"command": "status" | "stop" | "reload" | "metrics" |
 *                         "plugins"}, {"command": "plugin_reload", "name": "night_owl"} or
 *                         {"command": "alarm_ack" | "alarm_unack" | "alarm_shelve" |
 *                         "alarm_unshelve" | "alarm_close", "alarms": ["A-000001"], "force": bool}
 *                         or {"command": "credit", "requests": [...]}, or
 *                         {"command": "rerate_post"} with a descriptor
 *                         (schemas/control/README.md).
 * @param[out]    answer   On true: new answer.
 * @return false: a reload, corrections and credit are answered when they are done.
 */
bool tg_engine_command(void *context, struct tg_control_request *request, struct tg_json **answer);

#endif
