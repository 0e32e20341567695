/* SPDX-License-Identifier: Apache-2.0 */
/* A quotient that is off by one is a charge that is off by an increment. */
#include "base/reciprocal.h"

#include <criterion/criterion.h>

/* Dividends of 64 bits are cut to the 63 that are promised. */
static void check(uint64_t divisor, uint64_t dividend)
{
    divisor = divisor > TG_RECIPROCAL_END ? TG_RECIPROCAL_END : divisor;
    dividend &= TG_RECIPROCAL_END - 1;
    const struct tg_reciprocal by = tg_reciprocal_of(divisor);
    cr_assert_eq(tg_reciprocal_divide(&by, dividend), dividend / divisor, "%llu / %llu",
                 (unsigned long long)dividend, (unsigned long long)divisor);
}

Test(reciprocal, every_quotient_is_exact)
{
    const uint64_t edges[] = {1,
                              2,
                              3,
                              5,
                              6,
                              7,
                              10,
                              60,
                              641,
                              1000,
                              1024,
                              3600,
                              1000000,
                              6700417,
                              (UINT64_C(1) << 31) - 1,
                              UINT64_C(1) << 31,
                              UINT64_C(1) << 32,
                              (UINT64_C(1) << 32) + 1,
                              (UINT64_C(1) << 48) - 1,
                              UINT64_C(1) << 63,
                              (UINT64_C(1) << 63) - 1,
                              (UINT64_C(1) << 62) + 1,
                              UINT64_C(1) << 62};
    for (unsigned d = 0; d < sizeof edges / sizeof edges[0]; d++) {
        for (unsigned n = 0; n < sizeof edges / sizeof edges[0]; n++) {
            for (uint64_t k = 0; k < 3; k++) { /* around a multiple, where rounding shows */
                check(edges[d], edges[n] - 1 + k);
                check(edges[d], edges[n] * edges[d] - 1 + k);
            }
        }
    }
    uint64_t state = 1;
    for (unsigned i = 0; i < 1000000; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        const uint64_t divisor = (state >> (i % 64)) | 1;
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        const uint64_t dividend = state >> (i / 64 % 64);
        check(divisor, dividend);
        check(divisor, dividend - dividend % divisor - 1);
    }
}
