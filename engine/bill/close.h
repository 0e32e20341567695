/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Closed periods: up to which epoch of the journal an issued bill has looked.
 *
 *  Source: rating-semantics 4.11 (late for a closed bill), design.md law 5. Threads: one owner.
 *  Allocates: in load. Cost: a walk over a handful of entries.
 *
 *  The first issuing run of a period writes down the last committed epoch; every later run of that
 *  period, also one that resumes after a crash, looks no further. What the journal holds of the
 *  period behind that epoch is late and comes with a later bill: it is on exactly one.
 *
 *  Collection `billClose`: YYYY-MM, or YYYY-MM/ACCOUNT for a run of one account, ->
 *  {"month", "account", "epoch", "versions"}; month counts from year 0, account is the roster index
 *  or -1, versions are the catalog versions that were stored: a bill made again uses no other.
 */
#ifndef TG_BILL_CLOSE_H
#define TG_BILL_CLOSE_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct tg_catalog_snapshot;
struct tg_db;
struct tg_json;

#define TG_BILL_CLOSES_MAX 65536u /**< Closes kept in memory; more is TG_E_FULL. */

/** @brief One close. */
struct tg_bill_close {
    uint64_t epoch;   /**< Last epoch looked at. */
    uint32_t account; /**< Roster index; TG_ACCOUNT_NONE: all that have none of their own. */
    uint32_t month;   /**< Number of the period (cycle.h). */
};

/** @brief All of them; zero-initialise. */
struct tg_bill_closes {
    struct tg_bill_close *items; /**< Shape [count]; room for TG_BILL_CLOSES_MAX. */
    uint32_t count;              /**< How many. */
    uint32_t reserved;           /**< 0. */
};

/**
 * @brief Read all closes.
 * @param[in]  state   <data>/state; NULL gives none.
 * @param[out] closes  Written; tg_bill_closes_free.
 * @param[out] why     May be NULL.
 * @return TG_OK, TG_E_NO_MEMORY, TG_E_FULL, TG_E_CORRUPT, TG_E_DATABASE.
 */
enum tg_err tg_bill_closes_load(struct tg_db *state, struct tg_bill_closes *closes,
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
 * @return TG_OK, TG_E_FULL, TG_E_DATABASE, TG_E_NO_SPACE.
 */
enum tg_err tg_bill_close_put(struct tg_db *state, struct tg_bill_closes *closes,
                              const struct tg_bill_close *close, const char *account_name,
                              const struct tg_catalog_snapshot *catalog, struct tg_why *why);

/**
 * @brief Leave in a snapshot only the versions a close knew.
 * @param[in]     state         <data>/state.
 * @param[in]     month         Number of the period.
 * @param[in]     account_name  Of a close of its own, looked at first; NULL: the common one.
 * @param[in,out] catalog       The caller's copy of a snapshot: its list of images is thinned.
 * @param[out]    why           May be NULL.
 * @return TG_OK, also when nothing is closed; TG_E_CORRUPT; TG_E_CATALOG_VERSION (none is left).
 */
enum tg_err tg_bill_close_versions(struct tg_db *state, uint32_t month, const char *account_name,
                                   struct tg_catalog_snapshot *catalog, struct tg_why *why);

/** @brief Leave in a snapshot only listed versions. @param versions List of numbers. @param catalog
 *  The caller's copy of a snapshot. @param[out] why May be NULL. @return TG_OK, or
 *  TG_E_CATALOG_VERSION: none is left. */
enum tg_err tg_bill_versions_keep(const struct tg_json *versions,
                                  struct tg_catalog_snapshot *catalog, struct tg_why *why);

/** @brief Last committed epoch of a journal: a walk over block headers. @param data_dir Holds
 *  journal/. @param[out] epoch 0: none. @param[out] why May be NULL.
 *  @return TG_OK, TG_E_NO_MEMORY, TG_E_IO, TG_E_CORRUPT, TG_E_CHAIN, TG_E_FORMAT. */
enum tg_err tg_bill_last_epoch(const char *data_dir, uint64_t *epoch, struct tg_why *why);

#endif
