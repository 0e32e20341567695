/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The verdict on a usage row: fate, price, amount; one cache line beside the row.
 *
 *  Source: states after TM Forum TMF635 usage status; fates are design law 1.
 *  Threads: plain data, copied by value. Allocates: never. Cost: 64 bytes.
 */
#ifndef TG_RECORD_CHARGE_H
#define TG_RECORD_CHARGE_H

#include "abi/usage.h"

#include <stdint.h>

/** @brief The one fate of a record (law 1). Values are stored: pinned for life. */
enum tg_fate {
    TG_FATE_NONE = 0,      /**< Still on its way; never in the journal. */
    TG_FATE_RATED = 1,     /**< Priced and posted, possibly at zero. */
    TG_FATE_SUSPENDED = 2, /**< Refused with a reason; can be recycled. */
    TG_FATE_DUPLICATE = 3, /**< The same record was accepted before. */
    TG_FATE_FILTERED = 4,  /**< Not for rating: options data, filtered source, zero usage. */
    TG_FATE_MERGED = 5,    /**< Became part of another record. */
    TG_FATE_HELD = 6       /**< Waits: for its template, its node's truth, its other parts. */
};
#define TG_FATE_COUNT 7u

/** @brief Lower-case fate name ("rated"), as `audit --json` prints it. @param fate enum.
 *  @return Static text. */
const char *tg_fate_name(unsigned fate);

#define TG_SUBSCRIBER_NONE UINT32_MAX
#define TG_PRICE_NONE      UINT32_MAX

/** @brief Bits of tg_charge.flags. Values are stored: pinned for life. */
enum tg_charge_flag {
    TG_CHARGE_PREPAID = 1,     /**< The amount was taken from the account's prepaid balance. */
    TG_CHARGE_OVER_CREDIT = 2, /**< Beside it: more than credit and holds had left. Still rated. */
    TG_CHARGE_THRESHOLD = 4,   /**< The row reached a threshold of an allowance or spend limit. */
    TG_CHARGE_CAPPED = 8,      /**< A spend limit cut the charge. */
    TG_CHARGE_NOT_BILLABLE = 16, /**< Its closing cause is not billable: 0, and on no bill. */
    TG_CHARGE_REVERSAL = 32     /**< Takes usage back: units count below 0, as the amount does. */
};

/** @brief What the stages decided about one row. Amounts are at the currency's rating scale. */
struct tg_charge {
    int64_t amount;           /**< Charge before tax; 0 unless rated. */
    int64_t remainder;        /**< Exact charge = amount + remainder / 2^32 of a scale unit. */
    uint64_t billed_units;    /**< Units after increments, allowance included. */
    uint64_t allowance_units; /**< Of these, covered by the allowance. */
    uint64_t units_before;    /**< Period counter before this row (order of rating, explain). */
    uint32_t subscriber;      /**< Dense roster index; TG_SUBSCRIBER_NONE unknown. */
    uint32_t price_id;        /**< Catalog image index; TG_PRICE_NONE none. */
    uint32_t catalog_version; /**< Version that priced it. */
    uint16_t currency;        /**< ISO 4217 numeric. */
    uint16_t zone;            /**< Catalog zone index; 0 none. */
    int16_t reason;           /**< enum tg_err: why not rated; TG_OK when rated. */
    uint8_t fate;             /**< enum tg_fate. */
    uint8_t node_state;       /**< enum tg_node_state of node_id at start_ns, when rated. */
    uint8_t pieces_count;     /**< Pieces it was split into; 0 when not rated. */
    uint8_t unit;             /**< enum tg_unit (catalog/image.h) of the three units columns. */
    uint8_t flags;            /**< enum tg_charge_flag. */
    uint8_t site;             /**< Catalog index of where its node stands; 0 in no site. */
};
_Static_assert(sizeof(struct tg_charge) == 64, "a charge is one cache line");

/**
 * @brief Units of a row for the audit's second column: octets, milliseconds or events.
 * @param row Borrowed. @return DATA, ACCESS: up + down octets; VOICE: duration_ms; else
 * quantity_up.
 */
static inline uint64_t tg_usage_units(const struct tg_usage *row)
{
    switch (row->service) {
    case TG_SERVICE_VOICE:
        return row->duration_ms;
    case TG_SERVICE_MESSAGE:
    case TG_SERVICE_EVENT:
        return row->quantity_up;
    default:
        return (uint64_t)row->quantity_up + row->quantity_down;
    }
}

#endif
