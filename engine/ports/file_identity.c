/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/file_identity.h"

#include "abi/key.h"
#include "ports/file_read.h"

#include <string.h>

enum tg_err tg_file_identity(int descriptor, const char *name, uint64_t size_bytes, uint64_t *key)
{
    uint8_t piece[TG_FILE_IDENTITY_BYTES];
    const size_t wanted_bytes = size_bytes < sizeof piece ? (size_t)size_bytes : sizeof piece;
    uint64_t hash = tg_key_hash(0, name, strlen(name));
    hash = tg_key_hash(hash, &size_bytes, sizeof size_bytes);
    const uint64_t offsets[2] = {0, size_bytes - wanted_bytes};
    for (int i = 0; i < 2; i++) {
        /* A file that got shorter meanwhile gives fewer octets, hashed as they are. */
        const ssize_t got = tg_file_read_at(descriptor, piece, wanted_bytes, offsets[i]);
        if (got < 0) {
            return TG_E_IO;
        }
        hash = tg_key_hash(hash, piece, (size_t)got);
    }
    *key = hash != 0 ? hash : 1;
    return TG_OK;
}
