/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Inside of a scan: shared by scan.c, columns_read.c, sections.c, recover.c and audit.c.
 *
 *  Source: ledger/scan.h. Threads: one. Allocates: tg_scan_open, and a section's memory at its
 * first use. Cost: none of its own.
 */
#ifndef TG_LEDGER_SCAN_STATE_H
#define TG_LEDGER_SCAN_STATE_H

#include "ledger/journal.h"
#include "ledger/reader.h"

/** Most stored octets read at once: a section, or the eight planes of a word. */
#define TG_SCAN_STORED_BYTES_MAX (TG_SECTION_BYTES_MAX + 64u)
_Static_assert(TG_SCAN_STORED_BYTES_MAX >= 8 * TG_BLOCK_ROWS_MAX, "a word's planes fit");

/** @brief A scan. */
struct tg_scan {
    struct tg_scan_params params; /**< dir is not valid any more. */
    struct tg_reader reader;      /**< At the block being given. */
    struct tg_reader ahead;       /**< Looks for proof that an epoch was durable. */
    bool is_ahead_ended;          /**< Nothing follows `ahead`. */
    bool is_ended;                /**< Everything was given. */
    bool checks_all;              /**< Check every octet of every block (audit). */
    uint64_t proved_epoch;        /**< At the end: last epoch whose blocks all check. */
    struct tg_journal_tail good;  /**< Behind the last block of the last good epoch. */
    enum tg_err failed;           /**< Sticky. */
    struct tg_why why;            /**< Of it. */

    struct tg_reader_block block;                       /**< Current. */
    struct tg_section_entry entries[TG_SECTION_COUNT];  /**< Its directory. */
    struct tg_rows_head rows;                           /**< Head of its rows section. */
    struct tg_plane_entry planes_stored[TG_ROW_PLANES]; /**< By plane; length 0 when constant. */
    uint32_t plane_offset[TG_ROW_PLANES + 1];           /**< In the block, by plane. */

    struct tg_codec *codec; /**< For decompression. */
    uint8_t *stored;        /**< TG_SCAN_STORED_BYTES_MAX octets as read. */
    uint32_t rows_capacity; /**< Rows that the arrays below hold; they grow with the blocks. */
    uint8_t *planes;        /**< Eight planes, tg_scan_stride() octets apart. */
    uint64_t *words;        /**< A word of every row. */
    void *columns[TG_COLUMN_COUNT];          /**< Asked columns. */
    struct tg_usage *usage;                  /**< With wants_structs. */
    struct tg_charge *charges;               /**< With wants_structs. */
    uint8_t *sections[TG_SECTION_COUNT];     /**< Decompressed. */
    size_t sections_bytes[TG_SECTION_COUNT]; /**< Their size, taken as it is needed. */
    uint32_t loaded; /**< TG_SECTION_BIT of sections that hold this block's. */
};

/** @brief Octets between planes. @param scan Open. @return Stride. */
static inline size_t tg_scan_stride(const struct tg_scan *scan)
{
    return (size_t)scan->rows_capacity + TG_PLANE_SLACK;
}

/** @brief Make room for a block's rows in all arrays. @param scan Open. @param rows_count At most
 *  TG_BLOCK_ROWS_MAX. @return TG_OK, TG_E_NO_MEMORY. */
enum tg_err tg_scan_room(struct tg_scan *scan, uint32_t rows_count);

/** @brief Decode the asked columns of the current block into the view. @param scan Open.
 *  @param[in,out] view Being made. @return TG_OK, TG_E_CORRUPT, TG_E_IO. */
enum tg_err tg_scan_decode_rows(struct tg_scan *scan, struct tg_scan_view *view);

/** @brief Directory entry of a section of the current block. @param scan Open. @param kind enum
 *  tg_section. @return Entry or NULL. */
const struct tg_section_entry *tg_scan_entry(const struct tg_scan *scan, uint32_t kind);

/** @brief Note a failure with the place of the current block. @param scan Open. @param err Error.
 *  @param what Static text. @param[out] why May be NULL. @return err. */
enum tg_err tg_scan_fail(struct tg_scan *scan, enum tg_err err, const char *what,
                         struct tg_why *why);

#endif
