/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief A start after a crash: a journal of chosen size, a writer that is killed, and how long
 *         the engine takes to be ready again.
 *
 *  Source: reference/reliability.md section 3 row 1 (recovery <= 2 s a GB of journal without a
 *  checkpoint). Threads: main; the writer is a process of its own. Allocates: as a pipeline does.
 *  Cost: 10 s of writing a GB, then what is measured.
 */
#ifndef TG_BENCH_BENCH_RECOVER_H
#define TG_BENCH_BENCH_RECOVER_H

#include "base/error.h"
#include "bench/bench_extra.h"

struct tg_inventory;
struct tg_profile;

/**
 * @brief Write a journal of flows into a data folder as the pipeline does, and die in the middle of
 *        an epoch.
 * @param[in]  extra     subscribers, datagrams, journal_mib.
 * @param[in]  data_dir  Has no journal yet; a folder `made` in it is used and removed.
 * @param[out] why       Reason.
 * @return TG_OK; TG_E_IO; what a room said in the process that wrote.
 */
enum tg_err tg_bench_journal_make(const struct tg_bench_extra *extra, const char *data_dir,
                                  struct tg_why *why);

/**
 * @brief Open the data folder as the engine does; print each step's CPU and wall time.
 * @param[in]  extra      subscribers, dedup_records, is_csv.
 * @param[in]  data_dir   With catalog and journal.
 * @param[in]  inventory  Nodes.
 * @param[in]  profiles   One.
 * @param[out] why        Reason.
 * @return TG_OK; TG_E_INVALID when the account lines are not what the journal's rows add up to;
 *         what a room said.
 */
enum tg_err tg_bench_recover_run(const struct tg_bench_extra *extra, const char *data_dir,
                                 const struct tg_inventory *inventory,
                                 const struct tg_profile *const *profiles, struct tg_why *why);

#endif
