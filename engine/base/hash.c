/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include <immintrin.h>
#include <string.h>

/* One crc32 instruction takes three cycles and a new one begins every cycle: three chains side by
 * side, each over CHAIN_BYTES. A chain is moved over the octets behind it by a carry-less
 * multiplication with x^(8 n) and one crc32 that reduces the product. Gopal et al., "Fast CRC
 * Computation for iSCSI Polynomial Using CRC32 Instruction", 2011. */
#define CHAIN_BYTES   256u
#define MOVE_1_CHAIN  0xb9e02b86
#define MOVE_2_CHAINS 0xdd7e3b0c

static inline uint64_t word_at(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

/* Whole pieces of three chains; returns the CRC and moves *at and *length_bytes on. */
__attribute__((target("pclmul"))) static uint64_t crc_chains(uint64_t crc, const uint8_t **at,
                                                             size_t *length_bytes)
{
    const __m128i moves = _mm_set_epi64x(MOVE_1_CHAIN, MOVE_2_CHAINS);
    for (; *length_bytes >= 3 * CHAIN_BYTES; *length_bytes -= 3 * CHAIN_BYTES) {
        const uint8_t *from = *at;
        uint64_t first = crc;
        uint64_t second = 0;
        uint64_t third = 0;
        for (size_t i = 0; i < CHAIN_BYTES; i += 8) {
            first = _mm_crc32_u64(first, word_at(from + i));
            second = _mm_crc32_u64(second, word_at(from + CHAIN_BYTES + i));
            third = _mm_crc32_u64(third, word_at(from + (size_t)2 * CHAIN_BYTES + i));
        }
        const __m128i a = _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)first), moves, 0x00);
        const __m128i b = _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)second), moves, 0x10);
        crc = third ^ _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(_mm_xor_si128(a, b)));
        *at += (size_t)3 * CHAIN_BYTES;
    }
    return crc;
}

uint32_t tg_crc32c(uint32_t seed, const void *bytes, size_t length_bytes)
{
    const uint8_t *at = bytes;
    uint64_t crc = ~seed;
    if (length_bytes >= 3 * CHAIN_BYTES && __builtin_cpu_supports("pclmul")) {
        crc = crc_chains(crc, &at, &length_bytes);
    }
    while (length_bytes >= 8) {
        crc = _mm_crc32_u64(crc, word_at(at));
        at += 8;
        length_bytes -= 8;
    }
    while (length_bytes > 0) {
        crc = _mm_crc32_u8((uint32_t)crc, *at++);
        length_bytes--;
    }
    return ~(uint32_t)crc;
}
