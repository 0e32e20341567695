/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include "control/engine.h"
#include "rt/eal.h"

#include <string.h>

static const char usage[] =
    "usage: tollgate run CONFIG [--once] [--no-fronts]\n"
    "\n"
    "Run the engine until SIGTERM (drains, makes everything durable, exits 0).\n"
    "\n"
    "  --once       read what is there, then stop: folders are not watched\n"
    "  --no-fronts  do not start the configured fronts\n";

extern const struct tg_verb tg_verb_run;

static void rows_progress(void *context, uint64_t rows_count)
{
    tg_progress_step(context, rows_count);
}

static int run_engine(struct tg_engine_params *params, struct tg_diag *diag)
{
    struct tg_progress progress;
    tg_progress_start(&progress, "rows", 0);
    if (params->is_once) {
        params->progress = rows_progress;
        params->progress_context = &progress;
    }
    struct tg_engine *engine = NULL;
    struct tg_why why = {""};
    enum tg_err err = tg_engine_open(params, diag, &engine, &why);
    if (err == TG_OK) {
        err = tg_engine_run(engine, &why);
        tg_progress_end(&progress);
    }
    if (err != TG_OK) {
        if (tg_diag_errors_count(diag) > 0) {
            tg_diag_print(diag, stderr);
        }
        (void)tg_cli_problem(&tg_verb_run, "%s",
                             why.text[0] != '\0' ? why.text : tg_err_sentence(err));
    }
    tg_engine_close(engine);
    tg_eal_stop();
    return err == TG_OK ? TG_EXIT_OK : TG_EXIT_PROBLEM;
}

static int run_run(int argc, char **argv)
{
    struct tg_engine_params params = {.has_fronts = true, .has_control = true};
    const char *path = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--once") == 0) {
            params.is_once = true;
        } else if (strcmp(argv[i], "--no-fronts") == 0) {
            params.has_fronts = false;
        } else if (argv[i][0] == '-') {
            return tg_cli_usage(&tg_verb_run, "unknown option '%s'", argv[i]);
        } else if (path != NULL) {
            return tg_cli_usage(&tg_verb_run, "only one configuration can run");
        } else {
            path = argv[i];
        }
    }
    if (path == NULL) {
        return tg_cli_usage(&tg_verb_run, "a configuration file is needed");
    }
    struct tg_diag *diag = tg_diag_open();
    struct tg_config *config = NULL;
    int code = TG_EXIT_PROBLEM;
    if (tg_config_load(path, diag, &config) == TG_OK) {
        params.config = config;
        code = run_engine(&params, diag);
    } else {
        tg_diag_print(diag, stderr);
    }
    tg_config_close(config);
    tg_diag_close(diag);
    return code;
}

const struct tg_verb tg_verb_run = {
    .name = "run",
    .summary = "run the engine from a configuration",
    .usage = usage,
    .run = run_run,
};
