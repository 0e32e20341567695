/* SPDX-License-Identifier: Apache-2.0 */
/* Every packet, attribute, sender and setting that is refused, and with which reason. */
#include "radius_bench.h"

#include <criterion/criterion.h>
#include <string.h>

Test(radius_refusal, each_fault_of_the_packet_is_refused_with_its_reason)
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

Test(radius_refusal, each_fault_of_an_attribute_is_refused_with_its_reason)
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

Test(radius_refusal, each_missing_or_impossible_content_is_refused_and_answered)
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

Test(radius_refusal, settings_that_cannot_work_are_refused_at_open)
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

Test(radius_refusal, secret_is_the_longest_prefix_and_strangers_are_refused)
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
