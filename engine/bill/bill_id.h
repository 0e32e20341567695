/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The id of an account's bill for a time.
 *
 *  Source: RFC 3986 2.3, as ids are parts of URLs. Threads: pure. Allocates: never.
 */
#ifndef TG_BILL_BILL_ID_H
#define TG_BILL_BILL_ID_H

#include "bill/invoice.h"

#include <stdbool.h>
#include <stdint.h>

/** @brief Document id of an account's invoice: B-2026-10-ACCOUNT, or B-20261005-20261012-ACCOUNT
 *  for other periods. @param account_id Account. @param start_ns Begin, local. @param end_ns End,
 *  local. @param currency_suffix NULL, or a code appended when not the account's own currency.
 *  @param[out] id Room. @return false when the id does not fit. */
bool tg_bill_id_format(const char *account_id, int64_t start_ns, int64_t end_ns,
                       const char *currency_suffix, char id[TG_BILL_ID_BYTES]);

#endif
