/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief `bill charge`, `bill credit`, `bill debit`: what people enter by hand.
 *
 *  Source: engine/bill/charge_list.h, engine/bill/note.h. Threads: main. Allocates: freely.
 */
#ifndef TG_CLI_BILL_ENTRY_H
#define TG_CLI_BILL_ENTRY_H

#include "cli/cli.h"

#include <stdbool.h>

/** @brief As typed; NULL where absent. */
struct tg_cli_bill_entry {
    const char *data;         /**< Data directory. */
    const char *subject;      /**< credit, debit: NUMBER, BILL, NUMBER:LINE or BILL:LINE. */
    const char *subscription; /**< charge: whose. */
    const char *amount;       /**< Decimal text. */
    const char *title;        /**< charge: on the bill; credit, debit: the reason. */
    const char *id;           /**< Charge's id, or name of the note on its invoice. */
    const char *date;         /**< Date. */
    const char *entity;       /**< Legal entity. */
};

/** @brief Enter a one-off charge. @param verb For messages. @param entry Borrowed.
 *  @return enum tg_exit. */
int tg_cli_bill_charge(const struct tg_verb *verb, const struct tg_cli_bill_entry *entry);

/** @brief Issue a note. @param verb For messages. @param entry Borrowed. @param is_debit Kind.
 *  @return enum tg_exit. */
int tg_cli_bill_note(const struct tg_verb *verb, const struct tg_cli_bill_entry *entry,
                     bool is_debit);

#endif
