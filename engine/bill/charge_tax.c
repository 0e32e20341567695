/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/charge_tax.h"

#include "base/money.h"
#include "bill/convert.h"
#include "bill/tax.h"
#include "bill/tax_choice.h"
#include "catalog/catalog.h"
#include "catalog/exchange.h"

#define PPM UINT64_C(1000000)

bool tg_bill_taxes_charges(const struct tg_catalog_snapshot *catalog, bool *has_sets)
{
    bool has_any = false;
    *has_sets = false;
    for (uint32_t v = 0; v < catalog->images_count; v++) {
        const uint32_t count = tg_image_count(catalog->images[v], TG_CATALOG_TAX);
        for (uint32_t i = 0; i < count; i++) {
            const struct tg_tax *tax = tg_image_tax(catalog->images[v], i);
            if (tax != NULL && tax->mode == TG_TAX_PER_CHARGE) {
                has_any = true;
                *has_sets = *has_sets || tax->parts_count > 0;
            }
        }
    }
    return has_any;
}

static enum tg_err one_tax(const struct tg_bill_tax *tax, int64_t amount, int64_t *charge_tax)
{
    const uint64_t scale = (uint64_t)tg_pow10(TG_MONEY_EXTRA_DECIMALS);
    return tax->is_inclusive
               ? tg_bill_tax_in(amount, tax->rate_ppm, tax->rounding, scale, charge_tax)
               : tg_money_divide((__int128)amount * tax->rate_ppm, PPM * scale, tax->rounding,
                                 charge_tax);
}

enum tg_err tg_bill_charge_tax(const struct tg_catalog_snapshot *catalog, int64_t taxed_to_ns,
                               struct tg_bill_item *item)
{
    const struct tg_roster_line *who = tg_roster_line(catalog->roster, item->subscriber);
    const struct tg_bill_tax_question question = {.catalog = catalog,
                                                  .account = who->account,
                                                  .version = item->catalog_version,
                                                  .price = item->price_id,
                                                  .product = who->product,
                                                  .is_prepaid =
                                                      (item->kind & TG_BILL_SLOT_PREPAID) != 0,
                                                  .taxed_to_ns = taxed_to_ns};
    struct tg_bill_tax_answer answer;
    if (!tg_bill_tax_choose(&question, &answer) || answer.tax.mode != TG_TAX_PER_CHARGE) {
        return TG_OK; /* Assembling the bill tells what is missing. */
    }
    int64_t amount = item->amount;
    const struct tg_image *image = tg_catalog_image_version(catalog, item->catalog_version);
    const struct tg_exchange_rate *rate = tg_bill_slot_exchange(image, item->currency);
    if (rate != NULL &&
        tg_exchange_amount(rate, amount, image->rounding_exchange, &amount) != TG_OK) {
        return TG_E_AMOUNT_OVERFLOW;
    }
    if (answer.tax.parts_count == 0) {
        return one_tax(&answer.tax, amount, &item->charge_tax);
    }
    item->tax_parts_count = answer.tax.parts_count;
    enum tg_err err = tg_bill_charge_parts(
        &answer.tax, amount, (uint64_t)tg_pow10(TG_MONEY_EXTRA_DECIMALS), item->tax_parts);
    for (uint32_t i = 0; i < answer.tax.parts_count && err == TG_OK; i++) {
        if (__builtin_add_overflow(item->charge_tax, item->tax_parts[i], &item->charge_tax)) {
            err = TG_E_AMOUNT_OVERFLOW;
        }
    }
    return err;
}
