/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"

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

enum tg_err tg_segment_open(struct tg_segment *segment, const struct tg_journal_params *params,
                            const struct tg_journal_tail *tail, struct tg_why *why)
{
    *segment = (struct tg_segment){.ops = params->ops != NULL ? params->ops : tg_file_ops_real(),
                                   .segment_bytes = params->segment_bytes,
                                   .number = tail->segment,
                                   .offset_bytes = tail->offset_bytes,
                                   .fd = -1,
                                   .is_sparse = params->is_sparse};
    const int length = snprintf(segment->dir, sizeof segment->dir, "%s/journal", params->dir);
    if (length < 0 || (size_t)length >= sizeof segment->dir) {
        return tg_why_set(why, TG_E_INVALID, "the directory name is too long");
    }
    const enum tg_err made = tg_file_make_dir(segment->dir, why);
    if (made != TG_OK || tail->segment == 0) {
        return made;
    }
    char path[4096];
    if (!tg_format_segment_path(segment->dir, segment->number, path, sizeof path)) {
        return tg_why_set(why, TG_E_INVALID, "the directory name is too long");
    }
    segment->fd = segment->ops->open(segment->ops->self, path, O_RDWR, 0640);
    if (segment->fd < 0) {
        const int result = segment->fd;
        segment->fd = -1;
        return segment_why(segment, TG_E_IO, result, "open", why);
    }
    if (tail->offset_bytes < segment->segment_bytes) {
        return segment_allocate(segment, segment->segment_bytes, why);
    }
    return TG_OK;
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

static enum tg_err segment_create(struct tg_segment *segment, const struct tg_block_header *header,
                                  uint64_t committed_epoch, struct tg_why *why)
{
    const struct tg_file_ops *ops = segment->ops;
    char path[4096];
    segment->number++;
    if (!tg_format_segment_path(segment->dir, segment->number, path, sizeof path)) {
        return tg_why_set(why, TG_E_INVALID, "the directory name is too long");
    }
    /* O_TRUNC, not O_EXCL: recovery says this number is free, so what lies there is a torn try. */
    segment->fd = ops->open(ops->self, path, O_RDWR | O_CREAT | O_TRUNC, 0640);
    if (segment->fd < 0) {
        const int result = segment->fd;
        segment->fd = -1;
        return segment_why(segment, tg_file_error(result), result, "make", why);
    }
    const uint64_t least = sizeof(struct tg_segment_header) + header->length_bytes;
    enum tg_err err = segment_allocate(
        segment, least > segment->segment_bytes ? least : segment->segment_bytes, why);
    if (err != TG_OK) {
        return err;
    }
    struct tg_segment_header head = {.magic = TG_FORMAT_SEGMENT_MAGIC,
                                     .version = TG_FORMAT_VERSION,
                                     .segment = segment->number,
                                     .block_number = header->number,
                                     .previous_hash = header->previous_hash,
                                     .committed_epoch = committed_epoch};
    head.crc32c = tg_crc32c(0, &head, offsetof(struct tg_segment_header, crc32c));
    err = tg_file_write(ops, segment->fd, &head, sizeof head, 0);
    if (err != TG_OK) {
        return segment_why(segment, err, err == TG_E_NO_SPACE ? -ENOSPC : -EIO, "write", why);
    }
    segment->offset_bytes = sizeof head;
    const int result = ops->sync_dir(ops->self, segment->dir);
    return result < 0 ? segment_why(segment, TG_E_NOT_DURABLE, result, "name", why) : TG_OK;
}

enum tg_err tg_segment_append(struct tg_segment *segment, const uint8_t *block,
                              const struct tg_block_header *header, uint64_t committed_epoch,
                              struct tg_why *why)
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
    if (err != TG_OK) {
        return err;
    }
    err = tg_file_write(segment->ops, segment->fd, block, header->length_bytes,
                        segment->offset_bytes);
    if (err != TG_OK) {
        return segment_why(segment, err, err == TG_E_NO_SPACE ? -ENOSPC : -EIO, "write", why);
    }
    segment->offset_bytes += header->length_bytes;
    return TG_OK;
}

enum tg_err tg_segment_sync(struct tg_segment *segment, struct tg_why *why)
{
    const int result = segment->ops->fdatasync(segment->ops->self, segment->fd);
    return result < 0 ? segment_why(segment, TG_E_NOT_DURABLE, result, "sync", why) : TG_OK;
}

enum tg_err tg_segment_close(struct tg_segment *segment, bool is_clean)
{
    if (segment->fd < 0) {
        return TG_OK;
    }
    if (is_clean) {
        return segment_finish(segment, NULL);
    }
    (void)segment->ops->close(segment->ops->self, segment->fd);
    segment->fd = -1;
    return TG_OK;
}
