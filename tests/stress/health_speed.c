/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times of the health room over 4096 nodes. Fails only when a figure is off by an order: the goals
 * (1 M observations/s, 10 ns a row) are for an idle core, and a build machine is not one.
 */
#include <stdio.h>
#include <string.h>

#include "abi/key.h"
#include "base/arena.h"
#include "base/clock.h"
#include "health/alarm.h"
#include "health/cause.h"
#include "health/impact.h"
#include "health/timeline.h"
#include "record/charge.h"

#define NODES 4096u
#define BATCH 256u
#define LOGS  400000u
#define ROWS  20000000u
#define T0    INT64_C(1764000000000000000)

static char names[NODES][8];
static const char *parents[NODES][2];
static struct tg_group_spec groups[NODES];
static struct tg_node_spec specs[NODES];
static struct tg_observation batch[BATCH];
static uint8_t text[BATCH * 160];
static int failures;

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void tell(const char *what, int64_t cpu_ns, uint64_t count, uint64_t limit_ns)
{
    const uint64_t tenths = (uint64_t)cpu_ns * 10 / count;
    printf("%-46s %9llu.%llu ns\n", what, (unsigned long long)(tenths / 10),
           (unsigned long long)(tenths % 10));
    failures += tenths / 10 > limit_ns;
}

static struct tg_inventory *network_make(uint64_t *seed)
{
    struct tg_inventory *inventory = NULL;
    for (uint32_t i = 0; i < NODES; i++) {
        (void)snprintf(names[i], sizeof names[i], "n%u", i);
        specs[i].name = names[i];
        if (i > 0) {
            parents[i][0] = names[next(seed) % (i < 40 ? i : i / 4)];
            parents[i][1] = names[next(seed) % (i < 40 ? i : i / 4)];
            const bool is_dual = next(seed) % 3 == 0 && parents[i][0] != parents[i][1];
            groups[i] = (struct tg_group_spec){parents[i], is_dual ? 2 : 1, 1};
            specs[i].groups = &groups[i];
            specs[i].groups_count = 1;
        }
    }
    (void)tg_inventory_open(specs, NODES, &inventory, NULL);
    return inventory;
}

static void batch_make(uint64_t *seed, uint32_t start)
{
    static const char *const bodies[] = {
        "%LINK-3-UPDOWN: Interface GigabitEthernet0/1, changed state to down",
        "%LINK-3-UPDOWN: Interface GigabitEthernet0/1, changed state to up",
        "%BGP-5-ADJCHANGE: neighbor 192.0.2.7 Down BGP Notification sent",
        "sshd[811]: Accepted publickey for operator from 192.0.2.9 port 50022 ssh2"};
    uint32_t used = 0;
    for (uint32_t i = 0; i < BATCH; i++) {
        const int length = snprintf((char *)text + used, 160, "n1%cios%c-%c%s%c", 0, 0, 0,
                                    bodies[next(seed) % 4], 0);
        batch[i] = (struct tg_observation){.event_ns = T0 + (start + i) * INT64_C(1000000),
                                           .arrival_ns = T0 + (start + i) * INT64_C(1000000),
                                           .record_key = next(seed),
                                           .text_offset = used,
                                           .text_bytes = (uint16_t)length,
                                           .node_id = (uint16_t)(1 + next(seed) % NODES),
                                           .kind = TG_OBSERVATION_LOG,
                                           .severity = 4};
        used += (uint32_t)length;
    }
}

static void time_apply(struct tg_timeline *timeline, struct tg_alarm_set *alarms, uint64_t *seed)
{
    int64_t timeline_ns = 0;
    int64_t alarms_ns = 0;
    struct tg_transition transitions[BATCH];
    for (uint32_t start = 0; start < LOGS; start += BATCH) {
        batch_make(seed, start);
        const int64_t t0_ns = tg_clock_thread_cpu_ns();
        (void)tg_timeline_apply(timeline, batch, BATCH, text, sizeof text, transitions, BATCH);
        const int64_t t1_ns = tg_clock_thread_cpu_ns();
        tg_alarm_set_apply(alarms, batch, BATCH, text, sizeof text);
        alarms_ns += tg_clock_thread_cpu_ns() - t1_ns;
        timeline_ns += t1_ns - t0_ns;
    }
    tell("timeline: apply a log line", timeline_ns, LOGS, 10000);
    tell("alarms: apply a log line", alarms_ns, LOGS, 20000);
}

static void time_annotate(struct tg_timeline *timeline, uint64_t *seed)
{
    uint16_t node_ids[BATCH];
    int64_t start_ns[BATCH];
    uint8_t states[BATCH];
    uint64_t sum = 0;
    int64_t life_ns = 0;
    int64_t look_ns = 0;
    for (uint32_t i = 0; i < BATCH; i++) {
        node_ids[i] = (uint16_t)(1 + next(seed) % NODES);
    }
    for (uint32_t done = 0; done < ROWS; done += BATCH) {
        for (uint32_t i = 0; i < BATCH; i++) {
            node_ids[i] = (uint16_t)(1 + (node_ids[i] * 5u + 3u) % NODES);
            start_ns[i] = T0 + LOGS * INT64_C(1000000) + done * INT64_C(100);
        }
        const int64_t t0_ns = tg_clock_thread_cpu_ns();
        tg_timeline_life(timeline, node_ids, start_ns, BATCH);
        const int64_t t1_ns = tg_clock_thread_cpu_ns();
        tg_timeline_annotate(timeline, node_ids, start_ns, states, BATCH);
        look_ns += tg_clock_thread_cpu_ns() - t1_ns;
        life_ns += t1_ns - t0_ns;
        sum += states[done % BATCH];
    }
    tell("timeline: proof of life by a usage row", life_ns, ROWS, 100);
    tell("timeline: annotate a row (4096 nodes)", look_ns, ROWS, 100);
    failures += sum == 0;
}

static void time_cause(const struct tg_inventory *inventory, uint64_t *seed)
{
    struct tg_cause *cause = NULL;
    struct tg_closure closure;
    if (tg_cause_open(inventory, &cause) != TG_OK ||
        tg_closure_open(inventory, &closure) != TG_OK) {
        failures++;
        return;
    }
    struct tg_cause_input *inputs = tg_cause_inputs(cause);
    uint32_t affected = 0;
    uint16_t seeds[24];
    for (uint32_t i = 0; i < 24; i++) {
        seeds[i] = (uint16_t)(2 + next(seed) % NODES / (i < 4 ? 100 : 2));
    }
    (void)tg_inventory_closure(inventory, &closure, seeds, 24);
    for (uint32_t id = 1; id <= NODES; id++) {
        const bool is_dead = tg_closure_has(&closure, (uint16_t)id);
        inputs[id].is_affected = is_dead && next(seed) % 10 != 0;
        inputs[id].is_up = !is_dead && next(seed) % 20 != 0;
        inputs[id].since_ns = T0;
        affected += inputs[id].is_affected;
    }
    const int64_t t0_ns = tg_clock_thread_cpu_ns();
    uint32_t problems = 0;
    for (uint32_t i = 0; i < 10; i++) {
        problems = tg_cause_run(cause, T0);
    }
    const int64_t spent_ns = tg_clock_thread_cpu_ns() - t0_ns;
    printf("root cause: 4096 nodes, %u affected, %u problems\n", affected, problems);
    tell("root cause: one run", spent_ns, 10, 1000000000);
    for (uint32_t id = 1; id <= NODES; id++) {
        inputs[id].is_affected = next(seed) % 2 == 0;
        inputs[id].is_up = false;
    }
    const int64_t t1_ns = tg_clock_thread_cpu_ns();
    problems = tg_cause_run(cause, T0);
    printf("root cause: half of all nodes affected at random, none up: %u problems\n", problems);
    tell("root cause: the worst we could think of", tg_clock_thread_cpu_ns() - t1_ns, 1,
         5000000000);
    tg_closure_close(&closure);
    tg_cause_close(cause);
}

static void time_impact(const struct tg_inventory *inventory, uint64_t *seed)
{
    static uint16_t node_ids[BATCH];
    static int64_t starts_ns[BATCH];
    static uint8_t fates[BATCH];
    static uint32_t subscribers[BATCH];
    static uint16_t currencies[BATCH];
    static int64_t amounts[BATCH];
    const struct tg_impact_rows rows = {node_ids,    starts_ns,  fates,
                                        subscribers, currencies, amounts};
    struct tg_impact *impact = NULL;
    const struct tg_impact_config config = {inventory, 1u << 20, 1000000, 0};
    if (tg_impact_open(&config, &impact) != TG_OK) {
        failures++;
        return;
    }
    int64_t spent_ns = 0;
    for (uint32_t done = 0; done < 2000000; done += BATCH) {
        for (uint32_t i = 0; i < BATCH; i++) {
            subscribers[i] = (uint32_t)(next(seed) % 1000000);
            node_ids[i] = (uint16_t)(1 + subscribers[i] % NODES);
            starts_ns[i] = T0 + done * INT64_C(10000000);
            fates[i] = TG_FATE_RATED;
            amounts[i] = 100;
            currencies[i] = 978;
        }
        const int64_t t0_ns = tg_clock_thread_cpu_ns();
        tg_impact_add(impact, &rows, BATCH);
        spent_ns += tg_clock_thread_cpu_ns() - t0_ns;
    }
    tell("impact: add a row (1 M subscribers)", spent_ns, 2000000, 2000);
    const struct tg_impact_question question = {.fault_ns = T0 + INT64_C(20000) * 1000000000,
                                                .until_ns = T0 + INT64_C(21000) * 1000000000,
                                                .node_id = 1, .is_with_children = true};
    struct tg_impact_answer answer;
    const int64_t t0_ns = tg_clock_thread_cpu_ns();
    (void)tg_impact_ask(impact, &question, &answer);
    printf("impact: %u nodes, %llu subscribers\n", answer.nodes_count,
           (unsigned long long)answer.subscribers_count);
    tell("impact: the dearest question", tg_clock_thread_cpu_ns() - t0_ns, 1, 2000000000);
    tg_impact_close(impact);
}

int main(void)
{
    uint64_t seed = 7;
    uint32_t rules_count = 0;
    struct tg_profile *profile = NULL;
    struct tg_timeline *timeline = NULL;
    struct tg_alarm_set *alarms = NULL;
    struct tg_inventory *inventory = network_make(&seed);
    const struct tg_rule_spec *rules = tg_profile_default_rules(&rules_count);
    if (inventory == NULL || tg_profile_open(rules, rules_count, &profile, NULL) != TG_OK) {
        return 1;
    }
    const struct tg_profile *const profiles[] = {profile};
    const struct tg_timeline_config timeline_config = {inventory, profiles, 1, 128};
    const struct tg_alarm_config alarm_config = {inventory, profiles, 1, 20000};
    if (tg_timeline_open(&timeline_config, &timeline, NULL) != TG_OK ||
        tg_alarm_set_open(&alarm_config, &alarms, NULL) != TG_OK) {
        return 1;
    }
    time_apply(timeline, alarms, &seed);
    time_annotate(timeline, &seed);
    time_cause(inventory, &seed);
    time_impact(inventory, &seed);
    tg_alarm_set_close(alarms);
    tg_timeline_close(timeline);
    tg_profile_close(profile);
    tg_inventory_close(inventory);
    printf("%s\n", failures == 0 ? "ok" : "FAILED: off by an order");
    return failures != 0;
}
