/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief One-off charges: documents a person enters, put on the bill of the period of their date.
 *
 *  Source: rating-semantics 4.14. Threads: one owner. Allocates: in load.
 *  Cost: a walk over the collection and a sort.
 *
 *  Collection `billCharge`: id -> {"id", "subscriber" (roster index), "subscription", "date",
 *  "amount" (decimal text), "currency", "title"}. A charge is entered once: an id is never given
 *  another content. It is not entered into a period that is closed for its account, so a bill stays
 *  a function of what was there when its period was closed.
 */
#ifndef TG_BILL_CHARGE_LIST_H
#define TG_BILL_CHARGE_LIST_H

#include "base/error.h"

#include <stdint.h>

struct tg_bill_closes;
struct tg_catalog_snapshot;
struct tg_db;

#define TG_BILL_CHARGES_MAX       (1u << 20) /**< Charges kept in memory; more is TG_E_FULL. */
#define TG_BILL_CHARGE_ID_BYTES   64u        /**< NUL included. */
#define TG_BILL_CHARGE_TEXT_BYTES 128u       /**< NUL included. */

/** @brief One charge. */
struct tg_bill_charge {
    int64_t amount;                        /**< Before tax, at rating scale; negative: a credit. */
    int64_t date_ns;                       /**< Its period is that of this instant. */
    uint32_t subscriber;                   /**< Roster index. */
    uint16_t currency;                     /**< ISO 4217 numeric. */
    uint16_t reserved;                     /**< 0. */
    char id[TG_BILL_CHARGE_ID_BYTES];      /**< Unique. */
    char title[TG_BILL_CHARGE_TEXT_BYTES]; /**< On the bill. */
};

/** @brief All of them; zero-initialise. */
struct tg_bill_charges {
    struct tg_bill_charge *items; /**< Sorted by subscriber, then id; shape [count]. */
    uint32_t count;               /**< How many. */
    uint32_t capacity;            /**< Private. */
    enum tg_err failed;           /**< Private. */
};

/**
 * @brief Read all charges.
 * @param[in]  state    <data>/state; NULL gives none.
 * @param[out] charges  Written; tg_bill_charges_free.
 * @param[out] why      May be NULL.
 * @return TG_OK, TG_E_NO_MEMORY, TG_E_FULL, TG_E_CORRUPT, TG_E_DATABASE.
 */
enum tg_err tg_bill_charges_load(struct tg_db *state, struct tg_bill_charges *charges,
                                 struct tg_why *why);

/** @brief Free. @param charges Any. */
void tg_bill_charges_free(struct tg_bill_charges *charges);

/** @brief First charge of a subscriber or later. @param charges Sorted; shape [count].
 *  @param count Any. @param subscriber Roster index. @return Index, count: none. */
uint32_t tg_bill_charges_from(const struct tg_bill_charge *charges, uint32_t count,
                              uint32_t subscriber);

/**
 * @brief Enter a charge.
 * @param[in]  state    <data>/state, writable.
 * @param[in]  catalog  Whose roster has the subscriber.
 * @param[in]  closes   Loaded.
 * @param[in]  charge   id, amount, date, subscriber, currency, title set.
 * @param[out] why      May be NULL.
 * @return TG_OK, also when the very same charge is there; TG_E_EXISTS (the id has another content);
 *         TG_E_ISSUED (the period of its date is closed); TG_E_INVALID; TG_E_DATABASE.
 */
enum tg_err tg_bill_charge_enter(struct tg_db *state, const struct tg_catalog_snapshot *catalog,
                                 const struct tg_bill_closes *closes,
                                 const struct tg_bill_charge *charge, struct tg_why *why);

#endif
