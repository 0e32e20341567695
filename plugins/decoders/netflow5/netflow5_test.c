/* SPDX-License-Identifier: Apache-2.0 */
/* NetFlow v5 datagrams built here: counts, lengths, clocks, resuming. */
#include "lib/flowfeed.h"

#include <criterion/criterion.h>
#include <stdlib.h>

extern const struct tg_plugin tg_plugin_entry_netflow5;

#define EXPORT_S   UINT32_C(1600000000)
#define EXPORT_NS  (INT64_C(1600000000) * 1000000000)
#define UPTIME_MS  UINT32_C(500000)
#define ARRIVAL_NS (EXPORT_NS + 1000000)

static struct tg_feed feed;
static uint8_t datagram[24 + 30 * 48 + 8];

static void be(uint8_t *at, uint64_t value, uint32_t octets)
{
    for (uint32_t i = 0; i < octets; i++) {
        at[i] = (uint8_t)(value >> (8 * (octets - 1 - i)));
    }
}

static uint32_t make(uint16_t announced, uint32_t records_count)
{
    memset(datagram, 0, sizeof(datagram));
    be(datagram, 5, 2);
    be(datagram + 2, announced, 2);
    be(datagram + 4, UPTIME_MS, 4);
    be(datagram + 8, EXPORT_S, 4);
    be(datagram + 12, 250000000, 4);
    be(datagram + 16, 77, 4);
    datagram[20] = 3;
    datagram[21] = 4;
    for (uint32_t i = 0; i < records_count; i++) {
        uint8_t *record = datagram + 24 + i * 48;
        be(record, 0x0a000000 + i, 4);
        be(record + 4, 0x14000000 + i, 4);
        be(record + 20, 1000 + i, 4);
        be(record + 24, UPTIME_MS - 9000, 4);
        be(record + 28, UPTIME_MS - 2000, 4);
    }
    return 24 + records_count * 48;
}

static void open_plain(void)
{
    cr_assert_eq(tg_feed_open(&feed, &tg_plugin_entry_netflow5, NULL, 0), TG_OK);
}

/* If this fails v5 usage goes to the wrong address, amount or time. */
Test(netflow5, record_becomes_a_row_with_every_column)
{
    open_plain();
    tg_feed_bytes(&feed, datagram, make(2, 2), ARRIVAL_NS);
    cr_assert_eq(feed.rows_count, 2);
    const struct tg_usage *row = &feed.rows[1];
    cr_expect_eq(row->subscriber_key, 0x0a000001);
    cr_expect_eq(row->peer_key, 0x14000001);
    cr_expect_eq(row->quantity_up, 1001);
    cr_expect_eq(row->start_ns, EXPORT_NS + 250000000 - INT64_C(9000000000));
    cr_expect_eq(row->duration_ms, 7000);
    cr_expect_eq(row->sequence, 77);
    cr_expect_eq(feed.message.domain, 0x0304);
    cr_expect_eq(feed.message.records_count, 2);
    cr_expect_eq(feed.message.sequence_kind, TG_SEQUENCE_RECORDS);
    cr_expect_eq(feed.message.uptime_ms, UPTIME_MS);
    cr_expect_eq(feed.message.flags, TG_MESSAGE_HAS_UPTIME);
    cr_expect_eq(feed.message.export_ns, EXPORT_NS + 250000000);
    tg_feed_close(&feed);
}

/* If this fails a header that lies about its count decides what is read as usage. */
Test(netflow5, counts_and_lengths_that_disagree_are_refused_where_they_do)
{
    static const struct {
        uint16_t announced;
        uint32_t records, extra, rows;
        enum tg_err reason, verdict;
        uint32_t offset;
    } cases[] = {
        {0, 1, 0, 0, TG_E_COUNT, TG_E_COUNT, 0},
        {31, 30, 0, 0, TG_E_COUNT, TG_E_COUNT, 0},
        {3, 2, 0, 2, TG_E_TRUNCATED, TG_E_TRUNCATED, 24 + 95},
        {3, 2, 5, 2, TG_E_TRUNCATED, TG_E_TRUNCATED, 24 + 96},
        {2, 2, 5, 2, TG_E_LENGTH, TG_OK, 24 + 96},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        open_plain();
        tg_feed_bytes(&feed, datagram, make(cases[i].announced, cases[i].records) + cases[i].extra,
                      ARRIVAL_NS);
        cr_expect_eq(feed.rows_count, cases[i].rows, "case %zu", i);
        cr_assert_eq(feed.refusals_count, 1, "case %zu", i);
        cr_expect_eq(feed.refusals[0].reason, cases[i].reason, "case %zu", i);
        cr_expect_eq(feed.refusals[0].offset_bytes, cases[i].offset, "case %zu", i);
        cr_expect_eq(feed.message.verdict, cases[i].verdict, "case %zu", i);
        tg_feed_close(&feed);
    }
}

/* If this fails hostile lengths read beyond the datagram. */
Test(netflow5, truncated_at_every_octet_never_invents_a_row)
{
    open_plain();
    const uint32_t whole = make(3, 3);
    for (uint32_t length = 1; length < whole; length++) {
        uint8_t *exact = malloc(length);
        memcpy(exact, datagram, length);
        tg_feed_clear(&feed);
        tg_feed_bytes(&feed, exact, length, ARRIVAL_NS);
        cr_expect_eq(feed.rows_count, length < 24 ? 0 : (length - 24) / 48, "length %u", length);
        cr_expect_eq(feed.refusals_count, 1, "length %u", length);
        free(exact);
    }
    tg_feed_close(&feed);
}

/* If this fails a full batch loses or doubles the rest of a datagram. */
Test(netflow5, full_rows_stop_and_resume)
{
    open_plain();
    const uint32_t length = make(30, 30);
    static struct tg_usage rows[7];
    static uint32_t rows_input[7];
    struct tg_message message;
    const struct tg_input input = {
        .bytes = datagram, .length_bytes = length, .arrival_ns = ARRIVAL_NS};
    uint32_t seen_count = 0;
    uint32_t done = 0;
    for (uint32_t calls = 0; calls < 10 && done == 0; calls++) {
        struct tg_decoded out = tg_feed_out(&feed, &message);
        out.rows_capacity = 7;
        out.rows = rows;
        out.rows_input = rows_input;
        done = feed.decoder->decode(feed.state, &input, 1, &out);
        for (uint32_t i = 0; i < out.rows_count; i++) {
            cr_expect_eq(rows[i].subscriber_key, 0x0a000000 + seen_count++);
        }
    }
    cr_expect_eq(done, 1);
    cr_expect_eq(seen_count, 30);
    tg_feed_close(&feed);
}

/* If this fails two equal flows of one datagram at different times look like a retransmission. */
Test(netflow5, identity_tells_records_and_senders_apart)
{
    open_plain();
    const uint32_t length = make(2, 2);
    tg_feed_bytes(&feed, datagram, length, ARRIVAL_NS);
    tg_feed_bytes(&feed, datagram, length, ARRIVAL_NS + 5);
    be(datagram + 8, EXPORT_S + 1, 4); /* the same uptimes, a second later: another boot */
    tg_feed_bytes(&feed, datagram, length, ARRIVAL_NS);
    cr_expect_neq(feed.rows[0].record_key, feed.rows[1].record_key);
    cr_expect_eq(feed.rows[0].record_key, feed.rows[2].record_key, "a retransmission");
    cr_expect_neq(feed.rows[0].record_key, feed.rows[4].record_key);
    tg_feed_close(&feed);
}
