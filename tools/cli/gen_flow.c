/* SPDX-License-Identifier: Apache-2.0 */
/* Flow exports of the small carrier: NetFlow v9 (RFC 3954) and IPFIX (RFC 7011). */
#include "cli/gen.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

#define RECORDS_PER_DATAGRAM 24u
#define TEMPLATE_EVERY       20u /* datagrams between template repeats, as exporters do over UDP */
#define LOST_DATAGRAM        37u /* of the v9 exporter: numbered, never sent */
#define REPEATED_DATAGRAM    11u /* of the IPFIX exporter: sent twice */

struct flow {
    int64_t start_ns;
    int64_t end_ns;
    uint64_t octets;
    uint32_t source;
    uint32_t destination;
    uint32_t order;
    uint16_t source_port;
    uint16_t destination_port;
    uint8_t protocol;
};

struct writer {
    uint8_t bytes[2048];
    size_t length;
};

static void put(struct writer *w, uint64_t value, unsigned octets)
{
    for (unsigned i = octets; i-- > 0;) {
        w->bytes[w->length++] = (uint8_t)(value >> (8 * i));
    }
}

static void patch16(struct writer *w, size_t at, size_t value)
{
    w->bytes[at] = (uint8_t)(value >> 8);
    w->bytes[at + 1] = (uint8_t)value;
}

/* element, octets; the IPFIX record is the 55-octet one that peers are measured with. */
static const uint16_t v9_fields[][2] = {{8, 4},  {12, 4}, {1, 8}, {2, 4}, {22, 4}, {21, 4}, {7, 2},
                                        {11, 2}, {4, 1},  {5, 1}, {6, 1}, {10, 2}, {14, 2}};
static const uint16_t ipfix_fields[][2] = {{152, 8}, {153, 8}, {8, 4}, {12, 4}, {7, 2},
                                           {11, 2},  {4, 1},   {1, 8}, {2, 8},  {5, 1},
                                           {6, 1},   {10, 4},  {14, 4}};

static void put_template(struct writer *w, uint16_t set_id, const uint16_t fields[][2],
                         size_t fields_count)
{
    put(w, set_id, 2);
    put(w, 8 + 4 * fields_count, 2);
    put(w, 256, 2);
    put(w, fields_count, 2);
    for (size_t i = 0; i < fields_count; i++) {
        put(w, fields[i][0], 2);
        put(w, fields[i][1], 2);
    }
}

static void put_v9_record(struct writer *w, const struct flow *flow, int64_t boot_ns)
{
    put(w, flow->source, 4);
    put(w, flow->destination, 4);
    put(w, flow->octets, 8);
    put(w, flow->octets / 900 + 1, 4);
    put(w, (uint64_t)(flow->start_ns - boot_ns) / 1000000, 4);
    put(w, (uint64_t)(flow->end_ns - boot_ns) / 1000000, 4);
    put(w, flow->source_port, 2);
    put(w, flow->destination_port, 2);
    put(w, flow->protocol, 1);
    put(w, 0, 1);
    put(w, 0x1b, 1);
    put(w, 3, 2);
    put(w, 7, 2);
}

static void put_ipfix_record(struct writer *w, const struct flow *flow)
{
    put(w, (uint64_t)flow->start_ns / 1000000, 8);
    put(w, (uint64_t)flow->end_ns / 1000000, 8);
    put(w, flow->source, 4);
    put(w, flow->destination, 4);
    put(w, flow->source_port, 2);
    put(w, flow->destination_port, 2);
    put(w, flow->protocol, 1);
    put(w, flow->octets, 8);
    put(w, flow->octets / 900 + 1, 8);
    put(w, 0, 1);
    put(w, 0x1b, 1);
    put(w, 3, 4);
    put(w, 7, 4);
}

struct exporter {
    bool is_ipfix;
    uint32_t address;
    int64_t boot_ns;
    uint32_t datagrams_count;
    uint32_t records_count;
    uint32_t sent_count;
};

static void datagram_head(struct writer *w, const struct exporter *e, size_t records_count,
                          bool has_template, int64_t export_ns)
{
    w->length = 0;
    if (e->is_ipfix) {
        put(w, 10, 2);
        put(w, 0, 2);
        put(w, (uint64_t)(export_ns / TG_NS_PER_S), 4);
        put(w, e->records_count, 4);
        put(w, 42, 4);
        if (has_template) {
            put_template(w, 2, ipfix_fields, sizeof ipfix_fields / sizeof ipfix_fields[0]);
        }
        return;
    }
    put(w, 9, 2);
    put(w, records_count + (has_template ? 1 : 0), 2);
    put(w, (uint64_t)((export_ns - e->boot_ns) / 1000000), 4);
    put(w, (uint64_t)(export_ns / TG_NS_PER_S), 4);
    put(w, e->datagrams_count, 4);
    put(w, 17, 4);
    if (has_template) {
        put_template(w, 0, v9_fields, sizeof v9_fields / sizeof v9_fields[0]);
    }
}

static size_t datagram_make(struct writer *w, const struct exporter *e, const struct flow *flows,
                            size_t count, int64_t export_ns)
{
    datagram_head(w, e, count, e->sent_count % TEMPLATE_EVERY == 0, export_ns);
    const size_t set_at = w->length;
    put(w, 256, 2);
    put(w, 0, 2);
    for (size_t i = 0; i < count; i++) {
        if (e->is_ipfix) {
            put_ipfix_record(w, &flows[i]);
        } else {
            put_v9_record(w, &flows[i], e->boot_ns);
        }
    }
    while (!e->is_ipfix && (w->length - set_at) % 4 != 0) {
        put(w, 0, 1);
    }
    patch16(w, set_at + 2, w->length - set_at);
    if (e->is_ipfix) {
        patch16(w, 2, w->length);
    }
    return w->length;
}

static void exporter_send(struct exporter *e, const struct flow *flows, size_t count,
                          struct gen_packets *packets, struct gen_truth *truth)
{
    struct writer w;
    const int64_t export_ns = flows[count - 1].end_ns + TG_NS_PER_S / 2;
    const size_t length = datagram_make(&w, e, flows, count, export_ns);
    const bool is_lost = !e->is_ipfix && e->datagrams_count == LOST_DATAGRAM;
    const bool is_repeated = e->is_ipfix && e->datagrams_count == REPEATED_DATAGRAM;
    uint64_t octets = 0;
    for (size_t i = 0; i < count; i++) {
        octets += flows[i].octets;
    }
    if (is_lost) {
        truth->flow_lost_count += count;
    } else {
        gen_send(packets, export_ns, e->address, GEN_PORT_FLOW, w.bytes, length);
        e->sent_count++;
        truth->flow_records_count += count;
        truth->flow_octets += octets;
    }
    if (is_repeated) {
        gen_send(packets, export_ns + 1000000, e->address, GEN_PORT_FLOW, w.bytes, length);
        truth->flow_records_count += count;
        truth->flow_repeats_count += count;
    }
    e->datagrams_count++;
    e->records_count += (uint32_t)count;
}

static int flow_compare(const void *left, const void *right)
{
    const struct flow *a = left;
    const struct flow *b = right;
    if (a->end_ns != b->end_ns) {
        return a->end_ns < b->end_ns ? -1 : 1;
    }
    return a->order < b->order ? -1 : a->order > b->order;
}

/* One use of data: an upload and a download flow that mirror each other. */
static void flow_pair(struct gen_random *random, const struct gen_params *p, uint32_t subscriber,
                      int64_t until_ns, struct flow out[2])
{
    const int64_t span_ns = until_ns - p->start_ns - 300 * TG_NS_PER_S;
    const int64_t start_ns =
        p->start_ns + 240 * TG_NS_PER_S + (int64_t)gen_below(random, (uint64_t)span_ns);
    const int64_t length_ns = (int64_t)(1 + gen_below(random, 60000)) * 1000000;
    const uint64_t down = 2000 + gen_below(random, gen_below(random, 10) == 0 ? 40000000 : 900000);
    struct flow flow = {.start_ns = start_ns / 1000000 * 1000000,
                        .end_ns = (start_ns + length_ns) / 1000000 * 1000000,
                        .octets = down / 12 + 40,
                        .source = gen_address(subscriber),
                        .destination = 0xc6336400u + (uint32_t)gen_below(random, 250) + 1,
                        .source_port = (uint16_t)(1024 + gen_below(random, 60000)),
                        .destination_port = gen_below(random, 4) == 0 ? 80 : 443,
                        .protocol = 6};
    out[0] = flow;
    out[1] = flow;
    out[1].octets = down;
    out[1].source = flow.destination;
    out[1].destination = flow.source;
    out[1].source_port = flow.destination_port;
    out[1].destination_port = flow.source_port;
}

static void exporter_run(const struct gen_params *p, struct exporter *e, enum gen_kind kind,
                         int64_t until_ns, struct gen_packets *packets, struct gen_truth *truth)
{
    struct gen_random random = {p->seed ^ (0xf10eULL + (unsigned)kind)};
    size_t count = 0;
    struct flow *flows =
        malloc((size_t)p->subscribers_count * p->flows_per_subscriber * 2 * sizeof *flows);
    if (flows == NULL) {
        (void)fputs("tollgate gen: out of memory\n", stderr);
        exit(1);
    }
    for (uint32_t i = 0; i < p->subscribers_count; i++) {
        if (gen_kind_of(i, p->subscribers_count) != kind) {
            continue;
        }
        for (uint32_t n = 0; n < p->flows_per_subscriber; n++) {
            flow_pair(&random, p, i, until_ns, &flows[count]);
            count += 2;
        }
    }
    for (size_t i = 0; i < count; i++) {
        flows[i].order = (uint32_t)i;
    }
    qsort(flows, count, sizeof *flows, flow_compare);
    for (size_t i = 0; i < count; i += RECORDS_PER_DATAGRAM) {
        const size_t n = count - i < RECORDS_PER_DATAGRAM ? count - i : RECORDS_PER_DATAGRAM;
        exporter_send(e, &flows[i], n, packets, truth);
    }
    free(flows);
}

void gen_flows(const struct gen_params *p, struct gen_packets *packets, struct gen_truth *truth)
{
    const int64_t end_ns = p->start_ns + (int64_t)p->minutes * 60 * TG_NS_PER_S;
    const int64_t fault_ns = p->start_ns + (int64_t)p->minutes * 60 * TG_NS_PER_S * 3 / 4;
    struct exporter v9 = {.address = gen_nodes[4].address,
                          .boot_ns = p->start_ns - 86400 * TG_NS_PER_S};
    struct exporter ipfix = {.is_ipfix = true, .address = gen_nodes[6].address};
    exporter_run(p, &v9, GEN_MOBILE_V9, end_ns, packets, truth);
    /* bng-03 hangs off agg-02: when that fails, its exports end. */
    exporter_run(p, &ipfix, GEN_MOBILE_IPFIX, p->is_faulty ? fault_ns : end_ns, packets, truth);
}
