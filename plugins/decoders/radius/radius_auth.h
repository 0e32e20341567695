/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Shared secrets by client address, and the three MD5 proofs of RADIUS accounting.
 *
 *  Source: RFC 2866 3 (Request and Response Authenticator), RFC 3579 3.2 and RFC 5997 3
 *          (Message-Authenticator), RFC 2104 (HMAC).
 *  Threads: pure after open.
 *  Allocates: in tg_radius_auth_open only. Cost: one MD5 over the packet a check.
 *
 *  MD5 itself is OpenSSL's; its context lies on the stack.
 */
#ifndef TG_RADIUS_AUTH_H
#define TG_RADIUS_AUTH_H

#include "abi/decoder.h"
#include "abi/err.h"

#include <stdbool.h>
#include <stdint.h>

#define TG_RADIUS_CLIENTS_MAX       1024u /**< `secret.*` settings; more are refused at open. */
#define TG_RADIUS_SECRET_OCTETS_MAX 128u  /**< A longer secret is refused at open. */

/** @brief One client or network of clients. */
struct tg_radius_client {
    uint64_t address_high;  /**< First half of the address, host order, bits outside cleared. */
    uint64_t address_low;   /**< Second half. */
    uint64_t mask_high;     /**< Ones over the prefix. */
    uint64_t mask_low;      /**< Ones over the prefix. */
    uint16_t prefix_bits;   /**< 0..128; IPv4 prefixes count from 96. */
    uint16_t secret_octets; /**< 1..TG_RADIUS_SECRET_OCTETS_MAX. */
    uint8_t secret[TG_RADIUS_SECRET_OCTETS_MAX]; /**< The shared secret. */
    uint8_t hmac_key[64]; /**< RFC 2104: the secret padded to a block, digested when longer. */
};

/** @brief Secrets; owned by the decoder's state. */
struct tg_radius_auth {
    struct tg_radius_client *clients; /**< Longest prefix first; shape [clients_count]. */
    uint32_t clients_count;           /**< 1..TG_RADIUS_CLIENTS_MAX. */
};

/**
 * @brief Read the `secret.<address or prefix>` and `secret.default` settings.
 * @param[out] auth    Zeroed by the caller; on failure still to be closed.
 * @param[in]  config  Borrowed until return.
 * @param[out] why     Filled on failure.
 * @return TG_OK, TG_E_INVALID (no, bad or repeated client, empty or long secret), TG_E_FULL (too
 *         many clients), TG_E_NO_MEMORY, TG_E_UNSUPPORTED (this OpenSSL allows no MD5).
 */
enum tg_err tg_radius_auth_open(struct tg_radius_auth *auth, const struct tg_decoder_config *config,
                                struct tg_complaint *why);

/** @brief Wipe the secrets and free. @param auth May be half made. */
void tg_radius_auth_close(struct tg_radius_auth *auth);

/**
 * @brief Whose secret holds for a sender: the longest prefix.
 * @param auth  Open.
 * @param from  Sender's address, IPv4 mapped into IPv6.
 * @return Borrowed client, or NULL when there is none.
 */
const struct tg_radius_client *tg_radius_auth_client(const struct tg_radius_auth *auth,
                                                     const struct tg_endpoint *from);

/**
 * @brief The authenticator an Accounting-Request must carry:
 *        MD5(code + identifier + length + 16 zero octets + attributes + secret), RFC 2866 3.
 * @param[in]     client  Whose secret.
 * @param[in]     bytes   The packet, header included.
 * @param[in]     length_octets  Its length field, at least 20.
 * @param[out]    digest  16 octets.
 * @return false when OpenSSL fails.
 */
bool tg_radius_auth_request_digest(const struct tg_radius_client *client, const uint8_t *bytes,
                                   uint32_t length_octets, uint8_t digest[16]);

/**
 * @brief Does the Request Authenticator verify? Compared in constant time.
 * @param client  Whose secret.
 * @param bytes   The packet. @param length_octets Its length field, at least 20.
 * @return Whether it does.
 */
bool tg_radius_auth_request(const struct tg_radius_client *client, const uint8_t *bytes,
                            uint32_t length_octets);

/**
 * @brief Does the Message-Authenticator verify? HMAC-MD5 over the packet with the attribute's value
 *        zero; an Accounting-Request's own authenticator counts as zero too, a Status-Server's as
 *        sent (RFC 5997 3), as its authenticator is random.
 * @param client  Whose secret.
 * @param bytes   The packet. @param length_octets Its length field, at least 20.
 * @param value   The attribute's 16 octets, inside bytes.
 * @return Whether it does.
 */
bool tg_radius_auth_message(const struct tg_radius_client *client, const uint8_t *bytes,
                            uint32_t length_octets, const uint8_t *value);

/**
 * @brief Write the Response Authenticator, RFC 2866 3:
 *        MD5(code + identifier + length + request's authenticator + attributes + secret).
 * @param[in]     client    Whose secret.
 * @param[in]     request   The request's 16 authenticator octets.
 * @param[in,out] response  The complete answer; octets 4..19 are written.
 * @param[in]     length_octets  The answer's length, at least 20.
 * @return false when OpenSSL fails.
 */
bool tg_radius_auth_response(const struct tg_radius_client *client, const uint8_t request[16],
                             uint8_t *response, uint32_t length_octets);

#endif
