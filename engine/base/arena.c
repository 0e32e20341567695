/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_BYTES ((size_t)2 << 20)
/* From here on a second thread takes half of the faults: clearing is what an engine of millions of
 * subscribers does longest at its start. */
#define SPLIT_BYTES ((size_t)256 << 20)

/* Set by the one thread that starts an engine, before it takes memory. */
static bool is_prefaulted;

/* Pages to be taken now: the kernel clears them at the first touch. */
struct touch {
    volatile uint8_t *at;
    size_t size_bytes;
};

static size_t pages_round(size_t size_bytes)
{
    return (size_bytes + 4095) & ~(size_t)4095;
}

static void *pages_touch(void *context)
{
    const struct touch *touch = context;
    for (size_t i = 0; i < touch->size_bytes; i += 4096) {
        touch->at[i] = 0;
    }
    return NULL;
}

static void pages_fault(uint8_t *at, size_t size_bytes)
{
    const size_t half = size_bytes >= SPLIT_BYTES ? size_bytes / 2 & ~(HUGE_BYTES - 1) : 0;
    struct touch first = {at, half};
    struct touch rest = {at + half, size_bytes - half};
    pthread_t thread;
    const bool is_split = half != 0 && pthread_create(&thread, NULL, pages_touch, &first) == 0;
    if (half != 0 && !is_split) {
        (void)pages_touch(&first);
    }
    (void)pages_touch(&rest);
    if (is_split) {
        (void)pthread_join(thread, NULL);
    }
}

void tg_pages_prefault(void)
{
    is_prefaulted = true;
}

void *tg_pages_take(size_t size_bytes)
{
    const size_t wanted = pages_round(size_bytes);
    const size_t slack = wanted >= HUGE_BYTES ? HUGE_BYTES : 0;
    uint8_t *map =
        mmap(NULL, wanted + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) {
        return NULL;
    }
    uint8_t *aligned = map;
    if (slack != 0) {
        aligned = (uint8_t *)(((uintptr_t)map + HUGE_BYTES - 1) & ~(uintptr_t)(HUGE_BYTES - 1));
        if (aligned != map) {
            (void)munmap(map, (size_t)(aligned - map));
        }
        const size_t tail = (size_t)(map + wanted + slack - (aligned + wanted));
        if (tail != 0) {
            (void)munmap(aligned + wanted, tail);
        }
        (void)madvise(aligned, wanted, MADV_HUGEPAGE); /* a wish: small pages work too */
    }
    if (is_prefaulted) {
        pages_fault(aligned, wanted);
    }
    return aligned;
}

void *tg_pages_reserve(size_t size_bytes)
{
    void *map = mmap(NULL, pages_round(size_bytes), PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return map == MAP_FAILED ? NULL : map;
}

void tg_pages_free(void *memory, size_t size_bytes)
{
    if (memory != NULL) {
        (void)munmap(memory, pages_round(size_bytes));
    }
}

/* To the page, so that a mapping of malloc's is advised whole: in parts it could not be moved any
 * more, and realloc would copy it. */
void tg_pages_advise(void *memory, size_t size_bytes)
{
    const size_t before = (uintptr_t)memory & 4095u;
    if (size_bytes >= 2 * HUGE_BYTES) {
        (void)madvise((uint8_t *)memory - before, pages_round(size_bytes + before), MADV_HUGEPAGE);
    }
}
