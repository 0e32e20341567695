/* SPDX-License-Identifier: Apache-2.0 */
/* Epochs: what goes into the commit block, when it is submitted, and what may be said once it is
 * durable. Diagram in ingest.h. */
#include "flow/ingest_state.h"

#include "abi/key.h"
#include "base/clock.h"
#include "flow/cut.h"
#include "flow/desk.h"
#include "flow/hold.h"
#include "mediate/source.h"

#include <rte_pause.h>
#include <string.h>
#include <time.h>

#define HOLD_PAUSE_NS 50000 /* between looks at the asker, who may want this core */

struct tg_block *tg_ingest_block(struct tg_ingest *ingest)
{
    if (ingest->epoch_opened_ns == 0) {
        ingest->epoch_opened_ns = tg_clock_monotonic_ns();
    }
    if (ingest->block == NULL && !ingest->has_failed) {
        ingest->block = tg_journal_begin(ingest->params.journal, 0);
        ingest->has_failed = ingest->block == NULL;
    }
    return ingest->block;
}

struct tg_block *tg_ingest_block_next(struct tg_ingest *ingest)
{
    if (ingest->block != NULL) {
        ingest->epoch_bytes += tg_block_bytes(ingest->block);
        tg_journal_submit_part(ingest->params.journal, ingest->block, ingest->epoch);
        ingest->block = NULL;
    }
    return tg_ingest_block(ingest);
}

struct tg_source_mark *tg_ingest_touch(struct tg_ingest *ingest, uint16_t source_id)
{
    struct tg_source_mark *mark = &ingest->touched[source_id < TG_SOURCES_MAX ? source_id : 0];
    if (!mark->is_touched) {
        mark->is_touched = true;
        (void)tg_ingest_block(ingest);
    }
    return mark;
}

static void block_source(struct tg_ingest *ingest, const struct tg_journal_source *entry)
{
    struct tg_block *block = tg_ingest_block(ingest);
    while (block != NULL && !tg_block_source(block, entry)) {
        block = tg_ingest_block_next(ingest);
    }
}

static void position_entry(const struct tg_ingest_port *port, struct tg_journal_source *entry)
{
    *entry = (struct tg_journal_source){.flags = TG_SOURCE_HAS_POSITION,
                                        .port_hash = port->name_hash,
                                        .file_key = port->position.file_key,
                                        .offset_bytes = port->position.offset};
}

void tg_ingest_keep_position(struct tg_ingest *ingest, struct tg_ingest_port *port)
{
    struct tg_journal_source entry;
    position_entry(port, &entry);
    block_source(ingest, &entry);
}

static void commit_positions(struct tg_ingest *ingest)
{
    for (uint32_t i = 0; i < ingest->ports_count; i++) {
        struct tg_ingest_port *port = &ingest->ports[i];
        if (port->is_moved) {
            tg_ingest_keep_position(ingest, port);
            port->journaled = port->position;
            port->journaled_epoch = ingest->epoch;
            port->is_moved = false;
        }
    }
}

static void commit_counts(struct tg_ingest *ingest)
{
    for (uint32_t id = 0; id < tg_sources_count(ingest->params.sources); id++) {
        struct tg_source_mark *mark = &ingest->touched[id];
        if (!mark->is_touched) {
            continue;
        }
        const struct tg_source *source = tg_sources_at(ingest->params.sources, (uint16_t)id);
        const struct tg_journal_source entry = {
            .source_key = tg_key_hash(0, &source->key, sizeof source->key),
            .in_records = mark->in_records,
            .in_units = mark->in_units,
            .refused_records = mark->refused_records,
            .released_records = mark->released_records,
            .messages_count = mark->messages_count,
            .messages_refused_count = mark->messages_refused_count,
            .missing_count = mark->lost_records,
            .source_id = (uint16_t)id};
        block_source(ingest, &entry);
        *mark = (struct tg_source_mark){0};
    }
}

bool tg_ingest_epoch_is_due(const struct tg_ingest *ingest)
{
    if (ingest->epoch_opened_ns == 0) {
        return false;
    }
    const uint64_t rows_bytes = ingest->epoch_rows_count * (sizeof(struct tg_usage) * 2);
    const bool is_due = rows_bytes >= TG_EPOCH_BYTES ||
                        (ingest->block != NULL &&
                         ingest->epoch_bytes + tg_block_bytes(ingest->block) >= TG_EPOCH_BYTES) ||
                        tg_clock_monotonic_ns() - ingest->epoch_opened_ns >= TG_EPOCH_NS;
    /* While the disk is behind, rows go on into the open block instead of waiting for a free one:
     * a commit of another file on the same disk holds an fdatasync up for 40 to 70 ms. */
    return is_due && !tg_journal_is_behind(ingest->params.journal);
}

uint64_t tg_ingest_end_epoch(struct tg_ingest *ingest)
{
    if (ingest->epoch_opened_ns == 0 || ingest->has_failed) {
        return ingest->epoch - 1;
    }
    tg_ingest_mark_epoch(ingest, ingest->epoch);
    commit_counts(ingest);
    commit_positions(ingest);
    struct tg_block *block = tg_ingest_block(ingest);
    if (block == NULL) {
        return ingest->epoch - 1;
    }
    tg_block_time(block, tg_time_now_ns(&ingest->params.time));
    tg_journal_submit(ingest->params.journal, block, ingest->epoch);
    ingest->block = NULL;
    ingest->epoch_opened_ns = 0;
    ingest->epoch_bytes = 0;
    ingest->epoch_rows_count = 0;
    ingest->counts.epochs_count++;
    ingest->epoch++;
    const uint64_t ended = ingest->epoch - 1;
    tg_ingest_cut(ingest);
    tg_ingest_hold(ingest);
    return ended;
}

/* Between two epochs rate workers have seen the marker of the last one; a round at the desk may
 * come behind it. Pairs with their release when they are done. */
static bool is_quiet(const struct tg_ingest *ingest)
{
    const struct tg_desk *desk = ingest->params.desk;
    return ingest->epoch_opened_ns == 0 && !ingest->has_failed &&
           (desk == NULL || __atomic_load_n(&desk->pending, __ATOMIC_ACQUIRE) == 0);
}

void tg_ingest_cut(struct tg_ingest *ingest)
{
    struct tg_cut *cut = ingest->params.cut;
    if (cut != NULL && tg_cut_is_waiting(cut) && ingest->epoch != 1 && is_quiet(ingest)) {
        tg_cut_serve(cut, ingest->epoch - 1);
    }
}

/* The work as an epoch of its own. When it fails, memory may have half of it: the journal has none
 * then, since the epoch is not committed, and a restart goes by the journal. */
static void hold_work(struct tg_ingest *ingest, struct tg_hold *hold)
{
    const struct tg_desk_sink sink = tg_ingest_sink(ingest);
    hold->err = hold->work(hold->context, &sink);
    if (hold->err == TG_OK) {
        hold->epoch = tg_ingest_end_epoch(ingest);
    }
    if (hold->err != TG_OK || ingest->has_failed) {
        hold->err = hold->err != TG_OK ? hold->err : TG_E_IO;
        __atomic_store_n(&ingest->has_failed, true, __ATOMIC_RELAXED);
    }
}

void tg_ingest_hold(struct tg_ingest *ingest)
{
    const struct timespec pause = {.tv_nsec = HOLD_PAUSE_NS};
    struct tg_hold *hold = ingest->params.hold;
    if (hold == NULL || tg_hold_phase_get(hold) != TG_HOLD_ASKED || !is_quiet(ingest)) {
        return;
    }
    if (ingest->params.cut != NULL && tg_cut_is_at_work(ingest->params.cut)) {
        return; /* pages of this checkpoint and of the epochs around it go before */
    }
    const int64_t from_ns = tg_clock_monotonic_ns();
    hold->epoch = ingest->epoch - 1;
    tg_hold_phase_set(hold, TG_HOLD_HELD);
    while (tg_hold_phase_get(hold) == TG_HOLD_HELD) {
        tg_ingest_acknowledge(ingest);
        tg_snapshot_offline();
        (void)nanosleep(&pause, NULL);
        tg_snapshot_online();
    }
    if (tg_hold_phase_get(hold) == TG_HOLD_WORK) {
        hold_work(ingest, hold);
        hold->held_ns = tg_clock_monotonic_ns() - from_ns;
        tg_hold_phase_set(hold, TG_HOLD_NONE);
    }
}

struct tg_answer *tg_ingest_answer(struct tg_ingest *ingest, struct tg_port *port,
                                   const struct tg_return_path *path)
{
    if (ingest->answers_count == TG_ANSWERS_MAX || path->ip_version == 0) {
        ingest->counts.answers_dropped_count++;
        return NULL;
    }
    struct tg_answer *answer =
        &ingest->answers[(ingest->answers_head + ingest->answers_count) % TG_ANSWERS_MAX];
    answer->path = *path;
    answer->port = port;
    answer->epoch = ingest->epoch;
    ingest->answers_count++;
    /* Something must become durable, or the answer would wait for ever. */
    (void)tg_ingest_block(ingest);
    return answer;
}

static void answers_send(struct tg_ingest *ingest, uint64_t durable)
{
    while (ingest->answers_count > 0) {
        struct tg_answer *answer = &ingest->answers[ingest->answers_head];
        if (answer->epoch > durable) {
            return;
        }
        const enum tg_err err =
            tg_port_answer(answer->port, &answer->path, answer->bytes, answer->length_bytes);
        if (err == TG_E_AGAIN) {
            return;
        }
        if (err == TG_OK) {
            ingest->counts.answers_sent_count++;
        } else {
            ingest->counts.answers_dropped_count++;
        }
        ingest->answers_head = (ingest->answers_head + 1) % TG_ANSWERS_MAX;
        ingest->answers_count--;
    }
}

void tg_ingest_acknowledge(struct tg_ingest *ingest)
{
    const uint64_t durable = tg_journal_durable_epoch(ingest->params.journal);
    answers_send(ingest, durable);
    if (durable == ingest->durable_told) {
        if (tg_journal_error(ingest->params.journal, NULL) != TG_OK) {
            ingest->has_failed = true;
        }
        return;
    }
    ingest->durable_told = durable;
    for (uint32_t i = 0; i < ingest->ports_count; i++) {
        struct tg_ingest_port *port = &ingest->ports[i];
        if (port->journaled_epoch != 0 && port->journaled_epoch <= durable) {
            tg_port_durable(port->port, &port->journaled);
            port->journaled_epoch = 0;
        }
    }
}
