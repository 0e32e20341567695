/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Closed periods: up to which epoch of the journal an issued bill has looked.
 *
 *  Source: rating-semantics 4.11 (late for a closed bill), design.md law 5. Threads: one owner.
 *  Allocates: in load, and when one more has no room. Cost: two binary searches.
 *
 *  The first issuing run of a period writes down the last committed epoch; every later run of that
 *  period, also one that resumes after a crash, looks no further. What the journal holds of the
 *  period behind that epoch is late and comes with a later bill: it is on exactly one.
 *
 *  Collection `billClose`: YYYY-MM, or YYYY-MM/ACCOUNT for a run of one account, ->
 *  {"month", "account", "epoch", "versions"[, "voided"]}; month counts from year 0, account is the
 * roster index or -1, versions are the catalog versions that were stored: a bill made again uses no
 * other (voided.h). voided: how many bills of the period were void when it was opened again.
 */
#ifndef TG_BILL_CLOSE_H
#define TG_BILL_CLOSE_H

#include "base/error.h"
#include "bill/invoice.h"

#include <stdbool.h>
#include <stdint.h>

struct tg_bill_text;
struct tg_catalog_snapshot;
struct tg_db;
struct tg_json;
struct tg_txn;

/** valid_from of versions that a close did not know: they say what rows were priced with that came
 *  since, and are valid at no time. */
#define TG_BILL_VERSION_NEVER_NS INT64_MAX

#define TG_BILL_CLOSES_MAX (1u << 24) /**< Closes in memory, 256 MiB; more is TG_E_FULL. */

/** Closes of so many calendar years before the one of the period asked for are read: whoever looks
 * back looks less far (TG_BILL_LATE_MONTHS, and a year that a bill may be for). Those before stay
 * in the state, as a bill that is made again has its versions from its close, and cost nothing. */
#define TG_BILL_CLOSES_YEARS 4u

/** @brief One close. */
struct tg_bill_close {
    uint64_t epoch;   /**< Last epoch looked at. */
    uint32_t account; /**< Roster index; TG_ACCOUNT_NONE: all that have none of their own. */
    uint32_t month;   /**< Number of the period (cycle.h). */
};

/** @brief All of them; zero-initialise. */
struct tg_bill_closes {
    struct tg_bill_close *items; /**< By month, then account; shape [count]. */
    uint32_t count;              /**< How many. */
    uint32_t ordered_count;      /**< Of them in order: what is found (tg_bill_closes_order). */
    uint32_t capacity;           /**< Private. */
    bool has_own;                /**< Any is of one account. */
    uint8_t reserved[3];         /**< 0. */
};

/**
 * @brief Read the closes that a period may look at: those before it that may still count, and all
 *        since.
 * @param[in]  state   <data>/state; NULL gives none.
 * @param[in]  month   Number of the period.
 * @param[out] closes  Written; tg_bill_closes_free.
 * @param[out] why     May be NULL.
 * @return TG_OK, TG_E_NO_MEMORY, TG_E_FULL, TG_E_CORRUPT, TG_E_DATABASE.
 */
enum tg_err tg_bill_closes_load(struct tg_db *state, uint32_t month, struct tg_bill_closes *closes,
                                struct tg_why *why);

/** @brief Free. @param closes Any. */
void tg_bill_closes_free(struct tg_bill_closes *closes);

/** @brief Close of an account's period. @param closes Loaded. @param account Roster index.
 *  @param month Number of the period. @param[out] epoch Written when true.
 *  @return false: not closed. */
bool tg_bill_closes_find(const struct tg_bill_closes *closes, uint32_t account, uint32_t month,
                         uint64_t *epoch);

/**
 * @brief Write a close down, in a transaction of its own, before anything is issued on it.
 * @param[in]     state         <data>/state.
 * @param[in,out] closes        Gets it too.
 * @param[in]     close         What to write.
 * @param[in]     account_name  Of close->account; NULL when that is TG_ACCOUNT_NONE.
 * @param[in]     catalog       Its versions are written down too.
 * @param[out]    why           May be NULL.
 * @return TG_OK, TG_E_FULL, TG_E_NO_MEMORY, TG_E_DATABASE, TG_E_NO_SPACE.
 */
enum tg_err tg_bill_close_put(struct tg_db *state, struct tg_bill_closes *closes,
                              const struct tg_bill_close *close, const char *account_name,
                              const struct tg_catalog_snapshot *catalog, struct tg_why *why);

/** @brief Write a close down in a transaction. @param txn For writing. @param close What.
 *  @param account_name Of close->account; NULL when that is TG_ACCOUNT_NONE. @param catalog Its
 *  versions are written down too. @param voided How many bills of the account's period are void, as
 *  they are made again on it; 0: the period is closed for the first time. */
void tg_bill_close_write(struct tg_txn *txn, const struct tg_bill_close *close,
                         const char *account_name, const struct tg_catalog_snapshot *catalog,
                         uint32_t voided);

/** @brief How many bills of an account's period were void when its close was last written.
 *  @param txn Begun. @param month Number of the period. @param account_name Whose.
 *  @return 0: its own was never written, or for the first time. */
uint32_t tg_bill_close_voided(struct tg_txn *txn, uint32_t month, const char *account_name);

/** @brief Whether a period of an account is closed. @param txn Begun. @param month Number of the
 *  period. @param account_name Whose. @return Whether. */
bool tg_bill_close_find(struct tg_txn *txn, uint32_t month, const char *account_name);

/** @brief Give an account's period another close, or its first, which is found once all are in
 *  order again. @param closes Loaded. @param close What. @return TG_OK, TG_E_FULL, TG_E_NO_MEMORY.
 */
enum tg_err tg_bill_closes_set(struct tg_bill_closes *closes, const struct tg_bill_close *close);

/** @brief Put what was set into order. @param closes Any. */
void tg_bill_closes_order(struct tg_bill_closes *closes);

/** @brief Whether a later period of an account is closed than a given one. @param closes In order.
 *  @param account Roster index. @param month Number of the period; one of weeks asks for weeks.
 *  @return Whether. */
bool tg_bill_closes_later(const struct tg_bill_closes *closes, uint32_t account, uint32_t month);

/** @brief Print the numbers of the versions of a snapshot that are valid at some time, with commas
 *  between. @param catalog Snapshot. @param text Gets them. */
void tg_bill_versions_print(const struct tg_catalog_snapshot *catalog, struct tg_bill_text *text);

/**
 * @brief Make the versions a close did not know valid at no time.
 * @param[in]     state         <data>/state.
 * @param[in]     month         Number of the period.
 * @param[in]     account_name  Of a close of its own, looked at first; NULL: the common one.
 * @param[in,out] catalog       The caller's copy of a snapshot: the others go behind.
 * @param[out]    why           May be NULL.
 * @return TG_OK, also when nothing is closed; TG_E_CORRUPT; TG_E_CATALOG_VERSION (none is left).
 */
enum tg_err tg_bill_close_versions(struct tg_db *state, uint32_t month, const char *account_name,
                                   struct tg_catalog_snapshot *catalog, struct tg_why *why);

/** @brief Make all but listed versions of a snapshot valid at no time. @param versions List of
 * numbers. @param catalog The caller's copy of a snapshot. @param[out] why May be NULL. @return
 * TG_OK, or TG_E_CATALOG_VERSION: none is left. */
enum tg_err tg_bill_versions_keep(const struct tg_json *versions,
                                  struct tg_catalog_snapshot *catalog, struct tg_why *why);

/** @brief Last committed epoch of a journal: a walk over block headers. @param data_dir Holds
 *  journal/. @param[out] epoch 0: none. @param[out] why May be NULL.
 *  @return TG_OK, TG_E_NO_MEMORY, TG_E_IO, TG_E_CORRUPT, TG_E_CHAIN, TG_E_FORMAT. */
enum tg_err tg_bill_last_epoch(const char *data_dir, uint64_t *epoch, struct tg_why *why);

#endif
