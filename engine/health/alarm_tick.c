/* SPDX-License-Identifier: Apache-2.0 */
/* What time alone brings to the alarm set. */
#include "health/alarm.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "health/alarm_set.h"
#include "health/timeline.h"

static int64_t add_ns(int64_t a, int64_t b)
{
    int64_t sum = 0;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static int64_t max_ns(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void own_event(struct tg_alarm_set *set, uint16_t node_id, const struct tg_alarm_kind *kind,
                      uint64_t qualifier, uint8_t action, int64_t event_ns, int64_t arrival_ns)
{
    const struct tg_alarm_event event = {.kind = kind,
                                         .text = kind->specific_problem,
                                         .text_bytes = (uint32_t)strlen(kind->specific_problem),
                                         .qualifier = qualifier,
                                         .event_ns = event_ns,
                                         .arrival_ns = arrival_ns,
                                         .node_id = node_id,
                                         .action = action};
    (void)tg_alarm_set_report(set, &event);
}

/* Clear at a time that is not before what it clears. */
static void own_clear(struct tg_alarm_set *set, uint16_t node_id, const struct tg_alarm_kind *kind,
                      uint64_t qualifier, int64_t at_ns, int64_t arrival_ns)
{
    const struct tg_alarm *alarm = tg_alarm_set_find(set, node_id, kind, qualifier);
    if (alarm != NULL && alarm->state.is_cleared == 0) {
        own_event(set, node_id, kind, qualifier, TG_ALARM_CLEAR,
                  max_ns(at_ns, add_ns(alarm->state.last_seen_ns, 1)), arrival_ns);
    }
}

static int64_t heard_event_ns(const struct tg_alarm_set *set, const struct tg_alarm_node *node)
{
    return node->event_last_ns == INT64_MIN ? set->event_start_ns : node->event_last_ns;
}

static int64_t heard_arrival_ns(const struct tg_alarm_set *set, const struct tg_alarm_node *node)
{
    return node->arrival_last_ns == INT64_MIN ? set->wall_start_ns : node->arrival_last_ns;
}

/* Is `now` past the moment when something heard at `last` should have been heard again? */
static bool is_overdue(int64_t last_ns, int64_t stale_ns, int64_t now_ns)
{
    return now_ns != INT64_MIN && last_ns != INT64_MIN && now_ns >= add_ns(last_ns, stale_ns);
}

static void collectors_gather(struct tg_alarm_set *set)
{
    for (uint32_t c = 0; c <= TG_NODES_MAX; c++) {
        struct tg_alarm_collector *collector = &set->collectors[c];
        collector->event_last_ns = collector->arrival_last_ns = INT64_MIN;
        collector->interval_max_ns = 0;
        collector->nodes_count = 0;
    }
    for (uint32_t id = 1; id <= set->inventory->nodes_count; id++) {
        const struct tg_node *node = &set->inventory->nodes[id];
        struct tg_alarm_collector *collector = &set->collectors[node->collector];
        if (node->interval_ns == INT64_MAX) {
            continue;
        }
        collector->nodes_count++;
        collector->interval_max_ns = max_ns(collector->interval_max_ns, node->interval_ns);
        collector->event_last_ns =
            max_ns(collector->event_last_ns, heard_event_ns(set, &set->nodes[id]));
        collector->arrival_last_ns =
            max_ns(collector->arrival_last_ns, heard_arrival_ns(set, &set->nodes[id]));
    }
}

/*
 * A node is silent when others behind its collector were heard after it was overdue. When nobody
 * was, the collector is silent, and nothing is known about the nodes.
 */
static void node_check(struct tg_alarm_set *set, uint16_t node_id, int64_t event_now_ns,
                       int64_t wall_now_ns)
{
    const struct tg_node *spec = &set->inventory->nodes[node_id];
    struct tg_alarm_node *node = &set->nodes[node_id];
    if (node->is_silent != 0 || spec->interval_ns == INT64_MAX) {
        return;
    }
    const struct tg_alarm_collector *collector = &set->collectors[spec->collector];
    const int64_t stale_ns = spec->interval_ns * TG_TIMELINE_STALE_INTERVALS;
    const int64_t event_last_ns = heard_event_ns(set, node);
    const int64_t arrival_last_ns = heard_arrival_ns(set, node);
    if (collector->nodes_count > 1) {
        event_now_ns = collector->event_last_ns;
        wall_now_ns = collector->arrival_last_ns;
    }
    if (!is_overdue(event_last_ns, stale_ns, event_now_ns) &&
        !is_overdue(arrival_last_ns, stale_ns + TG_TELEMETRY_DISORDER_NS, wall_now_ns)) {
        return;
    }
    node->is_silent = 1;
    /* dated to the first missed sign, not to when it was noticed */
    const int64_t since_ns =
        event_last_ns != INT64_MIN ? add_ns(event_last_ns, stale_ns) : wall_now_ns;
    own_event(set, node_id, set->kind_silent, 0, TG_ALARM_RAISE, since_ns,
              max_ns(wall_now_ns, event_now_ns));
}

static void collector_check(struct tg_alarm_set *set, uint32_t number, int64_t event_now_ns,
                            int64_t wall_now_ns)
{
    struct tg_alarm_collector *collector = &set->collectors[number];
    if (collector->nodes_count < 2) {
        return;
    }
    const int64_t stale_ns = collector->interval_max_ns * TG_TIMELINE_STALE_INTERVALS;
    const bool is_silent =
        is_overdue(collector->event_last_ns, stale_ns, event_now_ns) ||
        is_overdue(collector->arrival_last_ns, stale_ns + TG_TELEMETRY_DISORDER_NS, wall_now_ns);
    const uint64_t qualifier = number + 1u; /* 0 would be "no part" */
    const int64_t arrival_ns = max_ns(wall_now_ns, event_now_ns);
    if (is_silent && collector->is_silent == 0) {
        collector->is_silent = 1;
        const int64_t since_ns = collector->event_last_ns != INT64_MIN
                                     ? add_ns(collector->event_last_ns, stale_ns)
                                     : wall_now_ns;
        own_event(set, TG_NODE_ID_NONE, set->kind_collector, qualifier, TG_ALARM_RAISE, since_ns,
                  arrival_ns);
    } else if (!is_silent && collector->is_silent != 0) {
        collector->is_silent = 0;
        own_clear(set, TG_NODE_ID_NONE, set->kind_collector, qualifier, collector->event_last_ns,
                  arrival_ns);
    }
}

/* A sequence is whole again when the node spoke for five minutes and nothing was missing. */
static void gap_check(struct tg_alarm_set *set, uint16_t node_id, int64_t arrival_ns)
{
    struct tg_alarm_node *node = &set->nodes[node_id];
    if (node->has_gap != 0 &&
        node->event_last_ns >= add_ns(node->gap_last_ns, TG_ALARM_GAP_QUIET_NS)) {
        node->has_gap = 0;
        own_clear(set, node_id, set->kind_gap, 0, add_ns(node->gap_last_ns, TG_ALARM_GAP_QUIET_NS),
                  arrival_ns);
    }
}

static void storms_check(struct tg_alarm_set *set, int64_t wall_now_ns)
{
    for (uint32_t s = 0; s < TG_SOURCES_MAX && wall_now_ns != INT64_MIN; s++) {
        struct tg_alarm_source *source = &set->sources[s];
        const int64_t quiet_ns = add_ns(source->second * TG_NS_PER_S, TG_ALARM_STORM_QUIET_NS);
        if (source->is_storming != 0 && wall_now_ns >= quiet_ns) {
            source->is_storming = 0;
            own_clear(set, TG_NODE_ID_NONE, set->kind_storm, s, quiet_ns, wall_now_ns);
        }
    }
}

static bool is_purgeable(const struct tg_alarm *alarm, int64_t now_ns)
{
    const struct tg_alarm_state *state = &alarm->state;
    if (state->operator_state == TG_OPERATOR_CLOSED) {
        return true;
    }
    if (state->is_cleared == 0) {
        return false; /* silence never clears, and nothing active is forgotten */
    }
    const int64_t kept_ns = state->operator_state == TG_OPERATOR_ACKED ? TG_ALARM_PURGE_ACK_NS
                                                                       : TG_ALARM_PURGE_UNACK_NS;
    return now_ns >= add_ns(max_ns(state->cleared_ns, state->operated_ns), kept_ns);
}

static void alarm_age(struct tg_alarm_set *set, uint32_t slot)
{
    struct tg_alarm *alarm = &set->alarms[slot];
    const struct tg_alarm_state *state = &alarm->state;
    if (alarm->number == 0) {
        if (set->now_ns >= add_ns(state->cleared_ns, TG_ALARM_TOMBSTONE_NS)) {
            set->counters.tombstones_expired_count++;
            tg_alarm_slot_remove(set, slot);
        }
        return;
    }
    if (is_purgeable(alarm, set->now_ns)) {
        if (alarm->is_notified != 0) {
            /* closed by force while active: who heard the raise hears its end */
            tg_alarm_notice_put(set, alarm, TG_NOTICE_CLEARED);
        }
        set->counters.purged_count++;
        tg_alarm_slot_remove(set, slot);
        return;
    }
    if (state->is_cleared == 0 && state->operator_state == TG_OPERATOR_NONE &&
        alarm->is_escalated == 0 &&
        set->now_ns >= add_ns(state->last_raised_ns, TG_ALARM_ESCALATE_NS)) {
        alarm->is_escalated = 1;
        alarm->revision++;
        tg_alarm_notice_put(set, alarm, TG_NOTICE_ESCALATED);
    }
    tg_alarm_notify(set, slot); /* a shelf or damping may have ended */
}

void tg_alarm_set_tick(struct tg_alarm_set *set, int64_t event_now_ns, int64_t wall_now_ns)
{
    set->now_ns = max_ns(set->now_ns, event_now_ns);
    set->event_start_ns = set->event_start_ns == INT64_MIN ? event_now_ns : set->event_start_ns;
    set->wall_start_ns = set->wall_start_ns == INT64_MIN ? wall_now_ns : set->wall_start_ns;
    const int64_t arrival_ns = max_ns(wall_now_ns, event_now_ns);
    collectors_gather(set);
    for (uint32_t id = 1; id <= set->inventory->nodes_count; id++) {
        node_check(set, (uint16_t)id, event_now_ns, wall_now_ns);
        gap_check(set, (uint16_t)id, arrival_ns);
    }
    for (uint32_t c = 0; c <= TG_NODES_MAX; c++) {
        collector_check(set, c, event_now_ns, wall_now_ns);
    }
    storms_check(set, wall_now_ns);
    for (uint32_t slot = 0; slot < set->slots_count; slot++) {
        if (set->links[slot].is_used != 0) {
            alarm_age(set, slot);
        }
    }
}
