/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memfd_create, dlinfo */
#include "plug/object.h"

#include "abi/key.h"
#include "plug/probe.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static enum tg_err bytes_copy(const char *path, int from, struct tg_plug_object *object,
                              struct tg_why *why)
{
    uint8_t bytes[65536];
    ssize_t got = 0;
    object->fd = memfd_create("tollgate-plugin", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    while (object->fd >= 0 && (got = read(from, bytes, sizeof bytes)) > 0) {
        object->hash = tg_key_hash(object->hash, bytes, (size_t)got);
        if (write(object->fd, bytes, (size_t)got) != got) {
            got = -1;
            break;
        }
    }
    if (object->fd < 0 || got < 0) {
        return tg_why_set(why, TG_E_PLUGIN_OPEN, "%s: cannot be copied: %s", path, strerror(errno));
    }
    (void)fcntl(object->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
    (void)snprintf(object->copy, sizeof object->copy, "/proc/self/fd/%d", object->fd);
    return TG_OK;
}

enum tg_err tg_plug_object_copy(const char *path, struct tg_plug_object *object, struct tg_why *why)
{
    *object = (struct tg_plug_object){.fd = -1};
    const int from = open(path, O_RDONLY | O_CLOEXEC);
    if (from < 0) {
        return tg_why_set(why, TG_E_PLUGIN_OPEN, "%s: %s", path, strerror(errno));
    }
    /* By the descriptor: what is looked at is what is copied. */
    enum tg_err err = tg_plug_probe_open(path, from, why);
    err = err == TG_OK ? bytes_copy(path, from, object, why) : err;
    (void)close(from);
    return err;
}

enum tg_err tg_plug_object_load(const char *path, struct tg_plug_object *object, struct tg_why *why)
{
    object->handle = dlopen(object->copy, RTLD_NOW | RTLD_LOCAL);
    if (object->handle == NULL) {
        return tg_why_set(why, TG_E_PLUGIN_OPEN, "%s: %s", path,
                          tg_plug_probe_words(dlerror(), object->copy));
    }
    const struct link_map *map = NULL;
    if (dlinfo(object->handle, RTLD_DI_LINKMAP, &map) == 0) {
        object->base = (uint64_t)map->l_addr;
    }
    object->plugin = dlsym(object->handle, TG_PLUG_ENTRY_SYMBOL);
    return tg_plug_probe_descriptor(path, object->plugin, why);
}

void tg_plug_object_close(struct tg_plug_object *object)
{
    if (object->handle != NULL) {
        (void)dlclose(object->handle);
    }
    if (object->fd >= 0) {
        (void)close(object->fd);
    }
    *object = (struct tg_plug_object){.fd = -1};
}
