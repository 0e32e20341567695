/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief `bill settle`: the engine takes from prepaid balances what issued bills say was taken.
 *
 *  Source: engine/bill/taken.h, schemas/control (topup). Threads: main. Allocates: freely.
 *  Cost: one fdatasync of the engine for 128 bills.
 */
#ifndef TG_CLI_BILL_SETTLE_H
#define TG_CLI_BILL_SETTLE_H

#include "cli/cli.h"

#include <stdbool.h>

/**
 * @brief Send the requests that wait; each has effect once, however often this is done.
 * @param[in] verb      For messages.
 * @param[in] data_dir  Data directory; its engine is asked.
 * @param[in] is_asked  By a person: says also when nothing waits, and an engine that does not
 *                      answer is a failure; else it is only told that requests wait.
 * @param[in] is_json   Answers as JSON; with is_asked.
 * @return TG_EXIT_OK; TG_EXIT_PROBLEM (refused, told why); TG_EXIT_UNREACHABLE.
 */
int tg_cli_bill_settle(const struct tg_verb *verb, const char *data_dir, bool is_asked,
                       bool is_json);

#endif
