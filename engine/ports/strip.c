/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/strip.h"

#include <stdbool.h>
#include <string.h>

#define MACS_BYTES       12u
#define TYPE_IPV4        0x0800u
#define TYPE_IPV6        0x86ddu
#define TYPE_VLAN        0x8100u /* IEEE 802.1Q customer tag */
#define TYPE_QINQ        0x88a8u /* IEEE 802.1Q service tag */
#define TYPE_QINQ_OLD    0x9100u /* before it was standardised; switches still send it */
#define IPV4_BYTES_MIN   20u
#define IPV6_BYTES       40u
#define UDP_BYTES        8u
#define NEXT_HOP_BY_HOP  0u
#define NEXT_UDP         17u
#define NEXT_ROUTING     43u
#define NEXT_FRAGMENT    44u
#define NEXT_AH          51u
#define NEXT_DESTINATION 60u

/* What is left to read; every step narrows it to the length its header claims. */
struct window {
    const uint8_t *frame;
    uint32_t at;
    uint32_t end;
};

static uint16_t be16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t left(const struct window *window)
{
    return window->end - window->at;
}

static enum tg_err strip_ethernet(struct window *window, struct tg_strip *found, uint16_t *type)
{
    window->at = MACS_BYTES;
    found->vlans_count = 0;
    for (;;) {
        if (left(window) < 2) {
            return TG_E_LENGTH;
        }
        *type = be16(window->frame + window->at);
        window->at += 2;
        if (*type != TYPE_VLAN && *type != TYPE_QINQ && *type != TYPE_QINQ_OLD) {
            return TG_OK;
        }
        if (found->vlans_count == TG_STRIP_VLANS_MAX) {
            return TG_E_NOT_IP_UDP;
        }
        if (left(window) < 2) {
            return TG_E_LENGTH;
        }
        found->vlan_tpid[found->vlans_count] = *type;
        found->vlan_tci[found->vlans_count] = be16(window->frame + window->at);
        found->vlans_count++;
        window->at += 2;
    }
}

/* RFC 1071: the ones' complement sum over a header with its right checksum is 0xffff. */
static bool ipv4_checksum_is_wrong(const uint8_t *header, uint32_t header_bytes)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < header_bytes; i += 2) {
        sum += be16(header + i);
    }
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return sum != 0xffff && be16(header + 10) != 0;
}

static void address_map(const uint8_t *ipv4, uint8_t mapped[16])
{
    memset(mapped, 0, 10);
    mapped[10] = mapped[11] = 0xff;
    memcpy(mapped + 12, ipv4, 4);
}

static enum tg_err strip_ipv4(struct window *window, struct tg_strip *found)
{
    const uint8_t *header = window->frame + window->at;
    if (left(window) < IPV4_BYTES_MIN) {
        return TG_E_LENGTH;
    }
    if (header[0] >> 4 != 4) {
        return TG_E_NOT_IP_UDP;
    }
    const uint32_t header_bytes = (header[0] & 15u) * 4u;
    const uint32_t total_bytes = be16(header + 2);
    if (header_bytes < IPV4_BYTES_MIN || total_bytes < header_bytes || total_bytes > left(window)) {
        return TG_E_LENGTH;
    }
    if (ipv4_checksum_is_wrong(header, header_bytes)) {
        return TG_E_CHECKSUM;
    }
    if (header[9] != NEXT_UDP) {
        return TG_E_NOT_IP_UDP;
    }
    if ((be16(header + 6) & 0x3fffu) != 0) { /* more fragments, or an offset */
        return TG_E_FRAGMENT;
    }
    found->ip_version = 4;
    address_map(header + 12, found->source_address);
    address_map(header + 16, found->destination_address);
    window->end = window->at + total_bytes; /* what follows is Ethernet padding */
    window->at += header_bytes;
    return TG_OK;
}

static enum tg_err strip_extensions(struct window *window, uint8_t next)
{
    for (uint32_t i = 0; i <= TG_STRIP_EXTENSION_HEADERS_MAX; i++) {
        if (next == NEXT_UDP) {
            return TG_OK;
        }
        const bool is_fragment = next == NEXT_FRAGMENT;
        const bool is_ah = next == NEXT_AH;
        if (!is_fragment && !is_ah && next != NEXT_HOP_BY_HOP && next != NEXT_ROUTING &&
            next != NEXT_DESTINATION) {
            return TG_E_NOT_IP_UDP;
        }
        if (left(window) < 8) {
            return TG_E_LENGTH;
        }
        const uint8_t *header = window->frame + window->at;
        uint32_t header_bytes = 8;
        if (is_fragment) {
            /* Offset 0 and no more fragments: a whole packet in fragment's clothing, RFC 6946. */
            if ((be16(header + 2) & 0xfff9u) != 0) {
                return TG_E_FRAGMENT;
            }
        } else if (is_ah) {
            header_bytes = (header[1] + 2u) * 4u;
        } else {
            header_bytes = (header[1] + 1u) * 8u;
        }
        if (header_bytes > left(window)) {
            return TG_E_LENGTH;
        }
        next = header[0];
        window->at += header_bytes;
    }
    return TG_E_NOT_IP_UDP;
}

static enum tg_err strip_ipv6(struct window *window, struct tg_strip *found)
{
    const uint8_t *header = window->frame + window->at;
    if (left(window) < IPV6_BYTES) {
        return TG_E_LENGTH;
    }
    if (header[0] >> 4 != 6) {
        return TG_E_NOT_IP_UDP;
    }
    const uint32_t payload_bytes = be16(header + 4); /* 0, a jumbogram, fits no UDP below */
    if (payload_bytes > left(window) - IPV6_BYTES) {
        return TG_E_LENGTH;
    }
    found->ip_version = 6;
    memcpy(found->source_address, header + 8, 16);
    memcpy(found->destination_address, header + 24, 16);
    window->end = window->at + IPV6_BYTES + payload_bytes;
    window->at += IPV6_BYTES;
    return strip_extensions(window, header[6]);
}

static enum tg_err strip_udp(struct window *window, struct tg_strip *found)
{
    if (left(window) < UDP_BYTES) {
        return TG_E_LENGTH;
    }
    const uint8_t *header = window->frame + window->at;
    const uint32_t udp_bytes = be16(header + 4);
    if (udp_bytes < UDP_BYTES || udp_bytes > left(window)) {
        return TG_E_LENGTH;
    }
    if (udp_bytes == UDP_BYTES) {
        return TG_E_MISSING_FIELD;
    }
    found->source_port = be16(header);
    found->destination_port = be16(header + 2);
    found->payload_offset = window->at + UDP_BYTES;
    found->payload_bytes = udp_bytes - UDP_BYTES; /* octets behind it are no data, as in kernels */
    return TG_OK;
}

enum tg_err tg_strip(const uint8_t *frame, uint32_t length_bytes, struct tg_strip *found)
{
    struct window window = {frame, 0, length_bytes};
    uint16_t type = 0;
    if (length_bytes < MACS_BYTES + 2) {
        return TG_E_LENGTH;
    }
    enum tg_err err = strip_ethernet(&window, found, &type);
    if (err != TG_OK) {
        return err;
    }
    found->ip_offset = window.at;
    if (type == TYPE_IPV4) {
        err = strip_ipv4(&window, found);
    } else if (type == TYPE_IPV6) {
        err = strip_ipv6(&window, found);
    } else {
        err = TG_E_NOT_IP_UDP;
    }
    return err != TG_OK ? err : strip_udp(&window, found);
}
