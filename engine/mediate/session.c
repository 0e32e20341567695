/* SPDX-License-Identifier: Apache-2.0 */
#include "mediate/session.h"

#include "base/arena.h"
#include "base/hash.h"
#include "base/limits.h"
#include "record/charge.h"

#include <stdatomic.h>
#include <stddef.h>

/* One holder: [start_ns, end_ns). */
struct holder {
    int64_t start_ns;
    int64_t end_ns;
    uint32_t subscriber;
    uint16_t node_id;
    uint16_t reserved;
};

/* One address; a cache line. version is odd while the writer is inside (sequence lock). */
struct slot {
    uint64_t address_key;
    _Atomic uint32_t version;
    uint32_t kind; /* tg_key_kind; 0 free */
    struct holder now;
    struct holder before;
};
_Static_assert(sizeof(struct slot) == 64, "a look-up touches one cache line");

struct tg_sessions {
    size_t size_bytes;
    uint32_t mask;
    uint32_t count_max;
    _Atomic uint32_t count;
    _Atomic uint64_t refused_count;
    /* An access server that restarted ended all its sessions then (accounting-on). */
    _Atomic int64_t cleared_ns[TG_NODES_MAX];
    struct slot slots[] __attribute__((aligned(64)));
};

struct tg_sessions *tg_sessions_create(uint32_t addresses_count_max)
{
    uint32_t slots_count = 64;
    while (slots_count < addresses_count_max + addresses_count_max / 2) {
        slots_count *= 2;
    }
    const size_t size_bytes = sizeof(struct tg_sessions) + slots_count * sizeof(struct slot);
    struct tg_sessions *sessions = tg_pages_take(size_bytes);
    if (sessions == NULL) {
        return NULL;
    }
    sessions->size_bytes = size_bytes;
    sessions->mask = slots_count - 1;
    sessions->count_max = addresses_count_max;
    for (uint32_t i = 0; i < TG_NODES_MAX; i++) {
        atomic_init(&sessions->cleared_ns[i], INT64_MIN);
    }
    return sessions;
}

void tg_sessions_free(struct tg_sessions *sessions)
{
    if (sessions != NULL) {
        tg_pages_free(sessions, sessions->size_bytes);
    }
}

static uint32_t slot_first(const struct tg_sessions *sessions, uint64_t key, uint32_t kind)
{
    return (uint32_t)tg_mix64(key + kind) & sessions->mask;
}

/* The writer's view: the slot of the key, or a free one. */
static struct slot *slot_for_write(struct tg_sessions *sessions, uint64_t key, uint32_t kind)
{
    uint32_t i = slot_first(sessions, key, kind);
    while (sessions->slots[i].kind != 0 &&
           (sessions->slots[i].address_key != key || sessions->slots[i].kind != kind)) {
        i = (i + 1) & sessions->mask;
    }
    return &sessions->slots[i];
}

static void slot_change(struct slot *slot, const struct holder *now, const struct holder *before)
{
    /* Pairs with the acquire loads in slot_read: odd while the fields move. */
    const uint32_t version = atomic_load_explicit(&slot->version, memory_order_relaxed);
    atomic_store_explicit(&slot->version, version + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    slot->now = *now;
    slot->before = *before;
    atomic_store_explicit(&slot->version, version + 2, memory_order_release);
}

static void slot_begin(struct slot *slot, const struct tg_session *event, uint32_t subscriber)
{
    struct holder now = slot->now;
    struct holder before = slot->before;
    if (now.end_ns > event->start_ns && now.subscriber == subscriber && now.start_ns != 0) {
        /* A repeated start or an interim update: the earliest start known stands. */
        now.start_ns = event->start_ns < now.start_ns ? event->start_ns : now.start_ns;
    } else if (now.start_ns <= event->start_ns) {
        before = now;
        before.end_ns = before.end_ns < event->start_ns ? before.end_ns : event->start_ns;
        now = (struct holder){event->start_ns, INT64_MAX, subscriber, event->node_id, 0};
    } else {
        /* Heard late of an earlier holder. */
        before = (struct holder){event->start_ns, now.start_ns, subscriber, event->node_id, 0};
    }
    slot_change(slot, &now, &before);
}

static void slot_end(struct slot *slot, const struct tg_session *event, uint32_t subscriber)
{
    struct holder now = slot->now;
    struct holder before = slot->before;
    if (now.subscriber == subscriber && now.start_ns <= event->end_ns) {
        now.start_ns = event->start_ns < now.start_ns ? event->start_ns : now.start_ns;
        now.end_ns = event->end_ns;
    } else if (now.start_ns > event->end_ns) {
        before = (struct holder){event->start_ns, event->end_ns, subscriber, event->node_id, 0};
    } else {
        /* The start was lost: the stop still tells who held it until now. */
        before = now;
        before.end_ns = before.end_ns < event->start_ns ? before.end_ns : event->start_ns;
        now = (struct holder){event->start_ns, event->end_ns, subscriber, event->node_id, 0};
    }
    slot_change(slot, &now, &before);
}

enum tg_err tg_sessions_apply(struct tg_sessions *sessions, const struct tg_session *event,
                              uint32_t subscriber)
{
    if (event->event == TG_SESSION_CLEAR) {
        atomic_store_explicit(&sessions->cleared_ns[event->node_id % TG_NODES_MAX], event->end_ns,
                              memory_order_release);
        return TG_OK;
    }
    const uint32_t kind = event->key_kinds >> 4;
    if (kind != TG_KEY_IP4 && kind != TG_KEY_IP6) {
        return TG_OK; /* a session without an address identifies no flow */
    }
    struct slot *slot = slot_for_write(sessions, event->address_key, kind);
    if (slot->kind == 0) {
        const uint32_t count = atomic_load_explicit(&sessions->count, memory_order_relaxed);
        if (count >= sessions->count_max) {
            atomic_fetch_add_explicit(&sessions->refused_count, 1, memory_order_relaxed);
            return TG_E_FULL;
        }
        const struct holder none = {0, 0, TG_SUBSCRIBER_NONE, 0, 0};
        slot->address_key = event->address_key;
        slot_change(slot, &none, &none);
        /* Publishes the key: pairs with the acquire load of kind in slot_for_read. */
        __atomic_store_n(&slot->kind, kind, __ATOMIC_RELEASE);
        atomic_store_explicit(&sessions->count, count + 1, memory_order_relaxed);
    }
    if (event->event == TG_SESSION_STOP) {
        slot_end(slot, event, subscriber);
    } else {
        slot_begin(slot, event, subscriber);
    }
    return TG_OK;
}

static void slot_read(const struct slot *slot, struct holder *now, struct holder *before)
{
    uint32_t version;
    do {
        version = atomic_load_explicit(&slot->version, memory_order_acquire);
        *now = slot->now;
        *before = slot->before;
        /* Pairs with the release fence in slot_change. */
        atomic_thread_fence(memory_order_acquire);
    } while ((version & 1) != 0 ||
             version != atomic_load_explicit(&slot->version, memory_order_relaxed));
}

static bool holder_holds(const struct tg_sessions *sessions, const struct holder *holder,
                         int64_t at_ns, int64_t grace_ns)
{
    int64_t end_ns = holder->end_ns;
    const int64_t cleared_ns = atomic_load_explicit(
        &sessions->cleared_ns[holder->node_id % TG_NODES_MAX], memory_order_acquire);
    if (holder->node_id != 0 && cleared_ns > holder->start_ns && cleared_ns < end_ns) {
        end_ns = cleared_ns;
    }
    if (end_ns < INT64_MAX - grace_ns) {
        end_ns += grace_ns;
    }
    return holder->start_ns <= at_ns && at_ns < end_ns;
}

static uint32_t slot_holder_at(const struct tg_sessions *sessions, const struct slot *slot,
                               int64_t at_ns)
{
    struct holder now;
    struct holder before;
    slot_read(slot, &now, &before);
    /* Exact intervals first: grace must not beat a neighbour who really held the address. */
    if (holder_holds(sessions, &now, at_ns, 0)) {
        return now.subscriber;
    }
    if (holder_holds(sessions, &before, at_ns, 0)) {
        return before.subscriber;
    }
    if (holder_holds(sessions, &now, at_ns, TG_SESSION_GRACE_NS)) {
        return now.subscriber;
    }
    return holder_holds(sessions, &before, at_ns, TG_SESSION_GRACE_NS) ? before.subscriber
                                                                      : TG_SUBSCRIBER_NONE;
}

static uint32_t session_find_one(const struct tg_sessions *sessions,
                                 const struct tg_session_query *query)
{
    uint32_t i = slot_first(sessions, query->address_key, query->kind);
    for (;;) {
        const struct slot *slot = &sessions->slots[i];
        const uint32_t kind = __atomic_load_n(&slot->kind, __ATOMIC_ACQUIRE);
        if (kind == 0) {
            return TG_SUBSCRIBER_NONE;
        }
        if (slot->address_key == query->address_key && kind == query->kind) {
            return slot_holder_at(sessions, slot, query->at_ns);
        }
        i = (i + 1) & sessions->mask;
    }
}

void tg_sessions_find(const struct tg_sessions *sessions, struct tg_session_query *queries,
                      uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t first = slot_first(sessions, queries[i].address_key, queries[i].kind);
        __builtin_prefetch(&sessions->slots[first]);
    }
    for (uint32_t i = 0; i < count; i++) {
        queries[i].subscriber = session_find_one(sessions, &queries[i]);
    }
}

uint32_t tg_sessions_count(const struct tg_sessions *sessions)
{
    return atomic_load_explicit(&sessions->count, memory_order_relaxed);
}

uint64_t tg_sessions_refused(const struct tg_sessions *sessions)
{
    return atomic_load_explicit(&sessions->refused_count, memory_order_relaxed);
}

void *tg_sessions_image(struct tg_sessions *sessions, size_t *size_bytes)
{
    *size_bytes = sessions->size_bytes;
    return sessions;
}
