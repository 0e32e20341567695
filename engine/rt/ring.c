/* SPDX-License-Identifier: Apache-2.0 */
#include "rt/ring.h"

#include "base/arena.h"

/* The C11 form of the ring's head and tail: same instructions here as the default form, but in
 * terms the compiler and the thread sanitizer understand. */
#define RTE_USE_C11_MEM_MODEL 1
#include <rte_ring.h>
#include <rte_ring_elem.h>

#include <stddef.h>

struct tg_ring {
    struct rte_ring *shared; /* heads and tails, each on lines of their own, then the elements */
    size_t shared_bytes;
    uint32_t element_bytes;
};

/* The handle lies in front of rte_ring in the same pages; it is read-only after open. */
#define HANDLE_BYTES 128u
_Static_assert(sizeof(struct tg_ring) <= HANDLE_BYTES, "handle fits before the ring");

enum tg_err tg_ring_open(uint32_t slots_count, uint32_t element_bytes, struct tg_ring **ring,
                         struct tg_why *why)
{
    if (slots_count == 0 || slots_count > TG_RING_SLOTS_MAX || element_bytes == 0 ||
        element_bytes % 16 != 0 || element_bytes > TG_RING_ELEMENT_BYTES_MAX) {
        return tg_why_set(why, TG_E_INVALID, "ring: %u slots of %u bytes are not possible",
                          slots_count, element_bytes);
    }
    /* RING_F_EXACT_SZ keeps one slot more than asked, so size for the next power of two above. */
    const uint32_t raw_count = rte_align32pow2(slots_count + 1);
    const ssize_t ring_bytes = rte_ring_get_memsize_elem(element_bytes, raw_count);
    if (ring_bytes < 0) {
        return tg_why_set(why, TG_E_INVALID, "ring: rte_ring refuses %u slots of %u bytes",
                          slots_count, element_bytes);
    }
    uint8_t *memory = tg_pages_take(HANDLE_BYTES + (size_t)ring_bytes);
    if (memory == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "ring: no memory for %zd bytes", ring_bytes);
    }
    struct tg_ring *made = (struct tg_ring *)memory;
    made->shared = (struct rte_ring *)(memory + HANDLE_BYTES);
    made->shared_bytes = (size_t)ring_bytes;
    made->element_bytes = element_bytes;
    if (rte_ring_init(made->shared, "tg", slots_count,
                      RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ) != 0) {
        tg_ring_close(made);
        return tg_why_set(why, TG_E_INVALID, "ring: rte_ring_init refuses %u slots", slots_count);
    }
    *ring = made;
    return TG_OK;
}

void tg_ring_close(struct tg_ring *ring)
{
    if (ring != NULL) {
        tg_pages_free(ring, HANDLE_BYTES + ring->shared_bytes);
    }
}

/* A constant size lets the compiler unroll rte_ring's copy; hence the two named cases. */
uint32_t tg_ring_put(struct tg_ring *ring, const void *elements, uint32_t elements_count)
{
    switch (ring->element_bytes) {
    case 64:
        return rte_ring_sp_enqueue_burst_elem(ring->shared, elements, 64, elements_count, NULL);
    case 128:
        return rte_ring_sp_enqueue_burst_elem(ring->shared, elements, 128, elements_count, NULL);
    default:
        return rte_ring_sp_enqueue_burst_elem(ring->shared, elements, ring->element_bytes,
                                              elements_count, NULL);
    }
}

uint32_t tg_ring_take(struct tg_ring *ring, void *elements, uint32_t capacity_count)
{
    switch (ring->element_bytes) {
    case 64:
        return rte_ring_sc_dequeue_burst_elem(ring->shared, elements, 64, capacity_count, NULL);
    case 128:
        return rte_ring_sc_dequeue_burst_elem(ring->shared, elements, 128, capacity_count, NULL);
    default:
        return rte_ring_sc_dequeue_burst_elem(ring->shared, elements, ring->element_bytes,
                                              capacity_count, NULL);
    }
}

uint32_t tg_ring_count(const struct tg_ring *ring)
{
    return rte_ring_count(ring->shared);
}

uint32_t tg_ring_room(const struct tg_ring *ring)
{
    return rte_ring_free_count(ring->shared);
}
