/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The moment an invoice becomes a fact: its number and its documents in one transaction.
 *
 *  Source: rating-semantics 4.14 (gapless per legal entity, series, year; number and document
 * commit together). Threads: one writer; LMDB serialises with other processes. Allocates: in open
 * only. Cost: a few puts an invoice; one fsync a batch.
 *
 *  State: the environment <data>/state. Collections written: `customerBill` (id -> CustomerBill),
 *  `appliedRate` (id -> AppliedCustomerBillingRate), `billIssued` (id
 * ->
 *  {"number", "account", "period", "currency", "net", "tax", "total", "digest"}), `billNumber`
 * (number
 *  -> {"bill": id}), `billDraft` (id -> CustomerBill without a number); the counter
 *  `bill|entity|series|year`; one outbox entry an invoice.
 *
 *  (1) A counter moves only in the transaction that stores the invoice it was spent on: a crash
 *      leaves neither a gap nor a double.
 *  (2) A stored customerBill is never written again.
 *  A note that voids writes `billVoid` beside it (voided.h).
 *  Legal entities count by themselves and may spend the same number: that of another than "default"
 * is found as ENTITY/NUMBER in `billNumber`. Credit and debit notes get their number the same way,
 * from a series of their own; the standing (standing.h) of the invoice a note is for moves in the
 * same transaction, and so do the credits that an invoice uses or leaves (carry.h).
 */
#ifndef TG_BILL_ISSUE_H
#define TG_BILL_ISSUE_H

#include "bill/invoice.h"
#include "bill/pack.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tg_bill_carries;
struct tg_db;

/** @brief Whose numbers. */
struct tg_bill_issue_params {
    uint32_t size_bytes;      /**< sizeof(struct tg_bill_issue_params). */
    bool needs_approval;      /**< Only what equals its draft is issued. */
    uint8_t reserved[3];      /**< 0. */
    const char *legal_entity; /**< Of invoices without a seller; NULL: "default"; at most 32 of
                                   [A-Za-z0-9_.-]. */
    const struct tg_bill_carries *carries; /**< Credit that invoices use; outlives the issuer;
                                                NULL: none. */
    const char *series; /**< Prefix of the number where the seller has none; NULL: "INV";
                             same alphabet, at most 16. */
};

/** @brief What became of one invoice. */
enum tg_bill_outcome {
    TG_BILL_OUTCOME_ISSUED = 0,    /**< Numbered and stored now. */
    TG_BILL_OUTCOME_DRAFTED = 1,   /**< Stored as a draft. */
    TG_BILL_OUTCOME_KEPT = 2,      /**< Was issued before; nothing changed. */
    TG_BILL_OUTCOME_DIFFERS = 3,   /**< Was issued before, and the journal would now give
                                        another: the issued one stands, the difference is for an
                                        adjustment. */
    TG_BILL_OUTCOME_UNAPPROVED = 4 /**< Not what was approved: there is no draft, or the draft says
                                        something else. Nothing is stored. */
};

/** @brief What storing an invoice came to. */
struct tg_bill_stored {
    enum tg_bill_outcome outcome;      /**< What became of it. */
    char number[TG_BILL_NUMBER_BYTES]; /**< Its number, also an older one; "" for a draft. */
};

struct tg_bill_issuer;

/**
 * @brief Get ready to store invoices.
 * @param[in]  state   Read-write environment <data>/state; outlives the issuer.
 * @param[in]  params  Borrowed until return; its texts are copied.
 * @param[out] issuer  Written on TG_OK.
 * @param[out] why     May be NULL.
 * @return TG_OK, TG_E_INVALID (bad name), TG_E_NO_MEMORY, TG_E_DATABASE.
 */
enum tg_err tg_bill_issuer_open(struct tg_db *state, const struct tg_bill_issue_params *params,
                                struct tg_bill_issuer **issuer, struct tg_why *why);

/** @brief Drop what is not committed and free. @param issuer Issuer or NULL. */
void tg_bill_issuer_close(struct tg_bill_issuer *issuer);

/**
 * @brief Put one invoice into the current batch, begun by the first one; the caller commits.
 *
 * On TG_BILL_OUTCOME_ISSUED invoice->number is set, but is a fact only after the commit.
 *
 * @param[in,out] issuer   Issuer.
 * @param[in,out] invoice  Computed, id set.
 * @param[in]     issues   true: number it; false: store a draft.
 * @param[out]    outcome  Written on TG_OK.
 * @param[out]    why      May be NULL.
 * @return TG_OK, TG_E_NO_MEMORY, TG_E_FULL (rendering too long), TG_E_DATABASE, TG_E_NO_SPACE,
 * TG_E_CORRUPT (the counter cannot be read), TG_E_INVALID (credit it uses is not there any more).
 * On failure the batch is dropped.
 */
enum tg_err tg_bill_issuer_put(struct tg_bill_issuer *issuer, struct tg_bill_invoice *invoice,
                               bool issues, enum tg_bill_outcome *outcome, struct tg_why *why);

/**
 * @brief Put one printed invoice of a pack into the current batch; the caller commits.
 * @param[in,out] issuer  Issuer.
 * @param[in]     pack    Borrowed until return.
 * @param[in]     index   Into pack->ready; not a failure.
 * @param[out]    stored  Written on TG_OK; its number is a fact only after the commit.
 * @param[out]    why     May be NULL.
 * @return As tg_bill_issuer_put.
 */
enum tg_err tg_bill_issuer_store(struct tg_bill_issuer *issuer, const struct tg_bill_pack *pack,
                                 uint32_t index, struct tg_bill_stored *stored, struct tg_why *why);

/** @brief Make the batch durable. @param issuer Issuer. @param[out] why May be NULL.
 *  @return TG_OK, TG_E_DATABASE, TG_E_NO_SPACE. After failure nothing of the batch is stored. */
enum tg_err tg_bill_issuer_commit(struct tg_bill_issuer *issuer, struct tg_why *why);

/** @brief Issued numbers look like INV-2026-00000001. @param series Prefix. @param year e.g. 2026.
 *  @param ordinal From 1. @param[out] number Room. */
void tg_bill_number_format(const char *series, int32_t year, uint64_t ordinal,
                           char number[TG_BILL_NUMBER_BYTES]);

#endif
