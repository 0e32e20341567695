/* SPDX-License-Identifier: Apache-2.0 */
/* Two steps a row, and the second one some rows behind the first: between them its line of the
 * index is on its way. The steps take turns in small groups, for a core waits for a dozen lines at
 * a time and no more: asking for all of them first would be waiting, and then working. */
#include "mediate/identify_flows.h"

#include "base/limits.h"
#include "mediate/session_index.h"

#include <immintrin.h>
#include <stddef.h>

#define GROUP      16u
#define BEHIND     24u
#define BOTH_KINDS (TG_KEY_IP4 | TG_KEY_IP4 << 4)

/* Rows whose lines are asked for. */
struct asked {
    uint32_t count;
    uint32_t told_count;
    /* Place of its word << 32 | row << 1 | 1 when it is asked for by its peer. */
    uint64_t items[TG_BATCH_ROWS_MAX];
};

struct left {
    uint32_t count;
    uint16_t *rows;
};

static inline uint32_t may_hold(const struct tg_session_blocks *blocks, uint32_t address)
{
    return tg_session_blocks_has(blocks, address, TG_KEY_IP4);
}

/* Which end to ask for: the peer where the source cannot be a subscriber's. Without a branch, for
 * which end is the carrier's is a coin toss. */
static inline void rows_ask(const struct tg_session_blocks *blocks,
                            const struct tg_session_index *index, struct tg_batch *batch,
                            uint32_t from, uint32_t to, struct asked *asked, struct left *left)
{
    for (uint32_t i = from; i < to; i++) {
        const struct tg_usage *row = &batch->rows[i];
        struct tg_charge *charge = &batch->charges[i];
        if (__builtin_expect(charge->fate != TG_FATE_NONE, 0)) {
            continue;
        }
        if (__builtin_expect(row->key_kinds != BOTH_KINDS, 0)) {
            left->rows[left->count++] = (uint16_t)i;
            continue;
        }
        const uint32_t source = (uint32_t)row->subscriber_key;
        const uint32_t peer = (uint32_t)row->peer_key;
        const uint32_t is_source = may_hold(blocks, source);
        const uint32_t is_peer = may_hold(blocks, peer) & ~is_source;
        if (__builtin_expect((is_source | is_peer) == 0, 0)) {
            tg_charge_settle(charge, TG_FATE_SUSPENDED, TG_E_UNKNOWN_SUBSCRIBER);
            continue;
        }
        const uint32_t address = source ^ ((source ^ peer) & (0 - is_peer));
        const uint64_t place = tg_session_place(index, address);
        __builtin_prefetch((const void *)&index->held[place]);
        asked->items[asked->count++] = place << 32 | i << 1 | is_peer;
    }
}

/* Turned round or not without a branch: keys change places, and so do the quantities, but not the
 * 16 bits above each of them. Both kinds are the same. */
static inline void row_turn(struct tg_usage *row, uint32_t is_turned)
{
    static const int64_t orders[2][2] = {{0, 2}, {2, 0}};
    const __m128i order = _mm_loadu_si128((const __m128i *)orders[is_turned]);
    uint8_t *const keys = (uint8_t *)row + offsetof(struct tg_usage, subscriber_key);
    uint8_t *const quantities = (uint8_t *)row + offsetof(struct tg_usage, start_ns) + 8;
    const __m128d both = _mm_castsi128_pd(_mm_loadu_si128((const __m128i *)keys));
    const __m128i counts = _mm_loadu_si128((const __m128i *)quantities);
    const __m128i turned = _mm_castpd_si128(_mm_permutevar_pd(_mm_castsi128_pd(counts), order));
    _mm_storeu_si128((__m128i *)keys, _mm_castpd_si128(_mm_permutevar_pd(both, order)));
    _mm_storeu_si128((__m128i *)quantities, _mm_blend_epi16(turned, counts, 0x88));
    row->flags |= (uint8_t)(is_turned * TG_USAGE_SWAPPED);
}

static inline void rows_tell(const struct tg_session_index *index, struct tg_batch *batch,
                             struct asked *asked, uint32_t to, struct left *left)
{
    /* Pairs with the release of the writer: raised before the sessions that begin after it. */
    const uint32_t uncleared_s =
        atomic_load_explicit(index->uncleared_from_s, memory_order_acquire);
    for (uint32_t n = asked->told_count; n < to; n++) {
        const uint64_t item = asked->items[n];
        const uint32_t i = (uint32_t)item >> 1;
        struct tg_usage *row = &batch->rows[i];
        /* Pairs with the releases of the writer. */
        const uint64_t held = atomic_load_explicit(&index->held[item >> 32], memory_order_acquire);
        if (__builtin_expect(!tg_held_tells(held, row->start_ns, uncleared_s), 0)) {
            left->rows[left->count++] = (uint16_t)i;
            continue;
        }
        batch->charges[i].subscriber = (uint32_t)held & TG_HELD_SUBSCRIBER_MASK;
        row_turn(row, item & 1);
    }
    asked->told_count = to;
}

uint32_t tg_identify_flows(const struct tg_sessions *sessions, struct tg_batch *batch,
                           uint16_t *rows_left)
{
    const struct tg_session_index index = tg_sessions_index(sessions);
    const struct tg_session_blocks *blocks = tg_sessions_blocks(sessions);
    struct left left = {0, rows_left};
    struct asked asked;
    asked.count = 0;
    asked.told_count = 0;
    for (uint32_t from = 0; from < batch->rows_count; from += GROUP) {
        const uint32_t to = batch->rows_count - from < GROUP ? batch->rows_count : from + GROUP;
        rows_ask(blocks, &index, batch, from, to, &asked, &left);
        if (asked.count > asked.told_count + BEHIND) {
            rows_tell(&index, batch, &asked, asked.count - BEHIND, &left);
        }
    }
    rows_tell(&index, batch, &asked, asked.count, &left);
    return left.count;
}
