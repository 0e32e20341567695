/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of nodes - log lines, gaps, states, usage - becomes reports to the alarm set. */
#include "health/alarm.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "health/alarm_set.h"

static void clear_own(struct tg_alarm_set *set, uint16_t node_id, const struct tg_alarm_kind *kind,
                      int64_t at_ns, int64_t arrival_ns)
{
    const struct tg_alarm *alarm = tg_alarm_set_find(set, node_id, kind, 0);
    if (alarm == NULL || alarm->state.is_cleared != 0) {
        return;
    }
    /* a clear of the same instant would lose against the raise */
    const struct tg_alarm_event event = {
        .kind = kind,
        .event_ns = at_ns > alarm->state.last_seen_ns ? at_ns : alarm->state.last_seen_ns + 1,
        .arrival_ns = arrival_ns,
        .node_id = node_id,
        .action = TG_ALARM_CLEAR};
    (void)tg_alarm_set_report(set, &event);
}

void tg_alarm_set_life(struct tg_alarm_set *set, uint16_t node_id, int64_t event_ns,
                       int64_t arrival_ns)
{
    if (node_id == TG_NODE_ID_NONE || node_id > set->inventory->nodes_count) {
        return;
    }
    struct tg_alarm_node *node = &set->nodes[node_id];
    set->now_ns = event_ns > set->now_ns ? event_ns : set->now_ns;
    if (arrival_ns > node->arrival_last_ns) {
        node->arrival_last_ns = arrival_ns;
    }
    if (event_ns <= node->event_last_ns) {
        return;
    }
    node->event_last_ns = event_ns;
    if (node->is_silent != 0) {
        node->is_silent = 0;
        clear_own(set, node_id, set->kind_silent, event_ns, arrival_ns);
    }
}

void tg_alarm_set_usage(struct tg_alarm_set *set, const uint16_t *node_ids, const int64_t *event_ns,
                        uint32_t count)
{
    for (uint32_t from = 0; from < count;) {
        const uint16_t node_id = node_ids[from];
        int64_t last_ns = event_ns[from];
        uint32_t end = from;
        for (; end < count && node_ids[end] == node_id; end++) {
            if (node_id <= set->inventory->nodes_count && set->nodes[node_id].is_silent != 0) {
                /* The first row that is later than all before ends the silence, and dates its end.
                 */
                tg_alarm_set_life(set, node_id, event_ns[end], event_ns[end]);
            }
            last_ns = event_ns[end] > last_ns ? event_ns[end] : last_ns;
        }
        tg_alarm_set_life(set, node_id, last_ns, last_ns);
        from = end;
    }
}

static void apply_log(struct tg_alarm_set *set, const struct tg_observation *observation,
                      const uint8_t *text, uint32_t text_bytes, int64_t event_ns)
{
    struct tg_log_text log;
    struct tg_meaning meaning;
    const struct tg_node *node = tg_inventory_node(set->inventory, observation->node_id);
    tg_log_text_split(observation, text, text_bytes, &log);
    tg_profile_match(set->profiles[node->profile_index], observation, &log, &meaning);
    if (meaning.rule == NULL) {
        set->counters.unmatched_count++;
        return;
    }
    if (meaning.rule->action == TG_ALARM_NOTHING) {
        return;
    }
    const struct tg_alarm_event event = {.kind = meaning.rule->kind,
                                         .part = meaning.part,
                                         .part_bytes = meaning.part_bytes,
                                         .text = log.body,
                                         .text_bytes = log.body_bytes,
                                         .qualifier = meaning.qualifier,
                                         .record_key = observation->record_key,
                                         .event_ns = event_ns,
                                         .arrival_ns = observation->arrival_ns,
                                         .sequence = observation->sequence,
                                         .node_id = observation->node_id,
                                         .source_id = observation->source_id,
                                         .action = meaning.rule->action};
    (void)tg_alarm_set_report(set, &event);
}

static void apply_gap(struct tg_alarm_set *set, const struct tg_observation *observation,
                      int64_t event_ns)
{
    char text[TG_ALARM_TEXT_BYTES];
    const int text_bytes =
        snprintf(text, sizeof text, "%lld records missing", (long long)observation->value);
    const struct tg_alarm_event event = {.kind = set->kind_gap,
                                         .text = text,
                                         .text_bytes = (uint32_t)text_bytes,
                                         .record_key = observation->record_key,
                                         .event_ns = event_ns,
                                         .arrival_ns = observation->arrival_ns,
                                         .sequence = observation->sequence,
                                         .node_id = observation->node_id,
                                         .source_id = observation->source_id,
                                         .action = TG_ALARM_RAISE};
    struct tg_alarm_node *node = &set->nodes[observation->node_id];
    node->gap_last_ns =
        node->has_gap == 0 || event_ns > node->gap_last_ns ? event_ns : node->gap_last_ns;
    node->has_gap = 1;
    (void)tg_alarm_set_report(set, &event);
}

/* A state claimed outright by a manager: DOWN of the whole node is an alarm, UP is its end. */
static void apply_state(struct tg_alarm_set *set, const struct tg_observation *observation,
                        int64_t event_ns)
{
    const bool is_down = observation->value == TG_NODE_DOWN;
    if (observation->qualifier != 0 || (!is_down && observation->value != TG_NODE_UP)) {
        return;
    }
    const struct tg_alarm_event event = {.kind = set->kind_down,
                                         .text = set->kind_down->specific_problem,
                                         .text_bytes =
                                             (uint32_t)strlen(set->kind_down->specific_problem),
                                         .record_key = observation->record_key,
                                         .event_ns = event_ns,
                                         .arrival_ns = observation->arrival_ns,
                                         .sequence = observation->sequence,
                                         .node_id = observation->node_id,
                                         .source_id = observation->source_id,
                                         .action = is_down ? TG_ALARM_RAISE : TG_ALARM_CLEAR};
    (void)tg_alarm_set_report(set, &event);
}

void tg_alarm_set_apply(struct tg_alarm_set *set, const struct tg_observation *observations,
                        uint32_t observations_count, const uint8_t *text, uint32_t text_bytes)
{
    set->counters.observations_count += observations_count;
    for (uint32_t i = 0; i < observations_count; i++) {
        const struct tg_observation *observation = &observations[i];
        const uint16_t node_id = observation->node_id;
        if (node_id == TG_NODE_ID_NONE || node_id > set->inventory->nodes_count ||
            set->inventory->nodes[node_id].is_gone) {
            continue; /* the timeline counts these; an unknown node has no key to keep an alarm
                         under, and that of one which is gone would stay for ever */
        }
        int64_t event_ns = observation->event_ns;
        if (observation->arrival_ns > 0 && event_ns > 0 &&
            event_ns - INT64_C(30) * TG_NS_PER_S > observation->arrival_ns) {
            event_ns = observation->arrival_ns; /* a clock ahead would outlive every clear */
        }
        const bool is_claim = observation->kind == TG_OBSERVATION_STATE;
        if (!is_claim || observation->value != TG_NODE_DOWN) {
            tg_alarm_set_life(set, node_id, event_ns, observation->arrival_ns);
        }
        if (observation->kind == TG_OBSERVATION_LOG) {
            apply_log(set, observation, text, text_bytes, event_ns);
        } else if (observation->kind == TG_OBSERVATION_GAP && observation->value > 0) {
            apply_gap(set, observation, event_ns);
        } else if (is_claim) {
            apply_state(set, observation, event_ns);
        }
    }
}
