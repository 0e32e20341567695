/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The small carrier: subscribers, nodes and a day's traffic, all made from one seed.
 *
 *  Source: wire forms RFC 3954 (NetFlow v9), RFC 7011 (IPFIX), RFC 2866 (RADIUS accounting),
 *  RFC 5424 (syslog). Threads: main only. Allocates: freely. Cost: about 1 us a record.
 *
 *  Same parameters, same bytes: the generator never looks at the clock.
 */
#ifndef TG_CLI_GEN_H
#define TG_CLI_GEN_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define GEN_NODES_COUNT 20u

/** @brief What to make. */
struct gen_params {
    uint64_t seed;               /**< Any. */
    uint32_t subscribers_count;  /**< 10 .. 4,000,000. */
    uint32_t minutes;            /**< Length of the traffic. */
    uint32_t flows_per_subscriber; /**< Uses of data per flow subscriber, two records each. */
    uint32_t calls_per_subscriber; /**< Voice calls each. */
    bool is_faulty;              /**< agg-02 degrades, fails and stays down. */
    int64_t start_ns;            /**< First moment, UTC. */
    const char *dir;             /**< Folder to fill; made when missing. */
};

/** @brief What was made: the truth the engine's answers are compared with. */
struct gen_truth {
    uint64_t datagrams_count;     /**< Packets in the pcap. */
    uint64_t flow_records_count;  /**< NetFlow v9 and IPFIX data records, repeats included. */
    uint64_t flow_repeats_count;  /**< Of these, sent twice. */
    uint64_t flow_lost_count;     /**< Records never sent although numbered. */
    uint64_t flow_octets;         /**< Octets in the records, repeats not counted. */
    uint64_t radius_starts_count; /**< Accounting-Request start. */
    uint64_t radius_usage_count;  /**< Interim and stop. */
    uint64_t calls_count;         /**< CDR lines, good ones without repeats. */
    uint64_t call_repeats_count;  /**< Lines that appear twice. */
    uint64_t call_bad_count;      /**< Lines that cannot be read. */
    uint64_t call_seconds;        /**< Seconds in good lines. */
    uint64_t syslog_count;        /**< Messages. */
};

/** @brief One node of the topology. */
struct gen_node {
    const char *name;     /**< Host name. */
    uint32_t address;     /**< IPv4, host order. */
    const char *parents;  /**< "a|b": any one of them suffices; "" none. */
    const char *role;     /**< For the inventory. */
};

/** The 20 nodes; index 0..GEN_NODES_COUNT-1. */
extern const struct gen_node gen_nodes[GEN_NODES_COUNT];

/** @brief Repeatable random numbers (splitmix64). */
struct gen_random {
    uint64_t state; /**< Any. */
};

/** @brief Next number. @param random State. @return 64 random bits. */
uint64_t gen_next(struct gen_random *random);

/** @brief Number below a bound. @param random State. @param bound At least 1. @return 0..bound-1.
 */
uint64_t gen_below(struct gen_random *random, uint64_t bound);

/** @brief How a subscriber's usage is reported. */
enum gen_kind {
    GEN_MOBILE_V9,    /**< NetFlow v9 from bng-01. */
    GEN_MOBILE_IPFIX, /**< IPFIX from bng-03. */
    GEN_HOME          /**< RADIUS accounting. */
};

/** @brief What a subscriber is. @param index 0..count-1. @param count Subscribers. @return Kind. */
enum gen_kind gen_kind_of(uint32_t index, uint32_t count);

/** @brief Telephone number. @param index Subscriber. @param[out] text Digits, NUL-terminated. */
void gen_msisdn(uint32_t index, char text[16]);

/** @brief IPv4 address in 100.64.0.0/10. @param index Subscriber. @return Host order. */
uint32_t gen_address(uint32_t index);

/** @brief Packets waiting to be written in order of time. */
struct gen_packets {
    struct gen_packet *list; /**< Grows. */
    size_t count;            /**< Used. */
    size_t capacity;         /**< Room. */
    uint8_t *bytes;          /**< Payloads, one after another. */
    size_t bytes_used;       /**< Used. */
    size_t bytes_capacity;   /**< Room. */
};

/** @brief One UDP datagram. */
struct gen_packet {
    int64_t time_ns;        /**< When it is on the wire. */
    size_t offset;          /**< Payload in bytes. */
    uint32_t order;         /**< Keeps equal times in order. */
    uint32_t from;          /**< IPv4, host order. */
    uint16_t length_bytes;  /**< Payload length. */
    uint16_t to_port;       /**< UDP destination port. */
};

/** @brief Add a datagram. @param packets List. @param time_ns When. @param from Sender.
 *  @param to_port Port. @param payload Borrowed. @param length_bytes Its length. */
void gen_send(struct gen_packets *packets, int64_t time_ns, uint32_t from, uint16_t to_port,
              const void *payload, size_t length_bytes);

/** @brief Sort by time and write a pcap. @param packets List. @param path File. @param why Reason.
 *  @return TG_OK or TG_E_IO. */
enum tg_err gen_write_pcap(struct gen_packets *packets, const char *path, struct tg_why *why);

/** @brief Free the list. @param packets List. */
void gen_packets_free(struct gen_packets *packets);

/** @brief NetFlow v9 from bng-01 and IPFIX from bng-03. @param p Params. @param packets Out.
 *  @param truth Counted up. */
void gen_flows(const struct gen_params *p, struct gen_packets *packets, struct gen_truth *truth);

/** @brief RADIUS accounting from aaa-01. @param p Params. @param packets Out. @param truth Up. */
void gen_radius(const struct gen_params *p, struct gen_packets *packets, struct gen_truth *truth);

/** @brief Syslog of all nodes. @param p Params. @param packets Out. @param truth Counted up. */
void gen_syslog(const struct gen_params *p, struct gen_packets *packets, struct gen_truth *truth);

/** @brief Voice CDR files below p->dir/inputs/cdr. @param p Params. @param truth Counted up.
 *  @param why Reason. @return TG_OK or TG_E_IO. */
enum tg_err gen_calls(const struct gen_params *p, struct gen_truth *truth, struct tg_why *why);

/** @brief Configuration and catalog below p->dir. @param p Params. @param why Reason.
 *  @return TG_OK or TG_E_IO. */
enum tg_err gen_documents(const struct gen_params *p, struct tg_why *why);

/** @brief All of it. @param p Params. @param[out] truth Written. @param why Reason.
 *  @return TG_OK or TG_E_IO. */
enum tg_err gen_all(const struct gen_params *p, struct gen_truth *truth, struct tg_why *why);

/** @brief Open dir/name for writing, folders made. @param dir Folder. @param name Relative path.
 *  @param why Reason. @return Stream or NULL. */
FILE *gen_open(const char *dir, const char *name, struct tg_why *why);

#define GEN_RADIUS_SECRET "tollgate-demo-secret"
#define GEN_PORT_FLOW     2055
#define GEN_PORT_RADIUS   1813
#define GEN_PORT_SYSLOG   1514

#endif
