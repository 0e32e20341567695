/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief A small network and a text arena, shared by the health tests.
 *
 *  Source: none. Threads: one test. Allocates: through the rooms' own open calls.
 *  Cost: none.
 */
#ifndef TG_TESTS_HEALTH_WORLD_H
#define TG_TESTS_HEALTH_WORLD_H

#include "abi/key.h"
#include "health/alarm.h"
#include "health/cause.h"
#include "health/impact.h"
#include "health/inventory.h"
#include "health/leak.h"
#include "health/profile.h"
#include "health/summary.h"
#include "health/timeline.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define S  INT64_C(1000000000)
#define T0 (INT64_C(1764000000) * S)

/** @brief Core, two distribution nodes of it, an edge on both (1-of-2), a leaf on one. */
enum { CORE = 1, DIST_A = 2, DIST_B = 3, EDGE = 4, LEAF = 5, WORLD_NODES = 5 };

/** @brief Everything a test needs; made by world_open. */
struct world {
    struct tg_inventory *inventory;
    struct tg_profile *profile;
    const struct tg_profile *profiles[1];
    struct tg_timeline *timeline;
    struct tg_alarm_set *alarms;
    uint8_t text[1u << 20];
    uint32_t text_bytes;
};

static inline void world_open(struct world *w)
{
    static const char *const core[] = {"core"};
    static const char *const dist_a[] = {"dist-a"};
    static const char *const both[] = {"dist-a", "dist-b"};
    static const uint8_t addresses[1][16] = {
        {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1}};
    static const char *const hosts[] = {"CORE-1.example.net"};
    static const struct tg_group_spec on_core = {core, 1, 1};
    static const struct tg_group_spec on_a = {dist_a, 1, 1};
    static const struct tg_group_spec on_both = {both, 2, 1};
    const struct tg_node_spec specs[WORLD_NODES] = {
        {.name = "core", .addresses = addresses, .addresses_count = 1, .hosts = hosts,
         .hosts_count = 1},
        {.name = "dist-a", .groups = &on_core, .groups_count = 1},
        {.name = "dist-b", .groups = &on_core, .groups_count = 1},
        {.name = "edge", .groups = &on_both, .groups_count = 1},
        {.name = "leaf", .groups = &on_a, .groups_count = 1},
    };
    struct tg_why why = {""};
    memset(w, 0, sizeof *w);
    cr_assert_eq(tg_inventory_open(specs, WORLD_NODES, &w->inventory, &why), TG_OK, "%s",
                 why.text);
    uint32_t rules_count = 0;
    const struct tg_rule_spec *rules = tg_profile_default_rules(&rules_count);
    cr_assert_eq(tg_profile_open(rules, rules_count, &w->profile, &why), TG_OK, "%s", why.text);
    w->profiles[0] = w->profile;
    const struct tg_timeline_config timeline = {w->inventory, w->profiles, 1, 128};
    cr_assert_eq(tg_timeline_open(&timeline, &w->timeline, &why), TG_OK, "%s", why.text);
    const struct tg_alarm_config alarms = {w->inventory, w->profiles, 1, 256};
    cr_assert_eq(tg_alarm_set_open(&alarms, &w->alarms, &why), TG_OK, "%s", why.text);
}

static inline void world_close(struct world *w)
{
    tg_alarm_set_close(w->alarms);
    tg_timeline_close(w->timeline);
    tg_profile_close(w->profile);
    tg_inventory_close(w->inventory);
}

/** @brief A log line of a node; its texts go into the world's arena. */
static inline struct tg_observation world_log(struct world *w, uint16_t node_id, int64_t event_ns,
                                              uint8_t severity, const char *msgid,
                                              const char *body)
{
    const uint32_t at = w->text_bytes;
    const int used = snprintf((char *)w->text + at, sizeof w->text - at, "host%capp%c%s%c%s%c", 0,
                              0, msgid, 0, body, 0);
    cr_assert_lt(at + (uint32_t)used, sizeof w->text);
    w->text_bytes += (uint32_t)used;
    struct tg_observation observation = {.event_ns = event_ns,
                                         .arrival_ns = event_ns + S,
                                         .text_offset = at,
                                         .text_bytes = (uint16_t)used,
                                         .source_id = 1,
                                         .node_id = node_id,
                                         .kind = TG_OBSERVATION_LOG,
                                         .severity = severity};
    uint64_t key = tg_key_hash(node_id, &event_ns, sizeof event_ns);
    observation.record_key = tg_key_hash(key, w->text + at, (size_t)used);
    return observation;
}

/** @brief Give observations to timeline and alarms. */
static inline void world_apply(struct world *w, const struct tg_observation *observations,
                               uint32_t count)
{
    (void)tg_timeline_apply(w->timeline, observations, count, w->text, w->text_bytes, NULL, 0);
    tg_alarm_set_apply(w->alarms, observations, count, w->text, w->text_bytes);
}

/** @brief One log line, applied. */
static inline void world_say(struct world *w, uint16_t node_id, int64_t event_ns, const char *body)
{
    const struct tg_observation observation = world_log(w, node_id, event_ns, 3, "-", body);
    world_apply(w, &observation, 1);
}

/** @brief xorshift: the same numbers every run. */
static inline uint64_t world_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

#endif
