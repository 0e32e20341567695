/* SPDX-License-Identifier: Apache-2.0 */
/* The roofline: what one random line costs on this machine, now; and the tariff's division. */
#include "bench/micro/bench_micro.h"

#include "abi/tariff.h"
#include "base/arena.h"
#include "bench/bench_feed.h"

#include <string.h>

#define LINES_COUNT (UINT64_C(10000000))
#define STEPS_COUNT 262144u
#define GROUP       32u

struct lines {
    uint64_t (*lines)[8];
    uint32_t at[STEPS_COUNT];
    uint64_t runs_count;
};

static void lines_close(void *state)
{
    struct lines *l = state;
    if (l != NULL) {
        tg_pages_free(l->lines, LINES_COUNT * sizeof *l->lines);
        tg_pages_free(l, sizeof *l);
    }
}

static void *lines_open(void)
{
    struct lines *l = tg_pages_take(sizeof *l);
    uint64_t random = 77;
    if (l == NULL || (l->lines = tg_pages_take(LINES_COUNT * sizeof *l->lines)) == NULL) {
        lines_close(l);
        return NULL;
    }
    for (uint32_t i = 0; i < STEPS_COUNT; i++) {
        l->at[i] = (uint32_t)(tg_feed_random(&random) % LINES_COUNT);
    }
    return l;
}

static uint64_t lines_run(void *state)
{
    struct lines *l = state;
    for (uint32_t i = 0; i < STEPS_COUNT; i += GROUP) {
        for (uint32_t k = i; k < i + GROUP; k++) {
            const uint32_t ahead = (k + GROUP) % STEPS_COUNT;
            __builtin_prefetch(l->lines[l->at[ahead]], 1);
        }
        for (uint32_t k = i; k < i + GROUP; k++) {
            l->lines[l->at[k]][3]++;
        }
    }
    l->runs_count++;
    return STEPS_COUNT;
}

static bool lines_check(void *state)
{
    const struct lines *l = state;
    uint64_t sum = 0;
    for (uint64_t i = 0; i < LINES_COUNT; i++) {
        sum += l->lines[i][3];
    }
    return sum == l->runs_count * STEPS_COUNT;
}

struct quotients {
    int64_t numerators[4096];
    int64_t sum;
    uint64_t runs_count;
};

static void quotients_close(void *state)
{
    tg_pages_free(state, sizeof(struct quotients));
}

static void *quotients_open(void)
{
    struct quotients *q = tg_pages_take(sizeof *q);
    uint64_t random = 4;
    for (uint32_t i = 0; i < 4096 && q != NULL; i++) {
        q->numerators[i] = (int64_t)(tg_feed_random(&random) >> 20) - (INT64_C(1) << 43);
    }
    return q;
}

static uint64_t quotients_run(void *state)
{
    struct quotients *q = state;
    for (uint32_t i = 0; i < 4096; i++) {
        struct tg_tariff_result result;
        tg_tariff_round(q->numerators[i], 1000, TG_ROUND_HALF_UP, &result);
        q->sum += result.amount;
    }
    q->runs_count++;
    return 4096;
}

static bool quotients_check(void *state)
{
    const struct quotients *q = state;
    int64_t sum = 0;
    for (uint32_t i = 0; i < 4096; i++) {
        const int64_t n = q->numerators[i];
        sum += n < 0 ? -((-n + 500) / 1000) : (n + 500) / 1000;
    }
    return q->sum == sum * (int64_t)q->runs_count;
}

const struct tg_micro tg_micro_rt[] = {
    {"roofline random line", "a line of 640 MB read and written: the least a table can cost",
     lines_open, lines_run, lines_check, lines_close, NULL},
    {"tariff round", "one 128-bit division, no random line", quotients_open, quotients_run,
     quotients_check, quotients_close, NULL},
    {.name = NULL}};
