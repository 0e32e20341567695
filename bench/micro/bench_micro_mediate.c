/* SPDX-License-Identifier: Apache-2.0 */
/* Strip, decode, address look-up, duplicate check, sequence audit. */
#include "bench/micro/bench_micro.h"

#include "base/arena.h"
#include "base/clock.h"
#include "bench/bench_feed.h"
#include "mediate/dedup.h"
#include "mediate/sequence.h"
#include "mediate/session.h"
#include "plug/registry.h"
#include "ports/strip.h"

#include <stdlib.h>
#include <string.h>

#define FRAMES_COUNT    512u
#define ADDRESSES_COUNT 1000000u
#define QUERIES_COUNT   65536u
#define KEYS_COUNT      (1u << 20) /* of one generation */
#define HEAD_OCTETS     42u

/* ---- strip and decode: a capture of 512 datagrams, 768 KiB ---------------------------------- */

struct frames {
    struct tg_feed feed;
    const struct tg_decoder *decoder;
    void *decoder_state;
    struct tg_input inputs[FRAMES_COUNT];
    struct tg_usage rows[4096];
    uint32_t rows_input[4096];
    struct tg_refusal refusals[64];
    struct tg_message messages[FRAMES_COUNT];
    struct tg_observation observations[64];
    struct tg_session sessions[64];
    uint64_t released[64];
    uint8_t text[65536];
    uint64_t runs_count;
    uint64_t octets; /* payload or volume, by benchmark */
};

static void frames_close(void *state)
{
    struct frames *f = state;
    if (f != NULL) {
        if (f->decoder != NULL) {
            f->decoder->close(f->decoder_state);
        }
        tg_feed_close(&f->feed);
        tg_pages_free(f, sizeof *f);
    }
}

static void input_make(struct tg_input *input, const uint8_t *frame, uint32_t octets)
{
    *input = (struct tg_input){.bytes = frame + HEAD_OCTETS,
                               .length_bytes = octets - HEAD_OCTETS,
                               .source_id = 1,
                               .local_port = TG_FEED_PORT,
                               .arrival_ns = TG_FEED_START_NS + TG_NS_PER_HOUR};
}

static void *frames_open(void)
{
    struct frames *f = tg_pages_take(sizeof *f);
    if (f == NULL || tg_feed_open(&f->feed, FRAMES_COUNT, 100000, false, 50, 3) != TG_OK) {
        frames_close(f);
        return NULL;
    }
    for (uint32_t i = 0; i < FRAMES_COUNT; i++) {
        input_make(&f->inputs[i], f->feed.frames + (size_t)i * TG_FEED_STRIDE_BYTES,
                   TG_FEED_FRAME_OCTETS);
    }
    return f;
}

static uint64_t strip_run(void *state)
{
    struct frames *f = state;
    for (uint32_t i = 0; i < FRAMES_COUNT; i++) {
        struct tg_strip found;
        if (tg_strip(f->feed.frames + (size_t)i * TG_FEED_STRIDE_BYTES, TG_FEED_FRAME_OCTETS,
                     &found) == TG_OK) {
            f->octets += found.payload_bytes;
        }
    }
    f->runs_count++;
    return FRAMES_COUNT;
}

static bool strip_check(void *state)
{
    const struct frames *f = state;
    return f->octets == f->runs_count * FRAMES_COUNT * (TG_FEED_FRAME_OCTETS - HEAD_OCTETS);
}

static void out_reset(struct frames *f, struct tg_decoded *out)
{
    *out = (struct tg_decoded){.size_bytes = sizeof *out,
                               .rows_capacity = 4096,
                               .rows = f->rows,
                               .rows_input = f->rows_input,
                               .observations_capacity = 64,
                               .observations = f->observations,
                               .sessions_capacity = 64,
                               .sessions = f->sessions,
                               .refusals_capacity = 64,
                               .refusals = f->refusals,
                               .text_capacity_bytes = sizeof f->text,
                               .text = f->text,
                               .released_capacity = 64,
                               .released_keys = f->released,
                               .messages = f->messages};
}

static void *decode_open(void)
{
    struct frames *f = frames_open();
    struct tg_plug *plug = tg_plug_find(TG_PLUGIN_DECODER, "ipfix");
    const struct tg_decoder_config config = {.size_bytes = sizeof config};
    struct tg_complaint why;
    if (f == NULL || plug == NULL) {
        frames_close(f);
        return NULL;
    }
    const struct tg_decoder *decoder = plug->plugin->contract;
    if (decoder->open(&config, &f->decoder_state, &why) != TG_OK) {
        frames_close(f);
        return NULL;
    }
    f->decoder = decoder;
    struct tg_input first;
    struct tg_decoded out;
    out_reset(f, &out);
    input_make(&first, f->feed.template_frame, f->feed.template_octets);
    (void)decoder->decode(f->decoder_state, &first, 1, &out);
    return f;
}

static uint64_t decode_run(void *state)
{
    struct frames *f = state;
    uint32_t done = 0;
    uint64_t rows_count = 0;
    while (done < FRAMES_COUNT) {
        struct tg_decoded out;
        out_reset(f, &out);
        done += f->decoder->decode(f->decoder_state, &f->inputs[done], FRAMES_COUNT - done, &out);
        for (uint32_t i = 0; i < out.rows_count; i += 16) {
            f->octets += out.rows[i].quantity_up; /* a sample: the check is on the last run */
        }
        rows_count += out.rows_count;
    }
    f->runs_count++;
    return rows_count;
}

/* Decode once more and compare every row's volume with what was put in. */
static bool decode_check(void *state)
{
    struct frames *f = state;
    uint32_t done = 0;
    uint64_t at = 0;
    while (done < FRAMES_COUNT) {
        struct tg_decoded out;
        out_reset(f, &out);
        done += f->decoder->decode(f->decoder_state, &f->inputs[done], FRAMES_COUNT - done, &out);
        for (uint32_t i = 0; i < out.rows_count; i++) {
            if (out.rows[i].quantity_up != f->feed.records[at++].octets) {
                return false;
            }
        }
    }
    return at == (uint64_t)FRAMES_COUNT * TG_FEED_RECORDS;
}

/* ---- sessions: 1 M addresses, 77 MB ---------------------------------------------------------- */

struct addresses {
    struct tg_sessions *sessions;
    struct tg_session_query queries[QUERIES_COUNT];
};

static void addresses_close(void *state)
{
    struct addresses *a = state;
    if (a != NULL) {
        tg_sessions_free(a->sessions);
        tg_pages_free(a, sizeof *a);
    }
}

static void *addresses_open(void)
{
    struct addresses *a = tg_pages_take(sizeof *a);
    uint64_t random = 5;
    if (a == NULL || (a->sessions = tg_sessions_create(ADDRESSES_COUNT)) == NULL) {
        addresses_close(a);
        return NULL;
    }
    for (uint32_t i = 0; i < ADDRESSES_COUNT; i++) {
        const struct tg_session event = {.address_key = TG_FEED_ADDRESS + i,
                                         .start_ns = 1000,
                                         .end_ns = INT64_MAX,
                                         .key_kinds = tg_key_kinds(TG_KEY_IMSI, TG_KEY_IP4),
                                         .event = TG_SESSION_START};
        (void)tg_sessions_apply(a->sessions, &event, i);
    }
    for (uint32_t i = 0; i < QUERIES_COUNT; i++) {
        a->queries[i] = (struct tg_session_query){
            .address_key = TG_FEED_ADDRESS + tg_feed_random(&random) % ADDRESSES_COUNT,
            .at_ns = 2000,
            .kind = TG_KEY_IP4};
    }
    return a;
}

static uint64_t addresses_run(void *state)
{
    struct addresses *a = state;
    for (uint32_t i = 0; i < QUERIES_COUNT; i += 256) {
        tg_sessions_find(a->sessions, &a->queries[i], 256);
    }
    return QUERIES_COUNT;
}

static bool addresses_check(void *state)
{
    const struct addresses *a = state;
    for (uint32_t i = 0; i < QUERIES_COUNT; i++) {
        if (a->queries[i].subscriber != a->queries[i].address_key - TG_FEED_ADDRESS) {
            return false;
        }
    }
    return true;
}

/* ---- dedup: fresh records, and the same once more ------------------------------------------- */

struct keys {
    struct tg_dedup *dedup;
    struct tg_usage rows[256];
    uint64_t number;
    uint64_t fresh_count;
    uint64_t duplicate_count;
};

static void keys_close(void *state)
{
    struct keys *k = state;
    if (k != NULL) {
        tg_dedup_free(k->dedup);
        tg_pages_free(k, sizeof *k);
    }
}

static void *keys_open(void)
{
    struct keys *k = tg_pages_take(sizeof *k);
    if (k == NULL || (k->dedup = tg_dedup_create(KEYS_COUNT)) == NULL) {
        keys_close(k);
        return NULL;
    }
    return k;
}

/* One batch in nine is one seen before. */
static uint64_t keys_run(void *state)
{
    struct keys *k = state;
    int16_t verdicts[256];
    for (uint32_t b = 0; b < 288; b++) {
        const bool is_again = b % 9 == 8;
        for (uint32_t i = 0; i < 256 && !is_again; i++) {
            k->number++;
            k->rows[i].record_key = k->number * UINT64_C(0x9e3779b97f4a7c15);
            k->rows[i].start_ns = (int64_t)k->number;
        }
        tg_dedup_run(k->dedup, k->rows, sizeof k->rows[0], 256, verdicts);
        for (uint32_t i = 0; i < 256; i++) {
            k->fresh_count += verdicts[i] == TG_OK;
            k->duplicate_count += verdicts[i] == TG_E_DUPLICATE;
        }
    }
    return UINT64_C(288) * 256;
}

static bool keys_check(void *state)
{
    const struct keys *k = state;
    return k->fresh_count == k->number && k->duplicate_count == k->number / 8;
}

/* ---- sequence audit -------------------------------------------------------------------------- */

struct audit {
    struct tg_sequence *sequence;
    uint32_t next;
    int64_t lost_count;
    int64_t skipped_count;
};

static void audit_close(void *state)
{
    struct audit *a = state;
    if (a != NULL) {
        tg_sequence_free(a->sequence);
        tg_pages_free(a, sizeof *a);
    }
}

static void *audit_open(void)
{
    struct audit *a = tg_pages_take(sizeof *a);
    if (a == NULL || (a->sequence = tg_sequence_create(64)) == NULL) {
        audit_close(a);
        return NULL;
    }
    return a;
}

/* One message in 1,000 never comes, once the habit is learnt. */
static uint64_t audit_run(void *state)
{
    struct audit *a = state;
    for (uint32_t i = 0; i < 100000; i++) {
        struct tg_sequence_finding finding;
        const struct tg_message message = {.export_ns = 1,
                                           .domain = 9,
                                           .sequence = a->next,
                                           .records_count = 26,
                                           .sequence_kind = TG_SEQUENCE_RECORDS};
        tg_sequence_note(a->sequence, 1, &message, &finding);
        a->lost_count += finding.lost;
        a->next += 26;
        if (i % 1000 == 500) {
            a->next += 26;
            a->skipped_count += 26;
        }
    }
    return 100000;
}

static bool audit_check(void *state)
{
    const struct audit *a = state;
    return a->lost_count == a->skipped_count && a->lost_count > 0;
}

const struct tg_micro tg_micro_mediate[] = {
    {"ports strip", "a frame: 42 octets read, no random line", frames_open, strip_run, strip_check,
     frames_close, NULL},
    {"ipfix decode", "a record: 55 octets in, 64 out, no random line", decode_open, decode_run,
     decode_check, frames_close, NULL},
    {"mediate session find", "an address: 2 random lines of 77 MB", addresses_open, addresses_run,
     addresses_check, addresses_close, NULL},
    {"mediate dedup", "a record: 1 random line of 56 MB", keys_open, keys_run, keys_check,
     keys_close, NULL},
    {"mediate sequence", "a message: 1 line, always the same", audit_open, audit_run, audit_check,
     audit_close, NULL},
    {.name = NULL}};
