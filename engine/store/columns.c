/* SPDX-License-Identifier: Apache-2.0 */
/* Which transform a word column takes, and the choice of kernels.
 *
 * (1) The transform is a function of the group's words alone: same rows, same octets, on any
 *     processor.
 * (2) Behind the rows the word arrays are filled up so that the filling cuts to zero bits. */
#include "store/columns.h"

#include <string.h>

#include "store/kernels.h"

/* A difference divides by unit = 2^shift * odd when it rotates, times odd's inverse modulo 2^64,
 * to at most UINT64_MAX / unit (Granlund and Montgomery 1994, section 9). */
struct unit {
    uint64_t unit;
    uint64_t inverse;
    uint64_t limit;
    uint32_t shift;
    uint8_t transform;
};

#define UNIT(unit, shift, inverse, transform)                                                      \
    {                                                                                              \
        unit, inverse, UINT64_MAX / (unit), shift, transform                                       \
    }
static const struct unit units[] = {
    UNIT(1000000000u, 9, UINT64_C(0x8e47ce423a2e9c6d), TG_WORD_OFFSET_S),
    UNIT(1000000u, 6, UINT64_C(0x790fb65668c26139), TG_WORD_OFFSET_MS),
    UNIT(1000u, 3, UINT64_C(0x1cac083126e978d5), TG_WORD_OFFSET_US),
};
#undef UNIT

/* Valgrind does not know AVX-512 and hides it. */
static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

const struct tg_column_kernels *tg_column_kernels_at(uint32_t index)
{
    static const struct tg_column_kernels *const all[] = {&tg_column_scalar, &tg_column_avx2,
                                                          &tg_column_avx512};
    const uint32_t count = has_avx512() ? 3 : 2;
    return index < count ? all[index] : NULL;
}

const struct tg_column_kernels *tg_column_kernels(void)
{
    return has_avx512() ? &tg_column_avx512 : &tg_column_avx2;
}

size_t tg_planes_bytes(uint32_t rows_count, uint64_t differs)
{
    const size_t rows = tg_planes_rows(rows_count);
    size_t bytes = 0;
    for (; differs != 0; differs >>= 8) {
        const uint8_t bits = (uint8_t)differs;
        bytes += tg_plane_is_whole(bits) ? rows : rows / 8 * (size_t)__builtin_popcount(bits);
    }
    return bytes;
}

static inline uint64_t zigzag(uint64_t x)
{
    return (x << 1) ^ (uint64_t)((int64_t)x >> 63);
}

static inline uint64_t unzigzag(uint64_t x)
{
    return (x >> 1) ^ (0 - (x & 1));
}

static inline uint32_t zigzag32(uint32_t x)
{
    return (x << 1) ^ (uint32_t)((int32_t)x >> 31);
}

static inline uint32_t unzigzag32(uint32_t x)
{
    return (x >> 1) ^ (0 - (x & 1));
}

static void zigzag_apply(uint64_t *words, uint32_t rows_count, struct tg_word *word)
{
    const uint64_t first = zigzag(words[0]);
    uint64_t differs = 0;
    for (uint32_t i = 0; i < rows_count; i++) {
        words[i] = zigzag(words[i]);
        differs |= words[i] ^ first;
    }
    *word = (struct tg_word){first, differs, TG_WORD_ZIGZAG};
}

static uint64_t sequence_step(uint64_t word, uint64_t before)
{
    const uint32_t step = (uint32_t)(word >> 32) - (uint32_t)(before >> 32);
    return (word & UINT32_MAX) | (uint64_t)zigzag32(step) << 32;
}

/* Counters that step evenly have short differences; wild ones are shorter as they are. */
static void sequence_apply(uint64_t *words, uint32_t rows_count, struct tg_word *word)
{
    uint64_t steps = 0;
    for (uint32_t i = 1; i < rows_count; i++) {
        steps |= sequence_step(words[i], words[i - 1]);
    }
    const uint64_t differs = (word->differs & UINT32_MAX) | steps >> 32 << 32;
    if (tg_planes_bytes(rows_count, differs) >= tg_planes_bytes(rows_count, word->differs)) {
        return;
    }
    for (uint32_t i = rows_count - 1; i > 0; i--) {
        words[i] = sequence_step(words[i], words[i - 1]);
    }
    *word = (struct tg_word){words[0], differs, TG_WORD_SEQUENCE};
    words[0] &= UINT32_MAX;
}

static bool unit_divides(const struct unit *unit, const uint64_t *words, uint32_t rows_count)
{
    for (uint32_t from = 0; from < rows_count; from += 128) {
        const uint32_t to = from + 128 < rows_count ? from + 128 : rows_count;
        uint32_t broken = 0;
        for (uint32_t i = from; i < to; i++) {
            const uint64_t product = words[i] * unit->inverse;
            const uint64_t quotient = product >> unit->shift | product << (64 - unit->shift);
            broken |= quotient > unit->limit ? 1u : 0u;
        }
        if (broken != 0) {
            return false;
        }
    }
    return true;
}

static void offset_apply(uint64_t *words, uint32_t rows_count, struct tg_word *word)
{
    int64_t least = INT64_MAX;
    uint64_t differs = 0;
    for (uint32_t i = 0; i < rows_count; i++) {
        least = (int64_t)words[i] < least ? (int64_t)words[i] : least;
    }
    for (uint32_t i = 0; i < rows_count; i++) {
        words[i] -= (uint64_t)least;
        differs |= words[i];
    }
    *word = (struct tg_word){(uint64_t)least, differs, TG_WORD_OFFSET};
    for (size_t u = 0; u < sizeof units / sizeof units[0] && differs != 0; u++) {
        const struct unit *unit = &units[u];
        if ((differs & ((UINT64_C(1) << unit->shift) - 1)) != 0 ||
            !unit_divides(unit, words, rows_count)) {
            continue;
        }
        differs = 0;
        for (uint32_t i = 0; i < rows_count; i++) {
            words[i] = (words[i] >> unit->shift) * unit->inverse;
            differs |= words[i];
        }
        *word = (struct tg_word){(uint64_t)least, differs, unit->transform};
        return;
    }
}

/* What is XORed away before the cut. */
static uint64_t word_base(const struct tg_word *word)
{
    switch (word->transform) {
    case TG_WORD_PLAIN:
    case TG_WORD_ZIGZAG:
        return word->first;
    case TG_WORD_SEQUENCE:
        return word->first & UINT32_MAX;
    default:
        return 0;
    }
}

size_t tg_word_encode(uint64_t *words, uint32_t rows_count, uint8_t kind, struct tg_word *word,
                      uint8_t *out)
{
    word->transform = TG_WORD_PLAIN;
    if (word->differs == 0) {
        return 0;
    }
    if (kind == TG_WORD_ZIGZAG && word->differs >> 63 != 0) {
        zigzag_apply(words, rows_count, word);
    } else if (kind == TG_WORD_SEQUENCE) {
        sequence_apply(words, rows_count, word);
    } else if (kind == TG_WORD_OFFSET) {
        offset_apply(words, rows_count, word);
    }
    const uint64_t base = word_base(word);
    const uint32_t filled = tg_planes_rows(rows_count);
    for (uint32_t i = rows_count; i < filled; i++) {
        words[i] = base;
    }
    return tg_column_kernels()->cut(words, filled, base, word->differs, out);
}

static void sequence_restore(uint64_t first, uint64_t *words, uint32_t rows_count)
{
    uint32_t high = (uint32_t)(first >> 32);
    for (uint32_t i = 0; i < rows_count; i++) {
        high += unzigzag32((uint32_t)(words[i] >> 32));
        words[i] = (words[i] & UINT32_MAX) | (uint64_t)high << 32;
    }
}

static void offset_restore(uint64_t first, uint64_t unit, uint64_t *words, uint32_t rows_count)
{
    for (uint32_t i = 0; i < rows_count; i++) {
        words[i] = first + words[i] * unit;
    }
}

void tg_word_decode(const uint8_t *planes, uint32_t rows_count, const struct tg_word *word,
                    uint64_t wanted, uint64_t *words)
{
    if (word->transform == TG_WORD_SEQUENCE) {
        wanted |= wanted >> 32 != 0 ? UINT64_MAX << 32 : 0;
    } else if (word->transform != TG_WORD_PLAIN) {
        wanted = UINT64_MAX;
    }
    tg_column_kernels()->join(planes, tg_planes_rows(rows_count), word_base(word), word->differs,
                              wanted, words);
    switch (word->transform) {
    case TG_WORD_PLAIN:
        break;
    case TG_WORD_ZIGZAG:
        for (uint32_t i = 0; i < rows_count; i++) {
            words[i] = unzigzag(words[i]);
        }
        break;
    case TG_WORD_SEQUENCE:
        if (wanted >> 32 != 0) {
            sequence_restore(word->first, words, rows_count);
        }
        break;
    case TG_WORD_OFFSET:
        offset_restore(word->first, 1, words, rows_count);
        break;
    default:
        for (size_t u = 0; u < sizeof units / sizeof units[0]; u++) {
            if (units[u].transform == word->transform) {
                offset_restore(word->first, units[u].unit, words, rows_count);
            }
        }
        break;
    }
}
