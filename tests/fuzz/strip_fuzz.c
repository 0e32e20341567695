/* SPDX-License-Identifier: Apache-2.0 */
/* If this found anything, a frame from the network could make the engine read outside it. */
#include "ports/strip.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tg_strip found;
    if (size > 65536) {
        return 0;
    }
    uint8_t *frame = malloc(size + 1);
    memcpy(frame, data, size);
    if (tg_strip(frame, (uint32_t)size, &found) == TG_OK) {
        if (found.payload_bytes == 0 || found.payload_offset < 14 + 20 + 8 ||
            found.ip_offset + 28 > found.payload_offset ||
            (uint64_t)found.payload_offset + found.payload_bytes > size ||
            (found.ip_version != 4 && found.ip_version != 6) || found.vlans_count > 2) {
            abort();
        }
    }
    free(frame);
    return 0;
}
