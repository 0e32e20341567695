/* SPDX-License-Identifier: Apache-2.0 */
/* The slow rater's other half: counters of any period, carried remainders, currencies and spend
 * limits. It keeps every period there ever was, looks at every unit, and works in fractions. */
#include "rate_fixture.h"

#define CATALOGS 60
#define ROWS     4000
#define PEOPLE   8
#define EUR      978
#define USD      840
#define NEVER    (-1000)

/* What one period of one thing came to. */
struct page {
    __int128 exact; /* carry: numerator of the exact sum */
    int64_t value;  /* counter: units; carry, limit: money */
    unsigned fired; /* limit: thresholds that were told */
};

/* One counter, carry or limit of one owner: all its periods, and the latest. */
struct book {
    struct page pages[120 * 24]; /* hours of the days that rows are in */
    int latest;
};

struct slow {
    struct book counter[PEOPLE];
    struct book carry[PEOPLE + 1];     /* likewise */
    struct book limits[2][PEOPLE + 1]; /* the last is the account's */
};

/* Everything random about a catalog. */
struct sale {
    int64_t tier_price[2];
    uint64_t tier_units;
    uint64_t per;
    int64_t rate_usd[2]; /* 10^-5 euro a dollar, before and after the change */
    int64_t change_ns;
    int64_t maximum[2];
    int64_t thresholds[2][3];
    unsigned rounding;
    unsigned exponent;
    unsigned counter; /* enum tg_price_counter, shelf periods included */
    unsigned limit_period[2];
    unsigned cycle_day;
    bool is_pool[2];
    bool has_limit[2];
    bool carries;
    bool carry_is_pool;
    unsigned euro_exponent; /* rating_digits of what amounts are converted to */
    bool is_foreign;
    bool converts_at_event;
};

struct dice {
    uint64_t state;
};

static uint64_t roll(struct dice *dice, uint64_t sides)
{
    dice->state = dice->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (dice->state >> 33) % sides;
}

static __int128 floor_div(__int128 a, __int128 b)
{
    const __int128 quotient = a / b;
    return a % b < 0 ? quotient - 1 : quotient;
}

static int64_t slow_round(__int128 numerator, __int128 denominator, unsigned mode)
{
    const __int128 low = floor_div(numerator, denominator);
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

/* Day of 2026 from 0, and its month and day of the month, by counting. */
static void slow_day(int64_t at_ns, int64_t year_ns, int *day, int *month, int *of_month)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    *day = (int)((at_ns - year_ns) / TG_NS_PER_DAY);
    *of_month = *day;
    for (*month = 0; *of_month >= lengths[*month]; (*month)++) {
        *of_month -= lengths[*month];
    }
    *of_month += 1;
}

/* A number of the period an instant is in; 2026 began on a Thursday. */
static int slow_period(unsigned period, unsigned cycle_day, int64_t at_ns, int64_t year_ns)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int day;
    int month;
    int of_month;
    slow_day(at_ns, year_ns, &day, &month, &of_month);
    const int anchor = (int)cycle_day > lengths[month] ? lengths[month] : (int)cycle_day;
    switch (period) {
    case TG_PERIOD_MONTH:
        return 1 + month;
    case TG_PERIOD_DAY:
        return 1 + day;
    case TG_PERIOD_WEEK:
        return 1 + (day + 3) / 7;
    case TG_PERIOD_CYCLE:
        return 1 + month + (of_month >= anchor);
    case TG_PERIOD_HOUR:
        return 1 + (int)((at_ns - year_ns) / TG_NS_PER_HOUR);
    case TG_PERIOD_QUARTER:
        return 1 + month / 3;
    case TG_PERIOD_HALF_YEAR:
        return 1 + month / 6;
    default: /* years too: all of this is one */
        return 1;
    }
}

/* Would a row of this period be too late? */
static bool is_closed(const struct book *book, int number, int reach)
{
    return book->latest != NEVER && number < book->latest - reach;
}

static struct page *page_at(struct book *book, int number)
{
    book->latest = book->latest > number ? book->latest : number;
    return &book->pages[number];
}

static int64_t rate_at(const struct sale *sale, int64_t at_ns)
{
    return sale->rate_usd[at_ns >= sale->change_ns];
}

/* Dollars to euros; both have two decimals and a scale of eight. */
static int64_t to_eur(const struct sale *sale, int64_t amount, int64_t at_ns)
{
    int64_t step = 1;
    for (unsigned i = 0; i < sale->euro_exponent; i++) {
        step *= 10;
    }
    return sale->is_foreign ? slow_round((__int128)amount * rate_at(sale, at_ns),
                                         (__int128)100000 * step, TG_ROUND_HALF_UP) *
                                  step
                            : amount;
}

static unsigned period_of_counter(const struct sale *sale)
{
    return sale->counter >= TG_COUNTER_SHELF ? sale->counter - TG_COUNTER_SHELF : TG_PERIOD_MONTH;
}

/* What the row may look at is open, or the row is refused and changes nothing. */
static bool row_is_closed(const struct slow *slow, const struct sale *sale, uint32_t who,
                          int64_t at_ns, int64_t year_ns)
{
    bool closed =
        is_closed(&slow->counter[who],
                  slow_period(period_of_counter(sale), sale->cycle_day, at_ns, year_ns), 1);
    if (sale->carries) {
        closed |= is_closed(&slow->carry[sale->carry_is_pool ? PEOPLE : who],
                            slow_period(TG_PERIOD_CYCLE, sale->cycle_day, at_ns, year_ns), 1);
    }
    for (int i = 0; i < 2; i++) {
        const int number = slow_period(sale->limit_period[i], sale->cycle_day, at_ns, year_ns);
        closed |= sale->has_limit[i] && sale->maximum[i] != INT64_MAX &&
                  is_closed(&slow->limits[i][sale->is_pool[i] ? PEOPLE : who], number, 5);
    }
    return closed;
}

/* Charge of a row; *fired: thresholds told, bits of limit 0 then of limit 1. */
static int64_t slow_rate(struct slow *slow, const struct sale *sale, uint32_t who, int64_t at_ns,
                         uint32_t duration_ms, int64_t year_ns, unsigned *fired)
{
    const uint64_t units = (duration_ms + 999) / 1000;
    struct page *counter = page_at(
        &slow->counter[who], slow_period(period_of_counter(sale), sale->cycle_day, at_ns, year_ns));
    const uint64_t before = sale->counter == TG_COUNTER_RECORD ? 0 : (uint64_t)counter->value;
    __int128 exact = 0;
    for (uint64_t unit = before + 1; unit <= before + units; unit++) {
        exact += sale->tier_price[unit > sale->tier_units];
    }
    counter->value += (int64_t)units;
    int64_t step = 1;
    for (unsigned i = 0; i < sale->exponent; i++) {
        step *= 10;
    }
    const __int128 per = (__int128)sale->per;
    int64_t amount = slow_round(exact, per * step, sale->rounding) * step;
    struct page *carry = NULL;
    if (sale->carries) {
        carry = page_at(&slow->carry[sale->carry_is_pool ? PEOPLE : who],
                        slow_period(TG_PERIOD_CYCLE, sale->cycle_day, at_ns, year_ns));
        carry->exact += exact;
        amount = slow_round(carry->exact, per * step, sale->rounding) * step - carry->value;
    }
    const bool is_eur = !sale->is_foreign || sale->converts_at_event;
    amount = sale->converts_at_event ? to_eur(sale, amount, at_ns) : amount;
    const int64_t whole = amount;
    const int64_t counted = is_eur ? whole : to_eur(sale, whole, at_ns);
    struct page *pages[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++) {
        struct book *book = &slow->limits[i][sale->is_pool[i] ? PEOPLE : who];
        const int number = slow_period(sale->limit_period[i], sale->cycle_day, at_ns, year_ns);
        if (!sale->has_limit[i] || is_closed(book, number, 5)) {
            continue;
        }
        pages[i] = page_at(book, number);
        const int64_t left = sale->maximum[i] - pages[i]->value;
        const int64_t room = left > 0 ? left : 0;
        if (sale->maximum[i] != INT64_MAX && counted > 0 && counted > room) {
            const int64_t fits = (int64_t)((__int128)whole * room / counted);
            amount = fits < amount ? fits : amount;
        }
        if (sale->maximum[i] != INT64_MAX && counted < 0 && left <= 0) {
            amount = 0; /* what was cut of those before nobody remembers: nothing comes back */
        }
    }
    if (carry != NULL) {
        carry->exact -= (__int128)(whole - amount) * per; /* what was cut is not owed */
        if (whole != amount) { /* a cut charge is exact; the remainder of before stays */
            carry->exact += (__int128)whole * per - exact;
        }
        carry->value += amount;
    }
    const int64_t spent = is_eur ? amount : to_eur(sale, amount, at_ns);
    *fired = 0;
    for (int i = 0; i < 2; i++) {
        struct book *book = &slow->limits[i][sale->is_pool[i] ? PEOPLE : who];
        if (pages[i] == NULL) {
            continue;
        }
        pages[i]->value += spent;
        for (unsigned t = 0; t < 3 && pages[i] == &book->pages[book->latest]; t++) {
            if (pages[i]->value >= sale->thresholds[i][t] && (pages[i]->fired >> t & 1u) == 0) {
                pages[i]->fired |= 1u << t;
                *fired |= 1u << (i * 3 + t);
            }
        }
    }
    return amount;
}

static void limit_make(struct fixture *f, struct sale *sale, struct dice *dice, int i)
{
    static const unsigned periods[] = {TG_PERIOD_DAY,   TG_PERIOD_WEEK,    TG_PERIOD_MONTH,
                                       TG_PERIOD_CYCLE, TG_PERIOD_EVER,    TG_PERIOD_YEAR,
                                       TG_PERIOD_HOUR,  TG_PERIOD_QUARTER, TG_PERIOD_HALF_YEAR};
    sale->has_limit[i] = roll(dice, 2) == 0;
    sale->limit_period[i] = periods[roll(dice, 9)];
    sale->is_pool[i] = roll(dice, 2) == 0;
    sale->maximum[i] = roll(dice, 3) == 0 ? INT64_MAX : (int64_t)roll(dice, 40) * FIXTURE_EUR / 7;
    for (unsigned t = 0; t < 3; t++) {
        sale->thresholds[i][t] = (int64_t)(t + 1) * (1 + (int64_t)roll(dice, 3 * FIXTURE_EUR));
    }
    f->limits[i] = (struct tg_spend_limit){
        .maximum = sale->maximum[i],
        .thresholds = {sale->thresholds[i][0], sale->thresholds[i][1], sale->thresholds[i][2]},
        .period = (uint8_t)sale->limit_period[i],
        .scope = sale->is_pool[i] ? TG_SCOPE_ACCOUNT : TG_SCOPE_SUBSCRIBER,
        .is_present = 1};
}

static void sale_make(struct fixture *f, struct sale *sale, struct dice *dice, int64_t year_ns)
{
    *sale = (struct sale){
        .tier_price = {(int64_t)roll(dice, 9000000), (int64_t)roll(dice, 9000000)},
        .tier_units = 1 + roll(dice, 5000),
        .per = 1 + roll(dice, 90),
        .rate_usd = {1 + (int64_t)roll(dice, 200000), 1 + (int64_t)roll(dice, 200000)},
        .change_ns = year_ns + (int64_t)(20 + roll(dice, 30)) * TG_NS_PER_DAY,
        .rounding = (unsigned)roll(dice, 6),
        .exponent = (unsigned)roll(dice, 7),
        .counter = (unsigned)roll(dice, TG_COUNTER_SHELF + TG_PERIODS_COUNT),
        .cycle_day = 1 + (unsigned)roll(dice, 31),
    };
    switch (roll(dice, 3)) {
    case 0:
        sale->carries = true;
        sale->carry_is_pool = roll(dice, 2) == 0;
        break;
    case 1:
        sale->is_foreign = true;
        sale->euro_exponent = (unsigned)roll(dice, 7);
        sale->converts_at_event = roll(dice, 2) == 0;
        break;
    default:
        break;
    }
    fixture_init(f);
    struct fixture_price *price =
        fixture_price(f, 0, "graduated", TG_UNIT_SECOND, sale->tier_price[0], sale->per);
    price->price.steps_count = 2;
    price->steps[0].up_to_units = sale->tier_units;
    price->steps[1] = (struct tg_price_step){UINT64_MAX, sale->tier_price[1], sale->per, 0};
    price->price.rounding = (uint8_t)sale->rounding;
    price->price.currency = sale->is_foreign ? USD : EUR;
    f->infos[0].counter = (uint8_t)sale->counter;
    f->infos[0].round_exponent = (uint8_t)sale->exponent;
    f->infos[0].options = TG_PRICE_RULES;
    fixture_service(f, TG_SERVICE_VOICE, 0);
    limit_make(f, sale, dice, 0);
    limit_make(f, sale, dice, 1);
    f->rules[0] = (struct tg_price_rule){
        .carry_denominator = sale->carries ? (uint32_t)(sale->per * (1 + roll(dice, 3))) : 0,
        .spend_limit = sale->has_limit[0] ? 1 : 0,
        .converts_at_event = sale->converts_at_event,
        .carry_scope = sale->carry_is_pool ? TG_SCOPE_ACCOUNT : TG_SCOPE_SUBSCRIBER};
    f->plan_limits[TG_SERVICE_VOICE] = sale->has_limit[1] ? 2 : 0;
    for (int i = 0; i < 2; i++) {
        f->rates[i] =
            (struct tg_exchange_rate){.rate = sale->rate_usd[i],
                                      .valid_from_ns = i == 0 ? INT64_MIN : sale->change_ns,
                                      .valid_to_ns = i == 0 ? sale->change_ns : INT64_MAX,
                                      .from = USD,
                                      .to = EUR,
                                      .decimals = 5,
                                      .from_scale = 8,
                                      .to_scale = 8,
                                      .to_exponent = (uint8_t)sale->euro_exponent};
    }
    fixture_rules(f, 2);
    f->accounts[0] =
        (struct tg_roster_account){.currency = EUR, .cycle_day = (uint8_t)sale->cycle_day};
}

/* Replaying the charges leaves every page as rating did, also when rows may be kept back. */
static void replay_check(const struct fixture *f, struct tg_rate *rated,
                         const struct tg_usage *rows, const struct tg_charge *charges, int catalog)
{
    struct tg_rate *again = fixture_rate();
    if (catalog % 2 != 0) {
        cr_assert_eq(tg_rate_apply_begin(again), TG_OK);
    }
    const enum tg_err err =
        catalog % 4 < 2 ? tg_rate_apply(again, &f->snapshot, rows, charges, ROWS)
                        : fixture_apply_columns(again, &f->snapshot, rows, charges, ROWS, NULL);
    cr_assert_eq(err, TG_OK, "catalog %d", catalog);
    cr_assert_eq(tg_rate_apply_end(again), TG_OK, "catalog %d", catalog);
    for (uint32_t page = 0; page < tg_rate_pages_count(rated); page++) {
        cr_expect_eq(memcmp(tg_rate_page_bytes(rated, page), tg_rate_page_bytes(again, page),
                            TG_ACCOUNT_PAGE_BYTES),
                     0, "catalog %d: page %u differs after a replay", catalog, page);
    }
    tg_rate_destroy(again);
}

Test(reference_rules, a_slow_rater_agrees_on_currencies_limits_carries_and_counters, .timeout = 600)
{
    /* If this failed, a limit would be passed, a threshold told twice or not at all, a remainder
     * lost, or a restart would leave other counters than the rows did. */
    static struct fixture f;
    static struct slow slow;
    static struct tg_usage rows[ROWS];
    static struct tg_charge charges[ROWS];
    static struct tg_rate_trace traces[TG_BATCH_ROWS_MAX];
    struct dice dice = {20261126};
    const int64_t year_ns = fixture_ns("2026-01-01");
    uint64_t closed_count = 0;
    uint64_t capped_count = 0;
    uint64_t fired_count = 0;
    for (int catalog = 0; catalog < CATALOGS; catalog++) {
        struct sale sale;
        sale_make(&f, &sale, &dice, year_ns);
        memset(&slow, 0, sizeof slow);
        for (int i = 0; i < PEOPLE; i++) {
            slow.counter[i].latest = NEVER;
        }
        for (int i = 0; i <= PEOPLE; i++) {
            slow.carry[i].latest = NEVER;
            slow.limits[0][i].latest = NEVER;
            slow.limits[1][i].latest = NEVER;
        }
        struct tg_rate *rate = fixture_rate();
        for (int i = 0; i < ROWS; i++) { /* ninety days, up to two out of order, some eight */
            const int64_t second = (int64_t)i * 86400 * 90 / ROWS + (int64_t)roll(&dice, 172800) -
                                   (roll(&dice, 8) == 0 ? (int64_t)roll(&dice, 518400) : 0);
            rows[i] = fixture_call(year_ns + (second > 0 ? second : 0) * TG_NS_PER_S,
                                   1 + (uint32_t)roll(&dice, 200000));
            charges[i] = (struct tg_charge){.subscriber = (uint32_t)roll(&dice, PEOPLE)};
        }
        for (int done = 0; done < ROWS;) {
            const int count = 1 + (int)roll(&dice, 50);
            const int batch = count < ROWS - done ? count : ROWS - done;
            tg_rate_run_traced(rate, &f.snapshot, rows + done, charges + done, (uint32_t)batch,
                               traces);
            for (int i = done; i < done + batch; i++) {
                const struct tg_charge *charge = &charges[i];
                const uint32_t who = charge->subscriber;
                unsigned fired = 0;
                unsigned told = 0;
                if (row_is_closed(&slow, &sale, who, rows[i].start_ns, year_ns)) {
                    cr_assert_eq(charge->reason, TG_E_PERIOD_CLOSED, "catalog %d row %d", catalog,
                                 i);
                    closed_count++;
                    continue;
                }
                const int64_t wanted = slow_rate(&slow, &sale, who, rows[i].start_ns,
                                                 rows[i].duration_ms, year_ns, &fired);
                for (uint32_t use = 0; use < traces[i - done].spends_count; use++) {
                    told |= (unsigned)traces[i - done].spends[use].fired_mask
                            << 3 * traces[i - done].spends[use].limit;
                }
                cr_assert(
                    charge->fate == TG_FATE_RATED && charge->amount == wanted && told == fired &&
                        ((charge->flags & TG_CHARGE_THRESHOLD) != 0) == (fired != 0) &&
                        charge->currency ==
                            (sale.is_foreign && !sale.converts_at_event ? USD : EUR),
                    "catalog %d row %d: %lld, not %lld; told %x, not %x; reason %d", catalog, i,
                    (long long)charge->amount, (long long)wanted, told, fired, charge->reason);
                capped_count += (charge->flags & TG_CHARGE_CAPPED) != 0;
                fired_count += fired != 0;
            }
            done += batch;
        }
        replay_check(&f, rate, rows, charges, catalog);
        tg_rate_destroy(rate);
    }
    cr_expect(closed_count > 1000 && capped_count > 1000 && fired_count > 1000,
              "closed %llu, capped %llu, fired %llu", (unsigned long long)closed_count,
              (unsigned long long)capped_count, (unsigned long long)fired_count);
}

Test(reference_rules, sums_of_carried_charges_do_not_depend_on_the_order)
{
    /* If this failed, an invoice would depend on which file came first. */
    static struct fixture f;
    struct dice dice = {7};
    for (unsigned mode = 0; mode < 6; mode++) {
        fixture_init(&f);
        fixture_price(&f, 0, "per_unit", TG_UNIT_SECOND, FIXTURE_EUR / 10, 60)->price.rounding =
            (uint8_t)mode;
        f.infos[0].round_exponent = 6; /* whole cents */
        f.infos[0].options = TG_PRICE_RULES;
        fixture_service(&f, TG_SERVICE_VOICE, 0);
        f.rules[0].carry_denominator = 60;
        fixture_rules(&f, 0);
        f.accounts[0] = (struct tg_roster_account){.currency = EUR, .cycle_day = 1};
        uint32_t seconds[64];
        uint64_t total = 0;
        for (int i = 0; i < 64; i++) {
            seconds[i] = 1 + (uint32_t)roll(&dice, 90);
            total += seconds[i];
        }
        for (int order = 0; order < 8; order++) {
            struct tg_rate *rate = fixture_rate();
            int64_t sum = 0;
            for (int i = 63; i > 0; i--) {
                const int other = (int)roll(&dice, (uint64_t)i + 1);
                const uint32_t kept = seconds[i];
                seconds[i] = seconds[other];
                seconds[other] = kept;
            }
            for (int i = 0; i < 64; i++) {
                const struct tg_usage row =
                    fixture_call(fixture_ns("2026-03-10"), seconds[i] * 1000);
                sum += fixture_one(rate, &f, &row, 1).amount;
            }
            cr_expect_eq(
                sum, slow_round((__int128)total * (FIXTURE_EUR / 10), 60 * 1000000, mode) * 1000000,
                "mode %u order %d", mode, order);
            tg_rate_destroy(rate);
        }
    }
}
