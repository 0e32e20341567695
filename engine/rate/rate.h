/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The rate stage: identified rows in, charges out, account lines kept.
 *
 *  Source: reference rating-semantics 4.1, 4.3, 4.5, 4.6; performance.md sections 2c and 3.
 *  Threads: one tg_rate per rate worker. Workers may share one tg_accounts, as each subscriber has
 *  one worker. Allocates: in tg_rate_create only. Cost: bench/budget.tsv; the account line, and
 *  two octets of the roster, are asked for a group ahead. Most rows go the short way, rate/quick.h.
 *
 *  Order of operations for a row (rating-semantics 4.3, all integers):
 *   1 image valid at event time; 2 roster line; 3 product and plan active at event time; 4 price of
 *   plan x service x zone x band; 5 quantity in the price's unit; 6 grace; 7 minimum; 8 first and
 *   next increments; 9 included units; 10 allowance at the exact unit; 11 tariff on what is left;
 *   12 connect fee; 13 minimum and maximum charge; 14 for the few
 *   prices that have rules carried remainder, exchange, spend limits (rules.h); 15 posting.
 *  A record that is a part of a call is what steps 5 to 13 make of the call with it, less what they
 *  make of the call without it (rate/call.h).
 *  One rounding: inside the tariff at the rating scale, or, when the price names decimals, of the
 *  exact sum of the row after step 13. Any step may refuse: the row is then suspended with the
 * reason and posts nothing. Nothing is priced at 0 for want of a price.
 *
 *  The verdict of a row depends on the rows of the same account before it and on nothing else:
 *  not on batch size, neighbours or workers.
 */
#ifndef TG_RATE_RATE_H
#define TG_RATE_RATE_H

#include "abi/err.h"
#include "abi/tariff.h"
#include "abi/usage.h"
#include "base/error.h"
#include "base/limits.h"
#include "plug/guard.h"
#include "rate/account.h"
#include "rate/allowance.h"
#include "rate/rules.h"
#include "record/charge.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tg_catalog_snapshot;

/** @brief One rate worker. Opaque. */
struct tg_rate;

/** @brief How to make one. */
struct tg_rate_params {
    uint32_t subscribers_count_max; /**< Account lines to take when accounts is NULL. */
    struct tg_accounts *accounts;   /**< Borrowed lines shared by workers; NULL: make own ones. */
    struct tg_guard_bounds bounds;  /**< What tariffs may answer; all 0: the defaults. */
};

/** @brief One piece of a row as it was priced; the breakdown of `quote` and `explain`. Of a part of
 *  a call: what the record adds to it, both ways from where the counter stood before the call;
 * where pieces of the call before have shrunk, all that it adds is one, its remainder to 2^-32. */
struct tg_rate_piece {
    uint64_t units;             /**< Units priced in this piece. */
    uint64_t units_before;      /**< Meter's counter before it. */
    int64_t start_ns;           /**< Start of the piece, UTC. */
    int64_t end_ns;             /**< End of the piece, UTC. */
    int64_t amount;             /**< Rounded amount of the tariff, at the price's scale. */
    int64_t remainder;          /**< Exact = amount + remainder / denominator. */
    uint64_t denominator;       /**< At least 1. */
    uint32_t step_index;        /**< Step that priced the last unit. */
    uint32_t price_id;          /**< Catalog image index. */
    struct tg_tariff_row asked; /**< What the tariff was given. */
};

/** @brief How one row's charge came to be. */
struct tg_rate_trace {
    uint64_t raw_units;         /**< Quantity in the price's unit, before increments. */
    uint64_t included_units;    /**< Taken off by the price's included units. */
    uint64_t allowance_before;  /**< Left in the bucket before this row. */
    int64_t connect_fee;        /**< Added; 0 none. */
    int64_t limit_change;       /**< Added or taken by minimum and maximum charge. */
    int64_t call_amount_before; /**< What the call cost before this record, at the rating scale. */
    uint64_t call_raw_before;   /**< raw_units of the call's records before; 0 none. */
    uint64_t call_included_before; /**< Of these included. */
    uint64_t call_billed_before;   /**< What they were billed, in the price's unit. */
    int64_t rounding_change;       /**< Added or taken by rounding to the price's decimals. */
    const struct tg_price *price; /**< In the image; valid while the snapshot is held. NULL none. */
    const struct tg_plug *tariff; /**< Who priced; NULL none. */
    const struct tg_exchange_rate *exchange; /**< Into the account's currency; NULL: the same. */
    int64_t cost;           /**< With exchange: charge in the account's currency. */
    int64_t carried;        /**< Added or taken by remainders of rows before. */
    bool converts_at_event; /**< The charge is in the account's currency already. */
    uint8_t spends_count;   /**< Spend limits below. */
    struct tg_spend_use spends[TG_RULES_LIMITS_MAX]; /**< The price's first. */
    uint32_t uses_count; /**< Allowances below; a plan's only one is not among them. */
    struct tg_allowance_use uses[TG_BUCKETS_MAX];       /**< In the order of use. */
    uint32_t pieces_count;                              /**< Pieces below. */
    struct tg_rate_piece pieces[TG_PIECES_PER_ROW_MAX]; /**< In order of time. */
};

/** @brief What a worker did since it was made; rows only. */
struct tg_rate_counts {
    uint64_t rated_count;     /**< Rated rows. */
    uint64_t suspended_count; /**< Suspended rows, all reasons. */
    uint64_t repriced_count;  /**< Rows priced a second time since a neighbour was refused late. */
    uint64_t connect_fees_count;    /**< Connect fees added. */
    uint64_t thresholds_count;      /**< Thresholds of allowances crossed. */
    uint64_t calls_forgotten_count; /**< Open calls forgotten to make room for another; also read by
                                         other threads, relaxed. */
};

/**
 * @brief Make a worker; the only call that allocates.
 * @param[in]  params  Borrowed.
 * @param[out] rate    Caller's; tg_rate_destroy gives it back.
 * @param[out] why     May be NULL.
 * @return TG_OK, TG_E_INVALID or TG_E_NO_MEMORY.
 */
enum tg_err tg_rate_create(const struct tg_rate_params *params, struct tg_rate **rate,
                           struct tg_why *why);

/** @brief Give back, with the lines if they are its own. @param rate May be NULL. */
void tg_rate_destroy(struct tg_rate *rate);

/**
 * @brief Price and post a batch.
 *
 * Charges with fate TG_FATE_NONE are worked on and leave as TG_FATE_RATED or TG_FATE_SUSPENDED;
 * others are left alone. Read: subscriber, node_state, site. Written: all but these.
 * Reasons: TG_E_CATALOG_VERSION, TG_E_UNKNOWN_SUBSCRIBER (no roster line or none),
 * TG_E_SUBSCRIBER_INACTIVE, TG_E_NO_PLAN, TG_E_NO_RATE, TG_E_NO_EXCHANGE_RATE,
 * TG_E_AMBIGUOUS_RATE, TG_E_BAD_TIMESTAMP, TG_E_PERIOD_CLOSED, TG_E_AMOUNT_OVERFLOW,
 * TG_E_PLUGIN_* and whatever a tariff answers.
 *
 * @param[in,out] rate      Worker.
 * @param[in]     snapshot  Borrowed; the caller's read-side section covers the call.
 * @param[in]     rows      Borrowed; shape [count].
 * @param[in,out] charges   Shape [count].
 * @param[in]     count     0..TG_BATCH_ROWS_MAX.
 */
void tg_rate_run(struct tg_rate *rate, const struct tg_catalog_snapshot *snapshot,
                 const struct tg_usage *rows, struct tg_charge *charges, uint32_t count);

/**
 * @brief tg_rate_run that also tells how: the same path with a place to write.
 * @param[in,out] rate      Worker.
 * @param[in]     snapshot  As above.
 * @param[in]     rows      Borrowed; shape [count].
 * @param[in,out] charges   Shape [count].
 * @param[in]     count     0..TG_BATCH_ROWS_MAX.
 * @param[out]    traces    Shape [count]; written for the rows that were worked on.
 */
void tg_rate_run_traced(struct tg_rate *rate, const struct tg_catalog_snapshot *snapshot,
                        const struct tg_usage *rows, struct tg_charge *charges, uint32_t count,
                        struct tg_rate_trace *traces);

/**
 * @brief Replay stored verdicts in journal order: counters move as they did, nothing is priced.
 *
 * Which of several allowances covered a row is not in its charge: it is worked out again from the
 * catalog version that priced it and the shelves, and must come to what the charge says.
 *
 * @param[in,out] rate      Worker.
 * @param[in]     snapshot  Borrowed; NULL when no plan has a list of allowances, and no record is
 *                          a part of a call.
 * @param[in]     rows      Borrowed; shape [count].
 * @param[in]     charges   Borrowed; shape [count]; those not rated are passed over.
 * @param[in]     count     Any.
 * @return TG_OK, or TG_E_CORRUPT when a rated row finds no line for its period, does not fit, or
 *         was covered otherwise: journal, catalog and checkpoint do not belong together.
 */
enum tg_err tg_rate_apply(struct tg_rate *rate, const struct tg_catalog_snapshot *snapshot,
                          const struct tg_usage *rows, const struct tg_charge *charges,
                          uint32_t count);

/** @brief What rows that are applied draw from allowances. */
enum tg_rate_draws {
    TG_DRAWS_EXACTLY = 0,    /**< As they were rated; else they are refused. */
    TG_DRAWS_AT_MOST = 1,    /**< What their charge says and not more: more may be left for them
                                  than when they were rated, as a row in front of them was taken
                                  back. */
    TG_DRAWS_IF_IT_FITS = 2, /**< As they were rated where that fits, else at most: rows before may
                                  not be known. */
};

/** @brief How rows are applied from here on. @param[in,out] rate Worker. @param[in] draws How. */
void tg_rate_draws(struct tg_rate *rate, enum tg_rate_draws draws);

/**
 * @brief From here on tg_rate_apply may keep rows back: those of neighbouring account lines are
 *        posted together, in their order, as a look at a line is a page walk. For recovery.
 * @param[in,out] rate  Worker.
 * @return TG_OK, or TG_E_NO_MEMORY: 32 KiB for each 16,384 subscribers, at most 32 MiB.
 */
enum tg_err tg_rate_apply_begin(struct tg_rate *rate);

/** @brief Post all that was kept back. @param rate Begun, or not. @return TG_OK, or as
 *  tg_rate_apply. */
enum tg_err tg_rate_apply_end(struct tg_rate *rate);

/** @brief The lines. @param rate Borrowed. @return Borrowed until tg_rate_destroy. */
struct tg_accounts *tg_rate_accounts(struct tg_rate *rate);

/** @brief What it did. @param rate Borrowed. @return Borrowed; read on the worker's thread. */
const struct tg_rate_counts *tg_rate_counts(const struct tg_rate *rate);

/** @brief tg_accounts_pages_count of its lines. @param rate Borrowed. @return Count. */
uint32_t tg_rate_pages_count(const struct tg_rate *rate);

/** @brief tg_accounts_page_bytes. @param rate Not running. @param page Below the count.
 *  @return TG_ACCOUNT_PAGE_BYTES octets. */
const void *tg_rate_page_bytes(const struct tg_rate *rate, uint32_t page);

#endif
