/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Data sets that came before their template wait here, bounded in bytes and pieces.
 *
 *  Source: RFC 7011 9.1 (collector may keep data sets until their template comes), RFC 3954 9.
 *  Threads: one owner. Allocates: only tg_flow_park_open. Cost: a copy in, a copy out.
 *
 *  Policy when full: the newcomer is refused with TG_E_PARK_FULL; nothing that waits is pushed out.
 *  A piece lies in a chain of blocks, so freeing in any order never fragments.
 */
#ifndef TG_DECODERS_LIB_FLOWPARK_H
#define TG_DECODERS_LIB_FLOWPARK_H

#include "lib/flowstore.h"

#include <stdbool.h>
#include <stdint.h>

#define TG_FLOW_PARK_BYTES_DEFAULT  (4u * 1024u * 1024u) /**< All pieces together. */
#define TG_FLOW_PARK_PIECES_DEFAULT 4096u                /**< Pieces. */
#define TG_FLOW_PARK_BLOCK_BYTES    512u  /**< One block; a piece takes whole ones. */
#define TG_FLOW_PARK_BUCKETS_COUNT  1024u /**< Chains by template. */

/** @brief What must be known of a message to decode one of its sets later. */
struct tg_flow_piece {
    struct tg_flow_key key; /**< Template waited for. */
    int64_t arrival_ns;     /**< When it came, for expire. */
    int64_t export_ns;      /**< tg_flow_context. */
    uint64_t seed;          /**< tg_flow_context. */
    uint64_t record_key;    /**< Identity of the piece. */
    uint32_t sequence;      /**< tg_flow_context. */
    uint32_t uptime_ms;     /**< tg_flow_context. */
    uint32_t anchor_offset; /**< Offset of the body in its message. */
    uint32_t length_bytes;  /**< Body of the set, header left out. */
    uint32_t done_bytes;    /**< Body already decoded; rest follows at the next call. */
    uint32_t first_block;   /**< Chain. */
    uint16_t has_uptime;    /**< tg_flow_context. */
    uint16_t next;          /**< Chain of the bucket, in order of arrival; or of free pieces. */
};

/** @brief The waiting room; index 0 means none for pieces and blocks. */
struct tg_flow_park {
    struct tg_flow_piece *pieces; /**< Shape [pieces_capacity + 1]. */
    uint8_t *blocks;              /**< Shape [blocks_capacity + 1][TG_FLOW_PARK_BLOCK_BYTES]. */
    uint32_t *block_next;         /**< Shape [blocks_capacity + 1]. */
    uint16_t *heads;              /**< Shape [TG_FLOW_PARK_BUCKETS_COUNT]. */
    uint16_t *tails;              /**< Shape [TG_FLOW_PARK_BUCKETS_COUNT]. */
    uint32_t pieces_capacity;
    uint32_t pieces_count;
    uint32_t blocks_capacity;
    uint32_t blocks_count; /**< In use. */
    uint32_t pieces_fresh; /**< Slots never used start here. */
    uint32_t blocks_fresh;
    uint16_t piece_free;
    uint32_t block_free;
    uint64_t hash_seed;
};

/**
 * @brief Take the memory.
 * @param park             To fill.
 * @param capacity_bytes   At least one block.
 * @param pieces_capacity  1..65534.
 * @param hash_seed        Against senders that aim at buckets.
 * @return TG_OK or TG_E_NO_MEMORY (closed then).
 */
enum tg_err tg_flow_park_open(struct tg_flow_park *park, uint32_t capacity_bytes,
                              uint32_t pieces_capacity, uint64_t hash_seed);

/** @brief Give the memory back. @param park Owned; zeroed is fine. */
void tg_flow_park_close(struct tg_flow_park *park);

/** @brief Forget everything. @param park Open. */
void tg_flow_park_clear(struct tg_flow_park *park);

/**
 * @brief Park a set.
 * @param park   Open.
 * @param piece  Copied; first_block and next are set here.
 * @param bytes  Body, piece->length_bytes; copied.
 * @return false when the room is full: nothing is changed.
 */
bool tg_flow_park_add(struct tg_flow_park *park, const struct tg_flow_piece *piece,
                      const uint8_t *bytes);

/** @brief Oldest piece for a template. @param park Open. @param key Template. @return NULL: none.
 */
struct tg_flow_piece *tg_flow_park_find(const struct tg_flow_park *park, struct tg_flow_key key);

/** @brief Copy a piece's body. @param park Open. @param piece Of it. @param bytes Room for it. */
void tg_flow_park_copy(const struct tg_flow_park *park, const struct tg_flow_piece *piece,
                       uint8_t *bytes);

/** @brief Free a piece. @param park Open. @param piece Of it. */
void tg_flow_park_remove(struct tg_flow_park *park, struct tg_flow_piece *piece);

/**
 * @brief Walk all pieces: buckets in order, in a bucket by arrival.
 * @param park   Open.
 * @param after  NULL to begin; else the piece before.
 * @return Next piece or NULL.
 */
struct tg_flow_piece *tg_flow_park_next(const struct tg_flow_park *park,
                                        const struct tg_flow_piece *after);

#endif
