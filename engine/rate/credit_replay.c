/* SPDX-License-Identifier: Apache-2.0 */
/* The journal's events and rows give the table again: the same entries in the same order. */
#include "rate/credit_state.h"

#include <string.h>

static enum tg_err open_replay(struct tg_credit *credit, const struct tg_credit_event *event)
{
    if (tg_credit_find(credit, event->id, event->number) != CREDIT_NONE) {
        return TG_E_CORRUPT;
    }
    const uint32_t at = tg_credit_take(credit, event->id, event->number);
    if (at == CREDIT_NONE) {
        return TG_E_FULL;
    }
    struct tg_credit_entry *entry = &credit->entries[at];
    entry->row = event->row;
    entry->at_ns = event->at_ns;
    entry->valid_to_ns = event->valid_to_ns;
    entry->content = event->content;
    entry->account = event->account;
    entry->subscriber = event->subscriber;
    entry->dimension = event->dimension;
    if (event->kind == TG_CREDIT_TOPUP) {
        entry->charge = event->amount;
        entry->state = TG_CREDIT_IS_TOPUP;
        credit->book->accounts[event->account].balance += event->amount;
        tg_credit_retire(credit, at);
        tg_credit_count(&credit->counts.topups_count, 1);
        return tg_credit_lot_add(credit, event->account, event->balance - event->amount,
                                 event->amount, event->valid_to_ns)
                   ? TG_OK
                   : TG_E_FULL;
    }
    entry->held = event->amount;
    entry->granted = event->quantity;
    tg_credit_link(credit, at);
    tg_credit_count(&credit->counts.opened_count, 1);
    return TG_OK;
}

static enum tg_err end_replay(struct tg_credit *credit, const struct tg_credit_event *event)
{
    const uint32_t at = tg_credit_find(credit, event->id, event->number);
    struct tg_credit_entry *entry = at != CREDIT_NONE ? &credit->entries[at] : NULL;
    const bool is_post = event->kind == TG_CREDIT_POST;
    if (entry == NULL ||
        (entry->state != TG_CREDIT_IS_OPEN && !(is_post && entry->state == TG_CREDIT_IS_EXPIRED))) {
        return TG_E_CORRUPT;
    }
    entry->is_late = entry->state == TG_CREDIT_IS_EXPIRED;
    if (!entry->is_late) {
        tg_credit_close(credit, at,
                        is_post                           ? TG_CREDIT_IS_POSTED
                        : event->kind == TG_CREDIT_EXPIRE ? TG_CREDIT_IS_EXPIRED
                                                          : TG_CREDIT_IS_VOIDED);
    }
    if (is_post) {
        entry->state = TG_CREDIT_IS_POSTED;
        entry->charge = event->amount;
        entry->used = event->quantity;
        entry->fate = event->fate;
        entry->reason = event->reason;
        entry->is_over = event->is_over != 0;
    }
    if (event->kind == TG_CREDIT_EXPIRE && event->is_outage != 0) {
        entry->is_outage = true;
        tg_credit_count(&credit->counts.outages_count, 1);
    }
    tg_credit_count(is_post                           ? &credit->counts.posted_count
                    : event->kind == TG_CREDIT_EXPIRE ? &credit->counts.expired_count
                                                      : &credit->counts.voided_count,
                    1);
    return TG_OK;
}

static enum tg_err hold_replay(struct tg_credit *credit, const struct tg_credit_event *event)
{
    const uint32_t at = tg_credit_find(credit, event->id, event->number);
    if (at == CREDIT_NONE || credit->entries[at].state != TG_CREDIT_IS_OPEN) {
        return TG_E_CORRUPT;
    }
    tg_credit_hold(credit, at, event->amount);
    return TG_OK;
}

static enum tg_err lapse_replay(struct tg_credit *credit, const struct tg_credit_event *event)
{
    if (event->amount >= 0 ||
        !tg_credit_lot_lapse(credit, event->account, event->balance - event->amount, -event->amount,
                             event->valid_to_ns)) {
        return TG_E_CORRUPT;
    }
    credit->book->accounts[event->account].balance += event->amount;
    tg_credit_count(&credit->counts.lapsed_count, 1);
    return TG_OK;
}

enum tg_err tg_credit_replay(struct tg_credit *credit, const struct tg_credit_event *event)
{
    if (event->account >= credit->book->accounts_max) {
        return TG_E_CORRUPT;
    }
    struct tg_credit_account *account = &credit->book->accounts[event->account];
    if (event->ordinal != account->ordinal + 1) {
        return TG_E_CORRUPT;
    }
    account->ordinal = event->ordinal;
    const uint8_t fired = event->alerts & (uint8_t)~account->alerts;
    account->alerts = event->alerts;
    tg_credit_count(&credit->counts.alerts_count, (uint64_t)__builtin_popcount(fired));
    switch (event->kind) {
    case TG_CREDIT_OPEN:
    case TG_CREDIT_TOPUP:
        return open_replay(credit, event);
    case TG_CREDIT_POST:
    case TG_CREDIT_VOID:
    case TG_CREDIT_EXPIRE:
        return end_replay(credit, event);
    case TG_CREDIT_HOLD:
        return hold_replay(credit, event);
    case TG_CREDIT_LAPSE:
        return lapse_replay(credit, event);
    default:
        return event->kind == TG_CREDIT_ALERT ? TG_OK : TG_E_CORRUPT;
    }
}

void tg_credit_replay_row(struct tg_credit *credit, uint32_t account,
                          const struct tg_charge *charge)
{
    if ((charge->flags & TG_CHARGE_PREPAID) != 0 && account < credit->book->accounts_max) {
        credit->book->accounts[account].balance -= charge->amount;
        tg_credit_count(&credit->counts.over_count, (charge->flags & TG_CHARGE_OVER_CREDIT) != 0);
    }
}
