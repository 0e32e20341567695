/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/bench.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void tg_bench_round(struct tg_bench_figure *figure, int64_t cpu_ns, uint64_t rows_count)
{
    if (figure->rounds_count < TG_BENCH_ROUNDS_MAX && rows_count > 0) {
        const uint64_t cpu_ps = (uint64_t)(cpu_ns > 0 ? cpu_ns : 0) * 1000;
        figure->rounds_ps[figure->rounds_count++] = cpu_ps / rows_count;
    }
    figure->rows_count += rows_count;
}

static int compare(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left;
    const uint64_t b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

void tg_bench_close(struct tg_bench_figure *figure)
{
    qsort(figure->rounds_ps, figure->rounds_count, sizeof figure->rounds_ps[0], compare);
}

uint64_t tg_bench_median_ps(const struct tg_bench_figure *figure)
{
    return figure->rounds_count == 0 ? 0 : figure->rounds_ps[figure->rounds_count / 2];
}

bool tg_bench_wants(const struct tg_bench_options *options, const char *name)
{
    return options->stage == NULL || strcmp(options->stage, name) == 0;
}

void tg_bench_print_head(const struct tg_bench_options *options, FILE *out)
{
    if (options->is_csv) {
        (void)fputs("name,subscribers,skew,median_ps,min_ps,max_ps,rounds,rows,checked\n", out);
    } else if (!options->is_json) {
        (void)fprintf(out, "%-26s %11s %-7s %9s %9s %9s %6s %11s\n", "CPU ns per row",
                      "subscribers", "skew", "median", "min", "max", "rounds", "rows");
    }
}

static void print_text(const struct tg_bench_figure *f, uint64_t least_ps, uint64_t most_ps,
                       FILE *out)
{
    const uint64_t median_ps = tg_bench_median_ps(f);
    const char *skew = f->subscribers_count == 0 ? "" : f->is_zipf ? "zipf" : "uniform";
    char size[16] = "";
    if (f->subscribers_count != 0) {
        (void)snprintf(size, sizeof size, "%" PRIu32, f->subscribers_count);
    }
    if (f->is_void) {
        (void)fprintf(out, "%-26s %11s %-7s %9s\n", f->name, size, skew, "void");
        return;
    }
    (void)fprintf(out,
                  "%-26s %11s %-7s %6" PRIu64 ".%02" PRIu64 " %6" PRIu64 ".%02" PRIu64 " %6" PRIu64
                  ".%02" PRIu64 " %6" PRIu32 " %11" PRIu64 "%s%s\n",
                  f->name, size, skew, median_ps / 1000, median_ps % 1000 / 10, least_ps / 1000,
                  least_ps % 1000 / 10, most_ps / 1000, most_ps % 1000 / 10, f->rounds_count,
                  f->rows_count, f->note != NULL ? "  " : "", f->note != NULL ? f->note : "");
}

void tg_bench_print(const struct tg_bench_options *options, const struct tg_bench_figure *figure,
                    FILE *out)
{
    const struct tg_bench_figure *f = figure;
    const uint64_t median_ps = f->is_void ? 0 : tg_bench_median_ps(f);
    const uint64_t least_ps = f->rounds_count > 0 && !f->is_void ? f->rounds_ps[0] : 0;
    const uint64_t most_ps =
        f->rounds_count > 0 && !f->is_void ? f->rounds_ps[f->rounds_count - 1] : 0;
    if (options->is_csv) {
        (void)fprintf(
            out,
            "%s,%" PRIu32 ",%s,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu32 ",%" PRIu64 ",%s\n",
            f->name, f->subscribers_count, f->is_zipf ? "zipf" : "uniform", median_ps, least_ps,
            most_ps, f->rounds_count, f->rows_count, f->is_void ? "void" : "yes");
    } else if (options->is_json) {
        (void)fprintf(out,
                      "{\"name\": \"%s\", \"subscribers\": %" PRIu32 ", \"skew\": \"%s\", "
                      "\"median_ps\": %" PRIu64 ", \"min_ps\": %" PRIu64 ", \"max_ps\": %" PRIu64
                      ", \"rounds\": %" PRIu32 ", \"rows\": %" PRIu64 ", \"void\": %s}\n",
                      f->name, f->subscribers_count, f->is_zipf ? "zipf" : "uniform", median_ps,
                      least_ps, most_ps, f->rounds_count, f->rows_count,
                      f->is_void ? "true" : "false");
    } else {
        print_text(f, least_ps, most_ps, out);
    }
    (void)fflush(out);
}
