/* SPDX-License-Identifier: Apache-2.0 */
#include "health/summary.h"

#include <assert.h>
#include <string.h>

struct build_context {
    const struct tg_summary_config *config;
    struct tg_summary_item *items;
    uint32_t capacity;
    uint32_t used;
    uint32_t seen;
};

static void impact_fill(const struct tg_summary_config *config, const struct tg_alarm *alarm,
                        struct tg_summary_item *item)
{
    if (config->impact == NULL || alarm->node_id == TG_NODE_ID_NONE) {
        return;
    }
    const bool is_over = alarm->state.is_cleared != 0;
    const struct tg_impact_question question = {.fault_ns = alarm->state.last_raised_ns,
                                                .until_ns = is_over ? alarm->state.cleared_ns
                                                                    : config->now_ns,
                                                .node_id = alarm->node_id,
                                                .is_with_children = alarm->is_root_cause != 0};
    (void)tg_impact_ask(config->impact, &question, &item->impact);
}

static bool item_add(void *context, const struct tg_alarm *alarm)
{
    struct build_context *build = context;
    const struct tg_alarm_state *state = &alarm->state;
    if (state->is_cleared != 0 && !build->config->is_with_cleared) {
        return true;
    }
    build->seen++;
    if (build->used == build->capacity) {
        return true;
    }
    struct tg_summary_item *item = &build->items[build->used++];
    memset(item, 0, sizeof *item);
    item->alarm = alarm;
    item->node_name = tg_inventory_node(build->config->inventory, alarm->node_id)->name;
    item->state = state->is_cleared != 0    ? "CLEARED"
                  : state->raises_count > 1 ? "UPDATED"
                                            : "RAISED";
    item->ack_state =
        state->operator_state == TG_OPERATOR_ACKED ? "ACKNOWLEDGED" : "UNACKNOWLEDGED";
    item->severity =
        tg_alarm_severity_name(state->is_cleared != 0 ? TG_SEVERITY_CLEARED : state->severity);
    tg_alarm_id_format(alarm->number, item->id);
    if (alarm->parent_number != 0) {
        tg_alarm_id_format(alarm->parent_number, item->parent_id);
    }
    item->suppress = tg_alarm_suppress_at(alarm, build->config->now_ns);
    item->confidence_percent = alarm->confidence_percent;
    item->is_root_cause = alarm->is_root_cause != 0;
    impact_fill(build->config, alarm, item);
    return true;
}

/* 0 cause, 1 stands alone, 2 symptom; what is over comes after all of them. */
static unsigned rank_of(const struct tg_summary_item *item)
{
    const struct tg_alarm *alarm = item->alarm;
    const unsigned rank = alarm->is_root_cause != 0 ? 0 : alarm->parent_number == 0 ? 1 : 2;
    return rank + (alarm->state.is_cleared != 0 ? 3u : 0u);
}

/* Revenue in order of currency number: amounts of different currencies are never added. */
static int revenue_order(const struct tg_impact_answer *a, const struct tg_impact_answer *b)
{
    for (uint32_t c = 0; c < a->moneys_count && c < b->moneys_count; c++) {
        if (a->moneys[c].revenue_per_hour != b->moneys[c].revenue_per_hour) {
            return a->moneys[c].revenue_per_hour > b->moneys[c].revenue_per_hour ? -1 : 1;
        }
    }
    return 0;
}

static bool is_before(const struct tg_summary_item *a, const struct tg_summary_item *b)
{
    if (rank_of(a) != rank_of(b)) {
        return rank_of(a) < rank_of(b);
    }
    const int revenue = revenue_order(&a->impact, &b->impact);
    if (revenue != 0) {
        return revenue < 0;
    }
    if (a->alarm->state.severity != b->alarm->state.severity) {
        return a->alarm->state.severity > b->alarm->state.severity;
    }
    return a->alarm->number < b->alarm->number;
}

/* Heap sort in place: qsort of libc may allocate. */
static void sift(struct tg_summary_item *items, uint32_t at, uint32_t count)
{
    for (;;) {
        uint32_t child = at * 2 + 1;
        if (child >= count) {
            return;
        }
        if (child + 1 < count && is_before(&items[child], &items[child + 1])) {
            child++;
        }
        if (!is_before(&items[at], &items[child])) {
            return;
        }
        const struct tg_summary_item swap = items[at];
        items[at] = items[child];
        items[child] = swap;
        at = child;
    }
}

static void sort(struct tg_summary_item *items, uint32_t count)
{
    for (uint32_t at = count / 2; at > 0; at--) {
        sift(items, at - 1, count);
    }
    for (uint32_t left = count; left > 1; left--) {
        const struct tg_summary_item swap = items[0];
        items[0] = items[left - 1];
        items[left - 1] = swap;
        sift(items, 0, left - 1);
    }
}

/* Items still stand by number here, so a parent is found by halving. */
static void correlated_count(struct tg_summary_item *items, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t parent = items[i].alarm->parent_number;
        uint32_t low = 0;
        uint32_t high = count;
        while (parent != 0 && low < high) {
            const uint32_t middle = (low + high) / 2;
            if (items[middle].alarm->number < parent) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        if (parent != 0 && low < count && items[low].alarm->number == parent) {
            items[low].correlated_count++;
        }
    }
}

uint32_t tg_summary_build(const struct tg_summary_config *config, struct tg_summary_item *items,
                          uint32_t items_capacity, uint32_t *alarms_count)
{
    assert(config->inventory != NULL && config->alarms != NULL);
    struct build_context build = {config, items, items_capacity, 0, 0};
    tg_alarm_set_visit(config->alarms, item_add, &build);
    correlated_count(items, build.used);
    sort(items, build.used);
    if (alarms_count != NULL) {
        *alarms_count = build.seen;
    }
    return build.used;
}
