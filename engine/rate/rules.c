/* SPDX-License-Identifier: Apache-2.0 */
#include "rate/rules.h"

#include "base/clock.h"
#include "base/money.h"
#include "catalog/catalog.h"
#include "catalog/exchange.h"
#include "catalog/zone_time.h"

#include <assert.h>

/* Periods a limit remembers: this one and five before, so that a day's roaming usage may be late.
 */
#define SPEND_PERIODS 6u
/* Denominators of versions that meet in one cycle have a common multiple below this. */
#define CARRY_DENOMINATOR_MAX (UINT64_C(1) << 40)

struct tg_bucket_time tg_rules_time(const struct tg_image *image,
                                    const struct tg_roster_account *account, int64_t at_ns,
                                    uint32_t active_from_s)
{
    const uint8_t code = account != NULL && account->cycle_day >= 1 ? account->cycle_day : 1;
    const bool has_weeks = account != NULL && (account->flags & TG_ROSTER_BILLS_WEEK) != 0;
    const uint16_t day = (uint16_t)(has_weeks ? TG_CYCLE_WEEKS + code : code);
    const int64_t active_ns = (int64_t)active_from_s * TG_NS_PER_S;
    const struct tg_zone_view zone = tg_image_zone(image, account != NULL ? account->zone : 0);
    const int64_t local_ns = tg_zone_local_ns(zone, at_ns);
    return (struct tg_bucket_time){.at_ns = local_ns >= 0 ? local_ns : 0,
                                   .active_from_ns =
                                       active_ns > 0 ? tg_zone_local_ns(zone, active_ns) : 0,
                                   .cycle_day = day};
}

/* Limits of a row, the price's first; an id that both name counts once. */
static uint32_t limits_of(const struct tg_rules *rules, uint16_t limits[TG_RULES_LIMITS_MAX])
{
    uint32_t count = 0;
    if (rules->rule->spend_limit != 0) {
        limits[count++] = rules->rule->spend_limit - 1;
    }
    const uint16_t plan_limit = tg_image_plan_limit(rules->image, rules->plan_service);
    if (plan_limit != 0 && plan_limit != rules->rule->spend_limit) {
        limits[count++] = plan_limit - 1;
    }
    return count;
}

static bool limit_is_pool(const struct tg_image *image, uint16_t limit)
{
    return tg_image_spend_limit(image, limit)->scope == TG_SCOPE_ACCOUNT;
}

/* Where the remainder of a price lies: the subscription's, or the account's. */
static struct tg_shelf *carry_shelf(struct tg_accounts *accounts, const struct tg_rules *rules)
{
    const bool is_pool = rules->rule->carry_scope == TG_SCOPE_ACCOUNT;
    return tg_allowance_shelf(accounts, rules->log, is_pool,
                              is_pool ? rules->account : rules->subscriber);
}

enum tg_err tg_rules_open(struct tg_accounts *accounts, struct tg_rules *rules)
{
    uint16_t limits[TG_RULES_LIMITS_MAX];
    const uint32_t count = limits_of(rules, limits);
    bool is_full = rules->rule->carry_denominator != 0 && carry_shelf(accounts, rules) == NULL;
    rules->exchange = NULL;
    rules->cost = 0;
    rules->carried = 0;
    rules->uses_count = 0;
    rules->has_carry = false;
    for (uint32_t i = 0; i < count; i++) {
        const bool is_pool = limit_is_pool(rules->image, limits[i]);
        is_full =
            is_full || tg_allowance_shelf(accounts, rules->log, is_pool,
                                          is_pool ? rules->account : rules->subscriber) == NULL;
    }
    return is_full ? TG_E_FULL : TG_OK;
}

static void bucket_touch(struct tg_bucket *bucket, int64_t at_ns)
{
    const uint32_t month = tg_account_period(at_ns);
    bucket->touched_month = month > bucket->touched_month ? month : bucket->touched_month;
}

/* The carry of a cycle, where its parts lie. */
struct carry {
    struct tg_bucket *bucket;
    uint64_t *sum;       /* S, two's complement */
    uint64_t *remainder; /* T - S over the denominator, two's complement */
    uint64_t denominator;
};

static enum tg_err carry_at(struct tg_accounts *accounts, struct tg_rules *rules,
                            struct carry *carry)
{
    const struct tg_allowance cycle = {.period = TG_PERIOD_CYCLE};
    const struct tg_bucket_time time = {rules->time.at_ns, 0, rules->time.cycle_day};
    struct tg_shelf *shelf = carry_shelf(accounts, rules);
    bool is_late = false;
    const enum tg_err err = shelf == NULL ? TG_E_FULL
                                          : tg_bucket_at(shelf, TG_BUCKET_CARRY, 0, &cycle, &time,
                                                         &carry->bucket, &is_late);
    if (err != TG_OK) {
        return err;
    }
    struct tg_bucket *bucket = carry->bucket;
    uint64_t *kept = bucket->carried_base;
    const uint64_t had = kept[2] != 0 ? kept[2] : 1;
    const uint64_t wanted = rules->rule->carry_denominator;
    uint64_t a = had;
    for (uint64_t b = wanted; b != 0;) {
        const uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    const uint64_t factor = wanted / a;
    if (had > CARRY_DENOMINATOR_MAX / factor) {
        return TG_E_AMOUNT_OVERFLOW;
    }
    for (uint32_t i = 0; i < 2; i++) {
        int64_t scaled;
        if (__builtin_mul_overflow((int64_t)kept[i], (int64_t)factor, &scaled)) {
            return TG_E_AMOUNT_OVERFLOW;
        }
        kept[i] = (uint64_t)scaled;
    }
    kept[2] = had * factor;
    carry->denominator = kept[2];
    carry->sum = is_late ? &bucket->used_before_base : &bucket->used_base;
    carry->remainder = is_late ? &kept[1] : &kept[0];
    bucket_touch(bucket, rules->time.at_ns);
    return TG_OK;
}

/* total is the new sum, exact the new exact sum over the denominator. */
static enum tg_err carry_move(const struct carry *carry, __int128 total, __int128 exact)
{
    const __int128 left = exact - total * (__int128)carry->denominator;
    if (total > INT64_MAX || total < INT64_MIN || left > INT64_MAX || left < INT64_MIN) {
        return TG_E_AMOUNT_OVERFLOW;
    }
    *carry->sum = (uint64_t)(int64_t)total;
    *carry->remainder = (uint64_t)(int64_t)left;
    return TG_OK;
}

enum tg_err tg_rules_carry(struct tg_accounts *accounts, struct tg_rules *rules,
                           const struct tg_rules_exact *exact, int64_t step,
                           struct tg_charge *charge)
{
    struct carry carry;
    if (rules->rule->carry_denominator % exact->denominator != 0) {
        return TG_E_PLUGIN_RANGE;
    }
    enum tg_err err = carry_at(accounts, rules, &carry);
    if (err != TG_OK) {
        return err;
    }
    const __int128 den = (__int128)carry.denominator;
    const __int128 most = (__int128)1 << 120;
    const __int128 factor = den / (__int128)exact->denominator;
    if (exact->numerator > most / factor || exact->numerator < -most / factor) {
        return TG_E_AMOUNT_OVERFLOW;
    }
    const __int128 own = exact->numerator * factor;
    const int64_t before = (int64_t)*carry.sum;
    const __int128 sum = (__int128)before * den + (int64_t)*carry.remainder + own;
    struct tg_tariff_result rounded;
    uint64_t divisor;
    if (__builtin_mul_overflow(carry.denominator, (uint64_t)step, &divisor)) {
        return TG_E_AMOUNT_OVERFLOW;
    }
    tg_tariff_round(sum, divisor, rules->price->rounding, &rounded);
    const __int128 total = (__int128)rounded.amount * step;
    const __int128 amount = total - before;
    const __int128 cut = ((own - amount * den) * ((__int128)1 << 32)) / den;
    if (rounded.verdict != TG_OK || amount > INT64_MAX || amount < INT64_MIN || cut > INT64_MAX ||
        cut < INT64_MIN) {
        return TG_E_AMOUNT_OVERFLOW;
    }
    tg_tariff_round(own, divisor, rules->price->rounding, &rounded); /* as if it were alone */
    rules->carried = (int64_t)(amount - (__int128)rounded.amount * step);
    rules->remainder_before = (int64_t)*carry.remainder;
    rules->has_carry = true;
    charge->amount = (int64_t)amount;
    charge->remainder = (int64_t)cut;
    return carry_move(&carry, total, sum);
}

/* A limit cut the charge: what is cut is no longer owed, the remainder of before still is. */
static enum tg_err carry_cut(struct tg_accounts *accounts, struct tg_rules *rules, int64_t cut)
{
    struct carry carry;
    enum tg_err err = carry_at(accounts, rules, &carry);
    if (err == TG_OK) {
        const __int128 total = (__int128)(int64_t)*carry.sum - cut;
        err = carry_move(&carry, total,
                         total * (__int128)carry.denominator + rules->remainder_before);
    }
    return err;
}

/* An amount of the row in another currency, at the rate of its event. */
static enum tg_err amount_in(const struct tg_rules *rules, uint16_t from, uint16_t to,
                             int64_t amount, int64_t *result)
{
    *result = amount;
    if (from == to) {
        return TG_OK;
    }
    const struct tg_exchange_rate *rate = tg_image_exchange(rules->image, from, to, rules->at_ns);
    return rate == NULL ? TG_E_NO_EXCHANGE_RATE
                        : tg_exchange_amount(rate, amount, rules->image->rounding_exchange, result);
}

/* A limit's bucket and the place of the row's period in it; NULL place: too late to count. */
struct spend {
    struct tg_bucket *bucket;
    uint64_t *spent; /* two's complement: a volume price gives money back */
    const struct tg_spend_limit *limit;
    bool is_late;
};

/* What charges are cut to; INT64_MAX: they are not. */
static int64_t cut_at(const struct tg_spend_limit *limit)
{
    return limit->stops != 0 ? INT64_MAX : limit->maximum;
}

static enum tg_err spend_at(struct tg_accounts *accounts, struct tg_rules *rules, uint16_t index,
                            struct spend *spend)
{
    const struct tg_spend_limit *limit = tg_image_spend_limit(rules->image, index);
    const struct tg_allowance period = {.period = limit->period};
    const struct tg_bucket_time time = {rules->time.at_ns, 0, rules->time.cycle_day};
    const bool is_pool = limit->scope == TG_SCOPE_ACCOUNT;
    struct tg_shelf *shelf = tg_allowance_shelf(accounts, rules->log, is_pool,
                                                is_pool ? rules->account : rules->subscriber);
    *spend = (struct spend){.limit = limit};
    if (shelf == NULL) {
        return TG_E_FULL;
    }
    const enum tg_err err = tg_bucket_at(shelf, TG_BUCKET_SPEND, index, &period, &time,
                                         &spend->bucket, &spend->is_late);
    if (err != TG_OK && err != TG_E_PERIOD_CLOSED) {
        return err;
    }
    struct tg_bucket *bucket = spend->bucket;
    const uint32_t back =
        bucket->period - tg_bucket_period(limit->period, time.cycle_day, time.at_ns);
    if (back >= SPEND_PERIODS) { /* what only tells need not be exact so late; what cuts must */
        return cut_at(limit) == INT64_MAX ? TG_OK : TG_E_PERIOD_CLOSED;
    }
    spend->spent = back == 0   ? &bucket->used_base
                   : back == 1 ? &bucket->used_before_base
                               : &bucket->carried_base[back - 2];
    bucket_touch(bucket, time.at_ns);
    return TG_OK;
}

static uint8_t spend_fire(const struct spend *spend)
{
    uint8_t fired = 0;
    for (uint32_t i = 0; !spend->is_late && i < TG_THRESHOLDS_MAX; i++) {
        if (spend->limit->thresholds[i] != INT64_MAX &&
            (int64_t)*spend->spent >= spend->limit->thresholds[i]) {
            fired |= (uint8_t)(1u << i);
        }
    }
    fired &= (uint8_t)~spend->bucket->fired_mask;
    spend->bucket->fired_mask |= fired;
    return fired;
}

/* Count a charge towards every limit of the row. */
static enum tg_err spends_count(struct tg_rules *rules, const struct spend *spends, uint32_t count,
                                int64_t amount, uint16_t currency)
{
    int64_t counted = 0;
    const enum tg_err err =
        count > 0 ? amount_in(rules, currency, rules->image->currency, amount, &counted) : TG_OK;
    for (uint32_t i = 0; err == TG_OK && i < count; i++) {
        struct tg_spend_use *use = &rules->uses[i];
        int64_t spent;
        if (spends[i].spent == NULL) {
            continue;
        }
        if (__builtin_add_overflow((int64_t)*spends[i].spent, counted, &spent)) {
            return TG_E_AMOUNT_OVERFLOW;
        }
        use->spent_before = (int64_t)*spends[i].spent;
        use->spent = spent;
        *spends[i].spent = (uint64_t)spent;
        use->fired_mask = spend_fire(&spends[i]);
    }
    return err;
}

static enum tg_err spends_open(struct tg_accounts *accounts, struct tg_rules *rules,
                               struct spend spends[TG_RULES_LIMITS_MAX], uint32_t *count)
{
    uint16_t limits[TG_RULES_LIMITS_MAX];
    *count = limits_of(rules, limits);
    rules->uses_count = (uint8_t)*count;
    for (uint32_t i = 0; i < *count; i++) {
        rules->uses[i] = (struct tg_spend_use){.limit = limits[i]};
        const enum tg_err err = spend_at(accounts, rules, limits[i], &spends[i]);
        if (err != TG_OK) {
            return err;
        }
    }
    return TG_OK;
}

/* A charge of units below 0 (a tier that makes all units cheaper, a call that ends in a cheaper
 * band) takes back what came before it. Where a limit is reached that was cut, in part or in full,
 * and how much of it nobody remembers: nothing is given back, so that no money is paid out that
 * never came in. Carried money below 0 is a refund of its own, and is paid. */
static void spends_keep(struct tg_rules *rules, const struct spend *spends, uint32_t count,
                        int64_t counted, struct tg_charge *charge)
{
    for (uint32_t i = 0; i < count; i++) {
        const int64_t maximum = cut_at(spends[i].limit);
        if (spends[i].spent != NULL && maximum != INT64_MAX &&
            (int64_t)*spends[i].spent >= maximum) {
            rules->uses[i].cut = counted;
            charge->amount = 0;
            charge->flags |= TG_CHARGE_CAPPED;
        }
    }
}

/* What the tightest limit leaves of the charge. */
static enum tg_err spends_cut(struct tg_rules *rules, const struct spend *spends, uint32_t count,
                              struct tg_charge *charge)
{
    const int64_t whole = charge->amount;
    int64_t counted = 0;
    const enum tg_err err =
        count > 0 ? amount_in(rules, charge->currency, rules->image->currency, whole, &counted)
                  : TG_OK;
    for (uint32_t i = 0; err == TG_OK && i < count && counted > 0; i++) {
        const int64_t maximum = cut_at(spends[i].limit);
        if (spends[i].spent == NULL || maximum == INT64_MAX) {
            continue;
        }
        __int128 room = (__int128)maximum - (int64_t)*spends[i].spent;
        room = room < 0 ? 0 : room;
        if (room >= counted) {
            continue;
        }
        /* In another currency the part that fits, rounded down: a limit is never passed. */
        const int64_t fits = (int64_t)((__int128)whole * room / counted);
        rules->uses[i].cut = counted - (int64_t)room;
        charge->amount = fits < charge->amount ? fits : charge->amount;
        charge->flags |= TG_CHARGE_CAPPED;
    }
    if (err == TG_OK && counted < 0 && rules->plan_service->dimension != TG_DIMENSION_MONEY) {
        spends_keep(rules, spends, count, counted, charge);
    }
    return err;
}

enum tg_err tg_rules_finish(struct tg_accounts *accounts, struct tg_rules *rules,
                            struct tg_charge *charge)
{
    struct spend spends[TG_RULES_LIMITS_MAX];
    uint32_t count;
    charge->currency = rules->price->currency;
    charge->flags = 0;
    if (rules->currency != charge->currency) {
        rules->exchange =
            tg_image_exchange(rules->image, charge->currency, rules->currency, rules->at_ns);
        if (rules->exchange == NULL) {
            return TG_E_NO_EXCHANGE_RATE;
        }
        if (rules->rule->converts_at_event != 0) {
            const enum tg_err converted = tg_exchange_amount(
                rules->exchange, charge->amount, rules->image->rounding_exchange, &charge->amount);
            if (converted != TG_OK) {
                return converted;
            }
            charge->remainder = 0; /* the event's amount is final in the account's currency */
            charge->currency = rules->currency;
        }
    }
    enum tg_err err = spends_open(accounts, rules, spends, &count);
    const int64_t whole = charge->amount;
    err = err == TG_OK ? spends_cut(rules, spends, count, charge) : err;
    if (err == TG_OK && (charge->flags & TG_CHARGE_CAPPED) != 0) {
        charge->remainder = 0;
        err = rules->has_carry ? carry_cut(accounts, rules, whole - charge->amount) : TG_OK;
    }
    err = err == TG_OK ? spends_count(rules, spends, count, charge->amount, charge->currency) : err;
    for (uint32_t i = 0; err == TG_OK && i < count; i++) {
        charge->flags |= rules->uses[i].fired_mask != 0 ? TG_CHARGE_THRESHOLD : 0;
    }
    return err == TG_OK
               ? amount_in(rules, charge->currency, rules->currency, charge->amount, &rules->cost)
               : err;
}

/* The row's exact charge from what the journal keeps: remainders of 2^-32 tell apart all multiples
 * of 1 / denominator below 2^31, so the nearest one is the one that was meant. */
static enum tg_err carry_apply(struct tg_accounts *accounts, struct tg_rules *rules,
                               const struct tg_charge *charge)
{
    struct carry carry;
    const enum tg_err err = carry_at(accounts, rules, &carry);
    if (err != TG_OK) {
        return err;
    }
    const __int128 own_den = (__int128)rules->rule->carry_denominator;
    const __int128 scaled = (__int128)charge->remainder * own_den;
    const __int128 half = (__int128)1 << 31;
    const __int128 rest = (scaled + (scaled < 0 ? -half : half)) / ((__int128)1 << 32);
    const __int128 den = (__int128)carry.denominator;
    const int64_t before = (int64_t)*carry.sum;
    const __int128 own = ((__int128)charge->amount * own_den + rest) * (den / own_den);
    return carry_move(&carry, (__int128)before + charge->amount,
                      (__int128)before * den + (int64_t)*carry.remainder + own);
}

enum tg_err tg_rules_apply(struct tg_accounts *accounts, struct tg_rules *rules,
                           const struct tg_charge *charge)
{
    struct spend spends[TG_RULES_LIMITS_MAX];
    uint32_t count;
    enum tg_err err =
        rules->rule->carry_denominator != 0 ? carry_apply(accounts, rules, charge) : TG_OK;
    err = err == TG_OK ? spends_open(accounts, rules, spends, &count) : err;
    err = err == TG_OK ? spends_count(rules, spends, count, charge->amount, charge->currency) : err;
    err = err == TG_OK
              ? amount_in(rules, charge->currency, rules->currency, charge->amount, &rules->cost)
              : err;
    return err == TG_OK ? TG_OK : TG_E_CORRUPT;
}
