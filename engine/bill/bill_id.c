/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/bill_id.h"

#include "base/clock.h"
#include "bill/cycle.h"

#include <stdio.h>
#include <string.h>

/* Ids go into URLs: what is not unreserved there (RFC 3986 2.3) becomes ~XX, and so does ~. */
static bool id_append(char id[TG_BILL_ID_BYTES], const char *account_id)
{
    size_t length = strlen(id);
    for (const char *c = account_id; *c != '\0'; c++) {
        const bool is_plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                              (*c >= '0' && *c <= '9') || *c == '-' || *c == '.' || *c == '_';
        /* Room stays for the suffix of a line: 12 octets. */
        if (length + 3 + 12 >= TG_BILL_ID_BYTES) {
            return false;
        }
        length += (size_t)snprintf(id + length, TG_BILL_ID_BYTES - length,
                                   is_plain ? "%c" : "~%02X", (unsigned char)*c);
    }
    return true;
}

bool tg_bill_id_format(const char *account_id, int64_t start_ns, int64_t end_ns,
                       const char *currency_suffix, char id[TG_BILL_ID_BYTES])
{
    struct tg_civil from;
    struct tg_civil to;
    tg_clock_to_civil(start_ns, &from);
    tg_clock_to_civil(end_ns, &to);
    const uint32_t month = tg_bill_month(start_ns);
    const bool is_month =
        start_ns == tg_bill_month_day_ns(month, 1) && end_ns == tg_bill_month_day_ns(month + 1, 1);
    if (is_month) {
        (void)snprintf(id, TG_BILL_ID_BYTES, "B-%04d-%02u-", from.year, from.month);
    } else {
        (void)snprintf(id, TG_BILL_ID_BYTES, "B-%04d%02u%02u-%04d%02u%02u-", from.year, from.month,
                       from.day, to.year, to.month, to.day);
    }
    bool fits = id_append(id, account_id);
    if (fits && currency_suffix != NULL) {
        fits = id_append(id, "-") && id_append(id, currency_suffix);
    }
    return fits;
}
