/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Which node is to blame: root causes over the k-of-n topology, silent parents included.
 *
 *  Source: the assurance semantics 4.6 of this project.
 *  Threads: one owner thread (control). Allocates: in tg_cause_open only, no recursion.
 *  Cost: about linear in the affected nodes; see tests/stress/health_speed.c for 4096 nodes.
 *
 *  (1) affected: DOWN, or with an active service-affecting alarm; (2) a node is explained when one
 * of its groups has fewer than k parents outside the affected and inferred ones; (3) the affected
 * that are not explained are roots; (4) a silent parent is inferred down when it explains roots, at
 * least 80 % of what is known about its dependants is down, and none of them proves to be up;
 * chosen greedily by roots covered, then by least impact; (5) usage records count as proof.
 */
#ifndef TG_HEALTH_CAUSE_H
#define TG_HEALTH_CAUSE_H

#include "health/alarm.h"
#include "health/inventory.h"
#include "health/timeline.h"

#include <stdbool.h>
#include <stdint.h>

#define TG_CAUSE_DOWN_PERCENT_MIN 80u /**< Share of the observed impact that must be down. */
#define TG_CAUSE_SKEW_NS          INT64_C(30000000000)  /**< A root may seem this much later. */
#define TG_CAUSE_SETTLE_NS        INT64_C(30000000000)  /**< A root settles in this. */
#define TG_CAUSE_WINDOW_NS        INT64_C(120000000000) /**< Older proof of life is none. */
#define TG_CAUSE_PROBLEMS_MAX     1024u                 /**< Problems shown; beyond: counted. */

/** @brief What is known about a node. */
struct tg_cause_input {
    int64_t since_ns; /**< When it became affected; ignored otherwise. */
    bool is_affected; /**< DOWN or service-affecting alarm. */
    bool is_up;       /**< Positive proof of life in the window and not affected. */
};

/** @brief Verdict on a node. */
struct tg_cause_node {
    uint32_t problem_number;    /**< 0: not part of a problem. */
    uint16_t root_id;           /**< Root's node id; own id for a root; 0 none. */
    uint8_t is_root;            /**< Is the cause. */
    uint8_t is_inferred;        /**< Silent, found by its dependants. */
    uint8_t confidence_percent; /**< Of its root. */
    uint8_t reserved[3];        /**< 0. */
};

/** @brief One root and what it explains. */
struct tg_problem {
    int64_t since_ns;           /**< Earliest trouble in it. */
    int64_t first_seen_ns;      /**< When this root was first named. */
    uint32_t number;            /**< Stays when the root changes. */
    uint32_t covered_count;     /**< Affected nodes explained, root not counted. */
    uint32_t impact_count;      /**< Nodes that depend on it by the topology, root not counted. */
    uint32_t impact_down_count; /**< Of these affected. */
    uint32_t impact_up_count;   /**< Of these proved up. */
    uint32_t root_alarm_number; /**< Alarm that names the cause; 0 until tg_cause_publish. */
    uint16_t root_id;           /**< Root. */
    uint8_t is_inferred;        /**< The root itself is silent. */
    uint8_t is_late;            /**< Root later than a child by more than the skew. */
    uint8_t is_settled;         /**< Unchanged for TG_CAUSE_SETTLE_NS. */
    uint8_t
        confidence_percent; /**< 0..100: affected share of the observed impact, cut to 90 for a late
                                 root, to 50/70 for a silent one that explains one/two nodes. */
    uint8_t reserved[2];    /**< 0. */
};

/** @brief Opaque. */
struct tg_cause;

/**
 * @brief Take all memory.
 * @param[in]  inventory  Borrowed for life.
 * @param[out] cause      Written on TG_OK; close with tg_cause_close.
 * @return TG_OK or TG_E_NO_MEMORY.
 */
enum tg_err tg_cause_open(const struct tg_inventory *inventory, struct tg_cause **cause);

/** @brief Free. @param cause From tg_cause_open, or NULL. */
void tg_cause_close(struct tg_cause *cause);

/** @brief Inputs to fill before a run. @param cause Borrowed.
 *  @return Shape [nodes_count + 1], by node id; kept from run to run. */
struct tg_cause_input *tg_cause_inputs(struct tg_cause *cause);

/**
 * @brief Fill the inputs from the node states and the active alarms.
 *
 * Alarms of nodes in maintenance count as affected (they explain their children) but prove nothing
 * else; stale nodes are neither affected nor up: silence is no outage without corroboration.
 *
 * @param[in,out] cause     Inputs are overwritten.
 * @param[in]     timeline  The calling thread's; borrowed.
 * @param[in]     alarms    Borrowed.
 * @param[in]     now_ns    Event time now.
 */
void tg_cause_observe(struct tg_cause *cause, const struct tg_timeline *timeline,
                      const struct tg_alarm_set *alarms, int64_t now_ns);

/**
 * @brief Find roots, silent parents and problems from the inputs.
 * @param[in,out] cause   Verdicts and problems are overwritten; problem numbers live on.
 * @param[in]     now_ns  Event time now.
 * @return Problems found, 0..TG_CAUSE_PROBLEMS_MAX.
 */
uint32_t tg_cause_run(struct tg_cause *cause, int64_t now_ns);

/**
 * @brief Write the verdicts onto the alarms: root first by layer (power before protocol), then
 *        severity, then time; the others get their parent. A silent root without an alarm gets
 *        "inferredOutage", cleared when it is no longer inferred.
 * @param[in,out] cause   root_alarm_number of the problems is written.
 * @param[in,out] alarms  The calling thread owns it.
 * @param[in]     now_ns  Event time now.
 */
void tg_cause_publish(struct tg_cause *cause, struct tg_alarm_set *alarms, int64_t now_ns);

/** @brief Problems of the last run. @param cause Borrowed. @param[out] problems_count Written.
 *  @return Shape [problems_count], by problem number; valid until the next run. */
const struct tg_problem *tg_cause_problems(const struct tg_cause *cause, uint32_t *problems_count);

/** @brief Verdict on a node. @param cause Borrowed. @param node_id In range of the inventory.
 *  @return Valid until the next run. */
const struct tg_cause_node *tg_cause_node_get(const struct tg_cause *cause, uint16_t node_id);

#endif
