/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief List documents of the state environment, as JSON Lines or as a table made by the verb.
 *
 *  Source: collections of abi/front.h. Threads: main. Allocates: freely. Cost: a read transaction.
 */
#ifndef TG_CLI_DOCUMENTS_H
#define TG_CLI_DOCUMENTS_H

#include "cli/cli.h"
#include "doc/json.h"

/**
 * @brief Visit a collection's documents as JSON.
 * @param verb        For messages.
 * @param data_dir    Data directory.
 * @param collection  Name.
 * @param visit       Called for each; borrowed.
 * @param context     For visit.
 * @return enum tg_exit.
 */
int tg_cli_documents(const struct tg_verb *verb, const char *data_dir, const char *collection,
                     void (*visit)(void *context, const struct tg_json *document), void *context);

/** @brief Options every reading verb has: --data DIR (default data), --json. @param verb For
 *  messages. @param argc From main. @param argv From main. @param[out] data_dir Written.
 *  @param[out] is_json Written. @return TG_EXIT_OK or TG_EXIT_USAGE. */
int tg_cli_read_options(const struct tg_verb *verb, int argc, char **argv, const char **data_dir,
                        bool *is_json);

#endif
