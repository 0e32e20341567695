/* SPDX-License-Identifier: Apache-2.0 */
#include "base/money.h"

#include <assert.h>
#include <string.h>

/* ISO 4217 list one; minor units as published there. */
#define C(code, numeric, minor) {code, numeric, minor, (uint8_t)((minor) + TG_MONEY_EXTRA_DECIMALS)}
static const struct tg_currency currencies[] = {
    C("EUR", 978, 2), C("USD", 840, 2), C("GBP", 826, 2), C("CHF", 756, 2), C("JPY", 392, 0),
    C("KWD", 414, 3), C("BHD", 48, 3),  C("TND", 788, 3), C("KRW", 410, 0), C("CLP", 152, 0),
    C("AUD", 36, 2),  C("BRL", 986, 2), C("CAD", 124, 2), C("CNY", 156, 2), C("CZK", 203, 2),
    C("DKK", 208, 2), C("HKD", 344, 2), C("HUF", 348, 2), C("IDR", 360, 2), C("ILS", 376, 2),
    C("INR", 356, 2), C("ISK", 352, 0), C("JOD", 400, 3), C("KES", 404, 2), C("MXN", 484, 2),
    C("MYR", 458, 2), C("NGN", 566, 2), C("NOK", 578, 2), C("NZD", 554, 2), C("OMR", 512, 3),
    C("PHP", 608, 2), C("PLN", 985, 2), C("RON", 946, 2), C("SAR", 682, 2), C("SEK", 752, 2),
    C("SGD", 702, 2), C("THB", 764, 2), C("TRY", 949, 2), C("TWD", 901, 2), C("UAH", 980, 2),
    C("UGX", 800, 0), C("VND", 704, 0), C("XAF", 950, 0), C("XOF", 952, 0), C("ZAR", 710, 2),
    C("ARS", 32, 2),  C("AED", 784, 2), C("EGP", 818, 2), C("BGN", 975, 2), C("XDR", 960, 2),
};
#undef C

const struct tg_currency *tg_currency_by_code(const char *code)
{
    for (size_t i = 0; i < sizeof currencies / sizeof currencies[0]; i++) {
        if (strcmp(currencies[i].code, code) == 0) {
            return &currencies[i];
        }
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

size_t tg_money_format(int64_t amount, uint8_t scale, uint8_t minor,
                       char text[TG_MONEY_TEXT_BYTES])
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

static const char *const rounding_names[] = {"half_up", "half_even", "up",
                                             "down",    "ceil",      "floor"};

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
