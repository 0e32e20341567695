/* SPDX-License-Identifier: Apache-2.0 */
#include "base/money.h"

#include <assert.h>
#include <string.h>

/* ISO 4217 list one, by code, so that a look-up by code is a bisection; minor units as published
 * there. The metals, bond units and test codes have none and are left out. XDR has none either, but
 * roaming files settle in it: two, as those files use. BGN ended with 2025; older usage has it. */
#define C(code, numeric, minor)                                                                    \
    {                                                                                              \
        code, numeric, minor, (uint8_t)((minor) + TG_MONEY_EXTRA_DECIMALS)                         \
    }
static const struct tg_currency currencies[] = {
    C("AED", 784, 2), C("AFN", 971, 2), C("ALL", 8, 2),   C("AMD", 51, 2),  C("AOA", 973, 2),
    C("ARS", 32, 2),  C("AUD", 36, 2),  C("AWG", 533, 2), C("AZN", 944, 2), C("BAM", 977, 2),
    C("BBD", 52, 2),  C("BDT", 50, 2),  C("BGN", 975, 2), C("BHD", 48, 3),  C("BIF", 108, 0),
    C("BMD", 60, 2),  C("BND", 96, 2),  C("BOB", 68, 2),  C("BOV", 984, 2), C("BRL", 986, 2),
    C("BSD", 44, 2),  C("BTN", 64, 2),  C("BWP", 72, 2),  C("BYN", 933, 2), C("BZD", 84, 2),
    C("CAD", 124, 2), C("CDF", 976, 2), C("CHE", 947, 2), C("CHF", 756, 2), C("CHW", 948, 2),
    C("CLF", 990, 4), C("CLP", 152, 0), C("CNY", 156, 2), C("COP", 170, 2), C("COU", 970, 2),
    C("CRC", 188, 2), C("CUP", 192, 2), C("CVE", 132, 2), C("CZK", 203, 2), C("DJF", 262, 0),
    C("DKK", 208, 2), C("DOP", 214, 2), C("DZD", 12, 2),  C("EGP", 818, 2), C("ERN", 232, 2),
    C("ETB", 230, 2), C("EUR", 978, 2), C("FJD", 242, 2), C("FKP", 238, 2), C("GBP", 826, 2),
    C("GEL", 981, 2), C("GHS", 936, 2), C("GIP", 292, 2), C("GMD", 270, 2), C("GNF", 324, 0),
    C("GTQ", 320, 2), C("GYD", 328, 2), C("HKD", 344, 2), C("HNL", 340, 2), C("HTG", 332, 2),
    C("HUF", 348, 2), C("IDR", 360, 2), C("ILS", 376, 2), C("INR", 356, 2), C("IQD", 368, 3),
    C("IRR", 364, 2), C("ISK", 352, 0), C("JMD", 388, 2), C("JOD", 400, 3), C("JPY", 392, 0),
    C("KES", 404, 2), C("KGS", 417, 2), C("KHR", 116, 2), C("KMF", 174, 0), C("KPW", 408, 2),
    C("KRW", 410, 0), C("KWD", 414, 3), C("KYD", 136, 2), C("KZT", 398, 2), C("LAK", 418, 2),
    C("LBP", 422, 2), C("LKR", 144, 2), C("LRD", 430, 2), C("LSL", 426, 2), C("LYD", 434, 3),
    C("MAD", 504, 2), C("MDL", 498, 2), C("MGA", 969, 2), C("MKD", 807, 2), C("MMK", 104, 2),
    C("MNT", 496, 2), C("MOP", 446, 2), C("MRU", 929, 2), C("MUR", 480, 2), C("MVR", 462, 2),
    C("MWK", 454, 2), C("MXN", 484, 2), C("MXV", 979, 2), C("MYR", 458, 2), C("MZN", 943, 2),
    C("NAD", 516, 2), C("NGN", 566, 2), C("NIO", 558, 2), C("NOK", 578, 2), C("NPR", 524, 2),
    C("NZD", 554, 2), C("OMR", 512, 3), C("PAB", 590, 2), C("PEN", 604, 2), C("PGK", 598, 2),
    C("PHP", 608, 2), C("PKR", 586, 2), C("PLN", 985, 2), C("PYG", 600, 0), C("QAR", 634, 2),
    C("RON", 946, 2), C("RSD", 941, 2), C("RUB", 643, 2), C("RWF", 646, 0), C("SAR", 682, 2),
    C("SBD", 90, 2),  C("SCR", 690, 2), C("SDG", 938, 2), C("SEK", 752, 2), C("SGD", 702, 2),
    C("SHP", 654, 2), C("SLE", 925, 2), C("SOS", 706, 2), C("SRD", 968, 2), C("SSP", 728, 2),
    C("STN", 930, 2), C("SVC", 222, 2), C("SYP", 760, 2), C("SZL", 748, 2), C("THB", 764, 2),
    C("TJS", 972, 2), C("TMT", 934, 2), C("TND", 788, 3), C("TOP", 776, 2), C("TRY", 949, 2),
    C("TTD", 780, 2), C("TWD", 901, 2), C("TZS", 834, 2), C("UAH", 980, 2), C("UGX", 800, 0),
    C("USD", 840, 2), C("USN", 997, 2), C("UYI", 940, 0), C("UYU", 858, 2), C("UYW", 927, 4),
    C("UZS", 860, 2), C("VED", 926, 2), C("VES", 928, 2), C("VND", 704, 0), C("VUV", 548, 0),
    C("WST", 882, 2), C("XAD", 396, 2), C("XAF", 950, 0), C("XCD", 951, 2), C("XCG", 532, 2),
    C("XDR", 960, 2), C("XOF", 952, 0), C("XPF", 953, 0), C("YER", 886, 2), C("ZAR", 710, 2),
    C("ZMW", 967, 2), C("ZWG", 924, 2),
};
#undef C

const struct tg_currency *tg_currency_by_code(const char *code)
{
    size_t low = 0;
    size_t high = sizeof currencies / sizeof currencies[0];
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(code, currencies[middle].code);
        if (order == 0) {
            return &currencies[middle];
        }
        low = order > 0 ? middle + 1 : low;
        high = order < 0 ? middle : high;
    }
    return NULL;
}

const struct tg_currency *tg_currency_by_numeric(uint16_t numeric)
{
    for (size_t i = 0; i < sizeof currencies / sizeof currencies[0]; i++) {
        if (currencies[i].numeric == numeric) {
            return &currencies[i];
        }
    }
    return NULL;
}

int64_t tg_pow10(uint8_t exponent)
{
    assert(exponent <= 18);
    int64_t value = 1;
    for (uint8_t i = 0; i < exponent; i++) {
        value *= 10;
    }
    return value;
}

enum tg_err tg_money_parse(const char *text, size_t text_bytes, uint8_t scale, int64_t *amount)
{
    assert(scale <= 18);
    size_t i = 0;
    const bool negative = text_bytes > 0 && text[0] == '-';
    if (text_bytes > 0 && (text[0] == '-' || text[0] == '+')) {
        i++;
    }
    __int128 value = 0;
    size_t digits = 0;
    unsigned decimals = 0;
    bool point = false;
    bool inexact = false;
    for (; i < text_bytes; i++) {
        if (text[i] == '.' && !point) {
            point = true;
            continue;
        }
        if (text[i] < '0' || text[i] > '9') {
            return TG_E_SYNTAX;
        }
        digits++;
        if (point && decimals == scale) {
            inexact = inexact || text[i] != '0';
            continue;
        }
        decimals += point ? 1 : 0;
        value = value * 10 + (text[i] - '0');
        if (value > INT64_MAX) {
            return TG_E_OVERFLOW;
        }
    }
    if (digits == 0) {
        return TG_E_SYNTAX;
    }
    if (inexact) {
        return TG_E_INVALID;
    }
    value *= tg_pow10((uint8_t)(scale - decimals));
    if (value > INT64_MAX) {
        return TG_E_OVERFLOW;
    }
    *amount = negative ? -(int64_t)value : (int64_t)value;
    return TG_OK;
}

size_t tg_money_format(int64_t amount, uint8_t scale, uint8_t minor, char text[TG_MONEY_TEXT_BYTES])
{
    assert(scale <= 18 && minor <= scale);
    uint64_t rest = amount < 0 ? 0 - (uint64_t)amount : (uint64_t)amount;
    char digits[24];
    unsigned count = 0;
    do {
        digits[count++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0 || count <= scale);
    unsigned cut = 0;
    while (cut + minor < scale && digits[cut] == '0') {
        cut++;
    }
    size_t length = 0;
    if (amount < 0) {
        text[length++] = '-';
    }
    for (unsigned i = count; i-- > cut;) {
        if (i + 1 == scale && scale != cut) {
            text[length++] = '.';
        }
        text[length++] = digits[i];
    }
    text[length] = '\0';
    return length;
}

enum tg_err tg_money_divide(__int128 numerator, uint64_t denominator, uint8_t rounding,
                            int64_t *quotient)
{
    assert(denominator >= 1);
    struct tg_tariff_result result;
    tg_tariff_round(numerator, denominator, rounding, &result);
    if (result.verdict != TG_OK) {
        return TG_E_AMOUNT_OVERFLOW;
    }
    *quotient = result.amount;
    return TG_OK;
}

enum tg_err tg_money_divide_to(__int128 numerator, uint64_t denominator, uint8_t exponent,
                               uint8_t rounding, int64_t *amount)
{
    const int64_t step = tg_pow10(exponent);
    uint64_t divisor;
    int64_t steps;
    if (__builtin_mul_overflow(denominator, (uint64_t)step, &divisor)) {
        return TG_E_AMOUNT_OVERFLOW;
    }
    const enum tg_err err = tg_money_divide(numerator, divisor, rounding, &steps);
    return err == TG_OK && __builtin_mul_overflow(steps, step, amount) ? TG_E_AMOUNT_OVERFLOW : err;
}

enum tg_err tg_money_rescale(__int128 amount, uint8_t from_scale, uint8_t to_scale,
                             uint8_t rounding, int64_t *result)
{
    if (to_scale < from_scale) {
        return tg_money_divide(amount, (uint64_t)tg_pow10((uint8_t)(from_scale - to_scale)),
                               rounding, result);
    }
    const __int128 factor = tg_pow10((uint8_t)(to_scale - from_scale));
    if (amount > INT64_MAX / factor || amount < INT64_MIN / factor) {
        return TG_E_AMOUNT_OVERFLOW;
    }
    *result = (int64_t)(amount * factor);
    return TG_OK;
}

static const char *const rounding_names[] = {"half_up", "half_even", "up", "down", "ceil", "floor"};

const char *tg_rounding_name(uint8_t rounding)
{
    return rounding < 6 ? rounding_names[rounding] : "unknown";
}

int tg_rounding_by_name(const char *name)
{
    for (int i = 0; i < 6; i++) {
        if (strcmp(rounding_names[i], name) == 0) {
            return i;
        }
    }
    return -1;
}
