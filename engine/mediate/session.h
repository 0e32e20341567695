/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Who holds an IP address when: access sessions, looked up by event time.
 *
 *  Source: RFC 2866 (start, interim, stop, accounting-on), RFC 3162 (IPv6 prefixes).
 *  Threads: one writer (the ingest lcore that decodes the access servers); any number of readers.
 *  Allocates: in create only. Cost: one cache line of the index for an open session of an IPv4
 *  address, else a line of the hash table and its slot too; asked for ahead in groups. An address
 *  is 64 octets of slot, 8 / 0.6 of hash table and 8 * 8/5 of index: 91. The index has room for
 *  IPv4 addresses whose /24s are used by five eighths on average, as pools are; scattered ones are
 *  asked for in their slots.
 *  The line also tells the serving network of a session while there are at most
 *  TG_SESSION_PLACES_MAX of them; sessions in others are asked for in their slots.
 *
 *  The pipeline publishes the table through tg_snapshot; its slots change in place under a
 *  per-slot sequence lock, so a reader never sees half a session and never waits for the writer's
 *  batch. An address keeps its present and its previous holder: flows are exported after the fact,
 *  so a record often belongs to the session before. Older holders are forgotten; usage older than
 *  that has no holder and is suspended, never guessed. Of two sessions that overlap the later one
 *  holds the address from its start on. Start, interim and stop may come late, repeated and in any
 *  order: what is found afterwards is the same.
 *
 *  A session has one serving network: the one its latest interim or stop names, else its start's.
 *  One that changes networks without beginning anew is, with all its flows, in the last one.
 *
 *  An access server that restarts ends its sessions: the last eight such times are kept a node.
 *
 *  Full: a new address is refused and counted (tg_sessions_refused); its usage is suspended.
 */
#ifndef TG_MEDIATE_SESSION_H
#define TG_MEDIATE_SESSION_H

#include "abi/err.h"
#include "abi/usage.h"
#include "base/hash.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** @brief Tolerance after a stop: an exporter may close the flow a little later. */
#define TG_SESSION_GRACE_NS INT64_C(5000000000)

#define TG_SESSION_BLOCKS_COUNT 65536u

/** Serving networks that the index tells of by itself: five bits beside a subscriber's 27. */
#define TG_SESSION_PLACES_MAX 31u

/**
 * @brief A bit a block of addresses (an IPv4 /16, a hash of an IPv6 /32) that ever had a session.
 *
 * Most flows have one end outside the carrier: its bit is clear, and the index need not be asked.
 */
struct tg_session_blocks {
    _Atomic uint64_t words[TG_SESSION_BLOCKS_COUNT / 64]; /**< 8 KiB; the writer's alone. */
};

/** @brief Block of an address. @param key Key. @param kind TG_KEY_IP4 or TG_KEY_IP6.
 *  @return Below TG_SESSION_BLOCKS_COUNT. */
static inline uint32_t tg_session_block_of(uint64_t key, uint32_t kind)
{
    return kind == TG_KEY_IP4 ? (uint32_t)(key >> 16) % TG_SESSION_BLOCKS_COUNT
                              : (uint32_t)(tg_mix64(key >> 32) % TG_SESSION_BLOCKS_COUNT);
}

/** @brief May an address have a session? @param blocks Borrowed. @param key Key.
 *  @param kind TG_KEY_IP4 or TG_KEY_IP6. @return false: it never had one. */
static inline bool tg_session_blocks_has(const struct tg_session_blocks *blocks, uint64_t key,
                                         uint32_t kind)
{
    const uint32_t block = tg_session_block_of(key, kind);
    /* Pairs with the release of the writer: an entry that a reader could see has its bit. */
    return (atomic_load_explicit(&blocks->words[block / 64], memory_order_acquire) >> (block % 64) &
            1u) != 0;
}

struct tg_sessions;

/** @brief Make. @param addresses_count_max Addresses held. @return Table or NULL without memory. */
struct tg_sessions *tg_sessions_create(uint32_t addresses_count_max);

/** @brief Free. @param sessions May be NULL. */
void tg_sessions_free(struct tg_sessions *sessions);

/**
 * @brief Apply one event.
 * @param[in,out] sessions    Table.
 * @param[in]     event       From a decoder.
 * @param[in]     subscriber  Dense roster index of event->subscriber_key; TG_SUBSCRIBER_NONE
 * unknown.
 * @return TG_OK; TG_E_FULL when a new address found no place.
 */
enum tg_err tg_sessions_apply(struct tg_sessions *sessions, const struct tg_session *event,
                              uint32_t subscriber);

/** @brief One look-up of a batch. */
struct tg_session_query {
    uint64_t address_key; /**< Key. */
    int64_t at_ns;        /**< Event time. */
    uint32_t subscriber;  /**< Out: dense index, or TG_SUBSCRIBER_NONE. */
    uint8_t kind;         /**< TG_KEY_IP4 or TG_KEY_IP6. */
    uint8_t reserved[3];  /**< 0. */
    uint32_t plmn;        /**< Out, where tg_sessions_has_networks: of the session; 0 not said. */
    uint32_t padding;     /**< 0. */
};

/** @brief Blocks with sessions. @param sessions Table. @return Borrowed from it. */
const struct tg_session_blocks *tg_sessions_blocks(const struct tg_sessions *sessions);

/**
 * @brief Find the holders of a batch of addresses. Who asks for many that never had a session looks
 *        at their blocks first.
 * @param[in]     sessions  Table.
 * @param[in,out] queries   Shape [count]; subscriber is written.
 * @param[in]     count     Any.
 */
void tg_sessions_find(const struct tg_sessions *sessions, struct tg_session_query *queries,
                      uint32_t count);

/** @brief Did any session ever name its network? @param sessions Table. @return false: queries get
 *  no plmn. */
bool tg_sessions_has_networks(const struct tg_sessions *sessions);

/** @brief Addresses held. @param sessions Table. @return Count. */
uint32_t tg_sessions_count(const struct tg_sessions *sessions);

/** @brief Events refused because the table was full. @param sessions Table. @return Count. */
uint64_t tg_sessions_refused(const struct tg_sessions *sessions);

/** Largest page of the table: 4,096 addresses. */
#define TG_SESSIONS_PAGE_BYTES 262144u

/** @brief Pages for a checkpoint: 0 has the restarts of access servers, each of the others 4,096
 *  addresses in the order in which they came; the index is made anew. @param sessions Table.
 *  @return Count, at least 2. */
uint32_t tg_sessions_pages_count(const struct tg_sessions *sessions);

/** @brief Was it written since it was taken? @param sessions Table. @param page Below the count.
 *  @return true if so. */
bool tg_sessions_page_dirty(const struct tg_sessions *sessions, uint32_t page);

/** @brief It did not become a checkpoint: take it again. @param sessions Table; any thread.
 *  @param page Below the count. */
void tg_sessions_page_mark(struct tg_sessions *sessions, uint32_t page);

/** @brief Copy a page and wipe its mark; the writer's thread, or nobody writes. @param sessions
 *  Table. @param page Below the count. @param[out] to At least TG_SESSIONS_PAGE_BYTES.
 *  @return Octets written. */
uint32_t tg_sessions_page_take(struct tg_sessions *sessions, uint32_t page, void *to);

/**
 * @brief Put a page back into an empty table; afterwards tg_sessions_pages_loaded.
 * @param[in,out] sessions    Table.
 * @param[in]     page        Page number.
 * @param[in]     epoch       Last epoch that is in it.
 * @param[in]     bytes       Borrowed.
 * @param[in]     size_bytes  Their length.
 * @return TG_OK, TG_E_FORMAT (not a page), TG_E_FULL (the table has become too small for it).
 */
enum tg_err tg_sessions_page_load(struct tg_sessions *sessions, uint32_t page, uint64_t epoch,
                                  const void *bytes, size_t size_bytes);

/** @brief All pages are back: make the index. @param sessions Table. */
void tg_sessions_pages_loaded(struct tg_sessions *sessions);

/**
 * @brief Apply a journaled event, unless the page it changes holds that epoch already. In journal
 *        order addresses get the places they had, so that pages of different epochs fit together.
 * @param[in,out] sessions    Table.
 * @param[in]     event       As journaled.
 * @param[in]     subscriber  As for tg_sessions_apply.
 * @param[in]     epoch       Its epoch.
 * @return As tg_sessions_apply.
 */
enum tg_err tg_sessions_replay(struct tg_sessions *sessions, const struct tg_session *event,
                               uint32_t subscriber, uint64_t epoch);

#endif
