/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Numbers of nodes, kept: whatever order the configuration lists them in.
 *
 *  Source: design.md law 5. Threads: the one that opens the engine. Allocates: the list, once.
 *  Cost: a document a node at start.
 *
 *  Rows, observations and reservations in the journal know their node by its number. A name keeps
 *  the number it got first; new ones get the next. One that is no longer configured keeps its
 *  number, and is known by nothing but it: what the journal tells of it is of no other. Only when
 *  all TG_NODES_MAX are taken do new nodes get those, the lowest first, and the log says whose.
 *
 *  Collection `nodeNumber`: five digits -> {"name"}. Where there is none yet, as before there were
 *  any, the order of the configuration is what numbers the nodes.
 */
#ifndef TG_CONTROL_NODE_NUMBERS_H
#define TG_CONTROL_NODE_NUMBERS_H

#include "base/error.h"
#include "base/limits.h"

#include <stdint.h>

struct tg_db;
struct tg_node_spec;

/** @brief Nodes in the order of their numbers; zero-initialise. */
struct tg_node_numbers {
    struct tg_node_spec *specs; /**< The first has number 1; shape [count]; is_gone: a number of a
                                     node that is not configured. */
    uint32_t count;             /**< 0..TG_NODES_MAX. */
    uint32_t reused_count;      /**< Numbers of such nodes that new ones have got now. */
    char (*names)[TG_NAME_BYTES_MAX]; /**< Private: of those. */
};

/**
 * @brief Put nodes in the order of their numbers, and write down those of new ones.
 * @param[in]  state        <data>/state, read-write.
 * @param[in]  specs        As configured, names unique; what they point to is borrowed by numbers.
 * @param[in]  specs_count  0..TG_NODES_MAX.
 * @param[out] numbers      Written; tg_node_numbers_free.
 * @param[out] why          May be NULL.
 * @return TG_OK, TG_E_NO_MEMORY, TG_E_CORRUPT, TG_E_DATABASE, TG_E_NO_SPACE.
 */
enum tg_err tg_node_numbers_apply(struct tg_db *state, const struct tg_node_spec *specs,
                                  uint32_t specs_count, struct tg_node_numbers *numbers,
                                  struct tg_why *why);

/** @brief Free. @param numbers Any. */
void tg_node_numbers_free(struct tg_node_numbers *numbers);

#endif
