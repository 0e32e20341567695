/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three threads walk segments that a fourth reads ahead of them, each its own pieces, as lanes do,
 * and one of them tells what is behind all. Every octet must be right; what is not there is read
 * from the file. Run it under TSan after a change of ledger/read_ahead.c.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ledger/format.h"
#include "ledger/read_ahead.h"

#define WALKERS       3u
#define SEGMENTS      4u
#define SEGMENT_BYTES ((size_t)24 << 20)
#define PIECE_BYTES   ((size_t)300000)

static char dir[] = "/tmp/tollgate-read-ahead-XXXXXX";
static struct tg_read_ahead *ahead;
static _Atomic uint64_t places[WALKERS]; /* octets walked, over all segments */
static _Atomic uint64_t wrong_count;
static _Atomic uint64_t taken_bytes;

static uint8_t octet(uint64_t segment, size_t at)
{
    return (uint8_t)(segment * 31 + at * 7 + (at >> 12));
}

static void segment_make(uint64_t segment)
{
    char path[512];
    uint8_t *bytes = malloc(SEGMENT_BYTES);
    for (size_t at = 0; at < SEGMENT_BYTES; at++) {
        bytes[at] = octet(segment, at);
    }
    (void)tg_format_segment_path(dir, segment, path, sizeof path);
    const int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    const bool is_written = write(fd, bytes, SEGMENT_BYTES) == (ssize_t)SEGMENT_BYTES &&
                            fdatasync(fd) == 0 && posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0;
    wrong_count += !is_written;
    (void)close(fd);
    free(bytes);
}

/* What is behind all walkers. */
static void all_pass(void)
{
    uint64_t least = atomic_load(&places[0]);
    for (uint32_t i = 1; i < WALKERS; i++) {
        const uint64_t place = atomic_load(&places[i]);
        least = place < least ? place : least;
    }
    tg_read_ahead_pass(ahead, 1 + least / SEGMENT_BYTES, least % SEGMENT_BYTES);
}

static void piece_walk(uint64_t segment, size_t from, uint8_t *bytes)
{
    const size_t left = SEGMENT_BYTES - from;
    const size_t count = left < PIECE_BYTES ? left : PIECE_BYTES;
    if (!tg_read_ahead_take(ahead, segment, from, bytes, count)) {
        return;
    }
    taken_bytes += count;
    for (size_t i = 0; i < count; i += 61) {
        wrong_count += bytes[i] != octet(segment, from + i);
    }
}

static void *walker_run(void *argument)
{
    const uint32_t walker = *(const uint32_t *)argument;
    uint8_t *bytes = malloc(PIECE_BYTES);
    uint32_t piece = 0;
    for (uint64_t segment = 1; segment <= SEGMENTS; segment++) {
        for (size_t from = 0; from < SEGMENT_BYTES; from += PIECE_BYTES, piece++) {
            if (piece % WALKERS == walker) {
                piece_walk(segment, from, bytes);
            }
            atomic_store(&places[walker], (segment - 1) * SEGMENT_BYTES + from);
            if (walker == 0) {
                all_pass();
            }
        }
    }
    atomic_store(&places[walker], SEGMENTS * SEGMENT_BYTES);
    free(bytes);
    return NULL;
}

int main(void)
{
    pthread_t threads[WALKERS];
    uint32_t numbers[WALKERS];
    char path[512];
    if (mkdtemp(dir) == NULL) {
        return 1;
    }
    for (uint64_t segment = 1; segment <= SEGMENTS; segment++) {
        segment_make(segment);
    }
    ahead = tg_read_ahead_open(dir, 1, 0);
    for (uint32_t i = 0; i < WALKERS; i++) {
        numbers[i] = i;
        wrong_count += pthread_create(&threads[i], NULL, walker_run, &numbers[i]) != 0;
    }
    for (uint32_t i = 0; i < WALKERS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    tg_read_ahead_close(ahead);
    for (uint64_t segment = 1; segment <= SEGMENTS; segment++) {
        (void)tg_format_segment_path(dir, segment, path, sizeof path);
        (void)unlink(path);
    }
    (void)rmdir(dir);
    printf("%llu of %llu octets were read ahead, %llu wrong\n",
           (unsigned long long)atomic_load(&taken_bytes),
           (unsigned long long)(SEGMENTS * SEGMENT_BYTES),
           (unsigned long long)atomic_load(&wrong_count));
    return atomic_load(&wrong_count) == 0 ? 0 : 1;
}
