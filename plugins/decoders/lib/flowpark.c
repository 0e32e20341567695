/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces chained per template bucket in order of arrival; bodies in chains of blocks. */
#include "lib/flowpark.h"

#include "abi/key.h"

#include <stdlib.h>
#include <string.h>

static uint32_t bucket_of(const struct tg_flow_park *park, struct tg_flow_key key)
{
    const uint64_t name = (uint64_t)key.domain << 32 | (uint64_t)key.source_id << 16 | key.id;
    return (uint32_t)tg_key_mix(name ^ park->hash_seed, UINT64_C(0xe7037ed1a0b428db)) &
           (TG_FLOW_PARK_BUCKETS_COUNT - 1);
}

static bool is_key(const struct tg_flow_piece *piece, struct tg_flow_key key)
{
    return piece->key.id == key.id && piece->key.source_id == key.source_id &&
           piece->key.domain == key.domain;
}

static uint32_t blocks_for(uint32_t length_bytes)
{
    return (length_bytes + TG_FLOW_PARK_BLOCK_BYTES - 1) / TG_FLOW_PARK_BLOCK_BYTES;
}

static uint8_t *block_at(const struct tg_flow_park *park, uint32_t block)
{
    return park->blocks + (size_t)block * TG_FLOW_PARK_BLOCK_BYTES;
}

enum tg_err tg_flow_park_open(struct tg_flow_park *park, uint32_t capacity_bytes,
                              uint32_t pieces_capacity, uint64_t hash_seed)
{
    memset(park, 0, sizeof(*park));
    park->pieces_capacity = pieces_capacity;
    park->blocks_capacity = capacity_bytes / TG_FLOW_PARK_BLOCK_BYTES;
    park->hash_seed = hash_seed;
    park->pieces = calloc((size_t)pieces_capacity + 1, sizeof(*park->pieces));
    park->blocks = calloc((size_t)park->blocks_capacity + 1, TG_FLOW_PARK_BLOCK_BYTES);
    park->block_next = calloc((size_t)park->blocks_capacity + 1, sizeof(*park->block_next));
    park->heads = calloc(TG_FLOW_PARK_BUCKETS_COUNT, sizeof(*park->heads));
    park->tails = calloc(TG_FLOW_PARK_BUCKETS_COUNT, sizeof(*park->tails));
    if (park->pieces == NULL || park->blocks == NULL || park->block_next == NULL ||
        park->heads == NULL || park->tails == NULL) {
        tg_flow_park_close(park);
        return TG_E_NO_MEMORY;
    }
    tg_flow_park_clear(park);
    return TG_OK;
}

void tg_flow_park_close(struct tg_flow_park *park)
{
    free(park->pieces);
    free(park->blocks);
    free(park->block_next);
    free(park->heads);
    free(park->tails);
    memset(park, 0, sizeof(*park));
}

void tg_flow_park_clear(struct tg_flow_park *park)
{
    memset(park->heads, 0, TG_FLOW_PARK_BUCKETS_COUNT * sizeof(*park->heads));
    memset(park->tails, 0, TG_FLOW_PARK_BUCKETS_COUNT * sizeof(*park->tails));
    park->pieces_count = 0;
    park->blocks_count = 0;
    park->pieces_fresh = 1;
    park->blocks_fresh = 1;
    park->piece_free = 0;
    park->block_free = 0;
}

static uint32_t block_take(struct tg_flow_park *park)
{
    uint32_t block = park->block_free;
    if (block != 0) {
        park->block_free = park->block_next[block];
    } else {
        block = park->blocks_fresh++;
    }
    park->block_next[block] = 0;
    park->blocks_count++;
    return block;
}

static uint16_t piece_take(struct tg_flow_park *park)
{
    uint16_t index = park->piece_free;
    if (index != 0) {
        park->piece_free = park->pieces[index].next;
    } else {
        index = (uint16_t)park->pieces_fresh++;
    }
    park->pieces_count++;
    return index;
}

static uint32_t body_store(struct tg_flow_park *park, const uint8_t *bytes, uint32_t length_bytes)
{
    uint32_t first = 0;
    uint32_t last = 0;
    for (uint32_t at = 0; at < length_bytes; at += TG_FLOW_PARK_BLOCK_BYTES) {
        const uint32_t left = length_bytes - at;
        const uint32_t part = left < TG_FLOW_PARK_BLOCK_BYTES ? left : TG_FLOW_PARK_BLOCK_BYTES;
        const uint32_t block = block_take(park);
        memcpy(block_at(park, block), bytes + at, part);
        if (last != 0) {
            park->block_next[last] = block;
        } else {
            first = block;
        }
        last = block;
    }
    return first;
}

bool tg_flow_park_add(struct tg_flow_park *park, const struct tg_flow_piece *piece,
                      const uint8_t *bytes)
{
    if (park->pieces_count >= park->pieces_capacity ||
        park->blocks_capacity - park->blocks_count < blocks_for(piece->length_bytes)) {
        return false;
    }
    const uint16_t index = piece_take(park);
    struct tg_flow_piece *slot = &park->pieces[index];
    *slot = *piece;
    slot->first_block = body_store(park, bytes, piece->length_bytes);
    slot->next = 0;
    const uint32_t bucket = bucket_of(park, piece->key);
    if (park->tails[bucket] != 0) {
        park->pieces[park->tails[bucket]].next = index;
    } else {
        park->heads[bucket] = index;
    }
    park->tails[bucket] = index;
    return true;
}

struct tg_flow_piece *tg_flow_park_find(const struct tg_flow_park *park, struct tg_flow_key key)
{
    if (park->pieces_count == 0) {
        return NULL;
    }
    uint16_t index = park->heads[bucket_of(park, key)];
    while (index != 0 && !is_key(&park->pieces[index], key)) {
        index = park->pieces[index].next;
    }
    return index != 0 ? &park->pieces[index] : NULL;
}

void tg_flow_park_copy(const struct tg_flow_park *park, const struct tg_flow_piece *piece,
                       uint8_t *bytes)
{
    uint32_t block = piece->first_block;
    for (uint32_t at = 0; at < piece->length_bytes; at += TG_FLOW_PARK_BLOCK_BYTES) {
        const uint32_t left = piece->length_bytes - at;
        memcpy(bytes + at, block_at(park, block),
               left < TG_FLOW_PARK_BLOCK_BYTES ? left : TG_FLOW_PARK_BLOCK_BYTES);
        block = park->block_next[block];
    }
}

void tg_flow_park_remove(struct tg_flow_park *park, struct tg_flow_piece *piece)
{
    const uint16_t index = (uint16_t)(piece - park->pieces);
    const uint32_t bucket = bucket_of(park, piece->key);
    uint16_t before = 0;
    uint16_t *link = &park->heads[bucket];
    while (*link != index) {
        before = *link;
        link = &park->pieces[*link].next;
    }
    *link = piece->next;
    if (park->tails[bucket] == index) {
        park->tails[bucket] = before;
    }
    uint32_t block = piece->first_block;
    while (block != 0) {
        const uint32_t next = park->block_next[block];
        park->block_next[block] = park->block_free;
        park->block_free = block;
        park->blocks_count--;
        block = next;
    }
    piece->next = park->piece_free;
    park->piece_free = index;
    park->pieces_count--;
}

struct tg_flow_piece *tg_flow_park_next(const struct tg_flow_park *park,
                                        const struct tg_flow_piece *after)
{
    uint32_t bucket = 0;
    if (after != NULL) {
        if (after->next != 0) {
            return &park->pieces[after->next];
        }
        bucket = bucket_of(park, after->key) + 1;
    }
    for (; bucket < TG_FLOW_PARK_BUCKETS_COUNT; bucket++) {
        if (park->heads[bucket] != 0) {
            return &park->pieces[park->heads[bucket]];
        }
    }
    return NULL;
}
