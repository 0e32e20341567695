/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/pipeline_state.h"

#include "abi/key.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "catalog/roster.h"
#include "flow/desk.h"
#include "flow/idle.h"
#include "health/timeline.h"
#include "mediate/cumulative.h"
#include "mediate/dedup.h"
#include "mediate/sequence.h"
#include "mediate/session.h"
#include "mediate/source.h"
#include "rate/account.h"
#include "rate/rate.h"
#include "rt/eal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SESSIONS_DEFAULT    1000000u
#define DEDUP_DEFAULT       UINT64_C(4000000)
#define RESERVATIONS_DEFAULT 65536u
#define CREDIT_WAIT_NS  (INT64_C(5) * 1000000000) /* far above an epoch and its fdatasync */
#define PARK_DEFAULT_NS     (INT64_C(1800) * 1000000000)
#define SEQUENCE_STREAMS    8192u
#define TIMELINE_CLAIMS     256u
#define RING_ROWS           16384u
#define LIGHT_TURNS         16u    /* turns with little or nothing before the lcore sleeps */
#define DRAIN_NS            (INT64_C(200) * 1000000) /* what is in sockets when asked to stop */

static void params_default(struct tg_pipeline_params *params)
{
    params->workers_count = params->workers_count == 0 ? 1 : params->workers_count;
    params->sessions_max = params->sessions_max == 0 ? SESSIONS_DEFAULT : params->sessions_max;
    params->dedup_records_max =
        params->dedup_records_max == 0 ? DEDUP_DEFAULT : params->dedup_records_max;
    params->park_ns = params->park_ns == 0 ? PARK_DEFAULT_NS : params->park_ns;
    params->reservations_max =
        params->reservations_max == 0 ? RESERVATIONS_DEFAULT : params->reservations_max;
}

static enum tg_err open_decoders(struct tg_pipeline *pipeline, struct tg_why *why)
{
    enum tg_err err = TG_OK;
    for (uint32_t i = 0; i < pipeline->params.decoders_count && err == TG_OK; i++) {
        const struct tg_pipeline_decoder *decoder = &pipeline->params.decoders[i];
        const struct tg_decoder_config config = {.size_bytes = sizeof config,
                                                 .settings_count = decoder->settings_count,
                                                 .settings = decoder->settings,
                                                 .hash_seed = UINT64_C(0x70116a7e)};
        err = tg_dispatch_add(&pipeline->dispatch, decoder->name, decoder->decoder,
                              decoder->local_port, &config, why);
    }
    return err;
}

static enum tg_err open_tables(struct tg_pipeline *pipeline, struct tg_why *why)
{
    const struct tg_pipeline_params *params = &pipeline->params;
    const struct tg_timeline_config timeline = {.inventory = params->inventory,
                                                .profiles = params->profiles,
                                                .profiles_count = params->profiles_count,
                                                .claims_count = TIMELINE_CLAIMS};
    pipeline->sources = tg_sources_create();
    pipeline->sequence = tg_sequence_create(SEQUENCE_STREAMS);
    pipeline->sessions = tg_sessions_create(params->sessions_max);
    pipeline->cumulative = tg_cumulative_create(params->sessions_max);
    if (pipeline->sources == NULL || pipeline->sequence == NULL || pipeline->sessions == NULL ||
        pipeline->cumulative == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for tables of %u sessions",
                          params->sessions_max);
    }
    tg_snapshot_init(&pipeline->sessions_published, pipeline->sessions);
    enum tg_err err = tg_timeline_open(&timeline, &pipeline->timeline, why);
    if (err == TG_OK) {
        err = tg_accounts_create(params->subscribers_max, &pipeline->accounts, why);
    }
    if (err == TG_OK) {
        err = tg_credit_book_open(params->subscribers_max, &pipeline->credit_book, why);
    }
    pipeline->desk = tg_pages_take(sizeof *pipeline->desk);
    if (err == TG_OK && pipeline->desk == NULL) {
        err = tg_why_set(why, TG_E_NO_MEMORY, "no memory for prepaid requests");
    }
    return err;
}

static enum tg_err open_ratings(struct tg_pipeline *pipeline, struct tg_why *why)
{
    const bool is_inline = pipeline->params.workers_count == 1;
    pipeline->ratings_count = is_inline ? 1 : pipeline->params.workers_count - 1;
    enum tg_err err = TG_OK;
    for (uint32_t i = 0; i < pipeline->ratings_count && err == TG_OK; i++) {
        const struct tg_rating_params params = {
            .stream = is_inline ? 0 : i + 1,
            .ring_rows_count = is_inline ? 0 : RING_ROWS,
            .dedup_records_max = pipeline->params.dedup_records_max,
            .accounts = pipeline->accounts,
            .stop = &pipeline->stop_rating,
            .catalog = pipeline->params.catalog,
            .credit_book = pipeline->credit_book,
            .desk = pipeline->desk,
            .reservations_max = pipeline->params.reservations_max,
            .index = i,
            .ratings_count = pipeline->ratings_count};
        err = tg_rating_create(&params, &pipeline->ratings[i], why);
    }
    return err;
}

static enum tg_err open_journal(struct tg_pipeline *pipeline, struct tg_why *why)
{
    const bool is_inline = pipeline->params.workers_count == 1;
    const struct tg_journal_params params = {.size_bytes = sizeof params,
                                             .streams_count =
                                                 is_inline ? 1 : pipeline->ratings_count + 1,
                                             .dir = pipeline->params.data_dir,
                                             .tail = &pipeline->tail,
                                             .is_sparse = pipeline->params.is_journal_sparse};
    const enum tg_err err = tg_journal_open(&params, &pipeline->journal, why);
    for (uint32_t i = 0; i < pipeline->ratings_count && err == TG_OK; i++) {
        pipeline->ratings[i]->params.journal = pipeline->journal;
        pipeline->ratings[i]->epoch = tg_journal_next_epoch(pipeline->journal);
    }
    return err;
}

static enum tg_err open_cut(struct tg_pipeline *pipeline, struct tg_why *why)
{
    const struct tg_cut_params params = {.accounts = pipeline->accounts,
                                         .sessions = pipeline->sessions,
                                         .cumulative = pipeline->cumulative,
                                         .dispatch = &pipeline->dispatch,
                                         .sources = pipeline->sources};
    return tg_cut_create(&params, &pipeline->cut, why);
}

/* After the ports have their positions. */
static enum tg_err open_checkpointer(struct tg_pipeline *pipeline, struct tg_why *why)
{
    struct tg_checkpointer_params params = {.cut = pipeline->cut,
                                            .state = pipeline->params.state,
                                            .journal = pipeline->journal,
                                            .data_dir = pipeline->params.data_dir};
    params.is_positioned = pipeline->positions.count > 0;
    for (uint32_t i = 0; i < pipeline->params.ports_count; i++) {
        const enum tg_port_kind kind = pipeline->params.ports[i].config.kind;
        params.is_positioned |= kind == TG_PORT_FOLDER || kind == TG_PORT_PCAP;
    }
    return tg_checkpointer_create(&params, &pipeline->positions,
                                  pipeline->recovery.checkpoint_epoch, &pipeline->checkpointer,
                                  why);
}

static enum tg_err open_ports(struct tg_pipeline *pipeline, struct tg_why *why)
{
    enum tg_err err = TG_OK;
    for (uint32_t i = 0; i < pipeline->params.ports_count && err == TG_OK; i++) {
        err = tg_port_open(&pipeline->params.ports[i].config, &pipeline->ports[i], why);
        pipeline->ports_count += err == TG_OK ? 1 : 0;
    }
    if (err == TG_OK) {
        tg_pipeline_resume_ports(pipeline);
    }
    return err;
}

static enum tg_err open_ingest(struct tg_pipeline *pipeline, struct tg_why *why)
{
    struct tg_ingest_params params = {.journal = pipeline->journal,
                                      .catalog = pipeline->params.catalog,
                                      .inventory = pipeline->params.inventory,
                                      .dispatch = &pipeline->dispatch,
                                      .sources = pipeline->sources,
                                      .sequence = pipeline->sequence,
                                      .sessions = pipeline->sessions,
                                      .sessions_published = &pipeline->sessions_published,
                                      .cumulative = pipeline->cumulative,
                                      .timeline = pipeline->timeline,
                                      .ratings_count = pipeline->ratings_count,
                                      .is_inline = pipeline->params.workers_count == 1,
                                      .desk = pipeline->desk,
                                      .cut = pipeline->cut,
                                      .hold = &pipeline->hold,
                                      .time = tg_time_live()};
    memcpy(params.ratings, pipeline->ratings, sizeof params.ratings);
    enum tg_err err = tg_ingest_create(&params, &pipeline->ingest, why);
    for (uint32_t i = 0; i < pipeline->ports_count && err == TG_OK; i++) {
        const struct tg_pipeline_port *from = &pipeline->params.ports[i];
        const bool is_folder = from->config.kind == TG_PORT_FOLDER;
        const uint64_t hash = tg_key_name(from->config.name, strlen(from->config.name));
        const struct tg_ingest_port port = {
            .port = pipeline->ports[i],
            .name_hash = hash,
            .folder_key = is_folder ? hash : 0,
            .node_id = from->node_id,
            .decoder = is_folder ? (uint8_t)from->decoder_index : TG_DECODER_NONE,
            .is_positioned = is_folder || from->config.kind == TG_PORT_PCAP};
        err = tg_ingest_add_port(pipeline->ingest, &port);
    }
    return err;
}

enum tg_err tg_pipeline_open(const struct tg_pipeline_params *params,
                             struct tg_pipeline **pipeline, struct tg_why *why)
{
    if (params->workers_count > TG_WORKERS_MAX) {
        return tg_why_set(why, TG_E_INVALID, "%u workers asked for, at most %u are possible",
                          params->workers_count, TG_WORKERS_MAX);
    }
    struct tg_pipeline *made = tg_pages_take(sizeof *made);
    if (made == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for the pipeline");
    }
    made->params = *params;
    params_default(&made->params);
    enum tg_err (*const steps[])(struct tg_pipeline *, struct tg_why *) = {
        open_decoders, open_tables, open_ratings,      tg_pipeline_restore, open_journal,
        open_ports,    open_cut,    open_checkpointer, open_ingest};
    enum tg_err err = TG_OK;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && err == TG_OK; i++) {
        err = steps[i](made, why);
    }
    if (err != TG_OK) {
        tg_pipeline_close(made);
        return err;
    }
    *pipeline = made;
    return TG_OK;
}

const struct tg_pipeline_recovery *tg_pipeline_recovery(const struct tg_pipeline *pipeline)
{
    return &pipeline->recovery;
}

/* Finite inputs are all read: nothing that is parked can still be released. */
static void ingest_finish(struct tg_pipeline *pipeline)
{
    if (!tg_ingest_ports_are_finished(pipeline->ingest)) {
        return;
    }
    tg_ingest_expire(pipeline->ingest, INT64_MAX);
    (void)tg_ingest_end_epoch(pipeline->ingest);
    if (tg_ingest_is_finished(pipeline->ingest)) {
        __atomic_store_n(&pipeline->is_finished, true, __ATOMIC_RELEASE);
    }
}

static void ingest_drain(struct tg_pipeline *pipeline)
{
    const int64_t until_ns = tg_clock_monotonic_ns() + DRAIN_NS;
    while (tg_clock_monotonic_ns() < until_ns && tg_ingest_step(pipeline->ingest) > 0) {
    }
    const uint64_t last = tg_ingest_end_epoch(pipeline->ingest);
    (void)tg_journal_wait(pipeline->journal, last);
    tg_ingest_acknowledge(pipeline->ingest);
}

static void ingest_run(void *context, const struct tg_stop *stop)
{
    struct tg_pipeline *pipeline = context;
    uint32_t light_turns = 0;
    int64_t expired_ns = tg_clock_monotonic_ns();
    while (!tg_stop_is_requested(stop) && !tg_ingest_has_failed(pipeline->ingest)) {
        const enum tg_turn turn = tg_ingest_step(pipeline->ingest);
        if (turn == TG_TURN_NOTHING) {
            ingest_finish(pipeline);
        }
        if (turn == TG_TURN_MUCH) {
            light_turns = 0;
        } else {
            tg_idle(&light_turns, LIGHT_TURNS);
        }
        const int64_t now_ns = tg_clock_monotonic_ns();
        if (now_ns - expired_ns > TG_NS_PER_S) {
            expired_ns = now_ns;
            tg_ingest_expire(pipeline->ingest,
                             tg_ingest_arrival_ns(pipeline->ingest) - pipeline->params.park_ns);
        }
    }
    if (!tg_ingest_has_failed(pipeline->ingest)) {
        ingest_drain(pipeline);
    }
    __atomic_store_n(&pipeline->is_ingest_done, true, __ATOMIC_RELEASE);
}

enum tg_err tg_pipeline_start(struct tg_pipeline *pipeline, struct tg_why *why)
{
    struct tg_lcore_job jobs[TG_WORKERS_MAX + 1];
    uint32_t jobs_count = 0;
    if (pipeline->params.workers_count > 1) {
        for (uint32_t i = 0; i < pipeline->ratings_count; i++) {
            jobs[jobs_count++] = (struct tg_lcore_job){tg_rating_run, pipeline->ratings[i]};
        }
    }
    jobs[jobs_count++] = (struct tg_lcore_job){ingest_run, pipeline};
    pipeline->is_running = true;
    const enum tg_err err = tg_lcores_launch(jobs, jobs_count, &pipeline->stop_ingest, why);
    pipeline->is_running = err == TG_OK;
    return err;
}

bool tg_pipeline_is_finished(const struct tg_pipeline *pipeline)
{
    return __atomic_load_n(&pipeline->is_finished, __ATOMIC_ACQUIRE);
}

bool tg_pipeline_has_failed(const struct tg_pipeline *pipeline, struct tg_why *why)
{
    return tg_journal_error(pipeline->journal, why) != TG_OK ||
           tg_ingest_has_failed(pipeline->ingest);
}

enum tg_err tg_pipeline_stop(struct tg_pipeline *pipeline, struct tg_why *why)
{
    if (pipeline->is_running) {
        /* Ingest first: it still needs the rate workers to end its last epoch. */
        const struct timespec pause = {.tv_nsec = TG_IDLE_SLEEP_NS};
        tg_stop_request(&pipeline->stop_ingest);
        while (!__atomic_load_n(&pipeline->is_ingest_done, __ATOMIC_ACQUIRE)) {
            (void)nanosleep(&pause, NULL);
        }
        tg_stop_request(&pipeline->stop_rating);
        tg_lcores_join();
        pipeline->is_running = false;
    }
    tg_checkpointer_cancel(pipeline->checkpointer);
    const enum tg_err err = tg_journal_error(pipeline->journal, why);
    return err != TG_OK ? err : tg_checkpointer_run(pipeline->checkpointer, why);
}

enum tg_err tg_pipeline_checkpoint_start(struct tg_pipeline *pipeline, struct tg_why *why)
{
    struct tg_checkpointer_status status;
    tg_checkpointer_status(pipeline->checkpointer, &status);
    if (!pipeline->is_running) {
        return tg_why_set(why, TG_E_STATE, "the data plane does not run");
    }
    if (tg_journal_durable_epoch(pipeline->journal) <= status.epoch) {
        return tg_why_set(why, TG_E_STATE,
                          "nothing has become durable since the checkpoint at epoch %llu",
                          (unsigned long long)status.epoch);
    }
    return tg_checkpointer_start(pipeline->checkpointer, why);
}

bool tg_pipeline_checkpoint_is_running(const struct tg_pipeline *pipeline)
{
    return tg_checkpointer_is_running(pipeline->checkpointer);
}

bool tg_pipeline_checkpoint_ended(struct tg_pipeline *pipeline, enum tg_err *err,
                                  struct tg_why *why)
{
    return tg_checkpointer_ended(pipeline->checkpointer, err, why);
}

void tg_pipeline_close(struct tg_pipeline *pipeline)
{
    if (pipeline == NULL) {
        return;
    }
    if (pipeline->checkpointer != NULL) {
        tg_checkpointer_cancel(pipeline->checkpointer);
        tg_checkpointer_destroy(pipeline->checkpointer);
    }
    tg_cut_destroy(pipeline->cut);
    tg_ingest_destroy(pipeline->ingest);
    for (uint32_t i = 0; i < pipeline->ports_count; i++) {
        tg_port_close(pipeline->ports[i]);
    }
    (void)tg_journal_close(pipeline->journal);
    for (uint32_t i = 0; i < pipeline->ratings_count; i++) {
        tg_rating_destroy(pipeline->ratings[i]);
    }
    tg_dispatch_close(&pipeline->dispatch);
    tg_accounts_destroy(pipeline->accounts);
    tg_credit_book_close(pipeline->credit_book);
    tg_pages_free(pipeline->desk, sizeof *pipeline->desk);
    tg_timeline_close(pipeline->timeline);
    tg_cumulative_free(pipeline->cumulative);
    tg_sessions_free(pipeline->sessions);
    tg_sequence_free(pipeline->sequence);
    tg_sources_free(pipeline->sources);
    tg_positions_free(&pipeline->positions);
    tg_pages_free(pipeline, sizeof *pipeline);
}

uint64_t tg_pipeline_durable_epoch(const struct tg_pipeline *pipeline)
{
    return tg_journal_durable_epoch(pipeline->journal);
}

struct tg_desk *tg_pipeline_desk(struct tg_pipeline *pipeline)
{
    struct tg_desk *desk = pipeline->desk;
    if (__atomic_load_n(&desk->pending, __ATOMIC_ACQUIRE) != 0) {
        return NULL;
    }
    desk->requests_count = 0;
    desk->views_count = 0;
    desk->has_list = false;
    desk->is_writing = false;
    desk->has_more = false;
    desk->outages_count = 0;
    return desk;
}

/* Sleeps while the lcores work and the disk syncs. */
static bool credit_wait(struct tg_pipeline *pipeline, int64_t until_ns, uint64_t epoch)
{
    const struct timespec pause = {.tv_nsec = TG_IDLE_SLEEP_NS};
    while (__atomic_load_n(&pipeline->desk->pending, __ATOMIC_ACQUIRE) != 0 ||
           tg_journal_durable_epoch(pipeline->journal) < epoch) {
        if (tg_clock_monotonic_ns() > until_ns || tg_pipeline_has_failed(pipeline, NULL)) {
            return false;
        }
        (void)nanosleep(&pause, NULL);
    }
    return true;
}

enum tg_err tg_pipeline_credit(struct tg_pipeline *pipeline, int64_t now_ns, struct tg_why *why)
{
    struct tg_desk *desk = pipeline->desk;
    const int64_t until_ns = tg_clock_monotonic_ns() + CREDIT_WAIT_NS;
    if (!pipeline->is_running) {
        return tg_why_set(why, TG_E_STATE, "the data plane does not run");
    }
    desk->now_ns = now_ns;
    desk->is_writing = desk->is_writing || desk->outages_count > 0 ||
                       now_ns >= tg_pipeline_credit_due_ns(pipeline);
    for (uint32_t i = 0; i < desk->requests_count; i++) {
        desk->answers[i] = (struct tg_credit_answer){
            .err = desk->requests[i].action == TG_CREDIT_DO_LIST ? TG_OK : TG_E_NOT_FOUND,
            .account = TG_ACCOUNT_NONE};
    }
    __atomic_store_n(&desk->pending, pipeline->ratings_count, __ATOMIC_RELAXED);
    /* Pairs with the acquire load of tg_desk_is_waiting. */
    __atomic_store_n(&desk->turn, desk->turn + 1, __ATOMIC_RELEASE);
    bool is_done = credit_wait(pipeline, until_ns, 0);
    uint64_t epoch = 0;
    for (uint32_t i = 0; is_done && i < desk->requests_count; i++) {
        epoch = desk->answers[i].epoch > epoch ? desk->answers[i].epoch : epoch;
    }
    is_done = is_done && credit_wait(pipeline, until_ns, epoch);
    if (!is_done && tg_pipeline_has_failed(pipeline, why)) {
        return TG_E_NOT_DURABLE;
    }
    return is_done ? TG_OK
                   : tg_why_set(why, TG_E_AGAIN,
                                "no answer yet: ask again with the same id, it has effect once");
}

/* Sleeps until the ingest lcore has moved the hold on; false: it never will. */
static bool hold_wait(const struct tg_pipeline *pipeline, uint32_t phase)
{
    const struct timespec pause = {.tv_nsec = TG_IDLE_SLEEP_NS};
    while (tg_hold_phase_get(&pipeline->hold) == phase) {
        /* Read first: a lcore that ends has moved on before. */
        const bool is_done = __atomic_load_n(&pipeline->is_ingest_done, __ATOMIC_ACQUIRE);
        if (is_done && tg_hold_phase_get(&pipeline->hold) == phase) {
            return false;
        }
        (void)nanosleep(&pause, NULL);
    }
    return true;
}

enum tg_err tg_pipeline_hold(struct tg_pipeline *pipeline, uint64_t *epoch, struct tg_why *why)
{
    if (!pipeline->is_running) {
        return tg_why_set(why, TG_E_STATE, "the data plane does not run");
    }
    tg_hold_phase_set(&pipeline->hold, TG_HOLD_ASKED);
    if (!hold_wait(pipeline, TG_HOLD_ASKED)) {
        tg_hold_phase_set(&pipeline->hold, TG_HOLD_NONE);
        return tg_why_set(why, TG_E_STATE, "the engine stopped before anything was posted");
    }
    *epoch = pipeline->hold.epoch;
    if (tg_journal_wait(pipeline->journal, *epoch) != TG_OK) {
        (void)tg_journal_error(pipeline->journal, why);
        tg_pipeline_let_go(pipeline);
        return TG_E_NOT_DURABLE;
    }
    return TG_OK;
}

void tg_pipeline_let_go(struct tg_pipeline *pipeline)
{
    tg_hold_phase_set(&pipeline->hold, TG_HOLD_NONE);
}

enum tg_err tg_pipeline_post(struct tg_pipeline *pipeline, tg_hold_work work, void *context,
                             uint64_t *epoch, int64_t *held_ns, struct tg_why *why)
{
    struct tg_hold *hold = &pipeline->hold;
    hold->work = work;
    hold->context = context;
    tg_hold_phase_set(hold, TG_HOLD_WORK);
    (void)hold_wait(pipeline, TG_HOLD_WORK); /* it is at work: it comes back */
    *epoch = hold->epoch;
    *held_ns = hold->held_ns;
    if (hold->err != TG_OK) {
        return tg_why_set(why, hold->err, "corrections cannot be posted: %s",
                          tg_err_sentence(hold->err));
    }
    return tg_journal_wait(pipeline->journal, *epoch) == TG_OK
               ? TG_OK
               : tg_why_set(why, TG_E_NOT_DURABLE, "the journal has failed");
}

int64_t tg_pipeline_credit_due_ns(const struct tg_pipeline *pipeline)
{
    int64_t due_ns = INT64_MAX;
    for (uint32_t i = 0; i < pipeline->ratings_count; i++) {
        const int64_t own_ns = tg_credit_due_ns(pipeline->ratings[i]->credit);
        due_ns = own_ns < due_ns ? own_ns : due_ns;
    }
    return due_ns;
}

uint64_t tg_pipeline_credit_open_count(const struct tg_pipeline *pipeline)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < pipeline->ratings_count; i++) {
        count += __atomic_load_n(&tg_credit_counts(pipeline->ratings[i]->credit)->open_count,
                                 __ATOMIC_RELAXED);
    }
    return count;
}

static void credit_add(struct tg_credit_counts *sum, const struct tg_credit_counts *more)
{
    const uint64_t *from = (const uint64_t *)more;
    uint64_t *to = (uint64_t *)sum;
    _Static_assert(sizeof *sum % sizeof(uint64_t) == 0, "counts only");
    for (size_t i = 0; i < sizeof *sum / sizeof *to; i++) {
        to[i] += __atomic_load_n(&from[i], __ATOMIC_RELAXED);
    }
}

static void stages_add(struct tg_pipeline_status *status, const struct tg_stage_counts *counts)
{
    for (uint32_t i = 0; i < TG_STAGES_COUNT; i++) {
        const struct tg_stage_count *count = &counts->stages[i];
        status->stages[i].rows_count += __atomic_load_n(&count->rows_count, __ATOMIC_RELAXED);
        status->stages[i].cycles += __atomic_load_n(&count->cycles, __ATOMIC_RELAXED);
    }
}

void tg_pipeline_status(const struct tg_pipeline *pipeline, struct tg_pipeline_status *status)
{
    struct tg_journal_counters journal;
    *status = (struct tg_pipeline_status){.ingest = *tg_ingest_counts(pipeline->ingest)};
    stages_add(status, tg_ingest_stages(pipeline->ingest));
    for (uint32_t i = 0; i < pipeline->ratings_count; i++) {
        const struct tg_rating *rating = pipeline->ratings[i];
        stages_add(status, &rating->stages);
        status->dedup_records_count += tg_dedup_count(rating->dedup);
        status->dedup_rotations_count += tg_dedup_rotations(rating->dedup);
        status->calls_forgotten_count +=
            __atomic_load_n(&tg_rate_counts(rating->rate)->calls_forgotten_count, __ATOMIC_RELAXED);
        credit_add(&status->credit, tg_credit_counts(rating->credit));
        for (uint32_t fate = 0; fate < TG_FATE_COUNT; fate++) {
            status->fate_rows[fate] +=
                __atomic_load_n(&rating->counts.fate_rows[fate], __ATOMIC_RELAXED);
        }
    }
    tg_checkpointer_status(pipeline->checkpointer, &status->checkpoint);
    tg_journal_counters(pipeline->journal, &journal);
    status->durable_epoch = tg_journal_durable_epoch(pipeline->journal);
    status->journal_rows_count = journal.rows_count;
    status->journal_plain_bytes = journal.plain_bytes;
    status->journal_stored_bytes = journal.stored_bytes;
    status->journal_syncs_count = journal.syncs_count;
    status->journal_waits_count = journal.waits_count;
    status->sources_count = tg_sources_count(pipeline->sources);
    status->sessions_count = tg_sessions_count(pipeline->sessions);
    status->sessions_refused_count = tg_sessions_refused(pipeline->sessions);
    status->readings_evicted_count = tg_cumulative_evicted(pipeline->cumulative);
    status->sequence_refused_count = tg_sequence_refused(pipeline->sequence);
}

void tg_pipeline_port_counters(const struct tg_pipeline *pipeline, uint32_t index,
                               struct tg_port_counters *counters)
{
    tg_port_counters(pipeline->ports[index], counters);
}
