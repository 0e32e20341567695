/* SPDX-License-Identifier: Apache-2.0 */
/* Drop folder as a port: claimed files in chunks of whole lines, put away when durable.
 *
 *      idle --open_next--> reading --end of file--> waiting[] --durable--> done
 *
 * (1) At most one file is being read; up to WAITING_MAX files are read and wait to become durable.
 *     When that many wait, bursts are empty until tg_port_durable comes: counted by nobody, as
 *     nothing is lost; the files stay in the folder.
 * (2) next_offset always lies at the start of a line, so a position can be resumed from.
 * (3) A file whose key is known as read to its end goes to done without being read. */
#define _GNU_SOURCE /* memrchr */
#include "abi/key.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "ports/file_positions.h"
#include "ports/file_read.h"
#include "ports/folder_claim.h"
#include "ports/port_ops.h"
#include "rt/counters.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define WAITING_MAX     64u
#define OPENS_PER_BURST 16u /* so that a folder of empty files cannot hold up a burst */
#define LOOK_EVERY_NS   (100 * TG_NS_PER_MS)
#define BUFFER_BYTES    (TG_FILE_CHUNK_BYTES + 1u) /* one more tells an overlong line */
#define SCAN_BYTES      65536u

struct folder_port {
    struct tg_port base;
    struct tg_port_folder folder;
    struct tg_file_positions positions;
    bool follow;
    bool is_at_end;
    bool in_claimed; /* still taking over what an earlier process left */
    bool has_looked;
    bool pass_claimed; /* this pass over the folder took something */
    bool pass_blocked; /* this pass met a name that waits in .claimed */
    int64_t looked_ns;
    uint64_t trouble_key; /* hash of the last name complained about: once is enough */
    bool is_reading;
    struct tg_claim claim; /* the file being read */
    uint64_t next_offset;
    uint64_t next_line; /* 1-based */
    struct tg_position position;
    uint32_t waiting_count;
    struct tg_claim waiting[WAITING_MAX]; /* oldest first */
    uint8_t *buffer;
    uint8_t *scan; /* for octets that are passed over, while buffer is lent out */
};

static enum tg_err folder_open(struct tg_port *base, const struct tg_port_config *config,
                               struct tg_why *why)
{
    struct folder_port *port = (struct folder_port *)base;
    const enum tg_err err =
        tg_port_folder_open(&port->folder, config->target, config->done, config->pattern, why);
    if (err != TG_OK) {
        return err;
    }
    port->follow = config->follow;
    port->in_claimed = true;
    port->claim.descriptor = -1;
    port->buffer = tg_pages_take(BUFFER_BYTES);
    port->scan = tg_pages_take(SCAN_BYTES);
    if (port->buffer == NULL || port->scan == NULL ||
        tg_file_positions_init(&port->positions) != TG_OK) {
        return tg_why_set(why, TG_E_NO_MEMORY, "port %s: no memory", config->name);
    }
    return TG_OK;
}

static void remember(struct folder_port *port, uint64_t file_key, uint64_t offset)
{
    if (file_key != 0 && tg_file_positions_set(&port->positions, file_key, offset) != TG_OK) {
        tg_counter_add(&port->base.counters.positions_forgotten_count, 1);
    }
}

static void put_away(struct folder_port *port, struct tg_claim *claim)
{
    struct tg_port_counters *counters = &port->base.counters;
    if (claim->is_changed) {
        tg_counter_add(&counters->files_changed_count, 1);
        tg_log(TG_LOG_WARNING, "ports",
               "%s: %s changed while it was read: only its first %llu octets were taken; drop "
               "files by renaming them into the folder",
               port->base.name, claim->name, (unsigned long long)claim->size_bytes);
    }
    if (tg_port_folder_finish(&port->folder, claim) != TG_OK) {
        tg_counter_add(&counters->errors_count, 1);
        tg_log(TG_LOG_ERROR, "ports", "%s: %s cannot be moved to done: %s", port->base.name,
               claim->name, strerror(errno));
        return;
    }
    tg_counter_add(&counters->files_done_count, 1);
}

static void sync_moves(struct folder_port *port)
{
    if (tg_port_folder_sync(&port->folder) != TG_OK) {
        tg_counter_add(&port->base.counters.errors_count, 1);
        tg_log(TG_LOG_ERROR, "ports", "%s: fsync of a folder failed: %s", port->base.name,
               strerror(errno));
    }
}

/* Fixed blocks let the compiler count 32 octets an instruction. */
static uint64_t lines_count(const uint8_t *bytes, size_t length_bytes)
{
    uint64_t count = 0;
    size_t i = 0;
    for (; i + 64 <= length_bytes; i += 64) {
        uint8_t block_count = 0;
        for (size_t j = 0; j < 64; j++) {
            block_count = (uint8_t)(block_count + (bytes[i + j] == '\n'));
        }
        count += block_count;
    }
    for (; i < length_bytes; i++) {
        count += bytes[i] == '\n';
    }
    return count;
}

/* Resumed inside a file: its lines before are counted, so that line numbers are the file's. */
static bool count_lines_before(struct folder_port *port, uint64_t offset)
{
    uint64_t at = 0;
    port->next_line = 1;
    while (at < offset) {
        const uint64_t left = offset - at;
        const size_t wanted = left < SCAN_BYTES ? (size_t)left : SCAN_BYTES;
        const ssize_t got = tg_file_read_at(port->claim.descriptor, port->scan, wanted, at);
        if (got <= 0) {
            return false;
        }
        port->next_line += lines_count(port->scan, (size_t)got);
        at += (uint64_t)got;
    }
    return true;
}

static void complain(struct folder_port *port, const char *name, const char *what)
{
    const uint64_t key = tg_key_name(name, strlen(name));
    if (key != port->trouble_key) {
        port->trouble_key = key;
        tg_counter_add(&port->base.counters.errors_count, 1);
        tg_log(TG_LOG_ERROR, "ports", "%s: %s: %s", port->base.name, name, what);
    }
}

/* The claimed file becomes the one being read, unless there is nothing in it to read. */
static void start_reading(struct folder_port *port)
{
    struct tg_claim *claim = &port->claim;
    uint64_t offset = 0;
    const bool is_known = tg_file_positions_get(&port->positions, claim->file_key, &offset);
    tg_counter_add(&port->base.counters.files_claimed_count, 1);
    if (offset >= claim->size_bytes) {
        tg_counter_add(&port->base.counters.files_known_count, is_known);
        put_away(port, claim);
        sync_moves(port);
        return;
    }
    if (!count_lines_before(port, offset)) {
        complain(port, claim->name, "cannot be read; it stays in .claimed until the next start");
        tg_claim_drop(claim);
        return;
    }
    port->next_offset = offset;
    port->is_reading = true;
}

/* Look again when there is a reason to; false: nothing to take now. */
static bool look_again(struct folder_port *port, int64_t now_ns)
{
    if (port->has_looked && port->folder.is_truncated) {
        tg_port_folder_look(&port->folder, port->in_claimed, false);
        return true;
    }
    if (port->has_looked && port->in_claimed) {
        port->in_claimed = false;
        port->has_looked = false;
    }
    const bool is_quiet = port->has_looked && !port->pass_claimed;
    if (is_quiet && !port->follow) {
        /* A name that waits in .claimed is free again once its file is durable. */
        port->is_at_end = !port->pass_blocked || port->waiting_count == 0;
        if (port->is_at_end) {
            return false;
        }
    }
    if (is_quiet && now_ns >= port->looked_ns && now_ns - port->looked_ns < LOOK_EVERY_NS) {
        return false;
    }
    port->has_looked = true;
    port->looked_ns = now_ns;
    port->pass_claimed = port->pass_blocked = false;
    tg_port_folder_look(&port->folder, port->in_claimed, true);
    return true;
}

static void open_next(struct folder_port *port, int64_t now_ns)
{
    for (uint32_t i = 0; i < OPENS_PER_BURST && !port->is_reading; i++) {
        const char *name = tg_port_folder_next(&port->folder);
        if (name == NULL) {
            if (!look_again(port, now_ns)) {
                return;
            }
            continue;
        }
        const enum tg_err err =
            tg_port_folder_claim(&port->folder, name, port->in_claimed, &port->claim);
        if (err == TG_OK) {
            port->pass_claimed = true;
            start_reading(port);
        } else if (err == TG_E_EXISTS) {
            port->pass_blocked = true;
        } else if (err == TG_E_IO) {
            complain(port, name, strerror(errno));
        }
    }
}

static void end_file(struct folder_port *port)
{
    assert(port->waiting_count < WAITING_MAX);
    tg_claim_check(&port->claim);
    port->claim.size_bytes = port->next_offset; /* less than at the claim when it was cut since */
    port->waiting[port->waiting_count++] = port->claim;
    port->claim.descriptor = -1;
    port->is_reading = false;
}

/* Where the line that fills the whole buffer ends: offset after its newline, or the file's end. */
static uint64_t overlong_end(struct folder_port *port)
{
    uint64_t at = port->next_offset + TG_FILE_CHUNK_BYTES;
    while (at < port->claim.size_bytes) {
        const uint64_t left = port->claim.size_bytes - at;
        const size_t wanted = left < SCAN_BYTES ? (size_t)left : SCAN_BYTES;
        const ssize_t got = tg_file_read_at(port->claim.descriptor, port->scan, wanted, at);
        if (got <= 0) {
            return port->claim.size_bytes;
        }
        const uint8_t *newline = memchr(port->scan, '\n', (size_t)got);
        if (newline != NULL) {
            return at + (uint64_t)(newline - port->scan) + 1;
        }
        at += (uint64_t)got;
    }
    return port->claim.size_bytes;
}

/* One chunk of the file being read; 0 when it cannot be read. */
static uint32_t read_chunk(struct folder_port *port, int64_t now_ns, struct tg_input *input)
{
    const uint64_t left = port->claim.size_bytes - port->next_offset;
    const size_t wanted = left < BUFFER_BYTES ? (size_t)left : BUFFER_BYTES;
    const ssize_t got =
        tg_file_read_at(port->claim.descriptor, port->buffer, wanted, port->next_offset);
    if (got <= 0) {
        /* Shorter than at the claim, or unreadable: what was handed over stands. */
        if (got < 0) {
            complain(port, port->claim.name, strerror(errno));
            tg_claim_drop(&port->claim);
            port->is_reading = false;
        } else {
            end_file(port);
        }
        return 0;
    }
    uint32_t chunk_bytes = (uint32_t)got;
    uint64_t end = port->next_offset + chunk_bytes;
    bool is_last = (size_t)got < wanted || end == port->claim.size_bytes;
    if (!is_last || chunk_bytes == BUFFER_BYTES) {
        const uint8_t *newline = memrchr(port->buffer, '\n', TG_FILE_CHUNK_BYTES);
        if (newline != NULL) {
            chunk_bytes = (uint32_t)(newline - port->buffer) + 1;
            end = port->next_offset + chunk_bytes;
        } else {
            end = overlong_end(port);
            tg_counter_add(&port->base.counters.lines_overlong_count, 1);
        }
        is_last = end == port->claim.size_bytes;
    }
    *input = (struct tg_input){.bytes = port->buffer,
                               .length_bytes = chunk_bytes,
                               .arrival_ns = now_ns,
                               .offset_bytes = port->next_offset,
                               .file_key = port->claim.file_key,
                               .first_line = (uint32_t)port->next_line,
                               .flags = is_last ? TG_INPUT_LAST_CHUNK : 0};
    port->next_line += chunk_bytes == BUFFER_BYTES ? 1 : lines_count(port->buffer, chunk_bytes);
    tg_counter_add(&port->base.counters.octets, end - port->next_offset);
    port->next_offset = end;
    port->position = (struct tg_position){port->claim.file_key, end};
    if (is_last) {
        end_file(port);
    }
    return chunk_bytes;
}

static uint32_t folder_burst(struct tg_port *base, int64_t now_ns, struct tg_input *inputs,
                             uint32_t capacity)
{
    struct folder_port *port = (struct folder_port *)base;
    (void)capacity; /* one buffer: one chunk a burst, thousands of rows */
    if (port->is_at_end || port->waiting_count == WAITING_MAX) {
        return 0;
    }
    if (!port->is_reading) {
        open_next(port, now_ns);
    }
    if (!port->is_reading) {
        return 0;
    }
    const uint32_t chunk_bytes = read_chunk(port, now_ns, inputs);
    if (chunk_bytes == 0) {
        return 0;
    }
    tg_counter_add(&base->counters.frames_count, 1);
    tg_counter_add(&base->counters.datagrams_count, 1);
    tg_counter_add(&base->counters.payload_octets, chunk_bytes);
    return 1;
}

static void folder_release(struct tg_port *base)
{
    (void)base; /* the buffer is reused by the next burst */
}

static void folder_position(const struct tg_port *base, struct tg_position *position)
{
    *position = ((const struct folder_port *)base)->position;
}

static void folder_resume(struct tg_port *base, const struct tg_position *position)
{
    remember((struct folder_port *)base, position->file_key, position->offset);
}

/* How many of the waiting files, oldest first, a durable position covers. */
static uint32_t durable_count(const struct folder_port *port, const struct tg_position *position)
{
    if (port->is_reading && port->claim.file_key == position->file_key) {
        return port->waiting_count;
    }
    for (uint32_t i = 0; i < port->waiting_count; i++) {
        if (port->waiting[i].file_key == position->file_key) {
            return i + (position->offset >= port->waiting[i].size_bytes);
        }
    }
    return 0; /* moved to done before */
}

static void folder_durable(struct tg_port *base, const struct tg_position *position)
{
    struct folder_port *port = (struct folder_port *)base;
    if (position->file_key == 0) {
        return;
    }
    remember(port, position->file_key, position->offset);
    const uint32_t count = durable_count(port, position);
    for (uint32_t i = 0; i < count; i++) {
        remember(port, port->waiting[i].file_key, port->waiting[i].size_bytes);
        put_away(port, &port->waiting[i]);
    }
    if (count != 0) {
        port->waiting_count -= count;
        memmove(port->waiting, port->waiting + count,
                port->waiting_count * sizeof port->waiting[0]);
        /* A name that was waiting in .claimed is free now: look again at once. */
        port->has_looked = port->has_looked && !port->pass_blocked;
        sync_moves(port);
    }
}

static bool folder_is_finished(const struct tg_port *base)
{
    return ((const struct folder_port *)base)->is_at_end;
}

static void folder_close(struct tg_port *base)
{
    struct folder_port *port = (struct folder_port *)base;
    if (port->is_reading) {
        tg_claim_drop(&port->claim);
    }
    for (uint32_t i = 0; i < port->waiting_count; i++) {
        tg_claim_drop(&port->waiting[i]);
    }
    tg_port_folder_close(&port->folder);
    tg_file_positions_fini(&port->positions);
    tg_pages_free(port->buffer, BUFFER_BYTES);
    tg_pages_free(port->scan, SCAN_BYTES);
}

const struct tg_port_ops tg_port_folder_ops = {
    .size_bytes = sizeof(struct folder_port),
    .open = folder_open,
    .burst = folder_burst,
    .release = folder_release,
    .position = folder_position,
    .resume = folder_resume,
    .durable = folder_durable,
    .is_finished = folder_is_finished,
    .close = folder_close,
};
