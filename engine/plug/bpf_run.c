/* SPDX-License-Identifier: Apache-2.0 */
/* Loaded programs: what they may call, and the call of one for a batch.
 *
 * (1) Whatever a program does to its context is gone with the piece: it is filled anew for the next
 *     one, so a program has no memory and the order and grouping of rows cannot matter.
 * (2) The verifier bounds every access to the context and the program's own stack. */
#include "plug/bpf.h"

#include <rte_bpf.h>
#include <stdlib.h>
#include <string.h>

struct tg_bpf {
    struct rte_bpf *program;
    uint64_t (*run)(void *); /* NULL: no translator for this machine */
    uint64_t hash;
};

/* What programs call. The verifier holds the pointer to a whole context; as that is larger than a
 * program's stack, it can be nothing else, and what is read here was written by us or by the
 * program on purpose. */
static uint64_t helper_add(uint64_t at, uint64_t amount, uint64_t units, uint64_t a, uint64_t b)
{
    struct tg_wide *sum = &((struct tg_tariff_context *)(uintptr_t)at)->sum;
    __int128 value = (__int128)(((unsigned __int128)sum->high << 64) | sum->low);
    (void)a;
    (void)b;
    /* 2^63 * 2^64 just fits; only the addition can overflow. */
    if (__builtin_add_overflow(value, (__int128)(int64_t)amount * units, &value)) {
        sum->is_overflown = 1;
    }
    sum->low = (uint64_t)value;
    sum->high = (uint64_t)((unsigned __int128)value >> 64);
    return 0;
}

static uint64_t helper_settle(uint64_t at, uint64_t denominator, uint64_t a, uint64_t b, uint64_t c)
{
    struct tg_tariff_context *context = (struct tg_tariff_context *)(uintptr_t)at;
    const struct tg_wide *sum = &context->sum;
    (void)a;
    (void)b;
    (void)c;
    if (denominator == 0) {
        return 0;
    }
    if (sum->is_overflown != 0) {
        context->result.verdict = TG_E_AMOUNT_OVERFLOW;
        context->result.amount = 0;
        context->result.remainder = 0;
        context->result.denominator = 1;
        return TG_BPF_ANSWERED;
    }
    tg_tariff_round((__int128)(((unsigned __int128)sum->high << 64) | sum->low), denominator,
                    context->price.rounding, &context->result);
    return TG_BPF_ANSWERED;
}

_Static_assert(sizeof(struct tg_tariff_context) > 512, "must not fit a program's stack");

/* Numbers are stored in catalog images: a new function goes to the end, none is ever removed. */
static const struct rte_bpf_xsym helpers[] = {
    {.name = "tg_add",
     .type = RTE_BPF_XTYPE_FUNC,
     .func = {.val = helper_add,
              .nb_args = 3,
              .args = {{.type = RTE_BPF_ARG_PTR, .size = sizeof(struct tg_tariff_context)},
                       {.type = RTE_BPF_ARG_RAW, .size = sizeof(uint64_t)},
                       {.type = RTE_BPF_ARG_RAW, .size = sizeof(uint64_t)}},
              .ret = {.type = RTE_BPF_ARG_RAW, .size = sizeof(uint64_t)}}},
    {.name = "tg_settle",
     .type = RTE_BPF_XTYPE_FUNC,
     .func = {.val = helper_settle,
              .nb_args = 2,
              .args = {{.type = RTE_BPF_ARG_PTR, .size = sizeof(struct tg_tariff_context)},
                       {.type = RTE_BPF_ARG_RAW, .size = sizeof(uint64_t)}},
              .ret = {.type = RTE_BPF_ARG_RAW, .size = sizeof(uint64_t)}}},
};
#define HELPERS_COUNT (sizeof helpers / sizeof helpers[0])

uint32_t tg_bpf_helper(const char *name)
{
    for (uint32_t i = 0; i < HELPERS_COUNT; i++) {
        if (strcmp(helpers[i].name, name) == 0) {
            return i;
        }
    }
    return UINT32_MAX;
}

const char *tg_bpf_helper_name(uint32_t number)
{
    return number < HELPERS_COUNT ? helpers[number].name : NULL;
}

enum tg_err tg_bpf_load(const uint64_t *insns, uint32_t insns_count, uint64_t hash,
                        struct tg_bpf **bpf, struct tg_why *why)
{
    *bpf = NULL;
    struct tg_bpf *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for a BPF program");
    }
    const struct rte_bpf_prm params = {
        .ins = (const struct ebpf_insn *)(const void *)insns,
        .nb_ins = insns_count,
        .xsym = helpers,
        .nb_xsym = HELPERS_COUNT,
        .prog_arg = {.type = RTE_BPF_ARG_PTR, .size = sizeof(struct tg_tariff_context)}};
    made->program = rte_bpf_load(&params);
    if (made->program == NULL) {
        free(made);
        return tg_why_set(why, TG_E_PLUGIN_ABI, "the verifier refuses the BPF program");
    }
    struct rte_bpf_jit jit = {0};
    made->run = rte_bpf_get_jit(made->program, &jit) == 0 ? jit.func : NULL;
    made->hash = hash;
    *bpf = made;
    return TG_OK;
}

void tg_bpf_close(struct tg_bpf *bpf)
{
    if (bpf != NULL) {
        rte_bpf_destroy(bpf->program);
        free(bpf);
    }
}

bool tg_bpf_is_translated(const struct tg_bpf *bpf)
{
    return bpf->run != NULL;
}

/* Everything of a context that is the price's; false when the price was made for other code. */
static bool context_begin(struct tg_tariff_context *context, const struct tg_bpf *bpf,
                          const struct tg_price *price)
{
    const struct tg_bpf_block *block = tg_price_params(price);
    const struct tg_price_step *steps = tg_price_steps(price);
    static const struct tg_price_step none = {0};
    if (price->params_bytes < sizeof *block || block->hash != bpf->hash ||
        price->steps_count > TG_BPF_STEPS_MAX) {
        return false;
    }
    context->price = *price;
    context->result = (struct tg_tariff_result){0};
    context->sum = (struct tg_wide){0};
    memset(context->reserved, 0, sizeof context->reserved);
    /* Step by step: as one large clearing this would become a string instruction, whose start
     * alone takes longer than the rest. */
    for (uint32_t i = 0; i < TG_BPF_STEPS_MAX; i++) {
        context->steps[i] = i < price->steps_count ? steps[i] : none;
    }
    memcpy(context->params, block->params, sizeof context->params);
    return true;
}

uint32_t tg_bpf_price(const struct tg_bpf *bpf, bool is_slow, const struct tg_price *const *prices,
                      const struct tg_tariff_row *rows, uint32_t rows_count,
                      struct tg_tariff_result *results)
{
    struct tg_tariff_context context __attribute__((aligned(64)));
    uint64_t (*const run)(void *) = is_slow ? NULL : bpf->run;
    for (uint32_t i = 0; i < rows_count; i++) {
        if (!context_begin(&context, bpf, prices[rows[i].price_index])) {
            continue;
        }
        context.row = rows[i];
        context.row.price_index = 0;
        const uint64_t answer = run != NULL ? run(&context) : rte_bpf_exec(bpf->program, &context);
        if (answer == TG_BPF_ANSWERED) {
            results[i] = context.result;
        }
    }
    return rows_count;
}
