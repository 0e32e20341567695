/* SPDX-License-Identifier: Apache-2.0 */
/* Laws that hold for any catalog of a kind, over random ones. */
#include "slow_world.h"

#include "base/money.h"
#include "catalog/catalog.h"
#include "rate/rate.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define MARCH_S    INT64_C(1772323200)
#define SPAN_S     (INT64_C(61) * 86400)
#define WORLDS     12
#define ROWS       600
#define QUANTITIES 200000

static struct slow_use call_make(struct slow_dice *dice, uint64_t seconds_max)
{
    struct slow_use use = {.start_s = MARCH_S + (int64_t)slow_roll(dice, SPAN_S),
                           .quantity = 1000 * (1 + slow_roll(dice, seconds_max)),
                           .service = TG_SERVICE_VOICE,
                           .subscriber = (uint32_t)slow_roll(dice, SLOW_SUBSCRIBERS)};
    (void)strcpy(use.peer, "4930");
    return use;
}

/* Seconds as they are: no increments, fees, bounds or roundings. */
static void plain_make(struct slow_price *price, enum slow_tariff tariff)
{
    price->tariff = tariff;
    price->steps_count = tariff == SLOW_PER_UNIT || tariff == SLOW_PACKAGE ? 1 : 3;
    price->block = 1;
    price->per = tariff == SLOW_PACKAGE ? 30 : 1; /* whole amounts a unit: sums are exact */
    price->first = 1;
    price->next = 1;
    price->grace = 0;
    price->minimum = 0;
    price->included = 0;
    price->connect = 0;
    price->min = INT64_MIN;
    price->max = INT64_MAX;
    price->exponent = 0;
    price->is_of_record = false;
    price->is_of_total = true;
}

/* One zone for every number, the same price in all bands, both versions the first. */
static void world_simple(struct slow_dice *dice, struct slow_world *world, enum slow_tariff tariff)
{
    slow_world_make(dice, world);
    struct slow_version *version = &world->versions[0];
    for (uint32_t zone = 0; zone < SLOW_ZONES; zone++) {
        version->is_sold[zone] = true;
        plain_make(&version->voice[zone][0], tariff);
        for (uint32_t band = 1; band < SLOW_BANDS; band++) {
            version->voice[zone][band] = version->voice[zone][0];
        }
        version->voice[zone][0].quantity_rounding = TG_ROUND_UP;
    }
    for (uint32_t i = 0; i < SLOW_PREFIXES; i++) {
        version->deck[i] = (struct slow_prefix){"", 0, INT64_MAX, INT64_MAX};
        if (i < SLOW_ZONES) {
            (void)snprintf(version->deck[i].digits, sizeof version->deck[i].digits, "%u", 4 + i);
            version->deck[i] = (struct slow_prefix){"", i, INT64_MIN, INT64_MAX};
            version->deck[i].digits[0] = (char)('4' + i);
        }
    }
    version->buckets_mask = 0;
    version->billable_mask = 0;
    version->cuts_rates = false;
}

static struct tg_rate *rate_make(void)
{
    const struct tg_rate_params params = {.subscribers_count_max = SLOW_SUBSCRIBERS};
    struct tg_rate *rate = NULL;
    cr_assert_eq(tg_rate_create(&params, &rate, NULL), TG_OK);
    return rate;
}

static struct tg_charge use_rate(struct tg_rate *rate, const struct tg_catalog_snapshot *snapshot,
                                 const struct slow_use *use, struct tg_rate_trace *trace)
{
    const struct tg_usage row = slow_row(use);
    struct tg_charge charge = {.subscriber = use->subscriber};
    tg_rate_run_traced(rate, snapshot, &row, &charge, 1, trace);
    cr_assert_eq(charge.fate, TG_FATE_RATED, "%s", tg_err_name(charge.reason));
    return charge;
}

Test(property, rounding_mirrors_around_zero)
{
    /* If this failed, a credit note would not take back what the invoice charged. */
    static const uint8_t symmetric[] = {TG_ROUND_HALF_UP, TG_ROUND_HALF_EVEN, TG_ROUND_UP,
                                        TG_ROUND_DOWN};
    struct slow_dice dice = {4};
    for (int i = 0; i < QUANTITIES; i++) {
        const __int128 x = (__int128)slow_roll(&dice, UINT32_MAX) * slow_roll(&dice, UINT32_MAX);
        const uint64_t per = 1 + slow_roll(&dice, i % 2 == 0 ? 20 : UINT32_MAX);
        int64_t there;
        int64_t back;
        for (size_t mode = 0; mode < sizeof symmetric; mode++) {
            cr_assert_eq(tg_money_divide(x, per, symmetric[mode], &there), TG_OK);
            cr_assert_eq(tg_money_divide(-x, per, symmetric[mode], &back), TG_OK);
            cr_assert_eq(back, -there, "mode %u, 1/%llu", symmetric[mode], (unsigned long long)per);
            cr_assert_eq(there, slow_round(x, per, symmetric[mode]));
        }
        cr_assert_eq(tg_money_divide(x, per, TG_ROUND_CEIL, &there), TG_OK);
        cr_assert_eq(tg_money_divide(-x, per, TG_ROUND_FLOOR, &back), TG_OK);
        cr_assert_eq(back, -there);
    }
}

Test(property, pieces_of_a_call_are_the_call, .timeout = 600)
{
    /* If this failed, seconds would be lost or sold twice where bands meet, or summer time begins.
     */
    static struct slow_world world;
    static struct tg_rate_trace trace;
    struct slow_dice dice = {7};
    uint64_t pieces_count = 0;
    for (int number = 0; number < WORLDS; number++) {
        world_simple(&dice, &world, SLOW_PER_UNIT);
        world.versions[0].bands_count = SLOW_BANDS;
        world.versions[0].split = number % 2 == 0 ? 0 : 3;
        world.versions[0].owner = (unsigned)(number / 2 % 3);
        struct tg_catalog_snapshot *snapshot = slow_world_open(&world, 0);
        struct tg_rate *rate = rate_make();
        for (int row = 0; row < ROWS; row++) {
            struct slow_use use = call_make(&dice, 200000);
            use.start_s = MARCH_S + SPAN_S * row / ROWS;
            const struct tg_charge charge = use_rate(rate, snapshot, &use, &trace);
            uint64_t units = 0;
            int64_t at_ns = use.start_s * INT64_C(1000000000);
            for (uint32_t i = 0; i < trace.pieces_count; i++) {
                cr_assert_eq(trace.pieces[i].start_ns, at_ns, "a hole or an overlap");
                at_ns = trace.pieces[i].end_ns;
                units += trace.pieces[i].units;
            }
            cr_assert_eq(units * 1000, use.quantity);
            cr_assert_eq(charge.billed_units, units);
            cr_assert_eq(at_ns, use.start_s * INT64_C(1000000000) +
                                    (int64_t)use.quantity * INT64_C(1000000));
            pieces_count += trace.pieces_count;
        }
        tg_rate_destroy(rate);
        tg_catalog_close(snapshot);
    }
    printf("pieces: %d calls, %llu pieces\n", WORLDS * ROWS, (unsigned long long)pieces_count);
    cr_expect_gt(pieces_count, 2 * WORLDS * ROWS);
}

static void shuffle(struct slow_dice *dice, struct slow_use *uses, uint32_t count)
{
    for (uint32_t i = count; i > 1; i--) {
        const uint32_t j = (uint32_t)slow_roll(dice, i);
        const struct slow_use kept = uses[i - 1];
        uses[i - 1] = uses[j];
        uses[j] = kept;
    }
}

/* What each subscriber pays in all. */
static void totals(const struct tg_catalog_snapshot *snapshot, const struct slow_use *uses,
                   __int128 *sums, uint64_t *covered)
{
    static struct tg_rate_trace trace;
    struct tg_rate *rate = rate_make();
    memset(sums, 0, SLOW_SUBSCRIBERS * sizeof *sums);
    *covered = 0;
    for (int i = 0; i < ROWS; i++) {
        const struct tg_charge charge = use_rate(rate, snapshot, &uses[i], &trace);
        sums[uses[i].subscriber] += charge.amount;
        *covered += charge.allowance_units;
    }
    tg_rate_destroy(rate);
}

Test(property, any_arrival_order_makes_the_same_total, .timeout = 600)
{
    /* If this failed, the invoice would depend on which node's file came first. Per unit,
     * graduated, volume, package and stepped of the total are order-free within a month. */
    static struct slow_world world;
    static struct slow_use uses[ROWS];
    __int128 first[SLOW_SUBSCRIBERS];
    __int128 sums[SLOW_SUBSCRIBERS];
    uint64_t covered;
    struct slow_dice dice = {11};
    for (int tariff = SLOW_PER_UNIT; tariff <= SLOW_STEPPED; tariff++) {
        for (int number = 0; number < 3; number++) {
            world_simple(&dice, &world, (enum slow_tariff)tariff);
            world.versions[0].bands_count = 1;
            struct tg_catalog_snapshot *snapshot = slow_world_open(&world, 0);
            for (int i = 0; i < ROWS; i++) {
                uses[i] = call_make(&dice, 2000);
            }
            totals(snapshot, uses, first, &covered);
            for (int order = 0; order < 4; order++) {
                shuffle(&dice, uses, ROWS);
                totals(snapshot, uses, sums, &covered);
                cr_assert_arr_eq(sums, first, sizeof sums, "tariff %d", tariff);
            }
            tg_catalog_close(snapshot);
        }
    }
}

Test(property, a_bucket_cut_in_three_covers_what_one_covered, .timeout = 600)
{
    /* If this failed, units would come or go when a product manager sells them in parts. */
    static struct slow_world world;
    static struct slow_use uses[ROWS];
    __int128 whole[SLOW_SUBSCRIBERS];
    __int128 parts[SLOW_SUBSCRIBERS];
    uint64_t covered_whole;
    uint64_t covered_parts;
    struct slow_dice dice = {13};
    for (int number = 0; number < WORLDS; number++) {
        world_simple(&dice, &world, SLOW_GRADUATED);
        const bool is_pool = number % 2 == 1;
        const uint64_t seconds = 300 + slow_roll(&dice, 20000);
        const uint64_t cut = 1 + slow_roll(&dice, seconds / 2);
        for (uint32_t i = 0; i < SLOW_BUCKETS; i++) {
            world.buckets[i] =
                (struct slow_bucket){.seconds = seconds, .cap = UINT64_MAX, .is_pool = is_pool};
        }
        for (int i = 0; i < ROWS; i++) {
            uses[i] = call_make(&dice, 900);
        }
        world.versions[0].buckets_mask = 1;
        struct tg_catalog_snapshot *snapshot = slow_world_open(&world, 0);
        totals(snapshot, uses, whole, &covered_whole);
        tg_catalog_close(snapshot);
        world.buckets[0].seconds = cut;
        world.buckets[1].seconds = seconds - cut - (seconds - cut) / 2;
        world.buckets[2].seconds = (seconds - cut) / 2;
        world.buckets[2].priority = 50;
        world.versions[0].buckets_mask = 7;
        snapshot = slow_world_open(&world, 0);
        totals(snapshot, uses, parts, &covered_parts);
        tg_catalog_close(snapshot);
        cr_assert_eq(covered_parts, covered_whole);
        cr_assert_arr_eq(parts, whole, sizeof whole);
        cr_expect_gt(covered_whole, 0);
    }
}
