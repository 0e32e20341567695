/* SPDX-License-Identifier: Apache-2.0 */
/* What the journal of a data folder adds up to, for scripts that compare it with the truth. */
#include "bench/bench_extra.h"

#include "bench/bench_reference.h"
#include "ledger/scan.h"

#include <inttypes.h>
#include <stdio.h>

static enum tg_err fold(void *context, const struct tg_scan_view *view)
{
    struct tg_sums *sums = context;
    for (uint32_t i = 0; i < view->rows_count; i++) {
        if (view->fate[i] != TG_FATE_RATED) {
            sums->other_count++;
            continue;
        }
        sums->rows_count++;
        sums->amount += view->amount[i];
        sums->billed_units += view->billed_units[i];
        sums->allowance_units += view->allowance_units[i];
    }
    return TG_OK;
}

enum tg_err tg_bench_sums(const struct tg_bench_extra *extra, struct tg_why *why)
{
    struct tg_sums sums = {0};
    struct tg_scan *scan = NULL;
    const struct tg_scan_params params = {
        .size_bytes = sizeof params,
        .dir = extra->dir,
        .columns = TG_COLUMN_BIT(fate) | TG_COLUMN_BIT(amount) | TG_COLUMN_BIT(billed_units) |
                   TG_COLUMN_BIT(allowance_units)};
    enum tg_err err = tg_scan_open(&params, &scan, why);
    err = err == TG_OK ? tg_scan_fold(scan, fold, &sums, why) : err;
    tg_scan_close(scan);
    if (err == TG_OK) {
        (void)printf("records=%" PRIu64 "\nother=%" PRIu64 "\namount=%" PRIi64 "\nunits=%" PRIu64
                     "\nfree_units=%" PRIu64 "\n",
                     sums.rows_count, sums.other_count, sums.amount, sums.billed_units,
                     sums.allowance_units);
    }
    return err;
}
