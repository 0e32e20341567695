/* SPDX-License-Identifier: Apache-2.0 */
/* If this failed, a rate lcore would price with a half-written or freed catalog. A writer publishes
 * objects whose words all hold one number and whose destructor overwrites them; two readers check
 * every word of what they read, and that versions never go backwards. Argument: publications. */
#include "rt/snapshot.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS   64u
#define OBJECTS (2 * TG_SNAPSHOT_RETIRED_MAX + 2)

struct object {
    uint64_t words[WORDS];
    bool is_free; /* control thread's */
};

static struct object objects[OBJECTS];
static struct tg_snapshot snapshot;
static uint32_t is_over;

struct reader {
    uint64_t reads_count;
    uint64_t faults_count;
    uint64_t changes_count;
};

static void *read_on(void *argument)
{
    struct reader *reader = argument;
    uint64_t version = 0;
    tg_snapshot_reader_register();
    while (__atomic_load_n(&is_over, __ATOMIC_RELAXED) == 0) {
        for (int i = 0; i < 16; i++) {
            const struct object *object = tg_snapshot_read(&snapshot);
            const uint64_t first = object->words[0];
            for (uint32_t w = 1; w < WORDS; w++) {
                reader->faults_count += object->words[w] != first;
            }
            reader->faults_count += first < version || first == UINT64_MAX;
            reader->changes_count += first != version;
            version = first;
            reader->reads_count++;
        }
        tg_snapshot_quiescent();
        if (reader->reads_count % 4096 == 0) {
            tg_snapshot_offline();
            tg_snapshot_online();
        }
    }
    tg_snapshot_reader_unregister();
    return NULL;
}

static void destroy(void *object, void *context)
{
    struct object *freed = object;
    memset(freed->words, 0xff, sizeof freed->words);
    freed->is_free = true;
    ++*(uint64_t *)context;
}

static struct object *take(uint64_t version)
{
    for (uint32_t i = 0; i < OBJECTS; i++) {
        if (objects[i].is_free) {
            objects[i].is_free = false;
            for (uint32_t w = 0; w < WORDS; w++) {
                objects[i].words[w] = version;
            }
            return &objects[i];
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    const uint64_t publications = argc > 1 ? strtoull(argv[1], NULL, 10) : 200000;
    uint64_t freed_count = 0;
    for (uint32_t i = 0; i < OBJECTS; i++) {
        objects[i].is_free = true;
    }
    tg_snapshot_init(&snapshot, take(1));
    struct reader readers[2] = {{0}};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        if (pthread_create(&threads[i], NULL, read_on, &readers[i]) != 0) {
            return 1;
        }
    }
    for (uint64_t version = 2; version < publications; version++) {
        struct object *next = take(version);
        if (next == NULL) {
            printf("rcu: no object came back: the grace period never ended\n");
            return 1;
        }
        tg_snapshot_publish(&snapshot, next, destroy, &freed_count);
    }
    __atomic_store_n(&is_over, 1u, __ATOMIC_RELAXED);
    for (int i = 0; i < 2; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    tg_snapshot_publish(&snapshot, NULL, destroy, &freed_count);
    (void)tg_snapshot_reclaim();
    const uint64_t faults = readers[0].faults_count + readers[1].faults_count;
    printf("rcu: %llu published, %llu freed, reads %llu and %llu (%llu and %llu versions seen), "
           "%llu faults\n",
           (unsigned long long)publications - 1, (unsigned long long)freed_count,
           (unsigned long long)readers[0].reads_count, (unsigned long long)readers[1].reads_count,
           (unsigned long long)readers[0].changes_count,
           (unsigned long long)readers[1].changes_count, (unsigned long long)faults);
    return faults != 0 || freed_count != publications - 1;
}
