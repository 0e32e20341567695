/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/ingest_state.h"

#include "base/arena.h"
#include "flow/cut.h"
#include "flow/desk.h"
#include "health/inventory.h"
#include "mediate/source.h"
#include "record/routed.h"
#include "rt/ring.h"

#include <stdio.h>
#include <string.h>

enum tg_err tg_ingest_create(const struct tg_ingest_params *params, struct tg_ingest **ingest,
                             struct tg_why *why)
{
    struct tg_ingest *made = tg_pages_take(sizeof *made);
    if (made == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for an ingest lcore");
    }
    made->params = *params;
    made->epoch = tg_journal_next_epoch(params->journal);
    made->arrival_ns = INT64_MIN / 2; /* so that a park time can be subtracted */
    made->answers = tg_pages_take(TG_ANSWERS_MAX * sizeof *made->answers);
    bool is_complete = made->answers != NULL;
    for (uint32_t i = 0; i < params->ratings_count && !params->is_inline; i++) {
        made->routed[i] = tg_pages_take(TG_RING_BULK * sizeof *made->routed[i]);
        is_complete = is_complete && made->routed[i] != NULL;
    }
    if (!is_complete) {
        tg_ingest_destroy(made);
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for an ingest lcore");
    }
    *ingest = made;
    return TG_OK;
}

void tg_ingest_destroy(struct tg_ingest *ingest)
{
    if (ingest == NULL) {
        return;
    }
    if (ingest->block != NULL) {
        tg_journal_discard(ingest->params.journal, ingest->block);
    }
    for (uint32_t i = 0; i < TG_WORKERS_MAX; i++) {
        tg_pages_free(ingest->routed[i], TG_RING_BULK * sizeof *ingest->routed[i]);
    }
    tg_pages_free(ingest->answers, TG_ANSWERS_MAX * sizeof *ingest->answers);
    tg_pages_free(ingest, sizeof *ingest);
}

enum tg_err tg_ingest_add_port(struct tg_ingest *ingest, const struct tg_ingest_port *port)
{
    if (ingest->ports_count == TG_PORTS_MAX) {
        return TG_E_FULL;
    }
    ingest->ports[ingest->ports_count++] = *port;
    return TG_OK;
}

void tg_ingest_source_note(uint16_t source_id, char key[24])
{
    (void)snprintf(key, 24, "source/%05u", source_id);
}

static void source_assign(struct tg_ingest *ingest, const struct tg_ingest_port *port,
                          struct tg_input *input)
{
    struct tg_source_key key;
    bool is_new;
    tg_source_key_of(input, port->folder_key, &key);
    input->source_id = tg_sources_find(ingest->params.sources, &key, &is_new);
    if (!is_new) {
        return;
    }
    struct tg_source *source = tg_sources_at(ingest->params.sources, input->source_id);
    source->node_id = port->folder_key != 0
                          ? port->node_id
                          : tg_inventory_by_address(ingest->params.inventory, key.address);
    char note[24];
    tg_ingest_source_note(input->source_id, note);
    struct tg_block *block = tg_ingest_block(ingest);
    while (block != NULL && !tg_block_note(block, note, &key, sizeof key)) {
        block = tg_ingest_block_next(ingest);
    }
}

/* Inputs [first, end) go to one decoder and are of one source. */
static void decode_run(struct tg_ingest *ingest, struct tg_ingest_port *port,
                       struct tg_decoder_slot *slot, const struct tg_input *inputs, uint32_t count)
{
    while (count > 0 && !ingest->has_failed) {
        uint64_t at = tg_stage_ticks();
        tg_ingest_out_reset(ingest);
        const uint32_t finished =
            slot->decoder->decode(slot->state, inputs, count, &ingest->out);
        (void)tg_stage_done(&ingest->stages, TG_STAGE_decode, ingest->out.rows_count, at);
        tg_ingest_consume(ingest, port, slot, inputs, count, finished);
        inputs += finished;
        count -= finished;
        if (ingest->block != NULL && tg_block_is_full(ingest->block)) {
            (void)tg_ingest_block_next(ingest);
        }
    }
}

static uint8_t slot_of(const struct tg_ingest *ingest, const struct tg_ingest_port *port,
                       const struct tg_input *input)
{
    return port->folder_key != 0 ? port->decoder
                                 : tg_dispatch_find(ingest->params.dispatch, input);
}

static void burst_decode(struct tg_ingest *ingest, struct tg_ingest_port *port,
                         struct tg_input *inputs, uint32_t count)
{
    uint32_t first = 0;
    ingest->burst = inputs;
    for (uint32_t i = 0; i < count; i++) {
        source_assign(ingest, port, &inputs[i]);
        ingest->counts.octets += inputs[i].length_bytes;
        ingest->arrival_ns =
            inputs[i].arrival_ns > ingest->arrival_ns ? inputs[i].arrival_ns : ingest->arrival_ns;
    }
    while (first < count) {
        const bool is_overlong = inputs[first].length_bytes > TG_FILE_CHUNK_BYTES;
        const uint8_t slot =
            is_overlong ? TG_DECODER_NONE : slot_of(ingest, port, &inputs[first]);
        if (slot == TG_DECODER_NONE) {
            tg_ingest_refuse_input(ingest, &inputs[first],
                                   is_overlong ? TG_E_LENGTH : TG_E_NO_DECODER);
            first++;
            continue;
        }
        uint32_t end = first + 1;
        while (end < count && inputs[end].source_id == inputs[first].source_id &&
               slot_of(ingest, port, &inputs[end]) == slot) {
            end++;
        }
        decode_run(ingest, port, &ingest->params.dispatch->slots[slot], &inputs[first],
                   end - first);
        first = end;
    }
}

static void port_moved(struct tg_ingest *ingest, struct tg_ingest_port *port)
{
    struct tg_position position;
    tg_port_position(port->port, &position);
    if (port->is_moved && position.file_key != port->position.file_key) {
        tg_ingest_keep_position(ingest, port); /* the file before is read to its end */
    }
    port->position = position;
    port->is_moved = true;
    (void)tg_ingest_block(ingest);
}

/* Datagrams of a turn that are worth it: a hundred rows of usual exporters. */
#define MUCH_INPUTS 4u

static uint32_t port_step(struct tg_ingest *ingest, struct tg_ingest_port *port)
{
    struct tg_input inputs[TG_BURST_MAX];
    const uint64_t at = tg_stage_ticks();
    const int64_t now_ns = tg_time_now_ns(&ingest->params.time);
    const uint32_t count = tg_port_burst(port->port, now_ns, inputs, TG_BURST_MAX);
    if (count > 0) {
        (void)tg_stage_done(&ingest->stages, TG_STAGE_receive, count, at);
        ingest->counts.inputs_count += count;
        burst_decode(ingest, port, inputs, count);
        if (port->is_positioned) {
            port_moved(ingest, port);
        }
    }
    tg_port_release(port->port);
    return count;
}

enum tg_turn tg_ingest_step(struct tg_ingest *ingest)
{
    uint32_t taken = 0;
    bool is_of_file = false;
    tg_ingest_cut(ingest);
    tg_ingest_hold(ingest);
    if (ingest->params.desk != NULL && tg_desk_is_waiting(ingest->params.desk, ingest->desk_turn)) {
        tg_ingest_desk(ingest);
    }
    for (uint32_t i = 0; i < ingest->ports_count && !ingest->has_failed; i++) {
        const uint32_t count = port_step(ingest, &ingest->ports[i]);
        taken += count;
        is_of_file = is_of_file || (ingest->ports[i].is_positioned && count > 0);
        if (tg_ingest_epoch_is_due(ingest)) {
            (void)tg_ingest_end_epoch(ingest);
        }
    }
    tg_ingest_acknowledge(ingest);
    tg_snapshot_quiescent();
    return taken >= MUCH_INPUTS || is_of_file ? TG_TURN_MUCH
           : taken > 0                        ? TG_TURN_LITTLE
                                              : TG_TURN_NOTHING;
}

bool tg_ingest_ports_are_finished(const struct tg_ingest *ingest)
{
    for (uint32_t i = 0; i < ingest->ports_count; i++) {
        if (!tg_port_is_finished(ingest->ports[i].port)) {
            return false;
        }
    }
    return true;
}

int64_t tg_ingest_arrival_ns(const struct tg_ingest *ingest)
{
    return ingest->arrival_ns;
}

bool tg_ingest_is_finished(const struct tg_ingest *ingest)
{
    return tg_ingest_ports_are_finished(ingest) && ingest->epoch_opened_ns == 0 &&
           tg_journal_durable_epoch(ingest->params.journal) + 1 >= ingest->epoch &&
           ingest->answers_count == 0;
}

bool tg_ingest_has_failed(const struct tg_ingest *ingest)
{
    return __atomic_load_n(&ingest->has_failed, __ATOMIC_RELAXED);
}

const struct tg_ingest_counts *tg_ingest_counts(const struct tg_ingest *ingest)
{
    return &ingest->counts;
}

const struct tg_stage_counts *tg_ingest_stages(const struct tg_ingest *ingest)
{
    return &ingest->stages;
}
