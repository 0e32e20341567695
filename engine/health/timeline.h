/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief State of every node over time, as a pure function of the set of its observations.
 *
 *  Source: the assurance semantics 4.1 of this project; staleness after three intervals.
 *  Threads: one owner thread writes and reads; a second thread keeps a second timeline.
 *  Allocates: in tg_timeline_open only. Cost: see tests/stress/health_speed.c.
 *
 *  A node's state at a time is made of three sets, each independent of arrival order:
 *  (1) claims: sorted by (event time, sequence, record key); each opens or ends a condition (a part
 * of the node, or the whole); the state is the worst open condition, UP when there is none; (2)
 * life: union of [t, t + 3 intervals) over everything the node said, usage included; (3)
 * maintenance: union of windows, kept apart from the state. state(t) = DOWN when a DOWN condition
 * is open (silence never clears a fault), else the claims' state where (2) covers t, else UNKNOWN.
 * Usage proves life; it does not end a DOWN. Serialise by keeping the observations; rebuild by
 * applying them again, in any order.
 */
#ifndef TG_HEALTH_TIMELINE_H
#define TG_HEALTH_TIMELINE_H

#include "abi/usage.h"
#include "base/error.h"
#include "health/inventory.h"
#include "health/profile.h"

#include <stdbool.h>
#include <stdint.h>

#define TG_TIMELINE_STALE_INTERVALS 3     /**< Silent intervals after which a node is UNKNOWN. */
#define TG_TIMELINE_CLAIMS_MAX      4096u /**< Bound of claims_count. */
/** Open conditions a node; beyond, the mildest is dropped and counted. */
#define TG_TIMELINE_CONDITIONS_MAX 16u
#define TG_TIMELINE_SPANS_MAX      32u /**< Life spans and maintenance windows a node. */
/** An event later than its arrival by more than this is dated at its arrival. */
#define TG_CLOCK_AHEAD_NS INT64_C(30000000000)

/** @brief Sizes and tables; pointers are borrowed for the timeline's life. */
struct tg_timeline_config {
    const struct tg_inventory *inventory; /**< Nodes. */
    /** By tg_node.profile_index; shape [profiles_count]. */
    const struct tg_profile *const *profiles;
    uint32_t profiles_count; /**< 1..TG_PROFILES_MAX. */
    uint32_t claims_count;   /**< Claims kept a node, 8..TG_TIMELINE_CLAIMS_MAX;
                                  128 is usual (32 bytes each). */
};

/** @brief A change of a node's state that an observation made known. */
struct tg_transition {
    int64_t at_ns;        /**< When it happened at the node. */
    int64_t detected_ns;  /**< When we knew. */
    uint16_t node_id;     /**< Which node. */
    uint8_t from;         /**< enum tg_node_state believed of at_ns until now. */
    uint8_t to;           /**< enum tg_node_state at at_ns. */
    uint8_t is_backdated; /**< Something later was known already. */
    uint8_t reserved[3];  /**< 0. */
};

/** @brief What happened so far; every bound that was reached shows here. */
struct tg_timeline_counters {
    uint64_t observations_count; /**< Looked at. */
    uint64_t duplicates_count;   /**< Claims known already. */
    uint64_t unknown_node_count; /**< Without a node. */
    uint64_t suspect_count;      /**< Event time later than arrival + TG_CLOCK_AHEAD_NS. */
    uint64_t evicted_count;      /**< Oldest claims or spans given up: state before is UNKNOWN. */
    uint64_t late_count;         /**< Older than what was given up: ignored. */
    uint64_t conditions_dropped_count;  /**< Open conditions beyond the bound. */
    uint64_t transitions_dropped_count; /**< Changes that did not fit the caller's array. */
    uint64_t recomputed_count;          /**< Claims folded again because one came out of order. */
};

/** @brief Opaque. */
struct tg_timeline;

/**
 * @brief Take all memory.
 * @param[in]  config    Borrowed until return.
 * @param[out] timeline  Written on TG_OK; close with tg_timeline_close.
 * @param[out] why       May be NULL.
 * @return TG_OK, TG_E_INVALID (a bound, a profile index out of range), TG_E_NO_MEMORY.
 */
enum tg_err tg_timeline_open(const struct tg_timeline_config *config, struct tg_timeline **timeline,
                             struct tg_why *why);

/** @brief Free. @param timeline From tg_timeline_open, or NULL. */
void tg_timeline_close(struct tg_timeline *timeline);

/**
 * @brief Take in observations, in any order, duplicates allowed.
 *
 * @param[in,out] timeline              The calling thread owns it.
 * @param[in]     observations          Borrowed; shape [observations_count]; node_id is set.
 * @param[in]     observations_count    0 or more.
 * @param[in]     text                  Text arena of the batch; may be NULL.
 * @param[in]     text_bytes            Its length.
 * @param[out]    transitions           Changes, shape [transitions_capacity]; may be NULL with 0.
 * @param[in]     transitions_capacity  Room; what does not fit is counted.
 * @return Transitions written. No allocation, no clock, no lock.
 */
uint32_t tg_timeline_apply(struct tg_timeline *timeline, const struct tg_observation *observations,
                           uint32_t observations_count, const uint8_t *text, uint32_t text_bytes,
                           struct tg_transition *transitions, uint32_t transitions_capacity);

/**
 * @brief Usage proves life: note that these nodes were alive.
 * @param[in,out] timeline  The calling thread owns it.
 * @param[in]     node_ids  Shape [count]; 0 is skipped.
 * @param[in]     event_ns  When, UTC; shape [count].
 * @param[in]     count     0 or more.
 */
void tg_timeline_life(struct tg_timeline *timeline, const uint16_t *node_ids,
                      const int64_t *event_ns, uint32_t count);

/**
 * @brief Add a maintenance window; overlapping ones merge.
 * @param[in,out] timeline  The calling thread owns it.
 * @param[in]     node_id   Which node.
 * @param[in]     from_ns   Start, UTC.
 * @param[in]     until_ns  End, UTC, later than from_ns.
 * @return TG_OK, TG_E_UNKNOWN_NODE, TG_E_INVALID.
 */
enum tg_err tg_timeline_maintenance(struct tg_timeline *timeline, uint16_t node_id, int64_t from_ns,
                                    int64_t until_ns);

/**
 * @brief State of a node at a time.
 * @param[in] timeline  Borrowed.
 * @param[in] node_id   Any; unknown nodes are UNKNOWN.
 * @param[in] at_ns     UTC.
 * @return enum tg_node_state.
 */
uint8_t tg_timeline_state_at(const struct tg_timeline *timeline, uint16_t node_id, int64_t at_ns);

/**
 * @brief Is the node in a maintenance window?
 * @param[in] timeline  Borrowed.
 * @param[in] node_id   Any.
 * @param[in] at_ns     UTC.
 * @return true inside a window.
 */
bool tg_timeline_is_maintained(const struct tg_timeline *timeline, uint16_t node_id, int64_t at_ns);

/**
 * @brief States for a batch of rows.
 * @param[in]  timeline  Borrowed.
 * @param[in]  node_ids  Shape [count].
 * @param[in]  start_ns  Row starts, UTC; shape [count].
 * @param[out] states    enum tg_node_state; shape [count].
 * @param[in]  count     0 or more.
 */
void tg_timeline_annotate(const struct tg_timeline *timeline, const uint16_t *node_ids,
                          const int64_t *start_ns, uint8_t *states, uint32_t count);

/**
 * @brief tg_timeline_life and then tg_timeline_annotate for rows of one node: what usage costs.
 * @param[in,out] timeline  Object.
 * @param[in]     node_id   Node; 0 or unknown: all states are TG_NODE_UNKNOWN.
 * @param[in]     event_ns  Event times, in any order; shape [count].
 * @param[out]    states    enum tg_node_state of each; shape [count].
 * @param[in]     count     Any.
 */
void tg_timeline_usage(struct tg_timeline *timeline, uint16_t node_id, const int64_t *event_ns,
                       uint8_t *states, uint32_t count);

/**
 * @brief tg_timeline_usage for rows of which only the first and the last time matter: all of them
 *        lie in the newest span of life and behind the last claim.
 * @param[in,out] timeline  Object; the state is told and the life noted, or nothing of it.
 * @param[in]     node_id   Node; 0 or unknown: the state is TG_NODE_UNKNOWN.
 * @param[in]     first_ns  Earliest event time.
 * @param[in]     last_ns   Latest event time, not before first_ns.
 * @param[out]    state     enum tg_node_state of all of them.
 * @return false: they are not all there; ask with tg_timeline_usage.
 */
bool tg_timeline_usage_between(struct tg_timeline *timeline, uint16_t node_id, int64_t first_ns,
                               int64_t last_ns, uint8_t *state);

/** @brief Latest sign of life. @param timeline Borrowed. @param node_id Any.
 *  @return UTC ns, or INT64_MIN when there was none. */
int64_t tg_timeline_life_last_ns(const struct tg_timeline *timeline, uint16_t node_id);

/** @brief How often the node's past or present changed. @param timeline Borrowed. @param node_id
 * Any.
 *  @return Revision; equal revisions mean equal answers. */
uint32_t tg_timeline_revision(const struct tg_timeline *timeline, uint16_t node_id);

/** @brief Half-open interval of one state. */
struct tg_interval {
    int64_t from_ns;     /**< Inclusive; INT64_MIN: always before. */
    int64_t until_ns;    /**< Exclusive; INT64_MAX: open end. */
    uint8_t state;       /**< enum tg_node_state. */
    uint8_t reserved[7]; /**< 0. */
};

/**
 * @brief The node's history as adjoining half-open intervals that cover all time.
 * @param[in]  timeline            Borrowed.
 * @param[in]  node_id             A known node.
 * @param[out] intervals           Shape [intervals_capacity]; equal neighbours are joined.
 * @param[in]  intervals_capacity  Room; the newest are left out when it does not suffice.
 * @return Intervals written; 0 for an unknown node.
 */
uint32_t tg_timeline_intervals(const struct tg_timeline *timeline, uint16_t node_id,
                               struct tg_interval *intervals, uint32_t intervals_capacity);

/** @brief Counters. @param timeline Borrowed. @param[out] counters Written. */
void tg_timeline_counters_get(const struct tg_timeline *timeline,
                              struct tg_timeline_counters *counters);

/** @brief "UP". @param state enum tg_node_state. @return Static text. */
const char *tg_node_state_name(unsigned state);

#endif
