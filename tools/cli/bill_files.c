/* SPDX-License-Identifier: Apache-2.0 */
#define _XOPEN_SOURCE 700 /* nftw */

#include "cli/bill_files.h"

#include "cli/quote_run.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WALK_FILES_MAX 16

int tg_cli_bill_files_open(const struct tg_verb *verb, const char *catalog, const char *usage,
                           char *dir, bool *is_open)
{
    *is_open = false;
    const char *below = getenv("TMPDIR");
    const int length = snprintf(dir, TG_CLI_BILL_FILES_PATH_BYTES, "%s/tollgate-bill-XXXXXX",
                                below != NULL && below[0] != '\0' ? below : "/tmp");
    if (length < 0 || (uint32_t)length >= TG_CLI_BILL_FILES_PATH_BYTES || mkdtemp(dir) == NULL) {
        dir[0] = '\0';
        return tg_cli_problem(verb, "no place below TMPDIR: %s", strerror(errno));
    }
    const struct tg_cli_quote what = {
        .catalogs = {catalog}, .catalogs_count = 1, .data = dir, .file = usage, .is_open = is_open};
    return tg_cli_quote_run(verb, &what);
}

static int entry_remove(const char *path, const struct stat *status, int kind, struct FTW *at)
{
    (void)status;
    (void)kind;
    (void)at;
    return remove(path);
}

void tg_cli_bill_files_remove(const char *dir)
{
    if (dir[0] != '\0') {
        (void)nftw(dir, entry_remove, WALK_FILES_MAX, FTW_DEPTH | FTW_PHYS);
    }
}
