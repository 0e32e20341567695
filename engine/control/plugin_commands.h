/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Plug-ins of the running engine: what they are, new code for one, what became of them.
 *
 *  Source: plug/registry.h. Threads: control thread. Allocates: yes, JSON. Cost: a reload is a
 * fork, a load and a grace period; rows flow on.
 */
#ifndef TG_CONTROL_PLUGIN_COMMANDS_H
#define TG_CONTROL_PLUGIN_COMMANDS_H

#include "doc/json.h"
#include "plug/registry.h"

#include <stdint.h>

/** @brief Quarantine of each plug-in as it was last told. */
struct tg_plugins_told {
    int32_t reasons[TG_PLUGS_MAX]; /**< enum tg_err; 0 in use. */
};

/** @brief A plug-in as JSON, as `tollgate plugin list` prints it. @param plug Entry.
 *  @return New object: kind, name, version, summary, origin, path, hash, reloads, faults,
 *          quarantine, fault. */
struct tg_json *tg_plugin_json(const struct tg_plug *plug);

/** @brief Command "plugins". @return {"ok":true,"plugins":[...]}. */
struct tg_json *tg_command_plugins(void);

/**
 * @brief Command "plugin_reload": {"name":"night_owl"}.
 *
 * When the answer comes, no worker runs the old code any more: rows that arrive from then on are
 * priced by the new one.
 *
 * @param[in] request  Borrowed.
 * @return {"ok":true,"plugin":{...}}, or ok false with reason and message; then nothing changed.
 */
struct tg_json *tg_command_plugin_reload(const struct tg_json *request);

/** @brief Log who was taken out of use and who came back since the last call.
 *  @param[in,out] told Zeros at first. */
void tg_plugins_tell(struct tg_plugins_told *told);

#endif
