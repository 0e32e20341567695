/* SPDX-License-Identifier: Apache-2.0 */
/* Memory is a cache of the journal: what a checkpoint holds is loaded, what came after is replayed.
 */
#include "flow/pipeline_state.h"

#include "abi/key.h"
#include "base/clock.h"
#include "base/log.h"
#include "catalog/roster.h"
#include "health/inventory.h"
#include "health/timeline.h"
#include "ledger/lanes.h"
#include "ledger/recover.h"
#include "mediate/cumulative.h"
#include "mediate/dedup.h"
#include "mediate/identify.h"
#include "mediate/session.h"
#include "mediate/source.h"
#include "rate/rate.h"
#include "rate/shelf_note.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct tg_roster *roster_of(const struct tg_pipeline *pipeline)
{
    return tg_route_roster(pipeline->params.catalog);
}

static enum tg_err page_load(void *context, const struct tg_checkpoint_page *page)
{
    struct tg_pipeline *pipeline = context;
    const uint32_t number = (uint32_t)page->number;
    const size_t size = page->bytes.length_bytes;
    enum tg_err err = TG_E_FORMAT;
    switch (page->number >> 32) {
    case TG_CUT_ACCOUNTS: {
        const uint32_t at = tg_accounts_page_find(pipeline->accounts, number);
        err = at == UINT32_MAX
                  ? TG_E_FULL
                  : tg_accounts_page_load(pipeline->accounts, at, page->bytes.at, size);
        if (err == TG_OK) {
            tg_accounts_page_epoch(pipeline->accounts, at, page->epoch);
        }
        break;
    }
    case TG_CUT_SESSIONS:
        err = tg_sessions_page_load(pipeline->sessions, number, page->epoch, page->bytes.at, size);
        break;
    case TG_CUT_CUMULATIVE:
        err = tg_cumulative_page_load(pipeline->cumulative, number, page->epoch, page->bytes.at,
                                      size);
        break;
    default:
        break;
    }
    if (err != TG_OK) {
        tg_log(TG_LOG_ERROR, "flow",
               "a page of %s in the checkpoint does not fit the configuration; keep "
               "limits.sessions and limits.subscribers as they were",
               page->number >> 32 == TG_CUT_ACCOUNTS   ? "accounts"
               : page->number >> 32 == TG_CUT_SESSIONS ? "sessions"
                                                       : "readings");
    }
    return err;
}

static enum tg_err position_load(void *context, const struct tg_checkpoint_position *position)
{
    struct tg_pipeline *pipeline = context;
    return tg_positions_set(&pipeline->positions, position->port_hash, position->file_key,
                            position->offset_bytes);
}

static enum tg_err sources_load(struct tg_pipeline *pipeline, struct tg_bytes bytes)
{
    const struct tg_source_key *keys = bytes.at;
    const size_t count = bytes.length_bytes / sizeof *keys;
    for (size_t id = 1; id <= count; id++) {
        struct tg_source_key key;
        memcpy(&key, &keys[id - 1], sizeof key);
        const enum tg_err err = tg_sources_restore(pipeline->sources, (uint16_t)id, &key);
        if (err != TG_OK) {
            return err;
        }
    }
    return TG_OK;
}

static enum tg_err blob_load(void *context, const char *name, struct tg_bytes bytes)
{
    struct tg_pipeline *pipeline = context;
    if (strcmp(name, TG_BLOB_SOURCES) == 0) {
        return sources_load(pipeline, bytes);
    }
    if (strncmp(name, TG_BLOB_DECODER, strlen(TG_BLOB_DECODER)) == 0) {
        const uint8_t slot =
            tg_dispatch_by_name(&pipeline->dispatch, name + strlen(TG_BLOB_DECODER));
        if (slot != TG_DECODER_NONE && pipeline->dispatch.slots[slot].decoder->load != NULL) {
            return pipeline->dispatch.slots[slot].decoder->load(
                pipeline->dispatch.slots[slot].state, bytes.at, bytes.length_bytes);
        }
    }
    return TG_OK;
}

static enum tg_err credit_replay(struct tg_pipeline *pipeline, const uint8_t *bytes,
                                 uint32_t length_bytes)
{
    struct tg_credit_event event;
    if (length_bytes != sizeof event) {
        return TG_E_FORMAT;
    }
    memcpy(&event, bytes, sizeof event);
    const uint32_t worker = tg_route_account(event.account, pipeline->ratings_count);
    const enum tg_err err = tg_credit_replay(pipeline->ratings[worker]->credit, &event);
    if (err == TG_E_FULL) {
        tg_log(TG_LOG_ERROR, "flow", "more reservations are open than limits.reservations (%u)",
               pipeline->params.reservations_max);
    }
    return err;
}

enum tg_err tg_pipeline_correct_shelf(struct tg_pipeline *pipeline, bool is_pool, uint32_t index,
                                      const struct tg_shelf *shelf)
{
    char key[TG_SHELF_NOTE_KEY_BYTES];
    const uint32_t length_bytes = tg_shelf_note_make(is_pool, index, shelf, key);
    return tg_shelf_note_apply(pipeline->accounts, key, (const uint8_t *)shelf, length_bytes);
}

/* Pages of the checkpoint hold different epochs: what comes next is of this one. */
static enum tg_err block_replay(void *context, const struct tg_scan_view *view)
{
    struct tg_pipeline *pipeline = context;
    pipeline->replay_epoch = view->epoch;
    tg_accounts_replay_epoch(pipeline->accounts, view->epoch);
    return TG_OK;
}

static enum tg_err rows_replay(void *context, const struct tg_scan_view *view, struct tg_why *why)
{
    return tg_restore_rows(context, view, why);
}

static enum tg_err observations_replay(void *context, const struct tg_observation *observations,
                                       uint32_t count, const uint8_t *text, uint32_t text_bytes)
{
    struct tg_pipeline *pipeline = context;
    (void)tg_timeline_apply(pipeline->timeline, observations, count, text, text_bytes, NULL, 0);
    return TG_OK;
}

static enum tg_err sessions_replay(void *context, const struct tg_session *sessions, uint32_t count)
{
    struct tg_pipeline *pipeline = context;
    const struct tg_identify identify = {roster_of(pipeline), NULL, NULL};
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t subscriber =
            tg_identify_key(&identify, sessions[i].key_kinds & 15u, sessions[i].subscriber_key,
                            sessions[i].start_ns);
        (void)tg_sessions_replay(pipeline->sessions, &sessions[i], subscriber,
                                 pipeline->replay_epoch);
    }
    return TG_OK;
}

/* Rows of a replayed input are in the journal already; only the decoder's state matters. */
static enum tg_err input_replay(void *context, const char *decoder, const struct tg_input *input)
{
    struct tg_pipeline *pipeline = context;
    const uint8_t index = tg_dispatch_by_name(&pipeline->dispatch, decoder);
    if (index == TG_DECODER_NONE) {
        return TG_OK; /* no longer configured */
    }
    static struct tg_usage rows[TG_DECODE_ROWS_MIN];
    static uint32_t rows_input[TG_DECODE_ROWS_MIN];
    static struct tg_observation observations[64];
    static struct tg_session sessions[64];
    static struct tg_refusal refusals[64];
    static uint64_t released[64];
    static uint8_t text[TG_DATAGRAM_BYTES_MAX + 1];
    struct tg_message message;
    struct tg_input again = *input;
    again.flags |= TG_INPUT_REPLAY;
    uint32_t finished = 0;
    while (finished == 0) {
        struct tg_decoded out = {.size_bytes = sizeof out,
                                 .rows_capacity = TG_DECODE_ROWS_MIN,
                                 .rows = rows,
                                 .rows_input = rows_input,
                                 .observations_capacity = 64,
                                 .observations = observations,
                                 .sessions_capacity = 64,
                                 .sessions = sessions,
                                 .refusals_capacity = 64,
                                 .refusals = refusals,
                                 .text_capacity_bytes = sizeof text,
                                 .text = text,
                                 .released_capacity = 64,
                                 .released_keys = released,
                                 .messages = &message};
        const struct tg_decoder_slot *slot = &pipeline->dispatch.slots[index];
        finished = slot->decoder->decode(slot->state, &again, 1, &out);
    }
    return TG_OK;
}

static enum tg_err source_replay(void *context, const struct tg_journal_source *source)
{
    if ((source->flags & TG_SOURCE_HAS_POSITION) == 0) {
        return TG_OK;
    }
    struct tg_pipeline *pipeline = context;
    return tg_positions_set(&pipeline->positions, source->port_hash, source->file_key,
                            source->offset_bytes);
}

static enum tg_err note_replay(void *context, const char *key, const uint8_t *bytes,
                               uint32_t length_bytes)
{
    struct tg_pipeline *pipeline = context;
    unsigned source_id;
    struct tg_source_key source_key;
    if (strncmp(key, TG_CREDIT_NOTE, strlen(TG_CREDIT_NOTE)) == 0) {
        return credit_replay(pipeline, bytes, length_bytes);
    }
    if (strncmp(key, TG_SHELF_NOTE, strlen(TG_SHELF_NOTE)) == 0) {
        return tg_shelf_note_apply(pipeline->accounts, key, bytes, length_bytes);
    }
    if (sscanf(key, "source/%5u", &source_id) != 1 || length_bytes != sizeof source_key) {
        return TG_OK;
    }
    memcpy(&source_key, bytes, sizeof source_key);
    return tg_sources_restore(pipeline->sources, (uint16_t)source_id, &source_key);
}

/* Prepaid events of a block that is before the checkpoint; sources are in the checkpoint. */
static enum tg_err credit_notes_replay(struct tg_pipeline *pipeline,
                                       const struct tg_scan_view *view, struct tg_why *why)
{
    struct tg_scan_position at = {0};
    struct tg_scan_note note;
    enum tg_err err = TG_OK;
    while (err == TG_OK && (err = tg_scan_note_next(view, &at, &note, why)) == TG_OK) {
        if (strncmp(note.key, TG_CREDIT_NOTE, strlen(TG_CREDIT_NOTE)) == 0) {
            err = credit_replay(pipeline, note.bytes, note.length_bytes);
        }
    }
    return err == TG_E_NOT_FOUND ? TG_OK : err;
}

/* Node states, prepaid balances and the duplicate check are functions of everything journaled, also
 * before the checkpoint; only the columns and sections they need are decompressed. */
static enum tg_err history_replay(struct tg_pipeline *pipeline, uint64_t epoch_max,
                                  struct tg_why *why)
{
    const struct tg_scan_params params = {.size_bytes = sizeof params,
                                          .dir = pipeline->params.data_dir,
                                          .epoch_max = epoch_max,
                                          .columns = tg_restore_columns(pipeline, false)};
    const struct tg_lanes_work work = {pipeline, tg_restore_make};
    struct tg_lanes *lanes = NULL;
    struct tg_scan_view view;
    pipeline->restore->is_posted = false;
    enum tg_err err = tg_lanes_open(&params, 0, false, &work, &lanes, why);
    while (err == TG_OK && (err = tg_lanes_next(lanes, &view, why)) == TG_OK) {
        const struct tg_observation *observations;
        const uint8_t *text;
        uint32_t count;
        uint32_t text_bytes;
        err = tg_scan_observations(&view, &observations, &count, &text, &text_bytes, why);
        if (err == TG_OK) {
            (void)tg_timeline_apply(pipeline->timeline, observations, count, text, text_bytes, NULL,
                                    0);
        }
        if (err == TG_OK && view.rows_count > 0) {
            err = tg_restore_rows(pipeline, &view, why);
        }
        err = err == TG_OK ? credit_notes_replay(pipeline, &view, why) : err;
    }
    tg_lanes_close(lanes);
    return err == TG_E_NOT_FOUND ? TG_OK : err;
}

/* At least so many rows of the journal are remembered. Blocks of rated rows alone are counted by
 * their headers. */
static enum tg_err remembered_count(struct tg_pipeline *pipeline, uint64_t *count,
                                    struct tg_why *why)
{
    const struct tg_scan_params params = {.size_bytes = sizeof params,
                                          .dir = pipeline->params.data_dir,
                                          .columns = TG_COLUMN_BIT(fate) | TG_COLUMN_BIT(reason),
                                          .fates = ~(1u << TG_FATE_RATED)};
    struct tg_scan *scan = NULL;
    struct tg_scan_view view;
    *count = 0;
    enum tg_err err = tg_scan_open(&params, &scan, why);
    while (err == TG_OK && (err = tg_scan_next(scan, &view, why)) == TG_OK) {
        *count += view.rows_count == 0 ? view.rows_total_count : 0;
        for (uint32_t i = 0; i < view.rows_count; i++) {
            *count += tg_rating_is_remembered(view.fate[i], view.reason[i]);
        }
    }
    tg_scan_close(scan);
    return err == TG_E_NOT_FOUND ? TG_OK : err;
}

/* How many rows each of several workers owns is not known ahead: then nothing is skipped. */
static enum tg_err tables_begin(struct tg_pipeline *pipeline, struct tg_why *why)
{
    uint64_t count = 0;
    int64_t at_ns = tg_clock_thread_cpu_ns();
    enum tg_err err =
        pipeline->ratings_count == 1 ? remembered_count(pipeline, &count, why) : TG_OK;
    tg_restore_step_take(pipeline, TG_RESTORE_COUNT, &at_ns);
    for (uint32_t i = 0; i < pipeline->ratings_count && err == TG_OK; i++) {
        struct tg_dedup *dedup = pipeline->ratings[i]->dedup;
        err = tg_dedup_restore_begin(dedup, tg_dedup_skip(dedup, count));
        err = err == TG_OK ? tg_rate_apply_begin(pipeline->ratings[i]->rate) : err;
    }
    err = err == TG_OK ? tg_restore_begin(pipeline) : err;
    return err == TG_E_NO_MEMORY ? tg_why_set(why, err, "no memory to read the journal") : err;
}

static enum tg_err tables_end(struct tg_pipeline *pipeline, struct tg_why *why)
{
    enum tg_err err = TG_OK;
    int64_t at_ns = tg_clock_thread_cpu_ns();
    tg_restore_end(pipeline);
    for (uint32_t i = 0; i < pipeline->ratings_count; i++) {
        tg_dedup_restore_end(pipeline->ratings[i]->dedup);
        tg_restore_step_take(pipeline, TG_RESTORE_DEDUP, &at_ns);
        const enum tg_err posted = tg_rate_apply_end(pipeline->ratings[i]->rate);
        err = err == TG_OK ? posted : err;
        tg_restore_step_take(pipeline, TG_RESTORE_ACCOUNTS, &at_ns);
    }
    return err == TG_OK ? err
                        : tg_why_set(why, err,
                                     "journaled rows do not fit their account lines: journal, "
                                     "catalog and checkpoint do not belong together");
}

static void sources_resolve(struct tg_pipeline *pipeline)
{
    for (uint32_t id = 1; id < tg_sources_count(pipeline->sources); id++) {
        struct tg_source *source = tg_sources_at(pipeline->sources, (uint16_t)id);
        source->node_id =
            source->key.folder_key != 0
                ? 0
                : tg_inventory_by_address(pipeline->params.inventory, source->key.address);
        for (uint32_t i = 0; i < pipeline->params.ports_count; i++) {
            const struct tg_pipeline_port *port = &pipeline->params.ports[i];
            if (source->key.folder_key != 0 &&
                source->key.folder_key ==
                    tg_key_name(port->config.name, strlen(port->config.name))) {
                source->node_id = port->node_id;
            }
        }
    }
}

static enum tg_err journal_replay(struct tg_pipeline *pipeline, uint64_t epoch,
                                  struct tg_recovered *recovered, struct tg_why *why)
{
    const struct tg_recover_calls calls = {.context = pipeline,
                                           .columns = tg_restore_columns(pipeline, true),
                                           .make = tg_restore_make,
                                           .block = block_replay,
                                           .rows = rows_replay,
                                           .observations = observations_replay,
                                           .sessions = sessions_replay,
                                           .input = input_replay,
                                           .source = source_replay,
                                           .note = note_replay};
    enum tg_err err = tables_begin(pipeline, why);
    if (err == TG_OK && epoch > 0) {
        err = history_replay(pipeline, epoch, why);
    }
    if (err == TG_OK) {
        pipeline->restore->is_posted = true;
        err = tg_recover(pipeline->params.data_dir, epoch, NULL, &calls, recovered, why);
    }
    const enum tg_err ended = tables_end(pipeline, err == TG_OK ? why : NULL);
    return err == TG_OK ? ended : err;
}

enum tg_err tg_pipeline_restore(struct tg_pipeline *pipeline, struct tg_why *why)
{
    const int64_t began_ns = tg_clock_monotonic_ns();
    const int64_t process_ns = tg_clock_process_cpu_ns();
    const int64_t thread_ns = tg_clock_thread_cpu_ns();
    const struct tg_checkpoint_calls loads = {pipeline, page_load, position_load, blob_load};
    struct tg_pipeline_recovery *recovery = &pipeline->recovery;
    struct tg_recovered recovered;
    struct tg_checkpoint_epochs epochs;
    int64_t at_ns = thread_ns;
    pipeline->restore_told_ns = began_ns;
    enum tg_err err = tg_checkpoint_load(pipeline->params.state, &loads, &epochs, why);
    if (err == TG_OK) {
        recovery->checkpoint_epoch = epochs.epoch;
        if (recovery->checkpoint_epoch > 0) {
            tg_sessions_pages_loaded(pipeline->sessions);
        }
        tg_restore_step_take(pipeline, TG_RESTORE_CHECKPOINT, &at_ns);
        err = journal_replay(pipeline, recovery->checkpoint_epoch, &recovered, why);
    }
    if (err == TG_OK && recovered.tail.epoch < epochs.epoch_last) {
        err = tg_why_set(why, TG_E_CORRUPT,
                         "the journal ends at epoch %llu, but the checkpoint has pages of epoch "
                         "%llu",
                         (unsigned long long)recovered.tail.epoch,
                         (unsigned long long)epochs.epoch_last);
    }
    if (err != TG_OK) {
        return err;
    }
    tg_accounts_replay_epoch(pipeline->accounts, UINT64_MAX);
    pipeline->positions.epoch = recovered.tail.epoch;
    sources_resolve(pipeline);
    pipeline->tail = recovered.tail;
    recovery->epochs_count = recovered.epochs_count;
    recovery->rows_count = recovered.rows_count;
    recovery->torn_bytes = recovered.torn_bytes;
    recovery->elapsed_ns = tg_clock_monotonic_ns() - began_ns;
    const int64_t spent_ns = tg_clock_thread_cpu_ns() - thread_ns;
    recovery->step_ns[TG_RESTORE_READ] = tg_clock_process_cpu_ns() - process_ns - spent_ns;
    recovery->step_ns[TG_RESTORE_REST] = spent_ns;
    for (unsigned step = 0; step < TG_RESTORE_REST; step++) {
        recovery->step_ns[TG_RESTORE_REST] -= recovery->step_ns[step];
    }
    return TG_OK;
}

void tg_pipeline_resume_ports(struct tg_pipeline *pipeline)
{
    for (uint32_t p = 0; p < pipeline->ports_count; p++) {
        const char *name = pipeline->params.ports[p].config.name;
        const uint64_t port_hash = tg_key_name(name, strlen(name));
        for (uint32_t i = 0; i < pipeline->positions.count; i++) {
            const struct tg_checkpoint_position *known = &pipeline->positions.list[i];
            const struct tg_position position = {known->file_key, known->offset_bytes};
            if (known->port_hash == port_hash) {
                tg_port_resume(pipeline->ports[p], &position);
            }
        }
    }
}
