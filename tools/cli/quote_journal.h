/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief quote --data: rows and verdicts into a fresh journal, so that every verb can read them.
 *
 *  Source: ledger/journal.h. Threads: the verb's. Allocates: in open. Cost: the journal's.
 *
 *  All rows are of source 1, "quote". The journal is one epoch, written when it is closed: a run
 *  that is killed leaves a journal without rows.
 */
#ifndef TG_CLI_QUOTE_JOURNAL_H
#define TG_CLI_QUOTE_JOURNAL_H

#include "abi/usage.h"
#include "base/error.h"
#include "record/charge.h"

#include <stddef.h>
#include <stdint.h>

struct tg_quote_journal;

/**
 * @brief Begin a journal in a data directory that has none.
 * @param[in]  data_dir  Borrowed until return.
 * @param[out] journal   Caller closes.
 * @param[out] why       Filled on failure.
 * @return TG_OK, TG_E_EXISTS (there is a journal), TG_E_NO_MEMORY, and what tg_journal_open says.
 */
enum tg_err tg_quote_journal_open(const char *data_dir, struct tg_quote_journal **journal,
                                  struct tg_why *why);

/** @brief Identity of an input line among the rows. @param line_number From 1. @return Key. */
uint64_t tg_quote_journal_key(uint64_t line_number);

/** @brief Keep a row. @param journal Open. @param row As it was priced. @param charge Its verdict.
 */
void tg_quote_journal_row(struct tg_quote_journal *journal, const struct tg_usage *row,
                          const struct tg_charge *charge);

/** @brief Keep a line that became no row, in suspense. @param journal Open. @param bytes Borrowed.
 *  @param length_bytes Its length. @param reason Why. */
void tg_quote_journal_refusal(struct tg_quote_journal *journal, const char *bytes,
                              size_t length_bytes, enum tg_err reason);

/** @brief Make it durable. @param journal May be NULL. @param[out] why Filled on failure.
 *  @return TG_OK, or the journal's error. */
enum tg_err tg_quote_journal_close(struct tg_quote_journal *journal, struct tg_why *why);

#endif
