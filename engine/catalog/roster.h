/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Who is who: keys -> dense subscriber index -> account and product.
 *
 *  Source: design.md section 5, 7; reference/performance.md section 3 (16-byte slots, load 0.66).
 *  Threads: immutable after build; any number of readers. Allocates: at build (tg_pages_take).
 *  Cost: find is about one cache miss a key, overlapped in the batch; see roster_test.c.
 *
 *  Memory a subscriber: line 16 bytes, product 2 bytes, 16 / 0.65 = 25 bytes a key; names stay in
 *  LMDB. Dense indices are given once and never again: a catalog import only appends.
 */
#ifndef TG_CATALOG_ROSTER_H
#define TG_CATALOG_ROSTER_H

#include "abi/err.h"
#include "abi/usage.h"
#include "base/clock.h"
#include "base/error.h"
#include "record/charge.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TG_ACCOUNT_NONE    UINT32_MAX
#define TG_ROSTER_OPEN_S   UINT32_MAX /**< active_to_s without an end. */
#define TG_ROSTER_ASK_LINE UINT16_MAX /**< Not told by the hot array. */

/** @brief Bits of tg_roster_line.flags and tg_roster_account.flags. */
enum tg_roster_flag {
    TG_ROSTER_REMOVED = 1, /**< No longer listed: keeps its index, none of its keys is known. */
    TG_ROSTER_CASH = 2,    /**< Of an account: pays cash, whatever is the rule. */
    TG_ROSTER_NO_CASH = 4, /**< Of an account: does not. */
    TG_ROSTER_BILLS_QUARTER = 16, /**< Of an account: one bill for 3 cycles ... */
    TG_ROSTER_BILLS_HALF = 32,    /**< ... for 6 ... */
    TG_ROSTER_BILLS_YEAR = 48,    /**< ... for 12; none of them: for each. */
    TG_ROSTER_BILLS_WEEK = 64,    /**< Of an account: cycles are weeks (catalog/week_cycle.h). */
    TG_ROSTER_STRETCH = 2,        /**< Of a line: several are counted together; set at build. */
    TG_ROSTER_PAUSES = 4,         /**< Of a line: it is suspended for some time; set at build. */
    TG_ROSTER_ROOTED = 8          /**< Of a line: it goes on from one of another plan; set at
                                       build. */
};

/** @brief One subscriber; 16 bytes. Times are whole seconds so that four fit a cache line. */
struct tg_roster_line {
    uint32_t account;       /**< Dense account index. */
    uint16_t product;       /**< Product index, stable over catalog versions. */
    uint16_t flags;         /**< enum tg_roster_flag; above, one less than its quantity. */
    uint32_t active_from_s; /**< POSIX seconds, inclusive. */
    uint32_t active_to_s;   /**< POSIX seconds, exclusive; TG_ROSTER_OPEN_S: no end. */
};
_Static_assert(sizeof(struct tg_roster_line) == 16, "four in a cache line");

/** Lines that are not alone, or not always active; the others are told by themselves. */
#define TG_ROSTER_PARTS          ((unsigned)TG_ROSTER_STRETCH | (unsigned)TG_ROSTER_PAUSES)
#define TG_ROSTER_QUANTITY_SHIFT 4u /**< In tg_roster_line.flags. */
#define TG_ROSTER_QUANTITY_MAX   (1u << (16u - TG_ROSTER_QUANTITY_SHIFT)) /**< Seats of a line. */

/** @brief How often a subscription pays its fee. @param line Its. @return 1 to
 *  TG_ROSTER_QUANTITY_MAX. */
static inline uint32_t tg_roster_quantity(const struct tg_roster_line *line)
{
    return ((uint32_t)line->flags >> TG_ROSTER_QUANTITY_SHIFT) + 1;
}

/** @brief One account; 8 bytes. */
struct tg_roster_account {
    uint16_t currency; /**< ISO 4217 numeric. */
    uint16_t tax;      /**< Tax category that replaces the product's, or TG_TAX_NONE. */
    uint8_t cycle_day; /**< 1..31, clamped to the month's last day; of weeks their code. */
    uint8_t flags;     /**< enum tg_roster_flag. */
    uint16_t zone;     /**< Of its cycles and days (catalog/zone_time.h); 0: the period zone. */
};
_Static_assert(sizeof(struct tg_roster_account) == 8, "eight in a cache line");

#define TG_ROSTER_BILLS_KINDS 5u /**< Values of tg_roster_bills. */

/** @brief Since when an account has a pool that rolls over, is prorated or counts from a start: the
 *  begin of its first subscription that sells it. */
struct tg_roster_pool {
    uint32_t start_s;    /**< POSIX seconds. */
    uint16_t allowance;  /**< Index in any image. */
    bool is_used;        /**< false: none, nor are those behind it of the account. */
    uint8_t reserved[1]; /**< 0. */
};
_Static_assert(sizeof(struct tg_roster_pool) == 8, "a few of each account");

/** @brief Which cycles are on one bill of an account. @param account Its. @return 0: each has its
 *  own; 1: those of a quarter, 2: of a half year, 3: of a year are on one; 4: each has its own and
 *  is one of weeks. */
static inline uint32_t tg_roster_bills(const struct tg_roster_account *account)
{
    return (uint32_t)account->flags / TG_ROSTER_BILLS_QUARTER % 8u;
}

/** Amounts of balance at which a prepaid account is told about, at most. */
#define TG_CREDIT_ALERTS_MAX 3u

/** @brief What a term of a prepaid account says. Values are stored. */
enum tg_roster_term_kind {
    TG_TERM_LIMIT = 1,  /**< Prepaid, and so far below 0 the balance may go: 0 or more. */
    TG_TERM_ALERT = 2,  /**< Told when the balance falls below. */
    TG_TERM_EXEMPT = 3, /**< Not taxed; amount is tg_roster_exempt_pack. */
    TG_TERM_ENTITY = 4  /**< Billed by a legal entity; amount is its index. */
};

/** @brief A term of an account, as stored; one without a limit is postpaid. */
struct tg_roster_term {
    int64_t amount;   /**< At the catalog's rating scale. */
    uint32_t account; /**< Dense index. */
    uint32_t kind;    /**< enum tg_roster_term_kind. */
};
_Static_assert(sizeof(struct tg_roster_term) == 16, "stored where subscribers have their keys");

/** @brief Terms of an account, found by its index. */
struct tg_roster_credit {
    int64_t limit;                        /**< So far below 0 the balance may go. */
    int64_t alerts[TG_CREDIT_ALERTS_MAX]; /**< Shape [alerts_count]. */
    uint8_t alerts_count;                 /**< How many. */
    bool is_prepaid;                      /**< Else all is 0. */
    uint8_t reserved[6];                  /**< 0. */
};

#define TG_EXEMPT_ANY 0xffffu /**< Every product, every tax, or no end. */

/** @brief An account that does not pay a tax. Days count from 1970-01-01 in the account's zone. */
struct tg_roster_exempt {
    uint32_t account;  /**< Dense index; sorted by it. */
    uint16_t product;  /**< Product index, or TG_EXEMPT_ANY. */
    uint16_t tax;      /**< Tax or set of taxes, or TG_EXEMPT_ANY. */
    uint16_t from_day; /**< First day. */
    uint16_t to_day;   /**< First day that is taxed again; TG_EXEMPT_ANY: none. */
};

/** @brief What a term holds of an exemption. @param exempt account aside. @return Amount. */
static inline int64_t tg_roster_exempt_pack(const struct tg_roster_exempt *exempt)
{
    return (int64_t)((uint64_t)exempt->product << 48 | (uint64_t)exempt->tax << 32 |
                     (uint64_t)exempt->from_day << 16 | exempt->to_day);
}

/** @brief Changes of product: whom a subscriber follows, and who follows him, on a key they share,
 *  without a pause and in one account. */
struct tg_roster_change {
    uint32_t before; /**< Subscriber + 1; 0: nobody. */
    uint32_t after;  /**< Subscriber + 1; 0: nobody. */
};

/**
 * @brief Lines of one subscription that are counted together: it ended and came back, or changed to
 *        a product of the same plan. Rows of any of them are of the holder, so that allowances,
 *        counters and limits go on; what a row is sold by is said by the line of its time.
 */
struct tg_roster_stretch {
    uint32_t holder; /**< Least index of them. */
    uint32_t line;   /**< One of them, the holder too. */
};

/** @brief What becomes of usage while a subscription is suspended. Values are stored. */
enum tg_pause_usage {
    TG_PAUSE_REFUSE = 0, /**< TG_E_SUBSCRIPTION_SUSPENDED. */
    TG_PAUSE_RATE = 1    /**< Rated as ever. */
};

/** @brief What becomes of the recurring fee. Values are stored. */
enum tg_pause_fee {
    TG_PAUSE_FEE_PRORATE = 0, /**< Nothing for the time of it, by the product's proration. */
    TG_PAUSE_FEE_FULL = 1,    /**< As ever. */
    TG_PAUSE_FEE_NONE = 2     /**< Nothing for a cycle that it touches. */
};

/** @brief A time in which a subscription is suspended; it does not end by it. */
struct tg_roster_pause {
    uint32_t subscriber; /**< Line; sorted by it, then by time. */
    uint32_t from_s;     /**< POSIX seconds, inclusive. */
    uint32_t to_s;       /**< POSIX seconds, exclusive; TG_ROSTER_OPEN_S: until further notice. */
    uint8_t usage;       /**< enum tg_pause_usage. */
    uint8_t fee;         /**< enum tg_pause_fee. */
    uint16_t reserved;   /**< 0. */
};

/** Kinds of stored keys that say something of a subscriber instead of finding him: above all of
 *  enum tg_key_kind. */
#define TG_ROSTER_KEY_STRETCH 0x100u /**< key: its holder's index. */
#define TG_ROSTER_KEY_ROOT    0x101u /**< key: first line of the subscription, whatever its plan. */
#define TG_ROSTER_KEY_PAUSE   0x200u /**< + usage << 4 + fee; key: from_s << 32 | to_s. */

/** @brief One key of a subscriber, as given to tg_roster_build. */
struct tg_roster_key {
    uint64_t key;        /**< Packed digits, address or hash by kind (abi/key.h). */
    uint32_t subscriber; /**< Dense index. */
    uint32_t kind;       /**< enum tg_key_kind, or TG_ROSTER_KEY_... */
};

/** @brief What tg_roster_build makes a roster from. */
struct tg_roster_params {
    uint32_t size_bytes;                      /**< sizeof(struct tg_roster_params). */
    uint32_t subscribers_count;               /**< Below TG_SUBSCRIBER_NONE. */
    const struct tg_roster_line *lines;       /**< Copied; shape [subscribers_count]. */
    const struct tg_roster_key *keys;         /**< Copied; shape [keys_count]. */
    uint64_t keys_count;                      /**< Keys of all subscribers; 0 allowed. */
    const struct tg_roster_account *accounts; /**< Copied; shape [accounts_count]. */
    uint32_t accounts_count;                  /**< How many. */
    uint32_t terms_count;                     /**< How many; 0: nobody is prepaid. */
    const struct tg_roster_term *terms;       /**< Copied; shape [terms_count]. */
    const struct tg_image *const *images;     /**< Whose products the lines have, for pools;
                                                   shape [images_count]; borrowed until return. */
    uint32_t images_count;                    /**< How many; 0: no account has pools. */
};

/** @brief Names kept for documents, by dense index; set by tg_catalog_open. */
struct tg_roster_names {
    void *context; /**< Handed to the calls. */
    /** Write subscriber's or account's id, NUL-terminated, into room bytes; its length, 0 none. */
    size_t (*subscriber)(void *context, uint32_t subscriber, char *text, size_t text_room);
    /** The account's id. */
    size_t (*account)(void *context, uint32_t account, char *text, size_t text_room);
    /** The account's name for people. */
    size_t (*account_title)(void *context, uint32_t account, char *text, size_t text_room);
};

struct tg_image;
struct tg_roster_slot;

/** @brief The roster; fields are readable, one writer (the builder), immutable afterwards. */
struct tg_roster {
    const struct tg_roster_line *lines;       /**< Shape [subscribers_count]. */
    const struct tg_roster_account *accounts; /**< Shape [accounts_count]. */
    const struct tg_roster_credit *credits;   /**< Shape [accounts_count]; NULL: none prepaid. */
    const struct tg_roster_exempt *exempts;   /**< By account; shape [exempts_count] or NULL. */
    const uint16_t *entities; /**< Legal entities, 0 none; shape [accounts_count]; NULL: none. */
    /** Product of each subscriber who is active from hot_from_ns on without an end, else
     *  TG_ROSTER_ASK_LINE; shape [subscribers_count]. NULL: always ask the line. */
    const uint16_t *hot;
    int64_t hot_from_ns;                       /**< Earlier times ask the line. */
    uint64_t number;                           /**< No other of this process has it; 0: none. */
    const struct tg_roster_slot *slots;        /**< Open addressing; private. */
    uint64_t slots_count;                      /**< Slots. */
    uint64_t keys_count;                       /**< Used slots. */
    uint32_t subscribers_count;                /**< Dense indices 0 .. count - 1. */
    uint32_t accounts_count;                   /**< Dense indices 0 .. count - 1. */
    const struct tg_roster_change *changes;    /**< Shape [subscribers_count]; NULL: none. */
    uint32_t exempts_count;                    /**< Exemptions from tax. */
    uint32_t kinds;                            /**< Bits 1 << enum tg_key_kind of the keys. */
    struct tg_roster_names names;              /**< Calls are NULL when built from arrays. */
    size_t memory_bytes;                       /**< Taken for all of it. */
    const struct tg_roster_stretch *stretches; /**< By holder, then by time; shape
                                                    [stretches_count]; NULL: none. */
    const struct tg_roster_stretch *by_line;   /**< The same by line. */
    const struct tg_roster_stretch *roots;     /**< First lines of subscriptions that changed plans,
                                                    by line; shape [roots_count]; NULL: none. */
    const struct tg_roster_pause *pauses;      /**< Shape [pauses_count]; NULL: none. */
    uint32_t stretches_count;                  /**< Lines that are counted with others. */
    uint32_t roots_count;                      /**< Lines that go on from another plan. */
    uint32_t pauses_count;                     /**< Suspensions. */
    /** Where the pools of an account are; shape [accounts_count + 1]; NULL: no image has such. */
    const uint32_t *pools_from;
    const struct tg_roster_pool *pools; /**< Shape [pools_count + 1], the last unused; or NULL. */
    uint32_t pools_count;               /**< Room for how many. */
};

/**
 * @brief Build in memory.
 *
 * Two subscribers may hold one key at different times (a number given out again); find tells them
 * apart by event time. Keys of removed subscribers are left out; their stretches and pauses stay.
 *
 * @param[in]  params  Borrowed until return.
 * @param[out] roster  New roster; caller frees with tg_roster_free.
 * @param[out] why     What is wrong; may be NULL.
 * @return TG_OK; TG_E_NO_MEMORY; TG_E_INVALID (an index out of range, a term that is none, more
 *         than TG_CREDIT_ALERTS_MAX alerts of an account, a holder that is none); TG_E_EXISTS: two
 *         subscribers hold one key at the same time (why names the indices).
 */
enum tg_err tg_roster_build(const struct tg_roster_params *params, struct tg_roster **roster,
                            struct tg_why *why);

/** @brief Free. @param roster From tg_roster_build or NULL. */
void tg_roster_free(struct tg_roster *roster);

/**
 * @brief Find subscribers of a batch of keys, with prefetch.
 * @param[in]  roster       Built.
 * @param[in]  kinds        enum tg_key_kind of each; shape [count]. TG_KEY_NONE finds nobody.
 * @param[in]  keys         Shape [count].
 * @param[in]  at_ns        Event time of each; only looked at when a key changed hands.
 *                          Shape [count].
 * @param[in]  count        Any.
 * @param[out] subscribers  Dense index of each, or TG_SUBSCRIBER_NONE; of lines that are counted
 *                          together their holder; shape [count].
 * @return How many were found.
 */
uint32_t tg_roster_find(const struct tg_roster *roster, const uint8_t *kinds, const uint64_t *keys,
                        const int64_t *at_ns, uint32_t count, uint32_t *subscribers);

/** @brief A subscriber's line. @param roster Built. @param subscriber Any.
 *  @return Borrowed, NULL: no such index. */
static inline const struct tg_roster_line *tg_roster_line(const struct tg_roster *roster,
                                                          uint32_t subscriber)
{
    return subscriber < roster->subscribers_count ? &roster->lines[subscriber] : NULL;
}

/** @brief Was the subscription active? @param line Borrowed. @param at_ns Event time.
 *  @return from <= at < to, and not removed. */
static inline bool tg_roster_is_active(const struct tg_roster_line *line, int64_t at_ns)
{
    return (line->flags & TG_ROSTER_REMOVED) == 0 &&
           at_ns >= (int64_t)line->active_from_s * TG_NS_PER_S &&
           (line->active_to_s == TG_ROSTER_OPEN_S ||
            at_ns < (int64_t)line->active_to_s * TG_NS_PER_S);
}

/** @brief tg_roster_index_at of a line with TG_ROSTER_STRETCH. @param roster Built.
 *  @param subscriber Below the count. @param at_ns Event time. @return Index. */
uint32_t tg_roster_stretch_at(const struct tg_roster *roster, uint32_t subscriber, int64_t at_ns);

/** @brief Which of the lines that are counted together says what a row is sold by.
 *  @param roster Built. @param subscriber Below the count. @param at_ns Event time.
 *  @return The line that was active then, else the last one before, else the first; the subscriber
 *  itself where it is alone. */
static inline uint32_t tg_roster_index_at(const struct tg_roster *roster, uint32_t subscriber,
                                          int64_t at_ns)
{
    return __builtin_expect((roster->lines[subscriber].flags & TG_ROSTER_STRETCH) == 0, 1)
               ? subscriber
               : tg_roster_stretch_at(roster, subscriber, at_ns);
}

/** @brief Whose counters and allowances a line's usage moves. @param roster Built.
 *  @param subscriber Below the count. @return Holder; itself where it is alone. */
uint32_t tg_roster_holder(const struct tg_roster *roster, uint32_t subscriber);

/** @brief Whose shelf has what plans of a subscription share (TG_ALLOWANCE_ONCE). @param roster
 *  Built. @param subscriber Holder. @return Holder of the subscription's first line. */
uint32_t tg_roster_root(const struct tg_roster *roster, uint32_t subscriber);

/** @brief Since when a line grants: its begin, or that of the first line in front of it that is
 *  counted with it and from which on no pause between two was of 31 days or more: who comes back
 *  within a cycle is not granted for the first time. @param roster Built. @param subscriber Line.
 *  @return POSIX seconds. */
uint32_t tg_roster_since_s(const struct tg_roster *roster, uint32_t subscriber);

/** @brief Since when a pool of an account is granted. @param roster Built. @param account Below the
 *  count. @param allowance Index in any image. @return POSIX seconds; 0: always, or no such pool.
 */
uint32_t tg_roster_pool_since_s(const struct tg_roster *roster, uint32_t account,
                                uint16_t allowance);

/** @brief The suspension that a line is in. @param roster Built. @param subscriber Line, not only
 *  its holder. @param at_ns Event time. @return Borrowed; NULL: none. */
const struct tg_roster_pause *tg_roster_pause_at(const struct tg_roster *roster,
                                                 uint32_t subscriber, int64_t at_ns);

/** @brief A line's suspensions. @param roster Built. @param subscriber Line. @param[out] count How
 *  many. @return By time; shape [count]; borrowed. */
const struct tg_roster_pause *tg_roster_pauses(const struct tg_roster *roster, uint32_t subscriber,
                                               uint32_t *count);

/** @brief May a subscriber use anything at a time? @param roster Built. @param subscriber Below the
 *  count. @param at_ns Event time. @param[out] index tg_roster_index_at.
 *  @return TG_OK, TG_E_SUBSCRIBER_INACTIVE, TG_E_SUBSCRIPTION_SUSPENDED. */
enum tg_err tg_roster_admit(const struct tg_roster *roster, uint32_t subscriber, int64_t at_ns,
                            uint32_t *index);

/** @brief tg_roster_product of a line that is counted with others, or suspended. @param roster
 *  Built. @param subscriber Below the
 * count. @param at_ns Event time. @return As there. */
uint16_t tg_roster_product_at(const struct tg_roster *roster, uint32_t subscriber, int64_t at_ns);

/**
 * @brief Product of a subscriber at a time. Nearly all rows are of somebody who has been a
 *        subscriber for a while and still is: two octets of an array that is small enough to stay
 *        near tell the product, and the line, a cache miss and a page walk, is not touched.
 * @param roster      Built.
 * @param subscriber  Below the count.
 * @param at_ns       Event time.
 * @return Product, or TG_ROSTER_ASK_LINE when he was not active then.
 */
static inline uint16_t tg_roster_product(const struct tg_roster *roster, uint32_t subscriber,
                                         int64_t at_ns)
{
    if (roster->hot != NULL && at_ns >= roster->hot_from_ns &&
        roster->hot[subscriber] != TG_ROSTER_ASK_LINE) {
        return roster->hot[subscriber];
    }
    const struct tg_roster_line *line = &roster->lines[subscriber];
    if (__builtin_expect((line->flags & TG_ROSTER_PARTS) != 0, 0)) {
        return tg_roster_product_at(roster, subscriber, at_ns);
    }
    return tg_roster_is_active(line, at_ns) ? line->product : TG_ROSTER_ASK_LINE;
}

/** @brief An account. @param roster Built. @param account Any. @return Borrowed, NULL none. */
static inline const struct tg_roster_account *tg_roster_account(const struct tg_roster *roster,
                                                                uint32_t account)
{
    return account < roster->accounts_count ? &roster->accounts[account] : NULL;
}

/**
 * @brief What an account is exempt from a tax by.
 * @param roster   Built.
 * @param account  Any.
 * @param product  Of the line.
 * @param tax      Tax or set of taxes; TG_EXEMPT_ANY only asks for exemptions from all.
 * @param day      Days since 1970-01-01 in the account's zone.
 * @return The first exemption that applies, borrowed; NULL: none, it pays.
 */
const struct tg_roster_exempt *tg_roster_exempt_find(const struct tg_roster *roster,
                                                     uint32_t account, uint16_t product,
                                                     uint16_t tax, int64_t day);

/** @brief Id of a subscriber as in subscribers.csv. @param roster Built. @param subscriber Index.
 *  @param[out] text NUL-terminated. @param text_room Room, at least 1. @return Length; 0 unknown:
 *  text is then "#INDEX". */
size_t tg_roster_subscriber_name(const struct tg_roster *roster, uint32_t subscriber, char *text,
                                 size_t text_room);

/** @brief Id of an account as in accounts.csv. @param roster Built. @param account Index.
 *  @param[out] text NUL-terminated. @param text_room Room. @return As above. */
size_t tg_roster_account_name(const struct tg_roster *roster, uint32_t account, char *text,
                              size_t text_room);

/** @brief Name of an account for people. @param roster Built. @param account Index.
 *  @param[out] text NUL-terminated. @param text_room Room. @return As above. */
size_t tg_roster_account_title(const struct tg_roster *roster, uint32_t account, char *text,
                               size_t text_room);

#endif
