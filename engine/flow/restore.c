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
#include "ledger/recover.h"
#include "mediate/cumulative.h"
#include "mediate/dedup.h"
#include "mediate/identify.h"
#include "mediate/session.h"
#include "mediate/source.h"
#include "rate/rate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOB_SESSIONS   "sessions"
#define BLOB_CUMULATIVE "cumulative"
#define BLOB_SOURCES    "sources"
#define BLOB_DECODER    "decoder/"
#define AHEAD_ROWS      16u /* as tg_dedup_run: more evicts what was asked for */
#define DECODER_BLOB_BYTES_MAX ((size_t)64 << 20)

static const struct tg_roster *roster_of(const struct tg_pipeline *pipeline)
{
    return tg_route_roster(pipeline->params.catalog);
}

/* Positions: the latest of a (port, file) wins. */
static enum tg_err position_set(struct tg_pipeline *pipeline, uint64_t port_hash, uint64_t file_key,
                                uint64_t offset)
{
    for (uint32_t i = pipeline->positions_count; i-- > 0;) {
        struct tg_restored_position *known = &pipeline->positions[i];
        if (known->port_hash == port_hash && known->position.file_key == file_key) {
            known->position.offset = offset;
            return TG_OK;
        }
    }
    if (pipeline->positions_count == pipeline->positions_capacity) {
        const uint32_t capacity = pipeline->positions_capacity * 2 + 64;
        struct tg_restored_position *more =
            realloc(pipeline->positions, capacity * sizeof *more);
        if (more == NULL) {
            return TG_E_NO_MEMORY;
        }
        pipeline->positions = more;
        pipeline->positions_capacity = capacity;
    }
    pipeline->positions[pipeline->positions_count++] =
        (struct tg_restored_position){port_hash, {file_key, offset}};
    return TG_OK;
}

static enum tg_err page_load(void *context, uint64_t number, struct tg_bytes bytes)
{
    struct tg_pipeline *pipeline = context;
    return tg_accounts_page_load(pipeline->accounts, (uint32_t)number, bytes.at,
                                 bytes.length_bytes);
}

static enum tg_err position_load(void *context, const struct tg_checkpoint_position *position)
{
    return position_set(context, position->port_hash, position->file_key, position->offset_bytes);
}

static enum tg_err image_load(void *memory, size_t size_bytes, struct tg_bytes bytes,
                              const char *name)
{
    if (bytes.length_bytes != size_bytes) {
        tg_log(TG_LOG_ERROR, "flow",
               "the checkpoint's table %s has another size than the configuration asks for; "
               "keep sessions_max as it was, or start from an empty data directory",
               name);
        return TG_E_FORMAT;
    }
    memcpy(memory, bytes.at, size_bytes);
    return TG_OK;
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
    size_t size_bytes;
    if (strcmp(name, BLOB_SESSIONS) == 0) {
        void *image = tg_sessions_image(pipeline->sessions, &size_bytes);
        return image_load(image, size_bytes, bytes, name);
    }
    if (strcmp(name, BLOB_CUMULATIVE) == 0) {
        void *image = tg_cumulative_image(pipeline->cumulative, &size_bytes);
        return image_load(image, size_bytes, bytes, name);
    }
    if (strcmp(name, BLOB_SOURCES) == 0) {
        return sources_load(pipeline, bytes);
    }
    if (strncmp(name, BLOB_DECODER, strlen(BLOB_DECODER)) == 0) {
        const uint8_t slot =
            tg_dispatch_by_name(&pipeline->dispatch, name + strlen(BLOB_DECODER));
        if (slot != TG_DECODER_NONE && pipeline->dispatch.slots[slot].decoder->load != NULL) {
            return pipeline->dispatch.slots[slot].decoder->load(
                pipeline->dispatch.slots[slot].state, bytes.at, bytes.length_bytes);
        }
    }
    return TG_OK;
}

static void credit_row_replay(struct tg_pipeline *pipeline, uint32_t worker,
                              const struct tg_charge *charge)
{
    if (charge->flags != 0) {
        const struct tg_roster_line *line =
            tg_roster_line(roster_of(pipeline), charge->subscriber);
        if (line != NULL) {
            tg_credit_replay_row(pipeline->ratings[worker]->credit, line->account, charge);
        }
    }
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

/* The worker that owns a row; alone it owns all, and no roster line need be fetched. */
static uint32_t worker_of(const struct tg_pipeline *pipeline, const struct tg_roster *roster,
                          const struct tg_usage *row, const struct tg_charge *charge)
{
    return pipeline->ratings_count == 1
               ? 0
               : tg_route_worker(roster, row, charge->subscriber, pipeline->ratings_count);
}

/* Memory is slower than all else here: the lines of the row some places on are asked for now. */
static void row_prefetch(const struct tg_pipeline *pipeline, const struct tg_roster *roster,
                         const struct tg_usage *rows, const struct tg_charge *charges,
                         uint32_t index, uint32_t count)
{
    const uint32_t ahead = index + AHEAD_ROWS;
    if (ahead < count) {
        const uint32_t worker = worker_of(pipeline, roster, &rows[ahead], &charges[ahead]);
        tg_dedup_prefetch(pipeline->ratings[worker]->dedup, &rows[ahead]);
    }
}

static enum tg_err rows_replay(void *context, const struct tg_usage *rows,
                               const struct tg_charge *charges, uint32_t count)
{
    struct tg_pipeline *pipeline = context;
    const struct tg_roster *roster = roster_of(pipeline);
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t worker = worker_of(pipeline, roster, &rows[i], &charges[i]);
        row_prefetch(pipeline, roster, rows, charges, i, count);
        if (i + AHEAD_ROWS < count &&
            charges[i + AHEAD_ROWS].subscriber < tg_accounts_subscribers_max(pipeline->accounts)) {
            tg_accounts_prefetch(pipeline->accounts, charges[i + AHEAD_ROWS].subscriber,
                                 tg_account_period(rows[i + AHEAD_ROWS].start_ns));
        }
        if ((rows[i].flags & TG_USAGE_CUMULATIVE) != 0 && charges[i].fate != TG_FATE_DUPLICATE &&
            charges[i].fate != TG_FATE_MERGED) {
            tg_cumulative_replay(pipeline->cumulative, &rows[i]);
        }
        tg_timeline_life(pipeline->timeline, &rows[i].node_id, &rows[i].start_ns, 1);
        credit_row_replay(pipeline, worker, &charges[i]);
        const enum tg_err err =
            tg_rating_replay(pipeline->ratings[worker], &rows[i], &charges[i], 1);
        if (err != TG_OK) {
            return err;
        }
    }
    return TG_OK;
}

static enum tg_err observations_replay(void *context, const struct tg_observation *observations,
                                       uint32_t count, const uint8_t *text, uint32_t text_bytes)
{
    struct tg_pipeline *pipeline = context;
    (void)tg_timeline_apply(pipeline->timeline, observations, count, text, text_bytes, NULL, 0);
    return TG_OK;
}

static enum tg_err sessions_replay(void *context, const struct tg_session *sessions,
                                   uint32_t count)
{
    struct tg_pipeline *pipeline = context;
    const struct tg_identify identify = {roster_of(pipeline), NULL};
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t subscriber = tg_identify_key(&identify, sessions[i].key_kinds & 15u,
                                                    sessions[i].subscriber_key,
                                                    sessions[i].start_ns);
        (void)tg_sessions_apply(pipeline->sessions, &sessions[i], subscriber);
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
    return position_set(context, source->port_hash, source->file_key, source->offset_bytes);
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
    const struct tg_scan_params params = {
        .size_bytes = sizeof params,
        .sections = TG_SECTION_BIT(TG_SECTION_OBSERVATIONS) | TG_SECTION_BIT(TG_SECTION_ROWS) |
                    TG_SECTION_BIT(TG_SECTION_NOTES),
        .dir = pipeline->params.data_dir,
        .epoch_max = epoch_max,
        .wants_structs = true};
    struct tg_scan *scan = NULL;
    struct tg_scan_view view;
    enum tg_err err = tg_scan_open(&params, &scan, why);
    while (err == TG_OK && (err = tg_scan_next(scan, &view, why)) == TG_OK) {
        const struct tg_observation *observations;
        const uint8_t *text;
        uint32_t count;
        uint32_t text_bytes;
        err = tg_scan_observations(&view, &observations, &count, &text, &text_bytes, why);
        if (err == TG_OK) {
            (void)tg_timeline_apply(pipeline->timeline, observations, count, text, text_bytes,
                                    NULL, 0);
        }
        const struct tg_roster *roster = roster_of(pipeline);
        for (uint32_t i = 0; i < view.rows_count; i++) {
            const uint32_t worker =
                worker_of(pipeline, roster, &view.usage[i], &view.charges[i]);
            row_prefetch(pipeline, roster, view.usage, view.charges, i, view.rows_count);
            tg_rating_remember(pipeline->ratings[worker], &view.usage[i], &view.charges[i]);
            credit_row_replay(pipeline, worker, &view.charges[i]);
            tg_timeline_life(pipeline->timeline, &view.usage[i].node_id, &view.usage[i].start_ns,
                             1);
        }
        err = err == TG_OK ? credit_notes_replay(pipeline, &view, why) : err;
    }
    tg_scan_close(scan);
    return err == TG_E_NOT_FOUND ? TG_OK : err;
}

static void sources_resolve(struct tg_pipeline *pipeline)
{
    for (uint32_t id = 1; id < tg_sources_count(pipeline->sources); id++) {
        struct tg_source *source = tg_sources_at(pipeline->sources, (uint16_t)id);
        source->node_id = source->key.folder_key != 0
                              ? 0
                              : tg_inventory_by_address(pipeline->params.inventory,
                                                        source->key.address);
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

enum tg_err tg_pipeline_restore(struct tg_pipeline *pipeline, struct tg_why *why)
{
    const int64_t began_ns = tg_clock_monotonic_ns();
    const struct tg_checkpoint_calls loads = {pipeline, page_load, position_load, blob_load};
    const struct tg_recover_calls calls = {.context = pipeline,
                                           .rows = rows_replay,
                                           .observations = observations_replay,
                                           .sessions = sessions_replay,
                                           .input = input_replay,
                                           .source = source_replay,
                                           .note = note_replay};
    struct tg_recovered recovered;
    uint64_t epoch = 0;
    enum tg_err err = tg_checkpoint_load(pipeline->params.state, &loads, &epoch, why);
    if (err == TG_OK && epoch > 0) {
        err = history_replay(pipeline, epoch, why);
    }
    if (err == TG_OK) {
        err = tg_recover(pipeline->params.data_dir, epoch, NULL, &calls, &recovered, why);
    }
    if (err != TG_OK) {
        return err;
    }
    sources_resolve(pipeline);
    pipeline->tail = recovered.tail;
    pipeline->recovery = (struct tg_pipeline_recovery){
        .checkpoint_epoch = epoch,
        .epochs_count = recovered.epochs_count,
        .rows_count = recovered.rows_count,
        .torn_bytes = recovered.torn_bytes,
        .elapsed_ns = tg_clock_monotonic_ns() - began_ns};
    return TG_OK;
}

void tg_pipeline_resume_ports(struct tg_pipeline *pipeline)
{
    for (uint32_t p = 0; p < pipeline->ports_count; p++) {
        const char *name = pipeline->params.ports[p].config.name;
        const uint64_t port_hash = tg_key_name(name, strlen(name));
        for (uint32_t i = 0; i < pipeline->positions_count; i++) {
            if (pipeline->positions[i].port_hash == port_hash) {
                tg_port_resume(pipeline->ports[p], &pipeline->positions[i].position);
            }
        }
    }
}

struct page_walk {
    struct tg_accounts *accounts;
    uint32_t next;
};

static bool next_dirty_page(void *context, struct tg_checkpoint_page *page)
{
    struct page_walk *walk = context;
    while (walk->next < tg_accounts_pages_count(walk->accounts)) {
        const uint32_t number = walk->next++;
        if (tg_accounts_page_dirty(walk->accounts, number)) {
            page->number = number;
            page->bytes = (struct tg_bytes){tg_accounts_page_bytes(walk->accounts, number),
                                            TG_ACCOUNT_PAGE_BYTES};
            return true;
        }
    }
    return false;
}

static uint32_t decoder_blobs(struct tg_pipeline *pipeline, struct tg_checkpoint_blob *blobs,
                              uint8_t **buffers)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < pipeline->dispatch.slots_count; i++) {
        const struct tg_decoder_slot *slot = &pipeline->dispatch.slots[i];
        const size_t size = slot->decoder->save != NULL
                                ? slot->decoder->save(slot->state, NULL, 0)
                                : 0;
        if (size == 0 || size > DECODER_BLOB_BYTES_MAX) {
            continue;
        }
        buffers[count] = malloc(size);
        if (buffers[count] == NULL) {
            continue;
        }
        (void)slot->decoder->save(slot->state, buffers[count], size);
        (void)snprintf(blobs[count].name, sizeof blobs[count].name, BLOB_DECODER "%s", slot->name);
        blobs[count].bytes = (struct tg_bytes){buffers[count], size};
        count++;
    }
    return count;
}

/* What ran since recovery is in the journal: fold its positions over what recovery knew. */
static enum tg_err positions_follow(struct tg_pipeline *pipeline, struct tg_why *why)
{
    const struct tg_scan_params params = {.size_bytes = sizeof params,
                                          .sections = TG_SECTION_BIT(TG_SECTION_SOURCES),
                                          .dir = pipeline->params.data_dir,
                                          .epoch_min = pipeline->tail.epoch + 1};
    struct tg_scan *scan = NULL;
    struct tg_scan_view view;
    enum tg_err err = tg_scan_open(&params, &scan, why);
    while (err == TG_OK && (err = tg_scan_next(scan, &view, why)) == TG_OK) {
        const struct tg_journal_source *sources;
        uint32_t count = 0;
        err = tg_scan_sources(&view, &sources, &count, why);
        for (uint32_t i = 0; i < count && err == TG_OK; i++) {
            err = source_replay(pipeline, &sources[i]);
        }
    }
    tg_scan_close(scan);
    return err == TG_E_NOT_FOUND ? TG_OK : err;
}

static struct tg_checkpoint_position *positions_list(struct tg_pipeline *pipeline,
                                                     struct tg_why *why)
{
    if (positions_follow(pipeline, why) != TG_OK) {
        return NULL;
    }
    struct tg_checkpoint_position *list =
        malloc((pipeline->positions_count + 1u) * sizeof *list);
    for (uint32_t i = 0; list != NULL && i < pipeline->positions_count; i++) {
        list[i] = (struct tg_checkpoint_position){pipeline->positions[i].port_hash,
                                                  pipeline->positions[i].position.file_key,
                                                  pipeline->positions[i].position.offset};
    }
    return list;
}

static struct tg_source_key *sources_list(struct tg_pipeline *pipeline, size_t *size_bytes)
{
    const uint32_t count = tg_sources_count(pipeline->sources) - 1;
    struct tg_source_key *keys = calloc(count + 1u, sizeof *keys);
    for (uint32_t id = 1; keys != NULL && id <= count; id++) {
        keys[id - 1] = tg_sources_at(pipeline->sources, (uint16_t)id)->key;
    }
    *size_bytes = count * sizeof *keys;
    return keys;
}

enum tg_err tg_pipeline_checkpoint(struct tg_pipeline *pipeline, struct tg_why *why)
{
    struct tg_checkpoint_blob blobs[TG_DECODERS_MAX + 3] = {0};
    uint8_t *buffers[TG_DECODERS_MAX] = {0};
    struct page_walk walk = {pipeline->accounts, 0};
    uint32_t count = decoder_blobs(pipeline, blobs, buffers);
    size_t size;
    struct tg_source_key *sources = sources_list(pipeline, &size);
    struct tg_checkpoint_position *positions = positions_list(pipeline, why);
    enum tg_err err = TG_E_NO_MEMORY;
    if (sources == NULL || positions == NULL) {
        goto out;
    }
    if (size > 0) {
        blobs[count++] = (struct tg_checkpoint_blob){BLOB_SOURCES, {sources, size}};
    }
    const void *image = tg_sessions_image(pipeline->sessions, &size);
    blobs[count++] = (struct tg_checkpoint_blob){BLOB_SESSIONS, {image, size}};
    image = tg_cumulative_image(pipeline->cumulative, &size);
    blobs[count++] = (struct tg_checkpoint_blob){BLOB_CUMULATIVE, {image, size}};
    const struct tg_checkpoint checkpoint = {.size_bytes = sizeof checkpoint,
                                             .positions_count = pipeline->positions_count,
                                             .epoch = tg_pipeline_durable_epoch(pipeline),
                                             .positions = positions,
                                             .blobs = blobs,
                                             .blobs_count = count,
                                             .next_page = next_dirty_page,
                                             .context = &walk};
    err = tg_checkpoint_save(pipeline->params.state, &checkpoint, why);
    for (uint32_t page = 0; err == TG_OK && page < tg_accounts_pages_count(pipeline->accounts);
         page++) {
        tg_accounts_page_clean(pipeline->accounts, page);
    }
out:
    for (uint32_t i = 0; i < TG_DECODERS_MAX; i++) {
        free(buffers[i]);
    }
    free(sources);
    free(positions);
    return err;
}
