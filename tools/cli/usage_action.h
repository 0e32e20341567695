/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Lines of `quote` that are no usage: a top-up of a prepaid account, and the question what
 *         it has.
 *
 *  Source: schemas/quote/usage.schema.json. Threads: main only. Allocates: never. Cost: no data
 *  path.
 */
#ifndef TG_CLI_USAGE_ACTION_H
#define TG_CLI_USAGE_ACTION_H

#include "cli/usage_json.h"

/**
 * @brief Read one object with an `action`.
 * @param[in]  json      Borrowed; strings in line point into it.
 * @param[in]  image     Decimals of money; NULL: none is accepted.
 * @param[out] line      Written; of use without mistakes, its id with some too.
 * @param[in,out] mistakes  Empty; all there are.
 * @return TG_OK, or the first of them: TG_E_SYNTAX, TG_E_MISSING_FIELD, TG_E_BAD_TIMESTAMP,
 * TG_E_OVERFLOW.
 */
enum tg_err tg_usage_action_read(const struct tg_json *json, const struct tg_image *image,
                                 struct tg_usage_line *line, struct tg_usage_mistakes *mistakes);

#endif
