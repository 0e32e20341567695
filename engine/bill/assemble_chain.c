/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of subscribers.csv that are one subscription to a bill: who changes the number of seats
 * begins nothing anew. */
#include "bill/assemble_parts.h"

#include "base/clock.h"
#include "bill/members.h"
#include "catalog/roster.h"

#include <string.h>

/* The line before, when that is sold in the same way. Times go down, so that a walk ends. */
static bool before_of(const struct tg_bill_assembler *made, uint32_t subscriber, bool any_product,
                      uint32_t *before)
{
    const struct tg_roster *roster = made->catalog->roster;
    const struct tg_roster_line *line = &roster->lines[subscriber];
    if (roster->changes == NULL || roster->changes[subscriber].before == 0) {
        return false;
    }
    *before = roster->changes[subscriber].before - 1;
    const struct tg_roster_line *other = &roster->lines[*before];
    if (other->active_from_s >= line->active_from_s || other->product == TG_PRODUCT_NONE) {
        return false;
    }
    if (other->product == line->product || !any_product) {
        return other->product == line->product;
    }
    const struct tg_product *sold =
        tg_bill_product_before(made, line->product, made->window.end_ns).product;
    const struct tg_product *was =
        tg_bill_product_before(made, other->product, made->window.end_ns).product;
    return sold != NULL && was != NULL && was->period == sold->period &&
           was->period_from == sold->period_from && was->period_cycles == sold->period_cycles;
}

uint32_t tg_bill_chain_first(const struct tg_bill_assembler *made, uint32_t subscriber)
{
    uint32_t before = 0;
    while (before_of(made, subscriber, false, &before)) {
        subscriber = before;
    }
    return subscriber;
}

int64_t tg_bill_chain_anchor_ns(const struct tg_bill_assembler *made, uint32_t subscriber)
{
    uint32_t before = 0;
    while (before_of(made, subscriber, true, &before)) {
        subscriber = before;
    }
    return (int64_t)made->catalog->roster->lines[subscriber].active_from_s * TG_NS_PER_S;
}

int64_t tg_bill_chain_account_anchor_ns(const struct tg_bill_assembler *made, uint32_t subscriber)
{
    const struct tg_roster *roster = made->catalog->roster;
    const struct tg_bill_members *all = made->members;
    int64_t anchor_ns = tg_bill_chain_anchor_ns(made, subscriber);
    for (uint32_t m = all->first[made->account]; m < all->first[made->account + 1]; m++) {
        const struct tg_roster_line *who = tg_roster_line(roster, all->members[m]);
        if (who->product == roster->lines[subscriber].product &&
            (who->flags & TG_ROSTER_REMOVED) == 0) {
            const int64_t own_ns = tg_bill_chain_anchor_ns(made, all->members[m]);
            anchor_ns = own_ns < anchor_ns ? own_ns : anchor_ns;
        }
    }
    return anchor_ns;
}

uint32_t tg_bill_chain_quantity_new(const struct tg_bill_assembler *made, uint32_t subscriber,
                                    int64_t since_ns)
{
    const struct tg_roster *roster = made->catalog->roster;
    const uint32_t quantity = tg_roster_quantity(&roster->lines[subscriber]);
    uint32_t most = 0;
    uint32_t before = 0;
    while (before_of(made, subscriber, false, &before)) {
        const uint32_t was = tg_roster_quantity(&roster->lines[before]);
        if ((int64_t)roster->lines[before].active_to_s * TG_NS_PER_S <= since_ns) {
            break;
        }
        most = was > most ? was : most;
        subscriber = before;
    }
    return quantity > most ? quantity - most : 0;
}

int64_t tg_bill_chain_taken(const struct tg_bill_assembler *made, uint32_t subscriber,
                            bool is_fixed)
{
    const struct tg_roster_change *changes = made->catalog->roster->changes;
    if (changes == NULL || (changes[subscriber].before == 0 && changes[subscriber].after == 0)) {
        return 0;
    }
    const uint32_t first = tg_bill_chain_first(made, subscriber);
    __int128 taken = 0;
    for (uint32_t i = 0; i < made->lines_count; i++) {
        const struct tg_bill_line *line = &made->lines[i];
        if (line->kind == TG_BILL_LINE_DISCOUNT && line->subscriber != subscriber &&
            (strcmp(line->title, TG_BILL_TITLE_FIXED) == 0) == is_fixed &&
            tg_bill_chain_first(made, line->subscriber) == first) {
            taken -= line->amount_exact;
        }
    }
    return (int64_t)taken; /* Each is at most what the product says. */
}

void tg_bill_chain_account(const struct tg_bill_assembler *made, uint32_t subscriber,
                           struct tg_bill_fee_params *params, bool *is_alone)
{
    const struct tg_roster *roster = made->catalog->roster;
    const struct tg_bill_members *all = made->members;
    *is_alone = true;
    for (uint32_t m = all->first[made->account]; m < all->first[made->account + 1]; m++) {
        const struct tg_roster_line *who = tg_roster_line(roster, all->members[m]);
        if (all->members[m] == subscriber || !tg_bill_is_billed(made, who) ||
            who->product != roster->lines[subscriber].product) {
            continue;
        }
        const struct tg_bill_fee_params other = tg_bill_fee_params_of(made, who);
        *is_alone = false;
        if (other.active_from_ns < params->active_from_ns) {
            params->active_from_ns = other.active_from_ns;
            params->starts_by_change = other.starts_by_change;
            params->starts_on_first_day = other.starts_on_first_day;
            params->change_from = other.change_from;
        }
        if (other.active_to_ns > params->active_to_ns) {
            params->active_to_ns = other.active_to_ns;
            params->ends_by_change = other.ends_by_change;
            params->ends_on_first_day = other.ends_on_first_day;
            params->change_to = other.change_to;
        }
    }
}
