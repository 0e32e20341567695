/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Inside of a rate worker, shared by the files of this room only.
 *
 *  Source: reference performance.md section 2c (groups), 3 (prefetch).
 *  Threads: one worker. Allocates: never. Cost: about 24 KiB that stay in the first-level caches;
 *  the logs are touched by rows with several allowances only.
 */
#ifndef TG_RATE_WORKER_H
#define TG_RATE_WORKER_H

#include "catalog/catalog.h"
#include "plug/guard.h"
#include "rate/account.h"
#include "rate/allowance.h"
#include "rate/call.h"
#include "rate/quick.h"
#include "rate/rate.h"
#include "rate/rules.h"
#include "rate/split.h"
#include "rate/terms.h"

#include <stdbool.h>
#include <stdint.h>

/** Rows worked on together: enough misses in flight, and tariff calls of some size. */
#define TG_RATE_GROUP_ROWS 16u
/** A record of a call is priced twice: the call with it, and without it. */
#define TG_RATE_GROUP_PIECES (TG_RATE_GROUP_ROWS * TG_PIECES_PER_ROW_MAX * 2)
/** Images whose tariff names are bound to plug-ins at once; more are bound again and again. */
#define TG_RATE_BINDS_MAX  8u
#define TG_RATE_MONTHS_MAX 2u

/** @brief Tariff names of one image, looked up once. */
struct tg_rate_bind {
    const struct tg_image *image;        /**< NULL: free. */
    uint64_t content_hash;               /**< Tells another image at the same address. */
    uint32_t version;                    /**< Of the image. */
    struct tg_plug *plugs[TG_PLUGS_MAX]; /**< By the image's tariff index; NULL unknown yet. */
};

/** @brief A calendar month, so that a row's period needs no calendar. */
struct tg_rate_month {
    int64_t from_ns; /**< Inclusive. */
    int64_t to_ns;   /**< Exclusive. */
    uint32_t period; /**< tg_account_period of it. */
};

/** Rows kept back for a piece of the account lines. */
#define TG_RATE_PIECE_ROWS 1024u

/** @brief What a replayed row does to its account line. */
struct tg_rate_laid {
    int64_t amount;          /**< As the charge. */
    uint64_t priced_base;    /**< Base quantity billed and priced. */
    uint64_t allowance_base; /**< Base quantity billed and covered. */
    uint32_t subscriber;     /**< As the charge. */
    uint32_t month;          /**< tg_account_period << 16, enum tg_account_meter_kind or
                                  TG_METERS_COUNT for none: one word, as small ones gathered into
                                  one hold up a store behind them. */
};
_Static_assert(sizeof(struct tg_rate_laid) == 32, "many are kept back");

/** @brief Replay: the image that rows were priced by last. */
struct tg_rate_priced {
    const struct tg_image *image;             /**< NULL: the version is not there. */
    uint64_t content_hash;                    /**< Tells another image at the same address. */
    uint32_t version;                         /**< Of the image, or asked for. */
    uint32_t prices_count;                    /**< Of the image. */
    uint64_t unit_base_counts[TG_UNIT_COUNT]; /**< tg_unit_base_count. */
    bool is_entered;                          /**< In this call. */
    bool has_buckets;                         /**< A plan of it has a list of allowances. */
    bool has_calls; /**< A price of it must know what its call used before. */
    bool has_rules; /**< A price of it has rules, or counts on a shelf. */
};

/** @brief Replay: rows that are not posted yet. */
struct tg_rate_applied {
    struct tg_rate_priced priced; /**< Image in use. */
    struct tg_rate_laid *laid;    /**< Rows kept back: [pieces_count][TG_RATE_PIECE_ROWS]. */
    uint32_t *laid_counts;        /**< Shape [pieces_count]; NULL: none is kept back. */
    uint32_t pieces_count;        /**< Pieces of the subscribers. */
    uint32_t piece_shift;         /**< Piece of a subscriber: index >> this. */
};

/** @brief A row on its way through the group. */
struct tg_rate_work {
    const struct tg_image *image;               /**< Valid at its time. */
    const struct tg_plan_service *plan_service; /**< How its plan prices it. */
    const struct tg_price *price;               /**< First price. */
    const struct tg_price_info *info;           /**< Of the first price. */
    struct tg_account_line *line;               /**< Posted to; NULL nothing posted. */
    struct tg_account_line undo;                /**< What the line was before. */
    uint64_t allowance_before;                  /**< Left in the bucket, in blocks. */
    uint64_t events_before;                     /**< Records of the meter before. */
    uint64_t covered_blocks;                    /**< Of the price, covered by allowances. */
    uint64_t before_blocks;                     /**< Of the price, counted before. */
    struct tg_allowance_log *log;               /**< What it did to shelves; NULL nothing. */
    struct tg_call *call;                       /**< A part of a call; NULL: all of it. */
    uint64_t raw_units;                         /**< For the trace. */
    uint64_t included_units;                    /**< For the trace. */
    uint32_t period;                            /**< Month of its time. */
    uint32_t account;                           /**< Who pays. */
    uint32_t active_from_s;                     /**< Start of the subscription. */
    uint32_t pieces_from;                       /**< First of its pieces. */
    uint32_t pieces_count;                      /**< How many go to tariffs. */
    uint32_t priced_count;                      /**< Of these not covered by an allowance. */
    uint16_t zone;                              /**< Zone index. */
    int16_t reason;                             /**< enum tg_err so far. */
    bool is_worked;                             /**< Came with TG_FATE_NONE. */
    bool has_connect_fee;                       /**< First record of its call. */
    uint8_t flags;                              /**< enum tg_charge_flag that its terms give. */
};

/** @brief A piece on its way to a tariff. */
struct tg_rate_task {
    struct tg_plug *plug; /**< Who prices it; NULL once done. */
    int64_t end_ns;       /**< For the trace. */
    uint32_t cut;         /**< Which part of its row. */
    uint32_t reserved;    /**< 0. */
};

struct tg_rate {
    struct tg_accounts *accounts;
    const struct tg_roster *roster; /* of the snapshot in use; cycle days, currencies */
    struct tg_guard_bounds bounds;
    bool owns_accounts;
    uint32_t binds_next;
    uint32_t months_next;
    uint32_t tasks_count;
    bool is_rolled_within; /* a line began a new month while a row of its old one was unfinished */
    bool has_pairs;        /* a row of the group is priced by TG_ZONE_BY_PAIR */
    struct tg_rate_counts counts;
    struct tg_rate_month months[TG_RATE_MONTHS_MAX];
    struct tg_rate_work works[TG_RATE_GROUP_ROWS];
    struct tg_rate_cuts cuts;
    struct tg_allowance_log logs[TG_RATE_GROUP_ROWS]; /* by row; cold */
    struct tg_rules rules[TG_RATE_GROUP_ROWS];        /* by row; cold */
    struct tg_call calls[TG_RATE_GROUP_ROWS];         /* by row; cold */
    struct tg_rate_task tasks[TG_RATE_GROUP_PIECES];
    const struct tg_price *task_prices[TG_RATE_GROUP_PIECES];       /* in the image */
    struct tg_tariff_row task_rows[TG_RATE_GROUP_PIECES];           /* what the tariff is told */
    struct tg_tariff_result task_results[TG_RATE_GROUP_PIECES + 1]; /* and answered; one to spare */
    uint32_t call_tasks[TG_GUARD_ROWS_MAX];
    const struct tg_price *call_prices[TG_GUARD_ROWS_MAX];
    struct tg_tariff_row call_rows[TG_GUARD_ROWS_MAX];
    struct tg_tariff_result call_results[TG_GUARD_ROWS_MAX + 1];
    struct tg_rate_bind binds[TG_RATE_BINDS_MAX];
    struct tg_rate_applied applied; /* replay only */
    struct tg_quick quick;          /* the short way */
    struct tg_rate_cuts at_most;    /* replay only: of a row that may be covered otherwise */
    enum tg_rate_draws draws;       /* replay only */
};

/** @brief The calendar month of a time. @param time_ns Any. @param[out] month Written.
 *  @return tg_account_period; 0: it has none, and nothing is written. */
uint32_t tg_rate_month_make(int64_t time_ns, struct tg_rate_month *month);

/** @brief tg_account_period, for a month that no row was of lately. @param rate Worker.
 *  @param time_ns Any. @return As there. */
uint32_t tg_rate_period_slow(struct tg_rate *rate, int64_t time_ns);

/** @brief tg_account_period by the months of the rows before. @param rate Worker.
 *  @param time_ns Any. @return As there. */
static inline uint32_t tg_rate_period(struct tg_rate *rate, int64_t time_ns)
{
    for (uint32_t i = 0; i < TG_RATE_MONTHS_MAX; i++) {
        if (time_ns >= rate->months[i].from_ns && time_ns < rate->months[i].to_ns) {
            return rate->months[i].period;
        }
    }
    return tg_rate_period_slow(rate, time_ns);
}

/** @brief Calls and messages the subscriber received: the deck prices what he dials, so they have
 *         prices of their own or none, which is better than charging him for the caller.
 *  @param row Borrowed. @return true if so. */
static inline bool tg_rate_row_is_received(const struct tg_usage *row)
{
    return (row->flags & TG_USAGE_INCOMING) != 0 &&
           (row->service == TG_SERVICE_VOICE || row->service == TG_SERVICE_MESSAGE);
}

/** @brief Image, subscriber, plan and zone of each row, or a reason in its work. @param rate
 * Worker.
 *  @param snapshot Borrowed. @param rows Shape [count]. @param charges Shape [count].
 *  @param count 1..TG_RATE_GROUP_ROWS. */
void tg_rate_group_resolve(struct tg_rate *rate, const struct tg_catalog_snapshot *snapshot,
                           const struct tg_usage *rows, const struct tg_charge *charges,
                           uint32_t count);

/** @brief Units, allowance and counters of one row, posted ahead of its price; fills its tasks.
 *  @param rate Worker. @param row Borrowed. @param charge Units columns are written.
 *  @param work Its work; reason is set when it cannot be priced. */
void tg_rate_row_count(struct tg_rate *rate, const struct tg_usage *row, struct tg_charge *charge,
                       struct tg_rate_work *work);

/** @brief Blocks that a plan's list of allowances covers; a pure function of shelves and draw.
 *  @param accounts Lines and shelves. @param log Of the row. @param draw billed_blocks and band are
 *  filled here. @param cuts Of the row; covered_units are written where bands count.
 *  @param covered Sum. @return As tg_allowance_draw. */
enum tg_err tg_rate_cuts_draw(struct tg_accounts *accounts, struct tg_allowance_log *log,
                              struct tg_allowance_draw *draw, struct tg_rate_cuts *cuts,
                              uint64_t *covered);

/** @brief Is what a price's tiers count kept on a shelf? @param info Borrowed.
 *  @return false where the account line has it, or nothing is counted. */
static inline bool tg_rate_is_counted_aside(const struct tg_price_info *info)
{
    return info->counter > TG_COUNTER_RECORD;
}

/** @brief The counter of such a price. @param info Borrowed. @param subscriber Dense index.
 *  @param account Dense index. @return Its key. */
struct tg_allowance_counter tg_rate_counter_of(const struct tg_price_info *info,
                                               uint32_t subscriber, uint32_t account);

/** @brief Shelves and cost of a rated row that is replayed. @param rate Worker. @param snapshot
 *  Borrowed or NULL. @param row Borrowed. @param charge As journaled. @param cost Charge in the
 *  account's currency. @return TG_OK or TG_E_CORRUPT. */
enum tg_err tg_rate_shelves_apply(struct tg_rate *rate, const struct tg_catalog_snapshot *snapshot,
                                  const struct tg_usage *row, const struct tg_charge *charge,
                                  int64_t *cost);

/** @brief Forget rows that tg_rate_apply kept back. @param rate Worker. */
void tg_rate_apply_drop(struct tg_rate *rate);

/** @brief Take back what a row posted: its line and its shelves. @param rate Worker.
 *  @param work Counted. */
void tg_rate_row_undo(struct tg_rate *rate, struct tg_rate_work *work);

/** @brief Remainders have their tariff's denominator; a charge keeps them in 2^-32.
 *  @param result Borrowed. @return Remainder in 2^-32 of a scale unit, toward 0. */
static inline int64_t tg_rate_remainder(const struct tg_tariff_result *result)
{
    if (result->remainder == 0) {
        return 0;
    }
    return (int64_t)(((__int128)result->remainder * ((int64_t)1 << 32)) /
                     (__int128)result->denominator);
}

/** @brief What a rated row's trace tells of its pieces and rules. @param rate Worker.
 *  @param work Priced, its amount known. @param[in,out] trace Amounts are filled before. */
void tg_rate_row_trace(const struct tg_rate *rate, const struct tg_rate_work *work,
                       struct tg_rate_trace *trace);

/** @brief Call each tariff once for all its pieces of the group. @param rate Worker. */
void tg_rate_group_price(struct tg_rate *rate);

#endif
