/* SPDX-License-Identifier: Apache-2.0 */
/* Random worlds, and their documents. */
#include "slow_world.h"

#include "abi/tariff.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define JANUARY_S  INT64_C(1767225600) /* 2026-01-01 */
#define APRIL_5_S  INT64_C(1775347200) /* 2026-04-05 */
#define APRIL_11_S INT64_C(1775865600) /* 2026-04-11 */

static const char *const tariff_names[] = {"per_unit", "graduated", "volume",     "package",
                                           "stepped",  "flat",      "percentage", "dynamic"};
static const char *const roundings[] = {"half_up", "half_even", "up", "down", "ceil", "floor"};
static const char *const splits[] = {"consecutive", "start", "end", "isolated"};
static const char *const owners[] = {"increment_start", "per_second", "per_segment"};
static const char *const periods[] = {"month", "day", "ever"};
static const char *const bands[] = {"off", "peak", "night"};

uint64_t slow_roll(struct slow_dice *dice, uint64_t sides)
{
    dice->state = dice->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (dice->state >> 33) % sides;
}

/* What a tariff has of its own: prices, tiers, increments. */
static void price_tiers(struct slow_dice *dice, struct slow_price *price)
{
    const bool has_tiers = price->tariff == SLOW_GRADUATED || price->tariff == SLOW_VOLUME ||
                           price->tariff == SLOW_STEPPED;
    uint64_t bound = 0;
    price->steps_count = has_tiers ? 3 : 1;
    for (uint32_t i = 0; i < SLOW_STEPS; i++) {
        bound += 1 + slow_roll(dice, 2500);
        price->up_to[i] = bound;
        price->price[i] = (int64_t)slow_roll(dice, 9000000);
        price->flat[i] = has_tiers ? (int64_t)(slow_roll(dice, 2) * slow_roll(dice, 20000000)) : 0;
        price->steps[i] = 1 + slow_roll(dice, 2) * slow_roll(dice, 60);
    }
    price->is_threshold = slow_roll(dice, 2) == 1;
    price->is_of_total = slow_roll(dice, 2) == 1;
    price->free_units = slow_roll(dice, 2) * slow_roll(dice, 500);
}

/* What stands beside rounded segments has their decimals. */
static void segments_align(struct slow_price *price)
{
    int64_t step = 1;
    for (unsigned i = 0; i < price->exponent; i++) {
        step *= 10;
    }
    if (price->rounds_segments) {
        price->connect -= price->connect % step;
        price->min -= price->min != INT64_MIN ? price->min % step : 0;
        price->max += price->max != INT64_MAX ? step - price->max % step : 0;
    }
}

static struct slow_price price_make(struct slow_dice *dice, enum slow_tariff tariff,
                                    uint64_t unit_base)
{
    struct slow_price price = {.tariff = tariff, .unit_base = unit_base};
    price.per = 1 + slow_roll(dice, 90);
    price.block = 1 + slow_roll(dice, 3) / 2 * slow_roll(dice, 10);
    price_tiers(dice, &price);
    price.first = 1 + slow_roll(dice, 60);
    price.next = 1 + slow_roll(dice, 30);
    price.grace = slow_roll(dice, 3) / 2 * slow_roll(dice, 8);
    price.minimum = slow_roll(dice, 2) * slow_roll(dice, 40);
    price.included = slow_roll(dice, 2) * slow_roll(dice, 20);
    price.connect = (int64_t)(slow_roll(dice, 2) * slow_roll(dice, 50000000));
    price.min = slow_roll(dice, 4) == 0 ? (int64_t)slow_roll(dice, 90000000) : INT64_MIN;
    price.max =
        slow_roll(dice, 4) == 0 ? 90000000 + (int64_t)slow_roll(dice, 900000000) : INT64_MAX;
    price.rounding = (unsigned)slow_roll(dice, 6);
    price.quantity_rounding = (unsigned)slow_roll(dice, 6);
    price.exponent = (unsigned)(slow_roll(dice, 2) * slow_roll(dice, 8));
    price.is_of_record = slow_roll(dice, 3) == 0;
    price.connects_on_use = slow_roll(dice, 2) == 1;
    price.max_stops = slow_roll(dice, 3) == 0;
    price.rounds_segments = slow_roll(dice, 3) == 0;
    segments_align(&price);
    return price;
}

/* A price of carried money has no increments; its tariff has bounds of its own. */
static struct slow_price money_make(struct slow_dice *dice)
{
    struct slow_price price = {.tariff = slow_roll(dice, 3) == 0 ? SLOW_DYNAMIC : SLOW_PERCENTAGE,
                               .unit_base = 1,
                               .block = 1,
                               .per = 1000000,
                               .first = 1,
                               .next = 1,
                               .min = INT64_MIN,
                               .max = INT64_MAX};
    price.rate_ppm = (int64_t)slow_roll(dice, 300000);
    price.fixed = (int64_t)(slow_roll(dice, 2) * slow_roll(dice, 40000000));
    price.free_events = slow_roll(dice, 2) * slow_roll(dice, 30);
    price.rounding = (unsigned)slow_roll(dice, 6);
    price.quantity_rounding = TG_ROUND_UP;
    price.exponent = (unsigned)(slow_roll(dice, 2) * slow_roll(dice, 8));
    return price;
}

static void voice_make(struct slow_dice *dice, struct slow_version *version)
{
    const uint64_t block = 1 + slow_roll(dice, 3) / 2 * slow_roll(dice, 10);
    for (uint32_t zone = 0; zone < SLOW_ZONES; zone++) {
        version->is_sold[zone] = zone != 3 || slow_roll(dice, 2) == 0;
        struct slow_price *prices = version->voice[zone];
        /* A few count nothing, so that calls may go on from them to tiers. */
        const uint64_t tariffs = slow_roll(dice, 4) == 0 ? 1 : SLOW_FLAT;
        prices[0] = price_make(dice, (enum slow_tariff)slow_roll(dice, tariffs), 1000);
        prices[0].block = block;
        if (version->cuts_rates) { /* a call may lie in several zones, and is one charge */
            prices[0].per = version->voice[0][0].per;
            prices[0].exponent = version->voice[0][0].exponent;
            prices[0].rounds_segments = version->voice[0][0].rounds_segments;
            segments_align(&prices[0]);
        }
        for (uint32_t band = 1; band < SLOW_BANDS; band++) {
            prices[band] = prices[0];
            prices[band].tariff = (enum slow_tariff)slow_roll(dice, tariffs);
            price_tiers(dice, &prices[band]);
            prices[band].first = 1 + slow_roll(dice, 60);
            prices[band].next = 1 + slow_roll(dice, 30);
            prices[band].rounding =
                (unsigned)(prices[0].rounds_segments ? slow_roll(dice, 6) : prices[0].rounding);
        }
    }
}

static void deck_make(struct slow_dice *dice, struct slow_version *version)
{
    for (uint32_t i = 0; i < SLOW_PREFIXES; i++) {
        struct slow_prefix *row = &version->deck[i];
        bool is_new = false;
        while (!is_new) {
            (void)snprintf(row->digits, sizeof row->digits, "%llu",
                           (unsigned long long)(1 + slow_roll(dice, i % 4 == 0 ? 9 : 3000)));
            is_new = true;
            for (uint32_t j = 0; j < i; j++) {
                is_new = is_new && strcmp(version->deck[j].digits, row->digits) != 0;
            }
            is_new = is_new || i % 4 == 0; /* nine short ones: some may be there twice, dated */
        }
        row->zone = i < SLOW_ZONES ? i : (uint32_t)slow_roll(dice, SLOW_ZONES);
        row->from_s = slow_roll(dice, 3) == 0 ? APRIL_5_S : INT64_MIN;
        row->to_s = row->from_s == INT64_MIN && slow_roll(dice, 3) == 0 ? APRIL_5_S : INT64_MAX;
        for (uint32_t j = 0; j < i; j++) {
            if (strcmp(version->deck[j].digits, row->digits) == 0) {
                row->digits[0] = '\0'; /* no room left: written nowhere, fits nothing */
                row->from_s = INT64_MAX;
            }
        }
    }
    for (uint32_t i = 0; i < 6; i++) {
        version->fallback[i] =
            (struct slow_prefix){.zone = i % SLOW_ZONES, .from_s = INT64_MIN, .to_s = INT64_MAX};
        (void)snprintf(version->fallback[i].digits, sizeof version->fallback[i].digits, "%u",
                       slow_roll(dice, 2) == 0 ? 2 + i : 200 + i * 113);
    }
    version->is_longest = slow_roll(dice, 2) == 0;
}

/* Causes, reversals and changes of rates. Cause 0 is what most uses end with. */
static void terms_make(struct slow_dice *dice, struct slow_version *version)
{
    const bool has_causes = slow_roll(dice, 2) == 0;
    const uint32_t mask = (uint32_t)slow_roll(dice, UINT64_C(1) << 31) * 2u;
    const bool bills_none = slow_roll(dice, 8) == 0;
    version->billable_mask = !has_causes ? 0 : bills_none ? mask | 2u : mask | 1u;
    version->suspends_causes = slow_roll(dice, 2) == 0;
    version->reverses = slow_roll(dice, 2) == 0;
    version->cuts_rates = (version->split == 0 || version->split == 3) && slow_roll(dice, 3) != 0;
}

void slow_world_make(struct slow_dice *dice, struct slow_world *world)
{
    memset(world, 0, sizeof *world);
    for (uint32_t i = 0; i < SLOW_BUCKETS; i++) {
        const bool is_pool = slow_roll(dice, 3) == 0;
        world->buckets[i] = (struct slow_bucket){
            .seconds = 60 + slow_roll(dice, 40000),
            .cap = is_pool && slow_roll(dice, 2) == 0 ? 30 + slow_roll(dice, 9000) : UINT64_MAX,
            .priority = (uint32_t)slow_roll(dice, 2) * 50,
            .zones_mask = (uint32_t)(slow_roll(dice, 2) * slow_roll(dice, 16)),
            .period = (unsigned)slow_roll(dice, 3),
            .is_pool = is_pool};
    }
    for (uint32_t v = 0; v < SLOW_VERSIONS; v++) {
        struct slow_version *version = &world->versions[v];
        version->from_s = v == 0 ? JANUARY_S : APRIL_11_S;
        version->bands_count = slow_roll(dice, 4) == 0 ? 1 : SLOW_BANDS;
        version->peak_from = 6 + (uint32_t)slow_roll(dice, 4);
        version->peak_to = 12 + (uint32_t)slow_roll(dice, 9);
        version->night_to = 1 + (uint32_t)slow_roll(dice, 5);
        version->split = (unsigned)slow_roll(dice, 4);
        version->owner = (unsigned)slow_roll(dice, 3);
        version->buckets_mask =
            v > 0 ? world->versions[0].buckets_mask : (uint32_t)slow_roll(dice, 1u << SLOW_BUCKETS);
        terms_make(dice, version);
        voice_make(dice, version);
        deck_make(dice, version);
        version->data =
            price_make(dice, slow_roll(dice, 2) == 0 ? SLOW_PER_UNIT : SLOW_GRADUATED, 1000);
        version->message = price_make(dice, (enum slow_tariff)slow_roll(dice, SLOW_PERCENTAGE), 1);
        version->event = money_make(dice);
    }
}

static void money_write(FILE *out, const char *key, int64_t amount)
{
    (void)fprintf(out, ", %s: \"%lld.%08lld\"", key, (long long)(amount / 100000000),
                  (long long)(amount % 100000000));
}

static void tiers_write(FILE *out, const struct slow_price *price)
{
    (void)fputs(", tiers: [", out);
    for (uint32_t i = 0; i < price->steps_count; i++) {
        (void)fprintf(out, "%s{per: %llu", i > 0 ? ", " : "", (unsigned long long)price->per);
        money_write(out, "price", price->price[i]);
        money_write(out, "flat", price->flat[i]);
        if (i + 1 < price->steps_count) {
            (void)fprintf(out, ", up_to: %llu", (unsigned long long)price->up_to[i]);
        }
        (void)fputs("}", out);
    }
    (void)fputs("]", out);
}

static void params_write(FILE *out, const struct slow_price *price)
{
    if (price->tariff == SLOW_STEPPED) {
        (void)fprintf(out, ", params: {increments: [%llu, %llu, %llu], mode: %s, of: %s}",
                      (unsigned long long)price->steps[0], (unsigned long long)price->steps[1],
                      (unsigned long long)price->steps[2],
                      price->is_threshold ? "threshold" : "tiered",
                      price->is_of_total ? "total" : "record");
    } else if (price->tariff == SLOW_PACKAGE) {
        (void)fprintf(out, ", params: {free_units: %llu}", (unsigned long long)price->free_units);
    } else if (price->tariff == SLOW_PERCENTAGE) {
        (void)fprintf(out, ", params: {rate: \"%lld.%04lld%%\", fixed: \"%lld.%08lld\"",
                      (long long)(price->rate_ppm / 10000), (long long)(price->rate_ppm % 10000),
                      (long long)(price->fixed / 100000000), (long long)(price->fixed % 100000000));
        if (price->free_events > 0) {
            (void)fprintf(out, ", free_events: %llu", (unsigned long long)price->free_events);
        }
        (void)fputs("}", out);
    }
}

/* Decimals that the version's prices have when they say none: those of its first price. */
static unsigned usual_exponent(const struct slow_version *version)
{
    const unsigned exponent = version->voice[0][0].exponent;
    return exponent <= 6 ? exponent : 0;
}

static void price_write(FILE *out, const char *name, const char *unit,
                        const struct slow_version *version, const struct slow_price *price)
{
    const bool is_money = strcmp(unit, "amount") == 0;
    (void)fprintf(out, "  %s: {tariff: %s, unit: %s, rounding: %s, counter: %s, rounding_of: %s",
                  name, tariff_names[price->tariff], unit, roundings[price->rounding],
                  price->is_of_record ? "record" : "month",
                  price->rounds_segments ? "segment" : "event");
    if (price->exponent != usual_exponent(version)) {
        (void)fprintf(out, ", decimals: %u", 8 - price->exponent);
    }
    if (!is_money) {
        (void)fprintf(out,
                      ", quantity_rounding: %s, block: %llu, first: %llu, next: %llu, grace: %llu, "
                      "minimum: %llu, included: %llu, connect_on: %s",
                      roundings[price->quantity_rounding], (unsigned long long)price->block,
                      (unsigned long long)price->first, (unsigned long long)price->next,
                      (unsigned long long)price->grace, (unsigned long long)price->minimum,
                      (unsigned long long)price->included,
                      price->connects_on_use ? "used" : "priced");
        money_write(out, "connect", price->connect);
        if (price->min != INT64_MIN) {
            money_write(out, "min", price->min);
        }
        if (price->max != INT64_MAX) {
            money_write(out, "max", price->max);
            (void)fprintf(out, ", at_max: %s", price->max_stops ? "stop" : "free");
        }
        if (price->steps_count > 1) {
            tiers_write(out, price);
        } else {
            (void)fprintf(out, ", per: %llu", (unsigned long long)price->per);
            money_write(out, "price", price->price[0]);
        }
    }
    params_write(out, price);
    (void)fputs("}\n", out);
}

static FILE *file_open(const char *folder, const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *out = fopen(path, "we");
    assert(out != NULL);
    return out;
}

static void deck_write(const char *folder, const char *name, const struct slow_prefix *rows,
                       uint32_t count)
{
    FILE *out = file_open(folder, name);
    (void)fputs("prefix,zone,valid_from,valid_to\n", out);
    for (uint32_t i = 0; i < count; i++) {
        if (rows[i].digits[0] != '\0') {
            (void)fprintf(out, "%s,z%u,%s,%s\n", rows[i].digits, rows[i].zone,
                          rows[i].from_s != INT64_MIN ? "2026-04-05" : "",
                          rows[i].to_s != INT64_MAX ? "2026-04-05" : "");
        }
    }
    (void)fclose(out);
}

static void prices_write(FILE *out, const struct slow_version *version)
{
    char name[16];
    (void)fputs("prices:\n", out);
    for (uint32_t zone = 0; zone < SLOW_ZONES; zone++) {
        for (uint32_t band = 0; band < version->bands_count; band++) {
            (void)snprintf(name, sizeof name, "v%u%u", zone, band);
            price_write(out, name, "second", version, &version->voice[zone][band]);
        }
    }
    price_write(out, "data", "kilobyte", version, &version->data);
    price_write(out, "message", "event", version, &version->message);
    price_write(out, "event", "amount", version, &version->event);
}

static void allowances_write(FILE *out, const struct slow_world *world)
{
    (void)fputs("allowances:\n", out);
    for (uint32_t i = 0; i < SLOW_BUCKETS; i++) {
        const struct slow_bucket *bucket = &world->buckets[i];
        (void)fprintf(out,
                      "  a%u: {unit: second, amount: %llu, services: [voice], period: %s, "
                      "priority: %u, scope: %s",
                      i, (unsigned long long)bucket->seconds, periods[bucket->period],
                      bucket->priority, bucket->is_pool ? "account" : "subscriber");
        if (bucket->cap != UINT64_MAX) {
            (void)fprintf(out, ", member_cap: %llu", (unsigned long long)bucket->cap);
        }
        const char *separator = ", zones: [";
        for (uint32_t zone = 0; bucket->zones_mask != 0 && zone < SLOW_ZONES; zone++) {
            if ((bucket->zones_mask >> zone & 1u) != 0) {
                (void)fprintf(out, "%sz%u", separator, zone);
                separator = ", ";
            }
        }
        (void)fputs(bucket->zones_mask != 0 ? "]}\n" : "}\n", out);
    }
}

static void causes_write(FILE *out, const struct slow_version *version)
{
    const char *separator = "causes: {t: {billable: [";
    for (uint32_t i = 0; i < 32 && version->billable_mask != 0; i++) {
        if ((version->billable_mask >> i & 1u) != 0) {
            (void)fprintf(out, "%s%u", separator, i);
            separator = ", ";
        }
    }
    if (version->billable_mask != 0) {
        (void)fprintf(out, "], otherwise: %s}}\n", version->suspends_causes ? "suspend" : "free");
    }
}

static void plan_write(FILE *out, const struct slow_version *version)
{
    const char *reverse = version->reverses ? ", negative_usage: reverse" : "";
    (void)fprintf(out,
                  "plans:\n  p:\n    data: {price: data%s}\n    message: {price: message%s%s}\n"
                  "    event: {price: event%s}\n    voice:\n      deck: d\n"
                  "      fallback_decks: [f]\n      deck_match: %s\n      split: %s\n"
                  "      increment_owner: %s\n",
                  reverse, reverse, version->billable_mask != 0 ? ", causes: t" : "", reverse,
                  version->is_longest ? "longest" : "first", splits[version->split],
                  owners[version->owner]);
    if (version->bands_count > 1) {
        (void)fputs("      time_model: t\n", out);
    }
    if (version->cuts_rates) {
        (void)fputs("      rate_change: split\n", out);
    }
    if (version->billable_mask != 0) {
        (void)fputs("      causes: t\n", out);
    }
    if (version->reverses && version->buckets_mask == 0) {
        (void)fputs("      negative_usage: reverse\n", out);
    }
    const char *separator = "      allowances: [";
    for (uint32_t i = 0; i < SLOW_BUCKETS; i++) {
        if ((version->buckets_mask >> i & 1u) != 0) {
            (void)fprintf(out, "%sa%u", separator, i);
            separator = ", ";
        }
    }
    (void)fputs(version->buckets_mask != 0 ? "]\n      prices:\n" : "      prices:\n", out);
    for (uint32_t zone = 0; zone < SLOW_ZONES; zone++) {
        if (!version->is_sold[zone]) {
            continue;
        }
        (void)fprintf(out, "        z%u: ", zone);
        if (version->bands_count == 1) {
            (void)fprintf(out, "v%u0\n", zone);
            continue;
        }
        for (uint32_t band = 0; band < SLOW_BANDS; band++) {
            (void)fprintf(out, "%s%s: v%u%u", band > 0 ? ", " : "{", bands[band], zone, band);
        }
        (void)fputs("}\n", out);
    }
}

void slow_world_write(const struct slow_world *world, uint32_t version_index, const char *folder)
{
    const struct slow_version *version = &world->versions[version_index];
    FILE *out = file_open(folder, "catalog.yaml");
    (void)fprintf(out,
                  "catalog: {version: %u, valid_from: %s, currency: EUR, rating_digits: %u}\n"
                  "decks: {d: {file: d.csv}, f: {file: f.csv}}\n"
                  "products: {one: {plan: p}}\n",
                  version_index + 1, version_index == 0 ? "2026-01-01" : "2026-04-11",
                  6 - usual_exponent(version));
    (void)fprintf(out,
                  "time_models:\n  t: {zone: Europe/Berlin, default: off, bands: [{band: night, "
                  "to: \"%02u:00\"}, {band: peak, days: mon-fri, from: \"%02u:00\", to: "
                  "\"%02u:00\"}], holidays: {band: off, dates: [2026-04-03]}}\n",
                  version->night_to, version->peak_from, version->peak_to);
    prices_write(out, version);
    allowances_write(out, world);
    causes_write(out, version);
    plan_write(out, version);
    (void)fclose(out);
    deck_write(folder, "d.csv", version->deck, SLOW_PREFIXES);
    deck_write(folder, "f.csv", version->fallback, 6);
    out = file_open(folder, "accounts.csv");
    (void)fputs("id\n", out);
    for (uint32_t i = 0; i < SLOW_ACCOUNTS; i++) {
        (void)fprintf(out, "A%u\n", i);
    }
    (void)fclose(out);
    out = file_open(folder, "subscribers.csv");
    (void)fputs("id,account,product,msisdn,active_from\n", out);
    for (uint32_t i = 0; i < SLOW_SUBSCRIBERS; i++) {
        (void)fprintf(out, "S%u,A%u,one,%u,2020-01-01\n", i, i / 3, 49150000 + i);
    }
    (void)fclose(out);
}
