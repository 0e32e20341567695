/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Bills printed as they stand: `bill list`, `bill show`, and all that a run from files
 * made.
 *
 *  Source: engine/bill/standing.h. Threads: main. Allocates: freely. Cost: a walk over the
 * documents that are asked for.
 */
#ifndef TG_CLI_BILL_LIST_H
#define TG_CLI_BILL_LIST_H

#include <stdbool.h>

struct tg_verb;

/** @brief Which bills, and how. */
struct tg_cli_bill_ask {
    const struct tg_verb *verb; /**< For messages. */
    const char *data;           /**< Data directory. */
    const char *subject;        /**< show: a number, a bill's id or an account. */
    const char *period;         /**< list: of that month, YYYY-MM; NULL all. */
    const char *account;        /**< list: of that account; NULL all. */
    bool is_drafts;             /**< list: drafts instead of issued ones. */
    bool is_full;               /**< list: whole documents. */
    bool is_json;               /**< A document a line; else for people. */
    bool issues;                /**< Of a run from files: it issued. */
};

struct tg_document;

/** @brief Is a stored bill one of --period and --account? @param ask Borrowed. @param document Of
 *  customerBill, billDraft or billIssued. @return true if so, or if nothing is asked for. */
bool tg_cli_bill_is_wanted(const struct tg_cli_bill_ask *ask, const struct tg_document *document);

/** @brief list or show. @param ask Borrowed. @param is_list Which. @return enum tg_exit. */
int tg_cli_bill_read(const struct tg_cli_bill_ask *ask, bool is_list);

/** @brief Every bill there is, issued ones or else drafts. @param ask Borrowed.
 *  @return enum tg_exit. */
int tg_cli_bill_print_all(const struct tg_cli_bill_ask *ask);

#endif
