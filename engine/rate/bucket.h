/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Buckets: the cold half of an account, for plans that need more than a line's one bucket.
 *
 *  Source: reference rating-semantics 4.6 (allowances, pools, rollover), 4.5 (counter key).
 *  Threads: a shelf has one writer, the worker of its subscriber or account. Allocates: never; the
 *  shelves lie in tg_accounts. Cost: eight cache lines at most, and only for rows of such plans.
 *
 *  (1) A bucket knows the period it is in and what was used in the one before; a row of an older
 *      period is TG_E_PERIOD_CLOSED, as with account lines.
 *  (2) What is left at the end of a period rolls over when the next one is first touched. Units
 *      rolled earlier are used first; units older than the allowance says are gone.
 *  (3) used_base grows only; so a threshold is crossed by exactly one row a period.
 */
#ifndef TG_RATE_BUCKET_H
#define TG_RATE_BUCKET_H

#include "abi/err.h"
#include "catalog/image.h"

#include <stdbool.h>
#include <stdint.h>

#define TG_BUCKETS_MAX 8u /**< On one shelf; an import refuses plans that need more. */

/** @brief What a bucket is for. Values are stored. */
enum tg_bucket_kind {
    TG_BUCKET_FREE = 0,    /**< Nothing. */
    TG_BUCKET_OWN = 1,     /**< An allowance of this subscriber. */
    TG_BUCKET_POOL = 2,    /**< An allowance its account's members share. */
    TG_BUCKET_MEMBER = 3,  /**< This member's use of a pool, for its cap. */
    TG_BUCKET_COUNTER = 5, /**< What prices count; what is the counter. 4 is not used any more. */
    TG_BUCKET_SPEND = 6,   /**< Money spent towards a limit; what is the limit. */
    TG_BUCKET_CARRY = 7,   /**< Sum and remainder of charges that carry it; what is 0. */
    TG_BUCKET_CALL = 8     /**< A call of which more records follow (rate/call.h). */
};
#define TG_BUCKET_KINDS_COUNT 9u

/** @brief What carried_base holds of a call. Values are stored. */
enum tg_call_word {
    TG_CALL_KEY = 0,     /**< tg_call_key of its records. */
    TG_CALL_END_NS = 1,  /**< Latest end of a record, UTC. */
    TG_CALL_START_NS = 2 /**< Earliest start of a record, UTC. */
};

/** @brief One bucket; a cache line, stored in checkpoints. */
struct tg_bucket {
    uint16_t what;             /**< By kind: allowance index, ... */
    uint8_t kind;              /**< enum tg_bucket_kind. */
    uint8_t fired_mask;        /**< Thresholds crossed in this period, bit a threshold; of a call
                                    1: its last record has come. */
    uint32_t period;           /**< Number of the period: month, day, or 1. */
    uint64_t used_base;        /**< Taken in this period. */
    uint64_t used_before_base; /**< Taken in the period before. */
    uint32_t touched_month;    /**< Month of the last row; old ones make room. */
    uint32_t events_count;     /**< Rows of this period. */
    uint64_t carried_base[TG_ROLLOVER_PERIODS_MAX]; /**< Left from earlier, [0] rolled once; of a
                                                         counter: [0] rows of the period before; of
                                                         a limit: spent in the four periods before
                                                         used_before_base; of a carry: remainder
                                                         now and before, and denominator; of a
                                                         call: see rate/call.h; of what is granted
                                                         once and ends: [3] the month behind its
                                                         end. */
};
_Static_assert(sizeof(struct tg_bucket) == 64, "one cache line");

/** @brief All buckets of a subscriber, or of an account's pools. */
struct tg_shelf {
    struct tg_bucket buckets[TG_BUCKETS_MAX]; /**< In order of first use. */
};

#define TG_CYCLE_WEEKS 256u /**< In tg_bucket_time.cycle_day. */

/** @brief When a bucket is asked for; local times of the catalog's period zone. */
struct tg_bucket_time {
    int64_t at_ns;          /**< Event time, from 1970. */
    int64_t active_from_ns; /**< Start of the subscription: grants before it are none. */
    uint16_t cycle_day;     /**< Of the account, for TG_PERIOD_CYCLE; 0 counts as 1. Of cycles of
                                 weeks TG_CYCLE_WEEKS + their code (catalog/week_cycle.h). */
};

/**
 * @brief Number of a period.
 * @param period     enum tg_period.
 * @param cycle_day  For TG_PERIOD_CYCLE: 1..31, clamped to the month's last day; or of weeks.
 * @param at_ns      Local, not before 1970.
 * @return Hours, days, weeks, months, cycles, quarters, half years or years since 1970 plus 1;
 *         always 1 for TG_PERIOD_EVER.
 */
uint32_t tg_bucket_period(uint8_t period, uint16_t cycle_day, int64_t at_ns);

/**
 * @brief First instant of the period an event is in, and the first one behind it.
 * @param[in]  allowance  Its period counts.
 * @param[in]  time       Event time and cycle day.
 * @param[out] from_ns    Local; 0 for TG_PERIOD_EVER.
 * @param[out] to_ns      Local; INT64_MAX for TG_PERIOD_EVER.
 */
void tg_bucket_span(const struct tg_allowance *allowance, const struct tg_bucket_time *time,
                    int64_t *from_ns, int64_t *to_ns);

/**
 * @brief What an allowance grants in a period, prorated when it says so.
 * @param allowance       Borrowed.
 * @param number          From tg_bucket_period.
 * @param time            Start of the subscription and cycle day count.
 * @return Base quantity; 0 before the subscription.
 */
uint64_t tg_bucket_grant(const struct tg_allowance *allowance, uint32_t number,
                         const struct tg_bucket_time *time);

/**
 * @brief The bucket for a time, made or rolled over to its period.
 * @param[in,out] shelf      Its writer's.
 * @param[in]     kind       enum tg_bucket_kind.
 * @param[in]     what       Allowance index.
 * @param[in]     allowance  Of it; for what is only counted one with nothing but a period.
 * @param[in]     time       Borrowed.
 * @param[out]    bucket     In the shelf.
 * @param[out]    is_late    The row belongs to the period before: used_before_base counts.
 * @return TG_OK, TG_E_PERIOD_CLOSED (bucket is written all the same), TG_E_FULL (no bucket free on
 *         the shelf; bucket is NULL).
 */
enum tg_err tg_bucket_at(struct tg_shelf *shelf, uint8_t kind, uint16_t what,
                         const struct tg_allowance *allowance, const struct tg_bucket_time *time,
                         struct tg_bucket **bucket, bool *is_late);

/**
 * @brief A place for a new bucket: a free one, one not used for three months (lasting ones stay),
 *        else that of the call whose records ended first, if any has had its last one of those.
 * @param shelf  Borrowed.
 * @param month  tg_account_period of the row.
 * @return In the shelf; NULL: none.
 */
struct tg_bucket *tg_bucket_place(struct tg_shelf *shelf, uint32_t month);

/**
 * @brief What may still be taken.
 * @param bucket          From tg_bucket_at.
 * @param allowance       Of it.
 * @param is_late         From tg_bucket_at; of a period that has rolled over nothing is left.
 * @param time            As in tg_bucket_at.
 * @return Base quantity.
 */
uint64_t tg_bucket_left(const struct tg_bucket *bucket, const struct tg_allowance *allowance,
                        bool is_late, const struct tg_bucket_time *time);

/**
 * @brief Take from it, and count the row.
 * @param[in,out] bucket     From tg_bucket_at.
 * @param[in]     base       At most tg_bucket_left; any for a counter.
 * @param[in]     is_late    From tg_bucket_at.
 * @param[in]     at_ns      Event time.
 */
void tg_bucket_take(struct tg_bucket *bucket, uint64_t base, bool is_late, int64_t at_ns);

/** @brief Undo tg_bucket_take of a counter. @param bucket Written; it has counted so much, and a
 *  record. @param base Base quantity. @param is_late Of the period before. */
void tg_bucket_give_back(struct tg_bucket *bucket, uint64_t base, bool is_late);

/**
 * @brief Thresholds that were crossed for the first time; marks them.
 * @param[in,out] bucket          After tg_bucket_take.
 * @param[in]     allowance       Of it.
 * @param[in]     time            As in tg_bucket_at.
 * @return Bit a threshold of the allowance.
 */
uint8_t tg_bucket_fire(struct tg_bucket *bucket, const struct tg_allowance *allowance,
                       const struct tg_bucket_time *time);

#endif
