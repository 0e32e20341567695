/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "cli/gen.h"

#include "base/clock.h"

#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: tollgate init DIR\n"
    "\n"
    "Write a commented configuration, a sample catalog and sample inputs into DIR.\n"
    "`tollgate run DIR/tollgate.yaml` takes them as they are. An existing configuration is never\n"
    "overwritten.\n";

extern const struct tg_verb tg_verb_init;

static int init_run(int argc, char **argv)
{
    if (argc != 2 || argv[1][0] == '-') {
        return tg_cli_usage(&tg_verb_init, "one folder is needed");
    }
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/tollgate.yaml", argv[1]);
    if (access(path, F_OK) == 0) {
        return tg_cli_problem(&tg_verb_init, "%s is there already; choose another folder", path);
    }
    const struct gen_params params = {.seed = 1,
                                      .subscribers_count = 50,
                                      .minutes = 120,
                                      .flows_per_subscriber = 10,
                                      .calls_per_subscriber = 4,
                                      .is_faulty = true,
                                      .start_ns = INT64_C(1792051200) * TG_NS_PER_S,
                                      .dir = argv[1]};
    struct gen_truth truth;
    struct tg_why why;
    if (gen_all(&params, &truth, &why) != TG_OK) {
        return tg_cli_problem(&tg_verb_init, "%s", why.text);
    }
    (void)printf("%s: configuration, catalog and inputs of 50 subscribers\n"
                 "next:\n"
                 "  tollgate check %s\n"
                 "  tollgate run --once %s\n"
                 "  tollgate bill run --data %s/data --period 2026-10\n"
                 "  tollgate alarms --data %s/data\n",
                 argv[1], path, path, argv[1], argv[1]);
    return TG_EXIT_OK;
}

const struct tg_verb tg_verb_init = {
    .name = "init",
    .summary = "write a commented configuration, catalog and inputs to start from",
    .usage = usage,
    .run = init_run,
};
