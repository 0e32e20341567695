/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Periods that begin with a subscription: 30 days, a month from its day, 24 hours.
 *
 *  Source: rating-semantics 4.6. Threads: pure. Allocates: never. Cost: a division or two.
 *
 *  A period is `period_count` hours, days, weeks or months of local time, counted from the instant
 *  at which the subscription begins. Months keep its day, clamped to the month's last one, and its
 *  time of day. A begin that moves, as somebody was away for long, begins a period of its own,
 *  with a greater number than any before.
 */
#ifndef TG_RATE_ANCHOR_H
#define TG_RATE_ANCHOR_H

#include "catalog/image.h"
#include "rate/bucket.h"

#include <stdint.h>

/** @brief Number of the period an event is in. @param allowance With period_from start.
 *  @param time Event time and start of the subscription, local. @return At least 1. */
uint32_t tg_anchor_period(const struct tg_allowance *allowance, const struct tg_bucket_time *time);

/** @brief First instant of a period, and the first one behind it. @param allowance With period_from
 *  start. @param time Start of the subscription, local. @param number From tg_anchor_period.
 *  @param[out] from_ns Local. @param[out] to_ns Local. */
void tg_anchor_span(const struct tg_allowance *allowance, const struct tg_bucket_time *time,
                    uint32_t number, int64_t *from_ns, int64_t *to_ns);

#endif
