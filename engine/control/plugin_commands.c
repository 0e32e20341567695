/* SPDX-License-Identifier: Apache-2.0 */
#include "control/plugin_commands.h"

#include "base/log.h"
#include "rt/snapshot.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char *kind_name(uint32_t kind)
{
    static const char *const names[] = {"unknown", "decoder", "tariff", "front"};
    return kind <= TG_PLUGIN_FRONT ? names[kind] : names[0];
}

static const char *origin_name(uint8_t origin)
{
    static const char *const names[] = {"unknown", "builtin", "native", "refused", "bpf"};
    return origin <= TG_PLUG_BPF ? names[origin] : names[0];
}

struct tg_json *tg_plugin_json(const struct tg_plug *plug)
{
    const struct tg_plugin *plugin = plug->plugin;
    const int32_t reason = atomic_load_explicit(&plug->quarantine, memory_order_relaxed);
    struct tg_json *entry = tg_json_object();
    tg_json_set_string(entry, "kind", kind_name(plugin->kind));
    tg_json_set_string(entry, "name", plug->name);
    tg_json_set_string(entry, "version", plugin->version);
    tg_json_set_string(entry, "summary", plugin->summary);
    tg_json_set_string(entry, "origin", origin_name(plug->origin));
    if (plug->path[0] != '\0') {
        char hash[20];
        (void)snprintf(hash, sizeof hash, "%016" PRIx64, plug->object.hash);
        tg_json_set_string(entry, "path", plug->path);
        tg_json_set_string(entry, "hash", plug->object.fd >= 0 ? hash : NULL);
        tg_json_set_integer(entry, "reloads", plug->reloads_count);
    }
    tg_json_set_integer(entry, "faults",
                        (int64_t)atomic_load_explicit(&plug->faults_count, memory_order_relaxed));
    tg_json_set_string(entry, "quarantine", reason != TG_OK ? tg_err_name(reason) : NULL);
    tg_json_set_string(entry, "fault", reason != TG_OK ? tg_plug_fault(plug) : NULL);
    return entry;
}

struct tg_json *tg_command_plugins(void)
{
    struct tg_json *answer = tg_json_object();
    struct tg_json *list = tg_json_list();
    for (uint32_t i = 0; i < tg_plug_count(); i++) {
        tg_json_append(list, tg_plugin_json(tg_plug_at(i)));
    }
    tg_json_set_bool(answer, "ok", true);
    tg_json_set(answer, "plugins", list);
    return answer;
}

static void object_destroy(void *object, void *context)
{
    (void)context;
    tg_plug_object_close(object);
    free(object);
}

struct tg_json *tg_command_plugin_reload(const struct tg_json *request)
{
    const char *name = tg_json_get_text(request, "name", "");
    struct tg_why why = {""};
    struct tg_json *answer = tg_json_object();
    struct tg_plug_object *old = malloc(sizeof *old);
    const enum tg_err err =
        old != NULL ? tg_plug_reload(name, old, &why)
                    : tg_why_set(&why, TG_E_NO_MEMORY, "no memory to reload %.60s", name);
    tg_json_set_bool(answer, "ok", err == TG_OK);
    if (err != TG_OK) {
        free(old);
        tg_json_set_string(answer, "reason", tg_err_name(err));
        tg_json_set_string(answer, "message", why.text);
        return answer;
    }
    /* The grace period is waited for here, so that the answer is a point in time: behind it every
     * row is priced by the new code, and the old is gone. */
    tg_snapshot_retire(old, object_destroy, NULL);
    (void)tg_snapshot_reclaim();
    const struct tg_plug *plug = tg_plug_find(TG_PLUGIN_TARIFF, name);
    tg_log(TG_LOG_NOTICE, "control", "plug-in %s: version %s from %s prices from now on", name,
           plug->plugin->version, plug->path);
    tg_json_set(answer, "plugin", tg_plugin_json(plug));
    return answer;
}

void tg_plugins_tell(struct tg_plugins_told *told)
{
    for (uint32_t i = 0; i < tg_plug_count(); i++) {
        const struct tg_plug *plug = tg_plug_at(i);
        const int32_t reason = atomic_load_explicit(&plug->quarantine, memory_order_relaxed);
        if (reason == told->reasons[i]) {
            continue;
        }
        if (reason == TG_OK) {
            tg_log(TG_LOG_NOTICE, "control", "plug-in %s is in use again", plug->name);
        } else if (plug->origin == TG_PLUG_REFUSED) {
            /* Said when it was refused. */
        } else if (tg_plug_fault(plug)[0] != '\0') {
            tg_log(TG_LOG_ERROR, "control",
                   "plug-in quarantined: %s: %s; its rows are suspended until `tollgate plugin "
                   "reload %s`",
                   tg_err_name(reason), tg_plug_fault(plug), plug->name);
        } else {
            continue; /* being written; next time */
        }
        told->reasons[i] = reason;
    }
}
