/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Frames and captures for the tests of ports, made octet by octet.
 *
 *  Source: as engine/ports/strip.h. Threads: one. Allocates: inside libpcap. Cost: tests only.
 */
#ifndef TG_TESTS_FRAMES_H
#define TG_TESTS_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

/** @brief What to put into a frame; zeroed gives plain IPv4. */
struct frame_shape {
    unsigned vlans_count;      /**< 0..3 tags. */
    bool is_ipv6;              /**< Else IPv4. */
    unsigned options_bytes;    /**< IPv4: multiple of 4 up to 40. IPv6: multiple of 8. */
    uint16_t fragment;         /**< IPv4 flags and offset; IPv6: a fragment header if not 0. */
    bool has_atomic_fragment;  /**< IPv6: a fragment header of a whole packet. */
    int udp_length_change;     /**< Added to the UDP length field. */
    int ip_length_change;      /**< Added to the IP length field. */
    bool has_bad_checksum;     /**< IPv4 header checksum wrong. */
    bool has_no_checksum;      /**< IPv4 header checksum 0. */
    uint8_t protocol;          /**< 0: UDP. */
    uint16_t ether_type;       /**< 0: by version. */
    unsigned padding_bytes;    /**< Ethernet padding behind. */
    uint16_t source_port;      /**< 0: 40000. */
    uint16_t destination_port; /**< 0: 2055. */
};

/**
 * @brief Build a frame.
 * @param[in]  shape          Borrowed.
 * @param[in]  payload        Borrowed.
 * @param[in]  payload_bytes  Its length.
 * @param[out] frame          Room for payload_bytes + 256.
 * @return Length of the frame.
 */
uint32_t frame_make(const struct frame_shape *shape, const void *payload, uint32_t payload_bytes,
                    uint8_t *frame);

/** @brief A capture being written. */
struct capture_file;

/** @brief Create a capture. @param path File. @param link Link type. @return Owned, or NULL. */
struct capture_file *capture_create(const char *path, int link);

/** @brief Add a frame. @param capture Owned. @param time_us Its time. @param frame Octets.
 *  @param length_bytes How many are stored. @param wire_bytes How many there were. */
void capture_add(struct capture_file *capture, int64_t time_us, const uint8_t *frame,
                 uint32_t length_bytes, uint32_t wire_bytes);

/** @brief Finish. @param capture Owned. */
void capture_close(struct capture_file *capture);

#endif
