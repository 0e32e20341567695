/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief What the duplicate check remembers of a journal block, made ahead of remembering it.
 *
 *  Source: mediate/dedup.h. Threads: what is made belongs to a lane (ledger/lanes.h), remembering
 *  to the control thread. Allocates: in create, and when a block has more rows than any before.
 *  Cost: 1 ns a row that is forgotten again before the journal ends, 10 ns for others.
 */
#ifndef TG_FLOW_REMEMBER_H
#define TG_FLOW_REMEMBER_H

#include "flow/rating.h"
#include "ledger/scan.h"

struct tg_dedup_records;

/** @brief Of one block. */
struct tg_remember {
    struct tg_dedup_records *records;  /**< Its records. */
    bool has_records;                  /**< They are of this block. */
    uint32_t records_count;            /**< Rows that are remembered. */
    int64_t event_ns_max;              /**< The latest of them. */
    uint32_t fate_rows[TG_FATE_COUNT]; /**< Rows by fate. */
};

/** @brief Make room. @param[out] made Written. @param dedup tg_dedup_restore_begin was called.
 *  @return TG_OK, TG_E_NO_MEMORY. */
enum tg_err tg_remember_open(struct tg_remember *made, const struct tg_dedup *dedup);

/** @brief Give it back. @param made Opened, or zero. */
void tg_remember_close(struct tg_remember *made);

/** @brief Begin a block. @param made Its lane's. @param view The block's. */
void tg_remember_begin(struct tg_remember *made, const struct tg_scan_view *view);

/** @brief Count verdicts of the block's next rows, and make their records if they are whole.
 *  @param made Begun. @param view The block's, with fate, reason and start_ns, and whole rows or
 *  none. @param from First row. @param count Rows. */
void tg_remember_add(struct tg_remember *made, const struct tg_scan_view *view, uint32_t from,
                     uint32_t count);

/**
 * @brief Remember a block, the next in journal order: tg_rating_remember of all its rows.
 * @param[in,out] rating  Worker that owns the rows.
 * @param[in]     made    Made of the block.
 * @param[in]     view    The block's.
 * @param[out]    why     May be NULL.
 * @return TG_OK, or as tg_scan_structs.
 */
enum tg_err tg_remember_block(struct tg_rating *rating, const struct tg_remember *made,
                              const struct tg_scan_view *view, struct tg_why *why);

#endif
