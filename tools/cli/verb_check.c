/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include "catalog/catalog.h"
#include "control/config.h"

#include <string.h>

static const char usage[] =
    "usage: tollgate check CONFIG [--json]\n"
    "       tollgate check --keys\n"
    "\n"
    "Read the configuration and the catalog it names, and print every mistake at once as\n"
    "file:line:col: error: what; hint. Nothing is started or stored. Exit 1 when there is one.\n"
    "\n"
    "  --keys   print every key with its type, default and meaning\n";

extern const struct tg_verb tg_verb_check;

static int check_run(int argc, char **argv)
{
    const char *path = NULL;
    bool is_json = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            is_json = true;
        } else if (strcmp(argv[i], "--keys") == 0) {
            tg_config_reference(stdout);
            return TG_EXIT_OK;
        } else if (argv[i][0] == '-' || path != NULL) {
            return tg_cli_usage(&tg_verb_check, "unexpected '%s'", argv[i]);
        } else {
            path = argv[i];
        }
    }
    if (path == NULL) {
        return tg_cli_usage(&tg_verb_check, "a configuration file is needed");
    }
    struct tg_diag *diag = tg_diag_open();
    struct tg_config *config = NULL;
    if (tg_config_load(path, diag, &config) == TG_OK && config->catalog_dir != NULL) {
        (void)tg_catalog_check(config->catalog_dir, diag, NULL);
    }
    const uint32_t errors = tg_diag_errors_count(diag);
    if (is_json) {
        tg_diag_print_json(diag, stdout);
    } else {
        tg_diag_print(diag, stderr);
        if (errors == 0) {
            (void)printf("%s: ok\n", path);
        }
    }
    tg_config_close(config);
    tg_diag_close(diag);
    return errors == 0 ? TG_EXIT_OK : TG_EXIT_PROBLEM;
}

const struct tg_verb tg_verb_check = {
    .name = "check",
    .summary = "check a configuration and its catalog, all mistakes at once",
    .usage = usage,
    .run = check_run,
};
