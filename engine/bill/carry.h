/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Credit that bills leave: what is open below 0 on one is taken off what later ones ask
 * for.
 *
 *  Source: rating-semantics 4.14 (issued bills are never written again). Threads: one owner.
 *  Allocates: in load, by how much credit there is. Cost: a walk over the credits a run, none an
 *  account without.
 *
 *  A bill is below 0 by its total, by a note behind its payment, or by a payment of too much.
 *  Collection `billCredit`: id of such a bill -> {"account", "entity", "currency", "credit",
 *  "since"}, written whenever what is open on it moves; gone when nothing is left. Credit is used
 *  by bills of the same account, legal entity and currency, that of the oldest period first, in
 *  the transaction that stores the bill: it is then a payment below 0 on the bill it came from,
 *  whose reference "used." and the number says by which. What a bill used is taken off the sum it
 *  asks for; when that bill is voided it has left credit itself.
 */
#ifndef TG_BILL_CARRY_H
#define TG_BILL_CARRY_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct tg_bill_standing;
struct tg_db;
struct tg_txn;

/** Reference of what a bill gave to another begins so; the number follows. */
#define TG_BILL_USED_PREFIX "used."

/** @brief Credit of one bill; places are into the texts of all. */
struct tg_bill_carry {
    size_t account_at;   /**< Whose. */
    size_t entity_at;    /**< Who owes it. */
    size_t bill_at;      /**< Id of the bill it is of. */
    int64_t since_ns;    /**< End of that bill's period. */
    int64_t credit;      /**< Above 0, at the currency's minor unit. */
    uint16_t currency;   /**< ISO 4217 numeric. */
    uint8_t reserved[6]; /**< 0. */
};

/** @brief All credit there is; zero-initialise. */
struct tg_bill_carries {
    struct tg_bill_carry *items; /**< By account, entity, currency, age; shape [count]. */
    char *texts;                 /**< Names, NUL-terminated; shape [texts_bytes]. */
    size_t texts_bytes;          /**< Of texts. */
    uint32_t count;              /**< How many. */
    uint32_t reserved;           /**< 0. */
};

/** @brief Whose credit, and what it is for. */
struct tg_bill_carry_use {
    const char *account; /**< Account's id. */
    const char *entity;  /**< Legal entity's name. */
    const char *number;  /**< Of the bill that uses it; "" to ask only. */
    int64_t amount;      /**< How much it uses, above 0; 0 to ask only. */
    int64_t at_ns;       /**< Date of that bill. */
    uint16_t currency;   /**< ISO 4217 numeric. */
    uint8_t reserved[6]; /**< 0. */
};

/**
 * @brief Read all credit.
 * @param[in]  state    <data>/state; NULL gives none.
 * @param[out] carries  Written; tg_bill_carries_free.
 * @param[out] why      May be NULL.
 * @return TG_OK, TG_E_NO_MEMORY, TG_E_CORRUPT, TG_E_DATABASE.
 */
enum tg_err tg_bill_carries_load(struct tg_db *state, struct tg_bill_carries *carries,
                                 struct tg_why *why);

/** @brief Free. @param carries Any. */
void tg_bill_carries_free(struct tg_bill_carries *carries);

/** @brief Credit of an account. @param carries Loaded. @param use Whose.
 *  @return At the currency's minor unit, 0 or more; what does not fit is left out. */
int64_t tg_bill_carries_sum(const struct tg_bill_carries *carries,
                            const struct tg_bill_carry_use *use);

/** @brief Write down what a bill leaves, after what is open on it has moved; nothing of a note or
 *  where its catalog carried none. @param txn For writing. @param id Bill's id. @param standing
 *  As it stands now. */
void tg_bill_carry_note(struct tg_txn *txn, const char *id,
                        const struct tg_bill_standing *standing);

/**
 * @brief Use credit of an account, the oldest first.
 * @param[in,out] txn      For writing; stores the bill that uses it.
 * @param[in]     carries  As loaded before: where to look; how much is left is read again.
 * @param[in]     use      How much, and by which bill.
 * @param[out]    why      May be NULL.
 * @return TG_OK; TG_E_INVALID (less is left than was loaded: somebody was paid out meanwhile);
 *         TG_E_CORRUPT, TG_E_DATABASE, TG_E_NO_SPACE.
 */
enum tg_err tg_bill_carry_take(struct tg_txn *txn, const struct tg_bill_carries *carries,
                               const struct tg_bill_carry_use *use, struct tg_why *why);

/**
 * @brief Move what a voided bill gives back to the bill that replaces it.
 * @param[in,out] txn  For writing; stores the bill that gets it.
 * @param[in]     id   Of the voided bill.
 * @param[in]     use  How much, and by which bill.
 * @param[out]    why  May be NULL.
 * @return As tg_bill_carry_take.
 */
enum tg_err tg_bill_carry_over(struct tg_txn *txn, const char *id,
                               const struct tg_bill_carry_use *use, struct tg_why *why);

#endif
