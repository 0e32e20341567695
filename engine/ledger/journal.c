/* SPDX-License-Identifier: Apache-2.0 */
/* The journal's writer.
 *
 *   worker s -- pending[s] ring --> writer -- encode, pwrite -- fdatasync --> durable epoch
 *      ^                              |
 *      '---------- free[s] ring ------'
 *
 * (1) Every ring has one producer and one consumer. pending[s]: stream s -> writer; free[s]: writer
 *     (and discard, by the stream's own thread, through `spare`) -> stream s.
 * (2) The writer writes blocks of the current epoch only; blocks of later ones wait in their rings.
 * (3) An epoch becomes current + 1 when its commit block is written; it becomes durable after the
 *     next fdatasync that succeeds. Several epochs may share one.
 * (4) After an error nothing is written and `durable` never moves again; blocks still come back. */
#include "ledger/journal.h"

#include <assert.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"
#include "ledger/builder.h"
#include "ledger/recover.h"
#include "ledger/segment.h"

#define RING_SLOTS    4u /* a power of two, more than TG_JOURNAL_BLOCKS_PER_STREAM */
#define WAIT_STEP_NS  20000L
#define LEVEL_DEFAULT (-1)
#define SEGMENT_LEAST 4096u

_Static_assert(RING_SLOTS > TG_JOURNAL_BLOCKS_PER_STREAM, "a ring never fills");

struct ring {
    _Atomic uint32_t head; /* next to take; written by the consumer */
    char apart[60];
    _Atomic uint32_t tail; /* next to fill; written by the producer */
    struct tg_block *slots[RING_SLOTS];
    char apart_too[28];
};

struct stream {
    struct ring pending;
    struct ring free;
    struct tg_block *spare; /* given back by discard; the stream's thread only */
    struct tg_block *blocks[TG_JOURNAL_BLOCKS_PER_STREAM];
};

struct tg_journal {
    struct stream streams[TG_JOURNAL_STREAMS_MAX];
    uint32_t streams_count;
    bool is_inline;
    bool is_threaded; /* the writer runs */
    struct tg_codec *codec;
    struct tg_segment segment; /* from here to `hash`: the writer's own */
    uint64_t current;          /* epoch being written */
    uint64_t block_number;
    uint64_t hash;
    bool is_unsynced;
    uint64_t next_epoch; /* fixed at open */
    _Atomic uint64_t durable;
    _Atomic int error;
    _Atomic bool is_closing;
    _Atomic uint64_t counts[9]; /* in the order of struct tg_journal_counters */
    struct tg_why why;          /* written once, before `error` is released */
    sem_t wake;
    pthread_mutex_t waiting;
    pthread_cond_t changed;
    pthread_t writer;
};

enum count {
    COUNT_ROWS,
    COUNT_BLOCKS,
    COUNT_EPOCHS,
    COUNT_PLAIN,
    COUNT_STORED,
    COUNT_SYNCS,
    COUNT_SYNC_NS,
    COUNT_ENCODE_NS,
    COUNT_WAITS
};

static void journal_step(struct tg_journal *journal);
static void *journal_writer(void *context);

static void count_add(struct tg_journal *journal, enum count which, uint64_t more)
{
    atomic_fetch_add_explicit(&journal->counts[which], more, memory_order_relaxed);
}

static void ring_put(struct ring *ring, struct tg_block *block)
{
    const uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    assert(tail - atomic_load_explicit(&ring->head, memory_order_acquire) < RING_SLOTS);
    ring->slots[tail % RING_SLOTS] = block;
    /* Pairs with the acquire in ring_peek: the block's content is there before the slot shows. */
    atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
}

static struct tg_block *ring_peek(const struct ring *ring)
{
    const uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    if (head == atomic_load_explicit(&ring->tail, memory_order_acquire)) {
        return NULL;
    }
    return ring->slots[head % RING_SLOTS];
}

static struct tg_block *ring_take(struct ring *ring)
{
    struct tg_block *block = ring_peek(ring);
    if (block != NULL) {
        const uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
        /* Pairs with the acquire in ring_put: the slot may be filled again. */
        atomic_store_explicit(&ring->head, head + 1, memory_order_release);
    }
    return block;
}

static enum tg_err params_check(const struct tg_journal_params *params, struct tg_why *why)
{
    if (params->size_bytes != sizeof *params || params->dir == NULL || params->streams_count == 0 ||
        params->streams_count > TG_JOURNAL_STREAMS_MAX) {
        return tg_why_set(why, TG_E_INVALID, "a journal has 1 to %u streams",
                          TG_JOURNAL_STREAMS_MAX);
    }
    if (params->rows_per_block_max > TG_BLOCK_ROWS_MAX) {
        return tg_why_set(why, TG_E_INVALID, "a block holds at most %u rows", TG_BLOCK_ROWS_MAX);
    }
    if (params->segment_bytes != 0 && params->segment_bytes < SEGMENT_LEAST) {
        return tg_why_set(why, TG_E_INVALID, "a segment has at least %u octets", SEGMENT_LEAST);
    }
    return TG_OK;
}

static enum tg_err journal_take(struct tg_journal *journal, const struct tg_journal_params *params,
                                struct tg_why *why)
{
    const uint32_t rows_max = (params->rows_per_block_max + 31) / 32 * 32;
    const bool is_lazy = params->is_sparse || params->is_lazy;
    journal->streams_count = params->streams_count;
    for (uint32_t s = 0; s < params->streams_count; s++) {
        for (uint32_t i = 0; i < TG_JOURNAL_BLOCKS_PER_STREAM; i++) {
            struct tg_block *block = tg_builder_open(s, rows_max, is_lazy);
            if (block == NULL) {
                return tg_why_set(why, TG_E_NO_MEMORY, "no memory for journal blocks");
            }
            journal->streams[s].blocks[i] = block;
            ring_put(&journal->streams[s].free, block);
        }
    }
    return tg_codec_open(params->zstd_level, TG_SECTION_BYTES_MAX, &journal->codec, why);
}

static void journal_free(struct tg_journal *journal)
{
    for (uint32_t s = 0; s < journal->streams_count; s++) {
        for (uint32_t i = 0; i < TG_JOURNAL_BLOCKS_PER_STREAM; i++) {
            tg_builder_close(journal->streams[s].blocks[i]);
        }
    }
    tg_codec_close(journal->codec);
    (void)sem_destroy(&journal->wake);
    (void)pthread_mutex_destroy(&journal->waiting);
    (void)pthread_cond_destroy(&journal->changed);
    tg_pages_free(journal, sizeof *journal);
}

enum tg_err tg_journal_open(const struct tg_journal_params *params, struct tg_journal **journal,
                            struct tg_why *why)
{
    *journal = NULL;
    enum tg_err err = params_check(params, why);
    if (err != TG_OK) {
        return err;
    }
    struct tg_journal_params full = *params;
    full.rows_per_block_max =
        params->rows_per_block_max != 0 ? params->rows_per_block_max : TG_BLOCK_ROWS_MAX;
    full.segment_bytes =
        params->segment_bytes != 0 ? params->segment_bytes : TG_JOURNAL_SEGMENT_BYTES;
    full.zstd_level = params->zstd_level != 0 ? params->zstd_level : LEVEL_DEFAULT;
    struct tg_recovered recovered = {0};
    if (params->tail != NULL) {
        recovered.tail = *params->tail;
    } else {
        err = tg_recover(params->dir, 0, params->ops, NULL, &recovered, why);
    }
    struct tg_journal *made = err == TG_OK ? tg_pages_take(sizeof *made) : NULL;
    if (made == NULL) {
        return err != TG_OK ? err : tg_why_set(why, TG_E_NO_MEMORY, "no memory for a journal");
    }
    (void)sem_init(&made->wake, 0, 0);
    (void)pthread_mutex_init(&made->waiting, NULL);
    (void)pthread_cond_init(&made->changed, NULL);
    made->segment.fd = -1;
    made->is_inline = params->is_inline;
    made->current = recovered.tail.epoch + 1;
    made->next_epoch = made->current;
    made->block_number = recovered.tail.block_number;
    made->hash = recovered.tail.previous_hash;
    atomic_store(&made->durable, recovered.tail.epoch);
    err = journal_take(made, &full, why);
    if (err == TG_OK) {
        err = tg_segment_open(&made->segment, &full, &recovered.tail,
                              tg_builder_bound((full.rows_per_block_max + 31) / 32 * 32), why);
    }
    if (err == TG_OK && !made->is_inline) {
        made->is_threaded = pthread_create(&made->writer, NULL, journal_writer, made) == 0;
        err = made->is_threaded
                  ? TG_OK
                  : tg_why_set(why, TG_E_NO_MEMORY, "cannot start the journal writer");
    }
    if (err != TG_OK) {
        (void)tg_segment_close(&made->segment, false);
        journal_free(made);
        return err;
    }
    *journal = made;
    return TG_OK;
}

struct tg_block *tg_journal_try_begin(struct tg_journal *journal, uint32_t stream)
{
    assert(stream < journal->streams_count);
    struct stream *own = &journal->streams[stream];
    if (atomic_load_explicit(&journal->error, memory_order_acquire) != TG_OK) {
        return NULL;
    }
    struct tg_block *block = own->spare != NULL ? own->spare : ring_take(&own->free);
    own->spare = NULL;
    if (block != NULL) {
        tg_builder_reset(block);
    }
    return block;
}

struct tg_block *tg_journal_begin(struct tg_journal *journal, uint32_t stream)
{
    struct tg_block *block = tg_journal_try_begin(journal, stream);
    if (block != NULL || journal->is_inline) {
        return block;
    }
    count_add(journal, COUNT_WAITS, 1);
    while (block == NULL && atomic_load_explicit(&journal->error, memory_order_acquire) == TG_OK) {
        const struct timespec step = {.tv_nsec = WAIT_STEP_NS};
        (void)nanosleep(&step, NULL);
        block = tg_journal_try_begin(journal, stream);
    }
    return block;
}

bool tg_journal_is_behind(const struct tg_journal *journal)
{
    for (uint32_t s = 0; s < journal->streams_count; s++) {
        const struct ring *ring = &journal->streams[s].free;
        /* Relaxed: a hint. Whoever takes a builder still looks at the ring itself. */
        if (atomic_load_explicit(&ring->head, memory_order_relaxed) ==
            atomic_load_explicit(&ring->tail, memory_order_relaxed)) {
            return true;
        }
    }
    return false;
}

void tg_journal_discard(struct tg_journal *journal, struct tg_block *block)
{
    struct stream *own = &journal->streams[block->stream];
    assert(own->spare == NULL);
    own->spare = block;
}

static void journal_hand_over(struct tg_journal *journal, struct tg_block *block, uint64_t epoch,
                              bool is_commit)
{
    block->epoch = epoch;
    block->is_commit = is_commit;
    tg_builder_finish(block);
    ring_put(&journal->streams[block->stream].pending, block);
    if (journal->is_inline) {
        journal_step(journal);
    } else {
        (void)sem_post(&journal->wake);
    }
}

void tg_journal_submit(struct tg_journal *journal, struct tg_block *block, uint64_t epoch)
{
    journal_hand_over(journal, block, epoch, block->stream == 0);
}

void tg_journal_submit_part(struct tg_journal *journal, struct tg_block *block, uint64_t epoch)
{
    assert(block->stream == 0);
    journal_hand_over(journal, block, epoch, false);
}

uint64_t tg_journal_durable_epoch(const struct tg_journal *journal)
{
    /* Pairs with the release in journal_sync: the epoch's bytes are on the disk before this shows.
     */
    return atomic_load_explicit(&journal->durable, memory_order_acquire);
}

uint64_t tg_journal_next_epoch(const struct tg_journal *journal)
{
    return journal->next_epoch;
}

enum tg_err tg_journal_wait(struct tg_journal *journal, uint64_t epoch)
{
    (void)pthread_mutex_lock(&journal->waiting);
    while (tg_journal_durable_epoch(journal) < epoch &&
           atomic_load_explicit(&journal->error, memory_order_acquire) == TG_OK &&
           !journal->is_inline) {
        (void)pthread_cond_wait(&journal->changed, &journal->waiting);
    }
    (void)pthread_mutex_unlock(&journal->waiting);
    if (tg_journal_durable_epoch(journal) >= epoch) {
        return TG_OK;
    }
    const enum tg_err err = tg_journal_error(journal, NULL);
    return err != TG_OK ? err : TG_E_STATE;
}

enum tg_err tg_journal_error(const struct tg_journal *journal, struct tg_why *why)
{
    /* Pairs with the release in journal_fail: `why` is whole before the error shows. */
    const enum tg_err err =
        (enum tg_err)atomic_load_explicit(&journal->error, memory_order_acquire);
    if (err != TG_OK && why != NULL) {
        *why = journal->why;
    }
    return err;
}

void tg_journal_counters(const struct tg_journal *journal, struct tg_journal_counters *counters)
{
    uint64_t now[9];
    for (unsigned i = 0; i < 9; i++) {
        now[i] = atomic_load_explicit(&journal->counts[i], memory_order_relaxed);
    }
    *counters = (struct tg_journal_counters){.rows_count = now[COUNT_ROWS],
                                             .blocks_count = now[COUNT_BLOCKS],
                                             .epochs_count = now[COUNT_EPOCHS],
                                             .plain_bytes = now[COUNT_PLAIN],
                                             .stored_bytes = now[COUNT_STORED],
                                             .syncs_count = now[COUNT_SYNCS],
                                             .sync_ns = now[COUNT_SYNC_NS],
                                             .encode_ns = now[COUNT_ENCODE_NS],
                                             .waits_count = now[COUNT_WAITS]};
}

enum tg_err tg_journal_close(struct tg_journal *journal)
{
    if (journal == NULL) {
        return TG_OK;
    }
    if (journal->is_threaded) {
        atomic_store_explicit(&journal->is_closing, true, memory_order_release);
        (void)sem_post(&journal->wake);
        (void)pthread_join(journal->writer, NULL);
    }
    enum tg_err err = tg_journal_error(journal, NULL);
    /* Blocks of an epoch that was never committed must not look like whole ones behind a cut. */
    const enum tg_err closed = tg_segment_close(&journal->segment, err == TG_OK);
    err = err != TG_OK ? err : closed;
    journal_free(journal);
    return err;
}

static void journal_fail(struct tg_journal *journal, enum tg_err err, const struct tg_why *why)
{
    if (atomic_load_explicit(&journal->error, memory_order_relaxed) == TG_OK) {
        journal->why = *why;
        atomic_store_explicit(&journal->error, err, memory_order_release);
    }
}

static void journal_wake(struct tg_journal *journal)
{
    (void)pthread_mutex_lock(&journal->waiting);
    (void)pthread_cond_broadcast(&journal->changed);
    (void)pthread_mutex_unlock(&journal->waiting);
}

/* Encodes and writes one block; on failure the journal has failed. */
static void journal_write(struct tg_journal *journal, const struct tg_block *block)
{
    struct tg_why why = {.text = ""};
    struct tg_block_header header;
    if (atomic_load_explicit(&journal->error, memory_order_relaxed) != TG_OK) {
        return;
    }
    const int64_t from_ns = tg_clock_thread_cpu_ns();
    const size_t length =
        tg_builder_encode(block, journal->codec, journal->block_number + 1,
                          atomic_load_explicit(&journal->durable, memory_order_relaxed),
                          journal->hash, tg_segment_room(&journal->segment), &header);
    assert(length == header.length_bytes);
    count_add(journal, COUNT_ENCODE_NS, (uint64_t)(tg_clock_thread_cpu_ns() - from_ns));
    const enum tg_err err =
        tg_segment_append(&journal->segment, &header, journal->current - 1, &why);
    if (err != TG_OK) {
        journal_fail(journal, err, &why);
        return;
    }
    journal->block_number++;
    journal->hash = tg_format_hash(&header);
    count_add(journal, COUNT_BLOCKS, 1);
    count_add(journal, COUNT_ROWS, header.rows_count);
    count_add(journal, COUNT_PLAIN, tg_block_bytes(block));
    count_add(journal, COUNT_STORED, length);
}

/* Takes the stream's next block when it is of the current epoch. */
static struct tg_block *stream_next(struct tg_journal *journal, uint32_t stream)
{
    struct ring *pending = &journal->streams[stream].pending;
    const struct tg_block *block = ring_peek(pending);
    if (block == NULL) {
        return NULL;
    }
    if (block->epoch < journal->current) {
        struct tg_why why;
        (void)tg_why_set(&why, TG_E_STATE, "stream %u submitted epoch %llu after its commit",
                         stream, (unsigned long long)block->epoch);
        journal_fail(journal, TG_E_STATE, &why);
    }
    const bool is_failed = atomic_load_explicit(&journal->error, memory_order_relaxed) != TG_OK;
    return is_failed || block->epoch == journal->current ? ring_take(pending) : NULL;
}

static bool workers_write(struct tg_journal *journal)
{
    bool is_busy = false;
    for (uint32_t s = 1; s < journal->streams_count; s++) {
        for (struct tg_block *block = stream_next(journal, s); block != NULL;
             block = stream_next(journal, s)) {
            journal_write(journal, block);
            ring_put(&journal->streams[s].free, block);
            is_busy = true;
        }
    }
    return is_busy;
}

static void journal_sync(struct tg_journal *journal)
{
    struct tg_why why = {.text = ""};
    if (!journal->is_unsynced) {
        return;
    }
    journal->is_unsynced = false;
    const uint64_t before = atomic_load_explicit(&journal->durable, memory_order_relaxed);
    const uint64_t now = journal->current - 1;
    enum tg_err err = (enum tg_err)atomic_load_explicit(&journal->error, memory_order_relaxed);
    if (err == TG_OK) {
        const int64_t from_ns = tg_clock_monotonic_ns();
        err = tg_segment_sync(&journal->segment, &why);
        count_add(journal, COUNT_SYNC_NS, (uint64_t)(tg_clock_monotonic_ns() - from_ns));
        count_add(journal, COUNT_SYNCS, 1);
        if (err != TG_OK) {
            journal_fail(journal, err, &why);
        } else {
            atomic_store_explicit(&journal->durable, now, memory_order_release);
            count_add(journal, COUNT_EPOCHS, now - before);
        }
    }
    journal_wake(journal);
}

/* Writes all that may be written now, then syncs once. */
static void journal_step(struct tg_journal *journal)
{
    bool is_busy = true;
    while (is_busy) {
        is_busy = workers_write(journal);
        struct tg_block *block = stream_next(journal, 0);
        if (block == NULL) {
            continue;
        }
        /* The commit was submitted after the workers' blocks, so they are all visible by now. */
        if (block->is_commit) {
            (void)workers_write(journal);
        }
        journal_write(journal, block);
        if (block->is_commit &&
            atomic_load_explicit(&journal->error, memory_order_relaxed) == TG_OK) {
            journal->current++;
            journal->is_unsynced = true;
        }
        ring_put(&journal->streams[0].free, block);
        is_busy = true;
    }
    journal_sync(journal);
    if (atomic_load_explicit(&journal->error, memory_order_relaxed) != TG_OK) {
        journal_wake(journal);
    }
}

static void *journal_writer(void *context)
{
    struct tg_journal *journal = context;
    bool is_closing = false;
    while (!is_closing) {
        while (sem_wait(&journal->wake) != 0) {
        }
        /* Pairs with the release in close: what was submitted before it is seen by the step. */
        is_closing = atomic_load_explicit(&journal->is_closing, memory_order_acquire);
        journal_step(journal);
    }
    return NULL;
}
