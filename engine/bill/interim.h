/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Interim bills: one account's usage and charges up to a day, before its cycle ends.
 *
 *  Source: rating-semantics 4.14 (gapless numbers), TMF678 4.0.0 (runType offCycle). Threads:
 * loaded by one, then read by any number. Allocates: in load, by how many there are. Cost: one
 * document an interim bill, when its account's next bill is made.
 *
 *  An interim bill has the usage and charges from the begin of the cycle to its day, taxed as any,
 *  with the next number: no fees, discounts, minimum or maximum, which are of the whole cycle. The
 *  bill of the cycle has all of it, and takes off what interim bills have charged, a line a tax, by
 *  their rates and to their cent: the sum of all is the bill that would have been alone. A later
 *  interim bill takes off earlier ones likewise. One that was voided is not taken off.
 *
 *  Collection `billInterim`: id of the interim bill -> {"account", "month", "until", "epoch",
 *  "date"}, written before it is issued: one that was interrupted looks no further than that epoch.
 */
#ifndef TG_BILL_INTERIM_H
#define TG_BILL_INTERIM_H

#include "base/error.h"
#include "base/limits.h"
#include "bill/invoice.h"

#include <stdbool.h>
#include <stdint.h>

struct tg_db;
struct tg_txn;

/** @brief An interim bill. */
struct tg_bill_interim {
    int64_t until_ns;                /**< End of what it is for, UTC. */
    int64_t issued_ns;               /**< Its date; INT64_MIN: not written down. */
    uint64_t epoch;                  /**< Last of the journal that it looks at. */
    uint32_t month;                  /**< Number of the period it is in (cycle.h). */
    bool is_void;                    /**< No bill of its day stands, in any currency. */
    uint8_t reserved[3];             /**< 0. */
    char id[TG_BILL_ID_BYTES];       /**< Its id. */
    char account[TG_NAME_BYTES_MAX]; /**< Whose. */
};

/** @brief Those of one period; zero-initialise. */
struct tg_bill_interims {
    struct tg_bill_interim *items; /**< By account, then time; shape [count]. */
    uint32_t count;                /**< How many. */
    uint32_t capacity;             /**< Private. */
};

/** @brief Read those of a period that are issued, or about to be, one a day. @param state
 * <data>/state; NULL gives none. @param month Number of the period. @param[out] interims Written;
 * tg_bill_interims_free. @param[out] why May be NULL. @return TG_OK, TG_E_NO_MEMORY, TG_E_CORRUPT,
 * TG_E_DATABASE. */
enum tg_err tg_bill_interims_load(struct tg_db *state, uint32_t month,
                                  struct tg_bill_interims *interims, struct tg_why *why);

/** @brief Free. @param interims Any. */
void tg_bill_interims_free(struct tg_bill_interims *interims);

/** @brief First of an account, or of who comes behind it. @param interims Loaded; NULL: none.
 *  @param account Its id. @return Index, count: none. */
uint32_t tg_bill_interims_from(const struct tg_bill_interims *interims, const char *account);

/** @brief Whether a bill is an interim bill. @param txn Begun. @param id Its id. @param[out]
 *  interim Written when it is. @return Whether. */
bool tg_bill_interim_find(struct tg_txn *txn, const char *id, struct tg_bill_interim *interim);

/** @brief Which interim bill a bill is, in whatever currency and however often it was made again.
 *  @param txn Begun. @param id Of any bill. @param account Whose. @param[out] interim As it was
 *  written down first; written when it is one. @return Whether. */
bool tg_bill_interim_of(struct tg_txn *txn, const char *id, const char *account,
                        struct tg_bill_interim *interim);

/** @brief Write one down before it is issued. @param state <data>/state. @param interim What.
 *  @param[out] why May be NULL. @return TG_OK, TG_E_DATABASE, TG_E_NO_SPACE. */
enum tg_err tg_bill_interim_put(struct tg_db *state, const struct tg_bill_interim *interim,
                                struct tg_why *why);

#endif
