/* SPDX-License-Identifier: Apache-2.0 */
/* Minimum spend of prices: what the usage of a cycle misses becomes a line that counts as usage, so
 * that discounts and the product's bounds come behind it. */
#include "bill/assemble_parts.h"

#include "bill/convert.h"

static uint32_t limits_count(const struct tg_image *image)
{
    return image->sections[TG_IMAGE_SECTION_SPEND_LIMITS].count;
}

uint32_t tg_bill_spend_count(const struct tg_image *image)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < limits_count(image); i++) {
        count += tg_image_spend_limit(image, i)->minimum != 0;
    }
    return count;
}

/* What lines of prices that count to the limit make: all of usage that is due on this invoice. */
static __int128 spent(const struct tg_bill_assembler *made, const struct tg_bill_member *member,
                      uint32_t limit)
{
    const struct tg_image *image = member->version.image;
    __int128 sum = 0;
    for (uint32_t i = member->from; i < made->lines_count; i++) {
        const struct tg_bill_line *line = &made->lines[i];
        const bool is_due = tg_bill_line_has_rows(line->kind) && !line->is_prepaid &&
                            line->note_month == 0 && line->currency == member->version.currency;
        if (is_due && line->price < tg_image_prices_count(image) &&
            tg_image_price_info(image, line->price)->spend_minimum == limit + 1) {
            sum += tg_bill_line_sum(made, line);
        }
    }
    return sum;
}

/* max(0, minimum - what is spent), the minimum prorated as the fee is. */
static enum tg_err limit_line(struct tg_bill_assembler *made, const struct tg_bill_member *member,
                              uint32_t index, bool *owes)
{
    const struct tg_image *image = member->version.image;
    int64_t minimum = tg_image_spend_limit(image, index)->minimum;
    struct tg_bill_prorated owed;
    enum tg_err err =
        tg_bill_amount_convert(image, made->catalog->roster->accounts[made->account].currency,
                               made->window.end_ns - 1, &minimum);
    if (err == TG_OK) {
        err = tg_bill_bound_owed(made, member, minimum, TG_SCOPE_SUBSCRIBER, &owed);
    }
    if (err != TG_OK) {
        return err;
    }
    *owes = owed.covered > 0;
    const __int128 missing = owed.amount - spent(made, member, index);
    if (*owes && missing > 0) {
        tg_bill_extra_line(
            made, member,
            &(struct tg_bill_line){.title = tg_image_name(image, TG_CATALOG_SPEND_LIMIT, index),
                                   .amount_exact = missing,
                                   .price = index,
                                   .fee = minimum,
                                   .covered = owed.covered,
                                   .covered_total = owed.total,
                                   .kind = TG_BILL_LINE_SPEND});
    }
    return TG_OK;
}

static bool owes_limit(const struct tg_bill_member *member, uint32_t index, uint8_t scope)
{
    const struct tg_image *image = member->version.image;
    const struct tg_spend_limit *limit =
        index < limits_count(image) ? tg_image_spend_limit(image, index) : NULL;
    return limit != NULL && limit->minimum != 0 && limit->scope == scope &&
           tg_image_plan_owes(image, limit, member->version.product->plan);
}

enum tg_err tg_bill_spend_lines(struct tg_bill_assembler *made, const struct tg_bill_member *member)
{
    enum tg_err err = TG_OK;
    bool owes = false;
    for (uint32_t i = 0; i < limits_count(member->version.image) && err == TG_OK; i++) {
        if (owes_limit(member, i, TG_SCOPE_SUBSCRIBER)) {
            err = limit_line(made, member, i, &owes);
        }
    }
    return err;
}

/* Of one limit of the account: by the first subscription that owes it. */
static enum tg_err account_line(struct tg_bill_assembler *made, const uint32_t *members,
                                uint32_t count, uint32_t limit)
{
    const struct tg_roster *roster = made->catalog->roster;
    enum tg_err err = TG_OK;
    bool owes = false;
    for (uint32_t m = 0; m < count && err == TG_OK && !owes; m++) {
        const struct tg_roster_line *who = tg_roster_line(roster, members[m]);
        struct tg_product local;
        struct tg_bill_member member = tg_bill_account_member(made, members, m);
        if ((who->flags & TG_ROSTER_REMOVED) != 0 || member.version.image == NULL ||
            !owes_limit(&member, limit, TG_SCOPE_ACCOUNT)) {
            continue;
        }
        err = tg_bill_version_localize(made, made->window.end_ns - 1, &local, &member.version);
        if (err == TG_OK) {
            err = limit_line(made, &member, limit, &owes);
        }
    }
    return err;
}

enum tg_err tg_bill_spend_account(struct tg_bill_assembler *made, const uint32_t *members,
                                  uint32_t count)
{
    const struct tg_image *image = tg_catalog_image_at(made->catalog, made->window.end_ns - 1);
    enum tg_err err = TG_OK;
    for (uint32_t i = 0; image != NULL && i < limits_count(image) && err == TG_OK; i++) {
        if (tg_image_spend_limit(image, i)->minimum != 0 &&
            tg_image_spend_limit(image, i)->scope == TG_SCOPE_ACCOUNT) {
            err = account_line(made, members, count, i);
        }
    }
    return err;
}
