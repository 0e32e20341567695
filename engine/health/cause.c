/* SPDX-License-Identifier: Apache-2.0 */
#include "health/cause.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"

/* A silent parent under consideration. */
struct candidate {
    uint32_t covered_count;  /* roots it would explain */
    uint32_t observed_count; /* of these affected, not inferred */
    uint32_t impact_count;
    uint16_t node_id;
    bool is_dirty; /* something near it changed */
    bool is_acceptable;
};

/* Impact of one node as the topology and the evidence have it. */
struct impact_view {
    uint32_t impact_count;
    uint32_t down_count;
    uint32_t up_count;
};

/* What the run before said, so that problems keep their numbers. */
struct memory {
    int64_t first_seen_ns;
    uint32_t problem_number;
    uint8_t is_root;
    uint8_t reserved[3];
};

struct tg_cause {
    const struct tg_inventory *inventory;
    struct tg_cause_input *inputs; /* [nodes_count + 1] */
    struct tg_cause_node *nodes;   /* [nodes_count + 1] */
    struct memory *memories;       /* [nodes_count + 1] */
    struct candidate *candidates;  /* [nodes_count] */
    uint32_t *candidate_at;        /* [nodes_count + 1]: index + 1, or 0 */
    uint16_t *queue;               /* [nodes_count + 1] */
    uint8_t *is_dead;              /* [nodes_count + 1]: affected or inferred */
    uint32_t *group_alive;         /* [groups_count]: parents not dead */
    struct tg_problem *problems;   /* [TG_CAUSE_PROBLEMS_MAX] */
    struct tg_closure walk;        /* impact of one node */
    struct tg_closure kin;         /* descendants of one node */
    size_t size_bytes;
    uint32_t candidates_count;
    uint32_t problems_count;
    uint32_t number_last;
    const struct tg_alarm_kind *kind_inferred;
    const struct tg_alarm_kind *kind_silent;
};

static void *carve(uint8_t *block, size_t *used_bytes, size_t bytes)
{
    void *at = block == NULL ? NULL : block + *used_bytes;
    *used_bytes += (bytes + 63) & ~(size_t)63;
    return at;
}

static size_t cause_carve(struct tg_cause *cause, uint8_t *block)
{
    size_t used = 0;
    const size_t nodes = cause->inventory->nodes_count + 1u;
    (void)carve(block, &used, sizeof *cause);
    cause->inputs = carve(block, &used, nodes * sizeof *cause->inputs);
    cause->nodes = carve(block, &used, nodes * sizeof *cause->nodes);
    cause->memories = carve(block, &used, nodes * sizeof *cause->memories);
    cause->candidates = carve(block, &used, nodes * sizeof *cause->candidates);
    cause->candidate_at = carve(block, &used, nodes * sizeof *cause->candidate_at);
    cause->queue = carve(block, &used, nodes * sizeof *cause->queue);
    cause->is_dead = carve(block, &used, nodes);
    cause->group_alive =
        carve(block, &used, (cause->inventory->groups_count + 1u) * sizeof *cause->group_alive);
    cause->problems = carve(block, &used, TG_CAUSE_PROBLEMS_MAX * sizeof *cause->problems);
    return used;
}

enum tg_err tg_cause_open(const struct tg_inventory *inventory, struct tg_cause **cause)
{
    *cause = NULL;
    struct tg_cause draft = {.inventory = inventory};
    draft.size_bytes = cause_carve(&draft, NULL);
    uint8_t *block = tg_pages_take(draft.size_bytes);
    if (block == NULL) {
        return TG_E_NO_MEMORY;
    }
    (void)cause_carve(&draft, block);
    draft.kind_inferred = tg_alarm_kind_by_name("inferredOutage");
    draft.kind_silent = tg_alarm_kind_by_name("nodeSilent");
    assert(draft.kind_inferred != NULL && draft.kind_silent != NULL);
    struct tg_cause *made = (struct tg_cause *)(void *)block;
    *made = draft;
    if (tg_closure_open(inventory, &made->walk) != TG_OK ||
        tg_closure_open(inventory, &made->kin) != TG_OK) {
        tg_cause_close(made);
        return TG_E_NO_MEMORY;
    }
    *cause = made;
    return TG_OK;
}

void tg_cause_close(struct tg_cause *cause)
{
    if (cause != NULL) {
        tg_closure_close(&cause->walk);
        tg_closure_close(&cause->kin);
        tg_pages_free(cause, cause->size_bytes);
    }
}

struct tg_cause_input *tg_cause_inputs(struct tg_cause *cause)
{
    return cause->inputs;
}

static const struct tg_group *groups_of(const struct tg_cause *cause, uint16_t node_id,
                                        uint32_t *count)
{
    const struct tg_node *node = &cause->inventory->nodes[node_id];
    *count = node->groups_count;
    return &cause->inventory->groups[node->groups_first];
}

static bool is_explained(const struct tg_cause *cause, uint16_t node_id)
{
    uint32_t groups_count = 0;
    const struct tg_group *groups = groups_of(cause, node_id, &groups_count);
    for (uint32_t g = 0; g < groups_count; g++) {
        const uint32_t index = (uint32_t)(&groups[g] - cause->inventory->groups);
        if (cause->group_alive[index] < groups[g].needed_count) {
            return true;
        }
    }
    return false;
}

static void kill(struct tg_cause *cause, uint16_t node_id)
{
    const struct tg_node *node = &cause->inventory->nodes[node_id];
    assert(cause->is_dead[node_id] == 0);
    cause->is_dead[node_id] = 1;
    for (uint32_t c = 0; c < node->children_count; c++) {
        const uint32_t g = cause->inventory->child_groups[node->children_first + c];
        assert(cause->group_alive[g] > 0);
        cause->group_alive[g]--;
    }
}

/* Everything below a node by any path. */
static void kin_walk(struct tg_cause *cause, uint16_t top)
{
    struct tg_closure *kin = &cause->kin;
    (void)tg_inventory_closure(cause->inventory, kin, NULL, 0); /* a fresh epoch */
    kin->node_epoch[top] = kin->epoch;
    kin->members[kin->members_count++] = top;
    for (uint32_t done = 0; done < kin->members_count; done++) {
        const struct tg_node *node = &cause->inventory->nodes[kin->members[done]];
        for (uint32_t c = 0; c < node->children_count; c++) {
            const uint32_t g = cause->inventory->child_groups[node->children_first + c];
            const uint16_t child = cause->inventory->groups[g].node_id;
            if (kin->node_epoch[child] != kin->epoch) {
                kin->node_epoch[child] = kin->epoch;
                kin->members[kin->members_count++] = child;
            }
        }
    }
}

/* Parents of a group that work although everything outside top's kin that is dead is dead. */
static uint32_t group_alive_without(const struct tg_cause *cause, const struct tg_group *group)
{
    uint32_t alive = 0;
    for (uint32_t p = 0; p < group->parents_count; p++) {
        const uint16_t parent = cause->inventory->parents[group->parents_first + p];
        alive += cause->is_dead[parent] == 0 || tg_closure_has(&cause->kin, parent);
    }
    return alive;
}

/* What stops working because of top alone, given what is dead elsewhere. */
static struct impact_view impact_walk(struct tg_cause *cause, uint16_t top)
{
    struct tg_closure *walk = &cause->walk;
    struct impact_view view = {0, 0, 0};
    kin_walk(cause, top);
    (void)tg_inventory_closure(cause->inventory, walk, NULL, 0);
    walk->node_epoch[top] = walk->epoch;
    walk->members[walk->members_count++] = top;
    for (uint32_t done = 0; done < walk->members_count; done++) {
        const struct tg_node *node = &cause->inventory->nodes[walk->members[done]];
        for (uint32_t c = 0; c < node->children_count; c++) {
            const uint32_t g = cause->inventory->child_groups[node->children_first + c];
            const struct tg_group *group = &cause->inventory->groups[g];
            const uint16_t child = group->node_id;
            if (walk->group_epoch[g] != walk->epoch) {
                walk->group_epoch[g] = walk->epoch;
                walk->group_left[g] = group_alive_without(cause, group);
            }
            /* one that falls by the others alone is not this node's doing */
            const bool is_new = walk->group_left[g] >= group->needed_count;
            walk->group_left[g] -= walk->group_left[g] > 0;
            if (!is_new || walk->group_left[g] >= group->needed_count ||
                walk->node_epoch[child] == walk->epoch) {
                continue;
            }
            walk->node_epoch[child] = walk->epoch;
            walk->members[walk->members_count++] = child;
            view.down_count += cause->inputs[child].is_affected;
            view.up_count += cause->inputs[child].is_up;
        }
    }
    view.impact_count = walk->members_count - 1;
    return view;
}

/* Roots that would be explained if the candidate were down. */
static void candidate_cover(struct tg_cause *cause, struct candidate *candidate)
{
    const struct tg_node *node = &cause->inventory->nodes[candidate->node_id];
    (void)tg_inventory_closure(cause->inventory, &cause->walk, NULL, 0);
    candidate->covered_count = 0;
    candidate->observed_count = 0;
    for (uint32_t c = 0; c < node->children_count; c++) {
        const uint32_t g = cause->inventory->child_groups[node->children_first + c];
        const struct tg_group *group = &cause->inventory->groups[g];
        const uint16_t child = group->node_id;
        if (cause->is_dead[child] == 0 || cause->walk.node_epoch[child] == cause->walk.epoch ||
            cause->group_alive[g] == 0 || cause->group_alive[g] - 1 >= group->needed_count ||
            is_explained(cause, child)) {
            continue;
        }
        cause->walk.node_epoch[child] = cause->walk.epoch;
        candidate->covered_count++;
        candidate->observed_count += cause->inputs[child].is_affected;
    }
}

static void candidate_judge(struct tg_cause *cause, struct candidate *candidate)
{
    candidate->is_dirty = false;
    candidate->is_acceptable = false;
    candidate_cover(cause, candidate);
    /* an inferred root alone proves nothing about its parent: the chain would climb to the top */
    if (candidate->observed_count == 0 && candidate->covered_count < 2) {
        return;
    }
    const struct impact_view view = impact_walk(cause, candidate->node_id);
    const uint32_t observed = view.down_count + view.up_count;
    candidate->impact_count = view.impact_count;
    candidate->is_acceptable =
        view.up_count == 0 && view.down_count * 100 >= observed * TG_CAUSE_DOWN_PERCENT_MIN;
}

/* Parents of a root become candidates, or must be judged again. */
static void candidates_touch(struct tg_cause *cause, uint16_t root)
{
    uint32_t groups_count = 0;
    const struct tg_group *groups = groups_of(cause, root, &groups_count);
    for (uint32_t g = 0; g < groups_count; g++) {
        for (uint32_t p = 0; p < groups[g].parents_count; p++) {
            const uint16_t parent = cause->inventory->parents[groups[g].parents_first + p];
            if (cause->is_dead[parent] != 0 || cause->inputs[parent].is_up) {
                continue;
            }
            if (cause->candidate_at[parent] == 0) {
                cause->candidates[cause->candidates_count++] =
                    (struct candidate){.node_id = parent};
                cause->candidate_at[parent] = cause->candidates_count;
            }
            cause->candidates[cause->candidate_at[parent] - 1].is_dirty = true;
        }
    }
}

static struct candidate *candidate_best(struct tg_cause *cause)
{
    struct candidate *best = NULL;
    for (uint32_t i = 0; i < cause->candidates_count; i++) {
        struct candidate *one = &cause->candidates[i];
        if (cause->is_dead[one->node_id] != 0) {
            continue;
        }
        if (one->is_dirty) {
            candidate_judge(cause, one);
        }
        if (!one->is_acceptable) {
            continue;
        }
        const bool is_better =
            best == NULL || one->covered_count > best->covered_count ||
            (one->covered_count == best->covered_count &&
             (one->impact_count < best->impact_count ||
              (one->impact_count == best->impact_count && one->node_id < best->node_id)));
        best = is_better ? one : best;
    }
    return best;
}

/* Greedy cover; every round kills one node, so there are at most nodes_count rounds. */
static void silent_parents_infer(struct tg_cause *cause)
{
    cause->candidates_count = 0;
    memset(cause->candidate_at, 0,
           (cause->inventory->nodes_count + 1u) * sizeof *cause->candidate_at);
    for (uint32_t id = 1; id <= cause->inventory->nodes_count; id++) {
        if (cause->is_dead[id] != 0 && !is_explained(cause, (uint16_t)id)) {
            candidates_touch(cause, (uint16_t)id);
        }
    }
    for (;;) {
        const struct candidate *best = candidate_best(cause);
        if (best == NULL) {
            return;
        }
        const uint16_t parent = best->node_id;
        const struct tg_node *node = &cause->inventory->nodes[parent];
        kill(cause, parent);
        cause->nodes[parent].is_inferred = 1;
        for (uint32_t c = 0; c < node->children_count; c++) {
            const uint32_t g = cause->inventory->child_groups[node->children_first + c];
            candidates_touch(cause, cause->inventory->groups[g].node_id);
        }
        if (!is_explained(cause, parent)) {
            candidates_touch(cause, parent);
        }
    }
}

/* Hand every explained node the nearest root above it, breadth first from all roots at once. */
static void roots_spread(struct tg_cause *cause)
{
    uint32_t tail = 0;
    for (uint32_t id = 1; id <= cause->inventory->nodes_count; id++) {
        if (cause->is_dead[id] != 0 && !is_explained(cause, (uint16_t)id)) {
            cause->nodes[id].root_id = (uint16_t)id;
            cause->nodes[id].is_root = 1;
            cause->queue[tail++] = (uint16_t)id;
        }
    }
    for (uint32_t head = 0; head < tail; head++) {
        const uint16_t id = cause->queue[head];
        const struct tg_node *node = &cause->inventory->nodes[id];
        for (uint32_t c = 0; c < node->children_count; c++) {
            const uint32_t g = cause->inventory->child_groups[node->children_first + c];
            const struct tg_group *group = &cause->inventory->groups[g];
            const uint16_t child = group->node_id;
            if (cause->is_dead[child] != 0 && cause->nodes[child].root_id == 0 &&
                cause->group_alive[g] < group->needed_count) {
                cause->nodes[child].root_id = cause->nodes[id].root_id;
                cause->queue[tail++] = child;
            }
        }
    }
}

static uint8_t confidence_of(const struct tg_problem *problem)
{
    const uint32_t observed = problem->impact_down_count + problem->impact_up_count;
    uint32_t percent = observed == 0 ? 100 : problem->impact_down_count * 100 / observed;
    if (problem->is_late != 0 && percent > 90) {
        percent = 90;
    }
    /* measured: a silent root that explains one or two nodes is often another one */
    const uint32_t limit = problem->is_inferred == 0    ? 100
                           : problem->covered_count < 2 ? 50
                           : problem->covered_count < 3 ? 70
                                                        : 100;
    return (uint8_t)(percent < limit ? percent : limit);
}

/* Members of each problem, found by one pass over the nodes; nodes[root].problem_number holds the
 * problem's index + 1 meanwhile. */
static void problems_collect(struct tg_cause *cause)
{
    cause->problems_count = 0;
    for (uint32_t id = 1; id <= cause->inventory->nodes_count; id++) {
        if (cause->nodes[id].is_root == 0 || cause->problems_count == TG_CAUSE_PROBLEMS_MAX) {
            continue;
        }
        const struct impact_view view = impact_walk(cause, (uint16_t)id);
        cause->problems[cause->problems_count++] =
            (struct tg_problem){.since_ns = INT64_MAX,
                                .impact_count = view.impact_count,
                                .impact_down_count = view.down_count,
                                .impact_up_count = view.up_count,
                                .root_id = (uint16_t)id,
                                .is_inferred = cause->nodes[id].is_inferred};
        cause->nodes[id].problem_number = cause->problems_count;
    }
    for (uint32_t id = 1; id <= cause->inventory->nodes_count; id++) {
        const uint16_t root = cause->nodes[id].root_id;
        if (root == 0 || cause->nodes[root].problem_number == 0) {
            continue;
        }
        struct tg_problem *problem = &cause->problems[cause->nodes[root].problem_number - 1];
        cause->nodes[id].problem_number = cause->nodes[root].problem_number;
        problem->covered_count += id != root && cause->inputs[id].is_affected;
        if (!cause->inputs[id].is_affected) {
            continue;
        }
        const int64_t since_ns = cause->inputs[id].since_ns;
        problem->since_ns = since_ns < problem->since_ns ? since_ns : problem->since_ns;
    }
    for (uint32_t i = 0; i < cause->problems_count; i++) {
        struct tg_problem *problem = &cause->problems[i];
        const struct tg_cause_input *root = &cause->inputs[problem->root_id];
        problem->is_late = root->is_affected && root->since_ns > problem->since_ns &&
                           root->since_ns - TG_CAUSE_SKEW_NS > problem->since_ns;
        problem->confidence_percent = confidence_of(problem);
    }
}

static bool number_is_taken(const struct tg_cause *cause, uint32_t number)
{
    for (uint32_t i = 0; i < cause->problems_count; i++) {
        if (cause->problems[i].number == number) {
            return true;
        }
    }
    return false;
}

/* A root seen before keeps its problem; a new root takes over the problem its members were in. */
static void problems_number(struct tg_cause *cause, int64_t now_ns)
{
    for (uint32_t i = 0; i < cause->problems_count; i++) {
        struct tg_problem *problem = &cause->problems[i];
        const struct memory *memory = &cause->memories[problem->root_id];
        problem->first_seen_ns = now_ns;
        if (memory->is_root != 0) {
            problem->number = memory->problem_number;
            problem->first_seen_ns = memory->first_seen_ns;
        }
    }
    for (uint32_t id = 1; id <= cause->inventory->nodes_count; id++) {
        const uint32_t index = cause->nodes[id].problem_number;
        const uint32_t before = cause->memories[id].problem_number;
        if (index != 0 && before != 0 && cause->problems[index - 1].number == 0 &&
            !number_is_taken(cause, before)) {
            cause->problems[index - 1].number = before;
        }
    }
    for (uint32_t i = 0; i < cause->problems_count; i++) {
        struct tg_problem *problem = &cause->problems[i];
        if (problem->number == 0) {
            problem->number = ++cause->number_last;
        }
        problem->is_settled = now_ns - problem->first_seen_ns >= TG_CAUSE_SETTLE_NS;
    }
    for (uint32_t id = 1; id <= cause->inventory->nodes_count; id++) {
        struct tg_cause_node *node = &cause->nodes[id];
        struct memory *memory = &cause->memories[id];
        *memory = (struct memory){.problem_number = 0};
        if (node->problem_number != 0) {
            const struct tg_problem *problem = &cause->problems[node->problem_number - 1];
            node->problem_number = problem->number;
            node->confidence_percent = problem->confidence_percent;
            memory->problem_number = problem->number;
            memory->is_root = node->is_root;
            memory->first_seen_ns = problem->first_seen_ns;
        }
    }
}

/* By number; insertion sort: the list is short and nearly sorted from run to run. */
static void problems_sort(struct tg_cause *cause)
{
    for (uint32_t i = 1; i < cause->problems_count; i++) {
        const struct tg_problem problem = cause->problems[i];
        uint32_t at = i;
        for (; at > 0 && cause->problems[at - 1].number > problem.number; at--) {
            cause->problems[at] = cause->problems[at - 1];
        }
        cause->problems[at] = problem;
    }
}

uint32_t tg_cause_run(struct tg_cause *cause, int64_t now_ns)
{
    const struct tg_inventory *inventory = cause->inventory;
    memset(cause->nodes, 0, (inventory->nodes_count + 1u) * sizeof *cause->nodes);
    memset(cause->is_dead, 0, inventory->nodes_count + 1u);
    for (uint32_t g = 0; g < inventory->groups_count; g++) {
        cause->group_alive[g] = inventory->groups[g].parents_count;
    }
    for (uint32_t id = 1; id <= inventory->nodes_count; id++) {
        if (cause->inputs[id].is_affected) {
            kill(cause, (uint16_t)id);
        }
    }
    silent_parents_infer(cause);
    roots_spread(cause);
    problems_collect(cause);
    problems_number(cause, now_ns);
    problems_sort(cause);
    return cause->problems_count;
}

const struct tg_problem *tg_cause_problems(const struct tg_cause *cause, uint32_t *problems_count)
{
    *problems_count = cause->problems_count;
    return cause->problems;
}

const struct tg_cause_node *tg_cause_node_get(const struct tg_cause *cause, uint16_t node_id)
{
    return &cause->nodes[node_id <= cause->inventory->nodes_count ? node_id : 0];
}

struct observe_context {
    const struct tg_cause *cause;
    struct tg_cause_input *input;
};

static bool observe_alarm(void *context, const struct tg_alarm *alarm)
{
    const struct observe_context *observe = context;
    /* our own verdict is no evidence for itself */
    if (alarm->state.is_cleared == 0 && alarm->kind->is_service_affecting &&
        alarm->kind != observe->cause->kind_inferred) {
        struct tg_cause_input *input = observe->input;
        const int64_t since_ns = alarm->state.last_raised_ns;
        input->since_ns =
            !input->is_affected || since_ns < input->since_ns ? since_ns : input->since_ns;
        input->is_affected = true;
    }
    return true;
}

void tg_cause_observe(struct tg_cause *cause, const struct tg_timeline *timeline,
                      const struct tg_alarm_set *alarms, int64_t now_ns)
{
    for (uint32_t i = 1; i <= cause->inventory->nodes_count; i++) {
        const uint16_t id = (uint16_t)i;
        struct tg_cause_input *input = &cause->inputs[id];
        const uint8_t state = tg_timeline_state_at(timeline, id, now_ns);
        struct observe_context observe = {cause, input};
        *input = (struct tg_cause_input){.since_ns = now_ns};
        tg_alarm_set_visit_node(alarms, id, observe_alarm, &observe);
        input->is_affected |= state == TG_NODE_DOWN;
        const int64_t life_ns = tg_timeline_life_last_ns(timeline, id);
        input->is_up = !input->is_affected && state != TG_NODE_UNKNOWN && life_ns != INT64_MIN &&
                       now_ns - TG_CAUSE_WINDOW_NS <= life_ns;
    }
}

/* The alarm of the root that names the cause: lowest layer, then worst, then first. */
struct pick_context {
    const struct tg_alarm *best;
    int64_t since_ns; /* first service-affecting trouble of the node */
};

static bool pick_alarm(void *context, const struct tg_alarm *alarm)
{
    struct pick_context *pick = context;
    const struct tg_alarm *best = pick->best;
    /* what touches no service is a cause only when it came first: a fan, then the card */
    if (alarm->state.is_cleared != 0 || alarm->kind->layer == TG_LAYER_QUALITY ||
        (!alarm->kind->is_service_affecting && alarm->state.last_raised_ns > pick->since_ns)) {
        return true;
    }
    if (best == NULL || alarm->kind->layer < best->kind->layer) {
        pick->best = alarm;
    } else if (alarm->kind->layer == best->kind->layer) {
        const bool is_worse = alarm->state.severity > best->state.severity;
        const bool is_same = alarm->state.severity == best->state.severity;
        if (is_worse || (is_same && alarm->state.last_raised_ns < best->state.last_raised_ns)) {
            pick->best = alarm;
        }
    }
    return true;
}

struct publish_context {
    struct tg_cause *cause;
    struct tg_alarm_set *alarms;
    const struct tg_problem *problem; /* NULL: the node is in none */
    int64_t now_ns;
};

static bool publish_alarm(void *context, const struct tg_alarm *alarm)
{
    const struct publish_context *publish = context;
    const struct tg_problem *problem = publish->problem;
    struct tg_alarm_verdict verdict = {0};
    const bool is_symptom = alarm->kind->is_service_affecting ||
                            alarm->kind == publish->cause->kind_silent ||
                            (problem != NULL && alarm->number == problem->root_alarm_number);
    if (problem != NULL && alarm->state.is_cleared == 0 && is_symptom) {
        verdict.is_root_cause = alarm->number == problem->root_alarm_number;
        verdict.parent_number = verdict.is_root_cause ? 0 : problem->root_alarm_number;
        verdict.is_by_root = verdict.parent_number != 0;
        verdict.problem_number = problem->number;
        verdict.confidence_percent = problem->confidence_percent;
    }
    tg_alarm_set_verdict(publish->alarms, alarm->number, &verdict, publish->now_ns);
    return true;
}

static void inferred_report(struct tg_cause *cause, struct tg_alarm_set *alarms, uint16_t node_id,
                            int64_t at_ns, int64_t now_ns, uint8_t action)
{
    const struct tg_alarm *known = tg_alarm_set_find(alarms, node_id, cause->kind_inferred, 0);
    const bool is_active = known != NULL && known->state.is_cleared == 0;
    if (is_active == (action == TG_ALARM_RAISE)) {
        return;
    }
    if (known != NULL && at_ns <= known->state.last_seen_ns) {
        at_ns = known->state.last_seen_ns + 1;
    }
    if (known != NULL && known->state.cleared_ns != INT64_MIN && at_ns <= known->state.cleared_ns) {
        at_ns = known->state.cleared_ns + 1;
    }
    const struct tg_alarm_event event = {
        .kind = cause->kind_inferred,
        .text = cause->kind_inferred->specific_problem,
        .text_bytes = (uint32_t)strlen(cause->kind_inferred->specific_problem),
        .event_ns = at_ns,
        .arrival_ns = now_ns,
        .node_id = node_id,
        .action = action};
    (void)tg_alarm_set_report(alarms, &event);
}

static void root_alarms_find(struct tg_cause *cause, struct tg_alarm_set *alarms, int64_t now_ns)
{
    for (uint32_t i = 0; i < cause->problems_count; i++) {
        struct tg_problem *problem = &cause->problems[i];
        struct pick_context pick = {NULL, cause->inputs[problem->root_id].since_ns};
        if (problem->is_inferred != 0) {
            const int64_t since_ns = problem->since_ns < now_ns ? problem->since_ns : now_ns;
            inferred_report(cause, alarms, problem->root_id, since_ns, now_ns, TG_ALARM_RAISE);
            pick.best = tg_alarm_set_find(alarms, problem->root_id, cause->kind_inferred, 0);
        } else {
            tg_alarm_set_visit_node(alarms, problem->root_id, pick_alarm, &pick);
        }
        problem->root_alarm_number = pick.best == NULL ? 0 : pick.best->number;
    }
}

void tg_cause_publish(struct tg_cause *cause, struct tg_alarm_set *alarms, int64_t now_ns)
{
    for (uint32_t i = 1; i <= cause->inventory->nodes_count; i++) {
        const struct tg_cause_node *node = &cause->nodes[i];
        const bool is_inferred_root = node->is_inferred != 0 && node->is_root != 0;
        if (!is_inferred_root) {
            inferred_report(cause, alarms, (uint16_t)i, now_ns, now_ns, TG_ALARM_CLEAR);
        }
    }
    root_alarms_find(cause, alarms, now_ns);
    /* problem of each node by number: problems are sorted by it */
    for (uint32_t i = 1; i <= cause->inventory->nodes_count; i++) {
        struct publish_context publish = {cause, alarms, NULL, now_ns};
        const uint32_t number = cause->nodes[i].problem_number;
        uint32_t low = 0;
        uint32_t high = cause->problems_count;
        while (number != 0 && low < high) {
            const uint32_t middle = (low + high) / 2;
            if (cause->problems[middle].number < number) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        if (number != 0 && low < cause->problems_count) {
            publish.problem = &cause->problems[low];
        }
        tg_alarm_set_visit_node(alarms, (uint16_t)i, publish_alarm, &publish);
    }
}
