/* SPDX-License-Identifier: Apache-2.0 */
/* The template engine through the IPFIX plug-in: what happens to templates, to data without them,
 * and to records at the edges. Messages are built here, octet by octet. */
#include "lib/flowfeed.h"
#include "lib/flowwalk.h"

#include <criterion/criterion.h>
#include <stdlib.h>

extern const struct tg_plugin tg_plugin_entry_ipfix;

#define EXPORT_S   UINT32_C(1600000000)
#define EXPORT_NS  (INT64_C(1600000000) * 1000000000)
#define ARRIVAL_NS (EXPORT_NS + 1000000)

static struct tg_feed feed;

/** A message under construction. */
struct maker {
    uint8_t bytes[65536];
    uint32_t length;
    uint32_t set_at;
};

static struct maker m;

static void put(uint64_t value, uint32_t octets)
{
    for (uint32_t i = octets; i > 0; i--) {
        m.bytes[m.length++] = (uint8_t)(value >> (8 * (i - 1)));
    }
}

static void close_set(void)
{
    if (m.set_at != 0) {
        const uint32_t length = m.length - m.set_at;
        m.bytes[m.set_at + 2] = (uint8_t)(length >> 8);
        m.bytes[m.set_at + 3] = (uint8_t)length;
    }
    m.set_at = 0;
}

static void message(uint32_t sequence)
{
    m.length = 0;
    m.set_at = 0;
    put(10, 2);
    put(0, 2);
    put(EXPORT_S, 4);
    put(sequence, 4);
    put(7, 4);
}

static void set(uint16_t id)
{
    close_set();
    m.set_at = m.length;
    put(id, 2);
    put(0, 2);
}

static void send(void)
{
    close_set();
    m.bytes[2] = (uint8_t)(m.length >> 8);
    m.bytes[3] = (uint8_t)m.length;
    tg_feed_bytes(&feed, m.bytes, m.length, ARRIVAL_NS);
}

/* source, destination, octets in `octets` octets, start and end in milliseconds */
static void flow_template(uint16_t id, uint16_t octets)
{
    put(id, 2);
    put(5, 2);
    put(8, 2), put(4, 2);
    put(12, 2), put(4, 2);
    put(1, 2), put(octets, 2);
    put(152, 2), put(8, 2);
    put(153, 2), put(8, 2);
}

static void flow_record(uint32_t source, uint64_t octets, uint16_t octets_length)
{
    put(source, 4);
    put(0x0a000001, 4);
    put(octets, octets_length);
    put(EXPORT_S * UINT64_C(1000) - 5000, 8);
    put(EXPORT_S * UINT64_C(1000) - 2000, 8);
}

static void send_template(uint16_t id, uint16_t octets)
{
    message(0);
    set(2);
    flow_template(id, octets);
    send();
}

static void send_flow(uint16_t id, uint32_t sequence, uint32_t source)
{
    message(sequence);
    set(id);
    flow_record(source, 1000, 4);
    send();
}

static void open_with(const char *key, const char *value)
{
    const struct tg_setting setting = {.key = key, .value = value};
    cr_assert_eq(tg_feed_open(&feed, &tg_plugin_entry_ipfix, &setting, key != NULL ? 1 : 0), TG_OK);
}

static void open_plain(void)
{
    open_with(NULL, NULL);
}

/* If this fails usage goes to the wrong address, amount or time. */
Test(ipfix, record_becomes_a_row_with_every_column)
{
    open_plain();
    message(41);
    set(2);
    flow_template(256, 4);
    set(256);
    flow_record(0xc0a80001, 123456, 4);
    send();
    cr_assert_eq(feed.rows_count, 1);
    const struct tg_usage *row = &feed.rows[0];
    cr_expect_eq(row->subscriber_key, 0xc0a80001);
    cr_expect_eq(row->peer_key, 0x0a000001);
    cr_expect_eq(row->key_kinds, tg_key_kinds(TG_KEY_IP4, TG_KEY_IP4));
    cr_expect_eq(row->quantity_up, 123456);
    cr_expect_eq(row->quantity_down, 0);
    cr_expect_eq(row->start_ns, EXPORT_NS - INT64_C(5000000000));
    cr_expect_eq(row->duration_ms, 3000);
    cr_expect_eq(row->service, TG_SERVICE_DATA);
    cr_expect_eq(row->flags, 0);
    cr_expect_eq(row->sequence, 41);
    cr_expect_eq(feed.message.sequence, 41);
    cr_expect_eq(feed.message.records_count, 1);
    cr_expect_eq(feed.message.domain, 7);
    cr_expect_eq(feed.message.sequence_kind, TG_SEQUENCE_RECORDS);
    cr_expect_eq(feed.message.export_ns, EXPORT_NS);
    tg_feed_close(&feed);
}

/* If this fails every template refresh goes to the journal, some thousand times a day each. */
Test(ipfix, identical_template_changes_no_state)
{
    open_plain();
    send_template(256, 4);
    cr_expect(feed.message.flags & TG_MESSAGE_CHANGED_STATE);
    send_template(256, 4);
    cr_expect_not(feed.message.flags & TG_MESSAGE_CHANGED_STATE);
    send_template(256, 8);
    cr_expect(feed.message.flags & TG_MESSAGE_CHANGED_STATE, "a changed one is a change");
    tg_feed_close(&feed);
}

/* If this fails data sent after a template changed is read by the old layout and charged so. */
Test(ipfix, redefined_template_reads_by_the_new_layout)
{
    open_plain();
    send_template(256, 4);
    send_template(256, 8);
    message(0);
    set(256);
    flow_record(1, UINT64_C(5000000000), 8);
    send();
    cr_assert_eq(feed.rows_count, 1);
    cr_expect_eq(feed.rows[0].quantity_up, UINT64_C(5000000000));
    tg_feed_close(&feed);
}

/* If this fails a withdrawn template goes on deciding what octets mean. */
Test(ipfix, withdrawal_of_one_and_of_all_forgets_templates)
{
    open_plain();
    send_template(256, 4);
    send_template(257, 4);
    send_template(258, 4);
    message(0);
    set(2);
    put(256, 2), put(0, 2);
    send();
    cr_expect(feed.message.flags & TG_MESSAGE_CHANGED_STATE);
    send_flow(256, 0, 1);
    cr_expect_eq(feed.rows_count, 0);
    cr_expect_eq(tg_feed_refused(&feed, TG_E_PARKED), 1);
    send_flow(257, 0, 1);
    cr_expect_eq(feed.rows_count, 1, "others stay");
    message(0);
    set(2);
    put(2, 2), put(0, 2);
    send();
    send_flow(257, 1, 1);
    send_flow(258, 2, 1);
    cr_expect_eq(feed.rows_count, 1);
    cr_expect_eq(tg_feed_refused(&feed, TG_E_PARKED), 3);
    tg_feed_close(&feed);
}

/* If this fails data that overtakes its template is lost, or comes twice. */
Test(ipfix, parked_data_is_released_when_its_template_comes)
{
    open_plain();
    send_flow(256, 10, 1);
    cr_expect(feed.message.flags & TG_MESSAGE_CHANGED_STATE);
    cr_expect_eq(feed.message.sequence_kind, TG_SEQUENCE_NONE, "how many records is unknown");
    send_flow(256, 11, 2);
    cr_expect_eq(feed.rows_count, 0);
    cr_assert_eq(feed.refusals_count, 2);
    cr_expect_eq(feed.refusals[0].offset_bytes, 16);
    cr_expect_eq(feed.refusals[0].length_bytes, 4 + 28);
    send_template(256, 4);
    cr_assert_eq(feed.rows_count, 2);
    cr_assert_eq(feed.released_count, 2);
    for (uint32_t i = 0; i < 2; i++) {
        cr_expect_eq(feed.released[i], feed.refusals[i].record_key);
        cr_expect_eq(feed.rows[i].subscriber_key, i + 1, "in order of arrival");
        cr_expect_eq(feed.rows[i].sequence, 10 + i, "of its own message");
    }
    cr_expect_eq(feed.message.records_count, 0, "they are not of this message");
    const uint64_t key = feed.rows[0].record_key;
    send_flow(256, 10, 1);
    cr_expect_eq(feed.rows[2].record_key, key, "a retransmission is seen as the same record");
    tg_feed_close(&feed);
}

/* If this fails a sender without templates takes all memory, or silently loses data. */
Test(ipfix, full_park_refuses_the_newcomer_and_keeps_what_waits)
{
    open_with("park_pieces", "3");
    for (uint32_t i = 0; i < 5; i++) {
        send_flow(256, i, i + 1);
    }
    cr_expect_eq(tg_feed_refused(&feed, TG_E_PARKED), 3);
    cr_expect_eq(tg_feed_refused(&feed, TG_E_PARK_FULL), 2);
    send_template(256, 4);
    cr_expect_eq(feed.rows_count, 3);
    send_flow(300, 9, 1);
    cr_expect_eq(tg_feed_refused(&feed, TG_E_PARKED), 4, "room again");
    tg_feed_close(&feed);
    open_with("park_bytes", "65536");
    for (uint32_t i = 0; i < 3; i++) {
        message(i);
        set(256);
        m.length += 30000;
        send();
    }
    cr_expect_eq(tg_feed_refused(&feed, TG_E_PARKED), 2);
    cr_expect_eq(tg_feed_refused(&feed, TG_E_PARK_FULL), 1);
    tg_feed_close(&feed);
}

/* If this fails data whose template never comes waits for ever and no audit closes. */
Test(ipfix, expired_pieces_are_refused_with_their_bytes)
{
    open_plain();
    for (uint32_t i = 0; i < 100; i++) {
        send_flow(256, i, i);
    }
    tg_feed_expire(&feed, ARRIVAL_NS);
    cr_expect_eq(feed.released_count, 0, "not yet");
    tg_feed_expire(&feed, ARRIVAL_NS + 1);
    cr_expect_eq(feed.released_count, 100);
    cr_assert_eq(feed.refusals_count, 200);
    cr_expect_eq(tg_feed_refused(&feed, TG_E_NO_TEMPLATE), 100);
    const struct tg_refusal *last = &feed.refusals[199];
    cr_expect_eq(last->input_index, UINT32_MAX);
    cr_expect_eq(last->length_bytes, 28);
    cr_expect_eq(feed.text[last->offset_bytes + 3] + 0u, 99u, "the source address of the record");
    send_template(256, 4);
    cr_expect_eq(feed.rows_count, 0);
    tg_feed_close(&feed);
}

/* If this fails a restart loses the templates until the next refresh, and what waited for ever. */
Test(ipfix, save_and_load_keep_templates_boot_times_and_parked_data)
{
    open_plain();
    send_template(256, 4);
    message(0);
    set(3);
    put(400, 2), put(2, 2), put(1, 2);
    put(149, 2), put(4, 2);
    put(160, 2), put(8, 2);
    set(400);
    put(7, 4), put((EXPORT_S - 1000) * UINT64_C(1000), 8);
    set(2);
    put(401, 2), put(3, 2);
    put(1, 2), put(4, 2);
    put(22, 2), put(4, 2);
    put(21, 2), put(4, 2);
    send();
    send_flow(300, 3, 9);
    const size_t needed_bytes = feed.decoder->save(feed.state, NULL, 0);
    uint8_t *saved = malloc(needed_bytes);
    cr_assert_eq(feed.decoder->save(feed.state, saved, needed_bytes), needed_bytes);
    tg_feed_close(&feed);

    open_plain();
    cr_assert_eq(feed.decoder->load(feed.state, saved, needed_bytes), TG_OK);
    send_flow(256, 4, 5);
    cr_assert_eq(feed.rows_count, 1);
    message(5);
    set(401);
    put(100, 4), put(990000, 4), put(999000, 4);
    send();
    cr_assert_eq(feed.rows_count, 2);
    cr_expect_eq(feed.rows[1].start_ns, EXPORT_NS - INT64_C(10000000000));
    cr_expect_eq(feed.rows[1].duration_ms, 9000);
    send_template(300, 4);
    cr_assert_eq(feed.rows_count, 3);
    cr_expect_eq(feed.rows[2].subscriber_key, 9);
    cr_expect_eq(feed.released_count, 1);
    tg_feed_close(&feed);

    for (size_t i = 0; i < needed_bytes; i++) {
        open_with("templates", "4");
        saved[i] ^= 0x10;
        const enum tg_err result = feed.decoder->load(feed.state, saved, needed_bytes);
        cr_expect(result == TG_E_CORRUPT || result == TG_E_FORMAT, "octet %zu: %d", i, result);
        cr_expect_eq(feed.decoder->save(feed.state, NULL, 0), 32, "empty after a refusal");
        saved[i] ^= 0x10;
        tg_feed_close(&feed);
    }
    free(saved);
}

/* If this fails a datagram with more records than fit a batch loses or doubles the rest. */
Test(ipfix, datagram_of_one_octet_records_resumes_until_all_are_rows)
{
    open_plain();
    message(0);
    set(2);
    put(256, 2), put(1, 2), put(1, 2), put(1, 2);
    set(256);
    const uint32_t count = 65000;
    for (uint32_t i = 0; i < count; i++) {
        put(i & 255, 1);
    }
    send();
    cr_expect_not(feed.is_stuck);
    cr_expect_eq(feed.rows_count, count);
    cr_expect_eq(feed.message.records_count, count);
    cr_expect_eq(feed.calls_count, (count + 255) / 256);
    for (uint32_t i = 0; i < TG_FEED_ROWS; i++) {
        cr_assert_eq(feed.rows[i].quantity_up, i & 255);
    }
    cr_expect_neq(feed.rows[0].record_key, feed.rows[256].record_key,
                  "without a time the place tells two equal records apart");
    tg_feed_close(&feed);
}

/* If this fails what waited for a template and is larger than a batch is lost or doubled. */
Test(ipfix, large_parked_piece_is_released_over_several_calls)
{
    open_plain();
    message(0);
    set(256);
    for (uint32_t i = 0; i < 3000; i++) {
        put(i, 2);
    }
    send();
    message(0);
    set(2);
    put(256, 2), put(1, 2), put(1, 2), put(2, 2);
    send();
    cr_expect_not(feed.is_stuck);
    cr_expect_eq(feed.rows_count, 3000);
    cr_expect_eq(feed.released_count, 1);
    for (uint32_t i = 0; i < 3000; i++) {
        cr_assert_eq(feed.rows[i].quantity_up, i);
    }
    tg_feed_close(&feed);
}

/* If this fails an absurd octet count is cut to 48 bits and charged as something else. */
Test(ipfix, octets_beyond_48_bits_are_refused_and_neighbours_stay)
{
    open_plain();
    message(0);
    set(2);
    flow_template(256, 8);
    set(256);
    flow_record(1, TG_QUANTITY_MAX, 8);
    flow_record(2, TG_QUANTITY_MAX + 1, 8);
    flow_record(3, 5, 8);
    send();
    cr_assert_eq(feed.rows_count, 2);
    cr_expect_eq(feed.rows[0].quantity_up, TG_QUANTITY_MAX);
    cr_expect_eq(feed.rows[1].subscriber_key, 3);
    cr_assert_eq(feed.refusals_count, 1);
    cr_expect_eq(feed.refusals[0].reason, TG_E_OVERFLOW);
    cr_expect_eq(feed.refusals[0].offset_bytes, 16 + 28 + 4 + 32);
    cr_expect_eq(feed.refusals[0].length_bytes, 32);
    cr_expect_eq(feed.message.records_count, 3, "it counts in the sequence");
    tg_feed_close(&feed);
}

/* If this fails padding turns into records of nothing, or hides a set. */
Test(ipfix, padding_of_sets_and_templates_is_no_record)
{
    open_plain();
    message(0);
    set(2);
    flow_template(256, 3);
    put(0, 3);
    set(256);
    flow_record(1, 77, 3);
    put(0, 1);
    set(256);
    flow_record(2, 78, 3);
    put(0, 4), put(0, 2);
    send();
    cr_expect_eq(feed.rows_count, 2);
    cr_expect_eq(feed.rows[1].quantity_up, 78);
    cr_expect_eq(feed.refusals_count, 0);
    tg_feed_close(&feed);
}

/* If this fails a template with empty or odd fields stops the exporter's data or loops for ever. */
Test(ipfix, zero_length_fields_are_skipped_and_empty_records_refused)
{
    open_plain();
    message(0);
    set(2);
    put(256, 2), put(3, 2);
    put(8, 2), put(0, 2);
    put(12, 2), put(4, 2);
    put(1, 2), put(4, 2);
    put(257, 2), put(1, 2), put(1, 2), put(0, 2); /* a record of nothing */
    put(258, 2), put(1, 2), put(1, 2), put(9, 2); /* an integer of nine octets */
    put(255, 2), put(1, 2), put(1, 2), put(4, 2); /* an id that is a set id */
    set(256);
    put(0x01020304, 4), put(55, 4);
    send();
    cr_assert_eq(feed.rows_count, 1);
    cr_expect_eq(feed.rows[0].quantity_up, 55);
    cr_expect_eq(feed.rows[0].key_kinds, tg_key_kinds(TG_KEY_NONE, TG_KEY_IP4));
    cr_expect_eq(feed.rows[0].flags, TG_USAGE_START_FROM_EXPORT);
    cr_expect_eq(tg_feed_refused(&feed, TG_E_TEMPLATE), 3);
    tg_feed_close(&feed);
}

/* If this fails variable-length neighbours move every column of the record. */
Test(ipfix, variable_length_fields_in_both_forms_and_overrun)
{
    open_plain();
    message(0);
    set(2);
    put(256, 2), put(4, 2);
    put(371, 2), put(65535, 2);
    put(1, 2), put(4, 2);
    put(460, 2), put(65535, 2);
    put(27, 2), put(16, 2);
    set(256);
    for (uint32_t i = 0; i < 2; i++) {
        put(3, 1), put(0x616263, 3);
        put(1000 + i, 4);
        put(255, 1), put(300, 2);
        m.length += 300;
        put(UINT64_C(0x20010db800000000) + i, 8), put(1, 8);
    }
    const uint32_t bad_at = m.length;
    put(200, 1);
    for (uint32_t i = 0; i < 5; i++) {
        put(0, 8);
    }
    send();
    cr_assert_eq(feed.rows_count, 2);
    cr_expect_eq(feed.rows[1].quantity_up, 1001);
    cr_expect_eq(feed.rows[1].subscriber_key, UINT64_C(0x20010db800000001));
    cr_expect_eq(feed.rows[1].key_kinds, tg_key_kinds(TG_KEY_IP6, TG_KEY_NONE));
    cr_assert_eq(feed.refusals_count, 1);
    cr_expect_eq(feed.refusals[0].reason, TG_E_LENGTH);
    cr_expect_eq(feed.refusals[0].offset_bytes, bad_at);
    cr_expect_eq(feed.message.records_count, 3);
    tg_feed_close(&feed);
}

/* If this fails a reverse count is charged twice, or the applications all cost the same. */
Test(ipfix, biflow_and_application_fill_their_columns)
{
    open_plain();
    message(0);
    set(2);
    put(256, 2), put(5, 2);
    put(85, 2), put(4, 2);
    put(0x8000 | 85, 2), put(4, 2), put(29305, 4);
    put(23, 2), put(4, 2); /* post octets: the same direction once more */
    put(95, 2), put(4, 2);
    put(322, 2), put(4, 2);
    set(256);
    put(10, 4), put(20, 4), put(30, 4), put(0x0d0001af, 4), put(EXPORT_S - 60, 4);
    send();
    cr_assert_eq(feed.rows_count, 1);
    cr_expect_eq(feed.rows[0].quantity_up, 10);
    cr_expect_eq(feed.rows[0].quantity_down, 20);
    cr_expect_eq(feed.rows[0].rating_group, 0x01af);
    cr_expect_eq(feed.rows[0].start_ns, EXPORT_NS - INT64_C(60000000000));
    tg_feed_close(&feed);
}

/* If this fails exporter metadata is charged, or is missing from the sequence count. */
Test(ipfix, records_without_quantity_are_metadata)
{
    open_plain();
    message(0);
    set(3);
    put(400, 2), put(2, 2), put(1, 2);
    put(149, 2), put(4, 2);
    put(1, 2), put(8, 2);
    set(2);
    put(401, 2), put(2, 2);
    put(8, 2), put(4, 2);
    put(233, 2), put(1, 2);
    set(400);
    put(7, 4), put(999999, 8);
    set(401);
    put(1, 4), put(2, 1);
    send();
    cr_assert_eq(feed.rows_count, 2);
    for (uint32_t i = 0; i < 2; i++) {
        cr_expect_eq(feed.rows[i].service, TG_SERVICE_OPTIONS);
        cr_expect_eq(feed.rows[i].quantity_up, 0);
    }
    cr_expect_eq(feed.message.records_count, 2);
    tg_feed_close(&feed);
}

/* If this fails usage with an absurd clock lands in another billing period. */
Test(ipfix, implausible_times_are_clamped_and_flagged)
{
    static const struct {
        int64_t start_s, end_s, expected_start_s;
        uint32_t duration_ms;
        bool is_suspect;
    } cases[] = {
        {1600000000 - 10, 1600000000 - 4, 1600000000 - 10, 6000, false},
        {1600000000 - 10, 1600000000 - 20, 1600000000 - 10, 0, true},
        {0, 0, 1600000000, 0, true},
        {0, 7, 1600000000, 7000, true},
        {1600000000 + 90000, 1600000000 + 90001, 1600000000, 1000, true},
        {1600000000 + 60, 1600000000 + 61, 1600000000 + 60, 1000, false},
        {INT64_C(9000000000000000), 0, 1600000000, 0, true},
    };
    open_plain();
    send_template(256, 4);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        message((uint32_t)i);
        set(256);
        put(1, 4), put(2, 4), put(3, 4);
        put((uint64_t)cases[i].start_s * 1000, 8), put((uint64_t)cases[i].end_s * 1000, 8);
        send();
        cr_assert_eq(feed.rows_count, i + 1);
        const struct tg_usage *row = &feed.rows[i];
        cr_expect_eq(row->start_ns, cases[i].expected_start_s * 1000000000, "case %zu", i);
        cr_expect_eq(row->duration_ms, cases[i].duration_ms, "case %zu", i);
        cr_expect_eq((row->flags & TG_USAGE_SUSPECT_TIME) != 0, cases[i].is_suspect, "case %zu", i);
    }
    tg_feed_close(&feed);
}

/* If this fails one exporter with endless template ids forgets everybody's templates. */
Test(ipfix, template_flood_pushes_out_only_the_flooders_own)
{
    open_with("templates", "8");
    send_template(256, 4);
    struct tg_input flood = {.bytes = m.bytes, .source_id = 2, .arrival_ns = ARRIVAL_NS};
    for (uint16_t id = 300; id < 1300; id++) {
        message(0);
        set(2);
        flow_template(id, 4);
        close_set();
        m.bytes[2] = (uint8_t)(m.length >> 8);
        m.bytes[3] = (uint8_t)m.length;
        flood.length_bytes = m.length;
        tg_feed_input(&feed, &flood);
    }
    const struct tg_flow *flow = feed.state;
    cr_expect_eq(flow->store.all.count, 3, "two of the flooder, one of the other");
    cr_expect_eq(flow->store.evicted_count, 998);
    send_flow(256, 0, 1);
    cr_expect_eq(feed.rows_count, 1);
    tg_feed_close(&feed);
}

/* If this fails a mistake in the configuration passes in silence. */
Test(ipfix, wrong_settings_are_refused_by_name)
{
    static const char *const cases[][2] = {
        {"templats", "4"}, {"templates", "0"}, {"templates", "65535"}, {"park_bytes", "12x"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct tg_setting setting = {.key = cases[i][0], .value = cases[i][1]};
        cr_expect_eq(tg_feed_open(&feed, &tg_plugin_entry_ipfix, &setting, 1), TG_E_INVALID, "%s",
                     cases[i][0]);
        cr_expect_null(feed.state);
    }
}

/* If this fails hostile lengths read beyond the datagram or stop its good sets. */
Test(ipfix, truncated_at_every_octet_never_invents_a_row)
{
    open_plain();
    send_template(256, 4);
    message(0);
    set(256);
    flow_record(1, 1, 4);
    set(256);
    flow_record(2, 2, 4);
    close_set();
    m.bytes[3] = (uint8_t)m.length;
    for (uint32_t length = 1; length < m.length; length++) {
        uint8_t *exact = malloc(length); /* so that ASan sees one octet too far */
        memcpy(exact, m.bytes, length);
        tg_feed_clear(&feed);
        tg_feed_bytes(&feed, exact, length, ARRIVAL_NS);
        cr_expect_neq(feed.message.verdict, TG_OK, "length %u", length);
        cr_expect_eq(feed.rows_count, length >= 48 ? 1 : 0, "length %u", length);
        cr_expect_eq(feed.refusals_count, length == 16 || length == 48 ? 0 : 1, "length %u",
                     length);
        free(exact);
    }
    tg_feed_close(&feed);
}
