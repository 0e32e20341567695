/* SPDX-License-Identifier: Apache-2.0 */
/* The alarm set's memory: one block, reserved at open, in which all its tables lie. */
#include "health/alarm.h"

#include <assert.h>

#include "base/arena.h"
#include "health/alarm_set.h"

#define ALARMS_MIN 16u

static enum tg_err config_check(const struct tg_alarm_config *config, struct tg_why *why)
{
    if (config->alarms_count_max < ALARMS_MIN || config->alarms_count_max > TG_ALARMS_MAX) {
        return tg_why_set(why, TG_E_INVALID, "%u alarms; %u to %u are possible",
                          config->alarms_count_max, ALARMS_MIN, TG_ALARMS_MAX);
    }
    for (uint32_t id = 1; id <= config->inventory->nodes_count; id++) {
        const struct tg_node *node = &config->inventory->nodes[id];
        if (node->profile_index >= config->profiles_count) {
            return tg_why_set(why, TG_E_INVALID, "node %s: profile %u of %u does not exist",
                              node->name, node->profile_index, config->profiles_count);
        }
    }
    return TG_OK;
}

static void set_reset(struct tg_alarm_set *set)
{
    set->now_ns = set->event_start_ns = set->wall_start_ns = INT64_MIN;
    set->list_first = set->list_last = TG_ALARM_NONE;
    for (uint32_t i = 0; i <= set->buckets_mask; i++) {
        set->by_key[i] = set->by_number[i] = TG_ALARM_NONE;
    }
    for (uint32_t i = 0; i < set->slots_count; i++) {
        set->links[i].list_next = i + 1 < set->slots_count ? i + 1 : TG_ALARM_NONE;
    }
    for (uint32_t i = 0; i <= set->inventory->nodes_count; i++) {
        set->nodes[i] = (struct tg_alarm_node){.event_last_ns = INT64_MIN,
                                               .arrival_last_ns = INT64_MIN,
                                               .gap_last_ns = INT64_MIN,
                                               .first = TG_ALARM_NONE};
    }
    set->kind_gap = tg_alarm_kind_by_name("sequenceGap");
    set->kind_silent = tg_alarm_kind_by_name("nodeSilent");
    set->kind_collector = tg_alarm_kind_by_name("collectionGap");
    set->kind_down = tg_alarm_kind_by_name("nodeDown");
    set->kind_storm = tg_alarm_kind_by_name("alarmStorm");
    set->kind_full = tg_alarm_kind_by_name("alarmTableFull");
    assert(set->kind_gap != NULL && set->kind_silent != NULL && set->kind_collector != NULL);
    assert(set->kind_down != NULL && set->kind_storm != NULL && set->kind_full != NULL);
}

static void *carve(uint8_t *block, size_t *used_bytes, size_t bytes)
{
    void *at = block == NULL ? NULL : block + *used_bytes;
    *used_bytes += (bytes + 63) & ~(size_t)63;
    return at;
}

/* Called twice: without a block it measures, with one it hands out. */
static size_t set_carve(struct tg_alarm_set *set, uint8_t *block)
{
    size_t used = 0;
    const size_t slots = set->slots_count;
    const size_t buckets = set->buckets_mask + 1u;
    const size_t nodes = set->inventory->nodes_count + 1u;
    (void)carve(block, &used, sizeof *set);
    set->alarms = carve(block, &used, slots * sizeof *set->alarms);
    set->links = carve(block, &used, slots * sizeof *set->links);
    set->by_key = carve(block, &used, buckets * sizeof *set->by_key);
    set->by_number = carve(block, &used, buckets * sizeof *set->by_number);
    set->nodes = carve(block, &used, nodes * sizeof *set->nodes);
    set->collectors = carve(block, &used, (TG_NODES_MAX + 1) * sizeof *set->collectors);
    set->sources = carve(block, &used, TG_SOURCES_MAX * sizeof *set->sources);
    set->seen[0] = carve(block, &used, TG_ALARM_SEEN_SLOTS * sizeof(uint64_t));
    set->seen[1] = carve(block, &used, TG_ALARM_SEEN_SLOTS * sizeof(uint64_t));
    set->notices = carve(block, &used, TG_ALARM_NOTICES_MAX * sizeof *set->notices);
    return used;
}

enum tg_err tg_alarm_set_open(const struct tg_alarm_config *config, struct tg_alarm_set **set,
                              struct tg_why *why)
{
    *set = NULL;
    const enum tg_err err = config_check(config, why);
    if (err != TG_OK) {
        return err;
    }
    struct tg_alarm_set draft = {.inventory = config->inventory, .profiles = config->profiles};
    draft.slots_count = config->alarms_count_max + TG_ALARM_ENGINE_SLOTS;
    draft.buckets_mask = 1;
    while (draft.buckets_mask < draft.slots_count) {
        draft.buckets_mask = draft.buckets_mask * 2 + 1;
    }
    draft.size_bytes = set_carve(&draft, NULL);
    /* Only reserved: the control thread's, and nearly all of it is alarms that never come. */
    uint8_t *block = tg_pages_reserve(draft.size_bytes);
    if (block == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for %u alarms", config->alarms_count_max);
    }
    (void)set_carve(&draft, block);
    *set = (struct tg_alarm_set *)(void *)block;
    **set = draft;
    set_reset(*set);
    return TG_OK;
}

void tg_alarm_set_close(struct tg_alarm_set *set)
{
    if (set != NULL) {
        tg_pages_free(set, set->size_bytes);
    }
}
