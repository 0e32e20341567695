/* SPDX-License-Identifier: Apache-2.0 */
/* Which tax a line has: the product's or the account's own, and what the account is exempt from. */
#include "bill/assemble_parts.h"

#include "base/clock.h"

#include <string.h>

#define UNTAXED "untaxed"

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
static void exempt(const struct tg_bill_assembler *made, const struct tg_image *image,
                   uint16_t product, uint16_t index, struct tg_bill_tax *tax)
{
    const struct tg_roster *roster = made->catalog->roster;
    if (roster->exempts_count == 0) {
        return;
    }
    /* The tax point of a bill is the last day of its period. */
    const int64_t day = (tg_zone_local_ns(made->zone, made->taxed_to_ns) - 1) / TG_NS_PER_DAY;
    const struct tg_tax *of = tg_image_tax(image, index);
    if (tg_roster_is_exempt(roster, made->account, product, index, day)) {
        tax->is_exempt = true;
        tax->rate_ppm = 0;
        tax->parts_count = 0;
        tax->mode = TG_TAX_PER_CATEGORY; /* What rows were taxed by themselves does not count. */
        return;
    }
    for (uint32_t i = 0; i < tax->parts_count; i++) {
        if (tg_roster_is_exempt(roster, made->account, product, of->parts[i], day)) {
            tax->parts[i].is_exempt = true;
            tax->parts[i].rate_ppm = 0;
        }
    }
}

/* The version of the line instead of the period's, when it taxes the product at all. */
static void version_take(const struct tg_bill_assembler *made, const struct tg_bill_line *line,
                         uint16_t product, const struct tg_image **image, uint16_t *index)
{
    const struct tg_image *own = tg_catalog_image_version(made->catalog, line->catalog_version);
    const struct tg_product *sold = own != NULL ? tg_image_product(own, product) : NULL;
    const uint16_t fixed = made->catalog->roster->accounts[made->account].tax;
    const uint16_t wanted = fixed != TG_TAX_NONE ? fixed : sold != NULL ? sold->tax : TG_TAX_NONE;
    if (own != NULL && tg_image_tax(own, wanted) != NULL) {
        *image = own;
        *index = wanted;
    }
}

bool tg_bill_taxes_usage(const struct tg_bill_assembler *made, uint16_t product)
{
    const struct tg_image *image = tg_bill_product_image(made, product);
    const uint16_t own = made->catalog->roster->accounts[made->account].tax;
    const struct tg_product *sold = image != NULL ? tg_image_product(image, product) : NULL;
    const uint16_t index = own != TG_TAX_NONE ? own : sold != NULL ? sold->tax : TG_TAX_NONE;
    const struct tg_tax *tax = image != NULL ? tg_image_tax(image, index) : NULL;
    return tax != NULL && tax->point == TG_TAX_AT_USAGE;
}

/* The account's own tax category replaces the product's: a reverse charge, a foreign customer. */
enum tg_err tg_bill_line_tax(struct tg_bill_assembler *made, struct tg_bill_invoice *invoice,
                             struct tg_bill_line *line, struct tg_why *why)
{
    const struct tg_roster *roster = made->catalog->roster;
    const struct tg_roster_line *who = tg_roster_line(roster, line->subscriber);
    const struct tg_image *image =
        tg_bill_product_before(made, who->product, made->taxed_to_ns).image;
    const struct tg_product *product = image != NULL ? tg_image_product(image, who->product) : NULL;
    const uint16_t own = roster->accounts[made->account].tax;
    uint16_t index = own != TG_TAX_NONE ? own : product != NULL ? product->tax : TG_TAX_NONE;
    const struct tg_tax *tax = image != NULL ? tg_image_tax(image, index) : NULL;
    if (product == NULL || (index != TG_TAX_NONE && tax == NULL)) {
        return tg_why_set(why, TG_E_CATALOG_VERSION,
                          "no catalog version says how the product of %s is taxed",
                          line->subscriber_id);
    }
    if (tax != NULL && tax->point == TG_TAX_AT_USAGE) {
        version_take(made, line, who->product, &image, &index);
    }
    struct tg_bill_tax wanted = {.id = UNTAXED, .rounding = TG_ROUND_HALF_UP};
    if (tax != NULL) {
        wanted = category_of(image, index);
        exempt(made, image, who->product, index, &wanted);
        wanted.is_inclusive = wanted.is_inclusive || line->is_prepaid;
    }
    line->tax_index = tg_bill_invoice_category(invoice, &wanted);
    return line->tax_index != UINT16_MAX
               ? TG_OK
               : tg_why_set(why, TG_E_FULL, "account %s has more than %u tax categories",
                            made->account_id, TG_BILL_TAXES_MAX);
}
