/* SPDX-License-Identifier: Apache-2.0 */
#include "mediate/cumulative.h"

#include "base/arena.h"
#include "base/hash.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define BUCKET_SLOTS 8u
#define PAGE_BUCKETS 512u
/* A session's start is computed from whole seconds in each reading, so that it varies a little. */
#define START_JITTER_NS INT64_C(5000000000)

struct reading {
    uint64_t session_key; /* 0 free */
    uint64_t up;
    uint64_t down;
    uint32_t duration_ms;
    uint32_t used_at; /* low bits of the operation counter, for least recently used */
    int64_t start_ns; /* of the session: what the horizon becomes when it is pushed out */
};

struct tg_cumulative {
    size_t size_bytes;
    uint32_t buckets_mask;
    uint32_t clock;
    uint64_t evicted_count;
    int64_t horizon_ns; /* sessions that started until then may have been pushed out */
    uint32_t pages_count;
    _Atomic uint8_t *dirty; /* by page; the writer sets, the copy wipes */
    uint64_t *epochs;       /* last in each page, as loaded */
    struct reading readings[];
};

/* Page 0. */
struct head {
    uint32_t buckets_mask;
    uint32_t clock;
    uint64_t evicted_count;
    int64_t horizon_ns;
};
_Static_assert(PAGE_BUCKETS *BUCKET_SLOTS * sizeof(struct reading) == TG_CUMULATIVE_PAGE_BYTES,
               "a page is whole buckets");

struct tg_cumulative *tg_cumulative_create(uint32_t sessions_count_max)
{
    uint32_t buckets_count = 8;
    /* On average under 3 of 8 places are used, so that a full bucket is one in a thousand
     * (Poisson); at 5 of 8 it would be one in eleven, and its sessions would be suspended. */
    while (buckets_count * (uint64_t)BUCKET_SLOTS < (uint64_t)sessions_count_max * 3) {
        buckets_count *= 2;
    }
    const size_t size_bytes = sizeof(struct tg_cumulative) +
                              (size_t)buckets_count * BUCKET_SLOTS * sizeof(struct reading);
    struct tg_cumulative *cumulative = tg_pages_take(size_bytes);
    if (cumulative != NULL) {
        cumulative->size_bytes = size_bytes;
        cumulative->buckets_mask = buckets_count - 1;
        cumulative->horizon_ns = INT64_MIN;
        cumulative->pages_count = 1 + (buckets_count + PAGE_BUCKETS - 1) / PAGE_BUCKETS;
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

static uint32_t bucket_of(const struct tg_cumulative *cumulative, uint64_t session_key)
{
    return (uint32_t)tg_mix64(session_key) & cumulative->buckets_mask;
}

/* The session's place; a new one takes a free place or the least recently used one's. */
static struct reading *reading_find(struct tg_cumulative *cumulative, uint64_t session_key,
                                    int64_t start_ns)
{
    const uint32_t bucket = bucket_of(cumulative, session_key);
    struct reading *first = &cumulative->readings[(size_t)bucket * BUCKET_SLOTS];
    struct reading *place = first;
    cumulative->clock++;
    tg_cumulative_page_mark(cumulative, 1 + bucket / PAGE_BUCKETS);
    for (uint32_t i = 0; i < BUCKET_SLOTS; i++) {
        if (first[i].session_key == session_key) {
            first[i].used_at = cumulative->clock;
            return &first[i];
        }
        if (first[i].session_key == 0) {
            place = &first[i];
            break;
        }
        if (cumulative->clock - first[i].used_at > cumulative->clock - place->used_at) {
            place = &first[i];
        }
    }
    if (place->session_key != 0) {
        cumulative->evicted_count++;
        if (place->start_ns + START_JITTER_NS > cumulative->horizon_ns) {
            cumulative->horizon_ns = place->start_ns + START_JITTER_NS;
        }
    }
    *place = (struct reading){
        .session_key = session_key, .used_at = cumulative->clock, .start_ns = start_ns};
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
    const bool is_new = last->up == 0 && last->down == 0 && last->duration_ms == 0;
    if (is_new && row->start_ns <= horizon_ns) {
        return TG_E_ASSEMBLY_INCOMPLETE;
    }
    if (row->quantity_up < last->up || row->quantity_down < last->down ||
        row->duration_ms < last->duration_ms) {
        row->quantity_up = 0;
        row->quantity_down = 0;
        row->duration_ms = 0;
        return TG_E_MERGED;
    }
    const struct reading before = *last;
    last->up = row->quantity_up;
    last->down = row->quantity_down;
    last->duration_ms = row->duration_ms;
    row->quantity_up -= before.up;
    row->quantity_down -= before.down;
    row->duration_ms -= before.duration_ms;
    return TG_OK;
}

void tg_cumulative_replay(struct tg_cumulative *cumulative, const struct tg_usage *row,
                          uint64_t epoch)
{
    const uint64_t session_key = session_of(row);
    if (epoch <= cumulative->epochs[1 + bucket_of(cumulative, session_key) / PAGE_BUCKETS]) {
        return;
    }
    struct reading *last = reading_find(cumulative, session_key, row->start_ns);
    last->up += row->quantity_up;
    last->down += row->quantity_down;
    last->duration_ms += row->duration_ms;
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

/* Octets of a page with readings; a small table has one that is not full. */
static uint32_t page_bytes(const struct tg_cumulative *cumulative)
{
    const uint32_t buckets_count = cumulative->buckets_mask + 1;
    const uint32_t own = buckets_count < PAGE_BUCKETS ? buckets_count : PAGE_BUCKETS;
    return own * BUCKET_SLOTS * (uint32_t)sizeof(struct reading);
}

static struct reading *page_at(struct tg_cumulative *cumulative, uint32_t page)
{
    return &cumulative->readings[(size_t)(page - 1) * PAGE_BUCKETS * BUCKET_SLOTS];
}

uint32_t tg_cumulative_page_take(struct tg_cumulative *cumulative, uint32_t page, void *to)
{
    if (page == 0) {
        const struct head head = {cumulative->buckets_mask, cumulative->clock,
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
    if (head.buckets_mask != cumulative->buckets_mask) {
        return TG_E_FORMAT;
    }
    cumulative->clock = head.clock;
    cumulative->evicted_count = head.evicted_count;
    cumulative->horizon_ns = head.horizon_ns;
    return TG_OK;
}
