/* SPDX-License-Identifier: Apache-2.0 */
#include "mediate/dedup.h"

#include "base/arena.h"
#include "base/hash.h"
#include "base/limits.h"

#include <assert.h>
#include <immintrin.h>
#include <string.h>

/* A bucket is a cache line with room for five records. `marks` holds six numbers of five bits: the
 * generation in which each slot was taken, and behind them that of the bucket's last overflow.
 *
 * (1) A number is live while it is that of the young or the old generation; a slot with any other
 *     may be taken. So forgetting a generation touches no memory, and one look finds records of
 *     both.
 * (2) A record that finds its bucket full goes to the next one with room, and every bucket passed
 *     is marked. A look goes on behind a bucket while that mark is live, which is as long as any
 *     record that passed it.
 * (3) Numbers come again after 32 generations. Some buckets are swept with every record that is
 *     kept, all of them once in 16 generations: numbers that are dead become the one that comes
 *     again last. */
#define BUCKET_SLOTS      5u
#define SLOTS_ALL         ((1u << BUCKET_SLOTS) - 1)
#define MARK_OVERFLOW     (1u << BUCKET_SLOTS)
#define MARK_BITS         5u
#define MARK_MASK         ((1u << MARK_BITS) - 1)
#define MARKS_COUNT       (BUCKET_SLOTS + 1)
#define SWEEP_GENERATIONS 16u
/* Of all 256 lines of a batch, asked for at once, the first would be gone again. */
#define AHEAD_ROWS       16u
#define GENERATION_FIRST 2u    /* memory of zeros is dead */
#define PIECE_SHIFT      14u   /* buckets of a piece: 1 MiB stays in the second-level cache */
#define PIECES_MAX       4096u /* larger tables have larger pieces */
#define PIECE_RECORDS    1024u

struct bucket {
    uint64_t keys[BUCKET_SLOTS]; /* a record key of 0 is stored as 1 */
    uint32_t checks[BUCKET_SLOTS];
    uint32_t marks;
};
_Static_assert(sizeof(struct bucket) == 64, "a record costs one cache line");

struct generation {
    uint64_t count;
    int64_t event_ns_max;
};

/* A record on its way into the table. */
struct laid {
    uint64_t key;
    uint32_t check;
    uint32_t generation; /* as pieces.generation */
};
_Static_assert(sizeof(struct laid) == 16, "four in a cache line");

/* Records by pieces of the table, while the journal is read. */
struct pieces {
    struct laid *laid; /* shape [pieces_count][PIECE_RECORDS] */
    uint32_t *counts;  /* shape [pieces_count] */
    uint64_t skip_count;
    uint32_t generation; /* the young one, counted from 0: numbers of five bits come again */
    uint32_t pieces_count;
    uint32_t shift; /* piece of a bucket: its index >> shift */
};

struct tg_dedup {
    struct bucket *buckets;
    uint64_t buckets_count;
    struct generation young;
    struct generation old;
    uint64_t count_max;
    int64_t horizon_ns;
    uint64_t rotations_count;
    uint64_t sweep_at;  /* bucket that is swept next */
    uint64_t sweep_due; /* buckets to sweep, times count_max * SWEEP_GENERATIONS */
    uint32_t now;       /* number of the young generation */
    struct pieces pieces;
};

static void pieces_free(struct tg_dedup *dedup)
{
    struct pieces *pieces = &dedup->pieces;
    tg_pages_free(pieces->laid, (size_t)pieces->pieces_count * PIECE_RECORDS * sizeof(struct laid));
    tg_pages_free(pieces->counts, pieces->pieces_count * sizeof *pieces->counts);
    *pieces = (struct pieces){0};
}

struct tg_dedup *tg_dedup_create(uint64_t records_count_max)
{
    struct tg_dedup *dedup = tg_pages_take(sizeof *dedup);
    if (dedup == NULL) {
        return NULL;
    }
    /* Both generations full: 48 % of the slots are live, and one bucket in ten is full (Poisson);
     * as the young one fills it is one in thirty. A record that passes its bucket costs a second
     * line, too late to be asked for ahead. */
    const uint64_t count_max = records_count_max > 0 ? records_count_max : 1;
    dedup->buckets_count = count_max * 5 / 6 + 256;
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
        pieces_free(dedup);
        tg_pages_free(dedup->buckets, dedup->buckets_count * sizeof(struct bucket));
        tg_pages_free(dedup, sizeof *dedup);
    }
}

static inline uint64_t key_of(const struct tg_usage *row)
{
    return row->record_key + (row->record_key == 0);
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

/* Multiply-shift instead of a mask: the table need not be a power of two. It takes the upper bits,
 * so of tg_mix64 the shifts before and behind are left out: every bit of a key still moves them. */
static inline uint64_t bucket_of(uint64_t buckets_count, uint64_t key)
{
    uint64_t mixed = key * TG_MIX64_FACTOR;
    mixed = (mixed ^ mixed >> 32) * TG_MIX64_FACTOR;
    return (uint64_t)(((unsigned __int128)mixed * buckets_count) >> 64);
}

/* A number of five bits in each of the six places. */
#define MARKS_EACH(number) ((uint32_t)(number)*UINT32_C(0x2108421))
#define MARKS_TOP          MARKS_EACH(1u << (MARK_BITS - 1))
#define MARKS_REST         (MARKS_EACH(MARK_MASK) & ~MARKS_TOP)

/* The top bit of each number that is not 0. */
static inline uint32_t marks_nonzero(uint32_t marks)
{
    return ((marks & MARKS_REST) + MARKS_REST) | marks;
}

/* Bit i: slot i is not live and may be taken; MARK_OVERFLOW: nothing live lies behind this bucket.
 * Six numbers in one word, as vectors take two more instructions and three times as long. */
static inline unsigned marks_dead(uint32_t now, uint32_t marks)
{
    const uint32_t young = MARKS_EACH(now);
    const uint32_t old = MARKS_EACH((now - 1) & MARK_MASK);
    const uint32_t dead = marks_nonzero(marks ^ young) & marks_nonzero(marks ^ old);
    return _pext_u32(dead, MARKS_TOP);
}

/* The same of what is live. */
static inline unsigned marks_live(uint32_t now, uint32_t marks)
{
    return marks_dead(now, marks) ^ (SLOTS_ALL | MARK_OVERFLOW);
}

static inline void mark_set(struct bucket *bucket, unsigned mark, uint32_t now)
{
    const unsigned shift = mark * MARK_BITS;
    bucket->marks = (bucket->marks & ~(MARK_MASK << shift)) | now << shift;
}

/* Bit i: slot i has the key, live or not. */
static inline unsigned slots_equal(const struct bucket *bucket, uint64_t key)
{
    const __m256i keys = _mm256_loadu_si256((const __m256i *)bucket->keys);
    const __m256i equal = _mm256_cmpeq_epi64(keys, _mm256_set1_epi64x((long long)key));
    return (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(equal)) |
           (unsigned)(bucket->keys[4] == key) << 4;
}

static inline uint64_t bucket_next(const struct tg_dedup *dedup, uint64_t at)
{
    return at + 1 == dedup->buckets_count ? 0 : at + 1;
}

/* The record's check, or NULL. */
static __attribute__((noinline)) const uint32_t *check_find(const struct tg_dedup *dedup,
                                                            uint64_t home, uint64_t key)
{
    for (uint64_t at = home;; at = bucket_next(dedup, at)) {
        const struct bucket *bucket = &dedup->buckets[at];
        const unsigned live = marks_live(dedup->now, bucket->marks);
        const unsigned found = slots_equal(bucket, key) & live;
        if (found != 0) {
            return &bucket->checks[__builtin_ctz(found)];
        }
        if (__builtin_expect((live & MARK_OVERFLOW) == 0, 1)) {
            return NULL;
        }
    }
}

/* Of the numbers that are dead, the one that comes again last. */
static void bucket_sweep(struct bucket *bucket, uint32_t now)
{
    const unsigned live = marks_live(now, bucket->marks);
    for (unsigned i = 0; i < MARKS_COUNT; i++) {
        if (((live >> i) & 1u) == 0) {
            mark_set(bucket, i, (now - 2) & MARK_MASK);
        }
    }
}

static __attribute__((noinline)) void sweep_run(struct tg_dedup *dedup)
{
    for (; dedup->sweep_due >= dedup->count_max * SWEEP_GENERATIONS;
         dedup->sweep_due -= dedup->count_max * SWEEP_GENERATIONS) {
        bucket_sweep(&dedup->buckets[dedup->sweep_at], dedup->now);
        dedup->sweep_at = bucket_next(dedup, dedup->sweep_at);
    }
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
    dedup->now = (dedup->now + 1) & MARK_MASK;
}

static inline void slot_set(struct tg_dedup *dedup, struct bucket *bucket, unsigned live,
                            uint64_t key, const struct tg_usage *row)
{
    const unsigned slot = (unsigned)__builtin_ctz(~live);
    bucket->keys[slot] = key;
    bucket->checks[slot] = check_of(row);
    mark_set(bucket, slot, dedup->now);
    dedup->young.count++;
    dedup->sweep_due += dedup->buckets_count;
    if (__builtin_expect(dedup->sweep_due >= dedup->count_max * SWEEP_GENERATIONS, 0)) {
        sweep_run(dedup);
    }
    if (row->start_ns > dedup->young.event_ns_max) {
        dedup->young.event_ns_max = row->start_ns;
    }
}

/* After each record, not each batch: what is forgotten must not depend on how rows are batched. */
static __attribute__((noinline)) void record_keep(struct tg_dedup *dedup, uint64_t home,
                                                  uint64_t key, const struct tg_usage *row)
{
    if (dedup->young.count == dedup->count_max) {
        dedup_rotate(dedup);
    }
    uint64_t at = home;
    unsigned live = marks_live(dedup->now, dedup->buckets[at].marks);
    while ((live & SLOTS_ALL) == SLOTS_ALL) {
        mark_set(&dedup->buckets[at], BUCKET_SLOTS, dedup->now);
        at = bucket_next(dedup, at);
        live = marks_live(dedup->now, dedup->buckets[at].marks);
    }
    slot_set(dedup, &dedup->buckets[at], live, key, row);
}

/* Most records are fresh and find room in their own bucket: one look tells and takes. */
static __attribute__((noinline)) int16_t dedup_one(struct tg_dedup *dedup, uint64_t home,
                                                   const struct tg_usage *row)
{
    const uint64_t key = key_of(row);
    struct bucket *bucket = &dedup->buckets[home];
    const unsigned live = marks_live(dedup->now, bucket->marks);
    const bool is_plain = live < SLOTS_ALL && (slots_equal(bucket, key) & live) == 0;
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

/* A batch under way that ends before the young generation is full. */
struct quiet {
    struct tg_dedup *dedup;
    int64_t event_ns_max;
    uint32_t others_count; /* records that took another way, and were counted there */
    uint32_t aside_count;  /* those of them that wait for the line behind their bucket */
    uint16_t aside[TG_BATCH_ROWS_MAX];
    struct bucket *homes[TG_BATCH_ROWS_MAX];
};

/* Addresses first, then one prefetch after the other: a page walk holds up the instructions behind
 * it, but walks that follow each other closely overlap. One prefetch before each record that is
 * taken cost 10 ns a row more. */
static inline void quiet_ask(struct quiet *quiet, const struct tg_usage *rows, uint32_t from,
                             uint32_t to)
{
    const struct tg_dedup *dedup = quiet->dedup;
    for (uint32_t i = from; i < to; i++) {
        quiet->homes[i] = &dedup->buckets[bucket_of(dedup->buckets_count, key_of(&rows[i]))];
    }
    for (uint32_t i = from; i < to; i++) {
        __builtin_prefetch(quiet->homes[i], 1);
    }
}

/* Most records are fresh and find room in their own bucket: one look tells and takes. */
static inline void quiet_take(struct quiet *quiet, const struct tg_usage *rows, uint32_t at,
                              int16_t *verdicts)
{
    struct tg_dedup *dedup = quiet->dedup;
    const struct tg_usage *row = &rows[at];
    struct bucket *bucket = quiet->homes[at];
    const uint64_t key = key_of(row);
    const int64_t start_ns = row->start_ns;
    const uint32_t now = dedup->now;
    const uint32_t marks = bucket->marks;
    const unsigned dead = marks_dead(now, marks);
    if (__builtin_expect(dead <= MARK_OVERFLOW, 0)) {
        __builtin_prefetch(bucket + 1, 1); /* behind the last one it is for nothing */
        quiet->aside[quiet->aside_count++] = (uint16_t)at;
        return;
    }
    if (__builtin_expect((slots_equal(bucket, key) & ~dead) != 0 || start_ns <= dedup->horizon_ns,
                         0)) {
        quiet->others_count++;
        verdicts[at] = dedup_one(dedup, (uint64_t)(bucket - dedup->buckets), row);
        return;
    }
    const unsigned slot = (unsigned)__builtin_ctz(dead);
    const unsigned shift = slot * MARK_BITS;
    bucket->keys[slot] = key;
    bucket->checks[slot] = check_of(row);
    bucket->marks = (marks & ~(MARK_MASK << shift)) | now << shift;
    quiet->event_ns_max = start_ns > quiet->event_ns_max ? start_ns : quiet->event_ns_max;
    verdicts[at] = TG_OK;
}

/* Records whose bucket is full or was passed, when the line behind it is there: one in ten, and
 * each would have waited for it. That they come behind others changes no verdict: a bucket that is
 * full or passed stays so within the batch, so of the records of one key none comes before an
 * earlier one. */
static inline void aside_take(struct quiet *quiet, const struct tg_usage *rows, int16_t *verdicts)
{
    for (uint32_t i = 0; i < quiet->aside_count; i++) {
        const uint32_t at = quiet->aside[i];
        const uint64_t home = (uint64_t)(quiet->homes[at] - quiet->dedup->buckets);
        verdicts[at] = dedup_one(quiet->dedup, home, &rows[at]);
    }
    quiet->others_count += quiet->aside_count;
}

/* Nothing turns within the batch, and what is counted for each record is added up once. Sweeping
 * later sweeps the same. */
static inline void batch_quiet(struct tg_dedup *dedup, const struct tg_usage *rows, uint32_t count,
                               int16_t *verdicts)
{
    struct quiet quiet;
    quiet.dedup = dedup;
    quiet.event_ns_max = dedup->young.event_ns_max;
    quiet.others_count = 0;
    quiet.aside_count = 0;
    uint32_t asked = count < AHEAD_ROWS ? count : AHEAD_ROWS;
    quiet_ask(&quiet, rows, 0, asked);
    for (uint32_t i = 0; i < count;) {
        const uint32_t end = asked;
        asked = count - end < AHEAD_ROWS ? count : end + AHEAD_ROWS;
        quiet_ask(&quiet, rows, end, asked);
        for (; i < end; i++) {
            quiet_take(&quiet, rows, i, verdicts);
        }
    }
    aside_take(&quiet, rows, verdicts);
    const uint32_t kept_count = count - quiet.others_count;
    dedup->young.count += kept_count;
    if (quiet.event_ns_max > dedup->young.event_ns_max) {
        dedup->young.event_ns_max = quiet.event_ns_max;
    }
    dedup->sweep_due += dedup->buckets_count * kept_count;
    sweep_run(dedup);
}

void tg_dedup_run(struct tg_dedup *dedup, const struct tg_usage *rows, size_t stride_bytes,
                  uint32_t count, int16_t *verdicts)
{
    assert(count <= TG_BATCH_ROWS_MAX);
    if (__builtin_expect(
            stride_bytes == sizeof *rows && count <= dedup->count_max - dedup->young.count, 1)) {
        batch_quiet(dedup, rows, count, verdicts);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct tg_usage *row = (const void *)((const uint8_t *)rows + i * stride_bytes);
        verdicts[i] = dedup_one(dedup, bucket_of(dedup->buckets_count, key_of(row)), row);
    }
}

/* ---- from the journal -------------------------------------------------------------------------
 */

enum tg_err tg_dedup_restore_begin(struct tg_dedup *dedup, uint64_t skip_count)
{
    struct pieces *pieces = &dedup->pieces;
    assert(dedup->young.count == 0 && dedup->old.count == 0 && pieces->laid == NULL);
    *pieces = (struct pieces){.skip_count = skip_count, .shift = PIECE_SHIFT};
    while ((dedup->buckets_count - 1) >> pieces->shift >= PIECES_MAX) {
        pieces->shift++;
    }
    pieces->pieces_count = (uint32_t)((dedup->buckets_count - 1) >> pieces->shift) + 1;
    pieces->laid =
        tg_pages_take((size_t)pieces->pieces_count * PIECE_RECORDS * sizeof(struct laid));
    pieces->counts = tg_pages_take(pieces->pieces_count * sizeof *pieces->counts);
    if (pieces->laid == NULL || pieces->counts == NULL) {
        pieces_free(dedup);
        return TG_E_NO_MEMORY;
    }
    return TG_OK;
}

uint64_t tg_dedup_skip(const struct tg_dedup *dedup, uint64_t records_count)
{
    const uint64_t full = records_count > 0 ? (records_count - 1) / dedup->count_max : 0;
    return full > 1 ? (full - 1) * dedup->count_max : 0;
}

/* As record_keep, but pieces are filled one after the other: a record of the old generation may
 * meet the mark of a young one. */
static inline void laid_keep(struct tg_dedup *dedup, const struct laid *laid)
{
    const uint32_t age = dedup->pieces.generation - laid->generation;
    const uint32_t number = (dedup->now - age) & MARK_MASK;
    uint64_t at = bucket_of(dedup->buckets_count, laid->key);
    unsigned live = marks_live(dedup->now, dedup->buckets[at].marks);
    while ((live & SLOTS_ALL) == SLOTS_ALL) {
        struct bucket *full = &dedup->buckets[at];
        const uint32_t marked = full->marks >> BUCKET_SLOTS * MARK_BITS;
        if (((dedup->now - marked) & MARK_MASK) > age) {
            mark_set(full, BUCKET_SLOTS, number);
        }
        at = bucket_next(dedup, at);
        live = marks_live(dedup->now, dedup->buckets[at].marks);
    }
    struct bucket *bucket = &dedup->buckets[at];
    const unsigned slot = (unsigned)__builtin_ctz(~live);
    bucket->keys[slot] = laid->key;
    bucket->checks[slot] = laid->check;
    mark_set(bucket, slot, number);
}

/* A piece's records into the table, those that are still remembered. */
static void piece_flush(struct tg_dedup *dedup, uint32_t piece)
{
    const struct laid *laid = dedup->pieces.laid + (size_t)piece * PIECE_RECORDS;
    const uint32_t count = dedup->pieces.counts[piece];
    for (uint32_t i = 0; i < count + AHEAD_ROWS; i++) {
        if (i < count) {
            __builtin_prefetch(&dedup->buckets[bucket_of(dedup->buckets_count, laid[i].key)], 1);
        }
        if (i >= AHEAD_ROWS && dedup->pieces.generation - laid[i - AHEAD_ROWS].generation <= 1) {
            laid_keep(dedup, &laid[i - AHEAD_ROWS]);
        }
    }
    dedup->pieces.counts[piece] = 0;
}

uint64_t tg_dedup_restore_skips(const struct tg_dedup *dedup)
{
    return dedup->pieces.skip_count;
}

uint64_t tg_dedup_restore_room(const struct tg_dedup *dedup)
{
    const uint64_t room = dedup->count_max - dedup->young.count;
    return room > 0 ? room : dedup->count_max;
}

/* All that record_keep does for so many records but for the table. */
static void records_count(struct tg_dedup *dedup, int64_t event_ns_max, uint64_t count)
{
    if (dedup->young.count == dedup->count_max) {
        dedup_rotate(dedup);
        dedup->pieces.generation++;
    }
    dedup->young.count += count;
    if (event_ns_max > dedup->young.event_ns_max) {
        dedup->young.event_ns_max = event_ns_max;
    }
}

void tg_dedup_restore_skip(struct tg_dedup *dedup, int64_t event_ns_max, uint64_t count)
{
    assert(count <= dedup->pieces.skip_count && count <= tg_dedup_restore_room(dedup));
    if (count > 0) {
        dedup->pieces.skip_count -= count;
        records_count(dedup, event_ns_max, count);
        dedup->now = GENERATION_FIRST; /* the table is empty, and its zeros must stay dead */
    }
}

/* Keeps a record back with others of its piece; full ones go into the table. */
static inline void record_lay(struct tg_dedup *dedup, uint32_t piece, uint64_t key, uint32_t check)
{
    struct pieces *pieces = &dedup->pieces;
    dedup->sweep_due += dedup->buckets_count;
    if (__builtin_expect(dedup->sweep_due >= dedup->count_max * SWEEP_GENERATIONS, 0)) {
        sweep_run(dedup);
    }
    if (pieces->counts[piece] == PIECE_RECORDS) {
        piece_flush(dedup, piece);
    }
    pieces->laid[(size_t)piece * PIECE_RECORDS + pieces->counts[piece]++] =
        (struct laid){key, check, pieces->generation};
}

static inline uint32_t piece_of(uint64_t buckets_count, uint32_t shift, uint64_t key)
{
    return (uint32_t)(bucket_of(buckets_count, key) >> shift);
}

void tg_dedup_restore(struct tg_dedup *dedup, const struct tg_usage *row)
{
    if (dedup->pieces.skip_count > 0) {
        tg_dedup_restore_skip(dedup, row->start_ns, 1);
        return;
    }
    records_count(dedup, row->start_ns, 1);
    const uint64_t key = key_of(row);
    record_lay(dedup, piece_of(dedup->buckets_count, dedup->pieces.shift, key), key, check_of(row));
}

struct made {
    uint64_t key;
    uint32_t check;
    uint32_t piece;
};

struct tg_dedup_records {
    struct made *list; /* [capacity] */
    uint32_t count;
    uint32_t capacity;
    uint32_t shift; /* of the table's pieces */
    uint64_t buckets_count;
    int64_t event_ns_max;
};

struct tg_dedup_records *tg_dedup_records_create(const struct tg_dedup *dedup)
{
    struct tg_dedup_records *made = tg_pages_take(sizeof *made);
    if (made != NULL) {
        made->shift = dedup->pieces.shift;
        made->buckets_count = dedup->buckets_count;
    }
    return made;
}

void tg_dedup_records_free(struct tg_dedup_records *records)
{
    if (records != NULL) {
        tg_pages_free(records->list, records->capacity * sizeof *records->list);
        tg_pages_free(records, sizeof *records);
    }
}

bool tg_dedup_records_begin(struct tg_dedup_records *records, uint32_t count_max)
{
    records->count = 0;
    records->event_ns_max = INT64_MIN;
    if (count_max > records->capacity) {
        tg_pages_free(records->list, records->capacity * sizeof *records->list);
        records->list = tg_pages_take(count_max * sizeof *records->list);
        records->capacity = records->list != NULL ? count_max : 0;
    }
    return count_max <= records->capacity;
}

void tg_dedup_records_add(struct tg_dedup_records *records, const struct tg_usage *row)
{
    const uint64_t key = key_of(row);
    assert(records->count < records->capacity);
    records->list[records->count++] =
        (struct made){key, check_of(row), piece_of(records->buckets_count, records->shift, key)};
    if (row->start_ns > records->event_ns_max) {
        records->event_ns_max = row->start_ns;
    }
}

void tg_dedup_restore_records(struct tg_dedup *dedup, const struct tg_dedup_records *records)
{
    const struct pieces *pieces = &dedup->pieces;
    assert(pieces->skip_count == 0 && records->buckets_count == dedup->buckets_count);
    assert(records->count <= tg_dedup_restore_room(dedup));
    if (records->count > 0) {
        records_count(dedup, records->event_ns_max, records->count);
    }
    for (uint32_t i = 0; i < records->count; i++) {
        if (i + AHEAD_ROWS < records->count) {
            const uint32_t next = records->list[i + AHEAD_ROWS].piece;
            __builtin_prefetch(pieces->laid + (size_t)next * PIECE_RECORDS + pieces->counts[next],
                               1);
        }
        record_lay(dedup, records->list[i].piece, records->list[i].key, records->list[i].check);
    }
}

void tg_dedup_restore_end(struct tg_dedup *dedup)
{
    for (uint32_t piece = 0; piece < dedup->pieces.pieces_count; piece++) {
        piece_flush(dedup, piece);
    }
    pieces_free(dedup);
}

uint64_t tg_dedup_count(const struct tg_dedup *dedup)
{
    return dedup->young.count + dedup->old.count;
}

uint64_t tg_dedup_rotations(const struct tg_dedup *dedup)
{
    return dedup->rotations_count;
}
