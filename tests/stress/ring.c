/* SPDX-License-Identifier: Apache-2.0 */
/* If this failed, rows would be lost, doubled or torn between two lcores. Every element carries its
 * number in its first and last word and a sum over all is compared. Argument: elements (default
 * 5 M). Prints ns per element. */
#include "rt/ring.h"

#include "base/clock.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#define WORDS_MAX 16u

struct run {
    struct tg_ring *ring;
    uint64_t elements_count;
    uint32_t words; /* of one element */
    uint64_t faults_count;
};

static void *produce(void *argument)
{
    struct run *run = argument;
    static uint64_t bulk[TG_RING_BULK * WORDS_MAX];
    uint64_t next = 0;
    while (next < run->elements_count) {
        const uint64_t left = run->elements_count - next;
        const uint32_t count = left < TG_RING_BULK ? (uint32_t)left : TG_RING_BULK;
        for (uint32_t i = 0; i < count; i++) {
            bulk[i * run->words] = next + i;
            bulk[(i + 1) * run->words - 1] = ~(next + i);
        }
        uint32_t put = 0;
        while (put < count) {
            const uint32_t took = tg_ring_put(run->ring, bulk + put * run->words, count - put);
            put += took;
            if (took == 0) {
                (void)sched_yield();
            }
        }
        next += count;
    }
    return NULL;
}

static void consume(struct run *run)
{
    static uint64_t bulk[TG_RING_BULK * WORDS_MAX];
    uint64_t next = 0;
    while (next < run->elements_count) {
        const uint32_t count = tg_ring_take(run->ring, bulk, TG_RING_BULK);
        for (uint32_t i = 0; i < count; i++, next++) {
            run->faults_count +=
                bulk[i * run->words] != next || bulk[(i + 1) * run->words - 1] != ~next;
        }
        if (count == 0) {
            (void)sched_yield();
        }
    }
}

static int run_size(uint32_t words, uint64_t elements_count)
{
    struct run run = {.elements_count = elements_count, .words = words};
    if (tg_ring_open(4096, words * 8, &run.ring, NULL) != TG_OK) {
        return 1;
    }
    pthread_t producer;
    const int64_t start_ns = tg_clock_monotonic_ns();
    if (pthread_create(&producer, NULL, produce, &run) != 0) {
        return 1;
    }
    consume(&run);
    (void)pthread_join(producer, NULL);
    const int64_t took_ns = tg_clock_monotonic_ns() - start_ns;
    printf("ring: %u-byte elements, %llu moved, %llu faults, %lld.%02lld ns each\n", words * 8,
           (unsigned long long)elements_count, (unsigned long long)run.faults_count,
           (long long)(took_ns / (int64_t)elements_count),
           (long long)(took_ns * 100 / (int64_t)elements_count % 100));
    const int left = tg_ring_count(run.ring) != 0;
    tg_ring_close(run.ring);
    return run.faults_count != 0 || left;
}

int main(int argc, char **argv)
{
    const uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 5000000;
    const int failed = run_size(8, count) | run_size(16, count) | run_size(2, count);
    return failed;
}
