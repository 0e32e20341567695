/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memrchr */
#include "cli/decode_file.h"

#include "abi/key.h"
#include "base/clock.h"
#include "base/limits.h"
#include "cli/decode_capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define IPFIX_VERSION       10u
#define IPFIX_HEADER_OCTETS 16u
#define TEXT_LOOK_BYTES     4096u

/* A file in memory. */
struct mapped {
    const char *path;
    const uint8_t *bytes;
    uint8_t *owned; /* read from a pipe; NULL: mapped */
    uint64_t length_bytes;
    uint64_t key; /* of its identity: a header belongs to one file */
    int64_t arrival_ns;
};

/* What is no regular file (a pipe, /dev/stdin) is read to its end first. */
static enum tg_err pipe_read(int fd, struct mapped *file)
{
    uint64_t capacity = 0;
    ssize_t got = 1;
    while (got > 0) {
        if (file->length_bytes == capacity) {
            capacity = capacity > 0 ? capacity * 2 : 1 << 20;
            uint8_t *bytes = realloc(file->owned, capacity);
            if (bytes == NULL) {
                errno = ENOMEM;
                return TG_E_NO_MEMORY;
            }
            file->owned = bytes;
        }
        got = read(fd, file->owned + file->length_bytes, capacity - file->length_bytes);
        file->length_bytes += got > 0 ? (uint64_t)got : 0;
    }
    file->bytes = file->owned;
    return got == 0 ? TG_OK : TG_E_IO;
}

static enum tg_err regular_map(int fd, struct mapped *file)
{
    if (file->length_bytes == 0) {
        return TG_OK;
    }
    void *bytes = mmap(NULL, file->length_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    file->bytes = bytes != MAP_FAILED ? bytes : NULL;
    return bytes != MAP_FAILED ? TG_OK : TG_E_IO;
}

static void file_unmap(struct mapped *file)
{
    if (file->owned == NULL && file->bytes != NULL) {
        (void)munmap((void *)(uintptr_t)file->bytes, file->length_bytes);
    }
    free(file->owned);
}

static enum tg_err file_map(const char *path, struct mapped *file, struct tg_why *why)
{
    struct stat about;
    *file = (struct mapped){.path = path};
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return tg_why_set(why, TG_E_IO, "%s: %s", path, strerror(errno));
    }
    enum tg_err err = TG_E_IO;
    if (fstat(fd, &about) == 0) {
        const uint64_t identity[2] = {(uint64_t)about.st_dev, (uint64_t)about.st_ino};
        const bool is_regular = S_ISREG(about.st_mode);
        file->length_bytes = is_regular ? (uint64_t)about.st_size : 0;
        file->key = tg_key_hash(0, identity, sizeof identity) | 1;
        file->arrival_ns = is_regular ? about.st_mtim.tv_sec * TG_NS_PER_S + about.st_mtim.tv_nsec
                                      : tg_clock_now_ns();
        err = is_regular ? regular_map(fd, file) : pipe_read(fd, file);
    }
    if (err != TG_OK) {
        (void)tg_why_set(why, err, "%s: %s", path, strerror(errno));
        file_unmap(file);
    }
    (void)close(fd);
    return err;
}

static bool is_capture(const struct mapped *file)
{
    static const uint8_t magics[5][4] = {{0xd4, 0xc3, 0xb2, 0xa1},
                                         {0xa1, 0xb2, 0xc3, 0xd4},
                                         {0x4d, 0x3c, 0xb2, 0xa1},
                                         {0xa1, 0xb2, 0x3c, 0x4d},
                                         {0x0a, 0x0d, 0x0d, 0x0a}};
    for (int i = 0; i < 5 && file->length_bytes >= 4; i++) {
        if (memcmp(file->bytes, magics[i], 4) == 0) {
            return true;
        }
    }
    return false;
}

/* No octet that never stands in text, among the first ones. */
static bool is_text(const struct mapped *file)
{
    const uint64_t look =
        file->length_bytes < TEXT_LOOK_BYTES ? file->length_bytes : TEXT_LOOK_BYTES;
    for (uint64_t i = 0; i < look; i++) {
        const uint8_t octet = file->bytes[i];
        if ((octet < 0x20 && octet != '\n' && octet != '\r' && octet != '\t') || octet == 0x7f) {
            return false;
        }
    }
    return true;
}

static bool path_ends_in(const char *path, const char *ending)
{
    const size_t length = strlen(path);
    const size_t ending_bytes = strlen(ending);
    return length > ending_bytes && strcasecmp(path + length - ending_bytes, ending) == 0;
}

static struct tg_decode_origin origin_at(const struct mapped *file, uint64_t offset)
{
    return (struct tg_decode_origin){.file = file->path, .offset_bytes = offset};
}

static enum tg_err output_failed(struct tg_why *why)
{
    return tg_why_set(why, TG_E_IO, "standard output cannot be written to");
}

static void refuse_piece(struct tg_decode_reader *reader, const struct mapped *file,
                         uint64_t offset, uint64_t length, int reason, const char *note)
{
    const struct tg_decode_refusal line = {.origin = origin_at(file, offset),
                                           .length_bytes =
                                               length < UINT32_MAX ? (uint32_t)length : UINT32_MAX,
                                           .reason = reason,
                                           .note = note};
    tg_decode_feed_refuse(reader->feed, &line);
}

/* ---- text ---------------------------------------------------------------------------------- */

static uint32_t lines_count(const uint8_t *bytes, uint64_t length_bytes)
{
    uint32_t count = 0;
    for (const uint8_t *at = bytes; at < bytes + length_bytes; at++) {
        count += *at == '\n' ? 1 : 0;
    }
    return count;
}

/* Chunks of whole lines, as the drop folder makes them: a line longer than a chunk is refused. */
static enum tg_err read_lines(struct tg_decode_reader *reader, const struct mapped *file,
                              uint32_t slot, struct tg_why *why)
{
    uint32_t line = 1;
    uint64_t at = 0;
    while (at < file->length_bytes) {
        const uint64_t left = file->length_bytes - at;
        const uint8_t *start = file->bytes + at;
        uint64_t length = left;
        if (left > TG_FILE_CHUNK_BYTES) {
            const uint8_t *newline = memrchr(start, '\n', TG_FILE_CHUNK_BYTES);
            if (newline == NULL) {
                newline = memchr(start, '\n', left);
                length = newline != NULL ? (uint64_t)(newline - start) + 1 : left;
                refuse_piece(reader, file, at, length, TG_E_LENGTH, "a line longer than a chunk");
                at += length;
                line++;
                continue;
            }
            length = (uint64_t)(newline - start) + 1;
        }
        struct tg_input input = {.bytes = start,
                                 .length_bytes = (uint32_t)length,
                                 .arrival_ns = file->arrival_ns,
                                 .offset_bytes = at,
                                 .file_key = file->key,
                                 .first_line = line,
                                 .flags = length == left ? TG_INPUT_LAST_CHUNK : 0};
        const struct tg_decode_origin origin = origin_at(file, at);
        if (!tg_decode_feed_input(reader->feed, slot, &input, &origin)) {
            return output_failed(why);
        }
        line += lines_count(start, length);
        at += length;
        tg_progress_step(reader->progress, reader->done_bytes + at);
    }
    return TG_OK;
}

/* ---- payloads ------------------------------------------------------------------------------ */

/* Length of the IPFIX message that begins here, or 0 when none does. */
static uint32_t ipfix_length(const uint8_t *at, uint64_t left)
{
    if (left < IPFIX_HEADER_OCTETS || at[0] != 0 || at[1] != IPFIX_VERSION) {
        return 0;
    }
    const uint32_t length = (uint32_t)at[2] << 8 | at[3];
    return length >= IPFIX_HEADER_OCTETS ? length : 0;
}

static bool feed_payload(struct tg_decode_reader *reader, const struct mapped *file, uint64_t at,
                         uint64_t length)
{
    const uint8_t *bytes = file->bytes + at;
    struct tg_input input = {
        .bytes = bytes, .length_bytes = (uint32_t)length, .arrival_ns = file->arrival_ns};
    const struct tg_decode_origin origin = origin_at(file, at);
    return tg_decode_feed_input(
        reader->feed, tg_decode_feed_probe(reader->feed, bytes, (uint32_t)length), &input, &origin);
}

/* RFC 5655: messages in a row. */
static bool is_message_file(const struct tg_decode_reader *reader, const struct mapped *file)
{
    return reader->is_message_file || path_ends_in(file->path, ".ipfix") ||
           file->length_bytes > TG_DATAGRAM_BYTES_MAX;
}

/* One datagram, or the messages of an IPFIX file. Octets that follow a message and are no message
 * stay with it, so that the decoder says what is wrong with them. */
static enum tg_err read_payload(struct tg_decode_reader *reader, const struct mapped *file,
                                struct tg_why *why)
{
    const bool is_split = is_message_file(reader, file);
    uint64_t at = 0;
    while (at < file->length_bytes) {
        const uint64_t left = file->length_bytes - at;
        const uint32_t message = ipfix_length(file->bytes + at, left);
        const bool is_followed = is_split && message > 0 && message < left &&
                                 ipfix_length(file->bytes + at + message, left - message) > 0;
        uint64_t length = is_followed ? message : left;
        if (length > TG_DATAGRAM_BYTES_MAX) {
            const uint64_t whole = message > 0 && message < left ? message : 0;
            refuse_piece(reader, file, at + whole, length - whole, TG_E_LENGTH,
                         "longer than any datagram, and no file of IPFIX messages");
            length = whole;
            if (whole == 0) {
                return TG_OK;
            }
        }
        if (!feed_payload(reader, file, at, length)) {
            return output_failed(why);
        }
        at = length < left && !is_followed ? file->length_bytes : at + length;
        tg_progress_step(reader->progress, reader->done_bytes + at);
    }
    return TG_OK;
}

/* ---- one file ------------------------------------------------------------------------------ */

static enum tg_err read_mapped(struct tg_decode_reader *reader, const struct mapped *file,
                               struct tg_why *why)
{
    if (is_capture(file)) {
        const struct tg_decode_capture capture = {
            .path = file->path, .bytes = file->bytes, .length_bytes = file->length_bytes};
        return tg_decode_capture(reader, &capture, why);
    }
    const uint32_t look = file->length_bytes < TG_DATAGRAM_BYTES_MAX ? (uint32_t)file->length_bytes
                                                                     : TG_DATAGRAM_BYTES_MAX;
    const uint32_t claimed = tg_decode_feed_probe(reader->feed, file->bytes, look);
    const uint32_t csv = tg_decode_feed_named(reader->feed, "csv");
    if (claimed == TG_DECODE_NOBODY && (path_ends_in(file->path, ".csv") || is_text(file))) {
        return read_lines(reader, file, csv, why);
    }
    const bool is_forced_csv = claimed == csv && csv != TG_DECODE_NOBODY;
    if (is_forced_csv || (claimed != TG_DECODE_NOBODY && is_text(file))) {
        return read_lines(reader, file, claimed, why);
    }
    return read_payload(reader, file, why);
}

enum tg_err tg_decode_file(struct tg_decode_reader *reader, const char *path, struct tg_why *why)
{
    struct mapped file;
    enum tg_err err = file_map(path, &file, why);
    if (err != TG_OK) {
        return err;
    }
    if (reader->arrival_ns != INT64_MIN) {
        file.arrival_ns = reader->arrival_ns;
    }
    if (file.length_bytes > 0) {
        err = read_mapped(reader, &file, why);
    }
    file_unmap(&file);
    reader->done_bytes += file.length_bytes;
    tg_progress_step(reader->progress, reader->done_bytes);
    return err;
}
