/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Single-producer single-consumer ring of elements by value, over DPDK's rte_ring.
 *
 *  Source: DPDK 22.11 rte_ring_elem (the ring's head and tail protocol).
 *  Threads: one producer (put), one consumer (take); count and free may be asked by either.
 *  Allocates: tg_ring_open only, from base/arena, so that a ring needs no EAL and no huge page.
 *  Cost: 64-byte elements in bulks of 32: see tests/stress/ring.c, which prints ns per element.
 *
 *  When full, put takes fewer than it was given; the producer counts and decides (wait or refuse).
 */
#ifndef TG_RT_RING_H
#define TG_RT_RING_H

#include "abi/err.h"
#include "base/error.h"

#include <stdint.h>

/** Elements worth moving at once: below it the shared head and tail dominate (reference machine).
 */
#define TG_RING_BULK 32u
/** Largest ring: 2^24 elements of 128 bytes are 2 GiB. */
#define TG_RING_SLOTS_MAX (1u << 24)
/** Largest element. */
#define TG_RING_ELEMENT_BYTES_MAX 1024u

struct tg_ring;

/**
 * @brief Make a ring.
 * @param[in]  slots_count    1..TG_RING_SLOTS_MAX elements it holds, exactly.
 * @param[in]  element_bytes  Multiple of 16, up to TG_RING_ELEMENT_BYTES_MAX; 64 and 128 are fast.
 * @param[out] ring           Caller owns; tg_ring_close.
 * @param[out] why            Filled on failure; may be NULL.
 * @return TG_OK, TG_E_INVALID, TG_E_NO_MEMORY.
 */
enum tg_err tg_ring_open(uint32_t slots_count, uint32_t element_bytes, struct tg_ring **ring,
                         struct tg_why *why);

/** @brief Give back. @param ring Owned, or NULL. Neither side may still use it. */
void tg_ring_close(struct tg_ring *ring);

/**
 * @brief Producer: copy elements in.
 * @param[in] ring      Borrowed.
 * @param[in] elements  Borrowed until return; shape [elements_count] of element_bytes each.
 * @param[in] elements_count  How many are offered.
 * @return How many went in, from the first on: 0..elements_count.
 */
uint32_t tg_ring_put(struct tg_ring *ring, const void *elements, uint32_t elements_count);

/**
 * @brief Consumer: copy elements out, oldest first.
 * @param[in]  ring            Borrowed.
 * @param[out] elements        Caller owns; room for capacity_count elements.
 * @param[in]  capacity_count  At most this many.
 * @return How many came out.
 */
uint32_t tg_ring_take(struct tg_ring *ring, void *elements, uint32_t capacity_count);

/** @brief Elements inside, at some moment during the call. @param ring Borrowed. @return Count. */
uint32_t tg_ring_count(const struct tg_ring *ring);

/** @brief Room left, at some moment during the call. @param ring Borrowed. @return Count. */
uint32_t tg_ring_room(const struct tg_ring *ring);

#endif
