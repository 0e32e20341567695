/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Short captures of real meters, made here, decoded and audited without a network.
 *
 *  softflowd 1.1.0 read 90 flows of 3 packets (live_tool.py pcap FILE 90 1767225600) and sent them
 * as NetFlow v5, v9 and IPFIX; pmacctd 1.7.7 nfprobe saw the same packets replayed, and the ICMPv6
 * of its interface. tests/system/exporters_test.sh has the commands.
 */
#include "lib/flowfeed.h"
#include "mediate/sequence.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define ARRIVAL_NS (INT64_C(1795439000) * 1000000000)

extern const struct tg_plugin tg_plugin_entry_netflow5;
extern const struct tg_plugin tg_plugin_entry_netflow9;
extern const struct tg_plugin tg_plugin_entry_ipfix;

static struct tg_feed feed;
static uint8_t capture[1 << 16];

static uint32_t le32(const uint8_t *at)
{
    return (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 | at[0];
}

struct sums {
    uint32_t rows_count;
    uint32_t options_count;
    uint32_t messages_count;
    uint32_t uncounted; /* options records as the messages tell them */
    uint64_t octets;    /* of rows of 10.200.0.1 .. 10.200.0.40 */
    uint64_t other_octets;
    uint64_t subscribers; /* bit set of the last address octet */
    int64_t lost;
    uint8_t mode;
};

static void rows_add(struct sums *sums)
{
    for (uint32_t i = 0; i < feed.rows_count; i++) {
        const struct tg_usage *row = &feed.rows[i];
        const uint32_t host = (uint32_t)row->subscriber_key - 0x0ac80000u;
        if (row->service == TG_SERVICE_OPTIONS) {
            sums->options_count++;
        } else if (host - 1 < 40) {
            sums->rows_count++;
            sums->octets += row->quantity_up;
            sums->subscribers |= UINT64_C(1) << host;
            cr_expect_eq(row->peer_key, 0xc6336409u, "198.51.100.9");
        } else {
            sums->other_octets += row->quantity_up;
        }
    }
}

static void capture_read(const char *name, const struct tg_plugin *plugin, struct sums *sums)
{
    char path[512];
    *sums = (struct sums){0};
    (void)snprintf(path, sizeof path, TG_SOURCE_DIR "/tests/golden/data/live/%s.pcap", name);
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file, "%s", path);
    const size_t length = fread(capture, 1, sizeof capture, file);
    fclose(file);
    struct tg_sequence *sequence = tg_sequence_create(4);
    cr_assert_eq(tg_feed_open(&feed, plugin, NULL, 0), TG_OK);
    for (size_t at = 24; at + 16 + 42 < length;) {
        const uint32_t frame_bytes = le32(capture + at + 8);
        struct tg_sequence_finding finding;
        tg_feed_clear(&feed);
        tg_feed_bytes(&feed, capture + at + 16 + 42, frame_bytes - 42, ARRIVAL_NS);
        cr_expect_eq(feed.refusals_count, 0, "%s message %u", name, sums->messages_count);
        cr_expect_eq(feed.message.verdict, TG_OK);
        tg_sequence_note(sequence, 1, &feed.message, &finding);
        sums->lost += finding.lost;
        sums->mode = finding.mode;
        sums->messages_count++;
        sums->uncounted += feed.message.options_count;
        rows_add(sums);
        at += 16 + frame_bytes;
    }
    tg_feed_close(&feed);
    tg_sequence_free(sequence);
}

Test(live_captures, softflowd_tells_the_same_usage_in_three_versions)
{
    /* If this fails an operator's bills change with the export version of the same meter. */
    static const struct {
        const char *name;
        const struct tg_plugin *plugin;
        uint32_t messages_count, options_count;
    } cases[] = {{"softflowd_v5", &tg_plugin_entry_netflow5, 4, 0},
                 {"softflowd_v9", &tg_plugin_entry_netflow9, 4, 1},
                 {"softflowd_v10", &tg_plugin_entry_ipfix, 4, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sums sums;
        capture_read(cases[i].name, cases[i].plugin, &sums);
        cr_expect_eq(sums.rows_count, 90, "%s: %u rows", cases[i].name, sums.rows_count);
        cr_expect_eq(sums.octets, 41583, "%s: %lu octets", cases[i].name, sums.octets);
        cr_expect_eq(sums.other_octets, 0);
        cr_expect_eq(sums.subscribers, UINT64_C(0x1fffffffffe), "%s", cases[i].name);
        cr_expect_eq(sums.messages_count, cases[i].messages_count, "%s: %u", cases[i].name,
                     sums.messages_count);
        cr_expect_eq(sums.options_count, cases[i].options_count, "%s: %u", cases[i].name,
                     sums.options_count);
        /* v9 counts messages, so only IPFIX has to say what its number leaves out. */
        cr_expect_eq(sums.uncounted,
                     cases[i].plugin == &tg_plugin_entry_ipfix ? cases[i].options_count : 0);
        cr_expect_eq(sums.lost, 0, "%s: %ld lost", cases[i].name, sums.lost);
    }
}

Test(live_captures, pmacctd_counts_as_the_standard_says)
{
    /* If this fails the habit learnt from softflowd is forced on meters that follow RFC 7011. */
    struct sums sums;
    capture_read("pmacctd_ipfix", &tg_plugin_entry_ipfix, &sums);
    cr_expect_eq(sums.rows_count, 90, "%u rows", sums.rows_count);
    cr_expect_eq(sums.octets, 41583, "%lu octets", sums.octets);
    cr_expect_eq(sums.subscribers, UINT64_C(0x1fffffffffe));
    cr_expect_eq(sums.other_octets, 824, "ICMPv6: %lu", sums.other_octets);
    cr_expect_eq(sums.lost, 0);
    cr_expect_eq(sums.mode, TG_SEQUENCE_EXCLUSIVE, "%u", sums.mode);
}
