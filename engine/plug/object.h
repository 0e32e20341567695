/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief A shared object, loaded from a private copy of its file.
 *
 *  Source: memfd_create(2), dlopen(3). Threads: control thread. Allocates: the loader does.
 *  Cost: a copy of the file in memory.
 *
 *  The copy is what makes a reload possible and safe: the loader would take a file that replaced
 *  another at the same path for the one it has, and a file that is written over in place would pull
 *  the code from under the workers. What was checked in the child is also what is loaded here. An
 *  object must be self-contained: libraries beside it ($ORIGIN) are not found.
 */
#ifndef TG_PLUG_OBJECT_H
#define TG_PLUG_OBJECT_H

#include "abi/err.h"
#include "abi/plugin.h"
#include "base/error.h"

#include <stdint.h>

/** @brief A copy, loaded or not. */
struct tg_plug_object {
    int fd;                         /**< The copy; -1 none. */
    char copy[32];                  /**< Path to load it by. */
    void *handle;                   /**< Of the loader; NULL: not loaded. */
    const struct tg_plugin *plugin; /**< What it exports; NULL: not loaded. */
    uint64_t hash;                  /**< tg_key_hash of the file. */
    uint64_t base;                  /**< Where it was loaded; pc - base is an offset in the file. */
};

/**
 * @brief Look at a file as tg_plug_probe_file does and copy it.
 * @param[in]  path    File.
 * @param[out] object  Not loaded; close it also after an error.
 * @param[out] why     Filled on refusal.
 * @return TG_OK or TG_E_PLUGIN_OPEN.
 */
enum tg_err tg_plug_object_copy(const char *path, struct tg_plug_object *object,
                                struct tg_why *why);

/**
 * @brief Load the copy into this process and look at its descriptor.
 * @param[in]     path    For messages.
 * @param[in,out] object  Copied.
 * @param[out]    why     Filled on refusal.
 * @return TG_OK, TG_E_PLUGIN_OPEN, TG_E_PLUGIN_ENTRY or TG_E_PLUGIN_ABI.
 */
enum tg_err tg_plug_object_load(const char *path, struct tg_plug_object *object,
                                struct tg_why *why);

/** @brief Unload. @param object In any state; nobody may run its code. */
void tg_plug_object_close(struct tg_plug_object *object);

#endif
