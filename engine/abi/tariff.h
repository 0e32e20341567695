/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Tariff contract: pieces of usage in, exact integer amounts out, a batch at a time.
 *
 *  Source: Tollgate ABI 1; price models after TM Forum TMF620 ProductOfferingPrice.
 *  Threads: price() is pure and may run on any worker at once. Allocates: never. Cost: bench/micro.
 *
 *  What the engine does before calling: finds the price, rounds the quantity to increments, takes
 *  what an allowance covers, splits at time bands. What it does after: adds the connect fee once a
 *  call, applies minimum and maximum charge, checks the result, posts it. A tariff is only the
 *  function from units to money.
 *
 *  Rules a tariff lives by:
 *  (1) Integers only. Multiply in __int128, divide once, round once: tg_tariff_round.
 *  (2) A pure function of its arguments: no clock, no state, no I/O, no allocation.
 *  (3) One result per row, in order; a row it cannot price gets a verdict, the others go on.
 */
#ifndef TG_ABI_TARIFF_H
#define TG_ABI_TARIFF_H

#include "abi/err.h"
#include "abi/plugin.h"
#include "abi/usage.h"

#include <stdint.h>

/** @brief How a quotient becomes an integer. Values are stored: pinned for life. */
enum tg_rounding {
    TG_ROUND_HALF_UP = 0,   /**< Nearest; a tie goes away from zero. */
    TG_ROUND_HALF_EVEN = 1, /**< Nearest; a tie goes to the even neighbour. */
    TG_ROUND_UP = 2,        /**< Away from zero. */
    TG_ROUND_DOWN = 3,      /**< Toward zero. */
    TG_ROUND_CEIL = 4,      /**< Toward plus infinity. */
    TG_ROUND_FLOOR = 5      /**< Toward minus infinity. */
};

/** @brief One step of a price: applies to cumulative units in (previous up_to, up_to]. */
struct tg_price_step {
    uint64_t up_to_units;  /**< Inclusive upper bound; UINT64_MAX: no bound. */
    int64_t price;         /**< Price of per_units units, at the price's scale. */
    uint64_t per_units;    /**< At least 1. */
    int64_t flat;          /**< Added once when the first unit of the step is used. */
};

/**
 * @brief A price as the tariff sees it: immutable, read in place from the catalog image.
 *
 * Amounts are integers of 10^-scale currency units; scale is the currency's minor exponent + 6.
 */
struct tg_price {
    uint32_t size_bytes;        /**< sizeof(struct tg_price) of the engine. */
    uint32_t price_id;          /**< Index in the catalog image; stored with each charge. */
    uint16_t currency;          /**< ISO 4217 numeric code. */
    uint8_t scale;              /**< Decimals of every amount here. */
    uint8_t rounding;           /**< enum tg_rounding for the RATE stage. */
    uint32_t steps_count;       /**< At least 1 for built-in models. */
    uint32_t steps_offset;      /**< Bytes from this struct to its steps. */
    uint32_t params_bytes;      /**< Size of what compile() produced; 0 none. */
    uint32_t params_offset;     /**< Bytes from this struct to them. */
    uint32_t reserved;          /**< 0. */
    uint64_t first_increment;   /**< Units charged at least, at least 1. */
    uint64_t next_increment;    /**< Then in steps of this, at least 1. */
    uint64_t minimum_units;     /**< Quantity is raised to this before increments. */
    uint64_t grace_units;       /**< At or below this nothing is billed. */
    uint64_t included_units;    /**< Free of every call. */
    int64_t connect_fee;        /**< Once a call. */
    int64_t charge_min;         /**< Charge is raised to this; INT64_MIN: none. */
    int64_t charge_max;         /**< Charge is cut to this; INT64_MAX: none. */
};
_Static_assert(sizeof(struct tg_price) == 96, "tg_price is part of the ABI and of the image");

/** @brief Steps of a price. @param price Borrowed. @return Shape [price->steps_count]. */
static inline const struct tg_price_step *tg_price_steps(const struct tg_price *price)
{
    return (const struct tg_price_step *)(const void *)((const uint8_t *)price +
                                                        price->steps_offset);
}

/** @brief Parameters compile() made. @param price Borrowed. @return Shape [price->params_bytes]. */
static inline const void *tg_price_params(const struct tg_price *price)
{
    return (const uint8_t *)price + price->params_offset;
}

/** @brief Bits of tg_tariff_row.flags. */
enum tg_tariff_flag {
    TG_TARIFF_FIRST_PIECE = 1, /**< First piece of its record. */
    TG_TARIFF_LAST_PIECE = 2,  /**< Last piece of its record. */
    TG_TARIFF_REFUND = 4       /**< The engine will negate the result. */
};

/** @brief One piece of usage to price; flat, so that a sandboxed tariff can read it too. */
struct tg_tariff_row {
    uint64_t units;          /**< Units to price: after increments, without allowance. */
    uint64_t units_before;   /**< Units this meter counted in its period before this piece. */
    uint64_t events_before;  /**< Records this meter counted in its period before. */
    int64_t base_amount;     /**< Money the record itself carries, at the price's scale; or 0. */
    int64_t base_before;     /**< Sum of base_amount in the period before. */
    int64_t start_ns;        /**< Start of the piece, UTC. */
    uint32_t price_index;    /**< Index into prices[]. */
    uint16_t node_id;        /**< Node that reported. */
    uint8_t node_state;      /**< enum tg_node_state at that time. */
    uint8_t flags;           /**< enum tg_tariff_flag. */
    uint8_t service;         /**< enum tg_service. */
    uint8_t reserved[7];     /**< 0. */
};
_Static_assert(sizeof(struct tg_tariff_row) == 64, "one cache line");

/** @brief The price of one piece. */
struct tg_tariff_result {
    int64_t amount;        /**< Rounded amount at the price's scale. */
    int64_t remainder;     /**< Exact amount = amount + remainder / denominator. */
    uint64_t denominator;  /**< At least 1. */
    int32_t verdict;       /**< TG_OK, or the reason why amount is void. */
    uint32_t step_index;   /**< Step that priced the last unit; for explain. */
};

/** @brief What a part of a piece is. */
enum tg_tariff_part_kind {
    TG_TARIFF_PART_STEP = 0,  /**< Units at a step. */
    TG_TARIFF_PART_TAKEN = 1, /**< Likewise, but of usage before the piece: taken off again. */
    TG_TARIFF_PART_FREE = 2,  /**< Units that cost nothing. */
    TG_TARIFF_PART_ONCE = 3,  /**< Not a matter of units: an amount a record. */
    TG_TARIFF_PART_SHARE = 4  /**< Units are money at the price's scale, of which price / per_units
                                   is paid. */
};

/** @brief One part of how a piece came to its amount; for explain and quote, never for rating. */
struct tg_tariff_part {
    uint64_t units;        /**< Units in it. */
    uint64_t counted;      /**< What the price is multiplied with: units by the step's own
                                increments, or those of the packages it opens. */
    int64_t price;         /**< Of per_units; below 0 in a part that is taken off. */
    uint64_t per_units;    /**< At least 1. */
    int64_t flat;          /**< Added once; below 0 in a part that is taken off. */
    uint32_t step_index;   /**< Step, from 0. */
    uint8_t kind;          /**< enum tg_tariff_part_kind. */
    uint8_t reserved[3];   /**< 0. */
};
_Static_assert(sizeof(struct tg_tariff_part) == 48, "part of the ABI");

/** @brief What compile() is given. */
struct tg_tariff_source {
    uint32_t size_bytes;               /**< sizeof of the caller's struct. */
    uint32_t settings_count;           /**< How many. */
    const struct tg_setting *settings; /**< The price's `params:` block. */
    const struct tg_price *price;      /**< The common part, already checked. */
};

/** @brief Bits of tg_tariff.promises: what the engine may rely on without asking. */
enum tg_tariff_promise {
    /** Always steps[0].price * units / steps[0].per_units, rounded once, unless the step has a flat
     *  amount. Of a tariff that is linked in, the engine may compute this product itself. */
    TG_TARIFF_IS_LINEAR = 1
};

/** @brief The contract. */
struct tg_tariff {
    uint32_t size_bytes;       /**< sizeof(struct tg_tariff). */
    uint32_t params_bytes_max; /**< Most that compile() writes; 0 when compile is NULL. */

    /**
     * Optional. Check the price's own parameters and turn them into a block for the image.
     * Returns TG_OK or TG_E_PLUGIN_PARAMS with why filled. NULL: no parameters are accepted.
     */
    enum tg_err (*compile)(const struct tg_tariff_source *source, uint8_t *params,
                           uint32_t *params_bytes, struct tg_complaint *why);

    /**
     * Price rows[0..rows_count): prices[] is borrowed, shape [prices_count], each row names its
     * price by price_index. results has shape [rows_count]. Returns rows_count.
     */
    uint32_t (*price)(const struct tg_price *const *prices, uint32_t prices_count,
                      const struct tg_tariff_row *rows, uint32_t rows_count,
                      struct tg_tariff_result *results);

    /* What follows came after ABI 1 began: it is there when size_bytes says so, and 0 is what a
     * tariff that does not know it means. */
    uint32_t promises;       /**< enum tg_tariff_promise bits; 0 none. */
    uint16_t currency;       /**< ISO 4217 number of the only currency it prices; 0 any. A row of
                                  another is refused with TG_E_PLUGIN_CURRENCY, uncalled. */
    uint16_t params_version; /**< Changes when params blocks of one size mean something else: a
                                  reload with another is refused, as stored catalogs keep them. */

    /**
     * Optional. Does this price look at what was counted before (units_before, events_before,
     * base_before)? 0: it does not, and no counter is kept for it. NULL: it does. A pure function
     * of the price, whose params are not there yet where compile() has refused them.
     */
    int (*counts)(const struct tg_price *price);

    /**
     * Optional. Say which parts an answer of price() is the sum of: price * counted / per_units +
     * flat of each, exactly. parts has room for parts_max. Returns how many there are, more than
     * parts_max when they do not fit. NULL, or parts that do not sum: only the total is shown.
     */
    uint32_t (*explain)(const struct tg_price *price, const struct tg_tariff_row *row,
                        struct tg_tariff_part *parts, uint32_t parts_max);
};
_Static_assert(sizeof(struct tg_tariff) == 48, "grows at its end only");

/** Size of a tariff that has a currency and a params_version, and nothing behind them. */
#define TG_TARIFF_BYTES_WITH_CURRENCY 32u
/** Size of a tariff that has counts(), and nothing behind it. */
#define TG_TARIFF_BYTES_WITH_COUNTS 40u
/** Size of a tariff that has explain(), and nothing behind it. */
#define TG_TARIFF_BYTES_WITH_EXPLAIN 48u

/** @brief Its currency, also of one built before there was such a field. @param tariff Borrowed.
 *  @return ISO 4217 number, or 0: any. */
static inline uint16_t tg_tariff_currency(const struct tg_tariff *tariff)
{
    return tariff->size_bytes >= TG_TARIFF_BYTES_WITH_CURRENCY ? tariff->currency : 0;
}

/** @brief Does it need a counter for a price? @param tariff Borrowed. @param price Borrowed.
 *  @return 0: no; else it does, or was built before anybody asked. */
static inline int tg_tariff_counts(const struct tg_tariff *tariff, const struct tg_price *price)
{
    return tariff->size_bytes < TG_TARIFF_BYTES_WITH_COUNTS || tariff->counts == 0 ||
           tariff->counts(price) != 0;
}

/** @brief Its params_version, as tg_tariff_currency. @param tariff Borrowed. @return 0 unless set.
 */
static inline uint16_t tg_tariff_params_version(const struct tg_tariff *tariff)
{
    return tariff->size_bytes >= TG_TARIFF_BYTES_WITH_CURRENCY ? tariff->params_version : 0;
}

/**
 * @brief Divide once, round once.
 *
 * @param[in]  numerator    Any value.
 * @param[in]  denominator  At least 1.
 * @param[in]  rounding     enum tg_rounding.
 * @param[out] result       amount, remainder and denominator are written; verdict is TG_OK or
 *                          TG_E_AMOUNT_OVERFLOW when the quotient does not fit 64 bits.
 */
static inline void tg_tariff_round(__int128 numerator, uint64_t denominator, uint8_t rounding,
                                   struct tg_tariff_result *result)
{
    const __int128 den = (__int128)denominator;
    __int128 quotient = numerator / den;
    const __int128 rest = numerator % den;
    const __int128 rest_abs = rest < 0 ? -rest : rest;
    const int sign = numerator < 0 ? -1 : 1;
    int away = 0;
    switch (rounding) {
    case TG_ROUND_HALF_UP:
        away = rest_abs * 2 >= den;
        break;
    case TG_ROUND_HALF_EVEN:
        away = rest_abs * 2 > den || (rest_abs * 2 == den && (quotient & 1) != 0);
        break;
    case TG_ROUND_UP:
        away = rest != 0;
        break;
    case TG_ROUND_CEIL:
        away = rest > 0;
        break;
    case TG_ROUND_FLOOR:
        away = rest < 0;
        break;
    default:
        break;
    }
    quotient += away != 0 ? sign : 0;
    if (quotient > INT64_MAX || quotient < INT64_MIN) {
        result->verdict = TG_E_AMOUNT_OVERFLOW;
        result->amount = 0;
        result->remainder = 0;
        result->denominator = 1;
        return;
    }
    result->verdict = TG_OK;
    result->amount = (int64_t)quotient;
    result->remainder = (int64_t)(numerator - quotient * den);
    result->denominator = denominator;
}

#endif
