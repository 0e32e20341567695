/* SPDX-License-Identifier: Apache-2.0 */
/* First half of the rate stage: who, which plan, which zone. Reads only the snapshot. */
#include "rate/worker.h"

#include "base/clock.h"
#include "rate/account_state.h"

#include <assert.h>
#include <string.h>

uint32_t tg_rate_month_make(int64_t time_ns, struct tg_rate_month *month)
{
    const uint32_t period = tg_account_period(time_ns);
    if (period == 0) {
        return 0;
    }
    struct tg_civil civil;
    tg_clock_to_civil(time_ns, &civil);
    struct tg_civil from = {.year = civil.year, .month = civil.month, .day = 1};
    struct tg_civil to = {
        .year = civil.year + civil.month / 12, .month = (uint8_t)(civil.month % 12 + 1), .day = 1};
    *month = (struct tg_rate_month){tg_clock_from_civil(&from), tg_clock_from_civil(&to), period};
    return period;
}

uint32_t tg_rate_period_slow(struct tg_rate *rate, int64_t time_ns)
{
    const uint32_t period = tg_rate_month_make(time_ns, &rate->months[rate->months_next]);
    rate->months_next = (rate->months_next + (period != 0)) % TG_RATE_MONTHS_MAX;
    return period;
}

static enum tg_err row_resolve(struct tg_rate *rate, const struct tg_catalog_snapshot *snapshot,
                               const struct tg_usage *row, uint32_t subscriber,
                               struct tg_rate_work *work)
{
    work->period = tg_rate_period(rate, row->start_ns);
    if (work->period == 0) {
        return TG_E_BAD_TIMESTAMP;
    }
    work->image = tg_catalog_image_at(snapshot, row->start_ns);
    if (work->image == NULL) {
        return TG_E_CATALOG_VERSION;
    }
    const struct tg_roster_line *line = tg_roster_line(snapshot->roster, subscriber);
    if (line == NULL) {
        return TG_E_UNKNOWN_SUBSCRIBER;
    }
    if (subscriber >= tg_accounts_subscribers_max(rate->accounts)) {
        return TG_E_FULL;
    }
    work->account = line->account;
    work->active_from_s = line->active_from_s;
    if (__builtin_expect((line->flags & TG_ROSTER_PARTS) == 0, 1)) {
        if (!tg_roster_is_active(line, row->start_ns)) {
            return TG_E_SUBSCRIBER_INACTIVE;
        }
    } else {
        uint32_t index;
        const enum tg_err err =
            tg_roster_admit(snapshot->roster, subscriber, row->start_ns, &index);
        if (err != TG_OK) {
            return err;
        }
        line = tg_roster_line(snapshot->roster, index);
        work->active_from_s = tg_roster_since_s(snapshot->roster, index);
    }
    const struct tg_product *product = tg_image_product(work->image, line->product);
    if (product == NULL) {
        return TG_E_NO_PLAN;
    }
    work->plan_service = tg_image_plan_service(work->image, product->plan, row->service);
    if (work->plan_service == NULL) {
        return TG_E_NO_PLAN;
    }
    if (__builtin_expect(tg_rate_row_is_received(row), 0)) {
        work->plan_service = tg_image_plan_received(work->image, product->plan, row->service);
        if (work->plan_service == NULL) {
            return TG_E_NO_RATE;
        }
    }
    if (work->plan_service->zone_by != TG_ZONE_BY_DECK) {
        rate->has_pairs |= work->plan_service->zone_by == TG_ZONE_BY_PAIR;
        work->zone = work->plan_service->zone_by == TG_ZONE_BY_NETWORK
                         ? tg_image_network_zone(work->image, row->serving_network)
                         : TG_ZONE_NONE;
    }
    return TG_OK;
}

static bool row_wants_deck(const struct tg_usage *row, const struct tg_rate_work *work)
{
    return work->is_worked && work->reason == TG_OK && tg_image_asks_deck(work->plan_service, row);
}

/* Look up all rows of one image and deck together, so that their misses overlap. */
static void group_zones(struct tg_rate *rate, const struct tg_usage *rows, uint32_t count)
{
    uint32_t waiting[TG_RATE_GROUP_ROWS];
    uint32_t waiting_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (row_wants_deck(&rows[i], &rate->works[i])) {
            waiting[waiting_count++] = i;
        }
    }
    while (waiting_count > 0) {
        const struct tg_rate_work *first = &rate->works[waiting[0]];
        uint32_t taken[TG_RATE_GROUP_ROWS];
        uint64_t keys[TG_RATE_GROUP_ROWS];
        int64_t at_ns[TG_RATE_GROUP_ROWS];
        uint16_t zones[TG_RATE_GROUP_ROWS];
        uint32_t taken_count = 0;
        uint32_t kept_count = 0;
        for (uint32_t i = 0; i < waiting_count; i++) {
            const struct tg_rate_work *work = &rate->works[waiting[i]];
            if (work->image == first->image &&
                work->plan_service->deck == first->plan_service->deck) {
                keys[taken_count] =
                    tg_image_peer_number(work->image, work->plan_service, &rows[waiting[i]]);
                at_ns[taken_count] = rows[waiting[i]].start_ns;
                taken[taken_count++] = waiting[i];
            } else {
                waiting[kept_count++] = waiting[i];
            }
        }
        tg_image_zones(first->image, first->plan_service->deck, keys, at_ns, taken_count, zones);
        for (uint32_t i = 0; i < taken_count; i++) {
            rate->works[taken[i]].zone = zones[i];
        }
        waiting_count = kept_count;
    }
}

/* Numbers the plan's own deck does not have: its other decks, in turn (rating-semantics 4.2.4 a).
 * Where the longest prefix of all decks counts, they are asked for every number. */
static void group_fallbacks(struct tg_rate *rate, const struct tg_usage *rows, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct tg_rate_work *work = &rate->works[i];
        if (!row_wants_deck(&rows[i], work) ||
            (work->zone != TG_ZONE_NONE &&
             work->plan_service->deck_match != TG_DECK_MATCH_LONGEST)) {
            continue;
        }
        if (work->plan_service->fallback_decks[0] != TG_DECK_NONE) {
            work->zone =
                tg_image_plan_zone(work->image, work->plan_service,
                                   tg_image_peer_number(work->image, work->plan_service, &rows[i]),
                                   rows[i].start_ns, NULL);
        }
    }
}

/* Where the usage came from, for plans that price pairs of zones. */
static void group_pairs(struct tg_rate *rate, const struct tg_usage *rows, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct tg_rate_work *work = &rate->works[i];
        if (work->is_worked && work->reason == TG_OK &&
            work->plan_service->zone_by == TG_ZONE_BY_PAIR) {
            work->zone = tg_image_pair_zone(work->image, work->plan_service, &rows[i], work->zone);
        }
    }
}

void tg_rate_group_resolve(struct tg_rate *rate, const struct tg_catalog_snapshot *snapshot,
                           const struct tg_usage *rows, const struct tg_charge *charges,
                           uint32_t count)
{
    rate->has_pairs = false;
    for (uint32_t i = 0; i < count; i++) {
        if (charges[i].subscriber < snapshot->roster->subscribers_count) {
            __builtin_prefetch(&snapshot->roster->lines[charges[i].subscriber], 0, 3);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        struct tg_rate_work *work = &rate->works[i];
        work->is_worked = charges[i].fate == TG_FATE_NONE;
        work->image = NULL;
        work->plan_service = NULL;
        work->price = NULL;
        work->info = NULL;
        work->log = NULL;
        work->call = NULL;
        work->line = NULL;
        work->pieces_count = 0;
        work->zone = TG_ZONE_NONE;
        work->reason = TG_OK;
        work->has_connect_fee = false;
        work->flags = 0;
        if (work->is_worked) {
            work->reason =
                (int16_t)row_resolve(rate, snapshot, &rows[i], charges[i].subscriber, work);
        }
    }
    group_zones(rate, rows, count);
    group_fallbacks(rate, rows, count);
    if (rate->has_pairs) {
        group_pairs(rate, rows, count);
    }
}
