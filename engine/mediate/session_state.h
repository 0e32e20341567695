/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Inside of the session table, for session.c, which writes it, and session_find.c, which
 *         reads it.
 *
 *  Source: session.h. Threads: as there. Allocates: never. Cost: as there.
 */
#ifndef TG_MEDIATE_SESSION_STATE_H
#define TG_MEDIATE_SESSION_STATE_H

#include "base/hash.h"
#include "base/limits.h"
#include "mediate/session.h"
#include "mediate/session_index.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Restarts of an access server remembered; it says so twice a restart (off and on). */
#define TG_SESSION_CLEARS_MAX 8u

/** @brief One holder as it is kept: [start_ns, end_ns). */
struct tg_session_kept {
    int64_t start_ns;    /**< Inclusive. */
    int64_t end_ns;      /**< Exclusive; 0: nobody, INT64_MAX: it goes on. */
    uint32_t subscriber; /**< Dense index, or TG_SUBSCRIBER_NONE. */
    uint16_t node_id;    /**< Access server. */
    uint16_t session;    /**< 16 bits of the session's key tell it from the same subscriber's next
                              one. */
};

/** @brief And with the network that serves him, which lies in what the head of the slot leaves. */
struct tg_session_holder {
    struct tg_session_kept kept; /**< The rest. */
    uint32_t plmn;               /**< tg_plmn_pack, 21 bits; 0 not said. */
};

/** @brief One address; a cache line. Its version has 16 bits: a reader would have to stand still
 * for 32,768 changes of one address not to see them. */
struct tg_session_slot {
    uint64_t address_key;          /**< Key. */
    _Atomic uint16_t version;      /**< Odd while the writer is inside (sequence lock). */
    uint16_t now_plmn_low;         /**< Of the present holder's network. */
    uint32_t kind : 6;             /**< tg_key_kind; 0 free. */
    uint32_t now_plmn_high : 5;    /**< The rest of it. */
    uint32_t before_plmn : 21;     /**< Of the previous holder's. */
    struct tg_session_kept now;    /**< Present holder. */
    struct tg_session_kept before; /**< Previous holder. */
};
_Static_assert(sizeof(struct tg_session_slot) == 64, "a look-up touches one cache line");

/**
 * @brief Addresses in the order in which they came, and an index over them: eight entries a cache
 *        line. Slots in the hash table itself (one line each) cost 1.75 lines at this load, and the
 *        later ones cannot be asked for ahead. IPv4 addresses have a word in session_index.h
 *        besides, which is all that most look-ups need.
 */
struct tg_session_entry {
    _Atomic uint64_t where; /**< tag << 32 | slot + 1; 0 is free. It is written once. */
};
_Static_assert(sizeof(struct tg_session_entry) == 8, "eight in a cache line");

/** @brief The table, one piece of memory. */
struct tg_sessions {
    size_t size_bytes;              /**< Of all of it. */
    uint64_t entries_count;         /**< Entries. */
    uint32_t count_max;             /**< Slots. */
    _Atomic uint32_t count;         /**< Slots taken; the next free one. */
    uint32_t pages_count;           /**< Of a checkpoint. */
    _Atomic uint8_t *dirty;         /**< By page; the writer sets, the copy wipes. */
    uint64_t *epochs;               /**< Last in each page, as loaded. */
    _Atomic uint64_t refused_count; /**< Events without a place. */
    /** A holder since this second or later has not been cleared; grows with every clear. */
    _Atomic uint32_t uncleared_from_s;
    /** Networks by place, as they were met; only grows. What the index tells by them is made anew
     *  from the slots, so that no page need hold them. */
    _Atomic uint32_t places[TG_SESSION_PLACES_MAX + 1];
    _Atomic bool has_networks;       /**< Any session ever named one. */
    struct tg_session_blocks blocks; /**< With sessions. */
    /** An access server that restarted ended all its sessions then (accounting-on); ascending. */
    _Atomic int64_t cleared_ns[TG_NODES_MAX][TG_SESSION_CLEARS_MAX];
    uint32_t directories_max;                        /**< Words of session_index.h: room; */
    uint32_t directories_count;                      /**< how many, which only grows. */
    uint32_t granules_max;                           /**< Room; */
    uint32_t granules_count;                         /**< how many, which only grows. */
    _Atomic uint64_t *held;                          /**< The words. */
    _Atomic uint32_t *granules;                      /**< By directory and third octet. */
    _Atomic uint16_t directories[TG_DIRECTORIES_OF]; /**< By /16. */
    /** Shape [count_max]; behind them the entries, the words and the granules' numbers. */
    struct tg_session_slot slots[] __attribute__((aligned(64)));
};

/** @brief Entries of a table. @param sessions Table. @return Shape [entries_count]. */
static inline struct tg_session_entry *tg_session_entries(const struct tg_sessions *sessions)
{
    return (struct tg_session_entry *)(uintptr_t)&sessions->slots[sessions->count_max];
}

/** @brief Hash of an address. @param key Key. @param kind TG_KEY_IP4 or TG_KEY_IP6. @return Hash.
 */
static inline uint64_t tg_session_hash(uint64_t key, uint32_t kind)
{
    return tg_mix64(key + ((uint64_t)kind << 56));
}

/** @brief Where an entry is looked for first. @param sessions Table. @param hash Of its address.
 *  @return Below entries_count. */
static inline uint64_t tg_session_entry_home(const struct tg_sessions *sessions, uint64_t hash)
{
    return (uint64_t)(((unsigned __int128)hash * sessions->entries_count) >> 64);
}

/** @brief Tag of an entry; the high half of the hash chooses the place. @param hash Of the address.
 *  @param key Key. @param kind Its kind. @return An IPv4 address is its own tag. */
static inline uint32_t tg_session_entry_tag(uint64_t hash, uint64_t key, uint32_t kind)
{
    return kind == TG_KEY_IP4 ? (uint32_t)key : (uint32_t)hash;
}

/** @brief The entry of an address. @param sessions Table. @param[in,out] at Where to begin; moves
 * to the entry, or the free place where it would be. @param tag Its tag. @return Its word, 0 none.
 */
static inline uint64_t tg_session_entry_find(const struct tg_sessions *sessions, uint64_t *at,
                                             uint32_t tag)
{
    const struct tg_session_entry *entries = tg_session_entries(sessions);
    for (;;) {
        /* Pairs with the release in entry_make: the slot is whole before its entry shows. */
        const uint64_t entry = atomic_load_explicit(&entries[*at].where, memory_order_acquire);
        if (entry == 0 || (uint32_t)(entry >> 32) == tag) {
            return entry;
        }
        *at = *at + 1 == sessions->entries_count ? 0 : *at + 1;
    }
}

/** @brief Slot of an entry. @param sessions Table. @param entry Its word, not 0. @return Slot. */
static inline const struct tg_session_slot *tg_session_slot_of(const struct tg_sessions *sessions,
                                                               uint64_t entry)
{
    return &sessions->slots[(uint32_t)entry - 1];
}

/** @brief The slot of an address. @param sessions Table. @param key Key. @param kind Its kind.
 *  @param[out] at Where its entry is or would be. @return Slot, or NULL. */
static inline const struct tg_session_slot *
tg_session_slot_find(const struct tg_sessions *sessions, uint64_t key, uint32_t kind, uint64_t *at)
{
    const uint64_t hash = tg_session_hash(key, kind);
    *at = tg_session_entry_home(sessions, hash);
    for (;;) {
        const uint64_t entry =
            tg_session_entry_find(sessions, at, tg_session_entry_tag(hash, key, kind));
        if (entry == 0) {
            return NULL;
        }
        const struct tg_session_slot *slot = tg_session_slot_of(sessions, entry);
        if (slot->address_key == key && slot->kind == kind) {
            return slot;
        }
        *at = *at + 1 == sessions->entries_count ? 0 : *at + 1;
    }
}

/** @brief Present holder. @param slot Borrowed. @return Copied. */
static inline struct tg_session_holder tg_session_slot_now(const struct tg_session_slot *slot)
{
    return (struct tg_session_holder){slot->now,
                                      slot->now_plmn_low | (uint32_t)slot->now_plmn_high << 16};
}

/** @brief Previous holder. @param slot Borrowed. @return Copied. */
static inline struct tg_session_holder tg_session_slot_before(const struct tg_session_slot *slot)
{
    return (struct tg_session_holder){slot->before, slot->before_plmn};
}

#endif
