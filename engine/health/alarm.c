/* SPDX-License-Identifier: Apache-2.0 */
#include "health/alarm.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "abi/key.h"
#include "base/clock.h"
#include "base/hash.h"
#include "health/alarm_set.h"

static uint64_t kind_key_of(const struct tg_alarm_kind *kind)
{
    return tg_key_name(kind->name, strlen(kind->name));
}

static uint64_t alarm_hash(uint16_t node_id, uint64_t kind_key, uint64_t qualifier)
{
    return tg_mix64(kind_key ^ tg_mix64(qualifier + node_id));
}

static uint32_t slot_find(const struct tg_alarm_set *set, uint16_t node_id, uint64_t kind_key,
                          uint64_t qualifier)
{
    const uint64_t hash = alarm_hash(node_id, kind_key, qualifier);
    uint32_t slot = set->by_key[hash & set->buckets_mask];
    while (slot != TG_ALARM_NONE) {
        const struct tg_alarm *alarm = &set->alarms[slot];
        if (alarm->node_id == node_id && alarm->kind_key == kind_key &&
            alarm->qualifier == qualifier) {
            return slot;
        }
        slot = set->links[slot].next_by_key;
    }
    return TG_ALARM_NONE;
}

static uint32_t slot_by_number(const struct tg_alarm_set *set, uint32_t number)
{
    uint32_t slot = number == 0 ? TG_ALARM_NONE : set->by_number[number & set->buckets_mask];
    while (slot != TG_ALARM_NONE && set->alarms[slot].number != number) {
        slot = set->links[slot].next_by_number;
    }
    return slot;
}

static void chain_remove(struct tg_alarm_set *set, uint32_t *head, uint32_t slot, bool is_number)
{
    uint32_t *at = head;
    while (*at != slot) {
        assert(*at != TG_ALARM_NONE);
        at = is_number ? &set->links[*at].next_by_number : &set->links[*at].next_by_key;
    }
    *at = is_number ? set->links[slot].next_by_number : set->links[slot].next_by_key;
}

/* The engine's own alarms have slots of their own: a full table can still say that it is full. */
static uint32_t slot_take(struct tg_alarm_set *set, uint16_t node_id)
{
    const uint32_t limit =
        node_id == TG_NODE_ID_NONE ? set->slots_count : set->slots_count - TG_ALARM_ENGINE_SLOTS;
    if (set->used_count >= limit || set->free_first == TG_ALARM_NONE) {
        return TG_ALARM_NONE;
    }
    const uint32_t slot = set->free_first;
    set->free_first = set->links[slot].list_next;
    set->used_count++;
    return slot;
}

static uint32_t slot_create(struct tg_alarm_set *set, const struct tg_alarm_event *event,
                            uint64_t kind_key)
{
    const uint32_t slot = slot_take(set, event->node_id);
    if (slot == TG_ALARM_NONE) {
        return TG_ALARM_NONE;
    }
    struct tg_alarm *alarm = &set->alarms[slot];
    struct tg_alarm_link *link = &set->links[slot];
    memset(alarm, 0, sizeof *alarm);
    alarm->kind = event->kind;
    alarm->kind_key = kind_key;
    alarm->qualifier = event->qualifier;
    alarm->node_id = event->node_id;
    alarm->base_ns = INT64_MIN;
    tg_alarm_state_reset(&alarm->base);
    alarm->base.is_maintained = set->nodes[event->node_id].is_maintained;
    alarm->state = alarm->base;
    uint32_t *head =
        &set->by_key[alarm_hash(event->node_id, kind_key, event->qualifier) & set->buckets_mask];
    *link = (struct tg_alarm_link){.next_by_key = *head,
                                   .next_by_number = TG_ALARM_NONE,
                                   .list_next = TG_ALARM_NONE,
                                   .list_prev = TG_ALARM_NONE,
                                   .node_next = set->nodes[event->node_id].first,
                                   .node_prev = TG_ALARM_NONE,
                                   .is_used = 1};
    *head = slot;
    if (link->node_next != TG_ALARM_NONE) {
        set->links[link->node_next].node_prev = slot;
    }
    set->nodes[event->node_id].first = slot;
    return slot;
}

void tg_alarm_slot_remove(struct tg_alarm_set *set, uint32_t slot)
{
    struct tg_alarm *alarm = &set->alarms[slot];
    struct tg_alarm_link *link = &set->links[slot];
    const uint64_t hash = alarm_hash(alarm->node_id, alarm->kind_key, alarm->qualifier);
    assert(link->is_used != 0);
    chain_remove(set, &set->by_key[hash & set->buckets_mask], slot, false);
    if (alarm->number != 0) {
        chain_remove(set, &set->by_number[alarm->number & set->buckets_mask], slot, true);
        uint32_t *before = link->list_prev == TG_ALARM_NONE
                               ? &set->list_first
                               : &set->links[link->list_prev].list_next;
        uint32_t *after = link->list_next == TG_ALARM_NONE ? &set->list_last
                                                           : &set->links[link->list_next].list_prev;
        *before = link->list_next;
        *after = link->list_prev;
        set->counters.alarms_count--;
        set->counters.active_count -= alarm->state.is_cleared == 0;
    }
    if (link->node_prev == TG_ALARM_NONE) {
        set->nodes[alarm->node_id].first = link->node_next;
    } else {
        set->links[link->node_prev].node_next = link->node_next;
    }
    if (link->node_next != TG_ALARM_NONE) {
        set->links[link->node_next].node_prev = link->node_prev;
    }
    link->is_used = 0;
    link->list_next = set->free_first;
    set->free_first = slot;
    set->used_count--;
}

static void number_give(struct tg_alarm_set *set, uint32_t slot, int64_t arrival_ns)
{
    struct tg_alarm *alarm = &set->alarms[slot];
    struct tg_alarm_link *link = &set->links[slot];
    alarm->number = ++set->number_last;
    alarm->reported_ns = arrival_ns;
    uint32_t *head = &set->by_number[alarm->number & set->buckets_mask];
    link->next_by_number = *head;
    *head = slot;
    link->list_prev = set->list_last;
    if (set->list_last == TG_ALARM_NONE) {
        set->list_first = slot;
    } else {
        set->links[set->list_last].list_next = slot;
    }
    set->list_last = slot;
    set->counters.alarms_count++;
    set->counters.active_count++; /* the caller takes it back when it is cleared already */
}

void tg_alarm_notice_put(struct tg_alarm_set *set, const struct tg_alarm *alarm,
                         enum tg_notice_kind kind)
{
    if (set->notices_count == TG_ALARM_NOTICES_MAX) {
        set->counters.notices_dropped_count++;
        return;
    }
    const uint32_t at = (set->notices_first + set->notices_count++) % TG_ALARM_NOTICES_MAX;
    set->notices[at] = (struct tg_alarm_notice){.at_ns = alarm->state.changed_ns,
                                                .number = alarm->number,
                                                .node_id = alarm->node_id,
                                                .kind = (uint8_t)kind,
                                                .severity = alarm->state.severity};
}

void tg_alarm_notify(struct tg_alarm_set *set, uint32_t slot)
{
    struct tg_alarm *alarm = &set->alarms[slot];
    const struct tg_alarm_state *state = &alarm->state;
    if (alarm->number == 0) {
        return;
    }
    if (alarm->is_notified == 0) {
        if (state->is_cleared != 0 || tg_alarm_suppress_at(alarm, set->now_ns) != 0) {
            return;
        }
        alarm->is_notified = 1;
        tg_alarm_notice_put(set, alarm, TG_NOTICE_RAISED);
    } else if (state->is_cleared != 0) {
        alarm->is_notified = 0; /* suppressed or not: who heard the raise hears the clear */
        tg_alarm_notice_put(set, alarm, TG_NOTICE_CLEARED);
    } else if (alarm->notified_severity != state->severity ||
               alarm->notified_operator != state->operator_state) {
        tg_alarm_notice_put(set, alarm, TG_NOTICE_CHANGED);
    }
    alarm->notified_severity = state->severity;
    alarm->notified_operator = state->operator_state;
}

static uint32_t seen_slot(const uint64_t *keys, uint64_t key)
{
    uint32_t at = (uint32_t)tg_mix64(key) & (TG_ALARM_SEEN_SLOTS - 1);
    while (keys[at] != 0 && keys[at] != key) {
        at = (at + 1) & (TG_ALARM_SEEN_SLOTS - 1);
    }
    return at;
}

static bool seen_has(const struct tg_alarm_set *set, uint64_t key)
{
    return key != 0 && (set->seen[0][seen_slot(set->seen[0], key)] == key ||
                        set->seen[1][seen_slot(set->seen[1], key)] == key);
}

/* Two generations: a key is remembered for at least TG_ALARM_SEEN_KEYS later ones. */
static void seen_put(struct tg_alarm_set *set, uint64_t key)
{
    if (key == 0) {
        return;
    }
    if (set->seen_count == TG_ALARM_SEEN_KEYS) {
        set->seen_young ^= 1;
        set->seen_count = 0;
        memset(set->seen[set->seen_young], 0, TG_ALARM_SEEN_SLOTS * sizeof(uint64_t));
    }
    uint64_t *keys = set->seen[set->seen_young];
    keys[seen_slot(keys, key)] = key;
    set->seen_count++;
}

static void text_copy(char *to, size_t to_bytes, const char *from, uint32_t from_bytes)
{
    const size_t used = from_bytes < to_bytes - 1 ? from_bytes : to_bytes - 1;
    if (from != NULL) {
        memcpy(to, from, used);
    }
    to[from == NULL ? 0 : used] = '\0';
}

/* Text, part and source are those of the latest raise, whatever came last. */
static void latest_copy(struct tg_alarm *alarm, const struct tg_alarm_change *change,
                        const struct tg_alarm_event *event)
{
    for (uint32_t i = alarm->changes_count; i > 0; i--) {
        const struct tg_alarm_change *at = &alarm->changes[i - 1];
        if (at->kind != TG_CHANGE_RAISE) {
            continue;
        }
        if (tg_alarm_change_order(at, change) == 0) {
            text_copy(alarm->part, sizeof alarm->part, event->part, event->part_bytes);
            text_copy(alarm->text, sizeof alarm->text, event->text, event->text_bytes);
            alarm->source_id = event->source_id;
        }
        return;
    }
}

/* One alarm of the engine's own that only counts: storm and table full. */
static void engine_count(struct tg_alarm_set *set, const struct tg_alarm_kind *kind,
                         uint64_t qualifier, const struct tg_alarm_event *event)
{
    const uint64_t kind_key = kind_key_of(kind);
    uint32_t slot = slot_find(set, TG_NODE_ID_NONE, kind_key, qualifier);
    if (slot != TG_ALARM_NONE && set->alarms[slot].state.is_cleared == 0) {
        set->alarms[slot].base.raises_count++;
        set->alarms[slot].state.raises_count++;
        return;
    }
    char part[TG_ALARM_PART_BYTES];
    const int part_bytes = snprintf(part, sizeof part, "source %u", event->source_id);
    const struct tg_alarm_event own = {.kind = kind,
                                       .part = qualifier != 0 ? part : NULL,
                                       .part_bytes = qualifier != 0 ? (uint32_t)part_bytes : 0,
                                       .text = kind->specific_problem,
                                       .text_bytes = (uint32_t)strlen(kind->specific_problem),
                                       .qualifier = qualifier,
                                       .event_ns = event->event_ns,
                                       .arrival_ns = event->arrival_ns,
                                       .action = TG_ALARM_RAISE};
    (void)tg_alarm_set_report(set, &own);
}

static bool storm_takes(struct tg_alarm_set *set, const struct tg_alarm_event *event)
{
    if (event->source_id == 0 || event->action != TG_ALARM_RAISE) {
        return false; /* clears always pass: they make the table smaller */
    }
    struct tg_alarm_source *source = &set->sources[event->source_id % TG_SOURCES_MAX];
    const int64_t second = event->arrival_ns / TG_NS_PER_S;
    if (source->second != second) {
        source->second = second;
        source->count = 0;
    }
    if (++source->count <= TG_ALARM_STORM_RAISES_MAX) {
        return false;
    }
    set->counters.storm_count++;
    source->is_storming = 1;
    engine_count(set, set->kind_storm, event->source_id, event);
    return true;
}

static void insert(struct tg_alarm_set *set, uint32_t slot, const struct tg_alarm_change *change,
                   const struct tg_alarm_event *event)
{
    struct tg_alarm *alarm = &set->alarms[slot];
    const bool was_active = alarm->number != 0 && alarm->state.is_cleared == 0;
    switch (tg_alarm_fold_insert(alarm, change, &set->folded)) {
    case TG_FOLD_DUPLICATE:
        set->counters.duplicates_count++;
        return;
    case TG_FOLD_LATE:
        set->counters.late_count++;
        break;
    default:
        break;
    }
    if (change->kind == TG_CHANGE_RAISE) {
        latest_copy(alarm, change, event);
        if (alarm->number == 0) {
            number_give(set, slot, event->arrival_ns);
            set->counters.active_count -= alarm->state.is_cleared != 0;
            alarm->revision++;
            tg_alarm_notify(set, slot);
            return;
        }
    }
    if (alarm->number == 0) {
        return; /* still a tombstone */
    }
    set->counters.active_count += alarm->state.is_cleared == 0;
    set->counters.active_count -= was_active;
    alarm->is_escalated =
        alarm->state.is_cleared == 0 && alarm->state.operator_state == TG_OPERATOR_NONE
            ? alarm->is_escalated
            : 0;
    alarm->revision++;
    tg_alarm_notify(set, slot);
}

enum tg_err tg_alarm_set_report(struct tg_alarm_set *set, const struct tg_alarm_event *event)
{
    if (event->kind == NULL || event->node_id > set->inventory->nodes_count ||
        set->inventory->nodes[event->node_id].is_gone ||
        (event->action != TG_ALARM_RAISE && event->action != TG_ALARM_CLEAR)) {
        return TG_E_INVALID;
    }
    if (seen_has(set, event->record_key)) {
        set->counters.duplicates_count++;
        return TG_E_DUPLICATE;
    }
    if (storm_takes(set, event)) {
        return TG_E_FULL;
    }
    const uint64_t kind_key = kind_key_of(event->kind);
    uint32_t slot = slot_find(set, event->node_id, kind_key, event->qualifier);
    if (slot == TG_ALARM_NONE) {
        slot = slot_create(set, event, kind_key);
    }
    if (slot == TG_ALARM_NONE) {
        set->counters.full_count++;
        if (event->kind != set->kind_full) {
            engine_count(set, set->kind_full, 0, event);
        }
        return TG_E_FULL;
    }
    seen_put(set, event->record_key);
    set->now_ns = event->event_ns > set->now_ns ? event->event_ns : set->now_ns;
    const bool is_raise = event->action == TG_ALARM_RAISE;
    set->counters.raises_count += is_raise;
    set->counters.clears_count += !is_raise;
    const struct tg_alarm_change change = {.at_ns = event->event_ns,
                                           .record_key = event->record_key,
                                           .sequence = event->sequence,
                                           .kind = is_raise ? TG_CHANGE_RAISE : TG_CHANGE_CLEAR,
                                           .severity = !is_raise ? 0
                                                       : event->severity != 0
                                                           ? event->severity
                                                           : event->kind->severity};
    insert(set, slot, &change, event);
    return TG_OK;
}

static enum tg_err command_put(struct tg_alarm_set *set, uint32_t slot, enum tg_change_kind kind,
                               int64_t at_ns, int64_t until_ns)
{
    const struct tg_alarm *alarm = &set->alarms[slot];
    struct tg_alarm_change change = {.at_ns = at_ns, .until_ns = until_ns, .kind = (uint8_t)kind};
    /* a command acts on what the operator saw: after everything that is known */
    if (alarm->changes_count > 0 && alarm->changes[alarm->changes_count - 1].at_ns > change.at_ns) {
        change.at_ns = alarm->changes[alarm->changes_count - 1].at_ns;
    }
    if (alarm->base_ns != INT64_MIN && alarm->base_ns >= change.at_ns) {
        change.at_ns = alarm->base_ns + 1;
    }
    insert(set, slot, &change, NULL);
    return TG_OK;
}

enum tg_err tg_alarm_set_command(struct tg_alarm_set *set, uint32_t number,
                                 enum tg_change_kind kind, int64_t at_ns, int64_t until_ns,
                                 bool is_forced)
{
    const uint32_t slot = slot_by_number(set, number);
    if (slot == TG_ALARM_NONE) {
        return TG_E_NOT_FOUND;
    }
    set->now_ns = at_ns > set->now_ns ? at_ns : set->now_ns;
    switch (kind) {
    case TG_CHANGE_ACK:
    case TG_CHANGE_UNACK:
    case TG_CHANGE_UNSHELVE:
        return command_put(set, slot, kind, at_ns, 0);
    case TG_CHANGE_SHELVE:
        if (until_ns == 0 || until_ns - TG_ALARM_SHELF_MAX_NS > at_ns) {
            until_ns = at_ns + TG_ALARM_SHELF_MAX_NS;
        }
        return until_ns <= at_ns ? TG_E_INVALID : command_put(set, slot, kind, at_ns, until_ns);
    case TG_CHANGE_CLOSE:
        if (set->alarms[slot].state.is_cleared == 0 && !is_forced) {
            return TG_E_ALARM_STATE;
        }
        return command_put(set, slot, kind, at_ns, 0);
    default:
        return TG_E_INVALID;
    }
}

enum tg_err tg_alarm_set_maintenance(struct tg_alarm_set *set, uint16_t node_id, bool is_on,
                                     int64_t at_ns)
{
    if (node_id == TG_NODE_ID_NONE || node_id > set->inventory->nodes_count) {
        return TG_E_UNKNOWN_NODE;
    }
    set->nodes[node_id].is_maintained = is_on;
    set->now_ns = at_ns > set->now_ns ? at_ns : set->now_ns;
    const enum tg_change_kind kind = is_on ? TG_CHANGE_MAINTENANCE_ON : TG_CHANGE_MAINTENANCE_OFF;
    for (uint32_t slot = set->nodes[node_id].first; slot != TG_ALARM_NONE;
         slot = set->links[slot].node_next) {
        (void)command_put(set, slot, kind, at_ns, 0);
    }
    return TG_OK;
}

void tg_alarm_set_verdict(struct tg_alarm_set *set, uint32_t number,
                          const struct tg_alarm_verdict *verdict, int64_t now_ns)
{
    const uint32_t slot = slot_by_number(set, number);
    if (slot == TG_ALARM_NONE) {
        return;
    }
    struct tg_alarm *alarm = &set->alarms[slot];
    set->now_ns = now_ns > set->now_ns ? now_ns : set->now_ns;
    if (alarm->parent_number == verdict->parent_number &&
        alarm->problem_number == verdict->problem_number &&
        alarm->is_root_cause == verdict->is_root_cause &&
        alarm->is_by_root == verdict->is_by_root &&
        alarm->confidence_percent == verdict->confidence_percent) {
        return;
    }
    alarm->parent_number = verdict->parent_number;
    alarm->problem_number = verdict->problem_number;
    alarm->is_root_cause = verdict->is_root_cause;
    alarm->is_by_root = verdict->is_by_root;
    alarm->confidence_percent = verdict->confidence_percent;
    alarm->revision++;
    tg_alarm_notify(set, slot);
}

uint32_t tg_alarm_set_notices(struct tg_alarm_set *set, struct tg_alarm_notice *notices,
                              uint32_t notices_capacity)
{
    uint32_t used = 0;
    while (used < notices_capacity && set->notices_count > 0) {
        notices[used++] = set->notices[set->notices_first];
        set->notices_first = (set->notices_first + 1) % TG_ALARM_NOTICES_MAX;
        set->notices_count--;
    }
    return used;
}

void tg_alarm_set_visit(const struct tg_alarm_set *set, tg_alarm_visit visit, void *context)
{
    for (uint32_t slot = set->list_first; slot != TG_ALARM_NONE;
         slot = set->links[slot].list_next) {
        if (!visit(context, &set->alarms[slot])) {
            return;
        }
    }
}

void tg_alarm_set_visit_node(const struct tg_alarm_set *set, uint16_t node_id, tg_alarm_visit visit,
                             void *context)
{
    if (node_id > set->inventory->nodes_count) {
        return;
    }
    for (uint32_t slot = set->nodes[node_id].first; slot != TG_ALARM_NONE;
         slot = set->links[slot].node_next) {
        if (set->alarms[slot].number != 0 && !visit(context, &set->alarms[slot])) {
            return;
        }
    }
}

const struct tg_alarm *tg_alarm_set_by_number(const struct tg_alarm_set *set, uint32_t number)
{
    const uint32_t slot = slot_by_number(set, number);
    return slot == TG_ALARM_NONE ? NULL : &set->alarms[slot];
}

const struct tg_alarm *tg_alarm_set_find(const struct tg_alarm_set *set, uint16_t node_id,
                                         const struct tg_alarm_kind *kind, uint64_t qualifier)
{
    const uint32_t slot = slot_find(set, node_id, kind_key_of(kind), qualifier);
    return slot == TG_ALARM_NONE || set->alarms[slot].number == 0 ? NULL : &set->alarms[slot];
}

void tg_alarm_id_format(uint32_t number, char id[TG_ALARM_ID_BYTES])
{
    (void)snprintf(id, TG_ALARM_ID_BYTES, "A-%06u", number);
}

uint32_t tg_alarm_id_parse(const char *id)
{
    uint64_t number = 0;
    if (id[0] != 'A' || id[1] != '-' || strlen(id) < 8 || strlen(id) >= TG_ALARM_ID_BYTES) {
        return 0;
    }
    for (const char *at = id + 2; *at != '\0'; at++) {
        if (*at < '0' || *at > '9') {
            return 0;
        }
        number = number * 10 + (uint64_t)(*at - '0');
    }
    return number <= UINT32_MAX ? (uint32_t)number : 0;
}

void tg_alarm_set_counters(const struct tg_alarm_set *set, struct tg_alarm_counters *counters)
{
    *counters = set->counters;
    counters->repeats_folded_count = set->folded.repeats_count;
    counters->changes_folded_count = set->folded.changes_count;
}
