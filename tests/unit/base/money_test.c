/* SPDX-License-Identifier: Apache-2.0 */
#include "base/money.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

/* A fixed sequence: a failure can be run again. */
static uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* If this fails an amount typed into a deck is charged as another one. */
Test(money, exact_decimals_are_read)
{
    static const struct {
        const char *text;
        uint8_t scale;
        int64_t amount;
    } rows[] = {
        {"0", 8, 0},
        {"1", 8, 100000000},
        {"-1", 8, -100000000},
        {"+0.05", 8, 5000000},
        {"0.00000001", 8, 1},
        {"0.000000010", 8, 1},
        {"12345.6789", 8, INT64_C(1234567890000)},
        {"92233720368.54775807", 8, INT64_MAX},
        {"-92233720368.54775807", 8, -INT64_MAX},
        {"9223372036854775807", 0, INT64_MAX},
        {"000000000000000000000000000000001.5", 1, 15},
        {"7.000", 0, 7},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t amount = -7;
        cr_expect_eq(tg_money_parse(rows[i].text, strlen(rows[i].text), rows[i].scale, &amount),
                     TG_OK, "%s", rows[i].text);
        cr_expect_eq(amount, rows[i].amount, "%s is %" PRId64, rows[i].text, amount);
    }
}

/* If this fails a mistyped price becomes some other price instead of a mistake with its line. */
Test(money, what_is_no_exact_decimal_is_refused_by_name)
{
    static const struct {
        const char *text;
        uint8_t scale;
        enum tg_err err;
    } rows[] = {
        {"", 8, TG_E_SYNTAX},
        {"-", 8, TG_E_SYNTAX},
        {".", 8, TG_E_SYNTAX},
        {"1,5", 8, TG_E_SYNTAX},
        {"1.2.3", 8, TG_E_SYNTAX},
        {"1e3", 8, TG_E_SYNTAX},
        {" 1", 8, TG_E_SYNTAX},
        {"1 ", 8, TG_E_SYNTAX},
        {"--1", 8, TG_E_SYNTAX},
        {"0x10", 8, TG_E_SYNTAX},
        {"0.000000001", 8, TG_E_INVALID},
        {"0.5", 0, TG_E_INVALID},
        {"92233720368.54775808", 8, TG_E_OVERFLOW},
        {"9223372036854775808", 0, TG_E_OVERFLOW},
        {"99999999999999999999999999999999999999999999", 0, TG_E_OVERFLOW},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t amount = -7;
        cr_expect_eq(tg_money_parse(rows[i].text, strlen(rows[i].text), rows[i].scale, &amount),
                     rows[i].err, "'%s'", rows[i].text);
        cr_expect_eq(amount, -7, "'%s' wrote a result", rows[i].text);
    }
}

/* If this fails a bill shows another amount than the ledger holds, or one that cannot be read back.
 */
Test(money, every_amount_survives_text_at_every_scale)
{
    static const int64_t edges[] = {0, 1, -1, 9, 10, 99, 100, INT64_MAX, -INT64_MAX};
    uint64_t state = 88172645463325252u;
    char text[TG_MONEY_TEXT_BYTES];
    for (uint32_t i = 0; i < 200000; i++) {
        const int64_t wide = (int64_t)(random_next(&state) >> (random_next(&state) % 63 + 1));
        const int64_t amount = i < sizeof edges / sizeof edges[0] ? edges[i]
                               : i % 2 == 0                       ? wide
                                                                  : -wide;
        const uint8_t scale = (uint8_t)(i % 19);
        const uint8_t minor = (uint8_t)(random_next(&state) % (scale + 1u));
        int64_t back = 0;
        const size_t length = tg_money_format(amount, scale, minor, text);
        cr_assert_eq(length, strlen(text));
        cr_assert_eq(tg_money_parse(text, length, scale, &back), TG_OK, "%s", text);
        cr_assert_eq(back, amount, "%" PRId64 " at %u is %s", amount, scale, text);
        const char *point = strchr(text, '.');
        cr_assert_eq(point != NULL ? strlen(point + 1) >= minor : minor == 0, true, "%s", text);
    }
    cr_expect_eq(tg_money_format(INT64_MIN, 8, 2, text), strlen("-92233720368.54775808"));
    cr_expect_str_eq(text, "-92233720368.54775808");
    (void)tg_money_format(150000000, 8, 2, text);
    cr_expect_str_eq(text, "1.50");
    (void)tg_money_format(-5, 8, 2, text);
    cr_expect_str_eq(text, "-0.00000005");
}

/* The definition of each mode in exact integers, independent of the code under test. */
static bool is_rounded(__int128 n, __int128 d, uint8_t mode, __int128 q)
{
    const __int128 twice = 2 * (n - q * d); /* within (-2d, 2d) when q is a neighbour */
    const bool is_exact = n == q * d;
    const bool is_near = twice > -d && twice < d;
    const bool is_tie = twice == d || twice == -d;
    const bool is_neighbour = twice > -2 * d && twice < 2 * d;
    switch (mode) {
    case TG_ROUND_HALF_UP:
        return is_near || (is_tie && (n < 0 ? twice > 0 : twice < 0));
    case TG_ROUND_HALF_EVEN:
        return is_near || (is_tie && q % 2 == 0);
    case TG_ROUND_UP:
        return is_exact || (is_neighbour && (n < 0 ? twice > 0 : twice < 0));
    case TG_ROUND_DOWN:
        return is_exact || (is_neighbour && (n < 0 ? twice < 0 : twice > 0));
    case TG_ROUND_CEIL:
        return is_exact || (is_neighbour && twice < 0);
    default:
        return is_exact || (is_neighbour && twice > 0);
    }
}

/* If this fails charges and their credit notes differ, or a stage rounds otherwise than the catalog
 * says it does. */
Test(money, every_mode_is_what_its_name_says_and_mirrors_for_credits)
{
    static const uint8_t mirror[6] = {TG_ROUND_HALF_UP, TG_ROUND_HALF_EVEN, TG_ROUND_UP,
                                      TG_ROUND_DOWN,    TG_ROUND_FLOOR,     TG_ROUND_CEIL};
    uint64_t state = 1181783497276652981u;
    for (uint32_t i = 0; i < 300000; i++) {
        const uint64_t d = i < 60000 ? i % 12 + 1 : (random_next(&state) >> (i % 60)) + 1;
        const int64_t small = (int64_t)(i / 12 % 61) - 30;
        const int64_t wide = (int64_t)(random_next(&state) >> 2);
        /* Ties are rare in random numbers: every fourth is made one. */
        __int128 n = i < 60000 ? small : wide;
        if (i >= 60000 && i % 4 == 0 && d % 2 == 0) {
            n = (__int128)(wide % 1000) * (__int128)d + (__int128)(d / 2);
        }
        for (uint8_t mode = 0; mode < 6; mode++) {
            int64_t q = 0;
            int64_t opposite = 0;
            cr_assert_eq(tg_money_divide(n, d, mode, &q), TG_OK);
            cr_assert_eq(tg_money_divide(-n, d, mirror[mode], &opposite), TG_OK);
            cr_assert(is_rounded(n, d, mode, q), "%s of %" PRId64 "/%" PRIu64 " is %" PRId64,
                      tg_rounding_name(mode), (int64_t)n, d, q);
            cr_assert_eq(opposite, -q, "%s of %" PRId64 "/%" PRIu64, tg_rounding_name(mode),
                         (int64_t)n, d);
        }
    }
}

/* If this fails a sum that does not fit becomes a small wrong amount instead of a suspense reason.
 */
Test(money, results_beyond_64_bits_are_overflow)
{
    int64_t result = -7;
    const __int128 most = INT64_MAX;
    cr_expect_eq(tg_money_divide(most + 1, 1, TG_ROUND_DOWN, &result), TG_E_AMOUNT_OVERFLOW);
    cr_expect_eq(tg_money_divide(2 * most + 2, 2, TG_ROUND_DOWN, &result), TG_E_AMOUNT_OVERFLOW);
    cr_expect_eq(tg_money_divide(2 * most + 1, 2, TG_ROUND_UP, &result), TG_E_AMOUNT_OVERFLOW);
    cr_expect_eq(tg_money_rescale(most / 10 + 1, 2, 3, TG_ROUND_DOWN, &result),
                 TG_E_AMOUNT_OVERFLOW);
    cr_expect_eq(result, -7, "nothing is written");
    cr_expect_eq(tg_money_divide(2 * most + 1, 2, TG_ROUND_DOWN, &result), TG_OK);
    cr_expect_eq(result, INT64_MAX);
    cr_expect_eq(tg_money_rescale(most / 10, 2, 3, TG_ROUND_DOWN, &result), TG_OK);
    cr_expect_eq(result, INT64_MAX / 10 * 10);
}

/* If this fails an invoice's total is not its ledger amount at the currency's minor unit. */
Test(money, a_quotient_becomes_a_multiple_of_a_power_of_ten_in_one_rounding)
{
    /* Rounded to a whole first and to the multiple then, 24.96 would be 30 and not 20. */
    static const struct {
        int64_t numerator;
        uint64_t denominator;
        uint8_t exponent;
        uint8_t rounding;
        int64_t amount;
    } rows[] = {
        {2496, 100, 1, TG_ROUND_HALF_UP, 20},     {2500, 100, 1, TG_ROUND_HALF_UP, 30},
        {-2500, 100, 1, TG_ROUND_HALF_UP, -30},   {2500, 100, 1, TG_ROUND_HALF_EVEN, 20},
        {-2501, 100, 1, TG_ROUND_HALF_EVEN, -30}, {1, 3, 6, TG_ROUND_UP, 1000000},
        {-1, 3, 6, TG_ROUND_UP, -1000000},        {-1, 3, 6, TG_ROUND_CEIL, 0},
        {-1, 3, 6, TG_ROUND_FLOOR, -1000000},     {1999999, 1, 6, TG_ROUND_DOWN, 1000000},
        {7, 2, 0, TG_ROUND_HALF_UP, 4},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t amount = -1;
        cr_expect_eq(tg_money_divide_to(rows[i].numerator, rows[i].denominator, rows[i].exponent,
                                        rows[i].rounding, &amount),
                     TG_OK);
        cr_expect_eq(amount, rows[i].amount, "row %zu: %lld", i, (long long)amount);
    }
    int64_t amount;
    cr_expect_eq(tg_money_divide_to(1, UINT64_C(1) << 60, 6, TG_ROUND_HALF_UP, &amount),
                 TG_E_AMOUNT_OVERFLOW);
    cr_expect_eq(tg_money_divide_to(INT64_MAX, 1, 1, TG_ROUND_UP, &amount), TG_E_AMOUNT_OVERFLOW);
}

Test(money, rescale_rounds_once_downwards_and_is_exact_upwards)
{
    static const struct {
        int64_t amount;
        uint8_t from, to, mode;
        int64_t result;
    } rows[] = {
        {100500000, 8, 2, TG_ROUND_HALF_UP, 101},   {-100500000, 8, 2, TG_ROUND_HALF_UP, -101},
        {100500000, 8, 2, TG_ROUND_HALF_EVEN, 100}, {101500000, 8, 2, TG_ROUND_HALF_EVEN, 102},
        {100499999, 8, 2, TG_ROUND_HALF_UP, 100},   {100000001, 8, 2, TG_ROUND_UP, 101},
        {-100000001, 8, 2, TG_ROUND_UP, -101},      {-100000001, 8, 2, TG_ROUND_CEIL, -100},
        {100999999, 8, 2, TG_ROUND_DOWN, 100},      {-100000001, 8, 2, TG_ROUND_FLOOR, -101},
        {101, 2, 8, TG_ROUND_DOWN, 101000000},      {7, 6, 6, TG_ROUND_UP, 7},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t result = 0;
        cr_expect_eq(
            tg_money_rescale(rows[i].amount, rows[i].from, rows[i].to, rows[i].mode, &result),
            TG_OK);
        cr_expect_eq(result, rows[i].result, "row %zu: %" PRId64, i, result);
    }
}

/* If this fails stored currencies or rounding options mean something else after an upgrade. */
Test(money, currencies_and_modes_are_found_both_ways)
{
    static const struct {
        const char *code;
        uint16_t numeric;
        uint8_t scale;
    } rows[] = {{"EUR", 978, 8}, {"JPY", 392, 6}, {"KWD", 414, 9}, {"USD", 840, 8}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct tg_currency *currency = tg_currency_by_code(rows[i].code);
        cr_assert_not_null(currency);
        cr_expect_eq(currency->numeric, rows[i].numeric);
        cr_expect_eq(currency->scale, rows[i].scale, "%s", rows[i].code);
        cr_expect_eq(tg_currency_by_numeric(rows[i].numeric), currency);
    }
    cr_expect_null(tg_currency_by_code("eur"));
    cr_expect_null(tg_currency_by_numeric(999));
    for (int mode = 0; mode < 6; mode++) {
        cr_expect_eq(tg_rounding_by_name(tg_rounding_name((uint8_t)mode)), mode);
    }
    cr_expect_eq(tg_rounding_by_name("half-up"), -1);
}

/* If this fails a currency is billed in hundredths that it does not have. */
Test(money, minor_units_are_those_of_iso_4217)
{
    static const struct {
        const char *code;
        uint16_t numeric;
        uint8_t minor;
    } rows[] = {{"AED", 784, 2}, {"BHD", 48, 3},  {"CLF", 990, 4}, {"CLP", 152, 0}, {"IQD", 368, 3},
                {"JPY", 392, 0}, {"KWD", 414, 3}, {"LYD", 434, 3}, {"PYG", 600, 0}, {"UGX", 800, 0},
                {"UYW", 927, 4}, {"VUV", 548, 0}, {"XPF", 953, 0}, {"ZWG", 924, 2}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct tg_currency *found = tg_currency_by_code(rows[i].code);
        cr_assert_not_null(found, "%s", rows[i].code);
        cr_expect_eq(found->numeric, rows[i].numeric, "%s", rows[i].code);
        cr_expect_eq(found->minor, rows[i].minor, "%s", rows[i].code);
        cr_expect_eq(found->scale, rows[i].minor + 6, "%s", rows[i].code);
        cr_expect_eq(tg_currency_by_numeric(rows[i].numeric), found, "%s", rows[i].code);
    }
    cr_expect_null(tg_currency_by_code("AAA"));
    cr_expect_null(tg_currency_by_code("ZZZ"));
    cr_expect_null(tg_currency_by_code("EURO"));
    uint32_t count = 0; /* every one by both ways: the table is in the order the search wants */
    for (uint32_t numeric = 0; numeric < 1000; numeric++) {
        const struct tg_currency *found = tg_currency_by_numeric((uint16_t)numeric);
        if (found != NULL) {
            cr_expect_eq(tg_currency_by_code(found->code), found, "%s", found->code);
            count++;
        }
    }
    cr_expect_eq(count, 167);
}
