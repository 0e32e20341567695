/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/pause.h"

#include "base/clock.h"
#include "bill/convert.h"

#include <assert.h>

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Midnight at an instant, or the next one. */
static int64_t midnight_from(struct tg_zone_view zone, int64_t at_ns)
{
    const int64_t local_ns = tg_zone_local_ns(zone, at_ns);
    const int64_t within_ns = local_ns % TG_NS_PER_DAY;
    return within_ns == 0 ? at_ns : tg_zone_utc_ns(zone, local_ns - within_ns + TG_NS_PER_DAY);
}

/* Midnight at an instant, or the one before. */
static int64_t midnight_before(struct tg_zone_view zone, int64_t at_ns)
{
    const int64_t local_ns = tg_zone_local_ns(zone, at_ns);
    const int64_t within_ns = local_ns % TG_NS_PER_DAY;
    return within_ns == 0 ? at_ns : tg_zone_utc_ns(zone, local_ns - within_ns);
}

/* The times that are looked at, and what is found in them. */
struct walk {
    const struct tg_bill_pause_params *params;
    int64_t from_ns; /* the subscription's time in the cycle */
    int64_t to_ns;
    uint8_t proration;
    bool is_whole; /* some suspension takes all of the cycle */
    bool has_gap;  /* some of the time is not suspended */
    int64_t until_ns;
    uint64_t covered; /* by the parts that are given back */
};

static enum tg_err prorate(const struct walk *walk, int64_t from_ns, int64_t to_ns,
                           struct tg_bill_prorated *part)
{
    const struct tg_bill_fee_params *whole = walk->params->whole;
    const bool is_by_days =
        walk->proration != TG_PRORATE_FIXED_30 && walk->proration != TG_PRORATE_SECONDS;
    const struct tg_bill_prorate_params prorate = {
        .size_bytes = sizeof prorate,
        .proration = is_by_days ? TG_PRORATE_ACTUAL_DAYS : walk->proration,
        .rounding = walk->params->version.image->rounding_rate,
        .exponent =
            tg_image_rating_exponent(walk->params->version.image, walk->params->version.currency),
        .zone = whole->zone,
        .fee = walk->params->amount,
        .cycle_start_ns = whole->start_ns,
        .cycle_end_ns = whole->end_ns,
        .active_start_ns = from_ns,
        .active_end_ns = to_ns,
    };
    return walk->params->period == TG_PERIOD_WEEK ? tg_bill_prorate_weeks(&prorate, part)
                                                  : tg_bill_prorate(&prorate, part);
}

static enum tg_err pause_walk(struct walk *walk, const struct tg_roster_pause *pause,
                              struct tg_bill_paused *paused)
{
    const struct tg_zone_view zone = walk->params->whole->zone;
    const bool is_by_seconds =
        walk->proration == TG_PRORATE_SECONDS && walk->params->period != TG_PERIOD_DAY;
    int64_t from_ns = later((int64_t)pause->from_s * TG_NS_PER_S, walk->from_ns);
    int64_t to_ns = pause->to_s == TG_ROSTER_OPEN_S
                        ? walk->to_ns
                        : earlier((int64_t)pause->to_s * TG_NS_PER_S, walk->to_ns);
    if (from_ns >= to_ns) {
        return TG_OK;
    }
    if (!is_by_seconds) {
        from_ns = from_ns == walk->from_ns ? from_ns : midnight_from(zone, from_ns);
        to_ns = to_ns == walk->to_ns ? to_ns : midnight_before(zone, to_ns);
    }
    walk->is_whole |= pause->fee == TG_PAUSE_FEE_NONE;
    if (from_ns >= to_ns) {
        return TG_OK;
    }
    walk->has_gap |= from_ns > walk->until_ns;
    walk->until_ns = to_ns;
    paused->from_ns = paused->from_ns == 0 ? from_ns : paused->from_ns;
    paused->to_ns = to_ns;
    struct tg_bill_prorated part;
    const enum tg_err err = prorate(walk, from_ns, to_ns, &part);
    walk->covered += err == TG_OK ? part.covered : 0;
    return err;
}

/* How much of what is owed comes back, in its own parts of a whole. */
static uint64_t covered_back(const struct walk *walk, const struct tg_bill_prorated *owed,
                             uint64_t active)
{
    const bool is_all = !walk->has_gap && walk->until_ns >= walk->to_ns;
    if (walk->covered == 0) {
        return 0;
    }
    switch (walk->params->period == TG_PERIOD_DAY ? (uint8_t)TG_PRORATE_ACTUAL_DAYS
                                                  : walk->proration) {
    case TG_PRORATE_NONE_FULL:
        return is_all ? owed->covered : 0;
    case TG_PRORATE_NONE_ZERO:
        return owed->covered;
    case TG_PRORATE_THIRTIETHS: { /* what stays is its days of 30, at most all */
        const uint64_t left = active > walk->covered ? active - walk->covered : 0;
        return owed->covered > left ? owed->covered - left : 0;
    }
    default:
        return walk->covered < owed->covered ? walk->covered : owed->covered;
    }
}

static bool is_never_prorated(uint8_t proration)
{
    return proration == TG_PRORATE_NONE_FULL || proration == TG_PRORATE_NONE_ZERO;
}

enum tg_err tg_bill_pause_owed(const struct tg_bill_pause_params *params,
                               struct tg_bill_paused *paused)
{
    assert(params->size_bytes == sizeof *params && params->version.image != NULL);
    const struct tg_bill_fee_params *whole = params->whole;
    struct walk walk = {.params = params,
                        .from_ns = later(params->from_ns, whole->active_from_ns),
                        .to_ns = earlier(params->to_ns, whole->active_to_ns),
                        .proration = params->version.product->proration};
    struct tg_bill_prorated owed;
    struct tg_bill_prorated all = {.covered = 0};
    walk.until_ns = walk.from_ns;
    *paused = (struct tg_bill_paused){.total = 1};
    if (params->period == TG_PERIOD_EVER || params->pauses_count == 0 ||
        walk.from_ns >= walk.to_ns) {
        return TG_OK;
    }
    enum tg_err err =
        tg_bill_fee_owed(&params->version, params->amount, params->period, whole, &owed);
    for (uint32_t i = 0; i < params->pauses_count && err == TG_OK; i++) {
        if (params->pauses[i].fee != TG_PAUSE_FEE_FULL) {
            err = pause_walk(&walk, &params->pauses[i], paused);
        }
    }
    err = err == TG_OK ? prorate(&walk, walk.from_ns, walk.to_ns, &all) : err;
    if (err != TG_OK || owed.covered == 0) {
        return err;
    }
    const bool is_part = params->from_ns > whole->start_ns || params->to_ns < whole->end_ns;
    paused->covered = covered_back(&walk, &owed, all.covered);
    paused->total = params->period == TG_PERIOD_DAY ? 1 : owed.total;
    if (walk.is_whole) { /* all of the cycle, which of a longer period is a part */
        paused->covered = is_part && all.covered < owed.covered ? all.covered : owed.covered;
        paused->from_ns = walk.from_ns;
        paused->to_ns = walk.to_ns;
    }
    if (is_part && is_never_prorated(walk.proration)) { /* the cycle's days, or none of them */
        paused->covered = walk.is_whole || paused->covered > 0 ? all.covered : 0;
        paused->total = all.total;
    } else if (paused->covered == owed.covered) {
        paused->amount = owed.amount;
        return TG_OK;
    }
    return tg_bill_rate(params->version.image, params->version.currency,
                        (__int128)params->amount * (__int128)paused->covered, paused->total,
                        &paused->amount);
}
