/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Account lines: what each subscriber used this period and the one before, a cache line
 * each.
 *
 *  Source: reference rating-semantics 4.5 (counter key), 4.6 (allowances); performance.md
 * section 3. Threads: lines of different subscribers may be written by different workers at once; a
 *  subscriber has one worker. Page calls run while no worker does: between epochs, or stopped.
 *  Allocates: in tg_accounts_create only. Cost: one cache line a row.
 *
 *  Invariants:
 *  (1) A line holds the sums of exactly the rated rows of one calendar month (UTC) of event time.
 *  (2) A subscriber has two lines, for even and odd months; the one with the later month is the
 *      current period, the other the previous. A row of a month before both finds no line: it is
 *      suspended with TG_E_PERIOD_CLOSED, so memory is bounded and nothing is guessed.
 *  (3) Every way of posting (this room's and tg_account_apply) adds the verdict's own sums;
 * recovery replays verdicts (apply.c) and reaches the same bytes of lines as rating did. Shelves
 * reach the same contents, their buckets possibly in other places.
 */
#ifndef TG_RATE_ACCOUNT_H
#define TG_RATE_ACCOUNT_H

#include "abi/err.h"
#include "abi/usage.h"
#include "base/error.h"
#include "rate/bucket.h"
#include "record/charge.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** 4,096 lines; the unit of a checkpoint (reference performance.md section 3). */
#define TG_ACCOUNT_PAGE_BYTES 262144u
#define TG_ACCOUNT_LINE_BYTES 64u
#define TG_ACCOUNT_PAGE_LINES (TG_ACCOUNT_PAGE_BYTES / TG_ACCOUNT_LINE_BYTES)

/** Shelves in a page. */
#define TG_ACCOUNT_PAGE_SHELVES (TG_ACCOUNT_PAGE_BYTES / (uint32_t)sizeof(struct tg_shelf))

/** @brief What is counted apart; one allowance bucket belongs to each. Values are stored. */
enum tg_account_meter_kind {
    TG_METER_DATA = 0,  /**< DATA and ACCESS. */
    TG_METER_VOICE = 1, /**< VOICE. */
    TG_METER_EVENT = 2, /**< MESSAGE and EVENT. */
    TG_METERS_COUNT = 3
};

/** Largest counter value: 48 bits. A row that would pass it is TG_E_AMOUNT_OVERFLOW. */
#define TG_METER_BASE_MAX ((UINT64_C(1) << 48) - 1)
/** Where the halves of the events' count begin, in each of a meter's two words. */
#define TG_METER_EVENTS_SHIFT 48u

/**
 * @brief One meter of one period, in base quantity (milliseconds, octets, events): prices in
 *        seconds and in minutes feed the same counter.
 */
struct tg_account_meter {
    uint64_t priced_base : 48;    /**< Billed and priced, the allowance's part not among it. */
    uint64_t events_low : 16;     /**< Rated records, low half. */
    uint64_t allowance_base : 48; /**< Billed and covered by the allowance. */
    uint64_t events_high : 16;    /**< Rated records, high half. */
};

/** @brief One subscriber, one month. */
struct tg_account_line {
    uint16_t period; /**< Months since 1970-01, plus 1; 0: never used. */
    uint16_t
        product; /**< What the roster sells to him, when roster_tag says so: the rate stage need
                      not look there (rate/quick.h). Not of the account, in no checkpoint. */
    uint32_t calls_open : 8;  /**< Calls on the subscriber's shelf whose records go on
                                   (rate/call.h). */
    uint32_t roster_tag : 24; /**< Number of the roster that told product; 0: none. */
    int64_t cost;             /**< Sum of amounts of the period, in the account's currency. */
    struct tg_account_meter meters[TG_METERS_COUNT]; /**< By enum tg_account_meter_kind. */
};
_Static_assert(sizeof(struct tg_account_line) == TG_ACCOUNT_LINE_BYTES, "one cache line");

/** @brief All lines with their dirty marks. Opaque. */
struct tg_accounts;

/** @brief Do two lines hold the same? What they know of the roster does not count.
 *  @param a Borrowed. @param b Borrowed. @return true if so. */
bool tg_account_line_equal(const struct tg_account_line *a, const struct tg_account_line *b);

/** @brief Meter that counts a service. @param service enum tg_service. @return Meter. */
static inline enum tg_account_meter_kind tg_account_meter_of(uint8_t service)
{
    switch (service) {
    case TG_SERVICE_VOICE:
        return TG_METER_VOICE;
    case TG_SERVICE_MESSAGE:
    case TG_SERVICE_EVENT:
        return TG_METER_EVENT;
    default:
        return TG_METER_DATA;
    }
}

/** @brief Rated records of a meter. @param meter Borrowed. @return Count. */
static inline uint32_t tg_account_events(const struct tg_account_meter *meter)
{
    return (uint32_t)meter->events_high << 16 | (uint32_t)meter->events_low;
}

/**
 * @brief Period of an instant: calendar month, UTC.
 * @param time_ns  UTC ns since 1970, not before 1970.
 * @return Months since 1970-01, plus 1; 0 when time_ns is negative.
 */
uint32_t tg_account_period(int64_t time_ns);

/**
 * @brief Take memory for the lines of subscribers 0..subscribers_count_max-1, zeroed.
 *
 * Shelves get address space too, 512 octets a subscriber and as many for its account, but memory
 * only when a plan with a list of allowances uses them.
 *
 * @param[in]  subscribers_count_max  At least 1; 128 octets each, rounded up to whole pages.
 * @param[out] accounts               Caller's; tg_accounts_destroy gives it back.
 * @param[out] why                    May be NULL.
 * @return TG_OK, TG_E_INVALID or TG_E_NO_MEMORY.
 */
enum tg_err tg_accounts_create(uint32_t subscribers_count_max, struct tg_accounts **accounts,
                               struct tg_why *why);

/** @brief Give back. @param accounts May be NULL. */
void tg_accounts_destroy(struct tg_accounts *accounts);

/** @brief Capacity. @param accounts Borrowed. @return Subscribers it has lines for. */
uint32_t tg_accounts_subscribers_max(const struct tg_accounts *accounts);

/** @brief Ask the cache for a line. @param accounts Borrowed. @param subscriber Below the capacity.
 *  @param period From tg_account_period. */
void tg_accounts_prefetch(const struct tg_accounts *accounts, uint32_t subscriber, uint32_t period);

/**
 * @brief Line of a period, rolled over to it when it is later than what the line held; marks the
 *        page dirty.
 * @param[in,out] accounts    Its worker's lines.
 * @param[in]     subscriber  Below the capacity.
 * @param[in]     period      From tg_account_period; at least 1.
 * @return Line, or NULL when the period is before both kept ones (TG_E_PERIOD_CLOSED).
 */
struct tg_account_line *tg_accounts_line(struct tg_accounts *accounts, uint32_t subscriber,
                                         uint32_t period);

/**
 * @brief The place where a period's line lives, whatever month it holds now; nothing is marked.
 *        The rate stage keeps a copy of it to undo a row whose tariff refuses after the counters
 *        have moved.
 * @param[in,out] accounts    Object.
 * @param[in]     subscriber  Below the capacity.
 * @param[in]     period      From tg_account_period.
 * @return Place, never NULL.
 */
struct tg_account_line *tg_accounts_slot(struct tg_accounts *accounts, uint32_t subscriber,
                                         uint32_t period);

/**
 * @brief Line of a period as it is; changes nothing.
 * @param accounts    Borrowed.
 * @param subscriber  Below the capacity.
 * @param period      From tg_account_period.
 * @return Line, or NULL when nothing of that period is kept.
 */
const struct tg_account_line *tg_accounts_peek(const struct tg_accounts *accounts,
                                               uint32_t subscriber, uint32_t period);

/** Source of adjustments (bill/adjust.h); ingest gives ids below TG_SOURCES_MAX only. */
#define TG_ADJUST_SOURCE_ID UINT16_C(65535)
/** closing_cause of an adjustment that takes its row back whole: it counts one event less. */
#define TG_ADJUST_BACKED_OUT UINT8_C(3)

/**
 * @brief Is it an adjustment: a correction of another row's charge, with differences in it?
 *
 * Units of an adjustment are differences modulo 2^64 in base quantity, so that posting it moves the
 * counters as if the row had been priced so at once. It counts no event, but for the one that
 * TG_ADJUST_BACKED_OUT takes back.
 *
 * @param row  Borrowed.
 * @return true if so.
 */
static inline bool tg_row_is_adjustment(const struct tg_usage *row)
{
    return row->source_id == TG_ADJUST_SOURCE_ID;
}

/** @brief Would posting fit? @param line Borrowed. @param row Borrowed. @param charge Borrowed,
 * rated.
 *  @return false when a counter or the cost would pass its field (TG_E_AMOUNT_OVERFLOW), or when
 * the charge cannot be a charge: unknown unit, more allowance than billed. */
bool tg_account_fits(const struct tg_account_line *line, const struct tg_usage *row,
                     const struct tg_charge *charge);

/**
 * @brief Post a verdict; does nothing unless charge->fate is TG_FATE_RATED.
 *
 * Read: charge amount, unit, billed_units, allowance_units; row service, source_id.
 *
 * @param[in,out] line    From tg_accounts_line for the row's period.
 * @param[in]     row     Borrowed.
 * @param[in]     charge  Borrowed; tg_account_fits is true for it.
 */
void tg_account_apply(struct tg_account_line *line, const struct tg_usage *row,
                      const struct tg_charge *charge);

/**
 * @brief tg_account_fits and then tg_account_apply in one pass, for the rate stage.
 *
 * @param[in,out] line             From tg_accounts_line for the row's period.
 * @param[in]     row              Borrowed.
 * @param[in]     charge           Borrowed; allowance_units <= billed_units.
 * @param[in]     unit_base_count  tg_unit_base_count(charge->unit), known to the caller.
 * @return false, and nothing posted, when a counter or the cost would pass its field.
 */
bool tg_account_post(struct tg_account_line *line, const struct tg_usage *row,
                     const struct tg_charge *charge, uint64_t unit_base_count);

/** @brief Add money to a line. @param line Line. @param amount At the rating scale.
 *  @return false, and nothing added, when the sum would pass 64 bits. */
static inline bool tg_account_cost_add(struct tg_account_line *line, int64_t amount)
{
    int64_t cost;
    if (__builtin_add_overflow(line->cost, amount, &cost)) {
        return false;
    }
    line->cost = cost;
    return true;
}

/**
 * @brief The cold half of an account; marks its page dirty.
 * @param[in,out] accounts  Its worker's lines.
 * @param[in]     is_pool   Shelf of an account, else of a subscriber.
 * @param[in]     index     Account or subscriber.
 * @return Shelf, or NULL: as many accounts as subscribers have room.
 */
struct tg_shelf *tg_accounts_shelf(struct tg_accounts *accounts, bool is_pool, uint32_t index);

/**
 * @brief The open calls on a subscriber's shelf have changed, or may have: his lines tell again how
 *        many there are, so that other rows need not look at the shelf.
 * @param[in,out] accounts    Its worker's lines; none is written that replay finds ahead.
 * @param[in]     subscriber  Below the capacity.
 */
void tg_accounts_calls_note(struct tg_accounts *accounts, uint32_t subscriber);

/** @brief tg_account_line.calls_open without a look at line or shelf, for replay.
 *  @param accounts Borrowed. @param subscriber Below the capacity. @return Count. */
uint32_t tg_accounts_calls_open(const struct tg_accounts *accounts, uint32_t subscriber);

/** @brief Pages of all lines and shelves. @param accounts Borrowed. @return Count; first the lines
 *  of even months, then of odd ones, each by subscriber; then the shelves of subscribers and of
 *  accounts. */
uint32_t tg_accounts_pages_count(const struct tg_accounts *accounts);

/** @brief Pages of the lines of even months; as many of odd ones follow. @param accounts Borrowed.
 *  @return Count. Page p and page p + count hold the same subscribers' lines, and both are copied
 *  for a checkpoint at the same time: a new month's line takes over from the old one's. */
uint32_t tg_accounts_half_pages_count(const struct tg_accounts *accounts);

/** @brief Number of a page for life: the same when there is room for more subscribers.
 *  @param accounts Borrowed. @param page Below the count. @return Number to store it under. */
uint32_t tg_accounts_page_number(const struct tg_accounts *accounts, uint32_t page);

/** @brief Page of a stored number. @param accounts Borrowed. @param number From
 *  tg_accounts_page_number, of any size. @return Page; UINT32_MAX: there is no room for it. */
uint32_t tg_accounts_page_find(const struct tg_accounts *accounts, uint32_t number);

/** @brief Was it written since the mark was wiped? @param accounts Borrowed.
 *  @param page Below the count. @return true if so. */
bool tg_accounts_page_dirty(const struct tg_accounts *accounts, uint32_t page);

/** @brief Wipe the mark, after the page is in a committed checkpoint. @param accounts Object.
 *  @param page Below the count. */
void tg_accounts_page_clean(struct tg_accounts *accounts, uint32_t page);

/** @brief Set the mark: what was copied did not become a checkpoint. @param accounts Object; any
 *  thread, also while workers run. @param page Below the count. */
void tg_accounts_page_mark(struct tg_accounts *accounts, uint32_t page);

/** @brief A page's bytes; what its lines know of the roster is dropped, as from a checkpoint's
 * copy.
 *  @param accounts No worker runs. @param page Below the count.
 *  @return TG_ACCOUNT_PAGE_BYTES octets, host byte order; borrowed until the next row. */
const void *tg_accounts_page_bytes(struct tg_accounts *accounts, uint32_t page);

/**
 * @brief From now on keep shelves as they are now, until their page is taken: what a row does to
 *        several shelves depends on all of them, so they go into a checkpoint as of one epoch.
 *
 * The first write to a shelf whose page is not taken yet puts the shelf aside, in memory for a
 * quarter of all shelves that is used only then. Without room the cut fails.
 *
 * @param[in,out] accounts  No worker runs.
 */
void tg_accounts_cut_begin(struct tg_accounts *accounts);

/**
 * @brief Copy a page, shelves as they were at tg_accounts_cut_begin, and wipe its mark where the
 *        copy is all of it. Pages of shelves are taken in order, the clean ones too.
 * @param[in,out] accounts  No worker runs.
 * @param[in]     page      Below the count.
 * @param[out]    to        TG_ACCOUNT_PAGE_BYTES octets.
 */
void tg_accounts_page_take(struct tg_accounts *accounts, uint32_t page, void *to);

/** @brief The page is clean and not taken: shelves in it need not be put aside any more.
 *  @param accounts No worker runs. @param page As in tg_accounts_page_take. */
void tg_accounts_page_pass(struct tg_accounts *accounts, uint32_t page);

/** @brief Nothing is put aside any more. @param accounts No worker runs.
 *  @return false: there was no room for a shelf, and pages taken since are not all of one epoch. */
bool tg_accounts_cut_end(struct tg_accounts *accounts);

/** @brief Shelves put aside in this cut. @param accounts Any thread. @return Count. */
uint64_t tg_accounts_kept_count(const struct tg_accounts *accounts);

/**
 * @brief At recovery: a page holds all lines up to an epoch, so rows up to it are not posted again.
 * @param[in,out] accounts  Object.
 * @param[in]     page      Page number, below the count; shelves are ignored.
 * @param[in]     epoch     Last epoch that is in it.
 */
void tg_accounts_page_epoch(struct tg_accounts *accounts, uint32_t page, uint64_t epoch);

/** @brief At recovery: rows of this epoch come next. @param accounts Object. @param epoch Epoch;
 *  UINT64_MAX after the last one. */
void tg_accounts_replay_epoch(struct tg_accounts *accounts, uint64_t epoch);

/** @brief At recovery: are the rows that come now in this subscriber's lines already?
 *  @param accounts Borrowed. @param subscriber Below the capacity. @return true: do not post. */
bool tg_accounts_is_ahead(const struct tg_accounts *accounts, uint32_t subscriber);

/**
 * @brief Put a checkpointed page back; the page becomes clean.
 * @param[in,out] accounts    Object.
 * @param[in]     page        Page number.
 * @param[in]     bytes       Borrowed.
 * @param[in]     size_bytes  Must be TG_ACCOUNT_PAGE_BYTES.
 * @return TG_OK, TG_E_INVALID (no such page: the configured maximum shrank) or TG_E_CORRUPT (size,
 *         or a line's period in the wrong half).
 */
enum tg_err tg_accounts_page_load(struct tg_accounts *accounts, uint32_t page, const void *bytes,
                                  size_t size_bytes);

#endif
