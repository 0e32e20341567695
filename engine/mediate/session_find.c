/* SPDX-License-Identifier: Apache-2.0 */
/* Readers of the session table: by the words of the index, and by slots where these do not tell. */
#include "mediate/session.h"

#include "mediate/session_index.h"
#include "mediate/session_state.h"
#include "record/charge.h"

#include <stdatomic.h>
#include <stddef.h>

#define GROUP 32u

static void slot_read(const struct tg_session_slot *slot, struct tg_session_holder *now,
                      struct tg_session_holder *before)
{
    uint16_t version;
    do {
        version = atomic_load_explicit(&slot->version, memory_order_acquire);
        *now = tg_session_slot_now(slot);
        *before = tg_session_slot_before(slot);
        /* Pairs with the release fence in slot_change. */
        atomic_thread_fence(memory_order_acquire);
    } while ((version & 1) != 0 ||
             version != atomic_load_explicit(&slot->version, memory_order_relaxed));
}

/* The present holder alone; false when the writer is inside. */
static inline bool slot_read_now(const struct tg_session_slot *slot, struct tg_session_holder *now)
{
    const uint16_t version = atomic_load_explicit(&slot->version, memory_order_acquire);
    *now = tg_session_slot_now(slot);
    /* Pairs with the release fence in slot_change. */
    atomic_thread_fence(memory_order_acquire);
    return (version & 1) == 0 &&
           version == atomic_load_explicit(&slot->version, memory_order_relaxed);
}

/* Its own end, or the first restart of its access server since it began. */
static int64_t holder_end(const struct tg_sessions *sessions, const struct tg_session_kept *holder)
{
    const _Atomic int64_t *cleared_ns = sessions->cleared_ns[holder->node_id % TG_NODES_MAX];
    /* These loads pair with the release stores of node_clear. The newest one alone tells the usual
     * case: no restart since. */
    if (holder->node_id == 0 || atomic_load_explicit(&cleared_ns[TG_SESSION_CLEARS_MAX - 1],
                                                     memory_order_acquire) <= holder->start_ns) {
        return holder->end_ns;
    }
    for (uint32_t i = 0; i < TG_SESSION_CLEARS_MAX; i++) {
        const int64_t at_ns = atomic_load_explicit(&cleared_ns[i], memory_order_acquire);
        if (at_ns > holder->start_ns) {
            return at_ns < holder->end_ns ? at_ns : holder->end_ns;
        }
    }
    return holder->end_ns;
}

static bool holder_holds(const struct tg_sessions *sessions, const struct tg_session_kept *holder,
                         int64_t at_ns, int64_t grace_ns)
{
    if (holder->end_ns == 0) {
        return false;
    }
    const int64_t end_ns = holder_end(sessions, holder);
    return holder->start_ns <= at_ns &&
           at_ns < (end_ns < INT64_MAX - grace_ns ? end_ns + grace_ns : end_ns);
}

/* Who held it, and in which network. */
struct found {
    uint32_t subscriber;
    uint32_t plmn;
};

static struct found slot_holder_at(const struct tg_sessions *sessions,
                                   const struct tg_session_slot *slot, int64_t at_ns)
{
    struct tg_session_holder now;
    struct tg_session_holder before;
    if (slot_read_now(slot, &now) && now.kept.start_ns <= at_ns && now.kept.end_ns == INT64_MAX &&
        holder_end(sessions, &now.kept) == INT64_MAX) {
        return (struct found){now.kept.subscriber, now.plmn}; /* the usual case: it goes on */
    }
    slot_read(slot, &now, &before);
    /* Exact intervals first: grace must not beat a neighbour who really held the address. */
    for (int64_t grace_ns = 0; grace_ns <= TG_SESSION_GRACE_NS; grace_ns += TG_SESSION_GRACE_NS) {
        if (holder_holds(sessions, &now.kept, at_ns, grace_ns)) {
            return (struct found){now.kept.subscriber, now.plmn};
        }
        if (holder_holds(sessions, &before.kept, at_ns, grace_ns)) {
            return (struct found){before.kept.subscriber, before.plmn};
        }
    }
    return (struct found){TG_SUBSCRIBER_NONE, 0};
}

/* What the index alone tells of a query; false: ask the slot, if there is one. */
static inline bool query_told(const struct tg_sessions *sessions, uint64_t held,
                              struct tg_session_query *query, bool has_networks)
{
    /* Pairs with the release in uncleared_raise. */
    const uint32_t uncleared_s =
        atomic_load_explicit(&sessions->uncleared_from_s, memory_order_acquire);
    const bool is_told = tg_held_tells(held, query->at_ns, uncleared_s);
    query->subscriber = is_told ? (uint32_t)held & TG_HELD_SUBSCRIBER_MASK : TG_SUBSCRIBER_NONE;
    if (has_networks) {
        query->plmn =
            is_told ? atomic_load_explicit(&sessions->places[(uint32_t)held >> TG_HELD_PLACE_SHIFT],
                                           memory_order_relaxed)
                    : 0;
    }
    return is_told || held == TG_HELD_NOBODY;
}

/* The queries of a group that only slots can answer: hash entries, then slots; each step's misses
 * overlap. */
static __attribute__((noinline)) void open_find(const struct tg_sessions *sessions,
                                                struct tg_session_query *const *open,
                                                uint32_t open_count, bool has_networks)
{
    const struct tg_session_entry *entries = tg_session_entries(sessions);
    const struct tg_session_slot *slots[GROUP];
    uint64_t hashes[GROUP];
    for (uint32_t i = 0; i < open_count; i++) {
        hashes[i] = tg_session_hash(open[i]->address_key, open[i]->kind);
        __builtin_prefetch((const void *)&entries[tg_session_entry_home(sessions, hashes[i])]);
    }
    for (uint32_t i = 0; i < open_count; i++) {
        uint64_t at = tg_session_entry_home(sessions, hashes[i]);
        const uint64_t where = tg_session_entry_find(
            sessions, &at, tg_session_entry_tag(hashes[i], open[i]->address_key, open[i]->kind));
        slots[i] = where != 0 ? tg_session_slot_of(sessions, where) : NULL;
        __builtin_prefetch(slots[i]);
    }
    for (uint32_t i = 0; i < open_count; i++) {
        const struct tg_session_slot *slot = slots[i];
        if (slot != NULL &&
            (slot->address_key != open[i]->address_key || slot->kind != open[i]->kind)) {
            /* Another address with the same tag. */
            uint64_t at;
            slot = tg_session_slot_find(sessions, open[i]->address_key, open[i]->kind, &at);
        }
        if (slot != NULL) {
            const struct found found = slot_holder_at(sessions, slot, open[i]->at_ns);
            open[i]->subscriber = found.subscriber;
            if (has_networks) {
                open[i]->plmn = found.plmn;
            }
        }
    }
}

/* Words of a group, then the few that they do not answer. */
static inline __attribute__((always_inline)) void group_find(const struct tg_sessions *sessions,
                                                             struct tg_session_query *queries,
                                                             uint32_t count, bool has_networks)
{
    const struct tg_session_index index = tg_sessions_index(sessions);
    struct tg_session_query *open[GROUP];
    uint64_t places[GROUP];
    uint32_t open_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        places[i] = queries[i].kind == TG_KEY_IP4
                        ? tg_session_place(&index, (uint32_t)queries[i].address_key)
                        : 0; /* of granule 0 */
        __builtin_prefetch((const void *)&index.held[places[i]]);
    }
    for (uint32_t i = 0; i < count; i++) {
        /* Pairs with the releases of the writer. */
        const uint64_t held = atomic_load_explicit(&index.held[places[i]], memory_order_acquire);
        if (!query_told(sessions, held, &queries[i], has_networks)) {
            open[open_count++] = &queries[i];
        }
    }
    if (open_count > 0) {
        open_find(sessions, open, open_count, has_networks);
    }
}

struct tg_session_index tg_sessions_index(const struct tg_sessions *sessions)
{
    return (struct tg_session_index){.directories = sessions->directories,
                                     .granules = sessions->granules,
                                     .held = sessions->held,
                                     .uncleared_from_s = &sessions->uncleared_from_s};
}

const struct tg_session_blocks *tg_sessions_blocks(const struct tg_sessions *sessions)
{
    return &sessions->blocks;
}

void tg_sessions_find(const struct tg_sessions *sessions, struct tg_session_query *queries,
                      uint32_t count)
{
    if (tg_sessions_has_networks(sessions)) {
        for (uint32_t i = 0; i < count; i += GROUP) {
            group_find(sessions, &queries[i], count - i < GROUP ? count - i : GROUP, true);
        }
    } else {
        for (uint32_t i = 0; i < count; i += GROUP) {
            group_find(sessions, &queries[i], count - i < GROUP ? count - i : GROUP, false);
        }
    }
}

bool tg_sessions_has_networks(const struct tg_sessions *sessions)
{
    return atomic_load_explicit(&sessions->has_networks, memory_order_relaxed);
}
