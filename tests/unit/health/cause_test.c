/* SPDX-License-Identifier: Apache-2.0 */
#include "health_world.h"

#define NODES  120
#ifdef TG_SANITIZED
#define TRIALS 100 /* the measured 500 are for the build that is fast enough */
#else
#define TRIALS 500
#endif
#define SMALL  6

/* A random tree; about a third of the nodes hang on two parents, either suffices. */
struct network {
    char names[NODES][8];
    const char *parents[NODES][2];
    struct tg_group_spec groups[NODES];
    struct tg_node_spec specs[NODES];
    struct tg_inventory *inventory;
    struct tg_closure closure;
};

static void network_open(struct network *net, uint64_t *seed)
{
    memset(net, 0, sizeof *net);
    for (uint32_t i = 0; i < NODES; i++) {
        (void)snprintf(net->names[i], sizeof net->names[i], "n%u", i);
        net->specs[i].name = net->names[i];
        if (i == 0) {
            continue;
        }
        /* parents near the top make the outages of a carrier: few large, many small */
        const uint32_t first = (uint32_t)(world_random(seed) % (i < 30 ? i : i / 2));
        const uint32_t second = (uint32_t)(world_random(seed) % (i < 30 ? i : i / 2));
        const bool is_dual = world_random(seed) % 3 == 0 && first != second;
        net->parents[i][0] = net->names[first];
        net->parents[i][1] = net->names[second];
        net->groups[i] = (struct tg_group_spec){net->parents[i], is_dual ? 2 : 1, 1};
        net->specs[i].groups = &net->groups[i];
        net->specs[i].groups_count = 1;
    }
    cr_assert_eq(tg_inventory_open(net->specs, NODES, &net->inventory, NULL), TG_OK);
    cr_assert_eq(tg_closure_open(net->inventory, &net->closure), TG_OK);
}

static void network_close(struct network *net)
{
    tg_closure_close(&net->closure);
    tg_inventory_close(net->inventory);
}

struct score {
    uint32_t trials;
    uint32_t recalled;
    uint32_t exact;
    uint32_t alarms;
};

/* One outage: a node fails, all that depend on it fail; each alarm is lost with loss_percent. */
static bool trial(uint64_t *seed, uint32_t loss_percent, bool is_root_silent, uint32_t unknown_up,
                  uint32_t outage_min, struct score *score)
{
    static struct network net;
    network_open(&net, seed);
    const uint16_t root = (uint16_t)(1 + world_random(seed) % NODES);
    const uint32_t dead = tg_inventory_closure(net.inventory, &net.closure, &root, 1);
    const bool is_wanted = dead >= outage_min && dead < NODES;
    if (is_wanted) {
        struct tg_cause *cause = NULL;
        cr_assert_eq(tg_cause_open(net.inventory, &cause), TG_OK);
        struct tg_cause_input *inputs = tg_cause_inputs(cause);
        for (uint16_t id = 1; id <= NODES; id++) {
            const bool is_dead = tg_closure_has(&net.closure, id);
            const bool is_lost = world_random(seed) % 100 < loss_percent;
            inputs[id].is_affected = is_dead && !is_lost && !(is_root_silent && id == root);
            inputs[id].is_up = !is_dead && world_random(seed) % 100 >= unknown_up;
            inputs[id].since_ns = T0;
            score->alarms += inputs[id].is_affected;
        }
        const uint32_t count = tg_cause_run(cause, T0);
        uint32_t problems_count = 0;
        const struct tg_problem *problems = tg_cause_problems(cause, &problems_count);
        cr_assert_eq(count, problems_count);
        bool is_found = false;
        for (uint32_t i = 0; i < count; i++) {
            is_found |= problems[i].root_id == root;
        }
        score->trials++;
        score->recalled += is_found;
        score->exact += is_found && count == 1;
        tg_cause_close(cause);
    }
    network_close(&net);
    return is_wanted;
}

Test(cause, the_measured_experiment_is_reproduced, .timeout = 600)
{
    /* Below these an operator is sent to the wrong site more often than the method allows. */
    const struct {
        const char *name;
        uint32_t loss_percent;
        bool is_root_silent;
        uint32_t unknown_up;
        uint32_t recall_min; /* per thousand */
        uint32_t exact_min;
    } rows[] = {
        {"no loss", 0, false, 0, 1000, 1000},
        {"10 % loss", 10, false, 0, 970, 750},
        {"30 % loss", 30, false, 0, 930, 600},
        {"silent root", 0, true, 0, 880, 750},
        {"10 % loss, 5 % of the up nodes unknown", 10, false, 5, 960, 720},
        {"silent root, 5 % of the up nodes unknown", 0, true, 5, 860, 700},
        {"silent root, half of the up nodes unknown", 0, true, 50, 860, 700},
        {"silent root, nothing proved up", 0, true, 100, 500, 400},
        /* the limit of the method: without any proof of life the parent is suspected too */
        {"30 % loss, nothing proved up", 30, false, 100, 400, 400},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct score score = {0, 0, 0, 0};
        uint64_t seed = 424242;
        while (score.trials < TRIALS) {
            (void)trial(&seed, rows[i].loss_percent, rows[i].is_root_silent, rows[i].unknown_up,
                        SMALL, &score);
        }
        printf("cause: %-42s recall %u.%u %% exact %u.%u %% (%u.%u alarms a trial)\n",
               rows[i].name, score.recalled * 1000 / TRIALS / 10,
               score.recalled * 1000 / TRIALS % 10, score.exact * 1000 / TRIALS / 10,
               score.exact * 1000 / TRIALS % 10, score.alarms / TRIALS,
               score.alarms * 10 / TRIALS % 10);
        cr_expect_geq(score.recalled * 1000 / TRIALS, rows[i].recall_min, "%s", rows[i].name);
        cr_expect_geq(score.exact * 1000 / TRIALS, rows[i].exact_min, "%s", rows[i].name);
    }
}

static void affect(struct tg_cause *cause, uint16_t node_id, int64_t at_s)
{
    struct tg_cause_input *input = &tg_cause_inputs(cause)[node_id];
    *input = (struct tg_cause_input){T0 + at_s * S, true, false};
}

static void prove_up(struct tg_cause *cause, uint16_t node_id)
{
    tg_cause_inputs(cause)[node_id] = (struct tg_cause_input){0, false, true};
}

Test(cause, dual_homing_silence_and_proof_of_life_decide_who_is_blamed)
{
    /* A parent that carries traffic must never be blamed for its child. */
    static struct world w;
    world_open(&w);
    struct tg_cause *cause = NULL;
    uint32_t count = 0;
    cr_assert_eq(tg_cause_open(w.inventory, &cause), TG_OK);
    affect(cause, EDGE, 0);
    affect(cause, DIST_A, 0);
    prove_up(cause, DIST_B);
    prove_up(cause, CORE);
    cr_expect_eq(tg_cause_run(cause, T0), 2, "one of two uplinks explains nothing");
    affect(cause, DIST_B, 0);
    affect(cause, LEAF, 0);
    cr_expect_eq(tg_cause_run(cause, T0), 2, "the core is proved up: two roots");
    cr_expect_eq(tg_cause_node_get(cause, LEAF)->root_id, DIST_A);
    tg_cause_inputs(cause)[CORE] = (struct tg_cause_input){0, false, false};
    cr_expect_eq(tg_cause_run(cause, T0), 1, "a silent core explains both");
    const struct tg_problem *problem = tg_cause_problems(cause, &count);
    cr_expect_eq(problem->root_id, CORE);
    cr_expect_eq(problem->is_inferred, 1);
    cr_expect_eq(problem->covered_count, 4);
    cr_expect_eq(problem->impact_count, 4);
    cr_expect_eq(problem->confidence_percent, 100);
    prove_up(cause, EDGE);
    cr_expect_eq(tg_cause_run(cause, T0), 2, "an edge that is up proves the core up");
    for (uint16_t id = 1; id <= WORLD_NODES; id++) {
        tg_cause_inputs(cause)[id] = (struct tg_cause_input){0, false, false};
    }
    affect(cause, LEAF, 0);
    cr_expect_eq(tg_cause_run(cause, T0), 1);
    problem = tg_cause_problems(cause, &count);
    cr_expect_eq(problem->root_id, DIST_A, "no climbing from one leaf to the core");
    cr_expect_eq(problem->confidence_percent, 50, "a guess is marked as one");
    tg_cause_close(cause);
    world_close(&w);
}

Test(cause, one_child_that_works_clears_its_parent_of_suspicion)
{
    /* Nine of ten down is over 80 %, yet the tenth carries traffic: the hub must be working. */
    static const char *const hub[] = {"hub"};
    static const struct tg_group_spec on_hub = {hub, 1, 1};
    static char names[11][8];
    struct tg_node_spec specs[11];
    struct tg_inventory *inventory = NULL;
    struct tg_cause *cause = NULL;
    memset(specs, 0, sizeof specs);
    specs[0].name = "hub";
    for (uint32_t i = 1; i < 11; i++) {
        (void)snprintf(names[i], sizeof names[i], "c%u", i);
        specs[i] = (struct tg_node_spec){.name = names[i], .groups = &on_hub, .groups_count = 1};
    }
    cr_assert_eq(tg_inventory_open(specs, 11, &inventory, NULL), TG_OK);
    cr_assert_eq(tg_cause_open(inventory, &cause), TG_OK);
    for (uint16_t id = 2; id <= 10; id++) {
        affect(cause, id, 0);
    }
    cr_expect_eq(tg_cause_run(cause, T0), 1, "nothing is known of the tenth");
    prove_up(cause, 11);
    cr_expect_eq(tg_cause_run(cause, T0), 9);
    tg_cause_close(cause);
    tg_inventory_close(inventory);
}

Test(cause, a_problem_keeps_its_number_when_its_root_changes_and_settles)
{
    /* A ticket must not be opened anew each time one more alarm of the same outage arrives. */
    static struct world w;
    world_open(&w);
    struct tg_cause *cause = NULL;
    uint32_t count = 0;
    cr_assert_eq(tg_cause_open(w.inventory, &cause), TG_OK);
    prove_up(cause, CORE);
    affect(cause, LEAF, 0);
    prove_up(cause, DIST_A);
    prove_up(cause, DIST_B);
    (void)tg_cause_run(cause, T0);
    const uint32_t number = tg_cause_problems(cause, &count)->number;
    cr_expect_eq(tg_cause_problems(cause, &count)->root_id, LEAF);
    affect(cause, DIST_A, 40);
    (void)tg_cause_run(cause, T0 + 40 * S);
    const struct tg_problem *problem = tg_cause_problems(cause, &count);
    cr_expect_eq(count, 1);
    cr_expect_eq(problem->root_id, DIST_A);
    cr_expect_eq(problem->number, number);
    cr_expect_eq(problem->is_settled, 0);
    cr_expect_eq(problem->is_late, 1, "a root 40 s after its child is doubted");
    cr_expect_eq(problem->confidence_percent, 90);
    (void)tg_cause_run(cause, T0 + 70 * S);
    cr_expect_eq(tg_cause_problems(cause, &count)->is_settled, 1);
    affect(cause, DIST_B, 70);
    (void)tg_cause_run(cause, T0 + 71 * S);
    problem = tg_cause_problems(cause, &count);
    cr_expect_eq(count, 2);
    cr_expect_eq(problem[0].number, number);
    cr_expect_neq(problem[1].number, number);
    tg_cause_close(cause);
    world_close(&w);
}

static const struct tg_alarm *alarm_of(const struct world *w, uint16_t node_id, const char *kind)
{
    const struct tg_alarm *found = NULL;
    for (uint32_t number = 1; number < 100; number++) {
        const struct tg_alarm *alarm = tg_alarm_set_by_number(w->alarms, number);
        if (alarm != NULL && alarm->node_id == node_id && strcmp(alarm->kind->name, kind) == 0) {
            found = alarm;
        }
    }
    return found;
}

Test(cause, the_failing_parent_is_named_on_the_alarms_of_its_children)
{
    /* This is what an operator reads: one cause first, the rest below it. */
    static struct world w;
    world_open(&w);
    struct tg_cause *cause = NULL;
    cr_assert_eq(tg_cause_open(w.inventory, &cause), TG_OK);
    world_say(&w, CORE, T0, "keepalive");
    world_say(&w, DIST_A, T0 + 1 * S, "Fan tray 1 failed");
    world_say(&w, DIST_A, T0 + 2 * S, "BGP neighbor 10.0.0.1 Down");
    world_say(&w, DIST_A, T0 + 3 * S, "AC power failure");
    world_say(&w, LEAF, T0 + 5 * S, "Interface up-1, changed state to down");
    world_say(&w, LEAF, T0 + 6 * S, "Fan tray 2 failed");
    world_say(&w, EDGE, T0 + 6 * S, "keepalive");
    tg_cause_observe(cause, w.timeline, w.alarms, T0 + 10 * S);
    cr_assert_eq(tg_cause_run(cause, T0 + 10 * S), 1);
    tg_cause_publish(cause, w.alarms, T0 + 10 * S);
    const struct tg_alarm *root = alarm_of(&w, DIST_A, "powerFailure");
    cr_expect_eq(root->is_root_cause, 1, "power before protocol");
    cr_expect_eq(root->parent_number, 0);
    cr_expect_eq(alarm_of(&w, DIST_A, "bgpDown")->parent_number, root->number);
    const struct tg_alarm *child = alarm_of(&w, LEAF, "linkDown");
    cr_expect_eq(child->parent_number, root->number);
    cr_expect_eq(tg_alarm_suppress_at(child, T0 + 10 * S), TG_SUPPRESS_BY_ROOT);
    cr_expect_eq(child->problem_number, root->problem_number);
    cr_expect_eq(alarm_of(&w, LEAF, "fanFailed")->parent_number, 0, "a fan is its own trouble");
    world_say(&w, DIST_A, T0 + 20 * S, "power restored");
    world_say(&w, DIST_A, T0 + 20 * S, "BGP neighbor 10.0.0.1 Up");
    world_say(&w, DIST_A, T0 + 21 * S, "keepalive");
    tg_cause_observe(cause, w.timeline, w.alarms, T0 + 30 * S);
    (void)tg_cause_run(cause, T0 + 30 * S);
    tg_cause_publish(cause, w.alarms, T0 + 30 * S);
    cr_expect_eq(child->is_root_cause, 1, "the parent is well: the link itself is at fault");
    cr_expect_eq(child->is_by_root, 0);
    cr_expect_eq(root->is_root_cause, 0);
    tg_cause_close(cause);
    world_close(&w);
}

Test(cause, a_silent_parent_gets_an_alarm_of_its_own_that_ends_with_the_inference)
{
    /* The node that is truly dead says nothing: without this nobody would be sent there. */
    static struct world w;
    world_open(&w);
    struct tg_cause *cause = NULL;
    cr_assert_eq(tg_cause_open(w.inventory, &cause), TG_OK);
    world_say(&w, DIST_A, T0, "Interface up-1, changed state to down");
    world_say(&w, DIST_B, T0 + 1 * S, "Interface up-1, changed state to down");
    for (int run = 0; run < 3; run++) {
        tg_cause_observe(cause, w.timeline, w.alarms, T0 + (10 + run) * S);
        cr_expect_eq(tg_cause_run(cause, T0 + (10 + run) * S), 1, "run %d", run);
        tg_cause_publish(cause, w.alarms, T0 + (10 + run) * S);
        const struct tg_alarm *inferred = alarm_of(&w, CORE, "inferredOutage");
        cr_assert_not_null(inferred);
        cr_expect(inferred->state.is_cleared == 0 && inferred->is_root_cause == 1, "run %d", run);
        cr_expect_eq(inferred->state.raises_count, 1);
        cr_expect_eq(inferred->confidence_percent, 70);
        cr_expect_eq(alarm_of(&w, DIST_B, "linkDown")->parent_number, inferred->number);
    }
    const uint16_t core[] = {CORE};
    const int64_t life_ns[] = {T0 + 20 * S};
    tg_timeline_life(w.timeline, core, life_ns, 1); /* usage came from it */
    tg_cause_observe(cause, w.timeline, w.alarms, T0 + 20 * S);
    cr_expect_eq(tg_cause_run(cause, T0 + 20 * S), 2);
    tg_cause_publish(cause, w.alarms, T0 + 20 * S);
    cr_expect_eq(alarm_of(&w, CORE, "inferredOutage")->state.is_cleared, 1);
    cr_expect_eq(alarm_of(&w, DIST_B, "linkDown")->parent_number, 0);
    tg_cause_close(cause);
    world_close(&w);
}
