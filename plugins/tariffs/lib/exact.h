/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Exact sums of priced steps: fractions over 128 bits, rounded once by the caller.
 *
 *  Source: rating-semantics 4.1 (one multiplication, one declared rounding a stage).
 *  Threads: pure. Allocates: never. Cost: a greatest common divisor where denominators differ.
 */
#ifndef TG_TARIFFS_EXACT_H
#define TG_TARIFFS_EXACT_H

#include "abi/tariff.h"

#include <stdbool.h>
#include <stdint.h>

/** @brief A sum of fractions kept exact. */
struct exact {
    __int128 numerator;   /**< Over denominator. */
    uint64_t denominator; /**< At least 1. */
};

/** @brief Greatest common divisor. @param a Any. @param b Any. @return Divisor; a when b is 0. */
static inline uint64_t divisor_common(uint64_t a, uint64_t b)
{
    while (b != 0) {
        const uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/**
 * @brief a * b, exactly. No __builtin_mul_overflow here: clang turns the 128-bit one into a call
 *        that libgcc does not have.
 * @param[in]  a        Any.
 * @param[in]  b        Any.
 * @param[out] product  Written when the result is true.
 * @return false when it would pass 2^126.
 */
static inline bool wide_multiply(__int128 a, uint64_t b, __int128 *product)
{
    if (b != 1) {
        const __int128 limit = ((__int128)1 << 126) / (b == 0 ? 1 : b);
        if (a > limit || a < -limit) {
            return false;
        }
    }
    *product = a * b;
    return true;
}

/**
 * @brief sum += price * units / step->per_units + flat, exactly.
 * @param[in,out] sum    Its denominator becomes a common one.
 * @param[in]     step   Whose per_units divides.
 * @param[in]     price  Price of per_units units; the step's, or negated.
 * @param[in]     units  Any.
 * @param[in]     flat   Added whole.
 * @return false when 128 bits do not hold it; sum is then void.
 */
static inline bool exact_add(struct exact *sum, const struct tg_price_step *step, int64_t price,
                             uint64_t units, int64_t flat)
{
    __int128 term = (__int128)price * units;
    __int128 whole = (__int128)flat * step->per_units;
    if (__builtin_add_overflow(term, whole, &term)) {
        return false;
    }
    if (sum->denominator != step->per_units) {
        const uint64_t common = divisor_common(sum->denominator, step->per_units);
        const uint64_t sum_factor = step->per_units / common;
        const uint64_t term_factor = sum->denominator / common;
        uint64_t joint;
        if (__builtin_mul_overflow(sum->denominator, sum_factor, &joint) ||
            !wide_multiply(sum->numerator, sum_factor, &sum->numerator) ||
            !wide_multiply(term, term_factor, &term)) {
            return false;
        }
        sum->denominator = joint;
    }
    return !__builtin_add_overflow(sum->numerator, term, &sum->numerator);
}

/**
 * @brief Append a part to an explanation.
 * @param[out]    parts      Shape [parts_max].
 * @param[in]     parts_max  Room; parts beyond are counted and not written.
 * @param[in,out] count      Parts so far.
 * @param[in]     part       Copied.
 */
static inline void part_append(struct tg_tariff_part *parts, uint32_t parts_max, uint32_t *count,
                               const struct tg_tariff_part *part)
{
    if (*count < parts_max) {
        parts[*count] = *part;
    }
    *count += 1;
}

/**
 * @brief Units at a step as a part.
 * @param step     Whose price and flat amount.
 * @param index    Of the step.
 * @param units    Of the part.
 * @param counted  As the price counts them.
 * @param has_flat The flat amount is in it.
 * @param is_taken It is taken off; price and flat are above INT64_MIN, as price() has seen.
 * @return Part.
 */
static inline struct tg_tariff_part part_of(const struct tg_price_step *step, uint32_t index,
                                            uint64_t units, uint64_t counted, bool has_flat,
                                            bool is_taken)
{
    const int64_t flat = has_flat ? step->flat : 0;
    return (struct tg_tariff_part){.units = units,
                                   .counted = counted,
                                   .price = is_taken ? -step->price : step->price,
                                   .per_units = step->per_units,
                                   .flat = is_taken ? -flat : flat,
                                   .step_index = index,
                                   .kind = is_taken ? TG_TARIFF_PART_TAKEN : TG_TARIFF_PART_STEP};
}

/** @brief A result that prices nothing. @param[out] result Written. @param reason Why. */
static inline void result_void(struct tg_tariff_result *result, enum tg_err reason)
{
    *result = (struct tg_tariff_result){.denominator = 1, .verdict = reason};
}

#endif
