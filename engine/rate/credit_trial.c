/* SPDX-License-Identifier: Apache-2.0 */
/* What reservations cost, found on counters that are put back: an account's open ones are used to
 * the full, oldest first, and a new one is priced on top of them. */
#include "rate/credit_state.h"

#include "abi/key.h"
#include "catalog/catalog.h"
#include "rate/call.h"
#include "rate/split.h"

#include <assert.h>

/* All rows of an id are one call to the rate stage, told by source, number and key (rate/call.h);
 * the key is a function of the reservation, so that the duplicate check would find it twice. */
static void row_name(const struct tg_credit_entry *entry, struct tg_usage *row)
{
    row->source_id = TG_CREDIT_SOURCE_ID;
    row->sequence = entry->number;
    row->record_key = tg_call_record_key(tg_key_hash(0, entry->id, TG_CREDIT_ID_BYTES),
                                         entry->number, row->start_ns);
}

/* The usage row of a quantity of a reservation. */
struct tg_usage tg_credit_entry_row(const struct tg_credit_entry *entry, uint64_t quantity)
{
    struct tg_usage row = tg_grant_cut(&entry->row, entry->dimension, quantity);
    row_name(entry, &row);
    return row;
}

/* Uses the account's open reservations to the full, oldest first, until trial_end. */
static uint32_t trial_begin(struct tg_credit *credit, const struct tg_catalog_snapshot *snapshot,
                            const struct tg_credit_account *account)
{
    uint32_t count = account->open_count;
    uint32_t at = account->open_first - 1;
    assert(count <= TG_CREDIT_OPEN_MAX);
    for (uint32_t i = count; i > 0; i--) {
        credit->trial_order[i - 1] = at;
        at = credit->entries[at].after;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct tg_credit_entry *entry = &credit->entries[credit->trial_order[i]];
        const struct tg_usage row = tg_credit_entry_row(entry, entry->granted);
        credit->trials[i] = (struct tg_charge){.subscriber = entry->subscriber};
        tg_grant_keep(tg_rate_accounts(credit->trial), snapshot->roster, entry->subscriber,
                      entry->account, &credit->kept[i]);
        tg_rate_run(credit->trial, snapshot, &row, &credit->trials[i], 1);
    }
    return count;
}

static void trial_end(struct tg_credit *credit, uint32_t count)
{
    while (count > 0) {
        tg_grant_put(tg_rate_accounts(credit->trial), &credit->kept[--count]);
    }
}

/* A reservation has ended: those left may cost more now, and hold it. */
void tg_credit_holds_follow(struct tg_credit *credit, const struct tg_catalog_snapshot *snapshot,
                            uint32_t account, int64_t now_ns, uint64_t epoch)
{
    const uint32_t count = trial_begin(credit, snapshot, &credit->book->accounts[account]);
    trial_end(credit, count);
    for (uint32_t i = 0; i < count; i++) {
        struct tg_credit_entry *entry = &credit->entries[credit->trial_order[i]];
        const struct tg_charge *charge = &credit->trials[i];
        if (charge->fate == TG_FATE_RATED && charge->amount > entry->held) {
            struct tg_credit_event *event =
                tg_credit_event_of(credit, entry, TG_CREDIT_HOLD, now_ns, snapshot->roster);
            event->held = entry->held;
            event->amount = charge->amount;
            tg_credit_hold(credit, credit->trial_order[i], charge->amount);
            entry->epoch = epoch;
        }
    }
}

/* How much is granted, and what it costs on top of what is open. */
enum tg_err tg_credit_grant(struct tg_credit *credit, const struct tg_catalog_snapshot *snapshot,
                            int64_t available, struct tg_credit_entry *entry)
{
    struct tg_usage asked_row = entry->row;
    struct tg_accounts *accounts = tg_rate_accounts(credit->trial);
    struct tg_charge charge = {.subscriber = entry->subscriber};
    struct tg_rate_trace trace;
    const uint32_t count = trial_begin(credit, snapshot, &credit->book->accounts[entry->account]);
    row_name(entry, &asked_row);
    tg_grant_keep(accounts, snapshot->roster, entry->subscriber, entry->account,
                  &credit->kept[TG_CREDIT_OPEN_MAX]);
    tg_rate_run_traced(credit->trial, snapshot, &asked_row, &charge, 1, &trace);
    tg_grant_put(accounts, &credit->kept[TG_CREDIT_OPEN_MAX]);
    enum tg_err err = TG_OK;
    if (charge.fate != TG_FATE_RATED) {
        err = (enum tg_err)charge.reason;
    } else if (charge.currency != snapshot->roster->accounts[entry->account].currency) {
        err = TG_E_NO_EXCHANGE_RATE;
    } else {
        entry->dimension = tg_grant_dimension(snapshot, &asked_row, &trace);
        const struct tg_grant_row row = {.snapshot = snapshot,
                                         .row = &asked_row,
                                         .subscriber = entry->subscriber,
                                         .dimension = entry->dimension};
        const struct tg_grant_bounds bounds = {.credit_max = available};
        const uint64_t asked = tg_rate_base_quantity(&asked_row, entry->dimension);
        entry->granted = tg_grant_search(credit->trial, &row, asked, &bounds, &entry->held);
        entry->held = entry->held > 0 ? entry->held : 0;
        err = entry->granted > 0 ? TG_OK : TG_E_NO_CREDIT;
    }
    trial_end(credit, count);
    return err;
}
