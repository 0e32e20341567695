/* SPDX-License-Identifier: Apache-2.0 */
#include "rate/terms.h"

#include "rate/split.h"

/* The least of what the service is counted in. */
static void least_take(uint8_t dimension, struct tg_usage *priced)
{
    if (dimension == TG_DIMENSION_TIME) {
        priced->duration_ms = 1;
    } else {
        priced->quantity_up = 1;
    }
}

enum tg_err tg_rate_terms(const struct tg_image *image, const struct tg_plan_service *plan_service,
                          const struct tg_usage *row, struct tg_usage *priced, uint8_t *flags)
{
    static const struct tg_plan_terms defaults = {0};
    const struct tg_plan_terms *own = tg_image_plan_terms(image, plan_service);
    const struct tg_plan_terms *terms = own != NULL ? own : &defaults;
    const struct tg_causes *causes = tg_image_causes(image, terms);
    *priced = *row;
    *flags = 0;
    if (tg_usage_is_reversal(row)) {
        if (terms->negative_usage != TG_NEGATIVE_REVERSE) {
            return TG_E_NEGATIVE_USAGE;
        }
        priced->flags &= (uint8_t)~TG_USAGE_PARTIAL;
        *flags = TG_CHARGE_REVERSAL;
    }
    if ((row->flags & TG_USAGE_PARTIAL) == 0 && !tg_causes_bill(causes, row->closing_cause)) {
        priced->duration_ms = 0;
        priced->quantity_up = 0;
        priced->quantity_down = 0;
        *flags |= TG_CHARGE_NOT_BILLABLE;
        return causes->otherwise == TG_CAUSE_SUSPEND ? TG_E_NOT_BILLABLE : TG_OK;
    }
    if (terms->zero_usage != TG_ZERO_FREE && (row->flags & TG_USAGE_PARTIAL) == 0 &&
        tg_rate_base_quantity(row, plan_service->dimension) == 0) {
        least_take(plan_service->dimension, priced);
        return terms->zero_usage == TG_ZERO_SUSPEND ? TG_E_ZERO_USAGE : TG_OK;
    }
    return TG_OK;
}

bool tg_rate_zero_is_priced(const struct tg_catalog_snapshot *snapshot, const struct tg_usage *row,
                            uint32_t subscriber)
{
    const struct tg_image *image = tg_catalog_image_at(snapshot, row->start_ns);
    const struct tg_roster_line *line = tg_roster_line(snapshot->roster, subscriber);
    const struct tg_product *product =
        image != NULL && line != NULL ? tg_image_product(image, line->product) : NULL;
    const struct tg_plan_service *plan_service =
        product == NULL ? NULL
        : (row->flags & TG_USAGE_INCOMING) != 0 &&
                (row->service == TG_SERVICE_VOICE || row->service == TG_SERVICE_MESSAGE)
            ? tg_image_plan_received(image, product->plan, row->service)
            : tg_image_plan_service(image, product->plan, row->service);
    const struct tg_plan_terms *terms =
        plan_service != NULL ? tg_image_plan_terms(image, plan_service) : NULL;
    return (terms != NULL && terms->zero_usage != TG_ZERO_FREE) ||
           (plan_service != NULL && plan_service->dimension == TG_DIMENSION_TIME &&
            row->duration_ms != 0);
}
