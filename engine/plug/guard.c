/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* sigabbrev_np */
#include "plug/guard.h"

#include "base/error.h"
#include "plug/bpf.h"
#include "plug/fence.h"

#include <assert.h>
#include <stdio.h>
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

/* What was found wrong with the answers of a call. */
struct finding {
    uint64_t faults_count;
    enum tg_err reason;
    uint32_t row; /* of the last fault */
    int64_t amount;
};

static __attribute__((noinline)) void guard_faults_add(struct tg_plug *plug,
                                                       const struct tg_guard_bounds *bounds,
                                                       const struct finding *finding,
                                                       const struct tg_tariff_row *rows)
{
    const uint64_t before =
        atomic_fetch_add_explicit(&plug->faults_count, finding->faults_count, memory_order_relaxed);
    if (before + finding->faults_count < bounds->faults_max) {
        return;
    }
    struct tg_why what;
    if (finding->reason == TG_E_PLUGIN_RANGE) {
        (void)tg_why_set(&what, finding->reason,
                         "%s: %llu rows with faults; the last was priced %lld for %llu units, "
                         "beyond %lld",
                         plug->name, (unsigned long long)(before + finding->faults_count),
                         (long long)finding->amount, (unsigned long long)rows[finding->row].units,
                         (long long)bounds->amount_max);
    } else {
        (void)tg_why_set(&what, finding->reason,
                         "%s: %llu rows with faults; the last, of %llu units, got no answer or an "
                         "impossible one",
                         plug->name, (unsigned long long)(before + finding->faults_count),
                         (unsigned long long)rows[finding->row].units);
    }
    tg_plug_quarantine(plug, finding->reason, &what);
}

/* All rows of the call are void, whoever's fault it was among them: what was written is not known.
 */
static __attribute__((noinline)) uint32_t call_void(struct tg_plug *plug, enum tg_err reason,
                                                    const struct tg_why *what, uint32_t rows_count,
                                                    struct tg_tariff_result *results)
{
    results_void(results, rows_count, reason);
    atomic_fetch_add_explicit(&plug->faults_count, 1, memory_order_relaxed);
    tg_plug_quarantine(plug, reason, what);
    return 0;
}

static __attribute__((noinline)) uint32_t call_escaped(struct tg_plug *plug, enum tg_err reason,
                                                       const struct tg_fence_fault *fault,
                                                       const struct tg_tariff_row *rows,
                                                       uint32_t rows_count,
                                                       struct tg_tariff_result *results)
{
    if (reason == TG_E_FULL) {
        results_void(results, rows_count, TG_E_PLUGIN_ERROR); /* our bound, not its fault */
        return 0;
    }
    struct tg_why what;
    char cause[80];
    if (reason == TG_E_PLUGIN_TIMEOUT) {
        (void)snprintf(cause, sizeof cause, "did not come back in its time");
    } else {
        const char *name = sigabbrev_np(fault->signal);
        (void)snprintf(cause, sizeof cause, "SIG%s on address %#llx", name != NULL ? name : "?",
                       (unsigned long long)fault->address);
    }
    (void)tg_why_set(
        &what, reason, "%s: %s at %s+%#llx while it priced %u rows, the first of %llu units",
        plug->name, cause, plug->path, (unsigned long long)(fault->pc - plug->object.base),
        rows_count, (unsigned long long)rows[0].units);
    return call_void(plug, reason, &what, rows_count, results);
}

/* Prices in a currency the tariff does not know are not shown to it. */
static __attribute__((noinline)) uint32_t rows_other_currency(uint16_t currency,
                                                              const struct tg_price *const *prices,
                                                              const struct tg_tariff_row *rows,
                                                              uint32_t rows_count,
                                                              struct tg_tariff_result *results)
{
    for (uint32_t i = 0; i < rows_count; i++) {
        if (prices[rows[i].price_index]->currency != currency) {
            results_void(results, rows_count, TG_E_PLUGIN_CURRENCY);
            return rows_count;
        }
    }
    return 0;
}

static uint32_t results_check(struct tg_plug *plug, const struct tg_guard_bounds *bounds,
                              const struct tg_tariff_row *rows, uint32_t rows_count,
                              struct tg_tariff_result *results)
{
    uint32_t fine = 0;
    struct finding finding = {0};
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
        if (is_fault) {
            finding = (struct finding){finding.faults_count + 1, (enum tg_err)verdict, i,
                                       results[i].amount};
        }
        results[i] = (struct tg_tariff_result){.denominator = 1, .verdict = verdict};
    }
    if (finding.faults_count > 0) {
        guard_faults_add(plug, bounds, &finding, rows);
    }
    return fine;
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
    /* Acquire: partner is the release in tg_plug_reload; the code is whole when its address is. */
    const struct tg_plugin *plugin = atomic_load_explicit(&plug->plugin, memory_order_acquire);
    const struct tg_tariff *tariff = plugin->contract;
    const uint16_t currency = tg_tariff_currency(tariff);
    if (__builtin_expect(currency != 0, 0) &&
        rows_other_currency(currency, prices, rows, rows_count, results) > 0) {
        return 0;
    }
    for (uint32_t i = 0; i <= rows_count; i++) {
        results[i] = (struct tg_tariff_result){
            .amount = CANARY_AMOUNT, .denominator = 1, .verdict = TG_E_PLUGIN_ERROR};
    }
    uint32_t answered;
    if (plug->bpf != NULL) {
        answered = tg_bpf_price(plug->bpf, false, prices, rows, rows_count, results);
    } else if (plug->origin != TG_PLUG_NATIVE) {
        answered = tariff->price(prices, prices_count, rows, rows_count, results);
    } else {
        struct tg_fence_fault fault;
        const enum tg_err err = tg_fence_price(tariff, prices, prices_count, rows, rows_count,
                                               results, &answered, &fault);
        if (err != TG_OK) {
            return call_escaped(plug, err, &fault, rows, rows_count, results);
        }
    }
    if (answered != rows_count || results[rows_count].amount != CANARY_AMOUNT) {
        struct tg_why what;
        (void)tg_why_set(&what, TG_E_PLUGIN_COUNT, "%s: %s %u results for %u rows", plug->name,
                         answered != rows_count ? "gave" : "wrote more than", answered, rows_count);
        return call_void(plug, TG_E_PLUGIN_COUNT, &what, rows_count, results);
    }
    return results_check(plug, bounds, rows, rows_count, results);
}
