/* SPDX-License-Identifier: Apache-2.0 */
#include "control/credit.h"

#include "base/log.h"
#include "base/money.h"
#include "catalog/catalog.h"
#include "control/answer.h"
#include "control/credit_request.h"
#include "control/engine_state.h"
#include "flow/desk.h"

#include <stdio.h>
#include <string.h>

static const char *const state_names[] = {"none",     "open",    "committed",
                                          "released", "expired", "done"};
static const char *const services[] = {"none",  "data",   "voice",  "message",
                                       "event", "access", "options"};

static void money_set(struct tg_json *json, const char *key, const struct tg_image *image,
                      int64_t amount)
{
    tg_json_set_money(json, key, amount, (uint8_t)image->scale, (uint8_t)image->minor);
}

static void names_set(struct tg_json *json, const struct tg_roster *roster, uint32_t account,
                      uint32_t subscriber)
{
    char text[TG_NAME_BYTES_MAX];
    if (account < roster->accounts_count) {
        (void)tg_roster_account_name(roster, account, text, sizeof text);
        tg_json_set_string(json, "account", text);
    }
    if (subscriber < roster->subscribers_count) {
        (void)tg_roster_subscriber_name(roster, subscriber, text, sizeof text);
        tg_json_set_string(json, "subscriber", text);
    }
}

static void alerts_set(struct tg_json *json, const struct tg_catalog_snapshot *catalog,
                       const struct tg_image *image, const struct tg_credit_answer *answer)
{
    const struct tg_roster *roster = catalog->roster;
    struct tg_json *list = tg_json_list();
    for (uint32_t i = 0; roster->credits != NULL && answer->account < roster->accounts_count &&
                         i < roster->credits[answer->account].alerts_count;
         i++) {
        if ((answer->alerts & (1u << i)) != 0) {
            char text[TG_MONEY_TEXT_BYTES];
            (void)tg_money_format(roster->credits[answer->account].alerts[i], (uint8_t)image->scale,
                                  (uint8_t)image->minor, text);
            tg_json_append(list, tg_json_string(text));
        }
    }
    tg_json_set(json, "alerts", list);
}

static void account_set(struct tg_json *json, const struct tg_catalog_snapshot *catalog,
                        const struct tg_image *image, const struct tg_credit_answer *answer)
{
    names_set(json, catalog->roster, answer->account, TG_SUBSCRIBER_NONE);
    const struct tg_currency *currency = tg_currency_by_numeric(image->currency);
    tg_json_set_string(json, "currency", currency != NULL ? currency->code : "");
    money_set(json, "balance", image, answer->balance);
    money_set(json, "account_held", image, answer->account_held);
    money_set(json, "credit_limit", image, answer->limit);
    money_set(json, "available", image, answer->available);
    if (answer->lapses_ns != 0) {
        money_set(json, "lapses_next", image, answer->lapses);
        tg_json_set_time(json, "lapses_at", answer->lapses_ns);
    }
    tg_json_set_integer(json, "open_reservations", answer->open_count);
    alerts_set(json, catalog, image, answer);
}

static void reservation_set(struct tg_json *json, const struct tg_image *image,
                            const struct tg_credit_request *request,
                            const struct tg_credit_answer *answer)
{
    tg_json_set_string(json, "state", state_names[answer->state]);
    tg_json_set_bool(json, "repeat", answer->is_repeat);
    tg_json_set_time(json, "at", answer->at_ns);
    if (request->action == TG_CREDIT_DO_TOPUP) {
        money_set(json, "added", image, answer->charge);
        if (answer->valid_to_ns != 0) {
            tg_json_set_time(json, "valid_to", answer->valid_to_ns);
        }
        return;
    }
    tg_json_set_integer(json, "asked", (int64_t)answer->asked);
    tg_json_set_integer(json, "granted", (int64_t)answer->granted);
    money_set(json, "held", image, answer->held);
    tg_json_set_time(json, "valid_to", answer->valid_to_ns);
    if (answer->is_outage) {
        tg_json_set_bool(json, "node_down", true);
    }
}

static void committed_set(struct tg_json *json, const struct tg_image *image,
                          const struct tg_credit_answer *answer)
{
    tg_json_set_integer(json, "used", (int64_t)answer->used);
    money_set(json, "charge", image, answer->charge);
    tg_json_set_string(json, "fate", answer->fate != 0 ? tg_fate_name(answer->fate) : "unused");
    if (answer->reason != TG_OK) {
        tg_json_set_string(json, "suspended_for", tg_err_name(answer->reason));
    }
    tg_json_set_bool(json, "over_credit", answer->is_over);
    tg_json_set_bool(json, "late", answer->is_late);
}

/* What some reasons mean for a request; NULL: their usual sentence. */
static const char *error_text(uint8_t action, const struct tg_credit_answer *answer)
{
    if (action == TG_CREDIT_DO_TOPUP && answer->err == TG_E_FULL) {
        return "money of the account lapses at eight other times already";
    }
    switch (answer->err) {
    case TG_E_DUP_CONFLICT:
        return "the id was used before, with other content";
    case TG_E_STATE:
        return answer->state == TG_CREDIT_IS_POSTED ? "the reservation is committed already"
                                                    : "the reservation was released";
    case TG_E_NOT_FOUND:
        return "nothing is known under that id";
    case TG_E_FULL:
        return "too many reservations are open";
    case TG_E_TOO_OLD:
        return "older than an id that was forgotten: it may have been carried out before";
    default:
        return NULL;
    }
}

static struct tg_json *answer_make(const struct tg_catalog_snapshot *catalog,
                                   const struct tg_credit_request *request,
                                   const struct tg_credit_answer *answer)
{
    const struct tg_image *image = catalog->images[catalog->images_count - 1];
    struct tg_json *json =
        answer->err == TG_OK
            ? tg_json_object()
            : tg_answer_error((enum tg_err)answer->err, error_text(request->action, answer));
    if (answer->err == TG_OK) {
        tg_json_set_bool(json, "ok", true);
    }
    tg_json_set_string(json, "action", tg_credit_action_name(request->action));
    if (request->id[0] != '\0') {
        tg_json_set_string(json, "id", request->id);
        tg_json_set_integer(json, "number", request->number);
    }
    if (answer->state != TG_CREDIT_IS_NONE) {
        reservation_set(json, image, request, answer);
    }
    if (answer->is_committed) {
        committed_set(json, image, answer);
    }
    if (answer->account != TG_ACCOUNT_NONE && answer->err != TG_E_NOT_PREPAID &&
        answer->err != TG_E_NOT_FOUND) {
        account_set(json, catalog, image, answer);
    }
    return json;
}

static struct tg_json *views_make(const struct tg_engine *engine, const struct tg_desk *desk)
{
    const struct tg_catalog_snapshot *catalog = engine->catalog;
    const struct tg_image *image = catalog->images[catalog->images_count - 1];
    struct tg_json *list = tg_json_list();
    for (uint32_t i = 0; i < desk->views_count && i < TG_DESK_VIEWS_MAX; i++) {
        const struct tg_credit_view *view = &desk->views[i];
        struct tg_json *json = tg_json_object();
        tg_json_set_string(json, "id", view->id);
        tg_json_set_integer(json, "number", view->number);
        names_set(json, catalog->roster, view->account, view->subscriber);
        tg_json_set_string(json, "service",
                           view->row.service < TG_SERVICE_COUNT ? services[view->row.service]
                                                                : "none");
        if (view->row.node_id != TG_NODE_ID_NONE) {
            tg_json_set_string(json, "node",
                               tg_inventory_node(engine->inventory, view->row.node_id)->name);
        }
        tg_json_set_integer(json, "granted", (int64_t)view->granted);
        money_set(json, "held", image, view->held);
        tg_json_set_time(json, "at", view->row.start_ns);
        tg_json_set_time(json, "valid_to", view->valid_to_ns);
        tg_json_append(list, json);
    }
    return list;
}

/* All requests to the desk, in order; those that name nobody known stay behind. */
static bool requests_read(struct tg_engine *engine, const struct tg_json *list, int64_t now_ns,
                          struct tg_credit_outcome *outcomes, struct tg_json *mistakes)
{
    struct tg_desk *desk = engine->credit_round.desk;
    const struct tg_credit_reader reader = {engine->catalog, &engine->account_ids,
                                            &engine->subscriber_ids, engine->inventory, now_ns};
    for (size_t i = 0; i < tg_json_count(list); i++) {
        char place[32];
        struct tg_credit_request *request = &desk->requests[desk->requests_count];
        (void)snprintf(place, sizeof place, "requests[%zu]", i);
        outcomes[i] = (struct tg_credit_outcome){
            tg_credit_request_read(&reader, tg_json_at(list, i), place, request, mistakes),
            desk->requests_count};
        if (outcomes[i].err == TG_OK) {
            const bool is_list = request->action == TG_CREDIT_DO_LIST;
            desk->is_writing =
                desk->is_writing || (!is_list && request->action != TG_CREDIT_DO_BALANCE);
            if (is_list && desk->has_list) {
                tg_json_append(mistakes, tg_json_string("requests: one list a command"));
            }
            desk->has_list = desk->has_list || is_list;
            desk->requests_count++;
        }
    }
    return tg_json_count(mistakes) == 0;
}

static struct tg_json *answers_make(struct tg_engine *engine,
                                    const struct tg_credit_command *command)
{
    const struct tg_desk *desk = engine->credit_round.desk;
    struct tg_json *answers = tg_json_list();
    bool is_ok = true;
    for (uint32_t i = 0; i < command->count; i++) {
        const struct tg_credit_outcome *outcome =
            &engine->credit_round.outcomes[command->outcomes_at + i];
        const struct tg_json *asked = tg_json_at(command->list, i);
        struct tg_json *json;
        if (outcome->err != TG_OK) {
            json = tg_answer_error((enum tg_err)outcome->err, NULL);
            tg_json_set_string(json, "action", tg_json_get_text(asked, "action", ""));
            tg_json_set_string(json, "id", tg_json_get_text(asked, "id", ""));
        } else {
            const struct tg_credit_request *request = &desk->requests[outcome->at];
            json = answer_make(engine->catalog, request, &desk->answers[outcome->at]);
            if (request->action == TG_CREDIT_DO_LIST) {
                tg_json_set_integer(json, "reservations_total", desk->views_count);
                tg_json_set(json, "reservations", views_make(engine, desk));
            }
        }
        is_ok = is_ok && tg_json_get_bool(json, "ok", false);
        tg_json_append(answers, json);
    }
    struct tg_json *answer = tg_json_object();
    tg_json_set_bool(answer, "ok", is_ok);
    tg_json_set(answer, "answers", answers);
    return answer;
}

static bool asks_for_list(const struct tg_json *list)
{
    for (size_t i = 0; i < tg_json_count(list); i++) {
        if (strcmp(tg_json_get_text(tg_json_at(list, i), "action", ""), "list") == 0) {
            return true;
        }
    }
    return false;
}

/* The round that the command goes into; false: the desk is not free. */
static bool round_open(struct tg_engine *engine, const struct tg_json *list, int64_t now_ns)
{
    struct tg_credit_round *round = &engine->credit_round;
    if (round->desk != NULL &&
        (round->outcomes_count + tg_json_count(list) > TG_DESK_REQUESTS_MAX ||
         (round->desk->has_list && asks_for_list(list)))) {
        tg_credit_flush(engine, now_ns);
    }
    if (round->desk == NULL) {
        round->desk = tg_pipeline_desk(engine->pipeline);
    }
    return round->desk != NULL;
}

bool tg_credit_command(struct tg_engine *engine, const struct tg_control_request *request,
                       int64_t now_ns, struct tg_json **answer)
{
    struct tg_credit_round *round = &engine->credit_round;
    struct tg_json *list = tg_json_get(request->json, "requests");
    const size_t count = tg_json_count(list);
    if (tg_json_kind(list) != TG_JSON_LIST || count == 0 || count > TG_DESK_REQUESTS_MAX) {
        *answer = tg_answer_error(TG_E_DOCUMENT, "requests: write a list of 1 to 256 requests");
        return true;
    }
    if (!round_open(engine, list, now_ns)) {
        *answer = tg_answer_error(TG_E_AGAIN, NULL);
        return true;
    }
    const uint32_t requests_before = round->desk->requests_count;
    const bool had_list = round->desk->has_list;
    const bool was_writing = round->desk->is_writing;
    struct tg_json *mistakes = tg_json_list();
    if (!requests_read(engine, list, now_ns, &round->outcomes[round->outcomes_count], mistakes)) {
        round->desk->requests_count = requests_before; /* none of them is carried out */
        round->desk->has_list = had_list;
        round->desk->is_writing = was_writing;
        *answer = tg_answer_error(TG_E_DOCUMENT, NULL);
        tg_json_set(*answer, "mistakes", mistakes);
        return true;
    }
    tg_json_free(mistakes);
    round->commands[round->commands_count++] =
        (struct tg_credit_command){.ticket = request->ticket,
                                   .list = tg_json_share(list),
                                   .outcomes_at = round->outcomes_count,
                                   .count = (uint32_t)count};
    round->outcomes_count += (uint32_t)count;
    return false;
}

void tg_credit_flush(struct tg_engine *engine, int64_t now_ns)
{
    struct tg_credit_round *round = &engine->credit_round;
    struct tg_why why = {""};
    enum tg_err err = TG_OK;
    if (round->desk != NULL && round->desk->requests_count > 0) {
        err = tg_pipeline_credit(engine->pipeline, now_ns, &why);
    }
    for (uint32_t i = 0; i < round->commands_count; i++) {
        struct tg_credit_command *command = &round->commands[i];
        tg_control_reply(engine->control, command->ticket,
                         err == TG_OK ? answers_make(engine, command)
                                      : tg_answer_error(err, why.text));
        tg_json_free(command->list);
    }
    round->desk = NULL;
    round->commands_count = 0;
    round->outcomes_count = 0;
}

void tg_credit_tend(struct tg_engine *engine, int64_t now_ns)
{
    struct tg_why why = {""};
    if (now_ns < tg_pipeline_credit_due_ns(engine->pipeline) ||
        tg_pipeline_desk(engine->pipeline) == NULL) {
        return;
    }
    if (tg_pipeline_credit(engine->pipeline, now_ns, &why) != TG_OK) {
        tg_log(TG_LOG_WARNING, "control", "reservations are not returned yet: %s", why.text);
    }
}
