/* SPDX-License-Identifier: Apache-2.0 */
/* If this failed, a reader would see half a session: the holder of one with the times of another,
 * and charge a stranger. One writer gives addresses from customer to customer as fast as it can;
 * readers ask at times whose answer they can work out, and check that it is one of those that were
 * true while they asked. Arguments: seconds (default 3), readers (default 2). */
#include "mediate/session.h"

#include "base/clock.h"
#include "base/hash.h"
#include "record/charge.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define ADDRESSES_COUNT 256u
#define ROUND_NS        INT64_C(100000000000)
#define BATCH           64u

/* Round r of address a: held by customer r * 256 + a from r to r + 1 rounds, told by a start and,
 * in every other round, a stop. */
struct world {
    struct tg_sessions *sessions;
    _Atomic uint64_t rounds[ADDRESSES_COUNT]; /* rounds begun; written before the table is */
    _Atomic bool is_over;
};

struct reader {
    struct world *world;
    uint64_t seed;
    uint64_t answers_count;
    uint64_t unknown_count;
    uint64_t wrong_count;
    pthread_t thread;
};

static uint32_t customer_of(uint64_t round, uint32_t address)
{
    return (uint32_t)(round * ADDRESSES_COUNT + address);
}

static void tell(struct world *world, uint8_t kind, uint64_t round, uint32_t address)
{
    const int64_t start_ns = (int64_t)(round + 1) * ROUND_NS;
    const struct tg_session event = {.address_key = 1 + address * UINT64_C(0x01000193),
                                     .session_key = tg_mix64(round * ADDRESSES_COUNT + address + 1),
                                     .start_ns = start_ns,
                                     .end_ns =
                                         kind == TG_SESSION_STOP ? start_ns + ROUND_NS : INT64_MAX,
                                     .key_kinds = tg_key_kinds(TG_KEY_NAME, TG_KEY_IP4),
                                     .event = kind};
    if (tg_sessions_apply(world->sessions, &event, customer_of(round, address)) != TG_OK) {
        (void)fprintf(stderr, "session: the table is full\n");
        exit(1);
    }
}

static void *write_run(void *argument)
{
    struct world *world = argument;
    for (uint64_t round = 0; !atomic_load(&world->is_over); round++) {
        for (uint32_t address = 0; address < ADDRESSES_COUNT; address++) {
            if (round > 0 && round % 2 == 0) {
                tell(world, TG_SESSION_STOP, round - 1, address);
            }
            /* First the bound, then the table: a reader may see a round only after it is counted.
             */
            atomic_store(&world->rounds[address], round + 1);
            tell(world, TG_SESSION_START, round, address);
        }
    }
    return NULL;
}

/* The answer for the middle of a round is its customer, or nobody when the round is forgotten (more
 * than two newer ones) or not yet told. */
static void check(struct reader *reader, const struct tg_session_query *query, uint32_t address,
                  uint64_t before, uint64_t after)
{
    const uint64_t round = (uint64_t)(query->at_ns / ROUND_NS) - 1;
    reader->answers_count++;
    if (query->subscriber == TG_SUBSCRIBER_NONE) {
        const bool is_forgotten = round + 2 < after;
        const bool is_untold = round + 1 >= before;
        reader->unknown_count++;
        reader->wrong_count += is_forgotten || is_untold ? 0 : 1;
        return;
    }
    /* A session without a stop goes on until the next start: while a round is not told, one of the
     * two before it answers. */
    const bool is_holder = query->subscriber == customer_of(round, address);
    const bool is_going_on =
        (round + 1 >= before && round >= 1 &&
         query->subscriber == customer_of(round - 1, address)) ||
        (round >= before && round >= 2 && query->subscriber == customer_of(round - 2, address));
    reader->wrong_count += is_holder || is_going_on ? 0 : 1;
}

static void *read_run(void *argument)
{
    struct reader *reader = argument;
    struct world *world = reader->world;
    struct tg_session_query queries[BATCH];
    uint64_t before[BATCH];
    uint32_t addresses[BATCH];
    while (!atomic_load(&world->is_over)) {
        for (uint32_t i = 0; i < BATCH; i++) {
            reader->seed = reader->seed * 6364136223846793005u + 1442695040888963407u;
            addresses[i] = (uint32_t)(reader->seed >> 40) % ADDRESSES_COUNT;
            before[i] = atomic_load(&world->rounds[addresses[i]]);
            const uint64_t back = reader->seed >> 62;
            const uint64_t round = before[i] > back ? before[i] - back : 0;
            queries[i] =
                (struct tg_session_query){.address_key = 1 + addresses[i] * UINT64_C(0x01000193),
                                          .at_ns = (int64_t)(round + 1) * ROUND_NS + ROUND_NS / 2,
                                          .kind = TG_KEY_IP4};
        }
        tg_sessions_find(world->sessions, queries, BATCH);
        for (uint32_t i = 0; i < BATCH; i++) {
            const uint64_t after = atomic_load(&world->rounds[addresses[i]]);
            check(reader, &queries[i], addresses[i], before[i], after);
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    const int64_t seconds = argc > 1 ? strtol(argv[1], NULL, 10) : 3;
    const long readers_count = argc > 2 ? strtol(argv[2], NULL, 10) : 2;
    static struct world world;
    static struct reader readers[16];
    uint64_t answers_count = 0;
    uint64_t unknown_count = 0;
    uint64_t wrong_count = 0;
    uint64_t rounds_count = 0;
    pthread_t writer;
    if (readers_count < 1 || readers_count > 16) {
        return 2;
    }
    world.sessions = tg_sessions_create(ADDRESSES_COUNT);
    for (long i = 0; i < readers_count; i++) {
        readers[i] = (struct reader){.world = &world, .seed = (uint64_t)i + 1};
        (void)pthread_create(&readers[i].thread, NULL, read_run, &readers[i]);
    }
    (void)pthread_create(&writer, NULL, write_run, &world);
    const int64_t until_ns = tg_clock_monotonic_ns() + seconds * TG_NS_PER_S;
    while (tg_clock_monotonic_ns() < until_ns) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    atomic_store(&world.is_over, true);
    (void)pthread_join(writer, NULL);
    for (long i = 0; i < readers_count; i++) {
        (void)pthread_join(readers[i].thread, NULL);
        answers_count += readers[i].answers_count;
        unknown_count += readers[i].unknown_count;
        wrong_count += readers[i].wrong_count;
    }
    rounds_count = world.rounds[0];
    (void)printf("session: %llu answers (%llu unknown), %llu rounds of %u addresses, %llu wrong\n",
                 (unsigned long long)answers_count, (unsigned long long)unknown_count,
                 (unsigned long long)rounds_count, ADDRESSES_COUNT,
                 (unsigned long long)wrong_count);
    tg_sessions_free(world.sessions);
    return wrong_count == 0 && rounds_count > 100 && answers_count - unknown_count > 1000 ? 0 : 1;
}
