/* SPDX-License-Identifier: Apache-2.0 */
#include "rate/credit_state.h"

#include "abi/key.h"
#include "catalog/catalog.h"
#include "rate/call.h"
#include "rate/split.h"

#include <assert.h>
#include <string.h>

/* Terms of an account that may ask for a reservation; NULL: none. */
static const struct tg_roster_credit *terms_of(const struct tg_roster *roster, uint32_t account)
{
    return roster->credits != NULL && account < roster->accounts_count &&
                   roster->credits[account].is_prepaid
               ? &roster->credits[account]
               : NULL;
}

static int64_t clamp(__int128 amount)
{
    return amount > INT64_MAX ? INT64_MAX : amount < INT64_MIN ? INT64_MIN : (int64_t)amount;
}

static struct tg_credit_event *event_add(struct tg_credit *credit, uint32_t account,
                                         enum tg_credit_event_kind kind)
{
    struct tg_credit_account *money = &credit->book->accounts[account];
    assert(credit->events_count < TG_CREDIT_EVENTS_MAX);
    struct tg_credit_event *event = &credit->events[credit->events_count++];
    *event = (struct tg_credit_event){.balance = clamp(money->balance),
                                      .ordinal = ++money->ordinal,
                                      .account = account,
                                      .subscriber = TG_SUBSCRIBER_NONE,
                                      .kind = (uint8_t)kind,
                                      .alerts = money->alerts};
    return event;
}

static struct tg_credit_event *entry_event(struct tg_credit *credit,
                                           const struct tg_credit_entry *entry,
                                           enum tg_credit_event_kind kind, int64_t now_ns,
                                           const struct tg_roster *roster)
{
    struct tg_credit_event *event = event_add(credit, entry->account, kind);
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

/* Which alerts is the balance below? Those that it was not below before are told. */
static bool alerts_follow(struct tg_credit *credit, struct tg_credit_account *account,
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
            line != NULL ? terms_of(roster, line->account) : NULL;
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
        if (alerts_follow(credit, account, terms)) {
            struct tg_credit_event *event = event_add(credit, line->account, TG_CREDIT_ALERT);
            event->at_ns = rows[i].start_ns;
            event->now_ns = rows[i].start_ns;
            event->currency = charge->currency;
            event->record_key = rows[i].record_key;
        }
    }
}

/* What the account has now; the rest of the answer is the request's. */
static void answer_account(const struct tg_credit *credit, const struct tg_roster *roster,
                           uint32_t account, struct tg_credit_answer *answer)
{
    const struct tg_credit_account *money = &credit->book->accounts[account];
    const struct tg_roster_credit *terms = terms_of(roster, account);
    answer->account = account;
    answer->limit = terms != NULL ? terms->limit : 0;
    answer->balance = clamp(money->balance);
    answer->account_held = clamp(money->held);
    answer->available = clamp(money->balance + answer->limit - money->held);
    answer->lapses = tg_credit_lot_next(credit, account, &answer->lapses_ns);
    answer->open_count = money->open_count;
    answer->alerts = money->alerts;
}

static void answer_entry(const struct tg_credit *credit, const struct tg_roster *roster,
                         const struct tg_credit_entry *entry, struct tg_credit_answer *answer)
{
    answer_account(credit, roster, entry->account, answer);
    answer->err = TG_OK;
    answer->at_ns = entry->at_ns;
    answer->valid_to_ns = entry->valid_to_ns;
    answer->held = entry->held;
    answer->granted = entry->granted;
    answer->asked = tg_rate_base_quantity(&entry->row, entry->dimension);
    answer->state = entry->state;
    answer->is_outage = entry->is_outage;
    answer->epoch = entry->epoch > answer->epoch ? entry->epoch : answer->epoch;
}

static void answer_posted(const struct tg_credit_entry *entry, struct tg_credit_answer *answer)
{
    answer->charge = entry->charge;
    answer->used = entry->used;
    answer->fate = entry->fate;
    answer->reason = entry->reason;
    answer->is_over = entry->is_over;
    answer->is_late = entry->is_late;
}

static void refuse(struct tg_credit *credit, struct tg_credit_answer *answer, enum tg_err err)
{
    answer->err = (int16_t)err;
    tg_credit_count(&credit->counts.refused_count, 1);
    tg_credit_count(&credit->counts.full_count, err == TG_E_FULL);
}

static uint64_t content_of(const struct tg_credit_request *request)
{
    struct tg_usage row = request->row;
    row.start_ns = 0; /* a retransmit may be sent with another time */
    row.node_id = 0;  /* and by another node, or behind a new numbering of nodes */
    const int64_t words[5] = {request->validity_ns, request->amount, request->account,
                              request->subscriber, (int64_t)request->wanted};
    const uint64_t hash = tg_key_hash(tg_key_hash(1, &row, sizeof row), words, sizeof words);
    return request->valid_to_ns == 0 ? hash : tg_key_hash(hash, &request->valid_to_ns, 8);
}

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
static struct tg_usage entry_row(const struct tg_credit_entry *entry, uint64_t quantity)
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
        const struct tg_usage row = entry_row(entry, entry->granted);
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
static void holds_follow(struct tg_credit *credit, const struct tg_catalog_snapshot *snapshot,
                         uint32_t account, int64_t now_ns, uint64_t epoch)
{
    const uint32_t count = trial_begin(credit, snapshot, &credit->book->accounts[account]);
    trial_end(credit, count);
    for (uint32_t i = 0; i < count; i++) {
        struct tg_credit_entry *entry = &credit->entries[credit->trial_order[i]];
        const struct tg_charge *charge = &credit->trials[i];
        if (charge->fate == TG_FATE_RATED && charge->amount > entry->held) {
            struct tg_credit_event *event =
                entry_event(credit, entry, TG_CREDIT_HOLD, now_ns, snapshot->roster);
            event->held = entry->held;
            event->amount = charge->amount;
            tg_credit_hold(credit, credit->trial_order[i], charge->amount);
            entry->epoch = epoch;
        }
    }
}

/* Takes what has lapsed of an account. */
static void money_lapse(struct tg_credit *credit, const struct tg_roster *roster, uint32_t account,
                        int64_t now_ns)
{
    struct tg_credit_account *money = &credit->book->accounts[account];
    const struct tg_roster_credit *terms = terms_of(roster, account);
    int64_t valid_to_ns = 0;
    int64_t lapsed;
    bool was_waiting = false;
    while ((lapsed = tg_credit_lot_due(credit, account, now_ns, &valid_to_ns, &was_waiting)) > 0) {
        const int64_t before = clamp(money->balance);
        const bool is_taken = tg_credit_lot_lapse(credit, account, before, lapsed, valid_to_ns);
        assert(is_taken);
        (void)is_taken;
        money->balance -= lapsed;
        if (terms != NULL) {
            (void)alerts_follow(credit, money, terms);
        }
        struct tg_credit_event *event = event_add(credit, account, TG_CREDIT_LAPSE);
        event->at_ns = was_waiting ? now_ns : valid_to_ns;
        event->now_ns = now_ns;
        event->valid_to_ns = valid_to_ns;
        event->amount = -lapsed;
        event->currency = account < roster->accounts_count ? roster->accounts[account].currency : 0;
        tg_credit_count(&credit->counts.lapsed_count, 1);
    }
}

/* How much is granted, and what it costs on top of what is open. */
static enum tg_err grant_find(struct tg_credit *credit, const struct tg_catalog_snapshot *snapshot,
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

static enum tg_err reserve_check(const struct tg_credit *credit, const struct tg_roster *roster,
                                 const struct tg_credit_request *request, uint32_t account,
                                 int64_t now_ns)
{
    if (account >= roster->accounts_count || account >= credit->book->accounts_max) {
        return TG_E_NOT_FOUND;
    }
    if (terms_of(roster, account) == NULL) {
        return TG_E_NOT_PREPAID;
    }
    if (request->at_ns <= credit->forgotten_ns) {
        return TG_E_TOO_OLD;
    }
    return request->at_ns > now_ns + TG_CREDIT_FUTURE_NS ? TG_E_FUTURE_EVENT : TG_OK;
}

static void reserve(struct tg_credit *credit, const struct tg_catalog_snapshot *snapshot,
                    const struct tg_credit_request *request, uint32_t account, uint32_t subscriber,
                    int64_t now_ns, uint64_t epoch, struct tg_credit_answer *answer)
{
    const struct tg_roster *roster = snapshot->roster;
    const uint64_t content = content_of(request);
    const uint32_t known = tg_credit_find(credit, request->id, request->number);
    if (known != CREDIT_NONE) {
        const struct tg_credit_entry *entry = &credit->entries[known];
        if (entry->content != content || entry->state == TG_CREDIT_IS_TOPUP) {
            answer_account(credit, roster, entry->account, answer);
            refuse(credit, answer, TG_E_DUP_CONFLICT);
            return;
        }
        answer_entry(credit, roster, entry, answer);
        answer->is_repeat = true;
        return;
    }
    enum tg_err err = reserve_check(credit, roster, request, account, now_ns);
    if (err != TG_E_NOT_FOUND) {
        answer_account(credit, roster, account, answer);
    }
    if (err != TG_OK) {
        refuse(credit, answer, err);
        return;
    }
    struct tg_credit_entry draft = {.row = request->row,
                                    .at_ns = request->at_ns,
                                    .content = content,
                                    .account = account,
                                    .subscriber = subscriber,
                                    .number = request->number};
    memcpy(draft.id, request->id, sizeof draft.id);
    err = answer->open_count >= TG_CREDIT_OPEN_MAX
              ? TG_E_FULL
              : grant_find(credit, snapshot, answer->available, &draft);
    if (__builtin_add_overflow(request->at_ns, request->validity_ns, &draft.valid_to_ns)) {
        err = TG_E_INVALID;
    }
    const uint32_t at =
        err == TG_OK ? tg_credit_take(credit, request->id, request->number) : CREDIT_NONE;
    if (at == CREDIT_NONE) {
        refuse(credit, answer, err == TG_OK ? TG_E_FULL : err);
        return;
    }
    struct tg_credit_entry *entry = &credit->entries[at];
    draft.hash_next = entry->hash_next;
    draft.epoch = epoch;
    *entry = draft;
    tg_credit_link(credit, at);
    tg_credit_count(&credit->counts.opened_count, 1);
    struct tg_credit_event *event = entry_event(credit, entry, TG_CREDIT_OPEN, now_ns, roster);
    event->row = entry->row;
    event->valid_to_ns = entry->valid_to_ns;
    event->amount = entry->held;
    event->quantity = entry->granted;
    answer_entry(credit, roster, entry, answer);
}

static void topup(struct tg_credit *credit, const struct tg_roster *roster,
                  const struct tg_credit_request *request, int64_t now_ns, uint64_t epoch,
                  struct tg_credit_answer *answer)
{
    const uint64_t content = content_of(request);
    uint32_t at = tg_credit_find(credit, request->id, request->number);
    if (at != CREDIT_NONE) {
        const struct tg_credit_entry *entry = &credit->entries[at];
        if (entry->content != content || entry->state != TG_CREDIT_IS_TOPUP) {
            answer_account(credit, roster, entry->account, answer);
            refuse(credit, answer, TG_E_DUP_CONFLICT);
            return;
        }
        answer_entry(credit, roster, entry, answer);
        answer->charge = entry->charge;
        answer->is_repeat = true;
        return;
    }
    const enum tg_err err = reserve_check(credit, roster, request, request->account, now_ns);
    if (err != TG_OK) {
        refuse(credit, answer, err);
        return;
    }
    struct tg_credit_account *account = &credit->book->accounts[request->account];
    const __int128 balance = account->balance + request->amount;
    const int64_t before = clamp(account->balance);
    if (balance > INT64_MAX || balance < INT64_MIN) {
        refuse(credit, answer, TG_E_OVERFLOW);
        return;
    }
    if (request->valid_to_ns != 0 &&
        (request->valid_to_ns <= now_ns ||
         !tg_credit_lot_fits(credit, request->account, request->valid_to_ns))) {
        refuse(credit, answer, request->valid_to_ns <= now_ns ? TG_E_TOO_OLD : TG_E_FULL);
        return;
    }
    at = tg_credit_take(credit, request->id, request->number);
    if (at == CREDIT_NONE) {
        refuse(credit, answer, TG_E_FULL);
        return;
    }
    struct tg_credit_entry *entry = &credit->entries[at];
    entry->at_ns = request->at_ns;
    entry->charge = request->amount;
    entry->content = content;
    entry->epoch = epoch;
    entry->account = request->account;
    entry->subscriber = TG_SUBSCRIBER_NONE;
    entry->valid_to_ns = request->valid_to_ns;
    entry->state = TG_CREDIT_IS_TOPUP;
    tg_credit_retire(credit, at);
    const bool is_added =
        tg_credit_lot_add(credit, request->account, before, request->amount, request->valid_to_ns);
    assert(is_added);
    (void)is_added;
    account->balance = balance;
    (void)alerts_follow(credit, account, terms_of(roster, request->account));
    tg_credit_count(&credit->counts.topups_count, 1);
    struct tg_credit_event *event = entry_event(credit, entry, TG_CREDIT_TOPUP, now_ns, roster);
    event->amount = request->amount;
    event->valid_to_ns = request->valid_to_ns;
    answer_entry(credit, roster, entry, answer);
    answer->charge = entry->charge;
}

static void release(struct tg_credit *credit, const struct tg_catalog_snapshot *snapshot,
                    uint32_t at, int64_t now_ns, uint64_t epoch, struct tg_credit_answer *answer)
{
    const struct tg_roster *roster = snapshot->roster;
    struct tg_credit_entry *entry = &credit->entries[at];
    if (entry->state == TG_CREDIT_IS_OPEN) {
        tg_credit_close(credit, at, TG_CREDIT_IS_VOIDED);
        entry->epoch = epoch;
        tg_credit_count(&credit->counts.voided_count, 1);
        entry_event(credit, entry, TG_CREDIT_VOID, now_ns, roster)->held = entry->held;
        holds_follow(credit, snapshot, entry->account, now_ns, epoch);
        money_lapse(credit, roster, entry->account, now_ns);
        answer_entry(credit, roster, entry, answer);
        return;
    }
    answer_entry(credit, roster, entry, answer);
    answer->is_repeat = true;
    if (entry->state == TG_CREDIT_IS_POSTED || entry->state == TG_CREDIT_IS_TOPUP) {
        refuse(credit, answer,
               entry->state == TG_CREDIT_IS_POSTED ? TG_E_STATE : TG_E_DUP_CONFLICT);
    }
}

/* The usage row of what was used; after an update more of the session follows. */
static void commit_row(const struct tg_credit_entry *entry, uint64_t used, bool goes_on,
                       struct tg_usage *row, struct tg_charge *charge)
{
    *row = entry_row(entry, used);
    row->flags |= goes_on ? TG_USAGE_PARTIAL : 0;
    *charge = (struct tg_charge){.subscriber = entry->subscriber, .price_id = TG_PRICE_NONE};
}

/* A commit that may happen: the hold ends, and the event's place in the order is taken. */
static bool commit_begin(struct tg_credit *credit, const struct tg_roster *roster, uint32_t at,
                         uint64_t used, struct tg_credit_answer *answer)
{
    struct tg_credit_entry *entry = &credit->entries[at];
    answer_entry(credit, roster, entry, answer);
    if (entry->state == TG_CREDIT_IS_POSTED && entry->used == used) {
        answer_posted(entry, answer);
        answer->is_repeat = true;
        answer->is_committed = true;
        return false;
    }
    if (entry->state != TG_CREDIT_IS_OPEN && entry->state != TG_CREDIT_IS_EXPIRED) {
        refuse(credit, answer,
               entry->state == TG_CREDIT_IS_VOIDED ? TG_E_STATE : TG_E_DUP_CONFLICT);
        return false;
    }
    const uint64_t most = entry->dimension == TG_DIMENSION_TIME ? UINT32_MAX : TG_QUANTITY_MAX;
    if (used > most) {
        refuse(credit, answer, TG_E_OVERFLOW);
        return false;
    }
    entry->is_late = entry->state == TG_CREDIT_IS_EXPIRED;
    if (entry->state == TG_CREDIT_IS_OPEN) {
        tg_credit_close(credit, at, TG_CREDIT_IS_POSTED);
    }
    return true;
}

static void commit_end(struct tg_credit *credit, const struct tg_catalog_snapshot *snapshot,
                       uint32_t at, uint64_t used, int64_t now_ns, uint64_t epoch,
                       const struct tg_usage *row, const struct tg_charge *charge,
                       struct tg_credit_answer *answer)
{
    const struct tg_roster *roster = snapshot->roster;
    struct tg_credit_entry *entry = &credit->entries[at];
    entry->state = TG_CREDIT_IS_POSTED;
    entry->used = used;
    entry->epoch = epoch;
    entry->charge = charge != NULL ? charge->amount : 0;
    entry->fate = charge != NULL ? charge->fate : 0;
    entry->reason = charge != NULL ? charge->reason : TG_OK;
    entry->is_over = charge != NULL && (charge->flags & TG_CHARGE_OVER_CREDIT) != 0;
    tg_credit_count(&credit->counts.posted_count, 1);
    struct tg_credit_event *event = entry_event(credit, entry, TG_CREDIT_POST, now_ns, roster);
    event->amount = entry->charge;
    event->held = entry->is_late ? 0 : entry->held;
    event->quantity = used;
    event->record_key = row != NULL ? row->record_key : 0;
    event->fate = entry->fate;
    event->reason = entry->reason;
    event->is_over = entry->is_over;
    holds_follow(credit, snapshot, entry->account, now_ns, epoch);
    money_lapse(credit, roster, entry->account, now_ns);
    answer_entry(credit, roster, entry, answer);
    answer_posted(entry, answer);
    answer->is_committed = true;
}

/* Which reservation a request ends; CREDIT_NONE: none. */
static uint32_t ended_entry(const struct tg_credit *credit, const struct tg_credit_request *request)
{
    if (request->action == TG_CREDIT_DO_UPDATE) {
        return request->number == 0 ? CREDIT_NONE
                                    : tg_credit_find(credit, request->id, request->number - 1);
    }
    return tg_credit_find(credit, request->id, request->number);
}

/* Second half of an update: a reservation like the one before it, with the new quantity. */
static void update_reserve(struct tg_credit *credit, const struct tg_catalog_snapshot *snapshot,
                           const struct tg_credit_request *request, uint32_t before, int64_t now_ns,
                           uint64_t epoch, struct tg_credit_answer *answer)
{
    const struct tg_credit_entry *entry = &credit->entries[before];
    const struct tg_credit_answer committed = *answer;
    struct tg_credit_request next = *request;
    next.row = tg_grant_cut(&entry->row, entry->dimension, request->wanted);
    next.row.start_ns = request->at_ns;
    next.row.node_id = request->row.node_id != 0 ? request->row.node_id : next.row.node_id;
    *answer = (struct tg_credit_answer){.account = entry->account};
    reserve(credit, snapshot, &next, entry->account, entry->subscriber, now_ns, epoch, answer);
    answer->charge = committed.charge;
    answer->used = committed.used;
    answer->fate = committed.fate;
    answer->reason = committed.reason;
    answer->is_over = committed.is_over;
    answer->is_late = committed.is_late;
    answer->is_outage = committed.is_outage;
    answer->is_committed = true;
    answer->is_repeat = committed.is_repeat && answer->is_repeat;
    answer->epoch = committed.epoch > answer->epoch ? committed.epoch : answer->epoch;
}

static bool end_ask(struct tg_credit *credit, const struct tg_catalog_snapshot *snapshot,
                    const struct tg_credit_request *request, int64_t now_ns, uint64_t epoch,
                    struct tg_credit_answer *answer, struct tg_usage *row, struct tg_charge *charge)
{
    const struct tg_roster *roster = snapshot->roster;
    const uint32_t at = ended_entry(credit, request);
    if (at == CREDIT_NONE) {
        return false; /* another worker's, or nobody's */
    }
    *answer = (struct tg_credit_answer){.account = TG_ACCOUNT_NONE};
    if (request->action == TG_CREDIT_DO_RELEASE) {
        release(credit, snapshot, at, now_ns, epoch, answer);
        return false;
    }
    if (commit_begin(credit, roster, at, request->used, answer)) {
        if (request->used > 0) {
            commit_row(&credit->entries[at], request->used, request->action == TG_CREDIT_DO_UPDATE,
                       row, charge);
            return true;
        }
        commit_end(credit, snapshot, at, 0, now_ns, epoch, NULL, NULL, answer);
    }
    if (request->action == TG_CREDIT_DO_UPDATE && answer->err == TG_OK) {
        update_reserve(credit, snapshot, request, at, now_ns, epoch, answer);
    }
    return false;
}

bool tg_credit_ask(struct tg_credit *credit, const struct tg_catalog_snapshot *snapshot,
                   const struct tg_credit_request *request, int64_t now_ns, uint64_t epoch,
                   struct tg_credit_answer *answer, struct tg_usage *row, struct tg_charge *charge)
{
    const struct tg_roster *roster = snapshot->roster;
    switch (request->action) {
    case TG_CREDIT_DO_RESERVE:
        *answer = (struct tg_credit_answer){.account = request->account};
        reserve(credit, snapshot, request, request->account, request->subscriber, now_ns, epoch,
                answer);
        return false;
    case TG_CREDIT_DO_TOPUP:
        *answer = (struct tg_credit_answer){.account = request->account};
        topup(credit, roster, request, now_ns, epoch, answer);
        return false;
    case TG_CREDIT_DO_BALANCE:
        *answer = (struct tg_credit_answer){.account = request->account};
        if (request->account >= credit->book->accounts_max ||
            terms_of(roster, request->account) == NULL) {
            refuse(credit, answer, TG_E_NOT_PREPAID);
        } else {
            answer_account(credit, roster, request->account, answer);
        }
        return false;
    case TG_CREDIT_DO_UPDATE:
    case TG_CREDIT_DO_COMMIT:
    case TG_CREDIT_DO_RELEASE:
        return end_ask(credit, snapshot, request, now_ns, epoch, answer, row, charge);
    default:
        return false;
    }
}

void tg_credit_finish(struct tg_credit *credit, const struct tg_catalog_snapshot *snapshot,
                      const struct tg_credit_request *request, int64_t now_ns, uint64_t epoch,
                      const struct tg_usage *row, const struct tg_charge *charge,
                      struct tg_credit_answer *answer)
{
    const uint32_t at = ended_entry(credit, request);
    assert(at != CREDIT_NONE);
    commit_end(credit, snapshot, at, request->used, now_ns, epoch, row, charge, answer);
    if (request->action == TG_CREDIT_DO_UPDATE) {
        update_reserve(credit, snapshot, request, at, now_ns, epoch, answer);
    }
}

struct tg_credit_event *tg_credit_give_back(struct tg_credit *credit,
                                            const struct tg_catalog_snapshot *snapshot, uint32_t at,
                                            int64_t now_ns, uint64_t epoch)
{
    struct tg_credit_entry *entry = &credit->entries[at];
    tg_credit_close(credit, at, TG_CREDIT_IS_EXPIRED);
    entry->epoch = epoch;
    tg_credit_count(&credit->counts.expired_count, 1);
    struct tg_credit_event *event =
        entry_event(credit, entry, TG_CREDIT_EXPIRE, now_ns, snapshot->roster);
    event->held = entry->held;
    holds_follow(credit, snapshot, entry->account, now_ns, epoch);
    money_lapse(credit, snapshot->roster, entry->account, now_ns);
    return event;
}

/* Accounts of which something has lapsed, at most so many; fewer: there are no more. */
static uint32_t lots_lapse(struct tg_credit *credit, const struct tg_roster *roster, int64_t now_ns,
                           uint32_t most)
{
    uint32_t count = 0;
    if (credit->lapse_next == 0) {
        if (now_ns < credit->lots_due_ns) {
            return 0;
        }
        credit->lapse_due_ns = INT64_MAX;
    }
    for (; credit->lapse_next < credit->lots_used; credit->lapse_next++) {
        const struct tg_credit_lot *lot = &credit->lots[credit->lapse_next];
        if (!lot->is_used || lot->is_waiting) {
            continue;
        }
        if (lot->valid_to_ns > now_ns) {
            credit->lapse_due_ns =
                lot->valid_to_ns < credit->lapse_due_ns ? lot->valid_to_ns : credit->lapse_due_ns;
            continue;
        }
        if (count == most) {
            return count;
        }
        money_lapse(credit, roster, lot->account, now_ns);
        count++;
    }
    credit->lapse_next = 0;
    __atomic_store_n(&credit->lots_due_ns, credit->lapse_due_ns, __ATOMIC_RELAXED);
    return count;
}

static uint32_t holds_expire(struct tg_credit *credit, const struct tg_catalog_snapshot *snapshot,
                             int64_t now_ns, uint64_t epoch)
{
    uint32_t count = 0;
    if (credit->expire_next == 0) {
        if (now_ns < credit->due_ns) {
            return 0;
        }
        credit->expire_due_ns = INT64_MAX;
    }
    for (; credit->expire_next < credit->used_count; credit->expire_next++) {
        const struct tg_credit_entry *entry = &credit->entries[credit->expire_next];
        if (entry->state != TG_CREDIT_IS_OPEN) {
            continue;
        }
        if (entry->valid_to_ns > now_ns) {
            credit->expire_due_ns = entry->valid_to_ns < credit->expire_due_ns
                                        ? entry->valid_to_ns
                                        : credit->expire_due_ns;
            continue;
        }
        if (count == TG_CREDIT_EXPIRE_MAX) {
            return count;
        }
        (void)tg_credit_give_back(credit, snapshot, credit->expire_next, now_ns, epoch);
        count++;
    }
    credit->expire_next = 0;
    __atomic_store_n(&credit->due_ns, credit->expire_due_ns, __ATOMIC_RELAXED);
    return count;
}

uint32_t tg_credit_expire(struct tg_credit *credit, const struct tg_catalog_snapshot *snapshot,
                          int64_t now_ns, uint64_t epoch)
{
    const uint32_t count = holds_expire(credit, snapshot, now_ns, epoch);
    return count == TG_CREDIT_EXPIRE_MAX
               ? count
               : count + lots_lapse(credit, snapshot->roster, now_ns, TG_CREDIT_EXPIRE_MAX - count);
}

int64_t tg_credit_due_ns(const struct tg_credit *credit)
{
    const int64_t holds_ns = __atomic_load_n(&credit->due_ns, __ATOMIC_RELAXED);
    const int64_t lots_ns = __atomic_load_n(&credit->lots_due_ns, __ATOMIC_RELAXED);
    return holds_ns < lots_ns ? holds_ns : lots_ns;
}

uint32_t tg_credit_list(const struct tg_credit *credit, uint32_t account,
                        struct tg_credit_view *views, uint32_t views_max)
{
    uint32_t count = 0;
    for (uint32_t at = 0; at < credit->used_count; at++) {
        const struct tg_credit_entry *entry = &credit->entries[at];
        if (entry->state != TG_CREDIT_IS_OPEN ||
            (account != TG_ACCOUNT_NONE && entry->account != account)) {
            continue;
        }
        if (count < views_max) {
            struct tg_credit_view *view = &views[count];
            *view = (struct tg_credit_view){.row = entry->row,
                                            .valid_to_ns = entry->valid_to_ns,
                                            .held = entry->held,
                                            .granted = entry->granted,
                                            .account = entry->account,
                                            .subscriber = entry->subscriber,
                                            .number = entry->number};
            memcpy(view->id, entry->id, sizeof view->id);
        }
        count++;
    }
    return count;
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

const struct tg_credit_counts *tg_credit_counts(const struct tg_credit *credit)
{
    return &credit->counts;
}
