/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Unit tests of the RADIUS decoder: every refusal, every counter, every answer.
 *
 *  Packets are built here with OpenSSL's one-shot digest, not with the decoder's own code, so a
 *  mistake in the decoder's digest cannot prove itself.
 */
#include "abi/decoder.h"
#include "abi/key.h"

#include <criterion/criterion.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

extern const struct tg_plugin tg_plugin_entry_radius;

#define SECRET     "testing123"
#define ARRIVAL_NS INT64_C(1700000000000000000)
#define NS_PER_S   INT64_C(1000000000)

struct bench {
    const struct tg_decoder *decoder;
    void *state;
    struct tg_decoded out;
    struct tg_usage rows[256];
    uint32_t rows_input[256];
    struct tg_observation observations[64];
    struct tg_session sessions[64];
    struct tg_refusal refusals[64];
    uint8_t text[65536];
    uint64_t released[64];
    struct tg_message messages[64];
    struct tg_field fields[64];
};

struct packet {
    uint8_t bytes[4200];
    uint32_t length;
};

static struct bench *bench_open(const struct tg_setting *settings, uint32_t settings_count)
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

static struct bench *bench_default(void)
{
    static const struct tg_setting settings[] = {{"secret.default", SECRET, NULL, 0, 0}};
    return bench_open(settings, 1);
}

static void bench_close(struct bench *b)
{
    b->decoder->close(b->state);
    free(b);
}

static void start(struct packet *p, uint8_t code, uint8_t identifier)
{
    memset(p, 0, sizeof(*p));
    p->bytes[0] = code;
    p->bytes[1] = identifier;
    p->length = 20;
}

static void add(struct packet *p, uint8_t number, const void *value, uint8_t length)
{
    p->bytes[p->length] = number;
    p->bytes[p->length + 1] = (uint8_t)(length + 2);
    memcpy(p->bytes + p->length + 2, value, length);
    p->length += length + 2u;
}

static void add_text(struct packet *p, uint8_t number, const char *text)
{
    add(p, number, text, (uint8_t)strlen(text));
}

static void add_u32(struct packet *p, uint8_t number, uint32_t value)
{
    const uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                              (uint8_t)value};
    add(p, number, bytes, 4);
}

static void finish(struct packet *p)
{
    p->bytes[2] = (uint8_t)(p->length >> 8);
    p->bytes[3] = (uint8_t)p->length;
}

/* RFC 2866 3, straight from its text. */
static void sign(struct packet *p, const char *secret)
{
    uint8_t all[4400];
    finish(p);
    memset(p->bytes + 4, 0, 16);
    memcpy(all, p->bytes, p->length);
    memcpy(all + p->length, secret, strlen(secret));
    unsigned size = 0;
    EVP_Digest(all, p->length + strlen(secret), p->bytes + 4, &size, EVP_md5(), NULL);
}

/* An interim update with every counter; callers add to it before they sign. */
static void interim(struct packet *p)
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

static struct tg_input input_of(const struct packet *p)
{
    struct tg_input input = {.bytes = p->bytes,
                             .length_bytes = p->length,
                             .source_id = 3,
                             .local_port = 1813,
                             .arrival_ns = ARRIVAL_NS};
    memcpy(input.from.address, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1", 16);
    return input;
}

static void decode(struct bench *b, const struct packet *p)
{
    const struct tg_input input = input_of(p);
    b->out.rows_count = b->out.sessions_count = b->out.refusals_count = b->out.fields_count = 0;
    cr_assert_eq(b->decoder->decode(b->state, &input, 1, &b->out), 1);
}

static void expect_refusal(struct bench *b, const struct packet *p, int reason, const char *field,
                           const char *what)
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

Test(radius, interim_update_becomes_one_row_and_one_session)
{
    /* If this fails, a subscriber is charged for other octets, time or address than he used. */
    struct bench *b = bench_default();
    struct packet p;
    interim(&p);
    add_u32(&p, 52, 2);
    add_u32(&p, 53, 3);
    sign(&p, SECRET);
    decode(b, &p);
    cr_assert_eq(b->out.refusals_count, 0);
    cr_assert_eq(b->out.rows_count, 1);
    const struct tg_usage *row = &b->rows[0];
    uint64_t number = 0;
    tg_digits_pack("491701234567", 12, &number);
    cr_expect_eq(row->subscriber_key, number);
    cr_expect_eq(tg_usage_subscriber_kind(row), TG_KEY_E164);
    cr_expect_eq(tg_usage_peer_kind(row), TG_KEY_SESSION);
    cr_expect_eq(row->quantity_up, (UINT64_C(2) << 32) + 1000);
    cr_expect_eq(row->quantity_down, (UINT64_C(3) << 32) + 2000);
    cr_expect_eq(row->duration_ms, 60000);
    cr_expect_eq(row->start_ns, ARRIVAL_NS - 60 * NS_PER_S);
    cr_expect_eq(row->service, TG_SERVICE_ACCESS);
    cr_expect_eq(row->flags, TG_USAGE_CUMULATIVE | TG_USAGE_PARTIAL);
    cr_expect_eq(row->source_id, 3);
    cr_expect_eq(row->closing_cause, 1);
    cr_assert_eq(b->out.sessions_count, 1);
    cr_expect_eq(b->sessions[0].event, TG_SESSION_UPDATE);
    cr_expect_eq(b->sessions[0].address_key, 0xc0000207);
    cr_expect_eq(b->sessions[0].key_kinds, tg_key_kinds(TG_KEY_E164, TG_KEY_IP4));
    cr_expect_eq(b->sessions[0].session_key, row->peer_key);
    cr_expect_eq(b->sessions[0].end_ns, INT64_MAX);
    cr_expect_eq(b->messages[0].flags, TG_MESSAGE_WANTS_ANSWER);
    bench_close(b);
}

Test(radius, start_and_stop_open_and_close_the_session)
{
    /* If this fails, the next holder of an address pays for the one before. */
    struct bench *b = bench_default();
    struct packet p;
    start(&p, 4, 1);
    add_u32(&p, 40, 1);
    add_text(&p, 44, "S1");
    add_text(&p, 1, "alice");
    add_u32(&p, 8, 0x0a000009);
    add_u32(&p, 55, 1699999990);
    sign(&p, SECRET);
    decode(b, &p);
    cr_assert_eq(b->out.rows_count, 0);
    cr_assert_eq(b->out.sessions_count, 1);
    const struct tg_session first = b->sessions[0];
    cr_expect_eq(first.event, TG_SESSION_START);
    cr_expect_eq(first.start_ns, INT64_C(1699999990) * NS_PER_S);
    cr_expect_eq(first.subscriber_key, tg_key_name("alice", 5));
    cr_expect_eq(first.key_kinds, tg_key_kinds(TG_KEY_NAME, TG_KEY_IP4));

    start(&p, 4, 2);
    add_u32(&p, 40, 2);
    add_text(&p, 44, "S1");
    add_text(&p, 1, "alice");
    add_u32(&p, 8, 0x0a000009);
    add_u32(&p, 46, 8);
    add_u32(&p, 49, 2);
    add_u32(&p, 55, 1699999998);
    sign(&p, SECRET);
    decode(b, &p);
    cr_assert_eq(b->out.rows_count, 1);
    cr_expect_eq(b->rows[0].flags, TG_USAGE_CUMULATIVE);
    cr_expect_eq(b->rows[0].start_ns, INT64_C(1699999990) * NS_PER_S);
    cr_expect_eq(b->rows[0].closing_cause, 4, "lost carrier is an abnormal release");
    cr_assert_eq(b->out.sessions_count, 1);
    cr_expect_eq(b->sessions[0].event, TG_SESSION_STOP);
    cr_expect_eq(b->sessions[0].session_key, first.session_key);
    cr_expect_eq(b->sessions[0].start_ns, first.start_ns);
    cr_expect_eq(b->sessions[0].end_ns, INT64_C(1699999998) * NS_PER_S);
    bench_close(b);
}

Test(radius, restart_of_the_access_server_clears_its_sessions)
{
    /* If this fails, addresses stay with subscribers who lost them when the server rebooted. */
    struct bench *b = bench_default();
    for (uint32_t status = 7; status <= 8; status++) {
        struct packet p;
        start(&p, 4, 1);
        add_u32(&p, 40, status);
        add_u32(&p, 4, 0x0a000001);
        add_u32(&p, 41, 5);
        sign(&p, SECRET);
        decode(b, &p);
        cr_assert_eq(b->out.sessions_count, 1);
        cr_expect_eq(b->sessions[0].event, TG_SESSION_CLEAR);
        cr_expect_eq(b->sessions[0].end_ns, ARRIVAL_NS - 5 * NS_PER_S, "delay is taken off");
        cr_expect_eq(b->out.rows_count, 0);
    }
    bench_close(b);
}

Test(radius, retransmit_is_the_same_record_and_other_content_is_not)
{
    /* If this fails, a lost answer bills the same hour twice, or two updates become one. */
    struct bench *b = bench_default();
    struct packet p;
    interim(&p);
    add_u32(&p, 41, 0);
    sign(&p, SECRET);
    decode(b, &p);
    const struct tg_usage first = b->rows[0];
    interim(&p);
    add_u32(&p, 41, 10);
    p.bytes[1] = 8;
    sign(&p, SECRET);
    struct tg_input later = input_of(&p);
    later.arrival_ns += 10 * NS_PER_S;
    b->out.rows_count = 0;
    b->decoder->decode(b->state, &later, 1, &b->out);
    cr_expect_eq(b->rows[0].record_key, first.record_key);
    cr_expect_eq(b->rows[0].start_ns, first.start_ns, "delay makes up for the later arrival");
    static const struct {
        const char *what;
        uint32_t offset;
    } changes[] = {{"status", 25},    {"session id", 33}, {"server", 60},
                   {"octets in", 72}, {"octets out", 78}, {"session time", 84}};
    for (unsigned i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        interim(&p);
        p.bytes[changes[i].offset] ^= i == 0 ? 1 : 4;
        sign(&p, SECRET);
        decode(b, &p);
        cr_assert_eq(b->out.rows_count, 1, "%s: %d", changes[i].what, b->messages[0].verdict);
        cr_expect_neq(b->rows[0].record_key, first.record_key, "%s", changes[i].what);
    }
    bench_close(b);
}

Test(radius, proxy_failover_keeps_the_record_key)
{
    /* If this fails, a record resent through the second proxy is billed again. */
    struct bench *b = bench_default();
    struct packet p;
    interim(&p);
    sign(&p, SECRET);
    decode(b, &p);
    const uint64_t key = b->rows[0].record_key;
    struct tg_input other = input_of(&p);
    other.from.address[15] = 9;
    b->out.rows_count = 0;
    b->decoder->decode(b->state, &other, 1, &b->out);
    cr_expect_eq(b->rows[0].record_key, key);
    bench_close(b);
}

Test(radius, ipv6_prefixes_become_sessions)
{
    /* If this fails, IPv6 usage cannot be charged to the line that holds the prefix. */
    struct bench *b = bench_default();
    struct packet p;
    interim(&p);
    add(&p, 97, "\0\x40\x20\x01\x0d\xb8\x0a\x0b\x12\xf0", 10);
    add(&p, 97, "\0\x40\x20\x01\x0d\xb8\x0a\x0b\x12\xf0\0\0\0\0\0\0\0\1", 18);
    add(&p, 123, "\0\x38\x20\x01\x0d\xb8\x00\x01\x02", 9);
    add(&p, 97, "\0\0", 2);
    add(&p, 97, "\0\x80\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 18);
    sign(&p, SECRET);
    decode(b, &p);
    cr_assert_eq(b->out.refusals_count, 0, "%d", b->messages[0].verdict);
    cr_assert_eq(b->out.sessions_count, 3, "the same /64 twice, ::/0 and a /128 add nothing");
    cr_expect_eq(b->sessions[1].address_key, UINT64_C(0x20010db80a0b12f0));
    cr_expect_eq(b->sessions[1].key_kinds, tg_key_kinds(TG_KEY_E164, TG_KEY_IP6));
    cr_expect_eq(b->sessions[2].address_key, UINT64_C(0x20010db800010200));
    bench_close(b);
}

Test(radius, addresses_that_only_ask_for_one_open_no_session)
{
    /* If this fails, all sessions that ask for an address seem to hold the same one. */
    static const uint32_t addresses[] = {0, 0xfffffffe, 0xffffffff};
    struct bench *b = bench_default();
    for (unsigned i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        struct packet p;
        start(&p, 4, 1);
        add_u32(&p, 40, 1);
        add_text(&p, 44, "S1");
        add_text(&p, 1, "alice");
        add_u32(&p, 8, addresses[i]);
        sign(&p, SECRET);
        decode(b, &p);
        cr_expect_eq(b->messages[0].verdict, TG_OK);
        cr_expect_eq(b->out.sessions_count, 0, "%08x", addresses[i]);
    }
    bench_close(b);
}

Test(radius, subscriber_setting_chooses_the_attribute)
{
    /* If this fails, usage goes to whoever another attribute names. */
    static const struct {
        const char *value;
        enum tg_key_kind kind;
        const char *text;
    } cases[] = {
        {"auto", TG_KEY_E164, "491701234567"},
        {"calling-station-id", TG_KEY_E164, "491701234567"},
        {"user-name", TG_KEY_NAME, "alice"},
        {"imsi", TG_KEY_IMSI, "262011234567890"},
        {"chargeable-user-identity", TG_KEY_NAME, "cui-1"},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct tg_setting settings[] = {{"secret.default", SECRET, NULL, 0, 0},
                                              {"subscriber", cases[i].value, NULL, 0, 0}};
        struct bench *b = bench_open(settings, 2);
        struct packet p;
        interim(&p);
        add_text(&p, 89, "cui-1");
        add(&p, 26,
            "\0\0\x28\xaf\x01\x11"
            "262011234567890",
            21);
        sign(&p, SECRET);
        decode(b, &p);
        cr_assert_eq(b->out.rows_count, 1, "%s", cases[i].value);
        uint64_t key = 0;
        if (cases[i].kind == TG_KEY_NAME) {
            key = tg_key_name(cases[i].text, strlen(cases[i].text));
        } else {
            tg_digits_pack(cases[i].text, strlen(cases[i].text), &key);
        }
        cr_expect_eq(b->rows[0].subscriber_key, key, "%s", cases[i].value);
        cr_expect_eq(tg_usage_subscriber_kind(&b->rows[0]), cases[i].kind, "%s", cases[i].value);
        bench_close(b);
    }
}

Test(radius, calling_station_that_is_no_number_falls_back_to_the_name)
{
    /* If this fails, a MAC address is taken for a telephone number. */
    struct bench *b = bench_default();
    struct packet p;
    start(&p, 4, 7);
    add_u32(&p, 40, 2);
    add_text(&p, 44, "X");
    add_text(&p, 1, "bob");
    add_text(&p, 31, "00-14-22-E9-54-5E");
    sign(&p, SECRET);
    decode(b, &p);
    cr_assert_eq(b->out.rows_count, 1);
    cr_expect_eq(b->rows[0].subscriber_key, tg_key_name("bob", 3));
    start(&p, 4, 7);
    add_u32(&p, 40, 2);
    add_text(&p, 44, "X");
    add_text(&p, 31, "+491701234567");
    sign(&p, SECRET);
    decode(b, &p);
    uint64_t key = 0;
    tg_digits_pack("491701234567", 12, &key);
    cr_expect_eq(b->rows[0].subscriber_key, key);
    cr_expect(b->rows[0].flags & TG_USAGE_START_FROM_EXPORT, "no session time, no start");
    bench_close(b);
}

Test(radius, absurd_clocks_are_marked_and_replaced)
{
    /* If this fails, usage lands in 1970 or next year and is priced with the wrong tariff. */
    static const uint32_t events[] = {0, 1, 946684799, 1700000000u + 86401u, UINT32_MAX};
    struct bench *b = bench_default();
    for (unsigned i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        struct packet p;
        interim(&p);
        add_u32(&p, 55, events[i]);
        add_u32(&p, 41, 2);
        sign(&p, SECRET);
        decode(b, &p);
        cr_expect(b->rows[0].flags & TG_USAGE_SUSPECT_TIME, "%u", events[i]);
        cr_expect_eq(b->rows[0].start_ns, ARRIVAL_NS - 62 * NS_PER_S);
    }
    struct packet p;
    interim(&p);
    add_u32(&p, 41, UINT32_MAX);
    sign(&p, SECRET);
    decode(b, &p);
    cr_expect(b->rows[0].flags & TG_USAGE_SUSPECT_TIME);
    bench_close(b);
}

Test(radius, session_longer_than_the_duration_field_keeps_its_octets)
{
    /* If this fails, lines that never drop stop being billed after 49.7 days. */
    struct bench *b = bench_default();
    struct packet p;
    interim(&p);
    p.length -= 6;
    add_u32(&p, 46, 4294968);
    sign(&p, SECRET);
    decode(b, &p);
    cr_assert_eq(b->out.rows_count, 1);
    cr_expect_eq(b->rows[0].duration_ms, UINT32_MAX);
    cr_expect(b->rows[0].flags & TG_USAGE_SUSPECT_TIME);
    cr_expect_eq(b->rows[0].quantity_up, 1000);
    cr_expect_eq(b->rows[0].start_ns, ARRIVAL_NS - INT64_C(4294968) * NS_PER_S);
    bench_close(b);
}

Test(radius, each_fault_of_the_packet_is_refused_with_its_reason)
{
    /* If this fails, a broken or forged packet becomes money, or vanishes without a trace. */
    struct bench *b = bench_default();
    struct packet p;
    interim(&p);
    sign(&p, SECRET);
    p.bytes[70] ^= 1;
    expect_refusal(b, &p, TG_E_AUTHENTICATOR, "Request Authenticator", "one octet changed");
    cr_expect_eq(b->messages[0].flags, 0, "a forged request gets no answer");
    interim(&p);
    sign(&p, "other");
    expect_refusal(b, &p, TG_E_AUTHENTICATOR, "Request Authenticator", "another secret");
    interim(&p);
    sign(&p, SECRET);
    p.length = 19;
    expect_refusal(b, &p, TG_E_TRUNCATED, "header", "19 octets");
    interim(&p);
    sign(&p, SECRET);
    p.length -= 1;
    expect_refusal(b, &p, TG_E_TRUNCATED, "length", "last octet cut off");
    interim(&p);
    sign(&p, SECRET);
    p.bytes[2] = 0;
    p.bytes[3] = 19;
    expect_refusal(b, &p, TG_E_LENGTH, "length", "length field 19");
    p.bytes[2] = 0x10;
    p.bytes[3] = 1;
    p.length = 4097;
    expect_refusal(b, &p, TG_E_LENGTH, "length", "length field 4097");
    start(&p, 1, 1);
    finish(&p);
    expect_refusal(b, &p, TG_E_UNSUPPORTED, "code", "Access-Request");
    bench_close(b);
}

Test(radius, each_fault_of_an_attribute_is_refused_with_its_reason)
{
    /* If this fails, a wrong length or a second value decides what somebody pays. */
    struct bench *b = bench_default();
    struct packet p;
    interim(&p);
    add(&p, 42, "\0\0\1", 3);
    sign(&p, SECRET);
    expect_refusal(b, &p, TG_E_LENGTH, "Acct-Input-Octets", "three octets");
    cr_expect_eq(b->messages[0].error_offset, p.length - 5);
    cr_expect_eq(b->messages[0].flags, 0, "RFC 2866 5: silently discarded");
    interim(&p);
    add_u32(&p, 42, 1001);
    sign(&p, SECRET);
    expect_refusal(b, &p, TG_E_DECODE_SYNTAX, "Acct-Input-Octets", "two different values");
    interim(&p);
    p.bytes[p.length] = 25;
    p.bytes[p.length + 1] = 1;
    p.length += 2;
    sign(&p, SECRET);
    expect_refusal(b, &p, TG_E_LENGTH, "Class", "attribute shorter than its header");
    interim(&p);
    p.bytes[p.length] = 25;
    p.bytes[p.length + 1] = 200;
    p.length += 2;
    sign(&p, SECRET);
    expect_refusal(b, &p, TG_E_LENGTH, "Class", "attribute past the end");
    interim(&p);
    add(&p, 26,
        "\0\0\x28\xaf\x01\x20"
        "26201",
        11);
    sign(&p, SECRET);
    expect_refusal(b, &p, TG_E_LENGTH, "3GPP-IMSI", "vendor attribute past the end");
    interim(&p);
    add(&p, 26, "\0\0\x28", 3);
    sign(&p, SECRET);
    expect_refusal(b, &p, TG_E_LENGTH, "Vendor-Specific", "no room for the vendor");
    interim(&p);
    add(&p, 97, "\0\x40\x20\x01", 4);
    sign(&p, SECRET);
    expect_refusal(b, &p, TG_E_LENGTH, "Framed-IPv6-Prefix", "a /64 in two octets");
    interim(&p);
    for (unsigned i = 0; i < 9; i++) {
        add(&p, 97, "\0\x08\x20", 3);
    }
    sign(&p, SECRET);
    expect_refusal(b, &p, TG_E_COUNT, "Framed-IPv6-Prefix", "nine prefixes");
    bench_close(b);
}

Test(radius, each_missing_or_impossible_content_is_refused_and_answered)
{
    /* If this fails, the server resends for ever, or a record without a payer is billed. */
    struct bench *b = bench_default();
    struct packet p;
    start(&p, 4, 1);
    add_text(&p, 44, "X");
    sign(&p, SECRET);
    expect_refusal(b, &p, TG_E_MISSING_FIELD, "Acct-Status-Type", "no status");
    cr_expect_eq(b->messages[0].flags, TG_MESSAGE_WANTS_ANSWER);
    start(&p, 4, 1);
    add_u32(&p, 40, 2);
    add_text(&p, 1, "bob");
    sign(&p, SECRET);
    expect_refusal(b, &p, TG_E_MISSING_FIELD, "Acct-Session-Id", "no session");
    start(&p, 4, 1);
    add_u32(&p, 40, 2);
    add_text(&p, 44, "X");
    sign(&p, SECRET);
    expect_refusal(b, &p, TG_E_MISSING_FIELD, "User-Name", "nobody");
    static const uint32_t others[] = {0, 4, 6, 9, 15, UINT32_MAX};
    for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        start(&p, 4, 1);
        add_u32(&p, 40, others[i]);
        add_text(&p, 44, "X");
        add_text(&p, 1, "bob");
        sign(&p, SECRET);
        expect_refusal(b, &p, TG_E_UNSUPPORTED, "Acct-Status-Type", "status");
        cr_expect_eq(b->messages[0].error_offset, 20);
    }
    interim(&p);
    add_u32(&p, 53, 0x10000);
    sign(&p, SECRET);
    decode(b, &p);
    cr_expect_eq(b->refusals[0].reason, TG_E_OVERFLOW);
    cr_expect_str_eq(b->refusals[0].field, "Acct-Output-Gigawords");
    bench_close(b);
    const struct tg_setting settings[] = {{"secret.default", SECRET, NULL, 0, 0},
                                          {"subscriber", "imsi", NULL, 0, 0}};
    b = bench_open(settings, 2);
    interim(&p);
    add(&p, 26,
        "\0\0\x28\xaf\x01\x07"
        "26201",
        11);
    p.bytes[p.length - 1] = 'x';
    sign(&p, SECRET);
    expect_refusal(b, &p, TG_E_BAD_NUMBER, "3GPP-IMSI", "a letter in the IMSI");
    bench_close(b);
}

Test(radius, secret_is_the_longest_prefix_and_strangers_are_refused)
{
    /* If this fails, one customer's secret opens another's server, or anybody may send usage. */
    const struct tg_setting settings[] = {{"secret.127.0.0.0/8", "wide", NULL, 0, 0},
                                          {"secret.127.0.0.1", SECRET, NULL, 0, 0},
                                          {"secret.2001:db8::/32", "six", NULL, 0, 0}};
    struct bench *b = bench_open(settings, 3);
    static const struct {
        const char *address;
        const char *secret;
        int verdict;
    } cases[] = {
        {"\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1", SECRET, TG_OK},
        {"\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1", "wide", TG_E_AUTHENTICATOR},
        {"\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\2", "wide", TG_OK},
        {"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", "six", TG_OK},
        {"\x20\x01\x0d\xb9\0\0\0\0\0\0\0\0\0\0\0\1", "six", TG_E_UNKNOWN_CLIENT},
        {"\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\1", "wide", TG_E_UNKNOWN_CLIENT},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct packet p;
        interim(&p);
        sign(&p, cases[i].secret);
        struct tg_input input = input_of(&p);
        memcpy(input.from.address, cases[i].address, 16);
        b->out.rows_count = b->out.sessions_count = b->out.refusals_count = 0;
        b->decoder->decode(b->state, &input, 1, &b->out);
        cr_expect_eq(b->messages[0].verdict, cases[i].verdict, "case %u", i);
        cr_expect_eq(b->out.rows_count, cases[i].verdict == TG_OK, "case %u", i);
    }
    bench_close(b);
}

Test(radius, answer_verifies_and_returns_proxy_state)
{
    /* If this fails, no access server accepts our answers and all of them resend for ever. */
    struct bench *b = bench_default();
    struct packet p;
    interim(&p);
    add(&p, 33, "one\0", 4);
    add(&p, 33, "two", 3);
    sign(&p, SECRET);
    decode(b, &p);
    const struct tg_input input = input_of(&p);
    uint8_t answer[4096];
    const uint32_t length = b->decoder->answer(b->state, &input, answer, sizeof(answer));
    cr_assert_eq(length, 31);
    cr_expect_eq(answer[0], 5);
    cr_expect_eq(answer[1], 7);
    cr_expect_eq(answer[3], 31);
    cr_expect_arr_eq(answer + 20, "\x21\x06one\0\x21\x05two", 11);
    uint8_t check[64];
    uint8_t digest[16];
    memcpy(check, answer, length);
    memcpy(check + 4, p.bytes + 4, 16);
    memcpy(check + length, SECRET, 10);
    unsigned size = 0;
    EVP_Digest(check, length + 10, digest, &size, EVP_md5(), NULL);
    cr_expect_arr_eq(digest, answer + 4, 16);
    uint8_t again[4096];
    cr_expect_eq(b->decoder->answer(b->state, &input, again, sizeof(again)), length);
    cr_expect_arr_eq(answer, again, length, "a retransmit gets the same answer");
    cr_expect_eq(b->decoder->answer(b->state, &input, again, 30), 0, "never cut short");
    cr_expect_eq(b->decoder->answer(b->state, &input, again, 19), 0);
    bench_close(b);
}

Test(radius, message_authenticator_is_checked)
{
    /* If this fails, anyone can make us say that we are alive, or slip past the signature. */
    struct bench *b = bench_default();
    for (unsigned code = 4; code <= 12; code += 8) {
        struct packet p;
        uint8_t hmac[16];
        unsigned size = 0;
        start(&p, (uint8_t)code, 9);
        if (code == 4) {
            add_u32(&p, 40, 7);
        } else {
            memset(p.bytes + 4, 0x5a, 16);
        }
        add(&p, 80, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
        finish(&p);
        HMAC(EVP_md5(), SECRET, 10, p.bytes, p.length, hmac, &size);
        memcpy(p.bytes + p.length - 16, hmac, 16);
        if (code == 4) {
            sign(&p, SECRET);
        }
        decode(b, &p);
        cr_expect_eq(b->messages[0].verdict, TG_OK, "code %u", code);
        cr_expect_eq(b->messages[0].flags, TG_MESSAGE_WANTS_ANSWER, "code %u", code);
        p.bytes[p.length - 1] ^= 1;
        if (code == 4) {
            sign(&p, SECRET);
        }
        expect_refusal(b, &p, TG_E_AUTHENTICATOR, "Message-Authenticator", "wrong proof");
    }
    struct packet p;
    start(&p, 12, 9);
    finish(&p);
    expect_refusal(b, &p, TG_E_AUTHENTICATOR, "Message-Authenticator", "Status-Server without");
    bench_close(b);
}

Test(radius, long_secret_works_in_both_digests)
{
    /* If this fails, clients with a secret longer than MD5's block are refused. */
    static const char long_secret[] =
        "0123456789012345678901234567890123456789012345678901234567890123456789";
    const struct tg_setting settings[] = {{"secret.default", long_secret, NULL, 0, 0}};
    struct bench *b = bench_open(settings, 1);
    struct packet p;
    uint8_t hmac[16];
    unsigned size = 0;
    interim(&p);
    add(&p, 80, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    finish(&p);
    HMAC(EVP_md5(), long_secret, (int)strlen(long_secret), p.bytes, p.length, hmac, &size);
    memcpy(p.bytes + p.length - 16, hmac, 16);
    sign(&p, long_secret);
    decode(b, &p);
    cr_expect_eq(b->messages[0].verdict, TG_OK);
    bench_close(b);
}

Test(radius, full_output_stops_before_the_input_and_goes_on)
{
    /* If this fails, a burst larger than the batch loses records or hands some in twice. */
    struct bench *b = bench_default();
    struct packet p;
    interim(&p);
    sign(&p, SECRET);
    struct tg_input inputs[8];
    for (unsigned i = 0; i < 8; i++) {
        inputs[i] = input_of(&p);
    }
    b->out.rows_capacity = 3;
    cr_expect_eq(b->decoder->decode(b->state, inputs, 8, &b->out), 3);
    b->out.rows_count = b->out.sessions_count = 0;
    b->out.rows_capacity = 256;
    b->out.sessions_capacity = 10;
    cr_expect_eq(b->decoder->decode(b->state, inputs + 3, 5, &b->out), 2);
    b->out.sessions_capacity = 64;
    b->out.refusals_capacity = 0;
    cr_expect_eq(b->decoder->decode(b->state, inputs + 5, 3, &b->out), 0);
    bench_close(b);
}

Test(radius, fields_are_written_when_asked_for)
{
    /* If this fails, `tollgate decode` shows an operator attributes that were not sent. */
    struct bench *b = bench_default();
    b->out.fields = b->fields;
    b->out.fields_capacity = 64;
    struct packet p;
    interim(&p);
    add(&p, 26,
        "\0\0\x28\xaf\x01\x07"
        "26201",
        11);
    sign(&p, SECRET);
    decode(b, &p);
    cr_assert_eq(b->out.fields_count, 10);
    cr_expect_str_eq(b->fields[0].name, "Acct-Status-Type");
    cr_expect_eq(b->fields[0].type, TG_FIELD_UNSIGNED);
    cr_expect_eq(b->fields[9].enterprise, 10415);
    cr_expect_str_eq(b->fields[9].name, "3GPP-IMSI");
    cr_expect_eq(b->fields[9].length_bytes, 5);
    bench_close(b);
}

Test(radius, settings_that_cannot_work_are_refused_at_open)
{
    /* If this fails, a typing mistake in the configuration opens the door or shuts everyone out. */
    static const struct tg_setting cases[][2] = {
        {{"subscriber", "auto", NULL, 0, 0}, {"subscriber", "auto", NULL, 0, 0}},
        {{"secret.default", "x", NULL, 0, 0}, {"subscriber", "msisdn", NULL, 0, 0}},
        {{"secret.default", "x", NULL, 0, 0}, {"secrets", "x", NULL, 0, 0}},
        {{"secret.default", "x", NULL, 0, 0}, {"secret.10.0.0.1", "", NULL, 0, 0}},
        {{"secret.default", "x", NULL, 0, 0}, {"secret.10.0.0", "y", NULL, 0, 0}},
        {{"secret.default", "x", NULL, 0, 0}, {"secret.10.0.0.0/33", "y", NULL, 0, 0}},
        {{"secret.default", "x", NULL, 0, 0}, {"secret.10.0.0.0/", "y", NULL, 0, 0}},
        {{"secret.10.1.0.0/8", "x", NULL, 0, 0}, {"secret.10.2.0.0/8", "y", NULL, 0, 0}},
    };
    const struct tg_decoder *decoder = tg_plugin_entry_radius.contract;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct tg_decoder_config config = {sizeof(config), 2, cases[i], 1};
        struct tg_complaint why = {"", 7};
        void *state = &why;
        cr_expect_eq(decoder->open(&config, &state, &why), TG_E_INVALID, "case %u", i);
        cr_expect_null(state);
        cr_expect_gt(strlen(why.text), 10);
        cr_expect_eq(why.setting_index, i == 0 ? UINT32_MAX : 1, "case %u", i);
    }
    decoder->close(NULL);
}

Test(radius, probe_knows_its_own)
{
    /* If this fails, a shared port hands RADIUS to another decoder. */
    const struct tg_decoder *decoder = tg_plugin_entry_radius.contract;
    struct packet p;
    interim(&p);
    finish(&p);
    cr_expect(decoder->probe(p.bytes, p.length));
    cr_expect_not(decoder->probe(p.bytes, p.length - 1));
    p.bytes[0] = 0;
    cr_expect_not(decoder->probe(p.bytes, p.length));
}

static unsigned long allocations_count;

static void *counting_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    allocations_count++;
    return malloc(size);
}

static void *counting_realloc(void *memory, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    allocations_count++;
    return realloc(memory, size);
}

static void counting_free(void *memory, const char *file, int line)
{
    (void)file;
    (void)line;
    free(memory);
}

/* OpenSSL takes its allocator only before its first allocation, and a library that is linked in
 * makes that one in its constructor: hence before any constructor. */
static void count_allocations(void)
{
    CRYPTO_set_mem_functions(counting_malloc, counting_realloc, counting_free);
}

__attribute__((section(".preinit_array"),
               used)) static void (*const preinit)(void) = count_allocations;

Test(radius, openssl_allocates_nothing_a_packet)
{
    /* If this fails, the data path takes a lock in the allocator for every packet. */
    struct bench *b = bench_default();
    struct packet p;
    uint8_t answer[4096];
    interim(&p);
    sign(&p, SECRET);
    const struct tg_input input = input_of(&p);
    decode(b, &p);
    const unsigned long before = allocations_count;
    cr_expect_gt(before, 0, "the counter works");
    for (unsigned i = 0; i < 100; i++) {
        decode(b, &p);
        cr_expect_eq(b->decoder->answer(b->state, &input, answer, sizeof(answer)), 20);
    }
    cr_expect_eq(allocations_count, before);
    bench_close(b);
}

Test(radius, network_is_that_of_the_sgsn_else_of_the_location)
{
    /* If this fails, roaming is billed as usage at home, or in another country. */
    static const struct {
        const char *attribute;
        size_t octets;
        uint32_t plmn; /* 0 none */
        int verdict;
    } cases[] = {
        {"", 0, 0, TG_OK},
        {"\0\0\x28\xaf\x12\x07"
         "26201",
         11, 26201, TG_OK},
        {"\0\0\x28\xaf\x12\x08"
         "310410",
         12, 1310410, TG_OK},
        {"\0\0\x28\xaf\x12\x06"
         "2620",
         10, 0, TG_E_BAD_NUMBER},
        {"\0\0\x28\xaf\x12\x07"
         "2620x",
         11, 0, TG_E_BAD_NUMBER},
        {"\0\0\x28\xaf\x16\x0a\0\x62\xf2\x10\0\1\0\2", 14, 26201, TG_OK},
        {"\0\0\x28\xaf\x16\x08\x80\x13\x00\x14\0\1", 12, 1310410, TG_OK},
        {"\0\0\x28\xaf\x16\x08\x81\xaa\x00\x14\0\1", 12, 0, TG_OK}, /* no digit */
        {"\0\0\x28\xaf\x16\x08\x09\x13\x00\x14\0\1", 12, 0, TG_OK}, /* other type */
        {"\0\0\x28\xaf\x16\x05\x80\x13\x00", 9, 0, TG_OK},          /* cut short */
    };
    const struct tg_setting settings[] = {{"secret.default", SECRET, NULL, 0, 0}};
    struct bench *b = bench_open(settings, 1);
    struct tg_row_network networks[256];
    b->out.networks = networks;
    b->out.networks_capacity = 256;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct packet p;
        interim(&p);
        if (cases[i].octets > 0) {
            add(&p, 26, cases[i].attribute, cases[i].octets);
        }
        sign(&p, SECRET);
        b->out.networks_count = 0;
        b->out.sessions_count = 0;
        decode(b, &p);
        cr_expect_eq(b->messages[0].verdict, cases[i].verdict, "%u", i);
        cr_expect_eq(b->out.networks_count, cases[i].plmn != 0, "%u", i);
        cr_expect(cases[i].plmn == 0 || networks[0].plmn == cases[i].plmn, "%u", i);
        cr_expect(b->out.sessions_count == 0 || b->sessions[0].plmn == cases[i].plmn,
                  "flows of its address are there too: %u", i);
    }
    bench_close(b);
}
