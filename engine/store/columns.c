/* SPDX-License-Identifier: Apache-2.0 */
/* Words to byte planes and back.
 *
 * (1) Plane p of rows 0..rows_count is materialised only when bit p of `written` is set; else all
 *     its rows have octet p of `first`.
 * (2) A chunk is cut 32 rows at a time; the last group may write up to 31 octets of rubbish behind
 *     the rows, which later rows overwrite and nobody reads: hence TG_PLANE_SLACK. */
#include "store/columns.h"

#include <immintrin.h>
#include <string.h>

#include "base/hash.h"

#define CHUNK_ROWS      256u /* 2 KiB of words: stays in L1 between transform and cut */
#define SAMPLE_BYTES    4096u
#define SAMPLE_GAIN     16u  /* a plane that shrinks by less than this part is stored as it is */
#define RAW_BELOW_BYTES 64u  /* a zstd frame of so little is larger than its content */

void tg_words_init(struct tg_words *words, uint8_t *planes, uint32_t capacity_rows,
                   uint8_t transform)
{
    *words =
        (struct tg_words){.planes = planes, .capacity_rows = capacity_rows, .transform = transform};
}

void tg_words_reset(struct tg_words *words)
{
    tg_words_init(words, words->planes, words->capacity_rows, words->transform);
}

static inline uint64_t unzigzag(uint64_t x)
{
    return (x >> 1) ^ (0 - (x & 1));
}

static inline uint32_t unzigzag32(uint32_t x)
{
    return (x >> 1) ^ (0 - (x & 1));
}

/* Zigzag of four words: AVX2 has no arithmetic shift of 64 bits, a comparison gives the signs. */
static inline __m256i zigzag_4(__m256i x)
{
    const __m256i signs = _mm256_cmpgt_epi64(_mm256_setzero_si256(), x);
    return _mm256_xor_si256(_mm256_slli_epi64(x, 1), signs);
}

static inline __m256i load_4(const uint64_t *at)
{
    return _mm256_loadu_si256((const __m256i *)at);
}

static inline void store_4(uint64_t *at, __m256i value)
{
    _mm256_storeu_si256((__m256i *)at, value);
}

/* Low halves as they are, high halves as zigzag differences. */
static inline __m256i delta_high32_4(__m256i x, __m256i before)
{
    const __m256i delta = _mm256_sub_epi32(x, before);
    const __m256i zigzag =
        _mm256_xor_si256(_mm256_slli_epi32(delta, 1), _mm256_srai_epi32(delta, 31));
    return _mm256_blend_epi32(x, zigzag, 0xaa);
}

/* Transforms raw[0..count) into out, four at a time; raw[-1] and raw[-2] are the words before. Up to
 * three words behind count are read and written: rubbish. */
static void words_transform(uint8_t transform, const uint64_t *raw, uint32_t count, uint64_t *out)
{
    switch (transform) {
    case TG_WORD_ZIGZAG:
        for (uint32_t i = 0; i < count; i += 4) {
            store_4(out + i, zigzag_4(load_4(raw + i)));
        }
        break;
    case TG_WORD_DELTA:
        for (uint32_t i = 0; i < count; i += 4) {
            store_4(out + i, zigzag_4(_mm256_sub_epi64(load_4(raw + i), load_4(raw + i - 1))));
        }
        break;
    case TG_WORD_DELTA2:
        for (uint32_t i = 0; i < count; i += 4) {
            const __m256i middle = load_4(raw + i - 1);
            const __m256i delta = _mm256_sub_epi64(load_4(raw + i), middle);
            const __m256i before = _mm256_sub_epi64(middle, load_4(raw + i - 2));
            store_4(out + i, zigzag_4(_mm256_sub_epi64(delta, before)));
        }
        break;
    case TG_WORD_DELTA_HIGH32:
        for (uint32_t i = 0; i < count; i += 4) {
            store_4(out + i, delta_high32_4(load_4(raw + i), load_4(raw + i - 1)));
        }
        break;
    default:
        memcpy(out, raw, count * sizeof *out);
        break;
    }
}

/* Reads `count` words at a stride and transforms them into `out`, padded to a multiple of 32. */
static void words_read(struct tg_words *words, const uint64_t *values, uint32_t stride_words,
                       uint32_t count, uint64_t *out)
{
    uint64_t lead[CHUNK_ROWS + 8];
    uint64_t *raw = lead + 2;
    raw[-1] = words->previous;
    raw[-2] = words->previous - words->previous_delta;
    for (uint32_t i = 0; i < count; i++) {
        raw[i] = values[(size_t)i * stride_words];
    }
    for (uint32_t i = count; i % 4 != 0; i++) {
        raw[i] = 0;
    }
    words_transform(words->transform, raw, count, out);
    words->previous = raw[count - 1];
    words->previous_delta = raw[count - 1] - *(raw + count - 2);
    for (uint32_t i = count; i % 32 != 0; i++) {
        out[i] = out[count - 1];
    }
}

/* Octets in which any word differs from `first`. The padding repeats a word: it adds nothing. */
static uint64_t words_differ(const uint64_t *out, uint32_t count, uint64_t first)
{
    const __m256i firsts = _mm256_set1_epi64x((long long)first);
    __m256i differs = _mm256_setzero_si256();
    for (uint32_t i = 0; i < count; i += 4) {
        differs = _mm256_or_si256(differs, _mm256_xor_si256(load_4(out + i), firsts));
    }
    const __m128i half =
        _mm_or_si128(_mm256_castsi256_si128(differs), _mm256_extracti128_si256(differs, 1));
    return (uint64_t)_mm_cvtsi128_si64(half) | (uint64_t)_mm_extract_epi64(half, 1);
}

/* Cuts 32 words into 8 planes of 32 octets: an 8-octet transpose done with byte shuffles. */
static inline void planes_cut_32(const uint64_t *in, __m256i out[TG_WORD_PLANES])
{
    const __m256i pairs = _mm256_setr_epi8(0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15, 0,
                                           8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15);
    __m256i a[8];
    __m256i b[8];
    for (unsigned j = 0; j < 8; j++) {
        /* Rows 2j, 2j+1 in the low lane, 16+2j, 17+2j in the high one: planes come out in order. */
        const __m128i low = _mm_loadu_si128((const __m128i *)(in + 2 * j));
        const __m128i high = _mm_loadu_si128((const __m128i *)(in + 16 + 2 * j));
        a[j] = _mm256_shuffle_epi8(_mm256_set_m128i(high, low), pairs);
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

/* Octets of `differs` that are not zero, as a bit mask of planes. */
static inline uint8_t planes_changed(uint64_t differs)
{
    const __m128i octets = _mm_cvtsi64_si128((long long)differs);
    const int same = _mm_movemask_epi8(_mm_cmpeq_epi8(octets, _mm_setzero_si128()));
    return (uint8_t)~same;
}

static size_t plane_stride(const struct tg_words *words)
{
    return (size_t)words->capacity_rows + TG_PLANE_SLACK;
}

/* A plane that was constant so far is written out up to here. */
static void planes_materialise(struct tg_words *words, uint8_t changed)
{
    for (uint32_t p = 0; p < TG_WORD_PLANES; p++) {
        if ((changed & ~words->written & (1u << p)) != 0) {
            memset(words->planes + p * plane_stride(words), (int)(words->first >> 8 * p & 0xff),
                   words->rows_count);
        }
    }
    words->written |= changed;
}

static void words_append_chunk(struct tg_words *words, const uint64_t *values,
                               uint32_t stride_words, uint32_t count)
{
    uint64_t chunk[CHUNK_ROWS];
    words_read(words, values, stride_words, count, chunk);
    if (words->rows_count == 0) {
        words->first = chunk[0];
    }
    words->differs |= words_differ(chunk, count, words->first);
    planes_materialise(words, planes_changed(words->differs));
    const uint8_t written = words->written;
    uint8_t *at = words->planes + words->rows_count;
    for (uint32_t i = 0; i < count && written != 0; i += 32) {
        __m256i cut[TG_WORD_PLANES];
        planes_cut_32(chunk + i, cut);
        for (uint32_t left = written; left != 0; left &= left - 1) {
            const unsigned p = (unsigned)__builtin_ctz(left);
            _mm256_storeu_si256((__m256i *)(at + p * plane_stride(words) + i), cut[p]);
        }
    }
    words->rows_count += count;
}

void tg_words_append(struct tg_words *words, const uint64_t *values, uint32_t stride_words,
                     uint32_t count)
{
    while (count > 0) {
        const uint32_t now = count < CHUNK_ROWS ? count : CHUNK_ROWS;
        words_append_chunk(words, values, stride_words, now);
        values += (size_t)now * stride_words;
        count -= now;
    }
}

void tg_words_restore(uint8_t transform, uint64_t *values, uint32_t count)
{
    uint64_t previous = 0;
    uint64_t previous_delta = 0;
    for (uint32_t i = 0; i < count && transform != TG_WORD_PLAIN; i++) {
        switch (transform) {
        case TG_WORD_ZIGZAG:
            values[i] = unzigzag(values[i]);
            break;
        case TG_WORD_DELTA:
            previous += unzigzag(values[i]);
            values[i] = previous;
            break;
        case TG_WORD_DELTA2:
            previous_delta += unzigzag(values[i]);
            previous += previous_delta;
            values[i] = previous;
            break;
        default: {
            const uint32_t high =
                (uint32_t)(previous >> 32) + unzigzag32((uint32_t)(values[i] >> 32));
            previous = (uint64_t)high << 32 | (values[i] & UINT32_MAX);
            values[i] = previous;
            break;
        }
        }
    }
}

/* Would zstd gain anything? Hashes and low octets are noise, a third of all planes: four KiB out of
 * the middle tell, for a sixteenth of the work. A pure function of the octets, so a block's bytes do
 * not depend on the blocks before it. */
static bool plane_shrinks(struct tg_codec *codec, const uint8_t *bytes, uint32_t length_bytes,
                          uint8_t *out, size_t capacity_bytes)
{
    if (length_bytes < 4 * SAMPLE_BYTES) {
        return true;
    }
    const size_t stored = tg_codec_compress(codec, bytes + length_bytes / 2, SAMPLE_BYTES, out,
                                            capacity_bytes);
    return stored != 0 && stored < SAMPLE_BYTES - SAMPLE_BYTES / SAMPLE_GAIN;
}

size_t tg_plane_encode(struct tg_codec *codec, const struct tg_words *words, uint32_t plane_index,
                       uint8_t *out, size_t capacity_bytes, struct tg_plane *plane)
{
    *plane = (struct tg_plane){.encoding = TG_PLANE_CONSTANT};
    if ((words->written & (1u << plane_index)) == 0) {
        plane->constant = (uint8_t)(words->first >> 8 * plane_index);
        return 0;
    }
    const uint8_t *bytes = words->planes + plane_index * plane_stride(words);
    size_t stored = words->rows_count >= RAW_BELOW_BYTES &&
                            plane_shrinks(codec, bytes, words->rows_count, out, capacity_bytes)
                        ? tg_codec_compress(codec, bytes, words->rows_count, out, capacity_bytes)
                        : 0;
    plane->encoding = TG_PLANE_ZSTD;
    if (stored == 0) {
        memcpy(out, bytes, words->rows_count);
        stored = words->rows_count;
        plane->encoding = TG_PLANE_RAW;
    }
    plane->stored_bytes = (uint32_t)stored;
    plane->crc32c = tg_crc32c(0, out, stored);
    return stored;
}

enum tg_err tg_plane_decode(struct tg_codec *codec, const struct tg_plane *plane,
                            const uint8_t *bytes, uint32_t rows_count, uint8_t *out)
{
    if (plane->encoding == TG_PLANE_CONSTANT) {
        memset(out, plane->constant, rows_count);
        return TG_OK;
    }
    if (tg_crc32c(0, bytes, plane->stored_bytes) != plane->crc32c) {
        return TG_E_CORRUPT;
    }
    if (plane->encoding == TG_PLANE_ZSTD) {
        return tg_codec_decompress(codec, bytes, plane->stored_bytes, out, rows_count);
    }
    if (plane->encoding != TG_PLANE_RAW || plane->stored_bytes != rows_count) {
        return TG_E_CORRUPT;
    }
    memcpy(out, bytes, rows_count);
    return TG_OK;
}

/* One loop a width, planes inside: gcc turns each plane's pass into widening vector code. */
#define PLANES_JOIN(name, type)                                                                    \
    static void planes_join_##name(const uint8_t *planes, uint32_t planes_count, size_t stride,    \
                                   uint32_t rows_count, type *restrict out)                        \
    {                                                                                              \
        memset(out, 0, (size_t)rows_count * sizeof *out);                                          \
        for (uint32_t first = 0; first < rows_count; first += CHUNK_ROWS) {                        \
            const uint32_t left = rows_count - first;                                              \
            const uint32_t now = left < CHUNK_ROWS ? left : CHUNK_ROWS;                            \
            for (uint32_t p = 0; p < planes_count; p++) {                                          \
                const uint8_t *restrict plane = planes + p * stride + first;                       \
                type *restrict to = out + first;                                                   \
                _Pragma("GCC ivdep") for (uint32_t i = 0; i < now; i++)                            \
                {                                                                                  \
                    to[i] |= (type)((type)plane[i] << 8 * p);                                      \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }
#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wunknown-pragmas"
#endif
PLANES_JOIN(u16, uint16_t)
PLANES_JOIN(u32, uint32_t)
PLANES_JOIN(u64, uint64_t)
#if defined(__clang__)
#pragma clang diagnostic pop
#endif

void tg_planes_join(const uint8_t *planes, uint32_t planes_count, size_t stride,
                    uint32_t rows_count, uint32_t width_bytes, void *out)
{
    switch (width_bytes) {
    case 1:
        memcpy(out, planes, rows_count);
        break;
    case 2:
        planes_join_u16(planes, planes_count, stride, rows_count, out);
        break;
    case 4:
        planes_join_u32(planes, planes_count, stride, rows_count, out);
        break;
    default:
        planes_join_u64(planes, planes_count, stride, rows_count, out);
        break;
    }
}
