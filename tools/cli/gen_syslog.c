/* SPDX-License-Identifier: Apache-2.0 */
/* Telemetry of the small carrier: heartbeats of 20 nodes, and one failure that spreads downwards.
 */
#include "cli/gen.h"

#include "base/clock.h"

#include <string.h>

static void say(struct gen_packets *packets, struct gen_truth *truth, unsigned node,
                int64_t time_ns, unsigned severity, const char *app, const char *msgid,
                const char *data, const char *text)
{
    char stamp[TG_CLOCK_TEXT_BYTES];
    char line[512];
    (void)tg_clock_format(time_ns, stamp);
    const int length =
        snprintf(line, sizeof line, "<%u>1 %s %s %s - %s %s %s", 20 * 8 + severity, stamp,
                 gen_nodes[node].name, app, msgid, data[0] != '\0' ? data : "-", text);
    gen_send(packets, time_ns + 3000000, gen_nodes[node].address, GEN_PORT_SYSLOG, line,
             (size_t)length);
    truth->syslog_count++;
}

/* agg-02: a fan fails, it heats up and loses redundancy, then its power goes and its children
 * lose their uplink. */
static void say_failure(const struct gen_params *p, struct gen_packets *packets,
                        struct gen_truth *truth)
{
    const int64_t span_ns = (int64_t)p->minutes * 60 * TG_NS_PER_S;
    const int64_t warm_ns = p->start_ns + span_ns * 5 / 8;
    const int64_t down_ns = p->start_ns + span_ns * 3 / 4;
    say(packets, truth, 3, warm_ns, 3, "envd", "FAN_FAIL", "[env@32473 resource=\"fan-2\"]",
        "fan 2 failed");
    say(packets, truth, 3, warm_ns + 120 * TG_NS_PER_S, 2, "envd", "TEMP_HIGH",
        "[env@32473 resource=\"slot-1\"]", "temperature high: 81 C at slot 1");
    say(packets, truth, 3, down_ns, 0, "envd", "POWER_FAIL", "[env@32473 resource=\"psu\"]",
        "power failure, battery empty, system halts");
    for (unsigned node = 6; node <= 15; node++) {
        if (node == 6 || node == 7) {
            say(packets, truth, node, down_ns + 2 * TG_NS_PER_S, 2, "ifmgr", "LINK_DOWN",
                "[if@32473 interface=\"xe-0/0/0\"]", "link down, uplink to agg-02 lost");
            say(packets, truth, node, down_ns + 3 * TG_NS_PER_S, 3, "isisd", "ADJ_DOWN",
                "[isis@32473 interface=\"xe-0/0/0\"]", "IS-IS adjacency to agg-02 down");
        } else if (node >= 12) {
            say(packets, truth, node, down_ns + (int64_t)(4 + node - 12) * TG_NS_PER_S, 2, "ponmgr",
                "LINK_DOWN", "[if@32473 interface=\"uplink\"]",
                "link down, uplink to its bng lost");
        }
    }
}

/* core-02: a short fault that heals by itself and must be cleared. */
static void say_blip(const struct gen_params *p, struct gen_packets *packets,
                     struct gen_truth *truth)
{
    const int64_t at_ns = p->start_ns + (int64_t)p->minutes * 60 * TG_NS_PER_S / 4;
    say(packets, truth, 1, at_ns, 3, "ifmgr", "LINK_DOWN", "[if@32473 interface=\"et-0/1/0\"]",
        "link down");
    say(packets, truth, 1, at_ns + 40 * TG_NS_PER_S, 5, "ifmgr", "LINK_UP",
        "[if@32473 interface=\"et-0/1/0\"]", "link up");
}

void gen_syslog(const struct gen_params *p, struct gen_packets *packets, struct gen_truth *truth)
{
    const int64_t span_ns = (int64_t)p->minutes * 60 * TG_NS_PER_S;
    const int64_t down_ns = p->start_ns + span_ns * 3 / 4;
    for (unsigned node = 0; node < GEN_NODES_COUNT; node++) {
        /* agg-02 falls silent when its power goes, and so do those who reach us through it only
         * after their last words. */
        const bool dies =
            p->is_faulty && (node == 3 || node == 6 || node == 7 || node >= 12) && node <= 15;
        for (int64_t at_ns = p->start_ns + node * 1000000000ll;
             at_ns < (dies ? down_ns : p->start_ns + span_ns); at_ns += 60 * TG_NS_PER_S) {
            say(packets, truth, node, at_ns, 6, "sysmgr", "HEARTBEAT", "", "alive");
        }
    }
    say_blip(p, packets, truth);
    if (p->is_faulty) {
        say_failure(p, packets, truth);
    }
}
