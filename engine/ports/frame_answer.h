/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Build the frame that carries an answer back: Ethernet, VLAN tags, IPv4 or IPv6, UDP.
 *
 *  Source: IEEE 802.3, IEEE 802.1Q, RFC 791, RFC 8200, RFC 768, RFC 1071 (checksums; over IPv6 the
 *  UDP checksum is mandatory, RFC 8200 8.1).
 *  Threads: pure. Allocates: never. Cost: a copy and a checksum of the payload.
 */
#ifndef TG_PORTS_FRAME_ANSWER_H
#define TG_PORTS_FRAME_ANSWER_H

#include "ports/port.h"

#include <stdint.h>

/** Octets in front of the payload at most: MACs, two tags, type, IPv6, UDP. */
#define TG_FRAME_HEADERS_BYTES_MAX (12u + 8u + 2u + 40u + 8u)

/**
 * @brief Build one frame.
 * @param[in]  path            Borrowed; ip_version 4 or 6.
 * @param[in]  bytes           Borrowed until return: the UDP payload.
 * @param[in]  length_bytes    1..65507.
 * @param[out] frame           Caller owns.
 * @param[in]  capacity_bytes  Its room.
 * @return Length of the frame, or 0 when it does not fit or the path has no IP version.
 */
uint32_t tg_frame_answer(const struct tg_return_path *path, const uint8_t *bytes,
                         uint32_t length_bytes, uint8_t *frame, uint32_t capacity_bytes);

#endif
