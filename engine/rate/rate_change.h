/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Zone of usage that goes on while rows of its deck begin and end.
 *
 *  Source: rating-semantics 4.2 (6). Threads: pure. Allocates: never. Cost: look-ups of the number
 *  for rows of services with rate_change: split; others do not come here.
 */
#ifndef TG_RATE_RATE_CHANGE_H
#define TG_RATE_RATE_CHANGE_H

#include "abi/usage.h"
#include "catalog/image.h"

#include <stdint.h>

/**
 * @brief Zone of a row at an instant of it.
 * @param[in]  image         Checked.
 * @param[in]  plan_service  Of that image, with has_terms.
 * @param[in]  row           Borrowed.
 * @param[in]  zone          Of its start.
 * @param[in]  at_ns         Instant, UTC, from its start on.
 * @param[out] until_ns      First instant at which it has another zone; INT64_MAX: not before its
 *                           end, or the service prices all of it by the start.
 * @return Zone; TG_ZONE_NONE when no deck has the number any more.
 */
uint16_t tg_rate_zone_at(const struct tg_image *image, const struct tg_plan_service *plan_service,
                         const struct tg_usage *row, uint16_t zone, int64_t at_ns,
                         int64_t *until_ns);

/**
 * @brief Zone of a record of a call that began before it: that of the call's start.
 * @param image         Checked; of the record.
 * @param plan_service  Of that image.
 * @param row           Borrowed.
 * @param zone          Of the record's own start.
 * @param call_ns       When the call began, UTC.
 * @return Zone; the record's own when no deck had the number then.
 */
uint16_t tg_rate_zone_of_call(const struct tg_image *image,
                              const struct tg_plan_service *plan_service,
                              const struct tg_usage *row, uint16_t zone, int64_t call_ns);

#endif
