/* SPDX-License-Identifier: Apache-2.0 */
#include "frames.h"

#include <pcap/pcap.h>
#include <string.h>

static uint8_t *put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
    return at + 2;
}

static uint8_t *put_ipv4(const struct frame_shape *shape, uint8_t *at, uint32_t udp_bytes)
{
    const unsigned header_bytes = 20 + shape->options_bytes;
    memset(at, 0, header_bytes);
    memset(at + 20, 1, shape->options_bytes); /* no-operation options */
    at[0] = (uint8_t)(0x40 | header_bytes / 4);
    put16(at + 2, (unsigned)((int)(header_bytes + udp_bytes) + shape->ip_length_change));
    put16(at + 6, shape->fragment);
    at[8] = 64;
    at[9] = shape->protocol != 0 ? shape->protocol : 17;
    memcpy(at + 12, (const uint8_t[]){10, 0, 0, 1, 10, 0, 0, 2}, 8);
    uint32_t sum = 0;
    for (unsigned i = 0; i < header_bytes; i += 2) {
        sum += (unsigned)at[i] << 8 | at[i + 1];
    }
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    if (!shape->has_no_checksum) {
        put16(at + 10, ~(sum + shape->has_bad_checksum) & 0xffff);
    }
    return at + header_bytes;
}

static uint8_t *put_ipv6(const struct frame_shape *shape, uint8_t *at, uint32_t udp_bytes)
{
    const bool has_fragment = shape->fragment != 0 || shape->has_atomic_fragment;
    const unsigned extra = shape->options_bytes + (has_fragment ? 8 : 0);
    const uint8_t last = shape->protocol != 0 ? shape->protocol : 17;
    memset(at, 0, 40 + extra);
    at[0] = 0x60;
    put16(at + 4, (unsigned)((int)(extra + udp_bytes) + shape->ip_length_change));
    at[6] = shape->options_bytes != 0 ? 0 : has_fragment ? 44 : last;
    at[7] = 64;
    memcpy(at + 8, (const uint8_t[]){0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 16);
    memcpy(at + 24, (const uint8_t[]){0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}, 16);
    at += 40;
    if (shape->options_bytes != 0) {
        at[0] = has_fragment ? 44 : last;
        at[1] = (uint8_t)(shape->options_bytes / 8 - 1);
        at += shape->options_bytes;
    }
    if (has_fragment) {
        at[0] = last;
        put16(at + 2, shape->fragment);
        at += 8;
    }
    return at;
}

uint32_t frame_make(const struct frame_shape *shape, const void *payload, uint32_t payload_bytes,
                    uint8_t *frame)
{
    static const uint16_t tags[] = {0x88a8, 0x8100, 0x8100};
    static const uint8_t macs[12] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};
    const uint32_t udp_bytes = 8 + payload_bytes;
    memcpy(frame, macs, 12);
    uint8_t *at = frame + 12;
    for (unsigned i = 0; i < shape->vlans_count; i++) {
        at = put16(at, tags[shape->vlans_count == 1 ? 1 : i]);
        at = put16(at, 100 + i);
    }
    const unsigned type = shape->is_ipv6 ? 0x86dd : 0x0800;
    at = put16(at, shape->ether_type != 0 ? shape->ether_type : type);
    at = shape->is_ipv6 ? put_ipv6(shape, at, udp_bytes) : put_ipv4(shape, at, udp_bytes);
    at = put16(at, shape->source_port != 0 ? shape->source_port : 40000);
    at = put16(at, shape->destination_port != 0 ? shape->destination_port : 2055);
    at = put16(at, (unsigned)((int)udp_bytes + shape->udp_length_change));
    at = put16(at, 0);
    memcpy(at, payload, payload_bytes);
    at += payload_bytes;
    memset(at, 0xee, shape->padding_bytes);
    return (uint32_t)(at - frame) + shape->padding_bytes;
}

struct capture_file *capture_create(const char *path, int link)
{
    pcap_t *dead = pcap_open_dead(link, 262144);
    pcap_dumper_t *dumper = pcap_dump_open(dead, path);
    pcap_close(dead);
    return (struct capture_file *)dumper;
}

void capture_add(struct capture_file *capture, int64_t time_us, const uint8_t *frame,
                 uint32_t length_bytes, uint32_t wire_bytes)
{
    const struct pcap_pkthdr header = {
        .ts = {time_us / 1000000, time_us % 1000000}, .caplen = length_bytes, .len = wire_bytes};
    pcap_dump((u_char *)capture, &header, frame);
}

void capture_close(struct capture_file *capture)
{
    pcap_dump_close((pcap_dumper_t *)capture);
}
