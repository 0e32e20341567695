/* SPDX-License-Identifier: Apache-2.0 */
/* A slow, obvious rater beside the engine's: it looks at every unit by itself, keeps its own
 * counters and rounds by looking at both neighbours. Random catalogs, random rows. */
#include "rate_fixture.h"

#define CATALOGS 40
#define ROWS     25000
#define BATCH    100

/* What the slow rater knows of a subscriber in a month. */
struct memory {
    uint64_t priced_ms;
    uint64_t covered_ms;
    uint64_t rows;
};

struct dice {
    uint64_t state;
};

static uint64_t roll(struct dice *dice, uint64_t sides)
{
    dice->state = dice->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (dice->state >> 33) % sides;
}

/* The multiple of 1 that a fraction rounds to: floor and ceiling, and which of them is meant. */
static int64_t slow_round(__int128 numerator, __int128 denominator, unsigned mode)
{
    __int128 low = 0;
    while (low * denominator > numerator) {
        low -= low == 0 ? 1 : -low;
    }
    __int128 high = low + 1;
    while (high * denominator <= numerator) {
        high += high - low;
    }
    while (high - low > 1) {
        const __int128 middle = low + (high - low) / 2;
        if (middle * denominator <= numerator) {
            low = middle;
        } else {
            high = middle;
        }
    }
    const __int128 below = numerator - low * denominator;
    const __int128 above = high * denominator - numerator;
    if (below == 0) {
        return (int64_t)low;
    }
    const bool is_negative = numerator < 0;
    switch (mode) {
    case TG_ROUND_HALF_UP:
        return (int64_t)(below < above || (below == above && is_negative) ? low : high);
    case TG_ROUND_HALF_EVEN:
        return (int64_t)(below < above || (below == above && low % 2 == 0) ? low : high);
    case TG_ROUND_UP:
        return (int64_t)(is_negative ? low : high);
    case TG_ROUND_DOWN:
        return (int64_t)(is_negative ? high : low);
    default:
        return (int64_t)(mode == TG_ROUND_CEIL ? high : low);
    }
}

static const struct tg_price_step *slow_step(const struct fixture_price *price, uint64_t unit)
{
    uint32_t i = 0;
    while (unit > price->steps[i].up_to_units) {
        i++;
    }
    return &price->steps[i];
}

/* Money of units before+1 .. before+units over the steps' common `per`. */
static __int128 slow_price(const struct fixture_price *price, const char *tariff, uint64_t before,
                           uint64_t units)
{
    const __int128 per = price->steps[0].per_units;
    __int128 sum = 0;
    if (strcmp(tariff, "flat") == 0) {
        return price->steps[0].price * per;
    }
    if (strcmp(tariff, "volume") == 0) {
        const struct tg_price_step *after = slow_step(price, before + units);
        sum = (__int128)after->price * (before + units) + after->flat * per;
        if (before > 0) {
            const struct tg_price_step *was = slow_step(price, before);
            sum -= (__int128)was->price * before + was->flat * per;
        }
        return sum;
    }
    for (uint64_t unit = before + 1; unit <= before + units; unit++) {
        if (strcmp(tariff, "package") == 0) {
            sum += (unit - 1) % (uint64_t)per == 0 ? price->steps[0].price * per : 0;
            continue;
        }
        const struct tg_price_step *step = slow_step(price, unit);
        const bool is_first = unit == 1 || (unit > 1 && slow_step(price, unit - 1) != step);
        sum += step->price + (is_first ? step->flat * per : 0);
    }
    return sum;
}

/* The whole row; the amount, and what it does to the memory. */
static int64_t slow_rate(const struct fixture *f, const char *tariff, struct memory *memory,
                         uint32_t duration_ms, uint64_t allowance_ms)
{
    const struct fixture_price *price = &f->prices[0];
    const struct tg_price_info *info = &f->infos[0];
    const uint64_t block_ms = info->unit_base_count;
    uint64_t blocks = 0;
    while (blocks * block_ms < duration_ms) {
        blocks++;
    }
    uint64_t billed = 0;
    if (blocks > price->price.grace_units) {
        blocks = blocks < price->price.minimum_units ? price->price.minimum_units : blocks;
        billed = blocks > 0 ? price->price.first_increment : 0;
        while (billed < blocks) {
            billed += price->price.next_increment;
        }
    }
    for (uint64_t i = 0; i < price->price.included_units && billed > 0; i++) {
        billed--;
    }
    uint64_t priced = 0;
    uint64_t covered = 0;
    for (uint64_t i = 0; i < billed; i++) {
        if (memory->covered_ms + (covered + 1) * block_ms <= allowance_ms) {
            covered++;
        } else {
            priced++;
        }
    }
    const uint64_t before = info->counter == TG_COUNTER_RECORD ? 0 : memory->priced_ms / block_ms;
    memory->priced_ms += priced * block_ms;
    memory->covered_ms += covered * block_ms;
    memory->rows++;
    const bool pays = priced > 0;
    const bool connects = pays || ((info->options & TG_PRICE_CONNECT_ON_USE) != 0 && billed > 0);
    const int64_t fee = connects ? price->price.connect_fee : 0;
    __int128 per =
        strcmp(tariff, "flat") == 0 ? price->steps[0].per_units : price->steps[0].per_units;
    __int128 exact = pays ? slow_price(price, tariff, before, priced) : 0;
    if (info->round_exponent == 0) { /* the tariff rounds, the fee is whole */
        exact = slow_round(exact, per, price->price.rounding);
        per = 1;
    }
    exact += fee * per;
    if (pays) {
        /* The bounds look at the rounded charge of the tariff. */
        __int128 charge = info->round_exponent == 0
                              ? exact
                              : slow_round(exact - fee * per, per, price->price.rounding) + fee;
        if (charge < price->price.charge_min) {
            exact = price->price.charge_min * per;
        }
        if (charge > price->price.charge_max && (info->options & TG_PRICE_MAX_STOPS) == 0) {
            exact = price->price.charge_max * per;
        }
    }
    int64_t step = 1;
    for (unsigned i = 0; i < info->round_exponent; i++) {
        step *= 10;
    }
    return slow_round(exact, per * step, price->price.rounding) * step;
}

/* A price, a plan and an allowance nobody would sell. */
static uint64_t catalog_make(struct fixture *f, struct dice *dice, const char *tariff)
{
    fixture_init(f);
    struct fixture_price *price = fixture_price(f, 0, tariff, TG_UNIT_SECOND,
                                                (int64_t)roll(dice, 20000000), 1 + roll(dice, 90));
    if (strcmp(tariff, "graduated") == 0 || strcmp(tariff, "volume") == 0) {
        const uint64_t per = price->steps[0].per_units;
        price->price.steps_count = 3;
        for (uint32_t i = 0; i < 3; i++) {
            price->steps[i] = (struct tg_price_step){
                i == 2 ? UINT64_MAX : (i + 1) * (50 + roll(dice, 3000)),
                (int64_t)roll(dice, 9000000), per, (int64_t)roll(dice, 2) * 12345678};
        }
        if (price->steps[1].up_to_units <= price->steps[0].up_to_units) {
            price->steps[1].up_to_units = price->steps[0].up_to_units + 1;
        }
    }
    price->price.rounding = (uint8_t)roll(dice, 6);
    price->price.first_increment = 1 + roll(dice, 60);
    price->price.next_increment = 1 + roll(dice, 30);
    price->price.grace_units = roll(dice, 3) * roll(dice, 5);
    price->price.minimum_units = roll(dice, 2) * roll(dice, 40);
    price->price.included_units = roll(dice, 2) * roll(dice, 20);
    price->price.connect_fee = (int64_t)(roll(dice, 2) * roll(dice, 50000000));
    if (roll(dice, 3) == 0) {
        price->price.charge_min = (int64_t)roll(dice, 100000000);
        price->price.charge_max = price->price.charge_min + (int64_t)roll(dice, 900000000);
    }
    struct tg_price_info *info = &f->infos[0];
    info->block_units = 1 + roll(dice, 3) * roll(dice, 10);
    info->unit_base_count *= info->block_units;
    info->counter = (uint8_t)roll(dice, 2);
    info->options = (uint8_t)roll(dice, 4);
    info->round_exponent = (uint8_t)(roll(dice, 2) * roll(dice, 8));
    fixture_service(f, TG_SERVICE_VOICE, 0);
    const uint64_t allowance_ms = roll(dice, 2) * roll(dice, 90000000);
    if (allowance_ms > 0) {
        fixture_allowance(f, TG_SERVICE_VOICE, 0, allowance_ms);
    }
    return allowance_ms;
}

Test(reference, a_slow_obvious_rater_agrees_on_a_million_rows, .timeout = 600)
{
    /* If this failed, some combination of options would be charged otherwise than it is written:
     * increments, blocks, grace, minimum, included units, allowance, tiers, fee, bounds, rounding.
     */
    static const char *const tariffs[] = {"per_unit", "graduated", "volume", "flat"};
    static struct fixture f;
    static struct memory memories[FIXTURE_SUBSCRIBERS][2];
    struct dice dice = {20261123};
    const int64_t months[2] = {fixture_ns("2026-01-01"), fixture_ns("2026-02-01")};
    uint64_t rows_count = 0;
    for (int catalog = 0; catalog < CATALOGS; catalog++) {
        const char *tariff = tariffs[catalog % 4];
        const uint64_t allowance_ms = catalog_make(&f, &dice, tariff);
        struct tg_rate *rate = fixture_rate();
        memset(memories, 0, sizeof memories);
        for (int done = 0; done < ROWS; done += BATCH) {
            struct tg_usage rows[BATCH];
            struct tg_charge charges[BATCH];
            for (int i = 0; i < BATCH; i++) {
                const uint64_t month = done < ROWS / 2 ? 0 : 1 - (roll(&dice, 10) == 0);
                rows[i] =
                    fixture_call(months[month] + (int64_t)roll(&dice, 2000000) * TG_NS_PER_S,
                                 (uint32_t)roll(&dice, 5) == 0 ? 0 : (uint32_t)roll(&dice, 200000));
                charges[i] =
                    (struct tg_charge){.subscriber = (uint32_t)roll(&dice, FIXTURE_SUBSCRIBERS)};
            }
            tg_rate_run(rate, &f.snapshot, rows, charges, BATCH);
            for (int i = 0; i < BATCH; i++) {
                const int month = rows[i].start_ns >= months[1];
                const int64_t wanted =
                    slow_rate(&f, tariff, &memories[charges[i].subscriber][month],
                              rows[i].duration_ms, allowance_ms);
                cr_assert(charges[i].fate == TG_FATE_RATED && charges[i].amount == wanted,
                          "catalog %d (%s) row %d: %u ms: %lld, not %lld; reason %d", catalog,
                          tariff, done + i, rows[i].duration_ms, (long long)charges[i].amount,
                          (long long)wanted, charges[i].reason);
                rows_count++;
            }
        }
        tg_rate_destroy(rate);
    }
    cr_expect_eq(rows_count, 1000000);
}
