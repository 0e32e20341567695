/* SPDX-License-Identifier: Apache-2.0 */
#include "mediate/session.h"

#include "base/arena.h"
#include "mediate/session_index.h"
#include "mediate/session_state.h"
#include "record/charge.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* The rest is for tables so small that a share of them would be nothing; 32 bits number a word. */
#define GRANULES_MIN  64u
#define GRANULES_MOST ((1u << 24) - 2)
#define NS_PER_S      INT64_C(1000000000)
#define PAGE_SLOTS    (TG_SESSIONS_PAGE_BYTES / (uint32_t)sizeof(struct tg_session_slot))
_Static_assert(sizeof((struct tg_sessions *)0)->cleared_ns <= TG_SESSIONS_PAGE_BYTES, "page 0");

struct tg_sessions *tg_sessions_create(uint32_t addresses_count_max)
{
    const uint64_t slots_count = addresses_count_max;
    const uint64_t entries_count = (slots_count * 5 / 3 + 64) & ~UINT64_C(3); /* load 0.6 */
    /* Room for /24s that are used by five eighths on average. What finds none is found slower. */
    const uint64_t wanted = slots_count * 8 / 5 / TG_GRANULE_ADDRESSES + GRANULES_MIN;
    const uint32_t granules_max = wanted < GRANULES_MOST ? (uint32_t)wanted : GRANULES_MOST;
    const uint32_t directories_max = granules_max / 8 + GRANULES_MIN < TG_DIRECTORIES_OF
                                         ? granules_max / 8 + GRANULES_MIN
                                         : TG_DIRECTORIES_OF - 1;
    const size_t slots_end =
        sizeof(struct tg_sessions) + slots_count * sizeof(struct tg_session_slot);
    const size_t entries_end = slots_end + entries_count * sizeof(struct tg_session_entry);
    const size_t held_at = (entries_end + 63) & ~(size_t)63;
    const size_t granules_at =
        held_at + (granules_max + UINT64_C(1)) * TG_GRANULE_ADDRESSES * sizeof(uint64_t);
    const size_t size_bytes =
        granules_at + (directories_max + UINT64_C(1)) * TG_DIRECTORY_GRANULES * sizeof(uint32_t);
    struct tg_sessions *sessions = tg_pages_take(size_bytes);
    if (sessions == NULL) {
        return NULL;
    }
    sessions->size_bytes = size_bytes;
    sessions->entries_count = entries_count;
    sessions->count_max = addresses_count_max;
    sessions->pages_count = 1 + (addresses_count_max + PAGE_SLOTS - 1) / PAGE_SLOTS;
    sessions->granules_max = granules_max;
    sessions->directories_max = directories_max;
    sessions->held = (_Atomic uint64_t *)(void *)((uint8_t *)sessions + held_at);
    sessions->granules = (_Atomic uint32_t *)(void *)((uint8_t *)sessions + granules_at);
    for (uint32_t i = 0; i < TG_GRANULE_ADDRESSES; i++) {
        atomic_init(&sessions->held[i], TG_HELD_ASK);
    }
    sessions->dirty = calloc(sessions->pages_count, sizeof *sessions->dirty);
    sessions->epochs = calloc(sessions->pages_count, sizeof *sessions->epochs);
    if (sessions->dirty == NULL || sessions->epochs == NULL) {
        tg_sessions_free(sessions);
        return NULL;
    }
    for (uint32_t i = 0; i < TG_NODES_MAX * TG_SESSION_CLEARS_MAX; i++) {
        atomic_init(&sessions->cleared_ns[i / TG_SESSION_CLEARS_MAX][i % TG_SESSION_CLEARS_MAX],
                    INT64_MIN);
    }
    return sessions;
}

void tg_sessions_free(struct tg_sessions *sessions)
{
    if (sessions != NULL) {
        free((void *)sessions->dirty);
        free(sessions->epochs);
        tg_pages_free(sessions, sessions->size_bytes);
    }
}

static void slot_change(struct tg_session_slot *slot, const struct tg_session_holder *now,
                        const struct tg_session_holder *before)
{
    /* Pairs with the acquire loads in slot_read: odd while the fields move. */
    const uint16_t version = atomic_load_explicit(&slot->version, memory_order_relaxed);
    atomic_store_explicit(&slot->version, (uint16_t)(version + 1), memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    slot->now = now->kept;
    slot->before = before->kept;
    slot->now_plmn_low = (uint16_t)now->plmn;
    slot->now_plmn_high = now->plmn >> 16 & 31u;
    slot->before_plmn = before->plmn & 0x1fffffu;
    atomic_store_explicit(&slot->version, (uint16_t)(version + 2), memory_order_release);
}

static int64_t earlier(int64_t a_ns, int64_t b_ns)
{
    return a_ns < b_ns ? a_ns : b_ns;
}

static struct tg_session_holder holder_of(const struct tg_session *event, uint32_t subscriber,
                                          int64_t end_ns)
{
    return (struct tg_session_holder){{event->start_ns, end_ns, subscriber, event->node_id,
                                       (uint16_t)tg_mix64(event->session_key)},
                                      event->plmn};
}

static bool is_same_session(const struct tg_session_kept *a, const struct tg_session_kept *b)
{
    return a->end_ns != 0 && a->subscriber == b->subscriber && a->session == b->session;
}

/* A start says where the session began, which what was heard later may have overtaken. */
static void network_apply(struct tg_session_holder *holder, const struct tg_session *event)
{
    if (event->plmn != 0 && (event->event != TG_SESSION_START || holder->plmn == 0)) {
        holder->plmn = event->plmn;
    }
}

/* Put a session that is not yet known among the two newest by start; they do not overlap: the one
 * that starts later holds the address from then on. */
static void slot_insert(struct tg_session_holder *now, struct tg_session_holder *before,
                        const struct tg_session_holder *fresh)
{
    if (now->kept.end_ns == 0 || now->kept.start_ns <= fresh->kept.start_ns) {
        *before = *now;
        before->kept.end_ns = earlier(before->kept.end_ns, fresh->kept.start_ns);
        *now = *fresh;
    } else if (before->kept.end_ns == 0 || before->kept.start_ns < fresh->kept.start_ns) {
        *before = *fresh;
        before->kept.end_ns = earlier(before->kept.end_ns, now->kept.start_ns);
    }
}

/* Start, interim and stop of a session may come in any order, and be repeated: the outcome is the
 * same. A start tells nothing about the end, so an end that is known stays. */
static void slot_apply(struct tg_session_slot *slot, const struct tg_session *event,
                       uint32_t subscriber)
{
    const bool is_stop = event->event == TG_SESSION_STOP;
    const struct tg_session_holder fresh =
        holder_of(event, subscriber, is_stop ? event->end_ns : INT64_MAX);
    const struct tg_session_kept *told = &fresh.kept;
    struct tg_session_holder now = tg_session_slot_now(slot);
    struct tg_session_holder before = tg_session_slot_before(slot);
    if (is_same_session(&now.kept, told)) {
        now.kept.start_ns = earlier(now.kept.start_ns, told->start_ns);
        now.kept.end_ns = is_stop ? told->end_ns : now.kept.end_ns;
        network_apply(&now, event);
    } else if (is_same_session(&before.kept, told)) {
        before.kept.start_ns = earlier(before.kept.start_ns, told->start_ns);
        before.kept.end_ns =
            is_stop ? earlier(told->end_ns, now.kept.start_ns) : before.kept.end_ns;
        network_apply(&before, event);
    } else {
        slot_insert(&now, &before, &fresh);
    }
    slot_change(slot, &now, &before);
}

/* The eighth-last restart is forgotten. Values only move towards the old end, so that a reader in
 * between sees one of them twice and misses none but the one that is forgotten. */
static void node_clear(_Atomic int64_t *cleared_ns, int64_t at_ns)
{
    uint32_t place = 0;
    for (uint32_t i = 0; i < TG_SESSION_CLEARS_MAX; i++) {
        if (atomic_load_explicit(&cleared_ns[i], memory_order_relaxed) == at_ns) {
            return;
        }
    }
    if (at_ns < atomic_load_explicit(&cleared_ns[0], memory_order_relaxed)) {
        return;
    }
    while (place + 1 < TG_SESSION_CLEARS_MAX &&
           atomic_load_explicit(&cleared_ns[place + 1], memory_order_relaxed) < at_ns) {
        /* Pairs with the acquire loads of holder_end. */
        atomic_store_explicit(&cleared_ns[place],
                              atomic_load_explicit(&cleared_ns[place + 1], memory_order_relaxed),
                              memory_order_release);
        place++;
    }
    atomic_store_explicit(&cleared_ns[place], at_ns, memory_order_release);
}

/* The word of an address, for the writer; NULL when it has none. The first address of a /24 gets
 * it its granule, whose words tell of nobody yet. */
static _Atomic uint64_t *held_for_write(struct tg_sessions *sessions, uint64_t key, uint32_t kind)
{
    if (kind != TG_KEY_IP4) {
        return NULL;
    }
    _Atomic uint16_t *directory = &sessions->directories[(uint32_t)key >> 16];
    uint32_t number = atomic_load_explicit(directory, memory_order_relaxed);
    if (number == 0) {
        if (sessions->directories_count == sessions->directories_max ||
            sessions->granules_count == sessions->granules_max) {
            return NULL;
        }
        number = ++sessions->directories_count;
        /* Pairs with the acquire in tg_session_place. */
        atomic_store_explicit(directory, (uint16_t)number, memory_order_release);
    }
    _Atomic uint32_t *granule =
        &sessions->granules[number * TG_DIRECTORY_GRANULES + ((uint32_t)key >> 8 & 255u)];
    number = atomic_load_explicit(granule, memory_order_relaxed);
    if (number == 0) {
        if (sessions->granules_count == sessions->granules_max) {
            return NULL;
        }
        number = ++sessions->granules_count;
        /* Pairs with the acquire in tg_session_place. */
        atomic_store_explicit(granule, number, memory_order_release);
    }
    return &sessions->held[(uint64_t)number * TG_GRANULE_ADDRESSES + ((uint32_t)key & 255u)];
}

/* Shows a whole slot to readers. */
static void entry_make(struct tg_sessions *sessions, uint32_t number, uint64_t at, uint64_t held)
{
    const struct tg_session_slot *slot = &sessions->slots[number];
    const uint64_t tag = tg_session_entry_tag(tg_session_hash(slot->address_key, slot->kind),
                                              slot->address_key, slot->kind);
    const uint32_t block = tg_session_block_of(slot->address_key, slot->kind);
    /* Before the entry shows; pairs with the acquire in tg_session_blocks_has. */
    (void)atomic_fetch_or_explicit(&sessions->blocks.words[block / 64], UINT64_C(1) << (block % 64),
                                   memory_order_release);
    /* Pairs with the acquire in tg_session_entry_find. */
    atomic_store_explicit(&tg_session_entries(sessions)[at].where, tag << 32 | (number + 1),
                          memory_order_release);
    /* Behind the entry: who is told to ask finds it. Pairs with the acquire of readers. */
    _Atomic uint64_t *word = held_for_write(sessions, slot->address_key, slot->kind);
    if (word != NULL) {
        atomic_store_explicit(word, held, memory_order_release);
    }
}

/* The next free place; while events are replayed the ones behind it may be taken already. */
static void count_advance(struct tg_sessions *sessions, uint32_t count)
{
    while (count < sessions->count_max && sessions->slots[count].kind != 0) {
        count++;
    }
    atomic_store_explicit(&sessions->count, count, memory_order_relaxed);
}

/* The writer's view: the slot of the key, a new one when there is room, or NULL; *at is the place
 * of its entry. */
static struct tg_session_slot *slot_for_write(struct tg_sessions *sessions, uint64_t key,
                                              uint32_t kind, uint64_t *at)
{
    const struct tg_session_slot *found = tg_session_slot_find(sessions, key, kind, at);
    const uint32_t count = atomic_load_explicit(&sessions->count, memory_order_relaxed);
    if (found != NULL || count >= sessions->count_max) {
        return (struct tg_session_slot *)(uintptr_t)found;
    }
    const struct tg_session_holder none = {{0, 0, TG_SUBSCRIBER_NONE, 0, 0}, 0};
    struct tg_session_slot *slot = &sessions->slots[count];
    slot->address_key = key;
    slot->kind = kind;
    slot_change(slot, &none, &none);
    entry_make(sessions, count, *at, TG_HELD_ASK);
    count_advance(sessions, count + 1);
    return slot;
}

/* Place of a network, a new one when there is room; 0: the index cannot tell of it. */
static uint32_t place_of(struct tg_sessions *sessions, uint32_t plmn)
{
    for (uint32_t i = 1; i <= TG_SESSION_PLACES_MAX; i++) {
        const uint32_t known = atomic_load_explicit(&sessions->places[i], memory_order_relaxed);
        if (known == 0) {
            /* Shown to readers by the release of the entry that names the place. */
            atomic_store_explicit(&sessions->places[i], plmn, memory_order_relaxed);
        }
        if (known == 0 || known == plmn) {
            return i;
        }
    }
    return 0;
}

/* What the index alone may answer of a slot. */
static uint64_t held_of(struct tg_sessions *sessions, const struct tg_session_slot *slot)
{
    const struct tg_session_holder now = tg_session_slot_now(slot);
    const int64_t start_s = now.kept.start_ns / NS_PER_S + 1;
    if (slot->kind != TG_KEY_IP4 || now.kept.end_ns != INT64_MAX || now.kept.start_ns < 0 ||
        start_s >= UINT32_MAX || now.kept.subscriber > TG_HELD_SUBSCRIBER_MASK) {
        return TG_HELD_ASK;
    }
    const uint32_t place = now.plmn != 0 ? place_of(sessions, now.plmn) : 0;
    return place == 0 && now.plmn != 0
               ? TG_HELD_ASK
               : (uint64_t)start_s << 32 | (uint64_t)place << TG_HELD_PLACE_SHIFT |
                     now.kept.subscriber;
}

/* Holders before a restart of an access server are asked for in their slots, whoever's it was:
 * restarts are rare, and sessions that begin after it are told by the index again. */
static void uncleared_raise(struct tg_sessions *sessions, int64_t cleared_ns)
{
    const int64_t from_s = cleared_ns < 0 ? 0 : cleared_ns / NS_PER_S + 2;
    const uint32_t bound = from_s < UINT32_MAX ? (uint32_t)from_s : UINT32_MAX;
    if (bound > atomic_load_explicit(&sessions->uncleared_from_s, memory_order_relaxed)) {
        /* Pairs with the acquire of readers. */
        atomic_store_explicit(&sessions->uncleared_from_s, bound, memory_order_release);
    }
}

static uint32_t page_of(const struct tg_sessions *sessions, const struct tg_session_slot *slot)
{
    return 1 + (uint32_t)(slot - sessions->slots) / PAGE_SLOTS;
}

enum tg_err tg_sessions_apply(struct tg_sessions *sessions, const struct tg_session *event,
                              uint32_t subscriber)
{
    if (event->event == TG_SESSION_CLEAR) {
        uncleared_raise(sessions, event->end_ns);
        node_clear(sessions->cleared_ns[event->node_id % TG_NODES_MAX], event->end_ns);
        tg_sessions_page_mark(sessions, 0);
        return TG_OK;
    }
    const uint32_t kind = event->key_kinds >> 4;
    if (kind != TG_KEY_IP4 && kind != TG_KEY_IP6) {
        return TG_OK; /* a session without an address identifies no flow */
    }
    uint64_t at;
    struct tg_session_slot *slot = slot_for_write(sessions, event->address_key, kind, &at);
    if (slot == NULL) {
        atomic_fetch_add_explicit(&sessions->refused_count, 1, memory_order_relaxed);
        return TG_E_FULL;
    }
    _Atomic uint64_t *held = held_for_write(sessions, event->address_key, kind);
    if (held != NULL) {
        atomic_store_explicit(held, TG_HELD_ASK, memory_order_relaxed);
    }
    slot_apply(slot, event, subscriber);
    if (event->plmn != 0) {
        atomic_store_explicit(&sessions->has_networks, true, memory_order_relaxed);
    }
    tg_sessions_page_mark(sessions, page_of(sessions, slot));
    if (held != NULL) {
        /* Pairs with the acquire of readers: who sees it sees the slot it was made from. */
        atomic_store_explicit(held, held_of(sessions, slot), memory_order_release);
    }
    return TG_OK;
}

uint32_t tg_sessions_count(const struct tg_sessions *sessions)
{
    return atomic_load_explicit(&sessions->count, memory_order_relaxed);
}

uint64_t tg_sessions_refused(const struct tg_sessions *sessions)
{
    return atomic_load_explicit(&sessions->refused_count, memory_order_relaxed);
}

uint32_t tg_sessions_pages_count(const struct tg_sessions *sessions)
{
    return sessions->pages_count;
}

bool tg_sessions_page_dirty(const struct tg_sessions *sessions, uint32_t page)
{
    return atomic_load_explicit(&sessions->dirty[page], memory_order_relaxed) != 0;
}

void tg_sessions_page_mark(struct tg_sessions *sessions, uint32_t page)
{
    atomic_store_explicit(&sessions->dirty[page], 1, memory_order_relaxed);
}

static uint8_t *page_at(struct tg_sessions *sessions, uint32_t page, uint32_t *size_bytes)
{
    if (page == 0) {
        *size_bytes = sizeof sessions->cleared_ns;
        return (uint8_t *)sessions->cleared_ns;
    }
    const uint32_t first = (page - 1) * PAGE_SLOTS;
    const uint32_t left = sessions->count_max - first;
    *size_bytes =
        (left < PAGE_SLOTS ? left : PAGE_SLOTS) * (uint32_t)sizeof(struct tg_session_slot);
    return (uint8_t *)&sessions->slots[first];
}

uint32_t tg_sessions_page_take(struct tg_sessions *sessions, uint32_t page, void *to)
{
    uint32_t size_bytes;
    const uint8_t *from = page_at(sessions, page, &size_bytes);
    memcpy(to, from, size_bytes);
    atomic_store_explicit(&sessions->dirty[page], 0, memory_order_relaxed);
    return size_bytes;
}

/* Is there nobody in the part of a page that this table has no room for? */
static bool rest_is_free(const uint8_t *bytes, size_t from_bytes, size_t size_bytes)
{
    for (size_t at = from_bytes; at < size_bytes; at += sizeof(struct tg_session_slot)) {
        struct tg_session_slot slot;
        memcpy(&slot, bytes + at, sizeof slot);
        if (slot.kind != 0) {
            return false;
        }
    }
    return true;
}

enum tg_err tg_sessions_page_load(struct tg_sessions *sessions, uint32_t page, uint64_t epoch,
                                  const void *bytes, size_t size_bytes)
{
    uint32_t room_bytes = 0;
    uint8_t *to = NULL;
    if (size_bytes > TG_SESSIONS_PAGE_BYTES || size_bytes % sizeof(struct tg_session_slot) != 0) {
        return TG_E_FORMAT;
    }
    if (page < sessions->pages_count) {
        to = page_at(sessions, page, &room_bytes);
        sessions->epochs[page] = epoch;
    }
    if (page == 0 && size_bytes != room_bytes) {
        return TG_E_FORMAT;
    }
    const size_t own_bytes = size_bytes < room_bytes ? size_bytes : room_bytes;
    if (own_bytes > 0) {
        memcpy(to, bytes, own_bytes);
    }
    return rest_is_free(bytes, own_bytes, size_bytes) ? TG_OK : TG_E_FULL;
}

void tg_sessions_pages_loaded(struct tg_sessions *sessions)
{
    for (uint32_t node = 0; node < TG_NODES_MAX; node++) {
        const int64_t last_ns = atomic_load_explicit(
            &sessions->cleared_ns[node][TG_SESSION_CLEARS_MAX - 1], memory_order_relaxed);
        if (last_ns != INT64_MIN) {
            uncleared_raise(sessions, last_ns);
        }
    }
    for (uint32_t i = 0; i < sessions->count_max; i++) {
        const struct tg_session_slot *slot = &sessions->slots[i];
        uint64_t at;
        if (tg_session_slot_now(slot).plmn != 0 || slot->before_plmn != 0) {
            atomic_store_explicit(&sessions->has_networks, true, memory_order_relaxed);
        }
        if (slot->kind != 0 &&
            tg_session_slot_find(sessions, slot->address_key, slot->kind, &at) == NULL) {
            entry_make(sessions, i, at, held_of(sessions, slot));
        }
    }
    count_advance(sessions, 0);
}

enum tg_err tg_sessions_replay(struct tg_sessions *sessions, const struct tg_session *event,
                               uint32_t subscriber, uint64_t epoch)
{
    const uint32_t kind = event->key_kinds >> 4;
    uint32_t page = 0;
    if (event->event != TG_SESSION_CLEAR) {
        uint64_t at;
        const struct tg_session_slot *slot =
            kind == TG_KEY_IP4 || kind == TG_KEY_IP6
                ? tg_session_slot_find(sessions, event->address_key, kind, &at)
                : NULL;
        if (slot == NULL) { /* new, or of no address */
            return tg_sessions_apply(sessions, event, subscriber);
        }
        page = page_of(sessions, slot);
    }
    return epoch <= sessions->epochs[page] ? TG_OK : tg_sessions_apply(sessions, event, subscriber);
}
