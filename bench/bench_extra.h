/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief What `tollgate bench` does besides CPU time per row: captures for others, latency, loss.
 *
 *  Source: none. Threads: main. Allocates: as each mode says. Cost: seconds to a minute each.
 *
 *  A mode is chosen by its option (--capture DIR, --bill-world DIR, --scan, --replay DATA,
 *  --sustained, --latency, --lossless) anywhere on the command line and reads its own options; what
 *  it does not know is a mistake in usage.
 */
#ifndef TG_BENCH_BENCH_EXTRA_H
#define TG_BENCH_BENCH_EXTRA_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/** @brief Options of all modes; each uses what it needs. */
struct tg_bench_extra {
    const char *dir;            /**< Scratch folder, or where --capture writes; borrowed. */
    uint32_t subscribers_count; /**< Size. */
    uint32_t datagrams_count;   /**< 26 records each. */
    uint32_t seconds;           /**< Of one trial or one load. */
    uint32_t rate;              /**< Records a second at full load; 0: measure it first. */
    uint32_t rows_count;        /**< SCAN: of the journal; BILL WORLD: of each account. */
    const char *port;           /**< LOSSLESS: "af_packet:IF" or "af_xdp:IF"; NULL: a socket. */
    const char *peer;           /**< LOSSLESS: network namespace to send from; NULL: this one. */
    const char *address;        /**< LOSSLESS: IPv4 address sent to; NULL: one on loopback. */
    uint32_t prices_count;      /**< START, SWAP: prefixes of the deck. */
    uint32_t trials_count;      /**< LOSSLESS: steps of the search; SWAP, CHECKPOINT: how many. */
    uint32_t journal_mib;       /**< START: journal that a start reads. */
    uint32_t dedup_records;     /**< START: records of one generation of the duplicate check. */
    bool is_csv;                /**< CSV with a header. */
};

/**
 * @brief Run the mode the command line asks for, if it asks for one.
 * @param[in]  argc  As main's.
 * @param[in]  argv  As main's; [0] is the verb.
 * @param[out] code  Exit code of the mode; untouched when there is none.
 * @return true when a mode was asked for.
 */
bool tg_bench_extra_run(int argc, char **argv, int *code);

/** @brief Write what other programs are compared on: flows.pcap, head.pcap (its template alone),
 *  sessions.pcap (RADIUS), catalog, configuration, records.csv, and expected.env, which says what
 *  must come out. @param extra dir, subscribers, datagrams. @param[out] why Reason.
 *  @return TG_OK, TG_E_IO, TG_E_NO_MEMORY or what the catalog said. */
enum tg_err tg_bench_capture(const struct tg_bench_extra *extra, struct tg_why *why);

/** @brief Print what the rated rows of a data folder add up to, as NAME=VALUE. @param extra dir.
 *  @param[out] why Reason. @return TG_OK, or what the scan said. */
enum tg_err tg_bench_sums(const struct tg_bench_extra *extra, struct tg_why *why);

/** @brief Rows a second of wall time of the whole path while its input is always there, on one
 *  lcore and on two. @param extra dir, subscribers, datagrams, seconds of each of five runs.
 *  @param[out] why Reason. @return TG_OK, TG_E_INVALID when the output was wrong, or what a room
 *  said. */
enum tg_err tg_bench_sustained(const struct tg_bench_extra *extra, struct tg_why *why);

/** @brief CPU time a row of writing a journal and of folds over it. @param extra dir, rows,
 *  subscribers. @param[out] why Reason. @return TG_OK, TG_E_CORRUPT when a fold's sums are not what
 *  was written, or what the journal said. */
enum tg_err tg_bench_scan(const struct tg_bench_extra *extra, struct tg_why *why);

/** @brief Make a carrier whose month is rated and not yet billed: catalog and data below a folder,
 *  and expected.env, which says what the invoices of 2026-10 must add up to. @param extra dir,
 *  subscribers (an account each), rows. @param[out] why Reason. @return TG_OK, TG_E_IO,
 *  TG_E_NO_MEMORY, or what the catalog or the rater said. */
enum tg_err tg_bench_bill_world(const struct tg_bench_extra *extra, struct tg_why *why);

/** @brief CPU time a row of rerate and what-if over a data folder, on one thread and on two, beside
 *  that of one worker's rating stage (duplicate check, price, account) on the same rows: its row
 *  rate is what theirs is held against. @param extra dir. @param[out] why Reason.
 *  @return TG_OK, TG_E_CORRUPT when something changes with the same catalog, or what the journal
 *  said. */
enum tg_err tg_bench_replay(const struct tg_bench_extra *extra, struct tg_why *why);

/** @brief Latency of rows at 50 % and 80 % of full load, from the moment each should have been
 *  sent, to rated and to durable. @param extra Options. @param[out] why Reason.
 *  @return TG_OK, or what set-up or the journal said. */
enum tg_err tg_bench_latency(const struct tg_bench_extra *extra, struct tg_why *why);

/** @brief Memory by table and load time of so many subscribers, from LMDB as a start does it; each
 *  is found again under its number. @param extra dir, subscribers, prices. @param[out] why Reason.
 *  @return TG_OK; TG_E_INVALID somebody is not found; what a room said. */
enum tg_err tg_bench_start(const struct tg_bench_extra *extra, struct tg_why *why);

/** @brief A start after a crash: what `start` does with its journal, again for a folder that it
 *  left, or made there when it is empty. @param extra dir, subscribers, journal_mib, dedup_records.
 *  @param[out] why Reason. @return As tg_bench_start. */
enum tg_err tg_bench_recover(const struct tg_bench_extra *extra, struct tg_why *why);

/** @brief What the machine gives: random lines, streams, CRC, instructions, beside the figures that
 *  the reference machine gave. @param extra is_csv. @param[out] why Reason.
 *  @return TG_OK or TG_E_NO_MEMORY. */
enum tg_err tg_bench_roofline(const struct tg_bench_extra *extra, struct tg_why *why);

/** @brief Rows in open loop while catalogs are imported and swapped: latency with and without, and
 *  rows in = rows rated. @param extra Options. @param[out] why Reason. @return TG_OK; TG_E_INVALID
 *  a row is missing or wrong, or no row saw a new catalog; what a room said. */
enum tg_err tg_bench_swap(const struct tg_bench_extra *extra, struct tg_why *why);

/** @brief Rows in open loop while checkpoints are written: latency with and without, rows in = rows
 *  rated, and accounts recovered from the last checkpoint equal to the engine's. @param extra
 *  Options. @param[out] why Reason. @return TG_OK; TG_E_INVALID a row is missing or wrong;
 *  TG_E_CORRUPT an account is another after recovery; what a room said. */
enum tg_err tg_bench_checkpoint(const struct tg_bench_extra *extra, struct tg_why *why);

/** @brief Write <dir>/catalog/accounts.csv and subscribers.csv. @param dir Has catalog/.
 *  @param count Subscribers; number i is tg_world_number(i) and gets dense index i.
 *  @param[out] why Reason. @return TG_OK or TG_E_IO. */
enum tg_err tg_bench_people_write(const char *dir, uint32_t count, struct tg_why *why);

/** @brief Highest rate without loss, found by halving. @param extra Options.
 *  @param[out] why Reason. @return TG_OK, or what set-up said. */
enum tg_err tg_bench_lossless(const struct tg_bench_extra *extra, struct tg_why *why);

#endif
