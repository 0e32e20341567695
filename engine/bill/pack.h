/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Invoices printed and ready to be stored, but for their numbers.
 *
 *  Source: rating-semantics 4.14: parallel calculation, serial issue. Threads: one owner at a time;
 *  a pack goes from the worker that fills it to the one thread that stores it. Allocates: in open,
 *  and when it has to grow; reset keeps the memory, so a run settles after its first packs.
 *  Cost: printing, some 15 us an invoice.
 *
 *  A document with a number in it is kept as two halves: the number is spent when the invoice is
 *  stored, in order, and goes between them.
 */
#ifndef TG_BILL_PACK_H
#define TG_BILL_PACK_H

#include "bill/invoice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Last key of a draft; sixteen hexadecimal digits, a quote and a brace follow. */
#define TG_BILL_DIGEST_KEY ",\"x_digest\":\""

/** @brief Where a document goes. */
enum tg_bill_collection {
    TG_BILL_IN_BILLS = 0, /**< customerBill. */
    TG_BILL_IN_DRAFTS,    /**< billDraft. */
    TG_BILL_IN_RATES,     /**< appliedRate. */
    TG_BILL_IN_ISSUED,    /**< billIssued. */
    TG_BILL_IN_NUMBERS,   /**< billNumber; the number is the id. */
    TG_BILL_IN_OUTBOX     /**< outbox; numbered by itself. */
};

/** @brief One document. */
struct tg_bill_part {
    size_t id_at;        /**< Its id in the pack's bytes, NUL-terminated. */
    size_t bytes_at;     /**< Its JSON. */
    uint32_t head;       /**< Octets before the number. */
    uint32_t tail;       /**< Octets behind it. */
    bool is_numbered;    /**< The number goes between. */
    uint8_t collection;  /**< enum tg_bill_collection. */
    uint8_t reserved[6]; /**< 0. */
};

/** @brief One invoice, or an account that has none because its sums do not fit. */
struct tg_bill_ready {
    uint64_t digest;            /**< What it says, number, date and seller aside. */
    uint64_t approval;          /**< What it says, number and date aside: of a draft. */
    int64_t issued_ns;          /**< Its date; the year of its number. */
    int64_t net_total;          /**< Bill scale. */
    int64_t tax_total;          /**< Bill scale. */
    int64_t total;              /**< Bill scale. */
    uint64_t rows_count;        /**< Rows billed, on the account's first invoice. */
    uint64_t written_off_count; /**< Late rows not charged, likewise. */
    size_t id_at;               /**< Document id; of a failure: why, for people. */
    size_t reference_at;        /**< Of a note: id of its invoice; SIZE_MAX: it is none. */
    size_t entity_at;           /**< Whose number; SIZE_MAX: the issuer's. */
    size_t series_at;           /**< Its series; SIZE_MAX: the issuer's. */
    size_t account_at;          /**< With credit_used, balance_taken, taken_over, voids_month or
                                     is_interim: whose. */
    size_t replaces_at;         /**< Id of the voided bill it is instead of; SIZE_MAX: none. */
    int64_t balance_taken;      /**< For fees, bill scale; by this bill and none before it. */
    int64_t taken_over;         /**< Paid by what the bill it replaces gave back, bill scale. */
    uint32_t voids_month;       /**< Of a note that voids: number of the bill's period; else 0. */
    uint32_t reserved_2;        /**< 0. */
    int64_t period_end_ns;      /**< End of its period. */
    int64_t credit_used;        /**< Of earlier bills, bill scale. */
    uint32_t account;           /**< Roster index. */
    uint32_t lines_count;       /**< Lines. */
    uint32_t part_first;        /**< Into parts. */
    uint32_t parts_count;       /**< How many. */
    int32_t err;                /**< TG_OK, or why the account has no invoice. */
    uint16_t currency;          /**< ISO 4217 numeric. */
    bool is_issued;             /**< To be numbered; false: a draft. */
    uint8_t document;           /**< enum tg_bill_document: notes have series of their own. */
    bool leaves_credit;         /**< What is open below 0 is credit of later bills. */
    bool is_interim;            /**< Of a part of a cycle (interim.h). */
    uint8_t reserved[2];        /**< 0. */
};

struct tg_bill_detail;

/** @brief A pack; zero-initialise, fields are readable. */
struct tg_bill_pack {
    char *bytes;                    /**< Ids and documents. */
    struct tg_bill_part *parts;     /**< Shape [parts_count]. */
    struct tg_bill_ready *ready;    /**< In the order they were added; shape [ready_count]. */
    struct tg_bill_detail *details; /**< Private: of one invoice at a time. */
    size_t bytes_used;              /**< Of bytes. */
    size_t bytes_capacity;          /**< Private. */
    uint32_t parts_count;           /**< Used. */
    uint32_t parts_capacity;        /**< Private. */
    uint32_t ready_count;           /**< Used. */
    uint32_t ready_capacity;        /**< Private. */
    uint32_t details_capacity;      /**< Private. */
    uint32_t reserved;              /**< 0. */
};

/** @brief Empty it, keeping its memory. @param pack Pack. */
void tg_bill_pack_reset(struct tg_bill_pack *pack);

/** @brief Free its memory. @param pack Pack. */
void tg_bill_pack_free(struct tg_bill_pack *pack);

/**
 * @brief Print an invoice into a pack.
 * @param[in,out] pack     Pack.
 * @param[in]     invoice  Computed, id set; is_issued says whether it gets a number. Borrowed.
 * @param[out]    why      May be NULL.
 * @return TG_OK; TG_E_NO_MEMORY; TG_E_FULL (a document is longer than any can be).
 */
enum tg_err tg_bill_pack_add(struct tg_bill_pack *pack, const struct tg_bill_invoice *invoice,
                             struct tg_why *why);

/** @brief Note that an account has no invoice. @param pack Pack. @param err Why.
 *  @param cause Why, for people. @return TG_OK or TG_E_NO_MEMORY. */
enum tg_err tg_bill_pack_fail(struct tg_bill_pack *pack, enum tg_err err, const char *cause);

#endif
