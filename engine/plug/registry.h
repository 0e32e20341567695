/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The one table of plug-ins: those linked in, those loaded, and those that were refused.
 *
 *  Source: Tollgate ABI 1 (abi/plugin.h); dlopen(3), POSIX.1-2017.
 *  Threads: tg_plug_load on the control thread before workers start, reload on it also later; find,
 *  at and the quarantine calls from any thread. Allocates: in tg_plug_load only (the loader
 * itself); the table is fixed. Cost: find is a walk over at most TG_PLUGS_MAX names; look up once
 * and keep the pointer.
 *
 *  A shared object is first loaded in a forked child with a time limit: its constructors and a
 *  smoke call of price() run there, so that one that crashes or hangs costs the engine nothing.
 *  Only one that survives is loaded here.
 *
 *  A refused tariff keeps its name in the table with a stand-in contract, quarantined: a catalog
 *  that names it still compiles, and its rows come out suspended with a reason instead of lost.
 */
#ifndef TG_PLUG_REGISTRY_H
#define TG_PLUG_REGISTRY_H

#include "abi/err.h"
#include "abi/plugin.h"
#include "base/error.h"
#include "plug/object.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct tg_bpf;
struct tg_bpf_block;

/** Plug-ins of all kinds together; tg_plug_load answers TG_E_FULL beyond. */
#define TG_PLUGS_MAX           128u
#define TG_PLUG_NAME_BYTES_MAX 32u
/** What an entry is called: a name, or for BPF name@hash with 16 hexadecimal digits. */
#define TG_PLUG_LABEL_BYTES_MAX (TG_PLUG_NAME_BYTES_MAX + 17u)

/** Wall time the child gets to load and be called once; then it is killed. */
#define TG_PLUG_LOAD_LIMIT_MS 2000u

/** @brief Where a plug-in's code comes from. */
enum tg_plug_origin {
    TG_PLUG_BUILTIN = 1, /**< Linked into this binary. */
    TG_PLUG_NATIVE = 2,  /**< A shared object, trusted once it has passed the load checks. */
    TG_PLUG_REFUSED = 3, /**< Did not pass; the stand-in suspends every row. */
    TG_PLUG_BPF = 4      /**< Verified code from a catalog image; see plug/bpf.h. */
};

/** @brief One plug-in of the table; lives until the process ends, never moves. */
struct tg_plug {
    /** Never NULL; the stand-in's when refused. Replaced by tg_plug_reload alone, with release;
     *  a worker loads it once a call. */
    const struct tg_plugin *_Atomic plugin;
    struct tg_bpf *bpf;                 /**< Its program when BPF; NULL otherwise. */
    char name[TG_PLUG_LABEL_BYTES_MAX]; /**< plugin->name; the file's stem when refused; BPF: as in
                                             catalog images. */
    char path[512];                     /**< Shared object's path; empty when built in. */
    struct tg_plug_object object;       /**< What it was loaded from; control thread. */
    struct tg_why why;                  /**< Why it was refused; empty otherwise. */
    _Atomic uint8_t origin;             /**< enum tg_plug_origin. */
    uint32_t reloads_count;             /**< Times its code was replaced; control thread. */
    struct tg_why fault;                /**< What it did; valid once has_fault. */
    /** Stored with release behind fault, by who won the quarantine; partner: tg_plug_fault. */
    _Atomic bool has_fault;
    /** First fault that took it out of use, an enum tg_err; TG_OK while in use. Written once with
     *  release by tg_plug_quarantine, read with relaxed order by workers: a late look costs one
     *  more guarded call and nothing else. */
    _Atomic int32_t quarantine;
    _Atomic uint64_t faults_count; /**< Faults the guard saw; any worker adds. */
};

/**
 * @brief Find a plug-in by what the catalog or configuration calls it.
 * @param[in] kind  Which contract; a refused tariff is found as TG_PLUGIN_TARIFF.
 * @param[in] name  NUL-terminated.
 * @return Entry, valid until the process ends, or NULL when nobody has that name.
 */
struct tg_plug *tg_plug_find(enum tg_plugin_kind kind, const char *name);

/** @brief How many entries there are, of all kinds. @return 0..TG_PLUGS_MAX. */
uint32_t tg_plug_count(void);

/** @brief Entry by position: built-in ones first, then in order of loading.
 *  @param index  0 .. tg_plug_count() - 1. @return Entry, never NULL. */
struct tg_plug *tg_plug_at(uint32_t index);

/**
 * @brief Load a shared object after a child process has proved that it can be loaded.
 *
 * Checked: a regular file, writable by its owner alone (mode & 022 == 0), owned by this user or
 * root, in a folder that not everybody may write to (or a sticky one); RTLD_NOW | RTLD_LOCAL; the
 * symbol tg_plugin_entry; abi_version; struct sizes; kind; name [a-z0-9_]{1,31}, not taken; the
 * contract's mandatory functions; for a tariff one price() call.
 *
 * @param[in]  path  File. Resolved with realpath(3) before it is looked at.
 * @param[out] why   What was wrong and what to do; may be NULL.
 * @return TG_OK; TG_E_PLUGIN_OPEN (missing, permissions, unresolved symbols), TG_E_PLUGIN_ENTRY
 *         (no or unusable descriptor), TG_E_PLUGIN_ABI (version or sizes), TG_E_PLUGIN_CRASH,
 *         TG_E_PLUGIN_TIMEOUT, TG_E_PLUGIN_COUNT or TG_E_PLUGIN_RANGE (smoke call),
 *         TG_E_EXISTS (name taken), TG_E_FULL. On all but the last two the name is kept in the
 *         table as TG_PLUG_REFUSED.
 */
enum tg_err tg_plug_load(const char *path, struct tg_why *why);

/**
 * @brief Have the BPF code of a price ready under the name its catalog image gives it.
 *
 * The same code is loaded once however many prices and versions name it, and stays: an image is
 * kept for late events, and so is its code. One that DPDK refuses is kept as TG_PLUG_REFUSED.
 *
 * @param[in]  label        "name@hash" as in the image.
 * @param[in]  block        The price's parameters with the instructions behind them.
 * @param[in]  block_bytes  Size of both.
 * @param[out] why          May be NULL.
 * @return TG_OK (also when it was there), TG_E_CORRUPT (no such block), TG_E_PLUGIN_ABI (refused),
 *         TG_E_NO_MEMORY or TG_E_FULL.
 */
enum tg_err tg_plug_bpf_ensure(const char *label, const struct tg_bpf_block *block,
                               uint32_t block_bytes, struct tg_why *why);

/**
 * @brief The same checks in the child only; nothing is loaded here, nothing is registered.
 * @param[in]  path      File.
 * @param[out] name      Name the object gives itself; empty when it never said.
 * @param[out] why       What was wrong; may be NULL.
 * @return As tg_plug_load, without TG_E_EXISTS and TG_E_FULL.
 */
enum tg_err tg_plug_check(const char *path, char name[TG_PLUG_NAME_BYTES_MAX], struct tg_why *why);

/**
 * @brief Put new code in the place of a loaded tariff while rows flow.
 *
 * The file the entry came from is copied, tried in a child and loaded; its catalog prices stay, so
 * its name, its size of parameters and its params_version must be the same. One store publishes it,
 * and a quarantine ends. A refusal changes nothing: the old code goes on.
 *
 * @param[in]  name  As in catalogs; a tariff from a file, also one that was refused.
 * @param[out] old   Code that workers may still run: close it after a grace period.
 * @param[out] why   What was wrong; may be NULL.
 * @return As tg_plug_load; TG_E_NOT_FOUND, TG_E_UNSUPPORTED (no tariff from a file), TG_E_INVALID
 *         (another name), TG_E_STATE (other parameters).
 */
enum tg_err tg_plug_reload(const char *name, struct tg_plug_object *old, struct tg_why *why);

/**
 * @brief Take a plug-in out of use; the first reason stays.
 * @param plug    Entry.
 * @param reason  enum tg_err other than TG_OK.
 * @param what    What it did; NULL: the reason says it.
 */
void tg_plug_quarantine(struct tg_plug *plug, enum tg_err reason, const struct tg_why *what);

/** @brief What took it out of use. @param plug Entry.
 *  @return Sentence, "" while in use; borrowed until it is released or reloaded. */
const char *tg_plug_fault(const struct tg_plug *plug);

/** @brief Put a quarantined plug-in back after a person looked; refused ones stay refused.
 *  @param plug Entry. @return TG_OK or TG_E_STATE (refused). */
enum tg_err tg_plug_release(struct tg_plug *plug);

/** @brief Is it out of use? @param plug Entry. @return true when quarantined or refused. */
static inline bool tg_plug_is_quarantined(const struct tg_plug *plug)
{
    return atomic_load_explicit(&plug->quarantine, memory_order_relaxed) != TG_OK;
}

/** @brief Does a name follow [a-z0-9_]{1,31}? @param name May be NULL. @return true if so. */
bool tg_plug_name_is_valid(const char *name);

#endif
