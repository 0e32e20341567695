/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include "abi/plugin.h"

#include <string.h>

static int version_run(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--json") == 0) {
        (void)printf("{\"name\":\"tollgate\",\"version\":\"%s\",\"abi\":%u}\n", TG_VERSION,
                     TG_ABI_VERSION);
    } else {
        (void)printf("tollgate %s (plug-in ABI %u)\n", TG_VERSION, TG_ABI_VERSION);
    }
    return TG_EXIT_OK;
}

const struct tg_verb tg_verb_version = {
    .name = "version",
    .summary = "print the version and the plug-in ABI",
    .usage = "usage: tollgate version [--json]\n",
    .run = version_run,
};
