/* SPDX-License-Identifier: Apache-2.0 */
/* The slow rater: unit by unit, second by second, with the definitions of rating-semantics beside
 * it. Nothing here is shared with the engine. */
#include "slow_world.h"

#include "abi/tariff.h"
#include "abi/usage.h"

#include <assert.h>
#include <string.h>

#define DAY_S    INT64_C(86400)
#define MARCH_S  INT64_C(1772323200) /* 2026-03-01T00:00:00Z, a Sunday */
#define APRIL_S  (MARCH_S + 31 * DAY_S)
#define SUMMER_S (MARCH_S + 28 * DAY_S + 3600) /* 2026-03-29T01:00:00Z: Berlin goes to UTC+2 */
#define CHANGE_S (MARCH_S + 35 * DAY_S)        /* 5 April: rows of decks begin and end */
#define HOLIDAY  33                            /* Good Friday, 3 April: days since 1 March */

enum { CONSECUTIVE, START, END, ISOLATED };
enum { OWNER_START, OWNER_PER_SECOND, OWNER_PER_SEGMENT };

/* Where a unit lies. */
struct place {
    uint32_t zone; /* of voice; else 0 */
    uint32_t band;
};

/* A stretch of units in one place. */
struct piece {
    struct place place;
    uint64_t units;
};

struct pieces {
    struct piece at[SLOW_PIECES];
    uint32_t count;
};

int64_t slow_round(__int128 numerator, __int128 denominator, unsigned mode)
{
    __int128 low = numerator / denominator;
    low -= low * denominator > numerator ? 1 : 0;
    const __int128 below = numerator - low * denominator;
    const __int128 above = denominator - below;
    const bool is_negative = numerator < 0;
    if (below == 0) {
        return (int64_t)low;
    }
    switch (mode) {
    case TG_ROUND_HALF_UP:
        return (int64_t)(below < above || (below == above && is_negative) ? low : low + 1);
    case TG_ROUND_HALF_EVEN:
        return (int64_t)(below < above || (below == above && low % 2 == 0) ? low : low + 1);
    case TG_ROUND_UP:
        return (int64_t)(is_negative ? low : low + 1);
    case TG_ROUND_DOWN:
        return (int64_t)(is_negative ? low + 1 : low);
    default:
        return (int64_t)(mode == TG_ROUND_CEIL ? low + 1 : low);
    }
}

static uint32_t band_at(const struct slow_version *version, int64_t at_s)
{
    const int64_t wall = at_s + (at_s >= SUMMER_S ? 7200 : 3600) - MARCH_S;
    const int64_t day = wall >= 0 ? wall / DAY_S : -1;
    const uint32_t hour = (uint32_t)((wall - day * DAY_S) / 3600);
    const int64_t weekday = (day + 7) % 7; /* 0 Sunday */
    if (version->bands_count == 1 || day == HOLIDAY) {
        return 0;
    }
    if (hour < version->night_to) {
        return 2;
    }
    return weekday >= 1 && weekday <= 5 && hour >= version->peak_from && hour < version->peak_to
               ? 1
               : 0;
}

static uint32_t deck_find(const struct slow_prefix *rows, uint32_t count, const char *peer,
                          int64_t at_s, size_t *length_found)
{
    uint32_t zone = SLOW_NO_ZONE;
    size_t best = 0;
    *length_found = 0;
    for (uint32_t i = 0; i < count; i++) {
        const size_t length = strlen(rows[i].digits);
        const bool fits = strncmp(rows[i].digits, peer, length) == 0 && at_s >= rows[i].from_s &&
                          at_s < rows[i].to_s;
        if (fits && (zone == SLOW_NO_ZONE || length > best)) {
            zone = rows[i].zone;
            best = length;
        }
    }
    *length_found = best;
    return zone;
}

static uint32_t zone_at(const struct slow_version *version, const char *peer, int64_t at_s)
{
    size_t length;
    size_t length_behind;
    const uint32_t zone = deck_find(version->deck, SLOW_PREFIXES, peer, at_s, &length);
    const uint32_t behind = deck_find(version->fallback, 6, peer, at_s, &length_behind);
    return zone == SLOW_NO_ZONE ||
                   (version->is_longest && behind != SLOW_NO_ZONE && length_behind > length)
               ? behind
               : zone;
}

/* A call is where its start is; where rates cut, where the row of each of its seconds says. */
struct zones {
    uint32_t start;
    uint32_t behind; /* the change of rows */
};

static struct place place_at(const struct slow_version *version, const struct slow_use *use,
                             struct zones zones, int64_t at_s)
{
    const bool is_within = (at_s - use->start_s) * 1000 < (int64_t)use->quantity;
    const bool is_behind = use->start_s < CHANGE_S && at_s >= CHANGE_S; /* all rows with dates */
    return (struct place){.zone = is_behind && is_within ? zones.behind : zones.start,
                          .band = band_at(version, at_s)};
}

static bool is_one(struct place a, struct place b)
{
    return a.zone == b.zone && a.band == b.band;
}

static bool is_sold(const struct slow_version *version, struct place place)
{
    return place.zone != SLOW_NO_ZONE && version->is_sold[place.zone];
}

static const struct slow_price *price_of(const struct slow_version *version,
                                         const struct slow_use *use, struct place place)
{
    return use->service == TG_SERVICE_VOICE     ? &version->voice[place.zone][place.band]
           : use->service == TG_SERVICE_DATA    ? &version->data
           : use->service == TG_SERVICE_MESSAGE ? &version->message
                                                : &version->event;
}

static uint64_t up_to_step(uint64_t units, uint64_t step)
{
    return (units + step - 1) / step * step;
}

static uint64_t increments(uint64_t units, uint64_t first, uint64_t next)
{
    return units == 0 ? 0 : units <= first ? first : first + up_to_step(units - first, next);
}

static int64_t unit_start(const struct slow_use *use, const struct slow_price *price, uint64_t unit)
{
    const uint64_t base = price->unit_base * price->block;
    return use->start_s + (int64_t)(unit * base / 1000);
}

static void piece_put(const struct slow_version *version, struct pieces *pieces, struct place place,
                      uint64_t units)
{
    const bool joins = version->owner != OWNER_PER_SEGMENT && version->split != ISOLATED;
    if (joins && pieces->count > 0 && is_one(pieces->at[pieces->count - 1].place, place)) {
        pieces->at[pieces->count - 1].units += units;
        return;
    }
    assert(pieces->count < SLOW_PIECES);
    pieces->at[pieces->count++] = (struct piece){place, units};
}

/* 4.4: cut the units where the place changes; each owner of increments in its own words. What a
 * minimum adds to those used lies where the last of them begins. false: a part has no price. */
static bool pieces_cut(const struct slow_version *version, const struct slow_price *begin,
                       const struct slow_use *use, struct zones zones, uint64_t used,
                       uint64_t units, struct pieces *pieces)
{
    uint64_t at = 0;
    while (at < units) {
        const uint64_t from = at < used ? at : used - 1;
        const struct place place = place_at(version, use, zones, unit_start(use, begin, from));
        if (!is_sold(version, place)) {
            return false;
        }
        const struct slow_price *price = price_of(version, use, place);
        uint64_t stop = at + 1;
        while (stop < units &&
               (stop >= used ||
                is_one(place_at(version, use, zones, unit_start(use, begin, stop)), place))) {
            stop++;
        }
        const bool begins =
            at == 0 || (version->split == ISOLATED && version->owner != OWNER_START);
        uint64_t billed = increments(stop - at, begins ? price->first : price->next, price->next);
        if (version->owner == OWNER_PER_SECOND && stop < units) {
            billed = stop - at;
        } else if (version->owner == OWNER_PER_SECOND && version->split != ISOLATED) {
            billed = increments(units, begin->first, price->next) - at;
        }
        piece_put(version, pieces, place, billed);
        at = version->owner == OWNER_START ? at + billed : stop;
    }
    return true;
}

static bool crosses(const struct slow_version *version, const struct slow_use *use,
                    struct zones zones)
{
    const struct place place = place_at(version, use, zones, use->start_s);
    for (int64_t s = 1; s * 1000 < (int64_t)use->quantity; s++) {
        if (!is_one(place_at(version, use, zones, use->start_s + s), place)) {
            return true;
        }
    }
    return false;
}

static uint32_t tier_of(const struct slow_price *price, uint64_t unit)
{
    uint32_t i = 0;
    while (i + 1 < price->steps_count && unit > price->up_to[i]) {
        i++;
    }
    return i;
}

/* Numerator over per of increments of tiers for units before + 1 .. before + units. */
static __int128 stepped(const struct slow_price *price, uint64_t before, uint64_t units)
{
    __int128 sum = 0;
    if (units > 0 && price->is_threshold) {
        const uint32_t i = tier_of(price, before + units);
        sum = (__int128)price->price[i] * up_to_step(units, price->steps[i]);
        return sum + (before == 0 ? (__int128)price->flat[i] * price->per : 0);
    }
    uint64_t low = 0;
    for (uint32_t i = 0; i < price->steps_count; i++) {
        const uint64_t high = i + 1 < price->steps_count ? price->up_to[i] : UINT64_MAX;
        const uint64_t from = before > low ? before : low;
        const uint64_t to = before + units < high ? before + units : high;
        if (from < to) {
            sum += (__int128)price->price[i] * up_to_step(to - from, price->steps[i]);
            sum += from == low ? (__int128)price->flat[i] * price->per : 0;
        }
        low = high;
    }
    return sum;
}

static __int128 volume(const struct slow_price *price, uint64_t total)
{
    const uint32_t i = tier_of(price, total);
    return total == 0 ? 0
                      : (__int128)price->price[i] * total + (__int128)price->flat[i] * price->per;
}

/* 4.5, as numerator over per. */
static __int128 tariff(const struct slow_price *price, uint64_t before, uint64_t units,
                       uint64_t events)
{
    __int128 sum = 0;
    switch (price->tariff) {
    case SLOW_FLAT:
        return (__int128)price->price[0] * price->per;
    case SLOW_VOLUME:
        return volume(price, before + units) - volume(price, before);
    case SLOW_STEPPED:
        return price->is_of_total ? stepped(price, 0, before + units) - stepped(price, 0, before)
                                  : stepped(price, before, units);
    case SLOW_PERCENTAGE: /* per is 1,000,000; carried money has 6 decimals, amounts 8 */
        return events < price->free_events
                   ? 0
                   : (__int128)units * 100 * price->rate_ppm + (__int128)price->fixed * 1000000;
    case SLOW_DYNAMIC:
        return (__int128)units * 100 * price->per;
    default:
        break;
    }
    for (uint64_t unit = before + 1; unit <= before + units; unit++) {
        if (price->tariff == SLOW_PACKAGE) {
            const bool opens =
                unit > price->free_units && (unit - price->free_units - 1) % price->per == 0;
            sum += opens ? (__int128)price->price[0] * price->per : 0;
            continue;
        }
        const uint32_t i = tier_of(price, unit);
        const bool enters = unit == 1 || tier_of(price, unit - 1) != i;
        sum += price->price[i] + (enters ? (__int128)price->flat[i] * price->per : 0);
    }
    return sum;
}

static uint32_t period_of(const struct slow_bucket *bucket, int64_t at_s)
{
    return bucket->period == 2   ? 0
           : bucket->period == 1 ? (uint32_t)((at_s - MARCH_S) / DAY_S)
                                 : (at_s >= APRIL_S ? 1u : 0u);
}

/* From when to when the grant of an instant is. */
static void span_of(const struct slow_bucket *bucket, int64_t at_s, int64_t *from_s, int64_t *to_s)
{
    switch (bucket->period) {
    case 2:
        *from_s = 0;
        *to_s = INT64_MAX;
        return;
    case 1:
        *from_s = at_s - (at_s - MARCH_S) % DAY_S;
        *to_s = *from_s + DAY_S;
        return;
    default:
        *from_s = at_s >= APRIL_S ? APRIL_S : MARCH_S;
        *to_s = at_s >= APRIL_S ? APRIL_S + 30 * DAY_S : APRIL_S;
    }
}

/* 4.6: which bucket comes next: priority, soonest end, own before pool, earliest grant, id. */
static bool is_before(const struct slow_bucket *buckets, int64_t at_s, uint32_t a, uint32_t b)
{
    int64_t from_s[2];
    int64_t to_s[2];
    if (buckets[a].priority != buckets[b].priority) {
        return buckets[a].priority < buckets[b].priority;
    }
    span_of(&buckets[a], at_s, &from_s[0], &to_s[0]);
    span_of(&buckets[b], at_s, &from_s[1], &to_s[1]);
    if (to_s[0] != to_s[1]) {
        return to_s[0] < to_s[1];
    }
    if (buckets[a].is_pool != buckets[b].is_pool) {
        return !buckets[a].is_pool;
    }
    return from_s[0] != from_s[1] ? from_s[0] < from_s[1] : a < b;
}

/* Units of billed that allowances cover. */
static uint64_t cover(const struct slow_world *world, const struct slow_version *version,
                      struct slow_memories *memories, const struct slow_use *use, uint32_t zone,
                      uint64_t base, uint64_t billed)
{
    uint64_t covered = 0;
    uint32_t open = version->buckets_mask;
    while (open != 0) {
        uint32_t i = (uint32_t)__builtin_ctz(open);
        for (uint32_t j = i + 1; j < SLOW_BUCKETS; j++) {
            i = (open >> j & 1u) != 0 && is_before(world->buckets, use->start_s, j, i) ? j : i;
        }
        open &= ~(1u << i);
        const struct slow_bucket *bucket = &world->buckets[i];
        const uint32_t period = period_of(bucket, use->start_s);
        uint64_t *own = &memories->subscribers[use->subscriber].used[i][period];
        uint64_t *pool = &memories->pools[use->subscriber / 3][i][period];
        if (bucket->zones_mask != 0 && (bucket->zones_mask >> zone & 1u) == 0) {
            continue;
        }
        while (covered < billed &&
               (bucket->is_pool ? *pool : *own) + base <= bucket->seconds * 1000 &&
               (bucket->cap == UINT64_MAX || *own + base <= bucket->cap * 1000)) {
            *own += base;
            *pool += bucket->is_pool ? base : 0;
            covered++;
        }
    }
    return covered;
}

static int64_t step_of(const struct slow_price *price)
{
    int64_t step = 1;
    for (unsigned i = 0; i < price->exponent; i++) {
        step *= 10;
    }
    return step;
}

/* 4.1: a segment to the price's decimals; or to the rating scale, where the charge is rounded to
 * them as a whole. */
static int64_t segment_round(const struct slow_price *price, __int128 sum)
{
    const int64_t step = price->rounds_segments ? step_of(price) : 1;
    return slow_round(sum, (__int128)price->per * step, price->rounding) * step;
}

/* 4.1, 4.3 (8) to (10): fee, bounds, one rounding. */
static int64_t finish(const struct slow_price *price, __int128 exact, int64_t rounded, bool pays,
                      bool connects)
{
    const int64_t fee = connects ? price->connect : 0;
    const int64_t step = price->rounds_segments ? 1 : step_of(price);
    __int128 sum = step == 1 ? (__int128)rounded * price->per : exact;
    sum += (__int128)fee * price->per;
    const int64_t charge = rounded + fee;
    if (pays && charge < price->min) {
        sum = (__int128)price->min * price->per;
    }
    if (pays && charge > price->max && !price->max_stops) {
        sum = (__int128)price->max * price->per;
    }
    return slow_round(sum, (__int128)price->per * step, price->rounding) * step;
}

/* 4.3 (2) to (6) and 4.4. false: a part has no price. */
static bool pieces_make(const struct slow_version *version, const struct slow_use *use,
                        struct zones zones, struct pieces *pieces)
{
    const bool is_voice = use->service == TG_SERVICE_VOICE;
    struct place place = {zones.start, is_voice ? band_at(version, use->start_s) : 0};
    const bool is_cut = is_voice && version->split != START && crosses(version, use, zones);
    if (is_cut && version->split == END) {
        place.band = band_at(version, use->start_s + ((int64_t)use->quantity - 1) / 1000);
    }
    const struct slow_price *price = price_of(version, use, place);
    const uint64_t base = price->unit_base * price->block;
    uint64_t units = (uint64_t)slow_round((__int128)use->quantity, base, price->quantity_rounding);
    if (units <= price->grace) {
        return true;
    }
    const uint64_t used = units;
    units = units < price->minimum ? price->minimum : units;
    if (is_cut && version->split != END) {
        if (!pieces_cut(version, price, use, zones, used, units, pieces)) {
            return false;
        }
    } else {
        pieces->at[pieces->count++] =
            (struct piece){place, increments(units, price->first, price->next)};
    }
    uint64_t included = price->included;
    for (uint32_t i = 0; i < pieces->count; i++) {
        const uint64_t part = included < pieces->at[i].units ? included : pieces->at[i].units;
        pieces->at[i].units -= part;
        included -= part;
    }
    return true;
}

/* Does a tariff look at what was before? */
static bool counts(const struct slow_price *price)
{
    switch (price->tariff) {
    case SLOW_GRADUATED:
    case SLOW_VOLUME:
        return price->steps_count > 1;
    case SLOW_PERCENTAGE:
        return price->free_events > 0;
    default:
        return price->tariff == SLOW_PACKAGE || price->tariff == SLOW_STEPPED;
    }
}

/* Prices of a zone's bands count together. A service with one price counts whatever it sells, the
 * others what prices that look at it sell. */
static bool use_counts(const struct slow_version *version, const struct slow_price *prices,
                       const struct slow_use *use)
{
    bool any = false;
    const uint32_t bands = use->service == TG_SERVICE_VOICE ? version->bands_count : 1;
    for (uint32_t band = 0; band < bands; band++) {
        any = any || counts(&prices[band]);
    }
    return use->service == TG_SERVICE_DATA || use->service == TG_SERVICE_MESSAGE ||
           (any && !prices[0].is_of_record);
}

/* Is a counter refused that has not counted what is taken back? */
static bool is_looked_at(const struct slow_version *version, const struct slow_price *prices,
                         const struct slow_use *use)
{
    return use->service == TG_SERVICE_DATA || use->service == TG_SERVICE_MESSAGE
               ? counts(prices) && !prices->is_of_record
               : use_counts(version, prices, use);
}

static uint64_t *counter_of(struct slow_memory *memory, const struct slow_use *use, uint32_t zone,
                            uint32_t month)
{
    return use->service == TG_SERVICE_EVENT   ? &memory->money[month]
           : use->service == TG_SERVICE_VOICE ? &memory->voice_base[zone][month]
           : use->service == TG_SERVICE_DATA  ? &memory->data_base[month]
                                              : &memory->messages[month];
}

/* What was counted before a use: of one that takes back, what is left without it. */
struct before {
    uint64_t base;
    uint64_t events;
};

static bool count(const struct slow_version *version, struct slow_memory *memory,
                  const struct slow_price *prices, const struct slow_use *use, uint32_t zone,
                  uint64_t base, struct before *before)
{
    const uint32_t month = use->start_s >= APRIL_S ? 1 : 0;
    const uint64_t event = use->service == TG_SERVICE_EVENT && base > 0 ? 1 : 0;
    uint64_t *counter = counter_of(memory, use, zone, month);
    uint64_t *events = &memory->events[month];
    const bool is_counted = use_counts(version, prices, use);
    *before = (struct before){is_counted ? *counter : 0, *events};
    if (!is_counted) {
        return true;
    }
    if (!use->is_reversal) {
        *counter += base;
        *events += event;
        return true;
    }
    if (base > *counter && is_looked_at(version, prices, use)) {
        return false;
    }
    *counter -= base < *counter ? base : *counter;
    *events -= event != 0 && *events > 0 ? 1 : 0;
    *before = (struct before){*counter, *events};
    return true;
}

/* What the pieces come to: exactly, and each rounded. */
struct sums {
    __int128 exact; /* over per */
    int64_t rounded;
    bool pays;
};

static struct sums pieces_price(const struct slow_version *version, const struct slow_use *use,
                                const struct pieces *pieces, uint64_t covered, struct before before,
                                uint64_t base)
{
    struct sums sums = {0, 0, false};
    uint64_t units_before = before.base / base;
    for (uint32_t i = 0; i < pieces->count; i++) {
        const struct slow_price *price = price_of(version, use, pieces->at[i].place);
        const uint64_t units = pieces->at[i].units;
        const uint64_t part = covered < units ? covered : units;
        covered -= part;
        if (part < units) {
            const __int128 sum = tariff(price, units_before, units - part, before.events);
            sums.exact += sum;
            sums.rounded += segment_round(price, sum);
            sums.pays = true;
        }
        /* isolated: tiers start again in each band */
        units_before = version->split == ISOLATED && use->service == TG_SERVICE_VOICE
                           ? 0
                           : units_before + units - part;
    }
    return sums;
}

static void use_rate(const struct slow_world *world, const struct slow_version *version,
                     struct zones zones, struct slow_memories *memories, const struct slow_use *use,
                     struct slow_answer *answer)
{
    const uint32_t zone = zones.start;
    const struct slow_price *prices = price_of(version, use, (struct place){zone, 0});
    struct pieces pieces = {.count = 0};
    if (!pieces_make(version, use, zones, &pieces)) {
        answer->reason = TG_E_NO_RATE;
        return;
    }
    const uint64_t base = prices[0].unit_base * prices[0].block;
    uint64_t billed = 0;
    for (uint32_t i = 0; i < pieces.count; i++) {
        billed += pieces.at[i].units;
        answer->cuts_rates |= pieces.at[i].place.zone != zone;
    }
    const uint64_t covered = use->service == TG_SERVICE_VOICE && billed > 0
                                 ? cover(world, version, memories, use, zone, base, billed)
                                 : 0;
    struct before before;
    if (!count(version, &memories->subscribers[use->subscriber], prices, use, zone,
               (billed - covered) * base, &before)) {
        answer->reason = TG_E_NEGATIVE_USAGE;
        return;
    }
    before = prices[0].is_of_record ? (struct before){0, 0} : before;
    const struct sums sums = pieces_price(version, use, &pieces, covered, before, base);
    answer->amount = finish(&prices[0], sums.exact, sums.rounded, sums.pays,
                            sums.pays || (prices[0].connects_on_use && billed > 0));
    answer->amount = use->is_reversal ? -answer->amount : answer->amount;
}

/* 4.3 (1), and what takes usage back. */
static bool terms_ask(const struct slow_version *version, const struct slow_use *use,
                      struct slow_answer *answer)
{
    const bool is_voice = use->service == TG_SERVICE_VOICE;
    if (use->is_reversal && !(version->reverses && (!is_voice || version->buckets_mask == 0))) {
        answer->reason = TG_E_NEGATIVE_USAGE;
        return false;
    }
    answer->is_free = (is_voice || use->service == TG_SERVICE_MESSAGE) &&
                      version->billable_mask != 0 &&
                      (version->billable_mask >> use->cause & 1u) == 0;
    answer->reason = answer->is_free && version->suspends_causes ? TG_E_NOT_BILLABLE : TG_OK;
    return answer->reason == TG_OK;
}

struct slow_answer slow_rate(const struct slow_world *world, struct slow_memories *memories,
                             const struct slow_use *use)
{
    const struct slow_version *version = &world->versions[0];
    for (uint32_t i = 1; i < SLOW_VERSIONS; i++) {
        version = use->start_s >= world->versions[i].from_s ? &world->versions[i] : version;
    }
    struct slow_answer answer = {.reason = TG_OK};
    struct slow_use priced = *use;
    struct zones zones = {0, 0};
    if (!terms_ask(version, use, &answer)) {
        return answer;
    }
    if (answer.is_free) {
        priced.quantity = 0;
    }
    if (use->service == TG_SERVICE_VOICE) {
        zones.start = zone_at(version, use->peer, use->start_s);
        zones.behind = version->cuts_rates ? zone_at(version, use->peer, CHANGE_S) : zones.start;
        if (!is_sold(version, (struct place){zones.start, 0})) {
            answer.reason = TG_E_NO_RATE;
            return answer;
        }
    }
    use_rate(world, version, zones, memories, &priced, &answer);
    return answer;
}
