/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Credit and debit notes: the only way an issued invoice is ever corrected.
 *
 *  Source: rating-semantics 4.14 (corrections only by notes that refer to the original, numbers of
 *  their own). Threads: the calling one. Allocates: for one document. Cost: one transaction.
 *
 *  A note carries the taxes of the invoice it refers to, with their rates and modes as they were
 *  printed there, never those of today's catalog. All credits on a line together never take back
 *  more than the line.
 */
#ifndef TG_BILL_NOTE_H
#define TG_BILL_NOTE_H

#include "base/error.h"
#include "bill/invoice.h"

#include <stdbool.h>
#include <stdint.h>

struct tg_db;

#define TG_BILL_NOTE_LINES_MAX 65536u /**< Lines of one note; more is TG_E_FULL. */

/** Name of the note that voids. */
#define TG_BILL_VOID_NOTE "void"

/** @brief Which note to issue. */
struct tg_bill_note_params {
    uint32_t size_bytes; /**< sizeof(struct tg_bill_note_params). */
    int32_t line_index;  /**< Line of the invoice from 0; -1: all of them, in full. */
    const char *bill;    /**< The invoice's number or id. */
    const char *name;    /**< Tells notes on one invoice apart; [A-Za-z0-9_.-], at most 16; not
                              TG_BILL_VOID_NOTE without voids, nor late-... */
    const char *reason;  /**< For people. */
    const char *amount;  /**< Net, decimal text at the currency's minor unit; NULL: what is left
                              of the line. Needs a line. */
    const char *legal_entity; /**< Who issued the invoice, to be sure; NULL: whoever did. */
    int64_t issued_ns;        /**< Date of the note. */
    bool is_debit;            /**< Adds instead of taking back. */
    bool voids;               /**< The invoice's period is billed again (voided.h). */
    uint8_t reserved[6];      /**< 0. */
};

/**
 * @brief Issue a note, with the next number of series CN or DN.
 * @param[in]  state   <data>/state, writable.
 * @param[in]  params  Borrowed until return.
 * @param[out] number  The note's; also when the very same note was issued before.
 * @param[out] why     May be NULL.
 * @return TG_OK; TG_E_NOT_FOUND (no such issued invoice or line); TG_E_INVALID (amount, name,
 *         legal entity, nothing left to take back, or the invoice is void); TG_E_EXISTS (a note of
 * that name says something else); TG_E_FULL; TG_E_AMOUNT_OVERFLOW; TG_E_NO_MEMORY; TG_E_DATABASE;
 * TG_E_CORRUPT.
 */
enum tg_err tg_bill_note_issue(struct tg_db *state, const struct tg_bill_note_params *params,
                               char number[TG_BILL_NUMBER_BYTES], struct tg_why *why);

#endif
