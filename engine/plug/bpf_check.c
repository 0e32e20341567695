/* SPDX-License-Identifier: Apache-2.0 */
/* Verification in a child process: a program that sends the verifier on a walk without end, or
 * finds a mistake in it, costs the engine nothing. What DPDK logs there names the instruction. */
#define _GNU_SOURCE /* fopencookie */
#include "plug/bpf.h"

#include "plug/probe.h"

#include <rte_log.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct trial {
    const char *path;
    const void *bytes;
    size_t size_bytes;
    const struct tg_bpf_code *code;
};

/* DPDK says "function: reason at pc: 12" or "loop at pc:12 --> pc:3;". The first line that names an
 * instruction is the cause, later ones only sum up. */
static bool log_split(char *log, uint32_t *index, const char **reason)
{
    char *rest = NULL;
    for (char *line = strtok_r(log, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        char *mark = strstr(line, "pc:");
        if (mark == NULL) {
            continue;
        }
        *index = (uint32_t)strtoul(mark + 3, NULL, 10);
        char *end = strstr(line, " at pc");
        if (end != NULL) {
            *end = '\0';
        }
        const char *colon = strstr(line, ": ");
        *reason = colon != NULL ? colon + 2 : line;
        return true;
    }
    return false;
}

/* The verifier's words, and what they mean for who wrote the program. */
static const char *hint_of(const char *reason)
{
    static const struct {
        const char *reason;
        const char *hint;
    } hints[] = {
        {"memory boundary violation", "; the context has 576 octets, the stack 512"},
        {"undefined value on the stack", "; give the variable a value first"},
        {"destination is not a pointer", "; only the context and the stack can be written"},
        {"Invalid argument type", "; pass the context itself"},
        {"division by 0", "; test the divisor first"},
        {"unreachable code", "; remove what is behind the return"},
    };
    for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++) {
        if (strstr(reason, hints[i].reason) != NULL) {
            return hints[i].hint;
        }
    }
    return "";
}

static enum tg_err refusal_tell(const struct trial *trial, char *log, struct tg_why *why)
{
    char line[160];
    char text[80];
    uint32_t index = 0;
    const char *reason = NULL;
    if (!log_split(log, &index, &reason) || index >= trial->code->insns_count) {
        return tg_why_set(why, TG_E_PLUGIN_ABI, "%s: the verifier refuses it: %.200s", trial->path,
                          log[0] != '\0' ? log : "it does not say why");
    }
    tg_bpf_object_line(trial->bytes, trial->size_bytes, index, line, sizeof line);
    tg_bpf_insn_text(trial->code->insns, trial->code->insns_count, index, text, sizeof text);
    return tg_why_set(why, TG_E_PLUGIN_ABI, "%s: instruction %u%s%s%s: %s: %s%s", trial->path,
                      index, line[0] != '\0' ? " (" : "", line, line[0] != '\0' ? ")" : "", text,
                      reason, hint_of(reason));
}

/* Three rows of a price of 1 a unit. */
static __attribute__((noinline)) void rows_price(const struct tg_bpf *bpf,
                                                 const struct tg_price *price,
                                                 struct tg_tariff_result results[3])
{
    const struct tg_price *const prices[1] = {price};
    const struct tg_tariff_row rows[3] = {
        {.units = 1, .flags = TG_TARIFF_FIRST_PIECE | TG_TARIFF_LAST_PIECE},
        {.units = 0, .units_before = 1, .events_before = 1},
        {.units = 1000, .units_before = 1, .events_before = 2},
    };
    (void)tg_bpf_price(bpf, false, prices, rows, 3, results);
}

/* The same from deeper in the stack: a program that makes money of an address answers otherwise. */
static __attribute__((noinline)) void rows_price_deep(const struct tg_bpf *bpf,
                                                      const struct tg_price *price,
                                                      struct tg_tariff_result results[3])
{
    volatile uint8_t depth[4096];
    depth[0] = 0;
    rows_price(bpf, price, results);
    depth[1] = depth[0];
}

static enum tg_err program_try(const struct trial *trial, const struct tg_bpf *bpf,
                               struct tg_why *why)
{
    struct {
        struct tg_price price;
        struct tg_price_step step;
        struct tg_bpf_block block;
    } image = {.price = {.size_bytes = sizeof(struct tg_price),
                         .scale = 8,
                         .steps_count = 1,
                         .steps_offset = sizeof(struct tg_price),
                         .params_bytes = sizeof(struct tg_bpf_block),
                         .params_offset = sizeof(struct tg_price) + sizeof(struct tg_price_step),
                         .first_increment = 1,
                         .next_increment = 1,
                         .charge_min = INT64_MIN,
                         .charge_max = INT64_MAX},
               .step = {.up_to_units = UINT64_MAX, .price = 1, .per_units = 1},
               .block = {.hash = trial->code->hash}};
    struct tg_tariff_result first[3] = {0};
    struct tg_tariff_result second[3] = {0};
    rows_price(bpf, &image.price, first);
    rows_price_deep(bpf, &image.price, second);
    if (memcmp(first, second, sizeof first) != 0) {
        return tg_why_set(why, TG_E_PLUGIN_ERROR,
                          "%s: asked twice it gave two answers; an address must not become money",
                          trial->path);
    }
    return TG_OK;
}

static enum tg_err trial_run(void *context, struct tg_why *why)
{
    const struct trial *trial = context;
    char *log = NULL;
    size_t log_bytes = 0;
    FILE *stream = open_memstream(&log, &log_bytes);
    if (stream == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for the verifier's words");
    }
    (void)rte_openlog_stream(stream);
    struct tg_bpf *bpf = NULL;
    const enum tg_err err =
        tg_bpf_load(trial->code->insns, trial->code->insns_count, trial->code->hash, &bpf, why);
    (void)fflush(stream);
    return err != TG_OK ? refusal_tell(trial, log, why) : program_try(trial, bpf, why);
}

enum tg_err tg_bpf_check(const char *path, const void *bytes, size_t size_bytes,
                         struct tg_bpf_code *code, struct tg_why *why)
{
    const enum tg_err err = tg_bpf_object_read(path, bytes, size_bytes, code, why);
    if (err != TG_OK) {
        return err;
    }
    struct trial trial = {path, bytes, size_bytes, code};
    const enum tg_err tried =
        tg_plug_probe_trial(path, TG_BPF_CHECK_LIMIT_MS, trial_run, &trial, why);
    return tried == TG_E_PLUGIN_TIMEOUT
               ? tg_why_set(why, tried,
                            "%s: it has too many paths to be verified within %u ms; use fewer "
                            "conditions",
                            path, TG_BPF_CHECK_LIMIT_MS)
               : tried;
}
