/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/tariffs/kit/tariff_kit.h"

static const struct tg_price_step tiers[] = {
    {1000, EUR(0, 5), 1, 0}, {10000, EUR(0, 4), 1, 0}, {UINT64_MAX, EUR(0, 3), 1, 0}};

Test(graduated, each_unit_is_priced_by_the_step_it_falls_into)
{
    /* If this failed, customers who cross a bound would be billed by the wrong step. The figures
     * are those of rating-semantics 4.5. */
    struct tariff_kit kit;
    tariff_kit_price(&kit, tiers, 3);
    const struct tariff_kit_row rows[] = {
        {0, 1000, EUR(50, 0)},   {0, 1001, EUR(50, 4)},   {0, 10000, EUR(410, 0)},
        {0, 10001, EUR(410, 3)}, {0, 25000, EUR(860, 0)}, {995, 10, EUR(0, 45)},
        {1000, 1, EUR(0, 4)},    {9999, 2, EUR(0, 7)},    {0, 0, 0}};
    tariff_kit_expect(&kit, "graduated", rows, TARIFF_KIT_COUNT(rows));
    cr_expect_eq(tariff_kit_run(&kit, "graduated", 0, 10001).step_index, 2);
}

Test(graduated, cutting_a_period_into_records_changes_no_sum)
{
    /* If this failed, the invoice would depend on how often the node reports. */
    struct tariff_kit kit;
    tariff_kit_price(&kit, tiers, 3);
    uint64_t random = 1;
    for (int round = 0; round < 200; round++) {
        uint64_t at = 0;
        int64_t sum = 0;
        while (at < 25000) {
            random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            uint64_t units = (random >> 33) % 3000;
            units = units > 25000 - at ? 25000 - at : units;
            sum += tariff_kit_run(&kit, "graduated", at, units).amount;
            at += units;
        }
        cr_assert(sum == EUR(860, 0), "round %d: %lld", round, (long long)sum);
    }
}

Test(graduated, flat_amount_of_a_step_comes_once_with_its_first_unit)
{
    /* If this failed, an entry fee would be charged with every record, or never. */
    struct tariff_kit kit;
    const struct tg_price_step steps[] = {{10, EUR(10, 0), 1, EUR(2, 0)},
                                          {20, EUR(5, 0), 1, EUR(3, 0)},
                                          {UINT64_MAX, EUR(5, 0), 1, EUR(3, 0)}};
    tariff_kit_price(&kit, steps, 3);
    const struct tariff_kit_row rows[] = {{0, 1, EUR(12, 0)},   {1, 9, EUR(90, 0)},
                                          {10, 1, EUR(8, 0)},   {0, 11, EUR(110, 0)},
                                          {0, 21, EUR(163, 0)}, {0, 0, 0}};
    tariff_kit_expect(&kit, "graduated", rows, TARIFF_KIT_COUNT(rows));
}

Test(graduated, steps_with_different_divisors_add_up_exactly)
{
    /* If this failed, the parts would be rounded one by one and two roundings would show. */
    struct tariff_kit kit;
    const struct tg_price_step steps[] = {{1, 1, 3, 0}, {UINT64_MAX, 1, 7, 0}};
    tariff_kit_price(&kit, steps, 2);
    const struct tg_tariff_result got = tariff_kit_run(&kit, "graduated", 0, 2);
    /* 1/3 + 1/7 = 10/21: rounds to 0 with 10/21 left. */
    cr_expect(got.verdict == TG_OK && got.amount == 0);
    cr_expect(got.remainder == 10 && got.denominator == 21, "%lld/%llu", (long long)got.remainder,
              (unsigned long long)got.denominator);
}

Test(graduated, beyond_the_last_bound_there_is_no_rate)
{
    /* If this failed, usage that nobody priced would be given away at 0. */
    struct tariff_kit kit;
    tariff_kit_price(&kit, tiers, 2);
    cr_expect(tariff_kit_run(&kit, "graduated", 0, 10001).verdict == TG_E_NO_RATE);
    cr_expect(tariff_kit_run(&kit, "graduated", UINT64_MAX, 1).verdict == TG_E_AMOUNT_OVERFLOW);
}
