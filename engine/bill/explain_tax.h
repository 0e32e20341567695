/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief How a row and a line are taxed, told: which tax, its parts in order, exemptions,
 * rounding.
 *
 *  Source: design.md law 9, rating-semantics 4.15. Threads: one. Allocates: the objects.
 *  Cost: control plane.
 *
 *  A row is told by the taxes of the cycle it is in; a line by its bill, which is what counts.
 */
#ifndef TG_BILL_EXPLAIN_TAX_H
#define TG_BILL_EXPLAIN_TAX_H

#include "bill/replay.h"
#include "bill/text.h"

#include <stdint.h>

struct tg_json;
struct tg_catalog_snapshot;

/** @brief Add "tax", "tax_rate_ppm", "tax_share", "tax_mode", "tax_as_of" and what else the row's
 *  tax has: "tax_rounded", "tax_inclusive", "tax_exempt", "tax_parts" (schemas/quote/README.md).
 *  @param json Object. @param catalog Snapshot. @param row Replayed. */
void tg_explain_tax_set(struct tg_json *json, const struct tg_catalog_snapshot *catalog,
                        const struct tg_replay_row *row);

/** @brief Add the same as part of a sentence. @param out Text. @param catalog Snapshot.
 *  @param row Replayed. */
void tg_explain_tax_add(struct tg_bill_text *out, const struct tg_catalog_snapshot *catalog,
                        const struct tg_replay_row *row);

/** @brief Taxes of a line of a bill, in order. @param catalog Snapshot. @param bill CustomerBill.
 *  @param line One of its x_line. @param subscriber Roster index, or TG_SUBSCRIBER_NONE when it is
 *  not there any more. @return List; the caller's. */
struct tg_json *tg_explain_line_tax_json(const struct tg_catalog_snapshot *catalog,
                                         const struct tg_json *bill, const struct tg_json *line,
                                         uint32_t subscriber);

/** @brief The same as sentences, one a tax. @param out Text. @param taxes From
 *  tg_explain_line_tax_json. */
void tg_explain_line_tax_text(struct tg_bill_text *out, const struct tg_json *taxes);

#endif
