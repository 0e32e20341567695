/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief What explain, what-if and rerate need from names: accounts, subscriptions, invoice lines.
 *
 *  Source: collections of engine/bill/issue.h. Threads: main. Allocates: freely.
 *  Cost: a walk over names, for people's questions.
 */
#ifndef TG_CLI_BILL_LOOKUP_H
#define TG_CLI_BILL_LOOKUP_H

#include "bill/explain.h"
#include "catalog/catalog.h"
#include "cli/cli.h"

#include <stdbool.h>
#include <stdint.h>

struct tg_json;

/** @brief Account by id. @param catalog Open. @param id As in accounts.csv. @return Roster index or
 *  TG_ACCOUNT_NONE. */
uint32_t tg_cli_account_find(const struct tg_catalog_snapshot *catalog, const char *id);

/** @brief Subscription by id. @param catalog Open. @param id As in subscribers.csv.
 *  @return Roster index or TG_SUBSCRIBER_NONE. */
uint32_t tg_cli_subscriber_find(const struct tg_catalog_snapshot *catalog, const char *id);

/**
 * @brief Marks of wanted accounts.
 * @param[in]  verb     For messages.
 * @param[in]  catalog  Open.
 * @param[in]  id       Account; NULL: all, and *wanted is NULL.
 * @param[out] wanted   Caller frees with free().
 * @return TG_EXIT_OK, or TG_EXIT_PROBLEM when there is no such account.
 */
int tg_cli_accounts_wanted(const struct tg_verb *verb, const struct tg_catalog_snapshot *catalog,
                           const char *id, uint8_t **wanted);

/**
 * @brief Threads for a fold over the journal: as many as processors unless told.
 * @param[in]  verb   For messages.
 * @param[in]  text   Of --threads; NULL: not given.
 * @param[out] count  1..TG_BILL_SHARDS_MAX.
 * @return TG_EXIT_OK or TG_EXIT_USAGE.
 */
int tg_cli_threads(const struct tg_verb *verb, const char *text, uint32_t *count);

/** @brief An invoice line as stored. */
struct tg_cli_line {
    struct tg_json *bill;       /**< Whole document; caller frees. */
    const struct tg_json *line; /**< In it. */
    uint32_t index;             /**< From 0. */
    char bill_id[128];          /**< Document id. */
};

/**
 * @brief Find a line by "NUMBER:LINE", "BILL:LINE" or the id of its applied rate.
 * @param[in]  verb      For messages.
 * @param[in]  data_dir  Data directory.
 * @param[in]  text      As typed; lines count from 1.
 * @param[out] found     Written on TG_EXIT_OK.
 * @return TG_EXIT_OK or TG_EXIT_PROBLEM.
 */
int tg_cli_line_find(const struct tg_verb *verb, const char *data_dir, const char *text,
                     struct tg_cli_line *found);

struct tg_bill_standing;

/** @brief A bill as stored, and where it stands. */
struct tg_cli_due {
    struct tg_json *bill;              /**< Whole document; caller frees. */
    struct tg_bill_standing *standing; /**< Caller's room; not written for a draft. */
    bool is_issued;                    /**< Else a draft. */
    char bill_id[128];                 /**< Document id. */
};

/**
 * @brief Find a bill by its number or id.
 * @param[in]     verb      For messages.
 * @param[in]     data_dir  Data directory.
 * @param[in]     text      As typed.
 * @param[in,out] found     standing set; the rest is written on TG_EXIT_OK.
 * @return TG_EXIT_OK or TG_EXIT_PROBLEM.
 */
int tg_cli_due_find(const struct tg_verb *verb, const char *data_dir, const char *text,
                    struct tg_cli_due *found);

/**
 * @brief The rows behind a usage or adjustment line.
 * @param[in]  verb     For messages.
 * @param[in]  catalog  Open.
 * @param[in]  found    Line; its texts are borrowed by ref.
 * @param[out] ref      Written on TG_EXIT_OK.
 * @param[out] account  Roster index.
 * @return TG_EXIT_OK or TG_EXIT_PROBLEM.
 */
int tg_cli_line_ref(const struct tg_verb *verb, const struct tg_catalog_snapshot *catalog,
                    const struct tg_cli_line *found, struct tg_explain_ref *ref, uint32_t *account);

#endif
