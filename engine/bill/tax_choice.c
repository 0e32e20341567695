/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/tax_choice.h"

#include "base/clock.h"
#include "bill/cycle.h"
#include "catalog/catalog.h"
#include "catalog/roster.h"

#include <assert.h>

/* The category as the invoice keeps it, before exemptions. */
static struct tg_bill_tax category_of(const struct tg_image *image, uint16_t index)
{
    const struct tg_tax *tax = tg_image_tax(image, index);
    struct tg_bill_tax made = {.id = tg_image_name(image, TG_CATALOG_TAX, index),
                               .rate_ppm = tax->rate_ppm,
                               .rounding = tax->rounding,
                               .mode = tax->mode,
                               .is_inclusive = tax->is_inclusive != 0,
                               .parts_count = tax->parts_count};
    for (uint32_t i = 0; i < tax->parts_count; i++) {
        const struct tg_tax *part = tg_image_tax(image, tax->parts[i]);
        made.parts[i] =
            (struct tg_bill_tax_part){.id = tg_image_name(image, TG_CATALOG_TAX, tax->parts[i]),
                                      .rate_ppm = part->rate_ppm,
                                      .rounding = part->rounding,
                                      .is_compound = part->is_compound != 0};
    }
    return made;
}

/* An exempt tax stays on the invoice, at 0 %: the reader sees what was not charged. */
static void exempt(const struct tg_bill_tax_question *question, struct tg_bill_tax_answer *answer)
{
    const struct tg_roster *roster = question->catalog->roster;
    if (roster->exempts_count == 0) {
        return;
    }
    /* The tax point of a bill is the last day of its period. */
    const struct tg_bill_cycle cycle = tg_bill_cycle_of(question->catalog, question->account);
    const struct tg_zone_view zone = tg_bill_cycle_zone(&cycle, question->taxed_to_ns - 1);
    const int64_t day = (tg_zone_local_ns(zone, question->taxed_to_ns) - 1) / TG_NS_PER_DAY;
    const struct tg_tax *of = tg_image_tax(answer->image, answer->index);
    struct tg_bill_tax *tax = &answer->tax;
    answer->exempt_day = day;
    answer->exempt =
        tg_roster_exempt_find(roster, question->account, question->product, answer->index, day);
    if (answer->exempt != NULL) {
        tax->is_exempt = true;
        tax->rate_ppm = 0;
        tax->parts_count = 0;
        tax->mode = TG_TAX_PER_CATEGORY; /* What rows were taxed by themselves does not count. */
        return;
    }
    for (uint32_t i = 0; i < tax->parts_count; i++) {
        answer->exempt_parts[i] =
            tg_roster_exempt_find(roster, question->account, question->product, of->parts[i], day);
        if (answer->exempt_parts[i] != NULL) {
            tax->parts[i].is_exempt = true;
            tax->parts[i].rate_ppm = 0;
        }
    }
}

/* The newest version before the end that has the product: one it no longer has is looked for
 * backwards. */
static const struct tg_image *version_before(const struct tg_bill_tax_question *question)
{
    const struct tg_catalog_snapshot *catalog = question->catalog;
    for (uint32_t i = catalog->images_count; i > 0; i--) {
        const struct tg_image *image = catalog->images[i - 1];
        if (catalog->valid_from_ns[i - 1] < question->taxed_to_ns &&
            tg_image_product(image, question->product) != NULL) {
            return image;
        }
    }
    return NULL;
}

/* The tax that a version gives: its price's, else its product's. Prices and taxes keep their
 * numbers over the versions. */
static uint16_t sold_with(const struct tg_bill_tax_question *question, const struct tg_image *image)
{
    const uint16_t of_price = tg_image_price_tax(image, question->price);
    const struct tg_product *sold = tg_image_product(image, question->product);
    return of_price != TG_TAX_NONE ? of_price : sold != NULL ? sold->tax : TG_TAX_NONE;
}

/* The version of the usage instead of the period's, when it taxes the product at all. */
static void version_take(const struct tg_bill_tax_question *question, uint16_t fixed,
                         struct tg_bill_tax_answer *answer)
{
    const struct tg_image *own = tg_catalog_image_version(question->catalog, question->version);
    const uint16_t wanted = fixed != TG_TAX_NONE ? fixed
                            : own != NULL        ? sold_with(question, own)
                                                 : TG_TAX_NONE;
    if (own != NULL && tg_image_tax(own, wanted) != NULL) {
        answer->image = own;
        answer->index = wanted;
    }
}

/* The version at the bill's date instead, as far as it has the tax: taxes keep their numbers. */
static void issue_take(const struct tg_bill_tax_question *question,
                       struct tg_bill_tax_answer *answer)
{
    const struct tg_catalog_snapshot *catalog = question->catalog;
    for (uint32_t i = catalog->images_count; i > 0; i--) {
        if (catalog->valid_from_ns[i - 1] <= question->issued_ns &&
            tg_image_tax(catalog->images[i - 1], answer->index) != NULL) {
            answer->image = catalog->images[i - 1];
            return;
        }
    }
}

/* A price that the version at the end no longer has is taxed by the newest one that has it. */
static const struct tg_image *price_version(const struct tg_bill_tax_question *question,
                                            const struct tg_image *last)
{
    const struct tg_catalog_snapshot *catalog = question->catalog;
    if (question->price == TG_BILL_NO_PRICE) {
        return last;
    }
    for (uint32_t i = catalog->images_count; i > 0; i--) {
        if (catalog->valid_from_ns[i - 1] < question->taxed_to_ns &&
            tg_image_price(catalog->images[i - 1], question->price) != NULL) {
            const struct tg_image *image = catalog->images[i - 1];
            return tg_image_price_tax(image, question->price) != TG_TAX_NONE ? image : last;
        }
    }
    return last;
}

bool tg_bill_tax_choose(const struct tg_bill_tax_question *question,
                        struct tg_bill_tax_answer *answer)
{
    assert(question->account < question->catalog->roster->accounts_count);
    const uint16_t own = question->catalog->roster->accounts[question->account].tax;
    *answer =
        (struct tg_bill_tax_answer){.tax = {.id = TG_BILL_UNTAXED, .rounding = TG_ROUND_HALF_UP},
                                    .image = version_before(question),
                                    .index = own,
                                    .is_own = own != TG_TAX_NONE};
    if (answer->image == NULL) {
        return false;
    }
    if (!answer->is_own) {
        answer->index = sold_with(question, price_version(question, answer->image));
    }
    const struct tg_tax *tax = tg_image_tax(answer->image, answer->index);
    if (tax == NULL) {
        return answer->index == TG_TAX_NONE;
    }
    if (tax->point == TG_TAX_AT_USAGE) {
        version_take(question, own, answer);
    } else if (tax->point == TG_TAX_AT_ISSUE && question->issued_ns != 0) {
        issue_take(question, answer);
    }
    answer->tax = category_of(answer->image, answer->index);
    exempt(question, answer);
    answer->tax.is_inclusive = answer->tax.is_inclusive || question->is_prepaid;
    return true;
}
