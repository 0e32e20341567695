/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Syslog decoder: log messages in, observations out.
 *
 *  Source: RFC 5424, RFC 3164, RFC 5426 (UDP), RFC 6587 3.4 (octet counting, newline framing).
 *  Threads: one state, one ingest lcore. Allocates: in open only. Cost: one pass a message.
 *
 *  (1) A refused message takes only its own frame with it, except behind a broken octet count,
 * where nobody can know where the next frame begins: the rest of the input is one refusal. (2) When
 * the output is full the position within the input is kept, and the next call, which the contract
 * says begins with the same input, goes on there.
 */
#include "syslog_read.h"

#include "abi/decoder.h"
#include "abi/key.h"
#include "lib/append.h"
#include "lib/civil.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a text may take in the arena: host, app, msgid, body, a NUL each; text_bytes has 16 bits. */
#define TEXT_BYTES_MAX 65535u
/* RFC 6587 3.4.1 sets no limit; 7 digits are more than a chunk holds. */
#define COUNT_DIGITS_MAX 7u

enum framing {
    FRAMING_AUTO = 0, /* A datagram is a message, a file is lines. */
    FRAMING_DATAGRAM,
    FRAMING_NEWLINE,
    FRAMING_OCTET_COUNTING
};

struct syslog_state {
    struct tg_syslog_rules rules;
    enum framing framing;
    /* Where to go on in the input that was left unfinished. */
    uint32_t resume_offset;
    uint32_t resume_length_bytes;
    uint64_t resume_place; /* file_key + offset_bytes of that input. */
    struct tg_message resume_message;
};

/* One frame of an input. */
struct frame {
    uint32_t offset;
    uint32_t length_bytes;
    uint32_t next_offset;
    int16_t reason; /* TG_OK, or why it is no frame. */
};

static enum tg_err syslog_open(const struct tg_decoder_config *config, void **state,
                               struct tg_complaint *why);
static void syslog_close(void *state);
static bool syslog_probe(const uint8_t *bytes, uint32_t length_bytes);
static uint32_t syslog_decode(void *state, const struct tg_input *inputs, uint32_t inputs_count,
                              struct tg_decoded *out);

static const struct tg_decoder contract = {
    .size_bytes = sizeof(struct tg_decoder),
    .state_version = 1,
    .probe = syslog_probe,
    .open = syslog_open,
    .close = syslog_close,
    .decode = syslog_decode,
};

TG_PLUGIN(syslog, TG_PLUGIN_DECODER, struct tg_decoder, contract, "1.0",
          "Syslog messages, RFC 5424 and RFC 3164, as node observations");

static enum tg_err apply_setting(struct syslog_state *state, const struct tg_setting *setting,
                                 struct tg_complaint *why);
static bool decode_input(struct syslog_state *state, const struct tg_input *input,
                         uint32_t input_index, struct tg_decoded *out);
static bool next_frame(const struct tg_input *input, enum framing framing, uint32_t offset,
                       struct frame *frame);
static bool counted_frame(const struct tg_input *input, uint32_t offset, struct frame *frame);
static bool decode_frame(struct syslog_state *state, const struct tg_input *input,
                         uint32_t input_index, const struct frame *frame, struct tg_decoded *out);
static bool refuse(const struct tg_input *input, uint32_t input_index, const struct frame *frame,
                   const struct tg_refusal *refusal, uint32_t error_offset, struct tg_decoded *out);
static void write_text(struct tg_decoded *out, const struct tg_syslog_message *message);

static enum tg_err syslog_open(const struct tg_decoder_config *config, void **state,
                               struct tg_complaint *why)
{
    *state = NULL;
    why->setting_index = UINT32_MAX;
    struct syslog_state *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        snprintf(why->text, sizeof(why->text), "no memory for the decoder's state");
        return TG_E_NO_MEMORY;
    }
    for (uint32_t i = 0; i < config->settings_count; i++) {
        const enum tg_err err = apply_setting(made, &config->settings[i], why);
        if (err != TG_OK) {
            why->setting_index = i;
            free(made);
            return err;
        }
    }
    *state = made;
    return TG_OK;
}

static void syslog_close(void *state)
{
    free(state);
}

static bool syslog_probe(const uint8_t *bytes, uint32_t length_bytes)
{
    return length_bytes >= 3 && bytes[0] == '<' && bytes[1] >= '0' && bytes[1] <= '9';
}

static uint32_t syslog_decode(void *state, const struct tg_input *inputs, uint32_t inputs_count,
                              struct tg_decoded *out)
{
    for (uint32_t i = 0; i < inputs_count; i++) {
        if (!decode_input(state, &inputs[i], i, out)) {
            return i;
        }
    }
    return inputs_count;
}

static enum tg_err apply_setting(struct syslog_state *state, const struct tg_setting *setting,
                                 struct tg_complaint *why)
{
    static const char *const framings[] = {"auto", "datagram", "newline", "octet-counting"};
    const char *value = setting->value;
    const size_t length = strlen(value);
    if (strcmp(setting->key, "framing") == 0) {
        for (unsigned i = 0; i < sizeof(framings) / sizeof(framings[0]); i++) {
            if (strcmp(framings[i], value) == 0) {
                state->framing = (enum framing)i;
                return TG_OK;
            }
        }
        snprintf(why->text, sizeof(why->text),
                 "framing: %s is none of auto, datagram, newline, octet-counting", value);
        return TG_E_INVALID;
    }
    if (strcmp(setting->key, "utc_offset") == 0) {
        if (length > 0 && tg_civil_zone(value, length, &state->rules.utc_offset_s) == length) {
            return TG_OK;
        }
        snprintf(why->text, sizeof(why->text), "utc_offset: %s is no offset such as +01:00", value);
        return TG_E_INVALID;
    }
    if (strcmp(setting->key, "version") == 0 &&
        (strcmp(value, "1") == 0 || strcmp(value, "any") == 0)) {
        state->rules.only_first_version = value[0] == '1';
        return TG_OK;
    }
    snprintf(why->text, sizeof(why->text),
             "%s: %s: the syslog decoder knows `framing`, `utc_offset` and `version: any|1`",
             setting->key, value);
    return TG_E_INVALID;
}

/* Returns false when the output is full; the state then says where to go on. */
static bool decode_input(struct syslog_state *state, const struct tg_input *input,
                         uint32_t input_index, struct tg_decoded *out)
{
    struct tg_message *message = &out->messages[input_index];
    const enum framing framing = state->framing != FRAMING_AUTO ? state->framing
                                 : input->file_key != 0         ? FRAMING_NEWLINE
                                                                : FRAMING_DATAGRAM;
    *message = (struct tg_message){.export_ns = input->arrival_ns};
    uint32_t offset = 0;
    if (state->resume_offset > 0 && state->resume_length_bytes == input->length_bytes &&
        state->resume_place == input->file_key + input->offset_bytes) {
        offset = state->resume_offset;
        *message = state->resume_message;
    }
    state->resume_offset = 0;
    struct frame frame;
    while (next_frame(input, framing, offset, &frame)) {
        if (!decode_frame(state, input, input_index, &frame, out)) {
            state->resume_offset = offset;
            state->resume_length_bytes = input->length_bytes;
            state->resume_place = input->file_key + input->offset_bytes;
            state->resume_message = *message;
            return false;
        }
        offset = frame.next_offset;
    }
    /* An input that is one message and is refused is unusable as a whole. */
    if (framing != FRAMING_DATAGRAM) {
        message->verdict = TG_OK;
    }
    return true;
}

/* Returns false at the end of the input. Empty lines are no messages. */
static bool next_frame(const struct tg_input *input, enum framing framing, uint32_t offset,
                       struct frame *frame)
{
    const uint32_t length = input->length_bytes;
    if (framing == FRAMING_DATAGRAM) {
        *frame = (struct frame){offset, length - offset, length, TG_OK};
        return offset < length;
    }
    while (offset < length && (input->bytes[offset] == '\n' || input->bytes[offset] == '\r')) {
        offset++;
    }
    if (offset == length) {
        return false;
    }
    if (framing == FRAMING_OCTET_COUNTING) {
        return counted_frame(input, offset, frame);
    }
    const uint8_t *newline = memchr(input->bytes + offset, '\n', length - offset);
    const uint32_t end = newline != NULL ? (uint32_t)(newline - input->bytes) : length;
    *frame = (struct frame){offset, end - offset, end, TG_OK};
    return true;
}

/* RFC 6587 3.4.1: MSG-LEN SP SYSLOG-MSG, MSG-LEN without leading zero. */
static bool counted_frame(const struct tg_input *input, uint32_t offset, struct frame *frame)
{
    const uint32_t length = input->length_bytes;
    uint32_t at = offset;
    uint32_t count = 0;
    while (at < length && at - offset < COUNT_DIGITS_MAX && input->bytes[at] >= '0' &&
           input->bytes[at] <= '9') {
        count = count * 10 + (uint32_t)(input->bytes[at] - '0');
        at++;
    }
    *frame = (struct frame){offset, length - offset, length, TG_OK};
    if (at < length && (at == offset || input->bytes[offset] == '0' || input->bytes[at] != ' ')) {
        frame->reason = TG_E_DECODE_SYNTAX;
        return true;
    }
    if (at == length || count > length - at - 1) {
        frame->reason = TG_E_TRUNCATED;
        return true;
    }
    *frame = (struct frame){at + 1, count, at + 1 + count, TG_OK};
    return true;
}

static bool decode_frame(struct syslog_state *state, const struct tg_input *input,
                         uint32_t input_index, const struct frame *frame, struct tg_decoded *out)
{
    struct tg_message *message = &out->messages[input_index];
    if (frame->reason != TG_OK) {
        const struct tg_refusal refusal = {.reason = frame->reason, .field = "msg-len"};
        return refuse(input, input_index, frame, &refusal, frame->offset, out);
    }
    const uint8_t *bytes = input->bytes + frame->offset;
    struct tg_syslog_message read;
    enum tg_err err =
        tg_syslog_read(bytes, frame->length_bytes, input->arrival_ns, &state->rules, &read);
    const uint32_t text_bytes = read.host.length_bytes + read.app.length_bytes +
                                read.msgid.length_bytes + read.data.length_bytes +
                                (read.data.length_bytes > 0 && read.body.length_bytes > 0) +
                                read.body.length_bytes + 4;
    if (err == TG_OK && text_bytes > TEXT_BYTES_MAX) {
        err = TG_E_LENGTH;
        read.error_offset = 0;
        read.error_field = "msg";
    }
    if (err != TG_OK) {
        const struct tg_refusal refusal = {.reason = (int16_t)err, .field = read.error_field};
        return refuse(input, input_index, frame, &refusal, frame->offset + read.error_offset, out);
    }
    if (tg_out_observations_left(out) == 0 || tg_out_text_left_bytes(out) < text_bytes) {
        return false;
    }
    const uint64_t sender = tg_key_hash(0, input->from.address, sizeof(input->from.address));
    const struct tg_observation observation = {
        .event_ns = read.event_ns,
        .arrival_ns = input->arrival_ns,
        .qualifier = read.qualifier,
        .record_key = tg_key_hash(sender, bytes, frame->length_bytes),
        .text_offset = out->text_bytes,
        .text_bytes = (uint16_t)text_bytes,
        .source_id = input->source_id,
        .sequence = read.sequence_id,
        .kind = TG_OBSERVATION_LOG,
        .severity = read.severity,
        .facility = read.facility,
    };
    write_text(out, &read);
    tg_out_observation(out, &observation);
    message->export_ns = message->records_count == 0 ? read.event_ns : message->export_ns;
    message->records_count++;
    return true;
}

static bool refuse(const struct tg_input *input, uint32_t input_index, const struct frame *frame,
                   const struct tg_refusal *refusal, uint32_t error_offset, struct tg_decoded *out)
{
    struct tg_message *message = &out->messages[input_index];
    struct tg_refusal whole = *refusal;
    whole.input_index = input_index;
    whole.offset_bytes = frame->offset;
    whole.length_bytes = frame->length_bytes;
    whole.source_id = input->source_id;
    if (!tg_out_refusal(out, &whole)) {
        return false;
    }
    if (message->verdict == TG_OK) {
        message->verdict = refusal->reason;
        message->error_offset = error_offset;
    }
    return true;
}

/* host NUL app NUL msgid NUL [data SP] body NUL. RFC 5424 8.2 lets a receiver change control
 * characters: a NUL within the body becomes a space, or it would end the text for every reader. */
static void write_text(struct tg_decoded *out, const struct tg_syslog_message *message)
{
    const struct tg_syslog_span *const words[] = {&message->host, &message->app, &message->msgid};
    for (unsigned i = 0; i < 3; i++) {
        tg_out_text(out, words[i]->bytes, words[i]->length_bytes, NULL);
        tg_out_text(out, "", 1, NULL);
    }
    tg_out_text(out, message->data.bytes, message->data.length_bytes, NULL);
    if (message->data.length_bytes > 0 && message->body.length_bytes > 0) {
        tg_out_text(out, " ", 1, NULL);
    }
    uint8_t *body = out->text + out->text_bytes;
    tg_out_text(out, message->body.bytes, message->body.length_bytes, NULL);
    for (uint32_t i = 0; i < message->body.length_bytes; i++) {
        body[i] = body[i] == '\0' ? ' ' : body[i];
    }
    tg_out_text(out, "", 1, NULL);
}
