/* SPDX-License-Identifier: Apache-2.0 */
/* (1) pages[0] is the octet of the file at offset_bytes rounded down to a page; what lies before
 *     offset_bytes in that page is there already, as it is in the file.
 * (2) Writing it again with the next block cannot harm it: a page that is torn between the old and
 *     the new text has the same octets in that part. */
#define _GNU_SOURCE /* O_DIRECT */
#include "ledger/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/hash.h"

/* Of the largest logical block that disks and file systems ask for. */
#define PAGE_BYTES 4096u

static uint32_t page_offset(const struct tg_segment *segment)
{
    return (uint32_t)(segment->offset_bytes % PAGE_BYTES);
}

static enum tg_err segment_why(const struct tg_segment *segment, enum tg_err err, int64_t result,
                               const char *what, struct tg_why *why)
{
    return tg_why_set(why, err, "cannot %s journal segment %" PRIu64 " in %s: %s%s", what,
                      segment->number, segment->dir, strerror((int)-result),
                      err == TG_E_NO_SPACE ? "; free space there and start again" : "");
}

static enum tg_err segment_allocate(struct tg_segment *segment, uint64_t size_bytes,
                                    struct tg_why *why)
{
    if (segment->is_sparse) {
        return TG_OK;
    }
    const int result = segment->ops->allocate(segment->ops->self, segment->fd, size_bytes);
    if (result < 0 && result != -EOPNOTSUPP && result != -EINVAL) {
        return segment_why(segment, tg_file_error(result), result, "take space for", why);
    }
    return TG_OK; /* a file system that cannot preallocate only costs time */
}

/* Opens past the page cache, or through it where the file system knows no other way. */
static enum tg_err file_open(struct tg_segment *segment, int flags, const char *what,
                             struct tg_why *why)
{
    const struct tg_file_ops *ops = segment->ops;
    char path[4096];
    if (!tg_format_segment_path(segment->dir, segment->number, path, sizeof path)) {
        return tg_why_set(why, TG_E_INVALID, "the directory name is too long");
    }
    segment->is_direct = true;
    segment->fd = ops->open(ops->self, path, flags | O_DIRECT, 0640);
    if (segment->fd == -EINVAL) { /* tmpfs before Linux 6.6, and others */
        segment->is_direct = false;
        segment->fd = ops->open(ops->self, path, flags, 0640);
    }
    if (segment->fd < 0) {
        const int result = segment->fd;
        segment->fd = -1;
        return segment_why(segment, tg_file_error(result), result, what, why);
    }
    return TG_OK;
}

/* Reads what the last page holds before the tail. */
static enum tg_err page_load(struct tg_segment *segment, struct tg_why *why)
{
    const uint32_t wanted = page_offset(segment);
    const ssize_t got = wanted == 0 ? 0
                                    : pread(segment->fd, segment->pages, PAGE_BYTES,
                                            (off_t)(segment->offset_bytes - wanted));
    if (got < (ssize_t)wanted) {
        return segment_why(segment, TG_E_IO, got < 0 ? -errno : -EIO, "read the end of", why);
    }
    return TG_OK;
}

static enum tg_err segment_resume(struct tg_segment *segment, const struct tg_journal_tail *tail,
                                  struct tg_why *why)
{
    segment->number = tail->segment;
    segment->offset_bytes = tail->offset_bytes;
    enum tg_err err = file_open(segment, O_RDWR, "open", why);
    if (err == TG_OK) {
        err = page_load(segment, why);
    }
    if (err == TG_OK && tail->offset_bytes < segment->segment_bytes) {
        err = segment_allocate(segment, segment->segment_bytes, why);
    }
    return err;
}

enum tg_err tg_segment_open(struct tg_segment *segment, const struct tg_journal_params *params,
                            const struct tg_journal_tail *tail, size_t block_bytes_max,
                            struct tg_why *why)
{
    *segment = (struct tg_segment){.ops = params->ops != NULL ? params->ops : tg_file_ops_real(),
                                   .segment_bytes = params->segment_bytes,
                                   .fd = -1,
                                   .is_sparse = params->is_sparse};
    const int length = snprintf(segment->dir, sizeof segment->dir, "%s/journal", params->dir);
    if (length < 0 || (size_t)length >= sizeof segment->dir) {
        return tg_why_set(why, TG_E_INVALID, "the directory name is too long");
    }
    segment->pages_bytes =
        (block_bytes_max + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES + (size_t)2 * PAGE_BYTES;
    segment->pages = params->is_sparse || params->is_lazy ? tg_pages_reserve(segment->pages_bytes)
                                                          : tg_pages_take(segment->pages_bytes);
    if (segment->pages == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for the journal's output");
    }
    const enum tg_err made = tg_file_make_dir(segment->dir, why);
    return made != TG_OK || tail->segment == 0 ? made : segment_resume(segment, tail, why);
}

uint8_t *tg_segment_room(const struct tg_segment *segment)
{
    return segment->pages + page_offset(segment);
}

/* Finishes a segment for good: exact length, durable. */
static enum tg_err segment_finish(struct tg_segment *segment, struct tg_why *why)
{
    const struct tg_file_ops *ops = segment->ops;
    int result = ops->truncate(ops->self, segment->fd, segment->offset_bytes);
    if (result < 0) {
        return segment_why(segment, TG_E_IO, result, "cut", why);
    }
    const enum tg_err synced = tg_segment_sync(segment, why);
    if (synced != TG_OK) {
        return synced;
    }
    result = ops->close(ops->self, segment->fd);
    segment->fd = -1;
    return result < 0 ? segment_why(segment, TG_E_IO, result, "close", why) : TG_OK;
}

/* Makes the next file. Its header is in memory only: the first block takes it along. */
static enum tg_err segment_create(struct tg_segment *segment, const struct tg_block_header *header,
                                  uint64_t committed_epoch, struct tg_why *why)
{
    const struct tg_file_ops *ops = segment->ops;
    segment->number++;
    /* O_TRUNC, not O_EXCL: recovery says this number is free, so what lies there is a torn try. */
    enum tg_err err = file_open(segment, O_RDWR | O_CREAT | O_TRUNC, "make", why);
    if (err != TG_OK) {
        return err;
    }
    struct tg_segment_header head = {.magic = TG_FORMAT_SEGMENT_MAGIC,
                                     .version = TG_FORMAT_VERSION,
                                     .segment = segment->number,
                                     .block_number = header->number,
                                     .previous_hash = header->previous_hash,
                                     .committed_epoch = committed_epoch};
    const uint64_t least = sizeof head + header->length_bytes;
    err = segment_allocate(segment, least > segment->segment_bytes ? least : segment->segment_bytes,
                           why);
    if (err != TG_OK) {
        return err;
    }
    head.crc32c = tg_crc32c(0, &head, offsetof(struct tg_segment_header, crc32c));
    memmove(segment->pages + sizeof head, tg_segment_room(segment), header->length_bytes);
    memcpy(segment->pages, &head, sizeof head);
    segment->offset_bytes = sizeof head;
    const int result = ops->sync_dir(ops->self, segment->dir);
    return result < 0 ? segment_why(segment, TG_E_NOT_DURABLE, result, "name", why) : TG_OK;
}

/* Writes the block that lies behind offset_bytes, and keeps the last page that it fills in part. */
static enum tg_err segment_write(struct tg_segment *segment, uint32_t length_bytes,
                                 struct tg_why *why)
{
    const uint32_t before = page_offset(segment);
    const bool is_first = segment->offset_bytes == sizeof(struct tg_segment_header);
    const size_t end = before + (size_t)length_bytes;
    const size_t pages_end = (end + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    const size_t from = segment->is_direct || is_first ? 0 : before;
    const size_t to = segment->is_direct ? pages_end : end;
    memset(segment->pages + end, 0, pages_end - end);
    const enum tg_err err = tg_file_write(segment->ops, segment->fd, segment->pages + from,
                                          to - from, segment->offset_bytes - before + from);
    if (err != TG_OK) {
        return segment_why(segment, err, err == TG_E_NO_SPACE ? -ENOSPC : -EIO, "write", why);
    }
    segment->offset_bytes += length_bytes;
    memmove(segment->pages, segment->pages + end - page_offset(segment), page_offset(segment));
    return TG_OK;
}

enum tg_err tg_segment_append(struct tg_segment *segment, const struct tg_block_header *header,
                              uint64_t committed_epoch, struct tg_why *why)
{
    enum tg_err err = TG_OK;
    const bool is_roll = segment->fd >= 0 &&
                         segment->offset_bytes > sizeof(struct tg_segment_header) &&
                         segment->offset_bytes + header->length_bytes > segment->segment_bytes;
    if (is_roll) {
        err = segment_finish(segment, why);
    }
    if (err == TG_OK && segment->fd < 0) {
        err = segment_create(segment, header, committed_epoch, why);
    }
    return err == TG_OK ? segment_write(segment, header->length_bytes, why) : err;
}

enum tg_err tg_segment_sync(struct tg_segment *segment, struct tg_why *why)
{
    const int result = segment->ops->fdatasync(segment->ops->self, segment->fd);
    return result < 0 ? segment_why(segment, TG_E_NOT_DURABLE, result, "sync", why) : TG_OK;
}

enum tg_err tg_segment_close(struct tg_segment *segment, bool is_clean)
{
    enum tg_err err = TG_OK;
    if (segment->fd >= 0 && is_clean) {
        err = segment_finish(segment, NULL);
    }
    if (segment->fd >= 0) {
        (void)segment->ops->close(segment->ops->self, segment->fd);
        segment->fd = -1;
    }
    tg_pages_free(segment->pages, segment->pages_bytes);
    segment->pages = NULL;
    return err;
}
