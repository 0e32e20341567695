/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief RADIUS packet reader; radius_packet.h is the manual.
 *
 *  (1) Nothing is read past the header's length field, and that is never past the datagram.
 *  (2) An attribute that accounting uses has a length its type allows, or the whole packet is
 *      refused: RFC 2866 5 asks for exactly that.
 *  (3) Attributes that are printed only are not checked beyond their own length octet: a sloppy
 *      Connect-Info must not cost a subscriber's octets.
 */
#include "radius_packet.h"

#include "lib/cursor.h"

#include <string.h>

static const struct tg_radius_attribute standard_table[256] = {
#define TG_RADIUS_STANDARD(number_, name_, type_, use_)                                            \
    [number_] = {name_, 0, number_, TG_RADIUS_##type_, TG_RADIUS_USE_##use_},
#define TG_RADIUS_VENDOR(vendor_, number_, name_, type_, use_)
#include "radius_attributes.def"
#undef TG_RADIUS_STANDARD
#undef TG_RADIUS_VENDOR
};

static const struct tg_radius_attribute vendor_table[] = {
#define TG_RADIUS_STANDARD(number_, name_, type_, use_)
#define TG_RADIUS_VENDOR(vendor_, number_, name_, type_, use_)                                     \
    {name_, vendor_, number_, TG_RADIUS_##type_, TG_RADIUS_USE_##use_},
#include "radius_attributes.def"
#undef TG_RADIUS_STANDARD
#undef TG_RADIUS_VENDOR
};
#define VENDOR_TABLE_COUNT (sizeof(vendor_table) / sizeof(vendor_table[0]))

static const struct tg_radius_attribute unknown_attribute = {NULL, 0, 0, TG_RADIUS_OPAQUE,
                                                             TG_RADIUS_USE_NONE};

static bool vendor_is_known(uint32_t vendor);
static const struct tg_radius_attribute *vendor_find(uint32_t vendor, uint8_t number);
static enum tg_err walk_vendor(struct tg_radius_packet *packet, const struct tg_radius_item *outer,
                               tg_radius_visit visit, void *context);
static enum tg_err keep_item(void *context, const struct tg_radius_item *item);
static enum tg_err keep_prefix(struct tg_radius_packet *packet, const struct tg_radius_item *item);
static bool length_is_legal(const struct tg_radius_item *item);

enum tg_err tg_radius_packet_header(const uint8_t *bytes, uint32_t length_bytes,
                                    struct tg_radius_packet *packet)
{
    memset(packet, 0, sizeof(*packet));
    struct tg_cursor c = tg_cursor(bytes, length_bytes);
    packet->bytes = bytes;
    packet->code = tg_cursor_u8(&c);
    packet->identifier = tg_cursor_u8(&c);
    packet->length_octets = tg_cursor_be16(&c);
    tg_cursor_take(&c, 16);
    if (c.failed) {
        packet->error_offset = length_bytes;
        packet->error_field = "header";
        return TG_E_TRUNCATED;
    }
    packet->error_offset = 2;
    packet->error_field = "length";
    if (packet->length_octets < TG_RADIUS_HEADER_OCTETS ||
        packet->length_octets > TG_RADIUS_PACKET_OCTETS_MAX) {
        return TG_E_LENGTH;
    }
    return packet->length_octets > length_bytes ? TG_E_TRUNCATED : TG_OK;
}

enum tg_err tg_radius_packet_walk(struct tg_radius_packet *packet, tg_radius_visit visit,
                                  void *context)
{
    struct tg_cursor c = tg_cursor(packet->bytes, packet->length_octets);
    tg_cursor_take(&c, TG_RADIUS_HEADER_OCTETS);
    while (tg_cursor_left(&c) > 0 && !c.failed) {
        struct tg_radius_item item = {.offset = tg_cursor_offset(&c)};
        item.number = tg_cursor_u8(&c);
        const uint8_t length = tg_cursor_u8(&c);
        item.attribute = standard_table[item.number].name != NULL ? &standard_table[item.number]
                                                                  : &unknown_attribute;
        packet->error_offset = item.offset;
        packet->error_field = item.attribute->name;
        item.length_octets = (uint8_t)(length - 2);
        item.bytes = length >= 2 ? tg_cursor_take(&c, item.length_octets) : NULL;
        if (item.bytes == NULL) {
            return TG_E_LENGTH;
        }
        const enum tg_err err = item.attribute->type == TG_RADIUS_VSA
                                    ? walk_vendor(packet, &item, visit, context)
                                    : visit(context, &item);
        if (err != TG_OK) {
            return err;
        }
    }
    return c.failed ? TG_E_LENGTH : TG_OK;
}

enum tg_err tg_radius_packet_attributes(struct tg_radius_packet *packet)
{
    return tg_radius_packet_walk(packet, keep_item, packet);
}

const char *tg_radius_use_name(enum tg_radius_use use)
{
    for (unsigned i = 0; i < 256; i++) {
        if (standard_table[i].use == use && standard_table[i].name != NULL) {
            return standard_table[i].name;
        }
    }
    for (unsigned i = 0; i < VENDOR_TABLE_COUNT; i++) {
        if (vendor_table[i].use == use) {
            return vendor_table[i].name;
        }
    }
    return "attribute";
}

/* RFC 2865 5.26 only recommends type-length-value inside a vendor's attribute, so a vendor that is
 * not in the table is handed on whole and never taken apart. */
static enum tg_err walk_vendor(struct tg_radius_packet *packet, const struct tg_radius_item *outer,
                               tg_radius_visit visit, void *context)
{
    struct tg_cursor c = tg_cursor(outer->bytes, outer->length_octets);
    const uint32_t vendor = tg_cursor_be32(&c);
    if (c.failed) {
        return TG_E_LENGTH;
    }
    if (!vendor_is_known(vendor)) {
        return visit(context, outer);
    }
    while (tg_cursor_left(&c) > 0) {
        struct tg_radius_item item = {.vendor = vendor};
        item.offset = outer->offset + 2 + tg_cursor_offset(&c);
        item.number = tg_cursor_u8(&c);
        const uint8_t length = tg_cursor_u8(&c);
        item.attribute = vendor_find(vendor, item.number);
        packet->error_offset = item.offset;
        packet->error_field = item.attribute->name;
        item.length_octets = (uint8_t)(length - 2);
        item.bytes = length >= 2 ? tg_cursor_take(&c, item.length_octets) : NULL;
        if (item.bytes == NULL) {
            return TG_E_LENGTH;
        }
        const enum tg_err err = visit(context, &item);
        if (err != TG_OK) {
            return err;
        }
    }
    return TG_OK;
}

static bool vendor_is_known(uint32_t vendor)
{
    for (unsigned i = 0; i < VENDOR_TABLE_COUNT; i++) {
        if (vendor_table[i].vendor == vendor) {
            return true;
        }
    }
    return false;
}

static const struct tg_radius_attribute *vendor_find(uint32_t vendor, uint8_t number)
{
    for (unsigned i = 0; i < VENDOR_TABLE_COUNT; i++) {
        if (vendor_table[i].vendor == vendor && vendor_table[i].number == number) {
            return &vendor_table[i];
        }
    }
    return &unknown_attribute;
}

/* A second, different Acct-Input-Octets or User-Name leaves two answers to who used how much; the
 * packet is refused rather than one picked. An exact repetition says nothing new and is let be. */
static enum tg_err keep_item(void *context, const struct tg_radius_item *item)
{
    struct tg_radius_packet *packet = context;
    const unsigned use = item->attribute->use;
    if (use == TG_RADIUS_USE_NONE) {
        return TG_OK;
    }
    if (!length_is_legal(item)) {
        return TG_E_LENGTH;
    }
    if (use == TG_RADIUS_USE_IP6_PREFIX) {
        return keep_prefix(packet, item);
    }
    if (use >= TG_RADIUS_USE_SINGLE_COUNT) {
        return TG_OK;
    }
    struct tg_radius_value *value = &packet->values[use];
    if (value->bytes != NULL) {
        return value->length_octets == item->length_octets &&
                       memcmp(value->bytes, item->bytes, item->length_octets) == 0
                   ? TG_OK
                   : TG_E_DECODE_SYNTAX;
    }
    value->bytes = item->bytes;
    value->length_octets = item->length_octets;
    value->number = item->length_octets == 4 ? (uint32_t)tg_be(item->bytes, 4) : 0;
    return TG_OK;
}

static enum tg_err keep_prefix(struct tg_radius_packet *packet, const struct tg_radius_item *item)
{
    const unsigned length_bits = item->bytes[1];
    const unsigned octets = item->length_octets - 2u;
    if (length_bits > 128 || (length_bits + 7) / 8 > octets) {
        return TG_E_LENGTH;
    }
    if (packet->prefixes_count == TG_RADIUS_PREFIXES_MAX) {
        return TG_E_COUNT;
    }
    struct tg_radius_prefix *prefix = &packet->prefixes[packet->prefixes_count++];
    memset(prefix, 0, sizeof(*prefix));
    memcpy(prefix->address, item->bytes + 2, octets);
    prefix->length_bits = (uint8_t)length_bits;
    /* RFC 3162 2.3: bits outside of the prefix must be zero; senders that leave them are known. */
    for (unsigned bit = length_bits; bit < 128; bit++) {
        prefix->address[bit / 8] &= (uint8_t) ~(0x80u >> (bit % 8));
    }
    return TG_OK;
}

static bool length_is_legal(const struct tg_radius_item *item)
{
    if (item->attribute->use == TG_RADIUS_USE_MESSAGE_AUTHENTICATOR) {
        return item->length_octets == 16; /* RFC 3579 3.2: an HMAC-MD5. */
    }
    switch (item->attribute->type) {
    case TG_RADIUS_INTEGER:
    case TG_RADIUS_IPV4:
    case TG_RADIUS_TIME:
        return item->length_octets == 4;
    case TG_RADIUS_IPV6:
        return item->length_octets == 16;
    case TG_RADIUS_IPV6PREFIX:
        return item->length_octets >= 2 && item->length_octets <= 18;
    case TG_RADIUS_IFID:
        return item->length_octets == 8;
    case TG_RADIUS_VSA:
        return true;
    default:
        return item->length_octets >= 1;
    }
}
