/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief What makes a file the same file: the key under which positions in it are journaled.
 *
 *  Source: design law 3 (a re-read file changes no balance).
 *  Threads: pure but for reading the file. Allocates: never. Cost: two reads of up to 4 KiB.
 *
 *  Identity = base name, size in octets, first 4 KiB and last 4 KiB of content. Not the inode, the
 *  time stamps or the folder: a file copied back from an archive under its name is the same file
 *  and is not read again. A file with the same name but other content is another file, and so is a
 *  renamed copy (its rows then meet the duplicate check).
 */
#ifndef TG_PORTS_FILE_IDENTITY_H
#define TG_PORTS_FILE_IDENTITY_H

#include "abi/err.h"

#include <stdint.h>

/** Octets hashed at each end. */
#define TG_FILE_IDENTITY_BYTES 4096u

/**
 * @brief Compute a file's key.
 * @param[in]  descriptor  Open for reading; its offset is not moved.
 * @param[in]  name        Base name, NUL-terminated.
 * @param[in]  size_bytes  Size of the file.
 * @param[out] key         Written on TG_OK; never 0.
 * @return TG_OK or TG_E_IO.
 */
enum tg_err tg_file_identity(int descriptor, const char *name, uint64_t size_bytes, uint64_t *key);

#endif
