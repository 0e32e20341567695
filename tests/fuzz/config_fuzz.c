/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration reader over any bytes. If this found anything, a mistake in a file an operator
 * edits would stop the engine instead of being told with its line. */
#define _GNU_SOURCE /* memfd_create */
#include "control/config.h"
#include "doc/diag.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
    if (!holds) {
        abort();
    }
}

/* What a loaded configuration promises to those who start the engine from it. */
static void config_check(const struct tg_config *config)
{
    require(config->data_dir != NULL && config->data_dir[0] != '\0');
    require(config->workers_count >= 1 && config->workers_count <= TG_WORKERS_MAX);
    require(config->decoders_count >= 1 && config->decoders_count <= TG_PORTS_MAX);
    require(config->ports_count >= 1 && config->ports_count <= TG_PORTS_MAX);
    require(config->plugins_count <= TG_CONFIG_PLUGINS_MAX);
    require(config->fronts_count <= TG_CONFIG_FRONTS_MAX);
    for (uint32_t i = 0; i < config->ports_count; i++) {
        require(config->ports[i].port.name != NULL && config->ports[i].port.target != NULL);
    }
    for (uint32_t i = 0; i < config->nodes_count; i++) {
        require(config->nodes[i].name[0] != '\0');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int file = -1;
    static char path[32];
    static FILE *nowhere;
    if (file < 0) {
        file = memfd_create("tollgate.yaml", 0);
        nowhere = fopen("/dev/null", "w");
        require(file >= 0 && nowhere != NULL);
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    }
    require(ftruncate(file, 0) == 0 && pwrite(file, data, size, 0) == (ssize_t)size);
    struct tg_diag *diag = tg_diag_open();
    struct tg_config *config = NULL;
    const enum tg_err err = tg_config_load(path, diag, &config);
    /* Refused means told why, accepted means nothing to tell. */
    require((err == TG_OK) == (config != NULL));
    require(err == TG_OK || tg_diag_errors_count(diag) > 0);
    require(err != TG_OK || tg_diag_errors_count(diag) == 0);
    if (config != NULL) {
        config_check(config);
    }
    tg_diag_print(diag, nowhere);
    tg_diag_print_json(diag, nowhere);
    tg_config_close(config);
    tg_diag_close(diag);
    return 0;
}
