/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/cash.h"

#include "abi/tariff.h"

#include <criterion/criterion.h>

#include <stdint.h>

/* Otherwise a customer is asked for an amount that no coins make, or for one that is not the
 * nearest. */
Test(cash, amounts_become_the_multiple_that_the_mode_names)
{
    static const struct {
        const char *name;
        int64_t amount;
        int64_t added;
        uint32_t step;
        uint8_t rounding;
    } rows[] = {{"down to 0.00", 2, -2, 5, TG_ROUND_HALF_UP},
                {"up to 0.05", 3, 2, 5, TG_ROUND_HALF_UP},
                {"a multiple stays", 1005, 0, 5, TG_ROUND_HALF_UP},
                {"tie away from zero", 1050, 50, 100, TG_ROUND_HALF_UP},
                {"tie below zero", -1050, -50, 100, TG_ROUND_HALF_UP},
                {"tie to even", 1050, -50, 100, TG_ROUND_HALF_EVEN},
                {"tie to even, up", 1150, 50, 100, TG_ROUND_HALF_EVEN},
                {"for the customer", 1009, -9, 10, TG_ROUND_DOWN},
                {"credit, for the customer", -1001, -9, 10, TG_ROUND_FLOOR},
                {"no rule", 1003, 0, 0, TG_ROUND_HALF_UP}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct tg_bill_cash cash = {.step = rows[i].step, .rounding = rows[i].rounding};
        int64_t added = 1;
        cr_expect_eq(tg_bill_cash_add(&cash, rows[i].amount, &added), TG_OK, "%s", rows[i].name);
        cr_expect_eq(added, rows[i].added, "%s: %ld", rows[i].name, (long)added);
    }
}

/* Otherwise a sum at the edge of 64 bits wraps into a bill of the other sign. */
Test(cash, amounts_that_do_not_fit_are_told)
{
    const struct tg_bill_cash up = {.step = 100, .rounding = TG_ROUND_UP};
    int64_t added = 0;
    cr_expect_eq(tg_bill_cash_add(&up, INT64_MAX, &added), TG_E_AMOUNT_OVERFLOW);
    cr_expect_eq(tg_bill_cash_add(&up, INT64_MIN, &added), TG_E_AMOUNT_OVERFLOW);
}
