/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The alarm table: raised, repeated, cleared, acknowledged, shelved, damped; never lost.
 *
 *  Source: RFC 8632 (alarm list, shelving, status changes), ITU-T X.733, TM Forum TMF642; flap
 *  damping after RFC 2439; the assurance semantics 4.5 and 4.7 of this project.
 *  Threads: one owner thread (control). Allocates: in tg_alarm_set_open only.
 *  Cost: see tests/stress/health_speed.c.
 *
 *  An alarm is a fold over its changes sorted by event time, so arrival order does not matter:
 *
 *      (none) --raise--> active --clear(t >= last raise)--> cleared --raise--> active (reopened)
 *      (none) --clear--> tombstone: a raise not later than it is stored as cleared already
 *
 *  At equal times: clears without sequence first, then by sequence, then raises without sequence.
 *  The last TG_ALARM_CHANGES_MAX changes are kept; when a new one needs room the oldest repeat that
 *  changed nothing goes first, then the oldest change is folded into the base, both counted.
 *  Suppression hides the notice of a raise only; a clear is always sent when its raise was.
 *  Ids are given in order of first raise as applied: the same input order gives the same ids.
 */
#ifndef TG_HEALTH_ALARM_H
#define TG_HEALTH_ALARM_H

#include "abi/usage.h"
#include "base/error.h"
#include "base/limits.h"
#include "health/inventory.h"
#include "health/profile.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TG_ALARM_CHANGES_MAX 32u   /**< Status changes kept an alarm (RFC 8632 default habit). */
#define TG_ALARM_PART_BYTES  48u   /**< Name of the part, NUL included; longer is cut. */
#define TG_ALARM_TEXT_BYTES  160u  /**< Text of the latest raise, NUL included; longer is cut. */
#define TG_ALARM_ID_BYTES    16u   /**< "A-000001" with NUL. */
#define TG_ALARM_NOTICES_MAX 4096u /**< Notices waiting; beyond: counted, the table stays true. */
#define TG_ALARM_STORM_RAISES_MAX                                                                  \
    1000u /**< Raises a source may send in a second of arrival time. */
#define TG_TELEMETRY_DISORDER_NS INT64_C(5000000000) /**< B: how late telemetry may come. */
#define TG_ALARM_TOMBSTONE_NS    (2 * TG_TELEMETRY_DISORDER_NS) /**< Life of a lone clear. */
#define TG_ALARM_SHELF_MAX_NS    (INT64_C(7200) * 1000000000)   /**< A shelf ends by itself. */
#define TG_ALARM_FLAP_PENALTY    1000  /**< Added by each raise after a clear. */
#define TG_ALARM_FLAP_SUPPRESS   3000  /**< At or above: damped. */
#define TG_ALARM_FLAP_REUSE      750   /**< At or below: no longer damped. */
#define TG_ALARM_FLAP_MAX        12000 /**< 750 * 2^(60 min / 15 min): damped 60 minutes at most. */
#define TG_ALARM_FLAP_HALF_NS    (INT64_C(900) * 1000000000)       /**< Half-life 15 minutes. */
#define TG_ALARM_PURGE_UNACK_NS  (INT64_C(300) * 1000000000)       /**< Cleared, nobody looked. */
#define TG_ALARM_PURGE_ACK_NS    (INT64_C(86400) * 1000000000)     /**< Cleared and acknowledged. */
#define TG_ALARM_ESCALATE_NS     (INT64_C(3) * 86400 * 1000000000) /**< Active and nobody looked. */

/** @brief What an operator did last. */
enum tg_alarm_operator {
    TG_OPERATOR_NONE = 0,  /**< Nothing, or the alarm came back worse since. */
    TG_OPERATOR_ACKED = 1, /**< Acknowledged. */
    TG_OPERATOR_CLOSED = 2 /**< Closed: goes at the next tick. */
};

/** @brief Why a raise is not notified. */
enum tg_alarm_suppress {
    TG_SUPPRESS_SHELVED = 1,     /**< An operator put it aside. */
    TG_SUPPRESS_MAINTENANCE = 2, /**< The node is being worked on. */
    TG_SUPPRESS_BY_ROOT = 4,     /**< Explained by a root cause. */
    TG_SUPPRESS_FLAP = 8         /**< Comes and goes too often. */
};

/** @brief What a change was. Values are stored: pinned for life. */
enum tg_change_kind {
    TG_CHANGE_CLEAR = 1,           /**< Ended. */
    TG_CHANGE_RAISE = 2,           /**< Begun or repeated. */
    TG_CHANGE_ACK = 3,             /**< Acknowledged. */
    TG_CHANGE_UNACK = 4,           /**< No longer acknowledged. */
    TG_CHANGE_SHELVE = 5,          /**< Put aside until until_ns. */
    TG_CHANGE_UNSHELVE = 6,        /**< Taken back. */
    TG_CHANGE_MAINTENANCE_ON = 7,  /**< Maintenance begun. */
    TG_CHANGE_MAINTENANCE_OFF = 8, /**< Maintenance ended. */
    TG_CHANGE_CLOSE = 9            /**< Closed by an operator. */
};

/** @brief One entry of an alarm's history, sorted by time. */
struct tg_alarm_change {
    int64_t at_ns;        /**< Event time, or the operator's time. */
    int64_t until_ns;     /**< SHELVE: end; else 0. */
    uint64_t record_key;  /**< Observation's identity; 0 for commands. */
    uint32_t sequence;    /**< In its source; 0 none. */
    uint8_t kind;         /**< enum tg_change_kind. */
    uint8_t severity;     /**< RAISE: enum tg_alarm_severity. */
    uint8_t is_effective; /**< Did it change anything but counts? */
    uint8_t reserved;     /**< 0. */
};

/** @brief The state folded from the changes. */
struct tg_alarm_state {
    int64_t first_raised_ns;  /**< Earliest raise ever; INT64_MAX: none. */
    int64_t last_raised_ns;   /**< When it last became active. */
    int64_t last_seen_ns;     /**< Latest raise, repeats included; INT64_MIN: none. */
    int64_t cleared_ns;       /**< When it ended; INT64_MIN: never cleared. */
    int64_t changed_ns;       /**< Latest effective change; INT64_MIN: none. */
    int64_t shelved_until_ns; /**< End of the shelf; INT64_MIN: not shelved. */
    int64_t operated_ns;      /**< Latest ack, unack or close. */
    int64_t flap_ns;          /**< When flap_penalty was right. */
    uint64_t raises_count;    /**< Raises in all. */
    uint64_t clears_count;    /**< Clears in all. */
    int32_t flap_penalty;     /**< 0..TG_ALARM_FLAP_MAX at flap_ns. */
    uint8_t is_cleared;       /**< Not active: keeps the last severity, as RFC 8632 wants. */
    uint8_t severity;         /**< Last raise's enum tg_alarm_severity. */
    uint8_t operator_state;   /**< enum tg_alarm_operator. */
    uint8_t is_flapping;      /**< Damped as of flap_ns. */
    uint8_t is_maintained;    /**< In maintenance. */
    uint8_t reserved[3];      /**< 0. */
};

/** @brief One alarm; read through visit or find, never written from outside. */
struct tg_alarm {
    const struct tg_alarm_kind *kind; /**< Lives as long as its profile. */
    uint64_t kind_key;                /**< tg_key_name of kind->name. */
    uint64_t qualifier;               /**< Part of the node; 0 the node. */
    int64_t reported_ns;              /**< Arrival of the first raise applied. */
    struct tg_alarm_state base;       /**< Fold of what is no longer in changes. */
    struct tg_alarm_state state;      /**< Fold of everything. */
    int64_t base_ns;                  /**< Changes up to here are folded away; INT64_MIN none. */
    uint32_t number;                  /**< Id: "A-%06u"; 0: a tombstone, not shown. */
    uint32_t revision;                /**< Grows with every visible change. */
    uint32_t parent_number;           /**< Alarm that explains this one; 0 none. */
    uint32_t problem_number;          /**< Problem of cause.h it belongs to; 0 none. */
    uint16_t node_id;                 /**< Node; 0: the engine or a collector. */
    uint16_t source_id;               /**< Source of the latest raise. */
    uint8_t changes_count;            /**< Entries in changes. */
    uint8_t is_root_cause;            /**< Names the cause of a problem. */
    uint8_t is_by_root;               /**< Suppressed because a root cause explains it. */
    uint8_t confidence_percent;       /**< Of the root cause verdict; 0 none. */
    uint8_t is_notified;              /**< The raise was sent and its clear was not yet. */
    uint8_t is_escalated;             /**< Active and unacknowledged too long. */
    uint8_t notified_severity;        /**< As last sent. */
    uint8_t notified_operator;        /**< As last sent. */
    char part[TG_ALARM_PART_BYTES];   /**< Part's name, or "". */
    char text[TG_ALARM_TEXT_BYTES];   /**< Body of the latest raise. */
    struct tg_alarm_change changes[TG_ALARM_CHANGES_MAX]; /**< Sorted; shape [changes_count]. */
};

/** @brief Raise or clear, from a rule or from the engine itself; borrowed during the call. */
struct tg_alarm_event {
    const struct tg_alarm_kind *kind; /**< Lives as long as the set. */
    const char *part;                 /**< Not NUL-terminated, or NULL. */
    const char *text;                 /**< Not NUL-terminated, or NULL. */
    uint32_t part_bytes;              /**< Length. */
    uint32_t text_bytes;              /**< Length. */
    uint64_t qualifier;               /**< Part's key, or 0. */
    uint64_t record_key;              /**< Identity for duplicates; 0: cannot repeat. */
    int64_t event_ns;                 /**< When it happened. */
    int64_t arrival_ns;               /**< When we knew. */
    uint32_t sequence;                /**< 0 none. */
    uint16_t node_id;                 /**< 0: the engine. */
    uint16_t source_id;               /**< For the storm guard; 0: not guarded. */
    uint8_t action;                   /**< TG_ALARM_RAISE or TG_ALARM_CLEAR. */
    uint8_t severity;                 /**< enum tg_alarm_severity; 0: the kind's. */
};

/** @brief What a notice says. */
enum tg_notice_kind {
    TG_NOTICE_RAISED = 1,   /**< Now active and to be seen. */
    TG_NOTICE_CHANGED = 2,  /**< Severity or operator state changed. */
    TG_NOTICE_CLEARED = 3,  /**< Ended. */
    TG_NOTICE_ESCALATED = 4 /**< Active and unacknowledged for three days. */
};

/** @brief Something an operator should be told. */
struct tg_alarm_notice {
    int64_t at_ns;    /**< Event time of the cause. */
    uint32_t number;  /**< Alarm's number. */
    uint16_t node_id; /**< Its node. */
    uint8_t kind;     /**< enum tg_notice_kind. */
    uint8_t severity; /**< enum tg_alarm_severity. */
};

/** @brief What happened; every bound that was reached shows here. */
struct tg_alarm_counters {
    uint64_t observations_count; /**< Looked at. */
    uint64_t duplicates_count;   /**< Known record keys. */
    uint64_t unmatched_count;    /**< Log lines no rule spoke about. */
    uint64_t raises_count;       /**< Raises taken in. */
    uint64_t clears_count;       /**< Clears taken in. */
    uint64_t late_count; /**< Older than the alarm's base: counted in it, not in the history. */
    uint64_t repeats_folded_count; /**< Repeats that left the history. */
    uint64_t changes_folded_count; /**< Effective changes that left the history. */
    uint64_t storm_count;  /**< Raises beyond the storm guard: counted, in the storm alarm. */
    uint64_t full_count;   /**< Raises with no room in the table: counted, in an alarm. */
    uint64_t purged_count; /**< Old cleared alarms removed. */
    uint64_t tombstones_expired_count; /**< Lone clears given up. */
    uint64_t notices_dropped_count;    /**< Notices nobody fetched in time. */
    uint64_t active_count;             /**< Active alarms now. */
    uint64_t alarms_count;             /**< Alarms in the table now, tombstones not. */
};

/** @brief Sizes and tables; pointers are borrowed for the set's life. */
struct tg_alarm_config {
    const struct tg_inventory *inventory; /**< Nodes. */
    /** By tg_node.profile_index; shape [profiles_count]. */
    const struct tg_profile *const *profiles;
    uint32_t profiles_count;   /**< 1..TG_PROFILES_MAX. */
    uint32_t alarms_count_max; /**< 16..TG_ALARMS_MAX; about 2 KiB each. */
};

/** @brief Opaque. */
struct tg_alarm_set;

/**
 * @brief Take all memory.
 * @param[in]  config  Borrowed until return.
 * @param[out] set     Written on TG_OK; close with tg_alarm_set_close.
 * @param[out] why     May be NULL.
 * @return TG_OK, TG_E_INVALID, TG_E_NO_MEMORY.
 */
enum tg_err tg_alarm_set_open(const struct tg_alarm_config *config, struct tg_alarm_set **set,
                              struct tg_why *why);

/** @brief Free. @param set From tg_alarm_set_open, or NULL. */
void tg_alarm_set_close(struct tg_alarm_set *set);

/**
 * @brief Take in observations, in any order, duplicates allowed: log lines through the node's
 *        profile, sequence gaps, signs of life.
 * @param[in,out] set                 The calling thread owns it.
 * @param[in]     observations        Borrowed; shape [observations_count]; node_id is set.
 * @param[in]     observations_count  0 or more.
 * @param[in]     text                Text arena of the batch; may be NULL.
 * @param[in]     text_bytes          Its length.
 */
void tg_alarm_set_apply(struct tg_alarm_set *set, const struct tg_observation *observations,
                        uint32_t observations_count, const uint8_t *text, uint32_t text_bytes);

/**
 * @brief Raise or clear one alarm directly: leakage, inferred outages, and tests.
 * @param[in,out] set    The calling thread owns it.
 * @param[in]     event  Borrowed until return.
 * @return TG_OK; TG_E_DUPLICATE: known record key; TG_E_FULL: storm or no room, counted and shown
 * by an alarm of its own; TG_E_INVALID: no kind or an unknown action.
 */
enum tg_err tg_alarm_set_report(struct tg_alarm_set *set, const struct tg_alarm_event *event);

/**
 * @brief Usage proves life, as seen from the control thread.
 * @param[in,out] set         The calling thread owns it.
 * @param[in]     node_id     Node; 0 is ignored.
 * @param[in]     event_ns    When.
 * @param[in]     arrival_ns  When we knew.
 */
void tg_alarm_set_life(struct tg_alarm_set *set, uint16_t node_id, int64_t event_ns,
                       int64_t arrival_ns);

/**
 * @brief tg_alarm_set_life of many rows, each known when it happened. What comes of them does not
 *        depend on how they are cut into calls: a journal's blocks end where they end.
 * @param[in,out] set       The calling thread owns it.
 * @param[in]     node_ids  Shape [count]; 0 is ignored.
 * @param[in]     event_ns  When; shape [count].
 * @param[in]     count     0 or more.
 */
void tg_alarm_set_usage(struct tg_alarm_set *set, const uint16_t *node_ids, const int64_t *event_ns,
                        uint32_t count);

/**
 * @brief What time alone brings: silent nodes and collectors, ended shelves and damping, quiet
 *        sequence gaps, tombstones, purge, escalation.
 *
 * A node is silent when event_now_ns is three intervals past its latest event, or wall_now_ns three
 * intervals and the disorder bound past its latest arrival. When every node behind a collector with
 * two nodes or more is silent, the collector is the one that is silent: one alarm on it, none on
 * them.
 *
 * @param[in,out] set           The calling thread owns it.
 * @param[in]     event_now_ns  Watermark of telemetry; INT64_MIN: unknown.
 * @param[in]     wall_now_ns   Arrival clock; INT64_MIN: not known (replay).
 */
void tg_alarm_set_tick(struct tg_alarm_set *set, int64_t event_now_ns, int64_t wall_now_ns);

/**
 * @brief An operator's command.
 * @param[in,out] set       The calling thread owns it.
 * @param[in]     number    Alarm number.
 * @param[in]     kind      TG_CHANGE_ACK .. TG_CHANGE_UNSHELVE or TG_CHANGE_CLOSE.
 * @param[in]     at_ns     When.
 * @param[in]     until_ns  SHELVE: end, cut to two hours after at_ns; 0: two hours. Else ignored.
 * @param[in]     is_forced CLOSE: also when active.
 * @return TG_OK; TG_E_NOT_FOUND (404); TG_E_ALARM_STATE: close of an active alarm (409);
 *         TG_E_INVALID: not a command.
 */
enum tg_err tg_alarm_set_command(struct tg_alarm_set *set, uint32_t number,
                                 enum tg_change_kind kind, int64_t at_ns, int64_t until_ns,
                                 bool is_forced);

/**
 * @brief Maintenance of a node begins or ends: all its alarms, later ones too.
 * @param[in,out] set      The calling thread owns it.
 * @param[in]     node_id  Which node.
 * @param[in]     is_on    Begins or ends.
 * @param[in]     at_ns    When.
 * @return TG_OK or TG_E_UNKNOWN_NODE.
 */
enum tg_err tg_alarm_set_maintenance(struct tg_alarm_set *set, uint16_t node_id, bool is_on,
                                     int64_t at_ns);

/**
 * @brief Fetch waiting notices, oldest first; they leave the queue.
 * @param[in,out] set               The calling thread owns it.
 * @param[out]    notices           Shape [notices_capacity].
 * @param[in]     notices_capacity  Room.
 * @return Notices written.
 */
uint32_t tg_alarm_set_notices(struct tg_alarm_set *set, struct tg_alarm_notice *notices,
                              uint32_t notices_capacity);

/** @brief Called once an alarm; return false to stop. */
typedef bool (*tg_alarm_visit)(void *context, const struct tg_alarm *alarm);

/**
 * @brief Visit all alarms by number, active and cleared, tombstones not.
 * @param[in] set      Borrowed; not changed during the visit, but for tg_alarm_set_verdict.
 * @param[in] visit    Called for each.
 * @param[in] context  Passed on.
 */
void tg_alarm_set_visit(const struct tg_alarm_set *set, tg_alarm_visit visit, void *context);

/**
 * @brief Visit the alarms of one node.
 * @param[in] set      Borrowed; not changed during the visit, but for tg_alarm_set_verdict.
 * @param[in] node_id  Node; 0: the engine's own.
 * @param[in] visit    Called for each, in no particular order.
 * @param[in] context  Passed on.
 */
void tg_alarm_set_visit_node(const struct tg_alarm_set *set, uint16_t node_id, tg_alarm_visit visit,
                             void *context);

/** @brief Find by number. @param set Borrowed. @param number 1 or more.
 *  @return Borrowed until the next change of the set, or NULL. */
const struct tg_alarm *tg_alarm_set_by_number(const struct tg_alarm_set *set, uint32_t number);

/**
 * @brief Find by key.
 * @param[in] set        Borrowed.
 * @param[in] node_id    Node.
 * @param[in] kind       Kind; compared by name.
 * @param[in] qualifier  Part's key, or 0.
 * @return Borrowed until the next change of the set, or NULL; a tombstone is not found.
 */
const struct tg_alarm *tg_alarm_set_find(const struct tg_alarm_set *set, uint16_t node_id,
                                         const struct tg_alarm_kind *kind, uint64_t qualifier);

/** @brief A root cause verdict on one alarm. */
struct tg_alarm_verdict {
    uint32_t parent_number;     /**< Alarm of the root; 0 none. */
    uint32_t problem_number;    /**< Problem; 0 none. */
    uint8_t is_root_cause;      /**< This alarm is it. */
    uint8_t is_by_root;         /**< Do not notify: the root is notified. */
    uint8_t confidence_percent; /**< 0..100. */
};

/**
 * @brief Write a root cause verdict onto an alarm; cause.h calls it.
 * @param[in,out] set      The calling thread owns it.
 * @param[in]     number   Alarm number; unknown ones are ignored.
 * @param[in]     verdict  Borrowed.
 * @param[in]     now_ns   Event time now.
 */
void tg_alarm_set_verdict(struct tg_alarm_set *set, uint32_t number,
                          const struct tg_alarm_verdict *verdict, int64_t now_ns);

/** @brief Reasons why a raise is not notified now. @param alarm Borrowed. @param now_ns Event time.
 *  @return Bits of enum tg_alarm_suppress. */
unsigned tg_alarm_suppress_at(const struct tg_alarm *alarm, int64_t now_ns);

/** @brief Damping penalty after decay. @param penalty At from_ns. @param from_ns Then.
 *  @param now_ns Later. @return 0..TG_ALARM_FLAP_MAX; halves every 15 minutes. */
int32_t tg_alarm_flap_decay(int32_t penalty, int64_t from_ns, int64_t now_ns);

/** @brief Write the id. @param number Alarm number. @param[out] id "A-000001". */
void tg_alarm_id_format(uint32_t number, char id[TG_ALARM_ID_BYTES]);

/** @brief Read an id. @param id NUL-terminated. @return Number, or 0 when it is no id. */
uint32_t tg_alarm_id_parse(const char *id);

/** @brief Counters. @param set Borrowed. @param[out] counters Written. */
void tg_alarm_set_counters(const struct tg_alarm_set *set, struct tg_alarm_counters *counters);

#endif
