/* SPDX-License-Identifier: Apache-2.0 */
/* What the ranges found, as one: in the order a single one would have found it. */
#include "bill/rerate_parts.h"

#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

static int change_compare(const void *a, const void *b)
{
    const struct tg_rerate_change *left = a;
    const struct tg_rerate_change *right = b;
    if (left->epoch != right->epoch) {
        return left->epoch < right->epoch ? -1 : 1;
    }
    return left->index < right->index ? -1 : left->index > right->index;
}

static int shelf_order(const void *a, const void *b)
{
    const struct tg_adjust_shelf *left = a;
    const struct tg_adjust_shelf *right = b;
    if (left->is_pool != right->is_pool) {
        return left->is_pool ? 1 : -1;
    }
    return left->index < right->index ? -1 : left->index > right->index;
}

static void totals_add(struct tg_rerate *rerate, const struct tg_rerate_change *change)
{
    const struct tg_charge *charge = &change->charge;
    rerate->silent_count += change->is_silent;
    if (rerate->currency == 0 && !rerate->has_currencies) {
        rerate->currency = charge->currency;
    }
    if (rerate->currency != charge->currency) {
        rerate->has_currencies = true;
        rerate->currency = 0;
    }
    rerate->difference += charge->amount;
    rerate->raised += charge->amount > 0 ? charge->amount : 0;
}

/* Accounts that are corrected at all: a row's money or units, or a shelf. */
static void moved_mark(const struct tg_rerate_job *job, uint32_t parts_count, uint8_t *moved)
{
    const struct tg_roster *roster = job->params->catalog->roster;
    memset(moved, 0, (size_t)roster->accounts_count + 1);
    for (uint32_t p = 0; p < parts_count; p++) {
        const struct tg_rerate_change *changes = job->parts[p].changes.items;
        const struct tg_adjust_shelf *shelves = job->parts[p].shelves.items;
        for (uint32_t i = 0; i < job->parts[p].changes.count; i++) {
            const uint32_t account = roster->lines[changes[i].charge.subscriber].account;
            if (!changes[i].is_silent && account < roster->accounts_count) {
                moved[account] = 1;
            }
        }
        for (uint32_t i = 0; i < job->parts[p].shelves.count; i++) {
            const uint32_t account =
                shelves[i].is_pool ? shelves[i].index : roster->lines[shelves[i].index].account;
            if (account < roster->accounts_count) {
                moved[account] = 1;
            }
        }
    }
}

static enum tg_err result_take(struct tg_rerate *rerate, uint64_t changes_count,
                               uint64_t shelves_count, struct tg_why *why)
{
    rerate->changes = tg_pages_take((changes_count + 1) * sizeof rerate->changes[0]);
    rerate->changes_capacity = (uint32_t)changes_count + 1;
    rerate->shelves = tg_pages_take((shelves_count + 1) * sizeof rerate->shelves[0]);
    rerate->shelves_capacity = (uint32_t)shelves_count + 1;
    if (changes_count > TG_RERATE_CHANGES_MAX || shelves_count > TG_RERATE_CHANGES_MAX) {
        return tg_why_set(why, TG_E_FULL,
                          "more than %u rows or shelves change; select fewer accounts or days",
                          TG_RERATE_CHANGES_MAX);
    }
    return rerate->changes != NULL && rerate->shelves != NULL
               ? TG_OK
               : tg_why_set(why, TG_E_NO_MEMORY, "no memory for the differences");
}

/* Of the accounts whose rows came in another order, those that this changes. */
static enum tg_err orders_take(const struct tg_rerate_job *job, struct tg_rerate *rerate,
                               struct tg_why *why)
{
    const uint32_t accounts_count = job->params->catalog->roster->accounts_count;
    uint32_t count = 0;
    for (uint32_t a = 0; a < accounts_count; a++) {
        rerate->late_count += job->late[a] != 0;
        count += job->late[a] != 0 && job->touched[a] != 0;
    }
    rerate->orders = tg_pages_take(((size_t)count + 1) * sizeof rerate->orders[0]);
    rerate->orders_capacity = count + 1;
    if (rerate->orders == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for the differences");
    }
    for (uint32_t a = 0; a < accounts_count; a++) {
        if (job->late[a] != 0 && job->touched[a] != 0) {
            struct tg_adjust_order order = job->order;
            order.account = a;
            rerate->orders[rerate->orders_count++] = order;
        }
    }
    return TG_OK;
}

/* The ranges' findings as one, in the order a single one would have found them. */
enum tg_err tg_rerate_join(struct tg_rerate_job *job, uint32_t parts_count,
                           struct tg_rerate *rerate, struct tg_why *why)
{
    const struct tg_roster *roster = job->params->catalog->roster;
    uint64_t changes_count = 0;
    uint64_t shelves_count = 0;
    struct tg_rerate_place first = {.epoch = UINT64_MAX};
    for (uint32_t p = 0; p < parts_count; p++) {
        changes_count += job->parts[p].changes.count;
        shelves_count += job->parts[p].shelves.count;
    }
    enum tg_err err = result_take(rerate, changes_count, shelves_count, why);
    if (err != TG_OK) {
        return err;
    }
    moved_mark(job, parts_count, job->touched);
    if (job->late != NULL) {
        err = orders_take(job, rerate, why);
    }
    for (uint32_t p = 0; p < parts_count; p++) {
        struct tg_rerate_part *part = &job->parts[p];
        const struct tg_rerate_change *changes = part->changes.items;
        for (uint32_t i = 0; i < part->changes.count; i++) {
            const uint32_t account = roster->lines[changes[i].charge.subscriber].account;
            if (!changes[i].is_silent ||
                (account < roster->accounts_count && job->touched[account] != 0)) {
                rerate->changes[rerate->changes_count++] = changes[i];
            }
        }
        if (part->shelves.count > 0) {
            memcpy(&rerate->shelves[rerate->shelves_count], part->shelves.items,
                   part->shelves.count * sizeof rerate->shelves[0]);
            rerate->shelves_count += part->shelves.count;
        }
        rerate->selected_count += part->selected_count;
        rerate->followers_count += part->followers_count;
        rerate->refused_count += part->refused.count;
        if (part->refused.count > 0 && tg_rerate_place_compare(part->refused.items, &first) < 0) {
            first = *(const struct tg_rerate_place *)part->refused.items;
        }
        rerate->replay.rows_priced_count += part->replay.rows_priced_count;
        rerate->replay.rows_applied_count += part->replay.rows_applied_count;
    }
    rerate->replay.rows_scanned_count = job->parts[0].replay.rows_scanned_count;
    rerate->refused_reason = first.reason;
    if (rerate->changes_count > 1) { /* Ranges, and rows that were sorted, come as they do. */
        qsort(rerate->changes, rerate->changes_count, sizeof rerate->changes[0], change_compare);
    }
    if (rerate->shelves_count > 1) {
        qsort(rerate->shelves, rerate->shelves_count, sizeof rerate->shelves[0], shelf_order);
    }
    for (uint32_t i = 0; i < rerate->changes_count; i++) {
        totals_add(rerate, &rerate->changes[i]);
    }
    return err;
}
