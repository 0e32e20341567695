/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief FreeRADIUS' own packet vectors, read by the decoder's attribute walk.
 *
 *  The vectors are GPL and stay in ../shared/data; the tests skip where that folder is not. They
 *  hold no Accounting-Request, so whole packets are walked (names must be those FreeRADIUS prints)
 *  and the IPv6 prefix vectors are put into an Accounting-Request that is signed here.
 */
#include "abi/decoder.h"
#include "plugins/decoders/radius/radius_auth.h"
#include "plugins/decoders/radius/radius_packet.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VECTORS TG_SOURCE_DIR "/../shared/data/radius/FreeRADIUS_freeradius-server/radius/"

static FILE *open_vectors(const char *name)
{
    char path[600];
    snprintf(path, sizeof(path), "%s%s", VECTORS, name);
    return fopen(path, "r");
}

static uint32_t read_hex(const char *text, uint8_t *bytes, uint32_t capacity)
{
    uint32_t count = 0;
    unsigned value;
    int used;
    while (count < capacity && sscanf(text, " %2x%n", &value, &used) == 1) {
        bytes[count++] = (uint8_t)value;
        text += used;
    }
    return count;
}

struct names {
    const char *match;
    unsigned named;
    unsigned octets;
};

static enum tg_err check_name(void *context, const struct tg_radius_item *item)
{
    struct names *names = context;
    names->octets += item->vendor == 0 ? item->length_octets + 2u : 0;
    if (item->attribute->name != NULL && item->attribute->type != TG_RADIUS_VSA) {
        names->named++;
        cr_expect_not_null(strstr(names->match, item->attribute->name), "%s is not in %s",
                           item->attribute->name, names->match);
    }
    return TG_OK;
}

Test(radius_vectors, packets_of_freeradius_are_walked_under_the_same_names)
{
    /* If this fails, an attribute number stands for another attribute than the world agrees on. */
    static const char *const files[] = {"packet_radius.txt", "packet_rfc3162.txt",
                                        "packet_rfc5176.txt", "packet_wireshark01.txt",
                                        "packet_rfc4675.txt"};
    static char line[65536];
    static char match[65536];
    unsigned packets = 0;
    unsigned named = 0;
    for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        FILE *file = open_vectors(files[i]);
        if (file == NULL) {
            cr_skip("no FreeRADIUS vectors beside the tree");
        }
        while (fgets(line, sizeof(line), file) != NULL) {
            uint8_t bytes[4096];
            struct tg_radius_packet packet;
            if (strncmp(line, "decode-proto ", 13) != 0 || line[13] == '-') {
                continue;
            }
            const uint32_t length = read_hex(line + 13, bytes, sizeof(bytes));
            cr_assert_not_null(fgets(match, sizeof(match), file));
            struct names names = {match, 0, 0};
            cr_expect_eq(tg_radius_packet_header(bytes, length, &packet), TG_OK, "%s", line);
            cr_expect_eq(tg_radius_packet_walk(&packet, check_name, &names), TG_OK, "%s", line);
            packets++;
            named += names.named;
        }
        fclose(file);
    }
    cr_expect_geq(packets, 20, "%u packets", packets);
    cr_expect_geq(named, 60, "%u names", named);
}

Test(radius_vectors, prefix_vectors_are_taken_or_refused_as_by_freeradius)
{
    /* If this fails, a malformed IPv6 prefix gives somebody else's line to a subscriber. */
    FILE *file = open_vectors("packet_rfc3162.txt");
    if (file == NULL) {
        cr_skip("no FreeRADIUS vectors beside the tree");
    }
    char line[4096];
    char match[4096];
    unsigned taken = 0;
    unsigned refused = 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "decode-pair ", 12) != 0) {
            continue;
        }
        uint8_t bytes[256] = {TG_RADIUS_ACCOUNTING_REQUEST, 1, 0, 0};
        struct tg_radius_packet packet;
        const uint32_t length = 20 + read_hex(line + 12, bytes + 20, sizeof(bytes) - 20);
        bytes[3] = (uint8_t)length;
        cr_assert_not_null(fgets(match, sizeof(match), file));
        cr_assert_eq(tg_radius_packet_header(bytes, length, &packet), TG_OK);
        const enum tg_err err = tg_radius_packet_attributes(&packet);
        if (strstr(match, "raw.") != NULL) {
            cr_expect_eq(err, TG_E_LENGTH, "%s", line);
            refused++;
            continue;
        }
        cr_assert_eq(err, TG_OK, "%s", line);
        cr_assert_eq(packet.prefixes_count, 1);
        const bool is_whole = strstr(match, "2001:db8:a0b:12f0::/64") != NULL;
        cr_expect_eq(packet.prefixes[0].length_bits, is_whole ? 64 : 0);
        cr_expect_arr_eq(packet.prefixes[0].address,
                         is_whole ? "\x20\x01\x0d\xb8\x0a\x0b\x12\xf0\0\0\0\0\0\0\0\0"
                                  : "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
                         16);
        taken++;
    }
    fclose(file);
    cr_expect_eq(taken, 4);
    cr_expect_eq(refused, 1);
}
