/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Unit tests of the syslog decoder: both formats, three framings, every refusal.
 */
#include "abi/decoder.h"
#include "abi/key.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

extern const struct tg_plugin tg_plugin_entry_syslog;

/* 2026-12-02T16:31:10Z */
#define ARRIVAL_NS INT64_C(1796229070000000000)
#define NS_PER_S   INT64_C(1000000000)

struct bench {
    const struct tg_decoder *decoder;
    void *state;
    struct tg_decoded out;
    struct tg_observation observations[64];
    struct tg_refusal refusals[64];
    uint8_t text[65536];
    struct tg_message messages[8];
};

static struct bench *bench_open(const char *key, const char *value)
{
    struct bench *b = calloc(1, sizeof(*b));
    const struct tg_setting setting = {key, value, NULL, 0, 0};
    const struct tg_decoder_config config = {sizeof(config), key != NULL, &setting, 1};
    struct tg_complaint why;
    b->decoder = tg_plugin_entry_syslog.contract;
    cr_assert_eq(b->decoder->open(&config, &b->state, &why), TG_OK, "%s", why.text);
    b->out = (struct tg_decoded){.size_bytes = sizeof(b->out),
                                 .observations_capacity = 64,
                                 .observations = b->observations,
                                 .refusals_capacity = 64,
                                 .refusals = b->refusals,
                                 .text_capacity_bytes = sizeof(b->text),
                                 .text = b->text,
                                 .messages = b->messages};
    return b;
}

static void bench_close(struct bench *b)
{
    b->decoder->close(b->state);
    free(b);
}

static void decode_bytes(struct bench *b, const char *bytes, uint32_t length)
{
    const struct tg_input input = {.bytes = (const uint8_t *)bytes,
                                   .length_bytes = length,
                                   .source_id = 5,
                                   .arrival_ns = ARRIVAL_NS};
    b->out.observations_count = b->out.refusals_count = b->out.text_bytes = 0;
    cr_assert_eq(b->decoder->decode(b->state, &input, 1, &b->out), 1);
}

static void decode(struct bench *b, const char *text)
{
    decode_bytes(b, text, (uint32_t)strlen(text));
}

/* The i-th of the texts of an observation: host, app, msgid, body. */
static const char *text_of(const struct bench *b, unsigned observation, unsigned i)
{
    const char *at = (const char *)b->text + b->observations[observation].text_offset;
    while (i-- > 0) {
        at += strlen(at) + 1;
    }
    return at;
}

Test(syslog, rfc5424_message_becomes_an_observation)
{
    /* If this fails, the fault of a node is put down to another node, time or interface. */
    struct bench *b = bench_open(NULL, NULL);
    decode(b, "<163>1 2026-12-02T16:31:03.5+01:00 pe-01 bgpd 77 ADJCHANGE "
              "[meta sequenceId=\"42\"][x@32473 if=\"ge-0/0/\\\"1\\\"\"] \xef\xbb\xbfpeer down\n");
    cr_assert_eq(b->out.refusals_count, 0);
    cr_assert_eq(b->out.observations_count, 1);
    const struct tg_observation *o = &b->observations[0];
    cr_expect_eq(o->facility, 20);
    cr_expect_eq(o->severity, 3);
    cr_expect_eq(o->event_ns, INT64_C(1796225463500000000));
    cr_expect_eq(o->arrival_ns, ARRIVAL_NS);
    cr_expect_eq(o->kind, TG_OBSERVATION_LOG);
    cr_expect_eq(o->source_id, 5);
    cr_expect_eq(o->sequence, 42);
    cr_expect_eq(o->qualifier, tg_key_name("ge-0/0/\"1\"", 10));
    cr_expect_str_eq(text_of(b, 0, 0), "pe-01");
    cr_expect_str_eq(text_of(b, 0, 1), "bgpd");
    cr_expect_str_eq(text_of(b, 0, 2), "ADJCHANGE");
    cr_expect_str_eq(text_of(b, 0, 3),
                     "[meta sequenceId=\"42\"][x@32473 if=\"ge-0/0/\\\"1\\\"\"] peer down");
    cr_expect_eq(o->text_bytes, b->out.text_bytes);
    cr_expect_eq(b->messages[0].export_ns, o->event_ns);
    cr_expect_eq(b->messages[0].records_count, 1);
    bench_close(b);
}

Test(syslog, nil_fields_are_empty_and_time_is_the_arrival)
{
    /* If this fails, a message without a clock falls out of the timeline. */
    struct bench *b = bench_open(NULL, NULL);
    decode(b, "<0>1 - - - - - -");
    cr_assert_eq(b->out.observations_count, 1);
    cr_expect_eq(b->observations[0].event_ns, ARRIVAL_NS);
    cr_expect_eq(b->observations[0].text_bytes, 4);
    cr_expect_eq(b->observations[0].qualifier, 0);
    bench_close(b);
}

Test(syslog, rfc3164_shapes_are_read)
{
    /* If this fails, older routers' messages lose their host, their program or their time. */
    static const struct {
        const char *message;
        const char *host;
        const char *app;
        const char *body;
        int64_t event_ns;
    } cases[] = {
        {"<13>Dec  2 16:31:03 host app: Test", "host", "app", "Test", ARRIVAL_NS - 7 * NS_PER_S},
        {"<13>Dec  2 16:31:03 host app[12]: Test", "host", "app", "Test",
         ARRIVAL_NS - 7 * NS_PER_S},
        {"<13>Dec 02 16:31:03 app: no host", "", "app", "no host", ARRIVAL_NS - 7 * NS_PER_S},
        {"<13>Dec  2 16:31:03.250 fe80::1 %LINK-3-UPDOWN: Gi0/1", "fe80::1", "%LINK-3-UPDOWN",
         "Gi0/1", ARRIVAL_NS - 7 * NS_PER_S + 250000000},
        {"<13>Dec  2 16:31:03 host no tag here", "host", "", "no tag here",
         ARRIVAL_NS - 7 * NS_PER_S},
        {"<13>2026-12-02T17:31:03+01:00 host app: rsyslog", "host", "app", "rsyslog",
         ARRIVAL_NS - 7 * NS_PER_S},
        {"<13>123: *Mar  1 18:46:11: %SYS-5-CONFIG_I: x", "", "",
         "123: *Mar  1 18:46:11: %SYS-5-CONFIG_I: x", ARRIVAL_NS},
        {"<13>just text", "", "", "just text", ARRIVAL_NS},
        {"<13>Dec  2 16:31:03 lonely", "", "", "lonely", ARRIVAL_NS - 7 * NS_PER_S},
    };
    struct bench *b = bench_open(NULL, NULL);
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        decode(b, cases[i].message);
        cr_assert_eq(b->out.observations_count, 1, "%s", cases[i].message);
        cr_expect_str_eq(text_of(b, 0, 0), cases[i].host, "%s", cases[i].message);
        cr_expect_str_eq(text_of(b, 0, 1), cases[i].app, "%s", cases[i].message);
        cr_expect_str_eq(text_of(b, 0, 3), cases[i].body, "%s", cases[i].message);
        cr_expect_eq(b->observations[0].event_ns, cases[i].event_ns, "%s", cases[i].message);
    }
    bench_close(b);
}

Test(syslog, rfc3164_year_is_the_nearest_and_zone_is_the_setting)
{
    /* If this fails, a message of New Year's Eve lies a year away from the outage it explains. */
    static const struct {
        const char *message;
        int64_t arrival_ns;
        int64_t event_ns;
    } cases[] = {
        {"<13>Dec 31 23:59:59 h a: x", INT64_C(1798761605000000000), /* 2027-01-01T00:00:05Z */
         INT64_C(1798754399000000000)},                              /* 21:59:59Z, 2026 */
        {"<13>Jan  1 01:59:59 h a: x", INT64_C(1798761590000000000), /* 2026-12-31T23:59:50Z */
         INT64_C(1798761599000000000)},                              /* 23:59:59Z, 2026 */
        {"<13>Jan  1 01:59:59 h a: x", INT64_C(1830297590000000000), /* 2027-12-31T23:59:50Z */
         INT64_C(1830297599000000000)},                              /* 23:59:59Z, 2027 */
        {"<13>Feb 29 12:00:00 h a: x", INT64_C(1709280000000000000), /* 2024-03-01T08:00Z */
         INT64_C(1709200800000000000)},                              /* 2024-02-29T10:00Z */
    };
    struct bench *b = bench_open("utc_offset", "+02:00");
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct tg_input input = {.bytes = (const uint8_t *)cases[i].message,
                                       .length_bytes = (uint32_t)strlen(cases[i].message),
                                       .arrival_ns = cases[i].arrival_ns};
        b->out.observations_count = 0;
        b->decoder->decode(b->state, &input, 1, &b->out);
        cr_expect_eq(b->observations[0].event_ns, cases[i].event_ns, "%s", cases[i].message);
    }
    bench_close(b);
}

Test(syslog, each_fault_is_refused_with_its_reason_and_offset)
{
    /* If this fails, a broken message is guessed at, or is gone without a trace. */
    static const struct {
        const char *message;
        int reason;
        const char *field;
        uint32_t offset;
    } cases[] = {
        {"no pri", TG_E_DECODE_SYNTAX, "pri", 0},
        {"<", TG_E_TRUNCATED, "pri", 0},
        {"<13", TG_E_TRUNCATED, "pri", 0},
        {"<>x", TG_E_DECODE_SYNTAX, "pri", 0},
        {"<192>1 - - - - - -", TG_E_DECODE_SYNTAX, "pri", 0},
        {"<013>1 - - - - - -", TG_E_DECODE_SYNTAX, "pri", 0},
        {"<1234>1 - - - - - -", TG_E_DECODE_SYNTAX, "pri", 0},
        {"<1>0 - - - - - -", TG_E_VERSION, "version", 3},
        {"<1>1000 - - - - - -", TG_E_VERSION, "version", 3},
        {"<1>2", TG_E_TRUNCATED, "version", 4},
        {"<1>1 yesterday h a p m - x", TG_E_BAD_TIMESTAMP, "timestamp", 5},
        {"<1>1 2026-02-29T00:00:00Z h a p m - x", TG_E_BAD_TIMESTAMP, "timestamp", 5},
        {"<1>1 2026-02-28T24:00:00Z h a p m - x", TG_E_BAD_TIMESTAMP, "timestamp", 5},
        {"<1>1 - h", TG_E_TRUNCATED, "hostname", 8},
        {"<1>1 -  h a p m -", TG_E_DECODE_SYNTAX, "hostname", 7},
        {"<1>1 - h\x01 a p m -", TG_E_DECODE_SYNTAX, "hostname", 8},
        {"<1>1 - h 0123456789012345678901234567890123456789012345678 p m -", TG_E_LENGTH,
         "app-name", 9},
        {"<1>1 - h a p 012345678901234567890123456789012 -", TG_E_LENGTH, "msgid", 13},
        {"<1>1 - h a p m ", TG_E_TRUNCATED, "structured-data", 15},
        {"<1>1 - h a p m x", TG_E_DECODE_SYNTAX, "structured-data", 15},
        {"<1>1 - h a p m [", TG_E_TRUNCATED, "structured-data", 16},
        {"<1>1 - h a p m []", TG_E_DECODE_SYNTAX, "structured-data", 16},
        {"<1>1 - h a p m [a b]", TG_E_DECODE_SYNTAX, "structured-data", 19},
        {"<1>1 - h a p m [a b=\"c]", TG_E_TRUNCATED, "structured-data", 23},
        {"<1>1 - h a p m [a b=\"c\"", TG_E_TRUNCATED, "structured-data", 23},
        {"<1>1 - h a p m [a b=\"c\"]x", TG_E_DECODE_SYNTAX, "structured-data", 24},
        {"<1>1 - h a p m [012345678901234567890123456789012]", TG_E_LENGTH, "structured-data", 16},
        {"<13>Feb 30 16:31:03 host app: Test", TG_E_BAD_TIMESTAMP, "timestamp", 4},
        {"<13>2026-13-02T16:31:03Z host app: Test", TG_E_BAD_TIMESTAMP, "timestamp", 4},
    };
    struct bench *b = bench_open(NULL, NULL);
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        decode(b, cases[i].message);
        cr_expect_eq(b->out.observations_count, 0, "%s", cases[i].message);
        cr_assert_eq(b->out.refusals_count, 1, "%s", cases[i].message);
        cr_expect_eq(b->refusals[0].reason, cases[i].reason, "%s: %d", cases[i].message,
                     b->refusals[0].reason);
        cr_expect_str_eq(b->refusals[0].field, cases[i].field, "%s: %s", cases[i].message,
                         b->refusals[0].field);
        cr_expect_eq(b->messages[0].error_offset, cases[i].offset, "%s: %u", cases[i].message,
                     b->messages[0].error_offset);
        cr_expect_eq(b->messages[0].verdict, cases[i].reason);
        cr_expect_eq(b->refusals[0].length_bytes, strlen(cases[i].message));
    }
    bench_close(b);
}

Test(syslog, version_setting_refuses_what_no_standard_defines)
{
    /* If this fails, the strict setting is a decoration. */
    struct bench *b = bench_open("version", "1");
    decode(b, "<1>3 - - - - - - A");
    cr_expect_eq(b->messages[0].verdict, TG_E_VERSION);
    decode(b, "<1>1 - - - - - - A");
    cr_expect_eq(b->messages[0].verdict, TG_OK);
    bench_close(b);
}

Test(syslog, octet_counting_takes_newlines_and_stops_at_a_broken_count)
{
    /* If this fails, one bad count turns the rest of a stream into invented messages. */
    struct bench *b = bench_open("framing", "octet-counting");
    decode(b, "28 <1>3 - - - - - - hello\nworld\n16 <1>1 - - - - - -20 <1>1 - - - - - - c");
    cr_assert_eq(b->out.observations_count, 2);
    cr_expect_str_eq(text_of(b, 0, 3), "hello\nworld");
    cr_assert_eq(b->out.refusals_count, 1);
    cr_expect_eq(b->refusals[0].reason, TG_E_TRUNCATED);
    cr_expect_eq(b->refusals[0].offset_bytes, 51);
    static const char *const bad[] = {"x <1>1 - - - - - -", "016 <1>1 - - - - - -",
                                      "16<1>1 - - - - - -", "12345678 <1>1 - - - - - -"};
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        decode(b, bad[i]);
        cr_assert_eq(b->out.refusals_count, 1, "%s", bad[i]);
        cr_expect_eq(b->refusals[0].reason, TG_E_DECODE_SYNTAX, "%s", bad[i]);
        cr_expect_eq(b->refusals[0].length_bytes, strlen(bad[i]), "%s", bad[i]);
        cr_expect_eq(b->out.observations_count, 0);
    }
    bench_close(b);
}

Test(syslog, newline_framing_refuses_one_line_and_goes_on)
{
    /* If this fails, one bad line of a log file hides the outage on the next. */
    struct bench *b = bench_open("framing", "newline");
    decode(b, "<13>one\r\n\nbad\n<13>two");
    cr_assert_eq(b->out.observations_count, 2);
    cr_expect_str_eq(text_of(b, 0, 3), "one");
    cr_expect_str_eq(text_of(b, 1, 3), "two");
    cr_assert_eq(b->out.refusals_count, 1);
    cr_expect_eq(b->refusals[0].offset_bytes, 10);
    cr_expect_eq(b->refusals[0].length_bytes, 3);
    cr_expect_eq(b->messages[0].verdict, TG_OK);
    cr_expect_eq(b->messages[0].records_count, 2);
    bench_close(b);
}

Test(syslog, full_output_goes_on_where_it_stopped)
{
    /* If this fails, a long file loses messages or reports them twice. */
    struct bench *b = bench_open("framing", "newline");
    static const char text[] = "<13>a\n<13>b\nbad\n<13>c\nworse\n<13>d\n";
    const struct tg_input input = {
        .bytes = (const uint8_t *)text, .length_bytes = sizeof(text) - 1, .arrival_ns = ARRIVAL_NS};
    char seen[8] = "";
    unsigned refused = 0;
    unsigned calls = 0;
    uint32_t done = 0;
    b->out.observations_capacity = 1;
    b->out.refusals_capacity = 1;
    while (done == 0 && calls < 20) {
        b->out.observations_count = b->out.refusals_count = b->out.text_bytes = 0;
        done = b->decoder->decode(b->state, &input, 1, &b->out);
        if (b->out.observations_count > 0) {
            strncat(seen, text_of(b, 0, 3), 1);
        }
        refused += b->out.refusals_count;
        calls++;
    }
    cr_expect_eq(done, 1);
    cr_expect_str_eq(seen, "abcd");
    cr_expect_eq(refused, 2);
    cr_expect_eq(b->messages[0].records_count, 4);
    bench_close(b);
}

Test(syslog, nul_octets_in_the_body_do_not_end_the_text)
{
    /* If this fails, a sender hides the end of a message from the health rules. */
    struct bench *b = bench_open(NULL, NULL);
    decode_bytes(b, "<13>a\0b\0\0", 9);
    cr_expect_str_eq(text_of(b, 0, 3), "a b");
    bench_close(b);
}

Test(syslog, record_key_tells_senders_and_messages_apart)
{
    /* If this fails, the same complaint of two nodes counts once, or one counts twice. */
    struct bench *b = bench_open(NULL, NULL);
    decode(b, "<13>x");
    const uint64_t key = b->observations[0].record_key;
    decode(b, "<13>x");
    cr_expect_eq(b->observations[0].record_key, key);
    decode(b, "<13>y");
    cr_expect_neq(b->observations[0].record_key, key);
    struct tg_input other = {
        .bytes = (const uint8_t *)"<13>x", .length_bytes = 5, .arrival_ns = ARRIVAL_NS};
    other.from.address[15] = 1;
    b->out.observations_count = 0;
    b->decoder->decode(b->state, &other, 1, &b->out);
    cr_expect_neq(b->observations[0].record_key, key);
    bench_close(b);
}

Test(syslog, message_longer_than_the_text_field_is_refused)
{
    /* If this fails, a 16-bit length wraps and another message's text is shown. */
    struct bench *b = bench_open("framing", "newline");
    char *text = malloc(65600);
    memset(text, 'x', 65600);
    memcpy(text, "<13>", 4);
    decode_bytes(b, text, 65600);
    cr_expect_eq(b->out.observations_count, 0);
    cr_expect_eq(b->refusals[0].reason, TG_E_LENGTH);
    decode_bytes(b, text, 65535);
    cr_expect_eq(b->out.observations_count, 1);
    cr_expect_eq(b->observations[0].text_bytes, 65535);
    free(text);
    bench_close(b);
}

Test(syslog, settings_that_mean_nothing_are_refused)
{
    /* If this fails, a mistyped setting leaves the default in force and nobody knows. */
    static const struct tg_setting cases[] = {
        {"framing", "lines", NULL, 0, 0}, {"utc_offset", "CET", NULL, 0, 0},
        {"utc_offset", "", NULL, 0, 0},   {"version", "2", NULL, 0, 0},
        {"frame", "newline", NULL, 0, 0}, {"utc_offset", "+01:00x", NULL, 0, 0},
    };
    const struct tg_decoder *decoder = tg_plugin_entry_syslog.contract;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct tg_decoder_config config = {sizeof(config), 1, &cases[i], 1};
        struct tg_complaint why = {"", 9};
        void *state = &why;
        cr_expect_eq(decoder->open(&config, &state, &why), TG_E_INVALID, "case %u", i);
        cr_expect_null(state);
        cr_expect_eq(why.setting_index, 0);
    }
    decoder->close(NULL);
    cr_expect(decoder->probe((const uint8_t *)"<13>x", 5));
    cr_expect_not(decoder->probe((const uint8_t *)"\0\5", 2));
}
