/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers that nodes keep, whatever order they are listed in. */
#include "control/node_numbers.h"

#include "base/limits.h"
#include "health/inventory.h"
#include "store/documents.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char dir[64];
static struct tg_db *state;

static void open_all(void)
{
    (void)snprintf(dir, sizeof dir, "/tmp/tg_node_numbers_XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
    cr_assert_eq(tg_state_open(dir, false, UINT64_C(64) << 20, &state, NULL), TG_OK);
}

static void close_all(void)
{
    char command[96];
    tg_db_close(state);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", dir);
    cr_assert_eq(system(command), 0);
}

/* "a b c": names in the order of the configuration; gives the inventory they make. */
static struct tg_inventory *nodes_open(const char *names)
{
    static char text[256];
    struct tg_node_spec specs[16] = {{.name = NULL}};
    struct tg_node_numbers numbers;
    struct tg_inventory *inventory = NULL;
    struct tg_why why = {""};
    uint32_t count = 0;
    (void)snprintf(text, sizeof text, "%s", names);
    for (char *name = strtok(text, " "); name != NULL; name = strtok(NULL, " ")) {
        specs[count++].name = name;
    }
    cr_assert_eq(tg_node_numbers_apply(state, specs, count, &numbers, &why), TG_OK, "%s", why.text);
    cr_assert_eq(tg_inventory_open(numbers.specs, numbers.count, &inventory, &why), TG_OK, "%s",
                 why.text);
    tg_node_numbers_free(&numbers);
    return inventory;
}

/* "a=1 b=2": found by name under these numbers; 0: not at all. */
static void numbers_expect(const char *names, const char *wanted)
{
    struct tg_inventory *inventory = nodes_open(names);
    char text[256];
    (void)snprintf(text, sizeof text, "%s", wanted);
    for (char *name = strtok(text, " "); name != NULL; name = strtok(NULL, " ")) {
        char *number = strchr(name, '=');
        *number = '\0';
        const uint16_t id = tg_inventory_by_host(inventory, name, strlen(name));
        cr_expect_eq(id, (uint16_t)atoi(number + 1), "%s of [%s]: %u", name, names, id);
    }
    tg_inventory_close(inventory);
}

/* Otherwise whoever sorts his list of nodes, or takes one out, gives reservations, rows and alarms
 * of one node to another. */
Test(node_numbers, stay_with_their_names, .init = open_all, .fini = close_all)
{
    numbers_expect("a b c", "a=1 b=2 c=3");
    numbers_expect("c b a", "a=1 b=2 c=3");
    numbers_expect("new c a", "a=1 b=0 c=3 new=4");
    struct tg_inventory *inventory = nodes_open("new c a");
    cr_expect_str_eq(tg_inventory_node(inventory, 2)->name, "b", "the journal still tells of it");
    cr_expect(tg_inventory_node(inventory, 2)->is_gone);
    tg_inventory_close(inventory);
    numbers_expect("b new c a", "a=1 b=2 c=3 new=4");
    numbers_expect("", "a=0");
}

/* Otherwise a network that has renamed its nodes often enough cannot start any more. */
Test(node_numbers, are_given_again_when_all_are_taken, .init = open_all, .fini = close_all)
{
    static char names[TG_NODES_MAX][16];
    static struct tg_node_spec specs[TG_NODES_MAX];
    struct tg_node_numbers numbers;
    for (uint32_t i = 0; i < TG_NODES_MAX; i++) {
        (void)snprintf(names[i], sizeof names[i], "n%u", i);
        specs[i].name = names[i];
    }
    cr_assert_eq(tg_node_numbers_apply(state, specs, TG_NODES_MAX, &numbers, NULL), TG_OK);
    cr_expect_eq(numbers.count, TG_NODES_MAX);
    tg_node_numbers_free(&numbers);
    (void)snprintf(names[7], sizeof names[7], "other");
    cr_assert_eq(tg_node_numbers_apply(state, specs, TG_NODES_MAX, &numbers, NULL), TG_OK);
    cr_expect_eq(numbers.count, TG_NODES_MAX);
    cr_expect_eq(numbers.reused_count, 1);
    cr_expect_str_eq(numbers.specs[7].name, "other");
    cr_expect_not(numbers.specs[7].is_gone);
    tg_node_numbers_free(&numbers);
    cr_assert_eq(tg_node_numbers_apply(state, specs, TG_NODES_MAX, &numbers, NULL), TG_OK);
    cr_expect_eq(numbers.reused_count, 0, "written down");
    tg_node_numbers_free(&numbers);
}
