/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief What the rules of a price did to a row, as JSON: exchange, spend limits, carried
 *         remainder.
 *
 *  Source: schemas/quote/charge.schema.json. Threads: one. Allocates: the objects.
 *  Cost: control plane. `quote`, `explain` and `thresholds` print rows with it.
 */
#ifndef TG_BILL_EXPLAIN_RULES_H
#define TG_BILL_EXPLAIN_RULES_H

#include "catalog/image.h"
#include "doc/json.h"
#include "rate/rate.h"
#include "record/charge.h"

struct tg_bill_text;

/**
 * @brief Add "allowances", "rounding_change", "exchange", "spend_limits" and "carried" where the
 *        row has them.
 * @param[in,out] json    Object.
 * @param[in]     image   That priced the row.
 * @param[in]     charge  Rated.
 * @param[in]     trace   Of it.
 */
void tg_explain_rules_set(struct tg_json *json, const struct tg_image *image,
                          const struct tg_charge *charge, const struct tg_rate_trace *trace);

/**
 * @brief The same in words, the row's part in its spend limits and its exchange.
 * @param[in,out] out     Text.
 * @param[in]     image   That priced the row.
 * @param[in]     trace   Of it.
 */
void tg_explain_rules_add(struct tg_bill_text *out, const struct tg_image *image,
                          const struct tg_rate_trace *trace);

/** @brief Amount of a threshold of a spend limit. @param json Object to add it to. @param key Key.
 *  @param image Of the limit. @param amount In its currency. */
void tg_explain_limit_money(struct tg_json *json, const char *key, const struct tg_image *image,
                            int64_t amount);

#endif
