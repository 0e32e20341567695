/* SPDX-License-Identifier: Apache-2.0 */
/* AVX2: 4 x 4 words transposed a time, 32 rows cut a time. */
#include "store/kernels.h"

#include <immintrin.h>
#include <string.h>

/* Four words of four rows to four arrays. */
static inline void quad_spread(const __m256i row[4], uint64_t *columns)
{
    const __m256i a = _mm256_unpacklo_epi64(row[0], row[1]);
    const __m256i b = _mm256_unpackhi_epi64(row[0], row[1]);
    const __m256i c = _mm256_unpacklo_epi64(row[2], row[3]);
    const __m256i d = _mm256_unpackhi_epi64(row[2], row[3]);
    _mm256_storeu_si256((__m256i *)columns, _mm256_permute2x128_si256(a, c, 0x20));
    _mm256_storeu_si256((__m256i *)(columns + TG_GROUP_STRIDE),
                        _mm256_permute2x128_si256(b, d, 0x20));
    _mm256_storeu_si256((__m256i *)(columns + (size_t)2 * TG_GROUP_STRIDE),
                        _mm256_permute2x128_si256(a, c, 0x31));
    _mm256_storeu_si256((__m256i *)(columns + (size_t)3 * TG_GROUP_STRIDE),
                        _mm256_permute2x128_si256(b, d, 0x31));
}

static void avx2_spread(const void *rows, uint32_t rows_count, const uint64_t *first,
                        uint64_t *differs, uint64_t *columns)
{
    const uint8_t *at = rows;
    uint32_t i = 0;
    __m256i expected[2];
    __m256i all[2];
    for (unsigned h = 0; h < 2; h++) {
        expected[h] = _mm256_loadu_si256((const __m256i *)(first + 4 * h));
        all[h] = _mm256_loadu_si256((const __m256i *)(differs + 4 * h));
    }
    for (; i + 4 <= rows_count; i += 4, at += 256) {
        for (unsigned h = 0; h < 2; h++) {
            __m256i row[4];
            for (unsigned k = 0; k < 4; k++) {
                row[k] = _mm256_loadu_si256((const __m256i *)(at + (size_t)64 * k + 32 * h));
                all[h] = _mm256_or_si256(all[h], _mm256_xor_si256(row[k], expected[h]));
            }
            quad_spread(row, columns + (size_t)4 * h * TG_GROUP_STRIDE + i);
        }
    }
    for (unsigned h = 0; h < 2; h++) {
        _mm256_storeu_si256((__m256i *)(differs + 4 * h), all[h]);
    }
    if (i < rows_count) {
        tg_column_scalar.spread(at, rows_count - i, first, differs, columns + i);
    }
}

static void avx2_gather(const uint64_t *columns, uint32_t rows_count, void *rows)
{
    uint8_t *at = rows;
    uint32_t i = 0;
    for (; i + 4 <= rows_count; i += 4, at += 256) {
        for (unsigned h = 0; h < 2; h++) {
            const uint64_t *from = columns + (size_t)4 * h * TG_GROUP_STRIDE + i;
            __m256i word[4];
            for (unsigned k = 0; k < 4; k++) {
                word[k] = _mm256_loadu_si256((const __m256i *)(from + (size_t)k * TG_GROUP_STRIDE));
            }
            const __m256i a = _mm256_unpacklo_epi64(word[0], word[1]);
            const __m256i b = _mm256_unpackhi_epi64(word[0], word[1]);
            const __m256i c = _mm256_unpacklo_epi64(word[2], word[3]);
            const __m256i d = _mm256_unpackhi_epi64(word[2], word[3]);
            __m256i *to = (__m256i *)(at + (size_t)32 * h);
            _mm256_storeu_si256(to, _mm256_permute2x128_si256(a, c, 0x20));
            _mm256_storeu_si256(to + 2, _mm256_permute2x128_si256(b, d, 0x20));
            _mm256_storeu_si256(to + 4, _mm256_permute2x128_si256(a, c, 0x31));
            _mm256_storeu_si256(to + 6, _mm256_permute2x128_si256(b, d, 0x31));
        }
    }
    if (i < rows_count) {
        tg_column_scalar.gather(columns + i, rows_count - i, at);
    }
}

/* Cuts 32 words into 8 planes of 32 octets: an 8-octet transpose done with byte shuffles. */
static inline void planes_cut_32(const uint64_t *in, __m256i first, __m256i out[TG_WORD_OCTETS])
{
    const __m256i pairs = _mm256_setr_epi8(0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15, 0,
                                           8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15);
    __m256i a[8];
    __m256i b[8];
    for (unsigned j = 0; j < 8; j++) {
        /* Rows 2j, 2j+1 in the low lane, 16+2j, 17+2j in the high one: planes come out in order. */
        const __m128i low = _mm_loadu_si128((const __m128i *)(in + 2 * j));
        const __m128i high = _mm_loadu_si128((const __m128i *)(in + 16 + 2 * j));
        a[j] = _mm256_shuffle_epi8(_mm256_xor_si256(_mm256_set_m128i(high, low), first), pairs);
    }
    for (unsigned j = 0; j < 4; j++) { /* b[j]: planes 0..3 of 4 rows, b[4+j]: planes 4..7 */
        b[j] = _mm256_unpacklo_epi16(a[2 * j], a[2 * j + 1]);
        b[4 + j] = _mm256_unpackhi_epi16(a[2 * j], a[2 * j + 1]);
    }
    for (unsigned h = 0; h < 2; h++) { /* a[4h+..]: planes 4h,4h+1 then 4h+2,4h+3 of 8 rows */
        for (unsigned j = 0; j < 2; j++) {
            a[4 * h + j] = _mm256_unpacklo_epi32(b[4 * h + 2 * j], b[4 * h + 2 * j + 1]);
            a[4 * h + 2 + j] = _mm256_unpackhi_epi32(b[4 * h + 2 * j], b[4 * h + 2 * j + 1]);
        }
    }
    for (unsigned q = 0; q < 4; q++) {
        out[2 * q] = _mm256_unpacklo_epi64(a[2 * q], a[2 * q + 1]);
        out[2 * q + 1] = _mm256_unpackhi_epi64(a[2 * q], a[2 * q + 1]);
    }
}

/* One piece of a plane that is kept: an octet's, or a bit's. */
struct piece {
    uint32_t offset_bytes; /* of the plane */
    uint8_t octet;
    uint8_t bit; /* 8: the whole octet */
};

/* Lists the planes; returns how many. */
static uint32_t pieces_list(uint32_t rows_count, uint64_t differs, struct piece pieces[64])
{
    uint32_t count = 0;
    uint32_t offset_bytes = 0;
    for (uint32_t p = 0; p < TG_WORD_OCTETS; p++) {
        const uint8_t bits = (uint8_t)(differs >> 8 * p);
        if (tg_plane_is_whole(bits)) {
            pieces[count++] = (struct piece){offset_bytes, (uint8_t)p, 8};
            offset_bytes += rows_count;
            continue;
        }
        for (uint32_t left = bits; left != 0; left &= left - 1) {
            pieces[count++] =
                (struct piece){offset_bytes, (uint8_t)p, (uint8_t)__builtin_ctz(left)};
            offset_bytes += rows_count / 8;
        }
    }
    return count;
}

static size_t avx2_cut(const uint64_t *words, uint32_t rows_count, uint64_t first, uint64_t differs,
                       uint8_t *out)
{
    struct piece pieces[64];
    const uint32_t pieces_count = pieces_list(rows_count, differs, pieces);
    const __m256i expected = _mm256_set1_epi64x((long long)first);
    for (uint32_t i = 0; i < rows_count; i += 32) {
        __m256i cut[TG_WORD_OCTETS];
        planes_cut_32(words + i, expected, cut);
        for (uint32_t k = 0; k < pieces_count; k++) {
            const struct piece piece = pieces[k];
            uint8_t *at = out + piece.offset_bytes;
            if (piece.bit == 8) {
                _mm256_storeu_si256((__m256i *)(at + i), cut[piece.octet]);
                continue;
            }
            const __m256i up = _mm256_sll_epi16(cut[piece.octet], _mm_cvtsi32_si128(7 - piece.bit));
            const int mask = _mm256_movemask_epi8(up);
            memcpy(at + i / 8, &mask, sizeof mask);
        }
    }
    return tg_planes_bytes(rows_count, differs);
}

/* 32 bits to the same bit of 32 octets. */
static inline __m256i bits_widen(const uint8_t *at, uint32_t bit)
{
    const __m256i which = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2,
                                           2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
    const __m256i of = _mm256_set1_epi64x((long long)UINT64_C(0x8040201008040201));
    int mask;
    memcpy(&mask, at, sizeof mask);
    const __m256i octets = _mm256_shuffle_epi8(_mm256_set1_epi32(mask), which);
    const __m256i is_set = _mm256_cmpeq_epi8(_mm256_and_si256(octets, of), of);
    return _mm256_and_si256(is_set, _mm256_set1_epi8((char)(1u << bit)));
}

/* Eight planes of 32 rows to 32 words: the inverse of planes_cut_32, by unpacking pairs. */
static inline void words_join_32(const __m256i p[TG_WORD_OCTETS], __m128i first, uint64_t *out)
{
    for (unsigned half = 0; half < 2; half++) { /* rows 0..7 of each lane, then rows 8..15 */
        __m256i pair[4];
        __m256i quad[4];
        for (unsigned k = 0; k < 4; k++) {
            pair[k] = half == 0 ? _mm256_unpacklo_epi8(p[2 * k], p[2 * k + 1])
                                : _mm256_unpackhi_epi8(p[2 * k], p[2 * k + 1]);
        }
        for (unsigned k = 0; k < 2; k++) {
            quad[2 * k] = _mm256_unpacklo_epi16(pair[2 * k], pair[2 * k + 1]);
            quad[2 * k + 1] = _mm256_unpackhi_epi16(pair[2 * k], pair[2 * k + 1]);
        }
        for (unsigned k = 0; k < 2; k++) { /* rows 4k.. of the eight */
            const __m256i low = _mm256_unpacklo_epi32(quad[k], quad[2 + k]);
            const __m256i high = _mm256_unpackhi_epi32(quad[k], quad[2 + k]);
            __m128i *to = (__m128i *)(out + half * 8 + k * 4);
            _mm_storeu_si128(to, _mm_xor_si128(_mm256_castsi256_si128(low), first));
            _mm_storeu_si128(to + 1, _mm_xor_si128(_mm256_castsi256_si128(high), first));
            _mm_storeu_si128(to + 8, _mm_xor_si128(_mm256_extracti128_si256(low, 1), first));
            _mm_storeu_si128(to + 9, _mm_xor_si128(_mm256_extracti128_si256(high, 1), first));
        }
    }
}

static void avx2_join(const uint8_t *planes, uint32_t rows_count, uint64_t first, uint64_t differs,
                      uint64_t wanted, uint64_t *words)
{
    struct piece pieces[64];
    const uint32_t listed_count = pieces_list(rows_count, differs, pieces);
    uint32_t pieces_count = 0;
    for (uint32_t k = 0; k < listed_count; k++) {
        pieces[pieces_count] = pieces[k];
        pieces_count += (wanted >> 8 * pieces[k].octet & 0xff) != 0 ? 1 : 0;
    }
    const __m128i expected = _mm_set1_epi64x((long long)first);
    for (uint32_t i = 0; i < rows_count; i += 32) {
        __m256i p[TG_WORD_OCTETS] = {0};
        for (uint32_t k = 0; k < pieces_count; k++) {
            const struct piece piece = pieces[k];
            const uint8_t *at = planes + piece.offset_bytes;
            p[piece.octet] =
                piece.bit == 8 ? _mm256_loadu_si256((const __m256i *)(at + i))
                               : _mm256_or_si256(p[piece.octet], bits_widen(at + i / 8, piece.bit));
        }
        words_join_32(p, expected, words + i);
    }
}

const struct tg_column_kernels tg_column_avx2 = {.name = "avx2",
                                                 .spread = avx2_spread,
                                                 .gather = avx2_gather,
                                                 .cut = avx2_cut,
                                                 .join = avx2_join};
