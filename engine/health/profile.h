/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief What a log line means: a vendor profile is an ordered table of rules, compiled once.
 *
 *  Source: event types and probable causes of ITU-T X.733 8.1.2.1 and 3GPP TS 32.111-2 annex B;
 *  severities of RFC 8632 (perceived) and RFC 5424 6.2.1 (syslog).
 *  Threads: immutable after open; any thread reads. Allocates: in tg_profile_open only.
 *  Cost: one pass over the body (all substrings at once, Aho-Corasick) and one compare a rule; see
 *  tests/stress/health_speed.c.
 *
 *  The first rule that matches wins, so special rules stand before general ones. Texts are compared
 *  without ASCII case.
 */
#ifndef TG_HEALTH_PROFILE_H
#define TG_HEALTH_PROFILE_H

#include "abi/usage.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TG_PROFILE_RULES_MAX      256u  /**< Rules a profile; more is refused. */
#define TG_PROFILE_PATTERNS_MAX   256u  /**< Distinct substrings a profile; more is refused. */
#define TG_PROFILE_TEXT_BYTES_MAX 4000u /**< All substrings together; more is refused. */
#define TG_PROFILE_AFTER_MAX      4u    /**< Texts that name a part, a rule. */
#define TG_PROFILE_CONTAINS_MAX   3u    /**< Substrings a rule. */
#define TG_PROFILES_MAX           64u /**< Profiles an engine has; more is a configuration error. */

/** @brief X.733 event type. Values are stored: pinned for life. */
enum tg_alarm_type {
    TG_ALARM_COMMUNICATIONS = 2, /**< communicationsAlarm. */
    TG_ALARM_ENVIRONMENTAL = 3,  /**< environmentalAlarm. */
    TG_ALARM_EQUIPMENT = 4,      /**< equipmentAlarm. */
    TG_ALARM_PROCESSING = 10,    /**< processingErrorAlarm. */
    TG_ALARM_QUALITY = 11        /**< qualityOfServiceAlarm. */
};

/** @brief Perceived severity, RFC 8632 "severity"; higher is worse. */
enum tg_alarm_severity {
    TG_SEVERITY_CLEARED = 1,       /**< Only for showing. */
    TG_SEVERITY_INDETERMINATE = 2, /**< Cannot be told. */
    TG_SEVERITY_WARNING = 3,       /**< Before service is touched. */
    TG_SEVERITY_MINOR = 4,         /**< Not yet service affecting. */
    TG_SEVERITY_MAJOR = 5,         /**< Service affecting, urgent. */
    TG_SEVERITY_CRITICAL = 6       /**< Service is gone, immediate. */
};

/** @brief Where in the stack a cause lies; the lowest explains the others. */
enum tg_alarm_layer {
    TG_LAYER_POWER = 1,     /**< Power and environment. */
    TG_LAYER_EQUIPMENT = 2, /**< Cards, fans, optics. */
    TG_LAYER_LINK = 3,      /**< Physical link. */
    TG_LAYER_PROTOCOL = 4,  /**< Adjacencies, sessions. */
    TG_LAYER_SOFTWARE = 5,  /**< Processes. */
    TG_LAYER_QUALITY = 6    /**< Thresholds, leakage, gaps. */
};

/** @brief A kind of alarm: the "type" of the alarm's key (node, type, qualifier). */
struct tg_alarm_kind {
    const char *name;             /**< Type name, e.g. "linkDown"; part of the key. */
    const char *probable_cause;   /**< X.733 / TS 32.111-2 name, e.g. "lossOfSignal". */
    const char *specific_problem; /**< Sentence part for a person. */
    const char *repair_action;    /**< What to do. */
    uint8_t type;                 /**< enum tg_alarm_type. */
    uint8_t layer;                /**< enum tg_alarm_layer. */
    uint8_t severity;             /**< Default enum tg_alarm_severity. */
    bool is_service_affecting;    /**< Do customers notice? */
};

/** @brief What to do with the alarm. */
enum tg_alarm_action {
    TG_ALARM_NOTHING = 0, /**< Only the state matters. */
    TG_ALARM_RAISE = 1,   /**< Raise or repeat. */
    TG_ALARM_CLEAR = 2    /**< Clear. */
};

#define TG_STATE_NONE 255u /**< In a rule: says nothing about the node's state. */

/** @brief One rule as configured; NULL and 0 mean "any". Texts are borrowed for the profile's life.
 */
struct tg_rule_spec {
    const char *name;                              /**< For messages and for explain. */
    const char *app;                               /**< APP-NAME or tag must equal. */
    const char *msgid;                             /**< MSGID must equal. */
    const char *contains[TG_PROFILE_CONTAINS_MAX]; /**< All must be in the body. */
    const char *lacks;                             /**< Must not be in the body. */
    /** The word after the first of these texts that the body has names the part concerned. */
    const char *qualifier_after[TG_PROFILE_AFTER_MAX];
    uint64_t qualifier;               /**< Observation's qualifier must equal. */
    const struct tg_alarm_kind *kind; /**< Alarm kind; NULL when action is TG_ALARM_NOTHING. */
    uint8_t severity_min;             /**< Syslog severity, 0 most severe. */
    uint8_t severity_max;             /**< Syslog severity; 7 any. */
    uint8_t action;                   /**< enum tg_alarm_action. */
    uint8_t state;                    /**< enum tg_node_state, or TG_STATE_NONE. */
    bool is_whole_node; /**< State UP: ends every condition of the node, not this one only. */
};

/** @brief The meaning of one observation. */
struct tg_meaning {
    const struct tg_rule_spec *rule; /**< The rule that matched; NULL: none did. */
    const char *part;    /**< Part concerned, in the text; not NUL-terminated; or NULL. */
    uint32_t part_bytes; /**< Its length. */
    uint64_t qualifier;  /**< Key of the part, the observation's own, or 0. */
};

/** @brief The four texts of an observation, borrowed from its arena. */
struct tg_log_text {
    const char *host;     /**< Not NUL-terminated; length host_bytes. */
    const char *app;      /**< Length app_bytes. */
    const char *msgid;    /**< Length msgid_bytes. */
    const char *body;     /**< Length body_bytes. */
    uint32_t host_bytes;  /**< Octets. */
    uint32_t app_bytes;   /**< Octets. */
    uint32_t msgid_bytes; /**< Octets. */
    uint32_t body_bytes;  /**< Octets. */
};

/** @brief A compiled profile; opaque. */
struct tg_profile;

/**
 * @brief Compile rules.
 * @param[in]  rules        Borrowed for the profile's life; shape [rules_count].
 * @param[in]  rules_count  1..TG_PROFILE_RULES_MAX.
 * @param[out] profile      Written on TG_OK; close with tg_profile_close.
 * @param[out] why          May be NULL; names the rule at fault.
 * @return TG_OK; TG_E_INVALID: an impossible rule; TG_E_FULL: a bound; TG_E_NO_MEMORY.
 */
enum tg_err tg_profile_open(const struct tg_rule_spec *rules, uint32_t rules_count,
                            struct tg_profile **profile, struct tg_why *why);

/** @brief Free. @param profile From tg_profile_open, or NULL. */
void tg_profile_close(struct tg_profile *profile);

/** @brief Rules for common syslog shapes. @param[out] rules_count Written. @return Static table. */
const struct tg_rule_spec *tg_profile_default_rules(uint32_t *rules_count);

/**
 * @brief Alarm kind of the built-in set by name, for profiles written by hand.
 * @param[in] name  NUL-terminated, e.g. "linkDown".
 * @return Static kind, or NULL.
 */
const struct tg_alarm_kind *tg_alarm_kind_by_name(const char *name);

/**
 * @brief Find the four texts of an observation; a malformed text gives empty ones.
 * @param[in]  observation  Borrowed.
 * @param[in]  text         The batch's arena, or NULL.
 * @param[in]  text_bytes   Its length: offsets beyond it are not followed.
 * @param[out] out          Written; pointers into the arena.
 */
void tg_log_text_split(const struct tg_observation *observation, const uint8_t *text,
                       uint32_t text_bytes, struct tg_log_text *out);

/**
 * @brief What a log line means.
 * @param[in]  profile      Borrowed.
 * @param[in]  observation  Of kind TG_OBSERVATION_LOG; borrowed.
 * @param[in]  text         Its texts; borrowed.
 * @param[out] meaning      Written; rule is NULL when nothing matched.
 */
void tg_profile_match(const struct tg_profile *profile, const struct tg_observation *observation,
                      const struct tg_log_text *text, struct tg_meaning *meaning);

/** @brief "communicationsAlarm". @param type enum tg_alarm_type. @return Static text. */
const char *tg_alarm_type_name(unsigned type);

/** @brief "critical". @param severity enum tg_alarm_severity. @return Static text. */
const char *tg_alarm_severity_name(unsigned severity);

#endif
