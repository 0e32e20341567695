/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief A capture of IPFIX flows of a chosen size and skew, in memory and as a pcap.
 *
 *  Source: RFC 7011; the 55-octet record that peers are measured with (reference/performance.md
 * 2d), 26 to a datagram of 1,450 octets; Zipf after Gray et al., SIGMOD 1994 (YCSB's constant
 * 0.99). Threads: main. Allocates: at open. Cost: 1,536 octets a datagram.
 *
 *  A repeated capture brings the same records again, and a duplicate check would rightly drop them
 *  all. So each datagram is made fresh when it is handed over: `salt` moves the message's sequence
 *  number and all times on, and with the uniform skew the subscribers by a stride, so that other
 *  account lines are touched in each pass; with Zipf the popular ones stay popular.
 */
#ifndef TG_BENCH_BENCH_FEED_H
#define TG_BENCH_BENCH_FEED_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define TG_FEED_RECORDS       26u   /**< In a datagram. */
#define TG_FEED_RECORD_OCTETS 55u   /**< On the wire. */
#define TG_FEED_FRAME_OCTETS  1492u /**< Ethernet 14, IPv4 20, UDP 8, IPFIX 16 + 4 + 26 * 55. */
#define TG_FEED_STRIDE_BYTES  1536u /**< From frame to frame in memory. */
#define TG_FEED_ADDRESS       0x0a000000u /**< 10.0.0.0: the first subscriber. */
#define TG_FEED_EXPORTER      0xc0000201u /**< 192.0.2.1. */
#define TG_FEED_PORT          4739u       /**< Where it sends to. */
#define TG_FEED_START_NS      (INT64_C(1788220800) * 1000000000) /**< 2026-09-01. */
#define TG_FEED_PASS_S        600 /**< Time moves on by this in a pass; a month has 4,320 passes. */

/** @brief What the reference rater needs of a record. */
struct tg_feed_record {
    uint32_t subscriber; /**< In the first pass. */
    uint32_t octets;     /**< Volume. */
    bool is_duplicate;   /**< Sent before in the same pass: must not be rated. */
};

/** @brief What a capture is like; 0 means the default where one is named. */
struct tg_feed_shape {
    uint32_t datagrams_count;    /**< At least 1. */
    uint32_t subscribers_count;  /**< Size. */
    uint32_t down_percent;       /**< Flows towards the subscriber. */
    uint32_t records_count;      /**< In a datagram, 1..TG_FEED_RECORDS; default that. */
    uint32_t templates_count;    /**< The datagrams use in turn; default 1. */
    uint32_t duplicates_percent; /**< Of the datagrams that bring earlier records once more. */
    uint32_t theta_percent;      /**< Exponent of Zipf, 1..99 hundredths; default 99. */
    uint64_t seed;               /**< Any. */
    bool is_zipf;                /**< Skew. */
};

/** @brief The capture. */
struct tg_feed {
    uint8_t *frames;                /**< Shape [datagrams_count], TG_FEED_STRIDE_BYTES each. */
    struct tg_feed_record *records; /**< Shape [datagrams_count * records_count]. */
    uint8_t template_frame[160];    /**< The frame that carries the template. */
    uint32_t template_octets;       /**< Its length. */
    uint32_t datagrams_count;       /**< Data datagrams. */
    uint32_t subscribers_count;     /**< Size. */
    uint32_t records_count;         /**< In each datagram. */
    uint32_t frame_octets;          /**< Of each data frame. */
    uint32_t templates_count;       /**< Set identifiers 256 .. 255 + count. */
    uint32_t theta_percent;         /**< Exponent of Zipf in hundredths. */
    uint32_t shift;                 /**< Subscribers on from pass to pass; 0 with Zipf. */
    bool is_zipf;                   /**< Skew. */
};

/** @brief splitmix64. @param state Any. @return 64 random bits. */
uint64_t tg_feed_random(uint64_t *state);

/**
 * @brief Make a capture of any shape; tg_feed_open makes the usual one.
 * @param[out] feed   Written.
 * @param[in]  shape  Borrowed until return.
 * @return TG_OK or TG_E_NO_MEMORY.
 */
enum tg_err tg_feed_open_shaped(struct tg_feed *feed, const struct tg_feed_shape *shape);

/**
 * @brief The frame that carries one of the templates.
 * @param[in]  feed   Open.
 * @param[in]  index  Below templates_count.
 * @param[out] frame  Written; shape [sizeof feed->template_frame], template_octets of it used.
 */
void tg_feed_template(const struct tg_feed *feed, uint32_t index, uint8_t *frame);

/** @brief A subscriber by skew. @param state Random. @param count Size. @param is_zipf Skew, 0.99.
 *  @return 0..count-1. */
uint32_t tg_feed_subscriber(uint64_t *state, uint32_t count, bool is_zipf);

/**
 * @brief Make.
 * @param[out] feed               Written.
 * @param[in]  datagrams_count    At least 1.
 * @param[in]  subscribers_count  Size.
 * @param[in]  is_zipf            Skew.
 * @param[in]  down_percent       Flows towards the subscriber.
 * @param[in]  seed               Any.
 * @return TG_OK or TG_E_NO_MEMORY.
 */
enum tg_err tg_feed_open(struct tg_feed *feed, uint32_t datagrams_count, uint32_t subscribers_count,
                         bool is_zipf, uint32_t down_percent, uint64_t seed);

/** @brief Free. @param feed Opened or zeroed. */
void tg_feed_close(struct tg_feed *feed);

/** @brief Write the data frames as a pcap. @param feed Open. @param path File. @param[out] why
 *  Reason. @return TG_OK or TG_E_IO. */
enum tg_err tg_feed_pcap(const struct tg_feed *feed, const char *path, struct tg_why *why);

/**
 * @brief Make a datagram of the first pass one of a later pass.
 * @param[in]     feed     Open.
 * @param[in,out] payload  IPFIX message as in the first pass; records_count records.
 * @param[in]     index    Which datagram.
 * @param[in]     passes   How many passes on.
 */
void tg_feed_salt(const struct tg_feed *feed, uint8_t *payload, uint32_t index, uint64_t passes);

/** @brief Subscriber of a record in a pass. @param feed Open. @param record Which. @param passes
 *  Pass. @return Dense index. */
uint32_t tg_feed_subscriber_in(const struct tg_feed *feed, const struct tg_feed_record *record,
                               uint64_t passes);

#endif
