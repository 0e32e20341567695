/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of which several records come. */
#include "rate_fixture.h"
#include "slow_world.h"

#include "rate/call.h"
#include "rate/shelf_note.h"

#include <stdio.h>

#define PARTS_MAX 7u
#ifdef TG_SANITIZED
#define WORLDS 30 /* a fifth: all are for the build that is fast enough */
#else
#define WORLDS 150
#endif
#define CALLS      400
#define DAY_S      INT64_C(86400)
#define MARCH_S    INT64_C(1772323200)
#define DAYS_COUNT 61

static struct fixture f;
static int64_t start;

static struct fixture_price *voice(int64_t price, uint64_t per)
{
    fixture_init(&f);
    start = fixture_ns("2026-11-23T06:10:00Z");
    struct fixture_price *made = fixture_price(&f, 0, "per_unit", TG_UNIT_SECOND, price, per);
    (void)fixture_service(&f, TG_SERVICE_VOICE, 0);
    return made;
}

/* A record of a call: when it starts behind the start, how long it is, does more follow. */
static int64_t part(struct tg_rate *rate, uint32_t subscriber, uint32_t at_s, uint32_t seconds,
                    bool goes_on)
{
    struct tg_usage row = fixture_call(start + at_s * TG_NS_PER_S, seconds * 1000);
    row.flags = goes_on ? TG_USAGE_PARTIAL : 0;
    const struct tg_charge charge = fixture_one(rate, &f, &row, subscriber);
    cr_assert_eq(charge.fate, TG_FATE_RATED, "%d", charge.reason);
    return charge.amount;
}

Test(call, what_is_once_a_call_is_once_over_its_records)
{
    /* If this failed, a call in three records would cost more than in one: every record would have
     * its own minimum, first increment, cap, free units and tiers. Prices of 10 a second. */
    const struct {
        const char *name;
        uint64_t first, next, minimum, grace, included;
        int64_t connect, min, max;
        uint8_t counter;
        uint32_t seconds[3];
        int64_t amounts[3];
    } rows[] = {
        /* whole: 1 s + 100; the first record has no priced unit, so no fee */
        {"fee", 1, 1, 0, 0, 0, 100, INT64_MIN, INT64_MAX, 0, {0, 1, 1}, {0, 110, 10}},
        /* 30 -> 60, 60 -> 60, 90 -> 120 */
        {"first", 60, 60, 0, 0, 0, 0, INT64_MIN, INT64_MAX, 0, {30, 30, 30}, {600, 0, 600}},
        /* 10 -> 24, 20 -> 24, 30 -> 30 by sixes */
        {"minimum", 6, 6, 20, 0, 0, 0, INT64_MIN, INT64_MAX, 0, {10, 10, 10}, {240, 0, 60}},
        /* 15, 20 are within grace of 20; 21 is not, and then all of it counts */
        {"grace", 1, 1, 0, 20, 0, 7, INT64_MIN, INT64_MAX, 0, {15, 5, 1}, {0, 0, 217}},
        /* 30 free of 25, 50, 60 */
        {"included", 1, 1, 0, 0, 30, 0, INT64_MIN, INT64_MAX, 0, {25, 25, 10}, {0, 200, 100}},
        /* 300 -> 400; 600; 620 */
        {"min", 1, 1, 0, 0, 0, 0, 400, INT64_MAX, 0, {30, 30, 2}, {400, 200, 20}},
        /* 300; 400 of 600; 400 of 620 */
        {"max", 1, 1, 0, 0, 0, 0, INT64_MIN, 400, 0, {30, 30, 2}, {300, 100, 0}},
        /* 40 seconds at 10, those behind at 1 */
        {"record", 1, 1, 0, 0, 0, 0, INT64_MIN, INT64_MAX, 1, {30, 30, 10}, {300, 120, 10}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture_price *price = voice(10, 1);
        price->price.first_increment = rows[i].first;
        price->price.next_increment = rows[i].next;
        price->price.minimum_units = rows[i].minimum;
        price->price.grace_units = rows[i].grace;
        price->price.included_units = rows[i].included;
        price->price.connect_fee = rows[i].connect;
        price->price.charge_min = rows[i].min;
        price->price.charge_max = rows[i].max;
        f.infos[0].counter = rows[i].counter;
        if (rows[i].counter == TG_COUNTER_RECORD) {
            (void)snprintf(f.text[0], sizeof f.text[0], "graduated");
            price->price.steps_count = 2;
            price->steps[0].up_to_units = 40;
            price->steps[1] = (struct tg_price_step){UINT64_MAX, 1, 1, 0};
        }
        struct tg_rate *rate = fixture_rate();
        uint32_t at_s = 0;
        int64_t sum = 0;
        for (uint32_t k = 0; k < 3; k++) {
            const int64_t amount = part(rate, 0, at_s, rows[i].seconds[k], k < 2);
            cr_expect_eq(amount, rows[i].amounts[k], "%s, record %u: %lld", rows[i].name, k,
                         (long long)amount);
            at_s += rows[i].seconds[k];
            sum += amount;
        }
        cr_expect_eq(part(rate, 1, 0, at_s, false), sum, "%s: in one record", rows[i].name);
        cr_expect_eq(part(rate, 0, at_s, at_s, false), sum, "%s: a new call begins anew",
                     rows[i].name);
        tg_rate_destroy(rate);
    }
}

Test(call, what_a_minimum_adds_is_of_the_last_band_that_a_unit_begins_in)
{
    /* If this failed, a short call over a boundary would cost otherwise in two records than in one,
     * or pay for a band that it ended before. Minutes, three at least, of 10 before a boundary and
     * of 1 behind it, which is 90 s behind the start. */
    const struct {
        uint8_t rounding;
        uint32_t seconds[2];
        int64_t amount;
    } rows[] = {
        {TG_ROUND_UP, {60, 15}, 30},   /* two minutes begin before it */
        {TG_ROUND_DOWN, {60, 45}, 30}, /* one does; what is behind it is no minute */
        {TG_ROUND_UP, {60, 75}, 21},   /* the third begins behind it */
        {TG_ROUND_DOWN, {60, 120}, 21},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        voice(10, 1)->price.minimum_units = 3;
        (void)voice(10, 1);
        fixture_price(&f, 0, "per_unit", TG_UNIT_MINUTE, 10, 1)->price.minimum_units = 3;
        fixture_price(&f, 1, "per_unit", TG_UNIT_MINUTE, 1, 1)->price.minimum_units = 3;
        f.infos[0].quantity_rounding = rows[i].rounding;
        f.infos[1].quantity_rounding = rows[i].rounding;
        const int64_t bounds[3] = {0, start + 90 * TG_NS_PER_S, start + DAY_S * TG_NS_PER_S};
        fixture_bands(&f, TG_SERVICE_VOICE, 0, 1, bounds);
        struct tg_rate *rate = fixture_rate();
        const uint32_t *seconds = rows[i].seconds;
        const int64_t first = part(rate, 0, 0, seconds[0], true);
        cr_expect_eq(first + part(rate, 0, seconds[0], seconds[1], false), rows[i].amount,
                     "row %zu in two records", i);
        cr_expect_eq(part(rate, 1, 0, seconds[0] + seconds[1], false), rows[i].amount,
                     "row %zu in one record", i);
        tg_rate_destroy(rate);
    }
}

Test(call, its_first_start_or_its_latest_end_says_the_band_of_a_call)
{
    /* If this failed, a call by the price of its end would keep that of its start for a gap of
     * seconds between its records, or for one that came late; likewise by the price of its start.
     * 10 a second, behind a boundary 120 s from the start 1. */
    static const struct {
        uint8_t split;
        uint32_t at_s[3];
        uint32_t seconds[3];
        int64_t amounts[3];
    } rows[] = {
        {TG_SPLIT_END, {0, 60, 120}, {60, 60, 60}, {600, 600, 180 - 1200}},
        {TG_SPLIT_END, {0, 120, 60}, {60, 60, 60}, {600, 120 - 600, 60}},   /* the second is late */
        {TG_SPLIT_END, {0, 60, 122}, {60, 59, 61}, {600, 590, 180 - 1190}}, /* a gap */
        {TG_SPLIT_END, {0, 119, 121}, {119, 1, 60}, {1190, 10, 180 - 1200}},
        {TG_SPLIT_START, {0, 60, 120}, {60, 60, 60}, {600, 600, 600}},
        {TG_SPLIT_START, {119, 190, 240}, {60, 50, 60}, {600, 500, 600}},
        {TG_SPLIT_START,
         {130, 119, 200},
         {60, 11, 60},
         {60, 710 - 60, 600}}, /* the first is late */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)voice(10, 1);
        (void)fixture_price(&f, 1, "per_unit", TG_UNIT_SECOND, 1, 1);
        const int64_t bounds[3] = {0, start + 120 * TG_NS_PER_S, start + DAY_S * TG_NS_PER_S};
        fixture_bands(&f, TG_SERVICE_VOICE, 0, 1, bounds);
        f.services[TG_SERVICE_VOICE].split_mode = rows[i].split;
        struct tg_rate *rate = fixture_rate();
        for (uint32_t k = 0; k < 3; k++) {
            cr_expect_eq(part(rate, 0, rows[i].at_s[k], rows[i].seconds[k], true),
                         rows[i].amounts[k], "row %zu record %u", i, k);
        }
        tg_rate_destroy(rate);
    }
}

Test(call, included_units_come_off_what_was_used_when_the_price_says_so)
{
    /* If this failed, who sells "the first minute is free" would give away, or sell, what the first
     * increment adds (rating-semantics 4.3, step 4). */
    const struct {
        uint32_t seconds;
        int64_t off_billed, off_used;
    } rows[] = {
        {60, 0, 0},    /* 60 billed less 60; 0 used */
        {70, 12, 60},  /* 70 -> 60 + 2 x 6 = 72, less 60 is 12; 10 used -> 60 */
        {121, 66, 66}, /* 126 less 60; 61 used -> 66 */
        {30, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture_price *price = voice(1, 1);
        price->price.first_increment = 60;
        price->price.next_increment = 6;
        price->price.included_units = 60;
        price->price.minimum_units = 5;
        struct tg_rate *rate = fixture_rate();
        cr_expect_eq(part(rate, 0, 0, rows[i].seconds, false), rows[i].off_billed, "%u s",
                     rows[i].seconds);
        f.infos[0].options = TG_PRICE_INCLUDED_FIRST;
        f.image.content_hash++;
        cr_expect_eq(part(rate, 1, 0, rows[i].seconds, false), rows[i].off_used, "%u s used",
                     rows[i].seconds);
        const uint32_t half = rows[i].seconds / 2;
        int64_t sum = part(rate, 2, 0, half, true);
        sum += part(rate, 2, half, rows[i].seconds - half, false);
        cr_expect_eq(sum, rows[i].off_used, "%u s in two parts", rows[i].seconds);
        tg_rate_destroy(rate);
    }
    /* Peak at 10 from second 90 on: 60 free, 30 at 1 and 30 at 10. */
    struct fixture_price *price = voice(1, 1);
    price->price.included_units = 60;
    (void)fixture_price(&f, 1, "per_unit", TG_UNIT_SECOND, 10, 1);
    f.infos[0].options = TG_PRICE_INCLUDED_FIRST;
    const int64_t bounds[] = {0, start + 90 * TG_NS_PER_S, start + 900 * TG_NS_PER_S};
    fixture_bands(&f, TG_SERVICE_VOICE, 0, 1, bounds);
    struct tg_rate *rate = fixture_rate();
    cr_expect_eq(part(rate, 0, 0, 120, false), 330);
    cr_expect_eq(part(rate, 1, 0, 100, true), 130);
    cr_expect_eq(part(rate, 1, 100, 20, false), 200);
    price->price.included_units = 100;
    f.image.content_hash++;
    cr_expect_eq(part(rate, 2, 0, 120, false), 200, "all of the first band is free");
    tg_rate_destroy(rate);
}

Test(call, units_are_rounded_over_the_call_when_the_price_says_so)
{
    /* If this failed, a session that reports every minute would pay for a kilobyte, or a second,
     * that it never used with each report (rating-semantics 4.3, data). */
    fixture_init(&f);
    start = fixture_ns("2026-11-23T06:10:00Z");
    (void)fixture_price(&f, 0, "per_unit", TG_UNIT_KILOBYTE, 1, 1);
    (void)fixture_service(&f, TG_SERVICE_DATA, 0);
    struct tg_usage row = {.start_ns = start, .service = TG_SERVICE_DATA, .peer_key = 5};
    for (uint32_t of_call = 0; of_call < 2; of_call++) {
        f.infos[0].options = of_call != 0 ? TG_PRICE_UNITS_OF_CALL : 0;
        f.image.content_hash++;
        struct tg_rate *rate = fixture_rate();
        static const int64_t of_records[] = {1, 1, 2, 1};
        static const int64_t of_sums[] = {1, 0, 1, 1}; /* 400, 800, 1900, 2100 octets */
        static const uint64_t octets[] = {400, 400, 1100, 200};
        for (uint32_t i = 0; i < 4; i++) {
            row.start_ns = start + i * TG_NS_PER_S;
            row.quantity_up = octets[i] / 2;
            row.quantity_down = octets[i] - octets[i] / 2;
            row.flags = i < 3 ? TG_USAGE_PARTIAL : 0;
            const struct tg_charge charge = fixture_one(rate, &f, &row, 0);
            cr_expect_eq(charge.amount, of_call != 0 ? of_sums[i] : of_records[i], "record %u", i);
        }
        tg_rate_destroy(rate);
    }
}

Test(call, calls_at_the_same_time_do_not_take_each_others_place)
{
    /* If this failed, two sessions whose records arrive in turns would pay the fee with each. */
    voice(1, 1)->price.connect_fee = 10;
    struct tg_rate *rate = fixture_rate();
    static const int64_t wanted[] = {11, 11, 1, 1};
    for (uint32_t i = 0; i < 4; i++) {
        struct tg_usage row = fixture_call(start + i * TG_NS_PER_S, 1000);
        row.peer_key += i % 2;
        row.flags = i < 2 ? TG_USAGE_PARTIAL : 0;
        cr_expect_eq(fixture_one(rate, &f, &row, 0).amount, wanted[i], "record %u", i);
    }
    cr_expect_eq(part(rate, 1, 0, 1, true), 11);
    struct tg_usage row = fixture_call(start + TG_NS_PER_S, 1000);
    row.node_id = 7;
    cr_expect_eq(fixture_one(rate, &f, &row, 1).amount, 11, "another node's");
    cr_expect_eq(part(rate, 1, 1, 1, false), 1);
    tg_rate_destroy(rate);
}

Test(call, a_record_a_day_behind_the_last_begins_another_call)
{
    /* If this failed, the loss of one last record would give the fee of every later call to that
     * number away. */
    voice(1, 1)->price.connect_fee = 10;
    struct tg_rate *rate = fixture_rate();
    const uint32_t day_s = 86400;
    cr_expect_eq(part(rate, 0, 0, 1, true), 11);
    cr_expect_eq(part(rate, 0, 1 + day_s, 1, true), 1, "a day");
    cr_expect_eq(part(rate, 0, 3 + 2 * day_s, 1, true), 11, "and a second");
    cr_expect_eq(part(rate, 0, 2 + 2 * day_s, 1, false), 11,
                 "what ends before the call began is not its end");
    cr_expect_eq(part(rate, 0, 4 + 2 * day_s, 1, false), 1);
    tg_rate_destroy(rate);
}

Test(call, records_in_another_order_pay_the_fee_once)
{
    /* If this failed, two files that change places would cost a second connect fee, and another
     * minimum. Records of 10, 20, 30 and 7 s; 67 s are 72 by sixes behind 60, and 5 for the fee. */
    static const uint32_t at_s[] = {0, 10, 30, 60};
    static const uint32_t seconds[] = {10, 20, 30, 7};
    uint32_t orders_count = 0;
    struct fixture_price *price = voice(1, 1);
    price->price.first_increment = 60;
    price->price.next_increment = 6;
    price->price.connect_fee = 5;
    for (uint32_t code = 0; code < 256; code++) {
        const uint32_t order[] = {code & 3, code >> 2 & 3, code >> 4 & 3, code >> 6 & 3};
        if ((1u << order[0] | 1u << order[1] | 1u << order[2] | 1u << order[3]) != 15 ||
            order[0] == 3) {
            continue;
        }
        struct tg_rate *rate = fixture_rate();
        int64_t sum = 0;
        for (uint32_t i = 0; i < 4; i++) {
            sum += part(rate, 0, at_s[order[i]], seconds[order[i]], order[i] != 3);
        }
        cr_expect_eq(sum, 77, "%u %u %u %u: %lld", order[0], order[1], order[2], order[3],
                     (long long)sum);
        cr_expect_eq(part(rate, 0, 67, 1, true), 65, "the next call");
        cr_expect_eq(part(rate, 0, 68, 60, false), 6);
        tg_rate_destroy(rate);
        orders_count++;
    }
    cr_expect_eq(orders_count, 18);
}

Test(call, the_oldest_of_too_many_calls_is_forgotten)
{
    /* If this failed, lost last records would fill the shelf until usage could not be priced. */
    voice(1, 1)->price.connect_fee = 10;
    struct tg_rate *rate = fixture_rate();
    for (uint32_t i = 0; i <= TG_BUCKETS_MAX; i++) {
        struct tg_usage row = fixture_call(start + i * TG_NS_PER_S, 1000);
        row.peer_key += i;
        row.flags = TG_USAGE_PARTIAL;
        cr_expect_eq(fixture_one(rate, &f, &row, 0).amount, 11);
    }
    cr_expect_eq(tg_rate_counts(rate)->calls_forgotten_count, 1);
    struct tg_usage row = fixture_call(start + 20 * TG_NS_PER_S, 1000);
    row.flags = TG_USAGE_PARTIAL;
    cr_expect_eq(fixture_one(rate, &f, &row, 0).amount, 11, "the first one is not known any more");
    row.peer_key += 2;
    cr_expect_eq(fixture_one(rate, &f, &row, 0).amount, 1, "the third one is");
    cr_expect_eq(tg_rate_counts(rate)->connect_fees_count, TG_BUCKETS_MAX + 2);
    tg_rate_destroy(rate);
}

Test(call, a_call_over_the_end_of_a_month_counts_each_month_apart)
{
    /* If this failed, units of last month would take this month's call into a dearer tier, or a
     * capped call would be capped twice. Tiers: 100 at 10, then at 1. */
    struct fixture_price *price = voice(10, 1);
    (void)snprintf(f.text[0], sizeof f.text[0], "graduated");
    price->price.steps_count = 2;
    price->steps[0].up_to_units = 100;
    price->steps[1] = (struct tg_price_step){UINT64_MAX, 1, 1, 0};
    price->price.connect_fee = 5;
    start = fixture_ns("2026-11-30T23:58:00Z");
    struct tg_rate *rate = fixture_rate();
    cr_expect_eq(part(rate, 0, 0, 90, true), 905);
    cr_expect_eq(part(rate, 0, 90, 30, true), 100 + 20, "to midnight");
    cr_expect_eq(part(rate, 0, 120, 60, true), 600, "December's first tier");
    cr_expect_eq(part(rate, 0, 180, 60, false), 400 + 20);
    tg_rate_destroy(rate);
}

/* ---- any cut of any call ----------------------------------------------------------------------
 */

struct cut {
    struct tg_usage rows[PARTS_MAX];
    struct tg_charge charges[PARTS_MAX];
    uint32_t count;
};

/* Whole units at every cut: each record's quantity is rounded to units by itself. */
static void call_cut(struct slow_dice *dice, const struct tg_usage *whole, uint64_t unit_ms,
                     uint32_t subscriber, struct cut *cut)
{
    uint64_t left_ms = whole->duration_ms;
    int64_t at_ns = whole->start_ns;
    cut->count = 1 + (uint32_t)slow_roll(dice, PARTS_MAX);
    for (uint32_t i = 0; i < cut->count; i++) {
        const uint64_t units = left_ms / unit_ms;
        const uint64_t part_ms =
            i + 1 == cut->count ? left_ms : slow_roll(dice, units / 2 + 2) * unit_ms;
        cut->rows[i] = *whole;
        cut->rows[i].start_ns = at_ns;
        cut->rows[i].duration_ms = (uint32_t)(part_ms < left_ms ? part_ms : left_ms);
        cut->rows[i].flags = i + 1 < cut->count ? TG_USAGE_PARTIAL : 0;
        cut->charges[i] = (struct tg_charge){.subscriber = subscriber};
        at_ns += (int64_t)cut->rows[i].duration_ms * TG_NS_PER_MS;
        left_ms -= cut->rows[i].duration_ms;
    }
}

/* A call within a day, as periods begin at midnight. */
static struct slow_use use_make(struct slow_dice *dice, const struct slow_version *version, int day)
{
    struct slow_use use = {.service = TG_SERVICE_VOICE,
                           .subscriber = (uint32_t)slow_roll(dice, SLOW_SUBSCRIBERS)};
    const int64_t second = (int64_t)slow_roll(dice, (uint64_t)DAY_S - 1);
    const uint64_t most = (uint64_t)(DAY_S - second) * 1000 - 1;
    use.start_s = MARCH_S + DAY_S * day + second;
    use.quantity = slow_roll(dice, 20000000);
    use.quantity = use.quantity < most ? use.quantity : most;
    if (version->split == TG_SPLIT_END) { /* that of whole units may be in the band before */
        use.quantity -= use.quantity % (1000 * version->voice[0][0].block);
    }
    (void)snprintf(use.peer, sizeof use.peer, "%llu",
                   (unsigned long long)(1 + slow_roll(dice, 3000)));
    return use;
}

static void sum_compare(const struct cut *cut, const struct tg_charge *charge,
                        const struct slow_version *version, int world, int call)
{
    struct tg_charge sum = {0};
    for (uint32_t i = 0; i < cut->count; i++) {
        cr_assert_eq(cut->charges[i].fate, TG_FATE_RATED, "world %d call %d part %u: %d", world,
                     call, i, cut->charges[i].reason);
        sum.amount += cut->charges[i].amount;
        sum.billed_units += cut->charges[i].billed_units;
        sum.allowance_units += cut->charges[i].allowance_units;
    }
    cr_assert(sum.amount == charge->amount && sum.billed_units == charge->billed_units &&
                  sum.allowance_units == charge->allowance_units,
              "world %d call %d in %u parts: %lld, not %lld; %llu billed, not %llu; %llu covered, "
              "not %llu; split %u owner %u",
              world, call, cut->count, (long long)sum.amount, (long long)charge->amount,
              (unsigned long long)sum.billed_units, (unsigned long long)charge->billed_units,
              (unsigned long long)sum.allowance_units, (unsigned long long)charge->allowance_units,
              version->split, version->owner);
}

/* Lines to the octet; shelves whatever the places of their buckets. */
static void accounts_compare(struct tg_rate *live, struct tg_rate *replayed, int world)
{
    struct tg_accounts *one = tg_rate_accounts(live);
    struct tg_accounts *two = tg_rate_accounts(replayed);
    for (uint32_t page = 0; page < 2 * tg_accounts_half_pages_count(one); page++) {
        cr_assert_arr_eq(tg_accounts_page_bytes(one, page), tg_accounts_page_bytes(two, page),
                         TG_ACCOUNT_PAGE_BYTES, "world %d: lines", world);
    }
    for (uint32_t i = 0; i < 2 * SLOW_SUBSCRIBERS; i++) {
        struct tg_shelf a = *tg_accounts_shelf(one, i % 2 == 1, i / 2);
        struct tg_shelf b = *tg_accounts_shelf(two, i % 2 == 1, i / 2);
        tg_shelf_sort(&a);
        tg_shelf_sort(&b);
        cr_assert_arr_eq(&a, &b, sizeof a, "world %d: shelf %u", world, i);
    }
}

static void world_cut(struct slow_dice *dice, int number, uint64_t *parts_count)
{
    static struct slow_world world;
    static struct cut cut;
    slow_world_make(dice, &world);
    struct slow_version *version = &world.versions[0];
    version->billable_mask = 0; /* The cause of a call is that of its last record. */
    for (uint32_t i = 0; version->split == TG_SPLIT_END && i < SLOW_ZONES * SLOW_BANDS; i++) {
        /* Else a call that goes on into another band may have fewer units than it had. */
        struct slow_price *prices = version->voice[i / SLOW_BANDS];
        prices[i % SLOW_BANDS].first = prices[0].first;
        prices[i % SLOW_BANDS].next = prices[0].next;
    }
    struct tg_catalog_snapshot *snapshot = slow_world_open(&world, 0);
    struct tg_rate *whole = fixture_rate();
    struct tg_rate *parts = fixture_rate();
    struct tg_rate *replayed = fixture_rate();
    cr_assert_eq(tg_rate_apply_begin(replayed), TG_OK);
    for (int i = 0; i < CALLS; i++) {
        const struct slow_use use = use_make(dice, version, i * DAYS_COUNT / CALLS);
        const struct tg_usage row = slow_row(&use);
        struct tg_charge charge = {.subscriber = use.subscriber};
        tg_rate_run(whole, snapshot, &row, &charge, 1);
        if (charge.fate != TG_FATE_RATED) {
            continue;
        }
        const struct tg_price_info *info =
            tg_image_price_info(snapshot->images[0], charge.price_id);
        call_cut(dice, &row, info->unit_base_count, use.subscriber, &cut);
        if (slow_roll(dice, 10) == 0) { /* its last record never comes */
            cut.rows[cut.count - 1].flags = TG_USAGE_PARTIAL;
        }
        tg_rate_run(parts, snapshot, cut.rows, cut.charges, cut.count);
        sum_compare(&cut, &charge, version, number, i);
        cr_assert_eq(
            fixture_apply_columns(replayed, snapshot, cut.rows, cut.charges, cut.count, NULL),
            TG_OK, "world %d call %d", number, i);
        *parts_count += cut.count;
    }
    cr_assert_eq(tg_rate_apply_end(replayed), TG_OK);
    accounts_compare(parts, replayed, number);
    tg_rate_destroy(whole);
    tg_rate_destroy(parts);
    tg_rate_destroy(replayed);
    tg_catalog_close(snapshot);
}

Test(call, any_cut_of_any_call_costs_what_the_call_costs, .timeout = 120)
{
    /* If this failed, what a customer pays would depend on how often the switch writes a record, or
     * on a crash between two of them. */
    struct slow_dice dice = {4711};
    uint64_t parts_count = 0;
    for (int number = 0; number < WORLDS; number++) {
        world_cut(&dice, number, &parts_count);
    }
    printf("cut calls: %llu records\n", (unsigned long long)parts_count);
    cr_expect_gt(parts_count, 3u * WORLDS * CALLS / 2);
}
