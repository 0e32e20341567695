/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/frame_answer.h"

#include "ports/strip.h"

#include <string.h>

#define IPV4_BYTES            20u
#define IPV6_BYTES            40u
#define UDP_BYTES             8u
#define PROTOCOL_UDP          17u
#define HOPS                  64u
#define UDP_PAYLOAD_BYTES_MAX 65507u

static uint8_t *put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
    return at + 2;
}

/* RFC 1071, in 64 bits so that no carry is lost before the fold. */
static uint64_t sum_add(uint64_t sum, const uint8_t *bytes, uint32_t length_bytes)
{
    for (uint32_t i = 0; i + 1 < length_bytes; i += 2) {
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    }
    if (length_bytes % 2 != 0) {
        sum += (uint32_t)bytes[length_bytes - 1] << 8;
    }
    return sum;
}

static uint16_t sum_fold(uint64_t sum)
{
    while (sum >> 16 != 0) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)~sum;
}

static uint8_t *put_ethernet(uint8_t *at, const struct tg_return_path *path)
{
    memcpy(at, path->mac_to, 6);
    memcpy(at + 6, path->mac_from, 6);
    at += 12;
    for (uint32_t i = 0; i < path->vlans_count && i < TG_STRIP_VLANS_MAX; i++) {
        at = put16(at, path->vlan_tpid[i]);
        at = put16(at, path->vlan_tci[i]);
    }
    return put16(at, path->ip_version == 4 ? 0x0800 : 0x86dd);
}

static uint8_t *put_ipv4(uint8_t *at, const struct tg_return_path *path, uint32_t udp_bytes)
{
    memset(at, 0, IPV4_BYTES);
    at[0] = 0x45;
    (void)put16(at + 2, IPV4_BYTES + udp_bytes);
    (void)put16(at + 6, 0x4000); /* don't fragment: then the identification may be 0, RFC 6864 */
    at[8] = HOPS;
    at[9] = PROTOCOL_UDP;
    memcpy(at + 12, path->address_from + 12, 4);
    memcpy(at + 16, path->address_to + 12, 4);
    (void)put16(at + 10, sum_fold(sum_add(0, at, IPV4_BYTES)));
    return at + IPV4_BYTES;
}

static uint8_t *put_ipv6(uint8_t *at, const struct tg_return_path *path, uint32_t udp_bytes)
{
    memset(at, 0, IPV6_BYTES);
    at[0] = 0x60;
    (void)put16(at + 4, udp_bytes);
    at[6] = PROTOCOL_UDP;
    at[7] = HOPS;
    memcpy(at + 8, path->address_from, 16);
    memcpy(at + 24, path->address_to, 16);
    return at + IPV6_BYTES;
}

static void put_udp(uint8_t *at, const struct tg_return_path *path, const uint8_t *bytes,
                    uint32_t udp_bytes)
{
    (void)put16(at, path->port_from);
    (void)put16(at + 2, path->port_to);
    (void)put16(at + 4, udp_bytes);
    (void)put16(at + 6, 0);
    memcpy(at + UDP_BYTES, bytes, udp_bytes - UDP_BYTES);
    /* A mapped IPv4 address is all zeros and ffff in front: only its last four octets belong in the
     * pseudo-header. */
    const uint32_t skip = path->ip_version == 4 ? 12 : 0;
    uint64_t sum = sum_add(0, path->address_from + skip, 16 - skip);
    sum = sum_add(sum, path->address_to + skip, 16 - skip) + PROTOCOL_UDP + udp_bytes;
    const uint16_t checksum = sum_fold(sum_add(sum, at, udp_bytes));
    (void)put16(at + 6, checksum != 0 ? checksum : 0xffff); /* 0 would say: none */
}

uint32_t tg_frame_answer(const struct tg_return_path *path, const uint8_t *bytes,
                         uint32_t length_bytes, uint8_t *frame, uint32_t capacity_bytes)
{
    if (length_bytes == 0 || length_bytes > UDP_PAYLOAD_BYTES_MAX ||
        (path->ip_version != 4 && path->ip_version != 6) ||
        capacity_bytes < TG_FRAME_HEADERS_BYTES_MAX + length_bytes) {
        return 0;
    }
    const uint32_t udp_bytes = UDP_BYTES + length_bytes;
    uint8_t *at = put_ethernet(frame, path);
    at = path->ip_version == 4 ? put_ipv4(at, path, udp_bytes) : put_ipv6(at, path, udp_bytes);
    put_udp(at, path, bytes, udp_bytes);
    return (uint32_t)(at - frame) + udp_bytes;
}
