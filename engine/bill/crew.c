/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/crew.h"

#include "base/arena.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>

struct hand {
    struct tg_bill_crew *crew;
    pthread_t thread;
    uint32_t worker;
};

/* All numbers count chunks of the range: given <= taken <= given + TG_BILL_CHUNKS_AHEAD. */
struct tg_bill_crew {
    tg_bill_crew_work work;
    void *context;
    uint32_t threads_count;
    uint32_t started_count; /* Threads to join. */
    pthread_mutex_t lock;   /* Over all below. */
    pthread_cond_t changed; /* Any of it. */
    bool is_closing;
    bool is_lent;          /* The caller holds chunk `given`. */
    uint32_t account_from; /* Of the range. */
    uint32_t account_to;
    uint32_t chunks_count; /* Of the range. */
    uint32_t taken;        /* Begun by workers. */
    uint32_t given;        /* Given back by the caller. */
    bool is_made[TG_BILL_CHUNKS_AHEAD];
    struct tg_bill_chunk chunks[TG_BILL_CHUNKS_AHEAD]; /* Chunk c is in place c % AHEAD. */
    struct hand hands[TG_BILL_THREADS_MAX];
};

/* Empties the chunk's place and says which accounts it is of. */
static struct tg_bill_chunk *chunk_begin(struct tg_bill_crew *crew, uint32_t number)
{
    struct tg_bill_chunk *chunk = &crew->chunks[number % TG_BILL_CHUNKS_AHEAD];
    const uint32_t from = crew->account_from + number * TG_BILL_CHUNK_ACCOUNTS;
    const uint32_t left = crew->account_to - from;
    tg_bill_pack_reset(&chunk->pack);
    chunk->account_from = from;
    chunk->account_to = from + (left < TG_BILL_CHUNK_ACCOUNTS ? left : TG_BILL_CHUNK_ACCOUNTS);
    chunk->empty_count = 0;
    chunk->err = TG_OK;
    chunk->why.text[0] = '\0';
    return chunk;
}

static void *hand_run(void *argument)
{
    const struct hand *hand = argument;
    struct tg_bill_crew *crew = hand->crew;
    (void)pthread_mutex_lock(&crew->lock);
    while (!crew->is_closing) {
        if (crew->taken == crew->chunks_count ||
            crew->taken == crew->given + TG_BILL_CHUNKS_AHEAD) {
            (void)pthread_cond_wait(&crew->changed, &crew->lock);
            continue;
        }
        const uint32_t number = crew->taken++;
        struct tg_bill_chunk *chunk = chunk_begin(crew, number);
        (void)pthread_mutex_unlock(&crew->lock);
        crew->work(crew->context, hand->worker, chunk);
        (void)pthread_mutex_lock(&crew->lock);
        crew->is_made[number % TG_BILL_CHUNKS_AHEAD] = true;
        (void)pthread_cond_broadcast(&crew->changed);
    }
    (void)pthread_mutex_unlock(&crew->lock);
    return NULL;
}

enum tg_err tg_bill_crew_open(uint32_t threads_count, tg_bill_crew_work work, void *context,
                              struct tg_bill_crew **crew, struct tg_why *why)
{
    *crew = NULL;
    if (threads_count < 1 || threads_count > TG_BILL_THREADS_MAX) {
        return tg_why_set(why, TG_E_INVALID, "a bill run takes 1 to %u threads",
                          TG_BILL_THREADS_MAX);
    }
    struct tg_bill_crew *made = tg_pages_take(sizeof *made);
    if (made == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for a bill run");
    }
    made->work = work;
    made->context = context;
    made->threads_count = threads_count;
    (void)pthread_mutex_init(&made->lock, NULL);
    (void)pthread_cond_init(&made->changed, NULL);
    for (uint32_t i = 0; i < threads_count && threads_count > 1; i++) {
        made->hands[i] = (struct hand){.crew = made, .worker = i};
        if (pthread_create(&made->hands[i].thread, NULL, hand_run, &made->hands[i]) != 0) {
            tg_bill_crew_close(made);
            return tg_why_set(why, TG_E_NO_MEMORY, "thread %u of a bill run cannot be started", i);
        }
        made->started_count++;
    }
    *crew = made;
    return TG_OK;
}

void tg_bill_crew_close(struct tg_bill_crew *crew)
{
    if (crew == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&crew->lock);
    crew->is_closing = true;
    (void)pthread_cond_broadcast(&crew->changed);
    (void)pthread_mutex_unlock(&crew->lock);
    for (uint32_t i = 0; i < crew->started_count; i++) {
        (void)pthread_join(crew->hands[i].thread, NULL);
    }
    for (uint32_t i = 0; i < TG_BILL_CHUNKS_AHEAD; i++) {
        tg_bill_pack_free(&crew->chunks[i].pack);
    }
    (void)pthread_cond_destroy(&crew->changed);
    (void)pthread_mutex_destroy(&crew->lock);
    tg_pages_free(crew, sizeof *crew);
}

void tg_bill_crew_begin(struct tg_bill_crew *crew, uint32_t account_from, uint32_t account_to)
{
    (void)pthread_mutex_lock(&crew->lock);
    assert(crew->given == crew->chunks_count && !crew->is_lent);
    crew->account_from = account_from;
    crew->account_to = account_to;
    crew->chunks_count =
        (account_to - account_from + TG_BILL_CHUNK_ACCOUNTS - 1) / TG_BILL_CHUNK_ACCOUNTS;
    crew->taken = 0;
    crew->given = 0;
    (void)pthread_cond_broadcast(&crew->changed);
    (void)pthread_mutex_unlock(&crew->lock);
}

const struct tg_bill_chunk *tg_bill_crew_next(struct tg_bill_crew *crew)
{
    const struct tg_bill_chunk *next = NULL;
    (void)pthread_mutex_lock(&crew->lock);
    if (crew->is_lent) {
        crew->is_made[crew->given % TG_BILL_CHUNKS_AHEAD] = false;
        crew->is_lent = false;
        crew->given++;
        (void)pthread_cond_broadcast(&crew->changed);
    }
    if (crew->given < crew->chunks_count) {
        const uint32_t place = crew->given % TG_BILL_CHUNKS_AHEAD;
        if (crew->threads_count == 1) {
            crew->work(crew->context, 0, chunk_begin(crew, crew->taken++));
        } else {
            while (!crew->is_made[place]) {
                (void)pthread_cond_wait(&crew->changed, &crew->lock);
            }
        }
        crew->is_lent = true;
        next = &crew->chunks[place];
    }
    (void)pthread_mutex_unlock(&crew->lock);
    return next;
}
