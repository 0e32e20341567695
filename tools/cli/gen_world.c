/* SPDX-License-Identifier: Apache-2.0 */
/* Who is in the small carrier, and how its packets reach a file. */
#include "cli/gen.h"

#include "base/clock.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define IP(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))

const struct gen_node gen_nodes[GEN_NODES_COUNT] = {
    {"core-01", IP(10, 0, 0, 1), "", "core"},
    {"core-02", IP(10, 0, 0, 2), "", "core"},
    {"agg-01", IP(10, 0, 1, 1), "core-01|core-02", "aggregation"},
    {"agg-02", IP(10, 0, 1, 2), "core-01|core-02", "aggregation"},
    {"bng-01", IP(10, 0, 2, 1), "agg-01", "bng"},
    {"bng-02", IP(10, 0, 2, 2), "agg-01", "bng"},
    {"bng-03", IP(10, 0, 2, 3), "agg-02", "bng"},
    {"bng-04", IP(10, 0, 2, 4), "agg-02", "bng"},
    {"olt-01", IP(10, 0, 3, 1), "bng-01", "olt"},
    {"olt-02", IP(10, 0, 3, 2), "bng-01", "olt"},
    {"olt-03", IP(10, 0, 3, 3), "bng-02", "olt"},
    {"olt-04", IP(10, 0, 3, 4), "bng-02", "olt"},
    {"olt-05", IP(10, 0, 3, 5), "bng-03", "olt"},
    {"olt-06", IP(10, 0, 3, 6), "bng-03", "olt"},
    {"olt-07", IP(10, 0, 3, 7), "bng-04", "olt"},
    {"olt-08", IP(10, 0, 3, 8), "bng-04", "olt"},
    {"aaa-01", IP(10, 0, 4, 1), "core-01|core-02", "aaa"},
    {"msc-01", IP(10, 0, 4, 2), "core-01|core-02", "msc"},
    {"pe-01", IP(10, 0, 5, 1), "core-01|core-02", "pe"},
    {"pe-02", IP(10, 0, 5, 2), "core-01|core-02", "pe"},
};

uint64_t gen_next(struct gen_random *random)
{
    random->state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = random->state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t gen_below(struct gen_random *random, uint64_t bound)
{
    return (uint64_t)(((unsigned __int128)gen_next(random) * bound) >> 64);
}

enum gen_kind gen_kind_of(uint32_t index, uint32_t count)
{
    if (index < count * 2ull / 5) {
        return GEN_MOBILE_V9;
    }
    return index < count * 4ull / 5 ? GEN_MOBILE_IPFIX : GEN_HOME;
}

void gen_msisdn(uint32_t index, char text[16])
{
    (void)snprintf(text, 16, "49170%07u", 1000000u + index);
}

uint32_t gen_address(uint32_t index)
{
    return IP(100, 64, 0, 0) + 1 + index;
}

static void *gen_grow(void *memory, size_t size_bytes)
{
    void *more = realloc(memory, size_bytes);
    if (more == NULL) {
        (void)fputs("tollgate gen: out of memory\n", stderr);
        exit(1);
    }
    return more;
}

void gen_send(struct gen_packets *packets, int64_t time_ns, uint32_t from, uint16_t to_port,
              const void *payload, size_t length_bytes)
{
    if (packets->count == packets->capacity) {
        packets->capacity = packets->capacity * 2 + 1024;
        packets->list = gen_grow(packets->list, packets->capacity * sizeof *packets->list);
    }
    if (packets->bytes_used + length_bytes > packets->bytes_capacity) {
        packets->bytes_capacity = packets->bytes_capacity * 2 + length_bytes + 65536;
        packets->bytes = gen_grow(packets->bytes, packets->bytes_capacity);
    }
    memcpy(packets->bytes + packets->bytes_used, payload, length_bytes);
    packets->list[packets->count] = (struct gen_packet){.time_ns = time_ns,
                                                        .offset = packets->bytes_used,
                                                        .order = (uint32_t)packets->count,
                                                        .from = from,
                                                        .length_bytes = (uint16_t)length_bytes,
                                                        .to_port = to_port};
    packets->bytes_used += length_bytes;
    packets->count++;
}

void gen_packets_free(struct gen_packets *packets)
{
    free(packets->list);
    free(packets->bytes);
    *packets = (struct gen_packets){0};
}

static int packet_compare(const void *left, const void *right)
{
    const struct gen_packet *a = left;
    const struct gen_packet *b = right;
    if (a->time_ns != b->time_ns) {
        return a->time_ns < b->time_ns ? -1 : 1;
    }
    return a->order < b->order ? -1 : a->order > b->order;
}

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value);
}

/* Ethernet, IPv4 and UDP around a payload; UDP checksum 0 = none (RFC 768). */
static size_t frame_make(uint8_t *frame, const struct gen_packet *packet, const uint8_t *payload)
{
    static const uint8_t ethernet[14] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};
    uint8_t *ip = frame + 14;
    uint8_t *udp = ip + 20;
    memcpy(frame, ethernet, sizeof ethernet);
    memset(ip, 0, 28);
    ip[0] = 0x45;
    put16(ip + 2, 28u + packet->length_bytes);
    ip[8] = 64;
    ip[9] = 17;
    put32(ip + 12, packet->from);
    put32(ip + 16, IP(10, 255, 0, 1));
    uint32_t sum = 0;
    for (unsigned i = 0; i < 20; i += 2) {
        sum += (uint32_t)ip[i] << 8 | ip[i + 1];
    }
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    put16(ip + 10, ~sum & 0xffff);
    put16(udp, 40000u + (packet->from & 255));
    put16(udp + 2, packet->to_port);
    put16(udp + 4, 8u + packet->length_bytes);
    memcpy(udp + 8, payload, packet->length_bytes);
    return 42u + packet->length_bytes;
}

enum tg_err gen_write_pcap(struct gen_packets *packets, const char *path, struct tg_why *why)
{
    static uint8_t frame[65536 + 64];
    qsort(packets->list, packets->count, sizeof *packets->list, packet_compare);
    pcap_t *dead = pcap_open_dead(DLT_EN10MB, 65535);
    pcap_dumper_t *dumper = pcap_dump_open(dead, path);
    if (dumper == NULL) {
        (void)tg_why_set(why, TG_E_IO, "%s: %s", path, pcap_geterr(dead));
        pcap_close(dead);
        return TG_E_IO;
    }
    for (size_t i = 0; i < packets->count; i++) {
        const struct gen_packet *packet = &packets->list[i];
        const size_t length = frame_make(frame, packet, packets->bytes + packet->offset);
        const struct pcap_pkthdr header = {
            .ts = {packet->time_ns / TG_NS_PER_S, packet->time_ns % TG_NS_PER_S / 1000},
            .caplen = (bpf_u_int32)length,
            .len = (bpf_u_int32)length};
        pcap_dump((u_char *)dumper, &header, frame);
    }
    const int flushed = pcap_dump_flush(dumper);
    pcap_dump_close(dumper);
    pcap_close(dead);
    return flushed == 0 ? TG_OK : tg_why_set(why, TG_E_IO, "%s: cannot write", path);
}

FILE *gen_open(const char *dir, const char *name, struct tg_why *why)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    for (char *slash = path + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        if (mkdir(path, 0777) != 0 && errno != EEXIST) {
            (void)tg_why_set(why, TG_E_IO, "%s: %s", path, strerror(errno));
            return NULL;
        }
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        (void)tg_why_set(why, TG_E_IO, "%s: %s", path, strerror(errno));
    }
    return file;
}

enum tg_err gen_all(const struct gen_params *p, struct gen_truth *truth, struct tg_why *why)
{
    struct gen_packets packets = {0};
    *truth = (struct gen_truth){0};
    enum tg_err err = gen_documents(p, why);
    if (err == TG_OK) {
        err = gen_calls(p, truth, why);
    }
    if (err == TG_OK) {
        char path[4096];
        gen_radius(p, &packets, truth);
        gen_flows(p, &packets, truth);
        gen_syslog(p, &packets, truth);
        truth->datagrams_count = packets.count;
        (void)snprintf(path, sizeof path, "%s/inputs/network.pcap", p->dir);
        err = gen_write_pcap(&packets, path, why);
        gen_packets_free(&packets);
    }
    return err;
}
