/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* O_DIRECT */
#include "ledger/read_ahead.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal_help.h"
#include "ledger/format.h"

#define MIB ((size_t)1 << 20)

static uint8_t *made(size_t length_bytes, uint64_t seed)
{
    uint8_t *bytes = malloc(length_bytes + sizeof(uint64_t));
    for (size_t at = 0; at < length_bytes; at += sizeof(uint64_t)) {
        const uint64_t word = help_random(&seed);
        memcpy(bytes + at, &word, sizeof word);
    }
    return bytes;
}

/* A segment that is in the page cache, or not at all. Returns false where files cannot be read past
 * it. */
static bool segment_write(const char *dir, uint64_t segment, const uint8_t *bytes,
                          size_t length_bytes, bool is_cached)
{
    char path[512];
    cr_assert(tg_format_segment_path(dir, segment, path, sizeof path));
    help_file_write(path, bytes, length_bytes);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    cr_assert_eq(fdatasync(fd), 0);
    if (!is_cached) {
        cr_assert_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
    }
    (void)close(fd);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_DIRECT);
    if (fd < 0) {
        cr_log_warn("skipped: %s cannot be read past the page cache", dir);
        return false;
    }
    (void)close(fd);
    return true;
}

static bool is_taken(struct tg_read_ahead *ahead, uint64_t segment, const uint8_t *bytes,
                     size_t from_bytes, size_t length_bytes)
{
    uint8_t *got = malloc(length_bytes + 1);
    const bool is_here = tg_read_ahead_take(ahead, segment, from_bytes, got, length_bytes);
    if (is_here) {
        cr_expect_eq(memcmp(got, bytes + from_bytes, length_bytes), 0, "segment %zu from %zu",
                     (size_t)segment, from_bytes);
    }
    free(got);
    return is_here;
}

Test(read_ahead, gives_what_the_files_hold)
{
    const size_t lengths[] = {5 * MIB + 123, 4096, 100, 2 * MIB};
    uint8_t *bytes[4];
    char dir[256];
    bool is_direct = true;
    help_dir_make(dir);
    for (uint64_t s = 0; s < 4; s++) {
        bytes[s] = made(lengths[s], s + 1);
        is_direct = segment_write(dir, s + 1, bytes[s], lengths[s], false) && is_direct;
    }
    struct tg_read_ahead *ahead = tg_read_ahead_open(dir, 1, 4096 + 200);
    cr_assert_not_null(ahead);
    if (is_direct) {
        cr_expect(is_taken(ahead, 1, bytes[0], 4096 + 200, 64));
        cr_expect_not(is_taken(ahead, 1, bytes[0], 4095, 1), "before the place where it begins");
        cr_expect(is_taken(ahead, 1, bytes[0], 2 * MIB, 3 * MIB), "over chunks");
        cr_expect(is_taken(ahead, 4, bytes[3], 2 * MIB - 1, 1), "segments further");
        cr_expect(is_taken(ahead, 1, bytes[0], 5 * MIB, 123), "and back");
        cr_expect(is_taken(ahead, 2, bytes[1], 0, 4096));
        cr_expect(is_taken(ahead, 3, bytes[2], 1, 99));
        cr_expect_not(is_taken(ahead, 3, bytes[2], 1, 100), "one octet behind its end");
        tg_read_ahead_pass(ahead, 2, 0);
        cr_expect_not(is_taken(ahead, 1, bytes[0], 4 * MIB, 10), "passed");
        cr_expect(is_taken(ahead, 2, bytes[1], 0, 1), "not passed");
        cr_expect_not(is_taken(ahead, 5, bytes[0], 0, 1), "no such segment");
    }
    tg_read_ahead_close(ahead);
    for (uint64_t s = 0; s < 4; s++) {
        free(bytes[s]);
    }
    help_dir_remove(dir);
}

/* Who walks further ahead than there is room reads the file; nobody waits for ever. */
Test(read_ahead, does_not_wait_without_room, .timeout = 60)
{
    const size_t length_bytes = TG_READ_AHEAD_BYTES + 8 * MIB;
    uint8_t *bytes = made(length_bytes, 9);
    char dir[256];
    help_dir_make(dir);
    const bool is_direct = segment_write(dir, 1, bytes, length_bytes, false);
    struct tg_read_ahead *ahead = tg_read_ahead_open(dir, 1, 0);
    cr_assert_not_null(ahead);
    cr_expect_not(is_taken(ahead, 1, bytes, length_bytes - 1, 1));
    if (is_direct) {
        for (size_t at = 0; at < length_bytes; at += MIB / 2) {
            tg_read_ahead_pass(ahead, 1, at);
            cr_expect(is_taken(ahead, 1, bytes, at, MIB / 2));
        }
    }
    tg_read_ahead_close(ahead);
    free(bytes);
    help_dir_remove(dir);
}

Test(read_ahead, leaves_what_is_in_the_page_cache)
{
    uint8_t *bytes[2] = {made(MIB, 1), made(MIB, 2)};
    char dir[256];
    help_dir_make(dir);
    (void)segment_write(dir, 1, bytes[0], MIB, true);
    const bool is_direct = segment_write(dir, 2, bytes[1], MIB, false);
    struct tg_read_ahead *ahead = tg_read_ahead_open(dir, 1, 0);
    cr_assert_not_null(ahead);
    cr_expect_not(is_taken(ahead, 1, bytes[0], 0, 64));
    cr_expect(!is_direct || is_taken(ahead, 2, bytes[1], 0, MIB));
    tg_read_ahead_close(ahead);
    cr_expect_not(tg_read_ahead_take(NULL, 1, 0, bytes[0], 1));
    free(bytes[0]);
    free(bytes[1]);
    help_dir_remove(dir);
}
