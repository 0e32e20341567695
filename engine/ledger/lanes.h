/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief A scan read ahead: threads read, check and decode blocks, one caller takes them in order.
 *
 *  Source: ledger/scan.h. Threads: one caller; up to TG_LANES_MAX of its own, and with checks_all
 *  that of ledger/read_ahead.h, which end in close. Allocates: as so many scans, and what that
 *  takes. Cost: that of a scan, beside the caller instead of in him.
 *
 *  Lane i of n walks all headers as any scan does and decodes blocks number i, i + n, i + 2n ...;
 *  while the caller works on a block, its lane waits and the others are busy with the next ones.
 *  What comes out is what one scan gives, block by block and error by error, whatever n is.
 */
#ifndef TG_LEDGER_LANES_H
#define TG_LEDGER_LANES_H

#include "ledger/scan.h"

#include <stdbool.h>
#include <stdint.h>

#define TG_LANES_MAX 4u /**< Lanes at most: one caller cannot keep up with more. */

struct tg_lanes;

/** @brief What is made of the rows of a block where they are decoded. */
struct tg_lanes_work {
    void *context; /**< Passed on. */
    /** On the thread of the lane, some rows after the others: they are decoded, and in the cache.
     *  The view is of the whole block; a block of no rows is passed over, and one that does not
     *  check is not given after all. It may write what belongs to the lane, which is the caller's
     *  from when he is given the block until he asks for the next. */
    void (*make)(void *context, const struct tg_scan_view *view, uint32_t from, uint32_t count);
};

/**
 * @brief Begin.
 * @param[in]  params       As for tg_scan_open, borrowed until return; sections must be 0.
 * @param[in]  lanes_count  Threads that decode; 0: one a CPU that this thread may run on. 1: none,
 *                          the caller decodes.
 * @param[in]  checks_all   Check every octet of every block, also what is not asked for; blocks are
 *                          read ahead then, so nobody may write the journal meanwhile.
 * @param[in]  work         Copied; NULL: none.
 * @param[out] lanes        Written on TG_OK; give back with tg_lanes_close.
 * @param[out] why          May be NULL.
 * @return TG_OK, or as tg_scan_open.
 */
enum tg_err tg_lanes_open(const struct tg_scan_params *params, uint32_t lanes_count,
                          bool checks_all, const struct tg_lanes_work *work,
                          struct tg_lanes **lanes, struct tg_why *why);

/** @brief Next block. @param lanes Open. @param[out] view Written on TG_OK; valid until the next
 *  call, also for the section functions. @param[out] why May be NULL. @return As tg_scan_next. */
enum tg_err tg_lanes_next(struct tg_lanes *lanes, struct tg_scan_view *view, struct tg_why *why);

/** @brief The scan that gave the last answer; once that was TG_E_NOT_FOUND it is at the journal's
 *  end. @param lanes Open. @return Borrowed until the next call. */
struct tg_scan *tg_lanes_scan(struct tg_lanes *lanes);

/** @brief End. @param lanes Opened, or NULL. */
void tg_lanes_close(struct tg_lanes *lanes);

#endif
