/* SPDX-License-Identifier: Apache-2.0 */
#include "health_world.h"
#include "record/charge.h"

Test(summary, the_cause_comes_first_and_the_dearest_of_its_kind)
{
    /* Who reads only the first line must read what to repair first. */
    static struct world w;
    static struct tg_summary_item items[32];
    struct tg_cause *cause = NULL;
    struct tg_impact *impact = NULL;
    world_open(&w);
    const struct tg_impact_config config = {w.inventory, 1024, 1000, 0};
    cr_assert_eq(tg_impact_open(&config, &impact), TG_OK);
    cr_assert_eq(tg_cause_open(w.inventory, &cause), TG_OK);
    for (uint32_t s = 0; s < 40; s++) {
        const int64_t start_ns = T0 - 7200 * S;
        const uint16_t node_id = s < 30 ? LEAF : EDGE;
        const uint8_t fate = TG_FATE_RATED;
        const int64_t amount = s < 30 ? 1000 : 1000000; /* dear, but no cause of anything */
        const uint16_t currency = 978;
        const struct tg_impact_rows row = {&node_id, &start_ns, &fate, &s, &currency, &amount};
        tg_impact_add(impact, &row, 1);
    }
    world_say(&w, CORE, T0, "keepalive");
    world_say(&w, EDGE, T0 + 1 * S, "Fan tray 1 failed");
    world_say(&w, LEAF, T0 + 2 * S, "Interface up-1, changed state to down");
    world_say(&w, DIST_A, T0 + 3 * S, "AC power failure");
    world_say(&w, DIST_B, T0 + 4 * S, "Fan tray 1 failed");
    world_say(&w, DIST_B, T0 + 5 * S, "Fan tray 1 ok");
    tg_cause_observe(cause, w.timeline, w.alarms, T0 + 10 * S);
    cr_assert_eq(tg_cause_run(cause, T0 + 10 * S), 1);
    tg_cause_publish(cause, w.alarms, T0 + 10 * S);
    const struct tg_summary_config ask = {w.inventory, w.alarms, impact, T0 + 3600 * S + 3 * S,
                                          true};
    uint32_t alarms_count = 0;
    const uint32_t count = tg_summary_build(&ask, items, 32, &alarms_count);
    cr_assert_eq(count, 4);
    cr_expect_eq(alarms_count, 4);
    const char *const order[] = {"dist-a", "edge", "leaf", "dist-b"};
    for (uint32_t i = 0; i < count; i++) {
        cr_expect_str_eq(items[i].node_name, order[i], "line %u", i);
    }
    cr_expect(items[0].is_root_cause);
    cr_expect_eq(items[0].correlated_count, 1);
    cr_expect_eq(items[0].impact.subscribers_count, 30, "its children's subscribers");
    cr_expect_eq(items[0].impact.nodes_count, 2);
    cr_expect_gt(items[0].impact.moneys[0].revenue_per_hour, 0);
    cr_expect_eq(items[0].impact.moneys[0].at_risk, items[0].impact.moneys[0].revenue_per_hour,
                 "an hour has passed");
    cr_expect_str_eq(items[0].severity, "critical");
    cr_expect_str_eq(items[2].parent_id, items[0].id);
    cr_expect_eq(items[2].suppress, TG_SUPPRESS_BY_ROOT);
    cr_expect_str_eq(items[3].state, "CLEARED");
    cr_expect_str_eq(items[3].severity, "cleared");
    cr_expect_eq(tg_summary_build(&ask, items, 2, &alarms_count), 2);
    cr_expect_eq(alarms_count, 4, "what does not fit is still counted");
    const struct tg_summary_config active = {w.inventory, w.alarms, NULL, T0, false};
    cr_expect_eq(tg_summary_build(&active, items, 32, NULL), 3);
    tg_cause_close(cause);
    tg_impact_close(impact);
    world_close(&w);
}
