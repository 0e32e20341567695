/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief What `bill run` says of a run: counts, sums, and sources that were not complete.
 *
 *  Source: engine/bill/bill.h. Threads: main. Allocates: freely. Cost: names of sources, where some
 *  were not complete.
 */
#ifndef TG_CLI_BILL_REPORT_H
#define TG_CLI_BILL_REPORT_H

#include <stdbool.h>

struct tg_bill_stats;

/** @brief A run that is over. */
struct tg_cli_bill_report {
    const char *data;                  /**< Data directory, for names of sources. */
    const char *period;                /**< As asked, YYYY-MM. */
    const struct tg_bill_stats *stats; /**< Of the run. */
    bool issues;                       /**< It issued; else drafts. */
    bool is_json;                      /**< One document; else lines for people. */
};

/** @brief Print it. @param report Borrowed. */
void tg_cli_bill_report(const struct tg_cli_bill_report *report);

#endif
