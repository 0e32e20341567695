/* SPDX-License-Identifier: Apache-2.0 */
/* Balances: rows take from them, money lapses, alerts follow, and each change is an event. */
#include "rate/credit_state.h"

#include "catalog/catalog.h"

#include <assert.h>
#include <string.h>

/* Which alerts is the balance below? Those that it was not below before are told. */
bool tg_credit_alerts(struct tg_credit *credit, struct tg_credit_account *account,
                      const struct tg_roster_credit *terms)
{
    uint8_t below = 0;
    for (uint32_t i = 0; i < terms->alerts_count; i++) {
        below |= account->balance < terms->alerts[i] ? (uint8_t)(1u << i) : 0;
    }
    const uint8_t fired = below & (uint8_t)~account->alerts;
    const bool is_changed = below != account->alerts;
    account->alerts = below;
    tg_credit_count(&credit->counts.alerts_count, (uint64_t)__builtin_popcount(fired));
    return is_changed;
}

void tg_credit_debit(struct tg_credit *credit, const struct tg_roster *roster,
                     const struct tg_usage *rows, struct tg_charge *charges, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct tg_charge *charge = &charges[i];
        const struct tg_roster_line *line =
            charge->fate == TG_FATE_RATED ? tg_roster_line(roster, charge->subscriber) : NULL;
        const struct tg_roster_credit *terms =
            line != NULL ? tg_credit_terms(roster, line->account) : NULL;
        if (terms == NULL || line->account >= credit->book->accounts_max ||
            charge->currency != roster->accounts[line->account].currency) {
            continue;
        }
        struct tg_credit_account *account = &credit->book->accounts[line->account];
        account->balance -= charge->amount;
        charge->flags |= TG_CHARGE_PREPAID;
        if (charge->amount > 0 && account->balance + terms->limit < account->held) {
            charge->flags |= TG_CHARGE_OVER_CREDIT;
            tg_credit_count(&credit->counts.over_count, 1);
        }
        if (tg_credit_alerts(credit, account, terms)) {
            struct tg_credit_event *event =
                tg_credit_event_add(credit, line->account, TG_CREDIT_ALERT);
            event->at_ns = rows[i].start_ns;
            event->now_ns = rows[i].start_ns;
            event->currency = charge->currency;
            event->record_key = rows[i].record_key;
        }
    }
}

/* Takes what has lapsed of an account. */
void tg_credit_lapse(struct tg_credit *credit, const struct tg_roster *roster, uint32_t account,
                     int64_t now_ns)
{
    struct tg_credit_account *money = &credit->book->accounts[account];
    const struct tg_roster_credit *terms = tg_credit_terms(roster, account);
    int64_t valid_to_ns = 0;
    int64_t lapsed;
    bool was_waiting = false;
    while ((lapsed = tg_credit_lot_due(credit, account, now_ns, &valid_to_ns, &was_waiting)) > 0) {
        const int64_t before = tg_credit_clamp(money->balance);
        const bool is_taken = tg_credit_lot_lapse(credit, account, before, lapsed, valid_to_ns);
        assert(is_taken);
        (void)is_taken;
        money->balance -= lapsed;
        if (terms != NULL) {
            (void)tg_credit_alerts(credit, money, terms);
        }
        struct tg_credit_event *event = tg_credit_event_add(credit, account, TG_CREDIT_LAPSE);
        event->at_ns = was_waiting ? now_ns : valid_to_ns;
        event->now_ns = now_ns;
        event->valid_to_ns = valid_to_ns;
        event->amount = -lapsed;
        event->currency = account < roster->accounts_count ? roster->accounts[account].currency : 0;
        tg_credit_count(&credit->counts.lapsed_count, 1);
    }
}

struct tg_credit_event *tg_credit_event_add(struct tg_credit *credit, uint32_t account,
                                            enum tg_credit_event_kind kind)
{
    struct tg_credit_account *money = &credit->book->accounts[account];
    assert(credit->events_count < TG_CREDIT_EVENTS_MAX);
    struct tg_credit_event *event = &credit->events[credit->events_count++];
    *event = (struct tg_credit_event){.balance = tg_credit_clamp(money->balance),
                                      .ordinal = ++money->ordinal,
                                      .account = account,
                                      .subscriber = TG_SUBSCRIBER_NONE,
                                      .kind = (uint8_t)kind,
                                      .alerts = money->alerts};
    return event;
}

struct tg_credit_event *tg_credit_event_of(struct tg_credit *credit,
                                           const struct tg_credit_entry *entry,
                                           enum tg_credit_event_kind kind, int64_t now_ns,
                                           const struct tg_roster *roster)
{
    struct tg_credit_event *event = tg_credit_event_add(credit, entry->account, kind);
    memcpy(event->id, entry->id, sizeof event->id);
    event->at_ns = entry->at_ns;
    event->now_ns = now_ns;
    event->content = entry->content;
    event->subscriber = entry->subscriber;
    event->number = entry->number;
    event->dimension = entry->dimension;
    event->currency =
        entry->account < roster->accounts_count ? roster->accounts[entry->account].currency : 0;
    return event;
}

const struct tg_credit_event *tg_credit_events(const struct tg_credit *credit, uint32_t *count)
{
    *count = credit->events_count;
    return credit->events;
}

void tg_credit_events_done(struct tg_credit *credit)
{
    credit->events_count = 0;
}
