/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief `tollgate bill residuals`: what it made of bills that each charge is rounded by itself.
 *
 *  Source: rating-semantics 4.1 (the sum of what is rounded beside the rounded sum).
 *  Threads: the CLI's. Allocates: names and sums of the prices that bills name. Cost: reads every
 *  bill of the period once.
 */
#ifndef TG_CLI_BILL_RESIDUAL_H
#define TG_CLI_BILL_RESIDUAL_H

#include "cli/bill_list.h"

/**
 * @brief Print a price's charges of the period and their exact sum, and both of each currency.
 * @param ask  Borrowed; data, period, account and is_json count. Bills are issued ones and drafts,
 * but for interim and void ones, whose rows are on others.
 * @return enum tg_exit.
 */
int tg_cli_bill_residuals(const struct tg_cli_bill_ask *ask);

#endif
