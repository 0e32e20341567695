/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/strip.h"

#include "frames.h"
#include "ports/frame_answer.h"

#include <criterion/criterion.h>
#include <string.h>

struct row {
    const char *name;
    struct frame_shape shape;
    enum tg_err expect;
};

static const struct row rows[] = {
    {"plain IPv4", {0}, TG_OK},
    {"one tag", {.vlans_count = 1}, TG_OK},
    {"two tags", {.vlans_count = 2}, TG_OK},
    {"three tags", {.vlans_count = 3}, TG_E_NOT_IP_UDP},
    {"IPv4 options", {.options_bytes = 40}, TG_OK},
    {"padding", {.padding_bytes = 18}, TG_OK},
    {"don't fragment", {.fragment = 0x4000}, TG_OK},
    {"first fragment", {.fragment = 0x2000}, TG_E_FRAGMENT},
    {"later fragment", {.fragment = 0x0010}, TG_E_FRAGMENT},
    {"reserved flag is no fragment", {.fragment = 0x8000}, TG_OK},
    {"bad checksum", {.has_bad_checksum = true}, TG_E_CHECKSUM},
    {"offloaded checksum", {.has_no_checksum = true}, TG_OK},
    {"TCP", {.protocol = 6}, TG_E_NOT_IP_UDP},
    {"fragment of TCP", {.protocol = 6, .fragment = 0x2000}, TG_E_NOT_IP_UDP},
    {"ARP", {.ether_type = 0x0806}, TG_E_NOT_IP_UDP},
    {"LLC", {.ether_type = 0x0042}, TG_E_NOT_IP_UDP},
    {"IPv6 type on IPv4", {.ether_type = 0x86dd}, TG_E_NOT_IP_UDP},
    {"UDP longer than IP", {.udp_length_change = 1}, TG_E_LENGTH},
    {"UDP under its header", {.udp_length_change = -93}, TG_E_LENGTH},
    {"IP longer than frame", {.ip_length_change = 1}, TG_E_LENGTH},
    {"IP shorter than UDP", {.ip_length_change = -1}, TG_E_LENGTH},
    {"IP shorter than itself", {.ip_length_change = -120}, TG_E_LENGTH},
    {"IPv6", {.is_ipv6 = true}, TG_OK},
    {"IPv6 two tags, padding", {.is_ipv6 = true, .vlans_count = 2, .padding_bytes = 4}, TG_OK},
    {"IPv6 hop-by-hop", {.is_ipv6 = true, .options_bytes = 24}, TG_OK},
    {"IPv6 fragment", {.is_ipv6 = true, .fragment = 0x0001}, TG_E_FRAGMENT},
    {"IPv6 later fragment",
     {.is_ipv6 = true, .options_bytes = 8, .fragment = 0x0ff8},
     TG_E_FRAGMENT},
    {"IPv6 atomic fragment", {.is_ipv6 = true, .has_atomic_fragment = true}, TG_OK},
    {"IPv6 TCP", {.is_ipv6 = true, .protocol = 6}, TG_E_NOT_IP_UDP},
    {"IPv6 longer than frame", {.is_ipv6 = true, .ip_length_change = 1}, TG_E_LENGTH},
    {"IPv6 shorter than UDP", {.is_ipv6 = true, .ip_length_change = -1}, TG_E_LENGTH},
};

/* If this failed, usage would be read from octets that are no usage, or not read at all. */
Test(strip, each_shape_of_frame_gives_its_payload_or_its_reason)
{
    uint8_t payload[92], frame[512];
    for (size_t i = 0; i < sizeof payload; i++) {
        payload[i] = (uint8_t)(i * 7);
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tg_strip found = {0};
        const uint32_t bytes = frame_make(&rows[i].shape, payload, sizeof payload, frame);
        const enum tg_err err = tg_strip(frame, bytes, &found);
        cr_expect_eq(err, rows[i].expect, "%s: %d", rows[i].name, err);
        if (err != TG_OK || rows[i].expect != TG_OK) {
            continue;
        }
        cr_expect_eq(found.payload_bytes, sizeof payload, "%s", rows[i].name);
        cr_expect_arr_eq(frame + found.payload_offset, payload, sizeof payload, "%s", rows[i].name);
        cr_expect(found.source_port == 40000 && found.destination_port == 2055);
        cr_expect_eq(found.vlans_count, rows[i].shape.vlans_count);
        cr_expect_eq(found.ip_version, rows[i].shape.is_ipv6 ? 6 : 4);
        cr_expect_eq(found.source_address[15], 1);
        cr_expect_eq(found.destination_address[15], 2);
        /* Cut anywhere, it is refused: nothing is read behind the cut. */
        for (uint32_t cut = 0; cut < bytes - rows[i].shape.padding_bytes; cut++) {
            uint8_t *exact = memcpy(malloc(cut + 1), frame, cut);
            cr_expect_neq(tg_strip(exact, cut, &found), TG_OK, "%s cut to %u", rows[i].name, cut);
            free(exact);
        }
    }
}

/* If this failed, empty datagrams would reach decoders that are promised at least one octet. */
Test(strip, a_datagram_without_payload_has_its_own_reason)
{
    uint8_t frame[512];
    struct tg_strip found;
    const struct frame_shape plain = {.padding_bytes = 18};
    cr_expect_eq(tg_strip(frame, frame_make(&plain, "", 0, frame), &found), TG_E_MISSING_FIELD);
}

/* If this failed, RADIUS servers would retransmit for ever, as our answers would be dropped. */
Test(strip, an_answer_built_from_a_return_path_is_a_frame_we_accept_ourselves)
{
    const uint8_t answer[] = {5, 1, 0, 3, 9};
    for (int v6 = 0; v6 < 2; v6++) {
        for (uint8_t vlans = 0; vlans <= 2; vlans++) {
            struct tg_return_path path = {.vlan_tpid = {0x88a8, 0x8100},
                                          .vlan_tci = {5, 6},
                                          .vlans_count = vlans,
                                          .port_to = 1234,
                                          .port_from = 1813,
                                          .ip_version = v6 ? 6 : 4};
            uint8_t frame[200];
            struct tg_strip found;
            memset(path.mac_to, 0xaa, 6);
            memset(path.mac_from, 0xbb, 6);
            memcpy(path.address_to + 10, (const uint8_t[]){255, 255, 10, 1, 2, 3}, 6);
            memcpy(path.address_from + 10, (const uint8_t[]){255, 255, 10, 1, 2, 4}, 6);
            const uint32_t bytes = tg_frame_answer(&path, answer, sizeof answer, frame, 200);
            cr_assert_eq(tg_strip(frame, bytes, &found), TG_OK, "v6 %d vlans %u", v6, vlans);
            cr_expect_eq(found.payload_bytes, sizeof answer);
            cr_expect_arr_eq(frame + found.payload_offset, answer, sizeof answer);
            cr_expect(found.source_port == 1813 && found.destination_port == 1234);
            cr_expect_arr_eq(found.destination_address, path.address_to, 16);
            cr_expect_arr_eq(found.source_address, path.address_from, 16);
            cr_expect(found.vlans_count == vlans && frame[0] == 0xaa && frame[6] == 0xbb);
            /* RFC 1071: over the pseudo-header and datagram a right checksum sums to ffff. */
            const uint32_t udp = found.payload_offset - 8;
            uint32_t sum = 17 + 8 + sizeof answer;
            for (uint32_t i = 0; i < 16; i += 2) {
                if (v6 || i >= 12) {
                    sum += (uint32_t)path.address_to[i] << 8 | path.address_to[i + 1];
                    sum += (uint32_t)path.address_from[i] << 8 | path.address_from[i + 1];
                }
            }
            for (uint32_t i = 0; i < 8 + sizeof answer; i++) {
                sum += (uint32_t)frame[udp + i] << (i % 2 == 0 ? 8 : 0);
            }
            sum = (sum & 0xffff) + (sum >> 16);
            sum = (sum & 0xffff) + (sum >> 16);
            cr_expect_eq(sum, 0xffff, "v6 %d", v6);
        }
    }
    uint8_t frame[64];
    const struct tg_return_path none = {.ip_version = 0};
    cr_expect_eq(tg_frame_answer(&none, answer, sizeof answer, frame, sizeof frame), 0);
}
