/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Prepaid: balances, what is held of them, and the reservations that hold it.
 *
 *  Source: reference rating-semantics 4.13; two-phase transfers with timeout.
 *  Threads: one writer an account, the rate worker of its shard. It is the only thread that may
 *  read the counters and allowances a price depends on, and it sees the account's rows in the order
 *  in which they are journaled; the control thread would need a lock or a stale copy of both.
 *  Counts are read by anyone, relaxed. Allocates: in open and create only; address space, memory
 *  when used. Cost: a row of a prepaid account one cache line; no other row pays anything. A
 *  reservation about thirty ratings, and one for each that its account has open.
 *
 *  Invariants:
 *  (1) balance = top-ups - amounts of the account's rows that carry TG_CHARGE_PREPAID - what has
 *      lapsed of top-ups with an end: what was not used and is not held, soonest end first.
 *  (2) held = sum of what the account's open reservations hold.
 *  (3) A reservation is only made within available = balance + limit - held, so reservations alone
 *      never take an account below -limit. Usage that was delivered is charged even beyond it and
 *      the row says so (TG_CHARGE_OVER_CREDIT).
 *  (4) Every change is a tg_credit_event or a flagged row; both replayed in journal order give the
 *      same state (tg_credit_replay, tg_credit_replay_row).
 *  (5) An id is remembered till its entry is forgotten; what is forgotten is the longest closed,
 * and a new request at or before the time of a forgotten one is refused (TG_E_TOO_OLD): no request
 *      takes effect twice. Open reservations are never forgotten: then the table is TG_E_FULL.
 *
 *  Reservations share their account's allowances and tiers. So a new one is priced on top of the
 *  open ones, oldest first, and whenever one ends, those left are priced again and hold more where
 *  they would now cost more. Then what an account holds is always what its open reservations cost
 *  if all are used to the full; the raise never passes what the ended one gave back, as long as
 *  using less never costs more in all. Usage that comes another way is not foreseen.
 */
#ifndef TG_RATE_CREDIT_H
#define TG_RATE_CREDIT_H

#include "base/error.h"
#include "rate/rate.h"
#include "record/charge.h"
#include "record/credit.h"

#include <stdbool.h>
#include <stdint.h>

struct tg_catalog_snapshot;
struct tg_roster;

/** Open reservations of one account, at most: each is priced again for a new one. */
#define TG_CREDIT_OPEN_MAX 32u
/** Events that may wait for the journal: a batch of rows, and a few. */
#define TG_CREDIT_EVENTS_MAX (TG_BATCH_ROWS_MAX + 128u)
/** Reservations that one tg_credit_expire or _return closes: each may raise all others of its
 *  account. */
#define TG_CREDIT_EXPIRE_MAX 8u
/** Times at which money of one account lapses, at most: top-ups until one time are one. */
#define TG_CREDIT_LOTS_MAX 8u
/** Longest validity of a reservation: 30 days. */
#define TG_CREDIT_VALIDITY_NS_MAX (INT64_C(30) * 86400 * 1000000000)
/** A request later than the time given by more than this is TG_E_FUTURE_EVENT. */
#define TG_CREDIT_FUTURE_NS (INT64_C(3600) * 1000000000)

/** @brief What to do. */
enum tg_credit_action {
    TG_CREDIT_DO_RESERVE = 1, /**< Hold the price of a quantity. */
    TG_CREDIT_DO_UPDATE = 2,  /**< Commit reservation number - 1 and make reservation number. */
    TG_CREDIT_DO_COMMIT = 3,  /**< Charge what was used, free the rest. */
    TG_CREDIT_DO_RELEASE = 4, /**< Nothing was used. */
    TG_CREDIT_DO_TOPUP = 5,   /**< Add to the balance, or take from it. */
    TG_CREDIT_DO_BALANCE = 6, /**< Read. */
    TG_CREDIT_DO_LIST = 7     /**< Read open reservations. */
};

/** @brief Where a reservation or top-up stands. */
enum tg_credit_state {
    TG_CREDIT_IS_NONE = 0,    /**< There is none. */
    TG_CREDIT_IS_OPEN = 1,    /**< Holds. */
    TG_CREDIT_IS_POSTED = 2,  /**< Committed. */
    TG_CREDIT_IS_VOIDED = 3,  /**< Released. */
    TG_CREDIT_IS_EXPIRED = 4, /**< Came back by itself. */
    TG_CREDIT_IS_TOPUP = 5    /**< A top-up, done. */
};

/** @brief A request. */
struct tg_credit_request {
    struct tg_usage row;         /**< RESERVE: what, with the wanted quantity. */
    char id[TG_CREDIT_ID_BYTES]; /**< NUL-filled; RESERVE .. TOPUP. */
    int64_t at_ns;               /**< Event time. */
    int64_t validity_ns;         /**< RESERVE, UPDATE: 1..TG_CREDIT_VALIDITY_NS_MAX. */
    int64_t amount;              /**< TOPUP. */
    int64_t valid_to_ns;         /**< TOPUP: until when it may be used; 0: for ever. */
    uint64_t used;               /**< COMMIT, UPDATE: quantity, base units. */
    uint64_t wanted;             /**< UPDATE: quantity of the new reservation, base units. */
    uint32_t account;            /**< RESERVE, TOPUP, BALANCE; else TG_ACCOUNT_NONE: by id. */
    uint32_t subscriber;         /**< RESERVE; else TG_SUBSCRIBER_NONE. */
    uint32_t number;             /**< Which reservation of the id. */
    uint8_t action;              /**< enum tg_credit_action. */
    uint8_t reserved[3];         /**< 0. */
};

/** @brief The answer. */
struct tg_credit_answer {
    int64_t at_ns;        /**< Of the reservation or top-up. */
    int64_t valid_to_ns;  /**< Of the reservation or top-up; of a top-up 0: none. */
    int64_t held;         /**< Held by the reservation while it was open. */
    int64_t charge;       /**< COMMIT, UPDATE: of the used quantity; TOPUP: added. */
    int64_t balance;      /**< Of the account now. */
    int64_t account_held; /**< Of the account now. */
    int64_t available;    /**< Of the account now: balance + limit - held. */
    int64_t limit;        /**< Of the account. */
    int64_t lapses;       /**< Of the account now: what lapses next. */
    int64_t lapses_ns;    /**< When it does; 0: nothing will. */
    uint64_t asked;       /**< RESERVE, UPDATE. */
    uint64_t granted;     /**< RESERVE, UPDATE; COMMIT, RELEASE: had been. */
    uint64_t used;        /**< COMMIT, UPDATE. */
    uint64_t epoch;       /**< Durable before this may be told; 0: nothing was written. */
    uint32_t account;     /**< Dense index; TG_ACCOUNT_NONE unknown. */
    uint32_t open_count;  /**< Open reservations of the account. */
    int16_t err;          /**< enum tg_err: TG_E_NOT_FOUND, TG_E_NO_CREDIT, TG_E_NOT_PREPAID,
                               TG_E_DUP_CONFLICT (same id, other content), TG_E_STATE (committed or
                               released already), TG_E_FULL, TG_E_TOO_OLD, TG_E_FUTURE_EVENT,
                               TG_E_OVERFLOW, or why the row cannot be priced. */
    int16_t reason;       /**< COMMIT, UPDATE: enum tg_err of the row. */
    uint8_t fate;         /**< COMMIT, UPDATE: enum tg_fate of the row; 0 without one. */
    uint8_t state;        /**< enum tg_credit_state. */
    uint8_t alerts;       /**< Bits: alerts that the balance is below. */
    bool is_repeat;       /**< The id was known: this is the answer given before. */
    bool is_committed;    /**< UPDATE: the first half is done even if err is not TG_OK. */
    bool is_over;         /**< COMMIT, UPDATE: the charge is more than there was. */
    bool is_late;         /**< COMMIT, UPDATE: the reservation had expired. */
    bool is_outage;       /**< It expired as its node was down. */
};

/** @brief A reservation as listed. */
struct tg_credit_view {
    struct tg_usage row;         /**< What was asked for. */
    char id[TG_CREDIT_ID_BYTES]; /**< NUL-filled. */
    int64_t valid_to_ns;         /**< When it returns. */
    int64_t held;                /**< What it holds. */
    uint64_t granted;            /**< Quantity. */
    uint32_t account;            /**< Dense index. */
    uint32_t subscriber;         /**< Dense index. */
    uint32_t number;             /**< Which of the id. */
    uint32_t reserved;           /**< 0. */
};

/** @brief What happened, from the journal's beginning; relaxed readers. */
struct tg_credit_counts {
    uint64_t opened_count;    /**< Reservations made. */
    uint64_t posted_count;    /**< Committed. */
    uint64_t voided_count;    /**< Released. */
    uint64_t expired_count;   /**< Returned by themselves. */
    uint64_t outages_count;   /**< Of these, as their node was down. */
    uint64_t topups_count;    /**< Top-ups. */
    uint64_t lapsed_count;    /**< Times that money lapsed. */
    uint64_t refused_count;   /**< Requests refused; since start. */
    uint64_t full_count;      /**< Of these, as the table or the account was full. */
    uint64_t forgotten_count; /**< Closed entries forgotten to make room. */
    uint64_t over_count;      /**< Rows rated beyond the credit. */
    uint64_t alerts_count;    /**< Alerts that fired. */
    uint64_t open_count;      /**< Open now. */
};

/** @brief Balances of all accounts, shared by the workers, each account written by its own. */
struct tg_credit_book;

/** @brief One worker's part. */
struct tg_credit;

/** @brief Take address space. @param accounts_max At least 1. @param[out] book Caller's.
 *  @param[out] why May be NULL. @return TG_OK, TG_E_NO_MEMORY. */
enum tg_err tg_credit_book_open(uint32_t accounts_max, struct tg_credit_book **book,
                                struct tg_why *why);

/** @brief Give back. @param book May be NULL. */
void tg_credit_book_close(struct tg_credit_book *book);

/** @brief Make a worker's part. @param book Outlives it. @param accounts Counters, for trial
 *  prices; outlive it. @param entries_max Ids remembered, at least 16. @param[out] credit Caller's.
 *  @param[out] why May be NULL. @return TG_OK, TG_E_INVALID, TG_E_NO_MEMORY. */
enum tg_err tg_credit_create(struct tg_credit_book *book, struct tg_accounts *accounts,
                             uint32_t entries_max, struct tg_credit **credit, struct tg_why *why);

/** @brief Give back. @param credit May be NULL. */
void tg_credit_destroy(struct tg_credit *credit);

/**
 * @brief Take rated rows of prepaid accounts from their balances, and mark them.
 * @param[in,out] credit   Owner of the rows' accounts.
 * @param[in]     roster   With credits; borrowed.
 * @param[in]     rows     Just rated; shape [count].
 * @param[in,out] charges  flags are written; shape [count].
 * @param[in]     count    0..TG_BATCH_ROWS_MAX.
 */
void tg_credit_debit(struct tg_credit *credit, const struct tg_roster *roster,
                     const struct tg_usage *rows, struct tg_charge *charges, uint32_t count);

/**
 * @brief First half of a request: all of it, but for the usage row of a commit.
 * @param[in,out] credit    Worker.
 * @param[in]     snapshot  Borrowed.
 * @param[in]     request   Borrowed.
 * @param[in]     now_ns    Time, given by the caller.
 * @param[in]     epoch     Epoch that events go into.
 * @param[out]    answer    Written unless true is returned or the request is not for this worker:
 *                          then it is left alone (as TG_E_NOT_FOUND by the caller).
 * @param[out]    row       Written when true.
 * @param[out]    charge    Written when true: start of the verdict.
 * @return true: price and journal row and charge as any other, then call tg_credit_finish.
 */
bool tg_credit_ask(struct tg_credit *credit, const struct tg_catalog_snapshot *snapshot,
                   const struct tg_credit_request *request, int64_t now_ns, uint64_t epoch,
                   struct tg_credit_answer *answer, struct tg_usage *row, struct tg_charge *charge);

/** @brief Second half, after tg_credit_ask gave a row. @param credit Worker. @param snapshot
 *  Borrowed. @param request The same. @param now_ns The same. @param epoch The same. @param row As
 *  journaled. @param charge Its verdict. @param[out] answer Written. */
void tg_credit_finish(struct tg_credit *credit, const struct tg_catalog_snapshot *snapshot,
                      const struct tg_credit_request *request, int64_t now_ns, uint64_t epoch,
                      const struct tg_usage *row, const struct tg_charge *charge,
                      struct tg_credit_answer *answer);

/** @brief Return reservations whose time is up, and take money that has lapsed. @param credit
 * Worker. @param snapshot Borrowed.
 *  @param now_ns Time, given by the caller. @param epoch Epoch of the events.
 *  @return How many, at most TG_CREDIT_EXPIRE_MAX of both; that many: there may be more. */
uint32_t tg_credit_expire(struct tg_credit *credit, const struct tg_catalog_snapshot *snapshot,
                          int64_t now_ns, uint64_t epoch);

/** @brief A node that is down. */
struct tg_credit_outage {
    int64_t since_ns;    /**< Reservations made until then are of sessions that it took along. */
    uint16_t node_id;    /**< Which. */
    uint8_t reserved[6]; /**< 0. */
};

/**
 * @brief Return reservations whose node (row.node_id) is down, before their time is up.
 * @param[in,out] credit         Worker.
 * @param[in]     snapshot       Borrowed.
 * @param[in]     outages        Borrowed; shape [outages_count].
 * @param[in]     outages_count  Any.
 * @param[in]     search         Number of the search, above 0: another one begins anew, the same
 *                               goes on where it was, for the same outages.
 * @param[in,out] looks          How many reservations may be looked at; less those that were.
 * @param[in]     now_ns         Time, given by the caller.
 * @param[in]     epoch          Epoch of the events.
 * @return How many, at most TG_CREDIT_EXPIRE_MAX.
 */
uint32_t tg_credit_return(struct tg_credit *credit, const struct tg_catalog_snapshot *snapshot,
                          const struct tg_credit_outage *outages, uint32_t outages_count,
                          uint64_t search, uint32_t *looks, int64_t now_ns, uint64_t epoch);

/** @brief Has a search seen all reservations there are? @param credit Worker. @param search Number.
 *  @return Whether. */
bool tg_credit_return_is_done(const struct tg_credit *credit, uint64_t search);

/** @brief When tg_credit_expire has something to do. @param credit Any thread, relaxed.
 *  @return UTC ns, never later than the first; INT64_MAX: nothing is open and nothing lapses. */
int64_t tg_credit_due_ns(const struct tg_credit *credit);

/** @brief Open reservations, in no order. @param credit Worker. @param account Dense index or
 *  TG_ACCOUNT_NONE for all. @param[out] views Shape [views_max]. @param views_max Room.
 *  @return How many there are; more than views_max: the rest was left out. */
uint32_t tg_credit_list(const struct tg_credit *credit, uint32_t account,
                        struct tg_credit_view *views, uint32_t views_max);

/** @brief Events that wait for the journal, in order; tg_credit_events_done empties the list.
 *  @param credit Worker. @param[out] count Written. @return Borrowed. */
const struct tg_credit_event *tg_credit_events(const struct tg_credit *credit, uint32_t *count);

/** @brief They are in the journal's block. @param credit Worker. */
void tg_credit_events_done(struct tg_credit *credit);

/** @brief Take an event from the journal. @param credit Owner of its account. @param event
 *  Borrowed. @return TG_OK; TG_E_CORRUPT (an ordinal is missing, or nothing is open that it ends);
 *  TG_E_FULL: more are open than entries_max. */
enum tg_err tg_credit_replay(struct tg_credit *credit, const struct tg_credit_event *event);

/** @brief Take a rated row from the journal; does nothing without TG_CHARGE_PREPAID.
 *  @param credit Owner of the account. @param account Dense index. @param charge Borrowed. */
void tg_credit_replay_row(struct tg_credit *credit, uint32_t account,
                          const struct tg_charge *charge);

/** @brief Counts. @param credit Any thread. @return Borrowed. */
const struct tg_credit_counts *tg_credit_counts(const struct tg_credit *credit);

#endif
