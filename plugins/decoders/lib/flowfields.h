/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief What a flow field means: name and type for people, usage for the row.
 *
 *  Source: schemas/ipfix/ipfix.tsv, schemas/netflow/netflow9.tsv, netflow9_scope.tsv; each entry
 * there names its clause (RFC 5102, RFC 7012 IANA registry, RFC 5103, RFC 3954 8, vendors).
 *  Threads: constants only. Allocates: never. Cost: a search by halves, only when a template comes.
 */
#ifndef TG_DECODERS_LIB_FLOWFIELDS_H
#define TG_DECODERS_LIB_FLOWFIELDS_H

#include "abi/decoder.h"

#include <stdint.h>

/** Enterprise number of the reverse half of a biflow, RFC 5103 6.1. */
#define TG_FLOW_ENTERPRISE_REVERSE 29305u

/** @brief Which row column a field feeds; the words of the tables' usage column. */
enum tg_flow_usage {
    TG_FLOW_NONE = 0,           /**< Printed only. */
    TG_FLOW_SOURCE_IP4,         /**< Subscriber: IPv4 source. */
    TG_FLOW_SOURCE_IP6,         /**< Subscriber: IPv6 source, its /64. */
    TG_FLOW_SOURCE_STATION_IP4, /**< Subscriber: address of a wireless station. */
    TG_FLOW_PEER_IP4,           /**< Peer: IPv4 destination. */
    TG_FLOW_PEER_IP6,           /**< Peer: IPv6 destination, its /64. */
    TG_FLOW_OCTETS,             /**< Up: octets since the last report. */
    TG_FLOW_OCTETS_TOTAL,       /**< Up: octets of the whole flow. */
    TG_FLOW_OCTETS_INITIATOR,   /**< Up: octets from who opened the connection. */
    TG_FLOW_OCTETS_LAYER2,      /**< Up, when nothing better is there: octets with frame header. */
    TG_FLOW_OCTETS_OUT,         /**< v9 OUT_BYTES: down beside IN_BYTES, up alone. */
    TG_FLOW_OCTETS_POST,        /**< IPFIX post octets: the same direction again; up when alone. */
    TG_FLOW_REVERSE_OCTETS,     /**< Down: RFC 5103 reverse of OCTETS. */
    TG_FLOW_REVERSE_OCTETS_TOTAL,  /**< Down: RFC 5103 reverse of OCTETS_TOTAL. */
    TG_FLOW_OCTETS_RESPONDER,      /**< Down: octets from who answered the connection. */
    TG_FLOW_APPLICATION,           /**< Rating group: low 16 bits of applicationId. */
    TG_FLOW_START_SECONDS,         /**< Start, seconds since 1970. */
    TG_FLOW_START_MILLISECONDS,    /**< Start, milliseconds since 1970. */
    TG_FLOW_START_MICROSECONDS,    /**< Start, NTP timestamp, RFC 7011 6.1.9. */
    TG_FLOW_START_NANOSECONDS,     /**< Start, NTP timestamp, RFC 7011 6.1.10. */
    TG_FLOW_START_DELTA,           /**< Start, microseconds before the export time. */
    TG_FLOW_START_UPTIME,          /**< Start, milliseconds of exporter uptime. */
    TG_FLOW_END_SECONDS,           /**< End, as start. */
    TG_FLOW_END_MILLISECONDS,      /**< End, as start. */
    TG_FLOW_END_MICROSECONDS,      /**< End, as start. */
    TG_FLOW_END_NANOSECONDS,       /**< End, as start. */
    TG_FLOW_END_DELTA,             /**< End, as start. */
    TG_FLOW_END_UPTIME,            /**< End, as start. */
    TG_FLOW_OBSERVED_SECONDS,      /**< Start when nothing better is there: time of observation. */
    TG_FLOW_OBSERVED_MILLISECONDS, /**< As OBSERVED_SECONDS. */
    TG_FLOW_OBSERVED_MICROSECONDS, /**< As OBSERVED_SECONDS. */
    TG_FLOW_OBSERVED_NANOSECONDS,  /**< As OBSERVED_SECONDS. */
    TG_FLOW_DURATION_MILLISECONDS, /**< Length. */
    TG_FLOW_DURATION_MICROSECONDS, /**< Length. */
    TG_FLOW_INIT_MILLISECONDS,     /**< Exporter's boot time, for uptime fields of IPFIX. */
    TG_FLOW_USAGE_COUNT            /**< How many. */
};

/** @brief One table entry. */
struct tg_flow_element {
    uint32_t enterprise; /**< Private enterprise number; 0 IANA. */
    uint16_t element;    /**< Field number. */
    uint8_t type;        /**< enum tg_field_type. */
    uint8_t usage;       /**< enum tg_flow_usage. */
    const char *name;    /**< Standard's name; static. */
};

/**
 * @brief Find a field's entry.
 *
 * @param version     10 IPFIX, 9 NetFlow v9 (its own table first, then the IANA elements).
 * @param is_scope    v9 only: the field is an options scope, which has numbers of its own.
 * @param enterprise  Private enterprise number; 0 IANA.
 * @param element     Field number.
 * @return Static entry; for an unknown field one without name, type octets and usage none.
 */
const struct tg_flow_element *tg_flow_element_find(uint16_t version, bool is_scope,
                                                   uint32_t enterprise, uint16_t element);

#endif
