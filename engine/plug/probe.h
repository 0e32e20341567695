/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Look at a shared object before it may live in the engine: file, child process,
 * descriptor.
 *
 *  Source: Tollgate ABI 1; fork(2), dlopen(3), POSIX.1-2017.
 *  Threads: control thread only: the child of a fork has one thread, and a lock another thread held
 *  stays locked in it. Allocates: the loader, in the child. Cost: a fork and a load, milliseconds.
 */
#ifndef TG_PLUG_PROBE_H
#define TG_PLUG_PROBE_H

#include "abi/err.h"
#include "abi/plugin.h"
#include "base/error.h"
#include "plug/registry.h"

#include <stdint.h>

#define TG_PLUG_ENTRY_SYMBOL "tg_plugin_entry"

/**
 * @brief Is the file safe to load? Regular, owned by this user or root, written by its owner alone.
 * @param[in]  path  File.
 * @param[out] why   Filled on refusal.
 * @return TG_OK or TG_E_PLUGIN_OPEN.
 */
enum tg_err tg_plug_probe_file(const char *path, struct tg_why *why);

/** @brief The same of an open file. @param path For messages. @param fd Open.
 *  @param[out] why Filled on refusal. @return TG_OK or TG_E_PLUGIN_OPEN. */
enum tg_err tg_plug_probe_open(const char *path, int fd, struct tg_why *why);

/** @brief The loader's words without the path it was given. @param words Of dlerror(3), or NULL.
 *  @param path As given to the loader. @return Part of words, never NULL. */
const char *tg_plug_probe_words(const char *words, const char *path);

/**
 * @brief Does the descriptor fit this build? Reads what it points at.
 * @param[in]  path    For messages.
 * @param[in]  plugin  As exported; NULL when the symbol is missing.
 * @param[out] why     Filled on refusal.
 * @return TG_OK, TG_E_PLUGIN_ENTRY or TG_E_PLUGIN_ABI.
 */
enum tg_err tg_plug_probe_descriptor(const char *path, const struct tg_plugin *plugin,
                                     struct tg_why *why);

/**
 * @brief Load it in a child process, look at the descriptor there, price three rows if a tariff.
 * @param[in]  path      For messages.
 * @param[in]  copy      Path to load by, already looked at.
 * @param[in]  limit_ms  Wall time; the child and all it started are killed after it.
 * @param[out] name      What the object calls itself; empty when it never got to say.
 * @param[out] why       Filled on refusal.
 * @return TG_OK, TG_E_PLUGIN_OPEN, TG_E_PLUGIN_ENTRY, TG_E_PLUGIN_ABI, TG_E_PLUGIN_CRASH,
 *         TG_E_PLUGIN_TIMEOUT, TG_E_PLUGIN_COUNT, TG_E_PLUGIN_RANGE or TG_E_PLUGIN_ERROR.
 */
enum tg_err tg_plug_probe_child(const char *path, const char *copy, uint32_t limit_ms,
                                char name[TG_PLUG_NAME_BYTES_MAX], struct tg_why *why);

/** @brief What a child tries. @param context As given. @param[out] why Filled on failure.
 *  @return TG_OK or why not; TG_E_AGAIN is not allowed. */
typedef enum tg_err (*tg_plug_trial)(void *context, struct tg_why *why);

/**
 * @brief Try something in a child process of its own.
 * @param[in]     path      For messages.
 * @param[in]     limit_ms  Wall time; the child is killed after it.
 * @param[in]     trial     Runs in the child; nothing it changes is seen here.
 * @param[in,out] context   Handed to it.
 * @param[out]    why       Filled on failure; may be NULL.
 * @return What the trial returned, or TG_E_PLUGIN_OPEN, TG_E_PLUGIN_CRASH, TG_E_PLUGIN_TIMEOUT.
 */
enum tg_err tg_plug_probe_trial(const char *path, uint32_t limit_ms, tg_plug_trial trial,
                                void *context, struct tg_why *why);

#endif
