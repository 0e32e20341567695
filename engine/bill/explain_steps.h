/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The parts a piece's amount is the sum of, told by its tariff when somebody asks.
 *
 *  Source: design.md law 9, rating-semantics 4.5. Threads: one. Allocates: the JSON objects.
 *  Cost: control plane; the row path keeps one step a piece and knows nothing of this.
 *
 *  A tariff's answer is believed when its parts sum exactly to what price() answered; of a tariff
 *  that has no answer, or a wrong one, only the total is told.
 */
#ifndef TG_BILL_EXPLAIN_STEPS_H
#define TG_BILL_EXPLAIN_STEPS_H

#include "abi/tariff.h"
#include "catalog/image.h"
#include "rate/rate.h"

#include <stdint.h>

struct tg_bill_text;
struct tg_json;

#define TG_EXPLAIN_PARTS_MAX 128u /**< Parts of a piece; of more only the total is told. */

/**
 * @brief Ask the tariff of a piece for its parts.
 * @param[in]  image  That priced it.
 * @param[in]  piece  Of a trace.
 * @param[out] parts  Shape [TG_EXPLAIN_PARTS_MAX].
 * @return How many; 0: there is no answer, or none that sums to the piece's amount.
 */
uint32_t tg_explain_parts(const struct tg_image *image, const struct tg_rate_piece *piece,
                          struct tg_tariff_part *parts);

/**
 * @brief Add "parts" to a piece's object: units, counted, step, step_price, per, share, flat,
 * amount.
 * @param[in,out] json   Object.
 * @param[in]     image  That priced it.
 * @param[in]     piece  Of a trace.
 */
void tg_explain_parts_set(struct tg_json *json, const struct tg_image *image,
                          const struct tg_rate_piece *piece);

/**
 * @brief The same in words: " 10 second at step 1 (1.00 per 1) cost 10.00;" a part.
 * @param[in,out] out    Text.
 * @param[in]     image  That priced it.
 * @param[in]     piece  Of a trace.
 * @param[in]     unit   Name of the row's unit.
 * @return Parts told; 0: nothing was added.
 */
uint32_t tg_explain_parts_add(struct tg_bill_text *out, const struct tg_image *image,
                              const struct tg_rate_piece *piece, const char *unit);

#endif
