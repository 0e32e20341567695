/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/allocate.h"

#include "abi/tariff.h"
#include "bill/invoice.h"

#include <criterion/criterion.h>

#define PARTS_MAX 64u

static uint64_t random_next(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    uint64_t x = *state ^ (*state >> 33);
    x *= UINT64_C(0xff51afd7ed558ccd);
    return x ^ (x >> 29);
}

/* Otherwise a customer adds up the lines of the invoice and gets another sum than is asked for. */
Test(allocate, parts_sum_to_the_rounded_sum_for_any_inputs)
{
    uint64_t seed = 20261123;
    struct tg_bill_fraction scratch[PARTS_MAX];
    for (unsigned round = 0; round < 200000; round++) {
        __int128 exact[PARTS_MAX];
        int64_t parts[PARTS_MAX];
        int64_t total = 0;
        const uint32_t count = (uint32_t)(random_next(&seed) % (PARTS_MAX + 1));
        const uint64_t divisor = random_next(&seed) % 3 == 0 ? 1 + random_next(&seed) % 7 : 1000000;
        const uint8_t rounding = (uint8_t)(random_next(&seed) % 6);
        __int128 sum = 0;
        for (uint32_t i = 0; i < count; i++) {
            exact[i] = (int64_t)random_next(&seed) >> (random_next(&seed) % 40 + 8);
            sum += exact[i];
        }
        cr_assert_eq(tg_bill_allocate(exact, count, divisor, rounding, parts, &total, scratch),
                     TG_OK);
        int64_t wanted = 0;
        cr_assert_eq(tg_money_divide(sum, divisor, rounding, &wanted), TG_OK);
        cr_assert_eq(total, wanted);
        int64_t printed = 0;
        for (uint32_t i = 0; i < count; i++) {
            const __int128 miss = (__int128)parts[i] * (__int128)divisor - exact[i];
            cr_assert(miss < (__int128)divisor && -miss < (__int128)divisor,
                      "part off by one unit");
            printed += parts[i];
        }
        cr_assert_eq(printed, total, "round %u", round);
    }
}

/* Otherwise the cent that is left over lands on whoever comes first, not on who is nearest to it.
 */
Test(allocate, largest_remainder_gets_the_cent_and_ties_go_to_the_lower_index)
{
    struct tg_bill_fraction scratch[4];
    int64_t parts[4];
    int64_t total = 0;
    const __int128 thirds[] = {333333, 333333, 333334};
    cr_assert_eq(tg_bill_allocate(thirds, 3, 1000000, TG_ROUND_HALF_UP, parts, &total, scratch),
                 TG_OK);
    cr_expect_eq(total, 1);
    cr_expect_eq(parts[0] + parts[1], 0);
    cr_expect_eq(parts[2], 1);
    const __int128 halves[] = {500000, 500000, -1000000};
    cr_assert_eq(tg_bill_allocate(halves, 3, 1000000, TG_ROUND_HALF_UP, parts, &total, scratch),
                 TG_OK);
    cr_expect_eq(total, 0);
    cr_expect_eq(parts[0], 1);
    cr_expect_eq(parts[1], 0);
    cr_expect_eq(parts[2], -1);
}

/* Otherwise a sum beyond 64 bits wraps into a small bill. */
Test(allocate, overflow_is_refused)
{
    struct tg_bill_fraction scratch[2];
    int64_t parts[2];
    int64_t total = 0;
    const __int128 big = (__int128)INT64_MAX * 1000000;
    const __int128 one[] = {big + 1000000};
    const __int128 two[] = {big, 1000000};
    cr_expect_eq(tg_bill_allocate(one, 1, 1000000, TG_ROUND_DOWN, parts, &total, scratch),
                 TG_E_AMOUNT_OVERFLOW);
    cr_expect_eq(tg_bill_allocate(two, 2, 1000000, TG_ROUND_DOWN, parts, &total, scratch),
                 TG_E_AMOUNT_OVERFLOW);
    cr_expect_eq(tg_bill_allocate(two, 1, 0, TG_ROUND_DOWN, parts, &total, scratch), TG_E_INVALID);
}

/* Otherwise the tax shown beside the lines is not the tax of the invoice. */
Test(allocate, shares_sum_to_the_total_for_any_weights)
{
    uint64_t seed = 7;
    struct tg_bill_fraction scratch[PARTS_MAX];
    for (unsigned round = 0; round < 200000; round++) {
        int64_t weights[PARTS_MAX];
        int64_t parts[PARTS_MAX];
        const uint32_t count = (uint32_t)(1 + random_next(&seed) % PARTS_MAX);
        const bool is_mixed = random_next(&seed) % 4 == 0;
        for (uint32_t i = 0; i < count; i++) {
            weights[i] = (int64_t)(random_next(&seed) % 100000);
            weights[i] -= is_mixed ? 50000 : 0;
        }
        const int64_t total = (int64_t)(random_next(&seed) % 2000000) - 1000000;
        cr_assert_eq(tg_bill_share(total, weights, count, parts, scratch), TG_OK);
        int64_t sum = 0;
        for (uint32_t i = 0; i < count; i++) {
            sum += parts[i];
        }
        cr_assert_eq(sum, total, "round %u", round);
    }
    cr_expect_eq(tg_bill_share(5, NULL, 0, NULL, scratch), TG_E_INVALID);
}
