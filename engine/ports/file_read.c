/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/file_read.h"

#include <errno.h>
#include <unistd.h>

ssize_t tg_file_read_at(int descriptor, uint8_t *bytes, size_t wanted_bytes, uint64_t offset)
{
    size_t got_bytes = 0;
    while (got_bytes < wanted_bytes) {
        const ssize_t got = pread(descriptor, bytes + got_bytes, wanted_bytes - got_bytes,
                                  (off_t)(offset + got_bytes));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return -1;
        }
        if (got == 0) {
            break;
        }
        got_bytes += (size_t)got;
    }
    return (ssize_t)got_bytes;
}
