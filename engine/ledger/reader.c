/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* SEEK_DATA */
#include "ledger/reader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"

#define SEARCH_BYTES 65536u

enum tg_err tg_reader_why(const struct tg_reader *reader, uint64_t segment, uint64_t offset_bytes,
                          enum tg_err err, const char *what, struct tg_why *why)
{
    return tg_why_set(why, err, "%s/%08" PRIu64 ".seg, offset %" PRIu64 ": %s", reader->dir,
                      segment, offset_bytes, what);
}

/* Reads exactly; a file that ends before is TG_E_CORRUPT. */
static enum tg_err read_exactly(int fd, void *bytes, size_t length_bytes, uint64_t offset_bytes)
{
    uint8_t *at = bytes;
    while (length_bytes > 0) {
        const ssize_t got = pread(fd, at, length_bytes, (off_t)offset_bytes);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got == 0 ? TG_E_CORRUPT : TG_E_IO;
        }
        at += got;
        offset_bytes += (uint64_t)got;
        length_bytes -= (size_t)got;
    }
    return TG_OK;
}

/* From the current segment: what was read ahead, else the file. */
static enum tg_err reader_bytes(const struct tg_reader *reader, void *bytes, size_t length_bytes,
                                uint64_t offset_bytes)
{
    return tg_read_ahead_take(reader->read_ahead, reader->segment, offset_bytes, bytes,
                              length_bytes)
               ? TG_OK
               : read_exactly(reader->fd, bytes, length_bytes, offset_bytes);
}

static int segment_fd(const struct tg_reader *reader, uint64_t segment)
{
    char path[4096];
    if (!tg_format_segment_path(reader->dir, segment, path, sizeof path)) {
        return -1;
    }
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* Opens a segment and reads its header; TG_E_NOT_FOUND when there is no such file. */
static enum tg_err segment_open(const struct tg_reader *reader, uint64_t segment, int *fd,
                                struct tg_segment_header *header)
{
    *fd = segment_fd(reader, segment);
    if (*fd < 0) {
        return errno == ENOENT ? TG_E_NOT_FOUND : TG_E_IO;
    }
    enum tg_err err = read_exactly(*fd, header, sizeof *header, 0);
    if (err == TG_OK) {
        err = (enum tg_err)tg_format_segment_check(header, segment);
    }
    if (err != TG_OK) {
        (void)close(*fd);
        *fd = -1;
    }
    return err;
}

/* First and last segment number in the directory; both 0 when there is none. */
static enum tg_err segments_range(const struct tg_reader *reader, uint64_t *first, uint64_t *last)
{
    *first = 0;
    *last = 0;
    DIR *dir = opendir(reader->dir);
    if (dir == NULL) {
        return errno == ENOENT ? TG_OK : TG_E_IO;
    }
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        char *end = NULL;
        const uint64_t number = strtoull(entry->d_name, &end, 10);
        if (number == 0 || end - entry->d_name < 8 || strcmp(end, ".seg") != 0) {
            continue;
        }
        *first = *first == 0 || number < *first ? number : *first;
        *last = number > *last ? number : *last;
    }
    (void)closedir(dir);
    return TG_OK;
}

static void reader_take(struct tg_reader *reader, int fd, const struct tg_segment_header *header)
{
    tg_reader_close(reader);
    reader->fd = fd;
    reader->segment = header->segment;
    reader->offset_bytes = sizeof *header;
    reader->next_number = header->block_number;
    reader->previous_hash = header->previous_hash;
    reader->committed_epoch = header->committed_epoch;
}

enum tg_err tg_reader_open(struct tg_reader *reader, const char *data_dir, uint64_t epoch_min,
                           struct tg_why *why)
{
    uint64_t first = 0;
    uint64_t last = 0;
    *reader = (struct tg_reader){.fd = -1, .next_number = 1};
    const int length = snprintf(reader->dir, sizeof reader->dir, "%s/journal", data_dir);
    if (length < 0 || (size_t)length >= sizeof reader->dir) {
        return tg_why_set(why, TG_E_INVALID, "the directory name is too long");
    }
    const enum tg_err listed = segments_range(reader, &first, &last);
    if (listed != TG_OK) {
        return tg_why_set(why, listed, "cannot list %s: %s", reader->dir, strerror(errno));
    }
    if (first > 1 && epoch_min <= 1) {
        return tg_reader_why(reader, 1, 0, TG_E_CORRUPT, "the first segment is missing", why);
    }
    for (uint64_t segment = last; segment >= first && segment > 0; segment--) {
        struct tg_segment_header header;
        int fd = -1;
        const enum tg_err err = segment_open(reader, segment, &fd, &header);
        if (err == TG_E_FORMAT) {
            return tg_reader_why(reader, segment, 0, err, tg_err_sentence(err), why);
        }
        /* A head that does not check is passed over: walking on to it tells torn from rotten. */
        if (err == TG_OK && (header.committed_epoch < epoch_min || segment == first)) {
            reader_take(reader, fd, &header);
            reader->durable_epoch = 0;
            return TG_OK;
        }
        if (err == TG_OK) {
            (void)close(fd);
        }
    }
    if (last > 0) { /* segment 1 itself does not check */
        reader->segment = first;
        reader->fd = segment_fd(reader, first);
    }
    return TG_OK;
}

enum tg_err tg_reader_copy(struct tg_reader *reader, const struct tg_reader *other)
{
    *reader = *other;
    if (other->fd >= 0) {
        reader->fd = fcntl(other->fd, F_DUPFD_CLOEXEC, 0);
    }
    return other->fd >= 0 && reader->fd < 0 ? TG_E_IO : TG_OK;
}

void tg_reader_close(struct tg_reader *reader)
{
    if (reader->fd >= 0) {
        (void)close(reader->fd);
        reader->fd = -1;
    }
}

static enum tg_err reader_enter(struct tg_reader *reader, uint64_t segment, struct tg_why *why)
{
    struct tg_segment_header header;
    int fd = -1;
    const enum tg_err err = segment_open(reader, segment, &fd, &header);
    if (err != TG_OK) {
        return err == TG_E_NOT_FOUND ? err
                                     : tg_reader_why(reader, segment, 0, err,
                                                     "the segment header does not check", why);
    }
    const bool is_next = segment == 1 ? header.block_number == 1 && header.previous_hash == 0
                                      : header.block_number == reader->next_number &&
                                            header.previous_hash == reader->previous_hash &&
                                            header.committed_epoch == reader->committed_epoch;
    if (!is_next) {
        (void)close(fd);
        return tg_reader_why(reader, segment, 0, TG_E_CHAIN,
                             "the segment does not follow the one before it", why);
    }
    const uint64_t durable = reader->durable_epoch;
    reader_take(reader, fd, &header);
    reader->durable_epoch = durable;
    return TG_OK;
}

static bool header_is_zero(const struct tg_block_header *header)
{
    static const struct tg_block_header zero;
    return memcmp(header, &zero, sizeof zero) == 0;
}

/* Whether a checked header is the next one of the chain. */
static const char *header_breaks(const struct tg_reader *reader,
                                 const struct tg_block_header *header)
{
    if (header->number != reader->next_number) {
        return "the block number does not follow: blocks are missing or misplaced";
    }
    if (header->previous_hash != reader->previous_hash) {
        return "the block's hash of its predecessor does not match";
    }
    if (header->epoch != reader->committed_epoch + 1) {
        return "the epoch does not follow the last committed one";
    }
    if ((header->flags & TG_BLOCK_COMMITS) != 0 && header->stream != 0) {
        return "a worker's block claims to commit";
    }
    return NULL;
}

enum tg_err tg_reader_next(struct tg_reader *reader, struct tg_reader_block *block,
                           struct tg_why *why)
{
    for (;;) {
        struct stat status;
        if (reader->fd < 0) {
            const enum tg_err err = reader_enter(reader, reader->segment + 1, why);
            if (err != TG_OK) {
                return err;
            }
        }
        if (fstat(reader->fd, &status) != 0) {
            return tg_reader_why(reader, reader->segment, 0, TG_E_IO, "cannot stat", why);
        }
        if (reader->offset_bytes == 0) { /* opened on a first segment whose header does not check */
            return tg_reader_why(reader, reader->segment, 0, TG_E_CORRUPT,
                                 "the segment header does not check", why);
        }
        if ((uint64_t)status.st_size != reader->offset_bytes) {
            break;
        }
        const enum tg_err err = reader_enter(reader, reader->segment + 1, why);
        if (err != TG_OK) {
            return err; /* TG_E_NOT_FOUND: the file ends exactly here and none follows */
        }
    }
    struct tg_block_header *header = &block->header;
    enum tg_err err = reader_bytes(reader, header, sizeof *header, reader->offset_bytes);
    if (err == TG_OK) {
        err = (enum tg_err)tg_format_block_check(header);
        if (err == TG_E_CORRUPT && header_is_zero(header)) {
            return TG_E_NOT_FOUND;
        }
    }
    if (err != TG_OK) {
        return tg_reader_why(reader, reader->segment, reader->offset_bytes, err,
                             "the block header does not check", why);
    }
    const char *breaks = header_breaks(reader, header);
    if (breaks != NULL) {
        return tg_reader_why(reader, reader->segment, reader->offset_bytes, TG_E_CHAIN, breaks,
                             why);
    }
    block->segment = reader->segment;
    block->offset_bytes = reader->offset_bytes;
    reader->offset_bytes += header->length_bytes;
    reader->next_number++;
    reader->previous_hash = tg_format_hash(header);
    if (header->durable_epoch > reader->durable_epoch) {
        reader->durable_epoch = header->durable_epoch;
    }
    if ((header->flags & TG_BLOCK_COMMITS) != 0) {
        reader->committed_epoch = header->epoch;
    }
    return TG_OK;
}

/* Looks for a header that vouches for `epoch` in one file; holes of preallocation are skipped. */
static bool file_vouches(int fd, uint64_t from_bytes, uint64_t epoch)
{
    uint8_t window[SEARCH_BYTES];
    off_t at = (off_t)(from_bytes & ~(uint64_t)(TG_FORMAT_ALIGN_BYTES - 1));
    for (;;) {
        const off_t data = lseek(fd, at, SEEK_DATA);
        if (data < 0 && errno == ENXIO) {
            return false;
        }
        at = data > at ? data & ~(off_t)(TG_FORMAT_ALIGN_BYTES - 1) : at;
        const ssize_t got = pread(fd, window, sizeof window, at);
        if (got < (ssize_t)sizeof(struct tg_block_header)) {
            return false;
        }
        for (size_t i = 0; i + sizeof(struct tg_block_header) <= (size_t)got;
             i += TG_FORMAT_ALIGN_BYTES) {
            struct tg_block_header header;
            uint32_t magic = 0;
            memcpy(&magic, window + i, sizeof magic);
            if (magic != TG_FORMAT_BLOCK_MAGIC) {
                continue;
            }
            memcpy(&header, window + i, sizeof header);
            if (tg_format_block_check(&header) == TG_OK && header.durable_epoch >= epoch) {
                return true;
            }
        }
        at += (off_t)(sizeof window - sizeof(struct tg_block_header));
    }
}

bool tg_reader_is_torn(const struct tg_reader *reader)
{
    const uint64_t epoch = reader->committed_epoch + 1;
    if (reader->durable_epoch >= epoch) {
        return false;
    }
    if (reader->fd >= 0 && file_vouches(reader->fd, reader->offset_bytes, epoch)) {
        return false;
    }
    uint64_t first = 0;
    uint64_t last = 0;
    (void)segments_range(reader, &first, &last);
    for (uint64_t segment = reader->segment + 1; segment <= last; segment++) {
        struct tg_segment_header header;
        const int fd = segment_fd(reader, segment);
        if (fd < 0) {
            continue;
        }
        /* A segment is made only after its predecessor is durable, with all committed epochs. */
        const bool is_vouched = (read_exactly(fd, &header, sizeof header, 0) == TG_OK &&
                                 tg_format_segment_check(&header, segment) == TG_OK &&
                                 header.committed_epoch >= epoch) ||
                                file_vouches(fd, 0, epoch);
        (void)close(fd);
        if (is_vouched) {
            return false;
        }
    }
    return true;
}

enum tg_err tg_reader_read(const struct tg_reader *reader, const struct tg_reader_block *block,
                           uint64_t offset_bytes, void *bytes, size_t length_bytes)
{
    if (reader->segment != block->segment ||
        offset_bytes + length_bytes > block->header.length_bytes) {
        return TG_E_CORRUPT;
    }
    return reader_bytes(reader, bytes, length_bytes, block->offset_bytes + offset_bytes);
}

static bool bytes_are_zero(const uint8_t *bytes, size_t length_bytes)
{
    for (size_t i = 0; i < length_bytes; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

/* Checks a section that lies in memory with the filling behind it. */
static enum tg_err check_section(const struct tg_block_header *header,
                                 const struct tg_section_entry *entry, const uint8_t *bytes)
{
    const size_t length = tg_format_align_8(entry->stored_bytes);
    int err = TG_OK;
    if (entry->kind != TG_SECTION_ROWS) {
        return tg_crc32c(0, bytes, length) == entry->crc32c ? TG_OK : TG_E_CORRUPT;
    }
    err = tg_format_rows_check(header, entry, bytes);
    if (err == TG_OK) {
        err = tg_format_planes_check(entry, bytes);
    }
    const size_t filling = length - entry->stored_bytes;
    return err == TG_OK && !bytes_are_zero(bytes + entry->stored_bytes, filling) ? TG_E_CORRUPT
                                                                                 : (enum tg_err)err;
}

enum tg_err tg_reader_check(const struct tg_reader *reader, const struct tg_reader_block *block,
                            uint8_t *bytes)
{
    struct tg_section_entry entries[TG_SECTION_COUNT];
    const struct tg_block_header *header = &block->header;
    enum tg_err err = tg_reader_read(reader, block, 0, bytes, header->length_bytes);
    if (err == TG_OK && memcmp(bytes, header, sizeof *header) != 0) {
        err = TG_E_CORRUPT;
    }
    if (err != TG_OK) {
        return err;
    }
    memcpy(entries, bytes + sizeof *header, header->sections_count * sizeof entries[0]);
    err = (enum tg_err)tg_format_directory_check(header, entries);
    for (uint32_t i = 0; i < header->sections_count && err == TG_OK; i++) {
        err = check_section(header, &entries[i], bytes + entries[i].offset_bytes);
    }
    const uint8_t *padding = bytes + header->length_bytes - header->padding_bytes;
    return err == TG_OK && !bytes_are_zero(padding, header->padding_bytes) ? TG_E_CORRUPT : err;
}
