/* SPDX-License-Identifier: Apache-2.0 */
#include "mediate/dedup.h"

#include "base/arena.h"
#include "base/hash.h"
#include "base/limits.h"

#include <assert.h>
#include <immintrin.h>
#include <stdbool.h>

/* A bucket is a cache line with room for four records; generations[i] tells when slot i was taken.
 *
 * (1) A slot is live while its generation is the young or the old one; any other may be taken. So
 *     forgetting a generation touches no memory, and one look finds records of both.
 * (2) A record that finds its bucket full goes to the next one with room, and every bucket passed
 * is marked with the generation (`overflow`). A look goes on behind a bucket while its mark is
 * live, which is as long as any record that passed it. (3) Generation 0 is never live: numbers
 * begin at 2 and a sweep comes before they wrap. */
#define BUCKET_SLOTS     4u
#define AHEAD_ROWS       16u /* of a batch's 256 lines asked for at once the first are gone again */
#define GENERATION_FIRST 2u

struct bucket {
    uint64_t keys[BUCKET_SLOTS]; /* a record key of 0 is stored as 1 */
    uint32_t checks[BUCKET_SLOTS];
    uint16_t generations[BUCKET_SLOTS];
    uint16_t overflow;
    uint16_t reserved[3];
};
_Static_assert(sizeof(struct bucket) == 64, "a record costs one cache line");

struct generation {
    uint64_t count;
    int64_t event_ns_max;
};

struct tg_dedup {
    struct bucket *buckets;
    uint64_t buckets_count;
    struct generation young;
    struct generation old;
    uint64_t count_max;
    int64_t horizon_ns;
    uint64_t rotations_count;
    uint16_t now; /* number of the young generation */
};

struct tg_dedup *tg_dedup_create(uint64_t records_count_max)
{
    struct tg_dedup *dedup = tg_pages_take(sizeof *dedup);
    if (dedup == NULL) {
        return NULL;
    }
    /* Both generations full: 60 % of the slots are live, and one record in ten overflows. */
    const uint64_t count_max = records_count_max > 0 ? records_count_max : 1;
    dedup->buckets_count = count_max * 2 * 10 / 6 / BUCKET_SLOTS + 256;
    dedup->count_max = count_max;
    dedup->young = (struct generation){0, INT64_MIN};
    dedup->old = (struct generation){0, INT64_MIN};
    dedup->horizon_ns = INT64_MIN;
    dedup->now = GENERATION_FIRST;
    dedup->buckets = tg_pages_take(dedup->buckets_count * sizeof(struct bucket));
    if (dedup->buckets == NULL) {
        tg_dedup_free(dedup);
        return NULL;
    }
    return dedup;
}

void tg_dedup_free(struct tg_dedup *dedup)
{
    if (dedup != NULL) {
        tg_pages_free(dedup->buckets, dedup->buckets_count * sizeof(struct bucket));
        tg_pages_free(dedup, sizeof *dedup);
    }
}

static uint64_t key_of(const struct tg_usage *row)
{
    return row->record_key != 0 ? row->record_key : 1;
}

/* What must not change under one record key. A cumulative row's quantities are deltas by now and
 * its key already covers the readings, so only who and with whom is compared. */
static uint32_t check_of(const struct tg_usage *row)
{
    uint64_t crc = _mm_crc32_u64(0, row->subscriber_key);
    crc = _mm_crc32_u64(crc, row->peer_key);
    if ((row->flags & TG_USAGE_CUMULATIVE) != 0) {
        return (uint32_t)crc;
    }
    crc = _mm_crc32_u64(crc, (uint64_t)row->start_ns);
    crc = _mm_crc32_u64(crc, row->quantity_up);
    crc = _mm_crc32_u64(crc, row->quantity_down);
    return (uint32_t)_mm_crc32_u64(crc, row->duration_ms);
}

/* Multiply-shift instead of a mask: the table need not be a power of two. */
static inline uint64_t bucket_of(const struct tg_dedup *dedup, uint64_t key)
{
    return (uint64_t)(((unsigned __int128)tg_mix64(key) * dedup->buckets_count) >> 64);
}

static inline bool generation_is_live(const struct tg_dedup *dedup, uint16_t generation)
{
    return (uint16_t)(dedup->now - generation) <= 1;
}

/* Bit i: slot i is live. */
static inline unsigned slots_live(const struct tg_dedup *dedup, const struct bucket *bucket)
{
    const __m128i numbers = _mm_loadl_epi64((const __m128i *)bucket->generations);
    const __m128i ages = _mm_sub_epi16(_mm_set1_epi16((short)dedup->now), numbers);
    const __m128i is_young = _mm_cmpeq_epi16(ages, _mm_setzero_si128());
    const __m128i is_old = _mm_cmpeq_epi16(ages, _mm_set1_epi16(1));
    const __m128i live = _mm_packs_epi16(_mm_or_si128(is_young, is_old), _mm_setzero_si128());
    return (unsigned)_mm_movemask_epi8(live) & 15u;
}

/* Bit i: slot i has the key, live or not. */
static inline unsigned slots_equal(const struct bucket *bucket, uint64_t key)
{
    const __m256i keys = _mm256_loadu_si256((const __m256i *)bucket->keys);
    const __m256i equal = _mm256_cmpeq_epi64(keys, _mm256_set1_epi64x((long long)key));
    return (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(equal));
}

/* The record's check, or NULL. */
static const uint32_t *check_find(const struct tg_dedup *dedup, uint64_t home, uint64_t key)
{
    for (uint64_t at = home;; at = at + 1 == dedup->buckets_count ? 0 : at + 1) {
        const struct bucket *bucket = &dedup->buckets[at];
        const unsigned found = slots_equal(bucket, key) & slots_live(dedup, bucket);
        if (found != 0) {
            return &bucket->checks[__builtin_ctz(found)];
        }
        if (__builtin_expect(!generation_is_live(dedup, bucket->overflow), 1)) {
            return NULL;
        }
    }
}

/* Once in 65,534 rotations: numbers start again, what is no longer live is wiped. */
static void generations_restart(struct tg_dedup *dedup)
{
    for (uint64_t b = 0; b < dedup->buckets_count; b++) {
        struct bucket *bucket = &dedup->buckets[b];
        for (unsigned i = 0; i < BUCKET_SLOTS; i++) {
            const bool is_old = bucket->generations[i] == dedup->now;
            bucket->generations[i] = is_old ? GENERATION_FIRST - 1 : 0;
        }
        bucket->overflow = bucket->overflow == dedup->now ? GENERATION_FIRST - 1 : 0;
    }
    dedup->now = GENERATION_FIRST - 1;
}

static void dedup_rotate(struct tg_dedup *dedup)
{
    if (dedup->old.count != 0) {
        /* Never backwards: a generation of late records may end before the one it followed. */
        if (dedup->old.event_ns_max > dedup->horizon_ns) {
            dedup->horizon_ns = dedup->old.event_ns_max;
        }
        dedup->rotations_count++;
    }
    dedup->old = dedup->young;
    dedup->young = (struct generation){0, INT64_MIN};
    if (dedup->now == UINT16_MAX) {
        generations_restart(dedup);
    }
    dedup->now++;
}

static inline void slot_set(struct tg_dedup *dedup, struct bucket *bucket, unsigned live,
                            uint64_t key, const struct tg_usage *row)
{
    const unsigned slot = (unsigned)__builtin_ctz(~live);
    bucket->keys[slot] = key;
    bucket->checks[slot] = check_of(row);
    bucket->generations[slot] = dedup->now;
    dedup->young.count++;
    if (row->start_ns > dedup->young.event_ns_max) {
        dedup->young.event_ns_max = row->start_ns;
    }
}

/* After each record, not each batch: what is forgotten must not depend on how rows are batched. */
static void record_keep(struct tg_dedup *dedup, uint64_t home, uint64_t key,
                        const struct tg_usage *row)
{
    if (dedup->young.count == dedup->count_max) {
        dedup_rotate(dedup);
    }
    uint64_t at = home;
    unsigned live = slots_live(dedup, &dedup->buckets[at]);
    while (live == 15u) {
        dedup->buckets[at].overflow = dedup->now;
        at = at + 1 == dedup->buckets_count ? 0 : at + 1;
        live = slots_live(dedup, &dedup->buckets[at]);
    }
    slot_set(dedup, &dedup->buckets[at], live, key, row);
}

/* Nine records in ten are fresh and find room in their own bucket: one look tells and takes. */
static inline int16_t dedup_one(struct tg_dedup *dedup, uint64_t home, const struct tg_usage *row)
{
    const uint64_t key = key_of(row);
    struct bucket *bucket = &dedup->buckets[home];
    const unsigned live = slots_live(dedup, bucket);
    const bool is_plain = live != 15u && (slots_equal(bucket, key) & live) == 0 &&
                          !generation_is_live(dedup, bucket->overflow);
    if (__builtin_expect(!is_plain, 0)) {
        const uint32_t *check = check_find(dedup, home, key);
        if (check != NULL) {
            return *check == check_of(row) ? TG_E_DUPLICATE : TG_E_DUP_CONFLICT;
        }
    }
    if (row->start_ns <= dedup->horizon_ns) {
        return TG_E_TOO_OLD;
    }
    if (is_plain && dedup->young.count != dedup->count_max) {
        slot_set(dedup, bucket, live, key, row);
    } else {
        record_keep(dedup, home, key, row);
    }
    return TG_OK;
}

void tg_dedup_run(struct tg_dedup *dedup, const struct tg_usage *rows, size_t stride_bytes,
                  uint32_t count, int16_t *verdicts)
{
    assert(count <= TG_BATCH_ROWS_MAX);
    const uint8_t *at = (const uint8_t *)rows;
    uint64_t homes[TG_BATCH_ROWS_MAX];
    for (uint32_t i = 0; i < count + AHEAD_ROWS; i++) {
        if (i < count) {
            homes[i] = bucket_of(dedup, key_of((const void *)(at + i * stride_bytes)));
            __builtin_prefetch(&dedup->buckets[homes[i]], 1);
        }
        if (i >= AHEAD_ROWS) {
            const uint32_t row = i - AHEAD_ROWS;
            verdicts[row] = dedup_one(dedup, homes[row], (const void *)(at + row * stride_bytes));
        }
    }
}

void tg_dedup_prefetch(const struct tg_dedup *dedup, const struct tg_usage *row)
{
    __builtin_prefetch(&dedup->buckets[bucket_of(dedup, key_of(row))], 1);
}

void tg_dedup_replay(struct tg_dedup *dedup, const struct tg_usage *row)
{
    const uint64_t key = key_of(row);
    const uint64_t home = bucket_of(dedup, key);
    if (check_find(dedup, home, key) == NULL) {
        record_keep(dedup, home, key, row);
    }
}

uint64_t tg_dedup_count(const struct tg_dedup *dedup)
{
    return dedup->young.count + dedup->old.count;
}

uint64_t tg_dedup_rotations(const struct tg_dedup *dedup)
{
    return dedup->rotations_count;
}
