/* SPDX-License-Identifier: Apache-2.0 */
/* Graduated: each step prices the units that fall into it, counted over the period; a record that
 * crosses a bound pays each part at its own step (rating-semantics 4.5: 995 -> 1005 = 5 at the
 * first step and 5 at the second). A step's flat amount comes once, with its first unit. */
#include "abi/plugin.h"
#include "abi/tariff.h"

#include <stdbool.h>

/* A sum of fractions kept exact: numerator over denominator. */
struct exact {
    __int128 numerator;
    uint64_t denominator;
};

static uint64_t divisor_common(uint64_t a, uint64_t b)
{
    while (b != 0) {
        const uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* a * b, false when it would pass 2^126. No __builtin_mul_overflow here: clang turns the 128-bit
 * one into a call that libgcc does not have. */
static bool wide_multiply(__int128 a, uint64_t b, __int128 *product)
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

/* sum += price * units / per_units + flat, exactly; false when 128 bits do not hold it. */
static bool exact_add(struct exact *sum, const struct tg_price_step *step, int64_t price,
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

static void result_void(struct tg_tariff_result *result, enum tg_err reason)
{
    *result = (struct tg_tariff_result){.denominator = 1, .verdict = reason};
}

static void row_price(const struct tg_price *price, const struct tg_tariff_row *row,
                      struct tg_tariff_result *result)
{
    const struct tg_price_step *steps = tg_price_steps(price);
    struct exact sum = {0, steps[0].per_units};
    uint64_t at = row->units_before; /* units already counted */
    uint64_t left = row->units;
    uint64_t lower = 0; /* the step is (lower, up_to] */
    uint32_t step = 0;
    if (left > UINT64_MAX - at) {
        result_void(result, TG_E_AMOUNT_OVERFLOW);
        return;
    }
    for (uint32_t i = 0; i < price->steps_count && left > 0; i++) {
        const uint64_t upper = steps[i].up_to_units;
        if (at < upper) {
            const uint64_t room = upper - at;
            const uint64_t part = left < room ? left : room;
            const int64_t flat = at == lower ? steps[i].flat : 0;
            if (!exact_add(&sum, &steps[i], steps[i].price, part, flat)) {
                result_void(result, TG_E_AMOUNT_OVERFLOW);
                return;
            }
            at += part;
            left -= part;
            step = i;
        }
        lower = upper;
    }
    if (left > 0) {
        result_void(result, TG_E_NO_RATE); /* beyond the last bound there is no price */
        return;
    }
    tg_tariff_round(sum.numerator, sum.denominator, price->rounding, result);
    result->step_index = step;
}

static uint32_t graduated_price(const struct tg_price *const *prices, uint32_t prices_count,
                                const struct tg_tariff_row *rows, uint32_t rows_count,
                                struct tg_tariff_result *results)
{
    (void)prices_count;
    for (uint32_t i = 0; i < rows_count; i++) {
        row_price(prices[rows[i].price_index], &rows[i], &results[i]);
    }
    return rows_count;
}

static enum tg_err graduated_compile(const struct tg_tariff_source *source, uint8_t *params,
                                     uint32_t *params_bytes, struct tg_complaint *why)
{
    (void)params;
    *params_bytes = 0;
    if (source->settings_count > 0) {
        *why = (struct tg_complaint){"graduated takes no params; its steps say it all", 0};
        return TG_E_PLUGIN_PARAMS;
    }
    if (source->price->steps_count < 1) {
        *why = (struct tg_complaint){"graduated needs at least one step", UINT32_MAX};
        return TG_E_PLUGIN_PARAMS;
    }
    return TG_OK;
}

static const struct tg_tariff contract = {
    .size_bytes = sizeof(struct tg_tariff),
    .params_bytes_max = 0,
    .compile = graduated_compile,
    .price = graduated_price,
};

TG_PLUGIN(graduated, TG_PLUGIN_TARIFF, struct tg_tariff, contract, "1.0",
          "each step prices the units that fall into it");
