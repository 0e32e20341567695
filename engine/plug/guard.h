/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Guarded calls of a tariff: what comes back is checked before it may become money.
 *
 *  Source: reference rating-semantics 4.12 (PLUGIN_ERROR, PLUGIN_TIMEOUT as suspense reasons).
 *  Threads: any worker at once; results belong to the caller. Allocates: never.
 *  Cost: one pass over the results; no shared line is written unless something is wrong.
 *
 *  Checked per call: the count. Checked per row: a verdict that is a known code, an amount within
 *  the bound, a remainder smaller than its denominator. A wrong count voids the whole call and
 *  takes the tariff out of use at once, as no result can be trusted to belong to its row. A bad
 *  row is void alone; too many of them take the tariff out of use. A verdict of refusal
 *  (say TG_E_NO_RATE) is an answer, not a fault.
 */
#ifndef TG_PLUG_GUARD_H
#define TG_PLUG_GUARD_H

#include "abi/tariff.h"
#include "plug/registry.h"

#include <stdint.h>

/** Most rows a guarded call takes. */
#define TG_GUARD_ROWS_MAX 256u
/** A charge above ten million euro (at scale 8) is a fault unless configured otherwise. */
#define TG_GUARD_AMOUNT_MAX INT64_C(1000000000000000)
/** Bad rows until the tariff is taken out of use. */
#define TG_GUARD_FAULTS_MAX 16u

/** @brief What a tariff may answer; from the configuration. */
struct tg_guard_bounds {
    int64_t amount_max;  /**< Largest |amount| of a piece, at the price's scale; at least 1. */
    uint32_t faults_max; /**< Bad rows until quarantine; at least 1. */
};

/** @brief Defaults. @return TG_GUARD_AMOUNT_MAX and TG_GUARD_FAULTS_MAX. */
static inline struct tg_guard_bounds tg_guard_bounds_default(void)
{
    return (struct tg_guard_bounds){TG_GUARD_AMOUNT_MAX, TG_GUARD_FAULTS_MAX};
}

/**
 * @brief Price rows through a tariff and check every answer.
 *
 * @param[in,out] plug          A tariff's entry.
 * @param[in]     bounds        Borrowed.
 * @param[in]     prices        Borrowed; shape [prices_count].
 * @param[in]     prices_count  At least 1.
 * @param[in]     rows          Borrowed; shape [rows_count]; price_index < prices_count.
 * @param[in]     rows_count    1..TG_GUARD_ROWS_MAX.
 * @param[out]    results       Shape [rows_count + 1]: the last one is a canary that a tariff which
 *                              writes too far hits. Every verdict is written: TG_OK, the tariff's
 *                              own refusal, TG_E_PLUGIN_QUARANTINED (out of use before the call),
 *                              TG_E_PLUGIN_COUNT, TG_E_PLUGIN_RANGE, TG_E_PLUGIN_ERROR (no answer,
 *                              unknown verdict or a remainder that is none).
 * @return Rows with verdict TG_OK.
 */
uint32_t tg_guard_price(struct tg_plug *plug, const struct tg_guard_bounds *bounds,
                        const struct tg_price *const *prices, uint32_t prices_count,
                        const struct tg_tariff_row *rows, uint32_t rows_count,
                        struct tg_tariff_result *results);

#endif
