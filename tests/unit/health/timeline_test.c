/* SPDX-License-Identifier: Apache-2.0 */
#include "health_world.h"

#define SETS         500
#define PER_SET      40
#define ORDERS       4
#define INTERVALS_MAX 512

static void shuffle(struct tg_observation *observations, uint32_t count, uint64_t *seed)
{
    for (uint32_t i = count; i > 1; i--) {
        const uint32_t other = (uint32_t)(world_random(seed) % i);
        const struct tg_observation swap = observations[i - 1];
        observations[i - 1] = observations[other];
        observations[other] = swap;
    }
}

static struct tg_observation random_observation(struct world *w, uint64_t *seed)
{
    static const char *const bodies[] = {
        "Interface ge-1, changed state to down", "Interface ge-1, changed state to up",
        "Interface ge-2, changed state to down", "Interface ge-2, changed state to up",
        "AC power failure",                      "power restored",
        "system restarted",                      "process rpd crashed"};
    const uint16_t node_id = (uint16_t)(1 + world_random(seed) % WORLD_NODES);
    /* few distinct times, so that ties happen */
    const int64_t at_ns = T0 + (int64_t)(world_random(seed) % 40) * 10 * S;
    struct tg_observation one =
        world_log(w, node_id, at_ns, 3, "-", bodies[world_random(seed) % 8]);
    const uint64_t dice = world_random(seed) % 8;
    one.arrival_ns = T0 + 3600 * S;
    one.sequence = dice < 4 ? (uint32_t)(1 + world_random(seed) % 9) : 0;
    one.kind = dice == 7   ? TG_OBSERVATION_LIFE
               : dice == 6 ? TG_OBSERVATION_STATE
               : dice == 5 ? TG_OBSERVATION_GAP
                           : TG_OBSERVATION_LOG;
    one.value = (int64_t)(world_random(seed) % 4);
    one.record_key = tg_key_hash(one.record_key, &one.sequence, sizeof one.sequence) ^
                     tg_key_hash(one.kind, &one.value, sizeof one.value);
    return one;
}

struct alarm_print {
    uint64_t hash;
    uint32_t count;
};

/* Everything of an alarm but its id and arrival: those are about the order, by their nature. */
static bool alarm_add(void *context, const struct tg_alarm *alarm)
{
    struct alarm_print *print = context;
    uint64_t hash = alarm->kind_key ^ alarm->qualifier ^ (uint64_t)alarm->node_id << 48;
    hash = tg_key_hash(hash, &alarm->state, sizeof alarm->state);
    hash = tg_key_hash(hash, alarm->text, strlen(alarm->text));
    for (uint32_t i = 0; i < alarm->changes_count; i++) {
        hash = tg_key_hash(hash, &alarm->changes[i], sizeof alarm->changes[i]);
    }
    print->hash += hash; /* a sum: order of visiting does not matter */
    print->count++;
    return true;
}

static uint64_t timelines_hash(const struct tg_timeline *timeline)
{
    uint64_t hash = 0;
    struct tg_interval intervals[INTERVALS_MAX];
    for (uint16_t id = 1; id <= WORLD_NODES; id++) {
        const uint32_t count = tg_timeline_intervals(timeline, id, intervals, INTERVALS_MAX);
        cr_assert_lt(count, INTERVALS_MAX);
        cr_assert_eq(intervals[0].from_ns, INT64_MIN);
        cr_assert_eq(intervals[count - 1].until_ns, INT64_MAX);
        for (uint32_t i = 1; i < count; i++) {
            cr_assert_eq(intervals[i].from_ns, intervals[i - 1].until_ns);
            cr_assert_neq(intervals[i].state, intervals[i - 1].state);
        }
        hash = tg_key_hash(hash, intervals, count * sizeof intervals[0]);
    }
    return hash;
}

Test(timeline, any_order_with_duplicates_gives_the_same_timelines_and_alarms, .timeout = 600)
{
    /* If order mattered, a replay after a crash would annotate and alarm differently. */
    static struct tg_observation observations[PER_SET * 2];
    static struct world w;
    uint64_t seed = 20261123;
    uint64_t distinct = 0;
    uint64_t last = 0;
    uint32_t alarms_seen = 0;
    for (int set = 0; set < SETS; set++) {
        uint64_t timeline_want = 0;
        struct alarm_print alarm_want = {0, 0};
        for (int order = 0; order < ORDERS; order++) {
            world_open(&w);
            uint64_t set_seed = seed; /* the same observations for each order */
            for (uint32_t i = 0; i < PER_SET; i++) {
                observations[i] = random_observation(&w, &set_seed);
            }
            uint32_t count = PER_SET;
            uint64_t order_seed = set_seed + (uint64_t)order + 1;
            for (uint32_t i = 0; order > 0 && i < PER_SET / 2; i++) {
                observations[count++] = observations[world_random(&order_seed) % PER_SET];
            }
            if (order > 0) {
                shuffle(observations, count, &order_seed);
            }
            world_apply(&w, observations, count);
            struct alarm_print alarms = {0, 0};
            tg_alarm_set_visit(w.alarms, alarm_add, &alarms);
            const uint64_t timelines = timelines_hash(w.timeline);
            struct tg_timeline_counters counters;
            tg_timeline_counters_get(w.timeline, &counters);
            cr_assert_eq(counters.evicted_count + counters.late_count, 0);
            if (order == 0) {
                timeline_want = timelines;
                alarm_want = alarms;
                alarms_seen += alarms.count;
            }
            cr_assert_eq(timelines, timeline_want, "set %d order %d: timelines differ", set, order);
            cr_assert_eq(alarms.count, alarm_want.count, "set %d order %d: alarms", set, order);
            cr_assert_eq(alarms.hash, alarm_want.hash, "set %d order %d: alarms", set, order);
            world_close(&w);
        }
        distinct += timeline_want != last;
        last = timeline_want;
        seed = world_random(&seed) + (uint64_t)set;
    }
    cr_expect_gt(distinct, SETS - 5, "the sets must differ, or nothing was shown");
    cr_expect_gt(alarms_seen, SETS, "alarms must have been raised");
}

Test(timeline, worst_open_condition_is_the_state)
{
    /* Two links down and one back must stay DEGRADED: the last word alone is not the truth. */
    static struct world w;
    world_open(&w);
    const struct {
        int64_t at_s;
        const char *body;
        uint8_t state;
    } rows[] = {{10, "Interface a changed state to down", TG_NODE_DEGRADED},
                {20, "Interface b changed state to down", TG_NODE_DEGRADED},
                {30, "Interface a changed state to up", TG_NODE_DEGRADED},
                {40, "AC power failure", TG_NODE_DOWN},
                {50, "power restored", TG_NODE_DEGRADED},
                {60, "system restarted", TG_NODE_UP}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        world_say(&w, CORE, T0 + rows[i].at_s * S, rows[i].body);
    }
    cr_expect_eq(tg_timeline_state_at(w.timeline, CORE, T0 + 9 * S), TG_NODE_UNKNOWN);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_expect_eq(tg_timeline_state_at(w.timeline, CORE, T0 + rows[i].at_s * S), rows[i].state,
                     "%s", rows[i].body);
        cr_expect_eq(tg_timeline_state_at(w.timeline, CORE, T0 + rows[i].at_s * S + 9 * S),
                     rows[i].state, "half-open: holds until the next, %s", rows[i].body);
    }
    cr_expect_eq(tg_timeline_state_at(w.timeline, DIST_A, T0 + 30 * S), TG_NODE_UNKNOWN);
    cr_expect_eq(tg_timeline_state_at(w.timeline, 999, T0), TG_NODE_UNKNOWN);
    world_close(&w);
}

Test(timeline, at_one_instant_the_higher_sequence_wins_and_without_one_the_fault)
{
    /* Alarm and state must agree about a tie, or a cleared alarm stands on a broken node. */
    const struct {
        uint32_t down_sequence;
        uint32_t up_sequence;
        uint8_t state;
    } rows[] = {{0, 0, TG_NODE_DEGRADED}, {5, 6, TG_NODE_UP},       {6, 5, TG_NODE_DEGRADED},
                {0, 6, TG_NODE_DEGRADED}, {5, 0, TG_NODE_DEGRADED}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        static struct world w;
        world_open(&w);
        struct tg_observation pair[2] = {
            world_log(&w, CORE, T0, 3, "-", "Interface a changed state to down"),
            world_log(&w, CORE, T0, 3, "-", "Interface a changed state to up")};
        pair[0].sequence = rows[i].down_sequence;
        pair[1].sequence = rows[i].up_sequence;
        world_apply(&w, pair, 2);
        cr_expect_eq(tg_timeline_state_at(w.timeline, CORE, T0), rows[i].state, "row %zu", i);
        world_close(&w);
    }
}

Test(timeline, silence_makes_unknown_usage_proves_life_and_down_stays_down)
{
    /* Rating must neither call a quiet node broken nor a broken node well. */
    static struct world w;
    world_open(&w);
    const struct tg_observation life = {.event_ns = T0, .arrival_ns = T0, .node_id = CORE,
                                        .kind = TG_OBSERVATION_LIFE};
    world_apply(&w, &life, 1);
    cr_expect_eq(tg_timeline_state_at(w.timeline, CORE, T0 + 90 * S - 1), TG_NODE_UP);
    cr_expect_eq(tg_timeline_state_at(w.timeline, CORE, T0 + 90 * S), TG_NODE_UNKNOWN);
    const uint16_t node_ids[] = {CORE, 0, 999};
    const int64_t event_ns[] = {T0 + 200 * S, T0, T0};
    tg_timeline_life(w.timeline, node_ids, event_ns, 3);
    cr_expect_eq(tg_timeline_state_at(w.timeline, CORE, T0 + 199 * S), TG_NODE_UNKNOWN);
    cr_expect_eq(tg_timeline_state_at(w.timeline, CORE, T0 + 210 * S), TG_NODE_UP);
    const int64_t late_ns[] = {T0 + 85 * S, T0 + 170 * S};
    const uint16_t late_ids[] = {CORE, CORE};
    tg_timeline_life(w.timeline, late_ids, late_ns, 2);
    cr_expect_eq(tg_timeline_state_at(w.timeline, CORE, T0 + 174 * S), TG_NODE_UP, "back-dated");
    cr_expect_eq(tg_timeline_life_last_ns(w.timeline, CORE), T0 + 200 * S);
    world_say(&w, CORE, T0 + 300 * S, "AC power failure");
    cr_expect_eq(tg_timeline_state_at(w.timeline, CORE, T0 + 3000 * S), TG_NODE_DOWN,
                 "silence never clears");
    const int64_t usage_ns[] = {T0 + 2000 * S};
    tg_timeline_life(w.timeline, node_ids, usage_ns, 1);
    cr_expect_eq(tg_timeline_state_at(w.timeline, CORE, T0 + 2000 * S), TG_NODE_DOWN,
                 "usage from a node that is down is held, it does not heal it");
    world_close(&w);
}

Test(timeline, transitions_tell_back_dating_and_clocks_ahead_are_clamped)
{
    /* A bad clock must not put a fault into the future, where nothing could end it. */
    static struct world w;
    world_open(&w);
    struct tg_transition transitions[4];
    struct tg_observation one = world_log(&w, CORE, T0, 3, "-", "Interface a changed state to up");
    uint32_t count = tg_timeline_apply(w.timeline, &one, 1, w.text, w.text_bytes, transitions, 4);
    cr_assert_eq(count, 1);
    cr_expect(transitions[0].from == TG_NODE_UNKNOWN && transitions[0].to == TG_NODE_UP);
    one = world_log(&w, CORE, T0 - 20 * S, 3, "-", "Interface b changed state to down");
    one.arrival_ns = T0 + 5 * S;
    count = tg_timeline_apply(w.timeline, &one, 1, w.text, w.text_bytes, transitions, 4);
    cr_assert_eq(count, 1);
    cr_expect_eq(transitions[0].at_ns, T0 - 20 * S);
    cr_expect_eq(transitions[0].detected_ns, T0 + 5 * S);
    cr_expect_eq(transitions[0].is_backdated, 1);
    cr_expect_eq(tg_timeline_state_at(w.timeline, CORE, T0), TG_NODE_DEGRADED);
    const uint32_t revision = tg_timeline_revision(w.timeline, CORE);
    count = tg_timeline_apply(w.timeline, &one, 1, w.text, w.text_bytes, transitions, 4);
    cr_expect_eq(count, 0, "a duplicate changes nothing");
    cr_expect_eq(tg_timeline_revision(w.timeline, CORE), revision);
    one = world_log(&w, CORE, T0 + 86400 * S, 3, "-", "AC power failure");
    one.arrival_ns = T0 + 10 * S;
    count = tg_timeline_apply(w.timeline, &one, 1, w.text, w.text_bytes, transitions, 4);
    cr_assert_eq(count, 1);
    cr_expect_eq(transitions[0].at_ns, T0 + 10 * S);
    struct tg_timeline_counters counters;
    tg_timeline_counters_get(w.timeline, &counters);
    cr_expect_eq(counters.suspect_count, 1);
    cr_expect_eq(counters.duplicates_count, 1);
    one.node_id = 4000;
    (void)tg_timeline_apply(w.timeline, &one, 1, w.text, w.text_bytes, NULL, 0);
    tg_timeline_counters_get(w.timeline, &counters);
    cr_expect_eq(counters.unknown_node_count, 1);
    world_close(&w);
}

Test(timeline, a_full_node_evicts_the_oldest_and_keeps_the_present_right)
{
    /* Bounded memory must cost old history, visibly, never the state of now. */
    static struct world w;
    world_open(&w);
    for (int i = 0; i < 1000; i++) {
        w.text_bytes = 0;
        world_say(&w, CORE, T0 + i * 10 * S, i % 2 == 0 ? "Interface a changed state to down"
                                                         : "Interface a changed state to up");
    }
    w.text_bytes = 0;
    struct tg_timeline_counters counters;
    tg_timeline_counters_get(w.timeline, &counters);
    cr_expect_gt(counters.evicted_count, 800);
    for (int i = 900; i < 1000; i++) {
        cr_expect_eq(tg_timeline_state_at(w.timeline, CORE, T0 + i * 10 * S),
                     i % 2 == 0 ? TG_NODE_DEGRADED : TG_NODE_UP);
    }
    cr_expect_eq(tg_timeline_state_at(w.timeline, CORE, T0 + 100 * S), TG_NODE_UNKNOWN);
    world_say(&w, CORE, T0 + 50 * S, "AC power failure");
    cr_expect_eq(tg_timeline_state_at(w.timeline, CORE, T0 + 9990 * S), TG_NODE_UP);
    tg_timeline_counters_get(w.timeline, &counters);
    cr_expect_eq(counters.late_count, 1);
    world_close(&w);
}

Test(timeline, maintenance_is_a_flag_beside_the_state_and_batches_agree_with_single_looks)
{
    /* Planned work must not change what the node said, only what is done about it. */
    static struct world w;
    world_open(&w);
    world_say(&w, CORE, T0, "Interface a changed state to down");
    cr_expect_eq(tg_timeline_maintenance(w.timeline, CORE, T0, T0 + 60 * S), TG_OK);
    cr_expect_eq(tg_timeline_maintenance(w.timeline, CORE, T0 + 30 * S, T0 + 90 * S), TG_OK);
    cr_expect_eq(tg_timeline_maintenance(w.timeline, CORE, T0, T0), TG_E_INVALID);
    cr_expect_eq(tg_timeline_maintenance(w.timeline, 0, T0, T0 + 1), TG_E_UNKNOWN_NODE);
    cr_expect(tg_timeline_is_maintained(w.timeline, CORE, T0 + 89 * S));
    cr_expect_not(tg_timeline_is_maintained(w.timeline, CORE, T0 + 90 * S));
    cr_expect_not(tg_timeline_is_maintained(w.timeline, CORE, T0 - 1));
    cr_expect_eq(tg_timeline_state_at(w.timeline, CORE, T0 + 50 * S), TG_NODE_DEGRADED);
    uint16_t node_ids[256];
    int64_t start_ns[256];
    uint8_t states[256];
    for (uint32_t i = 0; i < 256; i++) {
        node_ids[i] = (uint16_t)(i % 7);
        start_ns[i] = T0 + ((int64_t)i - 50) * S;
    }
    tg_timeline_annotate(w.timeline, node_ids, start_ns, states, 256);
    for (uint32_t i = 0; i < 256; i++) {
        cr_expect_eq(states[i], tg_timeline_state_at(w.timeline, node_ids[i], start_ns[i]));
    }
    world_close(&w);
}

Test(timeline, usage_of_a_batch_equals_life_and_annotation_one_by_one)
{
    /* If this failed, rows would be marked with another node state than the one that the timeline
     * gives: held or sold wrongly. Times go back and forth over spans, claims and gaps. */
    static struct world one;
    static struct world all;
    world_open(&one);
    world_open(&all);
    uint64_t random = 11;
    uint32_t told_count = 0;
    for (int step = 0; step < 400; step++) {
        int64_t times_ns[64];
        uint16_t ids[64];
        uint8_t wanted[64];
        uint8_t got[64];
        const uint16_t node_id = (uint16_t)(world_random(&random) % (WORLD_NODES + 2));
        const uint32_t count = 1 + (uint32_t)(world_random(&random) % 64);
        for (uint32_t i = 0; i < count; i++) {
            times_ns[i] = T0 + (int64_t)(step * 20 + world_random(&random) % 600) * S;
            ids[i] = node_id;
        }
        if (step % 10 == 3 && node_id >= CORE && node_id <= LEAF) {
            const struct tg_observation claim = {.event_ns = times_ns[0],
                                                 .arrival_ns = times_ns[0],
                                                 .value = 1 + step % 3,
                                                 .record_key = (uint64_t)step,
                                                 .node_id = node_id,
                                                 .kind = TG_OBSERVATION_STATE};
            world_apply(&one, &claim, 1);
            world_apply(&all, &claim, 1);
        }
        tg_timeline_life(one.timeline, ids, times_ns, count);
        tg_timeline_annotate(one.timeline, ids, times_ns, wanted, count);
        /* As rows are annotated: by their first and last time where these tell. */
        int64_t first_ns = times_ns[0];
        int64_t last_ns = times_ns[0];
        for (uint32_t i = 1; i < count; i++) {
            first_ns = times_ns[i] < first_ns ? times_ns[i] : first_ns;
            last_ns = times_ns[i] > last_ns ? times_ns[i] : last_ns;
        }
        uint8_t state;
        const bool is_told =
            tg_timeline_usage_between(all.timeline, node_id, first_ns, last_ns, &state);
        told_count += is_told;
        memset(got, state, count);
        if (!is_told) {
            tg_timeline_usage(all.timeline, node_id, times_ns, got, count);
        }
        cr_assert_arr_eq(got, wanted, count, "step %d, node %u", step, node_id);
        cr_assert_eq(tg_timeline_life_last_ns(one.timeline, node_id),
                     tg_timeline_life_last_ns(all.timeline, node_id));
        struct tg_interval before[256];
        struct tg_interval after[256];
        const uint32_t intervals = tg_timeline_intervals(one.timeline, node_id, before, 256);
        cr_assert_eq(tg_timeline_intervals(all.timeline, node_id, after, 256), intervals);
        cr_assert_arr_eq(after, before, intervals * sizeof before[0]);
    }
    cr_expect_gt(told_count, 50, "%u", told_count);
    cr_expect_lt(told_count, 350, "%u", told_count);
    world_close(&one);
    world_close(&all);
}
