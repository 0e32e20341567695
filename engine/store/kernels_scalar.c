/* SPDX-License-Identifier: Apache-2.0 */
/* The plain reading of the layout: what every other kernel is compared with. */
#include "store/kernels.h"

#include <string.h>

static void scalar_spread(const void *rows, uint32_t rows_count, const uint64_t *first,
                          uint64_t *differs, uint64_t *columns)
{
    const uint8_t *at = rows;
    for (uint32_t i = 0; i < rows_count; i++) {
        for (uint32_t w = 0; w < 8; w++) {
            uint64_t word;
            memcpy(&word, at + (size_t)i * 64 + w * 8, sizeof word);
            differs[w] |= word ^ first[w];
            columns[w * TG_GROUP_STRIDE + i] = word;
        }
    }
}

static void scalar_gather(const uint64_t *columns, uint32_t rows_count, void *rows)
{
    uint8_t *at = rows;
    for (uint32_t i = 0; i < rows_count; i++) {
        for (uint32_t w = 0; w < 8; w++) {
            memcpy(at + (size_t)i * 64 + w * 8, &columns[w * TG_GROUP_STRIDE + i], 8);
        }
    }
}

static size_t scalar_cut(const uint64_t *words, uint32_t rows_count, uint64_t first,
                         uint64_t differs, uint8_t *out)
{
    uint8_t *at = out;
    for (uint32_t p = 0; p < TG_WORD_OCTETS; p++) {
        const uint8_t bits = (uint8_t)(differs >> 8 * p);
        if (tg_plane_is_whole(bits)) {
            for (uint32_t i = 0; i < rows_count; i++) {
                *at++ = (uint8_t)((words[i] ^ first) >> 8 * p);
            }
            continue;
        }
        for (uint32_t b = 0; b < 8; b++) {
            for (uint32_t i = 0; i < rows_count && (bits >> b & 1) != 0; i += 8) {
                uint8_t eight = 0;
                for (uint32_t k = 0; k < 8; k++) {
                    eight |= (uint8_t)(((words[i + k] ^ first) >> (8 * p + b) & 1) << k);
                }
                *at++ = eight;
            }
        }
    }
    return (size_t)(at - out);
}

static void scalar_join(const uint8_t *planes, uint32_t rows_count, uint64_t first,
                        uint64_t differs, uint64_t wanted, uint64_t *words)
{
    const uint8_t *at = planes;
    for (uint32_t i = 0; i < rows_count; i++) {
        words[i] = first;
    }
    for (uint32_t p = 0; p < TG_WORD_OCTETS; p++) {
        const uint8_t bits = (uint8_t)(differs >> 8 * p);
        const bool is_wanted = (wanted >> 8 * p & 0xff) != 0;
        if (tg_plane_is_whole(bits)) {
            for (uint32_t i = 0; i < rows_count && is_wanted; i++) {
                words[i] ^= (uint64_t)at[i] << 8 * p;
            }
            at += rows_count;
            continue;
        }
        for (uint32_t b = 0; b < 8; b++) {
            if ((bits >> b & 1) == 0) {
                continue;
            }
            for (uint32_t i = 0; i < rows_count && is_wanted; i++) {
                words[i] ^= (uint64_t)(at[i / 8] >> i % 8 & 1) << (8 * p + b);
            }
            at += rows_count / 8;
        }
    }
}

const struct tg_column_kernels tg_column_scalar = {.name = "scalar",
                                                   .spread = scalar_spread,
                                                   .gather = scalar_gather,
                                                   .cut = scalar_cut,
                                                   .join = scalar_join};
