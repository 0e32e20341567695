/* SPDX-License-Identifier: Apache-2.0 */
/* RADIUS accounting of the small carrier (RFC 2866): everybody's session, home users' volume. */
#include "cli/gen.h"

#include "base/clock.h"

#include <openssl/evp.h>
#include <string.h>

struct request {
    uint8_t bytes[512];
    size_t length;
};

static void attribute(struct request *r, uint8_t type, const void *value, size_t length)
{
    r->bytes[r->length] = type;
    r->bytes[r->length + 1] = (uint8_t)(length + 2);
    memcpy(r->bytes + r->length + 2, value, length);
    r->length += length + 2;
}

static void attribute_u32(struct request *r, uint8_t type, uint32_t value)
{
    const uint8_t octets[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16),
                               (uint8_t)(value >> 8), (uint8_t)value};
    attribute(r, type, octets, 4);
}

/* Request Authenticator = MD5(code, id, length, 16 zero octets, attributes, secret): RFC 2866 3. */
static void request_sign(struct request *r, uint8_t id)
{
    r->bytes[0] = 4;
    r->bytes[1] = id;
    r->bytes[2] = (uint8_t)(r->length >> 8);
    r->bytes[3] = (uint8_t)r->length;
    memset(r->bytes + 4, 0, 16);
    EVP_MD_CTX *md5 = EVP_MD_CTX_new();
    (void)EVP_DigestInit_ex(md5, EVP_md5(), NULL);
    (void)EVP_DigestUpdate(md5, r->bytes, r->length);
    (void)EVP_DigestUpdate(md5, GEN_RADIUS_SECRET, strlen(GEN_RADIUS_SECRET));
    (void)EVP_DigestFinal_ex(md5, r->bytes + 4, NULL);
    EVP_MD_CTX_free(md5);
}

struct session {
    uint32_t subscriber;
    uint32_t seconds;
    uint64_t up;
    uint64_t down;
};

enum { STATUS_START = 1, STATUS_STOP = 2, STATUS_INTERIM = 3 };

static void session_send(struct gen_packets *packets, const struct session *s, uint32_t status,
                         int64_t time_ns)
{
    struct request r = {.length = 20};
    char text[32];
    char number[16];
    gen_msisdn(s->subscriber, number);
    (void)snprintf(text, sizeof text, "S%08x", s->subscriber);
    attribute_u32(&r, 40, status);
    attribute(&r, 44, text, strlen(text));
    attribute_u32(&r, 8, gen_address(s->subscriber));
    attribute(&r, 31, number, strlen(number));
    attribute_u32(&r, 4, gen_nodes[5].address);
    attribute_u32(&r, 55, (uint32_t)(time_ns / TG_NS_PER_S));
    if (status != STATUS_START) {
        attribute_u32(&r, 46, s->seconds);
        attribute_u32(&r, 42, (uint32_t)s->up);
        attribute_u32(&r, 43, (uint32_t)s->down);
        attribute_u32(&r, 52, (uint32_t)(s->up >> 32));
        attribute_u32(&r, 53, (uint32_t)(s->down >> 32));
    }
    request_sign(&r, (uint8_t)(s->subscriber + status));
    gen_send(packets, time_ns, gen_nodes[16].address, GEN_PORT_RADIUS, r.bytes, r.length);
}

void gen_radius(const struct gen_params *p, struct gen_packets *packets, struct gen_truth *truth)
{
    struct gen_random random = {p->seed ^ 0x4ad105};
    const uint32_t interim_s = 900;
    for (uint32_t i = 0; i < p->subscribers_count; i++) {
        struct session s = {.subscriber = i};
        const int64_t start_ns = p->start_ns + (int64_t)gen_below(&random, 180) * TG_NS_PER_S +
                                 (int64_t)gen_below(&random, 1000) * 1000000;
        session_send(packets, &s, STATUS_START, start_ns);
        truth->radius_starts_count++;
        if (gen_kind_of(i, p->subscribers_count) != GEN_HOME) {
            continue;
        }
        while (s.seconds + interim_s + 240 < p->minutes * 60) {
            s.seconds += interim_s;
            s.up += gen_below(&random, 40000000);
            s.down += gen_below(&random, 900000000);
            session_send(packets, &s, STATUS_INTERIM, start_ns + s.seconds * TG_NS_PER_S);
            truth->radius_usage_count++;
        }
        s.seconds += 30;
        s.up += 1000;
        s.down += gen_below(&random, 100000);
        session_send(packets, &s, STATUS_STOP, start_ns + s.seconds * TG_NS_PER_S);
        truth->radius_usage_count++;
    }
}
