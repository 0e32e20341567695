/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Which subscribers an account has: the roster only tells the account of each.
 *
 *  Threads: made by one, then read by any number. Allocates: in open, 4 octets an account and 4 a
 *  subscriber. Cost: a counting sort once a bill run.
 */
#ifndef TG_BILL_MEMBERS_H
#define TG_BILL_MEMBERS_H

#include "base/error.h"

#include <stdint.h>

struct tg_roster;

/** @brief The list; fields are readable. */
struct tg_bill_members {
    const struct tg_roster *roster; /**< Borrowed. */
    uint32_t *first;                /**< Members of an account begin here; shape
                                         [accounts_count + 1]. */
    uint32_t *members;              /**< Roster indices, ascending in an account; shape
                                         [subscribers_count]. */
};

/** @brief List the subscribers of each account. @param roster Outlives the list.
 *  @param[out] why May be NULL. @return The list, tg_bill_members_close; NULL: no memory. */
struct tg_bill_members *tg_bill_members_open(const struct tg_roster *roster, struct tg_why *why);

/** @brief Free. @param members Members or NULL. */
void tg_bill_members_close(struct tg_bill_members *members);

#endif
