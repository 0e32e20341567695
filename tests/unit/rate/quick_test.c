/* SPDX-License-Identifier: Apache-2.0 */
/* The short way through the rate stage beside the long one: same rows, same charges, same lines. */
#include "rate_fixture.h"

#include "rate/quick.h"

#define CATALOGS 60
#define ROWS     8000

#define FIRST_VERSION 7u /* of fixture_init */

static uint64_t state = 12345;

static uint16_t hot[FIXTURE_SUBSCRIBERS];

static uint64_t roll(uint64_t sides)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (state >> 33) % sides;
}

static void price_roll(struct fixture *f, uint32_t id, unsigned unit)
{
    static const uint64_t per[] = {1, 3, 7, 60, 1000, 1024, 1000000};
    static const int64_t amounts[] = {1, 13, 1000000, -999983, 123456789012, INT64_MAX / 3};
    struct fixture_price *made = fixture_price(f, id, roll(8) == 0 ? "graduated" : "per_unit", unit,
                                               amounts[roll(6)], per[roll(7)]);
    made->price.rounding = (uint8_t)roll(6);
    made->price.first_increment = 1 + roll(3) * roll(100);
    made->price.next_increment = 1 + roll(2) * roll(60);
    made->price.minimum_units = roll(3) == 0 ? roll(50) : 0;
    made->price.grace_units = roll(6) == 0 ? roll(5) : 0;
    made->price.included_units = roll(4) == 0 ? roll(40) : 0;
    made->price.connect_fee = roll(3) == 0 ? (int64_t)roll(100000) - 1000 : 0;
    made->price.charge_min = roll(4) == 0 ? (int64_t)roll(1000000) : INT64_MIN;
    made->price.charge_max = roll(4) == 0 ? 1000000 + (int64_t)roll(100000000) : INT64_MAX;
    made->steps[0].flat = roll(8) == 0 ? 77 : 0;
    f->infos[id].quantity_rounding = (uint8_t)roll(6);
    f->infos[id].counter = (uint8_t)roll(2);
    f->infos[id].options = (uint8_t)roll(4);
    f->infos[id].round_exponent = roll(3) == 0 ? 3 : 0;
    if (f->infos[id].round_exponent != 0 && roll(4) != 0) { /* rounding changes nothing, mostly */
        made->steps[0].price = (int64_t)(1 + roll(9999)) * 1000 * (int64_t)made->steps[0].per_units;
        made->price.connect_fee -= roll(2) != 0 ? made->price.connect_fee % 1000 : 0;
        made->price.charge_min = roll(2) == 0 ? (int64_t)roll(10000000000) : INT64_MIN;
        if (roll(2) == 0 && made->price.charge_min != INT64_MIN) {
            made->price.charge_min -= made->price.charge_min % 1000;
        }
        made->price.charge_max = roll(2) == 0 ? 10000000000 + (int64_t)roll(100000000) : INT64_MAX;
        if (roll(2) == 0 && made->price.charge_max != INT64_MAX) {
            made->price.charge_max -= made->price.charge_max % 1000;
        }
    }
}

static void catalog_roll(struct fixture *f, int64_t start_ns)
{
    static const unsigned times[] = {TG_UNIT_SECOND, TG_UNIT_MILLISECOND, TG_UNIT_MINUTE};
    static const unsigned sizes[] = {TG_UNIT_OCTET, TG_UNIT_KILOBYTE, TG_UNIT_MEBIBYTE};
    const int64_t bounds[3] = {0, start_ns + 3600 * TG_NS_PER_S, start_ns + 7200 * TG_NS_PER_S};
    fixture_init(f);
    const unsigned time_unit = times[roll(3)];
    price_roll(f, 0, time_unit);
    price_roll(f, 1, sizes[roll(3)]);
    price_roll(f, 2, TG_UNIT_EVENT);
    price_roll(f, 3, time_unit);
    fixture_service(f, TG_SERVICE_VOICE, 0)->split_mode = (uint8_t)roll(4);
    (void)fixture_service(f, TG_SERVICE_DATA, 1);
    (void)fixture_service(f, TG_SERVICE_MESSAGE, 2);
    if (roll(2) == 0) {
        fixture_bands(f, TG_SERVICE_VOICE, 0, 3, bounds);
    }
    if (roll(2) == 0) {
        fixture_allowance(f, TG_SERVICE_DATA, 0, roll(UINT64_C(1) << 32));
    }
    if (roll(2) == 0) {
        fixture_allowance(f, TG_SERVICE_VOICE, 1, roll(100000000));
    }
    /* As the roster keeps it, and as a roster that keeps none. */
    for (uint32_t i = 0; i < FIXTURE_SUBSCRIBERS; i++) {
        hot[i] = i == 3 || i == 4 ? TG_ROSTER_ASK_LINE : 0;
    }
    f->roster.hot = roll(3) == 0 ? NULL : hot;
    f->roster.hot_from_ns = roll(2) == 0 ? 0 : start_ns + 3000 * TG_NS_PER_S;
    for (uint32_t i = 0; i < sizeof f->causes[0].billable; i++) {
        f->causes[0].billable[i] = (uint8_t)roll(256);
    }
    f->causes[0].otherwise = (uint8_t)roll(2);
    for (uint32_t i = TG_SERVICE_DATA; i <= TG_SERVICE_MESSAGE; i++) {
        f->services[i].has_terms = roll(2) & 1;
        f->terms[i].causes = (uint16_t)roll(2);
        f->terms[i].zero_usage = (uint8_t)roll(3);
        f->terms[i].negative_usage =
            (uint8_t)(f->services[i].allowance == TG_ALLOWANCE_NONE ? roll(2) : 0);
    }
    f->lines[3].active_to_s = (uint32_t)(start_ns / TG_NS_PER_S) + 1800;
    f->lines[4].flags = TG_ROSTER_REMOVED;
}

/* People as another import leaves them: some have a product that nobody sells. */
static void people_roll(struct fixture *f)
{
    static uint64_t number;
    for (uint32_t i = 0; i < FIXTURE_SUBSCRIBERS; i++) {
        f->lines[i].product = roll(4) == 0;
        hot[i] = i == 3 || i == 4 ? TG_ROSTER_ASK_LINE : f->lines[i].product;
    }
    f->roster.number = roll(8) == 0 ? 0 : ++number;
}

/* A version of mid-month that grants less than some have used by then. */
static void catalog_shrink(struct fixture *f)
{
    f->image.version++;
    f->image.content_hash++;
    f->allowances[0].amount_base /= 4;
    f->allowances[1].amount_base /= 4;
}

static struct tg_usage row_roll(int64_t start_ns)
{
    struct tg_usage row = fixture_call(start_ns + (int64_t)roll(9000) * TG_NS_PER_S, 0);
    row.service = (uint8_t)(roll(16) == 0 ? TG_SERVICE_EVENT : 1 + roll(3));
    row.duration_ms = (uint32_t)roll(roll(20) == 0 ? UINT32_MAX : 2000000);
    row.quantity_up = roll(roll(20) == 0 ? TG_QUANTITY_MAX : 1u << 22);
    row.quantity_down = row.service == TG_SERVICE_DATA ? roll(1u << 22) : 0;
    row.closing_cause = (uint8_t)roll(256);
    row.key_kinds |= roll(20) == 0 ? TG_KEY_KINDS_REVERSAL : 0;
    row.node_id = (uint16_t)roll(3);
    if (roll(30) == 0) {
        row.duration_ms = 0;
        row.quantity_up = 0;
        row.quantity_down = 0;
    }
    row.flags = roll(12) == 0 ? TG_USAGE_PARTIAL : roll(30) == 0 ? TG_USAGE_INCOMING : 0;
    row.start_ns -= roll(60) == 0 ? 40 * 86400 * TG_NS_PER_S : 0;
    row.start_ns += roll(60) == 0 ? 33 * 86400 * TG_NS_PER_S : 0;
    return row;
}

/* As many faults as there are: a tariff in quarantine would hide the rest. */
static struct tg_rate *worker_make(int64_t amount_max)
{
    struct tg_rate *rate;
    const struct tg_rate_params params = {.subscribers_count_max = FIXTURE_SUBSCRIBERS,
                                          .bounds = {amount_max, UINT32_MAX}};
    cr_assert_eq(tg_rate_create(&params, &rate, NULL), TG_OK);
    return rate;
}

static void lines_compare(struct tg_rate *quick, struct tg_rate *slow)
{
    for (uint32_t page = 0; page < tg_rate_pages_count(quick); page++) {
        cr_assert_eq(memcmp(tg_rate_page_bytes(quick, page), tg_rate_page_bytes(slow, page),
                            TG_ACCOUNT_PAGE_BYTES),
                     0, "page %u differs", page);
    }
}

Test(quick, both_ways_give_the_same_charge_and_line, .timeout = 600)
{
    /* If this failed, what a call costs would depend on how it was computed, and `quote`, which
     * always goes the long way, would tell another price than the bill. */
    static struct fixture f;
    static const int64_t amounts_max[] = {INT64_MAX - 1, INT64_MAX - 1, 1000000000, 1};
    const int64_t start_ns = fixture_ns("2026-03-01T06:00:00Z");
    uint64_t rated_count = 0;
    uint64_t refused_count = 0;
    for (uint32_t catalog = 0; catalog < CATALOGS; catalog++) {
        catalog_roll(&f, start_ns);
        const int64_t amount_max = amounts_max[roll(4)];
        struct tg_rate *quick = worker_make(amount_max);
        struct tg_rate *slow = worker_make(amount_max);
        for (uint32_t done = 0; done < ROWS;) {
            struct tg_usage rows[TG_BATCH_ROWS_MAX];
            struct tg_charge fast[TG_BATCH_ROWS_MAX];
            struct tg_charge slowly[TG_BATCH_ROWS_MAX];
            static struct tg_rate_trace traces[TG_BATCH_ROWS_MAX];
            const uint32_t count = 1 + (uint32_t)roll(TG_BATCH_ROWS_MAX);
            if (roll(10) == 0) {
                people_roll(&f);
            }
            if (done >= ROWS / 2 && f.image.version == FIRST_VERSION) {
                catalog_shrink(&f);
            }
            for (uint32_t i = 0; i < count; i++) {
                rows[i] = row_roll(start_ns);
                fast[i] = (struct tg_charge){
                    .subscriber = (uint32_t)(roll(50) == 0 ? FIXTURE_SUBSCRIBERS : roll(20)),
                    .fate = roll(40) == 0 ? TG_FATE_DUPLICATE : TG_FATE_NONE,
                    .node_state = (uint8_t)roll(4),
                    .site = (uint8_t)roll(3)};
                slowly[i] = fast[i];
            }
            tg_rate_run(quick, &f.snapshot, rows, fast, count);
            tg_rate_run_traced(slow, &f.snapshot, rows, slowly, count, traces);
            for (uint32_t i = 0; i < count; i++) {
                cr_assert_eq(memcmp(&fast[i], &slowly[i], sizeof fast[i]), 0,
                             "catalog %u row %u: %lld + %lld / 2^32, reason %d; long way %lld + "
                             "%lld / 2^32, reason %d",
                             catalog, done + i, (long long)fast[i].amount,
                             (long long)fast[i].remainder, fast[i].reason,
                             (long long)slowly[i].amount, (long long)slowly[i].remainder,
                             slowly[i].reason);
                rated_count += fast[i].fate == TG_FATE_RATED;
                refused_count += fast[i].fate == TG_FATE_SUSPENDED;
            }
            done += count;
        }
        lines_compare(quick, slow);
        cr_assert_eq(tg_rate_counts(quick)->rated_count, tg_rate_counts(slow)->rated_count);
        cr_assert_eq(tg_rate_counts(quick)->suspended_count, tg_rate_counts(slow)->suspended_count);
        cr_assert_eq(tg_rate_counts(quick)->connect_fees_count,
                     tg_rate_counts(slow)->connect_fees_count);
        tg_rate_destroy(quick);
        tg_rate_destroy(slow);
    }
    cr_assert_gt(rated_count, 100000);
    cr_assert_gt(refused_count, 10000);
}

/** More prices and products than a cache of the short way has room for in places of their own. */
struct wide {
    struct fixture f; /* first: offsets are from the image */
    uint32_t price_offsets[TG_QUICK_PRICES_COUNT + 1];
    struct tg_price_info infos[TG_QUICK_PRICES_COUNT + 1];
    struct tg_product products[TG_QUICK_CELLS_COUNT + 1];
    uint16_t hot[FIXTURE_SUBSCRIBERS];
};

/* Voice at price 0, messages at the price that is kept in its place, events at price 2; product
 * 146's events are kept where product 0's voice is. */
static void wide_init(struct wide *wide)
{
    struct fixture *f = &wide->f;
    fixture_init(f);
    (void)fixture_price(f, 0, "per_unit", TG_UNIT_SECOND, 13, 1);
    (void)fixture_price(f, 1, "per_unit", TG_UNIT_EVENT, 1000000, 1);
    (void)fixture_price(f, 2, "per_unit", TG_UNIT_EVENT, 77, 1);
    memcpy(wide->price_offsets, f->price_offsets, sizeof f->price_offsets);
    memcpy(wide->infos, f->infos, sizeof f->infos);
    wide->price_offsets[TG_QUICK_PRICES_COUNT] = f->price_offsets[1];
    wide->infos[TG_QUICK_PRICES_COUNT] = f->infos[1];
    fixture_section(f, TG_IMAGE_SECTION_PRICES, offsetof(struct wide, price_offsets),
                    sizeof wide->price_offsets[0], TG_QUICK_PRICES_COUNT + 1);
    fixture_section(f, TG_IMAGE_SECTION_PRICE_INFO, offsetof(struct wide, infos),
                    sizeof wide->infos[0], TG_QUICK_PRICES_COUNT + 1);
    fixture_section(f, TG_IMAGE_SECTION_PRODUCTS, offsetof(struct wide, products),
                    sizeof wide->products[0], TG_QUICK_CELLS_COUNT + 1);
    (void)fixture_service(f, TG_SERVICE_VOICE, 0);
    (void)fixture_service(f, TG_SERVICE_MESSAGE, 1);
    (void)fixture_service(f, TG_SERVICE_EVENT, 2);
    f->matrix[TG_SERVICE_MESSAGE][0] = TG_QUICK_PRICES_COUNT;
    for (uint32_t i = 0; i <= TG_QUICK_CELLS_COUNT; i++) {
        wide->products[i] = (struct tg_product){.plan = 0, .is_present = 1};
    }
    for (uint32_t i = 0; i < FIXTURE_SUBSCRIBERS; i++) {
        wide->hot[i] = i % 2 == 0 ? 0 : 146;
        f->lines[i].product = wide->hot[i];
    }
    f->roster.hot = wide->hot;
    f->roster.number = 1;
}

Test(quick, rows_of_one_group_that_share_a_place_keep_their_own_prices)
{
    /* If this failed, a call would be charged at the price of a message that came beside it, in
     * every catalog with more prices or products than the caches have places. */
    static struct wide wide;
    const uint64_t clash = (uint64_t)146 * TG_SERVICE_COUNT + TG_SERVICE_EVENT;
    cr_assert_eq(clash % TG_QUICK_CELLS_COUNT, TG_SERVICE_VOICE);
    wide_init(&wide);
    struct tg_rate *rate = worker_make(INT64_MAX - 1);
    for (uint32_t round = 0; round < 100; round++) {
        struct tg_usage rows[TG_QUICK_ROWS_MAX];
        struct tg_charge charges[TG_QUICK_ROWS_MAX];
        for (uint32_t i = 0; i < TG_QUICK_ROWS_MAX; i++) {
            rows[i] = fixture_call(fixture_ns("2026-03-01T06:00:00Z"), 10000);
            rows[i].service = (uint8_t)(TG_SERVICE_VOICE + roll(3));
            rows[i].quantity_up = 3;
            charges[i] = (struct tg_charge){.subscriber = (uint32_t)roll(FIXTURE_SUBSCRIBERS)};
        }
        tg_rate_run(rate, &wide.f.snapshot, rows, charges, TG_QUICK_ROWS_MAX);
        for (uint32_t i = 0; i < TG_QUICK_ROWS_MAX; i++) {
            const int64_t amount = rows[i].service == TG_SERVICE_VOICE     ? 130
                                   : rows[i].service == TG_SERVICE_MESSAGE ? 3000000
                                                                           : 231;
            cr_assert_eq(charges[i].fate, TG_FATE_RATED);
            cr_assert_eq(charges[i].amount, amount, "round %u row %u, service %u: %lld", round, i,
                         rows[i].service, (long long)charges[i].amount);
        }
    }
    tg_rate_destroy(rate);
}

Test(quick, what_a_line_knows_is_the_same_to_all_who_share_it)
{
    /* If this failed, an account that moves to another worker, or a trial of a reservation, would
     * be charged by the product that its subscriber had before. */
    static struct wide wide;
    wide_init(&wide);
    struct tg_rate *one = worker_make(INT64_MAX - 1);
    const struct tg_rate_params params = {.accounts = tg_rate_accounts(one),
                                          .bounds = {INT64_MAX - 1, UINT32_MAX}};
    struct tg_rate *other = NULL;
    cr_assert_eq(tg_rate_create(&params, &other, NULL), TG_OK);
    struct tg_usage row = fixture_call(fixture_ns("2026-03-01T06:00:00Z"), 10000);
    struct tg_rate *const turns[] = {one, one, one, other, other};
    static const uint64_t rosters[] = {7, 7, 7, 8, 8};
    for (uint32_t turn = 0; turn < 5; turn++) {
        struct tg_charge charge = {.subscriber = 0};
        wide.f.roster.number = rosters[turn];
        if (turn == 3) {
            wide.hot[0] = 147; /* which nobody sells */
            wide.f.lines[0].product = 147;
            wide.products[147].is_present = 0;
            wide.products[147].plan = TG_PLAN_NONE;
        }
        tg_rate_run(turns[turn], &wide.f.snapshot, &row, &charge, 1);
        cr_expect_eq(charge.fate == TG_FATE_RATED, turn < 3, "turn %u", turn);
    }
    tg_rate_destroy(other);
    tg_rate_destroy(one);
}

Test(quick, decimals_round_what_the_long_way_would)
{
    /* If this failed, a fee, a bound or a tie would be rounded otherwise where a price has decimals
     * than the document says, or a charge beyond all bounds would be made. */
    static struct fixture f;
    static const struct {
        int64_t price;
        int64_t fee;
        int64_t min;
        int64_t max;
        uint8_t rounding;
        int64_t amount; /* of three events, in thousands; -1: refused */
        int64_t cut;    /* exact less amount */
    } rows[] = {{5000, 0, INT64_MIN, INT64_MAX, TG_ROUND_HALF_UP, 15000, 0},
                {5000, 1000, 2000, 20000, TG_ROUND_HALF_UP, 16000, 0},
                {5000, 600, INT64_MIN, INT64_MAX, TG_ROUND_HALF_UP, 16000, -400},
                {5000, 0, 17400, INT64_MAX, TG_ROUND_HALF_UP, 17000, 400},
                {5000, 0, INT64_MIN, 12600, TG_ROUND_HALF_UP, 13000, -400},
                {5200, 0, INT64_MIN, INT64_MAX, TG_ROUND_HALF_UP, 16000, -400},
                {-500, 0, INT64_MIN, INT64_MAX, TG_ROUND_HALF_EVEN, -2000, 500},
                {500, 0, INT64_MIN, INT64_MAX, TG_ROUND_HALF_EVEN, 2000, -500},
                {500, 1000, INT64_MIN, INT64_MAX, TG_ROUND_HALF_EVEN, 2000, 500},
                {200, 0, 1000, INT64_MAX, TG_ROUND_UP, 1000, 0},
                {400, 0, INT64_MIN, 1000, TG_ROUND_DOWN, 1000, 0},
                {334000000000001, 0, INT64_MIN, INT64_MAX, TG_ROUND_DOWN, -1, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fixture_init(&f);
        struct fixture_price *price =
            fixture_price(&f, 0, "per_unit", TG_UNIT_EVENT, rows[i].price, 1);
        price->price.connect_fee = rows[i].fee;
        price->price.charge_min = rows[i].min;
        price->price.charge_max = rows[i].max;
        price->price.rounding = rows[i].rounding;
        f.infos[0].round_exponent = 3;
        fixture_service(&f, TG_SERVICE_MESSAGE, 0);
        struct tg_rate *rate = fixture_rate();
        struct tg_usage row = fixture_call(fixture_ns("2026-03-10"), 0);
        row.service = TG_SERVICE_MESSAGE;
        row.quantity_up = 3;
        const struct tg_charge charge = fixture_one(rate, &f, &row, 1);
        cr_expect_eq(charge.fate == TG_FATE_RATED, rows[i].amount != -1, "row %zu", i);
        cr_expect(charge.fate != TG_FATE_RATED ||
                      (charge.amount == rows[i].amount &&
                       charge.remainder == rows[i].cut * ((int64_t)1 << 32)),
                  "row %zu: %lld and %lld", i, (long long)charge.amount,
                  (long long)(charge.remainder >> 32));
        tg_rate_destroy(rate);
    }
}
