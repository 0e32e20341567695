/* SPDX-License-Identifier: Apache-2.0 */
/* What is sold against what it costs: every prefix of the deck by the rate sheet it is bought from,
 * and every prefix of that sheet by what the deck sells it for, so that a longer prefix on either
 * side is seen. Two prices are compared once, however many prefixes have them. */
#include "abi/key.h"
#include "base/money.h"
#include "catalog/lint.h"

#include <stdlib.h>
#include <string.h>

#define GROUP     32u
#define TIMES_MAX 16u /* instants at which the bought rates change that are looked at */
/* Usage at which the cost has just gone up: so many increments of the bought price. */
#define INCREMENTS_MAX 60u

/* Outcome for a pair of prices. */
struct memo {
    uint64_t pair; /* sold << 32 | bought; UINT64_MAX free */
    uint64_t loss_base;
    uint64_t outcome; /* 0 fine, 1 below, 2 negative for some usage */
};

struct margin {
    struct tg_lint *lint;
    const struct tg_compile_sheet *sold;
    const struct tg_compile_sheet *bought;
    const struct tg_plan_service *service;
    const char *plan;
    uint32_t sold_deck;
    uint32_t bought_deck;
    struct memo *memos;
    uint32_t memos_count; /* power of two */
    uint32_t memos_used;
    uint8_t *told; /* one bit a row of the sold deck, then of the bought one */
    int64_t times_ns[TIMES_MAX];
    uint32_t times_count;
};

/* Units that a price bills for some usage. */
static uint64_t billed_units(const struct tg_image *image, uint32_t price_id, uint64_t base)
{
    const struct tg_price *price = tg_image_price(image, price_id);
    const uint64_t unit = tg_image_price_info(image, price_id)->unit_base_count;
    uint64_t units = base / unit + (base % unit != 0);
    if ((tg_image_price_info(image, price_id)->options & TG_PRICE_INCLUDED_FIRST) != 0) {
        units = units > price->included_units ? units - price->included_units : 0;
        if (units == 0) {
            return 0;
        }
    }
    units = units < price->minimum_units ? price->minimum_units : units;
    if (units <= price->first_increment) {
        units = price->first_increment;
    } else {
        const uint64_t over = units - price->first_increment;
        const uint64_t steps = over / price->next_increment + (over % price->next_increment != 0);
        units = price->first_increment + steps * price->next_increment;
    }
    if ((tg_image_price_info(image, price_id)->options & TG_PRICE_INCLUDED_FIRST) == 0) {
        units = units > price->included_units ? units - price->included_units : 0;
    }
    return units < INT64_MAX ? units : INT64_MAX; /* two of 63 bits multiply within 128 */
}

/* Charge of a price with one step, times its per_units: comparable when crossed. */
static __int128 charge_crossed(const struct tg_image *image, uint32_t price_id, uint64_t base)
{
    const struct tg_price *price = tg_image_price(image, price_id);
    const struct tg_price_step *step = tg_price_steps(price);
    return (__int128)step->price * (__int128)billed_units(image, price_id, base) +
           (__int128)price->connect_fee * (__int128)step->per_units;
}

static bool is_loss(const struct tg_image *image, uint32_t sold, uint32_t bought, uint64_t base)
{
    const uint64_t sold_per = tg_price_steps(tg_image_price(image, sold))->per_units;
    const uint64_t bought_per = tg_price_steps(tg_image_price(image, bought))->per_units;
    __int128 income;
    __int128 cost;
    return !__builtin_mul_overflow(charge_crossed(image, sold, base), (__int128)bought_per,
                                   &income) &&
           !__builtin_mul_overflow(charge_crossed(image, bought, base), (__int128)sold_per,
                                   &cost) &&
           income < cost;
}

/* A price is as low as its lowest step; the margin is that of the customer who gets it. */
static bool is_below(const struct tg_image *image, uint32_t sold, uint32_t bought)
{
    const struct tg_lint_price cost = tg_lint_price_of(image, bought, 0);
    const uint32_t steps_count = tg_image_price(image, sold)->steps_count;
    bool is_so = false;
    for (uint32_t step = 0; step < steps_count; step++) {
        const struct tg_lint_price income = tg_lint_price_of(image, sold, step);
        is_so = is_so ||
                (__int128)income.amount * cost.per_base < (__int128)cost.amount * income.per_base;
    }
    return is_so;
}

static void memo_fill(const struct tg_image *image, uint32_t sold, uint32_t bought,
                      struct memo *memo)
{
    const struct tg_price *cost = tg_image_price(image, bought);
    const struct tg_price_info *cost_info = tg_image_price_info(image, bought);
    if (tg_image_price_info(image, sold)->dimension != cost_info->dimension ||
        tg_image_price(image, sold)->currency != cost->currency) {
        return; /* no rate is that of all calls to come */
    }
    if (is_below(image, sold, bought)) {
        memo->outcome = 1;
        return;
    }
    const bool is_simple = tg_image_price(image, sold)->steps_count == 1 &&
                           strcmp(tg_image_tariff_name(image, sold), "per_unit") == 0;
    for (uint32_t i = 0; is_simple && memo->outcome == 0 && i <= INCREMENTS_MAX; i++) {
        /* One base quantity more than what the increments before cover. */
        const uint64_t units =
            i == 0 ? 0 : cost->first_increment + (uint64_t)(i - 1) * cost->next_increment;
        const uint64_t base = units * cost_info->unit_base_count + 1;
        if (units >= TG_QUANTITY_MAX / cost_info->unit_base_count) {
            break; /* no record is that long */
        }
        if (is_loss(image, sold, bought, base)) {
            memo->outcome = 2;
            memo->loss_base = base;
        }
    }
}

static uint64_t pair_hash(uint64_t pair)
{
    return tg_key_mix(pair ^ UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0xd1b54a32d192ed03));
}

static bool memos_grow(struct margin *margin)
{
    if (margin->memos_used * 2 < margin->memos_count) {
        return true;
    }
    const uint32_t count = margin->memos_count == 0 ? 1024 : margin->memos_count * 2;
    struct memo *memos = malloc(count * sizeof *memos);
    if (memos == NULL) {
        return false;
    }
    memset(memos, 0xff, count * sizeof *memos);
    for (uint32_t i = 0; i < margin->memos_count; i++) {
        if (margin->memos[i].pair != UINT64_MAX) {
            uint32_t slot = (uint32_t)pair_hash(margin->memos[i].pair) & (count - 1);
            while (memos[slot].pair != UINT64_MAX) {
                slot = (slot + 1) & (count - 1);
            }
            memos[slot] = margin->memos[i];
        }
    }
    free(margin->memos);
    margin->memos = memos;
    margin->memos_count = count;
    return true;
}

static const struct memo *pair_judge(struct margin *margin, uint32_t sold, uint32_t bought)
{
    const uint64_t pair = (uint64_t)sold << 32 | bought;
    if (!memos_grow(margin)) {
        margin->lint->compile->is_out_of_memory = true;
        return NULL;
    }
    const uint32_t mask = margin->memos_count - 1;
    uint32_t slot = (uint32_t)pair_hash(pair) & mask;
    while (margin->memos[slot].pair != UINT64_MAX && margin->memos[slot].pair != pair) {
        slot = (slot + 1) & mask;
    }
    struct memo *memo = &margin->memos[slot];
    if (memo->pair == UINT64_MAX) {
        *memo = (struct memo){.pair = pair};
        memo_fill(margin->lint->image, sold, bought, memo);
        margin->memos_used++;
    }
    return memo->outcome != 0 ? memo : NULL;
}

static void loss_tell(struct margin *margin, const struct tg_deck_row *row, bool is_bought_row,
                      uint32_t sold, uint32_t bought, const struct memo *memo)
{
    const struct tg_image *image = margin->lint->image;
    const struct tg_lint_price income = tg_lint_price_of(image, sold, 0);
    const struct tg_lint_price cost = tg_lint_price_of(image, bought, 0);
    const char *unit = tg_unit_name(tg_image_price_info(image, bought)->unit);
    const uint64_t unit_base = tg_image_price_info(image, bought)->unit_base_count;
    char digits[16];
    char from[TG_MONEY_TEXT_BYTES];
    char to[TG_MONEY_TEXT_BYTES];
    (void)tg_digits_unpack(row->key, digits);
    const char *prefix = digits[0] != '\0' ? digits : "*";
    if (memo->outcome == 1) {
        tg_lint_find(margin->lint, "sell_below_buy", row, true,
                     "prefix %s %s \"%.60s\" (%s) in plan \"%.60s\", below \"%.60s\" (%s)", prefix,
                     is_bought_row ? "is sold for" : "sells for",
                     tg_image_name(image, TG_CATALOG_PRICE, sold),
                     tg_lint_money(margin->lint, income.amount, from), margin->plan,
                     tg_image_name(image, TG_CATALOG_PRICE, bought),
                     tg_lint_money(margin->lint, cost.amount, to));
        return;
    }
    tg_lint_find(margin->lint, "negative_margin", row, true,
                 "prefix %s loses from %llu %s%s on: \"%.60s\" in plan \"%.60s\" against "
                 "\"%.60s\", by increments or connect fee",
                 prefix, (unsigned long long)(memo->loss_base / unit_base + 1), unit,
                 memo->loss_base / unit_base == 0 ? "" : "s",
                 tg_image_name(image, TG_CATALOG_PRICE, sold), margin->plan,
                 tg_image_name(image, TG_CATALOG_PRICE, bought));
}

/* The zone of callers of the jurisdiction of a rate's numbers (0), or of no known place (1); its
 * own where such callers pay no other price. */
static uint32_t callers_zone(const struct margin *margin, uint32_t zone, uint32_t callers)
{
    const struct tg_compile_rate *rate =
        tg_compile_rate_find(margin->lint->compile, tg_lint_zone_price(margin->lint, zone));
    return rate != NULL && rate->pairs[callers] != 0 ? rate->pairs[callers] : zone;
}

/* Does a zone lose in any band against what its calls cost? Then it is told. */
static bool zone_check(struct margin *margin, const struct tg_deck_row *row, uint32_t bit,
                       bool is_bought_row, uint32_t sold_zone, uint32_t bought)
{
    for (uint32_t band = 0; band < margin->service->bands_count; band++) {
        const uint32_t sold =
            tg_image_price_at(margin->lint->image, margin->service, sold_zone, band);
        const struct memo *memo = sold != TG_PRICE_NONE ? pair_judge(margin, sold, bought) : NULL;
        if (memo != NULL) {
            margin->told[bit / 8] |= (uint8_t)(1u << (bit % 8));
            if (!tg_lint_is_full(margin->lint)) {
                loss_tell(margin, row, is_bought_row, sold, bought, memo);
            }
            return true;
        }
    }
    return false;
}

/* A row whose own zone is sold or bought, and the zone it has on the other side. Where the plan
 * asks who calls, so are the prices of callers of the place and of nobody knows where, each against
 * what the supplier wants for such calls. */
static void pair_check(struct margin *margin, const struct tg_deck_row *row, uint32_t bit,
                       bool is_bought_row, uint32_t sold_zone, uint32_t bought_zone)
{
    const uint32_t bought = tg_lint_zone_price(margin->lint, bought_zone);
    if (bought == TG_PRICE_NONE || ((margin->told[bit / 8] >> (bit % 8)) & 1u) != 0 ||
        zone_check(margin, row, bit, is_bought_row, sold_zone, bought) ||
        margin->service->origin == 0) {
        return;
    }
    for (uint32_t callers = 0; callers < 2; callers++) {
        const uint32_t sold_to = callers_zone(margin, sold_zone, callers);
        const uint32_t bought_for = callers_zone(margin, bought_zone, callers);
        const uint32_t cost = tg_lint_zone_price(margin->lint, bought_for);
        if ((sold_to != sold_zone || bought_for != bought_zone) && cost != TG_PRICE_NONE &&
            zone_check(margin, row, bit, is_bought_row, sold_to, cost)) {
            return;
        }
    }
}

static int keys_compare(const void *a, const void *b)
{
    const struct tg_deck_row *left = a;
    const struct tg_deck_row *right = b;
    return left->key < right->key ? -1 : left->key > right->key ? 1 : 0;
}

/* Is the prefix of a bought row itself sold? Then it was looked at from that side. */
static bool is_sold_alike(const struct margin *margin, const struct tg_deck_row *row)
{
    return bsearch(row, margin->sold->rows.bytes, margin->sold->rows_count, sizeof *row,
                   keys_compare) != NULL;
}

/* Rows of one side looked up in the other, at the start of each and at the given instants. */
static void side_check(struct margin *margin, bool is_bought_side, int64_t floor_ns, bool is_start)
{
    const struct tg_compile_sheet *sheet = is_bought_side ? margin->bought : margin->sold;
    const struct tg_deck_row *rows = (const struct tg_deck_row *)(const void *)sheet->rows.bytes;
    const uint32_t other = is_bought_side ? margin->sold_deck : margin->bought_deck;
    const uint32_t first_bit = is_bought_side ? margin->sold->rows_count : 0;
    for (uint32_t done = 0; done < sheet->rows_count; done += GROUP) {
        const uint32_t group = sheet->rows_count - done < GROUP ? sheet->rows_count - done : GROUP;
        uint64_t keys[GROUP];
        int64_t at_ns[GROUP];
        uint16_t zones[GROUP];
        for (uint32_t i = 0; i < group; i++) {
            const struct tg_deck_row *row = &rows[done + i];
            keys[i] = row->key;
            at_ns[i] = is_start && row->valid_from_ns > floor_ns ? row->valid_from_ns : floor_ns;
        }
        tg_image_zones(margin->lint->image, other, keys, at_ns, group, zones);
        for (uint32_t i = 0; i < group; i++) {
            const struct tg_deck_row *row = &rows[done + i];
            if (zones[i] != TG_ZONE_NONE && at_ns[i] >= row->valid_from_ns &&
                at_ns[i] < row->valid_to_ns && !(is_bought_side && is_sold_alike(margin, row))) {
                pair_check(margin, row, first_bit + done + i, is_bought_side,
                           is_bought_side ? zones[i] : row->zone,
                           is_bought_side ? row->zone : zones[i]);
            }
        }
    }
}

/* Later instants at which bought rates change: a sold row may span several of them. */
static void times_find(struct margin *margin)
{
    const struct tg_deck_row *rows =
        (const struct tg_deck_row *)(const void *)margin->bought->rows.bytes;
    for (uint32_t i = 0; i < margin->bought->rows_count; i++) {
        const int64_t at_ns = rows[i].valid_from_ns;
        bool is_known = at_ns <= margin->lint->image->valid_from_ns;
        for (uint32_t j = margin->times_count; !is_known && j > 0; j--) {
            is_known = margin->times_ns[j - 1] == at_ns;
        }
        if (!is_known && margin->times_count < TIMES_MAX) {
            margin->times_ns[margin->times_count++] = at_ns;
        }
    }
}

static void service_check(struct margin *margin)
{
    const int64_t floor_ns = margin->lint->image->valid_from_ns;
    side_check(margin, false, floor_ns, true);
    for (uint32_t i = 0; i < margin->times_count; i++) {
        side_check(margin, false, margin->times_ns[i], false);
    }
    tg_lint_flush(margin->lint, margin->sold);
    side_check(margin, true, floor_ns, true);
    tg_lint_flush(margin->lint, margin->bought);
}

static bool service_uses(const struct tg_plan_service *service, uint32_t deck)
{
    bool does_use = service->deck == deck;
    for (uint32_t i = 0; service->deck != TG_DECK_NONE && i < TG_FALLBACK_DECKS_MAX; i++) {
        does_use = does_use || service->fallback_decks[i] == deck;
    }
    return does_use;
}

static void deck_check(struct margin *margin)
{
    const struct tg_image *image = margin->lint->image;
    const size_t bits = (size_t)margin->sold->rows_count + margin->bought->rows_count;
    margin->told = calloc(1, bits / 8 + 1);
    if (margin->told == NULL) {
        margin->lint->compile->is_out_of_memory = true;
        return;
    }
    times_find(margin);
    for (uint32_t plan = 0; plan < tg_image_count(image, TG_CATALOG_PLAN); plan++) {
        for (uint32_t service = 0; service < TG_SERVICE_COUNT; service++) {
            margin->service = tg_image_plan_service(image, plan, service);
            margin->plan = tg_image_name(image, TG_CATALOG_PLAN, plan);
            if (margin->service != NULL && service_uses(margin->service, margin->sold_deck)) {
                service_check(margin);
            }
        }
    }
    free(margin->told);
    free(margin->memos);
}

void tg_lint_margins(struct tg_lint *lint)
{
    const struct tg_compile *compile = lint->compile;
    for (uint32_t deck = 0; deck < compile->names[TG_CATALOG_DECK].count; deck++) {
        const struct tg_compile_sheet *sheet = &compile->sheets[deck];
        if (sheet->buy_deck != TG_DECK_NONE && sheet->source != NULL &&
            compile->sheets[sheet->buy_deck].source != NULL) {
            struct margin margin = {.lint = lint,
                                    .sold = sheet,
                                    .bought = &compile->sheets[sheet->buy_deck],
                                    .sold_deck = deck,
                                    .bought_deck = sheet->buy_deck};
            deck_check(&margin);
        }
    }
}
