/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bill_settle.h"

#include "base/clock.h"
#include "bill/taken.h"
#include "control/socket.h"
#include "doc/json.h"
#include "store/documents.h"

#include <stdlib.h>
#include <string.h>

#define ANSWER_BYTES (1u << 20)
#define BATCH_COUNT  128u /* As `credit batch`: the answers fit a socket buffer. */

struct settle {
    const struct tg_verb *verb;
    struct tg_db *state;
    struct tg_json *requests; /* Of one batch. */
    int64_t now_ns;
    uint64_t settled_count;
    uint64_t waiting_count;
    enum tg_err err;
    char *answer; /* ANSWER_BYTES */
};

/* The first requests that wait, as topups; those without a time get one, which is theirs. */
static bool request_read(void *context, const struct tg_document *document)
{
    struct settle *settle = context;
    struct tg_json *json = NULL;
    settle->err = tg_json_parse(document->json, document->json_bytes, &json, NULL);
    if (settle->err != TG_OK) {
        return false;
    }
    tg_json_set_string(json, "action", "topup");
    tg_json_set_string(json, "id", document->id);
    if (tg_json_get(json, "at") == NULL) {
        tg_json_set_time(json, "at", settle->now_ns);
    }
    tg_json_append(settle->requests, json);
    return tg_json_count(settle->requests) < BATCH_COUNT;
}

/* Written before anything is sent: a request that is sent again is the same one. */
static enum tg_err batch_take(struct settle *settle, struct tg_why *why)
{
    struct tg_txn txn;
    tg_txn_begin(&txn, settle->state, true);
    settle->requests = tg_json_list();
    enum tg_err err =
        tg_documents_visit(&txn, TG_BILL_TAKE_COLLECTION, NULL, request_read, settle, NULL);
    err = err == TG_OK ? settle->err : err;
    for (size_t i = 0; i < tg_json_count(settle->requests) && err == TG_OK; i++) {
        struct tg_json *request = tg_json_at(settle->requests, i);
        size_t length = 0;
        char *text = tg_json_dump(request, &length);
        if (text == NULL) {
            err = TG_E_NO_MEMORY;
            break;
        }
        tg_documents_put(&txn, TG_BILL_TAKE_COLLECTION, tg_json_get_text(request, "id", ""), text,
                         length);
        tg_json_text_free(text);
        tg_json_remove(request, "bill"); /* Not for the engine. */
    }
    if (err != TG_OK) {
        tg_txn_abort(&txn);
        return tg_why_set(why, err, "what waits for balances cannot be read: %s",
                          tg_err_sentence(err));
    }
    return tg_txn_commit(&txn, why);
}

/* TG_OK when the engine has answered; each answer counts by itself. */
static enum tg_err batch_ask(struct settle *settle, const char *path, struct tg_json **answers)
{
    struct tg_json *command = tg_json_object();
    tg_json_set_string(command, "command", "credit");
    tg_json_set(command, "requests", tg_json_share(settle->requests));
    char *text = tg_json_dump(command, NULL);
    enum tg_err err =
        text != NULL ? tg_control_ask(path, text, settle->answer, ANSWER_BYTES) : TG_E_NO_MEMORY;
    tg_json_text_free(text);
    tg_json_free(command);
    *answers = NULL;
    return err == TG_OK ? tg_json_parse(settle->answer, strlen(settle->answer), answers, NULL)
                        : err;
}

/* What was done waits no more. */
static enum tg_err batch_end(struct settle *settle, const struct tg_json *answer,
                             struct tg_why *why)
{
    const struct tg_json *answers = tg_json_get(answer, "answers");
    struct tg_txn txn;
    uint64_t done_count = 0;
    tg_txn_begin(&txn, settle->state, true);
    for (size_t i = 0; i < tg_json_count(settle->requests); i++) {
        const char *id = tg_json_get_text(tg_json_at(settle->requests, i), "id", "");
        const struct tg_json *one = tg_json_at(answers, i);
        if (tg_json_get_bool(one, "ok", false)) {
            (void)tg_documents_remove(&txn, TG_BILL_TAKE_COLLECTION, id);
            done_count++;
        } else {
            (void)tg_cli_problem(settle->verb, "%s of account %s: %s: %s", id,
                                 tg_json_get_text(tg_json_at(settle->requests, i), "account", "?"),
                                 tg_json_get_text(one != NULL ? one : answer, "reason", "?"),
                                 tg_json_get_text(one != NULL ? one : answer, "message", "?"));
        }
    }
    const enum tg_err err = tg_txn_commit(&txn, why);
    settle->settled_count += err == TG_OK ? done_count : 0;
    return err == TG_OK && done_count < tg_json_count(settle->requests) ? TG_E_INVALID : err;
}

static bool waiting_count(void *context, const struct tg_document *document)
{
    struct settle *settle = context;
    (void)document;
    settle->waiting_count++;
    return true;
}

static enum tg_err waiting_read(struct settle *settle)
{
    struct tg_txn txn;
    settle->waiting_count = 0;
    tg_txn_begin(&txn, settle->state, false);
    const enum tg_err err =
        tg_documents_visit(&txn, TG_BILL_TAKE_COLLECTION, NULL, waiting_count, settle, NULL);
    tg_txn_abort(&txn);
    return err;
}

static enum tg_err batches_run(struct settle *settle, const char *path, struct tg_why *why)
{
    enum tg_err err = waiting_read(settle);
    while (err == TG_OK && settle->waiting_count > 0) {
        struct tg_json *answer = NULL;
        err = batch_take(settle, why);
        err = err == TG_OK ? batch_ask(settle, path, &answer) : err;
        err = err == TG_OK ? batch_end(settle, answer, why) : err;
        tg_json_free(answer);
        tg_json_free(settle->requests);
        settle->requests = NULL;
        const enum tg_err read = waiting_read(settle);
        err = err == TG_OK ? read : err;
    }
    return err;
}

static void result_print(const struct settle *settle, bool is_json)
{
    if (!is_json) {
        (void)printf("taken from balances for %llu bills, %llu wait\n",
                     (unsigned long long)settle->settled_count,
                     (unsigned long long)settle->waiting_count);
        return;
    }
    struct tg_json *json = tg_json_object();
    tg_json_set_integer(json, "settled", (int64_t)settle->settled_count);
    tg_json_set_integer(json, "waiting", (int64_t)settle->waiting_count);
    (void)tg_json_print(json, false, stdout);
    (void)fputc('\n', stdout);
    tg_json_free(json);
}

int tg_cli_bill_settle(const struct tg_verb *verb, const char *data_dir, bool is_asked,
                       bool is_json)
{
    struct settle settle = {.verb = verb, .now_ns = tg_clock_now_ns()};
    struct tg_why why = {.text = ""};
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/control.sock", data_dir);
    settle.answer = malloc(ANSWER_BYTES);
    enum tg_err err = settle.answer != NULL ? tg_state_open(data_dir, false, 0, &settle.state, &why)
                                            : TG_E_NO_MEMORY;
    err = err == TG_OK ? batches_run(&settle, path, &why) : err;
    tg_db_close(settle.state);
    free(settle.answer);
    if (is_asked && settle.state != NULL) {
        result_print(&settle, is_json);
    }
    if (err == TG_E_UNREACHABLE && !is_asked) {
        (void)fprintf(stderr,
                      "%llu bills have taken fees from balances, which the engine does not know "
                      "yet: `tollgate bill settle` when it runs\n",
                      (unsigned long long)settle.waiting_count);
        return TG_EXIT_OK;
    }
    if (err == TG_E_UNREACHABLE) {
        (void)tg_cli_problem(verb, "no engine answers on %s", path);
        return TG_EXIT_UNREACHABLE;
    }
    if (err != TG_OK && err != TG_E_INVALID) { /* What was refused has been told. */
        (void)tg_cli_problem(verb, "%s", why.text[0] != '\0' ? why.text : tg_err_sentence(err));
    }
    return err == TG_OK ? TG_EXIT_OK : TG_EXIT_PROBLEM;
}
