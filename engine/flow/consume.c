/* SPDX-License-Identifier: Apache-2.0 */
/* What a decode call produced, step by step: sessions before the rows that need them, telemetry
 * before the rows it explains, state-changing inputs with the rows of their epoch. */
#include "flow/ingest_state.h"

#include "base/hash.h"
#include "catalog/catalog.h"
#include "health/inventory.h"
#include "health/timeline.h"
#include "mediate/identify.h"
#include "mediate/network.h"
#include "mediate/sequence.h"
#include "mediate/session.h"
#include "mediate/source.h"

#include <string.h>

void tg_ingest_out_reset(struct tg_ingest *ingest)
{
    ingest->out = (struct tg_decoded){.size_bytes = sizeof ingest->out,
                                      .rows_capacity = TG_BATCH_ROWS_MAX,
                                      .rows = ingest->batch.rows,
                                      .rows_input = ingest->rows_input,
                                      .observations_capacity = INGEST_EVENTS_MAX,
                                      .observations = ingest->observations,
                                      .sessions_capacity = INGEST_EVENTS_MAX,
                                      .sessions = ingest->sessions,
                                      .refusals_capacity = INGEST_EVENTS_MAX,
                                      .refusals = ingest->refusals,
                                      .text_capacity_bytes = INGEST_TEXT_BYTES,
                                      .text = ingest->text,
                                      .released_capacity = INGEST_EVENTS_MAX,
                                      .released_keys = ingest->released,
                                      .messages = ingest->messages,
                                      .networks_capacity = TG_BATCH_ROWS_MAX,
                                      .networks = ingest->networks};
}

static void consume_sessions(struct tg_ingest *ingest, uint16_t source_id)
{
    const struct tg_decoded *out = &ingest->out;
    const struct tg_catalog_snapshot *catalog = tg_snapshot_read(ingest->params.catalog);
    const struct tg_identify identify = {catalog->roster, NULL, NULL};
    for (uint32_t i = 0; i < out->sessions_count; i++) {
        struct tg_session *event = &out->sessions[i];
        event->source_id = source_id;
        event->node_id = tg_sources_at(ingest->params.sources, event->source_id)->node_id;
        const uint32_t subscriber = tg_identify_key(&identify, event->key_kinds & 15u,
                                                    event->subscriber_key, event->start_ns);
        (void)tg_sessions_apply(ingest->params.sessions, event, subscriber);
    }
    uint32_t done = 0;
    struct tg_block *block = out->sessions_count > 0 ? tg_ingest_block(ingest) : NULL;
    while (block != NULL && done < out->sessions_count) {
        done += tg_block_sessions(block, &out->sessions[done], out->sessions_count - done);
        block = done < out->sessions_count ? tg_ingest_block_next(ingest) : NULL;
    }
    ingest->counts.sessions_count += out->sessions_count;
}

/* The node a message names itself is right behind a relay; the sender's address is the fallback. */
static uint16_t observation_node(const struct tg_ingest *ingest,
                                 const struct tg_observation *observation)
{
    const struct tg_decoded *out = &ingest->out;
    struct tg_log_text text;
    tg_log_text_split(observation, out->text, out->text_bytes, &text);
    uint16_t node_id = 0;
    if (text.host_bytes > 0) {
        node_id = tg_inventory_by_host(ingest->params.inventory, text.host, text.host_bytes);
    }
    return node_id != 0 ? node_id
                        : tg_sources_at(ingest->params.sources, observation->source_id)->node_id;
}

static void consume_observations(struct tg_ingest *ingest, uint16_t source_id)
{
    const struct tg_decoded *out = &ingest->out;
    if (out->observations_count == 0) {
        return;
    }
    for (uint32_t i = 0; i < out->observations_count; i++) {
        out->observations[i].source_id = source_id;
        out->observations[i].node_id = observation_node(ingest, &out->observations[i]);
    }
    (void)tg_timeline_apply(ingest->params.timeline, out->observations, out->observations_count,
                            out->text, out->text_bytes, NULL, 0);
    uint32_t done = 0;
    struct tg_block *block = tg_ingest_block(ingest);
    while (block != NULL && done < out->observations_count) {
        done += tg_block_observations(block, &out->observations[done],
                                      out->observations_count - done, out->text, out->text_bytes);
        block = done < out->observations_count ? tg_ingest_block_next(ingest) : NULL;
    }
    ingest->counts.observations_count += out->observations_count;
}

static void keep_refusal(struct tg_ingest *ingest, const struct tg_journal_refusal *refusal)
{
    struct tg_block *block = tg_ingest_block(ingest);
    while (block != NULL && !tg_block_refusal(block, refusal)) {
        block = tg_ingest_block_next(ingest);
    }
    tg_ingest_touch(ingest, refusal->source_id)->refused_records++;
    if (refusal->fate == TG_FATE_HELD) {
        ingest->counts.parked_count++;
    } else {
        ingest->counts.refusals_count++;
    }
}

static void consume_refusals(struct tg_ingest *ingest, const struct tg_input *inputs,
                             uint32_t inputs_count)
{
    const struct tg_decoded *out = &ingest->out;
    for (uint32_t i = 0; i < out->refusals_count; i++) {
        const struct tg_refusal *from = &out->refusals[i];
        const bool is_input = from->input_index < inputs_count;
        const struct tg_input *input = is_input ? &inputs[from->input_index] : NULL;
        const struct tg_journal_refusal refusal = {
            .bytes = (is_input ? input->bytes : out->text) + from->offset_bytes,
            .field = from->field,
            .record_key = from->record_key,
            .file_key = is_input ? input->file_key : 0,
            .offset_bytes = (is_input ? input->offset_bytes : 0) + from->offset_bytes,
            .arrival_ns = is_input ? input->arrival_ns : 0,
            .length_bytes = from->length_bytes,
            .source_id = is_input ? input->source_id : from->source_id,
            .reason = from->reason,
            .fate = from->reason == TG_E_PARKED ? TG_FATE_HELD : TG_FATE_SUSPENDED};
        keep_refusal(ingest, &refusal);
    }
}

void tg_ingest_refuse_input(struct tg_ingest *ingest, const struct tg_input *input, int reason)
{
    const struct tg_journal_refusal refusal = {.bytes = input->bytes,
                                               .file_key = input->file_key,
                                               .offset_bytes = input->offset_bytes,
                                               .arrival_ns = input->arrival_ns,
                                               .length_bytes = input->length_bytes,
                                               .source_id = input->source_id,
                                               .reason = (int16_t)reason,
                                               .fate = TG_FATE_SUSPENDED};
    ingest->counts.undecoded_count++;
    tg_ingest_touch(ingest, input->source_id)->messages_count++;
    keep_refusal(ingest, &refusal);
}

static void release_keys(struct tg_ingest *ingest)
{
    const struct tg_decoded *out = &ingest->out;
    uint32_t done = 0;
    struct tg_block *block = out->released_count > 0 ? tg_ingest_block(ingest) : NULL;
    while (block != NULL && done < out->released_count) {
        done += tg_block_release(block, &out->released_keys[done], out->released_count - done);
        block = done < out->released_count ? tg_ingest_block_next(ingest) : NULL;
    }
}

static void consume_releases(struct tg_ingest *ingest, uint16_t source_id)
{
    if (ingest->out.released_count > 0) {
        tg_ingest_touch(ingest, source_id)->released_records += ingest->out.released_count;
        release_keys(ingest);
    }
}

static void note_gap(struct tg_ingest *ingest, const struct tg_input *input,
                     const struct tg_message *message, const struct tg_sequence_finding *finding)
{
    struct tg_source *source = tg_sources_at(ingest->params.sources, input->source_id);
    source->lost_records += (uint64_t)finding->lost;
    ingest->counts.lost_records += (uint64_t)finding->lost;
    ingest->counts.restarts_count += finding->is_restart ? 1 : 0;
    tg_ingest_touch(ingest, input->source_id)->lost_records += (uint64_t)finding->lost;
    const struct tg_observation gap = {
        .event_ns = message->export_ns,
        .arrival_ns = input->arrival_ns,
        .value = finding->lost,
        .record_key = tg_key_hash(input->source_id, &message->sequence, sizeof message->sequence) ^
                      (uint64_t)message->domain,
        .source_id = input->source_id,
        .sequence = message->sequence,
        .node_id = source->node_id,
        .kind = finding->is_restart ? TG_OBSERVATION_RESTART : TG_OBSERVATION_GAP,
        .severity = 4};
    (void)tg_timeline_apply(ingest->params.timeline, &gap, 1, NULL, 0, NULL, 0);
    struct tg_block *block = tg_ingest_block(ingest);
    while (block != NULL && tg_block_observations(block, &gap, 1, NULL, 0) == 0) {
        block = tg_ingest_block_next(ingest);
    }
}

static void queue_answer(struct tg_ingest *ingest, struct tg_ingest_port *port,
                         struct tg_decoder_slot *slot, const struct tg_input *input,
                         uint32_t burst_index)
{
    struct tg_return_path path;
    tg_port_return_path(port->port, burst_index, &path);
    struct tg_answer *answer = tg_ingest_answer(ingest, port->port, &path);
    if (answer == NULL || slot->decoder->answer == NULL) {
        return;
    }
    answer->length_bytes =
        slot->decoder->answer(slot->state, input, answer->bytes, TG_ANSWER_BYTES_MAX);
    if (answer->length_bytes == 0) {
        ingest->answers_count--; /* nothing to say after all */
    }
}

static void keep_input(struct tg_ingest *ingest, struct tg_decoder_slot *slot,
                       const struct tg_input *input)
{
    struct tg_block *block = tg_ingest_block(ingest);
    while (block != NULL && !tg_block_input(block, slot->name, input)) {
        block = tg_ingest_block_next(ingest);
    }
    slot->is_dirty = true;
}

void tg_ingest_messages(struct tg_ingest *ingest, struct tg_ingest_port *port,
                        struct tg_decoder_slot *slot, const struct tg_input *inputs,
                        uint32_t finished_count)
{
    if (finished_count == 0) {
        return;
    }
    struct tg_source_mark *mark = tg_ingest_touch(ingest, inputs[0].source_id);
    mark->messages_count += finished_count;
    for (uint32_t i = 0; i < finished_count; i++) {
        const struct tg_message *message = &ingest->messages[i];
        mark->messages_refused_count += message->verdict != TG_OK ? 1 : 0;
        struct tg_sequence_finding finding;
        tg_sequence_note(ingest->params.sequence, inputs[i].source_id, message, &finding);
        if (finding.lost != 0 || finding.is_restart) {
            note_gap(ingest, &inputs[i], message, &finding);
        }
        if ((message->flags & TG_MESSAGE_CHANGED_STATE) != 0) {
            keep_input(ingest, slot, &inputs[i]);
        }
        if ((message->flags & TG_MESSAGE_WANTS_ANSWER) != 0) {
            queue_answer(ingest, port, slot, &inputs[i], (uint32_t)(&inputs[i] - ingest->burst));
        }
    }
}

/* Where the node stands that the rows are from. */
static void batch_place(struct tg_ingest *ingest, uint16_t source_id)
{
    const struct tg_source *source = tg_sources_at(ingest->params.sources, source_id);
    const struct tg_node *node = tg_inventory_node(ingest->params.inventory, source->node_id);
    tg_sites_run(&ingest->site_cache, tg_snapshot_read(ingest->params.catalog), source_id,
                 source->key.folder_key == 0 ? source->key.address : NULL, node->name,
                 &ingest->batch);
}

void tg_ingest_consume(struct tg_ingest *ingest, struct tg_ingest_port *port,
                       struct tg_decoder_slot *slot, const struct tg_input *inputs,
                       uint32_t inputs_count, uint32_t finished_count)
{
    const uint16_t source_id = inputs[0].source_id; /* a call's inputs are of one source */
    consume_sessions(ingest, source_id);
    consume_observations(ingest, source_id);
    consume_refusals(ingest, inputs, inputs_count);
    consume_releases(ingest, source_id);
    tg_ingest_messages(ingest, port, slot, inputs, finished_count);
    ingest->batch.rows_count = ingest->out.rows_count;
    if (ingest->batch.rows_count > 0) {
        tg_ingest_admit(ingest, &ingest->batch, ingest->rows_input, inputs, inputs_count);
        if (ingest->out.networks_count > 0) {
            tg_networks_run(&ingest->network_cache, tg_snapshot_read(ingest->params.catalog),
                            ingest->networks, ingest->out.networks_count, &ingest->batch);
        }
        batch_place(ingest, source_id);
        tg_ingest_identify(ingest, &ingest->batch);
        tg_ingest_route(ingest);
    }
}

void tg_ingest_expire(struct tg_ingest *ingest, int64_t before_ns)
{
    for (uint32_t i = 0; i < ingest->params.dispatch->slots_count; i++) {
        struct tg_decoder_slot *slot = &ingest->params.dispatch->slots[i];
        bool is_more = slot->decoder->expire != NULL;
        while (is_more && !ingest->has_failed) {
            tg_ingest_out_reset(ingest);
            is_more = slot->decoder->expire(slot->state, before_ns, &ingest->out);
            consume_refusals(ingest, NULL, 0);
            /* One refusal a piece given up, and its key beside it. */
            for (uint32_t k = 0; k < ingest->out.released_count; k++) {
                const uint32_t at = k < ingest->out.refusals_count ? k : 0;
                const uint16_t source_id =
                    ingest->out.refusals_count > 0 ? ingest->refusals[at].source_id : 0;
                tg_ingest_touch(ingest, source_id)->released_records++;
            }
            release_keys(ingest);
        }
    }
}
