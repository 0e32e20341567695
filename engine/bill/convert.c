/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/convert.h"

#include "base/money.h"

uint16_t tg_bill_slot_currency(const struct tg_catalog_snapshot *catalog, uint32_t version,
                               uint16_t currency, uint16_t own, int64_t at_ns)
{
    if (currency == own) {
        return currency;
    }
    const struct tg_image *image = tg_catalog_image_version(catalog, version);
    const struct tg_exchange_rate *rate =
        image != NULL ? tg_image_exchange(image, currency, own, at_ns) : NULL;
    return rate != NULL ? (uint16_t)(TG_BILL_EXCHANGE_FROM + tg_image_exchange_index(image, rate))
                        : currency;
}

const struct tg_exchange_rate *tg_bill_slot_exchange(const struct tg_image *image,
                                                     uint16_t slot_currency)
{
    return slot_currency >= TG_BILL_EXCHANGE_FROM
               ? tg_image_exchange_at(image, slot_currency - TG_BILL_EXCHANGE_FROM)
               : NULL;
}

enum tg_err tg_bill_amount_convert(const struct tg_image *image, uint16_t own, int64_t at_ns,
                                   int64_t *amount)
{
    if (*amount == 0 || image->currency == own || tg_image_exchange_at(image, 0) == NULL) {
        return TG_OK;
    }
    const struct tg_exchange_rate *rate = tg_image_exchange(image, image->currency, own, at_ns);
    return rate == NULL ? TG_E_NO_EXCHANGE_RATE
                        : tg_exchange_amount(rate, *amount, image->rounding_exchange, amount);
}

enum tg_err tg_bill_rate(const struct tg_image *image, uint16_t currency, __int128 numerator,
                         uint64_t denominator, int64_t *amount)
{
    return tg_money_divide_to(numerator, denominator, tg_image_rating_exponent(image, currency),
                              image->rounding_rate, amount);
}

enum tg_err tg_bill_product_convert(const struct tg_image *image, const struct tg_product *product,
                                    uint16_t own, int64_t at_ns, struct tg_product *local,
                                    uint16_t *currency)
{
    *local = *product;
    *currency = image->currency;
    int64_t *amounts[] = {&local->fee,
                          &local->minimum,
                          &local->maximum,
                          &local->discount_fixed,
                          &local->discount_from,
                          &local->discount_max,
                          &local->late_write_off_below};
    if (image->currency == own || tg_image_exchange_at(image, 0) == NULL) {
        return TG_OK;
    }
    *currency = own;
    enum tg_err err = TG_OK;
    for (size_t i = 0; i < sizeof amounts / sizeof amounts[0] && err == TG_OK; i++) {
        err = tg_bill_amount_convert(image, own, at_ns, amounts[i]);
    }
    return err;
}
