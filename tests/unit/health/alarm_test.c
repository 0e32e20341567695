/* SPDX-License-Identifier: Apache-2.0 */
#include "health_world.h"

#include "health/alarm_fold.h"

static const struct tg_alarm_kind *link_down(void)
{
    return tg_alarm_kind_by_name("linkDown");
}

static enum tg_err put(struct world *w, uint8_t action, int64_t at_s, uint8_t severity)
{
    const struct tg_alarm_event event = {.kind = link_down(),
                                         .event_ns = T0 + at_s * S,
                                         .arrival_ns = T0 + at_s * S,
                                         .node_id = CORE,
                                         .action = action,
                                         .severity = severity};
    return tg_alarm_set_report(w->alarms, &event);
}

static const struct tg_alarm *get(const struct world *w)
{
    return tg_alarm_set_find(w->alarms, CORE, link_down(), 0);
}

static uint32_t drain(struct world *w, uint8_t kinds[64])
{
    struct tg_alarm_notice notices[64];
    const uint32_t count = tg_alarm_set_notices(w->alarms, notices, 64);
    for (uint32_t i = 0; i < count; i++) {
        kinds[i] = notices[i].kind;
    }
    return count;
}

/* A script: letters are events 10 s apart. r/R raise major/critical, l raise minor, c clear,
 * a ack, u unack, s shelve, v unshelve, m/n maintenance on/off, x close, X close by force. */
static enum tg_err play(struct world *w, const char *script)
{
    enum tg_err err = TG_OK;
    int64_t at_s = 0;
    for (const char *at = script; *at != '\0'; at++) {
        at_s += 10;
        const struct tg_alarm *alarm = get(w);
        const uint32_t number = alarm == NULL ? 1 : alarm->number;
        const int64_t at_ns = T0 + at_s * S;
        switch (*at) {
        case 'r':
            err = put(w, TG_ALARM_RAISE, at_s, TG_SEVERITY_MAJOR);
            break;
        case 'R':
            err = put(w, TG_ALARM_RAISE, at_s, TG_SEVERITY_CRITICAL);
            break;
        case 'l':
            err = put(w, TG_ALARM_RAISE, at_s, TG_SEVERITY_MINOR);
            break;
        case 'c':
            err = put(w, TG_ALARM_CLEAR, at_s, 0);
            break;
        case 'a':
            err = tg_alarm_set_command(w->alarms, number, TG_CHANGE_ACK, at_ns, 0, false);
            break;
        case 'u':
            err = tg_alarm_set_command(w->alarms, number, TG_CHANGE_UNACK, at_ns, 0, false);
            break;
        case 's':
            err = tg_alarm_set_command(w->alarms, number, TG_CHANGE_SHELVE, at_ns, 0, false);
            break;
        case 'v':
            err = tg_alarm_set_command(w->alarms, number, TG_CHANGE_UNSHELVE, at_ns, 0, false);
            break;
        case 'm':
        case 'n':
            err = tg_alarm_set_maintenance(w->alarms, CORE, *at == 'm', at_ns);
            break;
        default:
            err = tg_alarm_set_command(w->alarms, number, TG_CHANGE_CLOSE, at_ns, 0, *at == 'X');
            break;
        }
    }
    return err;
}

Test(alarm, every_cell_of_the_transition_table_holds)
{
    /* One wrong cell and an operator's acknowledgement hides a fault that got worse. */
    const struct {
        const char *script;
        int err;            /* of the last event */
        int cleared;        /* -1: no alarm shown */
        unsigned severity;
        unsigned operator_state;
        unsigned raises;
        unsigned suppress;
    } rows[] = {
        /* no entry */
        {"r", TG_OK, 0, TG_SEVERITY_MAJOR, TG_OPERATOR_NONE, 1, 0},
        {"c", TG_OK, -1, 0, 0, 0, 0},
        {"a", TG_E_NOT_FOUND, -1, 0, 0, 0, 0},
        {"u", TG_E_NOT_FOUND, -1, 0, 0, 0, 0},
        {"s", TG_E_NOT_FOUND, -1, 0, 0, 0, 0},
        {"v", TG_E_NOT_FOUND, -1, 0, 0, 0, 0},
        {"x", TG_E_NOT_FOUND, -1, 0, 0, 0, 0},
        {"mr", TG_OK, 0, TG_SEVERITY_MAJOR, TG_OPERATOR_NONE, 1, TG_SUPPRESS_MAINTENANCE},
        /* active */
        {"rr", TG_OK, 0, TG_SEVERITY_MAJOR, TG_OPERATOR_NONE, 2, 0},
        {"rar", TG_OK, 0, TG_SEVERITY_MAJOR, TG_OPERATOR_ACKED, 2, 0},
        {"raR", TG_OK, 0, TG_SEVERITY_CRITICAL, TG_OPERATOR_NONE, 2, 0},
        {"ral", TG_OK, 0, TG_SEVERITY_MINOR, TG_OPERATOR_ACKED, 2, 0},
        {"rc", TG_OK, 1, TG_SEVERITY_MAJOR, TG_OPERATOR_NONE, 1, 0},
        {"ra", TG_OK, 0, TG_SEVERITY_MAJOR, TG_OPERATOR_ACKED, 1, 0},
        {"rau", TG_OK, 0, TG_SEVERITY_MAJOR, TG_OPERATOR_NONE, 1, 0},
        {"rs", TG_OK, 0, TG_SEVERITY_MAJOR, TG_OPERATOR_NONE, 1, TG_SUPPRESS_SHELVED},
        {"rsv", TG_OK, 0, TG_SEVERITY_MAJOR, TG_OPERATOR_NONE, 1, 0},
        {"rm", TG_OK, 0, TG_SEVERITY_MAJOR, TG_OPERATOR_NONE, 1, TG_SUPPRESS_MAINTENANCE},
        {"rmn", TG_OK, 0, TG_SEVERITY_MAJOR, TG_OPERATOR_NONE, 1, 0},
        {"rx", TG_E_ALARM_STATE, 0, TG_SEVERITY_MAJOR, TG_OPERATOR_NONE, 1, 0},
        {"rX", TG_OK, 0, TG_SEVERITY_MAJOR, TG_OPERATOR_CLOSED, 1, 0},
        /* cleared */
        {"rcr", TG_OK, 0, TG_SEVERITY_MAJOR, TG_OPERATOR_NONE, 2, 0},
        {"racr", TG_OK, 0, TG_SEVERITY_MAJOR, TG_OPERATOR_NONE, 2, 0},
        {"rcl", TG_OK, 0, TG_SEVERITY_MINOR, TG_OPERATOR_NONE, 2, 0},
        {"rcc", TG_OK, 1, TG_SEVERITY_MAJOR, TG_OPERATOR_NONE, 1, 0},
        {"rca", TG_OK, 1, TG_SEVERITY_MAJOR, TG_OPERATOR_ACKED, 1, 0},
        {"rcau", TG_OK, 1, TG_SEVERITY_MAJOR, TG_OPERATOR_NONE, 1, 0},
        {"rcs", TG_OK, 1, TG_SEVERITY_MAJOR, TG_OPERATOR_NONE, 1, TG_SUPPRESS_SHELVED},
        {"rcsv", TG_OK, 1, TG_SEVERITY_MAJOR, TG_OPERATOR_NONE, 1, 0},
        {"rcm", TG_OK, 1, TG_SEVERITY_MAJOR, TG_OPERATOR_NONE, 1, TG_SUPPRESS_MAINTENANCE},
        {"rcx", TG_OK, 1, TG_SEVERITY_MAJOR, TG_OPERATOR_CLOSED, 1, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        static struct world w;
        world_open(&w);
        const enum tg_err err = play(&w, rows[i].script);
        const struct tg_alarm *alarm = get(&w);
        cr_expect_eq(err, rows[i].err, "%s: %d", rows[i].script, err);
        cr_expect_eq(alarm == NULL, rows[i].cleared == -1, "%s", rows[i].script);
        if (alarm != NULL) {
            const int64_t now_ns = T0 + (int64_t)strlen(rows[i].script) * 10 * S;
            cr_expect_eq(alarm->state.is_cleared, rows[i].cleared, "%s", rows[i].script);
            cr_expect_eq(alarm->state.severity, rows[i].severity, "%s", rows[i].script);
            cr_expect_eq(alarm->state.operator_state, rows[i].operator_state, "%s",
                         rows[i].script);
            cr_expect_eq(alarm->state.raises_count, rows[i].raises, "%s", rows[i].script);
            cr_expect_eq(tg_alarm_suppress_at(alarm, now_ns), rows[i].suppress, "%s",
                         rows[i].script);
        }
        world_close(&w);
    }
}

Test(alarm, late_clears_and_late_raises_do_what_their_time_says)
{
    /* UDP reorders: a clear that overtakes its raise must not leave an alarm up for ever. */
    static struct world w;
    world_open(&w);
    (void)put(&w, TG_ALARM_CLEAR, 20, 0);
    cr_expect_null(get(&w), "a lone clear is not shown");
    (void)put(&w, TG_ALARM_RAISE, 15, 0);
    cr_assert_not_null(get(&w));
    cr_expect_eq(get(&w)->state.is_cleared, 1, "stored as cleared already");
    uint8_t kinds[64];
    cr_expect_eq(drain(&w, kinds), 0, "nobody was told, nobody needs to be");
    (void)put(&w, TG_ALARM_RAISE, 30, 0);
    (void)put(&w, TG_ALARM_CLEAR, 25, 0);
    cr_expect_eq(get(&w)->state.is_cleared, 0, "a clear from before the raise is ignored");
    world_close(&w);
    world_open(&w);
    (void)put(&w, TG_ALARM_CLEAR, 20, 0);
    tg_alarm_set_tick(w.alarms, T0 + 29 * S, INT64_MIN);
    (void)put(&w, TG_ALARM_RAISE, 15, 0);
    cr_expect_eq(get(&w)->state.is_cleared, 1, "still remembered after 9 s");
    world_close(&w);
    world_open(&w);
    (void)put(&w, TG_ALARM_CLEAR, 20, 0);
    tg_alarm_set_tick(w.alarms, T0 + 30 * S, INT64_MIN);
    (void)put(&w, TG_ALARM_RAISE, 15, 0);
    cr_expect_eq(get(&w)->state.is_cleared, 0, "forgotten after 10 s");
    struct tg_alarm_counters counters;
    tg_alarm_set_counters(w.alarms, &counters);
    cr_expect_eq(counters.tombstones_expired_count, 1);
    world_close(&w);
}

Test(alarm, ties_go_to_the_higher_sequence_and_without_one_to_the_raise)
{
    /* Two messages of one instant must end the same way on every replay. */
    const struct {
        uint32_t raise_sequence;
        uint32_t clear_sequence;
        bool is_cleared;
    } rows[] = {{0, 0, false}, {5, 6, true}, {6, 5, false}, {0, 6, false}, {5, 0, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int order = 0; order < 2; order++) {
            static struct world w;
            world_open(&w);
            for (int step = 0; step < 2; step++) {
                const bool is_raise = step == order;
                const struct tg_alarm_event event = {
                    .kind = link_down(),
                    .event_ns = T0,
                    .arrival_ns = T0,
                    .node_id = CORE,
                    .sequence = is_raise ? rows[i].raise_sequence : rows[i].clear_sequence,
                    .action = is_raise ? TG_ALARM_RAISE : TG_ALARM_CLEAR};
                (void)tg_alarm_set_report(w.alarms, &event);
            }
            cr_expect_eq(get(&w)->state.is_cleared, rows[i].is_cleared, "row %zu order %d", i,
                         order);
            world_close(&w);
        }
    }
}

Test(alarm, suppression_hides_raises_and_never_clears)
{
    /* A hidden clear leaves a ticket open; a raise never told is a fault nobody works on. */
    static struct world w;
    uint8_t kinds[64];
    world_open(&w);
    (void)play(&w, "r");
    cr_assert_eq(drain(&w, kinds), 1);
    cr_expect_eq(kinds[0], TG_NOTICE_RAISED);
    const uint32_t number = get(&w)->number;
    (void)tg_alarm_set_command(w.alarms, number, TG_CHANGE_SHELVE, T0 + 20 * S, 0, false);
    (void)put(&w, TG_ALARM_CLEAR, 30, 0);
    cr_assert_eq(drain(&w, kinds), 1);
    cr_expect_eq(kinds[0], TG_NOTICE_CLEARED, "shelved, yet its clear is sent");
    (void)put(&w, TG_ALARM_RAISE, 40, 0);
    cr_expect_eq(drain(&w, kinds), 0, "the raise is hidden by the shelf");
    cr_expect_eq(get(&w)->state.is_cleared, 0, "its state goes on");
    tg_alarm_set_tick(w.alarms, T0 + 20 * S + TG_ALARM_SHELF_MAX_NS - 1, INT64_MIN);
    cr_expect_eq(drain(&w, kinds), 0, "one nanosecond early is early");
    tg_alarm_set_tick(w.alarms, T0 + 20 * S + TG_ALARM_SHELF_MAX_NS, INT64_MIN);
    cr_assert_eq(drain(&w, kinds), 1, "told at once when the last reason ends");
    cr_expect_eq(kinds[0], TG_NOTICE_RAISED);
    world_close(&w);
}

Test(alarm, flapping_is_damped_and_comes_back_after_its_decay)
{
    /* An interface that flaps all night must not wake somebody forty times. */
    static struct world w;
    uint8_t kinds[64];
    world_open(&w);
    (void)play(&w, "rcrcrcr"); /* three raises after a clear, ten seconds apart */
    const struct tg_alarm *alarm = get(&w);
    cr_expect(alarm->state.flap_penalty > 2950 && alarm->state.flap_penalty < 3000,
              "decay is exact enough: %d", alarm->state.flap_penalty);
    cr_expect_eq(alarm->state.is_flapping, 0, "just below 3000");
    (void)put(&w, TG_ALARM_CLEAR, 80, 0);
    (void)drain(&w, kinds);
    (void)put(&w, TG_ALARM_RAISE, 90, 0);
    alarm = get(&w);
    cr_expect_eq(alarm->state.is_flapping, 1);
    cr_expect_eq(tg_alarm_suppress_at(alarm, T0 + 90 * S), TG_SUPPRESS_FLAP);
    cr_expect_eq(drain(&w, kinds), 0, "damped");
    /* 3940 * 2^(-t/900 s) falls to 750 after 2154 s */
    cr_expect_eq(tg_alarm_suppress_at(alarm, T0 + (90 + 2140) * S), TG_SUPPRESS_FLAP);
    cr_expect_eq(tg_alarm_suppress_at(alarm, T0 + (90 + 2165) * S), 0);
    tg_alarm_set_tick(w.alarms, T0 + (90 + 2165) * S, INT64_MIN);
    cr_expect_geq(drain(&w, kinds), 1, "told when the damping ends");
    world_close(&w);
    const struct {
        int32_t penalty;
        int64_t after_s;
        int32_t want;
    } rows[] = {{8000, 0, 8000},   {8000, 900, 4000},  {8000, 1800, 2000}, {8000, 450, 5656},
                {8000, 225, 6727}, {8000, 28000, 0},   {12000, 3600, 750}, {0, 10, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const int32_t left = tg_alarm_flap_decay(rows[i].penalty, T0, T0 + rows[i].after_s * S);
        cr_expect(left >= rows[i].want - 3 && left <= rows[i].want + 3, "row %zu: %d", i, left);
    }
}

Test(alarm, repeats_are_counted_once_each_and_history_keeps_what_changed)
{
    /* A repeat told twice is noise; a history full of repeats hides when it began. */
    static struct world w;
    world_open(&w);
    struct tg_observation one = world_log(&w, CORE, T0, 3, "-", "Interface a link down");
    for (int i = 0; i < 3; i++) {
        world_apply(&w, &one, 1); /* the sender repeats the same datagram */
    }
    struct tg_alarm_counters counters;
    tg_alarm_set_counters(w.alarms, &counters);
    cr_expect_eq(counters.raises_count, 1);
    cr_expect_eq(counters.duplicates_count, 2);
    cr_expect_eq(counters.alarms_count, 1);
    const struct tg_alarm *alarm = tg_alarm_set_by_number(w.alarms, 1);
    cr_assert_not_null(alarm);
    cr_expect_str_eq(alarm->part, "a");
    cr_expect_str_eq(alarm->text, "Interface a link down");
    (void)play(&w, "r");
    for (int64_t i = 0; i < 500; i++) {
        (void)put(&w, TG_ALARM_RAISE, 20 + i, TG_SEVERITY_MAJOR);
    }
    alarm = get(&w);
    cr_expect_eq(alarm->state.raises_count, 501);
    cr_expect_eq(alarm->state.first_raised_ns, T0 + 10 * S);
    cr_expect_eq(alarm->changes[0].at_ns, T0 + 10 * S, "how it began is still there");
    cr_expect_eq(alarm->state.last_seen_ns, T0 + 519 * S);
    for (int64_t i = 0; i < 100; i++) {
        (void)put(&w, i % 2 == 0 ? TG_ALARM_CLEAR : TG_ALARM_RAISE, 600 + i, 0);
    }
    cr_expect_eq(get(&w)->changes_count, TG_ALARM_CHANGES_MAX);
    cr_expect_eq(get(&w)->state.is_cleared, 0);
    cr_expect_eq(get(&w)->state.raises_count, 551);
    cr_expect_eq(get(&w)->state.clears_count, 50);
    (void)put(&w, TG_ALARM_RAISE, 1, 0);
    cr_expect_eq(get(&w)->state.first_raised_ns, T0 + 1 * S, "older than the history: counted");
    tg_alarm_set_counters(w.alarms, &counters);
    cr_expect_eq(counters.late_count, 1);
    cr_expect_gt(counters.changes_folded_count, 0);
    world_close(&w);
}

Test(alarm, a_storm_and_a_full_table_are_told_and_counted)
{
    /* A silent drop would be a lost alarm; an unbounded table would take the engine down. */
    static struct world w;
    world_open(&w);
    for (uint32_t i = 0; i < 1500; i++) {
        const struct tg_alarm_event event = {.kind = link_down(), .qualifier = i % 8,
                                             .event_ns = T0 + i, .arrival_ns = T0 + i,
                                             .node_id = CORE, .source_id = 9,
                                             .action = TG_ALARM_RAISE};
        const enum tg_err err = tg_alarm_set_report(w.alarms, &event);
        cr_assert_eq(err, i < 1000 ? TG_OK : TG_E_FULL, "raise %u", i);
    }
    const struct tg_alarm *storm =
        tg_alarm_set_find(w.alarms, 0, tg_alarm_kind_by_name("alarmStorm"), 9);
    cr_assert_not_null(storm);
    cr_expect_eq(storm->state.raises_count, 500, "each one that was not taken in is counted");
    struct tg_alarm_counters counters;
    tg_alarm_set_counters(w.alarms, &counters);
    cr_expect_eq(counters.storm_count, 500);
    tg_alarm_set_tick(w.alarms, INT64_MIN, T0 + 61 * S);
    cr_expect_eq(storm->state.is_cleared, 1, "over after a quiet minute");
    for (uint32_t i = 0; i < 400; i++) {
        const struct tg_alarm_event event = {.kind = link_down(), .qualifier = 1000 + i,
                                             .event_ns = T0 + i, .arrival_ns = T0 + i,
                                             .node_id = LEAF, .action = TG_ALARM_RAISE};
        (void)tg_alarm_set_report(w.alarms, &event);
    }
    tg_alarm_set_counters(w.alarms, &counters);
    const struct tg_alarm *full =
        tg_alarm_set_find(w.alarms, 0, tg_alarm_kind_by_name("alarmTableFull"), 0);
    cr_assert_not_null(full);
    cr_expect_eq(counters.full_count, full->state.raises_count);
    cr_expect_eq(counters.alarms_count + counters.full_count, 400 + 8 + 2);
    world_close(&w);
}

Test(alarm, old_alarms_are_purged_by_rule_and_active_ones_escalate)
{
    /* An active alarm that is deleted is forgotten; one nobody looks at must get louder. */
    static struct world w;
    uint8_t kinds[64];
    world_open(&w);
    (void)play(&w, "rc");
    tg_alarm_set_tick(w.alarms, T0 + 20 * S + 300 * S - 1, INT64_MIN);
    cr_expect_not_null(get(&w));
    tg_alarm_set_tick(w.alarms, T0 + 20 * S + 300 * S, INT64_MIN);
    cr_expect_null(get(&w), "cleared, nobody looked: 5 minutes");
    world_close(&w);
    world_open(&w);
    (void)play(&w, "rca");
    tg_alarm_set_tick(w.alarms, T0 + 30 * S + 86400 * S - 1, INT64_MIN);
    cr_expect_not_null(get(&w));
    tg_alarm_set_tick(w.alarms, T0 + 30 * S + 86400 * S, INT64_MIN);
    cr_expect_null(get(&w), "cleared and acknowledged: a day");
    world_close(&w);
    world_open(&w);
    (void)play(&w, "r");
    (void)drain(&w, kinds);
    tg_alarm_set_tick(w.alarms, T0 + 10 * S + TG_ALARM_ESCALATE_NS, INT64_MIN);
    tg_alarm_set_tick(w.alarms, T0 + 20 * S + TG_ALARM_ESCALATE_NS, INT64_MIN);
    cr_assert_not_null(get(&w));
    cr_expect_eq(get(&w)->is_escalated, 1);
    uint32_t escalated = 0;
    const uint32_t count = drain(&w, kinds);
    for (uint32_t i = 0; i < count; i++) {
        escalated += kinds[i] == TG_NOTICE_ESCALATED;
    }
    cr_expect_eq(escalated, 1, "once");
    (void)tg_alarm_set_command(w.alarms, get(&w)->number, TG_CHANGE_CLOSE,
                               T0 + 30 * S + TG_ALARM_ESCALATE_NS, 0, true);
    tg_alarm_set_tick(w.alarms, T0 + 30 * S + TG_ALARM_ESCALATE_NS, INT64_MIN);
    cr_expect_null(get(&w), "closed by force: gone at the next tick");
    world_close(&w);
}

static uint32_t active_of(const struct world *w, uint16_t node_id, const char *kind, uint64_t part)
{
    const struct tg_alarm *alarm =
        tg_alarm_set_find(w->alarms, node_id, tg_alarm_kind_by_name(kind), part);
    return alarm != NULL && alarm->state.is_cleared == 0;
}

Test(alarm, a_silent_node_is_not_a_silent_collector)
{
    /* When the collector dies every node looks dead: five false outages instead of one true gap. */
    static struct world w;
    world_open(&w);
    tg_alarm_set_tick(w.alarms, T0, T0);
    for (int64_t at_s = 0; at_s <= 300; at_s += 30) {
        for (uint16_t id = 1; id <= WORLD_NODES; id++) {
            if (id != LEAF || at_s == 0) {
                tg_alarm_set_life(w.alarms, id, T0 + at_s * S, T0 + at_s * S);
            }
        }
        tg_alarm_set_tick(w.alarms, T0 + at_s * S, T0 + at_s * S);
        cr_expect_eq(active_of(&w, LEAF, "nodeSilent", 0), at_s >= 90, "at %d s", (int)at_s);
    }
    const struct tg_alarm *silent =
        tg_alarm_set_find(w.alarms, LEAF, tg_alarm_kind_by_name("nodeSilent"), 0);
    cr_expect_eq(silent->state.last_raised_ns, T0 + 90 * S, "dated to the first missed sign");
    cr_expect_eq(active_of(&w, EDGE, "nodeSilent", 0), 0);
    tg_alarm_set_tick(w.alarms, INT64_MIN, T0 + (300 + 95) * S - 1);
    cr_expect_eq(active_of(&w, 0, "collectionGap", 1), 0);
    tg_alarm_set_tick(w.alarms, INT64_MIN, T0 + (300 + 95) * S);
    cr_expect_eq(active_of(&w, 0, "collectionGap", 1), 1, "wall time alone tells");
    for (uint16_t id = 1; id < LEAF; id++) {
        cr_expect_eq(active_of(&w, id, "nodeSilent", 0), 0, "node %u is not blamed", id);
    }
    for (uint16_t id = 1; id <= WORLD_NODES; id++) {
        tg_alarm_set_life(w.alarms, id, T0 + 500 * S, T0 + 500 * S);
    }
    tg_alarm_set_tick(w.alarms, T0 + 500 * S, T0 + 500 * S);
    cr_expect_eq(active_of(&w, 0, "collectionGap", 1), 0);
    cr_expect_eq(active_of(&w, LEAF, "nodeSilent", 0), 0, "it spoke again");
    world_close(&w);
}

Test(alarm, usage_cut_into_any_blocks_gives_the_same_alarms)
{
    /* Blocks of the journal end where a worker's memory ends: with another cut, another machine
     * would call other nodes silent. Rows are dense, so that a sample of them is not their latest
     * one. */
    enum { ROWS = 4000, CUTS = 40 };
    static uint16_t node_ids[ROWS];
    static int64_t event_ns[ROWS];
    uint64_t state = 20261126;
    for (uint32_t i = 0; i < ROWS; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        const uint32_t draw = (uint32_t)(state >> 33);
        node_ids[i] = (uint16_t)(i / 50 % WORLD_NODES + (draw % 40 == 0));
        /* Falls silent in the middle: by 10 ms a row, LEAF's last rows decide when. */
        const bool is_gone = node_ids[i] == LEAF && i > ROWS / 2;
        event_ns[i] =
            T0 + (is_gone ? ROWS / 2 : i) * (S / 100) + (int64_t)(draw % 900) * (S / 1000);
    }
    int64_t raised_ns[2][WORLD_NODES + 1];
    int64_t cleared_ns[2][WORLD_NODES + 1];
    for (uint32_t cut = 0; cut < CUTS; cut++) {
        static struct world w;
        world_open(&w);
        tg_alarm_set_tick(w.alarms, T0, INT64_MIN);
        for (uint32_t part = 0; part < 2; part++) { /* silent in between, then heard again */
            const int64_t late_ns = part * 1000 * S;
            for (uint32_t i = 0; i < ROWS; i++) {
                event_ns[i] += late_ns;
            }
            for (uint32_t from = 0; from < ROWS;) {
                state = state * 6364136223846793005u + 1442695040888963407u;
                const uint32_t size = cut == 0 ? ROWS : 1 + (uint32_t)(state >> 33) % (cut * 7);
                const uint32_t count = size < ROWS - from ? size : ROWS - from;
                tg_alarm_set_usage(w.alarms, &node_ids[from], &event_ns[from], count);
                from += count;
            }
            for (uint32_t i = 0; i < ROWS; i++) {
                event_ns[i] -= late_ns;
            }
            for (uint16_t id = 1; part == 0 && id <= WORLD_NODES; id++) {
                if (id != LEAF && id != EDGE) { /* others of the collector go on */
                    tg_alarm_set_life(w.alarms, id, T0 + 500 * S, T0 + 500 * S);
                }
            }
            tg_alarm_set_tick(w.alarms, T0 + (500 + part * 600) * S, INT64_MIN);
        }
        for (uint16_t id = 1; id <= WORLD_NODES; id++) {
            const struct tg_alarm *alarm =
                tg_alarm_set_find(w.alarms, id, tg_alarm_kind_by_name("nodeSilent"), 0);
            raised_ns[cut > 0][id] = alarm != NULL ? alarm->state.last_raised_ns : 0;
            cleared_ns[cut > 0][id] = alarm != NULL ? alarm->state.cleared_ns : 0;
            cr_assert_eq(raised_ns[cut > 0][id], raised_ns[0][id], "cut %u node %u", cut, id);
            cr_assert_eq(cleared_ns[cut > 0][id], cleared_ns[0][id], "cut %u node %u", cut, id);
        }
        cr_assert_neq(raised_ns[0][LEAF], 0);
        cr_assert_neq(cleared_ns[0][EDGE], 0);
        world_close(&w);
    }
}

Test(alarm, sequence_gaps_are_raised_and_end_after_five_whole_minutes)
{
    /* Lost records are lost money: the gap must be shown, and must not stay for ever. */
    static struct world w;
    world_open(&w);
    const struct tg_observation gap = {.event_ns = T0, .arrival_ns = T0, .value = 12,
                                       .record_key = 77, .node_id = EDGE,
                                       .kind = TG_OBSERVATION_GAP};
    tg_alarm_set_apply(w.alarms, &gap, 1, NULL, 0);
    cr_expect_eq(active_of(&w, EDGE, "sequenceGap", 0), 1);
    cr_expect_str_eq(tg_alarm_set_by_number(w.alarms, 1)->text, "12 records missing");
    tg_alarm_set_tick(w.alarms, T0 + 400 * S, INT64_MIN);
    cr_expect_eq(active_of(&w, EDGE, "sequenceGap", 0), 1, "silence never clears");
    tg_alarm_set_life(w.alarms, EDGE, T0 + 299 * S, T0 + 299 * S);
    tg_alarm_set_tick(w.alarms, T0 + 400 * S, INT64_MIN);
    cr_expect_eq(active_of(&w, EDGE, "sequenceGap", 0), 1);
    tg_alarm_set_life(w.alarms, EDGE, T0 + 301 * S, T0 + 301 * S);
    tg_alarm_set_tick(w.alarms, T0 + 400 * S, INT64_MIN);
    cr_expect_eq(active_of(&w, EDGE, "sequenceGap", 0), 0);
    world_close(&w);
}

Test(alarm, ids_read_back_and_garbage_does_not)
{
    /* A front passes ids from outside: a wrong one must find nothing. */
    char id[TG_ALARM_ID_BYTES];
    tg_alarm_id_format(1, id);
    cr_expect_str_eq(id, "A-000001");
    tg_alarm_id_format(UINT32_MAX, id);
    cr_expect_eq(tg_alarm_id_parse(id), UINT32_MAX);
    const char *const bad[] = {"", "A", "A-", "A-1", "B-000001", "A-00000x", "A-99999999999",
                               "A-000000"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_expect_eq(tg_alarm_id_parse(bad[i]), 0, "%s", bad[i]);
    }
    cr_expect_eq(tg_alarm_id_parse("A-000123"), 123);
}
