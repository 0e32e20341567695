/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Secrets and digests; radius_auth.h is the manual.
 *
 *  A linear walk over the clients, longest prefix first, is kept on purpose: it is one compare a
 *  client against an MD5 of several hundred nanoseconds, and access servers are counted in tens.
 */
/* The EVP calls would be the modern way, but OpenSSL 3.0's EVP_DigestInit_ex2 frees and allocates
 * the digest's context at every call, reused or not (counted: one allocation a digest); MD5_Init
 * works in memory of ours. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "radius_auth.h"

#include "lib/cursor.h"

#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/md5.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HMAC_BLOCK_OCTETS 64u /* RFC 2104 2: MD5's block. */

static const uint8_t zero16[16];
static const char secret_prefix[] = "secret.";

static enum tg_err add_client(struct tg_radius_auth *auth, const struct tg_setting *setting,
                              uint32_t index, struct tg_complaint *why);
static bool parse_network(const char *text, struct tg_radius_client *client);
static bool digest_parts(const uint8_t *const *parts, const uint32_t *lengths, uint32_t parts_count,
                         uint8_t digest[16]);
static enum tg_err complain(struct tg_complaint *why, enum tg_err err, uint32_t index,
                            const char *format, ...) __attribute__((format(printf, 4, 5)));

enum tg_err tg_radius_auth_open(struct tg_radius_auth *auth, const struct tg_decoder_config *config,
                                struct tg_complaint *why)
{
    EVP_MD *md5 = EVP_MD_fetch(NULL, "MD5", NULL);
    EVP_MD_free(md5);
    if (md5 == NULL) {
        return complain(why, TG_E_UNSUPPORTED, UINT32_MAX,
                        "this OpenSSL allows no MD5 (FIPS mode?), which RADIUS cannot do without");
    }
    uint32_t wanted = 0;
    for (uint32_t i = 0; i < config->settings_count; i++) {
        wanted += strncmp(config->settings[i].key, secret_prefix, sizeof(secret_prefix) - 1) == 0;
    }
    if (wanted == 0) {
        return complain(why, TG_E_INVALID, UINT32_MAX,
                        "no shared secret: write `secret: {192.0.2.1: ...}` or `secret: {default: "
                        "...}` so that requests can be verified");
    }
    if (wanted > TG_RADIUS_CLIENTS_MAX) {
        return complain(why, TG_E_FULL, UINT32_MAX, "%u clients; at most %u: use prefixes", wanted,
                        TG_RADIUS_CLIENTS_MAX);
    }
    auth->clients = calloc(wanted, sizeof(*auth->clients));
    if (auth->clients == NULL) {
        return complain(why, TG_E_NO_MEMORY, UINT32_MAX, "no memory for %u clients", wanted);
    }
    for (uint32_t i = 0; i < config->settings_count; i++) {
        if (strncmp(config->settings[i].key, secret_prefix, sizeof(secret_prefix) - 1) == 0) {
            const enum tg_err err = add_client(auth, &config->settings[i], i, why);
            if (err != TG_OK) {
                return err;
            }
        }
    }
    return TG_OK;
}

void tg_radius_auth_close(struct tg_radius_auth *auth)
{
    if (auth->clients != NULL) {
        OPENSSL_cleanse(auth->clients, auth->clients_count * sizeof(*auth->clients));
        free(auth->clients);
    }
    memset(auth, 0, sizeof(*auth));
}

const struct tg_radius_client *tg_radius_auth_client(const struct tg_radius_auth *auth,
                                                     const struct tg_endpoint *from)
{
    const uint64_t high = tg_be(from->address, 8);
    const uint64_t low = tg_be(from->address + 8, 8);
    for (uint32_t i = 0; i < auth->clients_count; i++) {
        const struct tg_radius_client *client = &auth->clients[i];
        if ((high & client->mask_high) == client->address_high &&
            (low & client->mask_low) == client->address_low) {
            return client;
        }
    }
    return NULL;
}

bool tg_radius_auth_request_digest(const struct tg_radius_client *client, const uint8_t *bytes,
                                   uint32_t length_octets, uint8_t digest[16])
{
    const uint8_t *const parts[] = {bytes, zero16, bytes + 20, client->secret};
    const uint32_t lengths[] = {4, 16, length_octets - 20, client->secret_octets};
    return digest_parts(parts, lengths, 4, digest);
}

bool tg_radius_auth_request(const struct tg_radius_client *client, const uint8_t *bytes,
                            uint32_t length_octets)
{
    uint8_t digest[16];
    return tg_radius_auth_request_digest(client, bytes, length_octets, digest) &&
           CRYPTO_memcmp(digest, bytes + 4, 16) == 0;
}

bool tg_radius_auth_message(const struct tg_radius_client *client, const uint8_t *bytes,
                            uint32_t length_octets, const uint8_t *value)
{
    uint8_t pad[HMAC_BLOCK_OCTETS];
    for (unsigned i = 0; i < HMAC_BLOCK_OCTETS; i++) {
        pad[i] = client->hmac_key[i] ^ 0x36;
    }
    const uint32_t at = (uint32_t)(value - bytes);
    const uint8_t *const authenticator = bytes[0] == 12 ? bytes + 4 : zero16;
    const uint8_t *const parts[] = {pad, bytes, authenticator, bytes + 20, zero16, value + 16};
    const uint32_t lengths[] = {HMAC_BLOCK_OCTETS, 4, 16, at - 20, 16, length_octets - at - 16};
    uint8_t digest[16];
    if (!digest_parts(parts, lengths, 6, digest)) {
        return false;
    }
    for (unsigned i = 0; i < HMAC_BLOCK_OCTETS; i++) {
        pad[i] = client->hmac_key[i] ^ 0x5c;
    }
    const uint8_t *const outer[] = {pad, digest};
    const uint32_t outer_lengths[] = {HMAC_BLOCK_OCTETS, 16};
    uint8_t hmac[16];
    return digest_parts(outer, outer_lengths, 2, hmac) && CRYPTO_memcmp(hmac, value, 16) == 0;
}

bool tg_radius_auth_response(const struct tg_radius_client *client, const uint8_t request[16],
                             uint8_t *response, uint32_t length_octets)
{
    const uint8_t *const parts[] = {response, request, response + 20, client->secret};
    const uint32_t lengths[] = {4, 16, length_octets - 20, client->secret_octets};
    return digest_parts(parts, lengths, 4, response + 4);
}

static enum tg_err add_client(struct tg_radius_auth *auth, const struct tg_setting *setting,
                              uint32_t index, struct tg_complaint *why)
{
    const char *name = setting->key + sizeof(secret_prefix) - 1;
    const size_t secret_octets = strlen(setting->value);
    struct tg_radius_client client;
    memset(&client, 0, sizeof(client));
    if (strcmp(name, "default") != 0 && !parse_network(name, &client)) {
        return complain(why, TG_E_INVALID, index,
                        "secret.%s: not an IPv4 or IPv6 address, a prefix, or `default`", name);
    }
    if (secret_octets == 0 || secret_octets > TG_RADIUS_SECRET_OCTETS_MAX) {
        return complain(why, TG_E_INVALID, index,
                        "secret.%s: a shared secret has 1..%u octets (RFC 2865 3)", name,
                        TG_RADIUS_SECRET_OCTETS_MAX);
    }
    memcpy(client.secret, setting->value, secret_octets);
    client.secret_octets = (uint16_t)secret_octets;
    const uint8_t *const parts[] = {client.secret};
    const uint32_t lengths[] = {client.secret_octets};
    if (secret_octets <= HMAC_BLOCK_OCTETS) {
        memcpy(client.hmac_key, client.secret, secret_octets);
    } else if (!digest_parts(parts, lengths, 1, client.hmac_key)) {
        return complain(why, TG_E_UNSUPPORTED, index, "MD5 does not work in this OpenSSL");
    }
    uint32_t at = auth->clients_count;
    while (at > 0 && auth->clients[at - 1].prefix_bits < client.prefix_bits) {
        auth->clients[at] = auth->clients[at - 1];
        at--;
    }
    auth->clients[at] = client;
    auth->clients_count++;
    for (uint32_t i = 0; i < auth->clients_count; i++) {
        const struct tg_radius_client *other = &auth->clients[i];
        if (i != at && other->prefix_bits == client.prefix_bits &&
            other->address_high == client.address_high &&
            other->address_low == client.address_low) {
            return complain(why, TG_E_INVALID, index, "secret.%s: given twice", name);
        }
    }
    return TG_OK;
}

static bool parse_network(const char *text, struct tg_radius_client *client)
{
    char address[INET6_ADDRSTRLEN];
    const char *slash = strchr(text, '/');
    const size_t length = slash != NULL ? (size_t)(slash - text) : strlen(text);
    if (length >= sizeof(address)) {
        return false;
    }
    memcpy(address, text, length);
    address[length] = '\0';
    uint8_t bytes[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    unsigned first = 96;
    if (inet_pton(AF_INET, address, bytes + 12) != 1) {
        first = 0;
        if (inet_pton(AF_INET6, address, bytes) != 1) {
            return false;
        }
    }
    unsigned bits = 128 - first;
    if (slash != NULL) {
        const char *digit = slash + 1;
        unsigned value = 0;
        for (; *digit >= '0' && *digit <= '9' && value <= 128; digit++) {
            value = value * 10 + (unsigned)(*digit - '0');
        }
        if (digit == slash + 1 || *digit != '\0' || value > bits) {
            return false;
        }
        bits = value;
    }
    bits += first;
    client->prefix_bits = (uint16_t)bits;
    client->mask_high = bits >= 64 ? UINT64_MAX : bits == 0 ? 0 : UINT64_MAX << (64 - bits);
    client->mask_low = bits <= 64 ? 0 : UINT64_MAX << (128 - bits);
    client->address_high = tg_be(bytes, 8) & client->mask_high;
    client->address_low = tg_be(bytes + 8, 8) & client->mask_low;
    return true;
}

static bool digest_parts(const uint8_t *const *parts, const uint32_t *lengths, uint32_t parts_count,
                         uint8_t digest[16])
{
    MD5_CTX context;
    bool fine = MD5_Init(&context) == 1;
    for (uint32_t i = 0; fine && i < parts_count; i++) {
        fine = MD5_Update(&context, parts[i], lengths[i]) == 1;
    }
    return fine && MD5_Final(digest, &context) == 1;
}

static enum tg_err complain(struct tg_complaint *why, enum tg_err err, uint32_t index,
                            const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why->text, sizeof(why->text), format, args);
    va_end(args);
    why->setting_index = index;
    return err;
}
