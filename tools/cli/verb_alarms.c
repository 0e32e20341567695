/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/alarms_table.h"
#include "cli/documents.h"

#include "control/socket.h"

#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: tollgate alarms [--data DIR] [--json]\n"
    "       tollgate alarms ack|unack|shelve|unshelve|close ID [--data DIR] [--force]\n"
    "\n"
    "List alarms: root causes first, then by revenue per hour, with the subscribers and the money\n"
    "at risk. The second form asks the running engine. Exit 3 when none runs.\n"
    "\n"
    "  --data DIR  data directory (data)\n"
    "  --json      one TMF642 alarm a line\n"
    "  --force     close an alarm that is still active\n";

extern const struct tg_verb tg_verb_alarms;

static int alarms_command(int argc, char **argv)
{
    const char *data_dir = "data";
    bool is_forced = false;
    for (int i = 3; i < argc; i++) {
        if (strcmp(argv[i], "--force") == 0) {
            is_forced = true;
        } else if (strcmp(argv[i], "--data") == 0 && i + 1 < argc) {
            data_dir = argv[++i];
        } else {
            return tg_cli_usage(&tg_verb_alarms, "unexpected '%s'", argv[i]);
        }
    }
    char path[4096];
    char command[64];
    char answer[4096];
    (void)snprintf(path, sizeof path, "%s/control.sock", data_dir);
    (void)snprintf(command, sizeof command, "alarm_%s", argv[1]);
    struct tg_json *request = tg_json_object();
    struct tg_json *ids = tg_json_list();
    tg_json_append(ids, tg_json_string(argv[2]));
    tg_json_set_string(request, "command", command);
    tg_json_set(request, "alarms", ids);
    tg_json_set_bool(request, "force", is_forced);
    char *text = tg_json_dump(request, NULL);
    const enum tg_err err = tg_control_ask(path, text, answer, sizeof answer);
    tg_json_text_free(text);
    tg_json_free(request);
    if (err == TG_E_UNREACHABLE) {
        (void)tg_cli_problem(&tg_verb_alarms, "no engine answers on %s", path);
        return TG_EXIT_UNREACHABLE;
    }
    (void)puts(err == TG_OK ? answer : tg_err_sentence(err));
    return err == TG_OK && strstr(answer, "\"ok\":true") != NULL ? TG_EXIT_OK : TG_EXIT_PROBLEM;
}

static void alarm_line(void *context, const struct tg_json *document)
{
    (void)context;
    char *text = tg_json_dump(document, NULL);
    (void)puts(text != NULL ? text : "{}");
    tg_json_text_free(text);
}

static int alarms_run(int argc, char **argv)
{
    const char *data_dir;
    bool is_json;
    if (argc >= 3 && argv[1][0] != '-') {
        return alarms_command(argc, argv);
    }
    int code = tg_cli_read_options(&tg_verb_alarms, argc, argv, &data_dir, &is_json);
    if (code != TG_EXIT_OK) {
        return code;
    }
    if (is_json) {
        return tg_cli_documents(&tg_verb_alarms, data_dir, "alarm", alarm_line, NULL);
    }
    struct alarms_table table = {0};
    code = tg_cli_documents(&tg_verb_alarms, data_dir, "alarm", alarms_table_add, &table);
    if (code == TG_EXIT_OK) {
        alarms_table_print(&table, stdout);
    }
    alarms_table_free(&table);
    return code;
}

const struct tg_verb tg_verb_alarms = {
    .name = "alarms",
    .summary = "list alarms with subscribers and revenue at risk; acknowledge, shelve, close",
    .usage = usage,
    .run = alarms_run,
};
