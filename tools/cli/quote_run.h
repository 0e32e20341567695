/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Price a file of usage with catalog folders, and keep the result when asked.
 *
 *  Source: schemas/quote. Threads: the verb's. Allocates: freely. Cost: the rate stage's and JSON.
 */
#ifndef TG_CLI_QUOTE_RUN_H
#define TG_CLI_QUOTE_RUN_H

#include "cli/cli.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define TG_CLI_QUOTE_PLUGINS_MAX  32u
#define TG_CLI_QUOTE_CATALOGS_MAX 16u

/** @brief What to price. All is borrowed. */
struct tg_cli_quote {
    const char *catalogs[TG_CLI_QUOTE_CATALOGS_MAX]; /**< Folders; several only with data. */
    uint32_t catalogs_count;                         /**< How many. */
    const char *data;                                /**< Data directory without a journal; NULL:
                                                          nothing is kept. */
    const char *file;                                /**< Usage; NULL or "-": stdin. */
    const char *plugins[TG_CLI_QUOTE_PLUGINS_MAX];   /**< Tariffs to load first. */
    uint32_t plugins_count;                          /**< How many. */
    bool is_fresh;                                   /**< Each line as if it were the first. */
    bool is_by_arrival; /**< In the order of the lines; else of their events, and of lines that
                             begin at one instant in that of the lines. */
    bool *is_open;      /**< Set when catalog and journal are there; may be NULL. */
    FILE *out;          /**< One charge a line; NULL: only what is not rated is told, on
                             stderr. */
};

/**
 * @brief Price every line; with data, store the catalogs there and write rows and verdicts to a
 *        journal, as the engine does.
 * @param verb  Named in messages.
 * @param what  Borrowed.
 * @return enum tg_exit: 1 when a line could not be read, a plug-in was refused, or on failure.
 */
int tg_cli_quote_run(const struct tg_verb *verb, const struct tg_cli_quote *what);

#endif
