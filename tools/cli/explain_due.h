/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Why a bill asks for what it asks: total, balance, rounding, notes, payments.
 *
 *  Source: documents of engine/bill/issue.h and standing.h. Threads: main. Allocates: freely.
 *  Cost: the bill and its notes.
 */
#ifndef TG_CLI_EXPLAIN_DUE_H
#define TG_CLI_EXPLAIN_DUE_H

#include "cli/cli.h"

#include <stdbool.h>

/** @brief Is it "NUMBER:due" or "BILL:due"? @param subject As typed. @return true if so. */
bool tg_cli_due_asked(const char *subject);

/** @brief Tell it. @param verb For messages. @param data_dir Data directory. @param subject As
 *  typed, asked for by tg_cli_due_asked. @param is_json As one line of JSON.
 *  @return TG_EXIT_OK or TG_EXIT_PROBLEM. */
int tg_cli_due_explain(const struct tg_verb *verb, const char *data_dir, const char *subject,
                       bool is_json);

#endif
