/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief A piece of a file, read whole.
 *
 *  Source: pread(2): fewer octets than asked for, and EINTR, are no mistakes. Threads: pure but for
 *  reading the file. Allocates: never. Cost: one system call, as a rule.
 */
#ifndef TG_PORTS_FILE_READ_H
#define TG_PORTS_FILE_READ_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * @brief Read at a place.
 * @param[in]  descriptor    Open for reading; its offset is not moved.
 * @param[out] bytes         Room for wanted_bytes.
 * @param[in]  wanted_bytes  Any.
 * @param[in]  offset        Of the file.
 * @return Octets read, fewer at the end of the file; -1 when the system refuses.
 */
ssize_t tg_file_read_at(int descriptor, uint8_t *bytes, size_t wanted_bytes, uint64_t offset);

#endif
