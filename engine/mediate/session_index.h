/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Inside of the session table that readers of IPv4 addresses need, for the session_*.c and
 *         identify_*.c of this room only: a word an address, in the order of addresses.
 *
 *  Source: session.h. Threads: as there. Allocates: never. Cost: one cache line a look-up, one of
 *  eight neighbours'.
 *
 *  Carriers hand out addresses from pools: addresses that ever had a session lie together. So a
 *  /24 with a session has a granule of 256 words, and an address its word there without a hash, a
 *  tag or a search: 8 octets an address, where a hash table at load 0.6 takes 27. Granules are
 *  found by two small tables, which stay in the caches: of a /16 its directory, of a /24 its
 *  granule there. Granule 0 is of all that have none: it tells to ask the slot. A /24 gets its
 *  granule with its first address or never, and keeps it.
 *
 *  A word: second from which the holder surely holds the address << 32 | place of his network << 27
 *  | subscriber. One word, so that a reader never sees the second of one holder beside the
 *  subscriber of another. 0: the address never had a session.
 */
#ifndef TG_MEDIATE_SESSION_INDEX_H
#define TG_MEDIATE_SESSION_INDEX_H

#include "mediate/session.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define TG_HELD_ASK             UINT64_MAX
#define TG_HELD_NOBODY          UINT64_C(0)
#define TG_HELD_PLACE_SHIFT     27u
#define TG_HELD_SUBSCRIBER_MASK ((1u << TG_HELD_PLACE_SHIFT) - 1)
#define TG_GRANULE_ADDRESSES    256u
#define TG_DIRECTORY_GRANULES   256u
#define TG_DIRECTORIES_OF       65536u

/** @brief Where the words are; borrowed from the table. */
struct tg_session_index {
    const _Atomic uint16_t *directories;      /**< By /16; 0 none. Shape [65536]. */
    const _Atomic uint32_t *granules;         /**< By directory and third octet; 0 none. */
    const _Atomic uint64_t *held;             /**< By granule and fourth octet. */
    const _Atomic uint32_t *uncleared_from_s; /**< Holders since before it: ask the slot. */
};

/** @brief The index of a table. @param sessions Table. @return Borrowed from it. */
struct tg_session_index tg_sessions_index(const struct tg_sessions *sessions);

/** @brief Place of an address's word. @param index Borrowed. @param address In host order.
 *  @return Of `held`; in granule 0 when it has none. */
static inline uint64_t tg_session_place(const struct tg_session_index *index, uint32_t address)
{
    /* Both pair with the releases in held_for_write: a granule is whole before it shows. */
    const uint32_t directory =
        atomic_load_explicit(&index->directories[address >> 16], memory_order_acquire);
    const uint32_t granule = atomic_load_explicit(
        &index->granules[directory * TG_DIRECTORY_GRANULES + (address >> 8 & 255u)],
        memory_order_acquire);
    return (uint64_t)granule * TG_GRANULE_ADDRESSES + (address & 255u);
}

/** @brief Does a word alone tell who holds its address at a time? @param held Word.
 *  @param at_ns Event time. @param uncleared_s As read from the index.
 *  @return false: nobody holds it, or ask the slot. */
static inline bool tg_held_tells(uint64_t held, int64_t at_ns, uint32_t uncleared_s)
{
    /* One compare for three: not TG_HELD_ASK, not TG_HELD_NOBODY, not cleared since. */
    const uint32_t from_s = (uint32_t)(held >> 32);
    const uint32_t least_s = uncleared_s > 0 ? uncleared_s : 1;
    return from_s - least_s < UINT32_MAX - least_s && at_ns >= (int64_t)from_s * 1000000000;
}

#endif
