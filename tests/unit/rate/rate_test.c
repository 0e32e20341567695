/* SPDX-License-Identifier: Apache-2.0 */
#include "rate_fixture.h"

#include "base/money.h"

static struct fixture f;
static int64_t start;

static void voice(int64_t price, uint64_t per, uint64_t first, uint64_t next, int64_t connect)
{
    fixture_init(&f);
    struct fixture_price *made = fixture_price(&f, 0, "per_unit", TG_UNIT_SECOND, price, per);
    made->price.first_increment = first;
    made->price.next_increment = next;
    made->price.connect_fee = connect;
    (void)fixture_service(&f, TG_SERVICE_VOICE, 0);
    start = fixture_ns("2026-11-23T06:10:00Z");
}

Test(rate, increments_and_connect_fee_follow_the_table)
{
    /* If this failed, voice calls would be billed with other units or amounts than the price list
     * says: the vectors are rating-semantics 4.3. */
    const struct {
        const char *price;
        uint64_t per;
        uint64_t first;
        uint64_t next;
        const char *connect;
        uint32_t duration_s;
        uint64_t billed;
        const char *amount;
    } rows[] = {
        {"0.10", 60, 60, 6, "0", 1, 60, "0.10"},     {"0.10", 60, 60, 6, "0", 60, 60, "0.10"},
        {"0.10", 60, 60, 6, "0", 61, 66, "0.11"},    {"0.10", 60, 60, 6, "0", 66, 66, "0.11"},
        {"0.10", 60, 60, 6, "0", 67, 72, "0.12"},    {"0.10", 60, 60, 6, "0.05", 600, 600, "1.05"},
        {"0.006", 60, 30, 6, "0", 32, 36, "0.0036"}, {"0.006", 60, 30, 6, "0", 57, 60, "0.006"},
        {"0.006", 60, 30, 6, "0", 75, 78, "0.0078"}, {"0.10", 60, 6, 6, "0", 3, 6, "0.01"},
        {"0.10", 60, 6, 6, "0", 100, 102, "0.17"},   {"0.10", 60, 60, 60, "0", 42, 60, "0.10"},
        {"0.10", 60, 60, 60, "0", 622, 660, "1.10"}, {"0.00137", 6, 6, 6, "0", 205, 210, "0.04795"},
        {"0.10", 60, 60, 6, "0.05", 0, 0, "0.00"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t price;
        int64_t connect;
        char text[TG_MONEY_TEXT_BYTES];
        cr_assert_eq(tg_money_parse(rows[i].price, strlen(rows[i].price), 8, &price), TG_OK);
        cr_assert_eq(tg_money_parse(rows[i].connect, strlen(rows[i].connect), 8, &connect), TG_OK);
        voice(price, rows[i].per, rows[i].first, rows[i].next, connect);
        struct tg_rate *rate = fixture_rate();
        const struct tg_usage row = fixture_call(start, rows[i].duration_s * 1000);
        const struct tg_charge charge = fixture_one(rate, &f, &row, 5);
        (void)tg_money_format(charge.amount, 8, 2, text);
        cr_expect_eq(charge.fate, TG_FATE_RATED, "%zu: reason %d", i, charge.reason);
        cr_expect_eq(charge.billed_units, rows[i].billed, "%zu: %llu", i,
                     (unsigned long long)charge.billed_units);
        cr_expect_str_eq(text, rows[i].amount, "%zu: %s", i, text);
        cr_expect_eq(charge.unit, TG_UNIT_SECOND);
        cr_expect_eq(charge.catalog_version, 7);
        cr_expect_eq(charge.currency, 978);
        tg_rate_destroy(rate);
    }
}

Test(rate, grace_minimum_and_included_come_in_the_declared_order)
{
    /* If this failed, short or protected calls would be billed although the plan says not. */
    voice(10, 1, 6, 6, 1000);
    f.prices[0].price.grace_units = 3;
    f.prices[0].price.minimum_units = 20;
    f.prices[0].price.included_units = 6;
    const struct {
        uint32_t duration_ms;
        uint64_t billed;
        int64_t amount;
    } rows[] = {{3000, 0, 0},       /* within grace: no fee either */
                {3001, 18, 1180},   /* 4 s -> 20 -> 24 by sixes, less 6 */
                {24000, 18, 1180},  /* 24, less 6 */
                {25000, 24, 1240}}; /* 30, less 6 */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tg_rate *rate = fixture_rate();
        const struct tg_usage row = fixture_call(start, rows[i].duration_ms);
        const struct tg_charge charge = fixture_one(rate, &f, &row, 0);
        cr_expect(charge.fate == TG_FATE_RATED && charge.billed_units == rows[i].billed &&
                      charge.amount == rows[i].amount,
                  "%zu: %llu units, %lld", i, (unsigned long long)charge.billed_units,
                  (long long)charge.amount);
        tg_rate_destroy(rate);
    }
}

Test(rate, an_allowance_splits_a_row_at_the_exact_unit)
{
    /* If this failed, a call that begins inside the free minutes would be wholly free or wholly
     * charged (rating-semantics 4.6: never "any second free, so the call is free"). */
    voice(FIXTURE_EUR / 10, 60, 60, 6, 0);
    fixture_allowance(&f, TG_SERVICE_VOICE, 0, 100 * 1000);
    struct tg_rate *rate = fixture_rate();
    const struct tg_usage row = fixture_call(start, 61000);
    const struct {
        uint64_t allowance;
        int64_t amount;
        uint64_t before;
    } expected[] = {{66, 0, 0}, {34, 5333333, 0}, {0, 11000000, 32}};
    for (size_t i = 0; i < 3; i++) {
        const struct tg_charge charge = fixture_one(rate, &f, &row, 1);
        cr_expect_eq(charge.billed_units, 66);
        cr_expect_eq(charge.allowance_units, expected[i].allowance, "%zu", i);
        cr_expect_eq(charge.amount, expected[i].amount, "%zu: %lld", i, (long long)charge.amount);
        cr_expect_eq(charge.units_before, expected[i].before, "%zu", i);
    }
    const struct tg_usage next_month = fixture_call(fixture_ns("2026-12-01T00:00:00Z"), 61000);
    cr_expect_eq(fixture_one(rate, &f, &next_month, 1).allowance_units, 66, "granted anew");
    cr_expect_eq(fixture_one(rate, &f, &row, 1).allowance_units, 0, "November's is used up");
    cr_expect_eq(fixture_one(rate, &f, &row, 2).allowance_units, 66, "another subscriber's");
    tg_rate_destroy(rate);
}

Test(rate, tiers_count_over_the_rows_of_a_month)
{
    /* If this failed, each record would start again in the cheapest or dearest tier. */
    fixture_init(&f);
    struct fixture_price *made =
        fixture_price(&f, 2, "graduated", TG_UNIT_OCTET, FIXTURE_EUR / 20, 1);
    made->price.steps_count = 2;
    made->steps[0].up_to_units = 1000;
    made->steps[1] = (struct tg_price_step){UINT64_MAX, FIXTURE_EUR / 25, 1, 0};
    (void)fixture_service(&f, TG_SERVICE_DATA, 2);
    struct tg_rate *rate = fixture_rate();
    struct tg_usage row = {.service = TG_SERVICE_DATA,
                           .start_ns = fixture_ns("2026-11-23T06:10:00Z"),
                           .quantity_up = 900,
                           .quantity_down = 95};
    cr_expect_eq(fixture_one(rate, &f, &row, 0).amount, 995 * (FIXTURE_EUR / 20));
    row.quantity_up = 10;
    row.quantity_down = 0;
    const struct tg_charge charge = fixture_one(rate, &f, &row, 0);
    cr_expect_eq(charge.amount, 45 * FIXTURE_EUR / 100, "0.45 by rating-semantics 4.5");
    cr_expect_eq(charge.units_before, 995);
    tg_rate_destroy(rate);
}

Test(rate, the_connect_fee_comes_once_a_call)
{
    /* If this failed, long calls cut into partial records would pay the fee with each of them. */
    voice(10, 1, 1, 1, 1000);
    struct tg_rate *rate = fixture_rate();
    struct tg_usage row = fixture_call(start, 10000);
    row.flags = TG_USAGE_PARTIAL;
    cr_expect_eq(fixture_one(rate, &f, &row, 0).amount, 1100);
    cr_expect_eq(fixture_one(rate, &f, &row, 0).amount, 100);
    row.flags = 0;
    cr_expect_eq(fixture_one(rate, &f, &row, 0).amount, 100, "the last partial");
    cr_expect_eq(fixture_one(rate, &f, &row, 0).amount, 1100, "a new call");
    cr_expect_eq(tg_rate_counts(rate)->connect_fees_count, 2);
    tg_rate_destroy(rate);
}

Test(rate, minimum_and_maximum_charge_bound_the_record)
{
    /* If this failed, price caps promised to customers would not hold. */
    voice(10, 1, 1, 1, 5);
    f.prices[0].price.charge_min = 50;
    f.prices[0].price.charge_max = 200;
    struct tg_rate *rate = fixture_rate();
    const struct tg_usage brief = fixture_call(start, 1000);
    const struct tg_usage middle = fixture_call(start, 10000);
    const struct tg_usage lengthy = fixture_call(start, 100000);
    cr_expect_eq(fixture_one(rate, &f, &brief, 0).amount, 50);
    cr_expect_eq(fixture_one(rate, &f, &middle, 0).amount, 105);
    cr_expect_eq(fixture_one(rate, &f, &lengthy, 0).amount, 200);
    tg_rate_destroy(rate);
}

Test(rate, each_reason_to_refuse_suspends_and_posts_nothing)
{
    /* If this failed, usage nobody can price would be billed at 0 or at somebody else's price. */
    voice(10, 1, 1, 1, 0);
    f.image.valid_from_ns = 0;
    f.snapshot.valid_from_ns[0] = fixture_ns("2026-01-01T00:00:00Z");
    f.lines[1].active_from_s = UINT32_MAX - 1;
    f.lines[2].product = 9;
    f.lines[3].flags = TG_ROSTER_REMOVED;
    (void)fixture_price(&f, 3, "no_such_tariff", TG_UNIT_EVENT, 1, 1);
    (void)fixture_service(&f, TG_SERVICE_MESSAGE, 3);
    (void)fixture_price(&f, 4, "flat", TG_UNIT_EVENT, 1, 1);
    (void)fixture_service(&f, TG_SERVICE_EVENT, 4);
    f.matrix[TG_SERVICE_EVENT][0] = TG_PRICE_NONE;
    struct tg_rate *rate = fixture_rate();
    const struct {
        const char *name;
        uint32_t subscriber;
        uint8_t service;
        uint8_t flags;
        const char *at;
        int reason;
    } rows[] = {
        {"fine", 0, TG_SERVICE_VOICE, 0, "2026-11-23T00:00:00Z", TG_OK},
        {"version", 0, TG_SERVICE_VOICE, 0, "2025-12-31T00:00:00Z", TG_E_CATALOG_VERSION},
        {"before 1970", 0, TG_SERVICE_VOICE, 0, "1969-12-31T00:00:00Z", TG_E_BAD_TIMESTAMP},
        {"inactive", 1, TG_SERVICE_VOICE, 0, "2026-11-23T00:00:00Z", TG_E_SUBSCRIBER_INACTIVE},
        {"no product", 2, TG_SERVICE_VOICE, 0, "2026-11-23T00:00:00Z", TG_E_NO_PLAN},
        {"removed", 3, TG_SERVICE_VOICE, 0, "2026-11-23T00:00:00Z", TG_E_SUBSCRIBER_INACTIVE},
        {"not sold", 0, TG_SERVICE_DATA, 0, "2026-11-23T00:00:00Z", TG_E_NO_PLAN},
        {"service 200", 0, 200, 0, "2026-11-23T00:00:00Z", TG_E_NO_PLAN},
        {"nobody", TG_SUBSCRIBER_NONE, TG_SERVICE_VOICE, 0, "2026-11-23T00:00:00Z",
         TG_E_UNKNOWN_SUBSCRIBER},
        {"no price", 0, TG_SERVICE_EVENT, 0, "2026-11-23T00:00:00Z", TG_E_NO_RATE},
        {"received", 0, TG_SERVICE_VOICE, TG_USAGE_INCOMING, "2026-11-23T00:00:00Z", TG_E_NO_RATE},
        {"no tariff", 0, TG_SERVICE_MESSAGE, 0, "2026-11-23T00:00:00Z", TG_E_PLUGIN_OPEN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tg_usage row = fixture_call(fixture_ns(rows[i].at), 10000);
        row.service = rows[i].service;
        row.flags = rows[i].flags;
        row.quantity_up = 1;
        const struct tg_charge charge = fixture_one(rate, &f, &row, rows[i].subscriber);
        cr_expect_eq(charge.reason, rows[i].reason, "%s: %d", rows[i].name, charge.reason);
        cr_expect_eq(charge.fate, rows[i].reason == TG_OK ? TG_FATE_RATED : TG_FATE_SUSPENDED);
        cr_expect_eq(charge.node_state, TG_NODE_UP);
        cr_expect(rows[i].reason == TG_OK || (charge.amount == 0 && charge.billed_units == 0));
    }
    const struct tg_account_line *line = tg_accounts_peek(
        tg_rate_accounts(rate), 0, tg_account_period(fixture_ns("2026-11-23T00:00:00Z")));
    cr_expect_eq(line->cost, 100, "only the first row was posted");
    cr_expect_null(tg_accounts_peek(tg_rate_accounts(rate), 1, line->period));
    const struct tg_usage old = fixture_call(fixture_ns("2026-08-01T00:00:00Z"), 10000);
    cr_expect_eq(fixture_one(rate, &f, &old, 0).reason, TG_E_PERIOD_CLOSED);
    tg_rate_destroy(rate);
}

Test(rate, rows_with_a_fate_are_left_alone)
{
    /* If this failed, duplicates would be billed after all. */
    voice(10, 1, 1, 1, 0);
    struct tg_rate *rate = fixture_rate();
    const struct tg_usage row = fixture_call(start, 10000);
    for (uint8_t fate = 1; fate < TG_FATE_COUNT; fate++) {
        struct tg_charge charge = {.subscriber = 0, .fate = fate, .reason = TG_E_DUPLICATE};
        const struct tg_charge before = charge;
        tg_rate_run(rate, &f.snapshot, &row, &charge, 1);
        cr_expect_eq(memcmp(&charge, &before, sizeof charge), 0, "fate %u", fate);
    }
    tg_rate_destroy(rate);
}

Test(rate, a_call_over_a_band_boundary_is_cut_by_increment_start)
{
    /* If this failed, calls that cross into peak time would be billed wholly at one price. */
    voice(60, 60, 60, 60, 7);
    (void)fixture_price(&f, 1, "per_unit", TG_UNIT_SECOND, 120, 60);
    f.prices[1].price.first_increment = 30;
    f.prices[1].price.next_increment = 30;
    f.prices[1].price.connect_fee = 1000;
    const int64_t bounds[3] = {0, start + 90 * TG_NS_PER_S, start + 150 * TG_NS_PER_S};
    fixture_bands(&f, TG_SERVICE_VOICE, 0, 1, bounds);
    struct tg_rate *rate = fixture_rate();
    const struct tg_usage row = fixture_call(start, 200000);
    struct tg_charge charge = {.subscriber = 0};
    struct tg_rate_trace trace;
    tg_rate_run_traced(rate, &f.snapshot, &row, &charge, 1, &trace);
    /* 0-60 and 60-120 start in band 0, 120-150 in band 1, 150-210 in band 0 again. */
    cr_expect_eq(charge.fate, TG_FATE_RATED, "%d", charge.reason);
    cr_expect_eq(charge.billed_units, 210, "%llu", (unsigned long long)charge.billed_units);
    cr_expect_eq(charge.pieces_count, 3);
    cr_expect_eq(charge.amount, 120 + 60 + 60 + 7, "%lld", (long long)charge.amount);
    cr_expect_eq(trace.pieces[0].units, 120);
    cr_expect_eq(trace.pieces[1].units, 30);
    cr_expect_eq(trace.pieces[1].price_id, 1);
    cr_expect_eq(trace.pieces[1].start_ns, start + 120 * TG_NS_PER_S);
    cr_expect_eq(trace.pieces[2].units_before, 150);
    cr_expect_eq(trace.connect_fee, 7, "the first band's");
    f.services[TG_SERVICE_VOICE].split_mode = TG_SPLIT_START;
    f.image.content_hash++; /* another catalog: an image never changes */
    cr_expect_eq(fixture_one(rate, &f, &row, 1).amount, 240 + 7);
    f.services[TG_SERVICE_VOICE].split_mode = TG_SPLIT_END;
    f.image.content_hash++;
    const struct tg_usage until_peak = fixture_call(start, 120000);
    cr_expect_eq(fixture_one(rate, &f, &until_peak, 2).amount, 240 + 1000);
    tg_rate_destroy(rate);
}

/* Rows of many subscribers over two months; some are refused late, by the tariff itself. */
static void rows_random(struct tg_usage *rows, struct tg_charge *charges, uint32_t count,
                        uint64_t random)
{
    const int64_t from = fixture_ns("2026-11-29T00:00:00Z");
    for (uint32_t i = 0; i < count; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        const uint64_t dice = random >> 20;
        rows[i] = fixture_call(from + (int64_t)(dice % 345600) * TG_NS_PER_S,
                               (uint32_t)(dice >> 8) % 100000);
        rows[i].service = (dice >> 25) % 3 == 0 ? TG_SERVICE_DATA : TG_SERVICE_VOICE;
        rows[i].quantity_up = (dice >> 12) % 500;
        rows[i].flags = (dice >> 31) % 4 == 0 ? TG_USAGE_PARTIAL : 0;
        charges[i] =
            (struct tg_charge){.subscriber = (uint32_t)(dice >> 33) % 7, .node_state = TG_NODE_UP};
    }
}

static void plan_with_late_refusals(void)
{
    voice(FIXTURE_EUR / 10, 60, 60, 6, 1000);
    fixture_allowance(&f, TG_SERVICE_VOICE, 0, 4000 * 1000);
    struct fixture_price *made = fixture_price(&f, 2, "graduated", TG_UNIT_OCTET, 7, 3);
    made->price.steps_count = 2;
    made->steps[0].up_to_units = 1000;
    made->steps[1] = (struct tg_price_step){20000, 5, 7, 0}; /* beyond: no rate */
    (void)fixture_service(&f, TG_SERVICE_DATA, 2);
}

#define MANY 4096u

Test(rate, verdicts_do_not_depend_on_batch_size)
{
    /* If this failed, the same usage would cost something else after a restart, or with another
     * number of workers (law 5). */
    static struct tg_usage rows[MANY];
    static struct tg_charge alone[MANY];
    static struct tg_charge together[MANY];
    plan_with_late_refusals();
    rows_random(rows, alone, MANY, 42);
    memcpy(together, alone, sizeof alone);
    struct tg_rate *one = fixture_rate();
    for (uint32_t i = 0; i < MANY; i++) {
        tg_rate_run(one, &f.snapshot, &rows[i], &alone[i], 1);
    }
    const uint32_t sizes[] = {256, 3, 31, 32, 33, 64, 255};
    struct tg_rate *many = fixture_rate();
    for (uint32_t at = 0, turn = 0; at < MANY; turn++) {
        const uint32_t size = MANY - at < sizes[turn % 7] ? MANY - at : sizes[turn % 7];
        tg_rate_run(many, &f.snapshot, &rows[at], &together[at], size);
        at += size;
    }
    cr_expect_eq(memcmp(alone, together, sizeof alone), 0);
    for (uint32_t page = 0; page < tg_rate_pages_count(one); page++) {
        cr_expect_eq(memcmp(tg_rate_page_bytes(one, page), tg_rate_page_bytes(many, page),
                            TG_ACCOUNT_PAGE_BYTES),
                     0, "page %u", page);
    }
    const struct tg_rate_counts *counts = tg_rate_counts(many);
    cr_expect_eq(counts->rated_count + counts->suspended_count, MANY);
    cr_expect_gt(counts->suspended_count, 100, "the refusals this test is about");
    cr_expect_gt(counts->repriced_count, 100, "groups were done again");
    cr_expect_eq(tg_rate_counts(one)->suspended_count, counts->suspended_count);
    cr_expect_eq(tg_rate_counts(one)->connect_fees_count, counts->connect_fees_count);
    tg_rate_destroy(one);
    tg_rate_destroy(many);
}

Test(rate, replaying_verdicts_gives_the_same_lines)
{
    /* If this failed, allowances after a crash would differ from those before it. */
    static struct tg_usage rows[MANY];
    static struct tg_charge charges[MANY];
    plan_with_late_refusals();
    rows_random(rows, charges, MANY, 7);
    struct tg_rate *live = fixture_rate();
    struct tg_rate *replayed = fixture_rate();
    struct tg_rate *kept_back = fixture_rate();
    struct tg_rate *by_columns = fixture_rate();
    uint32_t whole_count = 0;
    for (uint32_t at = 0; at < MANY; at += 128) {
        tg_rate_run(live, &f.snapshot, &rows[at], &charges[at], 128);
    }
    cr_assert_eq(tg_rate_apply(replayed, &f.snapshot, rows, charges, MANY), TG_OK);
    cr_assert_eq(tg_rate_apply_begin(kept_back), TG_OK);
    for (uint32_t at = 0; at < MANY; at += 64) {
        cr_assert_eq(tg_rate_apply(kept_back, &f.snapshot, &rows[at], &charges[at], 64), TG_OK);
    }
    cr_assert_eq(tg_rate_apply_end(kept_back), TG_OK);
    cr_assert_eq(tg_rate_apply_begin(by_columns), TG_OK);
    cr_assert_eq(fixture_apply_columns(by_columns, &f.snapshot, rows, charges, MANY, &whole_count),
                 TG_OK);
    cr_assert_eq(tg_rate_apply_end(by_columns), TG_OK);
    cr_expect(whole_count > 0 && whole_count < MANY, "%u rows were more than sums", whole_count);
    for (uint32_t page = 0; page < tg_rate_pages_count(live); page++) {
        cr_expect_eq(memcmp(tg_rate_page_bytes(live, page), tg_rate_page_bytes(replayed, page),
                            TG_ACCOUNT_PAGE_BYTES),
                     0, "page %u", page);
        cr_expect_eq(memcmp(tg_rate_page_bytes(live, page), tg_rate_page_bytes(kept_back, page),
                            TG_ACCOUNT_PAGE_BYTES),
                     0, "page %u of rows kept back", page);
        cr_expect_eq(memcmp(tg_rate_page_bytes(live, page), tg_rate_page_bytes(by_columns, page),
                            TG_ACCOUNT_PAGE_BYTES),
                     0, "page %u by columns", page);
    }
    charges[0].fate = TG_FATE_RATED;
    charges[0].allowance_units = charges[0].billed_units + 1;
    cr_expect_eq(tg_rate_apply(replayed, &f.snapshot, rows, charges, 1), TG_E_CORRUPT);
    cr_expect_eq(fixture_apply_columns(by_columns, &f.snapshot, rows, charges, 1, NULL),
                 TG_E_CORRUPT);
    tg_rate_destroy(by_columns);
    tg_rate_destroy(live);
    tg_rate_destroy(replayed);
    tg_rate_destroy(kept_back);
}

Test(rate, replaying_columns_of_nothing_but_sums_gives_the_same_lines)
{
    /* If this failed, the usual rows, which are not even looked at one by one, would leave other
     * counters after a crash. */
    static struct tg_usage rows[MANY];
    static struct tg_charge charges[MANY];
    plan_with_late_refusals();
    rows_random(rows, charges, MANY, 11);
    for (uint32_t i = 0; i < MANY; i++) { /* a month, then the next */
        rows[i].flags = 0;
        rows[i].start_ns = fixture_ns("2026-11-29T00:00:00Z") + (int64_t)i * 40 * TG_NS_PER_S;
    }
    struct tg_rate *live = fixture_rate();
    struct tg_rate *replayed = fixture_rate();
    uint32_t rated_count = 0;
    for (uint32_t i = 0; i < MANY; i++) {
        tg_rate_run(live, &f.snapshot, &rows[i], &charges[i], 1);
        if (charges[i].fate == TG_FATE_RATED) {
            rows[rated_count] = rows[i];
            charges[rated_count++] = charges[i];
        }
    }
    uint32_t whole_count = 0;
    cr_assert_eq(tg_rate_apply_begin(replayed), TG_OK);
    cr_assert_eq(
        fixture_apply_columns(replayed, &f.snapshot, rows, charges, rated_count, &whole_count),
        TG_OK);
    cr_assert_eq(tg_rate_apply_end(replayed), TG_OK);
    cr_expect_gt(rated_count, MANY / 2);
    cr_expect_eq(whole_count, 0);
    for (uint32_t page = 0; page < tg_rate_pages_count(live); page++) {
        cr_expect_eq(memcmp(tg_rate_page_bytes(live, page), tg_rate_page_bytes(replayed, page),
                            TG_ACCOUNT_PAGE_BYTES),
                     0, "page %u", page);
    }
    charges[0].allowance_units = charges[0].billed_units + 1;
    cr_expect_eq(fixture_apply_columns(replayed, &f.snapshot, rows, charges, 1, NULL),
                 TG_E_CORRUPT);
    tg_rate_destroy(live);
    tg_rate_destroy(replayed);
}

Test(rate, a_late_refusal_keeps_what_earlier_rows_of_the_group_posted)
{
    /* If this failed, undoing one row would wipe the cost of another row of the same customer. */
    fixture_init(&f);
    struct fixture_price *made = fixture_price(&f, 2, "graduated", TG_UNIT_OCTET, 1, 1);
    made->steps[0].up_to_units = 100;
    (void)fixture_service(&f, TG_SERVICE_DATA, 2);
    struct tg_usage rows[3];
    struct tg_charge charges[3];
    for (uint32_t i = 0; i < 3; i++) {
        rows[i] = (struct tg_usage){.service = TG_SERVICE_DATA,
                                    .start_ns = fixture_ns("2026-11-23T06:10:00Z"),
                                    .quantity_up = 60};
        charges[i] = (struct tg_charge){.subscriber = 4};
    }
    rows[2].quantity_up = 40;
    struct tg_rate *rate = fixture_rate();
    tg_rate_run(rate, &f.snapshot, rows, charges, 3);
    cr_expect_eq(charges[0].amount, 60);
    cr_expect_eq(charges[1].reason, TG_E_NO_RATE);
    cr_expect_eq(charges[2].amount, 40);
    cr_expect_eq(charges[2].units_before, 60);
    const struct tg_account_line *line =
        tg_accounts_peek(tg_rate_accounts(rate), 4, tg_account_period(rows[0].start_ns));
    cr_expect_eq(line->cost, 100, "%lld", (long long)line->cost);
    cr_expect_eq(line->meters[TG_METER_DATA].priced_base, 100);
    tg_rate_destroy(rate);
}
