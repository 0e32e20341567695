/* SPDX-License-Identifier: Apache-2.0 */
/* The same traffic for Tollgate and for other programs, and what must come out of it. */
#include "bench/bench_extra.h"

#include "base/clock.h"
#include "bench/bench_feed.h"
#include "bench/bench_reference.h"
#include "bench/bench_world.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SEED          1u
#define PREFIXES      1000u
#define DOWN_PERCENT  50u
#define RADIUS_PORT   1813u
#define RADIUS_SECRET "compare-secret"
#define HEAD_OCTETS   42u
#define RECORDS_AT    (HEAD_OCTETS + 16u + 4u)
#define EXPORT_S      ((uint32_t)(TG_FEED_START_NS / TG_NS_PER_S) + 3600u)
#define DAY_S         86400u

static FILE *file_open(const char *dir, const char *name, struct tg_why *why)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        (void)tg_why_set(why, TG_E_IO, "cannot write %s", path);
    }
    return file;
}

static enum tg_err file_close(FILE *file, const char *name, struct tg_why *why)
{
    const int failed = ferror(file);
    return fclose(file) == 0 && failed == 0 ? TG_OK
                                            : tg_why_set(why, TG_E_IO, "cannot write %s", name);
}

static void put(uint8_t *at, uint64_t value, unsigned octets)
{
    for (unsigned i = 0; i < octets; i++) {
        at[i] = (uint8_t)(value >> (8 * (octets - 1 - i)));
    }
}

static uint64_t get(const uint8_t *at, unsigned octets)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < octets; i++) {
        value = value << 8 | at[i];
    }
    return value;
}

static void pcap_head(FILE *file)
{
    const uint32_t head[6] = {0xa1b2c3d4u, 2 | 4u << 16, 0, 0, 65535, 1};
    (void)fwrite(head, sizeof head, 1, file);
}

static void pcap_packet(FILE *file, uint32_t at_s, const uint8_t *frame, uint32_t octets)
{
    const uint32_t packet[4] = {at_s, 0, octets, octets};
    (void)fwrite(packet, sizeof packet, 1, file);
    (void)fwrite(frame, octets, 1, file);
}

/* The template, and behind it all data frames or none. */
static enum tg_err flows_write(const struct tg_feed *feed, const char *dir, const char *name,
                               bool has_data, struct tg_why *why)
{
    FILE *file = file_open(dir, name, why);
    if (file == NULL) {
        return TG_E_IO;
    }
    pcap_head(file);
    pcap_packet(file, EXPORT_S, feed->template_frame, feed->template_octets);
    for (uint32_t d = 0; d < feed->datagrams_count && has_data; d++) {
        pcap_packet(file, EXPORT_S, feed->frames + (size_t)d * TG_FEED_STRIDE_BYTES,
                    TG_FEED_FRAME_OCTETS);
    }
    return file_close(file, name, why);
}

static uint32_t attribute(uint8_t *at, uint8_t type, const void *value, size_t octets)
{
    at[0] = type;
    at[1] = (uint8_t)(octets + 2);
    memcpy(at + 2, value, octets);
    return (uint32_t)octets + 2;
}

static uint32_t attribute_u32(uint8_t *at, uint8_t type, uint32_t value)
{
    uint8_t octets[4];
    put(octets, value, 4);
    return attribute(at, type, octets, 4);
}

/* RFC 2866 3: MD5(code, id, length, 16 zero octets, attributes, secret). */
static void radius_sign(uint8_t *at, uint32_t octets)
{
    EVP_MD_CTX *md5 = EVP_MD_CTX_new();
    memset(at + 4, 0, 16);
    (void)EVP_DigestInit_ex(md5, EVP_md5(), NULL);
    (void)EVP_DigestUpdate(md5, at, octets);
    (void)EVP_DigestUpdate(md5, RADIUS_SECRET, strlen(RADIUS_SECRET));
    (void)EVP_DigestFinal_ex(md5, at + 4, NULL);
    EVP_MD_CTX_free(md5);
}

/* An Accounting-Request start; addresses and checksum as the template's frame has them. */
static uint32_t radius_frame(const struct tg_feed *feed, uint32_t subscriber, uint8_t *frame)
{
    char text[16];
    uint8_t *at = frame + HEAD_OCTETS;
    uint32_t octets = 20;
    memcpy(frame, feed->template_frame, HEAD_OCTETS);
    octets += attribute_u32(at + octets, 40, 1);
    int length = snprintf(text, sizeof text, "S%08" PRIx32, subscriber);
    octets += attribute(at + octets, 44, text, (size_t)length);
    octets += attribute_u32(at + octets, 8, TG_FEED_ADDRESS + subscriber);
    length = snprintf(text, sizeof text, "4915%08" PRIu32, subscriber);
    octets += attribute(at + octets, 31, text, (size_t)length);
    octets += attribute_u32(at + octets, 4, TG_FEED_EXPORTER);
    octets += attribute_u32(at + octets, 55, EXPORT_S - DAY_S);
    at[0] = 4;
    at[1] = (uint8_t)subscriber;
    put(at + 2, octets, 2);
    radius_sign(at, octets);
    uint8_t *ip = frame + 14;
    uint32_t sum = 0;
    put(ip + 2, 28 + octets, 2);
    put(ip + 10, 0, 2);
    for (unsigned i = 0; i < 20; i += 2) {
        sum += (uint32_t)get(ip + i, 2);
    }
    sum = (sum & 0xffff) + (sum >> 16);
    put(ip + 10, (uint16_t) ~(sum + (sum >> 16)), 2);
    put(ip + 22, RADIUS_PORT, 2);
    put(ip + 24, 8 + octets, 2);
    return HEAD_OCTETS + octets;
}

static enum tg_err sessions_write(const struct tg_feed *feed, const char *dir, struct tg_why *why)
{
    uint8_t frame[512];
    FILE *file = file_open(dir, "sessions.pcap", why);
    if (file == NULL) {
        return TG_E_IO;
    }
    pcap_head(file);
    for (uint32_t i = 0; i < feed->subscribers_count; i++) {
        pcap_packet(file, EXPORT_S - DAY_S, frame, radius_frame(feed, i, frame));
    }
    return file_close(file, "sessions.pcap", why);
}

enum tg_err tg_bench_people_write(const char *dir, uint32_t count, struct tg_why *why)
{
    FILE *accounts = file_open(dir, "catalog/accounts.csv", why);
    FILE *subscribers = file_open(dir, "catalog/subscribers.csv", why);
    enum tg_err err = accounts != NULL && subscribers != NULL ? TG_OK : TG_E_IO;
    if (err == TG_OK) {
        (void)fputs("id,name,currency,cycle_day\n", accounts);
        (void)fputs("id,account,msisdn,product,active_from\n", subscribers);
        for (uint32_t i = 0; i < count; i++) {
            (void)fprintf(accounts, "A%08" PRIu32 ",,EUR,1\n", i);
            (void)fprintf(subscribers,
                          "S%08" PRIu32 ",A%08" PRIu32 ",4915%08" PRIu32 ",one,2026-01-01\n", i, i,
                          i);
        }
    }
    enum tg_err closed = accounts != NULL ? file_close(accounts, "accounts.csv", why) : TG_OK;
    err = err == TG_OK ? closed : err;
    closed = subscribers != NULL ? file_close(subscribers, "subscribers.csv", why) : TG_OK;
    return err == TG_OK ? closed : err;
}

static enum tg_err config_write(const struct tg_feed *feed, const char *dir, struct tg_why *why)
{
    FILE *file = file_open(dir, "tollgate.yaml", why);
    if (file == NULL) {
        return TG_E_IO;
    }
    (void)fprintf(file,
                  "data: data\ncatalog: catalog\nworkers: 1\npreallocate: false\n"
                  "memory: {mib: 64}\n"
                  "limits: {subscribers: %" PRIu32 ", sessions: %" PRIu32
                  ", dedup_records: 4000000}\n"
                  "decoders:\n"
                  "  - {decoder: ipfix, port: %u}\n"
                  "  - {decoder: radius, port: %u, settings: {secret: {default: \"%s\"}}}\n"
                  "nodes:\n"
                  "  - {name: exporter, addresses: [192.0.2.1], interval: 0}\n"
                  "ports:\n",
                  feed->subscribers_count, feed->subscribers_count * 2, TG_FEED_PORT, RADIUS_PORT,
                  RADIUS_SECRET);
    return file_close(file, "tollgate.yaml", why);
}

static enum tg_err records_write(const struct tg_feed *feed, const char *dir, uint64_t *octets,
                                 struct tg_why *why)
{
    FILE *file = file_open(dir, "records.csv", why);
    if (file == NULL) {
        return TG_E_IO;
    }
    (void)fputs("number,start_ms,source,destination,octets\n", file);
    for (uint32_t d = 0; d < feed->datagrams_count; d++) {
        const uint8_t *at = feed->frames + (size_t)d * TG_FEED_STRIDE_BYTES + RECORDS_AT;
        for (uint32_t i = 0; i < TG_FEED_RECORDS; i++, at += TG_FEED_RECORD_OCTETS) {
            *octets += get(at + 29, 8);
            (void)fprintf(file, "%" PRIu32 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n",
                          d * TG_FEED_RECORDS + i, get(at, 8), get(at + 16, 4), get(at + 20, 4),
                          get(at + 29, 8));
        }
    }
    return file_close(file, "records.csv", why);
}

static enum tg_err expected_write(const struct tg_feed *feed, const struct tg_world *world,
                                  const char *dir, uint64_t octets, struct tg_why *why)
{
    struct tg_reference reference;
    FILE *file = file_open(dir, "expected.env", why);
    if (file == NULL) {
        return TG_E_IO;
    }
    const enum tg_err err = tg_reference_open(&reference, world);
    const uint64_t count = (uint64_t)feed->datagrams_count * TG_FEED_RECORDS;
    for (uint64_t i = 0; i < count && err == TG_OK; i++) {
        tg_reference_data(&reference, feed->records[i].subscriber, feed->records[i].octets);
    }
    (void)fprintf(
        file,
        "expected_records=%" PRIu64 "\nexpected_datagrams=%" PRIu32
        "\nexpected_subscribers=%" PRIu32 "\nexpected_octets=%" PRIu64 "\nexpected_amount=%" PRIi64
        "\nexpected_units=%" PRIu64 "\nexpected_free_units=%" PRIu64 "\n",
        count, feed->datagrams_count, feed->subscribers_count, octets, reference.sums.amount,
        reference.sums.billed_units, reference.sums.allowance_units);
    tg_reference_close(&reference);
    const enum tg_err closed = file_close(file, "expected.env", why);
    return err == TG_OK ? closed : err;
}

enum tg_err tg_bench_capture(const struct tg_bench_extra *extra, struct tg_why *why)
{
    struct tg_feed feed;
    struct tg_world world;
    uint64_t octets = 0;
    (void)mkdir(extra->dir, 0755);
    enum tg_err err = tg_feed_open(&feed, extra->datagrams_count, extra->subscribers_count, false,
                                   DOWN_PERCENT, SEED);
    if (err != TG_OK) {
        return err;
    }
    err = tg_world_open(&world, extra->dir, extra->subscribers_count, PREFIXES, false, SEED, why);
    err = err == TG_OK ? flows_write(&feed, extra->dir, "flows.pcap", true, why) : err;
    err = err == TG_OK ? flows_write(&feed, extra->dir, "head.pcap", false, why) : err;
    err = err == TG_OK ? sessions_write(&feed, extra->dir, why) : err;
    err = err == TG_OK ? tg_bench_people_write(extra->dir, extra->subscribers_count, why) : err;
    err = err == TG_OK ? config_write(&feed, extra->dir, why) : err;
    err = err == TG_OK ? records_write(&feed, extra->dir, &octets, why) : err;
    err = err == TG_OK ? expected_write(&feed, &world, extra->dir, octets, why) : err;
    tg_world_close(&world);
    tg_feed_close(&feed);
    return err;
}
