/* SPDX-License-Identifier: Apache-2.0 */
/* credit: ask the running engine to reserve, commit, release, top up. */
#include "cli/cli.h"

#include "control/socket.h"
#include "doc/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_BYTES (1u << 20)
#define BATCH_COUNT_MAX                                                                            \
    128u                       /* requests a command: with the answers well inside a socket buffer \
                                */
#define BATCH_BYTES_MAX 60000u /* below the longest line the engine reads */

extern const struct tg_verb tg_verb_credit;

static const char *const actions[] = {"reserve", "update",  "commit", "release",
                                      "topup",   "balance", "list"};

/* Options that become keys of the request; whole numbers are numbers there. */
static const struct {
    const char *option;
    const char *key;
    bool is_number;
} options[] = {{"--id", "id", false},
               {"--number", "number", true},
               {"--account", "account", false},
               {"--subscriber", "subscriber", false},
               {"--msisdn", "msisdn", false},
               {"--imsi", "imsi", false},
               {"--user", "user", false},
               {"--service", "service", false},
               {"--peer", "peer", false},
               {"--rating-group", "rating_group", true},
               {"--network", "serving_network", false},
               {"--node", "node", false},
               {"--quantity", "quantity", true},
               {"--validity", "validity_s", true},
               {"--used", "used", true},
               {"--amount", "amount", false},
               {"--valid-to", "valid_to", false},
               {"--at", "at", false}};

struct ask {
    const char *data_dir;
    bool is_json;
    char path[4096];
    char *answer; /* ANSWER_BYTES */
};

static int number_set(struct tg_json *request, const char *option, const char *key,
                      const char *text)
{
    char *end = NULL;
    errno = 0;
    const long long number = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0') {
        return tg_cli_usage(&tg_verb_credit, "%s wants a whole number, not '%s'", option, text);
    }
    tg_json_set_integer(request, key, number);
    return TG_EXIT_OK;
}

static int option_read(struct tg_json *request, int argc, char **argv, int *i)
{
    for (size_t k = 0; k < sizeof options / sizeof options[0]; k++) {
        if (strcmp(argv[*i], options[k].option) != 0) {
            continue;
        }
        if (*i + 1 == argc) {
            return tg_cli_usage(&tg_verb_credit, "%s needs a value", argv[*i]);
        }
        const char *text = argv[++*i];
        if (options[k].is_number) {
            return number_set(request, options[k].option, options[k].key, text);
        }
        tg_json_set_string(request, options[k].key, text);
        return TG_EXIT_OK;
    }
    return tg_cli_usage(&tg_verb_credit, "unexpected '%s'", argv[*i]);
}

/* One command with some requests; the parsed answer, or NULL with the exit code. */
static struct tg_json *requests_ask(struct ask *ask, struct tg_json *requests, int *code)
{
    struct tg_json *command = tg_json_object();
    struct tg_json *answer = NULL;
    tg_json_set_string(command, "command", "credit");
    tg_json_set(command, "requests", requests);
    char *text = tg_json_dump(command, NULL);
    const enum tg_err err =
        text != NULL ? tg_control_ask(ask->path, text, ask->answer, ANSWER_BYTES) : TG_E_NO_MEMORY;
    tg_json_text_free(text);
    tg_json_free(command);
    *code = TG_EXIT_OK;
    if (err == TG_E_UNREACHABLE) {
        (void)tg_cli_problem(&tg_verb_credit, "no engine answers on %s", ask->path);
        *code = TG_EXIT_UNREACHABLE;
    } else if (err != TG_OK ||
               tg_json_parse(ask->answer, strlen(ask->answer), &answer, NULL) != TG_OK) {
        *code = tg_cli_problem(&tg_verb_credit,
                               "the answer was lost (%s): ask again with the same id, it has "
                               "effect once",
                               tg_err_sentence(err));
    } else if (!tg_json_get_bool(answer, "ok", false)) {
        *code = TG_EXIT_PROBLEM;
    }
    return answer;
}

/* A refusal of the whole command, on stderr: with mistakes, each on a line. */
static void refusal_print(const struct tg_json *answer)
{
    const struct tg_json *mistakes = tg_json_get(answer, "mistakes");
    for (size_t i = 0; i < tg_json_count(mistakes); i++) {
        (void)tg_cli_problem(&tg_verb_credit, "%s", tg_json_text(tg_json_at(mistakes, i)));
    }
    if (tg_json_count(mistakes) == 0) {
        (void)tg_cli_problem(&tg_verb_credit, "%s: %s", tg_json_get_text(answer, "reason", "?"),
                             tg_json_get_text(answer, "message", "?"));
    }
}

static void line_print(const struct tg_json *json)
{
    char *text = tg_json_dump(json, NULL);
    (void)puts(text != NULL ? text : "{}");
    tg_json_text_free(text);
}

static void value_print(const char *key, const struct tg_json *value)
{
    if (tg_json_kind(value) == TG_JSON_LIST) {
        for (size_t i = 0; i < tg_json_count(value); i++) {
            value_print(i == 0 ? key : "", tg_json_at(value, i));
        }
        return;
    }
    char *text = tg_json_text(value) == NULL ? tg_json_dump(value, NULL) : NULL;
    (void)printf("%-18s %s\n", key, text != NULL ? text : tg_json_text(value));
    tg_json_text_free(text);
}

static void answer_print(const struct ask *ask, const struct tg_json *answer)
{
    if (ask->is_json) {
        line_print(answer);
        return;
    }
    void *cursor = NULL;
    const char *key;
    struct tg_json *value;
    while (tg_json_next(answer, &cursor, &key, &value)) {
        if (strcmp(key, "ok") != 0) {
            value_print(key, value);
        }
    }
}

static int answers_print(const struct ask *ask, struct tg_json *answer, int code)
{
    const struct tg_json *answers = tg_json_get(answer, "answers");
    if (answer != NULL && answers == NULL) {
        ask->is_json ? line_print(answer) : (void)0;
        refusal_print(answer);
    }
    for (size_t i = 0; i < tg_json_count(answers); i++) {
        answer_print(ask, tg_json_at(answers, i));
    }
    tg_json_free(answer);
    return code;
}

static int batch_flush(struct ask *ask, struct tg_json **requests, size_t *bytes)
{
    int code = TG_EXIT_OK;
    if (tg_json_count(*requests) > 0) {
        struct tg_json *answer = requests_ask(ask, *requests, &code);
        code = answers_print(ask, answer, code);
        *requests = tg_json_list();
        *bytes = 0;
    }
    return code;
}

/* JSON Lines in, JSON Lines out; many requests share one fdatasync. */
static int batch_run(struct ask *ask)
{
    struct tg_json_lines lines;
    struct tg_json *json;
    struct tg_json *requests = tg_json_list();
    struct tg_why why = {""};
    size_t bytes = 0;
    int worst = TG_EXIT_OK;
    enum tg_err err;
    ask->is_json = true;
    tg_json_lines_open(&lines, stdin);
    while (worst != TG_EXIT_UNREACHABLE &&
           (err = tg_json_lines_next(&lines, &json, &why)) != TG_E_NOT_FOUND) {
        if (err != TG_OK) {
            worst = tg_cli_problem(&tg_verb_credit, "%s", why.text);
            continue;
        }
        size_t length = 0;
        char *text = tg_json_dump(json, &length);
        tg_json_text_free(text);
        if (tg_json_count(requests) == BATCH_COUNT_MAX || bytes + length > BATCH_BYTES_MAX) {
            const int code = batch_flush(ask, &requests, &bytes);
            worst = code > worst ? code : worst;
        }
        bytes += length + 1;
        tg_json_append(requests, json);
    }
    const int code = worst != TG_EXIT_UNREACHABLE ? batch_flush(ask, &requests, &bytes) : worst;
    tg_json_lines_close(&lines);
    tg_json_free(requests);
    return code > worst ? code : worst;
}

static int one_run(struct ask *ask, struct tg_json *request)
{
    struct tg_json *requests = tg_json_list();
    int code;
    tg_json_append(requests, tg_json_share(request));
    struct tg_json *answer = requests_ask(ask, requests, &code);
    return answers_print(ask, answer, code);
}

static bool is_action(const char *text)
{
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        if (strcmp(text, actions[i]) == 0) {
            return true;
        }
    }
    return strcmp(text, "batch") == 0;
}

static int credit_run(int argc, char **argv)
{
    struct ask ask = {.data_dir = "data"};
    if (argc < 2 || !is_action(argv[1])) {
        return tg_cli_usage(&tg_verb_credit, "name one of reserve, update, commit, release, topup, "
                                             "balance, list, batch");
    }
    struct tg_json *request = tg_json_object();
    tg_json_set_string(request, "action", argv[1]);
    int code = TG_EXIT_OK;
    for (int i = 2; i < argc && code == TG_EXIT_OK; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            ask.is_json = true;
        } else if (strcmp(argv[i], "--data") == 0 && i + 1 < argc) {
            ask.data_dir = argv[++i];
        } else {
            code = option_read(request, argc, argv, &i);
        }
    }
    (void)snprintf(ask.path, sizeof ask.path, "%s/control.sock", ask.data_dir);
    ask.answer = malloc(ANSWER_BYTES);
    if (code == TG_EXIT_OK && ask.answer == NULL) {
        code = tg_cli_problem(&tg_verb_credit, "no memory");
    }
    if (code == TG_EXIT_OK) {
        code = strcmp(argv[1], "batch") == 0 ? batch_run(&ask) : one_run(&ask, request);
    }
    free(ask.answer);
    tg_json_free(request);
    return code;
}

const struct tg_verb tg_verb_credit = {
    .name = "credit",
    .summary = "prepaid: reserve, update, commit, release, top up, balance",
    .usage =
        "usage: tollgate credit reserve --id ID --msisdn N --service S --quantity Q --validity S\n"
        "       tollgate credit update  --id ID --number N --used Q --quantity Q --validity S\n"
        "       tollgate credit commit  --id ID --used Q [--number N]\n"
        "       tollgate credit release --id ID [--number N]\n"
        "       tollgate credit topup   --id ID --account A --amount MONEY [--valid-to TIME]\n"
        "       tollgate credit balance --account A\n"
        "       tollgate credit list    [--account A]\n"
        "       tollgate credit batch   <REQUESTS.jsonl\n"
        "\n"
        "Ask the running engine about prepaid accounts (accounts.csv, prepaid). An answer is "
        "given\n"
        "when what it says is durable. The same id with the same content has effect once and gets\n"
        "the same answer, also after a restart; with other content it is refused DUP_CONFLICT.\n"
        "Quantities are milliseconds (voice), octets (data), or counts (message, event).\n"
        "\n"
        "  --id ID          names the reservation or top-up, 1 to 63 octets\n"
        "  --number N       which reservation of the id; update: 1, 2, 3 ... (0)\n"
        "  --msisdn N, --imsi N, --user NAME, --subscriber ID, --account ID\n"
        "                   who; reservations need a subscriber\n"
        "  --service S      voice, data, message or event\n"
        "  --peer TEXT      called number, or name of the service\n"
        "  --rating-group N class of the usage\n"
        "  --network NAME   visited network of the catalog; absent: home\n"
        "  --node NAME      where the session runs: when that is down it returns; update: from now "
        "on\n"
        "  --quantity Q     wanted; less may be granted: whole increments that the credit pays "
        "for\n"
        "  --used Q         what was used; charged even beyond what was granted\n"
        "  --validity S     seconds from the event time; then it returns by itself\n"
        "  --amount MONEY   added to the balance; below 0 taken from it\n"
        "  --valid-to TIME  what is left of it then lapses; soonest is used first\n"
        "  --at TIME        event time (now)\n"
        "  --data DIR       data directory (data)\n"
        "  --json           one object\n"
        "\n"
        "batch reads one request a line as schemas/control/README.md says and answers each on a\n"
        "line; up to 128 share one fdatasync.\n"
        "Exit 0: done. 1: refused or granted nothing. 2: wrong usage. 3: no engine answers.\n",
    .run = credit_run,
};
