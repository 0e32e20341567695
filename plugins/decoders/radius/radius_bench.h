/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief What the tests of the RADIUS decoder share: packets built, signed and decoded.
 *
 *  Source: RFC 2865, RFC 2866. Threads: one. Allocates: bench_open. Cost: tests only.
 *
 *  Packets are signed with OpenSSL's one-shot digest, not with the decoder's own code, so a mistake
 *  in the decoder's digest cannot prove itself.
 */
#ifndef TG_RADIUS_BENCH_H
#define TG_RADIUS_BENCH_H

#include "abi/decoder.h"
#include "abi/key.h"

#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

extern const struct tg_plugin tg_plugin_entry_radius; /**< The decoder under test. */

#define SECRET     "testing123"
#define ARRIVAL_NS INT64_C(1700000000000000000)
#define NS_PER_S   INT64_C(1000000000)

/** @brief A decoder with room for what it says. */
struct bench {
    const struct tg_decoder *decoder;       /**< The contract. */
    void *state;                            /**< Its state. */
    struct tg_decoded out;                  /**< What it said. */
    struct tg_usage rows[256];              /**< Rows. */
    uint32_t rows_input[256];               /**< Their inputs. */
    struct tg_observation observations[64]; /**< None come. */
    struct tg_session sessions[64];         /**< Sessions. */
    struct tg_refusal refusals[64];         /**< Refusals. */
    uint8_t text[65536];                    /**< Unused. */
    uint64_t released[64];                  /**< Unused. */
    struct tg_message messages[64];         /**< Verdicts. */
    struct tg_field fields[64];             /**< When asked for. */
};

/** @brief A packet being built. */
struct packet {
    uint8_t bytes[4200]; /**< Octets. */
    uint32_t length;     /**< How many. */
};

/** @brief Open a decoder. @param settings Shape [settings_count]. @param settings_count How many.
 *  @return Bench; bench_close frees it. */
static inline struct bench *bench_open(const struct tg_setting *settings, uint32_t settings_count)
{
    struct bench *b = calloc(1, sizeof(*b));
    b->decoder = tg_plugin_entry_radius.contract;
    const struct tg_decoder_config config = {sizeof(config), settings_count, settings, 1};
    struct tg_complaint why;
    cr_assert_eq(b->decoder->open(&config, &b->state, &why), TG_OK, "%s", why.text);
    b->out = (struct tg_decoded){.size_bytes = sizeof(b->out),
                                 .rows_capacity = 256,
                                 .rows = b->rows,
                                 .rows_input = b->rows_input,
                                 .observations_capacity = 64,
                                 .observations = b->observations,
                                 .sessions_capacity = 64,
                                 .sessions = b->sessions,
                                 .refusals_capacity = 64,
                                 .refusals = b->refusals,
                                 .text_capacity_bytes = sizeof(b->text),
                                 .text = b->text,
                                 .released_capacity = 64,
                                 .released_keys = b->released,
                                 .messages = b->messages};
    return b;
}

/** @brief With one secret for everybody. @return Bench. */
static inline struct bench *bench_default(void)
{
    static const struct tg_setting settings[] = {{"secret.default", SECRET, NULL, 0, 0}};
    return bench_open(settings, 1);
}

/** @brief Free. @param b Bench. */
static inline void bench_close(struct bench *b)
{
    b->decoder->close(b->state);
    free(b);
}

/** @brief Begin a packet. @param[out] p Written. @param code RADIUS code. @param identifier Octet.
 */
static inline void start(struct packet *p, uint8_t code, uint8_t identifier)
{
    memset(p, 0, sizeof(*p));
    p->bytes[0] = code;
    p->bytes[1] = identifier;
    p->length = 20;
}

/** @brief Add an attribute. @param p Packet. @param number Type. @param value Its octets.
 *  @param length How many. */
static inline void add(struct packet *p, uint8_t number, const void *value, uint8_t length)
{
    p->bytes[p->length] = number;
    p->bytes[p->length + 1] = (uint8_t)(length + 2);
    memcpy(p->bytes + p->length + 2, value, length);
    p->length += length + 2u;
}

/** @brief Add a text attribute. @param p Packet. @param number Type. @param text Value. */
static inline void add_text(struct packet *p, uint8_t number, const char *text)
{
    add(p, number, text, (uint8_t)strlen(text));
}

/** @brief Add a number. @param p Packet. @param number Type. @param value Value. */
static inline void add_u32(struct packet *p, uint8_t number, uint32_t value)
{
    const uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                              (uint8_t)value};
    add(p, number, bytes, 4);
}

/** @brief Write the length. @param p Packet. */
static inline void finish(struct packet *p)
{
    p->bytes[2] = (uint8_t)(p->length >> 8);
    p->bytes[3] = (uint8_t)p->length;
}

/** @brief RFC 2866 3, straight from its text. @param p Packet. @param secret Shared. */
static inline void sign(struct packet *p, const char *secret)
{
    uint8_t all[4400];
    finish(p);
    memset(p->bytes + 4, 0, 16);
    memcpy(all, p->bytes, p->length);
    memcpy(all + p->length, secret, strlen(secret));
    unsigned size = 0;
    EVP_Digest(all, p->length + strlen(secret), p->bytes + 4, &size, EVP_md5(), NULL);
}

/** @brief An interim update with every counter; callers add to it before they sign.
 *  @param[out] p Written. */
static inline void interim(struct packet *p)
{
    start(p, 4, 7);
    add_u32(p, 40, 3);
    add_text(p, 44, "0000A1");
    add_text(p, 1, "alice");
    add_text(p, 31, "491701234567");
    add_u32(p, 4, 0x0a000001);
    add_u32(p, 8, 0xc0000207);
    add_u32(p, 42, 1000);
    add_u32(p, 43, 2000);
    add_u32(p, 46, 60);
}

/** @brief As it arrives from 127.0.0.1. @param p Borrowed. @return Input. */
static inline struct tg_input input_of(const struct packet *p)
{
    struct tg_input input = {.bytes = p->bytes,
                             .length_bytes = p->length,
                             .source_id = 3,
                             .local_port = 1813,
                             .arrival_ns = ARRIVAL_NS};
    memcpy(input.from.address, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1", 16);
    return input;
}

/** @brief Decode one packet. @param b Bench; what it said before is forgotten. @param p Packet. */
static inline void decode(struct bench *b, const struct packet *p)
{
    const struct tg_input input = input_of(p);
    b->out.rows_count = b->out.sessions_count = b->out.refusals_count = b->out.fields_count = 0;
    cr_assert_eq(b->decoder->decode(b->state, &input, 1, &b->out), 1);
}

/** @brief Decode and expect one refusal and nothing else. @param b Bench. @param p Packet.
 *  @param reason enum tg_err. @param field At fault. @param what For people. */
static inline void expect_refusal(struct bench *b, const struct packet *p, int reason,
                                  const char *field, const char *what)
{
    decode(b, p);
    cr_expect_eq(b->out.rows_count, 0, "%s: a row came out", what);
    cr_expect_eq(b->out.sessions_count, 0, "%s: a session came out", what);
    cr_assert_eq(b->out.refusals_count, 1, "%s: no refusal", what);
    cr_expect_eq(b->refusals[0].reason, reason, "%s: %d", what, b->refusals[0].reason);
    cr_expect_eq(b->refusals[0].offset_bytes, 0);
    cr_expect_eq(b->refusals[0].length_bytes, p->length);
    cr_expect_eq(b->messages[0].verdict, reason);
    cr_expect_str_eq(b->refusals[0].field, field, "%s: %s", what, b->refusals[0].field);
}

#endif
