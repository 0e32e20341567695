/* SPDX-License-Identifier: Apache-2.0 */
#include "mediate/dedup.h"

#include "base/arena.h"
#include "base/hash.h"
#include "base/limits.h"

#include <assert.h>
#include <immintrin.h>
#include <string.h>

/* 12 bytes would do; 16 keep a slot inside one cache line. */
struct mark {
    uint64_t record_key; /* 0 free: a record key of 0 is stored as 1 */
    uint32_t check;
    uint32_t reserved;
};

struct generation {
    struct mark *marks;
    uint64_t count;
    int64_t event_ns_max;
};

struct tg_dedup {
    struct generation young;
    struct generation old;
    uint64_t mask;
    uint64_t count_max;
    int64_t horizon_ns;
    uint64_t rotations_count;
    size_t marks_bytes;
};

struct tg_dedup *tg_dedup_create(uint64_t records_count_max)
{
    struct tg_dedup *dedup = tg_pages_take(sizeof *dedup);
    if (dedup == NULL) {
        return NULL;
    }
    uint64_t slots_count = 1024;
    while (slots_count * 2 < records_count_max * 3) { /* load at most 2/3 */
        slots_count *= 2;
    }
    dedup->mask = slots_count - 1;
    dedup->count_max = records_count_max;
    dedup->marks_bytes = slots_count * sizeof(struct mark);
    dedup->young = (struct generation){tg_pages_take(dedup->marks_bytes), 0, INT64_MIN};
    dedup->old = (struct generation){tg_pages_take(dedup->marks_bytes), 0, INT64_MIN};
    dedup->horizon_ns = INT64_MIN;
    if (dedup->young.marks == NULL || dedup->old.marks == NULL) {
        tg_dedup_free(dedup);
        return NULL;
    }
    return dedup;
}

void tg_dedup_free(struct tg_dedup *dedup)
{
    if (dedup != NULL) {
        tg_pages_free(dedup->young.marks, dedup->marks_bytes);
        tg_pages_free(dedup->old.marks, dedup->marks_bytes);
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

static struct mark *mark_find(const struct generation *generation, uint64_t mask, uint64_t key)
{
    uint64_t slot = tg_mix64(key) & mask;
    while (generation->marks[slot].record_key != 0 && generation->marks[slot].record_key != key) {
        slot = (slot + 1) & mask;
    }
    return &generation->marks[slot];
}

static void dedup_rotate(struct tg_dedup *dedup)
{
    struct generation forgotten = dedup->old;
    if (forgotten.count != 0) {
        /* Never backwards: a generation of late records may end before the one it followed. */
        if (forgotten.event_ns_max > dedup->horizon_ns) {
            dedup->horizon_ns = forgotten.event_ns_max;
        }
        dedup->rotations_count++;
        memset(forgotten.marks, 0, dedup->marks_bytes);
    }
    dedup->old = dedup->young;
    dedup->young = (struct generation){forgotten.marks, 0, INT64_MIN};
}

static void mark_set(struct tg_dedup *dedup, struct mark *mark, uint64_t key,
                     const struct tg_usage *row)
{
    *mark = (struct mark){key, check_of(row), 0};
    dedup->young.count++;
    if (row->start_ns > dedup->young.event_ns_max) {
        dedup->young.event_ns_max = row->start_ns;
    }
}

static int16_t dedup_one(struct tg_dedup *dedup, const struct tg_usage *row)
{
    const uint64_t key = key_of(row);
    struct mark *young = mark_find(&dedup->young, dedup->mask, key);
    const struct mark *found = young;
    if (young->record_key == 0 && dedup->old.count != 0) {
        found = mark_find(&dedup->old, dedup->mask, key);
    }
    if (found->record_key != 0) {
        return found->check == check_of(row) ? TG_E_DUPLICATE : TG_E_DUP_CONFLICT;
    }
    if (row->start_ns <= dedup->horizon_ns) {
        return TG_E_TOO_OLD;
    }
    mark_set(dedup, young, key, row);
    return TG_OK;
}

void tg_dedup_run(struct tg_dedup *dedup, const struct tg_usage *rows, size_t stride_bytes,
                  uint32_t count, int16_t *verdicts)
{
    assert(count <= TG_BATCH_ROWS_MAX);
    const uint8_t *at = (const uint8_t *)rows;
    if (dedup->young.count + count > dedup->count_max) {
        dedup_rotate(dedup);
    }
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t key = key_of((const void *)(at + i * stride_bytes));
        const uint64_t slot = tg_mix64(key) & dedup->mask;
        __builtin_prefetch(&dedup->young.marks[slot], 1);
        if (dedup->old.count != 0) {
            __builtin_prefetch(&dedup->old.marks[slot]);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        verdicts[i] = dedup_one(dedup, (const void *)(at + i * stride_bytes));
    }
}

void tg_dedup_replay(struct tg_dedup *dedup, const struct tg_usage *row)
{
    if (dedup->young.count + 1 > dedup->count_max) {
        dedup_rotate(dedup);
    }
    const uint64_t key = key_of(row);
    struct mark *young = mark_find(&dedup->young, dedup->mask, key);
    if (young->record_key == 0) {
        mark_set(dedup, young, key, row);
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

size_t tg_dedup_size_bytes(const struct tg_dedup *dedup)
{
    return 2 * dedup->marks_bytes;
}
