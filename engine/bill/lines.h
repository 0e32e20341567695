/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The table a bill run folds the journal into: one slot a (subscriber, zone, band,
 *  price, service).
 *
 *  Source: rating-semantics 4.14 (grouping). Threads: one writer; once nothing is added any more,
 *  any number of readers. Allocates: in open only; slots that are never used are never touched.
 *  Cost: 4 octets a subscriber and 128 a slot; two cache misses a row, of which
 *  tg_bill_lines_prefetch hides most.
 *
 *  Subscribers are dense, so each has a chain of its few slots: no hash, no empty slots, and no
 *  sort of all of them, as each bill sorts its own. When the table is full the run takes fewer
 *  accounts at once and scans again: bounded memory is paid for with passes, never with a lost row.
 */
#ifndef TG_BILL_LINES_H
#define TG_BILL_LINES_H

#include "abi/err.h"
#include "catalog/image_layout.h"

#include <stdbool.h>
#include <stdint.h>

#define TG_BILL_SLOT_PREPAID 0x80u /**< Bit of a kind: the rows were taken from a balance. */

/** @brief What one slot sums. */
struct tg_bill_slot {
    uint32_t subscriber;               /**< Roster index. */
    uint32_t price_id;                 /**< Index in the image of catalog_version. */
    uint32_t catalog_version;          /**< Which image. */
    uint32_t next;                     /**< Next of the subscriber + 1, 0 none; of a copy that
                                            tg_bill_lines_take made: itself + 1. lines.c's. */
    uint16_t zone;                     /**< Zone index. */
    uint16_t currency;                 /**< ISO 4217 numeric. */
    uint16_t month;                    /**< tg_bill_month it is late for; 0: in time. */
    uint8_t service;                   /**< enum tg_service. */
    uint8_t kind;                      /**< enum tg_bill_line_kind, TG_BILL_SLOT_PREPAID. */
    uint64_t rows_count : 48;          /**< Rows summed. */
    uint64_t band : 16;                /**< tg_bill_band_of. */
    __int128 amount;                   /**< At rating scale. */
    __int128 residual;                 /**< 2^-32 of a scale unit. */
    __int128 units;                    /**< As reported; below 0 of what was taken back. */
    __int128 billed_units;             /**< After increments; likewise. */
    unsigned __int128 allowance_units; /**< Covered by allowance. */
    __int128 charge_tax;               /**< Sum of the rows' own taxes, bill scale. */
};
_Static_assert(sizeof(struct tg_bill_slot) == 128, "two cache lines");

/** @brief One rated row's part in a bill. */
struct tg_bill_item {
    uint32_t subscriber;      /**< Roster index. */
    uint32_t price_id;        /**< Image index. */
    uint32_t catalog_version; /**< Image. */
    uint16_t zone;            /**< Zone. */
    uint16_t currency;        /**< ISO 4217 numeric. */
    uint8_t service;          /**< enum tg_service. */
    uint8_t kind;             /**< enum tg_bill_line_kind: usage, late usage, adjustment. */
    uint16_t month;           /**< tg_bill_month it is late for; 0: in time. */
    uint16_t band;            /**< tg_bill_band_of. */
    uint16_t tax_parts_count; /**< Of tax_parts; 0: charge_tax is one tax. */
    int64_t charge_tax;       /**< Tax of this row alone, bill scale. */
    int64_t amount;           /**< Rating scale. */
    int64_t remainder;        /**< 2^-32 of a scale unit. */
    uint64_t units;           /**< tg_usage_units of the row. */
    uint64_t billed_units;    /**< tg_charge.billed_units. */
    uint64_t allowance_units; /**< tg_charge.allowance_units. */
    bool is_reversal;         /**< Units are taken off. */
    int64_t tax_parts[TG_TAX_PARTS_MAX]; /**< Of a set: charge_tax by part. */
};

struct tg_bill_lines;

/** @brief Make a table. @param subscribers_count Roster indices are below. @param slots_max Slots
 *  that may be used, 1..2^28. @return Table, or NULL when memory is short. Free with
 *  tg_bill_lines_close. */
struct tg_bill_lines *tg_bill_lines_open(uint32_t subscribers_count, uint32_t slots_max);

/** @brief Make room for the parts of rows' own taxes, as they are of a set; only tables of such
 *  catalogs have it, beside the slots. @param lines Table, empty. @return TG_OK or TG_E_NO_MEMORY.
 */
enum tg_err tg_bill_lines_parts_open(struct tg_bill_lines *lines);

/** @brief Sums of the parts of rows' own taxes. @param lines Table. @param slot From
 *  tg_bill_lines_take. @return Bill scale, shape [TG_TAX_PARTS_MAX], borrowed; NULL without
 *  tg_bill_lines_parts_open. */
const __int128 *tg_bill_lines_parts(const struct tg_bill_lines *lines,
                                    const struct tg_bill_slot *slot);

/** @brief Free. @param lines Table or NULL. */
void tg_bill_lines_close(struct tg_bill_lines *lines);

/** @brief Empty the table for another pass. @param lines Table. */
void tg_bill_lines_reset(struct tg_bill_lines *lines);

/** @brief Fetch a subscriber's place ahead of its row. @param lines Table. @param subscriber Any.
 *  @param is_near false: some rows ahead, fetches the begin of the chain; true: fewer rows ahead,
 *  fetches the first slot. */
void tg_bill_lines_prefetch(const struct tg_bill_lines *lines, uint32_t subscriber, bool is_near);

/**
 * @brief Add one row.
 * @param[in,out] lines  Table.
 * @param[in]     item   Borrowed; subscriber below the table's count.
 * @return TG_OK, or TG_E_FULL when it needs a new slot and slots_max are taken.
 */
enum tg_err tg_bill_lines_add(struct tg_bill_lines *lines, const struct tg_bill_item *item);

/** @brief Slots of a subscriber. @param lines Table. @param subscriber Any. @return Count. */
uint32_t tg_bill_lines_count(const struct tg_bill_lines *lines, uint32_t subscriber);

/**
 * @brief Copy a subscriber's slots, sorted by (kind, month, service, zone, band, price,
 *        version, currency).
 * @param[in]  lines       Table.
 * @param[in]  subscriber  Any.
 * @param[out] slots       Shape [tg_bill_lines_count of it]; the caller's.
 * @return How many.
 */
uint32_t tg_bill_lines_take(const struct tg_bill_lines *lines, uint32_t subscriber,
                            struct tg_bill_slot *slots);

#endif
