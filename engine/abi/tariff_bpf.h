/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Tariff contract for code that is not trusted: one piece of usage, restricted C, BPF.
 *
 *  Source: Tollgate ABI 1; instruction set after RFC 9669, verified and translated by DPDK's bpf
 *  library. Threads: a program is pure and may run on any worker at once. Allocates: never.
 *  Cost: `tollgate bench --micro` prints native, translated and interpreted code side by side.
 *
 *  Compile (`tollgate plugin build` does it):
 *      clang -O2 -g -target bpf -mcpu=v2 -ffreestanding -c night.c -o night.o
 *
 *  What a program may do: read the context, compute with 64-bit integers, call the functions below.
 *  What it may not do, and is refused for when the catalog is checked, by instruction: loops (let
 *  clang unroll them), calls of its own functions (make them `static inline` with
 *  __attribute__((always_inline))), globals, tables and string constants, other functions.
 *  Amounts need 128 bits in between, which BPF does not have: tg_add and tg_settle do, exactly, on
 *  the sum in the context. Division of signed integers is not in BPF either: divide unsigned ones.
 */
#ifndef TG_ABI_TARIFF_BPF_H
#define TG_ABI_TARIFF_BPF_H

#include "abi/tariff.h"

#include <stdint.h>

/** Steps and parameters that a program can see; a price with more is refused by the catalog. */
#define TG_BPF_STEPS_MAX  8u
#define TG_BPF_PARAMS_MAX 8u

/** What a program returns when it has priced the piece or set context->result.verdict. Any other
 *  value is a fault; a division by zero ends the program with 0. */
#define TG_BPF_ANSWERED 1u

/** @brief An exact 128-bit sum. */
struct tg_wide {
    uint64_t low;          /**< Low half, two's complement. */
    uint64_t high;         /**< High half. */
    uint64_t is_overflown; /**< 1 once it did not fit: tg_settle then answers AMOUNT_OVERFLOW. */
};

/** @brief What a program sees; made anew for each piece, so nothing lives on between two. */
struct tg_tariff_context {
    struct tg_tariff_row row;                     /**< The piece. price_index is 0. */
    struct tg_price price;                        /**< Its price; offsets are of no use here. */
    struct tg_tariff_result result;               /**< The answer; all 0 at first. */
    struct tg_wide sum;                           /**< 0 at first; see tg_add. */
    uint64_t reserved[5];                         /**< 0. */
    struct tg_price_step steps[TG_BPF_STEPS_MAX]; /**< price.steps_count of them, then zeros. */
    int64_t params[TG_BPF_PARAMS_MAX];            /**< `params: {values: [...]}`, then 0. */
};
_Static_assert(sizeof(struct tg_tariff_context) == 576, "verified code reads by offset");

#ifdef __bpf__
/**
 * @brief context->sum += amount * units, exactly.
 * @param[in,out] context  The program's argument.
 * @param[in]     amount   At the price's scale.
 * @param[in]     units    How many.
 * @return 0.
 */
extern uint64_t tg_add(struct tg_tariff_context *context, int64_t amount, uint64_t units);

/**
 * @brief Divide context->sum once, round once as the price says, and write context->result.
 * @param[in,out] context      The program's argument.
 * @param[in]     denominator  At least 1; 0 is a fault of the program.
 * @return TG_BPF_ANSWERED, to be returned; 0 when the denominator is 0.
 */
extern uint64_t tg_settle(struct tg_tariff_context *context, uint64_t denominator);

/** Marks the one function of the program:
 *  `TG_BPF_TARIFF uint64_t night(struct tg_tariff_context *context)`. */
#define TG_BPF_TARIFF __attribute__((section("tariff"), used))
#endif

#endif
