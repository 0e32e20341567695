/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/bench.h"
enum tg_err tg_bench_voice(const struct tg_bench_options *options, uint32_t subscribers_count,
                           bool is_zipf, FILE *out, bool *is_void, struct tg_why *why)
{ (void)options; (void)subscribers_count; (void)is_zipf; (void)out; (void)is_void; (void)why; return TG_OK; }
enum tg_err tg_bench_micro(const struct tg_bench_options *options, FILE *out, bool *is_void,
                           struct tg_why *why)
{ (void)options;  (void)out; (void)is_void; (void)why; return TG_OK; }
