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

#define CHUNK_ROWS           256u /* 2 KiB of words: stays in L1 between transform and cut */
#define NOISE_SAMPLE_BYTES   512u
#define NOISE_DISTINCT_LEAST 205 /* six standard deviations below noise, far above text */
#define RAW_BELOW_BYTES      64u /* a zstd frame of so little is larger than its content */

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

/* Reads `count` words at a stride into `out`. */
static void words_gather(const uint64_t *restrict values, uint32_t stride_words, uint32_t count,
                         uint64_t *restrict out)
{
    if (stride_words == 8) { /* a row: the distance is a constant for the compiler */
        for (uint32_t i = 0; i < count; i++) {
            out[i] = values[(size_t)i * 8];
        }
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        out[i] = values[(size_t)i * stride_words];
    }
}

/* The transforms that look back; one loop each, as a switch a row costs more than the transform. */
static void words_delta(struct tg_words *words, uint64_t *values, uint32_t count)
{
    uint64_t previous = words->previous;
    uint64_t previous_delta = words->previous_delta;
    if (words->transform == TG_WORD_DELTA) {
        for (uint32_t i = 0; i < count; i++) {
            const uint64_t value = values[i];
            values[i] = zigzag(value - previous);
            previous = value;
        }
    } else if (words->transform == TG_WORD_DELTA2) {
        for (uint32_t i = 0; i < count; i++) {
            const uint64_t value = values[i];
            values[i] = zigzag(value - previous - previous_delta);
            previous_delta = value - previous;
            previous = value;
        }
    } else {
        for (uint32_t i = 0; i < count; i++) {
            const uint64_t value = values[i];
            const uint32_t high = (uint32_t)(value >> 32) - (uint32_t)(previous >> 32);
            values[i] = (value & UINT32_MAX) | (uint64_t)zigzag32(high) << 32;
            previous = value;
        }
    }
    words->previous = previous;
    words->previous_delta = previous_delta;
}

/* Reads and transforms `count` words into `out`, padded to a multiple of 32 with the last one. */
static void words_transform(struct tg_words *words, const uint64_t *values, uint32_t stride_words,
                            uint32_t count, uint64_t *out)
{
    words_gather(values, stride_words, count, out);
    if (words->transform == TG_WORD_ZIGZAG) {
        for (uint32_t i = 0; i < count; i++) {
            out[i] = zigzag(out[i]);
        }
    } else if (words->transform != TG_WORD_PLAIN) {
        words_delta(words, out, count);
    }
    for (uint32_t i = count; i % 32 != 0; i++) {
        out[i] = out[count - 1];
    }
}

/* OR of what differs from the first word; count is padded, so groups of 4 are whole. */
static uint64_t words_differ(const uint64_t *values, uint32_t count, uint64_t first)
{
    const __m256i expected = _mm256_set1_epi64x((long long)first);
    __m256i differs = _mm256_setzero_si256();
    for (uint32_t i = 0; i < count; i += 4) {
        const __m256i four = _mm256_loadu_si256((const __m256i *)(values + i));
        differs = _mm256_or_si256(differs, _mm256_xor_si256(four, expected));
    }
    uint64_t lanes[4];
    _mm256_storeu_si256((__m256i *)lanes, differs);
    return lanes[0] | lanes[1] | lanes[2] | lanes[3];
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
    words_transform(words, values, stride_words, count, chunk);
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

/* Whether a plane looks like noise (identity hashes, low octets of counters): then zstd would take
 * its time and give nothing. In 512 octets of noise 221 values are expected (256 (1 - e^-2)). */
static bool plane_is_noise(const uint8_t *bytes, uint32_t length_bytes)
{
    if (length_bytes < 4 * NOISE_SAMPLE_BYTES) {
        return false;
    }
    uint64_t seen[4] = {0};
    const uint8_t *sample = bytes + length_bytes / 2;
    for (uint32_t i = 0; i < NOISE_SAMPLE_BYTES; i++) {
        seen[sample[i] / 64] |= UINT64_C(1) << sample[i] % 64;
    }
    const int distinct = __builtin_popcountll(seen[0]) + __builtin_popcountll(seen[1]) +
                         __builtin_popcountll(seen[2]) + __builtin_popcountll(seen[3]);
    return distinct >= NOISE_DISTINCT_LEAST;
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
    const bool is_worth =
        words->rows_count >= RAW_BELOW_BYTES && !plane_is_noise(bytes, words->rows_count);
    size_t stored =
        is_worth ? tg_codec_compress(codec, bytes, words->rows_count, out, capacity_bytes) : 0;
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

/* Eight planes of 32 rows to 32 words: the inverse of planes_cut_32, by unpacking pairs of planes.
 */
static inline void words_join_32(const uint8_t *planes, uint32_t planes_count, size_t stride,
                                 uint64_t *out)
{
    __m256i p[8];
    for (unsigned k = 0; k < 8; k++) {
        p[k] = k < planes_count ? _mm256_loadu_si256((const __m256i *)(planes + k * stride))
                                : _mm256_setzero_si256();
    }
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
            uint64_t *to = out + half * 8 + k * 4;
            _mm_storeu_si128((__m128i *)to, _mm256_castsi256_si128(low));
            _mm_storeu_si128((__m128i *)(to + 2), _mm256_castsi256_si128(high));
            _mm_storeu_si128((__m128i *)(to + 16), _mm256_extracti128_si256(low, 1));
            _mm_storeu_si128((__m128i *)(to + 18), _mm256_extracti128_si256(high, 1));
        }
    }
}

static void planes_join_words(const uint8_t *planes, uint32_t planes_count, size_t stride,
                              uint32_t rows_count, uint64_t *out)
{
    uint32_t i = 0;
    for (; i + 32 <= rows_count; i += 32) {
        words_join_32(planes + i, planes_count, stride, out + i);
    }
    for (; i < rows_count; i++) {
        uint64_t value = 0;
        for (uint32_t p = 0; p < planes_count; p++) {
            value |= (uint64_t)planes[p * stride + i] << 8 * p;
        }
        out[i] = value;
    }
}

/* Two planes make u16 with one unpack; four make u32 with two. */
static void planes_join_halves(const uint8_t *planes, uint32_t planes_count, size_t stride,
                               uint32_t rows_count, uint16_t *out)
{
    uint32_t i = 0;
    for (; planes_count == 2 && i + 16 <= rows_count; i += 16) {
        const __m128i a = _mm_loadu_si128((const __m128i *)(planes + i));
        const __m128i b = _mm_loadu_si128((const __m128i *)(planes + stride + i));
        _mm_storeu_si128((__m128i *)(out + i), _mm_unpacklo_epi8(a, b));
        _mm_storeu_si128((__m128i *)(out + i + 8), _mm_unpackhi_epi8(a, b));
    }
    for (; i < rows_count; i++) {
        const unsigned high = planes_count > 1 ? planes[stride + i] : 0u;
        out[i] = (uint16_t)(planes[i] | high << 8);
    }
}

static void planes_join_quarters(const uint8_t *planes, uint32_t planes_count, size_t stride,
                                 uint32_t rows_count, uint32_t *out)
{
    uint32_t i = 0;
    for (; planes_count == 4 && i + 16 <= rows_count; i += 16) {
        __m128i p[4];
        for (unsigned k = 0; k < 4; k++) {
            p[k] = _mm_loadu_si128((const __m128i *)(planes + k * stride + i));
        }
        const __m128i low_a = _mm_unpacklo_epi8(p[0], p[1]);
        const __m128i low_b = _mm_unpacklo_epi8(p[2], p[3]);
        const __m128i high_a = _mm_unpackhi_epi8(p[0], p[1]);
        const __m128i high_b = _mm_unpackhi_epi8(p[2], p[3]);
        __m128i *to = (__m128i *)(out + i);
        _mm_storeu_si128(to, _mm_unpacklo_epi16(low_a, low_b));
        _mm_storeu_si128(to + 1, _mm_unpackhi_epi16(low_a, low_b));
        _mm_storeu_si128(to + 2, _mm_unpacklo_epi16(high_a, high_b));
        _mm_storeu_si128(to + 3, _mm_unpackhi_epi16(high_a, high_b));
    }
    for (; i < rows_count; i++) {
        uint32_t value = 0;
        for (uint32_t p = 0; p < planes_count; p++) {
            value |= (uint32_t)planes[p * stride + i] << 8 * p;
        }
        out[i] = value;
    }
}

void tg_planes_join(const uint8_t *planes, uint32_t planes_count, size_t stride,
                    uint32_t rows_count, uint32_t width_bytes, void *out)
{
    switch (width_bytes) {
    case 1:
        memcpy(out, planes, rows_count);
        break;
    case 2:
        planes_join_halves(planes, planes_count, stride, rows_count, out);
        break;
    case 4:
        planes_join_quarters(planes, planes_count, stride, rows_count, out);
        break;
    default:
        planes_join_words(planes, planes_count, stride, rows_count, out);
        break;
    }
}
