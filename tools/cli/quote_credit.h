/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief quote: price one row, or as much of it as a given credit pays for.
 *
 *  Source: reference rating-semantics 4.13 (units granted against a balance); RFC 8506 5.1.1.
 *  Threads: the verb's. Allocates: never. Cost: one rating, with credit about thirty.
 */
#ifndef TG_CLI_QUOTE_CREDIT_H
#define TG_CLI_QUOTE_CREDIT_H

#include "catalog/catalog.h"
#include "cli/usage_json.h"
#include "rate/rate.h"

#include <stdbool.h>
#include <stdint.h>

/** @brief What the credit allowed. */
struct tg_quote_grant {
    bool is_bounded;           /**< The line named a credit or a highest price; else all is 0. */
    bool has_credit;           /**< It named a credit. */
    uint64_t granted_quantity; /**< Milliseconds, octets, events or carried money of the row. */
    uint64_t asked_quantity;   /**< The same, of the line as it was. */
    struct tg_usage row;       /**< As it was priced: the line's, or cut. */
    int64_t credit_left;       /**< Credit less the charge, at the rating scale. */
};

/**
 * @brief Price a line with the engine's stage and post it.
 *
 * With a credit the row is cut to the greatest quantity whose charge stays within credit - floor,
 * and within `max` of a price that stops there; with a highest price to the greatest one of which
 * no unit costs more; prices must not fall as the quantity grows (a
 * volume price may): then a smaller grant than possible may be found, never a larger one.
 *
 * @param[in,out] rate      Worker.
 * @param[in]     snapshot  Borrowed.
 * @param[in]     line      Borrowed.
 * @param[in]     is_fresh  Put the subscriber's counters back afterwards.
 * @param[out]    charge    Verdict.
 * @param[out]    trace     How.
 * @param[out]    grant     What the credit allowed.
 */
void tg_quote_row(struct tg_rate *rate, const struct tg_catalog_snapshot *snapshot,
                  const struct tg_usage_line *line, bool is_fresh, struct tg_charge *charge,
                  struct tg_rate_trace *trace, struct tg_quote_grant *grant);

#endif
