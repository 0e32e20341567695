/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Second half of a bill run: an account's sums, fees and taxes become its invoices.
 *
 *  Source: rating-semantics 4.7, 4.14, 4.15. Threads: one assembler a thread; the
 *  members and the line table they share are only read. Allocates: in open, and when an account has
 * more lines than any before it. Cost: the account's lines.
 *
 *  An account has one invoice a currency: amounts of different currencies are never added.
 */
#ifndef TG_BILL_ASSEMBLE_H
#define TG_BILL_ASSEMBLE_H

#include "base/error.h"
#include "bill/collect.h"
#include "bill/invoice.h"

#include <stdbool.h>
#include <stdint.h>

struct tg_catalog_snapshot;
struct tg_image;
struct tg_bill_assembler;
struct tg_bill_members;
struct tg_bill_charge;
struct tg_bill_closes;
struct tg_bill_balance;
struct tg_bill_carries;
struct tg_bill_interims;
struct tg_bill_voids;
struct tg_db;

#define TG_BILL_CURRENCIES_MAX 8u /**< Currencies of one account; more fails the account. */

/**
 * @brief Get ready.
 * @param[in]  catalog    Outlives the assembler.
 * @param[in]  members    Of its roster; outlives the assembler.
 * @param[out] assembler  Written on TG_OK; give back with tg_bill_assembler_close.
 * @param[out] why        May be NULL.
 * @return TG_OK or TG_E_NO_MEMORY.
 */
enum tg_err tg_bill_assembler_open(const struct tg_catalog_snapshot *catalog,
                                   const struct tg_bill_members *members,
                                   struct tg_bill_assembler **assembler, struct tg_why *why);

/** @brief One-off charges to put on the bills. @param assembler Open. @param charges Sorted by
 *  subscriber, then id; borrowed until close; shape [count]. @param count Any. */
void tg_bill_assembler_charges(struct tg_bill_assembler *assembler,
                               const struct tg_bill_charge *charges, uint32_t count);

/** @brief Closed periods, which say whether a cycle's fees were billed ahead. @param assembler
 * Open.
 *  @param closes Borrowed until close; NULL: none were. */
void tg_bill_assembler_closes(struct tg_bill_assembler *assembler,
                              const struct tg_bill_closes *closes);

/** @brief Names of the bands of lines. @param assembler Open. @param bands Of its catalog; outlive
 *  it; NULL: no line has a band. */
void tg_bill_assembler_bands(struct tg_bill_assembler *assembler,
                             const struct tg_bill_bands *bands);

/** @brief Balances of prepaid accounts. @param assembler Open. @param balances By account, borrowed
 *  until close; NULL: nobody is prepaid. */
void tg_bill_assembler_balances(struct tg_bill_assembler *assembler,
                                const struct tg_bill_balance *balances);

/** @brief Credit that bills below 0 have left. @param assembler Open. @param carries Loaded;
 *  borrowed until close; NULL: nobody has any. */
void tg_bill_assembler_carries(struct tg_bill_assembler *assembler,
                               const struct tg_bill_carries *carries);

/** @brief Date of the bills, by which some are taxed. @param assembler Open. @param issued_ns As
 *  tg_bill_assembler_invoice is given it later. */
void tg_bill_assembler_dated(struct tg_bill_assembler *assembler, int64_t issued_ns);

/** @brief Interim bills of the period. @param assembler Open. @param interims Loaded; borrowed
 *  until close; NULL: there are none. @param is_interim The bills that are made are interim ones:
 *  usage and charges only. */
void tg_bill_assembler_interims(struct tg_bill_assembler *assembler,
                                const struct tg_bill_interims *interims, bool is_interim);

/** @brief Bills that were voided: their periods' bills have other ids. @param assembler Open.
 *  @param voids Loaded; borrowed until close; NULL: none was. */
void tg_bill_assembler_voids(struct tg_bill_assembler *assembler,
                             const struct tg_bill_voids *voids);

/** @brief Where issued invoices are looked up that late usage makes notes on. @param assembler
 * Open.
 *  @param state Borrowed until close; NULL: there are none. */
void tg_bill_assembler_state(struct tg_bill_assembler *assembler, struct tg_db *state);

/** @brief Who bills. @param assembler Open; else the newest version of its catalog says so.
 *  @param newest The version that knows every legal entity; borrowed until close. @param run_entity
 *  Of accounts that name none; borrowed until close; NULL: "default". */
void tg_bill_assembler_sellers(struct tg_bill_assembler *assembler, const struct tg_image *newest,
                               const char *run_entity);

/** @brief Free. @param assembler Assembler or NULL. */
void tg_bill_assembler_close(struct tg_bill_assembler *assembler);

/**
 * @brief Gather the lines of one account.
 * @param[in,out] assembler    Assembler.
 * @param[in]     account      Roster index.
 * @param[in]     window       Its period.
 * @param[in]     table        What its rows add up to; borrowed until return.
 * @param[out]    invoices_count  How many documents it gets: an invoice a currency, then notes.
 * @param[out]    why          Filled on failure; may be NULL.
 * @return TG_OK; TG_E_NO_MEMORY; TG_E_CATALOG_VERSION (a line's price or product is in no stored
 *         version); TG_E_OVERFLOW (more units than 64 bits); TG_E_AMOUNT_OVERFLOW; TG_E_FULL (too
 * many currencies or tax categories).
 */
enum tg_err tg_bill_assemble(struct tg_bill_assembler *assembler, uint32_t account,
                             const struct tg_bill_window *window, const struct tg_bill_lines *table,
                             uint32_t *invoices_count, struct tg_why *why);

/**
 * @brief Make one of the account's invoices, computed, with its id and without a number.
 * @param[in,out] assembler  After tg_bill_assemble.
 * @param[in]     index      Below invoices_count; the account's own currency comes first.
 * @param[in]     issued_ns  Date to print.
 * @param[out]    invoice    Written on TG_OK; its pointers live until the next call on assembler.
 * @param[out]    why        Filled on failure; may be NULL.
 * @return TG_OK, TG_E_AMOUNT_OVERFLOW, TG_E_FULL (tax categories, or the id is too long).
 */
enum tg_err tg_bill_assembler_invoice(struct tg_bill_assembler *assembler, uint32_t index,
                                      int64_t issued_ns, struct tg_bill_invoice *invoice,
                                      struct tg_why *why);

/** @brief Late rows the account's products write off by amount. @param assembler After
 *  tg_bill_assemble. @return Count. */
uint64_t tg_bill_assembler_written_off(const struct tg_bill_assembler *assembler);

/** @brief Usage rows behind the account's lines. @param assembler After tg_bill_assemble.
 *  @return Count. */
uint64_t tg_bill_assembler_rows(const struct tg_bill_assembler *assembler);

#endif
