/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The built-in alarm kinds and the rules for common syslog shapes: IOS, Junos, Linux, and RFC 5424
 * senders that put a trap name into MSGID. A clear stands before the raise it could be taken for.
 */
#include "health/profile.h"

#include <string.h>

/* X(identifier, name, type, layer, severity, service affecting, cause, problem, repair) */
#define KIND_LIST(X)                                                                               \
    X(LINK_DOWN, "linkDown", COMMUNICATIONS, LINK, MAJOR, true, "lossOfSignal", "a link is down",  \
      "check the far end, the optics and the cable")                                               \
    X(BGP_DOWN, "bgpDown", COMMUNICATIONS, PROTOCOL, MAJOR, true, "communicationsProtocolError",   \
      "a BGP session is down", "check the path to the neighbour, then the neighbour")              \
    X(ADJACENCY_DOWN, "adjacencyDown", COMMUNICATIONS, PROTOCOL, MAJOR, true,                      \
      "communicationsProtocolError", "an IS-IS, OSPF or LDP adjacency is lost",                    \
      "check the link below it")                                                                   \
    X(POWER_FAILURE, "powerFailure", EQUIPMENT, POWER, CRITICAL, true, "powerProblem",             \
      "power is lost", "check mains, breaker and battery at the site")                             \
    X(POWER_SUPPLY, "powerSupplyFailed", EQUIPMENT, POWER, MAJOR, false, "powerProblem",           \
      "one of the power supplies failed", "replace the power supply")                              \
    X(FAN, "fanFailed", ENVIRONMENTAL, POWER, MAJOR, false, "coolingFanFailure", "a fan failed",   \
      "replace the fan tray")                                                                      \
    X(TEMPERATURE, "temperatureHigh", ENVIRONMENTAL, POWER, MAJOR, false,                          \
      "temperatureUnacceptable", "the temperature is out of range", "check cooling and filters")   \
    X(CARD, "cardFailed", EQUIPMENT, EQUIPMENT, MAJOR, true, "replaceableUnitProblem",             \
      "a card failed", "reseat the card, then replace it")                                         \
    X(CRASH, "processCrashed", PROCESSING, SOFTWARE, MAJOR, false,                                 \
      "softwareProgramAbnormallyTerminated", "a process ended abnormally",                         \
      "collect the core file, restart the process")                                                \
    X(RESTART, "nodeRestarting", PROCESSING, SOFTWARE, CRITICAL, true, "reinitialized",            \
      "the node is going down or restarting", "wait for it to come back, look for the reason")     \
    X(NODE_DOWN, "nodeDown", EQUIPMENT, EQUIPMENT, CRITICAL, true, "equipmentMalfunction",         \
      "the node is reported down", "check power and reachability of the node")                     \
    X(CRITICAL_LOG, "criticalLog", PROCESSING, SOFTWARE, MAJOR, false, "indeterminate",            \
      "the node logged a critical condition", "read the text; close the alarm when understood")    \
    X(SEQUENCE_GAP, "sequenceGap", QUALITY, QUALITY, WARNING, false, "informationMissing",         \
      "records are missing in the sequence", "check loss between exporter and collector")          \
    X(NODE_SILENT, "nodeSilent", COMMUNICATIONS, PROTOCOL, MINOR, false,                           \
      "communicationsSubsystemFailure", "nothing is heard from the node",                          \
      "check that the node lives and may reach the collector")                                     \
    X(COLLECTION_GAP, "collectionGap", COMMUNICATIONS, PROTOCOL, MAJOR, false,                     \
      "communicationsSubsystemFailure", "nothing is heard from any node of a collector",           \
      "check the collector and the path to it, not the nodes")                                     \
    X(INFERRED_OUTAGE, "inferredOutage", COMMUNICATIONS, PROTOCOL, CRITICAL, true,                 \
      "underlyingResourceUnavailable", "silent, and what depends on it is down",                   \
      "check this node first: its dependants point at it")                                         \
    X(STORM, "alarmStorm", PROCESSING, QUALITY, MAJOR, false, "queueSizeExceeded",                 \
      "one source raises more alarms than are taken in one by one",                                \
      "look at the source; its alarms are counted here")                                           \
    X(TABLE_FULL, "alarmTableFull", PROCESSING, QUALITY, MAJOR, false, "storageCapacityProblem",   \
      "no room for more alarms; further ones are counted here", "clear or close old alarms")       \
    X(USAGE_SILENT, "usageSilent", QUALITY, QUALITY, MAJOR, false, "thresholdCrossed",             \
      "LEAK_SILENT: the node works and moves octets but reports no usage",                         \
      "check the node's usage export: revenue leaks until it reports")                             \
    X(USAGE_LOW, "usageLow", QUALITY, QUALITY, MINOR, false, "thresholdCrossed",                   \
      "LEAK_PARTIAL: the node reports under half of its usual usage",                              \
      "compare the node's counters with its usage records")                                        \
    X(USAGE_WHILE_DOWN, "usageWhileDown", QUALITY, QUALITY, WARNING, false, "corruptData",         \
      "usage came from a node that was down", "check clocks and the node's identity")

enum kind_index {
#define KIND_ENUM(ident, ...) KIND_##ident,
    KIND_LIST(KIND_ENUM)
#undef KIND_ENUM
        KINDS_COUNT
};

static const struct tg_alarm_kind kinds[KINDS_COUNT] = {
#define KIND_ROW(ident, kind_name, x733, at_layer, level, is_affecting, cause, problem, repair)    \
    [KIND_##ident] = {.name = kind_name,                                                           \
                      .probable_cause = cause,                                                     \
                      .specific_problem = problem,                                                 \
                      .repair_action = repair,                                                     \
                      .type = TG_ALARM_##x733,                                                     \
                      .layer = TG_LAYER_##at_layer,                                                \
                      .severity = TG_SEVERITY_##level,                                             \
                      .is_service_affecting = is_affecting},
    KIND_LIST(KIND_ROW)
#undef KIND_ROW
};

#define IF_AFTER                                                                                   \
    {                                                                                              \
        "ifname ", "interface ", "ifindex ", "port "                                               \
    }
#define PEER_AFTER                                                                                 \
    {                                                                                              \
        "neighbor ", "peer ", "session to ", "nbr "                                                \
    }
#define UNIT_AFTER                                                                                 \
    {                                                                                              \
        "power supply ", "fan tray ", "fan ", "psu "                                               \
    }
#define SLOT_AFTER                                                                                 \
    {                                                                                              \
        "slot ", "fpc ", "card ", "sensor "                                                        \
    }
#define PROCESS_AFTER                                                                              \
    {                                                                                              \
        "process ", "unit ", "daemon "                                                             \
    }

/* clang-format off */
#define RAISE(rule_name, ident, new_state, after, ...)                                             \
    {.name = rule_name, .kind = &kinds[KIND_##ident], .severity_max = 7,                           \
     .action = TG_ALARM_RAISE, .state = (new_state), .qualifier_after = after, __VA_ARGS__}
#define CLEAR(rule_name, ident, after, ...)                                                        \
    {.name = rule_name, .kind = &kinds[KIND_##ident], .severity_max = 7,                           \
     .action = TG_ALARM_CLEAR, .state = TG_NODE_UP, .qualifier_after = after, __VA_ARGS__}
#define NO_PART {NULL}

static const struct tg_rule_spec rules[] = {
    /* the whole node */
    CLEAR("coldStart", RESTART, NO_PART, .msgid = "coldStart", .is_whole_node = true),
    CLEAR("warmStart", RESTART, NO_PART, .msgid = "warmStart", .is_whole_node = true),
    CLEAR("ios-restarted", RESTART, NO_PART, .contains = {"%SYS-5-RESTART"}, .is_whole_node = true),
    CLEAR("system-started", RESTART, NO_PART, .contains = {"system restarted"},
          .is_whole_node = true),
    CLEAR("system-up", RESTART, NO_PART, .contains = {"system is up"}, .is_whole_node = true),
    CLEAR("linux-booted", RESTART, NO_PART, .contains = {"startup finished in"},
          .is_whole_node = true),
    RAISE("kernel-panic", RESTART, TG_NODE_DOWN, NO_PART, .contains = {"kernel panic"}),
    RAISE("going-down", RESTART, TG_NODE_DOWN, NO_PART, .contains = {"system is going down"}),
    RAISE("rebooting", RESTART, TG_NODE_DOWN, NO_PART, .contains = {"system is rebooting"}),
    RAISE("reload", RESTART, TG_NODE_DOWN, NO_PART, .contains = {"%SYS-5-RELOAD"}),
    RAISE("node-down", NODE_DOWN, TG_NODE_DOWN, NO_PART, .msgid = "nodeDown"),
    CLEAR("node-up", NODE_DOWN, NO_PART, .msgid = "nodeUp", .is_whole_node = true),
    /* power and environment */
    CLEAR("psu-restored", POWER_SUPPLY, UNIT_AFTER, .contains = {"power supply", "restored"}),
    CLEAR("psu-ok", POWER_SUPPLY, UNIT_AFTER, .contains = {"power supply", " ok"}),
    RAISE("psu-failed", POWER_SUPPLY, TG_NODE_DEGRADED, UNIT_AFTER,
          .contains = {"power supply", "fail"}),
    CLEAR("power-restored-id", POWER_FAILURE, NO_PART, .msgid = "powerRestored"),
    RAISE("power-failure-id", POWER_FAILURE, TG_NODE_DOWN, NO_PART, .msgid = "powerFailure"),
    CLEAR("power-restored", POWER_FAILURE, NO_PART, .contains = {"power restored"}),
    RAISE("power-failure", POWER_FAILURE, TG_NODE_DOWN, NO_PART, .contains = {"power failure"}),
    RAISE("power-lost", POWER_FAILURE, TG_NODE_DOWN, NO_PART, .contains = {"power lost"}),
    CLEAR("fan-ok", FAN, UNIT_AFTER, .contains = {"fan ", " ok"}),
    CLEAR("fan-restored", FAN, UNIT_AFTER, .contains = {"fan ", "restored"}),
    RAISE("fan-failed", FAN, TG_NODE_DEGRADED, UNIT_AFTER, .contains = {"fan ", "fail"}),
    CLEAR("temperature-ok", TEMPERATURE, SLOT_AFTER, .contains = {"temperature", "normal"}),
    RAISE("temperature-exceeded", TEMPERATURE, TG_NODE_DEGRADED, SLOT_AFTER,
          .contains = {"temperature", "exceed"}),
    RAISE("temperature-high", TEMPERATURE, TG_NODE_DEGRADED, SLOT_AFTER,
          .contains = {"temperature", "high"}),
    RAISE("overheat", TEMPERATURE, TG_NODE_DEGRADED, SLOT_AFTER, .contains = {"overheat"}),
    /* equipment */
    CLEAR("card-online", CARD, SLOT_AFTER, .contains = {"card", "online"}),
    RAISE("card-failed", CARD, TG_NODE_DEGRADED, SLOT_AFTER, .contains = {"card", "fail"}),
    RAISE("card-offline", CARD, TG_NODE_DEGRADED, SLOT_AFTER, .contains = {"card", "offline"}),
    /* links */
    CLEAR("linkUp", LINK_DOWN, IF_AFTER, .msgid = "linkUp"),
    RAISE("linkDown", LINK_DOWN, TG_NODE_DEGRADED, IF_AFTER, .msgid = "linkDown"),
    CLEAR("junos-link-up", LINK_DOWN, IF_AFTER, .contains = {"SNMP_TRAP_LINK_UP"}),
    RAISE("junos-link-down", LINK_DOWN, TG_NODE_DEGRADED, IF_AFTER,
          .contains = {"SNMP_TRAP_LINK_DOWN"}),
    CLEAR("junos-link-up-id", LINK_DOWN, IF_AFTER, .msgid = "SNMP_TRAP_LINK_UP"),
    RAISE("junos-link-down-id", LINK_DOWN, TG_NODE_DEGRADED, IF_AFTER,
          .msgid = "SNMP_TRAP_LINK_DOWN"),
    CLEAR("ios-link-up", LINK_DOWN, IF_AFTER, .contains = {"changed state to up"}),
    /* administratively down is a decision, not a fault */
    {.name = "ios-admin-down", .severity_max = 7, .action = TG_ALARM_NOTHING,
     .state = TG_STATE_NONE, .contains = {"changed state to administratively down"}},
    RAISE("ios-link-down", LINK_DOWN, TG_NODE_DEGRADED, IF_AFTER,
          .contains = {"changed state to down"}),
    CLEAR("linkUp-text", LINK_DOWN, IF_AFTER, .contains = {"linkup"}),
    RAISE("linkDown-text", LINK_DOWN, TG_NODE_DEGRADED, IF_AFTER, .contains = {"linkdown"}),
    CLEAR("link-is-up", LINK_DOWN, IF_AFTER, .contains = {"link is up"}),
    RAISE("link-is-down", LINK_DOWN, TG_NODE_DEGRADED, IF_AFTER, .contains = {"link is down"}),
    CLEAR("link-up", LINK_DOWN, IF_AFTER, .contains = {"link up"}),
    RAISE("link-down", LINK_DOWN, TG_NODE_DEGRADED, IF_AFTER, .contains = {"link down"}),
    CLEAR("signal-back", LINK_DOWN, IF_AFTER, .contains = {"loss of signal", "cleared"}),
    RAISE("loss-of-signal", LINK_DOWN, TG_NODE_DEGRADED, IF_AFTER, .contains = {"loss of signal"}),
    /* protocols */
    CLEAR("bgp-up-id", BGP_DOWN, PEER_AFTER, .msgid = "bgpEstablished"),
    RAISE("bgp-down-id", BGP_DOWN, TG_NODE_DEGRADED, PEER_AFTER,
          .msgid = "bgpBackwardTransition"),
    RAISE("junos-bgp-down", BGP_DOWN, TG_NODE_DEGRADED, PEER_AFTER,
          .contains = {"bgp", "established to "}),
    CLEAR("junos-bgp-up", BGP_DOWN, PEER_AFTER, .contains = {"bgp", "to established"}),
    CLEAR("ios-bgp-up", BGP_DOWN, PEER_AFTER, .contains = {"bgp", "neighbor", " up"}),
    RAISE("ios-bgp-down", BGP_DOWN, TG_NODE_DEGRADED, PEER_AFTER,
          .contains = {"bgp", "neighbor", " down"}),
    CLEAR("bgp-up", BGP_DOWN, PEER_AFTER, .contains = {"bgp", "session", " up"}),
    RAISE("bgp-down", BGP_DOWN, TG_NODE_DEGRADED, PEER_AFTER,
          .contains = {"bgp", "session", " down"}),
    CLEAR("ospf-full", ADJACENCY_DOWN, PEER_AFTER, .contains = {"ospf", "to full"}),
    RAISE("ospf-down", ADJACENCY_DOWN, TG_NODE_DEGRADED, PEER_AFTER,
          .contains = {"ospf", "to down"}),
    CLEAR("adjacency-up", ADJACENCY_DOWN, PEER_AFTER, .contains = {"adjacency", " up"}),
    RAISE("adjacency-down", ADJACENCY_DOWN, TG_NODE_DEGRADED, PEER_AFTER,
          .contains = {"adjacency", " down"}),
    RAISE("adjacency-lost", ADJACENCY_DOWN, TG_NODE_DEGRADED, PEER_AFTER,
          .contains = {"adjacency", " lost"}),
    CLEAR("ldp-up", ADJACENCY_DOWN, PEER_AFTER, .contains = {"ldp", " up"}),
    RAISE("ldp-down", ADJACENCY_DOWN, TG_NODE_DEGRADED, PEER_AFTER, .contains = {"ldp", " down"}),
    /* processes */
    RAISE("segfault", CRASH, TG_NODE_DEGRADED, PROCESS_AFTER, .contains = {"segfault at"}),
    RAISE("core-dumped", CRASH, TG_NODE_DEGRADED, PROCESS_AFTER, .contains = {"core dumped"}),
    RAISE("process-crashed", CRASH, TG_NODE_DEGRADED, PROCESS_AFTER,
          .contains = {"process", "crash"}),
    RAISE("process-exited", CRASH, TG_NODE_DEGRADED, PROCESS_AFTER,
          .contains = {"process", "terminated abnormally"}),
    CLEAR("process-restarted", CRASH, PROCESS_AFTER, .contains = {"process", "restarted"}),
    CLEAR("process-running", CRASH, PROCESS_AFTER, .contains = {"process", "is running"}),
    /* whatever it is, a person should see it: emergency, alert, critical (RFC 5424 table 2) */
    {.name = "severity-critical", .kind = &kinds[KIND_CRITICAL_LOG], .severity_max = 2,
     .action = TG_ALARM_RAISE, .state = TG_STATE_NONE},
};
/* clang-format on */

const struct tg_rule_spec *tg_profile_default_rules(uint32_t *rules_count)
{
    *rules_count = sizeof rules / sizeof rules[0];
    return rules;
}

const struct tg_alarm_kind *tg_alarm_kind_by_name(const char *name)
{
    for (uint32_t i = 0; i < KINDS_COUNT; i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            return &kinds[i];
        }
    }
    return NULL;
}
