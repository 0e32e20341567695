/* SPDX-License-Identifier: Apache-2.0 */
/* Decoders of `tollgate decode`. A decoder's state is opened when the first input is its own: a
 * RADIUS secret is only asked of somebody who brings RADIUS. */
#include "cli/decode_feed.h"

#include "cli/decode_late.h"
#include "mediate/source.h"
#include "plug/registry.h"

#include <stdlib.h>
#include <string.h>

/* A datagram has fewer rows than octets, a chunk of a file has at most 256 columns a row: so the
 * fields below never run out, and a datagram's message is complete when its rows are printed. */
#define DATAGRAM_ROWS_MAX 65536u
#define CHUNK_ROWS_MAX    1024u
#define FIELDS_MAX        262144u
#define EVENTS_MAX        4096u
#define TEXT_BYTES        (1u << 20)
#define FLUSH_BYTES       ((size_t)1 << 18)
#define SLOTS_MAX         32u
#define HASH_SEED         UINT64_C(0x746f6c6c67617465)

struct slot {
    const char *name;
    const struct tg_decoder *decoder;
    void *state;
    bool is_tried;
    struct tg_complaint complaint; /* why it is not open */
};

struct tg_decode_feed {
    struct tg_decode_options *options;
    struct tg_decode_counts counts;
    struct tg_sources *sources;
    struct tg_decode_late late;
    uint32_t slots_count;
    struct slot slots[SLOTS_MAX];
    struct tg_text rows_text;
    struct tg_text refusals_text;
    bool has_failed;
    struct tg_message message;
    struct tg_decoded out;
};

/* One decode call, for those who print what came of it. */
struct call {
    struct tg_decode_feed *feed;
    const struct slot *slot;
    const struct tg_input *input; /* NULL: expire() */
    struct tg_decode_origin origin;
};

/* ---- opening ------------------------------------------------------------------------------- */

static bool feed_take_arrays(struct tg_decode_feed *feed)
{
    struct tg_decoded *out = &feed->out;
    out->size_bytes = sizeof *out;
    out->rows_capacity = DATAGRAM_ROWS_MAX;
    out->rows = aligned_alloc(64, DATAGRAM_ROWS_MAX * sizeof *out->rows);
    out->rows_input = calloc(DATAGRAM_ROWS_MAX, sizeof *out->rows_input);
    out->observations_capacity = EVENTS_MAX;
    out->observations = calloc(EVENTS_MAX, sizeof *out->observations);
    out->sessions_capacity = EVENTS_MAX;
    out->sessions = calloc(EVENTS_MAX, sizeof *out->sessions);
    out->refusals_capacity = EVENTS_MAX;
    out->refusals = calloc(EVENTS_MAX, sizeof *out->refusals);
    out->text_capacity_bytes = TEXT_BYTES;
    out->text = calloc(1, TEXT_BYTES);
    out->released_capacity = EVENTS_MAX;
    out->released_keys = calloc(EVENTS_MAX, sizeof *out->released_keys);
    out->messages = &feed->message;
    out->fields_capacity = FIELDS_MAX;
    out->fields = calloc(FIELDS_MAX, sizeof *out->fields);
    return out->rows != NULL && out->rows_input != NULL && out->observations != NULL &&
           out->sessions != NULL && out->refusals != NULL && out->text != NULL &&
           out->released_keys != NULL && out->fields != NULL;
}

static bool name_leads(const char *key, const char *name)
{
    const size_t length = strlen(name);
    return strncmp(key, name, length) == 0 && key[length] == '.';
}

/* Whose setting is it? "radius.secret.default" is radius'; one without a decoder's name is for
 * whoever understands it. */
static bool setting_is_for(const struct tg_decode_feed *feed, const char *key, const char *name)
{
    for (uint32_t i = 0; i < feed->slots_count; i++) {
        if (name_leads(key, feed->slots[i].name)) {
            return strcmp(feed->slots[i].name, name) == 0;
        }
    }
    return true;
}

static const char *setting_key(const char *key, const char *name)
{
    return name_leads(key, name) ? key + strlen(name) + 1 : key;
}

/* Opens with all settings that may be meant for it; one that the decoder does not know is somebody
 * else's, unless it was addressed to it by name or is the only decoder in use. */
static enum tg_err slot_open(struct tg_decode_feed *feed, struct slot *slot)
{
    struct tg_decode_options *options = feed->options;
    static struct tg_setting settings[TG_DECODE_SETTINGS_MAX];
    uint32_t origins[TG_DECODE_SETTINGS_MAX];
    uint32_t count = 0;
    slot->is_tried = true;
    for (uint32_t i = 0; i < options->settings_count; i++) {
        if (setting_is_for(feed, options->settings[i].key, slot->name)) {
            settings[count] = options->settings[i];
            settings[count].key = setting_key(settings[count].key, slot->name);
            origins[count++] = i;
        }
    }
    for (;;) {
        const struct tg_decoder_config config = {.size_bytes = sizeof config,
                                                 .settings_count = count,
                                                 .settings = settings,
                                                 .hash_seed = HASH_SEED};
        slot->complaint = (struct tg_complaint){.text = "", .setting_index = UINT32_MAX};
        const enum tg_err err = slot->decoder->open(&config, &slot->state, &slot->complaint);
        const uint32_t at = slot->complaint.setting_index;
        if (err == TG_OK) {
            for (uint32_t i = 0; i < count; i++) {
                options->is_taken[origins[i]] = true;
            }
            return TG_OK;
        }
        if (at >= count || options->decoder != NULL ||
            settings[at].key != options->settings[origins[at]].key) {
            return err;
        }
        count--;
        memmove(&settings[at], &settings[at + 1], (count - at) * sizeof settings[0]);
        memmove(&origins[at], &origins[at + 1], (count - at) * sizeof origins[0]);
    }
}

static void feed_list_decoders(struct tg_decode_feed *feed)
{
    for (uint32_t i = 0; i < tg_plug_count() && feed->slots_count < SLOTS_MAX; i++) {
        const struct tg_plug *plug = tg_plug_at(i);
        if (plug->plugin->kind == TG_PLUGIN_DECODER && plug->origin != TG_PLUG_REFUSED) {
            feed->slots[feed->slots_count++] =
                (struct slot){.name = plug->name, .decoder = plug->plugin->contract};
        }
    }
}

enum tg_err tg_decode_feed_open(struct tg_decode_options *options, struct tg_decode_feed **feed,
                                struct tg_why *why)
{
    *feed = NULL;
    struct tg_decode_feed *made = calloc(1, sizeof *made);
    if (made != NULL) {
        made->options = options;
        made->sources = tg_sources_create();
    }
    if (made == NULL || made->sources == NULL || !feed_take_arrays(made)) {
        tg_decode_feed_close(made);
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for a decoder's output");
    }
    feed_list_decoders(made);
    if (options->decoder != NULL) {
        const uint32_t index = tg_decode_feed_named(made, options->decoder);
        if (index == TG_DECODE_NOBODY) {
            tg_decode_feed_close(made);
            return tg_why_set(why, TG_E_NOT_FOUND,
                              "no decoder is called '%s'; `tollgate plugin list` shows them",
                              options->decoder);
        }
        struct slot *slot = &made->slots[index];
        const enum tg_err err = slot_open(made, slot);
        if (err != TG_OK) {
            (void)tg_why_set(why, err, "decoder %s: %s", slot->name, slot->complaint.text);
            tg_decode_feed_close(made);
            return err;
        }
    }
    *feed = made;
    return TG_OK;
}

void tg_decode_feed_close(struct tg_decode_feed *feed)
{
    if (feed == NULL) {
        return;
    }
    for (uint32_t i = 0; i < feed->slots_count; i++) {
        if (feed->slots[i].state != NULL) {
            feed->slots[i].decoder->close(feed->slots[i].state);
        }
    }
    tg_decode_late_close(&feed->late);
    tg_sources_free(feed->sources);
    tg_text_free(&feed->rows_text);
    tg_text_free(&feed->refusals_text);
    free(feed->out.rows);
    free(feed->out.rows_input);
    free(feed->out.observations);
    free(feed->out.sessions);
    free(feed->out.refusals);
    free(feed->out.text);
    free(feed->out.released_keys);
    free(feed->out.fields);
    free(feed);
}

/* ---- finding ------------------------------------------------------------------------------- */

uint32_t tg_decode_feed_named(const struct tg_decode_feed *feed, const char *name)
{
    for (uint32_t i = 0; i < feed->slots_count; i++) {
        if (strcmp(feed->slots[i].name, name) == 0) {
            return i;
        }
    }
    return TG_DECODE_NOBODY;
}

uint32_t tg_decode_feed_probe(const struct tg_decode_feed *feed, const uint8_t *bytes,
                              uint32_t length_bytes)
{
    if (feed->options->decoder != NULL) {
        return tg_decode_feed_named(feed, feed->options->decoder);
    }
    for (uint32_t i = 0; i < feed->slots_count; i++) {
        const struct tg_decoder *decoder = feed->slots[i].decoder;
        if (decoder->probe != NULL && decoder->probe(bytes, length_bytes)) {
            return i;
        }
    }
    return TG_DECODE_NOBODY;
}

const char *tg_decode_feed_name(const struct tg_decode_feed *feed, uint32_t slot)
{
    return slot < feed->slots_count ? feed->slots[slot].name : NULL;
}

const struct tg_decode_counts *tg_decode_feed_counts(const struct tg_decode_feed *feed)
{
    return &feed->counts;
}

/* ---- printing ------------------------------------------------------------------------------ */

static void rows_flush(struct tg_decode_feed *feed, size_t when_bytes)
{
    if (feed->rows_text.used_bytes >= when_bytes && !tg_text_flush(&feed->rows_text, stdout)) {
        feed->has_failed = true;
    }
}

static void reason_count(struct tg_decode_counts *counts, int reason)
{
    uint32_t at = 0;
    while (at < counts->reasons_count && counts->reasons[at].reason != reason) {
        at++;
    }
    if (at == TG_DECODE_REASONS_MAX) {
        return;
    }
    counts->reasons[at].reason = reason;
    counts->reasons[at].count++;
    counts->reasons_count += at == counts->reasons_count ? 1 : 0;
}

void tg_decode_feed_refuse(struct tg_decode_feed *feed, const struct tg_decode_refusal *refusal)
{
    feed->counts.refusals_count++;
    reason_count(&feed->counts, refusal->reason);
    tg_decode_print_refusal(&feed->refusals_text, refusal);
    (void)tg_text_flush(&feed->refusals_text, stderr);
}

static bool is_within(const uint8_t *at, const struct tg_input *input)
{
    return input != NULL && (uintptr_t)at >= (uintptr_t)input->bytes &&
           (uintptr_t)at - (uintptr_t)input->bytes < input->length_bytes;
}

/* The first octet of a record's fields that lies in the input (or else in the text arena: then it
 * waited for its template). Fields may also point at constants, which are nowhere. */
static const uint8_t *fields_first(const struct call *call, const struct tg_field *fields,
                                   uint32_t count, bool *is_late)
{
    const struct tg_decoded *out = &call->feed->out;
    const uint8_t *first = NULL;
    *is_late = false;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *at = fields[i].bytes;
        const bool is_here = is_within(at, call->input);
        const bool is_waiting = !is_here && (uintptr_t)at >= (uintptr_t)out->text &&
                                (uintptr_t)at < (uintptr_t)out->text + out->text_bytes;
        if (fields[i].length_bytes > 0 && (is_here || is_waiting) &&
            (first == NULL || at < first)) {
            first = at;
            *is_late = is_waiting;
        }
    }
    return first;
}

/* Where a record begins: at its first field, or at its line when it is one of a file. */
static void row_place(const struct call *call, const struct tg_field *fields, uint32_t count,
                      struct tg_decode_origin *origin)
{
    const uint8_t *first = fields_first(call, fields, count, &origin->is_late);
    if (first == NULL) {
        return;
    }
    if (origin->is_late) {
        tg_decode_late_place(&call->feed->late, &call->feed->out, first, origin);
        origin->is_late = true;
        return;
    }
    while (call->input->file_key != 0 && first > call->input->bytes &&
           (first[-1] == '"' || first[-1] == ' ' || first[-1] == '\t')) {
        first--;
    }
    origin->offset_bytes += (uint64_t)(first - call->input->bytes);
}

static void print_row(const struct call *call, const struct tg_usage *row,
                      const struct tg_field *fields, uint32_t fields_count)
{
    struct tg_decode_feed *feed = call->feed;
    const bool is_options = row->service == TG_SERVICE_OPTIONS;
    struct tg_decode_origin origin = call->origin;
    row_place(call, fields, fields_count, &origin);
    if (!origin.is_late) {
        tg_decode_late_again(&feed->late, row->record_key);
    }
    feed->counts.options_count += is_options ? 1 : 0;
    if (is_options && feed->options->omits_options) {
        return;
    }
    feed->counts.rows_count++;
    const size_t start = feed->rows_text.used_bytes;
    tg_decode_print_row(&feed->rows_text, &origin, row, fields, fields_count);
    if (origin.is_late &&
        tg_decode_late_hold(&feed->late, row->record_key, feed->rows_text.bytes + start,
                            feed->rows_text.used_bytes - start)) {
        feed->rows_text.used_bytes = start;
    }
    rows_flush(feed, FLUSH_BYTES);
}

/* Fields come in the order of their rows. */
static void print_rows(const struct call *call)
{
    const struct tg_decoded *out = &call->feed->out;
    uint32_t at = 0;
    for (uint32_t i = 0; i < out->rows_count; i++) {
        const uint32_t first = at;
        while (at < out->fields_count && out->fields[at].row_index <= i) {
            at++;
        }
        print_row(call, &out->rows[i], out->fields + first, at - first);
    }
}

static void print_events(const struct call *call)
{
    struct tg_decode_feed *feed = call->feed;
    const struct tg_decoded *out = &feed->out;
    feed->counts.sessions_count += out->sessions_count;
    feed->counts.observations_count += out->observations_count;
    for (uint32_t i = 0; i < out->sessions_count && feed->options->wants_all; i++) {
        tg_decode_print_session(&feed->rows_text, &call->origin, &out->sessions[i]);
    }
    for (uint32_t i = 0; i < out->observations_count && feed->options->wants_all; i++) {
        tg_decode_print_observation(&feed->rows_text, &call->origin, &out->observations[i],
                                    out->text);
    }
    rows_flush(feed, FLUSH_BYTES);
}

/* A refusal of bytes that waited is printed at the place they came from. */
static void print_late_refusal(const struct call *call, const struct tg_refusal *refused,
                               struct tg_decode_refusal *line)
{
    struct tg_decode_feed *feed = call->feed;
    const struct tg_decode_parked *parked = tg_decode_late_parked(&feed->late, refused->record_key);
    if (parked != NULL && call->input == NULL) {
        line->origin = parked->origin;
        line->origin.from = parked->has_from ? &parked->from : NULL;
        line->origin.is_late = true;
        line->length_bytes = parked->length_bytes;
        line->payload_offset = parked->payload_offset;
    } else {
        tg_decode_late_place(&feed->late, &feed->out, feed->out.text + refused->offset_bytes,
                             &line->origin);
        line->origin.is_late = true;
    }
    tg_decode_feed_refuse(feed, line);
}

static void print_refusals(const struct call *call)
{
    struct tg_decode_feed *feed = call->feed;
    const struct tg_decoded *out = &feed->out;
    for (uint32_t i = 0; i < out->refusals_count; i++) {
        const struct tg_refusal *refused = &out->refusals[i];
        struct tg_decode_refusal line = {.origin = call->origin,
                                         .length_bytes = refused->length_bytes,
                                         .payload_offset = refused->offset_bytes,
                                         .reason = refused->reason,
                                         .field = refused->field};
        if (refused->input_index == UINT32_MAX) {
            print_late_refusal(call, refused, &line);
            continue;
        }
        line.origin.offset_bytes += refused->offset_bytes;
        if (refused->reason == TG_E_PARKED) {
            feed->counts.parked_count++;
            tg_decode_late_park(&feed->late, refused, &line.origin, call->input);
            continue;
        }
        line.has_fault_offset = feed->message.verdict == refused->reason;
        line.fault_offset = call->origin.offset_bytes + feed->message.error_offset;
        tg_decode_feed_refuse(feed, &line);
    }
}

static void call_reset(struct tg_decode_feed *feed, const struct tg_input *input)
{
    struct tg_decoded *out = &feed->out;
    out->rows_capacity = input != NULL && input->file_key != 0 ? CHUNK_ROWS_MAX : DATAGRAM_ROWS_MAX;
    out->rows_count = out->observations_count = out->sessions_count = 0;
    out->refusals_count = out->text_bytes = out->released_count = out->fields_count = 0;
    feed->message = (struct tg_message){.verdict = TG_OK};
}

static void call_print(struct call *call)
{
    call->origin.domain = call->feed->message.domain;
    print_rows(call);
    print_events(call);
    print_refusals(call);
    tg_decode_late_release(&call->feed->late, call->feed->out.released_keys,
                           call->feed->out.released_count);
}

/* ---- feeding ------------------------------------------------------------------------------- */

static void refuse_input(struct tg_decode_feed *feed, const struct slot *slot,
                         const struct tg_input *input, const struct tg_decode_origin *origin)
{
    struct tg_decode_refusal line = {.origin = *origin,
                                     .length_bytes = input->length_bytes,
                                     .reason = TG_E_NO_DECODER,
                                     .note = slot != NULL ? slot->complaint.text : NULL};
    line.origin.decoder = slot != NULL ? slot->name : NULL;
    tg_decode_feed_refuse(feed, &line);
}

bool tg_decode_feed_input(struct tg_decode_feed *feed, uint32_t slot_index, struct tg_input *input,
                          const struct tg_decode_origin *origin)
{
    struct slot *slot = slot_index < feed->slots_count ? &feed->slots[slot_index] : NULL;
    feed->counts.inputs_count++;
    if (slot != NULL && slot->state == NULL && !slot->is_tried) {
        (void)slot_open(feed, slot);
    }
    if (slot == NULL || slot->state == NULL) {
        refuse_input(feed, slot, input, origin);
        return !feed->has_failed;
    }
    struct tg_source_key key;
    bool is_new;
    tg_source_key_of(input, input->file_key, &key);
    input->source_id = tg_sources_find(feed->sources, &key, &is_new);
    struct call call = {.feed = feed, .slot = slot, .input = input, .origin = *origin};
    call.origin.decoder = slot->name;
    uint32_t finished = 0;
    while (finished == 0 && !feed->has_failed) {
        call_reset(feed, input);
        finished = slot->decoder->decode(slot->state, input, 1, &feed->out);
        const struct tg_decoded *out = &feed->out;
        const bool is_stuck = finished == 0 && out->rows_count == 0 && out->refusals_count == 0 &&
                              out->sessions_count == 0 && out->observations_count == 0 &&
                              out->text_bytes == 0;
        call_print(&call);
        if (is_stuck) {
            slot->complaint = (struct tg_complaint){.text = "the decoder made no progress"};
            refuse_input(feed, slot, input, origin);
            break;
        }
    }
    return !feed->has_failed;
}

static void expire_all(struct tg_decode_feed *feed, struct slot *slot)
{
    struct call call = {.feed = feed, .slot = slot, .origin = {.file = "", .decoder = slot->name}};
    bool is_more = slot->state != NULL && slot->decoder->expire != NULL;
    while (is_more) {
        call_reset(feed, NULL);
        is_more = slot->decoder->expire(slot->state, INT64_MAX, &feed->out);
        is_more = is_more && feed->out.refusals_count > 0;
        call_print(&call);
    }
}

bool tg_decode_feed_end(struct tg_decode_feed *feed)
{
    for (uint32_t i = 0; i < feed->slots_count; i++) {
        expire_all(feed, &feed->slots[i]);
    }
    const uint64_t again = tg_decode_late_print(&feed->late, &feed->rows_text);
    feed->counts.late_again_count += again;
    feed->counts.rows_count -= again;
    rows_flush(feed, 0);
    if (fflush(stdout) != 0) {
        feed->has_failed = true;
    }
    return !feed->has_failed;
}
