/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/render.h"
#include "bill/reprint.h"
#include "doc/json.h"

#include "abi/tariff.h"
#include "abi/usage.h"
#include "base/clock.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static struct tg_bill_line lines[2];

static struct tg_bill_invoice sample(void)
{
    lines[0] = (struct tg_bill_line){.subscriber_id = "S-1",
                                     .product_id = "mobile \"M\"",
                                     .zone_id = "",
                                     .price_id = "",
                                     .unit_id = "",
                                     .amount_exact = 2129032258,
                                     .covered = 22,
                                     .covered_total = 31,
                                     .fee = 3000000000};
    lines[1] = (struct tg_bill_line){.subscriber_id = "S-1",
                                     .product_id = "mobile \"M\"",
                                     .zone_id = "de",
                                     .price_id = "voice-de",
                                     .unit_id = "second",
                                     .amount_exact = 12345,
                                     .rows_count = 3,
                                     .units = 3723000,
                                     .billed_units = 4000,
                                     .allowance_units = 1000,
                                     .service = TG_SERVICE_VOICE,
                                     .kind = TG_BILL_LINE_USAGE};
    struct tg_bill_invoice invoice = {.account_id = "A-1",
                                      .account_name = "Example\nGmbH",
                                      .currency = tg_currency_by_code("EUR"),
                                      .period_start_ns = INT64_C(1790812800) * TG_NS_PER_S,
                                      .period_end_ns = INT64_C(1793491200) * TG_NS_PER_S,
                                      .issued_ns = INT64_C(1793491200) * TG_NS_PER_S,
                                      .lines = lines,
                                      .lines_count = 2,
                                      .id = "B-2026-10-A-1",
                                      .is_issued = true,
                                      .number = "INV-2026-00000001"};
    (void)tg_bill_invoice_tax(&invoice, "vat", 190000, TG_ROUND_HALF_UP);
    return invoice;
}

static struct tg_bill_invoice computed(void)
{
    static __int128 exact[2];
    static int64_t weights[2];
    static int64_t parts[2];
    static uint32_t rows[2];
    static struct tg_bill_fraction fractions[2];
    const struct tg_bill_scratch scratch = {2, 0, exact, weights, parts, rows, fractions};
    struct tg_bill_invoice invoice = sample();
    cr_assert_eq(tg_bill_invoice_compute(&invoice, &scratch, NULL), TG_OK);
    return invoice;
}

/* Otherwise BSS systems cannot read the bill, or read another amount than was computed. */
Test(render, json_is_a_customer_bill_with_exact_decimals)
{
    static char bytes[65536];
    const struct tg_bill_invoice invoice = computed();
    struct tg_bill_text text = tg_bill_text(bytes, sizeof bytes);
    tg_bill_render_json(&invoice, &text, NULL);
    cr_assert_not(text.is_full);
    json_error_t error;
    json_t *bill = json_loads(bytes, JSON_REJECT_DUPLICATES, &error);
    cr_assert_not_null(bill, "%s in %s", error.text, bytes);
    cr_expect_str_eq(json_string_value(json_object_get(bill, "billNo")), "INV-2026-00000001");
    cr_expect_str_eq(json_string_value(json_object_get(bill, "@type")), "CustomerBill");
    cr_expect_str_eq(
        json_string_value(json_object_get(json_object_get(bill, "billingAccount"), "name")),
        "Example\nGmbH");
    cr_expect_eq(json_array_size(json_object_get(bill, "x_line")), 2);
    cr_expect(strstr(bytes, "\"taxExcludedAmount\":{\"unit\":\"EUR\",\"value\":21.29}") != NULL);
    cr_expect(strstr(bytes, "\"amountDue\":{\"unit\":\"EUR\",\"value\":25.34}") != NULL);
    cr_expect(strstr(bytes, "\"taxRate\":19,") != NULL);
    cr_expect(strstr(bytes, "\"x_exactAmount\":\"21.29032258\"") != NULL);
    cr_expect(strstr(bytes, "\"startDateTime\":\"2026-10-01T00:00:00Z\"") != NULL);
    json_decref(bill);
    for (uint32_t i = 0; i < 2; i++) {
        text = tg_bill_text(bytes, sizeof bytes);
        tg_bill_render_rate(&invoice, i, NULL, 0, &text);
        json_t *rate = json_loads(bytes, JSON_REJECT_DUPLICATES, &error);
        cr_assert_not_null(rate, "%s in %s", error.text, bytes);
        cr_expect_str_eq(json_string_value(json_object_get(rate, "id")),
                         i == 0 ? "B-2026-10-A-1-0001" : "B-2026-10-A-1-0002");
        json_decref(rate);
    }
}

/* Otherwise a person cannot check the bill: the columns and sums are the product. */
Test(render, text_has_aligned_columns_and_all_sums)
{
    static char bytes[65536];
    const struct tg_bill_invoice invoice = computed();
    struct tg_bill_text text = tg_bill_text(bytes, sizeof bytes);
    tg_bill_render_text(&invoice, &text);
    cr_assert_not(text.is_full);
    static const char *const wanted[] = {"INVOICE INV-2026-00000001",
                                         "2026-10-01 to 2026-10-31",
                                         "22/31 days",
                                         "1:02:03",
                                         "25.0 %",
                                         "vat 19 % on 21.29",
                                         "        4.05\n",
                                         "       25.34\n"};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        cr_expect(strstr(bytes, wanted[i]) != NULL, "'%s' is missing in\n%s", wanted[i], bytes);
    }
}

/* Otherwise what a person reads of a stored bill is not what the bill says. */
Test(render, a_stored_bill_prints_as_the_invoice_did)
{
    static char bytes[65536];
    static char direct[65536];
    static char again[65536];
    const uint8_t kinds[] = {TG_BILL_LINE_RECURRING, TG_BILL_LINE_ONE_OFF, TG_BILL_LINE_DISCOUNT,
                             TG_BILL_LINE_MINIMUM,   TG_BILL_LINE_MAXIMUM, TG_BILL_LINE_CREDIT};
    for (size_t i = 0; i < sizeof kinds * 3; i++) {
        struct tg_bill_invoice invoice = computed();
        invoice.document = (uint8_t)(i % 3);
        invoice.reference_id = "B-2026-09-A-1";
        invoice.reference_number = "INV-2026-00000000";
        invoice.reason = "good \"will\"";
        invoice.is_issued = i % 2 == 0;
        invoice.lines[0].kind = kinds[i / 3];
        invoice.lines[0].title = i % 2 == 0 ? "A title" : "";
        invoice.lines[0].from_ns = i % 4 == 0 ? invoice.period_start_ns + TG_NS_PER_DAY : 0;
        invoice.lines[0].to_ns = i % 4 == 0 ? invoice.period_end_ns : 0;
        invoice.lines[1].kind = i % 5 == 0 ? TG_BILL_LINE_LATE : TG_BILL_LINE_USAGE;
        if (!invoice.is_issued) {
            invoice.number[0] = '\0';
        }
        struct tg_bill_text text = tg_bill_text(bytes, sizeof bytes);
        tg_bill_render_json(&invoice, &text, NULL);
        struct tg_json *json = NULL;
        cr_assert_eq(tg_json_parse(bytes, text.length_bytes, &json, NULL), TG_OK);
        text = tg_bill_text(direct, sizeof direct);
        tg_bill_render_text(&invoice, &text);
        text = tg_bill_text(again, sizeof again);
        cr_assert_eq(tg_bill_reprint(json, &text, NULL), TG_OK);
        cr_expect_str_eq(again, direct);
        tg_json_free(json);
    }
    struct tg_json *empty = NULL;
    struct tg_bill_text text = tg_bill_text(again, sizeof again);
    cr_assert_eq(tg_json_parse("{}", 2, &empty, NULL), TG_OK);
    cr_expect_eq(tg_bill_reprint(empty, &text, NULL), TG_E_CORRUPT);
    tg_json_free(empty);
}

/* Otherwise a text that did not fit is taken for a whole invoice. */
Test(render, a_text_that_does_not_fit_says_so_at_every_length)
{
    static char bytes[65536];
    static char small[65536];
    const struct tg_bill_invoice invoice = computed();
    struct tg_bill_text text = tg_bill_text(bytes, sizeof bytes);
    tg_bill_render_json(&invoice, &text, NULL);
    for (size_t room = 1; room <= text.length_bytes; room += 7) {
        struct tg_bill_text tight = tg_bill_text(small, room);
        tg_bill_render_json(&invoice, &tight, NULL);
        cr_assert(tight.is_full, "room %zu", room);
        cr_assert(strlen(small) < room);
    }
}

/* Otherwise an amount is printed with a lost digit or sign. */
Test(text, money_and_strings_are_exact)
{
    struct row {
        int64_t amount;
        uint8_t scale;
        uint8_t minor;
        const char *wanted;
    };
    static const struct row rows[] = {
        {0, 2, 2, "0.00"},
        {-5, 2, 2, "-0.05"},
        {1234, 2, 2, "12.34"},
        {123400000, 8, 2, "1.234"},
        {100000000, 8, 2, "1.00"},
        {7, 0, 0, "7"},
        {190000, 4, 0, "19"},
        {77000, 4, 0, "7.7"},
        {INT64_MIN, 0, 0, "-9223372036854775808"},
        {1, 18, 0, "0.000000000000000001"},
    };
    char bytes[128];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tg_bill_text text = tg_bill_text(bytes, sizeof bytes);
        tg_bill_text_money(&text, rows[i].amount, rows[i].scale, rows[i].minor);
        cr_expect_str_eq(bytes, rows[i].wanted);
    }
    struct tg_bill_text text = tg_bill_text(bytes, sizeof bytes);
    tg_bill_text_quote(&text, "a\"\\\n\x01\xc3\xa9\xff\xc0\xaf\xed\xa0\x80");
    cr_expect_str_eq(bytes, "\"a\\\"\\\\\\n\\u0001\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
                            "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}
