/* SPDX-License-Identifier: Apache-2.0 */
#include "health_world.h"
#include "record/charge.h"

#define HOUR (INT64_C(3600) * S)
/* a whole hour */
#define H0 (T0 / HOUR * HOUR)

static struct tg_impact *impact_open(const struct world *w, uint32_t pairs, uint32_t subscribers)
{
    struct tg_impact *impact = NULL;
    const struct tg_impact_config config = {w->inventory, pairs, subscribers, 0};
    cr_assert_eq(tg_impact_open(&config, &impact), TG_OK);
    return impact;
}

static void add(struct tg_impact *impact, uint16_t node_id, int64_t start_ns, uint32_t subscriber,
                int64_t amount, uint16_t currency)
{
    const uint8_t fate = TG_FATE_RATED;
    const struct tg_impact_rows row = {&node_id, &start_ns, &fate, &subscriber, &currency, &amount};
    tg_impact_add(impact, &row, 1);
}

Test(impact, subscribers_and_revenue_agree_with_a_plain_count)
{
    /* A wrong figure sends the crew to the cheap fault while the dear one burns. */
    static struct world w;
    static uint8_t seen[64][WORLD_NODES + 1][500];
    static int64_t money[64][WORLD_NODES + 1];
    uint64_t seed = 99;
    world_open(&w);
    struct tg_impact *impact = impact_open(&w, 4096, 500);
    memset(seen, 0, sizeof seen);
    memset(money, 0, sizeof money);
    for (int i = 0; i < 20000; i++) {
        const uint16_t node_id = (uint16_t)(1 + world_random(&seed) % WORLD_NODES);
        const uint32_t hour = (uint32_t)(world_random(&seed) % 30);
        const uint32_t subscriber = (uint32_t)(world_random(&seed) % 500);
        const int64_t amount = (int64_t)(world_random(&seed) % 100000) - 1000;
        if (world_random(&seed) % 16 != 0 && subscriber % 7 != node_id) {
            continue; /* few subscribers a node and hour, or all counts would be 500 */
        }
        add(impact, node_id, H0 + hour * HOUR + (int64_t)(world_random(&seed) % HOUR), subscriber,
            amount, 978);
        seen[hour][node_id][subscriber] = 1;
        money[hour][node_id] += amount;
    }
    const struct {
        uint16_t node_id;
        bool is_with_children;
        uint32_t members; /* bit a node */
    } rows[] = {{LEAF, false, 1u << LEAF},
                {DIST_A, false, 1u << DIST_A},
                {DIST_A, true, 1u << DIST_A | 1u << LEAF},
                {CORE, true, 0x3e}};
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        const struct tg_impact_question question = {.fault_ns = H0 + 25 * HOUR + 1800 * S,
                                                    .until_ns = H0 + 28 * HOUR,
                                                    .slots_count = 3,
                                                    .node_id = rows[r].node_id,
                                                    .is_with_children = rows[r].is_with_children};
        struct tg_impact_answer answer;
        cr_assert_eq(tg_impact_ask(impact, &question, &answer), TG_OK);
        uint64_t subscribers = 0;
        int64_t revenue = 0;
        for (uint32_t s = 0; s < 500; s++) {
            bool is_seen = false;
            for (uint32_t hour = 22; hour < 25; hour++) {
                for (uint32_t id = 1; id <= WORLD_NODES; id++) {
                    is_seen |= (rows[r].members >> id & 1) != 0 && seen[hour][id][s] != 0;
                    revenue += s == 0 && (rows[r].members >> id & 1) != 0 ? money[hour][id] : 0;
                }
            }
            subscribers += is_seen;
        }
        cr_expect_eq(answer.subscribers_count, subscribers, "row %zu", r);
        cr_expect(subscribers > 0 && subscribers < 500);
        cr_expect_eq(answer.slots_count, 3);
        cr_expect_eq(answer.moneys_count, 1);
        cr_expect_eq(answer.moneys[0].revenue_per_hour, revenue / 3, "row %zu", r);
        cr_expect_eq(answer.moneys[0].at_risk, (__int128)(revenue / 3) * 5 / 2, "2.5 hours");
        cr_expect_eq(answer.nodes_count, (uint32_t)__builtin_popcount(rows[r].members));
        cr_expect_not(answer.is_at_least);
        struct tg_impact_answer again;
        (void)tg_impact_ask(impact, &question, &again);
        cr_expect_eq(again.subscribers_count, subscribers, "asking leaves no trace");
    }
    tg_impact_close(impact);
    world_close(&w);
}

Test(impact, currencies_stay_apart_and_bounds_are_visible)
{
    /* Yen added to euro would rank a kiosk above a city. */
    static struct world w;
    world_open(&w);
    struct tg_impact *impact = impact_open(&w, 16, 100);
    add(impact, LEAF, H0, 1, 500, 978);
    add(impact, LEAF, H0, 1, 70, 392);
    add(impact, LEAF, H0, 1, 1, 840);
    add(impact, LEAF, H0, 1, 1, 826);
    add(impact, LEAF, H0, 1, 1, 756);
    add(impact, 0, H0, 1, 1, 978);
    add(impact, LEAF, H0, 100, 1, 978); /* beyond the roster */
    for (uint32_t s = 2; s < 30; s++) {
        add(impact, EDGE, H0 + HOUR, s, 0, 978);
    }
    struct tg_impact_question question = {
        .fault_ns = H0 + HOUR, .until_ns = H0 + HOUR, .node_id = LEAF};
    struct tg_impact_answer answer;
    cr_assert_eq(tg_impact_ask(impact, &question, &answer), TG_OK);
    cr_expect_eq(answer.moneys_count, 4);
    cr_expect_eq(answer.moneys[0].currency, 392, "in order of number");
    cr_expect_eq(answer.moneys[0].revenue_per_hour, 70);
    cr_expect_eq(answer.moneys[3].revenue_per_hour, 501);
    cr_expect_eq(answer.moneys[3].at_risk, 0);
    cr_expect(answer.is_at_least);
    struct tg_impact_counters counters;
    tg_impact_counters_get(impact, &counters);
    cr_expect_eq(counters.currency_dropped_count, 1);
    cr_expect_eq(counters.skipped_count, 1);
    cr_expect_eq(counters.pairs_count, 16);
    cr_expect_eq(counters.pairs_dropped_count, 1 + 28 - 15);
    add(impact, LEAF, H0 + 100 * HOUR, 1, 5, 978);
    add(impact, LEAF, H0, 1, 5, 978);
    tg_impact_counters_get(impact, &counters);
    cr_expect_eq(counters.late_count, 1, "older than the kept hours");
    question.node_id = 0;
    cr_expect_eq(tg_impact_ask(impact, &question, &answer), TG_E_UNKNOWN_NODE);
    tg_impact_close(impact);
    world_close(&w);
}

Test(impact, a_fault_in_the_first_hour_is_estimated_and_says_so)
{
    /* A figure from ten minutes of data must not pass for a day's average. */
    static struct world w;
    world_open(&w);
    struct tg_impact *impact = impact_open(&w, 64, 100);
    struct tg_impact_question question = {
        .fault_ns = H0 + 900 * S, .until_ns = H0 + 1800 * S, .node_id = LEAF};
    struct tg_impact_answer answer;
    cr_assert_eq(tg_impact_ask(impact, &question, &answer), TG_OK);
    cr_expect_eq(answer.subscribers_count, 0, "no usage yet");
    add(impact, LEAF, H0 + 60 * S, 1, 600, 978);
    cr_assert_eq(tg_impact_ask(impact, &question, &answer), TG_OK);
    cr_expect(answer.is_estimate);
    cr_expect_eq(answer.slots_count, 0);
    cr_expect_eq(answer.moneys[0].revenue_per_hour, 2400);
    cr_expect_eq(answer.moneys[0].at_risk, 600);
    tg_impact_close(impact);
    world_close(&w);
}
