/* SPDX-License-Identifier: Apache-2.0 */
/* per_unit.c again, in restricted C: the same amounts, by a test on a million rows. */
#include "abi/tariff_bpf.h"

TG_BPF_TARIFF uint64_t per_unit(struct tg_tariff_context *context)
{
    const struct tg_price_step *step = &context->steps[0];
    if (context->row.units == 0) {
        return tg_settle(context, 1);
    }
    tg_add(context, step->price, context->row.units);
    if (step->flat != 0 && context->row.units_before == 0) {
        tg_add(context, step->flat, step->per_units);
    }
    return tg_settle(context, step->per_units);
}
