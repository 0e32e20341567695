/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/allocate.h"

#include "base/money.h"

#include <assert.h>
#include <stdlib.h>

/* Larger fraction first, then lower index: the order in which left-over units are handed out. */
static int fraction_compare(const void *a, const void *b)
{
    const struct tg_bill_fraction *left = a;
    const struct tg_bill_fraction *right = b;
    if (left->rest != right->rest) {
        return left->rest > right->rest ? -1 : 1;
    }
    return left->index < right->index ? -1 : left->index > right->index;
}

/* Quotient rounded toward minus infinity, so that every rest is in [0, divisor). */
static bool floor_divide(__int128 value, __int128 divisor, int64_t *quotient,
                         unsigned __int128 *rest)
{
    __int128 floor = value / divisor;
    __int128 left = value % divisor;
    if (left < 0) {
        floor -= 1;
        left += divisor;
    }
    if (floor > INT64_MAX - 1 || floor < INT64_MIN) {
        return false;
    }
    *quotient = (int64_t)floor;
    *rest = (unsigned __int128)left;
    return true;
}

/* Give the `left` units that the floors lost to the largest fractions, one each. */
static void hand_out(int64_t left, int64_t *parts, struct tg_bill_fraction *fractions,
                     uint32_t fractions_count)
{
    assert(left >= 0 && left <= (int64_t)fractions_count);
    if (left == 0) {
        return;
    }
    qsort(fractions, fractions_count, sizeof fractions[0], fraction_compare);
    for (int64_t i = 0; i < left; i++) {
        parts[fractions[i].index] += 1;
    }
}

enum tg_err tg_bill_allocate(const __int128 *exact, uint32_t parts_count, uint64_t divisor,
                             uint8_t rounding, int64_t *parts, int64_t *total,
                             struct tg_bill_fraction *scratch)
{
    if (divisor == 0) {
        return TG_E_INVALID;
    }
    __int128 sum = 0;
    int64_t floors = 0;
    uint32_t fractions_count = 0;
    for (uint32_t i = 0; i < parts_count; i++) {
        unsigned __int128 rest = 0;
        if (__builtin_add_overflow(sum, exact[i], &sum) ||
            !floor_divide(exact[i], (__int128)divisor, &parts[i], &rest) ||
            __builtin_add_overflow(floors, parts[i], &floors)) {
            return TG_E_AMOUNT_OVERFLOW;
        }
        if (rest != 0) {
            scratch[fractions_count++] = (struct tg_bill_fraction){.rest = rest, .index = i};
        }
    }
    const enum tg_err err = tg_money_divide(sum, divisor, rounding, total);
    if (err != TG_OK) {
        return err;
    }
    /* floor(sum) <= total <= ceil(sum) <= floors + number of parts with a fraction. */
    hand_out(*total - floors, parts, scratch, fractions_count);
    return TG_OK;
}

enum tg_err tg_bill_share(int64_t total, const int64_t *weights, uint32_t parts_count,
                          int64_t *parts, struct tg_bill_fraction *scratch)
{
    __int128 weight_sum = 0;
    for (uint32_t i = 0; i < parts_count; i++) {
        parts[i] = 0;
        weight_sum += weights[i];
    }
    if (total == 0) {
        return TG_OK;
    }
    if (parts_count == 0) {
        return TG_E_INVALID;
    }
    if (weight_sum == 0) {
        parts[0] = total;
        return TG_OK;
    }
    const int sign = weight_sum < 0 ? -1 : 1;
    int64_t left = total;
    uint32_t fractions_count = 0;
    for (uint32_t i = 0; i < parts_count; i++) {
        unsigned __int128 rest = 0;
        if (!floor_divide((__int128)total * weights[i] * sign, weight_sum * sign, &parts[i],
                          &rest) ||
            __builtin_sub_overflow(left, parts[i], &left)) {
            return TG_E_AMOUNT_OVERFLOW;
        }
        if (rest != 0) {
            scratch[fractions_count++] = (struct tg_bill_fraction){.rest = rest, .index = i};
        }
    }
    hand_out(left, parts, scratch, fractions_count);
    return TG_OK;
}
