/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Drop folder: which files are there, taking one, and putting it away when it is done.
 *
 *  Source: rename(2) and renameat2(2) (atomic within a file system), flock(2).
 *  Threads: one owner. Allocates: open only. Cost: system calls per file, none per row.
 *
 *  A file's way, each step one atomic rename; a kill between any two leaves it in one of the
 * places:
 *
 *      <target>/x  --claim-->  <target>/.claimed/x  --finish (durable)-->  <done>/x
 *
 *  (1) The owner holds an flock on a claimed file. Another engine on the same folder finds it
 * locked and leaves it alone; when the owner dies the kernel lets go and the next start takes it
 * over. (2) Nothing is ever overwritten: a name taken in .claimed waits, a name taken in done gets
 * the file's key appended. (3) Names are taken in byte order, so the same folder is read in the
 * same order each time.
 */
#ifndef TG_PORTS_FOLDER_CLAIM_H
#define TG_PORTS_FOLDER_CLAIM_H

#include "abi/err.h"
#include "base/error.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>

/** Names found by one look; further ones are found by the next, after these. */
#define TG_FOLDER_NAMES_MAX 1024u
/** Octets of a name, NUL included: NAME_MAX less room for a key and ".changed" in done. */
#define TG_FOLDER_NAME_BYTES_MAX 224u
/** Octets of the configured pattern, NUL included. */
#define TG_FOLDER_PATTERN_BYTES_MAX 128u

/** @brief A claimed file. */
struct tg_claim {
    int descriptor;      /**< Open for reading, locked; owned. */
    bool is_changed;     /**< It changed after it was claimed. */
    uint64_t file_key;   /**< Identity at the time of the claim. */
    uint64_t size_bytes; /**< Size at the time of the claim; octets behind it are not read. */
    int64_t modified_ns; /**< Modification time at the time of the claim. */
    char name[TG_FOLDER_NAME_BYTES_MAX]; /**< Base name. */
};

/** @brief An open drop folder. */
struct tg_port_folder {
    int target;        /**< Directory descriptors, owned; -1 when not open. */
    int claimed;       /**< <target>/.claimed. */
    int done;          /**< Where finished files go. */
    DIR *target_list;  /**< For looking; owned. */
    DIR *claimed_list; /**< Likewise. */
    char pattern[TG_FOLDER_PATTERN_BYTES_MAX]; /**< fnmatch pattern; "" all. */
    char (*names)[TG_FOLDER_NAME_BYTES_MAX];   /**< [TG_FOLDER_NAMES_MAX]; owned. */
    uint16_t order[TG_FOLDER_NAMES_MAX];       /**< Indices into names, in byte order of names. */
    uint32_t names_count;                      /**< Found by the last look. */
    uint32_t names_next;                       /**< The next of them to hand out. */
    bool is_truncated;                         /**< The last look left names out. */
    char last[TG_FOLDER_NAME_BYTES_MAX];       /**< Last name handed out: the next look's start. */
};

/**
 * @brief Open; makes .claimed and done where they are missing.
 * @param[out] folder   Written; fini it also on failure.
 * @param[in]  target   Folder.
 * @param[in]  done     Folder, or NULL: <target>/done.
 * @param[in]  pattern  fnmatch pattern, or NULL.
 * @param[out] why      Filled on failure.
 * @return TG_OK; TG_E_PORT_OPEN no such folder, no right to write, or done on another file system;
 *         TG_E_INVALID a text too long; TG_E_NO_MEMORY.
 */
enum tg_err tg_port_folder_open(struct tg_port_folder *folder, const char *target, const char *done,
                           const char *pattern, struct tg_why *why);

/** @brief Close. @param folder Owned; half-open is fine. */
void tg_port_folder_close(struct tg_port_folder *folder);

/**
 * @brief Look for names in byte order: regular files that match, not starting with '.', not ending
 *        in ".tmp" (still being written).
 * @param folder      Owned.
 * @param in_claimed  Look in .claimed instead of the target.
 * @param from_start  false: only names after the last one handed out.
 */
void tg_port_folder_look(struct tg_port_folder *folder, bool in_claimed, bool from_start);

/** @brief Next name found. @param folder Owned. @return Valid until the next look; NULL: no more.
 */
const char *tg_port_folder_next(struct tg_port_folder *folder);

/**
 * @brief Take a file for ourselves.
 * @param[in]  folder      Owned.
 * @param[in]  name        Base name.
 * @param[in]  in_claimed  It lies in .claimed already, left by an earlier process.
 * @param[out] claim       Written on TG_OK; owner gives it to tg_port_folder_finish or
 * tg_claim_drop.
 * @return TG_OK; TG_E_NOT_FOUND gone, or no regular file; TG_E_LOCKED another process has it;
 *         TG_E_EXISTS a file of that name is claimed and not finished; TG_E_IO (errno tells).
 */
enum tg_err tg_port_folder_claim(struct tg_port_folder *folder, const char *name, bool in_claimed,
                            struct tg_claim *claim);

/** @brief Did it change since the claim? @param[in,out] claim is_changed is written. */
void tg_claim_check(struct tg_claim *claim);

/**
 * @brief Move a claimed file to done and let go of it. tg_port_folder_sync makes the move durable.
 * @param folder  Owned.
 * @param claim   Let go of in any case; with is_changed set its name gets ".changed".
 * @return TG_OK or TG_E_IO: it stays in .claimed, and moves at the next start.
 */
enum tg_err tg_port_folder_finish(struct tg_port_folder *folder, struct tg_claim *claim);

/** @brief Make moves durable: fsync both folders. @param folder Owned. @return TG_OK, TG_E_IO. */
enum tg_err tg_port_folder_sync(const struct tg_port_folder *folder);

/** @brief Let go; the file stays in .claimed. @param claim Owned, closed already is fine. */
void tg_claim_drop(struct tg_claim *claim);

#endif
