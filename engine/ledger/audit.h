/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The audit: one fate for every record, per source, per hour and overall, in rows and
 * units.
 *
 *  Source: design.md law 1. Threads: one thread, any process. Allocates: while it runs; a tool.
 *  Cost: checks every octet of the journal.
 *
 *  in = rated + suspended + duplicate + filtered + merged + held. `in` comes from the source
 * tables, counted at decode; the fates come from rows, refusals and releases. Refusals count one
 * record and no unit. Hours are journal hours (tg_block_time of the commit block).
 */
#ifndef TG_LEDGER_AUDIT_H
#define TG_LEDGER_AUDIT_H

#include "ledger/audit_credit.h"
#include "record/charge.h"

#include <stdbool.h>
#include <stdint.h>

struct tg_why;

/** @brief Records and units of one line. */
struct tg_audit_sums {
    int64_t in_rows;                   /**< Brought in. */
    int64_t in_units;                  /**< Octets, milliseconds or events. */
    int64_t fate_rows[TG_FATE_COUNT];  /**< By enum tg_fate; index 0 must stay 0. */
    int64_t fate_units[TG_FATE_COUNT]; /**< By enum tg_fate. */
    bool is_balanced;                  /**< in equals the sum of fates, in rows and in units. */
};

/** @brief A line of the audit. */
struct tg_audit_line {
    int64_t key;               /**< source_id, or the hour's start in UTC ns. */
    uint64_t source_key;       /**< For sources: hash of the name; 0 when no table named it. */
    uint64_t messages_count;   /**< For sources. */
    uint64_t missing_count;    /**< For sources: sequence gaps. */
    struct tg_audit_sums sums; /**< Records and units. */
};

/** @brief The result; free with tg_audit_free. */
struct tg_audit {
    struct tg_audit_sums total;    /**< Everything. */
    struct tg_audit_line *sources; /**< Sorted by source_id; shape [sources_count]. */
    uint32_t sources_count;        /**< How many. */
    uint32_t hours_count;          /**< How many. */
    struct tg_audit_line *hours;   /**< Sorted by time; shape [hours_count]. */
    uint64_t epochs_count;         /**< Committed epochs. */
    uint64_t blocks_count;         /**< Blocks checked. */
    uint64_t stored_bytes;         /**< Octets checked. */
    uint64_t last_epoch;           /**< Last committed epoch. */
    uint64_t stray_releases_count; /**< Releases that name nothing held: makes it unbalanced. */
    struct tg_audit_credit credit; /**< Prepaid. */
    bool is_balanced;              /**< Total and every source and every hour, and prepaid. */
};

/**
 * @brief Audit the journal of a data directory.
 * @param[in]  data_dir   Data directory.
 * @param[in]  epoch_min  The journal must reach at least this epoch (a checkpoint's); 0: any.
 * @param[out] audit      Written on TG_OK and TG_E_UNBALANCED; free with tg_audit_free.
 * @param[out] why        Filled on failure; may be NULL.
 * @return TG_OK, TG_E_UNBALANCED, TG_E_CORRUPT, TG_E_CHAIN, TG_E_FORMAT, TG_E_IO, TG_E_NO_MEMORY.
 */
enum tg_err tg_audit_run(const char *data_dir, uint64_t epoch_min, struct tg_audit *audit,
                         struct tg_why *why);

/** @brief Free what a run made. @param audit From tg_audit_run; all zero is fine. */
void tg_audit_free(struct tg_audit *audit);

#endif
