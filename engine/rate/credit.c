/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and their answers; what they do to money, prices and the table is in the other
 * credit*.c. */
#include "rate/credit_state.h"

#include "abi/key.h"
#include "catalog/catalog.h"
#include "rate/split.h"

#include <assert.h>
#include <string.h>

/* What the account has now; the rest of the answer is the request's. */
static void answer_account(const struct tg_credit *credit, const struct tg_roster *roster,
                           uint32_t account, struct tg_credit_answer *answer)
{
    const struct tg_credit_account *money = &credit->book->accounts[account];
    const struct tg_roster_credit *terms = tg_credit_terms(roster, account);
    answer->account = account;
    answer->limit = terms != NULL ? terms->limit : 0;
    answer->balance = tg_credit_clamp(money->balance);
    answer->account_held = tg_credit_clamp(money->held);
    answer->available = tg_credit_clamp(money->balance + answer->limit - money->held);
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

static enum tg_err reserve_check(const struct tg_credit *credit, const struct tg_roster *roster,
                                 const struct tg_credit_request *request, uint32_t account,
                                 int64_t now_ns)
{
    if (account >= roster->accounts_count || account >= credit->book->accounts_max) {
        return TG_E_NOT_FOUND;
    }
    if (tg_credit_terms(roster, account) == NULL) {
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
              : tg_credit_grant(credit, snapshot, answer->available, &draft);
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
    struct tg_credit_event *event =
        tg_credit_event_of(credit, entry, TG_CREDIT_OPEN, now_ns, roster);
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
    const int64_t before = tg_credit_clamp(account->balance);
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
    (void)tg_credit_alerts(credit, account, tg_credit_terms(roster, request->account));
    tg_credit_count(&credit->counts.topups_count, 1);
    struct tg_credit_event *event =
        tg_credit_event_of(credit, entry, TG_CREDIT_TOPUP, now_ns, roster);
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
        tg_credit_event_of(credit, entry, TG_CREDIT_VOID, now_ns, roster)->held = entry->held;
        tg_credit_holds_follow(credit, snapshot, entry->account, now_ns, epoch);
        tg_credit_lapse(credit, roster, entry->account, now_ns);
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
    *row = tg_credit_entry_row(entry, used);
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
    struct tg_credit_event *event =
        tg_credit_event_of(credit, entry, TG_CREDIT_POST, now_ns, roster);
    event->amount = entry->charge;
    event->held = entry->is_late ? 0 : entry->held;
    event->quantity = used;
    event->record_key = row != NULL ? row->record_key : 0;
    event->fate = entry->fate;
    event->reason = entry->reason;
    event->is_over = entry->is_over;
    tg_credit_holds_follow(credit, snapshot, entry->account, now_ns, epoch);
    tg_credit_lapse(credit, roster, entry->account, now_ns);
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
            tg_credit_terms(roster, request->account) == NULL) {
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
