/* SPDX-License-Identifier: Apache-2.0 */
/* One tariff four times, each behind the guard as in the engine: linked in, from a shared object,
 * as BPF translated to machine code, as BPF interpreted. The two foreign ones lie in this binary.
 */
#define _GNU_SOURCE /* memfd_create */
#include "bench/micro/bench_micro.h"

#include "bench/bench_feed.h"
#include "plug/bpf.h"
#include "plug/fence.h"
#include "plug/guard.h"
#include "plug/probe.h"
#include "twins.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ROWS_COUNT   65536u
#define PRICES_COUNT 64u
#define CALL_ROWS    TG_GUARD_ROWS_MAX

/* clang-format off */
#define EMBED(name, file)                                                                          \
    __asm__(".pushsection .rodata\n.balign 16\n"                                                   \
            ".globl " #name "_from\n" #name "_from:\n.incbin \"" file "\"\n"                       \
            ".globl " #name "_to\n" #name "_to:\n.popsection");                                    \
    extern const uint8_t name##_from[] __attribute__((visibility("hidden")));                      \
    extern const uint8_t name##_to[] __attribute__((visibility("hidden")))
/* clang-format on */

EMBED(tg_twin_native, TG_TWIN_NATIVE);
#ifdef TG_TWIN_BPF
EMBED(tg_twin_bpf, TG_TWIN_BPF);
#endif

struct image {
    struct tg_price price;
    struct tg_price_step step;
    struct tg_bpf_block block;
};

struct tariff {
    struct tg_plug plug;
    struct tg_guard_bounds bounds;
    void *object;
    bool is_slow;
    struct image images[PRICES_COUNT];
    const struct tg_price *prices[PRICES_COUNT];
    struct tg_tariff_row rows[ROWS_COUNT];
    struct tg_tariff_result results[ROWS_COUNT + 1];
};

static void tariff_close(void *state)
{
    struct tariff *t = state;
    if (t != NULL) {
        tg_bpf_close(t->plug.bpf);
        if (t->object != NULL) {
            (void)dlclose(t->object);
        }
        free(t);
    }
}

static struct tariff *tariff_make(uint64_t hash)
{
    struct tariff *t = calloc(1, sizeof *t);
    uint64_t state = 1;
    for (uint32_t i = 0; t != NULL && i < PRICES_COUNT; i++) {
        struct image *image = &t->images[i];
        image->price = (struct tg_price){.size_bytes = sizeof(struct tg_price),
                                         .scale = 8,
                                         .rounding = (uint8_t)(i % 6),
                                         .steps_count = 1,
                                         .steps_offset = offsetof(struct image, step),
                                         .params_bytes = sizeof(struct tg_bpf_block),
                                         .params_offset = offsetof(struct image, block)};
        image->step =
            (struct tg_price_step){UINT64_MAX, (int64_t)(tg_feed_random(&state) >> 40), 60, 0};
        image->block.hash = hash;
        t->prices[i] = &image->price;
    }
    for (uint32_t i = 0; t != NULL && i < ROWS_COUNT; i++) {
        const uint64_t bits = tg_feed_random(&state);
        t->rows[i] = (struct tg_tariff_row){.units = bits >> 52,
                                            .price_index = (uint32_t)bits % PRICES_COUNT};
    }
    if (t != NULL) {
        t->bounds = tg_guard_bounds_default();
    }
    return t;
}

static void *built_in_open(void)
{
    struct tariff *t = tariff_make(0);
    if (t != NULL) {
        t->plug.plugin = tg_plug_find(TG_PLUGIN_TARIFF, "per_unit")->plugin;
        t->plug.origin = TG_PLUG_BUILTIN;
    }
    return t;
}

static void *native_open(void)
{
    struct tariff *t = tariff_make(0);
    const size_t size_bytes = (size_t)(tg_twin_native_to - tg_twin_native_from);
    const int fd = memfd_create("per_unit", MFD_CLOEXEC);
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (t != NULL && fd >= 0 && write(fd, tg_twin_native_from, size_bytes) == (ssize_t)size_bytes) {
        t->object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        t->plug.plugin = t->object != NULL ? dlsym(t->object, TG_PLUG_ENTRY_SYMBOL) : NULL;
        t->plug.origin = TG_PLUG_NATIVE;
    }
    (void)close(fd);
    if (t == NULL || t->plug.plugin == NULL || tg_fence_ready(NULL) != TG_OK) {
        tariff_close(t);
        return NULL;
    }
    return t;
}

static uint64_t tariff_run(void *state)
{
    struct tariff *t = state;
    for (uint32_t i = 0; i < ROWS_COUNT; i += CALL_ROWS) {
        (void)tg_guard_price(&t->plug, &t->bounds, t->prices, PRICES_COUNT, &t->rows[i], CALL_ROWS,
                             &t->results[i]);
    }
    return ROWS_COUNT;
}

/* Against the plain formula, not against another of the four. */
static bool tariff_check(void *state)
{
    const struct tariff *t = state;
    for (uint32_t i = 0; i < ROWS_COUNT; i++) {
        const struct image *image = &t->images[t->rows[i].price_index];
        struct tg_tariff_result wanted = {0};
        tg_tariff_round((__int128)image->step.price * t->rows[i].units, 60, image->price.rounding,
                        &wanted);
        if (t->results[i].verdict != TG_OK || t->results[i].amount != wanted.amount) {
            return false;
        }
    }
    return true;
}

#ifdef TG_TWIN_BPF
static void *bpf_open(void)
{
    struct tg_bpf_code *code = calloc(1, sizeof *code);
    struct tariff *t = NULL;
    if (code != NULL &&
        tg_bpf_object_read("per_unit", tg_twin_bpf_from,
                           (size_t)(tg_twin_bpf_to - tg_twin_bpf_from), code, NULL) == TG_OK) {
        t = tariff_make(code->hash);
        if (t != NULL) {
            t->plug.plugin = tg_plug_find(TG_PLUGIN_TARIFF, "per_unit")->plugin;
            t->plug.origin = TG_PLUG_BPF;
            (void)tg_bpf_load(code->insns, code->insns_count, code->hash, &t->plug.bpf, NULL);
        }
    }
    free(code);
    if (t != NULL && t->plug.bpf == NULL) {
        tariff_close(t);
        t = NULL;
    }
    return t;
}

static uint64_t interpreted_run(void *state)
{
    struct tariff *t = state;
    return tg_bpf_price(t->plug.bpf, true, t->prices, t->rows, ROWS_COUNT, t->results);
}
#endif

#define NOTE "row 64 octets, answer 32; 64 prices, 256 rows a call"
const struct tg_micro tg_micro_tariff[] = {
    {"tariff per_unit built-in", NOTE, built_in_open, tariff_run, tariff_check, tariff_close, NULL},
    {"tariff per_unit native", NOTE, native_open, tariff_run, tariff_check, tariff_close, NULL},
#ifdef TG_TWIN_BPF
    {"tariff per_unit bpf", NOTE ", machine code", bpf_open, tariff_run, tariff_check, tariff_close,
     NULL},
    {"tariff per_unit bpf interpreted", NOTE ", no guard", bpf_open, interpreted_run, tariff_check,
     tariff_close, NULL},
#endif
    {.name = NULL}};
