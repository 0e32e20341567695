/* SPDX-License-Identifier: Apache-2.0 */
/* Voice CDR files of the small carrier, with the blemishes real ones have. */
#include "cli/gen.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

#define FILE_MINUTES 15u

struct call {
    int64_t start_ns;
    uint32_t subscriber;
    uint32_t id;
    uint32_t seconds;
    char called[20];
};

static const struct {
    const char *prefix;
    unsigned digits;
    unsigned weight;
} destinations[] = {
    {"4930", 8, 20},  {"4989", 8, 14}, {"49151", 8, 22}, {"49176", 8, 18},
    {"33142", 6, 6},  {"4420", 8, 6},  {"1212", 7, 4},   {"48501", 6, 4},
    {"390645", 5, 3}, {"88162", 7, 1}, {"49900", 7, 2},
};

static void call_number(struct gen_random *random, char called[20])
{
    uint64_t pick = gen_below(random, 100);
    size_t i = 0;
    while (pick >= destinations[i].weight) {
        pick -= destinations[i].weight;
        i++;
    }
    size_t length = (size_t)snprintf(called, 20, "+%s", destinations[i].prefix);
    for (unsigned d = 0; d < destinations[i].digits; d++) {
        called[length++] = (char)('0' + gen_below(random, 10));
    }
    called[length] = '\0';
}

static int call_compare(const void *left, const void *right)
{
    const struct call *a = left;
    const struct call *b = right;
    if (a->start_ns != b->start_ns) {
        return a->start_ns < b->start_ns ? -1 : 1;
    }
    return a->id < b->id ? -1 : a->id > b->id;
}

static void call_write(FILE *file, const struct call *call)
{
    char caller[16];
    char stamp[TG_CLOCK_TEXT_BYTES];
    gen_msisdn(call->subscriber, caller);
    (void)tg_clock_format(call->start_ns, stamp);
    (void)fprintf(file, "M%08u,+%s,%s,%s,%u,0\n", call->id, caller, call->called, stamp,
                  call->seconds);
}

static enum tg_err file_write(const struct gen_params *p, unsigned number, const struct call *calls,
                              size_t count, struct gen_truth *truth, struct tg_why *why)
{
    char name[64];
    (void)snprintf(name, sizeof name, "inputs/cdr/msc-01-%04u.csv", number);
    FILE *file = gen_open(p->dir, name, why);
    if (file == NULL) {
        return TG_E_IO;
    }
    (void)fputs("id,caller,called,start,duration_s,cause\n", file);
    for (size_t i = 0; i < count; i++) {
        call_write(file, &calls[i]);
        truth->calls_count++;
        truth->call_seconds += calls[i].seconds;
    }
    if (number == 2 && count > 3) {
        for (size_t i = 0; i < 3; i++) { /* the switch repeats its last records after a restart */
            call_write(file, &calls[count - 1 - i]);
            truth->call_repeats_count++;
        }
        (void)fputs("M9999,+49170abc,+4930123456,2026-10-15T09:00:00Z,12,0\n", file);
        (void)fputs("M9998,+491701000001,+4930123456,yesterday,12,0\n", file);
        truth->call_bad_count += 2;
    }
    const int failed = ferror(file);
    return fclose(file) == 0 && failed == 0 ? TG_OK
                                            : tg_why_set(why, TG_E_IO, "%s: cannot write", name);
}

enum tg_err gen_calls(const struct gen_params *p, struct gen_truth *truth, struct tg_why *why)
{
    struct gen_random random = {p->seed ^ 0xca115};
    const size_t count = (size_t)p->subscribers_count * p->calls_per_subscriber;
    struct call *calls = malloc((count + 1) * sizeof *calls);
    if (calls == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for %zu calls", count);
    }
    for (size_t i = 0; i < count; i++) {
        calls[i] = (struct call){
            .start_ns =
                p->start_ns + (int64_t)gen_below(&random, (uint64_t)p->minutes * 60) * TG_NS_PER_S,
            .subscriber = (uint32_t)(i / p->calls_per_subscriber),
            .id = (uint32_t)i,
            .seconds = (uint32_t)(1 + gen_below(&random, gen_below(&random, 8) == 0 ? 1800 : 200))};
        call_number(&random, calls[i].called);
    }
    qsort(calls, count, sizeof *calls, call_compare);
    enum tg_err err = TG_OK;
    size_t at = 0;
    for (unsigned number = 0; number * FILE_MINUTES < p->minutes && err == TG_OK; number++) {
        const int64_t until_ns =
            p->start_ns + (int64_t)(number + 1) * FILE_MINUTES * 60 * TG_NS_PER_S;
        const size_t first = at;
        while (at < count && calls[at].start_ns < until_ns) {
            at++;
        }
        err = file_write(p, number, &calls[first], at - first, truth, why);
    }
    free(calls);
    return err;
}
