/* SPDX-License-Identifier: Apache-2.0 */
#include "rate/split.h"

#include "base/clock.h"

#include <assert.h>

uint64_t tg_rate_units(uint64_t base, uint64_t unit_base_count, uint8_t rounding)
{
    if (unit_base_count == 1) {
        return base;
    }
    const uint64_t whole = base / unit_base_count;
    const uint64_t rest = base % unit_base_count;
    const uint64_t half = unit_base_count - rest; /* rest >= half: at or above the middle */
    switch (rounding) {
    case TG_ROUND_UP:
    case TG_ROUND_CEIL:
        return whole + (rest != 0);
    case TG_ROUND_HALF_UP:
        return whole + (rest >= half);
    case TG_ROUND_HALF_EVEN:
        return whole + (rest > half || (rest == half && (whole & 1) != 0));
    default:
        return whole;
    }
}

enum tg_err tg_rate_increments(uint64_t units, uint64_t first_increment, uint64_t next_increment,
                               uint64_t *billed)
{
    assert(first_increment > 0 && next_increment > 0);
    if (units == 0) {
        *billed = 0;
        return TG_OK;
    }
    if (units <= first_increment) {
        *billed = first_increment;
        return TG_OK;
    }
    const uint64_t over = units - first_increment;
    if (next_increment == 1) {
        *billed = units;
        return TG_OK;
    }
    const uint64_t steps = over / next_increment + (over % next_increment != 0);
    uint64_t further;
    if (__builtin_mul_overflow(steps, next_increment, &further) ||
        __builtin_add_overflow(first_increment, further, billed)) {
        return TG_E_AMOUNT_OVERFLOW;
    }
    return TG_OK;
}

static const struct tg_price *price_in_band(const struct tg_image *image,
                                            const struct tg_plan_service *plan_service,
                                            uint32_t zone, int64_t at_ns, int64_t *until_ns)
{
    const uint32_t band = plan_service->time_model == TG_TIME_MODEL_NONE
                              ? (*until_ns = INT64_MAX, 0)
                              : tg_image_band(image, plan_service->time_model, at_ns, until_ns);
    const uint32_t price_id = tg_image_price_at(image, plan_service, zone, band);
    return price_id == TG_PRICE_NONE ? NULL : tg_image_price(image, price_id);
}

/* End of n units counted from the start; INT64_MAX when that is beyond time. */
static int64_t units_end_ns(int64_t start_ns, uint64_t units, uint64_t unit_ns)
{
    uint64_t span_ns;
    int64_t end_ns;
    if (__builtin_mul_overflow(units, unit_ns, &span_ns) ||
        __builtin_add_overflow(start_ns, span_ns, &end_ns)) {
        return INT64_MAX;
    }
    return end_ns;
}

/* First unit that begins at or after an instant. */
static uint64_t units_until(int64_t start_ns, int64_t until_ns, uint64_t unit_ns)
{
    if (until_ns == INT64_MAX) {
        return UINT64_MAX;
    }
    const uint64_t span_ns = (uint64_t)until_ns - (uint64_t)start_ns;
    return span_ns / unit_ns + (span_ns % unit_ns != 0);
}

/* Cut time into increments from the start of the call; each is priced wholly in the band in which
 * it starts. The first increment is the first band's alone (rating-semantics 4.4 ii). */
static enum tg_err cut_consecutive(const struct tg_image *image,
                                   const struct tg_plan_service *plan_service, uint32_t zone,
                                   const struct tg_usage *row, uint64_t units, int64_t until_ns,
                                   struct tg_rate_cuts *cuts)
{
    const uint64_t unit_ns = cuts->info->unit_base_count * (uint64_t)TG_NS_PER_MS;
    const struct tg_price *price = cuts->price;
    uint64_t at = 0;
    while (at < units) {
        const uint64_t from = at;
        const uint64_t bound = units_until(row->start_ns, until_ns, unit_ns);
        const uint64_t stop = units < bound ? units : bound;
        if (at == 0) {
            at = price->first_increment;
        }
        if (at < stop) {
            uint64_t further;
            (void)tg_rate_increments(stop - at, price->next_increment, price->next_increment,
                                     &further); /* a call is below 2^32 ms: no overflow */
            at += further;
        }
        const uint32_t last = cuts->cuts_count;
        if (last > 0 && cuts->cuts[last - 1].price == price) {
            cuts->cuts[last - 1].units += at - from;
            cuts->cuts[last - 1].end_ns = units_end_ns(row->start_ns, at, unit_ns);
        } else if (last == TG_PIECES_PER_ROW_MAX) {
            return TG_E_FULL;
        } else {
            cuts->cuts[cuts->cuts_count++] =
                (struct tg_rate_cut){price, at - from, units_end_ns(row->start_ns, from, unit_ns),
                                     units_end_ns(row->start_ns, at, unit_ns)};
        }
        if (at < units) {
            price = price_in_band(image, plan_service, zone,
                                  units_end_ns(row->start_ns, at, unit_ns), &until_ns);
            if (price == NULL) {
                return TG_E_NO_RATE;
            }
            if (tg_image_price_info(image, price->price_id)->unit != cuts->info->unit) {
                return TG_E_UNSUPPORTED;
            }
        }
    }
    cuts->billed_units = at;
    return TG_OK;
}

/* Included units come off the front, as free minutes do. */
static void included_take(struct tg_rate_cuts *cuts)
{
    const uint64_t included = cuts->price->included_units;
    cuts->included_units = included < cuts->billed_units ? included : cuts->billed_units;
    cuts->billed_units -= cuts->included_units;
    uint64_t left = cuts->included_units;
    for (uint32_t i = 0; i < cuts->cuts_count && left > 0; i++) {
        const uint64_t part = left < cuts->cuts[i].units ? left : cuts->cuts[i].units;
        cuts->cuts[i].units -= part;
        left -= part;
    }
}

enum tg_err tg_rate_cut(const struct tg_image *image, const struct tg_plan_service *plan_service,
                        uint32_t zone, const struct tg_usage *row, struct tg_rate_cuts *cuts)
{
    int64_t until_ns;
    int64_t end_ns = row->start_ns;
    cuts->cuts_count = 0;
    cuts->billed_units = 0;
    cuts->included_units = 0;
    cuts->price = price_in_band(image, plan_service, zone, row->start_ns, &until_ns);
    cuts->info = NULL;
    const bool is_timed =
        plan_service->dimension == TG_DIMENSION_TIME &&
        plan_service->split_mode != TG_SPLIT_START && until_ns != INT64_MAX &&
        !__builtin_add_overflow(row->start_ns, (int64_t)row->duration_ms * TG_NS_PER_MS, &end_ns);
    const bool is_crossing = is_timed && end_ns > until_ns;
    if (is_crossing && plan_service->split_mode == TG_SPLIT_END) {
        cuts->price = price_in_band(image, plan_service, zone, end_ns - 1, &until_ns);
    }
    if (cuts->price == NULL) {
        return TG_E_NO_RATE;
    }
    cuts->info = tg_image_price_info(image, cuts->price->price_id);
    const uint64_t base = tg_rate_base_quantity(row, plan_service->dimension);
    uint64_t units =
        tg_rate_units(base, cuts->info->unit_base_count, cuts->info->quantity_rounding);
    cuts->raw_units = units;
    if (units <= cuts->price->grace_units) {
        return TG_OK;
    }
    units = units < cuts->price->minimum_units ? cuts->price->minimum_units : units;
    if (is_crossing && plan_service->split_mode != TG_SPLIT_END) {
        if (plan_service->split_mode != TG_SPLIT_CONSECUTIVE ||
            plan_service->increment_owner != TG_INCREMENT_START) {
            return TG_E_UNSUPPORTED;
        }
        const enum tg_err err =
            cut_consecutive(image, plan_service, zone, row, units, until_ns, cuts);
        if (err != TG_OK) {
            return err;
        }
    } else {
        const enum tg_err err = tg_rate_increments(
            units, cuts->price->first_increment, cuts->price->next_increment, &cuts->billed_units);
        if (err != TG_OK) {
            return err;
        }
        const int64_t used_ns = (int64_t)row->duration_ms * TG_NS_PER_MS;
        cuts->cuts[0] = (struct tg_rate_cut){cuts->price, cuts->billed_units, row->start_ns, 0};
        if (__builtin_add_overflow(row->start_ns, used_ns, &cuts->cuts[0].end_ns)) {
            cuts->cuts[0].end_ns = INT64_MAX;
        }
        cuts->cuts_count = 1;
    }
    included_take(cuts);
    return TG_OK;
}
