/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief What a line without rows says: fee, charge, discount, minimum, maximum, note.
 *
 *  Source: schemas/openapi (x_fee, x_covered, x_coveredOf). Threads: main. Allocates: never.
 *  Cost: a walk over names, for people's questions.
 */
#ifndef TG_CLI_EXPLAIN_LINE_H
#define TG_CLI_EXPLAIN_LINE_H

#include "catalog/catalog.h"
#include "cli/bill_lookup.h"

struct tg_bill_text;

/**
 * @brief How a line that is no sum of rows came to its amount.
 * @param[in,out] out      Text: ": fee 3.00 times 31 of 31 (actual_days)".
 * @param[in]     catalog  Says which lines discounts and bounds count.
 * @param[in]     found    The line.
 */
void tg_cli_line_terms(struct tg_bill_text *out, const struct tg_catalog_snapshot *catalog,
                       const struct tg_cli_line *found);

#endif
