/* SPDX-License-Identifier: Apache-2.0 */
#include "plug/bpf.h"

#include "abi/tariff_bpf.h"
#include "plug/fence.h"
#include "plug/guard.h"
#include "plug/probe.h"
#include "plug/registry.h"
#include "twins.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MILLION      1000000u
#define PRICES_COUNT 256u
#define CALL_ROWS    250u

static uint64_t random_state = 7;

static uint64_t random_next(void)
{
    uint64_t z = (random_state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Mostly everyday sizes, sometimes the largest there are. */
static uint64_t random_size(void)
{
    return random_next() >> (random_next() % 64);
}

struct image {
    struct tg_price price;
    struct tg_price_step step;
    struct tg_bpf_block block;
};

static struct image images[PRICES_COUNT];
static const struct tg_price *prices[PRICES_COUNT];

static void prices_make(uint64_t hash)
{
    for (uint32_t i = 0; i < PRICES_COUNT; i++) {
        images[i].price = (struct tg_price){.size_bytes = sizeof(struct tg_price),
                                            .price_id = i,
                                            .currency = 978,
                                            .scale = 8,
                                            .rounding = (uint8_t)(i % 6),
                                            .steps_count = 1,
                                            .steps_offset = offsetof(struct image, step),
                                            .params_bytes = sizeof(struct tg_bpf_block),
                                            .params_offset = offsetof(struct image, block)};
        images[i].step =
            (struct tg_price_step){UINT64_MAX, (int64_t)random_size() * (i % 5 == 0 ? -1 : 1),
                                   1 + random_size() / 4, i % 3 == 0 ? (int64_t)random_size() : 0};
        images[i].block = (struct tg_bpf_block){.hash = hash};
        prices[i] = &images[i].price;
    }
}

#ifdef TG_TWIN_BPF
static struct tg_bpf_code code;

static size_t file_read(const char *path, uint8_t *bytes, size_t room)
{
    FILE *from = fopen(path, "rb");
    cr_assert_not_null(from, "%s", path);
    const size_t size_bytes = fread(bytes, 1, room, from);
    (void)fclose(from);
    return size_bytes;
}

static struct tg_bpf *twin_load(void)
{
    static uint8_t bytes[TG_BPF_OBJECT_BYTES_MAX];
    struct tg_why why = {""};
    struct tg_bpf *bpf = NULL;
    const size_t size_bytes = file_read(TG_TWIN_BPF, bytes, sizeof bytes);
    cr_assert_eq(tg_bpf_check("per_unit", bytes, size_bytes, &code, &why), TG_OK, "%s", why.text);
    cr_assert_eq(tg_bpf_load(code.insns, code.insns_count, code.hash, &bpf, &why), TG_OK, "%s",
                 why.text);
    return bpf;
}

Test(bpf, native_translated_interpreted_and_built_in_agree_on_a_million_rows, .timeout = 600)
{
    /* If this failed, moving a tariff from one kind to another would change invoices. */
    static struct tg_tariff_row rows[CALL_ROWS];
    static struct tg_tariff_result results[4][CALL_ROWS + 1];
    struct tg_plug plugs[3] = {{.name = "built-in"}, {.name = "native"}, {.name = "bpf"}};
    void *object = dlopen(TG_TWIN_NATIVE, RTLD_NOW | RTLD_LOCAL);
    cr_assert_not_null(object, "%s", dlerror());
    cr_assert_eq(tg_fence_ready(NULL), TG_OK);
    plugs[0].plugin = tg_plug_find(TG_PLUGIN_TARIFF, "per_unit")->plugin;
    plugs[1].plugin = dlsym(object, TG_PLUG_ENTRY_SYMBOL);
    plugs[1].origin = TG_PLUG_NATIVE;
    plugs[2].plugin = plugs[0].plugin;
    plugs[2].bpf = twin_load();
    cr_assert(plugs[1].plugin != plugs[0].plugin, "the shared object is its own code");
    cr_assert(tg_bpf_is_translated(plugs[2].bpf));
    prices_make(code.hash);
    const struct tg_guard_bounds bounds = {INT64_MAX, UINT32_MAX};
    uint32_t rated_count = 0;
    uint32_t overflow_count = 0;
    for (uint32_t from = 0; from < MILLION; from += CALL_ROWS) {
        for (uint32_t i = 0; i < CALL_ROWS; i++) {
            rows[i] = (struct tg_tariff_row){.units = random_size(),
                                             .units_before = random_next() % 2,
                                             .price_index = (uint32_t)random_next() % PRICES_COUNT};
        }
        for (unsigned k = 0; k < 3; k++) {
            (void)tg_guard_price(&plugs[k], &bounds, prices, PRICES_COUNT, rows, CALL_ROWS,
                                 results[k]);
        }
        (void)tg_bpf_price(plugs[2].bpf, true, prices, rows, CALL_ROWS, results[3]);
        for (uint32_t i = 0; i < CALL_ROWS; i++) {
            rated_count += results[0][i].verdict == TG_OK;
            overflow_count += results[0][i].verdict == TG_E_AMOUNT_OVERFLOW;
            for (unsigned k = 1; k < 4; k++) {
                cr_assert(memcmp(&results[0][i], &results[k][i], sizeof results[0][i]) == 0,
                          "row %u, way %u: %lld %d, not %lld %d", from + i, k,
                          (long long)results[k][i].amount, results[k][i].verdict,
                          (long long)results[0][i].amount, results[0][i].verdict);
            }
        }
    }
    cr_expect(rated_count > MILLION / 2 && overflow_count > MILLION / 100,
              "%u rated, %u too large: both must be met", rated_count, overflow_count);
    tg_bpf_close(plugs[2].bpf);
    (void)dlclose(object);
}

Test(bpf, code_and_price_must_belong_together)
{
    /* If this failed, a price could be read by code that was never checked with it. */
    struct tg_bpf *bpf = twin_load();
    const struct tg_tariff_row row = {.units = 1};
    struct tg_tariff_result result = {.verdict = 1};
    prices_make(code.hash + 1);
    cr_expect_eq(tg_bpf_price(bpf, false, prices, &row, 1, &result), 1);
    cr_expect_eq(result.verdict, 1, "no answer");
    prices_make(code.hash);
    images[0].price.params_bytes = 8;
    (void)tg_bpf_price(bpf, false, prices, &row, 1, &result);
    cr_expect_eq(result.verdict, 1, "no answer");
    tg_bpf_close(bpf);
}

Test(bpf, a_block_that_is_cut_short_is_corrupt)
{
    /* If this failed, a damaged image could run whatever lies behind it. */
    tg_bpf_close(twin_load());
    struct {
        struct tg_bpf_block block;
        uint64_t insns[TG_BPF_INSNS_MAX];
    } *stored = calloc(1, sizeof *stored);
    const uint32_t whole = (uint32_t)(sizeof stored->block + code.insns_count * 8);
    stored->block = (struct tg_bpf_block){.hash = code.hash, .insns_count = code.insns_count};
    memcpy(stored->insns, code.insns, code.insns_count * 8);
    struct tg_why why = {""};
    cr_expect_eq(tg_plug_bpf_ensure("a@1", &stored->block, whole - 8, &why), TG_E_CORRUPT);
    cr_expect_eq(tg_plug_bpf_ensure("a@1", &stored->block, 16, &why), TG_E_CORRUPT);
    const uint32_t before = tg_plug_count();
    cr_expect_eq(tg_plug_bpf_ensure("a@1", &stored->block, whole, &why), TG_OK, "%s", why.text);
    cr_expect_eq(tg_plug_bpf_ensure("a@1", &stored->block, whole, &why), TG_OK);
    cr_expect_eq(tg_plug_count(), before + 1, "loaded once");
    /* The last instruction is no longer an exit: the verifier refuses, rows wait with a reason. */
    stored->insns[code.insns_count - 1] = 0;
    cr_expect_eq(tg_plug_bpf_ensure("b@2", &stored->block, whole, &why), TG_E_PLUGIN_ABI);
    const struct tg_plug *plug = tg_plug_find(TG_PLUGIN_TARIFF, "b@2");
    cr_expect(plug != NULL && plug->origin == TG_PLUG_REFUSED && tg_plug_is_quarantined(plug));
    free(stored);
}

Test(bpf, a_damaged_object_is_refused_and_never_believed)
{
    /* If this failed, a catalog from outside could crash the engine that imports it. */
    static uint8_t bytes[TG_BPF_OBJECT_BYTES_MAX];
    static uint8_t copy[TG_BPF_OBJECT_BYTES_MAX];
    struct tg_why why = {""};
    const size_t size_bytes = file_read(TG_TWIN_BPF, bytes, sizeof bytes);
    char line[160];
    for (uint32_t round = 0; round < 20000; round++) {
        memcpy(copy, bytes, size_bytes);
        for (uint32_t k = 0; k < 1 + round % 4; k++) {
            copy[random_next() % size_bytes] = (uint8_t)random_next();
        }
        const size_t cut = round % 3 == 0 ? random_next() % size_bytes : size_bytes;
        const enum tg_err err = tg_bpf_object_read("damaged", copy, cut, &code, &why);
        cr_assert(err == TG_OK || (err <= TG_E_PLUGIN_OPEN && why.text[0] != '\0'));
        tg_bpf_object_line(copy, cut, round % 32, line, sizeof line);
    }
}
#endif

Test(bpf, an_instruction_reads_as_in_a_disassembly)
{
    /* If this failed, a refusal would point at something its author cannot find. */
    const struct {
        uint64_t insn;
        const char *text;
    } rows[] = {{UINT64_C(0x0000000000000095), "exit"},
                {UINT64_C(0x0000000100000085), "call tg_settle"},
                {UINT64_C(0x00000000fff9712d), "if r1 > r7 goto -7"},
                {UINT64_C(0x0000000000c86279), "r2 = *(u64 *)(r6 +200)"},
                {UINT64_C(0x00000000fff81a7b), "*(u64 *)(r10 -8) = r1"},
                {UINT64_C(0xffffffe800000107), "r1 += -24"},
                {UINT64_C(0x00000000000061bf), "r1 = r6"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[80];
        tg_bpf_insn_text(&rows[i].insn, 1, 0, text, sizeof text);
        cr_expect_str_eq(text, rows[i].text);
    }
}
