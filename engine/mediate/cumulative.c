/* SPDX-License-Identifier: Apache-2.0 */
#include "mediate/cumulative.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/hash.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define BUCKET_SLOTS 8u
#define PAGE_BUCKETS 512u
#define CHOICES      3u
/* A session's start is computed from whole seconds in each reading, so that it varies a little. */
#define START_JITTER_NS (5 * TG_NS_PER_S)

struct reading {
    uint64_t session_key; /* 0 free */
    uint64_t up : 48;
    uint64_t duration_low : 16;
    uint64_t down : 48;
    uint64_t duration_high : 16;
    uint32_t used_at; /* low bits of the operation counter, for least recently used */
    uint32_t start_s; /* of the session, rounded up: what the horizon becomes when pushed out */
};
_Static_assert(sizeof(struct reading) == 32, "a bucket is four cache lines");
#define BUCKET_BYTES (BUCKET_SLOTS * sizeof(struct reading))

/* A session has a place in one of three buckets, the emptiest one when it came: with one bucket
 * each, 13 of 20 places in use would leave one bucket in six full. All three are of one page: of
 * pages copied at different epochs a replayed row would have to say which one it is missing from.
 */
struct tg_cumulative {
    size_t size_bytes;
    uint32_t page_buckets; /* PAGE_BUCKETS, fewer in a table of one page */
    uint32_t clock;
    uint64_t evicted_count;
    int64_t horizon_ns; /* sessions that started until then may have been pushed out */
    uint32_t pages_count;
    _Atomic uint8_t *dirty; /* by page; the writer sets, the copy wipes */
    uint64_t *epochs;       /* last in each page, as loaded */
    struct reading readings[] __attribute__((aligned(64)));
};

/* Page 0. */
struct head {
    uint32_t readings_count;
    uint32_t clock;
    uint64_t evicted_count;
    int64_t horizon_ns;
};
_Static_assert(PAGE_BUCKETS *BUCKET_BYTES == TG_CUMULATIVE_PAGE_BYTES, "a page is whole buckets");

struct tg_cumulative *tg_cumulative_create(uint32_t sessions_count_max)
{
    /* 13 of 20 places in use at most. */
    const uint32_t buckets_count =
        (uint32_t)((uint64_t)sessions_count_max * 20 / (13 * BUCKET_SLOTS)) + 2;
    const uint32_t pages_count = (buckets_count + PAGE_BUCKETS - 1) / PAGE_BUCKETS;
    const uint32_t page_buckets = pages_count > 1 ? PAGE_BUCKETS : buckets_count;
    const size_t size_bytes =
        sizeof(struct tg_cumulative) + (size_t)pages_count * page_buckets * BUCKET_BYTES;
    struct tg_cumulative *cumulative = tg_pages_take(size_bytes);
    if (cumulative != NULL) {
        cumulative->size_bytes = size_bytes;
        cumulative->page_buckets = page_buckets;
        cumulative->horizon_ns = INT64_MIN;
        cumulative->pages_count = 1 + pages_count;
        cumulative->dirty = calloc(cumulative->pages_count, sizeof *cumulative->dirty);
        cumulative->epochs = calloc(cumulative->pages_count, sizeof *cumulative->epochs);
    }
    if (cumulative != NULL && (cumulative->dirty == NULL || cumulative->epochs == NULL)) {
        tg_cumulative_free(cumulative);
        return NULL;
    }
    return cumulative;
}

void tg_cumulative_free(struct tg_cumulative *cumulative)
{
    if (cumulative != NULL) {
        free((void *)cumulative->dirty);
        free(cumulative->epochs);
        tg_pages_free(cumulative, cumulative->size_bytes);
    }
}

/* Page of a session, from 1 on. */
static uint32_t page_of(const struct tg_cumulative *cumulative, uint64_t hash)
{
    return 1 + (uint32_t)((hash >> 32) * (cumulative->pages_count - 1) >> 32);
}

/* A bucket of a session, below CHOICES. */
static struct reading *bucket_of(struct tg_cumulative *cumulative, uint64_t hash, unsigned choice)
{
    const uint64_t first = (uint64_t)(page_of(cumulative, hash) - 1) * cumulative->page_buckets;
    const uint64_t within = (hash >> choice * 10 & 1023) * cumulative->page_buckets >> 10;
    return &cumulative->readings[(first + within) * BUCKET_SLOTS];
}

static uint32_t duration_of(const struct reading *reading)
{
    return (uint32_t)reading->duration_high << 16 | (uint32_t)reading->duration_low;
}

static void reading_set(struct reading *reading, uint64_t up, uint64_t down, uint32_t duration_ms)
{
    reading->up = up;
    reading->down = down;
    reading->duration_low = duration_ms & 0xffffu;
    reading->duration_high = duration_ms >> 16;
}

/* Rounded up: a session that was pushed out must not pass for one that came later. */
static uint32_t start_round(int64_t start_ns)
{
    const int64_t start_s = start_ns <= 0 ? 0 : (start_ns - 1) / TG_NS_PER_S + 1;
    return start_s > UINT32_MAX ? UINT32_MAX : (uint32_t)start_s;
}

static struct reading *bucket_find(struct reading *bucket, uint64_t session_key)
{
    for (uint32_t i = 0; i < BUCKET_SLOTS; i++) {
        if (bucket[i].session_key == session_key) {
            return &bucket[i];
        }
    }
    return NULL;
}

/* Place for a new session: a free one, else the one least recently used. Returns how many are free.
 */
static uint32_t bucket_room(struct reading *bucket, uint32_t clock, struct reading **place)
{
    uint32_t free_count = 0;
    *place = bucket;
    for (uint32_t i = 0; i < BUCKET_SLOTS; i++) {
        if (bucket[i].session_key == 0) {
            *place = &bucket[i];
            free_count++;
        } else if (free_count == 0 && clock - bucket[i].used_at > clock - (*place)->used_at) {
            *place = &bucket[i];
        }
    }
    return free_count;
}

static struct reading *reading_make(struct tg_cumulative *cumulative,
                                    struct reading *const *buckets, uint64_t session_key,
                                    int64_t start_ns)
{
    const uint32_t clock = cumulative->clock;
    struct reading *place = NULL;
    uint32_t room = 0;
    for (uint32_t i = 0; i < CHOICES; i++) {
        struct reading *other;
        const uint32_t other_room = bucket_room(buckets[i], clock, &other);
        const bool is_older = place != NULL && clock - other->used_at > clock - place->used_at;
        if (place == NULL || other_room > room || (room == 0 && is_older)) {
            place = other;
            room = other_room;
        }
    }
    if (place->session_key != 0) {
        const int64_t until_ns = (int64_t)place->start_s * TG_NS_PER_S + START_JITTER_NS;
        cumulative->evicted_count++;
        cumulative->horizon_ns =
            until_ns > cumulative->horizon_ns ? until_ns : cumulative->horizon_ns;
    }
    *place = (struct reading){.session_key = session_key, .start_s = start_round(start_ns)};
    return place;
}

/* The session's place, marked as used now; a new one gets a place. */
static struct reading *reading_find(struct tg_cumulative *cumulative, uint64_t session_key,
                                    int64_t start_ns)
{
    const uint64_t hash = tg_mix64(session_key);
    struct reading *buckets[CHOICES];
    struct reading *place = NULL;
    cumulative->clock++;
    for (uint32_t i = 0; i < CHOICES && place == NULL; i++) {
        buckets[i] = bucket_of(cumulative, hash, i);
        place = bucket_find(buckets[i], session_key);
    }
    place = place != NULL ? place : reading_make(cumulative, buckets, session_key, start_ns);
    place->used_at = cumulative->clock;
    tg_cumulative_page_mark(cumulative, page_of(cumulative, hash));
    return place;
}

static uint64_t session_of(const struct tg_usage *row)
{
    return row->peer_key != 0 ? row->peer_key : 1;
}

enum tg_err tg_cumulative_delta(struct tg_cumulative *cumulative, struct tg_usage *row)
{
    const int64_t horizon_ns = cumulative->horizon_ns;
    struct reading *last = reading_find(cumulative, session_of(row), row->start_ns);
    const struct reading before = *last;
    const uint32_t before_ms = duration_of(&before);
    const bool is_new = before.up == 0 && before.down == 0 && before_ms == 0;
    if (is_new && row->start_ns <= horizon_ns) {
        return TG_E_ASSEMBLY_INCOMPLETE;
    }
    if (row->quantity_up < before.up || row->quantity_down < before.down ||
        row->duration_ms < before_ms) {
        row->quantity_up = 0;
        row->quantity_down = 0;
        row->duration_ms = 0;
        return TG_E_MERGED;
    }
    reading_set(last, row->quantity_up, row->quantity_down, row->duration_ms);
    row->quantity_up -= before.up;
    row->quantity_down -= before.down;
    row->duration_ms -= before_ms;
    return TG_OK;
}

void tg_cumulative_replay(struct tg_cumulative *cumulative, const struct tg_usage *row,
                          uint64_t epoch)
{
    const uint64_t session_key = session_of(row);
    if (epoch <= cumulative->epochs[page_of(cumulative, tg_mix64(session_key))]) {
        return;
    }
    struct reading *last = reading_find(cumulative, session_key, row->start_ns);
    reading_set(last, last->up + row->quantity_up, last->down + row->quantity_down,
                duration_of(last) + row->duration_ms);
}

uint64_t tg_cumulative_evicted(const struct tg_cumulative *cumulative)
{
    return cumulative->evicted_count;
}

uint32_t tg_cumulative_pages_count(const struct tg_cumulative *cumulative)
{
    return cumulative->pages_count;
}

bool tg_cumulative_page_dirty(const struct tg_cumulative *cumulative, uint32_t page)
{
    return page == 0 || atomic_load_explicit(&cumulative->dirty[page], memory_order_relaxed) != 0;
}

void tg_cumulative_page_mark(struct tg_cumulative *cumulative, uint32_t page)
{
    atomic_store_explicit(&cumulative->dirty[page], 1, memory_order_relaxed);
}

static uint32_t page_bytes(const struct tg_cumulative *cumulative)
{
    return cumulative->page_buckets * (uint32_t)BUCKET_BYTES;
}

static uint32_t readings_count(const struct tg_cumulative *cumulative)
{
    return (cumulative->pages_count - 1) * cumulative->page_buckets * BUCKET_SLOTS;
}

static struct reading *page_at(struct tg_cumulative *cumulative, uint32_t page)
{
    return &cumulative->readings[(size_t)(page - 1) * cumulative->page_buckets * BUCKET_SLOTS];
}

uint32_t tg_cumulative_page_take(struct tg_cumulative *cumulative, uint32_t page, void *to)
{
    if (page == 0) {
        const struct head head = {readings_count(cumulative), cumulative->clock,
                                  cumulative->evicted_count, cumulative->horizon_ns};
        memcpy(to, &head, sizeof head);
        return sizeof head;
    }
    memcpy(to, page_at(cumulative, page), page_bytes(cumulative));
    atomic_store_explicit(&cumulative->dirty[page], 0, memory_order_relaxed);
    return page_bytes(cumulative);
}

enum tg_err tg_cumulative_page_load(struct tg_cumulative *cumulative, uint32_t page, uint64_t epoch,
                                    const void *bytes, size_t size_bytes)
{
    if (page >= cumulative->pages_count) {
        return TG_E_INVALID;
    }
    cumulative->epochs[page] = epoch;
    if (page != 0) {
        if (size_bytes != page_bytes(cumulative)) {
            return TG_E_FORMAT;
        }
        memcpy(page_at(cumulative, page), bytes, size_bytes);
        return TG_OK;
    }
    struct head head;
    if (size_bytes != sizeof head) {
        return TG_E_FORMAT;
    }
    memcpy(&head, bytes, sizeof head);
    if (head.readings_count != readings_count(cumulative)) {
        return TG_E_FORMAT;
    }
    cumulative->clock = head.clock;
    cumulative->evicted_count = head.evicted_count;
    cumulative->horizon_ns = head.horizon_ns;
    return TG_OK;
}
