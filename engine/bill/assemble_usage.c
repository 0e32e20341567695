/* SPDX-License-Identifier: Apache-2.0 */
/* What a subscription used: slots of the line table become lines, converted once. */
#include "bill/assemble_parts.h"

#include "bill/bands.h"
#include "bill/convert.h"
#include "bill/lines.h"

#include <string.h>

/* Same price under two catalog versions? Then its usage is one line. */
static bool price_is_same(const struct tg_image *a, const struct tg_image *b, uint32_t price_id)
{
    const struct tg_price *left = tg_image_price(a, price_id);
    const struct tg_price *right = tg_image_price(b, price_id);
    if (left == NULL || right == NULL || left->steps_count != right->steps_count ||
        left->params_bytes != right->params_bytes ||
        strcmp(tg_image_tariff_name(a, price_id), tg_image_tariff_name(b, price_id)) != 0) {
        return false;
    }
    struct tg_price twin = *right; /* Offsets depend on where the image put things. */
    twin.steps_offset = left->steps_offset;
    twin.params_offset = left->params_offset;
    return memcmp(left, &twin, sizeof twin) == 0 &&
           memcmp(tg_price_steps(left), tg_price_steps(right),
                  left->steps_count * sizeof(struct tg_price_step)) == 0 &&
           memcmp(tg_price_params(left), tg_price_params(right), left->params_bytes) == 0;
}

static bool slot_continues(const struct tg_bill_assembler *made, const struct tg_bill_slot *before,
                           const struct tg_bill_slot *slot)
{
    return before->subscriber == slot->subscriber && before->service == slot->service &&
           before->kind == slot->kind && before->month == slot->month &&
           before->zone == slot->zone && ((before->band ^ slot->band) & TG_BILL_BANDS_MAX) == 0 &&
           before->price_id == slot->price_id && before->currency == slot->currency &&
           slot->currency < TG_BILL_EXCHANGE_FROM &&
           price_is_same(tg_catalog_image_version(made->catalog, before->catalog_version),
                         tg_catalog_image_version(made->catalog, slot->catalog_version),
                         slot->price_id);
}

/* Add a slot's sums to a line; the line's own are 64-bit, and a sum that is not fails the account.
 */
static enum tg_err line_add(struct tg_bill_line *line, const struct tg_bill_slot *slot,
                            const __int128 *parts, struct tg_why *why)
{
    const __int128 units = (int64_t)line->units + slot->units;
    const __int128 billed = (int64_t)line->billed_units + slot->billed_units;
    const unsigned __int128 covered = line->allowance_units + slot->allowance_units;
    if (units != (int64_t)units || billed != (int64_t)billed || covered > UINT64_MAX) {
        return tg_why_set(why, TG_E_OVERFLOW, "units of %s do not fit 64 bits",
                          line->subscriber_id);
    }
    line->units = (uint64_t)units;
    line->billed_units = (uint64_t)billed;
    line->allowance_units = (uint64_t)covered;
    line->rows_count += slot->rows_count;
    line->crossing_count += (slot->band & TG_BILL_BAND_CROSSES) != 0 ? slot->rows_count : 0;
    line->amount_exact += slot->amount;
    line->residual += slot->residual;
    line->catalog_version = slot->catalog_version;
    const __int128 tax = line->charge_tax + slot->charge_tax;
    if (tax > INT64_MAX || tax < INT64_MIN) {
        return tg_why_set(why, TG_E_AMOUNT_OVERFLOW, "the taxes of %s do not fit",
                          line->subscriber_id);
    }
    line->charge_tax = (int64_t)tax;
    for (uint32_t i = 0; i < TG_TAX_PARTS_MAX && parts != NULL; i++) {
        const __int128 part = line->tax_parts[i] + parts[i];
        if (part > INT64_MAX || part < INT64_MIN) {
            return tg_why_set(why, TG_E_AMOUNT_OVERFLOW, "the taxes of %s do not fit",
                              line->subscriber_id);
        }
        line->tax_parts[i] = (int64_t)part;
    }
    return TG_OK;
}

/* The line's only conversion: of its exact sum, at the rate of its rows' events. */
static enum tg_err line_convert(const struct tg_image *image, const struct tg_exchange_rate *rate,
                                struct tg_bill_line *line, struct tg_why *why)
{
    int64_t amount;
    line->amount_foreign = line->amount_exact;
    if (tg_exchange_amount(rate, line->amount_exact, image->rounding_exchange, &amount) != TG_OK) {
        return tg_why_set(why, TG_E_AMOUNT_OVERFLOW, "the usage of %s does not fit",
                          line->subscriber_id);
    }
    line->amount_exact = amount;
    line->exchange = rate;
    line->exchange_id = tg_image_exchange_name(image, rate);
    line->currency = rate->to;
    return TG_OK;
}

/* The period late rows are of: the one that closed in their month. */
static void line_period(const struct tg_bill_assembler *made, const struct tg_bill_slot *slot,
                        struct tg_bill_line *line)
{
    if (slot->month != 0) {
        const struct tg_bill_window window = tg_bill_cycle_window(&made->cycle, slot->month);
        line->from_ns = window.start_ns;
        line->to_ns = window.end_ns;
    }
}

static enum tg_err usage_line(struct tg_bill_assembler *made, const struct tg_bill_slot *slot,
                              const struct tg_bill_slot *before, const char *name,
                              struct tg_why *why)
{
    const struct tg_image *image = tg_catalog_image_version(made->catalog, slot->catalog_version);
    if (image == NULL || tg_image_price(image, slot->price_id) == NULL) {
        return tg_why_set(why, TG_E_CATALOG_VERSION,
                          "usage of %s was priced by price %u of catalog version %u, which is not "
                          "stored",
                          name, slot->price_id, slot->catalog_version);
    }
    const __int128 *parts = tg_bill_lines_parts(made->table, slot);
    made->rows_count += slot->rows_count;
    if (before != NULL && slot_continues(made, before, slot)) {
        return line_add(&made->lines[made->lines_count - 1], slot, parts, why);
    }
    const struct tg_roster_line *who = tg_roster_line(made->catalog->roster, slot->subscriber);
    struct tg_bill_line *line = &made->lines[made->lines_count++];
    *line = (struct tg_bill_line){
        .subscriber_id = name,
        .product_id = tg_image_name(image, TG_CATALOG_PRODUCT, who->product),
        .zone_id = tg_image_name(image, TG_CATALOG_ZONE, slot->zone),
        .band_id = tg_bill_band_name(made->bands, slot->band),
        .price_id = tg_image_name(image, TG_CATALOG_PRICE, slot->price_id),
        .unit_id = tg_unit_name(tg_image_price_info(image, slot->price_id)->unit),
        .title = "",
        .price = slot->price_id,
        .subscriber = slot->subscriber,
        .currency = slot->currency,
        .service = slot->service,
        .kind = slot->kind & (uint8_t)~TG_BILL_SLOT_PREPAID,
        .is_prepaid = (slot->kind & TG_BILL_SLOT_PREPAID) != 0,
        .has_charge_tax = true,
    };
    line_period(made, slot, line);
    const struct tg_exchange_rate *rate = tg_bill_slot_exchange(image, slot->currency);
    const enum tg_err err = line_add(line, slot, parts, why);
    return err == TG_OK && rate != NULL ? line_convert(image, rate, line, why) : err;
}

/* A slot's sum in the currency of its line. */
static __int128 slot_amount(const struct tg_bill_assembler *made, const struct tg_bill_slot *slot)
{
    const struct tg_image *image = tg_catalog_image_version(made->catalog, slot->catalog_version);
    const struct tg_exchange_rate *rate =
        image != NULL ? tg_bill_slot_exchange(image, slot->currency) : NULL;
    int64_t amount;
    return rate != NULL && tg_exchange_amount(rate, slot->amount, image->rounding_exchange,
                                              &amount) == TG_OK
               ? amount
               : slot->amount;
}

/* Late usage of a subscription that makes next to nothing is not worth a line. */
static bool late_is_written_off(struct tg_bill_assembler *made, const struct tg_product *product,
                                const struct tg_bill_slot *slots, uint32_t slots_count)
{
    __int128 sum = 0;
    uint64_t rows_count = 0;
    for (uint32_t i = 0; i < slots_count; i++) {
        if (slots[i].kind == TG_BILL_LINE_LATE) { /* Not what a balance has paid. */
            sum += slot_amount(made, &slots[i]);
            rows_count += slots[i].rows_count;
        }
    }
    if (product == NULL || rows_count == 0 || sum >= product->late_write_off_below) {
        return false;
    }
    made->written_off_count += rows_count;
    return true;
}

enum tg_err tg_bill_usage_lines(struct tg_bill_assembler *made, const struct tg_bill_member *member,
                                const struct tg_bill_slot *slots, uint32_t slots_count,
                                struct tg_why *why)
{
    const bool skips_late = late_is_written_off(made, member->version.product, slots, slots_count);
    const struct tg_product *product = member->version.product;
    const uint16_t sold = tg_roster_line(made->catalog->roster, member->subscriber)->product;
    const bool splits =
        slots_count > 1 && (made->taxes_prices_usage || tg_bill_taxes_usage(made, sold));
    enum tg_err err = TG_OK;
    const struct tg_bill_slot *before = NULL;
    for (uint32_t i = 0; i < slots_count && err == TG_OK; i++) {
        const bool is_nothing =
            (slots[i].kind & ~TG_BILL_SLOT_PREPAID) == TG_BILL_LINE_ADJUSTMENT &&
            slots[i].amount == 0;
        before = splits ? NULL : before;
        if (is_nothing || (skips_late && slots[i].kind == TG_BILL_LINE_LATE)) {
            continue;
        }
        err = usage_line(made, &slots[i], before, member->name, why);
        if (err == TG_OK && slots[i].kind == TG_BILL_LINE_LATE && product != NULL &&
            product->late_usage == TG_LATE_NOTE) {
            struct tg_bill_line *line = &made->lines[made->lines_count - 1];
            tg_bill_note_mark(made, line, slots[i].month);
            /* Its rows were taxed as of that bill; on this one they count as one charge. */
            line->has_charge_tax = line->note_month != 0;
        }
        before = &slots[i];
    }
    return err;
}
