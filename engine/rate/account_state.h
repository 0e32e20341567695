/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Inside of the account lines, for the files of this room that post a row at a time.
 *
 *  Source: account.h. Threads: as there. Allocates: never. Cost: one line and one mark a row.
 */
#ifndef TG_RATE_ACCOUNT_STATE_H
#define TG_RATE_ACCOUNT_STATE_H

#include "rate/account.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** @brief A shelf as it was when the cut began. */
struct tg_shelf_kept {
    struct tg_shelf shelf; /**< Then. */
    uint64_t at;           /**< Which: index into shelves. */
};

/** @brief All lines with their marks. */
struct tg_accounts {
    struct tg_account_line *lines[2]; /**< By period & 1; shape [subscribers_count_max]. */
    _Atomic uint8_t *dirty;           /**< A mark a page; workers set, the checkpoint wipes. */
    _Atomic uint8_t *used;            /**< A mark a page; set with its first line, never wiped. */
    uint32_t subscribers_count_max;   /**< Capacity. */
    uint32_t half_pages_count;        /**< Pages of each half. */
    uint32_t shelf_pages_count;       /**< Pages of the shelves. */
    size_t half_bytes;                /**< Of each half. */
    struct tg_shelf *shelves;         /**< Of subscribers, then of accounts. */
    _Atomic uint32_t cut_page;        /**< Shelves from this page on are put aside when written;
                                           UINT32_MAX: none. */
    _Atomic uint32_t kept_count;      /**< Put aside, or would be: may pass kept_max. */
    uint32_t kept_max;                /**< Room. */
    struct tg_shelf_kept *kept;       /**< Shape [kept_max]. */
    uint32_t *kept_of;                /**< By shelf: index into kept, plus 1; 0 none. */
    uint8_t *calls;                   /**< Open calls of a subscriber, for replay. */
    _Atomic bool has_calls;           /**< There ever was one. */
    uint64_t replay_epoch;            /**< Epoch whose rows are posted again. */
    uint64_t *line_epochs;            /**< Last epoch in the lines; shape [half_pages_count]. */
    uint64_t line_epoch_max;          /**< The last one of all of these. */
};

/** @brief Mark a page as written. @param accounts Its worker's. @param page Below the count. */
static inline void tg_accounts_page_touch(struct tg_accounts *accounts, uint32_t page)
{
    /* Only ever set here: a load first keeps the mark's cache line shared between workers. Pairs
     * with the quiescence a checkpoint needs anyway, so relaxed order is enough. */
    if (atomic_load_explicit(&accounts->dirty[page], memory_order_relaxed) == 0) {
        atomic_store_explicit(&accounts->dirty[page], 1, memory_order_relaxed);
    }
}

/** @brief At recovery: does nothing but the row itself say how it is posted? @param accounts
 *  Borrowed. @return true: no subscriber ever had a call open, and no page is ahead of the rows
 *  that come now. */
static inline bool tg_accounts_is_plain(const struct tg_accounts *accounts)
{
    return !atomic_load_explicit(&accounts->has_calls, memory_order_relaxed) &&
           accounts->line_epoch_max < accounts->replay_epoch;
}

/** @brief Mark the page of a line as written. @param accounts Its worker's.
 *  @param subscriber Below the capacity. @param period From tg_account_period. */
static inline void tg_accounts_touch(struct tg_accounts *accounts, uint32_t subscriber,
                                     uint32_t period)
{
    tg_accounts_page_touch(accounts, subscriber / TG_ACCOUNT_PAGE_LINES +
                                         ((period & 1) != 0 ? accounts->half_pages_count : 0));
}

/**
 * @brief Begin a month on a line of which nothing but the line itself must be looked at: no call is
 *        open, and the other half has no line on its page. What tg_accounts_line does then.
 * @param[in,out] accounts    Its worker's.
 * @param[in,out] line        The subscriber's of that half.
 * @param[in]     subscriber  Below the capacity.
 * @param[in]     period      From tg_account_period; not the line's.
 * @return false: nothing was done, ask tg_accounts_line.
 */
static inline bool tg_accounts_line_begin(struct tg_accounts *accounts,
                                          struct tg_account_line *line, uint32_t subscriber,
                                          uint32_t period)
{
    const uint32_t within = subscriber / TG_ACCOUNT_PAGE_LINES;
    const uint32_t half = (period & 1) != 0 ? accounts->half_pages_count : 0;
    const uint32_t other_page = within + (accounts->half_pages_count - half);
    if (line->period > period || line->calls_open != 0 ||
        atomic_load_explicit(&accounts->used[other_page], memory_order_relaxed) != 0) {
        return false;
    }
    *line = (struct tg_account_line){.period = (uint16_t)period};
    if (atomic_load_explicit(&accounts->used[within + half], memory_order_relaxed) == 0) {
        atomic_store_explicit(&accounts->used[within + half], 1, memory_order_relaxed);
    }
    tg_accounts_page_touch(accounts, within + half);
    return true;
}

/** @brief Count one record. @param meter Written. @param priced_base Base quantity priced.
 *  @param allowance_base Base quantity covered. Both are known to fit. */
static inline void tg_account_meter_add(struct tg_account_meter *meter, uint64_t priced_base,
                                        uint64_t allowance_base)
{
    /* Whole words: the low half of the events lies above 48 bits of quantity and its carry goes to
     * the high half in the second word. */
    uint64_t words[2];
    memcpy(words, meter, sizeof words);
    words[1] += allowance_base + ((words[0] >> 48) == 0xffff ? UINT64_C(1) << 48 : 0);
    words[0] += priced_base + (UINT64_C(1) << 48);
    memcpy(meter, words, sizeof words);
}

/** @brief Take one record back. @param meter Written; nothing in it falls below 0.
 *  @param priced_base Base quantity priced. */
static inline void tg_account_meter_take_back(struct tg_account_meter *meter, uint64_t priced_base)
{
    const uint64_t priced = meter->priced_base;
    const uint32_t events = tg_account_events(meter) - (tg_account_events(meter) != 0);
    meter->priced_base =
        (priced - (priced_base < priced ? priced_base : priced)) & TG_METER_BASE_MAX;
    meter->events_low = events & 0xffffu;
    meter->events_high = (events >> 16) & 0xffffu;
}

#endif
