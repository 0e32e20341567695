/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief bill run from files alone: a data directory that lives as long as the command.
 *
 *  Source: schemas/quote. Threads: the verb's. Allocates: freely. Cost: quote's and bill run's.
 */
#ifndef TG_CLI_BILL_FILES_H
#define TG_CLI_BILL_FILES_H

#include "cli/cli.h"

#define TG_CLI_BILL_FILES_PATH_BYTES 256u

/**
 * @brief Price usage with a catalog into a new directory below TMPDIR (or /tmp).
 * @param[in]  verb     Named in messages.
 * @param[in]  catalog  Folder.
 * @param[in]  usage    JSON Lines; "-": stdin.
 * @param[out] dir      The directory, shape [TG_CLI_BILL_FILES_PATH_BYTES]; empty: none was made.
 *                      Give it to tg_cli_bill_files_remove in any case.
 * @param[out] is_open  The catalog is stored and the usage priced, as far as it could be read.
 * @return enum tg_exit; 1 also when single lines could not be read.
 */
int tg_cli_bill_files_open(const struct tg_verb *verb, const char *catalog, const char *usage,
                           char *dir, bool *is_open);

/** @brief Remove the directory with all that is in it. @param dir From the call above. */
void tg_cli_bill_files_remove(const char *dir);

#endif
