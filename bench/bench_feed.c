/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/bench_feed.h"

#include "base/arena.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_OCTETS    42u /* Ethernet, IPv4, UDP */
#define MESSAGE_OCTETS 16u
#define SET_OCTETS     4u
#define SOURCE_AT      16u /* in a record */
#define PEER_AT        20u
#define SHIFT_UNIFORM  2654435u /* odd and far from powers of two: passes visit other lines */
#define THETA_PERCENT  99u
#define REPEAT_BACK    4096u /* a datagram's records come once more at most so much later */
#define TEMPLATE_FIRST 256u
#define PASS_MS        (TG_FEED_PASS_S * UINT64_C(1000))
#define JITTER_MS      5000u /* a pass is in order of time but for this */
#define EXPORT_S       ((uint64_t)(TG_FEED_START_NS / 1000000000) + 3600)

static const uint16_t fields[][2] = {{152, 8}, {153, 8}, {8, 4}, {12, 4}, {7, 2},  {11, 2}, {4, 1},
                                     {1, 8},   {2, 8},   {5, 1}, {6, 1},  {10, 4}, {14, 4}};
#define FIELDS_COUNT (sizeof fields / sizeof fields[0])

uint64_t tg_feed_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Gray's closed form: no table of a number of subscribers' size. zeta is summed once a size. */
static uint32_t zipf(uint64_t *state, uint32_t count, uint32_t theta_percent)
{
    static uint32_t known_count;
    static uint32_t known_theta;
    static double zeta;
    static double eta;
    const double theta = (double)theta_percent / 100;
    const double alpha = 1.0 / (1.0 - theta);
    if (known_count != count || known_theta != theta_percent) {
        zeta = 0;
        for (uint32_t i = 1; i <= count; i++) {
            zeta += pow((double)i, -theta);
        }
        const double zeta_2 = 1.0 + pow(2.0, -theta);
        eta = (1.0 - pow(2.0 / count, 1.0 - theta)) / (1.0 - zeta_2 / zeta);
        known_count = count;
        known_theta = theta_percent;
    }
    const double u = (double)(tg_feed_random(state) >> 11) * 0x1p-53;
    const double uz = u * zeta;
    uint64_t rank = uz < 1.0 ? 0 : 1;
    if (uz >= 1.0 + pow(0.5, theta)) {
        rank = (uint64_t)((double)count * pow(eta * u - eta + 1.0, alpha));
    }
    rank = rank < count ? rank : count - 1;
    /* Neighbours in popularity are no neighbours in memory. */
    return (uint32_t)((rank * UINT64_C(2654435761) + 12345) % count);
}

uint32_t tg_feed_subscriber(uint64_t *state, uint32_t count, bool is_zipf)
{
    return is_zipf ? zipf(state, count, THETA_PERCENT) : (uint32_t)(tg_feed_random(state) % count);
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

static void put_head(uint8_t *frame, uint32_t payload_octets)
{
    uint32_t sum = 0;
    put(frame, UINT64_C(0x020000000001), 6);
    put(frame + 6, UINT64_C(0x020000000002), 6);
    put(frame + 12, 0x0800, 2);
    uint8_t *ip = frame + 14;
    put(ip, 0x4500, 2);
    put(ip + 2, 28 + payload_octets, 2);
    put(ip + 8, 0x4011, 2);
    put(ip + 12, TG_FEED_EXPORTER, 4);
    put(ip + 16, 0xc0000202u, 4);
    for (unsigned i = 0; i < 20; i += 2) {
        sum += (uint32_t)get(ip + i, 2);
    }
    sum = (sum & 0xffff) + (sum >> 16);
    put(ip + 10, (uint16_t) ~(sum + (sum >> 16)), 2);
    put(ip + 20, 40000, 2);
    put(ip + 22, TG_FEED_PORT, 2);
    put(ip + 24, 8 + payload_octets, 2);
}

static void put_message(uint8_t *at, uint32_t octets, uint32_t sequence)
{
    put(at, 10, 2);
    put(at + 2, octets, 2);
    put(at + 4, EXPORT_S, 4);
    put(at + 8, sequence, 4);
    put(at + 12, 42, 4);
}

static void make_template(struct tg_feed *feed)
{
    uint8_t *at = feed->template_frame + HEAD_OCTETS;
    const uint32_t set_octets = 8 + 4 * (uint32_t)FIELDS_COUNT;
    put_message(at, MESSAGE_OCTETS + set_octets, 0);
    uint8_t *set = at + MESSAGE_OCTETS;
    put(set, 2, 2);
    put(set + 2, set_octets, 2);
    put(set + 4, TEMPLATE_FIRST, 2);
    put(set + 6, FIELDS_COUNT, 2);
    for (size_t i = 0; i < FIELDS_COUNT; i++) {
        put(set + 8 + 4 * i, fields[i][0], 2);
        put(set + 10 + 4 * i, fields[i][1], 2);
    }
    put_head(feed->template_frame, MESSAGE_OCTETS + set_octets);
    feed->template_octets = HEAD_OCTETS + MESSAGE_OCTETS + set_octets;
}

/* Ports carry the record's number: no two records of the capture are alike. */
static void make_record(struct tg_feed *feed, uint8_t *at, uint32_t number, bool is_down,
                        uint64_t *random)
{
    struct tg_feed_record *record = &feed->records[number];
    record->is_duplicate = false;
    record->subscriber = feed->is_zipf ? zipf(random, feed->subscribers_count, feed->theta_percent)
                                       : tg_feed_subscriber(random, feed->subscribers_count, false);
    const uint64_t bits = tg_feed_random(random);
    const uint32_t most = bits % 10 == 0 ? 4000000 : 90000;
    record->octets = 100 + (uint32_t)((bits >> 8) % most);
    const uint64_t start_ms = (uint64_t)(TG_FEED_START_NS / 1000000) +
                              number / feed->records_count * PASS_MS / feed->datagrams_count +
                              (bits >> 40) % JITTER_MS;
    const uint32_t address = TG_FEED_ADDRESS + record->subscriber;
    const uint32_t server = 0xc6336400u + 1 + (uint32_t)((bits >> 32) % 250);
    put(at, start_ms, 8);
    put(at + 8, start_ms + (bits >> 20) % 60000, 8);
    put(at + SOURCE_AT, is_down ? server : address, 4);
    put(at + PEER_AT, is_down ? address : server, 4);
    put(at + 24, number >> 16, 2);
    put(at + 26, number & 0xffff, 2);
    put(at + 28, 6, 1);
    put(at + 29, record->octets, 8);
    put(at + 37, record->octets / 900 + 1, 8);
    put(at + 45, 0x001b, 2);
    put(at + 47, 3, 4);
    put(at + 51, 7, 4);
}

/* What a meter sends twice: the records of an earlier datagram in a message with a number of its
 * own.
 */
static void repeat_records(struct tg_feed *feed, uint32_t datagram, uint64_t *random)
{
    const uint32_t back = datagram < REPEAT_BACK ? datagram : REPEAT_BACK;
    const uint32_t from = datagram - 1 - (uint32_t)(tg_feed_random(random) % back);
    const size_t at = HEAD_OCTETS + MESSAGE_OCTETS + SET_OCTETS;
    memcpy(feed->frames + (size_t)datagram * TG_FEED_STRIDE_BYTES + at,
           feed->frames + (size_t)from * TG_FEED_STRIDE_BYTES + at,
           (size_t)feed->records_count * TG_FEED_RECORD_OCTETS);
    for (uint32_t i = 0; i < feed->records_count; i++) {
        feed->records[datagram * feed->records_count + i] =
            feed->records[from * feed->records_count + i];
        feed->records[datagram * feed->records_count + i].is_duplicate = true;
    }
}

static void make_datagram(struct tg_feed *feed, const struct tg_feed_shape *shape, uint32_t d,
                          uint64_t *random)
{
    const uint32_t payload_octets = feed->frame_octets - HEAD_OCTETS;
    uint8_t *frame = feed->frames + (size_t)d * TG_FEED_STRIDE_BYTES;
    uint8_t *message = frame + HEAD_OCTETS;
    put_head(frame, payload_octets);
    put_message(message, payload_octets, d * feed->records_count);
    put(message + MESSAGE_OCTETS, TEMPLATE_FIRST + d % feed->templates_count, 2);
    put(message + MESSAGE_OCTETS + 2, payload_octets - MESSAGE_OCTETS, 2);
    if (shape->duplicates_percent > 0 && d > 0 &&
        tg_feed_random(random) % 100 < shape->duplicates_percent) {
        repeat_records(feed, d, random);
        return;
    }
    for (uint32_t i = 0; i < feed->records_count; i++) {
        const bool is_down = tg_feed_random(random) % 100 < shape->down_percent;
        make_record(feed, message + MESSAGE_OCTETS + SET_OCTETS + i * TG_FEED_RECORD_OCTETS,
                    d * feed->records_count + i, is_down, random);
    }
}

enum tg_err tg_feed_open_shaped(struct tg_feed *feed, const struct tg_feed_shape *shape)
{
    uint64_t random = shape->seed ^ shape->subscribers_count ^ (shape->is_zipf ? 99 : 0);
    *feed = (struct tg_feed){
        .datagrams_count = shape->datagrams_count,
        .subscribers_count = shape->subscribers_count,
        .records_count = shape->records_count != 0 ? shape->records_count : TG_FEED_RECORDS,
        .templates_count = shape->templates_count != 0 ? shape->templates_count : 1,
        .theta_percent = shape->theta_percent != 0 ? shape->theta_percent : THETA_PERCENT,
        .is_zipf = shape->is_zipf,
        .shift = shape->is_zipf ? 0 : SHIFT_UNIFORM % shape->subscribers_count};
    feed->shift += !shape->is_zipf && feed->shift == 0 ? 1 : 0;
    feed->frame_octets =
        HEAD_OCTETS + MESSAGE_OCTETS + SET_OCTETS + feed->records_count * TG_FEED_RECORD_OCTETS;
    feed->frames = tg_pages_take((size_t)feed->datagrams_count * TG_FEED_STRIDE_BYTES);
    feed->records =
        tg_pages_take((size_t)feed->datagrams_count * feed->records_count * sizeof *feed->records);
    if (feed->frames == NULL || feed->records == NULL) {
        tg_feed_close(feed);
        return TG_E_NO_MEMORY;
    }
    make_template(feed);
    for (uint32_t d = 0; d < feed->datagrams_count; d++) {
        make_datagram(feed, shape, d, &random);
    }
    return TG_OK;
}

enum tg_err tg_feed_open(struct tg_feed *feed, uint32_t datagrams_count, uint32_t subscribers_count,
                         bool is_zipf, uint32_t down_percent, uint64_t seed)
{
    const struct tg_feed_shape shape = {.datagrams_count = datagrams_count,
                                        .subscribers_count = subscribers_count,
                                        .down_percent = down_percent,
                                        .seed = seed,
                                        .is_zipf = is_zipf};
    return tg_feed_open_shaped(feed, &shape);
}

void tg_feed_template(const struct tg_feed *feed, uint32_t index, uint8_t *frame)
{
    memcpy(frame, feed->template_frame, sizeof feed->template_frame);
    put(frame + HEAD_OCTETS + MESSAGE_OCTETS + 4, TEMPLATE_FIRST + index, 2);
}

void tg_feed_close(struct tg_feed *feed)
{
    tg_pages_free(feed->frames, (size_t)feed->datagrams_count * TG_FEED_STRIDE_BYTES);
    tg_pages_free(feed->records,
                  (size_t)feed->datagrams_count * feed->records_count * sizeof *feed->records);
    feed->frames = NULL;
    feed->records = NULL;
}

enum tg_err tg_feed_pcap(const struct tg_feed *feed, const char *path, struct tg_why *why)
{
    const uint32_t head[6] = {0xa1b2c3d4u, 2 | 4u << 16, 0, 0, 65535, 1};
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        return tg_why_set(why, TG_E_IO, "cannot write %s", path);
    }
    (void)fwrite(head, sizeof head, 1, file);
    for (uint32_t d = 0; d < feed->datagrams_count; d++) {
        const uint32_t packet[4] = {(uint32_t)EXPORT_S, 0, feed->frame_octets, feed->frame_octets};
        (void)fwrite(packet, sizeof packet, 1, file);
        (void)fwrite(feed->frames + (size_t)d * TG_FEED_STRIDE_BYTES, feed->frame_octets, 1, file);
    }
    const int failed = ferror(file);
    return fclose(file) == 0 && failed == 0 ? TG_OK
                                            : tg_why_set(why, TG_E_IO, "cannot write %s", path);
}

static void add_ms(uint8_t *at, uint64_t ms)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    value = __builtin_bswap64(__builtin_bswap64(value) + ms);
    memcpy(at, &value, sizeof value);
}

static void shift_address(uint8_t *at, uint32_t shift, uint32_t count)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    uint32_t subscriber = __builtin_bswap32(value) - TG_FEED_ADDRESS;
    if (subscriber < count) { /* else the other end */
        subscriber += shift;
        subscriber -= subscriber >= count ? count : 0;
        value = __builtin_bswap32(TG_FEED_ADDRESS + subscriber);
        memcpy(at, &value, sizeof value);
    }
}

void tg_feed_salt(const struct tg_feed *feed, uint8_t *payload, uint32_t index, uint64_t passes)
{
    const uint32_t count = feed->subscribers_count;
    const uint32_t shift = (uint32_t)(passes * feed->shift % count);
    const uint64_t turn = (uint64_t)feed->datagrams_count * feed->records_count;
    put(payload + 8, (uint32_t)(passes * turn + (uint64_t)index * feed->records_count), 4);
    put(payload + 4, EXPORT_S + passes * TG_FEED_PASS_S, 4);
    uint8_t *record = payload + MESSAGE_OCTETS + SET_OCTETS;
    for (uint32_t i = 0; i < feed->records_count; i++, record += TG_FEED_RECORD_OCTETS) {
        add_ms(record, passes * PASS_MS);
        add_ms(record + 8, passes * PASS_MS);
        if (!feed->is_zipf) {
            shift_address(record + SOURCE_AT, shift, count);
            shift_address(record + PEER_AT, shift, count);
        }
    }
}

uint32_t tg_feed_subscriber_in(const struct tg_feed *feed, const struct tg_feed_record *record,
                               uint64_t passes)
{
    const uint64_t shift = passes * feed->shift % feed->subscribers_count;
    return (uint32_t)((record->subscriber + shift) % feed->subscribers_count);
}
