/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/exchange.h"

#include "base/money.h"

#include <assert.h>

static const struct tg_exchange_rate *rates_of(const struct tg_image *image)
{
    return (const struct tg_exchange_rate *)tg_image_section(image,
                                                             TG_IMAGE_SECTION_EXCHANGE_RATES);
}

/* Order of the section: from, to, valid_from. */
static bool is_after(const struct tg_exchange_rate *rate, uint16_t from, uint16_t to, int64_t at_ns)
{
    if (rate->from != from) {
        return rate->from > from;
    }
    return rate->to != to ? rate->to > to : rate->valid_from_ns > at_ns;
}

const struct tg_exchange_rate *tg_image_exchange(const struct tg_image *image, uint16_t from,
                                                 uint16_t to, int64_t at_ns)
{
    const struct tg_exchange_rate *rates = rates_of(image);
    uint32_t low = 0;
    uint32_t high = image->sections[TG_IMAGE_SECTION_EXCHANGE_RATES].count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (is_after(&rates[middle], from, to, at_ns)) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    const struct tg_exchange_rate *last = low > 0 ? &rates[low - 1] : NULL;
    return last != NULL && last->from == from && last->to == to && at_ns < last->valid_to_ns ? last
                                                                                             : NULL;
}

uint16_t tg_image_exchange_index(const struct tg_image *image, const struct tg_exchange_rate *rate)
{
    return (uint16_t)(rate - rates_of(image));
}

const char *tg_image_exchange_name(const struct tg_image *image,
                                   const struct tg_exchange_rate *rate)
{
    return tg_image_name(image, TG_CATALOG_EXCHANGE, tg_image_exchange_index(image, rate));
}

const struct tg_exchange_rate *tg_image_exchange_at(const struct tg_image *image, uint32_t index)
{
    return index < image->sections[TG_IMAGE_SECTION_EXCHANGE_RATES].count ? &rates_of(image)[index]
                                                                          : NULL;
}

uint8_t tg_image_rating_exponent(const struct tg_image *image, uint16_t currency)
{
    const struct tg_exchange_rate *rates = rates_of(image);
    const uint32_t count = image->sections[TG_IMAGE_SECTION_EXCHANGE_RATES].count;
    if (currency == image->currency) {
        return image->rating_exponent;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (rates[i].to == currency) {
            return rates[i].to_exponent;
        }
    }
    return 0;
}

enum tg_err tg_exchange_amount(const struct tg_exchange_rate *rate, __int128 amount,
                               uint8_t rounding, int64_t *result)
{
    /* amount x rate / 10^decimals x 10^(to_scale - from_scale), to a multiple of 10^to_exponent */
    const int shift = (int)rate->to_scale - (int)rate->from_scale - (int)rate->decimals;
    const int64_t factor = tg_pow10((uint8_t)(shift > 0 ? shift : 0));
    const __int128 most = ((__int128)1 << 124) / factor;
    assert(rate->rate >= 1 && shift <= 6 && tg_exchange_digits(rate) <= TG_EXCHANGE_DIGITS_MAX);
    if (amount > most / rate->rate || amount < -most / rate->rate) {
        return TG_E_AMOUNT_OVERFLOW;
    }
    return tg_money_divide_to(amount * rate->rate * factor,
                              (uint64_t)tg_pow10((uint8_t)(shift < 0 ? -shift : 0)),
                              rate->to_exponent, rounding, result);
}
