/* SPDX-License-Identifier: Apache-2.0 */
#include "health_world.h"

Test(profile, common_log_lines_mean_what_operators_mean)
{
    /* A misread line raises a false alarm, or leaves a node UP that is not. */
    const struct {
        const char *msgid;
        const char *body;
        uint8_t severity;
        const char *kind; /* NULL: nothing */
        uint8_t action;
        uint8_t state;
        const char *part; /* NULL: none */
    } rows[] = {
        {"-", "%LINK-3-UPDOWN: Interface GigabitEthernet0/1, changed state to down", 3, "linkDown",
         TG_ALARM_RAISE, TG_NODE_DEGRADED, "GigabitEthernet0/1"},
        {"-", "%LINK-3-UPDOWN: Interface GigabitEthernet0/1, changed state to up", 3, "linkDown",
         TG_ALARM_CLEAR, TG_NODE_UP, "GigabitEthernet0/1"},
        {"-", "%LINK-5-CHANGED: Interface Gi0/2, changed state to administratively down", 5, NULL,
         TG_ALARM_NOTHING, TG_STATE_NONE, NULL},
        {"SNMP_TRAP_LINK_DOWN", "ifIndex 526, ifAdminStatus up(1), ifName ge-0/0/1", 4, "linkDown",
         TG_ALARM_RAISE, TG_NODE_DEGRADED, "ge-0/0/1"},
        {"linkDown", "ifIndex 7", 3, "linkDown", TG_ALARM_RAISE, TG_NODE_DEGRADED, "7"},
        {"LINKUP", "ifIndex 7", 3, "linkDown", TG_ALARM_CLEAR, TG_NODE_UP, "7"},
        {"-", "%BGP-5-ADJCHANGE: neighbor 10.0.0.2 Down BGP Notification sent", 5, "bgpDown",
         TG_ALARM_RAISE, TG_NODE_DEGRADED, "10.0.0.2"},
        {"-", "%BGP-5-ADJCHANGE: neighbor 10.0.0.2 Up", 5, "bgpDown", TG_ALARM_CLEAR, TG_NODE_UP,
         "10.0.0.2"},
        {"-", "BGP peer 10.9.9.9 (External AS 65001) changed state from Established to Idle", 4,
         "bgpDown", TG_ALARM_RAISE, TG_NODE_DEGRADED, "10.9.9.9"},
        {"-", "BGP peer 10.9.9.9 (External AS 65001) changed state from OpenConfirm to Established",
         4, "bgpDown", TG_ALARM_CLEAR, TG_NODE_UP, "10.9.9.9"},
        {"-", "IS-IS lost L2 adjacency to core-2, neighbor core-2 adjacency down", 3,
         "adjacencyDown", TG_ALARM_RAISE, TG_NODE_DEGRADED, "core-2"},
        {"-", "Power supply 2 failed", 2, "powerSupplyFailed", TG_ALARM_RAISE, TG_NODE_DEGRADED,
         "2"},
        {"-", "Power supply 2 failure restored", 4, "powerSupplyFailed", TG_ALARM_CLEAR,
         TG_NODE_UP, "2"},
        {"-", "AC power failure, running on battery, shutting down", 0, "powerFailure",
         TG_ALARM_RAISE, TG_NODE_DOWN, NULL},
        {"-", "Fan tray 1 failed", 3, "fanFailed", TG_ALARM_RAISE, TG_NODE_DEGRADED, "1"},
        {"-", "Temperature of slot 3 exceeds 85 C", 2, "temperatureHigh", TG_ALARM_RAISE,
         TG_NODE_DEGRADED, "3"},
        {"-", "process rpd[811] crashed, signal 11", 3, "processCrashed", TG_ALARM_RAISE,
         TG_NODE_DEGRADED, "rpd"},
        {"-", "Kernel panic - not syncing: Fatal exception", 0, "nodeRestarting", TG_ALARM_RAISE,
         TG_NODE_DOWN, NULL},
        {"coldStart", "", 5, "nodeRestarting", TG_ALARM_CLEAR, TG_NODE_UP, NULL},
        {"-", "something nobody has heard of", 2, "criticalLog", TG_ALARM_RAISE, TG_STATE_NONE,
         NULL},
        {"-", "something nobody has heard of", 3, NULL, TG_ALARM_NOTHING, TG_STATE_NONE, NULL},
        {"-", "", 6, NULL, TG_ALARM_NOTHING, TG_STATE_NONE, NULL},
    };
    static struct world w;
    world_open(&w);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct tg_observation observation =
            world_log(&w, CORE, T0, rows[i].severity, rows[i].msgid, rows[i].body);
        struct tg_log_text log;
        struct tg_meaning meaning;
        tg_log_text_split(&observation, w.text, w.text_bytes, &log);
        tg_profile_match(w.profile, &observation, &log, &meaning);
        const struct tg_alarm_kind *kind = meaning.rule == NULL ? NULL : meaning.rule->kind;
        cr_expect_str_eq(kind == NULL ? "-" : kind->name, rows[i].kind == NULL ? "-" : rows[i].kind,
                         "%s", rows[i].body);
        if (meaning.rule == NULL || kind == NULL) {
            continue;
        }
        cr_expect_eq(meaning.rule->action, rows[i].action, "%s", rows[i].body);
        cr_expect_eq(meaning.rule->state, rows[i].state, "%s", rows[i].body);
        char part[64] = "-";
        if (meaning.part != NULL) {
            (void)snprintf(part, sizeof part, "%.*s", (int)meaning.part_bytes, meaning.part);
        }
        cr_expect_str_eq(part, rows[i].part == NULL ? "-" : rows[i].part, "%s", rows[i].body);
    }
    world_close(&w);
}

Test(profile, overlapping_texts_are_all_found_in_one_pass)
{
    /* A pattern inside or behind another one would be missed by a careless automaton. */
    const struct tg_alarm_kind *kind = tg_alarm_kind_by_name("linkDown");
    const struct tg_rule_spec rules[] = {
        {.name = "all", .kind = kind, .severity_max = 7, .action = TG_ALARM_RAISE,
         .state = TG_STATE_NONE, .contains = {"abcd", "bc", "cde"}, .lacks = "xbcy"},
        {.name = "suffix", .kind = kind, .severity_max = 7, .action = TG_ALARM_CLEAR,
         .state = TG_STATE_NONE, .contains = {"bc"}},
    };
    struct tg_profile *profile = NULL;
    cr_assert_eq(tg_profile_open(rules, 2, &profile, NULL), TG_OK);
    const struct {
        const char *body;
        int rule;
    } rows[] = {{"abcde", 0},  {"ABCDE", 0},      {"xabcdcde", 0}, {"abcd", 1},
                {"xbcy abcde", 1}, {"ababcde", 0}, {"acbd", -1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct tg_observation observation = {.kind = TG_OBSERVATION_LOG, .severity = 5};
        const struct tg_log_text log = {"", "", "", rows[i].body, 0, 0, 0,
                                        (uint32_t)strlen(rows[i].body)};
        struct tg_meaning meaning;
        tg_profile_match(profile, &observation, &log, &meaning);
        const int rule = meaning.rule == NULL ? -1 : (int)(meaning.rule - rules);
        cr_expect_eq(rule, rows[i].rule, "%s: %d", rows[i].body, rule);
    }
    tg_profile_close(profile);
}

Test(profile, malformed_text_is_read_as_empty_and_bad_rules_are_named)
{
    /* Telemetry is hostile: an offset beyond the arena must not be followed. */
    struct tg_log_text log;
    const uint8_t beyond[] = {'h', 0, 'a', 0, 'm', 0, 'b', 'o', 0, 'x', 0, 'y', 0, 'z', 0};
    const uint8_t *arena = beyond; /* eight bytes are ours, the rest is somebody else's */
    struct tg_observation observation = {.text_offset = 0, .text_bytes = 8};
    tg_log_text_split(&observation, arena, 8, &log);
    cr_expect_eq(log.body_bytes, 0, "the body has no NUL");
    observation.text_offset = 7;
    observation.text_bytes = 8;
    tg_log_text_split(&observation, arena, 8, &log);
    cr_expect_eq(log.host_bytes, 0);
    observation.text_offset = UINT32_MAX;
    tg_log_text_split(&observation, arena, 8, &log);
    cr_expect_eq(log.host_bytes, 0);
    struct tg_why why = {""};
    struct tg_profile *profile = NULL;
    const struct tg_rule_spec bad = {.name = "no-kind", .severity_max = 7,
                                     .action = TG_ALARM_RAISE, .state = TG_STATE_NONE};
    cr_expect_eq(tg_profile_open(&bad, 1, &profile, &why), TG_E_INVALID);
    cr_expect_not_null(strstr(why.text, "no-kind"), "%s", why.text);
    const struct tg_rule_spec empty = {.name = "empty", .severity_max = 7, .contains = {""},
                                       .state = TG_STATE_NONE};
    cr_expect_eq(tg_profile_open(&empty, 1, &profile, &why), TG_E_INVALID);
    cr_expect_null(profile);
}

static size_t rule_print(const struct tg_rule_spec *rule, char *line, size_t line_bytes)
{
    static const char *const actions[] = {"-", "raise", "clear"};
    const struct tg_alarm_kind *kind = rule->kind;
    char all[128] = "";
    char after[128] = "";
    size_t all_bytes = 0;
    size_t after_bytes = 0;
    for (uint32_t i = 0; i < TG_PROFILE_CONTAINS_MAX && rule->contains[i] != NULL; i++) {
        all_bytes += (size_t)snprintf(all + all_bytes, sizeof all - all_bytes, "%s\"%s\"",
                                      i == 0 ? "" : " and ", rule->contains[i]);
    }
    for (uint32_t i = 0; i < TG_PROFILE_AFTER_MAX && rule->qualifier_after[i] != NULL; i++) {
        after_bytes += (size_t)snprintf(after + after_bytes, sizeof after - after_bytes,
                                        "%s\"%s\"", i == 0 ? "" : " or ",
                                        rule->qualifier_after[i]);
    }
    return (size_t)snprintf(
        line, line_bytes, "%s\t%s\t%s\t%u-%u\t%s\t%s%s\t%s\t%s\t%s\t%s\t%s\t%s\n", rule->name,
        rule->msgid == NULL ? "-" : rule->msgid, all[0] == '\0' ? "-" : all, rule->severity_min,
        rule->severity_max, actions[rule->action],
        rule->state == TG_STATE_NONE ? "-" : tg_node_state_name(rule->state),
        rule->is_whole_node ? " (whole node)" : "", after[0] == '\0' ? "-" : after,
        kind == NULL ? "-" : kind->name, kind == NULL ? "-" : tg_alarm_type_name(kind->type),
        kind == NULL ? "-" : kind->probable_cause,
        kind == NULL ? "-" : tg_alarm_severity_name(kind->severity),
        kind == NULL ? "-" : kind->is_service_affecting ? "yes" : "no");
}

Test(profile, the_published_rule_table_is_the_one_compiled_in)
{
    /* An operator who writes a profile of his own starts from this file: it must not lie. */
    static char made[65536];
    static char kept[65536];
    uint32_t rules_count = 0;
    const struct tg_rule_spec *rules = tg_profile_default_rules(&rules_count);
    size_t used = (size_t)snprintf(made, sizeof made,
                                   "rule\tmsgid\tcontains\tsyslog_severity\taction\tstate\t"
                                   "part_after\talarm\ttype\tprobable_cause\tseverity\t"
                                   "service_affecting\n");
    for (uint32_t i = 0; i < rules_count; i++) {
        used += rule_print(&rules[i], made + used, sizeof made - used);
        cr_assert_lt(used, sizeof made);
    }
    FILE *file = fopen(TG_SOURCE_DIR "/schemas/health/default_profile.tsv", "rb");
    cr_assert_not_null(file, "schemas/health/default_profile.tsv is missing");
    const size_t kept_bytes = fread(kept, 1, sizeof kept, file);
    (void)fclose(file);
    size_t same = 0;
    while (same < used && same < kept_bytes && made[same] == kept[same]) {
        same++;
    }
    cr_expect(same == used && same == kept_bytes, "differs from byte %zu: %.60s", same,
              made + same);
}
