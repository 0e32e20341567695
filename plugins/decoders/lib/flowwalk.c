/* SPDX-License-Identifier: Apache-2.0 */
/* The walk over a message. Each step_* function returns false when `out` has no room: nothing has
 * changed then, and the same step runs again in the next call. */
#include "lib/flowwalk.h"

#include "lib/append.h"
#include "lib/cursor.h"
#include "lib/flowtemplate.h"

#include "abi/key.h"

#include <string.h>

#define SET_HEADER_OCTETS 4u
#define SET_ID_DATA_MIN   256u /* RFC 7011 3.3.2, RFC 3954 5.3 */
#define IPFIX_VERSION     10u
#define NS_PER_S          INT64_C(1000000000)

const struct tg_flow_dialect tg_flow_netflow9 = {9, 20, 0, 1};
const struct tg_flow_dialect tg_flow_ipfix = {IPFIX_VERSION, 16, 2, 3};

/** One input of one call. */
struct run {
    struct tg_flow *flow;
    const struct tg_input *input;
    struct tg_decoded *out;
    uint32_t index;
};

/** Bytes of data records: in the input, or in the text arena when released. */
struct body {
    const uint8_t *bytes;
    uint32_t at;
    uint32_t end;
    uint32_t input_index;   /* for refusals; UINT32_MAX: text arena */
    uint32_t records_count; /* records met, refused ones included */
};

/* Stops at the first octet that is not zero, so that asking before every set costs next to nothing.
 */
static bool is_zero(const uint8_t *bytes, uint32_t length_bytes)
{
    uint32_t i = 0;
    while (i < length_bytes && bytes[i] == 0) {
        i++;
    }
    return i == length_bytes;
}

uint64_t tg_flow_seed(const struct tg_input *input, uint32_t domain)
{
    const uint8_t domain_be[4] = {(uint8_t)(domain >> 24), (uint8_t)(domain >> 16),
                                  (uint8_t)(domain >> 8), (uint8_t)domain};
    return tg_key_hash(tg_key_hash(0, input->from.address, sizeof(input->from.address)), domain_be,
                       sizeof(domain_be));
}

/* The message's own verdict keeps the first fault; its records can no longer be counted. */
static void blame(struct tg_flow_walk *walk, enum tg_err reason, uint32_t offset)
{
    walk->is_uncountable = true;
    if (walk->message.verdict == TG_OK) {
        walk->message.verdict = (int16_t)reason;
        walk->message.error_offset = offset;
    }
}

static bool refuse(const struct run *run, uint32_t input_index, uint32_t offset, uint32_t length,
                   enum tg_err reason, const char *field, uint64_t record_key)
{
    const struct tg_refusal refusal = {.input_index = input_index,
                                       .offset_bytes = offset,
                                       .length_bytes = length,
                                       .reason = (int16_t)reason,
                                       .source_id = run->input->source_id,
                                       .record_key = record_key,
                                       .field = field};
    return tg_out_refusal(run->out, &refusal);
}

/* ---- data records -------------------------------------------------------------------------- */

/* Eight at a time; the last eight overlap what is written already. */
static inline void rows_input_fill(uint32_t *rows_input, uint32_t index, uint32_t count)
{
    typedef uint32_t eight __attribute__((vector_size(32), aligned(4), may_alias));
    const eight indexes = (eight){0} + index;
    if (count < 8) {
        for (uint32_t i = 0; i < count; i++) {
            rows_input[i] = index;
        }
        return;
    }
    for (uint32_t i = 0; i < count - 8; i += 8) {
        *(eight *)(rows_input + i) = indexes;
    }
    *(eight *)(rows_input + count - 8) = indexes;
}

static void rows_finish(const struct run *run, const struct tg_flow_template *t,
                        const uint8_t *records, uint32_t record_octets, uint32_t count)
{
    struct tg_decoded *out = run->out;
    rows_input_fill(out->rows_input + out->rows_count, run->index, count);
    if (out->fields_capacity > out->fields_count) {
        for (uint32_t i = 0; i < count; i++) {
            tg_flow_fields_append(&t->plan, t->fields, records + (size_t)i * record_octets,
                                  record_octets, out->rows_count + i, out);
        }
    }
    out->rows_count += count;
}

/* Exporters tell when they booted in options records; IPFIX flows then count from it. */
static void learn_boot(const struct run *run, const struct tg_flow_template *t,
                       const struct tg_flow_plan *placed, const uint8_t *record)
{
    if (!t->plan.is_options || placed->loads[TG_FLOW_SLOT_INIT].mask == 0) {
        return;
    }
    const struct tg_flow_boot boot = {.init_ms = tg_flow_value(placed, record, TG_FLOW_SLOT_INIT),
                                      .domain = t->key.domain,
                                      .source_id = t->key.source_id};
    if (tg_flow_store_set_boot(&run->flow->store, &boot)) {
        run->flow->walk.message.flags |= TG_MESSAGE_CHANGED_STATE;
    }
}

static bool overflow(const struct run *run, struct body *body, uint32_t octets)
{
    if (!refuse(run, body->input_index, body->at, octets, TG_E_OVERFLOW, "octets", 0)) {
        return false;
    }
    body->at += octets;
    body->records_count++;
    return true;
}

static bool decode_fixed(const struct run *run, const struct tg_flow_template *t,
                         const struct tg_flow_context *context, struct body *body)
{
    const uint32_t octets = t->plan.record_octets;
    while (body->end - body->at >= octets) {
        if (octets < 4 && body->end - body->at < 4 && t->plan.version == 9 &&
            is_zero(body->bytes + body->at, body->end - body->at)) {
            break; /* RFC 3954 5.3 pads to 4 octets, whatever the record's length */
        }
        const uint32_t there = (body->end - body->at) / octets;
        const uint32_t room = tg_out_rows_left(run->out);
        const uint32_t wanted = there < room ? there : room;
        if (wanted == 0) {
            return false;
        }
        const uint8_t *records = body->bytes + body->at;
        const uint32_t got = tg_flow_gather(&t->plan, context, records, wanted,
                                            run->out->rows + run->out->rows_count);
        for (uint32_t i = 0; t->plan.is_options && i < got; i++) {
            learn_boot(run, t, &t->plan, records + (size_t)i * octets);
        }
        rows_finish(run, t, records, octets, got);
        body->at += got * octets;
        body->records_count += got;
        if (got < wanted && !overflow(run, body, octets)) {
            return false;
        }
    }
    return true;
}

static bool decode_variable(const struct run *run, const struct tg_flow_template *t,
                            const struct tg_flow_context *context, struct body *body)
{
    while (body->end - body->at >= t->plan.record_octets) {
        const uint8_t *record = body->bytes + body->at;
        const uint32_t left = body->end - body->at;
        struct tg_flow_plan placed;
        if (left < 4 && is_zero(record, left)) {
            break;
        }
        const uint32_t octets = tg_flow_place(&t->plan, t->fields, record, left, &placed);
        if (octets == 0) {
            /* Where the next record would begin is unknown: the rest of the set goes with it. */
            if (!refuse(run, body->input_index, body->at, left, TG_E_LENGTH, "variable length",
                        0)) {
                return false;
            }
            body->at = body->end;
            body->records_count++;
            run->flow->walk.is_uncountable = true;
            break;
        }
        if (tg_out_rows_left(run->out) == 0) {
            return false;
        }
        if (tg_flow_gather(&placed, context, record, 1, run->out->rows + run->out->rows_count) ==
            0) {
            if (!overflow(run, body, octets)) {
                return false;
            }
            continue;
        }
        learn_boot(run, t, &placed, record);
        rows_finish(run, t, record, octets, 1);
        body->at += octets;
        body->records_count++;
    }
    return true;
}

static bool decode_records(const struct run *run, struct tg_flow_template *t,
                           struct tg_flow_context *context, struct body *body)
{
    const bool needs_uptime =
        t->plan.start_clock == TG_FLOW_CLOCK_UPTIME || t->plan.end_clock == TG_FLOW_CLOCK_UPTIME;
    if (needs_uptime && t->plan.version == IPFIX_VERSION) {
        const struct tg_flow_boot *boot =
            tg_flow_store_boot(&run->flow->store, t->key.source_id, t->key.domain);
        context->has_uptime = boot != NULL;
        if (boot != NULL) {
            const uint64_t export_ms = (uint64_t)(context->export_ns / 1000000);
            context->uptime_ms = (uint32_t)(export_ms - boot->init_ms);
        }
    }
    return t->plan.is_variable ? decode_variable(run, t, context, body)
                               : decode_fixed(run, t, context, body);
}

/* ---- sets ---------------------------------------------------------------------------------- */

static bool park(const struct run *run, struct tg_flow_key key)
{
    struct tg_flow_walk *walk = &run->flow->walk;
    const uint32_t start = walk->at - SET_HEADER_OCTETS;
    const uint32_t length = walk->set_end - start;
    if (tg_out_refusals_left(run->out) == 0) {
        return false;
    }
    walk->is_uncountable = true;
    const uint64_t place = (uint64_t)walk->context.sequence << 32 | (start - walk->message_start);
    const uint64_t record_key =
        tg_key_hash(walk->context.seed ^ tg_key_mix(place, UINT64_C(0xa0761d6478bd642f)),
                    run->input->bytes + start, length);
    const struct tg_flow_piece piece = {.key = key,
                                        .arrival_ns = run->input->arrival_ns,
                                        .export_ns = walk->context.export_ns,
                                        .seed = walk->context.seed,
                                        .record_key = record_key,
                                        .sequence = walk->context.sequence,
                                        .uptime_ms = walk->context.uptime_ms,
                                        .has_uptime = walk->context.has_uptime,
                                        .anchor_offset = walk->at - walk->message_start,
                                        .length_bytes = walk->set_end - walk->at};
    const bool is_parked = tg_flow_park_add(&run->flow->park, &piece, run->input->bytes + walk->at);
    (void)refuse(run, run->index, start, length, is_parked ? TG_E_PARKED : TG_E_PARK_FULL, NULL,
                 is_parked ? record_key : 0);
    if (is_parked) {
        walk->message.flags |= TG_MESSAGE_CHANGED_STATE;
    }
    walk->at = walk->set_end;
    return true;
}

static bool step_data(const struct run *run)
{
    struct tg_flow_walk *walk = &run->flow->walk;
    if (walk->at == walk->set_end) {
        return true;
    }
    const struct tg_flow_key key = {run->input->source_id, walk->set_id, walk->message.domain};
    struct tg_flow_template *t = tg_flow_store_find(&run->flow->store, key);
    if (t == NULL) {
        return park(run, key);
    }
    tg_flow_store_touch(&run->flow->store, t);
    struct body body = {run->input->bytes, walk->at, walk->set_end, run->index, 0};
    const bool is_done = decode_records(run, t, &walk->context, &body);
    walk->at = is_done ? walk->set_end : body.at; /* what is left of a done set is padding */
    if (run->flow->dialect->version == IPFIX_VERSION) {
        walk->message.records_count += body.records_count;
        walk->message.options_count += t->plan.is_options ? body.records_count : 0;
    }
    return is_done;
}

/* Decode the oldest piece that waits for release_key from a copy in the text arena, where fields
 * and refusals can point into it after the piece is freed. */
static bool step_release(const struct run *run)
{
    struct tg_flow *flow = run->flow;
    struct tg_flow_piece *piece = tg_flow_park_find(&flow->park, flow->walk.release_key);
    struct tg_flow_template *t = tg_flow_store_find(&flow->store, flow->walk.release_key);
    if (piece == NULL || t == NULL) {
        flow->walk.is_releasing = false;
        return true;
    }
    struct tg_decoded *out = run->out;
    if (tg_out_text_left_bytes(out) < TG_FLOW_LEAD_BYTES + piece->length_bytes ||
        tg_out_released_left(out) == 0) {
        return false;
    }
    const uint32_t start = out->text_bytes + TG_FLOW_LEAD_BYTES;
    memset(out->text + out->text_bytes, 0, TG_FLOW_LEAD_BYTES);
    tg_flow_park_copy(&flow->park, piece, out->text + start);
    out->text_bytes = start + piece->length_bytes;
    struct tg_flow_context context = {.export_ns = piece->export_ns,
                                      .seed = piece->seed,
                                      .anchor = out->text + start,
                                      .anchor_offset = piece->anchor_offset,
                                      .sequence = piece->sequence,
                                      .uptime_ms = piece->uptime_ms,
                                      .has_uptime = piece->has_uptime != 0};
    struct body body = {out->text, start + piece->done_bytes, out->text_bytes, UINT32_MAX, 0};
    flow->walk.message.flags |= TG_MESSAGE_CHANGED_STATE;
    const bool was_uncountable = flow->walk.is_uncountable;
    const bool is_done = decode_records(run, t, &context, &body);
    flow->walk.is_uncountable = was_uncountable; /* these records are not of this message */
    piece->done_bytes = body.at - start;
    if (!is_done) {
        return false;
    }
    (void)tg_out_released(out, piece->record_key);
    tg_flow_park_remove(&flow->park, piece);
    return true;
}

static bool withdraw(struct tg_flow *flow, struct tg_flow_key key, bool is_options)
{
    if (key.id < SET_ID_DATA_MIN) {
        return tg_flow_store_remove_all(&flow->store, key.source_id, key.domain, is_options) > 0;
    }
    return tg_flow_store_remove(&flow->store, key);
}

static bool step_template(const struct run *run)
{
    struct tg_flow *flow = run->flow;
    struct tg_flow_walk *walk = &flow->walk;
    const uint8_t *bytes = run->input->bytes + walk->at;
    const uint32_t left = walk->set_end - walk->at;
    if (left < SET_HEADER_OCTETS || is_zero(bytes, left)) {
        walk->at = walk->set_end; /* padding */
        return true;
    }
    if (tg_out_refusals_left(run->out) == 0) {
        return false;
    }
    const bool is_options = walk->set_id == flow->dialect->options_set;
    flow->scratch.key = (struct tg_flow_key){run->input->source_id, 0, walk->message.domain};
    bool is_withdrawal = false;
    uint32_t octets = 0;
    const enum tg_err result = tg_flow_template_read(flow->dialect, is_options, bytes, left,
                                                     &flow->scratch, &is_withdrawal, &octets);
    const uint32_t offset = walk->at;
    walk->at += octets;
    if (result != TG_OK) {
        (void)refuse(run, run->index, offset, octets, result, "template", 0);
        return true;
    }
    if (is_withdrawal) {
        if (withdraw(flow, flow->scratch.key, is_options)) {
            walk->message.flags |= TG_MESSAGE_CHANGED_STATE;
        }
        return true;
    }
    if (tg_flow_store_put(&flow->store, &flow->scratch)) {
        walk->message.flags |= TG_MESSAGE_CHANGED_STATE;
    }
    walk->release_key = flow->scratch.key;
    walk->is_releasing = true;
    return true;
}

static bool step_set(const struct run *run)
{
    struct tg_flow_walk *walk = &run->flow->walk;
    const struct tg_flow_dialect *dialect = run->flow->dialect;
    bool is_done = true;
    if (walk->set_id >= SET_ID_DATA_MIN) {
        is_done = step_data(run);
    } else if (walk->set_id == dialect->template_set || walk->set_id == dialect->options_set) {
        is_done = step_template(run);
    } else {
        const uint32_t start = walk->at - SET_HEADER_OCTETS;
        is_done =
            refuse(run, run->index, start, walk->set_end - start, TG_E_UNSUPPORTED, "set id", 0);
        walk->at = is_done ? walk->set_end : walk->at;
    }
    if (is_done && walk->at >= walk->set_end) {
        walk->in_set = false;
    }
    return is_done;
}

static bool step_set_header(const struct run *run)
{
    struct tg_flow_walk *walk = &run->flow->walk;
    const uint8_t *bytes = run->input->bytes + walk->at;
    const uint32_t left = walk->message_end - walk->at;
    if (is_zero(bytes, left)) {
        walk->at = walk->message_end; /* exporters fill up with zeros */
        return true;
    }
    uint32_t length = 0;
    enum tg_err reason = TG_OK;
    if (walk->sets_left == 0) {
        reason = TG_E_COUNT; /* RFC 3954 5.1 counts records; a set has one at least */
    } else if (left >= SET_HEADER_OCTETS) {
        length = (uint32_t)tg_be(bytes + 2, 2);
        reason = length < SET_HEADER_OCTETS ? TG_E_LENGTH : length > left ? TG_E_TRUNCATED : TG_OK;
    } else {
        reason = TG_E_TRUNCATED;
    }
    if (reason != TG_OK) {
        const char *field = reason == TG_E_COUNT ? "record count" : "set length";
        if (!refuse(run, run->index, walk->at, left, reason, field, 0)) {
            return false;
        }
        blame(walk, reason, walk->at);
        walk->at = walk->message_end;
        return true;
    }
    walk->sets_left--;
    walk->set_id = (uint16_t)tg_be(bytes, 2);
    walk->set_end = walk->at + length;
    walk->at += SET_HEADER_OCTETS;
    walk->in_set = true;
    return true;
}

/* ---- messages ------------------------------------------------------------------------------ */

/** What a header says. */
struct header {
    int64_t export_ns;
    uint32_t length;
    uint32_t sequence;
    uint32_t domain;
    uint32_t uptime_ms;
    uint32_t sets_most; /* more sets than this contradict the header */
    enum tg_err fault;
};

static struct header header_read(const struct tg_flow_dialect *dialect, const uint8_t *bytes,
                                 uint32_t left)
{
    struct header header = {.length = left, .sets_most = UINT32_MAX, .fault = TG_OK};
    struct tg_cursor c = tg_cursor(bytes, left);
    const uint16_t version = tg_cursor_be16(&c);
    const uint16_t second = tg_cursor_be16(&c);
    if (dialect->version == IPFIX_VERSION) {
        header.length = second;
    } else {
        header.uptime_ms = tg_cursor_be32(&c);
        header.sets_most = second;
    }
    header.export_ns = (int64_t)tg_cursor_be32(&c) * NS_PER_S;
    header.sequence = tg_cursor_be32(&c);
    header.domain = tg_cursor_be32(&c);
    if (left >= 2 && version != dialect->version) {
        header.fault = TG_E_VERSION;
    } else if (c.failed) {
        header.fault = TG_E_TRUNCATED;
    } else if (header.length < dialect->header_octets) {
        header.fault = TG_E_LENGTH;
    }
    return header;
}

/* A file may hold messages of several domains in one chunk; one struct tg_message can tell of one
 * sequence only, so a chunk whose messages do not follow one another tells of none. */
static void message_note(const struct run *run, const struct header *header)
{
    struct tg_flow_walk *walk = &run->flow->walk;
    struct tg_message *message = &walk->message;
    if (walk->is_first) {
        message->export_ns = header->export_ns;
        message->sequence = header->sequence;
        message->sequence_kind = TG_SEQUENCE_RECORDS;
        if (run->flow->dialect->version == 9) {
            message->sequence_kind = TG_SEQUENCE_MESSAGES;
            message->records_count = 1;
            message->uptime_ms = header->uptime_ms;
            message->flags |= TG_MESSAGE_HAS_UPTIME;
        }
    } else if (message->domain != header->domain ||
               message->sequence + message->records_count != header->sequence) {
        walk->is_uncountable = true;
    }
    message->domain = header->domain;
    walk->context = (struct tg_flow_context){
        .export_ns = tg_flow_reference_ns(header->export_ns, run->input->arrival_ns),
        .seed = tg_flow_seed(run->input, header->domain),
        .anchor = run->input->bytes + walk->message_start,
        .sequence = header->sequence,
        .uptime_ms = header->uptime_ms,
        .has_uptime = run->flow->dialect->version == 9};
}

static bool step_header(const struct run *run)
{
    struct tg_flow_walk *walk = &run->flow->walk;
    const struct tg_flow_dialect *dialect = run->flow->dialect;
    const uint32_t left = run->input->length_bytes - walk->at;
    const uint8_t *bytes = run->input->bytes + walk->at;
    const bool is_file = run->input->file_key != 0;
    if (!walk->is_first && is_zero(bytes, left)) {
        walk->at = run->input->length_bytes;
        return true;
    }
    /* RFC 5655 lets messages follow one another in a file; a datagram carries one. */
    struct header header = {.fault = TG_E_LENGTH};
    if (walk->is_first || is_file) {
        header = header_read(dialect, bytes, left);
    }
    if (header.fault != TG_OK) {
        if (!refuse(run, run->index, walk->at, left, header.fault,
                    walk->is_first || is_file ? "header" : "octets after the message", 0)) {
            return false;
        }
        if (walk->is_first) {
            blame(walk, header.fault, walk->at);
        }
        walk->at = run->input->length_bytes;
        return true;
    }
    walk->message_start = walk->at;
    walk->sets_left = header.sets_most;
    message_note(run, &header);
    walk->message_end = walk->at + (header.length < left ? header.length : left);
    if (header.length > left) {
        blame(walk, TG_E_TRUNCATED, walk->message_end);
    }
    walk->at += dialect->header_octets;
    walk->in_message = true;
    return true;
}

static bool step(const struct run *run)
{
    struct tg_flow_walk *walk = &run->flow->walk;
    if (walk->is_releasing) {
        return step_release(run);
    }
    if (!walk->in_message) {
        return step_header(run);
    }
    if (walk->in_set) {
        return step_set(run);
    }
    if (walk->at < walk->message_end) {
        return step_set_header(run);
    }
    walk->in_message = false;
    walk->is_first = false;
    return true;
}

static bool walk_input(const struct run *run)
{
    struct tg_flow_walk *walk = &run->flow->walk;
    if (!walk->is_active) {
        memset(walk, 0, sizeof(*walk));
        walk->is_active = true;
        walk->is_first = true;
        walk->message.export_ns = run->input->arrival_ns;
    }
    walk->context.anchor = run->input->bytes + walk->message_start;
    while (walk->is_releasing || walk->in_message || walk->at < run->input->length_bytes) {
        if (!step(run)) {
            return false;
        }
    }
    if (walk->is_uncountable && run->flow->dialect->version == IPFIX_VERSION) {
        walk->message.sequence_kind = TG_SEQUENCE_NONE;
    }
    walk->is_active = false;
    return true;
}

uint32_t tg_flow_decode(void *state, const struct tg_input *inputs, uint32_t inputs_count,
                        struct tg_decoded *out)
{
    struct tg_flow *flow = state;
    for (uint32_t i = 0; i < inputs_count; i++) {
        const struct run run = {flow, &inputs[i], out, i};
        const bool is_done = walk_input(&run);
        out->messages[i] = flow->walk.message;
        if (!is_done) {
            return i;
        }
    }
    return inputs_count;
}

bool tg_flow_expire(void *state, int64_t before_ns, struct tg_decoded *out)
{
    struct tg_flow *flow = state;
    struct tg_flow_piece *piece = tg_flow_park_next(&flow->park, NULL);
    while (piece != NULL) {
        struct tg_flow_piece *next = tg_flow_park_next(&flow->park, piece);
        if (piece->arrival_ns < before_ns) {
            if (tg_out_refusals_left(out) == 0 || tg_out_released_left(out) == 0 ||
                tg_out_text_left_bytes(out) < piece->length_bytes) {
                return true;
            }
            const struct tg_refusal refusal = {.input_index = UINT32_MAX,
                                               .offset_bytes = out->text_bytes + piece->done_bytes,
                                               .length_bytes =
                                                   piece->length_bytes - piece->done_bytes,
                                               .reason = TG_E_NO_TEMPLATE,
                                               .source_id = piece->key.source_id,
                                               .record_key = piece->record_key};
            tg_flow_park_copy(&flow->park, piece, out->text + out->text_bytes);
            out->text_bytes += piece->length_bytes;
            (void)tg_out_refusal(out, &refusal);
            (void)tg_out_released(out, piece->record_key);
            tg_flow_park_remove(&flow->park, piece);
        }
        piece = next;
    }
    return false;
}
