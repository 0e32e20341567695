/* SPDX-License-Identifier: Apache-2.0 */
/* What accounting means: rows, sessions, networks and when they were. */
#include "radius_bench.h"

#include <criterion/criterion.h>
#include <string.h>

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
        decode(b, &p);
        cr_expect_eq(b->messages[0].verdict, cases[i].verdict, "%u", i);
        cr_expect_eq(b->out.networks_count, cases[i].plmn != 0, "%u", i);
        cr_expect(cases[i].plmn == 0 || networks[0].plmn == cases[i].plmn, "%u", i);
        cr_expect(b->out.sessions_count == 0 || b->sessions[0].plmn == cases[i].plmn,
                  "flows of its address are there too: %u", i);
    }
    bench_close(b);
}
