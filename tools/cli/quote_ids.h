/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Ids that lines of usage have said: the same record is priced once.
 *
 *  Source: rating-semantics 4.10: same key and content is a duplicate, other content a conflict.
 *  Threads: main. Allocates: 16 octets an id, doubled as they come. Cost: one look-up a line.
 */
#ifndef TG_CLI_QUOTE_IDS_H
#define TG_CLI_QUOTE_IDS_H

#include "abi/err.h"
#include "abi/usage.h"

/** @brief The ids of one run. */
struct tg_quote_ids;

/** @brief Make. @return Empty set; NULL without memory. Free with tg_quote_ids_close. */
struct tg_quote_ids *tg_quote_ids_open(void);

/** @brief Free. @param ids Set or NULL. */
void tg_quote_ids_close(struct tg_quote_ids *ids);

/**
 * @brief Remember a line, unless its id was there.
 * @param[in,out] ids  Set.
 * @param[in]     id   NUL-terminated.
 * @param[in]     row  Its content; record_key and source_id are not looked at.
 * @return TG_OK fresh; TG_E_DUPLICATE; TG_E_DUP_CONFLICT (another content); TG_E_NO_MEMORY.
 */
enum tg_err tg_quote_ids_check(struct tg_quote_ids *ids, const char *id,
                               const struct tg_usage *row);

/** @brief What an id is known by: the record key of its row. @param id NUL-terminated.
 *  @return Not 0. */
uint64_t tg_quote_ids_key(const char *id);

/** @brief Remember a row that an earlier run has kept. @param ids Set. @param row As journaled; its
 *  record_key is its id's. @return TG_OK, also when it is known; TG_E_NO_MEMORY. */
enum tg_err tg_quote_ids_note(struct tg_quote_ids *ids, const struct tg_usage *row);

#endif
