/* SPDX-License-Identifier: Apache-2.0 */
/* Differences in what stands on a bill beside its lines. */
#include "base/money.h"
#include "catalog/diff.h"
#include "catalog/image.h"
#include "catalog/keys.h"

void tg_diff_cash(struct tg_diff *diff, const struct tg_diff_item *item)
{
    static const struct tg_diff_field fields[] = {
        TG_DIFF_FIELD(tg_cash_rounding, rounding, "rounding", TG_DIFF_ROUNDING),
        TG_DIFF_FIELD(tg_cash_rounding, is_named, "accounts", TG_DIFF_ENUM)};
    const struct tg_cash_rounding *was =
        item->was != UINT32_MAX ? tg_image_cash_at(diff->before, item->was) : NULL;
    const struct tg_cash_rounding *is =
        item->is != UINT32_MAX ? tg_image_cash_at(diff->after, item->is) : NULL;
    if (tg_diff_presence(diff, item, was != NULL, is != NULL)) {
        return;
    }
    const struct tg_currency *from = tg_currency_by_numeric(was->currency);
    const struct tg_currency *to = tg_currency_by_numeric(is->currency);
    char left[TG_MONEY_TEXT_BYTES];
    char right[TG_MONEY_TEXT_BYTES];
    (void)tg_money_format(was->step, from->minor, from->minor, left);
    (void)tg_money_format(is->step, to->minor, to->minor, right);
    tg_diff_text(diff, item, "step", left, right);
    tg_diff_text(diff, item, "currency", from->code, to->code);
    tg_diff_fields(diff, item, &tg_catalog_cash_keys, fields, sizeof fields / sizeof fields[0], was,
                   is);
}

void tg_diff_entity(struct tg_diff *diff, const struct tg_diff_item *item)
{
    static const struct tg_diff_field fields[] = {
        TG_DIFF_FIELD(tg_legal_entity, title_offset, "title", TG_DIFF_TEXT),
        TG_DIFF_FIELD(tg_legal_entity, tax_id_offset, "tax_id", TG_DIFF_TEXT),
        TG_DIFF_FIELD(tg_legal_entity, series_offset, "series", TG_DIFF_TEXT)};
    const struct tg_legal_entity *was =
        diff->before != NULL ? tg_image_entity(diff->before, item->was) : NULL;
    const struct tg_legal_entity *is = tg_image_entity(diff->after, item->is);
    if (!tg_diff_presence(diff, item, was != NULL, is != NULL)) {
        tg_diff_fields(diff, item, &tg_catalog_entity_keys, fields,
                       sizeof fields / sizeof fields[0], was, is);
    }
}

static uint64_t days_of(uint32_t days_plus)
{
    return days_plus > 0 ? days_plus - 1u : UINT64_MAX;
}

void tg_diff_billing(struct tg_diff *diff)
{
    static const struct tg_diff_field fields[] = {
        TG_DIFF_FIELD(tg_billing, needs_approval, "approval", TG_DIFF_ENUM),
        TG_DIFF_FIELD(tg_billing, keeps_credit, "credit", TG_DIFF_ENUM),
        TG_DIFF_FIELD(tg_billing, prepaid_fees, "prepaid_fees", TG_DIFF_ENUM),
        TG_DIFF_FIELD(tg_billing, rounds_lines, "line_rounding", TG_DIFF_ENUM)};
    const struct tg_diff_item item = {"catalog", "billing", 0, 0};
    const struct tg_billing *was = &diff->before->billing;
    const struct tg_billing *is = &diff->after->billing;
    tg_diff_fields(diff, &item, &tg_catalog_billing_keys, fields, sizeof fields / sizeof fields[0],
                   was, is);
    tg_diff_number(diff, &item, "grace_days", days_of(was->grace_days_plus),
                   days_of(is->grace_days_plus));
    tg_diff_number(diff, &item, "payment_days", days_of(was->payment_days_plus),
                   days_of(is->payment_days_plus));
}
