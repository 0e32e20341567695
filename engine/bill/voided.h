/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Bills that were voided, and which bill stands for each: its period is billed again.
 *
 *  Source: rating-semantics 4.14 (a void bill keeps its number; a bill made again uses the original
 *  tax and catalog snapshot). Threads: loaded by one, then read by any number. Allocates: in load,
 *  by how many were voided. Cost: a binary search an account of a run; nothing where none was.
 *
 *  A voided bill B-2026-10-a keeps its document and its number. The next run of its period makes
 *  B-2026-10-a~r2, with the next number, that names the one it replaces; voided in turn it is
 *  followed by ~r3. With `billing: approval` its draft is approved by itself: collection
 *  `billApproved`, id -> {"digest"} of the draft. Collection `billVoid`: id of the voided bill ->
 * {"account", "month", "note", "date"}, written in the transaction that issues the note which takes
 * it back.
 *
 *  (1) The catalog versions are those the period was closed with.
 *  (2) A bill made again looks as far into the journal as its period's close does; or, where
 * nothing later of the account is closed and no other bill or late note of the period stands, as
 * far as the journal goes now: what is late or corrected since is on it, else on the next one,
 * never on both. The first run that issues it writes that down as the account's close, with how
 * many bills of the period are void, of all currencies, and later runs keep it until another one
 * is.
 */
#ifndef TG_BILL_VOIDED_H
#define TG_BILL_VOIDED_H

#include "base/error.h"
#include "base/limits.h"
#include "bill/invoice.h"

#include <stdbool.h>
#include <stdint.h>

struct tg_bill_closes;
struct tg_catalog_snapshot;
struct tg_db;
struct tg_txn;

/** Behind the id of a bill that is made again, with the turn it is: no account's id ends so, as ~
 * in them is followed by two hexadecimal digits. */
#define TG_BILL_AGAIN "~r"

/** Behind the id of an invoice, in the id of the note with usage that is late for it; the period
 * follows with whose bill the note was made. */
#define TG_BILL_LATE_NOTE "-late-"

/** @brief A voided bill. */
struct tg_bill_void {
    uint32_t month;                  /**< Number of its period (cycle.h). */
    uint32_t reserved;               /**< 0. */
    char id[TG_BILL_ID_BYTES];       /**< Its id. */
    char account[TG_NAME_BYTES_MAX]; /**< Whose. */
};

/** @brief All of them; zero-initialise. */
struct tg_bill_voids {
    struct tg_bill_void *items; /**< By account, then id; shape [count]. */
    uint32_t count;             /**< How many. */
    uint32_t reserved;          /**< 0. */
};

/** @brief The voided bill that another one replaces. */
struct tg_bill_replaced {
    char id[TG_BILL_ID_BYTES];         /**< Its id; "": none is replaced. */
    char number[TG_BILL_NUMBER_BYTES]; /**< Its number. */
    int64_t balance;                   /**< What a balance had paid of it, bill scale. */
    int64_t left;                      /**< Of balance, what is still open on it below 0. */
    bool is_credit;                    /**< And is credit of later bills. */
    uint8_t reserved[7];               /**< 0. */
};

/** @brief Read all. @param state <data>/state; NULL gives none. @param[out] voids Written;
 *  tg_bill_voids_free. @param[out] why May be NULL. @return TG_OK, TG_E_NO_MEMORY, TG_E_CORRUPT,
 *  TG_E_DATABASE. */
enum tg_err tg_bill_voids_load(struct tg_db *state, struct tg_bill_voids *voids,
                               struct tg_why *why);

/** @brief Free. @param voids Any. */
void tg_bill_voids_free(struct tg_bill_voids *voids);

/** @brief Turn the id of a period's bill into that of the bill that stands for it, or will.
 *  @param voids Loaded; NULL: none. @param account Whose. @param[in,out] id Of the period's first
 *  bill. @param[out] replaced Id of the voided bill before it, "" when none was; may be NULL.
 *  @return false: the id does not fit. */
bool tg_bill_voids_current(const struct tg_bill_voids *voids, const char *account,
                           char id[TG_BILL_ID_BYTES], char replaced[TG_BILL_ID_BYTES]);

/** @brief Read what a bill that replaces another has to know of it. @param txn Begun. @param id
 *  Of the voided one. @param[out] replaced Written on TG_OK. @return TG_OK, TG_E_NOT_FOUND,
 *  TG_E_CORRUPT, TG_E_AMOUNT_OVERFLOW, TG_E_DATABASE. */
enum tg_err tg_bill_replaced_read(struct tg_txn *txn, const char *id,
                                  struct tg_bill_replaced *replaced);

/** @brief Whether a bill was voided. @param txn Begun. @param id Its id. @return Whether. */
bool tg_bill_void_find(struct tg_txn *txn, const char *id);

/** @brief Write down that a bill is voided. @param txn For writing; issues the note. @param voided
 *  Id, account and month. @param note Number of the note. @param at_ns Its date. */
void tg_bill_void_note(struct tg_txn *txn, const struct tg_bill_void *voided, const char *note,
                       int64_t at_ns);

/** @brief Which periods to open again. */
struct tg_bill_reopen {
    const struct tg_bill_voids *voids;         /**< Loaded. */
    const struct tg_catalog_snapshot *catalog; /**< Versions the period was closed with. */
    uint32_t month;                            /**< Number of the period. */
    uint32_t account_from;                     /**< First account. */
    uint32_t account_to;                       /**< One past the last. */
    bool is_kept;                              /**< Write it down: bills are issued on it. */
    uint8_t reserved[3];                       /**< 0. */
    uint64_t epoch;                            /**< Last of the journal. */
};

/**
 * @brief Let bills that are to be made again look at what the journal holds now, where (2) has it.
 * @param[in]     state   <data>/state.
 * @param[in]     reopen  Which.
 * @param[in,out] closes  Loaded; accounts get closes of their own.
 * @param[out]    why     May be NULL.
 * @return TG_OK, TG_E_FULL, TG_E_NO_MEMORY, TG_E_CORRUPT, TG_E_DATABASE, TG_E_NO_SPACE.
 */
enum tg_err tg_bill_voids_reopen(struct tg_db *state, const struct tg_bill_reopen *reopen,
                                 struct tg_bill_closes *closes, struct tg_why *why);

/**
 * @brief Approve the drafts of bills that are to be made again: what they say may be issued.
 * @param[in]  state    <data>/state.
 * @param[in]  month    Number of the period.
 * @param[in]  account  Whose; NULL: all.
 * @param[out] count    Drafts approved; written on TG_OK.
 * @param[out] why      May be NULL.
 * @return TG_OK, TG_E_NO_MEMORY, TG_E_CORRUPT, TG_E_DATABASE, TG_E_NO_SPACE.
 */
enum tg_err tg_bill_voids_approve(struct tg_db *state, uint32_t month, const char *account,
                                  uint32_t *count, struct tg_why *why);

/** @brief Whether a bill made again says what was approved. @param txn Begun. @param id Its id.
 *  @param approval What it says (pack.h). @return Whether. */
bool tg_bill_voids_approved(struct tg_txn *txn, const char *id, uint64_t approval);

/** @brief Whether a closed period of an account will look at what is entered now, as its bill was
 *  voided and has not been issued again. @param state <data>/state. @param catalog Whose roster has
 *  it. @param closes Loaded. @param account Roster index. @param month Number of the period.
 *  @return Whether; false also when the state cannot be read. */
bool tg_bill_voids_is_open(struct tg_db *state, const struct tg_catalog_snapshot *catalog,
                           const struct tg_bill_closes *closes, uint32_t account, uint32_t month);

#endif
