/* SPDX-License-Identifier: Apache-2.0 */
#include "health/inventory.h"

#include <assert.h>
#include <string.h>

#include "abi/key.h"
#include "base/arena.h"

#define HOST_BYTES_MAX 255u
#define SLOT_NAME      1u
#define SLOT_ADDRESS   2u

/* Not TG_CLOCK constants: an interval is compared and multiplied by ten at most. */
#define INTERVAL_NS_MAX (INT64_MAX / 16)

/* Finding a parent's number while the inventory is half made. */
struct builder {
    const struct tg_node_spec *specs;
    struct tg_inventory *inventory;
    struct tg_why *why;
};

static uint64_t key_lower(const char *text, size_t text_bytes)
{
    char lower[HOST_BYTES_MAX];
    assert(text_bytes <= HOST_BYTES_MAX);
    for (size_t i = 0; i < text_bytes; i++) {
        const char c = text[i];
        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
    return tg_key_name(lower, text_bytes);
}

static uint16_t slot_find(const struct tg_inventory *inventory, uint64_t key, uint16_t kind)
{
    for (uint32_t at = (uint32_t)key & inventory->slots_mask;;
         at = (at + 1) & inventory->slots_mask) {
        const struct tg_inventory_slot *slot = &inventory->slots[at];
        if (slot->kind == 0) {
            return TG_NODE_ID_NONE;
        }
        if (slot->key == key && slot->kind == kind) {
            return slot->node_id;
        }
    }
}

uint16_t tg_inventory_by_address(const struct tg_inventory *inventory, const uint8_t address[16])
{
    return slot_find(inventory, tg_key_name(address, 16), SLOT_ADDRESS);
}

uint16_t tg_inventory_by_host_key(const struct tg_inventory *inventory, uint64_t key)
{
    return slot_find(inventory, key, SLOT_NAME);
}

uint16_t tg_inventory_by_host(const struct tg_inventory *inventory, const char *host,
                              size_t host_bytes)
{
    if (host_bytes == 0 || host_bytes > HOST_BYTES_MAX) {
        return TG_NODE_ID_NONE;
    }
    const uint16_t whole = slot_find(inventory, key_lower(host, host_bytes), SLOT_NAME);
    if (whole != TG_NODE_ID_NONE) {
        return whole;
    }
    const char *dot = memchr(host, '.', host_bytes);
    if (dot == NULL || dot == host) {
        return TG_NODE_ID_NONE;
    }
    const size_t label_bytes = (size_t)(dot - host);
    bool has_letter = false;
    for (size_t i = 0; i < label_bytes; i++) {
        has_letter |= host[i] < '0' || host[i] > '9';
    }
    /* "10.0.0.1" is an address in text, not the host "10" of some domain */
    return has_letter ? slot_find(inventory, key_lower(host, label_bytes), SLOT_NAME)
                      : TG_NODE_ID_NONE;
}

const struct tg_node *tg_inventory_node(const struct tg_inventory *inventory, uint16_t node_id)
{
    return &inventory->nodes[node_id <= inventory->nodes_count ? node_id : TG_NODE_ID_NONE];
}

static enum tg_err slot_add(struct builder *b, uint64_t key, uint16_t kind, uint16_t node_id,
                            const char *what)
{
    struct tg_inventory *inventory = b->inventory;
    uint32_t at = (uint32_t)key & inventory->slots_mask;
    for (; inventory->slots[at].kind != 0; at = (at + 1) & inventory->slots_mask) {
        const struct tg_inventory_slot *slot = &inventory->slots[at];
        if (slot->key != key || slot->kind != kind) {
            continue;
        }
        if (slot->node_id == node_id) {
            return TG_OK; /* the name given again as a host name is no mistake */
        }
        return tg_why_set(b->why, TG_E_EXISTS, "node %s: %s is already node %s's",
                          inventory->nodes[node_id].name, what,
                          inventory->nodes[slot->node_id].name);
    }
    inventory->slots[at] = (struct tg_inventory_slot){key, node_id, kind, 0};
    return TG_OK;
}

static enum tg_err spec_check(const struct tg_node_spec *spec, uint32_t index, struct tg_why *why)
{
    const size_t name_bytes = spec->name == NULL ? 0 : strlen(spec->name);
    if (name_bytes == 0 || name_bytes >= TG_NAME_BYTES_MAX) {
        return tg_why_set(why, TG_E_INVALID, "node %u: a name has 1 to %u bytes", index + 1,
                          TG_NAME_BYTES_MAX - 1);
    }
    if (spec->addresses_count > TG_NODE_ADDRESSES_MAX || spec->hosts_count > TG_NODE_HOSTS_MAX ||
        spec->groups_count > TG_NODE_GROUPS_MAX) {
        return tg_why_set(why, TG_E_INVALID, "node %s: at most %u addresses, %u hosts, %u groups",
                          spec->name, TG_NODE_ADDRESSES_MAX, TG_NODE_HOSTS_MAX, TG_NODE_GROUPS_MAX);
    }
    if (spec->collector > TG_NODES_MAX) {
        return tg_why_set(why, TG_E_INVALID, "node %s: collector numbers end at %u", spec->name,
                          TG_NODES_MAX);
    }
    if (spec->interval_ns > INTERVAL_NS_MAX) {
        return tg_why_set(why, TG_E_INVALID, "node %s: the interval is too long", spec->name);
    }
    for (uint32_t g = 0; g < spec->groups_count; g++) {
        const struct tg_group_spec *group = &spec->groups[g];
        if (group->parents_count == 0 || group->parents_count > TG_GROUP_PARENTS_MAX ||
            group->needed_count == 0 || group->needed_count > group->parents_count) {
            return tg_why_set(why, TG_E_INVALID, "node %s: needs %u of %u parents, impossible",
                              spec->name, group->needed_count, group->parents_count);
        }
    }
    for (uint32_t h = 0; h < spec->hosts_count; h++) {
        const size_t host_bytes = strlen(spec->hosts[h]);
        if (host_bytes == 0 || host_bytes > HOST_BYTES_MAX) {
            return tg_why_set(why, TG_E_INVALID, "node %s: a host name has 1 to %u bytes",
                              spec->name, HOST_BYTES_MAX);
        }
    }
    return TG_OK;
}

static void node_fill(struct tg_node *node, const struct tg_node_spec *spec, uint32_t groups_first)
{
    memcpy(node->name, spec->name, strlen(spec->name) + 1);
    node->interval_ns = spec->interval_ns == 0  ? TG_INTERVAL_DEFAULT_NS
                        : spec->interval_ns < 0 ? INT64_MAX
                                                : spec->interval_ns;
    node->services = spec->services;
    node->groups_first = groups_first;
    node->groups_count = (uint16_t)spec->groups_count;
    node->profile_index = spec->profile_index;
    node->collector = spec->collector;
    node->is_gone = spec->is_gone;
}

/* Names and addresses first: parents may be named before they are defined. */
static enum tg_err nodes_build(struct builder *b, uint32_t specs_count)
{
    uint32_t groups_first = 0;
    enum tg_err err = TG_OK;
    for (uint32_t i = 0; i < specs_count && err == TG_OK; i++) {
        const struct tg_node_spec *spec = &b->specs[i];
        const uint16_t id = (uint16_t)(i + 1);
        node_fill(&b->inventory->nodes[id], spec, groups_first);
        groups_first += spec->groups_count;
        if (spec->is_gone) {
            continue;
        }
        err = slot_add(b, key_lower(spec->name, strlen(spec->name)), SLOT_NAME, id, "its name");
        for (uint32_t h = 0; h < spec->hosts_count && err == TG_OK; h++) {
            err = slot_add(b, key_lower(spec->hosts[h], strlen(spec->hosts[h])), SLOT_NAME, id,
                           spec->hosts[h]);
        }
        for (uint32_t a = 0; a < spec->addresses_count && err == TG_OK; a++) {
            err = slot_add(b, tg_key_name(spec->addresses[a], 16), SLOT_ADDRESS, id, "an address");
        }
    }
    return err;
}

static enum tg_err groups_build(struct builder *b, uint32_t specs_count)
{
    struct tg_inventory *inventory = b->inventory;
    uint32_t parents_used = 0;
    for (uint32_t i = 0; i < specs_count; i++) {
        for (uint32_t g = 0; g < b->specs[i].groups_count; g++) {
            const struct tg_group_spec *spec = &b->specs[i].groups[g];
            struct tg_group *group = &inventory->groups[inventory->nodes[i + 1].groups_first + g];
            group->parents_first = parents_used;
            group->parents_count = (uint16_t)spec->parents_count;
            group->needed_count = (uint16_t)spec->needed_count;
            group->node_id = (uint16_t)(i + 1);
            for (uint32_t p = 0; p < spec->parents_count; p++) {
                const size_t name_bytes = strlen(spec->parents[p]);
                const uint16_t parent =
                    tg_inventory_by_host(inventory, spec->parents[p], name_bytes);
                if (parent == TG_NODE_ID_NONE) {
                    return tg_why_set(b->why, TG_E_NOT_FOUND,
                                      "node %s: its parent %.63s is not a configured node",
                                      b->specs[i].name, spec->parents[p]);
                }
                for (uint32_t q = group->parents_first; q < parents_used; q++) {
                    if (inventory->parents[q] == parent) {
                        return tg_why_set(b->why, TG_E_EXISTS,
                                          "node %s: parent %.63s twice in one group",
                                          b->specs[i].name, spec->parents[p]);
                    }
                }
                inventory->parents[parents_used++] = parent;
                inventory->nodes[parent].children_count++;
            }
        }
    }
    return TG_OK;
}

static void children_build(struct tg_inventory *inventory)
{
    uint32_t first = 0;
    for (uint32_t id = 0; id <= inventory->nodes_count; id++) {
        inventory->nodes[id].children_first = first;
        first += inventory->nodes[id].children_count;
        inventory->nodes[id].children_count = 0;
    }
    for (uint32_t g = 0; g < inventory->groups_count; g++) {
        const struct tg_group *group = &inventory->groups[g];
        for (uint32_t p = 0; p < group->parents_count; p++) {
            struct tg_node *parent =
                &inventory->nodes[inventory->parents[group->parents_first + p]];
            inventory->child_groups[parent->children_first + parent->children_count++] = g;
        }
    }
}

static enum tg_err cycle_tell(const struct tg_inventory *inventory, const uint16_t *stack,
                              uint32_t depth, uint16_t again, struct tg_why *why)
{
    char names[300];
    size_t used = 0;
    uint32_t from = 0;
    while (stack[from] != again) {
        from++;
    }
    for (uint32_t i = from; i <= depth; i++) {
        const char *name = inventory->nodes[i < depth ? stack[i] : again].name;
        const size_t name_bytes = strlen(name);
        if (used + name_bytes + 8 > sizeof names) {
            memcpy(names + used, "...", 4);
            used += 3;
            break;
        }
        memcpy(names + used, name, name_bytes);
        used += name_bytes;
        if (i < depth) {
            memcpy(names + used, " -> ", 4);
            used += 4;
        }
    }
    names[used] = '\0';
    return tg_why_set(why, TG_E_INVALID, "dependency cycle: %s", names);
}

/* The next entry of a node's parents over all its groups; they lie side by side. */
static bool parent_at(const struct tg_inventory *inventory, uint16_t node_id, uint32_t index,
                      uint16_t *parent)
{
    const struct tg_node *node = &inventory->nodes[node_id];
    if (node->groups_count == 0) {
        return false;
    }
    const struct tg_group *first = &inventory->groups[node->groups_first];
    const struct tg_group *last = first + node->groups_count - 1;
    const uint32_t end = last->parents_first + last->parents_count;
    if (first->parents_first + index >= end) {
        return false;
    }
    *parent = inventory->parents[first->parents_first + index];
    return true;
}

/* Depth first with an explicit stack: 1 on the path, 2 done. */
static enum tg_err cycle_check(const struct tg_inventory *inventory, struct tg_why *why)
{
    uint16_t stack[TG_NODES_MAX + 1];
    uint32_t cursor[TG_NODES_MAX + 1];
    uint8_t color[TG_NODES_MAX + 1];
    memset(color, 0, sizeof color);
    for (uint32_t start = 1; start <= inventory->nodes_count; start++) {
        if (color[start] != 0) {
            continue;
        }
        uint32_t depth = 1;
        stack[0] = (uint16_t)start;
        cursor[0] = 0;
        color[start] = 1;
        while (depth > 0) {
            const uint16_t node_id = stack[depth - 1];
            uint16_t parent = 0;
            if (!parent_at(inventory, node_id, cursor[depth - 1]++, &parent)) {
                color[node_id] = 2;
                depth--;
            } else if (color[parent] == 1) {
                return cycle_tell(inventory, stack, depth, parent, why);
            } else if (color[parent] == 0) {
                color[parent] = 1;
                stack[depth] = parent;
                cursor[depth++] = 0;
            }
        }
    }
    return TG_OK;
}

static size_t round8(size_t bytes)
{
    return (bytes + 7) & ~(size_t)7;
}

/* One block for everything: it is freed as one and lies together. */
static struct tg_inventory *inventory_take(const struct tg_node_spec *specs, uint32_t specs_count)
{
    uint32_t groups_count = 0;
    uint32_t parents_count = 0;
    uint32_t keys_count = specs_count;
    for (uint32_t i = 0; i < specs_count; i++) {
        groups_count += specs[i].groups_count;
        keys_count += specs[i].hosts_count + specs[i].addresses_count;
        for (uint32_t g = 0; g < specs[i].groups_count; g++) {
            parents_count += specs[i].groups[g].parents_count;
        }
    }
    uint32_t slots_count = 16;
    while (slots_count < keys_count * 2) {
        slots_count *= 2;
    }
    const size_t nodes_at = round8(sizeof(struct tg_inventory));
    const size_t groups_at = nodes_at + round8((specs_count + 1) * sizeof(struct tg_node));
    const size_t slots_at = groups_at + round8(groups_count * sizeof(struct tg_group));
    const size_t children_at = slots_at + slots_count * sizeof(struct tg_inventory_slot);
    const size_t parents_at = children_at + round8(parents_count * sizeof(uint32_t));
    const size_t size_bytes = parents_at + round8(parents_count * sizeof(uint16_t));
    uint8_t *block = tg_pages_take(size_bytes);
    if (block == NULL) {
        return NULL;
    }
    struct tg_inventory *inventory = (struct tg_inventory *)(void *)block;
    inventory->nodes = (struct tg_node *)(void *)(block + nodes_at);
    inventory->groups = (struct tg_group *)(void *)(block + groups_at);
    inventory->slots = (struct tg_inventory_slot *)(void *)(block + slots_at);
    inventory->child_groups = (uint32_t *)(void *)(block + children_at);
    inventory->parents = (uint16_t *)(void *)(block + parents_at);
    inventory->size_bytes = size_bytes;
    inventory->nodes_count = specs_count;
    inventory->groups_count = groups_count;
    inventory->parents_count = parents_count;
    inventory->slots_mask = slots_count - 1;
    inventory->nodes[0].interval_ns = INT64_MAX;
    return inventory;
}

enum tg_err tg_inventory_open(const struct tg_node_spec *specs, uint32_t specs_count,
                              struct tg_inventory **inventory, struct tg_why *why)
{
    *inventory = NULL;
    if (specs_count > TG_NODES_MAX) {
        return tg_why_set(why, TG_E_INVALID, "%u nodes; at most %u", specs_count, TG_NODES_MAX);
    }
    for (uint32_t i = 0; i < specs_count; i++) {
        const enum tg_err err = spec_check(&specs[i], i, why);
        if (err != TG_OK) {
            return err;
        }
    }
    struct tg_inventory *made = inventory_take(specs, specs_count);
    if (made == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for %u nodes", specs_count);
    }
    struct builder b = {specs, made, why};
    enum tg_err err = nodes_build(&b, specs_count);
    if (err == TG_OK) {
        err = groups_build(&b, specs_count);
    }
    if (err == TG_OK) {
        children_build(made);
        err = cycle_check(made, why);
    }
    if (err != TG_OK) {
        tg_inventory_close(made);
        return err;
    }
    *inventory = made;
    return TG_OK;
}

void tg_inventory_close(struct tg_inventory *inventory)
{
    if (inventory != NULL) {
        tg_pages_free(inventory, inventory->size_bytes);
    }
}

enum tg_err tg_closure_open(const struct tg_inventory *inventory, struct tg_closure *closure)
{
    const size_t groups_bytes = round8((inventory->groups_count + 1) * sizeof(uint32_t));
    const size_t nodes_bytes = round8((inventory->nodes_count + 1) * sizeof(uint32_t));
    memset(closure, 0, sizeof *closure);
    const size_t size_bytes = 2 * groups_bytes + 2 * nodes_bytes;
    uint8_t *block = tg_pages_take(size_bytes);
    if (block == NULL) {
        return TG_E_NO_MEMORY;
    }
    closure->size_bytes = size_bytes;
    closure->group_left = (uint32_t *)(void *)block;
    closure->group_epoch = (uint32_t *)(void *)(block + groups_bytes);
    closure->node_epoch = (uint32_t *)(void *)(block + 2 * groups_bytes);
    closure->members = (uint16_t *)(void *)(block + 2 * groups_bytes + nodes_bytes);
    return TG_OK;
}

void tg_closure_close(struct tg_closure *closure)
{
    if (closure != NULL && closure->group_left != NULL) {
        tg_pages_free(closure->group_left, closure->size_bytes);
        memset(closure, 0, sizeof *closure);
    }
}

static void closure_kill(struct tg_closure *closure, uint16_t node_id)
{
    if (closure->node_epoch[node_id] != closure->epoch) {
        closure->node_epoch[node_id] = closure->epoch;
        closure->members[closure->members_count++] = node_id;
    }
}

uint32_t tg_inventory_closure(const struct tg_inventory *inventory, struct tg_closure *closure,
                              const uint16_t *seeds, uint32_t seeds_count)
{
    if (++closure->epoch == 0) {
        /* after 2^32 walks old marks would look new */
        memset(closure->group_epoch, 0, inventory->groups_count * sizeof(uint32_t));
        memset(closure->node_epoch, 0, (inventory->nodes_count + 1) * sizeof(uint32_t));
        closure->epoch = 1;
    }
    closure->members_count = 0;
    for (uint32_t i = 0; i < seeds_count; i++) {
        if (seeds[i] != TG_NODE_ID_NONE && seeds[i] <= inventory->nodes_count) {
            closure_kill(closure, seeds[i]);
        }
    }
    for (uint32_t done = 0; done < closure->members_count; done++) {
        const struct tg_node *node = &inventory->nodes[closure->members[done]];
        for (uint32_t c = 0; c < node->children_count; c++) {
            const uint32_t g = inventory->child_groups[node->children_first + c];
            const struct tg_group *group = &inventory->groups[g];
            if (closure->group_epoch[g] != closure->epoch) {
                closure->group_epoch[g] = closure->epoch;
                closure->group_left[g] = group->parents_count;
            }
            if (--closure->group_left[g] < group->needed_count) {
                closure_kill(closure, group->node_id);
            }
        }
    }
    assert(closure->members_count <= inventory->nodes_count);
    return closure->members_count;
}
