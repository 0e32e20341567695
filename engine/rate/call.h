/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Calls and sessions of which several records come: once a call is once over all of them.
 *
 *  Source: reference rating-semantics 4.3, 4.8 (PER_PARTIAL), 4.13. Threads: the subscriber's
 *  worker. Allocates: never; state lies on the subscriber's shelf. Cost: a shelf and a second
 *  price; only records of such calls come here, and of them only those whose price looks at more
 *  than units (tg_call_is_kept).
 *
 *  A record that carries TG_USAGE_PARTIAL opens a call, or goes on with it; one of the same call
 *  without the flag ends it, but for records of before that arrive behind it. Its charge is what
 * the call so far costs less what the call before it did, both from where the counter stood when
 * the call's own units are taken off. So whatever looks at the call as a whole - grace, minimum,
 * increments, included units, connect fee, minimum and maximum charge, `counter: record`, decimals,
 * and how the plan splits time - comes to what the call in one record would cost, and what tiers
 * count between two records keeps its place.
 *
 *  (1) Same call: subscriber, service, direction, node and peer (a session is a peer of its own);
 *      of prepaid usage the id of its reservations. A record that starts more than TG_CALL_GAP_NS
 *      after the last one ended begins another. A last record is a call of its own when it starts
 *      before all others or the call has had one.
 *  (2) A call is a bucket: kind, what (low bits of the key), used_base (what its records used),
 *      used_before_base (of that, billed and covered by allowances), events_count (records),
 *      fired_mask (has its last record come?), carried_base (enum tg_call_word). All are sums of
 * rows and charges, so replay reaches them. (3) A shelf is bounded: without a free bucket a call
 * that has ended makes room, else the one whose records ended first is forgotten, and counted;
 * without any call on it the record is TG_E_FULL.
 */
#ifndef TG_RATE_CALL_H
#define TG_RATE_CALL_H

#include "abi/err.h"
#include "catalog/image.h"
#include "rate/account.h"
#include "rate/allowance.h"
#include "rate/split.h"

#include <stdbool.h>
#include <stdint.h>

/** A day: sessions report at least daily, and a number is seldom called again on the same day by
 *  who lost the end of a call in parts. */
#define TG_CALL_GAP_NS (INT64_C(86400) * 1000000000)

/** @brief What a record is priced by. */
struct tg_call_place {
    const struct tg_image *image;               /**< Valid at the record's time. */
    const struct tg_plan_service *plan_service; /**< Of that image. */
    uint32_t subscriber;                        /**< Dense index. */
    uint32_t model;                             /**< From tg_rate_time_model; for tg_call_cut. */
    uint16_t zone;                              /**< Zone of the usage. */
};

/** @brief A record that is a part of a call. */
struct tg_call {
    struct tg_rate_cuts before; /**< The call without it. */
    struct tg_rate_cuts added;  /**< What it adds, part by part: what allowances may cover. */
    struct tg_shelf *shelf;     /**< The subscriber's. */
    uint64_t key;               /**< tg_call_key. */
    uint64_t base;              /**< What the call has used, this record included. */
    uint64_t covered_base;      /**< What allowances covered before. */
    uint64_t covered_blocks;    /**< The same in blocks of the price. */
    uint32_t records_count;     /**< Records before. */
    uint32_t pieces_from;       /**< First piece of the call without it. */
    uint32_t pieces_count;      /**< How many. */
    uint32_t subscriber;        /**< Dense index. */
    int64_t start_ns;           /**< Earliest start of its records, this one included. */
    int64_t end_ns;             /**< Latest end of them. */
    bool had_fee;               /**< The call without it paid the connect fee. */
    bool has_ended;             /**< Its last record came before. */
    bool has_forgotten;         /**< tg_call_note made room for it. */
};

/** @brief Key of a record's call. @param row Borrowed. @return Never 0. */
uint64_t tg_call_key(const struct tg_usage *row);

/** @brief Key of the rows of a prepaid session: what tg_call_key gives for them. @param session
 *  Hash of the session. @param number Which reservation. @param start_ns Of the row.
 *  @return The row's record key. */
uint64_t tg_call_record_key(uint64_t session, uint32_t number, int64_t start_ns);

/** @brief When the call began that a record goes on with. @param row Borrowed. @param shelf The
 *  subscriber's. @return UTC ns; the row's own start when it begins one, or before all others. */
int64_t tg_call_start_ns(const struct tg_usage *row, struct tg_shelf *shelf);

/**
 * @brief Must a price know what the call has used before? Not so where a sum over the records is
 *        the price of the sum, but for the rounding of each at the rating scale.
 * @param image     Checked.
 * @param price_id  Of that image.
 * @return true if so.
 */
bool tg_call_is_kept(const struct tg_image *image, uint32_t price_id);

/** @brief Must the records of its calls know of each other whatever the prices, as all of a call is
 *  of the band of its start, or of its end? @param plan_service Present. @return Whether. */
static inline bool tg_call_has_one_band(const struct tg_plan_service *plan_service)
{
    return plan_service->dimension == TG_DIMENSION_TIME && plan_service->bands_count > 1 &&
           (plan_service->split_mode == TG_SPLIT_START || plan_service->split_mode == TG_SPLIT_END);
}

/**
 * @brief Is the record part of a call? Then cut the call with it and without it.
 * @param[in]     place     Borrowed.
 * @param[in]     row       Borrowed; partial, or its subscriber has open calls.
 * @param[in,out] accounts  Lines and shelves.
 * @param[in,out] log       Of the row.
 * @param[in,out] cuts      The record's own; when it is, those of the call so far.
 * @param[out]    call      Written when it is.
 * @param[out]    is_part   Written.
 * @return TG_OK, TG_E_FULL, or as tg_rate_cut.
 */
enum tg_err tg_call_cut(const struct tg_call_place *place, const struct tg_usage *row,
                        struct tg_accounts *accounts, struct tg_allowance_log *log,
                        struct tg_rate_cuts *cuts, struct tg_call *call, bool *is_part);

/**
 * @brief Share out what allowances covered: added tells of this record, all of the call so far.
 * @param[in]     place  Borrowed.
 * @param[in,out] cuts   From tg_call_cut; covered_units are written.
 * @param[in,out] call   added as tg_rate_cuts_draw left it.
 */
void tg_call_covered_apart(const struct tg_call_place *place, struct tg_rate_cuts *cuts,
                           struct tg_call *call);

/**
 * @brief The record is counted: remember the call.
 * @param[in,out] accounts      Lines and shelves.
 * @param[in,out] call          From tg_call_cut; has_forgotten is written.
 * @param[in]     row           Borrowed.
 * @param[in]     covered_base  Base quantity of this record that allowances covered.
 * @return TG_OK, TG_E_FULL.
 */
enum tg_err tg_call_note(struct tg_accounts *accounts, struct tg_call *call,
                         const struct tg_usage *row, uint64_t covered_base);

#endif
