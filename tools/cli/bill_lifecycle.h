/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief `bill approve`, `pay`, `void`, `dunning`: how a bill goes from draft to paid.
 *
 *  Source: engine/bill/period.h, standing.h, dunning.h. Threads: main. Allocates: freely.
 */
#ifndef TG_CLI_BILL_LIFECYCLE_H
#define TG_CLI_BILL_LIFECYCLE_H

#include "cli/cli.h"

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct tg_bytes;
struct tg_txn;

/** @brief As typed; NULL where absent. */
struct tg_cli_bill_step {
    const char *action;    /**< approve, pay, void, dunning. */
    const char *data;      /**< Data directory. */
    const char *subject;   /**< pay, void: NUMBER or BILL. */
    const char *period;    /**< approve: YYYY-MM. */
    const char *account;   /**< approve: one account; NULL: all. */
    const char *by;        /**< approve: who. */
    const char *amount;    /**< pay. */
    const char *reference; /**< pay: name of the payment. */
    const char *date;      /**< pay, void, approve: when. */
    const char *at;        /**< dunning: when. */
    const char *title;     /**< void: the reason. */
    const char *entity;    /**< void: legal entity of the credit note. */
    bool is_json;          /**< Answers as JSON. */
};

/**
 * @brief A bill's document as it stands: state, what is open, an approval.
 * @param[in]  txn        Begun.
 * @param[in]  id         Bill's id.
 * @param[in]  json       As stored.
 * @param[in]  is_issued  Else a draft.
 * @param[out] shown      Text, the caller frees with free(); NULL: show json.
 * @param[out] length     Of shown.
 * @param[out] state      Room for one line, for people.
 * @return TG_OK, TG_E_NO_MEMORY, TG_E_CORRUPT.
 */
enum tg_err tg_cli_bill_stand(struct tg_txn *txn, const char *id, const struct tg_bytes *json,
                              bool is_issued, char **shown, size_t *length, char state[128]);

/** @brief Run one of them. @param verb For messages. @param step Borrowed. @return enum tg_exit. */
int tg_cli_bill_step(const struct tg_verb *verb, const struct tg_cli_bill_step *step);

#endif
