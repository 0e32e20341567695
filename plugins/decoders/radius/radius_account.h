/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief From an authentic Accounting-Request to a usage row and session events.
 *
 *  Source: RFC 2866 5 (what the counters mean), RFC 2869 5.1-5.3 (gigawords, event time),
 *          RFC 5080 2.2.1 (retransmits), 3GPP TS 32.298 (closing causes).
 *  Threads: pure. Allocates: never. Cost: a few hashes.
 */
#ifndef TG_RADIUS_ACCOUNT_H
#define TG_RADIUS_ACCOUNT_H

#include "radius_packet.h"

#include "abi/decoder.h"
#include "abi/err.h"
#include "abi/usage.h"

#include <stdbool.h>
#include <stdint.h>

/** Most session events of one packet: one IPv4 address and all prefixes. */
#define TG_RADIUS_SESSIONS_MAX (1u + TG_RADIUS_PREFIXES_MAX)

/** @brief Which attribute names the subscriber: setting `subscriber`. */
enum tg_radius_subscriber {
    TG_RADIUS_BY_AUTO = 0,        /**< Calling-Station-Id when it is a number, else User-Name. */
    TG_RADIUS_BY_CALLING_STATION, /**< Number, or a name when it is none (a MAC address). */
    TG_RADIUS_BY_USER_NAME,       /**< Name. */
    TG_RADIUS_BY_IMSI,            /**< 3GPP-IMSI, digits only. */
    TG_RADIUS_BY_CHARGEABLE_USER  /**< Chargeable-User-Identity as a name. */
};

/** @brief What one request says. */
struct tg_radius_account {
    struct tg_usage row;                                /**< Valid when has_row. */
    struct tg_session sessions[TG_RADIUS_SESSIONS_MAX]; /**< Shape [sessions_count]. */
    uint32_t sessions_count;                            /**< 0..TG_RADIUS_SESSIONS_MAX. */
    int64_t event_ns;                                   /**< When it happened, UTC. */
    uint32_t plmn;                                      /**< Serving network of the row; 0 none. */
    bool has_row;                                       /**< Interim-Update and Stop. */
};

/**
 * @brief Read the meaning of a request.
 * @param[in]     input    Where and when it came.
 * @param[in,out] packet   Attributes read; error_field and error_offset are set on failure.
 * @param[in]     by       Which attribute names the subscriber.
 * @param[out]    account  Written.
 * @return TG_OK, TG_E_MISSING_FIELD (no Acct-Status-Type, Acct-Session-Id or subscriber),
 *         TG_E_UNSUPPORTED (a status that carries no session: tunnels, RFC 2867), TG_E_BAD_NUMBER
 *         (3GPP-IMSI is not 1..15 digits,
 *         3GPP-SGSN-MCC-MNC not 5 or 6), TG_E_OVERFLOW (octets of 2^48 or more).
 */
enum tg_err tg_radius_account_read(const struct tg_input *input, struct tg_radius_packet *packet,
                                   enum tg_radius_subscriber by, struct tg_radius_account *account);

#endif
