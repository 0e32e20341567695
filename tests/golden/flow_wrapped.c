/* SPDX-License-Identifier: Apache-2.0 */
/* The same payloads as pcaps, with the number of data records tshark 4.0 finds in each. Where we
 * count otherwise, plugins/decoders/ipfix/README.md says who is right and why. */
#include "lib/flowfeed.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define WRAPPED TG_SOURCE_DIR "/../shared/data/wrapped/"

extern const struct tg_plugin tg_plugin_entry_netflow5;
extern const struct tg_plugin tg_plugin_entry_netflow9;
extern const struct tg_plugin tg_plugin_entry_ipfix;

static struct tg_feed feeds[3];

/* clang-format off */
static const struct {
    const char *name;
    uint32_t tshark_count;
    uint32_t our_count;
} captures[] = {
    {"fluent__v5", 1, 1},
    {"fluent__v9-as2", 0, 0},
    {"fluent__v9-mpls", 1, 1},
    {"fluent__v9-ms", 1, 1},
    {"fluent__v9-sampler", 1, 1},
    {"fluent__v9", 1, 1},
    {"logstash__IPFIX-Barracuda-extended-uniflow-template-256", 2, 2},
    {"logstash__IPFIX-Barracuda-firewall", 8, 8},
    {"logstash__IPFIX-Mikrotik-RouterOS-6-39-2", 46, 46},
    {"logstash__IPFIX-Netscaler-with-variable-length-fields-missing-templates", 0, 0},
    {"logstash__IPFIX-Netscaler-with-variable-length-fields", 3, 3},
    {"logstash__IPFIX-Nokia-BRAS", 1, 1},
    {"logstash__IPFIX-OpenBSD-pflow", 26, 26},
    {"logstash__IPFIX-Procera", 8, 8},
    {"logstash__IPFIX-VMware-virtual-distributed-switch", 5, 5},
    {"logstash__IPFIX-YAF-basic-with-applabel", 3, 3},
    {"logstash__IPFIX-from-IXIA-something-something", 1, 1},
    {"logstash__IPFIX-options-template-from-Juniper-MX240-JunOS-15-1-R6-S3", 1, 1},
    {"logstash__IPFIX-vIPtela-with-VPN-id", 1, 1},
    {"logstash__IPFIX", 7, 7},
    {"logstash__Juniper-SRX-options-template-with-0-scope-field-length", 1, 1},
    {"logstash__Netflow-5-invalid-01", 30, 0},
    {"logstash__Netflow-5-invalid-02", 30, 0},
    {"logstash__Netflow-5-valid-01", 2, 2},
    {"logstash__Netflow-9-Cisco-1941-K9-release-15-1", 29, 29},
    {"logstash__Netflow-9-Cisco-ACI", 3, 3},
    {"logstash__Netflow-9-Cisco-ASA-2", 19, 19},
    {"logstash__Netflow-9-Cisco-ASA", 14, 14},
    {"logstash__Netflow-9-Cisco-ASR-9000-series-options-template-256", 19, 19},
    {"logstash__Netflow-9-Cisco-ASR-9000-series-template-260", 21, 21},
    {"logstash__Netflow-9-Cisco-ASR1001-X", 25, 25},
    {"logstash__Netflow-9-Cisco-NBAR-flowset-262", 5, 5},
    {"logstash__Netflow-9-Cisco-NBAR-options-template-260", 15, 15},
    {"logstash__Netflow-9-Cisco-WLC-8500-release-8-2", 0, 0},
    {"logstash__Netflow-9-Cisco-WLC", 19, 19},
    {"logstash__Netflow-9-Fortigate-FortiOS-5-2-1", 2, 2},
    {"logstash__Netflow-9-Fortigate-FortiOS-54x-appid", 17, 17},
    {"logstash__Netflow-9-H3C-Netstream-with-varstring", 0, 1},
    {"logstash__Netflow-9-H3C", 0, 16},
    {"logstash__Netflow-9-Huawei-Netstream", 1, 1},
    {"logstash__Netflow-9-IE150-IE151", 2, 2},
    {"logstash__Netflow-9-Palo-Alto-1-flowset-in-large-zero-filled-packet", 1, 1},
    {"logstash__Netflow-9-Palo-Alto-PAN-OS-with-app-id", 8, 8},
    {"logstash__Netflow-9-Streamcore", 4, 4},
    {"logstash__Netflow-9-Ubiquiti-Edgerouter-with-MPLS-labels", 16, 16},
    {"logstash__Netflow-9-field-layer2segmentid", 1, 1},
    {"logstash__Netflow-9-invalid-01", 0, 0},
    {"logstash__Netflow-9-ipt-netflow-reduced-size-encoding", 12, 12},
    {"logstash__Netflow-9-macaddress", 30, 30},
    {"logstash__Netflow-9-multiple-netflow-exporters", 9, 9},
    {"logstash__Netflow-9-nprobe-DPI-L7", 1, 1},
    {"logstash__Netflow-9-options-template-with-scope-fields", 1, 1},
    {"logstash__Netflow-9-template-with-0-length-fields", 10, 10},
    {"logstash__Netflow-9-valid-01", 7, 7},
    {"logstash__Netflow5-Juniper-MX80", 29, 29},
    {"logstash__Netflow5-mikrotik", 30, 30},
};
/* clang-format on */

/* Frames of these pcaps are Ethernet, IPv4 without options, UDP: 42 octets before the payload. */
static uint32_t count_records(FILE *file)
{
    static uint8_t frame[65536];
    uint8_t head[16];
    for (uint32_t i = 0; i < 3; i++) {
        tg_feed_clear(&feeds[i]);
    }
    cr_assert_eq(fseek(file, 24, SEEK_SET), 0);
    while (fread(head, 1, sizeof(head), file) == sizeof(head)) {
        const uint32_t length = (uint32_t)head[8] | (uint32_t)head[9] << 8;
        cr_assert_eq(fread(frame, 1, length, file), length);
        for (uint32_t i = 0; i < 3; i++) {
            if (feeds[i].decoder->probe(frame + 42, length - 42)) {
                tg_feed_bytes(&feeds[i], frame + 42, length - 42, INT64_C(1600000000000000000));
            }
        }
    }
    return feeds[0].rows_count + feeds[1].rows_count + feeds[2].rows_count;
}

/* If this fails we and the most used protocol analyser see different traffic without a reason. */
Test(flow_wrapped, record_counts_agree_with_tshark_or_are_explained)
{
    const struct tg_plugin *plugins[3] = {&tg_plugin_entry_netflow5, &tg_plugin_entry_netflow9,
                                          &tg_plugin_entry_ipfix};
    uint32_t agree_count = 0;
    for (size_t c = 0; c < sizeof(captures) / sizeof(captures[0]); c++) {
        char path[512];
        snprintf(path, sizeof(path), WRAPPED "%s.pcap", captures[c].name);
        FILE *file = fopen(path, "rb");
        if (file == NULL) {
            cr_skip("no shared data beside the source tree");
        }
        for (uint32_t i = 0; i < 3; i++) {
            cr_assert_eq(tg_feed_open(&feeds[i], plugins[i], NULL, 0), TG_OK);
        }
        const uint32_t count = count_records(file);
        cr_expect_eq(count, captures[c].our_count, "%s: %u records, expected %u", captures[c].name,
                     count, captures[c].our_count);
        agree_count += captures[c].our_count == captures[c].tshark_count ? 1 : 0;
        for (uint32_t i = 0; i < 3; i++) {
            tg_feed_close(&feeds[i]);
        }
        fclose(file);
    }
    cr_expect_eq(agree_count, sizeof(captures) / sizeof(captures[0]) - 4);
}
