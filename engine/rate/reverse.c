/* SPDX-License-Identifier: Apache-2.0 */
#include "rate/reverse.h"

#include "rate/account_state.h"

enum tg_err tg_rate_reverse_count(struct tg_accounts *accounts, struct tg_allowance_log *log,
                                  const struct tg_allowance_counter *counter,
                                  const struct tg_bucket_time *time,
                                  const struct tg_price_info *info,
                                  const struct tg_account_meter *meter, uint64_t billed_base,
                                  uint64_t *base_left, uint64_t *events_left)
{
    if (log != NULL) {
        return tg_allowance_count_back(accounts, log, counter, time, billed_base, base_left,
                                       events_left);
    }
    const uint64_t counted = meter->priced_base;
    const uint32_t events = tg_account_events(meter);
    const bool is_looked_at =
        info->counter == TG_COUNTER_MONTH && info->counter_index != TG_COUNTER_NONE;
    *base_left = billed_base < counted ? counted - billed_base : 0;
    *events_left = events > 0 ? events - 1 : 0;
    return is_looked_at && billed_base > counted ? TG_E_NEGATIVE_USAGE : TG_OK;
}

bool tg_rate_reverse_post(struct tg_account_line *line, const struct tg_usage *row,
                          const struct tg_charge *charge)
{
    uint64_t billed_base;
    if (charge->unit >= TG_UNIT_COUNT ||
        __builtin_mul_overflow(charge->billed_units, tg_unit_base_count(charge->unit),
                               &billed_base)) {
        return false;
    }
    if (charge->unit != TG_UNIT_AMOUNT) { /* carried money is counted on the shelf */
        tg_account_meter_take_back(&line->meters[tg_account_meter_of(row->service)], billed_base);
    }
    return true;
}

bool tg_rate_reverse_amount(struct tg_charge *charge, int64_t *cost)
{
    charge->remainder = -charge->remainder;
    return !__builtin_sub_overflow(0, charge->amount, &charge->amount) &&
           !__builtin_sub_overflow(0, *cost, cost);
}
