/* SPDX-License-Identifier: Apache-2.0 */
/* What NetFlow v9 does otherwise than IPFIX; the shared engine is tested beside the ipfix plug-in.
 */
#include "lib/flowfeed.h"

#include <criterion/criterion.h>

extern const struct tg_plugin tg_plugin_entry_netflow9;

#define EXPORT_S   UINT32_C(1600000000)
#define EXPORT_NS  (INT64_C(1600000000) * 1000000000)
#define UPTIME_MS  UINT32_C(3000)
#define ARRIVAL_NS (EXPORT_NS + 1000000)

static struct tg_feed feed;
static uint8_t bytes[2048];
static uint32_t length;
static uint32_t set_at;

static void put(uint64_t value, uint32_t octets)
{
    for (uint32_t i = octets; i > 0; i--) {
        bytes[length++] = (uint8_t)(value >> (8 * (i - 1)));
    }
}

static void message(uint16_t count, uint32_t sequence)
{
    length = 0;
    set_at = 0;
    put(9, 2), put(count, 2), put(UPTIME_MS, 4), put(EXPORT_S, 4), put(sequence, 4), put(5, 4);
}

static void set(uint16_t id)
{
    if (set_at != 0) {
        bytes[set_at + 2] = (uint8_t)((length - set_at) >> 8);
        bytes[set_at + 3] = (uint8_t)(length - set_at);
    }
    set_at = length;
    put(id, 2), put(0, 2);
}

static void send(void)
{
    set(0); /* closes the last set; its own header is cut off again */
    length -= 4;
    tg_feed_bytes(&feed, bytes, length, ARRIVAL_NS);
}

static void open_plain(void)
{
    cr_assert_eq(tg_feed_open(&feed, &tg_plugin_entry_netflow9, NULL, 0), TG_OK);
}

/* If this fails a flow that began before the uptime counter wrapped moves by 49.7 days. */
Test(netflow9, uptime_is_taken_modulo_its_width)
{
    open_plain();
    message(2, 8);
    set(0);
    put(256, 2), put(3, 2), put(1, 2), put(4, 2), put(22, 2), put(4, 2), put(21, 2), put(4, 2);
    set(256);
    put(10, 4), put(UINT32_C(0xfffffc18), 4), put(2000, 4); /* 1 s before the wrap, 2 s after */
    send();
    cr_assert_eq(feed.rows_count, 1);
    cr_expect_eq(feed.rows[0].start_ns, EXPORT_NS - INT64_C(4000000000));
    cr_expect_eq(feed.rows[0].duration_ms, 3000);
    cr_expect_eq(feed.rows[0].flags, 0);
    cr_expect_eq(feed.message.sequence_kind, TG_SEQUENCE_MESSAGES);
    cr_expect_eq(feed.message.records_count, 1);
    cr_expect_eq(feed.message.sequence, 8);
    cr_expect_eq(feed.message.domain, 5);
    tg_feed_close(&feed);
}

/* If this fails octets of one direction are charged as both, or egress accounting is free. */
Test(netflow9, out_bytes_is_the_other_direction_only_beside_in_bytes)
{
    open_plain();
    message(4, 0);
    set(0);
    put(256, 2), put(2, 2), put(1, 2), put(4, 2), put(23, 2), put(4, 2);
    put(257, 2), put(1, 2), put(23, 2), put(4, 2);
    set(256);
    put(10, 4), put(20, 4);
    set(257);
    put(30, 4);
    send();
    cr_assert_eq(feed.rows_count, 2);
    cr_expect_eq(feed.rows[0].quantity_up, 10);
    cr_expect_eq(feed.rows[0].quantity_down, 20);
    cr_expect_eq(feed.rows[1].quantity_up, 30);
    cr_expect_eq(feed.rows[1].quantity_down, 0);
    tg_feed_close(&feed);
}

/* If this fails metadata of Cisco routers is charged or stops the rest of the datagram. */
Test(netflow9, options_with_scope_counted_in_octets_are_metadata)
{
    open_plain();
    message(3, 0);
    set(1);
    put(300, 2), put(4, 2), put(8, 2);
    put(1, 2), put(0, 2), put(34, 2), put(4, 2), put(35, 2), put(1, 2);
    put(0, 2);
    set(1);
    put(301, 2), put(3, 2), put(8, 2), put(1, 2), put(4, 2), put(34, 2), put(4, 2);
    set(300);
    put(100, 4), put(2, 1), put(0, 3);
    send();
    cr_assert_eq(feed.rows_count, 1);
    cr_expect_eq(feed.rows[0].service, TG_SERVICE_OPTIONS);
    cr_assert_eq(feed.refusals_count, 1, "a scope length that is no multiple of 4");
    cr_expect_eq(feed.refusals[0].reason, TG_E_TEMPLATE);
    tg_feed_close(&feed);
}

/* If this fails exporters that fill datagrams up with zeros produce refusals for ever. */
Test(netflow9, zeros_to_the_end_are_no_sets_and_sets_beyond_the_count_are_refused)
{
    open_plain();
    message(1, 0);
    set(0);
    put(256, 2), put(1, 2), put(1, 2), put(4, 2);
    send();
    memset(bytes + length, 0, 1000);
    tg_feed_bytes(&feed, bytes, length + 1000, ARRIVAL_NS);
    cr_expect_eq(feed.refusals_count, 0);
    message(1, 1);
    set(256);
    put(1, 4);
    set(256);
    put(2, 4);
    send();
    cr_expect_eq(feed.rows_count, 1);
    cr_assert_eq(feed.refusals_count, 1);
    cr_expect_eq(feed.refusals[0].reason, TG_E_COUNT);
    cr_expect_eq(feed.refusals[0].offset_bytes, 28);
    cr_expect_eq(feed.message.verdict, TG_E_COUNT);
    tg_feed_close(&feed);
}
