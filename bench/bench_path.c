/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/bench_rig.h"

enum tg_err tg_bench_path(const struct tg_bench_options *options, uint32_t subscribers_count,
                          bool is_zipf, FILE *out, bool *is_void, struct tg_why *why)
{
    static struct tg_rig rig;
    static struct tg_bench_figure whole;
    whole = (struct tg_bench_figure){.name = "whole"};
    enum tg_err err = tg_rig_open(&rig, options, subscribers_count, is_zipf, why);
    for (int i = 0; i < 7 && err == TG_OK; i++) {
        int64_t t = tg_bench_process_cpu_ns();
        err = tg_rig_whole(&rig, why);
        tg_bench_round(&whole, tg_bench_process_cpu_ns() - t, rig.feed.datagrams_count * 26);
    }
    err = err == TG_OK ? tg_rig_check(&rig, is_void, why) : err;
    if (*is_void) fprintf(stderr, "%s\n", why->text);
    whole.is_void = *is_void;
    tg_bench_close(&whole);
    tg_bench_print(options, &whole, out);
    for (int i = 0; i < TG_STAGES_COUNT; i++) {
        uint64_t r = rig.ingest->stages.stages[i].rows_count + rig.rating->stages.stages[i].rows_count;
        uint64_t c = rig.ingest->stages.stages[i].cycles + rig.rating->stages.stages[i].cycles;
        fprintf(stderr, "%s %lu rows %.1f ns\n", tg_stage_name(i), r, r ? (double)c / r / 2.6 : 0);
    }
    tg_rig_close(&rig);
    return err;
}
