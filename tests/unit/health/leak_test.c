/* SPDX-License-Identifier: Apache-2.0 */
#include "health_world.h"

#define WINDOW (INT64_C(300) * S)

static struct tg_leak_window window_at(uint32_t index, uint64_t octets, uint64_t records)
{
    return (struct tg_leak_window){.from_ns = T0 + index * WINDOW,
                                   .until_ns = T0 + (index + 1) * WINDOW,
                                   .octets = octets,
                                   .octets_floor = 1000,
                                   .records_count = records,
                                   .node_id = EDGE,
                                   .state = TG_NODE_UP,
                                   .has_octets = true};
}

Test(leak, every_row_of_the_suspect_matrix_holds)
{
    /* A leak taken for an outage is money lost for months; the reverse is a false alarm a night. */
    const struct {
        const char *name;
        uint8_t state;
        bool is_maintained;
        bool has_octets;
        uint64_t octets;
        uint64_t records;
        uint64_t gap;
        enum tg_leak_verdict verdict;
    } rows[] = {
        {"silent", TG_NODE_UP, false, true, 5000, 0, 0, TG_LEAK_SILENT},
        {"degraded and silent", TG_NODE_DEGRADED, false, true, 5000, 0, 0, TG_LEAK_SILENT},
        {"low once", TG_NODE_UP, false, true, 5000, 40, 0, TG_LEAK_OK},
        {"normal", TG_NODE_UP, false, true, 5000, 100, 0, TG_LEAK_OK},
        {"idle", TG_NODE_UP, false, true, 1000, 0, 0, TG_LEAK_IDLE},
        {"no counters", TG_NODE_UP, false, false, 0, 0, 0, TG_LEAK_IDLE},
        {"usage while down", TG_NODE_DOWN, false, true, 0, 3, 0, TG_LEAK_HOLD_WHILE_DOWN},
        {"down", TG_NODE_DOWN, false, true, 0, 0, 0, TG_LEAK_IDLE},
        {"up by usage", TG_NODE_UNKNOWN, false, false, 0, 3, 0, TG_LEAK_UP_BY_USAGE},
        {"gap", TG_NODE_UP, false, true, 5000, 0, 7, TG_LEAK_LOSS},
        {"maintenance", TG_NODE_UP, true, true, 5000, 0, 0, TG_LEAK_EXPECTED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tg_leak_memory memory = {100000, 50, 0};
        struct tg_leak_window window = window_at(0, rows[i].octets, rows[i].records);
        window.state = rows[i].state;
        window.is_maintained = rows[i].is_maintained;
        window.has_octets = rows[i].has_octets;
        window.gap_count = rows[i].gap;
        const enum tg_leak_verdict verdict = tg_leak_judge(&window, &memory);
        cr_expect_eq(verdict, rows[i].verdict, "%s: %s", rows[i].name,
                     tg_leak_verdict_name(verdict));
    }
    struct tg_leak_memory memory = {100000, 50, 0};
    for (uint32_t i = 0; i < 12; i++) {
        const struct tg_leak_window window = window_at(i, 5000, i % 3 == 2 ? 100 : 40);
        cr_expect_eq(tg_leak_judge(&window, &memory), TG_LEAK_OK, "never three low ones in a row");
    }
    struct tg_leak_memory fresh = {0, 0, 0};
    const struct tg_leak_window silent = window_at(0, 5000, 0);
    cr_expect_eq(tg_leak_judge(&silent, &fresh), TG_LEAK_IDLE, "it never spoke: proves nothing");
}

Test(leak, a_leak_is_raised_does_not_become_normal_and_ends)
{
    /* A baseline that learns from the leak would call it normal after an hour. */
    static struct world w;
    struct tg_leak *leak = NULL;
    uint8_t verdict = 0;
    world_open(&w);
    cr_assert_eq(tg_leak_open(w.inventory, &leak), TG_OK);
    const struct tg_alarm_kind *silent = tg_alarm_kind_by_name("usageSilent");
    const struct tg_alarm_kind *low = tg_alarm_kind_by_name("usageLow");
    for (uint32_t i = 0; i < 100; i++) {
        const struct tg_leak_window window =
            window_at(i, 5000, i < 10 ? 100 : i < 50 ? 0 : i < 60 ? 100 : i < 90 ? 30 : 100);
        const uint32_t leaks =
            tg_leak_run(leak, w.alarms, &window, 1, window.until_ns, &verdict);
        const bool is_silent = i >= 10 && i < 50;
        const bool is_low = i >= 62 && i < 90;
        cr_expect_eq(verdict, is_silent ? TG_LEAK_SILENT : is_low ? TG_LEAK_PARTIAL : TG_LEAK_OK,
                     "window %u", i);
        cr_expect_eq(leaks, (uint32_t)(is_silent || is_low));
        const struct tg_alarm *alarm = tg_alarm_set_find(w.alarms, EDGE, silent, 0);
        cr_expect_eq(alarm != NULL && alarm->state.is_cleared == 0, is_silent, "window %u", i);
        alarm = tg_alarm_set_find(w.alarms, EDGE, low, 0);
        cr_expect_eq(alarm != NULL && alarm->state.is_cleared == 0, is_low, "window %u", i);
    }
    cr_expect_eq(tg_alarm_set_find(w.alarms, EDGE, silent, 0)->state.first_raised_ns,
                 T0 + 10 * WINDOW, "dated to the window in which it began");
    tg_leak_close(leak);
    world_close(&w);
}
