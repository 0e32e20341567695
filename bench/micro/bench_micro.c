/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/micro/bench_micro.h"

#include "base/clock.h"
#include "bench/bench.h"

#include <stdio.h>

#define ROUNDS_MIN 3u

static enum tg_err micro_run(const struct tg_micro *micro, const struct tg_bench_options *options,
                             FILE *out, bool *is_void, struct tg_why *why)
{
    static struct tg_bench_figure figure;
    figure = (struct tg_bench_figure){.name = micro->name, .note = micro->note};
    void *state = micro->open();
    if (state == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "%s: no memory", micro->name);
    }
    const int64_t until_ns = tg_clock_monotonic_ns() + options->seconds * TG_NS_PER_S / 2;
    for (uint32_t round = 0; round < TG_BENCH_ROUNDS_MAX; round++) {
        if (round >= ROUNDS_MIN && (options->is_fixed || tg_clock_monotonic_ns() >= until_ns)) {
            break;
        }
        const int64_t from_ns = tg_clock_thread_cpu_ns();
        const uint64_t items = micro->run(state);
        tg_bench_round(&figure, tg_clock_thread_cpu_ns() - from_ns, items);
    }
    if (!micro->check(state)) {
        figure.is_void = true;
        *is_void = true;
        (void)tg_why_set(why, TG_E_INVALID, "%s: the output is wrong", micro->name);
    }
    micro->close(state);
    tg_bench_close(&figure);
    tg_bench_print(options, &figure, out);
    return TG_OK;
}

enum tg_err tg_bench_micro(const struct tg_bench_options *options, FILE *out, bool *is_void,
                           struct tg_why *why)
{
    static const struct tg_micro *const lists[] = {tg_micro_mediate, tg_micro_decode,
                                                   tg_micro_store, tg_micro_rt, tg_micro_tariff};
    enum tg_err err = TG_OK;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        for (const struct tg_micro *at = lists[i]; at->name != NULL && err == TG_OK; at++) {
            if (tg_bench_wants(options, at->name) && (at->is_here == NULL || at->is_here())) {
                err = micro_run(at, options, out, is_void, why);
            }
        }
    }
    return err;
}
