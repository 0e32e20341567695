/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief A RADIUS packet taken apart: header, checked attributes, the values accounting needs.
 *
 *  Source: RFC 2865 3 and 5 (packet, attributes), RFC 2866 5 (accounting attributes), RFC 2869 5,
 *          RFC 3162 2 (IPv6), RFC 4372, RFC 4818, 3GPP TS 29.061 16.4.7.2 (vendor 10415);
 *          the attribute table is schemas/radius/attributes.tsv.
 *  Threads: pure. Allocates: never. Cost: one table look-up an attribute.
 */
#ifndef TG_RADIUS_PACKET_H
#define TG_RADIUS_PACKET_H

#include "abi/err.h"

#include <stdbool.h>
#include <stdint.h>

#define TG_RADIUS_HEADER_OCTETS     20u /**< RFC 2865 3: code, identifier, length, authenticator. */
#define TG_RADIUS_PACKET_OCTETS_MAX 4096u /**< RFC 2865 3; a longer length field is refused. */
#define TG_RADIUS_PREFIXES_MAX      8u    /**< IPv6 prefixes kept of a packet; more are refused. */

/** @brief Packet codes that come to an accounting port: RFC 2866 4, RFC 5997 3. */
enum tg_radius_code {
    TG_RADIUS_ACCOUNTING_REQUEST = 4,  /**< RFC 2866 4.1. */
    TG_RADIUS_ACCOUNTING_RESPONSE = 5, /**< RFC 2866 4.2. */
    TG_RADIUS_STATUS_SERVER = 12       /**< RFC 5997 3. */
};

/** @brief Acct-Status-Type values that are read: RFC 2866 5.1. */
enum tg_radius_status {
    TG_RADIUS_STATUS_START = 1,   /**< A session begins. */
    TG_RADIUS_STATUS_STOP = 2,    /**< It ends; counters are final. */
    TG_RADIUS_STATUS_INTERIM = 3, /**< Counters so far. */
    TG_RADIUS_STATUS_ON = 7,      /**< The access server started. */
    TG_RADIUS_STATUS_OFF = 8      /**< The access server stops. */
};

/** @brief Data types after RFC 8044 3; each has its legal lengths. */
enum tg_radius_type {
    TG_RADIUS_OPAQUE = 0, /**< An attribute that is not in the table. */
    TG_RADIUS_TEXT,       /**< UTF-8, 1..253 octets. */
    TG_RADIUS_OCTETS,     /**< 1..253 octets. */
    TG_RADIUS_INTEGER,    /**< 4 octets. */
    TG_RADIUS_IPV4,       /**< 4 octets. */
    TG_RADIUS_IPV6,       /**< 16 octets. */
    TG_RADIUS_IPV6PREFIX, /**< Reserved octet, length in bits, 0..16 octets. */
    TG_RADIUS_TIME,       /**< 4 octets, seconds since 1970. */
    TG_RADIUS_IFID,       /**< 8 octets. */
    TG_RADIUS_VSA         /**< Vendor's number, then the vendor's own attributes. */
};

/** @brief What an attribute's value is kept as: the `use` column of the table. */
enum tg_radius_use {
    TG_RADIUS_USE_NONE = 0,
    TG_RADIUS_USE_USER_NAME,
    TG_RADIUS_USE_NAS_IP,
    TG_RADIUS_USE_NAS_IP6,
    TG_RADIUS_USE_NAS_IDENTIFIER,
    TG_RADIUS_USE_FRAMED_IP,
    TG_RADIUS_USE_CALLING_STATION,
    TG_RADIUS_USE_STATUS_TYPE,
    TG_RADIUS_USE_DELAY_S,
    TG_RADIUS_USE_INPUT_OCTETS,
    TG_RADIUS_USE_OUTPUT_OCTETS,
    TG_RADIUS_USE_SESSION_ID,
    TG_RADIUS_USE_SESSION_TIME_S,
    TG_RADIUS_USE_TERMINATE_CAUSE,
    TG_RADIUS_USE_MULTI_SESSION_ID,
    TG_RADIUS_USE_INPUT_GIGAWORDS,
    TG_RADIUS_USE_OUTPUT_GIGAWORDS,
    TG_RADIUS_USE_EVENT_S,
    TG_RADIUS_USE_MESSAGE_AUTHENTICATOR,
    TG_RADIUS_USE_CHARGEABLE_USER,
    TG_RADIUS_USE_IMSI,
    TG_RADIUS_USE_SERVING_PLMN,
    TG_RADIUS_USE_LOCATION,
    TG_RADIUS_USE_SINGLE_COUNT, /**< Uses below are 0-1 a packet; those after may repeat. */
    TG_RADIUS_USE_IP6_PREFIX,
    TG_RADIUS_USE_PROXY_STATE,
    TG_RADIUS_USE_VENDOR
};

/** @brief One row of the attribute table. */
struct tg_radius_attribute {
    const char *name; /**< The standard's name; NULL when unknown. */
    uint32_t vendor;  /**< Private enterprise number; 0 the standard space. */
    uint8_t number;   /**< Attribute or vendor type. */
    uint8_t type;     /**< enum tg_radius_type. */
    uint8_t use;      /**< enum tg_radius_use. */
};

/** @brief One attribute as met on the wire. */
struct tg_radius_item {
    const struct tg_radius_attribute *attribute; /**< Static; never NULL. */
    const uint8_t *bytes;                        /**< Value, borrowed from the packet. */
    uint32_t vendor;                             /**< 0 standard. */
    uint32_t offset;                             /**< Of the attribute within the packet. */
    uint8_t number;                              /**< As on the wire. */
    uint8_t length_octets;                       /**< Of the value. */
};

/** @brief A value that accounting uses; absent when bytes is NULL. */
struct tg_radius_value {
    const uint8_t *bytes;  /**< Borrowed from the packet; NULL absent. */
    uint32_t number;       /**< Value of a 4-octet type; else 0. */
    uint8_t length_octets; /**< Of the value. */
};

/** @brief An IPv6 prefix with the bits outside of it cleared. */
struct tg_radius_prefix {
    uint8_t address[16]; /**< Network order. */
    uint8_t length_bits; /**< 0..128. */
};

/** @brief A packet whose syntax is right. */
struct tg_radius_packet {
    const uint8_t *bytes;    /**< Borrowed: the datagram. */
    uint32_t length_octets;  /**< The header's length field: padding behind it is no part. */
    uint8_t code;            /**< As on the wire. */
    uint8_t identifier;      /**< As on the wire. */
    uint32_t prefixes_count; /**< 0..TG_RADIUS_PREFIXES_MAX. */
    struct tg_radius_prefix prefixes[TG_RADIUS_PREFIXES_MAX];  /**< Framed and delegated. */
    struct tg_radius_value values[TG_RADIUS_USE_SINGLE_COUNT]; /**< By enum tg_radius_use. */
    uint32_t error_offset;   /**< Of the fault, when a read failed. */
    const char *error_field; /**< Static name of the field at fault, or NULL. */
};

/** @brief Called for each attribute in wire order, vendors' ones one by one. @param context The
 *  caller's. @param item Borrowed. @return TG_OK to go on; else the walk ends with that. */
typedef enum tg_err (*tg_radius_visit)(void *context, const struct tg_radius_item *item);

/**
 * @brief Read the header and check the length field against the bytes that came.
 * @param[in]  bytes         Borrowed as long as packet is used.
 * @param[in]  length_bytes  Of the datagram.
 * @param[out] packet        Header fields are written, no attributes yet.
 * @return TG_OK, TG_E_TRUNCATED (under 20 octets, or fewer than the length field says),
 *         TG_E_LENGTH (length field under 20 or over 4096).
 */
enum tg_err tg_radius_packet_header(const uint8_t *bytes, uint32_t length_bytes,
                                    struct tg_radius_packet *packet);

/**
 * @brief Walk the attributes, vendors' attributes of known vendors included.
 * @param[in,out] packet   Header read; error_offset and error_field are set on failure.
 * @param[in]     visit    Called once an attribute.
 * @param[in]     context  Handed to visit.
 * @return TG_OK, TG_E_LENGTH (an attribute shorter than its own header or longer than what is
 *         left), or what visit returned.
 */
enum tg_err tg_radius_packet_walk(struct tg_radius_packet *packet, tg_radius_visit visit,
                                  void *context);

/**
 * @brief Check and keep every attribute that accounting uses.
 * @param[in,out] packet  Header read; values and prefixes are written.
 * @return TG_OK, TG_E_LENGTH (a length that the attribute's type forbids), TG_E_DECODE_SYNTAX (a
 *         0-1 attribute twice with different values), TG_E_COUNT (more than
 *         TG_RADIUS_PREFIXES_MAX prefixes).
 */
enum tg_err tg_radius_packet_attributes(struct tg_radius_packet *packet);

/** @brief Name of the standard attribute that a use stands for. @param use Below
 *  TG_RADIUS_USE_SINGLE_COUNT. @return Static text. */
const char *tg_radius_use_name(enum tg_radius_use use);

#endif
