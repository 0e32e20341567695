/* SPDX-License-Identifier: Apache-2.0 */
#include "health/timeline.h"

#include <assert.h>
#include <string.h>

#include "abi/key.h"
#include "base/arena.h"
#include "health/order_by.h"
#include "health/span.h"

#define CLAIMS_MIN 8u

/* A statement about a condition of a node, kept sorted by claim_order. */
struct claim {
    int64_t at_ns;
    uint64_t record_key;
    uint64_t condition; /* 0: the whole node */
    uint32_t sequence;
    uint8_t effect; /* enum tg_node_state; UP ends the condition */
    uint8_t is_whole;
    uint8_t state_after; /* worst open condition once this claim is folded */
    uint8_t reserved;
};
_Static_assert(sizeof(struct claim) == 32, "two claims a cache line");

/* Conditions open at one point of the fold. */
struct conditions {
    uint64_t keys[TG_TIMELINE_CONDITIONS_MAX];
    uint8_t effects[TG_TIMELINE_CONDITIONS_MAX];
    uint32_t count;
    uint32_t reserved;
};

/* What a look-up reads for the usual case, "now": one line a node. */
struct hot {
    int64_t last_claim_ns; /* INT64_MIN: none */
    int64_t live_from_ns;  /* newest life span */
    int64_t live_until_ns;
    int64_t floor_ns;     /* nothing is known before */
    int64_t life_last_ns; /* INT64_MIN: none */
    int64_t stale_ns;     /* three intervals; INT64_MAX: never stale */
    uint32_t revision;
    uint16_t claims_count;
    uint8_t tip_state;
    uint8_t reserved[9];
};
_Static_assert(sizeof(struct hot) == 64, "one cache line a node");

struct cold {
    struct conditions base; /* before claims[0] */
    struct conditions tip;  /* after the last claim */
    struct tg_span_ns life[TG_TIMELINE_SPANS_MAX];
    struct tg_span_ns maintenance[TG_TIMELINE_SPANS_MAX];
    uint32_t life_count;
    uint32_t maintenance_count;
};

struct tg_timeline {
    struct hot *hot;      /* [nodes_count + 1] */
    struct cold *cold;    /* [nodes_count + 1] */
    struct claim *claims; /* [(nodes_count + 1) * claims_capacity] */
    const struct tg_inventory *inventory;
    const struct tg_profile *const *profiles;
    size_t size_bytes;
    uint32_t nodes_count;
    uint32_t claims_capacity;
    struct tg_timeline_counters counters;
};

const char *tg_node_state_name(unsigned state)
{
    static const char *const names[] = {"UNKNOWN", "UP", "DEGRADED", "DOWN"};
    return state < 4 ? names[state] : names[0];
}

enum tg_err tg_timeline_open(const struct tg_timeline_config *config, struct tg_timeline **timeline,
                             struct tg_why *why)
{
    *timeline = NULL;
    const struct tg_inventory *inventory = config->inventory;
    if (config->claims_count < CLAIMS_MIN || config->claims_count > TG_TIMELINE_CLAIMS_MAX) {
        return tg_why_set(why, TG_E_INVALID, "%u claims a node; %u to %u are possible",
                          config->claims_count, CLAIMS_MIN, TG_TIMELINE_CLAIMS_MAX);
    }
    for (uint32_t id = 1; id <= inventory->nodes_count; id++) {
        if (inventory->nodes[id].profile_index >= config->profiles_count) {
            return tg_why_set(why, TG_E_INVALID, "node %s: profile %u of %u does not exist",
                              inventory->nodes[id].name, inventory->nodes[id].profile_index,
                              config->profiles_count);
        }
    }
    const size_t entries = inventory->nodes_count + 1u;
    const size_t head_bytes = (sizeof(struct tg_timeline) + 63) & ~(size_t)63;
    const size_t hot_bytes = entries * sizeof(struct hot);
    const size_t claims_bytes = entries * config->claims_count * sizeof(struct claim);
    const size_t size_bytes = head_bytes + hot_bytes + claims_bytes + entries * sizeof(struct cold);
    uint8_t *block = tg_pages_take(size_bytes);
    if (block == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for %u timelines",
                          inventory->nodes_count);
    }
    struct tg_timeline *made = (struct tg_timeline *)(void *)block;
    made->hot = (struct hot *)(void *)(block + head_bytes);
    made->claims = (struct claim *)(void *)(block + head_bytes + hot_bytes);
    made->cold = (struct cold *)(void *)(block + head_bytes + hot_bytes + claims_bytes);
    made->inventory = inventory;
    made->profiles = config->profiles;
    made->size_bytes = size_bytes;
    made->nodes_count = inventory->nodes_count;
    made->claims_capacity = config->claims_count;
    for (uint32_t id = 0; id <= inventory->nodes_count; id++) {
        const int64_t interval_ns = inventory->nodes[id].interval_ns;
        made->hot[id] = (struct hot){
            .last_claim_ns = INT64_MIN,
            .live_from_ns = INT64_MAX,
            .live_until_ns = INT64_MIN,
            .floor_ns = INT64_MIN,
            .life_last_ns = INT64_MIN,
            .stale_ns =
                interval_ns == INT64_MAX ? INT64_MAX : interval_ns * TG_TIMELINE_STALE_INTERVALS,
            .tip_state = TG_NODE_UP,
        };
    }
    *timeline = made;
    return TG_OK;
}

void tg_timeline_close(struct tg_timeline *timeline)
{
    if (timeline != NULL) {
        tg_pages_free(timeline, timeline->size_bytes);
    }
}

static struct claim *claims_of(const struct tg_timeline *timeline, uint16_t node_id)
{
    return timeline->claims + (size_t)node_id * timeline->claims_capacity;
}

/* At one time: ends without sequence, then by sequence, then faults without sequence. */
static unsigned claim_class(const struct claim *claim)
{
    if (claim->sequence != 0) {
        return 1;
    }
    return claim->effect == TG_NODE_UP ? 0 : 2;
}

/* Total order; equal means the same observation. */
static int claim_order(const struct claim *a, const struct claim *b)
{
    TG_ORDER_BY(a->at_ns, b->at_ns);
    TG_ORDER_BY(claim_class(a), claim_class(b));
    TG_ORDER_BY(a->sequence, b->sequence);
    TG_ORDER_BY(a->effect, b->effect);
    TG_ORDER_BY(a->record_key, b->record_key);
    TG_ORDER_BY(a->condition, b->condition);
    return 0;
}

static void conditions_open(struct conditions *open, const struct claim *claim, uint64_t *dropped)
{
    uint32_t mildest = 0;
    for (uint32_t i = 0; i < open->count; i++) {
        if (open->keys[i] == claim->condition) {
            open->effects[i] = claim->effect;
            return;
        }
        mildest = open->effects[i] < open->effects[mildest] ? i : mildest;
    }
    if (open->count < TG_TIMELINE_CONDITIONS_MAX) {
        open->keys[open->count] = claim->condition;
        open->effects[open->count++] = claim->effect;
        return;
    }
    *dropped += 1;
    if (open->effects[mildest] < claim->effect) {
        open->keys[mildest] = claim->condition;
        open->effects[mildest] = claim->effect;
    }
}

static void conditions_end(struct conditions *open, uint64_t condition)
{
    for (uint32_t i = 0; i < open->count; i++) {
        if (open->keys[i] == condition) {
            open->count--;
            open->keys[i] = open->keys[open->count];
            open->effects[i] = open->effects[open->count];
            return;
        }
    }
}

/* One step of the fold: the state is the worst open condition. */
static uint8_t conditions_fold(struct conditions *open, const struct claim *claim,
                               uint64_t *dropped)
{
    if (claim->effect != TG_NODE_UP) {
        conditions_open(open, claim, dropped);
    } else if (claim->is_whole != 0) {
        open->count = 0;
    } else {
        conditions_end(open, claim->condition);
    }
    uint8_t worst = TG_NODE_UP;
    for (uint32_t i = 0; i < open->count; i++) {
        worst = open->effects[i] > worst ? open->effects[i] : worst;
    }
    return worst;
}

static uint8_t conditions_worst(const struct conditions *open)
{
    uint8_t worst = TG_NODE_UP;
    for (uint32_t i = 0; i < open->count; i++) {
        worst = open->effects[i] > worst ? open->effects[i] : worst;
    }
    return worst;
}

static void claims_refold(struct tg_timeline *timeline, uint16_t node_id)
{
    struct hot *hot = &timeline->hot[node_id];
    struct cold *cold = &timeline->cold[node_id];
    struct claim *claims = claims_of(timeline, node_id);
    cold->tip = cold->base;
    hot->tip_state = conditions_worst(&cold->tip);
    for (uint32_t i = 0; i < hot->claims_count; i++) {
        claims[i].state_after =
            conditions_fold(&cold->tip, &claims[i], &timeline->counters.conditions_dropped_count);
        hot->tip_state = claims[i].state_after;
    }
    hot->last_claim_ns = hot->claims_count == 0 ? INT64_MIN : claims[hot->claims_count - 1].at_ns;
    timeline->counters.recomputed_count += hot->claims_count;
}

/* Give up the oldest eighth at once, so that a full node pays for the move rarely. */
static void claims_evict(struct tg_timeline *timeline, uint16_t node_id)
{
    struct hot *hot = &timeline->hot[node_id];
    struct cold *cold = &timeline->cold[node_id];
    struct claim *claims = claims_of(timeline, node_id);
    const uint32_t gone = timeline->claims_capacity / 8;
    assert(gone >= 1 && gone < hot->claims_count);
    for (uint32_t i = 0; i < gone; i++) {
        (void)conditions_fold(&cold->base, &claims[i],
                              &timeline->counters.conditions_dropped_count);
    }
    hot->floor_ns = claims[gone - 1].at_ns > hot->floor_ns ? claims[gone - 1].at_ns : hot->floor_ns;
    memmove(claims, claims + gone, (hot->claims_count - gone) * sizeof *claims);
    hot->claims_count = (uint16_t)(hot->claims_count - gone);
    timeline->counters.evicted_count += gone;
}

static void claim_insert(struct tg_timeline *timeline, uint16_t node_id, struct claim claim)
{
    struct hot *hot = &timeline->hot[node_id];
    struct claim *claims = claims_of(timeline, node_id);
    if (claim.at_ns <= hot->floor_ns) {
        timeline->counters.late_count++;
        return;
    }
    uint32_t low = 0;
    uint32_t high = hot->claims_count;
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        const int order = claim_order(&claims[middle], &claim);
        if (order == 0) {
            timeline->counters.duplicates_count++;
            return;
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    if (hot->claims_count == timeline->claims_capacity) {
        claims_evict(timeline, node_id);
        claim_insert(timeline, node_id, claim); /* once: there is room now, or it is late */
        return;
    }
    const uint32_t behind = hot->claims_count - low;
    memmove(claims + low + 1, claims + low, behind * sizeof *claims);
    claims[low] = claim;
    hot->claims_count++;
    hot->revision++;
    if (behind != 0) {
        claims_refold(timeline, node_id);
        return;
    }
    claims[low].state_after = conditions_fold(&timeline->cold[node_id].tip, &claim,
                                              &timeline->counters.conditions_dropped_count);
    hot->tip_state = claims[low].state_after;
    hot->last_claim_ns = claim.at_ns;
}

static void life_add(struct tg_timeline *timeline, uint16_t node_id, int64_t at_ns)
{
    struct hot *hot = &timeline->hot[node_id];
    int64_t until_ns = INT64_MAX;
    if (hot->stale_ns != INT64_MAX && __builtin_add_overflow(at_ns, hot->stale_ns, &until_ns)) {
        until_ns = INT64_MAX;
    }
    struct cold *cold = &timeline->cold[node_id];
    hot->life_last_ns = at_ns > hot->life_last_ns ? at_ns : hot->life_last_ns;
    if (at_ns >= hot->live_from_ns && at_ns <= hot->live_until_ns) {
        if (until_ns > hot->live_until_ns) {
            hot->live_until_ns = until_ns;
            hot->revision++;
            cold->life[cold->life_count - 1].until_ns = until_ns;
        }
        return;
    }
    if (at_ns == INT64_MAX) {
        return; /* no interval can follow the end of time */
    }
    int64_t evicted_ns = INT64_MIN;
    if (!tg_span_add(cold->life, &cold->life_count, TG_TIMELINE_SPANS_MAX,
                     (struct tg_span_ns){at_ns, until_ns}, &evicted_ns)) {
        timeline->counters.evicted_count++;
        hot->floor_ns = evicted_ns > hot->floor_ns ? evicted_ns : hot->floor_ns;
    }
    const struct tg_span_ns *newest = &cold->life[cold->life_count - 1];
    hot->live_from_ns = newest->from_ns;
    hot->live_until_ns = newest->until_ns;
    hot->revision++;
}

enum tg_err tg_timeline_maintenance(struct tg_timeline *timeline, uint16_t node_id, int64_t from_ns,
                                    int64_t until_ns)
{
    if (node_id == TG_NODE_ID_NONE || node_id > timeline->nodes_count) {
        return TG_E_UNKNOWN_NODE;
    }
    if (from_ns >= until_ns) {
        return TG_E_INVALID;
    }
    struct cold *cold = &timeline->cold[node_id];
    int64_t evicted_ns = 0;
    if (!tg_span_add(cold->maintenance, &cold->maintenance_count, TG_TIMELINE_SPANS_MAX,
                     (struct tg_span_ns){from_ns, until_ns}, &evicted_ns)) {
        timeline->counters.evicted_count++;
    }
    timeline->hot[node_id].revision++;
    return TG_OK;
}

/* What an observation claims; false when it claims nothing. *is_life: the node itself spoke. */
static bool claim_read(const struct tg_timeline *timeline, const struct tg_observation *observation,
                       const uint8_t *text, uint32_t text_bytes, struct claim *claim, bool *is_life)
{
    *is_life = true;
    claim->record_key = observation->record_key;
    claim->sequence = observation->sequence;
    if (observation->kind == TG_OBSERVATION_STATE) {
        if (observation->value < TG_NODE_UP || observation->value > TG_NODE_DOWN) {
            *is_life = false;
            return false;
        }
        claim->effect = (uint8_t)observation->value;
        claim->condition = observation->qualifier;
        claim->is_whole = claim->effect == TG_NODE_UP && observation->qualifier == 0;
        *is_life = claim->effect != TG_NODE_DOWN; /* somebody else says so: it is no life sign */
        return true;
    }
    if (observation->kind != TG_OBSERVATION_LOG) {
        return false;
    }
    struct tg_log_text log;
    struct tg_meaning meaning;
    const struct tg_node *node = &timeline->inventory->nodes[observation->node_id];
    tg_log_text_split(observation, text, text_bytes, &log);
    tg_profile_match(timeline->profiles[node->profile_index], observation, &log, &meaning);
    const struct tg_rule_spec *rule = meaning.rule;
    if (rule == NULL || rule->state == TG_STATE_NONE || rule->state == TG_NODE_UNKNOWN) {
        return false;
    }
    claim->effect = rule->state;
    claim->is_whole = rule->state == TG_NODE_UP && rule->is_whole_node;
    claim->condition = meaning.qualifier;
    if (rule->kind != NULL) {
        claim->condition =
            tg_key_hash(meaning.qualifier, rule->kind->name, strlen(rule->kind->name));
    }
    return true;
}

static uint32_t transition_note(struct tg_timeline *timeline, const struct tg_transition *change,
                                struct tg_transition *transitions, uint32_t used, uint32_t capacity)
{
    if (used == capacity) {
        timeline->counters.transitions_dropped_count++;
        return used;
    }
    transitions[used] = *change;
    return used + 1;
}

uint32_t tg_timeline_apply(struct tg_timeline *timeline, const struct tg_observation *observations,
                           uint32_t observations_count, const uint8_t *text, uint32_t text_bytes,
                           struct tg_transition *transitions, uint32_t transitions_capacity)
{
    uint32_t used = 0;
    timeline->counters.observations_count += observations_count;
    for (uint32_t i = 0; i < observations_count; i++) {
        const struct tg_observation *observation = &observations[i];
        const uint16_t node_id = observation->node_id;
        if (node_id == TG_NODE_ID_NONE || node_id > timeline->nodes_count) {
            timeline->counters.unknown_node_count++;
            continue;
        }
        const struct hot *hot = &timeline->hot[node_id];
        struct claim claim = {.at_ns = observation->event_ns};
        if (observation->arrival_ns > 0 && observation->event_ns > 0 &&
            observation->event_ns - TG_CLOCK_AHEAD_NS > observation->arrival_ns) {
            claim.at_ns = observation->arrival_ns;
            timeline->counters.suspect_count++;
        }
        bool is_life = false;
        const bool has_claim =
            claim_read(timeline, observation, text, text_bytes, &claim, &is_life);
        const bool is_backdated =
            claim.at_ns < hot->last_claim_ns || claim.at_ns < hot->life_last_ns;
        const uint8_t before = tg_timeline_state_at(timeline, node_id, claim.at_ns);
        if (is_life) {
            life_add(timeline, node_id, claim.at_ns);
        }
        if (has_claim) {
            claim_insert(timeline, node_id, claim);
        }
        const uint8_t after = tg_timeline_state_at(timeline, node_id, claim.at_ns);
        if (before != after) {
            const struct tg_transition change = {.at_ns = claim.at_ns,
                                                 .detected_ns = observation->arrival_ns,
                                                 .node_id = node_id,
                                                 .from = before,
                                                 .to = after,
                                                 .is_backdated = is_backdated};
            used = transition_note(timeline, &change, transitions, used, transitions_capacity);
        }
    }
    return used;
}

/* State by the claims alone, for a time before the last of them. */
static uint8_t claims_state_at(const struct tg_timeline *timeline, uint16_t node_id, int64_t at_ns)
{
    const struct claim *claims = claims_of(timeline, node_id);
    uint32_t low = 0;
    uint32_t high = timeline->hot[node_id].claims_count;
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        if (claims[middle].at_ns <= at_ns) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low == 0 ? conditions_worst(&timeline->cold[node_id].base) : claims[low - 1].state_after;
}

uint8_t tg_timeline_state_at(const struct tg_timeline *timeline, uint16_t node_id, int64_t at_ns)
{
    if (node_id == TG_NODE_ID_NONE || node_id > timeline->nodes_count) {
        return TG_NODE_UNKNOWN;
    }
    const struct hot *hot = &timeline->hot[node_id];
    if (at_ns < hot->floor_ns) {
        return TG_NODE_UNKNOWN;
    }
    const uint8_t state =
        at_ns >= hot->last_claim_ns ? hot->tip_state : claims_state_at(timeline, node_id, at_ns);
    if (state == TG_NODE_DOWN || (at_ns >= hot->live_from_ns && at_ns < hot->live_until_ns)) {
        return state;
    }
    const struct cold *cold = &timeline->cold[node_id];
    return tg_span_has(cold->life, cold->life_count, at_ns) ? state : TG_NODE_UNKNOWN;
}

bool tg_timeline_is_maintained(const struct tg_timeline *timeline, uint16_t node_id, int64_t at_ns)
{
    if (node_id == TG_NODE_ID_NONE || node_id > timeline->nodes_count) {
        return false;
    }
    const struct cold *cold = &timeline->cold[node_id];
    return tg_span_has(cold->maintenance, cold->maintenance_count, at_ns);
}

void tg_timeline_annotate(const struct tg_timeline *timeline, const uint16_t *node_ids,
                          const int64_t *start_ns, uint8_t *states, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        states[i] = tg_timeline_state_at(timeline, node_ids[i], start_ns[i]);
    }
}

/* Signs of life inside the newest span, which only make it longer: all but its end is known.
 * Returns how many of the times these are, from the first on. */
static uint32_t life_extend(struct tg_timeline *timeline, uint16_t node_id, const int64_t *event_ns,
                            uint32_t count)
{
    struct hot *hot = &timeline->hot[node_id];
    int64_t latest_ns = hot->life_last_ns;
    int64_t until_ns = hot->live_until_ns;
    uint32_t i = 0;
    for (; i < count && event_ns[i] >= hot->live_from_ns && event_ns[i] <= until_ns; i++) {
        int64_t end_ns;
        if (__builtin_add_overflow(event_ns[i], hot->stale_ns, &end_ns)) {
            end_ns = INT64_MAX;
        }
        until_ns = end_ns > until_ns ? end_ns : until_ns;
        latest_ns = event_ns[i] > latest_ns ? event_ns[i] : latest_ns;
    }
    hot->life_last_ns = latest_ns;
    if (until_ns > hot->live_until_ns) {
        struct cold *cold = &timeline->cold[node_id];
        hot->live_until_ns = until_ns;
        hot->revision++;
        cold->life[cold->life_count - 1].until_ns = until_ns;
    }
    return i;
}

/* Signs of life of one node. */
static void life_run(struct tg_timeline *timeline, uint16_t node_id, const int64_t *event_ns,
                     uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        i += life_extend(timeline, node_id, &event_ns[i], count - i);
        if (i < count) {
            life_add(timeline, node_id, event_ns[i]);
        }
    }
}

void tg_timeline_life(struct tg_timeline *timeline, const uint16_t *node_ids,
                      const int64_t *event_ns, uint32_t count)
{
    for (uint32_t from = 0; from < count;) {
        const uint16_t node_id = node_ids[from];
        uint32_t end = from + 1;
        while (end < count && node_ids[end] == node_id) {
            end++;
        }
        if (node_id != TG_NODE_ID_NONE && node_id <= timeline->nodes_count) {
            life_run(timeline, node_id, &event_ns[from], end - from);
        }
        from = end;
    }
}

bool tg_timeline_usage_between(struct tg_timeline *timeline, uint16_t node_id, int64_t first_ns,
                               int64_t last_ns, uint8_t *state)
{
    assert(first_ns <= last_ns);
    *state = TG_NODE_UNKNOWN;
    if (node_id == TG_NODE_ID_NONE || node_id > timeline->nodes_count) {
        return true;
    }
    const struct hot *hot = &timeline->hot[node_id];
    if (first_ns < hot->live_from_ns || last_ns > hot->live_until_ns ||
        first_ns < hot->last_claim_ns || first_ns < hot->floor_ns) {
        return false;
    }
    (void)life_extend(timeline, node_id, &last_ns, 1);
    *state = hot->tip_state;
    return last_ns < hot->live_until_ns;
}

void tg_timeline_usage(struct tg_timeline *timeline, uint16_t node_id, const int64_t *event_ns,
                       uint8_t *states, uint32_t count)
{
    if (node_id == TG_NODE_ID_NONE || node_id > timeline->nodes_count) {
        memset(states, TG_NODE_UNKNOWN, count);
        return;
    }
    life_run(timeline, node_id, event_ns, count);
    const struct hot hot = timeline->hot[node_id];
    for (uint32_t i = 0; i < count; i++) {
        const int64_t at_ns = event_ns[i];
        const bool is_now = at_ns >= hot.last_claim_ns && at_ns >= hot.floor_ns &&
                            at_ns >= hot.live_from_ns && at_ns < hot.live_until_ns;
        states[i] = is_now ? hot.tip_state : tg_timeline_state_at(timeline, node_id, at_ns);
    }
}

int64_t tg_timeline_life_last_ns(const struct tg_timeline *timeline, uint16_t node_id)
{
    return node_id <= timeline->nodes_count ? timeline->hot[node_id].life_last_ns : INT64_MIN;
}

uint32_t tg_timeline_revision(const struct tg_timeline *timeline, uint16_t node_id)
{
    return node_id <= timeline->nodes_count ? timeline->hot[node_id].revision : 0;
}

/* The next time after at_ns where the state may change; INT64_MAX: none. */
static int64_t boundary_after(const struct tg_timeline *timeline, uint16_t node_id, int64_t at_ns)
{
    const struct hot *hot = &timeline->hot[node_id];
    const struct cold *cold = &timeline->cold[node_id];
    const struct claim *claims = claims_of(timeline, node_id);
    int64_t next_ns = hot->floor_ns > at_ns ? hot->floor_ns : INT64_MAX;
    for (uint32_t i = 0; i < hot->claims_count; i++) {
        if (claims[i].at_ns > at_ns) {
            next_ns = claims[i].at_ns < next_ns ? claims[i].at_ns : next_ns;
            break;
        }
    }
    for (uint32_t i = 0; i < cold->life_count; i++) {
        const int64_t edge_ns = cold->life[i].from_ns > at_ns    ? cold->life[i].from_ns
                                : cold->life[i].until_ns > at_ns ? cold->life[i].until_ns
                                                                 : INT64_MAX;
        if (edge_ns != INT64_MAX) {
            next_ns = edge_ns < next_ns ? edge_ns : next_ns;
            break;
        }
    }
    return next_ns;
}

uint32_t tg_timeline_intervals(const struct tg_timeline *timeline, uint16_t node_id,
                               struct tg_interval *intervals, uint32_t intervals_capacity)
{
    if (node_id == TG_NODE_ID_NONE || node_id > timeline->nodes_count) {
        return 0;
    }
    uint32_t used = 0;
    int64_t at_ns = INT64_MIN;
    for (;;) {
        const uint8_t state = tg_timeline_state_at(timeline, node_id, at_ns);
        const int64_t next_ns = boundary_after(timeline, node_id, at_ns);
        if (used > 0 && intervals[used - 1].state == state) {
            intervals[used - 1].until_ns = next_ns;
        } else if (used < intervals_capacity) {
            intervals[used++] = (struct tg_interval){at_ns, next_ns, state, {0}};
        } else {
            return used;
        }
        if (next_ns == INT64_MAX) {
            return used;
        }
        at_ns = next_ns;
    }
}

void tg_timeline_counters_get(const struct tg_timeline *timeline,
                              struct tg_timeline_counters *counters)
{
    *counters = timeline->counters;
}
