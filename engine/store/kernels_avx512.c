/* SPDX-License-Identifier: Apache-2.0 */
/* AVX-512: 8 x 8 words transposed a time, 64 rows cut a time; the way back is AVX2's. Nothing is
 * multiplied here: with the divisions of offsets in wide registers the clock fell, and decode and
 * price, which have none, took an eighth more. */
#include "store/kernels.h"

#include <immintrin.h>
#include <string.h>

#define CUT_ROWS 64u

/* Lane k of a, b, c, d together, for k of 0 to 3. */
static inline void lanes_cross(__m512i a, __m512i b, __m512i c, __m512i d, __m512i out[4])
{
    const __m512i ab_low = _mm512_shuffle_i64x2(a, b, 0x44);
    const __m512i ab_high = _mm512_shuffle_i64x2(a, b, 0xee);
    const __m512i cd_low = _mm512_shuffle_i64x2(c, d, 0x44);
    const __m512i cd_high = _mm512_shuffle_i64x2(c, d, 0xee);
    out[0] = _mm512_shuffle_i64x2(ab_low, cd_low, 0x88);
    out[1] = _mm512_shuffle_i64x2(ab_low, cd_low, 0xdd);
    out[2] = _mm512_shuffle_i64x2(ab_high, cd_high, 0x88);
    out[3] = _mm512_shuffle_i64x2(ab_high, cd_high, 0xdd);
}

/* Word w of in[k] becomes word k of out[w]. */
static inline void words_cross(const __m512i in[8], __m512i out[8])
{
    __m512i even[4];
    __m512i odd[4];
    __m512i crossed[4];
    for (unsigned k = 0; k < 4; k++) {
        even[k] = _mm512_unpacklo_epi64(in[2 * k], in[2 * k + 1]);
        odd[k] = _mm512_unpackhi_epi64(in[2 * k], in[2 * k + 1]);
    }
    lanes_cross(even[0], even[1], even[2], even[3], crossed);
    for (unsigned k = 0; k < 4; k++) {
        out[2 * k] = crossed[k];
    }
    lanes_cross(odd[0], odd[1], odd[2], odd[3], crossed);
    for (unsigned k = 0; k < 4; k++) {
        out[2 * k + 1] = crossed[k];
    }
}

static void avx512_spread(const void *rows, uint32_t rows_count, const uint64_t *first,
                          uint64_t *differs, uint64_t *columns)
{
    const uint8_t *at = rows;
    const __m512i expected = _mm512_loadu_si512(first);
    __m512i all = _mm512_loadu_si512(differs);
    uint32_t i = 0;
    for (; i + 8 <= rows_count; i += 8, at += 512) {
        __m512i row[8];
        __m512i word[8];
        for (unsigned k = 0; k < 8; k++) {
            row[k] = _mm512_loadu_si512(at + (size_t)64 * k);
            all = _mm512_ternarylogic_epi64(all, row[k], expected, 0xf6); /* all | row ^ expected */
        }
        words_cross(row, word);
        for (unsigned w = 0; w < 8; w++) {
            _mm512_storeu_si512(columns + (size_t)w * TG_GROUP_STRIDE + i, word[w]);
        }
    }
    _mm512_storeu_si512(differs, all);
    if (i < rows_count) {
        tg_column_scalar.spread(at, rows_count - i, first, differs, columns + i);
    }
}

/* 64 words, or 32 of them, to 8 planes: within 8 rows octets side by side, then words across. */
static inline void planes_cut(const uint64_t *in, uint32_t rows_count, __m512i first,
                              __m512i out[TG_WORD_OCTETS])
{
    const __m512i pairs =
        _mm512_broadcast_i32x4(_mm_setr_epi8(0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15));
    const __m512i quads =
        _mm512_set_epi16(31, 23, 15, 7, 30, 22, 14, 6, 29, 21, 13, 5, 28, 20, 12, 4, 27, 19, 11, 3,
                         26, 18, 10, 2, 25, 17, 9, 1, 24, 16, 8, 0);
    __m512i eight[8];
    for (unsigned k = 0; k < 8; k++) {
        eight[k] = _mm512_setzero_si512();
        if (8 * k < rows_count) {
            const __m512i words = _mm512_xor_si512(_mm512_loadu_si512(in + (size_t)8 * k), first);
            eight[k] = _mm512_permutexvar_epi16(quads, _mm512_shuffle_epi8(words, pairs));
        }
    }
    words_cross(eight, out);
}

/* A plane of octets, or of one bit of them. */
struct piece {
    uint32_t offset_bytes;
    uint16_t octet;
    uint16_t bit; /* as a mask */
};

struct pieces {
    struct piece whole[TG_WORD_OCTETS];
    struct piece bits[64];
    uint32_t whole_count;
    uint32_t bits_count;
};

static void pieces_list(uint32_t rows_count, uint64_t differs, struct pieces *pieces)
{
    uint32_t offset_bytes = 0;
    pieces->whole_count = 0;
    pieces->bits_count = 0;
    for (uint32_t p = 0; p < TG_WORD_OCTETS; p++) {
        const uint8_t bits = (uint8_t)(differs >> 8 * p);
        if (tg_plane_is_whole(bits)) {
            pieces->whole[pieces->whole_count++] = (struct piece){offset_bytes, (uint16_t)p, 0};
            offset_bytes += rows_count;
            continue;
        }
        for (uint32_t left = bits; left != 0; left &= left - 1) {
            pieces->bits[pieces->bits_count++] =
                (struct piece){offset_bytes, (uint16_t)p, (uint16_t)(left & (0 - left))};
            offset_bytes += rows_count / 8;
        }
    }
}

/* `now` is a constant where it is called, so that each plane is one store. */
static inline __attribute__((always_inline)) void block_cut(const uint64_t *words, uint32_t now,
                                                            __m512i expected,
                                                            const struct pieces *pieces,
                                                            uint32_t at, uint8_t *out)
{
    __m512i cut[TG_WORD_OCTETS];
    planes_cut(words + at, now, expected, cut);
    for (uint32_t k = 0; k < pieces->whole_count; k++) {
        memcpy(out + pieces->whole[k].offset_bytes + at, &cut[pieces->whole[k].octet], now);
    }
    for (uint32_t k = 0; k < pieces->bits_count; k++) {
        const struct piece piece = pieces->bits[k];
        const __mmask64 is_set =
            _mm512_test_epi8_mask(cut[piece.octet], _mm512_set1_epi8((char)piece.bit));
        memcpy(out + piece.offset_bytes + at / 8, &is_set, now / 8);
    }
}

static size_t avx512_cut(const uint64_t *words, uint32_t rows_count, uint64_t first,
                         uint64_t differs, uint8_t *out)
{
    struct pieces pieces;
    pieces_list(rows_count, differs, &pieces);
    const __m512i expected = _mm512_set1_epi64((long long)first);
    uint32_t i = 0;
    for (; i + CUT_ROWS <= rows_count; i += CUT_ROWS) {
        block_cut(words, CUT_ROWS, expected, &pieces, i, out);
    }
    if (i < rows_count) {
        block_cut(words, TG_PLANE_ROWS, expected, &pieces, i, out);
    }
    return tg_planes_bytes(rows_count, differs);
}

static void avx512_gather(const uint64_t *columns, uint32_t rows_count, void *rows)
{
    tg_column_avx2.gather(columns, rows_count, rows);
}

static void avx512_join(const uint8_t *planes, uint32_t rows_count, uint64_t first,
                        uint64_t differs, uint64_t wanted, uint64_t *words)
{
    tg_column_avx2.join(planes, rows_count, first, differs, wanted, words);
}

const struct tg_column_kernels tg_column_avx512 = {.name = "avx512",
                                                   .spread = avx512_spread,
                                                   .gather = avx512_gather,
                                                   .cut = avx512_cut,
                                                   .join = avx512_join};
