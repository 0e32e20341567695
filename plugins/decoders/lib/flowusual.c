/* SPDX-License-Identifier: Apache-2.0 */
/* Usual records, one after the other. Two columns are a vector: two loads, one shuffle that turns
 * their octets round and masks them, one store. What is unusual is gathered from all records and
 * looked at once, at the end. Times and the identity are scalar: a chain of multiplications a
 * record, which the processor runs side by side with those of the next ones.
 *
 * Measured and slower: columns of four or eight records as vectors (AVX2, AVX-512). Records have
 * no stride that loads could use, so each word is put in its lane by an instruction of its own, and
 * the hashes of eight records at once do not fit the registers. */
#include "lib/flowusual.h"

#include "abi/key.h"

#include <immintrin.h>
#include <stddef.h>
#include <string.h>

#define NS_PER_MS UINT64_C(1000000)
#define TIME_BITS 42u  /* milliseconds below this are nanoseconds below 2^63: until the year 2109  \
                        */
#define COUNT_BITS 48u /* of a quantity */
#define SWAP_LOW   INT64_C(0x0001020304050607)
#define SWAP_HIGH  INT64_C(0x08090a0b0c0d0e0f)
#define CLEAR      UINT64_C(0x8080808080808080) /* an octet of an order that gives zero */

#define INLINE static inline __attribute__((always_inline))

INLINE uint64_t word_at(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

INLINE uint64_t value_at(const uint8_t *record, struct tg_flow_load from)
{
    return __builtin_bswap64(word_at(record + from.at)) & from.mask;
}

/* Two words from their ends to their beginnings, masked. */
static __m128i order_of(struct tg_flow_load low, struct tg_flow_load high)
{
    return _mm_set_epi64x(SWAP_HIGH | (int64_t)(~high.mask & CLEAR),
                          SWAP_LOW | (int64_t)(~low.mask & CLEAR));
}

INLINE __m128i pair_at(const uint8_t *record, ptrdiff_t low_at, ptrdiff_t high_at, __m128i order)
{
    const __m128i low = _mm_loadl_epi64((const __m128i *)(record + low_at));
    const __m128 both = _mm_loadh_pi(_mm_castsi128_ps(low), (const __m64 *)(record + high_at));
    return _mm_shuffle_epi8(_mm_castps_si128(both), order);
}

/* What is the same in all rows of a template: service and kinds; source, node and flags are 0. */
static uint64_t last_word(const struct tg_flow_plan *plan)
{
    struct tg_usage row = {.service = plan->service, .key_kinds = plan->kinds4};
    uint64_t words[8];
    memcpy(words, &row, sizeof words);
    return words[7];
}

/* tg_flow_identity of a record of at least 8 octets, of which `steps` times 16 are whole steps. */
INLINE uint64_t identity(uint64_t seed, uint64_t start_ns, uint64_t end_ns, const uint8_t *record,
                         size_t octets, size_t steps)
{
    uint64_t hash = tg_key_hash_begin(tg_flow_time_mix(seed, start_ns, end_ns) ^ seed, octets);
    const uint8_t *at = record;
    for (size_t i = 0; i < steps; i++, at += 16) {
        hash = tg_key_hash_step(hash, word_at(at), word_at(at + 8));
    }
    const size_t left = octets - 16 * steps;
    if (left == 0) {
        return tg_key_hash_end(hash, 0, 0);
    }
    const uint64_t tail = word_at(record + octets - 8);
    return left > 8 ? tg_key_hash_end(hash, word_at(at), tail >> (128 - 8 * left))
                    : tg_key_hash_end(hash, tail >> (64 - 8 * left), 0);
}

/* Start and end in nanoseconds and the length in milliseconds. */
struct span {
    uint64_t start_ns;
    uint64_t end_ns;
    uint64_t length_ms;
};

INLINE struct span span_of(const struct tg_flow_context *context, bool is_uptime, uint64_t start,
                           uint64_t end)
{
    if (!is_uptime) {
        return (struct span){start * NS_PER_MS, end * NS_PER_MS, end - start};
    }
    /* Ages are 32 bits with a sign: an uptime wraps, and a time may lie after the export. */
    const int64_t start_age = (int32_t)(context->uptime_ms - (uint32_t)start);
    const int64_t end_age = (int32_t)(context->uptime_ms - (uint32_t)end);
    const uint64_t export_ns = (uint64_t)context->export_ns;
    return (struct span){export_ns - (uint64_t)start_age * NS_PER_MS,
                         export_ns - (uint64_t)end_age * NS_PER_MS,
                         (uint64_t)(start_age - end_age)};
}

/* Keys and quantities; false when one does not fit. The loops are two, as all addresses and
 * constants of both together are more than there are registers. */
INLINE bool pairs_gather(const struct tg_flow_plan *plan, const uint8_t *record, uint32_t count,
                         bool has_group, struct tg_usage *rows)
{
    const struct tg_flow_load *loads = plan->loads;
    const struct tg_flow_load source =
        loads[loads[TG_FLOW_SLOT_SOURCE4].mask != 0 ? TG_FLOW_SLOT_SOURCE4 : TG_FLOW_SLOT_SOURCE6];
    const struct tg_flow_load peer =
        loads[loads[TG_FLOW_SLOT_PEER4].mask != 0 ? TG_FLOW_SLOT_PEER4 : TG_FLOW_SLOT_PEER6];
    const struct tg_flow_load up = loads[TG_FLOW_SLOT_UP];
    const struct tg_flow_load down = loads[TG_FLOW_SLOT_DOWN];
    const struct tg_flow_load group = loads[TG_FLOW_SLOT_GROUP];
    const __m128i keys_order = order_of(source, peer);
    const __m128i counts_order = order_of(up, down);
    const size_t octets = plan->record_octets;
    const uint8_t *const end = record + count * octets;
    __m128i counts_all = _mm_setzero_si128();
    for (uint8_t *row = (uint8_t *)rows; record != end; record += octets) {
        __m128i counts = pair_at(record, up.at, down.at, counts_order);
        counts_all = _mm_or_si128(counts_all, counts);
        if (has_group) {
            const uint64_t value = value_at(record, group) << COUNT_BITS;
            counts = _mm_or_si128(counts, _mm_cvtsi64_si128((int64_t)value));
        }
        _mm_storeu_si128((__m128i *)row, pair_at(record, source.at, peer.at, keys_order));
        _mm_storeu_si128((__m128i *)(row + offsetof(struct tg_usage, start_ns) + 8), counts);
        row += sizeof(struct tg_usage);
    }
    const __m128i too_much = _mm_srli_epi64(counts_all, COUNT_BITS);
    return _mm_testz_si128(too_much, too_much) != 0;
}

/* Times, identities and what is the same in all rows; false when a time is unusual. */
INLINE bool times_gather(const struct tg_flow_plan *restrict plan,
                         const struct tg_flow_context *restrict context,
                         const uint8_t *restrict record, uint32_t count, bool is_uptime,
                         size_t steps, struct tg_usage *restrict rows)
{
    const struct tg_flow_load start_load = plan->loads[TG_FLOW_SLOT_START];
    const struct tg_flow_load end_load = plan->loads[TG_FLOW_SLOT_END];
    const size_t octets = plan->record_octets;
    const uint64_t last = last_word(plan);
    const uint64_t sequence = (uint64_t)context->sequence << 32;
    const uint8_t *const end = record + count * octets;
    uint64_t lengths = 0;
    uint64_t starts = 0;
    int64_t first_ns = INT64_MAX;
    int64_t last_ns = INT64_MIN;
    for (uint8_t *row = (uint8_t *)rows; record != end; record += octets) {
        const uint64_t start = value_at(record, start_load);
        const struct span span = span_of(context, is_uptime, start, value_at(record, end_load));
        const int64_t start_ns = (int64_t)span.start_ns;
        starts |= is_uptime ? 0 : start;
        lengths |= span.length_ms;
        first_ns = start_ns < first_ns ? start_ns : first_ns;
        last_ns = start_ns > last_ns ? start_ns : last_ns;
        const uint64_t words[3] = {
            identity(context->seed, span.start_ns, span.end_ns, record, octets, steps),
            span.length_ms | sequence, last};
        memcpy(row + offsetof(struct tg_usage, start_ns), &span.start_ns, sizeof span.start_ns);
        memcpy(row + offsetof(struct tg_usage, record_key), &words[0], 8);
        memcpy(row + offsetof(struct tg_usage, duration_ms), &words[1], 8);
        memcpy(row + offsetof(struct tg_usage, source_id), &words[2], 8);
        row += sizeof(struct tg_usage);
    }
    /* A length of more than 32 bits is also an end before the start. */
    return (starts >> TIME_BITS | lengths >> 32) == 0 &&
           first_ns >= context->export_ns - TG_FLOW_SUSPECT_AGE_NS &&
           last_ns <= context->export_ns + TG_FLOW_SUSPECT_AHEAD_NS;
}

/* The usual lengths of a record are known to the compiler: a loop's length is then, too. */
INLINE bool times_of(const struct tg_flow_plan *plan, const struct tg_flow_context *context,
                     const uint8_t *records, uint32_t count, bool is_uptime, struct tg_usage *rows)
{
    switch (plan->record_octets / 16) {
    case 2:
        return times_gather(plan, context, records, count, is_uptime, 2, rows);
    case 3:
        return times_gather(plan, context, records, count, is_uptime, 3, rows);
    case 4:
        return times_gather(plan, context, records, count, is_uptime, 4, rows);
    default:
        return times_gather(plan, context, records, count, is_uptime, plan->record_octets / 16,
                            rows);
    }
}

static uint32_t variant_gather(const struct tg_flow_plan *plan,
                               const struct tg_flow_context *context, const uint8_t *records,
                               uint32_t count, struct tg_usage *rows)
{
    const bool fits = plan->loads[TG_FLOW_SLOT_GROUP].mask != 0
                          ? pairs_gather(plan, records, count, true, rows)
                          : pairs_gather(plan, records, count, false, rows);
    return fits && (plan->start_clock == TG_FLOW_CLOCK_UPTIME
                        ? times_of(plan, context, records, count, true, rows)
                        : times_of(plan, context, records, count, false, rows))
               ? count
               : 0;
}

const struct tg_flow_variant tg_flow_avx2 = {.name = "avx2", .gather = variant_gather};
