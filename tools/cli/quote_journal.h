/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief quote --data: rows and verdicts into a journal, so that every verb can read them; what
 *         earlier runs have put there is taken up first.
 *
 *  Source: ledger/journal.h. Threads: the verb's. Allocates: in open. Cost: the journal's.
 *
 *  All rows are of source 1, "quote". A run is one epoch, written when it is closed: one that is
 *  killed leaves the journal as it was. A run holds the data directory's lock, as an engine does.
 */
#ifndef TG_CLI_QUOTE_JOURNAL_H
#define TG_CLI_QUOTE_JOURNAL_H

#include "abi/usage.h"
#include "base/error.h"
#include "record/charge.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tg_catalog_snapshot;
struct tg_credit;
struct tg_credit_event;
struct tg_quote_ids;
struct tg_quote_journal;
struct tg_rate;

/**
 * @brief Begin an epoch at the end of the journal of a data directory, which may have none yet.
 * @param[in]  data_dir  Borrowed until return.
 * @param[out] journal   Caller closes.
 * @param[out] why       Filled on failure.
 * @return TG_OK, TG_E_NO_MEMORY, and what tg_data_lock and tg_journal_open say.
 */
enum tg_err tg_quote_journal_open(const char *data_dir, struct tg_quote_journal **journal,
                                  struct tg_why *why);

/**
 * @brief Bring counters, allowances and known ids to where earlier runs have left them.
 * @param[in]     data_dir  Of the open journal; borrowed until return.
 * @param[in]     snapshot  All versions.
 * @param[in,out] rate      New.
 * @param[in,out] ids       Empty.
 * @param[in,out] credit    Balances, with nothing; NULL: nobody is prepaid.
 * @param[out]    why       Filled on failure.
 * @return TG_OK; TG_E_STATE: there is more than runs of quote have put there: an engine's rows, or
 *         corrections; as tg_scan_fold and tg_rate_apply.
 */
enum tg_err tg_quote_journal_take_up(const char *data_dir,
                                     const struct tg_catalog_snapshot *snapshot,
                                     struct tg_rate *rate, struct tg_quote_ids *ids,
                                     struct tg_credit *credit, struct tg_why *why);

/** @brief Identity of an input line without an id among the rows. @param journal Open, or NULL.
 *  @param line_number From 1. @return Key. */
uint64_t tg_quote_journal_key(const struct tg_quote_journal *journal, uint64_t line_number);

/** @brief Keep a row. @param journal Open. @param row As it was priced. @param charge Its verdict.
 */
void tg_quote_journal_row(struct tg_quote_journal *journal, const struct tg_usage *row,
                          const struct tg_charge *charge);

/** @brief Keep what happened to a balance. @param journal Open. @param event Borrowed. */
void tg_quote_journal_event(struct tg_quote_journal *journal, const struct tg_credit_event *event);

/** @brief Keep a line that became no row, in suspense. @param journal Open. @param bytes Borrowed.
 *  @param length_bytes Its length. @param reason Why. */
void tg_quote_journal_refusal(struct tg_quote_journal *journal, const char *bytes,
                              size_t length_bytes, enum tg_err reason);

/** @brief Make it durable, or leave the journal as it was. @param journal May be NULL.
 *  @param is_kept Whether. @param[out] why Filled on failure. @return TG_OK, or the journal's
 *  error. */
enum tg_err tg_quote_journal_close(struct tg_quote_journal *journal, bool is_kept,
                                   struct tg_why *why);

#endif
