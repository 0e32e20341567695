/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Where an issued bill stands: what was paid, what notes took or added, what is open.
 *
 *  Source: rating-semantics 4.14 (issued -> paid/void; corrections only by notes), TMF678 4.0.0
 *  (BillStateType). Threads: LMDB serialises. Allocates: documents. Cost: a few reads a payment,
 *  one read a bill that is shown.
 *
 *      issued --payments below what is due--> partly_paid --the rest--> paid
 *      issued --notes take all of it back, nothing is paid--> void
 *      a payment below 0 (a returned debit) leads back
 *
 *  open = due + notes - payments; below 0 it is credit of later bills (carry.h). The document of
 * the bill is never written again: its standing is `billState` (id -> {"state", "due", "paid",
 * "notes", "open", "currency"}), which a bill has from its first payment or note on. Payments are
 * `billPayment` (BILL/REFERENCE -> {"bill", "reference", "amount", "currency", "date"}); a
 * reference counts once. Each move is one outbox entry.
 */
#ifndef TG_BILL_STANDING_H
#define TG_BILL_STANDING_H

#include "base/error.h"
#include "bill/cash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tg_bytes;
struct tg_currency;
struct tg_db;
struct tg_txn;

/** @brief State of an issued bill. */
enum tg_bill_standing_state {
    TG_BILL_STANDING_ISSUED = 0,      /**< Nothing was paid. */
    TG_BILL_STANDING_PARTLY_PAID = 1, /**< Something is open. */
    TG_BILL_STANDING_PAID = 2,        /**< Nothing is open, or nothing was ever due. */
    TG_BILL_STANDING_VOID = 3         /**< Notes took all of it back. */
};

/** @brief Where a bill stands; amounts at the scale of its currency's minor unit. */
struct tg_bill_standing {
    const struct tg_currency *currency; /**< Of all amounts. */
    int64_t due;                        /**< Asked for when it was issued. */
    int64_t total;                      /**< With what a balance has paid. */
    int64_t paid;                       /**< Sum of payments. */
    int64_t notes;                      /**< Sum of credit notes (below 0) and debit notes. */
    int64_t rounding;                   /**< What notes change of the rounding by cash. */
    int64_t open;                       /**< due + notes + rounding - paid; below 0: more than
                                             enough. */
    int64_t due_ns;                     /**< Day to pay by; 0: none. */
    uint8_t state;                      /**< enum tg_bill_standing_state. */
    bool is_note;                       /**< A note: it counts on its invoice. */
    bool keeps_credit;                  /**< What is open below 0 is not for later bills. */
    uint8_t reserved[5];                /**< 0. */
    int64_t period_end_ns;              /**< End of its period. */
    struct tg_bill_cash cash;           /**< How what is due is rounded. */
    int64_t cash_added;                 /**< Of due, added by that. */
    char account[128];                  /**< Who pays. */
    char number[48];                    /**< Its number. */
    char entity[33];                    /**< Whose number; "default". */
};

/** @brief A payment as it is noted. */
struct tg_bill_payment {
    uint32_t size_bytes;   /**< sizeof(struct tg_bill_payment). */
    uint32_t reserved;     /**< 0. */
    const char *bill;      /**< Number or id. */
    const char *amount;    /**< Decimal, in the bill's currency; below 0: paid back. */
    const char *reference; /**< Name of the payment, once a bill: at most 64 of [A-Za-z0-9_.-]. */
    int64_t date_ns;       /**< When it was paid. */
};

/** @brief Name of a state ("partly_paid"). @param state enum. @return Static text. */
const char *tg_bill_standing_name(uint8_t state);

#define TG_BILL_LABEL_BYTES 82u /**< Legal entity, a slash, a number, NUL. */

/** @brief Number of a bill as it is found by: behind "ENTITY/" when it is not of "default".
 *  @param standing Read. @param[out] label Room. */
void tg_bill_standing_label(const struct tg_bill_standing *standing,
                            char label[TG_BILL_LABEL_BYTES]);

/** @brief Id of a bill by its number or id. @param txn Begun. @param name As typed.
 *  @param[out] id Room. @param id_bytes Of id. */
void tg_bill_id_resolve(struct tg_txn *txn, const char *name, char *id, size_t id_bytes);

/**
 * @brief Read where a bill stands, from its payments and notes.
 * @param[in]  txn       Begun.
 * @param[in]  id        Bill's id.
 * @param[out] standing  Written on TG_OK.
 * @return TG_OK, TG_E_NOT_FOUND (not issued), TG_E_CORRUPT, TG_E_AMOUNT_OVERFLOW, TG_E_DATABASE.
 */
enum tg_err tg_bill_standing_read(struct tg_txn *txn, const char *id,
                                  struct tg_bill_standing *standing);

/**
 * @brief Write a bill's standing and announce it, when a payment or note has moved it.
 * @param[in,out] txn    For writing; holds the payment or note.
 * @param[in]     id     Bill's id.
 * @param[in]     at_ns  When it moved.
 * @return TG_OK, also when there is no such bill; as tg_bill_standing_read.
 */
enum tg_err tg_bill_standing_move(struct tg_txn *txn, const char *id, int64_t at_ns);

/**
 * @brief Note a payment; the same reference with the same amount and date again changes nothing.
 * @param[in]  state     <data>/state, read-write.
 * @param[in]  payment   Borrowed.
 * @param[out] standing  As it stands then; written on TG_OK.
 * @param[out] why       May be NULL.
 * @return TG_OK; TG_E_INVALID (amount 0 or not a decimal of the currency, reference, a note, a void
 *         bill); TG_E_NOT_FOUND; TG_E_EXISTS (the reference says something else); TG_E_CORRUPT,
 *         TG_E_AMOUNT_OVERFLOW, TG_E_DATABASE, TG_E_NO_SPACE.
 */
enum tg_err tg_bill_pay(struct tg_db *state, const struct tg_bill_payment *payment,
                        struct tg_bill_standing *standing, struct tg_why *why);

/**
 * @brief Put a bill's standing into its document, where it is shown.
 * @param[in]  txn       Begun.
 * @param[in]  id        Bill's id.
 * @param[in]  json      Document as stored.
 * @param[out] room      Shape [room_bytes].
 * @param[in]  room_bytes  At least json's length + TG_BILL_STANDING_BYTES.
 * @param[out] length    Octets written; 0: it stands as it was issued, show json.
 * @return TG_OK, TG_E_FULL, TG_E_CORRUPT.
 */
enum tg_err tg_bill_standing_show(struct tg_txn *txn, const char *id, const struct tg_bytes *json,
                                  char *room, size_t room_bytes, size_t *length);

#define TG_BILL_STANDING_BYTES 512u /**< Most that a standing adds to a document. */

#endif
