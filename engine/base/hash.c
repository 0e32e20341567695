/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include <nmmintrin.h>
#include <string.h>

uint32_t tg_crc32c(uint32_t seed, const void *bytes, size_t length_bytes)
{
    const uint8_t *at = bytes;
    uint64_t crc = ~seed;
    while (length_bytes >= 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        crc = _mm_crc32_u64(crc, word);
        at += 8;
        length_bytes -= 8;
    }
    while (length_bytes > 0) {
        crc = _mm_crc32_u8((uint32_t)crc, *at++);
        length_bytes--;
    }
    return ~(uint32_t)crc;
}
