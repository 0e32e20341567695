/* SPDX-License-Identifier: Apache-2.0 */
/* Money with an end. An account has a lot for each time at which some lapses, the soonest first.
 *
 * (1) What is used comes off the soonest lot, then off money without an end.
 * (2) Lots are settled when they change: what the balance fell by since the last time was used.
 *     Rows of prepaid accounts know nothing of lots, and the order of rows and events in a block of
 *     the journal does not matter, as each event says which balance it found.
 * (3) What lots hold together is never more than the balance: a top-up pays debts first.
 * (4) Reservations hold the soonest money. At its end a lot lapses down to that; the rest waits,
 *     and lapses when the reservation has ended and did not use it. */
#include "rate/credit_state.h"

static struct tg_credit_lot *lot_at(const struct tg_credit *credit, uint32_t link)
{
    return link != 0 ? &credit->lots[link - 1] : NULL;
}

/* What a lot has left when so much was used; what it did not cover stays in used. */
static int64_t left_of(const struct tg_credit_lot *lot, __int128 *used)
{
    const int64_t taken = *used <= 0 ? 0 : *used < lot->left ? (int64_t)*used : lot->left;
    *used -= taken;
    return lot->left - taken;
}

/* Takes what was used since the last time. Only where the journal keeps an event: looking at lots
 * in between settles nothing, or replay would come to another sum where usage was given back. */
static void settle(struct tg_credit *credit, struct tg_credit_account *account, int64_t balance)
{
    __int128 used = (__int128)account->settled - balance;
    for (struct tg_credit_lot *lot = lot_at(credit, account->lot_first); lot != NULL;
         lot = lot_at(credit, lot->next)) {
        lot->left = left_of(lot, &used);
    }
    account->settled = balance;
}

/* Lots with nothing left go; the first in the list and any other. */
static void empty_free(struct tg_credit *credit, struct tg_credit_account *account)
{
    uint32_t *link = &account->lot_first;
    while (*link != 0) {
        struct tg_credit_lot *lot = lot_at(credit, *link);
        if (lot->left > 0) {
            link = &lot->next;
            continue;
        }
        const uint32_t gone = *link;
        *link = lot->next;
        *lot = (struct tg_credit_lot){.next = credit->lot_free};
        credit->lot_free = gone;
    }
}

bool tg_credit_lot_fits(const struct tg_credit *credit, uint32_t account, int64_t valid_to_ns)
{
    const struct tg_credit_account *money = &credit->book->accounts[account];
    __int128 used = money->settled - money->balance;
    uint32_t count = 0;
    for (const struct tg_credit_lot *lot = lot_at(credit, money->lot_first); lot != NULL;
         lot = lot_at(credit, lot->next)) {
        const bool is_there = left_of(lot, &used) > 0;
        if (is_there && lot->valid_to_ns == valid_to_ns) {
            return true;
        }
        count += is_there;
    }
    return count < TG_CREDIT_LOTS_MAX &&
           (credit->lot_free != 0 || credit->lots_used < credit->entries_max);
}

/* The lot of a time, made when there is none. */
static struct tg_credit_lot *lot_take(struct tg_credit *credit, uint32_t account,
                                      int64_t valid_to_ns)
{
    uint32_t *link = &credit->book->accounts[account].lot_first;
    while (*link != 0 && lot_at(credit, *link)->valid_to_ns < valid_to_ns) {
        link = &lot_at(credit, *link)->next;
    }
    struct tg_credit_lot *lot = lot_at(credit, *link);
    if (lot != NULL && lot->valid_to_ns == valid_to_ns) {
        return lot;
    }
    const uint32_t taken = credit->lot_free != 0 ? credit->lot_free : ++credit->lots_used;
    lot = lot_at(credit, taken);
    credit->lot_free = credit->lot_free != 0 ? lot->next : 0;
    *lot = (struct tg_credit_lot){
        .valid_to_ns = valid_to_ns, .account = account, .next = *link, .is_used = true};
    *link = taken;
    if (valid_to_ns < credit->lots_due_ns) {
        __atomic_store_n(&credit->lots_due_ns, valid_to_ns, __ATOMIC_RELAXED);
    }
    return lot;
}

bool tg_credit_lot_add(struct tg_credit *credit, uint32_t account, int64_t before, int64_t amount,
                       int64_t valid_to_ns)
{
    struct tg_credit_account *money = &credit->book->accounts[account];
    settle(credit, money, before);
    if (amount <= 0) {
        return true; /* taken like usage: the next time settles it */
    }
    empty_free(credit, money);
    __int128 room = (__int128)before + amount;
    money->settled = (int64_t)room;
    uint32_t count = 0;
    for (const struct tg_credit_lot *lot = lot_at(credit, money->lot_first); lot != NULL;
         lot = lot_at(credit, lot->next)) {
        room -= lot->left;
        count += lot->valid_to_ns != valid_to_ns;
    }
    const int64_t left = room < 0 ? 0 : room < amount ? (int64_t)room : amount;
    if (valid_to_ns == 0 || left == 0) {
        return true;
    }
    if (count >= TG_CREDIT_LOTS_MAX ||
        (credit->lot_free == 0 && credit->lots_used == credit->entries_max)) {
        return false;
    }
    lot_take(credit, account, valid_to_ns)->left += left;
    return true;
}

bool tg_credit_lot_lapse(struct tg_credit *credit, uint32_t account, int64_t before, int64_t lapsed,
                         int64_t valid_to_ns)
{
    struct tg_credit_account *money = &credit->book->accounts[account];
    settle(credit, money, before);
    struct tg_credit_lot *lot = lot_at(credit, money->lot_first);
    while (lot != NULL && lot->valid_to_ns != valid_to_ns) {
        lot = lot_at(credit, lot->next);
    }
    if (lot == NULL || lapsed <= 0 || lot->left < lapsed) {
        return false;
    }
    lot->left -= lapsed;
    money->settled = before - lapsed;
    empty_free(credit, money);
    return true;
}

int64_t tg_credit_lot_due(struct tg_credit *credit, uint32_t account, int64_t now_ns,
                          int64_t *valid_to_ns, bool *was_waiting)
{
    const struct tg_credit_account *money = &credit->book->accounts[account];
    __int128 used = money->settled - money->balance;
    __int128 held = money->held;
    for (struct tg_credit_lot *lot = lot_at(credit, money->lot_first);
         lot != NULL && lot->valid_to_ns <= now_ns; lot = lot_at(credit, lot->next)) {
        const int64_t left = left_of(lot, &used);
        const int64_t kept = held < left ? (int64_t)held : left;
        held -= kept;
        if (left > kept) {
            *valid_to_ns = lot->valid_to_ns;
            *was_waiting = lot->is_waiting;
            return left - kept;
        }
        lot->is_waiting = true;
    }
    return 0;
}

int64_t tg_credit_lot_next(const struct tg_credit *credit, uint32_t account, int64_t *valid_to_ns)
{
    const struct tg_credit_account *money = &credit->book->accounts[account];
    __int128 used = money->settled - money->balance;
    *valid_to_ns = 0;
    for (const struct tg_credit_lot *lot = lot_at(credit, money->lot_first); lot != NULL;
         lot = lot_at(credit, lot->next)) {
        const int64_t left = left_of(lot, &used);
        if (left > 0) {
            *valid_to_ns = lot->valid_to_ns;
            return left;
        }
    }
    return 0;
}
