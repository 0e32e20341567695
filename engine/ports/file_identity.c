/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/file_identity.h"

#include "abi/key.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Read a piece whole; a file that got shorter meanwhile gives fewer octets, hashed as they are. */
static ssize_t piece_read(int descriptor, uint8_t *piece, uint64_t offset, size_t wanted_bytes)
{
    size_t got_bytes = 0;
    while (got_bytes < wanted_bytes) {
        const ssize_t got = pread(descriptor, piece + got_bytes, wanted_bytes - got_bytes,
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

enum tg_err tg_file_identity(int descriptor, const char *name, uint64_t size_bytes, uint64_t *key)
{
    uint8_t piece[TG_FILE_IDENTITY_BYTES];
    const size_t wanted_bytes = size_bytes < sizeof piece ? (size_t)size_bytes : sizeof piece;
    uint64_t hash = tg_key_hash(0, name, strlen(name));
    hash = tg_key_hash(hash, &size_bytes, sizeof size_bytes);
    const uint64_t offsets[2] = {0, size_bytes - wanted_bytes};
    for (int i = 0; i < 2; i++) {
        const ssize_t got = piece_read(descriptor, piece, offsets[i], wanted_bytes);
        if (got < 0) {
            return TG_E_IO;
        }
        hash = tg_key_hash(hash, piece, (size_t)got);
    }
    *key = hash != 0 ? hash : 1;
    return TG_OK;
}
