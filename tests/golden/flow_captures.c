/* SPDX-License-Identifier: Apache-2.0 */
/* Whole captures outside the tree: an IPFIX file, payloads that must be refused, small v5 and v9
 * from other projects. */
#include "lib/flowfeed.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define SHARED     TG_SOURCE_DIR "/../shared/data/netflow/"
#define LOGSTASH   SHARED "logstash-plugins_logstash-codec-netflow/"
#define FLUENT     SHARED "repeatedly_fluent-plugin-netflow/"
#define ARRIVAL_NS (INT64_C(1600000000) * 1000000000)

extern const struct tg_plugin tg_plugin_entry_netflow5;
extern const struct tg_plugin tg_plugin_entry_netflow9;
extern const struct tg_plugin tg_plugin_entry_ipfix;

static struct tg_feed feed;
static uint8_t bytes[1 << 20];

static uint32_t load(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        cr_skip("no shared data beside the source tree");
    }
    const uint32_t length = (uint32_t)fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    return length;
}

/* If this fails an archive of IPFIX messages cannot be billed again as it was billed live. */
Test(flow_captures, ipfix_file_gives_every_data_record)
{
    const uint32_t length = load(SHARED "CESNET_ipfixcol2/example_flows.ipfix");
    cr_assert_eq(tg_feed_open(&feed, &tg_plugin_entry_ipfix, NULL, 0), TG_OK);
    const struct tg_input input = {.bytes = bytes,
                                   .length_bytes = length,
                                   .source_id = 1,
                                   .arrival_ns = ARRIVAL_NS,
                                   .file_key = 77,
                                   .flags = TG_INPUT_LAST_CHUNK};
    tg_feed_input(&feed, &input);
    cr_expect(!feed.is_stuck);
    cr_expect_eq(feed.rows_count, 3979, "%u rows", feed.rows_count);
    cr_expect_eq(feed.message.records_count, 3979);
    /* Its messages are two sequences mixed (0, 59, 0, 60, 120 ..), so none can be audited. */
    cr_expect_eq(feed.message.sequence_kind, TG_SEQUENCE_NONE);
    cr_expect_eq(feed.refusals_count, 0);
    uint32_t suspect_count = 0;
    for (uint32_t i = 0; i < feed.rows_count; i++) {
        suspect_count += (feed.rows[i].flags & TG_USAGE_SUSPECT_TIME) != 0;
        cr_expect_eq(feed.rows[i].service, TG_SERVICE_DATA);
    }
    cr_expect_eq(suspect_count, 0, "%u suspect times", suspect_count);
    tg_feed_close(&feed);
}

/* If this fails bytes that contradict their own header turn into charges. */
Test(flow_captures, payloads_that_contradict_their_header_are_refused_with_reason_and_offset)
{
    static const struct {
        const char *path;
        const struct tg_plugin *plugin;
        enum tg_err reason;
        uint32_t offset, length, error_offset;
    } cases[] = {
        {LOGSTASH "netflow5_test_invalid01.dat", &tg_plugin_entry_netflow5, TG_E_COUNT, 0, 1464, 2},
        {LOGSTASH "netflow5_test_invalid02.dat", &tg_plugin_entry_netflow5, TG_E_COUNT, 0, 1464, 2},
        {LOGSTASH "netflow9_test_invalid01.dat", &tg_plugin_entry_netflow9, TG_E_COUNT, 140, 152,
         140},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const uint32_t length = load(cases[i].path);
        cr_assert_eq(tg_feed_open(&feed, cases[i].plugin, NULL, 0), TG_OK);
        tg_feed_bytes(&feed, bytes, length, ARRIVAL_NS);
        cr_expect_eq(feed.rows_count, 0, "%s", cases[i].path);
        cr_assert_eq(feed.refusals_count, 1, "%s", cases[i].path);
        cr_expect_eq(feed.refusals[0].reason, cases[i].reason, "%s", cases[i].path);
        cr_expect_eq(feed.refusals[0].offset_bytes, cases[i].offset, "%s", cases[i].path);
        cr_expect_eq(feed.refusals[0].length_bytes, cases[i].length, "%s", cases[i].path);
        cr_expect_eq(feed.message.verdict, cases[i].reason, "%s", cases[i].path);
        cr_expect_eq(feed.message.error_offset, cases[i].error_offset, "%s", cases[i].path);
        tg_feed_close(&feed);
    }
}

/* If this fails an uptime that wrapped, 49.7 days after boot, moves usage by 49.7 days. */
Test(flow_captures, wrapped_uptime_is_resolved_against_the_header)
{
    const uint32_t length = load(LOGSTASH "netflow5.dat");
    cr_assert_eq(tg_feed_open(&feed, &tg_plugin_entry_netflow5, NULL, 0), TG_OK);
    tg_feed_bytes(&feed, bytes, length, ARRIVAL_NS);
    cr_assert_eq(feed.rows_count, 2);
    /* 2015-05-02T18:38:04.898Z; the other collector says 2015-06-21T11:40:52.194Z, after export. */
    cr_expect_eq(feed.rows[0].start_ns / 1000000, INT64_C(1430591884898));
    /* First is 4294967295, one millisecond before boot; Last is 2577 after it. */
    cr_expect_eq(feed.rows[0].duration_ms, 2578);
    tg_feed_close(&feed);
}

/* If this fails templates and data that come in datagrams of their own do not meet. */
Test(flow_captures, template_and_data_of_another_project_meet)
{
    static const struct {
        const char *name_of_template;
        const char *name_of_data;
        uint32_t rows;
        uint8_t service;
    } cases[] = {
        {"netflow.v9.template.dump", "netflow.v9.dump", 1, TG_SERVICE_DATA},
        {"netflow.v9.template.flowStartMilliseconds.dump", "netflow.v9.flowStartMilliseconds.dump",
         1, TG_SERVICE_DATA},
        {"netflow.v9.mpls-template.dump", "netflow.v9.mpls-data.dump", 1, TG_SERVICE_DATA},
        {"netflow.v9.sampler_template.dump", "netflow.v9.sampler.dump", 1, TG_SERVICE_OPTIONS},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char path[512];
        cr_assert_eq(tg_feed_open(&feed, &tg_plugin_entry_netflow9, NULL, 0), TG_OK);
        snprintf(path, sizeof(path), FLUENT "%s", cases[i].name_of_template);
        tg_feed_bytes(&feed, bytes, load(path), ARRIVAL_NS);
        snprintf(path, sizeof(path), FLUENT "%s", cases[i].name_of_data);
        tg_feed_bytes(&feed, bytes, load(path), ARRIVAL_NS);
        cr_expect_eq(feed.rows_count, cases[i].rows, "%s: %u", cases[i].name_of_data,
                     feed.rows_count);
        cr_expect_eq(feed.rows[0].service, cases[i].service, "%s", cases[i].name_of_data);
        cr_expect_eq(feed.refusals_count, 0, "%s", cases[i].name_of_data);
        tg_feed_close(&feed);
    }
    cr_assert_eq(tg_feed_open(&feed, &tg_plugin_entry_netflow5, NULL, 0), TG_OK);
    tg_feed_bytes(&feed, bytes, load(FLUENT "netflow.v5.dump"), ARRIVAL_NS);
    cr_assert_eq(feed.rows_count, 1);
    cr_expect_eq(feed.rows[0].subscriber_key, 0x0a00000b);
    cr_expect_eq(feed.rows[0].peer_key, 0x140000bb);
    cr_expect_eq(feed.rows[0].quantity_up, 4581);
    cr_expect_eq(feed.rows[0].duration_ms, 875);
    tg_feed_close(&feed);
}
