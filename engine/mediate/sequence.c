/* SPDX-License-Identifier: Apache-2.0 */
#include "mediate/sequence.h"

#include "base/arena.h"
#include "base/hash.h"

#include <stddef.h>

#define LEARN_COUNT     8u
#define WINDOW_MESSAGES 64u

/* softflowd leaves its options records out of the number; RFC 7011 3.1 counts every data record. */
enum options_habit { OPTIONS_UNKNOWN = 0, OPTIONS_COUNTED = 1, OPTIONS_LEFT_OUT = 2 };

/* One gap still open: records [from, from + count) mod 2^32 are missing. */
struct gap {
    uint32_t from;
    uint32_t count;
};

struct stream {
    uint64_t key; /* stream_key(); 0 free */
    uint32_t last_sequence;
    uint32_t last_records;
    uint32_t last_options; /* of last_records: options records */
    uint32_t uptime_ms;
    uint8_t mode;
    uint8_t options; /* enum options_habit */
    uint8_t seen_count;
    uint8_t fits_exclusive;
    uint8_t fits_inclusive;
    int64_t export_ns;
    uint8_t gaps_next;
    struct gap gaps[WINDOW_MESSAGES];
};

struct tg_sequence {
    uint32_t slots_count;
    uint32_t streams_count;
    uint32_t streams_count_max;
    uint64_t refused_count;
    size_t size_bytes;
    struct stream slots[];
};

struct tg_sequence *tg_sequence_create(uint32_t streams_count_max)
{
    uint32_t slots_count = 16;
    while (slots_count < streams_count_max * 2u) {
        slots_count *= 2;
    }
    const size_t size_bytes = sizeof(struct tg_sequence) + slots_count * sizeof(struct stream);
    struct tg_sequence *sequence = tg_pages_take(size_bytes);
    if (sequence != NULL) {
        sequence->slots_count = slots_count;
        sequence->streams_count_max = streams_count_max;
        sequence->size_bytes = size_bytes;
    }
    return sequence;
}

void tg_sequence_free(struct tg_sequence *sequence)
{
    if (sequence != NULL) {
        tg_pages_free(sequence, sequence->size_bytes);
    }
}

uint64_t tg_sequence_refused(const struct tg_sequence *sequence)
{
    return sequence->refused_count;
}

/* Versions 5, 9 and 10 of one exporter count on their own, also under the same domain: they differ
 * in what they count and in whether they tell their uptime. */
static uint64_t stream_key(uint16_t source_id, const struct tg_message *message)
{
    const uint64_t has_uptime = (message->flags & TG_MESSAGE_HAS_UPTIME) != 0;
    return ((uint64_t)source_id << 40 | has_uptime << 36 |
            (uint64_t)(message->sequence_kind & 15u) << 32 | message->domain) +
           1;
}

static struct stream *stream_find(struct tg_sequence *sequence, uint64_t key)
{
    const uint32_t mask = sequence->slots_count - 1;
    uint32_t slot = (uint32_t)tg_mix64(key) & mask;
    while (sequence->slots[slot].key != 0 && sequence->slots[slot].key != key) {
        slot = (slot + 1) & mask;
    }
    struct stream *stream = &sequence->slots[slot];
    if (stream->key == 0) {
        if (sequence->streams_count >= sequence->streams_count_max) {
            sequence->refused_count++;
            return NULL;
        }
        sequence->streams_count++;
        stream->key = key;
    }
    return stream;
}

/* Records by which a message moves the number, as far as the stream's habit is known. */
static uint32_t records_counted(const struct stream *stream, uint32_t records_count,
                                uint32_t options_count)
{
    return stream->options == OPTIONS_LEFT_OUT ? records_count - options_count : records_count;
}

/* Does the step fit? Options records show the habit the first time they matter; until then either
 * way fits: a number that is too low by exactly them is no loss. */
static bool step_fits(struct stream *stream, uint32_t step, uint32_t records_count,
                      uint32_t options_count)
{
    if (step == records_counted(stream, records_count, options_count)) {
        return true;
    }
    return stream->options == OPTIONS_UNKNOWN && step == records_count - options_count;
}

static void options_learn(struct stream *stream, uint32_t step, uint32_t records_count,
                          uint32_t options_count)
{
    if (stream->options == OPTIONS_UNKNOWN && options_count != 0) {
        if (step == records_count) {
            stream->options = OPTIONS_COUNTED;
        } else if (step == records_count - options_count) {
            stream->options = OPTIONS_LEFT_OUT;
        }
    }
}

static void stream_learn(struct stream *stream, const struct tg_message *message)
{
    const uint32_t step = message->sequence - stream->last_sequence;
    stream->fits_exclusive += step_fits(stream, step, stream->last_records, stream->last_options);
    stream->fits_inclusive +=
        step_fits(stream, step, message->records_count, message->options_count);
    if (++stream->seen_count < LEARN_COUNT) {
        return;
    }
    /* All records equal in every message fits both; the RFC's reading then wins, and both give
     * the same answer. Neither fitting keeps learning: lost messages must not teach a habit. */
    if (stream->fits_exclusive >= LEARN_COUNT - 1) {
        stream->mode = TG_SEQUENCE_EXCLUSIVE;
    } else if (stream->fits_inclusive >= LEARN_COUNT - 1) {
        stream->mode = TG_SEQUENCE_INCLUSIVE;
    } else {
        stream->seen_count = 0;
        stream->fits_exclusive = 0;
        stream->fits_inclusive = 0;
    }
}

/* Where the number should be now; learns the habit with options records on the way. */
static uint32_t stream_expected(struct stream *stream, const struct tg_message *message)
{
    if (stream->mode == TG_SEQUENCE_PER_MESSAGE) {
        return stream->last_sequence + 1;
    }
    const bool is_inclusive = stream->mode == TG_SEQUENCE_INCLUSIVE;
    const uint32_t records = is_inclusive ? message->records_count : stream->last_records;
    const uint32_t options = is_inclusive ? message->options_count : stream->last_options;
    if (stream->mode != TG_SEQUENCE_LEARNING) {
        options_learn(stream, message->sequence - stream->last_sequence, records, options);
    }
    return stream->last_sequence + records_counted(stream, records, options);
}

/* Of a message whose number is too low. A late one was exported before what already came; a lower
 * number with a later export time is a new count. The uptime alone does not tell: a meter that
 * reads a file says 0 for ever, and IPFIX has none. */
static bool stream_restarted(const struct stream *stream, const struct tg_message *message)
{
    const bool is_younger = (message->flags & TG_MESSAGE_HAS_UPTIME) != 0
                                ? message->uptime_ms < stream->uptime_ms
                                : message->sequence == 0 && message->export_ns >= stream->export_ns;
    return is_younger || message->export_ns > stream->export_ns;
}

/* A message from before the expected place: late, or a repeat. Returns records taken back. */
static int64_t stream_fill(struct stream *stream, uint32_t first, uint32_t count)
{
    for (uint32_t i = 0; i < WINDOW_MESSAGES; i++) {
        struct gap *gap = &stream->gaps[i];
        if (gap->count == 0 || first - gap->from >= gap->count) {
            continue;
        }
        const uint32_t offset = first - gap->from;
        const uint32_t taken = count < gap->count - offset ? count : gap->count - offset;
        if (offset == 0) {
            gap->from += taken;
            gap->count -= taken;
        } else {
            /* Middle of a gap: keep the larger half open, the smaller one stays counted lost. */
            const uint32_t tail = gap->count - offset - taken;
            if (tail > offset) {
                gap->from = first + taken;
                gap->count = tail;
            } else {
                gap->count = offset;
            }
        }
        return taken;
    }
    return 0;
}

static void stream_advance(struct stream *stream, const struct tg_message *message)
{
    stream->last_sequence = message->sequence;
    stream->last_records = message->records_count;
    stream->last_options = message->options_count;
    stream->uptime_ms = message->uptime_ms;
    stream->export_ns = message->export_ns;
}

static void stream_reset(struct stream *stream, const struct tg_message *message)
{
    const uint64_t key = stream->key;
    *stream = (struct stream){.key = key, .seen_count = 1};
    stream->mode = message->sequence_kind == TG_SEQUENCE_MESSAGES ? TG_SEQUENCE_PER_MESSAGE
                                                                  : TG_SEQUENCE_LEARNING;
    stream_advance(stream, message);
}

void tg_sequence_note(struct tg_sequence *sequence, uint16_t source_id,
                      const struct tg_message *message,
                      struct tg_sequence_finding *finding)
{
    *finding = (struct tg_sequence_finding){0};
    if (message->sequence_kind == TG_SEQUENCE_NONE || message->verdict != TG_OK) {
        return;
    }
    struct stream *stream = stream_find(sequence, stream_key(source_id, message));
    if (stream == NULL) {
        return;
    }
    if (stream->seen_count == 0 && stream->export_ns == 0) {
        stream_reset(stream, message);
        finding->mode = stream->mode;
        return;
    }
    const uint32_t expected = stream_expected(stream, message);
    const int32_t ahead = (int32_t)(message->sequence - expected);
    if (ahead < 0 && stream_restarted(stream, message)) {
        /* Nothing was known yet while learning: two meters that share a domain by mistake would
         * otherwise report a restart with every message. */
        finding->is_restart = stream->mode != TG_SEQUENCE_LEARNING;
        stream_reset(stream, message);
        finding->mode = stream->mode;
        return;
    }
    if (stream->mode == TG_SEQUENCE_LEARNING) {
        stream_learn(stream, message);
        stream_advance(stream, message);
    } else if (ahead >= 0) {
        if (ahead > 0) {
            /* The gap starts where the expected message would have: for INCLUSIVE that is the
             * expected number of a message with no records. */
            const uint32_t from =
                stream->mode == TG_SEQUENCE_INCLUSIVE ? stream->last_sequence + 1 : expected;
            stream->gaps[stream->gaps_next++ % WINDOW_MESSAGES] =
                (struct gap){from, (uint32_t)ahead};
            finding->lost = ahead;
        }
        stream_advance(stream, message);
    } else {
        const uint32_t count =
            stream->mode == TG_SEQUENCE_PER_MESSAGE
                ? 1
                : records_counted(stream, message->records_count, message->options_count);
        const uint32_t first = stream->mode == TG_SEQUENCE_INCLUSIVE ? message->sequence - count + 1
                                                                     : message->sequence;
        finding->lost = -stream_fill(stream, first, count);
        finding->is_repeat = finding->lost == 0;
    }
    finding->mode = stream->mode;
}
