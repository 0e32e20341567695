/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Unit tests of the CSV decoder: maps, quoting, values, every refusal, resuming, state.
 */
#include "abi/decoder.h"
#include "abi/key.h"

#include <criterion/criterion.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct tg_plugin tg_plugin_entry_csv;

#define SETTINGS_MAX 24

struct bench {
    const struct tg_decoder *decoder;
    void *state;
    struct tg_decoded out;
    struct tg_usage rows[256];
    uint32_t rows_input[256];
    struct tg_refusal refusals[64];
    struct tg_message messages[4];
    struct tg_field fields[64];
};

/* settings: "key=value" lines. */
static uint32_t split_settings(char *text, struct tg_setting *settings)
{
    uint32_t count = 0;
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        char *equals = strchr(line, '=');
        *equals = '\0';
        settings[count++] = (struct tg_setting){line, equals + 1, NULL, 0, 0};
    }
    return count;
}

static enum tg_err try_open(const char *text, void **state, struct tg_complaint *why)
{
    struct tg_setting settings[SETTINGS_MAX];
    char copy[2048];
    snprintf(copy, sizeof(copy), "%s", text);
    const struct tg_decoder_config config = {sizeof(config), split_settings(copy, settings),
                                             settings, 1};
    const struct tg_decoder *decoder = tg_plugin_entry_csv.contract;
    return decoder->open(&config, state, why);
}

static struct bench *bench_open(const char *text)
{
    struct bench *b = calloc(1, sizeof(*b));
    struct tg_complaint why;
    b->decoder = tg_plugin_entry_csv.contract;
    cr_assert_eq(try_open(text, &b->state, &why), TG_OK, "%s", why.text);
    b->out = (struct tg_decoded){.size_bytes = sizeof(b->out),
                                 .rows_capacity = 256,
                                 .rows = b->rows,
                                 .rows_input = b->rows_input,
                                 .refusals_capacity = 64,
                                 .refusals = b->refusals,
                                 .messages = b->messages};
    return b;
}

static void bench_close(struct bench *b)
{
    b->decoder->close(b->state);
    free(b);
}

static struct tg_input input_of(const char *text)
{
    return (struct tg_input){.bytes = (const uint8_t *)text,
                             .length_bytes = (uint32_t)strlen(text),
                             .source_id = 4,
                             .arrival_ns = INT64_C(1700000000000000000),
                             .file_key = 99,
                             .first_line = 1};
}

static void decode(struct bench *b, const char *text)
{
    const struct tg_input input = input_of(text);
    b->out.rows_count = b->out.refusals_count = b->out.fields_count = 0;
    cr_assert_eq(b->decoder->decode(b->state, &input, 1, &b->out), 1);
}

static uint64_t digits(const char *text)
{
    uint64_t key = 0;
    cr_assert(tg_digits_pack(text, strlen(text), &key));
    return key;
}

#define HEAD "id,caller,called,start,duration_s,cause\n"

Test(csv, default_map_reads_a_voice_record)
{
    /* If this fails, the simplest CDR file there is is billed wrong. */
    struct bench *b = bench_open("");
    decode(b, HEAD "c1,+491701234567,0044205550100,2026-11-23T06:10:00.5+01:00,61.2345,4\r\n");
    cr_assert_eq(b->out.refusals_count, 0, "%d %s", b->refusals[0].reason, b->refusals[0].field);
    cr_assert_eq(b->out.rows_count, 1);
    const struct tg_usage *row = &b->rows[0];
    cr_expect_eq(row->subscriber_key, digits("491701234567"));
    cr_expect_eq(row->peer_key, digits("44205550100"));
    cr_expect_eq(row->key_kinds, tg_key_kinds(TG_KEY_E164, TG_KEY_E164));
    cr_expect_eq(row->start_ns, INT64_C(1795410600500000000));
    cr_expect_eq(row->duration_ms, 61235, "rounded half up, once");
    cr_expect_eq(row->service, TG_SERVICE_VOICE);
    cr_expect_eq(row->closing_cause, 4);
    cr_expect_eq(row->sequence, 2);
    cr_expect_eq(row->source_id, 4);
    cr_expect_eq(row->flags, 0);
    cr_expect_eq(b->messages[0].records_count, 1);
    cr_expect_eq(b->messages[0].flags, TG_MESSAGE_CHANGED_STATE);
    bench_close(b);
}

Test(csv, quotes_follow_rfc4180)
{
    /* If this fails, a comma in a name shifts the called number into the duration. */
    struct bench *b = bench_open("header=no\nsubscriber=name\ncolumns.caller=1\ncolumns.called=2\n"
                                 "columns.start=3\ncolumns.duration=4\ntime_format=unix");
    decode(b, "\"Doe, \"\"Joe\"\"\" , \"44 (20) 5550100\",\"1700000000\",5\r\n"
              "\"two\nlines\",442,1700000000.25,\"6\"");
    cr_assert_eq(b->out.rows_count, 2, "%d %s", b->refusals[0].reason, b->refusals[0].field);
    cr_expect_eq(b->rows[0].subscriber_key, tg_key_name("Doe, \"Joe\"", 10));
    cr_expect_eq(b->rows[0].peer_key, digits("44205550100"));
    cr_expect_eq(b->rows[0].duration_ms, 5000);
    cr_expect_eq(b->rows[1].subscriber_key, tg_key_name("two\nlines", 9));
    cr_expect_eq(b->rows[1].start_ns, INT64_C(1700000000250000000));
    cr_expect_eq(b->rows[1].sequence, 2);
    bench_close(b);
}

Test(csv, stray_quote_costs_one_line)
{
    /* If this fails, one quote in one record swallows the rest of the file. */
    struct bench *b = bench_open("header=no\nsubscriber=name\ncolumns.caller=1\ncolumns.called=2\n"
                                 "columns.start=3\ncolumns.duration=4\ntime_format=unix");
    decode(b, "a,441,1700000000,1\n\"b,441,1700000000,2\nc,441,1700000000,3\n");
    cr_expect_eq(b->out.rows_count, 2);
    cr_assert_eq(b->out.refusals_count, 1);
    cr_expect_eq(b->refusals[0].reason, TG_E_TRUNCATED);
    cr_expect_eq(b->refusals[0].offset_bytes, 19);
    cr_expect_eq(b->refusals[0].length_bytes, 19);
    cr_expect_eq(b->rows[1].sequence, 3);
    decode(b, "\"b,441,1700000000,2\n\"c\",441,1700000000,3\n");
    cr_expect_eq(b->out.rows_count, 1);
    cr_expect_eq(b->refusals[0].reason, TG_E_DECODE_SYNTAX);
    cr_expect_eq(b->rows[0].subscriber_key, tg_key_name("c", 1));
    bench_close(b);
}

Test(csv, each_bad_line_is_refused_with_reason_offset_and_field)
{
    /* If this fails, a wrong line is billed, or is gone without a trace, or takes others with it.
     */
    static const struct {
        const char *line;
        int reason;
        const char *field;
    } cases[] = {
        {"c1,4917,4420,2026-11-23T06:10:00Z,60", TG_E_COUNT, "columns"},
        {"c1,4917,4420,2026-11-23T06:10:00Z,60,0,7", TG_E_COUNT, "columns"},
        {",4917,4420,2026-11-23T06:10:00Z,60,0", TG_E_MISSING_FIELD, "record_id"},
        {"c1,,4420,2026-11-23T06:10:00Z,60,0", TG_E_MISSING_FIELD, "caller"},
        {"c1,4917,,2026-11-23T06:10:00Z,60,0", TG_E_MISSING_FIELD, "called"},
        {"c1,4917,4420,,60,0", TG_E_MISSING_FIELD, "start"},
        {"c1,4917,4420,2026-11-23T06:10:00Z,,0", TG_E_MISSING_FIELD, "duration"},
        {"c1,49a7,4420,2026-11-23T06:10:00Z,60,0", TG_E_BAD_NUMBER, "caller"},
        {"c1,4917,sip:x,2026-11-23T06:10:00Z,60,0", TG_E_BAD_NUMBER, "called"},
        {"c1,4917,1234567890123456,2026-11-23T06:10:00Z,60,0", TG_E_BAD_NUMBER, "called"},
        {"c1,4917,00,2026-11-23T06:10:00Z,60,0", TG_E_BAD_NUMBER, "called"},
        {"c1,4917,4420,23.11.2026,60,0", TG_E_BAD_TIMESTAMP, "start"},
        {"c1,4917,4420,2026-02-30T06:10:00Z,60,0", TG_E_BAD_TIMESTAMP, "start"},
        {"c1,4917,4420,2026-11-23T06:10:00Z,-60,0", TG_E_NEGATIVE_USAGE, "duration"},
        {"c1,4917,4420,2026-11-23T06:10:00Z,1h,0", TG_E_DECODE_SYNTAX, "duration"},
        {"c1,4917,4420,2026-11-23T06:10:00Z,60.,0", TG_E_DECODE_SYNTAX, "duration"},
        {"c1,4917,4420,2026-11-23T06:10:00Z,4294968,0", TG_E_OVERFLOW, "duration"},
        {"c1,4917,4420,2026-11-23T06:10:00Z,99999999999999999999999,0", TG_E_OVERFLOW, "duration"},
        {"c1,4917,4420,2026-11-23T06:10:00Z,60,256", TG_E_OVERFLOW, "cause"},
        {"c1,4917,4420,2026-11-23T06:10:00Z,60,ANSWER", TG_E_DECODE_SYNTAX, "cause"},
        {"c1,\"49\"17,4420,2026-11-23T06:10:00Z,60,0", TG_E_DECODE_SYNTAX, "quote"},
    };
    struct bench *b = bench_open("");
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[512];
        static const char good[] = "c9,4917,4420,2026-11-23T06:10:00Z,60,0";
        snprintf(text, sizeof(text), HEAD "%s\n%s\n%s\n", good, cases[i].line, good);
        decode(b, text);
        cr_expect_eq(b->out.rows_count, 2, "%s: its neighbours go on", cases[i].line);
        cr_assert_eq(b->out.refusals_count, 1, "%s", cases[i].line);
        cr_expect_eq(b->refusals[0].reason, cases[i].reason, "%s: %d", cases[i].line,
                     b->refusals[0].reason);
        cr_expect_str_eq(b->refusals[0].field, cases[i].field, "%s: %s", cases[i].line,
                         b->refusals[0].field);
        cr_expect_eq(b->refusals[0].offset_bytes, strlen(HEAD) + strlen(good) + 1);
        cr_expect_eq(b->refusals[0].length_bytes, strlen(cases[i].line));
        cr_expect_eq(b->messages[0].verdict, TG_OK);
    }
    bench_close(b);
}

Test(csv, header_that_lacks_a_column_refuses_the_file)
{
    /* If this fails, another file format is billed by a map that was not made for it. */
    struct bench *b = bench_open("");
    decode(b, "id,caller,start,duration_s\nc1,4917,2026-11-23T06:10:00Z,60\n");
    cr_expect_eq(b->out.rows_count, 0);
    cr_assert_eq(b->out.refusals_count, 2);
    cr_expect_eq(b->refusals[0].reason, TG_E_TEMPLATE);
    cr_expect_str_eq(b->refusals[0].field, "called");
    cr_expect_eq(b->refusals[1].reason, TG_E_TEMPLATE);
    decode(b, "Start,Called,Caller,Duration_S\n2026-11-23T06:10:00Z,4420,4917,60\n");
    cr_assert_eq(b->out.rows_count, 1, "order and case of a header do not matter, id is optional");
    cr_expect_eq(b->rows[0].subscriber_key, digits("4917"));
    bench_close(b);
}

Test(csv, later_chunks_use_the_header_also_after_a_restart)
{
    /* If this fails, a restart within a file suspends its rest or reads the wrong columns. */
    struct bench *b = bench_open("");
    static const char rest[] = "c2,4917,4420,2026-11-23T06:10:00Z,60,0\n";
    struct tg_input later = input_of(rest);
    later.offset_bytes = 1000;
    later.first_line = 12;
    b->decoder->decode(b->state, &later, 1, &b->out);
    cr_assert_eq(b->out.refusals_count, 1);
    cr_expect_eq(b->refusals[0].reason, TG_E_NO_TEMPLATE);
    decode(b, HEAD);
    b->out.rows_count = b->out.refusals_count = 0;
    b->decoder->decode(b->state, &later, 1, &b->out);
    cr_assert_eq(b->out.rows_count, 1);
    cr_expect_eq(b->rows[0].sequence, 12);
    cr_expect_eq(b->messages[0].flags, 0);
    uint8_t saved[4096];
    const size_t size = b->decoder->save(b->state, saved, sizeof(saved));
    cr_assert_leq(size, sizeof(saved));
    cr_expect_eq(b->decoder->save(b->state, saved, 3), size, "says what it needs");
    struct bench *again = bench_open("");
    cr_assert_eq(again->decoder->load(again->state, saved, size), TG_OK);
    again->decoder->decode(again->state, &later, 1, &again->out);
    cr_assert_eq(again->out.rows_count, 1);
    cr_expect_eq(memcmp(&again->rows[0], &b->rows[0], sizeof(b->rows[0])), 0);
    later.file_key = 100;
    again->out.rows_count = 0;
    again->decoder->decode(again->state, &later, 1, &again->out);
    cr_expect_eq(again->out.rows_count, 0, "another file's header does not serve");
    cr_expect_eq(again->decoder->load(again->state, saved, size - 1), TG_E_CORRUPT);
    cr_expect_eq(again->decoder->load(again->state, saved, 7), TG_E_FORMAT);
    saved[0] ^= 1;
    cr_expect_eq(again->decoder->load(again->state, saved, size), TG_E_FORMAT);
    bench_close(again);
    again = bench_open("number.country_code=49");
    saved[0] ^= 1;
    cr_expect_eq(again->decoder->load(again->state, saved, size), TG_E_FORMAT, "another map");
    bench_close(again);
    bench_close(b);
}

Test(csv, numbers_are_brought_to_e164)
{
    /* If this fails, national calls match foreign prefixes and are charged as international. */
    static const struct {
        const char *settings;
        const char *written;
        const char *wanted;
    } cases[] = {
        {"", "+34 798-400.122", "34798400122"},
        {"", "0034798400122", "34798400122"},
        {"", "034798", "034798"},
        {"number.country_code=34\n", "0798400122", "34798400122"},
        {"number.country_code=34\n", "34798400122", "34798400122"},
        {"number.country_code=34\nnumber.bare=national\n", "798400122", "34798400122"},
        {"number.country_code=49\nnumber.bare=national\n", "110", "49110"},
        {"number.country_code=49\nnumber.bare=national\nnumber.short_codes=110 118xx\n", "110",
         "110"},
        {"number.country_code=49\nnumber.bare=national\nnumber.short_codes=110 118xx\n", "11833",
         "11833"},
        {"number.country_code=49\nnumber.bare=national\nnumber.short_codes=110 118xx\n", "118330",
         "49118330"},
        {"number.country_code=49\nnumber.short_codes=110\n", "+110", "110"},
        {"number.country_code=49\nnumber.carrier_select=010xx 0100xx\n", "010130441123",
         "49441123"},
        {"number.country_code=49\nnumber.carrier_select=010xx 0100xx\n", "0100110041123", "41123"},
        {"number.country_code=49\nnumber.carrier_select=010xx\nnumber.short_codes=110\n",
         "01013110", "110"},
        {"number.country_code=49\nnumber.carrier_select=010xx\n", "01013", "491013"},
        {"number.country_code=34\nnumber.bare=national\n", "+44798400122", "44798400122"},
        {"number.country_code=1\nnumber.international_prefix=011\nnumber.national_prefix=1\n",
         "01144205550100", "44205550100"},
        {"number.country_code=1\nnumber.international_prefix=011\nnumber.national_prefix=1\n",
         "12125550100", "12125550100"},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[256];
        struct bench *b = bench_open(cases[i].settings);
        snprintf(text, sizeof(text), HEAD "x,12,%s,2026-11-23T06:10:00Z,1,0\n", cases[i].written);
        decode(b, text);
        cr_assert_eq(b->out.rows_count, 1, "%s %d", cases[i].written, b->refusals[0].reason);
        cr_expect_eq(b->rows[0].peer_key, digits(cases[i].wanted), "%s", cases[i].written);
        bench_close(b);
    }
}

Test(csv, numbers_follow_the_trunk_and_the_type_the_file_says)
{
    /* If this fails, calls over a trunk of another country or with bare national numbers get the
     * zone of a country they never reached. Worked by hand: plan of Germany, area 30; trunk tg7 of
     * France, where nothing but the area code 1 differs besides; msc2's tg1 of the NANP. */
    static const struct {
        const char *trunk;
        const char *type;
        const char *number;
        const char *wanted; /* NULL refused */
    } cases[] = {
        {"", "", "030123", "4930123"},
        {"", "unknown", "0044301", "44301"},
        {"", "international", "0044301", "0044301"},
        {"", "international", "44301", "44301"},
        {"", "NATIONAL", "301234", "49301234"},
        {"", "national", "+44301", "44301"},
        {"", "subscriber", "1234", "49301234"},
        {"", "4", "1234", "49301234"},
        {"", "abroad", "1234", NULL},
        {"TG7", "", "030123", "3330123"},
        {"tg7", "subscriber", "1234", "3311234"},
        {"tg7", "", "0044301", "44301"},
        {"msc2 tg1", "", "01144301", "44301"},
        {"msc2 tg1", "", "12125550001", "12125550001"},
        {"msc2 tg1", "national", "2125550001", "12125550001"},
        {"tg9", "", "030123", "4930123"}, /* not listed */
        {"bare", "national", "30123", NULL},
        {"bare", "", "30123", "30123"},
    };
    struct bench *b =
        bench_open("columns.record_id=id\ncolumns.caller=a\ncolumns.called=b\ncolumns.start=s\n"
                   "columns.duration=d\ncolumns.called_type=t\ncolumns.trunk=g\n"
                   "number_types.4=subscriber\ntrunks.tg7.country_code=33\n"
                   "number.country_code=49\nnumber.area_code=30\ntrunks.tg7.area_code=1\n"
                   "trunks.msc2 tg1.country_code=1\ntrunks.msc2 tg1.national_prefix=1\n"
                   "trunks.msc2 tg1.international_prefix=011\ntrunks.bare.country_code=\n");
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[256];
        snprintf(text, sizeof(text), "id,a,b,s,d,t,g\n%u,+4930,%s,2026-11-23T06:10:00Z,1,%s,%s\n",
                 i, cases[i].number, cases[i].type, cases[i].trunk);
        decode(b, text);
        if (cases[i].wanted == NULL) {
            cr_expect_eq(b->out.refusals_count, 1, "%u", i);
            continue;
        }
        cr_assert_eq(b->out.rows_count, 1, "%u: %s", i, b->refusals[0].field);
        cr_expect_eq(b->rows[0].peer_key, digits(cases[i].wanted), "%u", i);
    }
    bench_close(b);
}

Test(csv, amounts_are_taken_exactly_or_refused)
{
    /* If this fails, roaming charges are a power of ten off, or off by what somebody rounded:
     * 1.2345 euros are 1,234,500 of 10^-4 cents; TAP writes 12345 with TapDecimalPlaces 4. */
    static const struct {
        const char *amount;
        const char *decimals;
        int verdict;
        uint64_t wanted;
    } cases[] = {
        {"1.2345", "", TG_OK, 1234500},
        {"12345", "4", TG_OK, 1234500},
        {"12345", "0", TG_OK, 12345000000},
        {"7", "6", TG_OK, 7},
        {"70", "7", TG_OK, 7},
        {"7", "7", TG_E_DECODE_SYNTAX, 0},
        {"0.0000001", "", TG_E_DECODE_SYNTAX, 0},
        {"0.0000010", "", TG_OK, 1},
        {"1.5", "2", TG_E_DECODE_SYNTAX, 0},
        {"-1", "", TG_E_NEGATIVE_USAGE, 0},
        {"1..2", "", TG_E_DECODE_SYNTAX, 0},
        {".", "", TG_E_DECODE_SYNTAX, 0},
        {"281474976.710655", "", TG_OK, (UINT64_C(1) << 48) - 1},
        {"281474976.710656", "", TG_E_OVERFLOW, 0},
        {"99999999999999999999", "", TG_E_OVERFLOW, 0},
        {"1", "10", TG_E_OVERFLOW, 0},
    };
    struct bench *b = bench_open("columns.caller=a\ncolumns.start=s\nservice=event\n"
                                 "columns.amount=m\ncolumns.amount_decimals=n\n");
    char text[256];
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(text, sizeof(text), "a,s,m,n\n+4930,2026-11-23T06:10:00Z,%s,%s\n", cases[i].amount,
                 cases[i].decimals);
        decode(b, text);
        if (cases[i].verdict != TG_OK) {
            cr_assert_eq(b->out.refusals_count, 1, "%u", i);
            cr_expect_eq(b->refusals[0].reason, cases[i].verdict, "%u", i);
            continue;
        }
        cr_assert_eq(b->out.rows_count, 1, "%u", i);
        cr_expect_eq(b->rows[0].quantity_down, cases[i].wanted, "%u", i);
        cr_expect_eq(b->rows[0].flags & TG_USAGE_AMOUNT, TG_USAGE_AMOUNT, "%u", i);
    }
    decode(b, "a,s,m,n\n+4930,2026-11-23T06:10:00Z,,\n");
    cr_expect_eq(b->rows[0].flags & TG_USAGE_AMOUNT, 0, "a blank cell says nothing");
    bench_close(b);
    /* Yen have no minor unit, a file may have its decimals in the settings. */
    b = bench_open("columns.caller=a\ncolumns.start=s\nservice=event\ncolumns.amount=m\n"
                   "amount.minor=0\namount.decimals=3\n");
    decode(b, "a,s,m\n+4930,2026-11-23T06:10:00Z,1500\n");
    cr_expect_eq(b->rows[0].quantity_down, 15000);
    bench_close(b);
}

Test(csv, time_formats_are_read)
{
    /* If this fails, usage falls into another price band, or another month's bill. */
    static const struct {
        const char *format;
        const char *written;
        int64_t wanted_ns;
    } cases[] = {
        {"rfc3339", "2026-11-23 06:10:00", INT64_C(1795414200000000000)},
        {"rfc3339\nutc_offset=+01:00", "2026-11-23 06:10:00", INT64_C(1795410600000000000)},
        {"unix", "1795414200", INT64_C(1795414200000000000)},
        {"unix_ms", "1795414200123", INT64_C(1795414200123000000)},
        {"%Y-%m-%d %H:%M:%S", "2026-11-23 06:10:00", INT64_C(1795414200000000000)},
        {"%d/%b/%Y:%T %z", "23/Nov/2026:07:10:00 +0100", INT64_C(1795414200000000000)},
        {"%m/%d/%y %I:%M %p", "11/23/26 06:10 AM", INT64_C(1795414200000000000)},
        {"%m/%d/%y %I:%M %p", "11/23/26 12:10 AM", INT64_C(1795392600000000000)},
        {"%m/%d/%y %I:%M %p", "11/23/26 12:10 PM", INT64_C(1795435800000000000)},
        {"%F %T.%f", "2026-11-23 06:10:00.5", INT64_C(1795414200500000000)},
        {"%Y%m%d%H%M%S", "20261123061000", INT64_C(1795414200000000000)},
        {"%e.%m.%Y %H:%M%%", " 3.11.2026 06:10%", INT64_C(1793686200000000000)},
        {"%s", "1795414200", INT64_C(1795414200000000000)},
        {"unix", "12x", 0},
        {"unix", "99999999999", 0},
        {"unix_ms", "-1", 0},
        {"%Y-%m-%d", "2026-11-23 06", 0},
        {"%Y-%m-%d", "2026-11", 0},
        {"%Y-%m-%d %H", "2026-11-23 24", 0},
        {"%m/%d/%y %I:%M %p", "11/23/26 13:10 PM", 0},
        {"%m/%d/%y %I:%M %p", "11/23/26 03:10 XM", 0},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char settings[256];
        char text[256];
        snprintf(settings, sizeof(settings), "trim=no\ntime_format=%s", cases[i].format);
        struct bench *b = bench_open(settings);
        snprintf(text, sizeof(text), HEAD "x,1,2,%s,1,0\n", cases[i].written);
        decode(b, text);
        if (cases[i].wanted_ns == 0) {
            cr_assert_eq(b->out.refusals_count, 1, "%s", cases[i].written);
            cr_expect_eq(b->refusals[0].reason, TG_E_BAD_TIMESTAMP, "%s", cases[i].written);
        } else {
            cr_assert_eq(b->out.rows_count, 1, "%s", cases[i].written);
            cr_expect_eq(b->rows[0].start_ns, cases[i].wanted_ns, "%s", cases[i].written);
        }
        bench_close(b);
    }
}

Test(csv, duration_units_are_read)
{
    /* If this fails, a call is charged a thousand times too long or too short. */
    static const struct {
        const char *unit;
        const char *written;
        uint32_t wanted_ms;
    } cases[] = {{"s", "60", 60000},
                 {"s", "0.0004", 0},
                 {"s", "0.0005", 1},
                 {"ms", "1500", 1500},
                 {"us", "1500", 2},
                 {"hms", "1:02:03", 3723000},
                 {"hms", "02:03.5", 123500},
                 {"hms", "7", 7000},
                 {"s", "4294967.295", 4294967295},
                 {"hms", "100:00:00", 360000000}};
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char settings[64];
        char text[256];
        snprintf(settings, sizeof(settings), "duration_unit=%s", cases[i].unit);
        struct bench *b = bench_open(settings);
        snprintf(text, sizeof(text), HEAD "x,1,2,2026-11-23T06:10:00Z,%s,0\n", cases[i].written);
        decode(b, text);
        cr_assert_eq(b->out.rows_count, 1, "%s", cases[i].written);
        cr_expect_eq(b->rows[0].duration_ms, cases[i].wanted_ms, "%s %s: %u", cases[i].unit,
                     cases[i].written, b->rows[0].duration_ms);
        bench_close(b);
    }
}

Test(csv, services_directions_and_causes_are_translated)
{
    /* If this fails, an SMS is charged as a call, or the called party pays for the caller. */
    struct bench *b =
        bench_open("delimiter=;\ncolumns.record_id=a+b\ndelimiter=;\n"
                   "columns.caller=from\ncolumns.called=to\n"
                   "columns.start=day+time\ncolumns.duration=len\ncolumns.service=kind\n"
                   "columns.direction=dir\ncolumns.cause=why\ncolumns.octets_up=up\n"
                   "columns.octets_down=down\ncolumns.rating_group=rg\ncolumns.quantity=n\n"
                   "services.GPRS=data\nservices.TEXT=sms\ncauses.BUSY=4\ndirections.T=in\n"
                   "time_format=%d.%m.%Y %H:%M:%S");
    decode(b, "a;b;from;to;day;time;len;kind;dir;why;up;down;rg;n\n"
              "1;23;491;492;23.11.2026;06:10:00;5;call;out;;;;;\n"
              "12;3;491;492;23.11.2026;06:10:00;6;call;T;busy;;;;\n"
              "3;1;491;internet;23.11.2026;06:10:00;7;GPRS;out;17;1000;2000;42;\n"
              "4;1;491;492;23.11.2026;06:10:00;;TEXT;out;;;;;3\n"
              "5;1;491;492;23.11.2026;06:10:00;;fax;out;;;;;\n"
              "6;1;491;492;23.11.2026;06:10:00;;TEXT;up;;;;;1\n"
              "7;1;491;;23.11.2026;06:10:00;1;GPRS;out;;-5;1;;\n"
              "8;1;491;;23.11.2026;06:10:00;1;GPRS;out;;281474976710656;1;;\n");
    cr_assert_eq(b->out.rows_count, 4, "%d %s", b->refusals[0].reason, b->refusals[0].field);
    cr_expect_neq(b->rows[0].record_key, b->rows[1].record_key, "1,23 is not 12,3");
    cr_expect_eq(b->rows[0].start_ns, INT64_C(1795414200000000000));
    cr_expect_eq(b->rows[1].flags, TG_USAGE_INCOMING);
    cr_expect_eq(b->rows[1].subscriber_key, digits("492"));
    cr_expect_eq(b->rows[1].peer_key, digits("491"));
    cr_expect_eq(b->rows[1].closing_cause, 4);
    cr_expect_eq(b->rows[2].service, TG_SERVICE_DATA);
    cr_expect_eq(b->rows[2].peer_key, tg_key_name("internet", 8));
    cr_expect_eq(tg_usage_peer_kind(&b->rows[2]), TG_KEY_NAME);
    cr_expect_eq(b->rows[2].quantity_up, 1000);
    cr_expect_eq(b->rows[2].quantity_down, 2000);
    cr_expect_eq(b->rows[2].rating_group, 42);
    cr_expect_eq(b->rows[2].closing_cause, 17);
    cr_expect_eq(b->rows[3].service, TG_SERVICE_MESSAGE);
    cr_expect_eq(b->rows[3].quantity_up, 3);
    cr_assert_eq(b->out.refusals_count, 4);
    cr_expect_str_eq(b->refusals[0].field, "service");
    cr_expect_str_eq(b->refusals[1].field, "direction");
    cr_expect_eq(b->refusals[2].reason, TG_E_NEGATIVE_USAGE);
    cr_expect_eq(b->refusals[3].reason, TG_E_OVERFLOW);
    bench_close(b);
}

Test(csv, quantities_below_zero_are_taken_back_when_the_map_says_so)
{
    /* If this fails, a switch that sends corrections is charged for them a second time. */
    struct bench *b =
        bench_open("negative=reversal\ndelimiter=;\n"
                   "columns.caller=from\ncolumns.called=to\ncolumns.start=at\n"
                   "columns.duration=len\ncolumns.service=kind\ncolumns.octets_up=up\n"
                   "columns.octets_down=down\ncolumns.quantity=n\ncolumns.amount=eur");
    decode(b, "from;to;at;len;kind;up;down;n;eur\n"
              "491;492;2026-11-23T06:10:00Z;-5;voice;;;;\n"
              "491;492;2026-11-23T06:10:00Z;5;voice;;;;\n"
              "491;www;2026-11-23T06:10:00Z;0;data;-7;-8;;\n"
              "491;492;2026-11-23T06:10:00Z;;sms;;;-3;\n"
              "491;x;2026-11-23T06:10:00Z;;event;;;-1;-2.5\n"
              "491;www;2026-11-23T06:10:00Z;0;data;-7;8;;\n"
              "491;492;2026-11-23T06:10:00Z;--5;voice;;;;\n"
              "491;492;2026-11-23T06:10:00Z;-;voice;;;;\n");
    cr_assert_eq(b->out.rows_count, 5, "%d %s", b->refusals[0].reason, b->refusals[0].field);
    cr_expect(tg_usage_is_reversal(&b->rows[0]));
    cr_expect_eq(tg_usage_peer_kind(&b->rows[0]), TG_KEY_E164);
    cr_expect_eq(b->rows[0].duration_ms, 5000);
    cr_expect(!tg_usage_is_reversal(&b->rows[1]));
    cr_expect_neq(b->rows[0].record_key, b->rows[1].record_key);
    cr_expect(tg_usage_is_reversal(&b->rows[2]));
    cr_expect_eq(b->rows[2].quantity_up + b->rows[2].quantity_down, 15);
    cr_expect(tg_usage_is_reversal(&b->rows[3]));
    cr_expect_eq(b->rows[3].quantity_up, 3);
    cr_expect(tg_usage_is_reversal(&b->rows[4]));
    cr_expect_eq(b->rows[4].quantity_down, 2500000);
    cr_assert_eq(b->out.refusals_count, 3);
    cr_expect_eq(b->refusals[0].reason, TG_E_NEGATIVE_USAGE);
    cr_expect_str_eq(b->refusals[0].field, "octets_down");
    cr_expect_eq(b->refusals[1].reason, TG_E_NEGATIVE_USAGE);
    cr_expect_eq(b->refusals[2].reason, TG_E_DECODE_SYNTAX);
    bench_close(b);
}

Test(csv, a_call_says_where_it_was_routed)
{
    /* If this fails, a call to a ported number is priced as one to the network it has left. */
    struct bench *b = bench_open("columns.caller=from\ncolumns.called=to\ncolumns.start=at\n"
                                 "columns.duration=len\ncolumns.routed=lrn\ncolumns.service=kind\n"
                                 "columns.octets_down=down\nnumber.country_code=49");
    decode(b, "from,to,at,len,lrn,kind,down\n"
              "491,492,2026-11-23T06:10:00Z,5,+4917999,voice,\n"
              "491,492,2026-11-23T06:10:00Z,5,017999,voice,\n"
              "491,492,2026-11-23T06:10:00Z,5,,voice,\n"
              "491,www,2026-11-23T06:10:00Z,5,+4917999,data,8\n"
              "491,492,2026-11-23T06:10:00Z,5,281474976710656,voice,\n"
              "491,492,2026-11-23T06:10:00Z,5,D017,voice,\n");
    cr_assert_eq(b->out.rows_count, 4, "%d %s", b->refusals[0].reason, b->refusals[0].field);
    cr_expect_eq(b->rows[0].quantity_down, 4917999);
    cr_expect_eq(tg_digits_of_value(b->rows[0].quantity_down), digits("4917999"));
    cr_expect_eq(b->rows[0].peer_key, digits("492"));
    cr_expect_eq(b->rows[1].quantity_down, 4917999);
    cr_expect_eq(b->rows[2].quantity_down, 0);
    cr_expect_eq(b->rows[3].quantity_down, 8);
    cr_assert_eq(b->out.refusals_count, 2);
    cr_expect_eq(b->refusals[0].reason, TG_E_OVERFLOW);
    cr_expect_str_eq(b->refusals[0].field, "routed");
    cr_expect_eq(b->refusals[1].reason, TG_E_BAD_NUMBER);
    bench_close(b);
}

Test(csv, record_key_is_the_line_when_nothing_names_the_record)
{
    /* If this fails, a file that is sent twice under another name is billed twice. */
    struct bench *b = bench_open("header=no\ncolumns.caller=1\ncolumns.called=2\ncolumns.start=3\n"
                                 "columns.duration=4\ntime_format=unix");
    decode(b, "1,2,1700000000,1\n1,2,1700000000,1\r\n1,2,1700000000,2\n");
    cr_assert_eq(b->out.rows_count, 3);
    cr_expect_eq(b->rows[0].record_key, b->rows[1].record_key, "line ends are no content");
    cr_expect_neq(b->rows[0].record_key, b->rows[2].record_key);
    bench_close(b);
}

Test(csv, full_output_goes_on_where_it_stopped)
{
    /* If this fails, a file larger than a batch loses lines or bills them twice. */
    struct bench *b = bench_open("");
    const struct tg_input input = input_of(HEAD "1,4917,4420,2026-11-23T06:10:00Z,1,0\n"
                                                "2,4917,4420,2026-11-23T06:10:00Z,2,0\n"
                                                "bad\n"
                                                "\n"
                                                "3,4917,4420,2026-11-23T06:10:00Z,3,0\n");
    uint32_t total_ms = 0;
    uint32_t refused = 0;
    uint32_t sequence = 0;
    uint32_t done = 0;
    b->out.rows_capacity = 1;
    b->out.refusals_capacity = 1;
    for (unsigned calls = 0; done == 0 && calls < 20; calls++) {
        b->out.rows_count = b->out.refusals_count = 0;
        done = b->decoder->decode(b->state, &input, 1, &b->out);
        total_ms += b->out.rows_count > 0 ? b->rows[0].duration_ms : 0;
        sequence = b->out.rows_count > 0 ? b->rows[0].sequence : sequence;
        refused += b->out.refusals_count;
    }
    cr_expect_eq(done, 1);
    cr_expect_eq(total_ms, 6000);
    cr_expect_eq(refused, 1);
    cr_expect_eq(sequence, 6);
    cr_expect_eq(b->messages[0].records_count, 3);
    bench_close(b);
}

Test(csv, byte_order_mark_and_too_many_columns)
{
    /* If this fails, a file saved by a spreadsheet is refused, or a long line overruns memory. */
    struct bench *b = bench_open("");
    decode(b, "\xef\xbb\xbf" HEAD "1,4917,4420,2026-11-23T06:10:00Z,1,0\n");
    cr_expect_eq(b->out.rows_count, 1);
    decode(b, "\xef\xbb\xbf");
    cr_expect_eq(b->refusals[0].reason, TG_E_TRUNCATED);
    char text[600];
    memset(text, ',', sizeof(text));
    text[300] = '\n';
    text[301] = '\0';
    decode(b, text);
    cr_assert_eq(b->out.refusals_count, 1);
    cr_expect_eq(b->refusals[0].reason, TG_E_COUNT);
    cr_expect_eq(b->refusals[0].length_bytes, 300);
    bench_close(b);
    b = bench_open("header=no\nsubscriber=name\nservice=event\ncolumns.caller=1\ncolumns.start=2\n"
                   "time_format=unix");
    char *cell = malloc(2000);
    memset(cell, 'x', 2000);
    memcpy(cell + 1900, ",1\n", 4);
    decode(b, cell);
    cr_assert_eq(b->out.refusals_count, 1);
    cr_expect_eq(b->refusals[0].reason, TG_E_LENGTH);
    free(cell);
    bench_close(b);
}

Test(csv, fields_are_written_when_asked_for)
{
    /* If this fails, `tollgate decode` shows an operator columns under wrong names. */
    struct bench *b = bench_open("");
    b->out.fields = b->fields;
    b->out.fields_capacity = 64;
    decode(b, "id,caller,extra,called,start,duration_s\n1,4917,x,4420,2026-11-23T06:10:00Z,1\n");
    cr_assert_eq(b->out.fields_count, 6);
    cr_expect_str_eq(b->fields[0].name, "record_id");
    cr_expect_null(b->fields[2].name);
    cr_expect_str_eq(b->fields[3].name, "called");
    cr_expect_eq(b->fields[3].element, 4);
    cr_expect_eq(b->fields[3].length_bytes, 4);
    bench_close(b);
}

Test(csv, settings_that_make_no_sense_are_refused_at_open)
{
    /* If this fails, a mistyped map runs for a month before anybody misses the money. */
    static const char *const cases[] = {
        "colums.caller=1",
        "columns.callers=1",
        "columns.caller=",
        "columns.caller=a+",
        "columns.caller=0",
        "columns.caller=1+2+3+4+5",
        "columns.caller=257",
        "columns.caller=a",
        "delimiter=,,",
        "delimiter=\"",
        "header=maybe",
        "trim=maybe",
        "service=fax",
        "services.x=fax",
        "directions.x=up",
        "direction=up",
        "causes.x=256",
        "subscriber=auto",
        "called=imsi",
        "duration_unit=min",
        "utc_offset=CET",
        "time_format=%Y-%m",
        "time_format=%Y-%m-%d %Q",
        "number.country_code=+49",
        "number.country_code=12345678",
        "number.bare=maybe",
        "number.short_codes=11a",
        "number.short_codes=110  112",
        "number.short_codes=110 ",
        "number.carrier_select=xx",
        "trunks.tg1=49",
        "trunks.tg1.country_code=x",
        "trunks..country_code=49",
        "number_types.5=abroad",
        "amount.decimals=10",
        "amount.minor=5",
        "amount.minor=",
        "number.prefix=0",
        "header=no",
        "service=data",
        "header=no\ncolumns.caller=1\ncolumns.start=2\ncolumns.duration=3",
        "service=event\ndirection=in\ncolumns.caller=1\ncolumns.start=2",
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tg_complaint why = {"", 5};
        void *state = &why;
        const enum tg_err err = try_open(cases[i], &state, &why);
        if (strcmp(cases[i], "service=data") == 0) {
            cr_expect_eq(err, TG_OK, "duration alone is a meter for data too");
            ((const struct tg_decoder *)tg_plugin_entry_csv.contract)->close(state);
            continue;
        }
        cr_expect_eq(err, TG_E_INVALID, "%s", cases[i]);
        cr_expect_null(state, "%s", cases[i]);
        cr_expect_gt(strlen(why.text), 10, "%s", cases[i]);
    }
}

Test(csv, network_is_mcc_and_mnc_in_one_cell_or_two)
{
    /* If this fails, a call made abroad is priced as at home. */
    struct tg_row_network networks[256];
    struct bench *b = bench_open("columns.caller=a\ncolumns.called=b\ncolumns.start=t\n"
                                 "columns.duration=s\ncolumns.network=mcc+mnc");
    b->out.networks = networks;
    b->out.networks_capacity = 256;
    decode(b, "a,b,t,s,mcc,mnc\n"
              "491,492,2026-11-23T06:10:00Z,1,262,01\n"
              "491,492,2026-11-23T06:10:00Z,1,,\n"
              "491,492,2026-11-23T06:10:00Z,1,310410,\n"
              "491,492,2026-11-23T06:10:00Z,1,310-410,\n"
              "491,492,2026-11-23T06:10:00Z,1,26-201,\n"
              "491,492,2026-11-23T06:10:00Z,1,2620,\n"
              "491,492,2026-11-23T06:10:00Z,1,26201x,\n"
              "491,492,2026-11-23T06:10:00Z,1,2620112,\n");
    cr_assert_eq(b->out.rows_count, 4);
    cr_assert_eq(b->out.networks_count, 3);
    cr_expect_eq(networks[0].row_index, 0);
    cr_expect_eq(networks[0].plmn, 26201);
    cr_expect_eq(networks[1].row_index, 2);
    cr_expect_eq(networks[1].plmn, 1310410);
    cr_expect_eq(networks[2].plmn, 1310410);
    cr_assert_eq(b->out.refusals_count, 4);
    for (unsigned i = 0; i < 4; i++) {
        cr_expect_eq(b->refusals[i].reason, TG_E_BAD_NUMBER);
        cr_expect_str_eq(b->refusals[i].field, "network");
    }
    /* A caller built before networks were: its smaller struct is never written behind. */
    b->out.size_bytes = offsetof(struct tg_decoded, networks_capacity);
    b->out.networks_count = 0;
    decode(b, "a,b,t,s,mcc,mnc\n491,492,2026-11-23T06:10:00Z,1,262,01\n");
    cr_expect_eq(b->out.rows_count, 1);
    cr_expect_eq(b->out.networks_count, 0);
    bench_close(b);
}
