/* SPDX-License-Identifier: Apache-2.0 */
#include "control/commands.h"

#include "base/clock.h"
#include "control/answer.h"
#include "control/credit.h"
#include "control/engine_state.h"
#include "control/plugin_commands.h"
#include "control/post.h"
#include "control/reload.h"
#include "store/lmdb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void checkpoint_json(struct tg_json *answer, const struct tg_checkpointer_status *status)
{
    const int64_t now_ns = tg_clock_monotonic_ns();
    tg_json_set_integer(answer, "epoch", (int64_t)status->epoch);
    tg_json_set_integer(answer, "done", (int64_t)status->done_count);
    tg_json_set_integer(answer, "failed", (int64_t)status->failed_count);
    tg_json_set_integer(answer, "pages", (int64_t)status->pages_count);
    tg_json_set_integer(answer, "octets", (int64_t)status->octets);
    tg_json_set_integer(answer, "shelvesKept", (int64_t)status->kept_count);
    tg_json_set_integer(answer, "durationNs", (int64_t)status->duration_ns);
    tg_json_set_integer(answer, "longestPauseNs", (int64_t)status->pause_ns_max);
    if (status->finished_ns != 0) {
        tg_json_set_integer(answer, "ageNs", now_ns - (int64_t)status->finished_ns);
    }
}

static struct tg_json *control_json(const struct tg_engine *engine)
{
    struct tg_control_counts counts;
    struct tg_json *json = tg_json_object();
    tg_control_counts(engine->control, &counts);
    tg_json_set_integer(json, "connections", (int64_t)counts.connections_count);
    tg_json_set_integer(json, "requests", (int64_t)counts.requests_count);
    tg_json_set_integer(json, "refused", (int64_t)counts.refused_count);
    tg_json_set_integer(json, "displaced", (int64_t)counts.displaced_count);
    tg_json_set_integer(json, "unfinished", (int64_t)counts.unfinished_count);
    tg_json_set_integer(json, "unread", (int64_t)counts.unread_count);
    return json;
}

static struct tg_json *command_status(struct tg_engine *engine)
{
    struct tg_pipeline_status status;
    struct tg_json *answer = tg_answer_ok();
    struct tg_json *rows = tg_json_object();
    tg_pipeline_status(engine->pipeline, &status);
    for (unsigned fate = 1; fate < TG_FATE_COUNT; fate++) {
        tg_json_set_integer(rows, tg_fate_name(fate), (int64_t)status.fate_rows[fate]);
    }
    tg_json_set(answer, "rows", rows);
    tg_json_set_integer(answer, "inputs", (int64_t)status.ingest.inputs_count);
    tg_json_set_integer(answer, "decoded", (int64_t)status.ingest.rows_count);
    tg_json_set_integer(answer, "refused", (int64_t)status.ingest.refusals_count);
    tg_json_set_integer(answer, "parked", (int64_t)status.ingest.parked_count);
    tg_json_set_integer(answer, "undecoded", (int64_t)status.ingest.undecoded_count);
    tg_json_set_integer(answer, "lost", (int64_t)status.ingest.lost_records);
    tg_json_set_integer(answer, "restarts", (int64_t)status.ingest.restarts_count);
    tg_json_set_integer(answer, "observations", (int64_t)status.ingest.observations_count);
    tg_json_set_integer(answer, "sessions", status.sessions_count);
    tg_json_set_integer(answer, "durableEpoch", (int64_t)status.durable_epoch);
    tg_json_set_integer(answer, "alarmsEpoch", (int64_t)tg_telemetry_epoch(engine->telemetry));
    tg_json_set_integer(answer, "answersSent", (int64_t)status.ingest.answers_sent_count);
    tg_json_set_integer(answer, "catalogVersion",
                        engine->catalog->images[engine->catalog->images_count - 1]->version);
    tg_json_set_bool(answer, "isFinished", tg_pipeline_is_finished(engine->pipeline));
    struct tg_json *checkpoint = tg_json_object();
    checkpoint_json(checkpoint, &status.checkpoint);
    tg_json_set_bool(checkpoint, "isRunning", tg_pipeline_checkpoint_is_running(engine->pipeline));
    tg_json_set(answer, "checkpoint", checkpoint);
    tg_json_set(answer, "control", control_json(engine));
    return answer;
}

/* Begins one; `status` tells when it is stored, by its epoch. */
static struct tg_json *command_checkpoint(struct tg_engine *engine)
{
    struct tg_why why = {""};
    const enum tg_err err = tg_engine_checkpoint(engine, &why);
    if (err != TG_OK && err != TG_E_STATE) {
        return tg_answer_error(err, why.text);
    }
    struct tg_json *answer = tg_answer_ok();
    tg_json_set_bool(answer, "isUnchanged", err == TG_E_STATE); /* the last one has everything */
    return answer;
}

/* All alarms of the list or none is not promised: each is done, the first failure is told. */
static struct tg_json *command_alarm(struct tg_engine *engine, const struct tg_json *request,
                                     enum tg_change_kind kind)
{
    if (!engine->has_operations) {
        return tg_answer_error(TG_E_AGAIN, "alarms are still read from the journal: ask again");
    }
    const struct tg_json *alarms = tg_json_get(request, "alarms");
    const struct tg_operation operation = {.at_ns = tg_clock_now_ns(),
                                           .kind = kind,
                                           .is_forced = tg_json_get_bool(request, "force", false)};
    struct tg_why why = {""};
    enum tg_err first = tg_json_count(alarms) > 0 ? TG_OK : TG_E_INVALID;
    struct tg_txn txn;
    tg_txn_begin(&txn, engine->state, true);
    for (size_t i = 0; i < tg_json_count(alarms); i++) {
        const char *id = tg_json_text(tg_json_at(alarms, i));
        unsigned number = 0;
        enum tg_err err = TG_E_INVALID;
        if (id != NULL && sscanf(id, "A-%9u", &number) == 1) {
            err = tg_telemetry_command(engine->telemetry, number, &operation, &txn);
        }
        if (err != TG_OK && first == TG_OK) {
            first = tg_why_set(&why, err, "%s: %s", id != NULL ? id : "?", tg_err_sentence(err));
        }
    }
    struct tg_why stored = {""};
    enum tg_err err = tg_txn_commit(&txn, &stored);
    if (err == TG_OK) {
        err = tg_telemetry_publish(engine->telemetry, engine->state, &stored);
    }
    if (first != TG_OK || err != TG_OK) {
        return tg_answer_error(first != TG_OK ? first : err,
                               first != TG_OK ? why.text : stored.text);
    }
    return tg_answer_ok();
}

static struct tg_json *command_metrics(struct tg_engine *engine)
{
    const size_t room = 32768;
    char *text = malloc(room);
    struct tg_json *answer = tg_answer_ok();
    if (text != NULL) {
        (void)tg_metrics_text(engine->pipeline, engine->ports, engine->params.config->ports_count,
                              text, room);
        tg_json_set_string(answer, "text", text);
        free(text);
    }
    return answer;
}

static const struct {
    const char *name;
    enum tg_change_kind kind;
} alarm_commands[] = {{"alarm_ack", TG_CHANGE_ACK},
                      {"alarm_unack", TG_CHANGE_UNACK},
                      {"alarm_shelve", TG_CHANGE_SHELVE},
                      {"alarm_unshelve", TG_CHANGE_UNSHELVE},
                      {"alarm_close", TG_CHANGE_CLOSE}};

/* What is answered at once. */
static struct tg_json *command_answer(struct tg_engine *engine, const char *command,
                                      const struct tg_json *request)
{
    struct tg_why why = {""};
    if (strcmp(command, "status") == 0) {
        return command_status(engine);
    }
    if (strcmp(command, "stop") == 0) {
        tg_engine_request_stop();
        return tg_answer_ok();
    }
    for (size_t i = 0; i < sizeof alarm_commands / sizeof alarm_commands[0]; i++) {
        if (strcmp(command, alarm_commands[i].name) == 0) {
            return command_alarm(engine, request, alarm_commands[i].kind);
        }
    }
    if (strcmp(command, "checkpoint") == 0) {
        return command_checkpoint(engine);
    }
    if (strcmp(command, "metrics") == 0) {
        return command_metrics(engine);
    }
    if (strcmp(command, "plugins") == 0) {
        return tg_command_plugins();
    }
    if (strcmp(command, "plugin_reload") == 0) {
        /* A catalog that is being opened asks the registry for its tariffs. */
        return tg_engine_chore_is_free(engine, &why) ? tg_command_plugin_reload(request)
                                                     : tg_answer_error(TG_E_AGAIN, why.text);
    }
    return tg_answer_error(TG_E_INVALID,
                           "command must be status, stop, reload, checkpoint, metrics, credit, "
                           "plugins, plugin_reload, rerate_post or alarm_ack, _unack, "
                           "_shelve, _unshelve, _close");
}

bool tg_engine_command(void *context, struct tg_control_request *request, struct tg_json **answer)
{
    struct tg_engine *engine = context;
    const char *command = tg_json_get_text(request->json, "command", "");
    if (strcmp(command, "reload") == 0) {
        return tg_command_reload(engine, request, answer);
    }
    if (strcmp(command, "rerate_post") == 0) {
        return tg_command_post(engine, request, answer);
    }
    if (strcmp(command, "credit") == 0) {
        return tg_credit_command(engine, request, tg_clock_now_ns(), answer);
    }
    *answer = command_answer(engine, command, request->json);
    return true;
}
