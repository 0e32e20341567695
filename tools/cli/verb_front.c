/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include "abi/front.h"
#include "control/front_host.h"
#include "plug/registry.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define SETTINGS_MAX 32u

struct options {
    const char *name;
    const char *data;
    const char *control;
    const char *engine;
    uint32_t settings_count;
    struct tg_setting settings[SETTINGS_MAX];
};

extern const struct tg_verb tg_verb_front;

static void fronts_list(void)
{
    for (uint32_t i = 0; i < tg_plug_count(); i++) {
        const struct tg_plug *plug = tg_plug_at(i);
        if (plug->origin != TG_PLUG_REFUSED && plug->plugin->kind == TG_PLUGIN_FRONT) {
            (void)fprintf(stderr, "  %-10s %s\n", plug->name, plug->plugin->summary);
        }
    }
}

static bool setting_add(struct options *options, const char *key, const char *value)
{
    if (options->settings_count == SETTINGS_MAX) {
        return false;
    }
    options->settings[options->settings_count++] = (struct tg_setting){.key = key, .value = value};
    return true;
}

/* TG_EXIT_OK, or the exit code after a complaint. */
static int options_read(int argc, char **argv, struct options *options)
{
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i];
        if (arg[0] != '-') {
            if (options->name != NULL) {
                return tg_cli_usage(&tg_verb_front, "one front at a time: '%s' is too many", arg);
            }
            options->name = arg;
            continue;
        }
        if (i + 1 == argc) {
            return tg_cli_usage(&tg_verb_front, "%s wants a value", arg);
        }
        const char *value = argv[++i];
        if (strcmp(arg, "--data") == 0) {
            options->data = value;
        } else if (strcmp(arg, "--control") == 0) {
            options->control = value;
        } else if (strcmp(arg, "--listen") == 0) {
            (void)setting_add(options, "listen", value);
        } else if (strcmp(arg, "--engine") == 0) {
            options->engine = value;
        } else if (strcmp(arg, "--plugin") == 0) {
            struct tg_why why = {.text = ""};
            if (tg_plug_load(value, &why) != TG_OK) {
                return tg_cli_problem(&tg_verb_front, "%s", why.text);
            }
        } else {
            return tg_cli_usage(&tg_verb_front, "unknown option '%s'", arg);
        }
    }
    if (options->name == NULL || options->data == NULL) {
        return tg_cli_usage(&tg_verb_front, "give a front's NAME and --data DIR");
    }
    return TG_EXIT_OK;
}

/* An engine that is killed cannot stop its fronts; left alone they would keep the addresses that
 * the next engine's fronts listen on. False: that engine is gone already. */
static bool engine_tie(const char *engine)
{
    if (engine == NULL) {
        return true;
    }
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    return strtol(engine, NULL, 10) == (long)getppid();
}

static int front_run(int argc, char **argv)
{
    struct options options = {.name = NULL};
    const int code = options_read(argc, argv, &options);
    if (code != TG_EXIT_OK) {
        return code;
    }
    if (!engine_tie(options.engine)) {
        return tg_cli_problem(&tg_verb_front, "process %s is not the parent", options.engine);
    }
    const struct tg_plug *plug = tg_plug_find(TG_PLUGIN_FRONT, options.name);
    if (plug == NULL) {
        (void)tg_cli_usage(&tg_verb_front, "no front is called '%s'; there are:", options.name);
        fronts_list();
        return TG_EXIT_USAGE;
    }
    const struct tg_front *front = plug->plugin->contract;
    const struct tg_front_process_params params = {.size_bytes = sizeof params,
                                                   .settings_count = options.settings_count,
                                                   .settings = options.settings,
                                                   .data_dir = options.data,
                                                   .control_path = options.control};
    struct tg_front_process *process = NULL;
    struct tg_why why = {.text = ""};
    if (tg_front_process_open(&params, &process, &why) != TG_OK) {
        return tg_cli_problem(&tg_verb_front, "%s", why.text);
    }
    const int result = front->serve(tg_front_process_host(process));
    tg_front_process_close(process);
    return result;
}

const struct tg_verb tg_verb_front = {
    .name = "front",
    .summary = "serve bills (bss) or alarms (oss) over HTTP",
    .usage = "usage: tollgate front NAME --data DIR [--listen ADDRESS:PORT] [--control SOCKET]\n"
             "                      [--plugin FILE.so] [--engine PID]\n\n"
             "Runs one front in this process until SIGTERM. It reads DIR/state and never writes;\n"
             "commands go to DIR/control.sock. bss: customer bills, TMF678, 127.0.0.1:8081.\n"
             "oss: alarms, TMF642, 127.0.0.1:8082. Beyond loopback there is no authentication:\n"
             "put a proxy before it. With --engine it ends when that process, its parent, ends.\n",
    .run = front_run,
};
