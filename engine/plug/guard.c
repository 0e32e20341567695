/* SPDX-License-Identifier: Apache-2.0 */
#include "plug/guard.h"

#include "base/error.h"
#include "plug/bpf.h"

#include <assert.h>
#include <string.h>

/* Amount no tariff is allowed to give: an unanswered row or a hit canary shows by it. */
#define CANARY_AMOUNT INT64_C(0x746f6c6c67617465)

static void results_void(struct tg_tariff_result *results, uint32_t count, enum tg_err reason)
{
    for (uint32_t i = 0; i < count; i++) {
        results[i] = (struct tg_tariff_result){.denominator = 1, .verdict = reason};
    }
}

/* Verdicts come from outside: a number that is no known code must not reach a journal. Only the
 * blocks of rating and plug-ins say something about a price. */
static bool verdict_is_refusal(int32_t verdict)
{
    return ((verdict <= -300 && verdict >= -399) || (verdict <= -500 && verdict >= -599)) &&
           strcmp(tg_err_name(verdict), "UNKNOWN") != 0;
}

/* The verdict this answer deserves; *is_fault tells a refusal from a broken answer. */
static int32_t result_judge(const struct tg_tariff_result *result, int64_t amount_max,
                            bool *is_fault)
{
    *is_fault = false;
    if (result->verdict != TG_OK) {
        if (verdict_is_refusal(result->verdict)) {
            return result->verdict;
        }
        *is_fault = true;
        return TG_E_PLUGIN_ERROR;
    }
    if (result->amount > amount_max || result->amount < -amount_max) {
        *is_fault = true;
        return TG_E_PLUGIN_RANGE;
    }
    const uint64_t rest =
        result->remainder < 0 ? 0 - (uint64_t)result->remainder : (uint64_t)result->remainder;
    if (result->denominator == 0 || rest >= result->denominator) {
        *is_fault = true;
        return TG_E_PLUGIN_ERROR;
    }
    return TG_OK;
}

static void guard_faults_add(struct tg_plug *plug, const struct tg_guard_bounds *bounds,
                             uint64_t faults_count, enum tg_err reason)
{
    const uint64_t before =
        atomic_fetch_add_explicit(&plug->faults_count, faults_count, memory_order_relaxed);
    if (before + faults_count >= bounds->faults_max) {
        tg_plug_quarantine(plug, reason);
    }
}

uint32_t tg_guard_price(struct tg_plug *plug, const struct tg_guard_bounds *bounds,
                        const struct tg_price *const *prices, uint32_t prices_count,
                        const struct tg_tariff_row *rows, uint32_t rows_count,
                        struct tg_tariff_result *results)
{
    assert(plug != NULL && bounds->amount_max > 0 && bounds->faults_max > 0);
    assert(rows_count > 0 && rows_count <= TG_GUARD_ROWS_MAX && prices_count > 0);
    if (tg_plug_is_quarantined(plug)) {
        results_void(results, rows_count, TG_E_PLUGIN_QUARANTINED);
        return 0;
    }
    const struct tg_tariff *tariff = plug->plugin->contract;
    for (uint32_t i = 0; i <= rows_count; i++) {
        results[i] = (struct tg_tariff_result){
            .amount = CANARY_AMOUNT, .denominator = 1, .verdict = TG_E_PLUGIN_ERROR};
    }
    const uint32_t answered =
        plug->bpf != NULL ? tg_bpf_price(plug->bpf, false, prices, rows, rows_count, results)
                          : tariff->price(prices, prices_count, rows, rows_count, results);
    if (answered != rows_count || results[rows_count].amount != CANARY_AMOUNT) {
        results_void(results, rows_count, TG_E_PLUGIN_COUNT);
        atomic_fetch_add_explicit(&plug->faults_count, 1, memory_order_relaxed);
        tg_plug_quarantine(plug, TG_E_PLUGIN_COUNT);
        return 0;
    }
    uint32_t fine = 0;
    uint64_t faults_count = 0;
    enum tg_err reason = TG_OK;
    for (uint32_t i = 0; i < rows_count; i++) {
        bool is_fault;
        int32_t verdict = result_judge(&results[i], bounds->amount_max, &is_fault);
        if (results[i].amount == CANARY_AMOUNT && results[i].verdict == TG_E_PLUGIN_ERROR) {
            is_fault = true; /* never answered */
            verdict = TG_E_PLUGIN_ERROR;
        }
        if (verdict == TG_OK) {
            fine++;
            continue;
        }
        results[i] = (struct tg_tariff_result){.denominator = 1, .verdict = verdict};
        if (is_fault) {
            faults_count++;
            reason = (enum tg_err)verdict;
        }
    }
    if (faults_count > 0) {
        guard_faults_add(plug, bounds, faults_count, reason);
    }
    return fine;
}
