/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/documents.h"

#include <string.h>

static const char usage[] = "usage: tollgate nodes [--data DIR] [--json]\n"
                            "\n"
                            "List nodes with their state and when they were last heard.\n"
                            "\n"
                            "  --data DIR  data directory (data)\n"
                            "  --json      one TMF639 resource a line\n";

extern const struct tg_verb tg_verb_nodes;

static const char *characteristic(const struct tg_json *node, const char *name)
{
    const struct tg_json *list = tg_json_get(node, "resourceCharacteristic");
    for (size_t i = 0; i < tg_json_count(list); i++) {
        const struct tg_json *pair = tg_json_at(list, i);
        if (strcmp(tg_json_get_text(pair, "name", ""), name) == 0) {
            return tg_json_get_text(pair, "value", "");
        }
    }
    return "-";
}

static void node_print(void *context, const struct tg_json *node)
{
    const bool *is_json = context;
    if (*is_json) {
        char *text = tg_json_dump(node, NULL);
        (void)puts(text != NULL ? text : "{}");
        tg_json_text_free(text);
        return;
    }
    (void)printf("%-20s %-9s last heard %s\n", tg_json_get_text(node, "name", ""),
                 characteristic(node, "health"), characteristic(node, "lastSeen"));
}

static int nodes_run(int argc, char **argv)
{
    const char *data_dir;
    bool is_json;
    const int code = tg_cli_read_options(&tg_verb_nodes, argc, argv, &data_dir, &is_json);
    return code != TG_EXIT_OK
               ? code
               : tg_cli_documents(&tg_verb_nodes, data_dir, "node", node_print, &is_json);
}

const struct tg_verb tg_verb_nodes = {
    .name = "nodes",
    .summary = "list nodes with their state",
    .usage = usage,
    .run = nodes_run,
};
