/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief NetFlow v5: one datagram in, up to 30 usage rows out.
 *
 *  Source: Cisco NetFlow v5 export datagram; header 24 octets, record 48 octets, big-endian.
 *  Threads: one owner per state. Allocates: only open. Cost: the gather loop of lib/flowgather.c.
 *
 *  The record is a template that never changes: schemas/netflow/netflow5.tsv gives its fields, the
 *  same compiler and loop as for NetFlow v9 do the rest. The state is that plan and the position
 *  in a datagram whose rows did not all fit.
 */
#include "lib/append.h"
#include "lib/cursor.h"
#include "lib/flowwalk.h"

#include <stdio.h>
#include <stdlib.h>

#define WIRE_VERSION      5u
#define HEADER_OCTETS     24u
#define RECORD_OCTETS     48u
#define RECORDS_COUNT_MAX 30u /* 24 + 30 * 48 = 1464 octets fit an Ethernet frame */
#define RECORD_FIELDS     20u
#define NS_PER_S          INT64_C(1000000000)

/** One column of schemas/netflow/netflow5.tsv. */
struct column {
    const char *name;
    uint16_t element;
    uint16_t octets;
    uint8_t type;
};

static const struct column columns[RECORD_FIELDS] = {
#define TG_ROW(number, width, text, kind, use)                                                     \
    {.name = (text), .element = (number), .octets = (width), .type = (kind)},
#include "netflow5_record.def"
#undef TG_ROW
};

/** State of the decoder. */
struct netflow5 {
    struct tg_flow_plan plan;
    struct tg_flow_field fields[RECORD_FIELDS];
    struct tg_message message;      /* of the input being decoded */
    struct tg_flow_context context; /* of the same */
    uint32_t at;                    /* next octet; 0: the header is still to be read */
    uint32_t end;                   /* one past the last whole record announced */
};

static bool probe(const uint8_t *bytes, uint32_t length_bytes)
{
    return tg_flow_is_version(bytes, length_bytes, WIRE_VERSION);
}

static enum tg_err open_state(const struct tg_decoder_config *config, void **state,
                              struct tg_complaint *why)
{
    *state = NULL;
    if (config->settings_count > 0) {
        why->setting_index = 0;
        snprintf(why->text, sizeof(why->text), "netflow5 has no settings; remove %.60s",
                 config->settings[0].key);
        return TG_E_INVALID;
    }
    struct netflow5 *self = calloc(1, sizeof(*self));
    if (self == NULL) {
        why->setting_index = UINT32_MAX;
        snprintf(why->text, sizeof(why->text), "no memory for the decoder");
        return TG_E_NO_MEMORY;
    }
    for (uint32_t i = 0; i < RECORD_FIELDS; i++) {
        self->fields[i].element = columns[i].element;
        self->fields[i].length_octets = columns[i].octets;
    }
    /* Meanings are NetFlow v9's, whose first types are the v5 fields. */
    const enum tg_err result =
        tg_flow_plan_compile(9, false, self->fields, RECORD_FIELDS, &self->plan);
    if (result != TG_OK || self->plan.record_octets != RECORD_OCTETS) {
        free(self);
        why->setting_index = UINT32_MAX;
        snprintf(why->text, sizeof(why->text), "netflow5.tsv does not describe 48 octets");
        return TG_E_TEMPLATE;
    }
    *state = self;
    return TG_OK;
}

static bool refuse(const struct tg_input *input, uint32_t index, uint32_t offset, uint32_t length,
                   enum tg_err reason, const char *field, struct tg_decoded *out)
{
    const struct tg_refusal refusal = {.input_index = index,
                                       .offset_bytes = offset,
                                       .length_bytes = length,
                                       .reason = (int16_t)reason,
                                       .source_id = input->source_id,
                                       .field = field};
    return tg_out_refusal(out, &refusal);
}

static enum tg_err header_read(struct netflow5 *self, const struct tg_input *input, uint32_t *fault)
{
    struct tg_cursor c = tg_cursor(input->bytes, input->length_bytes);
    struct tg_message *message = &self->message;
    *message = (struct tg_message){.export_ns = input->arrival_ns};
    const uint16_t version = tg_cursor_be16(&c);
    const uint16_t count = tg_cursor_be16(&c);
    const uint32_t uptime_ms = tg_cursor_be32(&c);
    const int64_t seconds = tg_cursor_be32(&c);
    const int64_t residual_ns = tg_cursor_be32(&c);
    const uint32_t sequence = tg_cursor_be32(&c);
    const uint32_t engine = tg_cursor_be16(&c); /* type and id */
    (void)tg_cursor_be16(&c);                   /* sampling: counts are as exported */
    *fault = 0;
    if (version != WIRE_VERSION) {
        return TG_E_VERSION;
    }
    if (c.failed) {
        *fault = input->length_bytes;
        return TG_E_TRUNCATED;
    }
    if (count == 0 || count > RECORDS_COUNT_MAX) {
        *fault = 2;
        return TG_E_COUNT;
    }
    message->export_ns = seconds * NS_PER_S + residual_ns;
    message->domain = engine;
    message->sequence = sequence;
    message->records_count = count;
    message->uptime_ms = uptime_ms;
    message->sequence_kind = TG_SEQUENCE_RECORDS;
    message->flags = TG_MESSAGE_HAS_UPTIME;
    self->context = (struct tg_flow_context){
        .export_ns = tg_flow_reference_ns(message->export_ns, input->arrival_ns),
        .seed = tg_flow_seed(input, engine),
        .sequence = sequence,
        .uptime_ms = uptime_ms,
        .has_uptime = true};
    const uint32_t there = (input->length_bytes - HEADER_OCTETS) / RECORD_OCTETS;
    self->end = HEADER_OCTETS + (there < count ? there : count) * RECORD_OCTETS;
    return TG_OK;
}

static void fields_append(const struct netflow5 *self, const uint8_t *record, uint32_t row_index,
                          struct tg_decoded *out)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < RECORD_FIELDS; i++) {
        const struct tg_field field = {.bytes = record + at,
                                       .name = columns[i].name,
                                       .row_index = row_index,
                                       .element = self->fields[i].element,
                                       .length_bytes = columns[i].octets,
                                       .type = columns[i].type};
        tg_out_field(out, &field);
        at += columns[i].octets;
    }
}

/* Octets of v5 are 32 bits wide, so no record can overflow a row. */
static bool records_decode(struct netflow5 *self, const struct tg_input *input, uint32_t index,
                           struct tg_decoded *out)
{
    const uint32_t wanted = (self->end - self->at) / RECORD_OCTETS;
    const uint32_t room = tg_out_rows_left(out);
    const uint32_t count = wanted < room ? wanted : room;
    self->context.anchor = input->bytes;
    const uint8_t *records = input->bytes + self->at;
    const uint32_t got =
        tg_flow_gather(&self->plan, &self->context, records, count, out->rows + out->rows_count);
    for (uint32_t i = 0; i < got; i++) {
        if (out->fields_capacity > 0) {
            fields_append(self, records + (size_t)i * RECORD_OCTETS, out->rows_count, out);
        }
        out->rows_input[out->rows_count++] = index;
    }
    self->at += got * RECORD_OCTETS;
    return self->at == self->end;
}

/* What the header announced and is not there, or what is there and was not announced. */
static bool remainder_refuse(struct netflow5 *self, const struct tg_input *input, uint32_t index,
                             struct tg_decoded *out)
{
    const uint32_t announced = HEADER_OCTETS + self->message.records_count * RECORD_OCTETS;
    const uint32_t left = input->length_bytes - self->end;
    if (self->end < announced) {
        /* The last whole record may end the datagram: blame its last octet then. */
        const uint32_t offset = left > 0 ? self->end : self->end - 1;
        if (!refuse(input, index, offset, left, TG_E_TRUNCATED, "record", out)) {
            return false;
        }
        self->message.verdict = TG_E_TRUNCATED;
        self->message.error_offset = self->end;
        return true;
    }
    return left == 0 ||
           refuse(input, index, self->end, left, TG_E_LENGTH, "octets after the records", out);
}

static bool input_decode(struct netflow5 *self, const struct tg_input *input, uint32_t index,
                         struct tg_decoded *out)
{
    if (self->at == 0) {
        uint32_t fault = 0;
        if (tg_out_refusals_left(out) == 0) {
            return false;
        }
        const enum tg_err result = header_read(self, input, &fault);
        if (result != TG_OK) {
            self->message.verdict = (int16_t)result;
            self->message.error_offset = fault;
            (void)refuse(input, index, 0, input->length_bytes, result, "header", out);
            return true;
        }
        self->at = HEADER_OCTETS;
    }
    if (!records_decode(self, input, index, out) || !remainder_refuse(self, input, index, out)) {
        return false;
    }
    self->at = 0;
    return true;
}

static uint32_t decode(void *state, const struct tg_input *inputs, uint32_t inputs_count,
                       struct tg_decoded *out)
{
    struct netflow5 *self = state;
    for (uint32_t i = 0; i < inputs_count; i++) {
        const bool is_done = input_decode(self, &inputs[i], i, out);
        out->messages[i] = self->message;
        if (!is_done) {
            return i;
        }
    }
    return inputs_count;
}

static const struct tg_decoder contract = {
    .size_bytes = sizeof(struct tg_decoder),
    .state_version = 1,
    .probe = probe,
    .open = open_state,
    .close = free,
    .decode = decode,
};

TG_PLUGIN(netflow5, TG_PLUGIN_DECODER, struct tg_decoder, contract, "1.0",
          "NetFlow v5 flow records");
