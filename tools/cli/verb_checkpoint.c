/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint: have the running engine store its state beside the rows, and wait until it is stored.
 */
#include "cli/cli.h"

#include "control/socket.h"
#include "doc/json.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#define ANSWER_BYTES 65536u
#define POLL_NS      50000000

extern const struct tg_verb tg_verb_checkpoint;

struct ask {
    char path[4096];
    char answer[ANSWER_BYTES];
};

/* The parsed answer, or NULL with the exit code. */
static struct tg_json *ask_json(struct ask *ask, const char *request, int *code)
{
    struct tg_json *answer = NULL;
    const enum tg_err err = tg_control_ask(ask->path, request, ask->answer, sizeof ask->answer);
    *code = TG_EXIT_OK;
    if (err == TG_E_UNREACHABLE) {
        (void)tg_cli_problem(&tg_verb_checkpoint, "no engine answers on %s", ask->path);
        *code = TG_EXIT_UNREACHABLE;
    } else if (err != TG_OK ||
               tg_json_parse(ask->answer, strlen(ask->answer), &answer, NULL) != TG_OK) {
        *code =
            tg_cli_problem(&tg_verb_checkpoint, "the answer was lost: %s", tg_err_sentence(err));
    } else if (!tg_json_get_bool(answer, "ok", false)) {
        *code = tg_cli_problem(&tg_verb_checkpoint, "%s", tg_json_get_text(answer, "message", "?"));
    }
    return answer;
}

static int64_t figure(const struct tg_json *checkpoint, const char *key)
{
    return tg_json_get_integer(checkpoint, key, 0);
}

static void print(const struct tg_json *checkpoint, bool is_json)
{
    if (is_json) {
        char *text = tg_json_dump(checkpoint, NULL);
        (void)puts(text != NULL ? text : "{}");
        tg_json_text_free(text);
        return;
    }
    (void)printf("epoch %" PRId64 ": %" PRId64 " pages, %" PRId64 " octets in %" PRId64
                 " ms; rows waited %" PRId64 " us at most\n",
                 figure(checkpoint, "epoch"), figure(checkpoint, "pages"),
                 figure(checkpoint, "octets"), figure(checkpoint, "durationNs") / 1000000,
                 figure(checkpoint, "longestPauseNs") / 1000);
}

/* Asks for the figures until no checkpoint is being written. */
static int status_run(struct ask *ask, bool is_waiting, int64_t failed_before, bool is_json)
{
    const struct timespec pause = {.tv_nsec = POLL_NS};
    int code;
    for (;;) {
        struct tg_json *answer = ask_json(ask, "{\"command\":\"status\"}", &code);
        const struct tg_json *checkpoint = tg_json_get(answer, "checkpoint");
        const bool is_running = tg_json_get_bool(checkpoint, "isRunning", false);
        if (code == TG_EXIT_OK && (!is_waiting || !is_running)) {
            print(checkpoint, is_json);
            if (is_waiting && figure(checkpoint, "failed") != failed_before) {
                code = tg_cli_problem(&tg_verb_checkpoint,
                                      "given up, the one before stays good; the engine's log says "
                                      "why");
            }
        }
        tg_json_free(answer);
        if (code != TG_EXIT_OK || !is_waiting || !is_running) {
            return code;
        }
        (void)nanosleep(&pause, NULL);
    }
}

static int checkpoint_run(int argc, char **argv)
{
    static struct ask ask;
    const char *data_dir = "data";
    bool is_status = false;
    bool is_json = false;
    int code;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            is_json = true;
        } else if (strcmp(argv[i], "--status") == 0) {
            is_status = true;
        } else if (strcmp(argv[i], "--data") == 0 && i + 1 < argc) {
            data_dir = argv[++i];
        } else {
            return tg_cli_usage(&tg_verb_checkpoint, "unexpected '%s'", argv[i]);
        }
    }
    (void)snprintf(ask.path, sizeof ask.path, "%s/control.sock", data_dir);
    if (is_status) {
        return status_run(&ask, false, 0, is_json);
    }
    struct tg_json *before = ask_json(&ask, "{\"command\":\"status\"}", &code);
    const int64_t failed = figure(tg_json_get(before, "checkpoint"), "failed");
    tg_json_free(before);
    if (code == TG_EXIT_OK) {
        tg_json_free(ask_json(&ask, "{\"command\":\"checkpoint\"}", &code));
    }
    return code == TG_EXIT_OK ? status_run(&ask, true, failed, is_json) : code;
}

const struct tg_verb tg_verb_checkpoint = {
    .name = "checkpoint",
    .summary = "have the running engine store its state while rows flow",
    .usage =
        "usage: tollgate checkpoint [--data DIR] [--status] [--json]\n"
        "\n"
        "Ask the engine of a data folder for a checkpoint, wait until it is stored and print what\n"
        "it took. A restart then replays only the journal behind it. The engine makes them by\n"
        "itself, too: key checkpoint of the configuration. Exit 1 when it was given up.\n"
        "\n"
        "  --data DIR  data folder of the running engine; default: data\n"
        "  --status    only print the figures of the last one\n"
        "  --json      epoch, counts, octets, nanoseconds\n",
    .run = checkpoint_run,
};
