/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Insides of the alarm set, shared by alarm.c, alarm_apply.c, alarm_open.c and
 *  alarm_tick.c only.
 *
 *  Source: alarm.h. Threads: owner. Allocates: never. Cost: none.
 */
#ifndef TG_HEALTH_ALARM_SET_H
#define TG_HEALTH_ALARM_SET_H

#include "health/alarm.h"
#include "health/alarm_fold.h"

#define TG_ALARM_ENGINE_SLOTS   64u        /**< Slots only the engine's own alarms may take. */
#define TG_ALARM_SEEN_SLOTS     (1u << 17) /**< Of one generation of known record keys. */
#define TG_ALARM_SEEN_KEYS      (1u << 16) /**< Keys a generation; two are kept. */
#define TG_ALARM_NONE           UINT32_MAX /**< No slot. */
#define TG_ALARM_STORM_QUIET_NS INT64_C(60000000000)  /**< A storm is over after this. */
#define TG_ALARM_GAP_QUIET_NS   INT64_C(300000000000) /**< A sequence is whole again after this. */

/** @brief Links of an alarm slot. */
struct tg_alarm_link {
    uint32_t next_by_key;    /**< Hash chain. */
    uint32_t next_by_number; /**< Hash chain. */
    uint32_t list_next;      /**< In order of number; free list when free. */
    uint32_t list_prev;      /**< In order of number. */
    uint32_t node_next;      /**< Same node. */
    uint32_t node_prev;      /**< Same node. */
    uint8_t is_used;         /**< Alarm or tombstone. */
    uint8_t reserved[3];     /**< 0. */
};

/** @brief What is remembered of a node. */
struct tg_alarm_node {
    int64_t event_last_ns;   /**< INT64_MIN: never heard. */
    int64_t arrival_last_ns; /**< INT64_MIN: never heard. */
    int64_t gap_last_ns;     /**< Latest sequence gap. */
    uint32_t first;          /**< Its alarms. */
    uint8_t is_silent;       /**< nodeSilent is raised. */
    uint8_t has_gap;         /**< sequenceGap is raised. */
    uint8_t is_maintained;   /**< In maintenance. */
    uint8_t reserved;        /**< 0. */
};

/** @brief What is remembered of a collector; made anew by each tick but for is_silent. */
struct tg_alarm_collector {
    int64_t event_last_ns;   /**< Latest of its nodes. */
    int64_t arrival_last_ns; /**< Latest of its nodes. */
    int64_t interval_max_ns; /**< Longest of its nodes. */
    uint32_t nodes_count;    /**< Nodes that can go stale. */
    uint8_t is_silent;       /**< collectionGap is raised. */
    uint8_t reserved[3];     /**< 0. */
};

/** @brief Storm guard of a source. */
struct tg_alarm_source {
    int64_t second;       /**< Arrival second being counted. */
    uint32_t count;       /**< Raises in it. */
    uint32_t is_storming; /**< alarmStorm is raised. */
};

/** @brief The set. */
struct tg_alarm_set {
    struct tg_alarm *alarms;                  /**< Shape [slots_count]. */
    struct tg_alarm_link *links;              /**< Shape [slots_count]. */
    uint32_t *by_key;                         /**< Heads; shape [buckets_mask + 1]. */
    uint32_t *by_number;                      /**< Heads; shape [buckets_mask + 1]. */
    struct tg_alarm_node *nodes;              /**< Shape [nodes_count + 1]. */
    struct tg_alarm_collector *collectors;    /**< Shape [TG_NODES_MAX + 1]. */
    struct tg_alarm_source *sources;          /**< Shape [TG_SOURCES_MAX]. */
    uint64_t *seen[2];                        /**< Generations; shape [TG_ALARM_SEEN_SLOTS] each. */
    struct tg_alarm_notice *notices;          /**< Ring; shape [TG_ALARM_NOTICES_MAX]. */
    const struct tg_inventory *inventory;     /**< Nodes. */
    const struct tg_profile *const *profiles; /**< Profiles. */
    const struct tg_alarm_kind *kind_gap;     /**< "sequenceGap". */
    const struct tg_alarm_kind *kind_silent;  /**< "nodeSilent". */
    const struct tg_alarm_kind *kind_collector; /**< "collectionGap". */
    const struct tg_alarm_kind *kind_down;      /**< "nodeDown". */
    const struct tg_alarm_kind *kind_storm;     /**< "alarmStorm". */
    const struct tg_alarm_kind *kind_full;      /**< "alarmTableFull". */
    int64_t now_ns;                             /**< Latest event time seen. */
    int64_t event_start_ns;            /**< First tick; nodes never heard are silent since then. */
    int64_t wall_start_ns;             /**< First tick. */
    size_t size_bytes;                 /**< Of the block. */
    uint32_t slots_count;              /**< alarms_count_max + TG_ALARM_ENGINE_SLOTS. */
    uint32_t used_count;               /**< Slots in use. */
    uint32_t buckets_mask;             /**< Buckets - 1. */
    uint32_t free_first;               /**< Free list. */
    uint32_t list_first;               /**< Lowest number. */
    uint32_t list_last;                /**< Highest number. */
    uint32_t number_last;              /**< Last id given. */
    uint32_t seen_count;               /**< Keys in the young generation. */
    uint32_t seen_young;               /**< Which generation is young. */
    uint32_t notices_first;            /**< Ring position. */
    uint32_t notices_count;            /**< Waiting. */
    struct tg_fold_counters folded;    /**< Of all alarms. */
    struct tg_alarm_counters counters; /**< What happened. */
};

/** @brief Send what changed since the last notice. @param set Owner's. @param slot In use. */
void tg_alarm_notify(struct tg_alarm_set *set, uint32_t slot);

/** @brief Put a notice into the ring. @param set Owner's. @param alarm Which. @param kind What. */
void tg_alarm_notice_put(struct tg_alarm_set *set, const struct tg_alarm *alarm,
                         enum tg_notice_kind kind);

/** @brief Take an alarm out of the table. @param set Owner's. @param slot In use. */
void tg_alarm_slot_remove(struct tg_alarm_set *set, uint32_t slot);

#endif
