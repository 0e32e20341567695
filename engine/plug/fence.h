/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief A call of native code from which a crash or an endless loop comes back.
 *
 *  Source: POSIX.1-2017 sigaction, sigaltstack, _setjmp; Linux tgkill(2).
 *  Threads: tg_fence_ready on the control thread; tg_fence_price on any. Allocates: a thread, once.
 *  Cost: a _setjmp and two stores a call, no system call; a watchdog thread looks every 25 ms, and
 *  only once native code was loaded. A thread's first call sets up its signal stack.
 *
 *  (1) A signal of a fault is caught only within a call, in the thread that is in it. All others go
 *      where they went before: to a core file.
 *  (2) Within the call no lock of ours is held and nothing of ours is half written, so leaving it
 *      by a jump leaves nothing behind. What the code itself held stays held: a tariff that follows
 *      abi/tariff.h (no state, no I/O, no allocation) holds nothing.
 *  (3) A call is over time when it has burnt the budget of processor time, or hung for 20 times
 *      that by the clock; a thread that is merely not scheduled is not accused.
 *
 *  What cannot be made safe: code that writes over memory of ours, or ends the process. Only BPF
 *  (plug/bpf.h) keeps code that is not trusted from it.
 */
#ifndef TG_PLUG_FENCE_H
#define TG_PLUG_FENCE_H

#include "abi/err.h"
#include "abi/tariff.h"
#include "base/error.h"

#include <stdint.h>

/** Threads that price by native code at once; rows of others are refused with TG_E_FULL. */
#define TG_FENCE_THREADS_MAX 128u
/** Processor time that one call of at most TG_GUARD_ROWS_MAX rows may take, unless set. */
#define TG_FENCE_BUDGET_MS 100u

/** @brief What a call came back from. */
struct tg_fence_fault {
    int signal;       /**< Number; 0 over time. */
    uint64_t address; /**< Memory it touched, or 0. */
    uint64_t pc;      /**< Instruction. */
};

/** @brief Catch faults and watch the time from now on; again is no harm. @param[out] why May be
 *  NULL. @return TG_OK or TG_E_NO_MEMORY. */
enum tg_err tg_fence_ready(struct tg_why *why);

/** @brief Processor time of a call. @param budget_ms At least 1. */
void tg_fence_budget(uint32_t budget_ms);

/**
 * @brief Call a tariff.
 * @param[in]  tariff        Native code.
 * @param[in]  prices        Shape [prices_count].
 * @param[in]  prices_count  At least 1.
 * @param[in]  rows          Shape [rows_count].
 * @param[in]  rows_count    At least 1.
 * @param[out] results       As tg_tariff.price; void unless TG_OK.
 * @param[out] answered      What it returned.
 * @param[out] fault         Written unless TG_OK.
 * @return TG_OK, TG_E_PLUGIN_CRASH, TG_E_PLUGIN_TIMEOUT or TG_E_FULL (also before tg_fence_ready).
 */
enum tg_err tg_fence_price(const struct tg_tariff *tariff, const struct tg_price *const *prices,
                           uint32_t prices_count, const struct tg_tariff_row *rows,
                           uint32_t rows_count, struct tg_tariff_result *results,
                           uint32_t *answered, struct tg_fence_fault *fault);

#endif
