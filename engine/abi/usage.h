/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The usage row: one cache line that every decoder writes and every stage reads.
 *
 *  Source: field names after 3GPP TS 32.298 (CDR parameters), IPFIX RFC 7012 and TM Forum TMF635.
 *  Threads: plain data, copied by value; no pointer is in it. Allocates: never. Cost: 64 bytes.
 */
#ifndef TG_ABI_USAGE_H
#define TG_ABI_USAGE_H

#include <stdint.h>

/** @brief What a subscriber or peer key holds; kept in 3 bits. */
enum tg_key_kind {
    TG_KEY_NONE = 0,   /**< Nothing; the key is 0. */
    TG_KEY_E164 = 1,   /**< Packed digits of an international number without '+': tg_digits_pack. */
    TG_KEY_IMSI = 2,   /**< Packed digits of an IMSI, 3GPP TS 23.003 clause 2.2. */
    TG_KEY_IP4 = 3,    /**< IPv4 address in host order in the low 32 bits. */
    TG_KEY_IP6 = 4,    /**< First 64 bits of an IPv6 address, host order: the subscriber's /64. */
    TG_KEY_NAME = 5,   /**< 64-bit hash of a text (user name, APN, service), tg_key_name. */
    TG_KEY_SESSION = 6, /**< 64-bit hash of an accounting session id. */
    TG_KEY_IP6_HOST = 7 /**< 64-bit hash of a whole IPv6 address: a peer that is no subscriber. */
};

/** @brief What was used; chooses the price model's meter. Values are stored: pinned for life. */
enum tg_service {
    TG_SERVICE_NONE = 0,    /**< Not known yet. */
    TG_SERVICE_DATA = 1,    /**< quantity_up/down are octets. */
    TG_SERVICE_VOICE = 2,   /**< duration_ms is the charged duration; quantity_down the number that
                                 the call was routed to, tg_digits_value, 0 not said. */
    TG_SERVICE_MESSAGE = 3, /**< quantity_up counts messages. */
    TG_SERVICE_EVENT = 4,   /**< quantity_up counts events. */
    TG_SERVICE_ACCESS = 5,  /**< An access session: octets and duration (RADIUS accounting). */
    TG_SERVICE_OPTIONS = 6  /**< Exporter metadata (options data record): has a fate, no price. */
};
#define TG_SERVICE_COUNT 7u

/** @brief Bits of tg_usage.flags. */
enum tg_usage_flag {
    TG_USAGE_START_FROM_EXPORT = 1, /**< The record has no start time; the export time stands in. */
    TG_USAGE_CUMULATIVE = 2,        /**< Quantities count from the session's start (RFC 2866). */
    TG_USAGE_PARTIAL = 4,           /**< More records of this call or session follow. */
    TG_USAGE_SWAPPED = 8,           /**< The subscriber was the destination; up and down swapped. */
    TG_USAGE_RECYCLED = 16,         /**< Came back from suspense. */
    TG_USAGE_INCOMING = 32,         /**< The subscriber was called, not calling. */
    TG_USAGE_SUSPECT_TIME = 64,     /**< A time was implausible and was clamped. */
    TG_USAGE_AMOUNT = 128           /**< EVENT only: quantity_down is money, 10^-4 minor units. */
};

/**
 * @brief Mobile country and network code as one number.
 * @param digits        5 or 6 ASCII digits; borrowed.
 * @param digits_count  Their count.
 * @return 1 .. 1,999,999: six digits have 1,000,000 added, so that 262-01 and 262-010 differ.
 *         0: not 5 or 6 digits.
 */
static inline uint32_t tg_plmn_pack(const char *digits, uint32_t digits_count)
{
    uint32_t plmn = digits_count == 6 ? 1000000 : 0;
    uint32_t value = 0;
    for (uint32_t i = 0; i < digits_count; i++) {
        if (digits[i] < '0' || digits[i] > '9' || digits_count < 5 || digits_count > 6) {
            return 0;
        }
        value = value * 10 + (uint32_t)(digits[i] - '0');
    }
    plmn += value;
    return plmn;
}

#define TG_QUANTITY_MAX ((UINT64_C(1) << 48) - 1)

/** Bit of tg_usage.key_kinds: the record takes usage back, its quantities are below 0. It lies
 *  there as no bit of flags is free, and kinds need three. It is any of the fourth bits of both
 *  nibbles, so that a row whose parties change places may turn the octet around. */
#define TG_KEY_KINDS_REVERSAL 0x88u

/**
 * @brief One usage record, normalised.
 *
 * Quantities are 48 bits wide (281 TB a record); a decoder that meets more refuses the record with
 * TG_E_OVERFLOW. Times are UTC nanoseconds since 1970 without leap seconds (POSIX).
 */
struct tg_usage {
    uint64_t subscriber_key;        /**< Who used it; kind in bits 0..2 of key_kinds. */
    uint64_t peer_key;              /**< With whom or what; kind in bits 4..6 of key_kinds. */
    int64_t start_ns;               /**< Start of usage, UTC. */
    uint64_t quantity_up : 48;      /**< Octets sent by the subscriber, or a count of events. */
    uint64_t rating_group : 16;  /**< 3GPP TS 32.299 Rating-Group, or application class; 0 none. */
    uint64_t quantity_down : 48; /**< Octets received by the subscriber; TG_USAGE_AMOUNT: money. */
    uint64_t serving_network : 16;  /**< Catalog index of the visited network; 0 home. */
    uint64_t record_key;            /**< Identity of this record in its source, for duplicates. */
    uint32_t duration_ms;           /**< Length of usage in milliseconds; 0 for events. */
    uint32_t sequence;              /**< Message sequence number, line number or row number. */
    uint16_t source_id;             /**< Which configured source brought it; the engine sets it. */
    uint16_t node_id;               /**< Which node said so; the engine sets it. 0 unknown. */
    uint8_t service;                /**< enum tg_service. */
    uint8_t key_kinds;              /**< tg_key_kind: bits 0..2 the subscriber's, 4..6 the peer's;
                                         and TG_KEY_KINDS_REVERSAL. */
    uint8_t closing_cause;          /**< 3GPP TS 32.298 causeForRecClosing; 0 normal release. */
    uint8_t flags;                  /**< enum tg_usage_flag. */
};
_Static_assert(sizeof(struct tg_usage) == 64, "a usage row is one cache line");

/** @brief Pack both key kinds. @param subscriber Kind. @param peer Kind. @return The byte. */
static inline uint8_t tg_key_kinds(enum tg_key_kind subscriber, enum tg_key_kind peer)
{
    return (uint8_t)((unsigned)subscriber | ((unsigned)peer << 4));
}

/** @brief Subscriber's key kind. @param row Borrowed. @return enum tg_key_kind. */
static inline enum tg_key_kind tg_usage_subscriber_kind(const struct tg_usage *row)
{
    return (enum tg_key_kind)(row->key_kinds & 7u);
}

/** @brief Peer's key kind. @param row Borrowed. @return enum tg_key_kind. */
static inline enum tg_key_kind tg_usage_peer_kind(const struct tg_usage *row)
{
    return (enum tg_key_kind)((row->key_kinds >> 4) & 7u);
}

/** @brief Does the record take usage back? @param row Borrowed. @return true: what its quantities
 *  say is to be charged as below 0. */
static inline int tg_usage_is_reversal(const struct tg_usage *row)
{
    return (row->key_kinds & TG_KEY_KINDS_REVERSAL) != 0;
}

/** @brief State of a node over time (assurance: a pure function of its observations). */
enum tg_node_state {
    TG_NODE_UNKNOWN = 0,  /**< No evidence. */
    TG_NODE_UP = 1,       /**< Working. */
    TG_NODE_DEGRADED = 2, /**< Working with a fault. */
    TG_NODE_DOWN = 3      /**< Not working. */
};

/** @brief What an observation says. Values are stored: pinned for life. */
enum tg_observation_kind {
    TG_OBSERVATION_LOG = 1,     /**< A log line; health rules decide what it means. */
    TG_OBSERVATION_STATE = 2,   /**< value is an enum tg_node_state claimed outright. */
    TG_OBSERVATION_LIFE = 3,    /**< Proof of life: usage or a heartbeat came from the node. */
    TG_OBSERVATION_GAP = 4,     /**< value records are missing in the node's sequence. */
    TG_OBSERVATION_RESTART = 5, /**< The node's exporter restarted. */
    TG_OBSERVATION_COUNTER = 6  /**< value is a counter reading; qualifier says which. */
};

/**
 * @brief One piece of telemetry, normalised; 64 bytes, no pointer.
 *
 * Texts (host name, message) lie in the batch's text arena at the offsets given.
 */
struct tg_observation {
    int64_t event_ns;        /**< When it happened at the node, UTC. */
    int64_t arrival_ns;      /**< When it reached us. */
    uint64_t qualifier;      /**< tg_key_name of what within the node it concerns; 0 the node. */
    int64_t value;           /**< Meaning by kind. */
    uint64_t record_key;     /**< Identity for duplicates. */
    uint32_t
        text_offset; /**< Offset of the text in the arena; host NUL app NUL msgid NUL body NUL. */
    uint16_t text_bytes;     /**< Length of that text, all NULs included. */
    uint16_t source_id;      /**< The engine sets it. */
    uint32_t sequence;       /**< Sequence in its source, or 0. */
    uint16_t node_id;        /**< The engine sets it, from host name or address. 0 unknown. */
    uint8_t kind;            /**< enum tg_observation_kind. */
    uint8_t severity;        /**< Syslog severity 0 emergency .. 7 debug (RFC 5424 6.2.1). */
    uint8_t facility;        /**< Syslog facility 0..23. */
    uint8_t reserved[7];     /**< 0. */
};
_Static_assert(sizeof(struct tg_observation) == 64, "an observation is one cache line");

/** @brief What happened to an access session. */
enum tg_session_event {
    TG_SESSION_START = 1,  /**< The address is the subscriber's from start_ns. */
    TG_SESSION_UPDATE = 2, /**< Still his; same effect as START when the start was lost. */
    TG_SESSION_STOP = 3,   /**< No longer his from end_ns. */
    TG_SESSION_CLEAR = 4   /**< The access server restarted: all its sessions end at end_ns. */
};

/** @brief A change of who holds an address; 64 bytes, no pointer. Source: RFC 2866, RFC 2865. */
struct tg_session {
    uint64_t address_key;    /**< IPv4 or IPv6 /64 key. */
    uint64_t subscriber_key; /**< Number, IMSI or name hash of the subscriber. */
    uint64_t session_key;    /**< Hash of server and Acct-Session-Id. */
    int64_t start_ns;        /**< Start, UTC; for STOP computed from the session time. */
    int64_t end_ns;          /**< End for STOP and CLEAR; else INT64_MAX. */
    int64_t arrival_ns;      /**< When we heard. */
    uint32_t sequence;       /**< RADIUS identifier or 0. */
    uint16_t source_id;      /**< The engine sets it. */
    uint16_t node_id;        /**< The engine sets it. */
    uint8_t key_kinds;       /**< Low nibble subscriber_key's kind, high nibble address_key's. */
    uint8_t event;           /**< enum tg_session_event. */
    uint8_t reserved[2];     /**< 0. */
    uint32_t plmn;           /**< tg_plmn_pack of the network that serves it; 0 not said. */
};
_Static_assert(sizeof(struct tg_session) == 64, "a session event is one cache line");

#endif
