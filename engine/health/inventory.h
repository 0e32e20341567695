/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Which nodes there are, how they are recognised, and who depends on whom.
 *
 *  Source: topology model: node -> dependency groups, a group is k-of-n parents (dual-homing is
 *  1-of-2); identification after RFC 5424 6.2.4 (HOSTNAME) and the sender's address.
 *  Threads: immutable after open; any thread reads. Allocates: in tg_inventory_open only.
 *  Cost: a look-up is one hash and about one cache miss.
 *
 *  Invariants: (1) node ids are 1..nodes_count in the order of the specs, 0 is "unknown";
 *  (2) the graph has no cycle, so every walk toward the leaves ends; (3) a name, host name or
 * address belongs to one node only; (4) one that is gone is found by none of them, and has no
 * alarms.
 */
#ifndef TG_HEALTH_INVENTORY_H
#define TG_HEALTH_INVENTORY_H

#include "base/error.h"
#include "base/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TG_NODE_ID_NONE        0u  /**< "Unknown node". */
#define TG_NODE_GROUPS_MAX     8u  /**< Dependency groups a node; more is a configuration error. */
#define TG_GROUP_PARENTS_MAX   64u /**< Parents in a group; more is a configuration error. */
#define TG_NODE_ADDRESSES_MAX  16u /**< Addresses a node; more is a configuration error. */
#define TG_NODE_HOSTS_MAX      16u /**< Host names a node; more is a configuration error. */
#define TG_INTERVAL_DEFAULT_NS INT64_C(30000000000) /**< Telemetry interval when none is given. */

/** @brief k-of-n: the node works while at least needed_count of the parents work. */
struct tg_group_spec {
    const char *const *parents; /**< Node names; shape [parents_count]. */
    uint32_t parents_count;     /**< 1..TG_GROUP_PARENTS_MAX. */
    uint32_t needed_count;      /**< 1..parents_count. */
};

/** @brief One node as configured; everything is borrowed until tg_inventory_open returns. */
struct tg_node_spec {
    const char *name;                   /**< Unique; 1..TG_NAME_BYTES_MAX-1 bytes. */
    const uint8_t (*addresses)[16];     /**< Network order, IPv4 as ::ffff:a.b.c.d. */
    const char *const *hosts;           /**< Host names besides `name`; compared without case. */
    const struct tg_group_spec *groups; /**< Dependency groups; shape [groups_count]. */
    uint32_t addresses_count;           /**< 0..TG_NODE_ADDRESSES_MAX. */
    uint32_t hosts_count;               /**< 0..TG_NODE_HOSTS_MAX. */
    uint32_t groups_count;              /**< 0..TG_NODE_GROUPS_MAX. */
    uint32_t services;      /**< Bit set 1 << enum tg_service it is expected to report. */
    int64_t interval_ns;    /**< Between signs of life; 0: default; negative: never stale. */
    uint16_t profile_index; /**< Index into the profiles given to timeline and alarms. */
    uint16_t collector;     /**< Nodes heard through one collector share it; 0..TG_NODES_MAX. */
    bool is_gone;           /**< Not configured any more: only its id and its name are known. */
    uint8_t reserved[3];    /**< 0. */
};

/** @brief A node, kept; read only. */
struct tg_node {
    char name[TG_NAME_BYTES_MAX]; /**< NUL-terminated. */
    int64_t interval_ns;          /**< At least 1; INT64_MAX: never stale. */
    uint32_t services;            /**< Bit set 1 << enum tg_service. */
    uint32_t groups_first;        /**< First of its groups in tg_inventory.groups. */
    uint32_t children_first;      /**< First entry in tg_inventory.child_groups. */
    uint32_t children_count;      /**< Groups this node is a parent in. */
    uint16_t groups_count;        /**< Dependency groups. */
    uint16_t profile_index;       /**< Profile. */
    uint16_t collector;           /**< Collector number. */
    bool is_gone;                 /**< Not configured any more. */
    uint8_t reserved;             /**< 0. */
};

/** @brief A dependency group, kept; read only. */
struct tg_group {
    uint32_t parents_first; /**< First in tg_inventory.parents. */
    uint16_t parents_count; /**< Parents. */
    uint16_t needed_count;  /**< How many must work. */
    uint16_t node_id;       /**< Who depends. */
    uint16_t reserved;      /**< 0. */
};

/** @brief Hash slot of an identification; private to inventory.c. */
struct tg_inventory_slot {
    uint64_t key;      /**< Hash of the name or address; 0 empty. */
    uint16_t node_id;  /**< Whose. */
    uint16_t kind;     /**< 1 name or host, 2 address. */
    uint32_t reserved; /**< 0. */
};

/** @brief The inventory; made by tg_inventory_open, read only afterwards. */
struct tg_inventory {
    struct tg_node *nodes;           /**< Shape [nodes_count + 1]; entry 0 is the unknown node. */
    struct tg_group *groups;         /**< Shape [groups_count]. */
    uint16_t *parents;               /**< Node ids; shape [parents_count]. */
    uint32_t *child_groups;          /**< Group indexes by parent; shape [parents_count]. */
    struct tg_inventory_slot *slots; /**< Open addressing; shape [slots_mask + 1]. */
    size_t size_bytes;               /**< Of the whole block. */
    uint32_t nodes_count;            /**< 0..TG_NODES_MAX. */
    uint32_t groups_count;           /**< All groups. */
    uint32_t parents_count;          /**< All parent entries. */
    uint32_t slots_mask;             /**< Slots - 1. */
};

/** @brief Scratch of tg_inventory_closure; one thread at a time. */
struct tg_closure {
    uint32_t *group_left;   /**< Parents still working; shape [groups_count]. */
    uint32_t *group_epoch;  /**< Epoch in which group_left is valid. */
    uint32_t *node_epoch;   /**< Epoch in which the node was found dead; shape [nodes_count + 1]. */
    uint16_t *members;      /**< Dead nodes in the order found, seeds first; shape [nodes_count]. */
    size_t size_bytes;      /**< Of the block. */
    uint32_t members_count; /**< Dead nodes of the last call. */
    uint32_t epoch;         /**< Current. */
};

/**
 * @brief Build an inventory and check it as a whole.
 * @param[in]  specs        Borrowed until return; shape [specs_count].
 * @param[in]  specs_count  0..TG_NODES_MAX.
 * @param[out] inventory    Written on TG_OK; close with tg_inventory_close.
 * @param[out] why          May be NULL; names the node at fault; for a cycle all names on it.
 * @return TG_OK; TG_E_INVALID: a bound, an empty name, a cycle, an impossible k-of-n;
 *         TG_E_EXISTS: a name, host or address given twice; TG_E_NOT_FOUND: an unknown parent;
 *         TG_E_NO_MEMORY.
 */
enum tg_err tg_inventory_open(const struct tg_node_spec *specs, uint32_t specs_count,
                              struct tg_inventory **inventory, struct tg_why *why);

/** @brief Free. @param inventory From tg_inventory_open, or NULL. */
void tg_inventory_close(struct tg_inventory *inventory);

/**
 * @brief Node by sender's address.
 * @param[in] inventory  Borrowed.
 * @param[in] address    16 octets, network order.
 * @return Node id, or TG_NODE_ID_NONE.
 */
uint16_t tg_inventory_by_address(const struct tg_inventory *inventory, const uint8_t address[16]);

/**
 * @brief Node by the key of its lower-case name or host name.
 * @param[in] inventory  Borrowed.
 * @param[in] key        tg_key_name of the lower-case text.
 * @return Node id, or TG_NODE_ID_NONE.
 */
uint16_t tg_inventory_by_host_key(const struct tg_inventory *inventory, uint64_t key);

/**
 * @brief Node by host name as it stands in a message: without case, then without its domain.
 * @param[in] inventory   Borrowed.
 * @param[in] host        Not NUL-terminated.
 * @param[in] host_bytes  Length; more than 255 finds nothing.
 * @return Node id, or TG_NODE_ID_NONE.
 */
uint16_t tg_inventory_by_host(const struct tg_inventory *inventory, const char *host,
                              size_t host_bytes);

/**
 * @brief A node's record.
 * @param[in] inventory  Borrowed.
 * @param[in] node_id    Any; out of range gives the unknown node.
 * @return Never NULL; lives as long as the inventory.
 */
const struct tg_node *tg_inventory_node(const struct tg_inventory *inventory, uint16_t node_id);

/**
 * @brief Make scratch for walks over this inventory.
 * @param[in]  inventory  Borrowed until return.
 * @param[out] closure    Written on TG_OK.
 * @return TG_OK or TG_E_NO_MEMORY.
 */
enum tg_err tg_closure_open(const struct tg_inventory *inventory, struct tg_closure *closure);

/** @brief Free scratch. @param closure From tg_closure_open, zeroed, or NULL. */
void tg_closure_close(struct tg_closure *closure);

/**
 * @brief Which nodes stop working when the seeds do: k-of-n, to the fixed point.
 *
 * @param[in]     inventory    Borrowed.
 * @param[in,out] closure      Scratch made for it; members and members_count hold the result, seeds
 *                             first.
 * @param[in]     seeds        Node ids; unknown ones are skipped; shape [seeds_count].
 * @param[in]     seeds_count  0 or more.
 * @return members_count. No recursion, no allocation; cost is linear in the nodes reached.
 */
uint32_t tg_inventory_closure(const struct tg_inventory *inventory, struct tg_closure *closure,
                              const uint16_t *seeds, uint32_t seeds_count);

/** @brief Was the node found by the last walk? @param closure Borrowed. @param node_id In range.
 *  @return true when dead. */
static inline bool tg_closure_has(const struct tg_closure *closure, uint16_t node_id)
{
    return closure->node_epoch[node_id] == closure->epoch;
}

#endif
