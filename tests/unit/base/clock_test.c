/* SPDX-License-Identifier: Apache-2.0 */
#define _DEFAULT_SOURCE /* timegm */
#include "base/clock.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

/* If this fails usage lands on another day than the calendar's: bands, cycles and taxes are wrong.
 */
Test(clock, every_day_of_four_centuries_agrees_with_the_c_library)
{
    const int64_t first_s = INT64_C(-5364662400); /* 1800-01-01, as timegm has it */
    for (int64_t day = 0; day < 146097; day++) {
        const time_t second = (time_t)(first_s + day * 86400 + 43199);
        struct tm parts;
        struct tg_civil civil;
        gmtime_r(&second, &parts);
        tg_clock_to_civil((int64_t)second * TG_NS_PER_S + 999999999, &civil);
        cr_assert_eq(civil.year, parts.tm_year + 1900);
        cr_assert_eq(civil.month, parts.tm_mon + 1);
        cr_assert_eq(civil.day, parts.tm_mday);
        cr_assert_eq(civil.hour, 11);
        cr_assert_eq(civil.second, 59);
        cr_assert_eq(civil.nanosecond, 999999999);
        cr_assert_eq((civil.weekday + 1) % 7, parts.tm_wday, "%d-%d-%d", civil.year, civil.month,
                     civil.day);
        cr_assert_eq(tg_clock_from_civil(&civil), (int64_t)second * TG_NS_PER_S + 999999999);
        cr_assert_eq(tg_days_from_civil(civil.year, civil.month, civil.day),
                     (second - 43199) / 86400);
        cr_assert_leq(civil.day, tg_days_in_month(civil.year, civil.month));
    }
}

/* If this fails what we print cannot be read back, or is read as another instant. */
Test(clock, text_and_instant_are_one_to_one)
{
    static const int64_t fractions[] = {0, 1, 1000, 1000000, 123456789, 120000000, 999999999};
    char text[TG_CLOCK_TEXT_BYTES];
    uint64_t state = 4101842887655102017u;
    for (uint32_t i = 0; i < 100000; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        const int64_t second = (int64_t)(state >> 31) - INT64_C(2200000000); /* 1900..2242 */
        const int64_t time_ns = second * TG_NS_PER_S + fractions[i % 7];
        int64_t back = 0;
        const size_t length = tg_clock_format(time_ns, text);
        cr_assert_eq(length, strlen(text));
        cr_assert_eq(tg_clock_parse(text, length, &back), TG_OK, "%s", text);
        cr_assert_eq(back, time_ns, "%s", text);
    }
    (void)tg_clock_format(INT64_C(1790848800500000000), text);
    cr_expect_str_eq(text, "2026-10-01T10:00:00.500Z");
}

/* If this fails records of exporters that write other forms of the same instant are moved in time.
 */
Test(clock, forms_of_one_instant_are_equal)
{
    static const char *const forms[] = {
        "2026-10-01T10:00:00Z",      "2026-10-01t10:00:00z",     "2026-10-01 10:00:00Z",
        "2026-10-01T10:00:00",       "2026-10-01T10:00:00.000Z", "2026-10-01T12:00:00+02:00",
        "2026-10-01T06:30:00-03:30", "2026-10-01T12:00:00+0200", "2026-10-01T09:59:59.9999999999Z",
    };
    for (size_t i = 0; i + 1 < sizeof forms / sizeof forms[0]; i++) {
        int64_t time_ns = 0;
        cr_expect_eq(tg_clock_parse(forms[i], strlen(forms[i]), &time_ns), TG_OK, "%s", forms[i]);
        cr_expect_eq(time_ns, INT64_C(1790848800000000000), "%s", forms[i]);
    }
    int64_t time_ns = 0;
    cr_expect_eq(tg_clock_parse("2026-10-01", 10, &time_ns), TG_OK);
    cr_expect_eq(time_ns, INT64_C(1790812800000000000), "a date alone is its midnight");
    cr_expect_eq(tg_clock_parse(forms[8], strlen(forms[8]), &time_ns), TG_OK);
    cr_expect_eq(time_ns, INT64_C(1790848799999999999), "digits below the nanosecond are cut");
    cr_expect_eq(tg_clock_parse("2016-12-31T23:59:60Z", 20, &time_ns), TG_OK, "a leap second");
}

/* If this fails a broken time becomes some time, and the record some day's charge. */
Test(clock, what_is_no_time_is_refused_and_nothing_is_written)
{
    static const struct {
        const char *text;
        enum tg_err err;
    } rows[] = {
        {"", TG_E_SYNTAX},
        {"2026", TG_E_SYNTAX},
        {"2026-1-01", TG_E_SYNTAX},
        {"2026/10/01", TG_E_SYNTAX},
        {"26-10-01T00:00:00Z", TG_E_SYNTAX},
        {"2026-10-01X10:00:00Z", TG_E_SYNTAX},
        {"2026-10-01T", TG_E_SYNTAX},
        {"2026-10-01T1:00:00Z", TG_E_SYNTAX},
        {"2026-10-01T10:00:00.Z", TG_E_SYNTAX},
        {"2026-10-01T10:00.5Z", TG_E_SYNTAX},
        {"2026-10-01T10:00:00+02", TG_E_SYNTAX},
        {"2026-10-01T10:00:00+2:00", TG_E_SYNTAX},
        {"2026-10-01T10:00:00ZZ", TG_E_SYNTAX},
        {"2026-10-01T10:00:00Z ", TG_E_SYNTAX},
        {" 2026-10-01T10:00:00Z", TG_E_SYNTAX},
        {"2026-10-01T10:00:0aZ", TG_E_SYNTAX},
        {"-026-10-01T10:00:00Z", TG_E_SYNTAX},
        {"2026-13-01T00:00:00Z", TG_E_BAD_TIMESTAMP},
        {"2026-00-01T00:00:00Z", TG_E_BAD_TIMESTAMP},
        {"2026-02-29T00:00:00Z", TG_E_BAD_TIMESTAMP},
        {"2100-02-29T00:00:00Z", TG_E_BAD_TIMESTAMP},
        {"2026-04-31", TG_E_BAD_TIMESTAMP},
        {"2026-04-00", TG_E_BAD_TIMESTAMP},
        {"2026-10-01T24:00:00Z", TG_E_BAD_TIMESTAMP},
        {"2026-10-01T10:60:00Z", TG_E_BAD_TIMESTAMP},
        {"2026-10-01T10:00:61Z", TG_E_BAD_TIMESTAMP},
        {"0001-01-01T00:00:00Z", TG_E_BAD_TIMESTAMP},
        {"9999-12-31T23:59:59Z", TG_E_BAD_TIMESTAMP},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t time_ns = -7;
        cr_expect_eq(tg_clock_parse(rows[i].text, strlen(rows[i].text), &time_ns), rows[i].err,
                     "'%s'", rows[i].text);
        cr_expect_eq(time_ns, -7, "'%s' wrote %" PRId64, rows[i].text, time_ns);
    }
    int64_t time_ns = 0;
    cr_expect_eq(tg_clock_parse("2024-02-29", 10, &time_ns), TG_OK, "2024 has one");
    cr_expect_eq(tg_clock_parse("2000-02-29", 10, &time_ns), TG_OK, "2000 too");
}
