/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The usual record, several at a time: the body of the loop's vector variants, and their
 *         table.
 *
 *  Source: flowplan.h, whose scalar loop is the oracle: a variant gives its rows or none.
 *  Threads: pure. Allocates: never. Cost: `tollgate bench --micro`, ipfix decode.
 *
 *  A file defines TG_FLOW_LANES as 4 or 8, includes this and is compiled for its instruction set;
 * the columns of that many records are vectors of the compiler's, only their last turn into rows is
 *  written with intrinsics. What is unusual in any of the records (a time that cannot be true, a
 *  quantity over 48 bits) makes the variant stop before them, and the scalar loop takes over.
 */
#ifndef TG_DECODERS_LIB_FLOWLANES_H
#define TG_DECODERS_LIB_FLOWLANES_H

#include "abi/key.h"
#include "lib/flowplan.h"

/** Records that any variant takes at once, at most. */
#define TG_FLOW_LANES_MAX 8u

/** @brief A variant of the loop. */
struct tg_flow_variant {
    const char *name;     /**< Instruction set, as the compiler calls it. */
    uint32_t lanes_count; /**< Records taken at once. */
    /** Decode records whose template is usual; as tg_flow_gather, but may
     *  stop anywhere: rows written, a multiple of lanes_count. */
    uint32_t (*gather)(const struct tg_flow_plan *plan, const struct tg_flow_context *context,
                       const uint8_t *records, uint32_t count, struct tg_usage *rows);
};

extern const struct tg_flow_variant tg_flow_avx2;   /**< Four at once. */
extern const struct tg_flow_variant tg_flow_avx512; /**< Eight at once: F, BW, DQ and VL. */

/**
 * @brief Variants this processor can run, for tests.
 * @param index  0: the scalar loop alone.
 * @return Variant, for the scalar loop one without gather; NULL behind the last.
 */
const struct tg_flow_variant *tg_flow_variant_at(uint32_t index);

/** @brief tg_flow_gather by one variant. @param variant From tg_flow_variant_at.
 *  @param plan As there. @param context As there. @param records As there. @param count As there.
 *  @param rows As there. @return As there. */
uint32_t tg_flow_gather_by(const struct tg_flow_variant *variant, const struct tg_flow_plan *plan,
                           const struct tg_flow_context *context, const uint8_t *records,
                           uint32_t count, struct tg_usage *rows);

/** @brief What the times of a record add to its identity. @param seed Of the message.
 *  @param start_ns Start. @param end_ns End. @return Mixed. */
static inline uint64_t tg_flow_time_mix(uint64_t seed, uint64_t start_ns, uint64_t end_ns)
{
    return tg_key_mix(seed ^ start_ns, end_ns ^ UINT64_C(0x9e3779b97f4a7c15));
}

/** @brief Identity of a record that tells its time. @param seed Of the message.
 *  @param start_ns Start. @param end_ns End. @param record Its octets.
 *  @param octets Its length. @return record_key. */
static inline uint64_t tg_flow_identity(uint64_t seed, uint64_t start_ns, uint64_t end_ns,
                                        const uint8_t *record, uint32_t octets)
{
    return tg_key_hash(tg_flow_time_mix(seed, start_ns, end_ns) ^ seed, record, octets);
}

#ifdef TG_FLOW_LANES

#include <immintrin.h>
#include <string.h>

#define LANES      TG_FLOW_LANES
#define NS_PER_MS  INT64_C(1000000)
#define TIME_BITS  42 /* milliseconds below this are nanoseconds below 2^63: until the year 2109 */
#define COUNT_BITS 48 /* of a quantity */

typedef uint64_t lanes __attribute__((vector_size(8 * LANES), aligned(8)));
typedef int64_t lanes_signed __attribute__((vector_size(8 * LANES), aligned(8)));
typedef uint8_t lanes_octets __attribute__((vector_size(8 * LANES), aligned(8)));

/* The octets of each word the other way round. */
static inline __attribute__((always_inline)) lanes lanes_swap(lanes words)
{
    lanes_octets order;
    for (unsigned i = 0; i < sizeof order; i++) {
        order[i] = (uint8_t)((i & ~7u) | (7u - (i & 7u)));
    }
#if TG_FLOW_LANES == 8
    return (lanes)_mm512_shuffle_epi8((__m512i)words, (__m512i)order);
#else
    return (lanes)_mm256_shuffle_epi8((__m256i)words, (__m256i)order);
#endif
}

static inline __attribute__((always_inline)) lanes lanes_load(const uint8_t *record, size_t stride,
                                                              struct tg_flow_load from)
{
    lanes words;
    for (unsigned i = 0; i < LANES; i++) {
        uint64_t word;
        memcpy(&word, record + from.at + i * stride, sizeof word);
        words[i] = word;
    }
    return lanes_swap(words) & from.mask;
}

static inline __attribute__((always_inline)) bool lanes_any(lanes words)
{
#if TG_FLOW_LANES == 8
    return _mm512_test_epi64_mask((__m512i)words, (__m512i)words) != 0;
#else
    return _mm256_testz_si256((__m256i)words, (__m256i)words) == 0;
#endif
}

/* Four words of each of four rows, from four columns. */
static inline __attribute__((always_inline)) void
rows_put(struct tg_usage *rows, unsigned first_word, __m256i a, __m256i b, __m256i c, __m256i d)
{
    const __m256i ab_even = _mm256_unpacklo_epi64(a, b);
    const __m256i ab_odd = _mm256_unpackhi_epi64(a, b);
    const __m256i cd_even = _mm256_unpacklo_epi64(c, d);
    const __m256i cd_odd = _mm256_unpackhi_epi64(c, d);
    uint8_t *at = (uint8_t *)rows + first_word * sizeof(uint64_t);
    const size_t stride = sizeof(struct tg_usage);
    _mm256_storeu_si256((__m256i *)at, _mm256_permute2x128_si256(ab_even, cd_even, 0x20));
    _mm256_storeu_si256((__m256i *)(at + stride), _mm256_permute2x128_si256(ab_odd, cd_odd, 0x20));
    _mm256_storeu_si256((__m256i *)(at + 2 * stride),
                        _mm256_permute2x128_si256(ab_even, cd_even, 0x31));
    _mm256_storeu_si256((__m256i *)(at + 3 * stride),
                        _mm256_permute2x128_si256(ab_odd, cd_odd, 0x31));
}

/* Four of the lanes. */
static inline __attribute__((always_inline)) __m256i lanes_four(lanes words, unsigned half)
{
#if TG_FLOW_LANES == 8
    return half == 0 ? _mm512_castsi512_si256((__m512i)words)
                     : _mm512_extracti64x4_epi64((__m512i)words, 1);
#else
    (void)half;
    return (__m256i)words;
#endif
}

/* Columns in the order of struct tg_usage's eight words. */
static inline __attribute__((always_inline)) void columns_put(struct tg_usage *rows,
                                                              const lanes columns[8])
{
    for (unsigned half = 0; half < LANES / 4; half++) {
        rows_put(rows + 4 * half, 0, lanes_four(columns[0], half), lanes_four(columns[1], half),
                 lanes_four(columns[2], half), lanes_four(columns[3], half));
        rows_put(rows + 4 * half, 4, lanes_four(columns[4], half), lanes_four(columns[5], half),
                 lanes_four(columns[6], half), lanes_four(columns[7], half));
    }
}

/* What is the same in all rows of a template: service and kinds; source, node and flags are 0. */
static inline uint64_t last_word(const struct tg_flow_plan *plan)
{
    struct tg_usage row = {.service = plan->service, .key_kinds = plan->kinds4};
    uint64_t words[8];
    memcpy(words, &row, sizeof words);
    return words[7];
}

static inline uint64_t word_at(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* tg_flow_identity of all lanes, piece by piece: as many chains of multiplications side by side.
 * Records have at least 8 octets. */
static inline __attribute__((always_inline)) lanes
record_keys(uint64_t seed, const uint8_t *record, size_t octets, lanes start_ns, lanes end_ns)
{
    uint64_t hashes[LANES];
    for (unsigned i = 0; i < LANES; i++) {
        hashes[i] =
            tg_key_hash_begin(tg_flow_time_mix(seed, start_ns[i], end_ns[i]) ^ seed, octets);
    }
    size_t at = 0;
    for (; at + 16 <= octets; at += 16) {
        for (unsigned i = 0; i < LANES; i++) {
            const uint8_t *piece = record + i * octets + at;
            hashes[i] = tg_key_hash_step(hashes[i], word_at(piece), word_at(piece + 8));
        }
    }
    const size_t left = octets - at;
    const unsigned shift = (unsigned)(64 - 8 * (left > 8 ? left - 8 : left)) % 64;
    lanes keys;
    for (unsigned i = 0; i < LANES; i++) {
        const uint64_t tail = left != 0 ? word_at(record + (i + 1) * octets - 8) >> shift : 0;
        const uint64_t a = left > 8 ? word_at(record + i * octets + at) : tail;
        keys[i] = tg_key_hash_end(hashes[i], a, left > 8 ? tail : 0);
    }
    return keys;
}

/* Start and end in nanoseconds, the length in milliseconds; not 0 where a time is unusual. */
static inline __attribute__((always_inline)) lanes times_of(const struct tg_flow_context *context,
                                                            bool is_uptime, lanes start, lanes end,
                                                            lanes *start_ns, lanes *end_ns,
                                                            lanes *length_ms)
{
    lanes unusual;
    if (is_uptime) {
        /* Ages are 32 bits with a sign: an uptime wraps, and a time may lie after the export. */
        const uint64_t sign = UINT64_C(0x80000000);
        const lanes start_age = (((context->uptime_ms - start) & UINT32_MAX) ^ sign) - sign;
        const lanes end_age = (((context->uptime_ms - end) & UINT32_MAX) ^ sign) - sign;
        *start_ns = (uint64_t)context->export_ns - start_age * (uint64_t)NS_PER_MS;
        *end_ns = (uint64_t)context->export_ns - end_age * (uint64_t)NS_PER_MS;
        *length_ms = start_age - end_age;
        unusual = start_age ^ start_age;
    } else {
        *start_ns = start * (uint64_t)NS_PER_MS;
        *end_ns = end * (uint64_t)NS_PER_MS;
        *length_ms = end - start;
        unusual = (start | end) >> TIME_BITS;
    }
    unusual |= *length_ms >> 32; /* also an end before the start */
    const int64_t from_ns = context->export_ns - TG_FLOW_SUSPECT_AGE_NS;
    const int64_t to_ns = context->export_ns + TG_FLOW_SUSPECT_AHEAD_NS;
    unusual |=
        (lanes)((lanes_signed)*start_ns < from_ns) | (lanes)((lanes_signed)*start_ns > to_ns);
    return unusual;
}

static inline __attribute__((always_inline)) uint32_t
lanes_gather(const struct tg_flow_plan *restrict plan,
             const struct tg_flow_context *restrict context, const uint8_t *records, uint32_t count,
             bool is_uptime, struct tg_usage *restrict rows)
{
    const struct tg_flow_load *restrict loads = plan->loads;
    const struct tg_flow_load source =
        loads[loads[TG_FLOW_SLOT_SOURCE4].mask != 0 ? TG_FLOW_SLOT_SOURCE4 : TG_FLOW_SLOT_SOURCE6];
    const struct tg_flow_load peer =
        loads[loads[TG_FLOW_SLOT_PEER4].mask != 0 ? TG_FLOW_SLOT_PEER4 : TG_FLOW_SLOT_PEER6];
    const size_t stride = plan->record_octets;
    const uint64_t last = last_word(plan);
    const lanes zero = {0};
    uint32_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        const uint8_t *record = records + i * stride;
        lanes columns[8];
        lanes start_ns;
        lanes end_ns;
        lanes length_ms;
        const lanes up = lanes_load(record, stride, loads[TG_FLOW_SLOT_UP]);
        const lanes down = loads[TG_FLOW_SLOT_DOWN].mask != 0
                               ? lanes_load(record, stride, loads[TG_FLOW_SLOT_DOWN])
                               : zero;
        const lanes unusual = times_of(
            context, is_uptime, lanes_load(record, stride, loads[TG_FLOW_SLOT_START]),
            lanes_load(record, stride, loads[TG_FLOW_SLOT_END]), &start_ns, &end_ns, &length_ms);
        if (__builtin_expect(lanes_any(unusual | (up | down) >> COUNT_BITS), 0)) {
            break;
        }
        const lanes group = loads[TG_FLOW_SLOT_GROUP].mask != 0
                                ? lanes_load(record, stride, loads[TG_FLOW_SLOT_GROUP])
                                : zero;
        columns[0] = lanes_load(record, stride, source);
        columns[1] = lanes_load(record, stride, peer);
        columns[2] = start_ns;
        columns[3] = up | group << COUNT_BITS;
        columns[4] = down;
        columns[5] = record_keys(context->seed, record, stride, start_ns, end_ns);
        columns[6] = length_ms | (uint64_t)context->sequence << 32;
        columns[7] = zero + last;
        columns_put(rows + i, columns);
    }
    return i;
}

static uint32_t variant_gather(const struct tg_flow_plan *plan,
                               const struct tg_flow_context *context, const uint8_t *records,
                               uint32_t count, struct tg_usage *rows)
{
    return plan->start_clock == TG_FLOW_CLOCK_UPTIME
               ? lanes_gather(plan, context, records, count, true, rows)
               : lanes_gather(plan, context, records, count, false, rows);
}

#endif
#endif
