/* SPDX-License-Identifier: Apache-2.0 */
#include "health_world.h"

Test(inventory, node_is_found_by_address_name_and_host_without_case_or_domain)
{
    /* Otherwise telemetry of a known node would be counted as unknown and its alarms lost. */
    static struct world w;
    world_open(&w);
    const uint8_t known[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1};
    const uint8_t other[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 2};
    cr_expect_eq(tg_inventory_by_address(w.inventory, known), CORE);
    cr_expect_eq(tg_inventory_by_address(w.inventory, other), TG_NODE_ID_NONE);
    const struct {
        const char *host;
        uint16_t node_id;
    } rows[] = {{"core", CORE},           {"CORE", CORE},
                {"core-1.EXAMPLE.net", CORE}, {"dist-a.pop.example.net", DIST_A},
                {"10.0.0.1", 0},          {"nobody", 0},
                {"", 0},                  {".core", 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_expect_eq(tg_inventory_by_host(w.inventory, rows[i].host, strlen(rows[i].host)),
                     rows[i].node_id, "%s", rows[i].host);
    }
    cr_expect_eq(tg_inventory_by_host_key(w.inventory, tg_key_name("edge", 4)), EDGE);
    world_close(&w);
}

static enum tg_err open_chain(const char *a_parent, const char *b_parent, const char *c_parent,
                              struct tg_why *why)
{
    const char *const parents[3][1] = {{a_parent}, {b_parent}, {c_parent}};
    struct tg_group_spec groups[3];
    struct tg_node_spec specs[3];
    const char *const names[3] = {"a", "b", "c"};
    memset(specs, 0, sizeof specs);
    for (int i = 0; i < 3; i++) {
        groups[i] = (struct tg_group_spec){parents[i], 1, 1};
        specs[i].name = names[i];
        specs[i].groups = &groups[i];
        specs[i].groups_count = parents[i][0] != NULL;
    }
    struct tg_inventory *inventory = NULL;
    const enum tg_err err = tg_inventory_open(specs, 3, &inventory, why);
    tg_inventory_close(inventory);
    return err;
}

Test(inventory, a_cycle_is_refused_with_the_names_on_it)
{
    /* A cycle would make two nodes explain each other: an outage without any root cause. */
    struct tg_why why = {""};
    cr_expect_eq(open_chain("b", "c", "a", &why), TG_E_INVALID);
    cr_expect_not_null(strstr(why.text, "a -> b -> c -> a"), "%s", why.text);
    cr_expect_eq(open_chain(NULL, "b", NULL, &why), TG_E_INVALID, "a node on itself");
    cr_expect_not_null(strstr(why.text, "b -> b"), "%s", why.text);
    cr_expect_eq(open_chain("b", "c", NULL, &why), TG_OK);
    cr_expect_eq(open_chain("z", NULL, NULL, &why), TG_E_NOT_FOUND);
    cr_expect_not_null(strstr(why.text, "z"), "%s", why.text);
}

Test(inventory, impossible_groups_and_double_names_are_refused)
{
    /* 3-of-2 can never work: the node would be down for ever and hide every other fault. */
    const char *const parents[] = {"a", "a"};
    struct tg_group_spec group = {parents, 1, 2};
    struct tg_node_spec specs[2] = {{.name = "a"}, {.name = "b"}};
    struct tg_inventory *inventory = NULL;
    specs[1].groups = &group;
    specs[1].groups_count = 1;
    cr_expect_eq(tg_inventory_open(specs, 2, &inventory, NULL), TG_E_INVALID);
    group = (struct tg_group_spec){parents, 2, 1};
    cr_expect_eq(tg_inventory_open(specs, 2, &inventory, NULL), TG_E_EXISTS);
    specs[1].groups_count = 0;
    specs[1].name = "A";
    cr_expect_eq(tg_inventory_open(specs, 2, &inventory, NULL), TG_E_EXISTS);
    cr_expect_null(inventory);
}

Test(inventory, dual_homed_node_falls_only_with_both_parents)
{
    /* One lost uplink of a dual-homed node must not be reported as its customers' outage. */
    static struct world w;
    world_open(&w);
    struct tg_closure closure;
    cr_assert_eq(tg_closure_open(w.inventory, &closure), TG_OK);
    const uint16_t a[] = {DIST_A};
    const uint16_t ab[] = {DIST_A, DIST_B, DIST_A, 0, 999};
    const uint16_t core[] = {CORE};
    cr_expect_eq(tg_inventory_closure(w.inventory, &closure, a, 1), 2);
    cr_expect(tg_closure_has(&closure, LEAF) && !tg_closure_has(&closure, EDGE));
    cr_expect_eq(tg_inventory_closure(w.inventory, &closure, ab, 5), 4);
    cr_expect(tg_closure_has(&closure, EDGE) && !tg_closure_has(&closure, CORE));
    cr_expect_eq(tg_inventory_closure(w.inventory, &closure, core, 1), WORLD_NODES);
    tg_closure_close(&closure);
    world_close(&w);
}
