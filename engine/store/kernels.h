/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Inside of columns.c: the kernels of each instruction set.
 *
 *  Source: store/columns.h. Threads: pure. Allocates: never. Cost: there.
 */
#ifndef TG_STORE_KERNELS_H
#define TG_STORE_KERNELS_H

#include "store/columns.h"

/** @brief Plain C; the oracle. */
extern const struct tg_column_kernels tg_column_scalar;
/** @brief AVX2, which the build requires anyway. */
extern const struct tg_column_kernels tg_column_avx2;
/** @brief AVX-512 (F, BW, DQ, VL), where the processor has it. */
extern const struct tg_column_kernels tg_column_avx512;

/** @brief Whether an octet's plane is kept whole. @param bits Its differing bits. @return Answer.
 */
static inline bool tg_plane_is_whole(uint8_t bits)
{
    return (unsigned)__builtin_popcount(bits) > TG_PLANE_BITS_MAX;
}

/** @brief Whole octets that hold a set bit. @param bits Any. @return 0xff in each such octet. */
static inline uint64_t tg_octets_of(uint64_t bits)
{
    bits |= bits >> 4 & UINT64_C(0x0f0f0f0f0f0f0f0f);
    bits |= bits >> 2 & UINT64_C(0x3f3f3f3f3f3f3f3f);
    bits |= bits >> 1 & UINT64_C(0x7f7f7f7f7f7f7f7f);
    return (bits & UINT64_C(0x0101010101010101)) * 0xff;
}

#endif
