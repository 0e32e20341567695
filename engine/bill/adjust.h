/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Adjustments: a correction of a rated row is a row and charge of its own in the journal.
 *
 *  Source: rating-semantics 4.11 (post only non-zero deltas; equal means no event), 4.14 (what is
 *  issued is never changed). Threads: reading is pure; an index belongs to who opened it.
 *  Allocates: in tg_adjust_index_open. Cost: one scan of a few columns to build the index, then a
 *  binary search a row; nothing at all while there are no adjustments.
 *
 *  (1) An adjustment is a rated row of TG_ADJUST_SOURCE_ID without pieces (rate/account.h); amount,
 *      billed and allowance units are differences, the units modulo 2^64 in base quantity (ms,
 *      octets, events). Quantities of the usage row are 0: nothing was used twice.
 *  (2) It names what it corrects: peer_key is the record key of the row, start_ns and subscriber
 * are that row's, so it belongs to the same period and account. (3) Its record key is a function of
 * what it corrects, of the sum before and of the new one: the same correction posted twice is a
 * duplicate. (4) Its source is TG_ADJUST_SOURCE_ID with counts of its own, so the audit's books
 * close.
 */
#ifndef TG_BILL_ADJUST_H
#define TG_BILL_ADJUST_H

#include "abi/usage.h"
#include "base/error.h"
#include "rate/account.h"
#include "rate/bucket.h"
#include "record/charge.h"

#include <stdbool.h>
#include <stdint.h>

/** Name behind the source_key of TG_ADJUST_SOURCE_ID (rate/account.h). */
#define TG_ADJUST_SOURCE_NAME "tollgate/adjustments"

/** @brief Why; stored in closing_cause of the adjustment. Values are stored: pinned for life. */
enum tg_adjust_reason {
    TG_ADJUST_RERATE = 1,                    /**< The row was priced again. */
    TG_ADJUST_ORDER = 2,                     /**< It was, in the order of events. */
    TG_ADJUST_BACKOUT = TG_ADJUST_BACKED_OUT /**< It was taken back whole (rate/account.h). */
};

/** @brief Name of a reason in documents: "rerate", "order", "backout". @param reason enum
 *  tg_adjust_reason. @return Static text, never NULL. */
const char *tg_adjust_reason_name(uint8_t reason);

/** @brief An account's rows were brought into the order of their events; see (5). */
struct tg_adjust_order {
    uint64_t epoch;    /**< The rows in front of this epoch. */
    int64_t from_ns;   /**< Those with event times from here ... */
    int64_t to_ns;     /**< ... before here by event; those before and behind as they came. */
    uint32_t account;  /**< Roster index. */
    uint32_t reserved; /**< 0. */
};

/** Notes are named so, the account in decimal behind it; from_ns and to_ns are the value. */
#define TG_ADJUST_ORDER_NOTE "order/"

/** @brief All adjustments of one row, summed. */
struct tg_adjust_sum {
    uint64_t record_key;      /**< Of the corrected row. */
    uint32_t subscriber;      /**< Of the corrected row. */
    uint32_t count;           /**< How many adjustments there are. */
    int64_t amount;           /**< Sum of differences, rating scale. */
    int64_t remainder;        /**< Sum of differences, 2^-32 of a scale unit. */
    uint64_t billed_base;     /**< Sum of differences modulo 2^64, base quantity. */
    uint64_t allowance_base;  /**< Same. */
    uint32_t price_id;        /**< Of the last one. */
    uint32_t catalog_version; /**< Of the last one. */
    uint16_t zone;            /**< Of the last one. */
    uint8_t reason;           /**< enum tg_adjust_reason of the last one. */
    uint8_t reserved[5];      /**< 0. */
};

/** @brief Adjustments of a journal by corrected row. */
struct tg_adjust_index;

/**
 * @brief Scan for adjustments.
 * @param[in]  data_dir   Holds journal/.
 * @param[in]  epoch_max  Last epoch to look at; 0: all committed.
 * @param[out] index      Written on TG_OK; tg_adjust_index_close.
 * @param[out] why        May be NULL.
 * @return TG_OK, TG_E_NO_MEMORY, TG_E_IO, TG_E_CORRUPT, TG_E_CHAIN, TG_E_FORMAT.
 */
enum tg_err tg_adjust_index_open(const char *data_dir, uint64_t epoch_max,
                                 struct tg_adjust_index **index, struct tg_why *why);

/** @brief Free. @param index Index or NULL. */
void tg_adjust_index_close(struct tg_adjust_index *index);

/** @brief What corrects a row. @param index Index. @param record_key Row's. @param subscriber
 * Row's.
 *  @return Borrowed; NULL: nothing does. */
const struct tg_adjust_sum *tg_adjust_find(const struct tg_adjust_index *index, uint64_t record_key,
                                           uint32_t subscriber);

/** @brief Corrected rows. @param index Index. @return Count. */
uint32_t tg_adjust_count(const struct tg_adjust_index *index);

/**
 * @brief In which order an account's rows stand.
 * @param[in]  index    Index.
 * @param[in]  account  Roster index.
 * @param[out] count    How many; 0: as they came.
 * @return One after the other, by epoch: each on what those before it made; shape [count].
 */
const struct tg_adjust_order *tg_adjust_orders(const struct tg_adjust_index *index,
                                               uint32_t account, uint32_t *count);

/** @brief Rows that were backed out. @param index Index. @return Count. */
uint32_t tg_adjust_out_count(const struct tg_adjust_index *index);

/** @brief The subscribers with rows that were backed out. @param index Index. @param i Below
 *  tg_adjust_out_count. @return Subscriber of the one; they may repeat. */
uint32_t tg_adjust_out_subscriber(const struct tg_adjust_index *index, uint32_t i);

/** @brief Was the row backed out; see (6)? @param index Index. @param record_key Row's.
 *  @param subscriber Row's. @return true if so. */
bool tg_adjust_is_out(const struct tg_adjust_index *index, uint64_t record_key,
                      uint32_t subscriber);

/**
 * @brief The charge a row stands at: as journaled, with its adjustments.
 * @param[in]  index   Index.
 * @param[in]  usage   Borrowed.
 * @param[in]  charge  As journaled.
 * @param[out] result  amount, remainder, units, price, zone and version as they stand; billed and
 *                     allowance units in the base unit when there is a correction.
 * @return Number of adjustments applied, 0: result is the charge itself.
 */
uint32_t tg_adjust_apply(const struct tg_adjust_index *index, const struct tg_usage *usage,
                         const struct tg_charge *charge, struct tg_charge *result);

/** @brief Are money, units and currency the same, also in the way they are written? Most rows of a
 *         rerate are told by it alone. @param stands Borrowed. @param should Borrowed.
 *  @return true: there is nothing to adjust; false: ask tg_adjust_make. */
static inline bool tg_adjust_is_same(const struct tg_charge *stands, const struct tg_charge *should)
{
    return stands->amount == should->amount && stands->billed_units == should->billed_units &&
           stands->allowance_units == should->allowance_units && stands->unit == should->unit &&
           stands->currency == should->currency && stands->fate == should->fate;
}

/**
 * @brief Make the adjustment that takes a row from where it stands to where it should be.
 * @param[in]  usage     The row; borrowed.
 * @param[in]  stands    tg_adjust_apply of it.
 * @param[in]  should    Its new verdict, rated, same currency.
 * @param[in]  count     Adjustments the row has already.
 * @param[in]  reason    enum tg_adjust_reason.
 * @param[in]  is_silent Make it also when neither money nor units differ: it then only says which
 *                       version's shelves the row draws from.
 * @param[out] row       The adjustment's row.
 * @param[out] charge    The adjustment's charge.
 * @return true when there is a difference in money or units; false: nothing is written. A
 * difference that does not fit 64 bits cannot be, as both amounts are charges of one row.
 */
bool tg_adjust_make(const struct tg_usage *usage, const struct tg_charge *stands,
                    const struct tg_charge *should, uint32_t count, uint8_t reason, bool is_silent,
                    struct tg_usage *row, struct tg_charge *charge);

/** @brief A shelf as the corrected rows leave it. */
struct tg_adjust_shelf {
    struct tg_shelf shelf; /**< All of it. */
    uint32_t index;        /**< Roster index of the subscriber, or of the account. */
    bool is_pool;          /**< Of an account. */
    uint8_t reserved[3];   /**< 0. */
};

struct tg_file_ops;
struct tg_roster;

/** @brief What one epoch of corrections holds. */
struct tg_adjust_posting {
    const struct tg_usage *rows;           /**< Shape [count]. */
    const struct tg_charge *charges;       /**< Shape [count]. */
    const struct tg_adjust_shelf *shelves; /**< Shape [shelves_count]. */
    const struct tg_adjust_order *orders;  /**< Of accounts; epoch is not looked at; shape
                                                [orders_count]. */
    const uint8_t *accounts;               /**< 1: what is the account's is posted, else it is left
                                                out; shape [accounts_count]; NULL: all is. */
    const struct tg_roster *roster;        /**< Whose member is whose; NULL with accounts. */
    uint32_t count;                        /**< Adjustments. */
    uint32_t shelves_count;                /**< Shelves that are replaced. */
    uint32_t orders_count;                 /**< Accounts brought into the order of events. */
    uint32_t reserved;                     /**< 0. */
    int64_t journal_ns;                    /**< Journal time of the epoch. */
    const struct tg_file_ops *ops;         /**< Files of tg_adjust_post; NULL: the real ones. */
};

/** @brief The next adjustments that are posted. @param posting Borrowed. @param[in,out] from Where
 *  to look; the first of them. @return How many follow each other; 0: there are no more. */
uint32_t tg_adjust_run(const struct tg_adjust_posting *posting, uint32_t *from);

/** @brief Is a shelf posted? @param posting Borrowed. @param shelf One of its. @return true if so.
 */
bool tg_adjust_has_shelf(const struct tg_adjust_posting *posting,
                         const struct tg_adjust_shelf *shelf);

struct tg_block;

/** @brief Where a posting's rows and notes go: blocks of one open epoch. */
struct tg_adjust_sink {
    void *context; /**< For the calls. */
    /** The block of the open epoch, or NULL: the journal has failed. */
    struct tg_block *(*block)(void *context);
    /** The block is full: the next one of the same epoch, or NULL. */
    struct tg_block *(*next)(void *context);
};

/** @brief Lay a posting into an epoch that somebody else ends. @param posting Borrowed; not empty.
 *  @param sink Borrowed. @return false: the journal has failed. */
bool tg_adjust_write(const struct tg_adjust_posting *posting, const struct tg_adjust_sink *sink);

/**
 * @brief Write adjustments and shelves as one epoch: all of it or, after a crash, nothing.
 * @param[in]  data_dir    The caller holds its tg_data_lock: no engine writes.
 * @param[in]  posting     Borrowed until return; empty does nothing.
 * @param[out] epoch       The epoch they are in; 0 when there were none.
 * @param[out] why         May be NULL.
 * @return TG_OK, TG_E_NO_MEMORY, TG_E_IO, TG_E_NO_SPACE, TG_E_CORRUPT, TG_E_NOT_DURABLE.
 */
enum tg_err tg_adjust_post(const char *data_dir, const struct tg_adjust_posting *posting,
                           uint64_t *epoch, struct tg_why *why);

#endif
