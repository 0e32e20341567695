/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Is a folder still the one that was imported? By what the file system tells of its files.
 *
 *  Source: stat(2), inode(7). Threads: one owner. Allocates: never. Cost: a stat(2) a file.
 *
 *  A start would read millions of subscribers only to find that nothing changed. Names, sizes,
 *  inodes and times of change of all files below the folder are one number, however the folder's
 *  path is written: a link to it that leads elsewhere leads to other inodes. With
 *  it go the release of the tz data, this program's own file and the plug-ins that are loaded, as
 *  others may read the same text otherwise; of tz data without a release nothing can be told.
 *  The time of change cannot be set by hand and moves with every write, but in steps: a folder
 *  that changed within the last second before it was looked at has no print to be trusted.
 */
#ifndef TG_CATALOG_FOLDER_PRINT_H
#define TG_CATALOG_FOLDER_PRINT_H

#include "store/lmdb.h"

#include <stdbool.h>
#include <stdint.h>

/** @brief What a folder looks like; 0 is never one. @param folder Path. @param now_ns Time.
 *  @return Print; 0: it changed just now, or something of it cannot be looked at. */
uint64_t tg_folder_print(const char *folder, int64_t now_ns);

/** @brief Store a print beside the state that its import led to. @param txn Begun for writing.
 *  @param print Print, or 0: none. @param generation Of the state. */
void tg_folder_print_put(struct tg_txn *txn, uint64_t print, uint64_t generation);

/** @brief Was this print stored with this state? @param txn Begun. @param print Print; 0 never was.
 *  @param generation Of the state. @return true if so. */
bool tg_folder_print_is(struct tg_txn *txn, uint64_t print, uint64_t generation);

#endif
