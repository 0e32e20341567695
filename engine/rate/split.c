/* SPDX-License-Identifier: Apache-2.0 */
#include "rate/split.h"

#include "base/clock.h"
#include "rate/allowance.h"
#include "rate/rate_change.h"

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
                                            uint32_t time_model, uint32_t zone,
                                            const struct tg_usage *row, int64_t at_ns,
                                            int64_t *until_ns, uint32_t *band_found)
{
    int64_t zone_until_ns = INT64_MAX;
    if (__builtin_expect(plan_service->has_terms != 0, 0)) {
        zone = tg_rate_zone_at(image, plan_service, row, (uint16_t)zone, at_ns, &zone_until_ns);
    }
    const uint32_t band =
        time_model == TG_TIME_MODEL_NONE
            ? (*until_ns = INT64_MAX, 0)
            : tg_image_band_since(image, time_model, row->start_ns, at_ns, until_ns);
    *until_ns = zone_until_ns < *until_ns ? zone_until_ns : *until_ns;
    const uint32_t price_id = tg_image_price_at(image, plan_service, zone, band);
    *band_found = band;
    /* A number that no deck has is not usage at home, whatever that costs (4.2.3). */
    return price_id == TG_PRICE_NONE ||
                   (zone == TG_ZONE_NONE && tg_image_asks_deck(plan_service, row))
               ? NULL
               : tg_image_price(image, price_id);
}

/* How long units last: so many of them, evenly, in a span. A second of a call is 10^9 ns a unit,
 * the octets of a record lie evenly in its time. */
struct pace {
    int64_t start_ns;
    uint64_t span_ns;
    uint64_t span_units;
};

static struct pace pace_of(const struct tg_plan_service *plan_service, const struct tg_usage *row,
                           int64_t end_ns, const struct tg_rate_cuts *cuts)
{
    if (plan_service->dimension == TG_DIMENSION_TIME) {
        const uint64_t unit_ns = cuts->info->unit_base_count * (uint64_t)TG_NS_PER_MS;
        return (struct pace){row->start_ns, unit_ns, 1};
    }
    return (struct pace){row->start_ns, (uint64_t)(end_ns - row->start_ns), cuts->raw_units};
}

/* End of n units counted from the start; INT64_MAX when that is beyond time. */
static int64_t units_end_ns(const struct pace *pace, uint64_t units)
{
    const unsigned __int128 spans_ns = (unsigned __int128)units * pace->span_ns / pace->span_units;
    int64_t end_ns;
    return spans_ns > INT64_MAX ||
                   __builtin_add_overflow(pace->start_ns, (int64_t)spans_ns, &end_ns)
               ? INT64_MAX
               : end_ns;
}

/* First unit that begins at or after an instant. */
static uint64_t units_until(const struct pace *pace, int64_t until_ns)
{
    if (until_ns == INT64_MAX) {
        return UINT64_MAX;
    }
    const unsigned __int128 parts =
        (unsigned __int128)((uint64_t)until_ns - (uint64_t)pace->start_ns) * pace->span_units;
    const unsigned __int128 units = parts / pace->span_ns + (parts % pace->span_ns != 0);
    return units > UINT64_MAX ? UINT64_MAX : (uint64_t)units;
}

/* One row while it is cut. */
struct cutter {
    const struct tg_image *image;
    const struct tg_plan_service *plan_service;
    const struct tg_usage *row;
    struct tg_rate_cuts *cuts;
    struct pace pace;
    uint64_t used;  /* units from the start of the call; a band that none of them begins in is */
    uint64_t units; /* not reached by what a minimum adds to them, all of which are to be cut */
    uint32_t zone;
    uint32_t time_model;          /* whose wall time counts for the row */
    uint32_t band;                /* of the part being cut */
    const struct tg_price *price; /* of the first part */
};

/* Units that [at, stop) becomes under the plan's owner of increments. */
static enum tg_err piece_units(const struct cutter *cutter, const struct tg_price *price,
                               uint64_t at, uint64_t stop, uint64_t *billed)
{
    const bool has_first = at == 0 || (cutter->cuts->is_isolated &&
                                       cutter->plan_service->increment_owner != TG_INCREMENT_START);
    const uint64_t first = has_first ? price->first_increment : price->next_increment;
    if (cutter->plan_service->increment_owner == TG_INCREMENT_PER_SECOND && stop < cutter->units) {
        *billed = stop - at;
        return TG_OK;
    }
    return tg_rate_increments(stop - at, first, price->next_increment, billed);
}

/* The last piece of a raw split is rounded as the end of the whole call, the first increment
 * counted from its start; in isolated mode piece_units has rounded it by itself. */
static enum tg_err tail_units(const struct cutter *cutter, const struct tg_price *price,
                              uint64_t at, uint64_t *billed)
{
    uint64_t whole;
    const enum tg_err err = tg_rate_increments(cutter->units, cutter->cuts->price->first_increment,
                                               price->next_increment, &whole);
    *billed = whole - at;
    return err;
}

/* Parts of one price are one part, unless an allowance tells their bands apart. */
static bool is_same_part(const struct cutter *cutter, const struct tg_price *price)
{
    const struct tg_rate_cuts *cuts = cutter->cuts;
    const struct tg_rate_cut *last =
        cuts->cuts_count > 0 ? &cuts->cuts[cuts->cuts_count - 1] : NULL;
    return last != NULL && last->price == price &&
           (last->band == cutter->band || cutter->plan_service->buckets_count == 0 ||
            !tg_allowance_has_bands(cutter->image, cutter->plan_service));
}

static enum tg_err piece_add(const struct cutter *cutter, const struct tg_price *price,
                             uint64_t from, uint64_t units)
{
    struct tg_rate_cuts *cuts = cutter->cuts;
    const int64_t end_ns = units_end_ns(&cutter->pace, from + units);
    const uint32_t last = cuts->cuts_count;
    const bool is_joined =
        cutter->plan_service->increment_owner != TG_INCREMENT_PER_SEGMENT && !cuts->is_isolated;
    if (is_joined && is_same_part(cutter, price)) {
        cuts->cuts[last - 1].units += units;
        cuts->cuts[last - 1].end_ns = end_ns;
    } else if (last == TG_PIECES_PER_ROW_MAX) {
        return TG_E_FULL;
    } else {
        cuts->cuts[cuts->cuts_count++] =
            (struct tg_rate_cut){.price = price,
                                 .units = units,
                                 .start_ns = units_end_ns(&cutter->pace, from),
                                 .end_ns = end_ns,
                                 .band = cutter->band};
    }
    return __builtin_add_overflow(cuts->billed_units, units, &cuts->billed_units)
               ? TG_E_AMOUNT_OVERFLOW
               : TG_OK;
}

/* Walk the bands from the start of the call (rating-semantics 4.4). What a minimum adds is of the
 * last band in which a unit begins, so a call pays for no band that it ended before, in one record
 * or in several. */
static enum tg_err cut_bands(struct cutter *cutter, int64_t until_ns)
{
    const uint8_t owner = cutter->plan_service->increment_owner;
    const struct tg_price *price = cutter->price;
    uint64_t at = 0;
    while (at < cutter->units) {
        const uint64_t bound =
            at < cutter->used ? units_until(&cutter->pace, until_ns) : UINT64_MAX;
        const uint64_t stop = bound < cutter->used ? bound : cutter->units;
        uint64_t billed;
        enum tg_err err = piece_units(cutter, price, at, stop, &billed);
        if (err == TG_OK && owner == TG_INCREMENT_PER_SECOND && stop == cutter->units &&
            !cutter->cuts->is_isolated) {
            err = tail_units(cutter, price, at, &billed);
        }
        err = err == TG_OK ? piece_add(cutter, price, at, billed) : err;
        if (err != TG_OK) {
            return err;
        }
        /* An increment that starts before the boundary carries its time into the next band. */
        at = owner == TG_INCREMENT_START ? at + billed : stop;
        if (at < cutter->units) {
            const uint64_t last = at < cutter->used ? at : cutter->used - 1;
            price = price_in_band(cutter->image, cutter->plan_service, cutter->time_model,
                                  cutter->zone, cutter->row, units_end_ns(&cutter->pace, last),
                                  &until_ns, &cutter->band);
            if (price == NULL) {
                return TG_E_NO_RATE;
            }
        }
    }
    return TG_OK;
}

/* The usual row: one price, one piece. */
static enum tg_err cut_one(const struct tg_usage *row, uint64_t units, uint32_t band,
                           struct tg_rate_cuts *cuts)
{
    const enum tg_err err = tg_rate_increments(units, cuts->price->first_increment,
                                               cuts->price->next_increment, &cuts->billed_units);
    const int64_t used_ns = (int64_t)row->duration_ms * TG_NS_PER_MS;
    cuts->cuts[0] = (struct tg_rate_cut){
        .price = cuts->price, .units = cuts->billed_units, .start_ns = row->start_ns, .band = band};
    if (__builtin_add_overflow(row->start_ns, used_ns, &cuts->cuts[0].end_ns)) {
        cuts->cuts[0].end_ns = INT64_MAX;
    }
    cuts->cuts_count = 1;
    return err;
}

/* Included units that come off what was used: the rest is cut as if it began behind them. */
static enum tg_err included_skip(struct cutter *cutter, int64_t *until_ns)
{
    cutter->pace.start_ns = units_end_ns(&cutter->pace, cutter->cuts->included_units);
    cutter->price =
        price_in_band(cutter->image, cutter->plan_service, cutter->time_model, cutter->zone,
                      cutter->row, cutter->pace.start_ns, until_ns, &cutter->band);
    return cutter->price != NULL ? TG_OK : TG_E_NO_RATE;
}

/* Included units come off the front, as free minutes do. */
static void included_take(struct tg_rate_cuts *cuts)
{
    if ((cuts->info->options & TG_PRICE_INCLUDED_FIRST) != 0) {
        return;
    }
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

uint32_t tg_rate_time_model(const struct tg_image *image,
                            const struct tg_plan_service *plan_service, const struct tg_usage *row,
                            uint32_t site, const struct tg_roster_account *account)
{
    const struct tg_image_place place = {.serving_network = row->serving_network,
                                         .site = site,
                                         .account_zone = account != NULL ? account->zone : 0};
    return tg_image_time_model_at(image, plan_service->time_model, &place);
}

enum tg_err tg_rate_cuts_rest(struct tg_rate_cuts *cuts, uint64_t covered_units)
{
    const struct tg_price *price = cuts->price;
    const bool is_off_used = (cuts->info->options & TG_PRICE_INCLUDED_FIRST) != 0;
    uint64_t rest = cuts->raw_units - covered_units;
    uint64_t billed;
    assert(cuts->cuts_count == 1 && covered_units <= cuts->raw_units);
    cuts->included_units = is_off_used && price->included_units > 0
                               ? (price->included_units < rest ? price->included_units : rest)
                               : 0;
    rest -= cuts->included_units;
    rest = rest > 0 && rest < price->minimum_units ? price->minimum_units : rest;
    const enum tg_err err =
        tg_rate_increments(rest, price->first_increment, price->next_increment, &billed);
    if (err != TG_OK) {
        return err;
    }
    if (!is_off_used) {
        cuts->included_units = price->included_units < billed ? price->included_units : billed;
        billed -= cuts->included_units;
    }
    if (__builtin_add_overflow(covered_units, billed, &cuts->billed_units)) {
        return TG_E_AMOUNT_OVERFLOW;
    }
    cuts->cuts[0].units = cuts->billed_units;
    return TG_OK;
}

/* Units behind grace, less included ones that come off what was used; 0: nothing is billed. */
static inline uint64_t used_units(struct tg_rate_cuts *cuts)
{
    uint64_t units = cuts->raw_units > cuts->price->grace_units ? cuts->raw_units : 0;
    if (__builtin_expect((cuts->info->options & TG_PRICE_INCLUDED_FIRST) != 0, 0)) {
        const uint64_t included = cuts->price->included_units;
        cuts->included_units = included < units ? included : units;
        units -= cuts->included_units;
    }
    return units;
}

enum tg_err tg_rate_cut(const struct tg_image *image, const struct tg_plan_service *plan_service,
                        uint32_t model, uint32_t zone, const struct tg_usage *row,
                        struct tg_rate_cuts *cuts)
{
    int64_t until_ns;
    int64_t end_ns = row->start_ns;
    uint32_t band;
    cuts->cuts_count = 0;
    cuts->billed_units = 0;
    cuts->included_units = 0;
    cuts->is_isolated = false;
    cuts->is_covered_apart = false;
    cuts->price =
        price_in_band(image, plan_service, model, zone, row, row->start_ns, &until_ns, &band);
    cuts->info = NULL;
    const bool is_timed =
        (plan_service->dimension == TG_DIMENSION_TIME || plan_service->is_data_timed != 0) &&
        plan_service->split_mode != TG_SPLIT_START && until_ns != INT64_MAX &&
        !__builtin_add_overflow(row->start_ns, (int64_t)row->duration_ms * TG_NS_PER_MS, &end_ns);
    const bool is_crossing = is_timed && end_ns > until_ns;
    if (is_crossing && plan_service->split_mode == TG_SPLIT_END) {
        cuts->price =
            price_in_band(image, plan_service, model, zone, row, end_ns - 1, &until_ns, &band);
    }
    if (cuts->price == NULL) {
        return TG_E_NO_RATE;
    }
    cuts->info = tg_image_price_info(image, cuts->price->price_id);
    if (plan_service->dimension == TG_DIMENSION_MONEY && (row->flags & TG_USAGE_AMOUNT) == 0) {
        return TG_E_MISSING_FIELD;
    }
    const uint64_t base = tg_rate_base_quantity(row, plan_service->dimension);
    cuts->raw_units =
        tg_rate_units(base, cuts->info->unit_base_count, cuts->info->quantity_rounding);
    const uint64_t used = used_units(cuts);
    if (used == 0) {
        return TG_OK;
    }
    const uint64_t units = used < cuts->price->minimum_units ? cuts->price->minimum_units : used;
    enum tg_err err = TG_OK;
    if (is_crossing && plan_service->split_mode != TG_SPLIT_END) {
        cuts->is_isolated = plan_service->split_mode == TG_SPLIT_ISOLATED;
        struct cutter cutter = {
            .image = image,
            .plan_service = plan_service,
            .row = row,
            .cuts = cuts,
            .pace = pace_of(plan_service, row, end_ns, cuts),
            .used = used,
            .units = units,
            .zone = zone,
            .time_model = model,
            .band = band,
            .price = cuts->price,
        };
        if (cuts->included_units > 0) {
            err = included_skip(&cutter, &until_ns);
        }
        err = err == TG_OK ? cut_bands(&cutter, until_ns) : err;
    } else {
        err = cut_one(row, units, band, cuts);
    }
    if (err == TG_OK) {
        included_take(cuts);
    }
    return err;
}
