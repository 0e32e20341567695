/* SPDX-License-Identifier: Apache-2.0 */
#include "control/engine.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "catalog/catalog.h"
#include "control/commands.h"
#include "control/credit.h"
#include "control/engine_state.h"
#include "control/node_numbers.h"
#include "plug/fence.h"
#include "plug/registry.h"
#include "rt/eal.h"
#include "store/documents.h"
#include "store/file.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TURN_MS      100
#define TELEMETRY_NS (TG_NS_PER_S / 5)
#define FOLD_ROWS    500000u /* some 50 ms; prepaid requests wait for no more of a long journal */

static volatile sig_atomic_t stop_requested;

void tg_engine_request_stop(void)
{
    stop_requested = 1;
}

static void on_signal(int number)
{
    (void)number;
    stop_requested = 1;
}

static enum tg_err open_eal(struct tg_engine *engine, struct tg_why *why)
{
    const struct tg_config *config = engine->params.config;
    const struct tg_eal_config eal = {.size_bytes = sizeof eal,
                                      .memory = config->memory,
                                      .memory_mib = config->memory_mib,
                                      .workers_count = config->workers_count};
    return tg_eal_is_running() ? TG_OK : tg_eal_start(&eal, why);
}

static enum tg_err open_lock(struct tg_engine *engine, struct tg_why *why)
{
    return tg_data_lock(engine->params.config->data_dir, &engine->lock, why);
}

static enum tg_err open_plugins(struct tg_engine *engine, struct tg_why *why)
{
    tg_fence_budget(engine->params.config->tariff_budget_ms);
    for (uint32_t i = 0; i < engine->params.config->plugins_count; i++) {
        struct tg_why refused = {""};
        if (tg_plug_load(engine->params.config->plugins[i], &refused) != TG_OK) {
            /* Rows that need it are suspended with the reason; the engine still runs. */
            tg_log(TG_LOG_ERROR, "control", "plug-in refused: %s", refused.text);
        }
    }
    (void)why;
    return TG_OK;
}

static enum tg_err open_catalog(struct tg_engine *engine, struct tg_why *why)
{
    const struct tg_config *config = engine->params.config;
    enum tg_err err = TG_OK;
    const int64_t now_ns = tg_clock_now_ns();
    if (config->catalog_dir != NULL &&
        tg_catalog_is_imported(config->catalog_dir, config->data_dir, now_ns)) {
        tg_log(TG_LOG_NOTICE, "control", "%s: as it was imported, not read again",
               config->catalog_dir);
    } else if (config->catalog_dir != NULL) {
        struct tg_catalog_summary summary;
        err = tg_catalog_import(config->catalog_dir, config->data_dir, now_ns, engine->diag,
                                &summary, why);
        if (err == TG_E_DOCUMENT) {
            return tg_why_set(why, err, "%s: the catalog has mistakes", config->catalog_dir);
        }
    }
    if (err == TG_OK) {
        err = tg_catalog_open(config->data_dir, &engine->catalog, why);
    }
    if (err == TG_OK) {
        tg_snapshot_init(&engine->published, engine->catalog);
    }
    return err;
}

static enum tg_err open_health(struct tg_engine *engine, struct tg_why *why)
{
    const struct tg_config *config = engine->params.config;
    uint32_t rules_count;
    const struct tg_rule_spec *rules = tg_profile_default_rules(&rules_count);
    struct tg_node_numbers numbers;
    enum tg_err err =
        tg_node_numbers_apply(engine->state, config->nodes, config->nodes_count, &numbers, why);
    if (err == TG_OK) {
        err = tg_inventory_open(numbers.specs, numbers.count, &engine->inventory, why);
        tg_node_numbers_free(&numbers);
    }
    if (err == TG_OK) {
        err = tg_profile_open(rules, rules_count, &engine->profile, why);
    }
    engine->profiles[0] = engine->profile;
    return err;
}

static enum tg_err open_state(struct tg_engine *engine, struct tg_why *why)
{
    return tg_state_open(engine->params.config->data_dir, false, 0, &engine->state, why);
}

static enum tg_err make_decoders(struct tg_engine *engine, struct tg_why *why)
{
    const struct tg_config *config = engine->params.config;
    for (uint32_t i = 0; i < config->decoders_count; i++) {
        const struct tg_config_decoder *from = &config->decoders[i];
        const struct tg_plug *plug = tg_plug_find(TG_PLUGIN_DECODER, from->name);
        if (plug == NULL || plug->origin == TG_PLUG_REFUSED) {
            return tg_why_set(why, TG_E_NOT_FOUND,
                              "decoder %s is not there; `tollgate plugin list` shows what is",
                              from->name);
        }
        engine->decoders[i] = (struct tg_pipeline_decoder){.name = plug->name,
                                                           .decoder = plug->plugin->contract,
                                                           .local_port = from->local_port,
                                                           .settings_count = from->settings_count,
                                                           .settings = from->settings};
    }
    return TG_OK;
}

static void make_ports(struct tg_engine *engine)
{
    const struct tg_config *config = engine->params.config;
    for (uint32_t i = 0; i < config->ports_count; i++) {
        struct tg_pipeline_port *to = &engine->ports[i];
        to->config = config->ports[i].port;
        to->config.follow = to->config.follow && !engine->params.is_once;
        for (uint32_t k = 0; config->ports[i].decoder != NULL && k < config->decoders_count; k++) {
            if (strcmp(config->decoders[k].name, config->ports[i].decoder) == 0) {
                to->decoder_index = k;
            }
        }
        if (config->ports[i].node != NULL) {
            to->node_id = tg_inventory_by_host(engine->inventory, config->ports[i].node,
                                               strlen(config->ports[i].node));
        }
    }
}

static enum tg_err open_pipeline(struct tg_engine *engine, struct tg_why *why)
{
    const struct tg_config *config = engine->params.config;
    const uint32_t listed = engine->catalog->roster->subscribers_count;
    enum tg_err err = make_decoders(engine, why);
    if (err != TG_OK) {
        return err;
    }
    make_ports(engine);
    engine->subscribers_max =
        config->subscribers_max > listed ? config->subscribers_max : listed + listed / 4 + 1024;
    const struct tg_pipeline_params params = {.size_bytes = sizeof params,
                                              .workers_count = config->workers_count,
                                              .data_dir = config->data_dir,
                                              .state = engine->state,
                                              .catalog = &engine->published,
                                              .inventory = engine->inventory,
                                              .profiles = engine->profiles,
                                              .profiles_count = 1,
                                              .subscribers_max = engine->subscribers_max,
                                              .sessions_max = config->sessions_max,
                                              .dedup_records_max = config->dedup_records_max,
                                              .park_ns = config->park_ns,
                                              .reservations_max = config->reservations_max,
                                              .decoders = engine->decoders,
                                              .ports = engine->ports,
                                              .decoders_count = config->decoders_count,
                                              .ports_count = config->ports_count,
                                              .is_journal_sparse = config->is_journal_sparse};
    err = tg_pipeline_open(&params, &engine->pipeline, why);
    const struct tg_telemetry_params telemetry = {.data_dir = config->data_dir,
                                                  .inventory = engine->inventory,
                                                  .profiles = engine->profiles,
                                                  .profiles_count = 1,
                                                  .subscribers_max = engine->subscribers_max};
    if (err == TG_OK) {
        err = tg_telemetry_open(&telemetry, &engine->telemetry, why);
    }
    return err;
}

static enum tg_err open_faces(struct tg_engine *engine, struct tg_why *why)
{
    const struct tg_config *config = engine->params.config;
    char path[4096];
    tg_fronts_init(&engine->fronts, config);
    if (!engine->params.has_control) {
        return TG_OK;
    }
    (void)snprintf(path, sizeof path, "%s/control.sock", config->data_dir);
    enum tg_err err = tg_control_listen(path, &engine->control, why);
    if (err == TG_OK && config->metrics_listen != NULL) {
        err = tg_metrics_open(config->metrics_listen, engine->pipeline, engine->ports,
                              config->ports_count, &engine->metrics, why);
    }
    return err;
}

enum tg_err tg_engine_open(const struct tg_engine_params *params, struct tg_diag *diag,
                           struct tg_engine **engine, struct tg_why *why)
{
    struct tg_engine *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for the engine");
    }
    tg_pages_prefault();
    made->params = *params;
    made->diag = diag;
    made->lock.fd = -1;
    enum tg_err (*const steps[])(struct tg_engine *, struct tg_why *) = {
        open_lock,  open_plugins, open_eal,      open_catalog,
        open_state, open_health,  open_pipeline, open_faces};
    enum tg_err err = TG_OK;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && err == TG_OK; i++) {
        err = steps[i](made, why);
    }
    if (err != TG_OK) {
        tg_engine_close(made);
        return err;
    }
    *engine = made;
    return TG_OK;
}

void tg_engine_close(struct tg_engine *engine)
{
    if (engine == NULL) {
        return;
    }
    tg_metrics_close(engine->metrics);
    tg_control_close(engine->control);
    tg_telemetry_close(engine->telemetry);
    tg_pipeline_close(engine->pipeline);
    tg_db_close(engine->state);
    tg_profile_close(engine->profile);
    tg_inventory_close(engine->inventory);
    (void)tg_snapshot_reclaim();
    tg_catalog_close(engine->catalog);
    tg_id_index_free(&engine->account_ids);
    tg_id_index_free(&engine->subscriber_ids);
    tg_data_unlock(&engine->lock);
    free(engine);
}

enum tg_err tg_engine_fold(struct tg_engine *engine, struct tg_why *why)
{
    /* Silence is judged by the wall clock only where time is the wall's: not when replaying. */
    const int64_t wall_ns = engine->params.is_once ? INT64_MIN : tg_clock_now_ns();
    if (!engine->is_fold_behind) {
        engine->fold_epoch = tg_pipeline_durable_epoch(engine->pipeline);
    }
    enum tg_err err =
        tg_telemetry_follow(engine->telemetry, engine->fold_epoch, FOLD_ROWS, wall_ns, why);
    engine->is_fold_behind = err == TG_E_AGAIN;
    if (engine->is_fold_behind) {
        return TG_OK; /* operators and fronts are told of whole states only */
    }
    if (err == TG_OK && !engine->has_operations) {
        err = tg_telemetry_restore(engine->telemetry, engine->state, why);
        engine->has_operations = err == TG_OK;
    }
    if (err == TG_OK) {
        err = tg_telemetry_publish(engine->telemetry, engine->state, why);
    }
    return err;
}

static void log_recovery(const struct tg_engine *engine)
{
    const struct tg_pipeline_recovery *r = tg_pipeline_recovery(engine->pipeline);
    if (r->checkpoint_epoch != 0 || r->epochs_count != 0) {
        tg_log(TG_LOG_NOTICE, "control",
               "recovered: checkpoint at epoch %llu, %llu epochs and %llu rows replayed, %llu "
               "torn octets cut, %lld ms",
               (unsigned long long)r->checkpoint_epoch, (unsigned long long)r->epochs_count,
               (unsigned long long)r->rows_count, (unsigned long long)r->torn_bytes,
               (long long)(r->elapsed_ns / TG_NS_PER_MS));
    }
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
    action.sa_handler = SIG_IGN;
    (void)sigaction(SIGPIPE, &action, NULL);
}

enum tg_err tg_engine_checkpoint(struct tg_engine *engine, struct tg_why *why)
{
    struct tg_pipeline_status status;
    tg_pipeline_status(engine->pipeline, &status);
    const enum tg_err err = tg_pipeline_checkpoint_start(engine->pipeline, why);
    if (err == TG_OK) {
        engine->checkpoint_ns = tg_clock_monotonic_ns();
        engine->checkpoint_octets = status.journal_stored_bytes;
    }
    return err;
}

static void checkpoint_tell(const struct tg_engine *engine, enum tg_err err, const char *why)
{
    struct tg_pipeline_status status;
    tg_pipeline_status(engine->pipeline, &status);
    const struct tg_checkpointer_status *c = &status.checkpoint;
    if (err != TG_OK) {
        tg_log(TG_LOG_ERROR, "control", "checkpoint given up, the one at epoch %llu stays good: %s",
               (unsigned long long)c->epoch, why);
        return;
    }
    tg_log(TG_LOG_NOTICE, "control",
           "checkpoint at epoch %llu: %llu pages, %llu octets in %llu ms, rows waited %llu us at "
           "most",
           (unsigned long long)c->epoch, (unsigned long long)c->pages_count,
           (unsigned long long)c->octets, (unsigned long long)c->duration_ns / TG_NS_PER_MS,
           (unsigned long long)c->pause_ns_max / 1000);
}

/* Tells how the one before ended, and begins the next one when it is due. */
static void checkpoint_tend(struct tg_engine *engine, int64_t now_ns)
{
    const struct tg_config *config = engine->params.config;
    struct tg_why why = {""};
    enum tg_err err;
    if (tg_pipeline_checkpoint_ended(engine->pipeline, &err, &why)) {
        checkpoint_tell(engine, err, why.text);
    }
    if (tg_pipeline_checkpoint_is_running(engine->pipeline)) {
        return;
    }
    const bool is_late =
        config->checkpoint_ns != 0 && now_ns - engine->checkpoint_ns >= config->checkpoint_ns;
    bool is_much = false;
    if (!is_late && config->checkpoint_octets != 0) {
        struct tg_pipeline_status status;
        tg_pipeline_status(engine->pipeline, &status);
        is_much =
            status.journal_stored_bytes - engine->checkpoint_octets >= config->checkpoint_octets;
    }
    if (!is_late && !is_much) {
        return;
    }
    err = tg_engine_checkpoint(engine, &why);
    if (err == TG_E_STATE) {
        engine->checkpoint_ns = now_ns; /* nothing has come since: the next turn need not ask */
    } else if (err != TG_OK) {
        checkpoint_tell(engine, err, why.text);
    }
}

bool tg_engine_chore_is_free(const struct tg_engine *engine, struct tg_why *why)
{
    if (engine->chore.is_started) {
        (void)tg_why_set(why, TG_E_AGAIN, "another long command is at work: ask again");
    }
    return !engine->chore.is_started;
}

static void chore_done(void *context)
{
    const struct tg_engine *engine = context;
    tg_control_wake(engine->control);
}

enum tg_err tg_engine_chore_start(struct tg_engine *engine, void (*run)(void *context),
                                  void (*finish)(struct tg_engine *engine), bool is_urgent,
                                  struct tg_why *why)
{
    engine->chore_finish = finish;
    return tg_chore_start(&engine->chore, run, chore_done, engine, is_urgent, why);
}

/* One turn: serve commands, watch fronts, fold what became durable. */
static enum tg_err engine_turn(struct tg_engine *engine, int64_t *folded_ns, struct tg_why *why)
{
    if (engine->control != NULL) {
        tg_control_serve(engine->control, engine->is_fold_behind ? 0 : TURN_MS,
                         tg_clock_monotonic_ns(), tg_engine_command, engine);
        tg_credit_flush(engine, tg_clock_now_ns());
    } else if (!engine->is_fold_behind) {
        (void)usleep(engine->params.is_once ? 1000 : TURN_MS * 1000);
    }
    tg_credit_tend(engine, tg_clock_now_ns());
    if (tg_chore_ended(&engine->chore)) {
        engine->chore_finish(engine);
    }
    const int64_t now_ns = tg_clock_monotonic_ns();
    if (engine->params.progress != NULL) {
        struct tg_pipeline_status status;
        tg_pipeline_status(engine->pipeline, &status);
        engine->params.progress(engine->params.progress_context, status.ingest.rows_count);
    }
    checkpoint_tend(engine, now_ns);
    if (engine->params.has_fronts) {
        tg_fronts_tend(&engine->fronts, now_ns);
    }
    if (engine->is_fold_behind) {
        return tg_engine_fold(engine, why);
    }
    if (now_ns - *folded_ns < TELEMETRY_NS) {
        return TG_OK;
    }
    *folded_ns = now_ns;
    tg_plugins_tell(&engine->plugins_told);
    (void)tg_snapshot_reclaim();
    const enum tg_err err = tg_engine_fold(engine, why);
    if (err == TG_OK && !engine->is_fold_behind) {
        tg_credit_outages_tend(engine, tg_clock_now_ns());
    }
    return err;
}

enum tg_err tg_engine_run(struct tg_engine *engine, struct tg_why *why)
{
    int64_t folded_ns = tg_clock_monotonic_ns();
    catch_signals();
    log_recovery(engine);
    engine->started_ns = tg_clock_monotonic_ns();
    engine->checkpoint_ns = engine->started_ns;
    enum tg_err err = tg_pipeline_start(engine->pipeline, why);
    while (err == TG_OK && stop_requested == 0) {
        err = engine_turn(engine, &folded_ns, why);
        if (err == TG_OK && tg_pipeline_has_failed(engine->pipeline, why)) {
            err = TG_E_NOT_DURABLE;
        }
        if (engine->params.is_once && tg_pipeline_is_finished(engine->pipeline)) {
            break;
        }
    }
    engine->elapsed_ns = tg_clock_monotonic_ns() - engine->started_ns;
    tg_fronts_stop(&engine->fronts);
    tg_plugins_tell(&engine->plugins_told);
    const enum tg_err stopped = tg_pipeline_stop(engine->pipeline, err == TG_OK ? why : NULL);
    while (tg_chore_wait(&engine->chore)) {
        engine->chore_finish(engine); /* it may start the next one, which finds all at rest */
    }
    err = err == TG_OK ? stopped : err;
    bool is_folded = false;
    while (err == TG_OK && (engine->is_fold_behind || !is_folded)) {
        is_folded = !engine->is_fold_behind; /* what was behind first, then what came since */
        err = tg_engine_fold(engine, why);
    }
    return err;
}

const struct tg_pipeline *tg_engine_pipeline(const struct tg_engine *engine)
{
    return engine->pipeline;
}

int64_t tg_engine_elapsed_ns(const struct tg_engine *engine)
{
    return engine->elapsed_ns;
}
