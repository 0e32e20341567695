/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/cash.h"

#include "base/money.h"
#include "catalog/image.h"
#include "catalog/roster.h"

struct tg_bill_cash tg_bill_cash_of(const struct tg_image *image, uint16_t currency,
                                    uint8_t account_flags)
{
    const uint32_t count = image != NULL ? image->sections[TG_IMAGE_SECTION_CASH].count : 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct tg_cash_rounding *rule = tg_image_cash_at(image, i);
        const bool pays_cash = rule->is_named != 0 ? (account_flags & TG_ROSTER_CASH) != 0
                                                   : (account_flags & TG_ROSTER_NO_CASH) == 0;
        if (rule->currency == currency && pays_cash) {
            return (struct tg_bill_cash){.step = rule->step, .rounding = rule->rounding};
        }
    }
    return (struct tg_bill_cash){.step = 0};
}

enum tg_err tg_bill_cash_add(const struct tg_bill_cash *cash, int64_t amount, int64_t *added)
{
    int64_t steps = 0;
    int64_t rounded = 0;
    *added = 0;
    if (cash->step == 0) {
        return TG_OK;
    }
    const enum tg_err err = tg_money_divide(amount, cash->step, cash->rounding, &steps);
    if (err != TG_OK || __builtin_mul_overflow(steps, (int64_t)cash->step, &rounded) ||
        __builtin_sub_overflow(rounded, amount, added)) {
        return TG_E_AMOUNT_OVERFLOW;
    }
    return TG_OK;
}
