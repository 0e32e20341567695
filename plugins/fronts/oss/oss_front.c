/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief OSS front: alarms with their revenue, and acknowledging them.
 *
 *  Source: TM Forum TMF642 Alarm Management 4.0.0; clause table in README.md.
 *  Threads: its own process. Allocates: as lib/front_http.h; jansson for request bodies.
 *  Cost: a walk over the alarms a list; a round trip to the control socket a task.
 */
#include "lib/front_http.h"
#include "lib/front_list.h"

#include "abi/front.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define BASE         "/tmf-api/alarm/v4"
#define LISTEN       "127.0.0.1:8082"
#define ANSWER_BYTES 65536u
#define ALARMS_MAX   1000u /* In one task; more is a 400. */

/* Short names for what lies deeper in an alarm. */
static const struct tg_front_alias aliases[] = {
    {"x_revenuePerHour", "x_impact.revenuePerHour.value"},
    {"x_atRisk", "x_impact.atRisk.value"},
    {"x_subscribers", "x_impact.subscribers"},
    {NULL, NULL},
};

/* Ids out of alarmPattern: objects that name one alarm each. NULL tells what is wrong. */
static json_t *pattern_ids(const json_t *body, const char **complaint)
{
    const json_t *pattern = json_object_get(body, "alarmPattern");
    if (!json_is_array(pattern) || json_array_size(pattern) == 0 ||
        json_array_size(pattern) > ALARMS_MAX) {
        *complaint = "alarmPattern must be a list of 1 to 1000 alarms";
        return NULL;
    }
    json_t *ids = json_array();
    for (size_t i = 0; i < json_array_size(pattern); i++) {
        const json_t *alarm = json_array_get(pattern, i);
        json_t *id = json_object_get(alarm, "id");
        if (!json_is_string(id) || json_object_size(alarm) != 1) {
            *complaint = "each alarmPattern must have an id and nothing else";
            json_decref(ids);
            return NULL;
        }
        (void)json_array_append(ids, id);
    }
    return ids;
}

/* {"command":"alarm_ack","alarms":[...],"system":"...","user":"..."} for the control socket. */
static char *command_make(const json_t *body, const char *command, const char *system_key,
                          const char *user_key, const char **complaint)
{
    json_t *system = json_object_get(body, system_key);
    json_t *user = json_object_get(body, user_key);
    if (!json_is_string(system) || !json_is_string(user)) {
        *complaint = "the system's and the user's id are mandatory texts";
        return NULL;
    }
    json_t *ids = pattern_ids(body, complaint);
    if (ids == NULL) {
        return NULL;
    }
    json_t *made = json_pack("{s:s,s:o,s:O,s:O}", "command", command, "alarms", ids, "system",
                             system, "user", user);
    char *text = made != NULL ? json_dumps(made, JSON_COMPACT) : NULL;
    json_decref(made);
    *complaint = text == NULL ? "out of memory" : NULL;
    return text;
}

/* The engine answers {"ok":true,...} or {"ok":false,"reason":"NAME","message":"..."}. */
static void answer_pass(const char *answer, struct tg_front_reply *reply)
{
    json_t *parsed = json_loads(answer, JSON_REJECT_DUPLICATES, NULL);
    const char *reason = json_string_value(json_object_get(parsed, "reason"));
    const char *message = json_string_value(json_object_get(parsed, "message"));
    if (json_is_true(json_object_get(parsed, "ok"))) {
        reply->status = 201;
        tg_front_reply_text(reply, "{\"state\":\"done\",\"x_answer\":");
        tg_front_reply_text(reply, answer);
        tg_front_reply_text(reply, "}");
    } else if (reason != NULL) {
        const unsigned status = strcmp(reason, "NOT_FOUND") == 0     ? 404
                                : strcmp(reason, "ALARM_STATE") == 0 ? 409
                                                                     : 400;
        tg_front_reply_error(reply, status, reason, message != NULL ? message : reason);
    } else {
        tg_front_reply_error(reply, 502, "bad answer", "the engine's answer cannot be read");
    }
    json_decref(parsed);
}

static void task_run(const struct tg_front_request *request, const char *command,
                     const char *system_key, const char *user_key, struct tg_front_reply *reply)
{
    json_error_t error;
    json_t *body = json_loadb(request->body, request->body_bytes, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(body)) {
        tg_front_reply_error(reply, 400, "bad body",
                             body == NULL ? error.text : "the body must be a JSON object");
        json_decref(body);
        return;
    }
    const char *complaint = NULL;
    char *text = command_make(body, command, system_key, user_key, &complaint);
    json_decref(body);
    if (text == NULL) {
        tg_front_reply_error(reply, 400, "bad body", complaint);
        return;
    }
    static char answer[ANSWER_BYTES]; /* Handlers run one after another. */
    const struct tg_front_host *host = request->host;
    const enum tg_err err = host->command(host->self, text, answer, sizeof answer);
    free(text);
    if (err != TG_OK) {
        tg_front_reply_error(reply, 503, "engine unreachable",
                             "no engine answers on the control socket; try again");
        return;
    }
    answer_pass(answer, reply);
}

static void ack_alarms(const struct tg_front_request *request, struct tg_front_reply *reply)
{
    task_run(request, "alarm_ack", "ackSystemId", "ackUserId", reply);
}

static void unack_alarms(const struct tg_front_request *request, struct tg_front_reply *reply)
{
    task_run(request, "alarm_unack", "ackSystemId", "ackUserId", reply);
}

static const struct tg_front_route routes[] = {
    {"GET", BASE "/alarm", false, tg_front_list, "alarm", aliases},
    {"GET", BASE "/alarm", true, tg_front_item, "alarm", aliases},
    {"POST", BASE "/ackAlarms", false, ack_alarms, NULL, NULL},
    {"POST", BASE "/unAckAlarms", false, unack_alarms, NULL, NULL},
};

static int oss_serve(const struct tg_front_host *host)
{
    return tg_front_http_serve(host, routes, sizeof routes / sizeof routes[0], LISTEN);
}

static const struct tg_front contract = {
    .size_bytes = sizeof(struct tg_front),
    .default_listen = LISTEN,
    .serve = oss_serve,
};

TG_PLUGIN(oss, TG_PLUGIN_FRONT, struct tg_front, contract, "1.0",
          "Alarms and their acknowledgement over HTTP (TMF642)");
