/* SPDX-License-Identifier: Apache-2.0 */
#include "plug/registry.h"

#include "abi/tariff.h"
#include "plug/bpf.h"
#include "plug/fence.h"
#include "plug/probe.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TG_BUILTIN(ident) extern const struct tg_plugin tg_plugin_entry_##ident;
#include "builtin_plugins.def"
#undef TG_BUILTIN

/* Ends in NULL so that it is an array when nothing is linked in. */
static const struct tg_plugin *const builtins[] = {
#define TG_BUILTIN(ident) &tg_plugin_entry_##ident,
#include "builtin_plugins.def"
#undef TG_BUILTIN
    NULL};

_Static_assert(sizeof builtins / sizeof builtins[0] <= TG_PLUGS_MAX, "too many linked in");

static struct tg_plug plugs[TG_PLUGS_MAX];
/* Entries below it are complete: stored with release after one is written, loaded with acquire. */
static _Atomic uint32_t plugs_count;
static pthread_once_t builtins_once = PTHREAD_ONCE_INIT;
/* Loads are rare and come from the control plane; finds take no lock. */
static pthread_mutex_t load_lock = PTHREAD_MUTEX_INITIALIZER;

/* Stand-in for a refused tariff: the guard never calls it, as its entry is quarantined from birth,
 * and it refuses all the same. */
static enum tg_err refused_compile(const struct tg_tariff_source *source, uint8_t *params,
                                   uint32_t *params_bytes, struct tg_complaint *why)
{
    (void)source;
    (void)params;
    (void)why;
    *params_bytes = 0;
    return TG_OK;
}

static uint32_t refused_price(const struct tg_price *const *prices, uint32_t prices_count,
                              const struct tg_tariff_row *rows, uint32_t rows_count,
                              struct tg_tariff_result *results)
{
    (void)prices;
    (void)prices_count;
    (void)rows;
    for (uint32_t i = 0; i < rows_count; i++) {
        results[i] =
            (struct tg_tariff_result){.denominator = 1, .verdict = TG_E_PLUGIN_QUARANTINED};
    }
    return rows_count;
}

static const struct tg_tariff refused_tariff = {
    .size_bytes = sizeof(struct tg_tariff),
    .params_bytes_max = 0,
    .compile = refused_compile,
    .price = refused_price,
};

static const struct tg_plugin refused_plugin = {
    .abi_version = TG_ABI_VERSION,
    .size_bytes = sizeof(struct tg_plugin),
    .kind = TG_PLUGIN_TARIFF,
    .contract_size_bytes = sizeof(struct tg_tariff),
    .name = "refused",
    .version = "-",
    .summary = "stands in for a tariff that was refused; suspends every row",
    .contract = &refused_tariff,
};

/* What stands behind every BPF entry: the guard calls its program, nobody this. */
static const struct tg_tariff bpf_tariff = {.size_bytes = sizeof(struct tg_tariff),
                                            .price = refused_price};

static const struct tg_plugin bpf_plugin = {
    .abi_version = TG_ABI_VERSION,
    .size_bytes = sizeof(struct tg_plugin),
    .kind = TG_PLUGIN_TARIFF,
    .contract_size_bytes = sizeof(struct tg_tariff),
    .name = "bpf",
    .version = "-",
    .summary = "verified code of a catalog",
    .contract = &bpf_tariff,
};

static struct tg_plug *plugs_append(const struct tg_plugin *plugin, const char *name,
                                    enum tg_plug_origin origin)
{
    const uint32_t count = atomic_load_explicit(&plugs_count, memory_order_relaxed);
    if (count == TG_PLUGS_MAX) {
        return NULL;
    }
    struct tg_plug *plug = &plugs[count];
    plug->plugin = plugin;
    plug->origin = (uint8_t)origin;
    plug->object.fd = -1;
    (void)snprintf(plug->name, sizeof plug->name, "%s", name);
    return plug;
}

static void plugs_publish(void)
{
    atomic_fetch_add_explicit(&plugs_count, 1, memory_order_release);
}

static void builtins_add(void)
{
    for (size_t i = 0; builtins[i] != NULL; i++) {
        assert(tg_plug_name_is_valid(builtins[i]->name));
        (void)plugs_append(builtins[i], builtins[i]->name, TG_PLUG_BUILTIN);
        plugs_publish();
    }
}

uint32_t tg_plug_count(void)
{
    (void)pthread_once(&builtins_once, builtins_add);
    return atomic_load_explicit(&plugs_count, memory_order_acquire);
}

struct tg_plug *tg_plug_at(uint32_t index)
{
    assert(index < tg_plug_count());
    return &plugs[index];
}

struct tg_plug *tg_plug_find(enum tg_plugin_kind kind, const char *name)
{
    const uint32_t count = tg_plug_count();
    struct tg_plug *refused = NULL;
    for (uint32_t i = 0; i < count; i++) {
        if (plugs[i].plugin->kind == (uint32_t)kind && strcmp(plugs[i].name, name) == 0) {
            if (plugs[i].origin != TG_PLUG_REFUSED) {
                return &plugs[i];
            }
            refused = &plugs[i];
        }
    }
    return refused;
}

bool tg_plug_name_is_valid(const char *name)
{
    if (name == NULL) {
        return false;
    }
    size_t length = 0;
    for (; name[length] != '\0'; length++) {
        const char c = name[length];
        const bool allowed = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
        if (!allowed || length + 1 >= TG_PLUG_NAME_BYTES_MAX) {
            return false;
        }
    }
    return length > 0;
}

void tg_plug_quarantine(struct tg_plug *plug, enum tg_err reason, const struct tg_why *what)
{
    assert(reason != TG_OK);
    int32_t expected = TG_OK;
    /* Release: whoever sees the reason sees the faults that led to it. */
    if (atomic_compare_exchange_strong_explicit(&plug->quarantine, &expected, (int32_t)reason,
                                                memory_order_release, memory_order_relaxed)) {
        if (what != NULL) {
            plug->fault = *what;
        } else {
            (void)tg_why_set(&plug->fault, reason, "%s: it %s", plug->name,
                             tg_err_sentence(reason));
        }
        atomic_store_explicit(&plug->has_fault, true, memory_order_release);
    }
}

const char *tg_plug_fault(const struct tg_plug *plug)
{
    return atomic_load_explicit(&plug->has_fault, memory_order_acquire) ? plug->fault.text : "";
}

enum tg_err tg_plug_release(struct tg_plug *plug)
{
    if (plug->origin == TG_PLUG_REFUSED) {
        return TG_E_STATE;
    }
    atomic_store_explicit(&plug->faults_count, 0, memory_order_relaxed);
    atomic_store_explicit(&plug->has_fault, false, memory_order_relaxed);
    atomic_store_explicit(&plug->quarantine, TG_OK, memory_order_release);
    return TG_OK;
}

/* "/opt/x/libfoo-2.so" is known as "libfoo_2" when it never said its name. */
static void name_from_path(const char *path, char name[TG_PLUG_NAME_BYTES_MAX])
{
    const char *slash = strrchr(path, '/');
    const char *from = slash != NULL ? slash + 1 : path;
    size_t length = 0;
    for (; from[length] != '\0' && from[length] != '.' && length + 1 < TG_PLUG_NAME_BYTES_MAX;
         length++) {
        const char c = from[length];
        const bool allowed = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        name[length] = (char)(allowed ? c : c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : '_');
    }
    name[length] = '\0';
}

static enum tg_err plug_refuse(const char *path, const char *said, enum tg_err err,
                               const struct tg_why *why)
{
    char name[TG_PLUG_NAME_BYTES_MAX];
    if (said[0] != '\0') {
        (void)snprintf(name, sizeof name, "%s", said);
    } else {
        name_from_path(path, name);
    }
    if (tg_plug_name_is_valid(name) && tg_plug_find(TG_PLUGIN_TARIFF, name) == NULL) {
        struct tg_plug *plug = plugs_append(&refused_plugin, name, TG_PLUG_REFUSED);
        if (plug != NULL) {
            (void)snprintf(plug->path, sizeof plug->path, "%s", path);
            plug->why = *why;
            tg_plug_quarantine(plug, err, &plug->why);
            plugs_publish();
        }
    }
    return err;
}

/* Load what the child has proved, in this process. */
static enum tg_err plug_load_proved(const char *path, struct tg_plug_object *object,
                                    struct tg_why *why)
{
    enum tg_err err = tg_plug_object_load(path, object, why);
    err = err == TG_OK ? tg_fence_ready(why) : err;
    if (err != TG_OK) {
        return err;
    }
    const struct tg_plugin *plugin = object->plugin;
    const struct tg_plug *holder = tg_plug_find((enum tg_plugin_kind)plugin->kind, plugin->name);
    if (holder != NULL && holder->origin != TG_PLUG_REFUSED) {
        return tg_why_set(why, TG_E_EXISTS, "%s: the name '%s' is taken by %s; rename the plug-in",
                          path, plugin->name,
                          holder->origin == TG_PLUG_BUILTIN ? "a built-in one" : holder->path);
    }
    struct tg_plug *plug = plugs_append(plugin, plugin->name, TG_PLUG_NATIVE);
    if (plug == NULL) {
        return tg_why_set(why, TG_E_FULL, "%s: more than %u plug-ins", path, TG_PLUGS_MAX);
    }
    (void)snprintf(plug->path, sizeof plug->path, "%s", path);
    plug->object = *object;
    *object = (struct tg_plug_object){.fd = -1};
    plugs_publish();
    return TG_OK;
}

/* Prices keep the parameters that the old code made of them. */
static enum tg_err contracts_compare(const struct tg_plug *plug, const struct tg_plugin *next,
                                     struct tg_why *why)
{
    const struct tg_tariff *was = plug->plugin->contract;
    const struct tg_tariff *is = next->contract;
    if (next->kind != TG_PLUGIN_TARIFF || strcmp(next->name, plug->name) != 0) {
        return tg_why_set(why, TG_E_INVALID, "%s: calls itself '%s' now, not '%s'", plug->path,
                          next->name, plug->name);
    }
    if (was->params_bytes_max != is->params_bytes_max ||
        tg_tariff_params_version(was) != tg_tariff_params_version(is)) {
        return tg_why_set(
            why, TG_E_STATE,
            "%s: its parameters changed (%u octets, version %u; in stored catalogs %u, "
            "version %u); give the new code a name of its own and import a catalog "
            "that uses it",
            plug->path, is->params_bytes_max, tg_tariff_params_version(is), was->params_bytes_max,
            tg_tariff_params_version(was));
    }
    return TG_OK;
}

static enum tg_err plug_replace(struct tg_plug *plug, struct tg_plug_object *next,
                                struct tg_plug_object *old, struct tg_why *why)
{
    char said[TG_PLUG_NAME_BYTES_MAX];
    enum tg_err err = tg_plug_object_copy(plug->path, next, why);
    err = err == TG_OK
              ? tg_plug_probe_child(plug->path, next->copy, TG_PLUG_LOAD_LIMIT_MS, said, why)
              : err;
    err = err == TG_OK ? tg_plug_object_load(plug->path, next, why) : err;
    err = err == TG_OK ? contracts_compare(plug, next->plugin, why) : err;
    err = err == TG_OK ? tg_fence_ready(why) : err;
    if (err != TG_OK) {
        return err;
    }
    *old = plug->object;
    plug->object = *next;
    *next = (struct tg_plug_object){.fd = -1};
    atomic_store_explicit(&plug->plugin, plug->object.plugin, memory_order_release);
    atomic_store_explicit(&plug->origin, TG_PLUG_NATIVE, memory_order_release);
    plug->reloads_count++;
    return tg_plug_release(plug);
}

enum tg_err tg_plug_reload(const char *name, struct tg_plug_object *old, struct tg_why *why)
{
    struct tg_why local = {""};
    struct tg_why *reason = why != NULL ? why : &local;
    struct tg_plug_object next = {.fd = -1};
    *old = (struct tg_plug_object){.fd = -1};
    (void)tg_plug_count();
    (void)pthread_mutex_lock(&load_lock);
    struct tg_plug *plug = tg_plug_find(TG_PLUGIN_TARIFF, name);
    enum tg_err err = TG_OK;
    if (plug == NULL) {
        err = tg_why_set(reason, TG_E_NOT_FOUND, "there is no tariff plug-in '%.60s'", name);
    } else if (plug->path[0] == '\0') {
        err = tg_why_set(reason, TG_E_UNSUPPORTED, "'%.60s' does not come from a file: %s", name,
                         strchr(name, '@') != NULL ? "import a catalog with the new code"
                                                   : "it is built in");
    } else {
        err = plug_replace(plug, &next, old, reason);
    }
    tg_plug_object_close(&next);
    (void)pthread_mutex_unlock(&load_lock);
    return err;
}

static bool block_is_whole(const struct tg_bpf_block *block, uint32_t block_bytes)
{
    return block_bytes >= sizeof *block && block->insns_count >= 1 &&
           block->insns_count <= TG_BPF_INSNS_MAX &&
           block_bytes - sizeof *block == block->insns_count * sizeof(uint64_t);
}

enum tg_err tg_plug_bpf_ensure(const char *label, const struct tg_bpf_block *block,
                               uint32_t block_bytes, struct tg_why *why)
{
    if (!block_is_whole(block, block_bytes) || strlen(label) >= TG_PLUG_LABEL_BYTES_MAX) {
        return tg_why_set(why, TG_E_CORRUPT, "tariff %.60s: its code is cut short", label);
    }
    (void)tg_plug_count();
    (void)pthread_mutex_lock(&load_lock);
    enum tg_err err = TG_OK;
    if (tg_plug_find(TG_PLUGIN_TARIFF, label) == NULL) {
        struct tg_why reason = {""};
        struct tg_bpf *bpf = NULL;
        err = tg_bpf_load((const uint64_t *)(const void *)(block + 1), block->insns_count,
                          block->hash, &bpf, &reason);
        struct tg_plug *plug = plugs_append(err == TG_OK ? &bpf_plugin : &refused_plugin, label,
                                            err == TG_OK ? TG_PLUG_BPF : TG_PLUG_REFUSED);
        if (plug == NULL) {
            tg_bpf_close(bpf);
            err = tg_why_set(&reason, TG_E_FULL, "tariff %.60s: more than %u plug-ins", label,
                             TG_PLUGS_MAX);
        } else {
            plug->bpf = bpf;
            plug->why = reason;
            if (err != TG_OK) {
                tg_plug_quarantine(plug, err, &plug->why);
            }
            plugs_publish();
        }
        if (why != NULL) {
            *why = reason;
        }
    }
    (void)pthread_mutex_unlock(&load_lock);
    return err;
}

enum tg_err tg_plug_check(const char *path, char name[TG_PLUG_NAME_BYTES_MAX], struct tg_why *why)
{
    struct tg_why local;
    struct tg_why *reason = why != NULL ? why : &local;
    struct tg_plug_object object;
    name[0] = '\0';
    enum tg_err err = tg_plug_object_copy(path, &object, reason);
    err = err == TG_OK ? tg_plug_probe_child(path, object.copy, TG_PLUG_LOAD_LIMIT_MS, name, reason)
                       : err;
    tg_plug_object_close(&object);
    return err;
}

enum tg_err tg_plug_load(const char *path, struct tg_why *why)
{
    struct tg_why local = {{0}};
    struct tg_why *reason = why != NULL ? why : &local;
    struct tg_plug_object object;
    char said[TG_PLUG_NAME_BYTES_MAX] = "";
    char *resolved = realpath(path, NULL);
    const char *file = resolved != NULL ? resolved : path;
    (void)tg_plug_count();
    (void)pthread_mutex_lock(&load_lock);
    enum tg_err err = tg_plug_object_copy(file, &object, reason);
    err = err == TG_OK ? tg_plug_probe_child(file, object.copy, TG_PLUG_LOAD_LIMIT_MS, said, reason)
                       : err;
    err = err == TG_OK ? plug_load_proved(file, &object, reason) : err;
    if (err != TG_OK && err != TG_E_EXISTS && err != TG_E_FULL) {
        (void)plug_refuse(file, said, err, reason);
    }
    tg_plug_object_close(&object);
    (void)pthread_mutex_unlock(&load_lock);
    free(resolved);
    return err;
}
