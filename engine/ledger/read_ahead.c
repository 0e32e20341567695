/* SPDX-License-Identifier: Apache-2.0 */
/* A ring of chunks. (1) Chunks are in the order of the journal; chunk n lies in slot n modulo their
 * count. (2) Slots from passed_count on, below read_count, are readable; the slot of read_count is
 * the thread's alone. (3) Who copies holds the slot by its users_count, not by the lock. */
#define _GNU_SOURCE /* O_DIRECT, mincore */
#include "ledger/read_ahead.h"

#include "base/arena.h"
#include "ledger/format.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE_BYTES 4096u

/* Octets of a segment. */
struct place {
    uint64_t segment;
    uint64_t offset_bytes;
};

struct chunk {
    struct place from;
    size_t length_bytes;
    uint32_t users_count;
};

struct tg_read_ahead {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    bool is_started;
    bool is_closing;
    bool is_ended;         /* nothing more is read */
    struct place reads;    /* what is read now, or next; all before it was read or left out */
    uint64_t read_count;   /* chunks */
    uint64_t passed_count; /* chunks */
    struct chunk chunks[TG_READ_AHEAD_CHUNKS];
    uint8_t *bytes; /* shape [TG_READ_AHEAD_CHUNKS][TG_READ_AHEAD_CHUNK_BYTES] */
    int fd;         /* the thread's; -1 none */
    char dir[4000];
};

static bool is_before(struct place a, struct place b)
{
    return a.segment != b.segment ? a.segment < b.segment : a.offset_bytes < b.offset_bytes;
}

/* ---- the thread ------------------------------------------------------------------------------ */

/* Is half of a file in the page cache? When that cannot be told: yes, and nothing is read ahead. */
static bool is_cached(int fd, size_t size_bytes)
{
    const size_t pages = (size_bytes + PAGE_BYTES - 1) / PAGE_BYTES;
    uint8_t *present = malloc(pages);
    void *map = mmap(NULL, size_bytes, PROT_READ, MAP_SHARED, fd, 0);
    size_t count = 0;
    bool is_told = present != NULL && map != MAP_FAILED && mincore(map, size_bytes, present) == 0;
    for (size_t i = 0; is_told && i < pages; i++) {
        count += present[i] & 1u;
    }
    if (map != MAP_FAILED) {
        (void)munmap(map, size_bytes);
    }
    free(present);
    return !is_told || count > pages / 2;
}

/* Opens the segment that is read next. *is_left: its walkers read it themselves.
 * Returns false when there is none. */
static bool segment_open(struct tg_read_ahead *ahead, uint64_t segment, bool *is_left)
{
    char path[4096];
    struct stat status;
    if (!tg_format_segment_path(ahead->dir, segment, path, sizeof path)) {
        return false;
    }
    ahead->fd = open(path, O_RDONLY | O_CLOEXEC | O_DIRECT);
    if (ahead->fd < 0) { /* also a file system without O_DIRECT */
        return false;
    }
    *is_left = fstat(ahead->fd, &status) != 0 || status.st_size == 0 ||
               is_cached(ahead->fd, (size_t)status.st_size);
    return true;
}

static void segment_close(struct tg_read_ahead *ahead)
{
    if (ahead->fd >= 0) {
        (void)close(ahead->fd);
        ahead->fd = -1;
    }
}

/* One read of the disk. Returns octets; 0 at the end of the file or when it cannot be read. */
static size_t chunk_read(struct tg_read_ahead *ahead, struct place from, uint8_t *to)
{
    const ssize_t got = pread(ahead->fd, to, TG_READ_AHEAD_CHUNK_BYTES, (off_t)from.offset_bytes);
    return got > 0 ? (size_t)got : 0;
}

/* Waits for a slot. The lock is held. Returns false when it is over. */
static bool slot_wait(struct tg_read_ahead *ahead)
{
    const struct chunk *chunk = &ahead->chunks[ahead->read_count % TG_READ_AHEAD_CHUNKS];
    while (!ahead->is_closing && (ahead->read_count - ahead->passed_count == TG_READ_AHEAD_CHUNKS ||
                                  chunk->users_count > 0)) {
        (void)pthread_cond_wait(&ahead->changed, &ahead->lock);
    }
    return !ahead->is_closing;
}

/* What was read is there for all, and reading goes on at `next`. The lock is held. */
static void chunk_show(struct tg_read_ahead *ahead, size_t length_bytes, struct place next)
{
    if (length_bytes > 0) {
        ahead->chunks[ahead->read_count % TG_READ_AHEAD_CHUNKS] =
            (struct chunk){ahead->reads, length_bytes, 0};
        ahead->read_count++;
    }
    ahead->reads = next;
    (void)pthread_cond_broadcast(&ahead->changed);
}

/* Reads the chunk at `reads`, or passes to the next segment. The lock is not held.
 * Returns false when there is none. */
static bool chunk_step(struct tg_read_ahead *ahead, uint8_t *to)
{
    struct place next = ahead->reads;
    size_t length_bytes = 0;
    bool is_left = false;
    if (ahead->fd < 0 && !segment_open(ahead, next.segment, &is_left)) {
        return false;
    }
    if (!is_left) {
        length_bytes = chunk_read(ahead, next, to);
    }
    next.offset_bytes += length_bytes;
    /* A short read ends at the end of the file, or before what cannot be read. */
    if (length_bytes < TG_READ_AHEAD_CHUNK_BYTES) {
        segment_close(ahead);
        next = (struct place){next.segment + 1, 0};
    }
    (void)pthread_mutex_lock(&ahead->lock);
    chunk_show(ahead, length_bytes, next);
    (void)pthread_mutex_unlock(&ahead->lock);
    return true;
}

static void *ahead_run(void *argument)
{
    struct tg_read_ahead *ahead = argument;
    bool goes_on = true;
    while (goes_on) {
        (void)pthread_mutex_lock(&ahead->lock);
        goes_on = slot_wait(ahead);
        const uint64_t slot = ahead->read_count % TG_READ_AHEAD_CHUNKS;
        (void)pthread_mutex_unlock(&ahead->lock);
        goes_on = goes_on && chunk_step(ahead, ahead->bytes + slot * TG_READ_AHEAD_CHUNK_BYTES);
    }
    segment_close(ahead);
    (void)pthread_mutex_lock(&ahead->lock);
    ahead->is_ended = true;
    (void)pthread_cond_broadcast(&ahead->changed);
    (void)pthread_mutex_unlock(&ahead->lock);
    return NULL;
}

/* ---- everybody else -------------------------------------------------------------------------- */

struct tg_read_ahead *tg_read_ahead_open(const char *journal_dir, uint64_t segment,
                                         uint64_t offset_bytes)
{
    struct tg_read_ahead *ahead = calloc(1, sizeof *ahead);
    if (ahead == NULL) {
        return NULL;
    }
    (void)pthread_mutex_init(&ahead->lock, NULL);
    (void)pthread_cond_init(&ahead->changed, NULL);
    ahead->fd = -1;
    ahead->reads = (struct place){segment, offset_bytes - offset_bytes % PAGE_BYTES};
    ahead->bytes = tg_pages_take(TG_READ_AHEAD_BYTES);
    const int length = snprintf(ahead->dir, sizeof ahead->dir, "%s", journal_dir);
    ahead->is_started = length >= 0 && (size_t)length < sizeof ahead->dir && ahead->bytes != NULL &&
                        pthread_create(&ahead->thread, NULL, ahead_run, ahead) == 0;
    if (!ahead->is_started) {
        tg_read_ahead_close(ahead);
        return NULL;
    }
    return ahead;
}

void tg_read_ahead_close(struct tg_read_ahead *ahead)
{
    if (ahead == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&ahead->lock);
    ahead->is_closing = true;
    (void)pthread_cond_broadcast(&ahead->changed);
    (void)pthread_mutex_unlock(&ahead->lock);
    if (ahead->is_started) {
        (void)pthread_join(ahead->thread, NULL);
    }
    (void)pthread_cond_destroy(&ahead->changed);
    (void)pthread_mutex_destroy(&ahead->lock);
    tg_pages_free(ahead->bytes, TG_READ_AHEAD_BYTES);
    free(ahead);
}

/* The slot with an octet, or NULL. The lock is held. */
static struct chunk *chunk_find(struct tg_read_ahead *ahead, struct place at)
{
    for (uint64_t i = ahead->passed_count; i < ahead->read_count; i++) {
        struct chunk *chunk = &ahead->chunks[i % TG_READ_AHEAD_CHUNKS];
        if (chunk->from.segment == at.segment && chunk->from.offset_bytes <= at.offset_bytes &&
            at.offset_bytes - chunk->from.offset_bytes < chunk->length_bytes) {
            return chunk;
        }
    }
    return NULL;
}

/* The same, waiting while the thread is on its way there. */
static struct chunk *chunk_wait(struct tg_read_ahead *ahead, struct place at)
{
    for (;;) {
        struct chunk *chunk = chunk_find(ahead, at);
        const bool is_full = ahead->read_count - ahead->passed_count == TG_READ_AHEAD_CHUNKS;
        if (chunk != NULL || is_full || ahead->is_ended || is_before(at, ahead->reads)) {
            return chunk;
        }
        (void)pthread_cond_wait(&ahead->changed, &ahead->lock);
    }
}

bool tg_read_ahead_take(struct tg_read_ahead *ahead, uint64_t segment, uint64_t offset_bytes,
                        void *bytes, size_t length_bytes)
{
    uint8_t *to = bytes;
    struct place at = {segment, offset_bytes};
    bool is_here = ahead != NULL;
    while (is_here && length_bytes > 0) {
        (void)pthread_mutex_lock(&ahead->lock);
        struct chunk *chunk = chunk_wait(ahead, at);
        is_here = chunk != NULL;
        if (is_here) {
            chunk->users_count++;
        }
        (void)pthread_mutex_unlock(&ahead->lock);
        if (!is_here) {
            break;
        }
        const size_t within = (size_t)(at.offset_bytes - chunk->from.offset_bytes);
        const size_t there = chunk->length_bytes - within;
        const size_t count = there < length_bytes ? there : length_bytes;
        const size_t slot = (size_t)(chunk - ahead->chunks);
        memcpy(to, ahead->bytes + slot * TG_READ_AHEAD_CHUNK_BYTES + within, count);
        to += count;
        length_bytes -= count;
        at.offset_bytes += count;
        (void)pthread_mutex_lock(&ahead->lock);
        chunk->users_count--;
        (void)pthread_cond_broadcast(&ahead->changed);
        (void)pthread_mutex_unlock(&ahead->lock);
    }
    return is_here;
}

void tg_read_ahead_pass(struct tg_read_ahead *ahead, uint64_t segment, uint64_t offset_bytes)
{
    const struct place at = {segment, offset_bytes};
    if (ahead == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&ahead->lock);
    const uint64_t passed_before = ahead->passed_count;
    while (ahead->passed_count < ahead->read_count) {
        const struct chunk *chunk = &ahead->chunks[ahead->passed_count % TG_READ_AHEAD_CHUNKS];
        const struct place end = {chunk->from.segment,
                                  chunk->from.offset_bytes + chunk->length_bytes};
        if (is_before(at, end)) {
            break;
        }
        ahead->passed_count++;
    }
    if (ahead->passed_count != passed_before) {
        (void)pthread_cond_broadcast(&ahead->changed);
    }
    (void)pthread_mutex_unlock(&ahead->lock);
}
