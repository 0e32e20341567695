/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Inside of the prepaid ledger, shared by the files credit*.c.
 *
 *  Source: credit.h. Threads: as there. Allocates: never. Cost: none.
 */
#ifndef TG_RATE_CREDIT_STATE_H
#define TG_RATE_CREDIT_STATE_H

#include "catalog/roster.h"
#include "rate/credit.h"
#include "rate/grant.h"

#define CREDIT_NONE UINT32_MAX

/** @brief One account's money. */
struct tg_credit_account {
    __int128 balance;    /**< Invariant (1). */
    __int128 held;       /**< Invariant (2). */
    uint64_t ordinal;    /**< Events so far. */
    uint32_t open_first; /**< Newest open entry plus 1; 0 none. */
    uint32_t open_count; /**< Open entries. */
    uint32_t lot_first;  /**< Lot that lapses first, plus 1; 0 none. */
    uint8_t alerts;      /**< Alerts that the balance is below. */
    uint8_t reserved[3]; /**< 0. */
    int64_t settled;     /**< Balance when its lots were last settled. */
};
_Static_assert(sizeof(struct tg_credit_account) == 64, "one cache line");

/** @brief All accounts. */
struct tg_credit_book {
    struct tg_credit_account *accounts; /**< Shape [accounts_max]. */
    uint32_t accounts_max;              /**< Room. */
};

/** @brief Money of an account that lapses at one time; see credit_lot.c. */
struct tg_credit_lot {
    int64_t valid_to_ns; /**< When it does. */
    int64_t left;        /**< When it was last settled. */
    uint32_t account;    /**< Dense index. */
    uint32_t next;       /**< The account's that lapses next, or the next free one, plus 1. */
    bool is_used;        /**< Else free. */
    bool is_waiting;     /**< Its time has come, and a reservation holds what is left. */
    uint8_t reserved[6]; /**< 0. */
};

/** @brief A reservation or top-up that is remembered. */
struct tg_credit_entry {
    struct tg_usage row;         /**< As asked for. */
    char id[TG_CREDIT_ID_BYTES]; /**< NUL-filled. */
    int64_t at_ns;               /**< Event time. */
    int64_t valid_to_ns;         /**< When it expires. */
    int64_t held;                /**< Held while open. */
    int64_t charge;              /**< Posted; or added by a top-up. */
    uint64_t granted;            /**< Quantity. */
    uint64_t used;               /**< Posted quantity. */
    uint64_t content;            /**< Hash of the request. */
    uint64_t epoch;              /**< Of its last event; 0: before the start. */
    uint32_t account;            /**< Dense index. */
    uint32_t subscriber;         /**< Dense index. */
    uint32_t number;             /**< Which of the id. */
    uint32_t hash_next;          /**< Same bucket; CREDIT_NONE ends. Free list too. */
    uint32_t before;             /**< Open: newer one of the account. Closed: closed before. */
    uint32_t after;              /**< Open: older one of the account. Closed: closed after. */
    uint32_t due_place;          /**< Open: where it is in tg_credit.due. */
    int16_t reason;              /**< Of the row. */
    uint8_t state;               /**< enum tg_credit_state. */
    uint8_t fate;                /**< Of the row. */
    uint8_t dimension;           /**< What quantities count. */
    bool is_over;                /**< Charged beyond the credit. */
    bool is_late;                /**< Committed after it had expired. */
    bool is_outage;              /**< It expired as its node was down. */
};

/** @brief A worker's part. */
struct tg_credit {
    struct tg_credit_book *book;     /**< Shared. */
    struct tg_rate *trial;           /**< Prices that move nothing. */
    struct tg_credit_entry *entries; /**< Shape [entries_max]. */
    uint32_t *buckets;               /**< Entry plus 1; shape [buckets_count]. */
    uint32_t entries_max;            /**< Room. */
    uint32_t buckets_count;          /**< Power of two. */
    uint32_t used_count;             /**< Entries ever taken. */
    uint32_t free_first;             /**< Free list. */
    uint32_t closed_first;           /**< Closed longest ago. */
    uint32_t closed_last;            /**< Closed last. */
    int64_t forgotten_ns;            /**< Latest time of a forgotten entry; INT64_MIN none. */
    int64_t due_ns;                  /**< First expiry; INT64_MAX: nothing is open. */
    uint32_t *due;                   /**< Open ones, a heap by it; shape [due_count]. */
    uint32_t due_count;              /**< How many are open. */
    uint32_t return_next;            /**< Where the search for those of nodes that are down is. */
    uint64_t return_search;          /**< Which search (tg_credit_return). */
    struct tg_credit_lot *lots;      /**< Shape [entries_max]. */
    uint32_t lots_used;              /**< Lots ever taken. */
    uint32_t lot_free;               /**< First free one, plus 1; 0 none. */
    int64_t lots_due_ns;             /**< Not later than the first that lapses. */
    uint32_t lapse_next;             /**< Where the search for them goes on; 0: anew. */
    int64_t lapse_due_ns;            /**< First among those searched. */
    struct tg_credit_counts counts;  /**< What happened. */
    uint32_t events_count;           /**< Waiting. */
    struct tg_credit_event events[TG_CREDIT_EVENTS_MAX]; /**< Waiting. */
    struct tg_grant_state kept[TG_CREDIT_OPEN_MAX + 1];  /**< While a trial stands. */
    struct tg_charge trials[TG_CREDIT_OPEN_MAX];         /**< Charges of that trial. */
    uint32_t trial_order[TG_CREDIT_OPEN_MAX];            /**< Its entries, oldest first. */
};

/** @brief Terms of an account that may ask for a reservation. @param roster Borrowed.
 *  @param account Dense index. @return Borrowed; NULL: none. */
static inline const struct tg_roster_credit *tg_credit_terms(const struct tg_roster *roster,
                                                             uint32_t account)
{
    return roster->credits != NULL && account < roster->accounts_count &&
                   roster->credits[account].is_prepaid
               ? &roster->credits[account]
               : NULL;
}

/** @brief The nearest amount that can be told. @param amount Any. @return Amount. */
static inline int64_t tg_credit_clamp(__int128 amount)
{
    return amount > INT64_MAX ? INT64_MAX : amount < INT64_MIN ? INT64_MIN : (int64_t)amount;
}

/* credit_money.c */

/** @brief One more event of an account, with the balance it has now. @param credit Worker. @param
 *  account Dense index. @param kind What happened. @return The event, for what is of its kind. */
struct tg_credit_event *tg_credit_event_add(struct tg_credit *credit, uint32_t account,
                                            enum tg_credit_event_kind kind);

/** @brief One more event, of an entry. @param credit Worker. @param entry Reservation or top-up.
 *  @param kind What happened. @param now_ns Time. @param roster Borrowed. @return The event. */
struct tg_credit_event *tg_credit_event_of(struct tg_credit *credit,
                                           const struct tg_credit_entry *entry,
                                           enum tg_credit_event_kind kind, int64_t now_ns,
                                           const struct tg_roster *roster);

/** @brief Follow the balance: which alerts is it below? Those that it was not below before are
 *  counted as told. @param credit Worker. @param account Its money. @param terms With the alerts.
 *  @return Whether something has changed. */
bool tg_credit_alerts(struct tg_credit *credit, struct tg_credit_account *account,
                      const struct tg_roster_credit *terms);

/** @brief Take what has lapsed of an account. @param credit Worker. @param roster Borrowed. @param
 *  account Dense index. @param now_ns Time. */
void tg_credit_lapse(struct tg_credit *credit, const struct tg_roster *roster, uint32_t account,
                     int64_t now_ns);

/* credit_trial.c */

/** @brief The usage row of a quantity of a reservation. @param entry It. @param quantity Base
 *  units. @return By value. */
struct tg_usage tg_credit_entry_row(const struct tg_credit_entry *entry, uint64_t quantity);

/** @brief A reservation has ended: those left may cost more now, and hold it. @param credit Worker.
 *  @param snapshot Borrowed. @param account Dense index. @param now_ns Time. @param epoch Of the
 *  events. */
void tg_credit_holds_follow(struct tg_credit *credit, const struct tg_catalog_snapshot *snapshot,
                            uint32_t account, int64_t now_ns, uint64_t epoch);

/** @brief How much is granted, and what it costs on top of what is open. @param credit Worker.
 *  @param snapshot Borrowed. @param available Most that may be held. @param entry Not in the table
 *  yet; dimension, granted and held are written. @return TG_OK; TG_E_NO_CREDIT;
 *  TG_E_NO_EXCHANGE_RATE; or why the row cannot be priced. */
enum tg_err tg_credit_grant(struct tg_credit *credit, const struct tg_catalog_snapshot *snapshot,
                            int64_t available, struct tg_credit_entry *entry);

/* credit_expire.c */

/** @brief An open entry returns by itself; what it held is free. @param credit Worker. @param
 *  snapshot Borrowed. @param at Open entry. @param now_ns Time. @param epoch Of the events.
 *  @return Its event, first of those that follow from it. */
struct tg_credit_event *tg_credit_give_back(struct tg_credit *credit,
                                            const struct tg_catalog_snapshot *snapshot, uint32_t at,
                                            int64_t now_ns, uint64_t epoch);

/* credit_due.c */

/** @brief An entry was opened. @param credit Worker. @param at Entry, valid_to_ns set. */
void tg_credit_due_add(struct tg_credit *credit, uint32_t at);

/** @brief An entry is closed. @param credit Worker. @param at Entry that was opened. */
void tg_credit_due_remove(struct tg_credit *credit, uint32_t at);

/* credit_table.c */

/** @brief Find. @param credit Worker. @param id NUL-filled. @param number Which. @return Entry or
 *  CREDIT_NONE. */
uint32_t tg_credit_find(const struct tg_credit *credit, const char id[TG_CREDIT_ID_BYTES],
                        uint32_t number);

/** @brief A fresh entry under an id, forgetting the longest closed when full. @param credit Worker.
 *  @param id NUL-filled. @param number Which. @return Entry or CREDIT_NONE: all are open. */
uint32_t tg_credit_take(struct tg_credit *credit, const char id[TG_CREDIT_ID_BYTES],
                        uint32_t number);

/** @brief Link as open to its account. @param credit Worker. @param at Entry, account and held set.
 */
void tg_credit_link(struct tg_credit *credit, uint32_t at);

/** @brief Close: what it held is free. @param credit Worker. @param at Open entry. @param state
 *  enum tg_credit_state it ends in. */
void tg_credit_close(struct tg_credit *credit, uint32_t at, uint8_t state);

/** @brief Let an open entry hold another amount. @param credit Worker. @param at Open entry.
 *  @param held New amount. */
void tg_credit_hold(struct tg_credit *credit, uint32_t at, int64_t held);

/** @brief Put a closed entry behind the others that may be forgotten. @param credit Worker.
 *  @param at Entry. */
void tg_credit_retire(struct tg_credit *credit, uint32_t at);

/* credit_lot.c */

/** @brief Is there room for money that lapses then? @param credit Worker. @param account Dense
 *  index. @param valid_to_ns When. @return true if so. */
bool tg_credit_lot_fits(const struct tg_credit *credit, uint32_t account, int64_t valid_to_ns);

/** @brief Follow a top-up. @param credit Worker. @param account Dense index. @param before Balance
 *  before it. @param amount Added. @param valid_to_ns Until when; 0: it never lapses.
 *  @return true; false: it does not fit. */
bool tg_credit_lot_add(struct tg_credit *credit, uint32_t account, int64_t before, int64_t amount,
                       int64_t valid_to_ns);

/** @brief Follow money that has lapsed, from the journal. @param credit Worker. @param account
 *  Dense index. @param before Balance before. @param lapsed How much. @param valid_to_ns Of which
 *  time. @return true; false: there is not so much. */
bool tg_credit_lot_lapse(struct tg_credit *credit, uint32_t account, int64_t before, int64_t lapsed,
                         int64_t valid_to_ns);

/** @brief What of an account's money lapses next. @param credit Worker. @param account Dense index.
 *  @param now_ns Time. @param[out] valid_to_ns Of which time; written when more than 0.
 *  @param[out] was_waiting It waited for a reservation. @return How much; 0: nothing. */
int64_t tg_credit_lot_due(struct tg_credit *credit, uint32_t account, int64_t now_ns,
                          int64_t *valid_to_ns, bool *was_waiting);

/** @brief The money of an account that lapses next. @param credit Worker. @param account Dense
 *  index. @param[out] valid_to_ns When; 0: none does. @return How much of it is left. */
int64_t tg_credit_lot_next(const struct tg_credit *credit, uint32_t account, int64_t *valid_to_ns);

/** @brief Add one to a count that others read. @param count Counter. @param more How many. */
static inline void tg_credit_count(uint64_t *count, uint64_t more)
{
    __atomic_store_n(count, *count + more, __ATOMIC_RELAXED);
}

#endif
