/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Money: integers at a currency's rating scale, exact text in and out, declared rounding.
 *
 *  Source: ISO 4217 (numeric codes, minor units); rounding reference rating-semantics 4.1.
 *  Threads: pure. Allocates: never. Cost: a 128-bit division where one is needed.
 *
 *  Rating scale = minor exponent + 6: EUR amounts are integers of 1e-8 EUR, JPY of 1e-6 JPY.
 *  Bill scale = minor exponent.
 */
#ifndef TG_BASE_MONEY_H
#define TG_BASE_MONEY_H

#include "abi/err.h"
#include "abi/tariff.h"

#include <stdbool.h>

#include <stddef.h>
#include <stdint.h>

#define TG_MONEY_EXTRA_DECIMALS 6u
#define TG_MONEY_TEXT_BYTES     48u

/** @brief A currency of ISO 4217. */
struct tg_currency {
    char code[4];     /**< "EUR". */
    uint16_t numeric; /**< 978. */
    uint8_t minor;    /**< Minor exponent: 2 for EUR, 0 for JPY, 3 for KWD. */
    uint8_t scale;    /**< minor + TG_MONEY_EXTRA_DECIMALS. */
};

/** @brief Find by code. @param code Three letters, NUL-terminated. @return Static or NULL. */
const struct tg_currency *tg_currency_by_code(const char *code);

/** @brief Find by number. @param numeric ISO 4217 numeric. @return Static or NULL. */
const struct tg_currency *tg_currency_by_numeric(uint16_t numeric);

/**
 * @brief Read an exact decimal: [+-]digits[.digits].
 * @param[in]  text        Borrowed; not NUL-terminated.
 * @param[in]  text_bytes  Its length.
 * @param[in]  scale       Decimals of the result, 0..18.
 * @param[out] amount      Written on TG_OK.
 * @return TG_OK, TG_E_SYNTAX, TG_E_OVERFLOW, or TG_E_INVALID when the text has a non-zero digit
 *         below the scale (never rounded silently).
 */
enum tg_err tg_money_parse(const char *text, size_t text_bytes, uint8_t scale, int64_t *amount);

/**
 * @brief Write an exact decimal, trailing zeros kept down to `minor` decimals and cut above.
 * @param[in]  amount  At scale.
 * @param[in]  scale   Decimals of amount.
 * @param[in]  minor   Decimals always shown.
 * @param[out] text    NUL-terminated.
 * @return Length without NUL.
 */
size_t tg_money_format(int64_t amount, uint8_t scale, uint8_t minor,
                       char text[TG_MONEY_TEXT_BYTES]);

/**
 * @brief round(numerator / denominator), once, in the named mode.
 * @param[in]  numerator    Any.
 * @param[in]  denominator  At least 1.
 * @param[in]  rounding     enum tg_rounding.
 * @param[out] quotient     Written on TG_OK.
 * @return TG_OK or TG_E_AMOUNT_OVERFLOW.
 */
enum tg_err tg_money_divide(__int128 numerator, uint64_t denominator, uint8_t rounding,
                            int64_t *quotient);

/**
 * @brief round(numerator / denominator) to a multiple of a power of ten, once, in the named mode.
 * @param[in]  numerator    Any.
 * @param[in]  denominator  At least 1.
 * @param[in]  exponent     0..18: the result is a multiple of 10^exponent.
 * @param[in]  rounding     enum tg_rounding.
 * @param[out] amount       Written on TG_OK.
 * @return TG_OK or TG_E_AMOUNT_OVERFLOW (also of denominator * 10^exponent beyond 64 bits).
 */
enum tg_err tg_money_divide_to(__int128 numerator, uint64_t denominator, uint8_t exponent,
                               uint8_t rounding, int64_t *amount);

/**
 * @brief Change scale with one rounding (exact when to_scale >= from_scale).
 * @param[in]  amount      At from_scale; 128 bits so that sums fit.
 * @param[in]  from_scale  0..18.
 * @param[in]  to_scale    0..18.
 * @param[in]  rounding    enum tg_rounding.
 * @param[out] result      Written on TG_OK.
 * @return TG_OK or TG_E_AMOUNT_OVERFLOW.
 */
enum tg_err tg_money_rescale(__int128 amount, uint8_t from_scale, uint8_t to_scale,
                             uint8_t rounding, int64_t *result);

/** @brief Power of ten. @param exponent 0..18. @return 10^exponent. */
int64_t tg_pow10(uint8_t exponent);

/** @brief Rounding mode's catalog name ("half_up"). @param rounding enum. @return Static. */
const char *tg_rounding_name(uint8_t rounding);

/** @brief Find a mode by name. @param name "half_up", ... @return enum tg_rounding or -1. */
int tg_rounding_by_name(const char *name);

#endif
